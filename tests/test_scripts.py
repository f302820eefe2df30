"""Golden scripts: every `tests/scripts/**/*.gr` beside what it prints.

    name.gr     the script
    name.out    its standard output, in plain format, to the letter; a script without one is a failing test
    name.err    only for a script that fails: each line occurs in standard error, in this order
    name.warn   only for a script that warns and goes on: each line occurs in standard error, in this order

A script that has a `.err` ends with status 1, and so does one with a `check` that says `fail: `; any other with 0. One
that has neither `.err` nor `.warn` writes nothing to standard error. Adding a case is adding files; after a wanted
change of output, `GRADCLI_UPDATE=1 pytest tests/test_scripts.py` rewrites the `.out` files: read the difference before
it's committed, for the expected text was checked against PyTorch and the program's output wasn't.
"""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from gradcli.evaluate import evaluate

SCRIPTS = Path(__file__).parent / "scripts"
UPDATE = os.environ.get("GRADCLI_UPDATE") == "1"

PATHS = sorted(SCRIPTS.rglob("*.gr"))


class Result(NamedTuple):
    """What a script left behind: both streams as text, and the exit status."""

    stdout: str
    stderr: str
    status: int


def run_script(path: Path) -> Result:
    """Evaluates a script as the command does; the one place that knows how scripts are run."""
    out, err = io.StringIO(), io.StringIO()
    status = evaluate([(str(path), None)], out=out, err=err)
    return Result(out.getvalue(), err.getvalue(), status)


def assert_in_order(lines: list[str], text: str) -> None:
    """Each line occurs in the text, after the end of the one before."""
    start = 0
    for line in lines:
        found = text.find(line, start)
        assert found >= 0, f"{line!r} isn't in what follows:\n{text[start:]}\nof\n{text}"
        start = found + len(line)


def name_of(path: Path) -> str:
    return path.relative_to(SCRIPTS).as_posix()


@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_script(path: Path) -> None:
    output, errors = path.with_suffix(".out"), path.with_suffix(".err")
    result = run_script(path)

    if errors.exists():
        assert result.status == 1, result.stderr
        assert "error: " in result.stderr
        assert_in_order(errors.read_text(encoding="utf-8").splitlines(), result.stderr)
    else:
        checks_failed = re.search(r"^fail: ", result.stdout, re.MULTILINE) is not None
        assert result.status == int(checks_failed), result.stderr
        assert "error: " not in result.stderr
        warnings = path.with_suffix(".warn")
        if warnings.exists():
            assert_in_order(warnings.read_text(encoding="utf-8").splitlines(), result.stderr)
        else:
            assert not result.stderr

    if UPDATE:
        output.write_text(result.stdout, encoding="utf-8", newline="\n")
    assert output.exists(), f"{name_of(output)} is missing: write what the script should print"
    assert result.stdout == output.read_text(encoding="utf-8")


def test_there_are_scripts() -> None:
    assert PATHS


def test_every_expectation_has_its_script() -> None:
    expectations = [p for p in SCRIPTS.rglob("*") if p.suffix in {".out", ".err", ".warn"}]
    assert [name_of(p) for p in expectations if not p.with_suffix(".gr").exists()] == []
