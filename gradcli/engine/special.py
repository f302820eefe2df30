"""The table of special functions: SciPy's values, derivatives in terms of each other.

Loaded on first use. A function that torch has only under `special.` bears that name here too.
"""

from __future__ import annotations

from math import inf, nan, pi
from math import log as ln
from math import sqrt as root

import numpy as np

from gradcli.engine.elementwise import sigmoid
from gradcli.engine.operation import differentiable, variant
from gradcli.engine.reductions import recurrence


def _scipy(name, *inputs):
    """SciPy's function of that name, in the inputs' own dtype (it computes float16 in float32)."""
    import scipy.special

    dtype = next(value.dtype for value in inputs if hasattr(value, "dtype"))
    return getattr(scipy.special, name)(*inputs).astype(dtype, copy=False)


# ---- gamma and its logarithmic derivatives


def lgamma(input):
    # There are poles all along the negative numbers: at their end torch says inf, SciPy -inf.
    return np.where(input == -inf, inf, _scipy("gammaln", input))[()].astype(input.dtype, copy=False)


# At the pole 0 the sign of the zero tells the side that the slope is of; at the others both sides are possible: nan.
lgamma = differentiable(
    lgamma, lambda g, _y, x: g * digamma(x),
    elementwise=True, doc="The logarithm of the size of the gamma function.", formula="digamma(x)", domain="positive",
)  # fmt: skip


def digamma(input):
    return _scipy("digamma", input)


digamma = differentiable(
    digamma, lambda g, _y, x: g * polygamma(x, 1),
    elementwise=True, doc="The slope of lgamma.", formula="polygamma(1, x)", domain="positive",
)  # fmt: skip


def polygamma(input, n):
    if n == 0:
        return _scipy("digamma", input)
    if n == 1:
        return _trigamma(input)
    return _scipy("polygamma", n, input)


def _trigamma(x):
    """Reflected for negative x, as in torch: the poles at whole numbers are large, not inf."""
    half = x.dtype.type(0.5)
    sine = np.sin(pi * np.where(x < half, x, half)).astype(x.dtype)
    value = _scipy("polygamma", 1, np.where(x < half, 1 - x, x))
    return np.where(x < half, -value + (pi / sine) ** 2, value)[()].astype(x.dtype)


polygamma = differentiable(
    polygamma, lambda g, _y, x, n: g * polygamma(x, n + 1),
    formula="g, times polygamma({n} + 1, {x})", doc="The n-th derivative of digamma.", domain="positive",
)  # fmt: skip

# ---- the error function's relatives

SQRT_2_PI = root(2 * pi)


def erfinv(input):
    return _scipy("erfinv", input)


# At -1 and 1 the slope is its limit inf, as exp(inf) gives it; so is that of ndtri at 0 and 1.
erfinv = differentiable(
    erfinv, lambda g, y, _x: g * (root(pi) / 2 * np.exp(y * y)),
    elementwise=True, doc="The inverse of erf.", formula="sqrt(pi)/2 * exp(out^2)", domain="unit",
)  # fmt: skip


def erfcx(input):
    return _scipy("erfcx", input)


erfcx = differentiable(
    erfcx, lambda g, y, x: g * (2 * x * y - 2 / root(pi)),
    name="special.erfcx", grad_name="SpecialErfcxBackward0", elementwise=True,
    doc="exp(x^2) erfc(x), without overflow.", formula="2 * x * out - 2/sqrt(pi)",
)  # fmt: skip


def ndtr(input):
    return _scipy("ndtr", input)


# torch computes it from erf and erfc, and its result bears the name of the last product.
ndtr = differentiable(
    ndtr, lambda g, _y, x: g * (np.exp(-0.5 * (x * x)) / SQRT_2_PI),
    name="special.ndtr", grad_name="MulBackward1", elementwise=True,
    doc="The area under the normal density up to each element.", formula="exp(-x^2/2)/sqrt(2 * pi)",
)  # fmt: skip


def ndtri(input):
    return _scipy("ndtri", input)


ndtri = differentiable(
    ndtri, lambda g, y, _x: g * (SQRT_2_PI * np.exp(0.5 * (y * y))),
    name="special.ndtri", grad_name="SpecialNdtriBackward0", elementwise=True,
    doc="The inverse of special.ndtr.", formula="sqrt(2 * pi) * exp(out^2/2)", domain="probability",
)  # fmt: skip


def log_ndtr(input):
    return _scipy("log_ndtr", input)


def _density_by_area(g, x):
    """The normal density divided by the area: on the left by erfcx, as both are 0 far out, on the right as they are."""
    left = np.where(x < -1, x, -1)
    right = np.where(x < -1, -1, x)
    density = np.exp(-0.5 * (right * right)) / SQRT_2_PI
    return g * np.where(x < -1, root(2 / pi) / erfcx(left * -root(0.5)), density / ndtr(right))


log_ndtr = differentiable(
    log_ndtr, lambda g, _y, x: _density_by_area(g, x),
    name="special.log_ndtr", grad_name="SpecialLogNdtrBackward0", elementwise=True,
    doc="log(special.ndtr(x)), exact far to the left.", formula="sqrt(2/pi)/special.erfcx(-x/sqrt(2))",
)  # fmt: skip

# ---- modified Bessel functions


def i0(input):
    return _scipy("i0", input)


i0 = differentiable(
    i0, lambda g, _y, x: g * i1(x),
    elementwise=True, doc="The modified Bessel function of order 0.", formula="special.i1(x)",
)  # fmt: skip


def i0e(input):
    return _scipy("i0e", input)


# At 0, where exp(-|x|) has a kink, the subgradient is 0, that of abs.
i0e = differentiable(
    i0e, lambda g, y, x: g * (i1e(x) - np.sign(x) * y),
    name="special.i0e", grad_name="SpecialI0EBackward0", elementwise=True,
    doc="exp(-|x|) i0(x).", formula="special.i1e(x) - sign(x) * out",
)  # fmt: skip


def i1(input):
    return _scipy("i1", input)


def _by_itself(y, x):
    """y/x, and where x is 0 its limit 1/2."""
    return np.where(x == 0, 0.5, y / np.where(x == 0, 1, x))


i1 = differentiable(
    i1, lambda g, y, x: g * (i0(x) - _by_itself(y, x)),
    name="special.i1", grad_name="SpecialI1Backward0", elementwise=True,
    doc="The modified Bessel function of order 1.", formula="i0(x) - out/x",
)  # fmt: skip


def i1e(input):
    return _scipy("i1e", input)


i1e = differentiable(
    i1e, lambda g, y, x: g * (i0e(x) - np.sign(x) * y - _by_itself(y, x)),
    name="special.i1e", grad_name="SpecialI1EBackward0", elementwise=True,
    doc="exp(-|x|) special.i1(x).", formula="special.i0e(x) - sign(x) * out - out/x",
)  # fmt: skip

# ---- entropies and logarithms


def entr(input):
    return _scipy("entr", input)


# At 0 the slope is its limit inf; below 0, where torch says -inf for want of an entropy, log makes it nan.
entr = differentiable(
    entr, lambda g, _y, x: g * (-1 - np.log(x)),
    name="special.entr", grad_name="SpecialEntrBackward0", elementwise=True,
    doc="-x log(x), and 0 at 0.", formula="-1 - log(x)", domain="positive",
)  # fmt: skip


def xlogy(input, other):
    return _joined("xlogy", input, other)


def _joined(name, x, y):
    # A plain number takes the other's dtype, as in arithmetic.
    dtype = x.dtype if hasattr(x, "dtype") else y.dtype
    x, y = (value if hasattr(value, "dtype") else dtype.type(value) for value in (x, y))
    return _scipy(name, x, y)


# Where x and the logarithm's argument are both 0, `0 log 0` counts as 0 and so does its slope in x. The slope in y is
# left at 0/0 there, as in torch: it is 0 for every y above 0, but for x > 0 it grows without bound.
xlogy = differentiable(
    xlogy,
    lambda g, _z, x, y: np.where((x == 0) & (y <= 0), 0, xlogy(g, y)),
    lambda g, _z, x, y: g * x / y,
    elementwise=True, doc="x log(y), and 0 where x is 0.",
    formula=("where((x == 0) & (y <= 0), 0, log(y))", "x/y"), domain="positive",
)  # fmt: skip
xlogy_number = variant(xlogy, "XlogyBackward2")
xlogy_of_number = variant(xlogy, "XlogyBackward1")


def xlog1py(input, other):
    return _joined("xlog1py", input, other)


xlog1py = differentiable(
    xlog1py,
    lambda g, _z, x, y: np.where((x == 0) & (y <= -1), 0, xlog1py(g, y)),
    lambda g, _z, x, y: g * x / (y + 1),
    name="special.xlog1py", grad_name="SpecialXlog1PyBackward0", elementwise=True,
    doc="x log(1 + y), and 0 where x is 0.",
    formula=("where((x == 0) & (y <= -1), 0, log1p(y))", "x/(y + 1)"), domain="positive",
)  # fmt: skip
xlog1py_number = variant(xlog1py, "SpecialXlog1PyBackward2")
xlog1py_of_number = variant(xlog1py, "SpecialXlog1PyBackward1")


def logit(input, eps=None):
    x = input if eps is None else np.minimum(np.maximum(input, eps), 1 - eps)
    return np.log(x / (1 - x))


def _logit_slope(g, x, eps):
    """1/(x (1 - x)); outside of what is clamped to 0, and outside of 0 to 1 nan, as the logarithm is there."""
    low = 0 if eps is None else eps
    # Adding 0 makes 0 of -0, where the slope is inf, not -inf.
    return np.where((x < low) | (x > 1 - low), nan if eps is None else 0, g / ((x + 0) * (1 - x)))


logit = differentiable(
    logit, lambda g, _y, x, eps: _logit_slope(g, x, eps),
    doc="log(x/(1 - x)), the inverse of sigmoid.", domain="probability",
    formula="g / (x * (1 - x)), where {x} was not clamped",
)  # fmt: skip


# 1/(1 + 2^(y - x)) by sigmoid, whose own slope can't overflow, for the second derivative. Which of two equal infinities
# is larger isn't known: their difference, and so the slopes, are nan.
logaddexp2 = differentiable(
    np.logaddexp2,
    lambda g, _z, x, y: g * sigmoid((x - y) * ln(2)), lambda g, _z, x, y: g * sigmoid((y - x) * ln(2)),
    doc="log2(2^x + 2^y), without overflow.",
    formula=("sigmoid((x - y) * log(2))", "sigmoid((y - x) * log(2))"),
)  # fmt: skip

# ---- sin(pi x)/(pi x)


def sinc(input):
    return np.sinc(input).astype(input.dtype, copy=False)


def sinc_slope(x, order):
    """The derivative of that order: near 0 by its series, elsewhere by z s_n = sin(z + n pi/2) - n s_(n-1).

    s_n is the n-th derivative of sin(z)/z at z = pi x. The recurrence loses digits where z < n, the textbook's formula
    (cos(pi x) - sinc(x))/x all of them near 0.
    """
    z = pi * x
    near = np.abs(z) < order + 1
    far = np.where(near, 1, z)
    slope = np.sin(far) / far
    for n in range(1, order + 1):
        turned = (np.sin, np.cos)[n % 2](far) * (-1) ** (n // 2)  # sin(z + n pi/2), exact for large z too
        slope = (turned - n * slope) / far
    small = np.where(near, z, 0)
    power, series, k = np.ones_like(small), np.zeros_like(small), 0
    # Terms (-1)^k z^m / (m! (2k + 1)) with m = 2k - n from 0 on; below 1e-17 of the first when m > 4 (n + 1) + 16.
    for m in range(4 * (order + 1) + 16):
        if (m + order) % 2 == 0:
            k = (m + order) // 2
            series = series + (-1) ** k * power / (2 * k + 1)
        power = power * small / (m + 1)
    return (pi**order * np.where(near, series, slope))[()].astype(x.dtype)


sinc_slope = differentiable(
    sinc_slope, lambda g, _y, x, order: g * sinc_slope(x, order + 1),
    grad_name="SincBackward0", formula="g, times the derivative of order {order} + 1 of sinc({x})",
)  # fmt: skip
sinc = differentiable(
    sinc, lambda g, _y, x: g * sinc_slope(x, 1),
    numpy=np.sinc, elementwise=True, doc="sin(pi x)/(pi x), and 1 at 0.",
    formula="where(x == 0, 0, (cos(pi * x) - sinc(x)) / x)",
)  # fmt: skip


# ---- running log-sum-exp


def logcumsumexp(x, axis):
    return np.logaddexp.accumulate(x, axis=axis)


def _logcumsumexp_slope(g, y, x, axis):
    """The sum over later places j of g_j exp(x_k - y_j), as exp(x_k - y_k) r_k: no exponent is above 0.

    r_k = g_k + exp(y_k - y_(k+1)) r_(k+1). A place that adds nothing (x is -inf) has no slope.
    """
    g, x, y = (np.swapaxes(value, axis, -1) for value in (g, x, y))
    none = y == -inf
    ends = np.where(none, 0, y)
    step = np.where(none[..., :-1], 0, np.exp(ends[..., :-1] - ends[..., 1:]))
    factors = np.concatenate([np.zeros_like(none[..., :1], dtype=y.dtype), np.flip(step, -1)], axis=-1)
    later = np.flip(recurrence(factors, np.flip(g, -1)), -1)
    # Chosen rather than multiplied by 0: whatever comes back there (a nan of log's at 0, say) stays there.
    idle = x == -inf
    return np.swapaxes(np.where(idle, 0, np.exp(np.where(idle, 0, x) - ends) * later), axis, -1)


logcumsumexp = differentiable(
    logcumsumexp, lambda g, y, x, axis: _logcumsumexp_slope(g, y, x, axis),
    formula="g * exp(x - out), added up from the end along {axis}",
)  # fmt: skip
