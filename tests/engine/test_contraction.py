"""Einstein sums by way of matrix products: what np.einsum gives, quicker, in value and gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.engine import backward, contraction, grad, tensor
from gradcli.engine.linear import einsum

SIZES = st.sampled_from([1, 2, 3, 30])


@st.composite
def sums(draw: st.DrawFn) -> tuple[str, list[np.ndarray]]:
    """Subscripts of two to four operands, and arrays of such shapes; here and there a size is 1 and broadcasts."""
    letters = "abcde"
    sizes = {letter: draw(SIZES) for letter in letters}
    terms = draw(st.lists(st.lists(st.sampled_from(letters), unique=True, max_size=4), min_size=2, max_size=4))
    known = sorted({letter for term in terms for letter in term})
    output = draw(st.permutations(known).flatmap(lambda order: st.integers(0, len(order)).map(lambda n: order[:n])))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    shapes = [[1 if draw(st.integers(0, 9)) == 0 else sizes[letter] for letter in term] for term in terms]
    subscripts = f"{','.join(''.join(term) for term in terms)}->{''.join(output)}"
    return subscripts, [rng.normal(size=shape) for shape in shapes]


@pytest.fixture(params=[0, contraction._WORTH], ids=["always", "where it pays"])
def worth(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """From how many products on the sum is rearranged."""
    monkeypatch.setattr(contraction, "_WORTH", request.param)
    return request.param


@settings(deadline=None, max_examples=300)
@given(sums())
def test_any_sum_is_that_of_numpy(case: tuple[str, list[np.ndarray]]) -> None:
    subscripts, arrays = case
    worth, contraction._WORTH = contraction._WORTH, 0
    try:
        found = contraction.contracted(subscripts, arrays)
    finally:
        contraction._WORTH = worth
    expected = np.einsum(subscripts, *arrays)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * max(1, np.max(np.abs(expected), initial=0)))


def slopes_by_numpy(subscripts: str, arrays: list[np.ndarray], g: np.ndarray) -> list[np.ndarray]:
    """Each operand's gradient from its sizes as they are, broadcast beforehand and summed back."""
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    found = []
    for k, term in enumerate(terms):
        others = [(t, a) for i, (t, a) in enumerate(zip(terms, arrays, strict=True)) if i != k]
        # Ones with all letters, so that none is missing.
        sizes: dict[str, int] = {}
        for t, a in zip(terms, arrays, strict=True):
            for letter, n in zip(t, a.shape, strict=True):
                sizes[letter] = max(n, sizes.get(letter, 1))
        ones = np.ones([sizes[letter] for letter in term])
        slope = np.einsum(
            f"{','.join([output, term, *(t for t, _ in others)])}->{term}", g, ones, *(a for _, a in others)
        )
        axes = tuple(axis for axis, n in enumerate(arrays[k].shape) if n == 1)
        found.append(np.sum(slope, axis=axes, keepdims=True))
    return found


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(40, 30), (30, 20)]),
        ("ij,kj->ki", [(40, 30), (20, 30)]),
        ("bij,bjk->bik", [(5, 20, 30), (5, 30, 20)]),
        ("bij,bjk->kbi", [(5, 20, 30), (1, 30, 20)]),
        ("abij,kjb->aik", [(3, 4, 10, 30), (20, 30, 4)]),
        ("ij,jk->i", [(40, 30), (30, 20)]),
        ("ij,jk->", [(40, 30), (30, 20)]),
        ("ij,ij->i", [(400, 300), (400, 300)]),
        ("i,j->ij", [(400,), (300,)]),
        ("ij,jk->ik", [(40, 1), (30, 20)]),
        ("ni,kij,nj->nk", [(30, 10), (7, 10, 12), (30, 12)]),
        ("bij,bjk,kl->bil", [(5, 10, 12), (5, 12, 9), (9, 8)]),
        ("ij,jk,kl,lm->im", [(20, 10), (10, 15), (15, 9), (9, 8)]),
        (",ij,jk->ik", [(), (40, 30), (30, 20)]),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_values_and_gradients(subscripts: str, shapes: list[tuple[int, ...]], dtype: str, worth: int) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in shapes]
    leaves = [tensor(array, dtype=dtype, requires_grad=True) for array in arrays]
    close: Any = {"rtol": 1e-9, "atol": 1e-9} if dtype == "float64" else {"rtol": 1e-3, "atol": 1e-3}
    y = einsum(leaves, subscripts)
    expected = np.einsum(subscripts, *arrays, optimize=len(arrays) > 2)
    assert y.dtype == dtype
    assert y.shape == expected.shape
    np.testing.assert_allclose(y.array, expected, **close)
    g = rng.normal(size=expected.shape)
    backward([y], [tensor(g, dtype=dtype)])
    for leaf, slope in zip(leaves, slopes_by_numpy(subscripts, arrays, g), strict=True):
        assert leaf.grad.dtype == dtype
        np.testing.assert_allclose(leaf.grad.array, slope, **close)


def test_a_second_derivative_goes_the_same_way(worth: int) -> None:
    rng = np.random.default_rng(0)
    x, y = (tensor(rng.normal(size=(30, 30)), requires_grad=True) for _ in range(2))
    (first,) = grad([np.sum(einsum([x, y], "ij,jk->ik") ** 2)], [x], create_graph=True)
    (second,) = grad([np.sum(first)], [y])
    (like,) = grad([np.sum((x @ y) ** 2)], [x], create_graph=True)
    (expected,) = grad([np.sum(like)], [y])
    np.testing.assert_allclose(second.array, expected.array, rtol=1e-9)


@pytest.mark.parametrize(
    ("dtype", "subscripts"),
    [("int64", "ij,jk->ik"), ("float16", "ij,jk->ik"), ("float64", "ij,jk"), ("float64", "...j,jk->...k")],
)
def test_what_is_no_matter_of_blas_is_left_to_numpy(dtype: str, subscripts: str, worth: int) -> None:
    x, y = np.arange(6).reshape(2, 3).astype(dtype), np.arange(12).reshape(3, 4).astype(dtype)
    found = contraction.contracted(subscripts, [x, y])
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, x @ y)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(60, 30), (30, 30)]),
        ("ij,kj->ki", [(60, 30), (30, 30)]),
        ("bij,bjk->bik", [(8, 20, 20), (8, 20, 20)]),
        ("ni,kij->nkj", [(30, 10), (7, 10, 12)]),
    ],
)
def test_a_sum_and_its_gradients_are_matrix_products(
    subscripts: str, shapes: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them goes through np.einsum, which takes five times as long."""
    rng = np.random.default_rng(0)
    leaves = [tensor(rng.normal(size=shape), requires_grad=True) for shape in shapes]
    expected = einsum(leaves, subscripts).array
    monkeypatch.delattr(np, "einsum")
    y = einsum(leaves, subscripts)
    backward([np.sum(y)])
    np.testing.assert_array_equal(y.array, expected)
