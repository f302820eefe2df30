"""`gradcli fmt`'s work on files: what is written, what is said, and what is left alone."""

import io
import os
import subprocess
import sys
import threading

import pytest

from gradcli.formatting.files import run_fmt


@pytest.fixture
def fmt(tmp_path, monkeypatch):
    """Runs the formatter in an empty folder; gives status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*paths, check=False, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        out, err = io.StringIO(), io.StringIO()
        status = run_fmt(list(paths), check=check, out=out, err=err)
        return status, out.getvalue(), err.getvalue()

    return run


def test_a_file_is_formatted_in_place(fmt, tmp_path):
    path = tmp_path / "a.gr"
    path.write_bytes(b"x=1;y=2")
    path.chmod(0o640)
    assert fmt("a.gr") == (0, "formatted a.gr\n", "")
    assert path.read_bytes() == b"x = 1\ny = 2\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a.gr"]


def test_a_formatted_file_isnt_written(fmt, tmp_path):
    path = tmp_path / "a.gr"
    path.write_text("x = 1\n")
    path.chmod(0o444)
    os.utime(path, (0, 0))
    assert fmt("a.gr") == (0, "", "")
    assert path.stat().st_mtime == 0


def test_line_ends_and_byte_order_mark_stay(fmt, tmp_path):
    path = tmp_path / "a.gr"
    path.write_bytes(b"\xef\xbb\xbfx=1\r\ny=2\r\n")
    assert fmt("a.gr")[0] == 0
    assert path.read_bytes() == b"\xef\xbb\xbfx = 1\r\ny = 2\r\n"


def test_check_lists_and_writes_nothing(fmt, tmp_path):
    (tmp_path / "a.gr").write_text("x=1")
    (tmp_path / "b.gr").write_text("x = 1\n")
    (tmp_path / "c d.gr").write_text("x = 1")
    assert fmt("a.gr", "b.gr", "c d.gr", check=True) == (1, "a.gr\nc d.gr\n", "")
    assert (tmp_path / "a.gr").read_text() == "x=1"
    assert fmt("b.gr", check=True) == (0, "", "")


def test_standard_input_goes_to_standard_output(fmt):
    assert fmt("-", stdin=b"x=1") == (0, "x = 1\n", "")
    assert fmt("-", stdin="é=1\r\n".encode()) == (0, "é = 1\r\n", "")
    assert fmt("-", stdin=b"x=1", check=True) == (1, "<stdin>\n", "")
    assert fmt("-", stdin=b"x = 1\n", check=True) == (0, "", "")


def test_beside_standard_input_nothing_else_is_on_standard_output(fmt, tmp_path):
    (tmp_path / "a.gr").write_text("x=1")
    assert fmt("a.gr", "-", stdin=b"y=1") == (0, "y = 1\n", "formatted a.gr\n")


def test_a_text_that_is_no_script_is_shown_and_left(fmt, tmp_path):
    (tmp_path / "a.gr").write_bytes(b"x = 1\r\ny = = 2")
    (tmp_path / "b.gr").write_text("x=1")
    status, out, err = fmt("a.gr", "b.gr")
    assert (status, out) == (1, "formatted b.gr\n")
    assert err.startswith("error: expected an expression after `=`, found `=`\n  --> a.gr:2:5\n")
    assert " 2 | y = = 2\n   |     ^" in err
    assert (tmp_path / "a.gr").read_bytes() == b"x = 1\r\ny = = 2"
    assert fmt("-", stdin=b"x = = 2")[:2] == (1, "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.gr", "can't read none.gr: no such file or directory"),
        ("folder", "can't read folder: is a directory"),
        ("latin.gr", "latin.gr isn't a UTF-8 text: byte 2 can't be read"),
        ("a\0b", "can't read a\0b: embedded null byte"),
    ],
)
def test_a_file_that_cant_be_read(fmt, tmp_path, name, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.gr").write_bytes(b"x\xe9=1")
    status, out, err = fmt(name)
    assert (status, out) == (1, "")
    assert err.startswith(f"error: {words}\n")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions bind no one here")
def test_a_file_that_may_not_be_written(fmt, tmp_path):
    path = tmp_path / "a.gr"
    path.write_text("x=1")
    path.chmod(0o444)
    assert fmt("a.gr") == (1, "", "error: can't write a.gr: permission denied\n")
    assert path.read_text() == "x=1"


def test_a_link_stays_a_link(fmt, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.gr").write_text("x=1")
    (tmp_path / "a.gr").symlink_to(tmp_path / "folder" / "a.gr")
    assert fmt("a.gr")[0] == 0
    assert (tmp_path / "a.gr").is_symlink()
    assert (tmp_path / "folder" / "a.gr").read_text() == "x = 1\n"


@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_file_and_nothing_else(fmt, tmp_path, monkeypatch, problem):
    (tmp_path / "a.gr").write_text("x=1")

    def fail(*arguments):
        raise problem

    monkeypatch.setattr(os, "replace", fail)
    if isinstance(problem, OSError):
        assert fmt("a.gr") == (1, "", "error: can't write a.gr: no space left on device\n")
    else:
        with pytest.raises(KeyboardInterrupt):
            fmt("a.gr")
    assert (tmp_path / "a.gr").read_text() == "x=1"
    assert os.listdir(tmp_path) == ["a.gr"]


def test_formatting_loads_neither_numpy_nor_a_parser_generator(tmp_path):
    (tmp_path / "a.gr").write_text("x=[1,2]")
    code = (
        "import sys; from gradcli.formatting.files import run_fmt; run_fmt(['a.gr']);"
        "print(*{'numpy', 'lark', 'rich', 'typer', 'pygments', 'gradcli.session'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("formatted a.gr\n\n", "")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_never_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("x=1\n",))
    writer.start()
    out, err = io.StringIO(), io.StringIO()
    assert run_fmt([str(pipe)], False, out, err) == 1
    writer.join()
    assert "isn't a regular file" in err.getvalue()
    assert pipe.is_fifo()
