"""A derivation as an object of JSON, for programs: the symbols as texts, the numbers in full precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.analysis.derivation import Derivation, LeftOut, Line, Path, Slope
from gradcli.engine import Tensor
from gradcli.render.json_lines import value_json

LARGEST = 1000
"""Elements up to which an array is written; of a larger one there is the shape, and `data` is null."""


def derivation_object(derivation: Derivation, name: str | None = None, line: int | None = None) -> dict[str, Any]:
    """The event's object; strict JSON, for a number that isn't finite is a string."""
    return {
        "type": "explain",
        "name": name,
        "line": line,
        "of": derivation.of,
        "start": _array(derivation.start),
        "given": [_line(one) for one in derivation.given],
        "forward": [_left_out(one) if isinstance(one, LeftOut) else _line(one) for one in derivation.forward],
        "backward": [_left_out(one) if isinstance(one, LeftOut) else _slope(one) for one in derivation.backward],
        "gradients": [{"name": one.name, "value": _array(one.gradient)} for one in derivation.gradients],
    }


def _line(line: Line) -> dict[str, Any]:
    found = {
        "name": line.name,
        "kind": line.kind,
        "expression": line.expression,
        "line": line.line,
        "value": _array(line.value),
    }
    return found if line.origin is None else found | {"detached_from": line.origin}


def _left_out(item: LeftOut) -> dict[str, Any]:
    return {
        "left_out": item.count,
        "rounds": item.rounds,
        "first": item.first,
        "last": item.last,
        "ops": dict(item.ops),
        "first_line": item.first_line,
        "last_line": item.last_line,
    }


def _slope(slope: Slope) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": slope.of,
        "symbol": slope.symbol,
        "leaf": slope.is_leaf,
        "paths": [_path(path) for path in slope.paths],
        "value": _array(slope.total),
        "hooks": slope.hooks,
    }
    if slope.skipped:
        found |= {"left_out_paths": slope.skipped, "left_out_sum": _array(slope.skipped_sum)}
    return found


def _path(path: Path) -> dict[str, Any]:
    return {
        "through": path.consumer,
        "equation": path.equation,
        "rule": path.rule,
        "chain": path.chain,
        "incoming": _array(path.incoming),
        "contribution": _array(path.contribution),
    }


def _array(value: Any) -> Any:
    """A tensor's shape, dtype and numbers; of several results the list of theirs."""
    if isinstance(value, (tuple, list)):
        return [_array(part) for part in value]
    if isinstance(value, Tensor):
        value = value.array
    if not hasattr(value, "dtype"):
        return value_json(value)
    whole = isinstance(value, (np.ndarray, np.generic)) and value.size <= LARGEST
    data = value_json(Tensor(value))["data"] if whole else None
    return {"shape": list(value.shape), "dtype": str(value.dtype), "data": data}
