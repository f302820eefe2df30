"""Programs to output: runs files, texts and standard input in one session and renders what happens."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, TextIO

from gradcli.engine import modes
from gradcli.errors import FileFailure, GradcliError, LimitFailure, ValueFailure
from gradcli.events import Event, Grad, Value
from gradcli.limits import interruptible, limit_memory, size_in_bytes, time_limit
from gradcli.session import Session

Program = tuple[str, str | None]
"""A file's name (`-` is standard input), or a name with its text."""


def evaluate(
    programs: list[Program],
    *,
    format: str = "plain",
    precision: int = 4,
    dtype: str = "float64",
    seed: int | None = None,
    tracking: str | None = None,
    settings: list[str] | None = None,
    quiet: bool = False,
    timeout: float | None = None,
    max_memory: str | None = None,
    sandbox: bool = False,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """Runs programs in order, in one session, and gives the exit status: 0, or 1 where one failed.

    `settings` are assignments (`NAME=EXPRESSION`) made before the first program.
    """
    session = Session(dtype=dtype, seed=seed, tracking=tracking, sandbox=sandbox)
    renderer = renderer_for(format, out or sys.stdout, err or sys.stderr, session)

    def show(event: Event) -> None:
        if not quiet or not isinstance(event, (Value, Grad)):
            renderer.event(event)

    before, modes.precision = modes.precision, precision
    try:
        if max_memory is not None:
            limit_memory(size_in_bytes(max_memory))
        with interruptible(renderer.out.flush), time_limit(timeout, renderer.failure):
            for setting in settings or []:
                session.execute(setting, f"--set {setting}", show)
            for name, text in programs:
                source = read(name) if text is None else text
                session.execute(source, "<stdin>" if name == "-" else name, show)
    except GradcliError as failure:
        if os.environ.get("GRADCLI_DEBUG"):
            import traceback

            traceback.print_exception(failure, file=renderer.err)
        if max_memory is not None and isinstance(failure, LimitFailure) and "memory" in failure.message:
            failure.message = f"the memory limit of {max_memory} is reached"
        renderer.failure(failure)
        return 1
    finally:
        modes.precision = before
        renderer.out.flush()
    return 0


def renderer_for(format: str, out: TextIO, err: TextIO, session: Session) -> Any:
    """The renderer of an output format; only the one that's used is loaded."""
    if format == "json":
        from gradcli.render.json_lines import JsonRenderer

        return JsonRenderer(out, err)
    from gradcli.render.plain import PlainRenderer

    return PlainRenderer(out, err, session.text_of)


def checked(settings: list[str] | None, max_memory: str | None) -> None:
    """Raises ValueFailure for a setting that is no assignment, and a size that is none."""
    for setting in settings or []:
        name, equals, value = setting.partition("=")
        if not equals or not name.strip().isidentifier() or not value.strip():
            raise ValueFailure(f"`--set {setting}` is no assignment: write a name, `=` and an expression, --set n=10")
    if max_memory is not None:
        size_in_bytes(max_memory)


def read(name: str) -> str:
    """The text of a script. Raises FileFailure where it can't be read or isn't UTF-8."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8-sig")
    except (OSError, ValueError) as problem:
        if isinstance(problem, UnicodeDecodeError):
            raise FileFailure(
                f"{name} isn't a UTF-8 text: byte {problem.start + 1} can't be read", help="save it as UTF-8"
            ) from None
        reason = getattr(problem, "strerror", None) or str(problem)
        raise FileFailure(f"can't read {name}: {reason.lower()}") from None
