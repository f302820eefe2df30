"""Programs to output: runs files, texts and standard input in one session and renders what happens."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from gradcli.engine import modes
from gradcli.errors import FileFailure, GradcliError
from gradcli.render.plain import PlainRenderer
from gradcli.session import Session

Program = tuple[str, str | None]
"""A file's name (`-` is standard input), or a name with its text."""


def evaluate(
    programs: list[Program],
    *,
    precision: int = 4,
    dtype: str = "float64",
    seed: int | None = None,
    tracking: str | None = None,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """Runs programs in order, in one session, and gives the exit status: 0, or 1 where one failed."""
    renderer = PlainRenderer(out or sys.stdout, err or sys.stderr)
    session = Session(dtype=dtype, seed=seed, tracking=tracking)
    before, modes.precision = modes.precision, precision
    try:
        for name, text in programs:
            source = read(name) if text is None else text
            session.execute(source, "<stdin>" if name == "-" else name, renderer.event)
    except GradcliError as failure:
        if os.environ.get("GRADCLI_DEBUG"):
            import traceback

            traceback.print_exception(failure, file=renderer.err)
        renderer.failure(failure, None if failure.span is None else session.text_of(failure.span))
        return 1
    finally:
        modes.precision = before
        renderer.out.flush()
    return 0


def read(name: str) -> str:
    """The text of a script. Raises FileFailure where it can't be read or isn't UTF-8."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as problem:
        raise FileFailure(f"can't read {name}: {(problem.strerror or str(problem)).lower()}") from None
    except UnicodeDecodeError as problem:
        raise FileFailure(
            f"{name} isn't a UTF-8 text: byte {problem.start + 1} can't be read", help="save it as UTF-8"
        ) from None
