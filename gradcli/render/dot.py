"""A graph in Graphviz's language: `gradcli graph FILE --to dot | dot -Tsvg`."""

from __future__ import annotations

from gradcli.analysis.graph import CONSTANT, DETACHED, FOLDED, LEAF, OPERATION, RESULT, Graph, Node
from gradcli.render.graph_text import TIMES, label_of

_ATTRIBUTES = {
    LEAF: 'style="filled,rounded" fillcolor="#d8f0dd" color="#2f8f4e"',
    OPERATION: 'fillcolor="#eef3fb" color="#5b7fb5"',
    RESULT: 'fillcolor="#d6e4fb" color="#1f5fbf" penwidth=2',
    CONSTANT: 'fillcolor="#f4f4f4" color="#999999"',
    DETACHED: 'style="filled,dashed" fillcolor="#fdf1dc" color="#b7791f"',
    FOLDED: 'style="filled,dotted" fillcolor="#f3ecfa" color="#7d54a8"',
}


def dot_text(graph: Graph) -> str:
    """The graph as a DOT file: values flow downwards, each node is a record with its lines one below the other."""
    lines = [
        "digraph gradcli {",
        "  rankdir=TB;",
        '  node [shape=record style=filled fontname="monospace" fontsize=11];',
        '  edge [color="#777777" arrowsize=0.7];',
    ]
    for node in graph.nodes:
        record = "|".join(_record_text(line) for line in label_of(node))
        tooltip = _quoted(_tooltip(node))
        lines.append(f'  {_quoted(node.id)} [label="{{{record}}}" tooltip={tooltip} {_ATTRIBUTES[node.kind]}];')
    for edge in graph.edges:
        label = f' [label="{TIMES}{edge.times}"]' if edge.times > 1 else ""
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)}{label};")
    return "\n".join([*lines, "}"]) + "\n"


def _tooltip(node: Node) -> str:
    return " ".join(part for part in (node.grad_fn, node.expression) if part) or node.kind


def _quoted(text: str) -> str:
    # A backslash begins an escape of the label's language, so that one of the script's own is doubled.
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _record_text(text: str) -> str:
    """A text inside of a record's label, in which braces, bars, angles and spaces have a meaning."""
    for character in '\\{}|<>"':
        text = text.replace(character, "\\" + character)
    # Several spaces in a row count as one unless they are escaped; `&` would begin an entity.
    return text.replace("&", "&amp;").replace("  ", " \\ ")
