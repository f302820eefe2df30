"""The command line's words, before anything is loaded that parses them: the order of programs, and the short way."""

from __future__ import annotations

import sys
from collections.abc import Container, Iterator
from typing import Any

TEXT_MARK = "\0"
"""Begins an argument that was the text of a `-e`: see `in_order`."""


def program_of(given: str, number: int) -> tuple[str, str | None]:
    """The name of a program and, where it was given as a text, that text."""
    if not given.startswith(TEXT_MARK):
        return given, None
    return ("<text>" if number == 1 else f"<text {number}>"), given.removeprefix(TEXT_MARK)


def in_order(arguments: list[str], valued: Container[str] = ("-e",)) -> list[str]:
    """The command line with each `-e TEXT` as an argument among the files.

    Files and texts are evaluated in the order in which they're given, and the parser keeps options and arguments apart.
    `valued` are the options that have a value, which may look like an option itself.
    """
    if not arguments or arguments[0] != "eval":
        return arguments
    return list(_ordered(iter(arguments), valued))


def _ordered(rest: Iterator[str], valued: Container[str]) -> Iterator[str]:
    for argument in rest:
        if argument == "--":
            yield argument
            yield from rest
            return
        flags, option, value = parted(argument, valued)
        if not option:
            yield argument
            continue
        if value is None:
            value = next(rest, None)
        if flags:
            yield flags
        if value is None:
            yield option
        elif option == "-e":
            yield TEXT_MARK + value
        else:
            yield from (option, value)


def parted(argument: str, valued: Container[str]) -> tuple[str, str, str | None]:
    """The flags, the option and the value that an argument holds: `-qeTEXT` is -q, -e and TEXT.

    The option is empty where none that has a value is in it, and the value none where the next argument is it.
    """
    if argument.startswith("--"):
        option, equals, value = argument.partition("=")
        return ("", option, value if equals else None) if option in valued else ("", "", None)
    for i in range(1, len(argument)):
        if argument[0] == "-" and f"-{argument[i]}" in valued:
            return argument[:i] if i > 1 else "", f"-{argument[i]}", argument[i + 1 :] or None
    return "", "", None


def valued_options(command: Any) -> set[str]:
    """The names of a command's options that have a value."""
    options = (option for option in command.params if option.param_type_name == "option")
    return {name for option in options if not option.is_flag and not option.count for name in option.opts}


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


def plain_repl(arguments: list[str]) -> bool:
    """Whether a command line asks for a REPL, and for nothing that needs a parser of options."""
    if not arguments:
        return sys.stdin is not None and sys.stdin.isatty()
    return arguments[0] == "repl" and len(arguments) < 3 and not any(word.startswith("-") for word in arguments)
