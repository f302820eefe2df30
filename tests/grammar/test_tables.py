"""The tables say what the grammar says: fresh, free of Lark at run time, and with stock Lark's trees."""

import os
import subprocess
import sys

import lark
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.errors import SyntaxFailure
from gradcli.grammar import parse, parser
from gradcli.grammar.build import main, read_grammar
from gradcli.grammar.lexer import Scan
from tests.grammar.programs import PROGRAMS, SOUPS


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_tables_are_fresh(capsys):
    assert main(["--check"]) == 0
    assert "fresh" in capsys.readouterr().out


def test_tables_are_the_same_whatever_the_hash_seed():
    for seed in "12":
        command = [sys.executable, "-m", "gradcli.grammar.build", "--check"]
        result = subprocess.run(command, capture_output=True, timeout=60, env={**os.environ, "PYTHONHASHSEED": seed})
        assert result.returncode == 0


@pytest.mark.parametrize("text", ["x = 1 + [1, 2]", "x = = 1"])
def test_parsing_imports_neither_lark_nor_numpy(text):
    code = f"""
import sys
from gradcli.grammar import parse
try:
    parse({text!r})
except Exception as failure:
    print(type(failure).__name__)
print(sorted({{"lark", "numpy", "gradcli.grammar.build"}} & set(sys.modules)))
"""
    result = run(code)
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1:] == ["[]"]


def test_the_import_test_can_fail():
    assert "lark" in run("import lark, sys; print(*{'lark'} & set(sys.modules))").stdout


# ------------------------------------------------------------------------------------------------ against stock Lark


@pytest.fixture(scope="module")
def stock():
    return read_grammar()


def stock_tree(stock, text):
    """The tree that Lark itself makes of our lexer's tokens, in our form without positions; none where it refuses."""
    scan = Scan(text)
    if scan.failure:
        return None
    try:
        return plain(stock.parse(scan, start="program"))
    except lark.UnexpectedInput:
        return None


def plain(node):
    if node is None:
        return None
    if isinstance(node, lark.Token):
        return node.value[:2]
    children = tuple(map(plain, node.children))
    arrange = parser._ARRANGE.get(node.data)
    return str(node.data), arrange(children) if arrange else children


def own_tree(text):
    try:
        return without_positions(parse(text))
    except SyntaxFailure as failure:
        return None if "given twice" not in failure.message else failure.message


def without_positions(node):
    if node is None or node[0].isupper():
        return node and node[:2]
    return node[0], tuple(map(without_positions, node[1]))


@settings(max_examples=300, deadline=None)
@given(text=PROGRAMS)
def test_same_tree_as_stock_lark(stock, text):
    assert own_tree(text) == stock_tree(stock, text)


@settings(max_examples=300, deadline=None)
@given(text=SOUPS)
def test_same_acceptance_as_stock_lark(stock, text):
    try:
        wanted = stock_tree(stock, text)
    except parser._Repeated:
        assert "given twice" in own_tree(text)
    else:
        assert own_tree(text) == wanted


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(st.text(max_size=30), SOUPS, PROGRAMS.map(lambda text: text[: len(text) // 2])))
def test_any_text_parses_or_fails_with_a_place_in_it(text):
    span = place_of_failure(text)
    if span:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff").split("\n")
        assert 1 <= span.line <= len(lines)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert (span.end_line, span.end_column) > (span.line, span.column)


def place_of_failure(text):
    try:
        parse(text)
    except SyntaxFailure as failure:
        return failure.span
    return None
