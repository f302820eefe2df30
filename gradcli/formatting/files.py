"""`gradcli fmt`: formats files in place, or says which it would."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from gradcli.errors import FileFailure, GradcliError
from gradcli.formatting import format_text
from gradcli.writing import write_whole


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
            text = _read(path)
            formatted = format_text(text, name)
            changes = formatted != text
            if check:
                if changes:
                    report.write(f"{name}\n")
                    status = 1
            elif path == "-":
                out.write(formatted)
            elif changes:
                _replace(path, formatted)
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


def _read(path: str) -> str:
    """A file's text as it is, its line ends and byte order mark too. Raises FileFailure."""
    try:
        if path == "-":
            return sys.stdin.buffer.read().decode("utf-8")
        with open(path, "rb") as file:
            return file.read().decode("utf-8")
    except UnicodeDecodeError as problem:
        raise FileFailure(
            f"{path} isn't a UTF-8 text: byte {problem.start + 1} can't be read", help="save it as UTF-8"
        ) from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise FileFailure(f"can't read {path}: {reason.lower()}") from None


def _replace(path: str, text: str) -> None:
    """Puts the text in the file's place; a pipe or a device has nothing to be put in. Raises FileFailure."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileFailure(f"can't write {path}: isn't a regular file")
    if not os.access(path, os.W_OK):
        # Replacing asks no more than the folder's permission, and would pass over the file's own.
        raise FileFailure(f"can't write {path}: permission denied")
    write_whole(path, text)
