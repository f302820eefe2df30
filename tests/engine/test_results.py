"""Leaves and results: what requires grad, what has a grad_fn, what a mode cuts off."""

from __future__ import annotations

import numpy as np
import pytest

from gradcli.engine import CUT, Tensor, as_tensor, backward, grad_mode, modes, start_tracking, stop_tracking, tensor
from gradcli.errors import AutogradFailure, GradcliError
from gradcli.library.autograd import detach


def test_a_leaf_has_no_grad_fn_and_no_grad() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    assert x.requires_grad
    assert x.is_leaf
    assert x.grad_fn is None
    assert x.grad is None


def test_a_tensor_that_was_not_marked_is_an_untracked_leaf() -> None:
    x = tensor([1.0, 2.0])
    assert not x.requires_grad
    assert x.is_leaf


def test_a_result_requires_grad_when_any_input_does() -> None:
    x, c = tensor(2.0, requires_grad=True), tensor(3.0)
    for y in (x * c, c * x, x * 2, 2 * x, np.sin(x), np.stack([c, x])):
        assert y.requires_grad
        assert not y.is_leaf
        assert y.grad_fn is not None
    assert not (c * c).requires_grad


def test_nothing_is_recorded_without_grad_mode() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    with grad_mode(False):
        y = x * 2
    assert not y.requires_grad
    assert y.is_leaf
    with grad_mode(False), grad_mode(True):
        assert (x * 2).requires_grad


def test_grad_mode_is_restored_after_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), grad_mode(False):
        raise ZeroDivisionError
    assert modes.recording


def test_grad_mode_is_restored_after_a_failed_backward() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    for create_graph in (False, True):
        with pytest.raises(GradcliError):
            backward([x * 2], create_graph=create_graph)
        assert modes.recording


def test_numpy_s_error_state_is_restored_after_backward() -> None:
    before = np.geterr()
    x = tensor(0.0, requires_grad=True)
    y = np.sqrt(x)
    backward([y])
    assert x.grad.array == np.inf
    with pytest.raises(AutogradFailure):
        backward([y])
    assert np.geterr() == before


def test_detach_shares_memory_and_has_no_history() -> None:
    for value in (3.0, [1.0, 2.0]):
        y = tensor(value, requires_grad=True) * 2
        cut = detach(y)
        assert not cut.requires_grad
        assert cut.is_leaf
        assert np.shares_memory(cut.array, y.array)


def test_what_was_cut_on_purpose_is_known() -> None:
    """The cause of a missing grad_fn is told by this, and auto mode leaves such values alone."""
    x = tensor([1.0, 2.0], requires_grad=True)
    cut = detach(x)
    with grad_mode(False):
        assert (x * 2).node is CUT
    assert cut.node is CUT
    assert (cut * 2).node is CUT
    assert (cut * tensor([1.0, 1.0])).node is None
    assert tensor([1.0]).node is None
    assert not CUT


def test_only_real_tensors_require_grad() -> None:
    for array in (np.array([1, 2]), np.array([True])):
        with pytest.raises(AutogradFailure, match="only Tensors of floating point"):
            start_tracking(Tensor(array))


def test_marking_a_leaf_twice_changes_nothing() -> None:
    x = tensor([1.0], requires_grad=True)
    y = x * 2
    assert start_tracking(x) is x
    backward([y])
    assert x.grad.array == [2.0]


def test_a_leaf_forgets_and_a_result_does_not() -> None:
    x = tensor([1.0], requires_grad=True)
    y = x * 2
    with pytest.raises(AutogradFailure, match="only change requires_grad flags of leaf"):
        stop_tracking(y)
    stop_tracking(x)
    assert not x.requires_grad
    assert not (x * 2).requires_grad
    assert start_tracking(x).requires_grad


def test_a_tensor_made_of_data_copies_it() -> None:
    array = np.array([1.0, 2.0])
    x = tensor(array)
    array[0] = 9.0
    assert x.array[0] == 1.0


def test_whole_numbers_become_real_and_bools_stay() -> None:
    assert tensor([1, 2]).dtype == np.float64
    assert tensor(3).dtype == np.float64
    assert tensor([True, False]).dtype == np.bool_
    assert tensor([1, 2], dtype=np.int64).dtype == np.int64


def test_tensors_in_a_list_are_stacked_and_recorded() -> None:
    a, b = tensor(1.0, requires_grad=True), tensor(2.0, requires_grad=True)
    stacked = as_tensor([[a, b], [b, 3.0]])
    assert stacked.shape == (2, 2)
    backward([np.sum(stacked * tensor([[1.0, 10.0], [100.0, 1000.0]]))])
    assert (a.grad.array, b.grad.array) == (1.0, 110.0)


def test_results_without_dimensions_are_numpy_s_scalars() -> None:
    """Arithmetic on those is ten times faster than on 0-d arrays."""
    x = tensor(2.0, requires_grad=True)
    for y in (x * x, x + 1, np.exp(x), np.sum(tensor([1.0, 2.0], requires_grad=True)), np.where(True, x, 0.0)):
        assert isinstance(y.array, np.float64)
    backward([x * x])
    assert isinstance(x.grad.array, np.float64)


@pytest.mark.parametrize("exponent", [2, 2.0, 0.5, -1])
def test_numbers_are_not_tensors_in_the_graph(exponent: float) -> None:
    x = tensor(2.0, requires_grad=True)
    assert [bool(edge) for edge in (x**exponent).grad_fn.edges] == [True, False]
