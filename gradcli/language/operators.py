"""Operators that mean more, or less, than Python's: powers, logic on tensors, `in`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gradcli.engine import Tensor
from gradcli.errors import LimitFailure, TypeFailure, ValueFailure, kind_of
from gradcli.language.runtime import runtime


@runtime
def power_(x: Any, y: Any) -> Any:
    """`x^y`, where the exponent isn't a small number written out."""
    if type(x) is int and type(y) is int and y > 0 and x.bit_length() * y > MOST_BITS:
        raise LimitFailure(
            f"this whole number would have some {int(x.bit_length() * y * 0.30103):,} digits",
            help="write the base with a point, and it's a float: `10.0^n`",
        )
    result = x**y
    if type(result) is complex:
        raise ValueFailure(
            "a negative number has no real power with a fraction as exponent",
            help="a tensor gives nan there: `tensor(x) ^ y`",
        )
    return result


@runtime
def invert(x: Any) -> Any:
    """`~x`."""
    if type(x) is bool:
        return not x
    if type(x) in (int, float):
        raise TypeFailure("`~` is for bool tensors, and this is a number", help="for a minus sign write `-x`")
    return _named("~", lambda: ~x)


@runtime
def either(x: Any, y: Any) -> Any:
    """`x | y`."""
    return _logical("|", x, y)


@runtime
def both(x: Any, y: Any) -> Any:
    """`x & y`."""
    return _logical("&", x, y)


def _logical(symbol: str, x: Any, y: Any) -> Any:
    if type(x) is not Tensor and type(y) is not Tensor:
        for value in (x, y):
            if type(value) in (int, float):
                raise TypeFailure(
                    f"`{symbol}` is for bool tensors, and this is a number",
                    help=f"of single truth values, write `{'or' if symbol == '|' else 'and'}`",
                )
    return _named(symbol, lambda: BY_SYMBOL[symbol](x, y))


def _named(symbol: str, operation: Callable[[], Any]) -> Any:
    """The result of an operator; a refusal speaks of the sign that stands in the script."""
    try:
        return operation()
    except TypeFailure as failure:
        failure.message = re.sub(r"^`bitwise_\w+`", f"`{symbol}`", failure.message)
        raise


@runtime
def contains(container: Any, value: Any) -> bool:
    """`value in container`."""
    if isinstance(container, str) and not isinstance(value, str):
        raise TypeFailure(f"`in` looks for a string in a string, and this is {kind_of(value)}")
    if type(container) is range:
        # Python would search a range for a float element by element.
        return (
            float(value).is_integer() and int(value) in container if isinstance(value, (int, float, Tensor)) else False
        )
    return value in container


MOST_BITS = 2**23
"""Bits of the largest whole number that a power may have: past that, arithmetic on it takes seconds."""


BY_SYMBOL: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y,
    "//": lambda x, y: x // y, "%": lambda x, y: x % y, "@": lambda x, y: x @ y, "^": lambda x, y: power_(x, y),
    "**": lambda x, y: power_(x, y), "|": lambda x, y: x | y, "&": lambda x, y: x & y,
}  # fmt: skip
