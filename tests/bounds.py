"""A bound on the time that something may take, by an alarm."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gradcli.collector import paused


class TimeUp(BaseException):
    """The time is over. No kind of Exception, which the code under test might catch."""


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raises TimeUp in what takes longer."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    # A look of the garbage collector through all that the tests hold is nothing of what is bounded.
    with paused():
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
