"""What an importer gives, and the one way to write it as a folder that `wavjudge score` takes."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from wavjudge.bench.intake import Keep, there
from wavjudge.bench.testset import Row
from wavjudge.errors import InputError
from wavjudge.report import export
from wavjudge.types import Rating


@dataclass(slots=True)
class Imported:
    """Rows of a source, read one by one; what could not be used is named, counted, and passed over."""

    benchmark: str
    root: Path
    rows: Iterator[tuple[str, Row]]
    bad_rows: list[str] = field(default_factory=list)
    unused_fields: Counter[str] = field(default_factory=Counter)
    tables: dict[str, Iterator[Rating]] = field(default_factory=dict)
    """Ratings that the source holds, by the name of the CSV file that they become."""


@dataclass(slots=True)
class Written:
    """What came of an import."""

    rows: int = 0
    recordings: int = 0
    ratings: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def write(imported: Imported, out: Path, *, keep: Keep = "copy") -> Written:
    """Write `out/responses.jsonl`, with the recordings copied to `out/audio/` or referred to where they are.

    The file appears when it is whole. A recording that is not there stays in its row: `score` counts it against
    the candidate, and the list of them is given here.
    """
    targets = [out / "responses.jsonl", *(out / f"{name}.csv" for name in imported.tables)]
    if standing := [target.name for target in targets if target.exists()]:
        raise InputError(f"got a folder that already holds {standing}", where=str(out), todo="name another --out")
    out.mkdir(parents=True, exist_ok=True)
    done = Written()
    _write_answers(imported, out, keep, done)
    for name, ratings in imported.tables.items():
        done.ratings[name] = export.write(map(export.flat, ratings), out / f"{name}.csv")
    return done


def _write_answers(imported: Imported, out: Path, keep: Keep, done: Written) -> None:
    temporary = out / ".responses.jsonl.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        for where, row in imported.rows:
            kept = row.model_copy(update={
                "benchmark": row.benchmark or imported.benchmark,
                "audio": _keep(imported.root, out, row.audio, keep, done, where),
                "question_audio": _keep(imported.root, out, row.question_audio, keep, done, where),
            })  # fmt: skip
            file.write(json.dumps(kept.model_dump(exclude_none=True), ensure_ascii=False) + "\n")
            done.rows += 1
    if done.rows:
        temporary.replace(out / "responses.jsonl")
    else:
        temporary.unlink()


def _keep(root: Path, out: Path, name: str | None, keep: str, done: Written, where: str) -> str | None:
    if name is None:
        return None
    source = root / name
    if not there(source):
        done.missing.append(f"{where}: {name}")
        return name
    done.recordings += 1
    if keep == "reference":
        return os.path.relpath(source.resolve(), out.resolve())
    place = out / "audio" / _inside(name)
    if place.exists() and not filecmp.cmp(source, place, shallow=False):
        raise InputError(f"got another recording for {place.relative_to(out)}", where=where,
                         todo="use --keep-audio reference, or rename one of the two")  # fmt: skip
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)
    return str(place.relative_to(out))


def _inside(name: str) -> str:
    """A path of the source without a root and without steps upwards: what is written stays inside `out`."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    return str(PurePosixPath(*parts))
