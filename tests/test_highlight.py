"""The Pygments lexer: every character of any text, and on scripts the grammar's own opinion of each token."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, Punctuation, String

from gradcli.grammar import terminals as t
from gradcli.grammar.lexer import Scan
from gradcli.highlight import GrLexer
from tests.grammar.programs import PROGRAMS, SOUPS, is_script

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(path for folder in ("examples", "tests/scripts") for path in (ROOT / folder).rglob("*.gr"))
LEXER = GrLexer()


def looks(text, lexer=LEXER):
    """The text's tokens, blanks left out, as `kind text`."""
    tokens = [(kind, value) for _, kind, value in lexer.get_tokens_unprocessed(text)]
    assert "".join(value for _, value in tokens) == text
    return [f"{str(kind).removeprefix('Token.')} {value}" for kind, value in tokens if value.strip()]


def kind_of(text, word):
    """The kind of the only token that is `word`."""
    (found,) = (kind for _, kind, value in LEXER.get_tokens_unprocessed(text) if value == word)
    return found


KINDS = [
    ("x = 1_000", "1_000", Number.Integer),
    ("x = 1e-3", "1e-3", Number.Float),
    ("x = .5", ".5", Number.Float),
    ("x # why", "# why", Comment.Single),
    ("x = sin(y)", "sin", Name.Builtin),
    ("x = mine(y)", "mine", Name.Function),
    ("f(x) = x", "f", Name.Function),
    ("def f(x) { }", "f", Name.Function),
    ("def f(x) { }", "def", Keyword.Declaration),
    ("y.sum()", "sum", Name.Function),
    ("y.grad", "grad", Name.Attribute),
    ("y.in", "in", Name.Attribute),
    ("linalg.norm(x)", "linalg", Name.Namespace),
    ("f(sin=2)", "sin", Name),
    ("tau = 3", "tau", Name),
    ("2*tau", "tau", Name.Constant),
    ("zeros(3, dtype=float32)", "float32", Keyword.Type),
    ("true", "true", Keyword.Constant),
    ("a and b", "and", Operator.Word),
    ("x is none", "none", Keyword.Constant),
    ("import torch", "import", Keyword.Namespace),
    ("a -> b", "->", Operator),
    ("a //= b", "//=", Operator),
    ("x[1:2]", ":", Punctuation),
    ("const x = 3", "const", Keyword.Declaration),
    ("const = 3", "const", Name),
    ("backward y", "backward", Keyword),
    ("  backward -y", "backward", Keyword),
    ("a; backward (a*b).sum()", "backward", Keyword),
    ("if a { backward y }", "backward", Keyword),
    ("backward(y)", "backward", Name.Function),
    ("backward = 3", "backward", Name),
    ("backward - 3", "backward", Name),
    ("def f(x) { } backward(g) { }", "backward", Keyword),
    ("y.backward()", "backward", Name.Function),
    ("graph y", "graph", Keyword),
    ("graph .5", "graph", Keyword),
    ("graph ...", "graph", Keyword),
    ('graph"a"', "graph", Keyword),
    ("graph not y", "graph", Keyword),
    ("graph not in y", "graph", Name),
    ("graph if c else d", "graph", Name),
    ("graph[0]", "graph", Name),
    ("graph.x", "graph", Name),
    ("graph -= 1", "graph", Name),
    ("x + graph", "graph", Name),
    ("explain [a, b]", "explain", Keyword),
    ("check y claim x: 2", "claim", Keyword),
    ("claim = 2", "claim", Name),
    ("backward y with v wrt a", "wrt", Keyword),
    ("backward f(\n x) retain", "retain", Keyword),
    ("backward y; wrt", "wrt", Name),
    ("backward f(retain)", "retain", Name),
    ("no_grad { }", "no_grad", Keyword),
    ("with torch.no_grad() { }", "no_grad", Name.Function),
    ("f'(x)", "'", Operator),
    ("f''(x)", "''", Operator),
    ("g' + h", "'", Operator),
    ("r'(x)", "'", Operator),
    ("f(x)'", "'", Operator),
    ("x.f'(y)", "'", Operator),
    ("x = 'a\\n'", "\\n", String.Escape),
    ('x = r"\\n"', "r", String.Affix),
    ("x = f'{y}'", "f", String.Affix),
    ("x = f'{y:.3f}'", ":.3f", String.Interpol),
    ("x = f'{y!r}'", "!r", String.Interpol),
    ("print(f'{y=}')", "=", String.Interpol),
    ("f'{y == z}'", "==", Operator),
    ("f'{y != z}'", "!=", Operator),
    ("f'{y[1:2]}'", ":", Punctuation),
    ("f'{(y -> { z })(1)}'", "->", Operator),
    ("f'{{y}}'", "y", String.Single),
    ("not'a'", "a", String.Single),
    ('x = "it\'s"', "'", String.Double),
    ("$", "$", Error),
]


@pytest.mark.parametrize(("text", "word", "kind"), KINDS)
def test_kinds(text, word, kind):
    assert kind_of(text, word) is kind


def test_strings():
    assert looks("'a' + \"\"\"b\n'\"\"\"") == [
        "Literal.String.Single '", "Literal.String.Single a", "Literal.String.Single '", "Operator +",
        'Literal.String.Double """', "Literal.String.Double b", "Literal.String.Double '", 'Literal.String.Double """',
    ]  # fmt: skip
    assert looks("f'a{f'(x) + f\"{y}\"}' + f''") == [
        "Literal.String.Affix f", "Literal.String.Single '", "Literal.String.Single a", "Literal.String.Interpol {",
        "Name.Function f", "Operator '", "Punctuation (", "Name x", "Punctuation )", "Operator +",
        "Literal.String.Affix f", 'Literal.String.Double "', "Literal.String.Interpol {", "Name y",
        "Literal.String.Interpol }", 'Literal.String.Double "', "Literal.String.Interpol }", "Literal.String.Single '",
        "Operator +", "Literal.String.Affix f", "Literal.String.Single '", "Literal.String.Single '",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["x = 'a", "x = f'a{y", "f'{y[1", 'f"{(x -> { ', 'r"a'])
def test_an_open_string_ends_with_its_line(text):
    assert looks(text + "\nif y { }")[-4:] == ["Keyword if", "Name y", "Punctuation {", "Punctuation }"]


# ---- any text


ODD = st.text("xf'\"{}()[];:#=!\\\n\r \t.1-+_eé²\0", max_size=40)


@settings(max_examples=500, deadline=None)
@given(text=st.one_of(st.text(max_size=40), ODD, SOUPS))
def test_every_character_is_in_a_token(text):
    looks(text)


@settings(max_examples=200, deadline=None)
@given(text=ODD)
def test_what_editors_are_given_is_the_text(text):
    lexer = GrLexer(stripnl=False, ensurenl=False)
    wanted = text.replace("\r\n", "\n").replace("\r", "\n")
    assert "".join(value for _, value in lexer.get_tokens(text)) == wanted


# ---- scripts: what the grammar says


def disagreements(text):
    """The grammar's tokens, outside f-strings, that look like something else."""
    scan = Scan(text)
    starts = [0, *(match.end() for match in re.finditer("\n", scan.text))]
    look_at = {place: (kind, value) for place, kind, value in LEXER.get_tokens_unprocessed(scan.text)}
    wrong = [(kind, value) for kind, value in look_at.values() if kind is Error]
    for terminal, (kind, _, line, column, end_line, end_column) in zip(scan.terminals, scan.tokens, strict=True):
        start, end = starts[line - 1] + column, starts[end_line - 1] + end_column
        word = scan.text[start:end]
        wanted = LOOKS.get(terminal, Keyword if kind in ("KEYWORD", "RETAIN") else None)
        if wanted is None:
            continue
        look, value = look_at.get(start, (None, ""))
        if word.partition(" ")[0] in ("and", "or", "not", "in", "is"):
            wanted = Operator
        if look not in wanted and not (wanted is Name and look is Keyword.Type):
            wrong.append((terminal, word, look, value))
    return wrong


LOOKS = {
    t.NAME: Name, t.LAMBDA_NAME: Name, t.NUMBER: Number, t.PRIMES: Operator, t.FSTRING_START: String,
    t.COMPARISON: Operator, t.ARROW: Operator, t.SIGN: Operator, t.COMMA: Punctuation, t.OPEN_BRACE: Punctuation,
}  # fmt: skip


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_look_as_they_are_read(path):
    text = path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
    if is_script(text):
        assert disagreements(text) == []


@settings(max_examples=200, deadline=None)
@given(text=PROGRAMS)
def test_programs_look_as_they_are_read(text):
    assume(is_script(text))
    assert disagreements(text) == []


# ---- what it costs


@pytest.mark.parametrize(
    "piece", ["x + ", "'", '"""', "f'{", "(", "{", "f(x)'", " ", "\\", "a.b", "backward ", "#", "1e", "=", ";"]
)
def test_long_lines_take_linear_time(piece):
    def seconds(count):
        start = time.process_time()
        for _ in LEXER.get_tokens_unprocessed(piece * count):
            pass
        return time.process_time() - start

    seconds(10)
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.01)


def test_without_builtins_nothing_of_numpy_is_loaded():
    code = (
        "import sys; from gradcli.highlight import GrLexer; print(*{'numpy'} & set(sys.modules));"
        "print(list(GrLexer(builtins=False).get_tokens('sin(x)'))[0][0]); print(*{'numpy'} & set(sys.modules));"
        "print(list(GrLexer().get_tokens('sin(x)'))[0][0]); print(*{'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["", "Token.Name.Function", "", "Token.Name.Builtin", "numpy"]
