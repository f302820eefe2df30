"""torch.fft: every golden case of fourier.json, the sum of cosines that it is, and its derivatives of every order."""

from __future__ import annotations

import numpy as np
import pytest

from gradcli import tensor
from gradcli.engine import fourier, grad, jacobians
from gradcli.engine.batching import NotBatchable
from gradcli.errors import LimitFailure
from gradcli.library.vocabulary import FUNCTIONS
from tests.operations.golden import check_derivatives, explained_test, golden_tests
from tests.operations.inputs import GOLDEN_FILE, read_golden

GOLDEN = read_golden(GOLDEN_FILE.with_name("fourier.json"))


test_value_and_gradients, test_grad_fn_has_pytorch_name, test_what_pytorch_refuses_is_refused = golden_tests(GOLDEN)
test_every_function_is_explained_and_the_gradients_are_those_of_backward = explained_test(
    case for case in GOLDEN if "nonfinite" not in case.inputs
)


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("n", [1, 2, 5, 6, 9])
def test_it_is_the_sum_of_cosines_that_the_engine_says(n: int, norm: str) -> None:
    x = np.array([0.3, -1.2, 2.7, 0.4])
    j = np.arange(min(n // 2 + 1, 4))
    c = np.where((j == 0) | (2 * j == n), 1, 2)
    out = np.cos(2 * np.pi * np.outer(np.arange(n), j) / n) @ (c * x[: j.size])
    divisor = {"backward": n, "ortho": np.sqrt(n), "forward": 1}[norm]
    np.testing.assert_allclose(FUNCTIONS["fft.irfft"](x, n, norm=norm).array, out / divisor, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(
        FUNCTIONS["fft.hfft"](x, n, norm=norm).array, out / (n / divisor), rtol=1e-13, atol=1e-14
    )


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("s", [(2, 3, 4), (3, 2, 6), (1, 4, 1), (2, 5, 7), (4, 1, 2)])
def test_the_two_operations_are_each_others_adjoint(s: tuple[int, ...], norm: str) -> None:
    """(irfftn x) . y = x . (cosine_sums y)."""
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(2, 3, 4)), draw.normal(size=s)
    back = fourier.cosine_sums(y, x.shape, (0, 1, 2), fourier.OPPOSITE[norm])
    np.testing.assert_allclose(np.vdot(fourier.irfftn(x, s, (0, 1, 2), norm), y), np.vdot(x, back), rtol=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        "x -> fft.irfft(x * x, 7)", "x -> fft.hfft(sin(x), 3)", "x -> fft.irfft2((x ^ 3).reshape(2, 3), (3, 6))",
        'x -> fft.hfftn(exp(x).reshape(3, 2), (2, 5), (1, 0), "ortho")', "x -> fft.irfftn(x * x, norm=\"forward\") ^ 2",
    ],
)  # fmt: skip
def test_first_and_second_derivatives_are_those_of_central_differences(function: str) -> None:
    check_derivatives(function)


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name.startswith("fft.") and "shift" not in name])
def test_all_rows_of_a_jacobian_and_of_a_hessian_go_back_in_one_pass(
    function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = tensor(np.arange(12.0).reshape(3, 4), requires_grad=True)
    y = FUNCTIONS[function](x * x)
    slow = jacobians._one_by_one(y, [x], np.eye(18).reshape(18, *y.shape), False)[0].array.reshape(3, 6, 3, 4)
    monkeypatch.setattr(jacobians, "_one_by_one", lambda *_: pytest.fail("one row at a time"))
    np.testing.assert_allclose(jacobians.jacobian(y, [x])[0].array, slow, rtol=1e-12, atol=1e-12)
    (slopes,) = grad([np.sum(y * y)], [x], create_graph=True)
    assert jacobians.jacobian(slopes, [x])[0].shape == (3, 4, 3, 4)


def test_the_test_of_one_pass_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise NotBatchable

    monkeypatch.setitem(jacobians.Batch.__array_function__.__globals__["BATCHED"], np.fft.rfftn, refuse)
    with pytest.raises(pytest.fail.Exception):
        test_all_rows_of_a_jacobian_and_of_a_hessian_go_back_in_one_pass("fft.irfft", monkeypatch)


def test_a_transform_larger_than_memory_is_refused() -> None:
    with pytest.raises(LimitFailure):
        FUNCTIONS["fft.irfft"](tensor([1.0, 2.0]), 10**15)


def test_no_points_along_other_dims_are_no_error() -> None:
    """(MKL, which torch calls, refuses them.)"""
    x = tensor(np.zeros((0, 3)), requires_grad=True)
    (g,) = grad([FUNCTIONS["fft.irfft"](x)], [x], [tensor(np.zeros((0, 4)))])
    assert g.shape == (0, 3)
