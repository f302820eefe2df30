"""Hooks run on a gradient once, when it's whole, before it's stored or passed on; `retain_grad` keeps one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli.engine import CUT, Tensor, backward, grad, grad_mode, modes, retain_grad, tensor
from gradcli.engine.shaping import unbind
from gradcli.errors import AutogradFailure, GradcliError
from gradcli.library.autograd import register_hook


def leaf(data: Any, dtype: Any = None) -> Tensor:
    return tensor(data, dtype=dtype, requires_grad=True)


def test_a_hook_sees_the_whole_gradient_once() -> None:
    x = leaf([1.0, 2.0])
    seen: list[Any] = []
    y = x * 2
    register_hook(y, lambda g: seen.append(g.array.tolist()))
    register_hook(x, lambda g: seen.append(g.array.tolist()))
    backward([np.sum(y * y + y + y)])
    assert seen == [[6.0, 10.0], [12.0, 20.0]]


def test_a_hook_runs_before_the_gradient_is_stored() -> None:
    x = leaf([1.0, 2.0])
    register_hook(x, lambda g: seen.append(x.grad))
    seen: list[Any] = []
    backward([np.sum(x * x)])
    assert seen == [None]
    assert x.grad is not None


def test_what_a_hook_returns_replaces_the_gradient() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    register_hook(y, lambda g: g * 10)
    register_hook(x, lambda g: -g)
    backward([np.sum(y)])
    np.testing.assert_array_equal(x.grad.array, [-20.0, -20.0])


def test_hooks_run_in_the_order_in_which_they_were_registered() -> None:
    x = leaf(1.0)
    register_hook(x, lambda g: g + 1)
    register_hook(x, lambda g: None)
    register_hook(x, lambda g: g * 10)
    backward([x * 1])
    assert x.grad.array == 20.0


def test_a_removed_hook_runs_no_more() -> None:
    x = leaf(1.0)
    first, second = register_hook(x, lambda g: g * 2), register_hook(x, lambda g: g * 5)
    first.remove()
    backward([x * 1])
    assert x.grad.array == 5.0
    second.remove()
    second.remove()
    backward([x * 1])
    assert x.grad.array == 6.0


def test_one_function_registered_twice_runs_twice() -> None:
    x = leaf(1.0)

    def double(g: Tensor) -> Tensor:
        return g * 2

    handle = register_hook(x, double)
    register_hook(x, double)
    backward([x * 1])
    assert x.grad.array == 4.0
    handle.remove()
    backward([x * 1])
    assert x.grad.array == 6.0


def test_a_hook_may_remove_itself() -> None:
    x = leaf(1.0)
    handle = register_hook(x, lambda g: handle.remove())
    register_hook(x, lambda g: g * 3)
    backward([x * 1])
    backward([x * 1])
    assert x.grad.array == 6.0


def test_a_hook_put_on_after_the_graph_was_made_runs() -> None:
    x = leaf([1.0, 2.0])
    y = np.sum(x * x)
    register_hook(x, lambda g: g * 10)
    backward([y])
    np.testing.assert_array_equal(x.grad.array, [20.0, 40.0])


def test_a_hook_runs_where_the_pass_goes_and_nowhere_else() -> None:
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    seen: list[str] = []
    a = x * 2
    register_hook(a, lambda g: seen.append("a"))
    register_hook(w, lambda g: seen.append("w"))
    y = np.sum(a * w)
    backward([y], inputs=[w], retain_graph=True)
    assert seen == ["w"]
    backward([y])
    assert sorted(seen) == ["a", "w", "w"]


def test_a_hook_runs_in_every_pass() -> None:
    x = leaf(1.0)
    seen: list[float] = []
    register_hook(x, lambda g: seen.append(g.item()))
    for _ in range(3):
        backward([x * 2])
    grad([x * 2], [x])
    assert seen == [2.0, 2.0, 2.0, 2.0]


def test_grad_of_a_leaf_with_a_hook_gives_what_the_hook_made_of_it() -> None:
    x = leaf([1.0, 2.0])
    register_hook(x, lambda g: g * 10)
    (g,) = grad([np.sum(x * x)], [x])
    np.testing.assert_array_equal(g.array, [20.0, 40.0])


def test_a_hook_on_the_result_itself_gets_the_vector() -> None:
    x = leaf([1.0, 2.0])
    y = x * x
    seen: list[Any] = []
    register_hook(y, lambda g: seen.append(g.array.tolist()))
    backward([y], [tensor([3.0, 4.0])])
    assert seen == [[3.0, 4.0]]


def test_a_hook_on_one_part_of_several() -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    first, second = unbind(x, 0)
    register_hook(first, lambda g: g * 10)
    backward([np.sum(first * second)])
    np.testing.assert_array_equal(x.grad.array, [[30.0, 40.0], [1.0, 2.0]])


def test_grad_mode_inside_a_hook_is_that_of_the_pass() -> None:
    x = leaf([1.0, 2.0])
    seen: list[tuple[bool, bool]] = []
    y = x * x
    register_hook(y, lambda g: seen.append((modes.recording, (g * 2).requires_grad)))
    backward([np.sum(y * y)], retain_graph=True)
    backward([np.sum(y * y)], create_graph=True)
    assert seen == [(False, False), (True, True)]


def test_under_create_graph_what_a_hook_does_is_differentiated_too() -> None:
    x = leaf([1.0, 2.0])
    y = x * x
    register_hook(y, lambda g: g * y)
    (g,) = grad([np.sum(y * y)], [x], create_graph=True)
    backward([np.sum(g)])
    # PyTorch's numbers: the hook runs in the second pass as well.
    np.testing.assert_array_equal(x.grad.array, [20.0, 1088.0])


def test_a_hook_may_run_another_backward() -> None:
    x, z = leaf(2.0), leaf(3.0)

    def hook(g: Tensor) -> None:
        with grad_mode(True):
            backward([z * z])

    register_hook(x, hook)
    backward([x * x])
    assert (x.grad.array, z.grad.array) == (4.0, 6.0)
    assert modes.recording


@pytest.mark.parametrize("wrong", [tensor([1.0]), tensor([[1.0, 1.0]]), 1.0])
def test_a_hook_can_t_change_the_shape(wrong: Any) -> None:
    x = leaf([1.0, 2.0])
    register_hook(x, lambda g: wrong)
    with pytest.raises(GradcliError, match=r"shape|size"):
        backward([np.sum(x * x)])
    assert x.grad is None


def test_a_hook_doesn_t_change_the_leaf_s_dtype() -> None:
    """PyTorch refuses another dtype; what may never be is a `.grad` of another dtype than the leaf's."""
    x = leaf([1.0, 2.0], np.float32)
    register_hook(x, lambda g: tensor([1.0, 1.0]))
    try:
        backward([np.sum(x * x)])
    except GradcliError:
        assert x.grad is None
    else:
        assert x.grad.dtype == np.float32


def test_only_what_is_tracked_takes_a_hook() -> None:
    with pytest.raises(AutogradFailure, match="cannot register a hook on a tensor that doesn't require gradient"):
        register_hook(tensor(1.0), print)


def test_what_a_hook_gets_has_no_history() -> None:
    x = leaf(2.0)
    seen: list[Tensor] = []
    register_hook(x, seen.append)
    backward([x * x])
    assert seen[0].node is CUT


# ---- retain_grad


def test_a_result_s_gradient_is_kept_on_demand_only() -> None:
    x = leaf([1.0, 2.0])
    kept, dropped = x * 2, x * 3
    retain_grad(kept)
    backward([np.sum(kept * kept + dropped)])
    np.testing.assert_array_equal(kept.grad.array, [4.0, 8.0])
    assert dropped.grad is None
    np.testing.assert_array_equal(x.grad.array, [11.0, 19.0])


@pytest.mark.parametrize("hook_first", [True, False])
def test_what_is_retained_is_the_gradient_after_all_hooks(hook_first: bool) -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    if hook_first:
        register_hook(y, lambda g: g * 10)
    retain_grad(y)
    if not hook_first:
        register_hook(y, lambda g: g * 10)
    backward([np.sum(y * y)])
    np.testing.assert_array_equal(y.grad.array, [40.0, 80.0])
    np.testing.assert_array_equal(x.grad.array, [80.0, 160.0])


def test_a_retained_gradient_accumulates() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    retain_grad(y)
    retain_grad(y)
    z = np.sum(y * y)
    backward([z], retain_graph=True)
    backward([z])
    np.testing.assert_array_equal(y.grad.array, [8.0, 16.0])


def test_grad_retains_on_its_way() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    retain_grad(y)
    grad([np.sum(y * y)], [x])
    np.testing.assert_array_equal(y.grad.array, [4.0, 8.0])
    assert x.grad is None


def test_retaining_a_leaf_changes_nothing_and_an_untracked_tensor_refuses() -> None:
    x = leaf(2.0)
    retain_grad(x)
    backward([x * x])
    backward([x * x])
    assert x.grad.array == 8.0
    with pytest.raises(AutogradFailure, match="can't retain_grad on Tensor that has requires_grad=False"):
        retain_grad(tensor(1.0))


def test_retained_gradients_are_arrays_of_their_own() -> None:
    x = leaf([1.0, 2.0])
    y = x + 1
    z = y + 1
    retain_grad(y)
    retain_grad(z)
    backward([np.sum(z)])
    assert not np.shares_memory(y.grad.array, z.grad.array)
    assert not np.shares_memory(y.grad.array, x.grad.array)
