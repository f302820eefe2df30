"""Numeric array literals, `[1, 2, [3, 4]]`, read whole: nothing is done in Python for each of their numbers."""

from __future__ import annotations

import re
from typing import Any

_HEAD = r"\[[\[\s]*+-?[0-9]"
_ROWS = r"[-+0-9.eE,\s]*+(?:\[[-+0-9.eE,\s]*+\][-+0-9.eE,\s]*+)*+"


def numeric_array(text: str, start: int) -> tuple[Any, int]:
    """The value of the array that begins at `start` and where it ends, or None and how far it was looked at.

    None also where JSON, which is ten times as fast as our own tokens, has another idea of a number: `.5`, `+1`.
    """
    if not re.compile(_HEAD).match(text, start):
        return None, start
    rows_from = re.compile(_ROWS).match
    end, depth = start + 1, 1
    while depth:
        rows = rows_from(text, end)
        assert rows is not None  # it may be empty
        end = rows.end() + 1
        bracket = text[end - 1 : end]
        if bracket == "[":
            depth += 1
        elif bracket == "]":
            depth -= 1
        else:
            return None, end
    from json import loads  # costs a millisecond, which most scripts needn't spend

    try:
        return loads(text[start:end]), end
    except (ValueError, RecursionError):
        return None, end
