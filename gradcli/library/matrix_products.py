"""Products with a summand, chains and powers of matrices, and the products that are written otherwise."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor, linear, matrices, solving
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.conversion import promoted
from gradcli.engine.operation import relabel, variant
from gradcli.engine.protocols import product
from gradcli.errors import IndexFailure, ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Flag, OptionalWhole, Tensors, Whole, Wholes, axis_of
from gradcli.library.linear_algebra import kind_of, square_of
from gradcli.library.vocabulary import function

_vdot = variant(linear.matmul, "VdotBackward0")


# ---- beta * input + alpha * product


# ---- chains and powers


@function("linalg.multi_dot")
def multi_dot(tensors: Tensors):
    """The product of several matrices, in the order that costs least; first and last may be vectors.

    Shapes: (n, k), (k, l), ..., (p, m) -> (n, m); a first vector is a row, a last one a column, and the result lacks
        that dim
    Derivative: each: a.mT @ g @ b.mT, where a is the product of those before it and b of those behind it
    Example: A = [[1., 2.], [3., 4.]]
        y = linalg.multi_dot([[1., 1.], A, [1., 10.]])
        y
        backward y
    """
    if len(tensors) < 2:
        raise ValueFailure(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    for place, tensor in enumerate(tensors):
        last = place == len(tensors) - 1
        if not 1 + (place > 0 and not last) <= tensor.ndim <= 2:
            which = "the first tensor must be 1D or 2D" if not place else "the last tensor must be 1D or 2D"
            which = which if not place or last else f"tensor {place} must be 2D"
            raise ShapeFailure(f"multi_dot(): {which} but got {tensor.ndim}D")
        if tensor.dtype != tensors[0].dtype:
            raise TypeFailure(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {kind_of(tensors[0]).lower()} "
                f"and tensor {place} {kind_of(tensor).lower()}"
            )
    first, final = tensors[0], tensors[-1]
    shape = (*first.shape[: first.ndim - 1], *final.shape[1:])
    chain = list(tensors)
    if first.ndim == 1:
        chain[0] = s.reshape(first, (1, first.shape[0]))
    if final.ndim == 1:
        chain[-1] = s.reshape(final, (final.shape[0], 1))
    for place, (one, other) in enumerate(pairwise(chain)):
        if one.shape[1] != other.shape[0]:
            raise ShapeFailure(
                f"multi_dot(): tensors {place} and {place + 1} with shapes {list(tensors[place].shape)} and "
                f"{list(tensors[place + 1].shape)} cannot be multiplied"
            )
    cuts = _cheapest([x.shape[0] for x in chain] + [chain[-1].shape[1]])

    def multiplied(i: int, j: int) -> Tensor:
        return chain[i] if i == j else linear.mm(multiplied(i, cuts[i, j]), multiplied(cuts[i, j] + 1, j))

    return s.reshape(multiplied(0, len(chain) - 1), shape)


def _cheapest(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to cut each stretch of a chain of matrices (T. Cormen et al., "Introduction to Algorithms", 15.2)."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    cuts = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            costs = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            cuts[i, j] = min(costs, key=costs.__getitem__)
            cost[i, j] = costs[cuts[i, j]]
    return cuts


@function()
def chain_matmul(*matrices):
    """The product of several matrices, in the order that costs least: linalg.multi_dot's elder.

    Shapes: (n, k), (k, l), ..., (p, m) -> (n, m)
    Derivative: each: a.mT @ g @ b.mT, where a is the product of those before it and b of those behind it
    Example: A = [[1., 2.], [3., 4.]]
        B = chain_matmul(A, [[1.], [0.]], [[1., 1.]])
        B
        backward B.sum()
    """
    return multi_dot(list(matrices[0]) if len(matrices) == 1 and isinstance(matrices[0], (list, tuple)) else
                     list(matrices))  # fmt: skip


@function("matrix_power", also=("linalg.matrix_power",))
def matrix_power(input: Tensor, n: Whole):
    """The n-th power of a square matrix; of its inverse where n is negative.

    Shapes: (..., k, k) -> the same; n any whole number
    Derivative: the sum of P(i).mT @ g @ P(n - 1 - i).mT for i from 0 to n - 1, where P(i) is matrix_power(input, i);
        for n below 0 that of `matrix_power(linalg.inv(input), -n)`
    Kink: the power 0 is the identity, of any matrix, with the gradient 0.
    Example: A = [[1., 1.], [0., 2.]]
        B = matrix_power(A, 3)
        B
        backward B[0, 1]
    """
    if input.ndim < 2 or input.shape[-1] != input.shape[-2]:
        square_of(input, "linalg.matrix_power")
    if n == 0:
        # The identity, whatever the matrix is: a constant with the gradient 0, and no failure of a backward.
        one = np.eye(input.shape[-1], dtype=input.dtype)
        return relabel(np.where(np.asarray(False), input, one), "CopyBackwards")
    if n < 0:
        input, n = solving.inv(square_of(input, "linalg.matrix_power")), -n
        if n == 1:
            return input
    if n == 1:
        return s.clone(input)
    if n == 3:
        # One product of two, where the general way would take the square of the square root.
        return product(product(input, input), input)
    power, result = input, None
    while n:
        n, odd = divmod(n, 2)
        if odd:
            result = power if result is None else product(result, power)
        if n:
            power = product(power, power)
    return result


# ---- products of vectors and of tensors


@function()
def vdot(input: Tensor, other: Tensor):
    """The dot product of two vectors: for real numbers what `dot` is.

    Shapes: (n), (n) -> ()
    Derivative: input: g * other; other: g * input
    Kink: of empty vectors it is 0, as a sum of nothing is.
    Example: x = [1., 2.]
        vdot(x, [3., 4.])
        backward vdot(x, x)
    """
    if input.ndim != 1 or other.ndim != 1:
        raise ShapeFailure(f"1D tensors expected, but got {input.ndim}D and {other.ndim}D tensors")
    if input.dtype != other.dtype:
        raise TypeFailure(
            f"dot : expected both vectors to have same dtype, but found {kind_of(input)} and {kind_of(other)}"
        )
    if input.shape != other.shape:
        raise linear.matmul_clash(input.shape, other.shape)
    return _vdot(input, other)


@function("linalg.vecdot")
def vecdot(x: Tensor, y: Tensor, *, dim: Whole = -1):
    """The dot products of vectors that lie along a dim of two tensors.

    Shapes: any two that broadcast together -> theirs without `dim`
    Derivative: x: g.unsqueeze(dim) * y; y: g.unsqueeze(dim) * x; dims that were broadcast are summed
    Kink: along a dim of size 0 it is 0, as a sum of nothing is.
    Example: x = [[1., 2.], [3., 4.]]
        y = linalg.vecdot(x, [[1., 1.], [2., 0.]])
        y
        backward y.sum()
    """
    if x.dtype.kind != "f":
        raise TypeFailure(f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {kind_of(x)}")
    if x.dtype != y.dtype:
        raise TypeFailure(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {kind_of(x)} and y of type "
            f"{kind_of(y)} instead"
        )
    if x.ndim == y.ndim == 1:
        return vdot(x, y)
    both = e.mul(x, y)
    return r.sum_dim(both, axis_of(dim, both.ndim) if both.ndim else None)


def _crossed(input: Tensor, other: Tensor, dim: int) -> Tensor:
    if input.ndim != other.ndim:
        raise ShapeFailure("linalg.cross: inputs must have the same number of dimensions.")
    axis = axis_of(dim, input.ndim)
    if input.ndim == 0 or input.shape[axis] != 3 or other.shape[axis] != 3:
        sizes = [x.shape[axis] if x.ndim else 1 for x in (input, other)]
        raise ShapeFailure(f"linalg.cross: inputs dimension {dim} must have length 3. Got {sizes[0]} and {sizes[1]}")
    if input.dtype != other.dtype:
        raise TypeFailure(f"expected scalar type {kind_of(input)} but found {kind_of(other)}")
    try:
        np.broadcast_shapes(input.shape, other.shape)
    except ValueError:
        raise shape_clash(input.shape, other.shape) from None
    return matrices.cross(input, other, dim)


@function("linalg.cross")
def linalg_cross(input: Tensor, other: Tensor, *, dim: Whole = -1):
    """The cross product of vectors of three elements along a dim: it is perpendicular to both.

    Shapes: any two that broadcast together and have size 3 in `dim` -> theirs
    Derivative: input: cross(other, g, dim); other: cross(g, input, dim)
    Example: x = [1., 0., 0.]
        y = linalg.cross(x, [0., 1., 0.])
        y
        backward y[2]
    """
    return _crossed(input, other, dim)


@function()
def cross(input: Tensor, other: Tensor, dim: OptionalWhole = None):
    """The cross product of vectors of three elements: along a dim, or along the first one of size 3.

    Shapes: any two that broadcast together and have size 3 in `dim` -> theirs
    Derivative: input: cross(other, g, dim); other: cross(g, input, dim)
    Kink: without a dim the first of size 3 is taken, which needn't be the last: linalg.cross takes the last.
    Example: x = [1., 2., 3.]
        y = cross(x, [0., 0., 1.])
        y
        backward y.sum()
    """
    if dim is None:
        if 3 not in input.shape:
            raise ShapeFailure("no dimension of size 3 in input")
        dim = input.shape.index(3)
    return _crossed(input, other, dim)


@function()
def kron(input: Tensor, other: Tensor):
    """The Kronecker product: every element of input times the whole of other, as blocks.

    Shapes: (n, m), (k, l) -> (n * k, m * l); of other counts of dims so too, the shorter shape with 1s in front
    Derivative: input[i, j]: sum(b[i, j] * other); other: the sum of input[i, j] * b[i, j], where b[i, j] is the block
        of g
    Example: x = [[1., 2.]]
        y = kron(x, [[1., 10.], [0., 1.]])
        y
        backward y.sum()
    """
    ndim = max(input.ndim, other.ndim)
    left, right = ((1,) * (ndim - x.ndim) + x.shape for x in (input, other))
    # Each dim of the result is a pair of dims, input's and other's.
    outer_ = s.reshape(input, tuple(n for size in left for n in (size, 1)))
    inner = s.reshape(other, tuple(n for size in right for n in (1, size)))
    shape = tuple(a * b for a, b in zip(left, right, strict=True))
    return s.reshape_copy(e.mul(outer_, inner), shape)


def _contracted(a: Tensor, b: Tensor, dims: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes of each tensor that are summed over together."""
    if isinstance(dims, (tuple, list)) or (type(dims) is Tensor and dims.ndim):
        of_a, of_b = (Wholes(part) for part in dims)
        if len(of_a) != len(of_b):
            raise ValueFailure("both dimension lists should have same length")
        return tuple(axis_of(d, a.ndim) for d in of_a), tuple(axis_of(d, b.ndim) for d in of_b)
    count = Whole(dims)
    if count < 0:
        raise ValueFailure(f"tensordot expects dims >= 0, but got dims={count}")
    if count > min(a.ndim, b.ndim):
        raise ValueFailure(f"tensordot expects dims < ndim_a or ndim_b, but got dims={count}")
    return tuple(range(a.ndim - count, a.ndim)), tuple(range(count))


@function()
def tensordot(a: Tensor, b: Tensor, dims=2):
    """The product summed over the last `dims` dims of a and the first of b, or over the two lists of dims given.

    Shapes: the dims of a that aren't summed over, then those of b: (n, k), (k, m) -> (n, m) with dims=1; dims summed
        over together have one size, or 1
    Derivative: a: g @ b.mT; b: a.mT @ g, where each is reshaped to a matrix: of a the dims summed over are the columns,
        of b the rows
    Kink: over no dims, dims=0, it is the product of every element of a with every element of b.
    Example: A = [[1., 2.], [3., 4.]]
        y = tensordot(A, [[1., 1.], [0., 10.]])
        y
        backward y
        tensordot(A, [1., 1.], dims=([0], [0]))
    """
    of_a, of_b = _contracted(a, b, dims)
    if a.dtype != b.dtype:
        raise TypeFailure("both inputs should have same dtype", help="convert one of them, `.double()` or `.float()`")
    for axes in (of_a, of_b):
        if len(set(axes)) != len(axes):
            raise IndexFailure(f"dim {max(axes, key=axes.count)} appears multiple times in the list of dims")
    for i, j in zip(of_a, of_b, strict=True):
        if a.shape[i] == b.shape[j]:
            continue
        # A dim of size 1 is stretched: so the other's elements are added up.
        if b.shape[j] == 1:
            a = r.sum_dim(a, i, True)
        elif a.shape[i] == 1:
            b = r.sum_dim(b, j, True)
        else:
            raise ShapeFailure(
                f"contracted dimensions need to match, but first has size {a.shape[i]} in dim {i} and second has size "
                f"{b.shape[j]} in dim {j}"
            )
    free_a = tuple(i for i in range(a.ndim) if i not in of_a)
    free_b = tuple(j for j in range(b.ndim) if j not in of_b)
    shape = (*(a.shape[i] for i in free_a), *(b.shape[j] for j in free_b))
    inner = prod(a.shape[i] for i in of_a)
    left = s.reshape(s.permute(a, (*free_a, *of_a)), (prod(a.shape[i] for i in free_a), inner))
    right = s.reshape(s.permute(b, (*of_b, *free_b)), (inner, prod(b.shape[j] for j in free_b)))
    return s.reshape(linear.mm(left, right), shape)


# ---- matrices made of others


@function()
def block_diag(*tensors):
    """A matrix with the given ones along its diagonal and 0 elsewhere; a vector is one row.

    Shapes: (n, m), (k, l), ... -> (n + k + ..., m + l + ...); of nothing (1, 0)
    Derivative: each: g's block where it stands
    Example: A = [[1., 2.], [3., 4.]]
        B = block_diag(A, [5., 6.])
        B
        backward B.sum(1)[0]
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    parts = promoted(*(as_tensor(tensor) for tensor in tensors)) if tensors else []
    for place, part in enumerate(parts):
        if part.ndim > 2:
            raise ShapeFailure(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {place} has {part.ndim} "
                "dimensions"
            )
    if not parts:
        return Tensor(as_tensor([]).array.reshape(1, 0), CUT)
    return matrices.block_diag([part if part.ndim == 2 else s.reshape(part, (1, part.array.size)) for part in parts])


def _powers(x: Tensor, count: int) -> Tensor:
    allocatable((*x.shape, count), x.dtype)
    one = as_tensor(np.ones((*x.shape, 1), x.dtype))
    repeated = s.broadcast_to(s.expand_dims(x, x.ndim), (*x.shape, count - 1))
    return s.concatenate([one, r.cumprod(repeated, x.ndim)], x.ndim)


@function("linalg.vander")
def linalg_vander(x: Tensor, *, N: OptionalWhole = None):
    """The powers 0 to N - 1 of each element, as a row: a Vandermonde matrix.

    Shapes: (..., n) -> (..., n, N); N is n where it isn't given, and at least 2
    Derivative: the sum of k * x^(k - 1) * g[..., k] over the powers k from 1 to N - 1
    Kink: 0 to the power 0 is 1, and the slope of x at 0 is 1: no quotient of powers is taken (why:
        gradcli/engine/reductions.py)
    Example: x = [0., 2., 3.]
        y = linalg.vander(x, N=4)
        y
        backward y.sum()
    """
    count = (x.shape[-1] if x.ndim else 1) if N is None else N
    if count <= 1:
        raise ValueFailure("N must be greater than 1.")
    return _powers(x, count)


@function()
def vander(x: Tensor, N: OptionalWhole = None, increasing: Flag = False):
    """The powers of each element of a vector, highest first unless increasing: a Vandermonde matrix.

    Shapes: (n) -> (n, N); N is n where it isn't given
    Derivative: the sum of k * x^(k - 1) * g[:, j] over the powers k from 1 to N - 1, j the column that holds x^k
    Kink: 0 to the power 0 is 1; with N = 1 there are only ones, which have no gradient, as in PyTorch.
    Example: x = [1., 2., 3.]
        y = vander(x)
        y
        backward y[2].sum()
    """
    if x.ndim != 1:
        raise ShapeFailure("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise ValueFailure("N must be non-negative.")
    powers = _powers(x, count) if count > 1 else Tensor(np.ones((x.shape[0], count), x.dtype), CUT)
    return powers if increasing else s.flip(powers, 1)
