"""Checks of gradients: right ones pass, wrong ones fail, and what is wrong with a claim is said where it can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcli import GradcliError, Session, Tensor, tensor
from gradcli.analysis.check import Report, check
from gradcli.analysis.comparing import EDGE, FAILED, JUMP, KINK, PASSED, ROUNDED, STEEP, UNCLEAR, UNDEFINED
from gradcli.analysis.differences import SMOOTH, careful_slope, quick_slope
from gradcli.engine import TABLE
from gradcli.errors import AutogradFailure, NameFailure, ShapeFailure
from gradcli.library import context
from tests.operations.inputs import Golden, read_golden, weights

EPS = float(np.finfo(np.float64).eps)


def report_of(source: str, claims: Any = None, start: Any = None, **options: Any) -> Report:
    session = Session(**options)
    session.tracing = True
    list(session.run(source, "t.gr"))
    return checked(session, session["y"], claims, start)


def checked(session: Session, y: Tensor, claims: Any = None, start: Any = None) -> Report:
    outer = context.enter(session)
    try:
        return check(session.history_of(y), claims, start)
    finally:
        context.enter(outer)


# ---- differences


def slopes(f: Callable[[float], float], x: float) -> Any:
    with np.errstate(all="ignore"):

        def rise(t: float) -> float:
            return float(f(x + t) - f(x)) * (t / ((x + t) - x) if (x + t) != x else 0)

        noise = 4 * EPS * max(abs(float(f(x))), 0)
        return quick_slope(rise, noise, EPS), careful_slope(rise, noise, EPS, abs(x) or 1.0)


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (np.sin, 1.0, np.cos(1.0)),
        (lambda x: x**100, 1.0, 100.0),
        (lambda x: x**100, 1e-3, 1e-295),
        (lambda x: np.exp(20 * x), 1.0, 20 * np.exp(20.0)),
        (lambda x: 1 / x, 1e-3, -1e6),
        (lambda x: 1 / x, 1e-8, -1e16),
        (lambda x: 1 / x, 1e-100, -1e200),
        (np.log, 1e-20, 1e20),
        (lambda x: np.maximum(x, 0.0), 1e-7, 1.0),
        (lambda x: np.maximum(x, 0.0), -1e-12, 0.0),
        (lambda x: x * x + 1e6, 0.5, 1.0),
        (lambda x: np.sin(1e6 * x), 0.7, 1e6 * np.cos(7e5)),
        (lambda x: x + 1e-6 * np.sin(1e6 * x), 0.0, 2.0),
        (lambda x: abs(x) ** 1.5, 0.0, 0.0),
        (lambda x: 7.0, 0.3, 0.0),
    ],
)
def test_careful_slope_of_smooth_functions(f: Any, x: float, slope: float) -> None:
    _, careful = slopes(f, x)
    assert careful.kind == SMOOTH
    assert abs(careful.value - slope) <= max(4 * careful.error, 1e-7 * abs(slope))
    assert careful.error <= max(1e-5 * abs(slope), 1e-9)


@pytest.mark.parametrize(
    ("f", "x", "kind", "left", "right"),
    [
        (lambda x: np.maximum(x, 0.0), 0.0, KINK, 0, 1),
        (abs, 0.0, KINK, -1, 1),
        (lambda x: abs(x) + x * x + 5, 0.0, KINK, -1, 1),
        (lambda x: 3 * np.minimum(x, 1.0), 1.0, KINK, 3, 0),
        (np.floor, 1.0, JUMP, np.inf, 0),
        (lambda x: x - np.floor(x), 1.0, JUMP, -np.inf, 1),
        (np.sign, 0.0, JUMP, np.inf, np.inf),
        (np.cbrt, 0.0, STEEP, np.inf, np.inf),
        (lambda x: np.sqrt(abs(x)), 0.0, STEEP, -np.inf, np.inf),
        (np.sqrt, 0.0, STEEP, np.nan, np.inf),
        (np.arcsin, 1.0, STEEP, np.inf, np.nan),
        (lambda x: np.float64(x) ** 1.5, 0.0, EDGE, np.nan, 0),
        (lambda x: np.sqrt(-x * x), 0.0, UNDEFINED, np.nan, np.nan),
    ],
)
def test_what_a_function_is_like(f: Any, x: float, kind: str, left: float, right: float) -> None:
    quick, careful = slopes(f, x)
    assert careful.kind == kind
    np.testing.assert_allclose([careful.left, careful.right], [left, right], atol=1e-4)
    if kind in (KINK, STEEP, EDGE, UNDEFINED) and f is not np.cbrt:
        assert quick is None, "two steps are enough to see that something is the matter"


# ---- right gradients pass

# Where PyTorch, and so autograd here, gives nan though there is a slope: to say that is what a check is for.
NAN = {
    "hypot(zeros4, zeros4)",
    "where(kinks > 0, log(kinks), 0.0)",
    "where(kinks > 0, log(kinks), kinks)",
    "where(zeros4 > 0, 1 / zeros4, zeros4)",
    "logsumexp(log(gap * gap), 1)",
}


def run_case(case: Golden) -> tuple[Session, list[Tensor]]:
    session = Session(tracking="explicit")
    session.tracing = True
    for name, array in case.arrays().items():
        session[name] = tensor(array, dtype=array.dtype, requires_grad=array.dtype.kind == "f")
    list(session.run(f"result = {case.expression}"))
    result = session["result"]
    results = result if isinstance(result, (tuple, list)) else [result]
    return session, [y for y in results if isinstance(y, Tensor) and y.requires_grad and y.dtype.kind == "f"]


DIFFERENTIABLE = [case for case in read_golden() if case.gradients and case.expression not in NAN]


@pytest.mark.parametrize("function", sorted({case.function for case in DIFFERENTIABLE}))
def test_right_gradients_pass(function: str) -> None:
    looked_at = 0
    for case in DIFFERENTIABLE:
        if case.function != function:
            continue
        session, results = run_case(case)
        for k, y in enumerate(results):
            finite = bool(np.isfinite(y.array).all())
            report = checked(session, y, start=weights(y.shape, k))
            assert report.unrepeatable is None, case.id
            for leaf in report.leaves:
                looked_at += 1
                if finite and all(np.isfinite(array).all() for array in case.arrays().values()):
                    assert leaf.verdict != FAILED, (case.id, leaf.name, leaf.worst)
                    # At the edge of a domain a step to either side may leave it.
                    assert leaf.passed or leaf.verdict == UNDEFINED, (case.id, leaf.name, leaf.worst)
                else:
                    assert leaf.verdict not in (FAILED, ROUNDED), (case.id, leaf.name, leaf.worst)
    assert looked_at


def test_the_check_of_most_cases_says_passed() -> None:
    verdicts = [
        leaf.verdict
        for case in DIFFERENTIABLE
        if case.variant == "float64"
        for session, results in [run_case(case)]
        for k, y in enumerate(results)
        for leaf in checked(session, y, start=weights(y.shape, k)).leaves
    ]
    assert verdicts.count(PASSED) > 0.9 * len(verdicts)
    assert verdicts.count(UNCLEAR) < 0.01 * len(verdicts)


@pytest.mark.parametrize("expression", sorted(NAN))
def test_a_gradient_of_nan_is_said_to_be_wrong(expression: str) -> None:
    case = next(case for case in read_golden() if case.expression == expression and case.variant == "float64")
    session, (y,) = run_case(case)
    assert not checked(session, y, start=weights(y.shape)).passed


@pytest.mark.parametrize(
    "source",
    [
        "x = [1., 1e-3, 3]\ny = sum(x^100)",
        "x = [1., 1e-3, 30]\ny = sum(exp(20*x))",
        "x = [1e-8, 1e-3, 3]\ny = sum(1/x)",
        "x = [0.3, 5]\ny = sum((x + 1e8) - 1e8)",
        "x = [1e8, 2e8]\ny = var(x)",
        "x = 40\ny = sigmoid(x)",
        "x = [1e-30, 1]\ny = sum(x*1e8) - 1e8",
        "x = arange(6)\np = zeros(6)\np[1:3] = x[2:4]^2\np *= x\ny = sum(p)",
        "x = arange(3)\na, b, c = split(x*2, 1)\ny = sum(a*b + c*a)",
        "x = ones(3)\ny = sum(x*randn(3)) + sum(x.detach()*x)",
        "x = [0.5, 3]\ny = sum(where(x > 1, x^2, x))",
        "x = rand(30, 40)\ny = logsumexp(x @ x.T, 1).sum()",
        "x = 0.5\ny = x\nfor i in range(500) { y = sin(y) + x }",
        "y = 3",
    ],
)
def test_no_false_accusation(source: str) -> None:
    report = report_of(source, seed=3)
    assert report.passed, [leaf.worst for leaf in report.leaves]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_coarse_dtypes_are_compared_in_float64(dtype: str) -> None:
    report = report_of("x = [0.5, 1, 2]\nw = 3\ny = sum(tanh(x*w)*exp(-x)) / 3", dtype=dtype)
    assert report.passed
    for leaf in report.leaves:
        assert leaf.dtype == dtype
        assert leaf.worst.uncertainty < 1e-8
    cast = report_of(f"x = [0.5, 1, 2]\ny = sum((sin(x).{'float' if dtype == 'float32' else 'half'}())^2)")
    assert cast.passed


def test_lost_to_rounding_and_overflow() -> None:
    lost = report_of("x = [0.1, 2]\ny = sum((x*1000 + 4096) - (x*999 + 4096)) + sum(exp(x)*0.001)", dtype="float16")
    assert lost.leaves[0].verdict in (PASSED, ROUNDED)
    rounded = report_of("x = 12\ny = log(1 - tanh(x)^2 + 1e-4)*1e4", dtype="float16")
    assert rounded.leaves[0].verdict in (ROUNDED, UNDEFINED)
    assert not rounded.passed
    assert report_of("x = [60000.]\ny = sum(x*x)", dtype="float16").leaves[0].verdict == UNDEFINED


def test_a_custom_function_in_float32_keeps_its_precision() -> None:
    source = "def f(a) { return a^3 } backward(g) { return {factor}*a^2*g }\nx = [1., 2, 3]\ny = sum(f(x))"
    assert report_of(source.replace("{factor}", "3"), dtype="float32").passed
    assert not report_of(source.replace("{factor}", "3.1"), dtype="float32").passed
    narrow = source.replace("a^3 }", "(a^3).float() }")
    assert report_of(narrow.replace("{factor}", "3"), dtype="float32").passed
    assert not report_of(narrow.replace("{factor}", "3.1"), dtype="float32").passed


# ---- wrong gradients fail


def broken(rule: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda *args: change(rule(*args))


CHANGES = {
    "scaled": lambda g: g * 1.001,
    "sign": lambda g: -g,
    "offset": lambda g: g + 0.01,
    "reversed": lambda g: np.flip(g),
    "transposed": lambda g: np.swapaxes(g, -1, -2),
}

OPS = {
    "mul": "x * w",
    "div": "x / w",
    "pow": "w ^ abs(x)",
    "exp": "exp(x)",
    "log": "log(w)",
    "sqrt": "sqrt(w)",
    "sin": "sin(x)",
    "tanh": "tanh(x)",
    "sigmoid": "sigmoid(x)",
    "abs": "abs(x)",
    "maximum": "maximum(x, w)",
    "sum": "sum(x * w, 0)",
    "mean": "mean(x, 0)",
    "var": "var(x, 0)",
    "norm": "norm(x)",
    "amax": "amax(x, 1)",
    "cumsum": "cumsum(x, 1)",
    "cumprod": "cumprod(x, 1)",
    "logsumexp": "logsumexp(x, 1)",
    "softmax": "softmax(x, 1)",
    "log_softmax": "log_softmax(x, 1)",
    "matmul": "x @ w.T",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", OPS)
def test_a_wrong_rule_fails(name: str, change: str) -> None:
    source = (
        "x = [[0.3, -1.2, 0.7], [2.1, 0.4, -0.6], [-1.7, 0.9, 1.3]]\n"
        "w = [[1.1, 0.6, 2.3], [0.2, 1.7, 0.9], [1.4, 3.1, 0.5]]\n"
        f"z = {OPS[name]}\n"
        "y = sum(z * arange(1, z.numel() + 1).reshape(z.shape))"
    )
    session = Session()
    session.tracing = True
    list(session.run(source))
    history = session.history_of(session["y"])
    assert check(history).passed
    # A variant under another of torch's names has the same rules.
    step = next(step for step in history.steps if not step.is_leaf and step.node.op.rules == TABLE[name].rules)
    wrong = step.node.op.renamed(step.grad_name)
    wrong.rules = tuple(rule and broken(rule, CHANGES[change]) for rule in wrong.rules)
    step.node.op = wrong
    assert not check(history).passed


def test_a_wrong_transpose_fails_and_is_told() -> None:
    source = (
        "def f(A) { return A^2 } backward(g) { return (2*A*g).T }\n"
        "A = [[1., 2, 5], [3, 4, 0], [7, 1, 1]]\ny = sum(f(A))"
    )
    leaf = report_of(source).leaves[0]
    assert leaf.verdict == FAILED
    assert leaf.finding.kind == "transposed"


@pytest.mark.parametrize(
    ("clause", "kind", "factor"),
    [
        ("6*a^2*g", "factor", 2.0),
        ("-3*a^2*g", "sign", -1.0),
        ("0*a*g", "zero", None),
        ("(3*a^2*g).flip(0)", "reversed", None),
        ("2*a*g", None, None),
    ],
)
def test_what_is_wrong_with_a_backward_clause(clause: str, kind: str | None, factor: float | None) -> None:
    leaf = report_of(
        f"def f(a) {{ return a^3 }} backward(g) {{ return {clause} }}\nx = [1, 2, 3]\ny = sum(f(x))"
    ).leaves[0]
    assert leaf.verdict == FAILED
    assert (leaf.finding and leaf.finding.kind) == kind
    if factor is not None:
        assert leaf.finding.factor == factor


def test_one_wrong_element_of_a_large_leaf_is_found() -> None:
    source = (
        "def f(a) { return a^3 } backward(g) { h = 3*a^2\n h[13, 27] = {value}\n return h*g }\n"
        "x = rand(50, 60) + 1\ny = sum(f(x))"
    )
    leaf = report_of(source.replace("{value}", "0"), seed=1).leaves[0]
    assert leaf.verdict == FAILED
    assert leaf.worst.index == (13, 27)
    assert leaf.compared < 20
    assert leaf.directions
    right = report_of(source.replace("h[13, 27] = {value}", ""), seed=1).leaves[0]
    assert right.passed


def test_kinks_of_a_large_leaf_dont_fail_it() -> None:
    source = "x = round(randn(20, 20)).detach().requires_grad_()\ny = sum(randn(20, 20) * relu(x))"
    for seed in range(3):
        leaf = report_of(source, tracking="explicit", seed=seed).leaves[0]
        assert leaf.passed
        assert KINK in leaf.remarks


# ---- what isn't smooth


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("x = zeros(3)\ny = sum(relu(x))", KINK),
        ("x = zeros(3)\ny = sum(abs(x))", KINK),
        ("x = ones(3)\ny = max(x)", KINK),
        ("x = zeros(3)\ny = norm(x)", KINK),
        ("x = 1.\ny = clamp(x, 0, 1)", KINK),
        ("x = 2.\ny = floor(x)*x", JUMP),
        ("x = 0.5\ny = round(x)", JUMP),
        ("x = 0.\ny = sqrt(x)", STEEP),
        ("x = 0.\ny = x^1.5", EDGE),
        ("x = -1.\ny = log(x)", UNDEFINED),
        ("x = 2.3\ny = floor(x)*x", PASSED),
    ],
)
def test_what_is_said_where_there_is_no_slope(source: str, verdict: str) -> None:
    report = report_of(source)
    assert report.leaves[0].verdict == verdict
    assert report.passed == (verdict != UNDEFINED)


@pytest.mark.parametrize("slope", ["2", "-1"])
def test_a_gradient_outside_of_a_kinks_slopes_fails(slope: str) -> None:
    source = f"def f(a) {{ return relu(a) }} backward(g) {{ return {slope}*g }}\nx = zeros(2)\ny = sum(f(x))"
    leaf = report_of(source).leaves[0]
    assert leaf.verdict == FAILED
    assert (leaf.worst.left, leaf.worst.right) == (0, 1)
    assert report_of(source.replace(f"{slope}*g", "0.5*g")).leaves[0].verdict == KINK


def test_leaves_that_dont_matter() -> None:
    report = report_of("x = 2\nz = [3., 4]\ny = x*2 + 0*sum(z)")
    unused = {leaf.name: leaf.unused for leaf in report.leaves}
    assert unused == {"x": False, "z": True}
    assert report.passed


def test_no_elements() -> None:
    report = report_of("x = zeros(0)\nz = 2\ny = sum(x) + z")
    assert report.passed
    assert next(leaf for leaf in report.leaves if leaf.name == "x").worst is None


def test_a_body_that_draws_random_numbers_is_recognised() -> None:
    source = "def f(a) { return a*rand(3) } backward(g) { return g }\nx = [1., 2, 3]\ny = sum(f(x))"
    report = report_of(source, seed=1)
    assert report.unrepeatable is not None
    assert not report.passed


def test_the_same_report_every_time() -> None:
    source = "x = rand(300)\ny = sum(sin(x)*x)"
    assert [leaf.comparisons for leaf in report_of(source, seed=1).leaves] == [
        leaf.comparisons for leaf in report_of(source, seed=1).leaves
    ]


def test_gradients_and_values_stay_as_they_were() -> None:
    session = Session()
    session.tracing = True
    list(session.run("x = arange(4)\ny = 2*dot(x, x)\nbackward y"))
    before = session["x"].array.copy(), session["x"].grad.array.copy()
    assert checked(session, session["y"]).passed
    np.testing.assert_array_equal(session["x"].array, before[0])
    np.testing.assert_array_equal(session["x"].grad.array, before[1])


# ---- results of several numbers


def test_a_vector_needs_a_start() -> None:
    with pytest.raises(AutogradFailure, match="one number"):
        report_of("x = arange(4)\ny = x^2")
    with pytest.raises(ShapeFailure):
        report_of("x = arange(4)\ny = x^2", start=np.ones(3))
    report = report_of("x = arange(4)\ny = x^2", {"x": np.array([0, 2, 0, 18.0])}, np.array([1.0, 1, 0, 3]))
    assert report.passed


# ---- claims

X = np.arange(12.0).reshape(4, 3) - 5
W = np.array([0.5, -1, 2])
R = X @ W - np.array([1.0, 2, 0, -1])
LOSS = (
    "X = (arange(12).reshape(4, 3) - 5).detach()\nw = [0.5, -1, 2]\nt = tensor([1., 2, 0, -1]).detach()\n"
    "r = X @ w - t\ny = {y}"
)
G = X.T @ R / 2


@pytest.mark.parametrize("claim", [G, G * (1 + 1e-9), tensor(G), G.tolist()])
def test_right_claims_pass(claim: Any) -> None:
    report = report_of(LOSS.replace("{y}", "mean(r^2)"), {"w": claim})
    assert report.passed
    assert report.claims[0].finding is None


@pytest.mark.parametrize(
    ("claim", "kind", "facts"),
    [
        (2.0 * X.T @ R, "missing 1/n", {"count": 4, "factor": 4.0}),
        (X.T @ R / 8, "extra 1/n", {"count": 4}),
        (2 * G, "factor", {"factor": 2.0}),
        (G / 3.3, None, {}),
        (-G, "sign", {}),
        (-2 * G, "factor", {"factor": -2.0}),
        (G[::-1], "reversed", {"axis": 0}),
        (G[[1, 0, 2]], "order", {}),
        (G * [1, -1, 1], "signs", {}),
        (G + 1, "offset", {"offset": 1.0}),
        (G * [1, 1.1, 1], "element", {"index": (1,)}),
        (0 * G, "zero", {}),
        (G * [1, np.nan, 1], "nonfinite", {"index": (1,)}),
        (G[:, None], "shape", {"relation": "reshape"}),
        (X * R[:, None] / 2, "shape", {"relation": "sum", "axes": (0,)}),
        (np.ones(5), "shape", {"relation": None}),
        (2 * G * [1, 1, 1.2], None, {}),
        (2 * G + 1, None, {}),
    ],
)
def test_what_is_wrong_with_a_claim(claim: np.ndarray, kind: str | None, facts: dict[str, Any]) -> None:
    report = report_of(LOSS.replace("{y}", "mean(r^2)"), {"w": claim})
    assert not report.passed
    assert all(leaf.passed for leaf in report.leaves)
    finding = report.claims[0].finding
    if kind is None and finding is not None:
        assert finding.kind == "factor", "a factor that isn't plain is still the same in every element"
        return
    assert (finding and finding.kind) == kind
    for fact, value in facts.items():
        assert (
            getattr(finding, fact) == pytest.approx(value)
            if isinstance(value, float)
            else getattr(finding, fact) == value
        )


def test_a_missing_two_over_n() -> None:
    source = "x = [1., 2, 3, 5, 7, 11]\ny = mean(x^2)"
    report = report_of(source, {"x": np.array([1.0, 2, 3, 5, 7, 11])})
    assert report.claims[0].finding.kind == "missing 2/n"
    assert report.claims[0].finding.count == 6


@pytest.mark.parametrize(
    ("y", "claim", "kind", "term"),
    [
        ("sum(exp(x)) + sum(x^3)", lambda x: np.exp(x), "missing path", "x^3"),
        ("sum(exp(x)) + sum(x^3)", lambda x: np.exp(x) + 6 * x**2, "double path", "x^3"),
        ("sum(sin(x^2))", lambda x: np.cos(x**2), "missing factor", "x^2"),
        ("sum(sin(x^2)*x)", lambda x: np.cos(x**2) * 2 * x * x, "missing path", "sin(x^2)*x"),
        ("dot(x, x)", lambda x: x, "factor", None),
        ("sum(x)*3", lambda x: 2 + 0 * x, None, None),
        ("sum(x/3)", lambda x: 0.333 + 0 * x, "digits", None),
        ("sum(sin(x^2))", lambda x: np.sin(x), None, None),
    ],
)
def test_terms_and_factors_of_the_actual_graph(y: str, claim: Any, kind: str | None, term: str | None) -> None:
    x = np.array([1.0, 2, 3, 5])
    finding = report_of(f"x = [1., 2, 3, 5]\ny = {y}", {"x": claim(x)}).claims[0].finding
    assert (finding and finding.kind) == kind
    assert (finding and finding.term) == term


def test_matrices_and_rows() -> None:
    source = "A = [[1., 2, 0], [3, 5, 1], [7, 1, 1]]\ny = sum(A @ A @ A)"
    session = Session()
    session.tracing = True
    list(session.run(source + "\ny.backward()"))
    gradient = session["A"].grad.array
    row = gradient.copy()
    row[1] = 7
    for claim, kind in ((gradient, None), (gradient.T, "transposed"), (gradient[:, ::-1], "reversed"), (row, "slice")):
        report = checked(session, session["y"], {"A": claim})
        assert report.passed == (kind is None)
        assert (report.claims[0].finding and report.claims[0].finding.kind) == kind
    wide = report_of("A = [[1., 2, 0], [3, 5, 1]]\ny = sum(A^3)", {"A": 3 * np.array([[1.0, 2, 0], [3, 5, 1]]).T ** 2})
    assert wide.claims[0].finding.relation == "transpose"


def test_ambiguous_mistakes_stay_numbers() -> None:
    # Minus [1, -1] is also its reverse.
    report = report_of("x = [2., 3]\ny = x[0] - x[1]", {"x": np.array([-1.0, 1])})
    assert report.claims[0].finding is None
    # A ratio of two numbers that isn't plain says nothing.
    assert report_of("x = 3\ny = x^2", {"x": 7}).claims[0].finding is None
    assert report_of("x = 3\ny = x^2", {"x": 3}).claims[0].finding.factor == pytest.approx(0.5)


def test_one_number_for_all_elements() -> None:
    source = "x = [1., 2, 3, 5]\ny = sum(x)/4"
    assert report_of(source, {"x": 0.25}).passed
    assert report_of(source, {"x": 1}).claims[0].finding.kind == "missing 1/n"


def test_any_slope_of_a_kink_is_right() -> None:
    source = "x = zeros(3)\ny = sum(abs(x))"
    assert report_of(source, {"x": np.array([-1, 0.3, 1])}).passed
    assert not report_of(source, {"x": np.array([-1, 0.3, 1.1])}).passed


def test_where_autograd_is_wrong_the_differences_decide() -> None:
    source = "def f(a) { return a^3 } backward(g) { return 2*a*g }\nx = [1., 2, 3]\ny = sum(f(x))"
    report = report_of(source, {"x": 3 * np.array([1.0, 4, 9])})
    assert not report.passed
    assert report.claims[0].passed
    assert report.claims[0].against == "differences"
    assert not report_of(source, {"x": 2 * np.array([1.0, 2, 3])}).claims[0].passed


def test_several_claims() -> None:
    report = report_of("x = [1., 2]\nw = 3\ny = sum(x)*w", {"x": [3, 3], "w": 4})
    assert [claim.passed for claim in report.claims] == [True, False]


@pytest.mark.parametrize(
    ("name", "message", "help"),
    [("xx", "no leaf", "did you mean `x`"), ("h", "computed", "`x`"), ("zzz", "no leaf", "its leaves are `x`")],
)
def test_a_claim_about_no_leaf(name: str, message: str, help: str) -> None:
    with pytest.raises(NameFailure, match=message) as caught:
        report_of("x = [1., 2]\nh = x^2\ny = sum(h)", {name: 1})
    assert help in caught.value.help
    assert isinstance(caught.value, GradcliError)


def test_claims_allow_what_rounding_makes_of_zero() -> None:
    assert report_of("x = [1., 2, 3]\ny = sum(softmax(x, 0))", {"x": 0}).passed
    assert report_of("x = [1., 2, 3]\ny = sum(softmax(x, 0))*1e6", {"x": [0, 0, 1e-3]}).passed is False
