"""A graph as a Mermaid flowchart: every line is one of the grammar's, and every label reads back."""

from __future__ import annotations

import re

import pytest

from gradcli.analysis.folding import folded
from gradcli.render.graph_text import label_of
from gradcli.render.mermaid import mermaid_text
from tests.analysis.graphs import SCRIPTS, graph_behind
from tests.render.test_dot import odd_graph

NODE = re.compile(r'  (\w+)(\(\[|\[\[|\[/|\[|\(|\{\{)"([^"]*)"(\]\)|\]\]|/\]|\]|\)|\}\}):::(\w+)')
EDGE = re.compile(r'  (\w+) -->(?:\|"(.\d+)"\|)? (\w+)')
CLASS = re.compile(r"  classDef (\w+) [\w:#,. -]+")

CLOSING = {"([": "])", "[[": "]]", "[/": "/]", "[": "]", "(": ")", "{{": "}}"}


def unescaped(label: str) -> list[str]:
    return [re.sub(r"#(\d+);", lambda match: chr(int(match[1])), line) for line in label.split("<br/>")]


@pytest.mark.parametrize("graph", [*SCRIPTS, "odd"])
def test_every_line_reads_back(graph: str) -> None:
    drawn = odd_graph() if graph == "odd" else folded(graph_behind(SCRIPTS[graph]))
    first, *lines = mermaid_text(drawn).splitlines()
    assert first == "flowchart TD"
    nodes = [match for line in lines if (match := NODE.fullmatch(line))]
    edges = [match for line in lines if (match := EDGE.fullmatch(line))]
    classes = {match[1] for line in lines if (match := CLASS.fullmatch(line))}
    assert len(nodes) + len(edges) + len(classes) == len(lines)
    assert all(CLOSING[match[2]] == match[4] for match in nodes)
    assert [unescaped(match[3]) for match in nodes] == [label_of(node) for node in drawn.nodes]
    assert [match[5] for match in nodes] == [node.kind for node in drawn.nodes]
    assert classes == {node.kind for node in drawn.nodes}
    ids = {node.id: match[1] for node, match in zip(drawn.nodes, nodes, strict=True)}
    assert len(set(ids.values())) == len(ids)
    assert [(match[1], match[3]) for match in edges] == [(ids[edge.source], ids[edge.target]) for edge in drawn.edges]
    assert [int(match[2][1:]) if match[2] else 1 for match in edges] == [edge.times for edge in drawn.edges]


def test_no_character_of_a_label_is_markup() -> None:
    for line in mermaid_text(odd_graph()).splitlines():
        if match := NODE.fullmatch(line):
            assert not set(match[3].replace("<br/>", "")) & set('<>"&[]{}|`*_\\')
