"""What a line changed, and how to put it back: names, values, gradients and graphs.

After each line everything that the session's names reach is recorded: the state of each object by reference, and a
copy of each array's elements, because arrays can change in place. What differs from the record after the next line is
what that line changed: a failed line is undone from it at once, and an accepted one keeps it for `:undo`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine import Node, Tensor, modes
from gradcli.engine.hooks import Hooks
from gradcli.engine.memory import arrays_in, change_since, owner_of
from gradcli.engine.node import ACCUMULATE_GRAD, next_order
from gradcli.engine.tensor import AutogradMeta
from gradcli.library.values import Handle
from gradcli.session import Session
from gradcli.state import State

MOST_STEPS = 100
"""Lines that can be undone."""

MOST_BYTES = 2**29
"""Memory that the undoing of lines may hold, beyond the last one's."""

MOST_COPIED = 2**28
"""Memory that the copies of arrays may take: what's larger keeps what a line wrote into it."""

MOST_NODES = 200_000
"""Nodes of graphs that are recorded, in some tenths of a second: past that, what `backward` freed stays freed."""


class _Array(NamedTuple):
    owner: Any
    copy: np.ndarray | None
    changed: int
    """The number of its latest change, as the engine counts them."""


class _Record:
    """The state of everything that a session's names reach."""

    def __init__(self, session: Session, before: _Record | None = None) -> None:
        self.session = session.snapshot()
        self.precision = modes.precision
        self.objects: dict[int, tuple[Any, Any]] = {}
        self.nodes: dict[Node, tuple[Any, Any]] = {}
        self.arrays: dict[int, _Array] = {}
        self.too_many_nodes = False
        self._copied = 0
        self._before = before
        self._follow(self.session.values.values())
        self._before = None
        self.mark = next_order()

    def _follow(self, values: Iterable[Any]) -> None:
        stack = list(values)
        while stack:
            value = stack.pop()
            kind = _kind(value)
            if kind is Node:
                stack.extend(self._enter_nodes(value))
                continue
            if kind in _PLAIN or id(value) in self.objects:
                continue
            if kind in _STATES:
                state = _STATES[kind][0](value)
                self.objects[id(value)] = value, state
                if kind is AutogradMeta:
                    stack += value.grad, value.base, *(value.views.live() if value.views is not None else ())
                    continue
                stack.extend(state)
                if kind is Tensor:
                    self._enter_array(value.array)
            elif isinstance(value, tuple):
                self.objects[id(value)] = value, None
                stack.extend(value)
            elif kind is FunctionType:
                self.objects[id(value)] = value, None
                stack.extend(_closed_over(value))
            elif kind is Handle:
                stack.append(value._functions)

    def _enter_nodes(self, result: Node) -> Iterator[Any]:
        """Records the graph behind a node; gives what hangs on its nodes."""
        stack = [result]
        nodes = self.nodes
        while stack:
            node = stack.pop()
            if node in nodes:
                continue
            if len(nodes) >= MOST_NODES:
                self.too_many_nodes = True
                return
            nodes[node] = node.saved, node.hooks
            if node.op is ACCUMULATE_GRAD:
                yield node.saved
            if node.hooks is not None:
                yield node.hooks
            stack.extend(edge for edge in node.edges if edge)

    def _enter_array(self, array: Any) -> None:
        owner = owner_of(array)
        if id(owner) in self.arrays:
            return
        change: Any = change_since(owner, -1)
        order = 0 if change is None else change.order
        copy = None
        if isinstance(owner, np.ndarray) and owner.flags.writeable:
            known = self._before.arrays.get(id(owner)) if self._before is not None else None
            if self._copied + owner.nbytes <= MOST_COPIED:
                unchanged = known is not None and known.owner is owner and known.changed == order
                copy = known.copy if unchanged else None  # type: ignore[union-attr]
                copy = np.array(owner) if copy is None else copy
                self._copied += owner.nbytes
        self.arrays[id(owner)] = _Array(owner, copy, order)


def _kind(value: Any) -> type:
    return list if isinstance(value, list) else Node if isinstance(value, Node) else type(value)


def _closed_over(function: FunctionType) -> Iterator[Any]:
    yield from function.__defaults__ or ()
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:
            continue


def _slots(kind: type) -> tuple[Callable[[Any], tuple[Any, ...]], Callable[[Any, Any], None]]:
    """Reads and puts back all that an object of the engine has."""
    names = [name for name in kind.__slots__ if not name.startswith("__")]  # type: ignore[attr-defined]

    def put_back(value: Any, state: tuple[Any, ...]) -> None:
        for name, part in zip(names, state, strict=True):
            setattr(value, name, part)

    return attrgetter(*names), put_back


def _put_back_dict(value: dict[Any, Any], state: tuple[Any, ...]) -> None:
    value.clear()
    value.update(zip(state[::2], state[1::2], strict=True))


_STATES: dict[type, tuple[Callable[[Any], tuple[Any, ...]], Callable[[Any, Any], None]]] = {
    Tensor: _slots(Tensor),
    AutogradMeta: _slots(AutogradMeta),
    Hooks: _slots(Hooks),
    list: (tuple, lambda values, state: list.__setitem__(values, slice(None), state)),
    dict: (lambda d: tuple(part for item in d.items() for part in item), _put_back_dict),
}
"""How the state of what can change is read, as references, and put back."""

_PLAIN = frozenset((type(None), int, float, bool, str, bytes, np.ndarray, object))


class Change:
    """What differs now from a record: enough to go back to it, and no more."""

    def __init__(self, record: _Record) -> None:
        self.session: State = record.session
        self.precision = record.precision
        self.objects = [
            (value, state)
            for value, state in record.objects.values()
            if state is not None and _differs(_STATES[_kind(value)][0](value), state)
        ]
        self.nodes = [
            (node, saved, hooks)
            for node, (saved, hooks) in record.nodes.items()
            if node.saved is not saved or node.hooks is not hooks
        ]
        self.arrays = [array for array in record.arrays.values() if change_since(array.owner, record.mark) is not None]
        self.freed_too_many = record.too_many_nodes

    def size_beside(self, record: _Record, now: _Record) -> int:
        """The bytes that only this change keeps from being freed."""
        gone = [array.owner for key, array in record.arrays.items() if key not in now.arrays]
        gone += [array.copy for array in self.arrays if array.copy is not None]
        freed = [saved for node, (saved, _) in record.nodes.items() if node not in now.nodes]
        freed += [saved for _, saved, _ in self.nodes]
        gone += [array for saved in freed if type(saved) is tuple for array in arrays_in(saved)]
        return sum({id(array): array.nbytes for array in gone}.values())

    def put_back(self, session: Session) -> list[str]:
        """Goes back; returns what was too large to be recorded and keeps what the line did to it, in words."""
        session.restore(self.session)
        modes.precision = self.precision
        for value, state in self.objects:
            _STATES[_kind(value)][1](value, state)
        for node, saved, hooks in self.nodes:
            node.saved, node.hooks = saved, hooks
        lost: set[int] = set()
        for array in self.arrays:
            if array.copy is not None:
                np.copyto(array.owner, array.copy)
            elif isinstance(array.owner, np.ndarray):
                lost.add(id(array.owner))
                continue
            latest: Any = change_since(array.owner, -1)
            if latest is not None:
                # The elements are those of before: what saved them finds them unchanged.
                latest.order = array.changed
        kept = [f"`{name}`" for name, x in session.named_tensors().items() if id(owner_of(x.array)) in lost]
        return kept + ["parts of a graph"] * (self.freed_too_many and bool(self.nodes))


def _differs(now: tuple[Any, ...], state: tuple[Any, ...]) -> bool:
    return len(now) != len(state) or any(one is not other for one, other in zip(now, state, strict=True))


class Past:
    """The changes of a session's lines, newest last; what else belongs to a line (its text) goes with its change."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._record = _Record(session)
        self._steps: deque[tuple[Change, int, Any]] = deque()

    def accept(self, other: Any) -> None:
        """What happened since the last time can be undone as one step, which gives `other` back."""
        change = Change(self._record)
        now = _Record(self.session, self._record)
        self._steps.append((change, change.size_beside(self._record, now), other))
        self._record = now
        while len(self._steps) > 1 and (
            len(self._steps) > MOST_STEPS or sum(size for _, size, _ in self._steps) > MOST_BYTES
        ):
            self._steps.popleft()

    def put_back(self) -> list[str]:
        """Undoes what happened since the last line was accepted; returns what couldn't be put back."""
        return Change(self._record).put_back(self.session)

    def undo(self) -> tuple[Any, list[str]] | None:
        """Undoes the last accepted step: what was given with it, and what couldn't be put back; none without a step."""
        if not self._steps:
            return None
        change, _, other = self._steps.pop()
        lost = change.put_back(self.session)
        self._record = _Record(self.session)
        return other, lost
