"""What lowered code calls, by names beginning with `@`: the parts of the language that Python's syntax lacks.

The register, and what statements do; the rest is in literals.py, operators.py, tracked.py, dotted.py, custom.py and
seeing.py.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from gradcli.engine import Tensor, as_tensor, grad_mode
from gradcli.engine import backward as run_backward
from gradcli.errors import AssertFailure, AutogradFailure, ShapeFailure, TypeFailure, kind_of
from gradcli.events import Grad, Value
from gradcli.library import context
from gradcli.library.autograd import derivative
from gradcli.library.values import Handle

RUNTIME: dict[str, Any] = {}


def runtime(function: Callable[..., Any]) -> Callable[..., Any]:
    RUNTIME["@" + function.__name__.rstrip("_")] = function
    return function


@runtime
def show(value: Any, name: str | None, line: int) -> None:
    if value is not None and type(value) is not Handle:
        context.current().emit(Value(value, name, line))


@runtime
def backward(
    y: Any, name: str | None, line: int, gradient: Any, wrt: Any, retain: bool, vector: tuple[int, ...] | None
) -> None:
    """The statement: gradients of y into the leaves, and each named leaf's that changed is shown."""
    if type(gradient) is Tensor and isinstance(y, (tuple, list)):
        y = as_tensor(y)
    several = isinstance(y, (tuple, list))
    outputs = [as_tensor(part) for part in y] if several else [y]
    inputs = (
        None
        if wrt is None
        else [part for item in wrt for part in (item if isinstance(item, (tuple, list)) else (item,))]
    )
    gradients = None
    if gradient is not None:
        gradients = list(gradient) if several and isinstance(gradient, (tuple, list)) else [gradient]
    try:
        changed = run_backward(outputs, gradients, retain_graph=retain or None, inputs=inputs)
    except ShapeFailure as failure:
        if failure.message.startswith("Mismatch in shape"):
            # The vector is at fault, and stands in a place of its own.
            failure.argument = "", vector
        raise
    shown = {id(meta) for meta in changed}
    events = []
    for leaf, tensor in context.current().named_tensors().items():
        if tensor.meta is not None and id(tensor.meta) in shown:
            shown.discard(id(tensor.meta))
            events.append(Grad(name, leaf, tensor.meta.grad, line, tensor, tensor.meta.passes))
    for event in events:
        context.current().emit(event._replace(last=event is events[-1]))


@runtime
def wanted(value: Any) -> Any:
    """What a backward is to reach alone: tensors that require grad."""
    for tensor in value if isinstance(value, (tuple, list)) else (value,):
        if type(tensor) is not Tensor:
            raise TypeFailure(f"`wrt` names the tensors to differentiate by, and this is {kind_of(tensor)}")
        if not tensor.node:
            raise AutogradFailure(
                "One of the differentiated Tensors does not require grad",
                label="nothing is recorded for this",
                help="mark it with `requires_grad_()` before computing the result",
                cause="untracked",
            )
    return value


@runtime
def grad_mode_(on: bool) -> AbstractContextManager[None]:
    return grad_mode(on)


class GradMode:
    """What `torch.no_grad()` and `torch.enable_grad()` give, to stand in a `with`."""

    __slots__ = ("on",)

    def __init__(self, on: bool) -> None:
        self.on = on

    def __repr__(self) -> str:
        return "<enable_grad>" if self.on else "<no_grad>"


@runtime
def context_(value: Any) -> AbstractContextManager[None]:
    if type(value) is GradMode:
        return grad_mode(value.on)
    raise TypeFailure(
        "`with` takes `torch.no_grad()` or `torch.enable_grad()`", help="or write the block directly: `no_grad { ... }`"
    )


@runtime
def prime(function: Any, times: int) -> Any:
    """`f'` and `f''`."""
    if not callable(function):
        raise TypeFailure(f"a prime makes the derivative of a function, and this is {kind_of(function)}")
    for _ in range(times):
        function = derivative(function)
    return function


@runtime
def assertion_failed(message: Any) -> None:
    raise AssertFailure("this doesn't hold" if message is None else str(message))
