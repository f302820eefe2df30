"""The backward pass: from results to leaves, newest node first, without recursion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from gradcli.engine import memory, modes
from gradcli.engine.conversion import as_tensor
from gradcli.engine.hooks import Hooks
from gradcli.engine.node import ACCUMULATE_GRAD, PART, Freed, Node
from gradcli.engine.operation import no_rule
from gradcli.engine.tensor import CUT, AutogradMeta, Tensor
from gradcli.errors import AutogradFailure, ShapeFailure, TypeFailure


class Reached:
    """What a pass came to: gradients of leaves, of tensors asked for, and of tensors that retain theirs."""

    __slots__ = ("captured", "leaves", "retained")

    def __init__(self) -> None:
        self.leaves: list[tuple[Node, Any]] = []
        self.captured: dict[Node, Any] = {}
        self.retained: list[tuple[AutogradMeta, Any]] = []


def propagate(
    roots: Iterable[tuple[Node, Any]],
    *,
    wanted: set[Node] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> Reached:
    """Carries the gradients of `roots` back through the graph.

    Gradients are arrays, or tensors under `create_graph`. With `wanted`, only nodes that lead to one of those are
    visited, and what arrives at them is captured. Nothing outside of the graph is changed.
    """
    reached = Reached()
    needed = None if wanted is None else _leading_to(wanted, [node for node, _ in roots])
    waiting = _Waiting()
    for node, g in roots:
        if needed is None or node in needed:
            waiting.add(node, g)
    freed = None if retain_graph else Freed()
    node, g = waiting.newest(None, None)
    while node is not None:
        if node.hooks is not None:
            g = _run_hooks(node.hooks, g, reached)
        if wanted is not None and node in wanted:
            reached.captured[node] = g
        op = node.op
        # The newest of the nodes that a gradient goes to is held in hand: in a chain it's the next to visit.
        held = held_g = None
        if op is ACCUMULATE_GRAD:
            if wanted is None:
                reached.leaves.append((node, g))
        elif op is PART:
            waiting.add_part(node, g)
        else:
            saved = node.saved
            if saved.__class__ is Freed:
                raise second_backward(node)
            if memory.newest_change > node.order:
                _check_unchanged(node)
            if create_graph:
                saved = _as_recorded(node)
            edges = node.edges
            rules = op.rules
            if needed is not None:
                edges = tuple(edge if edge in needed else None for edge in edges)
            if op.joint:
                gradients = rules[0](tuple(edge is not None for edge in edges), g, *saved)
                edges = tuple(None if part is None else edge for edge, part in zip(edges, gradients, strict=True))
                rules = tuple(_given(part) for part in gradients)
            shapes = node.shapes
            position = 0
            for edge, rule in zip(edges, rules):  # noqa: B905  (`strict` doubles the cost of zip here)
                if edge is not None:
                    if rule is None:
                        raise no_rule(op, position)
                    contribution = rule(g, *saved)
                    if shapes is not None and shapes[position] is not None:
                        contribution = unbroadcast(contribution, shapes[position])
                    if edge is held:
                        held_g = held_g + contribution
                    elif waiting.nodes and edge.order in waiting.nodes:
                        waiting.add(edge, contribution)
                    elif held is None:
                        held, held_g = edge, contribution
                    elif edge.order > held.order:
                        waiting.add(held, held_g)
                        held, held_g = edge, contribution
                    else:
                        waiting.add(edge, contribution)
                position += 1
            if freed is not None and (op.frees or op.frees is None and _saved_values(node)):
                node.saved = freed
            saved = None
        node, g = waiting.newest(held, held_g) if waiting.heap else (held, held_g)
    return reached


def _saved_values(node: Node) -> bool:
    """Whether a node whose op may or may not save values has saved some."""
    return any(value is not None and type(value) is not tuple for value in node.saved[: node.op.arity + 1])


def _given(gradient: Any) -> Callable[..., Any]:
    """A rule for what a joint rule has computed already."""
    return lambda g, *_: gradient


class _Waiting:
    """Nodes that wait for their visit, each with the sum of the gradients that have come to it so far.

    A consumer is always newer than what it consumes, so by descending number every node comes after all its consumers.
    """

    __slots__ = ("gradients", "heap", "nodes", "ours")

    def __init__(self) -> None:
        self.heap: list[int] = []
        self.nodes: dict[int, Node] = {}
        self.gradients: dict[int, Any] = {}
        self.ours: set[int] = set()

    def add(self, node: Node, g: Any) -> None:
        order = node.order
        if order not in self.nodes:
            self.nodes[order] = node
            self.gradients[order] = g
            heappush(self.heap, -order)
            return
        total = self.gradients[order]
        if order in self.ours and total.__class__ is np.ndarray:
            # A sum that this pass made is its own to add to; what a rule returned may be somebody else's memory.
            np.add(total, g, out=total)
        else:
            self.gradients[order] = total + g
            if g.__class__ is np.ndarray:
                self.ours.add(order)

    def add_part(self, node: Node, g: Any) -> None:
        """Puts a part's gradient in its place of the list for the node that made all parts."""
        maker = node.edges[0]
        index, count = node.saved
        if maker.order not in self.nodes:
            self.add(maker, [None] * count)
        parts = self.gradients[maker.order]
        parts[index] = g if parts[index] is None else parts[index] + g

    def newest(self, held: Node | None, held_g: Any) -> tuple[Node | None, Any]:
        """The newest node of all, `held` among them, and its gradient; none where there is none."""
        if not self.heap:
            return held, held_g
        if held is not None and held.order > -self.heap[0]:
            return held, held_g
        if held is not None:
            self.add(held, held_g)
        order = -heappop(self.heap)
        self.ours.discard(order)
        return self.nodes.pop(order), self.gradients.pop(order)


def _leading_to(wanted: set[Node], roots: list[Node]) -> set[Node]:
    """The nodes below `roots` from which a wanted one can be reached."""
    seen = set(roots)
    stack = list(roots)
    while stack:
        for edge in stack.pop().edges:
            if edge and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    leading: set[Node] = set()
    for node in sorted(seen, key=lambda node: node.order):
        if node in wanted or any(edge in leading for edge in node.edges if edge):
            leading.add(node)
    return leading


def _run_hooks(hooks: Hooks, g: Any, reached: Reached) -> Any:
    for function in list(hooks.functions.values()):
        tensor = g if type(g) is Tensor else Tensor(g, CUT)
        replaced = function(tensor)
        if replaced is not None:
            replaced = as_tensor(replaced, tensor.dtype)
            if replaced.shape != tensor.shape:
                raise ShapeFailure(
                    f"a hook returned a gradient of shape {replaced.shape}, where shape {tensor.shape} is wanted",
                    help="a hook returns none, or a gradient of the same shape",
                )
            g = replaced if type(g) is Tensor else replaced.array
    # As in torch, what's retained is the gradient after all hooks, whenever they were registered.
    if hooks.retain is not None:
        reached.retained.append((hooks.retain, g))
    return g


def _as_recorded(node: Node) -> tuple:
    """What a node saved, as tensors with their history, for a rule that records itself."""
    op, saved = node.op, node.saved
    out = saved[0]
    if type(out) is tuple:
        out = tuple(Tensor(part, Node(PART, (node,), (k, len(out)))) for k, part in enumerate(out))
    elif out is not None:
        out = Tensor(out, node)
    if op.variadic:
        return (
            out,
            tuple(_with_history(value, edge) for value, edge in zip(saved[1], node.edges, strict=True)),
            *saved[2:],
        )
    inputs = (_with_history(value, edge) for value, edge in zip(saved[1 : op.arity + 1], node.edges, strict=True))
    return (out, *inputs, *saved[op.arity + 1 :])


def _with_history(value: Any, edge: Any) -> Any:
    return Tensor(value, edge) if edge and value is not None and type(value) is not tuple else value


def _check_unchanged(node: Node) -> None:
    found = memory.changed_saved_value(node)
    if found is None:
        return
    position, change = found
    value = "its result" if position == 0 else "a value that it needs"
    raise AutogradFailure(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"{node.op.name} at {{saver}} saved {value}, and {{change}} changed it",
        help="make a new value instead of changing the old one (`y = y + 1` for `y += 1`), or change a `.clone()`",
        places={
            "saver": (node.code, node.instruction if node.code else 0),
            "change": (change.code, change.instruction),
        },
    )


def second_backward(node: Node) -> AutogradFailure:
    """The failure of a pass through nodes that an earlier pass has freed."""
    freed: Freed = node.saved
    return AutogradFailure(
        "Trying to backward through the graph a second time: its saved values were freed by the backward at {freed}",
        label="the graph behind this was freed",
        help="sum the losses and call backward once, or `.detach()` what comes from the step before; "
        "if the same graph is really needed again, keep it: `backward y retain` or `y.backward(retain_graph=true)`",
        places={"freed": (freed.code, freed.instruction)},
    )


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Undoes broadcasting: sums `g` over the dimensions that were stretched to get from `shape` to g's."""
    if shape == ():
        return np.sum(g)
    extra = g.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        axis + extra for axis, size in enumerate(shape) if size == 1 and g.shape[axis + extra] != 1
    )
    return np.reshape(np.sum(g, axis=axes, keepdims=True), shape)


# ---- what a person calls


def _initial(tensor: Tensor, gradient: Any, create_graph: bool) -> Any:
    """The gradient that a pass starts with at `tensor`."""
    array = tensor.array
    if gradient is None:
        if array.size != 1:
            raise AutogradFailure(
                f"backward needs one number to start from, and {{root}} has shape {tensor.shape}",
                label="grad can be implicitly created only for scalar outputs",
                help="reduce it, `backward {root.name}.sum()`, or give a vector, "
                f"`backward {{root.name}} with ones({', '.join(map(str, array.shape))})`",
                places={"root": (tensor.node.code, tensor.node.instruction) if tensor.node.code else (None, 0)},
            )
        start: Any = array.dtype.type(1) if not array.ndim else np.ones_like(array)
        return Tensor(start, CUT) if create_graph else start
    gradient = as_tensor(gradient)
    if gradient.shape != tensor.shape:
        raise ShapeFailure(
            f"Mismatch in shape: grad_output[0] has a shape of {gradient.shape} and output[0] has a shape of "
            f"{tensor.shape}",
            help="the vector must have the shape of the result that it multiplies",
        )
    if gradient.dtype != tensor.dtype:
        gradient = as_tensor(gradient, tensor.dtype)
    return gradient if create_graph else gradient.array


def _roots(outputs: Sequence[Tensor], gradients: Sequence[Any] | None, create_graph: bool) -> list[tuple[Node, Any]]:
    if gradients is None:
        gradients = [None] * len(outputs)
    elif len(gradients) != len(outputs):
        raise AutogradFailure(
            f"got {len(outputs)} tensors and {len(gradients)} gradients", help="give one gradient for each result"
        )
    for number, output in enumerate(outputs):
        if type(output) is not Tensor:
            raise TypeFailure("backward starts from a tensor, and this is a plain number or another value")
        if not output.node:
            raise AutogradFailure(
                f"element {number} of tensors does not require grad and does not have a grad_fn",
                label="nothing is recorded behind this",
                help=_why_untracked(output),
            )
    return [
        (output.node, _initial(output, gradient, create_graph))
        for output, gradient in zip(outputs, gradients, strict=True)
    ]


def _why_untracked(output: Tensor) -> str:
    if output.node is CUT:
        return "its history was cut by detach, no_grad, .data or a tensor made without requires_grad"
    return "mark a tensor that it's computed from with `requires_grad_()` before computing it"


def backward(
    outputs: Sequence[Tensor],
    gradients: Sequence[Any] | None = None,
    *,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> list[AutogradMeta]:
    """Adds the gradients of `outputs` to the `.grad` of the leaves (or of `inputs` alone).

    Returns the places whose gradient changed. Nothing is stored before everything is computed, so an error leaves
    every `.grad` as it was. Raises AutogradFailure (nothing recorded, no scalar, freed, changed in place) and
    ShapeFailure.
    """
    wanted = None
    if inputs is not None:
        for tensor in inputs:
            if not tensor.node:
                raise AutogradFailure("One of the differentiated Tensors does not require grad")
        wanted = {tensor.node for tensor in inputs}
    with _quiet(create_graph):
        roots = _roots(outputs, gradients, create_graph)
        reached = propagate(
            roots,
            wanted=wanted,
            retain_graph=create_graph if retain_graph is None else retain_graph,
            create_graph=create_graph,
        )
        results = [(leaf.saved, g) for leaf, g in reached.leaves]
        if inputs is not None:
            results += [
                (tensor.ensure_meta(), reached.captured[tensor.node])
                for tensor in inputs
                if tensor.node in reached.captured
            ]
        changes = [(meta, _new_gradient(meta.grad, g)) for meta, g in results]
        retained = [(meta, _new_gradient(None, g)) for meta, g in reached.retained]
    for meta, new in changes + retained:
        if meta.grad is None or type(new) is Tensor:
            meta.grad = new if type(new) is Tensor else Tensor(new, CUT)
        else:
            memory.write(meta.grad, new)
    return [meta for meta, _ in changes]


def _new_gradient(old: Tensor | None, g: Any) -> Any:
    """What `.grad` becomes: the sum with what's there, in an array of its own."""
    if type(g) is Tensor:
        return Tensor(_own(g.array), g.node) if old is None else old + g  # type: ignore[operator]
    return _own(g) if old is None else old.array + g


def _own(g: Any) -> Any:
    """The gradient in memory of its own: a rule may hand one array to two leaves, or a view of a saved one."""
    return np.array(g)[()] if isinstance(g, np.generic) else np.array(g)


def grad(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    gradients: Sequence[Any] | None = None,
    *,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
    materialize_grads: bool = False,
) -> list[Tensor | None]:
    """The gradients of `outputs` with respect to each of `inputs`, without touching any `.grad`.

    An input that doesn't affect the outputs is an AutogradFailure, unless `allow_unused` (then none) or
    `materialize_grads` (then zeros).
    """
    for tensor in inputs:
        if type(tensor) is not Tensor:
            raise TypeFailure(
                "grad differentiates with respect to tensors, and this is a plain number or another value"
            )
        if not tensor.node:
            raise AutogradFailure(
                "One of the differentiated Tensors does not require grad",
                help="mark it with `requires_grad_()` before computing the result",
            )
    with _quiet(create_graph):
        roots = _roots(outputs, gradients, create_graph)
        reached = propagate(
            roots,
            wanted={tensor.node for tensor in inputs},
            retain_graph=create_graph if retain_graph is None else retain_graph,
            create_graph=create_graph,
        )
    for meta, g in reached.retained:
        meta.grad = g if type(g) is Tensor else Tensor(_own(g), CUT)
    results: list[Tensor | None] = []
    for tensor in inputs:
        g = reached.captured.get(tensor.node)
        if g is not None:
            results.append(g if type(g) is Tensor else Tensor(_own(g), CUT))
        elif materialize_grads:
            results.append(Tensor(np.zeros_like(tensor.array), CUT))
        elif allow_unused:
            results.append(None)
        else:
            raise AutogradFailure(
                "One of the differentiated Tensors appears to not have been used in the graph. "
                "Set allow_unused=True if this is the desired behavior.",
                help="is the result computed from this very tensor, and not from a copy or a detached one?",
            )
    return results


class _quiet:
    """A pass records only under `create_graph`, and NumPy doesn't warn: a gradient may well be inf or nan."""

    def __init__(self, create_graph: bool) -> None:
        self.recording = create_graph
        self.errors = np.errstate(all="ignore")

    def __enter__(self) -> None:
        self.before, modes.recording = modes.recording, self.recording
        self.errors.__enter__()

    def __exit__(self, *problem: Any) -> None:
        self.errors.__exit__(*problem)
        modes.recording = self.before


def start_tracking(tensor: Tensor) -> Tensor:
    """Makes `tensor` a leaf that requires grad (torch's `requires_grad_()`)."""
    if tensor.node:
        return tensor
    if tensor.dtype.kind not in "fc":
        raise AutogradFailure(
            "only Tensors of floating point and complex dtype can require gradients",
            help=f"this one is {tensor.dtype}: make it real first, `x.double()`, or leave out `dtype=`",
        )
    tensor.node = Node(ACCUMULATE_GRAD, (), tensor.ensure_meta())
    return tensor


def stop_tracking(tensor: Tensor) -> Tensor:
    """`requires_grad_(false)`: only a leaf can forget that it requires grad."""
    if not tensor.is_leaf:
        raise AutogradFailure(
            "you can only change requires_grad flags of leaf variables.",
            help="for a value that isn't differentiated further use `y.detach()`",
        )
    tensor.node = CUT
    return tensor


def hooks_of(tensor: Tensor) -> Hooks:
    if not tensor.node:
        raise AutogradFailure("cannot register a hook on a tensor that doesn't require gradient")
    if tensor.node.hooks is None:
        tensor.node.hooks = Hooks()
    return tensor.node.hooks


def retain_grad(tensor: Tensor) -> None:
    """Keeps the gradient of a result that is no leaf, as `.grad`."""
    if not tensor.node:
        raise AutogradFailure("can't retain_grad on Tensor that has requires_grad=False")
    if not tensor.is_leaf:
        meta = tensor.ensure_meta()
        meta.retains = True
        hooks_of(tensor).retain = meta
