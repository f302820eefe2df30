"""A tensor plus a product: beta * input + alpha * product, and its like element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import Tensor, linear
from gradcli.engine import elementwise as e
from gradcli.engine import shaping as s
from gradcli.engine.conversion import promoted
from gradcli.engine.operation import relabel
from gradcli.errors import ShapeFailure, TypeFailure
from gradcli.library.arguments import Number
from gradcli.library.expanding import expanded
from gradcli.library.linear_algebra import kind_of
from gradcli.library.products import bmm, outer
from gradcli.library.vocabulary import function


def _combined(input: Tensor, product: Tensor, beta: Any, alpha: Any, grad_name: str) -> Tensor:
    """Where beta is 0 the input isn't looked at: its nan and inf don't come through, and its gradient is 0.

    BLAS defines it so, that memory which holds no numbers yet may be given; by arithmetic 0 * nan would be nan.
    """
    if product.dtype.kind in "iub":
        beta, alpha = int(beta), int(alpha)
    if alpha != 1:
        product = e.mul(product, alpha)
    summand = expanded(input, product.shape)
    if beta == 0:
        nothing = np.where(np.asarray(False), summand, np.zeros((), summand.dtype))
        return relabel(e.add(product, nothing), grad_name)
    return relabel(e.add(summand if beta == 1 else e.mul(summand, beta), product), grad_name)


def _of_one_dtype(input: Tensor, one: Tensor, other: Tensor) -> None:
    for number, tensor in ((1, one), (2, other)):
        if tensor.dtype != input.dtype:
            raise TypeFailure(
                f"self and mat{number} must have the same dtype, but got {kind_of(input)} and {kind_of(tensor)}",
                help="convert one of them, `.double()` or `.float()`",
            )


@function()
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1):
    """The product of two matrices and a summand in one: beta * input + alpha * (mat1 @ mat2).

    Shapes: any that broadcasts to (n, m), (n, k), (k, m) -> (n, m)
    Derivative: input: beta * g, summed over dims that were broadcast; mat1: alpha * g @ mat2.mT; mat2: alpha * mat1.mT
        @ g
    Kink: with beta = 0 input isn't looked at: its nan and inf don't come through, and its gradient is 0.
    Example: W = [[1., 2.], [3., 4.]]
        b = [10., 20.]
        y = addmm(b, [[1., 1.]], W)
        y
        backward y.sum()
    """
    for name, matrix in (("mat1", mat1), ("mat2", mat2)):
        if matrix.ndim != 2:
            raise ShapeFailure(f"{name} must be a matrix, got {matrix.ndim}-D tensor")
    _of_one_dtype(input, mat1, mat2)
    return _combined(input, linear.mm(mat1, mat2), beta, alpha, "AddmmBackward0")


@function()
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1):
    """The product of a matrix and a vector and a summand in one: beta * input + alpha * (mat @ vec).

    Shapes: (n) or one that broadcasts to it, (n, k), (k) -> (n)
    Derivative: input: beta * g, summed where it was broadcast; mat: alpha * outer(g, vec); vec: alpha * mat.mT @ g
    Kink: with beta = 0 input isn't looked at: its nan and inf don't come through, and its gradient is 0.
    Example: A = [[1., 2.], [3., 4.]]
        y = addmv([10., 20.], A, [1., 1.], alpha=2)
        y
        backward y.sum()
    """
    if mat.ndim != 2 or vec.ndim != 1 or input.ndim > 1:
        raise ShapeFailure(f"vector + matrix @ vector expected, got {input.ndim}, {mat.ndim}, {vec.ndim}")
    _of_one_dtype(input, mat, vec)
    if mat.shape[1] != vec.shape[0] or (input.ndim and input.shape[0] not in (1, mat.shape[0])):
        raise ShapeFailure(
            f"size mismatch, got input ({input.shape[0] if input.ndim else 1}), mat ({mat.shape[0]}x{mat.shape[1]}), "
            f"vec ({vec.shape[0]})"
        )
    return _combined(input, linear.mv(mat, vec), beta, alpha, "AddmvBackward0")


@function()
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1):
    """The outer product of two vectors and a summand in one: beta * input + alpha * outer(vec1, vec2).

    Shapes: any that broadcasts to (n, m), (n), (m) -> (n, m)
    Derivative: input: beta * g, summed over dims that were broadcast; vec1: alpha * g @ vec2; vec2: alpha * g.mT @ vec1
    Kink: with beta = 0 input isn't looked at: its nan and inf don't come through, and its gradient is 0.
    Example: x = [1., 2.]
        A = addr(zeros(2, 3), x, [1., 10., 100.])
        A
        backward A.sum()
    """
    for name, vector in (("vec1", vec1), ("vec2", vec2)):
        if vector.ndim != 1:
            raise ShapeFailure(f"addr: Expected 1-D argument {name}, but got {vector.ndim}-D")
    return _combined(*promoted(input, outer(vec1, vec2)), beta, alpha, "AddrBackward0")


def _three_dims(batch1: Tensor, batch2: Tensor) -> None:
    for batch in (batch1, batch2):
        if batch.ndim != 3:
            raise ShapeFailure(f"batch1 and batch2 must be 3D tensors, and one of them is {batch.ndim}D")


@function()
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1):
    """The products of two batches of matrices and a summand in one: beta * input + alpha * (batch1 @ batch2).

    Shapes: any that broadcasts to (b, n, m), (b, n, k), (b, k, m) -> (b, n, m)
    Derivative: input: beta * g, summed over dims that were broadcast; batch1: alpha * g @ batch2.mT; batch2: alpha *
        batch1.mT @ g
    Kink: with beta = 0 input isn't looked at: its nan and inf don't come through, and its gradient is 0.
    Example: X = [[[1., 2.]], [[3., 4.]]]
        Y = baddbmm(tensor(100.), X, [[[1.], [1.]], [[2.], [3.]]])
        Y
        backward Y.sum()
    """
    _three_dims(batch1, batch2)
    _of_one_dtype(input, batch1, batch2)
    return _combined(input, bmm(batch1, batch2), beta, alpha, "BaddbmmBackward0")


@function()
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1):
    """Batches of matrices multiplied and added up, and a summand: beta * input + alpha * sum(batch1 @ batch2, 0).

    Shapes: any that broadcasts to (n, m), (b, n, k), (b, k, m) -> (n, m)
    Derivative: input: beta * g, summed over dims that were broadcast; batch1: alpha * g @ batch2.mT; batch2: alpha *
        batch1.mT @ g
    Kink: with beta = 0 input isn't looked at: its nan and inf don't come through, and its gradient is 0.
    Example: X = [[[1., 2.]], [[3., 4.]]]
        y = addbmm(tensor(100.), X, [[[1.], [1.]], [[2.], [3.]]])
        y
        backward y
    """
    _three_dims(batch1, batch2)
    _of_one_dtype(input, batch1, batch2)
    if batch1.shape[0] != batch2.shape[0]:
        raise ShapeFailure(
            f"batch1 and batch2 must have same number of batches, got {batch1.shape[0]} and {batch2.shape[0]}"
        )
    if batch1.shape[2] != batch2.shape[1]:
        raise ShapeFailure(
            f"Incompatible matrix sizes for bmm ({batch1.shape[1]}x{batch1.shape[2]} and "
            f"{batch2.shape[1]}x{batch2.shape[2]})"
        )
    # One product of wide and tall matrices, rather than a sum of products.
    count, rows, inner = batch1.shape
    wide = s.reshape(s.permute(batch1, (1, 0, 2)), (rows, count * inner))
    tall = s.reshape(batch2, (count * inner, batch2.shape[2]))
    return _combined(input, linear.mm(wide, tall), beta, alpha, "AddbmmBackward0")


@function()
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1):
    """A product of elements and a summand in one: input + value * tensor1 * tensor2.

    Shapes: any three that broadcast together
    Derivative: input: g; tensor1: value * g * tensor2; tensor2: value * g * tensor1
    Example: x = [1., 2.]
        y = addcmul([10., 20.], x, x, value=0.5)
        y
        backward y.sum()
    """
    pair = e.mul(tensor1, tensor2)
    return relabel(e.add(input, pair if value == 1 else e.mul(pair, value)), "AddcmulBackward0")


@function()
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1):
    """A quotient of elements and a summand in one: input + value * tensor1 / tensor2.

    Shapes: any three that broadcast together
    Derivative: input: g; tensor1: value * g / tensor2; tensor2: -value * g * tensor1 / tensor2^2
    Kink: where tensor2 is 0 the result is inf, and nan where tensor1 is 0 too, as in a division.
    Example: x = [1., 4.]
        y = addcdiv([10., 20.], [1., 2.], x)
        y
        backward y.sum()
    """
    if all(tensor.dtype.kind in "iub" for tensor in (tensor1, tensor2)):
        raise TypeFailure(
            "Integer division with addcdiv is no longer supported", help="make one of them real: `tensor1.double()`"
        )
    ratio = e.div(tensor1, tensor2)
    return relabel(e.add(input, ratio if value == 1 else e.mul(ratio, value)), "AddcdivBackward0")
