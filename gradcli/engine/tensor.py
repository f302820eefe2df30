"""The tensor: one array, and the node that made it."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import modes
from gradcli.engine.node import ACCUMULATE_GRAD, FusedNode
from gradcli.errors import TypeFailure


class _Cut(tuple):
    """`Tensor.node` where history was cut on purpose: by `detach`, `no_grad` and their like.

    An empty tuple counts as false without a call of Python's, and every operation asks.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "CUT" if self is CUT else "NUMBER"


CUT = _Cut()

NUMBER = _Cut()
"""`Tensor.node` of a plain number that had to become a tensor: it has no part in whether a result is cut."""


class AutogradMeta:
    """What only some tensors have: a gradient, and relations to other tensors of the same memory."""

    __slots__ = ("base", "by_itself", "grad", "last_pass", "passes", "path", "retains", "stopped", "views")

    def __init__(self) -> None:
        self.grad: Tensor | None = None
        self.last_pass: Any = None
        self.passes = 0
        self.stopped: Any = None
        """The node of a leaf that was told to forget that it requires grad."""
        self.by_itself = False
        """Whether it is tracked because it has a name, and nobody asked for it."""
        self.base: Tensor | None = None
        self.path: Any = None
        self.views: Any = None
        self.retains = False


class Tensor:
    """An array with a history.

    `array` is an ndarray, or a NumPy scalar for a result without dimensions (arithmetic on scalars is ten times
    faster than on 0-d arrays; `memory.buffer` turns one into an array when memory must be shared). `node` recorded
    it: falsy (none, or `CUT`) for a tensor that doesn't require grad.
    """

    __slots__ = ("__weakref__", "array", "meta", "node")

    def __init__(self, array: Any, node: Any = None) -> None:
        self.array = array
        self.node = node
        self.meta: AutogradMeta | None = None

    # ---- what it is

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def size(self) -> int:
        """The number of elements (NumPy's sense; the language's `x.size()` is the shape)."""
        return self.array.size

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    @property
    def requires_grad(self) -> bool:
        return bool(self.node)

    @property
    def is_leaf(self) -> bool:
        return not self.node or self.node.op is ACCUMULATE_GRAD

    @property
    def grad_fn(self) -> Any:
        """The node that made it; none for a leaf."""
        if type(self.node) is FusedNode:
            self.node.unfold()
        return None if self.is_leaf else self.node

    @property
    def grad(self) -> Tensor | None:
        return None if self.meta is None else self.meta.grad

    def ensure_meta(self) -> AutogradMeta:
        if self.meta is None:
            self.meta = AutogradMeta()
        return self.meta

    # ---- Python's and NumPy's protocols

    __hash__ = object.__hash__

    def __len__(self) -> int:
        if not self.array.ndim:
            raise TypeFailure("len() of a 0-d tensor", help="a tensor without dimensions is one number: `x.item()`")
        return self.array.shape[0]

    def __bool__(self) -> bool:
        array = self.array
        if array.size != 1:
            what = "no values" if array.size == 0 else "more than one value"
            raise TypeFailure(
                f"Boolean value of Tensor with {what} is ambiguous",
                help="ask `.any()` or `.all()` of it, or choose element by element with `where(c, a, b)`",
                cause="truth",
            )
        return bool(array)

    def item(self) -> Any:
        """The one element as a plain number."""
        if self.array.size != 1:
            raise TypeFailure(
                f"a Tensor with {self.array.size} elements cannot be converted to Scalar",
                help="reduce it first (`.sum()`, `.mean()`) or use `.tolist()`",
            )
        return self.array.item()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        value = self.item()
        if value != int(value):
            raise TypeFailure(f"a whole number is wanted here, and this is {value}")
        return int(value)

    def __format__(self, spec: str) -> str:
        # As in torch: a 0-d tensor is formatted as its number, any other as its notation.
        if not self.array.ndim:
            return format(self.array.item(), spec)
        if spec:
            raise TypeFailure(
                f"the format `{spec}` is for one number, and this tensor has shape {self.shape}",
                help="format its elements one by one, or `.item()` of a reduction",
            )
        return repr(self)

    def __repr__(self) -> str:
        from gradcli.engine.notation import tensor_text

        node = self.grad_fn
        return tensor_text(
            self.array,
            requires_grad=self.requires_grad,
            grad_fn=node.name if node else None,
            default_dtype=modes.default_dtype,
            precision=modes.precision,
        )

    def numpy(self) -> np.ndarray:
        """The values as an array that shares this tensor's memory."""
        from gradcli.engine.memory import buffer

        if self.node:
            raise TypeFailure(
                "Can't call numpy() on Tensor that requires grad.", help="use `x.detach().numpy()` instead"
            )
        return buffer(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if dtype is None and not copy:
            return np.asarray(self.array)
        return np.array(self.array, dtype=dtype, copy=True if copy else None)


def as_array(value: Any) -> Any:
    """The raw array of a tensor; anything else as it is."""
    return value.array if type(value) is Tensor else value
