"""The REPL in a process of its own, on a pseudo-terminal."""

from __future__ import annotations

import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pty = pytest.importorskip("pty")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

RUN = """
import sys
from gradcli.repl.shell import run_repl
def session():
    from gradcli import Session
    return Session()
def renderer(session):
    from gradcli.render.plain import PlainRenderer
    return PlainRenderer(sys.stdout, sys.stderr, session.text_of)
sys.exit(run_repl(session, renderer, *sys.argv[1:]))
"""

_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()=>][A-Z0-9]?)|\r")
_WHERE = "\x1b[6n"


class Terminal:
    """A process whose terminal is ours; `seen` is what it wrote, escape sequences left out."""

    def __init__(self, command: list[str], columns: int = 80, **environment: str) -> None:
        self._master, slave = pty.openpty()
        self.resize(columns)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", **environment},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._raw = ""
        self._start = 0

    @property
    def seen(self) -> str:
        """What was written since the last `wait_for` ended."""
        return _ESCAPE.sub("", self._raw[self._start :])

    def _read(self, seconds: float) -> None:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if ready:
            try:
                part = os.read(self._master, 65536).decode("utf-8", "replace")
            except OSError:
                return
            # It asks where the cursor is, as terminals are asked.
            for _ in range(part.count(_WHERE)):
                os.write(self._master, b"\x1b[1;1R")
            self._raw += part

    def wait_for(self, text: str, seconds: float = 20, raw: str = "") -> str:
        """Waits until a text was written (and a pattern, escapes and all); returns what was, with what came along."""
        end = time.monotonic() + seconds
        while text not in self.seen or not re.search(raw, self._raw):
            assert time.monotonic() < end, f"{text!r} didn't come, only {self.seen!r}"
            self._read(0.1)
        shown = self.seen
        self._start = len(self._raw)
        return shown

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def line(self, text: str, shows: str) -> str:
        """Types a line and waits for what it shows, and for the next prompt."""
        self.wait_until_quiet()
        self._start = len(self._raw)
        self.type(text + "\r")
        shown = self.wait_for(shows)
        self.wait_until_quiet()
        return shown + self.seen

    def wait_until_quiet(self) -> None:
        size = -1
        while size != len(self._raw):
            size = len(self._raw)
            self._read(0.15)

    def resize(self, columns: int, rows: int = 24) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def leave(self) -> int:
        """Ctrl-D at the prompt; the exit status."""
        self.wait_until_quiet()
        self.type("\x04")
        return self.exit_status()

    def exit_status(self) -> int:
        end = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < end:
            self._read(0.05)
        return self.process.wait(1)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal([sys.executable, "-c", RUN])
    made.wait_for(">>>")
    yield made
    made.close()


def test_a_session(terminal: Terminal) -> None:
    terminal.line("x = arange(4)", ">>>")
    assert "x.grad = tensor([ 0.,  4.,  8., 12.])" in terminal.line("y = 2*dot(x,x); backward y", "12.])")
    terminal.line("for i in range(2) {", "...")
    terminal.line("print(i + 70)", "...")
    assert re.search(r"\n70\n71\n", terminal.line("}", "71"))
    terminal.line("x = 9; nosuch", "isn't defined")
    assert "undone: for i in range(2) { ..." in terminal.line(":undo", "undone")
    assert "undone: y = 2*dot(x,x); backward y" in terminal.line(":undo", "undone")
    terminal.line("x.grad is none", "True")
    assert terminal.leave() == 0


def test_what_is_typed_is_highlighted(terminal: Terminal) -> None:
    terminal.type("if true { sin(1.5) }")
    # The colours come when they are loaded, also of what was typed before.
    terminal.wait_for("1.5", raw=r"\x1b\[[0-9;]*3[0-7][0-9;]*m1\.5\x1b")
    assert re.search(r"\x1b\[[0-9;]*3[0-7][0-9;]*msin\x1b", terminal._raw)


def test_completion(terminal: Terminal) -> None:
    terminal.line("weights = ones(2)", ">>>")
    terminal.type("weigh\t")
    terminal.wait_for("weights")
    terminal.type(".requires_grad\t")
    terminal.wait_for("requires_grad_(self")
    terminal.type("\x03")
    terminal.line(":vers", "did you mean `:vars`?")


def test_ctrl_c_ends_what_runs_and_not_the_session(terminal: Terminal) -> None:
    terminal.line("x = 3; backward x^2", "tensor(6.)")
    terminal.type("backward x^3; print(70 + 7); while true { x += 1 }\r")
    terminal.wait_for("\n77\n")
    terminal.type("\x03")
    terminal.wait_for("interrupted: names and gradients are as they were before this line")
    assert "(tensor(3., requires_grad=True), tensor(6.))" in terminal.line("x, x.grad", "6.))")
    # At the prompt it drops the line.
    terminal.type("nonsense(")
    terminal.wait_until_quiet()
    terminal.type("\x03")
    assert "8" in terminal.line("4 + 4", "8")


def test_a_second_ctrl_c_leaves_where_one_operation_does_not_end(terminal: Terminal) -> None:
    # One step of Python's, and a long one: whole numbers have no fast product of matrices.
    terminal.type("a = ones(2000, 2000, dtype=int64); print(70 + 7); a @ a\r")
    terminal.wait_for("\n77\n")
    time.sleep(0.3)
    terminal.type("\x03")
    time.sleep(0.2)
    # Of those before the message only the first counts.
    terminal.type("\x03")
    terminal.wait_for("Ctrl-C again leaves gradcli")
    time.sleep(0.3)
    assert terminal.process.poll() is None
    terminal.type("\x03")
    assert terminal.exit_status() == 130


def test_resizing(terminal: Terminal) -> None:
    terminal.type("1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10")
    terminal.wait_until_quiet()
    terminal.resize(40)
    os.killpg(os.getpgid(terminal.process.pid), signal.SIGWINCH)
    terminal.wait_until_quiet()
    assert "55" in terminal.line("", "55")
    shown = terminal.line(":help", "Ctrl-D")
    assert max(len(line) for line in shown.split("\n")) <= 40


def test_history_of_one_process_in_the_next(tmp_path: Path) -> None:
    for text, shows in (("print(6 * 7)\r", "\n42"), ("print\x1b[A\r", "\n42")):
        terminal = Terminal([sys.executable, "-c", RUN])
        try:
            terminal.wait_for(">>>")
            terminal.wait_until_quiet()
            terminal.type(text[:-1])
            terminal.wait_until_quiet()
            terminal.type("\r")
            terminal.wait_for(shows)
            assert terminal.leave() == 0
        finally:
            terminal.close()


def test_a_terminal_that_can_do_nothing(tmp_path: Path) -> None:
    terminal = Terminal([sys.executable, "-c", RUN], TERM="dumb")
    try:
        terminal.wait_for(">>>")
        terminal.type("20 + 3\r")
        terminal.wait_for("23")
        assert terminal.leave() == 0
    finally:
        terminal.close()


def _first(command: list[str], **environment: str) -> float:
    start = time.perf_counter()
    terminal = Terminal(command, **environment)
    try:
        terminal.wait_for(">>>")
        return time.perf_counter() - start
    finally:
        terminal.close()


def test_the_first_prompt_comes_soon() -> None:
    """Within 150 ms of the interpreter importing NumPy and prompt_toolkit; the best of several, machines being busy."""
    bare = min(_first([sys.executable, "-c", "import numpy, prompt_toolkit; print('>>>')"]) for _ in range(5))
    prompt = min(_first([sys.executable, "-c", RUN]) for _ in range(5))
    assert prompt < bare + 0.15
