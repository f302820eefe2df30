"""The table of functions of matrices: determinants, pseudoinverse, exponential, cross product, block diagonals."""

from __future__ import annotations

import numpy as np

from gradcli.engine.broadcasting import unbroadcast
from gradcli.engine.factorizations import eigh, svd
from gradcli.engine.operation import differentiable, shape_of
from gradcli.engine.solving import inv, mT
from gradcli.engine.tensor import as_array


def _over_matrix(g):
    """One number a matrix, aligned with the matrix."""
    return np.expand_dims(g, (-2, -1))


# ---- determinants


def det(A):
    return np.linalg.det(A)


def _cofactors(y, x):
    """The derivative of the determinant: det(A) inv(A)^T, which is finite where the inverse is not.

    A determinant is a polynomial of the elements, so it has a gradient at a singular matrix as anywhere else. There it
    is taken from A = U S V: the determinants of U and V, which don't vary, times the products of all other singular
    values. (torch does so under create_graph; without, it gives zeros at a singular matrix.)
    """
    if np.all(as_array(y) != 0):
        return _over_matrix(y) * mT(inv(x))
    u, s, vh = svd(x, False)
    sign = np.linalg.det(as_array(u)) * np.linalg.det(as_array(vh))
    others = np.prod(np.where(np.eye(x.shape[-1], dtype=bool), 1, np.expand_dims(s, -2)), axis=-1)
    return (u * np.expand_dims(sign[..., None] * others, -2)) @ vh


det = differentiable(
    det, lambda g, y, x: _over_matrix(g) * _cofactors(y, x),
    name="linalg.det", grad_name="LinalgDetBackward0", real=False,
    formula="(g * out)[..., none, none] * inverse(x).mT", doc="The determinant of a square matrix.",
)  # fmt: skip


def slogdet(A):
    return tuple(np.linalg.slogdet(A))


def _slogdet_slope(g, y, x):
    """The sign moves in steps. At a singular matrix the logarithm, -inf, has no slope: inf or nan, as in torch."""
    if g[1] is None:
        return np.zeros_like(as_array(x))
    if np.all(as_array(y[0]) != 0):
        return _over_matrix(g[1]) * mT(inv(x))
    determinant = det(x)
    return _over_matrix(g[1]) * (_cofactors(determinant, x) / _over_matrix(determinant))


slogdet = differentiable(
    slogdet, lambda g, y, x: _slogdet_slope(g, y, x),
    name="linalg.slogdet", grad_name="LinalgSlogdetBackward0", several=True, real=False,
    formula="g, times the transposed inverse of {x}",
    doc="The sign of the determinant and the logarithm of its size.",
)  # fmt: skip


# ---- the pseudoinverse


def pinv(A, atol=0.0, rtol=0.0, hermitian=False):
    if not A.size:
        return np.zeros((*A.shape[:-2], A.shape[-1], A.shape[-2]), A.dtype)
    if hermitian:
        values, vectors = eigh.op.forward(A)
        left, right = vectors, mT(vectors)
    else:
        u, values, vh = svd.op.forward(A, False)
        left, right = mT(vh), mT(u)
    size = np.abs(values)
    least = np.maximum(np.asarray(atol)[..., None], np.asarray(rtol)[..., None] * size.max(axis=-1, keepdims=True))
    kept = size > least
    inverse = np.where(kept, 1 / np.where(kept, values, 1), 0).astype(A.dtype)
    return (left * inverse[..., None, :]) @ right


def _pinv_slope(g, y, x):
    """G. Golub and V. Pereyra (1973): the inverse's rule, and what moves the null spaces; for a constant rank.

    Where the rank grows the pseudoinverse jumps, from 0 to the inverse of a singular value near 0, and no gradient
    tells of that. Changes that leave the rank as it is have one, which is this; torch's too.
    """
    g, y_t = mT(g), mT(y)
    if x.shape[-2] <= x.shape[-1]:
        k = g @ y
        k_y = k @ y_t
        return -mT(y @ k) + k_y - (x @ y) @ k_y + (y_t @ y) @ (g - k @ x)
    k = y @ g
    y_k = y_t @ k
    return -mT(k @ y) + (g - x @ k) @ y @ y_t + y_k - (y_k @ y) @ x


pinv = differentiable(
    pinv, lambda g, y, x, _atol, _rtol, _hermitian: _pinv_slope(g, y, x),
    name="linalg.pinv", grad_name="LinalgPinvBackward0", real=False,
    formula="-out.mT @ g @ out.mT, and what moves the null spaces",
    doc="The pseudoinverse of a matrix.",
)  # fmt: skip


# ---- the exponential

_PADE = np.array(
    [
        64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
        670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
    ],
    np.float64,
)  # fmt: skip
_LARGEST = 5.371920351148152


def matrix_exp(A):
    """Scaling and squaring with the Padé approximant of degree 13 (N. Higham, 2005), for all matrices at once.

    Each matrix is halved until its 1-norm is below the bound up to which the approximant is exact in double precision,
    and the result squared as often.
    """
    if not A.size:
        return np.array(A)
    size = np.max(np.sum(np.abs(A), axis=-2), axis=-1)
    with np.errstate(divide="ignore"):
        halvings = np.maximum(np.ceil(np.log2(size / _LARGEST)), 0)
    halvings = np.where(np.isfinite(halvings), halvings, 0)
    x = A / np.exp2(halvings)[..., None, None].astype(A.dtype)
    b = (_PADE / _PADE[0]).astype(A.dtype)
    one = np.eye(A.shape[-1], dtype=A.dtype)
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    odd = x @ (x6 @ (b[13] * x6 + b[11] * x4 + b[9] * x2) + b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one)
    even = x6 @ (b[12] * x6 + b[10] * x4 + b[8] * x2) + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
    result = np.linalg.solve(even - odd, even + odd)
    for k in range(int(np.max(halvings))):
        result = np.where((halvings > k)[..., None, None], result @ result, result)
    return result


def _matrix_exp_slope(g, x):
    """The derivative along g stands in the corner of the exponential of a block matrix (R. Mathias, 1996)."""
    n = x.shape[-1]
    x_t = mT(x)
    nothing = np.zeros(x.shape, x.dtype)
    block = np.concatenate([np.concatenate([x_t, g], axis=-1), np.concatenate([nothing, x_t], axis=-1)], axis=-2)
    return matrix_exp(block)[..., :n, n:]


matrix_exp = differentiable(
    matrix_exp, lambda g, _y, x: _matrix_exp_slope(g, x),
    grad_name="LinalgMatrixExpBackward0", real=False,
    formula="g, through the upper right block of the exponential of [[x.mT, g], [0, x.mT]]",
    doc="The exponential of a square matrix.",
)  # fmt: skip


# ---- vectors and blocks


def cross(input, other, dim):
    ahead, behind = (lambda v: np.roll(v, -1, dim)), (lambda v: np.roll(v, 1, dim))
    return ahead(input) * behind(other) - behind(input) * ahead(other)


cross = differentiable(
    cross,
    lambda g, _z, x_shape, y, dim: unbroadcast(cross(y, g, dim), shape_of(x_shape)),
    lambda g, _z, x, y_shape, dim: unbroadcast(cross(g, x, dim), shape_of(y_shape)),
    grad_name="LinalgCrossBackward0", real=False,
    formula=("cross(y, g, dim)", "cross(g, x, dim)"), doc="The cross product of vectors of three elements.",
)  # fmt: skip


def block_diag(tensors):
    rows, columns = (np.cumsum([0, *(x.shape[axis] for x in tensors)]) for axis in (0, 1))
    out = np.zeros((rows[-1], columns[-1]), tensors[0].dtype)
    for k, x in enumerate(tensors):
        out[rows[k] : rows[k + 1], columns[k] : columns[k + 1]] = x
    return out


def _blocks(needs, g, shapes):
    rows, columns = (np.cumsum([0, *(shape[axis] for shape in shapes)]) for axis in (0, 1))
    return [
        g[int(rows[k]) : int(rows[k + 1]), int(columns[k]) : int(columns[k + 1])] if need else None
        for k, need in enumerate(needs)
    ]


block_diag = differentiable(
    block_diag, lambda needs, g, _y, xs_shape: _blocks(needs, g, xs_shape),
    grad_name="BlockDiagBackward0", variadic=True, joint=True, real=False, formula="g, the block that {x} became",
    doc="A matrix with the given ones along its diagonal.",
)  # fmt: skip
