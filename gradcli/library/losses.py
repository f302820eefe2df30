"""torch.nn.functional: losses, written in terms of other functions."""

from __future__ import annotations

from math import inf, pi, prod
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine import activations as a
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.conversion import promoted
from gradcli.engine.operation import relabel, variant
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Callback, Flag, Number, OptionalTensor, OptionalWhole, Text, Whole, axis_of
from gradcli.library.functional import cross_entropy, linear, reduced
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

    Outliers count as in l1_loss, the rest as in mse_loss. With weight the mean is the weighted one.

    Shapes: any two that broadcast -> (); weight is any that broadcasts to them; with reduction="none" their broadcast
        shape
    Derivative: input: clamp(input - target, -delta, delta) / n; target: clamp(target - input, -delta, delta) / n, where
        n is the number of losses, and 1 with reduction="sum"
    Example: x = [1., 2.5, 9.]
        loss = F.huber_loss(x, [1., 2., 3.])
        loss
        backward loss
    """
    if delta <= 0:
        raise ValueFailure("huber_loss does not support non-positive values for delta.")
    loss = _huber(_difference(input, target), delta)
    if weight is not None:
        loss = e.mul(loss, weight)
        if reduction == "mean":
            return e.div(r.sum(loss), r.sum(s.broadcast_to(weight, loss.shape)))
        return reduced(loss, reduction)
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
    Kink: a target of 0 adds 0 to the loss, and its own gradient is -input / n, without the infinite logarithm; in
        PyTorch it is nan. (why: gradcli/library/losses.py)
    Example: x = [0.7, 0.2, 0.1]
        loss = F.kl_div(log(x), [0.5, 0.5, 0.], reduction="sum")
        loss
        backward loss
    """
    input, target = promoted(input, target)
    if log_target:
        loss = e.mul(e.exp(target), e.sub(target, input))
    else:
        # t log t is 0 where t is, and its slope is taken to be 0 there: the true one, minus infinity, would spoil more
        # than it told.
        safe = e.where(target == 0, 1.0, target)
        loss = e.sub(e.mul(target, e.log(safe)), e.mul(target, input))
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
    var = _at_least(var, eps)
    loss = e.mul(e.add(e.log(var), e.div(e.pow_number(_difference(input, target), 2), var)), 0.5)
    if full:
        loss = e.add(loss, 0.5 * float(np.log(2 * pi)))
    return reduced(loss, reduction)


def _at_least(input: Tensor, least: float) -> Tensor:
    """The input, and at least a number; as in torch, the bound is no matter of gradients: the slope is 1 throughout."""
    array = np.asarray(input.array)
    return input if np.all(array >= least) else e.add(input, Tensor(np.maximum(least - array, 0)[()], CUT))


# ---- margins: torch's slope is 1 at a clamp's bound, and 0 where it compares with `> 0`

_clamp_min = variant(e.clamp, "ClampMinBackward0")


def _floor(input: Tensor) -> Tensor:
    return _clamp_min(input, 0, None)


@function("F.margin_ranking_loss", also=("margin_ranking_loss",))
def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: Number = 0, *,
                        reduction: Text = "mean"):  # fmt: skip
    """max(0, margin - target * (input1 - input2)); the target, 1 or -1, says which should be larger.

    Shapes: any three of as many dims that broadcast -> (); with reduction="none" their broadcast shape
    Derivative: where the margin is broken input1: -target / n; input2: target / n; target: (input2 - input1) / n;
        elsewhere 0, where n is the number of losses, and 1 with reduction="sum"
    Kink: where the margin is just kept the loss is 0, and the slope that of a pair which breaks it. (why:
        gradcli/library/losses.py)
    Example: x = [3., 1., 2.]
        loss = F.margin_ranking_loss(x, [1., 2., 2.], [1., 1., 1.])
        loss
        backward loss
    """
    if not input1.ndim == input2.ndim == target.ndim:
        raise ShapeFailure(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    return reduced(_floor(e.add(e.mul(e.neg(target), e.sub(input1, input2)), margin)), reduction)


@function("F.hinge_embedding_loss", also=("hinge_embedding_loss",))
def hinge_embedding_loss(input: Tensor, target: Tensor, margin: Number = 1.0, *, reduction: Text = "mean"):
    """The input where the target is 1, and max(0, margin - input) where it's -1.

    For distances: of pairs that belong together, and of pairs that should be apart by the margin.

    Shapes: any two that broadcast -> (); with reduction="none" their broadcast shape; the target is 1 or -1
    Derivative: where(target == 1, 1, where(input <= margin, -1, 0)) / n, where n is the number of losses, and 1 with
        reduction="sum"
    Kink: at the margin itself the slope is -1; a target that is neither 1 nor -1 counts as both. (why:
        gradcli/library/losses.py)
    Example: x = [0.5, 0.5, 2.]
        loss = F.hinge_embedding_loss(x, [1., -1., -1.])
        loss
        backward loss
    """
    try:
        np.broadcast_shapes(input.shape, target.shape)
    except ValueError:
        raise shape_clash(input.shape, target.shape) from None
    apart = e.where(target == 1, 0.0, _floor(e.rsub(margin, input)))
    together = e.where(target == -1, 0.0, input)
    return reduced(e.add(apart, together), reduction)


@function("F.soft_margin_loss")
def soft_margin_loss(input: Tensor, target: Tensor, *, reduction: Text = "mean"):
    """log(1 + exp(-target * input)), without overflow: the logistic loss, for a target of 1 or -1.

    Shapes: any two that broadcast -> (); with reduction="none" their broadcast shape
    Derivative: input: -target * sigmoid(-target * input) / n; target: -input * sigmoid(-target * input) / n, where n is
        the number of losses, and 1 with reduction="sum"
    Example: x = [-1000., 0., 3.]
        loss = F.soft_margin_loss(x, [1., 1., 1.], reduction="sum")
        loss
        backward loss
    """
    return relabel(reduced(e.softplus(e.neg(e.mul(target, input)), 1, inf), reduction), "SoftMarginLossBackward0")


@function("F.multi_margin_loss")
def multi_margin_loss(input: Tensor, target: Tensor, p: Whole = 1, margin: Number = 1.0,
                      weight: OptionalTensor = None, *, reduction: Text = "mean"):  # fmt: skip
    """The mean over the other classes of max(0, margin - x[target] + x[j])^p.

    Each other class j should be below the target's by the margin. weight multiplies a sample's loss by that of its
    target.

    Shapes: (N, C), (N) -> (), or (C), () -> (); weight (C); with reduction="none" (N); targets are whole numbers from 0
        to C - 1
    Derivative: for p=1 1 / C / N in each x[j] that is too near, and minus their sum in x[target]; for p=2 with a factor
        2 * (margin - x[target] + x[j]); times weight[target]; without the N with reduction="sum"
    Kink: a class that is below by just the margin has the slope 0. (why: gradcli/library/losses.py)
    Example: x = [[2., 1., 1.8]]
        loss = F.multi_margin_loss(x, [0])
        loss
        backward loss
    """
    if p not in (1, 2):
        raise ValueFailure("only p == 1 and p == 2 supported")
    rows = s.reshape(input, (1, -1)) if input.ndim < 2 else input
    classes = whole(target).reshape(-1)
    count = rows.shape[-1]
    if rows.ndim != 2 or not count or classes.shape != rows.shape[:1]:
        raise ShapeFailure(f"inconsistent target size: {list(target.shape)} for an input of size {list(input.shape)}")
    if np.any((classes < 0) | (classes >= count)):
        raise ValueFailure("target out of range", help=f"classes count from 0 to {count - 1}")
    places = np.arange(len(classes))
    hinge = e.relu(e.add(e.sub(rows, s.getitem_index(rows, (places[:, None], classes[:, None]))), margin))
    if p == 2:
        hinge = e.pow_number(hinge, 2)
    scale = (np.arange(count) != classes[:, None]) / np.asarray(count, rows.dtype)
    losses = e.mul(hinge, Tensor(scale.astype(rows.dtype), CUT))
    if weight is not None:
        losses = e.mul(losses, s.reshape(Tensor(np.asarray(weight.array)[classes], CUT), (-1, 1)))
    losses = r.sum_dim(losses, 1, False)
    if input.ndim < 2:
        losses = s.reshape(losses, ())
    return relabel(reduced(losses, reduction), "MultiMarginLossBackward0")


def whole(target: Tensor) -> np.ndarray:
    """Class numbers, whatever the type of number."""
    classes = np.asarray(target.array)
    whole = classes.astype(np.int64)
    if not np.array_equal(whole, classes):
        raise TypeFailure(
            f"expected target dtype to be Long, but got {target.dtype}", help="classes are whole numbers from 0 on"
        )
    return whole


@function("F.multilabel_margin_loss")
def multilabel_margin_loss(input: Tensor, target: Tensor, *, reduction: Text = "mean"):
    """The mean over the classes of max(0, 1 - (x[t] - x[j])), for each target t and each j that is none.

    A row of targets ends at its first -1.

    Shapes: (N, C), (N, C) -> (), or (C), (C) -> (); with reduction="none" (N) or (); targets are whole numbers from -1
        to C - 1
    Derivative: for each pair with x[t] - x[j] < 1, 1 / C / N in x[j] and -1 / C / N in x[t]; without the N with
        reduction="sum"
    Kink: a pair that is apart by just 1 has the slope 0. (why: gradcli/library/losses.py)
    Example: x = [0.1, 0.2, 0.4, 0.8]
        loss = F.multilabel_margin_loss(x, [3, 0, -1, 1])
        loss
        backward loss
    """
    if input.shape != target.shape or input.ndim > 2:
        raise ShapeFailure(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    rows = s.reshape(input, (1, -1)) if input.ndim < 2 else input
    classes = whole(target).reshape(rows.shape)
    count = rows.shape[-1]
    if np.any((classes < -1) | (classes >= count)):
        raise ValueFailure("target out of range", help=f"classes count from 0 to {count - 1}")
    listed = np.cumsum(classes < 0, axis=1) == 0
    places = np.arange(rows.shape[0])[:, None]
    aimed = np.zeros((rows.shape[0], count + 1), bool)
    aimed[places, np.where(listed, classes, count)] = True
    chosen = s.getitem_index(rows, (places, np.where(listed, classes, 0)))
    hinge = e.relu(e.add(e.sub(s.expand_dims(rows, 1), s.expand_dims(chosen, 2)), 1))
    counted = listed[:, :, None] & ~aimed[:, None, :count]
    losses = r.sum_dim(e.mul(hinge, Tensor(counted.astype(rows.dtype) / max(count, 1), CUT)), (1, 2), False)
    if input.ndim < 2:
        losses = s.reshape(losses, ())
    return relabel(reduced(losses, reduction), "MultilabelMarginLossBackward0")


@function("F.multilabel_soft_margin_loss")
def multilabel_soft_margin_loss(input: Tensor, target: Tensor, weight: OptionalTensor = None, *,
                                reduction: Text = "mean"):  # fmt: skip
    """The mean over the classes of the cross-entropy of sigmoid(input) and target.

    Shapes: (..., C), any that broadcasts to it -> (); weight is any that broadcasts; with reduction="none" (...); the
        target is 1 where a class holds and 0 where not
    Derivative: input: (sigmoid(input) - target) / C / N; target: -input / C / N, where N is the number of samples, and
        1 with reduction="sum"; both times weight
    Example: x = [[2., -1., 0.]]
        loss = F.multilabel_soft_margin_loss(x, [[1., 0., 1.]])
        loss
        backward loss
    """
    no = e.mul(e.rsub(1, target), a.log_sigmoid(e.neg(input)))
    loss = e.neg(e.add(e.mul(target, a.log_sigmoid(input)), no))
    if weight is not None:
        loss = e.mul(loss, weight)
    axis = input.ndim - 1
    return reduced(e.div(r.sum_dim(loss, axis, False), float(input.shape[axis])), reduction)


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


# ---- angles and distances


@function("F.cosine_similarity", also=("cosine_similarity",))
def cosine_similarity(x1: Tensor, x2: Tensor, dim: Whole = 1, eps: Number = 1e-08):
    """The cosine of the angle between vectors along a dim; their norms are at least eps.

    Shapes: (..., n, ...), any that broadcasts with it -> (..., ...); `dim` is the one of n, and goes
    Derivative: x1: g * (x2 / norm(x2) - out * x1 / norm(x1)) / norm(x1); x2: g * (x1 / norm(x1) - out * x2 / norm(x2))
        / norm(x2), with the norms along the dim
    Kink: a vector of zeros has the cosine 0 with any other, and the gradient g * x2 / norm(x2) / eps. (why:
        gradcli/library/losses.py)
    Example: x = [3., 4.]
        c = cosine_similarity(x, [1., 0.], dim=0)
        c
        backward c
    """
    x1, x2 = promoted(x1, x2)
    if x1.dtype.kind != "f":
        raise TypeFailure(
            f"expected common dtype to be floating point, yet common dtype is {x1.dtype}",
            help="make one of them real: `x.double()`",
        )
    try:
        shape = np.broadcast_shapes(x1.shape, x2.shape)
    except ValueError:
        raise shape_clash(x1.shape, x2.shape) from None
    axis = axis_of(dim, len(shape))
    x1, x2 = (x if x.shape == shape else s.broadcast_to(x, shape) for x in (x1, x2))
    first, second = (e.div(x, _at_least(r.norm(x, 2, axis, True), eps)) for x in (x1, x2))
    return r.sum_dim(e.mul(first, second), axis, False)


@function("F.cosine_embedding_loss", also=("cosine_embedding_loss",))
def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: Number = 0, *,
                          reduction: Text = "mean"):  # fmt: skip
    """1 - cos where the target is 1, and max(0, cos - margin) where it's -1.

    cos is the cosine of the angle between the inputs, pair by pair.

    Shapes: (N, D), (N, D), (N) -> (), or (D), (D), () -> (); with reduction="none" the shape of target
    Derivative: where(target == 1, -1, where(cos >= margin, 1, 0)) / n times that of cosine_similarity, where n is the
        number of losses, and 1 with reduction="sum"
    Kink: where cos is just the margin the slope is 1; a target that is neither 1 nor -1 counts for nothing. (why:
        gradcli/library/losses.py)
    Example: x = [[3., 4.], [3., 4.]]
        loss = F.cosine_embedding_loss(x, [[1., 0.], [1., 0.]], [1., -1.])
        loss
        x = [3., 4.]
        backward F.cosine_embedding_loss(x, [1., 0.], 1)
    """
    axis = target.ndim
    if axis > 1:
        raise ShapeFailure("0D or 1D target tensor expected, multi-target not supported")
    if input1.ndim != axis + 1 or input2.ndim != axis + 1:
        raise ShapeFailure(
            f"{axis}D target tensor expects {axis + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    products = r.sum_dim(e.mul(input1, input2), axis, False)
    sizes = [e.add(r.sum_dim(e.mul(x, x), axis, False), 1e-12) for x in (input1, input2)]
    cosine = e.div(products, e.sqrt(e.mul(*sizes)))
    together = e.where(target == 1, e.rsub(1, cosine), 0.0)
    apart = e.where(target == -1, _floor(e.sub(cosine, margin)), 0.0)
    return reduced(e.add(together, apart), reduction)


@function("F.pairwise_distance", also=("pairwise_distance",))
def pairwise_distance(x1: Tensor, x2: Tensor, p: Number = 2.0, eps: Number = 1e-06, keepdim: Flag = False):
    """The p-norm of x1 - x2 + eps along the last dim.

    Shapes: (..., n), (..., n) or any two that broadcast -> (...), and (..., 1) with keepdim
    Derivative: with d = x1 - x2 + eps, for p=2 x1: g * d / out; x2: -g * d / out; for other p that of `norm(d, p, -1)`,
        and its opposite
    Kink: a distance of 0, which eps makes rare, has the slope 0; with p=inf differences that tie share the gradient.
        (why: gradcli/engine/reductions.py)
    Example: x = [[0., 0.], [1., 1.]]
        d = pairwise_distance(x, [[3., 4.], [1., 2.]])
        d
        backward d[0]
    """
    difference = e.add(e.sub(*promoted(x1, x2)), eps)
    return relabel(r.norm(difference, p, axis_of(-1, difference.ndim), keepdim), "NormBackward1")


@function("F.pdist", also=("pdist",))
def pdist(input: Tensor, p: Number = 2.0):
    """The p-norm distance between every two rows, those of the first row first.

    Shapes: (N, D) -> (N (N - 1) / 2); p >= 0
    Derivative: each pair's, summed over the pairs: for p=2 g * (x[i] - x[j]) / out in x[i], and its opposite in x[j];
        for other p that of `norm(x[i] - x[j], p)`
    Kink: a distance of 0 has the slope 0; with p=inf differences that tie share the gradient, which PyTorch gives whole
        to each. (why: gradcli/engine/reductions.py)
    Example: x = [[0., 0.], [3., 4.], [0., 1.]]
        d = pdist(x)
        d
        backward d[0]
    """
    if input.ndim != 2:
        raise ShapeFailure(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise ValueFailure("pdist only supports non-negative p values")
    first, second = np.triu_indices(input.shape[0], 1)
    difference = e.sub(s.getitem_index(input, (first,)), s.getitem_index(input, (second,)))
    return relabel(r.norm(difference, p, 1, False), "PdistBackward0")


def _triplet(near: Tensor, far: Tensor, between: Tensor | None, margin: float, reduction: str) -> Tensor:
    if between is not None:
        far = e.minimum(far, between)
    return reduced(_floor(e.sub(e.add(near, margin), far)), reduction)


@function("F.triplet_margin_loss", also=("triplet_margin_loss",))
def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: Number = 1.0, p: Number = 2,
                        eps: Number = 1e-06, swap: Flag = False, *, reduction: Text = "mean"):  # fmt: skip
    """max(0, margin + the distance to the positive - the distance to the negative).

    With `swap` the distance from the positive to the negative counts where it is the smaller one. p and eps are those
    of pairwise_distance.

    Shapes: (..., D), (..., D), (..., D) -> (); with reduction="none" (...)
    Derivative: for p=2 with u = (anchor - positive) / its norm and v = (anchor - negative) / its norm, where the margin
        is broken, anchor: (u - v) / n; positive: -u / n; negative: v / n; elsewhere 0, where n is the number of losses,
        and 1 with reduction="sum"
    Kink: where the margin is just kept the loss is 0, and the slope that of a triplet which breaks it; with `swap`,
        distances that tie share the gradient. (why: gradcli/library/losses.py and gradcli/engine/elementwise.py)
    Example: a = [[0., 0.]]
        loss = F.triplet_margin_loss(a, [[3., 4.]], [[0., 2.]])
        loss
        backward loss
    """
    if margin <= 0:
        raise ValueFailure(f"margin must be greater than 0, got {margin}")
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    between = pairwise_distance(positive, negative, p, eps) if swap else None
    return _triplet(near, far, between, margin, reduction)


@function("F.triplet_margin_with_distance_loss")
def triplet_margin_with_distance_loss(anchor: Tensor, positive: Tensor, negative: Tensor, *,
                                      distance_function: Any = None, margin: Number = 1.0, swap: Flag = False,
                                      reduction: Text = "mean"):  # fmt: skip
    """max(0, margin + the distance to the positive - the distance to the negative), by a distance of one's own.

    distance_function takes two tensors; without it, it is pairwise_distance.

    Shapes: any three that distance_function takes, (..., D) without one -> (); with reduction="none" the shape of the
        distances
    Derivative: that of `mean(clamp_min(d(anchor, positive) - d(anchor, negative) + margin, 0))`, where d is the
        distance
    Kink: where the margin is just kept the loss is 0, and the slope that of a triplet which breaks it; with `swap`,
        distances that tie share the gradient. (why: gradcli/library/losses.py and gradcli/engine/elementwise.py)
    Example: a = [[0., 0.]]
        L1 = (x, y) -> sum(abs(x - y), -1)
        loss = F.triplet_margin_with_distance_loss(
          a, [[3., 4.]], [[0., 2.]], distance_function=L1)
        loss
        backward loss
    """
    if margin <= 0:
        raise ValueFailure(f"margin must be greater than 0, got {margin}")
    distance = pairwise_distance if distance_function is None else Callback(distance_function)
    between = distance(positive, negative) if swap else None
    return _triplet(distance(anchor, positive), distance(anchor, negative), between, margin, reduction)
