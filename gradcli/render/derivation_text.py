"""A derivation in plain text, in aligned columns.

    given
      x  = [0, 1, 2, 3]
    forward
      v1 = dot(x, x)  = 14                                          line 2
      y  = 2 * v1     = 28                                          line 2
    backward
                       ∂y/∂y  = 1
      ∂y/∂v1 = 2       ∂y/∂v1 = ∂y/∂y * 2         = 1 * 2 = 2
      ∂v1/∂x = x + x   ∂y/∂x  = ∂y/∂v1 * (x + x)  = 2 * [0, 2, 4, 6] = [0, 4, 8, 12]
    gradients
      x.grad = [0, 4, 8, 12]

Where the columns don't fit beside each other, each rule stands above its chain rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from gradcli.analysis.derivation import Derivation, LeftOut, Line, Path, Slope
from gradcli.analysis.graph import CONSTANT, DETACHED
from gradcli.engine import modes
from gradcli.engine.notation import tensor_text
from gradcli.render.graph_text import (
    GRADIENT,
    NAME,
    NONE,
    NUMBER,
    REFERENCE,
    SHAPE,
    TIMES,
    WIDTH,
    Piece,
    clipped,
    columns,
)

HEADER, NOTE = "message", "header"
"""The theme's styles (theme.py) of what a derivation is made of beside what is in a tree, too."""

_SMALL = 16
"""Elements up to which a value is shown, if it fits."""

_LONGEST_VALUE = 44
_LONGEST_FACTOR = 24

_FRACTION = re.compile(r"\d+\.\d*")

_MINUS_ZERO = re.compile(r"-0(?![\d.])")

_ENOUGH = 0.7
"""The part of the paths that fit into columns, from which on columns are used; the others get a line more."""

Row = list[Piece]


def lines_of(derivation: Derivation, width: int = WIDTH) -> list[str]:
    """The derivation's lines, none wider than `width` (of 40 or more)."""
    return ["".join(text for text, _style in line).rstrip() for line in pieces_of(derivation, width)]


def pieces_of(derivation: Derivation, width: int = WIDTH) -> Iterator[Row]:
    """The lines in pieces, each with the name of its style."""
    width = max(width, 40)
    if derivation.given:
        yield [("given", HEADER)]
        yield from _values(derivation.given, width)
    if derivation.forward:
        yield [("forward", HEADER)]
        yield from _values(derivation.forward, width)
    yield [("backward", HEADER)]
    yield from _backward(derivation, width)
    yield [("gradients", HEADER)]
    yield from _gradients(derivation, width)


# ---- numbers


def number_text(value: Any, room: int = _LONGEST_VALUE) -> str:
    """A value as a person writes it, `[0, 1, 2.5]`; the shape of one that has many elements or takes much room."""
    if not isinstance(value, (np.ndarray, np.generic)):
        if not hasattr(value, "shape"):
            return str(value)
        return str(tuple(value.shape))
    if value.size > _SMALL:
        return str(value.shape)
    text = tensor_text(value, default_dtype=value.dtype, precision=modes.precision, width=100_000)
    text = " ".join(text.removeprefix("tensor(").removesuffix(")").split())
    text = _FRACTION.sub(lambda part: part[0].rstrip("0").rstrip("."), re.sub(r"(\[+) +", r"\1", text))
    text = _MINUS_ZERO.sub("0", text)
    if not value.size:
        return f"[] {value.shape}"
    return text if columns(text) <= room or not value.ndim else str(value.shape)


def _is_shape(text: str) -> bool:
    return text.startswith("(")


# ---- values


def _values(lines: Iterable[Line | LeftOut], width: int) -> Iterator[Row]:
    rows: list[Any] = []
    for line in lines:
        rows.append(
            _left_out(line, "values")
            if isinstance(line, LeftOut)
            else _value_cells(line, min(_LONGEST_VALUE, width - 20))
        )
    table = [row for row in rows if len(row) == 4]
    first, _, third, fourth = (max((columns(row[k]) for row in table), default=0) for k in range(4))
    room = width - 2 - first - fourth - (2 if fourth else 0)
    # An expression that's much longer than the others doesn't move their numbers.
    most = room - min(third, room // 2)
    second = max((columns(row[1]) for row in table if columns(row[1]) <= most), default=0)
    for row in rows:
        if len(row) != 4:
            yield from _wrapped([("  ", NONE), *row], width)
            continue
        name, expression, value, note = row
        style = SHAPE if _is_shape(value.strip()) else NUMBER
        left: Row = [("  " + name.ljust(first), NAME), (expression, NONE)]
        if columns(expression) <= second and second + columns(value) <= room:
            left.append((" " * (second - columns(expression)), NONE))
        elif columns(expression) + columns(value) > room and expression:
            yield from _wrapped(left, width)
            left = [(" " * (2 + first), NONE)]
            expression = ""
        taken = sum(columns(text) for text, _ in left)
        left.append((clipped(value, width - taken), style))
        taken += columns(left[-1][0])
        if note and taken + 2 + columns(note) <= width:
            left += [(" " * (width - taken - columns(note)), NONE), (note, NOTE)]
        yield left


def _value_cells(line: Line, room: int) -> tuple[str, str, str, str]:
    value = number_text(line.value, room)
    expression = "" if line.expression is None else f" = {line.expression}"
    note = f"line {line.line}" if line.line is not None and line.expression is not None else ""
    if line.kind == CONSTANT:
        note = "constant"
    elif line.kind == DETACHED:
        note = "detached" if line.origin in (None, line.name) else f"detached from {line.origin}"
    return line.name, expression, f"   {value}" if _is_shape(value) else f" = {value}", note


def _left_out(item: LeftOut, what: str) -> Row:
    ops = [op if count == item.rounds else f"{op} {TIMES}{count // item.rounds}" for op, count in item.ops[:4]]
    more = ", ..." if len(item.ops) > 4 else ""
    rounds = f"⋯ {item.rounds} more times: {', '.join(ops)}{more}"
    head = rounds if item.rounds > 1 else f"⋯ {item.count} more {what}"
    where = ""
    if item.first_line is not None:
        same = item.first_line == item.last_line
        where = f", line {item.first_line}" if same else f", lines {item.first_line}-{item.last_line}"
    ends = item.first if item.count == 1 else f"{item.first} to {item.last}"
    return [(f"{head} ({ends}{where})", REFERENCE)]


# ---- slopes


def _backward(derivation: Derivation, width: int) -> Iterator[Row]:
    slopes = [item for item in derivation.backward if isinstance(item, Slope)]
    symbols = max(columns(slope.symbol) for slope in slopes)
    rows = [(path, numbers) for slope in slopes for _sign, path, numbers in _sums(slope) if path is not None]
    rules = max((columns(_rule(path)[0]) for path, _ in rows), default=0)
    room = width - 2 - rules - 3 - symbols - 3
    fitting = [columns(path.chain) for path, numbers in rows if columns(path.chain) + 3 + columns(numbers) <= room]
    beside = len(rows) > 0 and len(fitting) >= _ENOUGH * len(rows)
    chains = max(fitting, default=0)
    for item in derivation.backward:
        if isinstance(item, LeftOut):
            yield from _wrapped([("  ", NONE), *_left_out(item, "gradients")], width)
        elif beside:
            yield from _columns(derivation, item, rules, symbols, chains, width)
        else:
            yield from _stacked(derivation, item, symbols, width)


def _start(derivation: Derivation, slope: Slope, symbols: int, indent: str) -> Row:
    value = number_text(derivation.start)
    row: Row = [(indent, NONE), (slope.symbol.ljust(symbols), NAME), *_equals(value)]
    if np.ndim(derivation.start):
        row.append((f"   (the gradients of sum({derivation.of}))", NOTE))
    return row


def _numbers(path: Path, slope: Slope) -> str:
    """The numbers of a path: `2 * [0, 2] = [0, 4]`, or what it contributes alone."""
    total = number_text(path.contribution)
    if path.factor is None or len(slope.paths) > 1:
        return total
    factors = number_text(path.incoming, _LONGEST_FACTOR), number_text(path.factor, _LONGEST_FACTOR)
    if any(_is_shape(text) for text in (*factors, total)):
        return total
    second = f"({factors[1]})" if factors[1].startswith("-") else factors[1]
    return f"{factors[0]} * {second} = {total}"


def _rule(path: Path) -> Piece:
    """The derivative, or else the equation that it comes from."""
    return (path.equation, REFERENCE) if path.rule is None else (path.rule, NONE)


def _chain(slope: Slope, path: Path | None) -> Piece:
    return (f"⋯ {slope.skipped} more paths", REFERENCE) if path is None else (path.chain, NONE)


def _equals(text: str) -> Row:
    return [("   ", NONE), (text, SHAPE)] if _is_shape(text) else [(" = ", NONE), (text, NUMBER)]


def _sums(slope: Slope) -> Iterator[tuple[str, Path | None, str]]:
    """A slope's paths with the sign before each: the path, or the words and numbers for those that are left out."""
    sign = "="
    for path in slope.first_paths:
        yield sign, path, _numbers(path, slope)
        sign = "+"
    if slope.skipped:
        yield sign, None, number_text(slope.skipped_sum)
    for path in slope.last_paths:
        yield "+", path, _numbers(path, slope)


def _columns(derivation: Derivation, slope: Slope, rules: int, symbols: int, chains: int, width: int) -> Iterator[Row]:
    indent = "  " + " " * (rules + 3)
    if not slope.paths:
        yield from _wrapped(_start(derivation, slope, symbols, indent), width)
    for sign, path, numbers in _sums(slope):
        rule, style = ("", NONE) if path is None else _rule(path)
        symbol = slope.symbol if sign == "=" else ""
        row: Row = [
            ("  ", NONE),
            (rule, style),
            (" " * (rules + 3 - columns(rule)), NONE),
            (symbol, NAME),
            (" " * (symbols - columns(symbol)), NONE),
            (f" {sign} ", NONE),
        ]
        hanging = _width(row)
        chain, style = _chain(slope, path)
        row.append((chain, style))
        if columns(chain) <= chains:
            row.append((" " * (chains - columns(chain)), NONE))
        ends = _equals(numbers)
        if _width(row) + _width(ends) <= width:
            yield [*row, *ends]
            continue
        yield from _wrapped(row, width, hanging)
        yield from _below(slope, numbers, hanging, width)
    yield from _conclusion(slope, indent + " " * symbols, width)


def _stacked(derivation: Derivation, slope: Slope, symbols: int, width: int) -> Iterator[Row]:
    indent = "  "
    if not slope.paths:
        yield from _wrapped(_start(derivation, slope, 0, indent), width)
        return
    for shown in slope.paths:
        yield from _wrapped([("  ", NONE), _rule(shown)], width)
    inner = " " * (4 + columns(slope.symbol))
    for sign, path, numbers in _sums(slope):
        head: Row = [("    ", NONE), (slope.symbol, NAME)] if sign == "=" else [(inner, NONE)]
        row: Row = [*head, (f" {sign} ", NONE), _chain(slope, path)]
        ends = _equals(numbers)
        if _width(row) + _width(ends) <= width:
            yield [*row, *ends]
            continue
        yield from _wrapped(row, width, len(inner) + 3)
        yield from _below(slope, numbers, len(inner) + 3, width)
    yield from _conclusion(slope, inner, width)


def _below(slope: Slope, numbers: str, hanging: int, width: int) -> Iterator[Row]:
    """A path's numbers under its chain rule; further in where there are several, of which the sum is to come."""
    start = hanging - 3 + 2 * (len(slope.paths) > 1)
    for part in numbers.split(" = "):
        yield from _wrapped([(" " * start, NONE), *_equals(part)], width, start + 3)


def _conclusion(slope: Slope, indent: str, width: int) -> Iterator[Row]:
    """The sum of several paths, and who else has a say."""
    if len(slope.paths) > 1 and not _is_shape(number_text(slope.total)):
        yield from _wrapped([(indent, NONE), *_equals(number_text(slope.total))], width)
    if slope.hooks:
        hooks = "a hook sees" if slope.hooks == 1 else f"{slope.hooks} hooks see"
        words = f"{hooks} this gradient, and may change it: not followed here"
        yield from _wrapped([("    ", NONE), (words, NOTE)], width)


def _gradients(derivation: Derivation, width: int) -> Iterator[Row]:
    longest = max((columns(result.name) for result in derivation.gradients), default=0)
    for result in derivation.gradients:
        name = f"{result.name}.grad"
        row: Row = [("  ", NONE), (name.ljust(longest + 5), NAME)]
        yield from _wrapped([*row, *_result(number_text(result.gradient, width - longest - 12))], width)
    if derivation.unnamed_leaves:
        yield [("  ", NONE), (f"⋯ {derivation.unnamed_leaves} more leaves", REFERENCE)]


def _result(text: str) -> Row:
    return [("   ", NONE), (text, SHAPE)] if _is_shape(text) else [(" = ", NONE), (text, GRADIENT)]


# ---- lines


def _width(row: Row) -> int:
    return sum(columns(text) for text, _ in row)


def _wrapped(row: Row, width: int, hanging: int = 6) -> Iterator[Row]:
    """A line as it is if it fits, else broken at blanks; a word too long for a line is cut."""
    if _width(row) <= width:
        yield row
        return
    line: Row = []
    taken = 0
    for text, style in row:
        for word in re.findall(r" *[^ ]+| +", text):
            if taken + columns(word) > width and taken > hanging:
                yield line
                line, taken, word = [(" " * hanging, NONE)], hanging, word.lstrip(" ")
            word = clipped(word, width - taken)
            line.append((word, style))
            taken += columns(word)
    yield line
