"""The table of functions that look at how a number is written: its sign, its exponent, whether it's one at all.

Loaded on first use.
"""

from __future__ import annotations

import numpy as np

from gradcli.engine.operation import differentiable, variant

# Unlike `maximum`, these pass over a nan, and at a tie torch's whole gradient goes to the first argument.
fmax = differentiable(
    np.fmax,
    lambda g, _z, x, y: np.where((x >= y) | (y != y), g, 0),
    lambda g, _z, x, y: np.where((x >= y) | (y != y), 0, g),
    real=False, doc="The larger of two elements; of a number and nan, the number.",
    formula=("where((x >= y) | isnan(y), 1, 0)", "where((x >= y) | isnan(y), 0, 1)"),
)  # fmt: skip
fmin = differentiable(
    np.fmin,
    lambda g, _z, x, y: np.where((x <= y) | (y != y), g, 0),
    lambda g, _z, x, y: np.where((x <= y) | (y != y), 0, g),
    real=False, doc="The smaller of two elements; of a number and nan, the number.",
    formula=("where((x <= y) | isnan(y), 1, 0)", "where((x <= y) | isnan(y), 0, 1)"),
)  # fmt: skip


def _flipped(z, x):
    """Whether the sign changed, as 1 or -1; at 0, where |x| has a kink, torch's subgradient 0."""
    return np.where(x == 0, 0, z / np.where(x == 0, 1, x))


copysign = differentiable(
    np.copysign, lambda g, z, x, _y: g * _flipped(z, x), lambda g, *_: np.zeros_like(g),
    doc="The size of one element with the sign of another.",
    formula=("where(x == 0, 0, sign(x) * sign(out))", "0"), domain="nonzero",
)  # fmt: skip
copysign_number = variant(copysign, "CopysignBackward1")


def nan_to_num(input, nan=0.0, posinf=None, neginf=None):
    if input.dtype.kind != "f":
        return input
    return np.nan_to_num(input, nan=nan, posinf=posinf, neginf=neginf)


nan_to_num = differentiable(
    nan_to_num, lambda g, _y, x, _nan, _posinf, _neginf: np.where(np.isfinite(x), g, 0),
    grad_name="NanToNumBackward0", real=False, numpy=np.nan_to_num,
    doc="The input, with numbers in the place of nan and the infinities.", formula="g, where {x} is a finite number",
)  # fmt: skip


def frexp(input):
    return np.frexp(input)[0]


def _exponents(x):
    return np.frexp(getattr(x, "array", x))[1]


frexp = differentiable(
    frexp, lambda g, _y, x: g * np.exp2(-_exponents(x).astype(x.dtype)),
    doc="The number between 1/2 and 1 that 2 to the power of a whole number makes each element of.",
    formula="g, divided by the power of 2",
)  # fmt: skip


# It moves with its first argument, unless that has arrived.
nextafter = differentiable(
    np.nextafter, lambda g, _z, x, y: np.where(x == y, 0, g), lambda g, *_: np.zeros_like(g),
    real=False, formula=("where(x == y, 0, 1)", "0"),
    doc="The next number that the dtype has, towards other.",
)  # fmt: skip


def sgn(input):
    return np.where(input != input, 0, np.sign(input))[()].astype(input.dtype)


sgn = differentiable(
    sgn, lambda g, *_: np.zeros_like(g),
    elementwise=True, real=False, doc="-1, 0 or 1 by the sign of each element.", formula="0",
)  # fmt: skip


def angle(input):
    return np.where(input != input, input, np.where(input < 0, np.pi, 0))[()].astype(input.dtype)


angle = differentiable(
    angle, lambda g, *_: np.zeros_like(g),
    elementwise=True, doc="0 for what isn't negative, pi for what is.", formula="0",
)  # fmt: skip
