"""Steady functions: for tensors of the same shapes and dtypes they come to the same operations.

An expression with such a function becomes one node, by the operations of one evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcli import tensor
from gradcli.engine import modes
from gradcli.library.vocabulary import FUNCTIONS, METHODS, Later

X, Y = (3, 4), (3, 4)
CALLS: dict[str, list[tuple[list[tuple[int, ...]], tuple[Any, ...], dict[str, Any]]]] = {
    "sum": [([X], (), {}), ([X], (0,), {}), ([X], (), {"dim": 1, "keepdim": True})],
    "mean": [([X], (), {}), ([X], ((0, 1),), {}), ([X], (), {"dim": 1, "keepdim": True})],
    "abs": [([X], (), {})],
    "logsumexp": [([X], (0,), {}), ([X], (1, True), {})],
    "softmax": [([X], (1,), {}), ([X], (), {})],
    "log_softmax": [([X], (1,), {}), ([X], (), {})],
    "matmul": [([X, (4, 2)], (), {}), ([X, (4,)], (), {}), ([(4,), (4,)], (), {})],
    "linear": [([X, (5, 4)], (), {}), ([X, (5, 4), (5,)], (), {})],
    "mse_loss": [([X, Y], (), {}), ([X, Y], ("sum",), {}), ([X, Y], (), {"weight": tensor(np.ones(X))})],
    "l1_loss": [([X, Y], (), {}), ([X, Y], ("none",), {})],
    "binary_cross_entropy": [([X, Y], (), {}), ([X, Y, Y], (), {"reduction": "sum"})],
    "binary_cross_entropy_with_logits": [([X, Y], (), {}), ([X, Y], (), {"pos_weight": tensor(np.ones(4))})],
    "cross_entropy": [
        ([X, Y], (), {}),
        ([X, Y], (), {"label_smoothing": 0.1}),
        ([X, Y, (4,)], (), {"reduction": "none"}),
    ],
}


def steady() -> dict[str, Callable[..., Any]]:
    """Each by its own name, once."""
    functions = [*FUNCTIONS.values(), *METHODS.values()]
    loaded = [function for function in functions if type(function) is not Later]
    return {function.__name__: function for function in loaded if getattr(function, "steady", False)}


def operations(function: Callable[..., Any], arguments: list[Any], named: dict[str, Any]) -> list[Any]:
    """The name, the parameters and the shapes of each operation that a call comes to."""
    found: list[Any] = []

    def attend(node: Any, out: Any, inputs: Any, params: Any, op: Any = None) -> None:
        numbers = [value for value in inputs if type(value) in (int, float)]
        found.append(((op or node.op).name, params, numbers, np.shape(out), [np.shape(value) for value in inputs]))

    modes.attend = attend
    try:
        with np.errstate(all="ignore"):
            function(*arguments, **named)
    finally:
        modes.attend = None
    return found


def test_every_steady_function_is_called_here() -> None:
    assert set(steady()) == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_the_operations_dont_depend_on_values(name: str) -> None:
    function = steady()[name]
    generator = np.random.default_rng(0)
    for shapes, more, named in CALLS[name]:
        values = [
            [generator.uniform(0.1, 0.9, shape) for shape in shapes],
            [np.zeros(shape) for shape in shapes],
            [np.ones(shape) for shape in shapes],
            [np.full(shape, value) for shape, value in zip(shapes, (np.inf, 0.5, 1.0), strict=False)],
            [np.full(shape, np.nan) for shape in shapes],
        ]
        if "binary" not in name:
            values.append([generator.normal(0, 1e3, shape) for shape in shapes])
        seen = [
            operations(function, [*(tensor(value, requires_grad=True) for value in arrays), *more], named)
            for arrays in values
        ]
        assert seen[0]
        assert all(operations == seen[0] for operations in seen)
