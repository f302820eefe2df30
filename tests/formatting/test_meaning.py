"""Formatting keeps a script's meaning and its comments, and a second time changes nothing."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gradcli.errors import SyntaxFailure
from gradcli.evaluate import evaluate
from gradcli.formatting import format_text
from gradcli.grammar import parse
from tests.grammar.programs import PROGRAMS, SOUPS, is_script

ROOT = Path(__file__).parents[2]
SCRIPTS = [path for folder in ("examples", "tests", "docs") for path in sorted((ROOT / folder).rglob("*.gr"))]
MANUAL = re.findall(r"```gr\n(.*?)```", (ROOT / "docs" / "language.md").read_text(encoding="utf-8"), re.DOTALL)
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_bytes().decode("utf-8", "replace") for path in SCRIPTS}
TEXTS |= {f"language.md {number}": text for number, text in enumerate(MANUAL)}


def meaning(text):
    """The tree without its positions; numbers in brackets are the same whichever way the lexer takes them."""
    return plain(parse(text))


def plain(node):
    if node is None:
        return None
    kind, value = node[:2]
    if kind == "ARRAY":
        return numbers(value)
    if kind == "unary" and value[0][1] == "-" and value[1][0] == "NUMBER":
        return "NUMBER", -value[1][1]  # `[- 1]`, which is a list of one operation before, and an array after
    return (kind, value) if kind.isupper() else (kind, tuple(map(plain, value)))


def numbers(value):
    return ("list", tuple(map(numbers, value))) if isinstance(value, list) else ("NUMBER", value)


def comments(text):
    """The comments of a script, found in another way: each `#` without which the script is the same."""
    found = []
    for match in re.finditer("#[^\n]*", text):
        without = text[: match.start()] + text[match.end() :]
        if is_script(without) and meaning(without) == meaning(text):
            found.append(match[0].rstrip())
    return found


def assert_well_formatted(text):
    once = format_text(text)
    assert format_text(once) == once
    assert meaning(once) == meaning(text)
    return once


# ---- what there is


@pytest.mark.parametrize("name", TEXTS)
def test_scripts_of_the_repository(name):
    text = TEXTS[name]
    if not is_script(text):
        with pytest.raises(SyntaxFailure):
            format_text(text)
        return
    once = assert_well_formatted(text)
    assert comments(once) == comments(text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_formatted_scripts_print_the_same(path):
    text, wanted = TEXTS[path.relative_to(ROOT).as_posix()], path.with_suffix(".out")
    if is_script(text) and wanted.exists():
        out = io.StringIO()
        evaluate([(str(path), format_text(text))], out=out, err=io.StringIO())
        # A graph quotes the script, whose spacing is another now.
        assert out.getvalue().replace(" ", "") == wanted.read_text(encoding="utf-8").replace(" ", "")


def test_there_are_scripts():
    assert len(SCRIPTS) > 100
    assert len(MANUAL) > 10


# ---- random programs


@settings(max_examples=100, deadline=None)
@given(text=PROGRAMS)
def test_programs(text):
    assume(is_script(text))
    once = assert_well_formatted(text)
    assert once.endswith("\n") or not once
    assert not re.search(r"[ \t]\n|\n\n\n\n|\A\n|\n\n\Z|\t", once)


BETWEEN = ["", " ", "  ", "\t", "\n", "\n\n\n\n", " # note\n", "\n  # note\n\n", "\\\n", ";", ";\n", "\r\n", "\xa0"]


@settings(max_examples=150, deadline=None)
@given(text=PROGRAMS, data=st.data())
def test_programs_in_any_layout(text, data):
    """Blanks, line ends, comments and semicolons wherever they still leave a script."""
    assume(is_script(text))
    pieces = re.findall(r"\w+|\s+|.", text)
    places = st.lists(st.tuples(st.integers(0, len(pieces)), st.sampled_from(BETWEEN)), max_size=8)
    for place, between in data.draw(places):
        before = [*pieces]
        pieces.insert(place, between)
        if not is_script("".join(pieces)):
            pieces = before
    messy = "".join(pieces)
    once = assert_well_formatted(messy)
    assert comments(once) == comments(messy)


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(SOUPS, st.text(max_size=30), st.text("x1 =#\n;,()[]{}'\"\\-", max_size=30)))
def test_any_text_is_formatted_or_refused(text):
    if is_script(text):
        assert_well_formatted(text)
    else:
        with pytest.raises(SyntaxFailure):
            format_text(text)
