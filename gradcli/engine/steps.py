"""Functions that move in steps: differentiable with zero gradient, as in torch.

At a step itself too, where the slope isn't defined: it is 0 on both sides.
"""

from __future__ import annotations

import numpy as np

from gradcli.engine.operation import differentiable


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


def round(input):
    # NumPy would make floats of whole numbers.
    return np.array(input)[()] if input.dtype.kind in "iu" else np.rint(input)


round = differentiable(
    round,
    lambda g, *_: _flat(g),
    numpy=np.rint,
    elementwise=True,
    real=False,
    doc="Each element rounded, halves to even.",
    formula="0",
)


def div_rounded(input, other, rounding_mode="floor"):
    if rounding_mode == "trunc":
        return np.trunc(np.true_divide(input, other))
    # Not the floor of the quotient, which may have been rounded up to a whole number: 1 // 0.1 is 9.
    return np.floor_divide(input, other)


# A step in both: not 0 times the slope of a quotient, which is infinite or nan where that is divided by 0.
div_rounded = differentiable(
    div_rounded, lambda g, *_: _flat(g), lambda g, *_: _flat(g),
    grad_name="DivBackward2", arity=2, elementwise=True, real=False,
    doc="The quotient, rounded down or towards 0.", formula=("0", "0"), domain="nonzero",
)  # fmt: skip


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
