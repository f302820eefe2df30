"""torch.nn.functional: losses by margins, which ask that some scores or distances be larger than others by so much."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor
from gradcli.engine import activations as a
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.operation import relabel, variant
from gradcli.errors import ShapeFailure, ValueFailure
from gradcli.library.arguments import Callback, Flag, Number, OptionalTensor, Text, Whole
from gradcli.library.distances import pairwise_distance
from gradcli.library.functional import reduced
from gradcli.library.losses import whole
from gradcli.library.vocabulary import function

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
        gradcli/library/margin_losses.py)
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
        gradcli/library/margin_losses.py)
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
    Kink: a class that is below by just the margin has the slope 0. (why: gradcli/library/margin_losses.py)
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


@function("F.multilabel_margin_loss")
def multilabel_margin_loss(input: Tensor, target: Tensor, *, reduction: Text = "mean"):
    """The mean over the classes of max(0, 1 - (x[t] - x[j])), for each target t and each j that is none.

    A row of targets ends at its first -1.

    Shapes: (N, C), (N, C) -> (), or (C), (C) -> (); with reduction="none" (N) or (); targets are whole numbers from -1
        to C - 1
    Derivative: for each pair with x[t] - x[j] < 1, 1 / C / N in x[j] and -1 / C / N in x[t]; without the N with
        reduction="sum"
    Kink: a pair that is apart by just 1 has the slope 0. (why: gradcli/library/margin_losses.py)
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


# ---- of angles and distances


@function("F.cosine_embedding_loss", also=("cosine_embedding_loss",))
def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: Number = 0, *,
                          reduction: Text = "mean"):  # fmt: skip
    """1 - cos where the target is 1, and max(0, cos - margin) where it's -1.

    cos is the cosine of the angle between the inputs, pair by pair.

    Shapes: (N, D), (N, D), (N) -> (), or (D), (D), () -> (); with reduction="none" the shape of target
    Derivative: where(target == 1, -1, where(cos >= margin, 1, 0)) / n times that of cosine_similarity, where n is the
        number of losses, and 1 with reduction="sum"
    Kink: where cos is just the margin the slope is 1; a target that is neither 1 nor -1 counts for nothing. (why:
        gradcli/library/margin_losses.py)
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
        distances that tie share the gradient. (why: gradcli/library/margin_losses.py and gradcli/engine/elementwise.py)
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
        distances that tie share the gradient. (why: gradcli/library/margin_losses.py and gradcli/engine/elementwise.py)
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
