"""What an evaluation yields: a stream of events, rendered as they happen."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    """A leaf's gradient, changed by a `backward` statement of the result called `of`.

    `leaf` is the leaf itself, `passes` how many passes have added to the gradient since it was none or zero.
    """

    of: str | None
    name: str
    value: Any
    line: int
    leaf: Any = field(default=None, repr=False)
    passes: int = field(default=1, repr=False)
    last: bool = field(default=False, repr=False)
    """Whether it is the last that this backward changed."""


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


@dataclass(slots=True)
class Graph:
    """The graph that made the result called `name` (`analysis.graph.Graph`)."""

    graph: Any
    name: str | None
    line: int


@dataclass(slots=True)
class Explained:
    """The derivation of the gradients of the result called `name` (`analysis.derivation.Derivation`)."""

    derivation: Any
    name: str | None
    line: int


@dataclass(slots=True)
class Checked:
    """Gradients of the result called `name`, compared with differences or claims (`analysis.check.Report`)."""

    report: Any
    name: str | None
    line: int


Event = Value | Grad | Printed | Warned | Graph | Explained | Checked
