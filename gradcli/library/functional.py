"""torch.nn.functional: activations and losses, written in terms of others."""

from __future__ import annotations

import numpy as np

from gradcli.engine import CUT, Tensor
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.operation import relabel
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Number, OptionalTensor, Text, Whole
from gradcli.library.vocabulary import function


@function("softplus", also=("F.softplus",))
def softplus(input: Tensor, beta: Number = 1, threshold: Number = 20):
    """log(1 + exp(beta x)) / beta, without overflow."""
    return e.softplus(input, beta, threshold)


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """The mean or the sum of a loss, or the loss itself; ValueFailure for another word."""
    if reduction == "mean":
        return r.mean(loss)
    if reduction == "sum":
        return r.sum(loss)
    if reduction == "none":
        return loss
    raise ValueFailure(f'{reduction} is not a valid value for reduction: "mean", "sum" or "none"')


@function("F.mse_loss")
def mse_loss(input: Tensor, target: Tensor, reduction: Text = "mean"):
    """The mean of the squared differences."""
    return relabel(reduced(e.pow_number(e.sub(input, target), 2), reduction), "MseLossBackward0")


@function("F.l1_loss")
def l1_loss(input: Tensor, target: Tensor, reduction: Text = "mean"):
    """The mean of the absolute differences."""
    return reduced(e.abs(e.sub(input, target)), reduction)


@function("F.binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: OptionalTensor = None, *,
                                     reduction: Text = "mean", pos_weight: OptionalTensor = None):  # fmt: skip
    """The cross-entropy of sigmoid(input) and target, without overflow."""
    if input.shape != target.shape:
        raise ValueFailure(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    # -log(sigmoid(x)) is softplus(-x), which can't overflow; the rest is x where the target is 0.
    positive = e.softplus(e.neg(input), 1, np.inf)
    if pos_weight is not None:
        positive = e.mul(positive, e.add(e.mul(target, pos_weight - 1), 1))
    loss = e.add(e.sub(input, e.mul(input, target)), positive)
    loss = loss if weight is None else e.mul(loss, weight)
    return relabel(reduced(loss, reduction), "BinaryCrossEntropyWithLogitsBackward0")


@function("F.binary_cross_entropy")
def binary_cross_entropy(input: Tensor, target: Tensor, weight: OptionalTensor = None, reduction: Text = "mean"):
    """The cross-entropy of probabilities and target; each logarithm is at least -100, as in torch."""
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
    samples = input.shape[:-1]
    if classes.shape != samples:
        raise ValueFailure(
            f"Expected input batch_size ({samples[0] if samples else 1}) to match target batch_size "
            f"({classes.shape[0] if classes.ndim else 1})."
        )
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


@function("F.nll_loss")
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: OptionalTensor = None,
    *,
    ignore_index: Whole = -100,
    reduction: Text = "mean",
):
    """Minus the log-probabilities of the target classes: their mean, weighted by class."""
    if input.ndim not in (1, 2):
        raise ShapeFailure(
            f"nll_loss wants log-probabilities of shape (classes,) or (samples, classes), and got {input.shape}"
        )
    classes = _classes(input, target, input.shape[-1], ignore_index)
    weight = _class_weights(weight, input.shape[-1])
    counted = classes != ignore_index
    places = np.where(counted, classes, 0)
    index = (places,) if input.ndim == 1 else (np.arange(places.shape[0]), places)
    scale = counted.astype(input.dtype)
    if weight is not None:
        scale = scale * np.asarray(weight.array)[places]
    losses = e.mul(e.neg(s.getitem_index(input, index)), Tensor(scale))
    if reduction == "mean":
        return relabel(e.div(r.sum(losses), float(np.sum(scale))), "NllLossBackward0")
    return relabel(reduced(losses, reduction), "NllLossBackward0")


@function("F.cross_entropy")
def cross_entropy(input: Tensor, target: Tensor, weight: OptionalTensor = None, *, ignore_index: Whole = -100,
                  reduction: Text = "mean", label_smoothing: Number = 0.0):  # fmt: skip
    """The cross-entropy of softmax(input) and the target classes (whole numbers) or probabilities."""
    if input.ndim not in (1, 2):
        raise ShapeFailure(
            f"cross_entropy wants scores of shape (classes,) or (samples, classes), and got {input.shape}"
        )
    axis = input.ndim - 1
    logs = r.log_softmax(input, axis)
    count = input.shape[axis]
    weight = _class_weights(weight, count)
    samples = input.shape[0] if input.ndim == 2 else 1
    if target.shape == input.shape and target.dtype.kind == "f":
        shares = target * (1 - label_smoothing) + label_smoothing / count
        scale = 1 if weight is None else weight
        losses = e.neg(r.sum_dim(e.mul(logs, e.mul(shares, scale)), axis, False))
        return (
            reduced(losses, reduction)
            if reduction != "mean"
            else relabel(e.div(r.sum(losses), samples), "DivBackward1")
        )
    hard = nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return hard
    classes = _classes(input, target, count, ignore_index)
    counted = (classes != ignore_index).astype(input.dtype)
    scale = np.ones(count, input.dtype) if weight is None else np.asarray(weight.array)
    smooth = e.mul(e.neg(r.sum_dim(e.mul(logs, Tensor(scale)), axis, False)), Tensor(counted))
    if reduction == "mean":
        picked = scale[np.where(classes == ignore_index, 0, classes)] * counted
        soft = e.div(r.sum(smooth), float(np.sum(picked)))
    else:
        soft = reduced(smooth, reduction)
    return hard * (1 - label_smoothing) + soft * (label_smoothing / count)


@function("F.linear")
def linear(input: Tensor, weight: Tensor, bias: OptionalTensor = None):
    """input @ weight.T + bias."""
    from gradcli.engine.protocols import product

    out = product(input, s.transpose_matrix(weight, None))
    return out if bias is None else e.add(out, bias)


@function("F.one_hot", also=("one_hot",))
def one_hot(tensor: Tensor, num_classes: Whole = -1):
    """Rows with a 1 at the class and 0 elsewhere."""
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
