"""Functions that give the same elements another shape, order or company."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine import shaping as s
from gradcli.engine.conversion import result_dtype
from gradcli.engine.indexing import take as taken
from gradcli.engine.operation import relabel, variant
from gradcli.errors import IndexFailure, ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import (
    Dims,
    OptionalWhole,
    Tensors,
    Whole,
    Wholes,
    axes_of,
    axis_of,
)
from gradcli.library.vocabulary import function

_index_select = variant(s.getitem_index, "IndexSelectBackward0")
_masked_select = variant(s.getitem_index, "MaskedSelectBackward0")
_take = variant(s.getitem_index, "TakeBackward0")
_diag_embed = variant(s.onto_diagonal, "DiagEmbedBackward0")
_diagonal_copy = variant(s.diagonal, "DiagonalBackward0_copy")
_diagonal_copy.op.view = False


def _whole_shape(input: Tensor, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with its -1 filled in; ShapeFailure where the elements don't fit."""
    size = input.array.size
    if shape.count(-1) > 1:
        raise ShapeFailure(
            "only one dimension can be inferred", help="write -1 for one of them, and numbers for the others"
        )
    if any(n < -1 for n in shape):
        raise ShapeFailure(f"invalid shape dimension {next(n for n in shape if n < -1)}")
    known = prod(n for n in shape if n != -1)
    if -1 in shape:
        if known == 0:
            raise ShapeFailure(
                f"cannot reshape tensor of {size} elements into shape {list(shape)} because the unspecified dimension "
                "size -1 can be any value and is ambiguous"
            )
        if size % known == 0:
            return tuple(size // known if n == -1 else n for n in shape)
    elif known == size:
        return shape
    raise ShapeFailure(
        f"shape '{list(shape)}' is invalid for input of size {size}",
        help=f"the sizes' product must be {size}, the number of elements of shape {input.shape}",
    )


def _shaped(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    array = input.array
    if not isinstance(array, np.ndarray) or array.flags.c_contiguous:
        return s.reshape(input, shape)
    result = s.reshape(input, shape)
    if result.node and (result.meta is None or result.meta.base is None):
        # The elements didn't lie in a row, so this is a copy, and torch names it so.
        result.node.op = s.reshape_copy.op
    return result


@function()
def reshape(input: Tensor, *shape: Wholes):
    """The same elements in another shape; one size may be -1."""
    return _shaped(input, _whole_shape(input, shape))


@function(method=True)
def view(self: Tensor, *shape: Wholes):
    """The same elements in another shape, always in the same memory."""
    result = s.reshape(self, _whole_shape(self, shape))
    if result.array.size and not np.may_share_memory(result.array, self.array):
        raise ShapeFailure(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return result


@function(method=True)
def view_as(self: Tensor, other: Tensor):
    """The same elements in the shape of another tensor."""
    return _shaped(self, _whole_shape(self, other.shape))


@function(method=True)
def reshape_as(self: Tensor, other: Tensor):
    """The same elements in the shape of another tensor."""
    return _shaped(self, _whole_shape(self, other.shape))


@function()
def flatten(input: Tensor, start_dim: Whole = 0, end_dim: Whole = -1):
    """The dims from start to end made one."""
    if not input.ndim:
        return s.reshape(input, (1,))
    start, end = axis_of(start_dim, input.ndim), axis_of(end_dim, input.ndim)
    if start > end:
        raise IndexFailure("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    shape = input.shape
    return _shaped(input, (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :]))


@function()
def ravel(input: Tensor):
    """All elements in one dim."""
    return s.reshape(input, (-1,)) if input.ndim != 1 else input


@function()
def unflatten(input: Tensor, dim: Whole, *sizes: Wholes):
    """One dim made several."""
    axis = axis_of(dim, input.ndim)
    shape = input.shape
    inner = Tensor(np.empty(shape[axis], np.bool_))
    return _shaped(input, (*shape[:axis], *_whole_shape(inner, sizes), *shape[axis + 1 :]))


@function()
def squeeze(input: Tensor, dim: Dims = None):
    """Without the dims of size 1 (or those of them that are given)."""
    if dim is None:
        return s.squeeze(input, tuple(a for a, n in enumerate(input.shape) if n == 1))
    axes = axes_of(dim if isinstance(dim, tuple) else (dim,), input.ndim) or ()
    kept = tuple(a for a in axes if input.shape[a] == 1)
    return (s.squeeze_dims if isinstance(dim, tuple) else s.squeeze_dim)(input, kept)


@function()
def unsqueeze(input: Tensor, dim: Whole):
    """A new dim of size 1 at `dim`."""
    return s.expand_dims(input, axis_of(dim, input.ndim + 1))


@function(also=("swapaxes", "swapdims"))
def transpose(input: Tensor, dim0: Whole, dim1: Whole):
    """Two dims exchanged."""
    a, b = axis_of(dim0, input.ndim), axis_of(dim1, input.ndim)
    return s.swapaxes(input, a, b) if input.ndim else s.transpose_nothing(input, ())


@function()
def t(input: Tensor):
    """A matrix transposed; vectors and numbers as they are."""
    if input.ndim > 2:
        raise ShapeFailure(
            f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D",
            help="for batches of matrices: `x.mT`",
        )
    return s.transpose_matrix(input, None) if input.ndim == 2 else s.transpose_matrix(input, tuple(range(input.ndim)))


@function()
def permute(input: Tensor, *dims: Wholes):
    """The dims in another order."""
    if len(dims) != input.ndim:
        raise ShapeFailure(
            f"permute: the number of dimensions in the tensor input does not match the length of the desired ordering of "
            f"dimensions, i.e. input.dim() = {input.ndim} is not equal to len(dims) = {len(dims)}"
        )
    axes = tuple(axis_of(dim, input.ndim) for dim in dims)
    if len(set(axes)) != len(axes):
        raise IndexFailure("permute(): duplicate dims are not allowed.")
    return s.permute(input, axes)


@function(also=("moveaxis",))
def movedim(input: Tensor, source: Wholes, destination: Wholes):
    """Dims moved to other places; the others keep their order."""
    if len(source) != len(destination):
        raise IndexFailure(f"movedim: source {source} and destination {destination} must have as many dims")
    start = [axis_of(d, input.ndim) for d in source]
    end = [axis_of(d, input.ndim) for d in destination]
    order = [a for a in range(input.ndim) if a not in start]
    for place, axis in sorted(zip(end, start, strict=True)):
        order.insert(place, axis)
    return s.permute(input, tuple(order))


def transposed(self: Tensor) -> Tensor:
    """`x.T`: all dims reversed."""
    return s.permute(self, tuple(range(self.ndim))[::-1])


def matrix_transposed(self: Tensor) -> Tensor:
    """`x.mT`: the last two dims exchanged."""
    if self.ndim < 2:
        raise ShapeFailure(f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return s.swapaxes(self, self.ndim - 2, self.ndim - 1)


# ---- broadcasting and copies


def _expanded(input: Tensor, sizes: tuple[int, ...]) -> Tensor:
    extra = len(sizes) - input.ndim
    if extra < 0:
        raise ShapeFailure(
            f"expand: the number of sizes provided ({len(sizes)}) must be greater or equal to the number of dimensions "
            f"in the tensor ({input.ndim})"
        )
    shape = tuple(input.shape[k - extra] if n == -1 and k >= extra else n for k, n in enumerate(sizes))
    for k, n in enumerate(shape):
        have = input.shape[k - extra] if k >= extra else 1
        if n < 0 or have not in (1, n):
            raise ShapeFailure(
                f"The expanded size of the tensor ({n}) must match the existing size ({have}) at non-singleton dimension "
                f"{k}.  Target sizes: {list(sizes)}.  Tensor sizes: {list(input.shape)}"
            )
    return s.broadcast_to(input, shape)


@function(method=True)
def expand(self: Tensor, *sizes: Wholes):
    """Dims of size 1 stretched, without copying; -1 keeps a size."""
    return _expanded(self, sizes)


@function(method=True)
def expand_as(self: Tensor, other: Tensor):
    """Stretched to the shape of another tensor."""
    return _expanded(self, other.shape)


@function()
def broadcast_to(input: Tensor, *shape: Wholes):
    """Dims of size 1 stretched to a shape, without copying."""
    return _expanded(input, shape)


@function()
def tile(input: Tensor, *dims: Wholes):
    """Copies side by side: so many along each dim, counted from the last."""
    return s.tile(input, (1,) * (input.ndim - len(dims)) + dims)


@function(method=True)
def repeat(self: Tensor, *repeats: Wholes):
    """Copies side by side: so many along each dim."""
    if len(repeats) < self.ndim:
        raise ShapeFailure(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
            help=f"give {self.ndim} numbers, one for each dim",
        )
    return s.tile(self, repeats)


@function()
def flip(input: Tensor, *dims: Wholes):
    """The order reversed along dims."""
    return s.flip(input, tuple(axis_of(d, input.ndim) for d in dims) if input.ndim else ())


@function()
def fliplr(input: Tensor):
    """The columns in reverse."""
    return s.flip(input, (1,))


@function()
def flipud(input: Tensor):
    """The rows in reverse."""
    return s.flip(input, (0,))


@function()
def roll(input: Tensor, shifts: Wholes, dims: Dims = None):
    """The elements moved on along dims, those that leave at the end back at the start."""
    if dims is None or dims == ():
        turned = s.roll(s.reshape(input, (-1,)), shifts[0], 0)
        return relabel(s.reshape(turned, input.shape), "RollBackward0")
    axes = axes_of(dims if isinstance(dims, tuple) else (dims,), input.ndim)
    if len(axes) != len(shifts):
        raise ShapeFailure(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(axes)}")
    return s.roll(input, shifts, axes)


# ---- joining


def _same_dtype(tensors: list[Tensor]) -> list[Tensor]:
    dtypes = {tensor.dtype for tensor in tensors}
    if len(dtypes) <= 1:
        return tensors
    dtype = result_dtype(*tensors)
    return [as_tensor(tensor, dtype) for tensor in tensors]


@function(also=("concat", "concatenate"))
def cat(tensors: Tensors, dim: Whole = 0):
    """Tensors joined along a dim they have."""
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
                    f"Sizes of tensors must match except in dimension {axis}. Expected size {want} but got size {have} for "
                    f"tensor number {number} in the list."
                )
    return s.concatenate(_same_dtype(several), axis)


@function()
def stack(tensors: Tensors, dim: Whole = 0):
    """Tensors of one shape joined along a new dim."""
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
    """Rows put under each other."""
    return cat([s.reshape(x, (1, -1)) if x.ndim < 2 else x for x in tensors], 0)


@function()
def hstack(tensors: Tensors):
    """Columns put beside each other; vectors one after the other."""
    tensors = [s.reshape(x, (1,)) if x.ndim == 0 else x for x in tensors]
    return cat(tensors, 0 if tensors and tensors[0].ndim == 1 else 1)


@function()
def atleast_1d(*tensors: Tensor):
    """Tensors with at least one dim."""
    results = tuple(s.reshape(as_tensor(x), (1,)) if as_tensor(x).ndim == 0 else as_tensor(x) for x in _listed(tensors))
    return results[0] if len(results) == 1 else results


def _listed(tensors: tuple) -> Any:
    return tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors


# ---- parting


@function()
def split(tensor: Tensor, split_size_or_sections, dim: Whole = 0):
    """Parts of one size (the last may be smaller), or of the sizes given, along a dim."""
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
    """So many parts of one size along a dim (the last may be smaller, or missing)."""
    if chunks <= 0:
        raise ValueFailure(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    length = input.shape[axis_of(dim, input.ndim)]
    return split(input, max(-(-length // chunks), 1) if length else (0,) * chunks, dim)


@function()
def unbind(input: Tensor, dim: Whole = 0):
    """The slices along a dim, as a tuple."""
    if not input.ndim:
        raise IndexFailure("Dimension specified as 0 but tensor has no dimensions")
    return s.unbind(input, axis_of(dim, input.ndim))


@function()
def select(input: Tensor, dim: Whole, index: Whole):
    """The slice at an index of a dim."""
    return taken(input, (*(slice(None),) * axis_of(dim, input.ndim), index))


@function()
def narrow(input: Tensor, dim: Whole, start: Whole, length: Whole):
    """The part of a dim from start on."""
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


def _in_range(index: np.ndarray, size: int, dim: int) -> None:
    bad = index[(index < 0) | (index >= size)]
    if bad.size:
        raise IndexFailure(f"index {int(bad.flat[0])} is out of bounds for dimension {dim} with size {size}")


@function()
def gather(input: Tensor, dim: Whole, index: Tensor):
    """For each place of `index`, the element at that index along the dim."""
    axis = axis_of(dim, input.ndim)
    places = _indices(index, "gather")
    if places.ndim != input.ndim:
        raise ShapeFailure("Index tensor must have the same number of dimensions as input tensor")
    for a in range(input.ndim):
        if a != axis and places.shape[a] > input.shape[a]:
            raise ShapeFailure(
                f"Size does not match at dimension {a} expected index {list(places.shape)} to be no larger than self "
                f"{list(input.shape)} apart from dimension {axis}"
            )
    _in_range(places, input.shape[axis], axis)
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
    """The elements at the indices along a dim, the other dims broadcast."""
    places = _indices(indices, "take_along_dim")
    if dim is None:
        return s.take_along_axis(_shaped(input, (-1,)), places.ravel(), 0)
    axis = axis_of(dim, input.ndim)
    if places.ndim != input.ndim:
        raise ShapeFailure(
            f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got {input.ndim} "
            f"dimensions for input, and {places.ndim} dimensions for indices"
        )
    _in_range(np.where(places < 0, places + input.shape[axis], places), input.shape[axis], axis)
    return s.take_along_axis(input, places, axis)


@function()
def index_select(input: Tensor, dim: Whole, index: Tensor):
    """The slices at the indices of a dim."""
    axis = axis_of(dim, input.ndim)
    places = np.atleast_1d(_indices(index, "index_select"))
    if places.ndim > 1:
        raise IndexFailure("index_select(): Index is supposed to be a vector")
    _in_range(places, input.shape[axis] if input.ndim else 1, axis)
    if not input.ndim:
        return input
    return _index_select(input, (*(slice(None),) * axis, places))


@function()
def masked_select(input: Tensor, mask: Tensor):
    """The elements where the mask holds, in one dim."""
    if mask.dtype.kind != "b":
        raise TypeFailure("masked_select: expected BoolTensor for mask")
    shape = np.broadcast_shapes(input.shape, mask.shape)
    input = input if input.shape == shape else s.broadcast_to(input, shape)
    return _masked_select(input, np.broadcast_to(mask.array, shape))


@function()
def nonzero(input: Tensor):
    """The indices of the nonzero elements, one a row."""
    return Tensor(np.argwhere(input.array), CUT)


@function()
def take(input: Tensor, index: Tensor):
    """The elements at indices into all elements in a row; the result has the shape of the index."""
    places = _indices(index, "take")
    size = input.array.size
    _in_range(np.where(places < 0, places + size, places), size, 0)
    return _take(s.reshape(input, (-1,)), (places,))


# ---- matrices by their diagonals


@function()
def tril(input: Tensor, diagonal: Whole = 0):
    """The lower triangle, zeros above."""
    return s.tril(_matrix(input, "tril"), diagonal)


@function()
def triu(input: Tensor, diagonal: Whole = 0):
    """The upper triangle, zeros below."""
    return s.triu(_matrix(input, "triu"), diagonal)


def _matrix(input: Tensor, name: str) -> Tensor:
    if input.ndim < 2:
        raise ShapeFailure(f"{name}: input tensor must have at least 2 dimensions")
    return input


@function()
def diagonal(input: Tensor, offset: Whole = 0, dim1: Whole = 0, dim2: Whole = 1):
    """A diagonal of two dims, as the last dim."""
    a, b = axis_of(dim1, input.ndim), axis_of(dim2, input.ndim)
    if a == b:
        raise IndexFailure(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return s.diagonal(input, offset, a, b)


@function()
def diag(input: Tensor, diagonal: Whole = 0):
    """The diagonal of a matrix, or a matrix with a vector on its diagonal."""
    if input.ndim == 1:
        n = input.shape[0] + abs(diagonal)
        return _diag_embed(input, (n, n), diagonal, 0, 1)
    if input.ndim != 2:
        raise ShapeFailure(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return _diagonal_copy(input, diagonal, 0, 1)
