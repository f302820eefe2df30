"""Inverses, determinants and solutions of linear systems: torch.linalg's, and their elder names in torch."""

from __future__ import annotations

import numpy as np

from gradcli.engine import CUT, Tensor, factorizations, matrices, solving
from gradcli.engine import shaping as s
from gradcli.engine.operation import relabel
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Flag, OptionalTensor, Whole
from gradcli.library.shapes import diagonal
from gradcli.library.values import parts_type
from gradcli.library.vocabulary import function

KINDS = {
    "float64": "Double", "float32": "Float", "float16": "Half", "int64": "Long", "int32": "Int", "int16": "Short",
    "int8": "Char", "uint8": "Byte", "bool": "Bool",
}  # fmt: skip
"""torch's words for dtypes in its messages."""

SlogdetParts = parts_type("linalg_slogdet", "sign", "logabsdet")
InvParts = parts_type("linalg_inv_ex", "inverse", "info")


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


def transposed(x: Tensor) -> Tensor:
    """Each matrix by its columns."""
    return s.swapaxes(x, -2, -1)


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


def without_singular(A: Tensor, name: str, check_errors: bool) -> tuple[Tensor, np.ndarray, np.ndarray]:
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


def where_regular(result: Tensor, bad: np.ndarray, grad_name: str) -> Tensor:
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
    A, bad, infos = without_singular(A, "linalg.inv_ex", check_errors)
    inverse = where_regular(solving.inv(A), bad[..., None, None], "LinalgInvExBackward0")
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
        relative: object = 0.0 if atol is not None and np.all(atol.array > 0) else rounding(A)
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


def rounding(A: Tensor) -> float:
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
