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


def _scipy(name, *inputs):
    """SciPy's function of that name, in the inputs' own dtype (it computes float16 in float32)."""
    import scipy.special

    dtype = next(value.dtype for value in inputs if hasattr(value, "dtype"))
    return getattr(scipy.special, name)(*inputs).astype(dtype, copy=False)


# ---- gamma and its logarithmic derivatives


def lgamma(input):
    # SciPy's value at a negative infinity is that of its pole; torch's too.
    return _scipy("gammaln", input)


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
    """Reflected for negative x, as in torch: its poles at whole numbers come out of the sine, and are large, not inf."""
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


# By erfcx, which stays finite where the density and the area below it are both 0.
log_ndtr = differentiable(
    log_ndtr, lambda g, _y, x: g * root(2 / pi) / erfcx(x * -root(0.5)),
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


# Where x and the logarithm's argument are both 0, `0 log 0` counts as 0 and so does its slope in x.
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
    if eps is None:
        inside, outside = (x >= 0) & (x <= 1), nan
    else:
        inside, outside = (x >= eps) & (x <= 1 - eps), 0.0
    return np.where(inside, g / (x * (1 - x)), outside)


logit = differentiable(
    logit, lambda g, _y, x, eps: _logit_slope(g, x, eps),
    doc="log(x/(1 - x)), the inverse of sigmoid.", domain="probability",
    formula="g / (x * (1 - x)), and none outside of {eps} and 1 - {eps}",
)  # fmt: skip


# 1/(1 + 2^(y - x)) by sigmoid, whose own slope can't overflow, for the second derivative.
logaddexp2 = differentiable(
    np.logaddexp2,
    lambda g, _z, x, y: g * sigmoid((x - y) * ln(2)), lambda g, _z, x, y: g * sigmoid((y - x) * ln(2)),
    doc="log2(2^x + 2^y), without overflow.",
    formula=("sigmoid((x - y) * log(2))", "sigmoid((y - x) * log(2))"),
)  # fmt: skip

# ---- sin(pi x)/(pi x)


def sinc(input):
    return sinc_slope.op.forward(input, 0)


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
        slope = (np.sin(far + n * (pi / 2)) - n * slope) / far
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
    """The sum over later places j of g_j exp(x - y_j), added up in logarithms: exp(-y_j) alone may overflow.

    The gradient's positive and negative parts go apart, as in torch. A place whose total is 0 (y is -inf) has no slope.
    """
    total = 0.0
    for sign in (1, -1):
        counts = (g * sign > 0) & (y > -inf)
        size = np.where(counts, np.log(np.where(counts, g * sign, 1)) - np.where(counts, y, 0), -inf)
        later = np.flip(logcumsumexp(np.flip(size, axis), axis), axis)
        some = (later > -inf) & (x > -inf)
        total = total + sign * np.where(some, np.exp(np.where(some, x + later, 0)), 0)
    return total


logcumsumexp = differentiable(
    logcumsumexp, lambda g, y, x, axis: _logcumsumexp_slope(g, y, x, axis),
    formula="g * exp(x - out), added up from the end along {axis}",
)  # fmt: skip
