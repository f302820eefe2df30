"""torch.nn.functional: every golden case of layers.json, large and small arguments, random layers, and their sizes."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from gradcli import Session, tensor
from gradcli.analysis.symbols import substituted
from gradcli.engine import TABLE
from gradcli.errors import LimitFailure
from tests.analysis.derivations import check_formula
from tests.operations.golden import explained_test, golden_tests
from tests.operations.inputs import GOLDEN_FILE, read_golden
from tests.sessions import ran

GOLDEN = read_golden(GOLDEN_FILE.with_name("layers.json"))

DEPARTURES: dict[str, str] = {
    f"F.hardsigmoid({argument}) [{variant}]": "torch's slope is a float32's 1/6; here it is float64's"
    for argument in ("x", "2 * kinks", "6 * kinks")
    for variant in ("float64", "strided")
}
"""Not compared at all: an expression, or one variant of it."""

SECOND_ORDER: dict[str, str] = {
    "F.mish(1000 * x)": "torch overflows to nan; 0 is the second derivative",
    "F.normalize(zeros4, dim=0)": "torch divides 0 by 0; here the subgradient 0 is constant",
    "F.cosine_similarity(zeros4, w, 0)": "as above",
    "F.cosine_similarity(s, r, dim=0)": "rounding, of 1e-16 in the place of 0",
    "F.prelu(kinks, one)": "at 0 the slope is that from below, so its derivative in the weight is 1; torch has 0",
}
"""Compared in value and first derivative only."""

NAMES_DIFFER: dict[str, str] = {
    "F.scaled_dot_product_attention(image, image[:, :2], image[:, :2], enable_gqa=True)":
        "torch chooses a kernel by the shapes; here it's always the formula",
    'F.pad(x, (1, 2), mode="circular")': "torch's own class for it, torch::autograd::CopySlices, prints as CopySlices",
    'F.pad(image, (2, 1, 1, 3), mode="circular")': "as above",
}  # fmt: skip
"""Whose grad_fn is called otherwise."""


test_value_and_gradients, test_grad_fn_has_pytorch_name, test_what_pytorch_refuses_is_refused = golden_tests(
    GOLDEN, DEPARTURES, SECOND_ORDER, NAMES_DIFFER
)


# ---- formulas and derivations


test_every_function_is_explained_and_the_gradients_are_those_of_backward = explained_test(GOLDEN, floating="ignore")


POINTS = np.array([[0.3, -1.2, 2.7], [-0.7, 1.8, -2.3]])
FORMULAS = [
    ("elu", (POINTS,), (1.5, 1.2, 0.8)),
    ("leaky_relu", (POINTS,), (0.2,)),
    ("hardtanh", (POINTS,), (-1.0, 2.0)),
    ("hardshrink", (POINTS,), (1.0,)),
    ("softshrink", (POINTS,), (1.0,)),
    ("threshold", (POINTS,), (1.0, 3.0)),
    ("standardized", (POINTS,), ((1,), 0.1)),
    ("standardized", (POINTS,), ((0, 1), 0.5)),
]


@pytest.mark.parametrize(("name", "inputs", "parameters"), FORMULAS, ids=str)
def test_a_formula_without_words_gives_what_the_rule_gives(name: str, inputs: tuple, parameters: tuple) -> None:
    check_formula(TABLE[name], inputs, parameters)


def test_formulas_that_are_whole_expressions_are_all_tested() -> None:
    tested = {name for name, _, _ in FORMULAS}
    modules = ("activations", "convolution", "embedding", "normalization", "resampling", "windows")
    own = [op for op in TABLE.values() if op.forward.__module__ in [f"gradcli.engine.{name}" for name in modules]]
    assert len(own) > 20
    for op in own:
        for formula in op.formula:
            if not op.elementwise and not substituted(re.sub(r"\{\w+\}", "", formula), {})[1]:
                assert op.name in tested


# ---- far from 0, and near it


def derivatives(expression: str, points: list[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value, slope and curvature of an elementwise expression in x."""
    session = Session(tracking="explicit")
    session["x"] = tensor(points, requires_grad=True)
    script = f"y = {expression}\n(g,) = grad(y.sum(), [x], create_graph=true)\n(h,) = grad((g + 0 * x).sum(), [x])"
    with np.errstate(all="ignore"):
        list(session.run(script))
    return tuple(session[name].array for name in "ygh")


AT_0 = math.sqrt(2 / math.pi)
"""The curvature of gelu at 0."""

FAR = [-1e4, -1e-300, 1e-300, 1e4]
STABLE = [
    ("softplus(x)", [0, math.log(2), math.log(2), 1e4], [0, 0.5, 0.5, 1], [0, 0.25, 0.25, 0]),
    ("F.logsigmoid(x)", [-1e4, -math.log(2), -math.log(2), 0], [1, 0.5, 0.5, 0], [0, -0.25, -0.25, 0]),
    ("F.silu(x)", [0, -5e-301, 5e-301, 1e4], [0, 0.5, 0.5, 1], [0, 0.5, 0.5, 0]),
    ("F.mish(x)", [0, -6e-301, 6e-301, 1e4], [0, 0.6, 0.6, 1], [0, 0.64, 0.64, 0]),
    ("F.gelu(x)", [0, -5e-301, 5e-301, 1e4], [0, 0.5, 0.5, 1], [0, AT_0, AT_0, 0]),
    ('F.gelu(x, approximate="tanh")', [0, -5e-301, 5e-301, 1e4], [0, 0.5, 0.5, 1], [0, AT_0, AT_0, 0]),
    ("F.elu(x)", [-1, -1e-300, 1e-300, 1e4], [0, 1, 1, 1], [0, 1, 0, 0]),
    ("F.softsign(x)", [-1 + 1e-4, 0, 0, 1 - 1e-4], [1e-8, 1, 1, 1e-8], [2e-12, 2, -2, -2e-12]),
    ("F.binary_cross_entropy_with_logits(x, zeros(4), reduction='none')",
     [0, math.log(2), math.log(2), 1e4], [0, 0.5, 0.5, 1], [0, 0.25, 0.25, 0]),
    ("F.soft_margin_loss(x, ones(4), reduction='none')",
     [1e4, math.log(2), math.log(2), 0], [-1, -0.5, -0.5, 0], [0, 0.25, 0.25, 0]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "value", "slope", "curvature"), STABLE, ids=[case[0] for case in STABLE])
def test_far_arguments_overflow_nowhere(expression: str, value: list, slope: list, curvature: list) -> None:
    """To three digits, at -1e4, -1e-300, 1e-300 and 1e4: none of these is nan, and none infinite."""
    for found, expected in zip(derivatives(expression, FAR), (value, slope, curvature), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-299)


def test_the_lower_tail_of_gelu_keeps_its_digits() -> None:
    """1 + erf would cancel to 0: x times the distribution function, which is phi(x)/|x| (1 - 1/x^2 + 3/x^4 - ...)."""
    x = np.array([-10.0, -20.0])
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    series = -density * (1 - 1 / x**2 + 3 / x**4 - 15 / x**6)
    np.testing.assert_allclose(derivatives("F.gelu(x)", list(x))[0], series, rtol=1e-4)


# ---- random layers, with the session's generator


@pytest.mark.parametrize("layer", ["F.dropout(x, 0.25)", "F.dropout2d(x, 0.25)", "F.alpha_dropout(x, 0.25, true)",
                                   "F.rrelu(x, 0.1, 0.3, true)", "F.gumbel_softmax(x)"])  # fmt: skip
def test_a_seed_makes_a_random_layer_again(layer: str) -> None:
    x = np.linspace(-2, 2, 160).reshape(4, 10, 4) + 0.01
    first, again = (ran(f"y = {layer}\nz = {layer}", x=x) for _ in range(2))
    np.testing.assert_array_equal(first["y"].array, again["y"].array)
    assert not np.array_equal(first["y"].array, first["z"].array)


def test_dropout_scales_what_it_keeps_and_the_gradient_goes_where_the_value_does() -> None:
    session = ran("y = F.dropout(x, 0.25)\ny.sum().backward()\ng = x.grad", x=np.ones((200, 100)))
    y = session["y"].array
    np.testing.assert_array_equal(np.unique(y), [0, 4 / 3])
    np.testing.assert_array_equal(session["g"].array, y)
    assert abs(y.mean() - 1) < 0.02


def test_channel_dropout_drops_whole_channels() -> None:
    y = ran("y = F.dropout2d(x)", x=np.ones((20, 10, 3, 3)))["y"].array
    assert set(y.sum(axis=(2, 3)).ravel()) == {0, 18}


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = np.random.default_rng(0).standard_normal((400, 400))
    y = ran("y = F.alpha_dropout(x, 0.3, training=true)", x=x)["y"].array
    assert abs(y.mean()) < 0.02
    assert abs(y.var() - 1) < 0.02


def test_rrelu_draws_its_slopes_between_the_bounds() -> None:
    session = ran("y = F.rrelu(x, 0.1, 0.3, training=true)\ny.sum().backward()\ng = x.grad", x=-np.ones(1000))
    slopes = session["g"].array
    np.testing.assert_allclose(session["y"].array, -slopes)
    assert 0.1 <= slopes.min() < 0.11 < 0.29 < slopes.max() <= 0.3


def test_a_hard_gumbel_sample_is_one_hot_with_the_soft_ones_gradient() -> None:
    script = "y = F.gumbel_softmax(x, tau=2, hard={})\n(y * v).sum().backward()\ng = x.grad"
    x, v = np.log([[0.7, 0.2, 0.1]] * 5000), np.arange(15000.0).reshape(5000, 3)
    hard, soft = (ran(script.format(word), x=x, v=v) for word in ("true", "false"))
    y = hard["y"].array
    np.testing.assert_allclose(y.sum(1), 1)
    np.testing.assert_allclose(y.max(1), 1)
    np.testing.assert_allclose(y.mean(0), [0.7, 0.2, 0.1], atol=0.03)
    np.testing.assert_allclose(hard["g"].array, soft["g"].array)


# ---- in place


def test_running_statistics_move_towards_the_batch() -> None:
    x = np.arange(24.0).reshape(4, 3, 2) ** 1.5
    session = ran("m = zeros(3); s = ones(3); y = F.batch_norm(x, m, s, training=true, momentum=0.25)", x=x)
    np.testing.assert_allclose(session["m"].array, 0.25 * x.mean((0, 2)))
    np.testing.assert_allclose(session["s"].array, 0.75 + 0.25 * x.var((0, 2), ddof=1))


def test_activations_in_place_change_their_input_and_are_recorded() -> None:
    session = ran(
        "y = x * 1; z = F.elu(y, inplace=true); F.leaky_relu_(y, 0.5); y.sum().backward(); g = x.grad",
        x=np.array([-1.0, 2.0]),
    )
    np.testing.assert_allclose(session["y"].array, [0.5 * np.expm1(-1), 2])
    np.testing.assert_allclose(session["g"].array, [0.5 * np.exp(-1), 1])


def test_embedding_rows_beyond_max_norm_are_scaled_down() -> None:
    session = ran("with torch.no_grad() { y = F.embedding(tensor([0.0, 1.0]).long(), x, max_norm=1.0) }",
                  x=np.array([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]]))  # fmt: skip
    np.testing.assert_allclose(session["x"].array, [[0.6, 0.8], [0.3, 0.4], [6, 8]], rtol=1e-6)


# ---- sizes


@pytest.mark.parametrize("expression", ["F.pad(x, (0, 10^13))", "F.interpolate(x, 10^13)",
                                        "F.conv_transpose1d(x, x, stride=10^13)"])  # fmt: skip
def test_what_is_larger_than_memory_is_refused_first(expression: str) -> None:
    with pytest.raises(LimitFailure):
        ran(f"y = {expression}", x=np.ones((2, 2, 2)))


def test_a_window_as_large_as_the_image_takes_one_step() -> None:
    """Sums go over the windows or over their elements, whichever are fewer."""
    x = np.random.default_rng(1).standard_normal((1, 1, 300, 300))
    session = ran("F.avg_pool2d(x, 300).backward(); g = x.grad", x=x)
    np.testing.assert_allclose(session["g"].array, np.full(x.shape, 1 / 90000))
