"""`grad_fn.next_functions`: the inputs as torch counts them, which has no place for what has no derivative."""

from __future__ import annotations

import pytest

from gradcli import Session

LEAF, NONE = ("AccumulateGrad", 0), (None, 0)

# PyTorch 2.13's.
EDGES = {
    "x + 2": [LEAF, NONE],
    "x - 2": [LEAF, NONE],
    "x * 2": [LEAF, NONE],
    "x / 2": [LEAF, NONE],
    "2 - x": [LEAF],
    "x ** 2": [LEAF],
    "2 ** x": [LEAF],
    "x ** y": [LEAF, LEAF],
    "x % 2": [LEAF],
    "x % y": [LEAF, LEAF],
    "fmod(x, 2)": [LEAF],
    "rsub(x, 2)": [LEAF],
    "rsub(x, y)": [LEAF, LEAF],
    'div(x, y, rounding_mode="floor")': [LEAF, LEAF],
    'div(x, 2, rounding_mode="trunc")': [LEAF, NONE],
    "deg2rad(x)": [LEAF],
    "clamp(x, 0, 1)": [LEAF],
    "clamp(x, y, 2 * y)": [LEAF, LEAF, ("MulBackward0", 0)],
    "clamp(x, max=y)": [LEAF, NONE, LEAF],
    "clamp_min(x, 0)": [LEAF],
    "clamp_max(x, y)": [LEAF, LEAF],
    "where(x > 0, x, y)": [LEAF, LEAF],
    "where(x > 0, x, 0)": [LEAF, NONE],
    "masked_fill(x, x > 0, 1)": [LEAF],
    "masked_fill(x, x > 0, s)": [LEAF, LEAF],
    "lerp(x, y, 0.5)": [LEAF, LEAF],
    "lerp(x, y, y)": [LEAF, LEAF, LEAF],
    "gather(x, 0, tensor([0], dtype=int64))": [LEAF],
    "x[tensor([0], dtype=int64)]": [LEAF],
    "cat([x, y.detach()])": [LEAF, NONE],
    "unbind(x)[1]": [LEAF],
    "unbind(x)[1] + unbind(x)[0]": [("UnbindBackward0", 1), ("UnbindBackward0", 0)],
    "sort(x).values": [LEAF],
}


@pytest.mark.parametrize("expression", EDGES)
def test_they_are_torch_s(expression: str) -> None:
    session = Session(tracking="explicit")
    list(
        session.run(
            "x = tensor([1., 2.], requires_grad=true)\ny = tensor([2., 3.], requires_grad=true)\n"
            f"s = tensor(1., requires_grad=true)\nr = {expression}\nedges = r.grad_fn.next_functions"
        )
    )
    assert [(node.name if node else None, place) for node, place in session["edges"]] == EDGES[expression]


def test_a_leaf_s_node_has_none_and_they_lead_to_it() -> None:
    session = Session()
    list(session.run("x = 3\ny = x^2\n((node, _),) = y.grad_fn.next_functions"))
    assert session["node"].next_functions == ()
    assert session["node"] is session["x"].node
