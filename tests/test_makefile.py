"""The Makefile and the CI script do what the README says, on a machine that lacks things."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def _python(folder: Path, body: str) -> str:
    """A program in the place of Python: `body` sees the arguments of `python -m venv --clear FOLDER`."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec {sys.executable} "$@"\n{body}\n', encoding="utf-8")
    path.chmod(0o755)
    return f"PYTHON={path}"


def test_a_python_without_ensurepip_leaves_nothing_behind_and_says_what_to_install(checkout: Path) -> None:
    half = _python(checkout, 'mkdir -p "$4/bin"; touch "$4/bin/python"; exit 1')
    said = make(checkout, ".venv/bin/pip", half)
    assert said.returncode != 0
    assert "apt install python3-venv" in said.stderr
    assert not (checkout / ".venv").exists()


def test_an_environment_that_was_left_half_made_is_made_again(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").touch()
    whole = _python(checkout, 'rm -rf "$4"; mkdir -p "$4/bin"; touch "$4/bin/pip"')
    assert make(checkout, ".venv/bin/pip", whole).returncode == 0
    assert (checkout / ".venv" / "bin" / "pip").exists()
    assert not (checkout / ".venv" / "bin" / "python").exists()


def test_a_python_that_is_too_old_is_named_before_anything_is_made(checkout: Path) -> None:
    path = checkout / "python"
    path.write_text(f'#!/bin/sh\n{sys.executable} -c "import sys; sys.version_info = (3, 9); exec(sys.argv[1])" "$2"\n')
    path.chmod(0o755)
    said = make(checkout, ".venv/bin/pip", f"PYTHON={path}")
    assert said.returncode != 0
    assert "needs Python 3.11 or newer" in said.stderr
    assert not (checkout / ".venv").exists()


def test_ci_runs_both_test_commands_each_in_an_environment_of_its_own() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in script if line.startswith("make")] == ["make test", "make test-all"]
    quick, heavy = (make(ROOT, "-n", "-B", target).stdout for target in ("test", "test-all"))
    assert ".venv/bin/python -m pytest" in quick and ",train]" not in quick
    assert ".venv-torch/bin/python -m pytest" in heavy and ".venv/bin/python -m pytest" not in heavy
