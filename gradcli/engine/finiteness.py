"""Where a value or a gradient first stops being finite: which operation, of which operands, and what to do.

NumPy notices it by the processor's flags, which it reads after each of its loops anyway; its "call" mode tells us. So
nothing is computed, and nothing is paid, while all is well. A flag may be raised on the way to a finite result (in a
branch that isn't selected), so what an operation gave is looked at before anything is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcli.engine import modes
from gradcli.engine.node import Node
from gradcli.engine.tensor import Tensor
from gradcli.errors import ValueFailure

if TYPE_CHECKING:
    from gradcli.engine.nonfinite import NonFinite

Tell = Callable[[str, str, dict[str, tuple[Any, int]]], None]
"""Takes a message, a help, and the places that they speak of."""


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
        flag = modes.raised
        self.disarm()
        if modes.attend is not None:
            modes.attend(node, out, inputs, parameters)
        from gradcli.engine.nonfinite import in_value

        self._say(in_value(out, inputs, node.op if node is not None else op, flag, self._told))

    def gradient(self, node: Node, g: Any, contribution: Any, roots: Iterable[Node]) -> None:
        """Looks at what a rule gave, after NumPy raised a flag in it."""
        flag, modes.raised = modes.raised, None
        arrays = [value.array if type(value) is Tensor else value for value in (g, contribution)]
        if "gradient" not in self._told and all(isinstance(array, (np.ndarray, np.generic)) for array in arrays):
            from gradcli.engine.nonfinite import in_gradient

            self._say(in_gradient(node, *arrays, flag, roots))

    def _say(self, found: NonFinite | None) -> None:
        if found is None:
            return
        self._told.add(found.kind)
        if self.is_error:
            raise ValueFailure(found.message, help=found.help, places=found.places)
        self.tell(found.message, found.help, found.places)
