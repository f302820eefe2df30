"""Tensors in another dtype or other memory: casts and copies."""

from __future__ import annotations

import numpy as np

from gradcli.engine import Tensor, as_tensor
from gradcli.engine.shaping import clone as copied
from gradcli.library.vocabulary import function


def _cast(name: str, dtype: str, words: str, edge: str = "") -> None:
    def body(self: Tensor):
        return as_tensor(self, np.dtype(dtype))

    derivative = "g, in the tensor's own dtype" if "float" in dtype else "none: it moves in steps"
    example = f"x = [0.1, 2.5]\n        x.{name}()\n        backward sum(x.{name}())"
    if name == "double":
        example = "tensor([0.5, 2.5], dtype=float32).double()"
    elif "float" not in dtype:
        example = f"tensor([-1.7, 0., 0.5, 2.5]).{name}()"
    body.__name__ = name
    body.__doc__ = f"""The tensor as {dtype}: {words}.

    Where it has that dtype already, the tensor itself.

    Shapes: any, and the result's is the same
    Derivative: {derivative}
    {edge and f"Kink: {edge}"}
    Example: {example}
    """
    function(name, method=True)(body)


_cast("double", "float64", "numbers of 15 digits")
_cast("float", "float32", "numbers of 6 digits", "what is beyond 3.4e38 becomes infinite.")
_cast("half", "float16", "numbers of 3 digits", "what is beyond 65504 becomes infinite.")
_cast("long", "int64", "whole numbers of 64 bits, rounded towards 0")
_cast("int", "int32", "whole numbers of 32 bits, rounded towards 0")
_cast("short", "int16", "whole numbers from -32768 to 32767, rounded towards 0")
_cast("bool", "bool", "whether each element is nonzero", "nan isn't zero, so it counts as true.")
_cast("byte", "uint8", "whole numbers from 0 to 255, rounded towards 0", "what lies outside wraps: -1 becomes 255.")


@function(method=True, plain=True)
def to(self, *targets, dtype=None, copy=False):
    """`x.to(dtype)` or `x.to(other)`: the tensor in that dtype; itself where it has it, unless `copy`.

    Shapes: any, and the result's is the same
    Derivative: g, in the tensor's own dtype; to whole numbers or bool none: it moves in steps
    Example: x = [0.1, 2.5]
        x.to(float32)
        backward sum(x.to(float32))
        x.to(int32)
    """
    from gradcli.library.arguments import Dtype

    for target in targets:
        if type(target) is Tensor:
            dtype = target.dtype
        elif target != "cpu":
            dtype = Dtype(target)
    wanted = dtype if isinstance(dtype, np.dtype) or dtype is None else Dtype(dtype)
    result = as_tensor(self)
    result = result if wanted is None else as_tensor(result, wanted)
    return copied(result) if copy and result is self else result


@function(method=True)
def type_as(self: Tensor, other: Tensor):
    """The tensor in the dtype of another.

    Shapes: any, and the result's is the same; of other, any
    Derivative: g, in the tensor's own dtype; to whole numbers or bool none: it moves in steps
    Example: x = [0.1, 2.5]
        x.type_as(zeros(3, dtype=float32))
    """
    return as_tensor(self, other.dtype)


@function()
def clone(input: Tensor):
    """A copy in memory of its own; gradients go through it.

    Shapes: any, and the result's is the same
    Derivative: g
    Example: x = [1., 2.]
        y = clone(x)
        y[0] = 10.
        x
        backward sum(y * y)
    """
    return copied(input)


@function("contiguous", method=True)
def contiguous(self: Tensor):
    """The same values in one run of memory: the tensor itself where it is one already.

    Shapes: any, and the result's is the same
    Derivative: g
    Example: x = [[1., 2.], [3., 4.]]
        y = x.T
        y.is_contiguous()
        y.contiguous().is_contiguous()
    """
    array = self.array
    if not isinstance(array, np.ndarray) or array.flags.c_contiguous:
        return self
    result = copied(self)
    # A copy alone keeps the dims in the order that they have in memory, as torch's `clone` does.
    result.array = np.ascontiguousarray(result.array)
    return result
