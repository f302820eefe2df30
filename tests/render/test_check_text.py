"""Reports of checks as text: tables that fit, notes that say what is the matter, strict JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

from gradcli import Session
from gradcli.analysis import claims
from gradcli.analysis.check import Report, check
from gradcli.analysis.claims import Finding
from gradcli.library import context
from gradcli.render.check_json import check_object
from gradcli.render.check_rich import rich_lines
from gradcli.render.check_text import lines_of, pieces_of, words_of
from gradcli.render.theme import STYLES

CLAUSE = "def f(a) { return a^3 } backward(g) { return 6*a^2*g }\nx = [1, 2, 3]\ny = sum(f(x))"

SCRIPTS: dict[str, tuple[str, dict[str, Any]]] = {
    "pass": ("x = arange(4)\ny = 2*dot(x, x)", {}),
    "claims": ("x = arange(4)\nw = 3\ny = mean(x^3)*w", {"x": 9 * np.arange(4.0) ** 2, "w": 9}),
    "shape": ("a_rather_long_name_for_a_leaf = ones(3, 4)\ny = sum(a_rather_long_name_for_a_leaf^2)", {}),
    "clause": (CLAUSE, {}),
    "kink": ("x = zeros(2, 2)\ny = sum(relu(x))", {"x": np.zeros((3, 2))}),
    "jump": ("x = [0., 1]\ny = sum(sqrt(x)) + sum(floor(x))", {}),
    "undefined": ("x = -1.\ny = log(x)", {}),
    "edge": ("x = 0.\ny = x^1.5", {}),
    "nan": ("x = [0., 1]\ny = sum(where(x > 0.5, log(x), x))", {}),
    "large": ("x = rand(30, 40)\ny = sum(sin(x))", {}),
    "unused": ("x = 2\nz = zeros(2, 0)\nu = 3\ny = x + sum(z) + 0*u", {}),
    "random": ("def f(a) { return a*rand(3) } backward(g) { return g }\nx = [1., 2, 3]\ny = sum(f(x))", {}),
}


def report_of(which: str) -> Report:
    source, claimed = SCRIPTS[which]
    session = Session(seed=1)
    session.tracing = True
    list(session.run(source))
    outer = context.enter(session)
    try:
        return check(session.history_of(session["y"]), claimed)
    finally:
        context.enter(outer)


REPORTS = {which: report_of(which) for which in SCRIPTS}


def test_the_table() -> None:
    lines = lines_of(REPORTS["pass"])
    assert [line.split() for line in lines[:1]] == [
        ["leaf", "shape", "worst", "at", "autograd", "difference", "rel.", "error"]
    ]
    assert lines[1].split()[:4] == ["x", "(4,)", "[1]", "4"]
    assert lines[1].endswith("pass")
    assert lines[2] == "pass: autograd agrees with the differences"
    # Numbers end where their heads do.
    assert lines[1][: lines[0].index("autograd") + len("autograd")].endswith(" 4")


def test_a_claim_has_its_own_table() -> None:
    lines = lines_of(REPORTS["claims"])
    assert "claim" in lines[4]
    text = "\n".join(lines)
    assert "yours is 4 times too large: a 1/n is missing (n = 4, the mean in mean(x^3))" in text
    assert lines[-1] == "fail: the claim for `x`"


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("clause", "autograd's gradient is 2 times too large"),
        ("kink", "kink at [0, 0] and 3 more: slope 0 on the left, 1 on the right; autograd takes 0"),
        ("kink", "yours has shape (3, 2), and the gradient (2, 2)"),
        ("jump", "jump at [1]"),
        ("jump", "infinite slope at [0]"),
        ("undefined", "the result isn't finite"),
        ("edge", "compared with the slope on the right"),
        ("nan", "autograd's gradient is nan, where the result has a slope"),
        ("large", "of its 1200 elements, and 8 random directions"),
        ("unused", "the result doesn't depend on it"),
        ("unused", "it has no elements"),
        ("random", "computed again from the same leaves"),
    ],
)
def test_what_is_said(which: str, words: str) -> None:
    assert words in " ".join(" ".join(lines_of(REPORTS[which])).split())


@pytest.mark.parametrize("width", [40, 47, 60, 80, 200])
@pytest.mark.parametrize("which", SCRIPTS)
def test_every_line_fits(which: str, width: int) -> None:
    report = REPORTS[which]
    lines = lines_of(report, width)
    assert all(cell_len(line) <= width for line in lines), lines
    assert [text.plain for text in rich_lines(report, width)] == lines
    for leaf in report.leaves:
        assert any(leaf.name[:8] in line for line in lines)


@pytest.mark.parametrize("which", SCRIPTS)
def test_styles_are_the_themes(which: str) -> None:
    used = {style for line in pieces_of(REPORTS[which]) for _text, style in line if style}
    assert used
    assert used <= set(STYLES)


def test_numbers_that_disagree_look_different() -> None:
    session = Session()
    session.tracing = True
    list(session.run("x = 1.\ny = x*1.0000001"))
    report = check(session.history_of(session["y"]), {"x": 1.00001})
    row = next(line for line in lines_of(report) if line.startswith("x") and "fail" in line)
    _name, _shape, yours, gradient, *_ = row.split()
    assert yours != gradient


@pytest.mark.parametrize("which", SCRIPTS)
def test_json_is_strict(which: str) -> None:
    report = REPORTS[which]
    found = json.loads(json.dumps(check_object(report, "y", 3), allow_nan=False))
    assert (found["type"], found["name"], found["line"], found["passed"]) == ("check", "y", 3, report.passed)
    assert [leaf["name"] for leaf in found["leaves"]] == [leaf.name for leaf in report.leaves]
    assert [claim["passed"] for claim in found["claims"]] == [claim.passed for claim in report.claims]


def test_json_of_numbers_that_arent_finite() -> None:
    leaf = check_object(REPORTS["nan"])["leaves"][0]
    assert leaf["worst"]["autograd"] == "NaN"
    assert leaf["worst"]["index"] == [0]
    steep = check_object(REPORTS["jump"])["leaves"][0]["remarks"]
    assert {remark["verdict"]: remark["at"] for remark in steep} == {"steep": [[0]], "jump": [[1]]}


def test_every_finding_has_words() -> None:
    kinds = [value for name, value in vars(claims).items() if name.isupper() and isinstance(value, str)]
    assert len(kinds) > 15
    for kind in kinds:
        finding = Finding(kind, 2.0, 4, "the mean", (1,), 0, 1.0, "x^2", 3, 2)
        if kind != claims.SHAPE:
            assert words_of(finding, "yours", "x")
