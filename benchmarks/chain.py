"""A chain of 100 operations, forward and backward, on one number and on up to a million.

One block is `h * 1.1`, `+ 0.1`, `sin`, `* w`, with gradients in the first h and in the leaf w, which every block uses.
On many numbers the chain is shorter: what its operations save would fill a small machine's memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from measure import Job, Result
from peers import Task


def chained(blocks: int) -> Callable[..., Any]:
    def value(np: Any, x: Any, w: Any) -> Any:
        h = x
        for _ in range(blocks):
            h = np.sin(h * 1.1 + 0.1) * w
        return np.sum(h)

    return value


def by_hand(blocks: int) -> Callable[[Any, Any], Result]:
    def value_and_gradients(x: Any, w: Any) -> Result:
        h = x
        saved = []
        for _ in range(blocks):
            a = h * 1.1 + 0.1
            s = np.sin(a)
            h = s * w
            saved.append((a, s))
        g = np.ones_like(x)[()]
        w_grad = 0.0
        for a, s in reversed(saved):
            w_grad = w_grad + g * s
            g = g * w * np.cos(a) * 1.1
        return np.sum(h), g, w_grad

    return value_and_gradients


def jobs(quick: bool) -> Iterator[Job]:
    generator = np.random.default_rng(0)
    for n in (1, 4, 100) if quick else (1, 4, 10**3, 10**5, 10**6):
        blocks = 25 if n < 10**5 else 5
        x, w = (generator.uniform(0.5, 1.5, () if n == 1 else n) for _ in range(2))
        task = Task(
            f"chain of {4 * blocks}, n = {n:,}",
            chained(blocks),
            f"h = x\nfor block in range({blocks}) {{ h = sin(h * 1.1 + 0.1) * w }}\nloss = h.sum()",
            by_hand(blocks),
            (np.asarray(x), np.asarray(w)),
        )
        yield task.job(rounds=15 if n < 10**5 else 7)
