"""What the words of the language mean, as completion and `:help` say it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.engine import Node, Tensor
from gradcli.language.dictionary import DICTIONARY
from gradcli.library.plain import OWN_METHODS
from gradcli.library.queries import ATTRIBUTES, NODE_METHODS
from gradcli.library.values import DType, Parts, Size
from gradcli.library.vocabulary import CONSTANTS, FUNCTIONS, METHODS, signature_of
from gradcli.session import Session

STATEMENTS = {
    "backward": "backward y [with v] [wrt a, b] [retain]: the gradients of y into the leaves",
    "graph": "graph y: the graph that made y",
    "explain": "explain y: the derivation of y's gradients, step by step",
    "check": "check y [claim x: 2*x]: y's gradients against central differences",
    "const": "const x = expr: a name that is never tracked",
    "def": "def f(x) { return x^2 }: a function; a `backward(g) { }` clause gives its own derivative",
    "return": "return expr: a function's value",
    "if": "if c { } else if d { } else { }",
    "elif": "elif c { }: the same as else if",
    "else": "else { }",
    "for": "for i in range(10) { }",
    "while": "while c { }",
    "break": "leaves the loop",
    "continue": "goes on with the loop's next turn",
    "no_grad": "no_grad { }: nothing in it is recorded",
    "enable_grad": "enable_grad { }: recording, inside a no_grad",
    "assert": 'assert c, "why": fails unless c holds',
    "del": "del x: forgets a name",
    "pass": "does nothing",
    "import": "import torch: accepted, and does nothing",
    "from": "from torch import nn: accepted, and does nothing",
    "with": "with torch.no_grad() { }",
}
"""The words that begin a statement, each with how it's written."""

OPERATORS = ("and", "or", "not", "in", "is", "true", "false", "none", "wrt", "retain", "claim", "as")
"""Words that stand inside a statement."""

MODULES = ("torch", "F", "linalg", "special", "fft", "math", "np")
"""The words that a module's functions can stand behind, as a person begins with them."""


def described(name: str, call: Callable[..., Any]) -> str:
    """A function in one line: how it's called, and what it does."""
    meaning = (call.__doc__ or "").strip().partition("\n")[0]
    called = _signature(name, call)
    return f"{called}  {meaning}" if meaning else called


def _signature(name: str, call: Callable[..., Any]) -> str:
    try:
        return signature_of(call, name).replace("\n", "\\n")
    except (AttributeError, TypeError):
        return f"{name}(...)"


def summary(value: Any) -> str:
    """What kind of value a name has, in a few words."""
    if type(value) is Tensor:
        role = ("leaf" if value.is_leaf else "result") if value.requires_grad else ""
        return " ".join(filter(None, (f"tensor {_shape(value)} {value.dtype}", role)))
    if callable(value):
        return f"function {_signature(getattr(value, '__name__', 'f'), value)}"
    return kind_of(value)


def kind_of(value: Any) -> str:
    """The kind of a value that is no tensor."""
    if value is None:
        return "none"
    if isinstance(value, (Size, Parts)) or type(value) is tuple:
        return f"tuple of {len(value)}"
    if isinstance(value, list):
        return f"list of {len(value)}"
    kinds = {bool: "bool", int: "int", float: "float", str: "text", DType: "dtype", Node: "grad_fn"}
    return kinds.get(type(value), "function" if callable(value) else type(value).__name__.lower())


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape)).replace(" ", "")


def names_of(session: Session) -> dict[str, Any]:
    """The session's names, the hidden aside, and their values."""
    return {name: session[name] for name in session.snapshot().values if name in session}


def words_behind(session: Session, path: str) -> dict[str, str]:
    """What can stand behind `path.`, by the kind of its value, and what it means.

    `path` is dotted names; empty where an expression of an unknown kind ends before the dot.
    """
    names = names_of(session)
    first, *rest = path.split(".")
    if first in names:
        return _members(_followed(names[first], rest))
    words = _words_of_module(path) if path else {}
    if words:
        return words
    return {} if DICTIONARY.resolve(path) is not None else _members(_TENSOR)


_TENSOR = object()
"""Stands for a tensor that isn't there yet."""

_KINDS = {"grad": _TENSOR, "T": _TENSOR, "mT": _TENSOR, "data": _TENSOR, "shape": Size()}


def _followed(value: Any, attributes: list[str]) -> Any:
    """The value behind dots, or one of its kind: nothing is computed for a completion."""
    for name in attributes:
        if isinstance(value, Parts) and name in value.fields:
            value = value[value.fields.index(name)]
        elif type(value) is Tensor and name == "grad_fn":
            value = value.grad_fn
        elif type(value) is Tensor and name == "dtype":
            value = DType(value.dtype.name)
        elif type(value) is Tensor or value is _TENSOR:
            value = _KINDS.get(name)
        else:
            return None
    return value


def _members(value: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    kind = Tensor if value is _TENSOR or type(value) in (int, float, bool) else type(value)
    if kind is Tensor:
        methods = {name: call for name, call in FUNCTIONS.items() if "." not in name} | METHODS
        found |= {name: described(name, call) for name, call in methods.items() if name not in _NO_METHODS}
    for base, own in OWN_METHODS.items():
        if isinstance(value, base):
            found |= {name: (call.__doc__ or "").partition("\n")[0] for name, call in own.items()}
    if kind is Node:
        found |= dict.fromkeys(NODE_METHODS, "")
    if kind is Size:
        found = {"numel": "The number of elements of a tensor of this shape."}
    if isinstance(value, Parts):
        found |= {name: summary(part) for name, part in zip(value.fields, value, strict=True)}
    return found | {name: "" if value is _TENSOR else _of(value, name) for name in ATTRIBUTES.get(kind, ())}


_NO_METHODS = frozenset(("no_grad", "enable_grad", "print", "range", "zip", "enumerate"))


def _of(value: Any, name: str) -> str:
    """An attribute's value, where it's cheap and harmless to look at."""
    if type(value) is not Tensor or name not in ("shape", "dtype", "ndim", "requires_grad", "is_leaf"):
        return ""
    return str(_shape(value) if name == "shape" else getattr(value, name))


def _words_of_module(path: str) -> dict[str, str]:
    found = {}
    for key, value in {**FUNCTIONS, **CONSTANTS}.items():
        word = key.removeprefix("torch.").removeprefix(path.removeprefix("torch.") + ".")
        if DICTIONARY.resolve(f"{path}.{word}") is not None:
            found[word] = described(word, value) if callable(value) else ""
    return found
