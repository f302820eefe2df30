"""Functions that reduce along dims, and running totals: torch's `dim`, `keepdim`, `correction`, `dtype`."""

from __future__ import annotations

import builtins
from math import inf
from math import prod as prod_of
from typing import Any

import numpy as np

from gradcli.engine import Tensor, as_tensor
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.operation import relabel
from gradcli.engine.recording import untracked
from gradcli.errors import TypeFailure, ValueFailure
from gradcli.library.arguments import (
    Dims,
    Dtype,
    Flag,
    Number,
    OptionalWhole,
    Whole,
    axes_of,
    axis_of,
    described,
)
from gradcli.library.plain import on_plain_values
from gradcli.library.vocabulary import function


def _as(input: Tensor, dtype: np.dtype | None) -> Tensor:
    return input if dtype is None else as_tensor(input, dtype)


def _summed(input: Tensor, dtype: np.dtype | None) -> Tensor:
    """Whole numbers and bools are added up as int64."""
    if dtype is None and input.dtype.kind in "biu":
        dtype = np.dtype(np.int64)
    return _as(input, dtype)


@function(steady=True)
def sum(input: Tensor, dim: Dims = None, keepdim: Flag = False, *, dtype: Dtype = None):
    """The sum of all elements, or along dims.

    Shapes: any -> (); along dims these go, or become 1 with `keepdim`; whole numbers and bools are added up as int64
    Derivative: g.expand_as(x), once the dims that went are put back
    Kink: the sum of nothing is 0.
    Example: x = [[1, 2, 3], [4, 5, 6]]
        sum(x)
        columns = sum(x, 0)
        columns
        backward columns[1]
    """
    input = _summed(input, dtype)
    if dim is None and not keepdim:
        return r.sum(input)
    return r.sum_dim(input, axes_of(dim, input.ndim), keepdim)


@function(steady=True)
def mean(input: Tensor, dim: Dims = None, keepdim: Flag = False, *, dtype: Dtype = None):
    """The mean of all elements, or along dims.

    Shapes: any -> (); along dims these go, or become 1 with `keepdim`
    Derivative: g.expand_as(x) / n, once the dims that went are put back; n elements go into each mean
    Kink: the mean of nothing is nan.
    Example: x = [[1, 2, 3], [4, 5, 6]]
        mean(x, 1)
        m = mean(x)
        m
        backward m
    """
    input = _as(input, dtype)
    if input.dtype.kind != "f":
        raise TypeFailure(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {input.dtype}",
            help="make it real first: `x.double().mean()`",
        )
    if dim is None and not keepdim:
        return r.mean(input)
    return r.mean_dim(input, axes_of(dim, input.ndim), keepdim)


@function()
def prod(input: Tensor, dim: OptionalWhole = None, keepdim: Flag = False, *, dtype: Dtype = None):
    """The product of all elements, or along a dim.

    Shapes: any -> (); along a dim it goes, or becomes 1 with `keepdim`; whole numbers and bools are multiplied as int64
    Derivative: g * out / x; where an element is 0, g times the product of the others
    Kink: an element that is 0 gets the product of the others, which is 0 where one more of them is 0; the product of
        nothing is 1. (why: gradcli/engine/reductions.py)
    Example: x = [2, 3, 4]
        p = prod(x)
        p
        backward p
    Example: x = [0, 3, 4]
        p = prod(x)
        backward p
    """
    input = _summed(input, dtype)
    return r.prod_(input) if dim is None else r.prod_dim(input, axes_of(dim, input.ndim), keepdim)


def _correction(unbiased: Any, correction: Any) -> Any:
    if unbiased is not None:
        return 1 if unbiased else 0
    return correction


def _spread(measure: Any, input: Tensor, dim: Any, unbiased: Any, correction: Any, keepdim: bool) -> Tensor:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if input.dtype.kind != "f":
        raise TypeFailure(f"std and var only support floating point and complex dtypes, and this is {input.dtype}")
    return measure(input, axes_of(Dims(dim), input.ndim), _correction(unbiased, correction), keepdim)


@function()
def var(input: Tensor, dim=None, unbiased=None, keepdim: Flag = False, *, correction: Number = 1):
    """The variance of all elements, or along dims: the squared distances from the mean, over n - correction.

    Shapes: any -> (); along dims these go, or become 1 with `keepdim`; n elements go into each result, and `correction`
        is 1 or a number of your own (`unbiased=false` is 0)
    Derivative: 2 * (x - x.mean(dim, true)) / (n - correction)
    Kink: where n - correction is 0 or less (one element, by default) the value and the gradient are nan where all
        elements are equal, else inf. (why: gradcli/engine/reductions.py)
    Example: x = [1, 2, 6]
        v = var(x)
        v
        backward v
        var(x, correction=0)
    """
    return _spread(r.var, input, dim, unbiased, correction, keepdim)


@function()
def std(input: Tensor, dim=None, unbiased=None, keepdim: Flag = False, *, correction: Number = 1):
    """The standard deviation of all elements, or along dims: the root of `var`.

    Shapes: any -> (); along dims these go, or become 1 with `keepdim`; n elements go into each result, and `correction`
        is 1 or a number of your own (`unbiased=false` is 0)
    Derivative: (x - x.mean(dim, true)) / ((n - correction) * out)
    Kink: where all elements are equal it is 0, and the gradient is 0 too; where n - correction is 0 or less (one
        element, by default) the gradient is nan, and the value nan or inf as that of `var`. (why:
        gradcli/engine/reductions.py)
    Example: x = [1, 2, 6]
        s = std(x)
        s
        backward s
    Example: x = [2, 2]
        s = std(x)
        backward s
    """
    return _spread(r.std, input, dim, unbiased, correction, keepdim)


@function()
def norm(input: Tensor, p=2, dim: Dims = None, keepdim: Flag = False, *, dtype: Dtype = None):
    """The vector norm of all elements, or along dims: p is a number, inf, "fro" for 2, or "nuc" for a matrix.

    sum(abs(x)^p)^(1/p): for 2 the length, for 1 the sum of sizes, for inf the largest size, for -inf the smallest, for
    0 how many aren't 0; "nuc" adds up the singular values.

    Shapes: any -> (); along dims these go, or become 1 with `keepdim`
    Derivative: g * sign(x) * (abs(x) / out)^(p - 1): for 2 g * x / out, for 1 g * sign(x), for inf and -inf g *
        where(abs(x) == out, sign(x), 0), for 0 it is 0; for "nuc" that of `linalg.matrix_norm`
    Kink: where the norm is 0 the gradient is 0 for every p, and so it is at an element that is 0 for p <= 1; elements
        that tie for inf or -inf share it evenly; of nothing the norm is 0, for inf and p < 0 an error. (why:
        gradcli/engine/reductions.py)
    Example: x = [3, -4]
        length = norm(x)
        length
        backward length
    Example: x = [3, -3, 0]
        largest = norm(x, inf)
        backward largest
    """
    if isinstance(p, str) and p == "nuc":
        from gradcli.library.matrix_norms import nuclear

        return nuclear(input, dim, keepdim, dtype)
    order = _order(p)
    input = _as(input, dtype)
    if input.dtype.kind != "f":
        raise TypeFailure(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {input.dtype}",
            help="make it real first: `x.double().norm()`",
        )
    axes = axes_of(dim, input.ndim)
    if not input.array.size and (order < 0 or order == inf):
        _refuse_empty(input, axes, order)
    return r.norm(input, order, axes, keepdim)


def _order(p: Any) -> Any:
    """The order of a vector norm, as a number."""
    if p is None or (isinstance(p, str) and p == "fro"):
        return 2
    if isinstance(p, str) and p in ("inf", "-inf"):
        return float(p)
    try:
        return Number(p)
    except TypeFailure:
        raise TypeFailure(
            f'norm() wants a number, inf or "fro" as `p`, and got {described(p)}',
            help="`norm(x)` is the root of the sum of squares, `norm(x, 1)` the sum of sizes",
        ) from None


def _refuse_empty(input: Tensor, axes: Any, order: Any) -> None:
    """The largest or smallest of nothing isn't defined."""
    empty = axes is None or not prod_of(input.shape[axis] for axis in (axes if isinstance(axes, tuple) else (axes,)))
    if empty:
        where = "on an empty tensor" if axes is None else f"on the dimension {axes} because this dimension is empty and"
        because = "because " if axes is None else ""
        raise ValueFailure(
            f"linalg.vector_norm cannot compute the {order} norm {where} {because}the operation does not have an "
            "identity"
        )


@function("linalg.vector_norm")
def vector_norm(x: Tensor, ord=2, dim: Dims = None, keepdim: Flag = False, *, dtype: Dtype = None):
    """The vector norm of all elements, or along dims: `ord` is a number, inf or -inf.

    Shapes: any -> (); along dims these go, or become 1 with `keepdim`
    Derivative: g * sign(x) * (abs(x) / out)^(ord - 1): for 2 g * x / out, for 1 g * sign(x), for inf and -inf g *
        where(abs(x) == out, sign(x), 0), for 0 it is 0
    Kink: where the norm is 0 the gradient is 0 for every order, and so it is at an element that is 0 for orders up to
        1; elements that tie for inf or -inf share it evenly; of nothing the norm is 0, for inf and orders below 0 an
        error. (why: gradcli/engine/reductions.py)
    Example: x = [[3, -4], [0, 0]]
        rows = linalg.vector_norm(x, dim=1)
        rows
        total = sum(rows)
        backward total
    """
    return norm.body(x, ord, dim, keepdim, dtype=dtype)


# ---- running totals and the softmax family


@function()
def cumsum(input: Tensor, dim: Whole, *, dtype: Dtype = None):
    """Running totals along a dim.

    Shapes: (..., n, ...) -> the same; whole numbers and bools are added up as int64
    Derivative: g.flip(dim).cumsum(dim).flip(dim): the sum of g from each element's place to the end
    Example: x = [1, 2, 3]
        totals = cumsum(x, 0)
        totals
        backward totals.sum()
    """
    input = _summed(input, dtype)
    return _clone_0d(r.cumsum, input) if not input.ndim else r.cumsum(input, axis_of(dim, input.ndim))


@function()
def cumprod(input: Tensor, dim: Whole, *, dtype: Dtype = None):
    """Running products along a dim.

    Shapes: (..., n, ...) -> the same; whole numbers and bools are multiplied as int64
    Derivative: (g * out).flip(dim).cumsum(dim).flip(dim) / x; where an element is 0, without the division
    Kink: an element that is 0 gets what it would scale: the products of the others, up to the next 0. (why:
        gradcli/engine/reductions.py)
    Example: x = [2, 3, 4]
        products = cumprod(x, 0)
        products
        backward products.sum()
    Example: x = [2, 0, 4]
        products = cumprod(x, 0)
        backward products.sum()
    """
    input = _summed(input, dtype)
    return _clone_0d(r.cumprod, input) if not input.ndim else r.cumprod(input, axis_of(dim, input.ndim))


def _clone_0d(function: Any, input: Tensor) -> Tensor:
    return relabel(s.reshape(function(s.reshape(input, (1,)), 0), ()), function.op.grad_name)


@function(steady=True)
def logsumexp(input: Tensor, dim: Dims, keepdim: Flag = False):
    """log(sum(exp(x))) along dims, without overflow: a smooth maximum.

    Shapes: (..., n, ...) -> (...), or (..., 1, ...) with `keepdim`
    Derivative: exp(x - out), which is softmax(x, dim)
    Kink: where all elements are -inf it is -inf, and the gradient nan; of nothing it is -inf. (why:
        gradcli/engine/reductions.py)
    Example: x = [1000, 1001, 999]
        top = logsumexp(x, 0)
        top
        backward top
    """
    return r.logsumexp(input, axes_of(dim, input.ndim), keepdim)


def _softmaxed(apply: Any, input: Tensor, dim: Any, dtype: Any) -> Tensor:
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
    if dtype is None and input.dtype.kind != "f":
        raise TypeFailure(
            f"softmax is not implemented for {input.dtype}", help="make it real first: `softmax(x.double(), 0)`"
        )
    return apply(_as(input, dtype), axes_of(dim, input.ndim))


@function(also=("F.softmax", "special.softmax"), steady=True)
def softmax(input: Tensor, dim: OptionalWhole = None, *, dtype: Dtype = None):
    """exp(x) / sum(exp(x)) along a dim, without overflow: positive numbers that add up to 1.

    Shapes: (..., n, ...) -> the same; `dim` is the one of n (without it the first of tensors of 0, 1 or 3 dims, the
        second of others)
    Derivative: out * (g - sum(g * out, dim, keepdim=true))
    Kink: an element of -inf gets 0; where all are -inf the result and the gradient are nan. (why:
        gradcli/engine/reductions.py)
    Example: x = [1, 2, 3]
        p = softmax(x, 0)
        p
        backward p[2]
    """
    return _softmaxed(r.softmax, input, dim, dtype)


@function(also=("F.log_softmax", "special.log_softmax"), steady=True)
def log_softmax(input: Tensor, dim: OptionalWhole = None, *, dtype: Dtype = None):
    """log(softmax(x)) along a dim, without overflow.

    Shapes: (..., n, ...) -> the same; `dim` is the one of n (without it the first of tensors of 0, 1 or 3 dims, the
        second of others)
    Derivative: g - exp(out) * sum(g, dim, keepdim=true)
    Kink: an element of -inf stays -inf; where all are -inf the result and the gradient are nan. (why:
        gradcli/engine/reductions.py)
    Example: x = [1, 2, 3]
        score = log_softmax(x, 0)
        score
        backward score[2]
    """
    return _softmaxed(r.log_softmax, input, dim, dtype)


# ---- truth and counts: no gradient


def _truth(name: str, test: Any, words: str, nothing: str, result: str) -> None:
    def body(input: Tensor, dim: Dims = None, keepdim: Flag = False):
        out = test(np.asarray(input.array), axis=axes_of(dim, input.ndim), keepdims=keepdim)
        return untracked(s.clone.op, np.asarray(out)[()], input)

    body.__name__ = name
    body.__doc__ = f"""{words}

    Shapes: any -> (); along dims these go, or become 1 with `keepdim`; {result}
    Derivative: none: {"a count" if result == "int64" else "a truth value"}
    Kink: nan isn't 0, and counts; of nothing {nothing}.
    Example: x = [[0, 0, 0], [1, 0, 2], [3, 4, 5]]
        {name}(x)
        {name}(x, 1)
    """
    function(name)(body)


_truth("all", np.all, "Whether all elements are nonzero, or all along dims.", "true", "bool")
_truth("any", np.any, "Whether any element is nonzero, or any along dims.", "false", "bool")
_truth("count_nonzero", np.count_nonzero, "How many elements are nonzero, of all or along dims.", "0", "int64")

on_plain_values("sum", builtins.sum, 1, sequences=True)
