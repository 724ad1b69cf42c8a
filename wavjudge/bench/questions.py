"""Questions that lie apart from the answers: joined to each answer by its item.

Recordings of answers alone say nothing of what was asked, and without it no judge can rate content. The questions come
as a test set (a name, a folder, a table of items), or as a folder of recordings and texts named by item.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavjudge import resources
from wavjudge.audio import SUFFIXES
from wavjudge.bench.recordings import HOW, kinds, unread_in
from wavjudge.bench.rows import ItemRow
from wavjudge.bench.test_set import FILE, open_benchmark
from wavjudge.errors import InputError
from wavjudge.files.safe import inside
from wavjudge.files.tables import TABLES, Raw, filled, not_utf8, raw_rows
from wavjudge.nearest import listed, nearest, of_path

_log = logging.getLogger("wavjudge")

_ASKED = ("question_text", "question_audio", "turns")
_ELSE = ("reference", "checks", "language", "history", "tags")
_LOOKED_AT = 200
"""Items for which a question of nearly the same name is looked for: of many, the first."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What was asked, by the id of the item."""

    path: Path
    by_item: Mapping[str, Mapping[str, Any]]
    columns: Sequence[str] = ()
    """Of the table they stand in, for messages."""

    def joined(self, raw: Raw) -> Raw:
        """A row of an answer with what was asked; what the row says itself is kept."""
        if isinstance(raw, str):
            return raw
        own = filled(raw)
        asked = self.by_item.get(str(own.get("item_id")), {})
        wanted = _ELSE if any(name in own for name in _ASKED) else (*_ASKED, *_ELSE)
        return {**{name: asked[name] for name in wanted if name in asked}, **own}

    def require_some(self, answers: Iterable[Raw]) -> None:
        """Raises `InputError` where not one item has a question: then the ids are written in two ways. Items that have
        none among others that do are named in a warning."""
        items: dict[str, bool] = {}
        for own in (filled(raw) for raw in answers if not isinstance(raw, str)):
            if "item_id" in own:
                item = str(own["item_id"])
                items[item] = items.get(item, True) and (item in self.by_item or any(name in own for name in _ASKED))
        if without := [item for item, is_asked in items.items() if not is_asked]:
            told = f"{_items(len(without), len(items))}: {listed(map(repr, without))}{self._like(without)}"
            if not any(item in self.by_item for item in items):
                raise InputError(f"{told}; the questions here are of {self._held()}", where=str(self.path),
                                 todo="name the questions by the same item_id as the answers")  # fmt: skip
            _log.warning("%s: %s; judges that need a question are not asked about their answers", self.path, told)

    def _like(self, items: Sequence[str]) -> str:
        """The first of some items that is written nearly as one of the questions is, and that one."""
        near = ((item, found) for item in items[:_LOOKED_AT] if (found := nearest(item, self.by_item)))
        return next((f" ({item!r} is most like {found!r})" for item, found in near), "")

    def _held(self) -> str:
        columns = f" (columns: {listed(self.columns)})" if self.columns else ""
        return f"{listed(map(repr, self.by_item))}{columns}"


def open_questions(path: Path, *, outside: bool = False) -> Questions:
    """The questions at a path, or of a test set that ships with wavjudge. Raises `InputError` where there are none.

    outside: whether they may name recordings outside their folder.

    >>> open_questions(Path("tiny")).by_item["tiny-01"]["question_text"]
    'What is the capital of Australia?'
    """
    test_set = (path.is_dir() and _is_test_set(path)) or not path.is_dir()
    found = dict(_of_test_set(path, outside) if test_set else _of_folder(path, outside))
    if not found:
        todo = "give a table with the columns item_id and question_text, or a folder of recordings or texts (.txt)"
        raise InputError(f"found no question in {_what(path)}, expected items or recordings named by item",
                         where=str(path), todo=f"{todo} that are called by the items: q1.wav")  # fmt: skip
    return Questions(path, found, _columns(path))


def _what(path: Path) -> str:
    """What is there in place of questions."""
    if path.is_dir():
        return "a folder"
    return "an empty file" if path.is_file() and not path.stat().st_size else "a file without a row"


def _columns(path: Path) -> Sequence[str]:
    if not path.is_file() or path.suffix.lower() not in TABLES:
        return ()
    return next((tuple(raw) for _, raw in raw_rows(path) if not isinstance(raw, str)), ())


def _is_test_set(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (FILE, "items.jsonl", "items.csv", "items.parquet"))


def _of_test_set(path: Path, outside: bool) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not path.exists() and str(path) not in resources.index("benchmarks"):
        raise InputError("found no such file or folder of questions", where=str(path), todo=of_path(path))
    opened = open_benchmark(str(path), outside=outside)
    for _, row in opened:
        yield row.item_id, _fields(row, opened.root)
    if opened.bad_rows:
        raise InputError(f"{len(opened.bad_rows)} questions cannot be read, the first: {opened.bad_rows[0]}",
                         todo="correct the file: an answer without its question would be rated on less")  # fmt: skip


def _fields(row: ItemRow, root: Path) -> dict[str, Any]:
    """What the row says, with recordings by their whole path: the answers lie somewhere else."""
    fields = row.model_dump(include={*_ASKED, *_ELSE}, exclude_defaults=True)
    if "question_audio" in fields:
        fields["question_audio"] = str((root / fields["question_audio"]).absolute())
    for said in (*fields.get("turns", ()), *fields.get("history", ())):
        if said.get("audio"):
            said["audio"] = str((root / said["audio"]).absolute())
    return fields


def _of_folder(folder: Path, outside: bool) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if unread := unread_in(folder):
        raise InputError(f"got {unread.total()} recordings of questions in formats that are not read ({kinds(unread)})",
                         where=str(folder), todo=f"{HOW}, and move the old ones away")  # fmt: skip
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.rglob("*")):
        name = "question_text" if file.suffix.lower() == ".txt" else "question_audio"
        if file.name.startswith(".") or not file.is_file() or file.suffix.lower() not in SUFFIXES | {".txt"}:
            continue
        if not outside and not inside(file, folder):
            raise InputError("got a link that leads out of the folder of questions", where=str(file),
                             todo="say --outside, if you trust whoever made it")  # fmt: skip
        item = found.setdefault(file.stem, {})
        if name in item:
            raise InputError(f"found two questions for the item {file.stem!r}: {item[name]} and {file}",
                             where=str(folder), todo="leave one of them")  # fmt: skip
        item[name] = _text(file) if name == "question_text" else str(file.absolute())
    yield from found.items()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InputError(not_utf8(error), where=str(file), todo="save it as UTF-8") from error


def _items(without: int, of: int) -> str:
    if without == of:
        return f"not one of {of} items has a question here" if of > 1 else "the one item has no question here"
    return f"{without} of {of} items {'has' if without == 1 else 'have'} no question here"
