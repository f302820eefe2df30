"""When output is dressed up, when it has colours, and how wide it is taken to be."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import TextIO

import pytest

from gradcli.render.color import WIDTH, has_color, is_rich, is_terminal, terminal_width

fcntl = pytest.importorskip("fcntl")
pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")


def resize(stream: TextIO, columns: int) -> None:
    fcntl.ioctl(stream.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    """A stream to a terminal of 100 columns."""
    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as stream:
        resize(stream, 100)
        yield stream
    os.close(master)


@pytest.fixture
def pipe() -> Iterator[TextIO]:
    reader, writer = os.pipe()
    with open(writer, "w", encoding="utf-8") as stream:
        yield stream
    os.close(reader)


XTERM = {"TERM": "xterm-256color"}
RICH_AND_COLORED, RICH, PLAIN = (True, True), (True, False), (False, False)


def look(stream: TextIO, color: str, environ: dict[str, str]) -> tuple[bool, bool]:
    return is_rich(stream, color, environ), has_color(stream, color, environ)


@pytest.mark.parametrize(
    ("color", "environ", "on_a_terminal", "in_a_pipe"),
    [
        ("auto", {}, RICH_AND_COLORED, PLAIN),
        ("auto", {"NO_COLOR": "1"}, RICH, PLAIN),
        ("auto", {"NO_COLOR": ""}, RICH_AND_COLORED, PLAIN),
        ("auto", {"FORCE_COLOR": "1"}, RICH_AND_COLORED, RICH_AND_COLORED),
        ("auto", {"FORCE_COLOR": "0"}, RICH_AND_COLORED, PLAIN),
        ("auto", {"FORCE_COLOR": ""}, RICH_AND_COLORED, PLAIN),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, RICH, PLAIN),
        ("auto", {"TERM": "dumb"}, PLAIN, PLAIN),
        ("auto", {"TERM": "dumb", "FORCE_COLOR": "1"}, RICH_AND_COLORED, RICH_AND_COLORED),
        ("always", {}, RICH_AND_COLORED, RICH_AND_COLORED),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, RICH_AND_COLORED, RICH_AND_COLORED),
        ("never", {}, RICH, PLAIN),
        ("never", {"FORCE_COLOR": "1"}, RICH, PLAIN),
        ("never", {"TERM": "dumb"}, PLAIN, PLAIN),
    ],
)
def test_look(
    terminal: TextIO,
    pipe: TextIO,
    color: str,
    environ: dict[str, str],
    on_a_terminal: tuple[bool, bool],
    in_a_pipe: tuple[bool, bool],
) -> None:
    assert look(terminal, color, XTERM | environ) == on_a_terminal
    assert look(pipe, color, XTERM | environ) == in_a_pipe


def test_a_closed_stream_is_no_terminal(pipe: TextIO) -> None:
    stream = io.StringIO()
    stream.close()
    assert not is_terminal(stream, XTERM)


def test_width_is_that_of_the_terminal_at_the_moment(terminal: TextIO) -> None:
    assert terminal_width(terminal, {}) == 100
    resize(terminal, 47)
    assert terminal_width(terminal, {}) == 47


@pytest.mark.parametrize(
    ("columns", "width"), [("60", 60), ("0", 100), ("", 100), ("wide", 100), ("-5", 100), ("3", 20), ("²", 100)]
)
def test_columns_overrides_the_terminal(terminal: TextIO, columns: str, width: int) -> None:
    assert terminal_width(terminal, {"COLUMNS": columns}) == width


def test_width_of_what_has_none(terminal: TextIO, pipe: TextIO) -> None:
    resize(terminal, 0)
    assert terminal_width(terminal, {}) == terminal_width(pipe, {}) == terminal_width(io.StringIO(), {}) == WIDTH


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", code + "\nimport sys; print(*sys.modules, file=sys.stderr)"],
        capture_output=True,
        text=True,
        timeout=60,
        env={name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR")},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_asking_does_not_load_rich() -> None:
    loaded = modules_after("from gradcli.render.color import is_rich; import sys; assert not is_rich(sys.stdout)")
    assert "gradcli.render.color" in loaded
    assert "rich" not in loaded


def test_a_piped_evaluation_does_not_load_rich() -> None:
    run = """
import os, sys
from gradcli.__main__ import main
os._exit = sys.exit
sys.argv = ["gradcli", "eval", "-e", "x = arange(4); x; backward dot(x, x)"]
try:
    main()
except SystemExit as leaving:
    assert not leaving.code
"""
    loaded = modules_after(run)
    assert "gradcli.render.plain" in loaded
    assert not loaded & {"rich", "pygments", "gradcli.render.rich_text", "gradcli.render.theme"}


def test_the_list_of_modules_would_show_rich() -> None:
    """The proof that the two tests above can fail."""
    assert {"rich", "gradcli.render.theme"} <= modules_after("import gradcli.render.rich_text")
