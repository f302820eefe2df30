"""What elements stand at places of their order: quantiles, the k-th smallest; and the most frequent one."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine import elementwise as e
from gradcli.engine import shaping as s
from gradcli.engine.operation import relabel, variant
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import (
    Flag,
    Operand,
    OptionalWhole,
    Text,
    Whole,
    axis_of,
)
from gradcli.library.extremes import not_empty, picked, sort
from gradcli.library.values import parts_type
from gradcli.library.vocabulary import function

KthvalueParts = parts_type("kthvalue", "values", "indices")
ModeParts = parts_type("mode", "values", "indices")

_take_kth = variant(s.take_along_axis, "KthvalueBackward0")
_take_mode = variant(s.take_along_axis, "ModeBackward0")

# ---- quantiles


def _quantile(name: str, input: Tensor, q: Any, dim: Any, keepdim: bool, interpolation: str) -> Tensor:
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise ValueFailure(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if input.dtype.kind != "f":
        raise TypeFailure(f"{name}() input tensor must be either float or double dtype")
    if not input.array.size:
        raise ValueFailure(f"{name}() input tensor must be non-empty")
    share = q if type(q) is Tensor else as_tensor(q, input.dtype)
    if share.ndim > 1:
        raise ShapeFailure(f"{name}() q must be a scalar or 1D tensor")
    if share.dtype != input.dtype:
        raise TypeFailure(f"{name}() q tensor must be same dtype as the input tensor")
    if not np.all((share.array >= 0) & (share.array <= 1)):
        raise ValueFailure(f"{name}() q values must be in the range [0, 1]")
    axis = None if dim is None else axis_of(dim, input.ndim)
    row = s.reshape(input, (-1,)) if axis is None or not input.ndim else s.swapaxes(input, axis, input.ndim - 1)
    chosen = _at_shares(row, s.reshape(share, (-1,)), name == "nanquantile", interpolation)
    if axis is None or not input.ndim:
        chosen = s.reshape(chosen, (share.array.size, *((1,) * input.ndim if keepdim else ())))
    else:
        # The shares are the last dim, where the dim that was reduced has gone: it comes back, and they go first.
        chosen = s.expand_dims(chosen, input.ndim - 1)
        chosen = s.swapaxes(chosen, axis, input.ndim - 1)
        order = (input.ndim, *range(input.ndim))
        chosen = s.permute(chosen, order)
        chosen = chosen if keepdim else s.squeeze(chosen, (axis + 1,))
    # torch's last step, which it names so whatever the shares are.
    return relabel(chosen if share.ndim else s.squeeze_dim(chosen, (0,)), "SqueezeBackward4")


def _at_shares(row: Tensor, shares: Tensor, passes_over_nan: bool, interpolation: str) -> Tensor:
    """The values at shares of the way through each row in order; the shares are the last dim of the result.

    A share that falls on an element has it below and above: the slope in the share, which is another on each side, is
    then 0, as in torch.
    """
    ordered = sort(row)[0]
    missing = np.isnan(ordered.array)
    last = ordered.shape[-1] - 1
    if passes_over_nan:
        ends = np.maximum(np.sum(~missing, axis=-1, keepdims=True) - 1, 0).astype(row.dtype)
        rank = e.mul(shares, Tensor(ends, CUT))
    else:
        # A row with a nan, which stands at its end, has no other quantile.
        lost = np.any(missing, axis=-1, keepdims=True)
        rank = e.mul(shares, Tensor(np.full(lost.shape, last, row.dtype), CUT))
        if lost.any():
            rank = e.where(Tensor(np.broadcast_to(lost, rank.shape), CUT), Tensor(row.dtype.type(last), CUT), rank)
    position = rank.array
    if interpolation in ("lower", "higher", "nearest"):
        rounded = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}[interpolation](position)
        return s.take_along_axis(ordered, rounded.astype(np.int64), -1)
    below, above = (f(position).astype(np.int64) for f in (np.floor, np.ceil))
    weight = e.sub(rank, Tensor(below.astype(row.dtype), CUT)) if interpolation == "linear" else (
        Tensor(np.full(position.shape, 0.5, row.dtype), CUT))  # fmt: skip
    return e.lerp_tensor(s.take_along_axis(ordered, below, -1), s.take_along_axis(ordered, above, -1), weight)


@function()
def quantile(
    input: Tensor, q: Operand, dim: OptionalWhole = None, keepdim: Flag = False, *, interpolation: Text = "linear"
):
    """The values below which the shares q of the elements lie, of all or along a dim.

    The k-th of n elements in order, with k = q * (n - 1) from 0; between two of them `interpolation` says what:
    "linear", "lower", "higher", "midpoint" or "nearest".

    Shapes: any -> (), or (len(q),) where q is a vector; along a dim (..., n, ...) -> (...), or (len(q), ...); the dim 1
        with `keepdim`; q from 0 to 1
    Derivative: with w = frac(q * (n - 1)) input: g * (1 - w) at the element below and g * w at the one above; q: g * (n
        - 1) * (above - below); "midpoint" has w = 0.5, and the others g at the element that they take, and both 0 in q
    Kink: where q falls on an element, that one has all of input's gradient, and q has 0; of equal elements those have
        it that stand there in a stable order; "nearest" takes the even one of two as near; whatever holds a nan has no
        other quantile.
    Example: x = [4, 1, 2, 8]
        v = quantile(x, 0.25)
        v
        backward v
        quantile(x, [0, 0.5, 1])
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@function()
def nanquantile(
    input: Tensor, q: Operand, dim: OptionalWhole = None, keepdim: Flag = False, *, interpolation: Text = "linear"
):
    """The quantiles of the elements that aren't nan, as `quantile` has them.

    Shapes: any -> (), or (len(q),) where q is a vector; along a dim (..., n, ...) -> (...), or (len(q), ...); the dim 1
        with `keepdim`; q from 0 to 1
    Derivative: that of `quantile` of the n elements that aren't nan, and 0 for those that are
    Kink: as `quantile`; the quantile of nothing but nan is nan.
    Example: x = [4, 1, nan, 2]
        v = nanquantile(x, 0.25)
        v
        backward v
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


# ---- in order


@function()
def msort(input: Tensor):
    """The elements in order along the first dim: `sort(x, 0)` without the indices.

    Shapes: (n, ...) -> the same
    Derivative: zeros_like(x).scatter(0, indices, g) with the indices of `sort(x, 0)`
    Kink: equal elements keep their order; nan counts as the largest.
    Example: x = [[3, 1], [2, 5]]
        s = msort(x)
        s
        backward s[0, 0]
    """
    return sort(input, 0)[0]


@function()
def kthvalue(input: Tensor, k: Whole, dim: Whole = -1, keepdim: Flag = False):
    """The k-th smallest element along a dim, counted from 1: values and indices.

    Shapes: (..., n, ...) -> values and indices (...), the dim 1 with `keepdim`; k from 1 to n
    Derivative: zeros_like(x).scatter(dim, indices, g): the element at `indices` has the gradient, the others 0
    Kink: of equal elements it's the one that is k-th in a stable order, where PyTorch leaves open which; nan counts as
        the largest. (why: gradcli/library/reducing.py)
    Example: x = [5, 2, 9]
        second = kthvalue(x, 2)
        second
        backward second.values
    """
    axis = axis_of(dim, input.ndim)
    if not 1 <= k <= (input.shape[axis] if input.ndim else 1):
        raise ValueFailure(f"kthvalue(): selected number k out of range for dimension {axis}")
    index = np.take(np.argsort(input.array, axis=axis, kind="stable"), k - 1, axis=axis) if input.ndim else None
    return picked(KthvalueParts, _take_kth, input, index, dim, keepdim)


@function()
def mode(input: Tensor, dim: Whole = -1, keepdim: Flag = False):
    """The most frequent element along a dim (the smallest of them, at its last place): values and indices.

    Shapes: (..., n, ...) -> values and indices (...), the dim 1 with `keepdim`
    Derivative: zeros_like(x).scatter(dim, indices, g): the element at `indices` has the gradient, the others 0
    Kink: of its equal elements the last has the gradient; of several that are equally frequent the smallest is taken;
        of nothing an error. (why: gradcli/library/reducing.py)
    Example: x = [3, 1, 3, 2]
        m = mode(x)
        m
        backward m.values
    """
    not_empty(input, dim, "mode")
    axis = axis_of(dim, input.ndim)
    return picked(ModeParts, _take_mode, input, _mode_index(input.array, axis) if input.ndim else None, dim, keepdim)


def _mode_index(array: Any, axis: int) -> Any:
    order = np.swapaxes(np.argsort(array, axis=axis, kind="stable"), axis, -1)
    ordered = np.take_along_axis(np.swapaxes(array, axis, -1), order, -1)
    place = np.arange(ordered.shape[-1])
    starts = np.concatenate([np.ones_like(ordered[..., :1], bool), ordered[..., 1:] != ordered[..., :-1]], axis=-1)
    length = place - np.maximum.accumulate(np.where(starts, place, 0), axis=-1)
    longest = np.argmax(length, axis=-1, keepdims=True)
    return np.squeeze(np.swapaxes(np.take_along_axis(order, longest, -1), axis, -1), axis)
