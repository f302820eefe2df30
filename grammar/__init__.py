"""The text of a script to its tree: gradcli.lark is the grammar, lexer.py makes tokens, parser.py the tree.

    >>> parse("y = x^2")
    ('program', (('assign', (('NAME', 'y', 1, 0, 1, 1), ('power', ...), 1, 0, 1, 7),), 1, 0, 1, 7)

Tokens and nodes have one shape, `(kind, value or children, line, column, end_line, end_column)`: lines from 1, columns
from 0, in characters, ends exclusive. Token kinds are in capitals. Lark isn't needed at run time, only by build.py.
"""

from __future__ import annotations

from .lexer import Scan, Token
from .parser import Node, run
from .terminals import CONTINUES, END, IMPORT

__all__ = ["Node", "Token", "incomplete", "parse", "parse_expression", "tokens"]


def parse(text: str, name: str = "<text>") -> Node:
    """The tree of a script. Raises SyntaxFailure, whose span's file is `name`, where the text is no script."""
    return run(Scan(text, name), "program")


def parse_expression(text: str, name: str = "<text>", line: int = 1, column: int = 0) -> Node | Token:
    """The tree of one expression that stands at `line` and `column`. Raises SyntaxFailure where it's not just one."""
    scan = Scan(text, name, line, column)
    if scan.terminals[-2] == END and len(scan.terminals) > 2:
        del scan.terminals[-2], scan.tokens[-2]
    return run(scan, "alone")


def tokens(text: str) -> list[Token]:
    """The text's tokens, comments left out, as far as they can be made: text that is no script has tokens, too."""
    return Scan(text).tokens[1:-1]


def incomplete(text: str) -> bool:
    """Whether more lines could make a script of the text: a bracket or a long string is open, an operator waits."""
    scan = Scan(text)
    waits = scan.terminals[-2] in CONTINUES and scan.terminals[-3] != IMPORT
    return scan.open_ended or (scan.failure is None and (bool(scan.brackets) or waits))
