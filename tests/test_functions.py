"""`gradcli functions`: the list, a page, the search, and the document that is made from them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gradcli.cli import run
from gradcli.functions import shown
from gradcli.library.catalogue import entries

DOCUMENT = Path(__file__).parents[1] / "docs" / "functions.md"


@pytest.fixture
def functions(capsys: pytest.CaptureFixture[str]):
    """Runs the command and gives its status, its output and its errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = run(["functions", *arguments])
        return (status, *capsys.readouterr())

    return call


def test_the_list_has_every_function_in_a_section(functions) -> None:
    status, out, _ = functions()
    lines = out.splitlines()
    assert status == 0
    assert "Reductions" in lines
    named = {line.split()[0] for line in lines if line.startswith("  ")}
    assert named == {entry.name for entry in entries()}


def test_the_list_keeps_to_a_line(functions) -> None:
    assert max(map(len, functions()[1].splitlines())) <= 80


def test_a_page_has_all_that_is_known(functions) -> None:
    assert functions("softmax")[1].splitlines()[0] == "softmax(input, dim=none, *, dtype=none)"
    page = functions("relu")[1]
    for label in ("shapes", "derivative", "convention", "source"):
        assert any(line.startswith(label) for line in page.splitlines()), label
    assert ">>> " in page


def test_the_output_of_an_example_is_what_it_gives(functions) -> None:
    entry = next(entry for entry in entries() if entry.name == "exp2")
    assert entry.examples == ("exp2([-1., 0.5, 2.])",)
    assert functions("exp2")[1].endswith("  >>> exp2([-1., 0.5, 2.])\n  tensor([0.5000, 1.4142, 4.0000])\n")


def test_examples_are_whole_statements() -> None:
    loop = "for i in range(2) {\nprint(i)\n}"
    assert shown(f"{loop}\n3") == [(loop, "0\n1\n"), ("3", "3\n")]


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("torch.sin", "sin(input)"),
        ("nn.functional.relu", "F.relu(input"),
        ("sin_", "sin(input)"),
        ("mT", "x.mT"),
        ("zero_", "x.zero_()"),
        ("linalg.norm", "linalg.norm("),
        ("relu_", "relu(input)"),
    ],
)
def test_a_function_is_found_by_any_of_its_names(functions, name: str, signature: str) -> None:
    status, out, _ = functions(name)
    assert status == 0
    assert out.startswith(signature)


def test_a_name_that_two_functions_have_shows_both(functions) -> None:
    out = functions("norm")[1]
    assert out.startswith("norm(input, p=2")
    assert "\nlinalg.norm(A, ord=none" in out


@pytest.mark.parametrize(("name", "has"), [("linalg", "linalg.norm"), ("losses", "F.mse_loss"), ("torch.func", "vmap")])
def test_a_namespace_or_section_is_a_list_of_its_functions(functions, name: str, has: str) -> None:
    status, out, _ = functions(name)
    assert status == 0
    named = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert has in named
    assert "arange" not in named


def test_an_unknown_name_has_a_near_one(functions) -> None:
    status, out, err = functions("sofmax")
    assert (status, out) == (1, "")
    assert err == "error: there is no function `sofmax`\n  = help: did you mean `softmax`?\n"


def test_the_search_finds_names_first_and_descriptions_after(functions) -> None:
    status, out, _ = functions("--search", "norm")
    assert status == 0
    named = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert "layer_norm" in named
    assert named.index("linalg.norm") < named.index("dist")


def test_the_search_wants_all_words(functions) -> None:
    named = functions("--search", "triangular solve")[1]
    assert "linalg.solve_triangular" in named
    assert "tril" not in named


def test_a_search_without_result_says_so(functions) -> None:
    status, out, err = functions("--search", "qwertz")
    assert (status, out) == (1, "")
    assert "nothing is said of `qwertz`" in err


def test_a_name_and_a_search_are_one_too_many(functions) -> None:
    assert functions("sin", "--search", "cos")[0] == 2


def test_json_has_an_object_a_line(functions) -> None:
    out = functions("dot", "--format", "json")[1]
    (entry,) = [json.loads(line) for line in out.splitlines()]
    assert entry["names"][0] == "dot"
    assert entry["derivative"]
    assert entry["examples"][0][0].keys() == {"input", "output"}


def test_a_terminal_gets_styles_and_the_same_words(functions) -> None:
    plain = functions("sin", "--color", "never", "--format", "plain")[1]
    rich = functions("sin", "--color", "always", "--format", "rich")[1]
    assert "\x1b[1m" in rich
    assert "\x1b[" not in plain
    assert "sin(input)" in rich


def test_no_colour_is_no_escape_at_all(functions) -> None:
    assert "\x1b" not in functions("sin", "--format", "rich", "--color", "never")[1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["functions", "sin"], ["fmt", "-"]])
def test_a_full_disk_is_told_in_a_line(arguments: list[str]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "gradcli", *arguments]
        done = subprocess.run(command, input="x=1\n", stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "error: can't write the output: no space left on device\n")


def test_the_document_is_what_the_functions_say_now(functions) -> None:
    """If not: `gradcli functions --format markdown > docs/functions.md`."""
    assert functions("--format", "markdown")[1] == DOCUMENT.read_text(encoding="utf-8")
