"""Derivatives whose own history is made only when somebody asks for it.

A Jacobian's values come from one pass over arrays. To differentiate it further, the passes must be recorded, which
costs many times as much, and most Jacobians are never differentiated. So such a result gets a node with a rule that
computes it again, recorded, and goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradcli.engine import modes
from gradcli.engine.gradients import grad
from gradcli.engine.modes import grad_mode
from gradcli.engine.node import ACCUMULATE_GRAD, Marker, Node
from gradcli.engine.tensor import CUT, Tensor


def frontier(tensors: Iterable[Tensor], before: int) -> list[Node]:
    """The nodes older than number `before` that the history of `tensors` since then stands on."""
    seen = {tensor.node for tensor in tensors if tensor.node}
    stack = list(seen)
    found = []
    while stack:
        node = stack.pop()
        if node.order < before:
            found.append(node)
            continue
        for edge in node.edges:
            if edge and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return found


def deferred(value: Tensor, again: Callable[[], Tensor], edges: list[Node], name: str) -> Tensor:
    """`value` with a history that ends at `edges`; `again` gives the same value, recorded down to them."""

    def rule(needs: tuple[bool, ...], g: Any, *_: Any) -> list[Any]:
        create_graph = type(g) is Tensor
        with grad_mode(True):
            result = again()
        if not result.node:
            return [None] * len(edges)
        ends = [Tensor(np.zeros(()), edge) for edge in edges]
        vector = g if create_graph else Tensor(g, CUT)
        with _ending_at(edges):
            found = grad([result], ends, [vector], retain_graph=True, create_graph=create_graph, allow_unused=True)
        return [part if part is None or create_graph else part.array for part in found]

    marker = Marker("jacobian", name, rule, len(edges))
    node = Node(marker, tuple(edges), (None,) * (len(edges) + 1))
    if modes.attend is not None:
        modes.attend(node, value.array, (None,) * len(edges), ())
    return Tensor(value.array, node)


@contextmanager
def _ending_at(nodes: list[Node]) -> Iterator[None]:
    """A pass inside the block goes no further than `nodes`: each gets what comes to it directly, and keeps it.

    One of them may well stand on another, and the pass that asked for these gradients carries them on.
    """
    kept = [(node, node.op, node.hooks) for node in nodes]
    for node in nodes:
        node.op, node.hooks = ACCUMULATE_GRAD, None
    try:
        yield
    finally:
        for node, op, hooks in kept:
            node.op, node.hooks = op, hooks
