"""From the grammar's tree to Python's own `ast`, spans kept.

A script becomes a generator function, whose names are cells that the session owns: loops run at the speed of CPython's
locals, functions see the names of later lines, and the session sees every name at any time. It yields after each
statement that may show something. What Python can't say becomes a call of the runtime (see runtime.py), under a name
beginning with `@`, which no script can write.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.errors import NameFailure, ShapeFailure, Span, SyntaxFailure
from gradcli.language.scope import NAMESPACES, bound_names, mentions, walk

LOAD, STORE, DEL = ast.Load(), ast.Store(), ast.Del()

OPERATORS: dict[str, ast.operator] = {
    "+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div(), "//": ast.FloorDiv(), "%": ast.Mod(),
    "@": ast.MatMult(), "^": ast.Pow(), "**": ast.Pow(), "|": ast.BitOr(), "&": ast.BitAnd(),
}  # fmt: skip
UNARY: dict[str, ast.unaryop] = {"-": ast.USub(), "+": ast.UAdd(), "~": ast.Invert()}
COMPARISONS: dict[str, ast.cmpop] = {
    "==": ast.Eq(), "!=": ast.NotEq(), "<": ast.Lt(), "<=": ast.LtE(), ">": ast.Gt(), ">=": ast.GtE(),
    "is": ast.Is(), "is-not": ast.IsNot(), "in": ast.In(), "not-in": ast.NotIn(),
}  # fmt: skip
WRITTEN_CONSTANTS = frozenset(("pi", "tau", "e", "inf", "nan"))

LONGEST_CHAIN = 200
"""Operands in one nest of binary operations; CPython's compiler recurses over them."""


class Lowering:
    """Lowers one script. `vocabulary` says what names mean that the script and the session don't bind."""

    def __init__(self, file: str, auto: bool, own_names: set[str], consts: set[str], vocabulary: Any) -> None:
        self.file = file
        self.auto = auto
        self.own = own_names
        self.consts = consts
        self.vocabulary = vocabulary
        self.depth = 0
        self.loops = 0
        self.hoisted: list[ast.stmt] = []
        self.serial = 0
        self.clause: str | None = None
        self.named_spans: dict[tuple[int, int, int, int], str] = {}
        self.functions: dict[str, Callable[[Any], Any]] = {}

    # ---- places and small pieces

    def span(self, node: Any) -> Span:
        _, _, line, column, end_line, end_column = node
        return Span(self.file, line, column + 1, end_line, end_column + 1)

    def failure(self, message: str, node: Any, help: str = "", label: str = "") -> SyntaxFailure:
        return SyntaxFailure(message, span=self.span(node), help=help, label=label)

    def name(self, id: str, node: Any, context: ast.expr_context = LOAD) -> ast.Name:
        return ast.Name(id, context, lineno=node[2], col_offset=node[3], end_lineno=node[4], end_col_offset=node[5])

    def constant(self, value: Any, node: Any) -> ast.Constant:
        return ast.Constant(value, lineno=node[2], col_offset=node[3], end_lineno=node[4], end_col_offset=node[5])

    def runtime(self, function: str, node: Any, *args: ast.expr) -> ast.Call:
        return ast.Call(self.name("@" + function, node), list(args), [], **place(node))

    def fresh(self, what: str) -> str:
        self.serial += 1
        return f"@{what}{self.serial}"

    # ---- statements

    def program(self, tree: Any) -> list[ast.stmt]:
        body = self.statements(tree[1])
        body.append(self.checkpoint(tree))
        return body

    def checkpoint(self, node: Any) -> ast.stmt:
        """Where the session hands out what was shown."""
        return ast.Expr(ast.Yield(None, **place(node)), **place(node))

    def statements(self, statements: tuple[Any, ...]) -> list[ast.stmt]:
        body: list[ast.stmt] = []
        for statement in statements:
            outer, self.hoisted = self.hoisted, []
            lowered = getattr(self, "do_" + statement[0])(statement)
            body += self.hoisted
            body += lowered
            self.hoisted = outer
        return body

    def block(self, node: Any) -> list[ast.stmt]:
        return self.statements(node[1]) or [ast.Pass(**place(node))]

    def do_expression_statement(self, node: Any) -> list[ast.stmt]:
        (child,) = node[1]
        value = self.expression(child)
        if self.depth or _is_silent(child):
            statement: ast.stmt = ast.Expr(value, **place(node))
            return [statement] if self.depth else [statement, self.checkpoint(node)]
        name = child[1] if child[0] == "NAME" else None
        shown = self.runtime("show", node, value, self.constant(name, node), self.constant(node[2], node))
        return [ast.Expr(shown, **place(node)), self.checkpoint(node)]

    def do_assign(self, node: Any) -> list[ast.stmt]:
        *targets, source = node[1]
        if any(target[0] == "call" for target in targets):
            return self.short_function(node, targets, source)
        value = self.expression(source)
        if len(targets) == 1 and targets[0][0] == "NAME":
            self.named_spans.setdefault(spot(value), targets[0][1])
        value = self.tracked(targets, source, value)
        if len(targets) == 1:
            return self.store(targets[0], value, source)
        held = self.fresh("value")
        body: list[ast.stmt] = [ast.Assign([self.name(held, source, STORE)], value, **place(node))]
        for target in targets:
            body += self.store(target, self.name(held, source), source)
        return body

    def tracked(self, targets: list[Any], source: Any, value: ast.expr) -> ast.expr:
        """In auto mode, what a name is given at the top of a script may become a leaf."""
        if not self.auto or self.depth:
            return value
        named = [target for target in targets if target[0] == "NAME" and target[1] not in self.consts]
        if named:
            return self.runtime("leaf" if self.is_written_number(source) else "adopt", source, value)
        several = next((target for target in targets if target[0] in ("tuple", "list")), None)
        if several is None:
            return value
        if isinstance(value, ast.Tuple) and len(value.elts) == len(several[1]) and source[0] == "tuple":
            value.elts = [
                self.tracked([target], part, lowered)
                for target, part, lowered in zip(several[1], source[1], value.elts, strict=True)
            ]
            return value
        return self.runtime("adopt_all", source, value)

    def is_written_number(self, node: Any) -> bool:
        """Whether an expression is a number written out: digits, constants and arithmetic on them."""
        found = False
        for part in walk(node):
            kind = part[0]
            if kind == "NUMBER" or (kind == "NAME" and part[1] in WRITTEN_CONSTANTS - self.own):
                found = True
            elif kind not in ("chain", "unary", "power", "group", "OPERATOR"):
                return False
        return found

    def store(self, target: Any, value: ast.expr, source: Any) -> list[ast.stmt]:
        kind, children = target[0], target[1]
        if kind == "group":
            return self.store(children[0], value, source)
        if kind == "NAME":
            return [ast.Assign([self.name(children, target, STORE)], value, **place(target, source))]
        if kind in ("tuple", "list"):
            return self.unpack(target, value, source)
        if kind == "index":
            holder, subscript = self.expression(children[0]), self.subscript(children[1])
            if self.auto:
                call = self.runtime(
                    "set_item", target, holder, subscript, value, self.constant(mentions(source, "grad"), source)
                )
                return [ast.Expr(call, **place(target, source))]
            slot = ast.Subscript(holder, self.slices(children[1], subscript), STORE, **place(target))
            return [ast.Assign([slot], value, **place(target, source))]
        if kind == "attribute":
            holder = self.expression(children[0])
            name = self.constant(children[1][1], children[1])
            return [ast.Expr(self.runtime("set_attribute", target, holder, name, value), **place(target))]
        raise self.failure(
            "this can't be given a value", target, help="on the left of `=` stand names, `x[i]`, `x.grad`, or `f(x)`"
        )

    def unpack(self, target: Any, value: ast.expr, source: Any) -> list[ast.stmt]:
        """Several targets: each part goes into a temporary first where a target is more than a name."""
        parts = target[1]
        if all(part[0] == "NAME" for part in parts):
            names: list[ast.expr] = [self.name(part[1], part, STORE) for part in parts]
            return [ast.Assign([ast.Tuple(names, STORE, **place(target))], value, **place(target, source))]
        held = [self.fresh("part") for _ in parts]
        temporaries: list[ast.expr] = [self.name(name, part, STORE) for name, part in zip(held, parts, strict=True)]
        body: list[ast.stmt] = [
            ast.Assign([ast.Tuple(temporaries, STORE, **place(target))], value, **place(target, source))
        ]
        for name, part in zip(held, parts, strict=True):
            body += self.store(part, self.name(name, part), source)
        return body

    def do_augment(self, node: Any) -> list[ast.stmt]:
        target, operator, source = node[1]
        while target[0] == "group":
            target = target[1][0]
        symbol = operator[1][:-1]
        value = self.expression(source)
        kind, children = target[0], target[1]
        by_gradient = self.constant(mentions(source, "grad"), source)
        if kind == "NAME":
            if not self.auto:
                slot = self.name(children, target, STORE)
                return [ast.AugAssign(slot, OPERATORS[symbol], value, **place(node))]
            old = self.name(children, target)
            new = self.runtime("augment", node, self.constant(symbol, operator), old, value, by_gradient)
            return [ast.Assign([self.name(children, target, STORE)], new, **place(node))]
        if kind == "index":
            holder, subscript = self.expression(children[0]), self.subscript(children[1])
            if not self.auto:
                place_of = ast.Subscript(holder, self.slices(children[1], subscript), STORE, **place(target))
                return [ast.AugAssign(place_of, OPERATORS[symbol], value, **place(node))]
            call = self.runtime(
                "augment_item", node, self.constant(symbol, operator), holder, subscript, value, by_gradient
            )
            return [ast.Expr(call, **place(node))]
        if kind == "attribute":
            holder = self.expression(children[0])
            name = self.constant(children[1][1], children[1])
            call = self.runtime("augment_attribute", node, self.constant(symbol, operator), holder, name, value)
            return [ast.Expr(call, **place(node))]
        raise self.failure(f"`{operator[1]}` changes a name, `x[i]` or `x.grad`, and this is none of them", target)

    def do_const(self, node: Any) -> list[ast.stmt]:
        target, source = node[1]
        self.consts.add(target[1])
        value = self.runtime("constant", source, self.expression(source))
        return [ast.Assign([self.name(target[1], target, STORE)], value, **place(node))]

    # ---- functions

    def short_function(self, node: Any, targets: list[Any], source: Any) -> list[ast.stmt]:
        """`f(x, n=2) = expr`."""
        target = targets[0]
        if len(targets) > 1 or target[1][0][0] != "NAME":
            raise self.failure("a function is defined by a name and its arguments: `f(x) = x^2`", target)
        params = []
        for argument in target[1][1][1]:
            if argument[0] == "NAME":
                params.append(("param", (argument, None), *argument[2:]))
            elif argument[0] == "keyword":
                params.append(("param", argument[1], *argument[2:]))
            else:
                raise self.failure(
                    "a function's arguments are names",
                    argument,
                    help="such as `f(x, n=2) = x^n`; to call f, leave out `=`",
                )
        returned = ("return", (source,), *source[2:])
        block = ("block", (returned,), *source[2:])
        return [self.function(target[1][0][1], ("params", tuple(params), *target[1][1][2:]), block, node)]

    def do_define(self, node: Any) -> list[ast.stmt]:
        name, params, block, clause = node[1]
        if clause is None:
            return [self.function(name[1], params, block, node)]
        return self.custom_function(node)

    def function(self, name: str, params: Any, block: Any, node: Any, prologue: Any = None) -> ast.FunctionDef:
        arguments = self.arguments(params)
        state = self.depth, self.loops, self.hoisted, self.clause
        self.depth, self.loops, self.hoisted = self.depth + 1, 0, []
        self.clause = None if prologue is None else prologue.name
        body = ([] if prologue is None else [prologue]) + self.block(block)
        if self.clause is not None:
            body += self.do_return(("return", (None,), *block[2:]))
        self.depth, self.loops, self.hoisted, self.clause = state
        return ast.FunctionDef(name, arguments, body, [], None, type_params=[], **place(node))

    def custom_function(self, node: Any) -> list[ast.stmt]:
        """A function whose clause says its derivative: its body returns the value and the clause, which sees its names."""
        name, params, block, clause = node[1]
        state = self.depth, self.clause
        self.depth += 1
        backward = self.function("@backward", clause[1][0], clause[1][1], clause)
        self.depth, self.clause = state
        defined = self.function(name[1], params, block, node, prologue=backward)
        count = self.constant(len(clause[1][0][1]), clause)
        wrapped = self.runtime("custom", name, self.name(name[1], name), self.constant(name[1], name), count)
        return [defined, ast.Assign([self.name(name[1], name, STORE)], wrapped, **place(node))]

    def arguments(self, params: Any) -> ast.arguments:
        names: list[ast.arg] = []
        defaults: list[ast.expr] = []
        for param in params[1]:
            name, default = param[1]
            if any(known.arg == name[1] for known in names):
                raise self.failure(f"the argument `{name[1]}` stands twice here", param)
            names.append(ast.arg(name[1], **place(param)))
            if default is not None:
                defaults.append(self.expression(default))
            elif defaults:
                raise self.failure(
                    f"`{name[1]}` needs a default value, for an argument before it has one", param,
                    help="put arguments with defaults last",
                )  # fmt: skip
        return ast.arguments([], names, None, [], [], None, defaults)

    def do_return(self, node: Any) -> list[ast.stmt]:
        if not self.depth:
            raise self.failure("`return` stands outside of a function", node)
        source = node[1][0]
        value = self.constant(None, node) if source is None else self.expression(source)
        if self.clause is not None:
            value = ast.Tuple([value, self.name(self.clause, node)], LOAD, **place(node))
        return [ast.Return(value, **place(node))]

    # ---- statements about gradients

    def do_backward(self, node: Any) -> list[ast.stmt]:
        source, gradient, wrt, retain = node[1]
        name = source[1] if source[0] == "NAME" else None
        none = self.constant(None, node)
        call = self.runtime(
            "backward",
            source,
            self.expression(source),
            self.constant(name, node),
            self.constant(node[2], node),
            none if gradient is None else self.expression(gradient),
            none if wrt is None else ast.Tuple([self.expression(e) for e in wrt[1]], LOAD, **place(wrt)),
            self.constant(retain is not None, node),
        )
        statement: list[ast.stmt] = [ast.Expr(call, **place(node))]
        return statement if self.depth else [*statement, self.checkpoint(node)]

    def do_show(self, node: Any) -> list[ast.stmt]:
        raise self.failure(f"`{node[1][0][1]}` isn't available yet", node)

    def do_check(self, node: Any) -> list[ast.stmt]:
        raise self.failure("`check` isn't available yet", node)

    # ---- control flow

    def do_if(self, node: Any) -> list[ast.stmt]:
        *branches, otherwise = node[1]
        orelse = [] if otherwise is None else self.block(otherwise)
        for condition, block in reversed(list(zip(branches[::2], branches[1::2], strict=True))):
            orelse = [ast.If(self.expression(condition), self.block(block), orelse, **place(condition, block))]
        return orelse

    def do_while(self, node: Any) -> list[ast.stmt]:
        condition, block = node[1]
        test = self.expression(condition)
        self.loops += 1
        body = self.block(block)
        self.loops -= 1
        return [ast.While(test, body, [], **place(node))]

    def do_for(self, node: Any) -> list[ast.stmt]:
        target, iterable, block = node[1]
        source = self.expression(iterable)
        self.loops += 1
        if _only_names(target):
            slot, prologue = self.names(target), []
        else:
            held = self.fresh("item")
            slot = self.name(held, target, STORE)
            prologue = self.store(target, self.name(held, target), target)
        body = prologue + self.block(block)
        self.loops -= 1
        return [ast.For(slot, source, body, [], **place(node))]

    def names(self, target: Any) -> ast.expr:
        if target[0] == "NAME":
            return self.name(target[1], target, STORE)
        if target[0] == "group":
            return self.names(target[1][0])
        return ast.Tuple([self.names(part) for part in target[1]], STORE, **place(target))

    def do_break(self, node: Any) -> list[ast.stmt]:
        if not self.loops:
            raise self.failure("`break` stands outside of a loop", node)
        return [ast.Break(**place(node))]

    def do_continue(self, node: Any) -> list[ast.stmt]:
        if not self.loops:
            raise self.failure("`continue` stands outside of a loop", node)
        return [ast.Continue(**place(node))]

    def do_grad_mode(self, node: Any) -> list[ast.stmt]:
        word, block = node[1]
        mode = self.runtime("grad_mode", word, self.constant(word[1] == "enable_grad", word))
        return [ast.With([ast.withitem(mode)], self.block(block), **place(node))]

    def do_with(self, node: Any) -> list[ast.stmt]:
        source, name, block = node[1]
        manager = self.runtime("context", source, self.expression(source))
        target = None if name is None else self.name(name[1], name, STORE)
        return [ast.With([ast.withitem(manager, target)], self.block(block), **place(node))]

    def do_assert(self, node: Any) -> list[ast.stmt]:
        condition, message = node[1]
        test = ast.UnaryOp(ast.Not(), self.expression(condition), **place(condition))
        text = self.constant(None, node) if message is None else self.expression(message)
        fail = ast.Expr(self.runtime("assertion_failed", condition, text), **place(node))
        return [ast.If(test, [fail], [], **place(node))]

    def do_delete(self, node: Any) -> list[ast.stmt]:
        for target in node[1]:
            if target[0] != "NAME":
                raise self.failure("`del` takes names", target)
        return [ast.Delete([self.name(t[1], t, DEL) for t in node[1]], **place(node))]

    def do_import(self, node: Any) -> list[ast.stmt]:
        return []

    def do_pass(self, node: Any) -> list[ast.stmt]:
        return [ast.Pass(**place(node))]

    # ---- expressions

    def expression(self, node: Any) -> ast.expr:
        while node[0] == "group":
            node = node[1][0]
        kind = node[0]
        method = self.functions.get(kind)
        if method is None:
            method = self.functions[kind] = getattr(self, "on_" + kind)
        return method(node)

    def on_NAME(self, node: Any) -> ast.expr:
        return self.name(node[1], node)

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
        shape = ast.Tuple([self.constant(n, node) for n in array.shape], LOAD, **place(node))
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
            pieces.append(ast.NamedExpr(self.name(held, node, STORE), value, **place(node)))
            value = self.name(held, node)
        whole = ast.Tuple(pieces, LOAD, **place(node))
        return ast.Subscript(whole, self.constant(-1, node), LOAD, **place(node))

    def operations(self, value: ast.expr, node: Any, parts: tuple[Any, ...], start: int) -> ast.expr:
        line, column = node[2], node[3]
        for k in range(start, len(parts), 2):
            operand = parts[k + 1]
            value = ast.BinOp(
                value, OPERATORS[parts[k][1]], self.expression(operand),
                lineno=line, col_offset=column, end_lineno=operand[4], end_col_offset=operand[5],
            )  # fmt: skip
        return value

    def on_power(self, node: Any) -> ast.expr:
        base, exponent = node[1]
        return ast.BinOp(self.expression(base), OPERATORS["^"], self.expression(exponent), **place(node))

    def on_unary(self, node: Any) -> ast.expr:
        operator, operand = node[1]
        return ast.UnaryOp(UNARY[operator[1]], self.expression(operand), **place(node))

    def on_not(self, node: Any) -> ast.expr:
        return ast.UnaryOp(ast.Not(), self.expression(node[1][0]), **place(node))

    def on_or(self, node: Any) -> ast.expr:
        return ast.BoolOp(ast.Or(), [self.expression(part) for part in node[1]], **place(node))

    def on_and(self, node: Any) -> ast.expr:
        return ast.BoolOp(ast.And(), [self.expression(part) for part in node[1]], **place(node))

    def on_comparison(self, node: Any) -> ast.expr:
        left, operator, right, *more = node[1]
        if more:
            raise self.failure(
                "a chain of comparisons has no meaning for tensors", node,
                help="write each comparison by itself: `(a < b) & (b < c)` for tensors, `a < b and b < c` for numbers",
            )  # fmt: skip
        return ast.Compare(self.expression(left), [COMPARISONS[operator[1]]], [self.expression(right)], **place(node))

    def on_conditional(self, node: Any) -> ast.expr:
        then, condition, otherwise = node[1]
        return ast.IfExp(self.expression(condition), self.expression(then), self.expression(otherwise), **place(node))

    def on_tuple(self, node: Any) -> ast.expr:
        return ast.Tuple([self.expression(part) for part in node[1]], LOAD, **place(node))

    def on_list(self, node: Any) -> ast.expr:
        return self.runtime("list", node, self.raw_list(node))

    def raw_list(self, node: Any) -> ast.expr:
        return ast.List([self.list_item(part) for part in node[1]], LOAD, **place(node))

    def list_item(self, node: Any) -> ast.expr:
        """An inner list stays Python's: what it becomes is decided for the whole."""
        if node[0] == "list":
            return self.raw_list(node)
        return self.numbers(node[1], node) if node[0] == "ARRAY" else self.expression(node)

    def numbers(self, value: Any, node: Any) -> ast.expr:
        if isinstance(value, list):
            return ast.List([self.numbers(item, node) for item in value], LOAD, **place(node))
        return self.constant(value, node)

    def on_comprehension(self, node: Any) -> ast.expr:
        value, target, iterable, condition = node[1]
        source = self.expression(iterable)
        outer, self.hoisted = self.hoisted, []
        if not _only_names(target):
            raise self.failure("a comprehension runs over names", target)
        element = self.expression(value)
        tests = [] if condition is None else [self.expression(condition)]
        inner, self.hoisted = self.hoisted, outer
        if not inner:
            clause = ast.comprehension(self.names(target), source, tests, 0)
            return self.runtime("list", node, ast.ListComp(element, [clause], **place(node)))
        # A function with a block stands in it: the whole becomes a function with a loop.
        name, items, result = self.fresh("comprehension"), self.fresh("items"), self.fresh("result")
        append: ast.stmt = ast.Expr(self.runtime("append", node, self.name(result, node), element), **place(node))
        if tests:
            append = ast.If(tests[0], [append], [], **place(node))
        body: list[ast.stmt] = [
            ast.Assign([self.name(result, node, STORE)], ast.List([], LOAD, **place(node)), **place(node)),
            ast.For(self.names(target), self.name(items, node), [*inner, append], [], **place(node)),
            ast.Return(self.name(result, node), **place(node)),
        ]
        self.hoist(name, ast.arguments([], [ast.arg(items, **place(node))], None, [], [], None, []), body, node)
        return self.runtime("list", node, ast.Call(self.name(name, node), [source], [], **place(node)))

    def hoist(self, name: str, arguments: ast.arguments, body: list[ast.stmt], node: Any) -> None:
        self.hoisted.append(ast.FunctionDef(name, arguments, body, [], None, type_params=[], **place(node)))

    def on_lambda(self, node: Any) -> ast.expr:
        params, body = node[1]
        if body[0] == "block":
            name = self.fresh("lambda")
            self.hoisted.append(self.function(name, params, body, node))
            return self.name(name, node)
        arguments = self.arguments(params)
        state = self.depth, self.loops, self.hoisted, self.clause
        self.depth, self.loops, self.hoisted, self.clause = self.depth + 1, 0, [], None
        value = self.expression(body)
        inner = self.hoisted
        self.depth, self.loops, self.hoisted, self.clause = state
        if not inner:
            return ast.Lambda(arguments, value, **place(node))
        name = self.fresh("lambda")
        self.hoist(name, arguments, [*inner, ast.Return(value, **place(body))], node)
        return self.name(name, node)

    # ---- calls, attributes, indexing

    def on_call(self, node: Any) -> ast.expr:
        callee, args = node[1]
        positional, keywords = self.call_arguments(args)
        if callee[0] == "attribute":
            qualified = self.qualified(callee)
            if qualified is None:
                method = self.constant(callee[1][1][1], callee[1][1])
                holder = self.expression(callee[1][0])
                return ast.Call(self.name("@method", node), [method, holder, *positional], keywords, **place(node))
            function: ast.expr = qualified
        else:
            function = self.expression(callee)
        return ast.Call(function, positional, keywords, **place(node))

    def call_arguments(self, args: Any) -> tuple[list[ast.expr], list[ast.keyword]]:
        positional: list[ast.expr] = []
        keywords: list[ast.keyword] = []
        for argument in args[1]:
            if argument[0] == "keyword":
                name, value = argument[1]
                if any(known.arg == name[1] for known in keywords):
                    raise self.failure(f"the argument `{name[1]}` stands twice here", argument)
                keywords.append(ast.keyword(name[1], self.expression(value), **place(argument)))
            elif argument[0] == "starred":
                positional.append(ast.Starred(self.expression(argument[1][0]), LOAD, **place(argument)))
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
        return self.name(key, node)

    def on_prime(self, node: Any) -> ast.expr:
        function, primes = node[1]
        return self.runtime("prime", node, self.expression(function), self.constant(primes[1], primes))

    def on_index(self, node: Any) -> ast.expr:
        holder, subscript = node[1]
        index = self.slices(subscript, self.subscript(subscript))
        return ast.Subscript(self.expression(holder), index, LOAD, **place(node))

    def subscript(self, node: Any) -> ast.expr:
        """An index as a value: slices are made by a call, so that it can be handed on."""
        if node[0] == "slice":
            none = self.constant(None, node)
            bounds = [none if part is None else self.expression(part) for part in node[1]]
            return self.runtime("slice", node, *bounds)
        if node[0] == "subscripts":
            return ast.Tuple([self.subscript(part) for part in node[1]], LOAD, **place(node))
        return self.expression(node)

    def slices(self, node: Any, value: ast.expr) -> ast.expr:
        """An index as Python's subscript has it: slices are slices."""
        if node[0] == "slice":
            assert isinstance(value, ast.Call)
            bounds = [None if part is None else lowered for part, lowered in zip(node[1], value.args, strict=True)]
            return ast.Slice(*bounds, **place(node))
        if node[0] == "subscripts":
            assert isinstance(value, ast.Tuple)
            parts = [self.slices(part, lowered) for part, lowered in zip(node[1], value.elts, strict=True)]
            return ast.Tuple(parts, LOAD, **place(node))
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
            text = None if spec is None else ast.JoinedStr([self.constant(spec, form)], **place(form))
            code = -1 if conversion is None else ord(conversion)
            values.append(ast.FormattedValue(self.expression(source), code, text, **place(part)))
        return ast.JoinedStr(values, **place(node))


def place(node: Any, end: Any = None) -> dict[str, int]:
    """The position that an ast node gets from the tree's."""
    if end is None:
        end = node
    return {"lineno": node[2], "col_offset": node[3], "end_lineno": end[4], "end_col_offset": end[5]}


def spot(value: ast.expr) -> tuple[int, int, int, int]:
    return value.lineno, value.col_offset, value.end_lineno or 0, value.end_col_offset or 0


def _only_names(target: Any) -> bool:
    return target[0] == "NAME" or (target[0] in ("tuple", "group") and all(_only_names(part) for part in target[1]))


def _is_silent(node: Any) -> bool:
    """Whether a statement's outermost call is one that changes in place: those show nothing."""
    while node[0] == "group":
        node = node[1][0]
    if node[0] != "call":
        return False
    callee = node[1][0]
    word = callee[1][1][1] if callee[0] == "attribute" else callee[1]
    return isinstance(word, str) and word.endswith("_")


def names_of(tree: Any) -> tuple[dict[str, None], set[str]]:
    """The names that a script binds at its top, in order, and all that it reads anywhere."""
    read = {node[1] for node in walk(tree) if node[0] == "NAME"}
    return bound_names(tree[1]), read
