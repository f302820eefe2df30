"""A session: one scope of names, one tracking mode, one random generator; it runs scripts and yields events."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from types import CellType, CodeType, FunctionType
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np

from gradcli.engine import Tensor, as_tensor, modes, start_tracking, stop_tracking
from gradcli.engine.finiteness import Watch
from gradcli.engine.node import site
from gradcli.errors import GradcliError, NameFailure, Span, ValueFailure
from gradcli.events import Event, Warned
from gradcli.grammar import tokens
from gradcli.language.dictionary import BUILTINS, DICTIONARY
from gradcli.language.unit import Unit, compile_unit
from gradcli.library import context

if TYPE_CHECKING:
    from gradcli.analysis.history import History, Place
    from gradcli.state import State

_EMPTY = object()

FRAMES_TO_RUN = 3000
"""Python's frames that a script may take: functions that call each other 500 deep have room, also by way of hooks."""


class _Mode:
    """What holds where a script stands that waits for its next step: is history recorded, and who looks for nan."""

    __slots__ = ("recording", "watch")

    def __init__(self, watch: Watch | None) -> None:
        self.recording = True
        self.watch = watch


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
        self.nan = "warn"
        """What the first inf, nan or gradient of either in a script gets: "warn", "error" or "ignore"."""
        self.tracing = False
        """Whether what operations were computed from is kept, for `graph`, `explain` and `check`: a script that has
        such a statement turns it on; a session that may be asked later turns it on itself."""
        self.counts_passes = False
        """Whether events of gradients tell how many passes have added to them since they were none or zero."""
        self.before_backward: Callable[[Any, Any, Any], None] | None = None
        """Called with the results, the vectors and the inputs of each backward before it begins."""
        self._dtype = np.dtype(dtype)
        self._explicit: bool | None = None if tracking is None else tracking == "explicit"
        self._seed = seed
        self._generator: np.random.Generator | None = None
        self._cells: dict[str, CellType] = {}
        self._consts: frozenset[str] = frozenset()
        self._loop_names: set[str] = set()
        self._units: WeakValueDictionary[str, Unit] = WeakValueDictionary()
        self._sources: dict[str, Unit] = {}
        """The text that gave each name its value."""
        self._count = 0
        self._texts: dict[str, str] = {}
        self._warned: set[tuple[tuple[CodeType | None, int] | Span | None, str]] = set()
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
        with self._started(source, name, emit) as (script, mode), self._running(emit, mode), self._explaining():
            for _ in script:
                pass

    def _steps(self, source: str, name: str, emit: Callable[[Event], None]) -> Iterator[None]:
        with self._started(source, name, emit) as (script, mode):
            while True:
                with self._running(emit, mode), self._explaining():
                    try:
                        next(script)
                    except StopIteration:
                        return
                yield

    @contextmanager
    def _started(
        self, source: str, name: str, emit: Callable[[Event], None]
    ) -> Iterator[tuple[Generator[None], _Mode]]:
        """A script that's ready to run, and the mode that it runs in."""
        unit, code = self._compiled(source, name)
        mode = _Mode(None if self.nan == "ignore" else Watch(self.warn, self.nan == "error"))
        self.tracing = self.tracing or unit.sees
        with self._running(emit, mode):
            self._take_mode(unit)
            script = self._script(unit, code)
        try:
            yield script, mode
        finally:
            # Where nobody asks for the rest, the script's blocks end here, in its own mode.
            with self._running(emit, mode):
                script.close()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """What goes wrong becomes a failure with its place and its cause."""
        try:
            yield
        except OSError:
            # Of the output, say a closed pipe: the library's own become failures where they happen.
            raise
        except Exception as problem:
            failure = self._explained(problem)
            raise failure from (failure.__cause__ if not isinstance(problem, GradcliError) else None)

    def _explained(self, problem: Exception) -> GradcliError:
        # Only a script that fails needs the words for it.
        from gradcli.language.failures import add_cause, located

        names = self._names()
        failure = located(problem, self._units, names)
        unit = None if failure.span is None else self._units.get(failure.span.unit)
        if unit is not None:
            given = {name: source.origins.get(name) for name, source in self._sources.items()}
            origins = {name: origin for name, origin in given.items() if origin is not None}
            value_of = {name: self[name] for name in names}.get
            add_cause(failure, unit, origins, value_of, not self._explicit)
        return failure

    def _compiled(self, source: str, name: str) -> tuple[Unit, CodeType]:
        self._texts[name] = source
        self._count += 1
        key = f"{name}#{self._count}"
        unit, code = compile_unit(
            source.removeprefix("\ufeff"),
            name,
            key=key,
            auto=None if self._explicit is None else not self._explicit,
            known=self,
            consts=self._consts,
            loop_names=self._loop_names,
            vocabulary=DICTIONARY,
        )
        self._units[key] = unit
        self._sources.update((bound, unit) for bound, given in unit.bound.items() if given)
        return unit, code

    def _take_mode(self, unit: Unit) -> None:
        """The first mention of `requires_grad` makes the session explicit, and what auto marked is unmarked."""
        if not unit.explicit or self._explicit is not None:
            return
        self._explicit = True
        marked = _tracked_by_themselves(self[name] for name in self._names())
        for tensor in marked:
            stop_tracking(tensor)
            tensor.node = None
        if marked:
            names = f"{len(marked)} name{'s' * (len(marked) != 1)}"
            self.warn(
                f"requires_grad is mentioned: tracking is explicit from here on, and {names} tracked until now no more"
            )

    def _script(self, unit: Unit, code: CodeType) -> Generator[None]:
        for name in (*unit.bound, *code.co_freevars):
            cell = self._cells.get(name)
            if cell is None:
                cell = self._cells[name] = CellType()
            # A script may read a built-in's name before it gives it another meaning: `sum = sum(x)`.
            if name in BUILTINS and _content(cell) is _EMPTY:
                cell.cell_contents = BUILTINS[name]
        if unit.consts:
            self._consts |= unit.consts
        closure = tuple(self._cells[name] for name in code.co_freevars)
        return FunctionType(code, self._globals, "<script>", None, closure)()

    @contextmanager
    def _running(self, emit: Callable[[Event], None], mode: _Mode) -> Iterator[None]:
        """The engine and the library in this session's state; put back however the block ends."""
        before = modes.default_dtype, modes.recording, modes.script_builtins, modes.warn, modes.attend, self._emit
        watched, modes.watch = modes.watch, mode.watch
        asked, modes.before_backward = modes.before_backward, self.before_backward
        counted, modes.count_passes = modes.count_passes, self.counts_passes
        outer = context.enter(self)
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, FRAMES_TO_RUN))
        modes.default_dtype, modes.recording, modes.script_builtins = self._dtype, mode.recording, BUILTINS
        modes.warn, modes.attend, self._emit = self.warn, self._tracer(), emit
        try:
            with np.errstate(all="ignore") if mode.watch is None else mode.watch.errors():
                yield
        finally:
            self._dtype, mode.recording = modes.default_dtype, modes.recording
            if mode.watch is not None:
                mode.watch.disarm()
            modes.default_dtype, modes.recording, modes.script_builtins, modes.warn, modes.attend, self._emit = before
            modes.watch, modes.before_backward, modes.count_passes = watched, asked, counted
            context.enter(outer)
            sys.setrecursionlimit(limit)

    def _tracer(self) -> Callable[..., None] | None:
        if not self.tracing:
            return None
        from gradcli.engine.tracing import trace

        return trace

    # ---- names

    def _names(self) -> list[str]:
        return [name for name in self._cells if name in self]

    def named_tensors(self) -> dict[str, Tensor]:
        """The tensors that have names, in the order in which the names were first given."""
        found = {name: value for name, cell in self._cells.items() if type(value := _content(cell)) is Tensor}
        if "_" in found:
            # The last value of a REPL: a second name for most that it names.
            found["_"] = found.pop("_")
        return found

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise NameFailure(f"`{name}` isn't defined")
        return self._cells[name].cell_contents

    def __setitem__(self, name: str, value: Any) -> None:
        if [token[0] for token in tokens(name)] != ["NAME"] or name.startswith("__"):
            raise NameFailure(f"`{name}` can't be a name of a script")
        if isinstance(value, (np.ndarray, np.generic)):
            value = as_tensor(value)
            if not self._explicit and value.dtype.kind == "f" and name not in self._consts:
                start_tracking(value)
                value.ensure_meta().by_itself = True
        self._cells.setdefault(name, CellType()).cell_contents = value

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        cell = self._cells.get(name)
        value = _EMPTY if cell is None else _content(cell)
        # A name that a script only reads means the built-in.
        return value is not _EMPTY and value is not BUILTINS.get(name, _EMPTY)

    def snapshot(self) -> State:
        """The names and the settings, for `restore`."""
        values = {name: _content(cell) for name, cell in self._cells.items()}
        generator = None if self._generator is None else self._generator.bit_generator.state
        from gradcli.state import State

        return State(values, self._consts, self._dtype, self._explicit, self._seed, generator)

    def restore(self, state: State) -> None:
        """Goes back to a snapshot: names given since then are gone."""
        for cell in self._cells.values():
            del cell.cell_contents
        self._cells = {name: self._cells.get(name) or CellType() for name in state.values}
        for name, value in state.values.items():
            if value is not _EMPTY:
                self._cells[name].cell_contents = value
        _, self._consts, self._dtype, self._explicit, self._seed, generator = state
        self._generator = None if generator is None else np.random.default_rng()
        if self._generator is not None:
            self._generator.bit_generator.state = generator

    # ---- what the library asks of a session

    @property
    def generator(self) -> np.random.Generator:
        """The random generator, made when it's first needed: NumPy's takes a while to load."""
        if self._generator is None:
            self._generator = _generator(self._seed)
        return self._generator

    def seed(self, seed: int) -> None:
        self._generator = _generator(seed)

    def emit(self, event: Event) -> None:
        self._emit(event)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """A stretch in which scripts' functions run again for a look at them: nothing is shown, drawn or traced."""
        emit, self._emit = self._emit, lambda event: None
        drawn = None if self._generator is None else self._generator.bit_generator.state
        attend, modes.attend = modes.attend, None
        watch, modes.watch = modes.watch, None
        asked, modes.before_backward = modes.before_backward, None
        try:
            with np.errstate(all="ignore"):
                yield
        finally:
            self._emit, modes.attend, modes.watch, modes.before_backward = emit, attend, watch, asked
            if drawn is not None and self._generator is not None:
                self._generator.bit_generator.state = drawn

    def warn(self, message: str, help: str = "", places: dict[str, tuple[Any, int]] | None = None) -> None:
        """A diagnostic about the place that runs now; each place is warned of one thing once.

        `places` are those that the texts speak of, as in a failure.
        """
        for key, (code, instruction) in (places or {}).items():
            from gradcli.language.failures import words_for

            _, words = words_for(code, instruction, self._units, self.here())
            message, help = (text.replace(f"{{{key}}}", words) for text in (message, help))
        # A loop comes to the same instruction again and again, and a place may have several.
        told = site(), message
        if told not in self._warned:
            here = self.here()
            said = (here, message) in self._warned
            self._warned |= {told, (here, message)}
            if not said:
                self._emit(Warned(message, help, here))

    def here(self) -> Span | None:
        """The innermost place of the script that runs now."""
        code, instruction = site()
        unit = None if code is None else self._units.get(code.co_filename)
        return None if unit is None or code is None else unit.span_of(code, instruction)

    def place_of(self, code: CodeType, instruction: int) -> Place | None:
        """Where an operation stands in this session's scripts: its span, its text, the name its value was given."""
        from gradcli.analysis.history import Place
        from gradcli.language.callsites import text_at

        unit = self._units.get(code.co_filename)
        span = None if unit is None else unit.span_of(code, instruction)
        return None if unit is None or span is None else Place(span, text_at(unit.text, span), unit.name_at(span))

    def history_of(self, y: Tensor) -> History:
        """The steps that led to a tensor, in the words of this session's scripts."""
        from gradcli.analysis.history import history_of

        return history_of(y, self.place_of, self.named_tensors())

    def text_of(self, span: Span | None) -> str | None:
        """The source line that a span begins in; none where there is no place or no text."""
        unit = self._units.get(span.unit) if span is not None else None
        if span is None or (unit is None and span.file not in self._texts):
            return None
        text = self._texts[span.file] if unit is None else unit.text
        lines = text.removeprefix("\ufeff").split("\n")
        return lines[span.line - 1].rstrip("\r") if span.line <= len(lines) else None


def _tracked_by_themselves(values: Iterable[Any]) -> list[Tensor]:
    """The leaves that are tracked because they were given a name, also those that only a list holds."""
    found: list[Tensor] = []
    waiting, seen = list(values), set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, (list, tuple)):
            waiting.extend(value)
        elif type(value) is Tensor and value.node and value.is_leaf and value.meta is not None and value.meta.by_itself:
            found.append(value)
    return found


def _generator(seed: int | None) -> np.random.Generator:
    """As in torch, a negative seed counts back from 2^64."""
    return np.random.default_rng(None if seed is None else seed % 2**64)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY
