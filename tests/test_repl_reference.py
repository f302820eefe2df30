"""The page about the REPL tells the truth, and leaves out no command, key, setting or option."""

from __future__ import annotations

import re

import pytest

from gradcli.repl.commands import COMMANDS
from gradcli.repl.keys import HELP
from gradcli.repl.settings import SETTINGS
from gradcli.repl.snapshots import MOST_STEPS
from tests.documents import ROOT, Block, Document, check_session, options_of

REFERENCE = Document("docs/repl.md")


@pytest.mark.parametrize("block", REFERENCE.blocks, ids=lambda block: f"line {block.line}")
def test_session(block: Block) -> None:
    assert block.kind == "repl"
    check_session(block)


def test_there_is_a_session() -> None:
    assert REFERENCE.blocks


def test_a_session_that_shows_something_else_is_noticed() -> None:
    wrong = REFERENCE.blocks[0]._replace(text=">>> x = 3\n>>> x\ntensor(4., requires_grad=True)\n")
    with pytest.raises(AssertionError):
        check_session(wrong)


def test_every_command_is_documented_as_it_is_called() -> None:
    rows = re.findall(r"^\| (`:.*?) \| ", REFERENCE.text, re.MULTILINE)
    assert {called for row in rows for called in re.findall(r"`(:.+?)`", row)} == {
        command.called for command in COMMANDS.values()
    }


def test_every_key_is_documented() -> None:
    table = REFERENCE.text.partition("## Keys")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \| ", table, re.MULTILINE)
    documented = {key for row in rows for key in re.findall(r"`(.+?)`", row)}
    assert documented == {key for keys in HELP for key in keys.split(", ")}


def test_every_setting_is_documented() -> None:
    (row,) = (line for line in REFERENCE.text.splitlines() if line.startswith("| `:set "))
    assert set(re.findall(r"`(\w+)`", row)) == set(SETTINGS)


def test_the_limit_of_undo_is_the_one_documented() -> None:
    assert f"up to {MOST_STEPS} lines" in REFERENCE.text


def test_every_option_is_documented() -> None:
    assert REFERENCE.options() == options_of("repl")


def test_every_link_leads_somewhere() -> None:
    paths = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", REFERENCE.text)]
    assert paths
    assert [path for path in paths if not (ROOT / "docs" / path).exists()] == []
