"""The one function behind layer, group, instance and batch normalization."""

from __future__ import annotations

import numpy as np

from gradcli.engine.operation import differentiable
from gradcli.engine.reductions import count


def _parted(x, axis, eps):
    """The deviation from the mean, and sqrt(variance + eps)."""
    # eps stands under the root, so that where all of x is equal the size is sqrt(eps): 0 comes out, and its slope,
    # 1/sqrt(eps) across the constant, is finite. As in torch, the variance is that of the values (divided by n).
    n = count(x.shape, axis)
    deviation = x - np.sum(x, axis=axis, keepdims=True) / n
    return deviation, np.sqrt(np.sum(deviation * deviation, axis=axis, keepdims=True) / n + eps)


def standardized(x, axis, eps):
    deviation, size = _parted(x, axis, eps)
    return deviation / size


def _slope(g, y, x, axis, eps):
    """Ioffe and Szegedy, "Batch Normalization", section 3: g less what lies along the constant and along y."""
    n = count(x.shape, axis)
    level = np.sum(g, axis=axis, keepdims=True) / n
    along = np.sum(g * y, axis=axis, keepdims=True) / n
    return (g - level - y * along) / _parted(x, axis, eps)[1]


standardized = differentiable(
    standardized, lambda g, y, x, axis, eps: _slope(g, y, x, axis, eps),
    doc="x less its mean, divided by sqrt(variance + eps).",
    formula="(g - mean(g, axis, keepdim=true) - out * mean(g * out, axis, keepdim=true))"
    " / sqrt(var(x, axis, 0, keepdim=true) + eps)",
)  # fmt: skip
