"""The table of linear systems: solve, solve_triangular, and the inverse; batched through LAPACK.

Rules are those of M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008). Each is written with matrix products and with the functions of this table, so that it records.
"""

from __future__ import annotations

import numpy as np

from gradcli.engine.broadcasting import unbroadcast
from gradcli.engine.operation import differentiable, shape_of
from gradcli.engine.shaping import mT
from gradcli.errors import ValueFailure


def batch_element(shape, number):
    """Which matrix of a stack it was, as torch says it."""
    return f"(Batch element {number}): " if len(shape) > 2 else ""


def first_info(routine, x):
    """The number and LAPACK's `info` of the first matrix that `routine` (getrf, potrf) can't factorize; (0, 0): none.

    NumPy says of a stack only that some matrix failed. This looks for it, and runs after a failure alone.
    """
    for number, info in enumerate(infos(routine, x).ravel()):
        if info > 0:
            return number, int(info)
    return 0, 0


def infos(routine, x):
    """LAPACK's `info` for every matrix of a stack: 0, or where the factorization broke down, counted from 1."""
    from scipy.linalg import get_lapack_funcs

    (factorize,) = get_lapack_funcs((routine,), (x,))
    # potrf reads the lower triangle, as everything here does.
    options = {"lower": 1} if routine == "potrf" else {}
    found = [factorize(matrix, **options)[-1] for matrix in x.reshape(-1, *x.shape[-2:])] if x.size else []
    return np.reshape(np.array(found or np.zeros(x.shape[:-2]), np.int32), x.shape[:-2])


# ---- the inverse


def inv(A):
    try:
        return np.linalg.inv(A)
    except np.linalg.LinAlgError:
        number, info = first_info("getrf", A)
        raise ValueFailure(
            f"linalg.inv: {batch_element(A.shape, number)}The diagonal element {info} is zero, the inversion could not "
            "be completed because the input matrix is singular.",
            help="`pinv` gives the pseudoinverse, `linalg.lstsq` the best solution where there is no exact one",
        ) from None


inv = differentiable(
    inv, lambda g, y, _x: -mT(y) @ g @ mT(y),
    name="linalg.inv", grad_name="LinalgInvExBackward0", real=False, formula="-out.mT @ g @ out.mT",
    doc="The inverse of a square matrix, or of each matrix of a batch.",
)  # fmt: skip


# ---- solutions of A X = B, or of X A = B


def solve(A, B, left=True):
    if not left:
        return mT(solve.op.forward(mT(A), mT(B)))
    try:
        return np.linalg.solve(A, B)
    except np.linalg.LinAlgError:
        number, _ = first_info("getrf", A)
        raise ValueFailure(
            f"torch.linalg.solve: {batch_element(A.shape, number)}The solver failed because the input matrix is "
            "singular.",
            help="`linalg.lstsq(A, B).solution` is the best solution where there is no exact one",
        ) from None


def _of_matrix(slope, x, left):
    """The gradient in A, from that in B: `-slope X^T`, or `-X^T slope` where A stands on the right."""
    return -(slope @ mT(x)) if left else -(mT(x) @ slope)


solve = differentiable(
    solve,
    lambda g, x, A, _B, left: unbroadcast(_of_matrix(solve(mT(A), g, left), x, left), A.shape),
    lambda g, _x, A, B_shape, left: unbroadcast(solve(mT(A), g, left), shape_of(B_shape)),
    name="linalg.solve", grad_name="LinalgSolveExBackward0", real=False,
    formula=(
        "-inverse(x).mT @ g @ out.mT if left else -out.mT @ g @ inverse(x).mT",
        "inverse(x).mT @ g if left else g @ inverse(x).mT",
    ),
    doc="The X of A X = B, or of X A = B.",
)  # fmt: skip


def solve_triangular(A, B, upper, left=True, unitriangular=False):
    if not left:
        return mT(_substituted(mT(A), mT(B), not upper, unitriangular))
    return _substituted(A, B, upper, unitriangular)


def _substituted(A, B, upper, unitriangular):
    if A.ndim == B.ndim == 2:
        return _by_blas(np.asarray(A), np.asarray(B), upper, unitriangular)
    corner = int(unitriangular)
    triangle = np.triu(A, corner) if upper else np.tril(A, -corner)
    if unitriangular:
        triangle = triangle + np.eye(A.shape[-1], dtype=A.dtype)
    try:
        # Gaussian elimination finds nothing to eliminate below an upper triangle, and no pivot to exchange: what's left
        # is back substitution. A lower triangle is an upper one seen from its last corner.
        if upper:
            return np.linalg.solve(triangle, B)
        return np.flip(np.linalg.solve(np.flip(triangle, (-2, -1)), np.flip(B, -2)), -2)
    except np.linalg.LinAlgError:
        # A zero on a diagonal divides, as in torch: inf or nan there, and the other matrices as they are.
        batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
        matrices = np.broadcast_to(triangle, (*batch, *A.shape[-2:]))
        sides = np.broadcast_to(B, (*batch, *B.shape[-2:]))
        solutions = [_by_blas(matrices[k], sides[k], upper, False) for k in np.ndindex(batch)]
        return np.reshape(np.array(solutions), sides.shape)


def _by_blas(A, B, upper, unitriangular):
    from scipy.linalg import get_blas_funcs

    if not B.size:
        return np.zeros_like(B)
    (trsm,) = get_blas_funcs(("trsm",), (A, B))
    return trsm(A.dtype.type(1), A, B, lower=not upper, diag=unitriangular)


def _triangle_slope(slope, x, A, upper, left, unitriangular):
    """Only the triangle that was read has a gradient, and of it not the diagonal that is taken for ones.

    What isn't read changes nothing. (torch gives it a gradient in cholesky_solve and cholesky_inverse, and 0 here.)
    """
    whole = unbroadcast(_of_matrix(slope, x, left), A.shape)
    corner = int(unitriangular)
    return np.triu(whole, corner) if upper else np.tril(whole, -corner)


def _across(A, g, upper, left, unitriangular):
    return solve_triangular(mT(A), g, not upper, left, unitriangular)


solve_triangular = differentiable(
    solve_triangular,
    lambda g, x, A, _B, upper, left, unitriangular: _triangle_slope(
        _across(A, g, upper, left, unitriangular), x, A, upper, left, unitriangular
    ),
    lambda g, _x, A, B_shape, upper, left, unitriangular: unbroadcast(
        _across(A, g, upper, left, unitriangular), shape_of(B_shape)
    ),
    name="linalg.solve_triangular", grad_name="LinalgSolveTriangularBackward0", real=False,
    formula=(
        "-inverse(x).mT @ g @ out.mT if left else -out.mT @ g @ inverse(x).mT, in the triangle of {x}",
        "inverse(x).mT @ g if left else g @ inverse(x).mT, with the triangle of {x}",
    ),
    doc="The X of A X = B, or of X A = B, where A is triangular.",
)  # fmt: skip
