"""Anybody's table: JSONL, CSV or Parquet whose columns are found by the names that the field uses (`columns.ALIASES`).

With a column of answers (`response`, `prediction`, `response_audio_path`, ...) the rows are answers, without one
they are items. `--columns ours=theirs` names a column whose name is not on the list, or means something else there:
`audio` is taken for the question's, and `--columns answer_audio=audio` makes it the answer's. The other fields of a
row (`attempt`, `history`, `turns`, `answers`, `checks`, `status`, `reason`, `seconds_taken`, `benchmark`) are found
under their own names. A list of references becomes a `reference` check. Recordings may be paths, or bytes in a
Parquet column.

An item id is needed: a position in a file would name other items in the next file. Where no column names the
candidate, it is called like the file. Not taken over: every other column (counted), scores of judges and labels of
people: no name of a column says on which scale they are. A file of `wavjudge export`'s columns needs no import.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import ALIASES, named, one_text, refuse_without, tags_of
from wavjudge.bench.importers.rows import BadCell, counted, sound
from wavjudge.bench.rows import ItemRow, Row, validated
from wavjudge.errors import InputError
from wavjudge.files.tables import TABLES, raw_rows
from wavjudge.internal import ends_the_run, noted

R = TypeVar("R", bound=ItemRow)
_FIELD = re.compile(r'^field "(\w+)')
_ITEM = ("history", "turns", "checks", "benchmark")
_ANSWER = ("answers", "attempt", "status", "reason", "seconds_taken")
OURS = (*ALIASES, *_ITEM, *_ANSWER)


def read(path: Path, chosen: Mapping[str, str] | None = None) -> Imported:
    """The items or the answers of a table. chosen: columns by our names, before those that are found."""
    if not path.is_file() or path.suffix.lower() not in TABLES:
        raise InputError("got no table", where=str(path), todo=f"name a file: {', '.join(sorted(TABLES))}")
    columns = _columns(path)
    found = _found(columns, dict(chosen or {}), str(path))
    refuse_without("item_id", found, columns, str(path))
    imported = Imported(path.stem, path.parent)
    if {"answer_text", "answer_audio", "answers"} & found.keys():
        imported.rows = _rows(path, found, partial(_answer, found, path.stem, imported), Row, imported)
    else:
        if "question_text" not in found and "turns" not in found:
            refuse_without("question_audio", found, columns, str(path))
        imported.items = _rows(path, found, partial(_asked, found, imported), ItemRow, imported)
    return imported


def _columns(path: Path) -> list[str]:
    """Every column of the file. Rows of JSONL need not have the same ones; other tables have a header."""
    seen: dict[str, None] = {}
    for _, raw in raw_rows(path):
        seen.update(dict.fromkeys(raw if not isinstance(raw, str) else ()))
        if path.suffix.lower() in (".csv", ".tsv", ".parquet") and seen:
            break
    return [name for name in seen if isinstance(name, str)]


def _found(columns: list[str], chosen: dict[str, str], where: str) -> dict[str, str]:
    if unknown := [name for name in chosen if name not in OURS]:
        raise InputError(f"got --columns {unknown[0]}=..., expected one of {', '.join(OURS)}")
    if missing := [name for name in chosen.values() if name not in columns]:
        raise InputError(f"got no column {missing[0]!r}, but {', '.join(map(repr, columns))}", where=where)
    others = [name for name in columns if name not in chosen.values()]
    own = {name: name for name in (*_ITEM, *_ANSWER) if name in others}
    free = {ours: theirs for ours, theirs in ALIASES.items() if ours not in chosen}
    return named([name for name in others if name not in own], free) | own | chosen


def _rows(
    path: Path, found: Mapping[str, str], fields: Callable[[Mapping[str, Any]], dict[str, Any]], kind: type[R],
    imported: Imported,
) -> Iterator[tuple[str, R]]:  # fmt: skip
    """The usable rows; what is wrong with one is said by the file's own names of columns."""
    for where, raw in counted(raw_rows(path), found.values(), imported):
        try:
            row = raw if isinstance(raw, str) else validated(fields(raw), kind)
        except BadCell as error:
            problem = str(error)
        except Exception as error:  # whatever a row holds, the others are read
            if ends_the_run(error):
                raise
            problem = noted(error)
        else:
            if not isinstance(row, str):
                yield where, row
                continue
            problem = _FIELD.sub(lambda name: f'field "{_theirs(name[1], found)}', row, 1)
        imported.sounds.clear()
        imported.bad_rows.append(f"{where}, {problem}")


def _theirs(name: str, found: Mapping[str, str]) -> str:
    return found.get({"text": "answer_text", "audio": "answer_audio"}.get(name, name), name)


def _asked(found: Mapping[str, str], imported: Imported, raw: Mapping[str, Any]) -> dict[str, Any]:
    cell = {ours: raw.get(theirs) for ours, theirs in found.items()}
    tags, checks = _tags(found, raw), _references(cell)
    return {name: cell.get(name) for name in ("item_id", "question_text", "language", *_ITEM)} | {
        "question_audio": sound(found.get("question_audio", ""), cell.get("question_audio"), imported),
        "reference": one_text(cell.get("reference")), "tags": tags, **({"checks": checks} if checks else {}),
    }  # fmt: skip


def _answer(found: Mapping[str, str], name: str, imported: Imported, raw: Mapping[str, Any]) -> dict[str, Any]:
    cell = {ours: raw.get(theirs) for ours, theirs in found.items()}
    return _asked(found, imported, raw) | {name: cell.get(name) for name in _ANSWER} | {
        "candidate": one_text(cell.get("candidate")) or name, "text": cell.get("answer_text"),
        "audio": sound(found.get("answer_audio", ""), cell.get("answer_audio"), imported),
    }  # fmt: skip


def _tags(found: Mapping[str, str], raw: Mapping[str, Any]) -> Any:
    """The cell of a column `tags` as it is; that of another one with the column's name before it."""
    name = found.get("tags")
    return raw.get("tags") if name == "tags" else tags_of(raw, [name] if name else [])


def _references(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    several = cell.get("reference")
    answers = [text for text in map(one_text, several) if text] if isinstance(several, list) else []
    own = cell.get("checks")
    return [] if own or not answers else [{"kind": "reference", "options": {"answers": answers}}]
