"""What an evaluation yields: a stream of events, rendered as they happen."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcli.errors import Span


class Value(NamedTuple):
    """An expression statement's value; `name` where the statement is a bare name."""

    value: Any
    name: str | None
    line: int


class Grad(NamedTuple):
    """A leaf's gradient, changed by a `backward` statement of the result called `of`.

    `leaf` is the leaf itself, `passes` how many passes have added to the gradient since it was none or zero.
    """

    of: str | None
    name: str
    value: Any
    line: int
    leaf: Any = None
    passes: int = 1
    last: bool = False
    """Whether it is the last that this backward changed."""

    def __repr__(self) -> str:
        return f"Grad(of={self.of!r}, name={self.name!r}, value={self.value!r}, line={self.line!r})"


class Printed(NamedTuple):
    """What `print` wrote, its line end included."""

    text: str


class Warned(NamedTuple):
    """A diagnostic that stops nothing."""

    message: str
    help: str = ""
    span: Span | None = None


class Graph(NamedTuple):
    """The graph that made the result called `name` (`analysis.graph.Graph`)."""

    graph: Any
    name: str | None
    line: int


class Explained(NamedTuple):
    """The derivation of the gradients of the result called `name` (`analysis.derivation.Derivation`)."""

    derivation: Any
    name: str | None
    line: int


class Checked(NamedTuple):
    """Gradients of the result called `name`, compared with differences or claims (`analysis.check.Report`)."""

    report: Any
    name: str | None
    line: int


Event = Value | Grad | Printed | Warned | Graph | Explained | Checked
