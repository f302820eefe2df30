"""Functions that make tensors: how they may be called."""

from __future__ import annotations

import pytest

from gradcli import Session
from gradcli.errors import TypeFailure


@pytest.mark.parametrize(
    "call",
    [
        "randint(3, (50,))", "randint(3, size=(50,))", "randint(high=3, size=(50,))", "randint(0, 3, (50,))",
        "randint(0, high=3, size=(50,))", "randint(low=0, high=3, size=(50,))",
    ],
)  # fmt: skip
def test_whole_numbers_are_drawn_below_the_highest_wherever_it_stands(call: str) -> None:
    session = Session(seed=0)
    list(session.run(f"y = {call}"))
    assert session["y"].shape == (50,)
    assert set(session["y"].array.tolist()) == {0, 1, 2}


@pytest.mark.parametrize(("call", "missing"), [("randint(3)", "size"), ("randint(size=(2,))", "high")])
def test_what_is_missing_of_randint_is_told(call: str, missing: str) -> None:
    with pytest.raises(TypeFailure, match=f"needs an argument `{missing}`"):
        list(Session().run(call))


@pytest.mark.parametrize("name", ["as_tensor", "asarray", "np.asarray"])
def test_a_tensor_stays_itself_and_keeps_its_history(name: str) -> None:
    session = Session()
    list(session.run(f"x = [1., 2.]\ny = {name}(2*x)\nbackward y.sum()\nz = {name}(x)"))
    assert session["x"].grad.array.tolist() == [2, 2]
    assert session["z"] is session["x"]


def test_as_tensor_makes_a_tensor_of_numbers_and_of_another_dtype() -> None:
    session = Session()
    list(
        session.run(
            "x = as_tensor([[1, 2]])\ny = as_tensor(x, float32)\nbackward y.sum()\nz = as_tensor(3, dtype=int64)"
        )
    )
    assert (session["x"].dtype, session["y"].dtype, session["z"].dtype) == ("float64", "float32", "int64")
    assert session["x"].grad.array.tolist() == [[1, 1]]
