"""The first inf, nan, or gradient of either, told with its operation, its operands, its branch and the usual remedy."""

from __future__ import annotations

import re

import pytest

from gradcli import GradcliError, Session
from gradcli.engine import nonfinite
from gradcli.events import Warned


def warnings_of(script: str, nan: str = "warn") -> list[Warned]:
    session = Session()
    session.nan = nan
    found: list[Warned] = []
    session.execute(script, "t.gr", lambda event: found.append(event) if type(event) is Warned else None)
    return found


def place(warning: Warned, script: str) -> str:
    span = warning.span
    return script.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1]


LOG = "`log(x + 1e-12)`"
SOFTMAX = "`softmax(x, 0)`"

VALUES = {
    "y = log([0, 1])": ("log(0) is -inf, at [0]", "log([0, 1])", LOG),
    "y = log([1, -1])": ("log(-1) is nan, at [1]", "log([1, -1])", "log is defined above 0"),
    "x = 0; y = x/x": ("div(0, 0) is nan", "x/x", "keep 0 out of the denominator"),
    "y = [0, 1] / [2, 0]": ("div(1, 0) is inf, at [1]", "[0, 1] / [2, 0]", "keep 0 out of the denominator"),
    "x = tensor(inf); y = x / x": ("div(inf, inf) is nan", "x / x", SOFTMAX),
    "x = 1000; y = 2 + exp(x)": ("exp(1000) is inf", "exp(x)", "`logsumexp`"),
    "x = tensor([99.0], dtype=float32); exp(x)": ("exp(99) is inf, at [0]", "exp(x)", "88 in float32"),
    "a = tensor(inf); y = a - a": ("sub(inf, inf) is nan", "a - a", "`logsumexp`"),
    "y = tensor(inf) * [1, 0]": ("mul(inf, 0) is nan, at [1]", "tensor(inf) * [1, 0]", "0 * inf is nan"),
    "y = std([3])": ("std of (1,) gives nan", "std([3])", "`correction=0`"),
    "y = mean(zeros(0))": ("mean of (0,) gives nan", "mean(zeros(0))", "nothing has no mean"),
    "x = 0; y = x^-1": ("pow(0, -1) is inf", "x^-1", "`(x + 1e-12)^p`"),
    "x = -8; y = x^0.5": ("pow(-8, 0.5) is nan", "x^0.5", "whole powers only"),
    "x = 1e200; y = x^2": ("pow(1e+200, 2) is inf", "x^2", "scale them"),
    "x = tensor([1e38], dtype=float32); x*x": ("mul(1e+38, 1e+38) is inf, at [0]", "x*x", "scale them"),
    "x = [1e308, 1e308]; y = x.sum()": ("sum of (2,) gives inf", "x.sum()", "scale them"),
    "x = [1e308, 1e308]; y = x @ x": ("matmul of (2,) and (2,) gives inf", "x @ x", "scale them"),
    "y = sqrt([4, -1])": ("sqrt(-1) is nan, at [1]", "sqrt([4, -1])", "sqrt is defined from 0 on"),
    "y = asin([2])": ("asin(2) is nan, at [0]", "asin([2])", "`clamp(x, -1, 1)`"),
    "x = [0, 2]; x.log_()": ("log(0) is -inf, at [0]", "x.log_()", LOG),
    "y = log(softmax([0, 800], 0))": ("log(0) is -inf, at [0]", "log(softmax([0, 800], 0))", "`log_softmax`"),
    "m = [-inf, 0, 1]; y = m + log([1, 1, 0])": ("log(0) is -inf, at [2]", "log([1, 1, 0])", LOG),
    "m = [-inf, 0]; y = m / [1, 0]": ("div(0, 0) is nan, at [1]", "m / [1, 0]", ""),
    "m = [nan, 1]; y = m / [1, 0]": ("div(1, 0) is inf, at [1]", "m / [1, 0]", "keep 0 out"),
    "y = [1, 0] / [0, 0]": ("div(0, 0) is nan, at [1]", "[1, 0] / [0, 0]", "keep 0 out"),
}


@pytest.mark.parametrize("script", VALUES)
def test_the_first_operation_that_gives_no_finite_value(script: str) -> None:
    message, text, cure = VALUES[script]
    first = warnings_of(script)[0]
    assert first.message == message
    assert place(first, script) == text
    assert cure in first.help


GRADIENTS = {
    "x = [0, 4]\ny = sqrt(x).sum()\nbackward y": ("inf, at [0]: computed in the backward of sqrt at line 2", "norm(x)"),
    "x = 0\ny = x^0.5\nbackward y": ("inf: computed in the backward of pow at `y` (line 2)", "(x + 1e-12)^p"),
    "x = 1\ny = asin(x)\nbackward y": ("inf: computed in the backward of asin at `y` (line 2)", "1 - 1e-12"),
    "x = [0, 0]\nn = (x^2).sum()\ny = sqrt(n)\nbackward y": (
        "inf: computed in the backward of sqrt at `y` (line 3)",
        "norm(x)",
    ),
    "x = [0, 4]\ny = where(x > 0, sqrt(x), x).sum()\nbackward y": (
        "nan, at [0]: 0 * inf in the backward of sqrt at line 2, in the branch that `where` at line 2 did not select",
        "choose the argument too",
    ),
    "x = [0, 2]\nq = sin(x)/x\ny = where(x == 0, 1, q)\nbackward y.sum()": (
        "nan, at [0]: 0 * inf in the backward of div at `q` (line 2), "
        "in the branch that `where` at `y` (line 3) did not select",
        "choose the argument too",
    ),
    "x = 800\ny = log(1 + exp(x))\nbackward y": ("nan: 0 * inf in the backward of exp at line 2", "softplus"),
    "p = [1, 0]\ny = -([1, 0] * log(p)).sum()\nbackward y": (
        "nan, at [1]: 0 * inf in the backward of log at line 2",
        "log_softmax",
    ),
    "x = 1e200\ny = x^3 * 1e-300\nbackward y": ("inf: computed in the backward of pow at line 2", "scale them"),
    "f(x) = log(x)\nx = 0\ngrad(f)(x)": ("inf: computed in the backward of log at line 1", "log(x + 1e-12)"),
    "def f(x) { return x } backward(g) { return g / 0 * tensor(1) }\nx = 3\nbackward f(x)": (
        "inf: computed in the backward of f at line 3",
        "",
    ),
}


@pytest.mark.parametrize("script", GRADIENTS)
def test_the_first_rule_that_gives_no_finite_gradient(script: str) -> None:
    message, cure = GRADIENTS[script]
    found = [one for one in warnings_of(script) if one.message.startswith("a gradient")]
    assert [one.message for one in found] == [f"a gradient became {message}"]
    assert cure in found[0].help


FINE = [
    "x = [0, 0]; y = norm(x); backward y",
    "x = [0, 4]; y = where(x > 0, sqrt(where(x > 0, x, 1)), x).sum(); backward y",
    "x = [1, 2]; y = logsumexp(x * 1e5, 0); backward y",
    "x = 800; y = softplus(x); backward y",
    "x = [0, 800]; y = log_softmax(x, 0).sum(); backward y",
    "m = zeros(2).masked_fill([true, false], -inf); x = [1, 2]; y = softmax(m + x, 0)[1]; backward y",
    "x = [inf, -inf, nan]; y = x * 2; y.sum()",
    "x = -1000; y = exp(x); backward y",
    "x = [0, 1]; y = exp(x) * 1e-320; backward y.sum()",
    "x = [0, 3]; y = (x == 0).sum() / 1",
]


@pytest.mark.parametrize("script", FINE)
def test_no_alarm_where_nothing_new_is_infinite(script: str) -> None:
    assert warnings_of(script) == []
    assert warnings_of(script, "error") == []


def test_each_kind_is_told_once() -> None:
    script = "x = 0\nfor i in range(5) { y = log(x) - log(x); z = sqrt(x); z.backward(); x.grad = none }"
    assert [one.message.split(" at ")[0] for one in warnings_of(script)] == [
        "log(0) is -inf",
        "sub(-inf, -inf) is nan",
        "a gradient became inf: computed in the backward of sqrt",
    ]
    assert warnings_of(script, "ignore") == []


def test_an_error_stops_and_leaves_gradients_as_they_were() -> None:
    session = Session()
    session.nan = "error"
    seen = list(session.run("x = [1, 4]; w = 2; backward (x * w).sum()"))
    assert len(seen) == 2
    with pytest.raises(GradcliError) as failure:
        list(session.run("y = (w * sqrt(x - 1)).sum()\nbackward y"))
    assert failure.value.message == "a gradient became inf, at [0]: computed in the backward of sqrt at line 1"
    assert (failure.value.span.line, session["w"].grad.item(), session["x"].grad.tolist()) == (2, 5, [2, 2])
    with pytest.raises(GradcliError, match=r"log\(0\) is -inf"):
        list(session.run("z = log(x - 1)"))
    assert "z" not in session


def test_what_a_graph_is_drawn_from_is_kept_through_a_warning() -> None:
    session = Session()
    session.tracing = True
    list(session.run("x = 0; y = exp(log(x)) + 1"))
    assert session.history_of(session["y"]).result.value == 1


def test_cures_name_what_exists() -> None:
    """A remedy that the vocabulary doesn't have is none."""
    texts = [*nonfinite._POLES.values(), *nonfinite._DOMAINS.values(), nonfinite._DIVISION, nonfinite._DOUBLE_WHERE]
    written = [code for text in texts for code in re.findall("`(.*?)`", text)]
    assert len(written) > 20
    session = Session()
    list(session.run("const x = [0.5, 0.5]; c = x > 1; y = x; p = 2; a = x; b = x; n = 2; f = u -> u"))
    for code in written:
        list(session.run(f"std(x, {code})" if code.startswith("correction") else code))
