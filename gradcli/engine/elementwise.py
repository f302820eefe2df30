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
from gradcli.engine.steps import div_rounded, sign


def _by_number(apply, grad_name, *numbers):
    """The same function where the inputs at these places are plain numbers, under torch's name for that."""
    again = variant(apply, grad_name)
    # A number has no derivative, nor a place among `next_functions`; as a factor or a summand torch takes it for a
    # tensor.
    again.op.rules = tuple(None if place in numbers else rule for place, rule in enumerate(again.op.rules))
    return again


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
rsub = _by_number(sub, "RsubBackward1", 0)
rsub_tensor = variant(sub, "RsubBackward0")
deg2rad = _by_number(mul, "Deg2RadBackward0", 1)
rad2deg = _by_number(mul, "Rad2DegBackward0", 1)


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
pow_number = _by_number(pow, "PowBackward0", 1)
pow_of_number = _by_number(pow, "PowBackward2", 0)
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
    np.remainder, lambda g, *_: g, lambda g, _z, x, y: -g * div_rounded(x, y, "floor"),
    grad_name="RemainderBackward1", real=False,
    doc="The remainder of a division, with the sign of the divisor.", formula=("1", "-floor(x/y)"), domain="nonzero",
)  # fmt: skip
fmod = differentiable(
    np.fmod, lambda g, *_: g, lambda g, _z, x, y: -g * div_rounded(x, y, "trunc"),
    grad_name="FmodBackward1", real=False,
    doc="The remainder of a division, with the sign of the dividend.", formula=("1", "-trunc(x/y)"), domain="nonzero",
)  # fmt: skip

remainder_number = _by_number(remainder, "RemainderBackward0", 1)
fmod_number = _by_number(fmod, "FmodBackward0", 1)
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
clamp_numbers = _by_number(clamp, "ClampBackward1", 1, 2)
clamp_min = _by_number(clamp, "ClampMinBackward1", 2)
clamp_min_number = _by_number(clamp, "ClampMinBackward0", 1, 2)
clamp_max = _by_number(clamp, "ClampMaxBackward1", 1)
clamp_max_number = _by_number(clamp, "ClampMaxBackward0", 1, 2)

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


binary_cross_entropy = differentiable(
    binary_cross_entropy,
    lambda g, _z, x, y: _towards_target(g, x, y),
    # torch doesn't bound the logarithms here: at a probability of 0 or 1 the slope is infinite.
    lambda g, _z, x, _y: g * (np.log1p(-x) - np.log(x)),
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
masked_fill_tensor = differentiable(
    masked_fill, None, lambda g, _z, m, _v, _x: np.where(m, g, 0), lambda g, _z, m, _v, _x: np.where(m, 0, g),
    grad_name="MaskedFillBackward1", elementwise=True, arity=3, real=False,
    doc="The input, with a value where the mask holds.", formula=("", "where(x, 1, 0)",
    "where(x, 0, 1)"),
)  # fmt: skip
masked_fill = _by_number(masked_fill_tensor, "MaskedFillBackward0", 1)


def lerp(input, end, weight):
    # From the nearer end, so that both ends are met exactly.
    step = weight * (end - input)
    return np.where(np.abs(weight) < 0.5, input + step, end - (end - input) * (1 - weight))[()]


lerp_tensor = differentiable(
    lerp, lambda g, _z, _x, _y, w: g * (1 - w), lambda g, _z, _x, _y, w: g * w, lambda g, _z, x, y, _w: g * (y - x),
    grad_name="LerpBackward1", elementwise=True, arity=3,
    doc="The point between input and end by a weight.", formula=("1 - z", "z", "y - x"),
)  # fmt: skip
lerp = _by_number(lerp_tensor, "LerpBackward0", 2)
# With a number as weight no tensor is saved.
lerp.op.frees = False
