"""torch.nn.functional: convolutions over one, two and three dimensions, and the windows behind them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from gradcli.engine import Tensor
from gradcli.engine import elementwise as e
from gradcli.engine import shaping as s
from gradcli.engine.allocation import allocatable
from gradcli.engine.conversion import promoted
from gradcli.engine.convolution import convolution, transposed
from gradcli.engine.operation import relabel
from gradcli.engine.windows import counts as _places
from gradcli.engine.windows import fold as folded
from gradcli.engine.windows import unfold as unfolded
from gradcli.errors import ShapeFailure, ValueFailure
from gradcli.library.arguments import OptionalTensor, Whole
from gradcli.library.vocabulary import function
from gradcli.library.windowed import batched, each, letters, unbatched

NAME = "ConvolutionBackward0"


def _biased(out: Tensor, bias: Tensor | None, weight: Tensor, channels: int) -> Tensor:
    if bias is None:
        return out
    if bias.shape != (channels,):
        raise ShapeFailure(
            f"Given weight of size {list(weight.shape)}, expected bias to be 1-dimensional with {channels} elements, "
            f"but got bias of size {list(bias.shape)} instead"
        )
    return relabel(e.add(out, s.reshape(bias, (-1, *(1,) * (out.ndim - 2)))), NAME)


def _checked(images: Tensor, weight: Tensor, groups: int, dims: int, name: str, over: int) -> None:
    """The kernels fit the images: `over` is 1 where each kernel goes over all channels of a group, 0 where each
    channel has its kernels (transposed)."""
    if groups < 1:
        raise ValueFailure("non-positive groups is not supported")
    if weight.ndim != dims + 2:
        raise ShapeFailure(
            f"Expected {dims + 2}-dimensional weight for {name}, but got weight of size {list(weight.shape)}"
        )
    if weight.shape[0] < groups or weight.shape[0] % groups:
        raise ShapeFailure(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0 and divisible by it, but "
            f"got weight of size {list(weight.shape)} instead"
        )
    channels = weight.shape[1] * groups if over else weight.shape[0]
    if images.shape[1] != channels:
        verb = "input" if over else f"transpose={1 - over}, input"
        raise ShapeFailure(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected {verb}{list(images.shape)} to have "
            f"{channels} channels, but got {images.shape[1]} channels instead"
        )


def _around(padding: Any, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...], name: str):
    """The zeros before and after each dimension; "same" puts an odd one behind."""
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * len(kernel)
        if padding != "same":
            raise ValueFailure(f"Invalid padding string: '{padding}'", help='"same", "valid" or numbers')
        if any(n != 1 for n in stride):
            raise ValueFailure("padding='same' is not supported for strided convolutions")
        # torch halves what is needed and puts what is left over behind: the middle of a kernel, or of an even one the
        # element before its middle, stands on each element of the image.
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple((n, n) for n in each(padding, len(kernel), "padding", 0, name))


def _fits(size: tuple[int, ...], kernel: tuple[int, ...], padding: Any, dilation: tuple[int, ...]) -> None:
    padded = [n + sum(pad) for n, pad in zip(size, padding, strict=True)]
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if any(n < k for n, k in zip(padded, reach, strict=True)):
        raise ShapeFailure(
            f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). "
            f"Kernel size: ({' x '.join(map(str, reach))}). Kernel size can't be greater than actual input size"
        )


def _enter_convolution(dims: int) -> None:
    name = f"conv{dims}d"

    def body(input: Tensor, weight: Tensor, bias: OptionalTensor = None, stride=1, padding=0, dilation=1,
             groups: Whole = 1):  # fmt: skip
        images, had_batch = batched(input, dims, name)
        _checked(images, weight, groups, dims, name, over=1)
        steps, gaps = each(stride, dims, "stride", 1, name), each(dilation, dims, "dilation", 1, name)
        kernel = weight.shape[2:]
        around = _around(padding, kernel, steps, gaps, name)
        _fits(images.shape[2:], kernel, around, gaps)
        allocatable((*images.shape, *kernel), images.dtype)
        out = convolution(*promoted(images, weight), steps, around, gaps, groups)
        return unbatched(_biased(out, bias, weight, weight.shape[0]), had_batch)

    body.__name__ = name
    lengths, places, kernels = letters(dims), letters(dims, "'"), ", ".join(("k",) * dims)
    body.__doc__ = f"""The cross-correlation of images with kernels: each kernel weighs and sums every window.

    Shapes: (N, C, {lengths}) or (C, {lengths}), (K, C / groups, {kernels}), (K) -> (N, K, {places}) or (K, {places}).
        A dim L becomes floor((L + 2 padding - dilation (k - 1) - 1) / stride) + 1. stride, padding and dilation are a
        number or one for each dim; padding can be "same" or "valid" too
    Derivative: input: conv_transpose{dims}d(g, weight, none, stride, padding, 0, groups, dilation), and 0 where no
        window came; weight: conv{dims}d(input.transpose(0, 1), g.transpose(0, 1), none, dilation, padding,
        stride).transpose(0, 1), its first k places (each group by itself); bias: sum(g, {_over(dims)})
    Kink: beyond the image there are zeros; with "same" and a kernel of even size the odd one stands behind
        (why: gradcli/library/convolutions.py).
    Example: x = {("[[1., 2., 3.]]", "arange(1., 10.).reshape(1, 3, 3)", "arange(8.).reshape(1, 2, 2, 2)")[dims - 1]}
        const w = {("[[[1., 10.]]]", "[[[[1., 0.], [0., 10.]]]]", "arange(1., 9.).reshape(1, 1, 2, 2, 2)")[dims - 1]}
        y = {name}(x, w)
        y
        backward y.sum()
    """
    function(name, also=(f"F.{name}",))(body)


def _enter_transposed(dims: int) -> None:
    name = f"conv_transpose{dims}d"

    def body(input: Tensor, weight: Tensor, bias: OptionalTensor = None, stride=1, padding=0, output_padding=0,
             groups: Whole = 1, dilation=1):  # fmt: skip
        images, had_batch = batched(input, dims, name)
        _checked(images, weight, groups, dims, name, over=0)
        steps, gaps = each(stride, dims, "stride", 1, name), each(dilation, dims, "dilation", 1, name)
        around, more = each(padding, dims, "padding", 0, name), each(output_padding, dims, "output_padding", 0, name)
        if any(m >= max(step, gap) for m, step, gap in zip(more, steps, gaps, strict=True)):
            raise ValueFailure("output padding must be smaller than either stride or dilation")
        dimensions = zip(images.shape[2:], steps, around, gaps, weight.shape[2:], more, strict=True)
        size = tuple((n - 1) * step - 2 * pad + gap * (k - 1) + m + 1 for n, step, pad, gap, k, m in dimensions)
        channels = weight.shape[1] * groups
        if any(n < 1 for n in size):
            raise ShapeFailure(
                f"Given input size per channel: {list(images.shape[2:])}. Calculated output size per channel: "
                f"{list(size)}. Output size is too small"
            )
        allocatable((images.shape[0], channels, *size, *weight.shape[2:]), images.dtype)
        out = transposed(*promoted(images, weight), size, steps, tuple((pad, pad) for pad in around), gaps, groups)
        return unbatched(_biased(out, bias, weight, channels), had_batch)

    body.__name__ = name
    lengths, places, kernels = letters(dims), letters(dims, "'"), ", ".join(("k",) * dims)
    body.__doc__ = f"""The adjoint of conv{dims}d: each number of an image spreads a kernel, and what overlaps adds up.

    Shapes: (N, C, {lengths}) or (C, {lengths}), (C, K / groups, {kernels}), (K) -> (N, K, {places}) or (K, {places}).
        A dim L becomes (L - 1) stride - 2 padding + dilation (k - 1) + output_padding + 1, with an output_padding less
        than the stride or the dilation
    Derivative: input: conv{dims}d(g, weight, none, stride, padding, dilation, groups), its first places;
        weight: conv{dims}d(g.transpose(0, 1), input.transpose(0, 1), none, dilation, padding, stride).transpose(0, 1),
        its first k places (each group by itself); bias: sum(g, {_over(dims)})
    Kink: padding takes places away on both sides; output_padding gives places back behind, zeros where there are none.
    Example: x = {("[[1., 2.]]", "[[[1., 2.], [3., 4.]]]", "[[[[1., 2.]]]]")[dims - 1]}
        const w = {("[[[1., 10., 100.]]]", "[[[[1., 10.], [10., 100.]]]]", "[[[[[1., 10., 100.]]]]]")[dims - 1]}
        y = {name}(x, w)
        y
        backward y.sum()
    """
    function(name, also=(f"F.{name}",))(body)


def _over(dims: int) -> list[int]:
    """The dims of a result that a bias is the same over."""
    return [0, *range(2, dims + 2)]


_ENTERS: tuple[Callable[[int], None], ...] = (_enter_convolution, _enter_transposed)
for _dimensions in (1, 2, 3):
    for _enter in _ENTERS:
        _enter(_dimensions)


# ---- windows


@function("F.unfold")
def unfold(input: Tensor, kernel_size, dilation=1, padding=0, stride=1):
    """The windows of images as columns, one for each place of the window.

    Shapes: (N, C, H, W) or (C, H, W) -> (N, C k k, P) or (C k k, P), where P is the product of
        floor((L + 2 padding - dilation (k - 1) - 1) / stride) + 1 over H and W; beyond the image there are zeros
    Derivative: F.fold(g, (H, W), kernel_size, dilation, padding, stride)
    Example: x = arange(1., 10.).reshape(1, 3, 3)
        y = F.unfold(x, 2)
        y
        backward y.sum()
    """
    images, had_batch = batched(input, 2, "unfold")
    kernel, gaps = each(kernel_size, 2, "kernel_size", 1, "unfold"), each(dilation, 2, "dilation", 1, "unfold")
    around, steps = each(padding, 2, "padding", 0, "unfold"), each(stride, 2, "stride", 1, "unfold")
    pairs = tuple((pad, pad) for pad in around)
    size = images.shape[2:]
    counts = _places(size, kernel, steps, pairs, gaps)
    if any(n < 1 for n in counts):
        raise ShapeFailure(
            f"Given input with spatial size ({', '.join(map(str, size))}), kernel_size={kernel}, dilation={gaps}, "
            f"padding={around}, calculated shape of the array of sliding blocks as ({', '.join(map(str, counts))}), "
            "but its components must be at least one."
        )
    out = unfolded(images, kernel, steps, pairs, gaps)
    return out if had_batch else relabel(s.squeeze_dim(out, 0), "Im2ColBackward0")


@function("F.fold")
def fold(input: Tensor, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns put back as the windows of images, and added up where they overlap: the adjoint of F.unfold.

    Shapes: (N, C k k, P) or (C k k, P) -> (N, C, H, W) or (C, H, W), with (H, W) the output_size and P as for F.unfold.
        A pixel that no window covers is 0
    Derivative: F.unfold(g, kernel_size, dilation, padding, stride)
    Example: x = arange(1., 17.).reshape(4, 4)
        y = F.fold(x, (3, 3), 2)
        y
        backward y[0, 1, 1]
    """
    if input.ndim not in (2, 3):
        raise ShapeFailure(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(input.shape)}"
        )
    rows = input if input.ndim == 3 else s.expand_dims(input, 0)
    size = each(output_size, 2, "output_size", 1, "fold")
    kernel, gaps = each(kernel_size, 2, "kernel_size", 1, "fold"), each(dilation, 2, "dilation", 1, "fold")
    around, steps = each(padding, 2, "padding", 0, "fold"), each(stride, 2, "stride", 1, "fold")
    pairs = tuple((pad, pad) for pad in around)
    if rows.shape[1] % prod(kernel):
        raise ShapeFailure(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={rows.shape[1]} and kernel_size={kernel}."
        )
    counts = _places(size, kernel, steps, pairs, gaps)
    if prod(counts) != rows.shape[2] or min(counts) < 1:
        raise ShapeFailure(
            f"Given output_size={size}, kernel_size={kernel}, dilation={gaps}, padding={around}, stride={steps}, "
            f"expected size of input's dimension 2 to match the calculated number of sliding blocks "
            f"{' * '.join(map(str, counts))} = {prod(counts)}, but got input.size(2)={rows.shape[2]}."
        )
    out = folded(rows, size, kernel, steps, pairs, gaps)
    return out if input.ndim == 3 else relabel(s.squeeze_dim(out, 0), "Col2ImBackward0")
