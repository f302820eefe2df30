"""Draws by a session's generator: shapes, dtypes, chances, no gradient, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli import GradcliError, Session


def drawn(expression: str, seed: int = 3) -> Any:
    session = Session(seed=seed, tracking="explicit")
    list(session.run(f"y = {expression}"))
    return session["y"]


def test_normal_has_its_means_and_deviations() -> None:
    x = drawn("normal(2, 0.5, (40000,))")
    assert x.shape == (40000,)
    assert x.dtype == np.float64
    assert abs(x.array.mean() - 2) < 0.01
    assert abs(x.array.std() - 0.5) < 0.01
    each = drawn("normal(tensor([[0.0], [100.0]]), tensor([1.0, 0.0, 10.0]))")
    assert each.shape == (2, 3)
    assert each.array[0, 1] == 0
    assert each.array[1, 1] == 100
    assert drawn("normal(mean=0, std=1, size=(2,), dtype=float32)").dtype == np.float32
    assert drawn("normal(tensor([1.0, 2.0]), 0)").array.tolist() == [1, 2]


@pytest.mark.parametrize("form", ["normal(0, 1, (5,))", "bernoulli(full((99,), 0.5))", "multinomial(ones(9), 4)"])
def test_the_same_seed_gives_the_same_draws(form: str) -> None:
    assert np.array_equal(drawn(form).array, drawn(form).array)
    assert not np.array_equal(drawn(form).array, drawn(form, seed=4).array)


def test_bernoulli_is_1_with_its_chance() -> None:
    x = drawn("bernoulli(tensor([0.0, 1.0, 0.25]).expand(20000, 3))")
    assert set(np.unique(x.array)) == {0, 1}
    np.testing.assert_allclose(x.array.mean(0), [0, 1, 0.25], atol=0.01)
    assert drawn("zeros(7).bernoulli_(1)").array.tolist() == [1] * 7
    assert drawn("bernoulli(zeros(3, 2), 1.0)").array.tolist() == [[1, 1]] * 3


def test_a_draw_has_no_history() -> None:
    assert not drawn("bernoulli(tensor([0.5], requires_grad=true))").requires_grad
    assert not drawn("normal(tensor([0.5], requires_grad=true), 1.0)").requires_grad


def test_multinomial_draws_by_weights() -> None:
    many = drawn("multinomial(tensor([1.0, 0.0, 3.0]), 40000, replacement=true)")
    assert many.dtype == np.int64
    np.testing.assert_allclose(np.bincount(many.array, minlength=3) / 40000, [0.25, 0, 0.75], atol=0.01)
    rows = drawn("multinomial(tensor([[1.0, 0.0, 3.0], [0.0, 2.0, 0.0]]), 5, true)")
    assert rows.shape == (2, 5)
    assert set(rows.array[0]) <= {0, 2}
    assert set(rows.array[1]) == {1}


def test_multinomial_without_replacement_draws_each_once_and_by_weights() -> None:
    first = drawn("multinomial(tensor([1.0, 0.0, 3.0, 4.0]).expand(20000, 4), 3)").array
    assert np.array_equal(np.sort(first, axis=1), np.tile([0, 2, 3], (20000, 1)))
    np.testing.assert_allclose(np.bincount(first[:, 0], minlength=4) / 20000, [0.125, 0, 0.375, 0.5], atol=0.015)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("normal(0, 1)", "size"),
        ("normal(0, -1, (3,))", "std >= 0"),
        ("normal(zeros(2), 1.0, (3,))", "size"),
        ("bernoulli(tensor([1.5]))", "p_in <= 1"),
        ("multinomial(ones(3), 4)", "without replacement"),
        ("multinomial(tensor([1.0, 0.0]), 2)", "not enough non-negative category"),
        ("multinomial(zeros(3), 1)", "sum of probabilities <= 0"),
        ("multinomial(tensor([1.0, -1.0]), 1)", "element < 0"),
        ("multinomial(ones(2, 2, 2), 1)", "1 or 2 dim"),
        ("multinomial(ones(2), 0)", "n_sample <= 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(expression: str, says: str) -> None:
    with pytest.raises(GradcliError, match=says):
        drawn(expression)
