"""The memory that a chain of fifty operations on a large array takes beyond what is there before it, at its peak.

Each measurement has a process of its own, which is this file: `python eager.py gradcli 1000000` prints it as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from measure import OURS, Job, Measurement, Result
from peers import AUTOGRAD, INSTALLED, MYGRAD, TORCH_1
from process import in_process_of_its_own

REFERENCE = "NumPy by hand"
BLOCKS = 25

Chain = Callable[[int], float]
"""Runs the chain forward and backward on so many elements, and gives the first gradient."""


def peak() -> int | None:
    """The most bytes of memory that this process has held; None where the system doesn't say it in this way."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def by_gradcli(n: int) -> float:
    from gradcli import Session
    from gradcli.process import settle

    settle()
    session = Session()
    text = (
        f"x = full([{n}], 0.5, requires_grad=true); h = x\n"
        f"for block in range({BLOCKS}) {{ h = exp(h) * 0.3 }}\n"
        "loss = h.mean(); del h; loss.backward()"
    )
    for _ in session.run(text):
        pass
    return session["x"].grad[0].item()


def by_hand(n: int) -> float:
    import numpy as np

    h = np.full(n, 0.5)
    saved = []
    for _ in range(BLOCKS):
        e = np.exp(h)
        saved.append(e)
        h = e * 0.3
    g = np.full(n, 1 / n)
    while saved:
        g *= 0.3
        g *= saved.pop()
    return float(g[0])


def by_torch(n: int) -> float:
    import torch

    torch.set_num_threads(1)
    x = torch.full((n,), 0.5, dtype=torch.float64, requires_grad=True)
    h = x
    for _ in range(BLOCKS):
        h = torch.exp(h) * 0.3
    loss = h.mean()
    del h
    loss.backward()
    return float(x.grad[0])


def by_autograd(n: int) -> float:
    import autograd
    import autograd.numpy as np

    def chain(h: object) -> object:
        for _ in range(BLOCKS):
            h = np.exp(h) * 0.3
        return np.mean(h)

    return float(autograd.grad(chain)(np.full(n, 0.5))[0])


def by_mygrad(n: int) -> float:
    import mygrad
    import numpy as np

    x = mygrad.tensor(np.full(n, 0.5))
    h = x
    for _ in range(BLOCKS):
        h = mygrad.exp(h) * 0.3
    loss = h.mean()
    del h
    loss.backward()
    return float(x.grad[0])


WAYS: dict[str, Chain] = {
    OURS: by_gradcli, REFERENCE: by_hand, TORCH_1: by_torch, AUTOGRAD: by_autograd, MYGRAD: by_mygrad,
}  # fmt: skip


def measured(peer: str, n: int) -> dict[str, float | None]:
    WAYS[peer](10)  # loads what it needs
    before = peak()
    gradient = WAYS[peer](n)
    after = peak()
    return {"memory": None if before is None or after is None else after - before, "gradient": gradient * n}


def run(peer: str, n: int) -> Measurement:
    found = in_process_of_its_own(__file__, peer, n)
    return {name: value for name, value in found.items() if value is not None}


def jobs(quick: bool) -> Iterator[Job]:
    n = 10**3 if quick else 10**6
    names = [name for name in WAYS if name in (OURS, REFERENCE, *INSTALLED)]

    def results() -> dict[str, Result]:
        return {name: [run(name, 1000)["gradient"]] for name in names}

    if peak() is not None:
        yield Job(
            f"chain of {2 * BLOCKS}, n = {n:,}, peak",
            REFERENCE,
            {name: lambda name=name: run(name, n) for name in names},
            results,
            rounds=9,  # PyTorch comes to one of two peaks, from process to process
            units={"memory": "bytes"},
        )


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
