"""Lines run in a session: accepted as a whole, or put back as a whole where they fail or are interrupted."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradcli.engine import Tensor, modes
from gradcli.engine.memory import buffer
from gradcli.errors import GradcliError, ValueFailure
from gradcli.events import Value, Warned
from gradcli.library import context
from gradcli.repl.interrupts import Interrupts
from gradcli.repl.record import LAST, Line, ends_in_expression
from gradcli.repl.snapshots import Past
from gradcli.session import Session

EXPLICIT = "if false { zeros(1).requires_grad_() }  # tracking is explicit"
"""A line that mentions `requires_grad` and does nothing."""


class Shell:
    """One session, the lines it accepted, and the way back."""

    def __init__(self, session: Session, renderer: Any, columns: Callable[[], int]) -> None:
        self.session = session
        # `graph`, `explain` and `check` are asked of what was computed before.
        session.tracing = True
        self.renderer = renderer
        self.saved: set[Path] = set()
        self.lines: tuple[Line, ...] = ()
        self._columns = columns
        self._count = 0
        self._typed = ""
        state = session.snapshot()
        if state.seed is None and state.generator is None:
            # A seed of this session's own, so that a saved script draws the same numbers.
            session.restore(state._replace(seed=int.from_bytes(os.urandom(4), "little")))
        self.start = session.snapshot()
        self._past = Past(session)

    @property
    def columns(self) -> int:
        """The width of the terminal, now."""
        return self._columns()

    def write(self, text: str) -> None:
        """Writes text to where results go."""
        self.renderer.out.write(text)
        self.renderer.out.flush()

    # ---- running

    def submit(self, text: str) -> None:
        """Runs what was typed: a command or a text of the language. Raises EOFError where that ends the REPL."""
        text = text.strip("\n")
        if not text.strip():
            return
        # What undo speaks of, also where a command runs another text.
        self._typed = text.strip()
        try:
            if text.lstrip().startswith(":"):
                from gradcli.repl.commands import run

                run(self, text.strip())
            else:
                self.evaluate(text)
        except GradcliError as failure:
            self._show_failure(failure)
        finally:
            self._typed = ""

    def evaluate(self, text: str, name: str | None = None) -> bool:
        """Runs a text of the language as one line that is accepted or leaves no trace; says whether it's accepted."""
        shown: list[Any] = []
        before = self.session.snapshot().values.get(LAST)
        was_untracked = _is_untracked(before)
        if not self._run(text, name or self._next_name(), shown):
            return False
        named = bool(shown) and ends_in_expression(text)
        state = self.session.snapshot()
        if named or LAST in state.values:
            # Behind all others: a tensor is called by its first name.
            values = dict(state.values)
            last = values.pop(LAST, None)
            untracked = last is before and was_untracked
            values[LAST] = shown[-1] if named else _own(last) if untracked and last.node else last
            self.session.restore(state._replace(values=values))
        tracked = any(tensor.requires_grad for tensor in self.session.named_tensors().values())
        self._accept((*self.lines, Line(text, named, bool(state.explicit), tracked)), self._typed or text)
        return True

    def look(self, text: str, quiet: bool = False, tell: bool = True) -> bool:
        """Runs a text that is to change nothing; says whether it ran through.

        `quiet` shows no results, and `tell` says whether a failure is shown.
        """
        done = self._run(text, self._next_name(), [], quiet, tell)
        if done:
            self._past.put_back()
        return done

    def _next_name(self) -> str:
        self._count += 1
        return f"<input {self._count}>"

    def _run(self, text: str, name: str, shown: list[Any], quiet: bool = False, tell: bool = True) -> bool:
        def show(event: Any) -> None:
            if isinstance(event, Value):
                shown.append(event.value)
            if not quiet:
                self.renderer.event(event)

        before = _process_state()
        with Interrupts(self._tell_stuck) as interrupts:
            try:
                with interrupts.while_it_runs():
                    self.session.execute(text, name, show)
            except KeyboardInterrupt:
                _restore_process_state(before)
                self._flush()
                self._report(self._past.put_back())
                self._diagnose("interrupted: names and gradients are as they were before this line\n")
                return False
            except GradcliError as failure:
                kept = self._past.put_back()
                if tell:
                    self._show_failure(failure)
                    self._report(kept)
                return False
            except BaseException:
                self._past.put_back()
                raise
        self._flush()
        return True

    def _flush(self) -> None:
        """Ends what the renderer still holds of a line, such as a table that might have gone on."""
        getattr(self.renderer, "flush", self.renderer.out.flush)()

    def _show_failure(self, failure: Any) -> None:
        if os.environ.get("GRADCLI_DEBUG"):
            import traceback

            traceback.print_exception(failure, file=self.renderer.err)
        self.renderer.failure(failure)

    def _report(self, kept: list[str]) -> None:
        if kept:
            self.renderer.event(
                Warned(f"too large to be put back, and as the line left it: {', '.join(kept)}", "compute it again")
            )

    def _diagnose(self, text: str) -> None:
        self.renderer.err.write(text)
        self.renderer.err.flush()

    def _tell_stuck(self) -> None:
        self._diagnose("one operation is still at work and can't be stopped halfway; Ctrl-C again leaves gradcli\n")

    # ---- going back

    def _accept(self, lines: tuple[Any, ...], what: str) -> None:
        self._past.accept((self.lines, what))
        self.lines = lines

    def undo(self) -> None:
        """Takes the last accepted line back."""
        undone = self._past.undo()
        if undone is None:
            raise ValueFailure("there is nothing to undo")
        (self.lines, what), kept = undone
        first, _, rest = what.strip().partition("\n")
        self.write(f"undone: {first}{' ...' if rest else ''}\n")
        self._report(kept)

    def reset(self) -> None:
        """Makes the session what it was at the start."""
        self.session.restore(self.start)
        self._accept((), ":reset")

    def set_tracking(self, tracking: str) -> None:
        """Makes the session auto or explicit from here on."""
        state = self.session.snapshot()
        if bool(state.explicit) == (tracking == "explicit"):
            if state.explicit is None:
                self.session.restore(state._replace(explicit=False))
        elif tracking == "explicit":
            self.session.restore(state._replace(explicit=None))
            self.evaluate(EXPLICIT)
        else:
            self.session.restore(state._replace(explicit=False))
            self._accept(self.lines, f":set tracking {tracking}")


def _is_untracked(value: Any) -> bool:
    return type(value) is Tensor and not value.node


def _own(last: Any) -> Any:
    """`_` after `x = _` made x a leaf: a tensor of its own, as little tracked as it was."""
    return Tensor(buffer(last)) if last.is_leaf and last.meta.by_itself else last


def _process_state() -> tuple[Any, ...]:
    """What an evaluation changes outside of its session and puts back; an interrupt may come in between."""
    running = context.enter(None)
    context.enter(running)
    names = ("recording", "default_dtype", "warn", "attend", "script_builtins")
    return {name: getattr(modes, name) for name in names if hasattr(modes, name)}, running, sys.getrecursionlimit()


def _restore_process_state(state: tuple[Any, ...]) -> None:
    of_modes, running, limit = state
    for name, value in of_modes.items():
        setattr(modes, name, value)
    context.enter(running)
    sys.setrecursionlimit(limit)
