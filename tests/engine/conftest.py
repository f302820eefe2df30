"""What the tests of the engine share: operations of their own, and a check that no test leaves a mode switched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest

from gradcli.engine import TABLE, differentiable, modes
from gradcli.engine.operation import NUMPY


@pytest.fixture
def define() -> Iterator[Callable[..., Any]]:
    """`differentiable`, for operations that leave the table again when the test ends."""
    with patch.dict(TABLE), patch.dict(NUMPY):
        yield differentiable


@pytest.fixture(autouse=True)
def modes_restored() -> Iterator[None]:
    before = modes.recording, modes.default_dtype, modes.script_builtins
    yield
    assert (modes.recording, modes.default_dtype, modes.script_builtins) == before
