"""The start of a REPL from the command line: nothing is loaded before the first prompt that it doesn't need."""

from __future__ import annotations

import sys
from typing import Any


def start(
    file: str | None = None,
    *,
    precision: int = 4,
    dtype: str = "float64",
    seed: int | None = None,
    tracking: str | None = None,
    settings: list[str] | None = None,
    color: str = "auto",
) -> int:
    """Runs a REPL after a file; where standard input is no terminal, evaluates it instead. Gives the exit status."""
    if sys.stdin is None or not sys.stdin.isatty():
        from gradcli.evaluate import evaluate

        programs: list[tuple[str, str | None]] = [*([] if file is None else [(file, None)]), ("-", None)]
        return evaluate(
            programs, precision=precision, dtype=dtype, seed=seed, tracking=tracking, settings=settings, color=color
        )

    def session() -> Any:
        from gradcli.engine import modes
        from gradcli.process import settle
        from gradcli.session import Session

        settle()
        modes.precision = precision
        return Session(dtype=dtype, seed=seed, tracking=tracking)

    def renderer(made: Any) -> Any:
        from gradcli.evaluate import renderer_for

        shown = renderer_for("auto", sys.stdout, sys.stderr, made.text_of, color)
        made.counts_passes = getattr(shown, "counts_passes", False)
        return shown

    from gradcli.repl.shell import run_repl

    return run_repl(session, renderer, file, settings=settings or (), color=color)
