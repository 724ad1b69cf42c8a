"""AudioJudge (Woodygan/AudioJudge) result files: a judge's scores beside people's mean opinion, and SpeakBench.

SpeakBench's "detailed" files are told by their columns and read by `speakbench`; here it is about the pointwise ones.

A row holds two recordings. Item and candidate come from the path: `.../somos_audio/5/audio_a.wav` of dataset `somos` is
item `somos/5`, candidate `audio_a`. The axis is `naturalness`, 1-5, for both: the data sets ask people how natural
speech sounds, which is not this project's `acoustic`. Gives two tables: ratings (the judge) and labels (rater
`people_mean`, the published mean over an unknown number of people). Not taken over: `ground_truth`, `prediction` and
`correct`, which say what of two is better, and `instruction_id`; they are counted as unused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from wavjudge import spreadsheet
from wavjudge.bench.importers import speakbench
from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import refuse_missing
from wavjudge.bench.raw import raw_rows
from wavjudge.errors import InputError
from wavjudge.types import Rating, Scale, Status, Subject

AXIS, SCALE = "naturalness", Scale(low=1, high=5)
_USED = frozenset({
    "audio1_path", "audio2_path", "score1", "score2", "reasoning1", "reasoning2", "prompt_type", "dataset_name",
    "n_shots", "transcript_type", "aggregate_fewshot", "groundtruth1", "groundtruth2",
})  # fmt: skip
_PATHS = ("audio1_path", "audio2_path")
_NEEDED = (*_PATHS, "score1", "score2", "dataset_name")
_MODEL = re.compile(r"fewshot_(?:aggregate|separate)_(.+)$")


def read(path: Path) -> Imported:
    """What one CSV file holds, or all CSV files of a folder; summaries among them are named and passed over."""
    if path.suffix.lower() in (".jsonl", ".json") and path.is_file():
        return speakbench.annotated(path)
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise InputError("got no CSV file", where=str(path), todo="name a file of AudioJudge's results_pointwise")
    detailed = [file for file in files if set(speakbench.NEEDED) <= set(_columns(file))]
    if not detailed:
        return _pointwise(files, path)
    imported = speakbench.read(detailed, path if path.is_dir() else path.parent)
    others = (file for file in files if file not in detailed)
    imported.bad_rows += [f"{file}: no detailed file of SpeakBench, passed over" for file in others]
    return imported


def _columns(file: Path) -> list[str]:
    with spreadsheet.opened(file) as records:
        return records.header


def _pointwise(files: list[Path], path: Path) -> Imported:
    imported = Imported("audiojudge", path, iter(()))
    imported.tables = {"ratings": _ratings(files, imported), "labels": _labels(files, imported)}
    return imported


def _ratings(files: list[Path], imported: Imported) -> Iterator[Rating]:
    for file in files:
        model = found.group(1) if (found := _MODEL.search(file.stem)) else file.stem
        for where, row in _rows(file, imported):
            shown = "aggregate" if row.get("aggregate_fewshot") == "True" else "separate"
            fields = (
                row.get("prompt_type"),
                f"shots:{row.get('n_shots')}",
                f"transcript:{row.get('transcript_type')}",
                shown,
            )
            signature = "|".join((f"audiojudge:{model}", *map(str, fields)))
            for side in ("1", "2"):
                yield _rating(row, side, f"score{side}", f"audiojudge:{model}", signature, where, imported)


def _labels(files: list[Path], imported: Imported) -> Iterator[Rating]:
    """Each recording's label once: the files of one data set repeat them."""
    seen: dict[Subject, float | None] = {}
    for file in files:
        for where, row in _rows(file, Imported("", file, iter(()))):
            for side in ("1", "2"):
                if not row.get(f"groundtruth{side}"):
                    continue
                label = _rating(row, side, f"groundtruth{side}", "people_mean", "people_mean", where, imported)
                if label.subject not in seen:
                    seen[label.subject] = label.score
                    yield label
                elif seen[label.subject] != label.score:
                    imported.bad_rows.append(
                        f"{where}: another label for {label.subject.item_id} than before; left out"
                    )


def _rows(file: Path, imported: Imported) -> Iterator[tuple[str, Mapping[str, str]]]:
    columns = _columns(file)
    refuse_missing(_NEEDED, columns, str(file))
    for where, raw in raw_rows(file):
        imported.unused_fields.update(set() if isinstance(raw, str) else raw.keys() - _USED)
        lacking = [] if isinstance(raw, str) else [name for name in ("dataset_name", *_PATHS) if not raw[name]]
        if isinstance(raw, str) or lacking:
            why = raw if isinstance(raw, str) else f'field "{lacking[0]}": got nothing, expected a text'
            imported.bad_rows.append(f"{where}, {why}")
        else:
            yield where, raw


def _rating(
    row: Mapping[str, str], side: str, field: str, rater: str, signature: str, where: str, imported: Imported
) -> Rating:
    path = PurePosixPath(row[f"audio{side}_path"])
    dataset = row["dataset_name"]
    subject = Subject(benchmark=dataset, item_id=f"{dataset}/{path.parent.name}", candidate=path.stem)
    score, status, reason = _score(row[field] or "", f'{where}, field "{field}"', imported)
    people = rater == "people_mean"
    return Rating(
        subject=subject, axis=AXIS, scale=SCALE, rater=rater, rater_kind="person" if people else "model", score=score,
        status=status, reason=reason, justification=None if people else row.get(f"reasoning{side}") or None,
        signature=signature,
    )  # fmt: skip


def _score(text: str, where: str, imported: Imported) -> tuple[float | None, Status, str | None]:
    try:
        score = float(text)
    except ValueError:
        score = float("nan")
    if SCALE.holds(score) and score == score:
        return score, "ok", None
    imported.bad_rows.append(f"{where}: got {text!r}, expected a number from 1 to 5; kept as unparseable")
    return None, "unparseable", f"got {text!r}, which is no score from 1 to 5"
