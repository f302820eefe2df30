"""Arguments and results that are tensors, or tuples and lists of them: taken apart, and put together again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradcli.engine import Tensor, as_tensor, modes


def leaves_of(tree: Any) -> list[Any]:
    """What isn't a tuple or list, in order."""
    if isinstance(tree, (tuple, list)):
        return [leaf for part in tree for leaf in leaves_of(part)]
    return [tree]


def rebuilt(tree: Any, leaves: Iterator[Any]) -> Any:
    """The same tuples and lists around other leaves."""
    if isinstance(tree, tuple):
        return tuple([rebuilt(part, leaves) for part in tree])
    if isinstance(tree, list):
        return type(tree)([rebuilt(part, leaves) for part in tree])
    return next(leaves)


def point_of(value: Any) -> Tensor:
    """A tensor to differentiate at; whole numbers become real."""
    point = as_tensor(value)
    return point if point.dtype.kind == "f" else as_tensor(point, modes.default_dtype)
