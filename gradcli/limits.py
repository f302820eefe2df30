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
from contextlib import contextmanager, suppress
from typing import Any

from gradcli.errors import LimitFailure, ValueFailure

GRACE = 0.25
"""Seconds that an evaluation has to stop by itself."""

ROOM = 2**25
"""Bytes of memory beyond a bound, in which it's noticed and said that the bound is reached."""

TICK = 0.02
"""Seconds of work between two looks at the memory in use; small objects fill a tenth of ROOM meanwhile."""

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0

LONGEST = 1e9
"""Seconds past which a time limit is none: the system's timers end somewhere, and this is 30 years."""

INTERRUPTED = 130
"""The exit status of what Ctrl-C ended."""

_UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def size_in_bytes(text: str) -> int:
    """`500M`, `2GB`, `1.5GiB` or a number of bytes. Raises ValueFailure for anything else, and for less than a byte."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([kmgt]i?)?b?\s*", text.lower(), re.ASCII)
    size = int(min(float(found.group(1)) * _UNITS[found.group(2) or ""], 2.0**60)) if found else 0
    if size < 1:
        raise ValueFailure(
            f'"{text}" is no size', help="write a number of bytes, or one with a unit: 500M, 2GB, 1.5GiB"
        )
    return size


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C ends the process with status 130 even where Python's own handler can't run for long."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    reported = sys.unraisablehook
    over = threading.Event()

    def watch() -> None:
        while True:
            number = os.read(woken, 1)
            if not number:
                return
            if number[0] == signal.SIGINT and not over.wait(GRACE):
                os._exit(INTERRUPTED)

    def dropped(unraisable: Any) -> None:
        # Python raises nothing from what runs while an object is freed. The watchers end what should have ended here.
        if not issubclass(unraisable.exc_type, (KeyboardInterrupt, LimitFailure)):
            reported(unraisable)

    sys.unraisablehook = dropped
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        sys.unraisablehook = reported
        signal.set_wakeup_fd(before)
        os.close(wake)
        thread.join(GRACE)
        os.close(woken)


def _nowhere() -> int:
    return os.open(os.devnull, os.O_WRONLY)


@contextmanager
def time_limit(seconds: float | None, stop: Callable[[LimitFailure], Any]) -> Iterator[None]:
    """Raises LimitFailure in the block when its time is over; `stop` is told where it doesn't come to that."""
    if seconds is None or seconds > LONGEST:
        yield
        return
    failure = LimitFailure(
        f"the time limit of {seconds:g} s is over",
        help="give more with --timeout, or make the computation smaller",
        cause="time",
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


@contextmanager
def memory_limit(size: int | None) -> Iterator[None]:
    """In the block, what takes the process past `size` bytes more than it has now is a MemoryError.

    Without a size the bound is what the machine has left: the kernel would give more, and end the process later.
    An allocation that goes ROOM beyond the bound fails at once. Small objects are found out before they come that far:
    with no memory at all Python can't even raise an exception. Raises LimitFailure where the system has no such bound.
    """
    if sys.platform != "linux":
        # Other systems have the calls, and don't hold a process to them.
        if size is not None:
            raise LimitFailure("--max-memory isn't available on this system")
        yield
        return
    import resource

    counts = os.open("/proc/self/statm", os.O_RDONLY)
    limits = soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = min(_in_use(counts) + (_left() - ROOM if size is None else size), 2**60)
    if soft != resource.RLIM_INFINITY:
        bound = min(bound, soft - ROOM)
    resource.setrlimit(resource.RLIMIT_DATA, (bound + ROOM, hard))
    reported = sys.unraisablehook

    def look(number: int, frame: Any) -> None:
        if _in_use(counts) > bound and not _handling(MemoryError):
            raise MemoryError

    def dropped(unraisable: Any) -> None:
        # The next look finds the same.
        if not issubclass(unraisable.exc_type, MemoryError):
            reported(unraisable)

    watched = threading.current_thread() is threading.main_thread()
    if watched:
        before = signal.signal(signal.SIGPROF, look)
        sys.unraisablehook = dropped
        signal.setitimer(signal.ITIMER_PROF, TICK, TICK)
    try:
        yield
    finally:
        if watched:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)
            sys.unraisablehook = reported
        resource.setrlimit(resource.RLIMIT_DATA, limits)
        os.close(counts)


def _handling(kind: type[BaseException]) -> bool:
    """Whether an exception is on its way already, or being explained."""
    problem = sys.exc_info()[1]
    while problem is not None and not isinstance(problem, kind):
        problem = problem.__context__
    return problem is not None


def _in_use(counts: int) -> int:
    """The bytes of memory that the process may write to, from the system's file of its counts."""
    return int(os.pread(counts, 200, 0).split()[5]) * PAGE


def _left() -> int:
    """The bytes that the machine, or the group of processes that this one was put in, has to give."""
    left = 0
    with suppress(OSError), open("/proc/meminfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(("MemAvailable:", "SwapFree:")):
                left += int(line.split()[1]) * 1024
    left = left or 2**60
    # A group without a bound of its own says "max".
    with suppress(OSError, ValueError), open("/sys/fs/cgroup/memory.max", encoding="utf-8") as file:
        left = min(left, int(file.read()))
    return left
