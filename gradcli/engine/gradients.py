"""What a person asks of gradients: `backward`, `grad`, and which tensors are tracked, hooked, retained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine import memory, modes
from gradcli.engine.backward import propagate
from gradcli.engine.conversion import as_tensor
from gradcli.engine.hooks import Hooks
from gradcli.engine.node import ACCUMULATE_GRAD, Node, site
from gradcli.engine.tensor import CUT, AutogradMeta, Tensor
from gradcli.engine.views import follow
from gradcli.errors import AutogradFailure, ShapeFailure, TypeFailure


def _initial(name: str, tensor: Tensor, gradient: Any, create_graph: bool) -> Any:
    """The gradient that a pass starts with at `tensor`."""
    array = tensor.array
    if gradient is None:
        if array.__class__ is not np.ndarray:
            # Scalars are asked for their class eight times as quickly as for their dtype.
            start: Any = array.__class__(1)
            return Tensor(start, CUT) if create_graph else start
        if array.size != 1:
            ones = f"ones({', '.join(map(str, array.shape))})"
            raise no_single_number(
                name,
                tensor.shape,
                tensor.node,
                "reduce it, "
                + (
                    f"`backward {{root.sum}}`, or give a vector, `backward {{root.name}} with {ones}`"
                    if name == "backward"
                    else f"`grad(sum({{root.name}}), x)`, or give a vector, `grad({{root.name}}, x, {ones})`"
                ),
            )
        start = array.dtype.type(1) if not array.ndim else np.ones_like(array)
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


def no_single_number(name: str, shape: tuple[int, ...], node: Node, help: str) -> AutogradFailure:
    """What `name` says of a result with several numbers, where no vector says how they're weighed."""
    return AutogradFailure(
        f"{name} needs one number to start from, and {{root.value}} has shape {shape}",
        label="grad can be implicitly created only for scalar outputs",
        help=help,
        places={"root": node.place},
    )


def _roots(
    name: str, outputs: Sequence[Tensor], gradients: Sequence[Any] | None, create_graph: bool
) -> list[tuple[Node, Any]]:
    if gradients is None:
        gradients = [None] * len(outputs)
    elif len(gradients) != len(outputs):
        raise AutogradFailure(
            f"got {len(outputs)} tensors and {len(gradients)} gradients", help="give one gradient for each result"
        )
    for number, output in enumerate(outputs):
        if type(output) is not Tensor:
            if isinstance(output, (int, float)):
                raise TypeFailure(f"{name} starts from a tensor, and this is a number", cause="number")
            raise TypeFailure(f"{name} starts from a tensor, and this is none of them")
        if not output.node:
            raise AutogradFailure(
                f"element {number} of tensors does not require grad and does not have a grad_fn",
                label="nothing is recorded behind this",
                cause="untracked",
                help=_why_untracked(output),
            )
    return [(output.node, _initial(name, output, gradients[k], create_graph)) for k, output in enumerate(outputs)]


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
    if modes.before_backward is not None:
        modes.before_backward(outputs, gradients, inputs)
    wanted = None
    if inputs is not None:
        _not_empty(inputs, "backward")
        for tensor in inputs:
            if not tensor.node:
                raise AutogradFailure("One of the differentiated Tensors does not require grad")
        wanted = {tensor.node for tensor in inputs}
    with _quiet(create_graph):
        roots = _roots("backward", outputs, gradients, create_graph)
        reached = propagate(
            roots,
            wanted=wanted,
            retain_graph=create_graph if retain_graph is None else retain_graph,
            create_graph=create_graph,
        )
        changes = []
        for leaf, g in reached.leaves:
            meta = leaf.saved
            if meta.stopped is not leaf:
                changes.append((meta, _new_gradient(meta.grad, g)))
        if inputs is not None:
            given = [(tensor.ensure_meta(), reached.captured.get(tensor.node)) for tensor in inputs]
            changes += [(meta, _new_gradient(meta.grad, g)) for meta, g in given if g is not None]
        if modes.warn is not None:
            _warn_of_accumulation(changes)
        retained = [(meta, _new_gradient(meta.grad, g)) for meta, g in reached.retained]
    _store(changes + retained)
    return [meta for meta, _ in changes]


def _new_gradient(old: Tensor | None, g: Any) -> Any:
    """What `.grad` becomes: the sum with what's there, in an array of its own."""
    if type(g) is Tensor:
        return Tensor(_own(g.array), g.node) if old is None else old + g  # type: ignore[operator]
    return _own(g) if old is None else old.array + g


def _not_empty(inputs: Sequence[Tensor], name: str) -> None:
    for tensor in inputs:
        if type(tensor) is not Tensor:
            raise TypeFailure(
                f"{name} differentiates with respect to tensors, and this is a plain number or another value"
            )
    if not inputs:
        raise AutogradFailure(f"`inputs` argument to `{name}()` cannot be empty.", help="name at least one tensor")


def _warn_of_accumulation(changing: list[tuple[AutogradMeta, Any]]) -> None:
    """A loop that never clears its gradients adds every pass to those before: right in torch, and seldom meant."""
    here = site()
    for meta, _ in changing:
        if meta.grad is not None and meta.last_pass == here and meta.grad.array.any():
            assert modes.warn is not None
            modes.warn(
                "this backward adds to the gradients of its last pass",
                "clear them before each pass, `zero_grad()` or `x.grad.zero_()`, unless the sum is what you want",
            )
        meta.last_pass = here


def _store(gradients: list[tuple[AutogradMeta, Any]]) -> None:
    for meta, new in gradients:
        fresh = meta.grad is None or (modes.count_passes and not meta.grad.array.any())
        meta.passes = 1 if fresh else meta.passes + 1
        if meta.grad is None or type(new) is Tensor:
            meta.grad = new if type(new) is Tensor else Tensor(new, CUT)
        else:
            memory.write(meta.grad, new)


def _own(g: Any) -> Any:
    """The gradient in memory of its own: a rule may hand one array to two leaves, or a view of a saved one."""
    return +g if isinstance(g, np.generic) else np.array(g)


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
    _not_empty(inputs, "grad")
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
        roots = _roots("grad", outputs, gradients, create_graph)
        reached = propagate(
            roots,
            wanted={tensor.node for tensor in inputs},
            retain_graph=create_graph if retain_graph is None else retain_graph,
            create_graph=create_graph,
        )
    _store([(meta, _new_gradient(meta.grad, g)) for meta, g in reached.retained])
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
                help="is the result computed from {input} itself, and not from a copy or a detached one?",
                places={"input": tensor.node.place},
            )
    return results


class _quiet:
    """A pass records only under `create_graph`, and NumPy doesn't warn: a gradient may well be inf or nan."""

    __slots__ = ("before", "errors", "inside", "recording", "watch")

    def __init__(self, create_graph: bool) -> None:
        self.recording = create_graph
        self.watch = modes.watch
        # Where somebody watches, NumPy's errors go there already.
        self.errors = np.errstate(all="ignore") if self.watch is None else None

    def __enter__(self) -> None:
        self.before, modes.recording = modes.recording, self.recording
        if self.errors is not None:
            self.errors.__enter__()
        else:
            self.watch.disarm()
            self.inside, self.watch.in_backward = self.watch.in_backward, True

    def __exit__(self, *problem: Any) -> None:
        modes.recording = self.before
        if self.errors is not None:
            self.errors.__exit__(*problem)
        else:
            self.watch.in_backward, modes.raised = self.inside, None


def start_tracking(tensor: Tensor) -> Tensor:
    """Makes `tensor` a leaf that requires grad (torch's `requires_grad_()`)."""
    if tensor.node:
        return tensor
    if tensor.dtype.kind not in "fc":
        raise AutogradFailure(
            "only Tensors of floating point and complex dtype can require gradients",
            help=f"this one is {tensor.dtype}: make it real first, `x.double()`, or leave out `dtype=`",
        )
    meta = tensor.ensure_meta()
    # A leaf that was untracked for a while is the same leaf again, also for graphs of before.
    tensor.node = meta.stopped or Node(ACCUMULATE_GRAD, (), meta)
    meta.stopped = None
    if meta.views is not None:
        # Views that were made before look into what is a leaf now.
        with modes.grad_mode(True):
            for view in meta.views.live():
                view.node = follow(view.meta.path, tensor).node  # type: ignore[union-attr]
    return tensor


def stop_tracking(tensor: Tensor) -> Tensor:
    """`requires_grad_(false)`: only a leaf can forget that it requires grad."""
    if not tensor.is_leaf:
        raise AutogradFailure(
            "you can only change requires_grad flags of leaf variables.",
            help="for a value that isn't differentiated further use `y.detach()`",
        )
    if tensor.node:
        tensor.ensure_meta().stopped = tensor.node
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
