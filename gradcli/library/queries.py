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
    """The number of elements.

    Shapes: any; a whole number
    Derivative: none: a count
    Example: numel(zeros(2, 3))
    """
    return int(input.array.size)


@function(method=True)
def size(self: Tensor, dim: OptionalWhole = None):
    """The shape, or one of its sizes.

    Shapes: any; the size of each dim, or of `dim` a whole number
    Derivative: none: a count
    Example: x = zeros(2, 3)
        x.size(), x.size(0), x.size(-1)
    """
    return Size(self.shape) if dim is None else self.shape[axis_of(dim, self.ndim)]


@function(also=("ndimension",))
def dim(self: Tensor):
    """The number of dims: 0 of a number, 1 of a vector, 2 of a matrix.

    Shapes: any; a whole number
    Derivative: none: a count
    Example: dim(zeros(2, 3)), dim(tensor(3))
    """
    return self.ndim


@function()
def item(self: Tensor):
    """The one element as a plain number.

    Shapes: any of one element
    Derivative: none: a plain number has no history, and what is computed from it has no gradient in this tensor
    Example: x = 3
        y = x * x.item()
        backward y
    """
    return self.item()


@function()
def tolist(self: Tensor):
    """The elements as plain numbers in nested lists, or the one of a number.

    Shapes: any; lists as deep as it has dims
    Derivative: none: plain numbers have no history
    Example: print(tolist(eye(2)))
    """
    return self.array.tolist()


@function(method=True)
def stride(self: Tensor, dim: OptionalWhole = None):
    """The steps in memory, in elements, from one index to the next: of each dim, or of one.

    Shapes: any; a whole number for each dim
    Derivative: none: places in memory
    Example: x = zeros(2, 3)
        x.stride(), x.T.stride(), x.stride(0)
    """
    array = np.asarray(self.array)
    strides = tuple(n // array.itemsize for n in array.strides)
    return strides if dim is None else strides[axis_of(dim, self.ndim)]


@function(method=True)
def is_contiguous(self: Tensor):
    """Whether the elements lie in one run of memory, in order.

    Shapes: any; a truth value
    Derivative: none: a truth value
    Example: x = zeros(2, 3)
        x.is_contiguous(), x.T.is_contiguous()
    """
    return bool(np.asarray(self.array).flags.c_contiguous)


@function(method=True)
def numpy(self: Tensor):
    """The values in the same memory, without history: they're NumPy's already. A tensor that requires grad has none.

    Shapes: any, and the result's is the same
    Derivative: none: `x.detach().numpy()` cuts off one that requires grad
    Example: tensor([1., 2.]).numpy()
    """
    self.numpy()
    return Tensor(buffer(self), CUT)


@function("cpu", method=True)
def cpu(self: Tensor):
    """The tensor itself: there is no other device.

    Shapes: any, and the result's is the same
    Derivative: g
    Example: x = [1., 2.]
        backward x.cpu().sum()
    """
    return self


@function()
def is_tensor(obj):
    """Whether a value is a tensor.

    Shapes: any value; a truth value
    Derivative: none: a truth value
    Example: x = 3
        is_tensor(x), is_tensor(x.item()), is_tensor([1, 2])
    """
    return type(obj) is Tensor


@function()
def is_floating_point(input: Tensor):
    """Whether the dtype is one of real numbers, which alone can have a gradient.

    Shapes: any; a truth value
    Derivative: none: a truth value
    Example: is_floating_point(ones(2)), is_floating_point(ones(2) > 0)
    """
    return input.dtype.kind == "f"


@function(method=True)
def is_leaf(self: Tensor):
    """Whether this is a leaf: no result of anything recorded, so that a backward ends there.

    Shapes: any; a truth value
    Derivative: none: a truth value
    Example: x = 3
        x.is_leaf, (x^2).is_leaf
    """
    return self.is_leaf


@function()
def shape(input: Tensor):
    """The size of each dim, as `x.shape`.

    Shapes: any; a whole number for each dim
    Derivative: none: counts
    Example: shape(zeros(2, 3))
    """
    return Size(input.shape)


@function()
def get_default_dtype():
    """The dtype of tensors made from plain numbers.

    `set_default_dtype` changes it.

    Shapes: no arguments; a dtype
    Derivative: none: a dtype
    Example: get_default_dtype(), tensor([1, 2]).dtype
    """
    return dtype_of(modes.default_dtype)


# ---- attributes


ATTRIBUTES: dict[type, dict[str, Callable[[Any], Any]]] = {
    Tensor: {"is_leaf": is_leaf},
    Node: {"next_functions": lambda node: node.next_functions},
    DType: {
        "is_floating_point": lambda d: d.is_floating_point,
        "itemsize": lambda d: d.numpy.itemsize,
    },
}
"""What can stand behind a dot without being called, by the type of what stands before it."""


def _of_tensors(get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Enters what a tensor has behind a dot under the function's name, but for an underscore at its end."""
    ATTRIBUTES[Tensor][get.__name__.rstrip("_")] = get
    return get


@_of_tensors
def shape_(x: Tensor):
    """The size of each dim.

    Shapes: any; a whole number for each dim
    Derivative: none: counts
    Example: x = zeros(2, 3)
        x.shape, x.shape[-1]
    """
    return Size(x.shape)


@_of_tensors
def ndim(x: Tensor):
    """The number of dims: 0 of a number, 1 of a vector, 2 of a matrix.

    Shapes: any; a whole number
    Derivative: none: a count
    Example: x = zeros(2, 3)
        x.ndim, x[0, 0].ndim
    """
    return x.ndim


@_of_tensors
def dtype(x: Tensor):
    """The type of the elements.

    Shapes: any; a dtype
    Derivative: none: a dtype. Tensors of whole numbers and truth values have no gradient
    Example: x = [1, 2]
        x.dtype, (x > 1).dtype, argmax(x).dtype
    """
    return dtype_of(x.dtype)


@_of_tensors
def T(x: Tensor):
    """The tensor with its dims in the opposite order: a matrix transposed. It looks into the same memory.

    Shapes: (a, b, ..., z) -> (z, ..., b, a)
    Derivative: g.T
    Example: x = [[1., 2., 3.], [4., 5., 6.]]
        x.T
        backward x.T[0, 1]
    """
    return transposed(x)


@_of_tensors
def mT(x: Tensor):
    """The matrices transposed: the last two dims exchanged. It looks into the same memory.

    Shapes: (..., m, n) -> (..., n, m)
    Derivative: g.mT
    Example: x = arange(6).reshape(1, 2, 3)
        x.mT
        backward x.mT[0, 2, 0]
    """
    return matrix_transposed(x)


@_of_tensors
def H(x: Tensor):
    """The conjugate transpose of a matrix, which is the transpose of a real one; a number is itself.

    Shapes: (m, n) -> (n, m), () -> ()
    Derivative: g.H
    Example: x = [[1., 2.], [3., 4.]]
        x.H
        backward x.H[0, 1]
    """
    return conjugate_transposed(x)


@_of_tensors
def mH(x: Tensor):
    """The conjugate transposes of matrices, which are the transposes of real ones.

    Shapes: (..., m, n) -> (..., n, m)
    Derivative: g.mH
    Example: x = [[1., 2.], [3., 4.]]
        x.mH
        backward x.mH[0, 1]
    """
    return matrix_transposed(x, "mH")


@_of_tensors
def grad(x: Tensor):
    """The gradient that backward has added up here; none before. It can be set, to none too.

    Leaves have it, and results that `retain_grad` was called on. Elsewhere it's none, with a warning.

    Shapes: as the tensor
    Derivative: none: it has a history only where backward ran with `create_graph`
    Example: x = [1., 2.]
        backward sum(x^2)
        x.grad
    """
    found = x.grad
    if found is None and not x.is_leaf and modes.warn is not None:
        modes.warn(
            "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
            "populated during backward.",
            "call `.retain_grad()` on it before the backward, or ask for it directly: `grad(y, x)`",
        )
    return found


@_of_tensors
def grad_fn(x: Tensor):
    """The node of the graph that made this, named as in torch; none for a leaf.

    Shapes: any; a node, which has `next_functions` and `name()`
    Derivative: none: a node
    Example: x = 3
        y = exp(x)
        y.grad_fn, y.grad_fn.next_functions
    """
    return x.grad_fn


@_of_tensors
def requires_grad(x: Tensor):
    """Whether operations on this are recorded, so that it has a gradient. It can be set on a leaf.

    Shapes: any; a truth value
    Derivative: none: a truth value
    Example: x = tensor([1., 2.], requires_grad=true)
        x.requires_grad, x.detach().requires_grad
    """
    return x.requires_grad


@_of_tensors
def retains_grad(x: Tensor):
    """Whether this is a result that keeps its gradient as `.grad`, as `retain_grad` says.

    Shapes: any; a truth value
    Derivative: none: a truth value
    Example: x = 3
        y = x^2; y.retain_grad()
        x.retains_grad, y.retains_grad
    """
    return x.meta is not None and x.meta.retains


@_of_tensors
def data(x: Tensor):
    """The values in the same memory, cut off from the history. It can be set: other values under the same history.

    Shapes: any, and the result's is the same
    Derivative: 0: nothing goes back through it
    Example: x = 3
        backward x * x.data
        x.data = 5
        x
    """
    return Tensor(buffer(x), CUT)


@_of_tensors
def device(x: Tensor):
    """Where the tensor is: always "cpu".

    Shapes: any; a string
    Derivative: none: a string
    Example: x = 3
        x.device
    """
    return "cpu"


@_of_tensors
def itemsize(x: Tensor):
    """The bytes that an element takes.

    Shapes: any; a whole number
    Derivative: none: a count
    Example: x = ones(3)
        x.itemsize, x.float().itemsize
    """
    return x.dtype.itemsize


@_of_tensors
def nbytes(x: Tensor):
    """The bytes that all elements take.

    Shapes: any; a whole number
    Derivative: none: a count
    Example: x = ones(3)
        x.nbytes, x.float().nbytes
    """
    return x.array.nbytes


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
