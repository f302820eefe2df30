"""The derivation of the gradients of a result, as a teacher would write it, as data.

    derivation = derive(history, names=names)

Every value has a name: the script's, else v1, v2, ...; of several values of one name (a loop's) all but the last are
numbered, s₁, s₂, s. Forward come the values in order; backward, from the result, the slope in each value: for each
way in which the result depends on it the rule, the chain rule with it, and what it contributes.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from gradcli.analysis.folding import folded
from gradcli.analysis.graph import LEAF, OPERATION, RESULT, Graph, Node, graph_of
from gradcli.analysis.history import Gradient, History, Step, contributions_of
from gradcli.analysis.naming import Naming, id_of
from gradcli.analysis.symbols import (
    Symbol,
    derivative_in,
    facts_of,
    mentions,
    name,
    number_in,
    plus,
    renamed,
    substituted,
    text_of,
    times,
)
from gradcli.engine import Tensor, modes
from gradcli.engine.node import PART
from gradcli.engine.operation import Op

MOST = 60
"""Values up to which a derivation is written out."""

_MOST_PATHS = 6
_FIRST_PATHS, _LAST_PATHS = 3, 2


@dataclass(slots=True)
class Line:
    """A value: what it's called, the expression for it (none for what was given), and where in the script it is."""

    name: str
    kind: str
    expression: str | None
    value: Any
    line: int | None = None
    origin: str | None = None
    """What a detached value was detached from."""


@dataclass(slots=True)
class LeftOut:
    """Values that aren't shown: `count` of them, from `first` to `last`, in so many `rounds` of operations."""

    count: int
    rounds: int
    first: str
    last: str
    ops: tuple[tuple[str, int], ...]
    first_line: int | None
    last_line: int | None


@dataclass(slots=True)
class Path:
    """One way in which the result depends on a value: through `consumer`, a value computed from it.

    `rule` is the derivative of the consumer, `∂v1/∂x = x + x`, where it can be written as a factor, and `factor` its
    value, where the contribution is their plain product. `chain` is the chain rule, `∂y/∂v1 * (x + x)`.
    """

    consumer: str
    equation: str
    rule: str | None
    chain: str
    incoming: Any
    factor: Any
    contribution: Any


@dataclass(slots=True)
class Slope:
    """The gradient in a value: `symbol`, ∂y/∂x; the sum of what comes by each path.

    `skipped` paths, between the first and the last of `paths`, contribute `skipped_sum`.
    """

    of: str
    symbol: str
    paths: list[Path]
    total: Any
    is_leaf: bool = False
    hooks: int = 0
    skipped: int = 0
    skipped_sum: Any = None

    @property
    def first_paths(self) -> list[Path]:
        return self.paths[:_FIRST_PATHS] if self.skipped else self.paths

    @property
    def last_paths(self) -> list[Path]:
        return self.paths[_FIRST_PATHS:] if self.skipped else []


class Result(NamedTuple):
    """What was to be found: the gradient in a leaf."""

    name: str
    gradient: Any


@dataclass(slots=True)
class Derivation:
    """What was given, the values in order, the gradients in order, and those of the leaves.

    `of` is the result's name, `start` the gradient that it started from.
    """

    of: str
    start: Any
    given: list[Line] = field(default_factory=list)
    forward: list[Line | LeftOut] = field(default_factory=list)
    backward: list[Slope | LeftOut] = field(default_factory=list)
    gradients: list[Result] = field(default_factory=list)
    unnamed_leaves: int = 0
    """Leaves whose gradients aren't shown, in a derivation that isn't written out."""


def derive(
    history: History,
    results: Mapping[Step, Gradient] | None = None,
    names: Mapping[str, Tensor] | None = None,
    most: int = MOST,
) -> Derivation:
    """The derivation of a result's gradients.

    `results` are `history.gradients()`, or those from another start; `names` are the tensors that have names now, for
    what takes part without a gradient. Beyond `most` values repetitions are left out, and the middle.

    Raises AutogradFailure where an operation has no derivative.
    """
    return _Author(history, history.gradients() if results is None else results, names or {}, most).written()


class _Author:
    def __init__(
        self, history: History, results: Mapping[Step, Gradient], names: Mapping[str, Tensor], most: int
    ) -> None:
        self.history = history
        self.results = results
        self.values = [step for step in history.steps if type(step.value) is not tuple]
        self.parts: dict[Step, list[Step]] = {}
        for step in self.values:
            if step.node.op is PART:
                self.parts.setdefault(step.inputs[0], []).append(step)
        graph = graph_of(history, {}, names)
        self.naming = Naming(history, graph, names)
        self.nodes, self.steps, self.called = self.naming.nodes, self.naming.steps, self.naming.called
        self.folds: dict[str, Node] = {}
        self.shown = set(self.nodes)
        if len(self.values) > most:
            self._fold(graph, most)
        self.of = self.called[id_of(history.result)]

    def _fold(self, graph: Graph, most: int) -> None:
        """Leaves out what the graph folds."""
        small = folded(graph, most)
        self.folds = {node.id: node for node in small.nodes if node.fold is not None}
        self.shown = {node.id for node in small.nodes}

    # ---- the parts

    def written(self) -> Derivation:
        found = Derivation(self.of, self.results[self.history.result].total)
        found.given = list(self._given())
        found.forward = list(self._forward())
        found.backward = list(self._backward())
        for leaf in self.history.leaves:
            if leaf in self.results:
                if id_of(leaf) in self.shown:
                    found.gradients.append(Result(self.called[id_of(leaf)], self.results[leaf].total))
                else:
                    found.unnamed_leaves += 1
        return found

    def _given(self) -> Iterator[Line]:
        leaves = [self.nodes[id_of(leaf)] for leaf in self.history.leaves]
        constants = {node.id: node for node in self.naming.constants.values() if node.id in self.called}
        for node in (*leaves, *constants.values()):
            if node.id in self.shown and node.id in self.called:
                value = self.steps[node.id].value if node.kind == LEAF else self._constant_value(node)
                yield Line(self.called[node.id], node.kind, None, value, node.line, node.origin)

    def _constant_value(self, node: Node) -> Any:
        (target, position) = next(place for place, one in self.naming.constants.items() if one is node)
        return self.steps[target].inputs[position]

    def _forward(self) -> Iterator[Line | LeftOut]:
        for stretch in self._stretches([step for step in self.values if not step.is_leaf]):
            if isinstance(stretch, list):
                yield self._left_out(stretch)
                continue
            node = self.nodes[id_of(stretch)]
            kind = RESULT if stretch is self.history.result else OPERATION
            yield Line(self.called[node.id], kind, self.naming.equation(stretch), stretch.value, node.line)

    def _backward(self) -> Iterator[Slope | LeftOut]:
        """The slopes from the result on, a leaf's as soon as all that uses it has been."""
        leaves = []
        for leaf in self.history.leaves:
            if leaf in self.results and id_of(leaf) in self.shown:
                users = [(one.consumer.number, one.position) for one in self.results[leaf].contributions]
                earliest, position = min(users, default=(0, 0))
                leaves.append((-earliest, position, leaf.number, leaf))
        leaves.sort()
        reached = [step for step in self.values if step in self.results and not step.is_leaf]
        for stretch in reversed(list(self._stretches(reached))):
            latest = stretch[-1].number if isinstance(stretch, list) else stretch.number
            while leaves and -leaves[0][0] > latest:
                yield self._slope(leaves.pop(0)[-1])
            yield self._left_out(stretch[::-1]) if isinstance(stretch, list) else self._slope(stretch)
        for *_, leaf in leaves:
            yield self._slope(leaf)

    def _stretches(self, steps: list[Step]) -> Iterator[Step | list[Step]]:
        """The steps in order; what isn't shown as one list a stretch."""
        hidden: list[Step] = []
        for step in steps:
            if hidden and (id_of(step) in self.shown or f"f-{id_of(step)}" in self.folds):
                yield hidden
                hidden = []
            if id_of(step) in self.shown:
                yield step
            else:
                hidden.append(step)
        if hidden:
            yield hidden

    def _left_out(self, steps: list[Step]) -> LeftOut:
        fold = next((self.folds[f"f-{id_of(step)}"].fold for step in steps if f"f-{id_of(step)}" in self.folds), None)
        lines = [step.place.span.line for step in steps if step.place is not None]
        return LeftOut(
            len(steps),
            fold.repeats if fold is not None else 1,
            self.called[id_of(steps[0])],
            self.called[id_of(steps[-1])],
            tuple(Counter(step.op for step in steps).items()),
            min(lines, default=None),
            max(lines, default=None),
        )

    # ---- one value

    def _slope(self, step: Step) -> Slope:
        gradient = self.results[step]
        hooks = 0 if step.node.hooks is None else len(step.node.hooks.functions)
        by_consumer: dict[Step, list[tuple[int, Any]]] = {}
        for consumer, position, contribution in gradient.contributions:
            by_consumer.setdefault(consumer, []).append((position, contribution))
        consumers = list(by_consumer)
        slope = Slope(
            self.called[id_of(step)], self._d(self.called[id_of(step)]), [], gradient.total, step.is_leaf, hooks
        )
        if len(consumers) > _MOST_PATHS:
            skipped = consumers[_FIRST_PATHS:-_LAST_PATHS]
            slope.skipped = len(skipped)
            slope.skipped_sum = _total(c for one in skipped for _, c in by_consumer[one])
            consumers = consumers[:_FIRST_PATHS] + consumers[-_LAST_PATHS:]
        slope.paths = [self._path(step, consumer, by_consumer[consumer]) for consumer in consumers]
        return slope

    def _d(self, called: str) -> str:
        return f"∂{self.of}/∂{called}"

    def _path(self, step: Step, consumer: Step, contributions: list[tuple[int, Any]]) -> Path:
        contribution = _total(c for _, c in contributions)
        incoming = self.results[consumer].total
        several = type(consumer.value) is tuple
        g = self._parts(consumer) if several else self._d(self.called[id_of(consumer)])
        label = self._part_names(consumer) if several else self.called[id_of(consumer)]
        equation = f"{label} = {self.naming.equation(consumer)}"
        op = consumer.node.op
        if type(op) is not Op:
            chain = f"{g}, by the backward of {consumer.op}"
            return Path(label, equation, None, chain, incoming, None, contribution)
        chain, derivative = self._chain(consumer, op, [position for position, _ in contributions], g)
        rule, factor = None, None
        if derivative is not None and not several:
            rule = f"∂{label}/∂{self.called[id_of(step)]} = {text_of(derivative)}"
            if number_in(derivative) != 1:
                factor = self._factor(consumer, contributions)
        return Path(label, equation, rule, chain, incoming, factor, contribution)

    def _parts_of(self, maker: Step) -> list[str | None]:
        """The names of several results, in their order; none for one that nothing came of."""
        found: list[str | None] = [None] * len(maker.value)
        for step in self.parts.get(maker, ()):
            if step in self.results:
                found[step.parameters[0]] = self.called[id_of(step)]
        return found

    def _parts(self, maker: Step) -> str:
        """The gradients of several results: `(∂y/∂a, 0, ∂y/∂c)`."""
        return f"({', '.join(_cut(['0' if one is None else self._d(one) for one in self._parts_of(maker)]))})"

    def _part_names(self, maker: Step) -> str:
        return ", ".join(_cut([one or "_" for one in self._parts_of(maker)]))

    def _chain(self, consumer: Step, op: Op, positions: list[int], g: str) -> tuple[str, ast.expr | None]:
        """The chain rule through an operation's inputs at `positions`, and the derivative if it's a factor."""
        whole: ast.expr | None = None
        derivative: ast.expr | None = None
        factors = op.elementwise or getattr(consumer.value, "ndim", 0) == 0
        worded: Counter[str] = Counter()
        for position in positions:
            expression, factor, words = self._term(consumer, op, position, g)
            if words:
                worded[f"{text_of(expression)}, {words}"] += 1
                factors = False
                continue
            whole = expression if whole is None else plus(whole, expression)
            factors = factors and factor is not None
            if factor is not None:
                derivative = factor if derivative is None else plus(derivative, factor)
        if factors and derivative is not None and len(positions) > 1 and consumer.node.shapes is None:
            # Of the sum as a whole: g * (x + x), not g * x + g * x.
            whole = times(name(g), derivative)
        texts = [] if whole is None else [text_of(whole)]
        texts += [text if count == 1 else f"{text} ({count} times)" for text, count in worded.items()]
        return "; and ".join(texts), derivative if factors else None

    def _term(self, consumer: Step, op: Op, position: int, g: str) -> tuple[ast.expr, ast.expr | None, str]:
        """The formula for an input: the expression, what the incoming gradient is multiplied by in it, the words."""
        inputs = [self.naming.symbol(consumer, k) for k in range(len(consumer.inputs))]
        facts = facts_of(op, inputs, consumer.parameters)
        out = consumer.value
        if op.variadic:
            facts["x"] = inputs[position]
        elif type(out) is not tuple:
            facts["out"] = Symbol(self.called[id_of(consumer)], getattr(out, "ndim", 0))
            facts["n"] = getattr(consumer.given[0], "size", 1) // max(getattr(out, "size", 1), 1)
        expression, words = substituted(op.formula[0 if op.joint else position], facts)
        words = words or _of_batches(consumer, position)
        factor = None if words else derivative_in(expression)
        if not mentions(expression, "g"):
            expression = times(name("g"), expression)
        expression = renamed(expression, g=g)
        if consumer.node.shapes is not None and consumer.node.shapes[position] is not None:
            expression = _summed(expression, consumer, position)
        return expression, factor, words

    def _factor(self, consumer: Step, contributions: list[tuple[int, Any]]) -> Any:
        """The derivative's value, where the contribution is the product of it and the incoming gradient."""
        if consumer.node.shapes is not None:
            return None
        recording, modes.recording = modes.recording, False
        try:
            with np.errstate(all="ignore"):
                found = contributions_of(consumer, np.ones_like(consumer.value)[()])
        finally:
            modes.recording = recording
        positions = {position for position, _ in contributions}
        return _total(value for position, value in found if position in positions)


# ---- small things


def _total(contributions: Iterable[Any]) -> Any:
    found = None
    for one in contributions:
        found = one if found is None else found + one
    return found


def _cut(texts: list[str]) -> list[str]:
    return texts if len(texts) <= _MOST_PATHS else [texts[0], texts[1], "...", texts[-1]]


def _of_batches(consumer: Step, position: int) -> str:
    """Says of a product of batches that a matrix used for all of them gets the sum of what each gives."""
    if consumer.op != "matmul":
        return ""
    size, other, whole = (np.ndim(v) for v in (consumer.given[position], consumer.given[1 - position], consumer.value))
    if size == 1:
        return "summed over the batch" if position == 0 and other > 2 else ""
    batch = np.shape(consumer.value)[: whole - (2 if other > 1 else 1)]
    if np.shape(consumer.given[position])[:-2] == batch:
        return ""
    return "summed over the batch"


def _summed(expression: ast.expr, consumer: Step, position: int) -> ast.expr:
    """What was broadcast, summed back to the shape that it had."""
    narrow, wide = consumer.node.shapes[position], consumer.value.shape
    leading = len(wide) - len(narrow)
    dims = [*range(leading), *(k for k in range(leading, len(wide)) if narrow[k - leading] == 1 != wide[k])]
    arguments: dict[str, Any] = {"e": expression}
    if len(dims) == len(wide) and not narrow:
        return substituted("sum(e)", arguments)[0]
    arguments["dims"] = dims[0] if len(dims) == 1 else tuple(dims)
    if leading and len(dims) > leading:
        arguments["shape"] = narrow
        return substituted("sum(e, dims).reshape(shape)", arguments)[0]
    return substituted("sum(e, dims)" if leading else "sum(e, dims, keepdim=true)", arguments)[0]
