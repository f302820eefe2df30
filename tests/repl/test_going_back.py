"""A line that fails or is interrupted leaves no trace, and `:undo` takes an accepted one back."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from gradcli.engine import modes
from gradcli.repl import snapshots
from tests.repl.console import Lines, state

SETUP = (
    "x = arange(4)",
    "y = 2*dot(x, x)",
    "const c = [1, 2, 3]",
    "l = [1, x, [c]]",
    "f(t) = t * x",
    "h = exp(x); h.retain_grad()",
    "z = h.sum() + f(x).sum()",
    "w = x[1:]",
)

CHANGES = (
    "x = 7",
    "new = 1",
    "del x",
    "backward y",
    "backward z",
    "backward y; x.grad.zero_()",
    "backward z retain",
    "backward y; x -= 0.1 * x.grad; zero_grad()",
    "x[0] = 5",
    "x[0] = y",
    "x += y",
    "x.data = ones(4)",
    "x.grad = ones(4)",
    "c[0] = 9",
    "w.detach().zero_()",
    "x.detach().fill_(3)",
    "l.append(3); l[2].append(4)",
    "l.clear()",
    "f(t) = 3",
    "x.register_hook(g -> 2*g)",
    "z.register_hook(g -> l.append(g)); backward z",
    "rand(3); manual_seed(5); r = rand(2)",
    "set_default_dtype(float32)",
    "q = tensor([1.], requires_grad=true)",
    "sum = 3",
    "print(y.item()); backward y; no_grad { y.mul_(2) }",
    "k = c.detach(); k.sub_(1)",
)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("end", ["undo", "fail"])
def test_everything_is_as_before(change: str, end: str) -> None:
    line = Lines(*SETUP)
    before, settings = state(line.session), _settings(line)
    draws = _next_draws(line)
    if end == "fail":
        assert "`nosuch` isn't defined" in line(change + "; nosuch")
    else:
        assert "error" not in line(change)
        assert "undone" in line(":undo")
    assert state(line.session) == before
    assert _settings(line) == settings
    assert _next_draws(line) == draws
    # The graphs are whole, too: what `backward` freed, changes stamped, hooks and cuts.
    assert line("backward z").count("x.grad") == 1
    assert line("backward y") == "x.grad = tensor([ 1.0000,  8.7183, 19.3891, 38.0855])\n"
    np.testing.assert_allclose(line.session["h"].grad.array, 1)
    assert line("f([1, 1, 1, 1])") == "tensor([0., 1., 2., 3.], grad_fn=<MulBackward0>)\n"


def test_the_changes_are_changes() -> None:
    """The proof that the test above can fail."""
    quiet = {"z.register_hook(g -> l.append(g)); backward z", "x.register_hook(g -> 2*g)", "set_default_dtype(float32)"}
    for change in CHANGES:
        line = Lines(*SETUP)
        before, draws = state(line.session), _next_draws(line)
        line(change)
        assert state(line.session) != before or _next_draws(line) != draws or change in quiet, change


def _settings(line: Lines) -> tuple[object, ...]:
    now = line.session.snapshot()
    return list(now.values), now.consts, now.dtype, now.explicit


def _next_draws(line: Lines) -> str:
    shown: list[str] = []
    line.shell._run("rand(2)", "<draws>", values := [])
    shown.append(repr(values))
    line.shell._past.put_back()
    return shown[0]


def test_many_lines_can_be_undone() -> None:
    line = Lines("x = 0")
    for _ in range(30):
        line("x += 1")
    for _ in range(30):
        assert line(":undo") == "undone: x += 1\n"
    assert line("x.item()") == "0.0\n"
    assert line(":undo") == "undone: x.item()\n"
    assert line(":undo") == "undone: x = 0\n"
    assert "nothing to undo" in line(":undo")
    assert state(line.session) == {}


def test_what_can_be_undone_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MOST_STEPS", 5)
    line = Lines(*("x = 1",) * 20)
    assert sum("undone" in line(":undo") for _ in range(20)) == 5
    monkeypatch.setattr(snapshots, "MOST_BYTES", 100_000)
    line = Lines("w = zeros(5000)", *("w = w.detach() + 1",) * 20)
    assert 1 <= sum("undone" in line(":undo") for _ in range(20)) <= 3


def test_what_is_too_large_to_be_copied_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MOST_COPIED", 1000)
    line = Lines("small = zeros(3); large = zeros(1000)")
    shown = line("small += 1; large += 1; nosuch")
    assert "too large to be put back, and as the line left it: `large`" in shown
    assert line("small.sum().item(), large.sum().item()") == "(0.0, 1000.0)\n"
    # A name given another array isn't a change of the array.
    assert "too large" not in line("large = large.detach() + 1; nosuch")
    assert line("large.sum().item()") == "1000.0\n"


def test_a_graph_too_large_to_be_recorded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MOST_NODES", 50)
    line = Lines("x = 1; y = x\nfor i in range(100) { y = sin(y) }")
    assert "parts of a graph" in line("backward y; nosuch")


def test_an_undone_switch_to_explicit_tracking_is_undone() -> None:
    line = Lines("x = 3", "y = x^2", "t = ones(1).requires_grad_()")
    assert line("x.is_leaf, y.is_leaf, t") == "(True, False, tensor([1.], requires_grad=True))\n"
    line(":undo")
    line(":undo")
    assert line("backward y") == "x.grad = tensor(6.)\n"
    assert line("n = 4; backward n^2") == "n.grad = tensor(8.)\n"


def test_a_value_that_holds_itself_can_be_recorded() -> None:
    line = Lines("l = [1, ones(2)]", "l.append(l)", "t = (l, l)", "t = (t, t)", "t = (t, t)")
    line("l.pop(); l.pop()")
    line(":undo")
    assert line("len(l)") == "3\n"


# ---- interrupts


def _interrupted(line: Lines, text: str, after: float = 0.3) -> str:
    timer = threading.Timer(after, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    shown = line(text)
    timer.join()
    return shown


@pytest.mark.parametrize(
    "text",
    [
        "while true { x += 1; y = x * 2 }",
        "backward y; new = 1; while true { }",
        "while true { x.grad = none; z = dot(x, x); backward z }",
        "while true { l = [rand(10)]; x.detach().zero_() }",
    ],
)
def test_an_interrupt_leaves_names_and_gradients_as_they_were(text: str) -> None:
    line = Lines("x = arange(4)", "l = [1, x]", "y = dot(x, x)", "backward y retain")
    before, at_rest = (
        state(line.session),
        {key: getattr(modes, key) for key in ("recording", "script_builtins", "warn")},
    )
    handler = signal.getsignal(signal.SIGINT)
    assert _interrupted(line, text).endswith("interrupted: names and gradients are as they were before this line\n")
    assert state(line.session) == before
    assert {key: getattr(modes, key) for key in at_rest} == at_rest
    assert signal.getsignal(signal.SIGINT) is handler
    assert line("backward y") == "x.grad = tensor([ 0.,  4.,  8., 12.])\n"


def test_an_interrupt_that_is_dropped_while_an_object_is_freed_is_raised_again() -> None:
    from gradcli.repl.interrupts import Interrupts

    class Freed:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def run(interrupts: Interrupts) -> None:
        with interrupts.while_it_runs():
            freed = Freed()
            del freed
            while time.monotonic() < start + 5:
                pass

    start = time.monotonic()
    with Interrupts(lambda: None) as interrupts, pytest.raises(KeyboardInterrupt):
        run(interrupts)
    assert time.monotonic() < start + 3


def test_a_second_interrupt_does_not_disturb_putting_back(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Lines("x = 3")
    put_back: Callable[..., list[str]] = line.shell._past.put_back

    def slow() -> list[str]:
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.05)
        return put_back()

    monkeypatch.setattr(line.shell._past, "put_back", slow)
    assert "interrupted" in _interrupted(line, "x = 4; while true { }")
    assert line("x.item()") == "3.0\n"


def test_a_failure_inside_a_failing_output_is_not_lost() -> None:
    """What isn't a failure of the script (a closed pipe) goes up, with the session as it was."""
    line = Lines("x = 3")

    def closed(event: object) -> None:
        raise BrokenPipeError

    line.renderer.event = closed  # type: ignore[method-assign]
    with pytest.raises(BrokenPipeError):
        line("x = 4; x")
    assert line.session["x"].item() == 3
