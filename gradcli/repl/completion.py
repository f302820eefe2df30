"""What Tab offers: names, functions, methods, arguments, files and the REPL's commands, by what stands before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

if TYPE_CHECKING:
    from gradcli.repl.running import Shell

_FILE = re.compile(r"\b(?:load|save)\(\s*([\"'])((?:(?!\1).)*)$")
_BEHIND_A_DOT = re.compile(r"(?:(?P<path>[^\W\d]\w*(?:\.[^\W\d]\w*)*)|[)\]'])\s*\.(?P<word>\w*)$")
_WORD = re.compile(r"(?<![\w.])[^\W\d]\w*$")
_STRINGS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|(?<![\w)\]'])'(?:[^'\\]|\\.)*'")
_DATA = (".npy", ".npz", ".csv", ".tsv", ".json", ".txt")


class GrCompleter(Completer):
    """Completes a line of the language, or a command, for the session of a shell."""

    def __init__(self, shell: Callable[[], Shell]) -> None:
        self._shell = shell

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        from gradcli.repl.commands import completions_of

        text = document.text_before_cursor
        if not text.startswith(":"):
            return self.of_code(text)
        return completions_of(self, text, self._shell())

    def of_code(self, text: str) -> Iterator[Completion]:
        """What can stand at the end of a script's text."""
        line = text.rpartition("\n")[2]
        file = _FILE.search(line)
        if file is not None:
            yield from of_files(file[2], _DATA)
            return
        code = _STRINGS.sub(lambda found: "_" * len(found[0]), line)
        if "#" in code or '"' in code:
            return
        from gradcli.repl import words

        session = self._shell().session
        dotted = _BEHIND_A_DOT.search(code)
        if dotted is not None:
            yield from _matching(dotted["word"], words.words_behind(session, dotted["path"] or ""))
            return
        word = _WORD.search(code)
        if word is None:
            return
        typed = word[0]
        yield from _matching(typed, self._arguments(text[: len(text) - len(typed)]), "=")
        known = {name: words.summary(value) for name, value in words.names_of(session).items()}
        yield from _matching(typed, known)
        yield from _matching(typed, {name: what for name, what in self._vocabulary().items() if name not in known})

    def of_names(self, typed: str) -> Iterator[Completion]:
        """The names of the session."""
        from gradcli.repl import words

        known = words.names_of(self._shell().session)
        yield from _matching(typed, {name: words.summary(value) for name, value in known.items()})

    def of_words(self, typed: str) -> Iterator[Completion]:
        """Whatever `:help` knows."""
        from gradcli.repl.commands import COMMANDS

        if typed.startswith(":"):
            yield from _matching(typed, {f":{name}": command.first_line for name, command in COMMANDS.items()})
            return
        from gradcli.library.vocabulary import METHODS
        from gradcli.repl import words

        known = {name: words.summary(value) for name, value in words.names_of(self._shell().session).items()}
        methods = {name: words.described(name, call) for name, call in METHODS.items()}
        yield from _matching(typed, methods | self._vocabulary() | known)

    def _vocabulary(self) -> dict[str, str]:
        from gradcli.library.vocabulary import CONSTANTS, FUNCTIONS
        from gradcli.repl import words

        found = dict(words.STATEMENTS)
        found |= {name: words.described(name, call) for name, call in FUNCTIONS.items() if "." not in name}
        found |= dict.fromkeys(words.OPERATORS, "")
        found |= {name: "" for name in CONSTANTS if "." not in name}
        return found | dict.fromkeys(words.MODULES, "module")

    def _arguments(self, text: str) -> dict[str, str]:
        """The named arguments of the call that the end of the text stands in."""
        call = _open_call(text)
        if call is None:
            return {}
        from gradcli.library.vocabulary import method_of
        from gradcli.repl import words

        name = call.rpartition(".")[2]
        function: Any = words.names_of(self._shell().session).get(call) or method_of(name)
        code = getattr(getattr(function, "body", function), "__code__", None)
        if code is None:
            return {}
        return dict.fromkeys(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount], f"argument of {name}")


def _open_call(text: str) -> str | None:
    """The function whose argument begins at the end of the text; none where there is none."""
    if not re.search(r"[(,]\s*$", text):
        return None
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        if text[place] in ")]}":
            depth += 1
        elif text[place] in "([{":
            if depth == 0:
                found = re.search(r"[^\W\d][\w.]*$", text[:place]) if text[place] == "(" else None
                return found[0] if found is not None else None
            depth -= 1
    return None


def _matching(typed: str, words: dict[str, str], end: str = "") -> Iterator[Completion]:
    for word in sorted(words, key=lambda word: (word.endswith("_"), word.lower())):
        if word.startswith(typed):
            yield Completion(word + end, -len(typed), display_meta=words[word])


def of_files(typed: str, endings: tuple[str, ...]) -> Iterator[Completion]:
    """Files with one of the endings, and directories, that a path being typed can go on with."""
    paths = PathCompleter(expanduser=True, file_filter=lambda path: _is_wanted(path, endings))
    for found in paths.get_completions(Document(typed), CompleteEvent()):
        # A directory's name goes on behind the slash.
        slash = "/" if found.display_text.endswith("/") else ""
        yield Completion(found.text + slash, found.start_position, display=found.display)


def _is_wanted(path: str, endings: tuple[str, ...]) -> bool:
    from pathlib import Path

    return Path(path).is_dir() or Path(path).suffix.lower() in endings
