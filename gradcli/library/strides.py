"""Parts of a tensor by steps in memory: windows along a dim, and any shape and steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import Tensor
from gradcli.engine import scattering as g
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.memory import owner_of
from gradcli.engine.operation import relabel
from gradcli.errors import ShapeFailure, ValueFailure
from gradcli.library.arguments import OptionalWhole, Whole, Wholes, axis_of
from gradcli.library.vocabulary import function


@function("unfold", method=True)
def unfold(self: Tensor, dimension: Whole, size: Whole, step: Whole):
    """`x.unfold(dim, size, step)`: the windows of a size along a dim, a step apart, as a new last dim.

    Shapes: (..., n, ...) -> (..., w, ..., size), w = floor((n - size) / step) + 1
    Derivative: g of each place in a window added to the element that stands there: more than once where windows overlap
    Example: x = [1, 2, 3, 4]
        windows = x.unfold(0, 3, 1)
        windows
        backward windows.sum()
    """
    axis = axis_of(dimension, self.ndim)
    length = self.shape[axis] if self.ndim else 1
    if size < 0:
        raise ValueFailure(f"size is {size} but must be >= 0")
    if size > length:
        raise ValueFailure(f"maximum size for tensor at dimension {axis} is {length} but size is {size}")
    if step <= 0:
        raise ValueFailure(f"step is {step} but must be > 0")
    if not self.ndim:
        return relabel(s.getitem_slice(s.reshape(self, (1,)), (slice(0, size),)), "UnfoldBackward0")
    return g.unfold(self, axis, size, step)


def strided_places(input: Tensor, size: Any, stride: Any, storage_offset: int | None) -> np.ndarray:
    """Which elements of the input, counted in a row, steps in memory lead to; ValueFailure where they lead outside."""
    if len(size) != len(stride):
        raise ShapeFailure(f"mismatch in length of strides and shape: {list(stride)} and {list(size)}")
    if any(n < 0 for n in (*size, *stride)):
        raise ValueFailure(f"as_strided: sizes and strides are not negative: {list(size)}, {list(stride)}")
    allocatable(tuple(size), np.dtype(np.int64))
    array, start = np.asarray(input.array), 0
    if array.size and min(array.strides, default=0) < 0:
        # No tensor of torch's goes backwards: it would have been copied.
        array = np.ascontiguousarray(array)
    if storage_offset is not None:
        owner = owner_of(array)
        if isinstance(owner, np.ndarray):
            start = (array.ctypes.data - owner.ctypes.data) // array.itemsize
    steps = _walk(tuple(n // array.itemsize for n in array.strides), array.shape).ravel()
    wanted = _walk(stride, size) + (0 if storage_offset is None else storage_offset - start)
    order = np.argsort(steps, kind="stable")
    found = np.minimum(np.searchsorted(steps[order], wanted), max(steps.size - 1, 0))
    places = order[found] if steps.size else found
    if wanted.size and (not steps.size or not np.array_equal(steps[places], wanted)):
        raise ValueFailure(
            f"setStorage: sizes {list(size)}, strides {list(stride)} and storage offset {storage_offset or 0} are out "
            f"of bounds for a tensor of {array.size} elements"
        )
    return places


def _walk(strides: Any, shape: Any) -> np.ndarray:
    """The place in memory, in elements from the first, of each index of a shape."""
    total = np.zeros((1,) * len(shape), np.int64)
    for axis, (step, n) in enumerate(zip(strides, shape, strict=True)):
        total = total + (step * np.arange(n)).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return total


@function()
def as_strided(input: Tensor, size: Wholes, stride: Wholes, storage_offset: OptionalWhole = None):
    """The elements that steps in memory lead to, in a shape; a copy, where PyTorch has a view.

    Shapes: any -> `size`; the element at (i, j) is the one of storage_offset + i * stride[0] + j * stride[1]
    Derivative: g of each place added to the element that it was read from: more than once where places share one
    Kink: steps that lead out of the input are an error.
    Example: x = [1, 2, 3, 4]
        windows = as_strided(x, (3, 2), (1, 1))
        windows
        backward windows.sum()
    """
    return g.read_at(input, strided_places(input, size, stride, storage_offset))
