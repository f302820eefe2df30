"""What the text of a script says of where a name's value comes from."""

from __future__ import annotations

from typing import NamedTuple


class Origin(NamedTuple):
    """Where a name was last given a value: the line, the words that were read for it, and what cut the history.

    `maker` is the operation that stands outermost: a function's or method's name, "comparison", or empty.
    """

    line: int
    reads: tuple[str, ...]
    cut: str
    maker: str = ""
