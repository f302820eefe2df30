"""The entry of the command: `gradcli`, or `python -m gradcli`."""

from __future__ import annotations

import gc
import os
import sys

# What is loaded stays: looking for garbage among it, again and again while it's being loaded, takes a tenth of the
# start. `evaluate` turns the collector on when a script runs.
gc.disable()
# Threads of OpenBLAS that wait for work spin for a tenth of a second after it's loaded, unless told otherwise before.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")


def main() -> None:
    """Runs the command line and ends the process with its status: 130 after an interrupt."""
    try:
        status = _run(sys.argv[1:])
    except KeyboardInterrupt:
        status = 130
    # At once: freeing what a session made takes time that nobody gains by, and output that a full pipe doesn't take
    # would be waited for.
    os._exit(status)


def _run(arguments: list[str]) -> int:
    if "_GRADCLI_COMPLETE" in os.environ:
        from gradcli.completion import answer

        return answer(arguments)
    from gradcli.commandline import plain_programs, plain_repl

    if plain_repl(arguments):
        from gradcli.repl.starting import start

        return start(*arguments[1:])
    programs = plain_programs(arguments)
    if programs is None:
        from gradcli.cli import run

        return run(arguments)
    from gradcli.evaluate import evaluate

    return evaluate(programs)


if __name__ == "__main__":
    main()
