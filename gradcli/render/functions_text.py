"""Pages of the vocabulary: a function's own, a list by section, and all in Markdown.

    log1p(input)
    log(1 + x), exact for small x.

    shapes      any, and the result's is the same
    derivative  1/(1 + x)

      >>> log1p([0.5, 1., 2.])
      tensor([0.4055, 0.6931, 1.0986])

The lines come in pieces, each with the name of its style (theme.py), for a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from gradcli.library.catalogue import Entry
from gradcli.render.graph_text import Piece

PROMPT, CONTINUED = ">>> ", "... "

Shown = Sequence[tuple[str, str]]
"""An example: each of its statements, and what it shows."""

_LABEL = 12
_SYMBOLS = re.compile(r"\b(g|out)\b")
_MEANINGS = {"g": "g is the gradient of the result", "out": "out is the result"}


def listed(entries: Iterable[Entry], width: int) -> Iterator[list[Piece]]:
    """A line for each function, by section."""
    for number, (section, members) in enumerate(groupby(entries, lambda entry: entry.section)):
        if number:
            yield []
        yield [(section, "header")]
        group = list(members)
        room = min(max(len(entry.name) for entry in group), 32)
        for entry in group:
            meaning = " ".join(entry.summary.split("\n\n")[0].split())
            space = width - max(room, len(entry.name)) - 4
            if len(meaning) > space:
                meaning = meaning[: max(space - 3, 0)].rstrip() + "..."
            yield [("  ", ""), (f"{entry.name:{room}}", "name"), ("  " + meaning, "")]


def page(entry: Entry, examples: Sequence[Shown], width: int) -> Iterator[list[Piece]]:
    """All that is known of a function."""
    yield from _lines(entry.signature, width, "name")
    for paragraph in entry.summary.split("\n\n"):
        yield from _lines(paragraph, width)
    yield []
    for label, text in facts_of(entry):
        first, *others = wrap(text, max(width - _LABEL, 20)) or [""]
        yield [(f"{label:{_LABEL}}", "header"), (first, "")]
        yield from ([(" " * _LABEL, ""), (line, "")] for line in others)
    for example in examples:
        yield []
        for statement, output in example:
            first, *others = statement.split("\n")
            yield [("  " + PROMPT, "header"), (first, "")]
            yield from ([("  " + CONTINUED, "header"), (line, "")] for line in others)
            yield from ([("  " + line, "")] for line in output.splitlines())


def _lines(text: str, width: int, style: str = "") -> Iterator[list[Piece]]:
    return ([(line, style)] for line in wrap(text, width, subsequent_indent="    " if style else ""))


def facts_of(entry: Entry, alone: bool = True) -> Iterator[tuple[str, str]]:
    """What there is to say of a function beside its description, each with its label.

    `alone`: whether nothing else says what the letters of a derivative mean.
    """
    if len(entry.names) > 1:
        yield "also", ", ".join(entry.names[1:])
    if entry.in_place:
        yield "in place", f"x.{entry.in_place}(...)"
    if entry.shapes:
        yield "shapes", entry.shapes
    if entry.derivative:
        symbols = sorted(set(_SYMBOLS.findall(entry.derivative))) if alone else []
        yield "derivative", "; ".join([entry.derivative, *(_MEANINGS[symbol] for symbol in symbols)])
    if entry.kink:
        yield "convention", entry.kink
    yield "source", entry.source


# ---- Markdown


_HEAD = """\
# Functions

What a script can call, by section. `gradcli functions` lists the same, `gradcli functions NAME` shows one with its
examples, and `gradcli functions --search WORDS` finds it. Names, arguments and defaults are PyTorch's.

A function of a tensor is a method too: `x.sin()` is `sin(x)`. `torch.`, `nn.functional.` and `np.` may stand before a
name as in Python. In a derivative `x`, `y` and `z` are the inputs in their order, `out` is the result and `g` its
gradient: a formula without `g` is what `g` is multiplied by. Outputs are what the examples show when they run.

This page is made by `gradcli functions --format markdown`.
"""


def markdown(pages: Iterable[tuple[Entry, Sequence[Shown]]]) -> Iterator[str]:
    """The whole vocabulary as a document, in parts."""
    pages = list(pages)
    yield _HEAD
    sections = dict.fromkeys(entry.section for entry, _ in pages)
    yield "\n" + "".join(f"- [{title}](#{_anchor(title)})\n" for title in sections)
    for section, members in groupby(pages, lambda made: made[0].section):
        yield f"\n## {section}\n"
        for entry, examples in members:
            yield f"\n### {_plain(entry.name)}\n\n`{entry.signature}`\n\n{_plain(entry.summary)}\n"
            facts = [f"- {label}: {_plain(text)}\n" for label, text in facts_of(entry, alone=False)]
            yield "\n" + "".join(facts)
            for example in examples:
                yield "\n```text\n"
                for statement, output in example:
                    yield PROMPT + statement.replace("\n", "\n" + CONTINUED) + "\n" + output
                yield "```\n"


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _plain(text: str) -> str:
    """A text whose signs Markdown leaves alone, but for those in backticks."""
    parts = text.split("`")
    return "`".join(re.sub(r"([\\*_<>|\[\]])", r"\\\1", part) if not i % 2 else part for i, part in enumerate(parts))
