"""The table of functions that put elements in chosen places, that read them from windows, and that turn grids.

Loaded on first use. The derivatives are the reverse: what was put somewhere is read from there. `np.add.at` adds in
one pass of C, whatever the number of places.
"""

from __future__ import annotations

from math import prod

import numpy as np

from gradcli.engine.broadcasting import unbroadcast
from gradcli.engine.inplace import copy_slices
from gradcli.engine.operation import differentiable, variant
from gradcli.engine.shaping import getitem_index, put
from gradcli.engine.shaping import scatter as zeros_with
from gradcli.engine.tensor import Tensor

# ---- set at places: the old value has no part in the new one. Where two go to one place the last one stays, and both
# get the slope of the place, as in torch: which of the two stays isn't kept.

scatter = variant(put, "ScatterBackward0")
scatter_number = variant(put, "ScatterBackward1")
index_copy = variant(put, "IndexCopyBackward0")
index_fill = variant(put, "IndexFillBackward0")
index_fill_tensor = variant(put, "IndexFillBackward1")
index_put = variant(put, "IndexPutBackward0")
masked_scatter = variant(put, "MaskedScatterBackward0")
torch_put = variant(put, "PutBackward0")

select_scatter = variant(copy_slices, "SelectScatterBackward0")
slice_scatter = variant(copy_slices, "SliceScatterBackward0")
diagonal_scatter = variant(copy_slices, "DiagonalScatterBackward0")
as_strided_scatter = variant(put, "AsStridedScatterBackward0")

# ---- added at places


def add_at(x, values, index):
    out = np.array(x)
    np.add.at(out, index, values)
    return out


add_at = differentiable(
    add_at, lambda g, *_: g, lambda g, _z, _x, y_shape, index: unbroadcast(getitem_index(g, index), y_shape),
    grad_name="IndexAddBackward0", real=False, frees=True, formula=("g, as it is", "g, at {index}"),
)  # fmt: skip
scatter_add = variant(add_at, "ScatterAddBackward0")
index_put_add = variant(add_at, "IndexPutBackward0")
put_add = variant(add_at, "PutBackward0")

# ---- reduced at places, along an axis


REDUCTIONS = {
    "sum": (np.add, 0.0), "prod": (np.multiply, 1.0), "mean": (np.add, 0.0),
    "amax": (np.maximum, -np.inf), "amin": (np.minimum, np.inf),
}  # fmt: skip
"""How two elements become one, and what an element that doesn't count is taken to be."""


def _kept(x, index, include_self):
    """Which elements of x have a part in the result: all, or those where nothing arrives."""
    kept = np.ones(x.shape, bool)
    if not include_self:
        kept[index] = False
    return kept


def _counts(shape, index, include_self):
    """How many elements go into each result; at least 1."""
    counts = np.full(shape, int(include_self))
    np.add.at(counts, index, 1)
    return np.maximum(counts, 1)


def reduce_at(x, values, index, reduce, include_self):
    combine, neutral = REDUCTIONS[reduce]
    if x.dtype.kind != "f":
        info = np.iinfo(x.dtype) if x.dtype.kind in "iu" else None
        neutral = int(neutral) if np.isfinite(neutral) else (info.min if neutral < 0 else info.max) if info else 0
    out = np.where(_kept(x, index, include_self), x, x.dtype.type(neutral))
    combine.at(out, index, values)
    if reduce == "mean":
        counts = _counts(x.shape, index, include_self)
        return out / counts.astype(x.dtype) if x.dtype.kind == "f" else (out // counts).astype(x.dtype)
    return out


def _ties(z, x, values, index):
    """Where the extreme stands in x and in what arrives, and how often in all: those that tie share the gradient.

    As in torch, x has its share of a tie even where it doesn't count; that share is lost.
    """
    mine, theirs = _raw(x) == _raw(z), _raw(values) == _raw(z)[index]
    n = np.array(mine, int)
    np.add.at(n, index, theirs)
    return mine, theirs, np.maximum(n, 1).astype(_raw(z).dtype)


def _slope_of_self(g, z, x, values, index, reduce, include_self):
    kept = _kept(x, index, include_self)
    if reduce == "mean":
        g = g / _counts(x.shape, index, include_self).astype(g.dtype)
    elif reduce == "prod":
        safe = np.where(_raw(x) == 0, 1, x)
        g = g * reduce_at(safe, values, index, "prod", include_self) / safe
    elif reduce != "sum":
        mine, _, n = _ties(z, x, values, index)
        g = np.where(mine, g / n, 0)
    return np.where(kept, g, 0)


def _slope_of_values(g, z, x, values, index, reduce, include_self):
    if reduce == "sum":
        return g[index]
    if reduce == "mean":
        return (g / _counts(x.shape, index, include_self).astype(g.dtype))[index]
    if reduce == "prod":
        return _product_slope(g, z, x, values, index, include_self)
    _, theirs, n = _ties(z, x, values, index)
    return np.where(theirs, (g / n)[index], 0)


def _product_slope(g, z, x, values, index, include_self):
    """The product of the others: by division, and where one of them alone is 0 without it.

    Where two zeros arrive in one place, the product of the others is 0 for every one of them: no slope, as in torch.
    """
    zero = _raw(values) == 0
    zeros = np.zeros(x.shape, int)
    np.add.at(zeros, index, zero)
    alone = zero & (zeros[index] == 1)
    without = reduce_at(x, np.where(alone, 1, values), index, "prod", include_self)
    return np.where(alone, (g * without)[index], (g * z)[index] / np.where(zero, 1, values))


def _raw(value):
    return value.array if type(value) is Tensor else value


reduce_at = differentiable(
    reduce_at,
    lambda g, z, x, v, index, reduce, include_self: _slope_of_self(g, z, x, v, index, reduce, include_self),
    lambda g, z, x, v, index, reduce, include_self: _slope_of_values(g, z, x, v, index, reduce, include_self),
    name="scatter_reduce", grad_name="ScatterReduceBackward0", real=False,
    formula=("g, times the slope of the {reduce}", "g, at {index}, times the slope of the {reduce}"),
)  # fmt: skip
index_reduce = variant(reduce_at, "IndexReduceBackward0")


# ---- windows


def unfold(x, axis, size, step):
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis, writeable=x.flags.writeable)
    return windows[(slice(None),) * axis + (slice(None, None, step),)]


def window_places(shape, axis, size, step):
    """For each element of the windows, the place in a row that it was read from."""
    return unfold.op.forward(np.arange(prod(shape)).reshape(shape), axis, size, step)


def read_at(x, places):
    """The elements of x at places counted in a row."""
    return np.reshape(x, (-1,))[places]


def _added_back(g, shape, places):
    return np.reshape(zeros_with(g, (places,), (prod(shape),)), shape)


read_at = differentiable(
    read_at, lambda g, _y, x_shape, places: _added_back(g, x_shape, places),
    grad_name="AsStridedBackward0", real=False, formula="g, added at {places} to zeros",
)  # fmt: skip
unfold = differentiable(
    unfold,
    lambda g, _y, x_shape, axis, size, step: _added_back(g, x_shape, window_places(x_shape, axis, size, step)),
    view=True, real=False, formula="g, added where the windows of {size} along {axis} were",
)  # fmt: skip

# ---- turned


def rot90(x, k=1, axes=(0, 1)):
    return np.rot90(x, k, axes)


rot90 = differentiable(
    rot90, lambda g, _y, _x, k, axes: np.rot90(g, -k, axes),
    numpy=np.rot90, real=False, formula="g, turned back",
)  # fmt: skip
