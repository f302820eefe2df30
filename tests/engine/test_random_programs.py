"""Random programs against an independent engine, and what holds for the gradients of any program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, currently_in_test_context, event, given, note, settings
from hypothesis import strategies as st

from gradcli.engine import TABLE, Tensor, backward, grad, tensor
from gradcli.errors import AutogradFailure
from tests.engine import naive
from tests.engine.programs import QUARTERS, SMOOTH_STEPS, STEPS, Program, leaves, weights


# The same programs on every run: a failure can be had again, and a run takes the same time everywhere.
def every_time(examples: int) -> settings:
    phases = (Phase.generate, Phase.shrink)
    return settings(max_examples=examples, derandomize=True, deadline=None, database=None, phases=phases)


def say(program: Program) -> None:
    """The program's text, for the report of a failure."""
    if currently_in_test_context():
        note(program.text())


def check(program: Program) -> None:
    """Compares all values, and the gradients of the last three."""
    say(program)
    for found, expected in program.values:
        assert found.shape == expected.shape
        np.testing.assert_allclose(np.ravel(found.array), expected.values, rtol=1e-9, atol=1e-9)
    outputs = program.values[-3:]
    vectors = [weights(len(array.places)) for _, array in outputs]
    expected, largest = naive.gradients(
        [scalar for _, array in outputs for scalar in array.scalars],
        [weight for vector in vectors for weight in vector],
        [scalar for leaf in program.naive_leaves for scalar in leaf.scalars],
    )
    tracked = [(found, vector) for (found, _), vector in zip(outputs, vectors, strict=True) if found.requires_grad]
    if tracked:
        backward([found for found, _ in tracked], [tensor(np.reshape(v, found.shape)) for found, v in tracked])
    gradients = [np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.array for leaf in program.leaves]
    found_all = [value for gradient in gradients for value in np.ravel(gradient)]
    np.testing.assert_allclose(found_all, expected, rtol=1e-7, atol=1e-9 * (1 + largest))


@every_time(300)
@given(leaves(), st.lists(SMOOTH_STEPS, max_size=12))
def test_values_and_gradients_are_those_of_the_naive_engine(starts: Any, steps: Any) -> None:
    check(Program(starts).run(steps))


@every_time(300)
@given(leaves(), st.lists(STEPS, min_size=2, max_size=14))
def test_with_changes_in_place_too(starts: Any, steps: Any) -> None:
    """A changed value that a rule needs is an error; where there is none, the numbers are right."""
    program = Program(starts).run(steps)
    try:
        check(program)
    except AutogradFailure as failure:
        if not program.changed or "modified by an inplace operation" not in failure.message:
            raise
        event("a saved value changed")
    else:
        event("changed" if program.changed else "not changed")


def test_the_naive_engine_knows_operations_of_the_table() -> None:
    for name in (*naive.UNARY, *naive.BINARY, *naive.REDUCTIONS):
        assert name in TABLE


def test_the_oracle_finds_a_wrong_derivative(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof that the comparison can fail."""
    monkeypatch.setattr(TABLE["sin"], "rules", (lambda g, _y, x: g * np.cos(x) * 1.001,))
    with pytest.raises(AssertionError):
        check(Program([((2,), [0.5, 0.75])]).run([("unary", "sin", 0)]))


# ---- what holds for any program


def gradients_of(program: Program, outputs: list[Tensor], vectors: list[np.ndarray], **options: bool) -> list[Any]:
    return grad(
        outputs,
        program.leaves,
        [tensor(vector) for vector in vectors],
        retain_graph=True,
        materialize_grads=True,
        **options,
    )


def assert_close(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9 * (1 + np.max(np.abs(other), initial=0.0)))


@every_time(60)
@given(leaves(), st.lists(SMOOTH_STEPS, max_size=8), QUARTERS, QUARTERS)
def test_backward_is_linear_in_the_vector(starts: Any, steps: Any, a: float, b: float) -> None:
    program = Program(starts).run(steps)
    say(program)
    y = program.values[-1][0]
    v = np.reshape(weights(y.size), y.shape)
    w = np.reshape(weights(y.size + 1)[1:], y.shape)
    whole = gradients_of(program, [y], [a * v + b * w])
    parts = zip(gradients_of(program, [y], [v]), gradients_of(program, [y], [w]), strict=True)
    assert_close([g.array for g in whole], [a * of_v.array + b * of_w.array for of_v, of_w in parts])


@every_time(60)
@given(leaves(), st.lists(SMOOTH_STEPS, min_size=1, max_size=8))
def test_the_sum_of_gradients_is_the_gradient_of_the_sum(starts: Any, steps: Any) -> None:
    program = Program(starts).run(steps)
    say(program)
    y, z = program.values[-1][0], program.values[-2 % len(program.values)][0]
    ones = [np.ones(y.shape), np.ones(z.shape)]
    together = gradients_of(program, [y, z], ones)
    summed = gradients_of(program, [np.sum(y) + np.sum(z)], [np.array(1.0)])
    apart = zip(gradients_of(program, [y], ones[:1]), gradients_of(program, [z], ones[1:]), strict=True)
    assert_close([g.array for g in together], [g.array for g in summed])
    assert_close([g.array for g in together], [of_y.array + of_z.array for of_y, of_z in apart])


@every_time(60)
@given(leaves(), st.lists(SMOOTH_STEPS, max_size=8))
def test_create_graph_gives_the_same_gradients_and_a_symmetric_hessian(starts: Any, steps: Any) -> None:
    program = Program(starts).run(steps)
    say(program)
    y = program.values[-1][0]
    v = np.reshape(weights(y.size), y.shape)
    firsts = gradients_of(program, [y], [v], create_graph=True)
    assert_close([g.array for g in firsts], [g.array for g in gradients_of(program, [y], [v])])
    rows = []
    for g in firsts:
        for place in range(g.size):
            if not g.requires_grad:
                rows.append(np.zeros(sum(leaf.size for leaf in program.leaves)))
                continue
            unit = np.zeros(g.size)
            unit[place] = 1.0
            row = gradients_of(program, [g], [np.reshape(unit, g.shape)])
            rows.append(np.concatenate([np.ravel(part.array) for part in row]))
    hessian = np.array(rows)
    assert_close([hessian], [hessian.T])
