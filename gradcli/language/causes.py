"""Why there is no history: what the text of a script says of a value that should have had one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradcli.engine import Tensor

_WORDS = {
    "detach": "`.detach()` cut its history",
    "detach_": "`.detach_()` cut its history",
    "data": "`.data` cut its history",
    "no_grad": "it was computed under no_grad, where nothing is recorded",
}


@dataclass(slots=True, frozen=True)
class Origin:
    """Where a name was last given a value: the line, the names that were read for it, and what cut the history."""

    line: int
    reads: tuple[str, ...]
    cut: str


def why_untracked(text: str, origins: dict[str, Origin], value_of: Callable[[str], Any]) -> str:
    """The help for a result without history, from the text of the expression that it's named by.

    Names the line where the history was cut, or the leaves that aren't tracked; empty where the text doesn't tell.
    """
    waiting = re.findall(r"[^\W\d]\w*", text)
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
