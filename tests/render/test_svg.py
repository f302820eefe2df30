"""The picture of a graph: XML that holds every node, no box on another, lines that arrive where they should."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
from hypothesis import given, settings

from gradcli.analysis.folding import folded
from gradcli.analysis.graph import LEAF, Graph, Node
from gradcli.render.graph_text import label_of
from gradcli.render.layout import Box, Layout, laid_out
from gradcli.render.svg import svg_text
from tests.analysis.graphs import SCRIPTS, graph_behind, line_of_nodes
from tests.analysis.test_graph import graphs
from tests.render.test_dot import odd_graph

SVG = "{http://www.w3.org/2000/svg}"


def drawn(graph: Graph) -> tuple[ET.Element, dict[str, Box]]:
    root = ET.fromstring(svg_text(graph))
    boxes = {}
    for group in root.iter(f"{SVG}g"):
        rect = group.findall(f"{SVG}rect")[-1]
        boxes[group.attrib["id"]] = Box(*(float(rect.attrib[key]) for key in ("x", "y", "width", "height")))
    return root, boxes


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def graph_called(name: str) -> Graph:
    return odd_graph() if name == "odd" else folded(graph_behind(SCRIPTS[name]))


@pytest.mark.parametrize("name", [*SCRIPTS, "odd"])
def test_every_node_is_there_with_its_text(name: str) -> None:
    graph = graph_called(name)
    root, boxes = drawn(graph)
    assert set(boxes) == {node.id for node in graph.nodes}
    texts = {g.attrib["id"]: [text.text for text in g.findall(f"{SVG}text")] for g in root.iter(f"{SVG}g")}
    assert texts == {node.id: label_of(node) for node in graph.nodes}


@pytest.mark.parametrize("name", [*SCRIPTS, "odd"])
def test_no_box_lies_on_another_nor_beside_the_page(name: str) -> None:
    root, boxes = drawn(graph_called(name))
    assert not [pair for pair in combinations(boxes.values(), 2) if overlap(*pair)]
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert all(b.x >= 0 and b.y >= 0 and b.x + b.width <= width and b.y + b.height <= height for b in boxes.values())


@pytest.mark.parametrize("name", SCRIPTS)
def test_text_fits_into_its_box(name: str) -> None:
    """In DejaVu Sans Mono, the widest of the usual ones, a character of 12 units is 7.23 wide."""
    graph = graph_called(name)
    _root, boxes = drawn(graph)
    for node in graph.nodes:
        assert max(map(len, label_of(node))) * 7.23 <= boxes[node.id].width - 10


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_edge_arrives_at_the_top_of_its_box(name: str) -> None:
    graph = graph_called(name)
    root, boxes = drawn(graph)
    arrows = [path.attrib for path in root.iter(f"{SVG}path") if "data-to" in path.attrib]
    assert sorted((a["data-from"], a["data-to"]) for a in arrows) == sorted((e.source, e.target) for e in graph.edges)
    for arrow in arrows:
        match = re.fullmatch(r"M.* ([\d.]+) [\d.]+V([\d.]+)", arrow["d"])
        assert match is not None
        box = boxes[arrow["data-to"]]
        assert box.x <= float(match[1]) <= box.x + box.width
        assert float(match[2]) == pytest.approx(box.y, abs=0.1)
        assert box.y >= boxes[arrow["data-from"]].y + boxes[arrow["data-from"]].height


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_line_runs_through_a_box(name: str) -> None:
    root, boxes = drawn(graph_called(name))
    for path in root.iter(f"{SVG}path"):
        if path.attrib["class"] != "line":
            continue
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", path.attrib["d"])]
        x, y, above, _x, _h, _to, _h2, to_x, below, end = numbers
        downs = [(x, y, above), (to_x, below, end)]
        for box in boxes.values():
            for at, top, bottom in downs:
                inside = box.x + 0.2 < at < box.x + box.width - 0.2
                assert not (inside and max(top, box.y) + 0.2 < min(bottom, box.y + box.height)), path.attrib
            # Between two layers there is no box.
            assert box.y + box.height <= above + 0.1 or box.y >= below - 0.1


def layout_of(graph: Graph) -> Layout:
    sizes = {node.id: (40.0 + 13 * (k % 7), 20.0 + 9 * (k % 4)) for k, node in enumerate(graph.nodes)}
    return laid_out(sizes, graph.edges)


@given(graphs())
@settings(deadline=None, max_examples=30)
def test_boxes_of_any_graph_keep_apart(graph: Graph) -> None:
    layout = layout_of(graph)
    assert set(layout.boxes) == {node.id for node in graph.nodes}
    rows = sorted(layout.boxes.values(), key=lambda box: box.y)
    for k, box in enumerate(rows):
        for other in rows[k + 1 :]:
            if other.y >= box.y + box.height:
                break
            assert not overlap(box, other)
    arriving = [line.edge for line in layout.lines if line.edge is not None]
    assert sorted(arriving) == sorted(graph.edges)


def test_a_tree_has_no_crossings() -> None:
    graph = graph_behind("a = 1.0; b = 2.0; c = 3.0; d = 4.0\ny = sin(a*b) + exp(c)*cos(cos(d))")
    lines = layout_of(graph).lines
    for one, other in combinations(lines, 2):
        if one.across == other.across:
            assert (one.start[0] - other.start[0]) * (one.end[0] - other.end[0]) >= 0


def test_a_chain_is_straight() -> None:
    layout = layout_of(line_of_nodes(50))
    assert max(abs(line.start[0] - line.end[0]) for line in layout.lines) < 0.1


def test_a_long_chain_is_laid_out() -> None:
    assert len(layout_of(line_of_nodes(20_000)).boxes) == 20_000


def test_a_graph_of_one_leaf() -> None:
    _root, boxes = drawn(Graph([Node("n1", LEAF, name="x", shape=(3,), dtype="float64")], []))
    assert len(boxes) == 1


def test_it_has_colours_for_dark_pages() -> None:
    text = svg_text(graph_called("seed"))
    light, dark = re.search(r"<style>(.*)@media\(prefers-color-scheme:dark\)\{(.*)\}</style>", text).groups()  # type: ignore[union-attr]
    classes = set(re.findall(r'class="(\w+)"', text)) - {"node"}
    assert classes <= set(re.findall(r"\.(\w+)\{", light))
    assert classes <= set(re.findall(r"\.(\w+)\{", dark))


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    root, _boxes = drawn(Graph([Node("n1", LEAF, name="a\x00b\x1b")], []))
    assert "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}" in [text.text for text in root.iter(f"{SVG}text")]
