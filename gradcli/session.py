"""A session: one scope of names, one tracking mode, one random generator; it runs scripts and yields events."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from types import CellType, FunctionType
from typing import Any

import numpy as np

from gradcli.engine import Tensor, as_tensor, modes, start_tracking, stop_tracking
from gradcli.engine.node import site
from gradcli.errors import GradcliError, NameFailure, Span, ValueFailure
from gradcli.events import Event, Warned
from gradcli.grammar import tokens
from gradcli.language.dictionary import BUILTINS, DICTIONARY
from gradcli.language.failures import add_cause, located
from gradcli.language.unit import Unit, compile_unit
from gradcli.library import context

_EMPTY = object()

FRAMES_TO_RUN = 3000
"""Python's frames that a script may take: functions that call each other 500 deep have room, also by way of hooks."""


class _GradMode:
    """Whether history is recorded where a script stands that waits for its next step."""

    __slots__ = ("recording",)

    def __init__(self) -> None:
        self.recording = True


class Session:
    """Runs scripts that share names.

    `dtype` is the default dtype ("float64" or "float32"), `seed` starts the random generator, `tracking` is "auto",
    "explicit" or none (a script that mentions `requires_grad` is explicit), `sandbox` refuses all files.

        session = Session()
        for event in session.run("x = 3; y = x^2; backward y"):
            ...
        session["x"].grad
    """

    def __init__(
        self, dtype: str = "float64", seed: int | None = None, tracking: str | None = None, sandbox: bool = False
    ) -> None:
        if dtype not in ("float64", "float32", "float16"):
            raise ValueFailure(f"the default dtype is float64, float32 or float16, and this is {dtype}")
        if tracking not in (None, "auto", "explicit"):
            raise ValueFailure(f'tracking is "auto" or "explicit", and this is "{tracking}"')
        self.sandbox = sandbox
        self._dtype = np.dtype(dtype)
        self._explicit: bool | None = None if tracking is None else tracking == "explicit"
        self._seed = seed
        self._generator: np.random.Generator | None = None
        self._cells: dict[str, CellType] = {}
        self._consts: frozenset[str] = frozenset()
        self._units: dict[str, Unit] = {}
        self._texts: dict[str, str] = {}
        self._warned: set[tuple[Span | None, str]] = set()
        self._globals: dict[str, Any] = {"__builtins__": BUILTINS, "__name__": "gradcli.script"}
        self._emit: Callable[[Event], None] = lambda event: None

    # ---- running

    def run(self, source: str, name: str = "<text>") -> Iterator[Event]:
        """Runs a script and yields its events as they happen.

        Raises GradcliError, whose `.kind`, `.message`, `.help` and `.span` say what failed and where; the names that
        were given values before it keep them.
        """
        waiting: list[Event] = []
        steps = self._steps(source, name, waiting.append)
        running = True
        while running:
            failure: GradcliError | None = None
            try:
                next(steps)
            except StopIteration:
                running = False
            except GradcliError as problem:
                failure = problem
            yield from waiting
            waiting.clear()
            if failure is not None:
                raise failure

    def execute(self, source: str, name: str, emit: Callable[[Event], None]) -> None:
        """Runs a script and hands each event to `emit` at once, also those from inside functions."""
        for _ in self._steps(source, name, emit):
            pass

    def _steps(self, source: str, name: str, emit: Callable[[Event], None]) -> Iterator[None]:
        unit = self._compiled(source, name)
        mode = _GradMode()
        with self._running(emit, mode):
            self._take_mode(unit)
            script = self._script(unit)
        try:
            while True:
                with self._running(emit, mode):
                    try:
                        next(script)
                    except StopIteration:
                        return
                    except OSError:
                        # Of the output, say a closed pipe: the library's own become failures where they happen.
                        raise
                    except Exception as problem:
                        failure = self._explained(problem)
                        raise failure from (failure.__cause__ if not isinstance(problem, GradcliError) else None)
                yield
        finally:
            # Where nobody asks for the rest, the script's blocks end here, in its own mode.
            with self._running(emit, mode):
                script.close()

    def _explained(self, problem: Exception) -> GradcliError:
        failure = located(problem, self._units, self._names())
        if failure.span is not None:
            origins = {name: origin for unit in self._units.values() for name, origin in unit.origins.items()}
            line = self.text_of(failure.span) or ""
            end = failure.span.end_column - 1 if failure.span.end_line == failure.span.line else None
            names = self._names()
            add_cause(
                failure,
                line[failure.span.column - 1 : end],
                origins,
                lambda name: self[name] if name in names else None,
            )
        return failure

    def _compiled(self, source: str, name: str) -> Unit:
        self._texts[name] = source
        key = f"{name}#{len(self._units) + 1}"
        unit = compile_unit(
            source.removeprefix("\ufeff"),
            name,
            key=key,
            auto=None if self._explicit is None else not self._explicit,
            known=set(self._names()),
            consts=set(self._consts),
            vocabulary=DICTIONARY,
        )
        self._units[key] = unit
        return unit

    def _take_mode(self, unit: Unit) -> None:
        """The first mention of `requires_grad` makes the session explicit, and what auto marked is unmarked."""
        if not unit.explicit or self._explicit is not None:
            return
        self._explicit = True
        marked = [tensor for tensor in self.named_tensors().values() if tensor.node and tensor.is_leaf]
        for tensor in marked:
            stop_tracking(tensor)
            tensor.node = None
        if marked:
            names = f"{len(marked)} name{'s' * (len(marked) != 1)}"
            self.warn(
                f"requires_grad is mentioned: tracking is explicit from here on, and {names} tracked until now no more"
            )

    def _script(self, unit: Unit) -> Generator[None]:
        for name in (*unit.names, *unit.code.co_freevars):
            cell = self._cells.get(name)
            if cell is None:
                cell = self._cells[name] = CellType()
            # A script may read a built-in's name before it gives it another meaning: `sum = sum(x)`.
            if name in BUILTINS and _content(cell) is _EMPTY:
                cell.cell_contents = BUILTINS[name]
        self._consts = unit.consts
        closure = tuple(self._cells[name] for name in unit.code.co_freevars)
        return FunctionType(unit.code, self._globals, "<script>", None, closure)()

    @contextmanager
    def _running(self, emit: Callable[[Event], None], mode: _GradMode) -> Iterator[None]:
        """The engine and the library in this session's state; put back however the block ends."""
        before = modes.default_dtype, modes.recording, modes.script_builtins, modes.warn, self._emit
        outer = context.enter(self)
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, FRAMES_TO_RUN))
        modes.default_dtype, modes.recording, modes.script_builtins = self._dtype, mode.recording, BUILTINS
        modes.warn, self._emit = self.warn, emit
        try:
            with np.errstate(all="ignore"):
                yield
        finally:
            self._dtype, mode.recording = modes.default_dtype, modes.recording
            modes.default_dtype, modes.recording, modes.script_builtins, modes.warn, self._emit = before
            context.enter(outer)
            sys.setrecursionlimit(limit)

    # ---- names

    def _names(self) -> list[str]:
        return [
            name
            for name, cell in self._cells.items()
            if (value := _content(cell)) is not _EMPTY and value is not BUILTINS.get(name, _EMPTY)
        ]

    def named_tensors(self) -> dict[str, Tensor]:
        """The tensors that have names, in the order in which the names were first given."""
        found = {name: _content(self._cells[name]) for name in self._names()}
        return {name: value for name, value in found.items() if type(value) is Tensor}

    def __getitem__(self, name: str) -> Any:
        value = _content(self._cells[name]) if name in self._cells else _EMPTY
        if value is _EMPTY or value is BUILTINS.get(name, _EMPTY):
            raise NameFailure(f"`{name}` isn't defined")
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        if [token[0] for token in tokens(name)] != ["NAME"] or name.startswith("__"):
            raise NameFailure(f"`{name}` can't be a name of a script")
        if isinstance(value, (np.ndarray, np.generic)):
            value = as_tensor(value)
            if not self._explicit and value.dtype.kind == "f" and name not in self._consts:
                start_tracking(value)
        self._cells.setdefault(name, CellType()).cell_contents = value

    def __contains__(self, name: str) -> bool:
        return name in self._names()

    # ---- what the library asks of a session

    @property
    def generator(self) -> np.random.Generator:
        """The random generator, made when it's first needed: NumPy's takes a while to load."""
        if self._generator is None:
            self._generator = np.random.default_rng(self._seed)
        return self._generator

    def seed(self, seed: int) -> None:
        self._generator = np.random.default_rng(abs(seed))

    def emit(self, event: Event) -> None:
        self._emit(event)

    def warn(self, message: str, help: str = "") -> None:
        """A diagnostic about the place that runs now; each place is warned of one thing once."""
        code, instruction = site()
        unit = None if code is None else self._units.get(code.co_filename)
        span = None if unit is None or code is None else unit.span_of(code, instruction)
        if (span, message) not in self._warned:
            self._warned.add((span, message))
            self._emit(Warned(message, help, span))

    def text_of(self, span: Span | None) -> str | None:
        """The source line that a span begins in; none where there is no place or no text."""
        if span is None or span.file not in self._texts:
            return None
        lines = self._texts[span.file].removeprefix("\ufeff").split("\n")
        return lines[span.line - 1].rstrip("\r") if span.line <= len(lines) else None


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY
