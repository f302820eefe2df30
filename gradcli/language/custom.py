"""Functions with a derivative of their own: `def f(x) { ... } backward(g) { ... }`."""

from __future__ import annotations

from collections.abc import Callable
from types import CellType
from typing import Any

import numpy as np

from gradcli.engine import CUT, Node, Tensor, as_tensor, grad_mode, modes
from gradcli.engine.broadcasting import unbroadcast
from gradcli.engine.node import Marker
from gradcli.errors import AutogradFailure, ShapeFailure, TypeFailure
from gradcli.language.runtime import runtime
from gradcli.library.vocabulary import FUNCTIONS


@runtime
def custom(body: Callable[..., Any], name: str, takes: int) -> Callable[..., Any]:
    """A function whose `backward` clause is its derivative; `body` returns its value and the clause."""

    code, defaults = body.__code__, body.__defaults__ or ()  # type: ignore[attr-defined]
    names = code.co_varnames[: code.co_argcount]

    def call(*args: Any, **named: Any) -> Any:
        with grad_mode(False):
            value, clause = body(*args, **named)
        # The inputs are the parameters, however they were given: the clause returns a gradient for each.
        left = {**dict(zip(names[len(names) - len(defaults) :], defaults, strict=True)), **named}
        args, named = (*args, *(left[name] for name in names[len(args) :])), {}
        given = list(args)
        edges = tuple((a.node or None) if type(a) is Tensor else None for a in given)
        if not modes.recording or not any(edges):
            return value
        if type(value) is tuple:
            raise TypeFailure(f"`{name}` with a backward clause returns one tensor", help="stack several into one")
        out = as_tensor(value)
        if out.dtype.kind != "f":
            # Whole numbers and truth values have no gradient, whatever they were computed by.
            return value
        op = _op_of_clause(name, body, clause, given)
        # What the clause sees is watched like any saved value: a change in place before the pass is an error there.
        seen = tuple(cell.cell_contents.array for cell in clause.__closure__ or () if type(_held_by(cell)) is Tensor)
        node = Node(op, edges, (None, seen, *(None for _ in given[1:])))
        if modes.attend is not None:
            modes.attend(node, out.array, tuple(a.array if type(a) is Tensor else a for a in given), ())
        return Tensor(np.array(out.array)[()], node)

    call.__name__ = call.__qualname__ = name
    return call


def _held_by(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _op_of_clause(name: str, body: Callable[..., Any], clause: Callable[..., Any], given: list[Any]) -> Marker:
    """The operation that one call of a custom function is: its rule is the clause."""

    def rule(needs: tuple[bool, ...], g: Any, *_: Any) -> list[Any]:
        if type(g) is Tensor:
            # Recording: the body runs again, so that what it computed has a history for the clause to use.
            _, recorded = body(*given)
            results = recorded(g)
        else:
            results = clause(Tensor(g, CUT))
        several = results if isinstance(results, (tuple, list)) else (results,)
        if len(several) != len(given):
            raise AutogradFailure(
                f"the backward of `{name}` returned {len(several)} "
                f"gradient{'s' * (len(several) != 1)}, and `{name}` has "
                f"{len(given)} input{'s' * (len(given) != 1)}",
                label=f"function {name}Backward returned an incorrect number of gradients "
                f"(expected {len(given)}, got {len(several)})",
                help="return one gradient for each input, `none` where there is none",
            )
        return [
            _fitted(name, result, value, type(g) is Tensor) if need and result is not None else None
            for need, result, value in zip(needs, several, given, strict=True)
        ]

    def forward(*values: Any) -> Any:
        with grad_mode(False):
            inputs = (Tensor(v, CUT) if type(a) is Tensor else v for a, v in zip(given, values, strict=True))
            return as_tensor(body(*inputs)[0]).array

    return Marker(name, f"{name}Backward", rule, len(given), forward)


def _fitted(name: str, result: Any, value: Tensor, recorded: bool) -> Any:
    """A gradient from a clause, in the shape and dtype of its input."""
    g = as_tensor(result)
    if g.dtype != value.dtype:
        g = as_tensor(g, value.dtype)
    if g.shape != value.shape:
        try:
            fits = np.broadcast_shapes(g.shape, value.shape)
        except ValueError:
            fits = None
        if fits == g.shape:
            g = unbroadcast(g, value.shape)
        elif fits == value.shape:
            g = FUNCTIONS["broadcast_to"](g, value.shape)
        else:
            raise ShapeFailure(
                f"the backward of `{name}` returned a gradient of shape {g.shape} for an input of shape {value.shape}",
                label=f"Function {name}Backward returned an invalid gradient - got {list(g.shape)} but expected shape "
                f"compatible with {list(value.shape)}",
                help="a gradient has the shape of its input",
            )
    return g if recorded else g.array
