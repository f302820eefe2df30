"""From the grammar's tree to Python's own `ast`, spans kept.

A script becomes a generator function, whose names are cells that the session owns: loops run at the speed of CPython's
locals, functions see the names of later lines, and the session sees every name at any time. It yields after each
statement that may show something. What Python can't say becomes a call of the runtime (see runtime.py), under a name
beginning with `@`, which no script can write.
"""

from __future__ import annotations

import ast
from collections.abc import Container
from typing import Any

from gradcli.language.expressions import LOAD, OPERATORS, STORE, Expressions, only_names, placed
from gradcli.language.scope import NAMESPACES, Numbers, bound_names, mentions_gradient, ungrouped

DEL = ast.Del()

WRITTEN_CONSTANTS = frozenset(("pi", "tau", "e", "inf", "nan"))


class Lowering(Expressions):
    """Lowers one script: its statements, and the functions that hold statements.

    `known_consts` are the names that earlier scripts made const; `loop_names` collects those that loops give values to.
    """

    def __init__(
        self,
        file: str,
        auto: bool,
        own_names: Container[str],
        vocabulary: Any,
        known_consts: Container[str] = (),
        loop_names: set[str] | None = None,
    ) -> None:
        super().__init__(file, auto, own_names, vocabulary)
        self.known_consts = known_consts
        self.consts: set[str] = set()
        self.loop_names = set() if loop_names is None else loop_names
        self.sees = False

    # ---- statements

    def program(self, tree: Any) -> list[ast.stmt]:
        self.number_names = Numbers(tree[1], self.auto)
        body = self.statements(tree[1])
        body.append(self.checkpoint(tree))
        # The methods kept in `functions` make a ring of this object: the tree mustn't wait in it for the collector.
        self.number_names = Numbers(())
        return body

    def checkpoint(self, node: Any) -> ast.stmt:
        """Where the session hands out what was shown."""
        return placed(ast.Expr(placed(ast.Yield(None), node)), node)

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
        return self.statements(node[1]) or [placed(ast.Pass(), node)]

    def do_expression_statement(self, node: Any) -> list[ast.stmt]:
        (child,) = node[1]
        value = self.expression(child)
        if self.depth or _is_silent(child):
            statement: ast.stmt = placed(ast.Expr(value), node)
            return [statement] if self.depth else [statement, self.checkpoint(node)]
        name = child[1] if child[0] == "NAME" else None
        shown = self.runtime("show", node, value, self.constant(name, node), self.constant(node[2], node))
        return [placed(ast.Expr(shown), node), self.checkpoint(node)]

    def do_assign(self, node: Any) -> list[ast.stmt]:
        *targets, source = node[1]
        if any(target[0] == "call" for target in targets):
            return self.short_function(node, targets, source)
        body: list[ast.stmt]
        value = self.expression(source)
        if self.auto and len(targets) > 1 and not self.depth and self.is_written_number(source):
            # `a = b = 0`: each name gets a leaf of its own.
            body = []
            for target in _names_last(targets):
                body += self.store(target, self.tracked([target], source, self.expression(source)), source)
            return body
        value = self.tracked(targets, source, value)
        if len(targets) == 1:
            return self.store(targets[0], value, source)
        held = self.fresh("value")
        body = [placed(ast.Assign([self.name(held, source, STORE)], value), node)]
        for target in _names_last(targets):
            body += self.store(target, self.name(held, source), source)
        return body

    def tracked(self, targets: list[Any], source: Any, value: ast.expr) -> ast.expr:
        """In auto mode, what a name is given at the top of a script may become a leaf."""
        if not self.auto or self.depth:
            return value
        targets = [ungrouped(target) for target in targets]
        if any(target[0] == "NAME" and self.is_const(target[1]) for target in targets):
            return self.runtime("constant", source, value)
        if source[0] == "NAME" and source[1] in self.loop_names:
            # The loop's variable is no leaf: the name gets a tensor of its own, on the same memory.
            value = self.runtime("again", source, value)
        named = [target for target in targets if target[0] == "NAME"]
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

    def is_const(self, name: str) -> bool:
        return name in self.consts or name in self.known_consts

    def is_written_number(self, node: Any) -> bool:
        """Whether an expression is a number written out: digits, constants and arithmetic on them."""
        kind, children = node[0], node[1]
        if kind == "NAME":
            return children in WRITTEN_CONSTANTS and children not in self.own
        if kind == "attribute":
            module, word = children
            named = module[0] == "NAME" and module[1] in NAMESPACES and module[1] not in self.own
            return named and word[1] in WRITTEN_CONSTANTS
        if kind in ("chain", "unary", "power", "group"):
            return all(self.is_written_number(child) for child in children if child[0] != "OPERATOR")
        if kind == "conditional":
            return self.is_written_number(children[0]) and self.is_written_number(children[2])
        return kind == "NUMBER"

    def store(self, target: Any, value: ast.expr, source: Any) -> list[ast.stmt]:
        kind, children = target[0], target[1]
        if kind == "group":
            return self.store(children[0], value, source)
        if kind == "NAME":
            return [placed(ast.Assign([self.name(children, target, STORE)], value), target, source)]
        if kind in ("tuple", "list"):
            return self.unpack(target, value, source)
        if kind == "index":
            holder, subscript = self.expression(children[0]), self.subscript(children[1])
            if self.auto:
                call = self.runtime(
                    "set_item", target, holder, subscript, value, self.constant(mentions_gradient(source), source)
                )
                return [placed(ast.Expr(call), target, source)]
            slot = placed(ast.Subscript(holder, self.slices(children[1], subscript), STORE), target)
            return [placed(ast.Assign([slot], value), target, source)]
        if kind == "attribute":
            holder = self.expression(children[0])
            name = self.constant(children[1][1], children[1])
            return [placed(ast.Expr(self.runtime("set_attribute", target, holder, name, value)), target)]
        raise self.failure(
            "this can't be given a value", target, help="on the left of `=` stand names, `x[i]`, `x.grad`, or `f(x)`"
        )

    def unpack(self, target: Any, value: ast.expr, source: Any) -> list[ast.stmt]:
        """Several targets: each part goes into a temporary first where a target is more than a name."""
        parts = target[1]
        if all(part[0] == "NAME" for part in parts):
            names: list[ast.expr] = [self.name(part[1], part, STORE) for part in parts]
            return [placed(ast.Assign([placed(ast.Tuple(names, STORE), target)], value), target, source)]
        held = [self.fresh("part") for _ in parts]
        temporaries: list[ast.expr] = [self.name(name, part, STORE) for name, part in zip(held, parts, strict=True)]
        body: list[ast.stmt] = [
            placed(ast.Assign([placed(ast.Tuple(temporaries, STORE), target)], value), target, source)
        ]
        by_part = {id(part): name for name, part in zip(held, parts, strict=True)}
        for part in _names_last(parts):
            body += self.store(part, self.name(by_part[id(part)], part), source)
        return body

    def do_augment(self, node: Any) -> list[ast.stmt]:
        target, operator, source = node[1]
        target = ungrouped(target)
        symbol = operator[1][:-1]
        value = self.expression(source)
        kind, children = target[0], target[1]
        by_gradient = self.constant(mentions_gradient(source), source)
        if kind == "NAME":
            if not self.auto:
                slot = self.name(children, target, STORE)
                return [placed(ast.AugAssign(slot, OPERATORS[symbol], value), node)]
            old = self.name(children, target)
            new = self.runtime("augment", node, self.constant(symbol, operator), old, value, by_gradient)
            return [placed(ast.Assign([self.name(children, target, STORE)], new), node)]
        if kind == "index":
            holder, subscript = self.expression(children[0]), self.subscript(children[1])
            if not self.auto:
                place_of = placed(ast.Subscript(holder, self.slices(children[1], subscript), STORE), target)
                return [placed(ast.AugAssign(place_of, OPERATORS[symbol], value), node)]
            call = self.runtime(
                "augment_item", node, self.constant(symbol, operator), holder, subscript, value, by_gradient
            )
            return [placed(ast.Expr(call), node)]
        if kind == "attribute":
            holder = self.expression(children[0])
            name = self.constant(children[1][1], children[1])
            call = self.runtime("augment_attribute", node, self.constant(symbol, operator), holder, name, value)
            return [placed(ast.Expr(call), node)]
        raise self.failure(f"`{operator[1]}` changes a name, `x[i]` or `x.grad`, and this is none of them", target)

    def do_const(self, node: Any) -> list[ast.stmt]:
        target, source = node[1]
        if not self.depth:
            self.consts.add(target[1])
        value = self.runtime("constant", source, self.expression(source))
        return [placed(ast.Assign([self.name(target[1], target, STORE)], value), node)]

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
        state = self.depth, self.loops, self.hoisted, self.clause, self.number_names
        self.depth, self.loops, self.hoisted = self.depth + 1, 0, []
        self.number_names = Numbers(block[1], params=params, outer=self.number_names)
        self.clause = None if prologue is None else prologue.name
        body = ([] if prologue is None else [prologue]) + self.block(block)
        if self.clause is not None:
            body += self.do_return(("return", (None,), *block[2:]))
        self.depth, self.loops, self.hoisted, self.clause, self.number_names = state
        return placed(ast.FunctionDef(name, arguments, body, [], None, type_params=[]), node)

    def custom_function(self, node: Any) -> list[ast.stmt]:
        """A function with its derivative: its body returns the value and the clause, which sees the body's names."""
        name, params, block, clause = node[1]
        state = self.depth, self.clause
        self.depth += 1
        if len(clause[1][0][1]) != 1:
            raise self.failure(
                "a backward clause takes one argument, the gradient of the result", clause[1][0],
                help="such as `} backward(g) { return 2*x*g }`",
            )  # fmt: skip
        backward = self.function("@clause", clause[1][0], clause[1][1], clause)
        self.depth, self.clause = state
        defined = self.function(name[1], params, block, node, prologue=backward)
        count = self.constant(len(clause[1][0][1]), clause)
        wrapped = self.runtime("custom", name, self.name(name[1], name), self.constant(name[1], name), count)
        return [defined, placed(ast.Assign([self.name(name[1], name, STORE)], wrapped), node)]

    def arguments(self, params: Any) -> ast.arguments:
        names: list[ast.arg] = []
        defaults: list[ast.expr] = []
        for param in params[1]:
            name, default = param[1]
            if any(known.arg == name[1] for known in names):
                raise self.failure(f"the argument `{name[1]}` stands twice here", param)
            names.append(placed(ast.arg(name[1]), param))
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
            value = placed(ast.Tuple([value, self.name(self.clause, node)], LOAD), node)
        return [placed(ast.Return(value), node)]

    def on_lambda(self, node: Any) -> ast.expr:
        params, body = node[1]
        if body[0] == "block":
            name = self.fresh("lambda")
            function = self.function(name, params, body, node)
            defaults, function.args.defaults = function.args.defaults, []
            self.hoisted.append(function)
            here = self.name(name, node)
            return self.runtime("with_defaults", node, here, *defaults) if defaults else here
        arguments = self.arguments(params)
        state = self.depth, self.loops, self.hoisted, self.clause, self.number_names
        self.depth, self.loops, self.hoisted, self.clause = self.depth + 1, 0, [], None
        self.number_names = Numbers((), params=params, outer=self.number_names)
        value = self.expression(body)
        inner = self.hoisted
        self.depth, self.loops, self.hoisted, self.clause, self.number_names = state
        if not inner:
            return placed(ast.Lambda(arguments, value), node)
        name = self.fresh("lambda")
        self.hoist(name, arguments, [*inner, placed(ast.Return(value), body)], node)
        return self.name(name, node)

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
            none if wrt is None else placed(ast.Tuple([self.leaf_wanted(e) for e in wrt[1]], LOAD), wrt),
            self.constant(retain is not None, node),
            none if gradient is None else self.constant(gradient[2:], gradient),
        )
        statement: list[ast.stmt] = [placed(ast.Expr(call), node)]
        return statement if self.depth else [*statement, self.checkpoint(node)]

    def leaf_wanted(self, node: Any) -> ast.expr:
        """What stands after `wrt`, checked in its own place."""
        return self.runtime("wanted", node, self.expression(node))

    def do_show(self, node: Any) -> list[ast.stmt]:
        word, source = node[1]
        return self.seeing(word[1], node, source)

    def do_check(self, node: Any) -> list[ast.stmt]:
        source, claims = node[1]
        claimed: list[ast.expr] = []
        for claim in () if claims is None else claims[1]:
            name, value = claim[1]
            claimed += [self.constant(name[1], name), self.constant(name[2:], name), self.expression(value)]
        return self.seeing("check", node, source, *claimed)

    def seeing(self, statement: str, node: Any, source: Any, *more: ast.expr) -> list[ast.stmt]:
        """A statement that shows what led to a value: from the script's first line on, that is kept."""
        self.sees = True
        name = self.constant(source[1] if source[0] == "NAME" else None, node)
        line = self.constant(node[2], node)
        call = self.runtime(statement, source, self.expression(source), name, line, *more)
        body: list[ast.stmt] = [placed(ast.Expr(call), node)]
        return body if self.depth else [*body, self.checkpoint(node)]

    # ---- control flow

    def do_if(self, node: Any) -> list[ast.stmt]:
        *branches, otherwise = node[1]
        orelse = [] if otherwise is None else self.block(otherwise)
        for condition, block in reversed(list(zip(branches[::2], branches[1::2], strict=True))):
            orelse = [placed(ast.If(self.expression(condition), self.block(block), orelse), condition)]
        return orelse

    def do_while(self, node: Any) -> list[ast.stmt]:
        condition, block = node[1]
        self.loops += 1
        # The test stands in the body: Python 3.11 adapts code to what runs by counting unconditional jumps back, and a
        # script's code has run for the first time when it ends. Such a loop takes three quarters of the time.
        over = placed(ast.UnaryOp(ast.Not(), self.expression(condition)), condition)
        body = [placed(ast.If(over, [placed(ast.Break(), condition)], []), condition), *self.block(block)]
        self.loops -= 1
        return [placed(ast.While(self.constant(True, condition), body, []), condition)]

    def do_for(self, node: Any) -> list[ast.stmt]:
        target, iterable, block = node[1]
        source = self.expression(iterable)
        self.loops += 1
        if not self.depth:
            self.loop_names |= set(bound_names((node,)))
        if only_names(target):
            slot, prologue = self.names(target), []
        else:
            held = self.fresh("item")
            slot = self.name(held, target, STORE)
            prologue = self.store(target, self.name(held, target), target)
        body = prologue + self.block(block)
        self.loops -= 1
        return [placed(ast.For(slot, source, body, []), iterable)]

    def names(self, target: Any) -> ast.expr:
        if target[0] == "NAME":
            return self.name(target[1], target, STORE)
        if target[0] == "group":
            return self.names(target[1][0])
        return placed(ast.Tuple([self.names(part) for part in target[1]], STORE), target)

    def do_break(self, node: Any) -> list[ast.stmt]:
        if not self.loops:
            raise self.failure("`break` stands outside of a loop", node)
        return [placed(ast.Break(), node)]

    def do_continue(self, node: Any) -> list[ast.stmt]:
        if not self.loops:
            raise self.failure("`continue` stands outside of a loop", node)
        return [placed(ast.Continue(), node)]

    def do_grad_mode(self, node: Any) -> list[ast.stmt]:
        word, block = node[1]
        body = self.block(block)
        mode = self.runtime("grad_mode", word, self.constant(word[1] == "enable_grad", word))
        return [placed(ast.With([ast.withitem(mode)], body), node)]

    def do_with(self, node: Any) -> list[ast.stmt]:
        source, name, block = node[1]
        body = self.block(block)
        manager = self.runtime("context", source, self.expression(source))
        target = None if name is None else self.name(name[1], name, STORE)
        return [placed(ast.With([ast.withitem(manager, target)], body), node)]

    def do_assert(self, node: Any) -> list[ast.stmt]:
        condition, message = node[1]
        test = placed(ast.UnaryOp(ast.Not(), self.expression(condition)), condition)
        text = self.constant(None, node) if message is None else self.expression(message)
        fail = placed(ast.Expr(self.runtime("assertion_failed", condition, text)), node)
        return [placed(ast.If(test, [fail], []), condition)]

    def do_delete(self, node: Any) -> list[ast.stmt]:
        for target in node[1]:
            if target[0] != "NAME":
                raise self.failure("`del` takes names", target)
        # All are looked up before the first is deleted: a failing statement leaves the names as they were.
        body: list[ast.stmt] = [placed(ast.Expr(self.name(t[1], t)), t) for t in node[1]]
        body.append(placed(ast.Delete([self.name(t[1], t, DEL) for t in node[1]]), node))
        for target in node[1]:
            if target[1] in self.vocabulary and not self.depth:
                # The built-in of that name is there again.
                back = self.name(f"@.{target[1]}", target)
                body.append(placed(ast.Assign([self.name(target[1], target, STORE)], back), target))
        return body

    def do_import(self, node: Any) -> list[ast.stmt]:
        if node[1]:
            raise self.failure("an import line names a module", node, help="it's accepted, and does nothing")
        return []

    def do_pass(self, node: Any) -> list[ast.stmt]:
        return [placed(ast.Pass(), node)]


def _names_last(targets: Any) -> list[Any]:
    """Targets in the order of storing: what may fail comes first, so that no name has changed when it does."""
    return sorted(targets, key=lambda target: ungrouped(target)[0] == "NAME")


def _is_silent(node: Any) -> bool:
    """Whether a statement's outermost call is one that changes in place: those show nothing."""
    node = ungrouped(node)
    if node[0] != "call":
        return False
    callee = node[1][0]
    word = callee[1][1][1] if callee[0] == "attribute" else callee[1]
    return isinstance(word, str) and word.endswith("_")
