"""A run folder, one of its files, or answers in the place of a test set; a run's file in the place of answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wavjudge.bench.stored import is_run
from wavjudge.bench.table_files import TABLES, raw_rows
from wavjudge.errors import InputError

_OF_RUNS = ("responses.jsonl", "items.jsonl", "ratings.jsonl", "manifest.json")


def refuse_for_questions(path: Path) -> None:
    """`InputError` where `path` holds answers, not questions to ask."""
    if is_run(path):
        raise InputError(
            "got a run folder, expected a test set with questions to ask", where=str(path), todo=_ways(path)
        )
    _refuse_file_of_run(path)
    if path.is_file() and path.suffix.lower() in TABLES and _holds_answers(next(iter(raw_rows(path)), ("", ""))[1]):
        raise InputError("got a table of answers, expected questions to ask", where=str(path),
                         todo=f"to rate these answers: wavjudge score {path} --judge SPEC; to ask their questions, "
                              "give a table without candidate, text and audio")  # fmt: skip


def refuse_for_answers(path: Path) -> None:
    """`InputError` where `path` is a file inside a run folder, which is rated as a whole."""
    _refuse_file_of_run(path)


def _refuse_file_of_run(path: Path) -> None:
    if path.name in _OF_RUNS and is_run(path.parent):
        raise InputError(f"got {path.name} of a run folder", where=str(path), todo=_ways(path.parent))


def _ways(run: Path) -> str:
    return (f"to rate the answers in it: wavjudge score {run} --judge SPEC --out {run}; to ask the same questions "
            "once more, name the test set that it was begun with (`source` in its manifest.json)")  # fmt: skip


def _holds_answers(row: Mapping[str, Any] | str) -> bool:
    if isinstance(row, str):
        return False
    is_written = "text" in row and ("question_text" in row or "question_audio" in row)
    return is_written or any(name in row for name in ("candidate", "answers", "audio"))
