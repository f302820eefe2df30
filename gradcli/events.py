"""What an evaluation yields: a stream of events, rendered as they happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradcli.errors import Span


@dataclass(slots=True)
class Value:
    """An expression statement's value; `name` where the statement is a bare name."""

    value: Any
    name: str | None
    line: int


@dataclass(slots=True)
class Grad:
    """A leaf's gradient, changed by a `backward` statement of the result called `of`."""

    of: str | None
    name: str
    value: Any
    line: int


@dataclass(slots=True)
class Printed:
    """What `print` wrote, its line end included."""

    text: str


@dataclass(slots=True)
class Warned:
    """A diagnostic that stops nothing."""

    message: str
    help: str = ""
    span: Span | None = None


Event = Value | Grad | Printed | Warned
