"""Words that are keywords only where they make a statement, and names elsewhere; the rule is in gradcli.lark's head.

All tokens are there when this is decided, so that it can depend on what follows.
"""

from __future__ import annotations

from typing import Any

from . import tables
from . import terminals as t

_CLAUSE_AFTER = t.VALUE_ENDS | {t.RETAIN}
_OPEN = (t.OPEN_PARENTHESIS, t.OPEN_BRACKET)


def soften(terminals: list[int], tokens: list[Any], place: int) -> None:
    """Makes the name at `place`, which begins a statement, a keyword where what follows asks for it."""
    word = tokens[place][1]
    if word in ("no_grad", "enable_grad"):
        if terminals[place + 1] == t.OPEN_BRACE:
            terminals[place] = tables.WORDS[word]
    elif terminals[place + 1] == t.NAME if word == "const" else _operand_follows(terminals, tokens, place):
        terminals[place] = tables.WORDS[word]
        tokens[place] = ("KEYWORD", *tokens[place][1:])
        _mark_clauses(terminals, tokens, place, word)


def _operand_follows(terminals: list[int], tokens: list[Any], place: int) -> bool:
    following = terminals[place + 1]
    if following in t.VALUE_STARTS:
        return True
    spaced = tokens[place + 1][2:4] != tokens[place][4:]
    if following == t.SIGN:
        return spaced and bool(tokens[place + 2][2:4] == tokens[place + 1][4:])
    return spaced and following in _OPEN


def _mark_clauses(terminals: list[int], tokens: list[Any], place: int, statement: str) -> None:
    depth = 0
    while depth >= 0:
        place += 1
        terminal = terminals[place]
        if terminal in t.OPENERS:
            depth += 1
        elif terminal in t.CLOSERS:
            depth -= 1
        elif terminal in (t.END_OF_TEXT, t.FAILED) or (terminal == t.END and not depth):
            return
        elif terminal == t.NAME and not depth and terminals[place - 1] in _CLAUSE_AFTER:
            word = tokens[place][1]
            if t.CLAUSE_WORDS.get(word) == statement:
                terminals[place] = tables.WORDS[word]
                tokens[place] = ("RETAIN" if word == "retain" else "KEYWORD", *tokens[place][1:])
