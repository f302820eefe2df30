"""What keys do at the prompt, beyond what every line editor has."""

from __future__ import annotations

import re

from prompt_toolkit.application.current import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

INDENT = "    "

HELP = {
    "Tab": "completes the word before the cursor; at the start of a line, indents",
    "Enter": "runs the text, or goes on in a new line while a bracket is open or an operator waits",
    "Esc Enter": "a new line wherever the cursor is",
    "Up, Down": "earlier lines that begin like what's left of the cursor",
    "Ctrl-R": "searches earlier lines",
    "Ctrl-C": "drops the line; ends what is running, names and gradients as they were before it",
    "Ctrl-X Ctrl-E": "opens the text in $EDITOR",
    "Ctrl-D": "leaves",
}
"""The keys that `:help` lists."""

_PROMPTED = re.compile(r"^(?:>>>|\.\.\.)(?: |$)", re.MULTILINE)


def bindings() -> KeyBindings:
    """The bindings of the prompt."""
    keys = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)
    before_text = Condition(lambda: not get_app().current_buffer.document.current_line_before_cursor.strip())

    @keys.add("enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion is not None:
            buffer.complete_state = None
        elif _is_ready(buffer):
            buffer.cursor_position = len(buffer.text)
            buffer.validate_and_handle()
        else:
            new_line(buffer)

    @keys.add("escape", "enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        new_line(event.current_buffer)

    @keys.add("tab", filter=typing & before_text)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(INDENT)

    @keys.add("backspace", filter=typing & before_text)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        before = buffer.document.current_line_before_cursor
        buffer.delete_before_cursor(((len(before) - 1) % len(INDENT)) + 1 if before else 1)

    for bracket in "})]":

        @keys.add(bracket, filter=typing & before_text)
        def _(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            before = buffer.document.current_line_before_cursor
            opener = opening_line(buffer.document.text_before_cursor)
            if opener is not None and "\n" in buffer.document.text_before_cursor:
                buffer.delete_before_cursor(len(before))
                buffer.insert_text(indentation(opener))
            buffer.insert_text(event.data)

    @keys.add(Keys.BracketedPaste, filter=typing)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(without_prompts(event.data))

    return keys


def _is_ready(buffer: Buffer) -> bool:
    """Whether Enter runs the text: the cursor is in its last line, and nothing is open in it."""
    from gradcli.grammar import incomplete

    text = buffer.text
    if text.startswith(":"):
        return not incomplete(text.partition(" ")[2])
    document = buffer.document
    if document.char_before_cursor == "{" and document.current_char == "}":
        return False
    return "\n" not in document.text_after_cursor and not incomplete(text)


def new_line(buffer: Buffer) -> None:
    """Breaks the line at the cursor; the new one is indented like the block that it's in."""
    document = buffer.document
    line = document.current_line_before_cursor
    opener = opening_line(document.text_before_cursor)
    opened_here = opener is not None and opener == line
    after = document.current_line_after_cursor
    buffer.delete(len(after) - len(after.lstrip()))
    buffer.insert_text("\n" + indentation(line) + (INDENT if opened_here else ""))
    if opened_here and after.strip()[:1] in ("}", ")", "]"):
        # The bracket that closes gets a line of its own, below the cursor's.
        buffer.insert_text("\n" + indentation(line), move_cursor=False)


def indentation(line: str) -> str:
    """The blanks that a line begins with."""
    return line[: len(line) - len(line.lstrip())]


def opening_line(text: str) -> str | None:
    """The line in which the innermost bracket stands that is open at the end of the text; none where none is."""
    from gradcli.grammar import tokens

    opened: list[int] = []
    for kind, value, line, *_ in tokens(text):
        if kind == "STRING" or type(value) is not str:
            continue
        if value in ("(", "[", "{"):
            opened.append(line)
        elif value in (")", "]", "}") and opened:
            opened.pop()
    return text.split("\n")[opened[-1] - 1] if opened else None


def without_prompts(text: str) -> str:
    """A pasted text with line ends of this system, and without the prompts of a session that it was copied from."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if any(line.startswith(">>>") for line in lines) and lines[0].startswith((">>>", "...")):
        lines = [line for line in lines if _PROMPTED.match(line)]
        return "\n".join(_PROMPTED.sub("", line) for line in lines)
    return text
