"""Whole expressions as one node: `sin(h * 1.1 + 0.1) * w` runs as one function, and is recorded once.

An expression that runs often is tried out on the tensors at hand, which tells what operations of the table it comes
to. From these its version for tensors of their dtypes and shapes is written: a function that computes on the arrays,
and another that carries a gradient back through all of it, both in Python. They call the table's own functions and
rules in the usual order, so the results are the same; what is saved are the tensors and nodes in between.

The version is for the plain case alone. Where tensors are of another kind, where somebody attends to each operation,
and where anything goes wrong, it gives nothing, and the expression is computed in the usual way.

Nobody but the backward pass sees the difference: a `FusedNode` that is asked for its edges or for what it saved makes
the nodes that it stands for.
"""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable, Iterable
from functools import cache
from sys import _getframe
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine import modes
from gradcli.engine.broadcasting import unbroadcast
from gradcli.engine.memory import arrays_in
from gradcli.engine.node import STRIDE, Freed, FusedNode, Node, next_order
from gradcli.engine.operation import Op
from gradcli.engine.tensor import Tensor
from gradcli.errors import unless_time_is_over

TIMES = 50
"""Evaluations before an expression gets a version: writing one takes as long as a few hundred evaluations."""

VERSIONS = 4
"""An expression of more kinds of tensors than this stays as it is for the others."""

LARGEST = 2**17
"""Elements of an array beyond which nothing is gained, and to try an expression out would take memory."""

MOST_OPERATIONS = STRIDE - 1

_SYMBOLS = {operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/"}
"""What Python has an operator for needs no call."""


_NAMES: dict[str, Any] = {
    "_Tensor": Tensor, "_Node": Node, "_FusedNode": FusedNode, "_modes": modes, "_order": next_order,
    "_new": object.__new__, "_frame": _getframe, "_unbroadcast": unbroadcast, "_unless": unless_time_is_over,
    "__builtins__": {"type": type, "Exception": Exception, "float": float, "int": int},
}  # fmt: skip
"""What the functions that are written may name."""


_SHORT_RULES: dict[bytes, str] = {
    rule.__code__.co_code: text
    for rule, text in (
        (lambda g, *_: g, "{0}"),
        (lambda g, *_: -g, "-{0}"),
        (lambda g, out, _x: g * out, "{0} * {1}"),
        (lambda g, _out, x, _y: g * x, "{0} * {2}"),
        (lambda g, _out, _x, y: g * y, "{0} * {3}"),
        (lambda g, _out, x: g / x, "{0} / {2}"),
        (lambda g, _out, _x, y: g / y, "{0} / {3}"),
    )
}
"""Rules by their bytecode that are shorter than a call of them."""


Place = tuple[int | None, int | None, int | None, int | None]
"""First and last line, first and last column, as a code's `co_positions` gives them."""


class Step(NamedTuple):
    """One operation as it stands in the text."""

    function: Callable[..., Any] | None
    """None where the first of the operands is the function."""
    operands: tuple[int, ...]
    """Places among the expression's arguments, then its literals, then the results of the steps before."""
    named: tuple[tuple[str, int], ...]
    """The same for operands by name."""
    place: Place


class Expression(NamedTuple):
    """Operations on names and numbers; its value is the last step's."""

    arity: int
    literals: tuple[Any, ...]
    steps: tuple[Step, ...]


# ---- its node


class Kept(NamedTuple):
    """A value that an operation saved, by its place among all that a fused node keeps."""

    place: int


class Part(NamedTuple):
    """One operation of a fused node, as its own node would have it."""

    op: Op
    sources: tuple[int | None, ...]
    """For each edge its place among the fused node's inputs or, inverted, among the operations before."""
    saved: tuple[Any, ...]
    shapes: Any
    frees: bool
    place: Place


class Parts:
    """What all fused nodes of an expression share: its operations, and how a gradient passes through all of them.

    `carry` takes the result's gradient and the values that were kept, and gives the gradients of the inputs.
    """

    __slots__ = ("_instructions", "carry", "frees", "parts")

    def __init__(self, parts: tuple[Part, ...], carry: Callable[[Any, tuple[Any, ...]], tuple[Any, ...]]) -> None:
        self.parts = parts
        self.carry = carry
        self.frees = any(part.frees for part in parts)
        self._instructions: list[int] = []

    def instructions_in(self, code: CodeType, otherwise: int) -> list[int]:
        """The instruction for each operation in the code that the expression stands in."""
        if not self._instructions:
            places = list(code.co_positions())
            found = ((2 * places.index(part.place) if part.place in places else otherwise) for part in self.parts)
            self._instructions = list(found)
        return self._instructions

    def nodes_of(self, whole: FusedNode) -> list[Node]:
        """The nodes of the operations that a fused node stands for; the last of them is what becomes of itself."""
        _, inputs, values = whole.fused
        instructions = self.instructions_in(whole.code, whole.instruction)
        nodes = [object.__new__(Node) for _ in self.parts[1:]] + [whole]
        for number, (part, node) in enumerate(zip(self.parts, nodes, strict=True), 1):
            node.edges = tuple(
                None if source is None else inputs[source] if source >= 0 else nodes[~source] for source in part.sources
            )
            node.saved = (
                values
                if values.__class__ is Freed and part.frees
                else tuple(values[value.place] if type(value) is Kept else value for value in part.saved)
            )
            node.shapes = part.shapes
            if node is not whole:
                node.op = part.op
                node.hooks = None
                node.order = whole.order - len(nodes) + number
                node.code = whole.code
            node.instruction = instructions[number - 1]
        return nodes


# ---- its evaluation


def evaluator(expression: Expression, number: int = 0) -> FunctionType:
    """A function of the expression's arguments: its value in a tuple of one; none where it must be computed as usual.

    The functions that it calls must be operations of the table, or by the shapes and dtypes of their tensors alone it
    must be given which operations they come to: then `steady` has the places of their tensors.

    What the function does changes as it learns: its code is replaced.
    """
    learner = _Learner(expression, number)
    code = _plain_code("return learn({arguments})", expression.arity)
    function = FunctionType(code, {"learn": learner, "__builtins__": _NAMES["__builtins__"]})
    learner.function = weakref.ref(function)
    return function


class _Learner:
    """Counts an expression's evaluations, and writes a version of it when it's worth it."""

    def __init__(self, expression: Expression, number: int) -> None:
        self.expression = expression
        self.number = number
        self.times = 0
        self.function: Callable[[], FunctionType | None] = lambda: None

    def __call__(self, *arguments: Any) -> None:
        self.times += 1
        function = self.function()
        if self.times < TIMES or modes.attend is not None or function is None:
            return
        version = _version(self.expression, self.number, arguments)
        if version is None:
            function.__code__ = _plain_code("return None", self.expression.arity)
            return
        code, names = version
        last = self.number + 1 == VERSIONS
        function.__globals__.update(names, learn=_never if last else evaluator(self.expression, self.number + 1))
        function.__code__ = code


def _never(*arguments: Any) -> None:
    """What an expression of too many kinds does with one more."""


@cache
def _plain_code(body: str, arity: int) -> CodeType:
    arguments = ", ".join(f"x{k}" for k in range(arity))
    names: dict[str, Any] = {}
    exec(f"def evaluate({arguments}):\n    {body.format(arguments=arguments)}", names)
    return names["evaluate"].__code__


# ---- what an expression comes to


class _Unfit(Exception):
    """An expression that can't be one node, on these arguments."""


class _Operation(NamedTuple):
    op: Op
    node: Node | None
    out: Any
    inputs: tuple[Any, ...]
    params: tuple[Any, ...]
    place: Place


def _version(expression: Expression, number: int, arguments: tuple[Any, ...]) -> tuple[CodeType, dict[str, Any]] | None:
    """The code for arguments of this kind, and the names that it uses; none where there can't be one."""
    try:
        return _Writer(number, arguments, *_tried(expression, arguments)).written()
    except Exception as problem:
        # Whatever is wrong with the arguments is told when the expression is computed as usual.
        unless_time_is_over(problem)
        return None


def _tried(expression: Expression, arguments: tuple[Any, ...]) -> tuple[Tensor, list[_Operation]]:
    """The value for these arguments, and the operations that it took."""
    if any(type(value) is Tensor and value.array.size > LARGEST for value in arguments):
        raise _Unfit
    operations: list[_Operation] = []

    def attend(
        node: Node | None, out: Any, inputs: tuple[Any, ...], params: tuple[Any, ...], op: Op | None = None
    ) -> None:
        operations.append(_Operation(op or node.op, node, out, inputs, params, step.place))

    values = [*arguments, *expression.literals]
    warn, modes.warn, modes.attend = modes.warn, None, attend
    try:
        with np.errstate(all="ignore"):
            for step in expression.steps:
                function, operands = step.function, [values[k] for k in step.operands]
                named = {name: values[k] for name, k in step.named}
                if function is None:
                    function, *operands = operands
                    if not hasattr(function, "op") and not hasattr(function, "steady"):
                        raise _Unfit
                if hasattr(function, "steady"):
                    given = (*enumerate(operands), *named.items())
                    if any(type(value) is Tensor and at not in function.steady for at, value in given):
                        raise _Unfit
                values.append(function(*operands, **named))
    finally:
        modes.warn, modes.attend = warn, None
    return values[-1], operations


class _Writer:
    """Writes the two functions of an expression's version, from one evaluation of it."""

    def __init__(self, number: int, arguments: tuple[Any, ...], result: Tensor, operations: list[_Operation]) -> None:
        self.number = number
        self.arguments = arguments
        self.result = result
        self.operations = operations
        self.names = dict(_NAMES)
        self.arrays: dict[int, str] = {}
        """The name of each array that an operation may have been given, by its id."""
        self.sources: dict[int, int] = {}
        """The place of each node among the inputs' or, inverted, among the operations'; by its id."""
        self.kept: dict[str, None] = {}

    def written(self) -> tuple[CodeType, dict[str, Any]]:
        """The code of the function that computes the expression, and the names that it uses."""
        guards, inputs = self._guards()
        recorded = [operation for operation in self.operations if operation.node is not None]
        for place, operation in enumerate(recorded):
            self.sources[id(operation.node)] = ~place
        forward = [self._forward(operation) for operation in self.operations]
        history = self._history(recorded, inputs)
        lines, local = self._short(forward)
        arguments = ", ".join(f"x{k}" for k in range(len(self.arguments)))
        text = [
            f"def evaluate({arguments}):",
            f"    if not ({' and '.join(guards)}):",
            f"        return learn({arguments})",
            "    try:",
            *(f"        {line}" for line in lines),
            "    except Exception as problem:",
            "        return _unless(problem)",
            "    if _modes.raised is not None:",
            "        _modes.watch.disarm()",
            "        return None",
            *(f"    {line.format(**{name: local.get(name, name) for name in self.kept})}" for line in history),
            "    tensor = _new(_Tensor)",
            f"    tensor.array = {local[self.arrays[id(self.result.array)]]}",
            "    tensor.node = node",
            "    tensor.meta = None",
            "    return (tensor,)",
        ]
        return self._function("evaluate", text).__code__, self.names

    def _function(self, name: str, lines: list[str]) -> FunctionType:
        functions: dict[str, Any] = {}
        exec("\n".join(lines), self.names, functions)
        return functions[name]

    def _history(self, recorded: list[_Operation], inputs: list[str]) -> list[str]:
        """The lines that make the result's node, with gaps for the local names of what's kept."""
        if not recorded and not self.result.node:
            return [f"node = {self._named(self.result.node)}"]
        if not recorded or len(recorded) > MOST_OPERATIONS or self.result.node is not recorded[-1].node:
            raise _Unfit
        return [
            *(self._node(recorded[0], inputs) if len(recorded) == 1 else self._fused_node(recorded, inputs)),
            f"node.op = {self._constant(self.result.node.op)}",
            "node.hooks = None",
            "node.order = _order()",
            # Each version is called by the one before, and the first by the script.
            f"frame = _frame({self.number + 1})",
            "node.code = frame.f_code",
            "node.instruction = frame.f_lasti",
        ]

    def _node(self, operation: _Operation, inputs: list[str]) -> list[str]:
        """For a single operation."""
        node = operation.node
        assert node is not None
        edges = ["None" if edge is None else inputs[self.sources[id(edge)]] for edge in node.edges]
        saved = (self._saved(value) for value in node.saved)
        return [
            "node = _new(_Node)",
            f"node.edges = {_tuple(edges)}",
            f"node.saved = {_tuple(f'{{{name}}}' if name in self.kept else name for name in saved)}",
            f"node.shapes = {self._constant(node.shapes)}",
        ]

    def _fused_node(self, recorded: list[_Operation], inputs: list[str]) -> list[str]:
        """For several."""
        backward, reached = self._backward(recorded)
        carry = self._function("carry", [
            "def carry(g, values):",
            f"    {_tuple(self.kept)} = values",
            *(f"    {line}" for line in backward),
        ])  # fmt: skip
        parts = tuple(self._part(operation, reached) for operation in recorded)
        # `carry` mustn't hold what holds it.
        self.names = {**self.names, "_parts": Parts(parts, carry)}
        edges, values = (inputs[source] for source in reached), (f"{{{name}}}" for name in self.kept)
        return ["node = _new(_FusedNode)", f"node.fused = _parts, {_tuple(edges)}, {_tuple(values)}"]

    def _guards(self) -> tuple[list[str], list[str]]:
        """The conditions under which the version holds, and the names of the nodes that the expression comes from."""
        guards = ["_modes.recording" if modes.recording else "not _modes.recording", "_modes.attend is None"]
        inputs: list[str] = []
        tracked = modes.recording and any(type(value) is Tensor and value.node for value in self.arguments)
        dtypes = set()
        for k, value in enumerate(self.arguments):
            if type(value) is Tensor:
                array = value.array
                self._name(array, f"a{k}")
                dtypes.add(array.dtype)
                guards.append(f"type(x{k}) is _Tensor")
                if not tracked:
                    # Whether the result is cut depends on how each of these came to have no history.
                    guards += [f"x{k}.node is {self._named(value.node)}"] if modes.recording else []
                elif value.node:
                    if self.sources.setdefault(id(value.node), len(inputs)) != len(inputs):
                        raise _Unfit
                    guards.append(f"(n{k} := x{k}.node)")
                    inputs.append(f"n{k}")
                else:
                    guards.append(f"not x{k}.node")
                if array.ndim:
                    # A scalar has no dimensions: its class needn't be asked, as below its dtype.
                    guards.append(f"(a{k} := x{k}.array).dtype is {self._constant(array.dtype)}")
                    guards.append(f"a{k}.shape == {self._constant(array.shape)}")
                else:
                    guards.append(f"(a{k} := x{k}.array).__class__ is {self._constant(type(array))}")
                    if isinstance(array, np.ndarray):
                        guards.append(f"a{k}.dtype is {self._constant(array.dtype)}")
            elif type(value) in (int, float) and value != 0:
                # 0.0 equals -0.0, and isn't the same number.
                guards.append(f"type(x{k}) is {type(value).__name__} and x{k} == {self._constant(value)}")
            elif _is_immutable(value):
                guards.append(f"x{k} is {self._constant(value)}")
            else:
                raise _Unfit
        if len(dtypes) != 1 or dtypes.pop().kind != "f":
            raise _Unfit
        return guards, inputs

    def _constant(self, value: Any) -> str:
        if type(value) is Tensor or any(True for _ in arrays_in(value)):
            raise _Unfit
        return self._named(value)

    def _named(self, value: Any) -> str:
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name

    def _name(self, array: Any, name: str) -> str:
        """Names an array; one that has a name already would stand for two values that needn't be one the next time."""
        if not isinstance(array, (np.ndarray, np.generic)) or self.arrays.setdefault(id(array), name) != name:
            raise _Unfit
        return name

    def _operand(self, value: Any, dtype: Any = None) -> str:
        """The name of an array, or of a number: beside an array of `dtype` it becomes one, which is made only once."""
        if type(value) not in (int, float):
            return self.arrays[id(value)]
        array = None if dtype is None else np.array(value, dtype)
        # What is too large for the dtype speaks up, each time.
        return self._constant(value) if array is None or not np.isfinite(array) else self._named(array)

    def _forward(self, operation: _Operation) -> tuple[str, list[str], str]:
        """The name of an operation's result, the names of its operands, and the text with gaps for these."""
        op = operation.op
        if op.joint or op.variadic or op.several:
            raise _Unfit
        if op.view and (operation.out is self.result.array or not isinstance(operation.inputs[0], np.ndarray)):
            # A view that somebody may hold must know whose memory it looks into.
            raise _Unfit
        symbol = _SYMBOLS.get(op.forward)
        if symbol is not None:
            dtype = next((value.dtype for value in operation.inputs if isinstance(value, np.ndarray)), None)
            operands = [self._operand(value, dtype) for value in operation.inputs]
            text = f"{{}} {symbol} {{}}"
        else:
            operands = [self._operand(value) for value in operation.inputs]
            gaps = ["{}"] * len(operands) + [self._constant(value) for value in operation.params]
            text = f"{self._constant(op.forward)}({', '.join(gaps)})"
        return self._name(operation.out, f"v{len(self.arrays)}"), operands, text

    def _short(self, forward: list[tuple[str, list[str], str]]) -> tuple[list[str], dict[str, str]]:
        """The lines of the forward function, and the local name of each result.

        A result that nobody needs any more gives its local name to the next, and so its memory.
        """
        last_use = {name: k for k, (_, operands, _) in enumerate(forward) for name in operands}
        local: dict[str, str] = {}
        lines = []
        for k, (name, operands, text) in enumerate(forward):
            call = text.format(*(local.get(operand, operand) for operand in operands))
            over = (o for o in operands if o in local and o not in self.kept and last_use[o] == k)
            local[name] = local.get(next(over, name), name)
            lines.append(f"{local[name]} = {call}")
        return lines, local

    def _backward(self, recorded: list[_Operation]) -> tuple[list[str], list[int]]:
        """The lines of the backward function, newest operation first, which say what must be kept; and to which of the
        inputs each gradient that it gives goes. It doesn't add up those of one input: others come between.
        """
        lines: list[str] = []
        reached: list[int] = []
        begun = {f"d{len(recorded) - 1}"}
        for place in reversed(range(len(recorded))):
            op, node = recorded[place].op, recorded[place].node
            assert node is not None
            saved = [self._saved(value) for value in node.saved]
            for position, edge in enumerate(node.edges):
                if edge is None:
                    continue
                rule = op.rules[position]
                if rule is None:
                    raise _Unfit
                short = _SHORT_RULES.get(rule.__code__.co_code)
                gradient = (
                    f"{self._constant(rule)}(d{place}, {', '.join(saved)})"
                    if short is None
                    else short.format(f"d{place}", *saved)
                )
                if node.shapes is not None and node.shapes[position] is not None:
                    gradient = f"_unbroadcast({gradient}, {self._constant(node.shapes[position])})"
                source = self.sources[id(edge)]
                if source < 0:
                    name = f"d{~source}"
                    lines.append(f"{name} = {name} + {gradient}" if name in begun else f"{name} = {gradient}")
                    begun.add(name)
                else:
                    lines.append(f"e{len(reached)} = {gradient}")
                    reached.append(source)
        results = _tuple(f"e{k}" for k in range(len(reached)))
        return [f"d{len(recorded) - 1} = g", *lines, f"return {results}"], reached

    def _saved(self, value: Any) -> str:
        if not isinstance(value, (np.ndarray, np.generic)):
            return self._constant(value)
        name = self.arrays[id(value)]
        self.kept[name] = None
        return name

    def _part(self, operation: _Operation, reached: list[int]) -> Part:
        """What the operation's node is made from; `reached` are the inputs that gradients go to, in their order."""
        node = operation.node
        assert node is not None
        kept = list(self.kept)
        saved = tuple(
            Kept(kept.index(self.arrays[id(value)])) if isinstance(value, (np.ndarray, np.generic)) else value
            for value in node.saved
        )
        sources = tuple(
            None if edge is None else source if (source := self.sources[id(edge)]) < 0 else reached.index(source)
            for edge in node.edges
        )
        return Part(node.op, sources, saved, node.shapes, node.frees, operation.place)


def _is_immutable(value: Any) -> bool:
    """Whether a value that is the same object is the same value."""
    if type(value) is tuple:
        return all(_is_immutable(item) for item in value)
    return value is None or callable(value) or isinstance(value, (bool, int, float, str, np.dtype))


def _tuple(names: Iterable[str]) -> str:
    return f"({''.join(f'{name}, ' for name in names)})"
