"""Formulas with the user's own names in them, and operations written as one would write them in a script.

    expression, words = substituted("g @ y.mT", {"y": Symbol("W", 2)})     # of Op.formula's notation
    text_of(renamed(expression, g="∂L/∂v1"))                               # ∂L/∂v1 @ W.mT

Formulas are parsed, so names go in as wholes, with parentheses where they need them. What is known of the inputs
(numbers, how many dims, parameters) decides which branch of a formula holds, and is reckoned with: `x^(2 - 1)` is `x`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import inf, isfinite, nan
from operator import add, eq, ge, gt, le, lt, mul, ne, sub
from operator import pow as power
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine.operation import Op


class Symbol(NamedTuple):
    """A value that goes by a name, or by a text that needs no parentheses."""

    text: str
    ndim: int = 0


INPUTS = ("x", "y", "z")

_MOST_LISTED = 6
"""Items of a list that are written out."""

_MOST_SHOWN = 8
"""Elements of an index that are written out."""

_POWER = re.compile(r"\^\((-[\d.]+)\)")
"""A negative exponent needs no parentheses in the language."""

WRITTEN = {
    "add": "x + y",
    "sub": "x - y",
    "mul": "x * y",
    "div": "x / y",
    "pow": "x^y",
    "square": "x^2",
    "neg": "-x",
    "positive": "+x",
    "remainder": "x % y",
    "floor_divide": "x // y",
    "matmul": "dot(x, y) if x.ndim == 1 and y.ndim == 1 else x @ y",
    "masked_fill": "masked_fill(z, x, y)",
    "cast": "x, as {dtype}",
    "repeat": "x.repeat(reps)",
    "expand": "x.expand(shape)",
    "gather": "gather(x, axis, y)",
    "roll": "roll(x, shift, axis)",
    "transpose": "transpose(x, axis1, axis2)",
    "diagonal": "diagonal(x, offset, axis1, axis2)",
    "permute": "x.T if axes == (1, 0) else permute(x, axes)",
    "overwritten": "y",
    "put": "x, with {y} at {index}",
    "copy_slices": "x, with {y} at {path}",
    "scatter": "x, added at {index} to zeros",
    "onto_diagonal": "x, on the diagonal of zeros",
    "linalg.solve": "linalg.solve(x, y) if left else linalg.solve(x, y, left=left)",
    "linalg.solve_triangular": "linalg.solve_triangular(x, y, upper=upper, left=left, unitriangular=unitriangular)",
}
"""What isn't written as a call of its name, in the notation of formulas."""

_WORDS_OF_PARAMETERS = {"axis": "dim", "axes": "dims", "keepdims": "keepdim"}
"""The language's words for NumPy's."""


# ---- formulas


def substituted(text: str, given: Mapping[str, Any], simplify: bool = True) -> tuple[ast.expr, str]:
    """A formula's expression and its words, with what is given in the place of the names.

    Given are symbols, numbers, and parameters of an operation as they are. Other names stay: `g` is put in by
    `renamed`, once it's known whether the formula has one.
    """
    expression, words = _parsed(text)
    return _Substitution(given, simplify).visit(_deep(expression)), _filled(words, given)


def mentions(expression: ast.expr, name: str) -> bool:
    """Whether a name occurs."""
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(expression))


def renamed(expression: ast.expr, **names: str) -> ast.expr:
    """The expression with texts in the place of names."""
    return _Substitution({name: Symbol(text) for name, text in names.items()}).visit(_deep(expression))


def text_of(expression: ast.expr) -> str:
    """The expression as the language writes it."""
    text = ast.unparse(ast.fix_missing_locations(expression)).replace(" ** ", "^")
    text = _POWER.sub(r"^\1", text)
    return re.sub(r"\b(?:None|True|False)\b", lambda word: word[0].lower(), text)


def name(text: str) -> ast.expr:
    """A text as an expression that needs no parentheses."""
    return ast.Name(text, ast.Load())


def times(left: ast.expr, right: ast.expr) -> ast.expr:
    """The product, simplified."""
    if number_in(right) == 0:
        return ast.BinOp(left, ast.Mult(), right)
    if number_in(right) == -1:
        return ast.UnaryOp(ast.USub(), left)
    if isinstance(right, ast.BinOp) and isinstance(right.op, ast.Div) and number_in(right.left) == 1:
        return ast.BinOp(left, ast.Div(), right.right)
    return _binary(left, ast.Mult(), right)


def plus(left: ast.expr, right: ast.expr) -> ast.expr:
    """The sum, simplified; of two like `-x` a difference."""
    if isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.USub):
        return _binary(left, ast.Sub(), right.operand)
    return _binary(left, ast.Add(), right)


def derivative_in(expression: ast.expr) -> ast.expr | None:
    """What `g` is multiplied by, where that's how the formula is built: `g * a / b` gives `a / b`."""
    if not mentions(expression, "g"):
        return expression
    if isinstance(expression, ast.Name):
        return ast.Constant(1)
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, (ast.Mult, ast.Div)):
        if mentions(expression.right, "g"):
            return None
        left = derivative_in(expression.left)
        return None if left is None else _binary(left, expression.op, expression.right)
    return None


def number_in(expression: ast.expr) -> Any:
    """The plain number that an expression is; none where it's anything else."""
    if isinstance(expression, ast.Constant) and type(expression.value) in (int, float):
        return expression.value
    if isinstance(expression, ast.Name) and expression.id in ("inf", "nan"):
        return inf if expression.id == "inf" else nan
    if isinstance(expression, ast.UnaryOp) and isinstance(expression.op, ast.USub):
        value = number_in(expression.operand)
        return None if value is None else -value
    return None


@lru_cache(maxsize=256)
def _parsed(text: str) -> tuple[ast.expr, str]:
    depth = 0
    for k, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and not depth:
            return _parsed(text[:k])[0], text[k + 1 :].strip()
    return ast.parse(text.strip().replace("^", "**"), mode="eval").body, ""


def _deep(node: Any) -> Any:
    if isinstance(node, list):
        return [_deep(item) for item in node]
    if isinstance(node, ast.AST):
        return type(node)(**{field: _deep(value) for field, value in ast.iter_fields(node)})
    return node


def _filled(words: str, given: Mapping[str, Any]) -> str:
    return re.sub(r"\{(\w+)\}", lambda part: _in_words(part[1], given[part[1]]), words)


def _in_words(parameter: str, value: Any) -> str:
    if isinstance(value, Symbol):
        return value.text
    if parameter == "axis":
        if value is None:
            return "every dim"
        dims = value if isinstance(value, tuple) else (value,)
        return f"dim{'s' * (len(dims) > 1)} " + ", ".join(map(str, dims))
    if parameter == "index":
        return index_text(value)
    if parameter == "path":
        return _path_text(value)
    return text_of(_expression_of(value))


class _Substitution(ast.NodeTransformer):
    def __init__(self, given: Mapping[str, Any], simplify: bool = True) -> None:
        self.given = given
        self.simplify = simplify

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _expression_of(self.given[node.id]) if node.id in self.given else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if node.attr == "ndim" and isinstance(node.value, ast.Name) and node.value.id in self.given:
            return ast.Constant(getattr(self.given[node.value.id], "ndim", 0))
        attribute = node.attr
        if attribute == "mT" and isinstance(node.value, ast.Name) and node.value.id in self.given:
            attribute = "mT" if getattr(self.given[node.value.id], "ndim", 0) > 2 else "T"
        return ast.Attribute(_enclosed(self.visit(node.value)), attribute, node.ctx)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return ast.Subscript(_enclosed(self.visit(node.value)), self.visit(node.slice), node.ctx)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        test = self.visit(node.test)
        if isinstance(test, ast.Constant):
            return self.visit(node.body if test.value else node.orelse)
        return ast.IfExp(test, self.visit(node.body), self.visit(node.orelse))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        parts = [self.visit(part) for part in node.values]
        decisive = isinstance(node.op, ast.Or)
        known = [bool(part.value) for part in parts if isinstance(part, ast.Constant)]
        if decisive in known:
            return ast.Constant(decisive)
        return ast.Constant(not decisive) if len(known) == len(parts) else ast.BoolOp(node.op, parts)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.comparators[0])
        values = number_in(left), number_in(right)
        if None not in values:
            return ast.Constant(bool(_COMPARED[type(node.ops[0])](*values)))
        if isinstance(right, ast.Tuple) and not isinstance(left, ast.Name):
            return ast.Constant(ast.unparse(left) == ast.unparse(right))
        return ast.Compare(left, node.ops, [right])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            # A bound that isn't there has no say.
            there = [side for side in (left, right) if not _is_of_nothing(side)]
            return there[0] if len(there) == 1 else ast.BinOp(left, node.op, right)
        return _binary(left, node.op, right) if self.simplify else ast.BinOp(left, node.op, right)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = node.func if isinstance(node.func, ast.Name) else self.visit(node.func)
        arguments = [self.visit(argument) for argument in node.args]
        absent = [k for k, argument in enumerate(arguments) if isinstance(argument, ast.Constant) and not _is(argument)]
        if absent:
            return ast.Call(function, arguments[: absent[0]], [])
        return ast.Call(function, arguments, [self.visit(keyword) for keyword in node.keywords])


_COMPARED: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: eq,
    ast.NotEq: ne,
    ast.Lt: lt,
    ast.LtE: le,
    ast.Gt: gt,
    ast.GtE: ge,
}
_RECKONED: dict[type, Callable[[Any, Any], Any]] = {ast.Add: add, ast.Sub: sub, ast.Mult: mul}


def _is(argument: ast.Constant) -> bool:
    return argument.value is not None


def _is_of_nothing(side: ast.expr) -> bool:
    return isinstance(side, ast.Compare) and any(
        isinstance(part, ast.Constant) and part.value is None for part in (side.left, *side.comparators)
    )


def _enclosed(value: ast.expr) -> ast.expr:
    if isinstance(value, ast.Name) and "/" in value.id:
        return ast.Name(f"({value.id})", value.ctx)
    return value


def _binary(left: ast.expr, op: ast.operator, right: ast.expr) -> ast.expr:
    a, b = number_in(left), number_in(right)
    if a is not None and b is not None:
        if type(op) in _RECKONED:
            return number(_RECKONED[type(op)](a, b))
        if isinstance(op, ast.Pow) and type(a) is int and type(b) is int and 0 <= b < 10 and abs(a) < 1000:
            return number(power(a, b))
    if (isinstance(op, (ast.Mult, ast.Div, ast.Pow)) and b == 1) or (isinstance(op, (ast.Add, ast.Sub)) and b == 0):
        return left
    if (isinstance(op, ast.Mult) and a == 1) or (isinstance(op, ast.Add) and a == 0):
        return right
    if isinstance(op, ast.Pow) and b == 0:
        return ast.Constant(1)
    if isinstance(op, ast.Mult) and 0 in (a, b):
        return ast.Constant(0)
    return ast.BinOp(left, op, right)


# ---- values


def number(value: Any) -> ast.expr:
    """A plain number, or an array of one, to six digits."""
    if isinstance(value, (bool, np.bool_)):
        return ast.Constant(bool(value))
    if isinstance(value, (complex, np.complexfloating)):
        return ast.Name(f"({value})".replace("((", "(").replace("))", ")"), ast.Load())
    real = float(value)
    if not isfinite(real):
        found: ast.expr = ast.Name("nan" if real != real else "inf", ast.Load())
    else:
        short = abs(float(f"{real:.6g}"))
        if isinstance(value, (int, np.integer)):
            short = abs(int(value))
        found = ast.Constant(int(short) if short == int(short) and short < 1e16 else short)
    return ast.UnaryOp(ast.USub(), found) if real < 0 else found


def _expression_of(value: Any) -> ast.expr:
    if isinstance(value, Symbol):
        return name(value.text)
    if isinstance(value, ast.expr):
        return value
    if value is None or isinstance(value, (bool, str)):
        return ast.Constant(value)
    if isinstance(value, (tuple, list)):
        items = [_expression_of(item) for item in value]
        if len(items) > _MOST_LISTED:
            items = [*items[:2], name("..."), items[-1]]
        return (ast.Tuple if isinstance(value, tuple) else ast.List)(items, ast.Load())
    if isinstance(value, (int, float, complex, np.generic)) or (isinstance(value, np.ndarray) and not value.ndim):
        return number(value)
    if isinstance(value, np.ndarray):
        return name(_array_text(value))
    return name(getattr(value, "name", None) or str(value))


def index_text(index: Any) -> str:
    """An index in its brackets: `[0]`, `[1:3, :]`, `[none]`."""
    parts = list(index) if type(index) is tuple else [index]
    while len(parts) > 1 and parts[-1] is Ellipsis:
        parts.pop()
    return "[" + ", ".join(_index_part(part) for part in parts) + "]"


def _index_part(part: Any) -> str:
    if part is Ellipsis:
        return "..."
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop)]
        return ":".join(ends if part.step in (None, 1) else [*ends, str(part.step)])
    if isinstance(part, np.ndarray):
        return _array_text(part)
    return "none" if part is None else str(part)


def _array_text(array: np.ndarray) -> str:
    if array.size <= _MOST_SHOWN:
        return text_of(_expression_of(array.tolist()))
    return f"{'mask' if array.dtype.kind == 'b' else 'array'} {array.shape}"


def _path_text(path: Any) -> str:
    """The part of a base that a view shows: `[0]`, `[1:3].T`."""
    steps = []
    while path is not None:
        path, step = path
        steps.append(step)
    texts = []
    for op, parameters, k in reversed(steps):
        if op.name == "getitem":
            texts.append(index_text(parameters[0]))
        else:
            texts.append(f".{op.name}({', '.join(text_of(_expression_of(one)) for one in parameters)})")
        if k is not None:
            texts.append(f"[{k}]")
    return "".join(texts)


# ---- operations


def facts_of(op: Op, inputs: list[Any], parameters: tuple[Any, ...]) -> dict[str, Any]:
    """What a formula's names stand for, `g`, `out` and `n` apart."""
    names = op.parameters[1:] if op.variadic else op.parameters[op.arity :]
    return {**dict(zip(INPUTS, inputs, strict=False)), **dict(zip(names, parameters, strict=False))}


def operation_text(op: Any, inputs: list[Any], parameters: tuple[Any, ...]) -> str:
    """An operation on inputs (symbols, numbers, none) as one would write it."""
    if type(op) is not Op:
        return text_of(ast.Call(name(op.name), [_expression_of(one) for one in inputs], []))
    facts = facts_of(op, inputs, parameters)
    if op.name == "getitem":
        base = inputs[0].text if isinstance(inputs[0], Symbol) else text_of(_expression_of(inputs[0]))
        return base + index_text(parameters[0])
    if op.name in WRITTEN:
        expression, words = substituted(WRITTEN[op.name], facts, simplify=False)
        return f"{text_of(expression)}, {words}" if words else text_of(expression)
    names = op.parameters[1:] if op.variadic else op.parameters[op.arity :]
    defaults = dict(zip(op.parameters[::-1], op.defaults[::-1], strict=False))
    keywords, positional = [], True
    given = [_expression_of(list(inputs))] if op.variadic else [_expression_of(one) for one in inputs]
    if op.name == "einsum":
        return text_of(ast.Call(name(op.name), [_expression_of(parameters[0]), *map(_expression_of, inputs)], []))
    for parameter, value in zip(names, parameters, strict=False):
        if parameter in defaults and _same(defaults[parameter], value):
            positional = False
        elif positional:
            given.append(_expression_of(value))
            positional = False
        else:
            keywords.append(ast.keyword(_WORDS_OF_PARAMETERS.get(parameter, parameter), _expression_of(value)))
    return text_of(ast.Call(name(op.name), given, keywords))


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and one == other)
