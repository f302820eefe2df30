"""The command as a shell runs it: what goes where, the exit status, and what ends it early."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gradcli.errors import ValueFailure
from gradcli.evaluate import evaluate
from gradcli.limits import size_in_bytes

GRADCLI = [sys.executable, "-m", "gradcli"]
COMMAND = shlex.join(GRADCLI)
ONE_LINER = "x = arange(4); y = 2*dot(x,x); backward y"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded by Linux's own limit")


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


def test_texts_are_programs_wherever_they_stand(tmp_path: Path) -> None:
    script = tmp_path / "one.gr"
    script.write_text("print(1)", encoding="utf-8")
    done = gradcli("eval", "-qe", "print(0)", str(script), "--seed", "1", "-eprint(2)", "--quiet", "-e", "print(3); 4")
    assert (done.stdout, done.stderr) == ("0\n1\n2\n3\n", "")
    (tmp_path / "-e").write_text("print('a file')", encoding="utf-8")
    done = subprocess.run(
        [*GRADCLI, "eval", "-q", "--", "-e"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "a file\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eval", "--unknown"], "No such option: --unknown"),
        (["nonsense"], "No such command 'nonsense'."),
        (["eval", "-e"], "Option '-e' requires an argument."),
        (["eval", "--seed", "-e", "3"], "Invalid value for '--seed': '-e' is not a valid"),
        (["eval", "--precision", "99", "-e", "3"], "Invalid value for '--precision': 99 is not in the range"),
        (["eval", "--format", "xml", "-e", "3"], "'xml' is not one of"),
        (["eval", "--dtype", "int", "-e", "3"], "Invalid value for '--dtype'"),
        (["eval", "--tracking", "no", "-e", "3"], "Invalid value for '--tracking'"),
        (["eval", "--set", "n", "-e", "1"], "`n` is no assignment: write a name, `=` and an expression, --set n=10"),
        (["eval", "--set", "n=", "-e", "1"], "`n=` is no assignment"),
        (["eval", "--set", "if=1", "-e", "1"], "`if=1` is no assignment"),
        (["eval", "--set", "__n=1", "-e", "1"], "`__n=1` is no assignment"),
        (["eval", "--set", "n=1+", "-e", "1"], "`n=1+`: expected an expression after `+`"),
        (["eval", "--set", "n==1", "-e", "1"], "`n==1`: expected an expression, found `=`"),
        (["eval", "--set", "n=1; print(2)", "-e", "1"], "expected the end of the expression after `1`, found `;`"),
        (["eval", "--max-memory", "huh", "-e", "1"], "Invalid value for '--max-memory': \"huh\" is no size"),
        (["eval", "--max-memory", "0", "-e", "1"], '"0" is no size'),
        (["eval", "--timeout", "0", "-e", "1"], "Invalid value for '--timeout': 0 is no number of seconds above 0."),
        (["eval", "--timeout", "nan", "-e", "1"], "nan is no number of seconds above 0."),
        (["--install-completion", "tcsh"], "'tcsh' is not one of"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_has_status_2(arguments: list[str], message: str) -> None:
    done = gradcli(*arguments)
    assert (done.stdout, done.returncode) == ("", 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "\0" not in done.stderr


def test_settings_come_first() -> None:
    assert gradcli("eval", "--set", "n=3", "--set", "m=n+1", "-e", "backward n*m").stdout == ("n.grad = tensor(7.)\n")


def test_the_value_of_a_setting_is_any_expression() -> None:
    done = gradcli("eval", "--set", "f=x -> { y = x^2; return y }", "--set", "xs = [1, 2,\n 3]", "-e", "f(xs)")
    assert done.stdout == "tensor([1., 4., 9.], grad_fn=<PowBackward0>)\n"


def test_a_setting_that_fails_says_where() -> None:
    done = gradcli("eval", "--set", "n=[1, 2] + [1, 2, 3]", "-e", "1")
    assert (done.stdout, done.returncode) == ("", 1)
    assert "--> --set n=[1, 2] + [1, 2, 3]:1:3\n" in done.stderr
    assert " 1 | n=[1, 2] + [1, 2, 3]\n" in done.stderr


def test_settings_take_the_mode_of_the_program() -> None:
    done = gradcli("eval", "--set", "n=3", "-e", "w = ones(n, requires_grad=true); n")
    assert (done.stdout, done.stderr) == ("3\n", "")
    assert gradcli("eval", "--set", "n=3", "-e", "n # requires_grad").stdout == "tensor(3., requires_grad=True)\n"


@pytest.mark.parametrize(
    ("options", "script", "shown"),
    [
        (["--dtype", "float32"], "rand(2).dtype, tensor([1.0])", "(torch.float32, tensor([1.]))\n"),
        (["--precision", "2"], "pi * ones(2)", "tensor([3.14, 3.14])\n"),
        (["--tracking", "explicit"], "x = 3; x", "3\n"),
        (["--tracking", "auto"], "x = 3; x", "tensor(3., requires_grad=True)\n"),
        (["--format", "plain"], "1 + 1", "2\n"),
        (["--format", "auto"], "1 + 1", "2\n"),
        (["--timeout", "inf"], "1 + 1", "2\n"),
        (["--timeout", "1e30"], "1 + 1", "2\n"),
        (["--max-memory", "1.5GiB"], "1 + 1", "2\n"),
    ],
)
def test_options(options: list[str], script: str, shown: str) -> None:
    done = gradcli("eval", *options, "-e", script)
    assert (done.stdout, done.stderr, done.returncode) == (shown, "", 0)


def test_a_seed_repeats_what_is_random() -> None:
    one, same, other = (gradcli("eval", "--seed", seed, "-e", "rand(3)").stdout for seed in ("1", "1", "2"))
    assert one == same != other


@pytest.mark.parametrize(
    ("text", "size"),
    [("100", 100), ("2k", 2000), ("500M", 500_000_000), ("2GB", 2e9), ("1.5 GiB", 1.5 * 2**30), (".5t", 5e11)],
)
def test_sizes(text: str, size: float) -> None:
    assert size_in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1", "1e9", "0.1", "nan", "5 X", "1MM", "\u0663"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueFailure, match="is no size"):
        size_in_bytes(text)


def test_quiet_shows_what_print_writes() -> None:
    assert gradcli("eval", "-q", "-e", "x = 3; x; print(4); backward x^2").stdout == "4\n"


def test_quiet_shows_errors() -> None:
    done = gradcli("eval", "--quiet", "-e", "3; x")
    assert (done.stdout, done.returncode) == ("", 1)
    assert "`x` isn't defined" in done.stderr


# ---- limits


@pytest.mark.parametrize("busy", ["while true { }", "x = rand(3000, 3000); while true { y = x @ x }", 'load("-")'])
def test_a_time_limit_keeps_what_was_printed(busy: str) -> None:
    process = subprocess.Popen(
        [*GRADCLI, "eval", "--timeout", "1", "-e", f"print(1); {busy}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdin, process.stdout, process.stderr:
        assert (process.stdout.read(), process.wait(60)) == ("1\n", 1)
        assert process.stderr.read().startswith("error: the time limit of 1 s is over")


@pytest.mark.parametrize("format", ["plain", "json"])
def test_a_time_limit_ends_what_nobody_reads(format: str) -> None:
    process = subprocess.Popen(
        [*GRADCLI, "eval", "--timeout", "0.5", "--format", format, "-e", "while true { print(ones(1000)) }"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.wait(60) == 1
    assert process.stdout is not None
    process.stdout.close()


@LINUX
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("x = ones(10000, 10000)", "the memory limit of 50M is reached: 763. MiB for a tensor of shape (10000, 10000)"),
        ("xs = []; while true { xs.append(ones(1000)) }", "the memory limit of 50M is reached"),
        # With no memory at all for small objects, CPython 3.11 hangs or crashes.
        ("x = 3; y = x; while true { y = y * 1.0000001 }", "the memory limit of 50M is reached"),
        ('s = "a"; while true { s = s + s }', "the memory limit of 50M is reached"),
    ],
)
def test_a_memory_limit_keeps_what_was_printed(script: str, said: str) -> None:
    done = gradcli("eval", "--max-memory", "50M", "-e", f"print(1); {script}")
    assert (done.stdout, done.returncode) == ("1\n", 1)
    assert done.stderr.startswith(f"error: {said}\n")


@LINUX
def test_a_memory_limit_leaves_room_for_gradcli() -> None:
    assert (
        gradcli("eval", "--max-memory", "20M", "-e", "(rand(9, 9) @ rand(9, 9)).shape").stdout == "torch.Size([9, 9])\n"
    )


@LINUX
def test_a_limit_of_the_shell_is_kept() -> None:
    script = "print(1); xs = []; while true { xs.append(ones(100)) }"
    done = subprocess.run(
        ["sh", "-c", f"ulimit -d 300000; exec {COMMAND} eval -e '{script}'"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("1\n", 1)
    assert done.stderr.startswith("error: not enough memory")


@pytest.mark.parametrize(
    "script",
    [
        "arange(1e15)", "arange(0, 1, 1e-15)", "ones(10^6, 10^6)", "zeros(10^6, 10^6)", "empty(10^6, 10^6)",
        "full((10^6, 10^6), 3)", "eye(10^6)", "linspace(0, 1, 10^13)", "logspace(0, 1, 10^13)", "rand(10^6, 10^6)",
        "randn(10^6, 10^6)", "randint(0, 5, (10^6, 10^6))", "randperm(10^13)", "zeros(2^62, 4)", "zeros(10^30)",
        "zeros(1).expand(10^13).contiguous()", "zeros(1).expand(10^13).clone()", "zeros(1).expand(10^13) + 1",
        "cos(zeros(1).expand(10^13))", "zeros_like(zeros(1).expand(10^13))", "rand_like(zeros(1).expand(10^13))",
        "full_like(zeros(1).expand(10^13), 3)", "zeros(1).expand(10^13).float()", "cumsum(zeros(1).expand(10^13), 0)",
        "zeros(10^6, 1) * zeros(10^6)", "zeros(10^6, 1) == zeros(10^6)", "x = zeros(10^6); outer(x, x)",
        "x = zeros(10^6); x[:, none] @ x[none, :]", "x = zeros(10^6); cat([x for i in range(10^6)])",
        "x = zeros(10^6); stack([x for i in range(10^6)])", "zeros(10^6).repeat(10^6)", "tile(zeros(10^6), (10^6,))",
        "diag(zeros(10^6))", "where(zeros(10^6, 1) == 1, zeros(10^6), 1)", 'x = zeros(10^6); einsum("i,j->ij", x, x)',
        "one_hot(zeros(10^6).long(), 10^6)",
    ],
)  # fmt: skip
def test_a_tensor_that_no_machine_holds_is_refused_with_its_size(script: str) -> None:
    said = failure_of(script)
    assert "would take " in said or "not enough memory: " in said
    assert any(f" {unit}" in said for unit in ("GiB", "TiB", "TB", "PB"))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("list(range(10^12))", "a list of 1,000,000,000,000 numbers would take 40,000 GB"),
        ("tuple(range(10^12))", "would take 40,000 GB"),
        ("reversed(range(10^12))", "would take 40,000 GB"),
        ("xs = [none]; xs.extend(range(10^12))", "would take 40,000 GB"),
        ('"a" * 10^13', "not enough memory"),
        ('s = "a"; s *= 10^13', "not enough memory"),
        ('"a".ljust(10^13)', "not enough memory"),
        ("xs = [none] * 10^13", "not enough memory"),
        ("(1,) * 10^13", "not enough memory"),
        ("zeros(1).expand(10^13).tolist()", "not enough memory"),
        ("10^10^10", "this whole number would have some 12,041,200,000 digits"),
        ("math.prod(range(1, 10^6))", "this whole number would have more than 2,525,222 digits"),
    ],
)
def test_what_no_machine_holds_is_refused(script: str, said: str) -> None:
    assert said in failure_of(script)


def test_what_has_a_closed_form_needs_no_memory() -> None:
    script = "print(sum(range(10^15)), max(range(10^15)), len(range(10^15)), round(15, -10^12), [1] * 10^12)"
    assert (
        output_of(script) == "499999999999999500000000000000 999999999999999 1000000000000000 0 tensor([1.0000e+12])\n"
    )


def output_of(script: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    assert evaluate([("<text>", script)], out=out, err=err) == 0, err.getvalue()
    return out.getvalue()


def failure_of(script: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    assert evaluate([("<text>", script)], format="json", out=out, err=err) == 1
    failure = json.loads(out.getvalue())
    assert failure["kind"] == "LimitFailure"
    return failure["message"]


# ---- standard input, output and errors


def test_a_sandbox_has_no_files(tmp_path: Path) -> None:
    done = gradcli("eval", "--sandbox", "-e", f'save("{tmp_path / "x.npy"}", [1, 2])')
    assert done.returncode == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [[], ["--seed", "1"]])
def test_data_come_from_stdin_where_the_program_does_not(options: list[str], tmp_path: Path) -> None:
    script = 'x = load("-"); backward sum(x^2)'
    (tmp_path / "squares.gr").write_text(script, encoding="utf-8")
    for program in (["-e", script], [str(tmp_path / "squares.gr")]):
        done = gradcli("eval", *options, *program, stdin="1\n2\n3\n4\n5\n")
        assert done.stdout == "x.grad = tensor([ 2.,  4.,  6.,  8., 10.])\n"


def test_stdin_is_a_program_among_others() -> None:
    done = gradcli("eval", "-e", "n = 1.5", "-", "-e", "print(n.item())", stdin="n = 2 * n")
    assert done.stdout == "3.0\n"
    done = gradcli("eval", "-", stdin='print(1)\nload("-")')
    assert (done.stdout, done.returncode) == ("1\n", 1)
    assert "standard input is empty" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["eval"], ["eval", "-"], ["eval", "--quiet"], ["eval", "-e", ""]])
def test_no_program_is_no_failure(arguments: list[str]) -> None:
    done = gradcli(*arguments)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A command line of a shell's, with `gradcli` for the command."""
    define = f'gradcli() {{ {COMMAND} "$@"; }}; '
    return subprocess.run(
        ["bash", "-c", define + line], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("line", "out", "err", "status"),
    [
        ("gradcli eval - <&-", "", "error: can't read standard input: it is closed\n", 1),
        ("gradcli eval -e 'load(\"-\")' <&-", "", "error: can't read standard input: it is closed\n", 1),
        ("gradcli eval <&-", "", "Error: Name a FILE, or give a text with -e.\n", 2),
        ("gradcli eval -e '1 + 1' >&-", "", "", 0),
        ("gradcli eval -e '1 + 1; x' 2>&-", "2\n", "", 1),
        ("gradcli eval ''", "", "error: can't read a script: the name of its file is empty\n", 1),
        ("gradcli eval /", "", "error: can't read /: is a directory\n", 1),
        ("PYTHONIOENCODING=ascii gradcli eval -e 'print(\"é\")'", "\\xe9\n", "", 0),
    ],
)
def test_streams_that_are_closed_or_narrow(line: str, out: str, err: str, status: int) -> None:
    done = shell(line)
    assert (done.stdout, done.returncode) == (out, status)
    assert done.stderr.endswith(err) if err and status == 2 else done.stderr.startswith(err)
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that's full")
@pytest.mark.parametrize("options", ["", "--format json", "--quiet"])
def test_a_full_disk_is_a_failure(options: str) -> None:
    done = shell(f"gradcli eval {options} -e 'print(1); x' >/dev/full")
    assert (done.stderr, done.returncode) == ("error: can't write the output: no space left on device\n", 1)


@pytest.mark.parametrize("options", ["", "--format json"])
def test_a_closed_pipe_ends_quietly(options: str, tmp_path: Path) -> None:
    script = tmp_path / "big.gr"
    script.write_text("for i in range(100000) { print(i) }", encoding="utf-8")
    done = shell(f"gradcli eval {options} {script} | head -1; echo ${{PIPESTATUS[@]}}")
    assert done.stdout.endswith("0 0\n")
    assert done.stdout.count("\n") == 2
    assert done.stderr == ""


@pytest.mark.parametrize("options", [[], ["--format", "json"]])
def test_output_flows_and_stdin_waits(options: list[str]) -> None:
    process = subprocess.Popen(
        [*GRADCLI, "eval", *options, "-e", 'print(1); x = load("-"); print(x.sum().item())'],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert "1" in process.stdout.readline()
    assert process.poll() is None
    rest, _ = process.communicate("2\n3\n", timeout=60)
    assert "5.0" in rest
    assert process.returncode == 0


# ---- interrupts


@pytest.mark.parametrize(
    "arguments",
    [
        ["-e", "print(1); while true { }"],
        ["-e", "x = rand(3000, 3000); print(1); while true { y = x @ x }"],
        ["--seed", "1", "-e", "x = rand(3000, 3000); print(1); while true { y = x @ x }"],
        ["--format", "json", "-e", "x = rand(2000, 3000); print(1); x"],
        ["-e", 'print(1); load("-")'],
        ["-e", "print(1)", "-"],
        ["--quiet", "-e", "print(1)", "-"],
        ["-e", "print(1); x = [1, 2]; x.register_hook(g -> { while true { } }); backward sum(x * x)"],
        ["-e", "print(1); xs = list(range(10^8))"],
    ],
    ids=" ".join,
)
def test_an_interrupt_ends_with_status_130_at_once(arguments: list[str]) -> None:
    process = subprocess.Popen(
        [*GRADCLI, "eval", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdin, process.stdout, process.stderr:
        assert b"1" in process.stdout.readline()
        time.sleep(0.3)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        # What the pipe can't hold must not be waited for.
        assert process.wait(60) == 130
        # The product of two matrices of this size takes longer on a slow machine; the bound is 0.25 seconds.
        assert time.monotonic() - begin < 5
        assert process.stderr.read() == b""


def test_an_interrupt_ends_what_nobody_reads() -> None:
    process = subprocess.Popen(
        [*GRADCLI, "eval", "-e", "while true { print(ones(1000)) }"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        assert process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == b""


def test_evaluations_in_another_thread_have_no_signals() -> None:
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(evaluate([("<text>", "1 + 1")], out=io.StringIO())))
    thread.start()
    thread.join()
    assert statuses == [0]


def test_what_an_evaluation_sets_is_put_back() -> None:
    def state() -> tuple[object, ...]:
        return (
            [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM, signal.SIGPROF)],
            signal.getitimer(signal.ITIMER_PROF),
            signal.getitimer(signal.ITIMER_REAL),
            sys.unraisablehook,
        )

    before = state()
    for script in ("1 + 1", "x", "ones(10^9, 10^9)"):
        evaluate([("<text>", script)], timeout=50, max_memory="1G", out=io.StringIO(), err=io.StringIO())
    assert state() == before


# ---- formats


def test_json_lines() -> None:
    done = gradcli("eval", "--format", "json", "-e", "x = 3; backward x^2; x + [1, 2] @ [1]")
    first, last = done.stdout.splitlines()
    assert first.startswith('{"type":"grad","of":null,"name":"x","line":1,"value":{"shape":[]')
    assert last.startswith('{"type":"error","kind":"ShapeFailure"')
    assert (done.stderr, done.returncode) == ("", 1)


def test_help_and_version() -> None:
    assert gradcli("--version").stdout.startswith("gradcli ")
    help = gradcli("eval", "--help").stdout
    for option in ("-e", "--format", "--precision", "--dtype", "--seed", "--set", "--tracking", "--quiet", "--timeout"):
        assert f" {option} " in help or f"{option}, " in help
    assert gradcli("-h").stdout.startswith("Usage: gradcli [OPTIONS] COMMAND")
