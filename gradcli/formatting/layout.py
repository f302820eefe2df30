"""Pieces to lines: where a line breaks, how far it's indented, and where comments stand.

The author's line breaks stay, but for these: a statement has a line of its own, and so has the content of a block,
unless the author wrote the block on one line and it holds a single statement; `else` stands beside the brace that it
follows. Blocks are indented by four columns. A broken bracket is laid out as its author began it: by four columns
where a line ends behind the opening bracket, else under its first element, so that the rows of a matrix stand under
each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from gradcli.formatting.pieces import Comment, Piece
from gradcli.formatting.spacing import spaced, spaced_in_import
from gradcli.grammar import terminals as t

INDENT = 4
MOST_BLANK_LINES = 2
BEFORE_COMMENT = 2

_ELSE = (t.ELSE, t.ELIF)


def laid_out(pieces: list[Piece]) -> str:
    """The text of a script's pieces, a line's end behind each line."""
    layout = _Layout()
    for before, piece in pairwise([Piece(t.END, "", 0), *pieces]):
        layout.add(before, piece)
    _place_comments(layout.lines)
    return "".join("".join(line.parts) + "\n" for line in layout.lines)


@dataclass(slots=True)
class _Line:
    """A line's code and its width so far, the comment behind it, and the column that its author gave the comment."""

    parts: list[str] = field(default_factory=list)
    width: int = 0
    comment: Comment | None = None
    is_comment: bool = False
    """Whether it's nothing else."""

    def write(self, text: str) -> None:
        self.parts.append(text)
        last = text.rfind("\n")  # of a long string
        self.width = len(text) - last - 1 if last >= 0 else self.width + len(text)


@dataclass(slots=True)
class _Bracket:
    """An open bracket: its terminal, and the columns of a line that begins with its other half, and inside it.

    The text itself is one, too. `begun` says whether a line has begun in it: of a block, in its present statement.
    """

    terminal: int
    outer: int
    inner: int
    begun: bool = False

    @property
    def is_block(self) -> bool:
        return self.terminal in (t.OPEN_BRACE, t.END)

    def column(self) -> int:
        """Where what is written in it now is indented to."""
        if self.is_block:
            return self.inner + INDENT * self.begun
        return self.inner if self.begun else self.outer


class _Layout:
    """Takes a script's pieces in order, and makes lines of them."""

    def __init__(self) -> None:
        self.lines: list[_Line] = []
        self.brackets = [_Bracket(t.END, 0, 0)]
        self.in_import = False

    def add(self, before: Piece, piece: Piece) -> None:
        """Sets a piece behind the one before it, with the comments between them."""
        bracket = self.brackets[-1]
        breaks = not self.lines or bool(piece.comments) or _breaks(before, piece)
        if piece.begins:
            bracket.begun = bracket.begun and not bracket.is_block
            self.in_import = piece.terminal in (t.IMPORT, t.FROM)
        if breaks and before.terminal in t.OPENERS:
            bracket.inner = bracket.outer + INDENT
        for comment in piece.comments:
            self._comment(before, piece, comment)
        if piece.terminal == t.END_OF_TEXT:
            return
        if breaks:
            self._begin_line(before, piece)
        elif self.in_import:
            self.lines[-1].write(" " * spaced_in_import(before, piece))
        else:
            self.lines[-1].write(" " * spaced(before, piece, bracket.terminal))
        if piece.terminal in t.CLOSERS:
            self.brackets.pop()
        self.lines[-1].write(piece.text)
        if piece.terminal in t.OPENERS:
            self._open(before, piece)

    def _comment(self, before: Piece, piece: Piece, comment: Comment) -> None:
        is_first = comment is piece.comments[0]
        if is_first and comment.line_ends == 0 and self.lines:
            self.lines[-1].comment = comment
            return
        bracket = self.brackets[-1]
        goes_on = bracket.is_block and _goes_on(before, piece)
        if not (goes_on or (is_first and before.terminal in t.OPENERS)):
            self._blank_lines(comment.line_ends - 1)
        self.lines.append(_Line(comment=comment, is_comment=True))
        self.lines[-1].write(" " * (bracket.inner + INDENT * goes_on))

    def _begin_line(self, before: Piece, piece: Piece) -> None:
        bracket = self.brackets[-1]
        closes = piece.terminal in t.CLOSERS
        goes_on = bracket.is_block and _goes_on(before, piece)
        if goes_on and before.terminal not in t.CONTINUES and piece.terminal not in _ELSE:
            self.lines[-1].write(" \\")
        bracket.begun |= goes_on or not (bracket.is_block or closes)
        follows_else = bracket.is_block and not piece.begins
        if not (closes or follows_else or (before.terminal in t.OPENERS and not piece.comments)):
            self._blank_lines(piece.line_ends - 1)
        self.lines.append(_Line())
        self.lines[-1].write(" " * (bracket.outer if closes else bracket.inner + INDENT * goes_on))

    def _blank_lines(self, wanted: int) -> None:
        if self.lines:
            self.lines += [_Line() for _ in range(min(wanted, MOST_BLANK_LINES))]

    def _open(self, before: Piece, piece: Piece) -> None:
        around = self.brackets[-1]
        if piece.terminal == t.OPEN_BRACE:
            is_statements = around.is_block and before.terminal != t.ARROW
            outer = around.inner if is_statements else around.column()
            inner = outer + INDENT
        else:
            outer, inner = around.column(), self.lines[-1].width
        self.brackets.append(_Bracket(piece.terminal, outer, inner))


def _goes_on(before: Piece, piece: Piece) -> bool:
    """Whether a piece of a block stands within a statement: it neither begins one nor comes behind the last."""
    if piece.begins or piece.terminal in (t.CLOSE_BRACE, t.END_OF_TEXT):
        return False
    return not (piece.terminal in _ELSE and before.terminal == t.CLOSE_BRACE)


def _breaks(before: Piece, piece: Piece) -> bool:
    """Whether a piece begins a line, as far as comments don't decide."""
    if before.terminal == t.OPEN_BRACE:
        return not before.one_line
    if piece.terminal == t.CLOSE_BRACE:
        return not piece.one_line
    if before.terminal == t.CLOSE_BRACE:
        if piece.terminal == t.BACKWARD and not piece.begins:
            return False
        if piece.terminal in _ELSE and not before.one_line:
            return False
    return piece.begins or piece.line_ends > 0


def _place_comments(lines: list[_Line]) -> None:
    """Writes comments behind their lines, two columns away; those that stood under each other do so again."""
    together: list[_Line] = []
    shared = -1
    for line in lines:
        column = line.comment.column if line.comment else -1
        if not together or column != shared:
            _align(together)
            together, shared = [], column
            if line.comment is None:
                continue
            if line.is_comment:
                line.write(line.comment.text)
                continue
        together.append(line)
    _align(together)


def _align(lines: list[_Line]) -> None:
    """Writes the lines' comments under each other."""
    for line in lines:
        if line.is_comment:  # it goes on with the one above, which stands behind code
            line.parts, line.width = [], 0
    column = BEFORE_COMMENT + max((line.width for line in lines), default=0)
    for line in lines:
        if line.comment:
            line.write(" " * (column - line.width) + line.comment.text)
