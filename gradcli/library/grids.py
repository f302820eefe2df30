"""torch.nn.functional: images read at places that are themselves computed, and differentiable in the places."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor
from gradcli.engine import elementwise as e
from gradcli.engine import shaping as s
from gradcli.engine.conversion import promoted
from gradcli.engine.linear import matmul
from gradcli.engine.operation import relabel
from gradcli.errors import ShapeFailure, ValueFailure
from gradcli.library.arguments import Flag, Text, Wholes
from gradcli.library.resampling import cubic_far, cubic_near
from gradcli.library.vocabulary import function


@function("F.grid_sample")
def grid_sample(input: Tensor, grid: Tensor, mode: Text = "bilinear", padding_mode: Text = "zeros",
                align_corners: Flag = False):  # fmt: skip
    """Images read at the places of a grid, whose coordinates go from -1 to 1, x first.

    Source: Jaderberg et al., "Spatial Transformer Networks", section 3.3.

    Shapes: (N, C, H, W), (N, H', W', 2) -> (N, C, H', W'); (N, C, D, H, W), (N, D', H', W', 3) -> (N, C, D', H', W')
    Derivative: input: g times a pixel's share, added to the pixels that were read; grid: for x it's
        W / 2 * sum(g * (r - l), C), or (W - 1) / 2 times that sum with align_corners, where r and l are what the
        columns of pixels right and left of the place mix to; y and z likewise; "bicubic" takes the slopes of its cubic
        shares, and "nearest" has 0
    Kink: at a whole place the slope is that towards the next pixel, and "nearest" takes the even pixel at a half. With
        "zeros" pixels beyond the edge are 0; with "border" the slope is 0 from the edge pixel's middle on, and with
        "reflection" it turns (why: gradcli/library/grids.py).
    Example: image = arange(4.).reshape(1, 1, 2, 2)
        grid = [[[[0., 0.]]]]
        y = F.grid_sample(image, grid, align_corners=true)
        y
        backward y
    """
    dims = input.ndim - 2
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueFailure(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueFailure(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    if dims not in (2, 3) or grid.ndim != input.ndim:
        raise ShapeFailure(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if grid.shape[0] != input.shape[0] or grid.shape[-1] != dims:
        raise ShapeFailure(
            "grid_sampler(): expected grid and input to have same batch size, and grid to have size "
            f"{dims} in last dimension, but got input with sizes {list(input.shape)} and grid with sizes "
            f"{list(grid.shape)}"
        )
    if mode == "bicubic" and dims != 2:
        raise ValueFailure("grid_sampler(): bicubic interpolation only supports 4D input")
    if 0 in input.shape[2:]:
        raise ShapeFailure("grid_sampler(): expected input to have non-empty spatial dimensions")
    input, grid = promoted(input, grid)
    size = input.shape[2:]
    # The grid's last dimension begins with the image's last.
    places = [_unnormalized(s.getitem(grid, (..., dims - 1 - axis)), size[axis], align_corners) for axis in range(dims)]
    if mode != "bicubic":
        places = [_bounded(place, n, padding_mode, align_corners) for place, n in zip(places, size, strict=True)]
    corners = [_CORNERS[mode](place) for place in places]
    total: Any = None
    for chosen in product(*corners):
        part = _at(input, [at for at, _ in chosen], padding_mode if mode == "bicubic" else "zeros", align_corners)
        for _, share in chosen:
            if share is not None:
                part = e.mul(part, s.expand_dims(share, 1))
        total = part if total is None else e.add(total, part)
    if mode == "nearest" and grid.requires_grad:
        # The nearest pixel is a step of the place: a gradient of 0, as in torch, rather than none.
        total = e.where(Tensor(np.True_, CUT), total, s.expand_dims(places[0], 1))
    return relabel(total, f"GridSampler{dims}DBackward0")


def _unnormalized(coordinate: Tensor, length: int, corners: bool) -> Tensor:
    """From -1..1 to pixels: the ends are the centers of the outer pixels (`corners`), or their outer edges."""
    if corners:
        return e.mul(e.add(coordinate, 1), (length - 1) / 2)
    return e.div(e.sub(e.mul(e.add(coordinate, 1), length), 1), 2)


def _bounded(place: Tensor, length: int, mode: str, corners: bool) -> Tensor:
    """Places outside of the image brought back into it; "zeros" leaves them."""
    if mode == "zeros":
        return place
    if mode == "reflection":
        place = _reflected(place, length, corners)
    values = np.asarray(place.array)
    # torch's slope is 0 at the bounds themselves: beyond them nothing changes, and it counts them in. A place that is
    # none (nan) is the first one.
    inside = (values > 0) & (values < length - 1)
    bound = np.where(values >= length - 1, length - 1, 0).astype(values.dtype)
    return e.where(Tensor(inside, CUT), place, Tensor(bound, CUT))


def _reflected(place: Tensor, length: int, corners: bool) -> Tensor:
    """Places outside folded back at the centers of the outer pixels (`corners`), or at their outer edges."""
    low, span = (0.0, length - 1) if corners else (-0.5, length)
    if not span:
        return e.mul(place, 0.0)
    offset = np.asarray(place.array) - low
    # Each fold turns the direction: the slope is 1 or -1, and a constant brings the place to where it is.
    turn = np.where(offset < 0, -1.0, 1.0)
    folds = np.floor(np.abs(offset) / span)
    back = folds % 2 == 1
    slope = np.where(back, -turn, turn).astype(place.dtype)
    distance = np.abs(offset) - folds * span
    value = np.where(back, span - distance, distance) + low
    constant = (value - slope * np.asarray(place.array)).astype(place.dtype)
    return e.add(e.mul(place, Tensor(slope, CUT)), Tensor(constant, CUT))


def _nearest(place: Tensor) -> list[tuple[np.ndarray, Tensor | None]]:
    # nearbyint, as torch has it: a half goes to the even pixel.
    return [(np.rint(np.asarray(place.array)), None)]


def _linear(place: Tensor) -> list[tuple[np.ndarray, Tensor | None]]:
    """The pixel before and the pixel behind, with their shares."""
    # As in torch: at a whole place all is the pixel's there, and the slope is that of the stretch behind it.
    first = np.floor(np.asarray(place.array))
    t = e.sub(place, Tensor(first, CUT))
    return [(first, e.rsub(1, t)), (first + 1, t)]


def _cubic(place: Tensor) -> list[tuple[np.ndarray, Tensor | None]]:
    first = np.floor(np.asarray(place.array))
    t = e.sub(place, Tensor(first, CUT))
    shares = (cubic_far(t + 1), cubic_near(t), cubic_near(1 - t), cubic_far(2 - t))
    return [(first + k - 1, share) for k, share in enumerate(shares)]


_CORNERS = {"nearest": _nearest, "bilinear": _linear, "bicubic": _cubic}


def _at(images: Tensor, places: list[np.ndarray], mode: str, corners: bool) -> Tensor:
    """The pixels at whole places (N, ...) of all channels: (N, C, ...); 0 outside of the image."""
    size = images.shape[2:]
    if mode != "zeros":
        places = [
            np.asarray(_bounded(Tensor(p, CUT), n, mode, corners).array) for p, n in zip(places, size, strict=True)
        ]
    inside = np.ones((), bool)
    flat = np.zeros((), np.int64)
    for place, n in zip(places, size, strict=True):
        within = (place >= 0) & (place <= n - 1)
        inside = inside & within
        flat = flat * n + np.where(within, place, 0).astype(np.int64)
    samples, channels = images.shape[:2]
    rows = s.reshape(images, (samples, channels, prod(size)))
    count = prod(flat.shape[1:])
    index = np.broadcast_to(flat.reshape(samples, 1, count), (samples, channels, count))
    taken = s.reshape(s.take_along_axis(rows, index, 2), (samples, channels, *flat.shape[1:]))
    return taken if inside.all() else e.where(Tensor(inside[:, None], CUT), taken, 0.0)


@function("F.affine_grid")
def affine_grid(theta: Tensor, size: Wholes, align_corners: Flag = False):
    """The grid of places that affine maps send the pixels of an image to, for F.grid_sample.

    Shapes: (N, 2, 3) with the size (N, C, H, W) -> (N, H, W, 2); (N, 3, 4) with (N, C, D, H, W) -> (N, D, H, W, 3)
    Derivative: theta: einsum("n...i,...j->nij", g, base), where base has each pixel's own place and 1: (x, y, 1)
    Kink: the pixel i of n lies at (2 * i + 1) / n - 1, with align_corners at 2 * i / (n - 1) - 1; a single one at 0.
    Example: theta = [[[1., 0., 0.], [0., 2., 0.]]]
        y = F.affine_grid(theta, (1, 1, 2, 2))
        y
        backward y[0, 0, 0, 0]
    """
    dims = len(size) - 2
    if dims not in (2, 3) or theta.shape != (size[0], dims, dims + 1):
        raise ShapeFailure(
            f"Expected a batch of {dims}D affine matrices of shape {size[0] if size else 0}x{dims}x{dims + 1} for size "
            f"{list(size)}. Got {list(theta.shape)}."
        )
    lines = []
    for n in size[2:]:
        line = np.linspace(-1, 1, n) if n > 1 else np.zeros(n)
        lines.append(line if align_corners or n < 2 else line * (n - 1) / n)
    axes = np.meshgrid(*lines, indexing="ij")
    points = np.stack([*axes[::-1], np.ones_like(axes[0])], -1).reshape(-1, dims + 1).astype(theta.dtype)
    out = matmul(Tensor(points, CUT), s.swapaxes(theta, 1, 2))
    return relabel(s.reshape(out, (size[0], *size[2:], dims)), "AffineGridGeneratorBackward0")
