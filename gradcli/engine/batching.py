"""Several gradients at once: an array with a leading dimension that the rules don't see.

A `Batch` stands where a rule expects a gradient of some shape and holds many of that shape. It speaks NumPy's
protocols, so that the rules of the table, which are written in NumPy's words, carry them all back in one pass:

    g * np.cos(x)    # g a Batch of 100 gradients, x an array: 100 products, aligned behind the batch's dimension

What a Batch has no answer to raises `NotBatchable`, and whoever began the pass goes back to one gradient at a time. So
a rule that steps out of the protocols costs time, and never a wrong number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class NotBatchable(Exception):
    """A rule asked something of a Batch that it can't answer for all its gradients together."""


def _refuse(self: Any, *_: Any, **__: Any) -> Any:
    raise NotBatchable


class Batch:
    """Arrays of one shape, stacked along the first dimension of `stacked`; `shape` is that of each."""

    __slots__ = ("stacked",)

    def __init__(self, stacked: Any) -> None:
        self.stacked = stacked

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        # Operations of the table take arrays as they are, and make tensors of anything else.
        return np.ndarray

    @property
    def count(self) -> int:
        return self.stacked.shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stacked.shape[1:]

    @property
    def ndim(self) -> int:
        return self.stacked.ndim - 1

    @property
    def size(self) -> int:
        return self.stacked.size // max(self.count, 1)

    @property
    def dtype(self) -> np.dtype:
        return self.stacked.dtype

    def __neg__(self) -> Batch:
        return Batch(-self.stacked)

    def astype(self, dtype: Any) -> Batch:
        return Batch(self.stacked.astype(dtype))

    def __getitem__(self, key: Any) -> Batch:
        return Batch(self.stacked[_behind(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        # A part that is indexed by arrays has the dimensions of its index: the value's align behind the batch's.
        place = self.stacked[_behind(key)]
        self.stacked[_behind(key)] = _aligned(value, place.ndim - 1)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "at" and type(inputs[0]) is Batch:
            return _add_at(ufunc, *inputs)
        if method != "__call__" or set(options) - {"out"}:
            raise NotBatchable
        if ufunc is np.matmul:
            return Batch(_matmul(*inputs))
        if ufunc.signature is not None:
            raise NotBatchable
        ndim = max(np.ndim(value) if type(value) is not Batch else value.ndim for value in inputs)
        result = ufunc(*(_aligned(value, ndim) for value in inputs))
        if "out" not in options:
            return Batch(result)
        (out,) = options["out"]
        if type(out) is not Batch or out.stacked.shape != result.shape:
            raise NotBatchable
        out.stacked[...] = result
        return out

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        batched = BATCHED.get(function)
        if batched is None:
            raise NotBatchable
        return Batch(batched(*args, **options))

    __array__ = __float__ = __int__ = __index__ = __bool__ = __len__ = __iter__ = __hash__ = _refuse  # type: ignore


def _with_operators(ufuncs: dict[str, Any], reflected: bool) -> None:
    """Gives a Batch Python's operators: each is its ufunc."""
    for name, ufunc in ufuncs.items():
        setattr(Batch, f"__{name}__", lambda self, other, ufunc=ufunc: ufunc(self, other))
        if reflected:
            setattr(Batch, f"__r{name}__", lambda self, other, ufunc=ufunc: ufunc(other, self))


_with_operators(
    {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "pow": np.power,
        "floordiv": np.floor_divide, "mod": np.remainder, "matmul": np.matmul, "and": np.bitwise_and,
        "or": np.bitwise_or,
    },
    reflected=True,
)  # fmt: skip
_with_operators(
    {
        "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
        "ge": np.greater_equal,
    },
    reflected=False,
)  # fmt: skip


# ---- where the dimensions stand


def _aligned(value: Any, ndim: int) -> Any:
    """The stacked array with room for `ndim` dimensions behind the batch's; anything else as it is."""
    if type(value) is not Batch:
        return value
    stacked = value.stacked
    missing = ndim - value.ndim
    return stacked if missing <= 0 else stacked.reshape(stacked.shape[:1] + (1,) * missing + stacked.shape[1:])


def _behind(key: Any) -> tuple[Any, ...]:
    """An index of each array as an index of the stacked one."""
    parts = key if type(key) is tuple else (key,)
    chosen = [place for place, part in enumerate(parts) if isinstance(part, (int, np.integer, np.ndarray, list))]
    advanced = any(isinstance(parts[place], (np.ndarray, list)) for place in chosen)
    # Index arrays apart from each other put their dimensions first, before the batch's.
    if advanced and (chosen[-1] - chosen[0] != len(chosen) - 1 or any(type(part) is Batch for part in parts)):
        raise NotBatchable
    return (slice(None), *parts)


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes of each array (none for all) as axes of the stacked one."""
    several = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(a % ndim + 1 for a in several)


def _stacked(value: Any, count: int) -> Any:
    """A Batch's arrays; one array as often as the batch has it."""
    return value.stacked if type(value) is Batch else np.broadcast_to(value, (count, *np.shape(value)))


def _count(values: Any) -> int:
    return next(value.count for value in values if type(value) is Batch)


# ---- NumPy's functions, in so far as rules call them


def _add_at(ufunc: np.ufunc, out: Batch, key: Any, values: Any) -> None:
    place = out.stacked[_behind(key)]
    ufunc.at(out.stacked, _behind(key), _aligned(values, place.ndim - 1))


def _matmul(x: Any, y: Any) -> Any:
    x_ndim, y_ndim = (v.ndim for v in (x, y))
    # A vector takes part as a matrix of one row, or of one column.
    x, y = (v.stacked if type(v) is Batch else v[None] for v in (x, y))
    if x_ndim == 1:
        x = x[:, None, :]
    if y_ndim == 1:
        y = y[:, :, None]
    ndim = max(x.ndim, y.ndim)
    x, y = (v.reshape(v.shape[:1] + (1,) * (ndim - v.ndim) + v.shape[1:]) for v in (x, y))
    out = np.matmul(x, y)
    if y_ndim == 1:
        out = out[..., 0]
    if x_ndim == 1:
        out = out[..., 0] if y_ndim == 1 else out[..., 0, :]
    return out


def _along(function: Any) -> Callable[..., Any]:
    """A function along one axis, which NumPy counts as all elements in a row where none is given."""

    def apply(x: Batch, axis: Any = None, **options: Any) -> Any:
        if axis is None:
            return function(x.stacked.reshape(x.count, -1), 1, **options)
        return function(x.stacked, axis % x.ndim + 1, **options)

    return apply


def _reduced(function: Any) -> Callable[..., Any]:
    def apply(x: Batch, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
        if out is not None or dtype is not None:
            raise NotBatchable
        return function(x.stacked, axis=_axes(axis, x.ndim), keepdims=keepdims is True)

    return apply


def _reshape(x: Batch, shape: Any, *_: Any) -> Any:
    shape = shape if isinstance(shape, (tuple, list)) else (shape,)
    if -1 in shape and not x.size:
        raise NotBatchable
    return x.stacked.reshape((x.count, *shape))


def _transpose(x: Batch, axes: Any = None) -> Any:
    axes = range(x.ndim)[::-1] if axes is None else axes
    return np.transpose(x.stacked, (0, *(a % x.ndim + 1 for a in axes)))


def _moveaxis(x: Batch, source: Any, destination: Any) -> Any:
    return np.moveaxis(x.stacked, _axes(source, x.ndim), _axes(destination, x.ndim))


def _expand_dims(x: Batch, axis: Any) -> Any:
    count = len(axis) if isinstance(axis, tuple) else 1
    return np.expand_dims(x.stacked, _axes(axis, x.ndim + count))


def _squeeze(x: Batch, axis: Any = None) -> Any:
    axes = _axes(axis, x.ndim) if axis is not None else tuple(a + 1 for a, n in enumerate(x.shape) if n == 1)
    return np.squeeze(x.stacked, axes)


def _broadcast_to(x: Batch, shape: Any) -> Any:
    shape = shape if isinstance(shape, tuple) else (shape,)
    return np.broadcast_to(_aligned(x, len(shape)), (x.count, *shape))


def _roll(x: Batch, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.roll(x.stacked.reshape(x.count, -1), shift, 1).reshape(x.stacked.shape)
    return np.roll(x.stacked, shift, _axes(axis, x.ndim) if isinstance(axis, tuple) else _axes(axis, x.ndim)[0])


def _where(condition: Any, x: Any, y: Any) -> Any:
    values = (condition, x, y)
    ndim = max(value.ndim if type(value) is Batch else np.ndim(value) for value in values)
    return np.where(*(_aligned(value, ndim) for value in values))


def _like(function: Any) -> Callable[..., Any]:
    def apply(x: Batch, dtype: Any = None, *, shape: Any = None) -> Any:
        return function(x.stacked, dtype, shape=None if shape is None else (x.count, *shape))

    return apply


def _concatenate(values: Any, axis: Any = 0) -> Any:
    arrays = [_stacked(value, _count(values)) for value in values]
    return np.concatenate(arrays, axis % (arrays[0].ndim - 1) + 1)


def _stack(values: Any, axis: Any = 0) -> Any:
    arrays = [_stacked(value, _count(values)) for value in values]
    return np.stack(arrays, axis % arrays[0].ndim + 1)


def _take_along_axis(x: Any, index: Any, axis: Any = -1) -> Any:
    if type(index) is Batch:
        raise NotBatchable
    return np.take_along_axis(x.stacked, index[None], axis % x.ndim + 1)


def _einsum(subscripts: str, *operands: Any, **options: Any) -> Any:
    inputs, output = subscripts.split("->")
    letter = next(c for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in subscripts)
    terms = [letter * (type(v) is Batch) + term for v, term in zip(operands, inputs.split(","), strict=True)]
    arrays = [value.stacked if type(value) is Batch else value for value in operands]
    return np.einsum(f"{','.join(terms)}->{letter}{output}", *arrays, **options)


def _flip(x: Batch, axis: Any = None) -> Any:
    return np.flip(x.stacked, _axes(axis, x.ndim))


def _triangle(function: Any) -> Callable[..., Any]:
    return lambda x, k=0: function(x.stacked, k)


BATCHED: dict[Any, Callable[..., Any]] = {
    np.sum: _reduced(np.sum), np.prod: _reduced(np.prod), np.max: _reduced(np.max), np.min: _reduced(np.min),
    np.mean: _reduced(np.mean), np.cumsum: _along(np.cumsum), np.cumprod: _along(np.cumprod),
    np.reshape: _reshape, np.ravel: lambda x: x.stacked.reshape(x.count, -1), np.transpose: _transpose,
    np.swapaxes: lambda x, a, b: np.swapaxes(x.stacked, a % x.ndim + 1, b % x.ndim + 1), np.moveaxis: _moveaxis,
    np.expand_dims: _expand_dims, np.squeeze: _squeeze, np.broadcast_to: _broadcast_to, np.flip: _flip, np.roll: _roll,
    np.where: _where, np.zeros_like: _like(np.zeros_like), np.ones_like: _like(np.ones_like),
    np.concatenate: _concatenate, np.stack: _stack, np.take_along_axis: _take_along_axis, np.einsum: _einsum,
    np.diagonal: lambda x, offset, a, b: np.diagonal(x.stacked, offset, a % x.ndim + 1, b % x.ndim + 1),
    np.tril: _triangle(np.tril), np.triu: _triangle(np.triu), np.copy: lambda x: np.copy(x.stacked),
}  # fmt: skip
"""For each function that a rule may call on a gradient: the same on the stacked arrays."""
