"""The Python API: `from gradcli import Session, Tensor, tensor, GradcliError`."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import gradcli
from gradcli import GradcliError, Session, Tensor, tensor
from gradcli.errors import FileFailure, LimitFailure, NameFailure, ShapeFailure, SyntaxFailure, ValueFailure
from gradcli.events import Grad, Printed, Value, Warned


def shown(session: Session, source: str) -> list[Any]:
    return list(session.run(source))


def test_the_names_it_gives() -> None:
    assert {"Session", "Tensor", "tensor", "GradcliError"} <= set(gradcli.__all__)
    assert gradcli.__version__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = gradcli.nonsense


def test_importing_it_loads_nothing_yet() -> None:
    code = "import sys, gradcli; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_example_of_the_package() -> None:
    (event,) = shown(Session(), "x = arange(4); y = 2*dot(x, x); backward y")
    assert isinstance(event, Grad)
    assert (event.of, event.name, event.line) == ("y", "x", 1)
    assert np.array_equal(event.value, [0, 4, 8, 12])


def test_events_are_what_a_script_shows() -> None:
    value, printed, bare, grad = shown(Session(), "x = 3\nx^2\nprint(1, 'a')\nx\nbackward x^2")
    assert isinstance(value, Value)
    assert (value.name, value.line, value.value.item()) == (None, 2, 9)
    assert isinstance(printed, Printed)
    assert printed.text == "1 a\n"
    assert isinstance(bare, Value)
    assert (bare.name, bare.line) == ("x", 4)
    assert isinstance(grad, Grad)
    assert (grad.of, grad.name, grad.line, grad.value.item()) == (None, "x", 5, 6)


def test_a_warning_is_an_event() -> None:
    (event,) = shown(Session(), "x = [1, 2]; y = x^2; g = y.grad")
    assert isinstance(event, Warned)
    assert event.span is not None
    assert event.span.line == 1


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    shown(Session(), "print(1); 2; x = [1, 2]; y = x^2; g = y.grad")
    assert capsys.readouterr() == ("", "")


def test_events_come_as_they_happen() -> None:
    session = Session()
    events = session.run("1; a = 2\nprint(a)\nb = 3; 4; 1 + none")
    assert isinstance(next(events), Value)
    assert "a" not in session
    assert isinstance(next(events), Printed)
    assert "a" in session
    assert "b" not in session
    assert next(events).value == 4
    with pytest.raises(GradcliError):
        next(events)
    assert session["b"].item() == 3
    assert list(events) == []


def test_what_was_shown_before_a_failure_comes_first() -> None:
    events = Session().run("f() = print(1) if true else 0\ndef g() { print(2); return nothing }\ng()")
    assert next(events).text == "2\n"
    with pytest.raises(NameFailure):
        next(events)


def test_a_failure_is_data() -> None:
    with pytest.raises(GradcliError) as caught:
        shown(Session(), "x = [1, 2]\ny = x + [1, 2, 3]")
    failure = caught.value
    assert isinstance(failure, ShapeFailure)
    assert failure.kind == "ShapeFailure"
    assert str(failure) == failure.message
    assert failure.message.startswith("The size of tensor a (2) must match the size of tensor b (3)")
    assert failure.help.startswith("sizes are compared from the last dimension on")
    assert failure.span is not None
    assert failure.span[:5] == ("<text>", 2, 5, 2, 18)


def test_a_text_has_a_name() -> None:
    with pytest.raises(SyntaxFailure) as caught:
        shown_as(Session(), "1 +", "fit.gr")
    assert caught.value.span is not None
    assert caught.value.span.file == "fit.gr"


def shown_as(session: Session, source: str, name: str) -> list[Any]:
    return list(session.run(source, name=name))


def test_names_live_on_after_a_failure() -> None:
    session = Session()
    with pytest.raises(GradcliError):
        shown(session, "a = 1; b = nothing; c = 3")
    assert session["a"].item() == 1
    assert "b" not in session
    assert "c" not in session
    assert shown(session, "a + 1")[0].value.item() == 2


def test_a_run_that_nobody_finishes_stops() -> None:
    session = Session()
    events = session.run("a = 1; no_grad { 3; a = 2 }")
    next(events)
    events.close()
    assert session["a"].item() == 1
    # And leaves no grad mode behind.
    (event,) = shown(session, "a * 2")
    assert event.value.requires_grad


def test_sessions_share_nothing() -> None:
    one, other = Session(), Session(dtype="float32")
    shown(one, "a = 1")
    assert "a" not in other
    first, second = one.run("ones(1).dtype; ones(1).dtype"), other.run("ones(1).dtype; ones(1).dtype")
    dtypes = [str(next(events).value) for events in (first, second, first, second)]
    assert dtypes == ["torch.float64", "torch.float32", "torch.float64", "torch.float32"]


# ---- its arguments


def test_dtype() -> None:
    assert shown(Session(dtype="float32"), "[1, 2]")[0].value.dtype == np.float32
    with pytest.raises(ValueFailure, match="the default dtype is float64"):
        Session(dtype="int64")


@pytest.mark.parametrize("seed", [0, 1, 2**40, -5])
def test_seed(seed: int) -> None:
    one, same, other = (shown(Session(seed=given), "rand(4)")[0].value for given in (seed, seed, seed + 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert np.array_equal(one, shown(Session(), f"manual_seed({seed}); rand(4)")[0].value)


def test_tracking() -> None:
    assert shown(Session(tracking="explicit"), "x = 3; x")[0].value == 3
    assert shown(Session(tracking="auto"), "x = 3; x # requires_grad")[0].value.requires_grad
    assert shown(Session(), "x = 3; x")[0].value.requires_grad
    with pytest.raises(ValueFailure, match='tracking is "auto" or "explicit"'):
        Session(tracking="no")


def test_sandbox() -> None:
    with pytest.raises(FileFailure, match="isn't allowed in the sandbox"):
        shown(Session(sandbox=True), 'load("x.csv")')


# ---- names


def test_names_are_read_and_set() -> None:
    session = Session()
    array = np.array([1.0, 2.0])
    session["x"] = array
    (event,) = shown(session, "backward sum(x^2)")
    assert np.array_equal(event.value, [2, 4])
    assert isinstance(session["x"], Tensor)
    assert np.array_equal(session["x"].grad, [2, 4])
    assert "x" in session
    assert "y" not in session
    assert "sum" not in session


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (2.5, "2.5"),
        ("a", "'a'"),
        (np.float64(2.5), "tensor(2.5000, requires_grad=True)"),
        (np.arange(3), "tensor([0, 1, 2])"),
        (np.array([True, False]), "tensor([ True, False])"),
        (np.array([1.0], np.float32), "tensor([1.], dtype=torch.float32, requires_grad=True)"),
    ],
)
def test_values_of_python(value: Any, text: str) -> None:
    from gradcli.render.plain import value_text

    session = Session()
    session["v"] = value
    assert value_text(shown(session, "v")[0].value) == text


@pytest.mark.parametrize("name", ["", "a b", "1x", "if", "__x", "x.y", "π r", "x\n"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(NameFailure):
        Session()[name] = 1


def test_names_that_are_not_there() -> None:
    session = Session()
    for name in ("x", "sum", "__builtins__"):
        with pytest.raises(NameFailure, match="isn't defined"):
            _ = session[name]


def test_a_built_in_can_be_shadowed() -> None:
    session = Session()
    session["sum"] = 3
    assert session["sum"] == 3
    assert shown(session, "sum")[0].value == 3


# ---- tensors beside NumPy's arrays


def test_tensors_interoperate() -> None:
    session = Session()
    shown(session, "x = [1, 2, 3]")
    x = session["x"]
    assert type(np.asarray(x)) is np.ndarray
    y = np.sin(x) * np.array([1.0, 2.0, 3.0])
    assert isinstance(y, Tensor)
    assert y.grad_fn is not None
    y.sum().backward()
    assert np.allclose(np.asarray(x.grad), np.cos([1, 2, 3]) * [1, 2, 3])
    assert np.array_equal(x.detach().numpy(), [1, 2, 3])


def test_tensors_are_made_in_python() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    assert np.array_equal(np.asarray(x.grad), [2, 4])
    session = Session()
    session["x"] = x
    assert session["x"] is x


def test_a_limit_is_a_failure_too() -> None:
    with pytest.raises(LimitFailure):
        shown(Session(), "f(n) = f(n + 1); f(1)")
