"""Errors and warnings on a terminal: the words of plain text, wrapped to the width, with the source highlighted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from gradcli.errors import Span
from gradcli.render.theme import MOST_HIGHLIGHTED, style_of_token

_QUOTED = re.compile(r"`[^`\n]+`")
# A word to wrap at: code in backquotes stays together unless it's long.
_WORD = re.compile(r"(?:`[^`\n]{1,24}`|\S)+\s*")


def diagnostic(kind: str, text: str, message: str, span: Span | None, excerpt: Iterable[Text], width: int) -> Text:
    """A diagnostic's plain text, dressed: `text` begins with kind and message, the excerpt goes below the place."""
    head = f"{kind}: "
    rest = text[len(head) + len(message) :].strip("\n")
    lines = list(_hanging(Text.assemble((head, kind)), _quoting(message, "message"), width, indent=2))
    for line in filter(None, rest.split("\n")):
        found = re.match(r"( *)(-->|= help:|in\b|)( *)(.*)", line)
        assert found is not None
        margin, mark, blank, words = found.groups()
        style = {"-->": "gutter", "= help:": "help"}.get(mark, "")
        lead = Text(margin).append(mark, style).append(blank)
        indent = None if mark else len(margin)
        if mark == "-->":
            lines.append(lead.append(words, "place"))
            lines += excerpt
        else:
            lines += _hanging(lead, _quoting(words), width, indent)
    return Text("\n").join(lines)


def _quoting(text: str, style: str = "") -> Text:
    shown = Text(text, style)
    for part in _QUOTED.finditer(text):
        shown.stylize("quoted", *part.span())
    return shown


def _hanging(lead: Text, body: Text, width: int, indent: int | None = None) -> Iterator[Text]:
    """The body's words behind the lead, later lines under the first, or `indent` columns in."""
    first = lead.cell_len
    below = first if indent is None else indent
    if first > width // 2:
        below = 2
    for paragraph in body.split("\n", allow_blank=True):
        # Words are broken by hand: the first line may have less room than those below it.
        line, taken = lead, first
        for word in _WORD.finditer(paragraph.plain):
            size = cell_len(word.group().rstrip())
            if taken + size > width and taken > below:
                line.rstrip()
                yield line
                line, taken = Text(" " * below), below
            line = line.append_text(paragraph[word.start() : word.end()])
            taken += cell_len(word.group())
        line.rstrip()
        yield line
        lead, first = Text(" " * below), below


def source_excerpt(line: str, span: Span, label: str, width: int, lexer: Any = None) -> Iterator[Text]:
    """The line of a place between gutters, highlighted, with carets and a label below; cut to the width around it."""
    margin = " " * (len(str(span.line)) + 2)
    room = max(width - len(margin) - 2, 8)
    code = _code(line.replace("\t", " "), lexer)
    start, end = span.column - 1, span.end_column - 1 if span.end_line == span.line else len(line)
    end = min(max(end, start + 1), max(len(line), start + 1))
    code, start, end = _window(code, start, end, room)
    blank, marked = cell_len(code.plain[:start]), max(cell_len(code.plain[start:end]), end - start)
    yield Text(f"{margin}|", "gutter")
    yield Text.assemble((f" {span.line} | ", "gutter"), code)
    carets = Text.assemble((f"{margin}| ", "gutter"), " " * blank, ("^" * marked, "caret"))
    if not label or blank + marked + 1 + cell_len(label) <= room:
        yield carets.append(f" {label}" if label else "", "caret")
    else:
        yield carets
        for part in _hanging(Text(), Text(label, "caret"), room):
            yield Text.assemble((f"{margin}| ", "gutter"), part)


def _code(line: str, lexer: Any) -> Text:
    if lexer is None or len(line) > MOST_HIGHLIGHTED:
        return Text(line)
    code = Text()
    for kind, part in lexer.get_tokens(line):
        code.append(part, style_of_token(kind))
    # Lexers end a text with a newline, and some leave out blanks at its ends.
    code.rstrip()
    return code if line.startswith(code.plain) else Text(line)


def _window(code: Text, start: int, end: int, room: int) -> tuple[Text, int, int]:
    """The part of a line that has room, with the place in it: ends that are cut off are marked by `...`."""
    # The end of a line can be a place, too.
    size = max(len(code), end)
    if max(code.cell_len, end) <= room:
        return code, start, end
    room = room * len(code) // max(code.cell_len, 1)
    first = 0 if end <= room - 3 else max(min(start - room // 3, size - room + 3), 0)
    lead = Text.assemble(("...", "cut")) if first else Text()
    last = min(first + room - len(lead), size)
    tail = Text.assemble(("...", "cut")) if last < size else Text()
    last -= len(tail)
    shift = len(lead) - first
    return lead + code[first:last] + tail, start + shift, max(min(end, last) + shift, start + shift + 1)
