"""gradcheck and gradgradcheck: a function's derivatives against central differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor, grad_mode, start_tracking
from gradcli.engine import grad as run_grad
from gradcli.engine.jacobians import jacobian
from gradcli.errors import AutogradFailure, ValueFailure
from gradcli.library.arguments import Callback, Flag, Number
from gradcli.library.trees import leaves_of
from gradcli.library.vocabulary import function


def _checked_inputs(inputs: Any, name: str) -> tuple[list[Any], list[int]]:
    """The arguments, and which of them are varied: those that require grad, or all real ones where none does."""
    args = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    args = [as_tensor(value) if isinstance(value, (int, float, list)) else value for value in args]
    real = [k for k, value in enumerate(args) if type(value) is Tensor and value.dtype.kind == "f"]
    varied = [k for k in real if args[k].node] or real
    if not varied:
        raise ValueFailure(
            f"{name} expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    return args, varied


def _outputs(func: Any, args: list[Any]) -> list[Tensor]:
    return [out for out in map(as_tensor, leaves_of(func(*args))) if out.dtype.kind == "f"]


def _numerical(func: Any, args: list[Any], varied: list[int], eps: float) -> list[list[np.ndarray]]:
    """For each varied argument and each output the matrix of central differences, (output's size, input's size)."""
    found = []
    with grad_mode(False):
        for k in varied:
            point = np.array(args[k].array)
            columns = []
            for place in np.ndindex(point.shape):
                sides = []
                for step in (eps, -eps):
                    moved = point.copy()
                    moved[place] += step
                    changed = [*args[:k], Tensor(moved, CUT), *args[k + 1 :]]
                    sides.append([np.array(out.array) for out in _outputs(func, changed)])
                columns.append([(high - low).ravel() / (2 * eps) for high, low in zip(*sides, strict=True)])
            found.append([np.stack(parts, 1) for parts in zip(*columns, strict=True)] if columns else [])
    return found


def _compare(func: Any, args: list[Any], varied: list[int], settings: tuple[float, float, float]) -> str:
    """What differs first, in torch's words; empty where nothing does."""
    eps, atol, rtol = settings
    with grad_mode(True):
        inside = {k: start_tracking(Tensor(np.array(args[k].array)[()])) for k in varied}
        outputs = _outputs(func, [inside.get(k, value) for k, value in enumerate(args)])
    numerical = _numerical(func, args, varied, eps)
    for number, output in enumerate(outputs):
        analytical = jacobian(output, [inside[k] for k in varied])
        for place, (rows, wanted) in enumerate(zip(analytical, numerical, strict=True)):
            if not wanted:
                continue
            slopes = np.asarray(rows.array).reshape(output.array.size, -1)
            if not np.allclose(slopes, wanted[number], rtol=rtol, atol=atol, equal_nan=True):
                return (
                    f"Jacobian mismatch for output {number} with respect to input {place},\n"
                    f"numerical:{Tensor(wanted[number], CUT)!r}\nanalytical:{Tensor(slopes, CUT)!r}"
                )
    return ""


@function(also=("torch.autograd.gradcheck",))
def gradcheck(func: Callback, inputs, *, eps: Number = 1e-06, atol: Number = 1e-05, rtol: Number = 0.001,
              raise_exception: Flag = True):  # fmt: skip
    """Compares a function's gradients with central differences: true, or an error that shows both.

    With `raise_exception=false` it's false instead of an error. `check y` does the same for a result that is there.

    Shapes: any inputs, several in a tuple; those that require grad are varied, and all where none does
    Derivative: none: a truth value. It compares each dy/dx with (f(x + eps) - f(x - eps)) / (2 * eps), to atol and rtol
    Kink: at a kink the differences see both sides, so `relu` at 0 fails and `abs` passes; in float32 steps of 1e-6 are
        noise
    Example: gradcheck(x -> x * sin(x), [1., 2.])
    Example: def square(x) { return x^2 } backward(g) { return g * x }
        gradcheck(square, [1., 2.], raise_exception=false)
    """
    args, varied = _checked_inputs(inputs, "gradcheck")
    return _verdict(_compare(func, args, varied, (eps, atol, rtol)), raise_exception)


@function(also=("torch.autograd.gradgradcheck",))
def gradgradcheck(func: Callback, inputs, grad_outputs=None, *, eps: Number = 1e-06, atol: Number = 1e-05,
                  rtol: Number = 0.001, raise_exception: Flag = True):  # fmt: skip
    """Compares the second derivatives of a function with central differences of its gradients.

    The gradients are those of its results' sum with the weights `grad_outputs`, or with some that are always the same.
    As for `gradcheck`, the answer is true, an error, or false.

    Shapes: any inputs, several in a tuple; those that require grad are varied, and all where none does
    Derivative: none: a truth value. It compares each second derivative with differences of gradients, to atol and rtol
    Kink: as for `gradcheck`, at kinks of the gradient
    Example: gradgradcheck(x -> x^3, [1., 2.])
    Example: def cube(x) { return x^3 } backward(g) { return 3 * g * x.detach()^2 }
        gradcheck(cube, 2), gradgradcheck(cube, 2, raise_exception=false)
    """
    args, varied = _checked_inputs(inputs, "gradgradcheck")
    with grad_mode(False):
        outputs = _outputs(func, args)
    if grad_outputs is None:
        # Vectors of different entries, the same at every call.
        draw = np.random.default_rng(0)
        vectors = [Tensor(draw.uniform(0.5, 1.5, out.shape).astype(out.dtype)) for out in outputs]
    else:
        vectors = [as_tensor(v) for v in (grad_outputs if isinstance(grad_outputs, (tuple, list)) else (grad_outputs,))]

    def first(*given: Any) -> Any:
        # The gradients need a graph also where only their values are asked for.
        with grad_mode(True):
            points = [v if v.node else start_tracking(Tensor(v.array)) for v in (given[k] for k in varied)]
            moved = dict(zip(varied, points, strict=True))
            results = _outputs(func, [moved.get(k, value) for k, value in enumerate(given[: len(args)])])
            pairs = [(y, v) for y, v in zip(results, given[len(args) :], strict=True) if y.node]
            if not pairs:
                return [Tensor(np.zeros_like(point.array), CUT) for point in points]
            several, chosen = zip(*pairs, strict=True)
            return run_grad(several, points, chosen, create_graph=True, materialize_grads=True)

    everything = [*args, *vectors]
    also = [len(args) + k for k in range(len(vectors))]
    return _verdict(_compare(first, everything, [*varied, *also], (eps, atol, rtol)), raise_exception)


def _verdict(difference: str, raise_exception: bool) -> bool:
    if difference and raise_exception:
        raise AutogradFailure(
            difference, help="the function's gradient is wrong, or the point stands at a kink of the function"
        )
    return not difference
