"""Which expressions of a script may become one node: operations of the table, on names and numbers.

Only where code runs again and again, in loops and functions, is it worth the while (see engine/fusion.py).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from gradcli.engine.fusion import MOST_OPERATIONS, Expression, Step
from gradcli.language.operators import power_
from gradcli.language.scope import Numbers, ungrouped
from gradcli.library.vocabulary import is_steady, method_of

_OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "@": operator.matmul,
    "^": power_, "**": power_,
}  # fmt: skip

MOST_ARGUMENTS = 16


class _Unfit(Exception):
    """Something else than an operation on names and numbers."""


def fused(
    node: Any, least: int, numbers: Numbers, resolve: Callable[[Any], str | None]
) -> tuple[Expression, dict[str, Any]] | None:
    """The expression, and its arguments: names and attributes, each with a place where it stands; none where it can't
    be one node.

    One of fewer than `least` operations isn't worth it. `resolve` gives the name that a steady function has in the
    code, for the part that a call begins with; an empty one for another function, and none for a method.
    """
    reading = _Reading(resolve)
    try:
        reading.value(node)
    except _Unfit:
        return None
    arity, literals = len(reading.arguments), len(reading.literals)
    if len(reading.steps) < least or arity > MOST_ARGUMENTS or all(name in numbers for name in reading.operands):
        return None
    first = {"argument": 0, "literal": arity, "step": arity + literals}
    steps = (
        Step(
            function,
            tuple(first[kind] + number for kind, number in operands),
            tuple((name, first[kind] + number) for name, (kind, number) in named.items()),
            place,
        )
        for function, operands, named, place in reading.steps
    )
    return Expression(arity, tuple(reading.literals), tuple(steps)), reading.arguments


_Operand = tuple[str, int]

_READ = frozenset(("grad", "data", "T", "mT"))
"""Attributes of a name that are arguments like the name itself: they may be read twice."""

_LITERALS = {"TRUE": True, "FALSE": False, "NONE": None}


class _Reading:
    """Goes through an expression in the order of its evaluation."""

    def __init__(self, resolve: Callable[[Any], str | None]) -> None:
        self.resolve = resolve
        self.arguments: dict[str, Any] = {}
        self.operands: set[str] = set()
        """Those of the arguments that aren't functions."""
        self.literals: list[Any] = []
        self.steps: list[tuple[Callable[..., Any] | None, list[_Operand], dict[str, _Operand], Any]] = []

    def value(self, node: Any) -> _Operand:
        """What an operand is, once the steps that it takes are noted: an argument, a literal or a step, by number."""
        node = ungrouped(node)
        kind, children = node[0], node[1]
        if kind == "NAME":
            self.operands.add(children)
            return self.argument(children, node)
        if kind in _LITERALS or kind == "STRING" or (kind == "NUMBER" and type(children) in (int, float)):
            self.literals.append(_LITERALS.get(kind, children))
            return "literal", len(self.literals) - 1
        if kind == "chain":
            value = self.value(children[0])
            for operator_token, operand in zip(children[1::2], children[2::2], strict=True):
                value = self.step(operator_token[1], [value, self.value(operand)], node, operand)
            return value
        if kind == "power":
            return self.step("^", [self.value(children[0]), self.value(children[1])], node, node)
        if kind == "unary" and children[0][1] == "-":
            return self.noted(operator.neg, [self.value(children[1])], node, node)
        if kind == "call":
            return self.call(node)
        if kind == "attribute" and children[0][0] == "NAME" and children[1][1] in _READ and self.resolve(node) is None:
            key = f"{children[0][1]}.{children[1][1]}"
            self.operands.add(key)
            return self.argument(key, node)
        raise _Unfit

    def argument(self, name: str, node: Any) -> _Operand:
        self.arguments.setdefault(name, node)
        return "argument", list(self.arguments).index(name)

    def call(self, node: Any) -> _Operand:
        callee, arguments = node[1]
        name = self.resolve(callee)
        if name:
            function = None
            operands = [self.argument(name, callee)]
        elif name is None and callee[0] == "attribute":
            function = method_of(callee[1][1][1])
            if not is_steady(function):
                raise _Unfit
            operands = [self.value(callee[1][0])]
        else:
            raise _Unfit
        named = {}
        for argument in arguments[1]:
            if argument[0] == "keyword":
                word, value = argument[1]
                named[word[1]] = self.value(value)
            elif argument[0] == "starred" or named:
                raise _Unfit
            else:
                operands.append(self.value(argument))
        return self.noted(function, operands, node, node, named)

    def step(self, symbol: str, operands: list[_Operand], node: Any, end: Any) -> _Operand:
        if symbol not in _OPERATORS:
            raise _Unfit
        return self.noted(_OPERATORS[symbol], operands, node, end)

    def noted(
        self,
        function: Callable[..., Any] | None,
        operands: list[_Operand],
        node: Any,
        end: Any,
        named: dict[str, _Operand] | None = None,
    ) -> _Operand:
        if len(self.steps) == MOST_OPERATIONS:
            raise _Unfit
        self.steps.append((function, operands, named or {}, (node[2], end[4], node[3], end[5])))
        return "step", len(self.steps) - 1
