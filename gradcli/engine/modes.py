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

count_passes = False
"""Whether somebody asks how many passes have added to a gradient since it was none or zero."""

precision = 4
"""Digits after the point in a tensor's notation."""

warn: Callable[[str, str], None] | None = None
"""Where a diagnostic goes that stops nothing: message and help."""

attend: Callable[..., None] | None = None
"""Called after an operation with its node (none where nothing is recorded), its result, its inputs' arrays, its
parameters, and the operation itself where there is no node: set while the graph is to be seen, or after NumPy saw a
value that isn't finite."""

before_backward: Callable[[Any, Any, Any], None] | None = None
"""Called with the results, the vectors and the inputs of each backward, before anything of it is computed."""

watch: Any = None
"""Who looks for the first value or gradient that isn't finite (see finiteness.py); none where nobody does."""

raised: str | None = None
"""What NumPy saw since the watch last looked: "divide by zero", "overflow", "invalid value"; none where all is well."""

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
