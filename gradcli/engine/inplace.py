"""Changes in place: of a tensor, of a part of one, and what they mean for the graph.

A change in place is the ordinary operation, whose result then takes over the tensor's memory and history. Where the
tensor is a view, its base takes over too, through `CopySlices`, and every other view of that base is derived anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine import elementwise, memory, modes
from gradcli.engine.conversion import NUMBERS, as_tensor
from gradcli.engine.node import Node, next_order
from gradcli.engine.operation import differentiable, shape_clash
from gradcli.engine.shaping import broadcast_to
from gradcli.engine.tensor import Tensor
from gradcli.engine.views import follow
from gradcli.errors import AutogradFailure, ShapeFailure, TypeFailure


def copy_slices(x, values, path):
    """`x` with `values` in the part that a view of it shows."""
    out = np.array(x)
    follow(path, out)[...] = values
    return out


def _without(g, path):
    return copy_slices(g, 0, path)


copy_slices = differentiable(
    copy_slices, lambda g, _y, _x, _v, path: _without(g, path), lambda g, _y, _x, _v, path: follow(path, g),
    grad_name="CopySlices", real=False, formula=("1 elsewhere", "1 in the part"),
)  # fmt: skip


def refuse_leaf(tensor: Tensor) -> None:
    """A leaf that requires grad can't change while history is recorded: its gradient would be of another value."""
    if not modes.recording or not tensor.node:
        return
    if tensor.is_leaf:
        raise AutogradFailure(
            "a leaf Variable that requires grad is being used in an in-place operation.",
            help="change it inside `no_grad { }`, or make a new value: `y = x + 1`",
        )
    base = tensor.meta.base if tensor.meta is not None else None
    if base is not None and base.node and base.is_leaf:
        raise AutogradFailure(
            "a view of a leaf Variable that requires grad is being used in an in-place operation.",
            help="change it inside `no_grad { }`, or make a copy to change: `y = x.clone()`",
        )


def assign(target: Tensor, result: Tensor) -> Tensor:
    """Gives `target` the value and the history of `result`, in target's own memory.

    Raises AutogradFailure for a leaf that requires grad, ShapeFailure where the result doesn't fit.
    """
    refuse_leaf(target)
    if result.array.shape != target.array.shape:
        raise ShapeFailure(
            f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(result.shape)}",
            help="a change in place can't change the shape: make a new value, `y = x + v`",
        )
    if result.dtype.kind == "f" and target.dtype.kind in "iub":
        raise TypeFailure(
            f"result type {result.dtype} can't be cast to the desired output type {target.dtype}",
            help="make the tensor real first: `x = x.double()`",
        )
    node = result.node
    if node:
        _protect(node, target.array)
    memory.write(target, result.array)
    if node:
        # What the operation itself saved is as new as the change.
        node.order = next_order()
    if modes.recording:
        _take_over(target, node)
    return target


def _protect(node: Node, array: Any) -> None:
    """The operation's own node keeps the old values where it needs them: those are about to be overwritten."""
    if type(node.saved) is tuple:
        node.saved = tuple(
            np.array(value) if isinstance(value, np.ndarray) and memory.overlaps(value, array) else value
            for value in node.saved
        )


def _take_over(target: Tensor, node: Any) -> None:
    meta = target.meta
    base = meta.base if meta is not None else None
    if base is None:
        base = target
        if node or target.node:
            target.node = node
    elif node or base.node:
        base.node = Node(copy_slices.op, (base.node, node), (None, None, None, meta.path))
    if base.node and base.meta is not None and base.meta.views is not None:
        for view in base.meta.views.live():
            view.node = follow(view.meta.path, base).node


def changed(function: Callable[..., Tensor], target: Tensor, *args: Any) -> Tensor:
    """`target` after `function(target, *args)` in place (torch's functions with a trailing underscore)."""
    refuse_leaf(target)
    return assign(target, function(target, *args))


def copy(target: Tensor, source: Any) -> Tensor:
    """Copies `source`, broadcast, into `target` (torch's `copy_`)."""
    refuse_leaf(target)
    source = as_tensor(source)
    if source.dtype != target.dtype:
        source = as_tensor(source, target.dtype)
    if source.shape != target.shape:
        try:
            np.broadcast_shapes(source.shape, target.shape)
        except ValueError:
            raise shape_clash(target.shape, source.shape) from None
        if source.ndim > target.ndim and source.array.size == target.array.size:
            source = Tensor(source.array.reshape(target.shape), source.node)
        source = broadcast_to(source, target.shape)
    return assign(target, source)


def _augmented(operation: Callable[..., Tensor], plain: np.ufunc) -> Callable[[Tensor, Any], Tensor]:
    def apply(self: Tensor, other: Any) -> Tensor:
        array = self.array
        value = other.array if type(other) is Tensor else other
        # Without history, and within one dtype, NumPy writes into the memory at once.
        if (
            isinstance(array, np.ndarray)
            and array.dtype.kind == "f"
            and (not modes.recording or (not self.node and not (type(other) is Tensor and other.node)))
            and (type(value) in NUMBERS or (type(other) is Tensor and value.dtype is array.dtype))
            and (self.meta is None or self.meta.base is None or not self.meta.base.node or not modes.recording)
        ):
            try:
                plain(array, value, out=array)
            except ValueError:
                out = np.broadcast_shapes(array.shape, np.shape(value)) if _broadcasts(array, value) else None
                if out is None:
                    raise shape_clash(array.shape, np.shape(value)) from None
                raise ShapeFailure(
                    f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(out)}",
                    help="a change in place can't change the shape: make a new value, `y = x + v`",
                ) from None
            memory.stamp(array)
            return self
        return changed(operation, self, other)

    return apply


def _broadcasts(array: np.ndarray, value: Any) -> bool:
    try:
        np.broadcast_shapes(array.shape, np.shape(value))
    except ValueError:
        return False
    return True


add_ = _augmented(elementwise.add, np.add)
sub_ = _augmented(elementwise.sub, np.subtract)
mul_ = _augmented(elementwise.mul, np.multiply)
div_ = _augmented(elementwise.div, np.true_divide)
