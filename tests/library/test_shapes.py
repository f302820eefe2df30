"""Views of tensors whose elements don't lie in a row: what needs a copy is refused where torch refuses it."""

from __future__ import annotations

import pytest

from gradcli import Session
from gradcli.errors import ShapeFailure


@pytest.mark.parametrize("call", ["x.T.view(4)", "x.T.view_as(zeros(4))"])
def test_a_view_never_copies(call: str) -> None:
    with pytest.raises(ShapeFailure, match="view size is not compatible"):
        list(Session().run(f"x = [[1, 2], [3, 4]]; {call}"))


@pytest.mark.parametrize("call", ["x.T.reshape(4)", "x.T.reshape_as(zeros(4))"])
def test_a_reshape_copies_where_it_must(call: str) -> None:
    (row,) = (event.value for event in Session().run(f"x = [[1, 2], [3, 4]]; {call}"))
    assert row.array.tolist() == [1, 3, 2, 4]
