"""The command as a shell runs it: what goes where, the exit status, and what ends it early."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

GRADCLI = [sys.executable, "-m", "gradcli"]
ONE_LINER = "x = arange(4); y = 2*dot(x,x); backward y"


def gradcli(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*GRADCLI, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False)


def test_the_one_liner_as_text_as_file_and_piped(tmp_path: Path) -> None:
    script = tmp_path / "first.gr"
    script.write_text(ONE_LINER, encoding="utf-8")
    for done in (gradcli("eval", "-e", ONE_LINER), gradcli("eval", str(script)), gradcli(stdin=ONE_LINER)):
        assert (done.stdout, done.stderr, done.returncode) == ("x.grad = tensor([ 0.,  4.,  8., 12.])\n", "", 0)


def test_files_and_texts_run_in_the_order_given_in_one_session(tmp_path: Path) -> None:
    script = tmp_path / "double.gr"
    script.write_text("n = 2 * n\nn.item()", encoding="utf-8")
    done = gradcli("eval", "-e", "n = 1.5", str(script), "-e", "n = n + 1", str(script))
    assert done.stdout == "3.0\n8.0\n"


@pytest.mark.parametrize("short", [True, False])
def test_results_go_to_stdout_and_errors_to_stderr_with_status_1(short: bool) -> None:
    done = gradcli("eval", *([] if short else ["--precision", "4"]), "-e", "1 + 1\n[1, 2] + [1, 2, 3]\n5")
    assert done.stdout == "2\n"
    assert done.stderr.startswith("error: The size of tensor a (2) must match")
    assert "<text>:2:1" in done.stderr
    assert done.returncode == 1


def test_windows_line_ends_and_a_mark_at_the_beginning(tmp_path: Path) -> None:
    script = tmp_path / "windows.gr"
    script.write_bytes(b"\xef\xbb\xbfx = 3\r\nbackward x^2\r\n")
    assert gradcli("eval", str(script)).stdout == "x.grad = tensor(6.)\n"


def test_what_is_no_text_is_a_failure(tmp_path: Path) -> None:
    script = tmp_path / "binary.gr"
    script.write_bytes(b"x = 3\n\xff\xfe")
    assert "isn't a UTF-8 text" in gradcli("eval", str(script)).stderr
    assert "no such file" in gradcli("eval", str(tmp_path / "missing.gr")).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["eval", "--unknown"],
        ["nonsense"],
        ["eval", "--set", "n", "-e", "1"],
        ["eval", "--max-memory", "huh", "-e", "1"],
    ],
)
def test_a_wrong_command_line_has_status_2(arguments: list[str]) -> None:
    assert gradcli(*arguments).returncode == 2


def test_settings_come_first() -> None:
    assert gradcli("eval", "--set", "n=3", "--set", "m=n+1", "-e", "backward n*m").stdout == ("n.grad = tensor(7.)\n")


def test_quiet_shows_what_print_writes() -> None:
    assert gradcli("eval", "-q", "-e", "x = 3; x; print(4); backward x^2").stdout == "4\n"


def test_a_time_limit_keeps_what_was_printed() -> None:
    done = gradcli("eval", "--timeout", "0.5", "-e", "print(1); while true { }")
    assert (done.stdout, done.returncode) == ("1\n", 1)
    assert done.stderr.startswith("error: the time limit of 0.5 s is over")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded by Linux's own limit")
def test_a_memory_limit_keeps_what_was_printed() -> None:
    done = gradcli("eval", "--max-memory", "100M", "-e", "print(1); x = ones(10000, 10000)")
    assert (done.stdout, done.returncode) == ("1\n", 1)
    assert done.stderr.startswith("error: the memory limit of 100M is reached")


@pytest.mark.parametrize("size", ["arange(1e15)", "ones(10^6, 10^6)"])
def test_what_no_machine_holds_is_refused_with_its_size(size: str) -> None:
    done = gradcli("eval", "-e", size)
    assert "would take 8 " in done.stderr
    assert done.returncode == 1


def test_a_sandbox_has_no_files(tmp_path: Path) -> None:
    done = gradcli("eval", "--sandbox", "-e", f'save("{tmp_path / "x.npy"}", [1, 2])')
    assert done.returncode == 1
    assert not list(tmp_path.iterdir())


def test_data_come_from_stdin_where_the_program_does_not() -> None:
    done = gradcli("eval", "-e", 'x = load("-"); backward sum(x^2)', stdin="1\n2\n3\n")
    assert done.stdout == "x.grad = tensor([2., 4., 6.])\n"


def test_a_closed_pipe_ends_quietly() -> None:
    process = subprocess.Popen(
        [*GRADCLI, "eval", "-e", "for i in range(100000) { print(i) }"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == b"0\n"
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == b""
    assert process.wait(60) == 0


@pytest.mark.parametrize("busy", ["while true { }", "x = rand(3000, 3000); while true { y = x @ x }"])
def test_an_interrupt_ends_with_status_130_and_output_flows(busy: str) -> None:
    process = subprocess.Popen(
        [*GRADCLI, "eval", "-e", f"print(1); {busy}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == (b"", b"", 130)


def test_json_lines() -> None:
    done = gradcli("eval", "--format", "json", "-e", "x = 3; backward x^2; x + [1, 2] @ [1]")
    first, last = done.stdout.splitlines()
    assert first.startswith('{"type":"grad","of":null,"name":"x","line":1,"value":{"shape":[]')
    assert last.startswith('{"type":"error","kind":"ShapeFailure"')
    assert done.returncode == 1
