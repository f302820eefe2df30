"""torch.nn.functional: losses, written in terms of other functions."""

from __future__ import annotations

from math import inf, pi
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
from gradcli.library.arguments import Callback, Flag, Number, OptionalTensor, Text, Whole, axis_of
from gradcli.library.functional import reduced
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
    """Half the squared difference within delta, and delta times (the difference - delta/2) beyond."""
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
    """The squared difference / (2 beta) within beta, and the difference - beta/2 beyond."""
    if beta < 0:
        raise ValueFailure("smooth_l1_loss does not support negative values for beta.")
    difference = _difference(input, target)
    if beta == 0:
        return reduced(e.abs(difference), reduction)
    return relabel(reduced(e.div(_huber(difference, beta), beta), reduction), "SmoothL1LossBackward0")


@function("F.kl_div", also=("kl_div",))
def kl_div(input: Tensor, target: Tensor, *, reduction: Text = "mean", log_target: Flag = False):
    """The Kullback-Leibler divergence of a target from log-probabilities; "batchmean" divides by the samples."""
    input, target = promoted(input, target)
    if log_target:
        loss = e.mul(e.exp(target), e.sub(target, input))
    else:
        # t log t is 0 where t is.
        safe = e.where(target > 0, target, 1.0)
        loss = e.sub(e.mul(target, e.log(safe)), e.mul(target, input))
    if reduction == "batchmean":
        return e.div(r.sum(loss), float(input.shape[0])) if input.ndim else r.sum(loss)
    return reduced(loss, reduction)


@function("F.poisson_nll_loss", also=("poisson_nll_loss",))
def poisson_nll_loss(input: Tensor, target: Tensor, log_input: Flag = True, full: Flag = False, *,
                     eps: Number = 1e-08, reduction: Text = "mean"):  # fmt: skip
    """Minus the log-likelihood of counts; `full` adds Stirling's formula for log(target!)."""
    if log_input:
        loss = e.sub(e.exp(input), e.mul(target, input))
    else:
        loss = e.sub(input, e.mul(target, e.log(e.add(input, eps))))
    if full:
        many = target > 1
        count = e.where(many, target, 1.0)
        stirling = e.add(e.sub(e.mul(count, e.log(count)), count), e.mul(e.log(e.mul(count, 2 * pi)), 0.5))
        loss = e.add(loss, e.where(many, stirling, 0.0))
    return reduced(loss, reduction)


@function("F.gaussian_nll_loss")
def gaussian_nll_loss(input: Tensor, target: Tensor, var: Any, full: Flag = False, eps: Number = 1e-06,
                      reduction: Text = "mean"):  # fmt: skip
    """Minus the log-likelihood of normal targets, by mean and variance (at least eps)."""
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
    """max(0, margin - target * (input1 - input2)); the target, 1 or -1, says which should be larger."""
    if not input1.ndim == input2.ndim == target.ndim:
        raise ShapeFailure(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    return reduced(_floor(e.add(e.mul(e.neg(target), e.sub(input1, input2)), margin)), reduction)


@function("F.hinge_embedding_loss", also=("hinge_embedding_loss",))
def hinge_embedding_loss(input: Tensor, target: Tensor, margin: Number = 1.0, *, reduction: Text = "mean"):
    """The input where the target is 1, and max(0, margin - input) where it's -1."""
    try:
        np.broadcast_shapes(input.shape, target.shape)
    except ValueError:
        raise shape_clash(input.shape, target.shape) from None
    apart = e.where(target == 1, 0.0, _floor(e.rsub(margin, input)))
    together = e.where(target == -1, 0.0, input)
    return reduced(e.add(apart, together), reduction)


@function("F.soft_margin_loss")
def soft_margin_loss(input: Tensor, target: Tensor, *, reduction: Text = "mean"):
    """log(1 + exp(-target * input)), without overflow."""
    return relabel(reduced(e.softplus(e.neg(e.mul(target, input)), 1, inf), reduction), "SoftMarginLossBackward0")


@function("F.multi_margin_loss")
def multi_margin_loss(input: Tensor, target: Tensor, p: Whole = 1, margin: Number = 1.0,
                      weight: OptionalTensor = None, *, reduction: Text = "mean"):  # fmt: skip
    """The mean over the other classes of max(0, margin - x[target] + x[j])^p."""
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
    """The mean over the classes of the cross-entropy of sigmoid(input) and target."""
    no = e.mul(e.rsub(1, target), a.log_sigmoid(e.neg(input)))
    loss = e.neg(e.add(e.mul(target, a.log_sigmoid(input)), no))
    if weight is not None:
        loss = e.mul(loss, weight)
    axis = input.ndim - 1
    return reduced(e.div(r.sum_dim(loss, axis, False), float(input.shape[axis])), reduction)


# ---- angles and distances


@function("F.cosine_similarity", also=("cosine_similarity",))
def cosine_similarity(x1: Tensor, x2: Tensor, dim: Whole = 1, eps: Number = 1e-08):
    """The cosine of the angle between vectors along a dim; their norms are at least eps."""
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
    """1 - cos where the target is 1, and max(0, cos - margin) where it's -1."""
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
    """The p-norm of x1 - x2 + eps along the last dim."""
    difference = e.add(e.sub(*promoted(x1, x2)), eps)
    return relabel(r.norm(difference, p, axis_of(-1, difference.ndim), keepdim), "NormBackward1")


@function("F.pdist", also=("pdist",))
def pdist(input: Tensor, p: Number = 2.0):
    """The p-norm distance between every two rows, those of the first row first."""
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
    """max(0, margin + the distance to the positive - the distance to the negative)."""
    if margin <= 0:
        raise ValueFailure(f"margin must be greater than 0, got {margin}")
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    between = pairwise_distance(positive, negative, p, eps) if swap else None
    return _triplet(near, far, between, margin, reduction)


@function("F.triplet_margin_with_distance_loss")
def triplet_margin_with_distance_loss(anchor: Tensor, positive: Tensor, negative: Tensor, *,
                                      distance_function: Any = None, margin: Number = 1.0, swap: Flag = False,
                                      reduction: Text = "mean"):  # fmt: skip
    """max(0, margin + the distance to the positive - the distance to the negative), by a distance of one's own."""
    if margin <= 0:
        raise ValueFailure(f"margin must be greater than 0, got {margin}")
    distance = pairwise_distance if distance_function is None else Callback(distance_function)
    between = distance(positive, negative) if swap else None
    return _triplet(distance(anchor, positive), distance(anchor, negative), between, margin, reduction)
