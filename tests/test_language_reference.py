"""The language reference tells the truth, and leaves out nothing that the grammar, the errors or the options have."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
import typer

from gradcli import Tensor, errors
from gradcli.cli import app
from gradcli.library.queries import ATTRIBUTES
from gradcli.library.vocabulary import FUNCTIONS
from tests.documents import ROOT, Block, Document, check_command, check_python, check_script, options_of

REFERENCE = Document("docs/language.md")
CODE = re.sub(r"\\\|", "|", " ".join(re.findall(r"`([^`\n]+)`", REFERENCE.text)))


@pytest.mark.parametrize(("script", "output"), REFERENCE.examples("gr"))
def test_script(script: Block, output: Block) -> None:
    check_script(script, output)


@pytest.mark.parametrize(("program", "output"), REFERENCE.examples("python"))
def test_python(program: Block, output: Block) -> None:
    check_python(program, output)


@pytest.mark.parametrize(("command", "output"), REFERENCE.commands())
def test_command(command: str, output: str) -> None:
    check_command(command, output)


def test_every_output_belongs_to_an_example() -> None:
    kinds = [block.kind for block in REFERENCE.blocks]
    assert set(kinds) == {"gr", "text", "python", "console"}
    assert all(before in ("gr", "python") for before, kind in pairwise(kinds) if kind == "text")


def terminals() -> set[str]:
    """Every word and sign that the grammar spells out."""
    grammar = (ROOT / "grammar" / "gradcli.lark").read_text(encoding="utf-8")
    lines = re.findall(r"^_?[A-Z_]+: (\".*)$", grammar, re.MULTILINE)
    return {word for line in lines for word in re.findall(r'"([^"]+)"', line)}


def test_every_word_and_sign_of_the_grammar_is_documented() -> None:
    assert len(terminals()) > 60
    words = {word for word in terminals() if word.isalpha()}
    assert words - set(re.findall(r"[A-Za-z_]+", CODE)) == set()
    assert {sign for sign in terminals() if not sign[0].isalpha() and sign not in CODE} == set()


def test_every_kind_of_error_is_documented() -> None:
    kinds = {kind.__name__ for kind in errors.GradcliError.__subclasses__()}
    assert set(re.findall(r"^\| `(\w+Failure)` \|", REFERENCE.text, re.MULTILINE)) == kinds


def test_every_option_of_eval_is_documented() -> None:
    assert REFERENCE.options() == options_of("eval")


@pytest.mark.parametrize("command", ["graph", "explain", "check", "fmt"])
def test_every_option_of_the_other_commands_is_documented(command: str) -> None:
    text = REFERENCE.text.partition("## The command line")[2]
    known = options_of(command) - {"--output"}  # -o in long
    assert {option for option in known if not re.search(rf"(?<![\w-]){option}(?![\w-])", text)} == set()


def test_every_command_is_documented() -> None:
    text = REFERENCE.text.partition("## The command line")[2]
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(re.findall(r"`gradcli ([a-z]+) ", text)) == set(commands)


def test_every_transform_is_documented() -> None:
    text = REFERENCE.text.partition("### Transforms")[2].partition("\n## ")[0]
    paths = [path for path in FUNCTIONS if path.startswith(("torch.func.", "torch.autograd.functional."))]
    assert paths
    assert [path for path in paths if not re.search(rf"\b{path.rpartition('.')[2]}\b", text)] == []


def test_every_attribute_named_exists() -> None:
    named = re.search(r"A tensor's attributes are `([^`]+)`", REFERENCE.text)
    assert named is not None
    assert set(named[1].split()) <= set(ATTRIBUTES[Tensor])


def test_every_link_leads_somewhere() -> None:
    headings = {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", REFERENCE.text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", REFERENCE.text):
        path, _, heading = target.partition("#")
        assert (ROOT / "docs" / path).exists() if path else heading in headings, target
