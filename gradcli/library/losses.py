"""torch.nn.functional: losses, written in terms of other functions."""

from __future__ import annotations

from math import pi, prod
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine import elementwise as e
from gradcli.engine import losses as l
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.conversion import promoted
from gradcli.engine.operation import relabel
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Flag, Number, OptionalTensor, OptionalWhole, Text
from gradcli.library.functional import cross_entropy, linear, reduced, weighted
from gradcli.library.vocabulary import function

# ---- distances between predictions and targets


def _difference(input: Tensor, target: Tensor) -> Tensor:
    return e.sub(*promoted(input, target))


def _huber(difference: Tensor, delta: float) -> Tensor:
    """Half the square within delta, and the line that goes on from there."""
    size = e.abs(difference)
    inside = size.array < delta
    # Each branch on what is its own: a square outside could overflow.
    square = e.mul(e.pow_number(e.masked_fill(Tensor(~inside, CUT), as_tensor(0.0, size.dtype), difference), 2), 0.5)
    return e.where(Tensor(inside, CUT), square, e.mul(e.sub(size, delta / 2), delta))


@function("F.huber_loss")
def huber_loss(input: Tensor, target: Tensor, reduction: Text = "mean", delta: Number = 1.0,
               weight: OptionalTensor = None):  # fmt: skip
    """Half the squared difference within delta, and delta times (the difference - delta/2) beyond.

    Outliers count as in l1_loss, the rest as in mse_loss. weight multiplies the losses; unlike in those two, the mean
    is over their number all the same.

    Shapes: any two that broadcast -> (); weight has the shape of input; with reduction="none" their broadcast shape
    Derivative: input: clamp(input - target, -delta, delta) / n; target: clamp(target - input, -delta, delta) / n, where
        n is the number of losses, and 1 with reduction="sum"; both times weight; weight: the loss without it / n
    Example: x = [1., 2.5, 9.]
        loss = F.huber_loss(x, [1., 2., 3.])
        loss
        backward loss
    """
    if delta <= 0:
        raise ValueFailure("huber_loss does not support non-positive values for delta.")
    loss = _huber(_difference(input, target), delta)
    if weight is not None:
        return reduced(weighted(loss, weight, input.shape), reduction)
    return relabel(reduced(loss, reduction), "HuberLossBackward0")


@function("F.smooth_l1_loss")
def smooth_l1_loss(input: Tensor, target: Tensor, *, reduction: Text = "mean", beta: Number = 1.0):
    """The squared difference / (2 beta) within beta, and the difference - beta/2 beyond.

    Shapes: any two that broadcast -> (); with reduction="none" their broadcast shape
    Derivative: input: clamp((input - target) / beta, -1, 1) / n; target: clamp((target - input) / beta, -1, 1) / n,
        where n is the number of losses, and 1 with reduction="sum"
    Kink: with beta=0 it is l1_loss, whose slope is 0 where the two are equal. (why: gradcli/engine/elementwise.py)
    Example: x = [1., 2.5, 9.]
        loss = F.smooth_l1_loss(x, [1., 2., 3.])
        loss
        backward loss
    """
    if beta < 0:
        raise ValueFailure("smooth_l1_loss does not support negative values for beta.")
    difference = _difference(input, target)
    if beta == 0:
        return reduced(e.abs(difference), reduction)
    return relabel(reduced(e.div(_huber(difference, beta), beta), reduction), "SmoothL1LossBackward0")


@function("F.kl_div", also=("kl_div",))
def kl_div(input: Tensor, target: Tensor, *, reduction: Text = "mean", log_target: Flag = False):
    """The Kullback-Leibler divergence of a target from log-probabilities; "batchmean" divides by the samples.

    It is target * (log(target) - input), and exp(target) * (target - input) where the target is in logarithms too.

    Shapes: any two that broadcast -> (); with reduction="none" their broadcast shape; input is log-probabilities
    Derivative: input: -target / n; target: (log(target) + 1 - input) / n, where n is the number of losses, and 1 with
        reduction="sum"; with log_target=true, input: -exp(target) / n; target: exp(target) * (target - input + 1) / n
    Kink: a target of 0 adds 0 to the loss, and its own gradient is nan, as that of `xlogy(target, target)`. (why:
        gradcli/engine/losses.py)
    Example: x = [0.7, 0.2, 0.1]
        loss = F.kl_div(log(x), [0.5, 0.5, 0.], reduction="sum")
        loss
        backward loss
    """
    input, target = promoted(input, target)
    loss = e.mul(e.exp(target), e.sub(target, input)) if log_target else e.sub(l.x_log_x(target), e.mul(target, input))
    if reduction == "batchmean":
        return e.div(r.sum(loss), float(input.shape[0])) if input.ndim else r.sum(loss)
    return reduced(loss, reduction)


@function("F.poisson_nll_loss", also=("poisson_nll_loss",))
def poisson_nll_loss(input: Tensor, target: Tensor, log_input: Flag = True, full: Flag = False, *,
                     eps: Number = 1e-08, reduction: Text = "mean"):  # fmt: skip
    """Minus the log-likelihood of counts; `full` adds Stirling's formula for log(target!).

    The input is the logarithm of the expected count, or with log_input=false the count itself.

    Shapes: any two that broadcast -> (); with reduction="none" their broadcast shape
    Derivative: input: (exp(input) - target) / n; target: -input / n, where n is the number of losses, and 1 with
        reduction="sum"; with log_input=false, input: (1 - target / (input + eps)) / n; target: -log(input + eps) / n;
        full adds (log(target) + 1 / (2 * target)) / n in target
    Kink: Stirling's formula counts for targets above 1 alone, and adds nothing, in the gradient either, to one of 1.
        (why: gradcli/library/losses.py)
    Example: x = [0., 1., 2.]
        loss = F.poisson_nll_loss(x, [1., 2., 8.])
        loss
        backward loss
    """
    if log_input:
        loss = e.sub(e.exp(input), e.mul(target, input))
    else:
        loss = e.sub(input, e.mul(target, e.log(e.add(input, eps))))
    if full:
        # As in torch: for 0! and 1! the formula says nothing, and 1 in place of the others keeps 0 from its logarithms.
        many = target > 1
        count = e.where(many, target, 1.0)
        stirling = e.add(e.sub(e.mul(count, e.log(count)), count), e.mul(e.log(e.mul(count, 2 * pi)), 0.5))
        loss = e.add(loss, e.where(many, stirling, 0.0))
    return reduced(loss, reduction)


@function("F.gaussian_nll_loss")
def gaussian_nll_loss(input: Tensor, target: Tensor, var: Any, full: Flag = False, eps: Number = 1e-06,
                      reduction: Text = "mean"):  # fmt: skip
    """Minus the log-likelihood of normal targets, by mean and variance (at least eps).

    It is (log(var) + (input - target)^2 / var) / 2, and with `full` log(2 pi) / 2 more.

    Shapes: (..., n), (..., n) -> (); var (..., n), (..., 1), (...) or one number, none negative; with reduction="none"
        (..., n)
    Derivative: input: (input - target) / var / n; target: (target - input) / var / n; var: (1 / var - (input -
        target)^2 / var^2) / (2 * n), where n is the number of losses, and 1 with reduction="sum"
    Kink: a var below eps counts as eps, in the gradient too, which isn't cut off there. (why:
        gradcli/library/losses.py)
    Example: mean = [0., 1.]
        var = [1., 4.]
        loss = F.gaussian_nll_loss(mean, [1., 1.], var)
        loss
        backward loss
    """
    var = as_tensor(var)
    if var.shape != input.shape and var.ndim:
        if input.shape[:-1] == var.shape:
            var = s.expand_dims(var, -1)
        elif input.shape[:-1] != var.shape[:-1] or var.shape[-1] != 1:
            raise ValueFailure("var is of incorrect size")
    if np.any(np.asarray(var.array) < 0):
        raise ValueFailure("var has negative entry/entries")
    var = at_least(var, eps)
    loss = e.mul(e.add(e.log(var), e.div(e.pow_number(_difference(input, target), 2), var)), 0.5)
    if full:
        loss = e.add(loss, 0.5 * float(np.log(2 * pi)))
    return reduced(loss, reduction)


def at_least(input: Tensor, least: float) -> Tensor:
    """The input, and at least a number; as in torch, the bound is no matter of gradients: the slope is 1 throughout."""
    array = np.asarray(input.array)
    return input if np.all(array >= least) else e.add(input, Tensor(np.maximum(least - array, 0)[()], CUT))


def whole(target: Tensor) -> np.ndarray:
    """Class numbers, whatever the type of number."""
    classes = np.asarray(target.array)
    whole = classes.astype(np.int64)
    if not np.array_equal(whole, classes):
        raise TypeFailure(
            f"expected target dtype to be Long, but got {target.dtype}", help="classes are whole numbers from 0 on"
        )
    return whole


# ---- of layers


@function("F.linear_cross_entropy")
def linear_cross_entropy(input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: OptionalTensor = None,
                         weight: OptionalTensor = None, reduction: Text = "mean", ignore_index: OptionalWhole = None,
                         label_smoothing: Number = 0.0):  # fmt: skip
    """The cross-entropy of the scores linear(input, linear_weight, linear_bias) and the target.

    `linear_cross_entropy(x, W, t)` is `cross_entropy(linear(x, W), t)`, with the same weight, ignore_index and
    label_smoothing.

    Shapes: (N, in), (C, in), (N) -> (), or (in), (C, in), () -> (), or (N, in), (C, d1, ..., in), (N, d1, ...) -> ();
        linear_bias (C, d1, ...); weight (C); a target of probabilities has the shape of the scores, (N, C, d1, ...);
        with reduction="none" (N, d1, ...)
    Derivative: with s = (softmax(scores, 1) - target) / n, as in cross_entropy, input: s @ linear_weight;
        linear_weight: s.mT @ input; linear_bias: sum(s, 0); a target of probabilities: -log_softmax(scores, 1) / n
    Kink: a target of ignore_index counts for nothing; where all are ignored the mean is nan, and the gradient 0. (why:
        gradcli/library/functional.py)
    Example: x = [[1., 2.]]
        W = [[1., 0.], [0., 1.], [1., 1.]]
        loss = F.linear_cross_entropy(x, W, [2])
        loss
        backward loss
    """
    if not 1 <= input.ndim <= 2:
        raise ShapeFailure(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if linear_weight.ndim < 2:
        raise ShapeFailure(f"expected linear_weight with dimensionality at least 2, got {linear_weight.ndim}")
    if input.shape[-1] != linear_weight.shape[-1]:
        raise ShapeFailure(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.shape[-1]} and {linear_weight.shape[-1]}, respectively"
        )
    classes, *places = outputs = linear_weight.shape[:-1]
    if linear_bias is not None and linear_bias.shape != outputs:
        raise ShapeFailure(f"expected linear_bias shape {outputs}, got {linear_bias.shape}")
    if places and input.ndim < 2:
        raise ShapeFailure(
            f"K-dimensional loss defined by linear_weight shape {linear_weight.shape} requires batched input, "
            f"(N, {input.shape[-1]}), got unbatched input with shape {input.shape}"
        )
    if places:
        count = prod(outputs)
        linear_weight = s.reshape(linear_weight, (count, input.shape[-1]))
        linear_bias = None if linear_bias is None else s.reshape(linear_bias, (count,))
    scores = linear(input, linear_weight, linear_bias)
    if places:
        scores = s.reshape(scores, (input.shape[0], classes, *places))
    if ignore_index is not None and target.shape == scores.shape and target.dtype.kind == "f":
        raise ValueFailure("ignore_index cannot be specified when target contains probabilities")
    return cross_entropy(
        scores, target, weight, reduction=reduction, ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
    )  # fmt: skip
