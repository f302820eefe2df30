"""What belongs to the session that runs now: where output goes, its random generator, its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gradcli.errors import GradcliError

if TYPE_CHECKING:
    import numpy as np

    from gradcli.engine import Tensor


class Context(Protocol):
    """What the library needs of a session."""

    sandbox: bool

    @property
    def generator(self) -> np.random.Generator: ...

    def emit(self, event: Any) -> None: ...

    def named_tensors(self) -> dict[str, Tensor]: ...

    def seed(self, seed: int) -> None: ...

    def warn(self, message: str, help: str = "") -> None: ...


_current: Context | None = None


def current() -> Context:
    """The session that runs the script which calls."""
    if _current is None:
        raise GradcliError("this function belongs to a session, and none is running")
    return _current


def enter(context: Context | None) -> Context | None:
    """Makes `context` the running one and returns the one before it."""
    global _current
    before, _current = _current, context
    return before
