"""What stands between two pieces on one line: a blank or nothing."""

from __future__ import annotations

from gradcli.formatting.pieces import Piece
from gradcli.grammar import tables
from gradcli.grammar import terminals as t

_OPEN = frozenset({t.OPEN_PARENTHESIS, t.OPEN_BRACKET, t.LAMBDA_OPEN})
_CLOSE = frozenset({t.CLOSE_PARENTHESIS, t.CLOSE_BRACKET})
_BRACES = frozenset({t.OPEN_BRACE, t.CLOSE_BRACE})
_POWER = tables.WORDS["^"]
_PRODUCTS = frozenset({tables.WORDS["*"], tables.WORDS["/"]})
_IMPORT_WORDS = frozenset({t.IMPORT, t.FROM, tables.WORDS["as"]})


def spaced(before: Piece, piece: Piece, bracket: int) -> bool:
    """Whether a blank stands between two pieces; `bracket` opened the innermost bracket around that place, if any."""
    left, right = before.terminal, piece.terminal
    if right in (t.COMMA, *_CLOSE) or left in _OPEN:
        return False
    if left == t.COMMA or left in _BRACES or right in _BRACES:
        return True
    if right == t.DOT:
        return left == t.NUMBER and before.text.replace("_", "").isdigit()  # `1 .sum()`: `1.` is a number
    if left == t.DOT or before.prefix or right == t.PRIMES or _POWER in (left, right):
        return False
    # `2*x + 1` and `2 * x + 1` are both good mathematics: what the author chose holds on both sides of the sign.
    if right in _PRODUCTS and not piece.prefix:
        return piece.apart
    if left in _PRODUCTS:
        return before.apart
    if t.COLON in (left, right):  # of a slice, or of a claim: `claim x: 4*x`
        return bracket != t.OPEN_BRACKET and left == t.COLON
    if t.EQUAL_SIGN in (left, right):
        return bracket not in (t.OPEN_PARENTHESIS, t.LAMBDA_OPEN)
    if right in _OPEN:  # a call or an index; `} backward(g)` looks like a call, and the statement doesn't
        if left == t.STRING and before.text[1:].strip("'") == "":
            return before.text[0] in "fF"  # `f'' (x)`: without the blank it would be a derivative
        return left not in t.VALUE_ENDS and not (left == t.BACKWARD and not before.begins)
    return True


def spaced_in_import(before: Piece, piece: Piece) -> bool:
    """The same in `from .a import b`, in which a dot is a name's part, or a name: there the author knows."""
    left, right = before.terminal, piece.terminal
    if right in (t.COMMA, t.CLOSE_PARENTHESIS) or left == t.OPEN_PARENTHESIS:
        return False
    return left == t.COMMA or left in _IMPORT_WORDS or right in _IMPORT_WORDS or piece.apart
