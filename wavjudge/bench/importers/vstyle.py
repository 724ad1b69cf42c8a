"""VStyle (alibaba/vstyle) metadata.jsonl: one spoken answer a line.

`instruct_id` is the item (several models answer the same instruction), `model_name` the candidate, `ability`
("category/sub") a tag, `response_audio_path` relative to the file, `response_text` the model's own transcript.
The set is English and Chinese; the language is read off the instruction's script. Scores that others put into the
file (`gemini_score`, `mos`) are not taken over here; they are counted under `unused_fields`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wavjudge.bench.importers.base import Imported
from wavjudge.bench.testset import Row
from wavjudge.errors import InputError
from wavjudge.store import first_problem

_USED = frozenset({
    "instruct_text", "ability", "instruct_id", "id", "model_name", "response_audio_path", "response_text",
    "instruction_audio_path",
})  # fmt: skip


def read(path: Path) -> Imported:
    """The answers of a metadata.jsonl, or of the folder that holds it."""
    path = path / "metadata.jsonl" if path.is_dir() else path
    if not path.is_file():
        raise InputError("got no such file", where=str(path), todo="name VStyle's metadata.jsonl")
    imported = Imported("vstyle", path.parent, iter(()))
    imported.rows = _rows(path, imported)
    return imported


def _rows(path: Path, imported: Imported) -> Iterator[tuple[str, Row]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                raw = json.loads(line.decode("utf-8-sig"))
                row = _row(raw)
            except InputError as error:
                imported.bad_rows.append(f"{where}: {error}")
            except ValidationError as error:
                imported.bad_rows.append(f"{where}, {first_problem(error)}")
            except (KeyError, TypeError, ValueError, RecursionError) as error:
                imported.bad_rows.append(f"{where}: {_complaint(error)}")
            else:
                imported.unused_fields.update(set(raw) - _USED)
                yield where, row


def _row(raw: dict[str, Any]) -> Row:
    question = raw["instruct_text"]
    if not isinstance(question, str):
        raise InputError("got no text in 'instruct_text'")
    return Row(
        item_id=raw["instruct_id"],
        candidate=raw["model_name"],
        question_text=question,
        question_audio=raw.get("instruction_audio_path"),
        text=str(raw.get("response_text") or "").strip() or None,
        audio=raw.get("response_audio_path"),
        language="zh" if any("\u4e00" <= letter <= "\u9fff" for letter in question) else "en",
        tags=(f"ability={raw['ability']}", f"id={raw['id']}"),
    )


def _complaint(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"got no field {error}, expected VStyle's instruct_id, instruct_text, model_name, ability, id"
    return f"got a line that is no JSON object ({error})"
