"""How fast gradcli is, as ratios against those who do the same: `python benchmarks`, from the root of the repository.

It measures the gradcli that is installed for this Python, as a user has it: not in place (`pip install .`, without
`-e`). PyTorch, JAX, HIPS autograd, MyGrad and micrograd take part where they're installed for it too. Each job's
results are compared before it's timed; a difference ends the run with status 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version

# Threads of OpenBLAS that wait for work spin, and would take a processor from whoever comes next in a round.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")

import arrays
import chain
import deep
import derivatives
import eager
import growth
import loop
import mixture
import parsing
import start
from measure import Job, Row, WrongResult
from peers import INSTALLED, PACKAGES
from process import is_editable

MODULES = (start, parsing, chain, arrays, loop, deep, eager, derivatives, mixture, growth)


def jobs(quick: bool, only: str | None) -> Iterator[Job]:
    """Each while it's wanted: some hold files that are removed when the next one is asked for."""
    for module in MODULES:
        for job in module.jobs(quick):
            if only is None or only.casefold() in job.name.casefold():
                yield job


def cells(row: Row) -> tuple[str, ...]:
    return row.job, row.reference, *(str(row.ratio(peer) or "") for peer in (row.reference, *INSTALLED))


def lines_of(headings: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    """A table in Markdown, which is as easy to read as it stands."""
    widths = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]
    lines = [headings, tuple("-" * width for width in widths), *lines]
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)


def processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def surroundings() -> dict[str, object]:
    """What a ratio depends on: the machine, what else ran on it, and everybody's version."""
    packages = ("gradcli", "numpy", *dict.fromkeys(PACKAGES[peer] for peer in INSTALLED))
    found: dict[str, object] = {
        "machine": f"{platform.system()} {platform.machine()}, {processor()}, {os.cpu_count()} processors",
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
    }
    return found | {name: version(name) for name in packages}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python benchmarks", description="How fast gradcli is, as ratios.")
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing timed: are all results the same?")
    parser.add_argument("--only", metavar="NAME", help="the jobs that have NAME in theirs")
    parser.add_argument("--json", action="store_true", help="one JSON object with all measurements")
    options = parser.parse_args()
    if not options.quick and is_editable():
        parser.error("this gradcli is installed in place, and starts as no user's does: `pip install .` without `-e`")

    around = surroundings()
    agreed: list[tuple[str, ...]] = []
    rows: list[Row] = []
    try:
        for job in jobs(options.quick, options.only):
            if not options.json and sys.stderr.isatty():
                print(job.name, file=sys.stderr)
            agreed.append((job.name, ", ".join(job.check())))
            if not options.quick:
                rows += job.rows()
    except WrongResult as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    if not agreed:
        parser.error(f"no job has {options.only!r} in its name")

    if options.json:
        found: dict[str, object] = {"surroundings": around, "agreed": dict(agreed)}
        print(json.dumps(found | {"rows": [row.as_json() for row in rows]}, indent=1))
        return 0
    print(", ".join(f"{name} {value}" for name, value in around.items() if value is not None) + "\n")
    if options.quick:
        print(lines_of(("job", "the same results by"), agreed))
    else:
        print(
            "gradcli over each peer, the median of rounds (and quartiles); below 1 gradcli is faster, or smaller.\n"
        )
        headings = ("job", "reference", "to the reference", *(f"to {peer}" for peer in INSTALLED))
        print(lines_of(headings, list(map(cells, rows))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
