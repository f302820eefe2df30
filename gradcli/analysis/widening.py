"""A history computed anew in float64, where its operations allow that.

Differences in float32 have five digits at best, in float16 one. The rules are the same in every dtype: so they are
checked in float64, from the same leaves, and what the coarser dtype adds to the gradient is its rounding alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.analysis.history import History, Step
from gradcli.engine.node import ACCUMULATE_GRAD, PART, Marker
from gradcli.errors import GradcliError

_WIDE = {"f": np.dtype(np.float64), "c": np.dtype(np.complex128)}


def coarsest_eps(history: History) -> float:
    """The rounding unit of the coarsest dtype that a step's value has."""
    found = [np.finfo(array.dtype).eps for step in history.steps for array in _reals(step.value)]
    return float(max(found, default=np.finfo(np.float64).eps))


def runs_scripts(history: History) -> bool:
    """Whether some of its rules are a script's own."""
    return any(type(step.node.op) is Marker and step.node.op not in (PART, ACCUMULATE_GRAD) for step in history.steps)


def widened(history: History) -> History | None:
    """The history with every real number a float64; none where an operation insists on another dtype."""
    new: dict[Step, Step] = {}
    for step in history.steps:
        inputs = tuple(new[part] if type(part) is Step else _wide(part) for part in step.inputs)
        parameters = tuple(_wide(parameter) for parameter in step.parameters)
        value = _wide(step.value) if step.is_leaf else None
        new[step] = Step(
            step.number, step.node, value, inputs, parameters, step.place, step.name,
            {k: None if type(step.inputs[k]) is Step else _wide(given) for k, given in step.given.items()},
        )  # fmt: skip
    found = History(list(new.values()), new[history.result])
    try:
        values = found.replayed_steps({leaf: leaf.value for leaf in found.leaves})
    except (GradcliError, ArithmeticError, TypeError, ValueError):
        return None
    for step in found.steps:
        step.value = values[step]
        step.given = {k: step.inputs[k].value if type(step.inputs[k]) is Step else v for k, v in step.given.items()}
    same = all(array.dtype == _WIDE[array.dtype.kind] for step in found.steps for array in _reals(step.value))
    return found if same else None


def _reals(value: Any) -> list[Any]:
    parts = value if type(value) is tuple else (value,)
    return [part for part in parts if hasattr(part, "dtype") and part.dtype.kind in "fc"]


def _wide(value: Any) -> Any:
    """The same with real numbers in float64, and the float64 dtype for a narrower one."""
    if type(value) in (tuple, list):
        return type(value)(_wide(part) for part in value)
    if isinstance(value, (np.ndarray, np.generic)):
        return value.astype(_WIDE[value.dtype.kind]) if value.dtype.kind in _WIDE else value
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        dtype = np.dtype(value)
        return _WIDE.get(dtype.kind, value)
    return value
