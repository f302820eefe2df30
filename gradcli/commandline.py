"""The command line's words, before anything is loaded that parses them: the order of programs, and the short way."""

from __future__ import annotations

import sys

TEXT_MARK = "\0"
"""Begins an argument that was the text of a `-e`: see `in_order`."""


def program_of(given: str, number: int) -> tuple[str, str | None]:
    """The name of a program and, where it was given as a text, that text."""
    if not given.startswith(TEXT_MARK):
        return given, None
    return ("<text>" if number == 1 else f"<text {number}>"), given.removeprefix(TEXT_MARK)


def in_order(arguments: list[str]) -> list[str]:
    """The command line with each `-e TEXT` as an argument among the files.

    Files and texts are evaluated in the order in which they're given, and the parser keeps options and arguments apart.
    """
    if not arguments or arguments[0] != "eval":
        return arguments
    ordered: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return [*ordered, argument, *rest]
        if argument == "-e":
            text = next(rest, None)
            ordered += [argument] if text is None else [TEXT_MARK + text]
        elif argument.startswith("-e") and not argument.startswith("--"):
            ordered.append(TEXT_MARK + argument[2:])
        else:
            ordered.append(argument)
    return ordered


def plain_programs(arguments: list[str]) -> list[tuple[str, str | None]] | None:
    """The programs of a command line that names nothing but programs; none where an option or another command stands.

    Most calls are of this kind, and need no parser of options: loading one takes a third of NumPy's time.
    """
    piped = sys.stdin is not None and not sys.stdin.isatty()
    if not arguments or arguments == ["eval"]:
        return [("-", None)] if piped else None
    given = in_order(arguments)[1:]
    if arguments[0] != "eval" or any(argument.startswith("-") and argument != "-" for argument in given):
        return None
    return [program_of(argument, number) for number, argument in enumerate(given, 1)]
