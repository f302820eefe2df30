"""Functions of rows of samples: running extremes and totals, integrals, slopes; and rows kept short."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor, inplace
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine import special as p
from gradcli.engine.operation import relabel, variant
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Dims, Number, OptionalNumber, OptionalTensor, Whole, axes_of, axis_of
from gradcli.library.extremes import index_tensor
from gradcli.library.values import parts_type
from gradcli.library.vocabulary import alias, function

CummaxParts = parts_type("cummax", "values", "indices")
CumminParts = parts_type("cummin", "values", "indices")

_take_max = variant(s.take_along_axis, "CummaxBackward0")
_take_min = variant(s.take_along_axis, "CumminBackward0")


# ---- running


def _running(input: Tensor, dim: int, extreme: Any, take: Any, parts: Any) -> Any:
    """Where several elements tie, torch's index is the last so far; after a nan everything is nan."""
    axis = axis_of(dim, input.ndim)
    row = input if input.ndim else s.reshape(input, (1,))
    array = row.array
    record = array == extreme.accumulate(array, axis=axis)
    place = np.arange(array.shape[axis]).reshape([-1 if a == axis else 1 for a in range(row.ndim)])
    index = np.maximum.accumulate(np.where(record | (array != array), place, 0), axis=axis)
    values = take(row, index, axis)
    if not input.ndim:
        values, index = relabel(s.reshape(values, ()), take.op.grad_name), index.reshape(())
    return parts((values, index_tensor(index)))


@function()
def cummax(input: Tensor, dim: Whole):
    """The largest element so far along a dim: values and indices.

    Shapes: (..., n, ...) -> values and indices of the same shape
    Derivative: zeros_like(x).scatter_add(dim, indices, g): an element has the gradients of all places where it leads
    Kink: of elements that tie the last so far leads, and has the gradient from there on; after a nan everything is nan.
        (why: gradcli/library/reducing.py)
    Example: x = [2, 1, 3, 2]
        top = cummax(x, 0)
        top
        backward top.values.sum()
    """
    return _running(input, dim, np.maximum, _take_max, CummaxParts)


@function()
def cummin(input: Tensor, dim: Whole):
    """The smallest element so far along a dim: values and indices.

    Shapes: (..., n, ...) -> values and indices of the same shape
    Derivative: zeros_like(x).scatter_add(dim, indices, g): an element has the gradients of all places where it leads
    Kink: of elements that tie the last so far leads, and has the gradient from there on; after a nan everything is nan.
        (why: gradcli/library/reducing.py)
    Example: x = [2, 3, 1, 2]
        low = cummin(x, 0)
        low
        backward low.values.sum()
    """
    return _running(input, dim, np.minimum, _take_min, CumminParts)


@function()
def logcumsumexp(input: Tensor, dim: Whole):
    """log(cumsum(exp(x))) along a dim, without overflow.

    Shapes: (..., n, ...) -> the same
    Derivative: exp(x) * (g * exp(-out)).flip(dim).cumsum(dim).flip(dim), computed without overflow
    Kink: an element of -inf adds nothing, and has gradient 0 also where the result is still -inf (PyTorch's is nan
        there). (why: gradcli/engine/special.py)
    Example: x = [0, 1, 2]
        totals = logcumsumexp(x, 0)
        totals
        backward totals[2]
    """
    if input.dtype.kind != "f":
        raise TypeFailure(f"logcumsumexp is not implemented for {input.dtype}", help="make it real: `x.double()`")
    axis = axis_of(dim, input.ndim)
    if input.ndim:
        return p.logcumsumexp(input, axis)
    return relabel(s.reshape(p.logcumsumexp(s.reshape(input, (1,)), 0), ()), "LogcumsumexpBackward0")


# ---- integrals


def _part(input: Tensor, axis: int, *bounds: int | None) -> Tensor:
    return s.getitem_slice(input, (*(slice(None),) * axis, slice(*bounds), ...))


def _widths(y: Tensor, x: Tensor, axis: int, name: str) -> Tensor:
    """The steps between sample points, beside the samples."""
    if not x.ndim:
        raise ShapeFailure(f"{name}: input tensor `x` has no dimensions")
    if x.ndim == 1:
        if x.shape[0] != y.shape[axis]:
            raise ShapeFailure(f"{name}: There must be one `x` value for each sample point")
        x = s.reshape(x, (-1, *(1,) * (y.ndim - axis - 1)))
    elif x.ndim < y.ndim:
        x = s.reshape(x, (1,) * (y.ndim - x.ndim) + x.shape)
    along = x.ndim - (y.ndim - axis)
    return e.sub(_part(x, along, 1, None), _part(x, along, None, -1))


def _areas(y: Tensor, x: Tensor | None, dx: Any, axis: int, name: str) -> tuple[Tensor, int]:
    """Twice the areas between neighbours (with x; without, the sums of neighbours), and their axis."""
    if x is not None and dx is not None:
        raise TypeFailure(f"{name}() takes sample points `x` or a distance `dx`, not both")
    if not y.ndim:
        raise ShapeFailure(f"{name}: input tensor `y` has no dimensions")
    pairs = e.add(_part(y, axis, None, -1), _part(y, axis, 1, None))
    if x is None:
        return pairs, axis
    areas = e.mul(_widths(y, x, axis, name), pairs)
    return areas, areas.ndim - (y.ndim - axis)


@function()
def trapezoid(y: Tensor, x: OptionalTensor = None, *, dx: OptionalNumber = None, dim: Whole = -1):
    """The integral along a dim by the trapezoidal rule, at sample points x or a distance dx (1) apart.

    Shapes: (..., n, ...) -> (...); x (n,), or broadcasting with y
    Derivative: y: g * dx, half of it at both ends; with points y: g * (x[2:] - x[:-2]) / 2 inside, g * (x[1] - x[0]) /
        2 and g * (x[-1] - x[-2]) / 2 at the ends, and x: g * (y[:-2] - y[2:]) / 2 inside, -g * (y[0] + y[1]) / 2 and g
        * (y[-2] + y[-1]) / 2 at the ends
    Example: y = [0, 1, 4, 9]
        area = trapezoid(y)
        area
        backward area
    Example: x = [0, 1, 3]
        area = trapezoid([1, 3, 2], x)
        area
        backward area
    """
    areas, axis = _areas(y, x, dx, axis_of(dim, y.ndim), "trapezoid")
    total = r.sum_dim(areas, axis, False)
    if x is None:
        return relabel(e.mul(total, (1 if dx is None else dx) / 2), "MulBackward1")
    return relabel(e.div(total, 2), "DivBackward1")


alias("trapz", "trapezoid")


@function()
def cumulative_trapezoid(y: Tensor, x: OptionalTensor = None, *, dx: OptionalNumber = None, dim: Whole = -1):
    """The running integral along a dim by the trapezoidal rule: one element less than y has.

    Shapes: (..., n, ...) -> (..., n - 1, ...); x (n,), or broadcasting with y
    Derivative: that of `cumsum((y[1:] + y[:-1]) * dx / 2, dim)`, or with `(x[1:] - x[:-1])` for dx
    Example: y = [0, 1, 4, 9]
        areas = cumulative_trapezoid(y)
        areas
        backward areas[2]
    """
    areas, axis = _areas(y, x, dx, axis_of(dim, y.ndim), "cumulative_trapezoid")
    if x is None:
        return r.cumsum(e.mul(areas, (1 if dx is None else dx) / 2), axis)
    return relabel(e.div(r.cumsum(areas, axis), 2), "DivBackward1")


# ---- slopes


@function()
def gradient(input: Tensor, *, spacing=1, dim: Dims = None, edge_order: Whole = 1):
    """The slopes along dims by differences of neighbours; spacing is a number, one a dim, or coordinates, one a dim.

    Between neighbours at distances h and k: the slope of the parabola through the three points.

    Shapes: any -> a tuple, one for each dim, each of the same shape; n of at least edge_order + 1 along these dims
    Derivative: that of `(x[2:] - x[:-2]) / (2 * spacing)` inside and of `(x[1] - x[0]) / spacing` at an end
    Kink: at the ends the slope of the line through two points, with edge_order=2 that of the parabola through three.
    Example: x = [0, 1, 4, 9]
        slopes = gradient(x)
        slopes
        backward slopes[0][1]
    Example: gradient([0., 1., 4., 9.], spacing=0.5, edge_order=2)
    """
    axes = axes_of(dim, input.ndim)
    axes = tuple(range(input.ndim)) if axes is None else axes if isinstance(axes, tuple) else (axes,)
    if edge_order not in (1, 2):
        raise ValueFailure("torch.gradient only supports edge_order=1 and edge_order=2.")
    distances = _distances(spacing, len(axes))
    for axis in axes:
        if input.shape[axis] < edge_order + 1:
            raise ShapeFailure("torch.gradient expected each dimension size to be at least edge_order+1")
    if input.dtype.kind != "f":
        input = as_tensor(input, None if input.dtype.kind == "f" else np.dtype(np.float64))
    return tuple(_slope(input, axis, by, edge_order) for axis, by in zip(axes, distances, strict=True))


def _distances(spacing: Any, count: int) -> list[Any]:
    """A number or coordinates for each dim."""
    if type(spacing) is Tensor:
        spacing = spacing.array.tolist()
    if not isinstance(spacing, (tuple, list)):
        return [Number(spacing)] * count
    if len(spacing) != count:
        raise ValueFailure(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to the number of "
            f"dims, {count}, but got {len(spacing)}"
        )
    return [by if type(by) is Tensor and by.ndim else Number(by) for by in spacing]


def _slope(input: Tensor, axis: int, by: Any, edge_order: int) -> Tensor:
    def at(start: int | None, end: int | None) -> Tensor:
        return _part(input, axis, start, end)

    n = input.shape[axis]
    if type(by) is Tensor:
        if by.shape != (n,):
            raise ShapeFailure(
                f"torch.gradient expected each tensor to have the dim's {n} coordinates, and one has shape {by.shape}"
            )
        x = s.reshape(by, (-1, *(1,) * (input.ndim - axis - 1)))
        steps = e.sub(_part(x, 0, 1, None), _part(x, 0, None, -1))

        def step(k: int) -> Any:
            return _part(steps, 0, k, k + 1 or None)

        h, k = _part(steps, 0, None, -1), _part(steps, 0, 1, None)
    else:
        h = k = by

        def step(k: int) -> Any:
            return by

    # The quotients of neighbours, weighed by the distance to the other neighbour.
    rise = at(1, None) - at(None, -1)
    slopes = rise / (steps if type(by) is Tensor else by)
    before, after = _part(slopes, axis, None, -1), _part(slopes, axis, 1, None)
    inner = (k * before + h * after) / (h + k)
    first, last = _part(slopes, axis, 0, 1), _part(slopes, axis, n - 2, n - 1)
    if edge_order == 2:
        second, second_last = _part(slopes, axis, 1, 2), _part(slopes, axis, n - 3, n - 2)
        first = first + (first - second) * (step(0) / (step(0) + step(1)))
        last = last + (last - second_last) * (step(n - 2) / (step(n - 2) + step(n - 3)))
    return s.concatenate([first, inner, last], axis)


# ---- rows kept short


@function()
def renorm(input: Tensor, p: Number, dim: Whole, maxnorm: Number):
    """The slices along a dim, those with a p-norm above maxnorm scaled down to it.

    Shapes: (..., n, ...) -> the same, of at least 2 dims; p > 0, maxnorm >= 0
    Derivative: g for a slice that is kept; for one that is scaled that of `x * maxnorm / (norm(x, p) + 1e-7)`
    Kink: a slice whose norm is maxnorm is kept, with the gradient g.
    Example: x = [[3, 4], [0.3, 0.4]]
        rows = renorm(x, 2, 0, 1)
        rows
        backward rows[:, 0].sum()
    """
    if p <= 0:
        raise ValueFailure("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise ValueFailure(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if input.ndim < 2:
        raise ShapeFailure(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    axis = axis_of(dim, input.ndim)
    size = r.norm(input, p, tuple(a for a in range(input.ndim) if a != axis), True)
    # torch's 1e-7 keeps the quotient finite.
    scale = e.where(Tensor(size.array > maxnorm, CUT), maxnorm / (size + 1e-7), Tensor(size.dtype.type(1), CUT))
    return relabel(e.mul(input, scale), "RenormBackward0")


@function("renorm_", method=True)
def renorm_in_place(self: Tensor, p: Number, dim: Whole, maxnorm: Number):
    """`renorm`, in place."""
    inplace.refuse_leaf(self)
    # The norms are those of the old values, which their derivative needs.
    return inplace.assign(self, renorm(s.clone(self), p, dim, maxnorm))
