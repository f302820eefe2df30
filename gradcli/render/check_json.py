"""The report of a check as an object of JSON, for programs; a number that isn't finite is a string."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gradcli.analysis.check import Report
from gradcli.analysis.claims import ClaimCheck, Finding
from gradcli.analysis.comparing import Comparison, LeafCheck
from gradcli.render.check_text import claim_notes_of, notes_of
from gradcli.render.json_lines import value_json

_MOST_PLACES = 20


def check_object(report: Report, name: str | None = None, line: int | None = None) -> dict[str, Any]:
    """The event's object. `messages` are the notes of plain text."""
    repeated = report.unrepeatable
    return {
        "type": "check",
        "name": name,
        "line": line,
        "passed": report.passed,
        "leaves": [_leaf(leaf) for leaf in report.leaves],
        "claims": [_claim(claim) for claim in report.claims],
        "unrepeatable": None if repeated is None else {"value": _json(repeated[0]), "again": _json(repeated[1])},
    }


def _leaf(leaf: LeafCheck) -> dict[str, Any]:
    return {
        "name": leaf.name,
        "shape": list(leaf.shape),
        "dtype": leaf.dtype,
        "passed": leaf.passed,
        "verdict": leaf.verdict,
        "compared": leaf.compared,
        "directions": leaf.directions,
        "worst": None if leaf.worst is None else _comparison(leaf.worst),
        "remarks": [_remark(verdict, found) for verdict, found in leaf.remarks.items()],
        "finding": _finding(leaf.finding),
        "messages": notes_of(leaf),
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    """`index` is null for a random direction."""
    found = {
        "index": None if comparison.index is None else list(comparison.index),
        "autograd": _json(comparison.autograd),
        "difference": _json(comparison.difference),
        "error": _json(comparison.error),
        "uncertainty": _json(comparison.uncertainty),
        "verdict": comparison.verdict,
    }
    if comparison.left is not None and comparison.right is not None:
        found |= {"left": _json(comparison.left), "right": _json(comparison.right)}
    return found


def _remark(verdict: str, found: list[Comparison]) -> dict[str, Any]:
    places = [list(one.index) for one in found if one.index is not None]
    return {"verdict": verdict, "count": len(found), "at": places[:_MOST_PLACES], "first": _comparison(found[0])}


def _claim(claim: ClaimCheck) -> dict[str, Any]:
    return {
        "name": claim.name,
        "shape": list(claim.shape),
        "given_shape": list(claim.given_shape),
        "passed": claim.passed,
        "against": claim.against,
        "wrong": claim.wrong,
        "index": None if claim.index is None else list(claim.index),
        "claimed": _json(claim.claimed),
        "gradient": _json(claim.truth),
        "error": _json(claim.error),
        "finding": _finding(claim.finding),
        "messages": claim_notes_of(claim),
    }


def _finding(finding: Finding | None) -> dict[str, Any] | None:
    if finding is None:
        return None
    return {key: value_json(value) for key, value in asdict(finding).items() if value is not None}


def _json(value: float | None) -> Any:
    return None if value is None else value_json(float(value))
