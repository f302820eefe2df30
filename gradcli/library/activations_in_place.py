"""torch.nn.functional: activations written into the tensor that they get."""

from __future__ import annotations

from collections.abc import Callable

from gradcli.engine import Tensor
from gradcli.library import activations
from gradcli.library.arguments import Flag, Number
from gradcli.library.vocabulary import function


def in_place(*keys: str, given: str = "") -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Enters the function that changes its input, `elu_` beside `elu`; its example is `given` more arguments."""

    def enter(body: Callable[..., Tensor]) -> Callable[..., Tensor]:
        name = body.__name__.removesuffix("_")
        body.__doc__ = f"""{name} of a tensor, written into the tensor itself.

    Shapes: any, and the result is the tensor, changed
    Derivative: that of `{name}`
    Kink: that of `{name}`. A leaf that requires grad can't be changed in place; what is computed from it can.
    Example: x = [-1., 0., 2.]
        y = x.clone()
        {keys[0]}(y{given})
        y
        backward sum(y)
    """
        return function(keys[0], also=keys[1:])(body)

    return enter


@in_place("celu_", "F.celu_")
def celu_(input: Tensor, alpha: Number = 1.0):
    return activations.celu(input, alpha, True)


@in_place("selu_", "F.selu_")
def selu_(input: Tensor):
    return activations.selu(input, True)


@in_place("rrelu_", "F.rrelu_")
def rrelu_(input: Tensor, lower: Number = 1 / 8, upper: Number = 1 / 3, training: Flag = False):
    return activations.rrelu(input, lower, upper, training, True)


@in_place("threshold_", "F.threshold_", given=", 0.5, 10")
def threshold_(input: Tensor, threshold: Number, value: Number):
    return activations.threshold(input, threshold, value, True)


@in_place("F.elu_")
def elu_(input: Tensor, alpha: Number = 1.0):
    return activations.elu(input, alpha, True)


@in_place("F.leaky_relu_")
def leaky_relu_(input: Tensor, negative_slope: Number = 0.01):
    return activations.leaky_relu(input, negative_slope, True)


@in_place("F.hardtanh_")
def hardtanh_(input: Tensor, min_val: Number = -1.0, max_val: Number = 1.0):
    return activations.hardtanh(input, min_val, max_val, True)
