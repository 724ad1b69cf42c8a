"""Readers of other projects' files, by format name: a new format is a file here and a line in `FORMATS`.

An importer gives whichever the source holds: rows that `wavjudge score` reads, ratings of judges, labels of people.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wavjudge.bench.importers import (
    audiojudge,
    hf,
    kimi,
    mtalkbench,
    plain,
    trace,
    ultraeval,
    urobench,
    vocalbench,
    voicebench,
    vstyle,
)
from wavjudge.bench.importers.base import Imported

FORMATS: dict[str, Callable[[Path], Imported]] = {
    "audiojudge": audiojudge.read, "hf": hf.read, "kimi": kimi.read, "mtalkbench": mtalkbench.read,
    "plain": plain.read, "trace": trace.read, "ultraeval": ultraeval.read, "urobench": urobench.read,
    "vocalbench": vocalbench.read, "voicebench": voicebench.read, "vstyle": vstyle.read,
}  # fmt: skip
