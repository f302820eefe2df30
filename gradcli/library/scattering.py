"""Functions that give a copy of a tensor with other elements in chosen places: set, added or reduced there."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradcli.engine import Tensor, as_tensor
from gradcli.engine import elementwise as e
from gradcli.engine import scattering as g
from gradcli.engine import shaping as s
from gradcli.engine.indexing import normalized
from gradcli.engine.indexing import take as taken
from gradcli.engine.operation import relabel
from gradcli.errors import IndexFailure, ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import (
    Flag,
    Number,
    Operand,
    OptionalNumber,
    OptionalText,
    OptionalWhole,
    Text,
    Whole,
    Wholes,
    axis_of,
)
from gradcli.library.parts import broadcast_shape
from gradcli.library.strides import strided_places
from gradcli.library.vocabulary import function

# ---- places


def _whole(index: Tensor, name: str) -> np.ndarray:
    array = np.asarray(index.array)
    if array.dtype.kind == "b" or (array.dtype.kind == "f" and not np.array_equal(array, np.floor(array))):
        raise IndexFailure(f"{name}(): Expected dtype int64 for index", help="an index is made of whole numbers")
    return array.astype(np.int64, copy=False)


def _in_range(places: np.ndarray, size: int, dim: int) -> None:
    bad = places[(places < 0) | (places >= size)]
    if bad.size:
        raise IndexFailure(f"index {int(bad.flat[0])} is out of bounds for dimension {dim} with size {size}")


def _row(tensor: Tensor) -> Tensor:
    """A tensor without dimensions as one of a single element, which NumPy can write into."""
    return tensor if tensor.ndim else s.reshape(tensor, (1,))


def _as_before(result: Tensor, input: Tensor) -> Tensor:
    """In the input's shape; the reshape bears the name of the operation."""
    if result.shape == input.shape:
        return result
    name = result.node.name if result.node else None
    shaped = s.reshape(result, input.shape)
    return relabel(shaped, name) if name else shaped


def _grid(input: Tensor, dim: int, index: Tensor, name: str, src: Tensor | None) -> tuple[int, tuple[Any, ...]]:
    """The axis, and the whole index that `index` along it stands for; IndexFailure and ShapeFailure as in torch."""
    axis = axis_of(dim, input.ndim)
    places = np.atleast_1d(_whole(index, name))
    shape = input.shape or (1,)
    if not places.size:
        return axis, tuple(np.zeros(0, np.int64) for _ in shape)
    for what, other in (("src", src), ("self", input)):
        if other is None:
            continue
        if (other.ndim or 1) != places.ndim:
            raise ShapeFailure(f"Index tensor must have the same number of dimensions as {what} tensor")
    for a, n in enumerate(places.shape):
        if (a != axis and n > shape[a]) or (src is not None and n > (src.shape or (1,))[a]):
            beside = "" if src is None else f" and to be no larger size than src {list(src.shape)}"
            raise ShapeFailure(
                f"Expected index {list(places.shape)} to be no larger than self {list(input.shape)} apart from "
                f"dimension {axis}{beside}"
            )
    _in_range(places, shape[axis], axis)
    grids = np.indices(places.shape, sparse=True)
    return axis, tuple(places if a == axis else grid for a, grid in enumerate(grids))


def _window(src: Tensor, index: tuple[Any, ...]) -> Tensor:
    """The part of `src` that the index has places for."""
    src, shape = _row(src), np.broadcast_shapes(*(part.shape for part in index))
    if not prod(shape):
        return s.getitem_index(src, index)
    return src if src.shape == shape else taken(src, tuple(slice(n) for n in shape))


def _same_dtype(input: Tensor, src: Tensor, name: str) -> None:
    if input.dtype != src.dtype:
        raise TypeFailure(
            f"{name}(): Expected self.dtype to be equal to src.dtype, and got {input.dtype} and {src.dtype}",
            help="convert one of them, `.double()` or `.float()`",
        )


# ---- scatter: an index for every element


@function()
def scatter(input: Tensor, dim: Whole, index: Tensor, src: Operand = None, *, value: OptionalNumber = None,
            reduce: OptionalText = None):  # fmt: skip
    """The input with src (a tensor or one number) at the indices along a dim; reduce is "add" or "multiply".

    For dim 0 of a matrix: result[index[i, j], j] = src[i, j].

    Shapes: input, index and src of as many dims -> that of input; index no larger than src, and than input but along
        dim
    Derivative: input: g, with 0 at the indices; src: g at the indices, `gather(g, dim, index)`; with reduce that of
        scatter_reduce by "sum" or "prod"
    Kink: where two go to one place the last one is the result, and both get the gradient of the place. (why:
        gradcli/engine/scattering.py)
    Example: x = [1., 2., 3.]
        y = [10., 20.]
        r = scatter(x, 0, [2, 0], y)
        r
        backward r with [5., 6., 7.]
    """
    src = value if src is None else src
    if src is None:
        raise TypeFailure("scatter() needs an argument `src`", help="a tensor of the index's shape, or a number")
    tensor = src if type(src) is Tensor else None
    if tensor is not None:
        _same_dtype(input, tensor, "scatter")
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise ValueFailure("reduce argument must be either add or multiply.")
        if tensor is None:
            src = Tensor(np.full(index.shape, src, input.dtype))
        return scatter_reduce(input, dim, index, src, "sum" if reduce == "add" else "prod")
    _, places = _grid(input, dim, index, "scatter", tensor)
    if tensor is not None:
        return _as_before(g.scatter(_row(input), _window(tensor, places), places), input)
    return _as_before(g.scatter_number(_row(input), as_tensor(src, input.dtype), places), input)


@function()
def scatter_add(input: Tensor, dim: Whole, index: Tensor, src: Tensor):
    """The input with src added at the indices along a dim.

    For dim 0 of a matrix: result[index[i, j], j] += src[i, j], as often as an index comes.

    Shapes: input, index and src of as many dims -> that of input; index no larger than src, and than input but along
        dim
    Derivative: input: g; src: g at the indices, `gather(g, dim, index)`
    Example: x = [1., 2., 3.]
        y = [10., 20., 30.]
        r = scatter_add(x, 0, [2, 0, 2], y)
        r
        backward r with [5., 6., 7.]
    """
    _same_dtype(input, src, "scatter")
    _, places = _grid(input, dim, index, "scatter_add", src)
    return _as_before(g.scatter_add(_row(input), _window(src, places), places), input)


@function()
def scatter_reduce(input: Tensor, dim: Whole, index: Tensor, src: Tensor, reduce: Text, *, include_self: Flag = True):
    """The input reduced with what src has for each place: reduce is "sum", "prod", "mean", "amax" or "amin".

    With include_self=false the input counts only where nothing arrives.

    Shapes: input, index and src of as many dims -> that of input; index no larger than src, and than input but along
        dim
    Derivative: for each element that goes into a place, in input and in src: for "sum" the g of the place; for "mean" g
        divided by how many they are; for "prod" g times the product of the others; for "amax" and "amin" g where the
        element is the result, 0 elsewhere
    Kink: at a tie of "amax" or "amin" all that tie share the gradient, the input too where it doesn't count; of several
        zeros in one product none has a gradient. (why: gradcli/engine/scattering.py)
    Example: x = [1., 2., 3.]
        y = [5., 2., 4.]
        r = scatter_reduce(x, 0, [0, 1, 0], y, "amax")
        r
        backward sum(r)
    """
    if reduce not in g.REDUCTIONS:
        raise ValueFailure(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}.")
    _same_dtype(input, src, "scatter")
    _, places = _grid(input, dim, index, "scatter_reduce", src)
    return _as_before(g.reduce_at(_row(input), _window(src, places), places, reduce, include_self), input)


# ---- index: whole slices


def _slices(input: Tensor, dim: int, index: Tensor, name: str) -> tuple[int, np.ndarray, tuple[Any, ...]]:
    """The axis, the indices, and the whole index of the slices."""
    axis = axis_of(dim, input.ndim)
    places = np.atleast_1d(_whole(index, name))
    if places.ndim > 1:
        raise IndexFailure(f"{name}(): Index is supposed to be a vector, but got dim: {places.ndim}")
    size = input.shape[axis] if input.ndim else 1
    if name in ("index_fill", "index_put"):
        places = np.where(places < 0, places + size, places)
    _in_range(places, size, axis)
    return axis, places, (*(slice(None),) * axis, places)


def _check_source(input: Tensor, axis: int, places: np.ndarray, source: Tensor, name: str) -> None:
    if input.dtype != source.dtype:
        raise TypeFailure(
            f"{name}(): self and source expected to have the same dtype, but got (self) {input.dtype} and (source) "
            f"{source.dtype}"
        )
    count = source.shape[axis] if source.ndim else 1
    if places.size != count:
        raise IndexFailure(
            f"{name}(): Number of indices ({places.size}) should be equal to source.size(dim): ({count}), for dim: "
            f"{axis}"
        )
    wanted = (*input.shape[:axis], *input.shape[axis + 1 :])
    if source.ndim != input.ndim and input.ndim and source.ndim:
        raise ShapeFailure(
            f"{name}(): When source and destination are not scalars, their dimensionality must match. Source "
            f"dimensionality ({source.ndim}), destination dimensionality ({input.ndim})"
        )
    if source.ndim and (*source.shape[:axis], *source.shape[axis + 1 :]) != wanted:
        raise ShapeFailure(
            f"{name}(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{list(wanted)} at dimension {axis} and source slice shape: "
            f"{[*source.shape[:axis], *source.shape[axis + 1 :]]} at dimension 0."
        )


@function()
def index_add(input: Tensor, dim: Whole, index: Tensor, source: Tensor, *, alpha: Number = 1):
    """The input with alpha times the slices of source added at the indices of a dim.

    Shapes: (..., n, ...), (k), (..., k, ...) -> (..., n, ...); `dim` is the one of n, and source has a slice for each
        index
    Derivative: input: g; source: alpha * index_select(g, dim, index)
    Example: x = [[1., 2.], [3., 4.]]
        y = [[10., 20.], [30., 40.]]
        r = index_add(x, 0, [1, 1], y)
        r
        backward r with [[1., 2.], [3., 4.]]
    """
    axis, places, where = _slices(input, dim, index, "index_add")
    _check_source(input, axis, places, source, "index_add")
    source = _row(source) if alpha == 1 else e.mul(_row(source), alpha)
    return _as_before(g.add_at(_row(input), source, where), input)


@function()
def index_copy(input: Tensor, dim: Whole, index: Tensor, source: Tensor):
    """The input with the slices of source at the indices of a dim.

    Shapes: (..., n, ...), (k), (..., k, ...) -> (..., n, ...); `dim` is the one of n, and source has a slice for each
        index
    Derivative: input: g, with 0 at the indices; source: index_select(g, dim, index)
    Kink: where two go to one place the last one is the result, and both get the gradient of the place. (why:
        gradcli/engine/scattering.py)
    Example: x = [[1., 2.], [3., 4.]]
        y = [[10., 20.]]
        r = index_copy(x, 0, [1], y)
        r
        backward r with [[1., 2.], [3., 4.]]
    """
    axis, places, where = _slices(input, dim, index, "index_copy")
    _check_source(input, axis, places, source, "index_copy")
    return _as_before(g.index_copy(_row(input), _row(source), where), input)


@function()
def index_fill(input: Tensor, dim: Whole, index: Tensor, value: Operand):
    """The input with one number in the slices at the indices of a dim.

    Shapes: (..., n, ...), (k), () -> (..., n, ...); `dim` is the one of n
    Derivative: input: g, with 0 at the indices; value: the sum of g at the indices, each counted once
    Example: x = [[1., 2.], [3., 4.]]
        v = 9.
        r = index_fill(x, 1, [0], v)
        r
        backward r with [[1., 2.], [3., 4.]]
    """
    if type(value) is Tensor and value.ndim:
        raise ShapeFailure(
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    axis, places, _ = _slices(input, dim, index, "index_fill")
    where = (*(slice(None),) * axis, np.unique(places))
    apply = g.index_fill_tensor if type(value) is Tensor else g.index_fill
    return _as_before(apply(_row(input), as_tensor(value, input.dtype), where), input)


@function()
def index_reduce(input: Tensor, dim: Whole, index: Tensor, source: Tensor, reduce: Text, *, include_self: Flag = True):
    """The input reduced with the slices of source at the indices of a dim: "prod", "mean", "amax" or "amin".

    With include_self=false the input counts only where nothing arrives.

    Shapes: (..., n, ...), (k), (..., k, ...) -> (..., n, ...); `dim` is the one of n, and source has a slice for each
        index
    Derivative: for each element that goes into a place, in input and in source: for "mean" the g of the place divided
        by how many they are; for "prod" g times the product of the others; for "amax" and "amin" g where the element is
        the result, 0 elsewhere
    Kink: at a tie of "amax" or "amin" all that tie share the gradient, the input too where it doesn't count; of several
        zeros in one product none has a gradient. (why: gradcli/engine/scattering.py)
    Example: x = [1., 2., 3.]
        y = [4., 5.]
        r = index_reduce(x, 0, [1, 1], y, "prod")
        r
        backward sum(r)
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise ValueFailure(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    axis, places, where = _slices(input, dim, index, "index_reduce")
    _check_source(input, axis, places, source, "index_reduce")
    return _as_before(g.index_reduce(_row(input), _row(source), where, reduce, include_self), input)


@function()
def index_put(input: Tensor, indices, values: Tensor, accumulate: Flag = False):
    """The input with values set (or added) at an index for each of its first dims, as in `x[i, j] = v`.

    Shapes: any, a tuple of indices that broadcast together, values that broadcast to what the indices choose -> that of
        input
    Derivative: input: g, with 0 at the indices; values: g at the indices; with accumulate input: g
    Kink: where two are set in one place the last one is the result, and both get the gradient of the place. (why:
        gradcli/engine/scattering.py)
    Example: x = [[1., 2.], [3., 4.]]
        v = [10., 20.]
        r = index_put(x, ([0, 1], [1, 0]), v)
        r
        backward r with [[1., 2.], [3., 4.]]
    """
    if not isinstance(indices, (tuple, list)):
        raise TypeFailure("index_put() wants a tuple of indices, one a dim", help="`index_put(x, (i, j), v)`")
    if input.dtype != values.dtype:
        raise TypeFailure(
            "Index put requires the source and destination dtypes match, got "
            f"{input.dtype} for the destination and {values.dtype} for the source."
        )
    index, _ = normalized(tuple(slice(None) if part is None else part for part in indices), input.shape)
    place = input.array[index].shape if input.ndim else ()
    if broadcast_shape(place, values.shape) != place:
        raise ShapeFailure(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of "
            f"shape {list(place)}"
        )
    return (g.index_put_add if accumulate else g.index_put)(input, values, index)


@function()
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: Flag = False):
    """The input with source set (or added) at indices into all elements in a row.

    Shapes: any, any, source of as many elements as index -> that of input; negative indices count from the end
    Derivative: input: g, with 0 at the indices; source: take(g, index); with accumulate input: g
    Kink: where two are set in one place the last one is the result, and both get the gradient of the place. (why:
        gradcli/engine/scattering.py)
    Example: x = [[1., 2.], [3., 4.]]
        v = [10., 20.]
        r = x.put([1, -1], v)
        r
        backward r with [[1., 2.], [3., 4.]]
    """
    if input.dtype != source.dtype:
        raise TypeFailure(f"put_(): self and source expected to have the same dtype, but got self.dtype = "
                          f"{input.dtype} and source.dtype = {source.dtype}")  # fmt: skip
    places, size = _whole(index, "put").ravel(), input.array.size
    if places.size != source.array.size:
        raise IndexFailure(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.array.size}, index.numel() = {places.size}"
        )
    places = np.where(places < 0, places + size, places)
    _in_range(places, size, 0)
    apply = g.put_add if accumulate else g.torch_put
    return _as_before(apply(s.reshape(input, (-1,)), s.reshape(source, (-1,)), (places,)), input)


@function()
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor):
    """The input with the first elements of source, in a row, where the mask holds.

    Shapes: any two of input and mask that broadcast, source of any shape with elements enough -> their broadcast shape
    Derivative: input: where(mask, 0, g); source: masked_select(g, mask) in its first elements, 0 in those left over
    Example: x = [1., 2., 3.]
        v = [10., 20., 30.]
        r = masked_scatter(x, [true, false, true], v)
        r
        backward r with [5., 6., 7.]
    """
    if mask.dtype.kind != "b":
        raise TypeFailure(f"masked_scatter_ only supports boolean masks, but got mask with dtype {mask.dtype}")
    if input.dtype != source.dtype:
        raise TypeFailure(f"masked_scatter: expected self and source to have same dtypes but got {input.dtype} and "
                          f"{source.dtype}")  # fmt: skip
    shape = broadcast_shape(input.shape, mask.shape)
    input = input if input.shape == shape else s.broadcast_to(input, shape)
    places = np.flatnonzero(np.broadcast_to(mask.array, shape))
    if places.size > source.array.size:
        raise ValueFailure(
            f"masked_scatter: expected the number of elements of source ({source.array.size}) to be at least the "
            f"number of ones in mask ({places.size})"
        )
    row = s.reshape(source, (-1,))
    row = row if row.shape[0] == places.size else taken(row, slice(0, places.size))
    return _as_before(g.masked_scatter(s.reshape(input, (-1,)), row, (places,)), input)


# ---- into a view


def _into(apply: Any, input: Tensor, src: Tensor, steps: tuple[Any, ...], shape: tuple[int, ...], what: str) -> Tensor:
    if src.shape != shape:
        raise ShapeFailure(f"expected src to have a size equal to the {what} of self. src size = {list(src.shape)}, "
                           f"{what} size = {list(shape)}")  # fmt: skip
    src = src if src.dtype == input.dtype else as_tensor(src, input.dtype)
    return apply(input, src, (None, (*steps, None)))


@function()
def select_scatter(input: Tensor, src: Tensor, dim: Whole, index: Whole):
    """The input with src as the slice at an index of a dim.

    Shapes: (..., n, ...), (..., ...) -> (..., n, ...); `dim` is the one of n, which src is without
    Derivative: input: g, with 0 in the slice; src: select(g, dim, index)
    Example: x = [[1., 2.], [3., 4.]]
        v = [10., 20.]
        r = select_scatter(x, v, 0, 1)
        r
        backward r with [[1., 2.], [3., 4.]]
    """
    axis = axis_of(dim, input.ndim)
    size = input.shape[axis] if input.ndim else 0
    if not -size <= index < size:
        raise IndexFailure(f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension "
                           f"{axis}")  # fmt: skip
    key = (*(slice(None),) * axis, index, ...)
    return _into(g.select_scatter, input, src, (s.getitem.op, (key,)), input.array[key].shape, "slice")


@function()
def slice_scatter(
    input: Tensor, src: Tensor, dim: Whole = 0, start: OptionalWhole = None, end: OptionalWhole = None, step: Whole = 1
):
    """The input with src as the slice from start up to end of a dim.

    Shapes: (..., n, ...), (..., k, ...) -> (..., n, ...); `dim` is the one of n, and k how many the slice has
    Derivative: input: g, with 0 in the slice; src: the slice of g
    Example: x = [1., 2., 3., 4.]
        v = [10., 20.]
        r = slice_scatter(x, v, start=0, end=4, step=2)
        r
        backward r with [1., 2., 3., 4.]
    """
    if step <= 0:
        raise ValueFailure("slice step must be positive")
    if not input.ndim:
        raise IndexFailure("slice() cannot be applied to a 0-dim tensor.")
    axis = axis_of(dim, input.ndim)
    key = (*(slice(None),) * axis, slice(start, end, step), ...)
    return _into(g.slice_scatter, input, src, (s.getitem.op, (key,)), input.array[key].shape, "slice")


@function()
def diagonal_scatter(input: Tensor, src: Tensor, offset: Whole = 0, dim1: Whole = 0, dim2: Whole = 1):
    """The input with src on a diagonal of two dims.

    Shapes: (..., n, m), (..., k) -> (..., n, m); k is the diagonal's length, min(n, m) for offset 0
    Derivative: input: g, with 0 on the diagonal; src: diagonal(g, offset, dim1, dim2)
    Example: x = [[1., 2.], [3., 4.]]
        v = [10., 20.]
        r = diagonal_scatter(x, v)
        r
        backward r with [[1., 2.], [3., 4.]]
    """
    a, b = axis_of(dim1, input.ndim), axis_of(dim2, input.ndim)
    if a == b:
        raise IndexFailure(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    shape = s.diagonal.op.forward(input.array, offset, a, b).shape
    return _into(g.diagonal_scatter, input, src, (s.diagonal.op, (offset, a, b)), shape, "slice")


@function()
def as_strided_scatter(input: Tensor, src: Tensor, size: Wholes, stride: Wholes, storage_offset: OptionalWhole = None):
    """The input with src in the places that steps in memory lead to.

    Shapes: any, size -> that of input; each step is one of `stride`, the first place is storage_offset
    Derivative: input: g, with 0 at the places; src: as_strided(g, size, stride, storage_offset)
    Kink: where two go to one place the last one is the result, and both get the gradient of the place. (why:
        gradcli/engine/scattering.py)
    Example: x = [1., 2., 3., 4.]
        v = [10., 20.]
        r = as_strided_scatter(x, v, 2, 3)
        r
        backward r with [1., 2., 3., 4.]
    """
    places = strided_places(input, size, stride, storage_offset)
    if src.shape != places.shape:
        raise ShapeFailure(f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, "
                           f"slice size = {list(size)}")  # fmt: skip
    row = g.as_strided_scatter(s.reshape(input, (-1,)), s.reshape(src, (-1,)), (places.ravel(),))
    return _as_before(row, input)
