"""Rich output, for a terminal: the same text highlighted, gradients in a table beside their leaves.

Tensors stand in PyTorch's notation to the letter, diagnostics in the words of plain text. A terminal of less than 80
columns gets the same notation filled into fewer columns; a table that doesn't fit is folded into lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TextIO

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from gradcli.engine import Tensor, modes
from gradcli.engine.notation import tensor_text
from gradcli.errors import GradcliError, Span
from gradcli.events import Checked, Event, Explained, Grad, Graph, Printed, Value, Warned
from gradcli.library.values import Parts, Size
from gradcli.render.color import has_color, is_rich, terminal_width
from gradcli.render.plain import WIDTH, event_text, failure_text, value_text, warning_text
from gradcli.render.rich_errors import diagnostic, source_excerpt
from gradcli.render.theme import MOST_HIGHLIGHTED, THEME

Line = str | Text

_NOTATION = re.compile(
    r"(?P<string>(?<!\w)(?:'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"))"
    r"|(?P<grad_fn>grad_fn=<\w+>|<\w+Backward\d*>)"
    r"|(?P<flag>requires_grad=True)"
    r"|(?P<dtype>(?:dtype=)?torch\.(?:float|complex|u?int)\d+\b|(?:dtype=)?torch\.bool\b)"
    r"|(?P<size>size=\([\d, ]*\))"
    r"|(?P<tensor>\btensor(?=\()|\btorch\.[\w.]+)"
    r"|(?P<truth>\b(?:True|False|None)\b)"
    r"|(?P<nonfinite>(?<![\w.])-?(?:nan|inf)\b)"
    r"|(?P<number>(?<![\w.])-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?j?)"
    r"|(?P<field>^\w+(?==))"
    r"|(?P<cut>\.\.\.)",
    re.MULTILINE,
)
_TRIES = 9
"""Widths to try, one column less each time: more than a cell of a summary and its `...` take."""

_TENSORS = re.compile(r"\btensor\(")
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")

_RULED = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
"""No lines but one under the header."""


# ---- values


def highlighted(text: str) -> Text:
    """A text in PyTorch's notation, its parts in the styles of the theme that have their names."""
    shown = Text(text)
    if len(text) <= MOST_HIGHLIGHTED:
        for part in _NOTATION.finditer(text):
            shown.stylize(part.lastgroup or "", *part.span())
    return shown


def value_within(value: Any, columns: int, outer: tuple[int, ...] = ()) -> str:
    """A value as plain text shows it where that fits, else laid out in so many columns."""
    if type(value) is Tensor:
        return tensor_within(value, columns)
    text = value_text(value, outer)
    if _widest(text) <= columns or id(value) in outer or type(value) is Size:
        return text
    if isinstance(value, Parts):
        fields = zip(value.fields, value, strict=True)
        inner = ",\n".join(f"{name}={tensor_within(part, columns - len(name) - 1)}" for name, part in fields)
        return f"torch.return_types.{value.kind}(\n{inner})"
    if isinstance(value, (list, tuple)):
        opening, closing = ("(", ")") if isinstance(value, tuple) else ("[", "]")
        parts = [value_within(part, columns - 2, (*outer, id(value))) for part in value]
        comma = "," if isinstance(value, tuple) and len(parts) == 1 else ""
        return opening + ",\n ".join(part.replace("\n", "\n ") for part in parts) + comma + closing
    return text


def tensor_within(tensor: Tensor, columns: int) -> str:
    """PyTorch's text where that fits, else its notation filled into so many columns."""
    best = repr(tensor)
    width = min(columns, WIDTH)
    # PyTorch's count of columns leaves out what closes the text, so that a line may reach past the width it's given.
    for _ in range(_TRIES):
        if _widest(best) <= columns:
            break
        text = _notation(tensor, width)
        if _widest(text) < _widest(best):
            best = text
        width -= max(_widest(text) - columns, 1)
    return best


def _narrow(tensor: Tensor) -> str:
    """The tensor in as few columns as its rows leave whole: `requires_grad=True` and its like stand below them."""
    rows = tensor_text(tensor.array, default_dtype=tensor.dtype, precision=modes.precision)
    return _notation(tensor, _widest(rows))


def _notation(tensor: Tensor, width: int) -> str:
    node = tensor.grad_fn
    return tensor_text(
        tensor.array,
        requires_grad=tensor.requires_grad,
        grad_fn=node.name if node else None,
        default_dtype=modes.default_dtype,
        precision=modes.precision,
        width=width,
    )


def _widest(text: str) -> int:
    return max(map(cell_len, text.split("\n")))


# ---- gradients


class Row(NamedTuple):
    """What a table says of a leaf; texts, for by the time it's shown the next pass may have changed the tensors."""

    name: str
    value: str
    narrow_value: str
    gradient: str
    narrow_gradient: str
    note: str
    lines: Text


def row_of(event: Grad, columns: int) -> Row:
    """The row of a changed leaf, in each of the forms that a table of so many columns may want."""
    has_value = type(event.leaf) is Tensor
    # All of them require grad: it's said only of a result, which has a gradient because it retains it.
    leaf = Tensor(event.leaf.array) if has_value and event.leaf.is_leaf else event.leaf
    note = f"{_ordinal(event.passes)} pass since zero_" if event.passes > 1 else ""
    lines = Text()
    if has_value:
        lines.append_text(_assignment(event.name, leaf, columns, "name")).append("\n")
    lines.append_text(_assignment(f"{event.name}.grad", event.value, columns, "gradient"))
    if note:
        lines.append(f"\n  {note}", "caption")
    return Row(
        event.name,
        repr(leaf) if has_value else "",
        _narrow(leaf) if has_value else "",
        repr(event.value),
        _narrow(event.value),
        note,
        lines,
    )


def _assignment(name: str, tensor: Tensor, columns: int, style: str) -> Text:
    """`x.grad = tensor(...)`, later rows under the first; the name on a line of its own where that saves lines."""
    start = cell_len(name) + 3
    lead, text = f"{name} = ", tensor_within(tensor, columns - start)
    below = tensor_within(tensor, columns - 2)
    if below.count("\n") + 1 < text.count("\n") or start + _widest(text) > columns:
        start, lead, text = 2, f"{name} =\n  ", below
    return Text.assemble((name, style), lead[len(name) :], highlighted(text.replace("\n", "\n" + " " * start)))


def _ordinal(number: int) -> str:
    teens = 10 < number % 100 < 14
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def gradient_table(rows: list[Row], console: Console) -> Group:
    """The changed leaves as a table of name, value and gradient; as lines where that's too wide for the console."""
    room = console.options.update(width=100_000, max_width=100_000)
    for narrow, beside in ((False, True), (False, False), (True, False)):
        table = _table(rows, narrow, beside)
        width = console.measure(table, options=room).maximum
        if width <= console.width:
            return Group(table, _rule(width, console))
    apart = "\n\n" if any("\n" in row.gradient for row in rows) else "\n"
    lines = Text(apart).join(row.lines for row in rows)
    return Group(lines, _rule(min(_widest(lines.plain), console.width), console))


def _rule(width: int, console: Console) -> Text:
    return Text(("-" if console.options.ascii_only else "─") * width, "rule")


def _table(rows: list[Row], narrow: bool, beside: bool) -> Table:
    leading = int(any("\n" in row.value + row.gradient for row in rows))
    table = Table(
        box=_RULED, header_style="header", border_style="rule", show_edge=False, pad_edge=False, leading=leading
    )
    table.add_column("leaf", style="name", no_wrap=True)
    table.add_column("value", no_wrap=True)
    table.add_column("gradient", no_wrap=True)
    notes = beside and any(row.note for row in rows)
    if notes:
        table.add_column("", style="caption", no_wrap=True)
    for row in rows:
        value = highlighted(row.narrow_value if narrow else row.value)
        gradient = highlighted(row.narrow_gradient if narrow else row.gradient)
        if row.note and not beside:
            gradient.append("\n" + row.note, "caption")
        table.add_row(row.name, value, gradient, *([row.note] if notes else []))
    return table


# ---- the stream


class Screen(Console):
    """A console in gradcli's theme, as wide as its stream is at the moment."""

    def __init__(self, stream: TextIO, color: str) -> None:
        colored = has_color(stream, color)
        super().__init__(
            file=stream,
            force_terminal=colored,
            color_system="standard" if colored else None,
            no_color=not colored,
            width=WIDTH,
            theme=THEME,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def fit(self) -> None:
        self.width = terminal_width(self.file)  # type: ignore[arg-type]

    def on_broken_pipe(self) -> None:
        """A closed pipe is the command's to end quietly, as it does in plain text."""
        raise


class RichRenderer:
    """Writes events for people: results to `out`, diagnostics to `err`; `line_of` gives the line of a place.

    The gradients of one `backward` arrive one by one and become one table: they are held until another event comes
    that isn't of it, or `flush`. `color` is auto, always or never. `lines_of` gives the lines of a graph, a
    derivation or a check, within so many columns; `lexer` (of Pygments, or what makes one) highlights a script's
    text.
    """

    counts_passes = True

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        line_of: Callable[[Span | None], str | None],
        *,
        color: str = "auto",
        lines_of: Callable[[Event, int], Iterable[Line]] | None = None,
        lexer: Any = None,
    ) -> None:
        self.out = out
        self.err = err
        self.line_of = line_of
        self.lines_of = lines_of
        self.lexer = lexer
        self.screen = Screen(out, color)
        # Diagnostics that go to a file are plain.
        self.err_screen = Screen(err, color) if is_rich(err, color) else None
        self._rows: list[Row] = []
        self._of: tuple[str | None, int] | None = None
        self._show: dict[type, Callable[[Any], None]] = {
            Value: self._value,
            Grad: self._grad,
            Printed: self._printed,
            Warned: self._warned,
            Graph: self._graph,
            Explained: self._explained,
            Checked: self._checked,
        }

    def event(self, event: Event) -> None:
        if type(event) is not Grad:
            self._end_table()
        self.screen.fit()
        self._show[type(event)](event)

    def failure(self, failure: GradcliError) -> None:
        self.flush()
        excerpt = self.line_of(failure.span)
        if self.err_screen is None:
            self.err.write(failure_text(failure, excerpt))
            self.err.flush()
            return
        self._diagnose("error", failure_text(failure, None), failure.message, failure.span, excerpt, failure.label)

    def flush(self) -> None:
        """Shows the table that waits for more rows."""
        self._end_table()
        self.out.flush()

    # ---- one method a kind of event

    def _value(self, event: Value) -> None:
        # Soft: a line that's still too long is left to the terminal, which knows it for one line when it's copied.
        self.screen.print(highlighted(value_within(event.value, self.screen.width)), soft_wrap=True)

    def _printed(self, event: Printed) -> None:
        text = event_text(event)
        if _TENSORS.search(text) and not _CONTROLS.search(text):
            self.screen.print(highlighted(text), soft_wrap=True, end="")
        else:
            self.out.write(text)
            self.out.flush()

    def _grad(self, event: Grad) -> None:
        of = (event.of, event.line)
        if of != self._of or any(row.name == event.name for row in self._rows):
            self._end_table()
        self._of = of
        self._rows.append(row_of(event, self.screen.width))
        # An event that knows itself to be the last of its `backward` shows the table at once.
        if event.last:
            self._end_table()

    def _end_table(self) -> None:
        if self._rows:
            rows, self._rows, self._of = self._rows, [], None
            self.screen.fit()
            self.screen.print(gradient_table(rows, self.screen), soft_wrap=True)

    def _warned(self, event: Warned) -> None:
        self.out.flush()
        excerpt = self.line_of(event.span)
        if self.err_screen is None:
            self.err.write(warning_text(event, excerpt))
            self.err.flush()
            return
        self._diagnose("warning", warning_text(event), event.message, event.span, excerpt, "")

    def _graph(self, event: Graph) -> None:
        self._lines(event)

    def _explained(self, event: Explained) -> None:
        self._lines(event)

    def _checked(self, event: Checked) -> None:
        self._lines(event)

    def _lines(self, event: Event) -> None:
        if self.lines_of is None:
            raise TypeError(f"no text for {event!r}")
        for line in self.lines_of(event, self.screen.width):
            self.screen.print(line if isinstance(line, Text) else highlighted(line), soft_wrap=True)

    def _diagnose(self, kind: str, text: str, message: str, span: Span | None, line: str | None, label: str) -> None:
        assert self.err_screen is not None
        self.err_screen.fit()
        width = self.err_screen.width
        excerpt: Iterable[Text] = ()
        if span is not None and line is not None:
            lexer = self.lexer() if callable(self.lexer) else self.lexer
            excerpt = source_excerpt(line, span, label, width, lexer)
        self.err_screen.print(diagnostic(kind, text, message, span, excerpt, width), soft_wrap=True)
