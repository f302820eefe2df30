"""What lowering must know of a whole script before its first line: which names it binds, and how it tracks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

NAMESPACES = frozenset(("torch", "F", "nn", "np", "numpy", "math", "linalg", "special", "fft"))
"""Words that mean a module of torch's, unless the script binds them itself."""


def ungrouped(node: Any) -> Any:
    """What stands inside of parentheses that only group."""
    while node[0] == "group":
        node = node[1][0]
    return node


def walk(node: Any) -> Iterator[Any]:
    """Every node and token of a tree, in the order of the text (without recursion: brackets nest deep)."""
    stack = [node]
    while stack:
        node = stack.pop()
        if node is None:
            continue
        yield node
        children = node[1]
        if node[0].islower() and type(children) is tuple:
            stack.extend(reversed(children))


def mentions(tree: Any, word: str) -> bool:
    """Whether the code (comments and strings aside) has a name that is `word`, or `word_`."""
    return any(node[0] in ("NAME", "LAMBDA_NAME") and node[1] in (word, f"{word}_") for node in walk(tree))


def mentions_gradient(tree: Any) -> bool:
    """Whether `.grad` stands in it: the attribute, not the function of that name."""
    return any(node[0] == "attribute" and node[1][1][1] == "grad" for node in walk(tree))


def bound_names(statements: tuple[Any, ...]) -> dict[str, bool]:
    """The names that statements bind in their own scope, in order; those of functions inside stay there.

    With each name: whether `=` or `const` gives it a value by itself.
    """
    names: dict[str, bool] = {}
    _bound(statements, names)
    return names


def _bound(statements: tuple[Any, ...], names: dict[str, bool]) -> None:
    for statement in statements:
        kind, children = statement[0], statement[1]
        if kind == "assign":
            for target in children[:-1]:
                _targets(target, names, True)
        elif kind == "augment":
            _targets(children[0], names)
        elif kind in ("const", "define"):
            names[children[0][1]] = kind == "const"
        elif kind == "for":
            _targets(children[0], names)
            _bound(children[2][1], names)
        elif kind == "with":
            if children[1] is not None:
                names.setdefault(children[1][1], False)
            _bound(children[2][1], names)
        elif kind == "delete":
            for target in children:
                _targets(target, names)
        elif kind in ("if", "while", "grad_mode"):
            for child in children:
                if child is not None and child[0] == "block":
                    _bound(child[1], names)


def _targets(target: Any, names: dict[str, bool], given: bool = False) -> None:
    kind, children = target[0], target[1]
    if kind == "NAME":
        names[children] = given or names.get(children, False)
    elif kind in ("tuple", "list", "group"):
        for child in children:
            _targets(child, names)
    elif kind == "call" and children[0][0] == "NAME":
        names.setdefault(children[0][1], False)
