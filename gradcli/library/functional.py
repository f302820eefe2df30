"""torch.nn.functional: activations and losses, written in terms of others."""

from __future__ import annotations

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine import elementwise as e
from gradcli.engine import losses as l
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.operation import relabel
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Number, OptionalTensor, Text, Whole
from gradcli.library.vocabulary import function


@function("softplus", also=("F.softplus",))
def softplus(input: Tensor, beta: Number = 1, threshold: Number = 20):
    """log(1 + exp(beta x)) / beta, without overflow: a relu without its kink.

    Shapes: any, and the result's is the same
    Derivative: where(beta * x > threshold, 1, sigmoid(beta * x))
    Kink: where beta * x is above the threshold the result is x itself, which is nearer than 1e-8 with the default of
        20. (why: gradcli/engine/elementwise.py)
    Example: x = [-1., 0., 30.]
        softplus(x)
        backward sum(softplus(x))
    """
    return e.softplus(input, beta, threshold)


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """The mean or the sum of a loss, or the loss itself; ValueFailure for another word."""
    if reduction == "mean":
        return r.mean(loss)
    if reduction == "sum":
        return r.sum(loss)
    if reduction == "none":
        return loss
    raise _no_reduction(reduction)


def _no_reduction(word: str) -> ValueFailure:
    return ValueFailure(f'{word} is not a valid value for reduction: "mean", "sum" or "none"')


def weighted(losses: Tensor, weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Each loss times its weight; ValueFailure where the weights don't have the shape, that of the input."""
    if weight.shape != shape:
        raise ValueFailure("Weights and input must have the same size.", help=f"`weight` wants the shape {shape}")
    return e.mul(losses, weight)


def _reduced_by(losses: Tensor, weight: Tensor, shape: tuple[int, ...], reduction: str) -> Tensor:
    """The weighted mean or sum of losses, or each times its weight."""
    losses = weighted(losses, weight, shape)
    return e.div(r.sum(losses), r.sum(weight)) if reduction == "mean" else reduced(losses, reduction)


@function("F.mse_loss", steady=True)
def mse_loss(input: Tensor, target: Tensor, reduction: Text = "mean", weight: OptionalTensor = None):
    """The mean of the squared differences, with weight the weighted one.

    Shapes: any two that broadcast -> (); weight has the shape of input; with reduction="none" their broadcast shape
    Derivative: input: 2 * (input - target) / n; target: 2 * (target - input) / n, where n is the number of differences,
        and 1 with reduction="sum"; with weight both times weight, and n is the sum of the weights; weight: ((input -
        target)^2 - out) / n, and without the out for reduction="sum"
    Example: x = [1., 2., 3.]
        loss = F.mse_loss(x, [1., 4., 0.])
        loss
        backward loss
    """
    squares = e.pow_number(e.sub(input, target), 2)
    if weight is not None:
        return _reduced_by(squares, weight, input.shape, reduction)
    return relabel(reduced(squares, reduction), "MseLossBackward0")


@function("F.l1_loss", steady=True)
def l1_loss(input: Tensor, target: Tensor, reduction: Text = "mean", weight: OptionalTensor = None):
    """The mean of the absolute differences, with weight the weighted one.

    Shapes: any two that broadcast -> (); weight has the shape of input; with reduction="none" their broadcast shape
    Derivative: input: sign(input - target) / n; target: sign(target - input) / n, where n is the number of differences,
        and 1 with reduction="sum"; with weight both times weight, and n is the sum of the weights; weight: (abs(input -
        target) - out) / n, and without the out for reduction="sum"
    Kink: where the two are equal the slope is 0. (why: gradcli/engine/elementwise.py)
    Example: x = [1., 2., 3.]
        loss = F.l1_loss(x, [1., 4., 0.])
        loss
        backward loss
    """
    sizes = e.abs(e.sub(input, target))
    return reduced(sizes, reduction) if weight is None else _reduced_by(sizes, weight, input.shape, reduction)


@function("F.binary_cross_entropy_with_logits", steady=True)
def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: OptionalTensor = None, *,
                                     reduction: Text = "mean", pos_weight: OptionalTensor = None):  # fmt: skip
    """The cross-entropy of sigmoid(input) and target, without overflow.

    `weight` multiplies the losses, `pos_weight` the part of what is true.

    Shapes: (...), the same -> (); weight and pos_weight are any that broadcast to it; with reduction="none" (...)
    Derivative: input: (sigmoid(input) - target) / n; target: -input / n, where n is the number of losses, and 1 with
        reduction="sum"; with pos_weight and k = 1 + (pos_weight - 1) * target, input: (k * sigmoid(input) - pos_weight
        * target) / n
    Example: x = [-100., 0., 2.]
        loss = F.binary_cross_entropy_with_logits(x, [1., 1., 0.])
        loss
        backward loss
    """
    if input.shape != target.shape:
        raise ValueFailure(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    # -log(sigmoid(x)) is softplus(-x), which can't overflow; the rest is x where the target is 0.
    positive = e.softplus(e.neg(input), 1, np.inf)
    if pos_weight is not None:
        positive = e.mul(positive, e.add(e.mul(target, pos_weight - 1), 1))
    loss = e.add(e.sub(input, e.mul(input, target)), positive)
    loss = loss if weight is None else e.mul(loss, weight)
    return relabel(reduced(loss, reduction), "BinaryCrossEntropyWithLogitsBackward0")


@function("F.binary_cross_entropy", steady=True)
def binary_cross_entropy(input: Tensor, target: Tensor, weight: OptionalTensor = None, reduction: Text = "mean"):
    """The cross-entropy of probabilities and target; each logarithm is at least -100, as in torch.

    Shapes: (...), the same -> (); weight is any that broadcasts to it; with reduction="none" (...); input is from 0 to
        1
    Derivative: input: (input - target) / (input * (1 - input)) / n; target: (log(1 - input) - log(input)) / n, where n
        is the number of losses, and 1 with reduction="sum"
    Kink: at a probability of 0 or 1 the loss is finite, since each logarithm counts as -100 at least, and so is the
        gradient, whose denominator counts as 1e-12 at least; that in target is infinite there. (why:
        gradcli/engine/elementwise.py)
    Example: p = [0.9, 0.5, 0.2]
        loss = F.binary_cross_entropy(p, [1., 1., 0.])
        loss
        backward loss
    """
    if input.shape != target.shape:
        raise ValueFailure(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated."
        )
    loss = e.binary_cross_entropy(input, target)
    loss = loss if weight is None else e.mul(loss, weight)
    return relabel(reduced(loss, reduction), "BinaryCrossEntropyBackward0")


def _classes(input: Tensor, target: Tensor, count: int, ignore_index: int) -> np.ndarray:
    """The target classes, checked."""
    classes = np.asarray(target.array).astype(np.int64)
    if not np.array_equal(classes, target.array):
        raise TypeFailure(
            f"expected target dtype to be Long or Byte, but got {target.dtype}",
            help="classes are whole numbers from 0 on",
        )
    places = (*input.shape[: min(input.ndim - 1, 1)], *input.shape[2:])
    if not places and classes.shape == (1,):
        classes = classes.reshape(())
    if places and classes.shape[:1] != places[:1]:
        raise ValueFailure(
            f"Expected input batch_size ({places[0]}) to match target batch_size "
            f"({classes.shape[0] if classes.ndim else 0})."
        )
    if classes.shape != places:
        raise ShapeFailure(f"Expected target size {list(places)}, got {list(classes.shape)}")
    bad = classes[(classes != ignore_index) & ((classes < 0) | (classes >= count))]
    if bad.size:
        raise ValueFailure(f"Target {int(bad.flat[0])} is out of bounds.", help=f"classes count from 0 to {count - 1}")
    return classes


def _class_weights(weight: Tensor | None, count: int) -> Tensor | None:
    """The weights, one a class; ShapeFailure where there are more or fewer."""
    if weight is not None and weight.shape != (count,):
        raise ShapeFailure(
            f"weight tensor should be defined either for all {count} classes or no classes but got weight tensor of "
            f"shape: {list(weight.shape)}"
        )
    return weight


def _ignored(losses: Tensor, ignored: np.ndarray) -> Tensor:
    """The losses, and 0 where a sample is ignored.

    As in torch, 0 is filled in, and nothing goes back from there: a product with 0 would make nan of an infinite loss,
    and of the gradient where all are ignored and the mean is 0/0.
    """
    return e.masked_fill(Tensor(ignored, CUT), as_tensor(0.0, losses.dtype), losses) if np.any(ignored) else losses


@function("F.nll_loss")
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: OptionalTensor = None,
    *,
    ignore_index: Whole = -100,
    reduction: Text = "mean",
):
    """Minus the log-probabilities of the target classes: their mean, weighted by class.

    A target of ignore_index counts for nothing.

    Shapes: (N, C), (N) -> (), or (C), () -> (), or (N, C, d1, ...), (N, d1, ...) -> (); weight (C); with
        reduction="none" the shape of target; targets are whole numbers from 0 to C - 1
    Derivative: -weight[target] / n at the target classes, 0 elsewhere, where n is the sum of the targets' weights, and
        1 with reduction="sum"
    Kink: where all targets are ignored the mean is nan, and the gradient 0. (why: gradcli/library/functional.py)
    Example: logs = log([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])
        F.nll_loss(logs, [0, 2])
        x = [[-1., -2., -3.]]
        backward F.nll_loss(x, [1])
    """
    if not input.ndim:
        raise ShapeFailure("Expected 1 or more dimensions (got 0)", help="one score a class, `(samples, classes)`")
    count = input.shape[min(input.ndim - 1, 1)]
    classes = _classes(input, target, count, ignore_index)
    weight = _class_weights(weight, count)
    counted = classes != ignore_index
    chosen = np.where(counted, classes, 0)
    name = "NllLossBackward0" if input.ndim < 3 else "NllLoss2DBackward0"
    if reduction == "none":
        losses = e.neg(s.getitem_index(input, _at_classes(chosen)))
        if weight is not None:
            losses = e.mul(losses, Tensor(np.asarray(weight.array)[chosen], CUT))
        losses = _ignored(losses, ~counted)
        # torch computes any number of dims as two, and gives them back their shape.
        return relabel(losses, "ViewBackward0" if input.ndim not in (1, 2, 4) else name)
    if reduction not in ("mean", "sum"):
        raise _no_reduction(reduction)
    index = _at_classes(chosen)
    if not counted.all():
        # What is ignored isn't looked at: a product with 0 would make nan of an infinite loss.
        chosen = chosen[counted]
        index = (*(part[counted] for part in np.broadcast_arrays(*index)),) if input.ndim > 1 else (chosen,)
    weights = 1.0 if weight is None else np.asarray(weight.array)[chosen]
    total = float(np.sum(counted) if weight is None else np.sum(weights)) if reduction == "mean" else 1.0
    return relabel(l.nll(input, index, weights, total), name)


def _at_classes(classes: np.ndarray) -> tuple[np.ndarray, ...]:
    """The index of one class for each sample: classes stand in the second dim, or in the only one."""
    grids = np.indices(classes.shape, sparse=True)
    return (*grids[:1], classes, *grids[1:])


@function("F.cross_entropy", steady=True)
def cross_entropy(input: Tensor, target: Tensor, weight: OptionalTensor = None, *, ignore_index: Whole = -100,
                  reduction: Text = "mean", label_smoothing: Number = 0.0):  # fmt: skip
    """The cross-entropy of softmax(input) and the target classes (whole numbers) or probabilities.

    `weight` multiplies each class's part; label_smoothing takes that share of the target and spreads it over all
    classes.

    Shapes: (N, C), (N) -> (), or (C), () -> (), or (N, C, d1, ...), (N, d1, ...) -> (); probabilities have the shape of
        input; weight (C); with reduction="none" (N, d1, ...)
    Derivative: input: (softmax(input, 1) - target) / n, where target is one-hot or the probabilities (that add up to
        1), and n the number of targets that count, 1 with reduction="sum"; probabilities: -log_softmax(input, 1) / n;
        with weight and classes that of `nll_loss(log_softmax(input, 1), target, weight)`
    Kink: a target of ignore_index counts for nothing; where all are ignored the mean is nan, and the gradient 0. (why:
        gradcli/library/functional.py)
    Example: scores = [[2., 1., 0.], [0., 0., 5.]]
        loss = F.cross_entropy(scores, [0, 1])
        loss
        backward loss
    """
    if not input.ndim:
        raise ShapeFailure("Expected 1 or more dimensions (got 0)", help="one score a class, `(samples, classes)`")
    if not 0 <= label_smoothing <= 1:
        raise ValueFailure(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    axis = min(input.ndim - 1, 1)
    logs = r.log_softmax(input, axis)
    count = input.shape[axis]
    weight = _class_weights(weight, count)
    along = (-1, *(1,) * (input.ndim - 1 - axis))
    if target.shape == input.shape and target.dtype.kind == "f":
        if ignore_index >= 0:
            raise ValueFailure("ignore_index is not supported for floating point target")
        shares = target * (1 - label_smoothing) + label_smoothing / count if label_smoothing else target
        shares = shares if weight is None else e.mul(shares, s.reshape(weight, along))
        if reduction == "mean":
            return l.soft_nll(logs, shares, input.array.size / count)
        return reduced(e.neg(r.sum_dim(e.mul(logs, shares), axis, False)), reduction)
    hard = nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return hard
    classes = _classes(input, target, count, ignore_index)
    ignored = classes == ignore_index
    scale = np.ones(count, input.dtype) if weight is None else np.asarray(weight.array)
    smooth = _ignored(e.neg(r.sum_dim(e.mul(logs, Tensor(scale.reshape(along), CUT)), axis, False)), ignored)
    if reduction == "mean":
        picked = scale[np.where(ignored, 0, classes)] * ~ignored
        soft = e.div(r.sum(smooth), float(np.sum(picked)))
    else:
        soft = reduced(smooth, reduction)
    return hard * (1 - label_smoothing) + soft * (label_smoothing / count)


@function("F.linear", steady=True)
def linear(input: Tensor, weight: Tensor, bias: OptionalTensor = None):
    """input @ weight.T + bias.

    Shapes: (..., in), (C, in), (C) -> (..., C)
    Derivative: input: g @ weight; weight: g.mT @ input, the sum over all samples; bias: the sum of g over all samples
    Example: x = [1., 2.]
        W = [[1., 0.], [0., 3.], [1., 1.]]
        F.linear(x, W)
        backward F.linear(x, W) with [1., 10., 100.]
    """
    from gradcli.engine.protocols import product

    out = product(input, s.transpose_matrix(weight, None))
    return out if bias is None else e.add(out, bias)


@function("F.one_hot", also=("one_hot",))
def one_hot(tensor: Tensor, num_classes: Whole = -1):
    """Rows with a 1 at the class and 0 elsewhere.

    Shapes: (...) -> (..., C); classes are whole numbers from 0 on, and C is num_classes, or what the largest needs
    Derivative: none: a class is a whole number
    Example: F.one_hot([0, 2, 1])
    """
    classes = np.asarray(tensor.array)
    whole = classes.astype(np.int64)
    if classes.dtype.kind == "b" or not np.array_equal(whole, classes):
        raise TypeFailure(
            "one_hot is only applicable to index tensor of type LongTensor.", help="classes are whole numbers from 0 on"
        )
    if not whole.size and num_classes < 1:
        raise ValueFailure(
            "Can not infer total number of classes from empty tensor.", help="say how many: `one_hot(x, 3)`"
        )
    if whole.size and whole.min() < 0:
        raise ValueFailure("Class values must be non-negative.")
    count = int(whole.max()) + 1 if num_classes == -1 else num_classes
    if whole.size and whole.max() >= count:
        raise ValueFailure(
            "Class values must be smaller than num_classes.", help=f"the largest is {whole.max()}, of {count} classes"
        )
    rows = np.zeros(allocatable((whole.size, count), whole.dtype), np.int64)
    rows[np.arange(whole.size), whole.ravel()] = 1
    return Tensor(rows.reshape(*whole.shape, count), CUT)
