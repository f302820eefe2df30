"""What lowered code calls, by names beginning with `@`: the parts of the language that Python's syntax lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FunctionType, MethodDescriptorType
from typing import Any

import numpy as np

from gradcli.engine import CUT, Node, Tensor, as_tensor, grad_mode, inplace, modes, start_tracking
from gradcli.engine import backward as run_backward
from gradcli.engine.broadcasting import unbroadcast
from gradcli.engine.inplace import add_, div_, mul_, sub_
from gradcli.engine.memory import buffer
from gradcli.engine.node import Marker
from gradcli.engine.protocols import floor_divide, power, product
from gradcli.engine.tensor import AutogradMeta
from gradcli.errors import (
    AssertFailure,
    AutogradFailure,
    IndexFailure,
    LimitFailure,
    NameFailure,
    ShapeFailure,
    TypeFailure,
    ValueFailure,
)
from gradcli.events import Grad, Value
from gradcli.language.nearest import nearest
from gradcli.library import context
from gradcli.library.autograd import derivative, set_data, set_gradient
from gradcli.library.plain import OWN_METHODS, number_or_tensor
from gradcli.library.queries import ATTRIBUTES, NODE_METHODS, attribute
from gradcli.library.values import Handle, Parts, Size, text_of
from gradcli.library.vocabulary import FUNCTIONS, METHODS

RUNTIME: dict[str, Any] = {}


def runtime(function: Callable[..., Any]) -> Callable[..., Any]:
    RUNTIME["@" + function.__name__.rstrip("_")] = function
    return function


# ---- what is shown


@runtime
def show(value: Any, name: str | None, line: int) -> None:
    if value is not None and type(value) is not Handle:
        context.current().emit(Value(value, name, line))


@runtime
def backward(y: Any, name: str | None, line: int, gradient: Any, wrt: Any, retain: bool) -> None:
    """The statement: gradients of y into the leaves, and each named leaf's that changed is shown."""
    outputs = [as_tensor(part) for part in y] if type(y) in (tuple, list) else [y]
    inputs = (
        None if wrt is None else [part for item in wrt for part in (item if type(item) in (tuple, list) else (item,))]
    )
    gradients = None
    if gradient is not None:
        several = type(y) in (tuple, list) and type(gradient) in (tuple, list)
        gradients = list(gradient) if several else [gradient]
    changed = run_backward(outputs, gradients, retain_graph=retain or None, inputs=inputs)
    shown = {id(meta) for meta in changed}
    for leaf, tensor in context.current().named_tensors().items():
        if tensor.meta is not None and id(tensor.meta) in shown:
            shown.discard(id(tensor.meta))
            context.current().emit(Grad(name, leaf, tensor.meta.grad, line))


# ---- literals


@runtime
def array(data: bytes, shape: tuple[int, ...]) -> Tensor:
    values = np.frombuffer(data, np.float64).reshape(shape).astype(modes.default_dtype)
    return Tensor(values, None if modes.recording else CUT)


@runtime
def list_(values: list[Any]) -> Any:
    """A list of numbers only is a tensor; any other stays a list, its inner lists the same way."""
    if not values:
        return values
    return as_tensor(values) if _all_numbers(values) else [list_(v) if type(v) is list else v for v in values]


def _all_numbers(values: list[Any]) -> bool:
    return bool(values) and all(type(v) in (int, float, bool) or (type(v) is list and _all_numbers(v)) for v in values)


@runtime
def text(value: Any, quoted: bool) -> str:
    """A value in an f-string without a format."""
    return format(value, "") if type(value) is Tensor and not quoted else text_of(value, quoted)


@runtime
def with_defaults(function: FunctionType, *defaults: Any) -> FunctionType:
    """A function with a block, where it stands: its defaults are evaluated there."""
    made = FunctionType(function.__code__, function.__globals__, function.__name__, defaults, function.__closure__)
    made.__qualname__ = function.__qualname__
    return made


@runtime
def append(values: list[Any], value: Any) -> None:
    values.append(value)


@runtime
def slice_(start: Any, stop: Any, step: Any) -> slice:
    return slice(start, stop, step)


@runtime
def power_(x: Any, y: Any) -> Any:
    """`x^y`, where the exponent isn't a small number written out."""
    if type(x) is int and type(y) is int and y > 0 and x.bit_length() * y > MOST_BITS:
        raise LimitFailure(
            f"this whole number would have some {int(x.bit_length() * y * 0.30103):,} digits",
            help="write the base with a point, and it's a float: `10.0^n`",
        )
    result = x**y
    if type(result) is complex:
        raise ValueFailure(
            "a negative number has no real power with a fraction as exponent",
            help="a tensor gives nan there: `tensor(x) ^ y`",
        )
    return result


@runtime
def contains(container: Any, value: Any) -> bool:
    """`value in container`."""
    if type(container) is range:
        # Python would search a range for a float element by element.
        return (
            float(value).is_integer() and int(value) in container if isinstance(value, (int, float, Tensor)) else False
        )
    return value in container


MOST_BITS = 2**23
"""Bits of the largest whole number that a power may have: past that, arithmetic on it takes seconds."""


# ---- tracking


@runtime
def leaf(value: Any) -> Any:
    """A number written out and given to a name."""
    return start_tracking(as_tensor(float(value))) if modes.recording else value


@runtime
def adopt(value: Any) -> Any:
    """Any other value given to a name: a float tensor without history becomes a leaf, unless it was cut off."""
    if type(value) is Tensor and value.node is None and modes.recording and value.array.dtype.kind == "f":
        start_tracking(value)
    return value


@runtime
def again(value: Any) -> Any:
    """What a name is given that a loop's variable has: an untracked tensor again, as one of its own."""
    return Tensor(buffer(value), value.node) if type(value) is Tensor and not value.node else value


@runtime
def adopt_all(values: Any) -> Any:
    """Several values given to several names."""
    if type(values) not in (tuple, list):
        values = tuple(values)
    for value in values:
        adopt(value)
    return values


@runtime
def constant(value: Any) -> Any:
    """What a `const` name is given: values without history."""
    if type(value) in (list, tuple):
        return type(value)(constant(item) for item in value)
    return Tensor(value.array, CUT) if type(value) is Tensor else value


_BY_SYMBOL: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y,
    "//": lambda x, y: x // y, "%": lambda x, y: x % y, "@": lambda x, y: x @ y, "^": lambda x, y: power_(x, y),
    "**": lambda x, y: power_(x, y), "|": lambda x, y: x | y, "&": lambda x, y: x & y,
}  # fmt: skip


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
    return as_tensor(value) if type(value) in (list, tuple) else value


def _recorded(value: Any, by_gradient: bool) -> bool:
    """Whether a change with `value` makes a result, rather than an update of the leaf."""
    return modes.recording and not by_gradient and type(value) is Tensor and bool(value.node)


@runtime
def augment(symbol: str, x: Any, value: Any, by_gradient: bool) -> Any:
    """`x += value` in auto mode."""
    if type(x) is not Tensor:
        if type(x) is list and symbol == "+":
            x.extend(value)
            return x
        return _BY_SYMBOL[symbol](x, value)
    value = _as_given(value)
    leaf_behind = _leaf_behind(x)
    if leaf_behind is None:
        return _IN_PLACE[symbol](x, value)
    if _recorded(value, by_gradient):
        if leaf_behind is x:
            return _BY_SYMBOL[symbol](x, value)
        with _letting_go(leaf_behind):
            return _IN_PLACE[symbol](x, value)
    with grad_mode(False):
        grown = _BY_SYMBOL[symbol](x, value) if type(value) is Tensor and value.ndim > x.ndim else None
        if grown is None or grown.shape == x.shape:
            return _IN_PLACE[symbol](x, value)
    # The shape grew, as of a sum that began with 0: the name goes on as a leaf of that shape.
    return start_tracking(Tensor(grown.array))


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
        set_item(x, key, _BY_SYMBOL[symbol](old, value), by_gradient)
        return
    with grad_mode(False):
        x[key] = _BY_SYMBOL[symbol](x[key], value)


@runtime
def augment_attribute(symbol: str, x: Any, name: str, value: Any) -> None:
    """`x.grad += value`, `x.data -= value`."""
    old = attribute_(x, name)
    new = _IN_PLACE[symbol](old, value) if type(old) is Tensor else _BY_SYMBOL[symbol](old, value)
    set_attribute(x, name, new)


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


# ---- names behind a dot


def _described(value: Any) -> str:
    kinds = {Tensor: "a tensor", int: "a number", float: "a number", bool: "a truth value", str: "a string",
    list: "a list",
             type(None): "none", Size: "a shape", Node: "a grad_fn"}  # fmt: skip
    if isinstance(value, tuple) and type(value) is not Size:
        return "a tuple"
    return kinds.get(type(value), "a function" if callable(value) else f"a {type(value).__name__}")


@runtime
def attribute_(value: Any, name: str) -> Any:
    """`value.name`: one of a closed list."""
    try:
        return attribute(value, name)
    except KeyError:
        pass
    known = set(ATTRIBUTES.get(type(value), ATTRIBUTES[Tensor] if isinstance(value, (int, float)) else ()))
    if isinstance(value, Parts):
        known |= set(value.fields)
    is_method = _find_method(value, name) is not None
    near = nearest(name, known)
    raise NameFailure(
        f"{_described(value)} has no attribute `{name}`",
        help=f"it's a method: `.{name}()`" if is_method else f"did you mean `.{near}`?" if near else "",
    )


def _find_method(value: Any, name: str) -> Callable[..., Any] | None:
    kind = type(value)
    own = OWN_METHODS.get(list if kind is list else str if kind is str else tuple if isinstance(value, tuple) else kind)
    if own is not None and name in own:
        return own[name]
    if kind is Size:
        return Size.numel if name == "numel" else None
    if kind is Handle:
        return Handle.remove if name == "remove" else None
    if kind is Node:
        return NODE_METHODS.get(name)
    if kind in (Tensor, int, float, bool):
        return METHODS.get(name) or FUNCTIONS.get(name)
    if callable(value) and name == "apply":
        return lambda function, *args, **named: function(*args, **named)
    return None


@runtime
def method(name: str, value: Any, /, *args: Any, **named: Any) -> Any:
    """`value.name(...)`."""
    if type(value) is Tensor:
        function = METHODS.get(name)
        if function is None:
            function = FUNCTIONS.get(name)
        if function is not None:
            return function(value, *args, **named)
    function = _find_method(value, name)
    if function is not None:
        if type(value) in (Tensor, int, float, bool) or not isinstance(function, (MethodDescriptorType, FunctionType)):
            return function(number_or_tensor(value), *args, **named)
        try:
            return function(value, *args, **named)
        except (TypeError, ValueError, IndexError, AttributeError, OverflowError) as problem:
            if isinstance(problem, IndexError):
                raise IndexFailure(f"`.{name}()`: this index is out of range") from None
            if isinstance(problem, ValueError) and name in ("index", "remove"):
                raise ValueFailure(f"`.{name}()`: the value isn't in {_described(value)}") from None
            raise TypeFailure(f"`.{name}()` of {_described(value)} doesn't take these arguments") from None
    if type(value) is Tensor and name in ATTRIBUTES[Tensor]:
        raise NameFailure(f"`{name}` isn't a method", help=f"it's an attribute: `.{name}`, without parentheses")
    known = set(OWN_METHODS.get(type(value), ()))
    if type(value) in (Tensor, int, float, bool):
        known = set(METHODS) | {key for key in FUNCTIONS if "." not in key}
    near = nearest(name, known)
    raise NameFailure(f"{_described(value)} has no method `{name}`", help=f"did you mean `.{near}()`?" if near else "")


@runtime
def set_attribute(value: Any, name: str, new: Any) -> None:
    """`value.name = new`."""
    if type(value) is Tensor and name == "grad":
        set_gradient(value, new)
    elif type(value) is Tensor and name == "data":
        set_data(value, new)
    elif type(value) is Tensor and name == "requires_grad":
        METHODS["requires_grad_"](value, new)
    else:
        raise NameFailure(
            f"the attribute `{name}` of {_described(value)} can't be set", help="a tensor's `.grad` and `.data` can"
        )


# ---- derivatives


@runtime
def prime(function: Any, times: int) -> Any:
    """`f'` and `f''`."""
    if not callable(function):
        raise TypeFailure(f"a prime makes the derivative of a function, and this is {_described(function)}")
    for _ in range(times):
        function = derivative(function)
    return function


@runtime
def assertion_failed(message: Any) -> None:
    raise AssertFailure("this doesn't hold" if message is None else str(message))


@runtime
def custom(body: Callable[..., Any], name: str, takes: int) -> Callable[..., Any]:
    """A function whose `backward` clause is its derivative; `body` returns its value and the clause."""

    code, defaults = body.__code__, body.__defaults__ or ()  # type: ignore[attr-defined]
    names = code.co_varnames[: code.co_argcount]

    def call(*args: Any, **named: Any) -> Any:
        with grad_mode(False):
            value, clause = body(*args, **named)
        # The inputs are the parameters, however they were given: the clause returns a gradient for each.
        left = {**dict(zip(names[len(names) - len(defaults) :], defaults, strict=True)), **named}
        args, named = (*args, *(left[name] for name in names[len(args) :])), {}
        given = list(args)
        edges = tuple((a.node or None) if type(a) is Tensor else None for a in given)
        if not modes.recording or not any(edges):
            return value
        if type(value) is tuple:
            raise TypeFailure(f"`{name}` with a backward clause returns one tensor", help="stack several into one")
        out = as_tensor(value)
        op = _op_of_clause(name, body, clause, given)
        return Tensor(np.array(out.array)[()], Node(op, edges, (None, *(None for _ in given))))

    call.__name__ = call.__qualname__ = name
    return call


def _op_of_clause(name: str, body: Callable[..., Any], clause: Callable[..., Any], given: list[Any]) -> Marker:
    """The operation that one call of a custom function is: its rule is the clause."""

    def rule(needs: tuple[bool, ...], g: Any, *_: Any) -> list[Any]:
        if type(g) is Tensor:
            # Recording: the body runs again, so that what it computed has a history for the clause to use.
            _, recorded = body(*given)
            results = recorded(g)
        else:
            results = clause(Tensor(g, CUT))
        several = results if type(results) in (tuple, list) else (results,)
        if len(several) != len(given):
            raise AutogradFailure(
                f"the backward of `{name}` returned {len(several)} "
                f"gradient{'s' * (len(several) != 1)}, and `{name}` has "
                f"{len(given)} input{'s' * (len(given) != 1)}",
                help="return one gradient for each input, `none` where there is none",
            )
        return [
            _fitted(name, result, value, type(g) is Tensor) if need and result is not None else None
            for need, result, value in zip(needs, several, given, strict=True)
        ]

    return Marker(name, f"{name}Backward", rule, len(given))


def _fitted(name: str, result: Any, value: Tensor, recorded: bool) -> Any:
    """A gradient from a clause, in the shape and dtype of its input."""
    g = as_tensor(result)
    if g.dtype != value.dtype:
        g = as_tensor(g, value.dtype)
    if g.shape != value.shape:
        try:
            fits = np.broadcast_shapes(g.shape, value.shape)
        except ValueError:
            fits = None
        if fits == g.shape:
            g = unbroadcast(g, value.shape)
        elif fits == value.shape:
            g = FUNCTIONS["broadcast_to"](g, value.shape)
        else:
            raise ShapeFailure(
                f"the backward of `{name}` returned a gradient of shape {g.shape} for an input of shape {value.shape}",
                help="a gradient has the shape of its input",
            )
    return g if recorded else g.array
