"""The one layout: what is changed, what is kept."""

import pytest

from gradcli.errors import SyntaxFailure
from gradcli.formatting import format_text

ONE_LINE = {
    # blanks around and between
    "x=3": "x = 3",
    "a+b-c": "a + b - c",
    # around products the author decides, for both sides at once
    "2*x@y//z%w/v+1": "2*x@y//z%w/v + 1",
    "2 *x @ y//z %w/ v": "2 * x @ y//z % w/v",
    "x ^ 2 + y ** - n": "x^2 + y**-n",
    "- x; ": "-x",
    "- - ~ x": "--~x",
    "not  a==b": "not a == b",
    "a<b and(c)or d is  not none": "a < b and (c) or d is not none",
    "a not   in b": "a not in b",
    "a|b&c": "a | b & c",
    "x+=1": "x += 1",
    "f ( a,b , k = 2, * c )": "f(a, b, k=2, *c)",
    "f(x,n = - 2)=x": "f(x, n=-2) = x",
    "( 5, )": "(5,)",
    "( )": "()",
    "[ 1,2 , [- 3,4 ]]": "[1, 2, [-3, 4]]",
    "[ x,[1,2 ] ]": "[x, [1, 2]]",
    "x [ 1 : 3,..., none, :: - 1 ]": "x[1:3, ..., none, ::-1]",
    "x[ [1,2] ]": "x[[1, 2]]",
    "x . y . sum( )": "x.y.sum()",
    "1 .sum()": "1 .sum()",
    "1_000 .x": "1_000 .x",
    "2.5 .sum()": "2.5.sum()",
    "g' (x)": "g'(x)",
    "f'' (x)": "f'' (x)",
    "f'a' (x)": "f'a'(x)",
    "'' (x)": "''(x)",
    "x->y->x": "x -> y -> x",
    "( x,n=2 )->x": "(x, n=2) -> x",
    "[x^2 for x in[1,2]if x]": "[x^2 for x in [1, 2] if x]",
    "a if(c)else b": "a if (c) else b",
    "a,b=b,a": "a, b = b, a",
    "x\t+\xa0y": "x + y",
    "é=β": "é = β",
    # statements about gradients, and names that look like them
    "backward   y with-v   wrt a,b retain": "backward y with -v wrt a, b retain",
    "backward (x*y).sum()": "backward (x*y).sum()",
    "backward(y)": "backward(y)",
    "backward\t(y)": "backward (y)",
    "backward=3": "backward = 3",
    "graph [a]": "graph [a]",
    "graph[0]": "graph[0]",
    "graph -y": "graph -y",
    "graph-y": "graph - y",
    "graph - y": "graph - y",
    'graph"a"': 'graph "a"',
    "check y claim x:4*x,w:X.T[0:1]": "check y claim x: 4*x, w: X.T[0:1]",
    "const  x=3": "const x = 3",
    "explain y;": "explain y",
    # blocks that stay on their line
    "if a{b}": "if a { b }",
    "if a {b;} else if c{ } else{d}": "if a { b } else if c { } else { d }",
    "while a { }": "while a { }",
    "def f( x,n = 2 ){return x}backward( g ){return g}": "def f(x, n=2) { return x } backward(g) { return g }",
    "no_grad{x}": "no_grad { x }",
    "with torch.no_grad( ){x}": "with torch.no_grad() { x }",
    "f = x->{return x}": "f = x -> { return x }",
    "map(x->{ return x },xs)": "map(x -> { return x }, xs)",
    # what nothing changes: strings, comments, numbers
    "'a  b'+ \"c\"": "'a  b' + \"c\"",
    'f"{ x=  }{y:.3f}{f( a,b )}"': 'f"{ x=  }{y:.3f}{f( a,b )}"',
    'f\'{"a"+f"{ b }"}\'': 'f\'{"a"+f"{ b }"}\'',
    "x#why  ": "x  #why",
    "#!/usr/bin/env gradcli": "#!/usr/bin/env gradcli",
    "  # alone": "# alone",
    "1E5; ": "1E5",
    # imports
    "import torch.nn  as nn,x": "import torch.nn as nn, x",
    "from .a import(b,c)": "from .a import (b, c)",
    "from . import x": "from . import x",
    "from ... import *": "from ... import *",
}


@pytest.mark.parametrize("text", ONE_LINE)
def test_one_line(text):
    assert format_text(text) == ONE_LINE[text] + "\n"
    assert format_text(ONE_LINE[text] + "\n") == ONE_LINE[text] + "\n"


SEVERAL = {
    "nothing": ("", ""),
    "blank lines only": ("\n \n\n", ""),
    "statements have a line each": ("a; b;; c # d\n;e", "a\nb\nc  # d\ne\n"),
    "a comma would go on in the next line": ("x = 5,; y = 1,;\nz", "x = 5,;\ny = 1,;\nz\n"),
    "import of all ends with its line": ("from a import *; b", "from a import *\nb\n"),
    "at most two blank lines": ("\n\na\n\n\n\n\nb\n\nc\n\n", "a\n\n\nb\n\nc\n"),
    "no blank lines at a block's edges": ("if a {\n\n\nb\n\n\nc\n\n}", "if a {\n    b\n\n\n    c\n}\n"),
    "trailing blanks": ("a  \nb\t\n# c \t\n", "a\nb\n# c\n"),
    "two statements don't share a block's line": ("if a { b; c }", "if a {\n    b\n    c\n}\n"),
    "nor do blocks around them": (
        "for i in x { if a { b; c } }",
        "for i in x {\n    if a {\n        b\n        c\n    }\n}\n",
    ),
    "a broken block stays broken": ("if a {\nb }", "if a {\n    b\n}\n"),
    "an empty one doesn't": ("if a {\n\n}", "if a { }\n"),
    "a comment keeps a block open": ("if a { # b\n}", "if a {  # b\n}\n"),
    "else stands beside its brace": ("if a {\nb\n}\n\nelse if c {\nd\n}\nelif e {\nf\n}\n else { g }",
        "if a {\n    b\n} else if c {\n    d\n} elif e {\n    f\n} else { g }\n"),
    "under a one-line block it may stay": ("if a { b }\n\nelse { c }", "if a { b }\nelse { c }\n"),
    "under a comment it must": ("if a {\nb\n}\n# c\nelse { d }", "if a {\n    b\n}\n# c\nelse { d }\n"),
    "else of an expression": ("x = a if c\nelse b", "x = a if c\n    else b\n"),
    "a matrix": ("A = [[1,2],\n[3,4]]", "A = [[1, 2],\n     [3, 4]]\n"),
    "a matrix with names": ("A = [[1,x],\n[3,4]\n]", "A = [[1, x],\n     [3, 4]\n]\n"),
    "a hanging matrix": ("A = [\n[1,2], # a\n [3,4],\n ]", "A = [\n    [1, 2],  # a\n    [3, 4],\n]\n"),
    "a hanging call": ("y = f(\na,\n b)", "y = f(\n    a,\n    b)\n"),
    "brackets that open together": ("y = f(g(\na\n))", "y = f(g(\n    a\n))\n"),
    "a call after a broken one": ("y = f(a,\n b) + g(\nc\n)", "y = f(a,\n      b) + g(\n    c\n)\n"),
    "blank lines in brackets": ("f(\n\na,\n\n\n\nb\n\n)", "f(\n    a,\n\n\n    b\n)\n"),
    "an operator goes on": ("y = a+\n\n b *\nc", "y = a +\n    b *\n    c\n"),
    "a backslash goes on": ("y = a \\\n+ b", "y = a \\\n    + b\n"),
    "a backslash that isn't needed": ("y = (a + \\\n b) + \\\nc", "y = (a +\n     b) +\n    c\n"),
    "a backslash before a comment": ("y = a \\\n # b\nc", "y = a\n# b\nc\n"),
    "a bracket on a line that goes on": ("y = a +\nf(\nb\n)", "y = a +\n    f(\n        b\n    )\n"),
    "a condition that goes on": ("if a and\nb {\nc\n}", "if a and\n    b {\n    c\n}\n"),
    "a function in a call": ("f(a, g -> { x = 1\nreturn x }, 2)", "f(a, g -> {\n    x = 1\n    return x\n}, 2)\n"),
    "a function in a hanging call": (
        "f(\ng -> {\nx\n},\n2\n)",
        "f(\n    g -> {\n        x\n    },\n    2\n)\n",
    ),
    "a custom function": (
        "def f(x) {\nreturn x\n} backward(g) {\nreturn g\n}",
        "def f(x) {\n    return x\n} backward(g) {\n    return g\n}\n",
    ),
    "words of two words": ("x = (a is # b\nnot c not\nin d)", "x = (a is  # b\n     not c not\n     in d)\n"),
    "a long string": ("x = '''\n  a \n'''+ y", "x = '''\n  a \n''' + y\n"),
    "a bracket after a long string": ("f('''\na''', [1,\n2])", "f('''\na''', [1,\n       2])\n"),
    "comments under each other": ("a = 1    # b\nccc = 2  # d\n", "a = 1    # b\nccc = 2  # d\n"),
    "closer": ("a = 1      # b\nccc = 2    # d\n", "a = 1    # b\nccc = 2  # d\n"),
    "comments apart": ("a = 1  # b\nccc = 2  # d\n", "a = 1  # b\nccc = 2  # d\n"),
    "a comment that goes on": ("a   # b\n    # c\n# d\ne", "a  # b\n   # c\n# d\ne\n"),
    "comments of blocks": (
        "# a\nif b { # c\n# d\ne\n# f\n} # g\n# h",
        "# a\nif b {  # c\n    # d\n    e\n    # f\n}  # g\n# h\n",
    ),
    "comments of brackets": ("f( # a\n# b\nc # d\n# e\n)", "f(  # a\n    # b\n    c  # d\n    # e\n)\n"),
    "comments where a statement goes on": ("a = # b\n# c\n\n# d\ne", "a =  # b\n    # c\n    # d\n    e\n"),
    "comments of a slice": ("x[1 # a\n:2]", "x[1  # a\n  :2]\n"),
    "an import over lines": ("from a import (b as c,\nd)", "from a import (b as c,\n               d)\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", SEVERAL)
def test_several_lines(case):
    text, wanted = SEVERAL[case]
    assert format_text(text) == wanted
    assert format_text(wanted) == wanted


def test_line_ends_are_those_of_the_first_line():
    assert format_text("a;b\r\nc\n'''d\r\n'''\r\n") == "a\r\nb\r\nc\r\n'''d\r\n'''\r\n"
    assert format_text("a\nb\r\nc") == "a\nb\nc\n"
    assert format_text("a\rb") == "a\nb\n"


def test_a_byte_order_mark_stays():
    assert format_text("\ufeffa;b") == "\ufeffa\nb\n"


def test_a_text_that_is_no_script_fails_at_its_place():
    with pytest.raises(SyntaxFailure) as caught:
        format_text("a = 1\nb = = 2", "f.gr")
    assert caught.value.span[:3] == ("f.gr", 2, 5)


@pytest.mark.parametrize("text", ["x = " + "(" * 3000 + "1" + ")" * 3000, "if a {" * 3000 + "}" * 3000])
def test_deep(text):
    assert format_text(text) == (text + "\n" if text[0] == "x" else "if a { " * 3000 + "} " * 2999 + "}\n")


def test_long_lines_take_linear_time():
    import time

    def seconds(count):
        start = time.process_time()
        assert format_text("x = [" + "1,y," * count + "1]  # " + "z" * count).count("y, ") == count
        return time.process_time() - start

    seconds(100)
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.01)
