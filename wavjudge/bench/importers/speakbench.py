"""SpeakBench in AudioJudge's files: the answers of many models to spoken instructions, and which of two was preferred.

A "detailed" CSV (results/speakbench/*/detailed_*.csv) compares each model's answer with that of a baseline. It gives
the answers: `instruction_id` is the item, `model_name` the candidate, `model_audio_path` the recording; the baseline
in `gpt4o_audio_path` is a candidate by the name of its file. Several files of a folder repeat the same answers,
which are taken once. The instruction's recording is not in the files, so the items are texts.

An annotations JSONL (`data_ID`, `model1`, `model2`, `preference`, `timestamp`) gives comparisons by people, whom it
does not tell apart: `model1` or `model2` is better, or `tie`, on the axis `speakbench_overall`. It names no recording,
so it gives nothing else. A preference is no score of one answer; nothing in wavjudge reads them yet.

Not taken over: what a judge preferred (`position1_result`, `position2_result` and their words in a detailed CSV), for
no file at hand shows which words stand there; win rates in a summary. They are counted as unused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import one_text
from wavjudge.bench.importers.preferences import Outcome, People
from wavjudge.bench.importers.rows import BadCell, counted, usable
from wavjudge.bench.importers.sources import again, first_fields, from_above
from wavjudge.bench.raw import raw_rows
from wavjudge.bench.row import ItemRow, Row
from wavjudge.errors import InputError
from wavjudge.types import Comparison, Subject

NEEDED = ("instruction_id", "instruction_text", "model_name", "model_audio_path", "gpt4o_audio_path")
_USED = frozenset(NEEDED)
_VOTED = ("data_ID", "model1", "model2")
_VOTES: Mapping[str, Outcome] = {"model1": "a", "model2": "b", "tie": "tie"}


def read(files: list[Path], root: Path) -> Imported:
    """The items and answers of detailed CSV files."""
    imported = Imported("speakbench", root)
    imported.items = _items(files, imported)
    imported.rows = again(lambda second: _answers(files, second), imported)
    return imported


def annotated(path: Path) -> Imported:
    """The comparisons of an annotations JSONL."""
    seen = first_fields(path)
    if "preference" not in seen:
        raise InputError(f"got the columns {list(seen)}, expected an annotations file of SpeakBench, or a CSV file of "
                         "AudioJudge's results", where=str(path))  # fmt: skip
    imported = Imported("speakbench", path.parent)
    imported.comparisons = _comparisons(path, imported)
    return imported


def _comparisons(path: Path, imported: Imported) -> Iterator[Comparison]:
    people = People("speakbench:people", _VOTES, "preference")
    for where, raw in counted(raw_rows(path), {*_VOTED, "preference", "timestamp"}, imported):
        wrong = [] if isinstance(raw, str) else [name for name in _VOTED if one_text(raw.get(name)) is None]
        if isinstance(raw, str) or wrong:
            why = raw if isinstance(raw, str) else f'field "{wrong[0]}": got nothing, expected a text'
            imported.bad_rows.append(f"{where}, {why}")
            continue
        item, *models = (str(one_text(raw[name])) for name in _VOTED)
        first, second = (Subject(benchmark="speakbench", item_id=item, candidate=model) for model in models)
        yield people.compared(first, second, "speakbench_overall", raw.get("preference"), where, imported,
                              time=_time(raw.get("timestamp")))  # fmt: skip


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


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
        audio = raw["gpt4o_audio_path"] or ""
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
