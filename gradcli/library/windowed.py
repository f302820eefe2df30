"""Arguments of functions that slide windows over images: one number, or one for each dimension; batch or no batch."""

from __future__ import annotations

from typing import Any

from gradcli.engine import Tensor
from gradcli.engine import shaping as s
from gradcli.errors import ShapeFailure, ValueFailure
from gradcli.library.arguments import Wholes


def each(value: Any, count: int, name: str, least: int = 1, function: str = "the function") -> tuple[int, ...]:
    """One whole number for each of `count` dimensions; a single one is for all of them."""
    numbers = Wholes(value)
    if len(numbers) == 1:
        numbers *= count
    if len(numbers) != count:
        raise ShapeFailure(
            f"{function}: expected {name} to be a single integer value or a list of {count} values, but got "
            f"{name}={list(numbers)}"
        )
    if any(n < least for n in numbers):
        word = "non-positive" if least else "negative"
        raise ValueFailure(f"{word} {name} is not supported in {function}: {list(numbers)}")
    return numbers


def letters(dims: int, mark: str = "") -> str:
    """The lengths of an image as the shapes in descriptions name them: "H, W", with a mark "H', W'"."""
    return ", ".join(letter + mark for letter in ("L", "HW", "DHW")[dims - 1])


def batched(input: Tensor, dims: int, function: str) -> tuple[Tensor, bool]:
    """The input with a batch dimension, and whether it was given one; ShapeFailure for other dimensions."""
    if input.ndim == dims + 2:
        return input, True
    if input.ndim == dims + 1:
        return s.expand_dims(input, 0), False
    raise ShapeFailure(
        f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {function}, but got input of size: "
        f"{list(input.shape)}",
        help=f"the dims are ([samples,] channels, {', '.join(('depth', 'height', 'width')[3 - dims :])})",
    )


def unbatched(result: Tensor, was_batched: bool) -> Tensor:
    """The result without the batch dimension that `batched` put before it."""
    return result if was_batched else s.squeeze_dim(result, 0)
