"""torch.nn.functional: the mean, the largest element or the p-norm of each window of an image."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.operation import relabel
from gradcli.engine.resampling import resampled
from gradcli.engine.windows import window_sum, windows
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Flag, Number, OptionalWhole, Wholes
from gradcli.library.vocabulary import function
from gradcli.library.windowed import batched, each, letters, unbatched


def _shapes(dims: int) -> str:
    """The shapes of pooling, for its descriptions."""
    lengths, places = letters(dims), letters(dims, "'")
    return f"(N, C, {lengths}) or (C, {lengths}) -> (N, C, {places}) or (C, {places})"


_BECOMES = """A dim L becomes floor((L + 2 padding - dilation (k - 1) - 1) / stride) + 1; in ceil_mode it's ceil, unless
        the last window would begin behind the image. stride is kernel_size unless given"""
_ADAPTS = """with the output_size. Of a dim L, the window i of n goes from floor(i L / n) to
        ceil((i + 1) L / n); none as a size keeps a dim as it is"""
_GOES = "zeros_like(x).scatter_add(-1, indices, g), each image as a row: g goes to where the largest elements are"
_TIES = "the first of equal elements gets all of g; nan counts as larger than any number, and the last nan gets it"


def _strides(stride: Any, kernel: tuple[int, ...], name: str) -> tuple[int, ...]:
    """A window's own size where no stride is given."""
    return kernel if stride is None or stride == () else each(stride, len(kernel), "stride", 1, name)


def _counts(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    ceil: bool,
) -> tuple[int, ...]:
    """How many windows there are; with `ceil` also those that begin inside and end outside."""
    counts = []
    for n, k, step, pad, gap in zip(size, kernel, stride, padding, dilation, strict=True):
        if pad > (gap * (k - 1) + 1) // 2:
            raise ValueFailure(
                f"pad should be at most half of effective kernel size, but got pad={pad}, kernel_size={k} and "
                f"dilation={gap}"
            )
        count = (n + 2 * pad - gap * (k - 1) - 1 + (step - 1 if ceil else 0)) // step + 1
        # The last window begins in the image or before it, not in the padding behind it.
        counts.append(count - 1 if ceil and (count - 1) * step >= n + pad else count)
    if any(count < 1 for count in counts):
        raise ShapeFailure(
            f"Given input size: ({'x'.join(map(str, size))}). Calculated output size: "
            f"({'x'.join(map(str, counts))}). Output size is too small"
        )
    return tuple(counts)


def _reaching(size: Any, kernel: Any, counts: Any, stride: Any, padding: Any, dilation: Any) -> tuple[Any, ...]:
    """The padding before and, so that the last window ends in it, behind each dimension."""
    return tuple(
        (pad, max(0, (count - 1) * step + gap * (k - 1) + 1 - n - pad))
        for n, k, count, step, pad, gap in zip(size, kernel, counts, stride, padding, dilation, strict=True)
    )


# ---- means


def _averaged(images: Tensor, kernel: Any, stride: Any, padding: Any, ceil: bool, padded: bool, divisor: Any) -> Tensor:
    size = images.shape[2:]
    ones = (1,) * len(size)
    counts = _counts(size, kernel, stride, padding, ones, ceil)
    around = _reaching(size, kernel, counts, stride, padding, ones)
    sums = window_sum(_real(images), kernel, counts, stride, around)
    if divisor is not None:
        return e.div(sums, divisor)
    shares = np.ones(ones)
    for axis, (n, k, count, step, pad) in enumerate(zip(size, kernel, counts, stride, padding, strict=True)):
        start = np.arange(count) * step - pad
        end = np.minimum(start + k, n + pad)
        # As in torch: what is put around can count, and what a window of ceil_mode has beyond that never does.
        length = end - start if padded else np.minimum(end, n) - np.maximum(start, 0)
        shares = shares * length.reshape([-1 if a == axis else 1 for a in range(len(size))])
    return e.div(sums, Tensor(shares.astype(sums.dtype), CUT))


def _real(images: Tensor) -> Tensor:
    if images.dtype.kind != "f":
        raise TypeFailure(f"pooling is not implemented for {images.dtype}", help="make it real first: `x.double()`")
    return images


def _enter_average(dims: int) -> None:
    name = f"avg_pool{dims}d"

    def pooled(input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil: bool, padded: bool, divisor: Any):
        images, had_batch = batched(input, dims, name)
        kernel = each(kernel_size, dims, "kernel_size", 1, name)
        if divisor == 0:
            raise ValueFailure("divisor must be not zero")
        steps, around = _strides(stride, kernel, name), each(padding, dims, "padding", 0, name)
        out = _averaged(images, kernel, steps, around, ceil, padded, divisor)
        return relabel(unbatched(out, had_batch), f"AvgPool{dims}DBackward0" if dims > 1 else "SqueezeBackward1")

    def line(input: Tensor, kernel_size, stride=None, padding=0, ceil_mode: Flag = False,
             count_include_pad: Flag = True):  # fmt: skip
        return pooled(input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)

    def body(input: Tensor, kernel_size, stride=None, padding=0, ceil_mode: Flag = False,
             count_include_pad: Flag = True, divisor_override: OptionalWhole = None):  # fmt: skip
        return pooled(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)

    chosen = body if dims > 1 else line
    chosen.__name__ = name
    image = ("[[1., 2., 6., 8.]]", "arange(1., 10.).reshape(1, 3, 3)", "arange(8.).reshape(1, 2, 2, 2)")[dims - 1]
    kernels, share = ", ".join(("k",) * dims), ", or divisor_override" if dims > 1 else ""
    chosen.__doc__ = f"""The mean of each window of an image.

    Shapes: {_shapes(dims)}. {_BECOMES.replace("dilation (k - 1) - 1", "k")}
    Derivative: conv_transpose{dims}d(g / n, ones(C, 1, {kernels}), none, stride, padding, groups=C), where n is how
        many elements a window counts{share}
    Kink: the zeros around an image count, unless count_include_pad is false; what a window of ceil_mode has beyond them
        never does (why: gradcli/library/pooling.py).
    Example: x = {image}
        y = F.{name}(x, 2, 1)
        y
        backward y.sum()
    """
    function(name if dims == 1 else f"F.{name}", also=(f"F.{name}",))(chosen)


def _power_pooled(input: Tensor, p: float, kernel_size: Any, stride: Any, ceil: bool, dims: int) -> Tensor:
    name = f"lp_pool{dims}d"
    images, had_batch = batched(input, dims, name)
    kernel = each(kernel_size, dims, "kernel_size", 1, name)
    zeros = (0,) * dims
    means = _averaged(e.pow_number(images, p), kernel, _strides(stride, kernel, name), zeros, ceil, True, None)
    # As torch has it. It changes no value, but relu's slope of 0 at 0 keeps the root's infinite one from zeros.
    sums = e.mul(e.mul(e.sign(means), e.relu(e.abs(means))), prod(kernel))
    return relabel(unbatched(e.pow_number(sums, 1 / p), had_batch), "PowBackward0")


def _enter_power(dims: int) -> None:
    def body(input: Tensor, norm_type: Number, kernel_size, stride=None, ceil_mode: Flag = False):
        return _power_pooled(input, norm_type, kernel_size, stride, ceil_mode, dims)

    body.__name__ = f"lp_pool{dims}d"
    body.__doc__ = f"""The p-norm of each window of an image: (the sum of x^p)^(1/p), with p the norm_type.

    Shapes: {_shapes(dims)}. {_BECOMES.replace(" + 2 padding - dilation (k - 1) - 1", " - k")}
    Derivative: g * (x / out)^(p - 1), summed over the windows that x stands in
    Kink: a window whose sum is 0 has gradient 0 for p >= 1. Numbers keep their signs: with an odd p negative ones
        subtract, and a negative sum has no p-th root (nan) unless p is 1 (why: gradcli/library/pooling.py).
    Example: x = {("[[3., 4., 6., 8.]]", "[[[3., 4.], [0., 12.]]]", "[[[[3., 4.], [0., 12.]]]]")[dims - 1]}
        y = F.lp_pool{dims}d(x, 2, {(2, 2, (1, 2, 2))[dims - 1]})
        y
        backward y.sum()
    """
    function(f"F.{body.__name__}")(body)


# ---- windows of a wanted number


def _output_size(output_size: Any, images: Tensor, name: str) -> tuple[int, ...]:
    """The sizes wanted; none stands for the size that is there."""
    size = images.shape[2:]
    sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * len(size)
    if len(sizes) != len(size):
        raise ShapeFailure(f"{name}: output_size must have {len(size)} elements, and has {len(sizes)}")
    wanted = tuple(n if s is None else Wholes(s)[0] for s, n in zip(sizes, size, strict=True))
    if any(n < 0 for n in wanted):
        raise ValueFailure(f"{name}: elements of output_size must be greater than or equal to 0 but received {wanted}")
    if 0 in size:
        raise ShapeFailure(f"{name}: Expected input to have non-zero size for non-batch dimensions, but got {size}")
    allocatable((*images.shape[:2], *wanted), images.dtype)
    return wanted


def _stretches(length: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` windows that cover a length evenly: the places of each, and which of them count."""
    start = np.arange(count) * length // max(count, 1)
    end = -(-(np.arange(count) + 1) * length // max(count, 1))
    offsets = np.arange(int(np.max(end - start, initial=1)))
    places = start[:, None] + offsets
    return np.minimum(places, length - 1), places < end[:, None]


def adaptive_average(images: Tensor, wanted: tuple[int, ...]) -> Tensor:
    """The mean of each of so many windows over the last dimensions."""
    size = images.shape[2:]
    images = _real(images)
    if all(count and n % count == 0 for n, count in zip(size, wanted, strict=True)):
        kernel = tuple(n // count for n, count in zip(size, wanted, strict=True))
        return _averaged(images, kernel, kernel, (0,) * len(size), False, True, None)
    for axis, (n, count) in enumerate(zip(size, wanted, strict=True), 2):
        places, counted = _stretches(n, count)
        shape = (*images.shape[:axis], *places.shape, *images.shape[axis + 1 :])
        apart = s.reshape(resampled(images, places.reshape(-1), axis), shape)
        behind = (1,) * (len(size) + 1 - axis)
        kept = e.where(Tensor(counted.reshape(*counted.shape, *behind), CUT), apart, 0.0)
        lengths = np.sum(counted, axis=1).reshape(-1, *behind).astype(images.dtype)
        images = e.div(r.sum_dim(kept, axis + 1, False), Tensor(lengths, CUT))
    return images


def _enter_adaptive_average(dims: int) -> None:
    name = f"adaptive_avg_pool{dims}d"

    def body(input: Tensor, output_size):
        images, had_batch = batched(input, dims, name)
        wanted = _output_size(output_size, images, name)
        out = unbatched(adaptive_average(images, wanted), had_batch)
        if dims == 1:
            return relabel(out, "SqueezeBackward1")
        return relabel(out, "MeanBackward1" if set(wanted) == {1} else f"AdaptiveAvgPool{dims}DBackward0")

    body.__name__ = name
    image = ("[[1., 2., 6., 8., 10.]]", "arange(1., 7.).reshape(1, 2, 3)", "arange(6.).reshape(1, 1, 2, 3)")[dims - 1]
    body.__doc__ = f"""The mean of each of so many windows, which cover an image evenly.

    Shapes: {_shapes(dims)}, {_ADAPTS}
    Derivative: g / s, summed over the windows that x stands in, each of s elements
    Example: x = {image}
        y = F.{name}(x, {("3", "(1, 2)", "(1, 1, 2)")[dims - 1]})
        y
        backward y.sum()
    """
    function(name if dims == 1 else f"F.{name}", also=(f"F.{name}",))(body)


# ---- largest elements


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
    counts = _counts(size, kernel, stride, padding, dilation, ceil)
    around = _reaching(size, kernel, counts, stride, padding, dilation)
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
    stretches = [_stretches(n, count) for n, count in zip(size, wanted, strict=True)]
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
        index = _max_places(images, kernel, _strides(stride, kernel, name), around, gaps, ceil_mode)
        return _with_indices(images, index, grad_name, had_batch, return_indices)

    body.__name__ = name
    image = ("[[1., 3., 3., 2.]]", "[[[1., 5., 5.], [5., 2., 0.]]]", "[[[[1., 5., 5.], [5., 2., 0.]]]]")[dims - 1]
    body.__doc__ = f"""The largest element of each window of an image; return_indices gives its flat place too.

    Shapes: {_shapes(dims)}. {_BECOMES}
    Derivative: {_GOES}
    Kink: {_TIES};
        padding counts as -inf, and is never taken (why: gradcli/library/pooling.py).
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
        index = _adaptive_places(images, _output_size(output_size, images, name))
        return _with_indices(images, index, grad_name, had_batch, return_indices)

    body.__name__ = name
    image = ("[[1., 6., 6., 2., 4.]]", "[[[1., 6., 6.], [2., 0., 4.]]]", "[[[[1., 6., 6.], [2., 0., 4.]]]]")[dims - 1]
    body.__doc__ = f"""The largest element of each of so many windows, which cover an image evenly.

    Shapes: {_shapes(dims)}, {_ADAPTS}
    Derivative: {_GOES}
    Kink: {_TIES}
        (why: gradcli/library/pooling.py).
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

    Shapes: {_shapes(dims)}, {_ADAPTS}; the places have the shape of the result
    Derivative: {_GOES}
    Kink: {_TIES}
        (why: gradcli/library/pooling.py).
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
        steps, around = _strides(stride, kernel, name), each(padding, dims, "padding", 0, name)
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

    Shapes: {_shapes(dims)}, the indices as the input.
        A dim L becomes (L - 1) stride - 2 padding + k, or what output_size says; the indices are the places in an image
        taken as one row
    Derivative: g.gather(-1, indices), with images as rows
    Kink: of elements with one place the last is seen, and all get that place's gradient
        (why: gradcli/library/pooling.py).
    Example: x = {("[[5., 7.]]", "[[[5., 7.]]]", "[[[[5., 7.]]]]")[dims - 1]}
        const i = {("[[1, 2]]", "[[[1, 6]]]", "[[[[1, 6]]]]")[dims - 1]}
        y = F.{name}(x, i, {("2", "2", "(1, 2, 2)")[dims - 1]})
        y
        backward (y^2).sum()
    """
    function(f"F.{name}")(body)


for _dimensions in (1, 2, 3):
    for _enter in (
        _enter_average, _enter_power, _enter_adaptive_average, _enter_max, _enter_adaptive_max, _enter_unpool,
    ):  # fmt: skip
        _enter(_dimensions)
