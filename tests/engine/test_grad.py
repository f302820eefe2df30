"""`grad(outputs, inputs, ...)`: gradients as values, no `.grad` touched."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli.engine import Tensor, backward, grad, grad_mode, tensor
from gradcli.errors import AutogradFailure, ShapeFailure, TypeFailure


def leaf(data: Any) -> Tensor:
    return tensor(data, requires_grad=True)


def test_gradients_come_in_the_order_of_the_inputs_and_no_grad_is_touched() -> None:
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    of_w, of_x = grad([np.sum(x * x * w)], [w, x])
    np.testing.assert_array_equal(of_w.array, [1.0, 4.0])
    np.testing.assert_array_equal(of_x.array, [6.0, 16.0])
    assert x.grad is None
    assert w.grad is None


def test_grad_of_results_in_the_middle_and_of_one_named_twice() -> None:
    x = leaf([1.0, 2.0])
    y = x * x
    of_y, of_x, again = grad([np.sum(y * 3)], [y, x, y])
    np.testing.assert_array_equal(of_y.array, [3.0, 3.0])
    np.testing.assert_array_equal(of_x.array, [6.0, 12.0])
    np.testing.assert_array_equal(again.array, of_y.array)
    assert y.grad is None


def test_grad_of_a_tensor_to_itself_is_the_vector() -> None:
    x = leaf([1.0, 2.0])
    v = tensor([3.0, 4.0])
    (g,) = grad([x], [x], [v])
    np.testing.assert_array_equal(g.array, v.array)
    assert not np.shares_memory(g.array, v.array)


def test_grad_outputs_are_vectors_one_a_result() -> None:
    x = leaf([1.0, 2.0])
    (g,) = grad([x * x, x * 3], [x], [tensor([1.0, 2.0]), tensor([10.0, 10.0])])
    np.testing.assert_array_equal(g.array, [32.0, 38.0])
    (g,) = grad([np.sum(x * x), x * 3], [x], [None, tensor([10.0, 10.0])])
    np.testing.assert_array_equal(g.array, [32.0, 34.0])
    with pytest.raises(ShapeFailure, match="Mismatch in shape"):
        grad([x * x], [x], [tensor(1.0)])


def test_an_input_that_was_not_used_is_a_failure_none_or_zeros() -> None:
    x, unused = leaf([1.0, 2.0]), leaf([[3.0, 4.0]])
    with pytest.raises(AutogradFailure, match=r"appears to not have been used in the graph.* Set allow_unused=True"):
        grad([np.sum(x * x)], [x, unused])
    of_x, nothing = grad([np.sum(x * x)], [x, unused], allow_unused=True)
    np.testing.assert_array_equal(of_x.array, [2.0, 4.0])
    assert nothing is None
    _, zeros = grad([np.sum(x * x)], [x, unused], materialize_grads=True)
    np.testing.assert_array_equal(zeros.array, [[0.0, 0.0]])


def test_an_input_newer_than_the_result_was_not_used() -> None:
    x = leaf(2.0)
    y = x * x
    (g,) = grad([y], [y * 3], allow_unused=True)
    assert g is None


def test_an_input_that_is_not_tracked_is_a_failure() -> None:
    x = leaf(2.0)
    with pytest.raises(AutogradFailure, match="One of the differentiated Tensors does not require grad"):
        grad([x * x], [tensor(2.0)])
    with pytest.raises(TypeFailure):
        grad([x * x], [2.0])  # type: ignore[list-item]
    with pytest.raises(AutogradFailure, match="does not require grad and does not have a grad_fn"):
        grad([tensor(1.0)], [x])


def test_only_what_leads_to_an_input_is_computed(define: Any) -> None:
    calls: list[str] = []

    def rule(g: Any, _y: Any, x: Any) -> Any:
        calls.append(f"{float(x):g}")
        return g

    watched = define(lambda input: input * 1, rule, name="watched", elementwise=True)
    a, b = leaf(1.0), leaf(2.0)
    behind = watched(a)
    y = watched(behind * 10) + watched(b)
    grad([y], [a], retain_graph=True)
    assert calls == ["10", "1"]
    calls.clear()
    grad([y], [behind], retain_graph=True)
    assert calls == ["10"]
    calls.clear()
    grad([y], [b])
    assert calls == ["2"]


def test_what_was_not_visited_is_not_freed() -> None:
    a, b = leaf(2.0), leaf(3.0)
    left, right = np.exp(a), np.exp(b)
    y = left + right
    grad([y], [a])
    backward([right])
    assert b.grad.array == np.exp(3.0)
    with pytest.raises(AutogradFailure, match="second time"):
        backward([left])


def test_gradients_require_grad_under_create_graph_where_they_depend_on_something() -> None:
    x = leaf([1.0, 2.0])
    assert not grad([np.sum(x * x)], [x])[0].requires_grad
    assert grad([np.sum(x * x)], [x], create_graph=True)[0].requires_grad
    assert not grad([np.sum(x * 3)], [x], create_graph=True)[0].requires_grad


def test_grad_works_where_nothing_is_recorded() -> None:
    """As in PyTorch, create_graph records whatever the mode around it is."""
    x = leaf(2.0)
    y = x * x * x
    with grad_mode(False):
        (g,) = grad([y], [x], create_graph=True)
    (h,) = grad([g], [x])
    assert h.array == 12.0


def test_gradients_are_arrays_of_their_own() -> None:
    x, w, c = leaf([1.0, 2.0]), leaf([3.0, 4.0]), tensor([5.0, 6.0])
    gx, gw = grad([np.sum(x + w)], [x, w])
    assert not np.shares_memory(gx.array, gw.array)
    gx.array[0] = 9.0
    (g,) = grad([np.sum(x * c)], [x])
    g.array[0] = 9.0
    np.testing.assert_array_equal(c.array, [5.0, 6.0])


def test_grad_has_the_input_s_dtype_and_shape() -> None:
    x = tensor([[1.0], [2.0]], dtype=np.float32, requires_grad=True)
    y = tensor([1.0, 2.0, 3.0], requires_grad=True)
    gx, gy = grad([np.sum(x * y)], [x, y])
    assert (gx.dtype, gx.shape) == (np.float32, (2, 1))
    assert (gy.dtype, gy.shape) == (np.float64, (3,))
