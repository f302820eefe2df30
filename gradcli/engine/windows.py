"""Windows that slide over the last dimensions of an array, and the sums that undo them.

Everything works axis by axis and on whole arrays: taking windows apart is a view; putting them together again adds one
slice for each offset in a window (or for each window, where those are fewer), whatever the batch.
"""

from __future__ import annotations

from math import prod

import numpy as np

from gradcli.engine.operation import differentiable


def counts(size, kernel, stride, padding, dilation):
    """How many windows fit along each dimension: `kernel` elements, `dilation` apart; `padding` has pairs."""
    return tuple(
        (n + sum(pad) - gap * (k - 1) - 1) // step + 1
        for n, k, step, pad, gap in zip(size, kernel, stride, padding, dilation, strict=True)
    )


def windows(x, kernel, places, stride, dilation):
    """A view (..., *places, *kernel) into (..., *lengths): so many windows along each of the last dimensions."""
    x = np.asarray(x)
    n = len(kernel)
    lead, steps = x.strides[: x.ndim - n], x.strides[x.ndim - n :]
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[: x.ndim - n], *places, *kernel),
        (
            *lead,
            *(step * s for step, s in zip(steps, stride, strict=True)),
            *(step * d for step, d in zip(steps, dilation, strict=True)),
        ),
        writeable=False,
    )


def overlap(x, window_axis, place_axis, length, stride, dilation):
    """The windows along one axis added up where they overlap: an array of `length` along `place_axis` remains.

    `window_axis` holds the elements of a window, `place_axis` the windows.
    """
    size, count = x.shape[window_axis], x.shape[place_axis]
    shape = list(x.shape)
    shape[place_axis] = length
    del shape[window_axis]
    target_axis = place_axis - (window_axis < place_axis)
    out = np.zeros(shape, x.dtype)
    whole = [slice(None)] * out.ndim
    if size <= count:
        for offset in range(size):
            start = offset * dilation
            whole[target_axis] = slice(start, start + (count - 1) * stride + 1, stride)
            out[tuple(whole)] += x[_at(x.ndim, window_axis, offset)]
        return out
    for place in range(count):
        start = place * stride
        whole[target_axis] = slice(start, start + (size - 1) * dilation + 1, dilation)
        part = x[_at(x.ndim, place_axis, place)]
        # The window's elements stand where the places stood.
        source = window_axis - (place_axis < window_axis)
        out[tuple(whole)] += np.moveaxis(part, source, target_axis)
    return out


def _at(ndim, axis, index):
    key = [slice(None)] * ndim
    key[axis] = index
    return tuple(key)


def zero_padded(x, padding):
    """`x` with zeros around its last dimensions; `padding` has a pair for each."""
    if not any(map(any, padding)):
        return x
    return np.pad(x, [(0, 0)] * (x.ndim - len(padding)) + list(padding))


def cropped(x, padding, size):
    """The part of that size which the padding was put around."""
    return x[(..., *(slice(before, before + n) for (before, _), n in zip(padding, size, strict=True)))]


def columns(x, kernel, places, stride, padding, dilation):
    """The windows of (N, C, *size) with zeros around, as a view (C, *kernel, N, *places)."""
    n = len(kernel)
    view = windows(zero_padded(x, padding), kernel, places, stride, dilation)
    return np.transpose(view, (1, *range(2 + n, 2 + 2 * n), 0, *range(2, 2 + n)))


def from_columns(x, size, stride, padding, dilation):
    """The sum (N, C, *size) of the columns (C, *kernel, N, *places) where they overlap: the adjoint of `columns`."""
    n = len(size)
    for length, pad, s, d in zip(size, padding, stride, dilation, strict=True):
        # Each round takes the kernel's first axis away, so that the next axis of places has the number of this one.
        x = overlap(x, 1, n + 2, length + sum(pad), s, d)
    return cropped(np.moveaxis(x, 0, 1), padding, size)


# ---- as functions of their own: (N, C, *size) to (N, C * kernel, places) and back


def unfold(x, kernel, stride, padding, dilation):
    places = counts(x.shape[2:], kernel, stride, padding, dilation)
    taken = columns(x, kernel, places, stride, padding, dilation)
    return np.moveaxis(taken, len(kernel) + 1, 0).reshape(x.shape[0], x.shape[1] * prod(kernel), prod(places))


def fold(x, size, kernel, stride, padding, dilation):
    places = counts(size, kernel, stride, padding, dilation)
    apart = np.reshape(x, (x.shape[0], x.shape[1] // prod(kernel), *kernel, *places))
    return from_columns(np.moveaxis(apart, 0, len(kernel) + 1), size, stride, padding, dilation)


unfold = differentiable(
    unfold,
    lambda g, _y, x_shape, kernel, stride, padding, dilation: fold(g, x_shape[2:], kernel, stride, padding, dilation),
    grad_name="Im2ColBackward0", real=False,
    doc="The windows of images, one a column.", formula="g, its windows added up where they overlap",
)  # fmt: skip
fold = differentiable(
    fold,
    lambda g, _y, _x, _size, kernel, stride, padding, dilation: unfold(g, kernel, stride, padding, dilation),
    grad_name="Col2ImBackward0", real=False,
    doc="Columns added up to images where they overlap.", formula="g, its windows, one a column",
)  # fmt: skip


# ---- sums over windows


def window_sum(x, kernel, places, stride, padding):
    """The sum of each window over the last dimensions, axis by axis."""
    n = len(kernel)
    x = zero_padded(x, padding)
    for axis, (k, count, s) in enumerate(zip(kernel, places, stride, strict=True), x.ndim - n):
        view = windows(np.moveaxis(x, axis, -1), (k,), (count,), (s,), (1,))
        x = np.moveaxis(np.sum(view, axis=-1), -1, axis)
    return x


def window_spread(x, size, kernel, stride, padding):
    """Each number added to every element of its window: the adjoint of `window_sum`."""
    n = len(kernel)
    for axis, (k, length, s, pad) in enumerate(zip(kernel, size, stride, padding, strict=True), x.ndim - n):
        shape = (*x.shape[: axis + 1], k, *x.shape[axis + 1 :])
        x = overlap(np.broadcast_to(np.expand_dims(x, axis + 1), shape), axis + 1, axis, length + sum(pad), s, 1)
    return cropped(x, padding, size)


window_sum = differentiable(
    window_sum,
    lambda g, _y, x_shape, kernel, _places, stride, padding: window_spread(
        g, x_shape[len(x_shape) - len(kernel) :], kernel, stride, padding
    ),
    real=False, doc="The sum of each window.", formula="g, added to every element of its window",
)  # fmt: skip
window_spread = differentiable(
    window_spread,
    lambda g, _y, x_shape, _size, kernel, stride, padding: window_sum(
        g, kernel, x_shape[len(x_shape) - len(kernel) :], stride, padding
    ),
    real=False, doc="Each number added to every element of its window.", formula="g, summed over each window",
)  # fmt: skip
