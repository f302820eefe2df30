"""What holds for the whole engine at a moment: is history recorded, and which dtype has a real number.

Both are read on every operation, so they are plain module attributes; whoever changes one restores it on every way
out (`with recording(False): ...`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

recording = True
"""Whether operations on tracked tensors are recorded (torch's grad mode)."""

default_dtype = np.dtype(np.float64)
"""The dtype of a tensor made from plain numbers, and of a real result computed from whole numbers."""

precision = 4
"""Digits after the point in a tensor's notation."""

warn: Callable[[str, str], None] | None = None
"""Where a diagnostic goes that stops nothing: message and help."""

attend: Callable[[Any, Any, tuple, tuple], None] | None = None
"""Called after an operation with its node (none where nothing is recorded), its result, its inputs' arrays and its
parameters: set while the graph is to be seen, or after a value stopped being finite."""

script_builtins: dict | None = None
"""The builtins of the scripts that run now: it marks their frames, so that a node knows the place that made it."""


@contextmanager
def grad_mode(on: bool) -> Iterator[None]:
    """Records history (or doesn't) inside the block."""
    global recording
    before, recording = recording, on
    try:
        yield
    finally:
        recording = before
