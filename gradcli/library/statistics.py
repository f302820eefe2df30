"""Statistics: spread with mean, extremes together, what leaves out nan; counts and places, which have no gradient."""

from __future__ import annotations

from builtins import max as max_of
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.operation import relabel, variant
from gradcli.errors import IndexFailure, ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import (
    Dims,
    Dtype,
    Flag,
    Number,
    Operand,
    OptionalTensor,
    OptionalText,
    OptionalWhole,
    Whole,
    axes_of,
    axis_of,
)
from gradcli.library.extremes import index_tensor, not_empty, picked
from gradcli.library.reducing import std, sum, var
from gradcli.library.values import parts_type
from gradcli.library.vocabulary import function

AminmaxParts = parts_type("aminmax", "min", "max")
NanmedianParts = parts_type("nanmedian", "values", "indices")

_take_median = variant(s.take_along_axis, "NanmedianBackward1")

# ---- spread and mean


def _with_mean(measure: Any, name: str, input: Tensor, dim: Any, unbiased: Any, keepdim: bool, correction: Any) -> Any:
    measured = measure(input, dim, unbiased, keepdim, correction=correction)
    dims = None if isinstance(dim, bool) else Dims(dim)
    middle = r.mean_dim(input, axes_of(dims, input.ndim), keepdim)
    return relabel(measured, name), relabel(middle, name)


@function()
def std_mean(input: Tensor, dim=None, unbiased=None, keepdim: Flag = False, *, correction: Number = 1):
    """The standard deviation and the mean of all elements, or along dims: a pair.

    Shapes: any -> two of (); along dims these go, or become 1 with `keepdim`
    Derivative: that of `std` and that of `mean`, added up where both are used
    Kink: as `std`: 0 where all elements are equal, nan for one element. (why: gradcli/engine/reductions.py)
    Example: x = [1, 2, 6]
        s, m = std_mean(x)
        s
        m
        z = (6 - m) / s
        backward z
    """
    return _with_mean(std, "StdMeanBackward0", input, dim, unbiased, keepdim, correction)


@function()
def var_mean(input: Tensor, dim=None, unbiased=None, keepdim: Flag = False, *, correction: Number = 1):
    """The variance and the mean of all elements, or along dims: a pair.

    Shapes: any -> two of (); along dims these go, or become 1 with `keepdim`
    Derivative: that of `var` and that of `mean`, added up where both are used
    Kink: as `var`: nan for one element. (why: gradcli/engine/reductions.py)
    Example: x = [1, 2, 6]
        v, m = var_mean(x)
        v
        m
        backward v + m
    """
    return _with_mean(var, "VarMeanBackward0", input, dim, unbiased, keepdim, correction)


@function()
def aminmax(input: Tensor, *, dim: OptionalWhole = None, keepdim: Flag = False):
    """The minimum and the maximum of all elements, or along a dim; elements that tie share the gradient.

    Shapes: any -> min and max (); along a dim it goes, or becomes 1 with `keepdim`
    Derivative: that of `amin` and that of `amax`, added up where both are used
    Kink: elements that tie share the gradient evenly; a nan is both extremes of whatever holds one; of nothing an
        error. (why: gradcli/engine/reductions.py)
    Example: x = [1, 4, 4]
        ends = aminmax(x)
        ends
        width = ends.max - ends.min
        backward width
    """
    not_empty(input, dim, "aminmax")
    axis = axes_of(dim, input.ndim)
    return AminmaxParts(relabel(of(input, axis, keepdim), "AminmaxBackward0") for of in (r.amin, r.amax))


# ---- without nan


@function()
def nansum(input: Tensor, dim: Dims = None, keepdim: Flag = False, *, dtype: Dtype = None):
    """The sum of all elements that aren't nan, or along dims.

    Shapes: any -> (); along dims these go, or become 1 with `keepdim`
    Derivative: where(isnan(x), 0, g), once the dims that went are put back in g
    Kink: an element that is nan has no part in the sum, and gradient 0; the sum of nothing but nan is 0.
    Example: x = [1, nan, 3]
        total = nansum(x)
        total
        backward total
    """
    input = input if dtype is None else as_tensor(input, dtype)
    if input.dtype.kind != "f":
        return sum(input, dim, keepdim)
    return r.nansum(input, axes_of(dim, input.ndim), keepdim)


@function()
def nanmean(input: Tensor, dim: Dims = None, keepdim: Flag = False, *, dtype: Dtype = None):
    """The mean of all elements that aren't nan, or along dims.

    Shapes: any -> (); along dims these go, or become 1 with `keepdim`
    Derivative: where(isnan(x), 0, g / n), n elements that aren't nan, once the dims that went are put back in g and n
    Kink: an element that is nan has no part in the mean, and gradient 0; the mean of nothing but nan is nan, and the
        gradient too. (why: gradcli/engine/reductions.py)
    Example: x = [1, nan, 3]
        middle = nanmean(x)
        middle
        backward middle
    """
    if input.dtype.kind != "f":
        raise TypeFailure(
            f"nanmean(): expected input to have floating point or complex dtype but got {input.dtype}",
            help="make it real first: `x.double().nanmean()`",
        )
    input = input if dtype is None else as_tensor(input, dtype)
    total = nansum(input, dim, keepdim)
    counts = np.sum(~np.isnan(input.array), axis=axes_of(dim, input.ndim), keepdims=keepdim)
    return e.div(total, Tensor(np.asarray(counts, total.dtype)[()], CUT))


@function()
def nanmedian(input: Tensor, dim: OptionalWhole = None, keepdim: Flag = False):
    """The lower median of all elements that aren't nan; along a dim, values and indices.

    Shapes: any -> (); along a dim (..., n, ...) -> values and indices (...), the dim 1 with `keepdim`
    Derivative: where(x == out, g, 0) / count_nonzero(x == out); along a dim zeros_like(x).scatter(dim, indices, g)
    Kink: elements that tie for the median of all share the gradient evenly; along a dim it goes to the one that
        `indices` names, the middle one in a stable order; the median of nothing but nan is nan. (why:
        gradcli/engine/reductions.py)
    Example: x = [nan, 5, 1, 2, nan]
        m = nanmedian(x)
        m
        backward m
        nanmedian(x, 0)
    """
    array = np.asarray(input.array)
    if dim is None:
        return _nanmedian_of_all(input)
    axis = axis_of(dim, input.ndim)
    if input.ndim and not input.shape[axis]:
        raise IndexFailure(f"nanmedian(): Expected reduction dim {dim} to have non-zero size.")
    return picked(NanmedianParts, _take_median, input, _nanmedian_index(array, axis), dim, keepdim)


def _nanmedian_of_all(input: Tensor) -> Tensor:
    missing = np.isnan(input.array)
    numbers = input if np.all(missing) or not np.any(missing) else s.getitem_index(input, (~missing,))
    return relabel(r.median(numbers), "NanmedianBackward0")


def _nanmedian_index(array: Any, axis: int) -> Any:
    if not array.ndim:
        return None
    order = np.argsort(array, axis=axis, kind="stable")
    counts = np.sum(~np.isnan(array), axis=axis, keepdims=True)
    return np.squeeze(np.take_along_axis(order, np.maximum(counts - 1, 0) // 2, axis), axis)


# ---- counts and places: no gradient


def _counted(input: Tensor) -> np.ndarray:
    array = np.asarray(input.array)
    whole = array.astype(np.int64)
    if array.ndim != 1 or (array.size and (not np.array_equal(whole, array) or whole.min() < 0)):
        raise ValueFailure("bincount only supports 1-d non-negative integral inputs.")
    return whole


@function()
def bincount(input: Tensor, weights: OptionalTensor = None, minlength: Whole = 0):
    """How often each whole number from 0 on occurs, or the sum of the weights that stand beside it.

    Shapes: (n,) of whole numbers from 0 -> (m,), the largest number + 1 or `minlength`, whichever is more; weights (n,)
    Derivative: none: a count; none for weights either, as in PyTorch (zeros(m).index_add(0, x, weights) has one)
    Example: bincount([1, 2, 2, 4])
        bincount([0, 1, 1], weights=[0.5, 1., 2.])
    """
    values = _counted(input)
    if minlength < 0:
        raise ValueFailure("minlength should be >= 0")
    if weights is not None and weights.shape != input.shape:
        raise ShapeFailure("weights should be 1-d and have the same length as input")
    allocatable((max(int(values.max(initial=-1)) + 1, minlength),), np.dtype(np.int64))
    counts = np.bincount(values, None if weights is None else weights.array, minlength)
    narrow = weights is not None and weights.dtype == np.float32
    return Tensor(counts.astype(np.float32) if narrow else counts, CUT)


@function()
def histc(input: Tensor, bins: Whole = 100, min: Number = 0, max: Number = 0):
    """How many elements fall into each of `bins` equal parts of min to max (of the data's own range if both are 0).

    Shapes: any -> (bins,), of the dtype of the input
    Derivative: none: a count
    Kink: an element at the border of two parts counts in the upper one, at max in the last; nan and what lies outside
        count nowhere; where all elements are equal the range is 1 to each side of them.
    Example: x = [1., 2., 2., 3.]
        histc(x, 4)
        histc(x, 4, 0, 4)
    """
    if bins <= 0:
        raise ValueFailure("torch.histogram(): bins must be > 0")
    if input.dtype.kind != "f":
        raise TypeFailure(f"histc is not implemented for {input.dtype}", help="make it real first: `x.double()`")
    values = np.asarray(input.array).ravel()
    low, high = float(min), float(max)
    if low == high and values.size:
        low, high = float(values.min()), float(values.max())
    if low == high:
        step = max_of(1.0, 2 * abs(np.spacing(low)))
        low, high = low - step, high + step
    if not np.isfinite(low) or not np.isfinite(high):
        raise ValueFailure(f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low > high:
        raise ValueFailure(f"torch.histc: max must be larger than min, and they are {high:g} and {low:g}")
    allocatable((bins,), input.dtype)
    inside = values[(values >= low) & (values <= high)]
    places = np.minimum(((inside - low) / (high - low) * bins).astype(np.int64), bins - 1)
    return Tensor(np.bincount(places, minlength=bins).astype(input.dtype), CUT)


@function()
def unique(
    input: Tensor, sorted: Flag = True, return_inverse: Flag = False, return_counts: Flag = False,
    dim: OptionalWhole = None,
):  # fmt: skip
    """The different elements (or slices along a dim) in order; also where each went, and how often it occurs.

    Shapes: any -> (m,), along a dim (..., m, ...); the inverse has the input's shape (along a dim, (n,)), the counts
        (m,)
    Derivative: none: equal elements have become one
    Kink: every nan is an element of its own, at the end.
    Example: x = [3, 1, 3, 2]
        unique(x)
        unique(x, return_inverse=true, return_counts=true)
    """
    axis = None if dim is None else axis_of(dim, input.ndim)
    found = np.unique(
        np.asarray(input.array), return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )  # fmt: skip
    values, inverse, counts = (Tensor(np.asarray(part), CUT) for part in found)
    if not return_inverse and not return_counts:
        return values
    shape = input.shape if axis is None else (input.shape[axis],)
    inverse = index_tensor(inverse.array.reshape(shape))
    return (values, *((inverse,) if return_inverse else ()), *((counts,) if return_counts else ()))


@function()
def searchsorted(
    sorted_sequence: Tensor, input: Operand, *, out_int32: Flag = False, right: Flag = False,
    side: OptionalText = None, sorter: OptionalTensor = None,
):  # fmt: skip
    """Where each element would go into an ordered row (the last dim), before what equals it; with `right`, after.

    Shapes: (n,) and any, or (..., n) and (..., m) -> that of the elements; int64, or int32 with `out_int32`
    Derivative: none: an index
    Kink: an element that equals some of the row goes before them, with `right` or side="right" after them; nan goes to
        the end.
    Example: row = [1., 3., 5.]
        searchsorted(row, [0., 3., 4., 9.])
        searchsorted(row, [0., 3., 4., 9.], right=true)
    """
    if side not in (None, "left", "right"):
        raise ValueFailure(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if right and side == "left":
        raise ValueFailure("torch.searchsorted(): side and right can't be set to opposites, got side of left while "
                           "right was True")  # fmt: skip
    rows, values = np.asarray(sorted_sequence.array), np.asarray(as_tensor(input).array)
    if rows.ndim == 0:
        raise ShapeFailure("torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is "
                           "1, but got boundaries tensor dim(0)")  # fmt: skip
    if rows.ndim > 1 and rows.shape[:-1] != values.shape[:-1]:
        raise ShapeFailure(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(rows.shape)} and input "
            f"value tensor {list(values.shape)}"
        )
    if sorter is not None:
        if sorter.shape != rows.shape:
            raise ShapeFailure("torch.searchsorted(): boundary and sorter must have the same size")
        rows = np.take_along_axis(rows, np.asarray(sorter.array, np.int64), -1)
    found = places_in(rows, values, right or side == "right")
    return Tensor(found.astype(np.int32 if out_int32 else np.int64)[()], CUT)


@function()
def bucketize(input: Operand, boundaries: Tensor, *, out_int32: Flag = False, right: Flag = False):
    """Which of the ranges between boundaries each element falls into.

    Shapes: any, (n,) in order -> that of the elements, numbers from 0 to n; int64, or int32 with `out_int32`
    Derivative: none: an index
    Kink: an element at a boundary belongs to the range that ends there, with `right` to the one that begins there.
    Example: bucketize([0.5, 1., 2.5, 9.], [1., 2., 3.])
        bucketize([0.5, 1., 2.5, 9.], [1., 2., 3.], right=true)
    """
    if boundaries.ndim != 1:
        raise ShapeFailure(f"bucketize(): boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def places_in(rows: np.ndarray, values: np.ndarray, right: bool) -> np.ndarray:
    """Where the values would go into ordered rows; several rows are merged with their values all at once."""
    if rows.ndim == 1:
        return np.searchsorted(rows, values, "right" if right else "left")
    n, m = rows.shape[-1], values.shape[-1]
    # In a stable order of both, a value stands behind the elements that it goes behind, and other values.
    together = np.concatenate([rows, values] if right else [values, rows], axis=-1)
    order = np.argsort(together, axis=-1, kind="stable")
    first = n if right else 0
    is_value = (order >= first) & (order < first + m)
    before = np.cumsum(~is_value, axis=-1)
    found = np.zeros(values.shape, np.int64)
    np.put_along_axis(found, order[is_value].reshape(values.shape) - first, before[is_value].reshape(values.shape), -1)
    return found
