"""Text to code that is ready to run, against CPython's own parser on the same text; and long literals of numbers."""

from __future__ import annotations

import ast
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from measure import OURS, Job, Result, job_of_runs
from peers import BY_HAND, INSTALLED, MICROGRAD, TORCH_2
from process import PROGRAMS, Process, command, python

from gradcli import Session
from gradcli.language.dictionary import DICTIONARY
from gradcli.language.unit import compile_unit

REFERENCE = "Python's ast.parse"

BY_NUMPY = """
import numpy as np
class x: grad = 4 * np.array({data})
print({shown})
"""
SCRIPT = "x = {data}\ny = 2 * dot(x, x)\ny.backward()\nprint({shown})\n"
SHOWN = "float(x.grad.sum())"


def program(lines: int) -> str:
    """Assignments that are the same in Python and in gradcli, some 27 tokens each; no value leaves [-3, 3]."""
    random = Random(0)
    text = ["x0 = 0.5", "x1 = -0.25", "x2 = 1.5"]
    while len(text) < lines:
        a, b, c = (random.randrange(len(text)) for _ in range(3))
        p, q, r = (round(random.uniform(0.1, 2), 3) for _ in range(3))
        text.append(f"x{len(text)} = sin(x{a}*{p} + x{b}) - cos({q} - x{c}/(x{a}*x{a} + {r})) * tanh(-x{b})")
    return "\n".join(text) + "\n"


def compiled(text: str) -> None:
    compile_unit(
        text, "<text>", key="<text>#1", auto=None, known=set(), consts=set(), loop_names=set(), vocabulary=DICTIONARY
    )


def passes_of(work: Callable[[str], Any], text: str) -> Callable[[int], Result]:
    def run(passes: int) -> Result:
        for _ in range(passes):
            work(text)
        return ()

    return run


def parsed(name: str, text: str, values: Callable[[], dict[str, Result]]) -> Job:
    runs = {OURS: passes_of(compiled, text), REFERENCE: passes_of(ast.parse, text)}
    job = job_of_runs(name, REFERENCE, runs, rounds=7)
    job.results = values
    return job


def values_by_both(text: str, names: list[str]) -> dict[str, Result]:
    session = Session(tracking="explicit")
    for _ in session.run(text):
        pass
    scope: dict[str, Any] = {"sin": math.sin, "cos": math.cos, "tanh": math.tanh}
    exec(text, scope)
    return {OURS: [session[name] for name in names], REFERENCE: [scope[name] for name in names]}


def numbers(count: int) -> str:
    random = Random(1)
    return "[" + ", ".join(f"{random.uniform(-10, 10):.6f}" for _ in range(count)) + "]"


def jobs(quick: bool) -> Iterator[Job]:
    lines = 100 if quick else 5000
    text = program(lines)
    yield parsed(f"parse {lines:,} lines", text, lambda: values_by_both(text, [f"x{i}" for i in range(lines)]))
    count = 100 if quick else 10**5
    literal = "x = " + numbers(count)
    yield parsed(f"parse a literal of {count:,} numbers", literal, lambda: values_by_both(literal, ["x"]))

    for count in (100,) if quick else (10**5, 10**6):
        with tempfile.TemporaryDirectory() as folder:
            data = numbers(count)
            file = Path(folder, "literal.gr")
            file.write_text(SCRIPT.format(data=data, shown="x.grad.sum().item()"), encoding="utf-8")
            peers = {"file": Process([*command(), "eval", str(file)]), "pipe": Process(command(), input=file)}
            programs = {BY_HAND: BY_NUMPY} | PROGRAMS
            # Threads play no part, and micrograd has no arrays.
            for peer in (BY_HAND, *(peer for peer in INSTALLED if peer not in (TORCH_2, MICROGRAD))):
                written = Path(folder, f"by_{peer}.py")
                written.write_text(programs[peer].format(data=data, shown=SHOWN), encoding="utf-8")
                peers[peer] = python(peer, written)
            yield Job(
                f"literal of {count:,} numbers on a line",
                BY_HAND,
                dict(peers),
                lambda peers=peers: {name: [peer.numbers()] for name, peer in peers.items()},
                rounds=3,
                units={"time": "s", "memory": "bytes"} if sys.platform != "win32" else {"time": "s"},
                ours=("file", "pipe"),
            )
