"""Factorizations of matrices: torch.linalg's, and their elder names in torch."""

from __future__ import annotations

import numpy as np

from gradcli.engine import Tensor, factorizations, solving
from gradcli.engine import elementwise as e
from gradcli.engine import shaping as s
from gradcli.engine.operation import relabel
from gradcli.engine.protocols import product
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Flag, Text
from gradcli.library.linear_algebra import constant, kind_of, matrices_of, square_of, transposed
from gradcli.library.systems import goes_with
from gradcli.library.values import parts_type
from gradcli.library.vocabulary import function

CholeskyParts = parts_type("linalg_cholesky_ex", "L", "info")
EighParts = parts_type("linalg_eigh", "eigenvalues", "eigenvectors")
SvdParts = parts_type("linalg_svd", "U", "S", "Vh")
OldSvdParts = parts_type("svd", "U", "S", "V")
QrParts = parts_type("linalg_qr", "Q", "R")
OldQrParts = parts_type("qr", "Q", "R")


# ---- Cholesky


def _cholesky(A: Tensor, upper: bool, grad_name: str) -> Tensor:
    if not upper:
        return relabel(factorizations.cholesky(A), grad_name)
    return relabel(transposed(factorizations.cholesky(transposed(A))), grad_name)


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
    first = solving.solve_triangular(transposed(L) if upper else L, B, False, True, False)
    return solving.solve_triangular(L if upper else transposed(L), first, True, True, False)


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
    goes_with(L, B, True, "cholesky_solve")
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
    return OldSvdParts((u, values, transposed(vh)))


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
        target = e.sub(target, product(e.mul(size, v), product(transposed(v), target)))
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
    target = other if left else transposed(other)
    if input.shape[-2] != target.shape[-2]:
        raise ShapeFailure(f"torch.ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2]")
    if tau.shape[-1] != min(target.shape[-2], input.shape[-1]):
        raise ShapeFailure(
            f"torch.ormqr: tau.shape[-1] must be equal to min(other.shape[{-2 if left else -1}], input.shape[-1])"
        )
    result = _reflected(input, tau, target, left != transpose)
    return relabel(result if left else transposed(result), "OrmqrBackward0")


# ---- LU
