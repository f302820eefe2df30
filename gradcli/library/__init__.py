"""The vocabulary that a script sees: torch's names and arguments, written on the engine."""

from functools import partial
from typing import Any

from gradcli.engine import Tensor
from gradcli.library import (  # noqa: F401  (importing a module enters its functions)
    autograd,
    creation,
    plain,
    pointwise,
    queries,
    shapes,
)
from gradcli.library.later import LATER, LATER_METHODS
from gradcli.library.values import DTYPE_WORDS, DTYPES
from gradcli.library.vocabulary import CONSTANTS, FUNCTIONS, enter_in_place, enter_later, method_of

for _module, _names in LATER.items():
    enter_later(f"gradcli.library.{_module}", _names)
for _module, _names in LATER_METHODS.items():
    enter_later(f"gradcli.library.{_module}", _names, method=True)
enter_in_place(autograd.IN_PLACE)
enter_in_place(
    "sinc lgamma digamma erfinv i0 logit polygamma mvlgamma xlogy nan_to_num copysign ldexp nextafter sgn "
    "conj_physical scatter scatter_add scatter_reduce index_add index_copy index_fill index_reduce index_put put "
    "masked_scatter logical_xor absolute arccos arccosh arcsin arcsinh arctan arctan2 arctanh clip divide fix greater "
    "greater_equal less less_equal multiply negative not_equal subtract true_divide"
)
enter_in_place("addmm addmv addr baddbmm addbmm addcmul addcdiv")
# `float`, `int` and `bool` are functions that count as dtypes; the other words are nothing but dtypes.
CONSTANTS |= DTYPES
# Behind `torch.` also the words that are functions or methods by themselves: `torch.long`, `torch.float`.
CONSTANTS |= {f"torch.{name}": dtype for name, dtype in DTYPE_WORDS.items()}


def _behind_a_dot(self: Tensor, name: str) -> Any:
    """In Python too a tensor has the library's functions as methods: `y.sum().backward()`."""
    attribute = queries.ATTRIBUTES[Tensor].get(name)
    if attribute is not None:
        return attribute(self)
    function = None if name.startswith("_") else method_of(name)
    if function is None:
        raise AttributeError(f"a tensor has no attribute or method {name!r}")
    return partial(function, self)


Tensor.__getattr__ = _behind_a_dot  # type: ignore[attr-defined]

__all__ = ["CONSTANTS", "FUNCTIONS"]
