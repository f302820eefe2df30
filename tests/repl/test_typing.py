"""Keys at the prompt: lines, blocks, indentation, history, `_`, Ctrl-C and Ctrl-D."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradcli import Session
from gradcli.repl.keys import opening_line, without_prompts
from tests.repl.console import CTRL_C, CTRL_D, CTRL_R, DOWN, ENTER, LEFT, PAUSE, TAB, UP, lines, typed


def test_lines_run_in_one_session() -> None:
    done = lines("x = arange(4)", "y = 2*dot(x,x)", "backward y", "x.grad.sum().item()")
    assert done.out == "x.grad = tensor([ 0.,  4.,  8., 12.])\n24.0\n"
    assert (done.err, done.status) == ("", 0)


def test_an_empty_line_does_nothing() -> None:
    done = lines("", "   ", "1 + 1")
    assert (done.out, done.err) == ("2\n", "")


def test_a_block_goes_on_until_its_brace_closes() -> None:
    assert lines("for i in range(3) {", "print(i)", "}", "9").out == "0\n1\n2\n9\n"


@pytest.mark.parametrize("start", ["1 +", "sum([1,", "x = (", 'print("""a'])
def test_a_line_that_waits_for_more_does_not_run(start: str) -> None:
    done = typed(start, ENTER, CTRL_C, "7", ENTER)
    assert (done.out, done.err) == ("7\n", "")


def test_lines_of_a_block_are_indented_and_closing_brackets_are_not() -> None:
    """Seen in a text over several lines, whose blanks are its own."""
    done = typed(
        "f(x) = g -> {", ENTER, 'print("""', ENTER, CTRL_C, "s = [", ENTER, "1,", ENTER, "]", ENTER, "s", ENTER
    )
    assert done.out == "tensor([1.], requires_grad=True)\n"
    history = _entries()
    assert "s = [\n    1,\n]" in history


def _entries() -> list[str]:
    from gradcli.repl.history import opened_history

    return list(opened_history().load_history_strings())


def test_nested_blocks() -> None:
    done = typed(
        *(line + ENTER for line in ("if true {", "for i in range(2) {", "print(i)", "}", "print(7)", "}")), "5", ENTER
    )
    assert done.out == "0\n1\n7\n5\n"
    assert "if true {\n    for i in range(2) {\n        print(i)\n    }\n    print(7)\n}" in _entries()


def test_enter_between_brackets_puts_the_closing_one_on_its_own_line() -> None:
    done = typed("if true {}", LEFT, ENTER, "print(1)", DOWN, ENTER)
    assert done.out == "1\n"
    assert "if true {\n    print(1)\n}" in _entries()


def test_tab_indents_at_the_start_of_a_line_and_backspace_takes_it_back() -> None:
    typed("if true {", ENTER, TAB, "\x7f", "print(1)", ENTER, "}", ENTER)
    assert _entries()[0] == "if true {\n    print(1)\n}"


def test_escape_enter_is_a_new_line_anywhere() -> None:
    assert typed("print(1)\x1b\rprint(2)", ENTER).out == "1\n2\n"


def test_a_pasted_text_is_one_line_of_the_session_and_loses_its_prompts() -> None:
    pasted = (
        ">>> x = torch.ones(2, requires_grad=True)\r\n>>> for i in x {\r\n...     print(i)\r\n... }\r\n1.\r\n1.\r\n"
    )
    copied = "x = torch.ones(2, requires_grad=True)\nfor i in x {\n    print(i)\n}"
    assert without_prompts(pasted) == copied
    done = typed("\x1b[200~a = 1\nb = a + 1\nprint(b)\x1b[201~", ENTER, ":undo", ENTER, "a", ENTER)
    assert done.out.startswith("tensor(2., grad_fn=<AddBackward0>)\nundone: a = 1 ...\n")
    assert "`a` isn't defined" in done.err


def test_a_text_that_is_no_session_keeps_its_line_ends() -> None:
    assert without_prompts("a = [1,\r\n  2]\r") == "a = [1,\n  2]\n"


def test_where_the_innermost_bracket_stands() -> None:
    assert opening_line("f(\n  [1],\n  {") == "  {"
    assert opening_line("f(\n  [1],\n") == "f("
    assert opening_line('print("{")') is None


# ---- leaving and dropping


def test_ctrl_c_drops_the_line() -> None:
    done = typed("1 + 1", CTRL_C, "2 + 2", ENTER)
    assert (done.out, done.err) == ("4\n", "")


def test_ctrl_d_leaves_only_an_empty_line() -> None:
    assert typed("1", CTRL_D, "0", ENTER).out == "10\n"


@pytest.mark.parametrize("word", [":quit", ":q"])
def test_quit_leaves(word: str) -> None:
    assert lines("1", word, "2").out == "1\n"


# ---- history


def test_up_finds_the_latest_line_that_begins_the_same() -> None:
    assert typed("11", ENTER, "print(2)", ENTER, PAUSE, "1", UP, ENTER).out == "11\n2\n11\n"


def test_keys_typed_ahead_find_the_lines_before_them() -> None:
    """In one rush, as by a person who doesn't wait for a prompt that is late."""
    keys = ("11", ENTER, "print(2)", ENTER, "1", UP, ENTER, CTRL_R, "rint", ENTER, ENTER, UP, UP, ENTER)
    assert typed("".join(keys)).out == "11\n2\n11\n2\n11\n"


def test_ctrl_r_searches() -> None:
    assert typed("print(12)", ENTER, "3", ENTER, PAUSE, CTRL_R, "rint", ENTER, ENTER).out == "12\n3\n12\n"


def test_history_lasts_across_sessions(tmp_path: Path) -> None:
    lines("print(41)")
    assert typed(PAUSE, UP, ENTER).out == "41\n"
    file = tmp_path / "state" / "gradcli" / "history"
    assert file.stat().st_mode & 0o077 == 0


def test_without_a_place_for_it_history_lasts_for_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    done = typed("5", ENTER, PAUSE, UP, ENTER)
    assert (done.out, done.err) == ("5\n5\n", "")


def test_a_long_history_loses_its_older_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradcli.repl import history

    monkeypatch.setattr(history, "MOST_BYTES", 1000)
    lines(*(f"print({number})" for number in range(100)))
    entries = _entries()
    assert 20 < len(entries) < 80
    assert entries == [f"print({number})" for number in range(99, 99 - len(entries), -1)]


# ---- the last value


def test_underscore_is_the_last_value_shown() -> None:
    assert lines("3 + 4", "x = 5", "_ * 2", "_ + 1").out == "7\n14\n15\n"


def test_underscore_leaves_tracking_as_it_was() -> None:
    done = lines("ones(2)", "x = 3", "x", "backward _ * 2", "_.is_leaf")
    assert "x.grad = tensor(2.)\nTrue\n" in done.out
    # What `ones(2)` showed wasn't made a leaf for being `_`.
    assert not lines("ones(2)").session["_"].requires_grad


def test_what_is_shown_inside_a_block_is_not_the_last_value() -> None:
    assert lines("8", "for i in range(2) { i }", "_").out == "8\n0\n1\n8\n"


# ---- failures and beginnings


def test_a_failing_line_shows_its_own_text_and_changes_nothing() -> None:
    done = lines("x = 2", "x = 5; y = x + nosuch", "x")
    assert "--> <input 2>:1:16" in done.err
    assert " 1 | x = 5; y = x + nosuch" in done.err
    assert done.out == "tensor(2., requires_grad=True)\n"
    assert "y" not in done.session


def test_a_file_and_settings_run_first(tmp_path: Path) -> None:
    script = tmp_path / "first.gr"
    script.write_text("y = n * 2\r\nprint(y)\r\n")
    done = lines("y", file=str(script), settings=["n=4"])
    assert done.out == "tensor(8., grad_fn=<MulBackward0>)\n" * 2
    assert "no such file" in lines("1", file=str(tmp_path / "missing")).err


def test_session_and_renderer_may_be_made_behind_the_first_prompt() -> None:
    import io

    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    from gradcli.render.plain import PlainRenderer
    from gradcli.repl.shell import run_repl

    out = io.StringIO()
    with create_pipe_input() as keyboard:
        keyboard.send_text("x = 3" + ENTER + "x^2" + ENTER + CTRL_D)
        run_repl(
            Session,
            lambda session: PlainRenderer(out, io.StringIO(), session.text_of),
            input=keyboard,
            output=DummyOutput(),
        )
    assert out.getvalue() == "tensor(9., grad_fn=<PowBackward0>)\n"
