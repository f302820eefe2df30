"""Where a value or a gradient first stops being finite: which operation, of which operands, and what to do.

NumPy notices it by the processor's flags, which it reads after each of its loops anyway; its "call" mode tells us. So
nothing is computed, and nothing is paid, while all is well. A flag may be raised on the way to a finite result (in a
branch that isn't selected), so what an operation gave is looked at before anything is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from gradcli.engine import modes
from gradcli.engine.node import ACCUMULATE_GRAD, Node
from gradcli.engine.tensor import Tensor
from gradcli.errors import ValueFailure

Tell = Callable[[str, str, dict[str, tuple[Any, int]]], None]
"""Takes a message, a help, and the places that they speak of."""

_CURES = {
    "sqrt": "the slope of sqrt is infinite at 0: keep 0 out, `sqrt(x + 1e-12)`; a length is `norm(x)`, which has a "
    "gradient at 0",
    "rsqrt": "keep 0 out: `rsqrt(x + 1e-12)`",
    "log": "keep 0 out: `log(x + 1e-12)`; the log of a softmax is `log_softmax`, log(1 + x) is `log1p`, x log(y) is "
    "`xlogy`",
    "exp": "exp overflows beyond 709 (88 in float32): `logsumexp`, `softmax`, `softplus` and `expm1` don't",
    "div": "keep 0 out of the denominator, in a branch that isn't selected too: `x / where(y == 0, 1, y)`",
    "pow": "a power below 1 has an infinite slope at 0: keep 0 out, `(x + 1e-12)^p`",
}
_MORE = {"log2": "log", "log10": "log", "exp2": "exp", "sinh": "exp", "cosh": "exp", "reciprocal": "div"}
_DOUBLE_WHERE = (
    "where computes both branches, and 0 * inf is nan: choose the argument too, `where(c, f(where(c, x, 1)), 0)`"
)


class Watch:
    """Looks for the first inf, the first nan and the first gradient that is either; `tell` is told of each once."""

    def __init__(self, tell: Tell, is_error: bool) -> None:
        self.tell = tell
        self.is_error = is_error
        self.in_backward = False
        self._told: set[str] = set()
        self._before: Any = None
        self._armed = False

    def errors(self) -> np.errstate:
        """NumPy's state for a stretch of computation: a raised flag arms the watch, and nothing is printed."""
        return np.errstate(under="ignore", over="call", divide="call", invalid="call", call=self._raised)

    def _raised(self, kind: str, flag: int) -> None:
        modes.raised = kind
        if not self._armed and not self.in_backward:
            self._armed, self._before, modes.attend = True, modes.attend, self._look

    def disarm(self) -> None:
        modes.raised = None
        if self._armed:
            self._armed, modes.attend = False, self._before

    def _look(
        self, node: Node | None, out: Any, inputs: tuple[Any, ...], parameters: tuple[Any, ...], op: Any = None
    ) -> None:
        """In the place of whoever attends to operations, for the one that raised the flag."""
        self.disarm()
        if modes.attend is not None:
            modes.attend(node, out, inputs, parameters)
        kind = _became(out, inputs)
        name = node.op.name if node is not None else op.name if op is not None else "an operation"
        if kind and kind not in self._told:
            self._told.add(kind)
            self._say(f"{_computed(name, inputs, out)}", cure_of(name), {})

    def gradient(self, node: Node, g: Any, contribution: Any, roots: Iterable[Node]) -> None:
        """Looks at what a rule gave, after NumPy raised a flag in it."""
        modes.raised = None
        arrays = [value.array if type(value) is Tensor else value for value in (g, contribution)]
        if not all(isinstance(array, (np.ndarray, np.generic)) for array in arrays):
            return
        kind = _became(arrays[1], (arrays[0],))
        if not kind or "gradient" in self._told:
            return
        self._told.add("gradient")
        incoming, given = arrays
        spot = _first_bad(given)
        zero = incoming.shape == given.shape and incoming[spot] == 0
        chooser = _chooser(node, roots) if zero else None
        why = "0 * inf " if zero else ""
        where = f", at {list(map(int, spot))}" if given.ndim else ""
        branch = ", in the branch that `where` at {chooser} did not select" if chooser is not None else ""
        places = {"op": _place(node)} | ({"chooser": _place(chooser)} if chooser is not None else {})
        self._say(
            f"a gradient became {kind}{where}: {why or 'computed '}in the backward of {node.op.name} at {{op}}{branch}",
            _DOUBLE_WHERE if chooser is not None else cure_of(node.op.name),
            places,
        )

    def _say(self, message: str, help: str, places: dict[str, tuple[Any, int]]) -> None:
        if self.is_error:
            raise ValueFailure(message, help=help, places=places)
        self.tell(message, help, places)


def cure_of(name: str) -> str:
    """The usual remedy for an operation's inf or nan."""
    return _CURES.get(_MORE.get(name, name), "look at the operands, and keep out those that it isn't defined for")


def _became(out: Any, inputs: tuple[Any, ...]) -> str:
    """Which of nan and inf is in a result that came from none; empty where there is nothing new."""
    for kind, test in (("nan", np.isnan), ("inf", np.isinf)):
        if any(test(array).any() for array in _reals(out)):
            # An infinite operand may well give another inf; what's new in `inf - inf` is nan.
            before = [array for part in inputs for array in _reals(part)]
            known = np.isnan if kind == "nan" else lambda array: ~np.isfinite(array)
            return "" if any(known(array).any() for array in before) else kind
    return ""


def _reals(value: Any) -> list[Any]:
    if isinstance(value, (tuple, list)):
        return [array for part in value for array in _reals(part)]
    if isinstance(value, (float, int)) or (isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"):
        return [np.asarray(value)]
    return []


def _first_bad(array: Any) -> tuple[int, ...]:
    return tuple(np.argwhere(~np.isfinite(array))[0]) if array.ndim else ()


def _computed(name: str, inputs: tuple[Any, ...], out: Any) -> str:
    """The operation on the first elements that make no finite one: `log(0) is -inf, at [2]`."""
    arrays = _reals(out)
    if len(arrays) != 1:
        return f"{name} gives a value that isn't finite"
    spot = _first_bad(arrays[0])
    where = f", at {list(map(int, spot))}" if spot else ""
    try:
        operands = [np.broadcast_to(np.asarray(part), arrays[0].shape)[spot] for part in inputs]
    except ValueError:
        shapes = " and ".join(str(np.shape(part)) for part in inputs)
        return f"{name} of {shapes} gives {arrays[0][spot]:g}{where}"
    return f"{name}({', '.join(f'{operand:g}' for operand in operands)}) is {arrays[0][spot]:g}{where}"


def _chooser(node: Node, roots: Iterable[Node]) -> Node | None:
    """The `where` nearest to the result through which its gradient comes to `node`, if there is one."""
    for root in roots:
        seen: dict[Node, Node | None] = {root: None}
        stack = [root]
        while stack:
            here = stack.pop()
            for edge in here.edges:
                if edge and edge not in seen and edge.op is not ACCUMULATE_GRAD:
                    seen[edge] = here
                    stack.append(edge)
        above = seen.get(node)
        while above is not None:
            if above.op.name == "where":
                return above
            above = seen[above]
    return None


def _place(node: Node) -> tuple[Any, int]:
    return (node.code, node.instruction) if node.code is not None else (None, 0)
