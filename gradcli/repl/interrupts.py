"""Ctrl-C while a line runs: the line ends, the session stays."""

from __future__ import annotations

import os
import signal
import sys
import threading
from _thread import interrupt_main
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

PATIENCE = 1.0
"""Seconds that the running step has to end before a person is told that it can't be ended."""

ATTEMPTS = 4
"""How often within that time the interrupt is raised."""


class Interrupts:
    """Lets Ctrl-C end what runs inside `while_it_runs`, and nothing else: what's put back afterwards is put back whole.

    A signal's handler runs between two steps of Python's. Inside one that takes long, `tell` is called, and the next
    Ctrl-C ends the process with status 130.
    """

    def __init__(self, tell: Callable[[], Any]) -> None:
        self._tell = tell
        self._running = False
        self._over = threading.Event()

    def __enter__(self) -> Interrupts:
        self._handled = threading.current_thread() is threading.main_thread()
        if self._handled:
            self._before = signal.signal(signal.SIGINT, self._ring)
            self._reported, sys.unraisablehook = sys.unraisablehook, self._drop
            self._watched = sys.platform != "win32"
        if self._handled and self._watched:
            self._woken, self._wake = os.pipe()
            os.set_blocking(self._wake, False)
            self._wake_before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *problem: Any) -> None:
        if not self._handled:
            return
        self._over.set()
        if self._watched:
            signal.set_wakeup_fd(self._wake_before)
            os.close(self._wake)
            self._thread.join()
            os.close(self._woken)
        signal.signal(signal.SIGINT, self._before)
        sys.unraisablehook = self._reported

    @contextmanager
    def while_it_runs(self) -> Iterator[None]:
        """The block that Ctrl-C ends, by KeyboardInterrupt."""
        self._running = True
        try:
            yield
        finally:
            self._running = False
            self._over.set()

    def _ring(self, number: int, frame: Any) -> None:
        if self._running:
            raise KeyboardInterrupt

    def _watch(self) -> None:
        told = False
        while number := os.read(self._woken, 1):
            if number[0] != signal.SIGINT or self._over.is_set():
                continue
            if told:
                os._exit(130)
            for _ in range(ATTEMPTS):
                if self._over.wait(PATIENCE / ATTEMPTS):
                    break
                # What's raised while an object is freed is dropped: once more.
                interrupt_main()
            else:
                told = True
                self._tell()
                self._forget()

    def _forget(self) -> None:
        """Interrupts that came before a person knew what another one does, and our own, don't count."""
        os.set_blocking(self._woken, False)
        with suppress(BlockingIOError):
            while os.read(self._woken, 4096):
                pass
        os.set_blocking(self._woken, True)

    def _drop(self, unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            self._reported(unraisable)
