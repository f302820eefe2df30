"""Bounds on an evaluation: time, memory, and an interrupt that works at once.

A signal's handler runs between two steps of Python's, and a step may be a product of matrices that takes a minute. So
where there is something to stop for, a thread watches: it lets the handler have its chance, and then ends the process.
"""

from __future__ import annotations

import faulthandler
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gradcli.errors import LimitFailure, ValueFailure

GRACE = 0.25
"""Seconds that an evaluation has to stop by itself."""

_UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def size_in_bytes(text: str) -> int:
    """`500M`, `2GB`, `1.5GiB` or a number of bytes. Raises ValueFailure for anything else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([kmgt]i?)?b?\s*", text.lower())
    if found is None:
        raise ValueFailure(
            f'"{text}" is no size', help="write a number of bytes, or one with a unit: 500M, 2GB, 1.5GiB"
        )
    return int(float(found.group(1)) * _UNITS[found.group(2) or ""])


@contextmanager
def interruptible(flush: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C ends the process with status 130 even where Python's own handler can't run for long."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    over = threading.Event()

    def watch() -> None:
        while True:
            number = os.read(woken, 1)
            if not number:
                return
            if number[0] == signal.SIGINT and not over.wait(GRACE):
                flush()
                os._exit(130)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(before)
        os.close(wake)
        thread.join(GRACE)
        os.close(woken)


def _nowhere() -> int:
    return os.open(os.devnull, os.O_WRONLY)


@contextmanager
def time_limit(seconds: float | None, stop: Callable[[LimitFailure], Any]) -> Iterator[None]:
    """Raises LimitFailure in the block when its time is over; `stop` is told where it doesn't come to that."""
    if seconds is None:
        yield
        return
    failure = LimitFailure(
        f"the time limit of {seconds:g} s is over", help="give more with --timeout, or make the computation smaller"
    )
    over = threading.Event()

    def ring(number: int, frame: Any) -> None:
        raise failure

    def watch() -> None:
        if not over.wait(seconds + GRACE):
            stop(failure)
            os._exit(1)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    threading.Thread(target=watch, daemon=True).start()
    # A step of C's that holds the interpreter's lock stops every thread of Python's, but not this one.
    faulthandler.dump_traceback_later(seconds + 4 * GRACE, exit=True, file=_nowhere())
    try:
        yield
    finally:
        over.set()
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def limit_memory(size: int) -> None:
    """Lets the process have `size` bytes more than it has now; past that, an allocation is a MemoryError."""
    try:
        import resource
    except ImportError:
        raise LimitFailure("--max-memory isn't available on this system") from None
    used, kind = _data_in_use(), "RLIMIT_DATA"
    if sys.platform != "linux":
        kind = "RLIMIT_AS"
    limit = getattr(resource, kind)
    _, hard = resource.getrlimit(limit)
    wanted = used + size
    resource.setrlimit(limit, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _data_in_use() -> int:
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmData:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
