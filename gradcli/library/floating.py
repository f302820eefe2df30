"""Functions of how numbers are written: nan and infinities, signs, exponents; and those of complex numbers that a real
number has too."""

from __future__ import annotations

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor, inplace
from gradcli.engine import elementwise as e
from gradcli.engine import floating as f
from gradcli.engine import shaping as s
from gradcli.engine.inplace import overwritten
from gradcli.engine.operation import relabel, variant
from gradcli.engine.protocols import power
from gradcli.errors import ShapeFailure, TypeFailure
from gradcli.library.arguments import Operand, OptionalNumber
from gradcli.library.values import parts_type
from gradcli.library.vocabulary import function

FrexpParts = parts_type("frexp", "mantissa", "exponent")

_filled_with = variant(overwritten, "FillBackward1")


@function()
def fmax(input: Tensor, other: Tensor):
    """The larger of two elements; of a number and nan, the number."""
    return f.fmax(input, other)


@function()
def fmin(input: Tensor, other: Tensor):
    """The smaller of two elements; of a number and nan, the number."""
    return f.fmin(input, other)


@function()
def nan_to_num(input: Tensor, nan: OptionalNumber = None, posinf: OptionalNumber = None, neginf: OptionalNumber = None):
    """The input with `nan` (0) for nan, and for the infinities `posinf` and `neginf` (the largest finite numbers)."""
    return f.nan_to_num(input, 0.0 if nan is None else nan, posinf, neginf)


@function()
def copysign(input: Tensor, other: Operand):
    """The size of input with the sign of other."""
    return (f.copysign if type(other) is Tensor else f.copysign_number)(input, other)


@function()
def frexp(input: Tensor):
    """Mantissa, of a size from 1/2 up to 1, and exponent of 2: input = mantissa * 2^exponent."""
    exponents = np.frexp(input.array)[1]
    return FrexpParts((f.frexp(input), Tensor(np.asarray(exponents, np.int32)[()], CUT)))


@function()
def ldexp(input: Tensor, other: Tensor):
    """input * 2^other, element by element."""
    if other.dtype.kind != "f":
        other = as_tensor(other, input.dtype if input.dtype.kind == "f" else None)
    return relabel(e.mul(input, power(2.0, other)), "LdexpBackward0")


@function()
def nextafter(input: Tensor, other: Tensor):
    """The next number of the dtype after input, towards other."""
    return f.nextafter(input, other)


@function()
def float_power(input: Operand, exponent: Operand):
    """input to the power of exponent, computed in float64."""
    double = np.dtype(np.float64)
    base, exponent = (as_tensor(v, double) if type(v) is Tensor else float(v) for v in (input, exponent))
    return power(base if type(base) is Tensor or type(exponent) is Tensor else as_tensor(base, double), exponent)


@function("float_power_", method=True)
def float_power_in_place(self: Tensor, exponent: Operand):
    """`float_power`, in place, of a float64 tensor."""
    if self.dtype != np.float64:
        raise TypeFailure(
            f"the base given to float_power_ has dtype {self.dtype} but the operation's result requires dtype float64",
            help="make a new value, `y = float_power(x, 2)`",
        )
    inplace.refuse_leaf(self)
    return inplace.assign(self, float_power(self, exponent))


@function()
def fill(input: Tensor, value: Operand):
    """A tensor of input's shape and dtype, filled with one number."""
    value = as_tensor(value)
    if value.ndim:
        raise ShapeFailure(
            f"fill only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.",
            help="to copy several numbers: `x.copy_(y)`",
        )
    fitting = s.broadcast_to(value if value.dtype == input.dtype else as_tensor(value, input.dtype), input.shape)
    result = _filled_with(input, fitting)
    return result if value.node else relabel(result, "FillBackward0")


@function()
def sgn(input: Tensor):
    """-1, 0 or 1 by the sign of each element."""
    return f.sgn(input)


@function()
def angle(input: Tensor):
    """The angle of a real number: 0 for what isn't negative, pi for what is."""
    return f.angle(input)


def _itself(name: str, words: str) -> None:
    def body(input: Tensor):
        return input

    body.__name__, body.__doc__ = name, words
    function(name)(body)


_itself("real", "The real part: of a real number, itself.")
_itself("conj", "The conjugate: of a real number, itself.")
_itself("conj_physical", "The conjugate: of a real number, itself.")
_itself("resolve_conj", "The tensor itself: conjugates are computed at once.")
_itself("resolve_neg", "The tensor itself: negatives are computed at once.")
