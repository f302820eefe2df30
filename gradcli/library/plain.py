"""Python's own words that work on plain numbers, strings and lists, and tensors where torch has the same word."""

from __future__ import annotations

import builtins
import math
from typing import Any

from gradcli.engine import Tensor, as_tensor
from gradcli.engine.memory import physical_memory
from gradcli.errors import LimitFailure, TypeFailure, ValueFailure
from gradcli.events import Printed
from gradcli.library import context
from gradcli.library.arguments import Number, Whole, converted, described
from gradcli.library.values import List, text_of
from gradcli.library.vocabulary import FUNCTIONS, METHODS, function

MOST_BITS = 2**23
"""Bits of the largest whole number that a product may have: past that, arithmetic on it takes seconds."""

PART = 2**20
"""Numbers of a range that become elements in one step, which nothing can interrupt."""

ELEMENT = 40
"""Bytes that a whole number takes in a list: itself, and the pointer to it."""


class Pairs:
    """What `enumerate` and `zip` give: made anew for each loop over it.

    Python's own are written in C and recurse there without a check when they hold each other.
    """

    __slots__ = ("_arguments", "_make", "_name")

    def __init__(self, name: str, make: Any, *arguments: Any) -> None:
        self._name = name
        self._make = make
        self._arguments = arguments

    def __iter__(self) -> Any:
        return self._make(*self._arguments)

    def __repr__(self) -> str:
        return f"<{self._name}>"


def _numbered(values: Any, start: int) -> Any:
    for value in values:
        yield start, value
        start += 1


def _together(several: Any) -> Any:
    iterators = [iter(values) for values in several]
    while iterators:
        row = []
        for iterator in iterators:
            for value in iterator:
                row.append(value)
                break
            else:
                return
        yield tuple(row)


@function("print", plain=True)
def print_(*values, sep=" ", end="\n"):
    """Writes values as Python's print does."""
    separator = " " if sep is None else sep
    if not isinstance(separator, str) or not (end is None or isinstance(end, str)):
        raise TypeFailure("print()'s `sep` and `end` are strings")
    context.current().emit(Printed(separator.join(text_of(value) for value in values) + ("\n" if end is None else end)))


@function("range", plain=True)
def range_(*bounds):
    """The whole numbers from a start (0 where left out) up to an end, without it, by a step."""
    if not 1 <= builtins.len(bounds) <= 3:
        raise TypeFailure(f"range() takes 1 to 3 arguments, and got {builtins.len(bounds)}")
    names = ("stop",) if builtins.len(bounds) == 1 else ("start", "stop", "step")
    wholes = (converted(Whole, bound, "range", names[at], at) for at, bound in builtins.enumerate(bounds))
    return builtins.range(*wholes)


@function("len", plain=True)
def len_(value):
    """The number of elements of a list or string, or of a tensor along its first dim."""
    try:
        return builtins.len(value)
    except TypeError:
        raise TypeFailure("only lists, strings and tensors with dimensions have a length") from None


@function("enumerate", plain=True)
def enumerate_(values, start=0):
    """Pairs of a number and an element."""
    return Pairs("enumerate", _numbered, values, converted(Whole, start, "enumerate", "start", 1))


@function("zip", plain=True)
def zip_(*several):
    """Tuples of the first elements, the second, and so on."""
    return Pairs("zip", _together, several)


def _listed(values: Any) -> List:
    """A list of the elements; of a range, which may be longer than any list, in parts."""
    if type(values) is not range:
        return List(values)
    count = builtins.max(0, -((values.start - values.stop) // values.step))
    if count * ELEMENT > physical_memory():
        raise LimitFailure(
            f"a list of {count:,} numbers would take {count * ELEMENT / 1e9:,.0f} GB, more memory than there is",
            help="go through the range without making a list of it: `for i in range(n) { ... }`",
        )
    result = List()
    for start in builtins.range(0, count, PART):
        result.extend(values[start : start + PART])
    return result


@function("list", plain=True)
def list_(values=()):
    """A list of the elements."""
    return _listed(values)


@function("tuple", plain=True)
def tuple_(values=()):
    """A tuple of the elements."""
    return builtins.tuple(_listed(values))


@function("reversed", plain=True)
def reversed_(values):
    """The elements from the last to the first."""
    return _listed(values[::-1]) if type(values) is range else _listed(values)[::-1]


@function("str", plain=True)
def str_(value=""):
    """A value as text."""
    return text_of(value)


@function("int", plain=True)
def int_(value=0):
    """A whole number, cut off towards 0."""
    return builtins.int(value.item() if type(value) is Tensor else value)


@function("float", plain=True)
def float_(value=0.0):
    """A plain number."""
    return builtins.float(value.item() if type(value) is Tensor else value)


_PLAIN = (builtins.int, builtins.float, builtins.bool)


def _on_plain_values(name: str, on_plain: Any, most: int | None, sequences: bool = False) -> None:
    """Gives a tensor function Python's meaning for up to `most` plain numbers (and, for some, for lists)."""
    on_tensors = FUNCTIONS[name]

    def call(*args: Any, **named: Any) -> Any:
        if args and not named:
            first = args[0]
            alone = sequences and builtins.len(args) == 1
            if alone and type(first) is range and first:
                # In closed form: a range may be longer than anyone would wait for.
                low, high = builtins.min(first[0], first[-1]), builtins.max(first[0], first[-1])
                return {"sum": (low + high) * builtins.len(first) // 2, "min": low, "max": high}[name]
            plain = most is None or builtins.len(args) <= most
            if (alone and isinstance(first, (list, tuple, range))) or (
                plain and type(first) in _PLAIN and all(type(a) in _PLAIN for a in args)
            ):
                return on_plain(*args)
        return on_tensors(*args, **named)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = on_tensors.__doc__
    call.body = getattr(on_tensors, "body", on_tensors)  # type: ignore[attr-defined]
    FUNCTIONS[name] = call
    METHODS.setdefault(name, on_tensors)


def _rounded(number: Any, digits: Any = None) -> Any:
    """Python's round, which would compute the power of ten that a number is far below."""
    if digits is not None:
        digits = converted(Whole, digits, "round", "ndigits", 1)
        if type(number) is builtins.int and -digits > number.bit_length():
            return 0
    return round(number, digits)


def enter_plain() -> None:
    """To be called when the tensor functions of these names stand."""
    _on_plain_values("abs", abs, 1)
    _on_plain_values("round", _rounded, 2)
    _on_plain_values("sum", sum, 1, sequences=True)
    _on_plain_values("max", max, None, sequences=True)
    _on_plain_values("min", min, None, sequences=True)


# ---- math: plain numbers in, plain numbers out


def _product(values: Any, /, *, start: Any = 1) -> Any:
    """Python's math.prod, as far as whole numbers can be worked with, and open to an interrupt."""
    if type(start) is builtins.int and (type(values) is range or all(type(value) is builtins.int for value in values)):
        if not start or 0 in values:
            return 0
        bits = 0
        for value in values:
            bits += value.bit_length() - 1
            if bits > MOST_BITS:
                raise LimitFailure(
                    f"this whole number would have more than {int(MOST_BITS * 0.30103):,} digits",
                    help="begin with a float: `math.prod(xs, start=1.0)`",
                )
    product = start
    for value in values:
        product = product * value
    return product


def _numbers(value: Any) -> Any:
    """The numbers that a function of several wants at once."""
    if type(value) is range:
        return value
    values = value.array.tolist() if type(value) is Tensor else value
    if not isinstance(values, (list, tuple)):
        raise TypeFailure(f"wants a list of numbers, and got {described(value)}")
    return [Number(item) for item in values]


_WANTED = {"dist": _numbers, "prod": _numbers, "gcd": Whole, "lcm": Whole, "isqrt": Whole}


def _math(name: str) -> None:
    compute = _product if name == "prod" else getattr(math, name)
    wanted = _WANTED.get(name, Number)

    def call(*values: Any, **named: Any) -> Any:
        try:
            arguments = [_argument(wanted, value, name, at) for at, value in builtins.enumerate(values)]
            return compute(*arguments, **{key: _argument(Number, value, name, key) for key, value in named.items()})
        except OverflowError:
            return math.inf
        except ValueError:
            raise ValueFailure(f"math.{name}() isn't defined for this number") from None
        except TypeError:
            raise _misfit(name, compute, builtins.len(values), named) from None

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Python's math.{name}, on plain numbers."
    FUNCTIONS[f"math.{name}"] = call


def _misfit(name: str, compute: Any, given: builtins.int, named: Any) -> TypeFailure:
    """The failure of a call whose arguments are all of the right kind: their number is wrong, or a name."""
    from inspect import Parameter, signature

    try:
        parameters = builtins.list(signature(compute).parameters.values())
    except ValueError:
        parameters = []
    known = [parameter.name for parameter in parameters if parameter.kind is Parameter.KEYWORD_ONLY]
    for key in named:
        if key not in known:
            return TypeFailure(f"math.{name}() has no argument called `{key}`")
    if not parameters:
        # Python doesn't know what log takes.
        return TypeFailure(f"math.{name}() takes 1 or 2 arguments, and got {given}")
    count = builtins.len(parameters) - builtins.len(known)
    return TypeFailure(f"math.{name}() takes {count} argument{'s' * (count != 1)}, and got {given}")


def _argument(wanted: Any, value: Any, name: str, at: builtins.int | builtins.str) -> Any:
    try:
        return wanted(value)
    except TypeFailure as failure:
        failure.argument = f"math.{name}", at
        failure.message = f"math.{name}() {failure.message}"
        raise


for _name in (
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign", "cos", "cosh",
    "degrees",
    "dist", "erf", "erfc", "exp", "expm1", "fabs", "floor", "fmod", "gamma", "gcd", "hypot", "isclose", "isfinite",
    "isinf", "isnan", "isqrt", "lcm", "lgamma", "log", "log10", "log1p", "log2", "pow", "prod", "radians",
    "remainder", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
):  # fmt: skip
    _math(_name)


# ---- methods of lists, tuples and strings: a closed list of them


def _format(text: str, *args: Any, **named: Any) -> str:
    from gradcli.library.texts import formatted

    return formatted(text, args, named)


def _extend(values: list[Any], more: Any) -> None:
    values.extend(_listed(more))


OWN_METHODS: dict[type, dict[str, Any]] = {
    builtins.list: {
        name: getattr(builtins.list, name)
        for name in ("append", "insert", "pop", "remove", "reverse", "clear", "copy", "index", "count")
    } | {"extend": _extend},
    builtins.tuple: {"index": builtins.tuple.index, "count": builtins.tuple.count},
    builtins.str: {
        name: getattr(builtins.str, name)
        for name in ("join", "split", "strip", "upper", "lower", "replace", "startswith", "endswith", "ljust", "rjust",
                     "center", "find", "count", "title", "zfill")
    } | {"format": _format},
}  # fmt: skip


def number_or_tensor(value: Any) -> Any:
    """What a tensor's method is called on: a plain number becomes a tensor."""
    return as_tensor(value) if type(value) in _PLAIN else value
