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


@function(also=("asarray", "as_tensor"))
def tensor(data, *, dtype: Dtype = None, requires_grad: Flag = None):
    """A tensor of numbers in nested lists or tuples; tensors among them are stacked, recorded."""
    if type(data) is Tensor:
        # torch copies the values and leaves the history behind.
        data = np.array(data.array)
    result = as_tensor(data, dtype)
    if result.node:
        return result
    return made(np.array(result.array), None if requires_grad is None else requires_grad)


def _filled(name: str, fill: float, words: str) -> None:
    def body(*size: Wholes, dtype: Dtype = None, requires_grad: Flag = None):
        dtype = _real(dtype)
        return made(np.full(allocatable(size, dtype), fill, dtype), requires_grad)

    def like(input: Tensor, *, dtype: Dtype = None, requires_grad: Flag = None):
        return made(np.full(input.shape, fill, dtype or input.dtype), requires_grad)

    body.__name__, body.__doc__ = name, f"A tensor of a shape, {words}."
    like.__name__, like.__doc__ = f"{name}_like", f"A tensor of another's shape and dtype, {words}."
    function(name)(body)
    function(f"{name}_like")(like)


_filled("zeros", 0, "filled with 0")
_filled("ones", 1, "filled with 1")
_filled("empty", 0, "whose values are of no account (here: 0)")


@function()
def full(size: Wholes, fill_value, *, dtype: Dtype = None, requires_grad: Flag = None):
    """A tensor of a shape, filled with one number."""
    if dtype is None:
        dtype = np.dtype(bool) if isinstance(fill_value, bool) else modes.default_dtype
    return made(np.full(allocatable(size, dtype), Number(fill_value), dtype), requires_grad)


@function()
def full_like(input: Tensor, fill_value: Number, *, dtype: Dtype = None, requires_grad: Flag = None):
    """A tensor of another's shape and dtype, filled with one number."""
    return made(np.full(input.shape, fill_value, dtype or input.dtype), requires_grad)


@function()
def eye(n: Whole, m: OptionalWhole = None, *, dtype: Dtype = None, requires_grad: Flag = None):
    """The identity matrix of n rows (and m columns)."""
    dtype = _real(dtype)
    columns = n if m is None else m
    allocatable((n, columns), dtype)
    return made(np.eye(n, columns, dtype=dtype), requires_grad)


@function()
def arange(
    start: Number, end: OptionalNumber = None, step: Number = 1, *, dtype: Dtype = None, requires_grad: Flag = None
):
    """The numbers from start (0 where only an end is given) up to end, without it, by step."""
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
    """`steps` numbers from start to end, both included, evenly spaced."""
    dtype = _real(dtype)
    return made(np.linspace(start, end, _spaced(steps, dtype)).astype(dtype), requires_grad)


@function()
def logspace(
    start: Number, end: Number, steps: Whole, base: Number = 10.0, *, dtype: Dtype = None, requires_grad: Flag = None
):
    """`steps` powers of base, with evenly spaced exponents from start to end."""
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

    body.__name__, body.__doc__ = name, f"A tensor of a shape, {words}."
    like.__name__, like.__doc__ = f"{name}_like", f"A tensor of another's shape and dtype, {words}."
    function(name)(body)
    function(f"{name}_like")(like)


_random("rand", lambda generator, shape: generator.random(shape), "uniform between 0 and 1")
_random(
    "randn", lambda generator, shape: generator.standard_normal(shape), "normally distributed, mean 0 and deviation 1"
)


@function()
def randint(low: Whole, high=None, size=None, *, dtype: Dtype = None, requires_grad: Flag = None):
    """Whole numbers from low (0 where left out) up to high, without it."""
    if size is None:
        low, high, size = 0, low, high
    if size is None:
        raise TypeFailure("randint() needs an argument `size`", help="such as `randint(10, (3,))`")
    low, high, shape = Whole(low), Whole(high), Wholes(size)
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
    """The whole numbers below n in random order."""
    dtype = dtype or np.dtype(np.int64)
    allocatable((n,), dtype)
    return made(context.current().generator.permutation(n).astype(dtype))


@function(also=("seed", "random.manual_seed"))
def manual_seed(seed: Whole):
    """Starts the session's random generator anew from a seed."""
    context.current().seed(seed)


@function()
def set_default_dtype(d: Dtype):
    """The dtype of tensors made from plain numbers from now on."""
    if d is None or d.kind != "f":
        raise TypeFailure("only floating-point types are supported as the default type")
    modes.default_dtype = d
