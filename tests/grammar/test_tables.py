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


NAMES = st.sampled_from(["x", "y", "f", "g", "retain", "graph", "lambda"])


def joined(*parts):
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map("".join)


def separated(strategy, separator=", ", **sizes):
    return st.lists(strategy, max_size=3, **sizes).map(separator.join)


OPERATORS = "+ - * / // % @ ^ ** | & == < is in and or"


def larger_expressions(inner):
    operator = st.sampled_from([f" {word} " for word in (*OPERATORS.split(" "), "is not", "not in")])
    return st.one_of(
        joined(inner, operator, inner),
        joined(st.sampled_from(["-", "~", "not ", "+"]), inner),
        joined(inner, " if ", inner, " else ", inner),
        joined("(", inner, ")"),
        joined("(", separated(inner), ",)"),
        joined("[", separated(inner), "]"),
        joined("[", inner, " for ", NAMES, " in ", inner, "]"),
        joined(NAMES, " -> ", inner),
        joined("((", separated(NAMES), ") -> ", inner, ")"),
        joined("(", NAMES, " -> { return ", inner, "\n})"),
        joined(NAMES, st.sampled_from(["", "'", "''"]), "(", separated(inner), ")"),
        joined(NAMES, "(", inner, ", k=", inner, ")"),
        joined("(", inner, ").", NAMES),
        joined(NAMES, "[", separated(st.one_of(inner, st.just(":"), joined(inner, ":"), st.just("..."))), "]"),
        joined('f"a{', inner, '}b"'),
    )


EXPRESSIONS = st.recursive(
    st.one_of(NAMES, st.sampled_from(["1", "2.5", ".5", "true", "none", "'s'", "[1, 2]", "[[1], [2]]", "()"])),
    larger_expressions,
    max_leaves=12,
)


def larger_statements(inner):
    block = separated(inner, "\n").map("{{\n{}\n}}".format)
    return st.one_of(
        joined("if ", EXPRESSIONS, " ", block, " else ", block),
        joined("if ", EXPRESSIONS, " ", block, " else if ", EXPRESSIONS, block),
        joined("while ", EXPRESSIONS, " ", block),
        joined("for ", separated(NAMES, min_size=1), " in ", EXPRESSIONS, " ", block),
        joined("def f(", separated(NAMES), ", n=", EXPRESSIONS, ") ", block),
        joined("def f(x) ", block, " backward(g) ", block),
        joined("no_grad ", block),
        joined("with ", EXPRESSIONS, " as ", NAMES, " ", block),
    )


STATEMENTS = st.recursive(
    st.one_of(
        EXPRESSIONS,
        joined(NAMES, " = ", EXPRESSIONS),
        joined(NAMES, ", ", NAMES, " = ", NAMES, " = ", EXPRESSIONS),
        joined("f(", separated(NAMES), ") = ", EXPRESSIONS),
        joined(NAMES, " += ", EXPRESSIONS),
        joined("const ", NAMES, " = ", EXPRESSIONS),
        joined("return ", EXPRESSIONS),
        joined("backward ", EXPRESSIONS, st.sampled_from(["", " retain", " wrt x, y", " with v retain"])),
        joined(st.sampled_from(["graph ", "explain ", "check "]), EXPRESSIONS),
        joined("check y claim ", NAMES, ": ", EXPRESSIONS),
        joined("assert ", EXPRESSIONS, ", ", EXPRESSIONS),
        joined("del ", separated(NAMES, min_size=1)),
        st.sampled_from(["break", "continue", "pass", "import a.b as c", "return"]),
    ),
    larger_statements,
    max_leaves=6,
)
PROGRAMS = st.lists(STATEMENTS, max_size=4).map("\n".join)
# Any tokens in a row: mostly no scripts, so that refusals are compared, too.
MARKS = "x x f 1 [1] 's' + - * = += -> , . : ; ( ( ) ) [ ] { } ' ... \n"
WORDS = "if else for in not is and def return backward with wrt retain"
SOUPS = st.lists(st.sampled_from(f"{MARKS} {WORDS}".split(" ")), max_size=12).map(" ".join)


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
