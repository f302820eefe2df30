"""Which dtype a computation has: PyTorch's tables, as PyTorch 2.13 printed them (default dtype float64).

A dtype is NumPy's letter: ? bool, B uint8, b h i l int8 to int64, e f d float16 to float64.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcli.engine import Tensor, as_tensor, backward, grad, modes, tensor
from gradcli.library import FUNCTIONS

#         with a tensor of dtype
LETTERS = ["?", "B", "b", "h", "i", "l", "e", "f", "d"]

BOTH_WITH_DIMENSIONS = {
    "?": "? B b h i l e f d",
    "B": "B B h h i l e f d",
    "b": "b h b h i l e f d",
    "h": "h h h h i l e f d",
    "i": "i i i i i l e f d",
    "l": "l l l l l l e f d",
    "e": "e e e e e e e f d",
    "f": "f f f f f f f f d",
    "d": "d d d d d d d d d",
}
"""The same holds between two tensors without dimensions."""

WITH_A_0D_TENSOR = {
    "?": "? B b h i l e f d",
    "B": "B B B B B B e f d",
    "b": "b b b b b b e f d",
    "h": "h h h h h h e f d",
    "i": "i i i i i i e f d",
    "l": "l l l l l l e f d",
    "e": "e e e e e e e e e",
    "f": "f f f f f f f f f",
    "d": "d d d d d d d d d",
}

WITH_A_NUMBER = {True: "? B b h i l e f d", 2: "l B b h i l e f d", 2.5: "d d d d d d e f d"}
"""Whether the tensor has dimensions or not."""

REAL_RESULT = "d d d d d d e f d"
WIDE_TOTAL = "l l l l l l e f d"

JOINING: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "*": operator.mul,
    "reflected *": lambda x, y: y * x,
    "maximum": FUNCTIONS["maximum"],
    "where": lambda x, y: FUNCTIONS["where"](tensor(True), x, y),
}


def ones(letter: str, shape: tuple[int, ...]) -> Tensor:
    return Tensor(np.ones(shape, np.dtype(letter))[()])


def rows(table: dict[Any, str]) -> list[tuple[Any, str, str]]:
    return [(left, right, result) for left in table for right, result in zip(LETTERS, table[left].split(), strict=True)]


@pytest.mark.parametrize("join", JOINING.values(), ids=JOINING.keys())
@pytest.mark.parametrize("shape", [(2,), ()])
def test_tensors_of_one_kind_of_shape(join: Callable[[Any, Any], Any], shape: tuple[int, ...]) -> None:
    for left, right, result in rows(BOTH_WITH_DIMENSIONS):
        assert join(ones(left, shape), ones(right, shape)).dtype.char == result, (left, right)


@pytest.mark.parametrize("join", JOINING.values(), ids=JOINING.keys())
def test_a_tensor_without_dimensions_widens_only_to_another_category(join: Callable[[Any, Any], Any]) -> None:
    for left, right, result in rows(WITH_A_0D_TENSOR):
        assert join(ones(left, (2,)), ones(right, ())).dtype.char == result, (left, right)
        assert join(ones(right, ()), ones(left, (2,))).dtype.char == result, (right, left)


@pytest.mark.parametrize("shape", [(2,), ()])
def test_a_number_widens_only_to_another_category(shape: tuple[int, ...]) -> None:
    for number, letter, result in rows(WITH_A_NUMBER):
        assert (ones(letter, shape) * number).dtype.char == result, (letter, number)
        assert (number * ones(letter, shape)).dtype.char == result, (number, letter)


def test_concatenation_promotes_as_arithmetic_does() -> None:
    for left, right, result in rows(BOTH_WITH_DIMENSIONS):
        assert FUNCTIONS["cat"]([ones(left, (2,)), ones(right, (2,))]).dtype.char == result, (left, right)


@pytest.mark.parametrize(
    ("call", "table"),
    [
        (lambda x: x / x, REAL_RESULT),
        (lambda x: x / 2, REAL_RESULT),
        (FUNCTIONS["sin"], REAL_RESULT),
        (FUNCTIONS["sigmoid"], REAL_RESULT),
        (FUNCTIONS["atan2"], REAL_RESULT),
        (FUNCTIONS["sum"], WIDE_TOTAL),
        (FUNCTIONS["prod"], WIDE_TOTAL),
        (lambda x: FUNCTIONS["cumsum"](x, 0), WIDE_TOTAL),
        (lambda x: x**2, WITH_A_NUMBER[2]),
        (lambda x: -x if x.dtype != bool else x, " ".join(LETTERS)),
        (lambda x: x[0], " ".join(LETTERS)),
    ],
    ids=["x / x", "x / 2", "sin", "sigmoid", "atan2", "sum", "prod", "cumsum", "x ** 2", "-x", "x[0]"],
)
def test_result_dtype_of_one_tensor(call: Callable[..., Any], table: str) -> None:
    for letter, result in zip(LETTERS, table.split(), strict=True):
        x = ones(letter, (2,))
        assert (call(x, x) if call is FUNCTIONS["atan2"] else call(x)).dtype.char == result, letter


def test_whole_numbers_become_the_default_dtype(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "default_dtype", np.dtype(np.float32))
    whole = ones("l", (2,))
    for real in (whole / whole, whole / 2, whole * 2.5, np.sin(whole), tensor([1, 2]), tensor(3), tensor(2.5)):
        assert real.dtype == np.float32
    monkeypatch.undo()
    assert (whole / whole).dtype == np.float64


@pytest.mark.parametrize("shapes", [((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())])
@pytest.mark.parametrize("letters", ["df", "fd", "ef", "de"])
def test_a_promoted_input_gets_its_gradient_in_its_own_dtype(shapes: tuple[Any, Any], letters: str) -> None:
    x, y = (
        tensor(np.full(shape, 2.0), dtype=np.dtype(letter), requires_grad=True)
        for shape, letter in zip(shapes, letters, strict=True)
    )
    backward([np.sum(x * y + x / y)])
    assert x.grad.dtype == x.dtype
    assert y.grad.dtype == y.dtype
    assert x.grad.shape == x.shape
    assert y.grad.shape == y.shape


def test_a_gradient_through_a_cast_is_cast_back_in_every_order() -> None:
    x = tensor([1.0, 2.0], dtype=np.float32, requires_grad=True)
    wide = as_tensor(x, np.dtype(np.float64))
    assert wide.grad_fn.name == "ToCopyBackward0"
    (g,) = grad([np.sum(wide**3)], [x], create_graph=True)
    assert g.dtype == np.float32
    (h,) = grad([np.sum(g)], [x])
    assert h.dtype == np.float32
    np.testing.assert_array_equal(h.array, [6.0, 12.0])
