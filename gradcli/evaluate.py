"""Programs to output: runs files, texts and standard input in one session and renders what happens."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from threading import Lock
from typing import Any, Protocol, TextIO

from gradcli.engine import modes
from gradcli.errors import FileFailure, GradcliError, LimitFailure, Span, SyntaxFailure, ValueFailure
from gradcli.events import Checked, Event, Grad, Value
from gradcli.filesystem import read_text, unwritten
from gradcli.grammar import parse, parse_expression, tokens
from gradcli.language.scope import mentions
from gradcli.limits import interruptible, memory_limit, size_in_bytes, time_limit
from gradcli.process import settle
from gradcli.render.color import is_rich
from gradcli.session import Session


class Look(Protocol):
    """What a command does with the events of a script, and at its end."""

    def event(self, event: Event) -> None: ...

    def finish(self) -> None: ...


Program = tuple[str, str | None]
"""A file's name (`-` is standard input), or a name with its text."""


def evaluate(
    programs: list[Program],
    *,
    format: str = "auto",
    precision: int = 4,
    dtype: str = "float64",
    seed: int | None = None,
    tracking: str | None = None,
    settings: list[str] | None = None,
    quiet: bool = False,
    timeout: float | None = None,
    max_memory: str | None = None,
    sandbox: bool = False,
    nan: str = "warn",
    color: str = "auto",
    look: Callable[[Session, Callable[[Event], None]], Look] | None = None,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """Runs programs in order, in one session, and gives the exit status: 0, or 1 where one failed.

    `settings` are assignments (`NAME=EXPRESSION`) made before the first program. Where nobody reads the output any
    more, the evaluation ends there, and that's no failure. `look` is for the commands that look at a script: made for
    the session, it gets the events, of which only warnings are shown otherwise, and shows what it found at the end.
    """
    out, err = out or _writable(sys.stdout), err or _writable(sys.stderr)
    limit = None if max_memory is None else size_in_bytes(max_memory)
    session: Session | None = None
    line_of = lambda span: None if session is None else session.text_of(span)  # noqa: E731
    renderer = renderer_for(format, out, err, line_of, color)
    status, failed_check, reporting = 0, False, Lock()

    def show(event: Event) -> None:
        nonlocal failed_check
        failed_check = failed_check or (type(event) is Checked and not event.report.passed)
        if not quiet or not isinstance(event, (Value, Grad)):
            renderer.event(event)

    def report(problem: GradcliError | MemoryError) -> None:
        nonlocal status
        # Once, by whoever is first: the evaluation, or the watcher that is about to end the process.
        with reporting:
            if not status:
                status = 1
                renderer.failure(_failure(problem, max_memory))

    before, modes.precision = modes.precision, precision
    try:
        with interruptible(), time_limit(timeout, report):
            try:
                with memory_limit(limit):
                    given = ((name, read(name) if text is None else text) for name, text in programs)
                    if settings:
                        given, tracking = _set(settings, given, tracking)
                    session = Session(dtype=dtype, seed=seed, tracking=tracking, sandbox=sandbox)
                    session.nan = nan
                    session.counts_passes = getattr(renderer, "counts_passes", False)
                    if not gc.isenabled():
                        # The command turned it off, for the start.
                        settle(keep_memory=limit is None)
                    looking = None if look is None else look(session, show)
                    attend = show if looking is None else looking.event
                    # What an earlier text computes may be what a later one wants to see.
                    session.tracing = look is not None or any(_looks(text) for _, text in programs if text)
                    for name, text in given:
                        session.tracing = session.tracing or _looks(text)
                        session.execute(text, "<stdin>" if name == "-" else name, attend)
                    if looking is not None:
                        looking.finish()
                    renderer.flush()
            except (GradcliError, MemoryError) as problem:
                report(problem)
    except BrokenPipeError:
        pass
    except OSError as problem:
        status = 1
        with suppress(OSError):
            err.write(unwritten(problem))
            err.flush()
    finally:
        modes.precision = before
    return status or int(failed_check)


def _looks(text: str) -> bool:
    """Whether a text may have a statement that shows a graph: quickly, and never wrongly no."""
    return "graph" in text or "explain" in text or "check" in text


def _set(
    settings: list[str], given: Iterator[tuple[str, str]], tracking: str | None
) -> tuple[Iterator[tuple[str, str]], str | None]:
    """The settings before the programs, and the tracking mode: that of the first program, whose settings they are."""
    first = next(given, ("", ""))
    if tracking is None and "requires_grad" in first[1]:
        # A text that is no script fails when it runs.
        with suppress(GradcliError):
            tracking = "explicit" if mentions(parse(first[1]), "requires_grad") else None
    return chain(((f"--set {setting}", setting) for setting in settings), (first,), given), tracking


def _failure(problem: GradcliError | MemoryError, max_memory: str | None) -> GradcliError:
    """The failure to show; where memory was the user's to bound, in those words."""
    if os.environ.get("GRADCLI_DEBUG"):
        import traceback

        traceback.print_exception(problem)
    if isinstance(problem, MemoryError):
        # None was left to say where.
        problem = LimitFailure("not enough memory", help="work with smaller tensors, or in parts")
    if max_memory is not None and isinstance(problem, LimitFailure):
        problem.message = problem.message.replace("not enough memory", f"the memory limit of {max_memory} is reached")
    return problem


def renderer_for(
    format: str, out: TextIO, err: TextIO, line_of: Callable[[Span | None], str | None], color: str = "auto"
) -> Any:
    """The renderer of an output format; only the one that's used is loaded. On a terminal "auto" is rich."""
    if format == "rich" or (format == "auto" and is_rich(out, color)):
        from gradcli.render.rich_text import RichRenderer

        return RichRenderer(out, err, line_of, color=color, lines_of=_seen, lexer=_lexer)
    if format == "json":
        from gradcli.render.json_lines import JsonRenderer

        return JsonRenderer(out, err)
    from gradcli.render.plain import PlainRenderer

    return PlainRenderer(out, err, line_of)


def _seen(event: Any, width: int) -> list[Any]:
    from gradcli.render.seen import rich_of

    return rich_of(event, width)


def _lexer() -> Any:
    from gradcli.highlight import GrLexer

    return GrLexer()


def _writable(stream: Any) -> TextIO:
    """The process's own stream, made to take any text; one that the shell closed (`>&-`) takes it and drops it."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    with suppress(AttributeError):
        stream.reconfigure(errors="backslashreplace")
    return stream


def check_settings(settings: list[str]) -> None:
    """Raises ValueFailure for a setting that isn't one name and one expression."""
    for setting in settings:
        name, equals, value = setting.partition("=")
        try:
            named = [token[0] for token in tokens(name)] == ["NAME"] and not name.strip().startswith("__")
            if not named or not equals or not value.strip():
                raise ValueFailure(f"`{setting}` is no assignment: write a name, `=` and an expression, --set n=10")
            parse_expression(value, setting, 1, len(name) + 1)
        except SyntaxFailure as failure:
            raise ValueFailure(f"`{setting}`: {failure.message}") from None


def read(name: str) -> str:
    """The text of a script. Raises FileFailure where it can't be read or isn't UTF-8."""
    if not name:
        raise FileFailure("can't read a script: the name of its file is empty")
    return read_text(name).removeprefix("\ufeff")
