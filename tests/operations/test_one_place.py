"""One place an op: its entry in the table makes it a function, a method, a page, a word of completion, and tested.

What an entry gives is asked of every one in the table. Then a copy of the source gets one more, the three lines that
CONTRIBUTING.md shows, and there all these tests are run on it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document as Typed

from gradcli import Session, Tensor, tensor
from gradcli.cli import run
from gradcli.engine import TABLE
from gradcli.engine.operation import NUMPY, Op
from gradcli.evaluate import evaluate
from gradcli.language.dictionary import DICTIONARY
from gradcli.library.catalogue import Entry, entries, find
from gradcli.library.vocabulary import FUNCTIONS, METHODS, load_all, method_of
from gradcli.repl.completion import GrCompleter
from tests.checkout import ROOT, Checkout
from tests.documents import Document
from tests.operations.test_table import INTERNAL, arguments
from tests.repl.console import Lines

load_all()
ENTRIES = entries()
WITHIN = {"div_rounded": "div with rounding_mode", "gelu_tanh": "gelu with approximate=tanh"}
"""Elementwise ops that are called by the name of another."""

ELEMENTWISE = [op for name, op in TABLE.items() if op.elementwise and name not in {*INTERNAL, *WITHIN}]
ALONE = [op for name, op in TABLE.items() if op.elementwise and FUNCTIONS.get(name) is op.apply]
"""The ops that are all of their function: the library adds nothing."""

every_op = pytest.mark.parametrize("op", ALONE, ids=lambda op: op.name)


def given(op: Op, shape: tuple[int, ...] = (2, 3), dtype: str = "float64") -> dict[str, Tensor]:
    """Leaves on numbers of the op's domain, by the names x and y."""
    arrays = [array.astype(dtype) for array in arguments(op, (shape,) * op.arity)]
    return {name: tensor(a, dtype=a.dtype, requires_grad=True) for name, a in zip("xy", arrays, strict=False)}


def ran(source: str, names: dict[str, Tensor]) -> Session:
    session = Session(tracking="explicit")
    for name, value in names.items():
        session[name] = value
    for _ in session.run(source):
        pass
    return session


def shown(source: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    assert evaluate([("<text>", source)], out=out, err=err) == 0
    assert err.getvalue() == ""
    return out.getvalue()


def entry_of(op: Op) -> Entry:
    return find(op.name, ENTRIES)[0]


# ---- every elementwise entry, also one that the library wraps


@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_it_has_a_function_a_method_a_formula_and_a_page(op: Op) -> None:
    """That it has golden cases is tested in test_table.py, with all of the table."""
    assert DICTIONARY.resolve(op.name if "." in op.name else f"torch.{op.name}") is not None
    assert "." in op.name or method_of(op.name) is not None
    assert all(formula for formula, rule in zip(op.formula, op.rules, strict=True) if rule is not None)
    page = entry_of(op)
    assert page.shapes
    assert page.derivative
    assert page.examples


# ---- those that are nothing but their entry


@every_op
def test_function_method_and_torch_s_name_are_one(op: Op) -> None:
    names = given(op)
    called = [f"{op.name}({', '.join(names)})", f"x.{op.name}({', '.join(list(names)[1:])})",
              f"torch.{op.name}({', '.join(names)})"]  # fmt: skip
    expected = op.apply(*names.values())
    for call in called:
        result = ran(f"result = {call}", names)["result"]
        np.testing.assert_array_equal(result.array, expected.array)
        assert (result.grad_fn and result.grad_fn.name) == (op.grad_name if any(op.rules) else None)


@pytest.mark.parametrize(
    ("function", "op"),
    [pytest.param(f, op, id=op.name) for op in ALONE for f in NUMPY if NUMPY[f] is op.apply],
)
def test_numpy_s_function_of_a_tensor_is_recorded(function: Callable[..., Tensor], op: Op) -> None:
    names = given(op)
    result = function(*names.values())
    assert type(result) is Tensor
    assert result.grad_fn.op is op.apply(*names.values()).grad_fn.op


@every_op
@pytest.mark.parametrize("shape", [(), (2, 3)], ids=["number", "matrix"])
def test_a_script_gets_first_and_second_derivatives_that_hold(op: Op, shape: tuple[int, ...]) -> None:
    names = given(op, shape)
    inputs = f"({', '.join(names)},)"
    done = ran(f"a, b = gradcheck({op.name}, {inputs}), gradgradcheck({op.name}, {inputs})", names)
    assert done["a"] is True
    assert done["b"] is True


@every_op
def test_a_script_in_float32_gets_float32(op: Op) -> None:
    gradients = []
    for dtype in ("float32", "float64"):
        names = given(op, dtype=dtype)
        ran(f"y = {op.name}({', '.join(names)}); backward sum(y)", names)
        assert {leaf.grad.dtype for leaf in names.values()} == {np.dtype(dtype)}
        gradients.append([leaf.grad.array for leaf in names.values()])
    for narrow, wide in zip(*gradients, strict=True):
        np.testing.assert_allclose(narrow, wide, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("op", [op for op in ALONE if op.arity == 1], ids=lambda op: op.name)
def test_it_is_a_change_in_place(op: Op) -> None:
    names = given(op)
    done = ran(f"y = 1 * x\nz = y.{op.name}_()\nbackward sum(y)", names)
    assert done["z"] is done["y"]
    assert done["y"].grad_fn.name == op.grad_name
    again = given(op)
    expected = ran(f"y = {op.name}(x); backward sum(y)", again)["y"]
    np.testing.assert_array_equal(done["y"].array, expected.array)
    np.testing.assert_array_equal(names["x"].grad.array, again["x"].grad.array)


@every_op
def test_graph_explain_and_check_know_it(op: Op) -> None:
    x = arguments(op, ((),) * op.arity)
    values = "".join(f"{name} = {float(value)}\n" for name, value in zip("xy", x, strict=False))
    source = f"{values}out = {op.name}({', '.join('xy'[: op.arity])})\n"
    assert re.search(rf"\b{op.name}\b", shown(f"{source}graph out").splitlines()[0])
    derived = shown(f"{source}explain out")
    for formula, name in zip(op.formula, "xy", strict=False):
        # The formula is laid out anew there.
        assert f"∂out/∂{name} = {formula}".replace(" ", "") in derived.replace(" ", "")
    *_, verdict = shown(f"{source}check out").splitlines()
    assert verdict.startswith("pass: ")


@every_op
def test_its_page_shows_it_with_an_example_that_was_run(op: Op, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["functions", op.name]) == 0
    page = capsys.readouterr().out
    assert page.startswith(f"{op.name}(")
    assert f"\n{op.apply.__doc__.strip().splitlines()[0]}\n" in page
    entry = entry_of(op)
    assert op.arity > 1 or entry.in_place == f"{op.name}_"
    assert all(part in page for part in entry.derivative.split())
    assert op.formula[0] in entry.derivative or "Derivative: " in op.apply.__doc__
    (*_, example) = entry.examples
    for line in (*example.splitlines(), *shown(example).splitlines()):
        assert line in page


@every_op
def test_it_stands_in_the_document(op: Op) -> None:
    document = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
    assert f"\n### {op.name}\n\n`{entry_of(op).signature}`\n" in document


@every_op
def test_completion_offers_it_behind_nothing_and_behind_a_dot(op: Op) -> None:
    lines = Lines("values = arange(3)")
    meaning = op.apply.__doc__.strip().splitlines()[0]
    for before in ("", "1 + ", "torch.", "values.", "(1 + values)."):
        text = before + op.name[:-1]
        offered = GrCompleter(lambda: lines.shell).get_completions(Typed(text, len(text)), CompleteEvent())
        described = {word.text: word.display_meta_text for word in offered}
        assert described[op.name].endswith(meaning)
        assert (f"{op.name}_" in described) == (before in ("values.", "(1 + values).") and f"{op.name}_" in METHODS)


# ---- one more


KNOWN, NEW = "log10", "cbrt"


def test_three_lines_are_a_function_its_gradient_its_page_and_its_tests(tmp_path: Path) -> None:
    """In the copy the new op passes every test that one of long standing passes.

    All but the one that asks for golden cases: what PyTorch says of it no entry can know.
    """
    assert NEW not in TABLE
    path, *entry = Document("CONTRIBUTING.md").examples("python")[0].values[0].text.splitlines(keepends=True)
    assert len(entry) == 3
    copy = Checkout(tmp_path / "copy")
    copy.append(path.strip("# \n"), "".join(entry))
    document = copy.python("-m", "gradcli", "functions", "--format", "markdown")
    assert document.returncode == 0, document.stderr
    (copy.root / "docs" / "functions.md").write_text(document.stdout, encoding="utf-8")
    tests = ("operations/test_one_place.py", "operations/test_table.py", "analysis/test_derivation.py",
             "library/test_catalogue.py")  # fmt: skip
    of_both = f"({KNOWN} or {NEW}) and not every_function_is_explained"  # Those are golden cases as well.
    done = copy.python("-m", "pytest", "-q", "-rA", "--tb=short", "-p", "no:cacheprovider", "-k", of_both,
                       *(f"tests/{test}" for test in tests))  # fmt: skip
    outcomes = {test: outcome for outcome, test in re.findall(r"^([A-Z]+) (tests/\S+)", done.stdout, re.MULTILINE)}
    of_known = {test: outcome for test, outcome in outcomes.items() if KNOWN in test}
    of_new = {test.replace(NEW, KNOWN): outcome for test, outcome in outcomes.items() if NEW in test}
    assert set(of_known.values()) == {"PASSED"}, done.stdout
    golden = f"tests/operations/test_table.py::test_every_op_has_golden_cases[{KNOWN}]"
    assert of_new == of_known | {golden: "FAILED"}, done.stdout
