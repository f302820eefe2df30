"""The table of activation functions: forward, derivative, and PyTorch's choice at each kink.

A derivative that has two branches computes each on arguments of its own side alone: what overflows in the branch that
isn't taken would come back as 0 * inf in the second derivative.
"""

from __future__ import annotations

from math import inf, pi
from math import sqrt as root

import numpy as np

from gradcli.engine.elementwise import erfc, sigmoid, softplus
from gradcli.engine.operation import differentiable, variant

# ---- smooth


def silu(input):
    return input / (1 + np.exp(-input))


def _silu_slope(x):
    s = sigmoid(x)
    return s * (1 + x * (1 - s))


silu = differentiable(
    silu, lambda g, _y, x: g * _silu_slope(x), elementwise=True,
    doc="x * sigmoid(x), element by element.", formula="sigmoid(x) * (1 + x * (1 - sigmoid(x)))",
)  # fmt: skip


def mish(input):
    return input * np.tanh(np.logaddexp(input, 0))


def _mish_slope(x):
    t = np.tanh(softplus(x, 1, inf))
    return t + x * (1 - t * t) * sigmoid(x)


mish = differentiable(
    mish, lambda g, _y, x: g * _mish_slope(x), elementwise=True,
    doc="x * tanh(softplus(x)), element by element.",
    formula="tanh(softplus(x)) + x * (1 - tanh(softplus(x))^2) * sigmoid(x)",
)  # fmt: skip


def log_sigmoid(input):
    return -np.logaddexp(-input, 0)


log_sigmoid = differentiable(
    log_sigmoid, lambda g, _y, x: g * sigmoid(-x), name="logsigmoid", grad_name="LogSigmoidBackward0", elementwise=True,
    doc="log(sigmoid(x)) without overflow, element by element.", formula="sigmoid(-x)",
)  # fmt: skip


def gelu(input):
    # By way of erfc, which keeps the digits of the lower tail that 1 + erf cancels.
    return 0.5 * input * erfc(input * -root(0.5))


def _gelu_slope(x):
    return 0.5 * erfc(x * -root(0.5)) + x * np.exp(-0.5 * x * x) / root(2 * pi)


gelu = differentiable(
    gelu, lambda g, _y, x: g * _gelu_slope(x), elementwise=True,
    doc="x times the normal distribution function of x, element by element.",
    formula="erfc(-x/sqrt(2))/2 + x * exp(-x^2/2)/sqrt(2 * pi)",
)  # fmt: skip

CUBIC = 0.044715
"""Hendrycks and Gimpel, "Gaussian Error Linear Units", section 2."""


def _gelu_inner(x):
    return root(2 / pi) * (x + CUBIC * x * x * x)


def gelu_tanh(input):
    return 0.5 * input * (1 + np.tanh(_gelu_inner(input)))


def _gelu_tanh_slope(x):
    t = np.tanh(_gelu_inner(x))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (root(2 / pi) * (1 + 3 * CUBIC * x * x))


gelu_tanh = differentiable(
    gelu_tanh, lambda g, _y, x: g * _gelu_tanh_slope(x), grad_name="GeluBackward0", elementwise=True,
    doc="gelu by way of tanh, element by element.",
    formula="(1 + tanh(sqrt(2/pi) * (x + 0.044715 * x^3)))/2"
    " + x/2 * (1 - tanh(sqrt(2/pi) * (x + 0.044715 * x^3))^2) * sqrt(2/pi) * (1 + 0.134145 * x^2)",
)  # fmt: skip

# ---- with a kink


def elu(input, alpha=1.0, scale=1.0, input_scale=1.0):
    below = scale * alpha * np.expm1(np.where(input > 0, 0, input) * input_scale)
    return np.where(input > 0, scale * input, below)[()]


# At 0 the slope is that from below, alpha (the two sides agree only where alpha is 1), and the second derivative 0.
elu = differentiable(
    elu,
    lambda g, _y, x, alpha, scale, input_scale: np.where(
        x > 0, g * scale, g * (scale * input_scale * alpha) * np.exp(np.where(x < 0, x, 0) * input_scale)
    ),
    doc="x above 0, alpha * (exp(x) - 1) below, element by element.",
    formula="where(x > 0, scale, scale * input_scale * alpha * exp(input_scale * x))",
)  # fmt: skip
# Its two sides meet with the slope 1 for any alpha.
celu = variant(elu, "CeluBackward0")


def leaky_relu(input, negative_slope=0.01):
    return np.where(input > 0, input, input * negative_slope)[()]


# At 0 the slope is that from below: as in torch, what isn't above 0 is below.
leaky_relu = differentiable(
    leaky_relu, lambda g, _y, x, negative_slope: np.where(x > 0, g, g * negative_slope), grad_name="LeakyReluBackward0",
    doc="x above 0, a small multiple of it below, element by element.", formula="where(x > 0, 1, negative_slope)",
)  # fmt: skip
mean_rrelu = variant(leaky_relu, "RreluWithNoiseBackward0")


def prelu(input, weight):
    return np.where(input > 0, input, weight * input)[()]


# At 0 the slope is that from below, as for leaky_relu.
prelu = differentiable(
    prelu, lambda g, _z, x, w: np.where(x > 0, g, g * w), lambda g, _z, x, _w: np.where(x > 0, 0, g * x),
    grad_name="PreluKernelBackward0", elementwise=True, real=False,
    doc="x above 0, weight * x below, element by element.", formula=("where(x > 0, 1, y)", "where(x > 0, 0, x)"),
)  # fmt: skip
noisy_rrelu = variant(prelu, "RreluWithNoiseBackward0")


def hardtanh(input, min_val=-1.0, max_val=1.0):
    return np.minimum(np.maximum(input, min_val), max_val)


# At the bounds the slope is 0, that of the flat side (a clamp's is 1 there).
hardtanh = differentiable(
    hardtanh,
    lambda g, _y, x, min_val, max_val: np.where((x <= min_val) | (x >= max_val), 0, g),
    doc="Each element, kept between two bounds.", formula="where((x <= min_val) | (x >= max_val), 0, 1)",
)  # fmt: skip


def hardsigmoid(input):
    return np.minimum(np.maximum(input + 3, 0), 6) / 6


# At -3 and 3 the slope is 0, that of the flat sides.
hardsigmoid = differentiable(
    hardsigmoid, lambda g, _y, x: np.where((x > -3) & (x < 3), g / 6, 0), elementwise=True,
    doc="(x + 3)/6, kept between 0 and 1, element by element.", formula="where((x > -3) & (x < 3), 1/6, 0)",
)  # fmt: skip


def hardswish(input):
    return input * np.minimum(np.maximum(input + 3, 0), 6) / 6


# At -3 and 3 the slope is that of the lines outside, as torch has it.
hardswish = differentiable(
    hardswish, lambda g, _y, x: np.where(x <= -3, 0, np.where(x < 3, g * (x / 3 + 0.5), g)), elementwise=True,
    doc="x * hardsigmoid(x), element by element.", formula="where(x <= -3, 0, where(x < 3, x/3 + 1/2, 1))",
)  # fmt: skip


def hardshrink(input, lambd=0.5):
    return np.where((input >= -lambd) & (input <= lambd), 0, input)[()]


# At the steps the value is that between them, 0, and so is the slope.
hardshrink = differentiable(
    hardshrink, lambda g, _y, x, lambd: np.where((x >= -lambd) & (x <= lambd), 0, g),
    doc="Each element, and 0 between -lambd and lambd.", formula="where((x >= -lambd) & (x <= lambd), 0, 1)",
)  # fmt: skip


def softshrink(input, lambd=0.5):
    return np.where(input > lambd, input - lambd, np.where(input < -lambd, input + lambd, input * 0))[()]


# At the kinks the slope is 0, as between them.
softshrink = differentiable(
    softshrink, lambda g, _y, x, lambd: np.where((x >= -lambd) & (x <= lambd), 0, g),
    doc="Each element brought nearer to 0 by lambd.", formula="where((x >= -lambd) & (x <= lambd), 0, 1)",
)  # fmt: skip


def threshold(input, threshold, value):
    return np.where(input <= threshold, value, input)[()].astype(input.dtype)


# At the threshold the slope is 0, as below it.
threshold = differentiable(
    threshold, lambda g, _y, x, threshold, _value: np.where(x <= threshold, 0, g), real=False,
    doc="Each element above a threshold, and a value in place of any other.", formula="where(x <= threshold, 0, 1)",
)  # fmt: skip
