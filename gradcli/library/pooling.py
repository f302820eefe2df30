"""torch.nn.functional: the mean, the largest element or the p-norm of each window of an image."""

from __future__ import annotations

from math import inf, prod
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.operation import relabel
from gradcli.engine.resampling import resampled
from gradcli.engine.windows import window_sum
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Flag, Number, OptionalWhole, Wholes
from gradcli.library.vocabulary import function
from gradcli.library.windowed import batched, each, letters, unbatched


def shapes_of(dims: int) -> str:
    """The shapes of pooling, for its descriptions."""
    lengths, places = letters(dims), letters(dims, "'")
    return f"(N, C, {lengths}) or (C, {lengths}) -> (N, C, {places}) or (C, {places})"


BECOMES = """A dim L becomes floor((L + 2 padding - dilation (k - 1) - 1) / stride) + 1; in ceil_mode it's ceil, unless
        the last window would begin behind the image. stride is kernel_size unless given"""
ADAPTS = """with the output_size. Of a dim L, the window i of n goes from floor(i L / n) to
        ceil((i + 1) L / n); none as a size keeps a dim as it is"""


def strides_of(stride: Any, kernel: tuple[int, ...], name: str) -> tuple[int, ...]:
    """A window's own size where no stride is given."""
    return kernel if stride is None or stride == () else each(stride, len(kernel), "stride", 1, name)


def window_counts(
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


def padding_around(size: Any, kernel: Any, counts: Any, stride: Any, padding: Any, dilation: Any) -> tuple[Any, ...]:
    """The padding before and, so that the last window ends in it, behind each dimension."""
    return tuple(
        (pad, max(0, (count - 1) * step + gap * (k - 1) + 1 - n - pad))
        for n, k, count, step, pad, gap in zip(size, kernel, counts, stride, padding, dilation, strict=True)
    )


# ---- means


def _averaged(images: Tensor, kernel: Any, stride: Any, padding: Any, ceil: bool, padded: bool, divisor: Any) -> Tensor:
    size = images.shape[2:]
    ones = (1,) * len(size)
    counts = window_counts(size, kernel, stride, padding, ones, ceil)
    around = padding_around(size, kernel, counts, stride, padding, ones)
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
        steps, around = strides_of(stride, kernel, name), each(padding, dims, "padding", 0, name)
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

    Shapes: {shapes_of(dims)}. {BECOMES.replace("dilation (k - 1) - 1", "k")}
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
    means = _averaged(e.pow_number(images, p), kernel, strides_of(stride, kernel, name), zeros, ceil, True, None)
    roots = _root(e.mul(means, prod(kernel)), 1 / p)
    return relabel(unbatched(roots, had_batch), "PowBackward0")


def _root(sums: Tensor, exponent: float) -> Tensor:
    """Powers whose slope at 0 is 0, as torch has it: the infinite one of a root would make nan of a row of zeros."""
    zero = np.asarray(sums.array) == 0
    if not zero.any():
        return e.pow_number(sums, exponent)
    # Nothing goes back from what is filled in; the root is taken of 1 there, where its slope is finite.
    roots = e.pow_number(e.masked_fill(Tensor(zero, CUT), as_tensor(1.0, sums.dtype), sums), exponent)
    return e.masked_fill(Tensor(zero, CUT), as_tensor(inf if exponent < 0 else 0.0**exponent, sums.dtype), roots)


def _enter_power(dims: int) -> None:
    def body(input: Tensor, norm_type: Number, kernel_size, stride=None, ceil_mode: Flag = False):
        return _power_pooled(input, norm_type, kernel_size, stride, ceil_mode, dims)

    body.__name__ = f"lp_pool{dims}d"
    body.__doc__ = f"""The p-norm of each window of an image: (the sum of x^p)^(1/p), with p the norm_type.

    Shapes: {shapes_of(dims)}. {BECOMES.replace(" + 2 padding - dilation (k - 1) - 1", " - k")}
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


def wanted_size(output_size: Any, images: Tensor, name: str) -> tuple[int, ...]:
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


def stretches_of(length: int, count: int) -> tuple[np.ndarray, np.ndarray]:
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
        places, counted = stretches_of(n, count)
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
        wanted = wanted_size(output_size, images, name)
        out = unbatched(adaptive_average(images, wanted), had_batch)
        if dims == 1:
            return relabel(out, "SqueezeBackward1")
        return relabel(out, "MeanBackward1" if set(wanted) == {1} else f"AdaptiveAvgPool{dims}DBackward0")

    body.__name__ = name
    image = ("[[1., 2., 6., 8., 10.]]", "arange(1., 7.).reshape(1, 2, 3)", "arange(6.).reshape(1, 1, 2, 3)")[dims - 1]
    body.__doc__ = f"""The mean of each of so many windows, which cover an image evenly.

    Shapes: {shapes_of(dims)}, {ADAPTS}
    Derivative: g / s, summed over the windows that x stands in, each of s elements
    Example: x = {image}
        y = F.{name}(x, {("3", "(1, 2)", "(1, 1, 2)")[dims - 1]})
        y
        backward y.sum()
    """
    function(name if dims == 1 else f"F.{name}", also=(f"F.{name}",))(body)


for _dimensions in (1, 2, 3):
    for _enter in (
        _enter_average, _enter_power, _enter_adaptive_average
    ):  # fmt: skip
        _enter(_dimensions)
