"""JSON lines: one object an event, in full precision, for programs. `docs/output.schema.json` describes a line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from math import isfinite
from typing import Any, TextIO

import numpy as np

from gradcli.engine import Tensor
from gradcli.engine.node import Node
from gradcli.errors import GradcliError, LimitFailure, Span
from gradcli.events import Event, Grad, Printed, Value, Warned
from gradcli.library.values import DType

Object = dict[str, Any]

# ASCII can be written to a stream of any encoding, and no reader of lines takes U+2028 for the end of one.
_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, check_circular=False, separators=(",", ":"))

# Python's own reader refuses whole numbers of more than 4300 digits.
_LARGEST_BITS = 14284

_MOST_DECIMALS = 12

# Elements that are written in one step, which nothing can interrupt.
_PART = 2**16


# ---- events


def event_object(event: Event) -> Object:
    """An event as the object that json writes, its keys in the order of the schema."""
    make = _OBJECTS.get(type(event))
    if make is None:
        from gradcli.render.seen import object_of

        return object_of(event)
    return make(event)


def failure_object(failure: GradcliError) -> Object:
    """A failure as the object that ends the stream; `calls` are those of the user's functions, outermost first."""
    # Its text first: that names what nobody has named yet of the places which the other texts speak of.
    message = str(failure)
    return {
        "type": "error",
        "kind": failure.kind,
        "message": message,
        "help": failure.help or None,
        "label": failure.label or None,
        **_place(failure.span),
        "calls": [{"function": _function_name(name), **_place(span)} for name, span in failure.calls],
    }


def _value(event: Value) -> Object:
    return {"type": "value", "name": event.name, "line": event.line, "value": value_json(event.value)}


def _grad(event: Grad) -> Object:
    value = value_json(event.value)
    return {"type": "grad", "of": event.of, "name": event.name, "line": event.line, "value": value}


def _print(event: Printed) -> Object:
    return {"type": "print", "text": event.text}


def _warning(event: Warned) -> Object:
    return {"type": "warning", "message": event.message, "help": event.help or None, **_place(event.span)}


_OBJECTS: dict[type, Callable[[Any], Object]] = {Value: _value, Grad: _grad, Printed: _print, Warned: _warning}


def _place(span: Span | None) -> Object:
    return {name: getattr(span, name, None) for name in ("file", "line", "column", "end_line", "end_column")}


# ---- values


def value_json(value: Any) -> Any:
    """A value of a script as json writes it: a tuple is an array, and what JSON has no words for is its text."""
    if isinstance(value, Tensor):
        return _tensor_object(value)
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and value.bit_length() < _LARGEST_BITS:
        return value
    if isinstance(value, float):
        return value if isfinite(value) else _NON_FINITE[str(float(value))]
    if isinstance(value, (list, tuple)):
        return [value_json(part) for part in value]
    if isinstance(value, DType):
        return {"dtype": value.name}
    if isinstance(value, Node):
        return {"grad_fn": value.name}
    if callable(value):
        return {"function": _function_name(getattr(value, "__name__", "<>"))}
    return {"repr": _text(value)}


_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _function_name(name: str) -> str | None:
    return None if name.startswith(("<", "@")) else name


def _text(value: Any) -> str:
    if isinstance(value, int):
        # Decimal has no limit of digits.
        from decimal import Decimal

        return str(Decimal(value))
    # An address in memory means nothing to a reader and differs from run to run.
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _tensor_object(tensor: Tensor) -> Object:
    node = tensor.grad_fn
    return {
        "shape": list(tensor.shape),
        "dtype": tensor.dtype.name,
        "data": _data(np.asarray(tensor.array)),
        "requires_grad": tensor.requires_grad,
        "grad_fn": node.name if node else None,
    }


def _data(array: np.ndarray) -> Any:
    """The elements as nested lists, as long as they are; a complex number is a list of its two parts."""
    if array.dtype.kind == "c":
        array = np.stack((array.real, array.imag), axis=-1)
    if array.dtype.kind != "f":
        return array.tolist()
    numbers = array if array.dtype == np.float64 else shortest(array)
    if np.isfinite(numbers).all():
        return numbers.tolist()
    cells = numbers.astype(object)
    cells[np.isnan(numbers)] = "NaN"
    cells[numbers == np.inf] = "Infinity"
    cells[numbers == -np.inf] = "-Infinity"
    return cells.tolist()


def shortest(array: np.ndarray) -> np.ndarray:
    """For an array of float32 or float16, the float64 whose digits are the fewest that give each element back.

    0.1 for float32's 0.1, which as a float64 is 0.10000000149011612. Both kinds of reader get the element: one that
    takes the digits for a number of the array's dtype, and one that takes them for a float64 and rounds that.
    """
    narrow = array.ravel()
    # NumPy warns of signalling NaNs, and of digits that round up beyond the dtype's range.
    with np.errstate(all="ignore"):
        found = narrow.astype(np.float64)
        slow = np.arange(narrow.size)
        if array.dtype == np.float32:
            # The fewest decimals are the fewest digits as long as the last digit isn't left of the point. From 1e-4
            # on 12 decimals always do, and none of them is nearer to the middle of two float32 than float64 can tell.
            size = np.abs(found)
            quick = ((size >= 1e-4) & (size < 2.0**24)) | (size == 0)
            slow, left = np.flatnonzero(~quick), np.flatnonzero(quick)
            for decimals in range(_MOST_DECIMALS + 1):
                rounded = np.rint(found[left] * 10.0**decimals) / 10.0**decimals
                fits = rounded.astype(np.float32) == narrow[left]
                found[left[fits]] = rounded[fits]
                left = left[~fits]
        if slow.size:
            digits = np.array([float(str(element)) for element in narrow[slow]])
            # Read as a float64, 7.038531e-26 lies in the very middle of two float32, and rounds to the other one.
            found[slow] = np.where(digits.astype(narrow.dtype) == narrow[slow], digits, found[slow])
    return found.reshape(array.shape)


def encoded(value: Any) -> str:
    """The text of an object or of its parts, made in steps of some ten thousand elements."""
    if type(value) is dict:
        return "{" + ",".join(f"{_ENCODER.encode(key)}:{encoded(part)}" for key, part in value.items()) + "}"
    if type(value) is not list or len(value) * (row := _length(value[0]) if value else 0) <= _PART:
        return _ENCODER.encode(value)
    rows = _PART // row
    steps = (_ENCODER.encode(value[i : i + rows])[1:-1] for i in range(0, len(value), rows)) if rows else None
    return "[" + ",".join(steps or map(encoded, value)) + "]"


def _length(value: Any) -> int:
    """The elements of a nested list that is as long everywhere as at its beginning."""
    length = 1
    while type(value) is list and value:
        length *= len(value)
        value = value[0]
    return length


# ---- the stream


class JsonRenderer:
    """Writes events as JSON lines to `out`, diagnostics among them; each line is flushed as it happens."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self.out = out
        self.err = err

    def event(self, event: Event) -> None:
        """Raises LimitFailure for a list that's nested too deep, or holds itself."""
        try:
            line = encoded(event_object(event))
        except RecursionError:
            raise LimitFailure(
                "this list is nested too deep to be written as JSON", help="does it hold itself? show its parts"
            ) from None
        self._write(line)

    def flush(self) -> None:
        self.out.flush()

    def failure(self, failure: GradcliError) -> None:
        """The last line of a stream that failed."""
        self._write(_ENCODER.encode(failure_object(failure)))

    def _write(self, line: str) -> None:
        # One write a line: whatever stops the program, no line is cut by it.
        self.out.write(line + "\n")
        self.out.flush()
