"""A graph as an SVG picture that needs no other program, readable on light and on dark pages."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from gradcli.analysis.graph import CONSTANT, FOLDED, LEAF, Graph, Node
from gradcli.render.graph_text import TIMES, columns, label_of
from gradcli.render.layout import Box, Line, laid_out

FONT_SIZE = 12
LINE_HEIGHT = 16
PADDING = 10
COLUMN = 0.62 * FONT_SIZE
"""The width of a character: that of the widest of the usual monospaced fonts, and a little more."""

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"

_LIGHT = {
    "page": "fill:#ffffff",
    "line": "fill:none;stroke:#8a94a3;stroke-width:1.3",
    "head": "fill:#8a94a3",
    "first": "fill:#14181f;font-weight:bold",
    "rest": "fill:#4b5563",
    "count": "fill:#4b5563;stroke:#ffffff;stroke-width:4;paint-order:stroke",
    "leaf": "fill:#e3f5e7;stroke:#2f8f4e",
    "operation": "fill:#f1f5fb;stroke:#7b95bd",
    "result": "fill:#dbe8fd;stroke:#1f5fbf;stroke-width:2.4",
    "constant": "fill:#f5f5f5;stroke:#b0b0b0",
    "detached": "fill:#fdf3e0;stroke:#b7791f;stroke-dasharray:5 3",
    "folded": "fill:#f4eefb;stroke:#7d54a8",
}

_DARK = {
    "page": "fill:#14171c",
    "line": "stroke:#77818f",
    "head": "fill:#77818f",
    "first": "fill:#f2f4f7",
    "rest": "fill:#b4bcc8",
    "count": "fill:#b4bcc8;stroke:#14171c",
    "leaf": "fill:#173323;stroke:#4fb873",
    "operation": "fill:#1d2735;stroke:#5f7ba6",
    "result": "fill:#16315c;stroke:#6aa2f7",
    "constant": "fill:#24262a;stroke:#666c75",
    "detached": "fill:#35280f;stroke:#d79a3c",
    "folded": "fill:#2a2037;stroke:#a57fd1",
}


def svg_text(graph: Graph) -> str:
    """The graph as an SVG document: values flow downwards, to the result."""
    labels = {node.id: label_of(node) for node in graph.nodes}
    layout = laid_out({node.id: _size(node, labels[node.id]) for node in graph.nodes}, graph.edges)
    width, height = round(layout.width), round(layout.height)
    title = "The graph of " + (graph.result.name or graph.result.expression or graph.result.op or "a value")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="{_FONTS}" font-size="{FONT_SIZE}">',
        f"<title>{_text(title)}</title>",
        f"<style>{_rules(_LIGHT)}@media(prefers-color-scheme:dark){{{_rules(_DARK)}}}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="head" d="M0 0.8L8 4L0 7.2z"/></marker></defs>',
        f'<rect class="page" width="{width}" height="{height}"/>',
        *(_line(line) for line in layout.lines),
        *(_node(node, labels[node.id], layout.boxes[node.id]) for node in graph.nodes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _rules(styles: dict[str, str]) -> str:
    return "".join(f".{name}{{{style}}}" for name, style in styles.items())


def _size(node: Node, label: list[str]) -> tuple[float, float]:
    longest = max(columns(line) for line in label)
    return longest * COLUMN + 2 * PADDING, len(label) * LINE_HEIGHT + 2 * PADDING - 4


def _line(line: Line) -> str:
    (x, y), (above, below), (to_x, to_y) = line.start, line.across, line.end
    half = (above + below) / 2
    way = f"M{x:.1f} {y:.1f}V{above:.1f}C{x:.1f} {half:.1f} {to_x:.1f} {half:.1f} {to_x:.1f} {below:.1f}V{to_y:.1f}"
    if line.edge is None:
        return f'<path class="line" d="{way}"/>'
    edge = line.edge
    path = (
        f'<path class="line" data-from={quoteattr(edge.source)} data-to={quoteattr(edge.target)} '
        f'marker-end="url(#arrow)" d="{way}"/>'
    )
    if edge.times == 1:
        return path
    where = f'text-anchor="middle" x="{(x + to_x) / 2:.1f}" y="{half + 3:.1f}"'
    return f'{path}<text class="count" font-size="10" {where}>{TIMES}{edge.times}</text>'


def _node(node: Node, label: list[str], box: Box) -> str:
    round_corners = {LEAF: box.height / 2 if box.height < 50 else 18, CONSTANT: 2}.get(node.kind, 5)
    shape = f'class="{node.kind}" rx="{round_corners:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
    parts = [f'<g id={quoteattr(node.id)} class="node">', f"<title>{_text(_tooltip(node))}</title>"]
    if node.kind == FOLDED:
        # A stack of cards.
        parts.append(f'<rect {shape} x="{box.x + 4:.1f}" y="{box.y + 4:.1f}"/>')
    parts.append(f'<rect {shape} x="{box.x:.1f}" y="{box.y:.1f}"/>')
    middle = box.x + box.width / 2
    for k, line in enumerate(label):
        y = box.y + PADDING + (k + 0.62) * LINE_HEIGHT - 1
        style = "rest" if k else "first"
        parts.append(f'<text class="{style}" text-anchor="middle" x="{middle:.1f}" y="{y:.1f}">{_text(line)}</text>')
    return "".join([*parts, "</g>"])


def _tooltip(node: Node) -> str:
    return " · ".join(part for part in (node.grad_fn, node.expression) if part) or node.kind


def _text(text: str) -> str:
    """Text for XML, without the characters that it can't hold."""
    return escape(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text))
