"""Solutions of linear systems and of least squares: torch.linalg's, and their elder names in torch."""

from __future__ import annotations

from math import prod

import numpy as np

from gradcli.engine import Tensor, factorizations, matrices, solving
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.operation import relabel, variant
from gradcli.engine.protocols import product
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Dims, Flag, OptionalNumber, OptionalText, Whole
from gradcli.library.linear_algebra import (
    constant,
    inv,
    kind_of,
    matrices_of,
    rounding,
    square_of,
    where_regular,
    without_singular,
)
from gradcli.library.shapes import movedim
from gradcli.library.values import parts_type
from gradcli.library.vocabulary import function

SolveParts = parts_type("linalg_solve_ex", "result", "info")
LstsqParts = parts_type("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
TriangularParts = parts_type("triangular_solve", "solution", "cloned_coefficient")


def _of_one_type(A: Tensor, B: Tensor, name: str) -> None:
    if A.dtype != B.dtype:
        raise TypeFailure(
            f"{name}: Expected A and B to have the same dtype, but found A of type {kind_of(A)} and B of type "
            f"{kind_of(B)} instead",
            help="convert one of them, `.double()` or `.float()`",
        )


def goes_with(A: Tensor, B: Tensor, left: bool, name: str) -> None:
    if A.shape[-1] != B.shape[-2 if left else -1]:
        raise ShapeFailure(
            f"{name}: Incompatible shapes of A and B for the equation {'AX' if left else 'XA'} = B "
            f"({A.shape[-2]}x{A.shape[-1]} and {B.shape[-2]}x{B.shape[-1]})"
        )
    try:
        np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    except ValueError:
        raise shape_clash(A.shape[:-2], B.shape[:-2]) from None


def _is_vector(A: Tensor, B: Tensor) -> bool:
    """Whether B is one right side for each matrix, rather than a matrix of them."""
    return B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])


def _solved(A: Tensor, B: Tensor, left: bool, name: str) -> Tensor:
    A = square_of(A, name)
    _of_one_type(A, B, name)
    if not B.ndim:
        raise ShapeFailure(f"{name}: The input tensor B must have at least 1 dimension.")
    vector = _is_vector(A, B)
    if vector:
        B = s.expand_dims(B, B.ndim)
    goes_with(A, B, left, name)
    solution = solving.solve(A, B, left)
    return relabel(s.squeeze(solution, solution.ndim - 1), "LinalgSolveExBackward0") if vector else solution


@function("linalg.solve")
def solve(A: Tensor, B: Tensor, *, left: Flag = True):
    """The X of A X = B (of X A = B where left is false), for a vector or the columns of a matrix.

    Shapes: (..., n, n), (..., n, m) -> (..., n, m), dims before that broadcast; or (..., n, n), (..., n) -> (..., n);
        with left=false B is (..., m, n)
    Derivative: B: inverse(A).mT @ g; A: -inverse(A).mT @ g @ out.mT; with left=false B: g @ inverse(A).mT; A: -out.mT @
        g @ inverse(A).mT; vectors are columns here
    Kink: for a singular A there is no one solution, which is a failure; linalg.solve_ex goes on, linalg.lstsq takes the
        best.
    Example: A = [[2., 1.], [0., 4.]]
        b = [4., 8.]
        x = linalg.solve(A, b)
        x
        backward x[0]
    """
    return _solved(A, B, left, "linalg.solve")


@function("linalg.solve_ex")
def solve_ex(A: Tensor, B: Tensor, *, left: Flag = True, check_errors: Flag = False):
    """The X of A X = B, and 0 or the number of the zero pivot: nan, and no failure, where a matrix is singular.

    Shapes: (..., n, n), (..., n, m) -> result (..., n, m), info (...); or B and result (..., n)
    Derivative: of result: B: inverse(A).mT @ g; A: -inverse(A).mT @ g @ out.mT; of info none: a count
    Kink: the result for a singular matrix is nan, with the gradient 0; PyTorch leaves LAPACK's unfinished numbers
        there.
    Example: A = [[2., 1.], [0., 4.]]
        linalg.solve_ex(A, [4., 8.])
        backward linalg.solve_ex(A, [4., 8.]).result.sum()
    Example: linalg.solve_ex([[1., 2.], [2., 4.]], [1., 1.]).info
    """
    vector = _is_vector(A, B)
    A, bad, infos = without_singular(A, "linalg.solve_ex", check_errors)
    solution = _solved(A, B, left, "linalg.solve_ex")
    bad = bad[..., None] if vector else bad[..., None, None]
    return SolveParts((where_regular(solution, bad, "LinalgSolveExBackward0"), constant(infos)))


@function("linalg.solve_triangular")
def solve_triangular(A: Tensor, B: Tensor, *, upper: Flag, left: Flag = True, unitriangular: Flag = False):
    """The X of A X = B (of X A = B), reading one triangle of A only; its diagonal as ones if unitriangular.

    Shapes: (..., n, n), (..., n, m) -> (..., n, m), dims before that broadcast; with left=false B is (..., m, n)
    Derivative: B: inverse(T).mT @ g; A: -inverse(T).mT @ g @ out.mT in the triangle that is read and 0 elsewhere, where
        T is that triangle; with left=false B: g @ inverse(T).mT; A: -out.mT @ g @ inverse(T).mT
    Kink: a zero on the diagonal gives inf or nan, in the gradient too, and no failure.
    Example: A = [[2., 1.], [9., 4.]]
        x = linalg.solve_triangular(A, [[4.], [8.]], upper=true)
        x
        backward x[0, 0]
    """
    A = square_of(A, "linalg.solve_triangular")
    if B.ndim < 2:
        raise ShapeFailure(
            "linalg.solve_triangular: The input tensor B must have at least 2 dimensions.",
            help="for a vector: `b.unsqueeze(1)`, and `.squeeze(1)` of the solution",
        )
    _of_one_type(A, B, "linalg.solve_triangular")
    goes_with(A, B, left, "linalg.solve_triangular")
    return solving.solve_triangular(A, B, upper, left, unitriangular)


@function()
def triangular_solve(
    input: Tensor, A: Tensor, upper: Flag = True, transpose: Flag = False, unitriangular: Flag = False
):
    """The solution of A X = input with a triangular A, and a copy of A: linalg.solve_triangular's elder.

    Shapes: (..., n, m), (..., n, n) -> solution (..., n, m), cloned_coefficient (..., n, n)
    Derivative: of solution: input: inverse(T).mT @ g; A: -inverse(T).mT @ g @ out.mT in the triangle that is read and 0
        elsewhere, where T is that triangle, transposed if asked for; of cloned_coefficient: A: g
    Kink: a zero on the diagonal gives inf or nan, in the gradient too, and no failure.
    Example: b = [[4.], [8.]]
        x, A = triangular_solve(b, [[2., 1.], [9., 4.]])
        x
        backward x[0, 0]
    """
    square_of(A, "triangular_solve")
    matrices_of(input, "triangular_solve")
    _of_one_type(A, input, "triangular_solve")
    triangle = s.swapaxes(A, -2, -1) if transpose else A
    goes_with(triangle, input, True, "triangular_solve")
    solution = solving.solve_triangular(triangle, input, upper != transpose, True, unitriangular)
    return TriangularParts((relabel(solution, "TriangularSolveBackward0"), _coefficient(A)))


_coefficient = variant(s.clone, "TriangularSolveBackward0")


@function("linalg.lstsq")
def lstsq(A: Tensor, B: Tensor, rcond: OptionalNumber = None, *, driver: OptionalText = None):
    """Least squares: the X with the smallest ||A X - B||, and of several the smallest X.

    The parts are solution, residuals, rank and singular_values. The pseudoinverse solves; `driver` decides only which
    of the other parts are there, as in torch.

    Shapes: (..., n, m), (..., n, k) -> solution (..., m, k); or (..., n, m), (..., n) -> (..., m); rank (...)
    Derivative: B: linalg.pinv(A).mT @ g; A: that of `linalg.pinv(A) @ B`
    Kink: singular values up to rcond times the largest count as 0, and the gradient is that of changes which leave the
        rank as it is, as in PyTorch (why: gradcli/engine/matrices.py)
    Example: A = [[1., 0.], [1., 1.], [1., 3.]]
        b = [[1.], [2.], [6.]]
        x = linalg.lstsq(A, b).solution
        x
        backward x[1, 0]
    """
    A = matrices_of(A, "torch.linalg.lstsq")
    _of_one_type(A, B, "torch.linalg.lstsq")
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise ValueFailure(
            "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)",
        )
    vector = B.ndim < A.ndim and _is_vector(A, B)
    sides = s.expand_dims(B, B.ndim) if vector else B
    if sides.ndim < 2 or A.shape[-2] != sides.shape[-2]:
        raise ShapeFailure("torch.linalg.lstsq: input.size(-2) should match other.size(-2)")
    rows, columns = A.shape[-2:]
    relative = rounding(A) if rcond is None else rcond
    solution = product(matrices.pinv(A, 0.0, relative, False), sides)
    values = factorizations.svdvals(A.array)
    rank = np.sum(values > relative * values.max(axis=-1, keepdims=True, initial=0), axis=-1)
    residuals = constant(np.zeros(0, A.dtype))
    if driver not in (None, "gelsy") and rows > columns and np.all(rank == columns):
        residuals = r.sum_dim(e.square(e.sub(product(A, solution), sides)), -2)
    solution = s.squeeze(solution, solution.ndim - 1) if vector else solution
    return LstsqParts(
        (
            relabel(solution, "LinalgLstsqBackward0"),
            relabel(residuals, "LinalgLstsqBackward0"),
            constant(np.zeros(0, np.int64) if driver == "gels" else rank),
            constant(values if driver in ("gelsd", "gelss") else np.zeros(0, A.dtype)),
        )
    )


# ---- tensors as matrices


def _square_as_matrix(name: str, rows: int, columns: int) -> None:
    if rows != columns:
        raise ShapeFailure(
            f"Expected self to satisfy the requirement prod(self.shape[{name}:]) == prod(self.shape[:{name}]), but got "
            f"{columns} != {rows}"
        )


@function("linalg.tensorinv")
def tensorinv(A: Tensor, ind: Whole = 2):
    """The inverse of A as a map from its last dims to its first `ind`.

    Shapes: (*a, *b) with `ind` dims in a and as many elements in a as in b -> (*b, *a)
    Derivative: that of `linalg.inv` of A as a square matrix: -P.mT @ g @ P.mT, where P is the result as a matrix
    Kink: a singular map has no inverse, which is a failure.
    Example: A = [[[2., 0.], [0., 4.]]]
        B = linalg.tensorinv(A)
        B
        backward B.sum()
    """
    if ind <= 0:
        raise ValueFailure(f"Expected a strictly positive integer for 'ind', but got {ind}")
    first, last = A.shape[:ind], A.shape[ind:]
    _square_as_matrix("ind", prod(first), prod(last))
    inverse = inv(s.reshape(A, (prod(first), prod(last))))
    return s.reshape(inverse, (*last, *first))


@function("linalg.tensorsolve")
def tensorsolve(A: Tensor, B: Tensor, dims: Dims = None):
    """The X with tensordot(A, X, X.ndim) equal to B; `dims` of A go to the end first.

    Shapes: (*b, *x), (*b) -> (*x), with as many elements in x as in b
    Derivative: that of `linalg.solve` with A as a square matrix and B as a vector
    Kink: a singular map has no one solution, which is a failure.
    Example: A = [[[2., 1.], [0., 4.]]]
        B = [[4., 8.]]
        x = linalg.tensorsolve(A, B)
        x
        backward x[0]
    """
    if dims is not None:
        moved = dims if isinstance(dims, tuple) else (dims,)
        A = movedim(A, moved, tuple(range(A.ndim - len(moved), A.ndim)))
    last = A.shape[B.ndim :]
    rows = prod(A.shape[: B.ndim])
    _square_as_matrix("other.ndim", rows, prod(last))
    solution = _solved(s.reshape(A, (rows, prod(last))), s.reshape(B, (-1,)), True, "linalg.solve")
    return s.reshape(solution, last)
