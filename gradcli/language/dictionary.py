"""What a name means that neither the script nor the session binds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gradcli.language import custom, dotted, literals, operators, seeing, tracked  # noqa: F401  (they enter themselves)
from gradcli.language.nearest import nearest
from gradcli.language.runtime import RUNTIME, GradMode
from gradcli.library import CONSTANTS, FUNCTIONS
from gradcli.library.vocabulary import is_steady, loaded, method_of


def no_grad():
    """Inside the block of `with torch.no_grad()` nothing is recorded."""
    return GradMode(False)


def enable_grad():
    """Inside the block of `with torch.enable_grad()` history is recorded."""
    return GradMode(True)


FUNCTIONS["no_grad"], FUNCTIONS["enable_grad"] = no_grad, enable_grad

_WORDS: dict[str, Any] = {**FUNCTIONS, **CONSTANTS}

QUALIFIED = "@."
"""Begins the key of a word behind a module's name: `torch.sum` is the library's, whatever a script calls `sum`."""

BUILTINS: dict[str, Any] = {**_WORDS, **{QUALIFIED + word: value for word, value in _WORDS.items()}, **RUNTIME}
"""The builtins of every script: the vocabulary, the constants, and what lowered code calls. Nothing of Python's."""

_NUMPY = {"array": "tensor", "power": "pow", "concatenate": "cat", "amax": "amax", "amin": "amin"}


class Dictionary:
    """The vocabulary as lowering asks it."""

    def __contains__(self, name: str) -> bool:
        return name in BUILTINS

    def load(self, names: Iterable[str]) -> None:
        """Has the functions of these names at hand, as far as they waited for their first use."""
        for name in names:
            if name in BUILTINS:
                BUILTINS[name] = loaded(BUILTINS[name])

    def is_operation(self, name: str) -> bool:
        """Whether a function or a method is an operation of the table by itself."""
        return hasattr(loaded(BUILTINS.get(name) or method_of(name)), "op")

    def is_steady(self, name: str) -> bool:
        """Whether a word is a function that comes to the same operations each time."""
        return is_steady(BUILTINS.get(name))

    def resolve(self, path: str) -> str | None:
        """The key for a dotted name; none where there is no such word."""
        word = self._word(path)
        return None if word is None else QUALIFIED + word

    def _word(self, path: str) -> str | None:
        """The library's word for a dotted name: `torch.sum` is `sum`, `F.relu` and `linalg.norm` are their own."""
        words = path.split(".")
        if path in _WORDS and path.startswith("torch."):
            return path
        if words[0] == "torch" and len(words) > 1:
            words = words[1:]
        if words[:2] == ["nn", "functional"]:
            words = ["F", *words[2:]]
        if words[0] in ("np", "numpy") and len(words) == 2:
            name = _NUMPY.get(words[1], words[1])
            return name if name in _WORDS else None
        key = ".".join(words)
        if key in _WORDS:
            return key
        # torch keeps many functions in several places: `F.softplus` beside `softplus`.
        if words[0] in ("F", "special", "linalg") and len(words) == 2 and words[1] in _WORDS:
            return words[1] if words[0] != "linalg" else None
        return None

    def nearest(self, path: str) -> str | None:
        """A known dotted name near to one that isn't."""
        prefix, _, word = path.rpartition(".")
        words = {key.rpartition(".")[2] for key in _WORDS}
        found = nearest(word, (known for known in words if self.resolve(f"{prefix}.{known}")))
        return None if found is None else f"{prefix}.{found}"


DICTIONARY = Dictionary()
