"""Norms and deviations of numbers whose powers leave the range of floats: right in value, slope and curvature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli import Session
from gradcli.engine import grad, tensor
from gradcli.engine import reductions as r

POINT = np.array([[3.0, -4.0, 0.0], [0.0, 0.0, 0.0], [1.0, 2.0, -2.0]])
SCALES = {"float64": (1e-300, 1e-160, 1e160, 1e200), "float32": (1e-36, 1e-22, 1e22, 1e30)}
FAR = [(dtype, scale) for dtype in SCALES for scale in SCALES[dtype]]
ORDERS = (2, 3, 1.5, 0.5, -1, -3, 7)


def results(scale: float, dtype: str, function: Any) -> list[np.ndarray]:
    """The value over the scale, the slope, and the curvature times it: what they are at the scale 1."""
    x = tensor(POINT.astype(dtype) * np.asarray(scale, dtype), dtype=dtype, requires_grad=True)
    with np.errstate(all="ignore"):
        y = function(x)
        (g,) = grad([np.sum(y)], [x], create_graph=True)
        (h,) = grad([np.sum(g * np.arange(1.0, 10.0, dtype=dtype).reshape(3, 3))], [x])
        return [y.array / np.asarray(scale, dtype), g.array, h.array * np.asarray(scale, dtype)]


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("p", ORDERS)
@pytest.mark.parametrize(("dtype", "scale"), FAR)
def test_a_norm_far_out_is_that_near_by(p: float, axis: Any, keepdims: bool, dtype: str, scale: float) -> None:
    far = results(scale, dtype, lambda x: r.norm(x, p, axis, keepdims))
    near = results(1.0, dtype, lambda x: r.norm(x, p, axis, keepdims))
    for one, other in zip(far, near, strict=True):
        assert one.dtype == dtype
        np.testing.assert_allclose(one, other, rtol=1e-12 if dtype == "float64" else 2e-4, atol=1e-5)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("dtype", "scale"), FAR)
def test_a_deviation_far_out_is_that_near_by(axis: Any, keepdims: bool, dtype: str, scale: float) -> None:
    far = results(scale, dtype, lambda x: r.std(x, axis, 1, keepdims))
    near = results(1.0, dtype, lambda x: r.std(x, axis, 1, keepdims))
    for one, other in zip(far, near, strict=True):
        assert one.dtype == dtype
        np.testing.assert_allclose(one, other, rtol=1e-12 if dtype == "float64" else 2e-4, atol=1e-5)


def test_one_result_among_others_is_found_anew_and_the_others_stay_what_they_are() -> None:
    rows = np.array([[3e-300, -4e-300], [1.5, 0.7], [0, 0], [3e200, 4e200], [np.inf, 1], [np.nan, 1], [1e-30, 1e30]])
    with np.errstate(all="ignore"):
        plain = np.sqrt(np.sum(rows * rows, axis=1))
        found = r.norm(tensor(rows), 2, 1, False).array
    np.testing.assert_allclose(found, [5e-300, plain[1], 0, 5e200, np.inf, np.nan, 1e30], rtol=1e-15)
    assert found[1] == plain[1]


@pytest.mark.parametrize(
    "function",
    [
        "norm(x)", "linalg.norm(x)", "linalg.vector_norm(x)", "linalg.matrix_norm(x.reshape(1, 2))", "dist(x, 0 * x)",
        "cdist(x.reshape(1, 2), zeros(1, 2))[0, 0]", "hypot(x[0], x[1])",
    ],
)  # fmt: skip
@pytest.mark.parametrize("scale", [1e-300, 1e200])
def test_whatever_is_built_on_norm_is_right_far_out(function: str, scale: float) -> None:
    session = Session(tracking="explicit")
    session["x"] = tensor([3 * scale, -4 * scale], requires_grad=True)
    list(session.run(f"y = {function}\nbackward y"))
    assert session["y"].item() == pytest.approx(5 * scale, rel=1e-14)
    assert session["x"].grad.array == pytest.approx([0.6, -0.8], rel=1e-14)


def test_of_nothing_they_are_what_they_were() -> None:
    for shape, axis, expected in (((0,), None, 0.0), ((3, 0), 1, np.zeros(3)), ((0, 3), 1, np.zeros(0))):
        x = tensor(np.zeros(shape), requires_grad=True)
        y = r.norm(x, 2, axis, False)
        np.testing.assert_array_equal(y.array, expected)
        (g,) = grad([np.sum(y)], [x])
        assert g.shape == shape


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "call", ["std(x)", "var(x)", "std(x, 0)", "std_mean(x)[0]", "var_mean(x)[0]", "std(z, 0).sum()", "var(z, 1).sum()"]
)
def test_the_slope_of_the_spread_of_nothing_is_empty_without_a_word(
    call: str, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(tracking="explicit")
    source = f"x = zeros(0, requires_grad=true)\nz = zeros(0, 3, requires_grad=true)\n({call}).backward()"
    list(session.run(source))
    name = "z" if "z" in call else "x"
    assert session[name].grad.shape == session[name].shape
    assert capsys.readouterr().err == ""
