"""A copy of the source, for tests that add to it: what runs there has the addition, and this process knows nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree

ROOT = Path(__file__).parents[1]


class Checkout:
    """A copy in a directory of its own, with the package, the tests and what they read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("gradcli", "tests", "docs", "examples"):
            copytree(ROOT / name, root / name)
        copytree(ROOT / "grammar", root / "gradcli" / "grammar")
        (root / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())

    def append(self, path: str, text: str) -> None:
        """Adds a text to the end of a file."""
        with (self.root / path).open("a", encoding="utf-8") as file:
            file.write(f"\n\n{text}")

    def environment(self) -> dict[str, str]:
        """The variables under which Python finds the package here rather than where it's installed."""
        return os.environ | {"PYTHONPATH": str(self.root), "PYTEST_ADDOPTS": ""}

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs Python here."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
