"""What a person attached to a tensor's node."""

from __future__ import annotations

from collections.abc import Callable

from gradcli.engine.tensor import AutogradMeta, Tensor


class Hooks:
    """What happens to a node's whole gradient before it's stored or passed on."""

    __slots__ = ("functions", "retain")

    def __init__(self) -> None:
        self.functions: dict[object, Callable[[Tensor], Tensor | None]] = {}
        self.retain: AutogradMeta | None = None
