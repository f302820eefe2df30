"""create_graph: the same rules record themselves, so every order comes from the one table."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, cosh, e, exp, factorial, log, sin, sinh, sqrt
from typing import Any

import numpy as np
import pytest

from gradcli.engine import Tensor, backward, grad, tensor
from gradcli.engine.linear import einsum
from gradcli.engine.reductions import logsumexp, norm, softmax, std
from gradcli.engine.shaping import split


def leaf(data: Any) -> Tensor:
    return tensor(data, requires_grad=True)


def derivatives(f: Callable[[Any], Any], at: float, count: int) -> list[float]:
    """f and its first `count` derivatives at a point."""
    x = leaf(at)
    y = f(x)
    found = [y.item()]
    for _ in range(count):
        (y,) = grad([y], [x], create_graph=True, materialize_grads=True)
        found.append(y.item())
        if not y.requires_grad:
            break
    return found + [0.0] * (count + 1 - len(found))


def power_tower(x: float) -> list[float]:
    """x^x and its derivatives."""
    f, s, r = x**x, 1 + log(x), 1 / x
    return [
        f * factor
        for factor in (
            1,
            s,
            s**2 + r,
            s**3 + 3 * s * r - r**2,
            s**4 + 6 * s**2 * r + 3 * r**2 - 4 * s * r**2 + 2 * r**3,
        )
    ]


CLOSED_FORMS: dict[str, tuple[Callable[[Any], Any], float, list[float]]] = {
    "x^5": (lambda x: x**5, 2.0, [32.0, 80.0, 160.0, 240.0, 240.0]),
    "x*x*x": (lambda x: x * x * x, 2.0, [8.0, 12.0, 12.0, 6.0, 0.0]),
    "x^2.5": (lambda x: x**2.5, 4.0, [32.0, 20.0, 7.5, 0.9375, -0.1171875]),
    "exp": (np.exp, 0.5, [exp(0.5)] * 5),
    "2^x": (lambda x: 2**x, 3.0, [8 * log(2) ** k for k in range(5)]),
    "log": (np.log, 2.0, [log(2), 1 / 2, -1 / 4, 2 / 8, -6 / 16]),
    "sqrt": (np.sqrt, 4.0, [2.0, 1 / 4, -1 / 32, 3 / 256, -15 / 2048]),
    "1/x": (lambda x: 1 / x, 2.0, [(-1) ** k * factorial(k) / 2 ** (k + 1) for k in range(5)]),
    "sin": (np.sin, 0.7, [sin(0.7), cos(0.7), -sin(0.7), -cos(0.7), sin(0.7)]),
    "cosh": (np.cosh, 0.7, [cosh(0.7), sinh(0.7), cosh(0.7), sinh(0.7), cosh(0.7)]),
    "atan": (np.arctan, 1.0, [np.pi / 4, 1 / 2, -1 / 2, 1 / 2, 0.0]),
    "tan": (np.tan, np.pi / 4, [1.0, 2.0, 4.0, 16.0, 80.0]),
    "exp(x^2)": (lambda x: np.exp(x**2), 1.0, [e, 2 * e, 6 * e, 20 * e, 76 * e]),
    "x^x": (lambda x: x**x, 1.5, power_tower(1.5)),
    "where": (lambda x: np.where(x > 0, x**3, 0.0), 2.0, [8.0, 12.0, 12.0, 6.0, 0.0]),
    "abs(x)^3": (lambda x: np.abs(x) ** 3, -2.0, [8.0, -12.0, 12.0, -6.0, 0.0]),
    "sum of a row": (lambda x: np.sum(np.stack([x, x * x, x**3]) ** 2), 1.0, [3.0, 12.0, 44.0, 144.0, 384.0]),
}


@pytest.mark.parametrize(("f", "at", "expected"), CLOSED_FORMS.values(), ids=CLOSED_FORMS.keys())
def test_derivatives_up_to_the_fourth(f: Callable[[Any], Any], at: float, expected: list[float]) -> None:
    assert derivatives(f, at, 4) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_eight_derivatives_of_a_composition() -> None:
    # exp(sin x) at 0: the series 1, 1, 1, 0, -3, -8, -3, 56, 217.
    found = derivatives(lambda x: np.exp(np.sin(x)), 0.0, 8)
    assert found == pytest.approx([1.0, 1.0, 1.0, 0.0, -3.0, -8.0, -3.0, 56.0, 217.0], abs=1e-9)


def test_powers_at_zero_have_all_their_derivatives() -> None:
    assert derivatives(lambda x: x**3, 0.0, 4) == [0.0, 0.0, 0.0, 6.0, 0.0]
    assert derivatives(lambda x: x**2, 0.0, 3) == [0.0, 0.0, 2.0, 0.0]
    assert derivatives(lambda x: x**1, 0.0, 2) == [0.0, 1.0, 0.0]


HESSIANS: dict[str, Callable[[Any], Any]] = {
    "products": lambda x: x[0] * x[0] * x[1] + x[1] * x[2],
    "matmul": lambda x: np.matmul(np.matmul(x, np.reshape(np.stack([x, x * x, x]), (3, 3))), x),
    "einsum": lambda x: einsum([x, x * x, x], "i,j,k->"),
    "softmax": lambda x: np.sum(softmax(x, 0) ** 2),
    "logsumexp": lambda x: logsumexp(x * x, 0, False),
    "norm": lambda x: norm(x, 2, None, False) ** 3,
    "norm of order 3": lambda x: norm(x, 3, None, False),
    "std": lambda x: std(x, None, 1, False),
    "prod": lambda x: np.prod(x * x),
    "cumprod": lambda x: np.sum(np.cumprod(x, axis=0) ** 2),
    "cumsum": lambda x: np.sum(np.cumsum(x, axis=0) ** 3),
    "max": lambda x: np.max(x * x) * x[0],
    "split": lambda x: np.sum(split(x, (1, 2), 0)[1] ** 2) * split(x, (1, 2), 0)[0][0],
    "indexing": lambda x: np.sum(x[[0, 0, 2]] ** 3),
    "broadcasting": lambda x: np.sum(np.expand_dims(x, 1) / (x * x + 1)),
    "atan2": lambda x: np.arctan2(x[0], x[1]) * x[2],
    "sorted by where": lambda x: np.sum(np.where(x > 1, x**3, np.sin(x))),
}


@pytest.mark.parametrize("f", HESSIANS.values(), ids=HESSIANS.keys())
def test_hessian_is_symmetric_and_that_of_central_differences(f: Callable[[Any], Any]) -> None:
    point = np.array([0.7, 1.3, 2.1])

    def gradient(at: np.ndarray) -> np.ndarray:
        x = leaf(at)
        return grad([f(x)], [x])[0].array

    x = leaf(point)
    (g,) = grad([f(x)], [x], create_graph=True)
    rows = [grad([g], [x], [tensor(unit)], retain_graph=True)[0].array for unit in np.eye(3)]
    steps = 1e-5 * np.eye(3)
    expected = [(gradient(point + step) - gradient(point - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(rows, expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(rows, np.transpose(rows), rtol=1e-12, atol=1e-12)


def test_backward_with_create_graph_stores_a_gradient_that_can_be_differentiated() -> None:
    x = leaf([1.0, 2.0])
    backward([np.sum(x**3)], create_graph=True)
    assert x.grad.requires_grad
    np.testing.assert_array_equal(x.grad.array, [3.0, 12.0])
    backward([np.sum(x.grad)])
    # The second pass adds 6x to the first one's 3x^2.
    np.testing.assert_array_equal(x.grad.array, [9.0, 24.0])


def test_a_gradient_is_differentiated_in_the_vector_too() -> None:
    x, v = leaf([3.0, 4.0]), leaf([1.0, 2.0])
    (g,) = grad([x * x], [x], [v], create_graph=True)
    backward([np.sum(g)])
    np.testing.assert_array_equal(v.grad.array, [6.0, 8.0])
    np.testing.assert_array_equal(x.grad.array, [2.0, 4.0])


def test_a_penalty_on_the_gradient() -> None:
    """The usual double backward: d/dw |d(w x^2)/dx|^2 = 8 w x^2."""
    w, x = leaf(3.0), leaf(2.0)
    (slope,) = grad([w * x * x], [x], create_graph=True)
    backward([slope * slope])
    assert (w.grad.array, x.grad.array) == (8 * 3 * 4.0, 8 * 9 * 2.0)


def test_mixed_derivatives_agree_in_either_order() -> None:
    def mixed(first: str, second: str) -> float:
        at = {"x": leaf(0.6), "y": leaf(1.7)}
        f = np.sin(at["x"] * at["y"]) * np.exp(at["x"]) / at["y"]
        (g,) = grad([f], [at[first]], create_graph=True)
        return grad([g], [at[second]])[0].item()

    assert mixed("x", "y") == pytest.approx(mixed("y", "x"), rel=1e-14)


def test_rules_get_arrays_in_an_ordinary_pass_and_tensors_under_create_graph(define: Callable[..., Any]) -> None:
    seen: list[type] = []

    def rule(g: Any, _y: Any, x: Any) -> Any:
        seen.extend((type(g), type(x)))
        return g * np.cos(x)

    wave = define(lambda input: np.sin(input), rule, name="wave", elementwise=True)
    x = leaf([1.0, 2.0])
    y = wave(x)
    v = tensor([1.0, 1.0])
    grad([y], [x], [v], retain_graph=True)
    grad([y], [x], [v], create_graph=True)
    assert seen == [np.ndarray, np.ndarray, Tensor, Tensor]


def test_a_newton_step_through_a_hessian() -> None:
    """f = (x - 3)^4 with x from 0: each step closes a third of the way."""
    x = 0.0
    for _ in range(30):
        at = leaf(x)
        (g,) = grad([(at - 3) ** 4], [at], create_graph=True)
        (h,) = grad([g], [at])
        x -= g.item() / h.item()
    assert x == pytest.approx(3.0, abs=1e-4)


def test_the_gradient_of_a_root_of_the_gradient() -> None:
    x = leaf(2.0)
    y = np.sqrt(x**3)
    (g,) = grad([y], [x], create_graph=True)
    (h,) = grad([np.sqrt(g)], [x])
    # sqrt(3/2) x^(1/4), whose slope is sqrt(3/2)/4 x^(-3/4)
    assert h.item() == pytest.approx(sqrt(1.5) / 4 * 2**-0.75, rel=1e-13)
