"""Functions that give the same elements another shape, order or company."""

from __future__ import annotations

from math import prod

import numpy as np

from gradcli.engine import Tensor
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.operation import variant
from gradcli.errors import IndexFailure, ShapeFailure
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
    """The same elements in another shape, read row by row; one size may be -1, which is worked out.

    Shapes: any -> `shape`, of as many elements
    Derivative: g.reshape(x.shape)
    Example: x = [1, 2, 3, 4, 5, 6]
        m = reshape(x, 2, -1)
        m
        backward m[1, 0]
    """
    return _shaped(input, _whole_shape(input, shape))


@function(method=True)
def view(self: Tensor, *shape: Wholes):
    """The same elements in another shape, always in the same memory; an error where that can't be.

    Shapes: any -> `shape`, of as many elements; one size may be -1
    Derivative: g.reshape(x.shape)
    Example: x = [1, 2, 3, 4]
        m = x.view(2, 2)
        m
        backward m[1].sum()
    """
    result = s.reshape(self, _whole_shape(self, shape))
    if result.array.size and not np.may_share_memory(result.array, self.array):
        raise ShapeFailure(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return result


@function(method=True)
def view_as(self: Tensor, other: Tensor):
    """The same elements in the shape of another tensor, always in the same memory; an error where that can't be.

    Shapes: any, and any of as many elements -> that of other
    Derivative: g.reshape(x.shape); other: none
    Example: x = [1, 2, 3, 4]
        m = x.view_as(zeros(2, 2))
        m
        backward m[1].sum()
    """
    return view.body(self, *other.shape)


@function(method=True)
def reshape_as(self: Tensor, other: Tensor):
    """The same elements in the shape of another tensor, read row by row.

    Shapes: any, and any of as many elements -> that of other
    Derivative: g.reshape(x.shape); other: none
    Example: x = [1, 2, 3, 4]
        m = x.reshape_as(zeros(2, 2))
        m
        backward m[:, 0].sum()
    """
    return _shaped(self, _whole_shape(self, other.shape))


@function()
def flatten(input: Tensor, start_dim: Whole = 0, end_dim: Whole = -1):
    """The dims from start to end made one.

    Shapes: (..., a, ..., b, ...) -> (..., a * ... * b, ...), () -> (1,)
    Derivative: g.reshape(x.shape)
    Example: x = [[[1, 2], [3, 4]]]
        flatten(x)
        rows = flatten(x, 0, 1)
        rows
        backward rows[1].sum()
    """
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
    """All elements in one dim.

    Shapes: any -> (n,)
    Derivative: g.reshape(x.shape)
    Example: x = [[1, 2], [3, 4]]
        row = ravel(x)
        row
        backward row[3]
    """
    return s.reshape(input, (-1,)) if input.ndim != 1 else input


@function()
def unflatten(input: Tensor, dim: Whole, *sizes: Wholes):
    """One dim made several.

    Shapes: (..., n, ...) -> (..., *sizes, ...), whose product is n; one may be -1
    Derivative: g.reshape(x.shape)
    Example: x = [1, 2, 3, 4, 5, 6]
        m = unflatten(x, 0, 3, 2)
        m
        backward m[2].sum()
    """
    axis = axis_of(dim, input.ndim)
    shape = input.shape
    inner = Tensor(np.empty(shape[axis], np.bool_))
    return _shaped(input, (*shape[:axis], *_whole_shape(inner, sizes), *shape[axis + 1 :]))


@function()
def squeeze(input: Tensor, dim: Dims = None):
    """Without the dims of size 1 (or those of them that are given).

    Shapes: (..., 1, ...) -> (...); a dim that is given and isn't 1 stays
    Derivative: g.reshape(x.shape)
    Example: x = [[[1], [2]]]
        squeeze(x)
        column = squeeze(x, 0)
        column
        backward column[1, 0]
    """
    if dim is None:
        return s.squeeze(input, tuple(a for a, n in enumerate(input.shape) if n == 1))
    axes = axes_of(dim if isinstance(dim, tuple) else (dim,), input.ndim) or ()
    kept = tuple(a for a in axes if input.shape[a] == 1)
    return (s.squeeze_dims if isinstance(dim, tuple) else s.squeeze_dim)(input, kept)


@function()
def unsqueeze(input: Tensor, dim: Whole):
    """A new dim of size 1 at `dim`.

    Shapes: (...) -> (..., 1, ...)
    Derivative: g.reshape(x.shape)
    Example: x = [1, 2, 3]
        column = unsqueeze(x, 1)
        column
        total = (column * [10, 20]).sum()
        backward total
    """
    return s.expand_dims(input, axis_of(dim, input.ndim + 1))


@function(also=("swapaxes", "swapdims"))
def transpose(input: Tensor, dim0: Whole, dim1: Whole):
    """Two dims exchanged.

    Shapes: (..., a, ..., b, ...) -> (..., b, ..., a, ...)
    Derivative: g.transpose(dim0, dim1)
    Example: x = [[1, 2, 3], [4, 5, 6]]
        turned = transpose(x, 0, 1)
        turned
        backward turned[2].sum()
    """
    a, b = axis_of(dim0, input.ndim), axis_of(dim1, input.ndim)
    return s.swapaxes(input, a, b) if input.ndim else s.transpose_nothing(input, ())


@function()
def t(input: Tensor):
    """A matrix transposed; vectors and numbers as they are.

    Shapes: (m, n) -> (n, m), (n,) -> (n,), () -> ()
    Derivative: g.t()
    Example: x = [[1, 2, 3], [4, 5, 6]]
        turned = t(x)
        turned
        backward turned[2].sum()
    """
    if input.ndim > 2:
        raise ShapeFailure(
            f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D",
            help="for batches of matrices: `x.mT`",
        )
    return s.transpose_matrix(input, None) if input.ndim == 2 else s.transpose_matrix(input, tuple(range(input.ndim)))


@function()
def permute(input: Tensor, *dims: Wholes):
    """The dims in another order.

    Shapes: (d0, d1, d2) -> (d2, d0, d1) for permute(2, 0, 1): out.shape[k] is x.shape[dims[k]]
    Derivative: g.permute(argsort(dims))
    Example: x = [[[1, 2, 3], [4, 5, 6]]]
        turned = permute(x, 2, 0, 1)
        turned
        backward turned[0].sum()
    """
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
    """Dims moved to other places; the others keep their order.

    Shapes: (a, b, c) -> (b, c, a) for movedim(0, -1)
    Derivative: g.movedim(destination, source)
    Example: x = [[1, 2, 3], [4, 5, 6]]
        moved = movedim(x, 0, -1)
        moved
        backward moved[2].sum()
    """
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
    """`x.T`: all dims reversed.

    Shapes: (a, b, c) -> (c, b, a)
    Derivative: g.T
    Example: x = [[1, 2, 3], [4, 5, 6]]
        x.T
        total = (x.T @ [10, 1]).sum()
        backward total
    """
    return s.permute(self, tuple(range(self.ndim))[::-1])


def matrix_transposed(self: Tensor, attribute: str = "mT") -> Tensor:
    """`x.mT`: the last two dims exchanged.

    Shapes: (..., m, n) -> (..., n, m)
    Derivative: g.mT
    Example: x = [[[1, 2, 3], [4, 5, 6]]]
        x.mT
        corner = x.mT[0, 2, 1]
        backward corner
    """
    if self.ndim < 2:
        raise ShapeFailure(
            f"tensor.{attribute} is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor."
        )
    return s.swapaxes(self, self.ndim - 2, self.ndim - 1)


def conjugate_transposed(self: Tensor) -> Tensor:
    """`x.H`: a matrix transposed; a number is itself.

    Shapes: (m, n) -> (n, m), () -> ()
    Derivative: g.H
    Example: x = [[1, 2, 3], [4, 5, 6]]
        x.H
        corner = x.H[2, 1]
        backward corner
    """
    if self.ndim not in (0, 2):
        raise ShapeFailure(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.",
            help="for batches of matrices, use `x.mH`" if self.ndim > 2 else "",
        )
    return s.swapaxes(self, 0, 1) if self.ndim else self


# ---- matrices by their diagonals


@function()
def tril(input: Tensor, diagonal: Whole = 0):
    """The lower triangle, zeros above; diagonals above the main one count from 1, those below from -1.

    Shapes: (..., m, n) -> the same
    Derivative: tril(g, diagonal)
    Example: x = [[1, 2], [3, 4]]
        low = tril(x)
        low
        backward low.sum()
    """
    return s.tril(_matrix(input, "tril"), diagonal)


@function()
def triu(input: Tensor, diagonal: Whole = 0):
    """The upper triangle, zeros below; diagonals above the main one count from 1, those below from -1.

    Shapes: (..., m, n) -> the same
    Derivative: triu(g, diagonal)
    Example: x = [[1, 2], [3, 4]]
        high = triu(x, 1)
        high
        backward high.sum()
    """
    return s.triu(_matrix(input, "triu"), diagonal)


def _matrix(input: Tensor, name: str) -> Tensor:
    if input.ndim < 2:
        raise ShapeFailure(f"{name}: input tensor must have at least 2 dimensions")
    return input


@function()
def diagonal(input: Tensor, offset: Whole = 0, dim1: Whole = 0, dim2: Whole = 1):
    """A diagonal of two dims, as the last dim.

    Shapes: (..., m, ..., n, ...) -> (..., k), k = min(m, n) for the main one; dim1 and dim2 are those of m and n
    Derivative: zeros_like(x).diagonal_scatter(g, offset, dim1, dim2)
    Example: x = [[1, 2, 3], [4, 5, 6]]
        d = diagonal(x, 1)
        d
        backward d.sum()
    """
    a, b = axis_of(dim1, input.ndim), axis_of(dim2, input.ndim)
    if a == b:
        raise IndexFailure(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return s.diagonal(input, offset, a, b)


@function()
def diag(input: Tensor, diagonal: Whole = 0):
    """The diagonal of a matrix, or a matrix with a vector on its diagonal.

    Shapes: (m, n) -> (k,), k = min(m, n) for the main one; (n,) -> (n, n), larger by abs(diagonal)
    Derivative: of a matrix zeros_like(x).diagonal_scatter(g, diagonal); of a vector g.diagonal(diagonal)
    Example: x = [[1, 2], [3, 4]]
        trace = diag(x).sum()
        backward trace
    Example: x = [1, 2]
        m = diag(x)
        m
        backward (m @ m).sum()
    """
    if input.ndim == 1:
        n = input.shape[0] + abs(diagonal)
        allocatable((n, n), input.dtype)
        return _diag_embed(input, (n, n), diagonal, 0, 1)
    if input.ndim != 2:
        raise ShapeFailure(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return _diagonal_copy(input, diagonal, 0, 1)
