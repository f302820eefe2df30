"""A REPL without a terminal: keys through a pipe, results as text."""

from __future__ import annotations

import io
import select
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from prompt_toolkit.application.current import AppSession, create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from gradcli import Session
from gradcli.engine import Tensor
from gradcli.render.plain import PlainRenderer
from gradcli.repl.running import Shell
from gradcli.repl.shell import run_repl

ENTER, TAB, UP, DOWN, LEFT = "\r", "\t", "\x1b[A", "\x1b[B", "\x1b[D"
CTRL_C, CTRL_D, CTRL_R = "\x03", "\x04", "\x12"

PAUSE = "pause"
"""Among keys: a person looks up, until the prompt has read what was typed and waits for more."""


@dataclass
class Typed:
    """What came of typing: results, diagnostics, the session and the exit status."""

    out: str
    err: str
    session: Session
    status: int


def typed(*keys: str, session: Session | None = None, **options: Any) -> Typed:
    """Runs the REPL on keys, and leaves it by Ctrl-D."""
    session = session or Session()
    renderer = PlainRenderer(io.StringIO(), io.StringIO(), session.text_of)
    with create_pipe_input() as keyboard, create_app_session() as screen:

        def type_all() -> None:
            for key in (*keys, CTRL_C + CTRL_D):
                if key == PAUSE:
                    _wait_until_idle(keyboard, screen)
                else:
                    keyboard.send_text(key)

        typist = threading.Thread(target=type_all)
        typist.start()
        status = run_repl(session, renderer, input=keyboard, output=DummyOutput(), **options)
        typist.join()
    return Typed(renderer.out.getvalue(), renderer.err.getvalue(), session, status)


def _wait_until_idle(keyboard: PipeInput, screen: AppSession) -> None:
    """Returns when the prompt has gone through its loop some times, and there was nothing left to read.

    Or after 20 seconds: a prompt that has ended goes through nothing, and the test's own assertion tells.
    """
    turns, end = 0, time.monotonic() + 20
    while turns < 20 and time.monotonic() < end:
        app = screen.app
        turned = threading.Event()
        if app is not None and app.is_running and not app.is_done and app.loop is not None:
            with suppress(RuntimeError):
                # Raised where the loop has just been closed.
                app.loop.call_soon_threadsafe(turned.set)
        unread, _, _ = select.select([keyboard.fileno()], [], [], 0)
        turns = turns + 1 if turned.wait(0.05) and not unread else 0


def lines(*texts: str, session: Session | None = None, **options: Any) -> Typed:
    """Types lines, each with Enter."""
    return typed(*(text + ENTER for text in texts), session=session, **options)


class Lines:
    """A shell that is given lines directly; what they write is taken as it comes."""

    def __init__(self, *texts: str, columns: int = 80, session: Session | None = None) -> None:
        self.session = session or Session()
        self.renderer = PlainRenderer(io.StringIO(), io.StringIO(), self.session.text_of)
        self.shell = Shell(self.session, self.renderer, lambda: columns)
        for text in texts:
            self(text)

    def __call__(self, text: str) -> str:
        """Runs a line; returns what it showed, diagnostics behind results."""
        starts = self.renderer.out.tell(), self.renderer.err.tell()
        self.shell.submit(text)
        return self.renderer.out.getvalue()[starts[0] :] + self.renderer.err.getvalue()[starts[1] :]


def state(session: Session) -> dict[str, Any]:
    """Everything about a session's names that can be compared."""
    names = [name for name in session.snapshot().values if name in session]
    return {name: comparable(session[name]) for name in names}


def comparable(value: Any) -> Any:
    if type(value) is Tensor:
        grad = None if value.grad is None else comparable(value.grad)
        node = value.grad_fn
        array = np.asarray(value.array)
        return (array.dtype.name, array.shape, array.tobytes(), value.requires_grad, node.name if node else None, grad)
    if isinstance(value, (list, tuple)):
        return [comparable(part) for part in value]
    if callable(value):
        code = value.__code__
        plain = [part for part in code.co_consts if part is None or isinstance(part, (int, float, str, bytes, tuple))]
        return (value.__name__, code.co_code, repr(plain))
    return repr(value)
