"""Every import arrow points one way, and nothing is loaded that the job at hand doesn't use."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("lark", "typer", "rich", "prompt_toolkit", "pygments", "scipy", "torch")

BLOCKED = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError("blocked: " + name, name=name)
sys.meta_path.insert(0, Absent())
"""


def python(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )


def python_without(names: tuple[str, ...], text: str) -> subprocess.CompletedProcess[str]:
    """Runs a text in an interpreter in which these packages are absent."""
    return python("-c", BLOCKED.format(names=set(names)) + text)


# ---- what loads without what


def test_the_engine_works_with_numpy_alone() -> None:
    done = python_without(
        HEAVY,
        """
import numpy as np
from gradcli.engine import backward, grad, tensor
x = tensor([1.0, 2.0], requires_grad=True)
y = np.sum(np.sin(x) * x[0] + np.matmul(x, x))
(g,) = grad([y], [x], create_graph=True)
backward([np.sum(g)])
print(x, repr(y), x.grad.shape)
print(*sorted(name for name in sys.modules if name.startswith("gradcli")))
""",
    )
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.splitlines()[-1].split()
    assert {name.split(".")[1] for name in loaded if "." in name} == {"engine", "errors"}


def test_the_blocker_blocks() -> None:
    """The proof that the test above can fail."""
    for name in ("lark", "rich.text", "scipy.special"):
        done = python_without(HEAVY, f"import {name}")
        assert done.returncode == 1
        assert f"blocked: {name.partition('.')[0]}" in done.stderr


@pytest.mark.parametrize("module", ["gradcli.library", "gradcli.session", "gradcli.render.plain", "gradcli.grammar"])
def test_no_part_below_the_command_line_needs_what_shows_or_parses_the_command_line(module: str) -> None:
    done = python_without(("typer", "rich", "prompt_toolkit", "torch"), f"import {module}")
    assert done.returncode == 0, done.stderr


# ---- what a command loads


def loaded_by(*arguments: str, stdin: str = "") -> set[str]:
    """The modules that `python -m gradcli ...` imports, as Python itself reports them."""
    done = python("-X", "importtime", "-m", "gradcli", *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def packages(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


SCRIPT = """
x = arange(4)
f(t) = 2 * dot(t, t) + sum(sin(t) ** 2)
for k in range(3) { y = f(x); y.backward() }
print(f"{y:.3f}")
x.grad
backward f(x)
"""


def test_a_piped_script_loads_no_parser_generator_and_nothing_of_a_terminal() -> None:
    loaded = packages(loaded_by(stdin=SCRIPT))
    assert {"numpy", "gradcli"} <= loaded
    assert not loaded & {"rich", "prompt_toolkit", "pygments", "lark", "torch", "scipy"}


def test_eval_of_a_text_loads_as_little() -> None:
    loaded = packages(loaded_by("eval", "-e", "x = arange(4); y = 2*dot(x,x); backward y"))
    assert not loaded & {"rich", "prompt_toolkit", "pygments", "lark", "torch", "scipy"}


def test_scipy_is_loaded_by_the_function_that_needs_it() -> None:
    """The proof that the tests above see what's loaded inside functions."""
    assert "scipy" in packages(loaded_by(stdin="x = 1.0; y = erf(x)"))


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_do_without_numpy(option: str) -> None:
    loaded = loaded_by(option)
    assert "gradcli.cli" in loaded
    assert not packages(loaded) & {"numpy", "scipy", "rich", "prompt_toolkit", "lark"}
    assert not any(name.startswith("gradcli.engine") for name in loaded)


# ---- arrows


def sources() -> Iterator[tuple[str, Path]]:
    """Every module of the package by name; `grammar/` is the package gradcli.grammar."""
    for path in sorted((ROOT / "gradcli").rglob("*.py")):
        yield _dotted(path.relative_to(ROOT)), path
    for path in sorted((ROOT / "grammar").rglob("*.py")):
        yield _dotted(Path("gradcli") / path.relative_to(ROOT)), path


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(module: str, path: Path) -> set[str]:
    """What a module imports, inside its functions too; relative names made whole."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = node.module or ""
            if node.level:
                package = module if path.name == "__init__.py" else module.rpartition(".")[0]
                anchor = package.split(".")[: len(package.split(".")) - node.level + 1]
                start = ".".join([*anchor, *filter(None, [node.module])])
            found.update({start} if start != "gradcli" else {f"gradcli.{alias.name}" for alias in node.names})
    return found


def room_of(name: str) -> str:
    """`engine` of `gradcli.engine.node`; nothing of the package itself."""
    return name.split(".")[1] if "." in name else ""


MODULES = dict(sources())
PARTS = {name: room_of(name) for name in MODULES}


def rooms(module: str) -> set[str]:
    """The rooms of gradcli that a module imports from, its own left out."""
    names = {name for name in imports(module, MODULES[module]) if name.partition(".")[0] == "gradcli"}
    return {room_of(name) for name in names} - {PARTS[module]}


def foreign(module: str) -> set[str]:
    """The packages from outside the standard library that a module imports."""
    names = {name.partition(".")[0] for name in imports(module, MODULES[module])}
    return names - set(sys.stdlib_module_names) - {"gradcli"}


ALLOWED = {
    "errors": set(),
    "collector": set(),
    "process": set(),
    "events": {"errors"},
    "grammar": {"errors", "collector"},
    "engine": {"errors"},
    "filesystem": {"errors"},
    "limits": {"errors"},
    "library": {"errors", "events", "filesystem", "limits", "engine"},
    "language": {"errors", "events", "collector", "limits", "engine", "library", "grammar", "analysis"},
    "analysis": {"errors", "events", "engine", "library"},
    "state": set(),
    "session": {"errors", "events", "limits", "engine", "library", "grammar", "language", "analysis", "state"},
    "render": {"errors", "events", "engine", "library", "analysis"},
    "formatting": {"errors", "filesystem", "grammar", "render"},
    "highlight": {"grammar", "library"},
    "evaluate": {
        "errors", "events", "filesystem", "limits", "process", "engine", "grammar", "language", "session", "render",
        "highlight",
    },
    "inspecting": {
        "errors", "events", "filesystem", "engine", "library", "grammar", "language", "analysis", "render", "session",
    },
}  # fmt: skip
"""What each room may import: everything stands above what it uses."""

OUTSIDE = {
    "errors": set(),
    "filesystem": set(),
    "events": {"numpy"},
    "limits": set(),
    "grammar": {"lark", "numpy"},
    "engine": {"numpy", "scipy"},
    "library": {"numpy", "scipy"},
    "language": {"numpy"},
    "session": {"numpy"},
    "analysis": {"numpy"},
    "render": {"numpy", "rich", "pygments"},
    "formatting": set(),
    "highlight": {"pygments"},
}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_from_below_only(module: str) -> None:
    room = PARTS[module]
    if room in ALLOWED:
        assert rooms(module) <= ALLOWED[room]
    if room in OUTSIDE:
        assert foreign(module) <= OUTSIDE[room]
    if module not in ("gradcli.__main__", "gradcli.completion"):
        assert "cli" not in rooms(module)


@pytest.mark.parametrize("module", [name for name, room in PARTS.items() if room in ("engine", "library")])
def test_scipy_is_imported_inside_functions(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    at_the_top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert not any("scipy" in ast.unparse(node) for node in at_the_top)


def test_no_two_rooms_import_each_other() -> None:
    for room, below in ALLOWED.items():
        for other in below:
            assert room not in ALLOWED[other]


def test_the_arrows_are_read_from_the_sources() -> None:
    """The proof that the reader sees imports: at the top, inside functions, and relative ones."""
    assert {"engine", "language", "library"} <= rooms("gradcli.session")
    assert "scipy" in foreign("gradcli.engine.elementwise")
    assert "cli" in rooms("gradcli.__main__")
    assert {"engine", "session"} <= rooms("gradcli")
