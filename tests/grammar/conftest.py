"""What the tests of the grammar share: trees written in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradcli.grammar import parse


def written(node: Any) -> str:
    """A tree without its positions: `kind(child, child)`; names, numbers, words and operators as they are."""
    if node is None:
        return "_"
    kind, value = node[:2]
    if kind.isupper():
        return value if kind in ("NAME", "OPERATOR", "KEYWORD", "RETAIN") else repr(value)
    return f"{kind}({', '.join(map(written, value))})"


@pytest.fixture
def tree() -> Callable[[str], str]:
    """Text to its statements, written."""
    return lambda text: "; ".join(map(written, parse(text)[1]))


@pytest.fixture
def expression() -> Callable[[str], str]:
    """Text to the expression that is its only statement, written."""

    def written_expression(text: str) -> str:
        ((kind, (child,), *_),) = parse(text)[1]
        assert kind == "expression_statement"
        return written(child)

    return written_expression
