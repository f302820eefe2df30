"""The graph of what ran: its nodes in the words of the script, and how it's folded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.analysis.folding import MOST, REPEATS, folded
from gradcli.analysis.graph import CONSTANT, DETACHED, FOLDED, LEAF, OPERATION, RESULT, Edge, Graph, Node, graph_of
from tests.analysis.graphs import SCRIPTS, graph_behind, history_behind, line_of_nodes


def named(graph: Graph, name: str) -> Node:
    found = [node for node in graph.nodes if name in (node.name, node.expression)]
    assert len(found) == 1, found
    return found[0]


def operands(graph: Graph, node: Node) -> list[Node]:
    by_id = {one.id: one for one in graph.nodes}
    return [by_id[edge.source] for edge in graph.inputs[node.id]]


def assert_in_order(graph: Graph) -> None:
    """Each node once, after its inputs, the result last: there is no cycle."""
    place = {node.id: k for k, node in enumerate(graph.nodes)}
    assert len(place) == len(graph.nodes)
    assert all(place[edge.source] < place[edge.target] for edge in graph.edges)
    assert {edge.source for edge in graph.edges} == set(place) - {graph.result.id}


def test_a_node_says_what_ran_where_and_what_came_out() -> None:
    graph = graph_behind(SCRIPTS["seed"])
    assert [(n.id, n.kind, n.op, n.grad_fn, n.name, n.expression, n.line) for n in graph.nodes] == [
        ("n1", LEAF, None, None, "x", "arange(4)", 1),
        ("n2", OPERATION, "matmul", "DotBackward0", None, "dot(x, x)", 2),
        ("c1", CONSTANT, None, None, None, None, 2),
        ("n3", RESULT, "mul", "MulBackward0", "y", "2*dot(x, x)", 2),
    ]
    assert graph.edges == [Edge("n1", "n2", 0), Edge("n1", "n2", 1), Edge("c1", "n3", 0), Edge("n2", "n3", 1)]
    x, dot, two, y = graph.nodes
    assert (x.shape, x.dtype, x.value.tolist()) == ((4,), "float64", [0, 1, 2, 3])
    assert (dot.shape, dot.value, two.value, two.shape, y.value) == ((), 14, 2, (), 28)
    assert x.gradient.tolist() == [0, 4, 8, 12]
    assert not dot.has_gradient
    assert not dot.awaits_gradient


def test_ids_are_the_same_for_the_same_script() -> None:
    one, other = graph_behind(SCRIPTS["several"]), graph_behind(SCRIPTS["several"])
    assert [node.id for node in one.nodes] == [node.id for node in other.nodes]
    assert one.edges == other.edges


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_graph_is_in_order_also_folded(script: str) -> None:
    graph = graph_behind(SCRIPTS[script])
    assert_in_order(graph)
    assert_in_order(folded(graph))


def test_before_a_backward_pass_leaves_and_retained_results_await_their_gradient() -> None:
    source = "x = 3\nz = x^2\nz.retain_grad()\ny = z*2"
    graph = graph_behind(source)
    assert [node.name for node in graph.nodes if node.awaits_gradient] == ["x", "z"]
    assert not any(node.has_gradient for node in graph.nodes)
    graph = graph_behind(source + "\ny.backward()")
    assert {n.name: n.gradient for n in graph.nodes if n.has_gradient} == {"x": 12, "z": 2}


def test_gradients_to_show_can_be_given() -> None:
    _session, history = history_behind("x = 3\nz = x^2\ny = z*2\ny.backward()")
    gradients = {step: found.total for step, found in history.gradients().items()}
    assert [float(n.gradient) for n in graph_of(history, gradients).nodes if n.kind != CONSTANT] == [12, 2, 1]
    assert not any(node.has_gradient for node in graph_of(history, {}).nodes)


def test_hooks_are_counted() -> None:
    graph = graph_behind("x = 3\nx.register_hook(g -> g*2)\nz = x^2\nz.register_hook(g -> g)\n"
                         "z.register_hook(g -> g)\ny = z*2")  # fmt: skip
    assert {n.name: n.hooks for n in graph.nodes if n.name} == {"x": 1, "z": 2, "y": 0}


def test_large_values_stay_out() -> None:
    graph = graph_behind("x = arange(1000)\ny = sum(x*2)\nbackward y")
    x = named(graph, "x")
    assert (x.shape, x.value, x.gradient, x.has_gradient) == ((1000,), None, None, True)


# ---- constants and detached values


def test_detached_is_what_came_from_a_leaf() -> None:
    graph = graph_behind(
        """x = [1.0, 2]
m = mean(x)
no_grad { s = m*2 }
u = (x*3).detach()
k = (m + 1).detach()
late = x.detach() + 1
const c = [5.0, 6]
mask = x > 1
y = sum(x*s*u*k*c*late + where(mask, x, 7.0)) + m"""
    )
    kinds = {node.name or str(node.value): node.kind for node in graph.nodes if node.kind in (CONSTANT, DETACHED)}
    assert kinds == {
        "s": DETACHED,
        "u": DETACHED,
        "k": DETACHED,
        "late": DETACHED,
        "c": CONSTANT,
        "mask": CONSTANT,
        "7.0": CONSTANT,
    }


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        ("x = [1.0, 2]\ny = dot(x.detach(), x)", "x"),
        ("x = 2\ny = x.detach()*x", "x"),
        ("x = [1.0, 2]\nu = x*2\nv = u.detach()\ny = sum(v*x)", "u"),
        ("x = [1.0, 2]\ny = sum((x*2).detach()*x)", None),
        ("x = [1.0, 2]\nu = x*x\ny = sum(u.detach()*u)", "u"),
    ],
)
def test_where_its_memory_tells_a_detached_value_says_what_of(source: str, origin: str | None) -> None:
    (detached,) = (node for node in graph_behind(source).nodes if node.kind == DETACHED)
    assert detached.origin == origin


def test_a_constant_array_is_one_node_and_each_number_its_own() -> None:
    graph = graph_behind("x = [1.0, 2]\nconst c = [3.0, 4]\ny = sum(x*c + c + 2*x*2)")
    constants = [(node.name, np.asarray(node.value).tolist()) for node in graph.nodes if node.kind == CONSTANT]
    assert constants == [("c", [3, 4]), (None, 2), (None, 2)]


@pytest.mark.parametrize("start", ["zeros(3)", "w*ones(3)"])
def test_what_a_write_overwrites_is_no_detached_value(start: str) -> None:
    graph = graph_behind(f"w = 3\np = {start}\np[0] = w^2\np[1] = w\ny = sum(p)")
    assert DETACHED not in {node.kind for node in graph.nodes}
    graph = graph_behind(f"w = 3\np = {start}\np[0] = w^2\ny = sum(p*p.detach())")
    assert [node.kind for node in graph.nodes].count(DETACHED) == 1


def test_a_number_that_is_added_to_stays_what_earlier_operations_saw() -> None:
    graph = graph_behind("w = 2\ntotal = 1\ntotal = total*w\ntotal += sin(w)\ny = total*3")
    assert float(named(graph, "total*w").value) == 2


# ---- several operations in one expression


def test_only_the_last_operation_of_an_expression_is_called_by_it() -> None:
    graph = graph_behind(SCRIPTS["several"])
    assert [(n.op, n.name) for n in graph.nodes if n.inner] == [("gather", None)]
    m = named(graph, "m")
    assert [n.op for n in operands(graph, m)] == ["gather"]
    assert [n.op for n in graph.nodes if n.name in ("a", "b")] == ["split[0]", "split[1]"]


def test_rounds_of_a_loop_are_not_one_expression() -> None:
    graph = graph_behind("x = 2\ny = x\nfor i in range(3) { y = sin(y) }")
    assert [node.inner for node in graph.nodes if node.op] == [False] * 3


# ---- folding


def test_a_loop_is_folded_but_for_its_first_and_last_round() -> None:
    graph = graph_behind(SCRIPTS["loop"])
    small = folded(graph)
    (fold,) = (node for node in small.nodes if node.kind == FOLDED)
    assert fold.fold is not None
    assert (fold.fold.repeats, fold.fold.operations, fold.fold.constants, fold.fold.leaves) == (998, 2994, 998, 0)
    assert (fold.fold.first_line, fold.fold.last_line) == (3, 4)
    assert dict(fold.fold.ops) == {"sin": 998, "mul": 998, "add": 998}
    assert [n.op for n in small.nodes if n.op] == ["sin", "mul", "add", "sin", "mul", "add", "mul"]
    into = {named(small, "w").id: 998, graph.nodes[[n.op for n in graph.nodes].index("add")].id: 1}
    assert {edge.source: edge.times for edge in small.inputs[fold.id]} == into


def test_a_loop_in_a_loop_is_folded_inside_out() -> None:
    small = folded(graph_behind("w = 1.5\nz = w\nfor i in range(30) { for j in range(10) { z = cos(z*w) }\n z = z + 1 }"
                                "\ny = z*1"))  # fmt: skip
    folds = [node.fold for node in small.nodes if node.fold is not None]
    assert [(fold.repeats, fold.operations) for fold in folds] == [(8, 16), (28, 588), (8, 16)]


@pytest.mark.parametrize("rounds", range(REPEATS + 3))
def test_few_rounds_are_left_alone(rounds: int) -> None:
    graph = graph_behind(f"x = 2\ny = x*1\nfor i in range({rounds}) {{ y = sin(y)*x }}")
    assert (FOLDED in {node.kind for node in folded(graph).nodes}) == (rounds >= REPEATS)


def test_hooks_inside_of_a_fold_are_counted() -> None:
    source = "x = 2\nz = x\nfor i in range(50) { z = sin(z)\n z.register_hook(g -> g) }\ny = z*2"
    assert [node.hooks for node in folded(graph_behind(source)).nodes if node.fold is not None] == [48]


@pytest.mark.parametrize("length", [MOST, MOST + 1, 1000, 30_000])
def test_a_long_graph_without_repetition_keeps_its_ends(length: int) -> None:
    graph = line_of_nodes(length)
    small = folded(graph)
    assert_in_order(small)
    assert small.nodes[:3] == graph.nodes[:3]
    assert small.nodes[-3:] == graph.nodes[-3:]
    hidden = sum(node.fold.operations for node in small.nodes if node.fold is not None)
    shown = sum(node.fold is None for node in small.nodes)
    assert hidden + shown == length
    assert len(small.nodes) <= MOST
    assert bool(hidden) == (length > MOST)


def test_many_constants_of_one_operation_are_folded() -> None:
    graph = graph_behind("x = [1.0, 2]\nws = [randn(2) for i in range(300)]\ny = sum(cat([x*2] + ws))")
    small = folded(graph)
    assert len(small.nodes) < 20
    (fold,) = (node.fold for node in small.nodes if node.fold is not None)
    assert fold.constants + sum(n.kind == CONSTANT and n.shape == (2,) for n in small.nodes) == 300


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any graph with one result: each operation takes earlier nodes, and its place is one of few."""
    count = draw(st.integers(1, 400))
    places = draw(st.integers(1, 6))
    random = draw(st.randoms(use_true_random=False))
    nodes, edges, unused = [Node("n0", LEAF, name="x")], [], ["n0"]
    for k in range(1, count + 1):
        line = random.randrange(places)
        last = k == count
        if not last and random.random() < 0.2:
            kind, name = random.choice([(LEAF, None), (LEAF, f"w{k}"), (CONSTANT, None)])
            nodes.append(Node(f"n{k}", kind, name=name))
        else:
            sources = list(unused) if last else [random.choice(nodes).id for _ in range(random.randint(1, 3))]
            edges += [Edge(source, f"n{k}", position) for position, source in enumerate(sources)]
            unused = [id for id in unused if id not in sources]
            nodes.append(Node(f"n{k}", RESULT if last else OPERATION, f"op{line}", line=line))
        unused.append(f"n{k}")
    return Graph(nodes, edges)


@given(graphs())
@settings(deadline=None)
def test_any_graph_can_be_folded(graph: Graph) -> None:
    small = folded(graph, most=30)
    assert_in_order(small)
    assert small.result is graph.result
    sources = [node for node in graph.nodes if node.op is None]
    folds = [node.fold for node in small.nodes if node.fold is not None]
    for whole, of_fold, kind in (
        (len(graph.nodes) - len(sources), "operations", (OPERATION, RESULT)),
        (sum(node.kind == LEAF for node in sources), "leaves", (LEAF,)),
        (sum(node.kind == CONSTANT for node in sources), "constants", (CONSTANT,)),
    ):
        assert sum(getattr(fold, of_fold) for fold in folds) + sum(n.kind in kind for n in small.nodes) == whole
