"""vmap: a function of one example made a function of a batch of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import Tensor, as_tensor
from gradcli.engine.conversion import OPERATIONS
from gradcli.engine.shaping import permute, unbind
from gradcli.errors import IndexFailure, ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Callback, OptionalText, OptionalWhole, Whole, axis_of
from gradcli.library.trees import leaves_of, rebuilt
from gradcli.library.vocabulary import function


@function(also=("torch.func.vmap",))
def vmap(
    func: Callback, in_dims=0, out_dims=0, randomness: OptionalText = "error", *, chunk_size: OptionalWhole = None
):
    """The function that maps `func` over a dim of its arguments and stacks what comes.

    `in_dims` says over which dim of each argument, 0 where it isn't given, none for one that is the same for all;
    `out_dims` where the new dim stands. It calls `func` once for each example, so that conditions on values and prints
    work too; `randomness` and `chunk_size` are without effect.

    Shapes: `func` from (*x) to (*y); the mapped one from (N, *x) to (N, *y), for every argument and result
    Derivative: that of `func`, for each example its own
    Example: vmap(dot)([[1., 2.], [3., 4.]], [[5., 6.], [7., 8.]])
    Example: loss = (w, x, y) -> (dot(w, x) - y)^2
        each = vmap(torch.func.grad(loss), in_dims=(none, 0, 0))
        each([1., -1.], [[1., 2.], [3., 1.]], [0., 1.])
    """

    def mapped(*args: Any, **named: Any) -> Any:
        if not args:
            raise ValueFailure(
                f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap "
                "over a function with no inputs. The latter is unsupported."
            )
        tree = (args, tuple(named.values()))
        leaves = leaves_of(tree)
        dims = [*_spread(in_dims, args, name), *(0 for _ in leaves_of(tuple(named.values())))]
        slices, count = _sliced(leaves, dims, name)
        results = []
        for k in range(count):
            given, options = rebuilt(tree, iter([parts[k] if parts is not None else leaf for parts, leaf in slices]))
            results.append(func(*given, **dict(zip(named, options, strict=True))))
        if not count:
            given, options = rebuilt(tree, iter([_example(leaf, dim) for leaf, dim in zip(leaves, dims, strict=True)]))
            return _stacked([], func(*given, **dict(zip(named, options, strict=True))), out_dims)
        return _stacked(results, results[0], out_dims)

    given_name = getattr(func, "__name__", "")
    name = given_name if given_name.isidentifier() else "f"
    mapped.__name__ = mapped.__qualname__ = f"vmap({name})"
    return mapped


def _spread(dims: Any, tree: Any, name: str) -> list[int | None]:
    """A dim for each leaf of the arguments: one for all, or a tuple in their structure."""
    if isinstance(dims, (tuple, list)) or (type(dims) is Tensor and dims.ndim):
        parts = list(dims) if not isinstance(dims, Tensor) else dims.array.tolist()
        if not isinstance(tree, (tuple, list)) or len(parts) != len(tree):
            raise ValueFailure(
                f"vmap({name}, in_dims={tuple(parts)}, ...)(<inputs>): in_dims is not compatible with the structure of "
                f"`inputs`: {len(parts)} dims for {len(tree) if isinstance(tree, (tuple, list)) else 1}"
            )
        return [dim for part, branch in zip(parts, tree, strict=True) for dim in _spread(part, branch, name)]
    chosen = None if dims is None else Whole(dims)
    return [chosen for _ in leaves_of(tree)]


def _sliced(leaves: list[Any], dims: list[int | None], name: str) -> tuple[list[tuple[Any, Any]], int]:
    """For each leaf its slices along its dim, or none and the leaf; and how many examples there are."""
    slices, sizes = [], []
    for leaf, dim in zip(leaves, dims, strict=True):
        if dim is None:
            slices.append((None, leaf))
            continue
        if type(leaf) is not Tensor:
            raise TypeFailure(
                f"vmap({name})(<inputs>): Got in_dim={dim} for an input but the input is no tensor. We cannot vmap "
                "over non-Tensor arguments, please use None as the respective in_dim",
                help="`vmap(f, in_dims=(0, none))` gives the second argument to each call as it is",
            )
        if not -leaf.ndim <= dim < leaf.ndim:
            raise IndexFailure(
                f"vmap({name})(<inputs>): Got in_dim={dim} for some input, but that input is a Tensor of "
                f"dimensionality {leaf.ndim} so expected in_dim to satisfy -{leaf.ndim} <= in_dim < {leaf.ndim}."
            )
        slices.append((unbind(leaf, dim % leaf.ndim), leaf))
        sizes.append(leaf.shape[dim])
    if not sizes:
        raise ValueFailure(
            f"vmap({name})(<inputs>): in_dims has no dim to map over: at least one argument must have one"
        )
    if len(set(sizes)) > 1:
        raise ShapeFailure(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the "
            "mapped dimension"
        )
    return slices, sizes[0]


def _example(leaf: Any, dim: int | None) -> Any:
    """An example of an empty batch, to learn from what shape results have."""
    if dim is None:
        return leaf
    axis = dim % leaf.ndim
    return Tensor(np.zeros(leaf.shape[:axis] + leaf.shape[axis + 1 :], leaf.dtype)[()])


def _stacked(results: list[Any], first: Any, out_dims: Any) -> Any:
    """Results of one structure, each part stacked along its dim."""
    columns = [leaves_of(result) for result in results]
    names = leaves_of(first)
    if any(len(column) != len(names) for column in columns):
        raise ValueFailure("vmap: the function gave results of different structure for different examples")
    dims = _spread(out_dims, first, "f")
    parts = [_stack([column[k] for column in columns], example, dims[k]) for k, example in enumerate(names)]
    return rebuilt(first, iter(parts))


def _stack(parts: list[Any], example: Any, dim: int | None) -> Any:
    if dim is None:
        return parts[0] if parts else example
    if not parts:
        shape = as_tensor(example).shape
        axis = axis_of(dim, len(shape) + 1)
        return Tensor(np.zeros((*shape[:axis], 0, *shape[axis:]), as_tensor(example).dtype))
    tensors = [as_tensor(part) for part in parts]
    for tensor in tensors:
        if tensor.shape != tensors[0].shape:
            raise ShapeFailure(
                f"vmap: the function gave results of shapes {tensors[0].shape} and {tensor.shape} for different "
                "examples"
            )
    stacked = OPERATIONS["stack"](tensors, 0)
    axis = axis_of(dim, stacked.ndim)
    return stacked if not axis else permute(stacked, (*range(1, axis + 1), 0, *range(axis + 1, stacked.ndim)))
