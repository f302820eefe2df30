"""A graph as a Mermaid flowchart, as Markdown on code hosts shows it."""

from __future__ import annotations

from gradcli.analysis.graph import CONSTANT, DETACHED, FOLDED, LEAF, OPERATION, RESULT, Graph
from gradcli.render.graph_text import TIMES, label_of

_BRACKETS = {
    LEAF: ("([", "])"),
    OPERATION: ("[", "]"),
    RESULT: ("[[", "]]"),
    CONSTANT: ("(", ")"),
    DETACHED: ("[/", "/]"),
    FOLDED: ("{{", "}}"),
}

_CLASSES = {
    LEAF: "fill:#d8f0dd,stroke:#2f8f4e,color:#111",
    OPERATION: "fill:#eef3fb,stroke:#5b7fb5,color:#111",
    RESULT: "fill:#d6e4fb,stroke:#1f5fbf,color:#111,stroke-width:2px",
    CONSTANT: "fill:#f4f4f4,stroke:#999,color:#111",
    DETACHED: "fill:#fdf1dc,stroke:#b7791f,color:#111,stroke-dasharray:5 3",
    FOLDED: "fill:#f3ecfa,stroke:#7d54a8,color:#111,stroke-dasharray:2 3",
}

_PLAIN = frozenset(" .,=()+-/!?'")
"""Characters beside letters and digits that mean nothing inside of a quoted label."""


def mermaid_text(graph: Graph) -> str:
    """The graph as a Mermaid flowchart: values flow downwards."""
    lines = ["flowchart TD"]
    for node in graph.nodes:
        opening, closing = _BRACKETS[node.kind]
        label = "<br/>".join(_escaped(line) for line in label_of(node))
        lines.append(f'  {_id(node.id)}{opening}"{label}"{closing}:::{node.kind}')
    for edge in graph.edges:
        label = f'|"{TIMES}{edge.times}"|' if edge.times > 1 else ""
        lines.append(f"  {_id(edge.source)} -->{label} {_id(edge.target)}")
    kinds = {node.kind for node in graph.nodes}
    lines += [f"  classDef {kind} {style}" for kind, style in _CLASSES.items() if kind in kinds]
    return "\n".join(lines) + "\n"


def _id(id: str) -> str:
    return id.replace("-", "_")


def _escaped(text: str) -> str:
    """A label's text: a character that HTML, Markdown or Mermaid might take for its own goes by its number."""
    shown = "".join(c if c.isalnum() or c in _PLAIN or ord(c) > 127 else f"#{ord(c)};" for c in text)
    # `1. x` would begin a list.
    return shown.replace(". ", "#46; ")
