"""The tree of a graph on a terminal: the lines of graph_text.py, in the styles of the theme."""

from __future__ import annotations

from rich.text import Text

from gradcli.analysis.graph import Graph
from gradcli.render.graph_text import WIDTH, pieces_of
from gradcli.render.styled import styled


def rich_tree(graph: Graph, width: int = WIDTH) -> Text:
    """The tree as one text, none of its lines wider than `width` (of 40 or more)."""
    return Text("\n", no_wrap=True, overflow="ignore").join(styled(pieces_of(graph, width)))
