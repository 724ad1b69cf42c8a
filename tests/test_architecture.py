"""The rules of the house that a machine can check. Imports are also checked by `make lint`."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import wavjudge

PACKAGE = Path(wavjudge.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts)
LINES_AT_MOST = 600
ONLY = {
    "openai": ("clients/wires/openai.py",), "google": ("clients/wires/gemini.py",), "torch": ("training/",),
    "torchaudio": ("training/",), "typer": ("cli/",),
}  # fmt: skip
"""Who may import what, as the beginning of a path inside the package."""


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_there_is_something_to_check() -> None:
    assert {"types.py", "cli/app.py", "clients/wires/openai.py"} <= set(map(_name, MODULES))


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_what_it_is_and_fits_on_a_few_pages(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), f"{_name(path)} has no docstring"
    assert len(text.splitlines()) <= LINES_AT_MOST, f"{_name(path)} is too long: split it"
    assert path.name not in ("utils.py", "common.py", "helpers.py", "misc.py"), "name it after what it does"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_only_the_one_who_may_imports_it(path: Path) -> None:
    for imported in _imports(path):
        allowed = ONLY.get(imported.split(".")[0])
        assert allowed is None or _name(path).startswith(allowed), f"{_name(path)} imports {imported}"
        from_cli = f"{imported}.".startswith("wavjudge.cli.")
        assert not from_cli or _name(path).startswith(("cli/", "__main__")), f"{_name(path)} imports {imported}"
        assert not imported.startswith("tests"), f"{_name(path)} imports {imported}"


def test_imports_go_straight_down_the_floors() -> None:
    pytest.importorskip("importlinter", reason="import-linter is not installed (extra dev)")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "NO_COLOR": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout
