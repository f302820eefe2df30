"""torch.nn.functional: the largest element of each window of an image, and the way back."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.operation import relabel
from gradcli.engine.windows import windows
from gradcli.errors import ShapeFailure, ValueFailure
from gradcli.library.arguments import Flag, Wholes
from gradcli.library.pooling import (
    ADAPTS,
    BECOMES,
    padding_around,
    shapes_of,
    stretches_of,
    strides_of,
    wanted_size,
    window_counts,
)
from gradcli.library.vocabulary import function
from gradcli.library.windowed import batched, each, unbatched

_GOES = "zeros_like(x).scatter_add(-1, indices, g), each image as a row: g goes to where the largest elements are"
_TIES = "the first of equal elements gets all of g; nan counts as larger than any number, and the last nan gets it"


def _largest(view: np.ndarray, dims: int) -> np.ndarray:
    """Where in its window (..., *counts, *kernel) the largest element is; the last nan where there is one."""
    # torch goes through a window in order and takes what is larger than all before, or nan: the first of equal ones
    # stays, and a nan gives way to another nan only.
    flat = view.reshape(*view.shape[: view.ndim - dims], prod(view.shape[view.ndim - dims :]))
    where = np.argmax(flat, axis=-1)
    if flat.dtype.kind == "f":
        missing = np.isnan(flat)
        if missing.any():
            last = flat.shape[-1] - 1 - np.argmax(missing[..., ::-1], axis=-1)
            where = np.where(missing.any(-1), last, where)
    return where


def _chosen(images: Tensor, index: np.ndarray, name: str) -> Tensor:
    """The elements at flat places of an image, recorded as torch's pooling."""
    lead = images.shape[:2]
    flat = s.reshape(images, (*lead, prod(images.shape[2:])))
    taken = s.take_along_axis(flat, index.reshape(*lead, prod(index.shape[2:])), 2)
    return relabel(s.reshape_copy(taken, index.shape), name)


def _flat(places: list[np.ndarray], size: tuple[int, ...]) -> np.ndarray:
    """Places along each dimension as places in an image laid out in one row."""
    flat = np.zeros((), np.int64)
    for place, n in zip(places, size, strict=True):
        flat = flat * n + place
    return flat


def _lowest(dtype: np.dtype) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _max_places(images: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> np.ndarray:
    """The flat place in the image of the largest element of each window."""
    size, dims = images.shape[2:], len(kernel)
    counts = window_counts(size, kernel, stride, padding, dilation, ceil)
    around = padding_around(size, kernel, counts, stride, padding, dilation)
    array = np.asarray(images.array)
    allocatable((*images.shape[:2], *counts, *kernel), array.dtype)
    padded = np.pad(array, ((0, 0), (0, 0), *around), constant_values=_lowest(array.dtype))
    within = np.unravel_index(_largest(windows(padded, kernel, counts, stride, dilation), dims), kernel)
    places, outside, firsts = [], np.zeros((), bool), []
    for axis, (offset, n, count, step, pad, gap) in enumerate(
        zip(within, size, counts, stride, padding, dilation, strict=True)
    ):
        start = (np.arange(count) * step - pad).reshape([-1 if a == axis else 1 for a in range(dims)])
        place = start + offset * gap
        # A window of nothing but -inf: the first of its elements that is one, rather than the padding.
        firsts.append(start + gap * np.maximum(-(start // gap), 0))
        outside = outside | (place < 0) | (place >= n)
        places.append(place)
    if np.any(outside):
        places = [np.where(outside, first, place) for first, place in zip(firsts, places, strict=True)]
    return _flat(places, size)


def _adaptive_places(images: Tensor, wanted: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(images.array)
    size, dims = images.shape[2:], len(wanted)
    # One pair of dimensions, places and windows, for each dimension of the image.
    stretches = [stretches_of(n, count) for n, count in zip(size, wanted, strict=True)]
    for axis, (places, counted) in enumerate(stretches):
        at = 2 + 2 * axis
        array = np.take(array, places, axis=at)
        behind = (1,) * (array.ndim - at - 2)
        array = np.where(counted.reshape(*counted.shape, *behind), array, _lowest(array.dtype))
    array = np.transpose(array, (0, 1, *range(2, 2 + 2 * dims, 2), *range(3, 3 + 2 * dims, 2)))
    within = np.unravel_index(_largest(array, dims), array.shape[2 + dims :])
    found = []
    for axis, (offset, (places, _)) in enumerate(zip(within, stretches, strict=True)):
        row = np.arange(len(places)).reshape([-1 if a == axis else 1 for a in range(dims)])
        found.append(places[row, offset])
    return _flat(found, size)


def _with_indices(images: Tensor, index: np.ndarray, name: str, had_batch: bool, return_indices: bool) -> Any:
    out = unbatched(_chosen(images, index, name), had_batch)
    out = relabel(out, name)
    return (out, Tensor(index if had_batch else index[0], CUT)) if return_indices else out


def _enter_max(dims: int) -> None:
    name = f"max_pool{dims}d"
    grad_name = f"MaxPool{dims}DWithIndicesBackward0" if dims > 1 else "SqueezeBackward1"

    def body(input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode: Flag = False,
             return_indices: Flag = False):  # fmt: skip
        images, had_batch = batched(input, dims, name)
        kernel = each(kernel_size, dims, "kernel_size", 1, name)
        gaps, around = each(dilation, dims, "dilation", 1, name), each(padding, dims, "padding", 0, name)
        index = _max_places(images, kernel, strides_of(stride, kernel, name), around, gaps, ceil_mode)
        return _with_indices(images, index, grad_name, had_batch, return_indices)

    body.__name__ = name
    image = ("[[1., 3., 3., 2.]]", "[[[1., 5., 5.], [5., 2., 0.]]]", "[[[[1., 5., 5.], [5., 2., 0.]]]]")[dims - 1]
    body.__doc__ = f"""The largest element of each window of an image; return_indices gives its flat place too.

    Shapes: {shapes_of(dims)}. {BECOMES}
    Derivative: {_GOES}
    Kink: {_TIES};
        padding counts as -inf, and is never taken (why: gradcli/library/max_pooling.py).
    Example: x = {image}
        y, indices = {name}(x, {(2, 2, (1, 2, 2))[dims - 1]}, 1, return_indices=true)
        y
        indices
        backward y.sum()
    """
    function(name, also=(f"F.{name}",))(body)


def _enter_adaptive_max(dims: int) -> None:
    name = f"adaptive_max_pool{dims}d"
    grad_name = f"AdaptiveMaxPool{dims}DBackward0" if dims > 1 else "SqueezeBackward1"

    def body(input: Tensor, output_size, return_indices: Flag = False):
        images, had_batch = batched(input, dims, name)
        index = _adaptive_places(images, wanted_size(output_size, images, name))
        return _with_indices(images, index, grad_name, had_batch, return_indices)

    body.__name__ = name
    image = ("[[1., 6., 6., 2., 4.]]", "[[[1., 6., 6.], [2., 0., 4.]]]", "[[[[1., 6., 6.], [2., 0., 4.]]]]")[dims - 1]
    body.__doc__ = f"""The largest element of each of so many windows, which cover an image evenly.

    Shapes: {shapes_of(dims)}, {ADAPTS}
    Derivative: {_GOES}
    Kink: {_TIES}
        (why: gradcli/library/max_pooling.py).
    Example: x = {image}
        y = F.{name}(x, {("3", "(1, 2)", "(1, 1, 2)")[dims - 1]})
        y
        backward y.sum()
    """
    function(f"F.{name}")(body)
    if dims == 1:

        def with_indices(input: Tensor, output_size):
            return body(input, output_size, True)

        with_indices.__name__ = name
        with_indices.__doc__ = f"""The largest element of each of so many windows, and their places in the image.

    Shapes: {shapes_of(dims)}, {ADAPTS}; the places have the shape of the result
    Derivative: {_GOES}
    Kink: {_TIES}
        (why: gradcli/library/max_pooling.py).
    Example: x = [[1., 6., 6., 2., 4.]]
        y, indices = {name}(x, 3)
        y
        indices
        backward y.sum()
    """
        function(name)(with_indices)


def _enter_unpool(dims: int) -> None:
    name = f"max_unpool{dims}d"

    def body(input: Tensor, indices: Tensor, kernel_size, stride=None, padding=0, output_size=None):
        images, had_batch = batched(input, dims, name)
        if indices.shape != input.shape:
            raise ShapeFailure(
                f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got "
                f"indices tensor with shape: {list(indices.shape)}"
            )
        kernel = each(kernel_size, dims, "kernel_size", 1, name)
        steps, around = strides_of(stride, kernel, name), each(padding, dims, "padding", 0, name)
        if output_size is None:
            size = tuple(
                (n - 1) * step - 2 * pad + k
                for n, step, pad, k in zip(images.shape[2:], steps, around, kernel, strict=True)
            )
        else:
            size = tuple(Wholes(output_size)[-dims:])
        places = np.asarray(indices.array).astype(np.int64).reshape(*images.shape[:2], prod(images.shape[2:]))
        if np.any((places < 0) | (places >= prod(size))):
            raise ValueFailure(f"Found an invalid max index: an image of size {size} has {prod(size)} places")
        lead = images.shape[:2]
        zeros = Tensor(np.zeros(allocatable((*lead, prod(size)), images.dtype), images.dtype), CUT)
        samples, channels = np.arange(lead[0])[:, None, None], np.arange(lead[1])[:, None]
        # Of elements with one place the last is seen, and all have its gradient, as in torch: it writes them one after
        # the other, and reads the gradient by their indices.
        put = s.put(zeros, s.reshape(images, places.shape), (samples, channels, places))
        out = unbatched(s.reshape(put, (*lead, *size)), had_batch)
        return relabel(out, f"MaxUnpool{dims}DBackward0" if dims > 1 else "SqueezeBackward1")

    body.__name__ = name
    body.__doc__ = f"""Each element put at the place in an image that max_pool{dims}d took it from, among zeros.

    Shapes: {shapes_of(dims)}, the indices as the input.
        A dim L becomes (L - 1) stride - 2 padding + k, or what output_size says; the indices are the places in an image
        taken as one row
    Derivative: g.gather(-1, indices), with images as rows
    Kink: of elements with one place the last is seen, and all get that place's gradient
        (why: gradcli/library/max_pooling.py).
    Example: x = {("[[5., 7.]]", "[[[5., 7.]]]", "[[[[5., 7.]]]]")[dims - 1]}
        const i = {("[[1, 2]]", "[[[1, 6]]]", "[[[[1, 6]]]]")[dims - 1]}
        y = F.{name}(x, i, {("2", "2", "(1, 2, 2)")[dims - 1]})
        y
        backward (y^2).sum()
    """
    function(f"F.{name}")(body)


for _dimensions in (1, 2, 3):
    for _enter in (_enter_max, _enter_adaptive_max, _enter_unpool):
        _enter(_dimensions)
