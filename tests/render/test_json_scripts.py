"""Golden scripts in JSON: every `tests/scripts_json/*.gr` beside the lines that it writes.

    name.gr      the script
    name.jsonl   its standard output, in json format, to the letter

After a wanted change of output, `GRADCLI_UPDATE=1 pytest tests/render/test_json_scripts.py` rewrites the `.jsonl`
files: read the difference before it's committed.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from gradcli import GradcliError, Session
from gradcli.render.json_lines import JsonRenderer
from tests.render.test_json import read, validator

SCRIPTS = Path(__file__).parents[1] / "scripts_json"
UPDATE = os.environ.get("GRADCLI_UPDATE") == "1"

PATHS = sorted(SCRIPTS.glob("*.gr"))


def run_script(path: Path) -> tuple[str, str]:
    """What a script writes to standard output and to standard error; errors name its file without folders."""
    out, err = io.StringIO(), io.StringIO()
    renderer = JsonRenderer(out, err)
    try:
        Session().execute(path.read_text(encoding="utf-8"), path.name, renderer.event)
    except GradcliError as failure:
        renderer.failure(failure)
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_script(path: Path) -> None:
    expected = path.with_suffix(".jsonl")
    out, err = run_script(path)

    assert err == ""
    types = [read(line)["type"] for line in out.splitlines()]
    # A failure is the last line, of the scripts that say so in their names and of no other.
    assert [kind == "error" for kind in types] == [False] * (len(types) - 1) + [path.stem.endswith("_error")]

    if UPDATE:
        expected.write_text(out, encoding="utf-8", newline="\n")
    assert expected.exists(), f"{expected.name} is missing: write what the script should print"
    assert out == expected.read_text(encoding="utf-8")


def test_scripts_show_every_type() -> None:
    lines = [line for path in PATHS for line in path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]
    assert {read(line)["type"] for line in lines} == set(validator().schema["properties"]["type"]["enum"])


def test_every_expectation_has_its_script() -> None:
    assert [path for path in SCRIPTS.glob("*.jsonl") if not path.with_suffix(".gr").exists()] == []
