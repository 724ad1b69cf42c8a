"""UltraEval-Audio (OpenBMB/UltraEval-Audio): its JSONL test sets, and the log of a run.

    NAME.jsonl                       items: `WavPath` and other columns (Hugging Face sets: see the format `hf`)
    res/MODEL/DATASET/TIME.jsonl     answers and ratings: {"type": ..., "id": i, "data": {...}}, a step a line

A test set's reference stands in a column that a YAML file names (`ref_col`); here it is found by the usual names,
those of `columns.ALIASES` and `output`. Test set and candidate of a log come from its folders; an item is known by its
number there. The question of an answer is the last user message of the logged prompt: its audio, and its text, which
often is an instruction about the audio. A system message becomes the history. The answer is what `inference` logged: a
path of a recording, JSON with `audio` and `text`, or text. An `error` before it is the candidate's crash; one after it
belongs to the evaluation, is told, and gives no rating.

Ratings, by the name that the evaluator gave: `geval`, 1-10, is the axis `ultraeval_geval` (a text judge); `match` and
`acc`, 0-1, are `ultraeval_match` and `ultraeval_acc` (instruments), `utmos`, 1-5, is `ultraeval_utmos` (likewise).

Not taken over: `gpt_score`, which is a mean of votes of 1-5 in one evaluator and a majority of 0-1 in another; WER,
BLEU and other results; they are counted (`eval.gpt_score`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wavjudge.audio import SUFFIXES
from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import ALIASES, named, one_text, refuse_missing, source_files, tags_of
from wavjudge.bench.importers.rows import BadCell, first_fields, from_above, usable
from wavjudge.bench.importers.votes import number_in, rating
from wavjudge.bench.rows import ItemRow, Row
from wavjudge.errors import InputError
from wavjudge.files.tables import raw_rows
from wavjudge.types import Rating, Scale, Subject

AXES: Mapping[str, tuple[Scale, bool]] = {
    "geval": (Scale(low=1, high=10), True), "match": (Scale(low=0, high=1), False),
    "acc": (Scale(low=0, high=1), False), "utmos": (Scale(low=1, high=5), False),
}  # fmt: skip
"""Scale of a result, and whether a model gave it."""
_ALIASES = {
    "item_id": ALIASES["item_id"], "question_audio": ("wavpath",), "question_text": ALIASES["question_text"],
    "reference": (*ALIASES["reference"], "output"), "language": ALIASES["language"], "tags": ALIASES["tags"],
}  # fmt: skip
_STEPS = ("prompt", "inference", "post_process", "eval", "error")


@dataclass(frozen=True, slots=True)
class _Log:
    path: Path
    root: Path

    @property
    def dataset(self) -> str:
        return self.path.resolve().parent.name

    @property
    def candidate(self) -> str:
        return self.path.resolve().parent.parent.name or "candidate"


def read(path: Path) -> Imported:
    """The items of a test set, or the answers and ratings of logs: one JSONL file, or all below a folder."""
    files = source_files(path, "*.jsonl", "**/*.jsonl") if path.exists() else []
    if not files:
        raise InputError("got no JSONL file", where=str(path), todo="name a test set, or res/MODEL/DATASET")
    root = path if path.is_dir() else path.parent
    firsts = {file: first_fields(file) for file in files}
    logs = [_Log(file, root) for file in files if {"type", "id", "data"} <= set(firsts[file])]
    sets = [file for file in files if file not in {log.path for log in logs}]
    for file in sets:
        found = {name.lower(): name for name in firsts[file]}
        refuse_missing(["WavPath"], [*firsts[file], *(["WavPath"] if "wavpath" in found else [])], str(file))
    imported = Imported(sets[0].stem if len(sets) == 1 else "ultraeval", root, shipped="ultraeval")
    imported.items = (
        row for file in sets for row in _items(file, named(firsts[file], _ALIASES), len(sets) > 1, imported)
    )
    imported.rows = (row for log in logs for row in _answers(log, imported))
    if logs:
        imported.tables["ratings"] = (row for log in logs for row in _ratings(log, imported))
    return imported


def _items(file: Path, used: Mapping[str, str], several: bool, imported: Imported) -> Iterator[tuple[str, ItemRow]]:
    known = set(used.values())
    for number, (where, raw) in enumerate(raw_rows(file)):
        if not isinstance(raw, str):
            imported.unused_fields.update(raw.keys() - known)
        fields = partial(_item, file, used, f"{file.stem}/" * several, number, imported.root)
        yield from usable([(where, raw)], fields, ItemRow, imported)


def _item(
    file: Path, used: Mapping[str, str], prefix: str, number: int, root: Path, raw: Mapping[str, Any]
) -> dict[str, Any]:
    cell = {ours: raw.get(theirs) for ours, theirs in used.items()}
    if not isinstance(audio := cell["question_audio"], str):
        raise BadCell(used["question_audio"], f"got {audio!r:.40}, expected a path")
    return {
        "item_id": prefix + (one_text(cell.get("item_id")) or str(number)),
        "question_text": one_text(cell.get("question_text")),
        "question_audio": from_above(audio, file.parent, root),
        "reference": one_text(cell.get("reference")),
        "language": one_text(cell.get("language")),
        "tags": tags_of(raw, [used["tags"]] if "tags" in used else []),
    }


def _steps(log: _Log) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Place, type, id and data of each line that is a step."""
    for where, raw in raw_rows(log.path):
        if not isinstance(raw, str) and raw.get("type") in _STEPS and isinstance(raw.get("data"), dict) and "id" in raw:
            yield where, raw["type"], str(raw["id"]), raw["data"]


def _answers(log: _Log, imported: Imported) -> Iterator[tuple[str, Row]]:
    """Threads write side by side: a prompt waits for its answer, and as many wait as there were threads."""
    waiting: dict[str, Any] = {}
    _tell_bad_lines(log, imported)
    for where, step, own, data in _steps(log):
        if step == "prompt":
            waiting[own] = data.get("content")
        elif step == "inference" or (step == "error" and own in waiting):
            fields = partial(_answer, log, waiting.pop(own, None))
            yield from usable([(where, {"id": own, "step": step} | data)], fields, Row, imported)
        elif step == "error":
            imported.bad_rows.append(f"{where}, id {own}: the evaluation failed ({_last_line(data)}); no rating")
    for own in waiting:
        imported.bad_rows.append(f"{log.path}, id {own}: a prompt without an answer; the run broke off there")


def _tell_bad_lines(log: _Log, imported: Imported) -> None:
    for where, raw in raw_rows(log.path):
        if isinstance(raw, str):
            imported.bad_rows.append(f"{where}, {raw}")
        elif raw.get("type") not in _STEPS or not isinstance(raw.get("data"), dict) or "id" not in raw:
            imported.bad_rows.append(f"{where}, expected a step {{type, id, data}}, got {raw!r:.60}")


def _answer(log: _Log, prompt: Any, raw: Mapping[str, Any]) -> dict[str, Any]:
    known = {"item_id": f"{log.dataset}/{raw['id']}", "candidate": log.candidate, "benchmark": log.dataset}
    if raw["step"] == "error":
        return known | _asked(log, prompt) | {"status": "crashed", "reason": _last_line(raw)}
    return known | _asked(log, prompt) | _said(log, raw.get("content"))


def _last_line(data: Mapping[str, Any]) -> str:
    lines = str(data.get("info") or "").strip().splitlines()
    return lines[-1][:300] if lines else "no traceback was logged"


def _asked(log: _Log, prompt: Any) -> dict[str, Any]:
    """The question in a logged prompt: a text, or a list of messages whose contents are {type, value}."""
    if not isinstance(prompt, list):
        return {"question_text": one_text(prompt)}
    messages = [message for message in prompt if isinstance(message, dict)]
    users = [message for message in messages if message.get("role", "user") == "user"]
    system = [text for message in messages if message.get("role") == "system" and (text := _parts(message, "text"))]
    audio = _parts(users[-1], "audio") if users else []
    return {
        "question_text": one_text(_parts(users[-1], "text"), "\n") if users else None,
        "question_audio": from_above(audio[0], log.path.parent, log.root) if audio else None,
        "history": [{"role": "system", "text": one_text(text, "\n")} for text in system],
    }


def _parts(message: Mapping[str, Any], kind: str) -> list[str]:
    contents = message.get("contents", message.get("content"))
    if isinstance(contents, str):
        return [contents] if kind == "text" else []
    parts = [part for part in contents or () if isinstance(part, dict) and part.get("type") == kind]
    return [text for part in parts if (text := one_text(part.get("value", part.get("content"))))]


def _said(log: _Log, content: Any) -> dict[str, Any]:
    """The answer: a path of a recording, {audio, text} as an object or as JSON, or a text."""
    if isinstance(content, str) and content.lstrip().startswith("{"):
        try:
            content = json.loads(content)
        except (ValueError, RecursionError):
            return {"text": one_text(content)}
    if isinstance(content, dict) and ("audio" in content or "text" in content):
        audio = one_text(content.get("audio"))
        return {"text": one_text(content.get("text")), "audio": from_above(audio, log.path.parent, log.root)}
    if isinstance(content, str) and "\n" not in content and Path(content).suffix.lower() in SUFFIXES:
        return {"audio": from_above(content.strip(), log.path.parent, log.root)}
    return {"text": one_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))}


def _ratings(log: _Log, imported: Imported) -> Iterator[Rating]:
    for _, step, own, data in _steps(log):
        if step != "eval":
            continue
        imported.unused_fields.update(f"eval.{name}" for name in data.keys() - AXES.keys() - {"pred", "ref"})
        subject = Subject(benchmark=log.dataset, item_id=f"{log.dataset}/{own}", candidate=log.candidate)
        for name in sorted(data.keys() & AXES.keys()):
            scale, by_model = AXES[name]
            signature = f"ultraeval:{name}|{'input:text|model:not_stated' if by_model else 'rule'}"
            yield rating(
                subject, f"ultraeval_{name}", scale, number_in(data[name]), data[name], rater=f"ultraeval:{name}",
                signature=signature, kind="model" if by_model else "instrument",
            )  # fmt: skip
