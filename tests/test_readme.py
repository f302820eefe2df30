"""The README tells the truth: what it shows is run and compared, and what it names exists.

Its blocks are those of documents.py, and `sh`, commands that set up: `.ci/run` takes them from here and runs them in a
fresh environment.
"""

from __future__ import annotations

import re

import pytest
import typer

from gradcli.cli import app
from tests.documents import Block, Document, check_command, check_python, check_script, check_session, options_of

README = Document("README.md")


@pytest.mark.parametrize(("command", "output"), README.commands())
def test_command(command: str, output: str) -> None:
    check_command(command, output)


@pytest.mark.parametrize(("script", "output"), README.examples("gr"))
def test_script(script: Block, output: Block) -> None:
    check_script(script, output)


@pytest.mark.parametrize(("program", "output"), README.examples("python"))
def test_python(program: Block, output: Block) -> None:
    check_python(program, output)


@pytest.mark.parametrize("block", [block for block in README.blocks if block.kind == "repl"], ids=lambda b: f"{b.line}")
def test_session(block: Block) -> None:
    check_session(block)


def test_every_kind_of_block_is_there() -> None:
    assert {block.kind for block in README.blocks} == {"console", "gr", "python", "repl", "sh", "text"}


def test_every_command_exists() -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    named = re.findall(r"(?:[`|$] ?|bin/)gradcli ([a-z]+)", README.text)
    assert "eval" in named
    assert set(named) <= set(known)


def test_the_options_of_are_those_documented() -> None:
    assert README.options() == options_of("eval")


def test_the_lines_that_set_up_are_one_line_each() -> None:
    lines = [line for block in README.blocks if block.kind == "sh" for line in block.text.splitlines()]
    assert [line.rpartition("/bin/")[2].split()[0] for line in lines] == ["gradcli", "pytest"]
    assert all(line.startswith("python3 -m venv .venv && ") for line in lines)
