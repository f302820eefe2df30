"""The switch of a session from auto to explicit tracking, as the REPL and the command see it, and `--tracking`.

What each mode tracks is in test_modes.py; here is how one becomes the other, and what stays of before.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gradcli import Session, Tensor
from gradcli.evaluate import evaluate
from gradcli.events import Printed, Value, Warned
from tests.language.running import failure_of, outcome, shown

SWITCH = "w = tensor(2., requires_grad=true)"


def evaluated(*texts: str, **options: object) -> tuple[str, str, int]:
    """Standard output, standard error and status of `gradcli eval -e TEXT -e TEXT ...`."""
    out, err = io.StringIO(), io.StringIO()
    status = evaluate([("<text>", text) for text in texts], out=out, err=err, **options)  # type: ignore[arg-type]
    return out.getvalue(), err.getvalue(), status


# ---- "the first mention switches the session ... and says so in one line"


def test_the_line_comes_before_what_the_text_shows() -> None:
    session = Session()
    list(session.run("x = 3"))
    said, printed, value = session.run('print("first"); x.requires_grad')
    assert isinstance(said, Warned)
    assert isinstance(printed, Printed)
    assert isinstance(value, Value)
    assert value.value is False
    assert "\n" not in said.message
    assert said.span is None


@pytest.mark.parametrize(
    ("before", "names"),
    [("x = 3", "1 name "), ("x = 3; y = [1., 2.]; n = len(y); const c = 4", "2 names "), ("x = 3; y = x^2", "1 name "), ("x = 3; del x; x = 4", "1 name ")],
)  # fmt: skip
def test_the_line_counts_the_names_that_are_no_longer_tracked(before: str, names: str) -> None:
    session = Session()
    shown(before, session)
    (warning,) = outcome(SWITCH, session).warnings
    assert names in warning


def test_a_session_stays_explicit() -> None:
    session = Session()
    shown("x = 3", session)
    outcome(SWITCH, session)
    assert shown("n = 3; a = [1., 2.]; n; a; # no mention here", session) == ["3", "tensor([1., 2.])"]
    assert outcome("zeros(1, requires_grad=true).requires_grad", session).warnings == []


def test_a_mention_in_a_function_that_is_never_called_switches() -> None:
    session = Session()
    shown("x = 3", session)
    assert outcome("def f(v) { return v.requires_grad_() }", session).warnings
    assert not session["x"].requires_grad


@pytest.mark.parametrize(
    "text", ["# requires_grad", 'print("requires_grad")', "requires_gradient = 1", "x # .requires_grad_()"]
)
def test_what_is_no_mention_switches_nothing(text: str) -> None:
    session = Session()
    shown("x = 3", session)
    assert outcome(text, session).warnings == []
    assert shown("x; y = 4; y", session)[-2:] == ["tensor(3., requires_grad=True)", "tensor(4., requires_grad=True)"]


def test_a_text_that_fails_after_its_mention_has_switched() -> None:
    session = Session()
    shown("x = 3", session)
    out, warnings, failure = outcome("x.requires_grad; 1 + unknown", session)
    assert (out, len(warnings)) == ("False\n", 1)
    assert failure is not None
    assert shown("y = 4; y; x", session) == ["4", "tensor(3.)"]


def test_sessions_switch_apart() -> None:
    one, other = Session(), Session()
    for session in (one, other):
        shown("x = 3", session)
    outcome(SWITCH, one)
    assert not one["x"].requires_grad
    assert other["x"].requires_grad


def test_a_session_that_begins_with_a_mention_has_nothing_to_say() -> None:
    session = Session()
    assert outcome(f"n = 3; {SWITCH}; n", session) == ("3\n", [], None)
    assert outcome("x = 4; x.grad; x", session) == ("4\n", [], None)


# ---- "unmarks the leaves that auto had marked"


def test_what_is_unmarked_keeps_its_value_dtype_and_gradient() -> None:
    session = Session()
    shown("x = [1., 2.]; h = ones(2, dtype=float32); y = sum(x^2 * h); y.backward()", session)
    outcome(SWITCH, session)
    assert shown("x; h; x.grad", session) == [
        "tensor([1., 2.])", "tensor([1., 1.], dtype=torch.float32)", "tensor([2., 4.])",
    ]  # fmt: skip


def test_what_is_unmarked_can_be_marked_again() -> None:
    session = Session()
    shown("x = [1., 2.]", session)
    outcome("x.requires_grad_()", session)
    assert shown("backward sum(x^2)", session) == ["x.grad = tensor([2., 4.])"]


def test_every_name_of_a_leaf_and_every_part_of_a_value_is_unmarked() -> None:
    session = Session()
    shown("a = [1., 2.]; b = a; c = (a, 3); def f() { return b }", session)
    outcome(SWITCH, session)
    for text in ("a", "b", "c[0]", "f()"):
        assert shown(f"{text}.requires_grad", session) == ["False"], text


def test_what_is_computed_after_the_switch_is_not_recorded() -> None:
    session = Session()
    shown("x = 3; f(v) = v^2 * x", session)
    outcome(SWITCH, session)
    assert shown("x^2; f(2)", session) == ["tensor(9.)", "tensor(12.)"]
    assert shown("backward f(w)", session) == ["w.grad = tensor(12.)"]
    failure = failure_of("backward x^2", session)
    assert failure.kind == "AutogradFailure"
    assert "does not require grad" in failure.message


def test_an_update_becomes_pytorchs() -> None:
    session = Session()
    step = "loss = sum(w^2); loss.backward(); w -= 0.25 * w.grad; w.grad = none"
    shown(f"w = [1., 2.]; {step}", session)
    np.testing.assert_allclose(np.asarray(session["w"].detach()), [0.5, 1.0])
    outcome("w.requires_grad_()", session)
    assert "a leaf Variable that requires grad" in failure_of(step, session).message
    shown("w.grad = none; loss = sum(w^2); loss.backward(); with torch.no_grad() { w -= 0.25 * w.grad }", session)
    np.testing.assert_allclose(np.asarray(session["w"].detach()), [0.25, 0.5])
    assert session["w"].requires_grad


def test_an_array_given_through_the_api_is_unmarked_too() -> None:
    session = Session()
    session["x"] = np.array([1.0, 2.0])
    assert session["x"].requires_grad
    outcome(SWITCH, session)
    assert not session["x"].requires_grad
    session["x"] = np.array([1.0, 2.0])
    assert not session["x"].requires_grad


# ---- the command: texts and files are one session


def test_the_second_text_switches_and_stderr_says_so() -> None:
    out, err, status = evaluated("x = 3; x", f"{SWITCH}; x; n = 4; n")
    assert (out, status) == ("tensor(3., requires_grad=True)\ntensor(3.)\n4\n", 0)
    assert err.startswith("warning: requires_grad is mentioned")
    assert err.count("\n") == 1


def test_the_second_file_switches(tmp_path: Path) -> None:
    first, second = tmp_path / "first.gr", tmp_path / "second.gr"
    first.write_text("x = 3; backward x^2", encoding="utf-8")
    second.write_text(f"x\n{SWITCH}\nbackward w * x", encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    assert evaluate([(str(first), None), (str(second), None)], out=out, err=err) == 0
    assert out.getvalue() == "x.grad = tensor(6.)\ntensor(3.)\nw.grad = tensor(3.)\n"
    assert err.getvalue().count("warning: ") == 1


def test_the_switch_is_an_event_of_the_stream() -> None:
    out, _, _ = evaluated("x = 3", "x.requires_grad", format="json")
    warning, value = (json.loads(line) for line in out.splitlines())
    assert warning["type"] == "warning"
    assert "requires_grad" in warning["message"]
    assert (value["type"], value["value"]) == ("value", False)


def test_quiet_leaves_the_warning() -> None:
    out, err, status = evaluated("x = 3", "x.requires_grad", quiet=True)
    assert (out, status) == ("", 0)
    assert "requires_grad is mentioned" in err


# ---- "--tracking auto|explicit decides it outright"


def test_tracking_auto_is_never_switched() -> None:
    out, err, status = evaluated("x = 3", f"{SWITCH}; x; n = 4; n; backward w * x * n", tracking="auto")
    assert out.splitlines() == [
        "tensor(3., requires_grad=True)", "tensor(4., requires_grad=True)",
        "x.grad = tensor(8.)", "w.grad = tensor(12.)", "n.grad = tensor(6.)",
    ]  # fmt: skip
    assert (err, status) == ("", 0)


def test_tracking_explicit_holds_from_the_first_text() -> None:
    out, err, status = evaluated("x = 3; a = [1., 2.]; x; a", f"{SWITCH}; x", tracking="explicit")
    assert (out, err, status) == ("3\ntensor([1., 2.])\n3\n", "", 0)


def test_tracking_explicit_refuses_what_auto_would_record() -> None:
    _, err, status = evaluated("a = [1., 2.]\nbackward a.sum()", tracking="explicit")
    assert status == 1
    assert "does not require grad and does not have a grad_fn" in err


def test_tracking_decides_what_a_setting_is() -> None:
    assert evaluated("n", settings=["n=3"])[0] == "tensor(3., requires_grad=True)\n"
    assert evaluated("n", settings=["n=3"], tracking="explicit")[0] == "3\n"


@pytest.mark.parametrize("word", ["both", "Auto", ""])
def test_tracking_is_one_of_two_words(word: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gradcli", "eval", "--tracking", word, "-e", "3"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "tracking" in done.stderr
    assert "'auto', 'explicit'" in done.stderr


@pytest.mark.parametrize("tracking", ["auto", "explicit", None])
def test_a_leaf_that_is_marked_is_tracked_in_every_mode(tracking: str | None) -> None:
    session = Session(tracking=tracking)
    shown("x = tensor([1., 2.], requires_grad=true)", session)
    assert isinstance(session["x"], Tensor)
    assert shown("backward sum(x^2)", session) == ["x.grad = tensor([2., 4.])"]
