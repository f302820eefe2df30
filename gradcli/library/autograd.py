"""Gradients in a script: torch's functions and methods of autograd, and in-place changes."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor, inplace, modes, start_tracking, stop_tracking
from gradcli.engine import backward as run_backward
from gradcli.engine import grad as run_grad
from gradcli.engine import retain_grad as keep_gradient
from gradcli.engine.gradients import hooks_of
from gradcli.engine.memory import buffer, overlaps
from gradcli.engine.node import ACCUMULATE_GRAD, next_order
from gradcli.errors import AutogradFailure, TypeFailure, ValueFailure
from gradcli.library import context
from gradcli.library.arguments import Callback, Flag, Number
from gradcli.library.values import Handle
from gradcli.library.vocabulary import FUNCTIONS, function


def listed(value: Any) -> list[Any] | None:
    """One value or several, as a list; none stays none."""
    if value is None:
        return None
    return list(value) if isinstance(value, (tuple, list)) else [value]


def _vectors(value: Any, outputs: list[Any]) -> list[Any] | None:
    """A gradient for each of several outputs; a literal of numbers is a tensor, and its rows are the gradients."""
    if type(value) is Tensor and len(outputs) > 1 and value.ndim:
        return list(value)
    return listed(value)


@function(method=True)
def backward(self: Tensor, gradient=None, retain_graph=None, create_graph: Flag = False, inputs=None):
    """Adds the gradients of this result to the `.grad` of the leaves (or of `inputs` alone); shows nothing.

    The statement `backward y` does the same and shows them. `retain_graph` keeps what the graph has saved, for another
    pass; `create_graph` records the pass, so that the gradients can be differentiated.

    Shapes: `gradient` as this result (it may be left out where that is one element); each `.grad` as its leaf
    Derivative: gradient @ J for each leaf, with J the Jacobian of this result in it
    Example: x = [1., 2.]
        y = x^2
        y.backward([1., 10.])
        x.grad
    """
    run_backward([self], [gradient], retain_graph=retain_graph, create_graph=create_graph, inputs=listed(inputs))


@function("torch.autograd.backward")
def backward_of_several(tensors, grad_tensors=None, retain_graph=None, create_graph: Flag = False, *, inputs=None):
    """Adds the gradients of several results to the `.grad` of the leaves; shows nothing.

    Shapes: `grad_tensors` one vector for each result, of its shape (none for one of one element); each `.grad` as its
        leaf
    Derivative: the sum over results of vector @ J, with J the result's Jacobian in the leaf
    Example: x = [1., 2.]
        a = sum(x); b = sum(x^2)
        torch.autograd.backward([a, b])
        x.grad
    """
    run_backward(
        outputs := listed(tensors) or [], _vectors(grad_tensors, outputs), retain_graph=retain_graph,
        create_graph=create_graph, inputs=listed(inputs),
    )  # fmt: skip


def _gradients(outputs: Any, inputs: Any, grad_outputs: Any, options: dict[str, Any]) -> list[Tensor | None]:
    several = listed(outputs) or []
    return run_grad(several, listed(inputs) or [], _vectors(grad_outputs, several), **options)


@function()
def grad(outputs, inputs=None, grad_outputs=None, retain_graph=None, create_graph: Flag = False,
allow_unused: Flag = False,
         *, is_grads_batched: Flag = False, materialize_grads: Flag = False, argnums=None,
         has_aux: Flag = False):  # fmt: skip
    """The gradient of a result with respect to a tensor, or a tuple of them for several; `grad(f)` is a function.

    No `.grad` is touched. `create_graph` gives gradients with a history, which can be differentiated again. An input
    that the result doesn't depend on is an error, or none under `allow_unused`, or zeros under `materialize_grads`.
    `grad(f)` is `f'`: the gradient of f in its first argument, or (`grad(f, 1)`, as `torch.func.grad`) in another.

    Shapes: `grad_outputs` as the results (it may be left out for one element); each gradient as its input
    Derivative: grad_outputs @ J with J the Jacobian; differentiable itself under `create_graph`, and `grad(f)` always
    Example: x = [1., 2.]
        g = grad(sum(x^3), x, create_graph=true)
        g
        grad(g.sum(), x)
    Example: slope = grad(x -> x^3)
        slope(2), grad(slope)(2)
    """
    if callable(outputs):
        # Of a function too, `grad(f, 1)` is by its second argument, as in torch.func.
        argnums = argnums if inputs is None else inputs
        argnums = 0 if argnums is None else argnums
        plain = type(argnums) is int and argnums == 0 and not has_aux
        return derivative(outputs) if plain else FUNCTIONS["torch.func.grad"](outputs, argnums, has_aux)
    if inputs is None:
        raise TypeFailure("grad() needs what to differentiate with respect to: `grad(y, x)`, or a function: `grad(f)`")
    results = _gradients(
        outputs, inputs, grad_outputs, _options(retain_graph, create_graph, allow_unused, materialize_grads)
    )
    return tuple(results) if isinstance(inputs, (tuple, list)) else results[0]


@function("torch.autograd.grad")
def grad_tuple(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph: Flag = False,
               allow_unused: Flag = False, *, is_grads_batched: Flag = False,
               materialize_grads: Flag = False):  # fmt: skip
    """The gradients of results with respect to inputs, as torch has it: always a tuple, one for each input.

    An input that the results don't depend on is an error, or none under `allow_unused`, or zeros under
    `materialize_grads`.

    Shapes: `grad_outputs` as the results (it may be left out for one element); each gradient as its input
    Derivative: grad_outputs @ J with J the Jacobian; differentiable itself under `create_graph`
    Example: x = 3; z = 1
        y = x^2
        torch.autograd.grad(y, [x, z], allow_unused=true)
    """
    return tuple(
        _gradients(outputs, inputs, grad_outputs, _options(retain_graph, create_graph, allow_unused, materialize_grads))
    )


def _options(retain_graph: Any, create_graph: bool, allow_unused: bool, materialize_grads: bool) -> dict[str, Any]:
    return {
        "retain_graph": retain_graph,
        "create_graph": create_graph,
        "allow_unused": allow_unused,
        "materialize_grads": materialize_grads,
    }


def derivative(f: Any) -> Any:
    """The function df/dx: the gradient where f gives one number, each element's derivative where f keeps x's shape.

    It is differentiable itself. Where x is computed from something tracked, the result's history reaches there.
    """

    first = getattr(getattr(f, "body", f), "__code__", None)
    called = getattr(f, "variable", first.co_varnames[0] if first is not None and first.co_argcount else "x")

    def slope(*args: Any, **named: Any) -> Tensor:
        if not args and called not in named:
            raise TypeFailure(f"{slope.__name__} needs `{called}`, where the derivative is taken")
        x, *others = args or (named.pop(called),)
        point = as_tensor(x)
        if point.dtype.kind != "f":
            point = as_tensor(point, modes.default_dtype)
        recorded, before = modes.recording and bool(point.node), next_order()
        with modes.grad_mode(True):
            # A node of x's own, so that the pass stops here; the result still hangs on what x came from.
            inside = FUNCTIONS["clone"](point) if recorded else start_tracking(Tensor(point.array))
            y = as_tensor(f(inside, *others, **named))
            if y.shape != () and y.shape != point.shape:
                if y.array.size == 1:
                    y = FUNCTIONS["reshape"](y, ())
                else:
                    raise AutogradFailure(
                        "the derivative of a function is defined where it gives one number or keeps "
                        "the shape, and this "
                        f"one makes {y.shape} of {point.shape}",
                        help="`jacobian(f, x)` has all derivatives of such a function",
                    )
            if not y.node:
                return Tensor(np.zeros_like(point.array), CUT)
            start = None if y.shape == () else Tensor(np.ones_like(y.array), CUT)
            (result,) = run_grad([y], [inside], [start], create_graph=True, materialize_grads=True)
            assert result is not None
            if start is not None and not _element_by_element(y, inside, result):
                raise AutogradFailure(
                    "the derivative of a function that keeps the shape is each element's own, and here elements of "
                    "the result depend on other elements of the input",
                    help="`jacobian(f, x)` has all derivatives of such a function",
                )
        from gradcli.engine.deferred import frontier

        # It has a history where the point came with one, or where the function saw other names that have.
        kept = modes.recording and (recorded or bool(frontier([result], before)))
        return result if kept else Tensor(result.array, CUT)

    slope.variable = called  # type: ignore[attr-defined]
    slope.__name__ = f"{getattr(f, '__name__', 'f')}'"
    return slope


def _element_by_element(y: Tensor, x: Tensor, slopes: Tensor) -> bool:
    """Whether each element of y depends on its own element of x alone; `slopes` are the gradients of y's sum.

    So it is by construction where only elementwise operations lead from x to y. Else the Jacobian is diagonal just
    where it takes any vector v to `v * slopes`, which one with different entries shows.
    """
    if not y.ndim or y.array.size < 2 or not _mixes(y, x):
        return True
    vector = np.random.default_rng(0).uniform(1, 2, y.shape).astype(y.dtype)
    (seen,) = run_grad([y], [x], [Tensor(vector, CUT)], retain_graph=True, materialize_grads=True)
    assert seen is not None
    scale = np.max(np.abs(slopes.array))
    return np.allclose(seen.array, vector * slopes.array, rtol=1e-4, atol=1e-6 * scale, equal_nan=True)


def _mixes(y: Tensor, x: Tensor) -> bool:
    """Whether an operation that isn't elementwise stands between x and y."""
    seen, stack = {x.node}, [y.node]
    while stack:
        node = stack.pop()
        if node and node not in seen:
            seen.add(node)
            if node.op is not ACCUMULATE_GRAD and not getattr(node.op, "elementwise", False):
                return True
            stack += node.edges
    return False


@function(method=True)
def requires_grad_(self: Tensor, requires_grad: Flag = True):
    """Starts the tracking of a leaf, or ends it with `requires_grad=false`, and gives the leaf back.

    A script that says so anywhere tracks no other names than those it marks.

    Shapes: any, of real numbers: whole numbers have no gradient
    Derivative: g, the leaf's `.grad` from now on
    Example: x = tensor([1., 2.]).requires_grad_(); c = tensor([3., 4.])
        backward sum(c * x^2)
        x.requires_grad, c.requires_grad
    """
    return start_tracking(self) if requires_grad else stop_tracking(self)


@function()
def detach(input: Tensor):
    """The same values in the same memory, cut off from the history.

    Shapes: any, and the result's is the same
    Derivative: 0: nothing goes back through it
    Example: x = 3
        backward x * x.detach()
    """
    return Tensor(buffer(input), CUT)


@function(method=True)
def detach_(self: Tensor):
    """Cuts a result off from its history, in place."""
    self.node = CUT
    return self


@function(method=True)
def retain_grad(self: Tensor):
    """Keeps this result's gradient as `.grad` from the next backward on, as leaves have theirs.

    Shapes: any; `.grad` has the same
    Derivative: that of what comes after, in this result
    Example: x = 3
        y = x^2; y.retain_grad()
        backward y^2
        y.grad
    """
    keep_gradient(self)


@function(method=True)
def register_hook(self: Tensor, hook: Callback):
    """Calls a function on this tensor's gradient at backward; what it returns (unless none) replaces it.

    It gives a handle, whose `remove()` takes the function away. Functions are called in the order they came in.

    Shapes: the function gets the gradient, of this tensor's shape, and returns one of that shape or none
    Derivative: hook(g) in the place of g
    Example: x = 3
        y = x^2
        y.register_hook(g -> print("gradient of y:", g))
        y.register_hook(g -> 10 * g)
        backward y
    """
    key = object()
    hooks = hooks_of(self)
    hooks.functions[key] = hook
    return Handle(hooks.functions, key)


@function()
def zero_grad(*tensors):
    """Clears the gradient of every named leaf, or of those given; `.grad` is none then.

    Without it a backward adds to what is there.

    Shapes: any tensors, one by one or in lists; without any, all that the script has names for
    Derivative: none: it takes gradients away
    Example: x = 3
        backward x^2
        backward x^2
        zero_grad()
        backward x^2
    """
    chosen = (
        list(context.current().named_tensors().values())
        if not tensors
        else [tensor for item in tensors for tensor in listed(item) or []]
    )
    for tensor in chosen:
        if type(tensor) is not Tensor:
            raise TypeFailure("zero_grad() clears the gradients of tensors, and this is none of them")
    for tensor in chosen:
        if tensor.meta is not None:
            tensor.meta.grad = None


@function()
def is_grad_enabled():
    """Whether history is recorded here.

    Shapes: no arguments; a truth value
    Derivative: none: a truth value
    Example: is_grad_enabled()
        no_grad { is_grad_enabled() }
    """
    return modes.recording


def set_gradient(tensor: Tensor, value: Any) -> None:
    """`x.grad = value`: none, or a tensor of x's shape and dtype."""
    if value is None:
        if tensor.meta is not None:
            tensor.meta.grad = None
        return
    value = as_tensor(value, tensor.dtype)
    if value.shape != tensor.shape:
        raise TypeFailure(
            f"assigned grad has data of a different size: shape {value.shape}, where {tensor.shape} is wanted"
        )
    tensor.ensure_meta().grad = value


def set_data(tensor: Tensor, value: Any) -> None:
    """`x.data = value`: other values under the same history."""
    value = as_tensor(value, tensor.dtype)
    tensor.array = value.array


# ---- changes in place


IN_PLACE = (
    "add sub mul div pow remainder fmod atan2 hypot floor_divide lerp round clamp clamp_min clamp_max masked_fill "
    "tril triu cumsum cumprod eq ne lt le gt ge logical_not logical_and logical_or rad2deg deg2rad"
)
"""Those of several arguments, or that aren't in the table; the table's own enter themselves."""


def _set(self: Tensor, array: Any) -> Tensor:
    return inplace.copy(self, Tensor(np.broadcast_to(np.asarray(array), self.shape), CUT))


@function(method=True)
def zero_(self: Tensor):
    """Sets every element to 0, in place.

    Shapes: any
    Derivative: 0: what stood there has no part in the result
    Example: x = [1., 2.]
        x.zero_()
        x
    """
    return _set(self, self.dtype.type(0))


@function(method=True)
def fill_(self: Tensor, value: Number):
    """Sets every element to a number, in place.

    Derivative: 0: what stood there has no part in the result
    """
    return _set(self, self.dtype.type(value))


@function(method=True)
def copy_(self: Tensor, src: Tensor):
    """Copies another tensor's values, broadcast, in place.

    The tensor keeps its dtype.

    Shapes: `src` any that broadcasts to this tensor's
    Derivative: src: g, summed over the copies; what stood there has 0
    Example: x = [1., 2.]
        y = zeros(2, 2).copy_(x)
        y
        backward y[0].sum()
    """
    # The two may look into one memory (`x.copy_(x.flip(0))` doesn't, `x[1:].copy_(x[:-1])` does).
    if overlaps(self.array, src.array):
        src = FUNCTIONS["clone"](src)
    return inplace.copy(self, src)


@function(method=True)
def uniform_(self: Tensor, a: Number = 0, b: Number = 1):
    """Draws every element uniformly between a and b, in place.

    Shapes: any; a <= b, and b itself isn't drawn
    Derivative: 0: what stood there has no part in the result
    Example: zeros(3).uniform_(1, 2).sort().values
    """
    if not a <= b:
        raise ValueFailure(f"uniform_ expects to return a [from, to) range, but found from={a} > to={b}")
    if not isfinite(b - a):
        raise ValueFailure(f"uniform_ expects to-from to be a finite number, but found to={b} and from={a}")
    return _set(self, context.current().generator.uniform(a, b, self.shape).astype(self.dtype))


@function(method=True)
def normal_(self: Tensor, mean: Number = 0, std: Number = 1):
    """Draws every element from a normal distribution, in place.

    Derivative: 0: what stood there has no part in the result
    """
    if not std >= 0:
        raise ValueFailure(f"normal expects std >= 0.0, but found std {std}")
    return _set(self, context.current().generator.normal(mean, std, self.shape).astype(self.dtype))
