"""Draws from distributions, by the session's generator. A draw has no gradient in what it was drawn from."""

from __future__ import annotations

import numpy as np

from gradcli.engine import Tensor, as_tensor, inplace, modes
from gradcli.engine.allocation import allocatable
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library import context
from gradcli.library.arguments import Dtype, Flag, Operand, OptionalOperand, Whole, Wholes
from gradcli.library.creation import made
from gradcli.library.expanding import broadcast_to
from gradcli.library.parts import broadcast_shape
from gradcli.library.statistics import places_in
from gradcli.library.vocabulary import function


@function()
def normal(mean: Operand = 0.0, std: Operand = 1.0, size=None, *, dtype: Dtype = None, requires_grad: Flag = None):
    """Normally distributed numbers: each with its own mean and deviation, or `size` of one kind.

    Shapes: two that broadcast together, std not below 0 -> theirs; or two numbers and `size` -> that shape
    Derivative: none: what was drawn counts as a number; `mean + std * randn_like(mean)` draws the same with a gradient
        in mean and std
    Kink: a deviation of 0 gives the mean itself.
    Example: normal([0., 100., 5.], [1., 10., 0.])
        normal(0., 1., (3,))
    """
    tensors = [value for value in (mean, std) if type(value) is Tensor]
    if np.any((std.array if type(std) is Tensor else np.asarray(std)) < 0):
        raise ValueFailure("normal expects all elements of std >= 0.0")
    if tensors and size is not None:
        raise TypeFailure("normal() takes tensors for `mean` and `std`, or numbers and a `size`")
    if not tensors and size is None:
        raise TypeFailure("normal() needs an argument `size`", help="such as `normal(0, 1, (3,))`")
    if tensors:
        shape = broadcast_shape(*(value.shape if type(value) is Tensor else () for value in (mean, std)))
        dtype = tensors[0].dtype
    else:
        dtype = dtype or modes.default_dtype
        shape = allocatable(Wholes(size), dtype)
    drawn = np.asarray(context.current().generator.standard_normal(shape))
    middle, spread = (value.array if type(value) is Tensor else value for value in (mean, std))
    return made(np.asarray(middle + spread * drawn).astype(dtype), requires_grad)


def _bernoulli(chances: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if not np.all((chances >= 0) & (chances <= 1)):
        raise ValueFailure("Expected p_in >= 0 && p_in <= 1 to be true, but got false.", help="chances are from 0 to 1")
    return np.asarray(context.current().generator.random(chances.shape) < chances).astype(dtype)


@function()
def bernoulli(input: Tensor, p: OptionalOperand = None):
    """1 with the chance that each element is (or with chance p), else 0.

    Shapes: any, of chances from 0 to 1 -> the same; with p their broadcast shape
    Derivative: none: a draw moves in steps, 0 almost everywhere
    Kink: the chance 0 always gives 0, the chance 1 always 1.
    Example: bernoulli([0., 0.5, 0.5, 1.])
        bernoulli(zeros(5), 0.9)
    """
    chances = input if p is None else as_tensor(p)
    shape = broadcast_shape(input.shape, chances.shape)
    return made(_bernoulli(np.broadcast_to(chances.array, shape), input.dtype))


@function("bernoulli_", method=True)
def bernoulli_in_place(self: Tensor, p: Operand = 0.5):
    """Sets every element to 1 with chance p, else to 0, in place."""
    chances = broadcast_to(as_tensor(p), *self.shape)
    return inplace.copy(self, made(_bernoulli(np.asarray(chances.array), self.dtype)))


@function()
def multinomial(input: Tensor, num_samples: Whole, replacement: Flag = False):
    """Indices drawn by weights, from each row of them; weights needn't add up to 1.

    Shapes: (n), num_samples -> (num_samples); (m, n) -> (m, num_samples); weights not below 0, the result of int64
    Derivative: none: indices
    Kink: a weight of 0 is never drawn; without replacement no index comes twice.
    Example: multinomial([1., 0., 3.], 6, true)
        multinomial([1., 0., 3.], 2)
    """
    weights = np.asarray(input.array)
    if weights.ndim not in (1, 2) or not weights.shape[-1]:
        raise ShapeFailure("prob_dist must be 1 or 2 dim")
    if weights.dtype.kind != "f":
        raise TypeFailure(f"multinomial only supports floating-point dtypes for input, got: {input.dtype}")
    if num_samples <= 0:
        raise ValueFailure("cannot sample n_sample <= 0 samples")
    if not np.all(np.isfinite(weights)) or np.any(weights < 0):
        raise ValueFailure("probability tensor contains either `inf`, `nan` or element < 0")
    if np.any(np.sum(weights, axis=-1) <= 0):
        raise ValueFailure("invalid multinomial distribution (sum of probabilities <= 0)")
    allocatable((*weights.shape[:-1], num_samples), np.dtype(np.int64))
    generator = context.current().generator
    if replacement:
        totals = np.cumsum(weights, axis=-1, dtype=np.float64)
        points = generator.random((*weights.shape[:-1], num_samples)) * totals[..., -1:]
        # A product may round up to the total itself: the last index with a weight.
        last = weights.shape[-1] - 1 - np.argmax(weights[..., ::-1] > 0, axis=-1, keepdims=True)
        return made(np.minimum(places_in(totals, points, True), last))
    if num_samples > weights.shape[-1]:
        raise ValueFailure("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if np.any(np.sum(weights > 0, axis=-1) < num_samples):
        raise ValueFailure(
            "invalid multinomial distribution (with replacement=False, not enough non-negative category to sample)"
        )
    # Of waiting times with these rates the shortest come first with just these chances.
    with np.errstate(all="ignore"):
        waits = generator.standard_exponential(weights.shape) / weights
    return made(np.argsort(waits, axis=-1)[..., :num_samples])
