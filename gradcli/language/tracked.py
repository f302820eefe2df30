"""What is tracked by itself: names that become leaves, and changes of them, which are never an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor, grad_mode, inplace, modes, start_tracking
from gradcli.engine.inplace import add_, div_, mul_, sub_
from gradcli.engine.memory import buffer
from gradcli.engine.protocols import floor_divide, power, product
from gradcli.engine.tensor import AutogradMeta
from gradcli.errors import TypeFailure, kind_of
from gradcli.language.dotted import attribute_, method, set_attribute
from gradcli.language.operators import BY_SYMBOL
from gradcli.language.runtime import runtime
from gradcli.library.values import List


@runtime
def leaf(value: Any) -> Any:
    """A number written out and given to a name."""
    return _tracked_by_itself(as_tensor(float(value))) if modes.recording else value


def _tracked_by_itself(value: Tensor) -> Tensor:
    start_tracking(value)
    value.meta.by_itself = True  # type: ignore[union-attr]
    return value


@runtime
def adopt(value: Any) -> Any:
    """Any other value given to a name: a float tensor without history becomes a leaf, unless it was cut off."""
    if type(value) is Tensor and value.node is None and modes.recording and value.array.dtype.kind == "f":
        _tracked_by_itself(value)
    return value


@runtime
def again(value: Any) -> Any:
    """What a name is given that a loop's variable has: an untracked tensor again, as one of its own."""
    return Tensor(buffer(value), value.node) if type(value) is Tensor and not value.node else value


@runtime
def adopt_all(values: Any) -> Any:
    """Several values given to several names."""
    if not isinstance(values, (tuple, list)):
        try:
            values = tuple(values)
        except TypeError:
            raise TypeFailure(f"{kind_of(values)} can't be unpacked into several names") from None
    for value in values:
        adopt(value)
    return values


@runtime
def constant(value: Any) -> Any:
    """What a `const` name is given: values without history."""
    if type(value) in (List, tuple):
        return type(value)(constant(item) for item in value)
    return Tensor(value.array, CUT) if type(value) is Tensor else value


def _changed(operation: Callable[..., Tensor]) -> Callable[[Tensor, Any], Tensor]:
    return lambda x, y: inplace.changed(operation, x, y)


_IN_PLACE: dict[str, Callable[[Tensor, Any], Tensor]] = {
    "+": add_, "-": sub_, "*": mul_, "/": div_, "//": _changed(floor_divide), "@": _changed(product),
    "^": _changed(power), "**": _changed(power), "%": _changed(lambda x, y: x % y),
    "|": _changed(lambda x, y: x | y), "&": _changed(lambda x, y: x & y),
}  # fmt: skip


def _leaf_behind(value: Any) -> Tensor | None:
    """The tracked leaf whose memory a change of `value` would change: itself, or the base that it's a view of."""
    if type(value) is not Tensor or not value.node:
        return None
    if value.is_leaf:
        return value
    base = value.meta.base if value.meta is not None else None
    return base if base is not None and base.node and base.is_leaf else None


def _as_given(value: Any) -> Any:
    """What a tensor is given, as a tensor where several values stand in a list or tuple."""
    return as_tensor(value) if type(value) in (List, tuple) else value


def _recorded(value: Any, by_gradient: bool) -> bool:
    """Whether a change with `value` makes a result, rather than an update of the leaf."""
    return modes.recording and not by_gradient and type(value) is Tensor and bool(value.node)


@runtime
def augment(symbol: str, x: Any, value: Any, by_gradient: bool) -> Any:
    """`x += value` in auto mode."""
    if type(x) is not Tensor:
        if isinstance(x, list) and symbol == "+":
            # As in Python, by the elements of whatever has some.
            x += value
            return x
        return BY_SYMBOL[symbol](x, value)
    value = _as_given(value)
    leaf_behind = _leaf_behind(x)
    if leaf_behind is None:
        return _IN_PLACE[symbol](x, value)
    if _recorded(value, by_gradient):
        if leaf_behind is x:
            return BY_SYMBOL[symbol](x, value)
        with _letting_go(leaf_behind):
            return _IN_PLACE[symbol](x, value)
    with grad_mode(False):
        grown = BY_SYMBOL[symbol](x, value) if type(value) is Tensor and value.ndim > x.ndim else None
        if grown is None or grown.shape == x.shape:
            return _IN_PLACE[symbol](x, value)
    # The shape grew, as of a sum that began with 0: the name goes on as a leaf of that shape.
    return _tracked_by_itself(Tensor(grown.array))


@runtime
def set_item(x: Any, key: Any, value: Any, by_gradient: bool) -> None:
    """`x[key] = value` in auto mode."""
    leaf_behind = _leaf_behind(x)
    if leaf_behind is None:
        x[key] = value
        return
    value = _as_given(value)
    if _recorded(value, by_gradient):
        with _letting_go(leaf_behind):
            x[key] = value
    else:
        with grad_mode(False):
            x[key] = value


@runtime
def change(name: str, x: Any, *args: Any, **named: Any) -> Any:
    """`x.add_(y)` and its like in auto mode."""
    leaf_behind = _leaf_behind(x)
    if leaf_behind is None:
        return method(name, x, *args, **named)
    given = [*args, *named.values()]
    if any(_recorded(_as_given(value), False) for value in given):
        with _letting_go(leaf_behind):
            return method(name, x, *args, **named)
    with grad_mode(False):
        return method(name, x, *args, **named)


@contextmanager
def _letting_go(x: Tensor) -> Iterator[None]:
    """A leaf that goes on as a result: what was computed from it keeps the old leaf. A failure leaves all as it was."""
    node, meta = x.node, x.meta
    x.node, x.meta = None, AutogradMeta()
    views = []
    if meta is not None:
        x.meta.base, x.meta.path, x.meta.views = meta.base, meta.path, meta.views
        views = [(view, view.node) for view in (meta.views.live() if meta.views is not None else ())]
    for view, _ in views:
        view.node = None
    try:
        yield
    except BaseException:
        x.node, x.meta = node, meta
        for view, old in views:
            view.node = old
        raise


@runtime
def augment_item(symbol: str, x: Any, key: Any, value: Any, by_gradient: bool) -> None:
    """`x[key] += value` in auto mode."""
    if type(x) is not Tensor:
        x[key] = augment(symbol, x[key], value, by_gradient)
        return
    leaf_behind = _leaf_behind(x)
    if leaf_behind is None:
        x[key] = _IN_PLACE[symbol](x[key], value)
        return
    value = _as_given(value)
    if _recorded(value, by_gradient):
        old = Tensor(np.array(Tensor(x.array)[key].array))
        set_item(x, key, BY_SYMBOL[symbol](old, value), by_gradient)
        return
    with grad_mode(False):
        x[key] = BY_SYMBOL[symbol](x[key], value)


@runtime
def augment_attribute(symbol: str, x: Any, name: str, value: Any) -> None:
    """`x.grad += value`, `x.data -= value`."""
    old = attribute_(x, name)
    new = _IN_PLACE[symbol](old, value) if type(old) is Tensor else BY_SYMBOL[symbol](old, value)
    set_attribute(x, name, new)
