"""VocalBench (SJTU-OmniAgent): its test sets `json/<set>.json`, and a model's folder `result/<model>/`.

    result/<model>/json/<set>.json        answers, one JSON object a line: question_id, prediction
    result/<model>/json_asr/<set>.json    the same as a list, with what Whisper heard
    result/<model>/result/<set>.json      the same, judged: s2t_score, s2s_score and their explanations
    result/<model>/wav/<set>/<question_id>.wav

`Qid` is the item, `Context` its history, `Answer` the reference (of `knowledge` also a `reference` check,
`contains`, as VocalBench compares it). Answers are joined with the questions in `json/` where that stands three
folders above; their recording is named where the model's folder has a `wav/`, else they are texts. `chat-000` in
results is `single_round-000`.

Judged files give the table `ratings`: axis = name of the set, rater `vocalbench:s2t` (the judge read the model's
text) and `vocalbench:s2s` (it read Whisper's transcript), both of qwen-max-2025-01-25. Scale 1-5; `safety` and
`instruction` 0-1. The axes are VocalBench's rubrics, not this project's. **The score is read off the explanation**:
VocalBench writes 1 where it finds no verdict there, 0 for a call that failed, and 0 for two verdicts on safety that
differ. Such rows are `unparseable` or `failed` here. A row without explanations is believed as far as its score is
on the scale.

Not taken over: `asr_pred`, `prediction_units`, right or wrong on `knowledge` (`s2t_right`; the rater `checks` finds
it), `emotion_acoustic`, UTMOS, emotions and their scores of the questions. There are no labels of people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wavjudge.bench import whereabouts
from wavjudge.bench.benchmark import Head
from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import one_text, refuse_missing, source_files, tags_of
from wavjudge.bench.importers.lookup import Lookup
from wavjudge.bench.importers.rows import BadCell, counted, usable
from wavjudge.bench.importers.sources import first_fields, from_above, heard, objects
from wavjudge.bench.raw import Raw
from wavjudge.bench.row import ItemRow, Row
from wavjudge.errors import InputError
from wavjudge.types import Rating, Scale, Status, Subject

_TAGS = ("Set", "Category", "Sub-category", "Topic", "Level", "Question_emo")
_ITEM = frozenset({"Qid", "Audio", "Question", "Answer", "Context", *_TAGS})
_ANSWER = frozenset({"question_id", "prediction", "answer", "Qid", "Question", "Reference", "Prediction"})
_JUDGED = frozenset({"s2t_score", "s2s_score", "s2t_explain", "s2s_explain"})
_RESULTS = ("json", "json_asr", "result")
_YES = {"safety": ("[Succeed Refusal]", "[Failed Refusal]"), "instruction": ("[Yes]", "[No]")}
_NAME, _JUDGE = "vocalbench", "qwen-max-2025-01-25"


@dataclass(frozen=True, slots=True)
class _Answers:
    """A file of answers: its set, its model's name and folder, the items it answers."""

    path: Path
    items: Lookup

    @property
    def set(self) -> str:
        return self.path.stem

    @property
    def folder(self) -> Path:
        return self.path.resolve().parent.parent

    def audio(self, question_id: str, root: Path) -> str | None:
        wav = self.folder / "wav"
        return from_above(f"wav/{self.set}/{question_id}.wav", self.folder, root) if wav.is_dir() else None


def read(path: Path) -> Imported:
    """The items of a set or of a folder of sets; the answers and ratings of one file or of a model's folder."""
    files = _files(path)
    columns = {file: first_fields(file) for file in files}
    for file, names in columns.items():
        refuse_missing(("question_id",) if "prediction" in names else ("Qid",), list(names), str(file))
    asked = [file for file, names in columns.items() if "Audio" in names]
    judged = [file for file, names in columns.items() if "s2t_score" in names or "s2s_score" in names]
    said = [file for file, names in columns.items() if {"prediction", "Prediction"} & names.keys()]
    if not (asked or said):
        raise InputError(f"got the columns {list(columns[files[0]])}, expected Qid, Audio, Question or question_id, "
                         "prediction", where=str(files[0]))  # fmt: skip
    imported = Imported(
        _NAME, path if path.is_dir() else path.parent, head=Head(name=_NAME, language="en", metrics=("checks",))
    )
    imported.items = _items(asked, imported)
    imported.rows = _rows(_first_of_each(said), imported)
    if judged:
        imported.tables = {"ratings": _ratings(judged, imported)}
    return imported


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise InputError("got no such file or folder", where=str(path), todo="name VocalBench's json/ or result/MODEL/")
    inside = [f"{name}/*.json" for name in _RESULTS] if (path / "json").is_dir() or (path / "result").is_dir() else []
    files = source_files(path, *(inside or ["*.json"]))
    if not files:
        raise InputError("got no .json file", where=str(path), todo="name VocalBench's json/ or result/MODEL/")
    return files


def _first_of_each(files: list[Path]) -> list[Path]:
    """One file a set: the three folders of a model repeat its answers."""
    found: dict[str, Path] = {}
    for file in sorted(files, key=lambda file: (file.parent.name not in _RESULTS, file.parent.name)):
        found.setdefault(file.stem, file)
    return list(found.values())


def _items(files: list[Path], imported: Imported) -> Iterator[tuple[str, ItemRow]]:
    for file in files:
        rows = counted(objects(file), _ITEM | {"question_id"}, imported)
        yield from usable(rows, partial(_asked, file.parent, imported.root), ItemRow, imported)


def _asked(folder: Path, root: Path, raw: Mapping[str, Any]) -> dict[str, Any]:
    if "Qid" not in raw or "Question" not in raw:
        raise BadCell("Qid" if "Qid" not in raw else "Question", "got no such field")
    answer = one_text(raw.get("Answer"))
    known = answer is not None and raw.get("Set") == "Knowledge"
    return {
        "item_id": raw["Qid"], "question_text": raw["Question"], "reference": answer, "tags": tags_of(raw, _TAGS),
        "question_audio": from_above(_text(raw, "Audio"), folder, root),
        "history": _context(raw),
        "checks": [{"kind": "reference", "options": {"answers": [answer], "match": "contains"}}] if known else None,
        "language": "en",
    }  # fmt: skip


def _context(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    turns = raw.get("Context") or []
    fits = isinstance(turns, list) and all(isinstance(one, dict) and {"from", "value"} <= one.keys() for one in turns)
    if not fits:
        raise BadCell("Context", f"got {turns!r:.60}, expected objects with from and value")
    return [{"role": turn["from"], "text": turn["value"]} for turn in turns]


def _rows(files: list[Path], imported: Imported) -> Iterator[tuple[str, Row]]:
    for file in files:
        source = _Answers(file, _questions(file, imported))
        rows = counted(objects(file), _ANSWER | _JUDGED, imported)
        yield from usable(rows, partial(_answer, source, imported.root), Row, imported)


def _questions(file: Path, imported: Imported) -> Lookup:
    """The items of the set that a file of answers belongs to, as JSON by their ids."""
    above = [folder / "json" / file.name for folder in list(file.resolve().parents)[2:4]]
    name = "instruction_following.json" if file.stem == "instruction" else file.name
    found = next((one for place in above if (one := place.with_name(name)).is_file()), None)
    if found is None:
        imported.bad_rows.append(f"{file}: no json/{name} three folders above, so the questions stay unknown")
        return Lookup()
    scratch = Imported(_NAME, imported.root)  # what is wrong with an item is told where items are imported
    items = usable(objects(found), partial(_asked, found.parent, imported.root), ItemRow, scratch)
    lost = 0

    def pairs() -> Iterator[tuple[str, str]]:
        nonlocal lost
        for _, row in items:
            lost += not (row.question_audio and whereabouts.found(imported.root, row.question_audio))
            yield row.item_id, row.model_dump_json(exclude_defaults=True)

    questions = Lookup(pairs())
    if lost:
        imported.bad_rows.append(
            f"{found}: {lost} questions without a recording; answers to them carry their text alone"
        )
    return questions


def _answer(source: _Answers, root: Path, raw: Mapping[str, Any]) -> dict[str, Any]:
    given, said = _id(raw), raw.get("prediction", raw.get("Prediction"))
    if not isinstance(said, str | None):
        raise BadCell("prediction", f"got {type(said).__name__}, expected a text")
    item = source.items.get(_item_id(given))
    asked = json.loads(item) if item else {"question_text": one_text(raw.get("Question"))}
    return heard(asked, root) | {
        "item_id": _item_id(given), "candidate": source.folder.name, "text": one_text(said),
        "audio": source.audio(given, root), "language": "en",
    }  # fmt: skip


def _ratings(files: list[Path], imported: Imported) -> Iterator[Rating]:
    for file in files:
        for where, raw in objects(file):
            try:
                yield from _both(raw, file, where, imported)
            except BadCell as error:
                imported.bad_rows.append(f"{where}, {error}")


def _both(raw: Raw, file: Path, where: str, imported: Imported) -> Iterator[Rating]:
    if isinstance(raw, str):
        problem = f"{where}, {raw}"
        imported.bad_rows += [problem] if problem not in imported.bad_rows else []
        return
    model = file.resolve().parent.parent.name
    subject = Subject(benchmark=_NAME, item_id=_item_id(_id(raw)), candidate=model)
    scale = Scale(low=0, high=1) if file.stem in _YES else Scale(low=1, high=5)
    for side in ("s2t", "s2s"):
        score, status, reason = _verdict(raw, side, file.stem)
        if status != "ok":
            imported.bad_rows.append(f'{where}, field "{side}_score": {reason}; kept as {status}')
        yield Rating(
            subject=subject, axis=file.stem, scale=scale, rater=f"vocalbench:{side}", rater_kind="model", score=score,
            status=status, reason=reason, justification=one_text(raw.get(f"{side}_explain")),
            signature=f"vocalbench:{_JUDGE}|{side}|{file.stem}",
        )  # fmt: skip


def _verdict(raw: Mapping[str, Any], side: str, name: str) -> tuple[float | None, Status, str | None]:
    """What the judge said, not what VocalBench made of it."""
    written, said = raw.get(f"{side}_score"), raw.get(f"{side}_explain")
    if said == "":
        return None, "failed", f"got {written!r} without a word of the judge: the call had failed"
    if said is not None:
        score = _read(str(said), name)
        return (score, "ok", None) if score is not None else (None, "unparseable", f"got {written!r}, but no verdict")
    lowest, highest = (0, 1) if name in _YES else (1, 5)
    if isinstance(written, int | float) and not isinstance(written, bool) and lowest <= written <= highest:
        return float(written), "ok", None
    return None, "unparseable", f"got {written!r}, which is no verdict from {lowest} to {highest}"


def _read(said: str, name: str) -> float | None:
    """The verdict in the judge's words, by the rule of VocalBench's own reader; None where there is none."""
    if name in _YES:
        yes, no = (word in said for word in _YES[name])
        return None if yes == no else float(yes)
    found = re.search(r"\[([0-5])\]", said)
    return float(found[1]) if found and found[1] != "0" else None


def _id(raw: Mapping[str, Any]) -> str:
    found = raw.get("question_id", raw.get("Qid"))
    if not isinstance(found, str) or not found:
        raise BadCell("question_id", f"got {found!r:.40}, expected a text")
    return found


def _item_id(given: str) -> str:
    return f"single_round-{given.removeprefix('chat-')}" if given.startswith("chat-") else given


def _text(raw: Mapping[str, Any], name: str) -> str | None:
    if not isinstance(raw.get(name), str | None):
        raise BadCell(name, f"got {raw[name]!r:.60}, expected a path")
    return raw.get(name)
