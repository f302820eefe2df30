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


def _of_one(apply: Any, name: str, *also: str) -> None:
    def body(input: Tensor):
        return apply(input)

    body.__name__, body.__doc__ = name.rpartition(".")[2], apply.op.apply.__doc__
    function(name, also=also)(body)


_of_one(p.sinc, "sinc", "special.sinc")
_of_one(p.lgamma, "lgamma", "special.gammaln")
_of_one(p.digamma, "digamma", "special.digamma", "special.psi")
_of_one(p.erfinv, "erfinv", "special.erfinv")
_of_one(p.i0, "i0", "special.i0")
_of_one(p.i0e, "special.i0e")
_of_one(p.i1, "special.i1")
_of_one(p.i1e, "special.i1e")
_of_one(p.erfcx, "special.erfcx")
_of_one(p.ndtr, "special.ndtr")
_of_one(p.ndtri, "special.ndtri")
_of_one(p.log_ndtr, "special.log_ndtr")
_of_one(p.entr, "special.entr")


@function(also=("special.logit",))
def logit(input: Tensor, eps: OptionalNumber = None):
    """log(x/(1 - x)), the inverse of sigmoid; with eps, of the input kept between eps and 1 - eps."""
    return p.logit(input, eps)


@function(also=("special.polygamma",))
def polygamma(n: Whole, input: Tensor):
    """The n-th derivative of digamma."""
    if n < 0:
        raise ValueFailure(f"polygamma(n, x) does not support negative n, and this is {n}")
    return p.polygamma(input, n)


@function("polygamma", method=True)
def polygamma_method(self: Tensor, n: Whole):
    """`x.polygamma(n)`: the n-th derivative of digamma."""
    return polygamma(n, self)


@function(also=("special.multigammaln",))
def mvlgamma(input: Tensor, p: Whole):
    """The logarithm of the multivariate gamma function of dimension p."""
    if p < 1:
        raise ValueFailure("p has to be greater than or equal to 1")
    if input.dtype.kind != "f":
        input = as_tensor(input, modes.default_dtype)
    allocatable((*input.shape, p), input.dtype)
    steps = (np.arange(p) * -0.5).astype(input.dtype)
    each = special_lgamma(e.add(s.expand_dims(input, input.ndim), Tensor(steps)))
    return relabel(e.add(r.sum_dim(each, input.ndim, False), p * (p - 1) / 4 * ln(pi)), "MvlgammaBackward0")


@function("special.round")
def special_round(input: Tensor, *, decimals: Whole = 0):
    """Rounds to `decimals` places, halves to even."""
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
    """input * log(other), and 0 where input is 0."""
    return _product(p.xlogy, p.xlogy_number, p.xlogy_of_number, input, other)


@function("special.xlog1py")
def xlog1py(input: Operand, other: Operand):
    """input * log(1 + other), and 0 where input is 0."""
    return _product(p.xlog1py, p.xlog1py_number, p.xlog1py_of_number, input, other)


@function()
def logaddexp2(input: Tensor, other: Tensor):
    """log2(2^input + 2^other), without overflow."""
    return p.logaddexp2(input, other)


for _new, _old in (("special.erfc", "erfc"), ("special.logsumexp", "logsumexp")):
    alias(_new, _old)
