"""The cases of every module of cases beside this, by the function that they are about; and the whole table loaded."""

from importlib import import_module
from pathlib import Path

from gradcli.library.vocabulary import load_all

load_all()

CASES: dict[str, tuple[str, ...]] = {}
for _file in sorted(Path(__file__).parent.glob("cases*.py")):
    for _name, _group in import_module(f"tests.operations.{_file.stem}").CASES.items():
        CASES[_name] = CASES.get(_name, ()) + _group
