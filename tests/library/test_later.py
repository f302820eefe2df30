"""Names that wait for their module: those that the module enters, so that a start needs to load none of them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gradcli.library.later import LATER, LATER_METHODS

ENTERED = """
import json, sys
from importlib import import_module
import gradcli.library
from gradcli.library.vocabulary import FUNCTIONS, METHODS, Later
waiting = {(kind, name): value.module for kind, register in (("f", FUNCTIONS), ("m", METHODS))
           for name, value in register.items() if type(value) is Later}
missing = []
for (kind, name), module in waiting.items():
    import_module(module)
    if type((FUNCTIONS if kind == "f" else METHODS)[name]) is Later:
        missing.append(f"{module} {name}")
modules = set(waiting.values())
late = [name for name, value in FUNCTIONS.items()
        if ("f", name) not in waiting and getattr(getattr(value, "body", None), "__module__", None) in modules]
print(json.dumps([missing, late]))
"""


def test_each_module_enters_the_names_that_wait_for_it() -> None:
    done = subprocess.run([sys.executable, "-c", ENTERED], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout) == [[], []]


def test_a_script_loads_what_it_names_before_it_runs() -> None:
    """Then a call in a loop is the function's own."""
    code = (
        "import sys; from gradcli import Session; from gradcli.language.dictionary import BUILTINS; "
        "s = Session(); before = set(sys.modules); s.execute('f() = F.mse_loss([1.], [2.])', 'a', print); "
        "print([name for name in set(sys.modules) - before if '.library.' in name]); "
        "print(type(BUILTINS['@.F.mse_loss']).__name__, type(BUILTINS['@.F.l1_loss']).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "['gradcli.library.functional']\nfunction Later\n"


@pytest.mark.parametrize("table", [LATER, LATER_METHODS])
def test_no_name_waits_twice(table: dict[str, str]) -> None:
    names = [name for names in table.values() for name in names.split()]
    assert len(names) == len(set(names))
