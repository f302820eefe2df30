"""Convolution: three products, each linear in two of an image, a kernel and a result, and each the others' derivatives.

For <g, convolution(x, w)> = <x, transposed(g, w)> = <w, correlated(x, g)> the derivative in any one of the three is
the product of the other two, so that three rows of the table are closed under differentiation to every order. Each is
one matrix product for each group: the windows of the image stand as columns, for all of the batch together.
"""

from __future__ import annotations

from math import prod

import numpy as np

from gradcli.engine.operation import differentiable, shape_of
from gradcli.engine.windows import columns, counts, from_columns


def _columns(x, kernel, places, stride, padding, dilation, groups):
    """The windows of x as a matrix a group: (groups, channels * kernel, N * places)."""
    taken = columns(x, kernel, places, stride, padding, dilation)
    return np.reshape(taken, (groups, x.shape[1] // groups * prod(kernel), x.shape[0] * prod(places)))


def _rows(g, groups):
    """(N, channels, *places) as a matrix a group: (groups, channels, N * places)."""
    return np.reshape(np.moveaxis(g, 0, 1), (groups, g.shape[1] // groups, g.shape[0] * prod(g.shape[2:])))


def _weights(w, groups):
    """(out, in, *kernel) as a matrix a group: (groups, out, in * kernel)."""
    return np.reshape(w, (groups, w.shape[0] // groups, prod(w.shape[1:])))


def convolution(x, w, stride, padding, dilation, groups):
    kernel = w.shape[2:]
    places = counts(x.shape[2:], kernel, stride, padding, dilation)
    out = _weights(w, groups) @ _columns(x, kernel, places, stride, padding, dilation, groups)
    return np.moveaxis(np.reshape(out, (w.shape[0], x.shape[0], *places)), 1, 0)


def transposed(g, w, size, stride, padding, dilation, groups):
    taken = np.swapaxes(_weights(w, groups), -1, -2) @ _rows(g, groups)
    apart = np.reshape(taken, (groups * w.shape[1], *w.shape[2:], g.shape[0], *g.shape[2:]))
    return from_columns(apart, size, stride, padding, dilation)


def correlated(x, g, kernel, stride, padding, dilation, groups):
    taken = _columns(x, kernel, g.shape[2:], stride, padding, dilation, groups)
    out = _rows(g, groups) @ np.swapaxes(taken, -1, -2)
    return np.reshape(out, (g.shape[1], x.shape[1] // groups, *kernel))


def _like(y, shape):
    """The first places of y, where the last window ends before the image does and there is room for one more."""
    return y if y.shape == shape else y[tuple(slice(n) for n in shape)]


convolution = differentiable(
    convolution,
    lambda g, _y, x_shape, w, stride, padding, dilation, groups: transposed(
        g, w, shape_of(x_shape)[2:], stride, padding, dilation, groups
    ),
    lambda g, _y, x, w_shape, stride, padding, dilation, groups: correlated(
        x, g, shape_of(w_shape)[2:], stride, padding, dilation, groups
    ),
    real=False, doc="The cross-correlation of images with kernels.",
    formula=("g, convolved with the transposed {y}", "g, by which the windows of {x} are weighted and summed"),
)  # fmt: skip
transposed = differentiable(
    transposed,
    lambda g, _y, x_shape, w, _size, stride, padding, dilation, groups: _like(
        convolution(g, w, stride, padding, dilation, groups), shape_of(x_shape)
    ),
    lambda g, _y, x, w_shape, _size, stride, padding, dilation, groups: correlated(
        g, x, shape_of(w_shape)[2:], stride, padding, dilation, groups
    ),
    name="transposed_convolution", grad_name="ConvolutionBackward0", real=False,
    doc="The adjoint of a convolution: each number spreads a kernel.",
    formula=("g, convolved with {y}", "g, its windows weighted by {x} and summed"),
)  # fmt: skip
correlated = differentiable(
    correlated,
    lambda g, _y, x_shape, h, _kernel, stride, padding, dilation, groups: transposed(
        h, g, shape_of(x_shape)[2:], stride, padding, dilation, groups
    ),
    lambda g, _y, x, h_shape, _kernel, stride, padding, dilation, groups: _like(
        convolution(x, g, stride, padding, dilation, groups), shape_of(h_shape)
    ),
    name="convolution_of_kernels", grad_name="ConvolutionBackwardBackward0", real=False,
    doc="The derivative of a convolution in its kernels.",
    formula=("g, the transposed kernels that {y} is convolved with", "g, the kernels that {x} is convolved with"),
)  # fmt: skip
