"""Norms of matrices, distances, differences and covariances."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from gradcli.engine import Tensor, as_tensor, factorizations, linear, modes
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.distances import largest_difference
from gradcli.engine.operation import relabel, variant
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Dims, Dtype, Flag, Number, OptionalTensor, Text, Whole, axis_of, described
from gradcli.library.linear_algebra import inv_ex, kind_of, matrices_of, square_of
from gradcli.library.reducing import norm
from gradcli.library.vocabulary import function

# ---- norms of matrices


def _order_of(ord: Any, name: str) -> Any:
    """The order of a matrix norm, which is one of few."""
    if type(ord) is Tensor and ord.array.size == 1:
        ord = ord.item()
    if ord in ("fro", "nuc") or (isinstance(ord, (int, float)) and abs(ord) in (1, 2, inf)):
        return ord
    shown = ord if isinstance(ord, (int, float, str)) else described(ord)
    raise ValueFailure(
        f"linalg.{name}: Order {shown} not supported.", help='"fro", "nuc", 1, -1, 2, -2, inf and -inf are'
    )


@function("linalg.matrix_norm")
def matrix_norm(A: Tensor, ord="fro", dim: Dims = (-2, -1), keepdim: Flag = False, *, dtype: Dtype = None):
    """The norm of each matrix: "fro", "nuc", 1, -1, 2, -2, inf or -inf.

    "fro" is the root of the sum of squares, "nuc" the sum of singular values, 2 the largest and -2 the smallest of
    them, 1 and -1 the largest and smallest sum of a column's sizes, inf and -inf of a row's.

    Shapes: (..., n, m) -> (...), over the two dims of `dim`; with keepdim they stay, of size 1
    Derivative: "fro": g * A / out; "nuc": g * U @ Vh, the singular vectors; 2 and -2: g * outer(U[:, k], Vh[k]) of that
        singular value; 1, -1, inf and -inf: g * sign(A) in that column or row, 0 elsewhere
    Kink: zeros have the gradient 0 for "fro". Columns, rows or singular values that tie share g evenly, and an element
        of 0 in a sum has 0; a singular value of 0 has the gradient outer(u, v) of LAPACK's vectors, as in PyTorch (why:
        gradcli/engine/reductions.py and gradcli/engine/factorizations.py)
    Example: A = [[1., -2.], [2., 4.]]
        n = linalg.matrix_norm(A)
        n
        backward n
    Example: A = [[3., 0.], [0., -3.]]
        n = linalg.matrix_norm(A, 1)
        n
        backward n
    """
    ord = _order_of(ord, "matrix_norm")
    A = _as_wide(A, dtype)
    dims = dim if isinstance(dim, tuple) else (dim,)
    if len(dims) != 2 or None in dims:
        raise ValueFailure(f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dims))}")
    rows, columns = (axis_of(d, A.ndim) for d in dims)
    if rows == columns:
        raise ValueFailure(f"linalg.matrix_norm: dims must be different. Got ({dims[0]}, {dims[1]})")
    if ord == "fro":
        return r.norm(A, 2, (rows, columns), keepdim)
    if ord == "nuc" or abs(ord) == 2:
        order = _to_the_end(A.ndim, rows, columns)
        values = factorizations.svdvals(s.permute(A, order))
        result = _reduced(values, ord, values.ndim - 1)
        if not keepdim:
            return result
        return s.permute(s.reshape(result, (*result.shape, 1, 1)), tuple(int(axis) for axis in np.argsort(order)))
    added, chosen = (rows, columns) if abs(ord) == 1 else (columns, rows)
    totals = r.sum_dim(e.abs(A), added, keepdim)
    return _reduced(totals, ord, chosen if keepdim or chosen < added else chosen - 1, keepdim)


def _as_wide(A: Tensor, dtype: np.dtype | None) -> Tensor:
    A = matrices_of(A, "linalg.matrix_norm")
    if dtype is not None and np.promote_types(dtype, A.dtype) != dtype:
        to = kind_of(as_tensor(np.zeros((), dtype)))
        raise TypeFailure(
            f"linalg.matrix_norm: the dtype of the input ({kind_of(A)}) should be convertible without narrowing to the "
            f"specified dtype ({to})"
        )
    return A if dtype is None else as_tensor(A, dtype)


def _to_the_end(ndim: int, *axes: int) -> tuple[int, ...]:
    return (*(axis for axis in range(ndim) if axis not in axes), *axes)


def _reduced(values: Tensor, ord: Any, axis: int, keepdim: bool = False) -> Tensor:
    """The largest, the smallest, or for the nuclear norm the sum; of no values 0 where that's sense, as in torch."""
    if ord == "nuc":
        return r.sum_dim(values, axis, keepdim)
    if not values.shape[axis]:
        if ord < 0:
            raise ValueFailure(
                f"linalg.matrix_norm: Expected reduction dim {axis} to have non-zero size.",
                help="the smallest of nothing isn't defined",
            )
        return r.sum_dim(values, axis, keepdim)
    return (r.amax if ord > 0 else r.amin)(values, axis, keepdim)


@function("linalg.norm")
def linalg_norm(A: Tensor, ord=None, dim: Dims = None, keepdim: Flag = False, *, dtype: Dtype = None):
    """The norm of all elements or along dims; with an order, of a vector (one dim) or of matrices (two dims).

    Shapes: any -> (), or its shape without `dim`; with keepdim these stay, of size 1
    Derivative: g * A / out; with an order that of `norm(A, ord)` of a vector, that of `linalg.matrix_norm(A, ord)` of a
        matrix
    Kink: zeros have the gradient 0, and orders have the kinks of `norm` and of `linalg.matrix_norm` (why:
        gradcli/engine/reductions.py)
    Example: x = [3., -4.]
        n = linalg.norm(x)
        n
        backward n
    Example: x = [0., -4., 4.]
        backward linalg.norm(x, inf)
    """
    if ord is None:
        return norm.body(A, 2, dim, keepdim, dtype=dtype)
    count = A.ndim if dim is None else len(dim) if isinstance(dim, tuple) else 1
    if count > 2 or (dim is not None and count == 0):
        if dim is None:
            raise ShapeFailure(
                f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D.",
                help="`linalg.vector_norm` takes all elements, `linalg.matrix_norm` the last two dims",
            )
        raise ValueFailure(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}")
    if count == 2:
        return matrix_norm.body(A, ord, (0, 1) if dim is None else dim, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise ShapeFailure("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    return norm.body(A, ord, dim, keepdim, dtype=dtype)


def nuclear(input: Tensor, dim: Any, keepdim: bool, dtype: Any) -> Tensor:
    """`norm(x, "nuc")`: of a matrix, or along two dims."""
    return matrix_norm.body(input, "nuc", tuple(range(input.ndim)) if dim is None else dim, keepdim, dtype=dtype)


@function("linalg.cond")
def cond(A: Tensor, p=None):
    """The condition number: the norm of a matrix times that of its inverse; inf where it is singular.

    How much a relative change of b in A x = b can grow in x. Without p it is the largest singular value by the
    smallest.

    Shapes: (..., n, n) -> (...); also (..., n, m) for the orders none, 2 and -2
    Derivative: that of `s[0] / s[-1]`, s the singular values; for other orders that of `linalg.matrix_norm(A, p) *
        linalg.matrix_norm(linalg.inv(A), p)`
    Kink: where the largest or the smallest singular value ties with others, LAPACK's order chooses which one counts;
        other orders have the kinks of linalg.matrix_norm. A singular matrix has inf, or by rounding a huge number, and
        one of zeros nan; the gradient isn't finite there.
    Example: A = [[2., 1.], [0., 1.]]
        k = linalg.cond(A)
        k
        backward k
    """
    if A.ndim < 2:
        raise ShapeFailure("linalg.cond: The input tensor must have at least 2 dimensions.")
    try:
        order = _order_of(2 if p is None else p, "cond")
    except ValueFailure:
        shown = p if isinstance(p, (int, float, str)) else described(p)
        raise ValueFailure(f"linalg.cond got an invalid norm type: {shown}") from None
    A = matrices_of(A, "linalg.cond")
    if not (A.shape[-1] and A.shape[-2]):
        return r.sum_dim(A, (A.ndim - 2, A.ndim - 1))
    if order in (2, -2):
        values = factorizations.svdvals(A)
        ends = values[..., :1], values[..., -1:]
        ratio = e.div(*ends) if order == 2 else e.div(*ends[::-1])
        return s.squeeze_dim(ratio, ratio.ndim - 1)
    square_of(A, f"linalg.cond(ord={order})")
    inverse, info = inv_ex(A)
    result = e.mul(matrix_norm(A, order), matrix_norm(inverse, order))
    if np.any(info.array):
        result = np.where(np.asarray(info.array != 0), np.asarray(inf, A.dtype), result)
    return result if order == "nuc" else relabel(result, "NanToNumBackward0")


# ---- distances


@function()
def dist(input: Tensor, other: Tensor, p: Number = 2):
    """The distance of two tensors: the p-norm of their difference.

    Shapes: any two that broadcast together -> ()
    Derivative: input: g * d / out, where d is input - other, for p = 2; g * sign(d) * abs(d)^(p - 1) / out^(p - 1) for
        any p; other: the same times -1
    Kink: equal tensors have the gradient 0, as a norm has at 0, and so have equal elements for p up to 1. For p = inf
        the largest differences share g evenly; p = 0 counts, and has 0 (why: gradcli/engine/reductions.py)
    Example: x = [1., 2.]
        d = dist(x, [4., 6.])
        d
        backward d
    Example: x = [1., 2.]
        backward dist(x, [1., 2.])
    """
    difference = e.sub(input, other)
    if difference.dtype.kind != "f":
        raise TypeFailure(
            f"norm(): input dtype should be either floating point or complex. Got {kind_of(difference)} instead."
        )
    return relabel(norm(difference, p), "DistBackward0")


@function()
def cdist(x1: Tensor, x2: Tensor, p: Number = 2.0, compute_mode: Text = "use_mm_for_euclid_dist_if_necessary"):
    """The p-norm distance of every row of x1 to every row of x2.

    Shapes: (..., n, k), (..., m, k) -> (..., n, m), the dims before the last two broadcast
    Derivative: x1[i]: the sum of g[i, j] * sign(d) * abs(d)^(p - 1) / out[i, j]^(p - 1) over all j, where d is x1[i] -
        x2[j]; for p = 2 of g[i, j] * d / out[i, j]; x2[j]: the same over all i, times -1
    Kink: equal rows have the gradient 0, and so have equal elements for p up to 1; p = 0 counts, and has 0. For p = inf
        differences that tie for the largest get the whole gradient each, where `norm` shares it (why:
        gradcli/engine/distances.py)
    Example: x = [[0., 0.], [3., 4.]]
        d = cdist(x, [[0., 0.]])
        d
        backward d.sum()
    """
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise ShapeFailure(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
        if x.dtype.kind != "f":
            raise TypeFailure(f"cdist only supports floating-point dtypes, {name} got: {kind_of(x)}")
    if x1.shape[-1] != x2.shape[-1]:
        raise ShapeFailure(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if x1.dtype != x2.dtype:
        raise TypeFailure(f"expected scalar type {kind_of(x1)} but found {kind_of(x2)}")
    if p < 0:
        raise ValueFailure("cdist only supports non-negative p values")
    if compute_mode not in (
        "use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist",
    ):  # fmt: skip
        raise ValueFailure(f"{compute_mode} is not a valid value for compute_mode")
    difference = e.sub(s.expand_dims(x1, x1.ndim - 1), s.expand_dims(x2, x2.ndim - 2))
    # Rows without elements are all one: their distance is 0, the largest difference among none too.
    p, axis = p if x1.shape[-1] else 1, difference.ndim - 1
    distances = largest_difference(difference, axis) if p == inf else r.norm(difference, p, axis, False)
    return relabel(distances, "CdistBackward0")


# ---- differences and covariances


@function()
def diff(input: Tensor, n: Whole = 1, dim: Whole = -1, prepend: OptionalTensor = None, append: OptionalTensor = None):
    """The differences of neighbours along a dim, n times over: the discrete derivative.

    Shapes: (..., k, ...) -> (..., k - n, ...), and at least 0; prepend and append are joined to the input first
    Derivative: -diff(g) with a 0 put before and behind g along the dim, so g[i - 1] - g[i]; for n above 1 so n times
        over
    Kink: with n = 0 it is a copy; with n of at least k nothing is left.
    Example: x = [1., 4., 9., 16.]
        d = diff(x)
        d
        diff(x, 2)
        backward d[1]
    """
    if not input.ndim:
        raise ShapeFailure("diff expects input to be at least one-dimensional")
    axis = axis_of(dim, input.ndim)
    if n < 0:
        raise ValueFailure(f"order must be non-negative but got {n}")
    parts = [part for part in (prepend, input, append) if part is not None]
    if any(part.ndim != input.ndim for part in parts):
        raise ShapeFailure("diff expects prepend or append to be the same dimension as input")
    values = input
    if len(parts) > 1:
        for part in parts:
            if part.shape[:axis] + part.shape[axis + 1 :] != input.shape[:axis] + input.shape[axis + 1 :]:
                raise ShapeFailure(
                    "diff expects the shape of tensor to prepend or append to match that of input except along the "
                    "differencing dimension"
                )
        values = s.concatenate(parts, axis)
    if n == 0:
        return s.clone(values)
    ahead, behind = ((slice(None),) * axis + (part,) for part in (slice(1, None), slice(None, -1)))
    for _ in range(min(n, values.shape[axis])):
        if values.dtype.kind == "b":
            values = as_tensor(values.array[ahead] ^ values.array[behind])
        else:
            values = e.sub(values[ahead], values[behind])
    return values


def _weights(weights: Tensor, name: str, wanted: str, count: int) -> Tensor:
    """The weights of the observations, of the kind and the number that torch wants."""
    if weights.ndim > 1:
        raise ShapeFailure(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {weights.ndim} dimensions"
        )
    if weights.dtype.kind not in wanted:
        kind = "integral" if wanted == "iu" else "floating point"
        raise TypeFailure(
            f"cov(): expected {name} to have {kind} dtype but got {name} with {kind_of(weights)} dtype",
            help="`.long()` makes whole numbers" if wanted == "iu" else "`.double()` makes real numbers",
        )
    if weights.array.size != count:
        raise ShapeFailure(
            f"cov(): expected {name} to have the same numel as there are observations in the input but got "
            f"{weights.array.size} != {count}"
        )
    if np.any(weights.array < 0):
        raise ValueFailure(f"cov(): {name} cannot be negative")
    return weights


def _covariance(
    input: Tensor, correction: Any, fweights: Tensor | None, aweights: Tensor | None, name: str = "cov"
) -> Tensor:
    if input.ndim > 2:
        raise ShapeFailure(
            f"{name}(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    x = input if input.dtype.kind == "f" else as_tensor(input, modes.default_dtype)
    x = x if x.ndim == 2 else s.reshape(x, (1, x.array.size))
    count = x.shape[1]
    w: Any = None
    if fweights is not None:
        w = as_tensor(_weights(fweights, "fweights", "iu", count), x.dtype)
    if aweights is not None:
        weights = _weights(aweights, "aweights", "f", count)
        w = weights if w is None else e.mul(w, weights)
    total = count if w is None else r.sum(w)
    spare: Any = correction
    if correction and aweights is not None:
        spare = e.mul(e.div(r.sum(e.mul(w, aweights)), total), correction)
    degrees = total - spare
    if float(degrees) <= 0:
        # Too few observations: 0 / 0 and x / 0, as in torch.
        if modes.warn is not None:
            modes.warn(
                f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the number of "
                "observations.",
                "the result is inf or nan: give more observations, or `correction=0`",
            )
        degrees = 0.0
    weighted = x if w is None else e.mul(x, w)
    middle = e.div(r.sum_dim(weighted, 1, True), total)
    deviation = e.sub(x, middle)
    scaled = deviation if w is None else e.mul(deviation, w)
    return s.squeeze(e.div(linear.mm(deviation, s.swapaxes(scaled, 0, 1)), degrees))


@function()
def cov(input: Tensor, *, correction: Whole = 1, fweights: OptionalTensor = None, aweights: OptionalTensor = None):
    """The covariances of variables, which are the rows; each column is an observation.

    fweights says how often each observation was made, aweights how much it counts. The sum of products is divided by
    the number of observations less the correction: 1 for a sample, 0 for the whole.

    Shapes: (n, m) -> (n, n), (m) -> (), with weights (m)
    Derivative: input: (g + g.mT) @ (input - mean) * w / d, where mean is that of each row, weighted by w, the product
        of the weights or 1, and d is what is divided by; aweights: that of `((x - mean) * w) @ (x - mean).mT / d`
    Kink: with no more observations than the correction d is 0: inf or nan, with a warning, as in PyTorch.
    Example: x = [[1., 2., 4.], [3., 1., 0.]]
        C = cov(x)
        C
        backward C[0, 0]
    """
    return _covariance(input, correction, fweights, aweights)


@function()
def corrcoef(input: Tensor):
    """The correlation coefficients of variables, which are the rows; each column is an observation.

    Shapes: (n, m) -> (n, n), (m) -> ()
    Derivative: that of `C / sqrt(outer(v, v))`, where C is cov(input) and v the diagonal of C
    Kink: it is kept between -1 and 1, where the gradient passes. A row of equal numbers has no spread: 0 / 0 is nan in
        its coefficients and in the gradient, as in PyTorch.
    Example: x = [[1., 2., 4.], [3., 1., 0.]]
        r = corrcoef(x)
        r
        backward r[0, 1]
    """
    covariances = _covariance(input, 1, None, None, "corrcoef")
    if not covariances.ndim:
        return e.div(covariances, covariances)
    spread = e.sqrt(_diagonal(covariances, 0, 0, 1))
    ratio = e.div(e.div(covariances, s.expand_dims(spread, 1)), s.expand_dims(spread, 0))
    return e.clamp_numbers(ratio, -1, 1)


_diagonal = variant(s.diagonal, "DiagonalBackward0")
