"""Questions to a tensor, and what stands behind a dot without parentheses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine import CUT, Node, Tensor, as_tensor, modes
from gradcli.engine.memory import buffer
from gradcli.library.arguments import OptionalWhole, axis_of
from gradcli.library.shapes import conjugate_transposed, matrix_transposed, transposed
from gradcli.library.values import DType, Parts, Size, dtype_of
from gradcli.library.vocabulary import function


@function()
def numel(input: Tensor):
    """The number of elements."""
    return int(input.array.size)


@function(method=True)
def size(self: Tensor, dim: OptionalWhole = None):
    """The shape, or one of its sizes."""
    return Size(self.shape) if dim is None else self.shape[axis_of(dim, self.ndim)]


@function(also=("ndimension",))
def dim(self: Tensor):
    """The number of dims."""
    return self.ndim


@function()
def item(self: Tensor):
    """The one element as a plain number."""
    return self.item()


@function()
def tolist(self: Tensor):
    """The elements as plain numbers in nested lists."""
    return self.array.tolist()


@function(method=True)
def stride(self: Tensor, dim: OptionalWhole = None):
    """The steps in memory, in elements, from one index to the next."""
    array = np.asarray(self.array)
    strides = tuple(n // array.itemsize for n in array.strides)
    return strides if dim is None else strides[axis_of(dim, self.ndim)]


@function(method=True)
def is_contiguous(self: Tensor):
    """Whether the elements lie in one run of memory, in order."""
    return bool(np.asarray(self.array).flags.c_contiguous)


@function(method=True)
def numpy(self: Tensor):
    """The tensor itself: its values are NumPy's already."""
    self.numpy()
    return Tensor(buffer(self), CUT)


@function("cpu", method=True)
def cpu(self: Tensor):
    """The tensor itself: there is no other device."""
    return self


@function()
def is_tensor(obj):
    """Whether a value is a tensor."""
    return type(obj) is Tensor


@function()
def is_floating_point(input: Tensor):
    """Whether the dtype is one of real numbers."""
    return input.dtype.kind == "f"


@function()
def shape(input: Tensor):
    """The shape."""
    return Size(input.shape)


@function()
def get_default_dtype():
    """The dtype of tensors made from plain numbers."""
    return dtype_of(modes.default_dtype)


def data_of(tensor: Tensor) -> Tensor:
    """`x.data`: the same memory, cut off from the history."""
    return Tensor(buffer(tensor), CUT)


def gradient_of(tensor: Tensor) -> Tensor | None:
    """`x.grad`; torch warns where it can't ever be there, and so does this."""
    if tensor.grad is None and not tensor.is_leaf and modes.warn is not None:
        modes.warn(
            "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
            "populated during backward.",
            "call `.retain_grad()` on it before the backward, or ask for it directly: `grad(y, x)`",
        )
    return tensor.grad


ATTRIBUTES: dict[type, dict[str, Callable[[Any], Any]]] = {
    Tensor: {
        "shape": lambda x: Size(x.shape),
        "ndim": lambda x: x.ndim,
        "dtype": lambda x: dtype_of(x.dtype),
        "T": transposed,
        "mT": matrix_transposed,
        # Of real matrices the conjugate transposes are the transposes.
        "H": conjugate_transposed,
        "mH": lambda x: matrix_transposed(x, "mH"),
        "grad": gradient_of,
        "grad_fn": lambda x: x.grad_fn,
        "requires_grad": lambda x: x.requires_grad,
        "is_leaf": lambda x: x.is_leaf,
        "retains_grad": lambda x: x.meta is not None and x.meta.retains,
        "data": data_of,
        "device": lambda x: "cpu",
        "itemsize": lambda x: x.dtype.itemsize,
        "nbytes": lambda x: x.array.nbytes,
    },
    Node: {"next_functions": lambda node: node.next_functions},
    DType: {
        "is_floating_point": lambda d: d.is_floating_point,
        "itemsize": lambda d: d.numpy.itemsize,
    },
}
"""What can stand behind a dot without being called, by the type of what stands before it."""

NODE_METHODS: dict[str, Callable[..., Any]] = {"name": lambda node: node.name}


def attribute(value: Any, name: str) -> Any:
    """`value.name`; raises KeyError where there is no such attribute."""
    known = ATTRIBUTES.get(type(value))
    if known is None and isinstance(value, Parts):
        return value[value.fields.index(name)] if name in value.fields else _missing(name)
    if known is None and type(value) in (int, float, bool):
        return ATTRIBUTES[Tensor][name](as_tensor(value))
    return (known or {})[name](value)


def _missing(name: str) -> Any:
    raise KeyError(name)
