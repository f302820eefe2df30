"""The history of a result as data: every step that led to it, its values, and the gradients along the way.

    history = history_of(y, place_of, names)
    history.gradients()           # of each step, with what each consumer contributes
    history.replayed({leaf: x})   # y, computed anew from other values of its leaves

It needs a graph that was recorded while `modes.attend` was `tracing.trace`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine import Tensor, modes
from gradcli.engine.broadcasting import unbroadcast
from gradcli.engine.node import ACCUMULATE_GRAD, PART, Marker, Node
from gradcli.engine.operation import no_rule
from gradcli.engine.recording import saved_by
from gradcli.engine.tracing import traced, unchanged
from gradcli.errors import AutogradFailure, Span


class Place(NamedTuple):
    """Where a step stands in a script: its span, the script's own text there, and the name its value was given."""

    span: Span
    text: str
    name: str | None


PlaceOf = Callable[[CodeType, int], Place | None]
"""From a node's code and instruction to its place; none where there is no script."""


@dataclass(slots=True, eq=False)
class Step:
    """One node of the graph, in the order of creation.

    `inputs` are steps for what is differentiated, arrays or numbers for what is not (constants, detached values);
    `parameters` what else the operation was told, such as a dim. A leaf has neither.
    """

    number: int
    node: Node
    value: Any
    inputs: tuple[Any, ...] = ()
    parameters: tuple[Any, ...] = ()
    place: Place | None = None
    name: str | None = None
    given: Mapping[int, Any] = field(default_factory=dict)
    """The values that the inputs had, by position, also of those that are steps."""

    @property
    def is_leaf(self) -> bool:
        return self.node.op is ACCUMULATE_GRAD

    @property
    def op(self) -> str:
        """The operation's name in the table, such as `mul`."""
        return self.node.op.name

    @property
    def grad_name(self) -> str:
        """PyTorch's name for it, such as `MulBackward0`."""
        return self.node.name


class Contribution(NamedTuple):
    """What a step's consumer adds to its gradient, through the consumer's input at `position`."""

    consumer: Step
    position: int
    gradient: Any


@dataclass(slots=True)
class Gradient:
    """The gradient of a step: the sum of what its consumers contribute; the result's own is what was started with."""

    total: Any
    contributions: list[Contribution]


@dataclass(slots=True)
class History:
    """The steps behind `result`, oldest first."""

    steps: list[Step]
    result: Step
    only: frozenset[Node] | None = None
    """The nodes of the leaves that are asked about; none for all."""

    @property
    def leaves(self) -> list[Step]:
        return [step for step in self.steps if step.is_leaf and (self.only is None or step.node in self.only)]

    def gradients(self, start: Any = None) -> dict[Step, Gradient]:
        """The gradient of the result (times `start`, where it is no single number) in each step.

        Raises AutogradFailure where an operation has no derivative.
        """
        ones = np.ones_like(self.result.value)[()] if start is None else start
        found = {self.result: Gradient(ones, [])}
        recording, modes.recording = modes.recording, False
        try:
            with np.errstate(all="ignore"):
                for step in reversed(self.steps):
                    if step in found and not step.is_leaf:
                        for position, g in contributions_of(step, found[step].total):
                            _add(found, step.inputs[position], Contribution(step, position, g))
        finally:
            modes.recording = recording
        return found

    def replayed(self, leaves: Mapping[Step, Any]) -> Any:
        """The result, computed anew by the same operations with other values of some leaves."""
        return self.replayed_steps(leaves)[self.result]

    def replayed_steps(self, leaves: Mapping[Step, Any]) -> dict[Step, Any]:
        """The value of each step that depends on the leaves given, and the result's."""
        values: dict[Step, Any] = dict(leaves)
        recording, modes.recording = modes.recording, False
        attend, modes.attend = modes.attend, None
        try:
            with np.errstate(all="ignore"):
                for step in self.steps:
                    if step not in values and any(type(part) is Step and part in values for part in step.inputs):
                        values[step] = _computed(step, values)
        finally:
            modes.recording, modes.attend = recording, attend
        values.setdefault(self.result, self.result.value)
        return values


def history_of(y: Tensor, place_of: PlaceOf, names: Mapping[str, Tensor]) -> History:
    """The history of `y`, in the words of the script; `names` are the tensors that have names now.

    Raises AutogradFailure where `y` has no history, or where its graph was made while nobody looked, or where memory
    that it refers to was changed since.
    """
    if not y.node:
        raise AutogradFailure(
            "element 0 of tensors does not require grad and does not have a grad_fn",
            label="nothing is recorded behind this",
            cause="untracked",
        )
    called = {tensor.node: name for name, tensor in reversed(names.items()) if tensor.node}
    steps: dict[Node, Step] = {}
    for node in _behind(y.node):
        kept = traced(node)
        if node.op is not ACCUMULATE_GRAD and node.op is not PART and kept is None:
            raise AutogradFailure(
                "the graph of this result was made while nobody looked at it",
                help="compute it again: from here on, graphs are kept",
            )
        if not unchanged(node):
            raise AutogradFailure(
                f"the values that led to this result were changed in place: {node.op.name} at {{place}} saw others",
                help="make a new value instead of changing the old one (`y = y + 1` for `y += 1`)",
                places={"place": node.place},
            )
        steps[node] = _step(len(steps) + 1, node, kept, steps, place_of, called.get(node))
    ordered = list(steps.values())
    result = steps[y.node]
    if result.is_leaf:
        result.value = y.array
    _give_leaves_their_values(ordered, {tensor.node: tensor.array for tensor in names.values() if tensor.node})
    return History(ordered, result)


def _behind(root: Node) -> list[Node]:
    seen, stack = {root}, [root]
    while stack:
        for edge in stack.pop().edges:
            if edge and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return sorted(seen, key=lambda node: node.order)


def _step(number: int, node: Node, kept: Any, steps: dict[Node, Step], place_of: PlaceOf, name: str | None) -> Step:
    place = place_of(node.code, node.instruction) if node.code is not None else None
    if name is None and place is not None and node.op is not ACCUMULATE_GRAD:
        name = place.name
    if node.op is ACCUMULATE_GRAD:
        return Step(number, node, None, place=place, name=name)
    if node.op is PART:
        maker = steps[node.edges[0]]
        index, _count = node.saved
        return Step(number, node, maker.value[index], (maker,), (index,), place, name, {0: maker.value})
    given = dict(enumerate(kept.inputs))
    inputs = (
        tuple(
            steps[edge] if edge else value
            for edge, value in zip(node.edges, kept.inputs[: len(node.edges)], strict=True)
        )
        + kept.inputs[len(node.edges) :]
    )
    return Step(number, node, kept.value, inputs, kept.parameters, place, name, given)


def _give_leaves_their_values(steps: list[Step], now: Mapping[Node, Any]) -> None:
    """Those that they had where they were first used; `now` are those of today, where nothing knows better."""
    for step in steps:
        for position, part in enumerate(step.inputs):
            if type(part) is Step and part.is_leaf and part.value is None:
                part.value = step.given[position]
    for step in steps:
        if step.is_leaf and step.value is None:
            step.value = now.get(step.node)


def _arguments(step: Step, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return (inputs, *step.parameters) if step.node.op.variadic else (*inputs, *step.parameters)


def contributions_of(step: Step, g: Any) -> list[tuple[int, Any]]:
    """What one step gives to each of its inputs that is a step, by the rules of its operation."""
    if step.node.op is PART:
        maker = step.inputs[0]
        return [(0, tuple(g if k == step.parameters[0] else None for k in range(len(maker.value))))]
    op, edges = step.node.op, step.node.edges
    given = tuple(step.given[position] for position in range(len(step.inputs)))
    saved = (None, *given) if type(op) is Marker else saved_by(op, edges, step.value, given, step.parameters)
    if type(g) is tuple:
        g = list(g)
    wanted = [position for position, edge in enumerate(edges) if edge]
    if op.joint:
        needs = tuple(bool(edge) for edge in edges)
        results = op.rules[0](needs, g, *saved)
        return [(position, results[position]) for position in wanted if results[position] is not None]
    found = []
    for position in wanted:
        rule = op.rules[position]
        if rule is None:
            raise no_rule(op, position)  # type: ignore[arg-type]
        contribution = rule(g, *saved)
        if step.node.shapes is not None and step.node.shapes[position] is not None:
            contribution = unbroadcast(contribution, step.node.shapes[position])
        found.append((position, contribution))
    return found


def _add(found: dict[Step, Gradient], step: Step, contribution: Contribution) -> None:
    old = found.get(step)
    if old is None:
        found[step] = Gradient(contribution.gradient, [contribution])
        return
    old.total = _sum(old.total, contribution.gradient)
    old.contributions.append(contribution)


def _sum(one: Any, other: Any) -> Any:
    """The sum of two gradients; of several results, part by part."""
    if type(one) is not tuple:
        return one + other
    pairs = zip(one, other, strict=True)
    return tuple(b if a is None else a if b is None else a + b for a, b in pairs)


def _computed(step: Step, values: Mapping[Step, Any]) -> Any:
    inputs = tuple(
        values.get(part, step.given[position]) if type(part) is Step else part
        for position, part in enumerate(step.inputs)
    )
    if step.node.op is PART:
        return inputs[0][step.parameters[0]]
    if step.node.op.forward is None:
        raise AutogradFailure(
            f"a result of {step.op} can't be computed again for other values of what it came from",
            help="check the function that it was computed by: `gradcheck(f, x)`",
        )
    return step.node.op.forward(*_arguments(step, inputs))
