"""Which argument of a call a failure speaks of, as a place: read from the call's own text, and only when it failed."""

from __future__ import annotations

from typing import Any

from gradcli.errors import GradcliError, Span
from gradcli.grammar import parse_expression
from gradcli.language.scope import NAMESPACES, ungrouped


def text_at(text: str, span: Span) -> str:
    """The part of a script that a span covers."""
    lines = text.removeprefix("\ufeff").split("\n")[span.line - 1 : span.end_line]
    if not lines:
        return ""
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


def argument_span(text: str, span: Span, function: str, argument: int | str) -> Span | None:
    """The place of an argument, by position or name, of the call of `function` that stands at `span`.

    None where the span is no such call: a function of the library may have failed deeper, in a call of its own.
    """
    node = _parsed(text_at(text, span), span)
    if node is None or node[0] != "call":
        return None
    callee, given = ungrouped(node[1][0]), list(node[1][1][1])
    word, is_method = _called(callee)
    if function and word is not None and word != function.rpartition(".")[2]:
        return None
    if isinstance(argument, str):
        found = next((g for g in given if g[0] == "keyword" and g[1][0][1] == argument), None)
    elif any(g[0] == "starred" for g in given):
        return None
    else:
        by_position = [callee[1][0]] * is_method + [g for g in given if g[0] != "keyword"]
        found = by_position[argument] if argument < len(by_position) else None
    if found is None:
        return None
    return span._replace(line=found[2], column=found[3] + 1, end_line=found[4], end_column=found[5] + 1)


def called_name(text: str) -> str:
    """The name that a call's text calls; empty where it's no call of a name."""
    node = _parsed(text)
    if node is None or node[0] != "call":
        return ""
    callee = ungrouped(node[1][0])
    return callee[1] if callee[0] == "NAME" else ""


def iterable_span(text: str, span: Span) -> Span | None:
    """The place of what a comprehension runs over; none where the text is no comprehension."""
    node = _parsed(text, span)
    if node is None or node[0] != "comprehension":
        return None
    found = node[1][2]
    return span._replace(line=found[2], column=found[3] + 1, end_line=found[4], end_column=found[5] + 1)


def _parsed(text: str, span: Span | None = None) -> Any:
    """The tree of an expression's text; none where it's no expression."""
    try:
        return ungrouped(parse_expression(text, "", *((span.line, span.column - 1) if span else (1, 0))))
    except GradcliError:
        return None


def _called(callee: Any) -> tuple[str | None, bool]:
    """The word that a call calls, none where it's an expression; and whether what stands before the dot is a value."""
    if callee[0] == "NAME":
        return callee[1], False
    if callee[0] != "attribute":
        return None, False
    root = callee[1][0]
    while root[0] == "attribute":
        root = root[1][0]
    return callee[1][1][1], not (root[0] == "NAME" and root[1] in NAMESPACES)
