"""Linear algebra: every golden case of linalg.json, and what each factorization is for."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

from gradcli import Session, tensor
from gradcli.analysis.symbols import substituted
from gradcli.engine import grad
from gradcli.engine.operation import Op
from gradcli.errors import ValueFailure
from tests.analysis.derivations import check_formula
from tests.operations.cases_linalg import CASES
from tests.operations.golden import explained_test, golden_tests
from tests.operations.inputs import GOLDEN_FILE, read_golden
from tests.operations.test_table import test_a_rule_reads_the_arguments_it_names_and_no_other as check_reads

GOLDEN = read_golden(GOLDEN_FILE.with_name("linalg.json"))

DEPARTURES: dict[str, str] = {
    "cholesky_solve(x, m)": "torch gives a gradient to the triangle that it doesn't read; here it is 0",
    "m.cholesky_inverse()": "as above",
    "block_diag(blank, m)": "torch's gradient forgets the row that an empty vector takes up",
    "m.kron(v) [strided]": "torch fails on the strides; the operation is well defined",
    "kron(cube, m) [strided]": "as above",
}
"""Not compared at all: an expression, or one variant of it."""

SECOND_ORDER: dict[str, str] = {
    "addcdiv(v, w, zeros4)": "at a divisor of 0 torch's products of infinities are nan; here they are infinities",
    "linalg.norm(zeros4)": "torch divides 0 by 0; here the subgradient 0 is constant",
    "linalg.matrix_norm(zeros4.reshape(2, 2))": "as above",
    "dist(x, x)": "as above",
}
"""Compared in value and first derivative only."""

NAMES_DIFFER: dict[str, str] = {
    "linalg.matrix_power(m, 0)": "torch writes the identity over a copy; here it is a constant",
    "vander(v, N=3, increasing=True)": "torch writes the powers into a copy; here they are joined",
    "diff(x, 0)": "torch's own class for a copy, torch::autograd::CopyBackwards",
    "linalg.tensorinv(x.reshape(3, 2, 2)[:2, :, :1], 1)": "torch's name tells of the strides of the inverse",
    "linalg.tensorinv((m @ m).reshape(3, 1, 3), ind=2)": "as above",
    "linalg.lstsq(x, n)": "torch records residuals that are empty",
    "linalg.lstsq(a.mT, w.repeat(2)[:5])": "as above",
}
"""Whose grad_fn is called otherwise."""


test_value_and_gradients, test_grad_fn_has_pytorch_name, test_what_pytorch_refuses_is_refused = golden_tests(
    GOLDEN, DEPARTURES, SECOND_ORDER, NAMES_DIFFER
)


# ---- derivations


test_every_function_is_explained_and_the_gradients_are_those_of_backward = explained_test(GOLDEN)


M = np.array([[2.3, -0.5, 0.8], [0.3, 1.8, -1.1], [-0.8, 0.4, 2.6]])
STACK = np.stack([M, M.T @ M])
X = np.array([[1.0, 0.5], [-0.3, 2.0], [0.7, -1.4]])
FORMULAS = [
    ("linalg.inv", (M,), ()),
    ("linalg.inv", (STACK,), ()),
    ("linalg.det", (M,), ()),
    ("linalg.det", (STACK,), ()),
    ("linalg.cholesky", (M.T @ M,), ()),
    ("linalg.solve", (M, X), (True,)),
    ("linalg.solve", (STACK, STACK + 1), (False,)),
    ("cross", (M, M.T), (-1,)),
    ("cross", (M, M.T), (0,)),
]


@pytest.mark.parametrize(("name", "inputs", "parameters"), FORMULAS, ids=str)
def test_a_formula_without_words_gives_what_the_rule_gives(name: str, inputs: tuple, parameters: tuple) -> None:
    check_formula(operations()[name], inputs, parameters)


def operations() -> dict[str, Op]:
    """The operations of linear algebra, which are loaded on first use."""
    modules = [import_module(f"gradcli.engine.{name}") for name in ("solving", "factorizations", "matrices")]
    found = [value.op for module in modules for value in vars(module).values() if hasattr(value, "op")]
    return {op.name: op for op in found}


def test_every_rule_has_its_formula_and_every_operation_its_cases() -> None:
    for name, op in operations().items():
        assert len(op.formula) == len(op.rules)
        assert all(op.formula), name
        assert name in CASES or name.removeprefix("linalg.") in CASES


def test_formulas_that_are_whole_expressions_are_all_tested() -> None:
    tested = {name for name, _, _ in FORMULAS}
    for name, op in operations().items():
        for formula in op.formula:
            if not substituted(re.sub(r"\{\w+\}", "", formula), {})[1]:
                assert name in tested


def test_rules_read_the_arguments_they_name_and_no_other() -> None:
    for op in operations().values():
        for rule in op.rules:
            check_reads(rule.__code__)


# ---- singular matrices, and what else LAPACK refuses


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("linalg.inv(ones(3, 3))", "linalg.inv: The diagonal element 2 is zero, the inversion could not be completed"),
        ("linalg.inv(stack([eye(2), ones(2, 2)]))", "linalg.inv: (Batch element 1): The diagonal element 2 is zero"),
        ("linalg.solve(zeros(2, 2), ones(2))", "torch.linalg.solve: The solver failed because the input"),
        ("linalg.cholesky(stack([eye(2), -eye(2)]))",
         "linalg.cholesky: (Batch element 1): The factorization could not be completed because the input is not "
         "positive-definite (the leading minor of order 1 is not positive-definite)."),
        ("linalg.svd(nan * ones(2, 2))", "linalg.svd: The algorithm failed to converge because"),
        ("linalg.lu_factor(zeros(2, 2))", "torch.linalg.lu_factor: U[1,1] is zero and using it on lu_solve"),
    ],
)  # fmt: skip
def test_a_singular_matrix_is_told_in_pytorchs_words(expression: str, message: str) -> None:
    with pytest.raises(ValueFailure) as caught:
        list(Session().run(expression))
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("retain", [False, True])
@pytest.mark.parametrize("matrix", [[[1, 2], [2, 4]], [[0, 0], [0, 3]], [[0, 0], [0, 0]]])
def test_the_determinant_of_a_singular_matrix_has_its_gradient(matrix: list, retain: bool) -> None:
    """The cofactors. (torch gives them under create_graph, and zeros without.)"""
    x = tensor(matrix, requires_grad=True)
    (a, b), (c, d) = matrix
    (found,) = grad([operations()["linalg.det"].apply(x)], [x], create_graph=retain)
    np.testing.assert_allclose(found.array, [[d, -c], [-b, a]], atol=1e-14)


def test_singular_matrices_among_others_are_told_by_info_and_leave_the_others_as_they_are() -> None:
    session = Session()
    list(session.run("A = stack([eye(2), ones(2, 2)])\nB, info = linalg.inv_ex(A)\nbackward B[0].sum()"))
    assert session["info"].array.tolist() == [0, 2]
    np.testing.assert_array_equal(session["B"].array[0], np.eye(2))
    assert np.isnan(session["B"].array[1]).all()
    np.testing.assert_array_equal(session["A"].grad.array[0], -np.ones((2, 2)))


def test_a_zero_on_the_diagonal_of_one_triangle_leaves_the_other_triangles_as_they_are() -> None:
    session = Session()
    list(session.run("A = stack([eye(2), zeros(2, 2)])\nx = linalg.solve_triangular(A, ones(2, 2, 1), upper=true)"))
    np.testing.assert_array_equal(session["x"].array[0], [[1], [1]])
    assert not np.isfinite(session["x"].array[1]).any()


# ---- quantities beyond the golden cases


@pytest.mark.parametrize("size", [1e-8, 1e-3, 1.0, 30.0])
def test_the_exponential_of_a_matrix_and_of_its_negative_are_inverses(size: float) -> None:
    matrix_exp = operations()["matrix_exp"].apply
    a = size * (STACK - np.swapaxes(STACK, -1, -2) + 0.01 * np.eye(3))
    np.testing.assert_allclose(matrix_exp(a) @ matrix_exp(-a), np.broadcast_to(np.eye(3), a.shape), atol=1e-12)


@pytest.mark.parametrize(
    "expression",
    [
        "addmm(x, ones(2, 2), ones(2, 2), beta=0)",
        "addmv(x[0], ones(2, 2), ones(2), beta=0)",
        "addr(x, ones(2), ones(2), beta=0)",
        "addbmm(x, ones(1, 2, 2), ones(1, 2, 2), beta=0)",
        "baddbmm(x, ones(1, 2, 2), ones(1, 2, 2), beta=0)",
        "matrix_power(x, 0)",
    ],
)
def test_an_input_that_does_not_count_has_the_gradient_0(expression: str) -> None:
    session = Session()
    list(session.run(f"x = [[nan, inf], [1., 2.]]\ny = {expression}\nbackward y.sum()"))
    assert np.isfinite(session["y"].array).all()
    np.testing.assert_array_equal(session["x"].grad.array, np.zeros((2, 2)))


def test_a_chain_is_multiplied_in_the_order_that_costs_least() -> None:
    """A column, a row and a column: the row times the column first, where the other way makes a large matrix."""
    session = Session()
    session.tracing = True
    list(session.run("u = ones(50, 1)\nv = ones(1, 50)\ny = linalg.multi_dot([u, v, u])"))
    shapes = [step.node.saved for step in session.history_of(session["y"]).steps if step.node.op.name == "matmul"]
    assert not any(np.shape(value) == (50, 50) for saved in shapes for value in saved)


def test_start_up_does_not_load_linear_algebra() -> None:
    program = (
        "import sys; from gradcli import Session; list(Session().run('x = 3; y = x^2; backward y'));"
        "names = [n for n in sys.modules if n.startswith(('scipy', 'gradcli.engine.matrices', "
        "'gradcli.engine.factorizations', 'gradcli.library.linear_algebra', 'gradcli.library.decompositions'))];"
        "assert not names, names"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
