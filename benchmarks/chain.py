"""A chain of 100 operations, forward and backward: by the engine, by a script, by hand in NumPy, by PyTorch.

One block is `h * 1.1`, `+ 0.1`, `sin`, `* w`, with gradients in the first h and in the leaf w, which every block uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import numpy as np
from measure import Row, WrongResult, interleave

from gradcli import Session, tensor
from gradcli.engine import backward

BLOCKS = 25
OPERATIONS = 4 * BLOCKS
REFERENCE = "NumPy by hand"

Result = tuple[Any, Any, Any]
"""The chain's last value, and the gradients, summed over the passes, in its first value and in the leaf."""

SCRIPT = f"""
x = first.clone().requires_grad_()
w = leaf.clone().requires_grad_()
v = ones_like(x)
for step in range(passes) {{
    h = x
    for block in range({BLOCKS}) {{
        h = sin(h * 1.1 + 0.1) * w
    }}
    h.backward(v)
}}
"""


def by_hand(x: Any, w: Any, passes: int) -> Result:
    x_grad, w_grad = np.zeros_like(x)[()], np.zeros_like(w)[()]
    for _ in range(passes):
        h = x
        saved = []
        for _ in range(BLOCKS):
            a = h * 1.1 + 0.1
            s = np.sin(a)
            h = s * w
            saved.append((a, s))
        g = np.ones_like(x)[()]
        for a, s in reversed(saved):
            w_grad = w_grad + g * s
            g = g * w * np.cos(a) * 1.1
        x_grad = x_grad + g
    return h, x_grad, w_grad


def by_engine(first: Any, leaf: Any, passes: int) -> Result:
    x, w = tensor(first, requires_grad=True), tensor(leaf, requires_grad=True)
    v = tensor(np.ones_like(first))
    for _ in range(passes):
        h = x
        for _ in range(BLOCKS):
            h = np.sin(h * 1.1 + 0.1) * w
        backward([h], [v])
    return h, x.grad, w.grad


def by_script(first: Any, leaf: Any, passes: int) -> Result:
    session = Session()
    session["first"], session["leaf"], session["passes"] = first, leaf, passes
    for _ in session.run(SCRIPT):
        pass
    return session["h"], session["x"].grad, session["w"].grad


def by_torch(first: Any, leaf: Any, passes: int) -> Result:
    import torch

    x, w = (torch.tensor(data, dtype=torch.float64, requires_grad=True) for data in (first, leaf))
    v = torch.ones_like(x)
    for _ in range(passes):
        h = x
        for _ in range(BLOCKS):
            h = torch.sin(h * 1.1 + 0.1) * w
        h.backward(v)
    return h.detach(), x.grad, w.grad


def timed(run: Callable[[Any, Any, int], Result], first: Any, leaf: Any, passes: int) -> Callable[[], float]:
    """Seconds for one operation, its backward included."""

    def measure() -> float:
        start = perf_counter()
        run(first, leaf, passes)
        return (perf_counter() - start) / (passes * OPERATIONS)

    return measure


def check(runs: dict[str, Callable[[Any, Any, int], Result]], first: Any, leaf: Any) -> None:
    expected = by_hand(first, leaf, 2)
    for name, run in runs.items():
        for found, right in zip(run(first, leaf, 2), expected, strict=True):
            if not np.allclose(np.asarray(found), right, rtol=1e-9, atol=1e-12):
                raise WrongResult(f"chain by {name}: {found}, and by hand {right}")


def rows(rounds: int, torch: bool, passes: int) -> Iterator[Row]:
    generator = np.random.default_rng(0)
    for size, label in (((), "0-d"), ((4,), "n = 4"), ((1000,), "n = 1000")):
        first, leaf = (np.asarray(generator.uniform(0.5, 1.5, size))[()] for _ in range(2))
        runs = {"engine": by_engine, "script": by_script, REFERENCE: by_hand}
        if torch:
            runs["PyTorch"] = by_torch
        check(runs, first, leaf)
        times = interleave({name: timed(run, first, leaf, passes) for name, run in runs.items()}, rounds)
        for way in ("engine", "script"):
            shared = {name: values for name, values in times.items() if name in (REFERENCE, "PyTorch")}
            yield Row(f"chain of 100, {label}, {way}", "s per operation", REFERENCE, {"gradcli": times[way]} | shared)
