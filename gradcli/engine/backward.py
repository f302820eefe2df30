"""The backward pass: from results to leaves, newest node first, without recursion."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from operator import attrgetter
from typing import Any

import numpy as np

from gradcli.engine import memory, modes
from gradcli.engine.broadcasting import unbroadcast
from gradcli.engine.conversion import as_tensor
from gradcli.engine.hooks import Hooks
from gradcli.engine.node import ACCUMULATE_GRAD, PART, Freed, FusedNode, Node, passes, sources
from gradcli.engine.operation import no_rule
from gradcli.engine.tensor import CUT, AutogradMeta, Tensor
from gradcli.errors import AutogradFailure, ShapeFailure, unless_time_is_over

_order = attrgetter("node.order")


class Reached:
    """What a pass came to: gradients of leaves, of tensors asked for, and of tensors that retain theirs."""

    __slots__ = ("captured", "leaves", "retained")

    def __init__(self) -> None:
        self.leaves: list[tuple[Node, Any]] = []
        self.captured: dict[Node, Any] = {}
        self.retained: list[tuple[AutogradMeta, Any]] = []


def propagate(
    roots: Iterable[tuple[Node, Any]],
    *,
    wanted: set[Node] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> Reached:
    """Carries the gradients of `roots` back through the graph.

    Gradients are arrays, or tensors under `create_graph`. With `wanted`, only nodes that lead to one of those are
    visited, and what arrives at them is captured. Nothing outside of the graph is changed.
    """
    roots = list(roots)
    if wanted is None:
        return _propagated(roots, None, None, retain_graph, create_graph)
    needed = _leading_to(wanted, [node for node, _ in roots], create_graph)
    passes.append(needed)
    try:
        return _propagated(roots, wanted, needed, retain_graph, create_graph)
    finally:
        passes.pop()


def _propagated(
    roots: list[tuple[Node, Any]],
    wanted: set[Node] | None,
    needed: set[Node] | None,
    retain_graph: bool,
    create_graph: bool,
) -> Reached:
    """`propagate`, which goes through the nodes that are `needed` alone."""
    reached = Reached()
    waiting = _Waiting()
    heap, entries = waiting.heap, waiting.entries
    leaves: dict[Node, _Sum] = {}
    freed = None if retain_graph else Freed()
    if len(roots) == 1 and needed is None:
        # The usual pass begins without waiting.
        node, g = roots[0]
    else:
        for root, given in roots:
            if needed is None or root in needed:
                waiting.add(root, given)
        node, g = waiting.newest()
    while node is not None:
        if node.hooks is not None:
            g = _run_hooks(node.hooks, g, reached)
        if wanted is not None and node in wanted:
            reached.captured[node] = g
        op = node.op
        # The newest of the nodes that a gradient goes to is held in hand: in a chain it's the next to visit.
        held = held_g = None
        held_order = 0
        if op is ACCUMULATE_GRAD:
            if wanted is None:
                reached.leaves.append((node, g))
        elif op is PART:
            waiting.add_part(node, g)
        elif needed is None or any(edge in needed for edge in sources(node)):
            gradients = saved = shapes = None
            if node.__class__ is FusedNode and not create_graph:
                gradients = _carried(node, g)
                if gradients is None:
                    node.unfold()
            if gradients is not None:
                parts, edges, _ = node.fused
                rules = edges
                if freed is not None and parts.frees:
                    node.fused = parts, edges, freed
            else:
                saved = node.saved
                if saved.__class__ is Freed:
                    raise second_backward(node)
                if memory.newest_change > node.order:
                    _check_unchanged(node)
                if create_graph:
                    saved = _as_recorded(node)
                edges = node.edges
                rules = op.rules
                if needed is not None:
                    edges = tuple(edge if edge in needed else None for edge in edges)
                if op.joint:
                    gradients = rules[0](tuple(edge is not None for edge in edges), g, *saved)
                    edges = rules = tuple(
                        None if part is None else edge for edge, part in zip(edges, gradients, strict=True)
                    )
                shapes = node.shapes
            position = -1
            for edge, rule in zip(edges, rules):  # noqa: B905  (`strict` would double what zip costs here)
                position += 1
                if edge is not None:
                    if gradients is not None:
                        contribution = gradients[position]
                    elif rule is None:
                        raise no_rule(op, position)
                    else:
                        contribution = rule(g, *saved)
                    if modes.raised is not None:
                        modes.watch.gradient(node, g, contribution, [root for root, _ in roots])
                    if shapes is not None and shapes[position] is not None:
                        contribution = unbroadcast(contribution, shapes[position])
                    if edge is held:
                        held_g = held_g + contribution
                        continue
                    order = edge.order
                    if entries and order in entries:
                        entries[order].add(contribution)
                    elif edge.op is ACCUMULATE_GRAD and wanted is None and edge.hooks is None:
                        # A leaf without hooks needs no visit.
                        total = leaves.get(edge)
                        if total is None:
                            leaves[edge] = _Sum(edge, contribution)
                        else:
                            total.add(contribution)
                    elif held is None:
                        held, held_g, held_order = edge, contribution, order
                    elif order < held_order:
                        waiting.enter(order, edge, contribution)
                    else:
                        waiting.enter(held_order, held, held_g)
                        held, held_g, held_order = edge, contribution, order
            if freed is not None and saved is not None and (op.frees or (op.frees is None and node.frees)):
                node.saved = freed
            saved = None
        if heap and held_order < -heap[0]:
            if held is not None:
                waiting.enter(held_order, held, held_g)
            node, g = waiting.newest()
        else:
            node, g = held, held_g
    reached.leaves += [(leaf.node, leaf.g) for leaf in sorted(leaves.values(), key=_order, reverse=True)]
    return reached


def _carried(node: FusedNode, g: Any) -> tuple[Any, ...] | None:
    """The gradients of a fused node's inputs; none where its operations must be gone through one by one."""
    parts, _, values = node.fused
    if values.__class__ is Freed:
        return None
    if memory.newest_change > node.order and any(memory.change_since(value, node.order) for value in values):
        return None
    try:
        gradients = parts.carry(g, values)
        if modes.raised is None:
            return gradients
    except Exception as problem:
        # What goes wrong is told when it does so again, in the operation that is to blame.
        unless_time_is_over(problem)
    modes.raised = None
    return None


class _Sum:
    """A node, and the sum of the gradients that have come to it so far."""

    __slots__ = ("g", "node", "ours")

    def __init__(self, node: Node, g: Any) -> None:
        self.node = node
        self.g = g
        self.ours = False

    def add(self, g: Any) -> None:
        if self.ours:
            # A sum that this pass made is its own to add to; what a rule returned may be somebody else's memory.
            np.add(self.g, g, out=self.g)
        else:
            self.g = self.g + g
            self.ours = self.g.__class__ is np.ndarray and g.__class__ is np.ndarray


class _Waiting:
    """The nodes that wait.

    A consumer is always newer than what it consumes, so by descending number every node comes after all its consumers.
    """

    __slots__ = ("entries", "heap")

    def __init__(self) -> None:
        self.heap: list[int] = []
        self.entries: dict[int, _Sum] = {}

    def enter(self, order: int, node: Node, g: Any) -> None:
        """A node that doesn't wait yet."""
        self.entries[order] = _Sum(node, g)
        heappush(self.heap, -order)

    def add(self, node: Node, g: Any) -> None:
        entry = self.entries.get(node.order)
        if entry is None:
            self.enter(node.order, node, g)
        else:
            entry.add(g)

    def add_part(self, node: Node, g: Any) -> None:
        """Puts a part's gradient in its place of the list for the node that made all parts."""
        maker = node.edges[0]
        index, count = node.saved
        if maker.order not in self.entries:
            self.enter(maker.order, maker, [None] * count)
        parts = self.entries[maker.order].g
        parts[index] = g if parts[index] is None else parts[index] + g

    def newest(self) -> tuple[Node | None, Any]:
        """The newest of the nodes that wait, and its gradient; none where nothing waits."""
        if not self.heap:
            return None, None
        entry = self.entries.pop(-heappop(self.heap))
        return entry.node, entry.g


def _leading_to(wanted: set[Node], roots: list[Node], create_graph: bool) -> set[Node]:
    """The nodes below `roots` from which a wanted one can be reached.

    A fused node is unfolded where the pass will go through a part of it.
    """
    seen = set(roots)
    stack = list(roots)
    while stack:
        for edge in sources(stack.pop()):
            if edge and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    leading: set[Node] = set()
    for node in sorted(seen, key=lambda node: node.order):
        if node in wanted or any(edge in leading for edge in sources(node) if edge):
            leading.add(node)
    in_part = [
        node for node in leading if type(node) is FusedNode and (create_graph or not leading.issuperset(node.fused[1]))
    ]
    for node in in_part:
        node.unfold()
    return _leading_to(wanted, roots, create_graph) if in_part else leading


def _run_hooks(hooks: Hooks, g: Any, reached: Reached) -> Any:
    for function in list(hooks.functions.values()):
        tensor = g if type(g) is Tensor else Tensor(g, CUT)
        replaced = function(tensor)
        if replaced is not None:
            replaced = as_tensor(replaced, tensor.dtype)
            if replaced.shape != tensor.shape:
                raise ShapeFailure(
                    f"a hook returned a gradient of shape {replaced.shape}, where shape {tensor.shape} is wanted",
                    help="a hook returns none, or a gradient of the same shape",
                )
            g = replaced if type(g) is Tensor else replaced.array
    # As in torch, what's retained is the gradient after all hooks, whenever they were registered.
    if hooks.retain is not None:
        reached.retained.append((hooks.retain, g))
    return g


def _as_recorded(node: Node) -> tuple:
    """What a node saved, as tensors with their history, for a rule that records itself."""
    op, saved = node.op, node.saved
    out = saved[0]
    if type(out) is tuple:
        out = tuple(Tensor(part, Node(PART, (node,), (k, len(out)))) for k, part in enumerate(out))
    elif out is not None:
        out = Tensor(out, node)
    if op.variadic:
        return (
            out,
            tuple(_with_history(value, edge) for value, edge in zip(saved[1], node.edges, strict=True)),
            *saved[2:],
        )
    inputs = (_with_history(value, edge) for value, edge in zip(saved[1 : op.arity + 1], node.edges, strict=True))
    return (out, *inputs, *saved[op.arity + 1 :])


def _with_history(value: Any, edge: Any) -> Any:
    return Tensor(value, edge) if edge and value is not None and type(value) is not tuple else value


def _check_unchanged(node: Node) -> None:
    found = memory.changed_saved_value(node)
    if found is None:
        return
    position, change = found
    value = "its result" if position == 0 else "a value that it needs"
    raise AutogradFailure(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"{node.op.name} at {{saver}} saved {value}, and {{change}} changed it",
        help="make a new value instead of changing the old one ({change.instead}), or change a `.clone()`",
        places={
            "saver": node.place,
            "change": (change.code, change.instruction),
        },
    )


def second_backward(node: Node) -> AutogradFailure:
    """The failure of a pass through nodes that an earlier pass has freed."""
    freed: Freed = node.saved
    return AutogradFailure(
        "Trying to backward through the graph a second time: its saved values were freed by the backward at {freed}",
        label="the graph behind this was freed",
        help="sum the losses and call backward once, or `.detach()` what comes from the step before; "
        "if the same graph is really needed again, keep it: `backward y retain` or `y.backward(retain_graph=true)`",
        places={"freed": (freed.code, freed.instruction)},
    )
