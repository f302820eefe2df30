"""What the text of a script says of where a name's value comes from: asked when a failure or a graph needs words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from gradcli.language.scope import mentions, ungrouped, walk


class Origin(NamedTuple):
    """Where a name was last given a value: the line, the words that were read for it, and what cut the history.

    `maker` is the operation that stands outermost: a function's or method's name, "comparison", or empty.
    """

    line: int
    reads: tuple[str, ...]
    cut: str
    maker: str = ""


def origins_of(tree: Any) -> dict[str, Origin]:
    """The origins of the names that a script gives values to with `=` or `const`, outside of its functions."""
    return {
        target[1]: _origin(source, "const" if kind == "const" else "no_grad" if untracked else "")
        for kind, targets, source, untracked in _given(tree[1], False)
        for target in targets
        if target[0] == "NAME"
    }


def named_places(tree: Any) -> dict[tuple[int, int, int, int], str]:
    """The name that an expression's value is given first, by the expression's place; those inside functions too."""
    names: dict[tuple[int, int, int, int], str] = {}
    for node in walk(tree):
        if node[0] == "assign" and len(node[1]) == 2 and node[1][0][0] == "NAME":
            target, source = node[1]
            names.setdefault(ungrouped(source)[2:], target[1])
    return names


def _given(statements: Any, untracked: bool) -> Iterator[tuple[str, Any, Any, bool]]:
    """Statements outside of functions that give values: kind, targets, source, and whether history is off there."""
    for statement in statements:
        kind, children = statement[0], statement[1]
        if kind in ("assign", "const"):
            *targets, source = children
            if not any(target[0] == "call" for target in targets):
                yield kind, targets, source, untracked
        elif kind in ("if", "while", "for", "grad_mode", "with"):
            off = untracked
            if kind == "grad_mode":
                off = children[0][1] == "no_grad"
            elif kind == "with":
                off = mentions(children[0], "no_grad")
            for child in children:
                if child is not None and child[0] == "block":
                    yield from _given(child[1], off)


def _origin(source: Any, cut: str) -> Origin:
    reads = []
    for part in walk(source):
        if part[0] == "NAME":
            if part[1] in ("detach", "data", "detach_"):
                cut = cut or part[1]
            elif part[1] == "grad":
                cut = cut or "grad"
            reads.append(part[1])
    return Origin(source[2], tuple(dict.fromkeys(reads)), cut, _maker(source))


def _maker(node: Any) -> str:
    """The word for the outermost operation of an expression, where it has one."""
    node = ungrouped(node)
    if node[0] == "comparison":
        return node[0]
    if node[0] == "call":
        callee = ungrouped(node[1][0])
        return callee[1] if callee[0] == "NAME" else callee[1][1][1] if callee[0] == "attribute" else ""
    return ""
