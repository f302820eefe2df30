"""From what a script passes to what a function of the library takes.

A function's annotations say what each argument is: a `Tensor`, a `Dim`, a `Size`, a `Whole` number and so on. The
binder converts each one, and an argument that doesn't fit is an error with the function's signature.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import CO_VARARGS
from typing import Any

import numpy as np

from gradcli.engine import Tensor, as_tensor
from gradcli.errors import GradcliError, IndexFailure, LimitFailure, TypeFailure, kind_of
from gradcli.library.values import DTYPE_WORDS, DType

MOST_WHOLES = 2**20
"""Sizes, dims or parts that an argument may list."""

# ---- what an argument can be: each is a function that converts


def Whole(value: Any) -> int:
    """A whole number, whatever its type; a fraction is an error."""
    if type(value) is int:
        return value
    if type(value) is Tensor and value.array.size == 1:
        value = value.item()
    if isinstance(value, (bool, int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return int(value)
    raise TypeFailure(f"wants a whole number, and got {described(value)}")


def Wholes(value: Any) -> tuple[int, ...]:
    """Several whole numbers: a tuple, a list, a range or a tensor of them."""
    if type(value) is Tensor:
        value = value.array.ravel().tolist()
    if type(value) is range:
        # Written in a line, and longer than anything could have dims or parts.
        members = max(0, -((value.start - value.stop) // value.step))
        if members > MOST_WHOLES:
            raise LimitFailure(f"a range of {members:,} numbers is too long for sizes, dims or parts")
    if isinstance(value, (tuple, list, range)):
        return tuple(Whole(item) for item in value)
    return (Whole(value),)


def Dims(value: Any) -> Any:
    """One dim, several, or none (for all)."""
    if value is None or type(value) is int:
        return value
    if (type(value) is Tensor and value.ndim) or isinstance(value, (tuple, list, range)):
        return Wholes(value)
    return Whole(value)


def OptionalWhole(value: Any) -> int | None:
    return None if value is None else Whole(value)


def Number(value: Any) -> Any:
    """A plain number; a tensor of one element is read."""
    if type(value) is Tensor and value.array.size == 1:
        return value.item()
    if isinstance(value, (int, float)):
        return value
    raise TypeFailure(f"wants a number, and got {described(value)}")


def OptionalNumber(value: Any) -> Any:
    return None if value is None else Number(value)


def Flag(value: Any) -> bool:
    if value is None or isinstance(value, (bool, int)):
        return bool(value)
    if type(value) is Tensor and value.array.size == 1:
        return bool(value)
    raise TypeFailure(f"wants true or false, and got {described(value)}")


def Dtype(value: Any) -> np.dtype | None:
    """A dtype word; none stays none."""
    if value is None:
        return None
    if isinstance(value, DType):
        return value.numpy
    # `float`, `int` and `bool` are functions of the language as well.
    name = getattr(value, "__name__", value)
    if isinstance(name, str) and name in DTYPE_WORDS:
        return (
            DTYPE_WORDS["float64"] if name == "float" else DTYPE_WORDS["int64"] if name == "int" else DTYPE_WORDS[name]
        ).numpy
    raise TypeFailure(f"wants a dtype such as float64 or int64, and got {described(value)}")


def Tensors(value: Any) -> list[Tensor]:
    """Several tensors: a tuple or list of them, or a tensor's rows."""
    if type(value) is Tensor:
        return list(value)
    if isinstance(value, (tuple, list)):
        return [as_tensor(item) for item in value]
    raise TypeFailure(f"wants a list of tensors, and got {described(value)}", help="put them in brackets: `[x, y]`")


def OptionalTensor(value: Any) -> Tensor | None:
    return None if value is None else as_tensor(value)


def Operand(value: Any) -> Any:
    """A tensor or a plain number, which doesn't widen the other operand."""
    return value if type(value) in (float, int, bool) else as_tensor(value)


def OptionalOperand(value: Any) -> Any:
    return None if value is None else Operand(value)


def Text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise TypeFailure(f"wants a string, and got {described(value)}")


def OptionalText(value: Any) -> str | None:
    return None if value is None else Text(value)


def Callback(value: Any) -> Callable[..., Any]:
    if callable(value):
        return value
    raise TypeFailure(f"wants a function, and got {described(value)}", help="write one in place: `x -> x^2`")


def described(value: Any) -> str:
    """What a value is, in the words of a message."""
    if type(value) is Tensor:
        return f"a tensor of shape {value.shape}"
    if isinstance(value, str):
        return f'"{value}"' if len(value) < 40 else "a string"
    if isinstance(value, (bool, int, float)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return kind_of(value)


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    f.__name__: f
    for f in (
        Whole, Wholes, Dims, OptionalWhole, Number, OptionalNumber, Flag, Dtype, Tensors, OptionalTensor, Operand,
        OptionalOperand, Text, OptionalText, Callback,
    )
}  # fmt: skip
CONVERTERS["Tensor"] = as_tensor

# torch takes NumPy's words for some of its own, and calls an argument that can be two things by either's name.
ALIASES = {
    "axis": "dim",
    "keepdims": "keepdim",
    "A": "input",
    "a": "input",
    "b": "B",
    "input2": "L",
    "x": "input",
    "x1": "input",
    "x2": "other",
    "indices": "indices_or_sections",
    "sections": "indices_or_sections",
    "size": "shape",
    "shape": "size",
}


# ---- binding


def bound(body: Callable[..., Any], name: str) -> Callable[..., Any]:
    """`body` as scripts call it: arguments by position or name, converted, with errors that show the signature."""
    code = body.__code__
    takes = code.co_argcount
    positional = code.co_varnames[:takes]
    named_only = code.co_varnames[takes : takes + code.co_kwonlyargcount]
    rest = code.co_varnames[takes + code.co_kwonlyargcount] if code.co_flags & CO_VARARGS else None
    kinds = {key: CONVERTERS.get(kind) for key, kind in body.__annotations__.items()}
    by_position = tuple(kinds.get(key) for key in positional)
    sizes = body.__annotations__.get(rest or "") == "Wholes"
    required = takes - len(body.__defaults__ or ())
    joins = by_position[:1] == (Tensors,)
    of_a_tensor = by_position[:1] == (as_tensor,) and required <= 1

    def call(*args: Any, **named: Any) -> Any:
        if of_a_tensor and len(args) == 1 and not named and type(args[0]) is Tensor:
            return body(args[0])
        extra = args[takes:]
        if extra and rest is None:
            if joins:
                _ask_for_brackets(name, args)
            raise _misuse(f"{name}() takes {_arguments(takes)}, and got {len(args)}", name, at=takes)
        try:
            values = [v if convert is None else convert(v) for convert, v in zip(by_position, args, strict=False)]
        except GradcliError:
            if joins:
                _ask_for_brackets(name, args)
            # Once more, one by one: which argument was it?
            values = [
                v if convert is None else converted(convert, v, name, key, at)
                for at, (key, convert, v) in enumerate(zip(positional, by_position, args, strict=False))
            ]
        if not named and not extra and len(args) >= required:
            return body(*values)
        options: dict[str, Any] = {}
        for key, value in named.items():
            target = key
            if key not in kinds and key not in positional and key not in named_only and key != rest:
                # What torch documents as `A` or `x`, say, it calls `input` all the same.
                target = positional[0] if key == "input" and by_position[:1] == (as_tensor,) else ALIASES.get(key, key)
            if target == rest:
                extra = (value,)
            elif target in positional or target in named_only:
                if target in positional[: len(args)]:
                    raise _misuse(f"{name}() got its argument `{target}` twice", name, at=key)
                convert = kinds.get(target)
                options[target] = value if convert is None else converted(convert, value, name, target, key)
            else:
                known = [k for k in (*positional, *named_only, rest) if k]
                from difflib import get_close_matches

                near = get_close_matches(key, known, 1)
                hint = f"did you mean `{near[0]}`? " if near else ""
                raise _misuse(f"{name}() has no argument `{key}`", name, hint, key)
        if len(args) < required:
            for key in positional[len(args) : required]:
                if key not in options:
                    raise _misuse(f"{name}() needs an argument `{key}`", name)
        if rest is not None and (extra or rest in named):
            if len(values) < takes:
                values += [options.pop(key) for key in positional[len(values) :]]
            if sizes:
                extra = converted(Wholes, extra[0] if len(extra) == 1 else extra, name, rest, rest)
            values += extra
        return body(*values, **options)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = body.__doc__
    call.body = body  # type: ignore[attr-defined]
    return call


def _ask_for_brackets(name: str, args: tuple[Any, ...]) -> None:
    """Where a function that joins a list got its tensors one by one."""
    if type(args[0]) is Tensor and len(args) > 1 and type(args[1]) is Tensor and args[1].array.size != 1:
        failure = TypeFailure(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor",
            help=f"put the tensors in brackets: `{name}([x, y])`",
        )
        failure.argument = name, 0
        raise failure


def _arguments(count: int) -> str:
    return "no arguments" if not count else "1 argument" if count == 1 else f"{count} arguments"


def converted(convert: Callable[[Any], Any], value: Any, name: str, key: str, at: int | str) -> Any:
    """An argument as its converter gives it; a failure says which argument of which function it is."""
    try:
        return convert(value)
    except GradcliError as failure:
        failure.argument = name, at
        if failure.message.startswith("wants "):
            failure.message = f"{name}() {failure.message} as `{key}`"
        raise


_GIVEN = re.compile(
    r"(?:takes (?:exactly )?(?P<takes>\w+) arguments? \((?P<given>\d+) given\)"
    r"|expected (?P<bound>at least |at most )?(?P<count>\d+) arguments?, got (?P<got>\d+))"
)


def miscounted(name: str, text: str) -> TypeFailure | None:
    """The failure where Python says that one of its own functions got too many or too few arguments; else none."""
    found = _GIVEN.search(text)
    if found is None:
        return None
    takes = {"one": "1", "no": "0"}.get(found["takes"], found["takes"]) or found["count"]
    many = _arguments(int(takes))
    return TypeFailure(f"{name}() takes {found['bound'] or ''}{many}, and got {found['given'] or found['got']}")


def _misuse(message: str, name: str, hint: str = "", at: int | str | None = None) -> TypeFailure:
    from gradcli.library.vocabulary import signature

    failure = TypeFailure(message, help=f"{hint}it is called {signature(name)}")
    failure.argument = None if at is None else (name, at)
    return failure


# ---- dims


def axis_of(dim: int, ndim: int) -> int:
    """The axis, counted from 0, for a dim that may count from the end; torch allows 0 and -1 where there is none."""
    limit = max(ndim, 1)
    if not -limit <= dim < limit:
        raise IndexFailure(
            f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})",
            help=f"the tensor has {ndim} dimension{'s' * (ndim != 1)}, counted from 0",
        )
    return dim % limit


def axes_of(dims: Any, ndim: int) -> Any:
    """NumPy's axis for torch's dim: none, one or several; an empty tuple means all, as in torch."""
    if dims is None or dims == ():
        return None
    if isinstance(dims, tuple):
        axes = tuple(axis_of(dim, ndim) for dim in dims)
        if len(set(axes)) != len(axes):
            raise IndexFailure(f"dim {_repeated(axes)} appears multiple times in the list of dims")
        return axes if ndim else None
    axis = axis_of(dims, ndim)
    return axis if ndim else None


def _repeated(axes: tuple[int, ...]) -> int:
    return next(axis for axis in axes if axes.count(axis) > 1)
