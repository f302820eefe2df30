"""PyTorch's indexing on tensors: which forms share memory, and how a part is set."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import inplace, memory, modes, shaping
from gradcli.engine.conversion import as_tensor
from gradcli.engine.tensor import Tensor
from gradcli.errors import IndexFailure, ShapeFailure, TypeFailure, kind_of


def _whole(value: Any) -> int:
    """A whole number, whatever its type; a fraction is an error."""
    if isinstance(value, float):
        if not value.is_integer():
            raise IndexFailure(f"an index is a whole number, and this is {value}")
        return int(value)
    return value


def normalized(key: Any, shape: tuple[int, ...]) -> tuple[tuple[Any, ...], bool]:
    """NumPy's index for torch's: a tuple, and whether it's an advanced one (which copies)."""
    parts = key if type(key) is tuple else (key,)
    index: list[Any] = []
    advanced = False
    for part in parts:
        if type(part) is Tensor:
            array = part.array
            if array.dtype.kind == "b":
                part = np.asarray(array)
                advanced = True
            elif array.ndim == 0:
                part = _whole(array.item())
            else:
                part = _whole_array(array)
                advanced = True
        elif type(part) is slice:
            part = slice(*(_bound(bound) for bound in (part.start, part.stop, part.step)))
            if part.step is not None and part.step == 0:
                raise IndexFailure("a slice's step can't be zero")
        elif type(part) is float:
            part = _whole(part)
        elif type(part) is bool:
            part = np.array(part)
            advanced = True
        elif isinstance(part, (list, range, np.ndarray)):
            array = _listed_index(part)
            if array.dtype.kind not in "biuf":
                raise TypeFailure("an index is made of whole numbers or truth values")
            part = array if array.dtype.kind == "b" else _whole_array(array)
            advanced = True
        elif part is not None and part is not Ellipsis and not isinstance(part, int):
            raise TypeFailure(
                "an index is a whole number, a slice, `...`, none, a mask or whole numbers in a tensor",
                label=f"this is {kind_of(part)}",
            )
        index.append(part)
    index = _one_ellipsis(index, len(shape))
    _check(index, shape)
    return tuple(index), advanced


def _one_ellipsis(index: list[Any], ndim: int) -> list[Any]:
    """The index with the first `...` alone, and without it where it stands for no dims.

    NumPy would take it as standing between two lists of indices then, which moves their dims to the front.
    """
    if Ellipsis not in (part for part in index if not isinstance(part, np.ndarray)):
        return index
    idle = _dims_used(index) >= ndim
    kept: list[Any] = []
    for part in index:
        if part is not Ellipsis or not (idle or any(earlier is Ellipsis for earlier in kept)):
            kept.append(part)
    return kept


def _dims_used(index: Any) -> int:
    """How many of the tensor's dims the parts of an index stand for, `...` apart."""
    return sum(part.ndim if _is_mask(part) else 1 for part in index if part is not None and part is not Ellipsis)


def _listed_index(part: Any) -> np.ndarray:
    if not len(part):
        return np.zeros(0, np.int64)
    try:
        return np.asarray(part)
    except ValueError:
        raise TypeFailure("an index is a rectangular list of whole numbers or truth values") from None


def _bound(value: Any) -> Any:
    if type(value) is Tensor:
        value = value.item()
    return value if value is None else _whole(value)


def _whole_array(array: Any) -> np.ndarray:
    if array.dtype.kind == "f":
        whole = array.astype(np.int64)
        if not np.array_equal(whole, array):
            raise IndexFailure("an index is made of whole numbers, and this tensor has fractions")
        return whole
    return array


def _check(index: list[Any], shape: tuple[int, ...]) -> None:
    used = _dims_used(index)
    lists = [part.shape for part in index if isinstance(part, np.ndarray) and part.dtype.kind != "b"]
    try:
        np.broadcast_shapes(*lists)
    except ValueError:
        raise IndexFailure(
            "shape mismatch: indexing tensors could not be broadcast together with shapes "
            + ", ".join(str(list(one)) for one in lists)
        ) from None
    if used > len(shape):
        if not shape:
            raise IndexFailure(
                "invalid index of a 0-dim tensor", help="a tensor without dimensions is one number: use `.item()`"
            )
        raise IndexFailure(f"too many indices for tensor of dimension {len(shape)}", label=f"its shape is {shape}")
    dim = 0
    for part in index:
        if part is Ellipsis:
            dim += len(shape) - used
        elif isinstance(part, np.ndarray) and part.dtype.kind == "b":
            for k, size in enumerate(part.shape):
                if size != shape[dim + k]:
                    raise IndexFailure(
                        f"The shape of the mask {list(part.shape)} at index {k} does not match the shape of the "
                        f"indexed tensor {list(shape)} at index {dim + k}"
                    )
            dim += part.ndim
        elif isinstance(part, np.ndarray):
            bad = part[(part < -shape[dim]) | (part >= shape[dim])]
            if bad.size:
                raise _out_of_range(int(bad.flat[0]), dim, shape[dim])
            dim += 1
        elif isinstance(part, int):
            if not -shape[dim] <= part < shape[dim]:
                raise _out_of_range(part, dim, shape[dim])
            dim += 1
        elif part is not None:
            dim += 1


def _out_of_range(index: int, dim: int, size: int) -> IndexFailure:
    return IndexFailure(
        f"index {index} is out of bounds for dimension {dim} with size {size}",
        help=f"indices count from 0: the last one is {size - 1}" if size else "this dimension is empty",
    )


def take(tensor: Tensor, key: Any) -> Tensor:
    """`tensor[key]`: a view for numbers, slices, `...` and none, a copy for masks and lists of indices."""
    if type(key) is int:
        # The commonest form, without the detours.
        size = tensor.array.shape[0] if tensor.array.ndim else 0
        if -size <= key < size:
            return shaping.getitem(tensor, (key, ...))
    index, advanced = normalized(key, tensor.array.shape)
    if type(key) is slice:
        # Alone, torch makes a node even of `:`.
        return shaping.getitem_slice(tensor, (*index, ...))
    if not advanced:
        return _basic_take(tensor, index)
    basic, index = _numbers_first(index, tensor.array.ndim)
    return shaping.getitem_index(tensor if basic is None else _basic_take(tensor, basic), index)


def _numbers_first(index: tuple[Any, ...], ndim: int) -> tuple[tuple[Any, ...] | None, tuple[Any, ...]]:
    """An advanced index in torch's two steps: single numbers select first, and what is left indexes the rest.

    NumPy counts a number among the advanced indices, which may put the dims in another order.
    """
    if not any(isinstance(part, int) for part in index):
        return None, index
    used = _dims_used(index)
    basic: list[Any] = []
    rest: list[Any] = []
    for part in index:
        if isinstance(part, int):
            basic.append(part)
        elif part is Ellipsis:
            basic += [slice(None)] * (ndim - used)
            rest.append(part)
        else:
            rest.append(part)
            if part is not None:
                basic += [slice(None)] * (part.ndim if _is_mask(part) else 1)
    return tuple(basic), tuple(rest)


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype.kind == "b"


def _basic_take(tensor: Tensor, index: tuple[Any, ...]) -> Tensor:
    last = _last_step(index, tensor.array.shape)
    if last is None:
        function = shaping.getitem_new_dim
    elif last is Ellipsis:
        function = shaping.getitem_alias
    elif isinstance(last, slice):
        function = shaping.getitem_slice
    else:
        function = shaping.getitem
    return function(tensor, index if Ellipsis in index else (*index, ...))


def _last_step(index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """The last part that does something (torch makes no node of a `:`), whose name the result bears; else `...`."""
    last: Any = Ellipsis
    dim = 0
    for part in index:
        if part is Ellipsis:
            dim += len(shape) - _dims_used(index)
            continue
        if not (isinstance(part, slice) and part.step in (None, 1) and part.start in (None, 0)
                and (part.stop is None or part.stop >= shape[dim])):  # fmt: skip
            last = part
        dim += part is not None
    return last


def put(tensor: Tensor, key: Any, value: Any) -> None:
    """`tensor[key] = value`, in place; recorded where tensor or value requires grad."""
    index, advanced = normalized(key, tensor.array.shape)
    if isinstance(value, (list, tuple)):
        value = as_tensor(value)
    inplace.refuse_leaf(tensor)
    tracked = modes.recording and (bool(tensor.node) or (type(value) is Tensor and bool(value.node)))
    base = tensor.meta.base if tensor.meta is not None else None
    if not tracked and (base is None or not base.node or not modes.recording):
        _write(tensor, index, value)
    elif advanced:
        basic, index = _numbers_first(index, tensor.array.ndim)
        part = tensor if basic is None else _basic_take(tensor, basic)
        inplace.assign(part, shaping.put(part, _fitting(part, index, value), index))
    else:
        inplace.copy(_basic_take(tensor, index), value)


def _write(tensor: Tensor, index: tuple[Any, ...], value: Any) -> None:
    array = memory.buffer(tensor)
    if any(isinstance(part, np.ndarray) for part in index):
        basic, index = _numbers_first(index, array.ndim)
        array = array if basic is None else array[(*basic, ...)]
    raw = (
        value.array if type(value) is Tensor else value if type(value) in (int, float, bool) else as_tensor(value).array
    )
    if not memory.is_writable(array):
        raise memory.read_only(array)
    try:
        array[index] = raw
    except (ValueError, TypeError):
        raise _misfit(array[index].shape, np.shape(raw)) from None
    memory.stamp(array)


def _fitting(tensor: Tensor, index: tuple[Any, ...], value: Any) -> Tensor:
    value = as_tensor(value, tensor.dtype)
    place = tensor.array[index].shape
    try:
        fits = np.broadcast_shapes(place, value.shape) == place
    except ValueError:
        fits = False
    if not fits:
        raise _misfit(place, value.shape)
    return value


def _misfit(place: tuple[int, ...], shape: tuple[int, ...]) -> Exception:
    return ShapeFailure(
        f"shape mismatch: value tensor of shape {list(shape)} cannot be broadcast to indexing result of shape "
        f"{list(place)}"
    )
