"""Every script in examples/ prints what stands beside it in its `.out`; status 1 is for a failing `check` alone."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from gradcli.evaluate import evaluate

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.gr"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_example(script: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    status = evaluate([(str(script), None)], out=out, err=err)
    checks_failed = re.search(r"^fail: ", out.getvalue(), re.MULTILINE) is not None
    assert (status, err.getvalue()) == (int(checks_failed), "")
    assert out.getvalue() == script.with_suffix(".out").read_text(encoding="utf-8")


def test_every_output_has_its_script() -> None:
    assert SCRIPTS
    assert [path.with_suffix(".out") for path in SCRIPTS] == sorted(EXAMPLES.glob("*.out"))
