"""What is said of an inf or a nan: the elements that it comes of, and the usual remedy of its operation.

Loaded when the first is found.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any, NamedTuple

import numpy as np

from gradcli.engine.node import ACCUMULATE_GRAD, Node, sources

_DIVISION = "keep 0 out of the denominator, in a branch that isn't selected too: `x / where(y == 0, 1, y)`"
_GROWTH = (
    "numbers end at 1.8e308, in float32 at 3.4e38: scale them or work with their logarithms; a loop that diverges "
    "wants smaller steps"
)
_POLES = {
    "sqrt": "the slope of sqrt is infinite at 0: keep 0 out, `sqrt(x + 1e-12)`; a length is `norm(x)`, which has a "
    "gradient at 0",
    "rsqrt": "keep 0 out: `rsqrt(x + 1e-12)`",
    "log": "keep 0 out: `log(x + 1e-12)`; the log of a softmax is `log_softmax`, log(1 + x) is `log1p`, x log(x) is 0 "
    "at 0 as `x * log(where(x == 0, 1, x))`",
    "log1p": "log1p is infinite at -1: keep -1 out, `log1p(clamp(x, min=-1 + 1e-12))`",
    "exp": "exp overflows beyond 709 (88 in float32): `logsumexp`, `softmax`, `softplus` and `expm1` don't",
    "div": _DIVISION,
    "pow": "0 has no negative power, and a power below 1 an infinite slope at 0: keep 0 out, `(x + 1e-12)^p`",
    "asin": "asin and acos have infinite slopes at -1 and 1: `clamp(x, -1 + 1e-12, 1 - 1e-12)`",
    "atanh": "atanh is infinite at -1 and 1: `clamp(x, -1 + 1e-12, 1 - 1e-12)`",
    "acosh": "acosh has an infinite slope at 1: `clamp(x, min=1 + 1e-12)`",
    "mul": "0 * inf is nan: x log(x) is 0 at 0 as `x * log(where(x == 0, 1, x))`; look where the infinite factor comes "
    "from",
}
_DOMAINS = {
    "sqrt": "sqrt is defined from 0 on: `sqrt(clamp(x, min=0))` where rounding went below 0",
    "rsqrt": "rsqrt is defined above 0: `rsqrt(clamp(x, min=1e-12))`",
    "log": "log is defined above 0: `log(clamp(x, min=1e-12))`, or `log(abs(x))`",
    "log1p": "log1p is defined above -1: `log1p(clamp(x, min=-1 + 1e-12))`",
    "pow": "a negative number has whole powers only: `abs(x)^p`, or `sign(x) * abs(x)^p`",
    "asin": "asin and acos are defined from -1 to 1: `clamp(x, -1, 1)`",
    "atanh": "atanh is defined between -1 and 1: `clamp(x, -1 + 1e-12, 1 - 1e-12)`",
    "acosh": "acosh is defined from 1 on: `clamp(x, min=1)`",
    "std": "one element has no spread, n - 1 is 0: `correction=0` divides by n",
    "mean": "nothing has no mean: look why there are no elements",
    "div": "inf / inf is nan: exp(x) / sum(exp(x)) is `softmax(x, 0)`, exp(a) / exp(b) is `exp(a - b)`",
    "sub": "inf - inf is nan: log(exp(a) + exp(b)) is `logaddexp`, log(sum(exp(x))) `logsumexp`; look where the "
    "infinities come from",
    "mul": _POLES["mul"],
}
_MORE = {
    "log2": "log", "log10": "log", "exp2": "exp", "expm1": "exp", "sinh": "exp", "cosh": "exp", "acos": "asin",
    "reciprocal": "div", "remainder": "div", "fmod": "div", "floor_divide": "div", "var": "std", "add": "sub",
    "pow_number": "pow",
}  # fmt: skip
_LOOK = "look at the operands, and keep out those that it isn't defined for"
_DOUBLE_WHERE = (
    "where computes both branches, and 0 * inf is nan: choose the argument too, `where(c, f(where(c, x, 1)), 0)`"
)


class NonFinite(NamedTuple):
    """What there is to say of an inf or a nan; its kind is "nan", "inf" or "gradient"."""

    kind: str
    message: str
    help: str
    places: dict[str, tuple[Any, int]]
    """The places of a script that the texts speak of."""


def in_value(out: Any, inputs: tuple[Any, ...], op: Any, flag: str | None, told: Container[str]) -> NonFinite | None:
    """What is new in an operation's result; `flag` is what the processor raised. None where nothing is, or it's of
    a kind that was told before.
    """
    new = _new_in(out, inputs, op)
    if new is None or new.kind in told:
        return None
    name = op.name if op is not None else "an operation"
    infinite = any(np.isinf(array).any() for array in _reals(inputs))
    return NonFinite(new.kind, _computed(new, name, inputs), cure_of(name, flag, infinite), {})


def in_gradient(node: Node, g: Any, given: Any, flag: str | None, roots: Iterable[Node]) -> NonFinite | None:
    """What is new in the gradient that a rule made of `g`, in the pass that began at `roots`; none where nothing is."""
    new = _new_in(given, (g,), node.op)
    if new is None:
        return None
    zero = g.shape == given.shape and g[new.spot] == 0
    chooser = _chooser(node, roots) if zero else None
    how = "0 * inf" if zero else "computed"
    message = f"a gradient became {new.kind}{_at(new.spot)}: {how} in the backward of {node.op.name} at {{op}}"
    if chooser is not None:
        message += ", in the branch that `where` at {chooser} did not select"
        return NonFinite("gradient", message, _DOUBLE_WHERE, {"op": node.place, "chooser": chooser.place})
    # The 0 comes from outside, and the rule's own factor is what's infinite.
    cure = cure_of(node.op.name, "divide by zero" if zero else flag, bool(np.isinf(g).any()))
    return NonFinite("gradient", message, cure, {"op": node.place})


def cure_of(name: str, flag: str | None, infinite: bool = False) -> str:
    """The usual remedy for an operation's inf or nan: by the processor's flag that it raised, and by whether an
    operand was infinite.
    """
    name = _MORE.get(name, name)
    if flag == "overflow" and name != "exp":
        return _GROWTH
    if name == "div" and not infinite:
        return _DIVISION
    cures = (_DOMAINS, _POLES) if flag == "invalid value" else (_POLES, _DOMAINS)
    return next((known[name] for known in cures if name in known), _LOOK)


class _New(NamedTuple):
    """What is new in a result: nan or inf, where it is first, and the value there; of several results, in `among`."""

    kind: str
    spot: tuple[int, ...]
    value: Any
    among: list[Any]


def _new_in(out: Any, inputs: tuple[Any, ...], op: Any) -> _New | None:
    """The nan, else the inf, of a result that isn't of what it was computed from; none where there is no such."""
    arrays = _reals(out)
    elementwise = getattr(op, "elementwise", False)
    for kind, test in (("nan", np.isnan), ("inf", np.isinf)):
        for array in arrays:
            new = test(array) & ~_known(kind, inputs, elementwise)
            if new.any():
                spot = tuple(np.argwhere(new)[0]) if array.ndim else ()
                return _New(kind, spot, array[spot], arrays)
    return None


def _known(kind: str, inputs: tuple[Any, ...], elementwise: bool) -> Any:
    """Where the operands have it already: an infinite one may well give another inf, and what's new in `inf - inf` is
    nan. What an operation that isn't elementwise is given may have spread anywhere.
    """
    known: Any = np.False_
    for part in _reals(inputs):
        bad = np.isnan(part) if kind == "nan" else ~np.isfinite(part)
        known = known | (bad if elementwise else bad.any())
    return known


def _reals(value: Any) -> list[Any]:
    if isinstance(value, (tuple, list)):
        return [array for part in value for array in _reals(part)]
    if isinstance(value, float) or (isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"):
        return [np.asarray(value)]
    return []


def _at(spot: tuple[int, ...]) -> str:
    return f", at {list(map(int, spot))}" if spot else ""


def _computed(new: _New, name: str, inputs: tuple[Any, ...]) -> str:
    """The operation on the first elements that make no finite one: `log(0) is -inf, at [2]`."""
    if len(new.among) != 1:
        return f"{name} gives a value that isn't finite"
    try:
        operands = [np.broadcast_to(np.asarray(part), new.among[0].shape)[new.spot] for part in inputs]
    except ValueError:
        shapes = " and ".join(str(np.shape(part)) for part in inputs)
        return f"{name} of {shapes} gives {new.value:g}{_at(new.spot)}"
    return f"{name}({', '.join(f'{operand:g}' for operand in operands)}) is {new.value:g}{_at(new.spot)}"


def _chooser(node: Node, roots: Iterable[Node]) -> Node | None:
    """The `where` nearest to the result through which its gradient comes to `node`, if there is one."""
    for root in roots:
        seen: dict[Node, Node | None] = {root: None}
        stack = [root]
        while stack:
            here = stack.pop()
            for edge in sources(here):
                if edge and edge not in seen and edge.op is not ACCUMULATE_GRAD:
                    seen[edge] = here
                    stack.append(edge)
        above = seen.get(node)
        while above is not None:
            if above.op.name == "where":
                return above
            above = seen[above]
    return None
