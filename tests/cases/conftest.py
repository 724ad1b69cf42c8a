"""Each test works on a copy of its case, so that a run may write beside its input."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

DATA = Path(__file__).with_name("data")


@pytest.fixture
def case(tmp_path: Path) -> Callable[[str], Path]:
    """The folder of a case, by the number it begins with, copied into the test's own folder."""

    def copied(number: str) -> Path:
        (folder,) = DATA.glob(f"{number}-*")
        return Path(shutil.copytree(folder, tmp_path / folder.name))

    return copied
