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

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine import modes
from gradcli.engine.conversion import NUMBERS, as_tensor, promoted
from gradcli.engine.memory import buffer
from gradcli.engine.node import Node
from gradcli.engine.tensor import CUT, Tensor
from gradcli.engine.views import relate_views
from gradcli.errors import AutogradFailure, ShapeFailure, TypeFailure, ValueFailure

NOTHING, SHAPE, VALUE = range(3)
"""What a node keeps of an argument."""


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
        # torch lets a graph be walked twice where no values were saved in it (sums, reshapes); so does this.
        self.frees: bool = facts["frees"] or any(VALUE in keep for keep in self.keeps.values())

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
    domain: str = "real",
) -> Callable[..., Any]:
    """Enters `forward` into the table and gives the function that records it.

    `rules` has one rule an input (none for an input without gradient, such as an index). A `joint` op has one rule for
    all: it is told first which inputs need a gradient and returns one for each of them. A `variadic` op takes a
    sequence of inputs; `several` results come as a tuple, and the rules get a list of gradients. `view` says that the
    result looks into the input's memory. An op that is `real` makes floats of whole numbers. `formula` is each rule's
    derivative as a person writes it, `domain` names the inputs on which it is tested.
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
    apply = _specialised(op)
    apply.__name__ = apply.__qualname__ = function_name
    apply.__doc__ = forward.__doc__
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
    again = _specialised(op)
    again.__name__ = again.__qualname__ = op.name
    again.op = op  # type: ignore[attr-defined]
    op.apply = again
    return again


def relabel(tensor: Tensor, grad_name: str) -> Tensor:
    """A result under the name of the function that it's the result of, where several operations made it."""
    if tensor.node and not tensor.is_leaf:
        tensor.node.op = tensor.node.op.renamed(grad_name)
    return tensor


def _specialised(op: Op) -> Callable[..., Any]:
    if op.elementwise and op.arity == 1 and len(op.parameters) == 1:
        return _unary(op)
    if op.elementwise and op.arity == 2 and len(op.parameters) == 2:
        return _binary(op)
    return _general(op)


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


# ---- elementwise functions of one and of two arguments, specialised: they are most of what runs


def _unary(op: Op) -> Callable[..., Any]:
    forward = op.forward
    keep_out, keep_input = (keep == VALUE for keep in op.keeps[1])
    real = op.real

    def apply(input: Any) -> Any:
        if type(input) is not Tensor:
            return forward(input) if isinstance(input, (np.ndarray, np.generic)) else apply(as_tensor(input))
        array = input.array
        node = input.node
        if node and modes.recording:
            out = forward(array)
            return Tensor(out, Node(op, (node,), (out if keep_out else None, array if keep_input else None)))
        if real and array.dtype.kind not in "fc":
            array = array.astype(modes.default_dtype)
        try:
            out = forward(array)
        except TypeError:
            raise TypeFailure(f"{op.name} isn't defined for {array.dtype}") from None
        return Tensor(out, None if node is None and modes.recording else CUT)

    return apply


def _binary(op: Op) -> Callable[..., Any]:
    forward = op.forward
    plans = {mask: tuple(keep == VALUE for keep in keeps) for mask, keeps in op.keeps.items()}

    def apply(input: Any, other: Any) -> Any:
        if type(input) is Tensor:
            x = input.array
            x_node = input.node
            if type(other) is Tensor:
                y = other.array
                y_node = other.node
                if x.dtype is not y.dtype:
                    return apply(*promoted(input, other))
            elif type(other) in NUMBERS:
                y = other
                y_node = None
            else:
                return apply(input, as_tensor(other))
        elif type(other) is Tensor:
            if type(input) not in NUMBERS:
                return apply(as_tensor(input), other)
            x = input
            x_node = None
            y = other.array
            y_node = other.node
        elif isinstance(input, (np.ndarray, np.generic)) or isinstance(other, (np.ndarray, np.generic)):
            return forward(input, other)
        else:
            return apply(as_tensor(input), other)
        try:
            out = forward(x, y)
        except (ValueError, TypeError, OverflowError, ZeroDivisionError) as problem:
            raise _elementwise_failure(op, x, y, problem) from None
        if (x_node or y_node) and modes.recording:
            keep_out, keep_x, keep_y = plans[(1 if x_node else 0) | (2 if y_node else 0)]
            shape = out.shape
            narrow_x = x_node and x.shape != shape
            narrow_y = y_node and y.shape != shape
            return Tensor(
                out,
                Node(
                    op,
                    (x_node, y_node),
                    (out if keep_out else None, x if keep_x else None, y if keep_y else None),
                    (x.shape if narrow_x else None, y.shape if narrow_y else None) if narrow_x or narrow_y else None,
                ),
            )
        return untracked(op, out, input, other)

    return apply


def untracked(op: Op, out: Any, *inputs: Any) -> Tensor:
    """A result without history: it is cut where all the tensors that it came from are."""
    nodes = [value.node for value in inputs if type(value) is Tensor]
    if op.elementwise and out.dtype is not modes.default_dtype and out.dtype.kind == "f":
        # NumPy makes float64 of whole numbers, torch the default dtype.
        kinds = [value.array.dtype.kind for value in inputs if type(value) is Tensor]
        if "f" not in kinds and "c" not in kinds:
            out = out.astype(modes.default_dtype)
    cut = not modes.recording or (bool(nodes) and None not in nodes)
    return Tensor(out, CUT if cut else None)


def _elementwise_failure(op: Op, x: Any, y: Any, problem: Exception) -> Exception:
    if isinstance(problem, ZeroDivisionError):
        return ValueFailure("division by zero")
    shapes = [getattr(value, "shape", ()) for value in (x, y)]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return shape_clash(*shapes)
    if isinstance(problem, ValueError) and "negative integer powers" in str(problem):
        return ValueFailure(
            "Integers to negative integer powers are not allowed.", help="make the base a float: `x.double() ^ -1`"
        )
    if isinstance(problem, OverflowError):
        return ValueFailure(f"a number is too large for {getattr(x, 'dtype', None) or getattr(y, 'dtype', None)}")
    return TypeFailure(f"{op.name} isn't defined for {_dtype_of(x)} and {_dtype_of(y)}")


def _dtype_of(value: Any) -> str:
    return str(getattr(value, "dtype", type(value).__name__))


def shape_clash(a: Sequence[int], b: Sequence[int]) -> ShapeFailure:
    """The failure of two shapes that don't broadcast, in torch's words."""
    for back in range(1, min(len(a), len(b)) + 1):
        if a[-back] != b[-back] and 1 not in (a[-back], b[-back]):
            place = max(len(a), len(b)) - back
            return ShapeFailure(
                f"The size of tensor a ({a[-back]}) must match the size of tensor b ({b[-back]}) "
                f"at non-singleton dimension {place}",
                label=f"shapes {tuple(a)} and {tuple(b)}",
                help="sizes are compared from the last dimension on: they must be equal, or one of them 1",
            )
    return ShapeFailure(f"shapes {tuple(a)} and {tuple(b)} don't go together")


# ---- everything else: any number of inputs, parameters, results


def _general(op: Op) -> Callable[..., Any]:
    forward = op.forward
    arity = op.arity
    expected = len(op.parameters)

    def apply(*args: Any, **named: Any) -> Any:
        if named or len(args) != expected:
            args = bind(op, args, named)
        inputs = tuple(args[0]) if op.variadic else args[:arity]
        if not any(type(value) is Tensor for value in inputs):
            if not inputs or any(isinstance(value, (np.ndarray, np.generic)) for value in inputs):
                return forward(*args)
            if op.variadic:
                return apply([as_tensor(value) for value in inputs], *args[1:])
            return apply(as_tensor(inputs[0]), *args[1:])
        if op.view:
            buffer(inputs[0])
        arrays = tuple(value.array if type(value) is Tensor else value for value in inputs)
        params = args[1:] if op.variadic else args[arity:]
        nodes = tuple(value.node if type(value) is Tensor else None for value in inputs)
        tracked = modes.recording and any(nodes[: len(op.rules)] if not op.joint else nodes)
        if op.real and not tracked:
            arrays = tuple(_real(array) for array in arrays)
        out = forward(arrays, *params) if op.variadic else forward(*arrays, *params)
        if not tracked:
            if op.several:
                results = tuple(untracked(op, part, *inputs) for part in out)
            else:
                results = untracked(op, out, *inputs)
        else:
            node = Node(op, nodes, None)
            node.saved = _saved(op, nodes, out, arrays, params)
            if op.elementwise:
                narrow = tuple(
                    array.shape if edge and array.shape != out.shape else None
                    for edge, array in zip(nodes, arrays, strict=True)
                )
                node.shapes = narrow if any(shape is not None for shape in narrow) else None
            if op.several:
                results = tuple(Tensor(part, Node(PART, (node,), (k, len(out)))) for k, part in enumerate(out))
            else:
                results = Tensor(out, node)
        if op.view:
            relate_views(results, inputs[0], op, params)
        return results

    return apply


def _real(array: Any) -> Any:
    if isinstance(array, (np.ndarray, np.generic)) and array.dtype.kind not in "fc":
        return array.astype(modes.default_dtype)
    return array


def _saved(op: Op, nodes: tuple[Any, ...], out: Any, arrays: tuple[Any, ...], params: tuple[Any, ...]) -> tuple:
    if op.joint:
        keeps = op.keeps[None]
    else:
        keeps = op.keeps[sum(1 << bit for bit, node in enumerate(nodes[: len(op.rules)]) if node)]
    kept_out = out if keeps[0] == VALUE else None
    if op.variadic:
        keep = keeps[1]
        kept = tuple(a if keep == VALUE else a.shape if keep == SHAPE else None for a in arrays)
        return (kept_out, kept, *params)
    inputs = (
        value if keep == VALUE else value.shape if keep == SHAPE else None
        for value, keep in zip(arrays, keeps[1:], strict=True)
    )
    return (kept_out, *inputs, *params)


def bind(op: Op, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """All of an op's arguments by position, defaults filled in."""
    names = op.parameters
    values = list(args)
    for name in names[len(args) :]:
        if name in named:
            values.append(named.pop(name))
        else:
            back = len(values) - len(names)
            if -back > len(op.defaults):
                raise TypeFailure(f"{op.name}() needs an argument `{name}`")
            values.append(op.defaults[back])
    for name in list(named):
        # NumPy's wrappers pass their own defaults along; anything else has no counterpart here.
        if named[name] is None or named[name] is np._NoValue:
            del named[name]
    if named or len(values) != len(names):
        extra = next(iter(named), None)
        raise TypeFailure(
            f"{op.name}() has no argument `{extra}`" if extra else f"{op.name}() takes {len(names)} arguments"
        )
    return tuple(values)


def no_rule(op: Op, position: int) -> AutogradFailure:
    """A missing rule speaks: never a silent zero."""
    return AutogradFailure(
        f"derivative for {op.name} is not implemented (in its argument `{op.parameters[position]}`)",
        help="apply it to `x.detach()` if no gradient should go through it",
    )


def marker(name: str, grad_name: str) -> Op:
    """An op without rules, which the backward pass knows by identity."""
    op = Op.__new__(Op)
    op.name, op.grad_name, op.rules, op.arity, op.joint, op.frees = name, grad_name, (), 0, False, False
    return op


PART = marker("part", "Part")
"""One of several results: its gradient waits in a list until the node that made them all is visited."""

ACCUMULATE_GRAD = marker("accumulate", "AccumulateGrad")
"""The end of the way: a leaf, whose `.grad` the gradient is added to."""
