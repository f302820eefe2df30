"""What `:set` changes: each setting reads and sets itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradcli.engine import modes
from gradcli.errors import ValueFailure

if TYPE_CHECKING:
    from gradcli.repl.running import Shell


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: what it means, the values to offer, how it's shown and how it's set."""

    meaning: str
    values: tuple[str, ...]
    read: Callable[[Shell], str]
    write: Callable[[Shell, str], None]


def _precision(shell: Shell, value: str) -> None:
    if not value.isdecimal() or int(value) > 17:
        raise ValueFailure(f"the precision is a number of digits from 0 to 17, and this is {value}")
    modes.precision = int(value)


def _dtype(shell: Shell, value: str) -> None:
    if value not in SETTINGS["dtype"].values:
        raise ValueFailure(f"the default dtype is float64 or float32, and this is {value}")
    shell.evaluate(f"torch.set_default_dtype(torch.{value})")


def _seed(shell: Shell, value: str) -> None:
    if not value.isdecimal():
        raise ValueFailure(f"a seed is a whole number, and this is {value}")
    shell.evaluate(f"torch.manual_seed({value})")


def _tracking(shell: Shell, value: str) -> None:
    if value not in SETTINGS["tracking"].values:
        raise ValueFailure(f"tracking is auto or explicit, and this is {value}")
    shell.set_tracking(value)


def _precision_now(shell: Shell) -> str:
    return str(modes.precision)


def _tracking_now(shell: Shell) -> str:
    return "explicit" if shell.session.snapshot().explicit else "auto"


def _dtype_now(shell: Shell) -> str:
    return shell.session.snapshot().dtype.name


def _seed_now(shell: Shell) -> str:
    return ""


SETTINGS = {
    "precision": Setting("digits after the point", (), _precision_now, _precision),
    "dtype": Setting("dtype of tensors made from numbers", ("float64", "float32"), _dtype_now, _dtype),
    "tracking": Setting(
        "auto: names of numbers are tracked; explicit: what requires_grad marks",
        ("auto", "explicit"),
        _tracking_now,
        _tracking,
    ),
    "seed": Setting("starts the random generator anew", (), _seed_now, _seed),
}
