"""Every way of calling a function; every kink, tie and edge by name; far arguments; parts by name; orders and maps."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pytest

from gradcli import Session, Tensor, tensor
from gradcli.engine import grad
from tests.library.transform_cases import VALUES, in_gradcli
from tests.operations import transforms_of_several
from tests.operations.cases_breadth import FIELDS, GOLDEN_FILE
from tests.operations.cases_breadth_layers import CASES as LAYERS
from tests.operations.edges import EDGES, FAR
from tests.operations.golden import check_derivatives, golden_tests
from tests.operations.inputs import read_golden

GOLDEN = read_golden(GOLDEN_FILE)

DEPARTURES: dict[str, str] = {
    "amax(nonfinite)": "torch divides 0 by 0 where the extreme is nan; here the nan has the gradient",
    "amin(nonfinite)": "as above",
} | {
    f"{case.expression} [{variant}]": "torch's slope is a float32's 1/6; here it is float64's"
    for case in GOLDEN
    if "hardsigmoid" in case.expression
    for variant in ("float64", "strided")
}
"""Not compared at all: an expression, or one variant of it."""

SECOND_ORDER: dict[str, str] = dict.fromkeys(
    (
        "prod(col, 1)", "prod(one)", "cumprod(col, 1)", "norm(col, 2, 1)", "norm(s, 3)",
        "linalg.vector_norm(col, 2, -1)", "linalg.norm(col, 2, 1)", "linalg.cond(m[:1, :1])",
        "F.normalize(s, dim=0)", "F.normalize(col)",
    ),
    "rounding, of 1e-7 in float32 and of 1e-16 in float64, in the place of 0",
)  # fmt: skip
"""Compared in value and first derivative only."""

SEVEN_DIGITS: dict[str, str] = {
    case.expression: "torch's polygamma(1, x) has nine digits"
    for case in GOLDEN
    if any(word in case.expression for word in ("gamma", "psi(", "multigammaln"))
} | dict.fromkeys(
    LAYERS["binary_cross_entropy"], "torch keeps 1e-12 between its divisor and 0 where it differentiates twice"
)
"""Compared to that, because torch is no better."""

NAMES_DIFFER: dict[str, str] = {
    "vander(x=v, N=3, increasing=True)": "torch's own class for it, torch::autograd::CopySlices, prints as CopySlices",
    "F.batch_norm(x[:0], v.detach(), p[0].detach())": "torch has a way of its own for what is empty",
    "F.embedding_bag(index[:0], x)": "as above",
    "F.scaled_dot_product_attention(x[:0], y, u)": "as above",
    "F.local_response_norm(cube[:0], 2)": "as above",
    "narrow(blank, 0, 0, 0)": "what is whole has another name here",
    "narrow(col, 1, 0, 1)": "as above",
    "(v * 1).asinh_()": "torch has a class of its own for some functions in place",
    "(abs(u[0]) * 1).atanh_()": "as above",
    "(q[0] * 1).acosh_()": "as above",
    "F.threshold(v * 1, 0.5, 2, inplace=True)": "as above",
} | {
    case.expression: "torch takes it apart into permutations and products; here it's one operation"
    for case in GOLDEN
    if "einsum" in case.expression or "inner(" in case.expression
}
NAMES_DIFFER |= dict.fromkeys(LAYERS["inplace"], "torch has a class of its own for some functions in place")
NAMES_DIFFER |= dict.fromkeys(LAYERS["linear"], "here it's a product and a sum")
"""Whose grad_fn is called otherwise."""


test_value_and_gradients, test_grad_fn_has_pytorch_name, _ = golden_tests(
    GOLDEN, DEPARTURES, SECOND_ORDER, NAMES_DIFFER, SEVEN_DIGITS
)


# ---- kinks, ties and edges, and far arguments


def with_slope(expression: str, point: list[float], dtype: str = "float64") -> tuple[np.ndarray, Tensor, Tensor]:
    """The value of an expression in x, the gradient of its sum, recorded, and x."""
    session = Session(tracking="explicit", dtype=dtype)
    x = session["x"] = tensor(np.array(point, dtype), dtype=dtype, requires_grad=True)
    with np.errstate(all="ignore"):
        list(session.run(f"y = {expression}"))
        y = session["y"]
        # Where nothing was recorded, there is no slope: that of a count, say.
        (slope,) = grad([np.sum(y)], [x], create_graph=True, allow_unused=True) if y.requires_grad else (None,)
    return y.array, tensor(np.zeros(len(point), dtype)) if slope is None else slope, x


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("convention", EDGES)
@pytest.mark.filterwarnings("ignore:.* gives nan")
def test_at_a_kink(convention: str, dtype: str) -> None:
    for edge in EDGES[convention]:
        expression, point, wanted = edge
        _, slope, _ = with_slope(expression, point, dtype)
        assert slope.dtype == dtype
        np.testing.assert_allclose(slope.array, wanted, 1e-6 if dtype == "float32" else 1e-12, err_msg=str(edge))


@pytest.mark.parametrize("function", FAR)
def test_at_1e4_and_at_1e_minus_300_nothing_overflows_and_nothing_is_lost(function: str) -> None:
    for far in FAR[function]:
        expression, point, value, wanted = far
        found, slope, _ = with_slope(expression, point)
        nothing = 0 if np.any(value) else 1e-15
        np.testing.assert_allclose(found, value, rtol=1e-12, atol=nothing, err_msg=str(far))
        np.testing.assert_allclose(slope.array, wanted, rtol=1e-12, err_msg=str(far))


# The curvature of a norm at 1e-300 is 1e300.
@pytest.mark.parametrize("function", [name for name in FAR if not name.startswith("norm")])
def test_nor_is_a_second_derivative_there_nan(function: str) -> None:
    for expression, point, _, _ in FAR[function]:
        _, slope, x = with_slope(expression, point)
        if slope.requires_grad:
            with np.errstate(all="ignore"):
                (second,) = grad([np.sum(slope)], [x], allow_unused=True)
            assert second is None or not np.isnan(second.array).any(), expression


# ---- several results


PARTS = {
    "std_mean(x)": 2, "var_mean(x, 0)": 2, "split(x, 1)": 2, "x.chunk(3, 1)": 3, "unbind(x)": 2,
    "tensor_split(x, 3, 1)": 3, "meshgrid(x[0], x[1])": 2, "broadcast_tensors(x, x[0], x[0, 0])": 3,
    "atleast_1d(x[0, 0], x)": 2, "gradient(x)": 2, "F.max_pool2d(x[None], (1, 2), return_indices=true)": 2,
    "F.adaptive_max_pool1d(x, 1, true)": 2, "x.aminmax(dim=0)": 2,
    "torch.unique(x, return_inverse=true, return_counts=true)": 3,
}  # fmt: skip


@pytest.fixture
def session() -> Session:
    found = Session(tracking="explicit")
    found["x"] = tensor([[2.0, 1.0, -3.0], [0.5, 4.0, 1.5]], requires_grad=True)
    return found


@pytest.mark.parametrize("expression", FIELDS)
def test_parts_unpack_and_have_torch_field_names(session: Session, expression: str) -> None:
    fields = FIELDS[expression].split()
    names = ", ".join(f"part{n}" for n in range(len(fields)))
    list(session.run(f"{names} = {expression}\nwhole = {expression}"))
    for number, field in enumerate(fields):
        list(session.run(f"named = whole.{field}\ncounted = whole[{number}]"))
        np.testing.assert_array_equal(session["named"].array, session[f"part{number}"].array)
        np.testing.assert_array_equal(session["counted"].array, session["named"].array)


@pytest.mark.parametrize("expression", PARTS)
def test_parts_without_names_unpack(session: Session, expression: str) -> None:
    names = [f"part{n}" for n in range(PARTS[expression])]
    list(session.run(f"{', '.join(names)} = {expression}"))
    assert all(isinstance(session[name], Tensor) for name in names)


# ---- second order, where torch has none to compare with


@pytest.mark.parametrize(
    "function",
    [
        "x -> cdist(x.reshape(3, 2), x.reshape(3, 2).flip(0) * 2 + 3)",
        "x -> cdist(x.reshape(2, 3), 5 - x.reshape(2, 3), 3)",
        "x -> cdist(x.reshape(2, 3), 5 - x.reshape(2, 3), 1.5)", "x -> F.pdist(x.reshape(3, 2) ** 3 + x[:2])",
        "x -> F.multi_margin_loss(x.reshape(2, 3), tensor([0, 2], dtype=int64), p=2, margin=3.3)",
        "x -> F.multilabel_margin_loss(x.reshape(2, 3) ** 2, tensor([[0, 1, -1], [2, -1, 0]], dtype=int64))",
        "x -> F.ctc_loss(log_softmax(x.reshape(3, 1, 2), 2), tensor([[1]], dtype=int64), [3], [1])",
        "x -> F.embedding_bag(tensor([[0, 1], [1, 1]], dtype=int64), x[:4].reshape(2, 2), mode='sum', "
        "per_sample_weights=x[2:].reshape(2, 2))",
        "x -> linalg.cond(x[:4].reshape(2, 2) + 2 * eye(2), 'fro')",
        "x -> linalg.cond(x[:4].reshape(2, 2) + 0.3 + 2 * eye(2), 1)",
        "x -> linalg.vander(x, N=4)", "x -> vander(x)", "x -> scatter(x * x, 0, tensor([1, 3], dtype=int64), x ** 2)",
        "x -> scatter_add(x * x, 0, tensor([1, 1, 3], dtype=int64), x ** 3)",
        "x -> F.scaled_dot_product_attention(x.reshape(1, 2, 1, 3), x.reshape(1, 1, 2, 3), x.reshape(1, 1, 2, 3), "
        "enable_gqa=true)",
        "x -> F.hardsigmoid(x * x)", "x -> F.hinge_embedding_loss(x * x, tensor([1.0, -1, 1, -1, 1, -1]))",
        "x -> F.margin_ranking_loss(x ** 2, 1 - x, tensor([1.0, -1, 1, -1, 1, -1]), margin=0.1)",
        "x -> scatter_reduce(ones(3), 0, tensor([0, 1, 0, 2, 1, 2], dtype=int64), x ** 2 + 1, 'prod')",
        "x -> F.interpolate((x ** 2).reshape(1, 1, 2, 3), scale_factor=2, mode='bicubic')",
        "x -> F.grid_sample((x ** 2).reshape(1, 1, 2, 3), (x[:4] / 3 + 0.1).reshape(1, 1, 2, 2), mode='bicubic')",
    ],
)  # fmt: skip
def test_second_derivatives_that_torch_lacks_are_those_of_central_differences(function: str) -> None:
    check_derivatives(function)


# ---- transforms


TRANSFORMS = json.loads(GOLDEN_FILE.with_name("breadth_transforms.json").read_text(encoding="utf-8"))


def assert_same(found: Any, wanted: Any) -> None:
    if isinstance(wanted, list):
        assert len(found) == len(wanted)
        for part, other in zip(found, wanted, strict=True):
            assert_same(part, other)
        return
    assert list(found.shape) == wanted["shape"]
    np.testing.assert_allclose(np.ravel(found.array), wanted["data"], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("tracked", [False, True], ids=["of plain tensors", "of leaves"])
@pytest.mark.parametrize("expression", transforms_of_several.CASES)
def test_transforms_of_several_arguments_are_torchs(expression: str, tracked: bool) -> None:
    session = Session(tracking="explicit")
    for name, text in VALUES.items():
        list(session.run(f"{name} = tensor({text}).detach()"))
        session[name].requires_grad_(tracked)
    for name, text in transforms_of_several.FUNCTIONS.items():
        list(session.run(f"{name} = {in_gradcli(text)}"))
    list(session.run(f"result = {in_gradcli(expression)}"))
    assert_same(session["result"], TRANSFORMS[expression])


RECORDED = {
    "jacobian(z, x)": [2, 0, 1], "jacobian(y, x)": np.diag([2.0, 4, 6]), "jacobian(y, w)": np.zeros((3, 3)),
    "jacobian(y.detach(), x)": np.zeros((3, 3)), "jacobian(ones(2), x)": np.zeros((2, 3)),
    "jacobian((y, z), (x, w))[1][1]": [1, 2, 3], "jacobian((y, z), (x, w))[0][1]": np.zeros((3, 3)),
    "jacobian([y, z], x)[1]": [2, 0, 1], "jacobian(y, [x])[0]": np.diag([2.0, 4, 6]),
    "jacobian(jacobian(z, x, create_graph=true), w)": np.eye(3), "jacobian(y[1], x[1:])": np.zeros(2),
    "jacobian(z, y)": np.zeros(3), "jacobian(y * w, y)": np.diag([2.0, 0, 1]),
}  # fmt: skip


@pytest.mark.parametrize("expression", RECORDED)
def test_the_jacobian_of_a_recorded_result(expression: str) -> None:
    session = Session(tracking="explicit")
    list(session.run("x = tensor([1.0, 2, 3], requires_grad=true); w = tensor([2.0, 0, 1], requires_grad=true)\n"
                     f"y = x ^ 2; z = (x * w).sum()\nresult = {expression}"))  # fmt: skip
    np.testing.assert_array_equal(session["result"].array, RECORDED[expression])


INDEPENDENT = {
    "grad(x -> 5)(s)": 0, "grad(x -> ones(2).sum())(v)": [0, 0], "value_and_grad(x -> 5)(s)[1]": 0,
    "jacobian(x -> 5, v)": [0, 0], "jacobian(x -> ones(3), v)": np.zeros((3, 2)),
    "jacrev(x -> ones(3))(v)": np.zeros((3, 2)), "jacfwd(x -> ones(3))(v)": np.zeros((3, 2)),
    "hessian(x -> 5, v)": np.zeros((2, 2)), "hessian(x -> x.sum(), v)": np.zeros((2, 2)),
    "jvp(x -> ones(3), v, v)[1]": [0, 0, 0], "vjp(x -> ones(3), v)[1](ones(3))[0]": [0, 0],
    "hvp(x -> x.sum(), v, v)[1]": [0, 0], "vmap(x -> ones(3))(v)": np.ones((2, 3)), "vmap(grad(x -> 5))(v)": [0, 0],
    "grad(x -> x.detach() ^ 2)(s)": 0,
}  # fmt: skip


@pytest.mark.parametrize("expression", INDEPENDENT)
def test_what_does_not_depend_on_x_has_zeros(expression: str) -> None:
    session = Session(tracking="explicit")
    list(session.run(f"s = tensor(2.0); v = tensor([1.0, 3.0])\nresult = {expression}"))
    np.testing.assert_array_equal(session["result"].array, INDEPENDENT[expression])


# ---- cost: not a step of Python for each position, sample or matrix


HEAVY = {
    "F.conv1d(x, ones(2, 2, 5))": (1, 2, 20000), "F.conv2d(x, ones(2, 3, 3, 3), padding=1)": (60, 3, 16, 16),
    "F.conv_transpose2d(x, ones(3, 2, 3, 3), stride=2)": (60, 3, 16, 16), "F.max_pool2d(x, 3, 2)": (60, 3, 32, 32),
    "F.avg_pool2d(x, 3, 1)": (60, 3, 32, 32), "F.adaptive_avg_pool2d(x, (5, 7))": (60, 3, 32, 32),
    "scatter_add(zeros(9), 0, i, x)": (50000,), "index_add(zeros(9), 0, i, x)": (50000,), "ones(9)[i] * x": (50000,),
    "F.embedding(i, x[:9, None] * ones(1, 4))": (50000,), "cumprod(x, 0)": (50000,),
    "cumprod(x * (x != x[9]), 0)": (50000,), "linalg.inv(x + 9 * eye(4))": (3000, 4, 4),
    "linalg.cholesky(x @ x.mT + eye(4))": (3000, 4, 4), "linalg.solve(x + 9 * eye(4), x)": (3000, 4, 4),
    "linalg.svdvals(x)": (3000, 4, 4), "linalg.qr(x).R": (3000, 4, 4), "linalg.eigvalsh(x)": (3000, 4, 4),
    "linalg.det(x)": (3000, 4, 4), "matrix_exp(x)": (1000, 4, 4),
    "linalg.solve_triangular(x + 9 * eye(4), x, upper=true)": (3000, 4, 4), "linalg.lu(x).U": (3000, 4, 4),
    "F.interpolate(x, scale_factor=2, mode='bilinear')": (20, 3, 16, 16), "F.unfold(x, 3)": (20, 3, 32, 32),
}  # fmt: skip
"""Sizes at which a step of Python for each position, sample or matrix would be thousands of steps."""


@pytest.mark.parametrize("expression", HEAVY)
def test_no_step_of_python_for_each_position_sample_or_matrix(expression: str) -> None:
    """Counted, not timed: the events of Python's profiler in one pass, and in one over a tenth of the elements."""
    shape = HEAVY[expression]
    small = (max(shape[0] // 10, 1), *shape[1:]) if shape[0] > 1 else (*shape[:-1], shape[-1] // 10)
    few, many = steps(expression, small), steps(expression, shape)
    assert many < few + 400


def test_the_count_of_steps_can_tell() -> None:
    assert steps("stack([row * 2 for row in x])", (300, 2)) > steps("stack([row * 2 for row in x])", (30, 2)) + 400


def steps(expression: str, shape: tuple[int, ...]) -> int:
    """How many calls a pass forward and back makes, those of C among them; counted the second time."""
    session = Session(tracking="explicit")
    rng = np.random.default_rng(0)
    session["x"] = tensor(rng.uniform(0.5, 1.5, shape), requires_grad=True)
    session["i"] = tensor(np.arange(shape[0]) % 9, dtype="int64")
    script = f"y = ({expression}).sum(); y.backward(); x.grad = none"
    list(session.run(script))
    count = 0

    def counting(*_: Any) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counting)
    try:
        list(session.run(script))
    finally:
        sys.setprofile(None)
    return count
