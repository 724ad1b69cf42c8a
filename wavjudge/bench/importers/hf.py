"""Any dataset in a folder as the Hugging Face Hub stores it, or as `Dataset.save_to_disk` writes it.

Columns are found by the names in `columns.ALIASES`; audio is a struct of bytes and path, or a path. A row without an
id column is known by subset, split and its number there (`test/000007`). Subset, split and category become tags.

Without a column of answers (`response`, `prediction`, ...) the rows are items for `wavjudge run`; with one they are
answers for `wavjudge score`, and their items stand in them.

Not taken over: ratings and labels (no column name says whose they are, and on which scale), audio stored as decoded
samples, columns of any other name; all of them are counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from wavjudge.bench.importers import shards
from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import named, one_text, refuse_without, tags_of
from wavjudge.bench.importers.rows import sound, usable
from wavjudge.bench.importers.shards import Split
from wavjudge.bench.rows import ItemRow, Row
from wavjudge.bench.test_set import Head
from wavjudge.errors import InputError

R = TypeVar("R", bound=ItemRow)
_LICENCE = re.compile(r"^license:\s*([\w.-]+)\s*$", re.MULTILINE)


def read(path: Path) -> Imported:
    """The items, or the answers, of a folder of shards or of one shard."""
    splits = shards.splits(path) if path.exists() else []
    if not splits:
        raise InputError("got no Parquet or Arrow file", where=str(path),
                         todo="name the folder of a downloaded dataset, or one that save_to_disk wrote")  # fmt: skip
    folder, name = (path, path.resolve().name) if path.is_dir() else (path.parent, path.stem)
    imported = Imported(name, folder, head=_head(folder, name))
    tables = [_Table(split, _named(split), len(splits) > 1) for split in splits]
    for table in tables:
        shards.count_unused(table.split, table.named.values(), imported)
    if any("answer_text" in table.named or "answer_audio" in table.named for table in tables):
        imported.rows = (found for table in tables for found in table.rows(_answered, Row, imported))
    else:
        imported.items = (found for table in tables for found in table.rows(_asked, ItemRow, imported))
    return imported


@dataclass(frozen=True, slots=True)
class _Table:
    """A split and its columns that are used, by our names. several: an id may stand in another split too."""

    split: Split
    named: dict[str, str]
    several: bool

    def rows(self, fields: _Fields, kind: type[R], imported: Imported) -> Iterator[tuple[str, R]]:
        for number, where, raw in shards.numbered(self.split, list(self.named.values())):
            yield from usable([(where, raw)], partial(fields, self, number, imported), kind, imported)

    def item_id(self, own: str | None, number: int) -> str:
        if own and not self.several:
            return own
        return "/".join(filter(None, (self.split.prefix, own or f"{number:06}")))

    def tags(self, raw: Mapping[str, Any]) -> tuple[str, ...]:
        place = {"subset": self.split.subset or None, "split": self.split.name or None}
        category = [self.named["tags"]] if "tags" in self.named else []
        return tags_of(place | dict(raw), [*place, *category])


_Fields = Callable[[_Table, int, Imported, Mapping[str, Any]], dict[str, Any]]


def _asked(table: _Table, number: int, imported: Imported, raw: Mapping[str, Any]) -> dict[str, Any]:
    cell = {ours: raw[theirs] for ours, theirs in table.named.items()}
    return {
        "item_id": table.item_id(one_text(cell.get("item_id")), number),
        "question_text": one_text(cell.get("question_text"), "\n"),
        "question_audio": sound(table.named.get("question_audio", ""), cell.get("question_audio"), imported),
        "reference": one_text(cell.get("reference")),
        "language": one_text(cell.get("language")),
        "tags": table.tags(raw),
    }


def _answered(table: _Table, number: int, imported: Imported, raw: Mapping[str, Any]) -> dict[str, Any]:
    cell = {ours: raw[theirs] for ours, theirs in table.named.items()}
    return _asked(table, number, imported, raw) | {
        "candidate": one_text(cell.get("candidate")),
        "text": one_text(cell.get("answer_text")),
        "audio": sound(table.named.get("answer_audio", ""), cell.get("answer_audio"), imported),
    }


def _named(split: Split) -> dict[str, str]:
    seen = shards.columns_of(split)
    found = named(seen)
    if "question_text" not in found:
        refuse_without("question_audio", found, seen, str(split.files[0]))
    return found


def _head(folder: Path, name: str) -> Head:
    """What dataset_info.json and the card (README.md) say of the dataset."""
    infos = (shards.json_file(place / "dataset_info.json") for place in (folder, *sorted(folder.glob("*/"))))
    info = next(filter(None, infos), {})
    card = folder / "README.md"
    said = _LICENCE.search(card.read_text(encoding="utf-8", errors="replace")[:20_000]) if card.is_file() else None
    version = info.get("version")
    return Head(
        name=name,
        licence=one_text(info.get("license")) or (said[1] if said else None),
        source=one_text(info.get("homepage")),
        version=one_text(version.get("version_str") if isinstance(version, dict) else version),
    )
