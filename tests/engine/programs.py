"""Random programs: a list of steps that runs on gradcli and on the naive engine side by side.

A step names an operation and its operands by how many values ago they were made. Where it doesn't fit (shapes that
don't go together, a value too near a kink for rounding to be no matter) it does nothing, so that any list of steps is
a program, and a failing one shrinks well.
"""

from __future__ import annotations

from itertools import pairwise
from math import frexp
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gradcli.engine import TABLE, Tensor, tensor
from gradcli.engine.shaping import broadcast_to, concatenate, permute, reshape
from tests.engine import naive

Step = tuple[Any, ...]

SHAPES = [(), (1,), (2,), (3,), (2, 3), (3, 2), (2, 1), (1, 3), (2, 2)]
LARGEST = 24
BOUND = 100
NEAR = 1e-6
"""Nearer to a kink than this, two engines may well be on different sides of it."""

UNARY = sorted(name for name, op in TABLE.items() if op.elementwise and op.arity == 1 and name in naive.UNARY)
BINARY = sorted(name for name, op in TABLE.items() if op.elementwise and op.arity == 2 and name in naive.BINARY)
REDUCTIONS = sorted(naive.REDUCTIONS)
VIEWS = ["first", "last", "tail", "every second", "backwards", "transpose", "flat", "row", "expand", "whole"]
OTHERS = ["matmul", "concatenate", "where", "cumsum", "take"]
CHANGES = ["add", "sub", "mul", "put", "put first", "put where", "fill", "fill first", "double"]

AGO = st.integers(0, 12)
SMOOTH_STEPS = st.one_of(
    st.tuples(st.just("unary"), st.sampled_from(UNARY), AGO),
    st.tuples(st.just("binary"), st.sampled_from(BINARY), AGO, AGO),
    st.tuples(st.just("reduce"), st.sampled_from(REDUCTIONS), AGO, st.integers(0, 2)),
    st.tuples(st.just("view"), st.sampled_from(VIEWS), AGO),
    st.tuples(st.just("other"), st.sampled_from(OTHERS), AGO, AGO),
)
STEPS = st.one_of(SMOOTH_STEPS, st.tuples(st.just("change"), st.sampled_from(CHANGES), AGO, AGO))

# Multiples of a quarter: ties and zeros are frequent, and exact in both engines.
QUARTERS = st.integers(-12, 12).map(lambda count: count / 4)


@st.composite
def leaves(draw: st.DrawFn) -> list[tuple[tuple[int, ...], list[float]]]:
    """One to three leaves: shape and elements."""
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    return [
        (shape, draw(st.lists(QUARTERS, min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))))
        for shape in shapes
    ]


class Program:
    """Values in both engines, each a pair of a Tensor and a naive Array, and the text of what made them."""

    def __init__(self, starts: list[tuple[tuple[int, ...], list[float]]]) -> None:
        self.leaves = [tensor(np.reshape(values, shape), requires_grad=True) for shape, values in starts]
        self.naive_leaves = [
            naive.Array.of([naive.Scalar(value) for value in values], shape) for shape, values in starts
        ]
        self.values: list[tuple[Tensor, naive.Array]] = []
        self.lines: list[str] = []
        self.changed = False
        for k, (leaf, array) in enumerate(zip(self.leaves, self.naive_leaves, strict=True)):
            self.lines.append(f"v{k} = leaf({leaf.array.tolist()}) * 1")
            self.values.append((leaf * 1, naive.Array.of(array.scalars, array.shape)))

    def run(self, steps: list[Step]) -> Program:
        for kind, name, *operands in steps:
            getattr(self, kind)(name, *operands)
        return self

    def text(self) -> str:
        return "\n".join(self.lines)

    # ---- operands and results

    def ago(self, count: int) -> tuple[Tensor, naive.Array, str]:
        place = len(self.values) - 1 - count % len(self.values)
        return (*self.values[place], f"v{place}")

    def keep(self, text: str, found: Tensor, expected: naive.Array) -> None:
        if len(expected.places) > LARGEST:
            return
        # Kept within bounds, by powers of two: those round nothing.
        _, halvings = frexp(max(map(abs, expected.values), default=0) / BOUND)
        if halvings > 0:
            text += f" * 2^-{halvings}"
            found, expected = found * 2.0**-halvings, self.scaled(expected, 2.0**-halvings, 0.0)
        self.lines.append(f"v{len(self.values)} = {text}")
        self.values.append((found, expected))

    @staticmethod
    def scaled(x: naive.Array, factor: float, shift: float) -> naive.Array:
        return naive.Array.of([naive.Scalar(s.value * factor + shift, [(s, factor)]) for s in x.scalars], x.shape)

    @classmethod
    def inside(cls, domain: str, x: Tensor, nx: naive.Array, text: str) -> tuple[Tensor, naive.Array, str]:
        """The operand moved into a domain, smoothly."""
        if domain in ("positive", "nonzero", "above one"):
            shift = 1.5 if domain == "above one" else 0.5
            square = cls.scaled(naive.binary("mul", nx, nx), 0.125, shift)
            return x * x * 0.125 + shift, square, f"({text}^2/8 + {shift})"
        if domain == "unit":
            return np.tanh(x) * 0.75, cls.scaled(naive.unary("tanh", nx), 0.75, 0.0), f"(tanh({text}) * 0.75)"
        if domain == "small":
            return np.tanh(x) * 2, cls.scaled(naive.unary("tanh", nx), 2.0, 0.0), f"(tanh({text}) * 2)"
        return x, nx, text

    @staticmethod
    def safe(distances: list[float], *pairs: tuple[Tensor, naive.Array]) -> bool:
        """Whether no value is so near a kink that rounding could put it on the other side.

        A value right on the kink is welcome, if both engines have the very same one.
        """
        if all(distance > NEAR for distance in distances):
            return True
        same = all(np.ravel(found.array).tolist() == expected.values for found, expected in pairs)
        return same and all(distance > NEAR or distance == 0 for distance in distances)

    # ---- steps

    def unary(self, name: str, count: int) -> None:
        x, nx, text = self.ago(count)
        domain = TABLE[name].domain
        if name in ("exp", "exp2", "expm1", "sinh", "cosh"):
            domain = "small"
        elif name == "tan":
            domain = "unit"
        x, nx, text = self.inside(domain, x, nx, text)
        if name in ("abs", "sign", "relu"):
            distances = [abs(v) for v in nx.values]
        elif name in ("floor", "ceil", "trunc", "frac"):
            distances = [abs(v - round(v)) for v in nx.values]
        elif name == "round":
            distances = [abs(v - 0.5 - round(v - 0.5)) for v in nx.values]
        else:
            distances = []
        if self.safe(distances, (x, nx)):
            self.keep(f"{name}({text})", TABLE[name].apply(x), naive.unary(name, nx))

    def binary(self, name: str, first: int, second: int) -> None:
        x, nx, x_text = self.ago(first)
        y, ny, y_text = self.ago(second)
        if naive.broadcast(nx.shape, ny.shape) is None:
            return
        if name == "pow":
            x, nx, x_text = self.inside("positive", x, nx, x_text)
            y, ny, y_text = self.inside("small", y, ny, y_text)
        elif TABLE[name].domain == "nonzero":
            y, ny, y_text = self.inside("nonzero", y, ny, y_text)
        elif name in ("hypot", "atan2"):
            y, ny, y_text = self.inside("positive", y, ny, y_text)
        distances: list[float] = []
        if name == "pow":
            # At exponent 0 PyTorch drops the term y x^(y-1), and with it the mixed second derivative 1/x.
            distances = [abs(v) or NEAR / 2 for v in ny.values]
        elif name in ("maximum", "minimum"):
            distances = [abs(v) for v in naive.binary("sub", nx, ny).values]
        elif name in ("remainder", "fmod"):
            quotients = naive.binary("div", nx, ny).values
            # Right on a multiple the quotient may be rounded up by one engine, and not by the other.
            distances = [abs(v - round(v)) or NEAR / 2 for v in quotients]
        if self.safe(distances, (x, nx), (y, ny)):
            self.keep(f"{name}({x_text}, {y_text})", TABLE[name].apply(x, y), naive.binary(name, nx, ny))

    def reduce(self, name: str, count: int, axis_number: int) -> None:
        x, nx, text = self.ago(count)
        axis = None if axis_number == 0 or not nx.shape else (axis_number - 1) % len(nx.shape)
        if name in ("amax", "amin"):
            ordered = sorted(nx.values)
            gaps = [b - a for a, b in pairwise(ordered)]
            if not self.safe(gaps, (x, nx)):
                return
        elif name == "norm" and not self.safe([max(map(abs, nx.values))], (x, nx)):
            return
        parameters = (2, axis, False) if name == "norm" else (axis, False)
        self.keep(
            f"{name}({text}, axis={axis})",
            TABLE[name].apply(x, *parameters),
            nx.reduce(naive.REDUCTIONS[name], axis),
        )

    def view(self, name: str, count: int) -> None:
        x, nx, text = self.ago(count)
        if name == "transpose":
            found, expected = permute(x, tuple(range(len(nx.shape)))[::-1]), nx.transpose()
        elif name == "flat":
            found, expected = reshape(x, (len(nx.places),)), nx.reshape((len(nx.places),))
        elif name == "row":
            found, expected = x[None], nx.reshape((1, *nx.shape))
        elif name == "expand":
            found, expected = broadcast_to(x, (2, *nx.shape)), nx.expand((2, *nx.shape))
        elif name == "whole":
            found, expected = x[...], nx.reshape(nx.shape)
        elif not nx.shape:
            return
        elif name == "first":
            found, expected = x[0], nx.select(0, 0)
        elif name == "last":
            found, expected = x[..., -1], nx.select(len(nx.shape) - 1, nx.shape[-1] - 1)
        elif name == "tail":
            found, expected = x[1:], nx.slice(0, 1, nx.shape[0], 1)
        elif name == "every second":
            found, expected = x[..., ::2], nx.slice(len(nx.shape) - 1, 0, nx.shape[-1], 2)
        else:
            found, expected = x[::-1], nx.slice(0, nx.shape[0], -nx.shape[0] - 1, -1)
        if not expected.places:
            return
        if not np.shares_memory(found.array, x.array):
            # NumPy flattens what lies across in memory into a copy.
            expected = naive.Array.of(expected.scalars, expected.shape)
        self.keep(f"{name}({text})", found, expected)

    def other(self, name: str, first: int, second: int) -> None:
        x, nx, x_text = self.ago(first)
        y, ny, y_text = self.ago(second)
        if name == "cumsum" and nx.shape:
            self.keep(f"cumsum({x_text}, 0)", np.cumsum(x, axis=0), naive.cumsum(nx))
        elif name == "take" and nx.shape:
            index = [0, nx.shape[0] - 1, 0]
            self.keep(f"{x_text}[{index}]", x[index], naive.take(nx, index))
        elif name == "concatenate" and nx.shape and ny.shape and nx.shape[1:] == ny.shape[1:]:
            self.keep(f"concatenate({x_text}, {y_text})", concatenate([x, y], 0), naive.concatenate(nx, ny))
        elif name == "matmul" and len(nx.shape) == len(ny.shape) == 2 and nx.shape[1] == ny.shape[0]:
            self.keep(f"matmul({x_text}, {y_text})", np.matmul(x, y), naive.matmul(nx, ny))
        elif name == "where" and nx.shape == ny.shape and self.safe([abs(v - 0.125) for v in nx.values], (x, nx)):
            condition = [v > 0.125 for v in nx.values]
            self.keep(
                f"where({x_text} > 1/8, {x_text}, {y_text})", np.where(x > 0.125, x, y), naive.where(condition, nx, ny)
            )

    def change(self, name: str, first: int, second: int) -> None:
        x, nx, x_text = self.ago(first)
        y, ny, y_text = self.ago(second)
        if len(set(nx.places)) != len(nx.places):
            return
        if max(map(abs, nx.values + ny.values)) ** 2 > BOUND:
            return
        if name in ("add", "sub", "mul") and naive.broadcast(nx.shape, ny.shape) == nx.shape:
            changed = naive.binary(name, nx, ny)
            x = {"add": x.__iadd__, "sub": x.__isub__, "mul": x.__imul__}[name](y)
            nx.put(changed)
            self.lines.append(f"{x_text}.{name}_({y_text})")
        elif name == "double":
            x *= 2
            nx.put(self.scaled(nx, 2.0, 0.0))
            self.lines.append(f"{x_text}.mul_(2)")
        elif name == "put" and naive.broadcast(nx.shape, ny.shape) == nx.shape:
            x[...] = y
            nx.put(naive.Array.of(ny.scalars, ny.shape))
            self.lines.append(f"{x_text}[...] = {y_text}")
        elif name == "put first" and nx.shape and ny.shape == nx.shape[1:]:
            x[0] = y
            nx.select(0, 0).put(naive.Array.of(ny.scalars, ny.shape))
            self.lines.append(f"{x_text}[0] = {y_text}")
        elif name == "put where" and not ny.shape and self.safe([abs(v - 0.125) for v in nx.values], (x, nx)):
            places = [place for place, v in zip(nx.places, nx.values, strict=True) if v > 0.125]
            x[x > 0.125] = y
            naive.Array(nx.memory, places, (len(places),)).put(naive.Array.of(ny.scalars, ()))
            self.lines.append(f"{x_text}[{x_text} > 1/8] = {y_text}")
        elif name == "fill":
            x[...] = 0.5
            nx.put(naive.Array.of([naive.Scalar(0.5)], ()))
            self.lines.append(f"{x_text}[...] = 0.5")
        elif name == "fill first" and nx.shape:
            x[0] = 0.25
            nx.select(0, 0).put(naive.Array.of([naive.Scalar(0.25)], ()))
            self.lines.append(f"{x_text}[0] = 0.25")
        else:
            return
        self.changed = True


def weights(size: int) -> list[float]:
    """Factors without a pattern that sums cancel."""
    return [((5 * k + 3) % 13 - 6) / 4 + 0.125 for k in range(size)]
