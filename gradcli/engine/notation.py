"""PyTorch's printed notation for tensors: `tensor([0., 1.], requires_grad=True)`.

The text is meant to be that of `repr` in PyTorch, character by character, oddities included: people compare the two
side by side, and tests compare them by machine. `tests/golden/notation.json` holds what PyTorch prints.
"""

from itertools import islice
from math import isfinite

import numpy as np

_PREFIX = "tensor("

_DTYPE_TEXT = {
    np.dtype(name): f"torch.{name}"
    for name in (
        *("float64", "float32", "float16", "complex128", "complex64", "bool"),
        *("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8"),
    )
}

# A literal of these types gives the dtype back, so that PyTorch doesn't spell it out, whatever the default dtype is.
_DTYPES_SEEN_IN_A_LITERAL = frozenset({np.dtype(np.int64), np.dtype(np.bool_)})


def tensor_text(
    array: np.ndarray | np.generic,
    *,
    requires_grad: bool = False,
    grad_fn: str | None = None,
    default_dtype: np.dtype | type | str = np.float64,
    precision: int = 4,
    width: int = 80,
    threshold: float = 1000,
    edge: int = 3,
    indent: int = 0,
) -> str:
    """What PyTorch prints for a tensor that holds `array`, where its default dtype is `default_dtype`.

    array: of any shape; a NumPy scalar stands for a 0-d tensor.
    grad_fn: the name of the operation, without brackets; it hides `requires_grad`, as in PyTorch.
    precision: digits after the point. width: columns of a line, counted from the margin.
    threshold, edge: an array of more than `threshold` elements shows the first and last `edge` of each dimension.
    Only those are read, so that the size of the array doesn't matter.
    indent: columns already taken to the left of `tensor(`. They count towards the width, and further lines begin
    behind them.

    Raises TypeError for a dtype that PyTorch doesn't have.
    """
    dtype = array.dtype
    if dtype not in _DTYPE_TEXT:
        dtype = dtype.newbyteorder("=")
        if dtype not in _DTYPE_TEXT:
            raise TypeError(f"PyTorch has no tensors of dtype {dtype}")
    column = indent + len(_PREFIX)
    suffixes = []
    if array.size == 0:
        body = "[]"
        if array.ndim != 1:
            suffixes.append(f"size={array.shape}")
        shows_dtype = dtype != default_dtype
    else:
        body = _body(array, dtype.kind, precision, width, threshold, edge, column)
        if edge == 0:
            suffixes.append(f"size={array.shape}")
        shows_dtype = not (
            dtype == default_dtype
            or dtype in _DTYPES_SEEN_IN_A_LITERAL
            or (dtype.kind == "c" and dtype == _complex_default(default_dtype))
        )
    if shows_dtype:
        suffixes.append(f"dtype={_DTYPE_TEXT[dtype]}")
    if grad_fn is not None:
        suffixes.append(f"grad_fn=<{grad_fn}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    if not suffixes:
        return f"{_PREFIX}{body})"
    return _with_suffixes(_PREFIX + body, suffixes, column, width, indent)


def _complex_default(default_dtype: np.dtype | type | str) -> np.dtype:
    return np.dtype(np.complex128 if np.dtype(default_dtype) == np.float64 else np.complex64)


def _body(array, kind: str, precision: int, width: int, threshold: float, edge: int, column: int) -> str:
    summarised = array.size > threshold and array.ndim > 0
    if summarised and edge == 0:
        return "[...]"
    if array.ndim == 0 and kind == "f":  # a loop prints thousands of these: no lists, no columns
        value = float(array)
        spec, point = _float_format([abs(value)] if value and isfinite(value) else [], precision)
        return format(value, spec) + (point if isfinite(value) else "")
    shown = np.asarray(_corners(array, edge) if summarised else array)
    cells, cell_width = _cells(shown, kind, precision)
    if array.ndim == 0:
        return cells[0]
    elided = [summarised and size > 2 * edge for size in array.shape]
    return _brackets(cells, shown.shape, elided, cell_width, column, width)


def _corners(array, edge: int, axis: int = 0):
    """The elements a summary shows. Cuts views first and copies last: the cost is that of what's shown, and an array
    that is computed on demand computes no more than that."""
    if axis == array.ndim:
        return array
    if array.shape[axis] <= 2 * edge:
        return _corners(array, edge, axis + 1)
    front = (slice(None),) * axis
    ends = (array[(*front, slice(edge))], array[(*front, slice(-edge, None))])
    return np.concatenate([_corners(end, edge, axis + 1) for end in ends], axis=axis)


def _cells(array, kind: str, precision: int) -> tuple[list[str], int]:
    """The text of each element, in order, and the width a cell counts for when lines are filled."""
    if kind == "f":
        return _float_cells(array.reshape(-1).tolist(), precision)
    if kind == "c":
        # The parts are separate columns, each with a format of its own; the imaginary one loses its padding.
        real, real_width = _float_cells(array.real.reshape(-1).tolist(), precision)
        imag, imag_width = _float_cells(array.imag.reshape(-1).tolist(), precision)
        signed = [text if text[0] == "-" else "+" + text for text in map(str.lstrip, imag)]
        return [f"{re}{im}j" for re, im in zip(real, signed, strict=True)], real_width + imag_width + 1
    texts = [str(value) for value in array.reshape(-1).tolist()]
    cell_width = max(map(len, texts))
    return [text.rjust(cell_width) for text in texts], cell_width


def _float_cells(values: list[float], precision: int) -> tuple[list[str], int]:
    # Zeros, infinities and nans have no say in the format nor in the width of a column: they may stick out of it.
    spec, point = _float_format([abs(value) for value in values if value and isfinite(value)], precision)
    texts = [format(value, spec) + (point if isfinite(value) else "") for value in values]
    counted = (len(text) for text, value in zip(texts, values, strict=True) if value and isfinite(value))
    cell_width = max(counted, default=1)
    return [text.rjust(cell_width) for text in texts], cell_width


def _float_format(magnitudes: list[float], precision: int) -> tuple[str, str]:
    """The format of all numbers of a tensor, and what follows a finite one."""
    if magnitudes:
        smallest, largest = min(magnitudes), max(magnitudes)
        if largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4:
            return f".{precision}e", ""
        if not all(map(float.is_integer, magnitudes)):
            return f".{precision}f", ""
    return ".0f", "."


def _brackets(cells: list[str], shape, elided: list[bool], cell_width: int, column: int, width: int) -> str:
    """The cells in nested brackets, rows filled up to `width`; `column` is where the outermost bracket stands."""
    remaining = iter(cells)
    innermost = len(shape) - 1
    per_line = max(1, (width - column - innermost) // (cell_width + len(", ")))

    def block(depth: int) -> str:
        new_line = "\n" + " " * (column + depth + 1)
        if depth == innermost:
            items = list(islice(remaining, shape[depth]))
            if elided[depth]:
                items.insert(len(items) // 2, " ...")
            lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
            return f"[{f',{new_line}'.join(lines)}]"
        items = [block(depth + 1) for _ in range(shape[depth])]
        if elided[depth]:
            items.insert(len(items) // 2, "...")
        blank_lines = "\n" * (innermost - depth - 1)
        return f"[{f',{blank_lines}{new_line}'.join(items)}]"

    return block(0)


def _with_suffixes(text: str, suffixes: list[str], column: int, width: int, indent: int) -> str:
    # PyTorch counts two columns too many on the line that the elements end on, and on a line of its own a suffix is
    # counted without what closes it: some lines break early, some reach past the width.
    last_line = text.rfind("\n") + 1
    taken = len(text) - last_line + 2 + (0 if last_line else indent)
    for suffix in suffixes:
        if taken + len(suffix) + 2 > width:
            text += f",\n{' ' * column}{suffix}"
            taken = column + len(suffix)
        else:
            text += f", {suffix}"
            taken += len(suffix) + 2
    return text + ")"
