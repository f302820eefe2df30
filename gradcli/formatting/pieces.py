"""A script's tokens as the formatter wants them: in the author's spelling, and with the comments before them.

Strings and f-strings are one piece each, which nothing changes: the text of an f-string's expression can be its value
(`{x=}`). A numeric array, one token to the parser, is its numbers and brackets here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gradcli.grammar import terminals as t
from gradcli.grammar.lexer import Scan

_IN_GAP = re.compile(r"#[^\n]*|\n")
_IN_ARRAY = re.compile(r"[\[\],]|[^\[\],\s]+")
_ARRAY_SIGNS = {"[": t.OPEN_BRACKET, "]": t.CLOSE_BRACKET, ",": t.COMMA}
_FIRST_WORD = {"is-not": len("is"), "not-in": len("not")}
_LAST_WORD = {"is-not": len("not"), "not-in": len("in")}


@dataclass(slots=True)
class Comment:
    """A comment, the line ends between it and what stands before it, and the column where its author put it."""

    text: str
    line_ends: int
    column: int


@dataclass(slots=True)
class Piece:
    """A token in the author's spelling, the comments before it, and the line ends behind the last of them."""

    terminal: int
    text: str
    line: int
    comments: list[Comment] = field(default_factory=list)
    line_ends: int = 0
    apart: bool = False
    """Whether its author left a blank before it."""
    begins: bool = False
    """Whether it is the first of a statement, or comes behind the last: a closing brace, the text's end."""
    prefix: bool = False
    """Whether it is a sign before a value, not between two."""
    one_line: bool = False
    """Of both braces of a block: whether it stays on its line."""


def pieces_of(scan: Scan) -> list[Piece]:
    """The pieces of a scanned script, the text's end as the last."""
    text = scan.text
    spots, ends = _spots(scan)
    pieces: list[Piece] = []
    brackets: list[int] = []
    previous, stop = t.END, 0
    for place, (terminal, start, end, line) in enumerate(spots):
        piece = Piece(terminal, text[start:end], line, apart=start > stop)
        line_ends = 0
        for mark in _IN_GAP.finditer(text, stop, start):
            if mark[0] == "\n":
                line_ends += 1
            else:
                column = mark.start() - text.rfind("\n", 0, mark.start()) - 1
                piece.comments.append(Comment(mark[0].rstrip(), line_ends, column))
                line_ends = 0
        piece.line_ends = line_ends
        piece.begins = place in ends or previous in (t.END, t.OPEN_BRACE)
        piece.prefix = terminal in (t.SIGN, t.TILDE, t.STAR) and previous not in t.VALUE_ENDS
        if place in ends and ends[place] == ";" and (_goes_on(pieces) or (brackets and brackets[-1] != t.OPEN_BRACE)):
            pieces[-1].text += ";"  # a line's end wouldn't end the statement
        if terminal in t.CLOSERS:
            brackets.pop()
        if terminal in t.OPENERS:
            brackets.append(terminal)
        pieces.append(piece)
        previous, stop = terminal, end
    _mark_blocks(pieces)
    return pieces


def _goes_on(pieces: list[Piece]) -> bool:
    """Whether the next line goes on with this one: not where it ends with `import *`."""
    *before, last = [piece.terminal for piece in pieces[-2:]]
    return last in t.CONTINUES and (before, last) != ([t.IMPORT], t.STAR)


def _spots(scan: Scan) -> tuple[list[tuple[int, int, int, int]], dict[int, str]]:
    """Terminal, start, end and line of each piece, and which of them have a statement's end before them."""
    text = scan.text
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    spots: list[tuple[int, int, int, int]] = []
    ends: dict[int, str] = {}
    fstrings: list[int] = []
    for terminal, token in zip(scan.terminals[1:], scan.tokens[1:], strict=True):
        _, value, line, column, end_line, end_column = token
        start, end = starts[line - 1] + column, starts[end_line - 1] + end_column
        if terminal == t.FSTRING_START:
            fstrings.append(start)
        elif terminal == t.FSTRING_END:
            start = fstrings.pop()
            if not fstrings:
                spots.append((t.STRING, start, end, line))
        elif fstrings:
            continue
        elif terminal == t.END:
            ends[len(spots)] = value
        elif terminal == t.END_OF_TEXT:
            spots.append((terminal, len(text), len(text), end_line))
        elif terminal == t.ARRAY:
            for mark in _IN_ARRAY.finditer(text, start, end):
                spots.append((_ARRAY_SIGNS.get(mark[0], t.NUMBER), mark.start(), mark.end(), line))
        elif terminal == t.COMPARISON and value in _FIRST_WORD:  # two words, a comment between them perhaps
            spots.append((terminal, start, start + _FIRST_WORD[value], line))
            spots.append((terminal, end - _LAST_WORD[value], end, end_line))
        else:
            spots.append((terminal, start, end, line))
    return spots, ends


def _mark_blocks(pieces: list[Piece]) -> None:
    """A block stays on its line if its author wrote it on one and it holds one statement, or none."""
    open_brackets: list[tuple[Piece, bool, int]] = []  # with: whether something inside takes several lines, statements
    before = None
    for piece in pieces:
        if piece.terminal in t.CLOSERS:
            opening, several_lines, statements = open_brackets.pop()
            if opening.terminal == t.OPEN_BRACE:
                empty = before is opening and not piece.comments
                several_lines = several_lines or statements > 1 or opening.line != piece.line
                opening.one_line = piece.one_line = empty or not several_lines
            if several_lines and open_brackets:
                open_brackets[-1] = (open_brackets[-1][0], True, open_brackets[-1][2])
        elif piece.begins and open_brackets:
            outer, several_lines, statements = open_brackets[-1]
            open_brackets[-1] = (outer, several_lines, statements + 1)
        if piece.terminal in t.OPENERS:
            open_brackets.append((piece, False, 0))
        before = piece
