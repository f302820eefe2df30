"""Strings and f-strings: where they end, what their text says, and the expressions between."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import terminals as t

if TYPE_CHECKING:
    from .lexer import Scan

_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": ""}
_SIMPLE |= {character: character for character in "\\'\""}
_ESCAPE = r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)"


class _BadEscape(ValueError):
    """An escape that stands for no character: its place in the text, and its length."""


def read_string(scan: Scan, start: int, quote_start: int, raw: bool = False, has_expressions: bool = False) -> None:
    """Reads the string whose prefix begins at `start`; of an f-string, up to its first expression."""
    text = scan.text
    quote = text[quote_start]
    if text.startswith(quote * 3, quote_start):
        quote *= 3
    text_start = quote_start + len(quote)
    if has_expressions:
        scan.push(t.FSTRING_START, "FSTRING_START", text[start:text_start], start, text_start)
        scan.fstrings.append([quote, raw, 0])
        read_fstring_text(scan, text_start)
        return
    end = _closing_quote(text, text_start, quote)
    if end < 0:
        if scan.fstrings and scan.fstrings[-1][0] == quote:  # the quote that was to end the f-string
            scan.never_closed(scan.brackets[-1])
        scan.never_ended((scan.line, start - scan.line_start), text_start - start, quote)
    scan.push_lines(t.STRING, "STRING", _text(scan, start, text_start, end, raw), start, end + len(quote))


def read_fstring_text(scan: Scan, start: int) -> None:
    """Reads an f-string's text up to its end, or to the next expression in it."""
    text = scan.text
    quote, raw, _ = scan.fstrings[-1]
    find = re.compile(r"[{}\\\n]|" + quote).search
    pieces, piece_start, place = [], start, start
    while True:
        match = find(text, place)
        if match is None or (match[0] == "\n" and len(quote) == 1):
            opening = len(scan.terminals) - 1 - scan.terminals[::-1].index(t.FSTRING_START)
            _, prefix, line, column, _, _ = scan.tokens[opening]
            scan.never_ended((line, column), len(prefix), quote)
        mark = match[0]
        place = match.end()
        if mark == "\\":
            place += text[place : place + 1] not in ("{", "}")
        elif mark in "{}" and text.startswith(mark, place):
            pieces.append(_text(scan, start, piece_start, place, raw))
            place += 1
            piece_start = place
        elif mark == "}":
            scan.go_on(start, place)
            scan.fail("a single `}` in an f-string", place - 1, place, help="write `}}` for the character")
        elif mark != "\n":
            break
    end = match.start()
    pieces.append(_text(scan, start, piece_start, end, raw))
    if end > start:
        scan.push_lines(t.STRING, "STRING", "".join(pieces), start, end)
    if mark == quote:
        scan.fstrings.pop()
        scan.push(t.FSTRING_END, "FSTRING_END", quote, end, place)
    else:
        scan.fstrings[-1][2] = place
        scan.brackets.append(len(scan.tokens))
        scan.push(t.REPLACEMENT_START, "PUNCTUATION", "{", end, place)
    scan.position = place


def read_equals(scan: Scan, end: int) -> None:
    """The `=` of `{expr=}`: its value is the expression's text, blanks included, as Python shows it."""
    start = end - 1
    while scan.text[end].isspace():
        end += 1
    scan.push(t.EQUALS, "EQUALS", scan.text[scan.fstrings[-1][2] : end], start, start + 1)


def read_format(scan: Scan, start: int) -> None:
    """`!r`, `:.3f` or both, up to the closing brace."""
    match = re.compile(r"(?:!([rsa])\s*)?(?::([^{}\n]*))?(?=([{}]?))").match(scan.text, start)
    assert match is not None  # each part may be missing
    if match.end() == start:
        scan.fail("expected `!r`, `!s` or `!a`", start, start + 1)
    if match[3] == "{":
        place = match.end()
        message = "a format can't contain an expression of its own"
        scan.fail(message, place, place + 1, help="write width and digits out: `{x:8.3f}`")
    if match[3] != "}":
        scan.never_closed(scan.brackets[-1])
    scan.push_lines(t.FORMAT, "FORMAT", (match[1], match[2]), start, match.end())


def _closing_quote(text: str, start: int, quote: str) -> int:
    """Where the string whose text begins at `start` has its closing `quote`, or -1 where it has none.

    A string in single quotes ends on its line, unless a backslash stands before the line's end.
    """
    end = _unescaped(text, quote, start, len(text))
    return -1 if len(quote) == 1 and _unescaped(text, "\n", start, end) >= 0 else end


def _unescaped(text: str, wanted: str, start: int, stop: int) -> int:
    place = text.find(wanted, start, stop)
    while place > start and text[place - 1] == "\\":
        before = place - 1
        while before > start and text[before - 1] == "\\":
            before -= 1
        if (place - before) % 2 == 0:
            break
        place = text.find(wanted, place + 1, stop)
    return place


def _text(scan: Scan, since: int, start: int, end: int, raw: bool) -> str:
    """What a stretch of a string says; `since` is where the scan's line was last right.

    As in Python, a backslash before a character that makes no escape is kept.
    """
    text = scan.text[start:end]
    if raw or "\\" not in text:
        return text
    try:
        return re.sub(_ESCAPE, _character, text, flags=re.DOTALL)
    except _BadEscape as bad:
        place, length = bad.args
        scan.go_on(since, start + place)
        scan.fail(f"`{text[place : place + length]}` is no character", start + place, start + place + length)


def _character(escape: re.Match[str]) -> str:
    word = escape[1]
    if word[0] not in "xuU":
        return _SIMPLE.get(word, escape[0])
    code = int(word[1:], 16) if len(word) > 1 else -1
    if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise _BadEscape(escape.start(), len(escape[0]))
    return chr(code)
