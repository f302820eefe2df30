"""The commands that look at a script: its graph, the derivation of its gradients, and whether they're right.

The script runs, and what it shows itself is left out; then its graph is drawn, explained or checked.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradcli.engine import Tensor, as_tensor, modes
from gradcli.errors import AutogradFailure, GradcliError, NameFailure, Span, TypeFailure, ValueFailure
from gradcli.events import Checked, Event, Explained, Graph, Printed, Value, Warned
from gradcli.filesystem import write_text
from gradcli.language.nearest import nearest
from gradcli.library import context
from gradcli.library.arguments import described
from gradcli.session import Session

if TYPE_CHECKING:
    from gradcli.analysis.history import History

Show = Callable[[Event], None]


class Latest:
    """The last differentiable value of a script: shown, given a name, or the start of a backward."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.tensor: Tensor | None = None
        session.before_backward = self._backward

    def event(self, event: Event) -> None:
        if isinstance(event, Value):
            self._take(event.value)

    def _backward(self, outputs: Any, gradients: Any, inputs: Any) -> None:
        for output in outputs:
            self._take(output)

    def _take(self, value: Any) -> None:
        if type(value) is Tensor and value.node and not value.is_leaf and self._is_newest(value):
            self.tensor = value

    def _is_newest(self, value: Tensor) -> bool:
        return self.tensor is None or value.node.order > self.tensor.node.order

    def found(self) -> Tensor:
        """Raises AutogradFailure where the script computed nothing that can be differentiated."""
        for tensor in self.session.named_tensors().values():
            self._take(tensor)
        if self.tensor is None:
            raise AutogradFailure(
                "nothing in this script can be differentiated",
                help="compute something from a tracked name: `x = 3; y = x^2`",
            )
        return self.tensor


def graph_event(session: Session, name: str | None, latest: Latest) -> Graph:
    """The graph of a name's value, or of the last differentiable one."""
    from gradcli.analysis.graph import graph_of

    history, name, line = _history(session, name, latest)
    return Graph(graph_of(history, names=session.named_tensors()), name, line)


def explained_event(session: Session, name: str | None, latest: Latest) -> Explained:
    """The derivation of the gradients of a name's value, or of the last differentiable one."""
    from gradcli.analysis.derivation import derive

    history, name, line = _history(session, name, latest)
    with _within(session):
        return Explained(derive(history, names=session.named_tensors()), name, line)


@contextmanager
def _within(session: Session) -> Iterator[None]:
    """A stretch after the script's end in which the derivatives that it wrote itself run as they did in it."""
    outer = context.enter(session)
    dtype, modes.default_dtype = modes.default_dtype, session.snapshot().dtype
    try:
        with session.aside():
            yield
    finally:
        modes.default_dtype = dtype
        context.enter(outer)


def _history(session: Session, name: str | None, latest: Latest) -> tuple[History, str | None, int]:
    if name is None:
        tensor = latest.found()
    elif name in session:
        tensor = session[name]
    else:
        near = nearest(name, session.named_tensors())
        raise NameFailure(f"`{name}` isn't defined in this script", help=f"did you mean `{near}`?" if near else "")
    if type(tensor) is not Tensor:
        raise TypeFailure(f"`{name}` is no tensor, and has no graph")
    history = session.history_of(tensor)
    place = history.result.place
    return history, name or history.result.name, place.span.line if place is not None else 0


def _speak_of_places(failure: GradcliError, session: Session) -> None:
    """Puts names and lines where a failure speaks of places, as a session does for what fails while it runs."""
    for key, (code, instruction) in failure.places.items():
        place = None if code is None else session.place_of(code, instruction)
        if place is not None:
            line = f"line {place.span.line}"
            failure.resolve(key, f"`{place.name}` ({line})" if place.name else line)
            failure.span = failure.span or place.span
    str(failure)  # what isn't known is worded in general terms


class Looking(Latest):
    """Shows one event about a script when it has run: what `make` makes of a name, or of the last value."""

    def __init__(
        self,
        session: Session,
        show: Show,
        make: Callable[[Session, str | None, Latest], Event],
        name: str | None,
        write: Callable[[Any], None] | None = None,
    ) -> None:
        super().__init__(session)
        self.write = write
        self.show = show
        self.make = make
        self.name = name

    def event(self, event: Event) -> None:
        super().event(event)
        if isinstance(event, Warned):
            self.show(event)

    def finish(self) -> None:
        try:
            event = self.make(self.session, self.name, self)
        except GradcliError as failure:
            _speak_of_places(failure, self.session)
            raise
        if self.write is None:
            self.show(event)
        else:
            self.write(event)


class Checks:
    """Checks every backward of a script as it comes; `claims` are texts by the names that they are about."""

    def __init__(self, session: Session, claims: dict[str, str], show: Show) -> None:
        self.session = session
        self.claims = claims
        self.show = show
        self.count = 0
        self.claimed: set[str] = set()
        self.leaves: dict[str, None] = {}
        self.passes: dict[Span | None, list[Checked]] = {}
        """What came of each place's backward: a loop's passes are told at the end, in one."""
        session.before_backward = self.backward

    def event(self, event: Event) -> None:
        # A script may check by itself, too.
        self.count += isinstance(event, Checked)
        if isinstance(event, (Warned, Checked)):
            self.show(event)

    def backward(self, outputs: Any, gradients: Any, inputs: Any) -> None:
        from gradcli.analysis.check import check

        # Where all that is wanted are results, the leaves behind them are what can be compared.
        wanted = [tensor.node for tensor in inputs or () if type(tensor) is Tensor and tensor.node and tensor.is_leaf]
        for output, vector in zip(outputs, gradients or [None] * len(outputs), strict=True):
            if type(output) is not Tensor or not output.node:
                return
            history = self.session.history_of(output)
            history.only = frozenset(wanted) if wanted else None
            leaves = [leaf.name for leaf in history.leaves if leaf.name is not None]
            self.leaves |= dict.fromkeys(leaves)
            here = {name: self._value(text) for name, text in self.claims.items() if name in leaves}
            self.claimed |= set(here)
            start = None if vector is None else vector.array if type(vector) is Tensor else vector
            with self.session.aside():
                report = check(history, here or None, start)
            span = self.session.here()
            event = Checked(report, history.result.name, span.line if span is not None else 0)
            self.count += 1
            earlier = self.passes.setdefault(span, [])
            # The first pass, and the first that fails, are shown as they come; of the others only how many there were.
            if not earlier or (not report.passed and all(one.report.passed for one in earlier)):
                self.show(event)
            earlier.append(event)

    def _value(self, text: str) -> Any:
        found: list[Any] = []
        take = lambda event: found.append(event.value) if isinstance(event, Value) else None  # noqa: E731
        # Aside, for a claim is no step of the script.
        asked, self.session.before_backward = self.session.before_backward, None
        try:
            with self.session.aside():
                self.session.execute(text, "--claim", take)
        finally:
            self.session.before_backward = asked
        if not found or not isinstance(found[0], (Tensor, float, int, list, tuple)):
            kind = described(found[0]) if found else "nothing"
            raise TypeFailure(
                f"a claim is a tensor or a number, and `{text}` is {kind}",
                span=Span("--claim", 1, 1, 1, len(text) + 1),
            )
        return as_tensor(found[0]).array

    def finish(self) -> None:
        """Says what loops came to. Raises where there was nothing to check, or a claim is about no leaf of it."""
        for events in self.passes.values():
            failed = sum(not event.report.passed for event in events)
            if len(events) > 1:
                came_to = f"{failed} of them failed" if failed else "all passed"
                self.show(Printed(f"line {events[0].line}: {len(events)} backward passes, {came_to}\n"))
        if not self.count:
            raise AutogradFailure(
                "there is no backward in this script to check", help="end it with `backward y`, or use `check y` in it"
            )
        for name in self.claims:
            if name not in self.claimed:
                reached = ", ".join(f"`{leaf}`" for leaf in self.leaves)
                raise NameFailure(
                    f"no backward of this script reaches a leaf `{name}`, which a claim is about",
                    help=f"there are gradients in {reached}" if reached else "",
                )


def claims_of(given: list[str]) -> dict[str, str]:
    """`x: 4*x` as a name and the text of a value; several stand in one text behind commas as in the language."""
    from gradcli.grammar import parse

    claims: dict[str, str] = {}
    for text in given:
        # The language's own reading of it: a claim of a `check`.
        tree = parse(f"check y claim {text}", "--claim")
        statement = tree[1][0]
        if len(tree[1]) != 1 or statement[0] != "check" or statement[1][1] is None:
            raise ValueFailure(f"a claim is a name and what its gradient is, `x: 4*x`, and this is `{text}`")
        for claim in statement[1][1][1]:
            name, value = claim[1]
            if name[1] in claims:
                raise ValueFailure(f"there are two claims about `{name[1]}`")
            _, _, line, column, end_line, end_column = value
            lines = f"check y claim {text}".split("\n")[line - 1 : end_line]
            lines[-1] = lines[-1][:end_column]
            claims[name[1]] = "\n".join([lines[0][column:], *lines[1:]])
    return claims


def picture_writer(to: str, output: str | None) -> Callable[[Graph], None]:
    """Writes a graph for another program, to a file (by whose name the kind goes, where none is given) or to stdout."""
    if to in ("auto", "rich", "plain"):
        kinds = {".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid", ".svg": "svg", ".json": "json"}
        to = kinds.get(Path(output or "").suffix.lower(), "plain")

    def write(event: Graph) -> None:
        from gradcli.render.seen import picture_of

        text = picture_of(event, to)
        if output in (None, "-"):
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            write_text(output, text)

    return write
