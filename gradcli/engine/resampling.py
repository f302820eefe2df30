"""Elements of one axis by number, sums of those that came of one, and a frame of zeros."""

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
