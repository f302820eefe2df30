"""Factorizations of matrices: torch.linalg's, and their elder names in torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import Tensor, factorizations, solving
from gradcli.engine import elementwise as e
from gradcli.engine import shaping as s
from gradcli.engine.operation import relabel
from gradcli.engine.protocols import product
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Flag, Text
from gradcli.library.linear_algebra import _goes_with, constant, kind_of, matrices_of, square_of
from gradcli.library.values import parts_type
from gradcli.library.vocabulary import function

CholeskyParts = parts_type("linalg_cholesky_ex", "L", "info")
EighParts = parts_type("linalg_eigh", "eigenvalues", "eigenvectors")
SvdParts = parts_type("linalg_svd", "U", "S", "Vh")
OldSvdParts = parts_type("svd", "U", "S", "V")
QrParts = parts_type("linalg_qr", "Q", "R")
OldQrParts = parts_type("qr", "Q", "R")
LuParts = parts_type("linalg_lu", "P", "L", "U")
LuFactorParts = parts_type("linalg_lu_factor", "LU", "pivots")
LuFactorExParts = parts_type("linalg_lu_factor_ex", "LU", "pivots", "info")
LuUnpackParts = parts_type("lu_unpack", "P", "L", "U")


def _transposed(x: Tensor) -> Tensor:
    return s.swapaxes(x, -2, -1)


# ---- Cholesky


def _cholesky(A: Tensor, upper: bool, grad_name: str) -> Tensor:
    if not upper:
        return relabel(factorizations.cholesky(A), grad_name)
    return relabel(_transposed(factorizations.cholesky(_transposed(A))), grad_name)


@function("linalg.cholesky")
def cholesky(A: Tensor, *, upper: Flag = False):
    """The lower triangular L with L @ L.mT equal to A (the upper one with U.mT @ U); one triangle of A is read.

    Shapes: (..., n, n), symmetric and positive definite -> the same
    Derivative: inverse(L).mT @ (tril(L.mT @ g) + tril(L.mT @ g, -1).mT) @ inverse(L) / 2, where L is the result; the
        upper triangle's is that of its transpose
    Kink: A is taken for symmetric, and so is its gradient: both triangles have one, though one is read (why:
        gradcli/engine/factorizations.py)
    Example: A = [[4., 2.], [2., 3.]]
        L = linalg.cholesky(A)
        L
        backward L[1, 1]
    """
    return _cholesky(square_of(A, "linalg.cholesky"), upper, "LinalgCholeskyExBackward0")


@function("cholesky")
def old_cholesky(input: Tensor, upper: Flag = False):
    """The Cholesky factor L of A, with L @ L.mT equal to A: linalg.cholesky's elder.

    Shapes: (..., n, n), symmetric and positive definite -> the same
    Derivative: inverse(L).mT @ (tril(L.mT @ g) + tril(L.mT @ g, -1).mT) @ inverse(L) / 2, where L is the result; the
        upper triangle's is that of its transpose
    Kink: A is taken for symmetric, and so is its gradient: both triangles have one, though one is read (why:
        gradcli/engine/factorizations.py)
    Example: A = [[4., 2.], [2., 3.]]
        U = cholesky(A, upper=true)
        U
        backward U[0, 1]
    """
    return _cholesky(square_of(input, "cholesky"), upper, "CholeskyBackward0")


@function("linalg.cholesky_ex")
def cholesky_ex(A: Tensor, *, upper: Flag = False, check_errors: Flag = False):
    """The Cholesky factor, and 0 or the order of the minor that isn't positive: nan there, and no failure.

    Shapes: (..., n, n), symmetric -> L the same, info (...)
    Derivative: of L: that of `linalg.cholesky`; of info none: a count
    Kink: the factor of a matrix that isn't positive definite is nan, with the gradient 0; PyTorch leaves LAPACK's
        unfinished numbers there.
    Example: A = [[4., 2.], [2., 3.]]
        linalg.cholesky_ex(A)
        backward linalg.cholesky_ex(A).L[1, 1]
    Example: linalg.cholesky_ex([[1., 2.], [2., 1.]]).info
    """
    A = square_of(A, "linalg.cholesky_ex")
    infos = solving.infos("potrf", np.swapaxes(A.array, -1, -2) if upper else A.array)
    bad = np.asarray(infos != 0)[..., None, None]
    if not bad.any() or check_errors:
        return CholeskyParts((_cholesky(A, upper, "LinalgCholeskyExBackward0"), constant(infos)))
    # As for linalg.inv_ex: what LAPACK had when it broke off is no factor, and nan says so.
    factor = _cholesky(np.where(bad, np.eye(A.shape[-1], dtype=A.dtype), A), upper, "LinalgCholeskyExBackward0")
    factor = relabel(np.where(bad, np.asarray(np.nan, A.dtype), factor), "LinalgCholeskyExBackward0")
    return CholeskyParts((factor, constant(infos)))


def _by_factor(L: Tensor, B: Tensor, upper: bool) -> Tensor:
    """Both triangles solved: the X of L L^T X = B."""
    first = solving.solve_triangular(_transposed(L) if upper else L, B, False, True, False)
    return solving.solve_triangular(L if upper else _transposed(L), first, True, True, False)


@function()
def cholesky_solve(B: Tensor, L: Tensor, upper: Flag = False):
    """The X of A X = B, where L is the Cholesky factor of A: two triangles are solved, which costs less than A.

    Shapes: (..., n, m), (..., n, n) -> (..., n, m)
    Derivative: B: H, with A @ H = g; L: -tril((H @ out.mT + out @ H.mT) @ L); of an upper L the transposed
    Kink: one triangle of L is read, and the other's gradient is 0; PyTorch gives it one (why:
        gradcli/engine/solving.py)
    Example: b = [[8.], [7.]]
        L = linalg.cholesky([[4., 2.], [2., 3.]])
        x = cholesky_solve(b, L)
        x
        backward x[0, 0]
    """
    if B.ndim < 2:
        raise ShapeFailure(f"b should have at least 2 dimensions, but has {B.ndim} dimensions instead")
    square_of(L, "cholesky_solve")
    _goes_with(L, B, True, "cholesky_solve")
    return relabel(_by_factor(L, B, upper), "CholeskySolveBackward0")


@function()
def cholesky_inverse(L: Tensor, upper: Flag = False):
    """The inverse of A, where L is its Cholesky factor.

    Shapes: (..., n, n) -> the same
    Derivative: -tril(out @ (g + g.mT) @ out @ L); of an upper L the transposed
    Kink: one triangle of L is read, and the other's gradient is 0; PyTorch gives it one (why:
        gradcli/engine/solving.py)
    Example: L = [[2., 0.], [1., 1.]]
        B = cholesky_inverse(L)
        B
        backward B[0, 0]
    """
    square_of(L, "cholesky_inverse")
    one = constant(np.eye(L.shape[-1], dtype=L.dtype))
    return relabel(_by_factor(L, one, upper), "CholeskyInverseBackward0")


# ---- eigenvalues and singular values


def _triangle(UPLO: str) -> str:
    if UPLO.upper() not in ("L", "U"):
        raise ValueFailure(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper()


@function("linalg.eigh")
def eigh(A: Tensor, UPLO: Text = "L"):
    """Eigenvalues in ascending order and eigenvectors of a symmetric matrix, of which one triangle is read.

    The eigenvectors are the columns: A @ V is V * w for the eigenvalues w, and V.mT @ V is the identity.

    Shapes: (..., n, n), symmetric -> eigenvalues (..., n), eigenvectors (..., n, n)
    Derivative: V @ (diag(gw) + E) @ V.mT, where w and V are the results, gw and gV their gradients, and E[i, j] = (V.mT
        @ gV - gV.mT @ V)[i, j] / 2 / (w[j] - w[i]), 0 on the diagonal
    Kink: equal eigenvalues leave their eigenvectors undetermined: a gradient through the vectors is not finite there,
        through the values alone it is. An eigenvector's sign is LAPACK's choice. A is taken for symmetric, and so is
        its gradient (why: gradcli/engine/factorizations.py)
    Example: A = [[1., 2.], [2., 3.]]
        w, V = linalg.eigh(A)
        w
        abs(V)
        backward w[1]
    """
    return EighParts(factorizations.eigh(square_of(A, "linalg.eigh"), _triangle(UPLO)))


@function("linalg.eigvalsh")
def eigvalsh(A: Tensor, UPLO: Text = "L"):
    """The eigenvalues of a symmetric matrix, in ascending order; one triangle is read.

    Shapes: (..., n, n), symmetric -> (..., n)
    Derivative: V @ diag(g) @ V.mT, where V are the eigenvectors
    Kink: where eigenvalues are equal, each has the gradient of one of the eigenvectors that it could have, LAPACK's
        choice; the sum of theirs doesn't depend on it. A is taken for symmetric, and so is its gradient (why:
        gradcli/engine/factorizations.py)
    Example: A = [[1., 2.], [2., 3.]]
        w = linalg.eigvalsh(A)
        w
        backward w[0]
    """
    return factorizations.eigvalsh(square_of(A, "linalg.eigvalsh"), _triangle(UPLO))


@function("linalg.svd")
def svd(A: Tensor, full_matrices: Flag = True):
    """The singular value decomposition: U, S and Vh, with U @ diag(S) @ Vh equal to A; S in descending order.

    Shapes: (..., n, m) -> U (..., n, n), S (..., k), Vh (..., m, m), k the smaller of n and m; without full_matrices U
        is (..., n, k) and Vh (..., k, m)
    Derivative: U @ (diag(gS) + E(U.mT @ gU) @ diag(S) + diag(S) @ E(Vh @ gVh.mT)) @ Vh, where gU, gS and gVh are the
        gradients of U, S and Vh, and E(X)[i, j] = (X - X.mT)[i, j] / (S[j]^2 - S[i]^2), 0 on the diagonal; a tall A
        adds (I - U @ U.mT) @ gU / S @ Vh, a wide one (U / S) @ gVh @ (I - Vh.mT @ Vh)
    Kink: equal singular values, and in a tall or wide matrix those of 0, leave their vectors undetermined: a gradient
        through U or Vh is not finite there, through S alone it is. The vectors' signs are LAPACK's choice, and the
        columns beyond k have no gradient, as in PyTorch (why: gradcli/engine/factorizations.py)
    Example: A = [[1., 1.], [0., 1.]]
        U, S, Vh = linalg.svd(A)
        S
        abs(U)
        backward S[0]
    """
    return SvdParts(factorizations.svd(matrices_of(A, "linalg.svd"), full_matrices))


@function("linalg.svdvals")
def svdvals(A: Tensor):
    """The singular values of a matrix, in descending order.

    Shapes: (..., n, m) -> (..., min(n, m))
    Derivative: U @ diag(g) @ Vh, where U and Vh are the singular vectors
    Kink: a singular value of 0 has a kink, as the size of a number has at 0: its gradient is the product of the two
        vectors that LAPACK chooses, a subgradient, as in PyTorch. Where values are equal, which gradient each has is
        LAPACK's choice too, and their sum doesn't depend on it (why: gradcli/engine/factorizations.py)
    Example: A = [[1., 1.], [0., 1.]]
        s = linalg.svdvals(A)
        s
        backward s[1]
    """
    return factorizations.svdvals(matrices_of(A, "linalg.svd"))


@function("svd")
def old_svd(input: Tensor, some: Flag = True, compute_uv: Flag = True):
    """The singular value decomposition: U, S and V, with U @ diag(S) @ V.mT equal to the input: linalg.svd's elder.

    Shapes: (..., n, m) -> U (..., n, k), S (..., k), V (..., m, k), k the smaller of n and m; with some=false U (...,
        n, n) and V (..., m, m)
    Derivative: that of `linalg.svd`, whose Vh is V.mT here
    Kink: equal singular values, and in a tall or wide matrix those of 0, leave their vectors undetermined: a gradient
        through U or V is not finite there, through S alone it is. With compute_uv=false U and V are 0 (why:
        gradcli/engine/factorizations.py)
    Example: A = [[1., 1.], [0., 1.]]
        U, S, V = svd(A)
        S
        backward S[0]
    """
    input = matrices_of(input, "linalg.svd")
    if not compute_uv:
        rows, columns = input.shape[-2:]
        empty = (constant(np.zeros((*input.shape[:-2], n, n), input.dtype)) for n in (rows, columns))
        return OldSvdParts((next(empty), factorizations.svdvals(input), next(empty)))
    u, values, vh = factorizations.svd(input, not some)
    return OldSvdParts((u, values, _transposed(vh)))


# ---- QR and reflections


@function("linalg.qr")
def qr(A: Tensor, mode: Text = "reduced"):
    """Q with orthonormal columns and upper triangular R, with Q @ R equal to A; mode "reduced", "complete" or "r".

    Shapes: (..., n, m) -> Q (..., n, k), R (..., k, m), k the smaller of n and m; "complete" Q (..., n, n), R (..., n,
        m); "r" an empty Q
    Derivative: (gQ + Q @ (triu(M) + triu(M, 1).mT)) @ inverse(R).mT with M = gR @ R.mT - Q.mT @ gQ, where gQ and gR are
        the gradients of Q and R; of a wide A = [X, Y], X square and R = [T, W], the gradient of Y is Q @ gW, and that
        of X as above with gQ + Y @ gW.mT and gT
    Kink: where the first k columns of A are linearly dependent R is singular, and the gradient is not finite or without
        meaning. The signs are LAPACK's choice. "complete" has no gradient of a tall A, and "r" none at all (why:
        gradcli/engine/factorizations.py)
    Example: A = [[3., 1.], [4., 2.]]
        Q, R = linalg.qr(A)
        abs(R)
        backward abs(R[1, 1])
    """
    if mode not in ("reduced", "complete", "r"):
        raise ValueFailure(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return QrParts(factorizations.qr(matrices_of(A, "linalg.qr"), mode))


@function("qr")
def old_qr(input: Tensor, some: Flag = True):
    """Q with orthonormal columns and upper triangular R, with Q @ R equal to the input: linalg.qr's elder.

    Shapes: (..., n, m) -> Q (..., n, k), R (..., k, m), k the smaller of n and m; with some=false Q (..., n, n), R
        (..., n, m)
    Derivative: that of `linalg.qr`
    Kink: where the first k columns are linearly dependent R is singular, and the gradient is not finite or without
        meaning. The signs are LAPACK's choice, and some=false has no gradient of a tall matrix (why:
        gradcli/engine/factorizations.py)
    Example: A = [[3., 1.], [4., 2.]]
        Q, R = qr(A)
        abs(R)
        backward abs(R[0, 0])
    """
    return OldQrParts(factorizations.qr(matrices_of(input, "linalg.qr"), "reduced" if some else "complete"))


def _reflected(input: Tensor, tau: Tensor, target: Tensor, backwards: bool) -> Tensor:
    """The target behind the reflections I - tau v v^T that input's columns hold below their diagonal."""
    count = tau.shape[-1]
    below = s.tril(input, -1)
    for k in reversed(range(count)) if backwards else range(count):
        v = e.add(below[..., :, k : k + 1], constant(np.eye(input.shape[-2], dtype=input.dtype)[:, k : k + 1]))
        size = s.reshape(tau[..., k], (*tau.shape[:-1], 1, 1))
        target = e.sub(target, product(e.mul(size, v), product(_transposed(v), target)))
    return target


def _reflectors(input: Tensor, tau: Tensor, name: str) -> None:
    matrices_of(input, name)
    if input.shape[-2] < input.shape[-1]:
        raise ShapeFailure(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if input.shape[-1] < tau.shape[-1]:
        raise ShapeFailure(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if input.dtype != tau.dtype:
        raise TypeFailure(f"{name}: tau dtype {kind_of(tau)} does not match input dtype {kind_of(input)}")


@function("linalg.householder_product", also=("orgqr",))
def householder_product(input: Tensor, tau: Tensor):
    """The first columns of the product of the Householder reflections that a QR factorization is kept as.

    A column v of the input, 1 on the diagonal and 0 above it, and its tau make the reflection I - tau * outer(v, v).

    Shapes: (..., n, m), (..., k) with k <= m <= n -> (..., n, m)
    Derivative: that of the product of `I - tau[k] * outer(v, v)`; what of input isn't below its diagonal has 0
    Example: A = [[3., 1.], [0.5, 2.]]
        Q = linalg.householder_product(A, [1.6, 2.])
        Q
        backward Q[1, 0]
    """
    _reflectors(input, tau, "torch.linalg.householder_product")
    whole = constant(np.broadcast_to(np.eye(*input.shape[-2:], dtype=input.dtype), input.shape))
    return relabel(_reflected(input, tau, whole, True), "LinalgHouseholderProductBackward0")


@function()
def ormqr(input: Tensor, tau: Tensor, other: Tensor, left: Flag = True, transpose: Flag = False):
    """The product of other with the orthogonal matrix of Householder reflections, or with its transpose.

    Shapes: (..., n, k), (..., k), (..., n, m) -> (..., n, m); with left=false other is (..., m, n), and so is the
        result
    Derivative: other: Q.mT @ g, where Q is the whole orthogonal matrix; input and tau: that of the product of `I -
        tau[k] * outer(v, v)`; what of input isn't below its diagonal has 0
    Example: A = [[3., 1.], [0.5, 2.]]
        x = [[1.], [2.]]
        y = ormqr(A, [1.6, 2.], x)
        y
        backward y[0, 0]
    """
    _reflectors(input, tau, "torch.ormqr")
    target = other if left else _transposed(other)
    if input.shape[-2] != target.shape[-2]:
        raise ShapeFailure(f"torch.ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2]")
    if tau.shape[-1] != min(target.shape[-2], input.shape[-1]):
        raise ShapeFailure(
            f"torch.ormqr: tau.shape[-1] must be equal to min(other.shape[{-2 if left else -1}], input.shape[-1])"
        )
    result = _reflected(input, tau, target, left != transpose)
    return relabel(result if left else _transposed(result), "OrmqrBackward0")


# ---- LU


def _factorized(A: Tensor, name: str, pivot: bool) -> tuple[Tensor, np.ndarray]:
    matrices_of(A, name)
    if not pivot:
        raise ValueFailure("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    both, order = factorizations.lu(A)
    return both, order.array


def _unpacked(both: Tensor, order: np.ndarray, grad_name: str) -> tuple[Tensor, Tensor, Tensor]:
    """P, L and U from L below U, and from the order that P puts the rows in."""
    rows, columns = both.shape[-2:]
    k = min(rows, columns)
    one = constant(np.eye(rows, k, dtype=both.dtype))
    lower = e.add(s.tril(both[..., :, :k], -1), one)
    upper = s.triu(both[..., :k, :])
    moves = np.swapaxes(np.eye(rows, dtype=both.dtype)[order], -1, -2)
    return constant(moves), relabel(lower, grad_name), relabel(upper, grad_name)


@function("linalg.lu")
def lu(A: Tensor, *, pivot: Flag = True):
    """P, L and U, with P @ L @ U equal to A: a permutation, a lower triangle with ones and an upper one.

    Shapes: (..., n, m) -> P (..., n, n), L (..., n, k), U (..., k, m), k the smaller of n and m
    Derivative: of a square A: P @ inverse(L).mT @ (tril(L.mT @ gL, -1) + triu(gU @ U.mT)) @ inverse(U).mT, where gL and
        gU are the gradients of L and U; P moves in steps, and has none
    Kink: a pivot of 0 makes U singular: the gradient is not finite there, as in PyTorch. Of rows that tie for the
        largest pivot the first is taken (why: gradcli/engine/factorizations.py)
    Example: A = [[3., 1.], [4., 2.]]
        P, L, U = linalg.lu(A)
        L, U
        backward U[1, 1]
    """
    if A.ndim < 2:
        raise ShapeFailure(f"linalg.lu: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead")
    return LuParts(_unpacked(*_factorized(A, "linalg.lu", pivot), "LinalgLuBackward0"))


def _exchanges(order: np.ndarray, count: int) -> np.ndarray:
    """LAPACK's pivots for an order of rows: which row, counted from 1, each of the first was exchanged with."""
    current = np.array(np.broadcast_to(np.arange(order.shape[-1]), order.shape))
    pivots = np.zeros((*order.shape[:-1], count), np.int32)
    for k in range(count):
        place = np.argmax(current == order[..., k : k + 1], axis=-1)[..., None]
        np.put_along_axis(current, place, current[..., k : k + 1], -1)
        current[..., k] = order[..., k]
        pivots[..., k] = place[..., 0] + 1
    return pivots


def _order(LU: Tensor, LU_pivots: Tensor, name: str) -> np.ndarray:
    """The order of rows that LAPACK's pivots make."""
    matrices_of(LU, name)
    rows, pivots = LU.shape[-2], LU_pivots.array
    help = "LU and pivots are what `linalg.lu_factor` gives"
    if pivots.dtype.kind not in "iu":
        raise TypeFailure(
            f"{name}: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype, and this is {pivots.dtype}",
            help=help,
        )
    if pivots.shape != (*LU.shape[:-2], min(LU.shape[-2:])):
        raise ShapeFailure(f"{name}: pivots of shape {pivots.shape} don't belong to LU of shape {LU.shape}", help=help)
    if np.any((pivots < 1) | (pivots > rows)):
        raise ValueFailure(f"pivots passed to {name} must be between 1 and LU.size(-2) inclusive.", help=help)
    order = np.array(np.broadcast_to(np.arange(rows), (*pivots.shape[:-1], rows)))
    for k in range(pivots.shape[-1]):
        place = pivots[..., k : k + 1].astype(np.int64) - 1
        other = np.take_along_axis(order, place, -1)
        np.put_along_axis(order, place, order[..., k : k + 1], -1)
        order[..., k] = other[..., 0]
    return order


def _packed(A: Tensor, pivot: bool, name: str, check: bool) -> tuple[Tensor, Tensor, Tensor]:
    both, order = _factorized(A, name, pivot)
    zero = np.diagonal(both.array, 0, -2, -1) == 0
    infos = np.where(zero.any(axis=-1), np.argmax(zero, axis=-1) + 1 if zero.shape[-1] else 0, 0).astype(np.int32)
    if check and infos.any():
        number = int(np.argmax(infos != 0))
        info = infos.ravel()[number]
        raise ValueFailure(
            f"torch.{name}: {solving.batch_element(A.shape, number)}U[{info},{info}] is zero and using it on lu_solve "
            "would result in a division by zero. If you still want to perform the factorization, consider calling "
            "linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        )
    return both, constant(_exchanges(order, min(A.shape[-2:]))), constant(infos[()])


@function("linalg.lu_factor")
def lu_factor(A: Tensor, *, pivot: Flag = True):
    """L below and U on and above the diagonal of one matrix, and the exchanges of rows: (LU, pivots).

    Shapes: (..., n, m) -> LU the same, pivots (..., min(n, m)): the row, counted from 1, that each was exchanged with
    Derivative: that of `linalg.lu` with gL = tril(g, -1) and gU = triu(g); of pivots none: indices
    Kink: a pivot of 0 is a failure here; linalg.lu_factor_ex goes on. Of rows that tie for the largest pivot the first
        is taken.
    Example: A = [[3., 1.], [4., 2.]]
        LU, pivots = linalg.lu_factor(A)
        LU
        pivots
        backward LU[1, 1]
    """
    return LuFactorParts(_packed(A, pivot, "linalg.lu_factor", True)[:2])


@function("linalg.lu_factor_ex")
def lu_factor_ex(A: Tensor, *, pivot: Flag = True, check_errors: Flag = False):
    """linalg.lu_factor without a failure at a zero pivot: its number stands in `info`.

    Shapes: (..., n, m) -> LU the same, pivots (..., min(n, m)), info (...)
    Derivative: that of `linalg.lu` with gL = tril(g, -1) and gU = triu(g); of pivots and info none: indices, a count
    Kink: where a pivot is 0 the gradient is not finite, as in PyTorch (why: gradcli/engine/factorizations.py)
    Example: A = [[3., 1.], [4., 2.]]
        LU, pivots, info = linalg.lu_factor_ex(A)
        LU
        backward LU[1, 1]
    Example: linalg.lu_factor_ex([[1., 2.], [2., 4.]]).info
    """
    return LuFactorExParts(_packed(A, pivot, "linalg.lu_factor_ex", check_errors))


@function("lu")
def old_lu(A: Tensor, pivot: Flag = True, get_infos: Flag = False):
    """LU and pivots, as linalg.lu_factor_ex gives them: its elder.

    Shapes: (..., n, m) -> LU the same, pivots (..., min(n, m)); with get_infos info (...)
    Derivative: that of `linalg.lu` with gL = tril(g, -1) and gU = triu(g); of pivots and info none: indices, a count
    Kink: where a pivot is 0 the gradient is not finite, as in PyTorch (why: gradcli/engine/factorizations.py)
    Example: A = [[3., 1.], [4., 2.]]
        LU, pivots = lu(A)
        LU
        backward LU[1, 1]
    """
    both, pivots, infos = _packed(A, pivot, "linalg.lu_factor_ex", False)
    return (both, pivots, infos) if get_infos else (both, pivots)


@function()
def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: Flag = True, unpack_pivots: Flag = True):
    """P, L and U from what linalg.lu_factor gives; what isn't asked for is empty.

    Shapes: (..., n, m), (..., k) -> P (..., n, n), L (..., n, k), U (..., k, m), k the smaller of n and m
    Derivative: LU_data: tril(gL, -1) + triu(gU), where gL and gU are the gradients of L and U; LU_pivots none: indices
    Example: LU, pivots = linalg.lu_factor([[3., 1.], [4., 2.]])
        P, L, U = lu_unpack(LU, pivots)
        L, U
        P @ L @ U
    """
    parts: Any = _unpacked(LU_data, _order(LU_data, LU_pivots, "lu_unpack"), "LuUnpackBackward0")
    nothing = constant(np.zeros(0, LU_data.dtype))
    moves, lower, upper = parts
    return LuUnpackParts(
        (moves if unpack_pivots else nothing, *((lower, upper) if unpack_data else (nothing, nothing)))
    )


def _solved_by_lu(both: Tensor, pivots: Tensor, B: Tensor, left: bool, adjoint: bool) -> Tensor:
    square_of(both, "linalg.lu_solve")
    matrices_of(B, "linalg.lu_solve")
    _goes_with(both, B, left, "linalg.lu_solve")
    if not left:
        return _transposed(_solved_by_lu(both, pivots, _transposed(B), True, not adjoint))
    batch = np.broadcast_shapes(both.shape[:-2], B.shape[:-2])
    whole = (*batch, *B.shape[-2:])
    if B.shape != whole:
        B = s.broadcast_to(B, whole)
    order = _order(both, pivots, "linalg.lu_solve")
    if adjoint:
        X = solving.solve_triangular(_transposed(both), B, False, True, False)
        X = solving.solve_triangular(_transposed(both), X, True, True, True)
        return s.take_along_axis(X, np.broadcast_to(np.argsort(order, axis=-1)[..., None], whole), len(whole) - 2)
    X = s.take_along_axis(B, np.broadcast_to(order[..., None], whole), len(whole) - 2)
    X = solving.solve_triangular(both, X, False, True, True)
    return solving.solve_triangular(both, X, True, True, False)


@function("linalg.lu_solve")
def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: Flag = True, adjoint: Flag = False):
    """The X of A X = B, of X A = B or of A.mT X = B, where LU and pivots are those of A.

    Shapes: (..., n, n), (..., n), (..., n, m) -> (..., n, m), dims before that broadcast; with left=false B is (..., m,
        n)
    Derivative: B: H, with A.mT @ H = g; LU: that of `linalg.solve` through A = P @ L @ U
    Kink: a pivot of 0 divides: inf or nan, and no failure.
    Example: A = [[3., 1.], [4., 2.]]
        LU, pivots = linalg.lu_factor(A)
        x = linalg.lu_solve(LU, pivots, [[1.], [0.]])
        x
        backward x[0, 0]
    """
    return relabel(_solved_by_lu(LU, pivots, B, left, adjoint), "LinalgLuSolveBackward0")


@function("lu_solve")
def old_lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor):
    """The X of A X = b, where LU_data and LU_pivots are those of A: linalg.lu_solve's elder.

    Shapes: (..., n, m), (..., n, n), (..., n) -> (..., n, m)
    Derivative: b: H, with A.mT @ H = g; LU_data: that of `linalg.solve` through A = P @ L @ U
    Kink: a pivot of 0 divides: inf or nan, and no failure.
    Example: b = [[1.], [0.]]
        LU, pivots = linalg.lu_factor([[3., 1.], [4., 2.]])
        x = lu_solve(b, LU, pivots)
        x
        backward x[0, 0]
    """
    return relabel(_solved_by_lu(LU_data, LU_pivots, b, True, False), "LinalgLuSolveBackward0")
