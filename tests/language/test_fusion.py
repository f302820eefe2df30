"""Expressions in loops and functions become one node: nobody sees it but the clock."""

from __future__ import annotations

import gc
import operator
import sys
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gradcli import Session, tensor
from gradcli.engine import Tensor, fusion
from gradcli.engine.fusion import Expression, Step, evaluator
from gradcli.engine.node import FusedNode, Node
from gradcli.errors import GradcliError, LimitFailure
from tests import test_scripts as golden

NEVER = 10**9

VALUES: dict[str, Any] = {
    "x": np.array([0.5, 1.0, 1.5, 2.0]),
    "w": np.array([2.0, -1.0, 0.25, 3.0]),
    "b": np.float64(0.75),
    "m": np.arange(1.0, 13.0).reshape(3, 4) / 8,
    "n": np.arange(1.0, 13.0).reshape(4, 3) / 4,
}

EXPRESSIONS = [
    "sin(x * 1.1 + 0.1) * w",
    "x * w + w / x - x^2",
    "x * x * x",
    "2 * x - w * 3",
    "x - 1 - 1",
    "1 / (1 + exp(-x))",
    "2^x + x^0.5 + x^-1 * 0",
    "-(x + b) * exp(-x)",
    "b * b + b",
    "m * x + b",
    "(m @ x) * 2 + 1",
    "tanh(m @ n + 1) @ m",
    "x @ w * 2 + b",
    "x.exp().log() + 1",
    "m @ x.data * w.data.sum() + 1",
    "m.T @ n.mT * 0.5 + m.mT @ n.T",
    "torch.sqrt(x * x + w * w) + F.sigmoid(w)",
    "maximum(x, w) * minimum(x, b) + where_not",
    "x * constant + constant * constant",
    "number * x + number * number",
    "zero * x + whole * w",
    "logaddexp(x * 2, w - 1)",
    "(((x)) + ((w))) * (x)",
    "F.mse_loss(m @ n * 2, shares, weight=shares + 1) + sum(shares, 0, true).sum() * b",
    "softmax(m, 1) @ w + constant.sum(dim=0, keepdim=true) * 2",
    "F.cross_entropy(F.linear(m, m), shares, label_smoothing=0.1) * 2",
    "F.l1_loss(x, w, reduction='sum') + x.mean() + logsumexp(m, 0) @ x",
]
LEAVES = "".join(f"{name} = tensor({name}0, requires_grad=true)\n" for name in VALUES)
SETUP = LEAVES + (
    "constant = tensor([1.0, -2.0, 0.0, 4.0]); where_not = tensor([0.0, 1.0, 2.0, 3.0])\n"
    "shares = tensor([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])\n"
    "number = 0.3; zero = 0.0; whole = 3\n"
)


def run(script: str, **values: Any) -> Session:
    session = Session(tracking="explicit", seed=7)
    for name, value in {**VALUES, **values}.items():
        session[f"{name}0"] = tensor(value)
    list(session.run(SETUP + script))
    return session


def gradients(session: Session) -> dict[str, Any]:
    return {name: session[name].grad.array for name in VALUES if session[name].grad is not None}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The first evaluation already writes a version."""
    monkeypatch.setattr(fusion, "TIMES", 1)
    return monkeypatch


def both(script: str, patch: pytest.MonkeyPatch) -> tuple[Session, Session]:
    """A script run with fused expressions, and without."""
    fused = run(script)
    patch.setattr(fusion, "TIMES", NEVER)
    return fused, run(script)


def nodes_of(session: Session, name: str) -> list[tuple[Any, ...]]:
    """All nodes behind a value, newest first, as a person may see them: name, place in the text, and what's behind."""
    found, stack, seen = [], [session[name].grad_fn], set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        assert type(node) is Node
        unit = next(constant for constant in node.code.co_consts if hasattr(constant, "span_of")) if node.code else None
        span = unit.span_of(node.code, node.instruction) if unit is not None else None
        behind = [edge for edge, _ in node.next_functions if edge is not None]
        found.append((node.name, span and (span.line, span.column, span.end_line, span.end_column), len(behind)))
        stack.extend(reversed(behind))
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_values_gradients_and_graphs_are_the_same(expression: str, at_once: pytest.MonkeyPatch) -> None:
    script = f"for turn in range(4) {{\n  h = {expression}\n}}\nkept = h * 1\nh.sum().backward(retain_graph=true)"
    fused, plain = both(script, at_once)

    assert type(fused["h"].node) is FusedNode
    assert type(plain["h"].node) is Node
    np.testing.assert_array_equal(fused["h"].array, plain["h"].array)
    assert gradients(fused).keys() == gradients(plain).keys()
    for name, gradient in gradients(plain).items():
        np.testing.assert_array_equal(gradients(fused)[name], gradient)
    assert nodes_of(fused, "kept") == nodes_of(plain, "kept")


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_second_derivatives_are_the_same(expression: str, at_once: pytest.MonkeyPatch) -> None:
    script = (
        f"for turn in range(4) {{ h = {expression} }}\nleaves = [x, w, b, m, n]\n"
        "first = grad(exp(h).sum(), leaves, create_graph=true, allow_unused=true)\n"
        "second = grad(sum([(g^2).sum() for g in first if g is not none]), leaves, allow_unused=true)"
    )
    for fused, plain in zip(*(session["second"] for session in both(script, at_once)), strict=True):
        assert (fused is None) == (plain is None)
        if plain is not None:
            np.testing.assert_array_equal(fused.array, plain.array)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_without_history_too(expression: str, at_once: pytest.MonkeyPatch) -> None:
    """Under no_grad, and of values that have none; whether the result is cut shows in what a name makes of it."""
    script = (
        f"for turn in range(4) {{ no_grad {{ h = {expression} }} }}\n"
        f"def f(x, w, b, m, n) {{ for turn in range(4) {{ r = {expression} }}\n return r }}\n"
        "free = f(x.detach(), w.detach(), b.detach(), m.detach(), n.detach())\n"
        "new = f(*[tensor(v.tolist()) for v in [x, w, b, m, n]])\n"
    )
    fused, plain = both(script, at_once)
    for name in ("h", "free", "new"):
        assert fused[name].node is plain[name].node
        np.testing.assert_array_equal(fused[name].array, plain[name].array)


@pytest.mark.parametrize("where", ["x", "x.sum()", "-x", "f(x) * w", "x[0] * 2 + 1", "[x, x]", "f'(b) * 2 + 1"])
def test_what_isnt_an_operation_on_names_stays_as_it_is(where: str, at_once: pytest.MonkeyPatch) -> None:
    script = f"f(t) = t * t\nfor turn in range(4) {{ h = {where} }}"
    fused, plain = both(script, at_once)
    for one, other in zip(np.ravel(np.asarray(fused["h"])), np.ravel(np.asarray(plain["h"])), strict=True):
        assert np.array_equal(np.asarray(one), np.asarray(other))


def test_a_loop_on_numbers_has_nothing_to_fuse(at_once: pytest.MonkeyPatch) -> None:
    at_once.setattr("gradcli.engine.fusion.evaluator", pytest.fail)
    session = run(
        "a = 0.5; i = 0; const c = 2\n"
        "while i < 5 { a = a * 0.5 + 0.1; i = i + 1; a += c * 2 - 1 }\n"
        "for k in range(3) { s = k * 2 + 1 }\n"
        "def count(limit) { t = 0\n for j in range(3) { t = t * 2 + j }\n return t }\n"
        "r = count(3)"
    )
    assert session["r"] == 4


@pytest.mark.parametrize(
    "script",
    [
        # other shapes, dtypes, kinds and values than the version was written for
        "for k in range(1, 9) { u = ones(k, requires_grad=true); h = u * 2 + k; (h * h - 1).sum().backward(); out.append(u.grad) }",
        "for k in range(9) { u = tensor([1., 2.], dtype=[float32, float64][k % 2], requires_grad=true); h = u * 0.1 + 0.7; out.append(h) }",
        "for k in range(9) { u = x if k % 2 else x.detach(); h = u * w + u; out.append(h) }",
        "for k in range(9) { u = x if k % 3 else 2.5; h = u * w + u; out.append(h) }",
        "for k in range(9) { u = 0.0 if k % 2 else -0.0; h = w / (x * 0 + 1) * u + u; out.append(h) }",
        "for k in range(9) { if k % 2 { no_grad { h = x * w + x } } else { h = x * w + x }; out.append(h) }",
        "for k in range(9) { u = [true, 3, 2.5, tensor(2.), tensor(3), [1., 2., 3., 4.]][k % 6]; h = u * w + u; out.append(h) }",
        "g(t, s) = t * s + t\nfor k in range(9) { out.append(g(x, w)); out.append(g(2, 3)); out.append(g(b, x)) }",
        "for k in range(9) { u = w if k % 2 else x; h = u * x + u; out.append(h); h.sum().backward(); out.append(x.grad.clone()) }",
        "for k in range(9) { h = x * w + x; x.grad = none; h.sum().backward(); no_grad { w -= 0.1 * w.grad; u = x.data * 2 - x.grad }; out.append(u) }",
        "d = 0\nconst c = [[1., 2.], [3., 4.]]\nfor k in range(9) { if k > 3 { d = tensor(1) }; h = sum(c * 2, d); out.append(h) }",
        "d = tensor(0)\nfor k in range(9) { if k == 4 { d = tensor(1) }; h = sum(m * 2, d); out.append(h.sum(dim=0, keepdim=d)) }",
        "dims = []; dims.append(0)\nfor k in range(9) { if k == 4 { dims.append(1) }; h = sum(m * 2, dims); out.append(h) }",
        "t = tensor([0.1])[0]\nfor k in range(9) { if k == 4 { t = tensor([0.5])[0] }; h = F.cross_entropy(m, m, label_smoothing=t) * 2; out.append(h) }",
        "for k in range(3) { h = sin(x * 2) * 3 }\ny = h * 2; y.register_hook(g -> { s = f'{h}'; return none }); out += [1, 2]; out.append(grad(y.sum(), x))",
        "for k in range(3) { h = sin(x * 2) * 3 }\nh.register_hook(g -> { s = h.grad_fn.next_functions; return none }); out += [1, 2]; out.append(grad(h.sum(), x))",
        "for k in range(4) { a = (x - 0.5) * 2 + 0\n s = sqrt(a) * 3 }\nc = where(x > 1, s, 0)\nfor k in range(4) { z = c * 1 + 0 }\nout += [1, 2]; out.append(grad(z.sum(), x))",
        "for k in range(5) { z = x * 1.1; y = z * z + sin(z) * z + z / 3 }\nu = z * y + z * 0.1; u.sum().backward(); out += [1, 2, x.grad]",
        "sines(sin, t) = sin * t + t\nfor k in range(9) { out.append(sines(x, w)) }",
        "for k in range(9) { h = x * w + x; x.data = x.data + 1; out.append(h) }",
        "for k in range(9) { h = x * w + x; no_grad { x += 1 }; h.backward(w.detach() * 0 + 1) if k < 0 else none; out.append(h) }",
        "for k in range(3) { h = x * w + x; h.retain_grad(); h.register_hook(g -> g * 2); (h * h).sum().backward(); out.append(h.grad); out.append(x.grad.clone()) }",
        "for k in range(3) { h = sin(x) * w + 1; y = grad(h.sum(), x)[0] * 1; out.append(y) }",
        "for k in range(3) { h = x * w + b; out.append(grad(h.sum(), [x, b])[0]) }",
    ],
)
def test_where_a_version_doesnt_fit_nothing_changes(script: str, at_once: pytest.MonkeyPatch) -> None:
    fused, plain = both(f"out = []\n{script}", at_once)
    assert len(fused["out"]) == len(plain["out"]) > 2
    for one, other in zip(fused["out"], plain["out"], strict=True):
        assert type(one) is type(other)
        if type(one) is Tensor:
            assert (one.dtype, one.shape, one.requires_grad) == (other.dtype, other.shape, other.requires_grad)
            np.testing.assert_array_equal(one.array, other.array)
        else:
            assert one == other
    for name, gradient in gradients(plain).items():
        np.testing.assert_array_equal(gradients(fused)[name], gradient)


@pytest.mark.parametrize(
    "script",
    [
        "h = 0\nfor k in range(3) { h = x * w\n  + x * sin(w) }\nh.sum().backward()\nh.sum().backward()",
        "for k in range(3) { c = x * 1; h = sin(c * w) * c }\nc.add_(1)\nh.sum().backward()",
        "for k in range(3) { c = x * 1; h = sin(c * w) * c }\nc.add_(1)\ngrad(h.sum(), w)",
        "for k in range(3) { u = [x, x, m @ n][k]; h = u * w + sin(u) }",
        "for k in range(3) { u = [x, x, 'x'][k]; h = u * w + sin(u) }",
        "for k in range(3) { u = [x, x, tensor([1., 2.], dtype=float32)][k]; h = u @ w + 1 }",
        "for k in range(3) { h = x * w + sin(missing) }",
        "for k in range(3) { h = x * w + sin(x, w, b) }",
        "for k in range(3) { h = x * (w + 10 ^ 400) }",
        "k = 10\nfor j in range(3) { h = x * (k ^ 100000000) }",
        "for k in range(6) { u = x * 1 if k % 2 else m * 1; h = sin(u * 2) * u }\nu.add_(1)\nh.sum().backward()",
        "for k in range(6) { u = x * 1 if k % 2 else m * 1; h = u * u }\nu.add_(1)\nh.sum().backward()",
        "f(t) = t // 2 * t + t\nfor k in range(3) { h = f(x) }\nh.sum().backward()",
        "for k in range(3) { h = x * w + b }\ngrad(h.sum(), x)\nh.sum().backward()\nh.sum().backward()",
    ],
)
def test_failures_are_the_same(script: str, at_once: pytest.MonkeyPatch) -> None:
    said = []
    for times in (1, NEVER):
        at_once.setattr(fusion, "TIMES", times)
        with pytest.raises(GradcliError) as caught:
            run(script)
        failure = caught.value
        said.append((type(failure), failure.message, failure.help, failure.label, failure.span))
    assert said[0] == said[1]


def test_a_warning_is_said_once(at_once: pytest.MonkeyPatch) -> None:
    """Where an expression is tried as one, and then computed as it stands, its attributes are read twice."""
    session = run("")
    events: list[Any] = []
    with pytest.raises(GradcliError):
        session.execute("y = x * 2\nfor k in range(3) { h = x * y.grad }", "text", events.append)
    assert [type(event).__name__ for event in events] == ["Warned"]


def test_a_graph_that_was_walked_in_part_can_be_walked_in_the_other(at_once: pytest.MonkeyPatch) -> None:
    """As without fusing: only what was visited is freed."""
    script = "for k in range(3) { h = x + sin(w) }\nhas = grad(h.sum(), x)[0]\nh.sum().backward()"
    fused, plain = both(script, at_once)
    np.testing.assert_array_equal(fused["w"].grad.array, plain["w"].grad.array)


REPEATING = [path for path in golden.PATHS if any(word in path.read_bytes() for word in (b"{", b"->", b"(x) =", b"(t) ="))]


@pytest.mark.parametrize("path", REPEATING, ids=golden.name_of)
def test_golden_scripts_say_the_same(path: Path, at_once: pytest.MonkeyPatch) -> None:
    golden.test_script(path)


NAMES = ("x", "w", "b", "m", "number", "constant")
TERMS = st.recursive(
    st.sampled_from(NAMES) | st.sampled_from(["1.5", "2", "-3", "0.0"]),
    lambda term: st.one_of(
        st.tuples(term, st.sampled_from(["+", "-", "*"]), term).map(lambda part: f"({' '.join(part)})"),
        st.tuples(st.sampled_from(["sin", "tanh", "exp", "relu", "sigmoid", "square"]), term).map(
            lambda part: f"{part[0]}({part[1]})"
        ),
        st.tuples(term, term).map(lambda part: f"({part[0]} / (2 + square({part[1]})))"),
        term.map(lambda part: f"(-{part})"),
        term.map(lambda part: f"(x + {part}).cos()"),
    ),
    max_leaves=8,
)


@settings(max_examples=150, derandomize=True, deadline=None, database=None, phases=(Phase.generate, Phase.shrink))
@given(TERMS)
def test_random_expressions(expression: str) -> None:
    script = (
        f"for turn in range(3) {{ h = {expression} + x }}\n"
        "ones_of = ones_like(h)\nh.backward(ones_of, retain_graph=true)\nfirst = grad(h.sum(), x, create_graph=true)\n"
        "again = grad(first.sum() + x.sum(), x)"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fusion, "TIMES", 1)
        fused, plain = both(script, patch)
    np.testing.assert_array_equal(fused["h"].array, plain["h"].array)
    for name in gradients(plain):
        np.testing.assert_array_equal(gradients(fused)[name], gradients(plain)[name])
    np.testing.assert_array_equal(fused["again"].array, plain["again"].array)


def test_texts_that_ran_are_freed(at_once: pytest.MonkeyPatch) -> None:
    session = run("")
    gc.collect()
    gc.disable()
    try:
        for k in range(40):
            list(session.run(f"for turn in range(4) {{ h = sin(x * {k} + 0.5) * w }}\nh.sum().backward()"))
        assert len(session._units) < 10
    finally:
        gc.enable()


def test_a_change_of_something_else_leaves_the_node_whole(at_once: pytest.MonkeyPatch) -> None:
    session = run("for turn in range(3) { h = sin(x * w) * 2 }\nb.grad = tensor(1.0); b.grad.zero_()\nh.sum().backward()")
    assert type(session["h"].node) is FusedNode
    np.testing.assert_allclose(session["x"].grad.array, 2 * np.cos(VALUES["x"] * VALUES["w"]) * VALUES["w"])


def one_step_of_two(code: CodeType) -> Expression:
    """`sin(x * y)`, somewhere in the code that evaluates it."""
    place = list(code.co_positions())[1]
    return Expression(2, (), (Step(operator.mul, (0, 1), (), place), Step(np.sin, (2,), (), place)))


@pytest.mark.parametrize("failure", [ValueError(), MemoryError(), LimitFailure("too many digits")])
def test_a_failure_is_left_to_the_usual_evaluation(failure: Exception, at_once: pytest.MonkeyPatch) -> None:
    assert evaluated(failure) is None


def test_the_end_of_the_time_isnt_lost_in_an_expression(at_once: pytest.MonkeyPatch) -> None:
    with pytest.raises(LimitFailure):
        evaluated(LimitFailure("the time is over", cause="time"))


def evaluated(failure: Exception) -> Any:
    """`sin(x * y)` in a version whose sine fails."""
    evaluate = evaluator(one_step_of_two(sys._getframe().f_code))
    arguments = tensor([1.0, 2.0], requires_grad=True), tensor([3.0, 4.0])
    assert evaluate(*arguments) is None
    (result,) = evaluate(*arguments)
    np.testing.assert_array_equal(result.array, np.sin([3.0, 8.0]))

    def forward(*_: Any) -> None:
        raise failure

    sine = next(name for name, value in evaluate.__globals__.items() if value is np.sin)
    evaluate.__globals__[sine] = forward
    return evaluate(*arguments)


def test_names_of_the_code_are_no_texts_of_a_script(at_once: pytest.MonkeyPatch) -> None:
    session = run("for k in range(3) { h = x * w + 1; s = ['@evaluator0', '@evaluator', (0,), 0, '0'] }")
    assert list(session["s"]) == ["@evaluator0", "@evaluator", (0,), 0, "0"]


def test_versions_are_bounded(at_once: pytest.MonkeyPatch) -> None:
    evaluate = evaluator(one_step_of_two(sys._getframe().f_code))
    fits = []
    for size in range(1, 9):
        arguments = tensor(np.ones(size), requires_grad=True), tensor(np.ones(size))
        fits.append([evaluate(*arguments) is not None for _ in range(2)])
    assert fits == [[False, size <= fusion.VERSIONS] for size in range(1, 9)]
