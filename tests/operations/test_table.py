"""The table of operations, row by row: complete, honest about what its rules need, and right.

Gradients are compared with central differences on inputs of the op's own domain, so an op that enters the table is
tested by that alone. PyTorch's numbers for the same ops are in test_golden.py.
"""

from __future__ import annotations

import dis
from collections.abc import Callable
from itertools import zip_longest
from types import CodeType
from typing import Any

import numpy as np
import pytest

from gradcli.engine import TABLE, Tensor, backward, grad, start_tracking, tensor
from gradcli.engine.operation import Op
from tests.operations.every_case import CASES
from tests.operations.inputs import weights

INTERNAL = {
    "add_at": "the cases of `index_add` and `scatter_add`",
    "cast": "the cases of `to`",
    "convolution": "the cases of `conv2d`",
    "convolution_of_kernels": "the derivative of `conv2d` in its kernels",
    "copy_slices": "a change in place through a view: tests/engine/test_inplace.py",
    "cosine_sums": "the derivative of `fft.irfftn`",
    "div_rounded": "the cases of `div` with rounding_mode",
    "gathered": "the derivative of `interpolate`",
    "largest_difference": "the cases of `cdist`",
    "mixed": "the cases of `interpolate`",
    "onto_diagonal": "the derivative of `diagonal`",
    "overwritten": "a copy in place: tests/engine/test_inplace.py",
    "nll": "the cases of `nll_loss` and `cross_entropy`",
    "read_at": "the cases of `as_strided`",
    "resampled": "the cases of `interpolate`",
    "soft_nll": "the cases of `cross_entropy` with probabilities",
    "shared_out": "the derivative of `interpolate`",
    "sinc_slope": "the derivative of `sinc`",
    "standardized": "the cases of `layer_norm`",
    "transposed_convolution": "the cases of `conv_transpose2d`",
    "window_spread": "the derivative of `avg_pool2d`",
    "window_sum": "the cases of `avg_pool2d`",
    "x_log_x": "the cases of `kl_div`",
}
"""Ops that have no name in the language, and what tests them."""

# Values away from the kinks of steps and remainders (whole and half numbers), and no two of a size.
REAL = [0.3, -1.2, 2.7, -0.7, 1.8, -2.3]
DOMAINS = {
    "real": REAL,
    "nonzero": REAL,
    "positive": [0.3, 1.2, 2.7, 0.7, 1.8, 2.3],
    "unit": [0.3, -0.6, 0.8, -0.2, 0.45, -0.85],
    "probability": [0.3, 0.6, 0.8, 0.2, 0.45, 0.85],
    "above one": [1.3, 2.2, 3.7, 1.7, 2.8, 4.3],
}
ELEMENTWISE = [op for op in TABLE.values() if op.elementwise and any(op.rules)]
SHAPES: dict[int, list[tuple[tuple[int, ...], ...]]] = {
    1: [((),), ((3,),), ((2, 3),), ((0,),)],
    2: [
        *(((s, s)) for s in ((), (3,), (2, 3), (0,))),
        ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((), (3,)), ((2, 3), ()), ((1,), (0,)), ((2, 1, 3), (2, 1)),
    ],
    3: [
        *(((s, s, s)) for s in ((), (3,), (2, 3), (0,))),
        ((2, 3), (3,), ()), ((3,), (2, 1), (2, 3)), ((), (), (3,)), ((1,), (0,), ()),
    ],
}  # fmt: skip


def arguments(op: Op, shapes: tuple[tuple[int, ...], ...]) -> list[np.ndarray]:
    """Arrays of the op's domain; a mask where the op has no rule. Each argument has the values in another order."""
    found = []
    for position, (shape, rule) in enumerate(zip(shapes, op.rules, strict=True)):
        size = int(np.prod(shape))
        values = np.roll(DOMAINS[op.domain], -position)[np.arange(size) % 6] + 0.01 * position
        found.append((values > 0 if rule is None else values).reshape(shape))
    return found


EVERY_SHAPE = [
    pytest.param(op, shapes, id=f"{op.name}-{'-'.join(map(str, shapes))}".replace(" ", ""))
    for op in ELEMENTWISE
    for shapes in SHAPES[op.arity]
]


def leaves_of(op: Op, arrays: list[np.ndarray]) -> list[Tensor]:
    """Tensors on these very arrays, tracked where there is a derivative."""
    tensors = [Tensor(array[()] if array.ndim == 0 else array) for array in arrays]
    return [start_tracking(t) if rule else t for t, rule in zip(tensors, op.rules, strict=True)]


def central(f: Callable[..., np.ndarray], arrays: list[np.ndarray], position: int, step: float) -> np.ndarray:
    """df/d(argument) by central differences, of the number f, element by element."""
    slopes = np.zeros(arrays[position].shape)
    for place in np.ndindex(slopes.shape):
        ends = []
        for sign in (1, -1):
            moved = [np.array(array) for array in arrays]
            moved[position][place] += sign * step
            ends.append(f(*moved))
        slopes[place] = (ends[0] - ends[1]) / (2 * step)
    return slopes


# ---- complete


@pytest.mark.parametrize("op", TABLE.values(), ids=TABLE.keys())
def test_every_rule_has_its_formula(op: Op) -> None:
    assert len(op.formula) <= len(op.rules)
    for rule, formula in zip_longest(op.rules, op.formula, fillvalue=""):
        assert formula or not rule


@pytest.mark.parametrize("op", TABLE.values(), ids=TABLE.keys())
def test_the_domain_is_one_that_is_tested(op: Op) -> None:
    assert op.domain in DOMAINS


@pytest.mark.parametrize("name", TABLE)
def test_every_op_has_golden_cases(name: str) -> None:
    assert name in CASES or name in INTERNAL


def test_what_counts_as_internal_is_in_the_table_and_has_no_cases() -> None:
    for name in INTERNAL:
        assert name in TABLE
        assert name not in CASES


# ---- honest: what a rule names is what a node keeps


RULES = [
    pytest.param(rule.__code__, id=f"{op.name}-{position}")
    for op in TABLE.values()
    for position, rule in enumerate(op.rules)
    if rule is not None
]


def read(code: CodeType) -> set[str]:
    """The local names that a piece of code reads, those read by functions inside it too."""
    names = set(code.co_cellvars)
    for instruction in dis.get_instructions(code):
        if instruction.opname.startswith("LOAD_FAST"):
            value = instruction.argval
            names.update(value if isinstance(value, tuple) else (value,))
    return names


@pytest.mark.parametrize("code", RULES)
def test_a_rule_reads_the_arguments_it_names_and_no_other(code: CodeType) -> None:
    names = code.co_varnames[: code.co_argcount]
    unread = [name for name in names if not name.startswith("_") and name not in read(code)]
    secretly_read = [name for name in names if name.startswith("_") and name in read(code)]
    assert not unread, "these are kept for nothing"
    assert not secretly_read, "these aren't kept"


def test_the_test_of_names_can_fail() -> None:
    assert read((lambda g, _y, x, z: g * _y + sum(x for _ in ())).__code__) == {"g", "_y", "x"}


# ---- right


@pytest.mark.parametrize(("op", "shapes"), EVERY_SHAPE)
def test_gradient_is_that_of_central_differences(op: Op, shapes: tuple[tuple[int, ...], ...]) -> None:
    arrays = arguments(op, shapes)
    leaves = leaves_of(op, arrays)
    y = op.apply(*leaves)
    assert y.shape == np.broadcast_shapes(*shapes)
    assert y.dtype == np.float64
    vector = weights(y.shape)

    def projected(*moved: np.ndarray) -> np.ndarray:
        return np.sum(vector * op.apply(*moved))

    backward([y], [tensor(vector)])
    for position, leaf in enumerate(leaves):
        if leaf.requires_grad:
            assert leaf.grad.dtype == np.float64
            assert leaf.grad.shape == leaf.shape
            expected = central(projected, arrays, position, 1e-6)
            np.testing.assert_allclose(leaf.grad.array, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("op", "shapes"), EVERY_SHAPE)
def test_second_derivatives_are_those_of_central_differences(op: Op, shapes: tuple[tuple[int, ...], ...]) -> None:
    """Of the gradients' projection: through create_graph, against differences of first gradients."""
    arrays = arguments(op, shapes)
    vector = weights(np.broadcast_shapes(*shapes))

    def projected_gradients(moved: list[np.ndarray], **options: bool) -> tuple[list[Tensor], Any]:
        leaves = leaves_of(op, moved)
        tracked = [leaf for leaf in leaves if leaf.requires_grad]
        firsts = grad([op.apply(*leaves)], tracked, [tensor(vector)], **options)
        total = sum((np.sum(g * weights(g.shape, k + 1)) for k, g in enumerate(firsts)), tensor(0.0))
        return leaves, total

    leaves, total = projected_gradients(arrays, create_graph=True)
    if total.requires_grad:
        backward([total])
    for position, leaf in enumerate(leaves):
        if leaf.requires_grad:
            expected = central(lambda *moved: projected_gradients(list(moved))[1].array, arrays, position, 1e-5)
            found = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.array
            assert found.shape == leaf.shape
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_each_input_alone_gets_the_gradient_it_gets_among_others(op: Op) -> None:
    """What a node keeps depends on which inputs are tracked."""
    arrays = arguments(op, ((2, 3),) * op.arity)
    leaves = leaves_of(op, arrays)
    backward([np.sum(op.apply(*leaves))])
    for position, leaf in enumerate(leaves):
        if leaf.requires_grad:
            alone = start_tracking(Tensor(arrays[position]))
            inputs = [alone if k == position else Tensor(array) for k, array in enumerate(arrays)]
            backward([np.sum(op.apply(*inputs))])
            np.testing.assert_array_equal(alone.grad.array, leaf.grad.array)


@pytest.mark.parametrize("layout", ["strided", "reversed", "read-only", "Fortran"])
@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_memory_layout_is_no_matter(op: Op, layout: str) -> None:
    arrays = arguments(op, ((2, 3),) * op.arity)
    laid_out = [_laid_out(array, layout) for array in arrays]
    results = []
    for inputs in (arrays, laid_out):
        leaves = leaves_of(op, inputs)
        y = op.apply(*leaves)
        backward([y], [tensor(weights(y.shape))])
        results.append([y.array, *(leaf.grad.array for leaf in leaves if leaf.requires_grad)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)
    for array, before in zip(laid_out, arrays, strict=True):
        np.testing.assert_array_equal(array, before)


def _laid_out(array: np.ndarray, layout: str) -> np.ndarray:
    if layout == "Fortran":
        return np.asfortranarray(array)
    if layout == "reversed":
        return array[::-1, ::-1].copy()[::-1, ::-1]
    if layout == "strided":
        memory = np.zeros((4, 9), array.dtype)
        memory[::2, ::3] = array
        return memory[::2, ::3]
    copy = array.copy()
    copy.flags.writeable = False
    return copy


@pytest.mark.parametrize("shape", [(), (2, 3)])
@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_float32_stays_float32(op: Op, shape: tuple[int, ...]) -> None:
    narrow = [a.astype(np.float32) if a.dtype.kind == "f" else a for a in arguments(op, (shape,) * op.arity)]
    wide = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in narrow]
    results = []
    for arrays in (narrow, wide):
        leaves = leaves_of(op, arrays)
        y = op.apply(*leaves)
        backward([y], [tensor(weights(shape), dtype=y.dtype)])
        results.append([y.array, *(leaf.grad.array for leaf in leaves if leaf.requires_grad)])
    for found, expected in zip(*results, strict=True):
        assert found.dtype == np.float32
        assert found.shape == shape
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_float32_stays_float32_in_second_order(op: Op) -> None:
    leaves = leaves_of(
        op, [a.astype(np.float32) if a.dtype.kind == "f" else a for a in arguments(op, ((3,),) * op.arity)]
    )
    tracked = [leaf for leaf in leaves if leaf.requires_grad]
    firsts = grad([np.sum(op.apply(*leaves))], tracked, create_graph=True)
    for g in firsts:
        assert g.dtype == np.float32
    seconds = [g for g in firsts if g.requires_grad]
    for h in grad([np.sum(g) for g in seconds], tracked, allow_unused=True) if seconds else []:
        assert h is None or h.dtype == np.float32


@pytest.mark.parametrize("op", [op for op in ELEMENTWISE if op.arity == 2], ids=lambda op: op.name)
def test_a_plain_number_is_as_good_as_a_tensor(op: Op) -> None:
    left, right = arguments(op, ((3,), ()))
    for number_first in (False, True):
        number = right.item()
        leaf = tensor(left, requires_grad=True)
        backward([np.sum(op.apply(number, leaf) if number_first else op.apply(leaf, number))])
        again = tensor(left, requires_grad=True)
        backward([np.sum(op.apply(tensor(number), again) if number_first else op.apply(again, tensor(number)))])
        np.testing.assert_allclose(leaf.grad.array, again.grad.array, rtol=1e-14)
