"""Rows of a table, by number."""

from __future__ import annotations

import numpy as np

from gradcli.engine.operation import differentiable
from gradcli.engine.shaping import scatter


def embedding(table, index, padding, by_frequency):
    return table[index]


def _slope(g, shape, index, padding, by_frequency):
    """The gradient of each row, added up; none for the row that pads, and shared by a row's occurrences if wanted."""
    share = np.ones(index.shape, g.dtype)
    if by_frequency:
        share = share / np.bincount(index.ravel(), minlength=shape[0])[index].astype(g.dtype)
    # torch leaves a row that only fills sequences up to one length as it is, whatever was computed from it.
    if padding is not None:
        share = np.where(index == padding, 0, share)
    if by_frequency or padding is not None:
        g = g * share[..., None]
    return scatter(g, index, shape)


embedding = differentiable(
    embedding,
    lambda g, _y, table_shape, index, padding, by_frequency: _slope(g, table_shape, index, padding, by_frequency),
    real=False, doc="Rows of a table, by number.", formula="g, added to the rows at {index}",
)  # fmt: skip
