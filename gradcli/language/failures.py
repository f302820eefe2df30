"""From what Python raises while a script runs to a failure in the user's words, with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from types import CodeType, TracebackType
from typing import Any

from gradcli.errors import (
    GradcliError,
    IndexFailure,
    LimitFailure,
    NameFailure,
    ShapeFailure,
    Span,
    TypeFailure,
    ValueFailure,
)
from gradcli.language.causes import Origin, why_no_gradient, why_untracked
from gradcli.language.dictionary import BUILTINS
from gradcli.language.nearest import nearest
from gradcli.language.unit import Unit
from gradcli.library.vocabulary import FUNCTIONS, signature, signature_of


def located(problem: BaseException, units: dict[str, Unit], names: Iterable[str]) -> GradcliError:
    """The failure for what was raised, with the place in the script and the calls that led there."""
    places = _script_places(problem.__traceback__, units)
    failure = (
        problem
        if isinstance(problem, GradcliError)
        else translated(problem, names, bool(places) and _is_innermost(problem))
    )
    if places:
        *callers, (_, span) = places
        if failure.span is None:
            failure.span = span
        if not failure.calls:
            callees = [name for name, _ in places[1:]]
            failure.calls = [(name, place) for name, (_, place) in zip(callees, callers, strict=True)]
    speak_of_places(failure, units)
    return failure


def add_cause(failure: GradcliError, text: str, origins: dict[str, Origin], value_of: Callable[[str], Any]) -> None:
    """Puts the cause in the help, where the text of the script tells it; `text` is what stands at the failure."""
    misused = re.match(r"([^\W\d]\w*)\(\) (?:takes|needs|has no argument|got its argument)", failure.message)
    if misused is not None and not failure.help:
        function = value_of(misused[1])
        if callable(function):
            failure.help = f"it is called {signature_of(function, misused[1])}"
    if failure.cause == "untracked":
        failure.help = why_untracked(text, origins, value_of) or failure.help
    elif isinstance(failure, TypeFailure) and failure.message.endswith("none"):
        failure.help = why_no_gradient(text, origins) or failure.help


def _script_places(traceback: TracebackType | None, units: dict[str, Unit]) -> list[tuple[str, Span]]:
    """The functions and spans of the script's frames in a traceback, outermost first."""
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        unit = units.get(code.co_filename)
        if unit is not None and traceback.tb_frame.f_builtins is BUILTINS:
            span = unit.span_of(code, traceback.tb_lasti)
            if span is not None and not code.co_name.startswith("<list"):
                places.append((code.co_name, span))
        traceback = traceback.tb_next
    return places


def _library_function(problem: BaseException) -> str:
    """The library's function in which NumPy or Python refused the values; empty where it's deeper in gradcli."""
    called, innermost = "", ""
    traceback = problem.__traceback__
    while traceback is not None:
        innermost = traceback.tb_frame.f_globals.get("__name__", "")
        if innermost.startswith("gradcli.library.") and traceback.tb_frame.f_code.co_name in FUNCTIONS:
            called = traceback.tb_frame.f_code.co_name
        traceback = traceback.tb_next
    return called if innermost.startswith(("gradcli.library.", "numpy")) else ""


def _is_innermost(problem: BaseException) -> bool:
    """Whether the script itself raised it, and nothing that it called."""
    traceback = problem.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_builtins is BUILTINS


def speak_of_places(failure: GradcliError, units: dict[str, Unit]) -> None:
    """Puts names and lines where a failure's texts speak of other places of the script."""
    for key, (code, instruction) in failure.places.items():
        name, words = words_for(code, instruction, units)
        failure.resolve(key, words)
        failure.resolve(f"{key}.name", name or "y")


def words_for(code: CodeType | None, instruction: int, units: dict[str, Unit]) -> tuple[str | None, str]:
    """The name of what was made at a place, if it was given one; and how a person speaks of it: `y` (line 2)."""
    unit = None if code is None else units.get(code.co_filename)
    span = None if unit is None or code is None else unit.span_of(code, instruction)
    if unit is None or span is None:
        return None, "an earlier step"
    name = unit.name_at(span)
    return name, f"`{name}` (line {span.line})" if name else f"line {span.line}"


# ---- Python's exceptions

_KINDS = {
    "int": "a number", "float": "a number", "bool": "a truth value", "complex": "a complex number", "str": "a string",
    "list": "a list", "tuple": "a tuple", "Tensor": "a tensor", "NoneType": "none", "function": "a function",
    "range": "a range", "Size": "a shape", "DType": "a dtype", "Node": "a grad_fn",
    "builtin_function_or_method": "a function",
    "enumerate": "an enumeration", "zip": "a zip", "slice": "a slice", "ellipsis": "`...`",
}  # fmt: skip


def _kind(name: str) -> str:
    return _KINDS.get(name, f"a {name}")


def translated(problem: BaseException, names: Iterable[str], by_script: bool) -> GradcliError:
    """The failure for an exception of Python's or NumPy's."""
    text = re.sub(r"\S*<locals>\.", "", str(problem))
    if isinstance(problem, NameError):
        return _unknown_name(text, names)
    if isinstance(problem, RecursionError):
        return LimitFailure(
            "functions call each other too deep", help="does the recursion end? a loop has no such limit"
        )
    if isinstance(problem, MemoryError):
        size = re.search(r"Unable to allocate (.+?) for an array with shape (\(.*?\))", text)
        what = f": {size[1]} for a tensor of shape {size[2]}" if size else ""
        return LimitFailure(f"not enough memory{what}", help="work with smaller tensors, or in parts")
    if isinstance(problem, ZeroDivisionError):
        return ValueFailure("division by zero", help="plain numbers can't be divided by 0; tensors give inf or nan")
    if isinstance(problem, OverflowError):
        return ValueFailure("this number is too large")
    if type(problem).__name__ == "AxisError":
        axis, ndim = getattr(problem, "axis", "?"), getattr(problem, "ndim", 0)
        return IndexFailure(
            f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {axis})",
            help=f"the tensor has {ndim} dimension{'s' * (ndim != 1)}",
        )
    if isinstance(problem, IndexError) and by_script:
        return IndexFailure("this index is out of range", help="indices count from 0; negative ones from the end")
    if type(problem).__name__ == "LinAlgError":
        return ValueFailure(f"the matrix doesn't allow this: {text}")
    for kind, pattern, make in _PATTERNS:
        if isinstance(problem, kind):
            found = re.search(pattern, text)
            if found:
                return make(*found.groups())
    if isinstance(problem, ValueError) and "broadcast" in text:
        return ShapeFailure(text)
    if by_script and isinstance(problem, (TypeError, ValueError, AttributeError, KeyError, IndexError)):
        # Raised by what the script itself called, and nothing of gradcli's: so the values are at fault.
        return TypeFailure("this doesn't work with these values", help="see the types and shapes that stand here")
    called = _library_function(problem)
    if called and isinstance(problem, (TypeError, ValueError, IndexError, KeyError, AttributeError)):
        return TypeFailure(f"{called}() doesn't take these values", help=f"it is called {signature(called)}")
    bug = GradcliError(
        f"this is a bug in gradcli: {type(problem).__name__}: {text}",
        help="please report it with the script that shows it; GRADCLI_DEBUG=1 prints the details",
    )
    bug.__cause__ = problem
    return bug


def _unknown_name(text: str, names: Iterable[str]) -> NameFailure:
    found = re.search(r"'([^']*)'", text)
    name = found.group(1) if found else "?"
    known = [*names, *(key for key in BUILTINS if key[0] != "@" and "." not in key)]
    near = nearest(name, (key for key in known if key != name))
    if "local variable" in text:
        return NameFailure(
            f"`{name}` has no value yet", help="it's given one further down in this function, which makes it local here"
        )
    return NameFailure(f"`{name}` isn't defined", help=f"did you mean `{near}`?" if near else "")


def _operator(symbol: str, left: str, right: str) -> GradcliError:
    symbol = "^" if "**" in symbol else symbol
    return TypeFailure(f"`{symbol}` isn't defined for {_kind(left)} and {_kind(right)}")


def _misused(name: str, what: str) -> GradcliError:
    known = name in FUNCTIONS
    return TypeFailure(f"{name}() {what}", help=f"it is called {signature(name)}" if known else "")


def _count(name: str, takes: str, given: str) -> GradcliError:
    return _misused(name, f"takes {takes} argument{'s' * (takes != '1')}, and got {given}")


_PATTERNS: tuple[tuple[type[Exception], str, Callable[..., GradcliError]], ...] = (
    (TypeError, r"unsupported operand type\(s\) for (.+?)(?: or pow\(\))?: '(\w+)' and '(\w+)'", _operator),
    (TypeError, r"can only concatenate (\w+) \(not \"(\w+)\"\)", lambda a, b: _operator("+", a, b)),
    (TypeError, r"can't multiply sequence by non-int of type '(\w+)'",
     lambda kind: TypeFailure(f"a list or string can't be multiplied by {_kind(kind)}")),
    (TypeError, r"'(\S+)' not supported between instances of '(\w+)' and '(\w+)'", _operator),
    (TypeError, r"bad operand type for (?:unary (.)|abs\(\)): '(\w+)'",
     lambda symbol, kind: TypeFailure(f"`{symbol or 'abs'}` isn't defined for {_kind(kind)}")),
    (TypeError, r"'(\w+)' object is not callable",
     lambda kind: TypeFailure(f"{_kind(kind)} can't be called", help="a product is written with `*`")),
    (TypeError, r"cannot unpack non-iterable (\w+) object",
     lambda kind: TypeFailure(f"{_kind(kind)} can't be unpacked into several names")),
    (TypeError, r"'(\w+)' object is not iterable", lambda kind: TypeFailure(f"{_kind(kind)} can't be iterated over")),
    (TypeError, r"'(\w+)' object is not subscriptable", lambda kind: TypeFailure(f"{_kind(kind)} can't be indexed")),
    (TypeError, r"'(\w+)' object does not support item",
     lambda kind: TypeFailure(f"the parts of {_kind(kind)} can't be set")),
    (TypeError, r"(?:list|tuple|string|Size|range) (?:indices|index) must be integers(?: or slices)?"
     r",? ?(?:not ['\"]?(\w+))?",
     lambda kind: IndexFailure("an index of a list is a whole number or a slice")),
    (TypeError, r"argument of type '(\w+)' is not (?:iterable|a container)",
     lambda kind: TypeFailure(f"`in` looks into lists and strings, and this is {_kind(kind)}")),
    (TypeError, r"(?:\w+\.)*(\S+?)\(\) takes (?:from \d+ to )?(\d+) positional arguments? "
     r"but (\d+) (?:was|were) given", _count),
    (TypeError, r"(?:\w+\.)*(\S+?)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.*)",
     lambda name, names: _misused(name, f"needs {names.replace(chr(39), '`')}")),
    (TypeError, r"(?:\w+\.)*(\S+?)\(\) got an unexpected keyword argument '(\w+)'",
     lambda name, key: _misused(name, f"has no argument `{key}`")),
    (TypeError, r"(?:\w+\.)*(\S+?)\(\) got multiple values for argument '(\w+)'",
     lambda name, key: _misused(name, f"got its argument `{key}` twice")),
    (TypeError, r"(\w+)\(\) takes no keyword arguments", lambda name: _misused(name, "takes no named arguments")),
    (TypeError, r"unsupported format string passed to (\w+)\.__format__",
     lambda kind: TypeFailure(f"this format isn't for {_kind(kind)}")),
    (TypeError, r"'(\w+)' object cannot be interpreted as an integer",
     lambda kind: TypeFailure(f"a whole number is wanted here, and this is {_kind(kind)}")),
    (TypeError, r"(?:float|int)\(\) argument must be .*, not '(\w+)'",
     lambda kind: TypeFailure(f"{_kind(kind)} can't be made a number")),
    (ValueError, r"not enough values to unpack \(expected (?:at least )?(\d+), got (\d+)\)",
     lambda want, got: TypeFailure(f"{want} names, and {got} value{'s' * (got != '1')} to give them")),
    (ValueError, r"too many values to unpack \(expected (\d+)",
     lambda want: TypeFailure(f"more values than the {want} names that they're given to")),
    (ValueError, r"[Ii]nvalid format specifier|Unknown format code|Cannot specify|Sign not allowed|Precision not|"
     r"Format specifier missing|not allowed in (?:string|integer) format",
     lambda: TypeFailure("this format doesn't fit the value", help="such as `{x:.3f}`, `{x:10.2e}`, `{s:>8}`")),
    (ValueError, r"(?:could not convert string to float|invalid literal for int\(\) with base 10): (.*)",
     lambda what: ValueFailure(f"{what} isn't a number")),
    (ValueError, r"(.*) is not in list", lambda what: ValueFailure("this value isn't in the list")),
    (ValueError, r"range\(\) arg 3 must not be zero", lambda: ValueFailure("the step of a range can't be 0")),
    (ValueError, r"Exceeds the limit .* for integer string conversion",
     lambda: LimitFailure("this whole number has too many digits to be shown")),
    (ValueError, r"cannot convert float (?:NaN|infinity) to integer",
     lambda: ValueFailure("nan and inf are no whole numbers")),
    (ValueError, r"(?:arg is an empty sequence|iterable argument is empty)",
     lambda: ValueFailure("there is no largest or smallest of nothing")),
    (ValueError, r"maximum supported dimension|too many dimensions|[Mm]aximum allowed dimension",
     lambda: LimitFailure("a tensor has at most 64 dimensions")),
    (ValueError, r"slice step cannot be zero", lambda: IndexFailure("a slice's step can't be zero")),
    (ValueError, r"generator already executing", lambda: LimitFailure("this session runs already")),
    (IndexError, r"pop from empty list|pop index out of range|"
     r"(?:list|tuple|string|range object) (?:assignment )?index out of range",
     lambda: IndexFailure("this index is out of range", help="indices count from 0; negative ones from the end")),
)  # fmt: skip
"""What Python's own messages mean, as far as a script can cause them."""


def is_bug(failure: GradcliError) -> bool:
    """Whether this is no failure of the script's, but one of gradcli's."""
    return type(failure) is GradcliError
