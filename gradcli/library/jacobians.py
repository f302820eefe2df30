"""All first or second derivatives of a function, and products with the second, as torch.func has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine import CUT, Tensor, as_tensor
from gradcli.engine.jacobians import jacobian as jacobian_of
from gradcli.engine.jacobians import products
from gradcli.errors import AutogradFailure
from gradcli.library.arguments import Callback, Flag
from gradcli.library.transforms import (
    Run,
    by_argument,
    gradients_of,
    mapped,
    matched,
    named_after,
    numbers_of,
    one_for,
    transpose_of,
)
from gradcli.library.trees import leaves_of, rebuilt
from gradcli.library.vocabulary import function

# ---- first derivatives


def _jacobian_function(name: str, func: Any, argnums: Any, has_aux: bool, rows: Callable[..., list[Tensor]]) -> Any:
    def call(*args: Any, **named: Any) -> Any:
        run = Run(func, args, named, numbers_of(argnums, len(args)), has_aux)
        found = [by_argument(run, argnums, rows(run, output)) for output in run.outputs]
        result = rebuilt(run.result, iter(found))
        return (result, run.value(run.aux)) if has_aux else result

    return named_after(name, func, call)


@function(also=("torch.func.jacrev",))
def jacrev(func: Callback, argnums=0, *, has_aux: Flag = False, chunk_size=None):
    """The function that gives the Jacobian of `func`, all rows in one pass: (*shape of the result, *shape of x).

    `chunk_size` is accepted and without effect: rows go back together as far as memory allows, and one by one where a
    rule can't take many.

    Shapes: `func` from (*x) to (*y); the Jacobian is (*y, *x), a tuple of them where `argnums` is one
    Derivative: differentiable itself: `jacrev(jacrev(f))` has the second derivatives
    Example: jacrev(x -> x * sum(x))([1., 2., 3.])
    """
    return _jacobian_function("jacrev", func, argnums, has_aux, Run.jacobian)


def _columns(run: Run, output: Tensor) -> list[Tensor]:
    """All derivatives of one output, a column for each element of the points."""
    place = next(k for k, other in enumerate(run.outputs) if other is output)
    duals, linear = transpose_of(run)
    found = []
    for point, transposed in zip(run.inside, linear, strict=True):
        size = point.array.size
        basis = np.eye(size, dtype=point.dtype).reshape((size, *point.shape))
        columns = products(transposed, [duals[place]], basis)[0].array
        found.append(Tensor(np.moveaxis(columns, 0, -1).reshape((*output.shape, *point.shape))[()], CUT))
    return run.later(found, lambda: jacobian_of(output, run.inside, create_graph=True), "JacobianBackward0")


@function(also=("torch.func.jacfwd",))
def jacfwd(func: Callback, argnums=0, has_aux: Flag = False, *, chunk_size=None, randomness="error"):
    """The function that gives the Jacobian of `func`, column by column: for more results than arguments.

    A column is a product as `jvp` computes it, and all go in one pass. `chunk_size` and `randomness` are without
    effect.

    Shapes: `func` from (*x) to (*y); the Jacobian is (*y, *x), a tuple of them where `argnums` is one
    Derivative: differentiable itself: `jacfwd(jacrev(f))` has the second derivatives
    Example: jacfwd(t -> stack([cos(t), sin(t)]))(0.5)
    """
    return _jacobian_function("jacfwd", func, argnums, has_aux, _columns)


def second_derivatives(run: Run, output: Tensor) -> list[list[Tensor]]:
    """For each pair of points all second derivatives of one output."""
    slopes = jacobian_of(output, run.inside, create_graph=True)
    return [
        run.later(
            jacobian_of(slope, run.inside),
            lambda slope=slope: jacobian_of(slope, run.inside, create_graph=True),
            "HessianBackward0",
        )
        for slope in slopes
    ]


def _hessian_rows(run: Run, output: Tensor, argnums: Any) -> Any:
    return by_argument(run, argnums, [by_argument(run, argnums, row) for row in second_derivatives(run, output)])


@function("torch.func.hessian")
def hessian_function(func: Callback, argnums=0):
    """The function that gives the matrix of second derivatives of `func`.

    Shapes: `func` from (n) to (): (n, n); from (*x) to (*y): (*y, *x, *x); for several `argnums` tuples of tuples,
        the block of arguments i and j at [i][j]
    Derivative: differentiable itself
    Example: curvature = torch.func.hessian(x -> x[0]^2 * x[1])
        curvature([1., 2.])
    """

    def call(*args: Any, **named: Any) -> Any:
        run = Run(func, args, named, numbers_of(argnums, len(args)), False)
        return rebuilt(run.result, iter([_hessian_rows(run, output, argnums) for output in run.outputs]))

    return named_after("hessian", func, call)


# ---- by the bare names: from a function and a point, or from a recorded result


@function()
def jacobian(func, inputs, create_graph: Flag = False, strict: Flag = False, vectorize: Flag = False):
    """All derivatives of a function at a point, or of a result: (*shape of the result, *shape of x).

    `jacobian(f, x)` runs f on a point of its own. `jacobian(y, x)` is of a result that is there, in a tensor that it
    was computed from; it has a history under `create_graph`. `vectorize` is without effect: rows go back together
    anyway.

    Shapes: f from (*x) to (*y): (*y, *x); for several inputs in a tuple a tuple, for several results one of those each
    Derivative: differentiable itself
    Example: jacobian(x -> x * sum(x), [1., 2., 3.])
    Example: x = [1., 2.]
        y = x * sum(x)
        jacobian(y, x)
    """
    if callable(func):
        several = isinstance(inputs, (tuple, list))
        args = tuple(inputs) if several else (inputs,)
        return jacrev(func, tuple(range(len(args))) if several else 0)(*args)
    points = leaves_of(inputs)
    for point in points:
        if type(point) is not Tensor or not point.node:
            raise AutogradFailure(
                "One of the differentiated Tensors does not require grad",
                help="mark it before computing the result, `x.requires_grad_()`, or give a function: `jacobian(f, x)`",
            )
    return mapped(lambda y: rebuilt(inputs, iter(jacobian_of(as_tensor(y), points, create_graph=create_graph))), func)


@function()
def hessian(func: Callback, inputs=None, *, argnums=0):
    """The matrix of second derivatives of a function at a point, `hessian(f, x)`; `hessian(f)` is a function.

    Shapes: f from (n) to (): (n, n); from (*x) to (*y): (*y, *x, *x); for several inputs in a tuple tuples of tuples,
        the block of inputs i and j at [i][j]
    Derivative: differentiable itself
    Example: hessian(x -> x[0]^2 * x[1], [1., 2.])
    Example: hessian((x, y) -> x * y^2, (2, 3))
    """
    if inputs is None:
        return hessian_function(func, argnums)
    several = isinstance(inputs, (tuple, list))
    args = tuple(inputs) if several else (inputs,)
    return hessian_function(func, tuple(range(len(args))) if several else 0)(*args)


def curvature(func: Any, inputs: Any, v: Any, name: str) -> tuple[Run, list[Tensor]]:
    """The product of the Hessian with a vector: the gradient of (gradient . v), two passes whatever the size."""
    args = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    run = Run(func, args, {}, range(len(args)), False)
    (output,) = run.outputs if len(run.outputs) == 1 else (None,)
    if output is None or output.array.size != 1:
        raise AutogradFailure(
            f"The Tensor returned by the function given to {name} should contain a single element",
            help="reduce it: `x -> sum(f(x))`",
        )
    vectors = matched(one_for(run.inside) if v is None else v, run.inside)
    slopes = run.gradients([None], True)
    tracked = run.is_kept or any(bool(vector.node) for vector in vectors)
    return run, gradients_of(slopes, run.inside, vectors, tracked and run.keeps)


@function()
def hvp(func: Callback, inputs, v=None):
    """The value of a function at a point, and its Hessian times a vector, without the Hessian itself.

    It is the gradient of sum(grad(f)(x) * v): two passes back, however large x is.

    Shapes: f from (*x) to (); v and the product are (*x), in tuples for several inputs; v may be left out for one
        number
    Derivative: H @ v with H the Hessian; differentiable in x and in v
    Example: hvp(x -> x[0]^2 * x[1], [1., 2.], [1., 0.])
    """
    return _value_and_product(func, inputs, v, "hvp")


@function()
def vhp(func: Callback, inputs, v=None):
    """The value of a function at a point, and a vector times its Hessian, which is symmetric: the same as `hvp`.

    Shapes: f from (*x) to (); v and the product are (*x), in tuples for several inputs; v may be left out for one
        number
    Derivative: v @ H with H the Hessian; differentiable in x and in v
    Example: vhp(x -> x[0]^2 * x[1], [1., 2.], [0., 1.])
    """
    return _value_and_product(func, inputs, v, "vhp")


def _value_and_product(func: Any, inputs: Any, v: Any, name: str) -> tuple[Any, Any]:
    run, found = curvature(func, inputs, v, name)
    return run.value(run.outputs[0]), rebuilt(inputs, iter(found)) if isinstance(inputs, (tuple, list)) else found[0]
