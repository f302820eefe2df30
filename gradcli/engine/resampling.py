"""Elements of one axis by number, mixtures of them, sums of those that came of one, and a frame of zeros."""

from __future__ import annotations

import numpy as np

from gradcli.engine.operation import differentiable


def resampled(x, index, axis):
    return np.take(x, index, axis=axis)


def gathered(x, index, axis, length):
    """Zeros of `length` along the axis, with x added at the places of `index`."""
    shape = list(x.shape)
    shape[axis] = length
    out = np.zeros(shape, x.dtype)
    if not index.size:
        return out
    # What goes to one place is brought together and summed as a stretch: many times quicker than np.add.at.
    order = np.argsort(index, kind="stable")
    places, starts = np.unique(index[order], return_index=True)
    together = x if np.array_equal(order, np.arange(index.size)) else np.take(x, order, axis=axis)
    key = [slice(None)] * x.ndim
    key[axis] = places
    out[tuple(key)] = np.add.reduceat(together, starts, axis=axis)
    return out


resampled = differentiable(
    resampled, lambda g, _y, x_shape, index, axis: gathered(g, index, axis, x_shape[axis]), real=False,
    doc="Elements of an axis, by number.", formula="g, added at {index} along {axis} to zeros",
)  # fmt: skip
gathered = differentiable(
    gathered, lambda g, _y, _x, index, axis, _length: resampled(g, index, axis), real=False,
    doc="Elements added to their places of an axis.", formula="g, at {index} along {axis}",
)  # fmt: skip


def _shares_of(shares, k, x, axis):
    """The k-th share of each place, to multiply elements of an array of x's shape and dtype."""
    return shares[:, k].astype(x.dtype).reshape(-1, *(1,) * (x.ndim - axis - 1))


def mixed(x, sources, shares, axis):
    """For each new place along the axis the sum of the elements at its row of `sources`, times their `shares`."""
    out = np.take(x, sources[:, 0], axis) * _shares_of(shares, 0, x, axis)
    for k in range(1, shares.shape[1]):
        out = out + np.take(x, sources[:, k], axis) * _shares_of(shares, k, x, axis)
    return out


def shared_out(x, sources, shares, axis, length):
    """The adjoint of `mixed`: each element goes back to what it was mixed of, an axis of `length`, by the shares."""
    out = gathered(x * _shares_of(shares, 0, x, axis), sources[:, 0], axis, length)
    for k in range(1, shares.shape[1]):
        out = out + gathered(x * _shares_of(shares, k, x, axis), sources[:, k], axis, length)
    return out


mixed = differentiable(
    mixed, lambda g, _y, x_shape, sources, shares, axis: shared_out(g, sources, shares, axis, x_shape[axis]),
    real=False, doc="Mixtures of elements of an axis.", formula="g, times {shares}, added at {sources} along {axis}",
)  # fmt: skip
shared_out = differentiable(
    shared_out, lambda g, _y, _x, sources, shares, axis, _length: mixed(g, sources, shares, axis),
    real=False, doc="Elements shared out to what they were mixed of.",
    formula="g, at {sources} along {axis}, times {shares}",
)  # fmt: skip


def _cut(pairs, shape):
    """What is left of `shape` where a pair is negative."""
    return tuple(slice(max(-before, 0), n - max(-after, 0)) for (before, after), n in zip(pairs, shape, strict=True))


def padded(x, pairs, value):
    """A constant around an array; fewer elements where a number is negative."""
    widths = [(max(before, 0), max(after, 0)) for before, after in pairs]
    return np.pad(x[_cut(pairs, x.shape)], widths, constant_values=value)


padded = differentiable(
    padded,
    lambda g, _y, _x, pairs, _value: padded(g, tuple((-before, -after) for before, after in pairs), 0),
    name="constant_pad", grad_name="ConstantPadNdBackward0", real=False,
    doc="A constant around an array.", formula="g, without what was put around {x}",
)  # fmt: skip
