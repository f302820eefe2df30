"""The seam for what only an ndarray can do: sharing memory, and being written in place.

A change in place is stamped from the counter that numbers the nodes. A node that saved a value compares its own number
with the newest stamp of all, which costs nothing where nothing was changed; only then is the value's memory looked up.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from sys import getrefcount
from typing import Any

import numpy as np

from gradcli.engine.node import Node, next_order, site
from gradcli.engine.tensor import Tensor
from gradcli.errors import ValueFailure

newest_change = 0
"""The stamp of the latest change of any memory."""


class Change:
    """The latest change of one piece of memory: when, and where in a script."""

    __slots__ = ("code", "instruction", "order", "owner")

    def __init__(self, owner: Any) -> None:
        self.owner = owner


_changes: dict[int, Change] = {}
_moved: dict[int, tuple[Any, Any]] = {}
"""Scalars whose tensor moved into an array, which nodes may have saved; by id, with the array, held weakly."""

_SCALARS_KEPT = 4096


def owner_of(array: Any) -> Any:
    """The array that holds the memory which `array` looks into; a NumPy scalar holds its own."""
    if array.__class__ is np.ndarray and array.base is None:
        return array
    while isinstance(array, np.ndarray):
        base = array.base
        if not isinstance(base, np.ndarray):
            # `as_strided` puts an object of its own between a view and its array.
            base = getattr(base, "base", None)
            if not isinstance(base, np.ndarray):
                return array
        array = base
    moved = _moved.get(id(array))
    return array if moved is None or moved[0] is not array else moved[1]() or array


def stamp(array: Any) -> None:
    """Notes that the memory of `array` changed just now."""
    global newest_change
    owner = owner_of(array)
    key = id(owner)
    change = _changes.get(key)
    if change is None or change.owner() is not owner:
        if isinstance(owner, np.ndarray):
            change = Change(weakref.ref(owner, lambda _, key=key: _changes.pop(key, None)))
        else:
            # Scalars take no weak references. They are only stamped when somebody else holds them (see `write`), and
            # let go of when nobody does any more.
            if len(_changes) > _SCALARS_KEPT:
                _drop_scalars()
            change = Change(lambda: owner)
        _changes[key] = change
    change.order = newest_change = next_order()
    change.code, change.instruction = site()


def _drop_scalars() -> None:
    for key, change in list(_changes.items()):
        if not isinstance(change.owner, weakref.ref) and getrefcount(change.owner()) <= 2:
            del _changes[key]


def change_since(value: Any, order: int) -> Change | None:
    """The change of `value`'s memory that came after `order`, if there was one."""
    owner = owner_of(value)
    change = _changes.get(id(owner))
    return change if change is not None and change.order > order and change.owner() is owner else None


def changed_saved_value(node: Node) -> tuple[int, Change] | None:
    """Which of a node's saved values (0 is the output, then the inputs) was changed after it was saved."""
    for position, value in enumerate(node.saved):
        for array in arrays_in(value):
            change = change_since(array, node.order)
            if change is not None:
                return position, change
    return None


def arrays_in(value: Any) -> Iterator[Any]:
    """The arrays in what a node saved: itself, or those of several inputs or of an index."""
    if isinstance(value, (np.ndarray, np.generic)):
        yield value
    elif type(value) is tuple or type(value) is list:
        for item in value:
            yield from arrays_in(item)


def buffer(tensor: Tensor) -> Any:
    """The tensor's memory, to be shared: a scalar moves into a 0-d array first."""
    scalar = tensor.array
    if isinstance(scalar, np.generic):
        tensor.array = np.array(scalar)
        if getrefcount(scalar) > 2:
            key = id(scalar)
            _moved[key] = scalar, weakref.ref(tensor.array, lambda _: _moved.pop(key, None))
    return tensor.array


def write(tensor: Tensor, value: Any) -> None:
    """Overwrites the tensor's memory with `value`, whose shape broadcasts to it, and stamps the change."""
    array = tensor.array
    if isinstance(array, np.generic):
        # A scalar can't be written to: the tensor gets a new one. Three references are this tensor's, this
        # function's and the call's; one more is a node that saved it, which must find out at backward.
        if getrefcount(array) > 3:
            stamp(array)
        tensor.array = array.dtype.type(value)
        return
    if not is_writable(array):
        raise read_only(array)
    np.copyto(array, value, casting="unsafe")
    stamp(array)


def is_writable(array: np.ndarray) -> bool:
    """Whether a write has one place for each element: not so in an expanded tensor, nor in somebody's constant."""
    strides = array.strides
    if 0 in strides:
        return array.flags.writeable and all(step or size < 2 for step, size in zip(strides, array.shape, strict=True))
    return array.flags.writeable


def read_only(array: np.ndarray) -> ValueFailure:
    """The failure of a write into memory that can't be written."""
    if 0 in array.strides:
        return ValueFailure(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location.",
            help="an expanded tensor shows one number in many places: change a copy, `x.clone()`",
        )
    return ValueFailure("this tensor's memory is read-only", help="change a copy, `x.clone()`")


def overlaps(one: Any, other: Any) -> bool:
    """Whether a change of one array could be seen in the other (by their bounds: quick, and never wrongly no)."""
    if one is other:
        return True
    return isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and np.may_share_memory(one, other)


def physical_memory() -> int:
    """The machine's memory in bytes, or what a 64-bit machine could have where the system doesn't say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 2**47
