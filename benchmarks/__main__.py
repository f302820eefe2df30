"""How fast gradcli is, as ratios against those who do the same: `python benchmarks`, from the root of the repository.

It measures the gradcli that is installed for this Python. PyTorch takes part, with one thread, where it's installed.
Each job's results are compared before it's timed; a difference ends the run with status 1.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec

import chain
import deep
import loop
import start
from measure import Row, WrongResult


def rows(quick: bool, torch: bool) -> Iterator[Row]:
    yield from start.rows(3 if quick else 21, torch)
    yield from chain.rows(3 if quick else 21, torch, passes=10 if quick else 100)
    yield from deep.rows(1 if quick else 5, torch, nodes=10**5 if quick else 10**6)
    yield from loop.rows(3 if quick else 21, turns=10**4 if quick else 2 * 10**5)


HEADINGS = ("job", "reference", "gradcli / reference", "gradcli / PyTorch")


def cells(row: Row) -> tuple[str, ...]:
    return row.job, row.reference, str(row.ratio(row.reference) or ""), str(row.ratio("PyTorch") or "")


def table(found: list[Row]) -> str:
    lines = [HEADINGS, *map(cells, found)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    padded = (map(str.ljust, line, widths) for line in lines)
    return "\n".join("  ".join(line).rstrip() for line in padded)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python benchmarks", description="How fast gradcli is, as ratios.")
    parser.add_argument("--quick", action="store_true", help="few rounds at small sizes, to see that it runs")
    parser.add_argument("--json", action="store_true", help="one JSON object with all measurements")
    options = parser.parse_args()

    torch = find_spec("torch") is not None
    if torch:
        from torch import set_num_threads

        set_num_threads(1)
    packages = ("gradcli", "numpy", "torch") if torch else ("gradcli", "numpy")
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    try:
        found = list(rows(options.quick, torch))
    except WrongResult as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"versions": versions, "rows": [row.as_json() for row in found]}, indent=1))
    else:
        print(", ".join(f"{name} {number}" for name, number in versions.items()))
        print("Ratios of medians (quartiles of single rounds); below 1 gradcli is faster, or smaller.\n")
        print(table(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
