"""NumPy's protocols are the tracing mechanism: `np.` functions record on tensors and are NumPy's own on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcli.engine import CUT, TABLE, Tensor, backward, grad_mode, tensor
from gradcli.engine.operation import NUMPY
from gradcli.engine.trigonometry import sin
from gradcli.errors import AutogradFailure

UFUNCS = [function for function in NUMPY if isinstance(function, np.ufunc)]
POINT = np.array([0.25, 0.5, 0.75])
MATRIX = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def point(ufunc: np.ufunc) -> list[np.ndarray]:
    """Arguments inside every domain: acosh begins at 1."""
    return [POINT + 1 if ufunc is np.arccosh else POINT + k for k in range(ufunc.nin)]


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_ufunc_of_a_tracked_tensor_is_recorded(ufunc: np.ufunc) -> None:
    arrays = point(ufunc)
    result = ufunc(*(tensor(array, requires_grad=True) for array in arrays))
    assert type(result) is Tensor
    assert result.requires_grad
    np.testing.assert_allclose(result.array, ufunc(*arrays), rtol=1e-14)


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_ufunc_of_arrays_is_numpy_s_own(ufunc: np.ufunc) -> None:
    assert isinstance(ufunc(*point(ufunc)), (np.ndarray, np.float64))


@pytest.mark.parametrize("name", [name for name, op in TABLE.items() if op.elementwise and op.arity == 1])
def test_an_operation_of_the_table_computes_on_plain_arrays(name: str) -> None:
    """So that a rule may call one: in an ordinary backward pass its arguments are arrays."""
    array = POINT + (TABLE[name].domain == "above one")
    result = TABLE[name].apply(array)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, TABLE[name].apply(tensor(array)).array)


NUMPY_CALLS: dict[str, Callable[[Any], Any]] = {
    "sum": np.sum,
    "sum over an axis": lambda x: np.sum(x, axis=0),
    "sum by position": lambda x: np.sum(x, 1),
    "sum keeping dims": lambda x: np.sum(x, axis=(0, 1), keepdims=True),
    "mean": lambda x: np.mean(x, axis=1),
    "prod": lambda x: np.prod(x, axis=0),
    "max": lambda x: np.max(x, axis=1),
    "min": np.min,
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "cumprod": lambda x: np.cumprod(x, axis=0),
    "reshape": lambda x: np.reshape(x, (3, 2)),
    "transpose": np.transpose,
    "transpose of named axes": lambda x: np.transpose(x, (1, 0)),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "squeeze": lambda x: np.squeeze(x[:1]),
    "broadcast_to": lambda x: np.broadcast_to(x, (4, 2, 3)),
    "concatenate": lambda x: np.concatenate([x, MATRIX, x], axis=1),
    "stack": lambda x: np.stack((x, x), axis=-1),
    "flip": lambda x: np.flip(x, 0),
    "roll": lambda x: np.roll(x, 1, 1),
    "tile": lambda x: np.tile(x, (1, 2)),
    "tril": np.tril,
    "triu": lambda x: np.triu(x, 1),
    "diagonal": np.diagonal,
    "trace": np.trace,
    "where": lambda x: np.where(MATRIX > 2, x, 0.0),
    "clip": lambda x: np.clip(x, 1.5, 4.5),
    "matmul": lambda x: np.matmul(x, MATRIX.T),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, MATRIX),
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([[2], [0]]), 1),
    "copy": np.copy,
    "dot": lambda x: np.dot(x, MATRIX.T),
}


@pytest.mark.parametrize("call", NUMPY_CALLS.values(), ids=NUMPY_CALLS.keys())
def test_numpy_function_is_recorded_and_gives_numpy_s_value(call: Callable[[Any], Any]) -> None:
    x = tensor(MATRIX, requires_grad=True)
    result = call(x)
    assert type(result) is Tensor
    assert result.requires_grad
    np.testing.assert_array_equal(result.array, call(MATRIX))
    # All of these are linear or nearly so: the slope along x itself is that of central differences.
    backward([result], [tensor(np.ones(result.shape))])
    step = 1e-6
    slope = (np.sum(call(MATRIX * (1 + step))) - np.sum(call(MATRIX * (1 - step)))) / (2 * step)
    assert np.sum(x.grad.array * MATRIX) == pytest.approx(slope, rel=1e-6)


UNKNOWN: dict[str, Callable[[Any], Any]] = {
    "std": np.std,
    "cbrt": np.cbrt,
    "median": np.median,
    "sort": np.sort,
    "diff": np.diff,
    "gradient": np.gradient,
    "interp": lambda x: np.interp(0.5, x, x),
    "convolve": lambda x: np.convolve(x, x),
    "linalg.norm": np.linalg.norm,
    "fft": np.fft.fft,
    "block": lambda x: np.block([[x, x], [x, x]]),
    "full_like": lambda x: np.full_like(np.zeros(3), x[0]),
    "linspace": lambda x: np.linspace(0, x[0], 3),
    "modf": np.modf,
    "heaviside": lambda x: np.heaviside(x, x),
    "add.reduce": np.add.reduce,
    "add.accumulate": np.add.accumulate,
    "multiply.outer": lambda x: np.multiply.outer(x, x),
    "out=": lambda x: np.add(x, 1, out=np.zeros(3)),
    "where=": lambda x: np.sin(x, where=np.array([True, False, True])),
    "copyto": lambda x: np.copyto(np.zeros(3), x),
    "select": lambda x: np.select([POINT > 0.5], [x]),
    "ndarray +=": lambda x: POINT.copy().__iadd__(x),
}


@pytest.mark.parametrize("call", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown_numpy_function_of_a_tracked_tensor_fails_and_is_never_a_constant(call: Callable[[Any], Any]) -> None:
    with pytest.raises(AutogradFailure, match="no derivative is known for np"):
        call(tensor(POINT, requires_grad=True))


def test_a_tracked_tensor_is_found_among_named_arguments() -> None:
    with pytest.raises(AutogradFailure, match=r"np\.interp"):
        np.interp(0.5, xp=tensor(POINT), fp=tensor(POINT, requires_grad=True))


@pytest.mark.parametrize("name", ["std", "cbrt", "sort", "diff"])
def test_unknown_numpy_function_of_an_untracked_tensor_computes_on_its_values(name: str) -> None:
    function = getattr(np, name)
    result = function(tensor(POINT))
    assert type(result) is Tensor
    assert not result.requires_grad
    np.testing.assert_array_equal(result.array, function(POINT))


def test_unknown_numpy_function_is_no_failure_where_nothing_is_recorded() -> None:
    x = tensor(POINT, requires_grad=True)
    with grad_mode(False):
        assert np.std(x).node is CUT


@pytest.mark.parametrize(
    "call",
    [np.isnan, np.argmax, np.zeros_like, lambda x: np.greater(x, 0.5), lambda x: np.isclose(x, 0.5), np.any],
    ids=["isnan", "argmax", "zeros_like", "greater", "isclose", "any"],
)
def test_what_moves_in_steps_gives_values_without_history(call: Callable[[Any], Any]) -> None:
    result = call(tensor(POINT, requires_grad=True))
    assert type(result) is Tensor
    assert not result.requires_grad
    np.testing.assert_array_equal(result.array, call(POINT))


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("other", [2, 2.0, np.float64(2), np.array([2.0, 2.0, 2.0]), [2, 2, 2], tensor(2.0)])
def test_operators_take_numbers_arrays_and_lists_on_either_side(other: Any, left: bool) -> None:
    x = tensor(POINT, requires_grad=True)
    result = other * x if left else x * other
    assert type(result) is Tensor
    np.testing.assert_array_equal(result.array, POINT * 2)
    backward([np.sum(result)])
    np.testing.assert_array_equal(x.grad.array, [2.0, 2.0, 2.0])


def test_a_numpy_scalar_or_0d_array_does_not_widen_a_tensor() -> None:
    x = tensor(POINT, dtype=np.float32, requires_grad=True)
    for two in (2.0, np.float64(2), np.array(2.0)):
        assert (two * x).dtype == (x * two).dtype == np.float32


def test_asarray_gives_the_values() -> None:
    x = tensor(MATRIX)
    np.testing.assert_array_equal(np.asarray(x), MATRIX)
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    assert np.shares_memory(np.asarray(x), x.array)
    assert not np.shares_memory(np.array(x), x.array)


def test_numpy_method_shares_memory_and_refuses_a_tracked_tensor() -> None:
    x = tensor(POINT)
    x.numpy()[0] = 9.0
    assert x.array[0] == 9.0
    with pytest.raises(Exception, match=r"Can't call numpy\(\) on Tensor that requires grad"):
        tensor(POINT, requires_grad=True).numpy()


def test_the_engine_s_own_example_runs() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = np.dot(x, x)
    backward([y])
    np.testing.assert_array_equal(x.grad.array, [2.0, 4.0])


def test_one_line_defines_a_function_for_arrays_and_tensors(define: Callable[..., Any]) -> None:
    sinc = define(np.cbrt, lambda g, y, _x: g / (3 * y * y))
    assert type(sinc(POINT)) is np.ndarray
    x = tensor(8.0, requires_grad=True)
    backward([np.cbrt(x)])
    assert x.grad.array == pytest.approx(1 / 12)
    assert np.cbrt(x).grad_fn.name == "CbrtBackward0"


def test_a_function_of_engine_and_its_numpy_name_are_one() -> None:
    x = tensor(POINT, requires_grad=True)
    assert np.sin(x).grad_fn.op is sin(x).grad_fn.op
