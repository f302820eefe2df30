"""The graph of what ran, as data: nodes and edges, in the words of the script.

    graph = graph_of(history)                   # every node
    graph = folded(graph_of(history))           # repetitions and what goes beyond 200 nodes, counted (folding.py)

The renderers draw a graph as it's given to them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from gradcli.analysis.history import History, Step
from gradcli.engine import Tensor, memory
from gradcli.engine.node import PART
from gradcli.engine.tracing import Traced, descended_buffers, traced

SMALL = 12
"""Elements up to which a node has its value and its gradient: what a person takes in at a glance."""

LEAF, OPERATION, RESULT, CONSTANT, DETACHED, FOLDED = "leaf", "operation", "result", "constant", "detached", "folded"

SOURCES = frozenset((LEAF, CONSTANT, DETACHED))
"""The kinds of nodes that nothing leads to."""


class Fold(NamedTuple):
    """What a folded node stands for: `repeats` rounds of `operations` in all, `ops` with their counts, their lines."""

    repeats: int
    operations: int
    ops: tuple[tuple[str, int], ...]
    first_line: int | None
    last_line: int | None
    leaves: int = 0
    constants: int = 0


@dataclass(slots=True)
class Node:
    """One node of a graph.

    `id` is stable: the same script gives the same ids. `op` is the operation's name in the vocabulary, `grad_fn` is
    torch's (`MulBackward0`). `expression` is the script's own text that made the value; where one expression takes
    several operations, all but its last are `inner`. A value or gradient is there where it is small; `has_gradient`
    says whether there is one, `awaits_gradient` whether a backward pass would keep one. `origin` is what a detached
    value was detached from, where that's known.
    """

    id: str
    kind: str
    op: str | None = None
    grad_fn: str | None = None
    name: str | None = None
    expression: str | None = None
    line: int | None = None
    inner: bool = False
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    value: Any = None
    gradient: Any = None
    has_gradient: bool = False
    awaits_gradient: bool = False
    hooks: int = 0
    origin: str | None = None
    fold: Fold | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """Nodes of one key come from the same place in the script."""
        return self.grad_fn, self.op, self.line, self.expression


class Edge(NamedTuple):
    """`source` is the input of `target` at `position`; of a folded node, as many as `times` edges in one."""

    source: str
    target: str
    position: int
    times: int = 1


@dataclass(slots=True)
class Graph:
    """Nodes, each after its inputs, and the edges between them; the last node is the result."""

    nodes: list[Node]
    edges: list[Edge]
    _inputs: dict[str, list[Edge]] | None = field(default=None, repr=False, compare=False)

    @property
    def result(self) -> Node:
        return self.nodes[-1]

    @property
    def inputs(self) -> Mapping[str, list[Edge]]:
        """The edges that lead to each node, by its id, in the order of its operands."""
        if self._inputs is None:
            found: dict[str, list[Edge]] = {node.id: [] for node in self.nodes}
            for edge in self.edges:
                found[edge.target].append(edge)
            for edges in found.values():
                edges.sort(key=lambda edge: edge.position)
            self._inputs = found
        return self._inputs


def graph_of(
    history: History,
    leaf_gradients: Mapping[Step, Any] | None = None,
    names: Mapping[str, Tensor] | None = None,
) -> Graph:
    """The graph behind a result.

    `leaf_gradients` are the gradients to show; by default those that the leaves (and results that were told to retain
    theirs) have now. `names` are the tensors that have names now: constants and detached values are called by them.
    """
    gradients = _gradients_now(history) if leaf_gradients is None else leaf_gradients
    inner = _inner_steps(history.steps)
    ids = {step: f"n{step.number}" for step in history.steps}
    untracked = _Untracked(history, ids, names or {})
    nodes: list[Node] = []
    edges: list[Edge] = []
    for step in history.steps:
        for position, part in enumerate(step.inputs):
            if type(part) is Step:
                edges.append(Edge(ids[part], ids[step], position))
            elif _is_value(part):
                node, new = untracked.node(step, position, part)
                if new:
                    nodes.append(node)
                edges.append(Edge(node.id, ids[step], position))
        kind = LEAF if step.is_leaf else RESULT if step is history.result else OPERATION
        nodes.append(_node(step, ids[step], kind, step in inner, gradients.get(step)))
    return Graph(nodes, edges)


def _node(step: Step, id: str, kind: str, inner: bool, gradient: Any) -> Node:
    place, hooks = step.place, step.node.hooks
    name = step.name
    if inner and place is not None and name == place.name:
        name = None
    if isinstance(gradient, Tensor):
        gradient = gradient.array
    op = step.op
    if step.node.op is PART:
        op = f"{step.inputs[0].op}[{step.parameters[0]}]"
    return Node(
        id,
        kind,
        None if step.is_leaf else op,
        None if step.is_leaf else step.grad_name,
        name,
        None if place is None else _one_line(place.text),
        None if place is None else place.span.line,
        inner,
        *_facts(step.value),
        gradient=_small(gradient),
        has_gradient=gradient is not None,
        awaits_gradient=step.is_leaf or (hooks is not None and hooks.retain is not None),
        hooks=0 if hooks is None else len(hooks.functions),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _facts(value: Any) -> tuple[tuple[int, ...] | None, str | None, Any]:
    """Shape, dtype and, where it's small, the value itself; nothing of several results."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.shape, value.dtype.name, _small(value)
    if value is None or type(value) is tuple:
        return None, None, None
    if not hasattr(value, "shape"):
        return (), None, value
    return tuple(value.shape), str(value.dtype), None


def _small(value: Any) -> Any:
    return value if getattr(value, "size", 0) <= SMALL else None


def _is_value(part: Any) -> bool:
    return hasattr(part, "dtype") or isinstance(part, (bool, int, float, complex))


def _gradients_now(history: History) -> dict[Step, Any]:
    found = {}
    for step in history.steps:
        keeper = step.node.saved if step.is_leaf else None if step.node.hooks is None else step.node.hooks.retain
        gradient = getattr(keeper, "grad", None)
        if gradient is not None:
            found[step] = gradient.array
    return found


# ---- expressions of several operations


def _inner_steps(steps: list[Step]) -> set[Step]:
    """The steps that aren't the last of those which one evaluation of an expression took.

    Operations of the same place that follow each other are one evaluation or, in a loop, several: as many as the
    shortest period of their names makes of them. The parts of a result are what the expression gives.
    """
    inner: set[Step] = set()
    run: list[Step] = []
    for step in [*(step for step in steps if not step.is_leaf and step.node.op is not PART), None]:
        if run and (step is None or step.place is None or step.place.span != run[0].place.span):  # type: ignore[union-attr]
            period = _period([one.op for one in run])
            inner.update(one for k, one in enumerate(run, 1) if k % period)
            run = []
        if step is not None and step.place is not None:
            run.append(step)
    return inner


def _period(words: list[str]) -> int:
    """The length of the shortest piece that `words` is a repetition of (Knuth, Morris and Pratt's border)."""
    border = [0] * len(words)
    for k in range(1, len(words)):
        j = border[k - 1]
        while j and words[k] != words[j]:
            j = border[j - 1]
        border[k] = j + (words[k] == words[j])
    shortest = len(words) - border[-1]
    return shortest if len(words) % shortest == 0 else len(words)


# ---- what is not differentiated: constants, and values that were cut off


class _Untracked:
    """Nodes for the inputs without history, one for each number written and one for each array.

    Detached is what came from values with a history; any other is a constant.
    """

    def __init__(self, history: History, ids: Mapping[Step, str], names: Mapping[str, Tensor]) -> None:
        self.nodes: dict[tuple[int, bool], Node] = {}
        self.count = 0
        self.named: dict[int, list[tuple[str, Tensor]]] = defaultdict(list)
        self.owners: dict[int, tuple[int, str]] = {}
        """What the memory of a value with a history is called, and since which step it holds it; 0 for a leaf's."""
        self.descended = descended_buffers()
        self.written: dict[Step, int] = {}
        """The memory that a step's result is written into: what it held before is no detached value."""
        for step in history.steps:
            kept = traced(step.node)
            if kept is None:
                continue
            made = id(memory.owner_of(kept.sources[0])) if type(kept.value) is not tuple else 0
            for part, source in zip(step.inputs, kept.sources[1:], strict=False):
                owner = id(memory.owner_of(source))
                if owner == made and not getattr(step.node.op, "view", False):
                    self.written.update((one, made) for one in (step, *step.inputs) if type(one) is Step)
                if type(part) is Step and part.is_leaf:
                    self.owners.setdefault(owner, (0, part.name or ids[part]))
            called = step.name or (None if step.place is None else _one_line(step.place.text)) or step.op
            self.owners.setdefault(made, (step.number, called))
        for name, tensor in names.items():
            owner = id(memory.owner_of(tensor.array))
            self.named[owner].append((name, tensor))
            if tensor.node:
                self.owners.setdefault(owner, (0, name))

    def node(self, step: Step, position: int, value: Any) -> tuple[Node, bool]:
        """The node of an input, and whether it's new."""
        kept: Traced | None = traced(step.node)
        source = value if kept is None else kept.sources[1 + position]
        shared = isinstance(source, np.ndarray) and source.ndim > 0
        written = step in self.written and self.written[step] == id(memory.owner_of(source))
        if shared and (id(source), written) in self.nodes:
            return self.nodes[id(source), written], False
        self.count += 1
        line = None if step.place is None else step.place.span.line
        node = Node(f"c{self.count}", CONSTANT, None, None, None, None, line, False, *_facts(value))
        if isinstance(source, (np.ndarray, np.generic)):
            self._call(node, source)
            if not written:
                self._tell_detached(node, step, source, kept is not None and position in kept.detached)
        if shared:
            self.nodes[id(source), written] = node
        return node, True

    def _call(self, node: Node, source: Any) -> None:
        owner = memory.owner_of(source)
        for name, tensor in self.named[id(owner)]:
            # The very array, or all of the memory that it's a view of: a part of it is another value.
            whole = tensor.array is owner and np.shape(source) == tensor.array.shape
            if not tensor.node and (tensor.array is source or whole):
                node.name = name
                break

    def _tell_detached(self, node: Node, step: Step, source: Any, detached: bool) -> None:
        owner = memory.owner_of(source)
        number, origin = self.owners.get(id(owner), (step.number, None))
        if origin is not None and number < step.number:
            node.kind, node.origin = DETACHED, origin
        elif detached or (not source.ndim and id(owner) in self.descended):
            node.kind = DETACHED
