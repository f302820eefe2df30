"""Gradients that a person derived by hand, and what went wrong with them.

A claim is compared with the gradient, and where the gradient itself disagrees with the differences, with those. A
finding is a change that makes exactly the gradient of the claim. Two findings that exclude each other are none: then
the numbers have to speak for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcli.analysis.history import Gradient, History, Step
from gradcli.engine import Tensor

if TYPE_CHECKING:
    from gradcli.analysis.comparing import LeafCheck

(SHAPE, NONFINITE, ZERO, SIGN, SIGNS, FACTOR, MISSING_COUNT, EXTRA_COUNT, MISSING_TWO_OVER_COUNT, TRANSPOSED, REVERSED,
 ORDER, OFFSET, ELEMENT, SLICE, MISSING_PATH, DOUBLE_PATH, MISSING_FACTOR, DIGITS) = (
    "shape", "nonfinite", "zero", "sign", "signs", "factor", "missing 1/n", "extra 1/n", "missing 2/n", "transposed",
    "reversed", "order", "offset", "element", "slice", "missing path", "double path", "missing factor", "digits",
)  # fmt: skip


@dataclass(slots=True)
class Finding:
    """What is wrong with a claim.

    `factor` is how many times too large the claim is (negative where the sign is wrong, too), `count` the n of a 1/n
    and `of` what it counts; `index` and `axis` are of an element or a slice, `offset` what was added, `term` the
    script's text of the path or the inner function that's missing, `line` its line. Of a wrong shape, `relation` says
    what would make the gradient of the claim: its "transpose", another "reshape", or a "sum" over `axes`.
    """

    kind: str
    factor: float | None = None
    count: int | None = None
    of: str | None = None
    index: tuple[int, ...] | None = None
    axis: int | None = None
    offset: float | None = None
    term: str | None = None
    line: int | None = None
    digits: int | None = None
    relation: str | None = None
    axes: tuple[int, ...] | None = None


@dataclass(slots=True)
class ClaimCheck:
    """A claim about a leaf's gradient: how many elements are wrong, and the worst of them with both values.

    `against` is what the claim was compared with: "autograd", or "differences" where autograd's gradient fails.
    """

    name: str
    shape: tuple[int, ...]
    given_shape: tuple[int, ...]
    against: str
    passed: bool
    wrong: int = 0
    index: tuple[int, ...] | None = None
    claimed: float | None = None
    truth: float | None = None
    error: float | None = None
    finding: Finding | None = None

    @property
    def size(self) -> int:
        return prod(self.shape)


def check_claim(
    name: str,
    claim: Any,
    leaf: Step,
    checked: LeafCheck,
    history: History,
    gradients: Mapping[Step, Gradient],
    rounding: np.ndarray,
) -> ClaimCheck:
    """Compares a claim (a number, an array, a tensor) with the gradient of a leaf.

    One number stands for an array of it. `rounding` is what the rounding of the result makes of each element.
    """
    given = np.asarray(claim.array if type(claim) is Tensor else claim)
    given = given.astype(np.float64) if given.dtype.kind in "biuf" else given
    truth, against = _truth(checked)
    report = ClaimCheck(name, truth.shape, given.shape, against, False)
    eps = float(np.finfo(leaf.value.dtype).eps)
    rtol = eps**0.375
    if given.shape and given.shape != truth.shape:
        report.wrong = truth.size
        report.finding = _misshapen(given, truth, rtol)
        return report
    given = np.broadcast_to(given, truth.shape).copy()
    tolerance = _tolerances(given, truth, checked, rtol, rounding)
    with np.errstate(invalid="ignore"):
        gaps = np.abs(given - truth)
        right = (gaps <= tolerance) | (given == truth) | (np.isnan(given) & np.isnan(truth))
    right |= _between_slopes(given, checked)
    report.wrong = int(truth.size - right.sum())
    report.passed = not report.wrong
    if truth.size:
        _show_worst(report, given, truth, gaps, right)
    if not report.passed:
        report.finding = _finding(given, truth, right, tolerance, leaf, history, gradients)
    return report


def _truth(checked: LeafCheck) -> tuple[np.ndarray, str]:
    gradient = np.asarray(checked.gradient, np.float64)
    if checked.passed or checked.compared < checked.size:
        return gradient, "autograd"
    found = gradient.copy()
    for comparison in checked.comparisons:
        if isfinite(comparison.difference):
            found[comparison.index] = comparison.difference
    return found, "differences"


def _tolerances(
    given: np.ndarray, truth: np.ndarray, checked: LeafCheck, rtol: float, rounding: np.ndarray
) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        found = rtol * np.maximum(np.abs(given), np.abs(truth)) + rounding
    # Zero is often the sum of what isn't.
    found += 1e-6 * rtol * np.max(np.abs(truth), initial=0, where=np.isfinite(truth))
    if not checked.passed:
        for comparison in checked.comparisons:
            if comparison.index is not None and isfinite(comparison.uncertainty):
                found[comparison.index] += 4 * comparison.uncertainty
    return found


def _between_slopes(given: np.ndarray, checked: LeafCheck) -> np.ndarray:
    """Where the claim is one of the many slopes that a kink has."""
    found = np.zeros(given.shape, bool)
    for comparison in checked.comparisons:
        left, right = comparison.left, comparison.right
        if comparison.verdict == "kink" and comparison.index is not None and left is not None and right is not None:
            low, high = sorted((left, right))
            margin = 1e-3 * (high - low)
            found[comparison.index] = low - margin <= given[comparison.index] <= high + margin
    return found


def _show_worst(report: ClaimCheck, given: np.ndarray, truth: np.ndarray, gaps: np.ndarray, right: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        errors = gaps / np.maximum(np.abs(given), np.abs(truth))
    errors = np.where(given == truth, 0, np.where(np.isfinite(gaps), errors, np.inf))
    index = np.unravel_index(int(np.argmax(np.where(right, -1, errors) if report.wrong else errors)), truth.shape)
    report.index = tuple(int(k) for k in index)
    report.claimed, report.truth = float(given[index]), float(truth[index])
    report.error = float(errors[index])


# ---- what is wrong


def _misshapen(given: np.ndarray, truth: np.ndarray, rtol: float) -> Finding:
    def same(candidate: np.ndarray) -> bool:
        return candidate.shape == truth.shape and np.allclose(candidate, truth, rtol, 1e-12)

    if given.ndim >= 2 and same(np.swapaxes(given, -1, -2)):
        return Finding(SHAPE, relation="transpose")
    if given.size == truth.size and same(given.reshape(truth.shape)):
        return Finding(SHAPE, relation="reshape")
    extra = given.ndim - truth.ndim
    if extra >= 0:
        aligned = (1,) * extra + truth.shape
        axes = tuple(k for k, (a, b) in enumerate(zip(given.shape, aligned, strict=True)) if k < extra or a != b == 1)
        if axes and same(given.sum(axis=axes).reshape(truth.shape) if _fits(given, aligned, axes) else given):
            return Finding(SHAPE, relation="sum", axes=axes)
    return Finding(SHAPE)


def _fits(given: np.ndarray, aligned: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    return all(k in axes or a == b for k, (a, b) in enumerate(zip(given.shape, aligned, strict=True)))


def _finding(
    given: np.ndarray,
    truth: np.ndarray,
    right: np.ndarray,
    tolerance: np.ndarray,
    leaf: Step,
    history: History,
    gradients: Mapping[Step, Gradient],
) -> Finding | None:
    bad = np.flatnonzero(~np.isfinite(given).ravel())
    if bad.size:
        return Finding(NONFINITE, index=_at(int(bad[0]), given.shape))
    if not np.isfinite(truth).all():
        return None
    # A finding has to hold to the last digit that a claim can have, not only to what is let pass as right.
    close = tolerance / 10 + 1e-9 * np.max(np.abs(truth), initial=0)

    def same(candidate: np.ndarray) -> bool:
        return candidate.shape == truth.shape and bool((np.abs(candidate - truth) <= close).all())

    rounded = _digits(given, truth)
    if rounded is not None:
        return rounded
    if not given.any():
        return Finding(ZERO)
    scaling = _scaling(given, truth, tolerance, leaf, history)
    arrangement = _arrangement(given, truth, same)
    if scaling is not None and scaling.kind == FACTOR and truth.size == 1 and abs(scaling.factor or 0) not in (0.5, 2):
        scaling = _factor(given, same, leaf, history, gradients) or scaling
    if scaling is not None or arrangement is not None:
        return None if scaling is not None and arrangement is not None else scaling or arrangement
    path = _path(given, truth, same, leaf, gradients)
    offset = _offset(given, truth, same)
    if path is not None and offset is not None and path.kind == MISSING_PATH:
        return path
    found = [one for one in (path, offset, _factor(given, same, leaf, history, gradients)) if one is not None]
    found = found or [one for one in (_place(right),) if one is not None]
    return found[0] if len(found) == 1 else None


def fault_of(checked: LeafCheck) -> Finding | None:
    """What is wrong with autograd's own gradient, where each element was compared with its difference."""
    truth, against = _truth(checked)
    given = np.asarray(checked.gradient, np.float64)
    if against == "autograd" or not (np.isfinite(truth).all() and np.isfinite(given).all()):
        return None
    errors = np.zeros(truth.shape)
    wrong = np.zeros(truth.shape, bool)
    for comparison in checked.comparisons:
        errors[comparison.index] = comparison.uncertainty
        wrong[comparison.index] = not comparison.passed
    close = 4 * errors + 1e-6 * np.max(np.abs(truth), initial=0)

    def same(candidate: np.ndarray) -> bool:
        return candidate.shape == truth.shape and bool((np.abs(candidate - truth) <= close).all())

    scaling = Finding(ZERO) if not given.any() else _ratio(given, truth, close, 1e-4)
    arrangement = _arrangement(given, truth, same)
    if scaling is not None and arrangement is not None:
        return None
    return scaling or arrangement or _place(~wrong)


def _ratio(given: np.ndarray, truth: np.ndarray, tolerance: np.ndarray, rtol: float) -> Finding | None:
    """A constant factor: plain, or the same in several elements that differ."""
    there = np.abs(truth) > 10 * tolerance
    if not there.any() or (np.abs(given[~there]) > 10 * tolerance[~there]).any():
        return None
    ratios = given[there] / truth[there]
    factor = float(np.median(ratios))
    if not factor or np.ptp(ratios) > rtol * abs(factor):
        return None
    # Any two numbers have a ratio: of one alone, or of one repeated, it says something only if it's a plain one.
    size = max(abs(factor), 1 / abs(factor))
    plain = abs(size - round(size)) < rtol * size
    if plain:
        factor = float(np.copysign(round(size) if abs(factor) > 1 else 1 / round(size), factor))
    alike = np.ptp(truth[there]) <= rtol * np.max(np.abs(truth))
    if alike and not (plain and size < 10.5):
        return None
    return Finding(SIGN if factor == -1 else FACTOR, factor=factor)


def _digits(given: np.ndarray, truth: np.ndarray) -> Finding | None:
    """A claim of few digits, all of them right."""
    for digits in range(2, 7):
        if (np.abs(given - truth) <= 0.5000001 * 10.0**-digits).all() and np.array_equal(
            given, np.round(given, digits)
        ):
            kept = np.abs(truth) >= 10.0 ** (1 - digits)
            return Finding(DIGITS, digits=digits) if (kept | (truth == 0)).all() else None
    return None


def _scaling(
    given: np.ndarray, truth: np.ndarray, tolerance: np.ndarray, leaf: Step, history: History
) -> Finding | None:
    # A claim that's equal to a gradient everywhere but for a factor has it to more digits than are needed to be right.
    found = _ratio(given, truth, tolerance, 1e-6)
    there = np.abs(truth) > 10 * tolerance
    if found is not None and (found.kind == SIGN or abs(found.factor or 0) in (0.5, 2)):
        # A 2 or 1/2 comes from a square more often than from a count.
        return found
    ratios = given[there] / truth[there]
    if not there.any() or (np.abs(given[~there]) > 10 * tolerance[~there]).any() or not np.isfinite(ratios).all():
        return None
    for count, of, mean in _counts(leaf, history):
        for kind, expected in ((MISSING_COUNT, count), (EXTRA_COUNT, 1 / count), (MISSING_TWO_OVER_COUNT, count / 2)):
            # Nothing is missing of a 1/n that the result doesn't have.
            told = mean or (kind != MISSING_TWO_OVER_COUNT and (kind == EXTRA_COUNT or _divides_by(count, history)))
            if told and (np.abs(ratios / expected - 1) < 1e-6).all():
                return Finding(kind, factor=float(expected), count=count, of=of)
    return found


def _divides_by(count: int, history: History) -> bool:
    """Whether the result is divided by a number on its way, or multiplied with its reciprocal."""
    for step in history.steps:
        plain = [float(part) for part in step.inputs if type(part) is not Step and np.ndim(part) == 0]
        if (step.op == "div" and count in plain) or (step.op == "mul" and any(np.isclose(p * count, 1) for p in plain)):
            return True
    return False


def _counts(leaf: Step, history: History) -> Iterator[tuple[int, str, bool]]:
    """The n of a 1/n, what it counts, and whether it's that of a mean: means first, then the leaf, then the others."""
    for step in history.steps:
        if step.op == "mean" and type(step.inputs[0]) is Step:
            count = np.size(step.inputs[0].value) // max(np.size(step.value), 1)
            if count > 1:
                yield count, f"the mean in {_text(step)}" if step.place is not None else "the mean", True
    for step in (leaf, *(other for other in history.leaves if other is not leaf)):
        shape = np.shape(step.value)
        name = step.name or "a leaf"
        if prod(shape) > 1:
            yield prod(shape), f"the elements of {name}", False
        if len(shape) > 1:
            yield from ((size, f"dim {dim} of {name}", False) for dim, size in enumerate(shape) if size > 1)
    for step in history.steps:
        for part in (*step.inputs, step.value):
            shape = np.shape(part) if isinstance(part, np.ndarray) else ()
            yield from ((size, f"dim {dim} of a value on the way", False) for dim, size in enumerate(shape) if size > 1)


def _arrangement(given: np.ndarray, truth: np.ndarray, same: Any) -> Finding | None:
    found = []
    if given.ndim >= 2 and same(np.swapaxes(given, -1, -2)):
        found.append(Finding(TRANSPOSED))
    found += [
        Finding(REVERSED, axis=axis)
        for axis in range(given.ndim)
        if given.shape[axis] > 1 and same(np.flip(given, axis))
    ]
    if not found and given.size > 1 and same(np.sort(given, None)[_ranks(truth)].reshape(truth.shape)):
        found.append(Finding(ORDER))
    flipped = given * truth < 0
    if not found and flipped.any() and (given * truth > 0).any() and same(np.copysign(given, truth)):
        found.append(Finding(SIGNS))
    return found[0] if len(found) == 1 else None


def _ranks(values: np.ndarray) -> np.ndarray:
    ranks = np.empty(values.size, np.int64)
    ranks[np.argsort(values, None)] = np.arange(values.size)
    return ranks


def _offset(given: np.ndarray, truth: np.ndarray, same: Any) -> Finding | None:
    if given.size < 2 or np.ptp(truth) <= 1e-9 * np.max(np.abs(truth)):
        return None
    offset = float(np.median(given - truth))
    return Finding(OFFSET, offset=offset) if same(given - offset) else None


def _path(
    given: np.ndarray, truth: np.ndarray, same: Any, leaf: Step, gradients: Mapping[Step, Gradient]
) -> Finding | None:
    """One of several ways from the leaf to the result that was left out, or taken twice."""
    contributions = gradients[leaf].contributions if leaf in gradients else []
    if len(contributions) < 2:
        return None
    found = []
    for contribution in contributions:
        part = np.asarray(contribution.gradient, np.float64)
        if part.shape == truth.shape and part.any():
            for kind, candidate in ((MISSING_PATH, given + part), (DOUBLE_PATH, given - part)):
                if same(candidate):
                    found.append(_of_step(kind, contribution.consumer))
    return found[0] if len(found) == 1 else None


def _factor(
    given: np.ndarray, same: Any, leaf: Step, history: History, gradients: Mapping[Step, Gradient]
) -> Finding | None:
    """The chain rule broken off: the derivative of one function on the way is missing."""
    found = []
    for step in history.steps:
        for consumer, _position, gradient in gradients[step].contributions if step in gradients else ():
            arriving = gradients[consumer].total
            if type(arriving) is tuple or not np.shape(arriving) == given.shape == np.shape(gradient):
                continue
            with np.errstate(all="ignore"):
                inner = np.asarray(gradient / arriving, np.float64)
                restored = given * inner
            if np.isfinite(restored).all() and (given.size == 1 or np.ptp(inner) > 1e-9) and same(restored):
                found.append(_of_step(MISSING_FACTOR, consumer))
    return found[0] if len(found) == 1 else None


def _place(right: np.ndarray) -> Finding | None:
    """The one element, or the one row or column, that is wrong."""
    wrong = np.argwhere(~right)
    if right.size > 2 and len(wrong) == 1:
        return Finding(ELEMENT, index=tuple(int(k) for k in wrong[0]))
    axes = [axis for axis in range(right.ndim) if right.shape[axis] > 2 and np.ptp(wrong[:, axis]) == 0]
    if right.ndim > 1 and len(axes) == 1:
        return Finding(SLICE, axis=axes[0], index=(int(wrong[0, axes[0]]),))
    return None


def _of_step(kind: str, step: Step) -> Finding:
    return Finding(kind, term=_text(step), line=step.place.span.line if step.place is not None else None)


def _text(step: Step) -> str:
    return " ".join(step.place.text.split()) if step.place is not None else step.op


def _at(k: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(k, shape))
