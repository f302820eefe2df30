"""Versions: a saved value that changed in place is an error at backward; a value that no rule needs may change.

The programs are PyTorch's too, and fail there or give the gradient that stands beside them. Every one starts with
`x = tensor([[1, 2, 3], [4, 5, 6]], requires_grad=true)`.
"""

from __future__ import annotations

import numpy as np
import pytest

from gradcli import Session
from gradcli.engine import backward, grad_mode, inplace, tensor
from gradcli.errors import AutogradFailure, GradcliError
from tests.engine.test_inplace import Program, ran

FINE: list[Program] = [
    ("y = x * 1; z = y + y; y.add_(1); z.sum().backward()", [[2, 2, 2], [2, 2, 2]]),
    ("y = x * 1; z = y * 2; y.add_(1); z.sum().backward()", [[2, 2, 2], [2, 2, 2]]),
    ("y = x * 1; z = y / 2; y.add_(1); z.sum().backward()", [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]),
    ("y = x * 1; z = (y * 0).exp(); y.add_(1); (z + y).sum().backward()", [[1, 1, 1], [1, 1, 1]]),
    ("y = x * 1; z = y * y; z.add_(1); z.sum().backward()", [[2, 4, 6], [8, 10, 12]]),
    ("y = x * 1; z = y.sum(0); y.zero_(); z.sum().backward()", [[1, 1, 1], [1, 1, 1]]),
    ("y = x * 1; z = y[0] * 3; y[1].add_(1); z.sum().backward()", [[3, 3, 3], [0, 0, 0]]),
    ("y = x * 1; z = where(x > 2, y, y * 2); y.add_(1); z.sum().backward()", [[2, 2, 1], [1, 1, 1]]),
    ("y = x * 1; c = y.clone(); z = c * c; y.add_(1); z.sum().backward()", [[2, 4, 6], [8, 10, 12]]),
    ("y = x * 1; z = x * y.detach().clone(); y.add_(1); z.sum().backward()", [[1, 2, 3], [4, 5, 6]]),
    ("y = x * 1; c = ones(2, 3); z = y + c; c.add_(1); z.sum().backward()", [[1, 1, 1], [1, 1, 1]]),
    ("c = ones(2, 3); z = c * x.detach() + x; c.add_(1); z.sum().backward()", [[1, 1, 1], [1, 1, 1]]),
    ("c = ones(2, 3); z = c * c + x; c.add_(1); z.sum().backward()", [[1, 1, 1], [1, 1, 1]]),
    ("y = x.sum() * 1; z = y + y; y.add_(1); z.backward()", [[2, 2, 2], [2, 2, 2]]),
    ("y = x.sum() * 1; z = y * 2; y.detach().add_(1); z.backward()", [[2, 2, 2], [2, 2, 2]]),
    ("z = x + 1; no_grad { x.sub_(1) }; z.sum().backward()", [[1, 1, 1], [1, 1, 1]]),
    ("z = x * 2; no_grad { x.sub_(1) }; z.sum().backward()", [[2, 2, 2], [2, 2, 2]]),
    ("i = tensor([1, 0], dtype=int64); z = x[i.clone()]; i[0] = 0; z.sum().backward()", [[1, 1, 1], [1, 1, 1]]),
    ("a = x[0, 0] * 1; b = x[0, 1] * 1; z = a * b; c = a + b; c.add_(1); z.backward()", [[2, 1, 0], [0, 0, 0]]),
]

CHANGED = [
    "y = x * 1; z = y * y; y.add_(1); z.sum().backward()",
    "y = x * 1; z = y * y; y[0].add_(1); z.sum().backward()",
    "y = x * 1; v = y.T; z = v * v; y.add_(1); z.sum().backward()",
    "y = x * 1; v = y.T; z = v * v; v[0] = 1.0; z.sum().backward()",
    "y = x * 1; z = y[0] * y[1]; y.view(6).mul_(2); z.sum().backward()",
    "y = x.exp(); y.add_(1); y.sum().backward()",
    "y = x.exp(); y[0, 0] = 1.0; y.sum().backward()",
    "y = x * 1; z = y * y; y.detach().add_(1); z.sum().backward()",
    "y = x * 1; z = y * y; y.detach()[0].add_(1); z.sum().backward()",
    "y = x * 1; z = y * y; no_grad { y.add_(1) }; z.sum().backward()",
    "z = x * x; no_grad { x.sub_(1) }; z.sum().backward()",
    "z = x * x; x.detach().sub_(1); z.sum().backward()",
    "c = ones(2, 3); z = x * c; c.add_(1); z.sum().backward()",
    "c = ones(2, 3); z = x * c; c[0, 0] = 2.0; z.sum().backward()",
    "y = x[:, :2] * 1; z = y * y; y.diagonal().add_(1); z.sum().backward()",
    "y = x * 1; d = y[:, :2].diagonal(); z = d * d; y.add_(1); z.sum().backward()",
    "y = x * 1; e = y[0].expand(4, 3); z = e * e; y.add_(1); z.sum().backward()",
    "y = x.sum() * 1; z = y * y; y.add_(1); z.backward()",
    "y = x.sum() * 1; z = y * y; y.detach().add_(1); z.backward()",
    "y = x.sum() * 1; z = y * y; y.view(1).add_(1); z.backward()",
    "y = x.sum() * 1; z = y * y; no_grad { y.add_(1) }; z.backward()",
    "y = x.sum().exp(); y.add_(1); y.backward()",
    "s = x.sum().detach().requires_grad_(); z = s * s; no_grad { s.sub_(1) }; z.backward()",
    "y = x[0, 0]; z = y * y * 1; v = y.detach(); v.add_(1); z.backward()",
    'y = x * 1; z = einsum("ij,ij->", y, y); y.mul_(2); z.backward()',
    "y = x * 1; m = x > 2; z = where(m, y, y * 2); m[0, 0] = true; z.sum().backward()",
    "i = tensor([1, 0], dtype=int64); z = x[i]; i[0] = 0; z.sum().backward()",
    "i = tensor([1, 0], dtype=int64); z = x[:, i]; i.add_(1); z.sum().backward()",
    "m = x > 2; z = x[m]; m[0, 0] = true; z.sum().backward()",
    "m = x > 2; y = x * 1; y[m] = 0.0; m[0, 0] = true; y.sum().backward()",
    "i = tensor([1, 0], dtype=int64); y = x * 1; y[i] = x * 2; i[0] = 0; y.sum().backward()",
    "a = zeros(2, 3) + x; c = a * a; a.mul_(2); p = zeros(2, 3); p.copy_(c); p.sum().backward()",
    "y = x * 1; z = y * y; y.copy_(x * 3); z.sum().backward()",
]

LEAF = [
    "x.mul_(2)",
    "x += 1",
    "x[0] = 1.0",
    "x.zero_()",
    "x.view(6).mul_(2)",
    "x[0].zero_()",
    "v = x.T; v.add_(1)",
    "x[0][1] = 2.0",
]

REFUSED = {
    "y = x * 1; e = y[0].expand(2, 3); e.add_(1)": "more than one element of the written-to tensor",
    "y = x * 1; y.add_(ones(4, 2, 3))": r"output with shape \[2, 3\] doesn't match the broadcast shape \[4, 2, 3\]",
    "y = x * 1; y[0] = ones(4)": "size|shape",
    "y = zeros(2, 3, dtype=int64); y.add_(x)": "can't be cast to the desired output type",
}


@pytest.mark.parametrize(("program", "gradient"), FINE)
def test_what_no_rule_needs_may_change(program: str, gradient: list[list[float]]) -> None:
    np.testing.assert_allclose(ran(program)["x"].grad.array, gradient, rtol=1e-14)


@pytest.mark.parametrize("program", CHANGED)
def test_a_saved_value_that_changed_is_an_error(program: str) -> None:
    with pytest.raises(AutogradFailure, match="has been modified by an inplace operation"):
        ran(program)


@pytest.mark.parametrize("program", LEAF)
def test_a_leaf_and_its_views_are_not_changed_while_history_is_recorded(program: str) -> None:
    with pytest.raises(
        AutogradFailure, match="leaf Variable that requires grad is being used in an in-place operation"
    ):
        ran(program)


@pytest.mark.parametrize(("program", "words"), REFUSED.items())
def test_what_can_t_be_written_is_refused_in_pytorch_s_words(program: str, words: str) -> None:
    with pytest.raises(GradcliError, match=words) as caught:
        ran(program)
    assert type(caught.value) is not GradcliError, f"a bug: {caught.value.message}"


def test_the_failure_names_what_saved_and_what_changed() -> None:
    session = Session(tracking="explicit")
    session["x"] = tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(AutogradFailure) as caught:
        for _ in session.run("y = x * 1\nz = y * y\ny.add_(1)\nz.sum().backward()"):
            pass
    assert "line 2" in caught.value.message
    assert "line 3" in caught.value.message
    assert caught.value.span is not None
    assert caught.value.span.line == 4


def test_a_version_error_leaves_grads_and_can_be_had_again() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    z = np.sum(y * y + x)
    y += 1
    for _ in range(2):
        with pytest.raises(AutogradFailure, match="modified by an inplace operation"):
            backward([z])
    assert x.grad is None


def test_a_training_step_is_no_error() -> None:
    """The leaf changes after its graph was walked, and what it was before isn't needed any more."""
    w = tensor([1.0, 2.0], requires_grad=True)
    for _ in range(3):
        backward([np.sum(w * w)])
        with grad_mode(False):
            w -= w.grad * 0.25
        inplace.copy(w.grad, 0.0)
    np.testing.assert_array_equal(w.array, [0.125, 0.25])


def test_a_training_step_of_a_0d_leaf_is_no_error() -> None:
    w = tensor(1.0, requires_grad=True)
    for _ in range(3):
        backward([w * w])
        with grad_mode(False):
            w -= w.grad * 0.25
        inplace.copy(w.grad, 0.0)
    assert w.item() == 0.125


def test_two_0d_gradients_have_memory_of_their_own() -> None:
    """A scalar is one object wherever it's held: to change one gradient mustn't count as a change of another."""
    a, b, x = (tensor(1.0, requires_grad=True) for _ in range(3))
    backward([a + b])
    y = x * a.grad
    inplace.copy(b.grad, 0.0)
    backward([y])
    assert x.grad.item() == 1.0
    assert a.grad.item() == 1.0


def test_many_changes_of_0d_values_are_forgotten() -> None:
    """The record of changed scalars is kept small, and what matters stays in it."""
    x = tensor(2.0, requires_grad=True)
    first = x * 1
    saved = first * first
    first += 1
    for _ in range(10_000):
        y = x * 1
        z = y * y
        y += 1
        del z
    with pytest.raises(AutogradFailure, match="modified by an inplace operation"):
        backward([saved])


def test_another_array_at_the_same_address_is_another_value() -> None:
    """Records go by address, and an address is used again as soon as its array has died."""
    x = tensor(np.ones(50), requires_grad=True)
    for _ in range(300):
        gone = x * 1
        gone += 1
        del gone
        kept = x * 1
        backward([np.sum(kept * kept)])
    assert x.grad.array[0] == 600.0
