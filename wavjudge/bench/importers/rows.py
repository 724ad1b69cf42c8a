"""From the rows of a source to ours, one at a time: what cannot be used is noted with its place and passed over.

Also here: how a JSON file that is one long list is read without holding it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import recording
from wavjudge.bench.paths import found
from wavjudge.bench.rows import ItemRow, validated
from wavjudge.errors import InputError
from wavjudge.files.safe import inside, refuse_special
from wavjudge.files.tables import Raw, raw_rows
from wavjudge.internal import ends_the_run, noted

R = TypeVar("R", bound=ItemRow)
_CHUNK = 1 << 18
_SPACE = re.compile(r"[ \t\r\n]*")
_AFTER = frozenset(" \t\r\n,]}")


class Unread(str):
    """Why an element of a list could not be read, in its place."""


class BadCell(ValueError):
    """A cell of a row that cannot be used, with the column it stands in."""

    def __init__(self, column: str, problem: str) -> None:
        super().__init__(f'field "{column}": {problem}')


def usable(
    source: Iterable[tuple[str, Raw]], fields: Callable[[Mapping[str, Any]], Mapping[str, Any]], kind: type[R],
    imported: Imported,
) -> Iterator[tuple[str, R]]:  # fmt: skip
    """The rows that `fields` makes of the source's; a bad one is named in `bad_rows`, and the rest goes on."""
    for where, raw in source:
        try:
            row = raw if isinstance(raw, str) else validated(fields(raw), kind)
        except BadCell as error:
            row = str(error)
        except Exception as error:  # whatever a row of another project holds, the others are read
            if ends_the_run(error):
                raise
            row = noted(error)
        if isinstance(row, str):
            imported.sounds.clear()
            imported.bad_rows.append(f"{where}, {row}")
        else:
            yield where, row


def counted(source: Iterable[tuple[str, Raw]], used: Collection[str], imported: Imported) -> Iterator[tuple[str, Raw]]:
    """The rows as they are, with the fields that nobody uses counted."""
    for where, raw in source:
        if not isinstance(raw, str):
            imported.unused_fields.update(raw.keys() - set(used))
        yield where, raw


def sound(column: str, value: Any, imported: Imported) -> str | None:
    """`columns.recording`, whose complaint names the column."""
    try:
        return recording(value, imported)
    except ValueError as error:
        raise BadCell(column, str(error)) from error


def elements(path: Path) -> Iterator[tuple[str, str, Any]]:
    """Place, key and element of a JSON file that is a list (its key is ""), or an object of lists; read bit by bit.

    Raises `InputError` where the file is neither. What stands before the flaw was yielded by then. An element that
    holds what is no UTF-8 text is an `Unread` that says so.
    """
    refuse_special(path)
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        reader = _Reader(iter(lambda: file.read(_CHUNK), ""), path)
        if reader.next_is("["):
            yield from ((f"{path}, element {number}", "", _text(value)) for number, value in reader.values("]"))
            return
        reader.expect("{")
        while not reader.next_is("}"):
            key = reader.value()
            reader.expect(":")
            reader.expect("[")
            yield from ((f"{path}, {key!r}, element {number}", str(key), _text(v)) for number, v in reader.values("]"))
            reader.next_is(",")


def _text(value: Any) -> Any:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        return Unread(f"expected UTF-8 text, got {error.object[error.start]!a}")
    return value


class _Reader:
    """One JSON value after the other out of a text that comes in pieces."""

    def __init__(self, pieces: Iterator[str], path: Path) -> None:
        self._pieces, self._path = pieces, path
        self._text, self._at = "", 0
        self._decoder = json.JSONDecoder()

    def next_is(self, sign: str) -> bool:
        """Whether the sign comes next; it is passed then."""
        self._skip_space()
        found = self._text.startswith(sign, self._at)
        self._at += len(sign) if found else 0
        return found

    def expect(self, sign: str) -> None:
        if not self.next_is(sign):
            raise InputError(f"expected {sign!r}, got {self._text[self._at : self._at + 40]!r}",
                             where=str(self._path), todo="expected a JSON list, or an object of lists")  # fmt: skip

    def values(self, end: str) -> Iterator[tuple[int, Any]]:
        number = 0
        while not self.next_is(end):
            yield (number := number + 1), self.value()
            if not self.next_is(","):
                self.expect(end)
                return

    def value(self) -> Any:
        self._skip_space()
        while True:
            try:
                value, at = self._decoder.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise InputError("got JSON that is nested too deep", where=str(self._path)) from error
            except json.JSONDecodeError as error:
                if not self._more():
                    raise InputError(f"got what is no JSON ({error.msg})", where=str(self._path)) from error
            else:
                # A number may go on in the next piece: "1" and "0", "0." and "5".
                if not isinstance(value, int | float) or self._text[at : at + 1] in _AFTER or not self._more():
                    self._at = at
                    return value

    def _skip_space(self) -> None:
        while (found := _SPACE.match(self._text, self._at)) and (at := found.end()) == len(self._text):
            self._at = at
            if not self._more():
                return
        self._at = found.end() if found else self._at

    def _more(self) -> bool:
        """Read on, as much again as is left: a long value is then parsed a few times, not thousands."""
        left = self._text[self._at :]
        pieces: list[str] = []
        while sum(map(len, pieces)) <= len(left) and (piece := next(self._pieces, "")):
            pieces.append(piece)
        self._text, self._at = left + "".join(pieces), 0
        return bool(pieces)


# Where importers find rows and recordings: JSON lists like JSON lines, paths relative to a folder above.

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
