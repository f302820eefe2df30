"""Functions that work element by element, beyond those that the engine's table holds: arithmetic, rounding, choices,
comparisons and casts."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor, steps
from gradcli.engine import elementwise as e
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.conversion import result_dtype
from gradcli.engine.operation import relabel
from gradcli.engine.protocols import floor_divide as floor_division
from gradcli.engine.protocols import power
from gradcli.engine.protocols import remainder as remainder_of
from gradcli.errors import TypeFailure, ValueFailure
from gradcli.library.arguments import Number, Operand, OptionalOperand, OptionalText, Whole
from gradcli.library.plain import on_plain_values, rounded
from gradcli.library.vocabulary import CONSTANTS, alias, enter_table, function

# ---- arithmetic


@function()
def add(input: Operand, other: Operand, *, alpha: Number = 1):
    """input + alpha * other, element by element.

    Shapes: any two that broadcast together; either may be a number
    Derivative: input: 1; other: alpha
    Example: x = [1., 2.]
        y = 3.
        add(x, y, alpha=10)
        backward sum(add(x, y, alpha=10))
    """
    return e.add(input, _times(other, alpha))


def _times(value: Any, alpha: Any) -> Any:
    """A number stays one: it doesn't widen what it meets."""
    return value if alpha == 1 else e.mul(value, alpha) if type(value) is Tensor else value * alpha


@function(also=("subtract",))
def sub(input: Operand, other: Operand, *, alpha: Number = 1):
    """input - alpha * other, element by element.

    Shapes: any two that broadcast together; either may be a number
    Derivative: input: 1; other: -alpha
    Example: x = [5., 6.]
        y = [1., 2.]
        sub(x, y, alpha=2)
        backward sum(sub(x, y, alpha=2))
    """
    return e.sub(input, _times(other, alpha))


@function()
def rsub(input: Tensor, other: Operand, *, alpha: Number = 1):
    """other - alpha * input, element by element.

    Shapes: any two that broadcast together; other may be a number
    Derivative: input: -alpha; other: 1
    Example: x = [1., 2.]
        rsub(x, 10)
        backward sum(rsub(x, 10))
    """
    return (e.rsub_tensor if type(other) is Tensor else e.rsub)(other, _times(input, alpha))


@function(also=("divide",))
def div(input: Operand, other: Operand, *, rounding_mode: OptionalText = None):
    """input / other, element by element; rounding_mode "floor" or "trunc" rounds the quotient.

    Shapes: any two that broadcast together; either may be a number
    Derivative: input: 1/other; other: -input/other^2; rounded: 0 almost everywhere
    Kink: where other is 0 the result is inf, -inf or nan (of 0/0) and the slopes are what the formulas give; rounded
        they are 0 there too. (why: gradcli/engine/steps.py)
    Example: x = [1., 3.]
        y = 2.
        div(x, y)
        backward sum(div(x, y))
    Example: div([-7., 7.], 2., rounding_mode="floor")
        div([-7., 7.], 2., rounding_mode="trunc")
    """
    if rounding_mode is None:
        return e.div(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise ValueFailure(
            f'div() expected rounding_mode to be one of none, "trunc" or "floor", and got "{rounding_mode}"'
        )
    if result_dtype(input, other).kind in "iub":
        return floor_division(input, other) if rounding_mode == "floor" else _truncated_quotient(input, other)
    return steps.div_rounded(input, other, rounding_mode)


def _truncated_quotient(input: Any, other: Any) -> Tensor:
    dtype = result_dtype(input, other)
    quotient = np.trunc(np.true_divide(as_tensor(input).array, as_tensor(other).array))
    return Tensor(quotient.astype(dtype), CUT)


@function(plain=True)
def floor_divide(input, other):
    """input / other, element by element, rounded down: `input // other`.

    Shapes: any two that broadcast together; either may be a number
    Derivative: none: a step; as in PyTorch an error where a gradient should go through it, while floor(input / other)
        has the derivative 0 (why: gradcli/engine/elementwise.py)
    Kink: whole numbers divided by 0 are an error; of floats the result is inf, -inf or nan.
    Example: floor_divide([-7., 7., 8.], 2.)
    """
    return floor_division(input, other)


@function(plain=True)
def pow(input, exponent):
    """input to the power of exponent, element by element: `input ^ exponent`.

    Shapes: any two that broadcast together; either may be a number
    Derivative: input: exponent * input^(exponent - 1); exponent: out * log(input)
    Kink: pow(0, 0) is 1. Where exponent is 0 the slope in input is 0, at 0 too. At input 0 the slope in exponent is 0
        for exponents from 0 on and -inf for negative ones; for negative inputs it is nan.
        (why: gradcli/engine/elementwise.py)
    Example: x = [2., 3.]
        n = 3.
        pow(x, n)
        backward sum(pow(x, n))
    Example: x = [0., 2.]
        n = [0., 0.]
        pow(x, n)
        backward sum(pow(x, n))
    """
    if type(input) is Tensor or type(exponent) is Tensor:
        return power(input, exponent)
    return power(as_tensor(input), exponent)


@function()
def lerp(input: Tensor, end: Tensor, weight: Operand):
    """The point between input and end, by a weight: input + weight * (end - input).

    Shapes: any three that broadcast together; weight may be a number: 0 gives input, 1 gives end
    Derivative: input: 1 - weight; end: weight; weight: end - input
    Example: x = [0., 10.]
        y = [4., 20.]
        w = 0.25
        lerp(x, y, w)
        backward sum(lerp(x, y, w))
    """
    return (e.lerp_tensor if type(weight) is Tensor else e.lerp)(input, end, weight)


@function()
def positive(input: Tensor):
    """The input itself: `+input`.

    Shapes: any, and the result's is the same
    Derivative: 1
    Example: x = [1., -2.]
        positive(x)
    """
    return input


@function()
def remainder(input: Operand, other: Operand):
    """The remainder of input / other, with the sign of other: `input % other`.

    Shapes: any two that broadcast together; either may be a number
    Derivative: input: 1; other: -floor(input / other)
    Kink: where it jumps, at the multiples of other, the formulas hold too; where other is 0 the result is nan.
        (why: gradcli/engine/elementwise.py)
    Example: x = [-7., 7.]
        y = 3.
        remainder(x, y)
        backward sum(remainder(x, y))
    """
    return remainder_of(input, other)


@function()
def fmod(input: Operand, other: Operand):
    """The remainder of input / other, with the sign of input.

    Shapes: any two that broadcast together; either may be a number
    Derivative: input: 1; other: -trunc(input / other)
    Kink: where it jumps, at the multiples of other, the formulas hold too; where other is 0 the result is nan.
        (why: gradcli/engine/elementwise.py)
    Example: x = [-7., 7.]
        y = 3.
        fmod(x, y)
        backward sum(fmod(x, y))
    """
    return (e.fmod if type(other) is Tensor else e.fmod_number)(input, other)


@function()
def rad2deg(input: Tensor):
    """Radians to degrees: input * 180/pi.

    Shapes: any, and the result's is the same
    Derivative: 180/pi
    Example: rad2deg([0., pi/2, pi])
    """
    return e.rad2deg(input, 180 / pi)


@function()
def deg2rad(input: Tensor):
    """Degrees to radians: input * pi/180.

    Shapes: any, and the result's is the same
    Derivative: pi/180
    Example: deg2rad([0., 90., 180.])
    """
    return e.deg2rad(input, pi / 180)


# ---- rounding


@function()
def round(input: Tensor, *, decimals: Whole = 0):
    """Each element rounded to `decimals` places after the point, halves to the even neighbour.

    Shapes: any, and the result's is the same; negative decimals round before the point
    Derivative: 0 almost everywhere
    Kink: where it steps, at the halves, the slope is 0 too. (why: gradcli/engine/steps.py)
    Example: round([0.5, 1.5, 2.5, -1.2])
        round([3.14159, 2.71828], decimals=2)
        round([1234.], decimals=-2)
    """
    if decimals == 0:
        return steps.round(input)
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return relabel(e.div(steps.round(e.mul(input, scale)), scale), "RoundBackward1")
    return relabel(e.mul(steps.round(e.div(input, scale)), scale), "RoundBackward1")


# ---- choices


@function(also=("clip",))
def clamp(input: Tensor, min: OptionalOperand = None, max: OptionalOperand = None):
    """Each element, kept between min and max: what is below min becomes min, what is above max becomes max.

    Shapes: any three that broadcast together; min and max may be numbers, and one of them left out
    Derivative: input: where((input >= min) & (input <= max), 1, 0); min: where((input < min) & (min < max), 1, 0); max:
        where((input > max) | (max < min), 1, 0)
    Kink: at a bound the slope in input is 1, and 0 in the bound. Where min is above max the result is max, and all of
        the gradient goes to max. Of nan the result is nan and the slope 0. (why: gradcli/engine/elementwise.py)
    Example: x = [-2., -1., 0.5, 3.]
        clamp(x, -1, 1)
        backward sum(clamp(x, -1, 1))
    Example: x = [-2., 0.5, 3.]
        top = 1.
        clamp(x, max=top)
        backward sum(clamp(x, max=top))
    """
    if min is None and max is None:
        raise ValueFailure(
            "torch.clamp: At least one of 'min' or 'max' must not be None", help="`clamp(x, 0, 1)`, `clamp(x, min=0)`"
        )
    return _clamped(input, min, max, e.clamp, e.clamp_numbers)


def _clamped(input: Tensor, min: Any, max: Any, by_tensors: Any, by_numbers: Any) -> Tensor:
    """The input between bounds of which one may be none: tensors, or else plain numbers."""
    if type(min) is Tensor or type(max) is Tensor:
        bounds = [as_tensor(bound) for bound in (min, max) if bound is not None]
        dtype = result_dtype(input, *bounds)
        return by_tensors(*(v if v is None else as_tensor(v, dtype) for v in (input, min, max)))
    dtype = result_dtype(input, *(bound for bound in (min, max) if bound is not None))
    return by_numbers(as_tensor(input, dtype), min, max)


@function()
def clamp_min(input: Tensor, min: Operand):
    """Each element, and at least min: clamp(input, min).

    Shapes: any two that broadcast together; min may be a number
    Derivative: input: where(input >= min, 1, 0); min: where(input < min, 1, 0)
    Kink: at the bound the slope in input is 1, and 0 in min; of nan the result is nan and the slope 0.
        (why: gradcli/engine/elementwise.py)
    Example: x = [-2., 0., 3.]
        clamp_min(x, 0)
        backward sum(clamp_min(x, 0))
    """
    return _clamped(input, min, None, e.clamp_min, e.clamp_min_number)


@function()
def clamp_max(input: Tensor, max: Operand):
    """Each element, and at most max: clamp(input, max=max).

    Shapes: any two that broadcast together; max may be a number
    Derivative: input: where(input <= max, 1, 0); max: where(input > max, 1, 0)
    Kink: at the bound the slope in input is 1, and 0 in max; of nan the result is nan and the slope 0.
        (why: gradcli/engine/elementwise.py)
    Example: x = [-2., 0., 3.]
        clamp_max(x, 0)
        backward sum(clamp_max(x, 0))
    """
    return _clamped(input, None, max, e.clamp_max, e.clamp_max_number)


def _choose(condition: Any, input: Any, other: Any) -> Any:
    condition = as_tensor(condition)
    if condition.dtype.kind != "b":
        raise TypeFailure(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}",
            help="compare first: `where(x > 0, x, y)`",
        )
    numbers = [v for v in (input, other) if type(v) is not Tensor]
    if len(numbers) == 2:
        dtype = result_dtype(*numbers)
        input, other = as_tensor(input, dtype), as_tensor(other, dtype)
    elif numbers or input.dtype != other.dtype:
        dtype = result_dtype(input, other)
        input, other = as_tensor(input, dtype), as_tensor(other, dtype)
    try:
        np.broadcast_shapes(condition.shape, input.shape, other.shape)
    except ValueError:
        pair = (input.shape, other.shape) if _clash(input.shape, other.shape) else (condition.shape, input.shape)
        raise shape_clash(*(pair if _clash(*pair) else (condition.shape, other.shape))) from None
    return e.where(condition, input, other)


def _clash(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(one, other)
    except ValueError:
        return True
    return False


@function()
def where(condition: Tensor, input: OptionalOperand = None, other: OptionalOperand = None):
    """input where the condition holds, else other, element by element.

    With the condition alone: the indices where it holds, a tuple with one tensor for each dim.

    Shapes: any three that broadcast together, the condition bool; input and other may be numbers. The condition alone,
        of n dims -> n tensors (count,)
    Derivative: input: where(condition, 1, 0); other: where(condition, 0, 1); condition and indices: none: in steps
    Kink: the side that wasn't chosen gets a gradient of 0, and 0 times an infinite slope is nan: that of
        `where(x > 0, sqrt(x), 0)` at 0 is nan. Choose before the root too, as below.
        (why: gradcli/engine/elementwise.py)
    Example: x = [-1., 2.]
        where(x > 0, x^2, -x)
        backward sum(where(x > 0, x^2, -x))
        where(x > 0)
    Example: x = [0., 4.]
        y = where(x > 0, sqrt(where(x > 0, x, 1)), 0)
        backward sum(y)
    """
    if input is None and other is None:
        # As in torch, a tensor without dimensions counts as one of one element.
        return tuple(Tensor(index, CUT) for index in np.nonzero(np.atleast_1d(condition.array)))
    if input is None or other is None:
        missing = "input" if input is None else "other"
        raise TypeFailure(
            f"where() needs an argument `{missing}`",
            help="`where(c, x, y)` chooses between two; `where(c)` gives the indices where c holds",
        )
    return _choose(condition, input, other)


@function("where", method=True)
def where_method(self: Operand, condition: Tensor, other: Operand):
    """`x.where(condition, other)`: x where the condition holds, else other.

    Shapes: any three that broadcast together, the condition bool; other may be a number
    Derivative: x: where(condition, 1, 0); other: where(condition, 0, 1); condition: none: in steps
    Kink: the side that wasn't chosen gets a gradient of 0, and 0 times an infinite slope is nan.
        (why: gradcli/engine/elementwise.py)
    Example: x = [-1., 2.]
        x.where(x > 0, 10 * x)
        backward sum(x.where(x > 0, 10 * x))
    """
    return _choose(condition, self, other)


@function()
def masked_fill(input: Tensor, mask: Tensor, value: Operand):
    """The input with `value` where the mask holds.

    Shapes: input and mask (bool): any two that broadcast together; value: one number
    Derivative: input: where(mask, 0, g); value: sum(where(mask, g, 0)); mask: none: in steps
    Kink: what is filled gets a gradient of 0, and 0 times an infinite slope is nan: that of
        `masked_fill(log(x), x <= 0, 0)` at 0 is nan. Fill before the logarithm too.
        (why: gradcli/engine/elementwise.py)
    Example: x = [1., 2., 3.]
        v = 9.
        masked_fill(x, x > 2, v)
        backward sum(masked_fill(x, x > 2, v))
    """
    if mask.dtype.kind != "b":
        raise TypeFailure(f"masked_fill only supports boolean masks, but got mask with dtype {mask.dtype}")
    if type(value) is Tensor and value.ndim:
        raise ValueFailure(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    fill = e.masked_fill_tensor if type(value) is Tensor else e.masked_fill
    return fill(mask, as_tensor(value, input.dtype), input)


# ---- the table's own, and second names

enter_table()
for _new, _old in (("absolute", "abs"), ("negative", "neg"), ("multiply", "mul"), ("true_divide", "div"),
                   ("arcsin", "asin"), ("arccos", "acos"), ("arctan", "atan"), ("arcsinh", "asinh"), ("arctan2",
                   "atan2"),
                   ("arccosh", "acosh"), ("arctanh", "atanh"), ("fix", "trunc"), ("special.expit", "sigmoid"),
                   ("special.erf", "erf"), ("special.expm1", "expm1"), ("special.log1p", "log1p"),
                   ("special.exp2", "exp2"), ("F.relu", "relu"), ("F.sigmoid", "sigmoid"), ("F.tanh",
                   "tanh")):  # fmt: skip
    alias(_new, _old)
on_plain_values("abs", abs, 1)
on_plain_values("round", rounded, 2)

CONSTANTS |= {"pi": pi, "tau": 2 * pi, "e": float(np.e), "inf": float("inf"), "nan": float("nan")}
CONSTANTS |= {f"math.{name}": CONSTANTS[name] for name in ("pi", "tau", "e", "inf", "nan")}
