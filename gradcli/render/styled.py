"""Lines in pieces, each with the name of its style, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from gradcli.render.graph_text import Piece


def styled(lines: Iterable[Sequence[Piece]]) -> Iterator[Text]:
    """The same lines in the styles of the theme."""
    for pieces in lines:
        line = Text(no_wrap=True, overflow="ignore")
        for piece, style in pieces:
            line.append(piece, style or None)
        yield line
