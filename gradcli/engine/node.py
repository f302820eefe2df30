"""The recorded history: nodes, numbered in the order in which they were made."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from sys import _getframe
from typing import TYPE_CHECKING, Any

from gradcli.engine import modes

if TYPE_CHECKING:
    from types import CodeType

    from gradcli.engine.operation import Op

STRIDE = 64
"""The counter's step: a node that stands for several leaves them numbers of their own."""

next_order = count(STRIDE, STRIDE).__next__
"""One counter orders nodes and in-place changes, so that "changed after it was saved" is one comparison."""


def site() -> tuple[CodeType | None, int]:
    """The innermost place of a running script: its code and the instruction there (none outside of scripts)."""
    marker = modes.script_builtins
    if marker is None:
        return None, 0
    frame = _getframe(1)
    while frame is not None and frame.f_builtins is not marker:
        frame = frame.f_back
    return (None, 0) if frame is None else (frame.f_code, frame.f_lasti)


class Marker:
    """What stands for an op in a node that isn't of the table; the backward pass knows it, or its one joint rule."""

    __slots__ = ("arity", "forward", "frees", "grad_name", "joint", "name", "rules", "variadic")

    def __init__(
        self,
        name: str,
        grad_name: str,
        rule: Callable[..., Any] | None = None,
        arity: int = 0,
        forward: Callable[..., Any] | None = None,
    ) -> None:
        self.name = name
        self.grad_name = grad_name
        self.forward = forward
        self.rules = () if rule is None else (rule,)
        self.arity = arity
        self.joint = self.frees = rule is not None
        self.variadic = False


PART = Marker("part", "Part")
"""One of several results: its gradient waits in a list until the node that made them all is visited."""

ACCUMULATE_GRAD = Marker("accumulate", "AccumulateGrad")
"""The end of the way: a leaf, whose `.grad` the gradient is added to."""


class Node:
    """One recorded operation.

    `edges` are the nodes that made its inputs (falsy for an input that needs no gradient); `saved` is what the rules
    are called with after the gradient: output, inputs, parameters; `shapes` the shapes of inputs that were broadcast.
    A tensor that was told to require grad has a node too: its `op` is `ACCUMULATE_GRAD`, and `saved` is the place
    that keeps its `.grad`. `traced` is set only while graphs are to be seen (see tracing.py), `fused` of a FusedNode.
    """

    __slots__ = ("code", "edges", "fused", "hooks", "instruction", "op", "order", "saved", "shapes", "traced")

    def __init__(self, op: Op | Marker, edges: tuple[Any, ...], saved: Any, shapes: Any = None) -> None:
        self.op = op
        self.edges = edges
        self.saved = saved
        self.shapes = shapes
        self.hooks = None
        self.order = next_order()
        self.code, self.instruction = site()

    @property
    def place(self) -> tuple[CodeType | None, int]:
        """Where in a script it was made, as `site` gives it."""
        return (None, 0) if self.code is None else (self.code, self.instruction)

    @property
    def name(self) -> str:
        """PyTorch's name for the function, such as `MulBackward0`; one of several results bears its maker's."""
        return self.edges[0].name if self.op.name == "part" else self.op.grad_name

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes of the inputs, each with the number of its output, as `grad_fn.next_functions` shows them.

        An input that has no derivative, such as a condition or an index, isn't among them.
        """
        node = self.edges[0] if self.op is PART else self
        for edge in node.edges:
            if type(edge) is FusedNode:
                edge.unfold()
        rules = node.op.rules
        # One rule for all inputs says nothing of any.
        edges = node.edges if node.op.joint else [edge for edge, rule in zip(node.edges, rules, strict=False) if rule]
        return tuple((edge or None, edge.saved[0] if edge and edge.op is PART else 0) for edge in edges)

    @property
    def frees(self) -> bool:
        """Whether a pass frees what it saved: of an op that may or may not save values, where it has saved some."""
        frees = self.op.frees
        if frees is None:
            return any(value is not None and type(value) is not tuple for value in self.saved[: self.op.arity + 1])
        return frees

    def __repr__(self) -> str:
        return f"<{self.name}>"


passes: list[set[Node]] = []
"""What each backward pass that runs now, and wants the gradients of some tensors only, will go through."""


class FusedNode(Node):
    """A node that stands for a whole expression, until somebody wants to know more of it than the backward pass does.

    Its `op` is that of the expression's last operation, whose node it becomes then. `fused` is what it stands for (see
    fusion.py), the nodes that the expression comes from, and all the values that its operations saved.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        """What isn't there before the nodes are: edges, saved values, shapes."""
        if name not in ("edges", "saved", "shapes"):
            raise AttributeError(name)
        self.unfold()
        return getattr(self, name)

    def unfold(self) -> None:
        """Becomes the node of its last operation, with nodes of their own for those before."""
        nodes = self.fused[0].nodes_of(self)
        for needed in passes:
            if self in needed:
                needed.update(nodes)
        del self.fused
        self.__class__ = Node  # type: ignore[assignment]


def sources(node: Node) -> tuple[Any, ...]:
    """The nodes that a node's inputs come from; a fused node stays what it is."""
    return node.fused[1] if node.__class__ is FusedNode else node.edges


class Freed:
    """Stands in `saved` of a node that a backward pass has used up, and knows which one it was."""

    __slots__ = ("code", "instruction")

    def __init__(self) -> None:
        self.code, self.instruction = site()
