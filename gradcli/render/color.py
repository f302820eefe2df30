"""Is a stream for eyes: when output is dressed up, when it has colours, and how wide it is.

Asked before Rich is loaded, so that piped output never loads it.

    --color always       tables and colours, wherever the output goes
    --color never        no escape sequence at all; tables on a terminal
    --color auto         as the environment says, the first that's set:
      NO_COLOR             as never
      FORCE_COLOR          as always (0 doesn't count)
      neither              both on a terminal that TERM doesn't call dumb, otherwise plain text
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

WIDTH = 80
"""Columns of a stream that has no width of its own."""

NARROWEST = 20
"""Columns below which lines are left to the terminal to break."""

_DUMB = frozenset({"dumb", "unknown"})


def has_color(stream: TextIO, color: str = "auto", environ: Mapping[str, str] = os.environ) -> bool:
    """Whether escape sequences go to the stream; `color` is auto, always or never."""
    wanted = _wanted(color, environ)
    return is_terminal(stream, environ) if wanted is None else wanted


def is_rich(stream: TextIO, color: str = "auto", environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the stream gets tables and highlighting, rather than plain text."""
    return _wanted(color, environ) is True or is_terminal(stream, environ)


def is_terminal(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the stream is a terminal that can do more than a typewriter."""
    try:
        return stream.isatty() and environ.get("TERM", "").lower() not in _DUMB
    except ValueError:
        # A closed stream.
        return False


def terminal_width(stream: TextIO, environ: Mapping[str, str] = os.environ) -> int:
    """The stream's columns: what COLUMNS says, else the terminal as it is now, else 80."""
    given = environ.get("COLUMNS", "")
    columns = int(given) if given.isdecimal() and len(given) < 6 else 0
    if not columns:
        try:
            columns = os.get_terminal_size(stream.fileno()).columns
        except (OSError, ValueError):
            # No terminal, or no file at all. A terminal that doesn't know its size says 0.
            columns = 0
    return max(columns, NARROWEST) if columns else WIDTH


def _wanted(color: str, environ: Mapping[str, str]) -> bool | None:
    """What the user said: yes, no, or none for nothing."""
    if color != "auto":
        return color == "always"
    if environ.get("NO_COLOR"):
        return False
    return True if environ.get("FORCE_COLOR", "0") not in ("", "0") else None
