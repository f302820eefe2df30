"""The start: the one-liner, the whole process, against `import numpy` and against the peers' scripts for it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import OURS, Job
from peers import INSTALLED
from process import PROGRAMS, Process, Prompt, command, python

SCRIPT = "x = arange(4); y = 2*dot(x,x); backward y"
REFERENCE = 'python -c "import numpy"'
FOR_A_PROMPT = 'python -c "import numpy, prompt_toolkit"'


def jobs(quick: bool) -> Iterator[Job]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "one_liner.gr")
        file.write_text(SCRIPT + "\n", encoding="utf-8")
        peers = {
            "-e": Process([*command(), "eval", "-e", SCRIPT]),
            "file": Process([*command(), "eval", str(file)]),
            "pipe": Process(command(), input=file),
        }
        for peer in INSTALLED:
            program = Path(folder, f"by_{peer}.py")
            program.write_text(PROGRAMS[peer].format(data="[0.0, 1.0, 2.0, 3.0]", shown="x.grad"), encoding="utf-8")
            peers[peer] = python(peer, program)
        computing = dict(peers)
        peers[REFERENCE] = Process([sys.executable, "-c", "import numpy"])

        def results() -> dict[str, list[list[float]]]:
            # The dtype that some notations end in has digits too.
            return {"by hand": [[0, 4, 8, 12]]} | {name: [peer.numbers()[:4]] for name, peer in computing.items()}

        yield Job("one-liner", REFERENCE, dict(peers), results, rounds=21, ours=("-e", "file", "pipe"))

    if sys.platform != "win32":
        prompt = Prompt([*command(), "repl"])
        yield Job(
            "the REPL's first prompt",
            FOR_A_PROMPT,
            {OURS: prompt, FOR_A_PROMPT: Process([sys.executable, "-c", "import numpy, prompt_toolkit"])},
            lambda: {"by hand": [True], OURS: [prompt()["time"] > 0]},
            rounds=21,
        )
