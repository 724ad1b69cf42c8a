"""VocalBench (SJTU-OmniAgent): its test sets `json/<set>.json`, and a model's folder `result/<model>/`.

    result/<model>/json/<set>.json        answers, one JSON object a line: question_id, prediction
    result/<model>/json_asr/<set>.json    the same as a list, with what Whisper heard
    result/<model>/result/<set>.json      the same, judged: s2t_score, s2s_score and their explanations
    result/<model>/wav/<set>/<question_id>.wav
    model_output/<model>/...              the same of VocalBench-zh: Qid, Response; wav/<Qid>.wav

`Qid` is the item, `Context` its history, `Answer` the reference (of `knowledge` also a `reference` check,
`contains`: words side by side, where VocalBench finds characters inside of other words too). Answers are joined
with the questions in `json/` where that stands three folders above. They are taken for recordings where half of
them or more lie in the model's `wav/`, else for texts: of its own results VocalBench publishes one recording.
`chat-000` in results is `single_round-000`. What asks in Chinese is the test set `vocalbench-zh`, language `zh`; of
its judged files the scores are not taken over.

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

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wavjudge.bench import paths
from wavjudge.bench.importers.base import Imported, Lookup
from wavjudge.bench.importers.columns import one_text, refuse_missing, source_files, tags_of
from wavjudge.bench.importers.rows import BadCell, counted, first_fields, from_above, heard, objects, usable
from wavjudge.bench.rows import ItemRow, Row
from wavjudge.bench.test_set import Head
from wavjudge.errors import InputError
from wavjudge.files.tables import Raw
from wavjudge.types import Rating, Scale, Status, Subject

_TAGS = ("Set", "Category", "Sub-category", "Topic", "Level", "Question_emo")
_ITEM = frozenset({"Qid", "Audio", "Question", "Answer", "Context", "Answer_zh", "Answer_en", *_TAGS})
_ANSWER = frozenset({
    "question_id", "prediction", "answer", "Qid", "Question", "Reference", "Prediction", "Response",
})  # fmt: skip
_JUDGED = frozenset({"s2t_score", "s2s_score", "s2t_explain", "s2s_explain"})
_KNOWLEDGE = frozenset({
    "Knowledge", "Chinese Knowledge", "Foreign Knowledge", "General Knowledge", "Code-Switching Knowledge",
    "Code-Switching Knowledge (en)",
})  # fmt: skip
_RESULTS = ("json", "json_asr", "result")
_YES = {"safety": ("[Succeed Refusal]", "[Failed Refusal]"), "instruction": ("[Yes]", "[No]")}
_NAME, _CHINESE, _JUDGE = "vocalbench", "vocalbench-zh", "qwen-max-2025-01-25"
_HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class _Answers:
    """A file of answers: its set, its model's name and folder, the items it answers."""

    path: Path
    items: Lookup
    spoken: bool

    @property
    def set(self) -> str:
        return self.path.stem

    @property
    def folder(self) -> Path:
        return self.path.resolve().parent.parent

    def audio(self, question_id: str, root: Path) -> str | None:
        name = _recording(self.folder, self.set, question_id)
        return from_above(name, self.folder, root) if self.spoken else None


def read(path: Path) -> Imported:
    """The items of a set or of a folder of sets; the answers and ratings of one file or of a model's folder."""
    files = _files(path)
    columns = {file: first_fields(file) for file in files}
    for file, names in columns.items():
        refuse_missing(("question_id",) if "prediction" in names else ("Qid",), list(names), str(file))
    asked = [file for file, names in columns.items() if "Audio" in names]
    judged = [file for file, names in columns.items() if "s2t_score" in names or "s2s_score" in names]
    said = [file for file, names in columns.items() if {"prediction", "Prediction", "Response"} & names.keys()]
    if not (asked or said):
        raise InputError(f"got the columns {list(columns[files[0]])}, expected Qid, Audio, Question or question_id, "
                         "prediction", where=str(files[0]))  # fmt: skip
    name, language = _test_set(columns.values())
    imported = Imported(name, path if path.is_dir() else path.parent, shipped=_NAME)
    imported.head = Head(name=name, language=language, metrics=("checks",))
    imported.items = _items(asked, imported)
    imported.rows = _rows(_first_of_each(said), imported)
    if judged:
        imported.tables = {"ratings": _ratings(judged, imported)}
    return imported


def _test_set(columns: Iterable[Mapping[str, object]]) -> tuple[str, str]:
    """VocalBench or VocalBench-zh, by the script of what is asked, or said; their items share their ids."""
    texts = [names.get(name) for names in columns for name in ("Question", "Response", "prediction", "Prediction")]
    chinese = sum(_language(text) == "zh" for text in texts if text)
    return (_CHINESE, "zh") if 2 * chinese > sum(map(bool, texts)) else (_NAME, "en")


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
    answers = [text for name in ("Answer", "Answer_zh", "Answer_en") if (text := one_text(raw.get(name)))]
    answer = answers[0] if answers else None
    known = answer is not None and str(raw.get("Set")) in _KNOWLEDGE
    return {
        "item_id": _own_id(raw), "question_text": raw["Question"], "reference": answer, "tags": tags_of(raw, _TAGS),
        "question_audio": from_above(_text(raw, "Audio"), folder, root),
        "history": _context(raw),
        "checks": [{"kind": "reference", "options": {"answers": answers, "match": "contains"}}] if known else None,
        "language": _language(raw["Question"]),
    }  # fmt: skip


def _language(text: Any) -> str:
    """VocalBench-zh asks in Chinese, with English words in some of its questions."""
    return "zh" if isinstance(text, str) and _HAN.search(text) else "en"


def _context(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    turns: Any = raw.get("Context") or []
    if isinstance(turns, str):  # VocalBench-zh writes a list as Python shows it
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            turns = ast.literal_eval(turns)
    fits = isinstance(turns, list) and all(isinstance(one, dict) and {"from", "value"} <= one.keys() for one in turns)
    if not fits:
        raise BadCell("Context", f"got {turns!r:.60}, expected objects with from and value")
    return [{"role": turn["from"], "text": turn["value"]} for turn in turns]


def _rows(files: list[Path], imported: Imported) -> Iterator[tuple[str, Row]]:
    spoken = _spoken(files, imported)
    for file in files:
        source = _Answers(file, _questions(file, imported), spoken)
        rows = counted(objects(file), _ANSWER | _JUDGED, imported)
        yield from usable(rows, partial(_answer, source, imported.root), Row, imported)


def _recording(model: Path, set_: str, question_id: str) -> str:
    """Where the recording of an answer lies: in the folder of its set, or (VocalBench-zh) in `wav/` itself."""
    bare = f"wav/{question_id}.wav"
    return bare if (model / bare).is_file() else f"wav/{set_}/{question_id}.wav"


def _spoken(files: list[Path], imported: Imported) -> bool:
    """Whether the answers of a model are taken for recordings: where half of them or more lie there.

    VocalBench publishes the texts of all answers and a recording or two. Rows that named the others would name what
    nobody has.
    """
    there = [_is_there(file, raw) for file in files for _, raw in objects(file) if not isinstance(raw, str)]
    if any(there) and 2 * sum(there) < len(there):
        found = f"{sum(there)} of {len(there)} answers lie in wav/"
        imported.bad_rows.append(f"{files[0].parent}: {found}; all are imported as texts. Put the others there")
    return 2 * sum(there) >= len(there) > 0


def _is_there(file: Path, raw: Mapping[str, Any]) -> bool:
    folder, given = file.resolve().parent.parent, str(raw.get("question_id", raw.get("Qid")))
    return (folder / _recording(folder, file.stem, given)).is_file()


def _questions(file: Path, imported: Imported) -> Lookup:
    """The items of the set that a file of answers belongs to, as JSON by their ids."""
    above = [folder / "json" / file.name for folder in list(file.resolve().parents)[2:4]]
    name = "instruction_following.json" if file.stem == "instruction" else file.name
    found = next((one for place in above if (one := place.with_name(name)).is_file()), None)
    if found is None:
        imported.bad_rows.append(f"{file}: no json/{name} three folders above, so the questions stay unknown")
        return Lookup()
    scratch = Imported(imported.benchmark, imported.root)  # what is wrong with an item is told where items are imported
    items = usable(objects(found), partial(_asked, found.parent, imported.root), ItemRow, scratch)
    lost = 0

    def pairs() -> Iterator[tuple[str, str]]:
        nonlocal lost
        for _, row in items:
            lost += not (row.question_audio and paths.found(imported.root, row.question_audio))
            yield row.item_id, row.model_dump_json(exclude_defaults=True)

    questions = Lookup(pairs())
    if lost:
        imported.bad_rows.append(
            f"{found}: {lost} questions without a recording; answers to them carry their text alone"
        )
    return questions


def _answer(source: _Answers, root: Path, raw: Mapping[str, Any]) -> dict[str, Any]:
    given, said = _id(raw), next((raw[name] for name in ("prediction", "Prediction", "Response") if name in raw), None)
    if not isinstance(said, str | None):
        raise BadCell("prediction", f"got {type(said).__name__}, expected a text")
    own = _item_id(given, source.set)
    item = source.items.get(own)
    asked = json.loads(item) if item else {"question_text": one_text(raw.get("Question"))}
    return heard(asked, root) | {
        "item_id": own, "candidate": source.folder.name, "text": one_text(said),
        "audio": source.audio(given, root), "language": asked.get("language") or _language(said),
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
    subject = Subject(benchmark=imported.benchmark, item_id=_item_id(_id(raw), file.stem), candidate=model)
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


def _item_id(given: str, set_: str) -> str:
    if set_ == "cs_knowledge_en":  # its ids are those of cs_knowledge
        return given.replace("knowledge-", "knowledge_en-")
    return f"single_round-{given.removeprefix('chat-')}" if given.startswith("chat-") else given


def _own_id(raw: Mapping[str, Any]) -> str:
    return _item_id(str(raw["Qid"]), "cs_knowledge_en" if "(en)" in str(raw.get("Set")) else "")


def _text(raw: Mapping[str, Any], name: str) -> str | None:
    if not isinstance(raw.get(name), str | None):
        raise BadCell(name, f"got {raw[name]!r:.60}, expected a path")
    return raw.get(name)
