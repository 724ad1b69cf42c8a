"""SpeakBench in AudioJudge's files: the answers of many models to spoken instructions, and which of two was preferred.

A "detailed" CSV (results/speakbench/*/detailed_*.csv) compares each model's answer with that of a baseline. It gives
the answers: `instruction_id` is the item, `model_name` the candidate, `model_audio_path` the recording; the baseline
in `gpt4o_audio_path` is a candidate by the name of its file. Several files of a folder repeat the same answers,
which are taken once. The instruction's recording is not in the files, so the items are texts.

Not taken over: every preference. `position1_result`, `position2_result` and their words in a detailed CSV,
`preference` in an annotations JSONL, win rates in a summary. They compare two answers and are no score of one;
nothing in wavjudge reads preferences yet. They are counted as unused. An annotations file names no recording and no
answer, so it gives nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.rows import BadCell, counted, usable
from wavjudge.bench.importers.sources import again, from_above
from wavjudge.bench.raw import raw_rows
from wavjudge.bench.row import ItemRow, Row
from wavjudge.errors import InputError

NEEDED = ("instruction_id", "instruction_text", "model_name", "model_audio_path", "gpt4o_audio_path")
_USED = frozenset(NEEDED)


def read(files: list[Path], root: Path) -> Imported:
    """The items and answers of detailed CSV files."""
    imported = Imported("speakbench", root)
    imported.items = _items(files, imported)
    imported.rows = again(lambda second: _answers(files, second), imported)
    return imported


def refuse_annotations(path: Path) -> None:
    """An annotations JSONL holds preferences alone. Raises `InputError` that says so and how many there are."""
    rows = [raw for _, raw in raw_rows(path) if not isinstance(raw, str)]
    votes = sum("preference" in raw for raw in rows)
    seen = sorted({name for raw in rows for name in raw})
    if not votes:
        raise InputError(f"got the columns {seen}, expected a CSV file of AudioJudge's results", where=str(path))
    raise InputError(f"got {votes} preferences and no answer: wavjudge reads no preferences yet", where=str(path),
                     todo="name a detailed CSV file for SpeakBench's answers")  # fmt: skip


def _items(files: list[Path], imported: Imported) -> Iterator[tuple[str, ItemRow]]:
    seen: set[str] = set()
    for file in files:
        rows = counted(raw_rows(file), _USED, imported)
        for where, row in usable(rows, _asked, ItemRow, imported):
            if row.item_id not in seen:
                seen.add(row.item_id)
                yield where, row


def _answers(files: list[Path], imported: Imported) -> Iterator[tuple[str, Row]]:
    seen: dict[tuple[str, str], str | None] = {}
    for where, row in (found for file in files for found in _of(file, imported)):
        key = (row.item_id, row.candidate)
        if key not in seen:
            seen[key] = row.audio
            yield where, row
        elif seen[key] != row.audio:
            imported.bad_rows.append(f"{where}: another recording for {key} than before, {row.audio}; left out")


def _of(file: Path, imported: Imported) -> Iterator[tuple[str, Row]]:
    def answer(raw: Mapping[str, Any], candidate: str | None, audio: str) -> dict[str, Any]:
        found = from_above(audio, file.parent, imported.root)
        return {**_asked(raw), "candidate": candidate, "audio": found}

    def baseline(raw: Mapping[str, Any]) -> dict[str, Any]:
        audio = raw["gpt4o_audio_path"]
        return answer(raw, PurePosixPath(audio.replace("\\", "/")).stem, audio)

    def model(raw: Mapping[str, Any]) -> dict[str, Any]:
        return answer(raw, raw["model_name"], raw["model_audio_path"])

    for row in raw_rows(file):
        yield from usable([row], model, Row, imported)
        if not isinstance(row[1], str):
            yield from usable([row], baseline, Row, Imported("", file))  # what is wrong with the row is told already


def _asked(raw: Mapping[str, Any]) -> dict[str, Any]:
    for name in NEEDED:
        if not raw.get(name):
            raise BadCell(name, "got nothing, expected a text")
    return {"item_id": raw["instruction_id"], "question_text": raw["instruction_text"]}
