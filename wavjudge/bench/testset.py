"""Answers to rate, from whatever a person has: JSONL, CSV, Parquet, a folder of recordings, or a run folder.

A row has the fields of `Row`; audio paths are relative to the file. Rows are read one at a time, so a test set may be
larger than memory. A bad row is reported with file, line and field, counted, and the rest goes on.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from wavjudge.audio import SUFFIXES
from wavjudge.errors import InputError
from wavjudge.store import first_problem
from wavjudge.types import Role

TABLES = frozenset({".jsonl", ".ndjson", ".csv", ".parquet"})


class HistoryRow(BaseModel):
    """One message of the context before the question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    text: str | None = None
    audio: str | None = None


class Row(BaseModel):
    """One answer to rate, as a person writes it down."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    item_id: str = Field(min_length=1)
    candidate: str = Field("candidate", min_length=1)
    attempt: int = Field(0, ge=0)
    question_text: str | None = None
    question_audio: str | None = None
    text: str | None = None
    audio: str | None = None
    reference: str | None = None
    language: str | None = None
    history: tuple[HistoryRow, ...] = ()
    tags: tuple[str, ...] = ()
    benchmark: str | None = None

    @field_validator("tags", mode="before")
    @classmethod
    def _tags_as_text(cls, value: Any) -> Any:
        return tuple(tag.strip() for tag in value.split(";") if tag.strip()) if isinstance(value, str) else value or ()

    @field_validator("history", mode="before")
    @classmethod
    def _history_as_text(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value if value is not None else ()


@dataclass(slots=True)
class TestSet:
    """Rows with where they came from. Iterate over it; `bad_rows` fills up as it is read."""

    __test__ = False  # not a test, whatever pytest thinks of the name

    path: Path
    benchmark: str
    root: Path
    speech: bool = True
    """Whether answers are meant to be speech. False where the source has no audio column at all."""
    bad_rows: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        """Pairs of a place ("file, line 7") and a row; bad rows and repeated keys are noted and passed over."""
        seen: dict[tuple[str, str, int], str] = {}
        for where, raw in _raw_rows(self.path):
            try:
                row = Row.model_validate({key: value for key, value in raw.items() if not _empty(value)})
            except (ValidationError, ValueError) as error:
                problem = first_problem(error) if isinstance(error, ValidationError) else str(error)
                self.bad_rows.append(f"{where}, {problem}")
                continue
            key = (row.item_id, row.candidate, row.attempt)
            if key in seen:
                self.bad_rows.append(f'{where}, field "item_id": the answer {key} stands already at {seen[key]}')
                continue
            seen[key] = where
            yield where, row

    def __len__(self) -> int:
        return sum(1 for _ in _raw_rows(self.path))


def open_testset(path: Path, *, benchmark: str | None = None) -> TestSet:
    """The answers at `path`: a table, a folder of recordings, or a folder with responses.jsonl in it."""
    path = _table_in(path)
    name = benchmark or (path.parent.name if path.stem == "responses" else path.stem) or "answers"
    root = path if path.is_dir() else path.parent
    return TestSet(path, name, root, speech=_has_audio(path))


def _table_in(path: Path) -> Path:
    if path.is_dir():
        found = [path / name for name in ("responses.jsonl", "responses.csv", "responses.parquet")]
        return next((file for file in found if file.is_file()), path)
    if not path.exists():
        raise InputError("got no such file or folder", where=str(path), todo="check the path")
    if path.suffix.lower() not in TABLES | SUFFIXES:
        expected = f"{', '.join(sorted(TABLES))} or a folder of audio"
        raise InputError(f"got a {path.suffix or 'nameless'} file, expected {expected}", where=str(path))
    return path


def _raw_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if path.is_dir() or path.suffix.lower() in SUFFIXES:
        return _folder_rows(path)
    return {".csv": _csv_rows, ".parquet": _parquet_rows}.get(path.suffix.lower(), _jsonl_rows)(path)


def _jsonl_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                line.encode("utf-8")
                row = json.loads(line)
            except UnicodeEncodeError:
                yield where, {"this line": "is not UTF-8"}
            except json.JSONDecodeError as error:
                yield where, {f"this line is no JSON ({error.msg} at column {error.colno})": "?"}
            else:
                yield (
                    where,
                    row if isinstance(row, dict) else {f"this line is a {type(row).__name__}, not an object": "?"},
                )


def _csv_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restkey="more columns than the header has")
        for row in reader:
            yield f"{path}, line {reader.line_num}", row


def _parquet_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import pyarrow.parquet as parquet

    number = 0
    for batch in parquet.ParquetFile(path).iter_batches(batch_size=256):
        for row in batch.to_pylist():
            number += 1
            yield f"{path}, row {number}", row


def _folder_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A recording each: FOLDER/CANDIDATE/ITEM.wav, or FOLDER/ITEM.wav for a single candidate called like the folder."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
    root = path.parent if path.is_file() else path
    if not files:
        raise InputError("got a folder without recordings and without responses.jsonl", where=str(path),
                         todo=f"put {', '.join(sorted(SUFFIXES))} files there, or write a responses.jsonl")  # fmt: skip
    for file in files:
        parts = file.relative_to(root).with_suffix("").parts
        candidate = "/".join(parts[:-1]) or root.resolve().name
        text = file.with_suffix(".txt")
        said = text.read_text(encoding="utf-8").strip() if text.is_file() else None
        yield (
            str(file),
            {"item_id": parts[-1], "candidate": candidate, "audio": str(file.relative_to(root)), "text": said},
        )


def _has_audio(path: Path) -> bool:
    if path.is_dir():
        return True
    return any("audio" in raw for _, raw in _raw_rows(path))


def _empty(value: Any) -> bool:
    return (
        value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and value != value)
    )
