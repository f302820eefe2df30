"""The vocabulary's own words: every function says what it does, on what shapes, with what derivative, and shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradcli.functions import shown
from gradcli.library.catalogue import Entry, entries

ROOT = Path(__file__).parents[2]
ENTRIES = entries()
OF_TENSORS = [
    entry
    for entry in ENTRIES
    if entry.section not in ("Creation", "Attributes", "Queries", "Plain values", "Files", "Gradients", "Transforms")
]


def named(entry: Entry) -> str:
    return entry.name


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_a_function_says_what_it_does(entry: Entry) -> None:
    first = entry.summary.partition("\n\n")[0]
    assert first
    assert first[-1] in ".;:", "a description is a sentence"
    assert (ROOT / entry.source).is_file()


@pytest.mark.parametrize("entry", OF_TENSORS, ids=named)
def test_a_function_of_tensors_says_its_shapes_and_its_derivative(entry: Entry) -> None:
    assert entry.shapes
    assert entry.derivative


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_examples_run_and_show_something(entry: Entry) -> None:
    assert entry.examples or entry.section == "Files" or entry.name.startswith("math.")
    for example in entry.examples:
        assert any(output for _, output in shown(example)), example


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_an_example_uses_the_function(entry: Entry) -> None:
    words = {key.rpartition(".")[2] for key in entry.names} | {entry.in_place}
    operators = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "^", "matmul": "@"}
    for example in entry.examples:
        used = any(re.search(rf"\b{word}\b", example) for word in words if word)
        assert used or operators.get(entry.name, "\0") in example


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_files_that_are_named_are_there(entry: Entry) -> None:
    for path in re.findall(r"gradcli/[\w/]+\.py", entry.kink):
        assert (ROOT / path).is_file()
