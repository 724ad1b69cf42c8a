"""Where importers find rows and recordings: JSON lists like JSON lines, paths relative to a folder above."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.rows import Unread, elements
from wavjudge.bench.paths import found
from wavjudge.bench.table_files import Raw, raw_rows
from wavjudge.errors import InputError
from wavjudge.regular import refuse_special
from wavjudge.run_files import inside

T = TypeVar("T")
_LOOKED_AT = 100  # rows, before a column counts as missing


def objects(path: Path) -> Iterator[tuple[str, Raw]]:
    """Place and fields of each object of a JSON list, or of a file of JSON lines, whatever its suffix says.

    A list that breaks off (a writer was killed) gives the objects before the break, then a text that says so.
    """
    return _elements(path) if _begins_with_list(path) else raw_rows(path)


def _elements(path: Path) -> Iterator[tuple[str, Raw]]:
    for where, _, value in up_to_a_break(path):
        kept = isinstance(value, dict | Unread)
        yield where, value if kept else f"expected a JSON object, got {value!r:.40}"


def up_to_a_break(path: Path) -> Iterator[tuple[str, str, Any]]:
    """`rows.elements`, where a file that breaks off after the first one ends in an `Unread` that says so."""
    last = None
    try:
        for last in elements(path):
            yield last
    except InputError as error:
        if last is None:
            raise
        yield f"{last[0]} and after", last[1], Unread(f"the rest of the file does not read: {error}")


def _begins_with_list(path: Path) -> bool:
    refuse_special(path)
    with path.open("rb") as file:
        begin = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    return path.suffix.lower() not in (".jsonl", ".csv", ".parquet") and begin.startswith(b"[")


def first_fields(path: Path) -> dict[str, object]:
    """The fields of the first rows that read, empty where none does: one row may lack what the others have."""
    found: dict[str, object] = {}
    for _, raw in islice(objects(path), _LOOKED_AT):
        found = (dict(raw) if not isinstance(raw, str) else {}) | found
    return found


SOUNDS = ("", "wav", "audio", "wavs", "audios")
"""Folders beside a table in which publishers put its recordings, and do not name in it."""


def from_above(name: str | None, folder: Path, root: Path) -> str | None:
    """A path relative to `root`, of a recording that a file in `folder` names relative to that or a folder above it.

    Or relative to a folder of recordings in one of these (`SOUNDS`). As it was where no folder up to the fourth holds
    it: what is missing is reported under the name that the file gives.
    """
    if not name:
        return None
    if Path(name).is_absolute():
        return name
    for above in (folder, *list(folder.resolve().parents)[:4]):
        for place in (above / sounds for sounds in SOUNDS if (above / sounds).is_dir()):
            if found(place, name):
                return os.path.relpath(place / name, root)
    return name


def heard(asked: dict[str, Any], root: Path) -> dict[str, Any]:
    """What was asked, for an answer to it: a recording that is not there is left out where the text says the same.

    An answer to a question whose recording does not open could not be rated at all. The items name it all the same.
    """
    name = asked.get("question_audio")
    lost = name and asked.get("question_text") and not found(root, name)
    return asked | {"question_audio": None} if lost else asked


def again(rows: Callable[[Imported], Iterator[T]], imported: Imported) -> Iterator[T]:
    """A second reading of the same lines: what is wrong with them is told unless the first reading told it."""
    second = Imported(imported.benchmark, imported.root, sounds=imported.sounds)
    yield from rows(second)
    told = set(imported.bad_rows)
    imported.bad_rows += [problem for problem in second.bad_rows if problem not in told]


def linked_folders(root: Path) -> list[str]:
    """What is said of links to folders below a source: they are not followed, so nothing of them is read.

    A link may lead in a circle, to a folder that is read under its own name, or out of the source.
    """
    told = []
    for folder, names, files in os.walk(root) if root.is_dir() else ():
        names[:] = sorted(name for name in names if not name.startswith("."))
        links = [Path(folder, name) for name in names if Path(folder, name).is_symlink()]
        links += [file for name in sorted(files) if (file := Path(folder, name)).is_symlink() and not file.exists()
                  and not file.suffix]  # fmt: skip
        for link in links:
            if not link.exists():
                why = "leads nowhere: mount the disk, or take it away"
            elif inside(link, root):
                why = "is not followed: what it leads to is read under its own name, if it is of this format"
            else:
                why = "is not followed, since it leads out of the source: copy the folder, or import it by its own path"
            told.append(f"{link}: got a link to a folder, which {why}")
    return told
