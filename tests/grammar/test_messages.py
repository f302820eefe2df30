"""What a syntax error says, and where it points: the text between the two `¦`."""

import pytest

from gradcli.errors import SyntaxFailure
from gradcli.grammar import parse, parse_expression

CASES = [
    # text, message, help
    ("1 +¦", "expected an expression after `+`", ""),
    ("x = 1 +¦  # more\n\n", "expected an expression after `+`", ""),
    ("x = (1 + ¦)¦", "expected an expression after `+`, found `)`", ""),
    ("x = ¦(¦1, 2", "this `(` was never closed", ""),
    ("x = ¦[¦1, 2\ny = 3", "this `[` was never closed", ""),
    ("def f(x) {\n y = ¦(¦1\n}", "this `(` was never closed", ""),
    ("def f(x) {\n y = ¦(¦1\n z = 2\n}", "this `(` was never closed", ""),
    ("f(x, ¦[¦1, 2)", "this `[` was never closed", ""),
    ("no_grad ¦{¦\n x = 1\n", "this `{` was never closed", ""),
    ("no_grad {\n x = ¦*¦ 3\n", "expected an expression after `=`, found `*`", ""),
    ("f(x)¦)¦", "unexpected `)`", ""),
    ("(1¦]¦", "unexpected `]`", ""),
    ("x = ¦'¦abc", "this string was never ended", ""),
    ('x = ¦"¦abc\ny = 1', "this string was never ended", ""),
    ("x = ¦'''¦abc\n", "this string was never ended", ""),
    ('x = ¦f"¦abc{x}\n', "this string was never ended", ""),
    ('x = f"¦{¦x"', "this `{` was never closed", ""),
    ('x = f"¦{¦x\n}"', "this `{` was never closed", ""),
    ('x = f"{¦}¦"', "expected an expression after `{`, found `}`", ""),
    ('x = f"¦}¦"', "a single `}` in an f-string", "write `}}` for the character"),
    ('f"{x:.¦{¦n}f}"', "a format can't contain an expression of its own", "write width and digits out: `{x:8.3f}`"),
    ('f"{x¦!¦z}"', "expected `!r`, `!s` or `!a`", ""),
    ("x = 'a¦\\x¦4'", "`\\x` is no character", ""),
    ("'''a\nb\n  ¦\\ud800¦'''", "`\\ud800` is no character", ""),
    ("if c¦:¦\n  x", "expected `{` after `c`, found `:`", "a block is in braces: `if c { ... }`"),
    ("if c { } else¦:¦ x", "expected `{` after `else`, found `:`", "a block is in braces: `else { ... }`"),
    ("def f(x)¦:¦\n  return x", "expected `{` after `)`, found `:`", "a block is in braces: `def f(x) { ... }`"),
    ("for i in x¦:¦", "expected `{` after `x`, found `:`", "a block is in braces: `for i in range(10) { ... }`"),
    ("while a < b¦:¦", "expected `{` after `b`, found `:`", "a block is in braces: `while c { ... }`"),
    ("if x¦ ¦# c\n{ y }", "expected `{` after `x`, found the end of the line", "the `{` belongs on the same line"),
    ("if x ¦=¦ 3 { }", "expected `{` after `x`, found `=`", "to compare, write `==`"),
    ("¦else¦ { }", "`else` without an `if` before it", ""),
    ("x\n¦else¦ { }", "`else` without an `if` before it", ""),
    ("if a { } ¦b¦", "expected the end of the statement after `}`, found `b`", "begin a new line, or write `;`"),
    ("x = ¦lambda¦ a: a", "`lambda` isn't a word of this language", "a function without a name is `x -> expr`"),
    ("¦class¦ A { }", "`class` isn't a word of this language", "there are no classes; a function can return functions"),
    ("¦try¦:\n x", "`try` isn't a word of this language", "errors can't be caught in a script"),
    ("¦print¦ x", "expected `(` after `print`", "call it: `print(x)`"),
    ("x = 3 ¦print¦(x)", "expected the end of the statement after `3`, found `print`", ""),
    ("if c ¦then¦ { x }", "`then` isn't a word of this language", "a block is in braces: `if c { ... }`"),
    ("x = ¦!¦y", "unexpected character `!`", "write `not`"),
    ("a &¦&¦ b", "expected an expression after `&`, found `&`", "write `and`"),
    ("a |¦|¦ b", "expected an expression after `|`, found `|`", "write `or`"),
    ("x++¦", "expected an expression after `+`", "write `x += 1`"),
    ("a <¦>¦ b", "expected an expression after `<`, found `>`", "write `!=`"),
    ("2¦x¦", "expected the end of the statement after `2`, found `x`", "to multiply, write `2*x`"),
    (
        "0¦x1f¦",
        "expected the end of the statement after `0`, found `x1f`",
        "numbers are decimal: `31`, `1e-3`, `1_000`",
    ),
    ("x ¦y¦", "expected the end of the statement after `x`, found `y`", ""),
    ("x ¦'a'¦", "expected the end of the statement after `x`, found a string", ""),
    ("f(x ¦y¦)", "expected `,` or `)` after `x`, found `y`", ""),
    (
        "x = ¦{¦1: 2}",
        "expected an expression after `=`, found `{`",
        "braces only hold blocks: there are no dicts and sets",
    ),
    ("¦*¦ 3", "a statement can't begin with `*`", ""),
    ("x\n¦*¦ 3", "a statement can't begin with `*`", "to go on with the line before, end it with `*`, or use brackets"),
    (
        "x\n  ¦.¦sum()",
        "a statement can't begin with `.`",
        "to go on with the line before, end it with `\\`, or use brackets",
    ),
    ("for x ¦{¦ }", "expected `in` after `x`, found `{`", ""),
    ("def ¦(¦x) { }", "expected a name after `def`, found `(`", ""),
    ("def f ¦x¦ { }", "expected `(` after `f`, found `x`", ""),
    ("a if b¦", "expected `else` after `b`", ""),
    ("f(x) ¦->¦ 3", "unexpected `->`", "a function is `f(x) = expr`, and one without a name `x -> expr`"),
    ("¦__x¦ = 3", "the name `__x` is reserved", ""),
    ("x.¦__class__¦", "the name `__class__` is reserved", ""),
    ("f(¦__k¦=1)", "the name `__k` is reserved", ""),
    ("y¦²¦", "unexpected character `²`", "write `^2`"),
    ("3 ¦÷¦ 4", "unexpected character `÷`", "write `/`"),
    ("x = ¦$¦", "unexpected character `$`", ""),
    ("x¦\u200b¦", "unexpected character `U+200B`", ""),
    ("a ¦\\¦ b", "unexpected `\\`", "a backslash goes at the end of a line that the next one continues"),
    ("[x for y in z ¦for¦ w in v]", "expected `]` after `z`, found `for`", "a list has one `for`"),
    ("x[¦]¦", "expected an expression after `[`, found `]`", ""),
    ("backward y wrt¦", "expected an expression after `wrt`", ""),
    ("backward y with v ¦with w¦", "`with` is given twice", ""),
    ("backward y retain ¦retain¦", "`retain` is given twice", ""),
    (
        "backward y ¦foo¦",
        "expected the end of the statement after `y`, found `foo`",
        "its clauses are `with v`, `wrt a, b` and `retain`",
    ),
    ("check y claim x¦", "expected `:` after `x`", ""),
    ("const x ¦+¦ 1", "expected `=` after `x`, found `+`", ""),
    ("¦@¦foo", "a statement can't begin with `@`", ""),
    ("x¦:¦ int = 3", "expected the end of the statement after `x`, found `:`", "a name needs no type: `x = 3`"),
    ("x = ¦" + "9" * 5000 + "¦", "this whole number has too many digits", "write it as a float: `1e300`"),
]


def failure_of(text, parsing=parse):
    with pytest.raises(SyntaxFailure) as caught:
        parsing(text, "a.gr")
    return caught.value


@pytest.mark.parametrize(("text", "message", "help"), CASES, ids=[case[0][:40] for case in CASES])
def test_message(text, message, help):
    before, inside, *after = text.split("¦")
    after = "".join(after)
    if "¦" not in text[len(before) + 1 :]:  # one mark: just behind the last character
        after, inside = inside, " "
        text = before + after
    else:
        text = before + inside + after
    failure = failure_of(text)
    assert failure.message == message
    assert failure.help == help
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert failure.span[:5] == ("a.gr", line, column, line, column + len(inside))


def test_the_first_error_is_the_one_reported():
    assert failure_of("x = = 1\ny = 'abc").span.line == 1
    assert failure_of("x = = 1\ny = (1").span.line == 1
    assert failure_of("x = $\ny = = 1").span.line == 1


def test_no_message_speaks_of_terminals():
    from gradcli.grammar import tables

    for text, _, _ in CASES:
        failure = failure_of(text.replace("¦", ""))
        words = f"{failure.message} {failure.label} {failure.help}".replace("`", " ").split()
        assert not {name for name in tables.TERMINALS if len(name) > 1} & set(words)


def test_an_expression_by_itself():
    assert failure_of("x y", parse_expression).message == "expected the end of the expression after `x`, found `y`"
    failure = failure_of("x +", lambda text, name: parse_expression(text, name, line=4, column=7))
    assert failure.span[:5] == ("a.gr", 4, 11, 4, 12)
    failure = failure_of("(2x)", lambda text, name: parse_expression(text, name, line=4, column=7))
    assert failure.message == "expected `,` or `)` after `2`, found `x`"
