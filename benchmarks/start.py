"""The whole process, from the shell and back: the one-liner, against `import numpy` and against a PyTorch script."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from measure import Row, WrongResult, interleave

SCRIPT = "x = arange(4); y = 2*dot(x,x); backward y"
OUTPUT = "x.grad = tensor([ 0.,  4.,  8., 12.])"
TORCH_SCRIPT = """
import torch
x = torch.arange(4.0, requires_grad=True)
y = 2 * torch.dot(x, x)
y.backward()
print(f"x.grad = {x.grad}")
"""
REFERENCE = 'python -c "import numpy"'


def command() -> list[str]:
    """The installed console script, which is what people start; else the module."""
    script = Path(sys.executable).with_name("gradcli")
    return [str(script)] if script.exists() else [sys.executable, "-m", "gradcli"]


class Process:
    """A command that is run to its end; calling it gives the seconds that it took."""

    def __init__(self, arguments: list[str], stdin: str = "", output: str = OUTPUT, threads: int | None = None) -> None:
        self.arguments = arguments
        self.stdin = stdin.encode()
        self.output = output
        self.environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})

    def __call__(self) -> float:
        start = perf_counter()
        done = subprocess.run(self.arguments, input=self.stdin, capture_output=True, env=self.environment, check=False)
        seconds = perf_counter() - start
        if done.returncode or done.stdout.decode().strip() != self.output:
            raise WrongResult(f"{self.arguments}: {done.stdout.decode()}{done.stderr.decode()}")
        return seconds


def rows(rounds: int, torch: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "one_liner.gr")
        file.write_text(SCRIPT + "\n", encoding="utf-8")
        peers = {
            "-e": Process([*command(), "eval", "-e", SCRIPT]),
            "file": Process([*command(), "eval", str(file)]),
            "pipe": Process(command(), stdin=SCRIPT),
            REFERENCE: Process([sys.executable, "-c", "import numpy"], output=""),
        }
        if torch:
            peers["PyTorch"] = Process([sys.executable, "-c", TORCH_SCRIPT], threads=1)
        for peer in peers.values():
            peer()
        times = interleave(peers, rounds)
    for way in ("-e", "file", "pipe"):
        shared = {name: values for name, values in times.items() if name in (REFERENCE, "PyTorch")}
        yield Row(f"one-liner, {way}", "s", REFERENCE, {"gradcli": times[way]} | shared)
