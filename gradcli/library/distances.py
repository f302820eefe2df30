"""torch.nn.functional: angles and distances between vectors."""

from __future__ import annotations

from math import inf

import numpy as np

from gradcli.engine import Tensor
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.conversion import promoted
from gradcli.engine.distances import largest_difference
from gradcli.engine.operation import relabel
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Flag, Number, Whole, axes_of, axis_of
from gradcli.library.losses import at_least
from gradcli.library.vocabulary import function


@function("F.cosine_similarity", also=("cosine_similarity",))
def cosine_similarity(x1: Tensor, x2: Tensor, dim: Whole = 1, eps: Number = 1e-08):
    """The cosine of the angle between vectors along a dim; their norms are at least eps.

    Shapes: (..., n, ...), any that broadcasts with it -> (..., ...); `dim` is the one of n, and goes
    Derivative: x1: g * (x2 / norm(x2) - out * x1 / norm(x1)) / norm(x1); x2: g * (x1 / norm(x1) - out * x2 / norm(x2))
        / norm(x2), with the norms along the dim
    Kink: a vector of zeros has the cosine 0 with any other, and the gradient g * x2 / norm(x2) / eps. (why:
        gradcli/library/distances.py)
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
    axis = axes_of(dim, len(shape))
    x1, x2 = (x if x.shape == shape else s.broadcast_to(x, shape) for x in (x1, x2))
    first, second = (e.div(x, at_least(r.norm(x, 2, axis, True), eps)) for x in (x1, x2))
    return r.sum_dim(e.mul(first, second), axis, False)


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
    Kink: a distance of 0 has the slope 0; with p=inf each of the differences that tie gets the whole gradient, as in
        `cdist`. (why: gradcli/engine/distances.py)
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
    distances = largest_difference(difference, 1) if p == inf else r.norm(difference, p, 1, False)
    return relabel(distances, "PdistBackward0")
