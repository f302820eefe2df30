"""The tree of a graph: plain lines that fit, and the same in the theme's styles."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest
from rich.console import Console

from gradcli.analysis.folding import folded
from gradcli.render.graph_rich import rich_tree
from gradcli.render.graph_text import columns, lines_of
from gradcli.render.theme import STYLES, THEME
from tests.analysis.graphs import SCRIPTS, graph_behind, line_of_nodes


def test_the_result_stands_above_its_operands() -> None:
    assert lines_of(graph_behind(SCRIPTS["seed"])) == [
        "y = 28. · mul · 2*dot(x, x) · line 2",
        "├─ 2 · constant",
        "└─ dot(x, x) = 14. · matmul · line 2",
        "   ├─ #1 x = [0., 1., 2., 3.] · leaf (4,) · line 1 · grad [0., 4., 8., 12.]",
        "   └─ see #1 x",
    ]


def test_what_is_shared_is_drawn_once() -> None:
    assert lines_of(graph_behind(SCRIPTS["diamond"])) == [
        "y = 3348.4307 · add · b*c + a · line 5",
        "├─ b*c = 3339.4307 · mul · line 5",
        "│  ├─ b = 0.4121 · sin · sin(a) · line 3",
        "│  │  └─ #1 a = 9. · pow · x^2 · line 2",
        "│  │     ├─ x = 3. · leaf · line 1 · no backward yet",
        "│  │     └─ 2 · constant",
        "│  └─ c = 8103.0839 · exp · exp(a) · line 4",
        "│     └─ see #1 a",
        "└─ see #1 a",
    ]


def test_kinds_and_hooks_are_told_apart() -> None:
    source = "x = arange(2)\nu = x*x\nconst c = [1.0, 2]\nz = x*u.detach()*c\nz.register_hook(g -> g)\ny = sum(z)"
    assert lines_of(graph_behind(source))[1:] == [
        "└─ z = [0., 2.] · mul (2,) · x*u.detach()*c · line 4 · 1 hook",
        "   ├─ x*u.detach() = [0., 1.] · mul (2,) · line 4",
        "   │  ├─ x = [0., 1.] · leaf (2,) · line 1 · no backward yet",
        "   │  └─ [0., 1.] · detached (2,) · from u",
        "   └─ c = [1., 2.] · constant (2,)",
    ]


def test_a_narrow_window_wraps_and_cuts() -> None:
    assert lines_of(graph_behind(SCRIPTS["seed"]), 40) == [
        "y = 28. · mul · 2*dot(x, x) · line 2",
        "├─ 2 · constant",
        "└─ dot(x, x) = 14. · matmul · line 2",
        "   ├─ #1 x = [0., 1., 2., 3.]",
        "   │     leaf (4,) · line 1",
        "   │     grad [0., 4., 8., 12.]",
        "   └─ see #1 x",
    ]


@pytest.mark.parametrize("width", [40, 41, 60, 80, 200])
@pytest.mark.parametrize("script", SCRIPTS)
def test_no_line_is_wider_than_the_window_and_every_node_is_drawn_once(script: str, width: int) -> None:
    graph = folded(graph_behind(SCRIPTS[script]))
    lines = lines_of(graph, width)
    assert max(map(columns, lines)) <= width
    trees = 1 + lines.count("")
    begun = [line for line in lines if re.match("[│ ]*[├└]─ ", line)]
    references = sum("see #" in line for line in begun)
    # Each use is a node's line or a reference; a tree below has a line of its own beside its reference.
    assert len(begun) == len(graph.edges)
    assert len(begun) - references + trees == len(graph.nodes)


def test_every_reference_has_its_number() -> None:
    lines = lines_of(graph_behind(SCRIPTS["loop"]), 40)
    drawn = {match[1] for line in lines if (match := re.match(r"(?:[│├└─ ]*)#(\d+) ", line))}
    seen = {match[1] for line in lines if (match := re.search(r"see #(\d+)", line))}
    assert seen == drawn


def test_a_fold_says_what_it_hides() -> None:
    lines = lines_of(folded(graph_behind(SCRIPTS["loop"])), 120)
    fold = [line.lstrip("│├└─ ") for line in lines if "⋯" in line]
    assert fold == ["⋯ 998 more times · sin, mul, add · 2994 operations · 998 constants · lines 3-4"]
    assert any(line.endswith("see #1 w · used 998 times") for line in lines)


def test_a_chain_of_a_hundred_thousand_nodes_is_drawn() -> None:
    lines = lines_of(line_of_nodes(100_000), 40)
    assert max(map(len, lines)) <= 40
    assert sum("· sin · line" in line or "sin(v" in line for line in lines) >= 99_999


def test_wide_characters_count_twice() -> None:
    assert columns("π = 3") == 5
    assert columns("重み") == 4
    assert columns("e\u0301") == 1
    lines = lines_of(graph_behind("重み = [1.0, 2]\ny = sum(重み*重み + 重み*重み + 重み*重み + 重み*重み)"), 40)
    assert max(map(columns, lines)) <= 40


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("script", SCRIPTS)
def test_rich_shows_the_same_lines(script: str, width: int) -> None:
    graph = folded(graph_behind(SCRIPTS[script]))
    text = rich_tree(graph, width)
    assert text.plain.split("\n") == lines_of(graph, width)
    out = io.StringIO()
    Console(file=out, width=width, theme=THEME, no_color=True, force_terminal=False).print(text)
    assert [line.rstrip() for line in out.getvalue().splitlines()] == [line.rstrip() for line in lines_of(graph, width)]


def test_rich_uses_the_styles_of_the_theme() -> None:
    styles = {span.style for span in rich_tree(graph_behind(SCRIPTS["detached"])).spans}
    assert {"leaf", "constant", "number", "reference", "grad_fn"} <= styles
    assert styles <= set(STYLES)


def test_only_the_rich_tree_needs_rich() -> None:
    plain = ("graph_text", "dot", "mermaid", "svg", "graph_json")
    code = f"""
import sys
for name in {plain!r}:
    __import__("gradcli.render." + name)
assert "gradcli.language" not in sys.modules, "language"
assert "gradcli.grammar" not in sys.modules, "grammar"
print("rich" in sys.modules)
import gradcli.render.graph_rich
print("rich" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "True"]
