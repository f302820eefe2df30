"""The lines of earlier sessions, in a file of the platform's state directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from gradcli.filesystem import replace_file

MOST_BYTES = 2**20
"""Beyond this the older half of the file is dropped at the start of a session."""


def state_directory() -> Path:
    """Where programs keep what should last between their runs, on this platform."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "gradcli"
    given = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(given):
        return Path(given) / "gradcli"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "gradcli"
    return home / ".local" / "state" / "gradcli"


def opened_history() -> History:
    """The history file; where it can't be written, a history that ends with the session."""
    try:
        path = state_directory() / "history"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)):
            pass
        if path.stat().st_size > MOST_BYTES:
            _drop_older_half(path)
    except (OSError, RuntimeError):
        return InMemoryHistory()
    return LinesOfSessions(str(path))


def _drop_older_half(path: Path) -> None:
    text = path.read_bytes()
    # Each line's own begin after an empty line and a comment with its time.
    cut = text.find(b"\n# ", len(text) // 2)
    if cut >= 0:
        replace_file(path, lambda file: file.write(text[cut:]))


class LinesOfSessions(FileHistory):
    """A file of lines; what can't be written there lasts for this session."""

    def load_history_strings(self) -> Iterable[str]:
        try:
            return list(super().load_history_strings())
        except OSError:
            return []

    def store_string(self, string: str) -> None:
        try:
            super().store_string(string)
        except OSError:
            return
