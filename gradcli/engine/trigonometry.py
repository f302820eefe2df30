"""The table's trigonometric and hyperbolic functions (radians). Conventions at kinks are PyTorch's."""

from __future__ import annotations

import numpy as np

from gradcli.engine.operation import differentiable

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
