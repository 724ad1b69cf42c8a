"""AudioJudge (Woodygan/AudioJudge) result files: scores and preferences of a judge beside those of people.

SpeakBench's "detailed" files are told by their columns and read by `speakbench`; here it is about the others.

A row holds two recordings. The item comes from the path: `.../somos_audio/5/audio_a.wav` of dataset `somos` is item
`somos/5`. The candidate is `model_a` or `model_b` where the row says it (the first or the second recording), or
`datasets/DATASET_dataset.json` in a folder above. Else it is `not_stated`, and the two recordings are its attempts 0
(`audio_a`) and 1: `audio_a` of one item and of another are different systems. The axis is what the data set asks:
`naturalness` (somos, thaimos), `speech_quality` (tmhintq), `speakbench_overall`, `audiojudge_speed`, ...

**Pointwise** (`score1`, `score2`): tables `ratings` (the judge, 1-5) and `labels` (rater `people_mean`, the published
mean over an unknown number of people). **Pairwise** (`prediction`): comparisons by the judge, and by
`audiojudge:people` from `ground_truth` (`audiojudge:constructed` where the difference was made, in `speed`), which
the files of one data set repeat and which are taken once; a data set heard in the other order (`_BA`,
`results_swapped`) gives the judge's alone.

Not taken over: `True` and `False` of `speaker` and `pronunciation` (same or not: neither is better), `ground_truth` and
`prediction` of pointwise files, which the scores say already, `correct`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from itertools import chain
from pathlib import Path, PurePosixPath

from wavjudge.bench.importers import speakbench
from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import refuse_missing
from wavjudge.bench.importers.rows import linked_folders, objects
from wavjudge.bench.importers.votes import Outcome, People
from wavjudge.errors import InputError
from wavjudge.files import spreadsheet
from wavjudge.files.tables import raw_rows
from wavjudge.types import Comparison, Rating, Scale, Status, Subject

SCALE = Scale(low=1, high=5)
_AXES = {"somos": "naturalness", "thaimos": "naturalness", "tmhintq": "speech_quality",
         "speakbench508": "speakbench_overall", "speakbench": "speakbench_overall"}  # fmt: skip
_USED = frozenset({
    "audio1_path", "audio2_path", "score1", "score2", "reasoning1", "reasoning2", "prompt_type", "dataset_name",
    "n_shots", "transcript_type", "aggregate_fewshot", "groundtruth1", "groundtruth2", "model_a", "model_b",
})  # fmt: skip
_PATHS = ("audio1_path", "audio2_path")
_NEEDED = (*_PATHS, "score1", "score2", "dataset_name")
_PAIRED = (*_PATHS, "ground_truth", "prediction", "dataset_name")
_PAIRS_USED = _USED | {"ground_truth", "prediction", "reasoning", "concat_fewshot", "concat_test", "two_turns"}
_HOW = ("prompt_type", "n_shots", "transcript_type", "concat_fewshot", "concat_test", "two_turns", "aggregate_fewshot")
_MODEL = re.compile(r"fewshot_(?:aggregate|separate)_(.+)$")
_PAIR_MODEL = re.compile(r"(?:test|fewshot)_(?:separate|concat|aggregate)_(?!test_)(.+)$")
_VOTES: Mapping[str, Outcome] = {"1": "a", "2": "b", "tie": "tie"}


def read(path: Path) -> Imported:
    """What one CSV file holds, or all CSV files of a folder; summaries among them are named and passed over."""
    if path.suffix.lower() in (".jsonl", ".json") and path.is_file():
        return speakbench.annotated(path)
    files = _files(path) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise InputError("got no CSV file", where=str(path), todo="name a file of AudioJudge's results_pointwise")
    kinds = {file: _kind(_columns(file)) for file in files}
    of = {kind: [file for file in files if kinds[file] == kind] for kind in ("detailed", "pairwise", "pointwise")}
    root = path if path.is_dir() else path.parent
    imported = speakbench.read(of["detailed"], root) if of["detailed"] else Imported("audiojudge", root)
    imported.bad_rows += [] if any(file.parent == root for file in files) else linked_folders(root)
    if of["pointwise"] or not (of["detailed"] or of["pairwise"]):
        scored = of["pointwise"] or files  # of no kind: says which columns are missing
        imported.tables = {"ratings": _ratings(scored, imported), "labels": _labels(scored, imported)}
    if of["pairwise"]:
        imported.comparisons = chain(imported.comparisons, _comparisons(of["pairwise"], imported))
    if any(of.values()):
        others = (file for file in files if kinds[file] is None)
        imported.bad_rows += [f"{file}: no result file of AudioJudge, passed over" for file in others]
    return imported


def _files(folder: Path) -> list[Path]:
    """The CSV files of a folder, or below it; not the sums that AudioJudge makes of the others."""
    below = (file for file in folder.rglob("*.csv") if "combined_results" not in file.relative_to(folder).parts)
    return sorted(folder.glob("*.csv")) or sorted(below)


def _kind(columns: Iterable[str]) -> str | None:
    needed = {"detailed": speakbench.NEEDED, "pointwise": _NEEDED, "pairwise": _PAIRED}
    return next((kind for kind, names in needed.items() if set(names) <= set(columns)), None)


def _columns(file: Path) -> list[str]:
    with spreadsheet.opened(file) as records:
        return records.header


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


def _comparisons(files: list[Path], imported: Imported) -> Iterator[Comparison]:
    seen: set[tuple[Subject, Subject]] = set()
    for file in files:
        swapped = "swapped" in str(file) or file.stem.split("_")[1:2] == ["BA"]
        judge, unlike = _pair_judge(file), 0
        for where, row in _rows(file, imported, _PAIRED, _PAIRS_USED):
            if row["ground_truth"] in ("True", "False"):
                unlike += 1
                continue
            first, second = (_subject(row, side, file) for side in ("1", "2"))
            axis = _axis(row["dataset_name"])
            yield judge(row).compared(first, second, axis, row["prediction"], where, imported, shown_first="a",
                                      justification=row.get("reasoning") or None)  # fmt: skip
            if not swapped and (first, second) not in seen:
                seen.add((first, second))
                made = row["dataset_name"] == "speed"
                people = People("audiojudge:constructed" if made else "audiojudge:people", _VOTES, "ground_truth",
                                "constructed" if made else "person")  # fmt: skip
                yield people.compared(first, second, axis, row["ground_truth"], where, imported)
        if unlike:
            imported.bad_rows.append(f"{file}: {unlike} rows say whether two recordings are alike, not which is better")


def _pair_judge(file: Path) -> Callable[[Mapping[str, str]], People]:
    model = found.group(1) if (found := _PAIR_MODEL.search(file.stem)) else file.stem
    judges: dict[str, People] = {}

    def judge(row: Mapping[str, str]) -> People:
        how = (f"{name}:{row[name]}" for name in _HOW if row.get(name))
        signature = "|".join((f"audiojudge:{model}", *how))
        return judges.setdefault(signature, People(f"audiojudge:{model}", _VOTES, "prediction", "model", signature))

    return judge


def _axis(dataset: str) -> str:
    bare = re.sub(r"[^a-z0-9_]", "_", dataset.lower().removesuffix("_ba"))
    return _AXES.get(bare, f"audiojudge_{bare}"[:40])  # an axis has a short name


def _subject(row: Mapping[str, str], side: str, file: Path) -> Subject:
    path = PurePosixPath(row[f"audio{side}_path"].replace("\\", "/"))
    dataset, item = row["dataset_name"].removesuffix("_BA"), path.parent.name
    own = row.get({"1": "model_a", "2": "model_b"}[side]) or _models(file.resolve().parent, dataset).get(
        (item, path.stem)
    )
    names = ("audio_a", "audio_b")
    if own is None and path.stem not in names:  # the file is called like whoever speaks in it
        return Subject(benchmark=dataset, item_id=f"{dataset}/{item}", candidate=path.stem)
    attempt = 0 if own else names.index(path.stem)
    return Subject(benchmark=dataset, item_id=f"{dataset}/{item}", candidate=own or "not_stated", attempt=attempt)


@lru_cache(maxsize=8)
def _models(folder: Path, dataset: str) -> dict[tuple[str, str], str]:
    """Which model speaks in a recording, by item and name, where the data set itself lies in a folder above."""
    places = (above / "datasets" / f"{dataset}_dataset.json" for above in (folder, *folder.parents[:5]))
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        return {}
    found: dict[tuple[str, str], str] = {}
    for _, raw in objects(file):
        for side, name in (("1", "a"), ("2", "b")):
            if not isinstance(raw, str) and raw.get(f"model_{name}") and isinstance(raw.get(f"audio{side}_path"), str):
                path = PurePosixPath(raw[f"audio{side}_path"].replace("\\", "/"))
                found[path.parent.name, path.stem] = str(raw[f"model_{name}"])
    return found


def _rows(
    file: Path, imported: Imported, needed: Sequence[str] = _NEEDED, used: Set[str] = _USED
) -> Iterator[tuple[str, Mapping[str, str]]]:
    columns = _columns(file)
    refuse_missing(needed, columns, str(file))
    for where, raw in raw_rows(file):
        imported.unused_fields.update(set() if isinstance(raw, str) else raw.keys() - used)
        lacking = [] if isinstance(raw, str) else [name for name in ("dataset_name", *_PATHS) if not raw[name]]
        if isinstance(raw, str) or lacking:
            why = raw if isinstance(raw, str) else f'field "{lacking[0]}": got nothing, expected a text'
            imported.bad_rows.append(f"{where}, {why}")
        else:
            yield where, raw


def _rating(
    row: Mapping[str, str], side: str, field: str, rater: str, signature: str, where: str, imported: Imported
) -> Rating:
    subject = _subject(row, side, Path(where.rpartition(", ")[0]))
    score, status, reason = _score(row[field] or "", f'{where}, field "{field}"', imported)
    people = rater == "people_mean"
    return Rating(
        subject=subject, axis=_axis(row["dataset_name"]), scale=SCALE, rater=rater,
        rater_kind="person" if people else "model", score=score,
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
