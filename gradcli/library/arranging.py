"""Functions that arrange elements anew: grids and columns, parts by place, diagonals, windows, copies, turns."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine import scattering as g
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.operation import variant
from gradcli.engine.reductions import sum_dim
from gradcli.errors import IndexFailure, ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import (
    Dims,
    Flag,
    OptionalText,
    OptionalWhole,
    Tensors,
    Whole,
    Wholes,
    axes_of,
    axis_of,
)
from gradcli.library.parts import cat, index_select, stack
from gradcli.library.vocabulary import function

_diag_embed = variant(s.onto_diagonal, "DiagEmbedBackward0")

# ---- at least so many dims, and company


def _several(tensors: tuple[Any, ...]) -> list[Tensor]:
    """Tensors one by one, or in one list."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    return [as_tensor(tensor) for tensor in tensors]


def _each(make: Any, tensors: tuple[Any, ...]) -> Any:
    alone = len(tensors) == 1 and not isinstance(tensors[0], (tuple, list))
    results = tuple(make(tensor) for tensor in _several(tensors))
    return results[0] if alone else results


def _two_dims(x: Tensor) -> Tensor:
    return s.reshape(x, (1, 1)) if x.ndim == 0 else s.expand_dims(x, 0) if x.ndim == 1 else x


def _three_dims(x: Tensor) -> Tensor:
    if x.ndim == 0:
        return s.reshape(x, (1, 1, 1))
    if x.ndim == 1:
        return s.expand_dims(s.expand_dims(x, 0), 2)
    return s.expand_dims(x, 2) if x.ndim == 2 else x


@function()
def atleast_2d(*tensors):
    """Tensors with at least two dims: a number becomes a matrix of one element, a vector a row.

    Shapes: () -> (1, 1), (n,) -> (1, n), others as they are; of several tensors a tuple
    Derivative: g.reshape(x.shape)
    Example: x = [1, 2]
        row = atleast_2d(x)
        row
        backward row[0, 1]
    """
    return _each(_two_dims, tensors)


@function()
def atleast_3d(*tensors):
    """Tensors with at least three dims.

    Shapes: () -> (1, 1, 1), (n,) -> (1, n, 1), (m, n) -> (m, n, 1), others as they are; of several tensors a tuple
    Derivative: g.reshape(x.shape)
    Example: x = [1, 2]
        block = atleast_3d(x)
        block
        backward block[0, 1, 0]
    """
    return _each(_three_dims, tensors)


@function()
def broadcast_tensors(*tensors):
    """Tensors stretched to the shape that they have together, as a tuple; without copying.

    Shapes: any that broadcast together -> each of the shape that they have together
    Derivative: each: g.sum_to_size(x.shape)
    Example: x = [1, 2]
        y = [[10], [20]]
        a, b = broadcast_tensors(x, y)
        a
        b
        backward sum(a * b)
    """
    found = _several(tensors)
    shape: tuple[int, ...] = ()
    for tensor in found:
        try:
            shape = np.broadcast_shapes(shape, tensor.shape)
        except ValueError:
            raise shape_clash(shape, tensor.shape) from None
    return tuple(x if x.shape == shape else s.broadcast_to(x, shape) for x in found)


@function()
def meshgrid(*tensors, indexing: OptionalText = None):
    """The coordinates of a grid: each vector along its own dim; indexing "ij", or "xy" for the first two exchanged.

    Shapes: (m,), (n,), ... -> as many of (m, n, ...); with "xy" of (n, m, ...)
    Derivative: each: the sum of g over the other dims: for the first of two g.sum(1)
    Example: x = [1, 2]
        y = [10, 20, 30]
        rows, columns = meshgrid(x, y)
        rows
        columns
        backward sum(rows * columns)
    """
    vectors = _several(tensors)
    if indexing not in (None, "ij", "xy"):
        raise ValueFailure(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if not vectors:
        raise ValueFailure("meshgrid expects a non-empty TensorList")
    for vector in vectors:
        if vector.ndim > 1:
            raise ShapeFailure(
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got a tensor of shape {vector.shape}"
            )
        if vector.dtype != vectors[0].dtype:
            raise TypeFailure("torch.meshgrid expects all tensors to have the same dtype")
    order = list(range(len(vectors)))
    if indexing == "xy" and len(order) > 1:
        order[:2] = 1, 0
    sizes = [vector.array.size for vector in vectors]
    shape = tuple(sizes[k] for k in order)
    allocatable(shape, vectors[0].dtype)
    grids = []
    for k, vector in enumerate(vectors):
        along = tuple(sizes[k] if other == k else 1 for other in order)
        grids.append(s.broadcast_to(s.reshape(vector, along), shape))
    return tuple(grids)


@function()
def column_stack(tensors: Tensors):
    """Vectors as columns, and matrices, beside each other.

    Shapes: (m,) or (m, n) each -> (m, how many columns they have together)
    Derivative: each: the columns of g that it became, in its shape
    Example: x = [1, 2]
        y = [3, 4]
        m = column_stack([x, y])
        m
        backward m[0].sum()
    """
    return cat([s.reshape(x, (x.array.size, 1)) if x.ndim < 2 else x for x in tensors], 1)


@function()
def dstack(tensors: Tensors):
    """Matrices put behind each other, along the third dim.

    Shapes: (m, n) each -> (m, n, how many); () and (n,) are made three dims as by `atleast_3d`
    Derivative: each: the part of g that it became, in its shape
    Example: x = [[1, 2]]
        y = [[3, 4]]
        block = dstack([x, y])
        block
        backward block[0, 0].sum()
    """
    return cat([_three_dims(x) for x in tensors], 2)


@function()
def cartesian_prod(*tensors):
    """All ways to choose one element of each vector, one a row.

    Shapes: (m,), (n,), ... -> (m * n * ..., how many); one vector as it is
    Derivative: each: its column of g, added up over the rows that show the same element
    Example: x = [1, 2]
        rows = cartesian_prod(x, [3, 4, 5])
        rows
        backward rows[:, 0].sum()
    """
    vectors = _several(tensors)
    if any(vector.ndim != 1 for vector in vectors):
        raise ShapeFailure("Expect a 1D vector, but got shapes " + ", ".join(str(list(x.shape)) for x in vectors))
    if len(vectors) == 1:
        return vectors[0]
    return stack([s.reshape(grid, (-1,)) for grid in meshgrid(*vectors)], 1)


@function()
def combinations(input: Tensor, r: Whole = 2, with_replacement: Flag = False):
    """All ways to choose r elements of a vector, one a row, in order.

    Shapes: (n,) -> (how many ways, r); n! / (r! (n - r)!) ways, `with_replacement` lets an element be chosen again
    Derivative: each element: the sum of g over the places where it stands
    Example: x = [1, 2, 3]
        pairs = combinations(x)
        pairs
        backward pairs.prod(1).sum()
    """
    if input.ndim != 1:
        raise ShapeFailure(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise ValueFailure(f"Expect a non-negative number, but got {r}")
    n = input.shape[0]
    if r == 0:
        return Tensor(np.zeros(0, input.dtype), CUT)
    rows = comb(n + r - 1, r) if with_replacement else comb(n, r)
    allocatable((rows, r), np.dtype(np.int64))
    from itertools import chain, combinations, combinations_with_replacement

    ways = (combinations_with_replacement if with_replacement else combinations)(range(n), r)
    places = np.fromiter(chain.from_iterable(ways), np.int64, rows * r).reshape(rows, r)
    return stack([index_select(input, 0, Tensor(places[:, k])) for k in range(r)], 1)


# ---- parts by place


# ---- diagonals


@function()
def diag_embed(input: Tensor, offset: Whole = 0, dim1: Whole = -2, dim2: Whole = -1):
    """Matrices of zeros with the input's last dim on a diagonal.

    Shapes: (..., n) -> (..., n, n), larger by abs(offset); the new dims are dim1 and dim2
    Derivative: g.diagonal(offset, dim1, dim2)
    Example: x = [1, 2]
        m = diag_embed(x, 1)
        m
        backward sum(m ^ 2)
    """
    ndim = input.ndim + 1
    a, b = axis_of(dim1, ndim), axis_of(dim2, ndim)
    if a == b:
        raise IndexFailure(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    if not input.ndim:
        raise IndexFailure("Dimension out of range (expected to be in range of [-1, 0], but got -2)")
    n = input.shape[-1] + abs(offset)
    sizes = list(input.shape[:-1])
    for place in sorted((a, b)):
        sizes.insert(place, n)
    allocatable(tuple(sizes), input.dtype)
    return _diag_embed(input, tuple(sizes), offset, a, b)


@function()
def diagflat(input: Tensor, offset: Whole = 0):
    """A matrix with all elements, in a row, on a diagonal.

    Shapes: any of n elements -> (n, n), larger by abs(offset)
    Derivative: g.diagonal(offset).reshape(x.shape)
    Example: x = [[1, 2]]
        m = diagflat(x)
        m
        backward sum(m ^ 2)
    """
    return diag_embed(s.reshape(input, (-1,)), offset)


# ---- turned, repeated, summed back


@function()
def rot90(input: Tensor, k: Whole = 1, dims: Wholes = (0, 1)):
    """Turned by 90 degrees, k times, from the first of two dims towards the second.

    Shapes: (..., m, ..., n, ...) -> (..., n, ..., m, ...) for odd k, else the same
    Derivative: g.rot90(-k, dims)
    Example: x = [[1, 2], [3, 4]]
        turned = rot90(x)
        turned
        backward turned[0].sum()
    """
    if len(dims) != 2:
        raise ValueFailure(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise ValueFailure(f"expected total dims >= 2, but got total dims = {input.ndim}")
    axes = tuple(axis_of(dim, input.ndim) for dim in dims)
    if axes[0] == axes[1]:
        raise ValueFailure(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    return g.rot90(input, k, axes)


@function()
def repeat_interleave(input: Tensor, repeats=None, dim: OptionalWhole = None, *, output_size: OptionalWhole = None):
    """Each element (or slice along a dim) as often as `repeats` says, one number or one for each.

    Shapes: (..., n, ...) -> (..., the sum of repeats, ...), without dim all in a row; repeats () or (n,). Without
        repeats the input is the counts, and the result the indices 0 to n - 1 so often
    Derivative: the sum of g over an element's copies: for one number g.reshape(-1, repeats).sum(1)
    Example: x = [1, 2]
        copies = repeat_interleave(x, 2)
        copies
        backward copies[:3].sum()
        repeat_interleave([1., 2.], [1, 3])
    """
    if repeats is None:
        counts = _counts(input)
        return Tensor(np.repeat(np.arange(counts.size), counts), CUT)
    if dim is None:
        input, dim = s.reshape(input, (-1,)), 0
    row = input if input.ndim else s.reshape(input, (1,))
    axis = axis_of(dim, row.ndim)
    length = row.shape[axis]
    counts = _counts(as_tensor(repeats))
    if counts.size == 1 and type(repeats) is not Tensor:
        return _each_so_often(row, axis, int(counts[0]))
    if counts.size not in (1, length):
        raise ShapeFailure(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{counts.size} and input.size({axis}) = {length}"
        )
    counts = np.broadcast_to(counts, (length,))
    total = int(counts.sum())
    if output_size is not None and output_size != total:
        raise ValueFailure("allocated size does not match required size", help=f"output_size would be {total}")
    allocatable((*row.shape[:axis], total, *row.shape[axis + 1 :]), row.dtype)
    return index_select(row, axis, Tensor(np.repeat(np.arange(length), counts)))


def _each_so_often(row: Tensor, axis: int, count: int) -> Tensor:
    shape = row.shape
    allocatable((*shape[:axis], shape[axis] * count, *shape[axis + 1 :]), row.dtype)
    copies = s.broadcast_to(s.expand_dims(row, axis + 1), (*shape[: axis + 1], count, *shape[axis + 1 :]))
    return s.reshape(copies, (*shape[:axis], shape[axis] * count, *shape[axis + 1 :]))


def _counts(repeats: Tensor) -> np.ndarray:
    if repeats.ndim > 1:
        raise ShapeFailure("repeats must be 0-dim or 1-dim tensor")
    counts = Wholes(repeats)
    if any(count < 0 for count in counts):
        raise ValueFailure("repeats can not be negative")
    allocatable((sum(counts),), np.dtype(np.int64))
    return np.array(counts, np.int64)


@function("sum_to_size", method=True)
def sum_to_size(self: Tensor, *size: Wholes):
    """`x.sum_to_size(shape)`: summed over what broadcasting from that shape would have stretched.

    Shapes: any -> `size`, which broadcasts to it
    Derivative: g.expand_as(x)
    Example: x = [[1, 2, 3], [4, 5, 6]]
        rows = x.sum_to_size(2, 1)
        rows
        backward rows[0].sum()
    """
    extra = self.ndim - len(size)
    try:
        fits = extra >= 0 and np.broadcast_shapes(size, self.shape) == self.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeFailure(f"size {{{list(size)}}} is not expandable to size {{{list(self.shape)}}}.")
    if size == self.shape:
        return self
    axes = (*range(extra), *(a + extra for a, n in enumerate(size) if n == 1 and self.shape[a + extra] != 1))
    summed = sum_dim(self, axes, True)
    return summed if not extra else s.reshape(summed, size)


# ---- the order of frequencies


def _rolled(input: Tensor, dim: Any, by: Any) -> Tensor:
    axes = axes_of(dim, input.ndim)
    axes = tuple(range(input.ndim)) if axes is None else axes if isinstance(axes, tuple) else (axes,)
    return s.roll(input, tuple(by(input.shape[axis]) for axis in axes), axes)


@function("fft.fftshift")
def fftshift(input: Tensor, dim: Dims = None):
    """Frequencies in their order along dims (or all): 0 moves to the middle.

    Shapes: any -> the same
    Derivative: fft.ifftshift(g, dim)
    Example: x = [0, 1, 2, -2, -1]
        moved = fft.fftshift(x)
        moved
        backward moved[0]
    """
    return _rolled(input, dim, lambda n: n // 2)


@function("fft.ifftshift")
def ifftshift(input: Tensor, dim: Dims = None):
    """Frequencies as `fft.fft` has them along dims (or all): 0 moves to the front. It undoes fftshift.

    Shapes: any -> the same
    Derivative: fft.fftshift(g, dim)
    Example: x = [-2, -1, 0, 1, 2]
        moved = fft.ifftshift(x)
        moved
        backward moved[0]
    """
    return _rolled(input, dim, lambda n: (n + 1) // 2)
