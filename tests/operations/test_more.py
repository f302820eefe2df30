"""The cases of cases_more.py against PyTorch's results, as test_golden.py does it."""

from __future__ import annotations

import numpy as np
import pytest

from gradcli import Session, tensor
from gradcli.engine import grad
from gradcli.engine.special import polygamma, sinc
from gradcli.library.vocabulary import FUNCTIONS
from tests.operations.cases_more import CASES, GOLDEN_FILE
from tests.operations.golden import check_derivatives, explained_test, golden_tests
from tests.operations.inputs import read_golden

DEPARTURES: dict[str, str] = {
    "aminmax(nonfinite)": "torch divides 0 by 0 where the extreme is nan; here the nan has the gradient, as in amax",
    "special.log_ndtr(-1e4 * p)": "torch's slope has six digits; it's compared with the asymptote below",
    "special.log_ndtr(nonfinite)": "at -inf the slope is inf; torch's is nan",
    "as_strided_scatter(v, w[:2], (2,), (2,))": "torch gives the input the gradient of what was overwritten",
    "as_strided(v, (2, 2), (1, 2)) [strided]": "there's another array's memory between the elements, which torch reads",
    "as_strided(v, (3,), (1,)) [strided]": "as above",
    "as_strided(v, (2, 3), (1, 1)) [strided]": "as above",
    "x.put(index, y[:, :2]) [strided]": "two elements go to one place, and torch takes them in the order of memory",
} | {
    f"{expression} [float32]": "the difference of two large numbers: in float32 there's noise in torch and here"
    for expression in ("special.erfcx(10 * p)", "special.i0e(100 * x)", "special.i1e(100 * x)")
} | {
    f"{expression} [float32]": "torch cancels, and has five digits or fewer in float32; the case in float64 is compared"
    for expression in ("sinc(1e-3 * x)", "special.log_ndtr(20 * x)",
                       "logcumsumexp(1000 * x, 1)")
}  # fmt: skip
"""Not compared at all: an expression, or one variant of it."""

SECOND_ORDER: dict[str, str] = {
    "sinc(kinks)": "at 0 torch's is nan; it is -pi^2/3",
    "sinc(1e-300 * x)": "as above",
    "sinc(zeros4)": "as above",
    "sinc(nonfinite)": "as above",
    "copysign(kinks, kinks.flip(0))": "at 0 torch divides 0 by 0; here the subgradient 0 is constant",
    "copysign(kinks, -0.0)": "as above",
    "copysign(nonfinite, -1)": "as above",
    "renorm(gap * 0, 2, 0, 1)": "torch's is nan where all elements are 0; the function is the identity there",
    "logaddexp2(100 * x, 100 * y)": "noise of 1e-27 in the place of 0",
    "logcumsumexp(1000 * x, 1)": "torch cancels, and leaves 1e-7 in the place of 0",
}
"""Compared in value and first derivative only."""

SEVEN_DIGITS: dict[str, str] = {
    "sinc(1e-3 * x)": "torch cancels near 0",
    "special.log_ndtr(20 * x)": "torch cancels far out",
} | {
    case: "torch's polygamma(1, x) has nine digits"
    for name in ("lgamma", "digamma", "polygamma", "mvlgamma", "in place")
    for case in CASES[name]
    if name != "in place" or "gamma" in case
}
"""Compared to that, because torch is no better."""

NAMES_DIFFER: dict[str, str] = {
    'scatter(x, 1, index, y, reduce="add")': "torch has no derivative of it; here it's scatter_reduce",
    'scatter(x, 1, index, 2.5, reduce="multiply")': "as above",
    "(p * 1).polygamma_(1)": "torch has a class of its own for it in place",
}
"""Whose grad_fn is called otherwise."""

GOLDEN = read_golden(GOLDEN_FILE)


test_value_and_gradients, test_grad_fn_has_pytorch_name, test_what_pytorch_refuses_is_refused = golden_tests(
    GOLDEN, DEPARTURES, SECOND_ORDER, NAMES_DIFFER, SEVEN_DIGITS
)


test_every_function_is_explained = explained_test(GOLDEN, floating="ignore")


def test_far_out_log_ndtr_is_its_asymptote() -> None:
    """log_ndtr(-x) falls like -x^2/2 - log(x sqrt(2 pi)), with slope -(x + 1/x - 2/x^3) and curvature -1 + 1/x^2."""
    session = Session(tracking="explicit")
    list(session.run("x = tensor([50.0, 1e3, 1e4], requires_grad=true)\n(g,) = grad(special.log_ndtr(-x).sum(), [x], "
                     "create_graph=true)\n(h,) = grad(g.sum(), [x])"))  # fmt: skip
    x = session["x"].array
    np.testing.assert_allclose(session["g"].array, -(x + 1 / x - 2 / x**3), rtol=1e-7)
    np.testing.assert_allclose(session["h"].array, -1 + 1 / x**2, rtol=1e-5)


def test_polygamma_is_right_to_the_last_digits() -> None:
    assert abs(polygamma(tensor(2.0), 1).array - (np.pi**2 / 6 - 1)) < 1e-15


def test_the_slope_of_sinc_is_right_near_zero_where_the_difference_of_two_terms_is_not() -> None:
    x = tensor([1e-300, 1e-9, 1e-5, 1e-2, 0.6366, 1e4 + 0.5], requires_grad=True)
    (g,) = grad([sinc(x)], [x], [tensor(np.ones(6))], create_graph=True)
    z = np.pi * x.array
    near = np.pi * (-z / 3 + z**3 / 30 - z**5 / 840 + z**7 / 45360)
    np.testing.assert_allclose(g.array[:4], near[:4], rtol=1e-14)
    far = z[4:]
    np.testing.assert_allclose(g.array[4:], np.pi * (np.cos(far) / far - np.sin(far) / far**2), rtol=1e-11)
    (h,) = grad([g], [x], [tensor(np.ones(6))])
    np.testing.assert_allclose(h.array[:3], -(np.pi**2) / 3, rtol=1e-8)


@pytest.mark.parametrize(
    "function",
    [
        "x -> cumprod(x, 0)", "x -> cumprod(x.reshape(2, 3), 1)", "x -> logcumsumexp(x, 0)", "x -> x.unfold(0, 3, 2)",
        'x -> scatter_reduce(x, 0, tensor([1, 1, 3], dtype=int64), x[3:], "mean")',
        'x -> scatter_reduce(x + 1, 0, tensor([1, 1, 3], dtype=int64), x[:3], "prod")',
        "x -> index_add(x * x, 0, tensor([1, 1], dtype=int64), x[:2], alpha=3)", "x -> quantile(x, 0.3)",
        "x -> diagonal_scatter(x.reshape(2, 3) * x[0], x[:2] * x[1])", "x -> special.log_ndtr(x) + special.ndtr(x)",
        "x -> sinc(x) + i0(x) * special.i1(x) + special.erfcx(x)", "x -> as_strided(x * x, (3, 2), (1, 2))",
        "x -> gradient(x * x, spacing=0.5, edge_order=2)[0]", "x -> renorm(x.reshape(2, 3), 2, 0, 1)",
    ],
)  # fmt: skip
def test_first_and_second_derivatives_are_those_of_central_differences(function: str) -> None:
    check_derivatives(function)


def test_a_long_row_of_products_with_zeros_takes_no_longer_than_its_length() -> None:
    """A million places: by a product for each zero it would be hours, by a recursion without pairs too deep."""
    values = np.where(np.arange(10**6) % 1000 == 7, 0, 1.0)
    x = tensor(values, requires_grad=True)
    (g,) = grad([FUNCTIONS["cumprod"](x, 0)], [x], [tensor(np.ones(10**6))])
    assert g.array[0] == 7
    assert g.array[7] == 1000
    assert not g.array[8:].any()
