"""Values as a script writes them: arrays, lists, texts, and functions with defaults."""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor, modes
from gradcli.language.runtime import runtime
from gradcli.library.values import List, text_of


@runtime
def array(data: bytes, shape: tuple[int, ...]) -> Tensor:
    values = np.frombuffer(data, np.float64).reshape(shape).astype(modes.default_dtype)
    return Tensor(values, None if modes.recording else CUT)


@runtime
def list_(values: list[Any]) -> Any:
    """A list of numbers only is a tensor; any other stays a list, its inner lists the same way."""
    if values and _PLAIN.issuperset(map(type, values)):
        return as_tensor(values)
    result, numeric = _nested(values)
    return as_tensor(result) if numeric else result


_PLAIN = frozenset((int, float, bool))


def _nested(values: list[Any]) -> tuple[List, bool]:
    """A list with its inner lists made the language's, and whether it holds numbers alone."""
    result, inner, numeric = List(values), [], bool(values)
    for place, value in enumerate(values):
        if type(value) is list:
            made, of_numbers = _nested(value)
            list.__setitem__(result, place, made)
            if of_numbers:
                inner.append(place)
            numeric = numeric and of_numbers
        else:
            numeric = numeric and type(value) in _PLAIN
    if not numeric:
        for place in inner:
            list.__setitem__(result, place, as_tensor(result[place]))
    return result, numeric


@runtime
def text(value: Any, quoted: bool, ascii_only: bool = False) -> str:
    """A value in an f-string without a format."""
    if ascii_only:
        return text_of(value, True).encode("ascii", "backslashreplace").decode()
    return format(value, "") if type(value) is Tensor and not quoted else text_of(value, quoted)


@runtime
def with_defaults(function: FunctionType, *defaults: Any) -> FunctionType:
    """A function with a block, where it stands: its defaults are evaluated there."""
    made = FunctionType(function.__code__, function.__globals__, function.__name__, defaults, function.__closure__)
    made.__qualname__ = function.__qualname__
    return made


@runtime
def append(values: list[Any], value: Any) -> None:
    values.append(value)


@runtime
def slice_(start: Any, stop: Any, step: Any) -> slice:
    return slice(start, stop, step)
