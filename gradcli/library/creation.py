"""Functions that make tensors: from numbers, in rows, and at random."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor, modes, start_tracking
from gradcli.engine.allocation import allocatable
from gradcli.errors import TypeFailure, ValueFailure
from gradcli.library import context
from gradcli.library.arguments import (
    Dtype,
    Flag,
    Number,
    OptionalNumber,
    OptionalWhole,
    Whole,
    Wholes,
)
from gradcli.library.vocabulary import function


def made(array: Any, requires_grad: Any = None) -> Tensor:
    """A new tensor without history; `requires_grad=false` cuts it off on purpose."""
    cut = requires_grad is False or not modes.recording
    tensor = Tensor(array if array.ndim else array[()], CUT if cut else None)
    return start_tracking(tensor) if requires_grad else tensor


def _real(dtype: np.dtype | None) -> np.dtype:
    return modes.default_dtype if dtype is None else dtype


@function()
def tensor(data, *, dtype: Dtype = None, requires_grad: Flag = None):
    """A tensor of numbers in nested lists or tuples; tensors among them are stacked, recorded.

    Shapes: lists of equal lengths -> those lengths, a number -> (); tensors among them have one shape, whose dims come
        last
    Derivative: each tensor in the list: the part of g at its place; a tensor alone none: its values are copied and its
        history is left behind, which as_tensor keeps
    Example: a = 2.
        x = tensor([a, 3*a])
        x
        backward x.sum()
    Example: tensor([[1, 2], [3, 4]], dtype=int64)
    """
    if type(data) is Tensor:
        # torch copies the values and leaves the history behind.
        data = np.array(data.array)
    result = as_tensor(data, dtype)
    if result.node:
        return result
    return made(np.array(result.array), None if requires_grad is None else requires_grad)


@function("as_tensor", also=("asarray",))
def same_tensor(data, dtype: Dtype = None, *, requires_grad: Flag = None):
    """A tensor as it is, with its history, and numbers as a tensor.

    Shapes: any -> the same; lists as for `tensor`
    Derivative: g, none through requires_grad, which copies
    Example: x = [1., 2.]
        y = as_tensor(2*x)
        backward y.sum()
        as_tensor([3, 4])
    """
    if type(data) is Tensor and requires_grad is None:
        return as_tensor(data, dtype)
    return tensor.body(data, dtype=dtype, requires_grad=requires_grad)


def _filled(name: str, fill: float, words: str) -> None:
    def body(*size: Wholes, dtype: Dtype = None, requires_grad: Flag = None):
        dtype = _real(dtype)
        return made(np.full(allocatable(size, dtype), fill, dtype), requires_grad)

    def like(input: Tensor, *, dtype: Dtype = None, requires_grad: Flag = None):
        return made(np.full(input.shape, fill, dtype or input.dtype), requires_grad)

    body.__name__ = name
    body.__doc__ = f"""A tensor of a shape, {words}.

    Shapes: size, one number after another or a tuple -> that shape
    Derivative: none: it has no inputs but plain numbers
    Example: {name}(3)
        {name}(2, 3)
    """
    like.__name__ = f"{name}_like"
    like.__doc__ = f"""A tensor of another's shape and dtype, {words}.

    Shapes: any -> the same
    Derivative: none: of input only the shape and the dtype count
    Example: {name}_like(tensor([[1., 2.], [3., 4.]]))
    """
    function(name)(body)
    function(f"{name}_like")(like)


_filled("zeros", 0, "filled with 0")
_filled("ones", 1, "filled with 1")
_filled("empty", 0, "whose values are of no account (here: 0)")


@function()
def full(size: Wholes, fill_value, *, dtype: Dtype = None, requires_grad: Flag = None):
    """A tensor of a shape, filled with one number.

    Shapes: size, a tuple or a number -> that shape; of the default dtype, or bool for true and false
    Derivative: none: it has no inputs but plain numbers
    Example: full((2, 3), 7.)
    """
    if dtype is None:
        dtype = np.dtype(bool) if isinstance(fill_value, bool) else modes.default_dtype
    return made(np.full(allocatable(size, dtype), Number(fill_value), dtype), requires_grad)


@function()
def full_like(input: Tensor, fill_value: Number, *, dtype: Dtype = None, requires_grad: Flag = None):
    """A tensor of another's shape and dtype, filled with one number.

    Shapes: any -> the same
    Derivative: none: of input only the shape and the dtype count
    Example: full_like(tensor([[1., 2.], [3., 4.]]), 0.5)
    """
    return made(np.full(input.shape, fill_value, dtype or input.dtype), requires_grad)


@function()
def eye(n: Whole, m: OptionalWhole = None, *, dtype: Dtype = None, requires_grad: Flag = None):
    """The identity matrix of n rows (and m columns): 1 on the diagonal, 0 elsewhere.

    Shapes: n, m -> (n, m), m is n where it isn't given
    Derivative: none: it has no inputs but plain numbers
    Example: eye(2)
        eye(2, 3)
    """
    dtype = _real(dtype)
    columns = n if m is None else m
    allocatable((n, columns), dtype)
    return made(np.eye(n, columns, dtype=dtype), requires_grad)


@function()
def arange(
    start: Number, end: OptionalNumber = None, step: Number = 1, *, dtype: Dtype = None, requires_grad: Flag = None
):
    """The numbers from start (0 where only an end is given) up to end, without it, by step.

    Shapes: plain numbers -> (n), n = ceil((end - start) / step)
    Derivative: none: it has no inputs but plain numbers
    Kink: the end is left out, and rounding may leave it in: with a step that has no exact digits linspace is surer.
    Example: arange(4)
        arange(5, 0, -2)
        arange(1, 2, 0.25)
    """
    if end is None:
        start, end = 0, start
    if step == 0:
        raise ValueFailure("step must be nonzero")
    if (end - start) * step < 0:
        raise ValueFailure("upper bound and lower bound inconsistent with step sign")
    length = (end - start) / step
    if not np.isfinite(length):
        raise ValueFailure(f"unsupported range: {start} -> {end}")
    dtype = _real(dtype)
    count = ceil(length)
    allocatable((count,), dtype)
    return made((start + step * np.arange(count, dtype=np.float64)).astype(dtype), requires_grad)


def _spaced(steps: int, dtype: np.dtype) -> int:
    if steps < 0:
        raise ValueFailure("number of steps must be non-negative")
    allocatable((steps,), dtype)
    return steps


@function()
def linspace(start: Number, end: Number, steps: Whole, *, dtype: Dtype = None, requires_grad: Flag = None):
    """`steps` numbers from start to end, both included, evenly spaced.

    Shapes: plain numbers -> (steps)
    Derivative: none: it has no inputs but plain numbers
    Kink: one step is start alone.
    Example: linspace(0, 1, 5)
    """
    dtype = _real(dtype)
    return made(np.linspace(start, end, _spaced(steps, dtype)).astype(dtype), requires_grad)


@function()
def logspace(
    start: Number, end: Number, steps: Whole, base: Number = 10.0, *, dtype: Dtype = None, requires_grad: Flag = None
):
    """`steps` powers of base, with evenly spaced exponents from start to end.

    Shapes: plain numbers -> (steps)
    Derivative: none: it has no inputs but plain numbers
    Kink: one step is base^start alone.
    Example: logspace(0, 3, 4)
        logspace(0, 3, 4, base=2)
    """
    dtype = _real(dtype)
    return made((float(base) ** np.linspace(start, end, _spaced(steps, dtype))).astype(dtype), requires_grad)


# ---- at random, from the session's generator


def _random(name: str, draw: Any, words: str) -> None:
    def body(*size: Wholes, dtype: Dtype = None, requires_grad: Flag = None):
        dtype = _real(dtype)
        return made(
            np.asarray(draw(context.current().generator, allocatable(size, dtype))).astype(dtype), requires_grad
        )

    def like(input: Tensor, *, dtype: Dtype = None, requires_grad: Flag = None):
        values = np.asarray(draw(context.current().generator, input.shape))
        return made(values.astype(dtype or input.dtype), requires_grad)

    body.__name__ = name
    body.__doc__ = f"""A tensor of a shape, {words}.

    Shapes: size, one number after another or a tuple -> that shape
    Derivative: none: drawn by the session's generator, and a leaf from there on
    Example: x = {name}(3)
        x
        backward (x^2).sum()
    """
    like.__name__ = f"{name}_like"
    like.__doc__ = f"""A tensor of another's shape and dtype, {words}.

    Shapes: any -> the same
    Derivative: none: of input only the shape and the dtype count
    Example: {name}_like(tensor([[1., 2.], [3., 4.]]))
    """
    function(name)(body)
    function(f"{name}_like")(like)


_random("rand", lambda generator, shape: generator.random(shape), "uniform between 0 and 1")
_random(
    "randn", lambda generator, shape: generator.standard_normal(shape), "normally distributed, mean 0 and deviation 1"
)


@function()
def randint(low=None, high=None, size=None, *, dtype: Dtype = None, requires_grad: Flag = None):
    """Whole numbers from low (0 where left out) up to high, without it, each as likely.

    Shapes: low, high and size, a tuple -> that shape, of int64 unless a dtype is given
    Derivative: none: drawn by the session's generator
    Example: randint(10, (5,))
        randint(-1, 2, (2, 3))
    """
    if size is None:
        low, high, size = None, low, high
    elif high is None:
        low, high = None, low
    for argument, value in (("size", size), ("high", high)):
        if value is None:
            raise TypeFailure(f"randint() needs an argument `{argument}`", help="such as `randint(10, (3,))`")
    low, high, shape = 0 if low is None else Whole(low), Whole(high), Wholes(size)
    if low >= high:
        raise ValueFailure(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    for bound in (low, high):
        if not -(2**63) <= bound < 2**63:
            raise ValueFailure(f"random_: {bound} is out of bounds for int64")
    dtype = dtype or np.dtype(np.int64)
    return made(
        np.asarray(context.current().generator.integers(low, high, allocatable(shape, dtype))).astype(dtype),
        requires_grad,
    )


@function()
def randperm(n: Whole, *, dtype: Dtype = None):
    """The whole numbers below n in random order.

    Shapes: n -> (n), of int64 unless a dtype is given
    Derivative: none: drawn by the session's generator
    Example: order = randperm(4)
        order
        tensor([10., 20., 30., 40.])[order]
    """
    dtype = dtype or np.dtype(np.int64)
    allocatable((n,), dtype)
    return made(context.current().generator.permutation(n).astype(dtype))


@function(also=("seed", "random.manual_seed"))
def manual_seed(seed: Whole):
    """Starts the session's random generator anew from a seed: the same draws come again.

    Shapes: a whole number -> nothing
    Derivative: none: it makes no tensor
    Example: manual_seed(7)
        rand(2)
        manual_seed(7)
        rand(2)
    """
    context.current().seed(seed)


@function()
def set_default_dtype(d: Dtype):
    """The dtype of tensors made from plain numbers from now on.

    Shapes: float64, float32 or float16 -> nothing
    Derivative: none: it makes no tensor
    Example: set_default_dtype(float32)
        tensor([1., 2.]).dtype
    """
    if d is None or d.kind != "f":
        raise TypeFailure("only floating-point types are supported as the default type")
    modes.default_dtype = d
