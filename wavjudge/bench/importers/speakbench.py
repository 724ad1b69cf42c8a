"""SpeakBench in AudioJudge's files: the answers of many models to spoken instructions, and which of two was preferred.

A "detailed" CSV (results/speakbench/*/detailed_*.csv) compares each model's answer with that of a baseline. It gives
the answers: `instruction_id` is the item, `model_name` the candidate, `model_audio_path` the recording; the baseline
in `gpt4o_audio_path` is a candidate by the name of its file. Several files of a folder repeat the same answers,
which are taken once. The instruction's recording is not in the files, so the items are texts.

An annotations JSONL (`data_ID`, `model1`, `model2`, `preference`, `timestamp`) gives comparisons by people, whom it
does not tell apart: `model1` or `model2` is better, or `tie`, on the axis `speakbench_overall`. It names no recording,
so it gives nothing else. A preference is no score of one answer; nothing in wavjudge reads them yet.

A detailed file also gives comparisons by its judge, rater `audiojudge:MODEL` by the file's name: `position1_result` and
`position2_result` are `win`, `loss` or `tie` of the model against the baseline, heard first and heard second. The axis
is that of the prompt in the file's name: `speakbench_overall` (standard), `_lexical`, `_paralinguistic`,
`_speech_quality`.

Not taken over: win rates in a summary, `position1_prediction` and `position2_prediction`, which say the same by place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import one_text
from wavjudge.bench.importers.rows import BadCell, again, counted, first_fields, from_above, usable
from wavjudge.bench.importers.votes import Outcome, People
from wavjudge.bench.rows import ItemRow, Row
from wavjudge.errors import InputError
from wavjudge.files.tables import raw_rows
from wavjudge.types import Comparison, Subject

NEEDED = ("instruction_id", "instruction_text", "model_name", "model_audio_path", "gpt4o_audio_path")
_USED = frozenset({
    *NEEDED, "position1_result", "position2_result", "position1_reasoning", "position2_reasoning",
})  # fmt: skip
_NAMED = re.compile(
    r"detailed_speakbench_(?P<prompt>.+?)_(?:no_cot|cot)_(?P<how>.+?)_turn_(?P<model>.+?)(?:_\d{8}_\d{6})?"
)
_ORDERS: tuple[tuple[str, Literal["a", "b"]], ...] = (("1", "a"), ("2", "b"))
"""Number of a column, and who was heard first: the model, then the baseline."""
_RESULTS: Mapping[str, Outcome] = {"win": "a", "loss": "b", "tie": "tie"}
_VOTED = ("data_ID", "model1", "model2")
_VOTES: Mapping[str, Outcome] = {"model1": "a", "model2": "b", "tie": "tie"}


def read(files: list[Path], root: Path) -> Imported:
    """The items and answers of detailed CSV files."""
    imported = Imported("speakbench", root)
    imported.items = _items(files, imported)
    imported.rows = again(lambda second: _answers(files, second), imported)
    imported.comparisons = _judged(files, imported)
    return imported


def _judged(files: list[Path], imported: Imported) -> Iterator[Comparison]:
    """What the judge of a detailed file preferred; each pair was heard in both orders."""
    judges: dict[str, People] = {}
    for file in files:
        axis, judge = _judge(file, judges)
        with_itself = 0
        for where, raw in raw_rows(file):
            if isinstance(raw, str) or any(not raw.get(name) for name in NEEDED):
                continue  # told with the answers
            item, names = str(raw["instruction_id"]), (str(raw["model_name"]), _baseline(raw))
            first, second = (Subject(benchmark="speakbench", item_id=item, candidate=name) for name in names)
            if names[0] == names[1]:
                with_itself += 1
                continue
            for place, shown in _ORDERS:
                if said := one_text(raw.get(f"position{place}_result")):
                    why = one_text(raw.get(f"position{place}_reasoning"))
                    yield judge.compared(
                        first, second, axis, said, where, imported, shown_first=shown, justification=why
                    )
        if with_itself:
            imported.bad_rows.append(f"{file}: {with_itself} rows compare the baseline with itself, left out")


def _judge(file: Path, judges: dict[str, People]) -> tuple[str, People]:
    """Axis and judge of a file, by its name; files of the same judge, prompt and shots are repeats."""
    named = _NAMED.fullmatch(file.stem)
    prompt = named["prompt"] if named else "overall"
    bare = re.sub(r"[^a-z0-9_]", "_", prompt.lower())
    axis = "speakbench_overall" if prompt == "standard" else f"speakbench_{bare}"[:40]
    model, how = (named["model"], named["how"]) if named else (file.stem, "not_stated")
    signature = f"audiojudge:{model}|{prompt}|{how}"
    people = People(f"audiojudge:{model}", _RESULTS, "position_result", "model", signature)
    return axis, judges.setdefault(signature, people)


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
        return answer(raw, _baseline(raw), raw["gpt4o_audio_path"] or "")

    def model(raw: Mapping[str, Any]) -> dict[str, Any]:
        return answer(raw, raw["model_name"], raw["model_audio_path"])

    for row in raw_rows(file):
        yield from usable([row], model, Row, imported)
        if not isinstance(row[1], str):
            yield from usable([row], baseline, Row, Imported("", file))  # what is wrong with the row is told already


def _baseline(raw: Mapping[str, Any]) -> str:
    """The baseline's name: that of its file."""
    return PurePosixPath(str(raw["gpt4o_audio_path"] or "").replace("\\", "/")).stem


def _asked(raw: Mapping[str, Any]) -> dict[str, Any]:
    for name in NEEDED:
        if not raw.get(name):
            raise BadCell(name, "got nothing, expected a text")
    return {"item_id": raw["instruction_id"], "question_text": raw["instruction_text"]}
