"""From plain numbers, lists and arrays to tensors, and from two dtypes to one."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import modes
from gradcli.engine.allocation import MOST_DIMS, allocatable
from gradcli.engine.tensor import CUT, NUMBER, Tensor
from gradcli.errors import LimitFailure, ShapeFailure, TypeFailure, kind_of

NUMBERS = frozenset((float, int, bool))
"""The plain numbers of a script: their type never widens a tensor's."""

OPERATIONS: dict[str, Any] = {}
"""`stack` and `cast`, which are operations like others and enter themselves here: conversion comes before them."""


def as_tensor(value: Any, dtype: np.dtype | None = None) -> Tensor:
    """The tensor for a value: a tensor is itself, tensors in a list are stacked (recorded), numbers become floats.

    Whole numbers become floats of the default dtype too (tensors are real by default); an array keeps its dtype.
    Raises TypeFailure where there is no tensor in it.
    """
    kind = type(value)
    if kind is Tensor:
        if dtype is None or value.dtype == dtype:
            return value
        # Whole numbers and truth values vary in steps: nothing to differentiate.
        return (
            OPERATIONS["cast"](value, dtype, value.dtype)
            if dtype.kind in "fc"
            else Tensor(value.array.astype(dtype), CUT)
        )
    status = None if modes.recording else CUT
    if kind is bool:
        return Tensor(np.bool_(value) if dtype is None else dtype.type(value), status)
    if kind is float or kind is int:
        return Tensor((dtype or modes.default_dtype).type(value), NUMBER if modes.recording else CUT)
    if isinstance(value, (np.ndarray, np.generic)):
        return Tensor(value if dtype is None else value.astype(dtype), status)
    if kind is range:
        return Tensor(_row(value, dtype or modes.default_dtype), status)
    if isinstance(value, (list, tuple)):
        if _holds_tensor(value):
            parts = [as_tensor(item, dtype) for item in value]
            if any(part.shape != parts[0].shape for part in parts):
                shapes = ", ".join(str(part.shape) for part in parts[:4])
                raise ShapeFailure(
                    f"these don't stack to one tensor: their shapes are {shapes}", help="`cat` joins them"
                )
            return OPERATIONS["stack"](parts, 0)
        return Tensor(_literal(value, dtype), status)
    if kind is complex:
        raise TypeFailure("complex numbers aren't supported", help="compute with real and imaginary parts")
    raise TypeFailure(f"expected a tensor or numbers, and got {kind_of(value)}")


def _row(value: range, dtype: np.dtype) -> np.ndarray:
    """The array of a range, which may be longer than memory, and its numbers larger than a machine's."""
    allocatable((len(value),) if value.stop.bit_length() < 63 else (2**62,), np.dtype(np.float64))
    return np.arange(value.start, value.stop, value.step, dtype=np.float64).astype(dtype, copy=False)


def _holds_tensor(value: Any) -> bool:
    return any(type(item) is Tensor or (isinstance(item, (list, tuple)) and _holds_tensor(item)) for item in value)


def _literal(value: Any, dtype: np.dtype | None) -> np.ndarray:
    """The array of nested numbers: floats, unless every one is a bool (as torch has it) or a dtype is given."""
    try:
        array = np.array(value)
    except (ValueError, OverflowError):
        depth, inner = 0, value
        while isinstance(inner, (list, tuple)) and len(inner):
            depth, inner = depth + 1, inner[0]
        if depth > MOST_DIMS:
            raise LimitFailure(f"a tensor has at most {MOST_DIMS} dimensions, and this list is {depth} deep") from None
        raise ShapeFailure(
            "expected a rectangular list: its rows have different lengths",
            help="every row of a matrix needs the same number of entries",
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeFailure("expected numbers in this list")
    if dtype is not None:
        return array.astype(dtype)
    if array.dtype.kind == "b" and array.size:
        return array
    return array.astype(modes.default_dtype)


# ---- PyTorch's promotion: category first, and within a category dimensions before none

_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def result_dtype(*operands: Any) -> np.dtype:
    """The dtype of a computation on tensors and plain numbers.

    A number or a tensor without dimensions decides only where it is of a higher category (bool, whole, float) than
    every tensor with dimensions; a plain number never decides within its category.
    Source: PyTorch, "Tensor Attributes", type promotion.
    """
    chosen: list[np.dtype | None] = [None, None, None]
    for operand in operands:
        if type(operand) is Tensor:
            level, dtype = (0 if operand.array.ndim else 1), operand.array.dtype
        else:
            level = 2
            dtype = modes.default_dtype if type(operand) is float else np.dtype(type(operand))
        best = chosen[level]
        chosen[level] = dtype if best is None else _join(best, dtype)
    result: np.dtype | None = None
    for dtype in chosen:
        if dtype is not None and (result is None or _CATEGORY[dtype.kind] > _CATEGORY[result.kind]):
            result = dtype
    assert result is not None
    return result


def _join(one: np.dtype, other: np.dtype) -> np.dtype:
    rank, other_rank = _CATEGORY[one.kind], _CATEGORY[other.kind]
    if rank != other_rank:
        return one if rank > other_rank else other
    return np.promote_types(one, other)


def promoted(*tensors: Tensor) -> list[Tensor]:
    """The tensors in their common dtype; a change of a tracked one's dtype is recorded."""
    dtype = result_dtype(*tensors)
    return [as_tensor(tensor, dtype) for tensor in tensors]
