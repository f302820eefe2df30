"""The vocabulary that a script sees: torch's names and arguments, written on the engine."""

from functools import partial
from typing import Any

from gradcli.engine import Tensor
from gradcli.library import (  # noqa: F401  (importing a module enters its functions)
    autograd,
    creation,
    functional,
    parts,
    plain,
    pointwise,
    products,
    queries,
    reducing,
    shapes,
)
from gradcli.library.values import DTYPE_WORDS, DTYPES
from gradcli.library.vocabulary import CONSTANTS, FUNCTIONS, enter_later, method_of

autograd.enter_in_place(autograd.IN_PLACE)
plain.enter_plain()
enter_later("gradcli.library.files", "load save")
enter_later(
    "gradcli.library.transforms",
    "value_and_grad grad_and_value vjp jvp jacrev jacfwd jacobian hessian hvp vhp torch.func.grad torch.func.hessian "
    "torch.func.value_and_grad torch.func.grad_and_value torch.func.vjp torch.func.jvp torch.func.jacrev "
    "torch.func.jacfwd",
)
enter_later("gradcli.library.mapping", "vmap torch.func.vmap")
enter_later("gradcli.library.gradient_checks", "gradcheck gradgradcheck torch.autograd.gradcheck "
            "torch.autograd.gradgradcheck")  # fmt: skip
enter_later(
    "gradcli.library.autograd_functional",
    " ".join(f"torch.autograd.functional.{name}" for name in ("jacobian", "hessian", "vjp", "jvp", "hvp", "vhp")),
)
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
