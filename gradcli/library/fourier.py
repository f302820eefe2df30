"""torch.fft, as far as it takes real numbers to real numbers: from half a spectrum to the signal.

A spectrum is complex in general. One that is real is that of an even signal: torch takes a real input for a spectrum
whose imaginary part is 0, and so do these.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import Tensor, modes
from gradcli.engine import fourier as f
from gradcli.engine.allocation import allocatable
from gradcli.errors import IndexFailure, ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Dims, OptionalText, OptionalWhole, Whole, Wholes, axis_of
from gradcli.library.vocabulary import function


def _from_half(input: Tensor, sizes: tuple[int, ...], axes: tuple[int, ...], norm: str | None, hermitian: bool) -> Any:
    """The signal of `sizes` along `axes`, or (`hermitian`) the spectrum of such a signal.

    Half of an even signal has a spectrum just as half of an even spectrum has a signal: both are sums of the same
    cosines, and their norms divide in opposite ways.
    """
    if norm not in (None, *f.OPPOSITE):
        raise ValueFailure(f'Invalid normalization mode: "{norm}"', help='it is "backward", "ortho" or "forward"')
    if input.dtype == np.float16:
        raise TypeFailure("Unsupported dtype Half", help="make it `.float()` or `.double()` first")
    for size in sizes:
        if size < 1:
            raise ValueFailure(
                f"Invalid number of data points ({size}) specified",
                help="where no number is given, m frequencies are of 2 * (m - 1) points",
            )
    shape = list(input.shape)
    for axis, size in zip(axes, sizes, strict=True):
        shape[axis] = size
    allocatable(tuple(shape), input.dtype if input.dtype.kind == "f" else modes.default_dtype)
    chosen = norm or "backward"
    return f.irfftn(input, sizes, axes, f.OPPOSITE[chosen] if hermitian else chosen)


def _axis(dim: int, input: Tensor) -> int:
    if not input.ndim:
        raise IndexFailure(f"Dimension specified as {dim} but tensor has no dimensions")
    return axis_of(dim, input.ndim)


def _along_one(input: Tensor, n: int | None, dim: int, norm: str | None, hermitian: bool) -> Any:
    axis = _axis(dim, input)
    return _from_half(input, (2 * (input.shape[axis] - 1) if n is None else n,), (axis,), norm, hermitian)


def _along_several(input: Tensor, s: Any, dim: Any, norm: str | None, hermitian: bool) -> Any:
    given = None if s is None else Wholes(s)
    if dim is not None:
        dims = Wholes(dim)
    elif given is None:
        dims = tuple(range(input.ndim))
    elif len(given) <= input.ndim:
        dims = tuple(range(-len(given), 0))
    else:
        raise ShapeFailure(f"Got shape with {len(given)} values but input tensor only has {input.ndim} dimensions.")
    axes = tuple(_axis(one, input) for one in dims)
    if len(set(axes)) != len(axes):
        raise IndexFailure("FFT dims must be unique")
    if given is not None and len(given) != len(axes):
        raise ValueFailure(
            "When given, dim and shape arguments must have the same length", help="`s` has one size for each dim"
        )
    if not axes:
        raise ShapeFailure(f"{'hfftn' if hermitian else 'irfftn'} must transform at least one axis")
    own = [input.shape[axis] for axis in axes]
    own[-1] = 2 * (own[-1] - 1)
    sizes = tuple(size if n == -1 else n for n, size in zip(given or own, own, strict=True))
    return _from_half(input, sizes, axes, norm, hermitian)


@function("fft.irfft")
def irfft(input: Tensor, n: OptionalWhole = None, dim: Whole = -1, norm: OptionalText = None):
    """The signal of n points from the real amplitudes of its frequencies 0 to n // 2: a sum of cosines.

    Inputs are real: what torch computes where a spectrum's imaginary part is 0. `norm` says what the sum is divided
    by: "backward" n (also where it's none), "ortho" sqrt(n), "forward" nothing.

    Shapes: (..., m, ...) -> (..., n, ...); `dim` is the one of m, and n is 2 * (m - 1) where it isn't given; amplitudes
        past n // 2 aren't read, those that are missing are 0
    Derivative: c / n * sum(g * cos(2 * pi * j / n * arange(n))) at frequency j; c is 2, but 1 for j = 0 and j = n / 2,
        and 0 past n // 2; as the value, by sqrt(n) or by nothing under the other norms
    Example: x = [1., 2., 0., 0.]
        y = fft.irfft(x, 6)
        y
        backward y[0]
    """
    return _along_one(input, n, dim, norm, False)


@function("fft.hfft")
def hfft(input: Tensor, n: OptionalWhole = None, dim: Whole = -1, norm: OptionalText = None):
    """The real spectrum, at n frequencies, of an even signal whose points 0 to n // 2 are given.

    Inputs are real: what torch computes where the signal's imaginary part is 0. `norm` says what the sum is divided
    by: "backward" nothing (also where it's none), "ortho" sqrt(n), "forward" n.

    Shapes: (..., m, ...) -> (..., n, ...); `dim` is the one of m, and n is 2 * (m - 1) where it isn't given; points
        past n // 2 aren't read, those that are missing are 0
    Derivative: c * sum(g * cos(2 * pi * j / n * arange(n))) at point j; c is 2, but 1 for j = 0 and j = n / 2, and 0
        past n // 2; by sqrt(n) or n, as the value, under the other norms
    Example: x = [2., 1., 0.]
        y = fft.hfft(x)
        y
        backward y[0]
    """
    return _along_one(input, n, dim, norm, True)


@function("fft.irfft2")
def irfft2(input: Tensor, s: Dims = None, dim: Wholes = (-2, -1), norm: OptionalText = None):
    """A picture made of cosine waves, from the real amplitudes of half its frequencies.

    The last of the dims has the frequencies 0 to n // 2, the other has all. Inputs are real; `norm` as for
    `fft.irfftn`.

    Shapes: (..., m, k) -> (..., m, n), where n is 2 * (k - 1); `s` gives other sizes, -1 for one that stays so;
        `dim` names other dims
    Derivative: that of `fft.irfftn(input, s, dim, norm)`
    Example: x = [[0., 1., 0.], [0., 0., 0.]]
        y = fft.irfft2(x, norm="forward")
        y
        backward y[0, 0]
    """
    return _along_several(input, s, dim, norm, False)


@function("fft.hfft2")
def hfft2(input: Tensor, s: Dims = None, dim: Wholes = (-2, -1), norm: OptionalText = None):
    """The real spectrum of an even picture, of which half the points are given.

    The last of the dims has the points 0 to n // 2, the other has all. Inputs are real; `norm` as for `fft.hfftn`.

    Shapes: (..., m, k) -> (..., m, n), where n is 2 * (k - 1); `s` gives other sizes, -1 for one that stays so;
        `dim` names other dims
    Derivative: that of `fft.hfftn(input, s, dim, norm)`
    Example: x = [[1., 1., 0.], [1., 0., 0.]]
        y = fft.hfft2(x)
        y
        backward y[0, 1]
    """
    return _along_several(input, s, dim, norm, True)


@function("fft.irfftn")
def irfftn(input: Tensor, s: Dims = None, dim: Dims = None, norm: OptionalText = None):
    """The signal over several dims from the real amplitudes of half its frequencies: a sum of cosines.

    The last of the dims has the frequencies 0 to n // 2, the others have all. Inputs are real: what torch computes
    where a spectrum's imaginary part is 0. `norm` says what the sum is divided by: "backward" the number N of points
    (also where it's none), "ortho" sqrt(N), "forward" nothing.

    Shapes: (..., m, k) -> (..., m, n), where n is 2 * (k - 1); `s` gives other sizes, -1 for one that stays so, and
        what is missing is filled up with 0; of the dims that `dim` names, else of the last ones that `s` has sizes
        for, else of all
    Derivative: c / N * sum(g * cos(2 * pi * (j1 * k1 / n1 + j2 * k2 / n2 + ...))) at the frequencies j, over all
        points k; c is 2, but 1 where the last j is 0 or n / 2, and 0 at frequencies that aren't read
    Example: x = [[1., 0., 0.], [0., 1., 0.]]
        y = fft.irfftn(x)
        y
        backward y[0, 1]
    """
    return _along_several(input, s, dim, norm, False)


@function("fft.hfftn")
def hfftn(input: Tensor, s: Dims = None, dim: Dims = None, norm: OptionalText = None):
    """The real spectrum of an even signal over several dims, of which half the points are given.

    The last of the dims has the points 0 to n // 2, the others have all. Inputs are real: what torch computes where
    the signal's imaginary part is 0. `norm` says what the sum of cosines is divided by: "backward" nothing (also
    where it's none), "ortho" sqrt(N), "forward" the number N of frequencies.

    Shapes: (..., m, k) -> (..., m, n), where n is 2 * (k - 1); `s` gives other sizes, -1 for one that stays so, and
        what is missing is filled up with 0; of the dims that `dim` names, else of the last ones that `s` has sizes
        for, else of all
    Derivative: c * sum(g * cos(2 * pi * (j1 * k1 / n1 + j2 * k2 / n2 + ...))) at the points j, over all frequencies
        k; c is 2, but 1 where the last j is 0 or n / 2, and 0 at points that aren't read
    Example: x = [[1., 1., 0.], [0., 0., 0.]]
        y = fft.hfftn(x, norm="ortho")
        y
        backward y[0, 2]
    """
    return _along_several(input, s, dim, norm, True)
