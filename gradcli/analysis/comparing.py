"""A leaf's gradient beside its differences, element by element or in random directions.

Of a large leaf a few elements are compared alone, and random directions of all of them: a gradient that is wrong
anywhere disagrees in almost every direction, and halving the direction finds the element.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import Any

import numpy as np

from gradcli.analysis import differences as d
from gradcli.analysis.claims import Finding, fault_of
from gradcli.analysis.history import Gradient, History, Step
from gradcli.analysis.widening import coarsest_eps, runs_scripts, widened
from gradcli.errors import GradcliError

PASSED, FAILED, ROUNDED, UNDEFINED = "passed", "failed", "rounded", "undefined"
"""`rounded` is a gradient that is right in float64 and not in its own dtype; it fails, as what's `undefined` does."""

KINK, JUMP, STEEP, EDGE, UNCLEAR = d.KINK, d.JUMP, d.STEEP, d.EDGE, d.UNCLEAR
"""Where there is no slope to compare with, or none that is known well enough; none of these fails."""

FAILURES = (FAILED, ROUNDED, UNDEFINED)

ELEMENTS = 200
"""Elements up to which each is compared by itself."""

_WORK = 2_000_000
"""Operations to compute anew at most, for one leaf, before it counts as a large one."""

DIRECTIONS = 8
_SINGLES = 8
_MOST_KINKS = 12
_EVALUATIONS = 5


@dataclass(slots=True)
class Comparison:
    """A gradient's element and the difference beside it; `index` is none for a random direction.

    `error` is relative to the larger of the two, and where they agree to the largest of the leaf; `uncertainty` is
    the difference's own error. One-sided slopes are there where they differ; nan is a side outside of the domain.
    """

    index: tuple[int, ...] | None
    autograd: float
    difference: float
    error: float
    uncertainty: float
    verdict: str
    left: float | None = None
    right: float | None = None

    @property
    def passed(self) -> bool:
        return self.verdict not in FAILURES


@dataclass(slots=True)
class LeafCheck:
    """A leaf's gradient beside its differences: `compared` of its `size` elements alone, and random `directions`."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    gradient: np.ndarray
    comparisons: list[Comparison]
    compared: int
    directions: int
    finding: Finding | None = None
    """What is wrong with a gradient that failed, where that can be told."""
    moves: bool = True
    """Whether the result is another one where the leaf's values are."""

    @property
    def size(self) -> int:
        return self.gradient.size

    @property
    def passed(self) -> bool:
        return all(comparison.passed for comparison in self.comparisons)

    @property
    def verdict(self) -> str:
        """What all comparisons come to: a failure, what all of them are, or `passed`."""
        found = {comparison.verdict for comparison in self.comparisons}
        return next((one for one in FAILURES if one in found), found.pop() if len(found) == 1 else PASSED)

    @property
    def worst(self) -> Comparison | None:
        """The comparison to show: the worst of those that failed, else of those that passed; none of no elements."""
        rank = {FAILED: 3, ROUNDED: 2, UNDEFINED: 1, PASSED: 0}
        order = [(rank.get(one.verdict, -1), one.index is not None, _number(one.error)) for one in self.comparisons]
        return self.comparisons[max(range(len(order)), key=order.__getitem__)] if order else None

    @property
    def remarks(self) -> dict[str, list[Comparison]]:
        """The comparisons that neither passed nor failed, by what they are."""
        found: dict[str, list[Comparison]] = {}
        for comparison in self.comparisons:
            if comparison.verdict not in (PASSED, FAILED):
                found.setdefault(comparison.verdict, []).append(comparison)
        return found

    @property
    def unused(self) -> bool:
        """Whether the result doesn't depend on it: it doesn't move with it, near by or far off."""
        return not self.moves and self.is_flat

    @property
    def is_flat(self) -> bool:
        """Whether there is no gradient and no difference either, which is so at the bottom of a valley too."""
        return bool(self.comparisons) and all(
            c.autograd == 0 == c.difference and c.verdict == PASSED for c in self.comparisons
        )


class Problem:
    """A result as a function of its leaves, in float64 where that's possible, and its gradients there."""

    def __init__(self, history: History, gradients: dict[Step, Gradient], weight: np.ndarray, start: Any) -> None:
        self.native = gradients
        self.native_eps = coarsest_eps(history)
        self.eps = self.native_eps
        self.rtol = self.native_eps**0.375
        self.history = history
        self.gradients = gradients
        self.weight = weight
        self.finite = bool(np.isfinite(history.result.value).all())
        self.steps = dict(zip(history.steps, history.steps, strict=True))
        if self.native_eps > np.finfo(np.float64).eps:
            wide = widened(history)
            if wide is not None:
                self.history = wide
                self.steps = dict(zip(history.steps, wide.steps, strict=True))
                self.gradients = wide.gradients(np.ones(weight.shape)[()] if start is None else weight[()])
                self.eps = float(np.finfo(np.float64).eps)
                if not runs_scripts(history):
                    self.rtol = self.eps**0.375
        self.noise = 4 * self.eps * self._sensitivity()

    # A relative error of eps^(3/8), 1e-6 in float64, is far above what a difference has (eps^(2/3)) and far below what
    # a mistake in a derivative makes.

    def _sensitivity(self) -> float:
        """How much the result moves, to first order, for a relative change of every value on the way.

        Times eps it is the result's rounding error (Linnainmaa, BIT 16, 1976: the use that the backward pass was
        invented for), which a difference has in its numerator.
        """
        sizes = [0.0]
        with np.errstate(all="ignore"):
            for step, gradient in self.gradients.items():
                if type(step.value) is not tuple:
                    parts = np.abs(np.asarray(gradient.total) * np.asarray(step.value))
                    sizes.append(_norm(parts[np.isfinite(parts)]))
        return _norm(np.array(sizes))

    def gradient(self, leaf: Step) -> np.ndarray:
        """In the precision of the differences; zeros where nothing arrives."""
        return _total(self.gradients, self.steps[leaf])

    def rounding_of(self, leaf: Step) -> np.ndarray:
        """What the rounding of the result alone can make of each element of a leaf's gradient."""
        unit = 16 * self.native_eps / self.eps * self.noise
        return unit / np.maximum(np.abs(np.asarray(leaf.value, np.float64)), 1.0)

    def along(self, leaf: Step) -> Callable[[np.ndarray], d.Rise]:
        """For a direction, how the result rises from the leaf's value in that direction."""
        step = self.steps[leaf]
        origin = np.array(step.value)
        # A result that overflowed in its own dtype has no gradient, even where float64 has one.
        middle = self._at(step, origin) if self.finite else None
        gradient = np.where(np.isfinite(self.gradient(leaf)), self.gradient(leaf), 0)

        def line(direction: np.ndarray) -> d.Rise:
            def rise(t: float) -> float:
                point = (origin + t * direction).astype(origin.dtype)
                value = self._at(step, point)
                if value is None or middle is None:
                    return nan
                with np.errstate(all="ignore"):
                    rises = np.where(self.weight == 0, 0, np.conj(self.weight) * (value - middle))
                    # The point was rounded: what that moved is taken back, to first order.
                    return float(np.sum(rises).real - np.sum(gradient * ((point - origin) - t * direction)))

            return rise

        return line

    def _at(self, step: Step, point: np.ndarray) -> Any:
        try:
            return self.history.replayed({step: point[()]})
        except (GradcliError, ArithmeticError, ValueError):
            return None


def _norm(sizes: np.ndarray) -> float:
    """The root of the sum of squares, also where a square overflows."""
    most = float(np.max(sizes, initial=0))
    return most * float(np.sqrt(np.sum(np.square(sizes / most)))) if 0 < most < inf else most


def _total(gradients: Mapping[Step, Gradient], leaf: Step) -> np.ndarray:
    found = gradients.get(leaf)
    return np.zeros(np.shape(leaf.value)) if found is None else np.asarray(found.total)


# ---- a leaf


def check_leaf(problem: Problem, leaf: Step, name: str, rng: np.random.Generator) -> LeafCheck:
    value = np.asarray(leaf.value)
    native = _total(problem.native, leaf)
    report = LeafCheck(name, value.shape, value.dtype.name, native, [], 0, 0)
    if not value.size:
        return report
    if value.dtype.kind != "f":
        report.comparisons.append(Comparison(None, nan, nan, nan, inf, UNCLEAR))
        return report
    look = _Look(problem, leaf)
    if value.size <= ELEMENTS and value.size * len(problem.history.steps) * _EVALUATIONS <= _WORK:
        report.comparisons += [look.element(index) for index in np.ndindex(value.shape)]
        report.compared = value.size
        if not report.passed:
            report.finding = fault_of(report)
    else:
        singles = _singles(look.gradient, rng)
        report.comparisons += [look.element(index) for index in singles]
        report.comparisons += look.directions(rng)
        report.compared = len(singles)
        report.directions = DIRECTIONS
    return report


def _singles(gradient: np.ndarray, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Elements of a large leaf to look at alone: the first, the last, extreme ones, and some at random."""
    flat = np.abs(gradient).ravel()
    strange = np.flatnonzero(~np.isfinite(flat))[:4]
    chosen = [0, flat.size - 1, int(np.nanargmax(np.where(np.isfinite(flat), flat, -1))), int(np.argmin(flat))]
    chosen += [int(k) for k in strange] + [int(k) for k in rng.integers(0, flat.size, _SINGLES - len(chosen))]
    return [tuple(int(i) for i in np.unravel_index(k, gradient.shape)) for k in dict.fromkeys(chosen)]


class _Look:
    """One leaf's gradient beside its differences."""

    def __init__(self, problem: Problem, leaf: Step) -> None:
        self.problem = problem
        self.line = problem.along(leaf)
        self.value = np.asarray(leaf.value, np.float64)
        self.native = np.asarray(_total(problem.native, leaf), np.float64)
        self.gradient = np.asarray(problem.gradient(leaf), np.float64)
        # What the function changes over, as far as one can tell: about the size of the value, and 1 near 0.
        self.unit = np.maximum(np.abs(np.where(np.isfinite(self.value), self.value, 1)), 1.0)
        self.rounding = problem.rounding_of(leaf)
        finite = np.isfinite(self.gradient)
        self.scale = float(np.max(np.abs(self.gradient[finite]), initial=0))

    def element(self, index: tuple[int, ...]) -> Comparison:
        """One element alone."""
        unit, here = float(self.unit[index]), float(self.value[index])
        native, g = float(self.native[index]), float(self.gradient[index])
        if not isfinite(here):
            return Comparison(index, native, nan, nan, inf, UNCLEAR if isfinite(native) else UNDEFINED)
        direction = np.zeros(self.value.shape)
        direction[index] = unit
        scale = self.scale * unit
        slope = self._slope(direction, g * unit, scale, abs(here) / unit if here else 1.0)
        verdict = self._verdict(slope, g * unit, scale)
        # The rules agree with the differences; what the gradient's own dtype makes of them is its rounding.
        coarse = self.problem.native_eps**0.375 * max(self.scale, abs(g)) + float(self.rounding[index])
        if verdict not in FAILURES and verdict != STEEP and not abs(native - g) <= coarse and native != g:
            slope = d.careful_slope(self.line(direction), self.problem.noise, self.problem.native_eps)
            verdict = KINK if self._verdict(slope, native * unit, scale) == KINK else ROUNDED
        return _comparison(index, native, slope, unit, verdict, self.scale)

    def directions(self, rng: np.random.Generator) -> list[Comparison]:
        """Random directions, and the elements that they lead to."""
        found: list[Comparison] = []
        usable = np.isfinite(self.gradient) & np.isfinite(self.value)
        for _ in range(DIRECTIONS):
            # Of many lengths, so that no two errors are likely to make up for each other.
            lengths = rng.uniform(0.5, 1.5, self.value.shape) * rng.choice((-1.0, 1.0), self.value.shape)
            direction = np.where(usable, lengths * self.unit, 0)
            for _ in range(_MOST_KINKS):
                comparison = self._direction(direction)
                if comparison.passed:
                    found.append(comparison)
                    break
                culprit = self.element(self._culprit(direction))
                if culprit.verdict == PASSED:
                    found.append(comparison)
                    break
                found.append(culprit)
                if not culprit.passed:
                    return found
                # A kink: the rest of the direction is looked at without it.
                usable[culprit.index] = False
                direction[culprit.index] = 0
            else:
                comparison.verdict, comparison.uncertainty = UNCLEAR, inf
                found.append(comparison)
                return found
        return found

    def _direction(self, direction: np.ndarray) -> Comparison:
        g = float(np.sum(np.where(direction == 0, 0, self.gradient * direction)))
        slope = self._slope(direction, g, abs(g))
        with np.errstate(invalid="ignore"):
            # Rounding of the products, which may cancel.
            most = float(np.sqrt(np.nansum(np.square(np.where(direction == 0, 0, self.gradient * direction)))))
        slope.error += self.problem.rtol * most / 4
        verdict = self._verdict(slope, g, most)
        return _comparison(None, g, slope, 1.0, verdict, most)

    def _culprit(self, direction: np.ndarray) -> tuple[int, ...]:
        """The element that disagrees most, found by halving the direction."""
        places = np.flatnonzero(direction)
        h = d.step(self.problem.eps)
        while len(places) > 1:
            halves = np.array_split(places, 2)
            gaps = []
            for half in halves:
                part = np.zeros(direction.shape)
                part.flat[half] = direction.flat[half]
                rise = self.line(part)
                gap = abs((rise(h) - rise(-h)) / (2 * h) - float(np.sum(np.where(part == 0, 0, self.gradient * part))))
                gaps.append(gap if gap == gap else inf)
            places = halves[int(np.argmax(gaps))]
        return tuple(int(i) for i in np.unravel_index(int(places[0]), direction.shape))

    def _slope(self, direction: np.ndarray, g: float, scale: float, shortest: float = 1.0) -> d.Slope:
        rise, noise, eps = self.line(direction), self.problem.noise, self.problem.eps
        quick = d.quick_slope(rise, noise, eps)
        if quick is not None and quick.error <= 1e-3 * max(abs(g), abs(quick.value), 1e-3 * scale):
            close = self.problem.rtol * max(abs(g), abs(quick.value)) + 2 * quick.error
            if abs(quick.value - g) <= close:
                return quick
        if quick is not None and quick.value == g == 0:
            return quick
        return d.careful_slope(rise, noise, eps, shortest)

    def _verdict(self, slope: d.Slope, g: float, scale: float) -> str:
        """What the slope says of the gradient g."""
        size = max(abs(g), abs(slope.value)) if isfinite(slope.value) else abs(g)
        tolerance = self.problem.rtol * size + 4 * slope.error
        if slope.kind == d.UNDEFINED:
            return UNDEFINED
        if slope.kind == d.STEEP:
            return STEEP if g == g else FAILED
        if not isfinite(g):
            return FAILED
        if slope.kind == d.KINK:
            low, high = sorted((slope.left, slope.right))
            margin = tolerance + 0.01 * (high - low)
            return KINK if low - margin <= g <= high + margin else FAILED
        if slope.kind == d.JUMP:
            sides = [side for side in (slope.left, slope.right) if isfinite(side)]
            agrees = any(abs(side - g) <= 0.01 * max(abs(side), abs(g)) + 4 * slope.error for side in sides)
            return JUMP if agrees or not sides else FAILED
        if abs(slope.value - g) > tolerance:
            # Of one side alone the slopes may not settle at all: x log x at 0.
            return UNCLEAR if slope.kind == d.EDGE and 4 * slope.error > 0.05 * size else FAILED
        if slope.kind == d.EDGE:
            return EDGE
        vague = slope.kind == d.UNCLEAR or 4 * slope.error > 0.05 * max(size, 1e-3 * scale)
        # Of a gradient of zeros no more can be known than that nothing is seen.
        return UNCLEAR if vague and (g or scale) else PASSED


def _comparison(
    index: tuple[int, ...] | None, g: float, slope: d.Slope, unit: float, verdict: str, scale: float
) -> Comparison:
    value = slope.value / unit
    sides = (slope.left / unit, slope.right / unit) if slope.kind in (d.KINK, d.JUMP, d.STEEP, d.EDGE) else (None, None)
    size = max(abs(g), abs(value)) if verdict in FAILURES else max(abs(g), abs(value), scale)
    # In a gradient of zeros a difference is nothing but noise.
    alike = g == value or (verdict == PASSED and not g and not scale)
    error = 0.0 if alike else abs(g - value) / size if size and value == value else nan
    return Comparison(index, g, value, float(error), float(slope.error / unit), verdict, *sides)


def _number(error: float) -> float:
    return error if error == error else inf
