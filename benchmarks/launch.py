"""Runs a command to its end and says what it took: `python launch.py INPUT COMMAND...` prints it as JSON.

The system counts a process's peak of memory from what its parent held, so this small one stands between. INPUT is a
file that is piped into the command, or empty.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from time import perf_counter


def launched(input: str, command: list[str]) -> dict[str, object]:
    fed = b""
    if input:
        with open(input, "rb") as file:
            fed = file.read()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=err)
        assert process.stdin is not None
        try:
            process.stdin.write(fed)
            process.stdin.close()
        except BrokenPipeError:
            pass
        memory = None
        if hasattr(os, "wait4"):
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        else:
            process.wait()
        seconds = perf_counter() - start
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    return {"time": seconds, "memory": memory, "status": process.returncode, "out": texts[0], "err": texts[1]}


if __name__ == "__main__":
    print(json.dumps(launched(sys.argv[1], sys.argv[2:])))
