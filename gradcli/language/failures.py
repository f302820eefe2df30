"""From what Python raises while a script runs to a failure in the user's words, with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
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
    kind_named,
)
from gradcli.language.callsites import argument_span, called_name, iterable_span, text_at
from gradcli.language.causes import why_no_gradient, why_number, why_untracked
from gradcli.language.dictionary import BUILTINS
from gradcli.language.nearest import nearest
from gradcli.language.origins import Origin
from gradcli.language.unit import Unit
from gradcli.library.vocabulary import FUNCTIONS, signature, signature_of


def located(problem: BaseException, units: Mapping[str, Unit], names: Iterable[str]) -> GradcliError:
    """The failure for what was raised, with the place in the script and the calls that led there."""
    places = _script_places(problem.__traceback__, units)
    failure = (
        problem
        if isinstance(problem, GradcliError)
        else translated(problem, names, bool(places) and _is_innermost(problem), len(places))
    )
    if isinstance(problem, RecursionError) and len(places) >= FEW_CALLS:
        # What happened to need the last frame says nothing: the call before it is what doesn't end.
        places.pop()
    if places:
        *callers, (_, span, _) = places
        if failure.span is None:
            failure.span = span
        if not failure.calls:
            callees = [name for name, *_ in places[1:]]
            failure.calls = [(name, place) for name, (_, place, _) in zip(callees, callers, strict=True)]
    speak_of_places(failure, units)
    return failure


def add_cause(
    failure: GradcliError, unit: Unit, origins: dict[str, Origin], value_of: Callable[[str], Any], auto: bool
) -> None:
    """Puts the cause in the help, where the text of the script tells it, and the place where it's nearer than a call.

    `origins` says what the names come from, `value_of` what they are now; `auto` whether names are tracked by
    themselves.
    """
    assert failure.span is not None
    text = text_at(unit.text, failure.span)
    if failure.message.startswith("this function "):
        # A function without a name of its own goes by the one that it's called by.
        called = called_name(text)
        if called:
            failure.message = f"{called}() {failure.message.removeprefix('this function ')}"
    misused = re.match(r"([^\W\d]\w*)\(\) (?:takes|needs|has no argument|got its argument)", failure.message)
    if misused is not None and not failure.help:
        function = value_of(misused[1])
        if callable(function):
            failure.help = _how_called(function, misused[1], failure.message)
    if failure.cause == "untracked":
        # To mark a tensor would switch an automatic session to explicit tracking.
        otherwise = _BY_NAME if auto and "requires_grad_()" in failure.help else failure.help
        failure.help = why_untracked(text, origins, value_of) or otherwise
    elif failure.cause == "number":
        subject, failure.help = why_number(text, origins, value_of)
        failure.message = failure.message.replace("and this is", f"and {subject} is")
    elif failure.cause == "leaf" and "\n" not in text and len(text) < LONGEST_QUOTED:
        failure.help = failure.help.replace("`no_grad { }`", f"`no_grad {{ {text} }}`")
        failure.help = failure.help.replace("`y = x + 1`", f"`{_written_out(text) or 'y = x + 1'}`")
    elif failure.cause == "truth" and re.search(r"\b(?:and|or|not)\b", text):
        failure.help += "; element by element, `(x > 1) & (x < 3)`, `|` and `~` stand for `and`, `or` and `not`"
    elif isinstance(failure, (TypeFailure, NameFailure)) and re.search(r"\bnone\b", failure.message):
        failure.help = why_no_gradient(text, origins) or failure.help
    if failure.argument is not None:
        function, argument = failure.argument
        if isinstance(argument, tuple):
            line, column, end_line, end_column = argument
            failure.span = failure.span._replace(
                line=line, column=column + 1, end_line=end_line, end_column=end_column + 1
            )
        else:
            failure.span = argument_span(unit.text, failure.span, function, argument) or failure.span
    elif failure.message.endswith("can't be iterated over"):
        failure.span = iterable_span(text, failure.span) or failure.span


_BY_NAME = (
    "a name that's given a number or a tensor at the top of a script is tracked: `x = 3`; names inside functions, "
    "loop variables and what is computed from those alone are not"
)

LONGEST_QUOTED = 60
"""Characters of a script's text that a help may repeat."""


def _how_called(function: Callable[..., Any], name: str, message: str) -> str:
    called = signature_of(function, name)
    unknown = re.search(r"has no argument `(\w+)`", message)
    near = unknown and nearest(unknown[1], re.findall(r"[^\W\d]\w*", called.partition("(")[2]))
    return f"did you mean `{near}`? it is called {called}" if near else f"it is called {called}"


def _script_places(traceback: TracebackType | None, units: Mapping[str, Unit]) -> list[tuple[str, Span, Unit]]:
    """The functions, spans and texts of the script's frames in a traceback, outermost first."""
    places: list[tuple[str, Span, Unit]] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        unit = units.get(code.co_filename)
        if unit is not None and traceback.tb_frame.f_builtins is BUILTINS:
            span = unit.span_of(code, traceback.tb_lasti)
            name = code.co_name
            if name == "@clause":
                name = f"{code.co_qualname.split('.')[-3]}.backward"
            if places and name.startswith(("<list", "@comprehension")):
                # A comprehension is no function of the user's, and its inside is the nearer place.
                name = places.pop()[0]
            if span is not None:
                places.append((name, span, unit))
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


def speak_of_places(failure: GradcliError, units: Mapping[str, Unit]) -> None:
    """Puts names and lines where a failure's texts speak of other places of the script."""
    for key, (code, instruction) in failure.places.items():
        name, words = words_for(code, instruction, units, failure.span)
        failure.resolve(f"{key}.value", words if name else _quoted(code, instruction, units) or words)
        failure.resolve(f"{key}.instead", _instead(code, instruction, units))
        failure.resolve(key, words)
        text = name or _text_of(code, instruction, units)
        failure.resolve(f"{key}.sum", f"{name or 'y'}.sum()" if name or not text else f"sum({text})")
        failure.resolve(f"{key}.name", text or "y")


def words_for(
    code: CodeType | None, instruction: int, units: Mapping[str, Unit], here: Span | None = None
) -> tuple[str | None, str]:
    """The name of what was made at a place, if it was given one; and how a person speaks of it: `y` (line 2).

    A place in another text than `here` is told with that text's name.
    """
    unit = None if code is None else units.get(code.co_filename)
    span = None if unit is None or code is None else unit.span_of(code, instruction)
    if unit is None or span is None:
        return None, "an earlier step"
    name = unit.name_at(span)
    line = f"line {span.line}" if here is None or here.unit in ("", span.unit) else f"line {span.line} of {span.file}"
    return name, f"`{name}` ({line})" if name else line


def _text_of(code: CodeType | None, instruction: int, units: Mapping[str, Unit]) -> str:
    unit = None if code is None else units.get(code.co_filename)
    span = None if unit is None or code is None else unit.span_of(code, instruction)
    text = "" if unit is None or span is None else text_at(unit.text, span)
    return "" if len(text) > LONGEST_QUOTED or "\n" in text else text


def _quoted(code: CodeType | None, instruction: int, units: Mapping[str, Unit]) -> str:
    """A value without a name, by the expression that made it."""
    text = _text_of(code, instruction, units)
    return f"`{text}`" if text else ""


def _instead(code: CodeType | None, instruction: int, units: Mapping[str, Unit]) -> str:
    """How a change in place is written as a new value: `h = h + 1` for `h += 1`."""
    text = _text_of(code, instruction, units)
    written = _written_out(text)
    return f"`{written}` for `{text}`" if written else "`y = y + 1` for `y += 1`"


def _written_out(text: str) -> str:
    """`h = h + 1` of `h += 1`; empty for what is no such statement."""
    found = re.fullmatch(r"([^\W\d]\w*)\s*(\*\*|//|[-+*/^@%])=\s*(.+)", text)
    return "" if found is None else "{0} = {0} {1} {2}".format(*found.groups())


# ---- Python's exceptions

FEW_CALLS = 100
"""Calls of a script's functions in each other that can't be what exhausts Python's stack."""


def translated(problem: BaseException, names: Iterable[str], by_script: bool, calls: int = 0) -> GradcliError:
    """The failure for an exception of Python's or NumPy's.

    `by_script` says that the script itself raised it, `calls` how deep its functions were in each other.
    """
    text = re.sub(r"\S*<locals>\.", "", str(problem))
    if isinstance(problem, NameError):
        return _unknown_name(text, names)
    if isinstance(problem, RecursionError) and calls < FEW_CALLS:
        return LimitFailure("the values here are nested too deep", help="a list may hold itself")
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


_STATEMENTS = ("backward", "graph", "explain", "check")


def _unknown_name(text: str, names: Iterable[str]) -> NameFailure:
    found = re.search(r"'([^']*)'", text)
    name = found.group(1) if found else "?"
    if name in _STATEMENTS:
        return NameFailure(f"`{name}` is a statement, and needs what it's about", help=f"such as `{name} y`")
    known = ["true", "false", "none", *names, *(key for key in BUILTINS if key[0] != "@" and "." not in key)]
    near = nearest(name, (key for key in known if key != name))
    if "local variable" in text:
        return NameFailure(
            f"`{name}` has no value yet", help="it's given one further down in this function, which makes it local here"
        )
    return NameFailure(f"`{name}` isn't defined", help=f"did you mean `{near}`?" if near else "")


def _operator(symbol: str, left: str, right: str) -> GradcliError:
    if symbol[0] in "+-*/@%&|":
        symbol = "^" if "**" in symbol else symbol.removesuffix("=")
    help = ""
    if symbol == "+" and "str" in (left, right):
        help = 'to join text and values, write an f-string: `f"n: {n}"`'
    return TypeFailure(f"`{symbol}` isn't defined for {kind_named(left)} and {kind_named(right)}", help=help)


def _misused(name: str, what: str, at: int | str | None = None) -> GradcliError:
    known = name in FUNCTIONS
    # A function without a name of its own is called by whatever stands there.
    called = "this function" if name in ("<lambda>", "") or name[0] == "@" else f"{name}()"
    failure = TypeFailure(f"{called} {what}", help=f"it is called {signature(name)}" if known else "")
    failure.argument = None if at is None else ("" if called == "this function" else name, at)
    return failure


def _count(name: str, takes: str, given: str) -> GradcliError:
    many = "no arguments" if takes == "0" else f"{takes} argument{'s' * (takes != '1')}"
    return _misused(name, f"takes {many}, and got {given}", int(takes))


_PATTERNS: tuple[tuple[type[Exception], str, Callable[..., GradcliError]], ...] = (
    (TypeError, r"unsupported operand type\(s\) for (.+?)(?: or pow\(\))?: '(\w+)' and '(\w+)'", _operator),
    (TypeError, r"can only concatenate (\w+) \(not \"(\w+)\"\)", lambda a, b: _operator("+", a, b)),
    (TypeError, r"can't multiply sequence by non-int of type '(\w+)'",
     lambda kind: TypeFailure(f"a list or string can't be multiplied by {kind_named(kind)}")),
    (TypeError, r"'(\S+)' not supported between instances of '(\w+)' and '(\w+)'", _operator),
    (TypeError, r"bad operand type for (?:unary (.)|abs\(\)): '(\w+)'",
     lambda symbol, kind: TypeFailure(f"`{symbol or 'abs'}` isn't defined for {kind_named(kind)}")),
    (TypeError, r"'(\w+)' object is not callable",
     lambda kind: TypeFailure(f"{kind_named(kind)} can't be called", help="a product is written with `*`")),
    (TypeError, r"cannot unpack non-iterable (\w+) object",
     lambda kind: TypeFailure(f"{kind_named(kind)} can't be unpacked into several names")),
    (TypeError, r"'(\w+)' object is not iterable",
     lambda kind: TypeFailure(f"{kind_named(kind)} can't be iterated over")),
    (TypeError, r"'(\w+)' object is not subscriptable",
     lambda kind: TypeFailure(f"{kind_named(kind)} can't be indexed")),
    (TypeError, r"'(\w+)' object does not support item",
     lambda kind: TypeFailure(f"the parts of {kind_named(kind)} can't be set")),
    (TypeError, r"(?:list|tuple|string|Size|range) (?:indices|index) must be integers(?: or slices)?"
     r",? ?(?:not ['\"]?(\w+))?",
     lambda kind: IndexFailure("an index of a list is a whole number or a slice")),
    (TypeError, r"argument of type '(\w+)' is not (?:iterable|a container)",
     lambda kind: TypeFailure(f"`in` looks into lists and strings, and this is {kind_named(kind)}")),
    (TypeError, r"(?:\w+\.)*(\S+?)\(\) takes (?:from \d+ to )?(\d+) positional arguments? "
     r"but (\d+) (?:was|were) given", _count),
    (TypeError, r"(?:\w+\.)*(\S+?)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.*)",
     lambda name, names: _misused(name, f"needs {names.replace(chr(39), '`')}")),
    (TypeError, r"(?:\w+\.)*(\S+?)\(\) got an unexpected keyword argument '(\w+)'",
     lambda name, key: _misused(name, f"has no argument `{key}`", key)),
    (TypeError, r"(?:\w+\.)*(\S+?)\(\) got multiple values for argument '(\w+)'",
     lambda name, key: _misused(name, f"got its argument `{key}` twice", key)),
    (TypeError, r"(\w+)\(\) takes no keyword arguments", lambda name: _misused(name, "takes no named arguments")),
    (TypeError, r"argument after \*\*? must be \w+ \w+, not (\w+)",
     lambda kind: TypeFailure(f"{kind_named(kind)} can't be spread over the arguments of a call")),
    (TypeError, r"must assign iterable to extended slice|can only assign an iterable",
     lambda: TypeFailure("a slice of a list is given another list's elements, and this is a number or another value")),
    (TypeError, r"unsupported format string passed to (\w+)\.__format__",
     lambda kind: TypeFailure(f"this format isn't for {kind_named(kind)}")),
    (TypeError, r"format: a|format string|string formatting",
     lambda: TypeFailure("this format doesn't fit its values", help="write an f-string: `f\"{x:.3f}\"`")),
    (TypeError, r"'(\w+)' object cannot be interpreted as an integer",
     lambda kind: TypeFailure(f"a whole number is wanted here, and this is {kind_named(kind)}")),
    (TypeError, r"(?:float|int)\(\) argument must be .*, not '(\w+)'",
     lambda kind: TypeFailure(f"{kind_named(kind)} can't be made a number")),
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
    (RuntimeError, r"only supports up to (\d+) dimensions",
     lambda most: LimitFailure(f"this works on tensors of at most {most} dimensions")),
    (ValueError, r"slice step cannot be zero", lambda: IndexFailure("a slice's step can't be zero")),
    (ValueError, r"generator already executing", lambda: LimitFailure("this session runs already")),
    (ValueError, r"attempt to assign sequence of size (\d+) to extended slice of size (\d+)",
     lambda given, size: ShapeFailure(f"a slice of {size} elements can't be given {given}")),
    (IndexError, r"number of dimensions must be within", lambda: IndexFailure("a tensor has at most 64 dimensions")),
    (IndexError, r"pop from empty list|cannot fit 'int'|pop index out of range|"
     r"(?:list|tuple|string|range object) (?:assignment )?index out of range",
     lambda: IndexFailure("this index is out of range", help="indices count from 0; negative ones from the end")),
)  # fmt: skip
"""What Python's own messages mean, as far as a script can cause them."""


def is_bug(failure: GradcliError) -> bool:
    """Whether this is no failure of the script's, but one of gradcli's."""
    return type(failure) is GradcliError
