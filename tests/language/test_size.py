"""Size: scripts that are deep, long or wide run, and in time that grows with their length; parsing alone is tested
in tests/grammar/test_limits.py."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest

from gradcli import Session
from gradcli.evaluate import evaluate
from tests.language.running import failure_of, outcome, shown

DEEP = 1_000
TERMS = 10_000
MEGABYTES = 10 * 2**20


# ---- brackets nested 1,000 deep


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("(" * DEEP + "1 + 1" + ")" * DEEP, "2"),
        ("len(" + "[" * DEEP + "none" + "]" * DEEP + ")", "1"),
        ("x = 3\ny = " + "(" * DEEP + "x^2" + ")" * DEEP + "\nbackward y", "x.grad = tensor(6.)"),
        ("x = 3\ny = " + "(x + " * DEEP + "x" + ")" * DEEP + "\nbackward y", f"x.grad = tensor({DEEP + 1}.)"),
        ("x = 3\ny = " + "abs(" * DEEP + "-x" + ")" * DEEP + "\nbackward y", "x.grad = tensor(1.)"),
        ("(" + "-(" * DEEP + "1" + ")" * DEEP + ")", "1"),
        ("-" * DEEP + "1", "1"),
        ("not " * DEEP + "true", "True"),
        ("1^" * DEEP + "2", "1"),
        ("f(x) = x\n" + "f(" * DEEP + "1" + ")" * DEEP, "1"),
        ("len(" + "(" * DEEP + "1" + ",)" * DEEP + ")", "1"),
        ("x = 5\n" + "x" + ".abs()" * DEEP + ".item()", "5.0"),
        ("x = zeros(2, 3)\n(x" + "[:]" * DEEP + ").shape", "torch.Size([2, 3])"),
        ("0 if false else " * DEEP + "1", "1"),
        ("if true {" * DEEP + "print(7)" + "}" * DEEP, "7"),
        ("const x = [0, 0]\n" + "x[" * DEEP + "0" + "]" * DEEP, "tensor(0.)"),
        ("f = " + "x -> " * DEEP + "1\nprint(7)", "7"),
        ('f"{' + "(" * DEEP + "4" + ")" * DEEP + '}"', "'4'"),
    ],
    ids=lambda text: text.replace("\n", "; ")[:24],
)  # fmt: skip
def test_a_thousand_deep(source: str, wanted: str) -> None:
    assert shown(source)[-1] == wanted


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\ny = " + "(x + " * 100_000 + "x" + ")" * 100_000,
        "f(x) = x\ny = " + "f(" * 100_000 + "1" + ")" * 100_000,
        "y = " + "[" * 100_000 + "sin" + "]" * 100_000,
        "y = " + "-" * 100_000 + "1",
        "y = " + "(" * 100_000 + "1" + ",)" * 100_000,
        "x = 1\ny = x" + ".abs()" * 100_000,
        "if true {" * 100_000 + "}" * 100_000,
    ],
    ids=lambda text: text.replace("\n", "; ")[:24],
)
def test_far_too_deep_is_a_limit_with_its_place(source: str) -> None:
    session = Session()
    shown("kept = [1, 2]", session)
    failure = failure_of(source, session)
    assert failure.kind == "LimitFailure"
    assert failure.span is not None
    assert 1 <= failure.span.line <= 2
    assert shown("kept.shape", session) == ["torch.Size([2])"]


# ---- chains of 10,000 terms


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (" + ".join(["1"] * TERMS), str(TERMS)),
        ("0 - " + " - ".join(["1"] * TERMS), str(-TERMS)),
        (" * ".join(["1"] * TERMS), "1"),
        ("1 / " + " / ".join(["1.0"] * TERMS), "1.0"),
        (" and ".join(["true"] * TERMS), "True"),
        (" or ".join(["false"] * TERMS), "False"),
        ("m = [true, false]\n" + " & ".join(["m"] * TERMS), "tensor([ True, False])"),
        ("m = [true, false]\n" + " | ".join(["m"] * TERMS), "tensor([ True, False])"),
        ("const A = eye(2)\n" + " @ ".join(["A"] * TERMS), "        [0., 1.]])"),
        ("len(" + " + ".join(["'ab'"] * TERMS) + ")", str(2 * TERMS)),
        ("f(x) = " + " + ".join(["x"] * TERMS) + "\nf(2)", str(2 * TERMS)),
        ("(x -> " + " + ".join(["x"] * TERMS) + ")(2)", str(2 * TERMS)),
        ("sum([" + " + ".join(["v"] * TERMS) + " for v in range(3)]).item()", f"{3 * TERMS:.1f}"),
        ("x = 3\nbackward " + " + ".join(["x"] * TERMS), "x.grad = tensor(10000.)"),
        ("x = 3\nbackward " + " - ".join(["x"] * TERMS), "x.grad = tensor(-9998.)"),
        ("x = 1\nbackward " + " * ".join(["x"] * TERMS), "x.grad = tensor(10000.)"),
        ("x = 3\nbackward " + " + ".join(["sin(x) * 2"] * TERMS) + " - 3 * x", None),
    ],
    ids=lambda text: (text or "").replace("\n", "; ")[:24],
)  # fmt: skip
def test_ten_thousand_terms(source: str, wanted: str | None) -> None:
    last = shown(source)[-1]
    if wanted is None:
        assert last == f"x.grad = tensor({TERMS * 2 * np.cos(3.0) - 3:.4f})"
    else:
        assert last == wanted


def test_terms_are_taken_from_the_left() -> None:
    numbers = np.random.default_rng(0).integers(1, 1_000, 2 * TERMS + 1).tolist()
    value, source = numbers[0], str(numbers[0])
    for minus, plus in zip(numbers[1::2], numbers[2::2], strict=True):
        value, source = value - minus + plus, f"{source} - {minus} + {plus}"
    assert shown(source) == [str(value)]
    quotient = " / ".join(["2.0"] + ["0.5", "2.0"] * TERMS)
    assert shown(quotient) == ["2.0"]


@pytest.mark.parametrize("end", ["missing", "[1, 2]", "none"])
def test_a_failure_at_the_end_of_a_chain_has_its_place(end: str) -> None:
    start = "x = [1, 2, 3]\ny = " + "x + " * TERMS
    failure = failure_of(start + end)
    assert failure.span is not None
    assert failure.span.line == 2
    line = start.rpartition("\n")[2] + end
    assert failure.span.end_column == len(line) + 1


# ---- lines of 10 MB


def seconds(source: str) -> tuple[float, list[str]]:
    begin = time.perf_counter()
    lines = shown(source)
    return time.perf_counter() - begin, lines


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("x = [" + ", ".join(["0.25"] * (MEGABYTES // 6)) + "]\nx.sum().item()", f"{MEGABYTES // 6 / 4}"),
        ("x = [" + ", ".join(["[1, 2, 3, 4]"] * (MEGABYTES // 14)) + "]\nx.shape", f"torch.Size([{MEGABYTES // 14}, 4])"),
        ("x = '" + "a" * MEGABYTES + "'\nlen(x)", str(MEGABYTES)),
        ("x = 3  # " + "a" * MEGABYTES + "\nx.item()", "3.0"),
        ("x = 3" + " " * MEGABYTES + "+ 1\nx.item()", "4.0"),
        ("x = 0." + "1" * MEGABYTES + "\nround(x.item(), 4)", "0.1111"),
        ("name" + "e" * MEGABYTES + " = 3\nprint(8)", "8"),
        ("len(f'" + "a" * MEGABYTES + "{1}')", str(MEGABYTES + 1)),
    ],
    ids=["numbers", "rows", "string", "comment", "spaces", "digits", "name", "f-string"],
)  # fmt: skip
def test_ten_megabytes_on_a_line(source: str, wanted: str) -> None:
    took, lines = seconds(source)
    assert lines[-1] == wanted
    assert took < 60


def test_a_failure_on_a_line_of_ten_megabytes_shows_a_short_excerpt() -> None:
    error = io.StringIO()
    line = "x = [" + "0.25, " * (MEGABYTES // 6) + "1] + missing"
    status = evaluate([("<text>", line)], out=io.StringIO(), err=error)
    text = error.getvalue()
    assert status == 1
    assert "`missing` isn't defined" in text
    assert f"<text>:1:{len(line) - 6}" in text
    assert len(text) < 1_000
    assert "missing" in text.partition("|")[2]


def test_twenty_thousand_statements_on_a_line() -> None:
    _, lines = seconds("i = 0\n" + "i += 1; " * 20_000 + "\nprint(i.item())")
    assert lines == ["20000.0"]


def test_time_grows_with_the_chain() -> None:
    def best(terms: int) -> float:
        return min(seconds("x = 1\ny = " + " + ".join(["x"] * terms))[0] for _ in range(3))

    best(100)
    assert best(2 * TERMS) < 30 * best(TERMS // 4) + 0.05  # 8 if it's linear, 64 if it's quadratic


def test_what_is_too_large_leaves_the_session_as_it_was() -> None:
    session = Session()
    shown("x = 3", session)
    assert outcome("x = " + "(" * 200_000, session).failure is not None
    assert shown("x.item()", session) == ["3.0"]
