"""Names behind a dot: attributes and methods, from closed lists."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, MethodDescriptorType
from typing import Any

from gradcli.engine import Node, Tensor, as_tensor
from gradcli.errors import IndexFailure, NameFailure, TypeFailure, ValueFailure, kind_of
from gradcli.language.nearest import nearest
from gradcli.language.runtime import runtime
from gradcli.library.arguments import miscounted
from gradcli.library.autograd import set_data, set_gradient
from gradcli.library.plain import OWN_METHODS, number_or_tensor
from gradcli.library.queries import ATTRIBUTES, NODE_METHODS, attribute
from gradcli.library.values import Handle, List, Parts, Size, stacks
from gradcli.library.vocabulary import FUNCTIONS, METHODS

_OF_TENSORS = ATTRIBUTES[Tensor]


@runtime
def attribute_(value: Any, name: str) -> Any:
    """`value.name`: one of a closed list."""
    if type(value) is Tensor and name in _OF_TENSORS:
        return _OF_TENSORS[name](value)
    if type(value) is List and name in _OF_TENSORS and stacks(value):
        value = as_tensor(value)
    try:
        return attribute(value, name)
    except KeyError:
        pass
    known = set(ATTRIBUTES.get(type(value), ATTRIBUTES[Tensor] if isinstance(value, (int, float)) else ()))
    if isinstance(value, Parts):
        known |= set(value.fields)
    is_method = _find_method(value, name) is not None
    near = nearest(name, known)
    help = f"did you mean `.{near}`?" if near else ""
    if is_method and not (near and isinstance(value, Parts)):
        help = f"it's a method: `.{name}()`"
    raise NameFailure(f"{kind_of(value)} has no attribute `{name}`", help=help)


def _find_method(value: Any, name: str) -> Callable[..., Any] | None:
    kind = type(value)
    own = OWN_METHODS.get(next((base for base in (list, tuple) if isinstance(value, base)), kind))
    if own is not None and name in own:
        return own[name]
    if kind is Size:
        return Size.numel if name == "numel" else None
    if kind is Handle:
        return Handle.remove if name == "remove" else None
    if kind is Node:
        return NODE_METHODS.get(name)
    function = METHODS.get(name) or FUNCTIONS.get(name)
    if kind in (Tensor, int, float, bool):
        return function
    if kind is List and function is not None and stacks(value):
        # Where a tensor is expected, a list of tensors is the tensor that they stack to.
        return lambda values, *args, **named: function(as_tensor(values), *args, **named)
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
                raise ValueFailure(f"`.{name}()`: the value isn't in {kind_of(value)}") from None
            raise _wrong_for_method(name, value, str(problem)) from None
    if type(value) is Tensor and name in ATTRIBUTES[Tensor]:
        raise NameFailure(f"`{name}` isn't a method", help=f"it's an attribute: `.{name}`, without parentheses")
    known = set(OWN_METHODS.get(list if isinstance(value, list) else type(value), ()))
    if type(value) in (Tensor, int, float, bool):
        known = set(METHODS) | {key for key in FUNCTIONS if "." not in key}
    near = nearest(name, known)
    help = f"did you mean `.{near}()`?" if near else ""
    if type(value) is Tensor and name in OWN_METHODS[list]:
        help = "a list of numbers is a tensor, which doesn't grow: begin with `xs = []`, or join with `cat([xs, [3]])`"
    raise NameFailure(f"{kind_of(value)} has no method `{name}`", help=help)


def _wrong_for_method(name: str, value: Any, text: str) -> TypeFailure:
    """The failure of a method of lists or strings, from what Python said of its arguments."""
    return miscounted(name, text) or TypeFailure(f"`.{name}()` of {kind_of(value)} doesn't take these values")


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
            f"the attribute `{name}` of {kind_of(value)} can't be set", help="a tensor's `.grad` and `.data` can"
        )
