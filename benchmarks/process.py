"""Whole processes, from the shell and back: their time, their peak of memory, and the numbers that they print."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from select import select
from time import perf_counter
from typing import Any

from measure import Measurement, WrongResult
from peers import AUTOGRAD, JAX, MICROGRAD, MYGRAD, THREADS, TORCH_1, TORCH_2

LAUNCHER = Path(__file__).with_name("launch.py")

_TORCH = """
import torch
x = torch.tensor({data}, dtype=torch.float64, requires_grad=True)
y = 2 * torch.dot(x, x)
y.backward()
print({shown})
"""

PROGRAMS = {
    TORCH_1: _TORCH,
    TORCH_2: _TORCH,
    JAX: """
import jax
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)
import jax.numpy as np
class x: grad = jax.grad(lambda x: 2 * np.dot(x, x))(np.array({data}))
print({shown})
""",
    AUTOGRAD: """
import autograd, autograd.numpy as np
class x: grad = autograd.grad(lambda x: 2 * np.dot(x, x))(np.array({data}))
print({shown})
""",
    MYGRAD: """
import mygrad
x = mygrad.tensor({data})
y = 2 * (x @ x)
y.backward()
print({shown})
""",
    MICROGRAD: """
from micrograd.engine import Value
xs = [Value(v) for v in {data}]
y = 2 * sum(x * x for x in xs)
y.backward()
class x: grad = [x.grad for x in xs]
print({shown})
""",
}
"""The one-liner in each peer's words: `data` is a list of numbers, `shown` an expression of `x.grad`."""


def command() -> list[str]:
    """The installed console script, which is what people start; else the module."""
    script = Path(sys.executable).with_name("gradcli")
    return [str(script)] if script.exists() else [sys.executable, "-m", "gradcli"]


def is_editable() -> bool:
    """Whether the installed gradcli is a checkout in place: its start isn't what users have."""
    origin = distribution("gradcli").read_text("direct_url.json")
    return origin is not None and json.loads(origin).get("dir_info", {}).get("editable", False)


@dataclass
class Process:
    """A command that is run to its end; calling it gives the seconds and the bytes that it took."""

    arguments: list[str]
    input: Path | None = None
    threads: int | None = None

    def __call__(self) -> Measurement:
        ran = self.run()
        return {quantity: ran[quantity] for quantity in ("time", "memory") if ran[quantity] is not None}

    def numbers(self) -> list[float]:
        """What it prints."""
        return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", self.run()["out"])]

    def run(self) -> dict[str, Any]:
        # What benchmarks/__main__.py sets for itself isn't in the environment of a user's process.
        environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_THREAD_TIMEOUT"}
        if self.threads:
            environment["OMP_NUM_THREADS"] = str(self.threads)
        launcher = [sys.executable, "-S", "-E", str(LAUNCHER), str(self.input or "")]
        done = subprocess.run(
            [*launcher, *self.arguments], capture_output=True, text=True, env=environment, check=False
        )
        ran = json.loads(done.stdout) if done.returncode == 0 else {"status": done.returncode, "err": done.stderr}
        if ran["status"]:
            raise WrongResult(f"{' '.join(self.arguments)[:200]}: status {ran['status']}\n{ran['err']}")
        return ran


@dataclass
class Prompt:
    """A REPL on a terminal; calling it gives the seconds until it shows its prompt."""

    arguments: list[str]

    def __call__(self) -> Measurement:
        import pty

        start = perf_counter()
        process, terminal = pty.fork()
        if not process:
            os.environ["TERM"] = "xterm"
            os.environ.pop("OPENBLAS_THREAD_TIMEOUT", None)
            os.execv(self.arguments[0], self.arguments)
        shown = b""
        try:
            while b">>>" not in shown:
                ready, *_ = select([terminal], [], [], 60)
                part = os.read(terminal, 65536) if ready else b""
                if not part:
                    raise WrongResult(f"no prompt: {shown!r}")
                shown += part
            return {"time": perf_counter() - start}
        except OSError:
            # It has closed its side.
            raise WrongResult(f"no prompt: {shown!r}") from None
        finally:
            os.kill(process, signal.SIGKILL)
            os.close(terminal)
            os.waitpid(process, 0)


def in_process_of_its_own(file: str, *arguments: object) -> Any:
    """What a Python file prints as JSON. Raises WrongResult where it fails."""
    command = [sys.executable, file, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WrongResult(f"{' '.join(command[1:])}: status {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def python(peer: str, file: Path) -> Process:
    return Process([sys.executable, str(file)], threads=THREADS.get(peer))
