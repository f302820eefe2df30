"""Python's operators and NumPy's protocols on tensors.

`np.cos(t)` reaches the table's `cos` through NEP 13, `np.sum(t)` its `sum` through NEP 18. A function without an entry
there works on values alone where its result is no matter of gradients (comparisons, counts); any other says so.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gradcli.engine import elementwise as e
from gradcli.engine import indexing, inplace, modes
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.conversion import as_tensor
from gradcli.engine.linear import bmm, dot, matmul, mm, mv, vector_by_matrix
from gradcli.engine.operation import NUMPY
from gradcli.engine.shaping import reshape, unbind
from gradcli.engine.tensor import CUT, Tensor, as_array
from gradcli.errors import AutogradFailure, TypeFailure, ValueFailure

CONSTANT = frozenset(
    (
        np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.isfinite, np.isnan, np.isinf,
        np.signbit, np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.bitwise_and, np.bitwise_or,
        np.invert, np.argmax, np.argmin, np.argsort, np.zeros_like, np.ones_like, np.full_like,
        np.empty_like, np.shape, np.ndim, np.size, np.any, np.all, np.count_nonzero, np.nonzero, np.searchsorted,
        np.array_equal, np.allclose, np.isclose, np.array_repr, np.array_str, np.may_share_memory, np.shares_memory,
    )
)  # fmt: skip
"""Functions whose results don't vary, or vary in steps: they take values and give values."""


def _on_values(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = function(*(_values(a) for a in args), **{name: _values(value) for name, value in kwargs.items()})
    if isinstance(result, (np.ndarray, np.generic)) and function not in (np.array_equal, np.allclose):
        return Tensor(result, CUT)
    return result


def _values(value: Any) -> Any:
    return [as_array(item) for item in value] if isinstance(value, (list, tuple)) else as_array(value)


def _requires_grad(args: Any) -> bool:
    return modes.recording and any(
        bool(a.node) if type(a) is Tensor else isinstance(a, (list, tuple)) and _requires_grad(a) for a in args
    )


def _no_derivative(name: str) -> AutogradFailure:
    return AutogradFailure(
        f"no derivative is known for np.{name}", help="apply it to `x.detach()` if no gradient should go through it"
    )


def array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    apply = NUMPY.get(ufunc)
    if method != "__call__" or kwargs:
        if _requires_grad(inputs):
            raise _no_derivative(
                f"{ufunc.__name__}.{method}" if method != "__call__" else f"{ufunc.__name__} with options"
            )
        return _on_values(getattr(ufunc, method), inputs, kwargs)
    if apply is not None:
        return apply(*inputs)
    if ufunc not in CONSTANT and _requires_grad(inputs):
        raise _no_derivative(ufunc.__name__)
    return _on_values(ufunc, inputs, kwargs)


def array_function(self: Tensor, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    apply = NUMPY.get(function)
    if apply is not None:
        return apply(*args, **kwargs)
    if function is np.einsum:
        from gradcli.engine.linear import einsum

        return einsum(list(args[1:]), args[0])
    if function not in CONSTANT and _requires_grad((*args, *kwargs.values())):
        raise _no_derivative(function.__name__)
    return _on_values(function, args, kwargs)


# ---- operators


def product(x: Any, y: Any) -> Tensor:
    """`x @ y`, recorded under the name of the product that the dimensions make it."""
    x, y = as_tensor(x), as_tensor(y)
    if x.dtype != y.dtype:
        raise TypeFailure(
            f"expected both matrices to have the same dtype, but got {x.dtype} and {y.dtype}",
            help="convert one of them, `.double()` or `.float()`",
        )
    dims = (x.array.ndim, y.array.ndim)
    return _PRODUCTS.get(dims, matmul)(x, y)


_PRODUCTS = {(1, 1): dot, (2, 1): mv, (2, 2): mm, (1, 2): vector_by_matrix}


def power(x: Any, y: Any) -> Tensor:
    if type(y) is not Tensor:
        return e.pow_number(x, y)
    return e.pow(x, y) if type(x) is Tensor else e.pow_of_number(x, y)


def remainder(x: Any, y: Any) -> Tensor:
    return e.remainder(x, y) if type(y) is Tensor else e.remainder_number(x, y)


def _comparison(compare: Any) -> Any:
    def apply(self: Tensor, other: Any) -> Tensor:
        value = other.array if type(other) is Tensor else other
        if not isinstance(value, (int, float, np.ndarray, np.generic)):
            if value is None or isinstance(value, str):
                return NotImplemented
            value = as_tensor(other).array
        try:
            out = compare(self.array, value)
        except ValueError:
            raise shape_clash(self.shape, np.shape(value)) from None
        cut = not modes.recording or self.node is CUT
        return Tensor(out, CUT if cut else None)

    return apply


def _logic(function: np.ufunc) -> Any:
    def apply(self: Tensor, other: Any) -> Tensor:
        left, right = self.array, other.array if type(other) is Tensor else other
        for value in (left, right):
            if getattr(value, "dtype", np.dtype(type(value))).kind not in "biu":
                raise TypeFailure(
                    f"`{function.__name__}` is for bool tensors, and this is {getattr(value, 'dtype', 'a number')}",
                    help="compare first: `(x > 0) & (x < 1)`, each comparison in parentheses",
                )
        try:
            return Tensor(function(left, right), CUT)
        except ValueError:
            raise shape_clash(left.shape, np.shape(right)) from None

    return apply


def _invert(self: Tensor) -> Tensor:
    if self.dtype.kind not in "biu":
        raise TypeFailure(f"`~` is for bool tensors, and this is {self.dtype}", help="negate numbers with `-x`")
    return Tensor(np.invert(self.array), CUT)


def floor_divide(x: Any, y: Any) -> Tensor:
    """`x // y`: it moves in steps, and torch gives it no derivative."""
    divisor = as_array(y)
    whole = [getattr(as_array(v), "dtype", np.dtype(type(v))).kind in "iub" for v in (x, y)]
    if all(whole) and np.any(np.asarray(divisor) == 0):
        raise ValueFailure("ZeroDivisionError: division of whole numbers by zero")
    return e.floor_divide(x, y)


def _reflected(function: Any) -> Any:
    def apply(self: Tensor, other: Any) -> Tensor:
        return function(other, self)

    return apply


def _iterate(self: Tensor) -> Any:
    if not self.array.ndim:
        raise TypeFailure("iteration over a 0-d tensor", help="a tensor without dimensions is one number")
    return iter(unbind(self, 0))


def _outer(x: Any, y: Any) -> Tensor:
    return e.mul(reshape(as_tensor(x), (-1, 1)), reshape(as_tensor(y), (1, -1)))


NUMPY[np.dot] = product
NUMPY[np.outer] = _outer
NUMPY[np.ravel] = lambda x: reshape(x, (-1,))

T: Any = Tensor
T.__array_ufunc__ = array_ufunc
T.__array_function__ = array_function
T.__add__, T.__radd__, T.__iadd__ = e.add, _reflected(e.add), inplace.add_
T.__sub__, T.__rsub__, T.__isub__ = e.sub, _reflected(e.rsub), inplace.sub_
T.__mul__, T.__rmul__, T.__imul__ = e.mul, _reflected(e.mul), inplace.mul_
# As in torch: a number divided by a tensor is the number times the tensor's reciprocal.
T.__truediv__, T.__rtruediv__, T.__itruediv__ = (
    e.div,
    lambda self, other: e.mul(e.reciprocal(self), other),
    inplace.div_,
)
T.__floordiv__, T.__rfloordiv__ = floor_divide, _reflected(floor_divide)
T.__mod__, T.__rmod__ = remainder, _reflected(remainder)
T.__pow__, T.__rpow__ = power, _reflected(power)
T.__matmul__, T.__rmatmul__ = product, _reflected(product)
T.__neg__, T.__abs__ = e.neg, e.abs
T.__pos__ = lambda self: self
T.__eq__, T.__ne__ = _comparison(operator.eq), _comparison(operator.ne)
T.__lt__, T.__le__ = _comparison(operator.lt), _comparison(operator.le)
T.__gt__, T.__ge__ = _comparison(operator.gt), _comparison(operator.ge)
T.__and__ = T.__rand__ = _logic(np.bitwise_and)
T.__or__ = T.__ror__ = _logic(np.bitwise_or)
T.__xor__ = T.__rxor__ = _logic(np.bitwise_xor)
T.__invert__ = _invert
T.__getitem__, T.__setitem__, T.__iter__ = indexing.take, indexing.put, _iterate

for name, function in (("pow", power), ("floordiv", floor_divide), ("mod", remainder), ("matmul", product)):
    setattr(Tensor, f"__i{name}__", lambda self, other, function=function: inplace.changed(function, self, other))

__all__ = ["bmm", "floor_divide", "power", "product"]
