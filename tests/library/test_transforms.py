"""Transforms give what PyTorch's give, compose, record no more than they must, and cost one pass where they can."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli import GradcliError, Session, Tensor
from gradcli.engine import jacobians
from gradcli.errors import AutogradFailure, ShapeFailure, TypeFailure, ValueFailure
from tests.library import transform_cases
from tests.library.transform_cases import VALUES, in_gradcli

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "transforms.json").read_text(encoding="utf-8"))
MODULES = ("transforms", "autograd_functional", "gradient_checks", "mapping")


def run(source: str, session: Session | None = None) -> Any:
    """What the name `result` has after a script, with the cases' tensors and functions at hand."""
    session = session or prepared("explicit")
    for _ in session.run(source):
        pass
    return session["result"]


def prepared(tracking: str | None) -> Session:
    session = Session(tracking=tracking)
    lines = [f"{name} = tensor({text}).detach()" for name, text in VALUES.items()]
    lines += [f"{name} = {in_gradcli(text)}" for name, text in transform_cases.FUNCTIONS.items()]
    for _ in session.run("\n".join(lines)):
        pass
    return session


def assert_same(found: Any, wanted: Any) -> None:
    if isinstance(wanted, list):
        assert isinstance(found, (tuple, list))
        assert len(found) == len(wanted)
        for part, other in zip(found, wanted, strict=True):
            assert_same(part, other)
        return
    assert type(found) is Tensor
    assert found.dtype == np.float64
    assert list(found.shape) == wanted["shape"]
    np.testing.assert_allclose(np.asarray(found.array).ravel(), wanted["data"], rtol=1e-11, atol=1e-13)


def nodes(tree: Any) -> Iterator[Any]:
    for part in tree if isinstance(tree, (tuple, list)) else (tree,):
        if isinstance(part, (tuple, list)):
            yield from nodes(part)
        else:
            yield part.node


@pytest.mark.parametrize("expression", transform_cases.CASES)
def test_pytorch_gives_the_same(expression: str) -> None:
    found = run(f"result = {in_gradcli(expression)}")
    assert_same(found, GOLDEN[expression])
    assert not any(nodes(found)), "nothing that this came from is tracked"


@pytest.mark.parametrize("expression", transform_cases.CASES)
def test_on_tracked_points_too(expression: str) -> None:
    session = prepared("explicit")
    list(session.run("\n".join(f"{name}.requires_grad_()" for name in VALUES)))
    assert_same(run(f"result = {in_gradcli(expression)}", session), GOLDEN[expression])
    assert all(session[name].grad is None for name in VALUES)


def test_every_golden_case_is_run() -> None:
    assert set(GOLDEN) == set(transform_cases.CASES)


# ---- history


def gradients(source: str, *names: str) -> list[np.ndarray]:
    session = prepared(None)
    list(session.run(source))
    return [np.asarray(session[name].grad.array) for name in names]


def test_a_jacobian_is_differentiated_down_to_everything_that_the_function_saw() -> None:
    at, by = gradients("a = [1., 2.]; k = 3; J = jacobian(x -> k*x^2, a); backward (J^2).sum()", "a", "k")
    np.testing.assert_allclose(at, 8 * 9 * np.array([1.0, 2.0]))
    np.testing.assert_allclose(by, 8 * 3 * 5)


def test_a_hessian_is_differentiated_too() -> None:
    (at,) = gradients("a = [1., 2.]; backward hessian(x -> (x^4).sum(), a).sum()", "a")
    np.testing.assert_allclose(at, [24.0, 48.0])


def test_a_result_that_stands_on_two_names_of_which_one_stands_on_the_other() -> None:
    (k,) = gradients("k = 2; m = k*3; J = jacobian(x -> k*m*x, [1., 2.]); backward J.sum()", "k")
    np.testing.assert_allclose(k, 2 * 3 * 2 * 2)


def test_hooks_of_what_the_function_saw_run_once() -> None:
    session = Session()
    list(session.run("calls = []; k = 2; m = k*3; h = m.register_hook(g -> calls.append(g))"))
    list(session.run("backward jacobian(x -> m*x^2, [1., 2.]).sum()"))
    assert [float(g) for g in session["calls"]] == [6.0]
    assert float(session["k"].grad) == 18.0


def test_the_history_of_a_jacobian_can_be_walked_twice_where_it_is_kept() -> None:
    (a,) = gradients("a = [1., 2.]; J = jacobian(x -> x^3, a).sum(); backward J retain; backward J", "a")
    np.testing.assert_allclose(a, [12.0, 24.0])


def test_a_change_in_place_before_the_history_is_made_is_an_error() -> None:
    session = Session(tracking="explicit")
    list(session.run("a = tensor([1., 2.], requires_grad=true); b = a * 1; J = jacobian(x -> b*x^2, a); b += 1"))
    with pytest.raises(AutogradFailure, match="modified by an inplace operation"):
        list(session.run("J.sum().backward()"))


def test_under_no_grad_nothing_is_kept_and_everything_is_right() -> None:
    session = prepared("explicit")
    list(session.run("x.requires_grad_()"))
    found = run("no_grad { result = (jacobian(each, x), grad(cubes)(x), hessian(cubes, x), jvp(each, x, v)) }", session)
    assert not any(nodes(found))
    assert_same(found[1], GOLDEN["grad(cubes)(x)"])


def test_a_result_of_the_past_has_a_jacobian() -> None:
    session = prepared("explicit")
    list(session.run("x.requires_grad_(); y = each(x); z = y.sum() * x"))
    assert_same(run("result = jacobian(y, x)", session), GOLDEN["jacobian(each, x)"])
    rows = run("result = jacobian((y, z), (x, y))", session)
    assert [[part.shape for part in row] for row in rows] == [[(3, 3), (3, 3)]] * 2
    np.testing.assert_array_equal(rows[0][1].array, np.eye(3))
    assert run("result = jacobian(y, x, create_graph=true)", session).requires_grad
    list(session.run("y.sum().backward()"))


# ---- cost


def passes(monkeypatch: pytest.MonkeyPatch, source: str) -> int:
    count = 0
    propagate = jacobians.propagate

    def counting(*args: Any, **named: Any) -> Any:
        nonlocal count
        count += 1
        return propagate(*args, **named)

    monkeypatch.setattr(jacobians, "propagate", counting)
    run(source)
    return count


@pytest.mark.parametrize(
    "source", ["jacobian(x -> softmax(x, 0) * x.cumsum(0), ones(200))", "hessian(x -> (x^3).sum()^2, ones(200))"]
)
def test_all_rows_come_in_one_pass(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    assert passes(monkeypatch, f"result = {source}") == 1


def test_a_wide_jacobian_is_made_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jacobians, "ELEMENTS_AT_ONCE", 300)
    assert passes(monkeypatch, "result = jacobian(x -> x^2, arange(100))") == 34
    np.testing.assert_array_equal(run("result = jacobian(x -> x^2, arange(100))").array, np.diag(2.0 * np.arange(100)))


def test_a_jacobian_larger_than_memory_is_refused() -> None:
    with pytest.raises(GradcliError, match="more memory than there is"):
        run("result = jacobian(x -> x*2, ones(10^7))")


def test_a_function_of_its_own_backward_goes_row_by_row() -> None:
    found = run(
        "def cube(t) { return t^3 } backward(g) { return 3*t^2*g }\n"
        "result = (jacobian(cube, [1., 2.]), hessian(t -> cube(t).sum(), [1., 2.]))"
    )
    np.testing.assert_allclose(found[0].array, np.diag([3.0, 12.0]))
    np.testing.assert_allclose(found[1].array, np.diag([6.0, 12.0]))


def test_scripts_that_use_no_transform_do_not_load_them() -> None:
    program = (
        "import sys; from gradcli import Session; list(Session().run('x = [1, 2]; backward sum(x^2)'));"
        "print([name for name in sys.modules if name.startswith('gradcli') and"
        f" name.endswith({(*MODULES, 'batching', 'jacobians', 'deferred')!r})])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


# ---- maps and checks


def test_vmap_takes_conditions_prints_and_plain_results() -> None:
    found = run("result = vmap(x -> x if x > 0 else -2*x)(tensor([1., -1., 3.]))")
    np.testing.assert_array_equal(found.array, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(run("result = vmap(x -> 3)(tensor([1., -1.]))").array, [3.0, 3.0])


def test_vmap_shares_and_maps_named_arguments() -> None:
    found = run("result = vmap((x, k=1) -> x*k)(tensor([1., 2.]), k=tensor([3., 4.]))")
    np.testing.assert_array_equal(found.array, [3.0, 8.0])


def test_gradcheck_tells_right_from_wrong() -> None:
    assert run("result = gradcheck((x, y) -> x.sin() * y, (x, w))") is True
    assert run("result = gradgradcheck((x, y) -> x.sin() * y, (x, w))") is True
    assert run("result = gradcheck(x -> x.detach() * x, x, raise_exception=false)") is False
    # Right to first order, wrong to second.
    half = "def f(t) { return t^3 } backward(g) { return 3*g*t.detach()^2 }\n"
    assert run(f"{half}result = gradcheck(f, x)") is True
    assert run(f"{half}result = gradgradcheck(f, x, raise_exception=false)") is False
    with pytest.raises(AutogradFailure, match="Jacobian mismatch for output 0 with respect to input 1"):
        run("result = gradcheck((x, y) -> x * y.detach() * y, (x, w))")


FAILURES = (
    ("grad(each, 1)(x)", ValueFailure, "Got argnum=1, but only 1 positional inputs"),
    ("grad(mixed, (0, 0))(x, w)", ValueFailure, "argnums elements must be unique"),
    ("grad(mixed, ())(x, w)", ValueFailure, "argnums must be non-empty"),
    (
        "torch.func.grad(each)(x)",
        AutogradFailure,
        "Expected f(*args) to return a scalar Tensor, got tensor with 1 dims",
    ),
    ("torch.func.grad(cubes, has_aux=true)(x)", TypeFailure, "must return two things"),
    ("vjp(each, x)[1](s)", ShapeFailure, "Mismatch in shape: grad_output[0]"),
    ("vjp(several, x)[1]((x, s))", ShapeFailure, "3 results, and 2 vectors"),
    ("jvp(each, x, v[:2])", ShapeFailure, "different size than that of the original Tensor"),
    ("jvp(mixed, (x, w), v)", ShapeFailure, "2 points, and 1 vector"),
    ("hvp(each, x, v)", AutogradFailure, "should contain a single element"),
    ("hvp(cubes, x)", ValueFailure, "The vector v can only be None"),
    ("jacobian(x, w)", AutogradFailure, "does not require grad"),
    ("jacrev(x)", TypeFailure, "jacrev() wants a function, and got a tensor of shape (3,)"),
    ("vmap(each)()", ValueFailure, "got no inputs"),
    ("vmap(torch.dot)(A, x)", ShapeFailure, "same size in the mapped dimension, got sizes [2, 3]"),
    ("vmap(each)(s)", GradcliError, "Tensor of dimensionality 0"),
    ("vmap(torch.dot, (0,))(A, B)", ValueFailure, "not compatible with the structure"),
    ("vmap(mixed)(A, 3)", TypeFailure, "use None as the respective in_dim"),
    ("vmap(each, in_dims=none)(A)", ValueFailure, "at least one argument"),
    ("vmap(each, out_dims=5)(A)", GradcliError, "Dimension out of range"),
    ("torch.autograd.functional.hessian(each, x)", AutogradFailure, "should contain a single element"),
    ("torch.autograd.functional.jacobian(flat, x, strict=true)", AutogradFailure, "does not require gradients"),
    ("gradcheck(cubes, whole)", ValueFailure, "expects at least one input tensor"),
)


@pytest.mark.parametrize(("source", "kind", "message"), FAILURES, ids=[source for source, _, _ in FAILURES])
def test_what_can_not_be_is_said_in_known_words(source: str, kind: type[GradcliError], message: str) -> None:
    session = prepared("explicit")
    list(session.run("whole = tensor([1, 2], dtype=int64)"))
    with pytest.raises(kind) as caught:
        run(f"result = {source}", session)
    assert message in caught.value.message
    # The session goes on as it was.
    assert run("result = grad(x -> x^2)(s).item()", session) == pytest.approx(2.6)
