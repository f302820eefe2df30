"""Many vector-Jacobian products of one recorded result: in one pass where the rules allow it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from gradcli.engine import modes
from gradcli.engine.allocation import allocatable
from gradcli.engine.backward import propagate
from gradcli.engine.batching import Batch, NotBatchable
from gradcli.engine.conversion import OPERATIONS
from gradcli.engine.gradients import grad
from gradcli.engine.node import ACCUMULATE_GRAD, PART, Marker, Node
from gradcli.engine.shaping import reshape
from gradcli.engine.tensor import CUT, Tensor

ELEMENTS_AT_ONCE = 2**22
"""Of one intermediate gradient that a pass carries, over all its vectors: 32 MB of float64."""


def products(output: Tensor, inputs: Sequence[Tensor], vectors: Any, *, create_graph: bool = False) -> list[Tensor]:
    """The products of each vector with the Jacobian of `output`, for each of `inputs`.

    `vectors` is an array (count, *output's shape); the results are (count, *input's shape). The graph is kept. An input
    that the output doesn't depend on has zeros. Under `create_graph` the results are recorded, a pass for each vector.
    """
    inside = [tensor for tensor in inputs if tensor.node]
    if not output.node or not inside or not len(vectors):
        return [_zeros(len(vectors), tensor) for tensor in inputs]
    found = None
    if not create_graph and len(vectors) > 1 and _is_batchable(output.node):
        found = _together(output, inside, vectors)
    rows = iter(found or _one_by_one(output, inside, vectors, create_graph))
    return [next(rows) if tensor.node else _zeros(len(vectors), tensor) for tensor in inputs]


def jacobian(output: Tensor, inputs: Sequence[Tensor], *, create_graph: bool = False) -> list[Tensor]:
    """All derivatives of `output`: for each of `inputs` a tensor (*output's shape, *input's shape)."""
    size = output.array.size
    for tensor in (output, *inputs):
        allocatable((*output.shape, *tensor.shape), tensor.dtype)
    basis = np.eye(size, dtype=output.dtype).reshape(size, *output.shape)
    results = products(output, inputs, basis, create_graph=create_graph)
    shapes = [(*output.shape, *tensor.shape) for tensor in inputs]
    return [reshape(rows, shape) for rows, shape in zip(results, shapes, strict=True)]


def _zeros(count: int, tensor: Tensor) -> Tensor:
    return Tensor(np.zeros((count, *tensor.shape), tensor.dtype), CUT)


def _one_by_one(output: Tensor, inputs: list[Tensor], vectors: Any, create_graph: bool) -> list[Tensor]:
    options = {"retain_graph": True, "create_graph": create_graph, "materialize_grads": True}
    rows = [grad([output], inputs, [Tensor(vector, CUT)], **options) for vector in vectors]
    return [OPERATIONS["stack"](list(column), 0) for column in zip(*rows, strict=True)]


def _together(output: Tensor, inputs: list[Tensor], vectors: Any) -> list[Tensor] | None:
    """One pass for as many vectors as memory allows; none where a rule doesn't work on a batch."""
    widest = max(prod(tensor.shape) for tensor in (output, *inputs))
    at_once = max(ELEMENTS_AT_ONCE // max(widest, 1), 1)
    wanted = {tensor.node for tensor in inputs}
    results = [np.empty((len(vectors), *tensor.shape), tensor.dtype) for tensor in inputs]
    with modes.grad_mode(False), np.errstate(all="ignore"):
        for start in range(0, len(vectors), at_once):
            batch = Batch(vectors[start : start + at_once])
            try:
                reached = propagate([(output.node, batch)], wanted=wanted, retain_graph=True)
            except (NotBatchable, TypeError, ValueError, IndexError, AttributeError):
                # What is wrong with the script, and not with the batch, comes out of the pass for one vector as well.
                return None
            for tensor, rows in zip(inputs, results, strict=True):
                g = reached.captured.get(tensor.node)
                # It may be zeros of a rule's own, which didn't need to look at the batch.
                rows[start : start + at_once] = g.stacked if type(g) is Batch else 0 if g is None else g
    return [Tensor(rows, CUT) for rows in results]


def _is_batchable(root: Node) -> bool:
    """Whether a pass meets operations of the table alone: hooks and a script's own rules take one gradient."""
    seen, stack = {root}, [root]
    while stack:
        node = stack.pop()
        marker = type(node.op) is Marker and node.op is not PART and node.op is not ACCUMULATE_GRAD
        if marker or node.hooks is not None:
            return False
        for edge in node.edges:
            if edge and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return True
