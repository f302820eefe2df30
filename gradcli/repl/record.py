"""The accepted lines of a session, and the script that replays them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradcli.errors import ValueFailure
from gradcli.grammar import parse
from gradcli.language.scope import mentions
from gradcli.state import State

LAST = "_"
"""The name of the last value that a line showed."""


@dataclass(frozen=True, slots=True)
class Line:
    """An accepted line (or block, or file): its text, and what it did that its text alone doesn't say."""

    text: str
    shown: bool
    """Whether it ended in an expression whose value was shown, and so became `_`."""
    explicit: bool
    """Whether tracking was explicit after it."""
    tracked: bool
    """Whether any name was tracked after it."""


def ends_in_expression(text: str) -> bool:
    """Whether a script's last statement is an expression."""
    statements = parse(text)[1]
    return bool(statements) and statements[-1][0] == "expression_statement"


def script_of(lines: Sequence[Line], start: State, end: State) -> str:
    """A script that makes of a new session what `lines` made of one in the state `start`.

    Raises ValueFailure where tracking was changed on the way and something was tracked before: a script has one way of
    tracking from its first line.
    """
    trees = [parse(line.text) for line in lines]
    head = []
    if start.dtype.name != "float64":
        head.append(f"torch.set_default_dtype({start.dtype.name})")
    if end.generator is not None and start.seed is not None:
        head.append(f"torch.manual_seed({start.seed})")
    mentioned = any(mentions(tree, "requires_grad") for tree in trees)
    turn = next((n for n, line in enumerate(lines) if line.explicit is bool(end.explicit)), len(lines))
    if any(line.tracked for line in lines[:turn]):
        way = "explicit" if end.explicit else "auto"
        raise ValueFailure(
            f"tracking became {way} on the way, and a script tracks in one way from its first line: "
            f"`{_first_line(lines[turn - 1].text)}` would do something else in it",
            help=f"`:undo` as far as that line and save what's left, or begin anew: `:reset`, `:set tracking {way}`",
        )
    if end.explicit and not mentioned:
        head.append("if false { zeros(1).requires_grad_() }  # tracking is explicit")
    elif mentioned and not end.explicit:
        head.append("# to be run with --tracking auto")
    used = False
    texts: list[str] = []
    for line, tree in zip(reversed(lines), reversed(trees), strict=True):
        texts.append(_naming_its_value(line.text) if used and line.shown else line.text)
        used = mentions(tree, LAST) or (used and not line.shown)
    return "".join(text.rstrip("\n") + "\n" for text in [*head, *reversed(texts)])


def _first_line(text: str) -> str:
    line, _, rest = text.strip().partition("\n")
    return line + (" ..." if rest else "")


def _naming_its_value(text: str) -> str:
    """The text, its last value under the name `_` too: as a loop's variable, which isn't tracked for having a name."""
    _, _, line, column, end_line, end_column = parse(text)[1][-1]
    rows = text.split("\n")
    start = sum(len(row) + 1 for row in rows[: line - 1]) + column
    end = sum(len(row) + 1 for row in rows[: end_line - 1]) + end_column
    return f"{text[:start]}for {LAST} in (({text[start:end]}),) {{ {LAST} }}{text[end:]}"
