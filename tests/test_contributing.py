"""CONTRIBUTING.md tells the truth: what it adds is added to a copy of the source, where its commands are run."""

from __future__ import annotations

import json
import re
from importlib import import_module
from itertools import chain

import pytest

from tests.checkout import ROOT, Checkout
from tests.documents import Document, check_command

GUIDE = Document("CONTRIBUTING.md")
ADDED = [block.text.partition("\n")[::2] for block in GUIDE.blocks if block.kind == "python"]
"""What the guide adds: the line that says where, and the code."""

GENERATED = dict(re.findall(r"^\| `(\S+?)` \| (.*?) \| `.*?` \|$", GUIDE.text, re.MULTILINE))
"""The generated files, with what they are made from."""

GOLDEN = [
    pytest.param(name, re.findall(r"cases_?\w*(?=\.py)", sources), id=name)
    for name, sources in GENERATED.items()
    if "/cases" in sources
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the source with all that the guide adds."""
    copy = Checkout(tmp_path_factory.mktemp("contributing") / "copy")
    for place, code in ADDED:
        copy.append(place.removeprefix("# "), code)
    return copy


@pytest.mark.parametrize(("command", "output"), GUIDE.commands())
def test_command(command: str, output: str, copy: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.documents.ROOT", copy.root)
    for name, value in copy.environment().items():
        monkeypatch.setenv(name, value)
    check_command(command, output)


def test_what_it_adds_says_what_every_function_says_and_only_lacks_golden_cases(copy: Checkout) -> None:
    tests = ("operations/test_table.py", "library/test_catalogue.py", "analysis/test_derivation.py")
    added = [
        name for _, code in ADDED for name in re.findall(r"^(\w+) = differentiable|^def (\w+)", code, re.MULTILINE)
    ]
    names = set(chain.from_iterable(added)) - {""}
    assert names == {"cbrt", "snake", "pinball_loss"}
    done = copy.python("-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-k", " or ".join(names),
                       *(f"tests/{test}" for test in tests))  # fmt: skip
    outcomes = {test: outcome for outcome, test in re.findall(r"^([A-Z]+) (tests/\S+)", done.stdout, re.MULTILINE)}
    failed = {test for test, outcome in outcomes.items() if outcome != "PASSED"}
    golden = {f"tests/operations/test_table.py::test_every_op_has_golden_cases[{name}]" for name in ("cbrt", "snake")}
    assert failed == golden, done.stdout
    assert {f"tests/library/test_catalogue.py::test_examples_run_and_show_something[{name}]"
            for name in ("cbrt", "snake", "F.pinball_loss")} <= set(outcomes)  # fmt: skip


def test_its_code_passes_the_linter(copy: Checkout) -> None:
    pytest.importorskip("ruff")
    places = [place.removeprefix("# ") for place, _ in ADDED]
    done = copy.python("-m", "ruff", "check", *places)
    assert done.returncode == 0, done.stdout


# ---- generated files


def test_every_golden_file_and_the_script_that_makes_it_is_named() -> None:
    golden = ROOT / "tests" / "golden"
    assert {name for name in GENERATED if name.startswith("tests/golden/")} == {
        f"tests/golden/{file.name}" for file in golden.glob("*.json")
    }
    assert set(re.findall(r"python -m tests\.golden\.(make_\w+)", GUIDE.text)) == {
        file.stem for file in golden.glob("make_*.py")
    }


@pytest.mark.parametrize(("name", "modules"), GOLDEN)
def test_a_golden_file_has_the_cases_of_its_modules(name: str, modules: list[str]) -> None:
    """A case that PyTorch wasn't asked about would be tested by nothing."""
    recorded = {case["expression"] for case in json.loads((ROOT / name).read_text(encoding="utf-8"))["cases"]}
    for module in modules:
        cases = import_module(f"tests.operations.{module}").CASES
        assert set(chain.from_iterable(cases.values())) <= recorded


def test_what_it_names_is_there() -> None:
    paths = re.findall(r"`((?:\w+/)+[\w.]*)`", GUIDE.text)
    assert "gradcli/engine/elementwise.py" in paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
    names = re.findall(r"`(\w+\.py)`", GUIDE.text)
    assert [name for name in names if not any(ROOT.glob(f"*/**/{name}"))] == []
