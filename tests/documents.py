"""What the documents show, as tests take it: fenced blocks, each run and compared with what stands after it.

```console     commands behind `$`, each followed by what it prints
```gr          a script, followed by a block `text` with its output, then its warnings and errors
```python      the same in Python
```repl        a session of the REPL, as a terminal of 80 columns without colours shows it
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

from gradcli import Session
from gradcli.cli import app
from gradcli.engine import modes
from gradcli.evaluate import evaluate, renderer_for
from gradcli.repl.running import Shell

ROOT = Path(__file__).parents[1]


class Block(NamedTuple):
    """A fenced block: the word behind its fence, the line that it begins on, and its text."""

    kind: str
    line: int
    text: str


class Document:
    """A Markdown file of this repository and its blocks."""

    def __init__(self, name: str) -> None:
        self.text = (ROOT / name).read_text(encoding="utf-8")
        fences = re.finditer(r"^```(\w*)\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)
        self.blocks = [Block(fence[1], self.text.count("\n", 0, fence.start()) + 1, fence[2]) for fence in fences]

    def examples(self, kind: str) -> list[object]:
        """Each block of this kind, with the block that follows it."""
        following = zip(self.blocks, [*self.blocks[1:], Block("", 0, "")], strict=True)
        return [pytest.param(block, after, id=f"line {block.line}") for block, after in following if block.kind == kind]

    def commands(self) -> list[object]:
        """Each command with what it prints."""
        found = []
        for block in self.blocks:
            if block.kind == "console":
                for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                    command, _, output = part.partition("\n")
                    found.append(pytest.param(command, output, id=command))
        return found

    def options(self) -> set[str]:
        """The options in the first column of its tables."""
        rows = re.findall(r"^\| (`-.*?) \| ", self.text, re.MULTILINE)
        return {option for row in rows for option in re.findall(r"`(-[-\w]+)", row)}


def check_command(command: str, output: str) -> None:
    """Runs a shell's command from the root of the repository: it prints the output and nothing else."""
    scripts = Path(sys.executable).parent
    if shutil.which("gradcli", path=scripts) is None or shutil.which("sh") is None:
        pytest.skip("gradcli isn't installed as a command for this Python, or there is no shell")
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == (output, "", 0)


def check_script(script: Block, output: Block) -> None:
    """Evaluates a script: both its streams, one after the other, are the output."""
    assert output.kind == "text"
    out, err = io.StringIO(), io.StringIO()
    evaluate([("<text>", script.text)], out=out, err=err)
    assert out.getvalue() + err.getvalue() == output.text


def check_python(program: Block, output: Block) -> None:
    """Runs a Python program: it prints the output."""
    assert output.kind == "text"
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(program.text, "<document>", "exec"), {"__name__": "document"})
    assert out.getvalue() == output.text


def check_session(block: Block) -> None:
    """Gives a REPL the lines behind its prompts: they show what stands below them."""
    assert replayed(block.text) == block.text


def replayed(text: str) -> str:
    """A REPL's lines, each with what it shows on 80 columns without colours; blanks at the ends of lines aside."""
    out, precision = io.StringIO(), modes.precision
    session = Session()
    shell = Shell(session, renderer_for("rich", out, out, session.text_of, "never"), lambda: 80)
    try:
        for typed in re.findall(r"^>>> .*\n(?:\.\.\. .*\n)*", text, re.MULTILINE):
            out.write(typed)
            shell.submit(re.sub(r"^(>>>|\.\.\.) ", "", typed, flags=re.MULTILINE))
    finally:
        modes.precision = precision
    return re.sub(r" +$", "", out.getvalue(), flags=re.MULTILINE)


def options_of(name: str) -> set[str]:
    """The options that a command has, `--help` aside."""
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    known = {name for parameter in command.params for name in parameter.opts if name.startswith("-")}
    return known - {"-h", "--help"}
