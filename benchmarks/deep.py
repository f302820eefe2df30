"""A chain too deep for recursion: time and memory for each of its nodes, from forward to freeing.

Each measurement has a process of its own, which is this file: `python deep.py gradcli 1000000` prints it as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from measure import Row, WrongResult, interleave

FIRST = 0.5

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

    session = Session()

    def run(text: str) -> None:
        for _ in session.run(text):
            pass

    run(f"x = tensor({FIRST}, requires_grad=true); y = x")
    forward = f"for i in range({nodes}) {{\n y = sin(y)\n }}"

    return lambda: run(forward), lambda: run("y.backward(); del y"), lambda: session["x"].grad.item()


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


def measured(peer: str, nodes: int) -> dict[str, float | None]:
    forward, end, gradient = {"gradcli": by_gradcli, "PyTorch": by_torch}[peer](nodes)
    held = resident()
    start = perf_counter()
    forward()
    seconds = perf_counter() - start
    grown = resident()
    start = perf_counter()
    end()
    seconds += perf_counter() - start
    taken = None if held is None or grown is None else (grown - held) / nodes
    return {"seconds": seconds / nodes, "bytes": taken, "gradient": gradient()}


def in_process_of_its_own(peer: str, nodes: int) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, peer, str(nodes)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise WrongResult(f"deep chain by {peer}: status {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def rows(rounds: int, torch: bool, nodes: int) -> Iterator[Row]:
    names = ("gradcli", "PyTorch") if torch else ("gradcli",)
    check = {name: in_process_of_its_own(name, 1000)["gradient"] for name in names}
    if any(abs(gradient - check["gradcli"]) > 1e-12 for gradient in check.values()):
        raise WrongResult(f"deep chain: {check}")
    memory: dict[str, list[float]] = {name: [] for name in names}

    def peer(name: str) -> Callable[[], float]:
        def measure() -> float:
            found = in_process_of_its_own(name, nodes)
            memory[name].append(found["bytes"])
            return found["seconds"]

        return measure

    label = f"chain of 10^{len(str(nodes)) - 1}, 0-d"
    times = interleave({name: peer(name) for name in names}, rounds)
    yield Row(f"{label}, time", "s per node", "", times)
    if None not in memory["gradcli"]:
        yield Row(f"{label}, memory", "bytes per node", "", memory)


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
