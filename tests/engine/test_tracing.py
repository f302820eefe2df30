"""What is kept of operations while somebody looks."""

from __future__ import annotations

import gc

import numpy as np

from gradcli import Session
from gradcli.engine import tracing


def test_the_collector_may_free_arrays_while_they_are_listed() -> None:
    session = Session()
    session.tracing = True
    list(session.run("x = [1, 2]; xs = [x * i for i in range(300)]"))
    before = gc.get_threshold()
    try:
        for count in range(400):
            gc.set_threshold(100_000)
            # Arrays that only the collector can free, for they are held by a cycle.
            array = np.ones(3)
            tracing._note_descent(array)
            cycle = [array]
            cycle.append(cycle)
            del array, cycle
            gc.set_threshold(1 + count % 20)  # so that it runs at each of the steps, in turn
            assert isinstance(tracing.descended_buffers(), set)
    finally:
        gc.set_threshold(*before)
