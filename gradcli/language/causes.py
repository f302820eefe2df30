"""Why there is no history: what the text of a script says of a value that should have had one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gradcli.engine import Tensor
from gradcli.language.origins import Origin

_WORDS = {
    "detach": "`.detach()` cut its history",
    "detach_": "`.detach_()` cut its history",
    "data": "`.data` cut its history",
    "no_grad": "it was computed under no_grad, where nothing is recorded",
    "const": "a `const` is never tracked",
}

_NUMBERS = {"item": "`.item()`", "tolist": "`.tolist()`", "numpy": "`.numpy()`"} | {
    word: f"`{word}`"
    for word in ("int", "float", "bool", "len", "range", "enumerate", "numel", "ndim", "shape", "size")
}
"""What gives plain numbers, without history."""


def why_untracked(text: str, origins: dict[str, Origin], value_of: Callable[[str], Any]) -> str:
    """The help for a result without history, from the text of the expression that it's named by.

    Names the line where the history was cut, or the leaves that aren't tracked; empty where the text doesn't tell.
    """
    waiting = _words(text)
    seen: set[str] = set()
    leaves: list[str] = []
    while waiting:
        name = waiting.pop(0)
        origin = origins.get(name)
        if name in seen or origin is None:
            continue
        seen.add(name)
        value = value_of(name)
        if type(value) is Tensor and value.node:
            continue
        if _is_stepwise(value):
            stepwise = [
                read for read in origin.reads if read in origins and read != name and _is_stepwise(value_of(read))
            ]
            if not stepwise:
                return _why_stepwise(name, origin, value)
            waiting = stepwise + waiting
            continue
        if origin.cut == "grad":
            return (
                f"`{name}` (line {origin.line}) is a derivative without history: if it's to be "
                "differentiated again, it "
                "needs `create_graph=true`; if it was, it's constant, and its derivative is 0"
            )
        if origin.cut:
            loses = origin.cut == "no_grad" and name in origin.reads
            again = " (a change in place, `-=`, keeps a leaf a leaf)" if loses else ""
            return f"`{name}` was given its value at line {origin.line}, and {_WORDS[origin.cut]}{again}"
        inner = [read for read in origin.reads if read in origins and read != name]
        if not inner:
            leaves.append(name)
        waiting += inner
    if not leaves:
        return ""
    lines = ", ".join(f"`{name}` (line {origins[name].line})" for name in leaves[:3])
    first, value = leaves[0], value_of(leaves[0])
    remedy = f"{first}.requires_grad_()" if type(value) is Tensor else f"{first} = tensor({value}, requires_grad=true)"
    verb = "is" if len(leaves) == 1 else "are"
    return f"{lines} {verb} not tracked: write `{remedy}` before the result is computed"


def _is_stepwise(value: Any) -> bool:
    return type(value) is Tensor and value.dtype.kind != "f"


def _why_stepwise(name: str, origin: Origin, value: Tensor) -> str:
    """A value of whole numbers or truth values varies in steps: what made it one, and what to do."""
    called = f"`{name}` (line {origin.line}) is {value.dtype}"
    if origin.maker == "comparison":
        return f"{called}: comparisons have no derivative; `where(c, a, b)` differentiates what it chooses from"
    if value.dtype.kind == "b" or origin.maker.startswith(("arg", "is")):
        return f"{called}: {origin.maker or 'a truth value'} has no derivative"
    return f"{called}, and only tensors of floating point have gradients: make it real, `{name}.double()`"


def why_number(text: str, origins: dict[str, Origin], value_of: Callable[[str], Any]) -> tuple[str, str]:
    """How a person speaks of a plain number that should have had a history, and the help: what made it one."""
    subject = "this"
    found = re.fullmatch(r"[^\W\d]\w*", text)
    if found is not None and text in origins:
        subject = f"`{text}` (line {origins[text].line})"
    waiting, seen = _words(text), set()
    while waiting:
        word = waiting.pop(0)
        if word in _NUMBERS and word not in origins:
            return subject, f"{_NUMBERS[word]} gives a plain number, without history: leave it out"
        origin = origins.get(word)
        if origin is None or word in seen or type(value_of(word)) is Tensor:
            continue
        seen.add(word)
        if origin.cut == "const":
            return subject, f"`{word}` (line {origin.line}) is const, and never tracked: leave out `const`"
        made = next((read for read in origin.reads if read in _NUMBERS and read not in origins), None)
        if made is not None:
            return subject, (
                f"`{word}` (line {origin.line}) is a plain number: {_NUMBERS[made]} gives one, without history"
            )
        waiting += [read for read in origin.reads if read != word]
    return subject, "a gradient is of a tensor that was computed from a tracked one, such as `x = 3`"


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d]\w*", text)


def why_no_gradient(text: str, origins: dict[str, Origin]) -> str:
    """The help for arithmetic with none, where a `.grad` stands in the text."""
    found = re.search(r"([^\W\d]\w*)\.grad\b", text)
    if found is None:
        return ""
    name = found[1]
    origin = origins.get(name)
    if origin is not None and origin.cut == "no_grad":
        return (
            f"`{name}.grad` is none: `{name}` was given a new value under no_grad at line "
            f"{origin.line}, and isn't tracked "
            f"any more; change it in place, `{name} -= ...`"
        )
    if origin is not None and name in origin.reads:
        return (
            f"`{name}.grad` is none: since line {origin.line} `{name}` is a result and no leaf; "
            "change it in place under "
            f"no_grad, `{name} -= ...`"
        )
    return f"`{name}.grad` is none until a backward has reached `{name}`"
