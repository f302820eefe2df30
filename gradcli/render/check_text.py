"""A check as a table in plain text, and what there is to say about its rows.

    leaf  shape  worst at  autograd  difference  rel. error
    x     (4,)   [1]              4           4     1.0e-11  pass
    pass: autograd agrees with the differences

Where the table is too wide, each row takes a few lines. The lines come in pieces, each with its style, for a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf, isfinite
from textwrap import wrap
from typing import NamedTuple

from gradcli.analysis import claims as k
from gradcli.analysis import comparing as c
from gradcli.analysis.check import Report
from gradcli.analysis.claims import ClaimCheck, Finding
from gradcli.analysis.comparing import Comparison, LeafCheck
from gradcli.render.graph_text import Piece, clipped, columns

WIDTH = 80

NONE, NAME, NUMBER, HEADER, RULE, GOOD, BAD, NOTE = (
    "",
    "name",
    "number",
    "header",
    "rule",
    "passed",
    "failed",
    "caption",
)
"""The theme's styles (theme.py) of what a report is made of."""

_GAP = "  "
_DIGITS = 6
_LONGEST_NAME = 24


class _Row(NamedTuple):
    cells: tuple[str, ...]
    passed: bool
    notes: list[str]


_LEAF_HEADER = ("leaf", "shape", "worst at", "autograd", "difference", "rel. error")
_CLAIM_HEADER = ("claim", "shape", "worst at", "yours", "gradient", "rel. error")
_FIRST_NUMBER = 3


def lines_of(report: Report, width: int = WIDTH) -> list[str]:
    """The report's lines, none wider than `width` (of 40 or more)."""
    return ["".join(text for text, _style in line) for line in pieces_of(report, width)]


def pieces_of(report: Report, width: int = WIDTH) -> Iterator[list[Piece]]:
    """The same in pieces, each with the name of its style."""
    width = max(width, 40)
    if report.unrepeatable is not None:
        before, again = (number_text(value) for value in report.unrepeatable)
        text = (
            f"fail: computed again from the same leaves, the result is {again}, and it was {before}; something in it "
            "changes from one time to the next, such as a random number that a function of its own derivative draws"
        )
        yield from _wrapped(text, width, "", BAD)
        return
    yield from _table(_LEAF_HEADER, [_leaf_row(leaf) for leaf in report.leaves], width)
    if report.claims:
        yield []
        yield from _table(_CLAIM_HEADER, [_claim_row(claim) for claim in report.claims], width)
    yield from _wrapped(summary_of(report), width, "", GOOD if report.passed else BAD)


def summary_of(report: Report) -> str:
    """The last line: pass or fail, and of what."""
    if not report.passed:
        wrong = [leaf.name for leaf in report.leaves if not leaf.passed]
        mistaken = [claim.name for claim in report.claims if not claim.passed]
        parts = []
        if wrong:
            parts.append(f"autograd's gradient in {_listed(wrong)}")
        if mistaken:
            parts.append(f"the claim{'s' * (len(mistaken) > 1)} for {_listed(mistaken)}")
        return f"fail: {' and '.join(parts)}"
    if report.claims:
        several = len(report.claims) > 1
        return (
            f"pass: {'the claims are' if several else 'the claim is'} right, and autograd agrees with the differences"
        )
    if not report.leaves:
        return "pass: there is no leaf to compare"
    return "pass: autograd agrees with the differences"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(f"`{clipped(name, _LONGEST_NAME)}`" for name in names[:3]) + more


# ---- rows


def _leaf_row(leaf: LeafCheck) -> _Row:
    worst = leaf.worst
    head = (clipped(leaf.name, _LONGEST_NAME), str(leaf.shape) if leaf.shape else "()")
    if worst is None:
        return _Row((*head, "", "", "", ""), True, notes_of(leaf))
    at = place_text(worst.index, leaf.shape)
    autograd, difference = _pair(worst.autograd, worst.difference, leaf.passed)
    plain = not worst.passed or worst.verdict == c.PASSED
    error = error_text(worst.error) if plain else worst.verdict
    return _Row((*head, at, autograd, difference, error), leaf.passed, notes_of(leaf))


def _claim_row(claim: ClaimCheck) -> _Row:
    head = (clipped(claim.name, _LONGEST_NAME), str(claim.given_shape))
    notes = claim_notes_of(claim)
    if claim.claimed is None or claim.truth is None or claim.error is None:
        return _Row((*head, "", "", "", ""), claim.passed, notes)
    at = place_text(claim.index, claim.shape)
    return _Row(
        (*head, at, *_pair(claim.claimed, claim.truth, claim.passed), error_text(claim.error)), claim.passed, notes
    )


def place_text(index: tuple[int, ...] | None, shape: tuple[int, ...]) -> str:
    """An element's place as a script writes it; nothing for a number alone."""
    if index is None:
        return "a direction" if shape else ""
    return str(list(index)) if index else ""


def number_text(value: float, digits: int = _DIGITS) -> str:
    """A number in few digits."""
    return f"{value + 0.0:.{digits}g}"


def error_text(error: float) -> str:
    """A relative error in two digits; nothing where there is none to have."""
    return "0" if error == 0 else f"{error:.1e}" if isfinite(error) else ""


def _pair(one: float, other: float, passed: bool) -> tuple[str, str]:
    """Two numbers; where they disagree, in as many digits as it takes to see that."""
    for digits in (_DIGITS, 9, 12, 17):
        texts = number_text(one, digits), number_text(other, digits)
        if passed or texts[0] != texts[1]:
            break
    return texts


# ---- the table


def _table(header: tuple[str, ...], rows: list[_Row], width: int) -> Iterator[list[Piece]]:
    sizes = [max(columns(cell) for cell in column) for column in zip(header, *(row.cells for row in rows), strict=True)]
    if sum(sizes) + len(_GAP) * len(sizes) + 4 <= width:
        yield [
            (
                _GAP.join(_padded(cell, size, i) for i, (cell, size) in enumerate(zip(header, sizes, strict=True))),
                HEADER,
            )
        ]
        for row in rows:
            line: list[Piece] = []
            for i, (cell, size) in enumerate(zip(row.cells, sizes, strict=True)):
                line.append((_padded(cell, size, i), NAME if i == 0 else NUMBER if i >= _FIRST_NUMBER else NONE))
                line.append((_GAP, NONE))
            yield [*line, _verdict(row)]
            for note in row.notes:
                yield from _wrapped(note, width, "  ", NOTE)
        return
    for row in rows:
        name, shape, at = row.cells[:_FIRST_NUMBER]
        yield [
            (f"{header[0]} ", HEADER),
            (name, NAME),
            (f" {clipped(shape, width - columns(name) - 12)} ", NONE),
            _verdict(row),
        ]
        label = max(len(word) for word in header[2:])
        for word, cell in zip(header[2:], row.cells[2:], strict=True):
            if cell:
                yield [
                    ("  " + word.ljust(label) + " ", HEADER),
                    (clipped(cell, width - label - 3), NONE if cell is at else NUMBER),
                ]
        for note in row.notes:
            yield from _wrapped(note, width, "  ", NOTE)


def _padded(cell: str, size: int, column: int) -> str:
    blank = " " * (size - columns(cell))
    return blank + cell if column >= _FIRST_NUMBER else cell + blank


def _verdict(row: _Row) -> Piece:
    return ("pass", GOOD) if row.passed else ("fail", BAD)


def _wrapped(text: str, width: int, indent: str, style: str) -> Iterator[list[Piece]]:
    for line in wrap(text, width - len(indent), break_on_hyphens=False):
        yield [(indent, NONE), (line, style)] if indent else [(line, style)]


# ---- what there is to say about a leaf


def notes_of(leaf: LeafCheck) -> list[str]:
    """Kinks and their like, what was compared of a large leaf, and what is wrong where that can be told."""
    notes = []
    if leaf.unused:
        notes.append("the result doesn't depend on it")
    if not leaf.size:
        notes.append("it has no elements")
    failed = [comparison for comparison in leaf.comparisons if comparison.verdict == c.FAILED]
    if failed:
        notes += _failure(leaf, failed)
    notes += [_REMARKS[verdict](leaf, found) for verdict, found in leaf.remarks.items()]
    if leaf.directions:
        notes.append(f"compared: {leaf.compared} of its {leaf.size} elements, and {leaf.directions} random directions")
    return notes


def _failure(leaf: LeafCheck, failed: list[Comparison]) -> Iterator[str]:
    worst = leaf.worst
    assert worst is not None
    if not isfinite(worst.autograd) and isfinite(worst.difference):
        yield f"autograd's gradient is {worst.autograd}, where the result has a slope"
    elif worst.left is not None and worst.right is not None:
        yield (
            f"the slopes beside this point are {number_text(worst.left)} and {number_text(worst.right)}, and "
            "autograd's is neither of them nor between"
        )
    if leaf.finding is not None:
        yield words_of(leaf.finding, "autograd's gradient", leaf.name)
    elif leaf.compared == leaf.size > 1:
        yield f"wrong in {len(failed)} of {leaf.size} elements"


def _where(leaf: LeafCheck, found: list[Comparison]) -> str:
    first = next((one for one in found if one.index is not None), None)
    if first is None:
        return "in a random direction"
    if not leaf.shape:
        return "here"
    more = len(found) - 1
    return f"at {place_text(first.index, leaf.shape)}" + (f" and {more} more" if more else "")


_ROUNDING = 1e-6


def _kink(leaf: LeafCheck, found: list[Comparison]) -> str:
    one = next((one for one in found if one.index is not None), found[0])
    slopes = [value or 0.0 for value in (one.left, one.right, one.autograd)]
    # Beside a slope of 1, one of 1e-9 is the rounding of a difference.
    least = _ROUNDING * max((abs(slope) for slope in slopes if isfinite(slope)), default=0.0)
    left, right, taken = (number_text(0.0 if abs(slope) < least else slope) for slope in slopes)
    return f"kink {_where(leaf, found)}: slope {left} on the left, {right} on the right; autograd takes {taken}"


def _jump(leaf: LeafCheck, found: list[Comparison]) -> str:
    return f"jump {_where(leaf, found)}: autograd takes the slope beside it, {number_text(found[0].autograd)}"


def _steep(leaf: LeafCheck, found: list[Comparison]) -> str:
    return f"infinite slope {_where(leaf, found)}; autograd takes {number_text(found[0].autograd)}"


def _edge(leaf: LeafCheck, found: list[Comparison]) -> str:
    one = found[0]
    side = "right" if one.left is None or one.left != one.left else "left"
    return f"edge of the domain {_where(leaf, found)}: compared with the slope on the {side}"


def _unclear(leaf: LeafCheck, found: list[Comparison]) -> str:
    if leaf.dtype.startswith("complex"):
        return "not compared: it is complex"
    if found[-1].index is None and found[-1].uncertainty == inf:
        return "it has too many kinks for random directions: each of them looks wrong"
    if not isfinite(found[0].difference):
        return f"not compared {_where(leaf, found)}: the leaf itself isn't finite there"
    return (
        f"unclear {_where(leaf, found)}: the difference is known only to within "
        f"{found[0].uncertainty:.1e}, too roughly to compare with"
    )


def _undefined(leaf: LeafCheck, found: list[Comparison]) -> str:
    where = "" if len(found) == leaf.compared == len(leaf.comparisons) else f" around {_where(leaf, found)}"
    return f"the result isn't finite{where.replace('around at', 'around')}: there's nothing to compare with"


def _rounded(leaf: LeafCheck, found: list[Comparison]) -> str:
    return f"right in float64, but lost to {leaf.dtype}'s rounding {_where(leaf, found)}"


_REMARKS = {
    c.KINK: _kink,
    c.JUMP: _jump,
    c.STEEP: _steep,
    c.EDGE: _edge,
    c.UNCLEAR: _unclear,
    c.UNDEFINED: _undefined,
    c.ROUNDED: _rounded,
}


# ---- what there is to say about a claim


def claim_notes_of(claim: ClaimCheck) -> list[str]:
    """What is wrong with a claim, where that can be told, and how much of it."""
    notes = []
    if claim.finding is not None:
        if claim.finding.kind == k.SHAPE:
            return [_shape_words(claim)]
        notes.append(words_of(claim.finding, "yours", claim.name))
    if not claim.passed and claim.size > 1 and (claim.finding is None or claim.finding.kind == k.SIGNS):
        notes.append(f"wrong in {claim.wrong} of {claim.size} elements")
    if claim.passed and not claim.given_shape and claim.size > 1:
        notes.append(f"one number, taken for all {claim.size} elements")
    if claim.against == "differences":
        notes.append("compared with the differences, for autograd's own gradient is wrong")
    return notes


def _shape_words(claim: ClaimCheck) -> str:
    finding = claim.finding
    assert finding is not None
    text = f"yours has shape {claim.given_shape}, and the gradient {claim.shape}, that of {claim.name}"
    if finding.relation == "transpose":
        return f"{text}: transpose it"
    if finding.relation == "reshape":
        return f"{text}; the numbers are right"
    if finding.relation == "sum" and finding.axes is not None:
        dims = f"dim {finding.axes[0]}" if len(finding.axes) == 1 else f"dims {finding.axes}"
        return f"{text}: sum it over {dims}, where {claim.name} was broadcast"
    return text


def words_of(finding: Finding, whose: str, name: str) -> str:
    """A finding in words, about what is called `whose`."""
    kind, factor, term = finding.kind, finding.factor or 0.0, f"`{finding.term}`"
    where = "" if finding.line is None else f" (line {finding.line})"
    count = f"n = {finding.count}, {finding.of}" if finding.count is not None else ""
    return {
        k.NONFINITE: lambda: f"{whose} isn't finite at {place_text(finding.index, (1,))}",
        k.ZERO: lambda: f"{whose} is zero",
        k.SIGN: lambda: f"the sign is wrong: {whose} is minus the gradient",
        k.SIGNS: lambda: f"the sizes are right, but {whose} has wrong signs",
        k.FACTOR: lambda: f"{whose} {_times(factor)}",
        k.MISSING_COUNT: lambda: f"{whose} {_times(factor)}: a 1/n is missing ({count})",
        k.EXTRA_COUNT: lambda: f"{whose} {_times(factor)}: a 1/n too many ({count})",
        k.MISSING_TWO_OVER_COUNT: lambda: f"{whose} {_times(factor)}: a 2/n is missing ({count})",
        k.TRANSPOSED: lambda: f"{whose} is the transpose of the gradient",
        k.REVERSED: lambda: f"{whose} is reversed along dim {finding.axis}",
        k.ORDER: lambda: f"{whose} has the right numbers in another order",
        k.OFFSET: lambda: f"{whose} is the gradient {_signed(finding.offset or 0.0)} in every element",
        k.ELEMENT: lambda: f"only the element {place_text(finding.index, (1,))} is wrong",
        k.SLICE: lambda: f"only {_slice(finding)} is wrong",
        k.MISSING_PATH: lambda: f"the term from the use of {name} in {term}{where} is missing",
        k.DOUBLE_PATH: lambda: f"the term from the use of {name} in {term}{where} is there twice",
        k.MISSING_FACTOR: lambda: f"the chain rule breaks off: the derivative of {term}{where} is missing as a factor",
        k.DIGITS: lambda: f"right to {finding.digits} decimals: give more of them, or the formula",
    }[kind]()


def _times(factor: float) -> str:
    size = abs(factor)
    text = f"is {number_text(max(size, 1 / size), 4)} times too {'large' if size > 1 else 'small'}"
    return f"{text}, and its sign is wrong" if factor < 0 else text


def _signed(offset: float) -> str:
    return f"{'plus' if offset > 0 else 'minus'} {number_text(abs(offset))}"


def _slice(finding: Finding) -> str:
    index = finding.index[0] if finding.index else 0
    return f"row {index}" if finding.axis == 0 else f"[{', '.join([':'] * (finding.axis or 0))}, {index}]"
