"""The entry of the command: `gradcli`, or `python -m gradcli`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs the command line; a closed pipe ends quietly, an interrupt with status 130."""
    try:
        from gradcli.commandline import plain_programs

        programs = plain_programs(sys.argv[1:])
        if programs is None:
            from gradcli.cli import main as run

            run()
        else:
            from gradcli.evaluate import evaluate

            sys.exit(evaluate(programs))
    except BrokenPipeError:
        # Python would complain when it flushes what nobody reads any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
