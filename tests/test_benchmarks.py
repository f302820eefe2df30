"""The benchmarks, at a small size: every job is there, its peers compute the same, and a wrong one is found out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]


def benchmarks(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "benchmarks", *options],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def agreed() -> dict[str, str]:
    """The jobs, each with those whose results were the same."""
    done = benchmarks("--quick", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["rows"] == []  # nothing is timed
    return found["agreed"]


@pytest.mark.parametrize(
    ("job", "peers"),
    [
        ("one-liner", ["-e", "file", "pipe", "by hand"]),
        ("the REPL's first prompt", ["gradcli", "by hand"]),
        ("parse .* lines", ["gradcli", "ast.parse"]),
        ("parse a literal", ["gradcli", "ast.parse"]),
        ("literal of .* on a line", ["file", "pipe", "NumPy by hand"]),
        ("chain of 100, n = 1", ["gradcli", "NumPy by hand"]),
        ("chain of 100, n = 4", ["gradcli", "NumPy by hand"]),
        ("broadcasting", ["gradcli", "NumPy by hand"]),
        ("20 products of matrices", ["gradcli", "NumPy by hand"]),
        ("perceptron", ["gradcli", "NumPy by hand"]),
        ("softmax regression", ["gradcli", "NumPy by hand"]),
        ("loop on numbers", ["gradcli", "Python function"]),
        ("loop on a 0-d tensor", ["gradcli", "NumPy by hand"]),
        ("many backwards", ["gradcli", "NumPy by hand"]),
        ("chain of 1,000, n = 1", ["gradcli", "Python by hand"]),
        ("chain of 50, n = 1,000, peak", ["gradcli", "NumPy by hand"]),
        ("Jacobian", ["gradcli", "NumPy by hand"]),
        ("Hessian of Rosenbrock", ["gradcli", "NumPy by hand"]),
        ("ADBench's Gaussian mixture", ["gradcli", "NumPy by hand"]),
        ("a statement after others", ["10", "20"]),
        ("a node's backward", ["10", "20"]),
        ("a loop that binds its names again", ["10", "20", "by hand"]),
    ],
)
def test_all_compute_the_same(agreed: dict[str, str], job: str, peers: list[str]) -> None:
    names = [name for name in agreed if re.match(job, name)]
    assert names
    assert all(peer in agreed[name] for name in names for peer in peers)


def test_a_peer_that_computes_something_else_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "micrograd").mkdir()
    (tmp_path / "micrograd" / "engine.py").write_text(
        "class Value:\n"
        "    def __init__(self, data): self.data, self.grad = data, 0\n"
        "    def __add__(self, other): return Value(self.data + other.data)\n"
        "    def __mul__(self, other): return Value(self.data * other.data)\n"
        "    def backward(self): pass\n"
    )
    (tmp_path / "micrograd-0.dist-info").mkdir()
    (tmp_path / "micrograd-0.dist-info" / "METADATA").write_text("Name: micrograd\nVersion: 0\n")
    done = benchmarks("--quick", "--only", "many backwards", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "many backwards" in done.stderr
    assert "by micrograd is wrong by" in done.stderr


def test_only_some() -> None:
    done = benchmarks("--quick", "--only", "loop on numbers")
    assert done.returncode == 0
    assert re.findall(r"^\| (\w.*?) +\|", done.stdout, re.MULTILINE)[1:] == ["loop on numbers, 1,000 turns"]
    assert benchmarks("--quick", "--only", "no such job").returncode == 2


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import measure

    return measure


def test_rounds_are_interleaved_and_their_order_turns(measure: ModuleType) -> None:
    ran: list[str] = []
    peers = {name: lambda name=name: ran.append(name) or len(ran) for name in "abc"}
    found = measure.interleave(peers, 3)
    assert "".join(ran) == "abcbcacab"
    assert found == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_a_ratio_is_of_medians_and_its_spread_that_of_the_rounds(measure: ModuleType) -> None:
    row = measure.Row("job", "s", "other", {"gradcli": [1.0, 2.0, 9.0], "other": [2.0, 4.0, 6.0]})
    assert row.ratio("other") == (0.5, 0.5, 1.0)
    assert row.ratio("nobody") is None


@pytest.mark.parametrize("wrong", [[1.0, 2.1], [1.0, 2.0, 3.0]])
def test_results_are_compared_by_values_and_shapes(measure: ModuleType, wrong: list[float]) -> None:
    results = {"gradcli": [3.0, [1.0, 2.0]], "other": [3.0, [1.0, 2.0]]}
    job = measure.Job("job", "other", {}, lambda: results, 1)
    assert job.check() == ("gradcli", "other")
    results["gradcli"] = [3.0, wrong]
    with pytest.raises(measure.WrongResult, match="result 2 by gradcli"):
        job.check()


@pytest.mark.parametrize(
    ("origin", "editable"), [(None, False), ("{}", False), ('{"dir_info":{"editable":true}}', True)]
)
def test_an_install_in_place_is_known(
    measure: ModuleType, monkeypatch: pytest.MonkeyPatch, origin: str | None, editable: bool
) -> None:
    import process

    monkeypatch.setattr(process, "distribution", lambda name: SimpleNamespace(read_text=lambda file: origin))
    assert process.is_editable() is editable


def test_the_document_names_all_options() -> None:
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(--\w+)", text)) == set(re.findall(r" (--\w+)", benchmarks("--help").stdout)) - {"--help"}
