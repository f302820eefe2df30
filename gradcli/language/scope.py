"""What lowering must know of a whole script before its first line: which names it binds, to what, and how it tracks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
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


class Numbers:
    """The names of a scope that only arithmetic on numbers gives values to: what's computed of them has no nodes.

    `tracks` says that a name that `=` gives a number holds a tensor.
    """

    def __init__(
        self, statements: tuple[Any, ...], tracks: bool = False, params: Any = None, outer: Numbers | None = None
    ) -> None:
        self.statements = statements
        self.tracks = tracks
        self.params = () if params is None else tuple(param[1][0][1] for param in params[1])
        self.outer = outer

    def __contains__(self, name: str) -> bool:
        if name in self.names:
            return True
        return self.outer is not None and name not in self.given and name not in self.params and name in self.outer

    @cached_property
    def given(self) -> dict[str, list[Any]]:
        """For each name the parts of the tree that it's given; none for what is no number."""
        given: dict[str, list[Any]] = {}
        for name, source in _given(self.statements, self.tracks):
            given.setdefault(name, []).append(source)
        return given

    @cached_property
    def names(self) -> set[str]:
        """Found by taking away: a name that is given a number and itself counts."""
        names = set(self.given).difference(self.params)
        while True:
            others = {name for name in names if not all(_is_number(source, names) for source in self.given[name])}
            if not others:
                return names
            names -= others


def _given(statements: tuple[Any, ...], tracks: bool) -> Iterator[tuple[str, Any]]:
    for statement in statements:
        kind, children = statement[0], statement[1]
        if kind in ("assign", "const", "augment"):
            source = None if kind == "assign" and tracks else children[-1]
            for target in children[:1] if kind != "assign" else children[:-1]:
                if target[0] == "NAME":
                    yield target[1], source
                else:
                    yield from ((name, None) for name in bound_names((statement,)))
        elif kind in ("if", "while", "grad_mode"):
            for child in children:
                if child is not None and child[0] == "block":
                    yield from _given(child[1], tracks)
        elif kind == "for" and children[0][0] == "NAME" and _is_range(children[1]):
            yield children[0][1], _NUMBER
            yield from _given(children[2][1], tracks)
        else:
            yield from ((name, None) for name in bound_names((statement,)))


_NUMBER = ("NUMBER", 0)


def _is_range(node: Any) -> bool:
    return node[0] == "call" and node[1][0][:2] == ("NAME", "range")


def _is_number(node: Any, names: set[str]) -> bool:
    """Whether an expression is arithmetic on numbers and on these names."""
    if node is None:
        return False
    node = ungrouped(node)
    if node[0] == "NAME":
        return node[1] in names
    if node[0] in ("chain", "unary", "power"):
        return all(_is_number(child, names) for child in node[1] if child[0] != "OPERATOR")
    return node[0] == "NUMBER"
