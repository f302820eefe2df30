"""How an operation runs on tensors: computes on their arrays and, where one requires grad, leaves a node behind.

Functions of one and of two arguments are most of what runs, so they have paths of their own, by their number of
arguments and never by which function it is.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import _getframe
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcli.engine import modes
from gradcli.engine.broadcasting import shape_clash
from gradcli.engine.conversion import NUMBERS, as_tensor, promoted, result_dtype
from gradcli.engine.memory import buffer
from gradcli.engine.node import PART, Node, next_order
from gradcli.engine.tensor import CUT, Tensor
from gradcli.engine.views import relate_views
from gradcli.errors import TypeFailure, ValueFailure

if TYPE_CHECKING:
    from gradcli.engine.operation import Op

NOTHING, SHAPE, VALUE = range(3)
"""What a node keeps of an argument."""

_new = object.__new__


def specialised(op: Op) -> Callable[..., Any]:
    """The function for an operation: tensors in and out, or arrays in and out."""
    if op.elementwise and op.arity == len(op.parameters) == 1:
        return _unary(op)
    if op.elementwise and op.arity == len(op.parameters) == 2:
        return _binary(op)
    if not op.variadic and not op.several:
        if op.arity == 1:
            return _of_one(op)
        if op.arity == 2 and not op.elementwise and not op.view:
            return _of_two(op)
    return _general(op)


def _recorded(
    op: Op,
    out: Any,
    edges: tuple[Any, ...],
    saved: tuple[Any, ...],
    shapes: Any,
    inputs: tuple[Any, ...],
    params: tuple[Any, ...] = (),
) -> Tensor:
    """A result and its node; `inputs` are the arrays and numbers that it was computed from.

    Both are made without their classes' `__init__`, and the place in the script is found without a call of `site`:
    this runs for every recorded operation, and each of these calls costs a tenth of one.
    """
    node = _new(Node)
    node.op = op
    node.edges = edges
    node.saved = saved
    node.shapes = shapes
    node.hooks = None
    node.order = next_order()
    node.code = None
    marker = modes.script_builtins
    if marker is not None:
        frame = _getframe(2)
        while frame is not None:
            if frame.f_builtins is marker:
                node.code = frame.f_code
                node.instruction = frame.f_lasti
                break
            frame = frame.f_back
    tensor = _new(Tensor)
    tensor.array = out
    tensor.node = node
    tensor.meta = None
    if modes.attend is not None:
        modes.attend(node, out, inputs, params)
    return tensor


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
            saved = (out if keep_out else None, array if keep_input else None)
            return _recorded(op, out, (node,), saved, None, (array,))
        if real and array.dtype.kind not in "fc":
            array = array.astype(modes.default_dtype)
        try:
            out = forward(array)
        except TypeError:
            if op.name == "neg" and array.dtype.kind == "b":
                raise _minus_of_bools("Negation", "on a bool tensor") from None
            raise TypeFailure(f"{op.name} isn't defined for {array.dtype}") from None
        if modes.attend is not None:
            modes.attend(None, out, (array,), (), op)
        return Tensor(out, CUT if node is CUT or not modes.recording else None)

    return apply


def _binary(op: Op) -> Callable[..., Any]:
    forward = op.forward
    plans = {mask: tuple(keep == VALUE for keep in keeps) for mask, keeps in op.keeps.items()}
    keep_out_1, keep_x_1, keep_y_1 = plans[1]
    keep_out_2, keep_x_2, keep_y_2 = plans[2]

    def apply(input: Any, other: Any) -> Any:
        if type(input) is Tensor:
            x = input.array
            x_node = input.node
            if type(other) is Tensor:
                y = other.array
                y_node = other.node
                # Scalars of one class are of one dtype, and are asked for it eight times as slowly as for their class.
                if (x.__class__ is not y.__class__ or x.__class__ is np.ndarray) and x.dtype is not y.dtype:
                    return apply(*promoted(input, other))
            elif type(other) in NUMBERS:
                # A number has no node and doesn't change the shape: the shortest way.
                if not x_node or not modes.recording:
                    return _untracked_by_number(op, input, input, other)
                out = forward(x, other)
                saved = (out if keep_out_1 else None, x if keep_x_1 else None, other if keep_y_1 else None)
                return _recorded(op, out, (x_node, None), saved, None, (x, other))
            else:
                return apply(input, as_tensor(other))
        elif type(other) is Tensor:
            if type(input) not in NUMBERS:
                return apply(as_tensor(input), other)
            y_node = other.node
            if not y_node or not modes.recording:
                return _untracked_by_number(op, other, input, other)
            y = other.array
            out = forward(input, y)
            saved = (out if keep_out_2 else None, input if keep_x_2 else None, y if keep_y_2 else None)
            return _recorded(op, out, (None, y_node), saved, None, (input, y))
        elif isinstance(input, (np.ndarray, np.generic)) or isinstance(other, (np.ndarray, np.generic)):
            return forward(input, other)
        else:
            return apply(as_tensor(input), other)
        try:
            out = forward(x, y)
        except (ValueError, TypeError, OverflowError, ZeroDivisionError) as problem:
            raise _elementwise_failure(op, x, y, problem) from None
        if not (x_node or y_node) or not modes.recording:
            if x.ndim != y.ndim and x.shape != out.shape != y.shape:
                _warn_of_growth(x.shape, y.shape, out.shape)
            return untracked(op, out, input, other)
        shapes = None
        # A scalar comes of scalars: nothing was broadcast.
        if out.__class__ is np.ndarray and x.shape != y.shape:
            shape = out.shape
            narrow_x = x.shape if x.shape != shape else None
            narrow_y = y.shape if y.shape != shape else None
            if narrow_x is not None and narrow_y is not None:
                _warn_of_growth(narrow_x, narrow_y, shape)
            shapes = (narrow_x if x_node else None, narrow_y if y_node else None)
        keep_out, keep_x, keep_y = plans[3] if x_node and y_node else plans[1] if x_node else plans[2]
        saved = (out if keep_out else None, x if keep_x else None, y if keep_y else None)
        return _recorded(op, out, (x_node or None, y_node or None), saved, shapes, (x, y))

    return apply


def _warn_of_growth(x: tuple[int, ...], y: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """A column against a vector makes a matrix, seldom on purpose: predictions (n, 1) minus targets (n,)."""
    column, vector = (x, y) if len(x) > len(y) else (y, x)
    if modes.warn is not None and len(column) == 2 and column[1] == 1 and len(vector) == 1 and column[0] == vector[0]:
        modes.warn(
            f"broadcasting {x} against {y} made {shape}: both grew",
            f"if they should go together element by element, bring them to one shape: `.squeeze(1)` on {column}, "
            f"or `.unsqueeze(1)` on {vector}",
        )


def _untracked_by_number(op: Op, tensor: Tensor, input: Any, other: Any) -> Tensor:
    """A tensor and a plain number, without history."""
    x = input.array if type(input) is Tensor else input
    y = other.array if type(other) is Tensor else other
    kind = tensor.array.dtype.kind
    if kind == "b":
        if op.name == "sub":
            raise _minus_of_bools("Subtraction", "with a bool tensor")
        # With a number bools count as numbers; NumPy would make int8 of some.
        dtype = result_dtype(input, other)
        x, y = (v.astype(dtype) if isinstance(v, (np.ndarray, np.generic)) else v for v in (x, y))
    try:
        out = op.forward(x, y)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError) as problem:
        raise _elementwise_failure(op, x, y, problem) from None
    if kind == "f" and modes.attend is None:
        return Tensor(out, CUT if tensor.node is CUT or not modes.recording else None)
    return untracked(op, out, input, other)


def untracked(op: Op, out: Any, *inputs: Any, params: tuple[Any, ...] = ()) -> Tensor:
    """A result without history: it is cut where all the tensors that it came from are."""
    if op.elementwise and out.dtype is not modes.default_dtype and out.dtype.kind == "f":
        # NumPy makes float64 of whole numbers, torch the default dtype.
        kinds = [value.array.dtype.kind for value in inputs if type(value) is Tensor]
        if "f" not in kinds and "c" not in kinds:
            out = out.astype(modes.default_dtype)
    if modes.attend is not None:
        arrays = tuple(value.array if type(value) is Tensor else value for value in inputs)
        modes.attend(None, out, arrays, params, op)
    if not modes.recording:
        return Tensor(out, CUT)
    nodes = [value.node for value in inputs if type(value) is Tensor]
    return Tensor(out, CUT if CUT in nodes and None not in nodes else None)


def _minus_of_bools(what: str, where: str) -> TypeFailure:
    return TypeFailure(
        f"{what}, the `-` operator, {where} is not supported.",
        help="to invert a mask, use the `~` or `logical_not()` operator; to compute with it, `m.double()`",
    )


def _elementwise_failure(op: Op, x: Any, y: Any, problem: Exception) -> Exception:
    if op.name == "sub" and _dtype_of(x) == _dtype_of(y) == "bool":
        return _minus_of_bools("Subtraction", "with two bool tensors")
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


# ---- one input and parameters (reductions, shapes), two inputs (products)


def _of_one(op: Op) -> Callable[..., Any]:
    forward = op.forward
    params_expected = len(op.parameters) - 1
    keep_out, keep_input = op.keeps[None if op.joint else 1]
    is_view, real = op.view, op.real

    def apply(input: Any, *params: Any, **named: Any) -> Any:
        if named or len(params) != params_expected:
            input, *rest = bind(op, (input, *params), named)
            params = tuple(rest)
        if type(input) is not Tensor:
            if isinstance(input, (np.ndarray, np.generic)):
                return forward(input, *params)
            input = as_tensor(input)
        array = buffer(input) if is_view else input.array
        node = input.node
        if node and modes.recording:
            out = forward(array, *params)
            kept = array if keep_input == VALUE else array.shape if keep_input == SHAPE else None
            saved = (out if keep_out == VALUE else None, kept, *params)
            result = _recorded(op, out, (node,), saved, None, (array,), params)
        else:
            result = untracked(op, forward(_real(array) if real else array, *params), input, params=params)
        if is_view:
            relate_views(result, input, op, params)
        return result

    return apply


def _of_two(op: Op) -> Callable[..., Any]:
    forward = op.forward
    expected = len(op.parameters)
    keeps, joint = op.keeps, op.joint

    def apply(*args: Any, **named: Any) -> Any:
        if named or len(args) != expected:
            args = bind(op, args, named)
        one, other, *params = args
        if type(one) is not Tensor or type(other) is not Tensor:
            return general(*args)
        if one.array.dtype is not other.array.dtype:
            one, other = _of_one_dtype(op, (one, other))
        x, y = one.array, other.array
        nodes = one.node or None, other.node or None
        mask = (nodes[0] is not None) + 2 * (nodes[1] is not None)
        if not mask or not modes.recording:
            if op.real:
                x, y = _real(x), _real(y)
            return untracked(op, forward(x, y, *params), one, other, params=tuple(params))
        out = forward(x, y, *params)
        keep_out, keep_x, keep_y = keeps[None if joint else mask]
        saved = (
            out if keep_out == VALUE else None,
            x if keep_x == VALUE else x.shape if keep_x == SHAPE else None,
            y if keep_y == VALUE else y.shape if keep_y == SHAPE else None,
            *params,
        )
        return _recorded(op, out, nodes, saved, None, (x, y), tuple(params))

    general = _general(op)
    return apply


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
        elif len(inputs) > 1:
            inputs = _of_one_dtype(op, inputs)
        arrays = tuple(value.array if type(value) is Tensor else value for value in inputs)
        params = args[1:] if op.variadic else args[arity:]
        nodes = tuple(value.node if type(value) is Tensor else None for value in inputs)
        tracked = modes.recording and any(nodes[: len(op.rules)] if not op.joint else nodes)
        if op.real and not tracked:
            arrays = tuple(_real(array) for array in arrays)
        out = forward(arrays, *params) if op.variadic else forward(*arrays, *params)
        if not tracked:
            parts = [untracked(op, part, *inputs, params=params) for part in (out if op.several else (out,))]
            results = tuple(parts) if op.several else parts[0]
        else:
            nodes = tuple(edge or None for edge in nodes)
            node = Node(op, nodes, None)
            node.saved = saved_by(op, nodes, out, arrays, params)
            if op.elementwise:
                narrow = tuple(
                    array.shape if edge and array.shape != out.shape else None
                    for edge, array in zip(nodes, arrays, strict=True)
                )
                node.shapes = narrow if any(shape is not None for shape in narrow) else None
            if modes.attend is not None:
                modes.attend(node, out, arrays, params)
            if op.several:
                results = tuple(Tensor(part, Node(PART, (node,), (k, len(out)))) for k, part in enumerate(out))
            else:
                results = Tensor(out, node)
        if op.view:
            relate_views(results, inputs[0], op, params)
        return results

    return apply


def _of_one_dtype(op: Op, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs that have a gradient, in their common dtype; a mask keeps its own."""
    numeric = [k for k, value in enumerate(inputs) if type(value) is Tensor and (op.joint or op.rules[k] is not None)]
    if len({inputs[k].array.dtype for k in numeric}) <= 1:
        return inputs
    same = dict(zip(numeric, promoted(*(inputs[k] for k in numeric)), strict=True))
    return tuple(same.get(k, value) for k, value in enumerate(inputs))


def _real(array: Any) -> Any:
    if isinstance(array, (np.ndarray, np.generic)) and array.dtype.kind not in "fc":
        return array.astype(modes.default_dtype)
    return array


def saved_by(op: Op, nodes: tuple[Any, ...], out: Any, arrays: tuple[Any, ...], params: tuple[Any, ...]) -> tuple:
    """What a node keeps for its rules: of output and inputs the value, the shape or nothing; and the parameters."""
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
