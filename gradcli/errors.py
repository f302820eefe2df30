"""Failures, as data: what went wrong, where, and what to do about it.

    GradcliError
     ├── SyntaxFailure      the text is no script
     ├── NameFailure        an unknown name, function, method or attribute
     ├── TypeFailure        a wrong kind of value, a wrong argument, a bad truth value, a failed unpacking
     ├── ShapeFailure       shapes that don't go together
     ├── IndexFailure       an index or a dimension out of range
     ├── ValueFailure       a value outside its domain, a singular matrix
     ├── AutogradFailure    a derivative that can't be had
     ├── FileFailure        a file that can't be read or written
     ├── LimitFailure       too deep, too large, too long
     └── AssertFailure      an `assert` of the script

Every layer raises these, and none of them prints: `render` has one renderer for people and one for machines.
This module imports nothing of gradcli, so that the engine can stand alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

_WORDS = {
    "NoneType": "none", "bool": "a truth value", "int": "a number", "float": "a number", "complex": "a complex number",
    "str": "a string", "list": "a list", "List": "a list", "tuple": "a tuple", "Parts": "a tuple", "Size": "a shape",
    "range": "a range", "Pairs": "an iterator", "slice": "a slice", "ellipsis": "`...`",
    "function": "a function", "builtin_function_or_method": "a function", "method": "a function",
    "Tensor": "a tensor", "Node": "a grad_fn", "DType": "a dtype", "TruthWord": "a dtype", "Handle": "a handle",
    "GradMode": "a grad mode",
}  # fmt: skip
"""What values are in a person's words, by the names of their classes: of those, Python's own failures speak."""


def kind_named(name: str) -> str:
    """What a value of the class of that name is, for a failure that refuses it."""
    return _WORDS.get(name, f"a {name}")


def kind_of(value: object) -> str:
    """What a value is, for a failure that refuses it."""
    for kind in type(value).__mro__:
        if kind.__name__ in _WORDS:
            return _WORDS[kind.__name__]
    return "a function" if callable(value) else kind_named(type(value).__name__)


class Span(NamedTuple):
    """A stretch of a script: lines and columns count from 1, the end column is the one after the last character.

    `unit` tells texts of the same name apart, such as the lines of a REPL; empty where the latest is meant.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    unit: str = ""


class GradcliError(Exception):
    """Base of every failure that a script, its data or its limits can cause.

    `message` says what was wrong, `label` stands under the caret, `help` is the remedy, `span` the place (none where
    there is no text to point at), `calls` the spans of the calls of user functions that led there, outermost first.
    Other places of a script that the texts speak of stand in them as `{key}`, and in `places` as (code, instruction)
    under that key (`{key.name}` is the name alone, `{key.value}` the name or the expression, `{key.sum}` its sum,
    `{key.instead}` what to write for a change in place); whoever knows the script replaces them by `resolve`. `cause`
    names what only the text can explain further ("untracked"). `argument` is the function and the argument (its
    position, or the name it was given by) that is at fault, where it is one.
    """

    def __init__(
        self,
        message: str,
        *,
        label: str = "",
        help: str = "",
        span: Span | None = None,
        places: dict[str, tuple[Any, int]] | None = None,
        cause: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.label = label
        self.help = help
        self.span = span
        self.places = places or {}
        self.cause = cause
        self.calls: list[tuple[str, Span]] = []
        self.argument: tuple[str, int | str] | None = None

    def resolve(self, key: str, words: str) -> None:
        """Puts the user's words for a place into the texts that speak of it."""
        self.message, self.label, self.help = (
            text.replace(f"{{{key}}}", words) for text in (self.message, self.label, self.help)
        )

    def __str__(self) -> str:
        for key in self.places:
            self.resolve(key, "an earlier step")
            self.resolve(f"{key}.name", "y")
            self.resolve(f"{key}.sum", "y.sum()")
            self.resolve(f"{key}.value", "an earlier step")
            self.resolve(f"{key}.instead", "`y = y + 1` for `y += 1`")
        return self.message

    @property
    def kind(self) -> str:
        """The failure's class by name, as JSON output shows it."""
        return type(self).__name__


class SyntaxFailure(GradcliError):
    """The text is no script."""


class NameFailure(GradcliError):
    """A name, function, method or attribute that doesn't exist."""


class TypeFailure(GradcliError):
    """A value of the wrong kind, a wrong argument, a bad truth value, a failed unpacking."""


class ShapeFailure(GradcliError):
    """Shapes that don't go together."""


class IndexFailure(GradcliError):
    """An index or a dimension out of range."""


class ValueFailure(GradcliError):
    """A value outside its domain."""


class AutogradFailure(GradcliError):
    """A derivative that can't be had."""


class FileFailure(GradcliError):
    """A file that can't be read or written."""


class LimitFailure(GradcliError):
    """Too deep, too large or too long to evaluate."""


def unless_time_is_over(problem: Exception) -> None:
    """Raises the failure of a time limit again, for whoever means to go on after a problem: it strikes anywhere."""
    if isinstance(problem, LimitFailure) and problem.cause == "time":
        raise problem


class AssertFailure(GradcliError):
    """An `assert` of the script that doesn't hold."""
