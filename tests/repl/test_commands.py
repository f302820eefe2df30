"""What begins with a colon."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from gradcli import Session
from gradcli.engine import modes
from gradcli.repl.commands import COMMANDS
from tests.repl.console import Lines, state


def test_help_lists_every_command_with_its_first_line() -> None:
    shown = Lines()(":help")
    for command in COMMANDS.values():
        assert f"  {command.called} " in shown
        assert command.first_line.endswith(".")
        assert command.first_line.split()[0] in shown
    assert {"help", "vars", "graph", "explain", "check", "load", "save", "reset", "undo", "time", "set", "quit"} == set(
        COMMANDS
    )


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_help_keeps_to_the_width(columns: int) -> None:
    line = Lines("x = [1, 2, 3]", "backward (x^2).sum()", columns=columns)
    for text in (":help", ":help sum", ":help :save", ":vars", ":set"):
        shown = line(text)
        assert shown
        longest = max(shown.split("\n"), key=len)
        # A term that's wider than a line is left whole.
        assert len(longest) < max(columns, 30), longest


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("sum", "sum(input, dim=none, keepdim=false, *, dtype=none)\nThe sum of all elements, or along dims.\n"),
        ("backward", "backward y [with v]"),
        ("zero_", "x.zero_()\nSets every element to 0, in place.\n"),
        (":undo", ":undo\nTakes the last line back"),
        ("x", "x: tensor (3,) float64 leaf\n"),
        ("f", "f: function f(a, n=2)\n"),
        ("pi", "pi = 3.14"),
        ("linalg.norm", "linalg.norm(A, "),
        ("sinn", "did you mean `sin`?"),
        ("undo", ":undo\nTakes the last line back"),
    ],
)
def test_help_on_a_name(name: str, shown: str) -> None:
    assert shown in Lines("x = [1, 2, 3]", "f(a, n=2) = a^n")(f":help {name}")


def test_every_name_that_completion_offers_has_help() -> None:
    from gradcli.library.vocabulary import CONSTANTS, FUNCTIONS, METHODS
    from gradcli.repl.words import STATEMENTS

    line = Lines()
    for name in {*FUNCTIONS, *METHODS, *STATEMENTS, *CONSTANTS, *(f":{key}" for key in COMMANDS)}:
        shown = line(f":help {name}")
        assert shown.strip(), name
        assert not shown.startswith("error:"), name


def test_every_word_of_the_grammar_is_offered() -> None:
    from gradcli.grammar import tables
    from gradcli.repl.words import OPERATORS, STATEMENTS

    words = {word for word in tables.WORDS if word.isidentifier()}
    assert words <= {*STATEMENTS, *OPERATORS, "True", "False", "None"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (":un", "nothing to undo"),
        (":h undo", ":undo\n"),
        (":v", "no names yet\n"),
        (":s", "`:s` may be :save or :set"),
        (":re", "error"),
        (":hlep", "did you mean `:help`?"),
        (":varz", "did you mean `:vars`?"),
        (":xyzzy", "`:help` lists the commands"),
        (":", "there is no command"),
        (":undo 3", ":undo takes no argument"),
        (":save", ":save needs an argument"),
        (":graph", "no name has a value with a graph yet"),
    ],
)
def test_abbreviations_and_mistakes(text: str, shown: str) -> None:
    line = Lines()
    if text == ":re":
        line("x = 3")
        assert line(text) == ""
        assert "x" not in line.session
    else:
        assert shown in line(text)


# ---- names


def test_vars_is_a_table() -> None:
    line = Lines("x = arange(4)", "n = len(x)", "y = dot(x, x)", "backward y", "const c = eye(2)", 's = "text"')
    line("f(a, b=2) = a")
    assert line(":vars") == (
        "name  shape  dtype     tracked  gradient\n"
        "x     (4,)   float64   leaf     tensor([0., 2., 4., 6.])\n"
        "n            int\n"
        "y     ()     float64   result\n"
        "c     (2,2)  float64\n"
        "s            text\n"
        "f            function\n"
    )


def test_vars_on_a_narrow_terminal_has_gradients_below_their_names() -> None:
    line = Lines("a_long_name = arange(4)", "y = dot(a_long_name, a_long_name)", "backward y", columns=40)
    assert line(":vars") == ("a_long_name (4,) float64 leaf\n  grad tensor([0., 2., 4., 6.])\ny () float64 result\n")


def test_vars_does_not_flood() -> None:
    line = Lines("x = rand(100, 100)", "backward (x^2).sum()", "l = [x, [x]]")
    assert "gradient\nx     (100,100)  float64    leaf     of shape (100, 100)\n" in line(":vars")


@pytest.mark.parametrize(
    ("text", "event", "name"),
    [
        (":graph y", "Graph", "y"),
        (":graph", "Graph", "z"),
        (":explain y", "Explained", "y"),
        (":exp", "Explained", "z"),
        (":check y", "Checked", "y"),
        (":check y claim x: 4*x", "Checked", "y"),
        (":graph x * 3", "Graph", None),
    ],
)
def test_graphs_derivations_and_checks_are_those_of_the_statements(text: str, event: str, name: str | None) -> None:
    line = Lines("x = [1, 2, 3]", "z = 1", "y = 2*dot(x, x)", "z = y * 2", "backward y retain")
    before, seen = state(line.session), []
    line.renderer.event = seen.append  # type: ignore[method-assign]
    line(text)
    assert [(type(shown).__name__, shown.name) for shown in seen] == [(event, name)]
    assert state(line.session) == before
    # Looking is no line of the session.
    assert line(":undo") == "undone: backward y retain\n"


# ---- settings


def test_settings() -> None:
    line = Lines()
    before = modes.precision
    try:
        line(":set precision 2")
        assert line("pi * ones(1)") == "tensor([3.14])\n"
        assert line(":set precision") == "precision 2\n"
        assert line(":set dtype=float32") == ""
        assert line("ones(1).dtype") == "torch.float32\n"
        line(":set seed 3")
        drawn = line("rand(2)")
        line(":set seed 3")
        assert line("rand(2)") == drawn
        assert "dtype float32" in line(":set")
        line(":undo")
        line(":undo")
        assert line(":set dtype") == "dtype float32\n"
    finally:
        modes.precision = before


def test_tracking_can_be_set() -> None:
    line = Lines("x = 3")
    assert line(":set tracking") == "tracking auto\n"
    assert "tracking is explicit from here on" in line(":set tracking explicit")
    assert line("x") == "tensor(3.)\n"
    line(":undo")
    line(":undo")
    assert line("x") == "tensor(3., requires_grad=True)\n"
    line(":set tracking auto")
    assert line("w = ones(1, requires_grad=true); y = [2.]; y") == "tensor([2.], requires_grad=True)\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (":set precison 3", "did you mean `precision`?"),
        (":set nothing 3", "the settings are precision, dtype, tracking, seed"),
        (":set precision 99", "from 0 to 17"),
        (":set precision -1", "from 0 to 17"),
        (":set dtype int64", "float64 or float32"),
        (":set tracking maybe", "auto or explicit"),
        (":set seed x", "whole number"),
    ],
)
def test_wrong_settings(text: str, shown: str) -> None:
    line = Lines()
    assert shown in line(text)
    assert line(":undo").startswith("error")


# ---- time


def test_time_leaves_the_session_alone() -> None:
    line = Lines("x = arange(4)", "i = 0")
    assert "us a run" in line(":time dot(x, x)") or "ns a run" in line(":time dot(x, x)")
    line(":time i += 1")
    assert line("i.item()") == "0.0\n"
    assert "_" in line.session  # of the line before
    assert "`nosuch` isn't defined" in line(":time nosuch")
    # A backward runs once: after it the graph is freed.
    line("y = dot(x, x)")
    assert line(":time y.backward()").endswith("once\n")
    assert line("backward y") == "x.grad = tensor([0., 2., 4., 6.])\n"


def test_time_of_something_slow() -> None:
    shown = Lines()(":time for i in range(3000000) { }")
    amount, unit, *_ = shown.split()
    assert 0.005 < float(amount) * {"s": 1, "ms": 1e-3}[unit] < 10
    assert math.isfinite(float(amount))


# ---- files


def test_load_runs_a_script(tmp_path: Path) -> None:
    script = tmp_path / "a b.gr"
    script.write_bytes(b"\xef\xbb\xbfx = 3\r\nprint(x)\r\ny = x^2\r\n")
    line = Lines()
    assert line(f":load {script}") == "tensor(3., requires_grad=True)\n"
    assert line("backward y") == "x.grad = tensor(6.)\n"
    line(":undo")
    assert line(":undo") == f"undone: :load {script}\n"
    assert line(":vars") == "no names yet\n"


def test_a_script_that_fails_is_shown_by_its_name_and_leaves_nothing(tmp_path: Path) -> None:
    script = tmp_path / "wrong.gr"
    script.write_text("x = 3\nx + nosuch\n")
    line = Lines()
    assert f"--> {script}:2:5" in line(f":load {script}")
    assert line(":vars") == "no names yet\n"
    assert "no such file" in line(":load nosuch.gr")
    script.write_bytes(b"\xff")
    assert "UTF-8" in line(f":load {script}")


def test_save_writes_what_was_accepted(tmp_path: Path) -> None:
    script = tmp_path / "session.gr"
    line = Lines(
        "x = arange(4)", "x + nosuch", ":vars", "y = x * 2", ":undo", "y = 2*dot(x,x)", "backward y", ":time y"
    )
    assert line(f":save {script}") == f"3 lines saved as {script}\n"
    assert script.read_text() == "x = arange(4)\ny = 2*dot(x,x)\nbackward y\n"
    # Again, since it's this session's own file.
    line("z = 1")
    assert line(f":save {script}") == f"4 lines saved as {script}\n"
    assert os.listdir(tmp_path) == ["session.gr"]


def test_save_does_not_replace_a_file_of_somebody_else(tmp_path: Path) -> None:
    script = tmp_path / "precious.gr"
    script.write_text("precious\n")
    script.chmod(0o640)
    line = Lines("x = 1")
    assert f"exists already\n  = help: to replace it: `:save {script}!`" in line(f":save {script}")
    assert script.read_text() == "precious\n"
    line(f":save {script}!")
    assert script.read_text() == "x = 1\n"
    assert script.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_save_writes_into_a_pipe_and_puts_no_file_in_its_place(tmp_path: Path) -> None:
    """Nor in that of a device: `:save /dev/null!` by root would leave the machine without one."""
    line = Lines()
    line("x = 3")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert "1 line saved" in line(f":save {pipe}!")
        assert os.read(reader, 100) == b"x = 3\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_save_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "session.gr"
    line = Lines("x = 1", f":save {script}", "y = 2")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert f"can't write {script}: no space left on device" in line(f":save {script}")
    assert script.read_text() == "x = 1\n"
    assert os.listdir(tmp_path) == ["session.gr"]
    assert "no such file" in line(f":save {tmp_path / 'nowhere' / 'x.gr'}")


def test_a_sandbox_has_no_files(tmp_path: Path) -> None:
    line = Lines("x = 1", session=Session(sandbox=True))
    for text in (f":save {tmp_path / 'x.gr'}", f":load {tmp_path / 'x.gr'}"):
        assert "--sandbox" in line(text)
    assert os.listdir(tmp_path) == []


def test_reset_and_undo_of_it() -> None:
    line = Lines("x = 3", "set_default_dtype(float32)", "y = x^2", "backward y")
    line(":reset")
    assert line(":vars") == "no names yet\n"
    assert line("[1].dtype") == "torch.float64\n"
    line(":undo")
    assert line(":undo") == "undone: :reset\n"
    assert line("x.grad, [1].dtype") == "(tensor(6., dtype=torch.float64), torch.float32)\n"
