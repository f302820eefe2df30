"""Functions that work element by element, beyond those that the engine's table holds: arithmetic, rounding, choices,
comparisons and casts."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine import elementwise as e
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.conversion import promoted, result_dtype
from gradcli.engine.operation import relabel
from gradcli.engine.protocols import floor_divide as floor_division
from gradcli.engine.protocols import power
from gradcli.engine.protocols import remainder as remainder_of
from gradcli.engine.shaping import clone as copied
from gradcli.errors import TypeFailure, ValueFailure
from gradcli.library.arguments import Flag, Number, Operand, OptionalOperand, OptionalText, Whole
from gradcli.library.vocabulary import CONSTANTS, FUNCTIONS, alias, enter_table, function

# ---- arithmetic


@function()
def add(input: Operand, other: Operand, *, alpha: Number = 1):
    """input + alpha * other, element by element."""
    return e.add(input, other if alpha == 1 else e.mul(other, alpha))


@function(also=("subtract",))
def sub(input: Operand, other: Operand, *, alpha: Number = 1):
    """input - alpha * other, element by element."""
    return e.sub(input, other if alpha == 1 else e.mul(other, alpha))


@function()
def rsub(input: Tensor, other: Operand, *, alpha: Number = 1):
    """other - alpha * input, element by element."""
    return e.rsub(other, input if alpha == 1 else e.mul(input, alpha))


@function(also=("divide",))
def div(input: Operand, other: Operand, *, rounding_mode: OptionalText = None):
    """input / other; rounding_mode "floor" or "trunc" rounds the quotient (and has no gradient)."""
    if rounding_mode is None:
        return e.div(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise ValueFailure(
            f'div() expected rounding_mode to be one of none, "trunc" or "floor", and got "{rounding_mode}"'
        )
    if result_dtype(input, other).kind in "iub":
        return floor_division(input, other) if rounding_mode == "floor" else _truncated_quotient(input, other)
    quotient = e.div(input, other)
    return relabel(
        e.floor(quotient) if rounding_mode == "floor" else e.trunc(quotient),
        "DivBackward1" if type(other) is not Tensor else "DivBackward2",
    )


def _truncated_quotient(input: Any, other: Any) -> Tensor:
    dtype = result_dtype(input, other)
    quotient = np.trunc(np.true_divide(as_tensor(input).array, as_tensor(other).array))
    return Tensor(quotient.astype(dtype), CUT)


@function(plain=True)
def floor_divide(input, other):
    """The quotient, rounded down; it has no gradient."""
    return floor_division(input, other)


@function(plain=True)
def pow(input, exponent):
    """input to the power of exponent, element by element."""
    if type(input) is Tensor or type(exponent) is Tensor:
        return power(input, exponent)
    return power(as_tensor(input), exponent)


@function()
def lerp(input: Tensor, end: Tensor, weight: Operand):
    """The point between input and end: input + weight * (end - input)."""
    return (e.lerp_tensor if type(weight) is Tensor else e.lerp)(input, end, weight)


@function()
def positive(input: Tensor):
    """The input itself."""
    return input


@function()
def remainder(input: Operand, other: Operand):
    """The remainder of input / other, with the sign of other."""
    return remainder_of(input, other)


@function()
def fmod(input: Operand, other: Operand):
    """The remainder of input / other, with the sign of input."""
    return (e.fmod if type(other) is Tensor else e.fmod_number)(input, other)


@function()
def rad2deg(input: Tensor):
    """Radians to degrees."""
    return e.mul(input, 180 / pi)


@function()
def deg2rad(input: Tensor):
    """Degrees to radians."""
    return e.mul(input, pi / 180)


# ---- rounding


@function()
def round(input: Tensor, *, decimals: Whole = 0):
    """Rounds to `decimals` places, halves to even."""
    if decimals == 0:
        return e.round(input)
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return relabel(e.div(e.round(e.mul(input, scale)), scale), "RoundBackward1")
    return relabel(e.mul(e.round(e.div(input, scale)), scale), "RoundBackward1")


# ---- choices


@function(also=("clip",))
def clamp(input: Tensor, min: OptionalOperand = None, max: OptionalOperand = None):
    """The input, kept between min and max; slope 1 inside and at the bounds, 0 outside."""
    if min is None and max is None:
        raise ValueFailure(
            "torch.clamp: At least one of 'min' or 'max' must not be None", help="`clamp(x, 0, 1)`, `clamp(x, min=0)`"
        )
    if type(min) is Tensor or type(max) is Tensor:
        bounds = [as_tensor(bound) for bound in (min, max) if bound is not None]
        dtype = result_dtype(input, *bounds)
        return e.clamp(*(v if v is None else as_tensor(v, dtype) for v in (input, min, max)))
    dtype = result_dtype(input, *(bound for bound in (min, max) if bound is not None))
    return e.clamp_numbers(as_tensor(input, dtype), min, max)


@function()
def clamp_min(input: Tensor, min: Operand):
    """The input, and at least min."""
    return FUNCTIONS["clamp"](input, min)


@function()
def clamp_max(input: Tensor, max: Operand):
    """The input, and at most max."""
    return FUNCTIONS["clamp"](input, None, max)


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
    """input where the condition holds, else other; with the condition alone, where it holds (a tuple of indices)."""
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
    """`x.where(c, y)`: x where the condition holds, else y."""
    return _choose(condition, self, other)


@function()
def masked_fill(input: Tensor, mask: Tensor, value: Operand):
    """The input with `value` where the mask holds."""
    if mask.dtype.kind != "b":
        raise TypeFailure(f"masked_fill only supports boolean masks, but got mask with dtype {mask.dtype}")
    if type(value) is Tensor and value.ndim:
        raise ValueFailure(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    fill = e.masked_fill_tensor if type(value) is Tensor else e.masked_fill
    return fill(mask, as_tensor(value, input.dtype), input)


# ---- comparisons and predicates: bool tensors, no gradient


def _compared(name: str, words: str) -> None:
    compare = getattr(Tensor, f"__{name}__")

    def body(input: Operand, other: Operand):
        return compare(as_tensor(input), other)

    body.__name__, body.__doc__ = name, f"Whether input {words} other, element by element."
    function(name)(body)


for _name, _words in (("eq", "equals"), ("ne", "differs from"), ("lt", "is less than"), ("le", "is at most"),
                      ("gt", "is greater than"), ("ge", "is at least")):  # fmt: skip
    _compared(_name, _words)
alias("greater", "gt")
alias("less", "lt")
alias("not_equal", "ne")
alias("greater_equal", "ge")
alias("less_equal", "le")


def _bools(name: str, test: Any, words: str) -> None:
    def body(input: Tensor):
        return Tensor(test(input.array), CUT)

    body.__name__, body.__doc__ = name, words
    function(name)(body)


_bools("isnan", np.isnan, "Which elements are nan.")
_bools("isinf", np.isinf, "Which elements are infinite.")
_bools("isfinite", np.isfinite, "Which elements are neither nan nor infinite.")
_bools("logical_not", np.logical_not, "Whether each element is zero.")


@function()
def isclose(input: Tensor, other: Tensor, rtol: Number = 1e-05, atol: Number = 1e-08, equal_nan: Flag = False):
    """Which elements differ by at most atol + rtol * |other|."""
    a, b = promoted(input, other)
    return Tensor(np.isclose(a.array, b.array, rtol=float(rtol), atol=float(atol), equal_nan=equal_nan), CUT)


@function()
def allclose(input: Tensor, other: Tensor, rtol: Number = 1e-05, atol: Number = 1e-08, equal_nan: Flag = False):
    """Whether all elements are close: true or false."""
    return bool(np.all(isclose(input, other, rtol, atol, equal_nan).array))


@function()
def equal(input: Tensor, other: Tensor):
    """Whether shape and all elements are the same: true or false."""
    return bool(input.shape == other.shape and np.array_equal(input.array, other.array))


def _logical(name: str, combine: Any, words: str) -> None:
    def body(input: Tensor, other: Tensor):
        return Tensor(combine(input.array, other.array), CUT)

    body.__name__, body.__doc__ = name, words
    function(name)(body)


_logical("logical_and", np.logical_and, "Whether both elements are nonzero.")
_logical("logical_or", np.logical_or, "Whether one of the elements is nonzero.")
_logical("logical_xor", np.logical_xor, "Whether exactly one of the elements is nonzero.")


# ---- casts


def _cast(name: str, dtype: str) -> None:
    def body(self: Tensor):
        return as_tensor(self, np.dtype(dtype))

    body.__name__, body.__doc__ = name, f"The tensor as {dtype}."
    function(name, method=True)(body)


for _name, _dtype in (("double", "float64"), ("float", "float32"), ("half", "float16"), ("long", "int64"),
                      ("int", "int32"), ("short", "int16"), ("bool", "bool"), ("byte", "uint8")):  # fmt: skip
    _cast(_name, _dtype)


@function(method=True, plain=True)
def to(self, *targets, dtype=None, copy=False):
    """`x.to(dtype)` or `x.to(other)`: the tensor in that dtype."""
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
    """The tensor in the dtype of another."""
    return as_tensor(self, other.dtype)


@function()
def clone(input: Tensor):
    """A copy in memory of its own; gradients go through it."""
    return copied(input)


@function("contiguous", method=True)
def contiguous(self: Tensor):
    """The same values in one run of memory: the tensor itself where it is one already."""
    array = self.array
    return self if not isinstance(array, np.ndarray) or array.flags.c_contiguous else copied(self)


enter_table()
for _new, _old in (("absolute", "abs"), ("negative", "neg"), ("multiply", "mul"), ("true_divide", "div"),
                   ("arcsin", "asin"), ("arccos", "acos"), ("arctan", "atan"), ("arcsinh", "asinh"), ("arctan2",
                   "atan2"),
                   ("arccosh", "acosh"), ("arctanh", "atanh"), ("fix", "trunc"), ("special.expit", "sigmoid"),
                   ("special.erf", "erf"), ("special.expm1", "expm1"), ("special.log1p", "log1p"),
                   ("special.exp2", "exp2"), ("F.relu", "relu"), ("F.sigmoid", "sigmoid"), ("F.tanh",
                   "tanh")):  # fmt: skip
    alias(_new, _old)

CONSTANTS |= {"pi": pi, "tau": 2 * pi, "e": float(np.e), "inf": float("inf"), "nan": float("nan")}
CONSTANTS |= {f"math.{name}": CONSTANTS[name] for name in ("pi", "tau", "e", "inf", "nan")}
