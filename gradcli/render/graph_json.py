"""A graph as an object of JSON, for programs: nodes and edges, ids that are the same for the same script."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.analysis.graph import Edge, Graph, Node
from gradcli.engine import Tensor
from gradcli.render.json_lines import value_json


def graph_object(graph: Graph, name: str | None = None, line: int | None = None) -> dict[str, Any]:
    """The event's object; strict JSON, for a number that isn't finite is a string."""
    return {
        "type": "graph",
        "name": name,
        "line": line,
        "nodes": [_node(node) for node in graph.nodes],
        "edges": [_edge(edge) for edge in graph.edges],
    }


def _node(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": node.id,
        "kind": node.kind,
        "op": node.op,
        "grad_fn": node.grad_fn,
        "name": node.name,
        "expression": node.expression,
        "line": node.line,
        "shape": None if node.shape is None else list(node.shape),
        "dtype": node.dtype,
        "value": _data(node.value),
        "grad": _data(node.gradient),
        "has_grad": node.has_gradient,
        "hooks": node.hooks,
    }
    if node.origin is not None:
        found["detached_from"] = node.origin
    if node.fold is not None:
        fold = node.fold._asdict()
        found["folded"] = fold | {"ops": dict(fold["ops"])}
    return found


def _edge(edge: Edge) -> dict[str, Any]:
    found: dict[str, Any] = {"from": edge.source, "to": edge.target, "position": edge.position}
    return found | {"times": edge.times} if edge.times > 1 else found


def _data(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value_json(Tensor(value))["data"]
    return [value.real, value.imag] if isinstance(value, complex) else value_json(value)
