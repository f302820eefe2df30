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
    """The larger of two elements; of a number and nan, the number.

    Shapes: any two that broadcast together
    Derivative: input: where((input >= other) | isnan(other), 1, 0); other: where((input >= other) | isnan(other), 0, 1)
    Kink: at a tie all of `g` goes to input, unlike `maximum`; of two nans the result is nan and input gets `g`.
        (why: gradcli/engine/floating.py)
    Example: x = [1., 2., nan]
        y = [2., 2., 0.]
        fmax(x, y)
        backward sum(fmax(x, y))
    """
    return f.fmax(input, other)


@function()
def fmin(input: Tensor, other: Tensor):
    """The smaller of two elements; of a number and nan, the number.

    Shapes: any two that broadcast together
    Derivative: input: where((input <= other) | isnan(other), 1, 0); other: where((input <= other) | isnan(other), 0, 1)
    Kink: at a tie all of `g` goes to input, unlike `minimum`; of two nans the result is nan and input gets `g`.
        (why: gradcli/engine/floating.py)
    Example: x = [1., 2., nan]
        y = [2., 2., 0.]
        fmin(x, y)
        backward sum(fmin(x, y))
    """
    return f.fmin(input, other)


@function()
def nan_to_num(input: Tensor, nan: OptionalNumber = None, posinf: OptionalNumber = None, neginf: OptionalNumber = None):
    """The input with other numbers in the place of nan (`nan`: 0) and of the infinities (`posinf`, `neginf`).

    Where these aren't given an infinity becomes the largest or the lowest number of the dtype.

    Shapes: any, and the result's is the same
    Derivative: where(isfinite(input), 1, 0)
    Kink: where nan or an infinity was replaced the slope is 0. (why: gradcli/engine/floating.py)
    Example: x = [1., nan, inf]
        nan_to_num(x, posinf=100.)
        backward sum(nan_to_num(x, posinf=100.))
    """
    return f.nan_to_num(input, 0.0 if nan is None else nan, posinf, neginf)


@function()
def copysign(input: Tensor, other: Operand):
    """The size of input with the sign of other.

    Shapes: any two that broadcast together; other may be a number
    Derivative: input: sign(input) * sign(out); other: 0 almost everywhere
    Kink: where input is 0 the slope in it is 0; where it's infinite or nan, nan. A 0 in other has a sign too: -0. is
        negative. (why: gradcli/engine/floating.py)
    Example: x = [1., -2., 0.]
        copysign(x, -1)
        backward sum(copysign(x, -1))
    """
    return (f.copysign if type(other) is Tensor else f.copysign_number)(input, other)


@function()
def frexp(input: Tensor):
    """Each element as mantissa * 2^exponent: mantissas of a size from 1/2 up to 1, exponents whole.

    Shapes: any -> (mantissa, exponent), both of that shape; exponent is int32
    Derivative: input: ldexp(g, -exponent), with the mantissa's g; exponent: none: in steps
    Kink: 0, infinities and nan are their own mantissas, with exponent 0 and slope 1. At the powers of 2, where the
        exponent steps, the slope is that of the larger numbers. (why: gradcli/engine/floating.py)
    Example: x = [3., -0.4]
        m, e = frexp(x)
        e
        m
        backward sum(m)
    """
    exponents = np.frexp(input.array)[1]
    return FrexpParts((f.frexp(input), Tensor(np.asarray(exponents, np.int32)[()], CUT)))


@function()
def ldexp(input: Tensor, other: Tensor):
    """input * 2^other, element by element.

    Shapes: any two that broadcast together
    Derivative: input: 2^other; other, where it has floats: out * log(2)
    Example: x = [3., 0.75]
        n = [2., -1.]
        ldexp(x, n)
        backward sum(ldexp(x, n))
    """
    if other.dtype.kind != "f":
        other = as_tensor(other, input.dtype if input.dtype.kind == "f" else None)
    return relabel(e.mul(input, power(2.0, other)), "LdexpBackward0")


@function()
def nextafter(input: Tensor, other: Tensor):
    """The next number of the dtype after input, towards other.

    Shapes: any two that broadcast together, of one dtype
    Derivative: input: where(input == other, 0, 1); other: 0
    Kink: where input is other already it stays, and the slope is 0. (why: gradcli/engine/floating.py)
    Example: nextafter([1., 1., 1.], [2., 0., 1.]) - 1
    """
    return f.nextafter(input, other)


@function()
def float_power(input: Operand, exponent: Operand):
    """input to the power of exponent, computed in float64.

    Shapes: any two that broadcast together, of any dtypes; one may be a number; the result is float64
    Derivative: input: exponent * input^(exponent - 1); exponent: out * log(input); each in the dtype of its own
    Kink: as of `pow`: where exponent is 0 the slope in input is 0; where input is 0 the slope in exponent is 0 for
        exponents from 0 on. (why: gradcli/engine/elementwise.py)
    Example: x = tensor([2., 3.], dtype=float32)
        float_power(x, 2)
        backward sum(float_power(x, 2))
    """
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
    """A tensor of input's shape and dtype, filled with one number.

    Shapes: input: any, and the result's is the same; value: a number or a tensor without dimensions
    Derivative: input: 0; value: sum(g)
    Example: x = [1., 2., 3.]
        v = 5.
        fill(x, v)
        backward sum(fill(x, v))
    """
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
    """-1, 0 or 1 by the sign of each element.

    Shapes: any, and the result's is the same
    Derivative: 0 almost everywhere
    Kink: at 0 result and slope are 0; of nan the result is 0. (why: gradcli/engine/floating.py)
    Example: sgn([-2., 0., 0.5])
    """
    return f.sgn(input)


@function()
def angle(input: Tensor):
    """The angle of a real number, in radians: 0 for what isn't negative, pi for what is.

    Shapes: any, and the result's is the same
    Derivative: 0 almost everywhere
    Kink: at 0, also at -0., result and slope are 0; of nan the result is nan and the slope 0.
        (why: gradcli/engine/floating.py)
    Example: angle([-2., 0., 3.])
    """
    return f.angle(input)


def _itself(name: str, words: str) -> None:
    def body(input: Tensor):
        return input

    body.__name__ = name
    body.__doc__ = f"""{words}

    Shapes: any, and the result's is the same
    Derivative: 1
    Example: {name}([1., -2.])
    """
    function(name)(body)


_itself("real", "The real part: of a real number, itself.")
_itself("conj", "The conjugate: of a real number, itself.")
_itself("conj_physical", "The conjugate: of a real number, itself.")
_itself("resolve_conj", "The tensor itself: conjugates are computed at once.")
_itself("resolve_neg", "The tensor itself: negatives are computed at once.")
