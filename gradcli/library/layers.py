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


@function("F.bilinear", also=("bilinear",))
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: OptionalTensor = None):
    """input1 @ weight[k] @ input2 for each k of the last dim."""
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
    """Rows of a table by number; the row padding_idx gets no gradient."""
    count = _table(weight)
    index = _indices(input, count)
    if max_norm is not None:
        _limit_norms(weight, index, max_norm, norm_type)
    return rows_of(weight, index, _padding_row(padding_idx, count), scale_grad_by_freq)


@function("embedding")
def torch_embedding(weight: Tensor, indices: Tensor, padding_idx: Whole = -1, scale_grad_by_freq: Flag = False,
                    sparse: Flag = False):  # fmt: skip
    """F.embedding, with its arguments in the order of `torch.embedding`."""
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
    """The sum, mean or largest of a table's rows for each bag of indices: a row, or what an offset begins."""
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
        highest = np.argmax(np.where(counted[..., None], np.asarray(rows.array), -np.inf), axis=1)
        taken = s.squeeze_dim(s.take_along_axis(rows, highest[:, None, :], 1), 1)
        return e.where(Tensor(counted.any(1)[:, None], CUT), taken, 0.0)
    sums = r.sum_dim(e.where(mask, rows, 0.0), 1, False)
    if mode == "sum":
        return sums
    sizes = np.maximum(np.sum(counted, axis=1, keepdims=True), 1).astype(rows.dtype)
    return e.div(sums, Tensor(sizes, CUT))


# ---- attention


@function("F.scaled_dot_product_attention")
def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: OptionalTensor = None,
                                 dropout_p: Number = 0.0, is_causal: Flag = False, scale: OptionalNumber = None,
                                 enable_gqa: Flag = False):  # fmt: skip
    """softmax(query @ key.mT * scale + mask) @ value; the scale is 1 / sqrt(the last size) where none is given.

    Source: Vaswani et al., "Attention Is All You Need", equation 1.
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
    weights = r.softmax(scores, scores.ndim - 1)
    # Where nothing may be attended to, torch attends to nothing.
    blind = np.all(np.asarray(scores.array) == -np.inf, axis=-1, keepdims=True)
    if np.any(blind):
        weights = e.where(Tensor(blind, CUT), 0.0, r.softmax(e.where(Tensor(blind, CUT), 0.0, scores), scores.ndim - 1))
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
    """Elements set to 0 with probability p, and the others scaled so that the mean stays; the input in evaluation."""
    return _perhaps_in_place(input, _dropped(input, p if training else 0, input.shape), inplace)


@function("dropout")
def torch_dropout(input: Tensor, p: Number, train: Flag):
    """F.dropout, with its arguments as `torch.dropout` has them."""
    return _dropped(input, p if train else 0, input.shape)


def _enter_channel_dropout(name: str, channels: int) -> None:
    """A dropout of whole channels, which stand `channels` dimensions from the end."""

    def body(input: Tensor, p: Number = 0.5, training: Flag = True, inplace: Flag = False):
        lead = input.ndim - channels if channels else 2
        if lead < 1:
            raise ShapeFailure(f"{name} wants an input with channels, and got one of shape {input.shape}")
        shape = (*input.shape[:lead], *(1,) * (input.ndim - lead))
        return _perhaps_in_place(input, _dropped(input, p if training else 0, shape), inplace)

    body.__name__, body.__doc__ = name, "Whole channels set to 0 with probability p, and the others scaled."
    function(f"F.{name}")(body)


for _name, _channels in (("dropout1d", 1), ("dropout2d", 2), ("dropout3d", 3)):
    _enter_channel_dropout(_name, _channels)


@function("F.alpha_dropout")
def alpha_dropout(input: Tensor, p: Number = 0.5, training: Flag = False, inplace: Flag = False):
    """Dropout that keeps mean 0 and variance 1 behind a selu.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", section 3.
    """
    if not 0 <= p <= 1:
        raise ValueFailure(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    lowest = -1.7580993408473766
    kept = context.current().generator.random(input.shape) >= p
    slope = 1 / sqrt((lowest * lowest * p + 1) * (1 - p)) if p < 1 else 0.0
    offset = np.where(kept, 0, lowest) * slope - lowest * slope * p
    mask = Tensor((kept * slope).astype(input.dtype)[()], CUT)
    return _perhaps_in_place(input, e.add(e.mul(input, mask), Tensor(offset.astype(input.dtype)[()], CUT)), inplace)


# ---- channels


def _images(input: Tensor, name: str, least: int = 3) -> None:
    if input.ndim < least:
        raise ShapeFailure(f"{name} expects input to have at least {least} dimensions, but got input with {input.ndim}")


@function("pixel_shuffle", also=("F.pixel_shuffle",))
def pixel_shuffle(input: Tensor, upscale_factor: Whole):
    """Channels spread over pixels: (..., C r^2, height, width) to (..., C, height r, width r)."""
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
    """Pixels gathered into channels: (..., C, height r, width r) to (..., C r^2, height, width)."""
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
    """Channels in the order that mixes groups: (N, groups, C / groups, ...) with these two dims exchanged."""
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
