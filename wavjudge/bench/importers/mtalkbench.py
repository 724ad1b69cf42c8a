"""MTalk-Bench (FreedomIntelligence/MTalk-Bench): dialogues of several turns, answered by several models.

    data/test-00000-of-00001.parquet    items: type, number, turn, source, audio, transcription; a turn a row
    sample.json and its like            items and answers: {"Paralinguistic information": [[turn, ...], ...], ...}
        turn: question (path), question_transcription, dialogue {model: path}, dialogue_transcription {model: text}

An item is a whole dialogue: `para/1-1`, `sem/1-1`, `amb/1-1`, the number read off the path of its first question
(`record_1-1`), else its place in the list. A model that answers no recording to one of the turns has its answers up to
there and the status `no_speech`. The texts of answers are MTalk's transcripts of them.

Not taken over: MTalk's own prompts (`arena_prompt`, `rubric_prompt_*`), counted; and results of its two scripts, which
compare pairs of models or tick criteria: neither is a rating of one answer on a scale.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from wavjudge.bench.importers import shards
from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import one_text, refuse_missing
from wavjudge.bench.importers.rows import BadCell, Unread, again, from_above, sound, up_to_a_break, usable
from wavjudge.bench.rows import ItemRow, Row
from wavjudge.bench.test_set import Head
from wavjudge.errors import InputError
from wavjudge.files.tables import Raw

_KINDS = {"paralinguistic": "para", "semantic": "sem", "ambient": "amb"}
_COLUMNS = ("type", "number", "turn", "source", "audio", "transcription")
_TURN = {"question", "question_transcription", "dialogue", "dialogue_transcription"}
_NUMBER = re.compile(r"record_(\d+-\d+)")
_Group = list[dict[str, Any]]


def read(path: Path) -> Imported:
    """The items of the Parquet files, the items and answers of a JSON file: of a folder of them, or of one file."""
    splits = shards.splits(path) if path.is_dir() or path.suffix == ".parquet" else []
    if not splits and not any(path.glob("*.json")) and (path / "data").is_dir():
        path /= "data"  # the repository's own folder
    written = [path] if path.suffix == ".json" and path.is_file() else sorted(path.glob("*.json"))
    if not splits and not written:
        raise InputError("got neither a Parquet nor a JSON file", where=str(path),
                         todo="name the downloaded folder, or a file like MTalk-Bench's data/sample.json")  # fmt: skip
    for split in splits:
        refuse_missing(_COLUMNS, shards.columns_of(split), str(split.files[0]))
    imported = Imported("mtalkbench", path if path.is_dir() else path.parent)
    imported.head = Head(name="mtalkbench", language="en", source="FreedomIntelligence/MTalk-Bench")
    for split in splits:
        shards.count_unused(split, _COLUMNS, imported)
    if splits:
        imported.items = (row for split in splits for row in _items(split, imported))
        imported.rows = (row for file in written for row in _answers(file, imported))
    else:
        imported.items = (row for file in written for row in _asked(file, imported))
        imported.rows = again(lambda second: (row for file in written for row in _answers(file, second)), imported)
    return imported


def _items(split: shards.Split, imported: Imported) -> Iterator[tuple[str, ItemRow]]:
    """Rows of one dialogue stand together; if they do not, the item stands twice and is told when it is opened."""
    rows = ((where, raw) for _, where, raw in shards.numbered(split, _COLUMNS))
    for _, group in groupby(rows, lambda pair: None if isinstance(pair[1], str) else _dialogue(pair[1])):
        turns = list(group)
        where, first = turns[0]
        if isinstance(first, str):
            yield from usable(turns, dict, ItemRow, imported)
        else:
            yield from usable([(where, first)], partial(_item, [raw for _, raw in turns], imported), ItemRow, imported)


def _dialogue(raw: Mapping[str, Any]) -> tuple[Any, Any]:
    return raw["type"], raw["number"]


def _item(rows: list[Raw], imported: Imported, first: Mapping[str, Any]) -> dict[str, Any]:
    asked = [row for row in rows if not isinstance(row, str) and row["source"] == "question"]
    if others := len(rows) - len(asked):
        imported.unused_fields["rows whose source is no question"] += others
    asked.sort(key=_turn)
    if [_turn(row) for row in asked] != list(range(1, len(asked) + 1)) or not asked:
        raise BadCell("turn", f"got the turns {[row['turn'] for row in asked]}, expected turn1, turn2, ...")
    kind = _kind(str(first["type"]))
    turns = [{"text": one_text(row["transcription"]), "audio": sound("audio", row["audio"], imported)} for row in asked]
    return {
        "item_id": f"{kind}/{first['number']}", "language": "en", "tags": (f"type={kind}",), "turns": turns,
    }  # fmt: skip


def _turn(row: Mapping[str, Any]) -> int:
    found = re.search(r"\d+", str(row["turn"]))
    return int(found[0]) if found else 0


def _kind(name: str) -> str:
    """`Paralinguistic information` and `para` are the same kind."""
    return _KINDS.get(name.split(" ")[0].lower(), name) or "dialogue"


def _groups(file: Path, imported: Imported) -> Iterator[tuple[str, str, str, _Group]]:
    """Place, kind, number and turns of each dialogue of a JSON file; a bad one is told and passed over."""
    counts: dict[str, int] = {}
    for where, key, group in up_to_a_break(file):
        kind = _kind(key)
        counts[kind] = counts.get(kind, 0) + 1
        if isinstance(group, Unread):
            imported.bad_rows.append(f"{where}, {group}")
            continue
        if not isinstance(group, list) or not group or not all(isinstance(turn, dict) for turn in group):
            imported.bad_rows.append(f"{where}, expected a list of turns, got {group!r:.40}")
            continue
        found = _NUMBER.search(str(group[0].get("question")))
        yield where, kind, found[1] if found else f"at-{counts[kind]}", group


def _questions(kind: str, number: str, group: _Group, file: Path, root: Path) -> dict[str, Any]:
    turns = [
        {
            "text": one_text(turn.get("question_transcription")),
            "audio": from_above(_path(turn.get("question"), "question"), file.parent, root),
        }
        for turn in group
    ]
    return {"item_id": f"{kind}/{number}", "turns": turns, "language": "en", "tags": (f"type={kind}",)}


def _path(value: Any, field: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise BadCell(field, f"got {value!r:.40}, expected a path")
    return value


def _asked(file: Path, imported: Imported) -> Iterator[tuple[str, ItemRow]]:
    for where, kind, number, group in _groups(file, imported):
        for turn in group:
            imported.unused_fields.update(turn.keys() - _TURN)
        asked = partial(_question, kind, number, group, file, imported.root)
        yield from usable([(where, {})], asked, ItemRow, imported)


def _question(kind: str, number: str, group: _Group, file: Path, root: Path, _: Mapping[str, Any]) -> dict[str, Any]:
    return _questions(kind, number, group, file, root)


def _answers(file: Path, imported: Imported) -> Iterator[tuple[str, Row]]:
    for where, kind, number, group in _groups(file, imported):
        fields = partial(_answer, kind, number, group, file, imported.root)
        models = dict.fromkeys(name for turn in group for name in _table(turn, "dialogue"))
        yield from usable([(f"{where}, {name}", {"model": name}) for name in models], fields, Row, imported)


def _answer(kind: str, number: str, group: _Group, file: Path, root: Path, raw: Mapping[str, Any]) -> dict[str, Any]:
    answers: list[dict[str, Any]] = []
    row = _questions(kind, number, group, file, root) | {"candidate": raw["model"], "answers": answers}
    for at, turn in enumerate(group, 1):
        name = _path(_table(turn, "dialogue").get(raw["model"]), "dialogue")
        if not name:
            return row | {"status": "no_speech", "reason": f"the file names no recording of the answer to turn {at}"}
        text = one_text(_table(turn, "dialogue_transcription").get(raw["model"]))
        answers.append({"text": text, "audio": from_above(name, file.parent, root)})
    return row


def _table(turn: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = turn.get(name)
    return found if isinstance(found, dict) else {}
