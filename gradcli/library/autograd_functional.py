"""torch.autograd.functional: products and Jacobians by that module's arguments and results.

Its inputs are a tensor or a tuple of them, and its results have no history unless `create_graph=true`.
"""

from __future__ import annotations

from typing import Any

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.errors import AutogradFailure, TypeFailure
from gradcli.library.arguments import Callback, Flag, OptionalText
from gradcli.library.jacobians import curvature, second_derivatives
from gradcli.library.transforms import Run, matched, one_for, pushed
from gradcli.library.trees import rebuilt
from gradcli.library.vocabulary import function


def _run(name: str, func: Any, inputs: Any, strict: bool) -> Run:
    args = inputs if isinstance(inputs, tuple) else (inputs,)
    for value in args:
        if type(value) is not Tensor and not isinstance(value, (int, float, list)):
            raise TypeFailure(
                f"The inputs given to {name} must be either a Tensor or a tuple of Tensors but the given inputs has "
                "another type."
            )
    run = Run(func, args, {}, range(len(args)), False)
    if strict:
        for number, output in enumerate(run.outputs):
            if not output.node:
                raise AutogradFailure(
                    f"Output {number} of the user-provided function does not require gradients. The outputs must be "
                    "computed in a differentiable manner from the input when running in strict mode."
                )
    return run


def _given(tree: Any, create_graph: bool) -> Any:
    """Results with their history, or without."""
    if isinstance(tree, (tuple, list)):
        return tuple(_given(part, create_graph) for part in tree)
    return tree if create_graph or type(tree) is not Tensor else Tensor(tree.array, CUT)


def _like_inputs(inputs: Any, found: list[Any]) -> Any:
    return tuple(found) if isinstance(inputs, tuple) else found[0]


def _with_value(run: Run, found: Any, create_graph: bool) -> Any:
    return _given(run.value(run.result), create_graph), _given(found, create_graph)


@function("torch.autograd.functional.jacobian")
def jacobian(func: Callback, inputs, create_graph: Flag = False, strict: Flag = False, vectorize: Flag = False,
             strategy: OptionalText = "reverse-mode"):  # fmt: skip
    """All derivatives of a function: for each result, for each input, (*the result's shape, *the input's shape).

    The results have no history unless `create_graph` says so. `vectorize` and `strategy` are without effect.

    Shapes: f from (*x) to (*y): (*y, *x); a tuple for a tuple of inputs, for several results a tuple of those
    Derivative: differentiable itself under `create_graph`
    Example: f = x -> x * sum(x)
        torch.autograd.functional.jacobian(f, [1., 2.])
    """
    run = _run("jacobian", func, inputs, strict)
    rows = [_like_inputs(inputs, run.jacobian(output)) for output in run.outputs]
    return _given(rebuilt(run.result, iter(rows)), create_graph)


@function("torch.autograd.functional.hessian")
def hessian(func: Callback, inputs, create_graph: Flag = False, strict: Flag = False, vectorize: Flag = False,
            outer_jacobian_strategy: OptionalText = "reverse-mode"):  # fmt: skip
    """The second derivatives of a function that gives one number: for each pair of inputs a block.

    The blocks have no history unless `create_graph` says so.

    Shapes: f from (*x) to (), or to one element: (*x, *x); for a tuple of inputs a tuple of tuples, the block of i and
        j at [i][j]
    Derivative: differentiable itself under `create_graph`
    Example: f = x -> x[0]^2 * x[1]
        torch.autograd.functional.hessian(f, [1., 2.])
    """
    run = _run("hessian", func, inputs, strict)
    if len(run.outputs) != 1 or run.outputs[0].array.size != 1:
        raise AutogradFailure("The Tensor returned by the function given to hessian should contain a single element")
    output = run.outputs[0]
    blocks = [
        [_flat(block, row, output) for block in second]
        for row, second in enumerate(second_derivatives(run, output))
    ]  # fmt: skip
    return _given(_like_inputs(inputs, [_like_inputs(inputs, blocks_of_row) for blocks_of_row in blocks]), create_graph)


def _flat(block: Tensor, row: int, output: Tensor) -> Tensor:
    """A block without the dims of a result of one element, which torch drops here."""
    from gradcli.engine.shaping import reshape

    return block if not output.ndim else reshape(block, block.shape[output.ndim :])


@function("torch.autograd.functional.vjp")
def vjp(func: Callback, inputs, v=None, create_graph: Flag = False, strict: Flag = False):
    """The value of a function, and the product of a vector with its Jacobian.

    Shapes: v as the value (it may be left out where that is one number); the product as the inputs; several in tuples
    Derivative: v @ J with J the Jacobian; differentiable itself under `create_graph`
    Example: f = x -> x * sum(x)
        torch.autograd.functional.vjp(f, [1., 2.], [1., 0.])
    """
    run = _run("vjp", func, inputs, strict)
    v = one_for(run.outputs, "the user-provided function returns") if v is None else v
    vectors = [as_tensor(part) for part in (v if isinstance(v, tuple) else (v,))]
    return _with_value(run, _like_inputs(inputs, run.gradients(vectors)), create_graph)


@function("torch.autograd.functional.jvp")
def jvp(func: Callback, inputs, v=None, create_graph: Flag = False, strict: Flag = False):
    """The value of a function, and the product of its Jacobian with a vector.

    It takes two passes back, as in torch's module of this name: see `gradcli functions jvp`.

    Shapes: v as the inputs (it may be left out where that is one number); the product as the value; several in tuples
    Derivative: J @ v with J the Jacobian; differentiable itself under `create_graph`
    Example: f = x -> x * sum(x)
        torch.autograd.functional.jvp(f, [1., 2.], [1., 0.])
    """
    run = _run("jvp", func, inputs, strict)
    v = one_for(run.inside) if v is None else v
    found = iter(pushed(run, matched(v, run.inside)))
    return _with_value(run, rebuilt(run.result, found), create_graph)


@function("torch.autograd.functional.hvp")
def hvp(func: Callback, inputs, v=None, create_graph: Flag = False, strict: Flag = False):
    """The value of a function that gives one number, and its Hessian times a vector.

    Shapes: v and the product as the inputs, in tuples for several; v may be left out where the input is one number
    Derivative: H @ v with H the Hessian; differentiable itself under `create_graph`
    Example: f = x -> x[0]^2 * x[1]
        torch.autograd.functional.hvp(f, [1., 2.], [1., 0.])
    """
    run, found = curvature(func, inputs, v, "hvp")
    return _with_value(run, _like_inputs(inputs, found), create_graph)


@function("torch.autograd.functional.vhp")
def vhp(func: Callback, inputs, v=None, create_graph: Flag = False, strict: Flag = False):
    """The value of a function that gives one number, and a vector times its Hessian.

    The Hessian is symmetric: this is `hvp`.

    Shapes: v and the product as the inputs, in tuples for several; v may be left out where the input is one number
    Derivative: v @ H with H the Hessian; differentiable itself under `create_graph`
    Example: f = x -> x[0]^2 * x[1]
        torch.autograd.functional.vhp(f, [1., 2.], [0., 1.])
    """
    run, found = curvature(func, inputs, v, "vhp")
    return _with_value(run, _like_inputs(inputs, found), create_graph)
