"""Who takes part: what is installed of PyTorch, JAX, HIPS autograd, MyGrad and micrograd, and how each does a task.

A task's function is written once, in the words that their namespaces share (`np.sin`, `np.sum`, operators, slices);
where one has better words of its own for it, the task has those too. gradcli runs a script, and NumPy what a
person would write by hand, derivative included.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from inspect import signature
from types import SimpleNamespace
from typing import Any

import numpy as np
from measure import OURS, Job, Result, job_of_runs

from gradcli import Session

BY_HAND = "NumPy by hand"
TORCH_1, TORCH_2, JAX, AUTOGRAD, MYGRAD, MICROGRAD = (
    "PyTorch, 1 thread", "PyTorch, 2 threads", "JAX", "autograd", "MyGrad", "micrograd",
)  # fmt: skip
PACKAGES = {
    TORCH_1: "torch",
    TORCH_2: "torch",
    JAX: "jax",
    AUTOGRAD: "autograd",
    MYGRAD: "mygrad",
    MICROGRAD: "micrograd",
}
INSTALLED = tuple(peer for peer, package in PACKAGES.items() if find_spec(package) is not None)
THREADS = {TORCH_1: 1, TORCH_2: 2}

Run = Callable[[int], Result]


@dataclass(frozen=True)
class Task:
    """A number computed from arrays, and its gradients in those of them that are `inputs`.

    `value(np, *inputs, *data)` computes it, and the names of its arguments are the script's; the script gives `loss`.
    `by_hand(*inputs, *data)` gives the number and the gradients. With a `rate`, each pass is a step of training,
    `input -= rate * gradient`, and what's compared are the inputs after it. `own` has a peer's own words for `value`.
    """

    name: str
    value: Callable[..., Any]
    script: str
    by_hand: Callable[..., Result]
    inputs: tuple[Any, ...]
    data: tuple[Any, ...] = ()
    rate: float = 0.0
    own: dict[str, Callable[..., Any]] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    """Peers that can't do it."""

    def words(self, package: str) -> Callable[..., Any]:
        return self.own.get(package, self.value)

    @property
    def names(self) -> list[str]:
        return list(signature(self.value).parameters)[1:]

    def job(self, rounds: int) -> Job:
        runs: dict[str, Run] = {OURS: by_gradcli(self), BY_HAND: by_numpy(self)}
        for peer in INSTALLED:
            if peer not in self.without and (peer != MICROGRAD or not any(map(np.ndim, self.inputs + self.data))):
                runs[peer] = WAYS[peer](self)
        return job_of_runs(self.name, BY_HAND, runs, rounds)


def by_gradcli(task: Task) -> Run:
    count = len(task.inputs)
    inputs, data = task.names[:count], task.names[count:]
    lines = [
        *(f"{name} = given_{name}.clone().requires_grad_()" for name in inputs),
        "for step in range(passes) {",
        *(f"{name}.grad = none" for name in inputs),
        task.script,
        "loss.backward()",
    ]
    if task.rate:
        lines += ["no_grad {", *(f"{name} -= rate * {name}.grad" for name in inputs), "}"]
    text = "\n".join([*lines, "}"])

    def run(passes: int) -> Result:
        session = Session()
        for name, value in zip(inputs, task.inputs, strict=True):
            session[f"given_{name}"] = value
        for name, value in zip(data, task.data, strict=True):
            session[name] = value
        session["passes"], session["rate"] = passes, task.rate
        for _ in session.run(text):
            pass
        return [session["loss"], *(session[name] if task.rate else session[name].grad for name in inputs)]

    return run


def by_numpy(task: Task) -> Run:
    def run(passes: int) -> Result:
        inputs = [np.array(value)[()] for value in task.inputs]
        found: list[Any] = []
        for _ in range(passes):
            found = list(task.by_hand(*inputs, *task.data))
            if task.rate:
                for place, gradient in enumerate(found[1:]):
                    inputs[place] -= task.rate * gradient
        return [found[0], *(inputs if task.rate else found[1:])]

    return run


def _by_torch(threads: int) -> Callable[[Task], Run]:
    def by_torch(task: Task) -> Run:
        import torch

        value = task.words("torch")
        data = [torch.as_tensor(array) for array in task.data]

        def run(passes: int) -> Result:
            torch.set_num_threads(threads)
            inputs = [torch.tensor(array, requires_grad=True) for array in task.inputs]
            for _ in range(passes):
                for tensor in inputs:
                    tensor.grad = None
                loss = value(torch, *inputs, *data)
                loss.backward()
                if task.rate:
                    with torch.no_grad():
                        for tensor in inputs:
                            tensor -= task.rate * tensor.grad
            return [loss.detach(), *(tensor.detach() if task.rate else tensor.grad for tensor in inputs)]

        return run

    return by_torch


def by_jax(task: Task) -> Run:
    """Compiled, as its users do; compiling isn't timed."""
    jax = jax_in_float64()
    value = task.words("jax")
    count = len(task.inputs)
    derivative = jax.value_and_grad(lambda *arrays: value(jax.numpy, *arrays), argnums=tuple(range(count)))

    @jax.jit
    def step(*arrays: Any) -> Any:
        loss, gradients = derivative(*arrays)
        if task.rate:
            return loss, [x - task.rate * g for x, g in zip(arrays, gradients, strict=False)]
        return loss, gradients

    data = [jax.numpy.asarray(array) for array in task.data]

    def run(passes: int) -> Result:
        inputs = [jax.numpy.asarray(array) for array in task.inputs]
        for _ in range(passes):
            loss, found = jax.block_until_ready(step(*inputs, *data))
            if task.rate:
                inputs = found
        return [loss, *found]

    return run


def jax_in_float64() -> Any:
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    return jax


def by_autograd(task: Task) -> Run:
    import autograd
    import autograd.numpy as words

    value = task.words("autograd")
    derivative = autograd.value_and_grad(lambda *arrays: value(words, *arrays), tuple(range(len(task.inputs))))

    def run(passes: int) -> Result:
        inputs = [np.array(array)[()] for array in task.inputs]
        for _ in range(passes):
            loss, found = derivative(*inputs, *task.data)
            if task.rate:
                inputs = [x - task.rate * g for x, g in zip(inputs, found, strict=True)]
        return [loss, *(inputs if task.rate else found)]

    return run


def by_mygrad(task: Task) -> Run:
    import mygrad

    value = task.words("mygrad")

    def run(passes: int) -> Result:
        inputs = [mygrad.tensor(array) for array in task.inputs]
        for _ in range(passes):
            loss = value(mygrad, *inputs, *task.data)
            loss.backward()
            if task.rate:
                for tensor in inputs:
                    tensor.data -= task.rate * tensor.grad
        return [loss.data, *(tensor.data if task.rate else tensor.grad for tensor in inputs)]

    return run


def by_micrograd(task: Task) -> Run:
    """On single numbers; it has no sine, so it's given one, made as its own functions are."""
    from math import cos, sin

    from micrograd.engine import Value

    def sine(x: Any) -> Any:
        out = Value(sin(x.data), (x,), "sin")

        def backward() -> None:
            x.grad += cos(x.data) * out.grad

        out._backward = backward
        return out

    words = SimpleNamespace(sin=sine, sum=lambda x: x)

    def run(passes: int) -> Result:
        inputs = [Value(float(number)) for number in task.inputs]
        with deep_recursion():
            for _ in range(passes):
                for value in inputs:
                    value.grad = 0
                loss = task.value(words, *inputs, *map(float, task.data))
                loss.backward()
        return [loss.data, *(value.grad for value in inputs)]

    return run


@contextmanager
def deep_recursion() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


WAYS: dict[str, Callable[[Task], Run]] = {
    TORCH_1: _by_torch(1), TORCH_2: _by_torch(2), JAX: by_jax, AUTOGRAD: by_autograd, MYGRAD: by_mygrad,
    MICROGRAD: by_micrograd,
}  # fmt: skip
