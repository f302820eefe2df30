"""What a command sets in its own process, and a library doesn't."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
import gradcli.process
gradcli.process.settle(keep_memory=sys.argv[1] == "keep")

def run():
    large = [np.ones(10**5) for _ in range(50)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        large.clear()
        large += [np.ones(10**5) for _ in range(50)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(run())
"""

REPL = """
import gc, json, sys
gc.disable()
import gradcli.repl.shell
from gradcli.repl.starting import start

def run_repl(session, *arguments, **options):
    before = gc.isenabled()
    session()
    print(json.dumps([before, gc.isenabled(), gc.get_freeze_count() > 0]))
    return 0

gradcli.repl.shell.run_repl = run_repl
sys.stdin.isatty = lambda: True
start()
"""


def output(code: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, timeout=60
    ).stdout


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_memory_that_was_freed_is_used_again_without_asking_the_system() -> None:
    faults = {how: int(output(FAULTS, how)) for how in ("keep", "free")}
    assert faults["keep"] < faults["free"] / 10


def test_the_garbage_collector_waits_for_a_session_and_no_longer() -> None:
    assert json.loads(output(REPL)) == [False, True, True]


def test_the_library_leaves_the_process_as_it_is() -> None:
    code = "import gc; before = gc.get_threshold(), gc.isenabled(), gc.get_freeze_count(); import gradcli; "
    code += "gradcli.Session().execute('x = 1', 'a', print); "
    code += "print((gc.get_threshold(), gc.isenabled(), gc.get_freeze_count()) == before)"
    assert output(code) == "True\n"
