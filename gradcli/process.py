"""The process of a command, made ready to run scripts: what a library must leave as it is where it's a guest."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""glibc's numbers for what `mallopt` sets (malloc.h)."""

KEPT = 2**28
"""Bytes of freed memory that the process keeps for what comes next."""

LARGE = 2**25
"""Bytes from which an array goes back to the system at once; glibc takes no more."""


def settle(*, keep_memory: bool = True) -> None:
    """To be called when what scripts need is loaded.

    `keep_memory` has what is freed kept for what comes next: not where somebody counts the process's memory.
    """
    # What was loaded isn't worth a look.
    gc.freeze()
    # Graphs are freed by counts of references; what the collector would look through, time and again, are nodes that
    # are in use.
    gc.set_threshold(50_000, 200, 50)
    gc.enable()
    if keep_memory and sys.platform == "linux":
        _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Has the C library keep what is freed: memory that's new from the system costs a page fault for every 4 KB.

    Other C libraries than glibc have no such setting.
    """
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, LARGE)
        mallopt(M_TRIM_THRESHOLD, KEPT)
