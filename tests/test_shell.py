"""Completion, and Ctrl-C, in the shells that are here: real ones on a terminal, with keys pressed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradcli.completion import SCRIPTS, candidates, install

ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[=>]|\([AB0])")


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, shell: str, folder: Path, environment: dict[str, str]) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        self.process = subprocess.Popen(
            [shell, "-i"], stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        self.shown = ""

    def press(self, keys: str, *expected: str) -> None:
        """Presses keys, and waits until the terminal shows everything that is expected."""
        self.shown = ""
        os.write(self.master, keys.encode())
        end = time.monotonic() + 40
        for text in expected:
            while text not in ESCAPES.sub("", self.shown):
                assert time.monotonic() < end, f"{text!r} isn't in {self.shown!r}"
                if select.select([self.master], [], [], 1)[0]:
                    self._read()

    def _read(self) -> None:
        read = os.read(self.master, 65536).decode(errors="replace")
        self.shown += read
        # fish asks what kind of terminal this is.
        if "\x1b[c" in read or "\x1b[0c" in read:
            os.write(self.master, b"\x1b[?6c")

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} isn't installed")
    return request.param


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home without anything in it, and the command of this checkout."""
    for name in ("bin", "home", "work"):
        (tmp_path / name).mkdir()
    command = tmp_path / "bin/gradcli"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gradcli "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    (tmp_path / "work/alpha.gr").write_text("print(40 + 2)", encoding="utf-8")
    (tmp_path / "work/beta gamma.gr").write_text("print(50 + 2)", encoding="utf-8")
    return {
        "HOME": str(tmp_path / "home"), "PATH": f"{tmp_path / 'bin'}:/usr/local/bin:/usr/bin:/bin", "TERM": "xterm",
        "LANG": "C.UTF-8", "INPUTRC": "/dev/null", "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }  # fmt: skip


@pytest.fixture
def terminal(shell: str, tmp_path: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    subprocess.run(["gradcli", "--install-completion", shell], env=environment, check=True, capture_output=True)
    terminal = Terminal(shell, tmp_path / "work", environment)
    try:
        terminal.press("echo rea''dy\r", "ready")
        yield terminal
    finally:
        terminal.close()


def test_tab_completes_commands_options_values_and_files(terminal: Terminal) -> None:
    terminal.press("gradcli ev\t", "gradcli eval ")
    terminal.press("--form\t", "--format ")
    terminal.press("js\t", "json ")
    terminal.press("alp\t", "alpha.gr")
    terminal.press("\r", '{"type":"print","text":"42\\n"}')


def test_tab_lists_what_there_is(terminal: Terminal) -> None:
    terminal.press("gradcli eval --format \t\t", "auto", "plain")
    terminal.press("\x15gradcli eval --tracking \t\t", "auto", "explicit")
    terminal.press("\x15gradcli eval --\t\t", "--dtype", "--max-memory", "--tracking")


def test_tab_completes_after_an_equals_sign_and_in_a_name_with_a_blank(terminal: Terminal) -> None:
    terminal.press("gradcli eval --format=js\t", "json")
    terminal.press(" bet\t", "gamma.gr")
    terminal.press("\r", '{"type":"print","text":"52\\n"}')


def test_ctrl_c_ends_a_script_with_status_130(terminal: Terminal, shell: str) -> None:
    terminal.press('gradcli eval -e \'print("go" + "ing"); while true { }\'\r', "going")
    status = "$status" if shell == "fish" else "$?"
    terminal.press("\x03", "")
    terminal.press(f"echo the status is {status}\r", "the status is 130")


# ---- what is said to the shells


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ["eval"]),
        (["e"], ["eval"]),
        (["--install-completion", ""], ["bash", "zsh", "fish"]),
        (["--sh"], ["--show-completion"]),
        (["eval", "--prec"], ["--precision"]),
        (["eval", "--format", ""], ["auto", "plain", "json"]),
        (["eval", "--format", "p"], ["plain"]),
        (["eval", "--format=p"], ["--format=plain"]),
        (["eval", "--dtype="], ["--dtype=float64", "--dtype=float32"]),
        (["eval", "-qe", "x = 3", "--trac"], ["--tracking"]),
        # The value of --seed, wrong as it is.
        (["eval", "--seed", "-e", "--form"], ["--format"]),
        (["eval", "--seed", ""], []),
        (["eval", "-e", ""], []),
        (["nonsense", ""], []),
    ],
)
def test_what_could_stand_there(words: list[str], found: list[str]) -> None:
    offered = candidates(words)
    assert offered is not None
    assert {word for word, _ in offered} >= set(found)
    assert found or not offered


@pytest.mark.parametrize("words", [["eval", ""], ["eval", "alp"], ["eval", "-e", "x", ""], ["eval", "--", "--form"]])
def test_where_a_file_could_stand(words: list[str]) -> None:
    assert candidates(words) is None


def test_every_option_is_offered_with_its_help() -> None:
    offered = dict(candidates(["eval", "-"]) or [])
    assert {"-e", "-q", "-h", "--set", "--timeout", "--max-memory", "--sandbox", "--help"} <= offered.keys()
    assert all(offered.values())


def test_completion_evaluates_nothing(environment: dict[str, str]) -> None:
    asked = environment | {"_GRADCLI_COMPLETE": "bash"}
    done = subprocess.run(["gradcli"], input="print(1)", env=asked, capture_output=True, text=True, check=False)
    assert "eval" in done.stdout.splitlines()
    assert "1" not in done.stdout.splitlines()
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_can_be_shown(name: str, environment: dict[str, str]) -> None:
    shown = subprocess.run(
        ["gradcli", "--show-completion", name], env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout == SCRIPTS[name]
    # Where none is named, it's that of the user's own shell.
    own = environment | {"SHELL": f"/usr/bin/{name}"}
    assert subprocess.run(["gradcli", "--show-completion"], env=own, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("start", [b"", b"export A=1", b"export A=1\n", b"\xff not UTF-8\n"])
def test_installing_adds_one_line_once(start: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    (tmp_path / ".bashrc").write_bytes(start)
    script = tmp_path / ".local/share/gradcli/completion.bash"
    assert install("bash") == [script, tmp_path / ".bashrc"]
    after = (tmp_path / ".bashrc").read_bytes()
    assert after.startswith(start)
    assert after.splitlines() == [*start.splitlines(), f"[ ! -f '{script}' ] || . '{script}'".encode()]
    assert install("bash") == [script]
    assert (tmp_path / ".bashrc").read_bytes() == after


def test_installing_keeps_to_the_users_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZDOTDIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    assert install("zsh") == [tmp_path / "XDG_DATA_HOME/gradcli/completion.zsh", tmp_path / "ZDOTDIR/.zshrc"]
    assert install("fish") == [tmp_path / "XDG_CONFIG_HOME/fish/completions/gradcli.fish"]


def test_a_home_that_cannot_be_written_is_an_error(environment: dict[str, str], tmp_path: Path) -> None:
    nowhere = environment | {"HOME": str(tmp_path / "work/alpha.gr")}
    done = subprocess.run(
        ["gradcli", "--install-completion", "bash"], env=nowhere, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("error: can't write ")
    assert "Traceback" not in done.stderr
