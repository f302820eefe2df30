"""All first, and all second, derivatives of a function: each peer by its own function for it.

MyGrad and micrograd have none for second derivatives, and none that gives a whole Jacobian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from measure import OURS, Job, Result, job_of_runs
from peers import AUTOGRAD, BY_HAND, INSTALLED, JAX, THREADS, jax_in_float64

from gradcli import Session


def layer(np: Any, x: Any, w: Any) -> Any:
    return np.tanh(w @ x) * x


def layer_by_hand(x: Any, w: Any) -> Any:
    h = np.tanh(w @ x)
    return (x * (1 - h * h))[:, None] * w + np.diag(h)


def rosenbrock(np: Any, x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_by_hand(x: Any) -> Any:
    diagonal = np.zeros_like(x)
    diagonal[:-1] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    diagonal[1:] += 200
    beside = -400 * x[:-1]
    return np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)


def by_gradcli(script: str, **given: Any) -> Callable[[int], Result]:
    def run(passes: int) -> Result:
        session = Session()
        session["passes"] = passes
        for name, value in given.items():
            session[name] = value
        for _ in session.run(f"for step in range(passes) {{ found = {script} }}"):
            pass
        return [session["found"]]

    return run


def repeated(derivative: Callable[..., Any], *arrays: Any) -> Callable[[int], Result]:
    def run(passes: int) -> Result:
        for _ in range(passes):
            found = derivative(*arrays)
        return [found]

    return run


def others(jacobian: bool, value: Callable[..., Any], *arrays: Any) -> Iterator[tuple[str, Callable[[int], Result]]]:
    """The peers' Jacobians, or Hessians, of `value` in the first of `arrays`."""
    for peer in INSTALLED:
        if peer in THREADS:
            yield peer, in_torch(THREADS[peer], jacobian, value, *arrays)
    if JAX in INSTALLED:
        jax = jax_in_float64()
        derivative = jax.jit((jax.jacrev if jacobian else jax.hessian)(lambda *x: value(jax.numpy, *x)))
        yield (
            JAX,
            repeated(lambda *x: jax.block_until_ready(derivative(*x)), *map(jax.numpy.asarray, arrays)),
        )
    if AUTOGRAD in INSTALLED:
        import autograd
        import autograd.numpy as words

        yield (
            AUTOGRAD,
            repeated((autograd.jacobian if jacobian else autograd.hessian)(lambda *x: value(words, *x)), *arrays),
        )


def in_torch(threads: int, jacobian: bool, value: Callable[..., Any], *arrays: Any) -> Callable[[int], Result]:
    import torch

    transform = torch.func.jacrev if jacobian else torch.func.hessian
    run = repeated(transform(lambda *x: value(torch, *x)), *map(torch.as_tensor, arrays))

    def with_threads(passes: int) -> Result:
        torch.set_num_threads(threads)
        return run(passes)

    return with_threads


def jobs(quick: bool) -> Iterator[Job]:
    normal = np.random.default_rng(2).standard_normal
    n = 5 if quick else 100
    x, w = normal(n), normal((n, n)) / n**0.5
    runs = {
        OURS: by_gradcli("jacobian(v -> tanh(w @ v) * v, x)", x=x, w=w),
        BY_HAND: repeated(layer_by_hand, x, w),
        **dict(others(True, layer, x, w)),
    }
    yield job_of_runs(f"Jacobian, {n} x {n}", BY_HAND, runs, rounds=15)

    n = 5 if quick else 50
    x = normal(n)
    runs = {
        OURS: by_gradcli("hessian(v -> (100*(v[1:] - v[:-1]^2)^2 + (1 - v[:-1])^2).sum(), x)", x=x),
        BY_HAND: repeated(rosenbrock_by_hand, x),
        **dict(others(False, rosenbrock, x)),
    }
    yield job_of_runs(f"Hessian of Rosenbrock, {n} variables", BY_HAND, runs, rounds=15)
