"""One layout for every script: text to the same script's text, its comments and line breaks kept.

    >>> format_text("x=arange(4);y = 2*dot( x,x )  # twice")
    'x = arange(4)\ny = 2 * dot(x, x)  # twice\n'

pieces.py takes the text apart, spacing.py says what stands between two pieces of a line, layout.py makes the lines,
files.py is the command. Nothing here loads NumPy.
"""

from __future__ import annotations

from gradcli.formatting.layout import laid_out
from gradcli.formatting.pieces import pieces_of
from gradcli.grammar.lexer import Scan
from gradcli.grammar.parser import run

__all__ = ["format_text"]


def format_text(text: str, file: str = "<text>") -> str:
    """The script in its one layout; its line ends (those of its first line) and its byte order mark stay.

    Raises SyntaxFailure, whose span's file is `file`, where the text is no script.
    """
    scan = Scan(text, file)
    run(scan, "program")
    formatted = laid_out(pieces_of(scan))
    end = text.find("\n")
    if end > 0 and text[end - 1] == "\r":
        formatted = formatted.replace("\n", "\r\n")
    return "\ufeff" + formatted if text.startswith("\ufeff") and formatted else formatted
