"""The report of a check on a terminal: the lines of check_text.py, in the styles of the theme."""

from __future__ import annotations

from rich.text import Text

from gradcli.analysis.check import Report
from gradcli.render.check_text import WIDTH, pieces_of
from gradcli.render.styled import styled


def rich_lines(report: Report, width: int = WIDTH) -> list[Text]:
    """The report's lines, none wider than `width` (of 40 or more)."""
    return list(styled(pieces_of(report, width)))
