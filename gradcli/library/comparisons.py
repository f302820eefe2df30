"""Comparisons and predicates: bool tensors, without gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine.conversion import promoted
from gradcli.library.arguments import Flag, Number, Operand
from gradcli.library.vocabulary import alias, function

_PAIR = "any two that broadcast together, and the result is bool"


def _predicate(
    words: str, example: str, edge: str = "", shapes: str = "any, and the result's is the same, bool"
) -> str:
    """The documentation of a function that says true or false of each element."""
    return f"""{words}

    Shapes: {shapes}
    Derivative: none: true or false, a step
    {edge and f"Kink: {edge}"}
    Example: {example}
    """


def _compared(name: str, words: str, sign: str) -> None:
    compare = getattr(Tensor, f"__{name}__")

    def body(input: Operand, other: Operand):
        return compare(as_tensor(input), other)

    body.__name__ = name
    body.__doc__ = _predicate(
        f"Whether input {words} other, element by element: `input {sign} other`.",
        f"{name}([1., 2., 3.], 2.)",
        f"with a nan on a side it is {'true' if name == 'ne' else 'false'}, also of nan and nan.",
        f"{_PAIR}; either may be a number",
    )
    function(name)(body)


for _name, _words, _sign in (
    ("eq", "equals", "=="),
    ("ne", "differs from", "!="),
    ("lt", "is less than", "<"),
    ("le", "is at most", "<="),
    ("gt", "is greater than", ">"),
    ("ge", "is at least", ">="),
):
    _compared(_name, _words, _sign)
alias("greater", "gt")
alias("less", "lt")
alias("not_equal", "ne")
alias("greater_equal", "ge")
alias("less_equal", "le")


def _bools(name: str, test: Any, words: str, example: str, edge: str = "") -> None:
    def body(input: Tensor):
        return Tensor(test(input.array), CUT)

    body.__name__, body.__doc__ = name, _predicate(words, example, edge)
    function(name)(body)


_bools("isnan", np.isnan, "Which elements are nan: not a number.", "isnan([1., nan, inf])")
_bools("isinf", np.isinf, "Which elements are infinite, of either sign.", "isinf([1., nan, -inf])")
_bools("isfinite", np.isfinite, "Which elements are neither nan nor infinite.", "isfinite([1., nan, inf])")
_bools(
    "logical_not",
    np.logical_not,
    "Whether each element is zero: not true, where a nonzero number counts as true.",
    "logical_not([0., 0.5, nan])",
    "nan isn't zero, so it counts as true.",
)


@function()
def isclose(input: Tensor, other: Tensor, rtol: Number = 1e-05, atol: Number = 1e-08, equal_nan: Flag = False):
    """Which elements differ by at most atol + rtol * |other|.

    Shapes: any two that broadcast together, and the result is bool; rtol and atol: numbers from 0 on
    Derivative: none: true or false, a step
    Kink: equal infinities are close; nan is close to nothing, with equal_nan to nan.
    Example: isclose([1., 1000.], [1.00001, 1001.])
        isclose([1., 1000.], [1.00001, 1001.], rtol=0.01)
    """
    a, b = promoted(input, other)
    return Tensor(np.isclose(a.array, b.array, rtol=float(rtol), atol=float(atol), equal_nan=equal_nan), CUT)


@function()
def allclose(input: Tensor, other: Tensor, rtol: Number = 1e-05, atol: Number = 1e-08, equal_nan: Flag = False):
    """Whether all elements are close, as `isclose` has it: true or false.

    Shapes: any two that broadcast together -> one truth value, no tensor
    Derivative: none: true or false, a step
    Kink: equal infinities are close; nan is close to nothing, with equal_nan to nan; of no elements it's true.
    Example: allclose([1., 2.], [1., 2.00001])
        allclose([1., 2.], [1., 2.1])
    """
    return bool(np.all(isclose(input, other, rtol, atol, equal_nan).array))


@function()
def equal(input: Tensor, other: Tensor):
    """Whether shape and all elements are the same: true or false.

    Shapes: any two -> one truth value, no tensor
    Derivative: none: true or false, a step
    Kink: nan equals nothing, not even nan; of different shapes it's false, also where they broadcast.
    Example: equal([1., 2.], [1., 2.])
        equal([1., 1.], [1.])
    """
    return bool(input.shape == other.shape and np.array_equal(input.array, other.array))


def _logical(name: str, combine: Any, words: str) -> None:
    """Enters a function of two truth values; the example has all four pairs."""

    def body(input: Tensor, other: Tensor):
        return Tensor(combine(input.array, other.array), CUT)

    example, edge = f"{name}([0., 0., 1., 1.], [0., 2., 0., 2.])", "nan isn't zero, so it counts as true."
    body.__name__, body.__doc__ = name, _predicate(words, example, edge, _PAIR)
    function(name)(body)


_logical("logical_and", np.logical_and, "Whether both elements are nonzero, which counts as true.")
_logical("logical_or", np.logical_or, "Whether one of two elements, or both, is nonzero, which counts as true.")
_logical("logical_xor", np.logical_xor, "Whether exactly one of two elements is nonzero, which counts as true.")
