"""A derivation on a terminal: the lines of derivation_text.py, in the styles of the theme."""

from __future__ import annotations

from rich.text import Text

from gradcli.analysis.derivation import Derivation
from gradcli.render.derivation_text import WIDTH, pieces_of
from gradcli.render.styled import styled


def rich_derivation(derivation: Derivation, width: int = WIDTH) -> Text:
    """The derivation as one text, none of its lines wider than `width` (of 40 or more)."""
    return Text("\n", no_wrap=True, overflow="ignore").join(styled(pieces_of(derivation, width)))
