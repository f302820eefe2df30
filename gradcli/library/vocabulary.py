"""The register of what a script can call: functions by name, methods, attributes, and names in namespaces.

A function of the library is entered by `@function`; an elementwise operation of the engine's table enters itself.
Every function is a method too, its first argument the value before the dot; a method `name_` changes that value.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from gradcli.engine import Tensor, as_tensor, inplace
from gradcli.engine.operation import TABLE
from gradcli.library.arguments import bound

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""What a name means in a script that doesn't define it itself; `linalg.norm` and its like stand here too."""

METHODS: dict[str, Callable[..., Any]] = {}
"""What stands behind a dot, with its first argument before it, where it isn't the function of that name."""

CONSTANTS: dict[str, Any] = {}
"""Names that mean a value: `pi`, `inf`, the dtype words."""


def function(
    name: str | None = None,
    *,
    also: tuple[str, ...] = (),
    method: bool = False,
    plain: bool = False,
    steady: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enters a function under its own name (or `name`), and `also` under others.

    `method` keeps it out of the functions; `plain` takes the arguments as they come. One that is `steady` consists of
    operations of the table, the same ones on all tensors of the same shapes and dtypes: an expression with it can be
    one node. It's entered with the places of its tensors.
    """

    def enter(body: Callable[..., Any]) -> Callable[..., Any]:
        known_as = name or body.__name__
        call = body if plain else bound(body, known_as.rpartition(".")[2])
        call.__name__ = call.__qualname__ = known_as.rpartition(".")[2]
        if steady:
            call.steady = _tensors_of(body)  # type: ignore[attr-defined]
        for key in (known_as, *also):
            (METHODS if method else FUNCTIONS)[key] = call
        return call

    return enter


def alias(new: str, old: str) -> None:
    """A second name for a function."""
    FUNCTIONS[new] = FUNCTIONS[old]


class Later:
    """A function of a module that is loaded when the function is first called or asked about."""

    __slots__ = ("__name__", "_key", "_register", "module")

    def __init__(self, module: str, key: str, register: dict[str, Callable[..., Any]]) -> None:
        self.__name__ = key.rpartition(".")[2]
        self.module = module
        self._key = key
        self._register = register

    @property
    def function(self) -> Callable[..., Any]:
        """The function itself, for which its module is loaded."""
        if self._register[self._key] is self:
            import_module(self.module)
        return self._register[self._key]

    @property
    def body(self) -> Callable[..., Any]:
        return self.function.body  # type: ignore[attr-defined]

    @property
    def steady(self) -> frozenset[int | str]:
        return places_of_tensors(self.function)

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self.function(*args, **named)


def loaded(function: Any) -> Any:
    """The function itself, also of one that waits for its first use."""
    return function.function if type(function) is Later else function


def is_steady(function: Any) -> bool:
    """Whether a function comes to the same operations each time (see `function`), as one of the table does."""
    return bool(places_of_tensors(function))


def places_of_tensors(function: Any) -> frozenset[int | str]:
    """Where a steady function takes its tensors; empty for any other."""
    op = getattr(function, "op", None)
    return getattr(function, "steady", frozenset()) if op is None else frozenset(range(op.arity))


def _tensors_of(body: Callable[..., Any]) -> frozenset[int | str]:
    """The arguments that are tensors, by position and by name; elsewhere a tensor would be read as a number."""
    code, kinds = body.__code__, body.__annotations__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    tensors = [name for name in names if kinds.get(name) in ("Tensor", "OptionalTensor")]
    return frozenset((*tensors, *(place for place in map(names.index, tensors) if place < code.co_argcount)))


def enter_later(module: str, keys: str, method: bool = False) -> None:
    """Enters functions of a module that a script seldom needs, by their names; `method` as for `function`."""
    register = METHODS if method else FUNCTIONS
    for key in keys.split():
        register[key] = Later(module, key, register)


def load_all() -> None:
    """Loads every function that waits for its first use: for whoever goes through the whole vocabulary."""
    for function in [*FUNCTIONS.values(), *METHODS.values()]:
        loaded(function)


def enter_table() -> None:
    """Enters every elementwise operation of one or two arguments under its name, unless the library has its own.

    One of a single argument keeps its shape, so it's a change in place too.
    """
    for name, op in TABLE.items():
        if op.elementwise and len(op.parameters) == op.arity <= 2 and name not in FUNCTIONS:
            FUNCTIONS[name] = op.apply
            if op.arity == 1:
                enter_in_place(name)


def enter_in_place(names: str) -> None:
    """Enters `name_` for functions that keep a tensor's shape."""
    for name in names.split():
        METHODS[f"{name}_"] = _in_place(name)


def _in_place(name: str) -> Callable[..., Any]:
    apply = METHODS.get(name) or FUNCTIONS[name]

    def body(self, *args, **named):
        target = as_tensor(self)
        inplace.refuse_leaf(target)
        return inplace.assign(target, _kept_dtype(apply(target, *args, **named), target))

    body.__name__, body.__doc__ = f"{name}_", f"`{name}`, in place."
    return body


def _kept_dtype(result: Tensor, target: Tensor) -> Tensor:
    if result.dtype == target.dtype or (result.dtype.kind == "f" and target.dtype.kind != "f"):
        return result
    return as_tensor(result, target.dtype)


def method_of(name: str) -> Callable[..., Any] | None:
    """The function behind `x.name(...)`."""
    return METHODS.get(name) or FUNCTIONS.get(name)


def signature(name: str) -> str:
    """How a function is called, as its help shows it."""
    call = method_of(name)
    if call is None:
        call = next((FUNCTIONS[key] for key in FUNCTIONS if key.rpartition(".")[2] == name), None)
    if call is None:
        return f"{name}(...)"
    return signature_of(call, name)


def signature_of(call: Callable[..., Any], name: str) -> str:
    """How a function of the library or of a script is called."""
    body = getattr(call, "body", call)
    code = body.__code__
    takes, only = code.co_argcount, code.co_kwonlyargcount
    defaults = dict(zip(code.co_varnames[:takes][::-1], (body.__defaults__ or ())[::-1], strict=False))
    defaults |= body.__kwdefaults__ or {}

    def shown(key: str) -> str:
        return f"{key}={_literal(defaults[key])}" if key in defaults else key

    parts = [shown(key) for key in code.co_varnames[:takes]]
    if code.co_flags & 4:
        parts.append("*" + code.co_varnames[takes + only])
    elif only:
        parts.append("*")
    parts += [shown(key) for key in code.co_varnames[takes : takes + only]]
    return f"{name}({', '.join(parts)})"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\n", "\\n") + '"'
    return (
        {None: "none", True: "true", False: "false"}.get(value, repr(value))
        if not isinstance(value, (int, float)) or isinstance(value, bool)
        else repr(value)
    )
