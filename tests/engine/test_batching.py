"""A batched pass gives what one gradient at a time gives, for every golden case; and it takes every rule's word."""

from __future__ import annotations

import numpy as np
import pytest

from gradcli import Session, Tensor, tensor
from gradcli.engine import CUT, grad, jacobians
from gradcli.engine.batching import Batch, NotBatchable
from gradcli.engine.gradients import hooks_of
from tests.operations.inputs import Golden, read_golden

CASES = [case for case in read_golden() if case.variant == "float64" and case.gradients and case.error is None]


def tracked_results(case: Golden) -> tuple[list[Tensor], list[Tensor]]:
    """The results of a case that require grad, and the leaves it was run on."""
    session = Session(tracking="explicit")
    leaves = []
    for name, array in case.arrays().items():
        session[name] = leaf = tensor(array, dtype=array.dtype, requires_grad=array.dtype.kind == "f")
        leaves.append(leaf)
    for _ in session.run(f"result = {case.expression}"):
        pass
    result = session["result"]
    several = list(result) if isinstance(result, (tuple, list)) else [result]
    tracked = [part for part in several if isinstance(part, Tensor) and part.requires_grad and part.array.size]
    return tracked, [leaf for leaf in leaves if leaf.requires_grad]


APART = {"diagonal(batch, -1, 0, 2)", "cube[[0, 1], :, [1, 2]]", "cube[keep[:2], 1:, pick]"}
"""Index arrays that stand apart put their dimension first, before the batch's: there it's one gradient at a time."""


def assert_together(output: Tensor, leaves: list[Tensor], apart: bool = False) -> None:
    """The pass for all rows at once worked, and gives the rows of the passes one by one."""
    size = output.array.size
    basis = np.random.default_rng(size).standard_normal((min(size, 3) + 1, *output.shape))
    together = jacobians._together(output, leaves, basis)
    assert (together is None) == apart, "whether the rules took the batch"
    if together is None:
        together = jacobians.products(output, leaves, basis)
    for found, wanted in zip(together, jacobians._one_by_one(output, leaves, basis, False), strict=True):
        smallest = min(found.dtype, output.dtype, key=lambda dtype: dtype.itemsize)
        rtol = {np.float64: 1e-12, np.float32: 1e-5, np.float16: 2e-3}[smallest.type]
        np.testing.assert_allclose(found.array, wanted.array, rtol=rtol, atol=1e-14 if rtol == 1e-12 else rtol)


@pytest.mark.parametrize("case", CASES, ids=[case.expression for case in CASES])
def test_a_case_batches_and_is_right(case: Golden) -> None:
    results, leaves = tracked_results(case)
    with np.errstate(all="ignore"):
        for result in results:
            assert_together(result, leaves, case.expression in APART)


@pytest.mark.parametrize("case", CASES, ids=[case.expression for case in CASES])
def test_the_graph_of_a_gradient_batches_too(case: Golden) -> None:
    results, leaves = tracked_results(case)
    with np.errstate(all="ignore"):
        for result in results:
            vector = Tensor(np.linspace(1, 2, result.array.size).reshape(result.shape), CUT)
            slopes = grad([result], leaves, [vector], create_graph=True, materialize_grads=True)
            for slope in slopes:
                if slope is not None and slope.requires_grad and slope.array.size:
                    assert_together(slope, leaves)


def test_what_a_batch_has_no_answer_to_is_refused() -> None:
    batch = Batch(np.ones((2, 3)))
    for ask in (float, bool, len, list, np.asarray, np.sort, lambda b: b[np.array([0]), None, np.array([0])]):
        with pytest.raises(NotBatchable):
            ask(batch)
    with pytest.raises(NotBatchable):
        np.add(np.ones(3), batch, out=np.ones(3))


def test_a_pass_that_can_not_be_batched_is_made_one_by_one() -> None:
    x = tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 2
    seen = []
    hooks_of(y).functions["each"] = lambda g: seen.append(g.shape)
    (rows,) = jacobians.jacobian(y, [x])
    assert seen == [(3,)] * 3
    np.testing.assert_array_equal(rows.array, 2 * np.eye(3))
