"""Tensors that look into one memory: which base a view has, and by which steps it came from it."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from gradcli.engine.tensor import Tensor


class Views:
    """The live views of a base, held weakly."""

    __slots__ = ("limit", "references")

    def __init__(self) -> None:
        self.references: list[weakref.ref[Tensor]] = []
        self.limit = 16

    def add(self, view: Tensor) -> None:
        self.references.append(weakref.ref(view))
        # A loop over `x[i]` makes views without end: forget the dead ones each time their number doubles.
        if len(self.references) > self.limit:
            self.references = [reference for reference in self.references if reference() is not None]
            self.limit = 2 * len(self.references) + 16

    def live(self) -> list[Tensor]:
        return [view for reference in self.references if (view := reference()) is not None]


def relate_views(result: Any, source: Tensor, op: Any, params: tuple[Any, ...]) -> None:
    """Notes that `result` (a tensor, or a tuple of them) is a view of `source` made by `op`."""
    if type(result) is tuple:
        for index, part in enumerate(result):
            _relate(part, source, (op, params, index))
    elif isinstance(result.array, np.ndarray) and np.may_share_memory(result.array, source.array):
        _relate(result, source, (op, params, None))


def _relate(view: Tensor, source: Tensor, step: tuple[Any, tuple, int | None]) -> None:
    above = source.meta
    meta = view.ensure_meta()
    if above is not None and above.base is not None:
        base, meta.path = above.base, (above.path, step)
    else:
        base, meta.path = source, (None, step)
    meta.base = base
    base_meta = base.ensure_meta()
    if base_meta.views is None:
        base_meta.views = Views()
    base_meta.views.add(view)


def follow(path: Any, value: Any) -> Any:
    """Takes the steps of a view again, from a base (a tensor or an array) to the part that the view shows.

    A path is linked from its end, (the path before, the last step): views of views of views may make it long.
    """
    steps = []
    while path is not None:
        path, step = path
        steps.append(step)
    for op, params, index in reversed(steps):
        value = op.apply(value, *params)
        if index is not None:
            value = value[index]
    return value
