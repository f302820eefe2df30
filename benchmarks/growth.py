"""What must not grow: each row compares a size with 1,000, in processes that are this file.

A statement in a session after so many others; the memory of a loop of so many turns that binds its names again; a
node's share of a backward through so many nodes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from math import cos
from time import perf_counter

from measure import Job, Result
from process import Process, command, in_process_of_its_own

SIZES = (10**3, 10**4, 10**5, 10**6)
LOOP = """
x = tensor(0.5, requires_grad=true)
for i in range({size}) {{
    y = sin(x) * 2
    y.backward()
    found = x.grad * 1
    x.grad = none
}}
print(f"{{found.item():.12f}}")
"""


def statement(before: int) -> tuple[float, float]:
    """Seconds for each of 500 statements after so many others, and the last one's value."""
    from gradcli import Session

    session = Session()

    def run(count: int) -> None:
        for _ in range(count):
            for _ in session.run("x = 3; y = x * x + 1"):
                pass

    run(before)
    start = perf_counter()
    run(500)
    return (perf_counter() - start) / 500, session["y"].item()


def backward(nodes: int) -> tuple[float, float]:
    """Seconds for each node of a backward, and the gradient of one through 1,000."""
    from gradcli import Session
    from gradcli.process import settle

    settle()
    session = Session()

    def run(text: str) -> None:
        for _ in session.run(text):
            pass

    forward = "y = x\nfor i in range({nodes}) {{\n y = sin(y)\n }}"
    run("x = tensor(0.5, requires_grad=true)\n" + forward.format(nodes=1000) + "\ny.backward()")
    gradient = session["x"].grad.item()
    repeats = max(1, 10**5 // nodes)
    seconds = 0.0
    for _ in range(repeats):
        run(forward.format(nodes=nodes))
        start = perf_counter()
        run("y.backward()")
        seconds += perf_counter() - start
    return seconds / (repeats * nodes), gradient


def label(size: int) -> str:
    return f"{size:,}"


def jobs(quick: bool) -> Iterator[Job]:
    sizes = (10, 20) if quick else SIZES
    first = label(sizes[0])
    ours = tuple(map(label, sizes[1:]))

    for what, title, rounds in (
        ("statement", "a statement after others", 1),  # a million before it take minutes
        ("backward", "a node's backward in a chain", 3),
    ):
        runs = {label(size): partial(in_process_of_its_own, __file__, what, size) for size in sizes}

        def results(runs: dict[str, Callable[[], tuple[float, float]]] = runs) -> dict[str, Result]:
            # All sizes end in the same value; the small ones show it.
            return {name: runs[name]()[1:] for name in list(runs)[:2]}

        yield Job(
            title,
            first,
            {name: lambda run=run: {"time": run()[0]} for name, run in runs.items()},
            results,
            rounds,
            ours=ours,
        )

    loops = {label(size): Process([*command(), "eval", "-e", LOOP.format(size=size)]) for size in sizes}

    def gradients() -> dict[str, Result]:
        return {"by hand": [[2 * cos(0.5)]]} | {name: [loops[name].numbers()] for name in list(loops)[:2]}

    if sys.platform != "win32":
        yield Job("a loop that binds its names again", first, dict(loops), gradients, 1, {"memory": "bytes"}, ours)


if __name__ == "__main__":
    print(json.dumps({"statement": statement, "backward": backward}[sys.argv[1]](int(sys.argv[2]))))
