"""A graph in Graphviz's language: `dot` draws it, where it's installed; its strings are read back everywhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

from gradcli.analysis.folding import folded
from gradcli.analysis.graph import LEAF, RESULT, Edge, Graph, Node
from gradcli.render.dot import dot_text
from gradcli.render.graph_text import label_of
from tests.analysis.graphs import SCRIPTS, graph_behind

STRING = r'"((?:[^"\\]|\\.)*)"'
NODE = re.compile(rf"  {STRING} \[label={STRING} tooltip={STRING} [^\]]*\];")
EDGE = re.compile(rf"  {STRING} -> {STRING}(?: \[label={STRING}\])?;")

ODD = [
    'a "quoted" one',
    "{braces} | bars",
    "<angles>",
    "back\\slash \\n",
    "a && b &amp;",
    "two  spaces",
    "é 重み ⋯",
    "]",
    "#1",
]


def odd_graph() -> Graph:
    nodes = [Node(f"n{k}", LEAF, name=text, expression=text) for k, text in enumerate(ODD)]
    nodes.append(Node("y", RESULT, "stack", "StackBackward0", "y"))
    return Graph(nodes, [Edge(node.id, "y", k) for k, node in enumerate(nodes[:-1])])


def fields(record: str) -> list[str]:
    """What a record's label says, field by field, as Graphviz's manual has it."""
    assert record[0] == "{"
    assert record[-1] == "}"
    plain = re.split(r"(?<!\\)(?:\\\\)*\|", record[1:-1])
    return [re.sub(r"\\(.)", r"\1", field).replace("&amp;", "&") for field in plain]


@pytest.mark.parametrize("graph", [*SCRIPTS, "odd"])
def test_every_line_reads_back(graph: str) -> None:
    drawn = odd_graph() if graph == "odd" else folded(graph_behind(SCRIPTS[graph]))
    first, *lines, last = dot_text(drawn).splitlines()
    assert (first, last) == ("digraph gradcli {", "}")
    nodes = [match for line in lines if (match := NODE.fullmatch(line))]
    edges = [match for line in lines if (match := EDGE.fullmatch(line))]
    assert len(nodes) + len(edges) == len(lines) - 3
    assert [match[1] for match in nodes] == [node.id for node in drawn.nodes]
    assert [fields(match[2]) for match in nodes] == [label_of(node) for node in drawn.nodes]
    assert [(match[1], match[2]) for match in edges] == [(edge.source, edge.target) for edge in drawn.edges]
    assert [match[3] for match in edges if match[3]] == [f"×{edge.times}" for edge in drawn.edges if edge.times > 1]  # noqa: RUF001


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz isn't installed")
@pytest.mark.parametrize("graph", [*SCRIPTS, "odd"])
def test_graphviz_draws_it(graph: str) -> None:
    drawn = odd_graph() if graph == "odd" else folded(graph_behind(SCRIPTS[graph]))
    done = subprocess.run(
        ["dot", "-Tsvg"],
        input=dot_text(drawn),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    svg = "{http://www.w3.org/2000/svg}"
    groups = [g for g in ET.fromstring(done.stdout).iter(f"{svg}g") if g.get("class") == "node"]
    shown = {g.find(f"{svg}title").text: [t.text for t in g.iter(f"{svg}text")] for g in groups}  # type: ignore[union-attr]
    # Graphviz writes a space that mustn't be dropped as U+00A0.
    assert {id: [t.replace("\u00a0", " ") for t in texts] for id, texts in shown.items()} == {
        node.id: label_of(node) for node in drawn.nodes
    }
