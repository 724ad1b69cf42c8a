"""Readers of other projects' files, by format name: a new format is a file here and a line in `FORMATS`.

An importer yields the rows that `wavjudge score` reads, with audio paths as the source names them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wavjudge.bench.importers import vstyle
from wavjudge.bench.importers.base import Imported

FORMATS: dict[str, Callable[[Path], Imported]] = {"vstyle": vstyle.read}
