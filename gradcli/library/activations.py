"""torch.nn.functional: activation functions, each also in place where torch has it so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, inplace
from gradcli.engine import activations as a
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine.indexing import take
from gradcli.engine.operation import relabel
from gradcli.engine.shaping import reshape
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library import context
from gradcli.library.arguments import Dtype, Flag, Number, OptionalWhole, Text, Whole, axis_of
from gradcli.library.reducing import softmax
from gradcli.library.vocabulary import FUNCTIONS, function


def _activated(activation: Callable[..., Tensor], input: Tensor, in_place: bool, *parameters: Any) -> Tensor:
    return inplace.changed(activation, input, *parameters) if in_place else activation(input, *parameters)


def _enter(name: str, activation: Callable[..., Tensor], words: str, in_place: bool = True) -> None:
    """Enters an activation without parameters: under its name, and behind `F.`."""

    def body(input: Tensor, inplace: Flag = False):
        return _activated(activation, input, inplace)

    def without(input: Tensor):
        return activation(input)

    chosen = body if in_place else without
    chosen.__name__, chosen.__doc__ = name, words
    function(name, also=(f"F.{name}",))(chosen)


def _relu6(input: Tensor) -> Tensor:
    return a.hardtanh(input, 0.0, 6.0)


def _selu(input: Tensor) -> Tensor:
    # Klambauer et al., "Self-Normalizing Neural Networks", equation 14.
    return a.elu(input, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1.0)


_enter("silu", a.silu, "x * sigmoid(x), element by element.")
_enter("mish", a.mish, "x * tanh(softplus(x)), element by element.")
_enter("relu6", _relu6, "Each element, kept between 0 and 6.")
_enter("selu", _selu, "A scaled elu that keeps mean 0 and variance 1 from layer to layer.")
_enter("hardsigmoid", a.hardsigmoid, "(x + 3)/6, kept between 0 and 1, element by element.")
_enter("hardswish", a.hardswish, "x * hardsigmoid(x), element by element.")
_enter("logsigmoid", a.log_sigmoid, "log(sigmoid(x)) without overflow, element by element.", in_place=False)


@function("F.relu")
def relu(input: Tensor, inplace: Flag = False):
    """The larger of 0 and each element."""
    return _activated(e.relu, input, inplace)


@function("gelu", also=("F.gelu",))
def gelu(input: Tensor, *, approximate: Text = "none"):
    """x times the normal distribution function of x; approximate="tanh" takes the faster form."""
    if approximate not in ("none", "tanh"):
        raise ValueFailure("approximate argument must be either none or tanh.", help='`gelu(x, approximate="tanh")`')
    return (a.gelu if approximate == "none" else a.gelu_tanh)(input)


@function("elu", also=("F.elu",))
def elu(input: Tensor, alpha: Number = 1.0, inplace: Flag = False):
    """x above 0, alpha * (exp(x) - 1) below."""
    return _activated(a.elu, input, inplace, alpha, 1.0, 1.0)


@function("celu", also=("F.celu",))
def celu(input: Tensor, alpha: Number = 1.0, inplace: Flag = False):
    """x above 0, alpha * (exp(x / alpha) - 1) below."""
    if alpha == 0:
        raise ValueFailure("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _activated(a.celu, input, inplace, alpha, 1.0, 1 / alpha)


@function("leaky_relu", also=("F.leaky_relu",))
def leaky_relu(input: Tensor, negative_slope: Number = 0.01, inplace: Flag = False):
    """x above 0, negative_slope * x below."""
    return _activated(a.leaky_relu, input, inplace, negative_slope)


@function("hardtanh", also=("F.hardtanh",))
def hardtanh(input: Tensor, min_val: Number = -1.0, max_val: Number = 1.0, inplace: Flag = False):
    """Each element, kept between min_val and max_val; slope 0 at the bounds."""
    if min_val > max_val:
        raise ValueFailure("min_val cannot be greater than max_val")
    return _activated(a.hardtanh, input, inplace, min_val, max_val)


@function("threshold", also=("F.threshold",))
def threshold(input: Tensor, threshold: Number, value: Number, inplace: Flag = False):
    """Each element above the threshold, and `value` in place of any other."""
    return _activated(a.threshold, input, inplace, threshold, value)


@function("softsign", also=("F.softsign",))
def softsign(input: Tensor):
    """x / (1 + |x|), element by element."""
    return e.div(input, e.add(e.abs(input), 1))


@function("tanhshrink", also=("F.tanhshrink",))
def tanhshrink(input: Tensor):
    """x - tanh(x), element by element."""
    return e.sub(input, e.tanh(input))


def _not_negative(lambd: float) -> None:
    if lambd < 0:
        raise ValueFailure(f"lambda must be greater or equal to 0, but found to be {lambd}.")


@function("hardshrink", also=("F.hardshrink",))
def hardshrink(input: Tensor, lambd: Number = 0.5):
    """Each element, and 0 between -lambd and lambd."""
    return a.hardshrink(input, lambd)


@function("softshrink", also=("F.softshrink",))
def softshrink(input: Tensor, lambd: Number = 0.5):
    """Each element brought nearer to 0 by lambd; 0 between -lambd and lambd."""
    _not_negative(lambd)
    return a.softshrink(input, lambd)


@function("prelu", also=("F.prelu",))
def prelu(input: Tensor, weight: Tensor):
    """x above 0, weight * x below; one weight, or one for each channel (dim 1)."""
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
    """x above 0, below it a random multiple between lower and upper; their mean where it isn't training."""
    if lower > upper:
        raise ValueFailure("Lower bound should be less than or equal to the upper bound")
    if not training:
        return _activated(a.mean_rrelu, input, inplace, (lower + upper) / 2)
    slopes = context.current().generator.uniform(lower, upper, input.shape)
    return _activated(a.noisy_rrelu, input, inplace, Tensor(np.asarray(slopes, input.dtype)[()], CUT))


def _in_place(name: str, keys: tuple[str, ...]) -> None:
    """Enters the function that changes its input in place: `elu_` beside `elu`."""
    forward = FUNCTIONS[name]

    def body(input, *parameters, **named):
        return forward(input, *parameters, inplace=True, **named)

    body.__name__, body.__doc__ = f"{name}_", f"{name}, in place."
    function(keys[0], also=keys[1:], plain=True)(body)


for _name in ("celu", "selu", "rrelu", "threshold"):
    _in_place(_name, (f"{_name}_", f"F.{_name}_"))
for _name in ("elu", "leaky_relu", "hardtanh"):
    _in_place(_name, (f"F.{_name}_",))


# ---- over a dim


@function("glu", also=("F.glu",))
def glu(input: Tensor, dim: Whole = -1):
    """The first half along a dim times the sigmoid of the second."""
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
    """softmax(-x) along a dim."""
    return softmax(e.neg(input), dim, dtype=dtype)


@function("F.normalize")
def normalize(input: Tensor, p: Number = 2.0, dim: Whole = 1, eps: Number = 1e-12):
    """Vectors along a dim divided by their p-norm (at least eps)."""
    size = r.norm(input, p, axis_of(dim, input.ndim), True)
    return e.div(input, e.clamp_numbers(size, eps, None))


@function("F.gumbel_softmax")
def gumbel_softmax(logits: Tensor, tau: Number = 1, hard: Flag = False, eps: Number = 1e-10, dim: Whole = -1):
    """A sample of the Gumbel-softmax distribution; `hard` makes it one-hot, with the soft sample's gradient.

    Source: Jang, Gu and Poole, "Categorical Reparameterization with Gumbel-Softmax".
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
