"""The vocabulary that a script sees: torch's names and arguments, written on the engine."""

from gradcli.library import (
    autograd,
    creation,  # noqa: F401
    functional,  # noqa: F401
    plain,
    pointwise,  # noqa: F401
    products,  # noqa: F401
    queries,  # noqa: F401
    reducing,  # noqa: F401
    shapes,  # noqa: F401
)
from gradcli.library.values import DTYPES
from gradcli.library.vocabulary import CONSTANTS, FUNCTIONS

autograd.enter_in_place(autograd.IN_PLACE)
plain.enter_plain()
# `float`, `int` and `bool` are functions that count as dtypes; the other words are nothing but dtypes.
CONSTANTS |= {name: dtype for name, dtype in DTYPES.items() if name != "bool"}

__all__ = ["CONSTANTS", "FUNCTIONS"]
