"""How the tests of the language run a script: what it showed as plain text, and the failure that it ended with."""

from __future__ import annotations

from typing import NamedTuple

from gradcli import GradcliError, Session
from gradcli.events import Event, Warned
from gradcli.render.plain import event_text


class Outcome(NamedTuple):
    """What a script left: its standard output, its warnings' messages, and its failure, if it had one."""

    out: str
    warnings: list[str]
    failure: GradcliError | None


def outcome(source: str, session: Session | None = None, *, tracking: str | None = None) -> Outcome:
    """Runs a script, in a session of its own where none is given."""
    session = session or Session(tracking=tracking)
    pieces: list[str] = []
    warnings: list[str] = []

    def show(event: Event) -> None:
        if isinstance(event, Warned):
            warnings.append(event.message)
        else:
            pieces.append(event_text(event))

    try:
        session.execute(source, "<text>", show)
    except GradcliError as failure:
        return Outcome("".join(pieces), warnings, failure)
    return Outcome("".join(pieces), warnings, None)


def shown(source: str, session: Session | None = None, *, tracking: str | None = None) -> list[str]:
    """The lines that a script shows; it must not fail."""
    out, _, failure = outcome(source, session, tracking=tracking)
    assert failure is None, f"{failure.kind}: {failure.message} at {failure.span}\n{source}"
    return out.splitlines()


def failure_of(source: str, session: Session | None = None, *, tracking: str | None = None) -> GradcliError:
    """The failure that a script ends with; it must end with one."""
    out, _, failure = outcome(source, session, tracking=tracking)
    assert failure is not None, f"no failure, but:\n{out}of\n{source}"
    return failure
