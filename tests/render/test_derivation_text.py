"""A derivation as text, on a terminal and as JSON: aligned, within its columns, and never a flood."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gradcli.render.derivation_json import derivation_object
from gradcli.render.derivation_rich import rich_derivation
from gradcli.render.derivation_text import lines_of, number_text
from gradcli.render.graph_text import columns
from gradcli.render.theme import STYLES
from tests.analysis.derivations import explained

MLP = """const X = ones(5, 3)
const t = zeros(5, 2)
W1 = ones(3, 4)
b1 = zeros(4)
W2 = ones(4, 2)
h = tanh(X @ W1 + b1)
y = mean((h @ W2 - t)^2)"""
LOOP = "x = 1.01\nw = 2\ns = x\nfor i in range(100) { s = s*w + x }\ny = s^2"
PARTS = """x = arange(4)
p = zeros(3)
p[0] = x[1]
a, b = split(exp(x), 2)
m = max(stack([x, 2*x]), 0)
y = sum(a*b) + sum(p) + sum(m.values)"""
VECTOR = "x = [1., 2., 3.]\ny = 1/x"
HOOK = "x = 2\nv = x^2\nv.register_hook(g -> 2*g)\ny = v*3"
SCRIPTS = {"mlp": MLP, "loop": LOOP, "parts": PARTS, "vector": VECTOR, "hook": HOOK}


def test_the_derivation_of_the_book() -> None:
    assert lines_of(explained("x = arange(4)\ny = 2*dot(x, x)"), 80) == [
        "given",
        "  x = [0, 1, 2, 3]",
        "forward",
        "  v1 = dot(x, x) = 14                                                     line 2",
        "  y  = 2 * v1    = 28                                                     line 2",
        "backward",
        "                   ∂y/∂y  = 1",
        "  ∂y/∂v1 = 2       ∂y/∂v1 = ∂y/∂y * 2        = 1 * 2 = 2",
        "  ∂v1/∂x = x + x   ∂y/∂x  = ∂y/∂v1 * (x + x) = 2 * [0, 2, 4, 6] = [0, 4, 8, 12]",
        "gradients",
        "  x.grad = [0, 4, 8, 12]",
    ]


def test_in_a_narrow_window_rules_stand_above_their_chains() -> None:
    lines = lines_of(explained("x = arange(4)\ny = 2*dot(x, x)"), 40)
    assert lines[lines.index("backward") + 1 : lines.index("gradients")] == [
        "  ∂y/∂y = 1",
        "  ∂y/∂v1 = 2",
        "    ∂y/∂v1 = ∂y/∂y * 2 = 1 * 2 = 2",
        "  ∂v1/∂x = x + x",
        "    ∂y/∂x = ∂y/∂v1 * (x + x)",
        "          = 2 * [0, 2, 4, 6]",
        "          = [0, 4, 8, 12]",
    ]


def test_paths_that_meet_are_added_under_each_other() -> None:
    lines = lines_of(explained("x = 2\nu = 3*x\ny = u*x"), 80)
    assert lines[-5:-2] == [
        "  ∂y/∂x = u   ∂y/∂x = ∂y/∂y * u = 6",
        "  ∂u/∂x = 3         + ∂y/∂u * 3 = 6",
        "                    = 12",
    ]


@pytest.mark.parametrize("width", range(40, 121, 8))
@pytest.mark.parametrize("name", SCRIPTS)
def test_no_line_is_wider_than_the_window(name: str, width: int) -> None:
    lines = lines_of(explained(SCRIPTS[name]), width)
    assert all(columns(line) <= width for line in lines)
    assert all(line for line in lines)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_terminal_gets_the_same_text_in_styles_of_the_theme(name: str, width: int) -> None:
    derivation = explained(SCRIPTS[name])
    text = rich_derivation(derivation, width)
    assert [line.rstrip() for line in text.plain.split("\n")] == lines_of(derivation, width)
    assert {str(span.style) for span in text.spans} <= set(STYLES)
    assert text.spans


def test_large_arrays_are_shown_by_their_shape() -> None:
    source = "const X = ones(500, 784)\nW = zeros(784, 10)\no = X @ W\ny = mean(logsumexp(o, 1) - o[:, 0])"
    lines = lines_of(explained(source), 80)
    assert "  W   (784, 10)" in lines
    assert any(line.endswith("∂y/∂W  = X.T @ ∂y/∂o") for line in lines)
    assert "  W.grad   (784, 10)" in lines
    assert len(lines) < 40


def test_a_loop_of_a_hundred_rounds_fits_a_screen_or_two() -> None:
    lines = lines_of(explained(LOOP), 100)
    assert len(lines) < 45
    assert "  ⋯ 98 more times: mul, add (v2 to s₉₉, line 4)" in lines
    assert "  ⋯ 98 more times: add, mul (s₉₉ to v2, line 4)" in lines
    assert any("96 more paths" in line for line in lines)


def test_a_hook_and_a_start_of_ones_are_told_of() -> None:
    assert any("a hook sees this gradient" in line for line in lines_of(explained(HOOK), 80))
    assert any("(the gradients of sum(y))" in line for line in lines_of(explained(VECTOR), 80))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(14), "14"),
        (np.float64(-0.25), "-0.25"),
        (np.float64(1e-9), "1e-09"),
        (np.float64(-0.0), "0"),
        (np.array([-1e-5, -0.5]), "[-1e-05, -5e-01]"),
        (np.array([1.0, 2.5, 10.0]), "[1, 2.5, 10]"),
        (np.array([np.nan, np.inf, -1.0]), "[nan, inf, -1]"),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), "[[1, 2], [3, 4]]"),
        (np.array([True, False]), "[True, False]"),
        (np.zeros((3, 7)), "(3, 7)"),
        (np.zeros((0, 3)), "[] (0, 3)"),
        (100, "100"),
    ],
)
def test_numbers_as_a_person_writes_them(value: Any, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize("name", SCRIPTS)
def test_json_is_strict_and_says_all_of_it(name: str) -> None:
    derivation = explained(SCRIPTS[name])
    found = json.loads(json.dumps(derivation_object(derivation, "y", 7), allow_nan=False))
    assert (found["type"], found["name"], found["line"]) == ("explain", "y", 7)
    assert len(found["forward"]) == len(derivation.forward)
    assert len(found["backward"]) == len(derivation.backward)
    for one, result in zip(found["gradients"], derivation.gradients, strict=True):
        assert one["name"] == result.name
        np.testing.assert_array_equal(np.array(one["value"]["data"]), result.gradient)


def test_json_has_numbers_that_are_not_finite_as_strings_and_no_large_arrays() -> None:
    found = derivation_object(explained("x = [0., 1.]\ny = sum(log(x)) + sum(ones(2000)*x[1])"))
    text = json.dumps(found, allow_nan=False)
    assert '"Infinity"' in text
    assert {"shape": [2000], "dtype": "float64", "data": None} in [line["value"] for line in found["forward"]]
