"""Golden cases compared: values, dtypes, grad_fn names, gradients and second derivatives are PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
import pytest

from gradcli import GradcliError, Session, Tensor, tensor
from gradcli.engine import CUT, grad
from tests.analysis.derivations import check_explained
from tests.operations.inputs import Golden, weights

TOLERANCE = {"float64": 1e-11, "seven digits": 1e-7, "float32": 2e-5, "float16": 2e-2}


def evaluated(case: Golden) -> tuple[list[Any], dict[str, Tensor]]:
    """The results of the case's expression, run as a script, and the leaves it was run on."""
    session = Session(tracking="explicit")
    leaves = {}
    for name, array in case.arrays().items():
        if case.variant == "strided":
            leaf = Tensor(array)
            if array.dtype.kind == "f":
                from gradcli.engine import start_tracking

                start_tracking(leaf)
        else:
            leaf = tensor(array, dtype=array.dtype, requires_grad=array.dtype.kind == "f")
        leaves[name] = session[name] = leaf
    for _ in session.run(f"result = {case.expression}"):
        pass
    result = session["result"]
    several = isinstance(result, (tuple, list)) and any(isinstance(part, Tensor) for part in result)
    return (list(result) if several else [result]), leaves


def weighted(results: list[Any], leaves: dict[str, Tensor], first: int, **options: bool) -> dict[str, Tensor]:
    """Gradients of the weighted sum of results, by leaf; result k has the weights of number first + k."""
    chosen = [(k, r) for k, r in enumerate(results, first) if isinstance(r, Tensor) and r.requires_grad]
    floating = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    if not chosen or not floating:
        return {}
    found = grad(
        [r for _, r in chosen],
        list(floating.values()),
        [Tensor(weights(r.shape, k).astype(r.dtype), CUT) for k, r in chosen],
        allow_unused=True,
        retain_graph=True,
        **options,
    )
    return {name: g for name, g in zip(floating, found, strict=True) if g is not None}


def assert_close(found: Any, expected: Any, what: str, computed_in: str = "float64") -> None:
    """The same dtype and shape, and numbers that agree to what the dtype allows."""
    if not isinstance(expected, np.ndarray):
        plain = found.array.tolist() if isinstance(found, Tensor) else found
        plain = list(plain) if isinstance(plain, tuple) else plain
        plain = repr(plain) if isinstance(expected, str) and not isinstance(plain, str) else plain
        assert plain == expected or plain != plain, what
        return
    array = found.array if isinstance(found, Tensor) else np.asarray(found)
    assert array.shape == expected.shape, f"{what}: shape {array.shape}, and PyTorch's is {expected.shape}"
    assert array.dtype == expected.dtype, f"{what}: {array.dtype}, and PyTorch's is {expected.dtype}"
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(array, expected, err_msg=what)
        return
    tolerance = max(TOLERANCE[expected.dtype.name], TOLERANCE[computed_in])
    finite = np.abs(expected[np.isfinite(expected)])
    scale = finite.max() if finite.size else 1.0
    np.testing.assert_allclose(array, expected, rtol=tolerance, atol=tolerance * min(scale, 1.0), err_msg=what)


def run_cases(golden: tuple[Golden, ...], departures: Collection[str], *, fails: bool) -> list[Any]:
    """The cases that give values, or those that fail; without the departures."""
    return [
        pytest.param(case, id=case.id)
        for case in golden
        if (not case.values) == fails and case.expression not in departures and case.id not in departures
    ]


def named_cases(golden: tuple[Golden, ...], departures: Collection[str]) -> list[Any]:
    """The cases whose results have a grad_fn; without the departures."""
    return [
        pytest.param(case, id=case.id)
        for case in golden
        if any(case.grad_fns) and case.variant == "float64" and case.expression not in departures
    ]


def check_value_and_gradients(case: Golden, first_order_only: Collection[str], computed_in: str = "") -> None:
    """`computed_in` is a key of TOLERANCE, where it isn't the dtype that the expression names."""
    precision = computed_in or coarsest(case)
    with np.errstate(all="ignore"):
        results, leaves = evaluated(case)
        assert len(results) == len(case.values)
        for number, (found, expected) in enumerate(zip(results, case.values, strict=True)):
            assert_close(found, expected, f"result {number}", precision)
        if case.gradients is None:
            return
        firsts = weighted(results, leaves, 0)
        assert_gradients(firsts, case.gradients, leaves, "gradient", precision)
        if case.second is None or case.expression in first_order_only:
            return
        firsts = weighted(results, leaves, 0, create_graph=True)
        seconds = weighted([firsts.get(name) for name in leaves], leaves, 1)
        assert_gradients(seconds, case.second, leaves, "second derivative", precision)


def coarsest(case: Golden) -> str:
    """The dtype in which the case computes, where its expression casts."""
    named = next((word for word in ("float16", "half", "float32") if word in case.expression), "float64")
    return "float16" if named == "half" else named


def assert_gradients(
    found: dict[str, Tensor], expected: dict[str, np.ndarray], leaves: dict[str, Tensor], what: str, computed_in: str
) -> None:
    """None and zero are one gradient."""
    for name, leaf in leaves.items():
        if name in found or name in expected:
            zero = np.zeros_like(np.asarray(leaf.array))
            assert_close(found.get(name, zero), expected.get(name, zero), f"{what} of {name}", computed_in)


def check_names(case: Golden) -> None:
    results, _ = evaluated(case)
    assert [getattr(r, "grad_fn", None) and r.grad_fn.name for r in results] == list(case.grad_fns)


def check_refusal(case: Golden) -> None:
    with pytest.raises(GradcliError) as caught:
        evaluated(case)
    assert type(caught.value) is not GradcliError, f"a bug: {caught.value.message}"
    assert caught.value.span is not None


def check_derivatives(function: str) -> None:
    """A function of the language of six numbers has the first and second derivatives of central differences."""
    session = Session(tracking="explicit")
    list(session.run(f"f = {function}\nx = tensor([2.0, 0, -0.5, 0, 1.5, 0.75], requires_grad=true)\n"
                     "first, second = gradcheck(f, x), gradgradcheck(f, x)"))  # fmt: skip
    assert session["first"] is True
    assert session["second"] is True


# ---- the tests of a file of golden cases

Test = Callable[[Golden], None]


def golden_tests(
    golden: tuple[Golden, ...],
    departures: Collection[str] = (),
    second_order: Collection[str] = (),
    names_differ: Collection[str] = (),
    seven_digits: Collection[str] = (),
) -> tuple[Test, Test, Test]:
    """A file's three tests: values and gradients, names of grad_fn, refusals.

    `departures` aren't compared at all: an expression, or one variant of it. Those of `second_order` are compared in
    value and first derivative only, those of `seven_digits` to that, and those of `names_differ` but for the grad_fn.
    """

    @pytest.mark.parametrize("case", run_cases(golden, departures, fails=False))
    def test_value_and_gradients(case: Golden) -> None:
        check_value_and_gradients(case, second_order, "seven digits" if case.expression in seven_digits else "")

    @pytest.mark.parametrize("case", named_cases(golden, {*departures, *names_differ}))
    def test_grad_fn_has_pytorch_name(case: Golden) -> None:
        check_names(case)

    @pytest.mark.parametrize("case", run_cases(golden, departures, fails=True))
    def test_what_pytorch_refuses_is_refused(case: Golden) -> None:
        check_refusal(case)

    return test_value_and_gradients, test_grad_fn_has_pytorch_name, test_what_pytorch_refuses_is_refused


def explained_test(golden: Iterable[Golden], floating: str | None = None) -> Test:
    """The test that each function is explained, with the gradients of backward; `floating` is np.errstate's word."""

    @pytest.mark.parametrize(
        "case", [pytest.param(c, id=c.expression) for c in golden if c.variant == "float64" and c.differentiable]
    )
    def test_every_function_is_explained_and_the_gradients_are_those_of_backward(case: Golden) -> None:
        with np.errstate(all=floating):
            check_explained(case)

    return test_every_function_is_explained_and_the_gradients_are_those_of_backward
