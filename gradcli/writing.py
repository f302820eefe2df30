"""Text files, written as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from gradcli.errors import FileFailure


def write_whole(path: str | Path, text: str) -> None:
    """Writes a file as a whole or not at all; into a pipe or a device, which stays what it is.

    Raises FileFailure where it can't be written.
    """
    temporary = None
    try:
        if not str(path):
            raise ValueError("the name of the file is empty")
        target = Path(os.path.realpath(path))
        if target.exists() and not (target.is_file() and os.access(target, os.W_OK)):
            # Put in its place, a file would pass over its own permission; a directory refuses this as well.
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            return
        mode = target.stat().st_mode if target.exists() else 0o666 & ~_umask()
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:200]}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode & 0o777)
        os.replace(temporary, target)
    except BaseException as problem:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        if not isinstance(problem, (OSError, ValueError)):
            raise
        reason = getattr(problem, "strerror", None) or str(problem)
        raise FileFailure(f"can't write {path}: {reason.lower()}") from None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
