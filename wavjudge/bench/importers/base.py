"""What an importer gives, and the one way to write it as a folder that `wavjudge score` takes."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from wavjudge.bench.testset import Row
from wavjudge.errors import InputError


@dataclass(slots=True)
class Imported:
    """Rows of a source, read one by one; what could not be used is named, counted, and passed over."""

    benchmark: str
    root: Path
    rows: Iterator[tuple[str, Row]]
    bad_rows: list[str] = field(default_factory=list)
    unused_fields: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Written:
    """What came of an import."""

    rows: int = 0
    recordings: int = 0
    missing: list[str] = field(default_factory=list)


def write(imported: Imported, out: Path, *, keep: Literal["copy", "reference"] = "copy") -> Written:
    """Write `out/responses.jsonl`, with the recordings copied to `out/audio/` or referred to where they are.

    The file appears when it is whole. A recording that is not there stays in its row: `score` counts it against
    the candidate, and the list of them is given here.
    """
    target = out / "responses.jsonl"
    if target.exists():
        raise InputError("got a folder that already holds responses.jsonl", where=str(out), todo="name another --out")
    out.mkdir(parents=True, exist_ok=True)
    done, temporary = Written(), out / ".responses.jsonl.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        for where, row in imported.rows:
            kept = row.model_copy(update={
                "benchmark": row.benchmark or imported.benchmark,
                "audio": _keep(imported.root, out, row.audio, keep, done, where),
                "question_audio": _keep(imported.root, out, row.question_audio, keep, done, where),
            })  # fmt: skip
            file.write(json.dumps(kept.model_dump(exclude_none=True), ensure_ascii=False) + "\n")
            done.rows += 1
    temporary.replace(target)
    return done


def _keep(root: Path, out: Path, name: str | None, keep: str, done: Written, where: str) -> str | None:
    if name is None:
        return None
    source = root / name
    if not source.is_file():
        done.missing.append(f"{where}: {name}")
        return name
    done.recordings += 1
    if keep == "reference":
        return os.path.relpath(source.resolve(), out.resolve())
    place = out / "audio" / _inside(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)
    return str(place.relative_to(out))


def _inside(name: str) -> str:
    """A path of the source without a root and without steps upwards: what is written stays inside `out`."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    return str(PurePosixPath(*parts))
