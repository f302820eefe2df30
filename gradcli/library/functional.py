"""torch.nn.functional: activations and losses, written in terms of others."""

from __future__ import annotations

import numpy as np

from gradcli.engine import Tensor, as_tensor
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.errors import ShapeFailure, ValueFailure
from gradcli.library.arguments import Number, OptionalTensor, Text, Whole
from gradcli.library.vocabulary import function


@function("softplus", also=("F.softplus",))
def softplus(input: Tensor, beta: Number = 1, threshold: Number = 20):
    """log(1 + exp(beta x)) / beta, without overflow."""
    return e.softplus(input, beta, threshold)


def _reduced(loss: Tensor, reduction: str) -> Tensor:
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
    return _reduced(e.pow_number(e.sub(input, target), 2), reduction)


@function("F.l1_loss")
def l1_loss(input: Tensor, target: Tensor, reduction: Text = "mean"):
    """The mean of the absolute differences."""
    return _reduced(e.abs(e.sub(input, target)), reduction)


@function("F.binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: OptionalTensor = None, reduction: Text = "mean"):
    """The cross-entropy of sigmoid(input) and target, without overflow."""
    if input.shape != target.shape:
        raise ValueFailure(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    # log(1 + exp(-|x|)) can't overflow, and max(x, 0) - x t is the rest of it.
    loss = e.sub(input, e.mul(input, target)) + e.softplus(e.neg(input), 1, np.inf)
    return _reduced(loss if weight is None else e.mul(loss, weight), reduction)


@function("F.nll_loss")
def nll_loss(input: Tensor, target: Tensor, *, reduction: Text = "mean"):
    """The mean of minus the log-probabilities of the target classes."""
    classes = np.asarray(target.array).astype(np.int64)
    if input.ndim == 1:
        picked = s.getitem_index(input, (classes,))
    else:
        picked = s.getitem_index(input, (np.arange(classes.shape[0]), classes))
    return _reduced(e.neg(picked), reduction)


@function("F.cross_entropy")
def cross_entropy(input: Tensor, target: Tensor, *, reduction: Text = "mean", label_smoothing: Number = 0.0):
    """The cross-entropy of softmax(input) and the target classes (whole numbers) or probabilities."""
    if input.ndim not in (1, 2):
        raise ShapeFailure(f"cross_entropy wants scores of shape (classes,) or (samples, classes), and got {input.shape}")
    axis = input.ndim - 1
    logs = r.log_softmax(input, axis)
    classes = input.shape[axis]
    if target.shape == input.shape and target.dtype.kind == "f":
        weights = target
    else:
        whole = np.asarray(target.array).astype(np.int64)
        if whole.size and (whole.min() < 0 or whole.max() >= classes):
            raise ValueFailure(f"Target {int(whole.max())} is out of bounds.", help=f"classes count from 0 to {classes - 1}")
        if label_smoothing == 0:
            return nll_loss(logs, Tensor(whole), reduction=reduction)
        weights = as_tensor(np.eye(classes, dtype=input.dtype)[whole])
    if label_smoothing:
        weights = weights * (1 - label_smoothing) + label_smoothing / classes
    loss = e.neg(r.sum_dim(e.mul(logs, weights), axis, False))
    return _reduced(loss, reduction)


@function("F.linear")
def linear(input: Tensor, weight: Tensor, bias: OptionalTensor = None):
    """input @ weight.T + bias."""
    from gradcli.engine.protocols import product

    out = product(input, s.transpose_matrix(weight, None))
    return out if bias is None else e.add(out, bias)


@function("F.one_hot", also=("one_hot",))
def one_hot(tensor: Tensor, num_classes: Whole = -1):
    """Rows with a 1 at the class and 0 elsewhere."""
    whole = np.asarray(tensor.array).astype(np.int64)
    count = int(whole.max()) + 1 if num_classes == -1 else num_classes
    return Tensor(np.eye(count, dtype=np.int64)[whole])

