"""The REPL: the prompt, and the loop that reads a line and runs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application.current import get_app
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.input.typeahead import get_typeahead

import gradcli
from gradcli.repl.completion import GrCompleter
from gradcli.repl.history import opened_history
from gradcli.repl.keys import bindings

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

    from gradcli.repl.running import Shell
    from gradcli.session import Session

PROMPT, CONTINUATION = ">>> ", "... "


def _continuation(width: int, line: int, wrapped: int) -> str:
    """What stands before a text's later lines; blanks where a long line only goes on."""
    return " " * len(CONTINUATION) if wrapped else CONTINUATION


class _Loading:
    """A shell that is made behind the first prompt: what the language needs takes longer to load than the prompt."""

    def __init__(self, make: Callable[[], Shell], then: Callable[[], None]) -> None:
        self._make = make
        self._then = then
        self._made: Shell | BaseException | None = None
        self._thread = threading.Thread(target=self._load, daemon=True)
        self._is_made = threading.Event()

    def _load(self) -> None:
        try:
            self._made = self._make()
        except BaseException as problem:
            self._made = problem
            return
        finally:
            self._is_made.set()
        import gradcli.repl.commands
        import gradcli.repl.words  # noqa: F401

        self._then()

    def begin(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    def shell(self) -> Shell:
        self.begin()
        self._is_made.wait()
        assert self._made is not None
        if isinstance(self._made, BaseException):
            raise self._made
        return self._made


def run_repl(
    session: Session | Callable[[], Session],
    renderer: Any,
    file: str | None = None,
    input: Input | None = None,
    output: Output | None = None,
    settings: Iterable[str] = (),
    color: str = "auto",
) -> int:
    """Reads and runs lines until Ctrl-D or `:quit`, after `settings` (assignments) and a script; gives the exit status.

    `session` may be a function that makes it, and `renderer` one that makes the renderer of a session: then both are
    made while the first prompt waits. A renderer has `event`, `failure`, `out` and `err`, and may have `flush`.
    What's typed has colours unless `color` is never, or the environment's NO_COLOR says so.
    """

    def make() -> Shell:
        from gradcli.repl.running import Shell

        made = session() if callable(session) else session
        return Shell(made, renderer(made) if callable(renderer) else renderer, lambda: prompt.output.get_size().columns)

    loading = _Loading(make, lambda: _highlight(prompt) if color != "never" else None)
    prompt: PromptSession[str] = PromptSession(
        PROMPT,
        multiline=True,
        prompt_continuation=_continuation,
        include_default_pygments_style=False,
        completer=GrCompleter(loading.shell),
        complete_while_typing=False,
        history=opened_history(),
        enable_history_search=True,
        enable_open_in_editor=True,
        tempfile_suffix=".gr",
        editing_mode=EditingMode.EMACS,
        key_bindings=bindings(),
        input=input,
        output=output,
    )
    prompt.app.after_render += lambda app: loading.begin()
    settings = list(settings)
    if settings or file is not None:
        _begin(loading.shell(), settings, file)
    else:
        prompt.output.write(f"gradcli {gradcli.__version__}   :help for help, Ctrl-D to leave\n")
    while True:
        try:
            text = prompt.prompt(pre_run=_history_before_keys)
            loading.shell().submit(text)
        except KeyboardInterrupt:
            # While typing, or between two runs of one command.
            continue
        except EOFError:
            return 0


def _history_before_keys() -> None:
    """Lets keys that were typed before the prompt came wait until it has read its history, where Up looks."""
    app = get_app()
    typed = get_typeahead(app.input)
    if not typed:
        return

    async def feed() -> None:
        app.key_processor.feed_multiple(typed)
        app.key_processor.process_keys()

    # In this order: a history of ours is read in one step of the loop.
    app.current_buffer.load_history_if_not_yet_loaded()
    app.create_background_task(feed())


def _begin(shell: Shell, settings: list[str], file: str | None) -> None:
    from gradcli.errors import GradcliError
    from gradcli.evaluate import read

    try:
        for setting in settings:
            shell.evaluate(setting, f"--set {setting}")
        if file is not None:
            shell.evaluate(read(file).replace("\r\n", "\n"), file)
    except GradcliError as failure:
        shell.renderer.failure(failure)


def _highlight(prompt: PromptSession[str]) -> None:
    """Colours what is typed from here on, and what was: loading the colours is nothing to wait for."""
    from prompt_toolkit.lexers import PygmentsLexer
    from prompt_toolkit.styles import Style

    from gradcli.highlight import GrLexer
    from gradcli.render.theme import CODE, STYLES

    prompt.style = Style([(f"pygments.{kind.lower()}", _translated(STYLES[style])) for kind, style in CODE.items()])
    prompt.lexer = PygmentsLexer(GrLexer)
    with suppress(RuntimeError):
        # The prompt may end just now, and has no loop any more that could draw it.
        prompt.app.invalidate()


def _translated(style: str) -> str:
    """A style of Rich's in prompt_toolkit's words."""
    words = [word for word in style.split() if word not in ("dim", "default")]
    return " ".join(word if word in ("bold", "italic", "underline") else f"ansi{word}" for word in words)
