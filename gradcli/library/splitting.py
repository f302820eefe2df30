"""A tensor cut into several along a dim."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import Tensor
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.errors import ShapeFailure, ValueFailure
from gradcli.library.arguments import (
    Whole,
    Wholes,
    axis_of,
)
from gradcli.library.parts import split
from gradcli.library.vocabulary import function


def _slice(input: Tensor, axis: int, start: int, end: int) -> Tensor:
    return s.getitem_slice(input, (*(slice(None),) * axis, slice(start, end), ...))


@function()
def tensor_split(input: Tensor, indices_or_sections, dim: Whole = 0):
    """So many parts along a dim, as even as can be, or parts that end at the indices given.

    Shapes: (..., n, ...) -> a tuple of (..., k, ...), whose k add up to n; with indices one more part than these
    Derivative: cat(gs, dim), with g of each part, 0 where there's none
    Example: x = [1, 2, 3, 4, 5]
        tensor_split(x, 2)
        parts = tensor_split(x, [1, 3])
        parts
        backward parts[1].sum()
    """
    if not input.ndim:
        raise ShapeFailure("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    axis = axis_of(dim, input.ndim)
    length = input.shape[axis]
    several = isinstance(indices_or_sections, (tuple, list, range)) or (
        type(indices_or_sections) is Tensor and indices_or_sections.ndim
    )
    if several:
        ends = [*Wholes(indices_or_sections), length]
        starts = [0, *ends[:-1]]
    else:
        sections = Whole(indices_or_sections)
        if sections <= 0:
            raise ValueFailure(f"number of sections must be larger than 0, got {sections}")
        allocatable((sections,), np.dtype(object))
        size, more = divmod(length, sections)
        starts = [k * size + min(k, more) for k in range(sections)]
        ends = [*starts[1:], length]
    return tuple(_slice(input, axis, start, end) for start, end in zip(starts, ends, strict=True))


def _split_along(name: str, least: int, axis: Any, words: str, shapes: str, example: str) -> None:
    def body(input: Tensor, indices_or_sections):
        if input.ndim < least:
            raise ShapeFailure(
                f"torch.{name} requires a tensor with at least {least} dimension{'s' * (least > 1)}, but got a tensor "
                f"with {input.ndim} dimensions!"
            )
        dim = axis(input)
        if not isinstance(indices_or_sections, (tuple, list, range)) and not np.ndim(
            getattr(indices_or_sections, "array", 0)
        ):
            sections = Whole(indices_or_sections)
            if sections <= 0 or input.shape[dim] % sections:
                raise ShapeFailure(
                    f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
                    f"{input.shape[dim]} is not divisible by the split_size {sections}!"
                )
        return tensor_split(input, indices_or_sections, dim)

    body.__name__ = name
    body.__doc__ = f"""{words}

    Shapes: {shapes}; with indices one more part than these
    Derivative: cat(gs, dim), with g of each part, 0 where there's none
    Example: x = {example}
        parts = {name}(x, [1])
        parts
        backward parts[1].sum()
    """
    function(name)(body)


_split_along(
    "hsplit", 1, lambda x: 0 if x.ndim == 1 else 1, "Parts beside each other: even ones, or by indices.",
    "(m, n, ...) -> a tuple of (m, k, ...), whose k add up to n; (n,) -> a tuple of (k,)", "[[1, 2, 3]]",
)  # fmt: skip
_split_along(
    "vsplit", 2, lambda x: 0, "Parts under each other: even ones, or by indices.",
    "(m, n, ...) -> a tuple of (k, n, ...), whose k add up to m", "[[1], [2], [3]]",
)  # fmt: skip
_split_along(
    "dsplit", 3, lambda x: 2, "Parts behind each other: even ones, or by indices.",
    "(l, m, n, ...) -> a tuple of (l, m, k, ...), whose k add up to n", "[[[1, 2, 3]]]",
)  # fmt: skip


@function()
def split_with_sizes(input: Tensor, split_sizes: Wholes, dim: Whole = 0):
    """Parts of the sizes given, along a dim.

    Shapes: (..., n, ...) -> a tuple of (..., size, ...), whose sizes add up to n
    Derivative: cat(gs, dim), with g of each part, 0 where there's none
    Example: x = [1, 2, 3, 4]
        first, rest = split_with_sizes(x, [1, 3])
        rest
        backward rest.prod()
    """
    return split(input, split_sizes, dim)
