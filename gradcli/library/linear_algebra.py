"""Inverses, determinants and solutions of linear systems: torch.linalg's, and their elder names in torch."""

from __future__ import annotations

from math import prod

import numpy as np

from gradcli.engine import CUT, Tensor, factorizations, matrices, solving
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.operation import relabel, variant
from gradcli.engine.protocols import product
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Dims, Flag, OptionalNumber, OptionalTensor, OptionalText, Whole
from gradcli.library.shapes import diagonal, movedim
from gradcli.library.values import parts_type
from gradcli.library.vocabulary import function

KINDS = {
    "float64": "Double", "float32": "Float", "float16": "Half", "int64": "Long", "int32": "Int", "int16": "Short",
    "int8": "Char", "uint8": "Byte", "bool": "Bool",
}  # fmt: skip
"""torch's words for dtypes in its messages."""

SlogdetParts = parts_type("linalg_slogdet", "sign", "logabsdet")
InvParts = parts_type("linalg_inv_ex", "inverse", "info")
SolveParts = parts_type("linalg_solve_ex", "result", "info")
LstsqParts = parts_type("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
TriangularParts = parts_type("triangular_solve", "solution", "cloned_coefficient")


def kind_of(input: Tensor) -> str:
    """The dtype in the words of torch's messages."""
    return KINDS.get(input.dtype.name, input.dtype.name)


def matrices_of(A: Tensor, name: str) -> Tensor:
    """A matrix or a batch of matrices, of a dtype that LAPACK has; a failure says so of anything else."""
    if A.ndim < 2:
        raise ShapeFailure(
            f"{name}: The input tensor A must have at least 2 dimensions.", label=f"this has shape {A.shape}"
        )
    if A.dtype.kind != "f":
        raise TypeFailure(
            f"{name}: Expected a floating point or complex tensor as input. Got {kind_of(A)}",
            help="make it real first: `.double()`",
        )
    if A.dtype == np.float16:
        raise TypeFailure(
            f"{name}: Low precision dtypes not supported. Got Half", help="make it `.float()` or `.double()` first"
        )
    return A


def square_of(A: Tensor, name: str) -> Tensor:
    """A square matrix or a batch of them."""
    if A.ndim >= 2 and A.shape[-1] != A.shape[-2]:
        raise ShapeFailure(
            f"{name}: A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} matrices"
        )
    return matrices_of(A, name)


def constant(array: object) -> Tensor:
    """A result that isn't differentiated."""
    return Tensor(array, CUT)


# ---- inverses and determinants


@function("linalg.inv", also=("inverse",))
def inv(A: Tensor):
    """The inverse of a square matrix, or of each matrix of a batch.

    Shapes: (..., n, n) -> the same
    Derivative: -out.mT @ g @ out.mT
    Kink: a singular matrix has no inverse, which is a failure; linalg.inv_ex goes on, and linalg.pinv is defined for
        it.
    Example: A = [[2., 1.], [0., 4.]]
        B = linalg.inv(A)
        B
        backward B[0, 0]
    """
    return solving.inv(square_of(A, "linalg.inv"))


def _without_singular(A: Tensor, name: str, check_errors: bool) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """The matrices with the identity in the place of singular ones, which of them those are, and LAPACK's infos."""
    A = square_of(A, name)
    infos = solving.infos("getrf", A.array)
    bad = np.asarray(infos != 0)
    if check_errors and bad.any():
        number = int(np.argmax(bad))
        raise ValueFailure(
            f"{name}: {solving.batch_element(A.shape, number)}The diagonal element {infos.ravel()[number]} is zero, "
            "the inversion could not be completed because the input matrix is singular."
        )
    if bad.any():
        A = np.where(bad[..., None, None], np.eye(A.shape[-1], dtype=A.dtype), A)
    return A, bad, infos


def _where_regular(result: Tensor, bad: np.ndarray, grad_name: str) -> Tensor:
    """The result with nan for singular matrices, without a gradient, so that those of the others stay what they are.

    torch hands out what LAPACK had when it broke off. Those numbers solve nothing, and nan says so.
    """
    if not bad.any():
        return result
    return relabel(np.where(bad, np.asarray(np.nan, result.dtype), result), grad_name)


@function("linalg.inv_ex")
def inv_ex(A: Tensor, *, check_errors: Flag = False):
    """The inverse, and 0 or the number of the zero pivot: nan, and no failure, where a matrix is singular.

    Shapes: (..., n, n) -> inverse the same, info (...)
    Derivative: of inverse: -out.mT @ g @ out.mT; of info none: a count
    Kink: the inverse of a singular matrix is nan, with the gradient 0; PyTorch leaves LAPACK's unfinished numbers
        there.
    Example: A = [[2., 0.], [0., 4.]]
        linalg.inv_ex(A)
        backward linalg.inv_ex(A).inverse.sum()
    Example: linalg.inv_ex([[1., 2.], [2., 4.]]).info
    """
    A, bad, infos = _without_singular(A, "linalg.inv_ex", check_errors)
    inverse = _where_regular(solving.inv(A), bad[..., None, None], "LinalgInvExBackward0")
    return InvParts((inverse, constant(infos)))


@function("det", also=("linalg.det",))
def det(A: Tensor):
    """The determinant of a square matrix, or of each matrix of a batch: the factor by which it scales volumes.

    Shapes: (..., n, n) -> (...)
    Derivative: (g * out)[..., none, none] * inverse(A).mT, which is g times the cofactors of A
    Kink: a singular matrix has its cofactors too, and they are its gradient; PyTorch gives 0 there, and under
        create_graph the same (why: gradcli/engine/matrices.py)
    Example: A = [[1.5, 1.], [0.5, 2.1]]
        y = det(A)
        y
        backward y
    Example: A = [[2., 0.], [0., 0.]]
        backward det(A)
    """
    return matrices.det(square_of(A, "linalg.det"))


@function("slogdet", also=("linalg.slogdet",))
def slogdet(A: Tensor):
    """The sign of the determinant and the logarithm of its size, which don't overflow: (sign, logabsdet).

    Shapes: (..., n, n) -> sign (...), logabsdet (...)
    Derivative: of logabsdet: g[..., none, none] * inverse(A).mT; of sign: 0 almost everywhere, a step
    Kink: a singular matrix has the sign 0, the logarithm -inf, and a gradient that is inf or nan (why:
        gradcli/engine/matrices.py)
    Example: A = [[2., 1.], [0., -4.]]
        slogdet(A)
        backward slogdet(A).logabsdet
    """
    return SlogdetParts(matrices.slogdet(square_of(A, "linalg.slogdet")))


@function()
def logdet(input: Tensor):
    """The logarithm of the determinant; nan where it is negative.

    Shapes: (..., n, n) -> (...)
    Derivative: g[..., none, none] * inverse(input).mT
    Kink: at a determinant of 0 it is -inf, with a gradient that is inf or nan; at a negative one nan, with the gradient
        0, as in PyTorch.
    Example: A = [[2., 1.], [0., 4.]]
        y = logdet(A)
        y
        backward y
    """
    sign, size = matrices.slogdet(square_of(input, "logdet"))
    # nan is chosen, not computed: so the gradient is 0, as torch's.
    return np.where(np.asarray(sign.array == -1), np.asarray(np.nan, size.dtype), size)


@function("linalg.pinv", also=("pinverse",))
def pinv(
    A: Tensor, rcond: OptionalTensor = None, hermitian: Flag = False, *, atol: OptionalTensor = None,
    rtol: OptionalTensor = None,
):  # fmt: skip
    """The pseudoinverse: singular values up to max(atol, rtol * the largest) count as 0.

    It is the inverse where there is one; else pinv(A) @ b is the smallest of the x that come nearest to A @ x = b.

    Shapes: (..., n, m) -> (..., m, n)
    Derivative: -P.mT @ g @ P.mT + (I - A @ P) @ g.mT @ P @ P.mT + P.mT @ P @ g.mT @ (I - P @ A), where P is the result
        and I the identity
    Kink: where the rank changes the pseudoinverse jumps; the gradient is that of changes which leave the rank as it is,
        as in PyTorch (why: gradcli/engine/matrices.py)
    Example: A = [[1.], [2.]]
        P = linalg.pinv(A)
        P
        backward P.sum()
    """
    if A.dtype.kind != "f" or A.ndim < 2:
        raise (ShapeFailure if A.dtype.kind == "f" else TypeFailure)(
            f"linalg.pinv({kind_of(A)}{{{list(A.shape)}}}): expected a tensor with 2 or more dimensions of float, "
            "double, cfloat or cdouble types"
        )
    if hermitian:
        square_of(A, "linalg.pinv")
    least, relative = _tolerances(matrices_of(A, "linalg.pinv"), atol, rcond if rtol is None else rtol)
    return matrices.pinv(A, least, relative, hermitian)


def _tolerances(A: Tensor, atol: Tensor | None, rtol: Tensor | None) -> tuple[object, object]:
    """torch's defaults: no absolute one, and max(m, n) roundings of the largest singular value."""
    _one_a_matrix(A, atol, rtol)
    if rtol is None:
        relative: object = 0.0 if atol is not None and np.all(atol.array > 0) else _rounding(A)
    else:
        relative = rtol.array if rtol.ndim else rtol.item()
    return 0.0 if atol is None else atol.array if atol.ndim else atol.item(), relative


def _one_a_matrix(A: Tensor, *tolerances: Tensor | None) -> None:
    """A tolerance is one number for all matrices, or one for each."""
    for tolerance in tolerances:
        if tolerance is not None and tolerance.ndim:
            try:
                fits = np.broadcast_shapes(tolerance.shape, A.shape[:-2]) == A.shape[:-2]
            except ValueError:
                fits = False
            if not fits:
                raise ShapeFailure(
                    f"a tolerance of shape {tolerance.shape} doesn't go with a batch of shape {A.shape[:-2]}",
                    help="give one number, or one for each matrix",
                )


def _rounding(A: Tensor) -> float:
    return float(max(A.shape[-2:]) * np.finfo(A.dtype).eps)


@function("linalg.matrix_rank")
def matrix_rank(
    A: Tensor, tol: OptionalTensor = None, hermitian: Flag = False, *, atol: OptionalTensor = None,
    rtol: OptionalTensor = None,
):  # fmt: skip
    """The rank of a matrix: how many singular values are above max(atol, rtol * the largest).

    Shapes: (..., n, m) -> (...), whole numbers; a tolerance is a number or (...)
    Derivative: none: a count
    Kink: a singular value that equals the bound doesn't count: the rank of zeros is 0.
    Example: linalg.matrix_rank([[1., 2.], [2., 4.]])
        linalg.matrix_rank([[1., 2.], [2., 4.001]])
        linalg.matrix_rank([[1., 2.], [2., 4.001]], atol=0.01)
    """
    A = matrices_of(A, "linalg.matrix_rank")
    _one_a_matrix(A, tol)
    least, relative = (tol.array, 0.0) if tol is not None else _tolerances(A, atol, rtol)
    values = factorizations.svdvals(A.array)
    bound = np.maximum(least, relative * values.max(axis=-1, initial=0))
    return constant(np.sum(values > np.expand_dims(bound, -1), axis=-1))


@function("matrix_exp", also=("linalg.matrix_exp",))
def matrix_exp(input: Tensor):
    """The exponential of a square matrix, I + A + A @ A / 2 + ...: its power series, not each element's.

    Shapes: (..., n, n) -> the same
    Derivative: the upper right block of matrix_exp([[input.mT, g], [0, input.mT]])
    Example: A = [[0., 1.], [0., 0.]]
        B = matrix_exp(A)
        B
        backward B[0, 1]
    """
    return matrices.matrix_exp(square_of(input, "linalg.matrix_exp"))


# ---- systems


def _of_one_type(A: Tensor, B: Tensor, name: str) -> None:
    if A.dtype != B.dtype:
        raise TypeFailure(
            f"{name}: Expected A and B to have the same dtype, but found A of type {kind_of(A)} and B of type "
            f"{kind_of(B)} instead",
            help="convert one of them, `.double()` or `.float()`",
        )


def _goes_with(A: Tensor, B: Tensor, left: bool, name: str) -> None:
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
    _goes_with(A, B, left, name)
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
    A, bad, infos = _without_singular(A, "linalg.solve_ex", check_errors)
    solution = _solved(A, B, left, "linalg.solve_ex")
    bad = bad[..., None] if vector else bad[..., None, None]
    return SolveParts((_where_regular(solution, bad, "LinalgSolveExBackward0"), constant(infos)))


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
    _goes_with(A, B, left, "linalg.solve_triangular")
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
    _goes_with(triangle, input, True, "triangular_solve")
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
    relative = _rounding(A) if rcond is None else rcond
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


@function("linalg.diagonal")
def linalg_diagonal(A: Tensor, *, offset: Whole = 0, dim1: Whole = -2, dim2: Whole = -1):
    """The diagonal of each matrix, as the last dim of the result.

    Shapes: (..., n, m) -> (..., min(n, m)); with an offset as many as that diagonal has
    Derivative: g on that diagonal, 0 elsewhere
    Example: A = [[1., 2.], [3., 4.]]
        linalg.diagonal(A)
        backward linalg.diagonal(A, offset=1).sum()
    """
    return diagonal(A, offset, dim1, dim2)
