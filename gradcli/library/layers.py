"""torch.nn.functional: embeddings, attention, random masks, and layers that move channels about."""

from __future__ import annotations

from math import sqrt

import numpy as np

from gradcli.engine import CUT, Tensor, grad_mode, inplace
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine.embedding import embedding as rows_of
from gradcli.engine.linear import einsum
from gradcli.engine.operation import relabel
from gradcli.engine.protocols import product
from gradcli.errors import IndexFailure, ShapeFailure, TypeFailure, ValueFailure
from gradcli.library import context
from gradcli.library.arguments import Flag, Number, OptionalNumber, OptionalTensor, OptionalWhole, Text, Whole
from gradcli.library.vocabulary import function
from gradcli.library.windowed import letters


@function("F.bilinear", also=("bilinear",))
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: OptionalTensor = None):
    """input1 @ weight[k] @ input2 + bias[k], for each k of the result's last dim.

    Shapes: (..., I), (..., J), (K, I, J), (K) -> (..., K)
    Derivative: input1: einsum("...k,kij,...j->...i", g, weight, input2);
        input2: einsum("...k,kij,...i->...j", g, weight, input1);
        weight: einsum("...k,...i,...j->kij", g, input1, input2); bias: g, summed over all dims but the last
    Example: x = [1., 2.]
        const w = [[[1., 0., 3.], [0., 1., 0.]]]
        y = F.bilinear(x, [1., 10., 100.], w)
        y
        backward y
    """
    if input1.shape[:-1] != input2.shape[:-1]:
        raise ShapeFailure(
            f"bilinear(): input batch dimensions do not match: {list(input1.shape)} and {list(input2.shape)}"
        )
    if weight.ndim != 3 or weight.shape[1:] != (*input1.shape[-1:], *input2.shape[-1:]):
        raise ShapeFailure(
            f"bilinear(): input sizes don't match the weight: got {list(input1.shape)}, {list(input2.shape)} and "
            f"{list(weight.shape)}"
        )
    lead = input1.shape[:-1]
    first, second = (s.reshape(x, (-1, x.shape[-1])) if x.array.size else x for x in (input1, input2))
    out = s.reshape(einsum([first, weight, second], "ni,kij,nj->nk"), (*lead, weight.shape[0]))
    return out if bias is None else e.add(out, bias)


# ---- rows of a table


def _indices(input: Tensor, count: int) -> np.ndarray:
    index = np.asarray(input.array)
    whole = index.astype(np.int64)
    if index.dtype.kind == "b" or not np.array_equal(index, whole):
        raise TypeFailure(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{input.dtype} instead",
            help="indices are whole numbers from 0 on",
        )
    if whole.size and (whole.min() < 0 or whole.max() >= count):
        raise IndexFailure("index out of range in self", help=f"the table's rows count from 0 to {count - 1}")
    return whole


def _padding_row(padding_idx: int | None, count: int) -> int | None:
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        raise ValueFailure("Padding_idx must be within num_embeddings", help=f"the table has {count} rows")
    return padding_idx % count


def _limit_norms(weight: Tensor, index: np.ndarray, most: float, p: float) -> None:
    """Rows that are used and longer than `most` are scaled down to it, in place."""
    used = np.unique(index)
    table = np.array(weight.array)
    sizes = r.norm.op.forward(table[used], p, 1, True)
    table[used] *= np.where(sizes > most, most / (sizes + 1e-7), 1).astype(table.dtype)
    with grad_mode(False):
        inplace.copy(weight, Tensor(table, CUT))


def _table(weight: Tensor) -> int:
    if weight.ndim != 2:
        raise ShapeFailure(f"'weight' must be 2-D, and has shape {weight.shape}")
    return weight.shape[0]


@function("F.embedding")
def embedding(input: Tensor, weight: Tensor, padding_idx: OptionalWhole = None, max_norm: OptionalNumber = None,
              norm_type: Number = 2.0, scale_grad_by_freq: Flag = False, sparse: Flag = False):  # fmt: skip
    """The rows of a table by their numbers: what stands for each word, say. The row padding_idx gets no gradient.

    Shapes: any, of whole numbers from 0 to V - 1; (V, D) -> (input's, D). With max_norm the rows that are used and are
        longer by the norm_type-norm are first scaled down to it, in place; `sparse` is accepted and changes nothing
    Derivative: the row k of weight: sum(g[input == k], 0); with scale_grad_by_freq divided by how often k occurs
    Kink: the row padding_idx (counted from the end where negative) has gradient 0, so that it never learns
        (why: gradcli/engine/embedding.py).
    Example: table = [[1., 2.], [3., 4.], [5., 6.]]
        F.embedding([2, 0, 2], table)
        y = F.embedding([2, 0, 2], table, padding_idx=0)
        backward y.sum()
    """
    count = _table(weight)
    index = _indices(input, count)
    if max_norm is not None:
        _limit_norms(weight, index, max_norm, norm_type)
    return rows_of(weight, index, _padding_row(padding_idx, count), scale_grad_by_freq)


@function("embedding")
def torch_embedding(weight: Tensor, indices: Tensor, padding_idx: Whole = -1, scale_grad_by_freq: Flag = False,
                    sparse: Flag = False):  # fmt: skip
    """The rows of a table by their numbers: F.embedding, with its arguments in the order of `torch.embedding`.

    Shapes: (V, D), any of whole numbers from 0 to V - 1 -> (indices', D)
    Derivative: the row k of weight: sum(g[indices == k], 0); with scale_grad_by_freq divided by how often k occurs
    Kink: the row padding_idx has gradient 0; a negative one, like -1, means none here
        (why: gradcli/engine/embedding.py).
    Example: table = [[1., 2.], [3., 4.], [5., 6.]]
        y = embedding(table, [2, 0, 2])
        y
        backward y.sum()
    """
    return embedding(indices, weight, None if padding_idx < 0 else padding_idx, None, 2.0, scale_grad_by_freq)


def _bags(index: np.ndarray, offsets: np.ndarray | None, last: bool) -> tuple[np.ndarray, np.ndarray]:
    """The bags as rows of equal length: the indices' places in a row, and which of them count."""
    if index.ndim == 2:
        if offsets is not None:
            raise ValueFailure("if input is 2D, then offsets has to be None, as input is treated as a mini-batch")
        return np.arange(index.size).reshape(index.shape), np.ones(index.shape, bool)
    if offsets is None:
        raise ValueFailure("offsets has to be a 1D Tensor but got none")
    if offsets.size and offsets[0] != 0:
        raise ValueFailure(
            f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
            f"However, got {offsets[0]}"
        )
    if offsets.size and (offsets[-1] > index.size or np.any(np.diff(offsets) < 0)):
        raise ValueFailure(f"offsets must not decrease, and its last must not exceed the {index.size} indices")
    ends = offsets[1:] if last else np.append(offsets[1:], index.size)
    starts = offsets[: len(ends)]
    places = starts[:, None] + np.arange(int(np.max(ends - starts, initial=0)))
    return np.minimum(places, max(index.size - 1, 0)), places < ends[:, None]


@function("F.embedding_bag")
def embedding_bag(input: Tensor, weight: Tensor, offsets: OptionalTensor = None, max_norm: OptionalNumber = None,
                  norm_type: Number = 2, scale_grad_by_freq: Flag = False, mode: Text = "mean", sparse: Flag = False,
                  per_sample_weights: OptionalTensor = None, include_last_offset: Flag = False,
                  padding_idx: OptionalWhole = None):  # fmt: skip
    """The sum, mean or largest of a table's rows for each bag of indices.

    A bag is a row of `input`; in an `input` of one dim it begins at an offset and ends where the next one begins.

    Shapes: (B, L) or (M) of whole numbers from 0 to V - 1, (V, D), offsets (B) -> (B, D)
    Derivative: the row k of weight: sum: g[b] for each time that k is in the bag b, times its per_sample_weights;
        mean: that divided by the bag's length; max: in each column g[b] where the row's element was the largest.
        per_sample_weights: sum(g[b] * weight[k]) for each k in the bag b
    Kink: an empty bag is 0 and gives no gradient; the row padding_idx gets none and isn't counted in a bag's length;
        in "max" the first of equal elements gets it all (why: gradcli/library/layers.py).
    Example: table = [[1., 8.], [3., 4.], [5., 4.]]
        const bags = [[0, 1], [1, 2]]
        F.embedding_bag(bags, table)
        y = F.embedding_bag(bags, table, mode="max")
        backward y.sum()
    """
    count = _table(weight)
    if input.ndim not in (1, 2):
        raise ShapeFailure(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if mode not in ("sum", "mean", "max"):
        raise ValueFailure("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and (mode != "sum" or per_sample_weights.shape != input.shape):
        raise ValueFailure('per_sample_weights have the shape of input, and mode="sum"')
    index = _indices(input, count)
    if max_norm is not None:
        _limit_norms(weight, index, max_norm, norm_type)
    places, counted = _bags(
        index, None if offsets is None else np.asarray(offsets.array).astype(np.int64), include_last_offset
    )
    row = _padding_row(padding_idx, count)
    flat = index.reshape(-1)
    counted = counted & (flat[places] != row) if row is not None and flat.size else counted
    if not flat.size or not places.size:
        return Tensor(np.zeros((places.shape[0], weight.shape[1]), weight.dtype), CUT)
    rows = rows_of(weight, flat[places], None, False) if not scale_grad_by_freq else _by_frequency(weight, flat, places)
    if per_sample_weights is not None:
        scale = s.getitem_index(s.reshape(per_sample_weights, (-1,)), places)
        rows = e.mul(rows, s.expand_dims(scale, -1))
    return relabel(_bagged(rows, counted, mode), "EmbeddingBagBackward0")


def _by_frequency(weight: Tensor, flat: np.ndarray, places: np.ndarray) -> Tensor:
    return s.getitem_index(rows_of(weight, flat, None, True), places)


def _bagged(rows: Tensor, counted: np.ndarray, mode: str) -> Tensor:
    mask = Tensor(counted[..., None], CUT)
    if mode == "max":
        # torch goes through a bag in order and takes what is larger, so that the first of equal ones stays.
        highest = np.argmax(np.where(counted[..., None], np.asarray(rows.array), -np.inf), axis=1)
        taken = s.squeeze_dim(s.take_along_axis(rows, highest[:, None, :], 1), 1)
        return e.where(Tensor(counted.any(1)[:, None], CUT), taken, 0.0)
    sums = r.sum_dim(e.where(mask, rows, 0.0), 1, False)
    if mode == "sum":
        return sums
    # An empty bag's sum is 0, and 0 / 1 keeps it so where the mean of nothing would be nan.
    sizes = np.maximum(np.sum(counted, axis=1, keepdims=True), 1).astype(rows.dtype)
    return e.div(sums, Tensor(sizes, CUT))


# ---- attention


@function("F.scaled_dot_product_attention")
def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: OptionalTensor = None,
                                 dropout_p: Number = 0.0, is_causal: Flag = False, scale: OptionalNumber = None,
                                 enable_gqa: Flag = False):  # fmt: skip
    """softmax(query @ key.mT * scale + mask) @ value; the scale is 1 / sqrt(the last size) where none is given.

    Source: Vaswani et al., "Attention Is All You Need", equation 1.

    Shapes: (..., L, E), (..., S, E), (..., S, V) -> (..., L, V); a mask of bools (true: attend) or numbers broadcasts
        to (..., L, S). is_causal lets the place l attend to the places up to l; enable_gqa repeats the heads of key and
        value, the third dim from the end, to as many as query's; dropout_p drops weights at random
    Derivative: with p = softmax(query @ key.mT * scale + mask, -1) and
        d = p * (g @ value.mT - sum(g * out, -1, true)): query: scale * d @ key; key: scale * d.mT @ query;
        value: p.mT @ g; mask: d
    Kink: where a mask leaves nothing to attend to, the result is 0 and so is the gradient
        (why: gradcli/library/layers.py).
    Example: q = [[1., 0.], [0., 2.]]
        const v = [[1., 2.], [3., 4.]]
        y = F.scaled_dot_product_attention(q, eye(2), v, is_causal=true)
        y
        backward y[1, 0]
    """
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise ShapeFailure("query, key and value need at least 2 dimensions: (..., places, features)")
    if query.shape[-1] != key.shape[-1]:
        raise ShapeFailure(f"query and key need the same last size, and have {query.shape[-1]} and {key.shape[-1]}")
    if is_causal and attn_mask is not None:
        raise ValueFailure("Explicit attn_mask should not be set when is_causal=True")
    if enable_gqa:
        key, value = (_repeated(x, query.shape[-3]) for x in (key, value))
    factor = 1 / sqrt(query.shape[-1]) if scale is None else scale
    scores = product(e.mul(query, factor), s.swapaxes(key, -1, -2))
    if is_causal:
        attn_mask = Tensor(np.tri(*scores.shape[-2:], dtype=bool), CUT)
    if attn_mask is not None and attn_mask.dtype.kind == "b":
        scores = e.where(attn_mask, scores, -np.inf)
    elif attn_mask is not None:
        scores = e.add(scores, attn_mask)
    blind = np.all(np.asarray(scores.array) == -np.inf, axis=-1, keepdims=True)
    if not np.any(blind):
        weights = r.softmax(scores, scores.ndim - 1)
    else:
        # Where nothing may be attended to, torch attends to nothing: the softmax would be nan there, and make all
        # that it meets nan, while such a place is as a rule a padded one.
        nowhere = Tensor(blind, CUT)
        weights = e.where(nowhere, 0.0, r.softmax(e.where(nowhere, 0.0, scores), scores.ndim - 1))
    return product(_dropped(weights, dropout_p, weights.shape), value)


def _repeated(heads: Tensor, count: int) -> Tensor:
    """Each head as often as makes `count` of them."""
    have = heads.shape[-3]
    if not have or count % have:
        raise ShapeFailure(
            "Number of heads in key and value must divide the number of heads in query, and they are "
            f"{have} and {count}"
        )
    index = np.repeat(np.arange(have), count // have)
    return s.getitem_index(heads, (*(slice(None),) * (heads.ndim - 3), index))


# ---- random masks, drawn from the session's generator


def _dropped(input: Tensor, p: float, shape: tuple[int, ...]) -> Tensor:
    """Elements set to 0 with probability p, the others scaled by 1 / (1 - p); one draw for all along a size of 1."""
    if not 0 <= p <= 1:
        raise ValueFailure(f"dropout probability has to be between 0 and 1, but got {p}")
    if p == 0:
        return input
    kept = context.current().generator.random(shape) >= p
    return e.mul(input, Tensor((kept * (1 / (1 - p) if p < 1 else 0.0)).astype(input.dtype)[()], CUT))


def _perhaps_in_place(input: Tensor, result: Tensor, in_place: bool) -> Tensor:
    return inplace.changed(lambda _: result, input) if in_place and result is not input else result


@function("F.dropout")
def dropout(input: Tensor, p: Number = 0.5, training: Flag = True, inplace: Flag = False):
    """Elements set to 0 with probability p, and the others scaled so that the mean stays; the input in evaluation.

    Shapes: any, and the result's is the same; p from 0 to 1. What's dropped is drawn from the session's generator
    Derivative: g * kept / (1 - p), where kept is 1 for what stays and 0 for what's dropped; g where not training
    Kink: at p = 1 all is 0, and so is the gradient; what is inf or nan is nan where it's dropped (0 * inf).
    Example: x = [1., 2., 3., 4.]
        y = F.dropout(x, 0.5)
        y
        backward y.sum()
    """
    return _perhaps_in_place(input, _dropped(input, p if training else 0, input.shape), inplace)


@function("dropout")
def torch_dropout(input: Tensor, p: Number, train: Flag):
    """Elements set to 0 with probability p: F.dropout, with its arguments as `torch.dropout` has them.

    Shapes: any, and the result's is the same; p from 0 to 1. What's dropped is drawn from the session's generator
    Derivative: g * kept / (1 - p), where kept is 1 for what stays and 0 for what's dropped; g where train is false
    Kink: at p = 1 all is 0, and so is the gradient; what is inf or nan is nan where it's dropped (0 * inf).
    Example: x = [1., 2., 3., 4.]
        y = dropout(x, 0.25, true)
        y
        backward y.sum()
    """
    return _dropped(input, p if train else 0, input.shape)


def _enter_channel_dropout(name: str, behind: int | None) -> None:
    """A dropout of whole channels, which have `behind` dimensions behind them, or one (the samples) before them."""

    def body(input: Tensor, p: Number = 0.5, training: Flag = True, inplace: Flag = False):
        lead = 2 if behind is None else input.ndim - behind
        if not 1 <= lead <= input.ndim:
            raise ShapeFailure(f"{name} wants an input with channels, and got one of shape {input.shape}")
        shape = (*input.shape[:lead], *(1,) * (input.ndim - lead))
        return _perhaps_in_place(input, _dropped(input, p if training else 0, shape), inplace)

    places = letters(2 if behind is None else behind)
    shape = "(N, C, ...)" if behind is None else f"(N, C, {places}) or (C, {places})"
    body.__name__ = name
    body.__doc__ = f"""Whole channels set to 0 with probability p, and the others scaled so that the mean stays.

    Shapes: {shape}, and the result's is the same; p from 0 to 1. What's dropped is drawn from the session's generator
    Derivative: g * kept / (1 - p), where kept is 1 for the channels that stay, 0 for the others; g where not training
    Kink: at p = 1 all is 0, and so is the gradient; what is inf or nan is nan where it's dropped (0 * inf).
    Example: x = arange(1., 9.).reshape(1, 4, 2{", 1" * (len(places.split(", ")) - 1)})
        y = F.{name}(x, 0.5)
        y.flatten(1)
        grad(y.sum(), x).flatten(1)
    """
    function(f"F.{name}")(body)


# torch's dropout2d takes three dimensions as samples, channels and a length; the others as one sample.
for _name, _behind in (("dropout1d", 1), ("dropout2d", None), ("dropout3d", 3)):
    _enter_channel_dropout(_name, _behind)


@function("F.alpha_dropout")
def alpha_dropout(input: Tensor, p: Number = 0.5, training: Flag = False, inplace: Flag = False):
    """Dropout that keeps mean 0 and variance 1 behind a selu: what's dropped becomes selu's lowest value.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", section 3.

    Shapes: any, and the result's is the same; p from 0 to 1. What's dropped is drawn from the session's generator
    Derivative: g * kept * a, with a = ((1 - p) * (1 + 1.7581^2 * p))^-0.5 and kept 1 for what stays, 0 for what's
        dropped; the value is a * (where(kept, x, -1.7581) + 1.7581 * p). g where not training
    Kink: at p = 1 all is 0, and so is the gradient, as with dropout.
    Example: x = [1., 2., 3., 4.]
        y = F.alpha_dropout(x, 0.5, training=true)
        y
        backward y.sum()
    """
    if not 0 <= p <= 1:
        raise ValueFailure(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    if p == 1:
        return _perhaps_in_place(input, _dropped(input, p, input.shape), inplace)
    lowest = -1.7580993408473766
    kept = context.current().generator.random(input.shape) >= p
    slope = 1 / sqrt((lowest * lowest * p + 1) * (1 - p))
    offset = np.where(kept, 0, lowest) * slope - lowest * slope * p
    mask = Tensor((kept * slope).astype(input.dtype)[()], CUT)
    return _perhaps_in_place(input, e.add(e.mul(input, mask), Tensor(offset.astype(input.dtype)[()], CUT)), inplace)


# ---- channels


def _images(input: Tensor, name: str, least: int = 3) -> None:
    if input.ndim < least:
        raise ShapeFailure(f"{name} expects input to have at least {least} dimensions, but got input with {input.ndim}")


@function("pixel_shuffle", also=("F.pixel_shuffle",))
def pixel_shuffle(input: Tensor, upscale_factor: Whole):
    """Channels spread over pixels: of each r^2 channels one remains, whose images are r times as high and wide.

    Shapes: (..., C r^2, H, W) -> (..., C, H r, W r), with r the upscale_factor
    Derivative: pixel_unshuffle(g, upscale_factor)
    Example: x = arange(4.).reshape(4, 1, 1)
        y = pixel_shuffle(x, 2)
        y
        grad(y[0, 1, 0], x).flatten()
    """
    _images(input, "pixel_shuffle")
    if upscale_factor < 1:
        raise ValueFailure(f"pixel_shuffle expects a positive upscale_factor, but got {upscale_factor}")
    *lead, channels, height, width = input.shape
    square = upscale_factor**2
    if channels % square:
        raise ShapeFailure(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={channels} is not divisible by {square}"
        )
    n = len(lead)
    apart = s.reshape(input, (*lead, channels // square, upscale_factor, upscale_factor, height, width))
    moved = s.permute(apart, (*range(n + 1), n + 3, n + 1, n + 4, n + 2))
    out = s.reshape(moved, (*lead, channels // square, height * upscale_factor, width * upscale_factor))
    return relabel(out, "PixelShuffleBackward0")


@function("pixel_unshuffle", also=("F.pixel_unshuffle",))
def pixel_unshuffle(input: Tensor, downscale_factor: Whole):
    """Pixels gathered into channels: each block of r x r pixels becomes one pixel with r^2 times as many channels.

    Shapes: (..., C, H r, W r) -> (..., C r^2, H, W), with r the downscale_factor
    Derivative: pixel_shuffle(g, downscale_factor)
    Example: x = arange(4.).reshape(1, 2, 2)
        y = pixel_unshuffle(x, 2)
        y.flatten()
        backward y[1, 0, 0]
    """
    _images(input, "pixel_unshuffle")
    if downscale_factor < 1:
        raise ValueFailure(f"pixel_unshuffle expects a positive downscale_factor, but got {downscale_factor}")
    *lead, channels, height, width = input.shape
    factor = downscale_factor
    for size, where in ((height, "height"), (width, "width")):
        if size % factor:
            raise ShapeFailure(
                f"pixel_unshuffle expects {where} to be divisible by downscale_factor, but {size} is not divisible by "
                f"{factor}"
            )
    n = len(lead)
    apart = s.reshape(input, (*lead, channels, height // factor, factor, width // factor, factor))
    moved = s.permute(apart, (*range(n + 1), n + 2, n + 4, n + 1, n + 3))
    out = s.reshape(moved, (*lead, channels * factor * factor, height // factor, width // factor))
    return relabel(out, "PixelUnshuffleBackward0")


@function("channel_shuffle", also=("F.channel_shuffle",))
def channel_shuffle(input: Tensor, groups: Whole):
    """Channels in an order that mixes groups: the first of each group, then the second of each, and so on.

    Shapes: (N, C, ...) -> the same; `groups` divides C
    Derivative: channel_shuffle(g, C / groups)
    Example: x = arange(6.).reshape(1, 6, 1)
        y = channel_shuffle(x, 2)
        y.flatten()
        grad(y[0, 1, 0], x).flatten()
    """
    _images(input, "channel_shuffle")
    channels = input.shape[1]
    if groups < 1:
        raise ValueFailure(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    if channels % groups:
        raise ShapeFailure(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    apart = s.reshape(input, (input.shape[0], groups, channels // groups, *input.shape[2:]))
    return relabel(s.reshape(s.swapaxes(apart, 1, 2), input.shape), "ChannelShuffleBackward0")
