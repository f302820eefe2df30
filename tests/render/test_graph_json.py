"""A graph as JSON: strict, and with everything that the graph knows."""

from __future__ import annotations

import json

import pytest

from gradcli.analysis.folding import folded
from gradcli.render.graph_json import graph_object
from tests.analysis.graphs import SCRIPTS, graph_behind


def test_nodes_and_edges() -> None:
    found = graph_object(graph_behind("x = 3\ny = x^2\nbackward y"), "y", 4)
    assert found == {
        "type": "graph",
        "name": "y",
        "line": 4,
        "nodes": [
            {
                "id": "n1",
                "kind": "leaf",
                "op": None,
                "grad_fn": None,
                "name": "x",
                "expression": "3",
                "line": 1,
                "shape": [],
                "dtype": "float64",
                "value": 3.0,
                "grad": 6.0,
                "has_grad": True,
                "hooks": 0,
            },
            {
                "id": "c1",
                "kind": "constant",
                "op": None,
                "grad_fn": None,
                "name": None,
                "expression": None,
                "line": 2,
                "shape": [],
                "dtype": None,
                "value": 2,
                "grad": None,
                "has_grad": False,
                "hooks": 0,
            },
            {
                "id": "n2",
                "kind": "result",
                "op": "pow",
                "grad_fn": "PowBackward0",
                "name": "y",
                "expression": "x^2",
                "line": 2,
                "shape": [],
                "dtype": "float64",
                "value": 9.0,
                "grad": None,
                "has_grad": False,
                "hooks": 0,
            },
        ],
        "edges": [{"from": "n1", "to": "n2", "position": 0}, {"from": "c1", "to": "n2", "position": 1}],
    }


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("script", SCRIPTS)
def test_it_is_strict_json(script: str, fold: bool) -> None:
    graph = graph_behind(SCRIPTS[script])
    found = graph_object(folded(graph) if fold else graph)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_numbers_that_are_not_finite_are_strings() -> None:
    (node,) = graph_object(graph_behind("y = [1.0, nan, -inf, inf]"))["nodes"]
    assert node["value"] == [1.0, "NaN", "-Infinity", "Infinity"]
    nodes = graph_object(graph_behind("x = 2\ny = x*inf"))["nodes"]
    assert [node["value"] for node in nodes] == [2.0, "Infinity", "Infinity"]


def test_a_fold_and_a_detached_value_say_more() -> None:
    found = graph_object(folded(graph_behind(SCRIPTS["loop"])))
    (fold,) = (node for node in found["nodes"] if node["kind"] == "folded")
    assert fold["folded"] == {
        "repeats": 998,
        "operations": 2994,
        "ops": {"sin": 998, "mul": 998, "add": 998},
        "first_line": 3,
        "last_line": 4,
        "leaves": 0,
        "constants": 998,
    }
    assert {edge["times"] for edge in found["edges"] if "times" in edge} == {998}
    found = graph_object(graph_behind(SCRIPTS["detached"]))
    (detached,) = (node for node in found["nodes"] if node["kind"] == "detached")
    assert (detached["name"], detached["detached_from"]) == ("v", "u")
