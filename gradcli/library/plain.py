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
from gradcli.library.vocabulary import FUNCTIONS, METHODS, function, places_of_tensors

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
    """Writes values as Python's print does: with `sep` between them and `end` behind the last.

    Shapes: any values, of any kind
    Derivative: none: it gives nothing back
    Example: x = 3
        print("x is", x, "and its square", x.item()^2)
    """
    separator = " " if sep is None else sep
    if not isinstance(separator, str) or not (end is None or isinstance(end, str)):
        raise TypeFailure("print()'s `sep` and `end` are strings")
    context.current().emit(Printed(separator.join(text_of(value) for value in values) + ("\n" if end is None else end)))


@function("range", plain=True)
def range_(*bounds):
    """The whole numbers from a start (0 where left out) up to an end, without it, by a step (1 where left out).

    Shapes: `range(stop)`, `range(start, stop)` or `range(start, stop, step)`, all whole; a step below 0 goes down
    Derivative: none: whole numbers
    Example: list(range(4)), list(range(2, 9, 3)), list(range(3, 0, -1))
    """
    if not 1 <= builtins.len(bounds) <= 3:
        raise TypeFailure(f"range() takes 1 to 3 arguments, and got {builtins.len(bounds)}")
    names = ("stop",) if builtins.len(bounds) == 1 else ("start", "stop", "step")
    wholes = (converted(Whole, bound, "range", names[at], at) for at, bound in builtins.enumerate(bounds))
    return builtins.range(*wholes)


@function("len", plain=True)
def len_(value):
    """The number of elements of a list or string, or of a tensor along its first dim.

    Shapes: (n, ...), or any list, tuple, range or string; a whole number
    Derivative: none: a count
    Example: len(zeros(2, 5)), len("word"), len(range(3))
    """
    try:
        return builtins.len(value)
    except TypeError:
        raise TypeFailure("only lists, strings and tensors with dimensions have a length") from None


@function("enumerate", plain=True)
def enumerate_(values, start=0):
    """Pairs of a number, from `start` on, and an element of the values.

    Shapes: a list, tuple, range or string, or a tensor's rows; as many pairs
    Derivative: that of the elements, which keep their history
    Example: for (i, row) in enumerate(eye(2)) { print(i, row) }
    """
    return Pairs("enumerate", _numbered, values, converted(Whole, start, "enumerate", "start", 1))


@function("zip", plain=True)
def zip_(*several):
    """Tuples of the first elements of several lists, of the second, and so on, as long as each has one.

    Shapes: lists, tuples, ranges or strings, or tensors' rows; as many tuples as the shortest has elements
    Derivative: that of the elements, which keep their history
    Example: for (n, word) in zip(range(9), ["one", "two"]) { print(n, word) }
    """
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
    """A list of the elements, which can grow: `xs = list()` and then `xs.append(v)`.

    Shapes: a tuple, range or string, or a tensor's rows; without an argument an empty list
    Derivative: that of the elements, which keep their history
    Example: list(range(4)), list("abc")
    """
    return _listed(values)


@function("tuple", plain=True)
def tuple_(values=()):
    """A tuple of the elements.

    Shapes: a list, range or string, or a tensor's rows; without an argument an empty tuple
    Derivative: that of the elements, which keep their history
    Example: tuple(range(4)), tuple("abc")
    """
    return builtins.tuple(_listed(values))


@function("reversed", plain=True)
def reversed_(values):
    """A list of the elements from the last to the first.

    Shapes: a list, tuple, range or string, or a tensor's rows; as many elements
    Derivative: that of the elements, which keep their history
    Example: reversed(range(4)), reversed("abc")
    """
    return _listed(values[::-1]) if type(values) is range else _listed(values)[::-1]


@function("str", plain=True)
def str_(value=""):
    """A value as text, as `print` writes it.

    Shapes: any value; a string
    Derivative: none: a string
    Example: "a third is " + str(1 / 3)
    """
    return text_of(value)


@function("int", plain=True)
def int_(value=0):
    """A whole number, cut off towards 0, from a number, a string or a tensor of one element.

    Shapes: one number; a plain number
    Derivative: none: a plain number has no history; `trunc(x)` cuts off a tensor
    Example: int(2.7), int(-2.7), int("12")
    """
    return builtins.int(value.item() if type(value) is Tensor else value)


@function("float", plain=True)
def float_(value=0.0):
    """A plain number, from a number, a string or a tensor of one element.

    Shapes: one number; a plain number
    Derivative: none: a plain number has no history, and what is computed from it has no gradient in the tensor
    Example: float("1e-3"), float(tensor(2)), float(true)
    """
    return builtins.float(value.item() if type(value) is Tensor else value)


_PLAIN = (builtins.int, builtins.float, builtins.bool)


def on_plain_values(name: str, on_plain: Any, most: int | None, sequences: bool = False) -> None:
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
    call.steady = places_of_tensors(on_tensors)  # type: ignore[attr-defined]
    FUNCTIONS[name] = call
    METHODS[name] = on_tensors


def rounded(number: Any, digits: Any = None) -> Any:
    """Python's round, which would compute the power of ten that a number is far below."""
    if digits is not None:
        digits = converted(Whole, digits, "round", "ndigits", 1)
        if type(number) is builtins.int and -digits > number.bit_length():
            return 0
    return round(number, digits)


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


_MATH: dict[str, tuple[Any, str, str]] = {
    "acos": (lambda x, /: math.acos(x), "The angle from 0 to pi whose cosine is x.", "0.5"),
    "acosh": (lambda x, /: math.acosh(x), "The number from 0 on whose hyperbolic cosine is x.", "2"),
    "asin": (lambda x, /: math.asin(x), "The angle from -pi / 2 to pi / 2 whose sine is x.", "0.5"),
    "asinh": (lambda x, /: math.asinh(x), "The number whose hyperbolic sine is x.", "1"),
    "atan": (lambda x, /: math.atan(x), "The angle from -pi / 2 to pi / 2 whose tangent is x.", "1"),
    "atan2": (lambda y, x, /: math.atan2(y, x), "The angle from -pi to pi of the point (x, y).", "1, -1"),
    "atanh": (lambda x, /: math.atanh(x), "The number whose hyperbolic tangent is x.", "0.5"),
    "cbrt": (lambda x, /: math.cbrt(x), "The cube root, of negative numbers too.", "-8"),
    "ceil": (lambda x, /: math.ceil(x), "The smallest whole number that is no less than x.", "2.1"),
    "copysign": (lambda x, y, /: math.copysign(x, y), "The size of x with the sign of y.", "3, -0.5"),
    "cos": (lambda x, /: math.cos(x), "The cosine of an angle in radians.", "math.pi / 3"),
    "cosh": (lambda x, /: math.cosh(x), "The hyperbolic cosine: (e^x + e^-x) / 2.", "1"),
    "degrees": (lambda x, /: math.degrees(x), "An angle in radians as one in degrees.", "math.pi"),
    "dist": (lambda p, q, /: math.dist(p, q), "The distance of two points.", "[0, 0], [3, 4]"),
    "erf": (lambda x, /: math.erf(x), "The error function: 2 / sqrt(pi) times e^(-t^2) integrated from 0 to x.", "1"),
    "erfc": (lambda x, /: math.erfc(x), "1 - erf(x), exact where that is small.", "3"),
    "exp": (lambda x, /: math.exp(x), "e to the power of x.", "1"),
    "expm1": (lambda x, /: math.expm1(x), "e^x - 1, exact for small x.", "1e-9"),
    "fabs": (lambda x, /: math.fabs(x), "The size of x, always a float.", "-3"),
    "floor": (lambda x, /: math.floor(x), "The largest whole number that is no more than x.", "2.9"),
    "fmod": (lambda x, y, /: math.fmod(x, y), "What is left of x after whole times y, with the sign of x.", "-7, 3"),
    "gamma": (lambda x, /: math.gamma(x), "The gamma function: of a whole number n the factorial of n - 1.", "5"),
    "gcd": (lambda *integers: math.gcd(*integers), "The greatest whole number that divides all.", "12, 18"),
    "hypot": (lambda *coordinates: math.hypot(*coordinates), "The length of a vector.", "3, 4"),
    "isclose": (
        lambda a, b, *, rel_tol=1e-09, abs_tol=0.0: math.isclose(a, b, rel_tol=rel_tol, abs_tol=abs_tol),
        "Whether two numbers differ by rel_tol of the larger one at most, or by abs_tol.", "0.1 + 0.2, 0.3",
    ),
    "isfinite": (lambda x, /: math.isfinite(x), "Whether x is neither infinite nor nan.", "inf"),
    "isinf": (lambda x, /: math.isinf(x), "Whether x is infinite.", "-inf"),
    "isnan": (lambda x, /: math.isnan(x), "Whether x is nan.", "nan"),
    "isqrt": (lambda n, /: math.isqrt(n), "The square root of a whole number, rounded down, exact for any.", "17"),
    "lcm": (lambda *integers: math.lcm(*integers), "The least whole number that all divide.", "4, 6"),
    "lgamma": (lambda x, /: math.lgamma(x), "The natural logarithm of the gamma function's size.", "100"),
    "log": (lambda x, base=math.e, /: math.log(x, base), "The logarithm, natural or to a base.", "8, 2"),
    "log10": (lambda x, /: math.log10(x), "The logarithm to the base 10.", "1000"),
    "log1p": (lambda x, /: math.log1p(x), "The natural logarithm of 1 + x, exact for small x.", "1e-9"),
    "log2": (lambda x, /: math.log2(x), "The logarithm to the base 2.", "8"),
    "pow": (lambda x, y, /: math.pow(x, y), "x to the power of y, always a float.", "2, 10"),
    "prod": (_product, "The product of numbers, times `start`.", "[2, 3, 4]"),
    "radians": (lambda x, /: math.radians(x), "An angle in degrees as one in radians.", "180"),
    "remainder": (lambda x, y, /: math.remainder(x, y), "x minus the multiple of y that is nearest to it.", "7, 4"),
    "sin": (lambda x, /: math.sin(x), "The sine of an angle in radians.", "math.pi / 6"),
    "sinh": (lambda x, /: math.sinh(x), "The hyperbolic sine: (e^x - e^-x) / 2.", "1"),
    "sqrt": (lambda x, /: math.sqrt(x), "The square root.", "2"),
    "tan": (lambda x, /: math.tan(x), "The tangent of an angle in radians.", "math.pi / 4"),
    "tanh": (lambda x, /: math.tanh(x), "The hyperbolic tangent: sinh(x) / cosh(x).", "0.5"),
    "trunc": (lambda x, /: math.trunc(x), "The whole number that x is cut off to, towards 0.", "-2.9"),
}  # fmt: skip
"""Each function with what it does and the arguments of an example."""

_WANTED = {"dist": _numbers, "prod": _numbers, "gcd": Whole, "lcm": Whole, "isqrt": Whole}

_OF_TENSORS = {
    "cbrt": "x ^ (1 / 3)", "degrees": "rad2deg(x)", "fabs": "abs(x)", "gamma": "exp(lgamma(x))",
    "radians": "deg2rad(x)", "remainder": "x - y * round(x / y)",
}  # fmt: skip
"""What does the same for tensors, where that isn't the function of the same name."""


def _math(name: str, compute: Any, does: str, example: str) -> None:
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

    takes = "lists of plain numbers, or vectors" if wanted is _numbers else "plain numbers, or tensors of one element"
    instead = "" if wanted is Whole else f"; tensors have `{_OF_TENSORS.get(name, name)}`"
    call.__name__ = call.__qualname__ = name
    call.__doc__ = (
        f"{does}\n\nShapes: {takes}; gives a plain number\nDerivative: none: a plain number has no history{instead}\n"
        f"Example: math.{name}({example})"
    )
    call.body = compute  # type: ignore[attr-defined]
    FUNCTIONS[f"math.{name}"] = call


def _misfit(name: str, compute: Any, given: builtins.int, named: Any) -> TypeFailure:
    """The failure of a call whose arguments are all of the right kind: their number is wrong, or a name."""
    from inspect import Parameter, signature

    parameters = signature(compute).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is Parameter.KEYWORD_ONLY]
    for key in named:
        if key not in known:
            return TypeFailure(f"math.{name}() has no argument called `{key}`")
    count = builtins.len(parameters) - builtins.len(known)
    needed = builtins.sum(parameter.default is Parameter.empty for parameter in parameters)
    counts = f"{count}" if needed == count else f"{needed} or {count}"
    return TypeFailure(f"math.{name}() takes {counts} argument{'s' * (count != 1)}, and got {given}")


def _argument(wanted: Any, value: Any, name: str, at: builtins.int | builtins.str) -> Any:
    try:
        return wanted(value)
    except TypeFailure as failure:
        failure.argument = f"math.{name}", at
        failure.message = f"math.{name}() {failure.message}"
        raise


for _name, (_compute, _does, _example) in _MATH.items():
    _math(_name, _compute, _does, _example)


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
