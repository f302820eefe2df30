"""What `Session.snapshot` keeps, for `restore`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class State(NamedTuple):
    """What a session has of its own; what its values hold, and can change, is theirs."""

    values: dict[str, Any]
    consts: frozenset[str]
    dtype: np.dtype
    explicit: bool | None
    seed: int | None
    generator: Any
