"""Functions that stretch, repeat or turn around what a tensor holds."""

from __future__ import annotations

from gradcli.engine import Tensor
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.operation import relabel
from gradcli.errors import ShapeFailure, ValueFailure
from gradcli.library.arguments import (
    Dims,
    Wholes,
    axes_of,
    axis_of,
)
from gradcli.library.vocabulary import function


def expanded(input: Tensor, sizes: tuple[int, ...]) -> Tensor:
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
    """Dims of size 1 stretched, without copying; -1 keeps a size.

    Shapes: (..., 1, ...) -> `sizes`, which may have more dims in front
    Derivative: g.sum_to_size(x.shape)
    Example: x = [[1], [2]]
        wide = x.expand(-1, 3)
        wide
        backward wide.sum()
    """
    return expanded(self, sizes)


@function(method=True)
def expand_as(self: Tensor, other: Tensor):
    """Stretched to the shape of another tensor, without copying.

    Shapes: any that broadcasts to that of other -> that of other
    Derivative: g.sum_to_size(x.shape); other: none
    Example: x = [1, 2]
        tall = x.expand_as(zeros(3, 2))
        tall
        backward tall[:, 0].sum()
    """
    return expanded(self, other.shape)


@function()
def broadcast_to(input: Tensor, *shape: Wholes):
    """Dims of size 1 stretched to a shape, without copying.

    Shapes: any that broadcasts to `shape` -> `shape`
    Derivative: g.sum_to_size(x.shape)
    Example: x = [1, 2]
        tall = broadcast_to(x, 3, 2)
        tall
        backward tall[:, 0].sum()
    """
    return expanded(input, shape)


@function()
def tile(input: Tensor, *dims: Wholes):
    """Copies side by side: so many along each dim, counted from the last.

    Shapes: (m, n) -> (a * m, b * n) for tile(a, b); missing dims are 1, on either side
    Derivative: the sum of g over the copies: for a vector g.reshape(-1, n).sum(0)
    Example: x = [1, 2]
        twice = tile(x, 2)
        twice
        backward twice[:3].sum()
        tile(x, 2, 1)
    """
    return _tiled(input, (1,) * (input.ndim - len(dims)) + dims)


@function(method=True)
def repeat(self: Tensor, *repeats: Wholes):
    """Copies side by side: so many along each dim.

    Shapes: (m, n) -> (a * m, b * n) for repeat(a, b), which may have more dims in front
    Derivative: the sum of g over the copies: for a vector g.reshape(-1, n).sum(0)
    Example: x = [1, 2]
        rows = x.repeat(3, 1)
        rows
        backward rows[:, 0].sum()
    """
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
    """The order reversed along dims.

    Shapes: any -> the same
    Derivative: g.flip(dims)
    Example: x = [[1, 2], [3, 4]]
        flip(x, 0)
        both = flip(x, 0, 1)
        both
        backward both[0, 0]
    """
    axes = axes_of(dims, input.ndim) if dims else ()
    return s.flip(input, axes or ())


@function()
def fliplr(input: Tensor):
    """The columns in reverse.

    Shapes: (m, n, ...) -> the same
    Derivative: g.fliplr()
    Example: x = [[1, 2, 3], [4, 5, 6]]
        turned = fliplr(x)
        turned
        backward turned[:, 0].sum()
    """
    return s.flip(input, (1,))


@function()
def flipud(input: Tensor):
    """The rows in reverse.

    Shapes: (m, ...) -> the same
    Derivative: g.flipud()
    Example: x = [[1, 2, 3], [4, 5, 6]]
        turned = flipud(x)
        turned
        backward turned[0].sum()
    """
    return s.flip(input, (0,))


@function()
def roll(input: Tensor, shifts: Wholes, dims: Dims = None):
    """The elements moved on along dims, those that leave at the end back at the start.

    Shapes: any -> the same; without dims all elements move as one row
    Derivative: g.roll(-shifts, dims)
    Example: x = [1, 2, 3, 4]
        moved = roll(x, 1)
        moved
        backward moved[0]
    """
    if not shifts:
        raise ValueFailure("`shifts` required", help="`roll(x, 1)` moves the elements by one")
    if dims is None or dims == ():
        turned = s.roll(s.reshape(input, (-1,)), shifts[0], 0)
        return relabel(s.reshape(turned, input.shape), "RollBackward0")
    axes = tuple(axis_of(dim, input.ndim) for dim in (dims if isinstance(dims, tuple) else (dims,)))
    if len(axes) != len(shifts):
        raise ShapeFailure(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(axes)}")
    return s.roll(input, shifts, axes) if input.ndim else s.clone(input)
