"""Graphs to test with: behind a name of a script, or made by hand."""

from __future__ import annotations

from types import CodeType

from gradcli import Session
from gradcli.analysis.graph import LEAF, OPERATION, RESULT, Edge, Graph, Node, graph_of
from gradcli.analysis.history import History, Place, history_of

SCRIPTS = {
    "seed": "x = arange(4)\ny = 2*dot(x, x)\nbackward y",
    "detached": "x = arange(4)\nu = x*x\nv = u.detach()\nmask = x > 1\ny = sum(v*x + where(mask, x, 0.0))",
    "diamond": "x = 3\na = x^2\nb = sin(a)\nc = exp(a)\ny = b*c + a",
    "step": (
        "X = arange(24).reshape(8, 3).detach()\nW1 = ones(3, 5)*0.1\nb1 = zeros(5)\nW2 = ones(5, 1)\n"
        "h = tanh(X @ W1 + b1)\no = h @ W2\ny = mean((o - 1)^2)"
    ),
    "loop": "w = 1.5\nz = w\nfor i in range(1000) { z = sin(z)*w\n z = z + i }\ny = z*2",
    "chain": "x = 0.5\ny = x\nfor i in range(4) { y = cos(exp(-y)) }",
    "several": "x = arange(6)\na, b = split(x*2, 3)\nm = max(stack([a, b]), 0)\ny = sum(m.values) + sum(a)",
}


def history_behind(source: str, name: str = "y") -> tuple[Session, History]:
    session = Session()
    session.tracing = True
    list(session.run(source, "t.gr"))
    lines = source.split("\n")

    def place_of(code: CodeType, instruction: int) -> Place | None:
        unit = session._units[code.co_filename]
        span = unit.span_of(code, instruction)
        if span is None:
            return None
        end = span.end_column - 1 if span.end_line == span.line else None
        return Place(span, lines[span.line - 1][span.column - 1 : end], unit.name_at(span))

    return session, history_of(session[name], place_of, session.named_tensors())


def graph_behind(source: str, name: str = "y") -> Graph:
    session, history = history_behind(source, name)
    return graph_of(history, names=session.named_tensors())


def line_of_nodes(length: int) -> Graph:
    """x -> n1 -> n2 -> ...: no two of them from the same place of a script."""
    nodes = [Node("n0", LEAF, name="x", line=1, shape=(), dtype="float64")]
    for k in range(1, length):
        kind = RESULT if k == length - 1 else OPERATION
        nodes.append(Node(f"n{k}", kind, "sin", "SinBackward0", None, f"sin(v{k})", k, shape=(), dtype="float64"))
    return Graph(nodes, [Edge(f"n{k - 1}", f"n{k}", 0) for k in range(1, length)])
