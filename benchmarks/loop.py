"""Loops: on plain numbers, on single numbers with gradients, and many small graphs one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from measure import OURS, Job, Result, job_of_runs
from peers import Task

from gradcli import Session

REFERENCE = "Python function"
SCRIPT = """
for step in range(passes) {{
    x = 0.0
    i = 0
    while i < {turns} {{
        x = x*0.999 + 0.001
        i = i + 1
    }}
}}
"""


def by_script(turns: int) -> Callable[[int], Result]:
    def run(passes: int) -> Result:
        session = Session(tracking="explicit")
        session["passes"] = passes
        for _ in session.run(SCRIPT.format(turns=turns)):
            pass
        return session["x"], session["i"]

    return run


def by_python(turns: int) -> Callable[[int], Result]:
    def run(passes: int) -> Result:
        for _ in range(passes):
            x = 0.0
            i = 0
            while i < turns:
                x = x * 0.999 + 0.001
                i = i + 1
        return x, i

    return run


def recurrence(turns: int) -> Callable[..., Any]:
    def value(np: Any, x: Any, a: Any, b: Any) -> Any:
        for _ in range(turns):
            x = x * a + b
        return x

    return value


def in_jax(turns: int) -> Callable[..., Any]:
    def value(np: Any, x: Any, a: Any, b: Any) -> Any:
        from jax.lax import fori_loop

        return fori_loop(0, turns, lambda _, x: x * a + b, x)

    return value


def recurrence_by_hand(turns: int) -> Callable[..., Result]:
    def value_and_gradients(x: Any, a: Any, b: Any) -> Result:
        x, a, b = float(x), float(a), float(b)
        saved = []
        for _ in range(turns):
            saved.append(x)
            x = x * a + b
        g, a_grad, b_grad = 1.0, 0.0, 0.0
        for before in reversed(saved):
            a_grad += g * before
            b_grad += g
            g *= a
        return x, g, a_grad, b_grad

    return value_and_gradients


def small(np: Any, x: Any, y: Any) -> Any:
    return x * y + x * x


def small_by_hand(x: Any, y: Any) -> Result:
    return x * y + x * x, y + 2 * x, x


def jobs(quick: bool) -> Iterator[Job]:
    turns = 10**3 if quick else 10**5
    yield job_of_runs(
        f"loop on numbers, {turns:,} turns", REFERENCE, {OURS: by_script(turns), REFERENCE: by_python(turns)}, rounds=15
    )
    turns = 50 if quick else 1000
    yield Task(
        f"loop on a 0-d tensor, {turns:,} turns and a backward",
        recurrence(turns),
        f"h = x\nfor turn in range({turns}) {{ h = h * a + b }}\nloss = h",
        recurrence_by_hand(turns),
        (np.array(0.5), np.array(0.999), np.array(0.001)),
        own={"jax": in_jax(turns)},
    ).job(rounds=15)
    yield Task(
        "many backwards, each of three operations",
        small,
        "loss = x * y + x * x",
        small_by_hand,
        (np.array(0.5), np.array(3.0)),
    ).job(rounds=15)
