"""The report of a check on a terminal: the lines of check_text.py, in the styles of the theme."""

from __future__ import annotations

from rich.text import Text

from gradcli.analysis.check import Report
from gradcli.render.check_text import WIDTH, pieces_of


def rich_lines(report: Report, width: int = WIDTH) -> list[Text]:
    """The report's lines, none wider than `width` (of 40 or more)."""
    lines = []
    for pieces in pieces_of(report, width):
        line = Text(no_wrap=True, overflow="ignore")
        for piece, style in pieces:
            line.append(piece, style or None)
        lines.append(line)
    return lines
