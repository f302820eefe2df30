"""gradcli: a gradient calculator for the shell.

from gradcli import Session
for event in Session().run("x = arange(4); y = 2*dot(x, x); backward y"):
    print(event)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcli.errors import GradcliError

if TYPE_CHECKING:
    from gradcli.engine import Tensor, tensor
    from gradcli.session import Session

__all__ = ["GradcliError", "Session", "Tensor", "__version__", "tensor"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Loaded when asked for: `gradcli --version` and `--help` do without NumPy.
    if name == "Session":
        from gradcli.session import Session

        return Session
    if name in ("Tensor", "tensor"):
        from importlib import import_module

        import_module("gradcli.library")  # which gives a tensor its methods
        return getattr(import_module("gradcli.engine"), name)
    raise AttributeError(f"module 'gradcli' has no attribute {name!r}")
