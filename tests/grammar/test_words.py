"""What the lexer decides: where statements end, which words are keywords, what quotes and brackets mean."""

import pytest

from gradcli.grammar import incomplete, parse, parse_expression, tokens

# -------------------------------------------------------------------------------------------------------- newlines

SAME = {
    "a\nb": "a; b",
    "a;;b;": "a; b",
    "\n\n;\na\n": "a",
    "a # comment ; b": "a",
    "a\r\nb\rc": "a; b; c",
    "\ufeffa": "a",
    "a +\nb": "a + b",
    "a = \n\n # why\n b": "a = b",
    "f = x ->\n x": "f = x -> x",
    "a and\nb or\nnot\nc": "a and b or not c",
    "a not in\nb": "a not in b",
    "a is not\nnone": "a is not none",
    "a ==\nb": "a == b",
    "a ^\nb": "a ^ b",
    "x +=\n1": "x += 1",
    "a,\nb = c": "a, b = c",
    "a + \\\n b": "a + b",
    "a \\\n + b": "a + b",
    "(a\n+ b)": "(a + b)",
    "f(\n a,\n b\n)": "f(a, b)",
    "x[\n1\n:2]": "x[1:2]",
    "if a { b\n}\n\n# why not\nelse { c }": "if a { b } else { c }",
    "if a { }\nelif b { }": "if a { } elif b { }",
    "a if c\nelse b": "a if c else b",
    "{\n".join(["if a ", "\n\nb\n}"]): "if a { b }",
    "f(g -> { a = 1\n return a }, 2)": "f(g -> { a = 1; return a }, 2)",
    "f(g -> { a = [1,\n x]\n\n return a\n})": "f(g -> { a = [1, x]; return a })",
    "f(\n(g -> {\nreturn (a\n+ b)\n}\n)\n)": "f((g -> { return (a + b) }))",
    "from torch import *\na": "import torch; a",
    "a\xa0+\tb": "a + b",
}


@pytest.mark.parametrize("text", SAME)
def test_newlines(text, tree):
    assert tree(text) == tree(SAME[text])


# --------------------------------------------------------------------------------------------------- soft keywords

SOFT = {
    "backward = 3": "assign(backward, 3)",
    "backward += 3": "augment(backward, +=, 3)",
    "y.backward()": "expression_statement(call(attribute(y, backward), args()))",
    "backward(y)": "expression_statement(call(backward, args(y)))",
    "backward": "expression_statement(backward)",
    "check.x": "expression_statement(attribute(check, x))",
    "check[0]": "expression_statement(index(check, 0))",
    "check(x) = x": "assign(call(check, args(x)), x)",
    "graph + 1": "expression_statement(chain(graph, +, 1))",
    "graph+1": "expression_statement(chain(graph, +, 1))",
    "graph - y": "expression_statement(chain(graph, -, y))",
    "graph-y": "expression_statement(chain(graph, -, y))",
    "graph -y": "show(graph, unary(-, y))",
    "graph ~y": "show(graph, unary(~, y))",
    "graph not y": "show(graph, not(y))",
    "graph not in y": "expression_statement(comparison(graph, not-in, y))",
    "graph [a, b]": "show(graph, list(a, b))",
    "graph (a)": "show(graph, group(a))",
    "graph x -> x": "show(graph, lambda(params(param(x, _)), x))",
    "graph if c else d": "expression_statement(conditional(graph, c, d))",
    "x = graph": "assign(x, graph)",
    "f(graph, check=1)": "expression_statement(call(f, args(graph, keyword(check, 1))))",
    "const = 1": "assign(const, 1)",
    "const(x)": "expression_statement(call(const, args(x)))",
    "no_grad()": "expression_statement(call(no_grad, args()))",
    "with no_grad() { }": "with(call(no_grad, args()), _, block())",
    "wrt = retain = claim = 1": "assign(wrt, retain, claim, 1)",
    "backward retain": "backward(retain, _, _, _)",
    "backward wrt wrt wrt": "backward(wrt, _, expressions(wrt), _)",
    "backward retain retain": "backward(retain, _, _, retain)",
    "backward y.retain": "backward(attribute(y, retain), _, _, _)",
    "backward f(retain) retain": "backward(call(f, args(retain)), _, _, retain)",
    "check claim claim claim: 1": "check(claim, claims(claim(claim, 1)))",
    "backward y wrt a\nretain = 2": "backward(y, _, expressions(a), _); assign(retain, 2)",
    "f = g -> { backward y\n}": "assign(f, lambda(params(param(g, _)), block(backward(y, _, _, _))))",
    "x.if + np.in.true": "expression_statement(chain(attribute(x, if), +, attribute(attribute(np, in), true)))",
    "lambda = class = 2": "assign(lambda, class, 2)",
    "β = µ": "assign(β, μ)",  # the micro sign is the Greek letter, as in Python
}


@pytest.mark.parametrize("text", SOFT)
def test_soft_keywords(text, tree):
    assert tree(text) == SOFT[text]


# ----------------------------------------------------------------------------------------------- primes and strings

QUOTES = {
    "f'(x)": "call(prime(f, 1), args(x))",
    "f''(x)": "call(prime(f, 2), args(x))",
    "f'''(x)": "call(prime(f, 3), args(x))",
    "F'(x)": "call(prime(F, 1), args(x))",
    "f'{x}'": "fstring(replacement(x, _, _))",
    "f''": "fstring()",
    "F'a'": "fstring('a')",
    "f'' + f'x'": "chain(fstring(), +, fstring('x'))",
    "r'(x)": "call(prime(r, 1), args(x))",
    "b'": "prime(b, 1)",
    "f(x)'": "prime(call(f, args(x)), 1)",
    "f('a')": "call(f, args('a'))",
    "f(g', 'a')": "call(f, args(prime(g, 1), 'a'))",
    "x.f'(y)": "call(prime(attribute(x, f), 1), args(y))",
    "not'a'": "not('a')",
    "f'{f'(x)}'": "fstring(replacement(call(prime(f, 1), args(x)), _, _))",
    '"a\'b"': '"a\'b"',
    r"'\n\t\\\'\"\x41\u03b2\U0001F600\q'": repr("\n\t\\'\"Aβ😀\\q"),
    "'a\\\nb'": "'ab'",
    "'''a\n'b''\n'''": repr("a\n'b''\n"),
    '"""a\r\nb"""': repr("a\nb"),
    'r"\\n"': repr("\\n"),
    "'\\\\'": repr("\\"),
    'f"{x:.3f}"': "fstring(replacement(x, (None, '.3f'), _))",
    'f"{x!r}"': "fstring(replacement(x, ('r', None), _))",
    'f"{x!s:>9}"': "fstring(replacement(x, ('s', '>9'), _))",
    'f"{x=}"': "fstring(replacement(x, _, 'x='))",
    'f"{ x + 1 = :.2f}"': "fstring(replacement(chain(x, +, 1), (None, '.2f'), ' x + 1 = '))",
    'f"{x=!r}"': "fstring(replacement(x, ('r', None), 'x='))",
    'f"{x == y}{x!=y}"': "fstring(replacement(comparison(x, ==, y), _, _), replacement(comparison(x, !=, y), _, _))",
    'f"{{{x}}}"': "fstring('{', replacement(x, _, _), '}')",
    'f"a\\n{x}\\x41"': "fstring('a\\n', replacement(x, _, _), 'A')",
    'rf"\\n{x}"': "fstring('\\\\n', replacement(x, _, _))",
    'f"{x[1:2]}{(y -> { return y })(1)}"': "fstring(replacement(index(x, slice(1, 2, _)), _, _),"
    " replacement(call(group(lambda(params(param(y, _)), block(return(y)))), args(1)), _, _))",
    'f\'{"a"}{f"{x}"}\'': "fstring(replacement('a', _, _), replacement(fstring(replacement(x, _, _)), _, _))",
    "f'{a, b}'": "fstring(replacement(tuple(a, b), _, _))",
    "f'''{\nx\n}\n'''": "fstring(replacement(x, _, _), '\\n')",
}


@pytest.mark.parametrize("text", QUOTES)
def test_quotes(text, expression):
    assert expression(text) == QUOTES[text]


# ---------------------------------------------------------------------------------------------------------- arrays

ARRAYS = {
    "[1, 2.5, -3e-2]": "[1, 2.5, -0.03]",
    "[[1, 2],\n [3, 4]]": "[[1, 2], [3, 4]]",
    "[[1], []]": "[[1], []]",
    "[.5, 1]": "list(0.5, 1)",
    "[5., 1]": "list(5.0, 1)",
    "[+1]": "list(unary(+, 1))",
    "[1, 2,]": "list(1, 2)",
    "[1_000]": "list(1000)",
    "[1 - 2]": "list(chain(1, -, 2))",
    "[1, # one\n 2]": "list(1, 2)",
    "[01]": "list(1)",
    "[]": "list()",
    "[[], []]": "list(list(), list())",
    "[1, x]": "list(1, x)",
    "[[1, 2], [3, x], [[4]]]": "list([1, 2], list(3, x), [[4]])",
    "[1 for x in [1, 2]]": "comprehension(1, x, [1, 2], _)",
    "[1, 2][0]": "index([1, 2], 0)",
    "x[1, 2]": "index(x, subscripts(1, 2))",
    "x[[1, 2]]": "index(x, [1, 2])",
    "x[0][1]": "index(index(x, 0), 1)",
    "f(x)[1]": "index(call(f, args(x)), 1)",
    "'a'[1]": "index('a', 1)",
    "f'a'[1]": "index(fstring('a'), 1)",
    "g'[1]": "index(prime(g, 1), 1)",
    "f([1], k=[2])": "call(f, args([1], keyword(k, [2])))",
    "x in [1]": "comparison(x, in, [1])",
    "-[1] + [2]": "chain(unary(-, [1]), +, [2])",
    "[1] if c else [2]": "conditional([1], c, [2])",
}


@pytest.mark.parametrize("text", ARRAYS)
def test_arrays(text, expression):
    assert expression(text) == ARRAYS[text]


def test_array_at_the_beginning_of_a_statement(tree):
    assert tree("x\n[1]") == "expression_statement(x); expression_statement([1])"


# --------------------------------------------------------------------------------------------------- other entries


def test_tokens_leave_out_comments_and_survive_errors():
    assert [token[:2] for token in tokens("x = 'a' # requires_grad\n)y")] == [
        ("NAME", "x"),
        ("PUNCTUATION", "="),
        ("STRING", "a"),
        ("END", "\n"),
    ]


def test_expression_by_itself():
    assert parse_expression("x", line=3, column=10) == ("NAME", "x", 3, 10, 3, 11)
    assert parse_expression("1, 2\n")[0] == "tuple"
    assert parse_expression("(a\n+ b)", line=3, column=10)[2:] == (3, 10, 4, 4)


@pytest.mark.parametrize(
    "text", ["f(x", "x = [1,\n", "if c {", "x = '''a\n", 'f"""{x}', "x = 1 +", "x = 1 + \\\n", "x \\", "a,"]
)
def test_incomplete(text):
    assert incomplete(text)


@pytest.mark.parametrize("text", ["", "x", "x)", "x = 'a", "f(]", "if c { }", "from torch import *", "x = = 1", "# \\"])
def test_complete_or_beyond_help(text):
    assert not incomplete(text)


def test_reserved_names_stay_reserved_after_an_import():
    from gradcli.errors import SyntaxFailure

    with pytest.raises(SyntaxFailure, match="reserved"):
        parse("from __future__ import x\n__future__")
