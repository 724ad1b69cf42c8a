"""The rules of the house that a machine can check. Imports are also checked by `make lint`."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import wavjudge

PACKAGE = Path(wavjudge.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts)
LINES_AT_MOST = 600
FILES_AT_MOST = 15
REGISTERS = {"cli/commands", "bench/importers", "rewards/adapters"}
"""Rooms with one file a kind; elsewhere, more than 15 files hide a second room."""
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


def test_a_room_has_few_files_and_its_line_in_the_page_of_the_house() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = Counter(Path(_name(path)).parent.as_posix() for path in MODULES if path.name != "__init__.py")
    full = {room: files for room, files in rooms.items() if files > FILES_AT_MOST and room not in REGISTERS}
    assert not full, "these hide a second room"
    told = set(re.findall(r"`([\w/]+)/`", page[page.index("## The rooms") : page.index("## Decisions")]))
    ours = {room for room in rooms if room not in (".", "analysis")}
    assert ours <= told and not {room for room in told - ours if (PACKAGE / room).is_dir()} - {"analysis"}


def test_no_module_has_the_name_of_a_function_of_the_package() -> None:
    """Importing `wavjudge.judge` would put the module in the place of the function `wavjudge.judge`."""
    modules = {path.stem if path.name != "__init__.py" else path.parent.name for path in MODULES
               if path.parent == PACKAGE or (path.name == "__init__.py" and path.parent.parent == PACKAGE)}  # fmt: skip
    assert len(modules) > 20 and not set(wavjudge.__all__) & modules


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
