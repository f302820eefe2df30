"""`gradcli functions`: the vocabulary as a list, a page or a document, with what its examples show when they run."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gradcli.errors import GradcliError, NameFailure
from gradcli.events import Event, Warned
from gradcli.grammar import parse
from gradcli.language.nearest import nearest
from gradcli.library.catalogue import Entry, entries, find, search
from gradcli.render.color import is_rich, terminal_width
from gradcli.render.functions_text import Shown, listed, markdown, page
from gradcli.render.graph_text import Piece
from gradcli.render.plain import PlainRenderer, event_text
from gradcli.session import Session


def run_functions(name: str | None, words: str | None, format: str, color: str) -> int:
    """Writes what's asked for to stdout and gives the exit status: 1 where nothing is found."""
    known = entries()
    try:
        if name is not None:
            group = grouped(name, known) if name else []
            _write(group or found(name, known), not group, format, color)
        else:
            chosen = known if words is None else search(words, known)
            if not chosen:
                raise NameFailure(f"nothing is said of `{words}`", help="`gradcli functions` lists all functions")
            _write(chosen, False, format, color)
    except GradcliError as failure:
        PlainRenderer(sys.stdout, sys.stderr, lambda span: None).failure(failure)
        return 1
    sys.stdout.flush()
    return 0


def grouped(name: str, known: list[Entry]) -> list[Entry]:
    """The functions of a section or of a namespace of that name; none where it's neither."""
    within = name.removeprefix("torch.")
    spaces = ("F.",) if within == "nn.functional" else (f"{name}.", f"{within}.")
    return [
        entry
        for entry in known
        if entry.section.lower() == name.lower() or any(key.startswith(spaces) for key in entry.names)
    ]


def found(name: str, known: list[Entry]) -> list[Entry]:
    """The functions of a name. Raises NameFailure where there's none."""
    chosen = find(name, known)
    if not chosen:
        near = nearest(name, {key.rpartition(".")[2] for entry in known for key in entry.names})
        raise NameFailure(
            f"there is no function `{name}`",
            help=f"did you mean `{near}`?"
            if near
            else f"`gradcli functions --search {name}` looks in the descriptions",
        )
    return chosen


def pages_of(name: str, width: int) -> list[str]:
    """The pages of the functions of a name, their text wrapped; none where there is no such function."""
    chosen = find(name, entries())
    return ["\n".join(_plain(page(entry, _examples(entry), width))) for entry in chosen]


def _write(chosen: list[Entry], whole: bool, format: str, color: str) -> None:
    if format == "json":
        for entry in chosen:
            examples = [_as_json(example) for example in _examples(entry)]
            print(json.dumps(entry._asdict() | {"examples": examples}))
        return
    if format == "markdown":
        sys.stdout.writelines(markdown((entry, _examples(entry)) for entry in chosen))
        return
    rich = format == "rich" or (format == "auto" and is_rich(sys.stdout, color))
    width = min(terminal_width(sys.stdout) or 80, 100) if rich else 80
    if not whole:
        _print(listed(chosen, width), rich, color)
    for number, entry in enumerate(chosen if whole else ()):
        if number:
            print()
        _print(page(entry, _examples(entry), width), rich, color)


def _print(lines: Iterable[Sequence[Piece]], rich: bool, color: str) -> None:
    if not rich:
        for text in _plain(lines):
            print(text)
        return
    from gradcli.render.rich_text import Screen
    from gradcli.render.styled import styled

    screen = Screen(sys.stdout, color)
    for line in styled(lines):
        screen.print(line, soft_wrap=True)


def _plain(lines: Iterable[Sequence[Piece]]) -> Iterator[str]:
    return ("".join(text for text, _ in line).rstrip() for line in lines)


def _examples(entry: Entry) -> list[Shown]:
    return [shown(text) for text in entry.examples]


def _as_json(example: Shown) -> list[dict[str, str]]:
    return [{"input": statement, "output": output} for statement, output in example]


def shown(text: str) -> Shown:
    """A script's statements, each with what it shows on stdout; its random numbers are the same each time."""
    session = Session(seed=0)
    made = []
    for statement in _statements(text):
        out = io.StringIO()

        def show(event: Event, out: Any = out) -> None:
            if not isinstance(event, Warned):
                out.write(event_text(event))

        session.execute(statement, "<example>", show)
        made.append((statement, out.getvalue()))
    return made


def _statements(text: str) -> list[str]:
    """A script's lines, those of one statement together."""
    statements: list[str] = []
    for line in text.split("\n"):
        if statements and not _is_whole(statements[-1]):
            statements[-1] += "\n" + line
        else:
            statements.append(line)
    return statements


def _is_whole(text: str) -> bool:
    try:
        parse(text)
    except GradcliError:
        return False
    return True
