"""The worked numbers, from golden/worked.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

WORKED: dict[str, Any] = json.loads((Path(__file__).parent / "golden/worked.json").read_text(encoding="utf-8"))


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of one part."""
    found: list[dict[str, Any]] = WORKED[name]["cases"]
    return found
