"""The engine: NumPy's functions made differentiable, with PyTorch's semantics.

    from gradcli.engine import tensor, backward
    x = tensor([1.0, 2.0], requires_grad=True)
    y = np.dot(x, x)
    backward([y])
    x.grad

It needs NumPy alone (SciPy where a function of the table does) and knows nothing of scripts: names are NumPy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.engine import modes, protocols, reductions, trigonometry
from gradcli.engine.conversion import as_tensor
from gradcli.engine.gradients import backward, grad, retain_grad, start_tracking, stop_tracking
from gradcli.engine.modes import grad_mode
from gradcli.engine.node import Node
from gradcli.engine.operation import TABLE, differentiable
from gradcli.engine.tensor import CUT, Tensor

# Importing these gives a tensor its operators, and the table its reductions and its functions of angles.
_ENTERED = (protocols, reductions, trigonometry)

__all__ = [
    "CUT",
    "TABLE",
    "Node",
    "Tensor",
    "as_tensor",
    "backward",
    "differentiable",
    "grad",
    "grad_mode",
    "modes",
    "retain_grad",
    "start_tracking",
    "stop_tracking",
    "tensor",
]


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of numbers, nested lists or an array (copied); whole numbers become floats unless `dtype` says else."""
    result = as_tensor(data, None if dtype is None else np.dtype(dtype))
    result = Tensor(np.array(result.array)[()] if result.array.ndim == 0 else np.array(result.array))
    return start_tracking(result) if requires_grad else result
