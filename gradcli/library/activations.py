"""torch.nn.functional: activation functions, each also in place where torch has it so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor, inplace
from gradcli.engine import activations as a
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine.indexing import take
from gradcli.engine.operation import relabel
from gradcli.engine.shaping import reshape
from gradcli.engine.trigonometry import tanh
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library import context
from gradcli.library.arguments import Dims, Dtype, Flag, Number, OptionalWhole, Text, Whole, axes_of, axis_of
from gradcli.library.reducing import softmax
from gradcli.library.vocabulary import function


def _activated(activation: Callable[..., Tensor], input: Tensor, in_place: bool, *parameters: Any) -> Tensor:
    return inplace.changed(activation, input, *parameters) if in_place else activation(input, *parameters)


@function("silu", also=("F.silu",))
def silu(input: Tensor, inplace: Flag = False):
    """x * sigmoid(x), element by element: nearly 0 far below 0, nearly x far above.

    Shapes: any, and the result's is the same
    Derivative: sigmoid(x) * (1 + x * (1 - sigmoid(x)))
    Example: x = [-2., 0., 2.]
        silu(x)
        backward sum(silu(x))
    """
    return _activated(a.silu, input, inplace)


@function("mish", also=("F.mish",))
def mish(input: Tensor, inplace: Flag = False):
    """x * tanh(softplus(x)), element by element: nearly 0 far below 0, nearly x far above.

    Shapes: any, and the result's is the same
    Derivative: tanh(s) + x * (1 - tanh(s)^2) * sigmoid(x), where s = softplus(x)
    Example: x = [-2., 0., 2.]
        mish(x)
        backward sum(mish(x))
    """
    return _activated(a.mish, input, inplace)


@function("relu6", also=("F.relu6",))
def relu6(input: Tensor, inplace: Flag = False):
    """Each element, kept between 0 and 6.

    Shapes: any, and the result's is the same
    Derivative: where((x > 0) & (x < 6), 1, 0)
    Kink: at 0 and at 6 the slope is 0, that of the flat sides. (why: gradcli/engine/activations.py)
    Example: x = [-1., 3., 6., 8.]
        relu6(x)
        backward sum(relu6(x))
    """
    return _activated(a.hardtanh, input, inplace, 0.0, 6.0)


@function("selu", also=("F.selu",))
def selu(input: Tensor, inplace: Flag = False):
    """A scaled elu that keeps mean 0 and variance 1 from layer to layer.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", equation 14.

    Shapes: any, and the result's is the same
    Derivative: where(x > 0, 1.0507, 1.7581 * exp(x)), with those numbers to 16 digits
    Kink: at 0 the slope is that from below, 1.7581. (why: gradcli/engine/activations.py)
    Example: x = [-1., 0., 2.]
        selu(x)
        backward sum(selu(x))
    """
    return _activated(a.elu, input, inplace, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1.0)


@function("hardsigmoid", also=("F.hardsigmoid",))
def hardsigmoid(input: Tensor, inplace: Flag = False):
    """(x + 3)/6, kept between 0 and 1, element by element.

    Shapes: any, and the result's is the same
    Derivative: where((x > -3) & (x < 3), 1/6, 0)
    Kink: at -3 and 3 the slope is 0, that of the flat sides. (why: gradcli/engine/activations.py)
    Example: x = [-4., 0., 3.]
        hardsigmoid(x)
        backward sum(hardsigmoid(x))
    """
    return _activated(a.hardsigmoid, input, inplace)


@function("hardswish", also=("F.hardswish",))
def hardswish(input: Tensor, inplace: Flag = False):
    """x * hardsigmoid(x), element by element: 0 below -3, x above 3.

    Shapes: any, and the result's is the same
    Derivative: where(x <= -3, 0, where(x < 3, x/3 + 1/2, 1))
    Kink: at -3 the slope is 0 and at 3 it is 1, those of the lines outside. (why: gradcli/engine/activations.py)
    Example: x = [-3., 1., 3.]
        hardswish(x)
        backward sum(hardswish(x))
    """
    return _activated(a.hardswish, input, inplace)


@function("logsigmoid", also=("F.logsigmoid",))
def logsigmoid(input: Tensor):
    """log(sigmoid(x)) without overflow, element by element.

    Shapes: any, and the result's is the same
    Derivative: sigmoid(-x)
    Example: x = [-100., 0., 2.]
        logsigmoid(x)
        backward sum(logsigmoid(x))
    """
    return a.log_sigmoid(input)


@function("F.relu")
def relu(input: Tensor, inplace: Flag = False):
    """The larger of 0 and each element.

    Shapes: any, and the result's is the same
    Derivative: where(x > 0, 1, 0)
    Kink: at 0 the slope is 0, that of the flat side. (why: gradcli/engine/elementwise.py)
    Example: x = [-1., 0., 2.]
        F.relu(x)
        backward sum(F.relu(x))
    """
    return _activated(e.relu, input, inplace)


@function("gelu", also=("F.gelu",))
def gelu(input: Tensor, *, approximate: Text = "none"):
    """x times the normal distribution function of x; approximate="tanh" takes the faster form.

    Shapes: any, and the result's is the same
    Derivative: erfc(-x/sqrt(2))/2 + x * exp(-x^2/2)/sqrt(2 * pi), and with approximate="tanh" that of
        x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x^3)))
    Example: x = [-2., 0., 2.]
        gelu(x)
        gelu(x, approximate="tanh")
        backward sum(gelu(x))
    """
    if approximate not in ("none", "tanh"):
        raise ValueFailure("approximate argument must be either none or tanh.", help='`gelu(x, approximate="tanh")`')
    return (a.gelu if approximate == "none" else a.gelu_tanh)(input)


@function("elu", also=("F.elu",))
def elu(input: Tensor, alpha: Number = 1.0, inplace: Flag = False):
    """x above 0, alpha * (exp(x) - 1) below.

    Shapes: any, and the result's is the same
    Derivative: where(x > 0, 1, alpha * exp(x))
    Kink: at 0 the slope is that from below, alpha. (why: gradcli/engine/activations.py)
    Example: x = [-1., 0., 2.]
        elu(x, 0.5)
        backward sum(elu(x, 0.5))
    """
    return _activated(a.elu, input, inplace, alpha, 1.0, 1.0)


@function("celu", also=("F.celu",))
def celu(input: Tensor, alpha: Number = 1.0, inplace: Flag = False):
    """x above 0, alpha * (exp(x / alpha) - 1) below: an elu whose slope has no jump, whatever alpha (not 0).

    Shapes: any, and the result's is the same
    Derivative: where(x > 0, 1, exp(x / alpha))
    Kink: at 0 the slope is 1 from both sides; the second derivative jumps there, and is taken to be 0, that from above.
        (why: gradcli/engine/activations.py)
    Example: x = [-1., 0., 2.]
        celu(x, 2)
        backward sum(celu(x, 2))
    """
    if alpha == 0:
        raise ValueFailure("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _activated(a.celu, input, inplace, alpha, 1.0, 1 / alpha)


@function("leaky_relu", also=("F.leaky_relu",))
def leaky_relu(input: Tensor, negative_slope: Number = 0.01, inplace: Flag = False):
    """x above 0, negative_slope * x below.

    Shapes: any, and the result's is the same
    Derivative: where(x > 0, 1, negative_slope)
    Kink: at 0 the slope is that from below, negative_slope. (why: gradcli/engine/activations.py)
    Example: x = [-1., 0., 2.]
        leaky_relu(x, 0.1)
        backward sum(leaky_relu(x, 0.1))
    """
    return _activated(a.leaky_relu, input, inplace, negative_slope)


@function("hardtanh", also=("F.hardtanh",))
def hardtanh(input: Tensor, min_val: Number = -1.0, max_val: Number = 1.0, inplace: Flag = False):
    """Each element, kept between min_val and max_val; slope 0 at the bounds.

    Shapes: any, and the result's is the same
    Derivative: where((x > min_val) & (x < max_val), 1, 0)
    Kink: at the bounds the slope is 0, that of the flat sides; the slope of clamp is 1 there.
        (why: gradcli/engine/activations.py)
    Example: x = [-2., 0.5, 1.]
        hardtanh(x)
        backward sum(hardtanh(x))
    """
    if min_val > max_val:
        raise ValueFailure("min_val cannot be greater than max_val")
    return _activated(a.hardtanh, input, inplace, min_val, max_val)


@function("threshold", also=("F.threshold",))
def threshold(input: Tensor, threshold: Number, value: Number, inplace: Flag = False):
    """Each element above the threshold, and `value` in place of any other.

    Shapes: any, and the result's is the same
    Derivative: where(x > threshold, 1, 0)
    Kink: at the threshold itself the result is `value` and the slope 0, as below it.
        (why: gradcli/engine/activations.py)
    Example: x = [-1., 0.5, 2.]
        threshold(x, 0.5, 10)
        backward sum(threshold(x, 0.5, 10))
    """
    return _activated(a.threshold, input, inplace, threshold, value)


@function("softsign", also=("F.softsign",))
def softsign(input: Tensor):
    """x / (1 + |x|), element by element: from -1 to 1, with tails that thin out slower than those of tanh.

    Shapes: any, and the result's is the same
    Derivative: 1/(1 + abs(x))^2
    Example: x = [-3., 0., 1.]
        softsign(x)
        backward sum(softsign(x))
    """
    return e.div(input, e.add(e.abs(input), 1))


@function("tanhshrink", also=("F.tanhshrink",))
def tanhshrink(input: Tensor):
    """x - tanh(x), element by element: nearly 0 around 0, nearly x less its sign far from it.

    Shapes: any, and the result's is the same
    Derivative: tanh(x)^2
    Example: x = [-3., 0., 1.]
        tanhshrink(x)
        backward sum(tanhshrink(x))
    """
    return e.sub(input, tanh(input))


def _not_negative(lambd: float) -> None:
    if lambd < 0:
        raise ValueFailure(f"lambda must be greater or equal to 0, but found to be {lambd}.")


@function("hardshrink", also=("F.hardshrink",))
def hardshrink(input: Tensor, lambd: Number = 0.5):
    """Each element, but 0 from -lambd to lambd.

    Shapes: any, and the result's is the same
    Derivative: where(abs(x) > lambd, 1, 0)
    Kink: at -lambd and lambd, where it steps, the result and the slope are 0, as between them.
        (why: gradcli/engine/activations.py)
    Example: x = [-2., 0.3, 0.5, 2.]
        hardshrink(x)
        backward sum(hardshrink(x))
    """
    return a.hardshrink(input, lambd)


@function("softshrink", also=("F.softshrink",))
def softshrink(input: Tensor, lambd: Number = 0.5):
    """Each element brought nearer to 0 by lambd, and 0 from -lambd to lambd.

    Shapes: any, and the result's is the same
    Derivative: where(abs(x) > lambd, 1, 0)
    Kink: at -lambd and lambd the slope is 0, as between them. (why: gradcli/engine/activations.py)
    Example: x = [-2., 0.3, 0.5, 2.]
        softshrink(x)
        backward sum(softshrink(x))
    """
    _not_negative(lambd)
    return a.softshrink(input, lambd)


@function("prelu", also=("F.prelu",))
def prelu(input: Tensor, weight: Tensor):
    """x above 0, weight * x below; one weight, or one for each channel (dim 1).

    Shapes: (N, C, ...), () or (C,) or (1,) -> (N, C, ...); an input of one dim is one channel
    Derivative: input: where(input > 0, g, g * weight); weight: where(input > 0, 0, g * input), summed over the elements
        that share the weight
    Kink: at 0 the slope is that from below, weight. (why: gradcli/engine/activations.py)
    Example: x = [-2., -1., 3.]
        w = [0.25]
        prelu(x, w)
        backward sum(prelu(x, w))
    """
    if input.dtype != weight.dtype:
        raise TypeFailure(
            f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}",
            help="convert one of them, `.double()` or `.float()`",
        )
    if weight.ndim > 1:
        raise ShapeFailure(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}",
        )
    if weight.array.size != 1:
        if not input.ndim:
            raise ShapeFailure("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if weight.array.size != channels:
            raise ShapeFailure(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weight.array.size} "
                f"and channel size = {channels}."
            )
    shape = (1, -1, *(1,) * (input.ndim - 2)) if input.ndim > 1 else (1,) * input.ndim
    return a.prelu(input, reshape(weight, shape))


@function("rrelu", also=("F.rrelu",))
def rrelu(input: Tensor, lower: Number = 1 / 8, upper: Number = 1 / 3, training: Flag = False, inplace: Flag = False):
    """x above 0, below it a random multiple between lower and upper; their mean where it isn't training.

    Shapes: any, and the result's is the same
    Derivative: where(x > 0, 1, slope), with the slope that was drawn for the element, or without training
        (lower + upper)/2
    Kink: at 0 the slope is that from below. (why: gradcli/engine/activations.py)
    Example: x = [-1., -1., 2.]
        rrelu(x)
        y = rrelu(x, training=true)
        y
        backward sum(y)
    """
    if lower > upper:
        raise ValueFailure("Lower bound should be less than or equal to the upper bound")
    if not training:
        return _activated(a.mean_rrelu, input, inplace, (lower + upper) / 2)
    slopes = context.current().generator.uniform(lower, upper, input.shape)
    return _activated(a.noisy_rrelu, input, inplace, Tensor(np.asarray(slopes, input.dtype)[()], CUT))


# ---- over a dim


@function("glu", also=("F.glu",))
def glu(input: Tensor, dim: Whole = -1):
    """The first half along a dim times the sigmoid of the second: a gate on each value.

    Shapes: (..., 2 n, ...) -> (..., n, ...); `dim` is the one of 2 n, an even size
    Derivative: with the halves a and b, in a: g * sigmoid(b); in b: g * a * sigmoid(b) * (1 - sigmoid(b))
    Example: x = [3., 5., 0., 2.]
        glu(x)
        backward sum(glu(x))
    """
    if not input.ndim:
        raise ShapeFailure("glu does not support 0-dimensional tensors")
    axis = axis_of(dim, input.ndim)
    length = input.shape[axis]
    if length % 2:
        raise ShapeFailure(f"Halving dimension must be even, but dimension {axis} is size {length}")
    ahead = (slice(None),) * axis
    first, second = take(input, (*ahead, slice(0, length // 2))), take(input, (*ahead, slice(length // 2, length)))
    return relabel(e.mul(first, e.sigmoid(second)), "GluBackward0")


@function("F.softmin")
def softmin(input: Tensor, dim: OptionalWhole = None, *, dtype: Dtype = None):
    """softmax(-x) along a dim: positive numbers that add up to 1, the largest where x is smallest.

    Shapes: (..., n, ...) -> the same; `dim` is the one of n (without it the first of tensors of 0, 1 or 3 dims, the
        second of others)
    Derivative: out * (sum(g * out, dim, keepdim=true) - g)
    Example: x = [1., 2., 3.]
        p = F.softmin(x, 0)
        p
        backward p[0]
    """
    opposite = e.neg(input)
    return softmax(opposite if dtype is None else as_tensor(opposite, dtype), dim)


@function("F.normalize")
def normalize(input: Tensor, p: Number = 2.0, dim: Dims = 1, eps: Number = 1e-12):
    """Vectors along a dim, or what several dims hold, divided by their p-norm (at least eps).

    Shapes: (..., n, ...) -> the same; `dim` is the one of n, or several, or none for all
    Derivative: for p=2 (g - out * sum(g * out, dim, keepdim=true)) / norm(x, 2, dim, keepdim=true), and g / eps where
        the norm is below eps; for other p that of `x / clamp_min(norm(x, p, dim, keepdim=true), eps)`
    Kink: a vector of zeros stays one, and its gradient is g / eps; at a norm of eps itself the slope of the bound is 1.
        (why: gradcli/engine/reductions.py and gradcli/engine/elementwise.py)
    Example: x = [[3., 4.]]
        F.normalize(x)
        backward F.normalize(x)[0, 0]
    """
    size = r.norm(input, p, axes_of(dim, input.ndim), True)
    return e.div(input, e.clamp_numbers(size, eps, None))


@function("F.gumbel_softmax")
def gumbel_softmax(logits: Tensor, tau: Number = 1, hard: Flag = False, eps: Number = 1e-10, dim: Whole = -1):
    """A sample of the Gumbel-softmax distribution; `hard` makes it one-hot, with the soft sample's gradient.

    The larger a logit, the more often its place is the largest; the lower tau, the nearer a sample is to one-hot.

    Source: Jang, Gu and Poole, "Categorical Reparameterization with Gumbel-Softmax".

    Shapes: (..., n, ...) -> the same; `dim` is the one of n; tau > 0, and eps has no meaning, as in PyTorch
    Derivative: soft * (g - sum(g * soft, dim, keepdim=true)) / tau, where soft is the sample without `hard`
    Kink: with `hard` the 1 stands at the soft sample's largest element, the first of several; the gradient isn't a
        step's but that of the soft sample.
    Example: x = [1., 2., 3.]
        F.gumbel_softmax(x)
        y = F.gumbel_softmax(x, tau=2, hard=true)
        y
        backward y[0]
    """
    noise = -np.log(context.current().generator.exponential(size=logits.shape))
    soft = softmax(e.div(e.add(logits, Tensor(np.asarray(noise, logits.dtype)[()], CUT)), tau), dim)
    if not hard:
        return soft
    values = np.atleast_1d(soft.array)
    one_hot = np.zeros_like(values)
    axis = axis_of(dim, logits.ndim)
    np.put_along_axis(one_hot, np.argmax(values, axis=axis, keepdims=True), 1, axis)
    # Less the soft sample's value and plus the sample itself: the value of the one, the gradient of the other.
    constant = np.reshape(one_hot - values, logits.shape)[()]
    return e.add(Tensor(constant, CUT), soft)
