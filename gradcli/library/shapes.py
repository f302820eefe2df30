"""Functions that give the same elements another shape, order or company."""

from __future__ import annotations

from math import prod

import numpy as np

from gradcli.engine import Tensor
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.operation import relabel, variant
from gradcli.errors import IndexFailure, ShapeFailure, ValueFailure
from gradcli.library.arguments import (
    Dims,
    Whole,
    Wholes,
    axes_of,
    axis_of,
)
from gradcli.library.vocabulary import function

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
            "permute: the number of dimensions in the tensor input does not match the length of the "
            "desired ordering of "
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
    for what, dims, axes in (("source", source, start), ("destination", destination, end)):
        if len(set(axes)) != len(axes):
            raise IndexFailure(f"movedim: repeated dim in `{what}` ({list(dims)})")
    order = [a for a in range(input.ndim) if a not in start]
    for place, axis in sorted(zip(end, start, strict=True)):
        order.insert(place, axis)
    return s.permute(input, tuple(order))


def transposed(self: Tensor) -> Tensor:
    """`x.T`: all dims reversed."""
    return s.permute(self, tuple(range(self.ndim))[::-1])


def matrix_transposed(self: Tensor, attribute: str = "mT") -> Tensor:
    """`x.mT`: the last two dims exchanged."""
    if self.ndim < 2:
        raise ShapeFailure(
            f"tensor.{attribute} is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor."
        )
    return s.swapaxes(self, self.ndim - 2, self.ndim - 1)


def conjugate_transposed(self: Tensor) -> Tensor:
    """`x.H`: a matrix transposed; a number is itself."""
    if self.ndim not in (0, 2):
        raise ShapeFailure(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.",
            help="for batches of matrices, use `x.mH`" if self.ndim > 2 else "",
        )
    return s.swapaxes(self, 0, 1) if self.ndim else self


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
                f"The expanded size of the tensor ({n}) must match the existing size ({have}) at "
                "non-singleton dimension "
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
    return _tiled(input, (1,) * (input.ndim - len(dims)) + dims)


@function(method=True)
def repeat(self: Tensor, *repeats: Wholes):
    """Copies side by side: so many along each dim."""
    if len(repeats) < self.ndim:
        raise ShapeFailure(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
            help=f"give {self.ndim} numbers, one for each dim",
        )
    return _tiled(self, repeats)


def _tiled(input: Tensor, repeats: tuple[int, ...]) -> Tensor:
    sizes = (1,) * (len(repeats) - input.ndim) + input.shape
    allocatable(tuple(n * size for n, size in zip(repeats, sizes, strict=True)), input.dtype)
    if any(n < 0 for n in repeats):
        raise ShapeFailure(f"copies are counted from 0, and this is {min(repeats)}")
    return s.tile(input, repeats)


@function()
def flip(input: Tensor, *dims: Wholes):
    """The order reversed along dims."""
    axes = axes_of(dims, input.ndim) if dims else ()
    return s.flip(input, axes or ())


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
    if not shifts:
        raise ValueFailure("`shifts` required", help="`roll(x, 1)` moves the elements by one")
    if dims is None or dims == ():
        turned = s.roll(s.reshape(input, (-1,)), shifts[0], 0)
        return relabel(s.reshape(turned, input.shape), "RollBackward0")
    axes = tuple(axis_of(dim, input.ndim) for dim in (dims if isinstance(dims, tuple) else (dims,)))
    if len(axes) != len(shifts):
        raise ShapeFailure(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(axes)}")
    return s.roll(input, shifts, axes) if input.ndim else s.clone(input)


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
        allocatable((n, n), input.dtype)
        return _diag_embed(input, (n, n), diagonal, 0, 1)
    if input.ndim != 2:
        raise ShapeFailure(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return _diagonal_copy(input, diagonal, 0, 1)
