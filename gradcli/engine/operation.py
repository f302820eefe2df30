"""How a function becomes differentiable: one entry with its forward and one rule for each input.

    differentiable(np.sin, lambda g, _y, x: g * np.cos(x))
    differentiable(np.multiply, lambda g, _z, _x, y: g * y,
                                lambda g, _z, x, _y: g * x)

A rule gets the gradient of the output, the output, the inputs and the parameters, in that order, and returns the
gradient of its input. It is written with NumPy's functions and operators, so it serves both orders: in an ordinary
backward pass its arguments are arrays; under `create_graph` they are tensors, and the rule records itself.

What a rule names is what a node keeps. A name that begins with an underscore isn't needed; a name that ends in
`_shape` stands for the shape of that input. An input that takes part in no gradient isn't kept either.

The function that comes back takes tensors and gives tensors; given plain arrays it computes on them and gives arrays,
so that a rule may call it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.recording import NOTHING, SHAPE, VALUE, specialised
from gradcli.engine.tensor import Tensor
from gradcli.errors import AutogradFailure


def shape_of(kept: Any) -> tuple[int, ...]:
    """The shape that a rule asked for, where another rule of the same op may have had the whole value kept."""
    return kept if type(kept) is tuple else kept.shape


class Op:
    """One row of the table of operations."""

    __slots__ = (
        "apply",
        "arity",
        "defaults",
        "domain",
        "elementwise",
        "formula",
        "forward",
        "frees",
        "grad_name",
        "joint",
        "keeps",
        "name",
        "parameters",
        "real",
        "rules",
        "several",
        "variadic",
        "view",
    )

    apply: Callable[..., Any]

    def __init__(self, forward: Callable[..., Any], rules: tuple[Callable[..., Any] | None, ...], **facts: Any) -> None:
        self.forward = forward
        self.rules = rules
        self.name: str = facts["name"]
        self.grad_name: str = facts["grad_name"] or self.name.capitalize() + "Backward0"
        self.elementwise: bool = facts["elementwise"]
        self.joint: bool = facts["joint"]
        self.variadic: bool = facts["variadic"]
        self.view: bool = facts["view"]
        self.several: bool = facts["several"]
        self.real: bool = facts["real"]
        # One text an input, none where there is no rule (a joint op has one for all). A text is an expression of the
        # language and, where that can't say it, words after a comma. `x`, `y`, `z` are the inputs in their order (of a
        # variadic op `x` is the input in question), `out` is the output, `g` the output's gradient, `n` the number of
        # elements that went into each result; parameters have the names that `forward` gives them, and what is in
        # words stands in braces. A text without `g` is the derivative, which `g` is multiplied by; any other is the
        # whole gradient: `g @ y.mT`. A dim that was reduced stays in `g` and `out`, with size 1; an argument that is
        # none is left out with all behind it, as is a comparison with it. What was broadcast is summed at the end.
        self.formula: tuple[str, ...] = facts["formula"]
        self.domain: str = facts["domain"]
        self.arity = 1 if self.variadic or (self.joint and not facts["arity"]) else facts["arity"] or len(rules)
        code = getattr(getattr(forward, "__wrapped__", forward), "__code__", None)
        if code is None:
            self.parameters: tuple[str, ...] = ("input", "other", "third")[: self.arity]
            self.defaults: tuple[Any, ...] = ()
        else:
            self.parameters = code.co_varnames[: code.co_argcount]
            self.defaults = forward.__defaults__ or ()
        self.keeps = _keeps(self)
        # torch lets a graph be walked twice where no values were saved in it (sums, reshapes); so does this. None: it
        # depends on which inputs need a gradient (`x % y` saves nothing for x alone).
        saves = {VALUE in keep for keep in self.keeps.values()}
        self.frees: bool | None = True if facts["frees"] or saves == {True} else None if True in saves else False

    def renamed(self, grad_name: str) -> Op:
        """The same operation under another of torch's function names."""
        op = Op.__new__(Op)
        for slot in Op.__slots__:
            setattr(op, slot, getattr(self, slot))
        op.grad_name = grad_name
        return op

    def __repr__(self) -> str:
        return f"<op {self.name}>"


TABLE: dict[str, Op] = {}
"""Every operation that has a derivative, by name."""

NUMPY: dict[Any, Callable[..., Any]] = {}
"""What a NumPy function does when it is given a tensor."""


def differentiable(
    forward: Callable[..., Any],
    *rules: Callable[..., Any] | None,
    name: str | None = None,
    grad_name: str | None = None,
    numpy: Any = None,
    arity: int | None = None,
    elementwise: bool | None = None,
    joint: bool = False,
    variadic: bool = False,
    view: bool = False,
    several: bool = False,
    real: bool = True,
    frees: bool = False,
    formula: tuple[str, ...] | str = (),
    doc: str = "",
    domain: str = "real",
) -> Callable[..., Any]:
    """Enters `forward` into the table and gives the function that records it.

    `rules` has one rule an input (none for an input without gradient, such as an index). A `joint` op has one rule for
    all: it is told first which inputs need a gradient and returns one for each of them. A `variadic` op takes a
    sequence of inputs; `several` results come as a tuple, and the rules get a list of gradients. `view` says that the
    result looks into the input's memory. An op that is `real` makes floats of whole numbers. `formula` is each rule
    as a person writes it (see Op), `doc` what it does in a line, `domain` the inputs on which it is tested.
    """
    function_name = name or forward.__name__
    if elementwise is None:
        elementwise = isinstance(forward, np.ufunc)
    op = Op(
        forward,
        rules,
        name=function_name,
        grad_name=grad_name,
        arity=arity,
        elementwise=elementwise,
        joint=joint,
        variadic=variadic,
        view=view,
        several=several,
        real=real,
        frees=frees,
        formula=(formula,) if isinstance(formula, str) else formula,
        domain=domain,
    )
    apply = specialised(op)
    apply.__name__ = apply.__qualname__ = function_name
    apply.__doc__ = doc or forward.__doc__
    apply.op = op  # type: ignore[attr-defined]
    op.apply = apply
    TABLE[function_name] = op
    implements = numpy if numpy is not None else forward if isinstance(forward, np.ufunc) else None
    if implements is not None:
        NUMPY[implements] = apply
    return apply


def variant(apply: Callable[..., Any], grad_name: str) -> Callable[..., Any]:
    """The same function, recorded under another of torch's names (`SumBackward1` where a dim is given)."""
    op = apply.op.renamed(grad_name)  # type: ignore[attr-defined]
    again = specialised(op)
    again.__name__ = again.__qualname__ = op.name
    again.__doc__ = apply.__doc__
    again.op = op  # type: ignore[attr-defined]
    op.apply = again
    return again


def relabel(tensor: Tensor, grad_name: str) -> Tensor:
    """A result under the name of the function that it's the result of, where several operations made it."""
    if tensor.node and not tensor.is_leaf:
        tensor.node.op = tensor.node.op.renamed(grad_name)
    return tensor


def _keeps(op: Op) -> dict[Any, tuple[int, ...]]:
    """For each set of inputs that need a gradient: what a node must keep of the output and of each input."""
    if op.joint:
        return {None: _wants(op.rules[0], op.arity, first=2)}
    wants = [_wants(rule, op.arity, first=1) if rule else (NOTHING,) * (op.arity + 1) for rule in op.rules]
    keeps: dict[Any, tuple[int, ...]] = {}
    for mask in range(1, 2 ** len(wants)):
        chosen = [want for bit, want in enumerate(wants) if mask >> bit & 1]
        keeps[mask] = tuple(max(column) for column in zip(*chosen, strict=True))
    return keeps


def _wants(rule: Any, arity: int, first: int) -> tuple[int, ...]:
    code = rule.__code__
    names = code.co_varnames[first : code.co_argcount][: arity + 1]
    wants = [NOTHING if name[0] == "_" else SHAPE if name.endswith("_shape") else VALUE for name in names]
    return tuple(wants + [NOTHING] * (arity + 1 - len(wants)))


def no_rule(op: Op, position: int) -> AutogradFailure:
    """A missing rule speaks: never a silent zero."""
    return AutogradFailure(
        f"derivative for {op.name} is not implemented (in its argument `{op.parameters[position]}`)",
        help="apply it to `x.detach()` if no gradient should go through it",
    )
