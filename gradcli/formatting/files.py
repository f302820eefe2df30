"""`gradcli fmt`: formats files in place, or says which it would."""

from __future__ import annotations

import sys
from typing import TextIO

from gradcli.errors import GradcliError
from gradcli.filesystem import read_text, replace_text
from gradcli.formatting import format_text


def run_fmt(paths: list[str], check: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> int:
    """Formats files in place, and `-`, which is standard input, to `out`; gives the exit status.

    What was changed is said on `out`, or on `err` where `-` has the text on `out`. With `check` nothing is written but
    the names of the files that would change. The status is 1 where one would, and where a file is no script or can't be
    read or written: it's left as it was, the failure is shown, and the other files have their turn.
    """
    out, err = out or sys.stdout, err or sys.stderr
    report = err if "-" in paths and not check else out
    status = 0
    for path in paths:
        name = "<stdin>" if path == "-" else path
        text = None
        try:
            text = read_text(path)
            formatted = format_text(text, name)
            changes = formatted != text
            if check:
                if changes:
                    report.write(f"{name}\n")
                    status = 1
            elif path == "-":
                out.write(formatted)
            elif changes:
                replace_text(path, formatted)
                report.write(f"formatted {name}\n")
        except GradcliError as failure:
            _show(failure, text, out, err)
            status = 1
    out.flush()
    return status


def _show(failure: GradcliError, text: str | None, out: TextIO, err: TextIO) -> None:
    from gradcli.render.plain import PlainRenderer  # loads NumPy, which the formatter does without

    lines = (text or "").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    PlainRenderer(out, err, lambda span: lines[span.line - 1] if span else None).failure(failure)
