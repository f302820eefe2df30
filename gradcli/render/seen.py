"""How `graph`, `explain` and `check` look: as plain lines, in Rich's styles, as JSON; loaded when one is shown."""

from __future__ import annotations

from typing import Any

from gradcli.analysis.folding import folded
from gradcli.events import Checked, Explained, Graph

Seen = Graph | Explained | Checked


def lines_of(event: Seen, width: int) -> list[str]:
    """The event as lines of plain text."""
    if isinstance(event, Graph):
        from gradcli.render import graph_text

        return graph_text.lines_of(folded(event.graph), width)
    if isinstance(event, Explained):
        from gradcli.render import derivation_text

        return derivation_text.lines_of(event.derivation, width)
    from gradcli.render import check_text

    return check_text.lines_of(event.report, width)


def rich_of(event: Seen, width: int) -> list[Any]:
    """The event as Rich's texts."""
    if isinstance(event, Graph):
        from gradcli.render.graph_rich import rich_tree

        return [rich_tree(folded(event.graph), width)]
    if isinstance(event, Explained):
        from gradcli.render.derivation_rich import rich_derivation

        return [rich_derivation(event.derivation, width)]
    from gradcli.render.check_rich import rich_lines

    return rich_lines(event.report, width)


def object_of(event: Seen) -> dict[str, Any]:
    """The event as a JSON object, every node of a graph in it."""
    if isinstance(event, Graph):
        from gradcli.render.graph_json import graph_object

        return graph_object(event.graph, event.name, event.line)
    if isinstance(event, Explained):
        from gradcli.render.derivation_json import derivation_object

        return derivation_object(event.derivation, event.name, event.line)
    from gradcli.render.check_json import check_object

    return check_object(event.report, event.name, event.line)


def picture_of(event: Graph, kind: str) -> str:
    """A graph as a text for another program: dot, mermaid, svg, json or plain."""
    if kind == "dot":
        from gradcli.render.dot import dot_text

        return dot_text(folded(event.graph))
    if kind == "mermaid":
        from gradcli.render.mermaid import mermaid_text

        return mermaid_text(folded(event.graph))
    if kind == "svg":
        from gradcli.render.svg import svg_text

        return svg_text(folded(event.graph))
    if kind == "json":
        from gradcli.render.json_lines import encoded

        return encoded(object_of(event)) + "\n"
    return "\n".join(lines_of(event, 80)) + "\n"
