"""Expressions, from the grammar's tree to Python's own `ast`, spans kept."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Container
from types import FunctionType
from typing import Any

import numpy as np

from gradcli.errors import NameFailure, ShapeFailure, Span, SyntaxFailure
from gradcli.language.scope import NAMESPACES, Numbers, ungrouped

LOAD, STORE = ast.Load(), ast.Store()

OPERATORS: dict[str, ast.operator] = {
    "+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div(), "//": ast.FloorDiv(), "%": ast.Mod(),
    "@": ast.MatMult(), "^": ast.Pow(), "**": ast.Pow(), "|": ast.BitOr(), "&": ast.BitAnd(),
}  # fmt: skip
UNARY: dict[str, ast.unaryop] = {"-": ast.USub(), "+": ast.UAdd()}
LOGICAL = {"|": "either", "&": "both"}
COMPARISONS: dict[str, ast.cmpop] = {
    "==": ast.Eq(), "!=": ast.NotEq(), "<": ast.Lt(), "<=": ast.LtE(), ">": ast.Gt(), ">=": ast.GtE(),
    "is": ast.Is(), "is-not": ast.IsNot(), "in": ast.In(), "not-in": ast.NotIn(),
}  # fmt: skip

FUSIBLE = frozenset(("chain", "power", "unary", "call"))

LARGEST_PLAIN_EXPONENT = 16

LONGEST_CHAIN = 200
"""Operands in one nest of binary operations; CPython's compiler recurses over them."""


class Expressions:
    """Lowers the expressions of one script; `vocabulary` says what names mean that script and session don't bind.

    `hoisted` collects functions that an expression needs: they're defined before the statement that it stands in.
    """

    def __init__(self, file: str, auto: bool, own_names: Container[str], vocabulary: Any) -> None:
        self.file = file
        self.auto = auto
        self.own = own_names
        self.vocabulary = vocabulary
        self.read: dict[str, None] = {}
        """The names that are read anywhere, in order."""
        self.depth = 0
        self.loops = 0
        self.hoisted: list[ast.stmt] = []
        self.serial = 0
        self.clause: str | None = None
        self.functions: dict[str, Callable[[Any], Any]] = {}
        self.evaluators: dict[frozenset[int], FunctionType] = {}
        """Functions that the code calls as constants, by what stands for each until the code is made."""
        self.inside_fused = False
        self.number_names = Numbers(())

    # ---- places and small pieces

    def span(self, node: Any) -> Span:
        _, _, line, column, end_line, end_column = node
        return Span(self.file, line, column + 1, end_line, end_column + 1)

    def failure(self, message: str, node: Any, help: str = "", label: str = "") -> SyntaxFailure:
        return SyntaxFailure(message, span=self.span(node), help=help, label=label)

    def name(self, id: str, node: Any, context: ast.expr_context = LOAD) -> ast.Name:
        return placed(ast.Name(id, context), node)

    def constant(self, value: Any, node: Any) -> ast.Constant:
        return placed(ast.Constant(value), node)

    def runtime(self, function: str, node: Any, *args: ast.expr) -> ast.Call:
        return placed(ast.Call(self.name("@" + function, node), list(args), []), node)

    def fresh(self, what: str) -> str:
        self.serial += 1
        return f"@{what}{self.serial}"

    # ---- expressions

    def expression(self, node: Any) -> ast.expr:
        if node[0] in FUSIBLE and (self.loops or self.depth) and not self.inside_fused:
            lowered = self.fused(node)
            if lowered is not None:
                return lowered
        method = self.functions.get(node[0])
        if method is None:
            method = self.functions[node[0]] = getattr(self, "on_" + node[0])
        return method(node)

    def fused(self, node: Any) -> ast.expr | None:
        """`(evaluator(x, y) or (the expression,))[0]`: as one where that's possible, else as it stands.

        None where the expression is none that could be one node.
        """
        # Scripts without loops and functions do without.
        from gradcli.engine.fusion import evaluator
        from gradcli.language.fusing import fused

        # A function may well be one of plain numbers, and to find that out takes as long as one operation on them.
        found = fused(node, 2 if self.depth else 1, self.number_names, self.steady)
        if found is None:
            return None
        expression, arguments = found
        # No script has a constant of this kind.
        stand_in = frozenset((len(self.evaluators),))
        self.evaluators[stand_in] = evaluator(expression)
        self.inside_fused = True
        given = [
            # A function behind a module has a name of its own.
            self.expression(part) if part[0] == "attribute" and name not in self.vocabulary else self.name(name, part)
            for name, part in arguments.items()
        ]
        whole = placed(ast.Call(self.constant(stand_in, node), given, []), node)
        as_it_stands = placed(ast.Tuple([self.expression(node)], LOAD), node)
        self.inside_fused = False
        either = placed(ast.BoolOp(ast.Or(), [whole, as_it_stands]), node)
        return placed(ast.Subscript(either, self.constant(0, node), LOAD), node)

    def steady(self, callee: Any) -> str | None:
        """The name that a steady function has in the code; empty for another, none for a method."""
        name = callee[1] if callee[0] == "NAME" else getattr(self.qualified(callee), "id", None)
        return name if name is None or (name not in self.own and self.vocabulary.is_steady(name)) else ""

    def is_operation(self, callee: Any) -> bool:
        """Whether a steady function is an operation of the table by itself."""
        name = self.steady(callee)
        return self.vocabulary.is_operation(callee[1][1][1] if name is None else name)

    def on_group(self, node: Any) -> ast.expr:
        return self.expression(ungrouped(node))

    def on_NAME(self, node: Any) -> ast.expr:
        self.read[node[1]] = None
        return placed(ast.Name(node[1], LOAD), node)

    def on_NUMBER(self, node: Any) -> ast.expr:
        return self.constant(node[1], node)

    on_STRING = on_NUMBER

    def on_TRUE(self, node: Any) -> ast.expr:
        return self.constant(True, node)

    def on_FALSE(self, node: Any) -> ast.expr:
        return self.constant(False, node)

    def on_NONE(self, node: Any) -> ast.expr:
        return self.constant(None, node)

    def on_ELLIPSIS(self, node: Any) -> ast.expr:
        return self.constant(..., node)

    def on_ARRAY(self, node: Any) -> ast.expr:
        """A literal of numbers: its bytes are in the code, and each evaluation makes a new tensor of them."""
        try:
            array = np.array(node[1], dtype=np.float64)
        except (ValueError, TypeError):
            raise ShapeFailure(
                "expected a rectangular list: its rows have different lengths", span=self.span(node),
                help="every row of a matrix needs the same number of entries",
            ) from None  # fmt: skip
        except OverflowError:
            raise self.failure("a number here is too large", node) from None
        shape = placed(ast.Tuple([self.constant(n, node) for n in array.shape], LOAD), node)
        return self.runtime("array", node, self.constant(array.tobytes(), node), shape)

    def on_chain(self, node: Any) -> ast.expr:
        parts = node[1]
        value = self.expression(parts[0])
        if len(parts) <= 2 * LONGEST_CHAIN:
            return self.operations(value, node, parts, 1)
        # ((t := a + b + ...), (t := t + c + ...), ...)[-1] nests no deeper than its pieces.
        held = self.fresh("sum")
        pieces: list[ast.expr] = []
        for start in range(1, len(parts), 2 * LONGEST_CHAIN):
            stretch = parts[: start + 2 * LONGEST_CHAIN]
            value = self.operations(value, node, stretch, start)
            pieces.append(placed(ast.NamedExpr(self.name(held, node, STORE), value), node))
            value = self.name(held, node)
        whole = placed(ast.Tuple(pieces, LOAD), node)
        return placed(ast.Subscript(whole, self.constant(-1, node), LOAD), node)

    def operations(self, value: ast.expr, node: Any, parts: tuple[Any, ...], start: int) -> ast.expr:
        line, column = node[2], node[3]
        for k in range(start, len(parts), 2):
            operand = parts[k + 1]
            if parts[k][1] in LOGICAL:
                spot = (*node[:2], line, column, operand[4], operand[5])
                value = self.runtime(LOGICAL[parts[k][1]], spot, value, self.expression(operand))
                continue
            value = placed(ast.BinOp(value, OPERATORS[parts[k][1]], self.expression(operand)), node, operand)
        return value

    def on_power(self, node: Any) -> ast.expr:
        base, exponent = node[1]
        left, right = self.expression(base), self.expression(exponent)
        if exponent[0] == "NUMBER" and type(exponent[1]) is int and exponent[1] <= LARGEST_PLAIN_EXPONENT:
            return placed(ast.BinOp(left, OPERATORS["^"], right), node)
        # Of whole numbers a power may be too large for any machine, which Python would find out by computing it; and of
        # a negative number it would make a complex one.
        return self.runtime("power", node, left, right)

    def on_unary(self, node: Any) -> ast.expr:
        operator, operand = node[1]
        if operator[1] == "~":
            return self.runtime("invert", node, self.expression(operand))
        return placed(ast.UnaryOp(UNARY[operator[1]], self.expression(operand)), node)

    def on_not(self, node: Any) -> ast.expr:
        return placed(ast.UnaryOp(ast.Not(), self.expression(node[1][0])), node)

    def on_or(self, node: Any) -> ast.expr:
        return placed(ast.BoolOp(ast.Or(), [self.expression(part) for part in node[1]]), node)

    def on_and(self, node: Any) -> ast.expr:
        return placed(ast.BoolOp(ast.And(), [self.expression(part) for part in node[1]]), node)

    def on_comparison(self, node: Any) -> ast.expr:
        left, operator, right, *more = node[1]
        if more:
            raise self.failure(
                "a chain of comparisons has no meaning for tensors", node,
                help="write each comparison by itself: `(a < b) & (b < c)` for tensors, `a < b and b < c` for numbers",
            )  # fmt: skip
        if operator[1] in ("is", "is-not") and right[0] != "NONE":
            raise self.failure("`is` asks for none only", operator, help="compare values with `==`")
        if operator[1] in ("in", "not-in"):
            found = self.runtime("contains", node, self.expression(right), self.expression(left))
            return found if operator[1] == "in" else placed(ast.UnaryOp(ast.Not(), found), node)
        return placed(ast.Compare(self.expression(left), [COMPARISONS[operator[1]]], [self.expression(right)]), node)

    def on_conditional(self, node: Any) -> ast.expr:
        then, condition, otherwise = node[1]
        return placed(
            ast.IfExp(self.expression(condition), self.expression(then), self.expression(otherwise)), condition
        )

    def on_tuple(self, node: Any) -> ast.expr:
        return placed(ast.Tuple([self.expression(part) for part in node[1]], LOAD), node)

    def on_list(self, node: Any) -> ast.expr:
        return self.runtime("list", node, self.raw_list(node))

    def raw_list(self, node: Any) -> ast.expr:
        return placed(ast.List([self.list_item(part) for part in node[1]], LOAD), node)

    def list_item(self, node: Any) -> ast.expr:
        """An inner list stays Python's: what it becomes is decided for the whole."""
        if node[0] == "list":
            return self.raw_list(node)
        if node[0] == "comprehension":
            lowered = self.expression(node)
            assert isinstance(lowered, ast.Call)
            return lowered.args[0]
        return self.numbers(node[1], node) if node[0] == "ARRAY" else self.expression(node)

    def numbers(self, value: Any, node: Any) -> ast.expr:
        if isinstance(value, list):
            return placed(ast.List([self.numbers(item, node) for item in value], LOAD), node)
        return self.constant(value, node)

    def on_comprehension(self, node: Any) -> ast.expr:
        value, target, iterable, condition = node[1]
        source = self.expression(iterable)
        outer, self.hoisted = self.hoisted, []
        if not only_names(target):
            raise self.failure("a comprehension runs over names", target)
        element = self.list_item(value)
        tests = [] if condition is None else [self.expression(condition)]
        inner, self.hoisted = self.hoisted, outer
        if not inner:
            clause = ast.comprehension(self.names(target), source, tests, 0)
            return self.runtime("list", node, placed(ast.ListComp(element, [clause]), node))
        # A function with a block stands in it: the whole becomes a function with a loop.
        name, items, result = self.fresh("comprehension"), self.fresh("items"), self.fresh("result")
        append: ast.stmt = placed(ast.Expr(self.runtime("append", node, self.name(result, node), element)), node)
        if tests:
            append = placed(ast.If(tests[0], [append], []), node)
        body: list[ast.stmt] = [
            placed(ast.Assign([self.name(result, node, STORE)], placed(ast.List([], LOAD), node)), node),
            placed(ast.For(self.names(target), self.name(items, node), [*inner, append], []), node),
            placed(ast.Return(self.name(result, node)), node),
        ]
        self.hoist(name, ast.arguments([], [placed(ast.arg(items), node)], None, [], [], None, []), body, node)
        return self.runtime("list", node, placed(ast.Call(self.name(name, node), [source], []), node))

    def hoist(self, name: str, arguments: ast.arguments, body: list[ast.stmt], node: Any) -> None:
        self.hoisted.append(placed(ast.FunctionDef(name, arguments, body, [], None, type_params=[]), node))

    # ---- calls, attributes, indexing

    def on_call(self, node: Any) -> ast.expr:
        if not self.inside_fused or self.is_operation(node[1][0]):
            return self.call(node)
        # Whether the whole can be one node isn't known of such a function: what it is given may still be.
        self.inside_fused = False
        lowered = self.call(node)
        self.inside_fused = True
        return lowered

    def call(self, node: Any) -> ast.expr:
        callee, args = node[1]
        positional, keywords = self.call_arguments(args)
        if callee[0] == "attribute":
            qualified = self.qualified(callee)
            if qualified is None:
                name = callee[1][1][1]
                method = self.constant(name, callee[1][1])
                changes = self.auto and name.endswith("_") and name not in ("requires_grad_", "detach_")
                holder = self.expression(callee[1][0])
                return placed(
                    ast.Call(
                        self.name("@change" if changes else "@method", node), [method, holder, *positional], keywords
                    ),
                    node,
                )
            function: ast.expr = qualified
        else:
            function = self.expression(callee)
        return placed(ast.Call(function, positional, keywords), node)

    def call_arguments(self, args: Any) -> tuple[list[ast.expr], list[ast.keyword]]:
        positional: list[ast.expr] = []
        keywords: list[ast.keyword] = []
        for argument in args[1]:
            if argument[0] == "keyword":
                name, value = argument[1]
                if any(known.arg == name[1] for known in keywords):
                    raise self.failure(f"the argument `{name[1]}` stands twice here", argument)
                keywords.append(placed(ast.keyword(name[1], self.expression(value)), argument))
            elif argument[0] == "starred":
                positional.append(placed(ast.Starred(self.expression(argument[1][0]), LOAD), argument))
            elif keywords:
                raise self.failure(
                    "an argument by position can't follow one by name", argument, help="put named arguments last"
                )
            else:
                positional.append(self.expression(argument))
        return positional, keywords

    def on_attribute(self, node: Any) -> ast.expr:
        qualified = self.qualified(node)
        if qualified is not None:
            return qualified
        holder, name = node[1]
        return self.runtime("attribute", node, self.expression(holder), self.constant(name[1], name))

    def qualified(self, node: Any) -> ast.expr | None:
        """The name that `torch.sum` or `F.relu` stands for; none where what's before the dot is a value."""
        words = []
        inner = node
        while inner[0] == "attribute":
            words.append(inner[1][1][1])
            inner = inner[1][0]
        if inner[0] != "NAME" or inner[1] not in NAMESPACES or inner[1] in self.own:
            return None
        path = ".".join([inner[1], *reversed(words)])
        key = self.vocabulary.resolve(path)
        if key is None:
            near = self.vocabulary.nearest(path)
            raise NameFailure(
                f"`{path}` isn't in the vocabulary",
                span=self.span(node),
                help=f"did you mean `{near}`?" if near else "",
            )
        self.read[key] = None
        return self.name(key, node)

    def on_prime(self, node: Any) -> ast.expr:
        function, primes = node[1]
        return self.runtime("prime", node, self.expression(function), self.constant(primes[1], primes))

    def on_index(self, node: Any) -> ast.expr:
        holder, subscript = node[1]
        index = self.slices(subscript, self.subscript(subscript))
        return placed(ast.Subscript(self.expression(holder), index, LOAD), node)

    def subscript(self, node: Any) -> ast.expr:
        """An index as a value: slices are made by a call, so that it can be handed on."""
        if node[0] == "slice":
            none = self.constant(None, node)
            bounds = [none if part is None else self.expression(part) for part in node[1]]
            return self.runtime("slice", node, *bounds)
        if node[0] == "subscripts":
            return placed(ast.Tuple([self.subscript(part) for part in node[1]], LOAD), node)
        return self.expression(node)

    def slices(self, node: Any, value: ast.expr) -> ast.expr:
        """An index as Python's subscript has it: slices are slices."""
        if node[0] == "slice":
            assert isinstance(value, ast.Call)
            bounds = [None if part is None else lowered for part, lowered in zip(node[1], value.args, strict=True)]
            return placed(ast.Slice(*bounds), node)
        if node[0] == "subscripts":
            assert isinstance(value, ast.Tuple)
            parts = [self.slices(part, lowered) for part, lowered in zip(node[1], value.elts, strict=True)]
            return placed(ast.Tuple(parts, LOAD), node)
        return value

    def on_slice(self, node: Any) -> ast.expr:
        raise self.failure("a slice stands in an index only", node)

    # ---- f-strings

    def on_fstring(self, node: Any) -> ast.expr:
        values: list[ast.expr] = []
        for part in node[1]:
            if part[0] == "STRING":
                values.append(self.constant(part[1], part))
                continue
            source, form, equals = part[1]
            conversion, spec = form[1] if form is not None else (None, None)
            if equals is not None:
                values.append(self.constant(equals[1], equals))
                if form is None:
                    conversion = "r"
            if spec is not None and re.search(r"\d{6}", spec):
                raise self.failure("a format this wide or precise is refused", form)
            text = None if spec is None else placed(ast.JoinedStr([self.constant(spec, form)]), form)
            value = self.expression(source)
            if spec is None:
                flags = (self.constant(conversion == "r", part), self.constant(conversion == "a", part))
                value, conversion = self.runtime("text", part, value, *flags), None
            code = -1 if conversion is None else ord(conversion)
            values.append(placed(ast.FormattedValue(value, code, text), part))
        return placed(ast.JoinedStr(values), node)


def placed(made: Any, node: Any, end: Any = None) -> Any:
    """An ast node, given the place that a node of the tree has, or that reaches to another's end."""
    _, _, made.lineno, made.col_offset, made.end_lineno, made.end_col_offset = node
    if end is not None:
        made.end_lineno, made.end_col_offset = end[4], end[5]
    return made


def only_names(target: Any) -> bool:
    return target[0] == "NAME" or (target[0] in ("tuple", "group") and all(only_names(part) for part in target[1]))
