"""A graph as a tree in plain text, from the result down to the leaves.

    y = 28. · mul · 2*dot(x, x) · line 2
    ├─ 2 · constant
    └─ dot(x, x) = 14. · matmul · line 2
       ├─ #1 x = [0., 1., 2., 3.] · leaf (4,) · line 1 · no backward yet
       └─ see #1 x

What is used more than once has a number and is drawn once. So has what would stand too far to the right: it's drawn
below, from the margin on. The words here are those of the pictures too (`label_of`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any
from unicodedata import category, east_asian_width

import numpy as np

from gradcli.analysis.graph import CONSTANT, DETACHED, FOLDED, LEAF, Edge, Fold, Graph, Node
from gradcli.engine import modes
from gradcli.engine.notation import tensor_text

WIDTH = 80

TIMES = "×"  # noqa: RUF001  (it is the sign of multiplication)

Piece = tuple[str, str]
"""A text and its style's name; none where it has none."""

NONE, NUMBER, GRADIENT, NAME, OP, LEAF_STYLE, CONSTANT_STYLE, SHAPE, REFERENCE = (
    "",
    "number",
    "gradient",
    "name",
    "grad_fn",
    "leaf",
    "constant",
    "size",
    "reference",
)
"""The theme's styles (theme.py) of what a tree is made of."""

_HEAD_STYLES = {LEAF: LEAF_STYLE, CONSTANT: CONSTANT_STYLE, DETACHED: CONSTANT_STYLE}

_STEP = 3
"""Columns by which an operand stands further right."""

_LONGEST_VALUE = 40

_LONGEST_LABEL = 34

_LEAST = 24
"""Columns that a node has for its text; where a narrow window leaves fewer, it's drawn below."""


def lines_of(graph: Graph, width: int = WIDTH) -> list[str]:
    """The tree's lines, none wider than `width` (of 40 or more)."""
    return ["".join(text for text, _style in line) for line in pieces_of(graph, width)]


# ---- words


def number_text(value: Any) -> str:
    """A small array in torch's notation without `tensor(...)`, on one line; a plain number as Python writes it."""
    if not isinstance(value, (np.ndarray, np.generic)):
        return str(value)
    text = tensor_text(value, default_dtype=value.dtype, precision=modes.precision, width=100_000)
    text = text.removeprefix("tensor(").removesuffix(")")
    if value.size == 0:
        text = "[]"
    return " ".join(text.split()).replace("[ ", "[")


def head_of(node: Node) -> str:
    """What a node is called: its name, else its expression, else its operation."""
    if node.fold is not None:
        return _fold_text(node.fold)
    if node.name is not None:
        return node.name
    if node.kind in (CONSTANT, DETACHED) and node.value is not None:
        return number_text(node.value)
    if node.expression is not None and node.kind != LEAF and not node.inner:
        return node.expression
    return node.op or node.kind


def facts_of(node: Node) -> list[Piece]:
    """What there is to say of a node beside its name and value, in the order of what matters most."""
    if node.fold is not None:
        return _fold_facts(node.fold, node.hooks)
    facts: list[Piece] = []
    shape = shape_text(node)
    word = node.kind if node.op is None else node.op
    style = _HEAD_STYLES.get(node.kind, OP)
    if word == head_of(node):
        word = ""
    facts.append((f"{word} {shape}".strip(), style if word else SHAPE))
    if node.origin is not None and node.origin != node.name:
        facts.append((f"from {node.origin}", NONE))
    if node.expression is not None and node.expression != head_of(node) and (node.kind != LEAF or node.name is None):
        facts.append((f"in {node.expression}" if node.inner else node.expression, NONE))
    if node.line is not None and node.kind not in (CONSTANT, DETACHED):
        facts.append((f"line {node.line}", NONE))
    facts += gradient_facts(node)
    return [fact for fact in facts if fact[0]]


def gradient_facts(node: Node) -> list[Piece]:
    """The gradient, and the hooks that will see it."""
    facts: list[Piece] = []
    if node.gradient is not None:
        facts.append((f"grad {number_text(node.gradient)}", GRADIENT))
    elif node.has_gradient:
        facts.append(("has a gradient", NONE))
    elif node.awaits_gradient:
        facts.append(("no backward yet", CONSTANT_STYLE))
    if node.hooks:
        facts.append((_hooks(node.hooks), NONE))
    return facts


def shape_text(node: Node) -> str:
    """Shape and dtype where they aren't plain to see: not of a number, and not of the default dtype."""
    if node.shape is None or node.dtype is None:
        return ""
    dtype = "" if node.dtype == modes.default_dtype.name else node.dtype
    return f"{node.shape if node.shape else ''} {dtype}".strip()


def value_text(node: Node) -> str | None:
    """The value where it is small, and isn't what the node is called already."""
    if node.value is None or (node.kind in (CONSTANT, DETACHED) and node.name is None):
        return None
    return number_text(node.value)


def _fold_text(fold: Fold) -> str:
    if not fold.operations:
        parts = [(fold.leaves, "more leaves"), (fold.constants, "more constants")]
        return "⋯ " + ", ".join(f"{count} {what}" for count, what in parts if count)
    if fold.repeats > 1:
        return f"⋯ {fold.repeats} more times"
    return f"⋯ {fold.operations} operations"


def _fold_facts(fold: Fold, hooks: int) -> list[Piece]:
    facts: list[Piece] = []
    if fold.operations:
        # Of one round, where all are alike.
        rounds = fold.repeats if all(count % fold.repeats == 0 for _op, count in fold.ops) else 1
        named = [op if count == rounds else f"{op} {TIMES}{count // rounds}" for op, count in fold.ops[:4]]
        facts.append((", ".join(named + ["..."] * (len(fold.ops) > 4)), OP))
        if fold.repeats > 1:
            facts.append((f"{fold.operations} operations", NONE))
        parts = [(fold.leaves, "leaf", "leaves"), (fold.constants, "constant", "constants")]
        facts += [(f"{count} {one if count == 1 else several}", NONE) for count, one, several in parts if count]
    if fold.first_line is not None:
        same = fold.first_line == fold.last_line
        facts.append((f"line {fold.first_line}" if same else f"lines {fold.first_line}-{fold.last_line}", NONE))
    if hooks:
        facts.append((_hooks(hooks), NONE))
    return facts


def _hooks(count: int) -> str:
    return f"{count} hook{'s' * (count > 1)}"


def label_of(node: Node) -> list[str]:
    """A node's text in a picture: what it's called, its operation and shape, its value, its gradient and hooks."""
    first = clipped(head_of(node), _LONGEST_LABEL)
    if node.fold is not None:
        return [first, *(text for text, _style in _fold_facts(node.fold, node.hooks))]
    word = node.kind if node.op is None else node.op
    if node.origin is not None and node.origin != node.name:
        word += f" from {node.origin}"
    where = "" if node.line is None or node.kind in (CONSTANT, DETACHED) else f"line {node.line}"
    second = " · ".join(part for part in ("" if word == first else word, shape_text(node), where) if part)
    value = value_text(node)
    lines = [first, second, "" if value is None else f"= {value}", *(text for text, _style in gradient_facts(node))]
    return [clipped(line, _LONGEST_LABEL) for line in lines if line]


# ---- the tree


def pieces_of(graph: Graph, width: int = WIDTH) -> Iterator[list[Piece]]:
    """The tree's lines in pieces, each with the name of its style."""
    return _Drawing(graph, max(width, 40)).lines()


class _Drawing:
    def __init__(self, graph: Graph, width: int) -> None:
        self.inputs = graph.inputs
        self.nodes = {node.id: node for node in graph.nodes}
        self.root = graph.result
        self.width = width
        self.deepest = max((width - _LEAST) // _STEP, 1) if width < 72 else (width * 2 // 5) // _STEP
        self.shared = {id for id, uses in Counter(edge.source for edge in graph.edges).items() if uses > 1}
        self.numbers: dict[str, int] = {}
        self.drawn: set[str] = set()
        self.below: deque[str] = deque()
        self.waiting: set[str] = set()

    def lines(self) -> Iterator[list[Piece]]:
        yield from self._tree(self.root.id)
        while self.below:
            id = self.below.popleft()
            self.waiting.remove(id)
            yield []
            yield from self._tree(id)

    def _tree(self, root: str) -> Iterator[list[Piece]]:
        # What is still to draw: an edge, the guides to its left, whether it's the last operand.
        stack: list[tuple[Edge, tuple[bool, ...], bool]] = [(Edge("", "", 0), (), True)]
        while stack:
            edge, guides, last = stack.pop()
            id = edge.source or root
            top = not edge.source
            node = self.nodes[id]
            operands = self.inputs[id]
            guide = "".join("   " if done else "│  " for done in guides)
            first = "" if top else guide + ("└─ " if last else "├─ ")
            later = "" if top else guide + ("   " if last else "│  ")
            if id in self.drawn or id in self.waiting:
                words = self._reference(id, edge.times)
            elif operands and len(guides) + 1 > self.deepest:
                self.below.append(id)
                self.waiting.add(id)
                words = self._reference(id, edge.times)
            else:
                self.drawn.add(id)
                number = f"#{self._number(id)} " if id in self.shared or id in self.numbers else ""
                words = self._words(node, number, edge.times)
                inner = guides if top else (*guides, last)
                for k, operand in enumerate(reversed(operands)):
                    stack.append((operand, inner, k == 0))
                later += "│  " if operands else "   "
            yield from _filled(first, later, words, self.width)

    def _number(self, id: str) -> int:
        return self.numbers.setdefault(id, len(self.numbers) + 1)

    def _reference(self, id: str, times: int) -> list[list[Piece]]:
        # A name, so that one needn't look; an expression would be a word too many.
        node = self.nodes[id]
        name = "" if node.fold is not None or node.name is None else f" {node.name}"
        where = "" if id in self.drawn else " below"
        return [[(f"see #{self._number(id)}", REFERENCE), (name, NAME), (where, REFERENCE)], *_uses(times)]

    def _words(self, node: Node, number: str, times: int) -> list[list[Piece]]:
        """A node's text in words that stay on one line; the first is its name and value."""
        style = REFERENCE if node.kind == FOLDED else _HEAD_STYLES.get(node.kind, NAME if node.name else NONE)
        head: list[Piece] = [(number, REFERENCE), (head_of(node), style)]
        words = [head]
        value = value_text(node)
        if value is not None:
            head.append((" = ", NONE))
            head.append((clipped(value, _LONGEST_VALUE), NUMBER))
        words += [[fact] for fact in facts_of(node)]
        return words + _uses(times)


def _uses(times: int) -> list[list[Piece]]:
    return [[(f"used {times} times", NONE)]] if times > 1 else []


_DOT = " · "


def _filled(first: str, later: str, words: list[list[Piece]], width: int) -> Iterator[list[Piece]]:
    """Words with dots between them, on as many lines as they need; a word too long for a line is cut."""
    line: list[Piece] = [(first, NONE)]
    taken = columns(first)
    empty = True
    for word in words:
        size = sum(columns(text) for text, _style in word)
        if not empty and taken + len(_DOT) + size > width:
            yield line
            line, taken, empty = [(later, NONE)], columns(later), True
        if not empty:
            line.append((_DOT, NONE))
            taken += len(_DOT)
        for piece in _cut(word, width - taken):
            line.append(piece)
            taken += columns(piece[0])
        empty = False
    yield line


def _cut(word: list[Piece], room: int) -> Iterator[Piece]:
    """The pieces of a word, the longest shortened until they fit."""
    sizes = [columns(text) for text, _style in word]
    while sum(sizes) > room and max(sizes) > 1:
        longest = sizes.index(max(sizes))
        second = max((size for k, size in enumerate(sizes) if k != longest), default=0)
        sizes[longest] = max(second - (second == sizes[longest]), sizes[longest] - (sum(sizes) - room), 1)
    for (text, style), size in zip(word, sizes, strict=True):
        if text:
            yield clipped(text, size), style


def clipped(text: str, room: int) -> str:
    """The text in at most `room` columns, what is left out marked by an ellipsis."""
    if columns(text) <= room:
        return text
    kept, taken = [], 1
    for character in text:
        taken += columns(character)
        if taken > room:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: none for a combining mark, two for a wide character."""
    if text.isascii():
        return len(text)
    return sum(0 if category(c) in ("Mn", "Me", "Cf") else 2 if east_asian_width(c) in "WF" else 1 for c in text)
