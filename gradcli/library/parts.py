"""Functions that join tensors, take them apart, and choose elements by index or mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.conversion import result_dtype
from gradcli.engine.indexing import take as taken
from gradcli.engine.operation import relabel, variant
from gradcli.errors import IndexFailure, ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Flag, OptionalWhole, Tensors, Whole, Wholes, axis_of
from gradcli.library.vocabulary import function

_index_select = variant(s.getitem_index, "IndexSelectBackward0")
_masked_select = variant(s.getitem_index, "MaskedSelectBackward0")
_take = variant(s.getitem_index, "TakeBackward0")


# ---- joining


def _same_dtype(tensors: list[Tensor]) -> list[Tensor]:
    dtypes = {tensor.dtype for tensor in tensors}
    if len(dtypes) <= 1:
        return tensors
    dtype = result_dtype(*tensors)
    return [as_tensor(tensor, dtype) for tensor in tensors]


@function(also=("concat", "concatenate"))
def cat(tensors: Tensors, dim: Whole = 0):
    """Tensors joined along a dim they have.

    Shapes: (..., m, ...), (..., n, ...), ... -> (..., m + n + ..., ...); (0,) may stand beside anything
    Derivative: each: the part of g that it became: g.narrow(dim, start, length)
    Example: x = [1, 2]
        y = [3]
        row = cat([x, y])
        row
        backward sum(row * [10, 20, 30])
    """
    if not tensors:
        raise ValueFailure("torch.cat(): expected a non-empty list of Tensors")
    if any(tensor.ndim == 0 for tensor in tensors):
        raise ShapeFailure(
            f"zero-dimensional tensor (at position {[x.ndim for x in tensors].index(0)}) cannot be concatenated",
            help="`stack` makes a vector of numbers",
        )
    # torch lets an empty vector stand beside anything.
    several = [x for x in tensors if x.shape != (0,)] or tensors[:1]
    axis = axis_of(dim, several[0].ndim)
    for number, other in enumerate(several[1:], 1):
        if other.ndim != several[0].ndim:
            raise ShapeFailure(f"Tensors must have same number of dimensions: got {several[0].ndim} and {other.ndim}")
        for a, (have, want) in enumerate(zip(other.shape, several[0].shape, strict=True)):
            if a != axis and have != want:
                raise ShapeFailure(
                    f"Sizes of tensors must match except in dimension {axis}. Expected size {want} "
                    f"but got size {have} for "
                    f"tensor number {number} in the list."
                )
    return s.concatenate(_same_dtype(several), axis)


@function()
def stack(tensors: Tensors, dim: Whole = 0):
    """Tensors of one shape joined along a new dim.

    Shapes: (...) each -> (..., how many, ...), at `dim`
    Derivative: the k-th: g.select(dim, k)
    Example: x = [1, 2]
        y = [3, 4]
        m = stack([x, y])
        m
        backward m[1].sum()
    """
    if not tensors:
        raise ValueFailure("stack expects a non-empty TensorList")
    for number, other in enumerate(tensors):
        if other.shape != tensors[0].shape:
            raise ShapeFailure(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and "
                f"{list(other.shape)} at entry {number}"
            )
    return s.stack(_same_dtype(tensors), axis_of(dim, tensors[0].ndim + 1))


@function(also=("row_stack",))
def vstack(tensors: Tensors):
    """Rows put under each other.

    Shapes: (n,) or (m, n) each -> (how many rows they have together, n)
    Derivative: each: the rows of g that it became, in its shape
    Example: x = [1, 2]
        m = vstack([x, [[3, 4], [5, 6]]])
        m
        backward m[:, 0].sum()
    """
    return cat([s.reshape(x, (1, -1)) if x.ndim < 2 else x for x in tensors], 0)


@function()
def hstack(tensors: Tensors):
    """Columns put beside each other; vectors one after the other.

    Shapes: (m, n1), (m, n2), ... -> (m, n1 + n2 + ...); vectors (n1,), (n2,), ... -> (n1 + n2 + ...,)
    Derivative: each: the part of g that it became, in its shape
    Example: x = [[1], [2]]
        m = hstack([x, [[3], [4]]])
        m
        backward m[0].sum()
    """
    tensors = [s.reshape(x, (1,)) if x.ndim == 0 else x for x in tensors]
    return cat(tensors, 0 if tensors and tensors[0].ndim == 1 else 1)


@function()
def atleast_1d(*tensors: Tensor):
    """Tensors with at least one dim: a number becomes a vector of one element.

    Shapes: () -> (1,), others as they are; of several tensors a tuple
    Derivative: g.reshape(x.shape)
    Example: x = 3
        v = atleast_1d(x)
        v
        backward v[0] ^ 2
    """
    results = tuple(s.reshape(x, (1,)) if x.ndim == 0 else x for x in map(as_tensor, _listed(tensors)))
    return results[0] if len(results) == 1 else results


def _listed(tensors: tuple) -> Any:
    return tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors


# ---- parting


@function()
def split(tensor: Tensor, split_size_or_sections, dim: Whole = 0):
    """Parts of one size (the last may be smaller), or of the sizes given, along a dim.

    Shapes: (..., n, ...) -> a tuple of (..., size, ...), whose sizes add up to n
    Derivative: cat(gs, dim), with g of each part, 0 where there's none
    Example: x = [1, 2, 3, 4, 5]
        split(x, 2)
        first, rest = split(x, [1, 4])
        backward rest.sum()
    """
    axis = axis_of(dim, tensor.ndim)
    length = tensor.shape[axis]
    if isinstance(split_size_or_sections, (tuple, list)) or (
        type(split_size_or_sections) is Tensor and split_size_or_sections.ndim
    ):
        sizes = Wholes(split_size_or_sections)
        if sum(sizes) != length or any(n < 0 for n in sizes):
            raise ShapeFailure(
                f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at dimension "
                f"{axis}), but got split_sizes={list(sizes)}"
            )
    else:
        size = Whole(split_size_or_sections)
        if size < 0 or (size == 0 and length):
            raise ValueFailure(f"split expects split_size be positive, but got split_size={size}")
        return s.split(tensor, tuple(min(size, length - k) for k in range(0, length, size)) if length else (0,), axis)
    return s.split_sizes(tensor, sizes, axis)


@function()
def chunk(input: Tensor, chunks: Whole, dim: Whole = 0):
    """So many parts of one size along a dim (the last may be smaller, or missing).

    Shapes: (..., n, ...) -> a tuple of (..., k, ...) with k = ceil(n / chunks)
    Derivative: cat(gs, dim), with g of each part, 0 where there's none
    Example: x = [1, 2, 3, 4, 5]
        parts = chunk(x, 2)
        parts
        backward parts[1].sum()
    """
    if chunks <= 0:
        raise ValueFailure(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    allocatable((chunks,), np.dtype(object))
    length = input.shape[axis_of(dim, input.ndim)]
    return split(input, max(-(-length // chunks), 1) if length else (0,) * chunks, dim)


@function()
def unbind(input: Tensor, dim: Whole = 0):
    """The slices along a dim, as a tuple.

    Shapes: (..., n, ...) -> n of (...)
    Derivative: stack(gs, dim), with g of each slice, 0 where there's none
    Example: x = [[1, 2], [3, 4]]
        left, right = unbind(x, 1)
        right
        backward sum(left * right)
    """
    if not input.ndim:
        raise IndexFailure("Dimension specified as 0 but tensor has no dimensions")
    return s.unbind(input, axis_of(dim, input.ndim))


@function()
def select(input: Tensor, dim: Whole, index: Whole):
    """The slice at an index of a dim.

    Shapes: (..., n, ...) -> (...); index from -n to n - 1
    Derivative: zeros_like(x).select_scatter(g, dim, index)
    Example: x = [[1, 2, 3], [4, 5, 6]]
        column = select(x, 1, 2)
        column
        backward column.sum()
    """
    return taken(input, (*(slice(None),) * axis_of(dim, input.ndim), index))


@function()
def narrow(input: Tensor, dim: Whole, start: Whole, length: Whole):
    """The part of a dim from start on.

    Shapes: (..., n, ...) -> (..., length, ...); a negative start counts from the end
    Derivative: zeros_like(x).slice_scatter(g, dim, start, start + length)
    Example: x = [1, 2, 3, 4]
        part = narrow(x, 0, 1, 2)
        part
        backward part.prod()
    """
    axis = axis_of(dim, input.ndim)
    size = input.shape[axis]
    start = start + size if start < 0 else start
    if not 0 <= start <= size or start + length > size or length < 0:
        raise IndexFailure(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return taken(input, (*(slice(None),) * axis, slice(start, start + length)))


# ---- by index and mask


def _indices(index: Tensor, what: str) -> np.ndarray:
    if index.dtype.kind == "f":
        whole = np.asarray(index.array).astype(np.int64)
        if not np.array_equal(whole, index.array):
            raise TypeFailure(f"{what} wants whole numbers as index, and this tensor has fractions")
        return whole
    if index.dtype.kind == "b":
        raise TypeFailure(
            f"{what} wants whole numbers as index, and this is a bool tensor", help="a mask indexes: `x[mask]`"
        )
    return np.asarray(index.array)


def broadcast_shape(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that two shapes broadcast to; ShapeFailure where they don't."""
    try:
        return np.broadcast_shapes(one, other)
    except ValueError:
        raise shape_clash(one, other) from None


def _in_range(index: np.ndarray, size: int, dim: int) -> None:
    bad = index[(index < 0) | (index >= size)]
    if bad.size:
        raise IndexFailure(f"index {int(bad.flat[0])} is out of bounds for dimension {dim} with size {size}")


@function()
def gather(input: Tensor, dim: Whole, index: Tensor, *, sparse_grad: Flag = False):
    """For each place of `index`, the element at that index along the dim.

    `sparse_grad` is accepted and without effect: the gradient is a whole tensor.

    Shapes: (..., n, ...), index (..., k, ...) -> that of index, whose other dims are at most the input's; indices 0 to
        n - 1; a number counts as a vector of one
    Derivative: zeros_like(x).scatter_add(dim, index, g): an element that is read twice has both gradients
    Example: x = [[1, 2], [3, 4]]
        chosen = gather(x, 1, tensor([[0, 0], [1, 0]]))
        chosen
        backward chosen.sum()
    """
    axis = axis_of(dim, input.ndim)
    places = _indices(index, "gather")
    if max(places.ndim, 1) != max(input.ndim, 1):
        raise ShapeFailure("Index tensor must have the same number of dimensions as input tensor")
    _in_range(places, input.shape[axis] if input.ndim else 1, axis)
    if not (input.ndim and places.ndim):
        chosen = s.take_along_axis(s.reshape(input, (-1,)), places.reshape(-1), 0)
        return relabel(s.reshape_copy(chosen, places.shape), "GatherBackward0")
    for a in range(input.ndim):
        if a != axis and places.shape[a] > input.shape[a]:
            raise ShapeFailure(
                f"Size does not match at dimension {a} expected index {list(places.shape)} to be no larger than self "
                f"{list(input.shape)} apart from dimension {axis}"
            )
    # NumPy wants the other dims alike; torch lets the index be smaller there.
    window = tuple(slice(None) if a == axis else slice(n) for a, n in enumerate(places.shape))
    inside = (
        input
        if all(p == n for a, (p, n) in enumerate(zip(places.shape, input.shape, strict=True)) if a != axis)
        else taken(input, window)
    )
    return s.take_along_axis(inside, places, axis)


@function()
def take_along_dim(input: Tensor, indices: Tensor, dim: OptionalWhole = None):
    """The elements at the indices along a dim, the other dims broadcast.

    Shapes: (..., n, ...), indices (..., k, ...) -> (..., k, ...); without dim all in a row; indices -n to n - 1
    Derivative: zeros_like(x).scatter_add(dim, indices, g): an element that is read twice has both gradients
    Example: x = [[3, 1], [2, 4]]
        ordered = take_along_dim(x, argsort(x, 1), 1)
        ordered
        backward ordered[:, 0].sum()
    """
    places = _indices(indices, "take_along_dim")
    if dim is None:
        input, places, dim = s.reshape(input, (-1,)), places.ravel(), 0
    axis = axis_of(dim, input.ndim)
    if places.ndim != input.ndim:
        raise ShapeFailure(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {input.ndim} "
            f"dimensions for input, and {places.ndim} dimensions for indices"
        )
    _in_range(np.where(places < 0, places + input.shape[axis], places), input.shape[axis], axis)
    others = [(*x.shape[:axis], 1, *x.shape[axis + 1 :]) for x in (input, places)]
    shape = broadcast_shape(*others)
    if input.shape != (whole := (*shape[:axis], input.shape[axis], *shape[axis + 1 :])):
        input = s.broadcast_to(input, whole)
    places = np.broadcast_to(places, (*shape[:axis], places.shape[axis], *shape[axis + 1 :]))
    return s.take_along_axis(input, places, axis)


@function()
def index_select(input: Tensor, dim: Whole, index: Tensor):
    """The slices at the indices of a dim.

    Shapes: (..., n, ...), index (k,) -> (..., k, ...); indices 0 to n - 1; a number stays one
    Derivative: zeros_like(x).index_add(dim, index, g): a slice that is read twice has both gradients
    Example: x = [[1, 2], [3, 4]]
        rows = index_select(x, 0, tensor([1, 1, 0]))
        rows
        backward rows.sum()
    """
    axis = axis_of(dim, input.ndim)
    places = np.atleast_1d(_indices(index, "index_select"))
    if places.ndim > 1:
        raise IndexFailure("index_select(): Index is supposed to be a vector")
    _in_range(places, input.shape[axis] if input.ndim else 1, axis)
    if not input.ndim:
        if places.size != 1:
            raise IndexFailure(f"index_select(): Index to scalar can have only 1 value, got {places.size} value(s)")
        return relabel(s.reshape_copy(_index_select(s.reshape(input, (1,)), (places,)), ()), "IndexSelectBackward0")
    return _index_select(input, (*(slice(None),) * axis, places))


@function()
def masked_select(input: Tensor, mask: Tensor):
    """The elements where the mask holds, in one dim.

    Shapes: any two that broadcast -> (k,), k the number of places where the mask is true
    Derivative: zeros_like(x).masked_scatter(mask, g), summed where x was broadcast; mask: none
    Example: x = [3, -1, 2]
        kept = masked_select(x, x > 0)
        kept
        backward kept.prod()
    """
    if mask.dtype.kind != "b":
        raise TypeFailure("masked_select: expected BoolTensor for mask")
    shape = broadcast_shape(input.shape, mask.shape)
    input = input if input.shape == shape else s.broadcast_to(input, shape)
    return _masked_select(input, np.broadcast_to(mask.array, shape))


@function()
def nonzero(input: Tensor):
    """The indices of the nonzero elements, one a row.

    Shapes: any of d dims -> (k, d), k the number of nonzero elements; int64
    Derivative: none: indices
    Kink: nan isn't 0, and stands among them.
    Example: nonzero([0, 3, 0, 5])
        nonzero([[1, 0], [0, 2]])
    """
    return Tensor(np.argwhere(input.array), CUT)


@function()
def take(input: Tensor, index: Tensor):
    """The elements at indices into all elements in a row; the result has the shape of the index.

    Shapes: any of n elements, index any -> that of index; indices -n to n - 1
    Derivative: zeros_like(x).put(index, g, accumulate=true): an element that is read twice has both gradients
    Example: x = [[1, 2], [3, 4]]
        chosen = take(x, tensor([0, 3, 3]))
        chosen
        backward chosen.sum()
    """
    places = _indices(index, "take")
    size = input.array.size
    _in_range(np.where(places < 0, places + size, places), size, 0)
    return _take(s.reshape(input, (-1,)), (places,))
