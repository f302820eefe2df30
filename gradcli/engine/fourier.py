"""Fourier series of real amplitudes: the inverse transform of half a spectrum that has no imaginary part.

With amplitudes x of the frequencies j = 0 .. n//2 the signal is a sum of cosines. NumPy computes it through complex
numbers; what goes in and what comes out is real. Along one axis, under the norm that divides by nothing:

    out[k] = sum over j of c[j] * x[j] * cos(2 pi j k / n)

Half a spectrum stands for a whole one in which each frequency is there twice, at j and at n - j: so c is 2, and 1
where the two are one, at 0 and, for even n, at n/2. Along several axes the cosine is that of the sum of their phases,
and only the last axis is halved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.batching import BATCHED
from gradcli.engine.operation import differentiable

OPPOSITE = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
"""The norm under which the way there divides by what the way back divides by."""


def irfftn(x, s, axis, norm="backward"):
    if not x.size:
        # NumPy's is whatever stood in memory (2.4.6).
        sizes = dict(zip(axis, s, strict=True))
        return np.zeros_like(x, shape=tuple(sizes.get(k, n) for k, n in enumerate(x.shape)))
    return np.fft.irfftn(x, s, axis, norm)


def cosine_sums(x, shape, axis, norm="backward"):
    """The sums of x times each cosine, as often as `irfftn` counts it; of frequencies past n//2, which it reads not, 0.

    `shape` is that of the amplitudes.
    """
    sums = np.real(np.fft.rfftn(x, axes=axis, norm=norm))
    last = axis[-1]
    n = x.shape[last]
    times = np.full((n // 2 + 1, *(1,) * (x.ndim - last - 1)), 2, x.dtype)
    times[0] = 1
    if n % 2 == 0:
        times[-1] = 1
    read = tuple(slice(min(one, other)) for one, other in zip(sums.shape, shape, strict=True))
    out = np.zeros_like(x, shape=shape)
    out[read] = (sums * times)[read]
    return out


irfftn = differentiable(
    irfftn, lambda g, _y, x_shape, _s, axis, norm: cosine_sums(g, x_shape, axis, OPPOSITE[norm]),
    name="fft.irfftn", grad_name="FftC2RBackward0",
    formula="g, its sums with the cosines of {x} along {axis}",
)  # fmt: skip
cosine_sums = differentiable(
    cosine_sums,
    lambda g, _y, x_shape, _shape, axis, norm: irfftn(g, tuple(x_shape[k] for k in axis), axis, OPPOSITE[norm]),
    grad_name="FftR2CBackward0", formula="g, the sum of its cosines along {axis}",
)  # fmt: skip


def _of_each(transform: Callable[..., Any]) -> Callable[..., Any]:
    """A transform of the arrays in a batch, along axes that are counted from the first."""
    return lambda x, s=None, axes=(), norm=None: transform(x.stacked, s, tuple(k + 1 for k in axes), norm)


BATCHED.update({
    np.fft.irfftn: _of_each(np.fft.irfftn),
    np.fft.rfftn: _of_each(np.fft.rfftn),
    np.real: lambda x: np.real(x.stacked),
})  # fmt: skip
