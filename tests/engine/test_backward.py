"""The backward pass: each node once, sums at diamonds, accumulation, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcli.engine import Tensor, backward, grad, inplace, tensor
from gradcli.engine.shaping import split, unbind
from gradcli.errors import AutogradFailure, GradcliError, ShapeFailure, TypeFailure


def leaf(data: Any, dtype: Any = None) -> Tensor:
    return tensor(data, dtype=dtype, requires_grad=True)


# ---- sums and accumulation


def test_a_diamond_sums_its_two_sides() -> None:
    x = leaf([1.0, 2.0])
    y = x * x
    backward([np.sum(np.sin(y) + y * 3)])
    np.testing.assert_allclose(x.grad.array, (np.cos([1.0, 4.0]) + 3) * [2.0, 4.0])


def test_a_value_used_twice_by_one_operation_counts_twice() -> None:
    x = leaf(3.0)
    backward([x * x])
    assert x.grad.array == 6.0


def test_many_paths_through_few_nodes() -> None:
    """2^200 paths: only a pass that waits for all consumers of a node comes to an end."""
    x = leaf(1.0)
    y = x
    for _ in range(200):
        y = y + y
    backward([y])
    assert x.grad.array == 2.0**200


def test_each_node_is_visited_once_and_after_all_its_consumers(define: Callable[..., Any]) -> None:
    visits: list[float] = []

    def rule(g: Any, _y: Any, _x: Any) -> Any:
        visits.append(float(g))
        return g

    same = define(lambda input: input * 1, rule, name="same", elementwise=True)
    x = leaf(2.0)
    y = same(x)
    late = y * 10
    for _ in range(5):
        late = late + y
    backward([late + same(y)])
    # The second `same` got 1; the first waited for it, for 10 and for five times 1.
    assert visits == [1.0, 16.0]


def test_second_backward_adds_to_grad_in_the_same_tensor() -> None:
    for data in (3.0, [3.0, 4.0]):
        x = leaf(data)
        backward([np.sum(x * x)])
        first = x.grad
        backward([np.sum(x * x * x)])
        assert x.grad is first
        np.testing.assert_array_equal(x.grad.array, 2 * x.array + 3 * x.array**2)


def test_several_results_are_one_pass_over_their_sum() -> None:
    x = leaf([1.0, 2.0])
    y = x * x
    backward([np.sum(y), y], [None, tensor([10.0, 100.0])])
    np.testing.assert_array_equal(x.grad.array, [22.0, 404.0])


def test_one_result_named_twice_counts_twice() -> None:
    x = leaf(3.0)
    y = x * 2
    backward([y, y])
    assert x.grad.array == 4.0


def test_a_result_behind_another_is_passed_through_and_started_from() -> None:
    x = leaf(3.0)
    y = x * x
    z = y * 10
    backward([y, z])
    assert x.grad.array == 66.0


def test_the_vector_multiplies() -> None:
    x = leaf([1.0, 2.0, 3.0])
    backward([x * x], [tensor([1.0, 10.0, 100.0])])
    np.testing.assert_array_equal(x.grad.array, [2.0, 40.0, 600.0])


def test_the_vector_is_not_changed_and_not_shared() -> None:
    x, v = leaf([1.0, 2.0]), tensor([1.0, 10.0])
    backward([x + x + x], [v])
    backward([x], [v])
    np.testing.assert_array_equal(v.array, [1.0, 10.0])
    np.testing.assert_array_equal(x.grad.array, [4.0, 40.0])


def test_backward_of_a_leaf_accumulates_the_vector() -> None:
    x = leaf([1.0, 2.0])
    backward([x], [tensor([5.0, 6.0])])
    backward([x], [tensor([5.0, 6.0])])
    np.testing.assert_array_equal(x.grad.array, [10.0, 12.0])
    y = leaf(7.0)
    backward([y])
    assert y.grad.array == 1.0


def test_two_leaves_never_share_one_gradient_array() -> None:
    for options in ({}, {"create_graph": True}):
        a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
        v = tensor([1.0, 1.0])
        backward([a + b], [v], **options)
        assert a.grad is not b.grad
        assert not np.shares_memory(a.grad.array, b.grad.array)
        assert not np.shares_memory(a.grad.array, v.array)


def test_a_gradient_can_be_written_to() -> None:
    """A sum's gradient is one number seen in every place; what's kept as `.grad` must be numbers of its own."""
    for options in ({}, {"create_graph": True}):
        x = leaf([1.0, 2.0])
        backward([np.sum(x)], **options)
        inplace.copy(x.grad, 0.0)
        np.testing.assert_array_equal(x.grad.array, [0.0, 0.0])


def test_grad_stays_when_a_saved_value_that_it_came_from_changes() -> None:
    x, c = leaf([1.0, 2.0]), tensor([3.0, 4.0])
    backward([np.sum(x * c)])
    c += 10
    np.testing.assert_array_equal(x.grad.array, [3.0, 4.0])


# ---- what can't be


def test_a_result_of_several_elements_needs_a_vector() -> None:
    x = leaf([1.0, 2.0])
    with pytest.raises(AutogradFailure) as caught:
        backward([x * x])
    assert caught.value.label == "grad can be implicitly created only for scalar outputs"
    backward([leaf([[3.0]]) * 2])


def test_the_vector_has_the_result_s_shape() -> None:
    x = leaf([1.0, 2.0])
    with pytest.raises(ShapeFailure, match="Mismatch in shape"):
        backward([x * x], [tensor([1.0])])
    with pytest.raises(ShapeFailure, match="Mismatch in shape"):
        backward([np.sum(x)], [tensor([1.0])])


def test_results_and_vectors_go_in_pairs() -> None:
    x = leaf([1.0, 2.0])
    with pytest.raises(GradcliError, match=r"2 .* 1"):
        backward([np.sum(x), np.sum(x * 2)], [None])


def test_a_result_without_history_is_a_failure() -> None:
    x = leaf(1.0)
    with pytest.raises(AutogradFailure, match="element 1 of tensors does not require grad and does not have a grad_fn"):
        backward([x * 2, tensor(1.0)])
    with pytest.raises(TypeFailure):
        backward([2.0])  # type: ignore[list-item]
    assert x.grad is None


def test_a_missing_rule_speaks(define: Callable[..., Any]) -> None:
    def half(input: Any, other: Any) -> Any:
        return input * other

    half = define(half, None, lambda g, _z, x, _y: g * x, elementwise=True, arity=2)
    x, y = leaf(2.0), leaf(3.0)
    with pytest.raises(AutogradFailure, match=r"derivative for half is not implemented.*`input`"):
        backward([half(x, y)])
    backward([half(tensor(2.0), y)])
    assert y.grad.array == 2.0


# ---- only what's needed


def never(*_: Any) -> Any:
    raise AssertionError("this rule isn't needed")


def test_no_rule_runs_for_an_input_that_needs_no_gradient(define: Callable[..., Any]) -> None:
    def f(input: Any, other: Any) -> Any:
        return input * other

    def left(g: Any, _z: Any, _x: Any, y: Any) -> Any:
        return g * y

    f = define(f, left, never, elementwise=True, arity=2)
    x, c = leaf([1.0, 2.0]), tensor([3.0, 4.0])
    backward([np.sum(f(x, c))])
    backward([np.sum(f(x, 5.0))])
    np.testing.assert_array_equal(x.grad.array, [8.0, 9.0])


def test_a_joint_rule_is_told_which_inputs_need_a_gradient(define: Callable[..., Any]) -> None:
    asked: list[tuple[bool, ...]] = []

    def rule(needs: tuple[bool, ...], g: Any, _y: Any, xs: Any) -> list[Any]:
        asked.append(needs)
        return [g * 1 if need else None for need in needs]

    def total(tensors: Any) -> Any:
        return sum(tensors[1:], tensors[0])

    total = define(total, rule, variadic=True, joint=True)
    a, b, c = leaf(1.0), tensor(2.0), leaf(3.0)
    backward([total([a, b, c])])
    grad([total([a, b, c])], [c])
    assert asked == [(True, False, True), (False, False, True)]


def test_only_inputs_named_get_a_gradient_and_others_are_not_computed(define: Callable[..., Any]) -> None:
    stop = define(lambda input: input * 1, never, name="stop", elementwise=True)
    a, b = leaf([1.0]), leaf([2.0])
    y = stop(b) * a
    backward([y], inputs=[a])
    assert a.grad.array == [2.0]
    assert b.grad is None


def test_inputs_may_be_results_and_nothing_behind_them_is_computed(define: Callable[..., Any]) -> None:
    stop = define(lambda input: input * 1, never, name="stop", elementwise=True)
    x = leaf(2.0)
    middle = stop(x)
    backward([middle * middle], inputs=[middle])
    assert middle.grad.array == 4.0
    assert x.grad is None


def test_an_input_named_twice_counts_once() -> None:
    x = leaf([1.0, 2.0])
    backward([np.sum(x * 2)], inputs=[x, x])
    np.testing.assert_array_equal(x.grad.array, [2.0, 2.0])


def test_an_empty_list_of_inputs_is_a_failure() -> None:
    x = leaf(1.0)
    with pytest.raises(GradcliError, match="cannot be empty"):
        backward([x * 2], inputs=[])
    with pytest.raises(GradcliError, match="cannot be empty"):
        grad([x * 2], [])


def test_an_input_that_is_not_tracked_is_a_failure() -> None:
    x = leaf(1.0)
    with pytest.raises(AutogradFailure, match="does not require grad"):
        backward([x * 2], inputs=[tensor(1.0)])


# ---- broadcasting is undone for every rule


@pytest.mark.parametrize(
    ("small", "large"),
    [((), (3,)), ((1,), (3,)), ((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 1), (2, 3)), ((2, 1), (3,)), ((), (0,)),
    ((1,), (0,)),
     ((1, 3, 1), (2, 1, 4)), ((1,), ()), ((1, 1), ())],
)  # fmt: skip
def test_broadcasting_is_undone(small: tuple[int, ...], large: tuple[int, ...]) -> None:
    a = leaf(np.arange(1.0, np.prod(small) + 1).reshape(small))
    b = leaf(np.arange(2.0, np.prod(large) + 2).reshape(large))
    out = np.broadcast_shapes(small, large)
    v = np.arange(1.0, np.prod(out) + 1).reshape(out)
    backward([a * b], [tensor(v)])
    for x, other in ((a, b), (b, a)):
        assert x.grad.shape == x.shape
        full = np.broadcast_to(v * other.array, out)
        extra = full.ndim - x.ndim
        axes = (*range(extra), *(k + extra for k, size in enumerate(x.shape) if size == 1))
        np.testing.assert_allclose(x.grad.array, np.sum(full, axis=axes, keepdims=True).reshape(x.shape))


def test_a_rule_need_not_know_of_broadcasting(define: Callable[..., Any]) -> None:
    def f(input: Any, other: Any) -> Any:
        return input + other

    seen: list[tuple[int, ...]] = []

    def left(g: Any, *_: Any) -> Any:
        seen.append(g.shape)
        return g

    f = define(f, left, lambda g, *_: g, elementwise=True, arity=2)
    x, y = leaf([[1.0], [2.0]]), leaf([1.0, 2.0, 3.0])
    backward([f(x, y)], [tensor(np.ones((2, 3)))])
    assert seen == [(2, 3)]
    np.testing.assert_array_equal(x.grad.array, [[3.0], [3.0]])
    np.testing.assert_array_equal(y.grad.array, [2.0, 2.0, 2.0])


def test_broadcasting_is_undone_for_three_inputs() -> None:
    c, x, y = np.array([[True], [False]]), leaf([1.0, 2.0, 3.0]), leaf(5.0)
    backward([np.where(c, x, y)], [tensor(np.ones((2, 3)))])
    np.testing.assert_array_equal(x.grad.array, [1.0, 1.0, 1.0])
    assert y.grad.array == 3.0
    assert y.grad.shape == ()


# ---- dtype and shape


MIXED: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: y / x,
    "**": lambda x, y: x**y,
    "where": lambda x, y: np.where(np.array([True, False]), x, y),
    "maximum": np.maximum,
    "clip": lambda x, y: np.clip(x, y - 1, y),
    "stack": lambda x, y: np.stack([x, y]),
    "concatenate": lambda x, y: np.concatenate([x, y]),
}


@pytest.mark.parametrize("call", MIXED.values(), ids=MIXED.keys())
def test_grad_has_the_leaf_s_dtype_where_dtypes_mix(call: Callable[[Any, Any], Any]) -> None:
    x, y = leaf([1.0, 2.0], np.float32), leaf([3.0, 4.0], np.float64)
    backward([np.sum(call(x, y))])
    assert x.grad.dtype == np.float32
    assert y.grad.dtype == np.float64


def test_grad_has_the_leaf_s_dtype_after_a_change_in_place() -> None:
    x, y = leaf([1.0, 2.0], np.float32), leaf([3.0, 4.0])
    z = x * 1
    z += y
    assert z.dtype == np.float32
    backward([np.sum(z * z)])
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)


def test_grad_has_the_leaf_s_dtype_whatever_the_vector_s() -> None:
    x = leaf([1.0, 2.0], np.float32)
    backward([x * 2], [tensor([1.0, 1.0])])
    assert x.grad.dtype == np.float32


def test_a_wider_0d_leaf_does_not_widen_and_keeps_its_own_dtype() -> None:
    s, x = leaf(2.0, np.float64), leaf([1.0, 2.0], np.float32)
    y = s * x
    assert y.dtype == np.float32
    backward([np.sum(y)])
    assert (s.grad.dtype, s.grad.shape) == (np.float64, ())
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (2, 0), (0,), (2, 3)])
def test_grad_has_the_leaf_s_shape(shape: tuple[int, ...]) -> None:
    x = leaf(np.ones(shape))
    backward([np.sum(x * tensor(np.ones((2, 3))) if shape in ((2, 3), (), (1,), (1, 1)) else x)])
    assert x.grad.shape == shape


# ---- several results of one operation


def test_parts_wait_for_each_other() -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    top, bottom = split(x, (1, 2), 0)
    backward([np.sum(top * 10) + np.sum(bottom * bottom)])
    np.testing.assert_array_equal(x.grad.array, [[10.0, 10.0], [6.0, 8.0], [10.0, 12.0]])


def test_a_part_that_is_not_used_has_gradient_zero() -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    _, middle, _ = unbind(x, 0)
    backward([np.sum(middle * middle)])
    np.testing.assert_array_equal(x.grad.array, [[0.0, 0.0], [6.0, 8.0], [0.0, 0.0]])


def test_a_part_used_twice_and_a_part_of_a_part() -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    first, second = unbind(x, 0)
    a, b = unbind(first, 0)
    backward([a * b + a * 10 + np.sum(second)])
    np.testing.assert_array_equal(x.grad.array, [[12.0, 1.0], [1.0, 1.0]])
