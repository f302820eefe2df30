"""The table of elementwise functions: forward, and the derivative in each input.

Conventions at kinks are PyTorch's. What a rule saves is what PyTorch saves (the result of `exp`, the argument of
`log`), so that a change in place is an error in the same programs.
"""

from __future__ import annotations

import operator
from math import inf, nan, pi
from math import log as ln
from math import sqrt as root

import numpy as np

from gradcli.engine.operation import differentiable, variant

# ---- arithmetic

add = differentiable(
    operator.add, lambda g, *_: g, lambda g, *_: g,
    name="add", numpy=np.add, arity=2, elementwise=True, real=False,
    doc="The sum, element by element.", formula=("1", "1"),
)  # fmt: skip
sub = differentiable(
    operator.sub, lambda g, *_: g, lambda g, *_: -g,
    name="sub", numpy=np.subtract, arity=2, elementwise=True, real=False,
    doc="The difference, element by element.", formula=("1", "-1"),
)  # fmt: skip
mul = differentiable(
    operator.mul, lambda g, _z, _x, y: g * y, lambda g, _z, x, _y: g * x,
    name="mul", numpy=np.multiply, arity=2, elementwise=True, real=False,
    doc="The product, element by element.", formula=("y", "x"),
)  # fmt: skip
div = differentiable(
    operator.truediv, lambda g, _z, _x, y: g / y, lambda g, _z, x, y: -g * ((x / y) / y),
    name="div", numpy=np.true_divide, arity=2, elementwise=True,
    doc="The quotient, element by element.", formula=("1/y", "-x/y^2"), domain="nonzero",
)  # fmt: skip
rsub = variant(sub, "RsubBackward1")


def _power_base(g, x, y):
    """`y x^(y-1)`, and 0 where the exponent is 0: `0 * 0^-1` would be nan."""
    if isinstance(y, (int, float)):
        return g * (y * x ** (y - 1)) if y != 0 else np.zeros_like(g)
    return g * np.where(y == 0, 0, y * x ** (y - 1))


def _power_exponent(g, z, x, y):
    """`x^y log x`; where x is 0 and y >= 0 the power doesn't move with y, and `log 0` is kept out."""
    if isinstance(x, (int, float)):
        return g * (z * ln(x)) if x > 0 else g * np.where(y >= 0, 0, -inf * z) if x == 0 else g * (z * nan)
    still = (x == 0) & (y >= 0)
    return g * np.where(still, 0, z * np.log(np.where(still, 1, x)))


pow = differentiable(
    operator.pow, lambda g, _z, x, y: _power_base(g, x, y), lambda g, z, x, y: _power_exponent(g, z, x, y),
    name="pow", grad_name="PowBackward1", numpy=np.power, arity=2, elementwise=True, real=False,
    doc="The power, element by element.", formula=("y * x^(y - 1)", "x^y * log(x)"), domain="positive",
)  # fmt: skip
pow_number = variant(pow, "PowBackward0")
pow_of_number = variant(pow, "PowBackward2")
positive = differentiable(np.positive, lambda g, *_: g, real=False, doc="The input itself.", formula="1")
square = differentiable(
    np.square, lambda g, _y, x: g * (2 * x), grad_name="PowBackward0", real=False,
    doc="The square of each element.", formula="2 * x",
)  # fmt: skip
neg = differentiable(
    operator.neg, lambda g, *_: -g,
    name="neg", numpy=np.negative, arity=1, elementwise=True, real=False, doc="Minus each element.", formula="-1",
)  # fmt: skip
# At 0 the slope is the formula's -inf, its limit from both sides.
reciprocal = differentiable(
    np.reciprocal,
    lambda g, y, _x: -g * (y * y),
    doc="""1 divided by each element.

    Kink: at 0 the result is inf (at -0 -inf) and the slope -inf.
    """,
    formula="-1/x^2",
    domain="nonzero",
)
# Where a remainder jumps its slope in x is that on both sides, 1: the quotient's rounding has the slope 0, also there.
remainder = differentiable(
    np.remainder, lambda g, *_: g, lambda g, _z, x, y: -g * np.floor(x / y),
    grad_name="RemainderBackward1", real=False,
    doc="The remainder of a division, with the sign of the divisor.", formula=("1", "-floor(x/y)"), domain="nonzero",
)  # fmt: skip
fmod = differentiable(
    np.fmod, lambda g, *_: g, lambda g, _z, x, y: -g * np.trunc(x / y),
    grad_name="FmodBackward1", real=False,
    doc="The remainder of a division, with the sign of the dividend.", formula=("1", "-trunc(x/y)"), domain="nonzero",
)  # fmt: skip

remainder_number = variant(remainder, "RemainderBackward0")
fmod_number = variant(fmod, "FmodBackward0")
# As in torch it has no derivative at all: to pass through it is an error. `floor(x / y)` has the derivative 0.
floor_divide = differentiable(
    np.floor_divide,
    None,
    None,
    grad_name="NotImplemented",
    real=False,
    doc="The quotient, rounded down.",
    formula=("", ""),
    domain="nonzero",
)

# ---- exponentials and logarithms

exp = differentiable(np.exp, lambda g, y, _x: g * y, doc="e to the power of each element.", formula="exp(x)")
exp2 = differentiable(
    np.exp2, lambda g, y, _x: g * y * ln(2), doc="2 to the power of each element.", formula="2^x * log(2)"
)
expm1 = differentiable(
    np.expm1,
    lambda g, y, _x: g * (y + 1),
    doc="""exp(x) - 1, exact for small x.

    Example: expm1([1e-20, 1.])
        exp([1e-20, 1.]) - 1
    """,
    formula="exp(x)",
)
# At 0 the slope of a logarithm is its limit inf, no bound: right beside 0 it has none either. Below 0 the result is nan
# already, and torch's rule doesn't say it again.
log = differentiable(
    np.log,
    lambda g, _y, x: g / x,
    doc="""The natural logarithm of each element.

    Kink: at 0 the result is -inf and the slope inf; below 0 the result is nan and the slope still 1/x.
    Example: x = [0.5, 1., 2.]
        log(x)
        backward sum(log(x))
    """,
    formula="1/x",
    domain="positive",
)
log1p = differentiable(
    np.log1p, lambda g, _y, x: g / (x + 1),
    grad_name="Log1PBackward0",
    doc="""log(1 + x), exact for small x.

    Kink: at -1 the result is -inf and the slope inf; below -1 the result is nan and the slope still 1/(1 + x).
    Example: log1p([1e-20, 1.])
        log(1 + [1e-20, 1.])
    """,
    formula="1/(1 + x)", domain="positive",
)  # fmt: skip
log2 = differentiable(
    np.log2,
    lambda g, _y, x: g / (x * ln(2)),
    doc="""The logarithm to base 2.

    Kink: at 0 the result is -inf and the slope inf; below 0 the result is nan and the slope what the formula gives.
    """,
    formula="1/(x * log(2))",
    domain="positive",
)
log10 = differentiable(
    np.log10,
    lambda g, _y, x: g / (x * ln(10)),
    doc="""The logarithm to base 10.

    Kink: at 0 the result is -inf and the slope inf; below 0 the result is nan and the slope what the formula gives.
    """,
    formula="1/(x * log(10))",
    domain="positive",
)
# Which of two equal infinities is larger isn't known: their difference, and so the slopes, are nan.
logaddexp = differentiable(
    np.logaddexp, lambda g, _z, x, y: g * sigmoid(x - y), lambda g, _z, x, y: g * sigmoid(y - x),
    doc="""log(exp(x) + exp(y)), without overflow.

    Kink: where both are the same infinity the slopes are nan.
    Example: x = [0., 1000.]
        y = [1., 1000.]
        logaddexp(x, y)
        backward sum(logaddexp(x, y))
    """,
    formula=("sigmoid(x - y)", "sigmoid(y - x)"),
)  # fmt: skip

# ---- roots and magnitudes

# At 0 the slope is its limit inf, and 0 times it nan: to take 0 there would hide that the root can't be differentiated.
sqrt = differentiable(
    np.sqrt,
    lambda g, y, _x: g / (2 * y),
    doc="""The square root of each element.

    Kink: at 0 the slope is inf, and nan where `g` is 0, since 0 times inf is nan; below 0 result and slope are nan.
    Example: x = [0.25, 1., 4.]
        sqrt(x)
        backward sum(sqrt(x))
    """,
    formula="1/(2 * sqrt(x))",
    domain="positive",
)


def _rsqrt(input):
    return 1 / np.sqrt(input)


rsqrt = differentiable(
    _rsqrt, lambda g, y, _x: -0.5 * g * y**3,
    name="rsqrt", elementwise=True,
    doc="""1 divided by the square root of each element.

    Kink: at 0 the result is inf and the slope -inf; below 0 both are nan.
    """,
    formula="-1/(2 * x * sqrt(x))", domain="positive",
)  # fmt: skip
# At 0, where |x| has slopes -1 and 1, the subgradient is sign(0) = 0.
abs = differentiable(
    np.abs,
    lambda g, _y, x: g * sign(x),
    name="abs",
    real=False,
    doc="""The absolute value of each element.

    Kink: at 0, where the slope jumps from -1 to 1, it is 0.
    Example: x = [-2., 0., 3.]
        abs(x)
        backward sum(abs(x))
    """,
    formula="sign(x)",
)
# At (0, 0), the tip of the cone, torch leaves it at 0/0 (and takes the subgradient 0 for `norm`).
hypot = differentiable(
    np.hypot, lambda g, z, x, _y: g * (x / z), lambda g, z, _x, y: g * (y / z),
    doc="""sqrt(x^2 + y^2), without overflow.

    Kink: where both are 0 the slopes are nan, as 0/0 is; so is the slope in an infinite element.
    Example: x = [3., 1e200]
        y = [4., 1e200]
        hypot(x, y)
        backward sum(hypot(x, y))
    """,
    formula=("x/hypot(x, y)", "y/hypot(x, y)"),
)  # fmt: skip

# ---- trigonometric and hyperbolic functions (radians)

sin = differentiable(
    np.sin, lambda g, _y, x: g * np.cos(x), doc="The sine of each element (radians).", formula="cos(x)"
)
cos = differentiable(
    np.cos, lambda g, _y, x: g * -np.sin(x), doc="The cosine of each element (radians).", formula="-sin(x)"
)
tan = differentiable(
    np.tan, lambda g, y, _x: g * (1 + y * y), doc="The tangent of each element (radians).", formula="1 + out^2"
)
# Where it begins and ends, the slope of an arc function is its limit inf, as that of sqrt at 0.
asin = differentiable(
    np.arcsin,
    lambda g, _y, x: g / np.sqrt(1 - x * x),
    name="asin",
    doc="""The arc sine of each element (radians).

    Kink: at -1 and 1 the slope is inf; beyond them result and slope are nan.
    """,
    formula="1/sqrt(1 - x^2)",
    domain="unit",
)
acos = differentiable(
    np.arccos,
    lambda g, _y, x: -g / np.sqrt(1 - x * x),
    name="acos",
    doc="""The arc cosine of each element (radians).

    Kink: at -1 and 1 the slope is -inf; beyond them result and slope are nan.
    """,
    formula="-1/sqrt(1 - x^2)",
    domain="unit",
)
atan = differentiable(
    np.arctan,
    lambda g, _y, x: g / (x * x + 1),
    name="atan",
    doc="The arc tangent of each element (radians).",
    formula="1/(1 + x^2)",
)
sinh = differentiable(
    np.sinh, lambda g, _y, x: g * np.cosh(x), doc="The hyperbolic sine of each element.", formula="cosh(x)"
)
cosh = differentiable(
    np.cosh, lambda g, _y, x: g * np.sinh(x), doc="The hyperbolic cosine of each element.", formula="sinh(x)"
)
tanh = differentiable(
    np.tanh, lambda g, y, _x: g * (1 - y * y), doc="The hyperbolic tangent of each element.", formula="1 - out^2"
)
asinh = differentiable(
    np.arcsinh,
    lambda g, _y, x: g / np.sqrt(x * x + 1),
    name="asinh",
    doc="The inverse hyperbolic sine of each element.",
    formula="1/sqrt(x^2 + 1)",
)
acosh = differentiable(
    np.arccosh,
    lambda g, _y, x: g / np.sqrt(x * x - 1),
    name="acosh",
    doc="""The inverse hyperbolic cosine of each element.

    Kink: at 1 the slope is inf; below 1 the result is nan.
    """,
    formula="1/sqrt(x^2 - 1)",
    domain="above one",
)
atanh = differentiable(
    np.arctanh,
    lambda g, _y, x: g / (1 - x * x),
    name="atanh",
    doc="""The inverse hyperbolic tangent of each element.

    Kink: at -1 and 1 the result is -inf and inf, and the slope inf; beyond them the result is nan and the slope what
        the formula gives.
    """,
    formula="1/(1 - x^2)",
    domain="unit",
)


def _inverse(x):
    """1/x, and 0 for 0: at the origin, where an angle has no slope, torch takes 0."""
    return np.where(x == 0, 0, 1 / x)


atan2 = differentiable(
    np.arctan2, lambda g, _z, x, y: g * (y * _inverse(x * x + y * y)), lambda g, _z, x,
    y: g * (-x * _inverse(x * x + y * y)),
    name="atan2",
    doc="""The angle of the point (other, input), in radians.

    Kink: at the origin, where an angle has no slope, both slopes are 0.
    Example: up = [1., 1., -1., 0.]
        right = [1., -1., -1., 0.]
        atan2(up, right)
        backward sum(atan2(up, right))
    """,
    formula=("y/(x^2 + y^2)", "-x/(x^2 + y^2)"),
)  # fmt: skip

# ---- steps: differentiable with zero gradient, as in torch
#
# At a step itself too, where the slope isn't defined: it is 0 on both sides.


def _flat(g):
    return np.zeros_like(g)


def sign(input):
    # The sign of nan is 0 in torch.
    return np.where(input != input, 0, np.sign(input))[()].astype(input.dtype)


sign = differentiable(
    sign,
    lambda g, *_: _flat(g),
    numpy=np.sign,
    elementwise=True,
    real=False,
    doc="""-1, 0 or 1 by the sign of each element.

    Derivative: 0 almost everywhere
    Kink: at 0 result and slope are 0; the sign of nan is 0.
    Example: x = [-2., 0., 0.5]
        sign(x)
        backward sum(sign(x))
    """,
    formula="0",
)
floor = differentiable(
    np.floor,
    lambda g, *_: _flat(g),
    real=False,
    doc="""Each element rounded down.

    Derivative: 0 almost everywhere
    Kink: at a whole number, where it steps, the slope is 0 too.
    Example: floor([-1.5, 0.5, 2.])
    """,
    formula="0",
)
ceil = differentiable(
    np.ceil,
    lambda g, *_: _flat(g),
    real=False,
    doc="""Each element rounded up.

    Derivative: 0 almost everywhere
    Kink: at a whole number, where it steps, the slope is 0 too.
    Example: ceil([-1.5, 0.5, 2.])
    """,
    formula="0",
)
trunc = differentiable(
    np.trunc,
    lambda g, *_: _flat(g),
    real=False,
    doc="""Each element rounded towards 0.

    Derivative: 0 almost everywhere
    Kink: at a whole number, where it steps, the slope is 0 too.
    Example: trunc([-1.5, 0.5, 2.])
    """,
    formula="0",
)
round = differentiable(
    np.rint, lambda g, *_: _flat(g), name="round", real=False, doc="Each element rounded, halves to even.", formula="0"
)


def _frac(input):
    return input - np.trunc(input)


# x - trunc(x), with the slope 0 for trunc also where it steps.
frac = differentiable(
    _frac,
    lambda g, *_: g,
    name="frac",
    elementwise=True,
    doc="""The part of each element after the point, with its sign.

    Kink: at a whole number, where it jumps, the slope is 1 too.
    Example: frac([-1.25, 0.5, 2.])
    """,
    formula="1",
)

# ---- choices


def _share(g, refused, tie):
    """The gradient, unless the other side was chosen; half of it at a tie, where both sides made the value.

    With nan on a side neither is refused, and torch lets the whole gradient through to both.
    """
    return np.where(tie, g / 2, np.where(refused, 0, g))


maximum = differentiable(
    np.maximum, lambda g, _z, x, y: _share(g, x < y, x == y), lambda g, _z, x, y: _share(g, y < x, x == y),
    real=False,
    doc="""The larger of two elements.

    Kink: at a tie each side gets half of `g`; with a nan on a side the result is nan and both sides get all of `g`.
    Example: x = [1., 2., 3.]
        y = 2.
        maximum(x, y)
        backward sum(maximum(x, y))
    """,
    formula=("where(x == y, 1/2, where(x > y, 1, 0))", "where(x == y, 1/2, where(y > x, 1, 0))"),
)  # fmt: skip
minimum = differentiable(
    np.minimum, lambda g, _z, x, y: _share(g, x > y, x == y), lambda g, _z, x, y: _share(g, y > x, x == y),
    real=False,
    doc="""The smaller of two elements.

    Kink: at a tie each side gets half of `g`; with a nan on a side the result is nan and both sides get all of `g`.
    Example: x = [1., 2., 3.]
        y = 2.
        minimum(x, y)
        backward sum(minimum(x, y))
    """,
    formula=("where(x == y, 1/2, where(x < y, 1, 0))", "where(x == y, 1/2, where(y < x, 1, 0))"),
)  # fmt: skip


def where(condition, input, other):
    return np.where(condition, input, other)[()]


# The side that wasn't chosen gets a gradient of 0, not none: where that side's slope is inf, 0 * inf makes nan, as in
# torch. The elements must be chosen before the function with that slope.
where = differentiable(
    where, None, lambda g, _z, c, _x, _y: np.where(c, g, 0), lambda g, _z, c, _x, _y: np.where(c, 0, g),
    numpy=np.where, elementwise=True, arity=3, real=False,
    doc="input where the condition holds, else other.", formula=("", "where(x, 1, 0)", "where(x, 0, 1)"),
)  # fmt: skip


def clamp(input, min=None, max=None):
    # Not np.clip: where the bounds cross, torch's upper bound wins, and nan stays.
    out = input if min is None else np.maximum(input, min)
    return out if max is None else np.minimum(out, max)


def _inside(x, low, high):
    """Where x passes a clamp: at a bound too, where the result is still x itself, so the slope there is 1."""
    return ((x >= low) if low is not None else True) & ((x <= high) if high is not None else True)


clamp = differentiable(
    clamp,
    lambda g, _z, x, low, high: np.where(_inside(x, low, high), g, 0),
    lambda g, _z, x, low, high: np.where((x < low) & (True if high is None else low < high), g, 0),
    lambda g, _z, x, low, high: np.where((x > high) | (False if low is None else high < low), g, 0),
    numpy=np.clip, elementwise=True, arity=3, real=False,
    doc="Each element, kept between two bounds.", formula=("where((x >= y) & (x <= z), 1, 0)",
    "where((x < y) & (y < z), 1, 0)", "where((x > z) | (z < y), 1, 0)"),
)  # fmt: skip
clamp_numbers = variant(clamp, "ClampBackward1")

# ---- activations and error functions


def sigmoid(input):
    return 1 / (1 + np.exp(-input))


sigmoid = differentiable(
    sigmoid,
    lambda g, y, _x: g * (1 - y) * y,
    elementwise=True,
    doc="""1/(1 + exp(-x)), element by element.

    Example: x = [-4., 0., 4.]
        sigmoid(x)
        backward sum(sigmoid(x))
    """,
    formula="out * (1 - out)",
)


def relu(input):
    return np.maximum(input, 0)


# At 0 the slope is 0, that of the flat side.
relu = differentiable(
    relu,
    lambda g, y, _x: np.where(y <= 0, 0, g),
    elementwise=True,
    real=False,
    doc="""The larger of 0 and each element.

    Kink: at 0 the slope is 0.
    Example: x = [-1., 0., 2.]
        relu(x)
        backward sum(relu(x))
    """,
    formula="where(x > 0, 1, 0)",
)


def _bounded_logs(x):
    """log(x) and log(1 - x), each at least -100, as torch bounds them for this loss."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), -100), np.maximum(np.log1p(-x), -100)


def binary_cross_entropy(input, target):
    yes, no = _bounded_logs(input)
    return -(target * yes + (1 - target) * no)


def _towards_target(g, x, t):
    # At a probability of 0 or 1 the slope is infinite; torch keeps the denominator from 0, and so the gradient finite.
    return g * (x - t) / np.maximum(x * (1 - x), 1e-12)


def _of_target(g, x):
    yes, no = _bounded_logs(x)
    return g * (no - yes)


binary_cross_entropy = differentiable(
    binary_cross_entropy,
    lambda g, _z, x, y: _towards_target(g, x, y),
    lambda g, _z, x, _y: _of_target(g, x),
    doc="The cross-entropy of each probability and its target.",
    formula=("g * (x - y)/(x * (1 - x))", "g * (log(1 - x) - log(x))"),
    domain="probability",
)


def softplus(input, beta=1, threshold=20):
    # log(1 + exp(z)) without overflow; above the threshold torch takes the line.
    z = input * beta
    return np.where(z > threshold, input, np.logaddexp(z, 0) / beta)[()]


def _softplus_slope(g, x, beta, threshold):
    # By way of sigmoid, whose own slope can't overflow, for the second derivative.
    return np.where(x * beta > threshold, g, g * sigmoid(x * beta))


softplus = differentiable(
    softplus,
    lambda g, _y, x, beta, threshold: _softplus_slope(g, x, beta, threshold),
    doc="log(1 + exp(x)), element by element.",
    formula="where(beta * x > threshold, 1, sigmoid(beta * x))",
)


def erf(input):
    from scipy.special import erf

    return erf(input)


erf = differentiable(
    erf,
    lambda g, _y, x: g * (2 / root(pi) * np.exp(-(x * x))),
    elementwise=True,
    doc="The error function of each element.",
    formula="2/sqrt(pi) * exp(-x^2)",
)


def erfc(input):
    from scipy.special import erfc

    return erfc(input)


erfc = differentiable(
    erfc,
    lambda g, _y, x: g * (-2 / root(pi) * np.exp(-(x * x))),
    elementwise=True,
    doc="""1 - erf(x), exact for large x.

    Example: erfc(10.)
        1 - erf(10.)
    """,
    formula="-2/sqrt(pi) * exp(-x^2)",
)


def masked_fill(mask, value, input):
    return np.where(mask, value, input)[()]


# What is filled gets a gradient of 0, not none, as `where` has it.
masked_fill = differentiable(
    masked_fill, None, lambda g, _z, m, _v, _x: np.where(m, g, 0), lambda g, _z, m, _v, _x: np.where(m, 0, g),
    grad_name="MaskedFillBackward0", elementwise=True, arity=3, real=False,
    doc="The input, with a value where the mask holds.", formula=("", "where(x, 1, 0)",
    "where(x, 0, 1)"),
)  # fmt: skip


def lerp(input, end, weight):
    # From the nearer end, so that both ends are met exactly.
    step = weight * (end - input)
    return np.where(np.abs(weight) < 0.5, input + step, end - (end - input) * (1 - weight))[()]


lerp = differentiable(
    lerp, lambda g, _z, _x, _y, w: g * (1 - w), lambda g, _z, _x, _y, w: g * w, lambda g, _z, x, y, _w: g * (y - x),
    elementwise=True, arity=3, doc="The point between input and end by a weight.", formula=("1 - z", "z", "y - x"),
)  # fmt: skip
lerp_tensor = variant(lerp, "LerpBackward1")
# With a number as weight no tensor is saved.
lerp.op.frees = False
masked_fill_tensor = variant(masked_fill, "MaskedFillBackward1")
