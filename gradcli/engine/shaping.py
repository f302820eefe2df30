"""The table of functions that move elements about: shapes, orders, parts, and indexing."""

from __future__ import annotations

import numpy as np

from gradcli.engine.broadcasting import unbroadcast
from gradcli.engine.conversion import OPERATIONS
from gradcli.engine.operation import differentiable, variant
from gradcli.errors import LimitFailure


def mT(x):
    """The matrices transposed."""
    return x.mT if type(x) is np.ndarray else np.swapaxes(x, -1, -2)


def _is_numpys(x):
    """Whether it's an array of NumPy's own, rather than one that speaks its protocols."""
    return issubclass(type(x), (np.ndarray, np.generic))


def _zeros(shape, like):
    """Zeros of a shape, as the kind of array that `like` is (`zeros_like` asks it, and takes four times as long)."""
    return np.zeros(shape, like.dtype) if _is_numpys(like) else np.zeros_like(like, shape=shape)


# ---- another shape for the same memory


def reshape(x, shape):
    return np.reshape(x, shape)


reshape = differentiable(
    reshape, lambda g, _y, x_shape, _shape: np.reshape(g, x_shape),
    grad_name="ViewBackward0", numpy=np.reshape, view=True, real=False, formula="g, in the shape of {x}",
)  # fmt: skip
reshape_copy = variant(reshape, "UnsafeViewBackward0")


def expand_dims(x, axis):
    return np.expand_dims(x, axis)


expand_dims = differentiable(
    expand_dims, lambda g, _y, x_shape, _axis: np.reshape(g, x_shape),
    name="unsqueeze", numpy=np.expand_dims, view=True, real=False, formula="g, in the shape of {x}",
)  # fmt: skip


def squeeze(x, axis=None):
    return np.squeeze(x, axis=axis)


squeeze = differentiable(
    squeeze,
    lambda g, _y, x_shape, _axis: np.reshape(g, x_shape),
    numpy=np.squeeze,
    view=True,
    real=False,
    formula="g, in the shape of {x}",
)
squeeze_dim = variant(squeeze, "SqueezeBackward1")
squeeze_dims = variant(squeeze, "SqueezeBackward2")


def permute(x, axes=None):
    return np.transpose(x, axes)


permute = differentiable(
    permute, lambda g, _y, _x, axes: np.transpose(g, None if axes is None else tuple(np.argsort(axes))),
    numpy=np.transpose, view=True, real=False, formula="g, its dims back in their order",
)  # fmt: skip
transpose_matrix = variant(permute, "TBackward0")


def swapaxes(x, axis1, axis2):
    return np.swapaxes(x, axis1, axis2)


swapaxes = differentiable(
    swapaxes, lambda g, _y, _x, axis1, axis2: np.swapaxes(g, axis1, axis2),
    name="transpose", numpy=np.swapaxes, view=True, real=False, formula="transpose(g, axis1, axis2)",
)  # fmt: skip


def broadcast_to(x, shape):
    view = np.broadcast_to(x, shape)
    # NumPy's is read-only as a whole; in torch's, parts that show each number once can be changed.
    if isinstance(view, np.ndarray) and x.flags.writeable:
        view.flags.writeable = True
    return view


# The copies are one number, which moves them all: its gradient is the sum of theirs.
broadcast_to = differentiable(
    broadcast_to, lambda g, _y, x_shape, _shape: unbroadcast(g, x_shape),
    name="expand", numpy=np.broadcast_to, view=True, real=False, formula="g, summed over the copies",
)  # fmt: skip


def diagonal(x, offset=0, axis1=0, axis2=1):
    if not _is_numpys(x):
        return np.diagonal(x, offset, axis1, axis2)
    # A diagonal of NumPy's own is read-only; taken by strides it's a view like any other.
    return np.lib.stride_tricks.as_strided(*_diagonal_strides(x, offset, axis1, axis2))


def _diagonal_strides(x, offset, axis1, axis2):
    start = np.moveaxis(x, (axis1, axis2), (-2, -1))
    start = start[..., :, offset:] if offset >= 0 else start[..., -offset:, :]
    n = min(start.shape[-2:])
    return start, (*start.shape[:-2], n), (*start.strides[:-2], start.strides[-2] + start.strides[-1])


def onto_diagonal(x, shape, offset, axis1, axis2):
    """Zeros of `shape` with `x` on a diagonal."""
    out = _zeros(shape, x)
    if _is_numpys(x):
        diagonal.op.forward(out, offset, axis1, axis2)[...] = x
        return out
    places = np.arange(x.shape[-1])
    index = [slice(None)] * len(shape)
    index[axis1], index[axis2] = places + max(-offset, 0), places + max(offset, 0)
    # Index arrays beside each other leave their dimension where they stand, others put it first.
    out[tuple(index)] = np.moveaxis(x, -1, min(axis1, axis2) if abs(axis1 - axis2) == 1 else 0)
    return out


onto_diagonal = differentiable(
    onto_diagonal,
    lambda g, _y, _x, _shape, offset, axis1, axis2: diagonal(g, offset, axis1, axis2),
    real=False,
    formula="g, its diagonal",
)
diagonal = differentiable(
    diagonal,
    lambda g, _y, x_shape, offset, axis1, axis2: onto_diagonal(g, x_shape, offset, axis1, axis2),
    numpy=np.diagonal, view=True, real=False, formula="g, on the diagonal of zeros",
)  # fmt: skip

# ---- other orders, in new memory


def flip(x, axis=None):
    return np.flip(x, axis)


flip = differentiable(
    flip, lambda g, _y, _x, axis: np.flip(g, axis), numpy=np.flip, real=False, formula="flip(g, axis)"
)


def roll(x, shift, axis=None):
    return np.roll(x, shift, axis)


def _back(shift):
    return tuple(-s for s in shift) if isinstance(shift, tuple) else -shift


roll = differentiable(
    roll,
    lambda g, _y, _x, shift, axis: np.roll(g, _back(shift), axis),
    numpy=np.roll,
    real=False,
    formula="g, rolled back by {shift}",
)


def tile(x, reps):
    if not x.size:
        # NumPy can't tile what is empty.
        shape = (1,) * (len(reps) - x.ndim) + x.shape
        return np.zeros(tuple(n * size for n, size in zip(reps, shape, strict=True)), x.dtype)
    return np.tile(x, reps)


def _sum_tiles(g, shape, reps):
    """Sums the copies: each dimension of g is (copies, size)."""
    shape = (1,) * (len(reps) - len(shape)) + tuple(shape)
    pairs = [number for pair in zip(reps, shape, strict=True) for number in pair]
    return np.sum(np.reshape(g, tuple(pairs)), axis=tuple(range(0, len(pairs), 2)))


tile = differentiable(
    tile, lambda g, _y, x_shape, reps: np.reshape(_sum_tiles(g, x_shape, reps), x_shape),
    name="repeat", numpy=np.tile, real=False, formula="g, summed over the copies",
)  # fmt: skip


def tril(x, k=0):
    return np.tril(x, k)


tril = differentiable(tril, lambda g, _y, _x, k: np.tril(g, k), numpy=np.tril, real=False, formula="tril(g, k)")


def triu(x, k=0):
    return np.triu(x, k)


triu = differentiable(triu, lambda g, _y, _x, k: np.triu(g, k), numpy=np.triu, real=False, formula="triu(g, k)")


def clone(x):
    return np.array(x)[()] if x.ndim == 0 else np.array(x)


clone = differentiable(clone, lambda g, *_: g, numpy=np.copy, real=False, formula="g")


def cast(x, dtype, source):
    return x.astype(dtype)


cast = differentiable(
    cast,
    lambda g, _y, _x, dtype, source: cast(g, source, dtype),
    grad_name="ToCopyBackward0",
    real=False,
    formula="g, as {source}",
)
OPERATIONS["cast"] = cast

# ---- joining and parting


def concatenate(tensors, axis=0):
    return np.concatenate(tensors, axis=axis)


def _cut_apart(needs, g, shapes, axis):
    ends = np.cumsum([shape[axis] for shape in shapes])
    whole = (slice(None),) * (axis % g.ndim)
    return [
        g[(*whole, slice(int(end) - shape[axis], int(end)))] if need else None
        for need, end, shape in zip(needs, ends, shapes, strict=True)
    ]


concatenate = differentiable(
    concatenate, lambda needs, g, _y, xs_shape, axis: _cut_apart(needs, g, xs_shape, axis),
    name="cat", numpy=np.concatenate, variadic=True, joint=True, real=False, formula="g, the part that {x} became",
)  # fmt: skip


def stack(tensors, axis=0):
    return np.stack(tensors, axis=axis)


def _unstack(needs, g, axis):
    whole = (slice(None),) * (axis % g.ndim)
    return [g[(*whole, k)] if need else None for k, need in enumerate(needs)]


stack = differentiable(
    stack, lambda needs, g, _y, _xs, axis: _unstack(needs, g, axis),
    numpy=np.stack, variadic=True, joint=True, real=False, formula="g, the slice that {x} became",
)  # fmt: skip
OPERATIONS["stack"] = stack


def split(x, sizes, axis):
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis=axis))


def _rejoin(parts, shape, sizes, axis):
    # A part that nothing came of has no gradient: 0 in the whole's.
    shapes = [(*shape[: axis % len(shape)], size, *shape[axis % len(shape) + 1 :]) for size in sizes]
    some = next(part for part in parts if part is not None)
    return np.concatenate(
        [np.zeros(s, some.dtype) if part is None else part for part, s in zip(parts, shapes, strict=True)], axis=axis
    )


split = differentiable(
    split, lambda g, _y, x_shape, sizes, axis: _rejoin(g, x_shape, sizes, axis),
    view=True, several=True, real=False, formula="g, joined along {axis}",
)  # fmt: skip


split_sizes = variant(split, "SplitWithSizesBackward0")
transpose_nothing = variant(permute, "TransposeBackward0")


def unbind(x, axis):
    return tuple(np.moveaxis(x, axis, 0)[k, ...] for k in range(x.shape[axis]))


def _rebind(parts, axis):
    # As for the parts of a split.
    some = next(part for part in parts if part is not None)
    return np.stack([np.zeros(some.shape, some.dtype) if part is None else part for part in parts], axis=axis)


unbind = differentiable(
    unbind,
    lambda g, _y, _x, axis: _rebind(g, axis),
    view=True,
    several=True,
    real=False,
    formula="g, stacked along {axis}",
)

# ---- indexing


def getitem(x, index):
    return x[index]


def scatter(x, index, shape):
    """Zeros of `shape`, with `x` added at `index` (the reverse of taking it from there).

    An element that was taken several times has the sum of these gradients: assigning would keep only the last.
    """
    out = _zeros(shape, x)
    if _is_advanced(index):
        np.add.at(out, index, x)
    else:
        out[index] = x
    return out


def _is_advanced(index):
    return any(isinstance(part, (np.ndarray, list)) for part in (index if isinstance(index, tuple) else (index,)))


scatter = differentiable(
    scatter, lambda g, _y, _x, index, _shape: getitem(g, index), real=False, formula="g, at {index}"
)
getitem = differentiable(
    getitem, lambda g, _y, x_shape, index: scatter(g, index, x_shape),
    grad_name="SelectBackward0", view=True, real=False, formula="g, added at {index} to zeros",
)  # fmt: skip
getitem_slice = variant(getitem, "SliceBackward0")
getitem_new_dim = variant(getitem, "UnsqueezeBackward0")
getitem_alias = variant(getitem, "AliasBackward0")
getitem_index = variant(getitem, "IndexBackward0")
getitem_index.op.view = False
getitem_index.op.frees = True


def put(x, values, index):
    out = np.array(x)
    out[index] = values
    return out


def _zero_at(g, index):
    return put(g, 0, index)


put = differentiable(
    put, lambda g, _y, _x, _v_shape, index: _zero_at(g, index),
    lambda g, _y, _x, v_shape, index: unbroadcast(getitem_index(g, index), v_shape),
    grad_name="IndexPutBackward0", real=False, frees=True, formula=("g, with 0 at {index}", "g, at {index}"),
)  # fmt: skip


def take_along_axis(x, index, axis):
    if x.ndim > 63:
        raise LimitFailure(f"to choose along a dim, a tensor has at most 63 dimensions, and this one has {x.ndim}")
    return np.take_along_axis(x, index, axis)


def _along(shape, index, axis):
    """The whole index (one array a dimension) that `index` along an axis stands for."""
    axis %= len(shape)
    grids = np.indices(index.shape, sparse=True)
    return tuple(index if a == axis else grid for a, grid in enumerate(grids))


take_along_axis = differentiable(
    take_along_axis, lambda g, _y, x_shape, index, axis: scatter(g, _along(x_shape, index, axis), x_shape), None,
    name="gather", numpy=np.take_along_axis, real=False,
    formula=("g, added at {y} along {axis} to zeros", ""),
)  # fmt: skip
