"""What a node's operation was computed from, kept for a person who wants to see the graph, explain or check it.

A node keeps only what its rules need, and a backward pass frees that. While `modes.attend` is `trace`, each node also
gets its result, all its inputs and its parameters, which is enough to differentiate it again and to compute it anew.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine import memory
from gradcli.engine.node import Node

COPIED = 4096
"""Elements up to which an array is copied; of a larger one the memory itself is kept, and a change of it noticed."""


class Traced(NamedTuple):
    """One operation's result, inputs (arrays and numbers, in the order of the node's edges) and parameters.

    `sources` are the result and the inputs as they were handed over, not copied: the memory that a value lies in tells
    which tensor it belongs to. `detached` are the positions of inputs that came from values with a history, but have
    none themselves.
    """

    value: Any
    inputs: tuple[Any, ...]
    parameters: tuple[Any, ...]
    sources: tuple[Any, ...]
    detached: frozenset[int]


_descended: dict[int, Any] = {}
"""The memory of values that come from a leaf, with or without a history, by id: arrays are held weakly."""

_SCALARS_KEPT = 4096
_scalars: deque[int] = deque()


def trace(node: Node | None, value: Any, inputs: tuple[Any, ...], parameters: tuple[Any, ...], op: Any = None) -> None:
    """Keeps what an operation was computed from, on its node."""
    if node is None:
        if any(_descends(array) for part in inputs for array in memory.arrays_in(part)):
            _note_descent(value)
        return
    detached = set()
    for position, array in enumerate(inputs):
        if position < len(node.edges) and node.edges[position]:
            _note_descent(array)
        elif _descends(array):
            detached.add(position)
    _note_descent(value)
    kept = tuple(_kept(array) for array in inputs)
    node.traced = Traced(_kept(value), kept, parameters, (value, *inputs), frozenset(detached))


def traced(node: Node) -> Traced | None:
    """What `trace` kept; none for a node that was made while nobody looked."""
    return getattr(node, "traced", None)


def unchanged(node: Node) -> bool:
    """Whether what a traced node refers to still holds the values of that time."""
    kept = traced(node)
    return kept is None or not any(
        # A scalar can't change: where its tensor did, that has another one now.
        isinstance(array, np.ndarray) and memory.change_since(array, node.order)
        for part in (kept.value, kept.inputs)
        for array in memory.arrays_in(part)
    )


def descended_buffers() -> set[int]:
    """The ids of the arrays that scalars which come from a leaf have moved into since, as `detach` makes them."""
    known = [held() for held in _holders()]
    owners = [memory.owner_of(scalar) for scalar in known if isinstance(scalar, np.generic)]
    return {id(owner) for owner in owners if isinstance(owner, np.ndarray)}


def _holders() -> list[Callable[[], Any]]:
    while True:
        try:
            return list(_descended.values())
        except RuntimeError:
            # The list's own memory made the collector run, and what it freed has left the dict meanwhile.
            continue


def _note_descent(value: Any) -> None:
    for array in memory.arrays_in(value):
        owner = memory.owner_of(array)
        key = id(owner)
        if isinstance(owner, np.ndarray):
            _descended[key] = weakref.ref(owner, lambda _, key=key: _descended.pop(key, None))
        elif key not in _descended:
            # Scalars take no weak references: the newest are held.
            _descended[key] = lambda owner=owner: owner
            _scalars.append(key)
            if len(_scalars) > _SCALARS_KEPT:
                _descended.pop(_scalars.popleft(), None)


def _descends(array: Any) -> bool:
    if not isinstance(array, (np.ndarray, np.generic)):
        return False
    owner = memory.owner_of(array)
    known = _descended.get(id(owner))
    return known is not None and known() is owner


def _kept(value: Any) -> Any:
    if type(value) is tuple:
        return tuple(_kept(part) for part in value)
    return np.array(value) if isinstance(value, np.ndarray) and value.size <= COPIED else value
