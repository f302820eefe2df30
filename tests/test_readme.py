"""The README tells the truth: what it shows is run and compared, and what it names exists.

    ```console     commands behind `$`, each followed by what it prints
    ```gr          a script, followed by a block `text` with its output, its errors included
    ```python      the same in Python
    ```sh          commands that set up; `.ci/run` takes them from here and runs them in a fresh environment
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from gradcli.cli import app
from gradcli.evaluate import evaluate

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


class Block(NamedTuple):
    """A fenced block: the word behind its fence, the line that it begins on, and its text."""

    kind: str
    line: int
    text: str


def blocks() -> list[Block]:
    fences = re.finditer(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [Block(fence[1], README.count("\n", 0, fence.start()) + 1, fence[2]) for fence in fences]


BLOCKS = blocks()


def shown(kind: str) -> list[object]:
    """Each block of this kind, with the output that follows it."""
    following = zip(BLOCKS, [*BLOCKS[1:], Block("", 0, "")], strict=True)
    return [pytest.param(block, output, id=f"line {block.line}") for block, output in following if block.kind == kind]


def commands() -> list[object]:
    """Each command with what it prints."""
    found = []
    for block in BLOCKS:
        if block.kind == "console":
            for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                found.append(pytest.param(command, output, id=command))
    return found


@pytest.mark.parametrize(("command", "output"), commands())
def test_command(command: str, output: str) -> None:
    scripts = Path(sys.executable).parent
    if shutil.which("gradcli", path=scripts) is None or shutil.which("sh") is None:
        pytest.skip("gradcli isn't installed as a command for this Python, or there is no shell")
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=ROOT,
        env=os.environ | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == (output, "", 0)


@pytest.mark.parametrize(("script", "output"), shown("gr"))
def test_script(script: Block, output: Block) -> None:
    assert output.kind == "text"
    out, err = io.StringIO(), io.StringIO()
    evaluate([("<text>", script.text)], out=out, err=err)
    assert out.getvalue() + err.getvalue() == output.text


@pytest.mark.parametrize(("program", "output"), shown("python"))
def test_python(program: Block, output: Block) -> None:
    assert output.kind == "text"
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(program.text, "README.md", "exec"), {"__name__": "readme"})
    assert out.getvalue() == output.text


def test_every_kind_of_block_is_there() -> None:
    assert {block.kind for block in BLOCKS} == {"console", "gr", "python", "sh", "text"}


def test_every_command_exists() -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    named = re.findall(r"(?:[`|$] ?|bin/)gradcli ([a-z]+)", README)
    assert "eval" in named
    assert set(named) <= set(known)


def test_the_options_of_eval_are_those_documented() -> None:
    command = typer.main.get_command(app).commands["eval"]  # type: ignore[attr-defined]
    known = {name for parameter in command.params for name in parameter.opts if name.startswith("-")}
    documented = set(re.findall(r"^\| `(-[-\w]+)", README, re.MULTILINE))
    assert documented == known - {"-h", "--help"}


def test_the_lines_that_set_up_are_one_line_each() -> None:
    lines = [line for block in BLOCKS if block.kind == "sh" for line in block.text.splitlines()]
    assert [line.rpartition("/bin/")[2].split()[0] for line in lines] == ["gradcli", "pytest"]
    assert all(line.startswith("python3 -m venv .venv && ") for line in lines)
