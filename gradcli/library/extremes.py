"""Extremes, medians and orders along a dim, with the indices where they stand."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.conversion import promoted
from gradcli.engine.operation import relabel, variant
from gradcli.errors import IndexFailure, ValueFailure
from gradcli.library.arguments import (
    Dims,
    Flag,
    Operand,
    OptionalOperand,
    OptionalWhole,
    Whole,
    axes_of,
    axis_of,
)
from gradcli.library.plain import on_plain_values
from gradcli.library.values import parts_type
from gradcli.library.vocabulary import function

MaxParts = parts_type("max", "values", "indices")
MinParts = parts_type("min", "values", "indices")
MedianParts = parts_type("median", "values", "indices")
SortParts = parts_type("sort", "values", "indices")
TopkParts = parts_type("topk", "values", "indices")

_take_max = variant(s.take_along_axis, "MaxBackward0")
_take_min = variant(s.take_along_axis, "MinBackward0")
_take_median = variant(s.take_along_axis, "MedianBackward1")
_take_sorted = variant(s.take_along_axis, "SortBackward0")
_take_stably_sorted = variant(s.take_along_axis, "SortBackward1")
_take_topk = variant(s.take_along_axis, "TopkBackward0")


def index_tensor(array: Any) -> Tensor:
    return Tensor(np.asarray(array, np.int64)[()], CUT)


def picked(parts: Any, take: Any, input: Tensor, index: Any, dim: int, keepdim: bool) -> Any:
    """Values and indices where one element along the dim was chosen.

    The result names one index, so the gradient goes to that element alone, whatever ties with it: sharing it out would
    be the derivative of another function than of reading at that index.
    """
    if not input.ndim:
        return parts((_reshaped(take, input), index_tensor(np.zeros((), np.int64))))
    axis = axis_of(dim, input.ndim)
    index = np.expand_dims(index, axis)
    values = take(input, index, axis)
    if not keepdim:
        values, index = _squeezed(values, axis), np.squeeze(index, axis)
    return parts((values, index_tensor(index)))


def _reshaped(take: Any, input: Tensor) -> Tensor:
    """A tensor without dimensions is its own extreme."""
    return relabel(s.reshape(take(s.reshape(input, (1,)), np.zeros(1, np.int64), 0), ()), take.op.grad_name)


def _squeezed(values: Tensor, axis: int) -> Tensor:
    """Without the dim that was chosen from; the choice stays the result's name."""
    squeezed = s.squeeze(values, axis)
    return relabel(squeezed, values.node.name) if values.node else squeezed


def not_empty(input: Tensor, dim: Any, name: str) -> None:
    if input.array.size == 0 and (dim is None or not input.ndim or input.shape[axis_of(dim, input.ndim)] == 0):
        if dim is None:
            raise ValueFailure(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
            )
        raise IndexFailure(f"{name}(): Expected reduction dim {dim} to have non-zero size.")


def _extreme(name: str, everywhere: Any, pairwise: Any, choose: Any, take: Any, parts: Any) -> Any:
    def body(input: Tensor, dim: Operand = None, keepdim: Flag = False, *, other: OptionalOperand = None):
        if type(dim) is Tensor and (dim.ndim or dim.dtype.kind == "f"):
            dim, other = None, dim
        if other is not None:
            return pairwise(*promoted(input, as_tensor(other)))
        not_empty(input, dim, name)
        if dim is None:
            return everywhere(input)
        dim = Whole(dim)
        axis = axis_of(dim, input.ndim)
        return picked(parts, take, input, choose(input.array, axis) if input.ndim else None, dim, keepdim)

    body.__annotations__["dim"] = "OptionalOperand"
    body.__name__ = name
    body.__doc__ = f"""The {name}imum of all elements; along a dim, values and indices; of two tensors, of each pair.

    Shapes: any -> (); along a dim (..., n, ...) -> values and indices (...), the dim 1 with `keepdim`; with another
        tensor any two that broadcast
    Derivative: where(x == out, g, 0) / count_nonzero(x == out); along a dim zeros_like(x).scatter(dim, indices, g);
        of two tensors that of `{name}imum`
    Kink: elements that tie for the {name}imum of all share the gradient evenly; along a dim the first of them has it,
        which `indices` names; of two equal ones each has half; a nan is the {name}imum of whatever holds one; of
        nothing an error. (why: gradcli/engine/reductions.py)
    Example: x = [1, 3, 1, 3]
        m = {name}(x)
        m
        backward m
    Example: x = [1, 3, 1, 3]
        m = {name}(x, 0)
        m
        backward m.values
    """
    return function(name)(body)


max = _extreme("max", r.max_all, e.maximum, np.argmax, _take_max, MaxParts)
min = _extreme("min", r.min_all, e.minimum, np.argmin, _take_min, MinParts)


@function()
def amax(input: Tensor, dim: Dims = (), keepdim: Flag = False):
    """The maximum along dims, of all elements without `dim`; elements that tie share the gradient.

    Shapes: any -> (); along dims these go, or become 1 with `keepdim`
    Derivative: where(x == out, g, 0) / count_nonzero(x == out, dim), once the dims that went are put back in out and g
    Kink: elements that tie share the gradient evenly, along a dim too (`max` gives it to one of them there); a nan is
        the maximum of whatever holds one; of nothing an error. (why: gradcli/engine/reductions.py)
    Example: x = [[1, 3, 3], [5, 2, 4]]
        rows = amax(x, 1)
        rows
        backward rows.sum()
    """
    not_empty(input, None if dim == () or isinstance(dim, tuple) else dim, "amax")
    return r.amax(input, axes_of(dim, input.ndim), keepdim)


@function()
def amin(input: Tensor, dim: Dims = (), keepdim: Flag = False):
    """The minimum along dims, of all elements without `dim`; elements that tie share the gradient.

    Shapes: any -> (); along dims these go, or become 1 with `keepdim`
    Derivative: where(x == out, g, 0) / count_nonzero(x == out, dim), once the dims that went are put back in out and g
    Kink: elements that tie share the gradient evenly, along a dim too (`min` gives it to one of them there); a nan is
        the minimum of whatever holds one; of nothing an error. (why: gradcli/engine/reductions.py)
    Example: x = [[3, 1, 1], [5, 2, 4]]
        rows = amin(x, 1)
        rows
        backward rows.sum()
    """
    not_empty(input, None if dim == () or isinstance(dim, tuple) else dim, "amin")
    return r.amin(input, axes_of(dim, input.ndim), keepdim)


@function()
def argmax(input: Tensor, dim: OptionalWhole = None, keepdim: Flag = False):
    """The index of the maximum, of all elements in a row or along a dim.

    Shapes: any -> (); along a dim it goes, or becomes 1 with `keepdim`; int64
    Derivative: none: an index
    Kink: of elements that tie the first; a nan counts as the largest; of nothing an error.
    Example: x = [[1, 5, 2], [7, 3, 7]]
        argmax(x)
        argmax(x, 1)
    """
    return _arg(np.argmax, "argmax", input, dim, keepdim)


@function()
def argmin(input: Tensor, dim: OptionalWhole = None, keepdim: Flag = False):
    """The index of the minimum, of all elements in a row or along a dim.

    Shapes: any -> (); along a dim it goes, or becomes 1 with `keepdim`; int64
    Derivative: none: an index
    Kink: of elements that tie the first; a nan counts as the smallest; of nothing an error.
    Example: x = [[4, 5, 2], [7, 3, 3]]
        argmin(x)
        argmin(x, 1)
    """
    return _arg(np.argmin, "argmin", input, dim, keepdim)


def _arg(choose: Any, name: str, input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    not_empty(input, dim, name)
    axis = None if dim is None else axes_of(dim, input.ndim)
    return index_tensor(choose(np.asarray(input.array), axis=axis, keepdims=keepdim))


@function()
def median(input: Tensor, dim: OptionalWhole = None, keepdim: Flag = False):
    """The lower median of all elements; along a dim, values and indices.

    Shapes: any -> (); along a dim (..., n, ...) -> values and indices (...), the dim 1 with `keepdim`; of an even
        number of elements the lower of the two in the middle
    Derivative: where(x == out, g, 0) / count_nonzero(x == out); along a dim zeros_like(x).scatter(dim, indices, g)
    Kink: elements that tie for the median of all share the gradient evenly; along a dim it goes to the one that
        `indices` names, the middle one in a stable order; a nan is the median of whatever holds one; of nothing nan.
        (why: gradcli/engine/reductions.py)
    Example: x = [4, 1, 3, 2]
        m = median(x)
        m
        backward m
    Example: x = [3, 1, 2, 2]
        m = median(x)
        backward m
    """
    array = np.asarray(input.array)
    if dim is None:
        return r.median(input)
    axis = axis_of(dim, input.ndim)
    if input.ndim and not input.shape[axis]:
        raise IndexFailure(f"median(): Expected reduction dim {dim} to have non-zero size.")
    return picked(MedianParts, _take_median, input, _median_index(array, axis) if input.ndim else None, dim, keepdim)


def _median_index(array: Any, axis: int) -> Any:
    order = np.argsort(array, axis=axis, kind="stable")
    index = np.take(order, (array.shape[axis] - 1) // 2, axis=axis)
    missing = np.isnan(array)
    # nan is the median of whatever holds one.
    has_nan = np.any(missing, axis=axis)
    return np.where(has_nan, np.argmax(missing, axis=axis), index)


@function()
def sort(input: Tensor, dim: Whole = -1, descending: Flag = False, stable: Flag = False):
    """The elements in order along a dim: values and indices.

    Shapes: (..., n, ...) -> values and indices of the same shape; `dim` is the one of n
    Derivative: zeros_like(x).scatter(dim, indices, g): each element gets the gradient of the place that it went to
    Kink: equal elements keep their order, with and without `stable`, and with `descending` too; nan counts as the
        largest.
    Example: x = [3, 1, 2]
        s = sort(x)
        s
        backward s.values[0]
    """
    if not input.ndim:
        return SortParts((_reshaped(_take_sorted, input), index_tensor(np.zeros((), np.int64))))
    index = argsorted(input.array, axis_of(dim, input.ndim), descending)
    take = _take_stably_sorted if stable else _take_sorted
    return SortParts((take(input, index, axis_of(dim, input.ndim)), index_tensor(index)))


def argsorted(array: Any, axis: int, descending: bool) -> Any:
    """Indices that sort, equal elements in their order; nan counts as the largest."""
    if not descending:
        return np.argsort(array, axis=axis, kind="stable")
    index = np.argsort(np.flip(array, axis), axis=axis, kind="stable")
    return np.flip(array.shape[axis] - 1 - index, axis)


@function()
def argsort(input: Tensor, dim: Whole = -1, descending: Flag = False, stable: Flag = False):
    """The indices that put the elements in order along a dim.

    Shapes: (..., n, ...) -> the same; int64
    Derivative: none: indices
    Kink: equal elements keep their order; nan counts as the largest.
    Example: x = [3, 1, 2]
        argsort(x)
        x[argsort(x, descending=true)]
    """
    array = np.atleast_1d(input.array)
    return index_tensor(argsorted(array, axis_of(dim, array.ndim), descending).reshape(input.shape))


@function()
def topk(input: Tensor, k: Whole, dim: Whole = -1, largest: Flag = True, sorted: Flag = True):
    """The k largest (or smallest) elements along a dim, in order: values and indices.

    Shapes: (..., n, ...) -> values and indices (..., k, ...); k from 0 to n
    Derivative: zeros_like(x).scatter(dim, indices, g): the elements that are taken get theirs, the others 0
    Kink: of equal elements the first are taken, where PyTorch leaves open which; nan counts as the largest.
    Example: x = [3, 1, 4, 1, 5]
        best = topk(x, 2)
        best
        backward best.values.sum()
    """
    axis = axis_of(dim, input.ndim)
    if not 0 <= k <= (input.shape[axis] if input.ndim else 1):
        raise IndexFailure(
            "selected index k out of range", help=f"this dim has {input.shape[axis] if input.ndim else 1}"
        )
    if not input.ndim:
        return TopkParts((_reshaped(_take_topk, input), index_tensor(np.zeros((), np.int64))))
    index = np.take(argsorted(input.array, axis, largest), np.arange(k), axis=axis)
    return TopkParts((_take_topk(input, index, axis), index_tensor(index)))


on_plain_values("max", builtins.max, None, sequences=True)
on_plain_values("min", builtins.min, None, sequences=True)
