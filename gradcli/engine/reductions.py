"""The table of reductions and running totals, in NumPy's words (`axis`, `keepdims`)."""

from __future__ import annotations

from math import inf, nan, prod

import numpy as np

from gradcli.engine.operation import differentiable, variant
from gradcli.engine.tensor import Tensor


def spread(g, shape, axis, keepdims):
    """A reduction's gradient back over the elements: `g` in each place along the axes that were reduced."""
    if axis is None:
        if issubclass(type(g), (np.ndarray, np.generic)) and g.ndim == 0:
            # Filling is eight times quicker than broadcast_to on the small arrays that most losses end in.
            out = np.empty(shape, g.dtype)
            out.fill(g)
            return out
        return np.broadcast_to(np.reshape(g, ()), shape)
    return np.broadcast_to(restore(g, axis, keepdims), shape)


def restore(value, axis, keepdims):
    """Puts the reduced axes back, with size 1."""
    return value if keepdims or axis is None else np.expand_dims(value, axis)


def count(shape, axis):
    """How many elements go into each result."""
    if axis is None:
        return prod(shape)
    return prod(shape[a] for a in (axis if isinstance(axis, tuple) else (axis,)))


def sum(x, axis=None, keepdims=False):
    return np.add.reduce(x, axis, keepdims=keepdims)


sum = differentiable(
    sum,
    lambda g, _y, x_shape, axis, keepdims: spread(g, x_shape, axis, keepdims),
    numpy=np.sum,
    real=False,
    formula="g, repeated along {axis}",
)
sum_dim = variant(sum, "SumBackward1")


def mean(x, axis=None, keepdims=False):
    # Not np.mean, which warns of an empty array, where nan is all that's wanted.
    return np.sum(x, axis=axis, keepdims=keepdims) / count(x.shape, axis)


mean = differentiable(
    mean,
    lambda g, _y, x_shape, axis, keepdims: spread(g / count(x_shape, axis), x_shape, axis, keepdims),
    numpy=np.mean,
    formula="g / n, repeated along {axis}",
)
mean_dim = variant(mean, "MeanBackward1")


def _others(x, axis):
    """For each element the product of all others along the axis, zeros or not."""
    ahead = np.roll(x, 1, axis)
    behind = np.roll(x, -1, axis)
    place = np.arange(x.shape[axis]).reshape([-1 if a == axis % x.ndim else 1 for a in range(x.ndim)])
    ahead = np.cumprod(np.where(place == 0, 1, ahead), axis=axis)
    behind = np.where(place == x.shape[axis] - 1, 1, behind)
    behind = np.flip(np.cumprod(np.flip(behind, axis), axis=axis), axis)
    return ahead * behind


def _prod_slope(g, y, x, axis, keepdims):
    # A product is linear in each element, with the product of the others as slope, so there's no kink at 0. Only the
    # quick way to that slope, out / x, fails there.
    if not np.any(_raw(x) == 0):
        return restore(g * y, axis, keepdims) / x
    if axis is None:
        return np.reshape(g * _others(np.reshape(x, (-1,)), 0), x.shape)
    return restore(g, axis, keepdims) * _others(x, axis)


def _raw(value):
    return value.array if type(value) is Tensor else value


def prod_(x, axis=None, keepdims=False):
    return np.prod(x, axis=axis, keepdims=keepdims)


prod_ = differentiable(
    prod_, lambda g, y, x, axis, keepdims: _prod_slope(g, y, x, axis, keepdims),
    name="prod", numpy=np.prod, real=False, formula="g, times the product of the others along {axis}",
)  # fmt: skip
prod_dim = variant(prod_, "ProdBackward1")


def var(x, axis=None, correction=1, keepdims=False):
    middle = np.sum(x, axis=axis, keepdims=True) / count(x.shape, axis)
    total = np.sum((x - middle) ** 2, axis=axis, keepdims=keepdims)
    return total / np.float64(max(count(x.shape, axis) - correction, 0)).astype(x.dtype)


def _var_slope(g, x, axis, correction, keepdims):
    n = count(x.shape, axis) - correction
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    if n > 0:
        return restore(g, axis, keepdims) * (2 / n) * deviation
    # One element has no spread to measure: 0/0, nan in value and slope (and inf where distances are divided by 0).
    return restore(g, axis, keepdims) * np.where(_raw(deviation) == 0, np.nan, inf).astype(_raw(x).dtype)


var = differentiable(
    var, lambda g, _y, x, axis, correction, keepdims: _var_slope(g, x, axis, correction, keepdims),
    formula="g * 2 * (x - mean(x, axis, keepdim=true)) / (n - correction)",
)  # fmt: skip


def std(x, axis=None, correction=1, keepdims=False):
    return np.sqrt(var.op.forward(x, axis, correction, keepdims))


def _std_slope(g, y, x, axis, correction, keepdims):
    # At zero spread the root has a kink, from where it grows in every direction: 0 is among its subgradients, and
    # torch's choice. The chain rule by itself would give inf * 0.
    return _var_slope(np.where(y == 0, 0, g / (2 * y)), x, axis, correction, keepdims)


std = differentiable(
    std, lambda g, y, x, axis, correction, keepdims: _std_slope(g, y, x, axis, correction, keepdims),
    formula="g * (x - mean(x, axis, keepdim=true)) / ((n - correction) * out)",
)  # fmt: skip


# ---- extremes: where several elements share the extreme value, they share its gradient evenly
#
# The result is a number that any of them could have given. The mean of what each alone would get prefers none of them,
# and doesn't depend on their order.


def _even(g, y, x, axis, keepdims):
    y, g = restore(y, axis, keepdims), restore(g, axis, keepdims)
    chosen = (x == y) | ((x != x) & (y != y))
    n = np.sum(_raw(chosen), axis=axis, keepdims=True, dtype=_raw(x).dtype)
    return np.where(chosen, g / n, 0)


def amax(x, axis=None, keepdims=False):
    return np.max(x, axis=axis, keepdims=keepdims)


amax = differentiable(
    amax, lambda g, y, x, axis, keepdims: _even(g, y, x, axis, keepdims),
    numpy=np.max, real=False, formula="g, where {x} is largest, shared by ties",
)  # fmt: skip
max_all = variant(amax, "MaxBackward1")


def amin(x, axis=None, keepdims=False):
    return np.min(x, axis=axis, keepdims=keepdims)


amin = differentiable(
    amin, lambda g, y, x, axis, keepdims: _even(g, y, x, axis, keepdims),
    numpy=np.min, real=False, formula="g, where {x} is smallest, shared by ties",
)  # fmt: skip
min_all = variant(amin, "MinBackward1")


def median(x):
    """The lower of the two middle values; nan where there is one, or nothing at all."""
    if not x.size:
        # Among whole numbers, which have no nan, torch takes the least.
        return x.dtype.type(nan) if x.dtype.kind == "f" else x.dtype.type(np.iinfo(x.dtype).min)
    flat = np.sort(x, axis=None)
    return flat[-1] if np.isnan(flat[-1]) else flat[(x.size - 1) // 2]


median = differentiable(
    median,
    lambda g, y, x: _even(g, y, x, None, False),
    real=False,
    formula="g, where {x} is its median, shared by ties",
)


# ---- norms


def norm(x, p=2, axis=None, keepdims=False):
    if p == 2:
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    size = np.abs(x)
    if p == inf:
        return np.max(size, axis=axis, keepdims=keepdims)
    if p == -inf:
        return np.min(size, axis=axis, keepdims=keepdims)
    if p == 0:
        return np.sum(x != 0, axis=axis, keepdims=keepdims).astype(x.dtype)
    if p == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    return np.sum(size**p, axis=axis, keepdims=keepdims) ** (1 / p)


def _sgn(x):
    """torch's sign: 0 at nan too."""
    return np.sign(np.where(x == x, x, 0))


def _norm_slope(g, y, x, p, axis, keepdims):
    """Where the norm is 0 it has a kink, a minimum: torch takes the subgradient 0, which the quotients don't give."""
    if p == 0:
        # A count is a step: flat almost everywhere.
        return np.zeros_like(x)
    if p in (inf, -inf):
        # The extreme of the sizes, whose ties share as those of amax do.
        return _sgn(x) * _even(g, y, np.abs(x), axis, keepdims)
    y, g = restore(y, axis, keepdims), restore(g, axis, keepdims)
    if p == 1:
        # An element that is 0 has slopes from -1 to 1; sign takes 0, the one in the middle.
        return g * _sgn(x)
    if p == 2:
        return x * (np.where(y == 0, 0, g) / np.where(y == 0, 1, y))
    # |x|^(p-2) is infinite at x = 0 for p < 2, where the slope is 0.
    size = np.abs(x)
    power = np.where(x == 0, 0, size ** (p - 1)) if p < 2 else size ** (p - 1)
    return np.sign(x) * power * np.where(y == 0, 0, g / y ** (p - 1))


norm = differentiable(
    norm, lambda g, y, x, p, axis, keepdims: _norm_slope(g, y, x, p, axis, keepdims),
    grad_name="LinalgVectorNormBackward0", formula="0 if p == 0 else g * sign(x) if p == 1 else g * x / out if p == 2"
    " else g * where(abs(x) == out, sign(x), 0) if p == inf or p == -inf"
    " else g * sign(x) * abs(x)^(p - 1) / out^(p - 1)",
)  # fmt: skip


# ---- running totals


def cumsum(x, axis):
    return np.cumsum(x, axis=axis)


cumsum = differentiable(
    cumsum,
    lambda g, _y, _x, axis: np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis),
    numpy=np.cumsum, real=False, formula="g, added up from the end along {axis}",
)  # fmt: skip


def cumprod(x, axis):
    return np.cumprod(x, axis=axis)


def _cumprod_slope(g, y, x, axis):
    """The sum over later products j of g_j y_j / x_k; where an x_k is 0, without division.

    Then it's the product of the elements before k, times r_k = g_k + x_(k+1) r_(k+1), which is linear in time too.
    """
    if not np.any(_raw(x) == 0):
        return np.flip(np.cumsum(np.flip(g * y, axis), axis=axis), axis) / x
    g, x = np.swapaxes(g, axis, -1), np.swapaxes(x, axis, -1)
    one = np.ones_like(_raw(x)[..., :1])
    before = np.cumprod(np.concatenate([one, x[..., :-1]], axis=-1), axis=-1)
    factors = np.concatenate([one, np.flip(x[..., 1:], -1)], axis=-1)
    later = np.flip(recurrence(factors, np.flip(g, -1)), -1)
    return np.swapaxes(before * later, axis, -1)


def recurrence(a, b):
    """h_k = b_k + a_k h_(k-1) along the last axis, from h_(-1) = 0.

    By pairs: two steps are one of the same kind, so half the steps give every other h, and one more those between.
    """
    n = b.shape[-1]
    if n < 2:
        return b
    if n % 2:
        last = b[..., -1:]
        some = recurrence(a[..., :-1], b[..., :-1])
        return np.concatenate([some, last + a[..., -1:] * some[..., -1:]], axis=-1)
    first_a, first_b, then_a, then_b = a[..., ::2], b[..., ::2], a[..., 1::2], b[..., 1::2]
    odd = recurrence(then_a * first_a, then_b + then_a * first_b)
    even = np.concatenate([first_b[..., :1], first_b[..., 1:] + first_a[..., 1:] * odd[..., :-1]], axis=-1)
    return np.reshape(np.stack([even, odd], axis=-1), b.shape)


cumprod = differentiable(
    cumprod, lambda g, y, x, axis: _cumprod_slope(g, y, x, axis),
    numpy=np.cumprod, real=False, formula="g * out, added up from the end along {axis} and divided by {x}",
)  # fmt: skip


# ---- the softmax family: shifted by the maximum, so that exp can't overflow
#
# Elements of -inf have no share. Where all of them are, or one is inf, there's nothing to share: inf - inf is nan, and
# so is the slope of logsumexp, exp(-inf - -inf); its value is -inf or inf, for which the shift is left out there.
# torch has the same.


def _top(x, axis):
    return np.maximum.reduce(x, axis, keepdims=True, initial=-inf)


def _shift(x, axis):
    top = _top(x, axis)
    return np.where(np.isfinite(top), top, 0)


def logsumexp(x, axis=None, keepdims=False):
    top = _shift(x, axis)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=axis)[()]


logsumexp = differentiable(
    logsumexp,
    lambda g, y, x, axis, keepdims: restore(g, axis, keepdims) * np.exp(x - restore(y, axis, keepdims)),
    formula="g * exp(x - out)",
)


def softmax(x, axis):
    size = np.exp(x - _top(x, axis))
    return size / np.add.reduce(size, axis, keepdims=True)


softmax = differentiable(
    softmax,
    lambda g, y, _x, axis: y * (g - np.sum(g * y, axis=axis, keepdims=True)),
    formula="out * (g - sum(g * out, axis, keepdim=true))",
)


def log_softmax(x, axis):
    shifted = x - _top(x, axis)
    return shifted - np.log(np.add.reduce(np.exp(shifted), axis, keepdims=True))


log_softmax = differentiable(
    log_softmax, lambda g, y, _x, axis: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True),
    grad_name="LogSoftmaxBackward0", formula="g - exp(out) * sum(g, axis, keepdim=true)",
)  # fmt: skip
