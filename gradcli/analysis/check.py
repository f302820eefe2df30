"""Gradients compared with differences, and with what a person derived: `check y`, `check y claim x: 4*x`.

    report = check(history, {"x": 4 * x})
    report.passed, report.leaves, report.claims

What a history computes from values without gradient (a condition, a drawn random number, a detached value) is constant
in it, for the differences (comparing.py) as for the gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from gradcli.analysis.claims import ClaimCheck, check_claim
from gradcli.analysis.comparing import LeafCheck, Problem, check_leaf
from gradcli.analysis.history import History, Step
from gradcli.analysis.widening import coarsest_eps
from gradcli.engine import Tensor
from gradcli.errors import AutogradFailure, NameFailure, ShapeFailure


@dataclass(slots=True)
class Report:
    """A check of a result: its leaves, the claims, and, where y computed anew isn't y, both values."""

    leaves: list[LeafCheck]
    claims: list[ClaimCheck]
    unrepeatable: tuple[float, float] | None = None

    @property
    def passed(self) -> bool:
        right = all(leaf.passed for leaf in self.leaves) and all(claim.passed for claim in self.claims)
        return right and self.unrepeatable is None


def check(history: History, claims: Mapping[str, Any] | None = None, start: Any = None) -> Report:
    """Compares the gradient of each leaf with differences, and with the claims for some of them, by name.

    `start` is the vector that a result of several numbers is multiplied with. Raises AutogradFailure where there is
    none or where an operation has no derivative, ShapeFailure where it doesn't fit, and NameFailure for a claim about
    what is no leaf.
    """
    result = history.result
    weight = _weight(result.value, start)
    leaves = {_name(leaf): leaf for leaf in history.leaves}
    for name in claims or {}:
        if name not in leaves:
            raise _no_leaf(name, leaves, history)
    given = None if start is None else weight.astype(result.value.dtype)[()]
    # Steps into infinity and out of a domain are what it looks for.
    with np.errstate(all="ignore"):
        changed = _changed(history)
        if changed is not None:
            return Report([], [], changed)
        gradients = history.gradients(given)
        problem = Problem(history, gradients, weight, given)
        rng = np.random.default_rng(0)
        found = {name: check_leaf(problem, leaf, name, rng) for name, leaf in leaves.items()}
        for name, leaf in found.items():
            if leaf.is_flat:
                leaf.moves = _moves(history, leaves[name])
        checked = [
            check_claim(name, claim, leaves[name], found[name], history, gradients, problem.rounding_of(leaves[name]))
            for name, claim in (claims or {}).items()
        ]
        return Report(list(found.values()), checked)


def _moves(history: History, leaf: Step) -> bool:
    """Whether the result changes where all of a leaf's elements do, by as much as they are large."""
    other = history.replayed({leaf: leaf.value + (0.37 * (1 + np.abs(leaf.value))).astype(leaf.value.dtype)[()]})
    return not np.array_equal(other, history.result.value, equal_nan=True)


def _name(leaf: Step) -> str:
    return leaf.name or f"leaf {leaf.number}"


def _weight(value: Any, start: Any) -> np.ndarray:
    if getattr(value, "dtype", np.dtype(bool)).kind not in "fc":
        raise AutogradFailure("only Tensors of floating point and complex dtype have gradients to check")
    if start is None:
        if value.size != 1:
            raise AutogradFailure(
                f"check needs one number to start from, and this has shape {value.shape}",
                label="grad can be implicitly created only for scalar outputs",
                help="reduce it, `check y.sum()`, or check one element, `check y[0]`",
            )
        return np.ones(value.shape)
    weight = np.asarray(start.array if type(start) is Tensor else start)
    if weight.shape != value.shape:
        raise ShapeFailure(f"the vector to start from has shape {weight.shape}, and the result {value.shape}")
    return weight.astype(np.complex128 if weight.dtype.kind == "c" else np.float64)


def _no_leaf(name: str, leaves: Mapping[str, Step], history: History) -> NameFailure:
    computed = any(step.name == name for step in history.steps)
    near = get_close_matches(name, leaves, 1, 0.5)
    names = ", ".join(f"`{leaf}`" for leaf in leaves)
    if computed:
        return NameFailure(
            f"`{name}` is no leaf of this result: it's computed on the way", help=f"its leaves are {names}"
        )
    return NameFailure(
        f"`{name}` is no leaf of this result",
        help=f"did you mean `{near[0]}`?" if near else f"its leaves are {names}",
    )


def _changed(history: History) -> tuple[float, float] | None:
    """The result's first element that another computation gives another value, both times; none if all are the same.

    A custom function's body is the script's own: it may draw random numbers, or read a name that has changed.
    """
    leaves = {leaf: leaf.value for leaf in history.leaves}
    before = np.asarray(history.result.value)
    tolerance = 1e3 * coarsest_eps(history) * np.max(np.abs(before), initial=0, where=np.isfinite(before))
    for _ in range(2):
        again = np.asarray(history.replayed(leaves))
        with np.errstate(invalid="ignore"):
            same = (again == before) | (np.isnan(again) & np.isnan(before)) | (np.abs(again - before) <= tolerance)
        if not same.all():
            k = np.unravel_index(int(np.argmin(same)), before.shape)
            return float(before[k].real), float(again[k].real)
    return None
