"""LU factorizations and what they solve: torch.linalg's, and their elder names in torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import Tensor, factorizations, solving
from gradcli.engine import elementwise as e
from gradcli.engine import shaping as s
from gradcli.engine.operation import relabel
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Flag
from gradcli.library.linear_algebra import constant, matrices_of, square_of, transposed
from gradcli.library.systems import goes_with
from gradcli.library.values import parts_type
from gradcli.library.vocabulary import function

LuParts = parts_type("linalg_lu", "P", "L", "U")
LuFactorParts = parts_type("linalg_lu_factor", "LU", "pivots")
LuFactorExParts = parts_type("linalg_lu_factor_ex", "LU", "pivots", "info")
LuUnpackParts = parts_type("lu_unpack", "P", "L", "U")


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
    goes_with(both, B, left, "linalg.lu_solve")
    if not left:
        return transposed(_solved_by_lu(both, pivots, transposed(B), True, not adjoint))
    batch = np.broadcast_shapes(both.shape[:-2], B.shape[:-2])
    whole = (*batch, *B.shape[-2:])
    if B.shape != whole:
        B = s.broadcast_to(B, whole)
    order = _order(both, pivots, "linalg.lu_solve")
    if adjoint:
        X = solving.solve_triangular(transposed(both), B, False, True, False)
        X = solving.solve_triangular(transposed(both), X, True, True, True)
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
