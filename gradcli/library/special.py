"""Special functions: gamma and error functions, Bessel functions, entropies, torch's `special.` module."""

from __future__ import annotations

from math import log as ln
from math import pi
from typing import Any

import numpy as np

from gradcli.engine import Tensor, modes
from gradcli.engine import elementwise as e
from gradcli.engine import reductions as r
from gradcli.engine import shaping as s
from gradcli.engine import special as p
from gradcli.engine.allocation import allocatable
from gradcli.engine.conversion import as_tensor, result_dtype
from gradcli.engine.operation import relabel
from gradcli.errors import ValueFailure
from gradcli.library.arguments import Operand, OptionalNumber, Whole
from gradcli.library.vocabulary import FUNCTIONS, alias, function

special_lgamma = p.lgamma

# ---- of one argument


def _of_one(apply: Any, name: str, *also: str, example: str, more: str = "", of: str = "", edge: str = "") -> None:
    """Enters a function of the table, where what it does and its derivative stand.

    `more` goes on with what it does, `of` says on which numbers it's defined, `edge` what holds at their ends.
    """

    def body(input: Tensor):
        return apply(input)

    body.__name__ = name.rpartition(".")[2]
    body.__doc__ = f"""{apply.op.apply.__doc__}

    {more}

    Shapes: any, and the result's is the same{of and f"; {of}"}
    Derivative: {apply.op.formula[0]}
    {edge and f"Kink: {edge} (why: gradcli/engine/special.py)"}
    Example: {example}
    """
    function(name, also=also)(body)


_of_one(
    p.sinc,
    "sinc",
    "special.sinc",
    example="x = [0., 0.5, 1.5]\n        sinc(x)\n        backward sum(sinc(x))",
)
_of_one(
    p.lgamma,
    "lgamma",
    "special.gammaln",
    more="For a whole number n, lgamma(n) is log((n - 1)!).",
    edge="at 0 and the negative whole numbers the result is inf; the slope is -inf at 0 and nan at the others.",
    example="lgamma([0.5, 1., 5.])\n        log(24.)",
)
_of_one(
    p.digamma,
    "digamma",
    "special.digamma",
    "special.psi",
    edge="at 0 the result is -inf and the slope inf; at the negative whole numbers the result is nan and the slope "
    "large, not inf.",
    example="x = [0.5, 1., 10.]\n        digamma(x)\n        backward sum(digamma(x))",
)
_of_one(
    p.erfinv,
    "erfinv",
    "special.erfinv",
    of="numbers from -1 to 1",
    edge="at -1 and 1 the result is -inf and inf, and the slope inf; beyond them both are nan.",
    example="erfinv([-0.5, 0., 0.9])\n        erf(erfinv([-0.5, 0., 0.9]))",
)
_of_one(p.i0, "i0", "special.i0", example="x = [0., 1., 2.]\n        i0(x)\n        backward sum(i0(x))")
_of_one(
    p.i0e,
    "special.i0e",
    more="It stays finite where `i0` doesn't.",
    edge="at 0 the slope is 0.",
    example="x = [-1., 0., 20.]\n        special.i0e(x)\n        backward sum(special.i0e(x))",
)
_of_one(
    p.i1,
    "special.i1",
    edge="at 0, where the formula has 0/0, the slope is its limit 1/2.",
    example="x = [-1., 0., 2.]\n        special.i1(x)\n        backward sum(special.i1(x))",
)
_of_one(
    p.i1e,
    "special.i1e",
    more="It stays finite where `special.i1` doesn't.",
    edge="at 0, where the formula has 0/0, the slope is its limit 1/2.",
    example="x = [-1., 0., 20.]\n        special.i1e(x)\n        backward sum(special.i1e(x))",
)
_of_one(
    p.erfcx,
    "special.erfcx",
    more="The tail of the normal distribution without what makes it vanish; it falls like 1/x.",
    example="special.erfcx([0., 1., 100.])\n        erfc([0., 1., 100.])",
)
_of_one(
    p.ndtr,
    "special.ndtr",
    example="x = [-1.96, 0., 1.96]\n        special.ndtr(x)\n        backward sum(special.ndtr(x))",
)
_of_one(
    p.ndtri,
    "special.ndtri",
    more="The number below which that part of the normal distribution lies.",
    of="probabilities, from 0 to 1",
    edge="at 0 and 1 the result is -inf and inf, and the slope inf; outside of them both are nan.",
    example="special.ndtri([0.025, 0.5, 0.975])",
)
_of_one(
    p.log_ndtr,
    "special.log_ndtr",
    example="x = [-10., 0., 1.]\n        special.log_ndtr(x)\n        backward sum(special.log_ndtr(x))",
)
_of_one(
    p.entr,
    "special.entr",
    more="The sum of it over the probabilities of a distribution is the distribution's entropy.",
    edge="at 0 the result is 0 and the slope inf; below 0 the result is -inf and the slope nan.",
    example="q = [0.5, 0.25, 0.25]\n        special.entr(q)\n        backward sum(special.entr(q))",
)


@function(also=("special.logit",))
def logit(input: Tensor, eps: OptionalNumber = None):
    """log(x/(1 - x)), the inverse of sigmoid; with eps, x is kept between eps and 1 - eps.

    Shapes: any, and the result's is the same; probabilities, from 0 to 1
    Derivative: 1/(x * (1 - x))
    Kink: at 0 and 1 the result is -inf and inf, and the slope inf; outside of them both are nan. With eps the slope is
        0 where x was moved, and the formula's where it is at eps or 1 - eps itself. (why: gradcli/engine/special.py)
    Example: x = [0.1, 0.5, 0.9]
        logit(x)
        backward sum(logit(x))
    Example: x = [0., 0.1, 0.5]
        logit(x, eps=0.1)
        backward sum(logit(x, eps=0.1))
    """
    return p.logit(input, eps)


@function(also=("special.polygamma",))
def polygamma(n: Whole, input: Tensor):
    """The n-th derivative of digamma; polygamma(0, x) is digamma itself.

    Shapes: n: a whole number from 0 on; input: any, and the result's is the same
    Derivative: polygamma(n + 1, input)
    Kink: its poles are 0 and the negative whole numbers; for n = 1 the result at the negative ones is large, not
        inf. (why: gradcli/engine/special.py)
    Example: x = [1., 2.]
        polygamma(1, x)
        backward sum(polygamma(1, x))
        pi^2 / 6
    """
    if n < 0:
        raise ValueFailure(f"polygamma(n, x) does not support negative n, and this is {n}")
    return p.polygamma(input, n)


@function("polygamma", method=True)
def polygamma_method(self: Tensor, n: Whole):
    """`x.polygamma(n)`: the n-th derivative of digamma.

    Shapes: n: a whole number from 0 on; input: any, and the result's is the same
    Derivative: polygamma(n + 1, input)
    Kink: its poles are 0 and the negative whole numbers; for n = 1 the result at the negative ones is large, not
        inf. (why: gradcli/engine/special.py)
    Example: x = [1., 2.]
        x.polygamma(1)
    """
    return polygamma(n, self)


@function(also=("special.multigammaln",))
def mvlgamma(input: Tensor, p: Whole):
    """The logarithm of the multivariate gamma function of dimension p; of dimension 1 it is lgamma.

    p * (p - 1)/4 * log(pi) + lgamma(x) + lgamma(x - 1/2) + ... + lgamma(x - (p - 1)/2).

    Shapes: input: any, and the result's is the same, of numbers above (p - 1)/2; p: a whole number from 1 on
    Derivative: digamma(input) + digamma(input - 1/2) + ... + digamma(input - (p - 1)/2)
    Kink: at (p - 1)/2 the result is inf and the slope -inf; below it, where the function isn't defined, both are what
        the formulas give. (why: gradcli/engine/special.py)
    Example: x = [2., 3.]
        mvlgamma(x, 2)
        backward sum(mvlgamma(x, 2))
    """
    if p < 1:
        raise ValueFailure("p has to be greater than or equal to 1")
    if input.dtype.kind != "f":
        input = as_tensor(input, modes.default_dtype)
    allocatable((*input.shape, p), input.dtype)
    # In as many dims as the input then has: a vector against its column would be warned of.
    steps = (np.arange(p) * -0.5).astype(input.dtype).reshape((1,) * input.ndim + (p,))
    each = special_lgamma(e.add(s.expand_dims(input, input.ndim), Tensor(steps)))
    return relabel(e.add(r.sum_dim(each, input.ndim, False), p * (p - 1) / 4 * ln(pi)), "MvlgammaBackward0")


@function("special.round")
def special_round(input: Tensor, *, decimals: Whole = 0):
    """Each element rounded to `decimals` places after the point, halves to the even neighbour.

    Shapes: any, and the result's is the same; negative decimals round before the point
    Derivative: 0 almost everywhere
    Kink: where it steps, at the halves, the slope is 0 too. (why: gradcli/engine/steps.py)
    Example: special.round([0.5, 1.5, 2.5, -1.2])
        special.round([3.14159, 2.71828], decimals=2)
    """
    return relabel(FUNCTIONS["round"](input, decimals=decimals), "RoundBackward1")


# ---- of two


def _product(apply: Any, by_number: Any, of_number: Any, input: Any, other: Any) -> Tensor:
    """x log(y) and its like: a plain number keeps the tensor's dtype."""
    if type(input) is not Tensor and type(other) is not Tensor:
        input = as_tensor(input)
    if result_dtype(input, other).kind in "biu":
        dtype = modes.default_dtype
        input, other = (as_tensor(v, dtype) if type(v) is Tensor else v for v in (input, other))
    if type(other) is not Tensor:
        return by_number(input, other)
    return apply(input, other) if type(input) is Tensor else of_number(input, other)


@function(also=("special.xlogy",))
def xlogy(input: Operand, other: Operand):
    """input * log(other), and 0 where input is 0.

    Shapes: any two that broadcast together; either may be a number
    Derivative: input: log(other); other: input/other
    Kink: where input is 0 and other at most 0, result and slope in input are 0; the slope in other is input/other there
        too: nan where both are 0. (why: gradcli/engine/special.py)
    Example: x = [0., 2.]
        y = [3., 3.]
        xlogy(x, y)
        backward sum(xlogy(x, y))
    Example: x = [0., 2.]
        const y = [0., 3.]
        xlogy(x, y)
        backward sum(xlogy(x, y))
    """
    return _product(p.xlogy, p.xlogy_number, p.xlogy_of_number, input, other)


@function("special.xlog1py")
def xlog1py(input: Operand, other: Operand):
    """input * log(1 + other), exact for small other, and 0 where input is 0.

    Shapes: any two that broadcast together; either may be a number
    Derivative: input: log1p(other); other: input/(1 + other)
    Kink: where input is 0 and other at most -1, result and slope in input are 0; the slope in other is the formula's
        there too: nan where other is -1. (why: gradcli/engine/special.py)
    Example: x = [0., 2.]
        y = [3., 1e-20]
        special.xlog1py(x, y)
        backward sum(special.xlog1py(x, y))
    """
    return _product(p.xlog1py, p.xlog1py_number, p.xlog1py_of_number, input, other)


@function()
def logaddexp2(input: Tensor, other: Tensor):
    """log2(2^input + 2^other), without overflow.

    Shapes: any two that broadcast together
    Derivative: input: sigmoid((input - other) * log(2)); other: sigmoid((other - input) * log(2))
    Kink: where both are the same infinity the slopes are nan. (why: gradcli/engine/special.py)
    Example: x = [0., 2000.]
        y = [3., 2000.]
        logaddexp2(x, y)
        backward sum(logaddexp2(x, y))
    """
    return p.logaddexp2(input, other)


for _new, _old in (("special.erfc", "erfc"), ("special.logsumexp", "logsumexp")):
    alias(_new, _old)
