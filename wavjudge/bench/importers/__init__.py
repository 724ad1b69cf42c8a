"""Readers of other projects' files, by format name: a new format is a file here and a line in `FORMATS`.

An importer gives whichever the source holds: rows that `wavjudge score` reads, ratings of judges, labels of people.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wavjudge.bench.importers import audiojudge, vstyle
from wavjudge.bench.importers.base import Imported

FORMATS: dict[str, Callable[[Path], Imported]] = {"audiojudge": audiojudge.read, "vstyle": vstyle.read}
