"""The statements that show what ran: `graph`, `explain`, `check`. What they need is loaded when one of them runs."""

from __future__ import annotations

from typing import Any

from gradcli.engine import Tensor, as_tensor
from gradcli.engine.gradients import no_single_number
from gradcli.errors import NameFailure, TypeFailure, kind_of
from gradcli.events import Checked, Explained, Graph
from gradcli.language.runtime import runtime
from gradcli.library import context


def _history_of(statement: str, y: Any) -> Any:
    if isinstance(y, (list, tuple)):
        y = as_tensor(y)
    if type(y) is not Tensor:
        if isinstance(y, (int, float)):
            raise TypeFailure(f"{statement} starts from a tensor, and this is a number", cause="number")
        raise TypeFailure(f"{statement} starts from a tensor, and this is {kind_of(y)}")
    return context.current().history_of(y)


@runtime
def graph(y: Any, name: str | None, line: int) -> None:
    """`graph y`."""
    from gradcli.analysis.graph import graph_of

    history = _history_of("graph", y)
    context.current().emit(Graph(graph_of(history, names=context.current().named_tensors()), name, line))


@runtime
def explain(y: Any, name: str | None, line: int) -> None:
    """`explain y`."""
    from gradcli.analysis.derivation import derive

    history = _history_of("explain", y)
    context.current().emit(Explained(derive(history, names=context.current().named_tensors()), name, line))


@runtime
def check(y: Any, name: str | None, line: int, *claims: Any) -> None:
    """`check y claim x: value, ...`; `claims` are a name, its place and a value by turns."""
    from gradcli.analysis.check import check as checked

    history = _history_of("check", y)
    if history.result.value.size != 1:
        node = history.result.node
        raise no_single_number("check", history.result.value.shape, node, "reduce it, `check {root.sum}`")
    claimed = {leaf: as_tensor(value).array for leaf, value in zip(claims[::3], claims[2::3], strict=True)}
    try:
        with context.current().aside():
            report = checked(history, claimed or None)
    except NameFailure as failure:
        # It's a claim that is about no leaf: in its own place.
        for leaf, place in zip(claims[::3], claims[1::3], strict=True):
            if f"`{leaf}`" in failure.message:
                failure.argument = "", place
        raise
    context.current().emit(Checked(report, name, line))
