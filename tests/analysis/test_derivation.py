"""Derivations: formulas that say what the rules do, and a text that leads from the result to the leaves' gradients."""

from __future__ import annotations

import ast
import re

import numpy as np
import pytest

from gradcli import GradcliError, Session, tensor
from gradcli.analysis.derivation import MOST, Derivation, LeftOut, Line, Path, Slope, derive
from gradcli.analysis.symbols import derivative_in, substituted, text_of
from gradcli.engine import TABLE
from gradcli.engine.operation import Op
from gradcli.render.derivation_text import lines_of
from tests.analysis.derivations import check_explained, check_formula, explained, in_the_language, traced
from tests.operations.cases import CASES as FIRST
from tests.operations.every_case import CASES
from tests.operations.inputs import GOLDEN_FILE, Golden, read_golden
from tests.operations.test_table import INTERNAL, arguments

OPERATIONS = {name: op for name, op in TABLE.items() if name in FIRST}
"""Those that are there from the start. Those that are loaded on first use are tested beside their golden cases."""

OWN_NAMES = {"x", "y", "z", "out", "g", "n", "none", "true", "inf", "pi", "special"}


def forward(derivation: Derivation) -> dict[str, str | None]:
    return {line.name: line.expression for line in derivation.forward if isinstance(line, Line)}


def paths(derivation: Derivation) -> dict[str, list[Path]]:
    return {slope.of: slope.paths for slope in derivation.backward if isinstance(slope, Slope)}


def chains(derivation: Derivation) -> dict[str, list[str]]:
    return {of: [path.chain for path in found] for of, found in paths(derivation).items()}


def rules(derivation: Derivation) -> list[str | None]:
    return [path.rule for found in paths(derivation).values() for path in found]


# ---- formulas


@pytest.mark.parametrize("op", TABLE.values(), ids=TABLE.keys())
def test_every_rule_has_a_formula_and_nothing_else_has(op: Op) -> None:
    assert len(op.formula) == len(op.rules)
    for rule, formula in zip(op.rules, op.formula, strict=True):
        assert bool(formula) == (rule is not None)


FORMULAS = [
    pytest.param(op, formula, id=f"{op.name}-{position}")
    for op in TABLE.values()
    for position, formula in enumerate(op.formula)
    if formula
]


@pytest.mark.parametrize(("op", "formula"), FORMULAS)
def test_a_formula_names_nothing_that_it_is_not_given(op: Op, formula: str) -> None:
    expression, _ = substituted(re.sub(r"\{\w+\}", "", formula), {})
    called = {id(node.func) for node in ast.walk(expression) if isinstance(node, ast.Call)}
    names = {n.id for n in ast.walk(expression) if isinstance(n, ast.Name) and id(n) not in called}
    in_braces = set(re.findall(r"\{(\w+)\}", formula))
    parameters = set(op.parameters[1:] if op.variadic else op.parameters[op.arity :])
    assert names | in_braces <= OWN_NAMES | parameters
    functions = {n.func.id for n in ast.walk(expression) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    session = Session()
    for function in functions:
        list(session.run(f"{function}_ = {function}"))


ELEMENTWISE = [
    pytest.param(op, position, id=f"{op.name}-{position}")
    for op in TABLE.values()
    if op.elementwise
    for position, rule in enumerate(op.rules)
    if rule is not None
]


@pytest.mark.parametrize(("op", "position"), ELEMENTWISE)
def test_the_formula_of_an_elementwise_op_is_its_derivative(op: Op, position: int) -> None:
    inputs = arguments(op, ((2, 3),) * op.arity)
    out = op.apply(*inputs)
    expected = op.rules[position](np.ones_like(out), out, *inputs)
    values = dict(zip(("x", "y", "z"), inputs, strict=False))
    expression, words = substituted(op.formula[position], {})
    assert not words
    assert derivative_in(expression) is not None
    found = in_the_language(text_of(expression), out=out, **values)
    np.testing.assert_allclose(np.broadcast_to(found, expected.shape), expected, rtol=1e-12, atol=1e-15)


V, W = np.array([1.5, -0.7, 2.2]), np.array([0.4, 1.1, -2.0])
A = np.array([[0.3, -1.2, 2.7], [1.1, 0.4, -0.6]])
B = np.array([[1.0, 0.5], [-0.3, 2.0], [0.7, -1.4]])
CUBE = np.arange(12.0).reshape(2, 2, 3) - 5.5
WHOLE = [
    ("matmul", (V, W), ()),
    ("matmul", (A, V), ()),
    ("matmul", (V, B), ()),
    ("matmul", (A, B), ()),
    ("matmul", (CUBE, np.moveaxis(CUBE, 1, 2)), ()),
    ("matmul", (CUBE, V), ()),
    ("matmul", (CUBE[0], V), ()),
    ("binary_cross_entropy", (np.array([0.2, 0.6, 0.9]), np.array([1.0, 0.25, 0.0])), ()),
    ("var", (A,), (None, 1, False)),
    ("var", (A,), (1, 0, False)),
    ("std", (A,), (None, 1, False)),
    ("std", (A,), (0, 0, True)),
    *(("norm", (A,), (p, axis, False)) for p in (0, 1, 2, 3, 0.5, np.inf, -np.inf) for axis in (None, 1)),
    ("softmax", (A,), (1,)),
    ("log_softmax", (A,), (0,)),
    ("logsumexp", (A,), (1, False)),
    ("logsumexp", (A,), (None, False)),
    ("softplus", (A,), (2.0, 3.0)),
    ("transpose", (A,), (0, 1)),
    ("flip", (A,), (1,)),
    ("tril", (A,), (0,)),
    ("triu", (A,), (1,)),
    ("clone", (A,), ()),
]


@pytest.mark.parametrize(("name", "inputs", "parameters"), WHOLE, ids=str)
def test_a_formula_without_words_gives_what_the_rule_gives(name: str, inputs: tuple, parameters: tuple) -> None:
    check_formula(TABLE[name], inputs, parameters)


def test_formulas_that_are_whole_expressions_are_all_tested() -> None:
    """None of them is left to trust: each is elementwise, or in the table above."""
    tested = {name for name, _, _ in WHOLE}
    for op in OPERATIONS.values():
        for formula in op.formula:
            if formula and not op.elementwise and not substituted(re.sub(r"\{\w+\}", "", formula), {})[1]:
                assert op.name in tested or op.name == "overwritten"


# ---- the vocabulary

EVERY_CASE = [case for case in read_golden() if case.variant == "float64" and case.differentiable]


def test_the_cases_are_those_of_the_whole_table() -> None:
    assert GOLDEN_FILE.exists()
    assert set(TABLE) - set(INTERNAL) <= set(CASES)


@pytest.mark.parametrize("case", EVERY_CASE, ids=lambda case: case.expression)
def test_every_function_is_explained_and_the_gradients_are_those_of_backward(case: Golden) -> None:
    check_explained(case)


# ---- what is written


def test_the_derivation_of_the_book() -> None:
    derivation = explained("x = arange(4)\ny = 2*dot(x, x)")
    assert forward(derivation) == {"v1": "dot(x, x)", "y": "2 * v1"}
    assert rules(derivation) == ["∂y/∂v1 = 2", "∂v1/∂x = x + x"]
    assert chains(derivation) == {"y": [], "v1": ["∂y/∂y * 2"], "x": ["∂y/∂v1 * (x + x)"]}
    slope = derivation.backward[-1]
    assert isinstance(slope, Slope)
    assert slope.symbol == "∂y/∂x"
    np.testing.assert_array_equal(slope.paths[0].incoming, 2)
    np.testing.assert_array_equal(slope.paths[0].factor, [0, 2, 4, 6])
    np.testing.assert_array_equal(derivation.gradients[0].gradient, [0, 4, 8, 12])


def test_the_results_are_what_backward_leaves_in_grad() -> None:
    script = "x = arange(4)\nw = 3\nh = exp(x)*w\na, b = split(h, 2)\ny = 2*dot(x, x) + sum(a*b) + norm(h[1:3])"
    session = traced(script)
    derivation = derive(session.history_of(session["y"]), names=session.named_tensors())
    list(session.run("y.backward()"))
    assert [result.name for result in derivation.gradients] == ["x", "w"]
    for name, gradient in derivation.gradients:
        np.testing.assert_array_equal(gradient, session[name].grad.array)
    # After the pass has freed the graph, the derivation can still be written.
    again = derive(session.history_of(session["y"]), names=session.named_tensors())
    assert lines_of(again, 80) == lines_of(derivation, 80)


def test_where_paths_meet_each_contributes_and_the_sum_is_the_gradient() -> None:
    derivation = explained("x = 2\nu = sin(x)\ny = u*x + exp(u)")
    (x,) = (slope for slope in derivation.backward if isinstance(slope, Slope) and slope.of == "x")
    assert [path.chain for path in x.paths] == ["∂y/∂v1 * u", "∂y/∂u * cos(x)"]
    assert sum(path.contribution for path in x.paths) == x.total == derivation.gradients[0].gradient


def test_parentheses_stand_where_precedence_needs_them_and_only_there() -> None:
    derivation = explained("x = 2\nv = x^-2\ny = -v*(x - 1)")
    assert forward(derivation) == {"v": "x^-2", "v1": "-v", "v2": "x - 1", "y": "v1 * v2"}
    assert "∂v/∂x = -2 * x^-3" in rules(derivation)
    assert ["-∂y/∂v1"] in chains(derivation).values()
    assert forward(explained("x = 2\ny = (-3)^x")) == {"y": "(-3)^x"}


def test_operations_are_written_as_in_a_script() -> None:
    """Each is a script of its own: what is written means the same."""
    for expression in (
        "x.T", "permute(x, (0, 1))", "einsum('ij,kj->ik', x, x)", "sum(x, 0, keepdim=true)", "x[1]", "x[:, 1:]",
        "x[0, 1]", "norm(x, 3, dim=1)", "norm(x, dim=0)", "transpose(x, 0, 1)", "x.repeat((2, 1))",
        "tril(x, 1)", "var(x, correction=0)", "unsqueeze(x, 1)", "x.expand((4, 2, 3))", "prod(x, 1)",
        "var(x, 1)", "norm(x, 1)", "cumsum(x, 1)", "x[[1, 0]]", "where(m, x, 0)", "reshape(x, (3, 2))", "flip(x, (0,))",
        "2 - x", "x / 2", "-x", "x^-2", "x % 2", "stack([x, x], 1)", "x * 1", "roll(x, 1, 0)", "softmax(x, 1)",
    ):  # fmt: skip
        names = {"x": tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]], requires_grad=True), "m": tensor([True, False, True])}
        written = forward(explained(f"y = {expression}", **names))["y"]
        np.testing.assert_array_equal(
            in_the_language(str(written), **{name: value.array for name, value in names.items()}),
            in_the_language(expression, **{name: value.array for name, value in names.items()}),
        )
        if "flip" not in expression and "[[" not in expression and "roll" not in expression:
            assert written == expression


def test_a_linear_layer_is_written_with_matrices() -> None:
    derivation = explained("const X = ones(5, 3)\nW = zeros(3, 2)\nb = zeros(2)\no = X @ W + b\ny = mean(o^2)")
    assert [line.name for line in derivation.given] == ["W", "b", "X"]
    assert forward(derivation)["v1"] == "X @ W"
    found = chains(derivation)
    assert found["W"] == ["X.T @ ∂y/∂v1"]
    assert found["b"] == ["sum(∂y/∂o, 0)"]
    assert found["v2"] == ["∂y/∂y / 10, repeated along every dim"]
    # A leaf's gradient comes as soon as it's known, not behind all others.
    assert list(found) == ["y", "v2", "o", "b", "v1", "W"]


def test_what_was_broadcast_is_summed_in_the_formula_too() -> None:
    source = "a = ones(2, 1)\nb = ones(3)\nc = 2\ny = sum(a*b + c)"
    assert chains(explained(source))["a"] == ["sum(∂y/∂v1 * b, 1, keepdim=true)"]
    assert chains(explained(source))["b"] == ["sum(∂y/∂v1 * a, 0)"]
    assert chains(explained(source))["c"] == ["sum(∂y/∂v2)"]
    vector = "const X = ones(4, 5, 3)\nw = ones(3)\ny = sum(X @ w)"
    assert chains(explained(vector))["w"] == ["(∂y/∂v1).flatten() @ X.flatten(0, -2)"]
    batch = "const X = ones(4, 5, 3)\nW = ones(3, 2)\ny = sum(X @ W)"
    assert chains(explained(batch))["W"] == ["X.mT @ ∂y/∂v1, summed over the batch"]


def test_values_of_one_name_are_numbered_and_no_two_are_called_alike() -> None:
    derivation = explained("x = 2\nv1 = x*3\ns = v1\nfor i in range(3) { s = s*x + v1*i }\ny = s")
    names = [line.name for line in (*derivation.given, *derivation.forward) if isinstance(line, Line)]
    assert len(set(names)) == len(names)
    assert {"s₁", "s₂"} <= set(names)
    assert names.count("v1") == 1


def test_a_function_with_its_own_backward_is_named() -> None:
    source = "def f(a, k) { return a^k } backward(g) { return k*a^(k - 1)*g, none }\nx = 3\ny = f(x, 2) + 1"
    derivation = explained(source)
    assert forward(derivation)["v1"] == "f(x, 2)"
    assert chains(derivation)["x"] == ["∂y/∂v1, by the backward of f"]
    assert derivation.gradients[0].gradient == 6


def test_parts_of_a_result_come_together_again() -> None:
    derivation = explained("x = arange(4)\na, b = split(x^2, 2)\ny = sum(a*3)")
    assert forward(derivation)["a"] == "split(v1, (2, 2), dim=0)[0]"
    assert chains(derivation)["v1"] == ["(∂y/∂a, 0), joined along dim 0"]
    np.testing.assert_array_equal(derivation.gradients[0].gradient, [0, 6, 0, 0])


def test_a_change_in_place_is_a_value_of_its_own() -> None:
    derivation = explained("x = 3\np = zeros(3)\np[1] = x^2\ny = sum(p)")
    assert [line.name for line in derivation.given] == ["x", "c1"]
    assert forward(derivation) == {"v1": "x^2", "v2": "v1", "p": "c1, with v2 at [1]", "y": "sum(p)"}
    assert chains(derivation)["p"] == ["∂y/∂y, repeated along every dim"]
    assert derivation.gradients[0].gradient == 6


def test_a_hook_is_told_of() -> None:
    derivation = explained("x = 2\nv = x^2\nv.register_hook(g -> 2*g)\ny = v*3")
    (v,) = (slope for slope in derivation.backward if isinstance(slope, Slope) and slope.of == "v")
    assert v.hooks == 1


def test_detached_values_and_constants_are_told_apart() -> None:
    derivation = explained("const k = [1., 2.]\nx = [3., 4.]\nd = (x^2).detach()\ny = sum(x*k*d)")
    assert {line.name: line.kind for line in derivation.given} == {"x": "leaf", "k": "constant", "d": "detached"}


def test_a_leaf_itself() -> None:
    derivation = explained("y = 3")
    assert derivation.forward == []
    assert [result.gradient for result in derivation.gradients] == [1]


def test_a_long_loop_is_folded_and_what_is_left_out_adds_up() -> None:
    derivation = explained("x = 1.01\ns = x\nfor i in range(100) { s = s*x + 1 }\ny = s^2")
    (gap,) = (item for item in derivation.forward if isinstance(item, LeftOut))
    assert (gap.count, gap.rounds, gap.ops, gap.first_line) == (196, 98, (("mul", 98), ("add", 98)), 3)
    written = [line for line in derivation.forward if isinstance(line, Line)]
    assert len(written) + gap.count == 201
    (back,) = (item for item in derivation.backward if isinstance(item, LeftOut))
    assert (back.count, back.first, back.last) == (196, gap.last, gap.first)
    (x,) = (slope for slope in derivation.backward if isinstance(slope, Slope) and slope.of == "x")
    assert len(x.paths) + x.skipped == 100
    total = sum(path.contribution for path in x.paths) + x.skipped_sum
    np.testing.assert_allclose(total, x.total, rtol=1e-12)


def test_a_large_graph_without_repetitions_is_cut_in_the_middle() -> None:
    source = "x = 1.0\nv = x\n" + "\n".join(
        f"v{k} = {'sin' if k % 3 else 'exp'}(v) + {k}\nv = v{k}*{k}" for k in range(9)
    )
    longer = source + "\n" + "\n".join(f"u{k} = v*{k}\nv = tanh(u{k})" for k in range(60)) + "\ny = v"
    derivation = explained(longer)
    assert any(isinstance(item, LeftOut) for item in derivation.forward)
    assert len(lines_of(derivation, 80)) < 5 * MOST


def test_a_result_of_several_elements_starts_from_ones() -> None:
    derivation = explained("x = [1., 2.]\ny = x^2")
    np.testing.assert_array_equal(derivation.start, [1, 1])
    np.testing.assert_array_equal(derivation.gradients[0].gradient, [2, 4])


def test_what_has_no_derivative_is_an_error_that_says_so() -> None:
    with pytest.raises(GradcliError, match="floor_divide is not implemented"):
        explained("x = 5.5\ny = x // 2 * x")
