"""Plain text: PyTorch's notation, for pipes, files and tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TextIO

from gradcli.errors import GradcliError, Span
from gradcli.events import Event, Grad, Printed, Value, Warned
from gradcli.library.values import List, text_of

WIDTH = 80
MOST_CALLS = 6


def value_text(value: Any, outer: tuple[int, ...] = ()) -> str:
    """A value as a statement shows it; a tuple or list that's too wide for a line has one element a line."""
    if type(value) in (tuple, List, list) and id(value) not in outer:
        return _listed(value, (*outer, id(value)))
    return text_of(value, True, outer)


def _listed(values: Any, outer: tuple[int, ...]) -> str:
    opening, closing = ("(", ")") if type(values) is tuple else ("[", "]")
    parts = [value_text(value, outer) for value in values]
    comma = "," if type(values) is tuple and len(parts) == 1 else ""
    line = f"{opening}{', '.join(parts)}{comma}{closing}"
    if len(line) < WIDTH and "\n" not in line:
        return line
    # As IPython shows it: elements under each other, their own lines moved along.
    return opening + ",\n ".join(part.replace("\n", "\n ") for part in parts) + comma + closing


def event_text(event: Event) -> str:
    """An event as the lines that it writes to stdout, their ends included."""
    if isinstance(event, Printed):
        return event.text
    if isinstance(event, Value):
        return value_text(event.value) + "\n"
    if isinstance(event, Grad):
        return f"{event.name}.grad = {_aligned(repr(event.value), len(event.name) + 8)}\n"
    from gradcli.render.seen import lines_of

    return "".join(f"{line}\n" for line in lines_of(event, WIDTH))  # type: ignore[arg-type]


def _aligned(text: str, indent: int) -> str:
    """Later rows stand under the first."""
    return text.replace("\n", "\n" + " " * indent)


def failure_text(failure: GradcliError, excerpt: str | None) -> str:
    """A failure with its place: message, file and line, the line with a caret, the calls that led there, help."""
    return _diagnostic("error", failure.message, failure.span, excerpt, failure.label, failure.calls, failure.help)


def warning_text(event: Warned, excerpt: str | None = None) -> str:
    """A diagnostic that stops nothing, in the form of an error."""
    return _diagnostic("warning", event.message, event.span, excerpt, "", [], event.help)


def _diagnostic(
    kind: str,
    message: str,
    span: Span | None,
    excerpt: str | None,
    label: str,
    calls: list[tuple[str, Span]],
    help: str,
) -> str:
    lines = [f"{kind}: {message}"]
    margin = " "
    if span is not None:
        margin = " " * (len(str(span.line)) + 1)
        lines.append(f"{margin}--> {span.file}:{span.line}:{span.column}")
        if excerpt is not None:
            text, caret = _pointed_at(excerpt, span)
            lines += [f"{margin} |", f" {span.line} | {text}", f"{margin} | {caret} {label}".rstrip()]
    shown = [f"{margin} in {_function(name)}, called at {p.file}:{p.line}:{p.column}" for name, p in reversed(calls)]
    if len(shown) > MOST_CALLS:
        shown[MOST_CALLS - 2 : -2] = [f"{margin} ... and {len(shown) - MOST_CALLS} more calls"]
    lines += shown
    if help:
        lines.append(f"{margin} = help: {help}")
    return "\n".join(lines) + "\n"


def _pointed_at(text: str, span: Span) -> tuple[str, str]:
    """The line, and under it the carets; of a line that may have megabytes, a window around the place."""
    start = 0
    if len(text) > 2 * WIDTH:
        start = max(span.column - WIDTH // 2, 0)
        text = text[start : start + WIDTH]
    end = span.end_column if span.end_line == span.line else start + len(text) + 1
    width = max(min(end - span.column, start + len(text) + 1 - span.column), 1)
    before, marked = text[: span.column - 1 - start], text[span.column - 1 - start :][:width]
    return shown_safely(text), " " * columns(before) + "^" * max(columns(marked), 1)


def shown_safely(text: str) -> str:
    """A line of a script as a terminal may show it: what would move its cursor or hide is replaced by a sign."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        " " if c == "\t" else c if c.isprintable() or c == " " else chr(0x2400 + ord(c)) if ord(c) < 32 else "\ufffd"
        for c in text
    )


def columns(text: str) -> int:
    """The columns that a text takes on a terminal: two for a wide character, none for one that joins the last."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _function(name: str) -> str:
    return "a function" if name.startswith(("<", "@")) else f"`{name}`"


class PlainRenderer:
    """Writes events as plain text: results to `out`, diagnostics to `err`; `line_of` gives the line of a place."""

    def __init__(self, out: TextIO, err: TextIO, line_of: Callable[[Span | None], str | None]) -> None:
        self.out = out
        self.err = err
        self.line_of = line_of

    def event(self, event: Event) -> None:
        if isinstance(event, Warned):
            self.out.flush()
            self.err.write(warning_text(event, self.line_of(event.span)))
            self.err.flush()
            return
        self.out.write(event_text(event))
        self.out.flush()

    def flush(self) -> None:
        self.out.flush()

    def failure(self, failure: GradcliError) -> None:
        self.out.flush()
        self.err.write(failure_text(failure, self.line_of(failure.span)))
        self.err.flush()
