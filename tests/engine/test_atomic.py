"""All or nothing: an error in a rule or a hook leaves every `.grad` as it was, and a graph that is retained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcli import Session
from gradcli.engine import Tensor, backward, retain_grad, tensor
from gradcli.errors import AssertFailure, AutogradFailure
from gradcli.library.autograd import register_hook


def leaf(data: Any) -> Tensor:
    return tensor(data, requires_grad=True)


def failing(g: Any, *_: Any) -> Any:
    raise FloatingPointError("the rule fails")


def test_an_error_in_a_rule_leaves_every_grad_as_it_was(define: Callable[..., Any]) -> None:
    fails = define(lambda input: input * 1, failing, name="fails", elementwise=True)
    a, b, fresh = leaf([1.0]), leaf([2.0]), leaf([3.0])
    backward([a * b])
    before = a.grad
    # The failing node is the oldest: everything else has been computed when it's reached.
    oldest = fails(b)
    middle = a * a
    retain_grad(middle)
    y = oldest + middle + fresh
    with pytest.raises(FloatingPointError):
        backward([y])
    assert a.grad is before
    assert (a.grad.array, b.grad.array) == ([2.0], [1.0])
    assert fresh.grad is None
    assert middle.grad is None


def test_an_error_in_a_hook_leaves_every_grad_as_it_was() -> None:
    old, new = leaf([1.0]), leaf([2.0])
    register_hook(old, lambda g: 1 / 0)
    y = old * new
    with pytest.raises(ZeroDivisionError):
        backward([y])
    assert old.grad is None
    assert new.grad is None


@pytest.mark.parametrize("options", [{"create_graph": True}, {"retain_graph": True}])
def test_an_error_leaves_a_retained_graph_as_it_was(options: dict[str, bool]) -> None:
    x = leaf([1.0, 2.0])
    middle = x * x
    y = np.sum(np.exp(middle) * middle)
    handle = register_hook(middle, lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        backward([y], **options)
    handle.remove()
    backward([y])
    m = np.array([1.0, 4.0])
    np.testing.assert_allclose(x.grad.array, np.exp(m) * (m + 1) * [2.0, 4.0])


def test_an_error_in_a_function_of_the_user_s_own_leaves_every_grad_as_it_was() -> None:
    session = Session(tracking="explicit")
    program = """
        def f(t) { return t * 2 } backward(g) { assert good, "not now"; return g * 2 }
        good = false
        a = tensor([1., 2.], requires_grad=true); b = tensor([3., 4.], requires_grad=true)
        y = (f(a) * b).sum()
        y.backward()
    """
    with pytest.raises(AssertFailure, match="not now"):
        run(session, program)
    assert session["a"].grad is None
    assert session["b"].grad is None


def run(session: Session, program: str) -> None:
    for _ in session.run(program):
        pass


def test_an_error_in_one_of_two_results_leaves_both() -> None:
    x, z = leaf(1.0), leaf(2.0)
    freed = z * z
    backward([freed])
    good = x * x
    with pytest.raises(AutogradFailure, match="second time"):
        backward([good, freed])
    assert x.grad is None
    assert z.grad.array == 4.0
