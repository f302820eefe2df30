"""Did you mean: the known name that a person most likely meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name nearest to `name`, if one is near."""
    # Only failures ask.
    from difflib import get_close_matches

    candidates = list(known)
    exact = [key for key in candidates if key.lower() == name.lower()]
    if exact:
        return exact[0]
    found = get_close_matches(name, candidates, 1, 0.7)
    return found[0] if found else None
