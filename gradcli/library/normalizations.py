"""torch.nn.functional: values brought to mean 0 and variance 1, over a layer, a batch, an image or a group."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, grad_mode, inplace
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.normalization import standardized
from gradcli.engine.operation import relabel
from gradcli.engine.windows import window_sum
from gradcli.errors import ShapeFailure, ValueFailure
from gradcli.library.arguments import Flag, Number, OptionalNumber, OptionalTensor, Whole, Wholes
from gradcli.library.vocabulary import function


def _scaled(out: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...], name: str) -> Tensor:
    """out * weight + bias, these in `shape`, recorded under torch's name."""
    if weight is not None:
        out = e.mul(out, s.reshape(weight, shape) if weight.shape != shape else weight)
    if bias is not None:
        out = e.add(out, s.reshape(bias, shape) if bias.shape != shape else bias)
    return relabel(out, name)


def _trailing(input: Tensor, shape: tuple[int, ...], parameters: dict[str, Tensor | None]) -> tuple[int, ...]:
    """The axes of the last dimensions, which are to have `shape`."""
    if not shape:
        raise ShapeFailure(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for name, value in parameters.items():
        if value is not None and value.shape != shape:
            raise ShapeFailure(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(value.shape)} and normalized_shape = {list(shape)}"
            )
    if input.shape[-len(shape) :] != shape:
        raise ShapeFailure(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], but "
            f"got input of size{list(input.shape)}"
        )
    return tuple(range(input.ndim - len(shape), input.ndim))


@function("layer_norm", also=("F.layer_norm",))
def layer_norm(input: Tensor, normalized_shape: Wholes, weight: OptionalTensor = None, bias: OptionalTensor = None,
               eps: Number = 1e-05):  # fmt: skip
    """Mean 0 and variance 1 over the last dims, which have normalized_shape.

    Source: Ba, Kiros and Hinton, "Layer Normalization".

    Shapes: (..., *normalized_shape) -> the same; weight and bias: normalized_shape
    Derivative: with size = sqrt(var + eps) over the last dims, y = (input - mean) / size and h = g * weight:
        input: (h - mean(h) - y * mean(h * y)) / size; weight: g * y and bias: g, each summed over the leading dims
    Kink: where all values are equal the result is 0 (or the bias) and the gradient is finite, as eps stands under the
        root (why: gradcli/engine/normalization.py).
    Example: x = [[1., 2., 6.]]
        y = layer_norm(x, 3)
        y
        backward y[0, 0]
    """
    axes = _trailing(input, normalized_shape, {"weight": weight, "bias": bias})
    out = standardized(input, axes, eps)
    return _scaled(out, weight, bias, normalized_shape, "NativeLayerNormBackward0")


@function("rms_norm", also=("F.rms_norm",))
def rms_norm(input: Tensor, normalized_shape: Wholes, weight: OptionalTensor = None, eps: OptionalNumber = None):
    """Values divided by the root of their mean square over the last dims, which have normalized_shape.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization".

    Shapes: (..., *normalized_shape) -> the same; weight: normalized_shape. eps: the dtype's step at 1 unless given
    Derivative: with size = sqrt(mean(input^2) + eps) over the last dims, y = input / size and h = g * weight:
        input: (h - y * mean(h * y)) / size; weight: g * y, summed over the leading dims
    Kink: zeros give 0 with the slope weight / sqrt(eps), and nan with eps = 0 (why: gradcli/library/normalizations.py).
    Example: x = [3., 4.]
        y = rms_norm(x, 2)
        y
        backward y[0]
    """
    axes = _trailing(input, normalized_shape, {"weight": weight})
    # eps stands inside of the root, as in torch: zeros stay 0 and their slope is finite.
    least = float(np.finfo(input.dtype).eps) if eps is None else eps
    size = e.rsqrt(e.add(r.mean_dim(e.mul(input, input), axes, True), least))
    out = e.mul(input, size)
    return out if weight is None else e.mul(out, weight)


def _per_channel(channels: int, parameters: dict[str, Tensor | None]) -> None:
    for name, value in parameters.items():
        if value is not None and value.shape != (channels,):
            raise ShapeFailure(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(value.shape)} and {channels} channels"
            )


@function("group_norm", also=("F.group_norm",))
def group_norm(input: Tensor, num_groups: Whole, weight: OptionalTensor = None, bias: OptionalTensor = None,
               eps: Number = 1e-05):  # fmt: skip
    """Mean 0 and variance 1 over each sample's groups of channels.

    Source: Wu and He, "Group Normalization".

    Shapes: (N, C, ...) -> the same; weight and bias: (C); num_groups divides C
    Derivative: with size = sqrt(var + eps) over each group, y = (input - mean) / size and h = g * weight:
        input: (h - mean(h) - y * mean(h * y)) / size; weight: g * y and bias: g, each summed over all dims but C
    Kink: where all values of a group are equal the result is 0 (or the bias) and the gradient is finite
        (why: gradcli/engine/normalization.py); groups of one value are an error where there's one sample only.
    Example: x = [[1., 2., 6., 10., 20., 60.]]
        y = group_norm(x, 2)
        y
        backward y[0, 0]
    """
    if input.ndim < 2:
        raise ShapeFailure(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    channels = input.shape[1]
    if num_groups < 1 or channels % num_groups:
        raise ShapeFailure(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    _per_channel(channels, {"weight": weight, "bias": bias})
    rows = s.reshape(input, (input.shape[0], num_groups, channels // num_groups * prod(input.shape[2:])))
    if rows.shape[0] * rows.shape[2] == 1:
        raise _too_few(input.shape)
    out = s.reshape(standardized(rows, (2,), eps), input.shape)
    return _scaled(out, weight, bias, (channels, *(1,) * (input.ndim - 2)), "NativeGroupNormBackward0")


def _too_few(shape: tuple[int, ...]) -> ValueFailure:
    return ValueFailure(f"Expected more than 1 value per channel when training, got input size {list(shape)}")


def _follow(running: Tensor | None, found: Any, momentum: float) -> None:
    """A running statistic moves towards what was found, in place."""
    if running is not None:
        with grad_mode(False):
            moved = (1 - momentum) * np.asarray(running.array) + momentum * np.asarray(found)
            inplace.copy(running, Tensor(moved.astype(running.dtype), CUT))


def _by_running(input: Tensor, mean: Tensor, variance: Tensor, shape: tuple[int, ...], eps: float) -> Tensor:
    centered = e.sub(input, s.reshape(mean, shape))
    return e.mul(centered, e.rsqrt(e.add(s.reshape(variance, shape), eps)))


@function("F.batch_norm")
def batch_norm(input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor,
               weight: OptionalTensor = None, bias: OptionalTensor = None, training: Flag = False,
               momentum: Number = 0.1, eps: Number = 1e-05):  # fmt: skip
    """Mean 0 and variance 1 for each channel: over the batch in training, else by the running statistics.

    Source: Ioffe and Szegedy, "Batch Normalization".

    Shapes: (N, C, ...) -> the same; all others: (C). In training the running statistics move in place, by momentum,
        towards the mean and the variance (divided by n - 1) that were found
    Derivative: with size = sqrt(var + eps), y = (input - mean) / size and h = g * weight, over all dims but C:
        input: (h - mean(h) - y * mean(h * y)) / size in training, else h / size; weight: sum(g * y);
        bias: sum(g); outside of training running_mean: -sum(h) / size; running_var: -sum(h * y) / (2 * size^2)
    Kink: where all values are equal the result is 0 (or the bias) and the gradient is finite
        (why: gradcli/engine/normalization.py); in training one value per channel is an error.
    Example: x = [[1.], [2.], [6.]]
        y = F.batch_norm(x, none, none, training=true)
        y.flatten()
        backward y[0, 0]
    Example: const m = [1.]
        const v = [4.]
        F.batch_norm([[5.], [9.]], m, v, training=true)
        m, v
        F.batch_norm([[5.], [9.]], m, v)
    """
    if input.ndim < 2:
        raise ShapeFailure(f"batch_norm wants an input of at least 2 dimensions, and got {input.shape}")
    channels = input.shape[1]
    _per_channel(channels, {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias})
    shape = (channels, *(1,) * (input.ndim - 2))
    name = "NativeBatchNormBackward0"
    if not training:
        if running_mean is None or running_var is None:
            raise ValueFailure("Expected running_mean and running_var to be defined when training=False")
        return _scaled(_by_running(input, running_mean, running_var, shape, eps), weight, bias, shape, name)
    axes = (0, *range(2, input.ndim))
    count = r.count(input.shape, axes)
    if count == 1:
        raise _too_few(input.shape)
    array = np.asarray(input.array)
    if running_mean is not None:
        _follow(running_mean, array.mean(axes), momentum)
    if running_var is not None:
        _follow(running_var, array.var(axes, ddof=1), momentum)
    return _scaled(standardized(input, axes, eps), weight, bias, shape, name)


@function("batch_norm")
def torch_batch_norm(input: Tensor, weight: OptionalTensor, bias: OptionalTensor, running_mean: OptionalTensor,
                     running_var: OptionalTensor, training: Flag, momentum: Number, eps: Number,
                     cudnn_enabled: Flag = False):  # fmt: skip
    """Mean 0 and variance 1 for each channel: F.batch_norm, with its arguments in the order of `torch.batch_norm`.

    Shapes: (N, C, ...) -> the same; weight, bias and the running statistics: (C)
    Derivative: that of `F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)`
    Kink: as F.batch_norm's (why: gradcli/engine/normalization.py).
    Example: x = [[1.], [2.], [6.]]
        y = batch_norm(x, [2.], none, none, none, true, 0.1, 1e-5)
        y.flatten()
        backward y[0, 0]
    """
    return batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


@function("F.instance_norm")
def instance_norm(input: Tensor, running_mean: OptionalTensor = None, running_var: OptionalTensor = None,
                  weight: OptionalTensor = None, bias: OptionalTensor = None, use_input_stats: Flag = True,
                  momentum: Number = 0.1, eps: Number = 1e-05):  # fmt: skip
    """Mean 0 and variance 1 for each channel of each sample; by the running statistics without use_input_stats.

    Source: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization".

    Shapes: (N, C, ...) with at least 3 dims -> the same; all others: (C). The running statistics move in place, by
        momentum, towards the samples' average mean and variance
    Derivative: with size = sqrt(var + eps) over each image, y = (input - mean) / size and h = g * weight:
        input: (h - mean(h) - y * mean(h * y)) / size, or h / size by the running statistics; weight: g * y and
        bias: g, each summed over all dims but C
    Kink: where all values of an image are equal the result is 0 (or the bias) and the gradient is finite
        (why: gradcli/engine/normalization.py); an image of one value is an error.
    Example: x = [[[1., 2., 6.], [10., 20., 60.]]]
        y = F.instance_norm(x)
        y
        backward y[0, 0, 0]
    """
    if input.ndim < 3:
        raise ShapeFailure(f"instance_norm wants an input of at least 3 dimensions, and got {input.shape}")
    channels = input.shape[1]
    _per_channel(channels, {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias})
    shape = (channels, *(1,) * (input.ndim - 2))
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ValueFailure("Expected running_mean and running_var to be defined when use_input_stats=False")
        return _scaled(_by_running(input, running_mean, running_var, shape, eps), weight, bias, shape, "ViewBackward0")
    axes = tuple(range(2, input.ndim))
    if prod(input.shape[2:]) == 1:
        raise ValueFailure(f"Expected more than 1 spatial element when training, got input size {list(input.shape)}")
    array = np.asarray(input.array)
    if running_mean is not None:
        _follow(running_mean, array.mean(axes).mean(0), momentum)
    if running_var is not None:
        _follow(running_var, array.var(axes, ddof=1).mean(0), momentum)
    return _scaled(standardized(input, axes, eps), weight, bias, shape, "ViewBackward0")


@function("F.local_response_norm")
def local_response_norm(input: Tensor, size: Whole, alpha: Number = 0.0001, beta: Number = 0.75, k: Number = 1.0):
    """x / (k + alpha * the mean square of the channels near by)^beta.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks".

    Shapes: (N, C, ...) with at least 3 dims -> the same. A channel's neighbours are size // 2 before it, itself and
        (size - 1) // 2 behind it
    Derivative: with d = k + alpha * the mean square: g / d^beta - 2 * alpha * beta / size * x * s, where s is
        g * out / d, summed over the channels whose neighbour this one is
    Kink: beyond the first and the last channel there are zeros, which count in the mean; with k = 0 the result is nan
        where a channel and its neighbours are 0 (why: gradcli/library/normalizations.py).
    Example: x = [[[1.], [2.], [3.]]]
        y = F.local_response_norm(x, 2, alpha=1.)
        y.flatten()
        grad(y[0, 1, 0], x).flatten()
    """
    if input.ndim < 3:
        raise ShapeFailure(
            f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)",
            help="the dims are (samples, channels, ...)",
        )
    if size < 1:
        raise ValueFailure(f"local_response_norm wants a positive size, and got {size}")
    allocatable((*input.shape, size), input.dtype)
    last = s.swapaxes(e.mul(input, input), 1, input.ndim - 1)
    # Every window is divided by its whole size, as in torch, also where it reaches over the first or last channel.
    sums = window_sum(last, (size,), (input.shape[1],), (1,), ((size // 2, (size - 1) // 2),))
    near = s.swapaxes(e.div(sums, size), 1, input.ndim - 1)
    return e.div(input, e.pow_number(e.add(e.mul(near, alpha), k), beta))
