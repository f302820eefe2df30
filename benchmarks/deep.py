"""A chain too deep for recursion: time and memory for each of its nodes, from forward to freeing.

Each measurement has a process of its own, which is this file: `python deep.py gradcli 1000000` prints it as JSON.
MyGrad and micrograd go back by recursion, and can't.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from math import cos, sin
from pathlib import Path
from time import perf_counter

from measure import OURS, Job, Measurement, Result
from peers import AUTOGRAD, INSTALLED, JAX, TORCH_1, jax_in_float64
from process import in_process_of_its_own

FIRST = 0.5
REFERENCE = "Python by hand"

Steps = tuple[Callable[[], object], Callable[[], object], Callable[[], float]]
"""Forward; backward and freeing; and the gradient that came out, once both have run."""


def resident() -> int | None:
    """Bytes of memory that this process holds; None where the system doesn't say it in this way."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def by_gradcli(nodes: int) -> Steps:
    from gradcli import Session
    from gradcli.process import settle

    settle()
    session = Session()

    def run(text: str) -> None:
        for _ in session.run(text):
            pass

    run(f"x = tensor({FIRST}, requires_grad=true); y = x")
    forward = f"for i in range({nodes}) {{\n y = sin(y)\n }}"

    return lambda: run(forward), lambda: run("y.backward(); del y"), lambda: session["x"].grad.item()


def by_hand(nodes: int) -> Steps:
    saved: list[float] = []
    found = [1.0]

    def forward() -> None:
        y = FIRST
        for _ in range(nodes):
            saved.append(y)
            y = sin(y)

    def end() -> None:
        g = 1.0
        while saved:
            g *= cos(saved.pop())
        found[0] = g

    return forward, end, lambda: found[0]


def by_torch(nodes: int) -> Steps:
    import torch

    torch.set_num_threads(1)
    x = torch.tensor(FIRST, dtype=torch.float64, requires_grad=True)
    results = [x]

    def forward() -> None:
        y = x
        for _ in range(nodes):
            y = torch.sin(y)
        results[0] = y

    def end() -> None:
        results.pop().backward()

    return forward, end, lambda: x.grad.item()


def by_jax(nodes: int) -> Steps:
    jax = jax_in_float64()
    chain = jax.jit(lambda x: jax.vjp(lambda x: jax.lax.fori_loop(0, nodes, lambda _, y: jax.numpy.sin(y), x), x))
    back = jax.jit(lambda pull: pull(1.0)[0])
    held = [chain(FIRST)]
    found = [back(held.pop()[1])]

    def end() -> None:
        found[0] = jax.block_until_ready(back(held.pop()[1]))

    return lambda: held.append(jax.block_until_ready(chain(FIRST))), end, lambda: float(found[0])


def by_autograd(nodes: int) -> Steps:
    import autograd.numpy as np
    from autograd.core import make_vjp

    held: list[Callable[[float], float]] = []
    found = [0.0]

    def chain(y: object) -> object:
        for _ in range(nodes):
            y = np.sin(y)
        return y

    def end() -> None:
        found[0] = held.pop()(1.0)

    def forward() -> None:
        from autograd.wrap_util import unary_to_nary

        held.append(unary_to_nary(lambda f, x: make_vjp(f, x)[0])(chain)(FIRST))

    return forward, end, lambda: float(found[0])


WAYS = {OURS: by_gradcli, REFERENCE: by_hand, TORCH_1: by_torch, JAX: by_jax, AUTOGRAD: by_autograd}


def measured(peer: str, nodes: int) -> dict[str, float | None]:
    forward, end, gradient = WAYS[peer](nodes)
    held = resident()
    start = perf_counter()
    forward()
    seconds = perf_counter() - start
    grown = resident()
    start = perf_counter()
    end()
    seconds += perf_counter() - start
    taken = None if held is None or grown is None else (grown - held) / nodes
    return {"time": seconds / nodes, "memory": taken, "gradient": gradient()}


def run(peer: str, nodes: int) -> Measurement:
    found = in_process_of_its_own(__file__, peer, nodes)
    return {name: value for name, value in found.items() if value is not None}


def jobs(quick: bool) -> Iterator[Job]:
    nodes = 10**3 if quick else 10**6
    names = [name for name in WAYS if name in (OURS, REFERENCE, *INSTALLED)]

    def results() -> dict[str, Result]:
        return {name: [run(name, 1000)["gradient"]] for name in names}

    yield Job(
        f"chain of {nodes:,}, n = 1",
        REFERENCE,
        {name: lambda name=name: run(name, nodes) for name in names},
        results,
        rounds=3,
        units={"time": "s a node"} | ({"memory": "bytes a node"} if resident() is not None else {}),
    )


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
