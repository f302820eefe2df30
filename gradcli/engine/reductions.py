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


def nansum(x, axis=None, keepdims=False):
    return np.nansum(x, axis=axis, keepdims=keepdims)


# The slope is 1 or 0, and what comes back is multiplied by it, as in torch: where that is inf, as behind a mean of
# nothing but nan, 0 times it is nan.
nansum = differentiable(
    nansum, lambda g, _y, x, axis, keepdims: spread(g, x.shape, axis, keepdims) * ~np.isnan(_raw(x)),
    numpy=np.nansum, real=False, formula="g * ~isnan(x), repeated along {axis}",
)  # fmt: skip


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


# ---- sums of powers: of squared distances from the mean, and norms
#
# Powers under- and overflow long before their roots would: the square of 1e-200 is 0. Where a sum of them is infinite,
# or so small that what was lost counts, its root is found anew, of numbers divided by the largest of them; and where a
# root is so far from 1 that `g / root` could leave the range, the slope is made of x / root. Elsewhere nothing more is
# computed.

_LEAST_SUM = {8: 2.0**-970, 4: 2.0**-103, 2: 2.0**-4}
"""By a float's bytes: the least sum whose lost digits don't count, the smallest normal number over the rounding."""

_LARGEST_ROOT = {8: 2.0**255, 4: 2.0**31, 2: 2.0**3}
"""By a float's bytes: how large a root may be, or 1 by it, which leaves a gradient three quarters of the range."""


def _ends(values):
    """The least and the largest; 1 of nothing. Of a few numbers Python's own functions find them sooner."""
    if values.ndim == 0:
        return values, values
    if values.size > 64:
        return np.minimum.reduce(values, None), np.maximum.reduce(values, None)
    few = values.ravel().tolist() or [1]
    return min(few), max(few)


def _root(total, x, p, axis, keepdims, divisor=None):
    """`(total / divisor)^(1/p)`, where total is the sum of the p-th powers of the sizes of x along the axes."""
    mean = total if divisor is None else total / divisor
    root = np.sqrt(mean) if p == 2 else mean ** (1 / p)
    least, most = _ends(total)
    enough = _LEAST_SUM[total.itemsize]
    if enough <= least and most < inf:
        return root
    anew = ~((total >= enough) & (total < inf))
    sizes = np.abs(_rows(x, anew, axis, keepdims))
    # For p < 0 the smallest has the largest power.
    scale = np.max(sizes, axis=1, initial=0) if p > 0 else np.min(sizes, axis=1, initial=inf)
    scale = np.where((scale > 0) & (scale < inf), scale, 1).astype(sizes.dtype)
    powers = np.sum((sizes / np.expand_dims(scale, 1)) ** p, axis=1)
    root = np.array(root)
    root[anew] = scale * (powers if divisor is None else powers / divisor) ** (1 / p)
    return root[()]


def _rows(x, chosen, axis, keepdims):
    """What goes into each chosen one of the results of a reduction, a row each."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(a % x.ndim + 1 for a in axes)
    # With a dimension in front, so that one result alone is no case of its own.
    chosen = np.expand_dims(chosen, 0)
    chosen = np.squeeze(chosen, axes) if keepdims else chosen
    rows = np.moveaxis(np.expand_dims(x, 0), axes, range(-len(axes), 0))[chosen]
    return np.reshape(rows, (rows.shape[0], count(rows.shape, tuple(range(1, rows.ndim)))))


def _by_quotients(root):
    """Whether the slope of a root is made of quotients; also where it's differentiated again, which makes squares."""
    if type(root) is Tensor:
        return True
    least, most = _ends(root)
    if least == 0:
        # The slope there is 0 anyway.
        least = np.min(root, initial=inf, where=root != 0)
    bound = _LARGEST_ROOT[root.itemsize]
    return not (1 / bound <= least and most <= bound)


def _squares(x, axis, keepdims):
    """How far the elements are from their mean, and the sum of the squares of that."""
    deviation = x - np.sum(x, axis=axis, keepdims=True) / count(x.shape, axis)
    return deviation, np.sum(deviation**2, axis=axis, keepdims=keepdims)


def _freedom(x, axis, correction):
    return np.float64(max(count(x.shape, axis) - correction, 0)).astype(x.dtype)


def var(x, axis=None, correction=1, keepdims=False):
    _, total = _squares(x, axis, keepdims)
    return total / _freedom(x, axis, correction)


def _var_slope(g, x, axis, correction, keepdims):
    n = count(x.shape, axis) - correction
    # Not np.mean, which warns of an empty array.
    deviation = x - mean(x, axis, True)
    if n > 0:
        return restore(g, axis, keepdims) * (2 / n) * deviation
    # One element has no spread to measure: 0/0, nan in value and slope (and inf where distances are divided by 0).
    return restore(g, axis, keepdims) * np.where(_raw(deviation) == 0, np.nan, inf).astype(_raw(x).dtype)


var = differentiable(
    var, lambda g, _y, x, axis, correction, keepdims: _var_slope(g, x, axis, correction, keepdims),
    formula="g * 2 * (x - mean(x, axis, keepdim=true)) / (n - correction)",
)  # fmt: skip


def std(x, axis=None, correction=1, keepdims=False):
    deviation, total = _squares(x, axis, keepdims)
    return _root(total, deviation, 2, axis, keepdims, _freedom(x, axis, correction))


def _std_slope(g, y, x, axis, correction, keepdims):
    # At zero spread the root has a kink, from where it grows in every direction: 0 is among its subgradients, and
    # torch's choice. The chain rule by itself would give inf * 0.
    n = count(x.shape, axis) - correction
    if n > 0 and _by_quotients(y):
        g, y = restore(np.where(y == 0, 0, g / n), axis, keepdims), restore(np.where(y == 0, 1, y), axis, keepdims)
        return (x - mean(x, axis, True)) / y * g
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
        return _root(np.sum(x * x, axis=axis, keepdims=keepdims), x, 2, axis, keepdims)
    size = np.abs(x)
    if p == inf:
        return np.max(size, axis=axis, keepdims=keepdims)
    if p == -inf:
        return np.min(size, axis=axis, keepdims=keepdims)
    if p == 0:
        return np.sum(x != 0, axis=axis, keepdims=keepdims).astype(x.dtype)
    if p == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    return _root(np.sum(size**p, axis=axis, keepdims=keepdims), size, p, axis, keepdims)


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
    if p == 2 and not _by_quotients(y):
        return x * (np.where(y == 0, 0, g) / np.where(y == 0, 1, y))
    none = y == 0
    g, y = np.where(none, 0, g), np.where(none, 1, y)
    if p == 2:
        return x / y * g
    share = np.abs(x) / y
    # For p < 0 an element of 0 makes the norm 0, whatever the others are; their powers could overflow.
    power = (np.where(none, 1, share) if p < 0 else share) ** (p - 1)
    # For p < 1 that is infinite at x = 0, where the slope is 0; for p < 2 its own slope is.
    return np.sign(x) * (np.where(x == 0, 0, power) if p < 2 else power) * g


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


def _added(x, axis):
    """The sums along an axis, which stays; of an array without NumPy's way to them."""
    if type(x) is np.ndarray:
        return np.add.reduce(x, axis, keepdims=True)
    return np.sum(x, axis=axis, keepdims=True)


def softmax(x, axis):
    size = np.exp(x - _top(x, axis))
    return size / np.add.reduce(size, axis, keepdims=True)


softmax = differentiable(
    softmax,
    lambda g, y, _x, axis: y * (g - _added(g * y, axis)),
    formula="out * (g - sum(g * out, axis, keepdim=true))",
)


def log_softmax(x, axis):
    shifted = x - _top(x, axis)
    return shifted - np.log(np.add.reduce(np.exp(shifted), axis, keepdims=True))


log_softmax = differentiable(
    log_softmax, lambda g, y, _x, axis: g - np.exp(y) * _added(g, axis),
    grad_name="LogSoftmaxBackward0", formula="g - exp(out) * sum(g, axis, keepdim=true)",
)  # fmt: skip
