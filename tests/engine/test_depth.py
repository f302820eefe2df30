"""Iteration, not recursion: graphs that are long, wide and deep, on a small stack."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from gradcli.engine import Tensor, backward, grad, tensor
from gradcli.engine.shaping import permute

ON_A_SMALL_STACK = """
import threading
from gradcli.engine import backward, grad, tensor
def work():
{body}
threading.stack_size(256 * 1024)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def run_on_a_small_stack(body: str, seconds: float) -> str:
    """Runs statements in a thread with a quarter of a megabyte of C stack: recursion over a long chain ends there."""
    text = ON_A_SMALL_STACK.format(body="\n".join(f"    {line}" for line in body.strip().splitlines()))
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_million_nodes_forward_backward_and_freed() -> None:
    out = run_on_a_small_stack(
        """
x = tensor(1.0, requires_grad=True)
y = x
for _ in range(1_000_000):
    y = y + 1.0
backward([y])
del y
print(x.grad.array)
""",
        seconds=30,
    )
    assert float(out) == 1.0


def test_a_long_chain_that_was_never_walked_is_freed_too() -> None:
    out = run_on_a_small_stack(
        """
x = tensor(1.0, requires_grad=True)
y = x
for _ in range(200_000):
    y = y * 1.0
del x, y
print("freed")
""",
        seconds=30,
    )
    assert out == "freed\n"


def test_a_long_chain_of_gradients_of_gradients() -> None:
    out = run_on_a_small_stack(
        """
x = tensor(1.0, requires_grad=True)
y = x
for _ in range(30_000):
    y = y * x
(g,) = grad([y], [x], create_graph=True)
(h,) = grad([g], [x])
print(g.array, h.array)
del y, g
""",
        seconds=30,
    )
    assert out == "30001.0 900030000.0\n"


def test_a_long_chain_on_the_way_to_one_wanted_input() -> None:
    x, other = tensor(1.0, requires_grad=True), tensor(2.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y + other
    (g,) = grad([y], [other])
    assert g is not None
    assert g.array == 20_000.0


def test_a_wide_graph() -> None:
    leaves = [tensor(float(k), requires_grad=True) for k in range(3000)]
    total = np.sum(np.stack(leaves) * 2)
    shared = leaves[0]
    for one in leaves:
        total = total + one * shared
    backward([total])
    assert leaves[7].grad.array == 2.0
    assert leaves[0].grad.array == 2.0 + sum(range(3000))


def test_a_deep_grid_of_diamonds() -> None:
    """Pascal's triangle: 200 rows, each value used by two of the next."""
    row = [tensor(1.0, requires_grad=True)]
    x = row[0]
    for _ in range(200):
        row = [row[0], *(a + b for a, b in pairwise(row)), row[-1]]
        total: Tensor = row[0]
    for value in row[1:]:
        total = total + value
    backward([total])
    assert x.grad.array == pytest.approx(2.0**200)


def test_a_long_chain_of_changes_in_place() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    for _ in range(20_000):
        y += x
    backward([np.sum(y)])
    np.testing.assert_array_equal(x.grad.array, [20_001.0, 20_001.0])


def test_a_long_chain_of_changes_in_place_through_a_view() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    first = y[0]
    for _ in range(3_000):
        first += x[1]
    backward([np.sum(y)])
    np.testing.assert_array_equal(x.grad.array, [1.0, 3_001.0])


def test_a_long_chain_of_views_takes_time_in_proportion() -> None:
    out = run_on_a_small_stack(
        """
from time import process_time
from gradcli.engine.shaping import permute
def seconds(length):
    start = process_time()
    y = tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True) * 1
    for _ in range(length):
        y = permute(y, (1, 0))
    return process_time() - start
seconds(1000)
print(seconds(30_000) / seconds(3_000))
""",
        seconds=60,
    )
    # Ten times the length: a factor of ten where each view costs the same, a hundred where it copies its past.
    assert float(out) < 30


def test_views_of_views_lead_back_to_their_base() -> None:
    y = tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True) * 1
    view = y
    for _ in range(101):
        view = permute(view, (1, 0))
    view[0, 1] = 9.0
    np.testing.assert_array_equal(y.array, [[1.0, 2.0], [9.0, 4.0]])
