"""What a graph keeps, when it lets go, and what a second pass over it does."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from gradcli.engine import Tensor, backward, grad, tensor
from gradcli.engine import elementwise as e
from gradcli.engine.node import Freed
from gradcli.errors import AutogradFailure


def leaf(data: Any) -> Tensor:
    return tensor(data, requires_grad=True)


# ---- a second pass


@pytest.mark.parametrize("again", [{}, {"retain_graph": True}, {"create_graph": True}])
def test_a_second_pass_over_freed_nodes_is_a_failure(again: dict[str, bool]) -> None:
    x = leaf([1.0, 2.0])
    y = np.sum(x * x)
    backward([y])
    with pytest.raises(AutogradFailure, match="Trying to backward through the graph a second time"):
        backward([y], **again)
    np.testing.assert_array_equal(x.grad.array, [2.0, 4.0])


def test_grad_frees_as_backward_does() -> None:
    x = leaf(2.0)
    y = np.exp(x)
    grad([y], [x])
    with pytest.raises(AutogradFailure, match="second time"):
        grad([y], [x])


def test_retain_keeps_the_graph() -> None:
    x = leaf([1.0, 2.0])
    y = np.sum(x * x)
    backward([y], retain_graph=True)
    backward([y], retain_graph=True)
    backward([y])
    np.testing.assert_array_equal(x.grad.array, [6.0, 12.0])
    with pytest.raises(AutogradFailure, match="second time"):
        backward([y])


def test_create_graph_retains_unless_told_otherwise() -> None:
    x = leaf(2.0)
    y = x * x * x
    grad([y], [x], create_graph=True)
    grad([y], [x], create_graph=True, retain_graph=False)
    with pytest.raises(AutogradFailure, match="second time"):
        grad([y], [x])


def test_a_shared_part_that_was_freed_fails_under_another_result() -> None:
    x = leaf(2.0)
    shared = np.exp(x)
    one, other = shared * 2, shared * 3
    backward([one])
    with pytest.raises(AutogradFailure, match="second time"):
        backward([other])


WALKED_TWICE: dict[str, Callable[[Any], Any]] = {
    "x + 1": lambda x: x + 1,
    "x - y": lambda x: x - tensor([1.0, 2.0]),
    "-x": lambda x: -x,
    "sum": np.sum,
    "mean": np.mean,
    "reshape": lambda x: np.reshape(x, (2, 1)),
    "transpose": np.transpose,
    "x[0]": lambda x: x[0],
    "stack": lambda x: np.stack([x, x]),
    "cumsum": lambda x: np.cumsum(x, axis=0),
    "floor": np.floor,
    "x % 2": lambda x: x % 2,
    "fmod": lambda x: np.fmod(x, 2),
    "x": lambda x: x,
}


@pytest.mark.parametrize("call", WALKED_TWICE.values(), ids=WALKED_TWICE.keys())
def test_a_graph_that_saved_nothing_can_be_walked_twice(call: Callable[[Any], Any]) -> None:
    x = leaf([1.0, 2.5])
    y = np.sum(call(x))
    backward([y])
    once = x.grad.array.copy()
    backward([y])
    np.testing.assert_array_equal(x.grad.array, 2 * once)


# ---- what a node keeps


KEPT: list[tuple[str, Callable[[Any, Any], Any], list[str]]] = [
    ("x + 1", lambda x, y: x + 1, []),
    ("x + y", lambda x, y: x + y, []),
    ("x * 2", lambda x, y: x * 2, []),
    ("x * c", lambda x, y: x * tensor([5.0, 6.0]), ["c"]),
    ("x * y", lambda x, y: x * y, ["x", "y"]),
    ("c * y", lambda x, y: tensor([5.0, 6.0]) * y, ["c"]),
    ("x / c", lambda x, y: x / tensor([5.0, 6.0]), ["c"]),
    ("x / y", lambda x, y: x / y, ["x", "y"]),
    ("exp(x)", lambda x, y: np.exp(x), ["out"]),
    ("sin(x)", lambda x, y: np.sin(x), ["x"]),
    ("sqrt(x)", lambda x, y: np.sqrt(x), ["out"]),
    ("x ** 2", lambda x, y: x**2, ["x"]),
    ("x ** y", lambda x, y: x**y, ["out", "x", "y"]),
    ("x ** c", lambda x, y: x ** tensor([5.0, 6.0]), ["c", "x"]),
    ("2 ** y", lambda x, y: 2**y, ["out", "y"]),
    ("sum(x)", lambda x, y: np.sum(x), []),
    ("mean(x)", lambda x, y: np.mean(x), []),
    ("x[0]", lambda x, y: x[0], []),
    ("reshape", lambda x, y: np.reshape(x, (2, 1)), []),
    ("transpose", lambda x, y: np.transpose(x), []),
    ("broadcast_to", lambda x, y: np.broadcast_to(x, (3, 2)), []),
    ("stack", lambda x, y: np.stack([x, y]), []),
    ("cumsum", lambda x, y: np.cumsum(x, axis=0), []),
    ("sign(x)", lambda x, y: np.sign(x), []),
    ("matmul(x, c)", lambda x, y: np.matmul(x, tensor([5.0, 6.0])), ["c"]),
    ("matmul(x, y)", lambda x, y: np.matmul(x, y), ["x", "y"]),
    ("where(m, x, y)", lambda x, y: np.where(np.array([True, False]), x, y), ["m"]),
    ("maximum(x, y)", lambda x, y: np.maximum(x, y), ["x", "y"]),
    ("lerp(x, y, 0.25)", lambda x, y: e.lerp(x, y, 0.25), []),
]


@pytest.mark.parametrize(("call", "kept"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT])
def test_a_node_keeps_what_its_rules_name(call: Callable[[Any, Any], Any], kept: list[str]) -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    result = call(x, y)
    found = [_name(value, x, y, result) for value in _arrays(result.grad_fn.saved)]
    assert sorted(found) == kept


def _arrays(saved: Any) -> Iterator[np.ndarray]:
    for value in saved:
        if isinstance(value, (tuple, list)):
            yield from _arrays(value)
        elif isinstance(value, (np.ndarray, np.generic)):
            yield value


def _name(array: np.ndarray, x: Tensor, y: Tensor, result: Tensor) -> str:
    for name, known in (("x", x.array), ("y", y.array), ("out", result.array)):
        if array is known:
            return name
    return "m" if array.dtype == bool else "c"


def test_what_is_kept_is_the_array_itself_and_no_copy() -> None:
    x = leaf(np.ones(1000))
    y = x * x
    assert all(value is x.array for value in _arrays(y.grad_fn.saved))
    assert np.exp(y).grad_fn.saved[0] is not None


# ---- letting go


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What dies in here dies by its count of references."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_saved_values_die_in_the_pass_while_the_graph_lives() -> None:
    x = leaf(np.ones(3))
    middle = np.exp(x)
    kept = weakref.ref(middle.array)
    y = np.sum(middle * 2)
    del middle
    assert kept() is not None
    backward([y])
    assert kept() is None
    assert type(y.grad_fn.edges[0].edges[0].saved) is Freed


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("walk", ["not", "backward", "create_graph", "failed"])
def test_a_graph_dies_with_its_last_reference(walk: str) -> None:
    x = leaf(np.ones(3))
    middle = np.exp(x)
    kept = weakref.ref(middle.array)
    y = np.sum(middle * middle)
    if walk == "backward":
        backward([y])
    elif walk == "create_graph":
        grad([y], [x], create_graph=True)
    elif walk == "failed":
        with pytest.raises(AutogradFailure):
            backward([middle])
    del middle, y
    assert kept() is None


@pytest.mark.usefixtures("no_collector")
def test_a_graph_with_views_and_changes_in_place_dies_with_its_last_reference() -> None:
    x = leaf(np.ones((2, 3)))
    y = x * 3
    kept = weakref.ref(y.array)
    view = y[0]
    view *= view + 1
    total = np.sum(y)
    backward([total])
    del y, view, total
    assert kept() is None


@pytest.mark.usefixtures("no_collector")
def test_a_leaf_and_its_gradient_die_with_their_last_reference() -> None:
    x = leaf(np.ones(3))
    backward([np.sum(x * x)])
    values, gradient = weakref.ref(x.array), weakref.ref(x.grad.array)
    del x
    assert values() is None
    assert gradient() is None
