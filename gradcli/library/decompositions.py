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
    """The lower triangular L with L @ L.mT equal to A (the upper one with U.mT @ U); one triangle of A is read."""
    return _cholesky(square_of(A, "linalg.cholesky"), upper, "LinalgCholeskyExBackward0")


@function("cholesky")
def old_cholesky(input: Tensor, upper: Flag = False):
    """The Cholesky factor: linalg.cholesky's elder."""
    return _cholesky(square_of(input, "cholesky"), upper, "CholeskyBackward0")


@function("linalg.cholesky_ex")
def cholesky_ex(A: Tensor, *, upper: Flag = False, check_errors: Flag = False):
    """The Cholesky factor, and 0 or the order of the minor that isn't positive: nan there, and no failure."""
    A = square_of(A, "linalg.cholesky_ex")
    infos = solving.infos("potrf", np.swapaxes(A.array, -1, -2) if upper else A.array)
    bad = np.asarray(infos != 0)[..., None, None]
    if not bad.any() or check_errors:
        return CholeskyParts((_cholesky(A, upper, "LinalgCholeskyExBackward0"), constant(infos)))
    factor = _cholesky(np.where(bad, np.eye(A.shape[-1], dtype=A.dtype), A), upper, "LinalgCholeskyExBackward0")
    factor = relabel(np.where(bad, np.asarray(np.nan, A.dtype), factor), "LinalgCholeskyExBackward0")
    return CholeskyParts((factor, constant(infos)))


def _by_factor(L: Tensor, B: Tensor, upper: bool) -> Tensor:
    """Both triangles solved: the X of L L^T X = B."""
    first = solving.solve_triangular(_transposed(L) if upper else L, B, False, True, False)
    return solving.solve_triangular(L if upper else _transposed(L), first, True, True, False)


@function()
def cholesky_solve(B: Tensor, L: Tensor, upper: Flag = False):
    """The X of A X = B, where L is the Cholesky factor of A."""
    if B.ndim < 2:
        raise ShapeFailure(f"b should have at least 2 dimensions, but has {B.ndim} dimensions instead")
    square_of(L, "cholesky_solve")
    _goes_with(L, B, True, "cholesky_solve")
    return relabel(_by_factor(L, B, upper), "CholeskySolveBackward0")


@function()
def cholesky_inverse(L: Tensor, upper: Flag = False):
    """The inverse of A, where L is its Cholesky factor."""
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
    """Eigenvalues in ascending order and eigenvectors of a symmetric matrix, of which one triangle is read."""
    return EighParts(factorizations.eigh(square_of(A, "linalg.eigh"), _triangle(UPLO)))


@function("linalg.eigvalsh")
def eigvalsh(A: Tensor, UPLO: Text = "L"):
    """The eigenvalues of a symmetric matrix, in ascending order."""
    return factorizations.eigvalsh(square_of(A, "linalg.eigvalsh"), _triangle(UPLO))


@function("linalg.svd")
def svd(A: Tensor, full_matrices: Flag = True):
    """U, S and Vh, with U @ diag(S) @ Vh equal to A; S in descending order."""
    return SvdParts(factorizations.svd(matrices_of(A, "linalg.svd"), full_matrices))


@function("linalg.svdvals")
def svdvals(A: Tensor):
    """The singular values, in descending order."""
    return factorizations.svdvals(matrices_of(A, "linalg.svd"))


@function("svd")
def old_svd(input: Tensor, some: Flag = True, compute_uv: Flag = True):
    """U, S and V, with U @ diag(S) @ V.mT equal to the input: linalg.svd's elder."""
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
    """Q with orthonormal columns and upper triangular R, with Q @ R equal to A; mode "reduced", "complete" or "r"."""
    if mode not in ("reduced", "complete", "r"):
        raise ValueFailure(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return QrParts(factorizations.qr(matrices_of(A, "linalg.qr"), mode))


@function("qr")
def old_qr(input: Tensor, some: Flag = True):
    """Q and R, with Q @ R equal to the input: linalg.qr's elder."""
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
    """The first columns of the product of the Householder reflections that a QR factorization is kept as."""
    _reflectors(input, tau, "torch.linalg.householder_product")
    whole = constant(np.broadcast_to(np.eye(*input.shape[-2:], dtype=input.dtype), input.shape))
    return relabel(_reflected(input, tau, whole, True), "LinalgHouseholderProductBackward0")


@function()
def ormqr(input: Tensor, tau: Tensor, other: Tensor, left: Flag = True, transpose: Flag = False):
    """The product of other with the orthogonal matrix of Householder reflections, or with its transpose."""
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
    """P, L and U, with P @ L @ U equal to A: a permutation, a lower triangle with ones and an upper one."""
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
    """L below and U on and above the diagonal of one matrix, and the exchanges of rows: (LU, pivots)."""
    return LuFactorParts(_packed(A, pivot, "linalg.lu_factor", True)[:2])


@function("linalg.lu_factor_ex")
def lu_factor_ex(A: Tensor, *, pivot: Flag = True, check_errors: Flag = False):
    """linalg.lu_factor without a failure at a zero pivot: its number stands in `info`."""
    return LuFactorExParts(_packed(A, pivot, "linalg.lu_factor_ex", check_errors))


@function("lu")
def old_lu(A: Tensor, pivot: Flag = True, get_infos: Flag = False):
    """LU and pivots, as linalg.lu_factor_ex gives them: its elder."""
    both, pivots, infos = _packed(A, pivot, "linalg.lu_factor_ex", False)
    return (both, pivots, infos) if get_infos else (both, pivots)


@function()
def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: Flag = True, unpack_pivots: Flag = True):
    """P, L and U from what linalg.lu_factor gives; what isn't asked for is empty."""
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
    """The X of A X = B, of X A = B or of A.mT X = B, where LU and pivots are those of A."""
    return relabel(_solved_by_lu(LU, pivots, B, left, adjoint), "LinalgLuSolveBackward0")


@function("lu_solve")
def old_lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor):
    """The X of A X = b: linalg.lu_solve's elder."""
    return relabel(_solved_by_lu(LU_data, LU_pivots, b, True, False), "LinalgLuSolveBackward0")
