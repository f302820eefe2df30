"""The slope of a function along a line, from its values alone, and how sure that slope is.

A central difference (f(t) - f(-t)) / 2t has two errors: the function's third derivative makes one that grows as t^2,
the rounding of f one that grows as eps/t. A step of eps^(1/3) balances them (Press et al., Numerical Recipes, 3rd ed.,
section 5.7), and leaves about eps^(2/3): 4e-11 of float64's 16 digits. Two steps extrapolated to 0 (Richardson) take
the first error away up to t^4, and their disagreement shows what is left of it.

That is enough where the function is tame at the scale of the step. Where it isn't (x^100, 1/x near 0, a kink), a whole
ladder of steps tells: how the two one-sided slopes differ as the step goes to 0. Of their difference (the `bend`)

    a smooth function has   f'' t       which goes to 0
    a kink has              a constant
    a cusp or a root has    t^-a        with 0 < a < 1
    a jump has              1/t
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import NamedTuple

import numpy as np

SMOOTH, KINK, JUMP, STEEP, EDGE, UNDEFINED, UNCLEAR = (
    "smooth",
    "kink",
    "jump",
    "steep",
    "edge",
    "undefined",
    "unclear",
)
"""What a function is like at a point: `steep` has an infinite slope, at an `edge` only one side is in its domain."""

Rise = Callable[[float], float]
"""f(t) - f(0) along the line; nan where f isn't defined."""

_RUNGS = 14
_SIGNIFICANT = 20.0
"""How many times its noise a number must be to be taken for more than noise."""


@dataclass(slots=True)
class Slope:
    """A slope by differences: its value, the error that the differences themselves show it to have, its kind.

    `left` and `right` are the one-sided slopes where they are what matters (nan for a side outside of the domain).
    """

    kind: str
    value: float
    error: float
    left: float = nan
    right: float = nan


def step(eps: float) -> float:
    """The step of a central difference, for a function that changes over lengths of about 1."""
    return eps ** (1 / 3)


def quick_slope(rise: Rise, noise: float, eps: float) -> Slope | None:
    """The slope at 0 from two steps; none where they show that it takes more to know it.

    `noise` is the rounding error of a rise.
    """
    h = step(eps)
    near, far = _rung(rise, h), _rung(rise, 4 * h)
    value = (16 * near.central - far.central) / 15
    error = 2 * noise / h
    kept = abs(near.bend) > 0.5 * abs(far.bend) + 8 * noise / h
    if not isfinite(value) or not isfinite(far.bend) or kept:
        return None
    return Slope(SMOOTH, value, error)


def careful_slope(rise: Rise, noise: float, eps: float, shortest: float = 1.0) -> Slope:
    """The slope at 0 from a ladder of steps, each a few times smaller than the one before.

    `shortest` is the length over which the function may change, where that's less than 1: near a pole or the edge of a
    domain, the distance from 0; another ladder looks there.
    """
    found = _from_ladder(rise, noise, eps, eps ** (1 / 8))
    if shortest >= 0.5:
        return found
    nearer = _from_ladder(rise, noise, eps, eps ** (1 / 8) * shortest)
    if nearer.kind == SMOOTH and (found.kind != SMOOTH or nearer.error < 0.1 * eps**0.375 * abs(nearer.value)):
        return nearer
    return nearer if found.kind in (UNCLEAR, UNDEFINED) else found


class _Rung(NamedTuple):
    """The differences of one step."""

    h: float
    right: float
    left: float

    @property
    def central(self) -> float:
        return (self.right + self.left) / 2

    @property
    def bend(self) -> float:
        return self.right - self.left


def _rung(rise: Rise, h: float) -> _Rung:
    return _Rung(h, rise(h) / h, -rise(-h) / h)


def _from_ladder(rise: Rise, noise: float, eps: float, longest: float) -> Slope:
    # From steps that see the function's shape at large down to those that see little else than rounding.
    factor = (eps ** (1 / 8) / eps ** (2 / 3)) ** (1 / (_RUNGS - 1))
    ladder = [_rung(rise, longest / factor**k) for k in range(_RUNGS)]
    right, left = (_finite_end(ladder, side) for side in ("right", "left"))
    if right < 5 and left < 5:
        return Slope(UNDEFINED, nan, inf, nan, nan)
    if right < 5 or left < 5:
        return _one_sided(ladder[-max(right, left) :], "right" if left < 5 else "left", noise, factor)
    ladder = ladder[-min(right, left) :]
    h = np.array([rung.h for rung in ladder])
    rights, lefts = (np.array([getattr(rung, side) for rung in ladder]) for side in ("right", "left"))
    sharp = _jump(h, rights, lefts, noise) or _sharp(h, rights, lefts, noise)
    if sharp is not None:
        return sharp
    bends = rights - lefts
    # At the smallest steps nothing is left of a smooth function's bend: it's rounding, which may be more than it was
    # said to be.
    noise = max(noise, float(np.median(np.abs(bends[-4:] * h[-4:]))))
    central = (rights + lefts) / 2
    smooth = _smooth(h, central, bends, noise, factor, eps)
    if smooth is not None:
        return smooth
    k = len(h) // 2
    return Slope(
        UNCLEAR, float(central[k]), float(np.ptp(central[1:]) + noise / h[k]), float(lefts[k]), float(rights[k])
    )


def _finite_end(ladder: list[_Rung], side: str) -> int:
    """How many of the smallest steps have a finite slope on that side."""
    count = 0
    for rung in reversed(ladder):
        if not isfinite(getattr(rung, side)):
            break
        count += 1
    return count


def _jump(h: np.ndarray, rights: np.ndarray, lefts: np.ndarray, noise: float) -> Slope | None:
    """A step that stays as high as it is however near one looks; the sides that have none keep their slope."""
    near = slice(len(h) // 3, None)
    sides = []
    for slopes in (lefts, rights):
        rises = np.abs(slopes * h)[near]
        jumps = rises.min() > 0.6 * rises.max() and rises.min() > _SIGNIFICANT * noise
        sides.append(float(np.copysign(inf, slopes[-1])) if jumps else float(np.median(slopes[near])))
    left, right = sides
    if isfinite(left) and isfinite(right):
        return None
    return Slope(JUMP, left if isfinite(left) else right, 0.0, left, right)


def _smooth(
    h: np.ndarray, centrals: np.ndarray, bends: np.ndarray, noise: float, factor: float, eps: float
) -> Slope | None:
    """The extrapolated slope where three neighbouring steps agree on it best, if the bend vanishes there."""
    extrapolated = centrals.copy()
    extrapolated[1:] += (centrals[1:] - centrals[:-1]) / (factor**2 - 1)
    rounding = noise / h
    tame = np.zeros(len(h), bool)
    tame[1:] = np.abs(bends[1:]) <= factor**-0.3 * np.abs(bends[:-1]) + _SIGNIFICANT / 2 * rounding[1:]
    best: tuple[float, float] | None = None
    for k in range(2, len(h) - 1):
        if not tame[k - 1 : k + 2].all():
            continue
        value = float(extrapolated[k])
        spread = max(abs(value - extrapolated[k - 1]), abs(value - extrapolated[k + 1]))
        error = float(spread + rounding[k])
        # Of those that are good enough the finest: what looks smooth from afar may not be.
        if best is None or error <= best[1] or error < 0.1 * eps**0.375 * abs(value):
            best = value, error
    return None if best is None else Slope(SMOOTH, *best)


def _grows(h: np.ndarray, slopes: np.ndarray, rounding: np.ndarray) -> bool:
    """Whether slopes go to infinity as steps go to 0."""
    clear = np.abs(slopes) > _SIGNIFICANT * rounding
    exponent, straight = _power(h[clear][-5:], slopes[clear][-5:])
    return straight and exponent < -0.25 and not _is_less(slopes, clear, rounding)


def _power(h: np.ndarray, values: np.ndarray) -> tuple[float, bool]:
    """The a of values that go like h^a, and whether they do."""
    if len(h) < 4 or not values.all() or (np.sign(values) != np.sign(values[0])).any():
        return 0.0, False
    x, y = np.log(h), np.log(np.abs(values))
    a, b = np.polyfit(x, y, 1)
    return float(a), bool(np.abs(y - a * x - b).max() < 0.15)


def _is_less(values: np.ndarray, clear: np.ndarray, rounding: np.ndarray) -> bool:
    """Whether values that are clear at larger steps are gone at smaller ones, where rounding wouldn't hide them."""
    last = int(np.flatnonzero(clear)[-1])
    size = 0.5 * abs(values[last])
    finer = slice(last + 1, None)
    return bool(((np.abs(values[finer]) < size) & (_SIGNIFICANT * rounding[finer] < size)).any())


def _sharp(h: np.ndarray, rights: np.ndarray, lefts: np.ndarray, noise: float) -> Slope | None:
    """A kink, a cusp or a vertical tangent: what stays as it is however near one looks, until rounding hides it."""
    rounding = noise / h
    right, left = (
        float(np.copysign(inf, slopes[-1])) if _grows(h, slopes, rounding) else nan for slopes in (rights, lefts)
    )
    if right == right or left == left:
        return Slope(STEEP, right if right == left else nan, 0.0, left, right)
    bends = rights - lefts
    clear = np.abs(bends) > _SIGNIFICANT * rounding
    exponent, straight = _power(h[clear][-5:], bends[clear][-5:])
    if not straight or abs(exponent) > 0.25 or _is_less(bends, clear, rounding):
        return None
    near = np.flatnonzero(clear)[-5:]
    k = near[len(near) // 2]
    error = float(np.ptp(bends[near]) + rounding[k])
    return Slope(KINK, float(rights[k] + lefts[k]) / 2, error, float(lefts[k]), float(rights[k]))


def _one_sided(ladder: list[_Rung], side: str, noise: float, factor: float) -> Slope:
    """The slope of the side that the function is defined on; its extrapolation takes the bend away."""
    h = np.array([rung.h for rung in ladder])
    slopes = np.array([getattr(rung, side) for rung in ladder])
    rounding = noise / h
    if _grows(h, slopes, rounding):
        value = float(np.copysign(inf, slopes[-1]))
        sides = (nan, value) if side == "right" else (value, nan)
        return Slope(STEEP, value, 0.0, *sides)
    extrapolated = slopes[1:] + (slopes[1:] - slopes[:-1]) / (factor - 1)
    errors = np.maximum(np.abs(extrapolated[1:-1] - extrapolated[:-2]), np.abs(extrapolated[1:-1] - extrapolated[2:]))
    errors = errors + 2 * rounding[2:-1]
    k = int(np.argmin(errors))
    value = float(extrapolated[k + 1])
    sides = (nan, value) if side == "right" else (value, nan)
    return Slope(EDGE, value, float(errors[k]), *sides)
