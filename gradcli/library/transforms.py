"""Functions made from functions: gradients, and products with the Jacobian, as torch.func has them.

A transform runs the function on points of its own, so that no `.grad` is touched, and what it gives has a history where
the points or anything else that the function saw have one: transforms of transforms, and losses that hold a derivative,
differentiate as they stand. A result that doesn't depend on a point has zeros there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor, modes, start_tracking
from gradcli.engine import grad as run_grad
from gradcli.engine.deferred import deferred, frontier
from gradcli.engine.jacobians import jacobian as jacobian_of
from gradcli.engine.node import next_order
from gradcli.engine.shaping import clone
from gradcli.errors import AutogradFailure, ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Callback, Flag, Wholes
from gradcli.library.trees import leaves_of, point_of, rebuilt
from gradcli.library.vocabulary import function


class Run:
    """One run of a function on tracked points of its own: `inside` are the points, `outputs` what came of them."""

    def __init__(self, func: Any, args: Sequence[Any], named: dict[str, Any], varied: Sequence[int], has_aux: bool):
        self.keeps = modes.recording
        self.before = next_order()
        with modes.grad_mode(True):
            self.trees = [_on_own_points(args[k], self.keeps) for k in varied]
            chosen = dict(zip(varied, self.trees, strict=True))
            result = func(*(chosen.get(k, value) for k, value in enumerate(args)), **named)
            self.aux = None
            if has_aux:
                if type(result) is not tuple or len(result) != 2:
                    raise TypeFailure(
                        "with has_aux=true, the function must return two things: a result and what goes with it"
                    )
                result, self.aux = result
            self.outputs = [as_tensor(leaf) for leaf in leaves_of(result)]
            self.result = rebuilt(result, iter(self.outputs))
        self.inside: list[Tensor] = [leaf for tree in self.trees for leaf in leaves_of(tree)]
        # What the history since then stands on: points that came with one, and whatever else the function saw.
        self.edges = frontier(self.outputs, self.before) if self.keeps else []

    @property
    def is_kept(self) -> bool:
        """Whether what this gives has a history."""
        return bool(self.edges)

    def value(self, tree: Any) -> Any:
        """A result of the function as it leaves the transform."""
        return tree if self.is_kept else mapped(lambda t: Tensor(t.array, CUT) if type(t) is Tensor else t, tree)

    def gradients(self, vectors: list[Any], create_graph: bool | None = None) -> list[Tensor]:
        """The product of a vector for each output with the Jacobian, for each point."""
        return gradients_of(self.outputs, self.inside, vectors, self.is_kept if create_graph is None else create_graph)

    def jacobian(self, output: Tensor) -> list[Tensor]:
        """All derivatives of one output, for each point."""
        values = jacobian_of(output, self.inside)
        return self.later(values, lambda: jacobian_of(output, self.inside, create_graph=True), "JacobianBackward0")

    def later(self, values: list[Tensor], again: Callable[[], list[Tensor]], name: str) -> list[Tensor]:
        """Results whose history is made when it's asked for, where there is one to have."""
        if not self.is_kept:
            return values
        made: list[list[Tensor]] = []

        def one(k: int) -> Tensor:
            if not made:
                made.append(again())
            return made[0][k]

        return [deferred(value, lambda k=k: one(k), self.edges, name) for k, value in enumerate(values)]


def _on_own_points(tree: Any, keeps: bool) -> Any:
    def own(value: Any) -> Tensor:
        point = point_of(value)
        # A node of the point's own, so that a pass can end there; one with a history hangs on it still.
        return clone(point) if keeps and point.node else start_tracking(Tensor(point.array))

    return mapped(own, tree)


def mapped(change: Callable[[Any], Any], tree: Any) -> Any:
    return rebuilt(tree, iter([change(leaf) for leaf in leaves_of(tree)]))


def gradients_of(
    outputs: Sequence[Tensor], inputs: list[Tensor], vectors: Sequence[Any], recorded: bool
) -> list[Tensor]:
    """Vector-Jacobian products; zeros where nothing depends on an input."""
    pairs = [(y, v) for y, v in zip(outputs, vectors, strict=True) if y.node]
    if not pairs:
        return [Tensor(np.zeros_like(x.array), CUT) for x in inputs]
    several, chosen = zip(*pairs, strict=True)
    with modes.grad_mode(True):
        found = run_grad(
            several, inputs, chosen, retain_graph=True, create_graph=recorded, materialize_grads=True
        )  # fmt: skip
    return [g for g in found if g is not None]


def numbers_of(argnums: Any, count: int) -> list[int]:
    """Which arguments are varied, counted from 0."""
    numbers = Wholes(argnums)
    if not numbers:
        raise ValueFailure(
            "argnums must be non-empty", help="`argnums=0` is the first argument, `(0, 1)` the first two"
        )
    for number in numbers:
        if not -count <= number < count:
            raise ValueFailure(f"Got argnum={number}, but only {count} positional inputs")
    chosen = [number % count for number in numbers]
    if len(set(chosen)) != len(chosen):
        raise ValueFailure(f"argnums elements must be unique, got {numbers}")
    return chosen


def by_argument(run: Run, argnums: Any, gradients: Sequence[Any]) -> Any:
    """Gradients in the structure of the arguments: one for a number, a tuple for several."""
    rest = iter(gradients)
    trees = [rebuilt(tree, rest) for tree in run.trees]
    return tuple(trees) if isinstance(argnums, (tuple, list)) else trees[0]


def named_after(transform: str, func: Any, call: Callable[..., Any]) -> Callable[..., Any]:
    # No word of the language: it's shown as `<function>`, as others without a name.
    call.__name__ = call.__qualname__ = f"{transform}({getattr(func, '__name__', 'f')})"
    return call


# ---- gradients of one number


def _with_value(name: str, func: Any, argnums: Any, has_aux: bool, give: Callable[[Any, Any], Any]) -> Any:
    def call(*args: Any, **named: Any) -> Any:
        run = Run(func, args, named, numbers_of(argnums, len(args)), has_aux)
        if type(run.result) is not Tensor:
            raise TypeFailure(f"{name}(f)(*args): Expected f(*args) to return a Tensor, and got several values")
        if run.result.ndim:
            raise AutogradFailure(
                f"{name}(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with {run.result.ndim} "
                "dims. Maybe you wanted to use the vjp or jacrev APIs instead?",
                help="reduce it, `x -> sum(f(x))`, or ask for all derivatives, `jacobian(f, x)`",
            )
        gradients = by_argument(run, argnums, run.gradients([None]))
        value = run.value(run.result)
        return give(gradients, (value, run.value(run.aux)) if has_aux else value)

    return named_after(name, func, call)


@function("torch.func.grad")
def grad(func: Callback, argnums=0, has_aux: Flag = False):
    """The function that gives the gradient of `func`, which gives one number, in one of its arguments or several.

    `argnums` says in which, counted from 0. Under `has_aux` func gives a pair, and what goes with its result is handed
    on: (gradient, aux).

    Shapes: `func` from any arguments to (); the gradient has the argument's shape, and is a tuple where `argnums` is
        one
    Derivative: differentiable itself, of any order, also in what else `func` saw: `grad(grad(f))`
    Example: slopes = torch.func.grad((x, y) -> sum(x * y^2), argnums=(0, 1))
        slopes([1., 2.], [3., 4.])
    Example: x = [1., 2.]
        g = torch.func.grad(x -> sum(x^3))(x)
        g
        backward g.sum()
    """
    return _with_value("grad", func, argnums, has_aux, lambda g, v: (g, v[1]) if has_aux else g)


@function(also=("torch.func.value_and_grad",))
def value_and_grad(func: Callback, argnums=0, has_aux: Flag = False):
    """The function that gives the value of `func`, which is one number, and its gradient.

    It runs func once for both. Under `has_aux` the value is a pair: ((value, aux), gradient).

    Shapes: `func` from any arguments to (); a pair of () and the shape of argument `argnums`, or of a tuple for several
    Derivative: both are differentiable, as the value of `func` and `grad(func)` are
    Example: value_and_grad(x -> sum(x^2))([1., 2.])
    """
    return _with_value("value_and_grad", func, argnums, has_aux, lambda g, v: (v, g))


@function(also=("torch.func.grad_and_value",))
def grad_and_value(func: Callback, argnums=0, has_aux: Flag = False):
    """The function that gives the gradient of `func` and its value, in that order.

    Under `has_aux` the value is a pair: (gradient, (value, aux)).

    Shapes: `func` from any arguments to (); a pair of the shape of argument `argnums`, or of a tuple for several, and
        ()
    Derivative: both are differentiable, as the value of `func` and `grad(func)` are
    Example: f = x -> (sum(x^2), x > 1)
        grad_and_value(f, has_aux=true)([1., 2.])
    """
    return _with_value("grad_and_value", func, argnums, has_aux, lambda g, v: (g, v))


# ---- products with the Jacobian


@function(also=("torch.func.vjp",))
def vjp(func: Callback, *primals, has_aux: Flag = False):
    """The value of `func` at the primals, and the function that takes a vector to its product with the Jacobian.

    func runs once, and its graph is kept: each product is one pass back.

    Shapes: the vector has the shape of the value (a tuple of them for several); the products are a tuple, one of each
        primal's shape
    Derivative: v @ J with J the Jacobian; differentiable in the primals and in v
    Example: y, pull = vjp(x -> x * sum(x), [1., 2.])
        y
        pull([1., 0.])
    """
    run = Run(func, primals, {}, range(len(primals)), has_aux)

    def pull(*cotangents: Any) -> Any:
        given = cotangents[0] if len(cotangents) == 1 else cotangents
        vectors = (
            [as_tensor(leaf) for leaf in leaves_of(given)] if type(run.result) is not Tensor else [as_tensor(given)]
        )
        if len(vectors) != len(run.outputs):
            raise ShapeFailure(
                f"the function gave {len(run.outputs)} results, and {len(vectors)} vectors stand for them",
                help="give one vector for each result, in a tuple",
            )
        # A vector with a history of its own is differentiated too.
        recorded = run.is_kept or any(bool(vector.node) for vector in vectors)
        found = iter(run.gradients(vectors, recorded and modes.recording))
        return tuple(rebuilt(tree, found) for tree in run.trees)

    value = run.value(run.result)
    pull = named_after("vjp", func, pull)
    return (value, pull, run.value(run.aux)) if has_aux else (value, pull)


def pushed(run: Run, vectors: list[Tensor]) -> list[Tensor]:
    """The Jacobian's product with vectors, one for each point; for each output a tangent.

    By two passes: u -> J^T u is linear in u, and its own transpose takes v to J v. So no rule needs a second one for
    the way forward, at 1.5 (long vectors) to 2.5 (short ones) times the cost of a gradient, as measured.
    """
    duals, linear = transpose_of(run)
    with modes.grad_mode(True):
        tracked = run.is_kept or any(bool(vector.node) for vector in vectors)
        return gradients_of(linear, duals, vectors, tracked and run.keeps)


def transpose_of(run: Run) -> tuple[list[Tensor], list[Tensor]]:
    """Vectors u for the outputs, and J^T u, recorded."""
    duals = [start_tracking(Tensor(np.zeros_like(output.array))) for output in run.outputs]
    return duals, run.gradients(duals, True)


def matched(vectors: Any, points: list[Tensor]) -> list[Tensor]:
    """Vectors in the shapes and dtypes of the points; ShapeFailure where they don't fit."""
    given = (
        [as_tensor(leaf) for leaf in leaves_of(vectors)] if isinstance(vectors, (tuple, list)) else [as_tensor(vectors)]
    )
    if len(given) != len(points):
        raise ShapeFailure(
            f"{len(points)} points, and {len(given)} vectors for them", help="give one for each, in a tuple"
        )
    for vector, point in zip(given, points, strict=True):
        if vector.shape != point.shape:
            raise ShapeFailure(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is "
                f"not supported. Tensor is of size {list(point.shape)} while the given forward gradient is of size "
                f"{list(vector.shape)}."
            )
    return [as_tensor(vector, point.dtype) for vector, point in zip(given, points, strict=True)]


def one_for(tensors: list[Tensor], these_are: str = "the input to the user-provided function is") -> np.ndarray:
    """The vector of a product where none is given, which is 1. Raises ValueFailure where they aren't one number."""
    if len(tensors) != 1 or tensors[0].array.size != 1:
        raise ValueFailure(f"The vector v can only be None if {these_are} a single Tensor with a single element.")
    return np.ones_like(tensors[0].array)


@function(also=("torch.func.jvp",))
def jvp(func: Callback, primals, tangents, *, strict: Flag = False, has_aux: Flag = False):
    """The value of `func` at the primals, and its derivative along the tangents: the Jacobian times a vector.

    It is computed by two passes back, the second through the first: v @ J is linear in v, and the gradient of that
    linear function takes a tangent t to J @ t. So a function needs one rule, its gradient, and no second one for a way
    forward. For three layers `tanh(W @ x)` of 1000 that takes 3.5 times as long as the function alone, where a gradient
    takes 2.1 times as long; on small tensors, where most is overhead, it's some 14 times against 5.

    Shapes: a tangent of the shape of each primal, several in tuples; the value and its derivative have one shape
    Derivative: J @ t with J the Jacobian and t the tangents; differentiable in the primals and in t
    Example: jvp(x -> x * sum(x), [1., 2.], [1., 0.])
    Example: jvp((x, y) -> x * y, (2, 3), (1, 0))
    """
    args = primals if isinstance(primals, (tuple, list)) else (primals,)
    run = Run(func, args, {}, range(len(args)), has_aux)
    found = pushed(run, matched(tangents, run.inside))
    value, tangent = run.value(run.result), rebuilt(run.result, iter(found))
    return (value, tangent, run.value(run.aux)) if has_aux else (value, tangent)
