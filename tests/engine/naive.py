"""A second engine, as simple as can be: every element is a node of its own, and every derivative is a plain number.

It's the oracle of test_random_programs.py and shares nothing with gradcli: no NumPy, no table, no rule. A `Scalar`
knows what it was computed from and the partial derivatives; an `Array` is a view of a list of scalars, so that arrays
that share memory share the list, and a change in place puts another scalar into it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import product

Shape = tuple[int, ...]


class Scalar:
    """One number, with the numbers it came from and the derivative in each."""

    __slots__ = ("parents", "value")

    def __init__(self, value: float, parents: Iterable[tuple[Scalar, float]] = ()) -> None:
        self.value = value
        self.parents = tuple(parents)


def gradients(
    outputs: Sequence[Scalar], weights: Sequence[float], inputs: Sequence[Scalar]
) -> tuple[list[float], float]:
    """d(sum of weights * outputs)/d(input) for each input, and the largest gradient on the way: what rounding costs."""
    order: list[Scalar] = []
    seen: set[int] = set()
    stack = [(scalar, False) for scalar in outputs]
    while stack:
        scalar, children_done = stack.pop()
        if children_done:
            order.append(scalar)
        elif id(scalar) not in seen:
            seen.add(id(scalar))
            stack.append((scalar, True))
            stack.extend((parent, False) for parent, _ in scalar.parents)
    total = dict.fromkeys(map(id, order), 0.0)
    for scalar, weight in zip(outputs, weights, strict=True):
        total[id(scalar)] += weight
    for scalar in reversed(order):
        for parent, slope in scalar.parents:
            total[id(parent)] += slope * total[id(scalar)]
    return [total.get(id(scalar), 0.0) for scalar in inputs], max(map(abs, total.values()), default=0.0)


class Array:
    """Places in a list of scalars, in row-major order."""

    def __init__(self, memory: list[Scalar], places: list[int], shape: Shape) -> None:
        assert len(places) == math.prod(shape)
        self.memory = memory
        self.places = places
        self.shape = shape

    @classmethod
    def of(cls, scalars: Iterable[Scalar], shape: Shape) -> Array:
        """An array with memory of its own."""
        memory = list(scalars)
        return cls(memory, list(range(len(memory))), shape)

    @property
    def scalars(self) -> list[Scalar]:
        return [self.memory[place] for place in self.places]

    @property
    def values(self) -> list[float]:
        return [scalar.value for scalar in self.scalars]

    def put(self, source: Array) -> None:
        """Overwrites the elements, in place."""
        stretched = source.expand(self.shape)
        for place, scalar in zip(self.places, stretched.scalars, strict=True):
            self.memory[place] = scalar

    # ---- views

    def reshape(self, shape: Shape) -> Array:
        return Array(self.memory, self.places, shape)

    def select(self, axis: int, index: int) -> Array:
        kept = [place for place, at in zip(self.places, indices(self.shape), strict=True) if at[axis] == index]
        return Array(self.memory, kept, self.shape[:axis] + self.shape[axis + 1 :])

    def slice(self, axis: int, start: int, stop: int, step: int) -> Array:
        chosen = range(self.shape[axis])[start:stop:step]
        places = dict(zip(indices(self.shape), self.places, strict=True))
        shape = (*self.shape[:axis], len(chosen), *self.shape[axis + 1 :])
        return Array(
            self.memory, [places[(*at[:axis], chosen[at[axis]], *at[axis + 1 :])] for at in indices(shape)], shape
        )

    def transpose(self) -> Array:
        places = dict(zip(indices(self.shape), self.places, strict=True))
        shape = self.shape[::-1]
        return Array(self.memory, [places[at[::-1]] for at in indices(shape)], shape)

    def expand(self, shape: Shape) -> Array:
        """Broadcasting: one place may show several times."""
        places = dict(zip(indices(self.shape), self.places, strict=True))
        extra = len(shape) - len(self.shape)
        return Array(
            self.memory,
            [
                places[tuple(0 if size == 1 else at for at, size in zip(place[extra:], self.shape, strict=True))]
                for place in indices(shape)
            ],
            shape,
        )

    # ---- reductions: from the scalars of one group to one scalar

    def reduce(self, function: Callable[[list[Scalar]], Scalar], axis: int | None) -> Array:
        if axis is None:
            return Array.of([function(self.scalars)], ())
        shape = self.shape[:axis] + self.shape[axis + 1 :]
        scalars = dict(zip(indices(self.shape), self.scalars, strict=True))
        groups = [[scalars[(*at[:axis], k, *at[axis:])] for k in range(self.shape[axis])] for at in indices(shape)]
        return Array.of([function(group) for group in groups], shape)


def indices(shape: Shape) -> list[tuple[int, ...]]:
    return list(product(*(range(size) for size in shape)))


def broadcast(*shapes: Shape) -> Shape | None:
    """The shape that all of these stretch to; none where they don't."""
    ndim = max(map(len, shapes))
    sizes = []
    for column in zip(*((1,) * (ndim - len(shape)) + shape for shape in shapes), strict=True):
        larger = {size for size in column if size != 1}
        if len(larger) > 1:
            return None
        sizes.append(larger.pop() if larger else 1)
    return tuple(sizes)


# ---- functions: value and derivative of one number, in Python's own words


def _sign(x: float) -> float:
    return (x > 0) - (x < 0)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


UNARY: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "neg": (lambda x: -x, lambda x: -1.0),
    "reciprocal": (lambda x: 1 / x, lambda x: -1 / x**2),
    "exp": (math.exp, math.exp),
    "exp2": (lambda x: 2**x, lambda x: 2**x * math.log(2)),
    "expm1": (math.expm1, math.exp),
    "log": (math.log, lambda x: 1 / x),
    "log1p": (math.log1p, lambda x: 1 / (1 + x)),
    "log2": (math.log2, lambda x: 1 / (x * math.log(2))),
    "log10": (math.log10, lambda x: 1 / (x * math.log(10))),
    "sqrt": (math.sqrt, lambda x: 0.5 / math.sqrt(x)),
    "rsqrt": (lambda x: x**-0.5, lambda x: -0.5 * x**-1.5),
    "abs": (abs, _sign),
    "sin": (math.sin, math.cos),
    "cos": (math.cos, lambda x: -math.sin(x)),
    "tan": (math.tan, lambda x: 1 / math.cos(x) ** 2),
    "asin": (math.asin, lambda x: 1 / math.sqrt(1 - x**2)),
    "acos": (math.acos, lambda x: -1 / math.sqrt(1 - x**2)),
    "atan": (math.atan, lambda x: 1 / (1 + x**2)),
    "sinh": (math.sinh, math.cosh),
    "cosh": (math.cosh, math.sinh),
    "tanh": (math.tanh, lambda x: 1 / math.cosh(x) ** 2),
    "asinh": (math.asinh, lambda x: 1 / math.sqrt(x**2 + 1)),
    "acosh": (math.acosh, lambda x: 1 / math.sqrt(x**2 - 1)),
    "atanh": (math.atanh, lambda x: 1 / (1 - x**2)),
    "sign": (_sign, lambda x: 0.0),
    "floor": (lambda x: float(math.floor(x)), lambda x: 0.0),
    "ceil": (lambda x: float(math.ceil(x)), lambda x: 0.0),
    "trunc": (lambda x: float(math.trunc(x)), lambda x: 0.0),
    "round": (lambda x: float(round(x)), lambda x: 0.0),
    "frac": (lambda x: x - math.trunc(x), lambda x: 1.0),
    "sigmoid": (_sigmoid, lambda x: _sigmoid(x) * (1 - _sigmoid(x))),
    "relu": (lambda x: x if x > 0 else 0.0, lambda x: 1.0 if x > 0 else 0.0),
    "erf": (math.erf, lambda x: 2 / math.sqrt(math.pi) * math.exp(-(x**2))),
    "erfc": (math.erfc, lambda x: -2 / math.sqrt(math.pi) * math.exp(-(x**2))),
}


def _chosen(x: float, y: float) -> tuple[float, float]:
    """The slopes of a choice for x: half each at a tie."""
    return (1.0, 0.0) if x else (0.0, 1.0) if y else (0.5, 0.5)


def _logaddexp(x: float, y: float) -> float:
    return max(x, y) + math.log1p(math.exp(-abs(x - y)))


BINARY: dict[str, tuple[Callable[[float, float], float], Callable[[float, float], tuple[float, float]]]] = {
    "add": (lambda x, y: x + y, lambda x, y: (1.0, 1.0)),
    "sub": (lambda x, y: x - y, lambda x, y: (1.0, -1.0)),
    "mul": (lambda x, y: x * y, lambda x, y: (y, x)),
    "div": (lambda x, y: x / y, lambda x, y: (1 / y, -x / y**2)),
    "pow": (lambda x, y: x**y, lambda x, y: (y * x ** (y - 1), x**y * math.log(x))),
    "remainder": (lambda x, y: x % y, lambda x, y: (1.0, -float(math.floor(x / y)))),
    "fmod": (math.fmod, lambda x, y: (1.0, -float(math.trunc(x / y)))),
    "logaddexp": (_logaddexp, lambda x, y: (_sigmoid(x - y), _sigmoid(y - x))),
    "hypot": (math.hypot, lambda x, y: (x / math.hypot(x, y), y / math.hypot(x, y))),
    "atan2": (math.atan2, lambda x, y: (y / (x * x + y * y), -x / (x * x + y * y))),
    "maximum": (max, lambda x, y: _chosen(x > y, y > x)),
    "minimum": (min, lambda x, y: _chosen(x < y, y < x)),
}


def unary(name: str, x: Array) -> Array:
    value, slope = UNARY[name]
    return Array.of([Scalar(value(s.value), [(s, slope(s.value))]) for s in x.scalars], x.shape)


def binary(name: str, x: Array, y: Array) -> Array:
    value, slopes = BINARY[name]
    shape = broadcast(x.shape, y.shape)
    assert shape is not None
    made = []
    for a, b in zip(x.expand(shape).scalars, y.expand(shape).scalars, strict=True):
        of_a, of_b = slopes(a.value, b.value)
        made.append(Scalar(value(a.value, b.value), [(a, of_a), (b, of_b)]))
    return Array.of(made, shape)


def total(scalars: list[Scalar]) -> Scalar:
    return Scalar(math.fsum(s.value for s in scalars), [(s, 1.0) for s in scalars])


def average(scalars: list[Scalar]) -> Scalar:
    return Scalar(math.fsum(s.value for s in scalars) / len(scalars), [(s, 1 / len(scalars)) for s in scalars])


def multiplied(scalars: list[Scalar]) -> Scalar:
    values = [s.value for s in scalars]
    return Scalar(math.prod(values), [(s, math.prod(values[:k] + values[k + 1 :])) for k, s in enumerate(scalars)])


def largest(scalars: list[Scalar]) -> Scalar:
    """Equal elements share the slope evenly."""
    top = max(s.value for s in scalars)
    ties = [s for s in scalars if s.value == top]
    return Scalar(top, [(s, 1 / len(ties)) for s in ties])


def smallest(scalars: list[Scalar]) -> Scalar:
    bottom = min(s.value for s in scalars)
    ties = [s for s in scalars if s.value == bottom]
    return Scalar(bottom, [(s, 1 / len(ties)) for s in ties])


def length(scalars: list[Scalar]) -> Scalar:
    size = math.sqrt(math.fsum(s.value**2 for s in scalars))
    return Scalar(size, [(s, s.value / size if size else 0.0) for s in scalars])


def log_of_sum_of_exponentials(scalars: list[Scalar]) -> Scalar:
    top = max(s.value for s in scalars)
    shares = [math.exp(s.value - top) for s in scalars]
    whole = math.fsum(shares)
    return Scalar(top + math.log(whole), [(s, share / whole) for s, share in zip(scalars, shares, strict=True)])


REDUCTIONS: dict[str, Callable[[list[Scalar]], Scalar]] = {
    "sum": total,
    "mean": average,
    "prod": multiplied,
    "amax": largest,
    "amin": smallest,
    "norm": length,
    "logsumexp": log_of_sum_of_exponentials,
}


def matmul(x: Array, y: Array) -> Array:
    """Of two matrices."""
    (rows, inner), (_, columns) = x.shape, y.shape
    left, right = x.scalars, y.scalars
    made = []
    for i in range(rows):
        for j in range(columns):
            pairs = [(left[i * inner + k], right[k * columns + j]) for k in range(inner)]
            value = math.fsum(a.value * b.value for a, b in pairs)
            made.append(Scalar(value, [step for a, b in pairs for step in ((a, b.value), (b, a.value))]))
    return Array.of(made, (rows, columns))


def concatenate(x: Array, y: Array) -> Array:
    """Along the first axis."""
    return Array.of(x.scalars + y.scalars, (x.shape[0] + y.shape[0], *x.shape[1:]))


def where(condition: list[bool], x: Array, y: Array) -> Array:
    """Of arrays of one shape."""
    return Array.of(
        [
            Scalar(s.value, [(s, 1.0)])
            for s in (a if c else b for c, a, b in zip(condition, x.scalars, y.scalars, strict=True))
        ],
        x.shape,
    )


def cumsum(x: Array) -> Array:
    """Along the first axis."""
    rows = [x.select(0, k).scalars for k in range(x.shape[0])]
    made = [total(list(column[: k + 1])) for k in range(len(rows)) for column in zip(*rows, strict=True)]
    return Array.of(made, x.shape)


def take(x: Array, index: list[int]) -> Array:
    """Rows by number, copied."""
    scalars = [scalar for k in index for scalar in x.select(0, k).scalars]
    return Array.of(scalars, (len(index), *x.shape[1:]))
