"""`:save` writes a script that makes the same session again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradcli import Session
from tests.repl.console import Lines, state


def replayed(line: Lines, tmp_path: Path, **options: object) -> tuple[dict[str, object], dict[str, object]]:
    """The session's state, and that of a new one which ran the saved script; `_` aside, which only the REPL has."""
    script = tmp_path / "saved.gr"
    assert "saved as" in line(f":save {script}!")
    session = Session(**options)  # type: ignore[arg-type]
    session.execute(script.read_text(), "saved.gr", lambda event: None)
    now, again = state(line.session), state(session)
    now.pop("_", None)
    again.pop("_", None)
    return now, again


SESSIONS = {
    "gradients": [
        "x = arange(4)",
        "y = dot(x, x)",
        "backward y",
        "x -= 0.1 * x.grad",
        "zero_grad()",
        "backward dot(x,x)",
    ],
    "failures between": ["x = 3", "x + nosuch", "x += 1; nosuch", "y = x^2", "backward y", "backward y"],
    "undone": ["x = 3", "x = 4", ":undo", "y = x * 2", "backward y", ":undo", "backward y"],
    "blocks": ["s = 0", "for i in range(3) {\n    s += i\n}", "if s > 2 {\n  t = 1\n} else {\n  t = 2\n}", "i"],
    "last value": ["3 + 4", "y = _ * 2", "ones(2)", "z = _ + 1", "z.sum()", "backward _", "x = 5", "x", "backward _^2"],
    "last value, twice used": ["ones(2) * 2", "a = _", "b = _ + 1", "_", "c = _ + 2"],
    "last value of a block": [
        "x = [1, 2]",
        "sum(\n  x * 3  # three\n)  # all",
        "y = _ + 1",
        "1, 2",
        "t = _",
        "a = 1; a * 2",
        "b = _",
    ],
    "random": ["w = randn(3)", "w + rand(3); nosuch", "v = rand(2)", "l = [randn(1), 2]"],
    "seeded": ["torch.manual_seed(1); a = rand(2)", ":set seed 4", "b = rand(2)", "nosuch(rand(3))", "c = rand(2)"],
    "dtype": [":set dtype float32", "x = [1, 2, 3]", "y = x.mean()", "backward y"],
    "explicit from the first line": [
        "x = torch.ones(2, requires_grad=True)",
        "n = 3",
        "y = (x * n).sum()",
        "y.backward()",
    ],
    "explicit by setting": [":set tracking explicit", "x = 3", "y = x + 1", "z = [1, 2]"],
    "explicit, nothing tracked before": [
        "print(1)",
        "f(a) = a^2",
        "x = ones(1, requires_grad=true)",
        "y = f(x)",
        "n = 2",
    ],
    "functions": ["f(x, n=2) = x^n", "def g(x) {\n  # inside\n  return f(x) + 1\n}", "x = 2", "y = g(x)", "backward y"],
    "constants": ["const c = [1, 2]", "c[0] = 5", "x = c * 2", "y = x + c"],
    "names of built-ins": ["a = sum([1, 2])", "sum = 3", "b = sum + 1", "e = 2", "c = e * 2"],
    "reset": ["x = 3", "y = x^2", ":reset", "x = 4", "backward x^2"],
    "lists": ["l = [1, ones(2)]", "l.append(3)", "x = ones(2)", "l.append(x)", "x[0] = 9"],
}


@pytest.mark.parametrize("texts", SESSIONS.values(), ids=SESSIONS.keys())
def test_the_script_makes_the_same_session(texts: list[str], tmp_path: Path) -> None:
    now, again = replayed(Lines(*texts), tmp_path)
    assert again == now
    assert now


def test_the_state_compared_tells_sessions_apart() -> None:
    """The proof that the test above can fail."""
    one, other = Lines("x = 3", "backward x^2"), Lines("x = 3", "backward x^3")
    assert state(one.session) != state(other.session)
    assert state(Lines("x = 3").session) != state(Lines("const x = tensor(3.)").session)


def test_a_session_begun_with_options(tmp_path: Path) -> None:
    line = Lines("x = rand(2)", "y = [1, 2]", session=Session(dtype="float32", seed=7))
    now, again = replayed(line, tmp_path)
    assert again == now
    line = Lines("x = 3", "y = x + 1", session=Session(tracking="explicit"))
    now, again = replayed(line, tmp_path)
    assert again == now


def test_a_session_forced_to_auto_says_how_to_run_it(tmp_path: Path) -> None:
    line = Lines("x = 3", "w = ones(1, requires_grad=true)", "y = [2.]", session=Session(tracking="auto"))
    now, again = replayed(line, tmp_path, tracking="auto")
    assert again == now
    assert (tmp_path / "saved.gr").read_text().startswith("# to be run with --tracking auto\n")


@pytest.mark.parametrize(
    "texts",
    [
        ["x = 3", "y = x^2", "w = ones(1, requires_grad=true)", "z = 1"],
        ["x = 3", "y = x^2", ":set tracking explicit", "z = 1"],
        ["x = 3", ":set tracking explicit"],
        ["w = ones(1, requires_grad=true)", "n = [1.]", ":set tracking auto", "z = [2.]"],
        ["w = ones(1, requires_grad=true)", ":set tracking auto"],
    ],
)
def test_what_no_script_can_do_is_not_saved(texts: list[str], tmp_path: Path) -> None:
    shown = Lines(*texts)(f":save {tmp_path / 'saved.gr'}")
    assert "a script tracks in one way from its first line" in shown
    assert not (tmp_path / "saved.gr").exists()


def test_a_file_is_part_of_what_is_saved(tmp_path: Path) -> None:
    (tmp_path / "model.gr").write_text("x = arange(3)\ny = dot(x, x)\ny\n")
    line = Lines(f":load {tmp_path / 'model.gr'}", "z = _ * 2", "backward z")
    now, again = replayed(line, tmp_path)
    assert again == now


LINES = st.sampled_from(
    [
        "x = 3",
        "x = arange(4)",
        "y = x * 2",
        "y = sin(x) + _",
        "x",
        "y.sum()",
        "_ + 1",
        "_",
        "backward y.sum()",
        "backward x.sum() retain",
        "x += 1",
        "x[0] = 7",
        "x -= 0.1 * x.grad",
        "zero_grad()",
        "const c = x",
        "c = 2.5",
        "l = [x, 1]",
        "l.append(y)",
        "l",
        "rand(2)",
        "r = rand(1)",
        "for i in range(2) { y = y + i }",
        "for _ in range(2) { x = x * 1 }",
        "i",
        "f(a) = a * x",
        "f(2)",
        "del y",
        "nosuch",
        ":undo",
        ":reset",
        "set_default_dtype(float32)",
        "x = x.detach()",
        "a, b = 1, ones(2)",
        "no_grad { x = x * 2 }",
        "x.grad = none",
        "y = x; y += x",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=14))
def test_any_session_can_be_replayed(tmp_path: Path, texts: list[str]) -> None:
    now, again = replayed(Lines(*texts), tmp_path)
    assert again == now
