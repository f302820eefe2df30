"""Changes in place: of a tensor, of a part of one, and what they mean for the graph.

A change in place is the ordinary operation, whose result then takes over the tensor's memory and history. Where the
tensor is a view, its base takes over too, through `CopySlices`, and every other view of that base is derived anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine import elementwise, memory, modes
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.conversion import NUMBERS, as_tensor
from gradcli.engine.hooks import Hooks
from gradcli.engine.node import Node, next_order
from gradcli.engine.operation import differentiable
from gradcli.engine.shaping import broadcast_to, reshape
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
    grad_name="CopySlices", real=False, formula=("g, with 0 at {path}", "g, at {path}"),
)  # fmt: skip


def refuse_leaf(tensor: Tensor) -> None:
    """A leaf that requires grad can't change while history is recorded: its gradient would be of another value."""
    if not modes.recording or not tensor.node:
        return
    if tensor.is_leaf:
        raise AutogradFailure(
            "a leaf Variable that requires grad is being used in an in-place operation.",
            help="change it inside `no_grad { }`, or make a new value: `y = x + 1`",
            cause="leaf",
        )
    base = tensor.meta.base if tensor.meta is not None else None
    if base is not None and base.node and base.is_leaf:
        raise AutogradFailure(
            "a view of a leaf Variable that requires grad is being used in an in-place operation.",
            help="change it inside `no_grad { }`, or make a copy to change: `y = x.clone()`",
            cause="leaf",
        )


def assign(target: Tensor, result: Tensor) -> Tensor:
    """Gives `target` the value and the history of `result`, a new result of an operation, in target's own memory.

    Raises AutogradFailure for a leaf that requires grad, ShapeFailure where the result doesn't fit.
    """
    refuse_leaf(target)
    if result.array.shape != target.array.shape:
        raise ShapeFailure(
            f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(result.shape)}",
            help="a change in place can't change the shape: make a new value, `y = x + v`",
        )
    if result.dtype != target.dtype:
        if result.dtype.kind == "f" and target.dtype.kind in "iub":
            raise TypeFailure(
                f"result type {result.dtype} can't be cast to the desired output type {target.dtype}",
                help="make the tensor real first: `x = x.double()`",
            )
        result = as_tensor(result, target.dtype)
    node = result.node or None
    if node is not None and type(node.saved) is tuple:
        node.saved = tuple(_kept_from(value, target.array) for value in node.saved)
    before = None if modes.attend is None else _base_of(target).copy()
    memory.write(target, result.array)
    if node is not None:
        # What the operation itself saved is as new as the change.
        node.order = next_order()
    if modes.recording:
        _take_over(target, node, before)
    return target


def _base_of(target: Tensor) -> Any:
    """The array whose part a view is; its own, where it's no view."""
    base = target.meta.base if target.meta is not None else None
    return target.array if base is None else base.array


def _kept_from(value: Any, array: Any) -> Any:
    """A saved value, copied where it lies in memory that is about to be overwritten."""
    if isinstance(value, np.ndarray):
        return np.array(value) if memory.overlaps(value, array) else value
    if type(value) is tuple:
        return tuple(_kept_from(item, array) for item in value)
    return value


def _take_over(target: Tensor, node: Any, before: Any) -> None:
    """Gives a changed tensor's history to it, its base and the other views; `before` is what the base held."""
    meta = target.meta
    base = meta.base if meta is not None else None
    if base is None:
        base = target
        if node is not None or target.node:
            _move_retained(target, node)
            target.node = node
    elif node is not None or base.node:
        _move_retained(base, new := Node(copy_slices.op, (base.node or None, node), (None, None, None, meta.path)))
        base.node = new
        if modes.attend is not None:
            modes.attend(new, base.array, (before, target.array), (meta.path,))
    if base.node and base.meta is not None and base.meta.views is not None:
        for view in base.meta.views.live():
            node = follow(view.meta.path, base).node
            _move_retained(view, node)
            view.node = node


def _move_retained(tensor: Tensor, node: Any) -> None:
    """A tensor that retains its gradient does so for its newest value; hooks stay with the value they were put on."""
    if node and tensor.node and tensor.meta is not None and tensor.meta.retains and tensor.node.hooks is not None:
        retaining = tensor.node.hooks.retain
        tensor.node.hooks.retain = None
        node.hooks = Hooks()
        node.hooks.retain = retaining


def changed(function: Callable[..., Tensor], target: Tensor, *args: Any) -> Tensor:
    """`target` after `function(target, *args)` in place (torch's functions with a trailing underscore)."""
    refuse_leaf(target)
    return assign(target, function(target, *args))


def overwritten(x, values):
    return np.array(values)[()]


# What was there before has no part in the result, and gets zeros, as in torch.
overwritten = differentiable(
    overwritten, lambda g, *_: np.zeros_like(g), lambda g, *_: g,
    grad_name="CopyBackwards", real=False, formula=("0", "1"),
)  # fmt: skip


def copy(target: Tensor, source: Any) -> Tensor:
    """Copies `source`, broadcast, into `target` (torch's `copy_`)."""
    refuse_leaf(target)
    source = as_tensor(source)
    if source.dtype != target.dtype:
        source = as_tensor(source, target.dtype)
    if source.shape != target.shape:
        if source.ndim > target.ndim:
            # Leading sizes of 1 fall away.
            extra = source.ndim - target.ndim
            if source.shape[:extra] == (1,) * extra:
                source = reshape(source, source.shape[extra:])
        try:
            fits = np.broadcast_shapes(source.shape, target.shape) == target.shape
        except ValueError:
            fits = False
        if not fits:
            raise shape_clash(target.shape, source.shape)
        source = broadcast_to(source, target.shape)
    if not modes.recording or not (target.node or source.node):
        memory.write(target, source.array)
        return target
    # A node of the copy's own, so that the source's stays what it is. A view's old value is its base's affair.
    is_view = target.meta is not None and target.meta.base is not None
    return assign(target, overwritten(Tensor(target.array) if is_view else target, source))


def _augmented(operation: Callable[..., Tensor], plain: np.ufunc) -> Callable[[Tensor, Any], Tensor]:
    def apply(self: Tensor, other: Any) -> Tensor:
        array = self.array
        value = other.array if type(other) is Tensor else other
        # Without history, and within one dtype, NumPy writes into the memory at once.
        if (
            isinstance(array, np.ndarray)
            and array.dtype.kind == "f"
            and memory.is_writable(array)
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
            if modes.attend is not None:
                modes.attend(None, array, (value,), (), operation.op)  # type: ignore[attr-defined]
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
