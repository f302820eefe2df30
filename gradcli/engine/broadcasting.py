"""Broadcasting, as NumPy and torch have it: undone in one place, and its failures in torch's words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from gradcli.errors import ShapeFailure


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Undoes broadcasting: sums `g` over the dimensions that were stretched to get from `shape` to g's."""
    if g.shape == shape:
        return g
    axes = _stretched(g.shape, shape)
    if type(g) is np.ndarray:
        # What np.sum does, without its way there.
        g = np.add.reduce(g, axes)
        return g if g.shape == shape else g.reshape(shape)
    return np.reshape(np.sum(g, axis=axes, keepdims=True), shape)


@lru_cache(4096)
def _stretched(wide: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The dimensions that were stretched, or are new."""
    extra = len(wide) - len(shape)
    return tuple(range(extra)) + tuple(
        axis + extra for axis, size in enumerate(shape) if size == 1 and wide[axis + extra] != 1
    )


def shape_clash(a: Sequence[int], b: Sequence[int]) -> ShapeFailure:
    """The failure of two shapes that don't broadcast, in torch's words."""
    for back in range(1, min(len(a), len(b)) + 1):
        if a[-back] != b[-back] and 1 not in (a[-back], b[-back]):
            place = max(len(a), len(b)) - back
            return ShapeFailure(
                f"The size of tensor a ({a[-back]}) must match the size of tensor b ({b[-back]}) "
                f"at non-singleton dimension {place}",
                label=f"shapes {tuple(a)} and {tuple(b)}",
                help="sizes are compared from the last dimension on: they must be equal, or one of them 1",
            )
    return ShapeFailure(f"shapes {tuple(a)} and {tuple(b)} don't go together")
