"""What the values of a history are called in a derivation, and how the operations on them are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from gradcli.analysis.graph import CONSTANT, DETACHED, LEAF, Graph
from gradcli.analysis.history import History, Step
from gradcli.analysis.symbols import Symbol, operation_text
from gradcli.engine.node import PART

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def id_of(step: Step) -> str:
    """The id of a step's node in the graph."""
    return f"n{step.number}"


class Naming:
    """`called` has a name for each node of the graph but plain numbers and what is taken apart; no two are alike.

    A name is the script's, else v1, v2, ..., for leaves w1, w2, ..., for constants c1, c2, .... Of several values of
    one name all but the last are numbered: s₁, s₂, s.
    """

    def __init__(self, history: History, graph: Graph, others: Iterable[str] = ()) -> None:
        """`others` are names that mean something else in the script."""
        self.others = set(others)
        self.steps = {id_of(step): step for step in history.steps}
        self.nodes = {node.id: node for node in graph.nodes}
        self.constants = {
            (edge.target, edge.position): self.nodes[edge.source]
            for edge in graph.edges
            if self.nodes[edge.source].kind in (CONSTANT, DETACHED)
        }
        self.called = self._names(history, graph)

    def symbol(self, step: Step, position: int) -> Any:
        """What an input is written as: its name, or the number that it is."""
        part = step.inputs[position]
        if type(part) is Step:
            ndim = getattr(part.value, "ndim", 0)
            if type(part.value) is tuple:
                return Symbol(self.equation(part))
            return Symbol(self.called[id_of(part)], ndim)
        node = self.constants.get((id_of(step), position))
        if node is not None and node.id in self.called:
            return Symbol(self.called[node.id], getattr(part, "ndim", 0))
        return part

    def equation(self, step: Step) -> str:
        """A step's operation on its inputs; of one of several results, with its number."""
        if step.node.op is PART:
            return f"{self.equation(step.inputs[0])}[{step.parameters[0]}]"
        inputs = [self.symbol(step, position) for position in range(len(step.inputs))]
        return operation_text(step.node.op, inputs, step.parameters)

    def _names(self, history: History, graph: Graph) -> dict[str, str]:
        """A name for each node's value, no two alike."""
        given = {id: node.name for id, node in self.nodes.items() if node.name is not None}
        for id, step in self.steps.items():
            if id not in given and step.is_leaf and step.place is not None and step.place.name is not None:
                given[id] = step.place.name
        taken = {*given.values(), *self.others}
        root = id_of(history.result)
        if root not in given:
            given[root] = _free(("y", "f", "result"), taken)
        versions = Counter(given[node.id] for node in graph.nodes if node.id in given)
        seen: Counter[str] = Counter()
        prefixes = {LEAF: _numbered("w", taken), CONSTANT: _numbered("c", taken), DETACHED: _numbered("c", taken)}
        others = _numbered("v", taken)
        called = {}
        for node in sorted(graph.nodes, key=lambda node: node.kind != LEAF):
            base = given.get(node.id)
            if base is not None:
                seen[base] += 1
                last = seen[base] == versions[base]
                called[node.id] = base if last else base + str(seen[base]).translate(_SUBSCRIPTS)
            elif node.kind in (LEAF, CONSTANT, DETACHED):
                if node.shape or node.kind == LEAF:
                    called[node.id] = next(prefixes[node.kind])
            elif type(self.steps[node.id].value) is not tuple:
                called[node.id] = next(others)
        return called


def _free(words: Iterable[str], taken: set[str]) -> str:
    return next(word for word in (*words, *(f"result{k}" for k in range(len(taken) + 1))) if word not in taken)


def _numbered(prefix: str, taken: set[str]) -> Iterator[str]:
    k = 0
    while True:
        k += 1
        if f"{prefix}{k}" not in taken:
            yield f"{prefix}{k}"
