"""What an importer gives, and the one way to write it as a folder that `wavjudge run` and `wavjudge score` take."""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from wavjudge import resources
from wavjudge.analysis.tables import flat
from wavjudge.bench.ingest import HINTS, Keep
from wavjudge.bench.paths import home_of, located
from wavjudge.bench.rows import ItemRow, Row, SaidRow
from wavjudge.bench.test_set import FILE, Head, read_head
from wavjudge.decoding import MAX_BYTES
from wavjudge.errors import InputError, MissingRecordingError
from wavjudge.files.safe import inside
from wavjudge.reporting.text import counted
from wavjudge.types import Comparison, Rating

UNFINISHED = ".unfinished"
"""Folder in `out` that is there as long as an import is not done."""


@dataclass(slots=True)
class Imported:
    """What a source holds, read one by one; what could not be used is named, counted, and passed over.

    benchmark: name of the test set. root: the folder to which the paths of recordings are relative. items: what was
    asked, for `wavjudge run`. rows: stored answers, for `wavjudge score`. tables: ratings and people's labels, by the
    name of the CSV file that they become. comparisons: which of two answers people preferred. head: what benchmark.toml
    shall say (None: its name alone). shipped: the folder of benchmarks/ that knows the rest of it, where the test set
    is not called like it.
    """

    benchmark: str
    root: Path
    rows: Iterator[tuple[str, Row]] = field(default_factory=lambda: iter(()))
    items: Iterator[tuple[str, ItemRow]] = field(default_factory=lambda: iter(()))
    tables: dict[str, Iterator[Rating]] = field(default_factory=dict)
    comparisons: Iterator[Comparison] = field(default_factory=lambda: iter(()))
    head: Head | None = None
    shipped: str | None = None
    bad_rows: list[str] = field(default_factory=list)
    unused_fields: Counter[str] = field(default_factory=Counter)
    sounds: dict[str, bytes] = field(default_factory=dict)
    """Recordings that lie inside the source (a Parquet column): put here under the name that the row gives them, just
    before the row is yielded; they are written once and forgotten. Their names begin with the hash of their bytes
    (`hold`), so that no two recordings can claim one name."""

    def hold(self, data: bytes, suffix: str = ".wav") -> str:
        """Hand over the bytes of a recording; gives the name to put into the row."""
        name = f"{hashlib.sha256(data).hexdigest()[:32]}{suffix}"
        self.sounds[name] = data
        return name


@dataclass(slots=True)
class Written:
    """What came of an import."""

    rows: int = 0
    items: int = 0
    recordings: int = 0
    comparisons: int = 0
    ratings: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    outside: int = 0
    """Rows left out, since their recordings lie outside the source folder."""


def write(imported: Imported, out: Path, *, keep: Keep = "copy", outside: bool = False) -> Written:
    """Write what the source holds: `benchmark.toml` and `items.jsonl`, `responses.jsonl`, a CSV file for each table,
    `comparisons.jsonl`.

    Recordings are copied to `out/audio/` or referred to where they are. The files appear when all of them are whole:
    an import that was cut off is done again by the same call, and keeps the recordings that were there. A recording
    that is not in the source stays in its row: `score` and `run` name it and pass the row over, and the list of them
    is given here. A row whose recording lies outside the source folder, links followed, is a bad row, unless `outside`
    is said: a file of somebody else's may name any file of this machine. Of two items, or answers, of one name the
    first is taken. Ratings of answers that were not taken over are left out, and that is said.
    """
    half = _begun(
        out, ("responses.jsonl", "items.jsonl", "comparisons.jsonl", *(f"{name}.csv" for name in imported.tables))
    )
    done = Written()
    keeper = _Keeper(imported, out, keep, done, None if outside else home_of(imported.root))
    done.items = _write_rows(keeper, imported.items, half / "items.jsonl")
    before = len(imported.bad_rows)
    done.rows = _write_rows(keeper, imported.rows, half / "responses.jsonl")
    if done.rows or len(imported.bad_rows) > before:  # else the source holds no answers, and its ratings stand alone
        imported.tables = {name: _of_kept(keeper, ratings, name) for name, ratings in imported.tables.items()}
    for name, ratings in imported.tables.items():
        done.ratings[name] = flat.write(map(flat.flat, ratings), half / f"{name}.csv")
    done.comparisons = _write_lines((one.model_dump_json() for one in imported.comparisons), half / "comparisons.jsonl")
    if done.items:
        (half / FILE).write_text(toml(head_of(imported)), encoding="utf-8")
    for file in sorted(half.iterdir()):
        file.replace(out / file.name)
    half.rmdir()
    return done


def _of_kept(keeper: _Keeper, ratings: Iterable[Rating], table: str) -> Iterator[Rating]:
    """The ratings whose answer was taken over; how many others there were is told at the end.

    Of two answers of one name the first was taken, and so are the first ratings.
    """
    left, first, given = 0, "", set[int]()
    for rating in ratings:
        one = rating.subject
        name = mark(one.benchmark, one.item_id, one.candidate, one.attempt)
        is_second = False
        if name in keeper.twice:
            key = mark(name, one.turn, rating.axis, rating.rater, rating.repeat)
            is_second = key in given
            given.add(key)
        if name in keeper.kept_answers and not is_second:
            yield rating
            continue
        left += 1
        first = first or f"the answer of {one.candidate!r} to {one.item_id!r}"
    if left:
        said = f"{counted(left, 'rating')} left out, of answers that were not taken over (the first is {first})"
        keeper.imported.bad_rows.append(f"{keeper.imported.root}, {table}: {said}")


class _OutsideError(InputError):
    """A recording that lies outside the source folder."""


def _begun(out: Path, targets: Iterable[str]) -> Path:
    """The folder in which files wait until all are whole, emptied; while it is there, the import is not done."""
    half = out / UNFINISHED
    if not half.exists() and (standing := [name for name in targets if (out / name).exists()]):
        raise InputError(f"got a folder that already holds {standing}", where=str(out), todo="name another --out")
    for inner in (half, out / "audio"):
        if inner.is_symlink():
            raise InputError("got a link where the import would write", where=str(inner), todo="name another --out")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    return half


def head_of(imported: Imported) -> Head:
    """What an importer says of its test set, on top of what `benchmarks/NAME/benchmark.toml` says here."""
    own = imported.head or Head(name=imported.benchmark)
    said = own.model_dump(exclude_defaults=True)
    shipped = imported.shipped or own.name
    if shipped not in resources.index("benchmarks"):
        return own
    known = read_head(resources.folder("benchmarks") / shipped / FILE, own.name)
    return known.model_copy(update={"obtain": None, "items": "items.jsonl", **said})


def toml(head: Head) -> str:
    """The text of a benchmark.toml.

    >>> print(toml(Head(name="x", columns={"item_id": "id"})))
    name = "x"
    items = "items.jsonl"
    rated_turns = "last"
    <BLANKLINE>
    [columns]
    item_id = "id"
    <BLANKLINE>
    """
    fields = head.model_dump(exclude_none=True, exclude={"columns"})
    lines = [f"{name} = {_toml(value)}" for name, value in fields.items() if value != ()]
    if head.columns:
        lines += ["", "[columns]", *(f"{name} = {_toml(value)}" for name, value in head.columns.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    # A JSON string is a TOML string, but for the one character that TOML wants escaped and JSON does not.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write_rows(keeper: _Keeper, rows: Iterable[tuple[str, ItemRow]], target: Path) -> int:
    kept = (row.model_dump(exclude_defaults=True, mode="json") for row in _once(keeper, rows))
    return _write_lines((json.dumps(row, ensure_ascii=False) for row in kept), target)


def _once(keeper: _Keeper, rows: Iterable[tuple[str, ItemRow]]) -> Iterator[ItemRow]:
    seen: set[int] = set()
    for where, row in rows:
        if (name := _name(row, keeper.imported.benchmark)) in seen:
            keeper.twice.add(name)
            keeper.refuse(row, where)
        else:
            seen.add(name)
            try:
                kept = keeper.kept(row, where)
                if isinstance(row, Row):
                    keeper.kept_answers.add(name)
            except _OutsideError as error:
                keeper.done.outside += 1
                keeper.imported.bad_rows.append(f"{where}: {error}")
                continue
            yield kept


def _write_lines(lines: Iterable[str], target: Path) -> int:
    """Write them, and no file where there are none; gives their number."""
    count = 0
    with target.open("w", encoding="utf-8") as file:
        for count, line in enumerate(lines, 1):  # noqa: B007 - the last number is the result
            file.write(f"{line}\n")
    if not count:
        target.unlink()
    return count


def _name(row: ItemRow, benchmark: str) -> int:
    """What no two rows may share: one is kept for every row."""
    own = (row.candidate, row.attempt) if isinstance(row, Row) else ()
    return mark(row.benchmark or benchmark, row.item_id, *own)


@dataclass(frozen=True, slots=True)
class _Keeper:
    """Gives the recordings that a row names their place under `out`."""

    imported: Imported
    out: Path
    keep: Keep
    done: Written
    home: Path | None
    """The folder that recordings have to lie in; None for anywhere."""
    kept_answers: set[int] = field(default_factory=set)
    twice: set[int] = field(default_factory=set)
    """Names that more than one row has."""

    def kept(self, row: ItemRow, where: str) -> ItemRow:
        single = {name: self._place(getattr(row, name, None), where) for name in ("question_audio", "audio")}
        several = {
            name: tuple(self._said(said, where) for said in getattr(row, name, ()))
            for name in ("turns", "history", "answers")
        }
        self.imported.sounds.clear()
        changes: Mapping[str, object] = {"benchmark": row.benchmark or self.imported.benchmark, **single, **several}
        return row.model_copy(update={name: value for name, value in changes.items() if name in type(row).model_fields})

    def refuse(self, row: ItemRow, where: str) -> None:
        """Tell of a row whose name another one has."""
        self.imported.sounds.clear()
        name = (
            f"the answer of {row.candidate!r} to {row.item_id!r}" if isinstance(row, Row) else f"item {row.item_id!r}"
        )
        self.imported.bad_rows.append(f'{where}, field "item_id": {name} stands already further up; left out')

    def _said(self, said: SaidRow, where: str) -> SaidRow:
        return said.model_copy(update={"audio": self._place(said.audio, where)})

    def _place(self, name: str | None, where: str) -> str | None:
        if name is None:
            return None
        if name in self.imported.sounds:
            return self._write(name, self.imported.sounds[name])
        try:
            source, _ = located(self.imported.root, name, hint=len(self.done.missing) < HINTS)
        except MissingRecordingError as missing:
            self.done.missing.append(f"{where}: {missing.problem}")
            return name
        if self.home is not None and not inside(source, self.home):
            self.imported.sounds.clear()
            raise _OutsideError(f"the recording {name[:200]} lies outside the source folder {self.home}",
                                todo="say --outside, if you trust whoever wrote this file")  # fmt: skip
        if (size := source.stat().st_size) > MAX_BYTES:
            self.done.missing.append(f"{where}: the recording {name} has {size / 2**30:.1f} GiB; it stays where it is")
        if self.keep == "reference" or size > MAX_BYTES:
            self.done.recordings += 1
            return os.path.relpath(source.resolve(), self.out.resolve())
        return self._copy(name, source, where)

    def _copy(self, name: str, source: Path, where: str) -> str:
        place = self.out / "audio" / _inside(name)
        if not place.exists():
            self._put(place, lambda half: shutil.copyfile(source, half))
        elif not filecmp.cmp(source, place, shallow=False):
            raise InputError(f"got another recording for {place.relative_to(self.out)}", where=where,
                             todo="use --keep-audio reference, or rename one of the two")  # fmt: skip
        return str(place.relative_to(self.out))

    def _write(self, name: str, data: bytes) -> str:
        place = self.out / "audio" / name[:2] / name
        if not place.exists():
            self._put(place, lambda half: half.write_bytes(data))
        return str(place.relative_to(self.out))

    def _put(self, place: Path, make: Callable[[Path], object]) -> None:
        """A recording appears under its name when it is whole: what stands there is not written again."""
        if not inside(place.parent, self.out):  # a folder that was there before may hold a link
            raise InputError("got a link that leads out of the folder", where=str(place.parent),
                             todo="name another --out")  # fmt: skip
        half = self.out / UNFINISHED / "recording"
        make(half)
        place.parent.mkdir(parents=True, exist_ok=True)
        half.replace(place)
        self.done.recordings += 1


def _inside(name: str) -> str:
    """A path of the source without a root and without steps upwards: what is written stays inside `out`."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    return str(PurePosixPath(*parts))


# Names and rows that an import has to remember, in little memory: a test set may have a hundred thousand of them.


def mark(*names: object) -> int:
    """A number of eight bytes that stands for some names; a different one for different names, as far as chance goes.

    >>> mark("a", "b") == mark("a", "b"), mark("a", "b") == mark("ab", "")
    (True, False)
    """
    text = json.dumps(names, default=str).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


class Lookup:
    """Texts by name, on disk; gone when the object is.

    >>> found = Lookup([("7", "Why?"), ("8", "Who?"), ("7", "Where?")])
    >>> found.get("7"), found.get("9"), len(found)
    ('Where?', None, 2)
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._base = sqlite3.connect("")  # a temporary file
        self._base.execute("CREATE TABLE texts (name TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID")
        self._base.executemany("INSERT OR REPLACE INTO texts VALUES (?, ?)", pairs)

    def get(self, name: str) -> str | None:
        found = self._base.execute("SELECT text FROM texts WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def __len__(self) -> int:
        return int(self._base.execute("SELECT count(*) FROM texts").fetchone()[0])
