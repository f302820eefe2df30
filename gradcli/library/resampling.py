"""torch.nn.functional: images padded, resized, and read at places between their pixels."""

from __future__ import annotations

from math import floor
from typing import Any

import numpy as np

from gradcli.engine import Tensor
from gradcli.engine.allocation import allocatable
from gradcli.engine.operation import relabel
from gradcli.engine.resampling import mixed, padded, resampled
from gradcli.errors import ShapeFailure, ValueFailure
from gradcli.library.arguments import Flag, Number, OptionalNumber, Text, Wholes
from gradcli.library.vocabulary import function

# ---- padding


@function("F.pad")
def pad(input: Tensor, pad: Wholes, mode: Text = "constant", value: OptionalNumber = None):
    """More elements before and after the last dims, or fewer where a number is negative.

    Shapes: any; a padded dim L becomes L + before + after. `pad` is (before, after) for the last dim, then for the one
        before it, and so on. "reflect", "replicate" and "circular" pad the last 1 to 3 dims of (N, C, ...) or (C, ...)
    Derivative: "constant": F.pad(g, [-n for n in pad]); else zeros_like(x).index_add(dim, places, g) for each dim,
        where the places are those of the elements that were copied
    Kink: "reflect" doesn't repeat the element at the edge, and reaches L - 1 far; "circular" reaches L far.
    Example: x = [[1., 2., 3.]]
        F.pad(x, (1, -1))
        y = F.pad(x, (2, 1), mode="reflect")
        y
        backward y.sum()
    """
    if len(pad) % 2:
        raise ValueFailure("Padding length must be divisible by 2")
    if len(pad) // 2 > input.ndim:
        raise ValueFailure(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {input.ndim}"
        )
    pairs = [(0, 0)] * (input.ndim - len(pad) // 2) + [(pad[k], pad[k + 1]) for k in range(len(pad) - 2, -1, -2)]
    sizes = tuple(n + sum(pair) for n, pair in zip(input.shape, pairs, strict=True))
    if any(n < 0 for n in sizes):
        raise ShapeFailure(
            f"The input size {list(input.shape)}, plus negative padding {list(pad)} resulted in a negative output "
            f"size, which is invalid: {list(sizes)}"
        )
    allocatable(sizes, input.dtype)
    if mode == "constant":
        return padded(input, tuple(pairs), 0 if value is None else value)
    if mode not in _SOURCES:
        raise ValueFailure(f"Unrecognised padding mode {mode}", help='"constant", "reflect", "replicate" or "circular"')
    dims = len(pad) // 2
    if not (input.ndim in (dims + 1, dims + 2) and 1 <= dims <= 3):
        raise ValueFailure(
            f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor.",
            help="2 numbers pad the last dim of 2D or 3D, 4 the last two of 3D or 4D, 6 the last three of 4D or 5D",
        )
    for axis in range(input.ndim - dims, input.ndim):
        places = _SOURCES[mode](input.shape[axis], *pairs[axis])
        input = resampled(input, places, axis)
    name = {"reflect": f"ReflectionPad{dims}DBackward0", "replicate": f"ReplicationPad{dims}DBackward0"}
    return relabel(input, name.get(mode, "CopySlices"))


def _reflected(length: int, before: int, after: int) -> np.ndarray:
    if max(before, after) >= length:
        raise ShapeFailure(
            "Padding size should be less than the corresponding input dimension, but got: padding "
            f"({before}, {after}) at a dimension of size {length}"
        )
    places = np.abs(np.arange(-before, length + after))
    return np.where(places >= length, 2 * (length - 1) - places, places)


def _replicated(length: int, before: int, after: int) -> np.ndarray:
    return np.clip(np.arange(-before, length + after), 0, max(length - 1, 0))


def _circular(length: int, before: int, after: int) -> np.ndarray:
    if max(before, after) > length:
        raise ShapeFailure("Padding value causes wrapping around more than once.")
    return np.arange(-before, length + after) % max(length, 1)


_SOURCES = {"reflect": _reflected, "replicate": _replicated, "circular": _circular}
"""For each mode: which element of a dimension stands at each place of the padded one."""


# ---- other sizes

KEYS = -0.75
"""The free coefficient of cubic convolution, as torch and OpenCV choose it. Keys, "Cubic Convolution Interpolation"."""


def cubic_near(t: Any, a: float = KEYS) -> Any:
    """The cubic kernel at a distance up to 1."""
    return ((a + 2) * t - (a + 3)) * t * t + 1


def cubic_far(t: Any, a: float = KEYS) -> Any:
    """The cubic kernel at a distance from 1 to 2."""
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a


Taps = tuple[np.ndarray, np.ndarray]
"""For each new place the old places that it is mixed of, and their shares: (new, how many)."""


def _sources(mode: str, length: int, count: int, scale: float | None, corners: bool) -> Taps:
    """What each of `count` new places is mixed of."""
    # Pixels have a width: a row's first and last middle lie half a pixel from its ends, and both rows' ends on each
    # other. With `corners` it's the first and the last middles that lie on each other. "nearest" takes the pixel where
    # the new one's left end is, a mistake of OpenCV's that torch keeps; "nearest-exact" that where its middle is.
    ratio = length / count if scale is None else 1 / scale
    new = np.arange(count)
    if mode.startswith("nearest"):
        at = np.floor((new + 0.5) * ratio) if mode == "nearest-exact" else np.floor(new * ratio)
        return np.minimum(at.astype(np.int64), length - 1)[:, None], np.ones((count, 1))
    place = new * ((length - 1) / (count - 1) if count > 1 else 0.0) if corners else (new + 0.5) * ratio - 0.5
    if mode != "bicubic":
        place = np.maximum(place, 0)
        first = np.minimum(place.astype(np.int64), length - 1)
        t = np.clip(place - first, 0, 1)
        return np.stack([first, np.minimum(first + 1, length - 1)], 1), np.stack([1 - t, t], 1)
    first = np.floor(place).astype(np.int64)
    t = place - first
    shares = np.stack([cubic_far(t + 1), cubic_near(t), cubic_near(1 - t), cubic_far(2 - t)], 1)
    return np.clip(first[:, None] + np.arange(-1, 3), 0, length - 1), shares


def _triangle(distance: np.ndarray) -> np.ndarray:
    return np.maximum(1 - distance, 0)


def _cubic(distance: np.ndarray) -> np.ndarray:
    # With Keys' own coefficient, where the interpolation beside it has another: torch follows Pillow here.
    return np.where(distance < 1, cubic_near(distance, -0.5), np.where(distance < 2, cubic_far(distance, -0.5), 0))


def _lanczos(distance: np.ndarray) -> np.ndarray:
    return np.where(distance < 3, np.sinc(distance) * np.sinc(distance / 3), 0)


_KERNELS = {"bilinear": (_triangle, 1), "bicubic": (_cubic, 2), "lanczos": (_lanczos, 3)}
"""For each mode with antialias: the shares by the distance from a new pixel's middle, and where they end."""


def _smoothed(mode: str, length: int, count: int, scale: float | None, corners: bool) -> Taps:
    """As `_sources`, but where pixels become fewer the kernel is as much wider, so that each old pixel has a share."""
    kernel, reach = _KERNELS[mode]
    if corners:
        ratio = (length - 1) / (count - 1) if count > 1 else 0.0
    else:
        ratio = length / count if scale is None else 1 / scale
    wide = max(ratio, 1.0)
    middle = ratio * (np.arange(count) + 0.5)
    # What is beyond the edge has no share, instead of that of the edge pixel: the others add up to 1 without it.
    first = np.maximum((middle - reach * wide + 0.5).astype(np.int64), 0)
    end = np.minimum((middle + reach * wide + 0.5).astype(np.int64), length)
    places = first[:, None] + np.arange(max(int(np.max(end - first)), 1))
    shares = np.where(places < end[:, None], kernel(np.abs(places - middle[:, None] + 0.5) / wide), 0)
    total = np.sum(shares, axis=1, keepdims=True)
    return np.minimum(places, length - 1), shares / np.where(total == 0, 1, total)


_MODES = {
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,), "bilinear": (2,),
    "bicubic": (2,), "trilinear": (3,), "lanczos": (2,),
}  # fmt: skip
_GRAD_NAMES = {
    "nearest": "Nearest", "nearest-exact": "NearestExact", "linear": "Linear", "bilinear": "Bilinear",
    "bicubic": "Bicubic", "trilinear": "Trilinear", "lanczos": "Lanczos",
}  # fmt: skip


@function("F.interpolate")
def interpolate(input: Tensor, size=None, scale_factor=None, mode: Text = "nearest", align_corners=None,
                recompute_scale_factor: Flag = False, antialias: Flag = False):  # fmt: skip
    """Images in another size: each new pixel is the nearest old one, or a mixture of those near by.

    With antialias it's a mixture of all that it covers, where pixels become fewer ("bilinear", "bicubic" and "lanczos",
    which is there with antialias only).

    Shapes: (N, C, L), (N, C, H, W) or (N, C, D, H, W) -> the same with `size`, or floor(L * scale_factor) for each L.
        The modes "nearest", "nearest-exact" and "area" (adaptive_avg_pool) are for all, "linear" for the first,
        "bilinear", "bicubic" and "lanczos" for the second, "trilinear" for the third
    Derivative: A.mT @ g along each resized dim, for out = A @ x: the rows of A are the shares of the old pixels in each
        new one, and add up to 1
    Kink: the new pixel i lies at (i + 0.5) / scale - 0.5 (scale: scale_factor or L' / L), with align_corners at
        i * (L - 1) / (L' - 1); "nearest" takes the old pixel floor(i / scale), "nearest-exact" that at the new one's
        middle; beyond the edge pixels stand the edge pixels, with antialias nothing (why:
        gradcli/library/resampling.py).
    Example: x = [[[1., 2., 4.]]]
        F.interpolate(x, size=5)
        y = F.interpolate(x, size=5, mode="linear")
        y
        backward y.sum()
    Example: x = [[[[0., 8., 0., 0., 0., 0.]]]]
        F.interpolate(x, size=(1, 2), mode="bilinear")
        F.interpolate(x, size=(1, 2), mode="bilinear", antialias=true)
    """
    dims = input.ndim - 2
    if mode not in _MODES:
        raise ValueFailure(f'interpolate() knows no mode "{mode}"', help=", ".join(f'"{m}"' for m in _MODES))
    if not 1 <= dims <= 3:
        raise ShapeFailure(
            "Input Error: Only 3D, 4D and 5D input Tensors supported "
            f"(got {input.ndim}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | area | "
            f"nearest-exact (got {mode})"
        )
    if dims not in _MODES[mode]:
        raise ShapeFailure(f"Got {input.ndim}D input, but {mode} mode needs {_MODES[mode][0] + 2}D input")
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ValueFailure(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    if antialias and mode not in _KERNELS:
        raise ValueFailure(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if mode == "lanczos" and (align_corners or not antialias):
        raise ValueFailure(
            "Lanczos mode does not support align_corners=True" if align_corners
            else "Lanczos mode requires antialias=True"
        )  # fmt: skip
    wanted, scales = _wanted(input.shape[2:], size, scale_factor, recompute_scale_factor)
    allocatable((*input.shape[:2], *wanted), input.dtype)
    if mode == "area":
        from gradcli.library.vocabulary import FUNCTIONS

        return FUNCTIONS[f"F.adaptive_avg_pool{dims}d"](input, wanted)
    out = input
    for axis, (n, count, scale) in enumerate(zip(input.shape[2:], wanted, scales, strict=True), 2):
        sources, shares = (_smoothed if antialias else _sources)(mode, n, count, scale, bool(align_corners))
        nearest = mode.startswith("nearest")
        out = resampled(out, sources[:, 0], axis) if nearest else mixed(out, sources, shares, axis)
    return relabel(out, f"Upsample{_GRAD_NAMES[mode]}{dims}D{'Aa' if antialias else ''}Backward0")


def _wanted(
    size: tuple[int, ...], wanted: Any, scale: Any, recompute: bool
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The new sizes, and the scale that new places are found by where it isn't the ratio of the sizes."""
    dims = len(size)
    if (wanted is None) == (scale is None):
        raise ValueFailure(
            "only one of size or scale_factor should be defined" if wanted is not None
            else "either size or scale_factor should be defined"
        )  # fmt: skip
    if wanted is not None:
        sizes, scales = _of_each(Wholes(wanted), dims, "size"), (None,) * dims
    else:
        factors = scale if isinstance(scale, (tuple, list)) else (scale,)
        factors = _of_each(tuple(float(Number(factor)) for factor in factors), dims, "scale_factor")
        sizes = tuple(floor(n * factor) for n, factor in zip(size, factors, strict=True))
        scales = (None,) * dims if recompute else factors
    if any(n < 1 for n in (*sizes, *size)):
        raise ShapeFailure(f"Input and output sizes should be greater than 0, but got input {size} and output {sizes}")
    return sizes, scales


def _of_each(values: tuple[Any, ...], dims: int, name: str) -> tuple[Any, ...]:
    if len(values) == 1:
        return values * dims
    if len(values) != dims:
        raise ValueFailure(
            f"Input and output must have the same number of spatial dimensions, but got {dims} of the input and "
            f"{name} of {list(values)}"
        )
    return values


@function("F.upsample_nearest")
def upsample_nearest(input: Tensor, size=None, scale_factor=None):
    """Images in another size, each new pixel the nearest old one.

    Shapes: (N, C, L), (N, C, H, W) or (N, C, D, H, W) -> the same with `size`, or floor(L * scale_factor) for each L
    Derivative: zeros_like(x).index_add(dim, places, g) for each dim: an old pixel gets the sum of g over its new ones
    Kink: the new pixel i is the old pixel floor(i / scale), with scale_factor or L' / L as the scale
        (why: gradcli/library/resampling.py).
    Example: x = [[[1., 2., 4.]]]
        y = F.upsample_nearest(x, size=5)
        y
        backward y.sum()
    """
    return interpolate(input, size, scale_factor, "nearest")


@function("F.upsample_bilinear")
def upsample_bilinear(input: Tensor, size=None, scale_factor=None):
    """Images in another size, linear between old pixels, with the corners on each other.

    Shapes: (N, C, H, W) -> (N, C, H', W') with `size`, or floor(L * scale_factor) for each L
    Derivative: A.mT @ g @ B, for out = A @ x @ B.mT: the rows of A and B are the shares of the old rows and columns
    Kink: the new pixel i lies at i * (L - 1) / (L' - 1), as with align_corners (why: gradcli/library/resampling.py).
    Example: x = [[[[1., 2., 4.]]]]
        y = F.upsample_bilinear(x, size=(1, 5))
        y
        backward y[0, 0, 0, 1]
    """
    return interpolate(input, size, scale_factor, "bilinear", True)


@function("F.upsample")
def upsample(input: Tensor, size=None, scale_factor=None, mode: Text = "nearest", align_corners=None):
    """Images in another size: F.interpolate, by its older name.

    Shapes: (N, C, L), (N, C, H, W) or (N, C, D, H, W) -> the same with `size`, or floor(L * scale_factor) for each L
    Derivative: that of `F.interpolate(input, size, scale_factor, mode, align_corners)`
    Kink: as F.interpolate's (why: gradcli/library/resampling.py).
    Example: x = [[[1., 2., 4.]]]
        y = F.upsample(x, scale_factor=2, mode="linear", align_corners=true)
        y
        backward y.sum()
    """
    return interpolate(input, size, scale_factor, mode, align_corners)
