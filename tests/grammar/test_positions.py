"""Where tokens and nodes stand: lines from 1, columns from 0, in characters, ends exclusive."""

import pytest

from gradcli.grammar import parse, tokens


def marked(text):
    """The text without its two `|`, and the place between them."""
    before, inside, after = text.split("¦")

    def place(prefix):
        lines = prefix.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return len(lines), len(lines[-1])

    return before + inside + after, (*place(before), *place(before + inside))


def first(node, kind):
    """The first node or token of a kind, depth first."""
    if node is None:
        return None
    if node[0] == kind:
        return node
    if node[0].isupper():
        return None
    return next((found for child in node[1] if (found := first(child, kind))), None)


NODES = [
    ("call", "y = ¦f(a)¦ + 1"),
    ("args", "y = f¦(a)¦ + 1"),
    ("args", "f¦()¦"),
    ("group", "¦(a + b)¦ * c"),
    ("chain", "x = ¦(a) + b[1]¦"),
    ("tuple", "x = ¦()¦"),
    ("tuple", "¦a, b¦ = c"),
    ("tuple", "¦a, b,¦; c"),
    ("list", "x = ¦[a,\n b,\n]¦; y"),
    ("comprehension", "x = ¦[a for a in b]¦"),
    ("comprehension", "sum(¦a for a in b¦)"),
    ("slice", "x[¦:¦]"),
    ("slice", "x[¦1:2:¦, 3]"),
    ("subscripts", "x[¦:, 3,¦]"),
    ("index", "¦x[1]¦.y"),
    ("prime", "¦f'¦(x)"),
    ("PRIMES", "f¦''¦(x)"),
    ("power", "-¦x^-2¦ + 1"),
    ("unary", "y ^ ¦-x¦"),
    ("conditional", "¦a if b else c¦; d"),
    ("lambda", "f(¦x -> x + 1¦, 2)"),
    ("lambda", "f(¦(x) -> { return x }¦, 2)"),
    ("params", "f(¦x¦ -> x + 1, 2)"),
    ("params", "def f¦(x, y=2)¦ { }"),
    ("param", "def f(¦y=2¦, x) { }"),
    ("block", "def f(x) ¦{\n y\n}¦\n"),
    ("define", "a\n¦def f(x) { } backward(g) { }¦\nb"),
    ("backward_clause", "def f(x) { } ¦backward(g) { }¦"),
    ("backward", "a; ¦backward y wrt a, b¦; c"),
    ("expressions", "backward y wrt ¦a, b¦ retain"),
    ("check", "¦check y claim x: 2, z: 3¦\n"),
    ("claims", "check y claim ¦x: 2, z: 3¦\n"),
    ("if", "¦if a { } else if b { }\nelse { }¦\n"),
    ("import", "¦from a import *¦\nb"),
    ("return", "def f() { ¦return¦ }"),
    ("expression_statement", "\n\n  ¦b¦ # c\nd"),
    ("OPERATOR", "a ¦+=¦ b"),
    ("OPERATOR", "a ¦is  not¦ b"),
    ("STRING", "x = ¦'a'¦"),
    ("STRING", "x = ¦'''a\nb'''¦"),
    ("STRING", "x = ¦'é😀'¦"),
    ("NAME", "'é😀' + ¦x¦"),
    ("ARRAY", "x = ¦[1,\n 2]¦\n"),
    ("ELLIPSIS", "x[¦...¦]"),
    ("fstring", "x = ¦f'a{y}b'¦ + 1"),
    ("STRING", "x = f'¦a\\n¦{y}b' + 1"),
    ("replacement", "x = f'a¦{y:.3}¦b'"),
    ("NAME", "f'a{¦y¦:.3}b'"),
    ("NAME", "f'''\n\n a{¦y¦:.3}b'''"),
    ("FORMAT", "f'a{y¦!r:.3¦}b'"),
    ("EQUALS", "f'a{y ¦=¦ }b'"),
    ("NAME", "\ufeff\r\n\r\n¦x¦"),
    ("NAME", "'''a\r\nb'''+¦x¦"),
    ("NAME", "1 + \\\n  ¦x¦"),
    ("NAME", "[1,\n2] +¦x¦"),
    ("NAME", "\n\t\t¦x¦"),
    ("program", "\n # c\n¦a; b\n c¦\n\n"),
]


@pytest.mark.parametrize(("kind", "text"), NODES, ids=[f"{kind} {text!r}" for kind, text in NODES])
def test_place(kind, text):
    text, place = marked(text)
    assert first(parse(text), kind)[2:] == place


def test_tokens_are_where_their_text_is():
    text = "def f(x) {\n  return [x, 2.5]^-1  # why\n}\nf'(\n3) ; x is not y"
    lines = text.split("\n")
    for kind, value, line, column, end_line, end_column in tokens(text):
        source = lines[line - 1][column:end_column]
        if kind != "END":
            assert line == end_line
            assert {"is-not": "is not", 1: "'"}.get(value, str(value)) == source or kind == "NUMBER"
