"""Wrong scripts, and what they're told: kind, place, message and help. A row of a table is a case.

Each row: the script, the failure's kind, where its caret begins ("line:column") and, where it matters, ends (":column"),
a part of the message, and a part of the help or the label.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from gradcli import GradcliError, Session
from tests.language.running import failure_of, outcome, shown


class Row(NamedTuple):
    script: str
    kind: str
    place: str
    message: str
    help: str = ""


def rows(kind: str, *cases: tuple[str, ...]) -> list[Row]:
    return [Row(case[0], kind, *case[1:]) for case in cases]


def check(row: Row) -> None:
    failure = failure_of(row.script)
    line, column, *end = (int(part) for part in row.place.split(":"))
    assert failure.span is not None
    assert failure.kind == row.kind, failure.message
    assert row.message in failure.message
    assert row.help in f"{failure.label}\n{failure.help}", (failure.label, failure.help)
    assert (failure.span.line, failure.span.column) == (line, column), failure.span
    if end:
        assert (failure.span.end_line, failure.span.end_column) == (line, end[0]), failure.span


def name_of(row: Row) -> str:
    return re.sub(r"\s+", " ", row.script)[-60:]


# ---- SyntaxFailure: the text is no script

SYNTAX = rows(
    "SyntaxFailure",
    # the end of the text, brackets and strings never closed
    ("x = 3 +", "1:8", "expected an expression after `+`"),
    ("x = ", "1:4", "expected an expression after `=`"),
    ("f(x) =", "1:7", "expected an expression after `=`"),
    ("x = [1, 2\ny = 3", "1:5:6", "this `[` was never closed"),
    ("x = f(1, (2, 3)\ny = 3", "1:6:7", "this `(` was never closed"),
    ("if x > 0 {\n    y = 3\n", "1:10:11", "this `{` was never closed"),
    ('x = "abc\ny = 3', "1:5:6", "this string was never ended"),
    ("x = 'abc", "1:5:6", "this string was never ended"),
    ('x = """abc\ny', "1:5:8", "this string was never ended"),
    ('f"{x', "1:3:4", "this `{` was never closed"),
    ("x = 3)", "1:6:7", "unexpected `)`", "no bracket is open here"),
    ("x = (3]", "1:7:8", "unexpected `]`", "`(` is open here"),
    ("}", "1:1:2", "unexpected `}`"),
    # signs and words of other languages
    ("x++", "1:4", "expected an expression after `+`", "`x += 1`"),
    ("x && y", "1:4", "found `&`", "`and`"),
    ("x || y", "1:4", "found `|`", "`or`"),
    ("!x", "1:1", "unexpected character `!`", "`not`"),
    ("x := 3", "1:3", "found `:`", "`=`"),
    ("lambda x: x", "1:1:7", "`lambda` isn't a word of this language", "`x -> expr`"),
    ("class A: pass", "1:1:6", "`class` isn't a word of this language"),
    ("try: x", "1:1:4", "`try` isn't a word of this language"),
    ("global x", "1:1:7", "`global` isn't a word of this language"),
    ("yield 3", "1:1:6", "`yield` isn't a word of this language"),
    ("print 3", "1:1:6", "expected `(` after `print`", "`print(x)`"),
    ("x = {1: 2}", "1:5:6", "found `{`", "there are no dicts and sets"),
    ("$x", "1:1:2", "unexpected character `$`"),
    ("x \u2212 3", "1:3:4", "unexpected character `\u2212`", "`-`"),
    ("x = \u201ca\u201d", "1:5:6", "unexpected character", '`"`'),
    ("if x > 0:\n    y = 3", "1:9:10", "expected `{` after `0`, found `:`", "a block is in braces"),
    ("for i in range(3):\n    i", "1:18:19", "found `:`", "a block is in braces"),
    ("def f(x):\n    return x", "1:9:10", "found `:`", "a block is in braces"),
    ("while x\n{ }", "1:8", "expected `{`", "the `{` belongs on the same line"),
    ("x: float = 3", "1:2:3", "found `:`", "a name needs no type"),
    # statements and expressions
    ("2x", "1:2:3", "expected the end of the statement after `2`, found `x`", "`2*x`"),
    ("x = 3 4", "1:7:8", "expected the end of the statement after `3`, found `4`"),
    ("x = 0x1F", "1:6:9", "expected the end of the statement after `0`", "numbers are decimal"),
    ("x = * 3", "1:5:6", "expected an expression after `=`, found `*`"),
    ("x = 3 if true", "1:14", "expected `else` after `true`"),
    ("for x y", "1:7:8", "expected `in` after `x`, found `y`"),
    ("def f { }", "1:7:8", "expected `(` after `f`, found `{`"),
    ("else { }", "1:1:5", "`else` without an `if` before it"),
    ("if x = 3 { }", "1:6:7", "found `=`", "`==`"),
    ("a < b < c", "1:1:10", "a chain of comparisons has no meaning for tensors", "`a < b and b < c`"),
    ("x == y == z", "1:1:12", "a chain of comparisons"),
    ("3 = x", "1:1:2", "this can't be given a value", "`x[i]`"),
    ("x + 1 = 3", "1:1:6", "this can't be given a value"),
    ("none = 3", "1:1:5", "this can't be given a value"),
    ("f(x) += 3", "1:1:5", "`+=` changes a name, `x[i]` or `x.grad`"),
    ("x.f(y) = 3", "1:1:7", "a function is defined by a name and its arguments"),
    ("f(1) = 3", "1:3:4", "a function's arguments are names", "`f(x, n=2) = x^n`"),
    ("f(x, x) = 3", "1:6:7", "the argument `x` stands twice here"),
    ("def f(a, b=1, c) { }", "1:15:16", "`c` needs a default value", "put arguments with defaults last"),
    ("f(x=1, x=2)", "1:8:11", "the argument `x` stands twice here"),
    ("f(x=1, 2)", "1:8:9", "an argument by position can't follow one by name", "put named arguments last"),
    ("return 3", "1:1:9", "`return` stands outside of a function"),
    ("break", "1:1:6", "`break` stands outside of a loop"),
    ("while true { def f() { continue } }", "1:24:32", "`continue` stands outside of a loop"),
    ("del x[0]", "1:5:9", "`del` takes names"),
    ("const x, y = 1, 2", "1:8:9", "expected `=` after `x`, found `,`"),
    ("backward y create_graph", "1:12:24", "found `create_graph`", "`with v`, `wrt a, b` and `retain`"),
    ("backward y retain retain", "1:19:25", "`retain` is given twice"),
    ("__x = 3", "1:1:4", "the name `__x` is reserved", "names can't begin with two underscores"),
    ('f"{x!z}"', "1:5:6", "expected `!r`, `!s` or `!a`"),
    ('f"{x:{w}}"', "1:6:7", "a format can't contain an expression of its own"),
    ('f"{}"', "1:4:5", "expected an expression after `{`, found `}`"),
    ('f"a}b"', "1:4:5", "a single `}` in an f-string", "`}}`"),
    ("x = 1\n  ^ 2", "2:3", "a statement can't begin with `^`", "to go on with the line before, end it with `^`"),
    ("import", "1:7", "expected a name after `import`"),
    ("import import", "1:1", "an import line names a module"),
    ("from (", "1:1", "an import line names a module"),
    ("x = 3\nx is 3", "2:3:5", "`is` asks for none only"),
)  # fmt: skip

# ---- NameFailure: names, functions, methods and attributes that don't exist

NAMES = rows(
    "NameFailure",
    ("alpha = 3\nbeta = alpah + 1", "2:8:13", "`alpah` isn't defined", "did you mean `alpha`?"),
    ("sinn(3)", "1:1:5", "`sinn` isn't defined", "did you mean `sin`?"),
    ("x = 3\nX", "2:1:2", "`X` isn't defined", "did you mean `x`?"),
    ("qwertz", "1:1:7", "`qwertz` isn't defined", ""),
    ("f(x) = x * scale\nf(3)", "1:12:17", "`scale` isn't defined"),
    ("x = 3; del x; x", "1:15:16", "`x` isn't defined"),
    ("del q", "1:5:6", "`q` isn't defined"),
    ("q += 1", "1:1:2", "`q` isn't defined"),
    ("q[0] = 1", "1:1:2", "`q` isn't defined"),
    ("q.grad = none", "1:1:2", "`q` isn't defined"),
    ("backward q", "1:10:11", "`q` isn't defined"),
    ("def f() { y = k; k = 3; return y }\nk = 2\nf()", "1:15:16", "`k` has no value yet", "makes it local here"),
    ("[1, 2].summ()", "1:1:14", "a tensor has no method `summ`", "did you mean `.sum()`?"),
    ("[1, 2].reshap(2, 1)", "1:1:20", "a tensor has no method `reshap`", "did you mean `.reshape()`?"),
    ("[1, 2].shap", "1:1:12", "a tensor has no attribute `shap`", "did you mean `.shape`?"),
    ("[1, 2].sum", "1:1:11", "a tensor has no attribute `sum`", "it's a method: `.sum()`"),
    ("[1, 2].grad_fn()", "1:1:17", "`grad_fn` isn't a method", "it's an attribute: `.grad_fn`, without parentheses"),
    ("sin.foo", "1:1:8", "a function has no attribute `foo`"),
    ("none.foo", "1:1:9", "none has no attribute `foo`"),
    ('"a".foo()', "1:1:10", "a string has no method `foo`"),
    ('"a".uper()', "1:1:11", "a string has no method `uper`", "did you mean `.upper()`?"),
    ("[sin].appendd(3)", "1:1:17", "a list has no method `appendd`", "did you mean `.append()`?"),
    ("(3).foo", "1:1:8", "a number has no attribute `foo`"),
    ("max([1, 2], 0).value", "1:1:21", "has no attribute `value`", "did you mean `.values`?"),
    ("x = 3; x.foo = 4", "1:8:13", "the attribute `foo` of a tensor can't be set", "`.grad` and `.data`"),
    ("x = 3; x.foo += 4", "1:8", "a tensor has no attribute `foo`"),
    ("torch.sinn(3)", "1:1:11", "`torch.sinn` isn't in the vocabulary", "did you mean `torch.sin`?"),
    ("np.arrange(3)", "1:1:11", "`np.arrange` isn't in the vocabulary", "did you mean `np.arange`?"),
    ("F.rellu(3)", "1:1:8", "`F.rellu` isn't in the vocabulary", "did you mean `F.relu`?"),
    ("linalg.nrm(3)", "1:1:11", "`linalg.nrm` isn't in the vocabulary", "did you mean `linalg.norm`?"),
    ("math.sqr(3)", "1:1:9", "`math.sqr` isn't in the vocabulary", "did you mean `math.sqrt`?"),
    ("x = nn.Linear(2, 3)", "1:5:14", "`nn.Linear` isn't in the vocabulary"),
)  # fmt: skip

# ---- TypeFailure: wrong arguments, wrong values, bad truth, failed unpacking

ARGUMENTS = rows(
    "TypeFailure",
    # the library's functions: how many, which names, which kinds
    ("sin()", "1:1:6", "sin() needs", "sin(input)"),
    ("sin(1, 2)", "1:8:9", "sin() takes 1 argument, and got 2", "it is called sin(input)"),
    ("sum([1, 2], dims=0)", "1:13:19", "sum() has no argument `dims`", "did you mean `dim`? it is called sum("),
    ("zeros(2, dtpe=int64)", "1:10:20", "zeros() has no argument `dtpe`", "did you mean `dtype`?"),
    ("sum([1, 2], 0, dim=0)", "1:16:21", "sum() got its argument `dim` twice", "it is called sum("),
    ("reshape()", "1:1:10", "reshape() needs an argument `input`", "it is called reshape("),
    ("sum([[1, 2], [3, 4]], 0.5)", "1:23:26", "sum() wants a whole number, and got 0.5 as `dim`"),
    ('sum([1, 2], "a")', "1:13:16", 'sum() wants a whole number, and got "a" as `dim`'),
    ('sin("a")', "1:1:9", "expected a tensor or numbers, and got a string"),
    ("sin(none)", "1:1:10", "expected a tensor or numbers, and got none"),
    ("sin(cos)", "1:1:9", "expected a tensor or numbers, and got a function"),
    ("cat(3)", "1:5:6", "cat() wants a list of tensors, and got 3 as `tensors`", "put them in brackets"),
    ("zeros(2, dtype=3)", "1:10:17", "zeros() wants a dtype such as float64 or int64, and got 3 as `dtype`"),
    ("arange(sin)", "1:8:11", "arange() wants a number, and got"),
    ("x = 3; x.register_hook(3)", "1:24:25", "register_hook() wants a function, and got 3 as `hook`", "`x -> x^2`"),
    ("len(3)", "1:1:7", "have a length"),
    ("len(none)", "1:1:10", "have a length"),
    ("len([1, 2], 3)", "1:13:14", "len() takes 1 argument, and got 2", "it is called len(value)"),
    ("range()", "1:1:8", "range() takes 1 to 3 arguments, and got 0"),
    ("range(1, 2, 3, 4)", "1:1:18", "range() takes 1 to 3 arguments, and got 4"),
    ("int(none)", "1:1:10", "none can't be made a number"),
    ("float(sin)", "1:1:11", "a function can't be made a number"),
    ("math.sqrt()", "1:1:12", "math.sqrt()"),
    ("print(3, sep=3)", "1:1:16", "`sep`"),
    ("print(3, file=3)", "1:10:16", "print() has no argument `file`", "it is called print("),
    # a user's functions
    ("f(x) = x\nf()", "2:1:4", "f() needs `x`", "it is called f(x)"),
    ("f(x, y) = x\nf(1)", "2:1:5", "f() needs `y`", "it is called f(x, y)"),
    ("f(x, n=2) = x\nf(1, 2, 3)", "2:9:10", "f() takes 2 arguments, and got 3", "it is called f(x, n=2)"),
    ("f(x) = x\nf(y=2)", "2:3:6", "f() has no argument `y`", "it is called f(x)"),
    ("f(x) = x\nf(1, x=2)", "2:6:9", "f() got its argument `x` twice", "it is called f(x)"),
    ("def f(x) { return x }\nf()", "2:1:4", "f() needs `x`", "it is called f(x)"),
    ("f(x) = x\nf(*3)", "2:1:6", ""),
    ("(x -> x)()", "1:1:11", "needs `x`"),
    ("g = (a, b) -> a\ng(1)", "2:1:5", "needs `b`"),
    ("g = a -> { return a }\ng(1, 2)", "2:6:7", "takes 1 argument, and got 2"),
    # methods of lists and strings
    ("xs = [sin]; xs.append(3, 4)", "1:13:28", "append()"),
    ("xs = [sin]; xs.insert(3)", "1:13:25", "insert()"),
    ("xs = [sin]; xs.extend(3)", "1:13:25", "extend()"),
    ('"abc".join(3)', "1:1:14", "join()"),
    ('", ".join([1, 2])', "1:1:18", "join()"),
    ('"abc".split(3)', "1:1:15", "split()"),
    ('"abc".upper(3)', "1:1:15", "upper()"),
    ('"{} {}".format(3)', "1:1:18", "this format doesn't fit its values"),
)  # fmt: skip

VALUES = rows(
    "TypeFailure",
    # calling, indexing, iterating what can't be
    ("x = 3\nx(2)", "2:1:5", "a tensor can't be called", "a product is written with `*`"),
    ("3(2)", "1:1:5", "a number can't be called", "a product is written with `*`"),
    ("n = len([1])\nn(2)", "2:1:5", "a number can't be called"),
    ('"a"(2)', "1:1:7", "a string can't be called"),
    ("[1, 2](0)", "1:1:10", "a tensor can't be called", ""),
    ("none()", "1:1:7", "none can't be called"),
    ("n = len([1])\nn[0]", "2:1:5", "a number can't be indexed"),
    ("none[0]", "1:1:8", "none can't be indexed"),
    ("sin[0]", "1:1:7", "a function can't be indexed"),
    ("for a in 3 {\n    a\n}", "1:10:11", "a number can't be iterated over"),
    ("for a in none { }", "1:10:14", "none can't be iterated over"),
    ("for a in tensor(3) { }", "1:10:19", "iteration over a 0-d tensor"),
    ("xs = (1, 2)\nxs[0] = 3", "2:1:6", "the parts of a tuple can't be set"),
    ('s = "abc"\ns[0] = "x"', "2:1:5", "the parts of a string can't be set"),
    # truth
    ("if [1, 2] { }", "1:4:10", "Boolean value of Tensor with more than one value is ambiguous", "`.any()` or `.all()`"),
    ("x = [1, 2]\nwhile x > 0 { }", "2:7:12", "Boolean value of Tensor with more than one value is ambiguous"),
    ("not [1, 2]", "1:1", "Boolean value of Tensor with more than one value is ambiguous"),
    ("x = [1, 2]\nx > 0 and x < 2", "2:1", "Boolean value of Tensor with more than one value is ambiguous", "`where(c, a, b)`"),
    ("assert [1, 2] == [1, 2]", "1:8:24", "Boolean value of Tensor with more than one value is ambiguous"),
    ("if zeros(0) { }", "1:4:12", "Boolean value of Tensor with no values is ambiguous"),
    # unpacking
    ("a, b = 1, 2, 3", "1:1:5", "more values than the 2 names"),
    ("a, b, c = 1, 2", "1:1:8", "3 names, and 2 values to give them"),
    ("a, b = [1, 2, 3]", "1:1:5", "more values than the 2 names"),
    ("a, b, c = zeros(2, 2)", "1:1:8", "3 names, and 2 values to give them"),
    ("a, b = 3", "1:8:9", "a number can't be"),
    ("a, b = none", "1:8:12", "none can't be"),
    ("a, b = tensor(3)", "1:8:17", "0-d tensor"),
    ("for (a, b) in [[1, 2, 3]] { }", "1:5:11", "more values than the 2 names"),
    ("for a, b in [sin, cos] { }", "1:5:9", "a function can't be unpacked into several names"),
    # operators between what doesn't go together
    ('1 + "a"', "1:1:8", "`+` isn't defined for a number and a string"),
    ('"a" + 1', "1:1:8", "`+` isn't defined for a string and a number"),
    ('"a" - "b"', "1:1:10", "`-` isn't defined for a string and a string"),
    ('"a" * "b"', "1:1:10", "a list or string can't be multiplied by a string"),
    ('"a" < 1', "1:1:8", "`<` isn't defined for a string and a number"),
    ('[1, 2] + "a"', "1:1:13", "and got a string"),
    ("none + 1", "1:1:9", "`+` isn't defined for none and a number"),
    ("x = none\nx += 1", "2:1:7", "`+` isn't defined for none and a number"),
    ("sin + 1", "1:1:8", "`+` isn't defined for a function and a number"),
    ("(1, 2) - 1", "1:1:11", "`-` isn't defined for a tuple and a number"),
    ("[sin] * [cos]", "1:1:14", "`*` isn't defined for a list and a list"),
    ("3 @ 4", "1:1:6", "`@` isn't defined for a number and a number"),
    ('-"a"', "1:1:5", "`-` isn't defined for a string"),
    ("-none", "1:1:6", "`-` isn't defined for none"),
    ("~[1, 2]", "1:1:8", "`~` is for bool tensors", "`-x`"),
    ("[1, 2] | [1, 2]", "1:1:16", "is for bool tensors", "each comparison in parentheses"),
    ("1 in 3", "1:1:7", "`in` looks into lists and strings, and this is a number"),
    ('"%d" % "a"', "1:1:11", ""),
    ("float64 + 1", "1:1:12", "`+` isn't defined for a dtype and a number"),
    # formats
    ('f"{3.5:d}"', "1:3:10", "this format doesn't fit the value"),
    ('f"{[1, 2]:.3f}"', "1:3:15", "the format `.3f` is for one number, and this tensor has shape (2,)"),
    ('f"{none:d}"', "1:3:11", "this format isn't for none"),
    # with, hooks, custom functions
    ("with 3 { }", "1:6:7", "`with` takes `torch.no_grad()`", "`no_grad { ... }`"),
    ("backward 3", "1:10:11", "backward starts from a tensor"),
    ("backward none", "1:10:14", "backward starts from a tensor"),
    ("x = 3; backward x^2 wrt 3", "1:25:26", "`wrt` names the tensors to differentiate by, and this is a number"),
    ("x = 3; y = x^2; grad(y)", "1:17:24", "grad() needs what to differentiate with respect to", ""),
    ('x = 3; x.grad = "a"', "1:8:14", "and got a string"),
    ("x = 3; x.grad = [1, 2]", "1:8:14", "assigned grad has data of a different size"),
    ("f = 3; f'(2)", "1:8:10", "a prime makes the derivative of a function, and this is a tensor"),
    ('x = [1, 2]\nx["a"]', "2:1:7", "an index is a whole number, a slice"),
)  # fmt: skip

# ---- ShapeFailure, with both shapes

PAIR = "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0"
SHAPES = [
    *(
        Row(f"x = [1, 2]; y = [1, 2, 3]\nx {sign} y", "ShapeFailure", f"2:1:{len(sign) + 5}", PAIR, "shapes (2,) and (3,)")
        for sign in ("+", "-", "*", "/", "//", "%", "^", "**", "==", "!=", "<", "<=", ">", ">=")
    ),
    *(
        Row(f"x = [1, 2]; y = [1, 2, 3]\nx {sign}= y.detach()", "ShapeFailure", "2:1", PAIR, "shapes (2,) and (3,)")
        for sign in ("+", "-", "*", "/", "//", "%", "^", "**")
    ),
    *(
        Row(f"a = [1, 2] > 1; b = [1, 2, 3] > 1\na {sign} b", "ShapeFailure", "2:1:6", PAIR, "shapes (2,) and (3,)")
        for sign in ("|", "&")
    ),
    *rows(
        "ShapeFailure",
        ("zeros(2, 3) @ zeros(2, 3)", "1:1:26", "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", "shapes (2, 3) and (2, 3)"),
        ("zeros(2) @ zeros(3)", "1:1:20", "inconsistent tensor size, expected tensor [2] and src [3]", "shapes (2,) and (3,)"),
        ("zeros(2, 3) @ zeros(2)", "1:1:23", "", "shapes (2, 3) and (2,)"),
        ("tensor(3.) @ [1, 2]", "1:1:20", "both arguments to matmul need to be at least 1D, but they are 0D and 1D", "`*`"),
        ("zeros(2).dot(zeros(3))", "1:1:23", "inconsistent tensor size"),
        ("dot(zeros(2, 2), zeros(2))", "1:1:27", "1D tensors expected, but got 2D and 1D tensors", "`x @ y`"),
        ("mm(zeros(2), zeros(2, 2))", "1:1:26", "", "`x @ y`"),
        ("cat([zeros(2, 2), zeros(2, 3)])", "1:1:32", "Sizes of tensors must match except in dimension 0"),
        ("stack([zeros(2), zeros(3)])", "1:1:28", "stack expects each tensor to be equal size"),
        ("zeros(6).reshape(4, 2)", "1:1:23", "shape '[4, 2]' is invalid for input of size 6", "(6,)"),
        ("zeros(2).expand(3)", "1:1:19", "The expanded size of the tensor (3) must match the existing size (2)"),
        ("[[1, 2], [3]]", "1:1:14", "expected a rectangular list", "every row of a matrix needs the same number of entries"),
        ("x = [1, 2]; x[0] = [1, 2]", "1:13:17", "shape mismatch: value tensor of shape [2]"),
        ("x = 3; backward x^2 with [1, 2]", "1:26:32", "Mismatch in shape: grad_output[0] has a shape of (2,) and output[0] has a shape of ()"),
        ("x = [1, 2]; x.register_hook(g -> [1, 2, 3]); backward sum(x)", "1:55:61", "a hook returned a gradient of shape (3,), where shape (2,) is wanted"),
        ("def f(x) { return x } backward(g) { return [1, 2, 3] }\nx = [1, 2]; backward sum(f(x))", "2:22", "the backward of `f` returned a gradient of shape (3,) for an input of shape (2,)"),
        ("zeros(-1)", "1:1:10", "Trying to create tensor with negative dimension -1"),
    ),
]  # fmt: skip

INDICES = rows(
    "IndexFailure",
    ("[1, 2][2]", "1:1:10", "index 2 is out of bounds for dimension 0 with size 2", "the last one is 1"),
    ("[1, 2][-3]", "1:1:11", "index -3 is out of bounds for dimension 0 with size 2"),
    ("[1, 2][0, 0]", "1:1:13", "too many indices for tensor of dimension 1", "its shape is (2,)"),
    ("[1, 2][0.5]", "1:1:12", "an index is a whole number, and this is 0.5"),
    ("[1, 2][0.5:]", "1:1:13", "an index is a whole number, and this is 0.5"),
    ("[1, 2][[0.5]]", "1:1:14", "an index is made of whole numbers"),
    ("[1, 2][[0, 5]]", "1:1:15", "index 5 is out of bounds for dimension 0 with size 2"),
    ("[1, 2][[true, false, true]]", "1:1:28", "The shape of the mask [3] at index 0 does not match the shape of the indexed tensor [2]"),
    ("[1, 2][::0]", "1:1:12", "a slice's step can't be zero"),
    ("tensor(3)[0]", "1:1:13", "invalid index of a 0-dim tensor", "`.item()`"),
    ("x = [1, 2]\nx[5] = 3", "2:1:5", "index 5 is out of bounds"),
    ("x = [1, 2]\nx[5] += 3", "2:1:10", "index 5 is out of bounds"),
    ("xs = [sin, cos]\nxs[2]", "2:1:6", "this index is out of range"),
    ("xs = [sin, cos]\nxs[0.5]", "2:1:8", "whole number"),
    ("(1, 2)[5]", "1:1:10", "this index is out of range"),
    ('"abc"[5]', "1:1:9", "this index is out of range"),
    ('"abc"[0.5]', "1:1:11", "whole number"),
    ("range(3)[5]", "1:1:12", "this index is out of range"),
    ("[].pop()", "1:1:9", "this index is out of range"),
    ("sum([1, 2], 3)", "1:1:15", "Dimension out of range (expected to be in range of [-1, 0], but got 3)", "the tensor has 1 dimension"),
    ("[1, 2].T.sum(dim=5)", "1:1:20", "Dimension out of range"),
    ("gather([1, 2], 0, [5].long())", "1:1:30", "index 5 is out of bounds"),
    ("zeros(2, 2).transpose(0, 7)", "1:1:28", "Dimension out of range (expected to be in range of [-2, 1], but got 7)"),
    ("[1, 2].shape[3]", "1:1:16", "index 3 is out of bounds for a shape of 1 dimension"),
)  # fmt: skip

VALUE = rows(
    "ValueFailure",
    ("1/0", "1:1:4", "division by zero", "tensors give inf or nan"),
    ("1 // 0", "1:1:7", "division by zero"),
    ("1 % 0", "1:1:6", "division by zero"),
    ("0^-1", "1:1:5", "division by zero"),
    ("x = 2\ny = 1 / (2 - 2)", "2:5", "division by zero"),
    ("math.sqrt(-1)", "1:1:14", "math.sqrt"),
    ("math.log(0)", "1:1:12", "math.log"),
    ('int("a")', "1:1:9", "'a' isn't a number"),
    ('float("1,5")', "1:1:13", "isn't a number"),
    ("int(nan)", "1:1:9", "whole number"),
    ("int(inf)", "1:1:9", ""),
    ("range(1, 2, 0)", "1:1:15", "the step of a range can't be 0"),
    ("max([])", "1:1:8", ""),
    ("arange(0, 5, -1)", "1:1:17", "upper bound and lower bound inconsistent with step sign"),
    ("linspace(0, 1, -1)", "1:1:19", "number of steps must be non-negative"),
    ("cat([])", "1:1:8", "expected a non-empty list of Tensors"),
    ("randint(5, 5, (2,))", "1:1:20", "random_ expects 'from' to be less than 'to'"),
    ("xs = [sin]; xs.remove(cos)", "1:13:27", "the value isn't in"),
    ("(sin, cos).index(tan)", "1:1:22", "the value isn't in"),
    ('einsum("ij", zeros(2), zeros(2))', "1:1:33", "einsum()"),
)  # fmt: skip

OTHERS = [
    Row("assert 1 == 2", "AssertFailure", "1:8:14", "this doesn't hold"),
    Row('x = 3\nassert x > 5, "too small"', "AssertFailure", "2:8:13", "too small"),
    Row('load("no-such-file.csv")', "FileFailure", "1:1:25", "no-such-file.csv"),
    Row('save("x.unknown", [1, 2])', "FileFailure", "1:1:26", "doesn't know the format"),
    Row("def f(x) { return f(x) }\nf(1)", "LimitFailure", "1:19:23", "functions call each other too deep", "does the recursion end?"),
    Row("arange(1e15)", "LimitFailure", "1:1:13", "8 PB", "make it smaller"),
    Row("ones(10^6, 10^6)", "LimitFailure", "1:1:17", "8 TB"),
    Row("x = 10^10^10", "LimitFailure", "1:5:13", "digits"),
]  # fmt: skip

# ---- AutogradFailure: the ten classic confusions among them

LEAF = "x = tensor([1., 2.], requires_grad=true)\n"
NO_GRAD_FN = "element 0 of tensors does not require grad and does not have a grad_fn"
AUTOGRAD = rows(
    "AutogradFailure",
    # (a) nothing requires grad: which leaf, or where history was cut
    ("x = [1., 2.]\ny = sum(x^2)\ny.backward()\nx.requires_grad", "3:1:13", NO_GRAD_FN, "`x` (line 1) is not tracked: write `x.requires_grad_()`"),
    (LEAF + "y = x.detach() * 2\nbackward sum(y)", "3:10:16", NO_GRAD_FN, "`y` was given its value at line 2, and `.detach()` cut its history"),
    (LEAF + "no_grad { y = x * 2 }\nz = sum(y)\nbackward z", "4:10:11", NO_GRAD_FN, "`y` was given its value at line 2, and it was computed under no_grad"),
    (LEAF + "y = sum(x.data^2)\nbackward y", "3:10:11", NO_GRAD_FN, "`.data`"),
    ("def f() { y = [1., 2.]; return sum(y) }\nbackward f()", "2:10:13", NO_GRAD_FN, ""),
    # (b) a second backward: which line freed it, and the remedies in order
    (LEAF + "y = sum(x^2)\nbackward y\nbackward y", "4:10:11", "Trying to backward through the graph a second time", "sum the losses"),
    (LEAF + "y = sum(x^2)\nbackward y\nbackward y", "4:10:11", "were freed by the backward at line 3", "`.detach()`"),
    (LEAF + "y = sum(x^2)\nbackward y\nbackward y", "4:10:11", "second time", "`backward y retain`"),
    (LEAF + "h = exp(x)\nbackward sum(h)\nbackward h[0]", "4:10:14", "were freed by the backward at line 3", ""),
    # (c) a saved value changed in place: the op, the line, the way out
    (LEAF + "y = exp(x)\ny += 1\nbackward sum(y)", "4:10:16", "exp at `y` (line 2) saved its result, and line 3 changed it", "`y = y + 1`"),
    ("w = 3; v = 2\ny = w * v\nw += 1\nbackward y", "4:10:11", "mul at `y` (line 2) saved a value that it needs, and line 3 changed it", ""),
    # (d) a leaf changed in place in explicit mode, and the flag lost under no_grad
    ("w = tensor([1., 2.], requires_grad=true)\nw -= 0.1", "2:1:9", "a leaf Variable that requires grad is being used in an in-place operation", "no_grad {"),
    ("w = tensor([1., 2.], requires_grad=true)\nw[0] = 5", "2:1:5", "a leaf Variable that requires grad", "no_grad {"),
    ("w = tensor([1.], requires_grad=true)\nno_grad { w = w - 0.1 }\nbackward sum(w^2)", "3:10:18", NO_GRAD_FN, "`w` was given its value at line 2"),
    ("w = tensor([1.], requires_grad=true)\nno_grad { w = w - 0.1 }\nbackward sum(w^2)", "3:10:18", NO_GRAD_FN, "`-=`, keeps a leaf a leaf"),
    # (e) more than one number to start from
    (LEAF + "y = x^2\nbackward y", "3:10:11", "backward needs one number to start from, and `y` (line 2) has shape (2,)", "`backward y.sum()`"),
    (LEAF + "y = x^2\ny.backward()", "3:1:13", "and `y` (line 2) has shape (2,)", "grad can be implicitly created only for scalar outputs"),
    (LEAF + "grad(x^2, x)", "2:1:13", "has shape (2,)", "grad can be implicitly created only for scalar outputs"),
    # (g) an input that plays no part, a constant derivative
    (LEAF + "z = tensor(3., requires_grad=true)\ngrad(sum(x), z)", "3:1:16", "appears to not have been used in the graph", ""),
    ("x = 2\ny = 3*x\ng = grad(y, x, create_graph=true)\ngrad(g, x)", "4:1:11", NO_GRAD_FN, "it's constant, and its derivative is 0"),
    # (h) integers
    ("x = tensor([1, 2], dtype=int64, requires_grad=true)", "1:5:52", "only Tensors of floating point", "`x.double()`"),
    ("x = tensor([1, 2], dtype=int64)\nx.requires_grad_()", "2:1:19", "only Tensors of floating point", "int64"),
    # others
    (LEAF + "y = x * 2\ny.requires_grad = false", "3:1:16", "you can only change requires_grad flags of leaf variables", "`y.detach()`"),
    ("x = [1., 2.]; x.requires_grad\nx.register_hook(g -> g)", "2:1:24", "cannot register a hook on a tensor that doesn't require gradient", ""),
    ("def f(x) { return x } backward(g) { return g, g }\nx = 3\nbackward f(x)", "3:10:14", "the backward of `f` returned 2 gradients, and `f` has 1 input", "one gradient for each input"),
    ("f(x) = stack([x, x, x]); f'([1., 2.])", "1:26:38", "the derivative of a function is defined where it gives one number or keeps the shape", "`jacobian(f, x)`"),
    ("t = 7; x = 3; y = t // x; backward y", "1:36:37", "derivative for floor_divide is not implemented", "`x.detach()`"),
)  # fmt: skip


@pytest.mark.parametrize("row", [*SYNTAX, *NAMES, *ARGUMENTS, *VALUES, *SHAPES, *INDICES, *VALUE, *OTHERS, *AUTOGRAD], ids=name_of)
def test_what_a_wrong_script_is_told(row: Row) -> None:
    check(row)


# ---- by cause: what the texts of several lines tell together

CAUSES = [
    *rows(
        "AutogradFailure",
        # (a) what has no derivative at all isn't a matter of marking or cutting
        ("x = 3\ny = x > 2\nbackward y", "3:10:11", NO_GRAD_FN, "comparisons have no derivative"),
        ("x = [1., 2.]\ny = argmax(x)\nbackward y", "3:10:11", NO_GRAD_FN, "argmax has no derivative"),
        ("x = 3\ny = x.long()\nbackward y", "3:10:11", NO_GRAD_FN, "`y` (line 2) is int64"),
        # (h) an integer tensor that should require grad: marking it isn't the remedy
        ("x = arange(3, dtype=int64)\ny = sum(x)\nbackward y", "3:10:11", NO_GRAD_FN, "`x` (line 1) is int64"),
        # (d) and (c) in the user's names
        ("w = tensor([1., 2.], requires_grad=true)\nw -= 0.1", "2:1:9", "a leaf Variable", "`no_grad { w -= 0.1 }`"),
        (LEAF + "h = exp(x)\nh += 1\nbackward sum(h)", "4:10:16", "exp at `h` (line 2)", "`h = h + 1`"),
        # (g) which input
        (LEAF + "z = tensor(3., requires_grad=true)\ngrad(sum(x), z)", "3:1:16", "appears to not have been used in the graph", "`z` (line 2)"),
        # (e) asked for by grad
        (LEAF + "grad(x^2, x)", "2:1:13", "grad needs one number to start from", "`grad(sum(x^2), x)`"),
    ),
    *rows(
        "TypeFailure",
        # (a) a plain number has no history: who made it one
        ("n = 3\nk = n.item()^2\nbackward k", "3:10:11", "backward starts from a tensor, and `k` (line 2) is a number", "`.item()`"),
        ("n = 3\nk = int(n)^2\nbackward k", "3:10:11", "backward starts from a tensor, and `k` (line 2) is a number", "`int`"),
        ("n = len([1, 2])\nbackward n^2", "2:10:13", "backward starts from a tensor, and this is a number", "`n` (line 1)"),
        # the function in the user's words, its signature, the nearest name
        ("no_grad(3)", "1:9:10", "no_grad() takes no arguments, and got 1"),
        ("f(value) = value\nf(valeu=2)", "2:3:10", "f() has no argument `valeu`", "did you mean `value`?"),
        ("f(x) = x\nf(*3)", "2:1:6", "a number can't be", ""),
        ("(x -> x)()", "1:1:11", "this function needs `x`"),
        ("g = (a, b) -> a\ng(1)", "2:1:5", "g() needs `b`", "it is called g(a, b)"),
        ("g = a -> { return a }\ng(1, 2)", "2:6:7", "g() takes 1 argument, and got 2", "it is called g(a)"),
        ("range(2.5)", "1:7:10", "range() wants a whole number, and got 2.5"),
        ("math.sqrt()", "1:1:12", "math.sqrt() takes 1 argument, and got 0"),
        ('math.sin("a")', "1:10:13", 'math.sin() wants a number, and got "a"'),
        ("xs = [sin]; xs.append(3, 4)", "1:13:28", "append() takes 1 argument, and got 2"),
        ('"abc".upper(3)', "1:1:15", "upper() takes no arguments, and got 1"),
        # values in the user's words
        ("xs = [sin, cos]; xs[0:1] = 5", "1:18", "a number"),
        ('1 in "abc"', "1:1:11", "`in`"),
        ('"%d" % "a"', "1:1:11", "format"),
        ('"n: " + 3', "1:1:10", "`+` isn't defined for a string and a number", 'f"'),
        ("~3", "1:1:3", "`~` is for bool tensors"),
        ("3 | 4", "1:1:6", "`|` is for bool tensors"),
        ("[1, 2] | [1, 2]", "1:1:16", "`|` is for bool tensors"),
        ('x = [1, 2]\nx["a"]', "2:1:7", "an index is a whole number", "this is a string"),
        ("x = 3; backward x^2 wrt 3", "1:25:26", "`wrt`"),
        # the caret inside a comprehension
        ("[v for v in 3]", "1:13:14", "a number can't be iterated over"),
    ),
    Row("const c = [1., 2.]\nbackward sum(c^2)", "AutogradFailure", "2:10:18", NO_GRAD_FN, "`c`"),
    Row("[1 / v for v in range(3)]", "ValueFailure", "1:2:7", "division by zero"),
    Row("zeros(2, 3) @ zeros(2)", "ShapeFailure", "1:1:23", "size mismatch, got input (2), mat (2x3), vec (2)"),
    Row("zeros(1)[(none,) * 65]", "IndexFailure", "1:1:23", "64 dimensions"),
    Row("def f(x) { return x } backward() { return 1 }", "SyntaxFailure", "1:31:33", "a backward clause takes one argument", "backward(g)"),
]  # fmt: skip


@pytest.mark.parametrize("row", CAUSES, ids=name_of)
def test_help_is_chosen_by_the_cause(row: Row) -> None:
    check(row)


# ---- warnings: the confusions that are no errors


def warned(script: str) -> list[str]:
    _, warnings, failure = outcome(script)
    assert failure is None, failure
    return warnings


def test_the_gradient_of_a_result_is_warned_about() -> None:
    (warning,) = warned(LEAF + "y = sum(x^2)\ny.backward()\ny.grad")
    assert "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed" in warning


def test_accumulation_in_a_loop_is_warned_about_once() -> None:
    assert len(warned(LEAF + "for i in range(4) { y = sum(x^2); backward y }")) == 1
    assert warned(LEAF + "for i in range(4) { zero_grad(); y = sum(x^2); backward y }") == []
    assert warned(LEAF + "for i in range(4) { x.grad = none; y = sum(x^2); y.backward() }") == []


def test_a_broadcast_that_grew_both_operands_is_warned_about_once_a_place() -> None:
    script = "a = [[1.], [2.]]; b = [1., 2.]\nfor i in range(3) { c = a - b }\nd = a * b"
    warnings = warned(script)
    assert len(warnings) == 2
    assert all("(2, 1)" in warning and "(2,)" in warning and "(2, 2)" in warning for warning in warnings)
    assert warned("a = [[1.], [2.]]; b = [[1., 2.]]; c = [1.]; a + c; b + c; a + 1") == []


def test_a_warning_has_its_place() -> None:
    from gradcli.events import Warned

    (event,) = [e for e in Session().run("x = [[1.], [2.]]\ny = x + [1., 2.]") if isinstance(e, Warned)]
    assert event.span is not None
    assert (event.span.line, event.span.column, event.span.end_column) == (2, 5, 17)


# ---- inside functions the chain of calls is shown, script lines only


def chain(failure: GradcliError) -> list[tuple[str, int, int]]:
    return [(name, span.line, span.column) for name, span in failure.calls]


def test_the_chain_of_calls() -> None:
    failure = failure_of("f(x) = 1 / x\ndef g(x) {\n    y = f(x - 1)\n    return y\n}\nz = g(1)")
    assert failure.span is not None
    assert (failure.span.line, failure.span.column) == (1, 8)
    assert chain(failure) == [("g", 6, 5), ("f", 3, 9)]


@pytest.mark.parametrize(
    ("script", "calls"),
    [("f = x -> 1 / x\nf(0)", [(2, 1)]), ("f = x -> {\n    return 1 / x\n}\nf(0)", [(4, 1)]),
     ("f(x) = 1 / x\nx = 3\nx.register_hook(g -> f(0))\nbackward x", [(4, 10), (3, 22)]),
     ("f(x) = 1 / x\nsum([f(0)])", [(2, 6)]), ("def f(x) { return x } backward(g) { return 1 / 0 }\nx = 3\ny = f(x)\nbackward y", [(4, 10)]),
     ("def outer() {\n    def inner() { return 1 / 0 }\n    return inner()\n}\nouter()", [(5, 1), (3, 12)]), ("f(x) = 1 / x\nf.apply(0)", [(2, 1)]),
     ("f(x) = grad(g)(x)\ng(x) = x / (0 // 0)\nf(1.)", [(3, 1), (1, 8)])],
)  # fmt: skip
def test_chains_of_other_calls(script: str, calls: list[tuple[int, int]]) -> None:
    failure = failure_of(script)
    assert failure.kind == "ValueFailure"
    assert [(span.line, span.column) for _, span in failure.calls] == calls
    assert not any(re.search(r"[@<]", name) and name != "<lambda>" and not name.startswith("@") for name, _ in failure.calls)


def test_a_library_function_is_no_call_in_the_chain() -> None:
    assert failure_of("f(x) = sum(x, 3)\nf([1, 2])").calls == [("f", failure_of("f(x) = sum(x, 3)\nf([1, 2])").calls[0][1])]
    assert failure_of("sum([1, 2], 3)").calls == []


def test_a_function_of_an_earlier_text_is_shown_in_its_own() -> None:
    session = Session()
    list(session.run("a = 1\nf(x) = 1 / x", name="first.gr"))
    with pytest.raises(GradcliError) as caught:
        list(session.run("f(0)", name="second.gr"))
    failure = caught.value
    assert failure.span is not None
    assert (failure.span.file, failure.span.line, failure.span.column) == ("first.gr", 2, 8)
    assert session.text_of(failure.span) == "f(x) = 1 / x"
    assert [(span.file, span.line) for _, span in failure.calls] == [("second.gr", 1)]


def test_texts_of_one_name_keep_their_own_lines() -> None:
    session = Session()
    list(session.run("a = 1; f(x) = 1 / x"))
    with pytest.raises(GradcliError) as caught:
        list(session.run("f(0)"))
    assert caught.value.span is not None
    assert session.text_of(caught.value.span) == "a = 1; f(x) = 1 / x"


# ---- what a failure leaves


def test_what_came_before_a_failure_was_shown_and_holds() -> None:
    session = Session()
    out, _, failure = outcome("x = 3\nx\ny = x^2; backward y\nz = 1/0\nw = 5", session)
    assert out == "tensor(3., requires_grad=True)\nx.grad = tensor(6.)\n"
    assert failure is not None
    assert "z" not in session
    assert "w" not in session
    assert shown("x.grad", session) == ["tensor(6.)"]


@pytest.mark.parametrize("script", ["x = 3; y = x^2; x.register_hook(g -> 1/0); w = 2; z = y * w; backward z",
                                    "x = 3; w = 2; z = w * x^2; backward z with [1, 2]",
                                    "x = 3; w = 2; def f(a) { return a } backward(g) { return zeros(3, 3) @ g }; z = w * f(x); backward z"])  # fmt: skip
def test_a_backward_that_fails_stores_nothing(script: str) -> None:
    session = Session()
    failure_of(script, session)
    assert session["x"].grad is None
    assert session["w"].grad is None


def test_positions_count_characters_not_bytes() -> None:
    failure = failure_of('\u00e9\u00e8 = "\U0001d465\u00e9"; 1/0')
    assert failure.span is not None
    assert (failure.span.column, failure.span.end_column) == (12, 15)


@pytest.mark.parametrize(("script", "line"), [("x = 1\r\ny = 1/0", 2), ("\ufeffx = 1\n1/0", 2), ("x = 1\r1/0", 2), ("\n\n\n1/0", 4), ("x = [1,\n2,\n3]; 1/0", 3), ('x = """\n\n"""; 1/0', 3)])
def test_lines_are_counted_as_an_editor_counts(script: str, line: int) -> None:
    failure = failure_of(script)
    assert failure.span is not None
    assert failure.span.line == line


@pytest.mark.parametrize("width", [10, 200, 5000])
def test_the_caret_stands_inside_a_long_line(width: int) -> None:
    failure = failure_of(f"{'x = 1; ' * width}1/0")
    assert failure.span is not None
    assert failure.span.column == 7 * width + 1


def test_the_argument_of_a_long_call_that_is_wrong_in_itself_is_marked() -> None:
    failure = failure_of("x = [1, 2]\ny = max(sum(x), dot(x, [1, 2, 3]), 5)")
    assert failure.span is not None
    assert (failure.span.line, failure.span.column, failure.span.end_column) == (2, 17, 34)


def test_the_operator_whose_shapes_clash_is_marked_in_a_chain() -> None:
    failure = failure_of("a = [1, 2]; b = [1, 2, 3]\ny = a*2 + (a - 1) * (b + a) - 3")
    assert failure.span is not None
    assert (failure.span.line, failure.span.column, failure.span.end_column) == (2, 22, 27)
