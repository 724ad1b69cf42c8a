"""Kimi-Audio-Evalkit (MoonshotAI): a test set `<name>.jsonl`, and what a model said, `<model>_<name>.jsonl`.

`index` is the item in its test set, `audio_path` its recording, `audio_content` what is said in it, `answer` the
reference, `subset` and `task_type` are tags. A `question` beside a recording is a written instruction about it, so
it becomes a message of the user before the recording. Lines with `prediction` are answers as well (texts, Evalkit
keeps no speech); `'null'`, which Evalkit writes where a model gave nothing, is a crash of the candidate. Test set
and candidate come from the folders `<model>/<name>/` that Evalkit writes, else from the file's name up to its first
`_`.

Checks: `instruction` and `instruction_kwargs` (IFEval) become `instruction` checks; a letter for an answer becomes a
`choice` where the question offers letters; a list of answers becomes a `reference`.

Not taken over: questions with several recordings, for which an item has no place (bad rows); the judge's words
(`judge_result`), `real_prompt` and all other fields. The file holds no scores on a scale and no labels of people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wavjudge.bench.importers.base import Imported
from wavjudge.bench.importers.columns import one_text, refuse_missing, source_files, tags_of
from wavjudge.bench.importers.rows import BadCell, again, counted, first_fields, from_above, heard, usable
from wavjudge.bench.rows import ItemRow, Row
from wavjudge.bench.test_set import Head
from wavjudge.errors import InputError
from wavjudge.files.tables import raw_rows

_USED = frozenset({
    "index", "audio_path", "question", "audio_content", "answer", "subset", "task_type", "prediction", "instruction",
    "instruction_kwargs",
})  # fmt: skip
_OFFERED = re.compile(r"(?<![A-Za-z])\(?([A-Z])[.:)]")


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    benchmark: str
    candidate: str
    answered: bool


def read(path: Path) -> Imported:
    """The items, and the answers if there are any, of a JSONL file or of the JSONL files of a folder."""
    found = source_files(path, "*.jsonl", "*/*.jsonl") if path.exists() else []
    if not found:
        raise InputError("got no .jsonl file", where=str(path), todo="name Evalkit's test set or a model's output")
    files = [_file(one) for one in found]
    imported = Imported(files[0].benchmark, path if path.is_dir() else path.parent)
    imported.shipped, imported.head = "kimi", Head(name=imported.benchmark, metrics=("checks",))
    imported.items = _items(files, imported)
    imported.rows = again(lambda second: _answers(files, second), imported)
    return imported


def _file(path: Path) -> _File:
    """Test set and candidate: from `<model>/<name>/<model>_<name>.jsonl`, or from the file's name alone."""
    columns = first_fields(path)
    refuse_missing(("index", "audio_path"), list(columns), str(path))
    name, model = path.resolve().parent.name, path.resolve().parent.parent.name
    answered = "prediction" in columns
    if path.stem != f"{model}_{name}":
        model, _, name = path.stem.partition("_") if answered else ("", "", path.stem)
    return _File(path, name or model, model, answered)


def _items(files: list[_File], imported: Imported) -> Iterator[tuple[str, ItemRow]]:
    """Every item once: the outputs of several models repeat it."""
    seen: set[tuple[str | None, str]] = set()
    for file in files:
        rows = counted(raw_rows(file.path), _USED, imported)
        for where, row in usable(rows, partial(_asked, file, imported.root), ItemRow, imported):
            if (row.benchmark, row.item_id) not in seen:
                seen.add((row.benchmark, row.item_id))
                yield where, row


def _answers(files: list[_File], imported: Imported) -> Iterator[tuple[str, Row]]:
    for file in files:
        if file.answered:
            rows = raw_rows(file.path)
            yield from usable(rows, partial(_answer, file, imported.root), Row, imported)


def _asked(file: _File, root: Path, raw: Mapping[str, Any]) -> dict[str, Any]:
    said, written = one_text(raw.get("audio_content")), one_text(raw.get("question"))
    audio = from_above(_audio(raw), file.path.parent, root)
    beside = written is not None and audio is not None
    return {
        "item_id": raw.get("index"), "benchmark": file.benchmark, "question_audio": audio,
        "question_text": said if beside else written or said,
        "history": [{"role": "user", "text": written}] if beside else None,
        "reference": one_text(raw.get("answer")), "tags": tags_of(raw, ("subset", "task_type")),
        "checks": [*_instructions(raw), *_choice(raw, f"{written}\n{said}"), *_references(raw)],
    }  # fmt: skip


def _answer(file: _File, root: Path, raw: Mapping[str, Any]) -> dict[str, Any]:
    said = raw.get("prediction")
    if said is not None and not isinstance(said, str | int | float):
        raise BadCell("prediction", f"got {type(said).__name__}, expected a text")
    answer = {"candidate": file.candidate, "text": one_text(said)}
    if said in (None, "null"):
        answer |= {"text": None, "status": "crashed", "reason": "Evalkit has no prediction for the item"}
    return heard(_asked(file, root, raw), root) | answer


def _audio(raw: Mapping[str, Any]) -> str | None:
    """The one recording of a question."""
    names = raw.get("audio_path")
    names = [names] if isinstance(names, str) else names or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadCell("audio_path", f"got {names!r:.60}, expected a path")
    if len(names) > 1:
        raise BadCell("audio_path", f"got {len(names)} recordings in one question, expected one")
    return names[0] if names else None


def _instructions(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    names, arguments = raw.get("instruction") or [], raw.get("instruction_kwargs") or []
    if not isinstance(names, list) or not names:
        return []
    if not isinstance(arguments, list) or len(arguments) != len(names):
        raise BadCell("instruction_kwargs", f"expected a list of {len(names)}, one for each instruction")
    if wrong := [one for one in arguments if not isinstance(one, dict | None)]:
        raise BadCell("instruction_kwargs", f"got {wrong[0]!r:.40}, expected an object for each instruction")
    given = [{name: value for name, value in (one or {}).items() if value is not None} for one in arguments]
    return [{"kind": "instruction", "options": {"id": name, "kwargs": one}}
            for name, one in zip(names, given, strict=True)]  # fmt: skip


def _choice(raw: Mapping[str, Any], text: str) -> list[dict[str, Any]]:
    """A right letter among the letters A, B, ... that the question offers, such as `A.` or `(B)`."""
    offered = sorted(set(_OFFERED.findall(text)))
    letters = "".join(letter for place, letter in enumerate(offered) if ord(letter) == ord("A") + place)
    answer = one_text(raw.get("answer")) or ""
    fits = len(answer) == 1 and len(letters) > 1 and answer in letters
    return [{"kind": "choice", "options": {"answer": answer, "letters": letters}}] if fits else []


def _references(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    several = raw.get("answer")
    answers = [text for text in map(one_text, several) if text] if isinstance(several, list) else []
    return [{"kind": "reference", "options": {"answers": answers}}] if answers else []
