"""Arrays of several dims: broadcasting, matrix products, and two models that are trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from measure import Job, Result
from peers import Task


def mixed(np: Any, x: Any, y: Any, z: Any) -> Any:
    a = x * y + z
    return np.sum(a / (1 + y * y) - x * z)


def mixed_by_hand(x: Any, y: Any, z: Any) -> Result:
    a = x * y + z
    b = 1 + y * y
    g = 1 / b
    x_grad = np.broadcast_to((g * y - z).sum(0), x.shape)
    y_grad = (g * x).sum(0) - (a / b**2).sum(0) * 2 * y
    z_grad = (g - x).sum((0, 1))
    return (a / b - x * z).sum(), x_grad, y_grad, z_grad


def products(np: Any, x: Any, w: Any) -> Any:
    h = x
    for _ in range(20):
        h = h @ w
    return np.sum(h * h)


def products_by_hand(x: Any, w: Any) -> Result:
    layers = [x]
    for _ in range(20):
        layers.append(layers[-1] @ w)
    g = 2 * layers[-1]
    w_grad = np.zeros_like(w)
    for h in reversed(layers[:-1]):
        w_grad += h.T @ g
        g = g @ w.T
    return (layers[-1] ** 2).sum(), g, w_grad


def cross_entropy(np: Any, scores: Any, targets: Any) -> Any:
    """In words that all have. `targets` has a one in each row."""
    top = np.amax(scores, axis=1, keepdims=True)
    log_sums = np.log(np.sum(np.exp(scores - top), axis=1)) + top[:, 0]
    return np.sum(log_sums - np.sum(scores * targets, axis=1)) / len(targets)


def in_torch(np: Any, scores: Any, targets: Any) -> Any:
    from torch.nn.functional import cross_entropy

    return cross_entropy(scores, targets)


def in_jax(np: Any, scores: Any, targets: Any) -> Any:
    from jax.nn import log_softmax

    return -np.sum(log_softmax(scores) * targets) / len(targets)


def in_mygrad(np: Any, scores: Any, targets: Any) -> Any:
    from mygrad.nnet.losses import softmax_crossentropy

    return softmax_crossentropy(scores, targets.argmax(1))


LOSSES = {"torch": in_torch, "jax": in_jax, "mygrad": in_mygrad}


def cross_entropy_by_hand(scores: Any, targets: Any) -> tuple[Any, Any]:
    """The loss and its gradient in the scores."""
    shifted = scores - scores.max(1, keepdims=True)
    powers = np.exp(shifted)
    sums = powers.sum(1, keepdims=True)
    loss = (np.log(sums[:, 0]) - (shifted * targets).sum(1)).sum() / len(targets)
    return loss, (powers / sums - targets) / len(targets)


def regression(loss: Any) -> Any:
    def value(np: Any, w: Any, b: Any, x: Any, targets: Any) -> Any:
        return loss(np, x @ w + b, targets)

    return value


def regression_by_hand(w: Any, b: Any, x: Any, targets: Any) -> Result:
    loss, g = cross_entropy_by_hand(x @ w + b, targets)
    return loss, x.T @ g, g.sum(0)


def perceptron(loss: Any) -> Any:
    def value(np: Any, w1: Any, b1: Any, w2: Any, b2: Any, x: Any, targets: Any) -> Any:
        return loss(np, np.tanh(x @ w1 + b1) @ w2 + b2, targets)

    return value


def perceptron_by_hand(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, targets: Any) -> Result:
    hidden = np.tanh(x @ w1 + b1)
    loss, g = cross_entropy_by_hand(hidden @ w2 + b2, targets)
    inner = g @ w2.T * (1 - hidden * hidden)
    return loss, x.T @ inner, inner.sum(0), hidden.T @ g, g.sum(0)


def jobs(quick: bool) -> Iterator[Job]:
    generator = np.random.default_rng(1)
    normal = generator.standard_normal

    def classes(n: int) -> Any:
        return np.eye(10)[generator.integers(0, 10, n)]

    yield Task(
        "broadcasting, (64, 1, 32) and (16, 32) and (32,)",
        mixed,
        "a = x * y + z\nloss = (a / (1 + y * y) - x * z).sum()",
        mixed_by_hand,
        (normal((64, 1, 32)), normal((16, 32)), normal(32)),
    ).job(rounds=15)

    n = 8 if quick else 128
    yield Task(
        f"20 products of matrices, {n} x {n}",
        products,
        "h = x\nfor layer in range(20) { h = h @ w }\nloss = (h * h).sum()",
        products_by_hand,
        (normal((n, n)), normal((n, n)) / n**0.5),
    ).job(rounds=15)

    for inputs, hidden in ((8, 16), (64, 128)):
        yield Task(
            f"perceptron {inputs}-{hidden}-10, a step on 32 rows",
            perceptron(cross_entropy),
            "loss = F.cross_entropy(tanh(x @ w1 + b1) @ w2 + b2, targets)",
            perceptron_by_hand,
            (
                normal((inputs, hidden)) / inputs**0.5, np.zeros(hidden),
                normal((hidden, 10)) / hidden**0.5, np.zeros(10),
            ),
            (normal((32, inputs)), classes(32)),
            rate=0.1,
            own={name: perceptron(loss) for name, loss in LOSSES.items()},
        ).job(rounds=15)  # fmt: skip

    n = 50 if quick else 10_000
    yield Task(
        f"softmax regression, a step on {n:,} x 784",
        regression(cross_entropy),
        "loss = F.cross_entropy(x @ w + b, targets)",
        regression_by_hand,
        (normal((784, 10)) / 28, np.zeros(10)),
        (normal((n, 784)), classes(n)),
        rate=0.1,
        own={name: regression(loss) for name, loss in LOSSES.items()},
    ).job(rounds=9)
