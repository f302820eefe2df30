"""Tensors too large to be made: refused with the size they would take, before the system is asked for it.

The kernel would say yes first, and end the process later.
"""

from __future__ import annotations

import numpy as np

from gradcli.engine.memory import physical_memory
from gradcli.errors import LimitFailure, ShapeFailure


def allocatable(shape: tuple[int, ...], dtype: np.dtype) -> tuple[int, ...]:
    """The shape, if a tensor of it can be made; else ShapeFailure (a negative size) or LimitFailure (too large)."""
    wanted = dtype.itemsize
    for n in shape:
        if n < 0:
            raise ShapeFailure(f"Trying to create tensor with negative dimension {n}: {list(shape)}")
        wanted *= n
    if wanted > 2**24 and wanted > physical_memory():
        raise LimitFailure(
            f"a tensor of shape {shape} would take {_bytes(wanted)}, more memory than there is",
            help="make it smaller, or work in parts",
        )
    if len(shape) > MOST_DIMS:
        raise LimitFailure(f"a tensor has at most {MOST_DIMS} dimensions, and this would have {len(shape)}")
    return shape


MOST_DIMS = 64
"""NumPy's bound, and torch's."""


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if count < 1000 or unit == "PB":
            return f"{count:.3g} {unit}"
        count /= 1000
    raise AssertionError
