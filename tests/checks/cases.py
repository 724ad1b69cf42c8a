"""The cases under golden/, which were decided by hand."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any


def golden(name: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "golden" / f"{name}.toml").read_text(encoding="utf-8"))
