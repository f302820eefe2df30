"""Files: a text read, and a file replaced as a whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from gradcli.errors import FileFailure


def read_text(path: str) -> str:
    """A file's text as it is, its line ends and byte order mark too; `-` is standard input.

    Raises FileFailure where it can't be read or isn't UTF-8.
    """
    with _failing("read", path):
        if path != "-":
            with open(path, "rb") as file:
                data = file.read()
        elif sys.stdin is None:
            raise FileFailure("can't read standard input: it is closed")
        else:
            data = sys.stdin.buffer.read()
        return decoded(data, path)


def decoded(data: bytes, name: str) -> str:
    """A text, its byte order mark too. Raises FileFailure, which speaks of `name`, where the data isn't UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise FileFailure(
            f"{name} isn't a UTF-8 text: byte {problem.start + 1} can't be read", help="save it as UTF-8"
        ) from None


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Replaces a file by a text, or makes it; a pipe or a device stays what it is, and the text goes into it.

    Raises FileFailure where it can't be written.
    """
    with _failing("write", path):
        if not os.fspath(path):
            raise ValueError("the name of the file is empty")
        data = text.encode("utf-8")
        mode = _mode(path)
        if mode is None or stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            replace_file(path, lambda file: file.write(data))
        else:
            with open(path, "wb") as file:
                file.write(data)


def replace_text(path: str, text: str) -> None:
    """Replaces a regular file by a text. Raises FileFailure where it can't be written, and where it's no such file."""
    with _failing("write", path):
        replace_file(path, lambda file: file.write(text.encode("utf-8")))


def replace_file(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Writes a file beside the path's and puts it in that one's place: whatever happens, no half of a file.

    Permissions stay. Raises OSError, also where something other than a regular file is there.
    """
    # A link stays a link: what it leads to is replaced.
    target = os.path.realpath(path)
    mode = _mode(target)
    if mode is not None and not stat.S_ISREG(mode):
        raise OSError(0, "is a directory" if stat.S_ISDIR(mode) else "isn't a regular file")
    if mode is not None and not os.access(target, os.W_OK):
        # Replacing asks no more than the directory's permission, and would pass over the file's own.
        raise PermissionError(0, "permission denied")
    temporary = os.path.join(os.path.dirname(target), f".gradcli-{os.urandom(8).hex()}")
    allowed = 0o666 if mode is None else mode & 0o777
    file = open(  # noqa: SIM115 (closed before it's moved, and removed if anything fails)
        temporary, "xb", opener=lambda name, flags: os.open(name, flags, allowed)
    )
    try:
        with file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            # What the process masks in a new file was allowed in the old one.
            with suppress(OSError):
                os.chmod(temporary, allowed)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _mode(path: str | os.PathLike[str]) -> int | None:
    """The kind and the permissions of what is there; None where nothing is."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


@contextmanager
def _failing(verb: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Raises as FileFailure what the file system refuses."""
    try:
        yield
    except (OSError, ValueError) as problem:
        raise FileFailure(f"can't {verb} {path}: {_reason(problem)}") from None


def unwritten(problem: OSError) -> str:
    """What is said where the output can't be written: the disk is full, say."""
    return f"error: can't write the output: {_reason(problem)}\n"


def _reason(problem: Exception) -> str:
    return (getattr(problem, "strerror", None) or str(problem)).lower()
