"""A loop on plain numbers: a script in explicit mode against the same lines as a Python function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter

from measure import Row, WrongResult, interleave

from gradcli import Session

REFERENCE = "Python function"
SCRIPT = """
x = 0.0
i = 0
while i < {turns} {{
    x = x*0.999 + 0.001
    i = i + 1
}}
"""


def by_script(turns: int) -> float:
    session = Session(tracking="explicit")
    for _ in session.run(SCRIPT.format(turns=turns)):
        pass
    return session["x"]


def by_python(turns: int) -> float:
    x = 0.0
    i = 0
    while i < turns:
        x = x * 0.999 + 0.001
        i = i + 1
    return x


def rows(rounds: int, turns: int) -> Iterator[Row]:
    if by_script(1000) != by_python(1000):
        raise WrongResult(f"loop: {by_script(1000)}, and in Python {by_python(1000)}")

    def timed(run: Callable[[int], float]) -> Callable[[], float]:
        def measure() -> float:
            start = perf_counter()
            run(turns)
            return (perf_counter() - start) / turns

        return measure

    peers = {"gradcli": timed(by_script), REFERENCE: timed(by_python)}
    yield Row("loop on numbers", "s per turn", REFERENCE, interleave(peers, rounds))
