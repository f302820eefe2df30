"""Nothing gets through: whatever the text, a script ends well or with a failure of its own that stands in the text.

Random characters, random tokens, and valid scripts whose tokens were taken out, doubled, swapped or replaced. Numbers
are kept small and time is bounded from outside: a mutated loop may well run for ever, and that's a script's right.
"""

from __future__ import annotations

import re
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradcli import GradcliError, Session
from gradcli.engine import modes
from gradcli.errors import Span
from tests.bounds import TimeUp, bounded

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="bounds time by an alarm")

SECONDS = 0.5

fuzz = settings(
    derandomize=True, database=None, deadline=None, max_examples=400, suppress_health_check=list(HealthCheck)
)


# ---- what must hold

PYTHONS = re.compile(
    r"Traceback|NoneType|<locals>|<names>|<script>|<lambda>| object at 0x| at 0x[0-9a-f]{4}|object has no|__|(?<![\w`])@[a-z]+\d*\("
    r"|positional argument|takes exactly|expected str|numpy\.|ufunc|np\.float|'(?:int|float|str|Tensor|tuple|list)'"
)
"""Words of Python's and NumPy's that no message to a person should hold."""


def assert_inside(span: Span | None, text: str) -> None:
    assert span is not None
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert 1 <= span.line <= len(lines) + 1, span
    assert 1 <= span.end_line <= len(lines) + 1, span
    assert (span.line, span.column) <= (span.end_line, span.end_column), span
    for line, column in ((span.line, span.column), (span.end_line, span.end_column)):
        length = len(lines[line - 1]) if line <= len(lines) else 0
        assert 1 <= column <= length + 2, (span, length)


def survives(text: str) -> None:
    """Runs a text in a session of its own and looks at how it ends."""
    before = modes.recording, modes.default_dtype, modes.precision
    # Quietly, where the time is over.
    with suppress(TimeUp), bounded(SECONDS):
        try:
            for _ in Session(seed=1, sandbox=True).run(text):
                pass
        except GradcliError as failure:
            assert type(failure) is not GradcliError, f"{failure.message}\n{text}"
            assert failure.message, text
            assert_inside(failure.span, text)
            for _, place in failure.calls:
                assert_inside(place, text)
            words = f"{failure.message}\n{failure.label}\n{failure.help}"
            quoted = re.sub(r"`[^`]*`", "", words)
            assert not PYTHONS.search(quoted), f"{words}\n{text}"
    assert (modes.recording, modes.default_dtype, modes.precision) == before


# ---- random text

ALPHABET = "xyfgw01239.+-*/^@%=<>!()[]{},;:'\"\\|&~#_ \n\tabe\u00e9\u03c0\u2212\u0085\u2028\u00a0\ufeff\U0001d41e"


@fuzz
@given(st.text(ALPHABET, max_size=40))
def test_characters_of_the_language(text: str) -> None:
    survives(text)


@fuzz
@given(st.text(max_size=30))
def test_any_characters(text: str) -> None:
    survives(text)


# ---- random tokens

NUMBERS = ["0", "1", "2", "3", "-1", "0.5", "1e3", "1e400", "nan", "inf"]
WORDS = [
    "x", "y", "f", "w", "true", "false", "none", "if", "else", "elif", "while", "for", "in", "def", "return", "break",
    "continue", "const", "backward", "with", "wrt", "retain", "no_grad", "enable_grad", "assert", "del", "import",
    "from", "as", "and", "or", "not", "is", "graph", "explain", "check", "claim", "pass",
]  # fmt: skip
SIGNS = [
    "+", "-", "*", "/", "//", "%", "@", "^", "**", "|", "&", "~", "==", "!=", "<", "<=", ">", ">=", "=", "+=", "-=",
    "*=", "->", "(", ")", "[", "]", "{", "}", ",", ";", ":", ".", "...", "'", "\n",
]  # fmt: skip
VALUES = [
    "x", "y", "w", "f", "[1, 2]", "[[1, 2], [3, 4]]", "zeros(2)", "ones(2, 2)", "(1, 2)", "()", "[]", "[sin, 3]", '"ab"',
    "'%d'", "range(3)", "sin", "x -> x^2", "float64", "none", "true", "...", "1:2", "arange(3)", "(zeros(2) > 0)", "x.grad",
    "x.shape", "grad", "torch.no_grad()", 'f"{x}"', "enumerate([1])", "tensor(2)", "[1, 2].long()", "max([1, 2], 0)",
    "x.grad_fn", "zeros(0)", "x.register_hook(f)", *NUMBERS,
]  # fmt: skip
CALLED = [
    "sum", "max", "min", "len", "print", "range", "int", "float", "str", "list", "tuple", "zip", "enumerate", "reversed",
    "round", "abs", "grad", "cat", "stack", "where", "zeros", "ones", "full", "eye", "arange", "linspace", "tensor", "dot",
    "mm", "matmul", "einsum", "norm", "linalg.norm", "softmax", "mean", "var", "cumsum", "sort", "argmax", "reshape",
    "permute", "transpose", "squeeze", "flip", "roll", "tril", "diag", "gather", "split", "chunk", "one_hot", "F.relu",
    "F.mse_loss", "F.cross_entropy", "math.sqrt", "math.comb", "math.floor", "np.exp", "torch.autograd.grad", "clamp",
    "randn", "randint", "randperm", "manual_seed", "zero_grad", "set_default_dtype", "no_grad", "masked_select", "take",
]  # fmt: skip
METHODS = [
    "sum", "add_", "item", "backward", "append", "pop", "insert", "index", "join", "split", "format", "replace", "view",
    "detach", "numpy", "tolist", "size", "t", "T", "grad", "data", "shape", "register_hook", "retain_grad", "apply",
    "requires_grad_", "fill_", "copy_", "to", "expand", "repeat", "numel", "values", "name", "remove", "upper", "zfill",
]  # fmt: skip


@fuzz
@given(st.lists(st.sampled_from(WORDS + SIGNS + VALUES + CALLED), max_size=14))
def test_tokens(tokens: list[str]) -> None:
    survives(" ".join(tokens))


value = st.sampled_from(VALUES)
expression = st.recursive(
    value,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([s for s in SIGNS[:18] if s != "~"]), inner).map(" ".join),
        st.tuples(st.sampled_from(CALLED), st.lists(inner, max_size=3)).map(lambda p: f"{p[0]}({', '.join(p[1])})"),
        st.tuples(inner, st.sampled_from(METHODS), st.lists(inner, max_size=2)).map(
            lambda p: f"({p[0]}).{p[1]}({', '.join(p[2])})"
        ),
        st.tuples(inner, st.sampled_from(METHODS)).map(lambda p: f"({p[0]}).{p[1]}"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]})[{p[1]}]"),
        st.tuples(inner, st.sampled_from([":.3f", ":d", "!r", ":>5", "=", ":e", ":,"])).map(lambda p: f'f"{{{p[0]}{p[1]}}}"'
                                                                              if '"' not in p[0] else p[0]),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"[v for v in {p[0]} if {p[1]}]"),
        inner.map(lambda e: f"({e})'(3)"),
        inner.map(lambda e: f"not {e}"),
        inner.map(lambda e: f"-({e})"),
    ),
    max_leaves=6,
)  # fmt: skip
statement = st.one_of(
    expression,
    st.tuples(st.sampled_from(["x", "y", "x, y", "x[0]", "x.grad", "x.data", "(x, y[0])", "w[0:1]", "w[y]"]), expression).map(
        " = ".join
    ),
    st.tuples(
        st.sampled_from(["x", "y", "x[0]", "w", "w[0]", "x.grad", "x.data"]), st.sampled_from(["+=", "-=", "*=", "^=", "@=", "/="]),
        expression,
    ).map(" ".join),
    expression.map("backward ({})".format),
    st.tuples(expression, expression).map(lambda p: f"backward ({p[0]}) with ({p[1]})"),
    st.tuples(expression, expression).map(lambda p: f"backward ({p[0]}) wrt ({p[1]}) retain"),
    expression.map("for v in {} {{ w = v }}".format),
    expression.map("for (v, u) in {} {{ y = v }}".format),
    expression.map("if {} {{ x = 4 }}".format),
    expression.map("no_grad {{ {} }}".format),
    expression.map("assert {}".format),
    expression.map("f(x, n=2) = {}".format),
    expression.map("def f(x) {{ return {} }} backward(g) {{ return g }}".format),
    expression.map("const y = {}".format),
    expression.map("f({})".format),
)  # fmt: skip


@settings(fuzz, max_examples=1500)
@given(st.lists(statement, min_size=1, max_size=4))
def test_statements_that_parse(statements: list[str]) -> None:
    survives("\n".join(["x = 3; w = [1.5, -2]; y = x^2; f = x -> sum(x * w)", *statements]))


# ---- valid scripts, spoilt

SCRIPTS = Path(__file__).parents[1] / "scripts"
TOKEN = re.compile(
    r"""[^\W\d]\w*|\d+\.?\d*(?:[eE][-+]?\d+)?|"[^"\n]*"|'[^'\n]*'|\*\*|//|->|[-+*/%@^|&=!<>]=|\s+|#[^\n]*|."""
)
SEEDS = [
    [token if not token[0].isdigit() or float(token) <= 10 else "7" for token in TOKEN.findall(text)]
    for path in sorted(SCRIPTS.rglob("*.gr"))
    if len(text := path.read_text(encoding="utf-8", errors="replace")) < 700
]

change = st.tuples(
    st.sampled_from(["delete", "double", "swap", "replace", "insert", "cut"]),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([*NUMBERS, *SIGNS, *WORDS, *VALUES]),
)


@settings(fuzz, max_examples=1500)
@given(st.sampled_from(SEEDS), st.lists(change, min_size=1, max_size=4))
def test_spoilt_scripts(tokens: list[str], changes: list[tuple[str, float, float, str]]) -> None:
    tokens = list(tokens)
    for kind, first, second, word in changes:
        places = [k for k, token in enumerate(tokens) if not token.isspace()]
        if not places:
            break
        a, b = places[int(first * len(places))], places[int(second * len(places))]
        if kind == "delete":
            tokens[a] = " "
        elif kind == "double":
            tokens[a] = f"{tokens[a]} {tokens[a]}"
        elif kind == "swap":
            tokens[a], tokens[b] = tokens[b], tokens[a]
        elif kind == "replace":
            tokens[a] = f" {word} "
        elif kind == "insert":
            tokens[a] = f"{tokens[a]} {word} "
        else:
            del tokens[a:]
    survives("".join(tokens))


def test_there_are_seeds() -> None:
    assert len(SEEDS) > 50
