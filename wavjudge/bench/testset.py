"""Answers to rate, from whatever a person has: JSONL, CSV, Parquet, a folder of recordings, or a run folder.

A row has the fields of `Row`; audio paths are relative to the file. Rows are read one at a time, so a test set may be
larger than memory. A bad row is reported with file, line and field, counted, and the rest goes on.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from wavjudge.audio import SUFFIXES
from wavjudge.bench.stored import StoredSet, is_run, refuse_benchmark
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
        if not isinstance(value, str):
            return value if value is not None else ()
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"expected a JSON list of messages, got {_no_json(error)}") from error


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
    """What the last iteration passed over, so far."""

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        """Pairs of a place ("file, line 7") and a row; bad rows and repeated keys are noted and passed over."""
        self.bad_rows.clear()
        seen: dict[tuple[str | None, str, str, int], str] = {}
        for where, raw in _raw_rows(self.path):
            row = _row(raw)
            if isinstance(row, str):
                self.bad_rows.append(f"{where}, {row}")
                continue
            key = (row.benchmark, row.item_id, row.candidate, row.attempt)
            if key in seen:
                self.bad_rows.append(
                    f'{where}, field "item_id": the answer {key[1:]} of (item, candidate, attempt) '
                    f"stands already at {seen[key]}"
                )
                continue
            seen[key] = where
            yield where, row

    def __len__(self) -> int:
        """Rows, good and bad: what iteration yields and what it puts into `bad_rows`, together."""
        return sum(1 for _ in _raw_rows(self.path))

    def __bool__(self) -> bool:
        return True  # or `if testset:` would read the whole file to count it


Answers = TestSet | StoredSet


def open_testset(path: Path, *, benchmark: str | None = None) -> Answers:
    """The answers at `path`: a table, a run folder, a folder of recordings, or a folder with responses.jsonl in it."""
    if is_run(path):
        refuse_benchmark(benchmark, path)
        return StoredSet(path)
    path = _table_in(path)
    own_name = path.name if path.is_dir() else path.parent.name if path.stem == "responses" else path.stem
    name = benchmark or own_name or "answers"
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


_Raw = Mapping[str, Any] | str
"""The fields of a row, or what is wrong with the line they should stand in."""


def _row(raw: _Raw) -> Row | str:
    if isinstance(raw, str):
        return raw
    try:
        return Row.model_validate({key: value for key, value in raw.items() if not _empty(value)})
    except ValidationError as error:
        return first_problem(error)


def _raw_rows(path: Path) -> Iterator[tuple[str, _Raw]]:
    if path.is_dir() or path.suffix.lower() in SUFFIXES:
        return _folder_rows(path)
    return {".csv": _csv_rows, ".parquet": _parquet_rows}.get(path.suffix.lower(), _jsonl_rows)(path)


def _jsonl_rows(path: Path) -> Iterator[tuple[str, _Raw]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if line.strip():
                yield f"{path}, line {number}", _json_object(line)


def _json_object(line: bytes) -> _Raw:
    try:
        row = json.loads(line.rstrip().decode("utf-8"))
    except UnicodeDecodeError as error:
        return _not_utf8(error)
    except (ValueError, RecursionError) as error:
        return f"expected a JSON object, got {_no_json(error)}"
    return (
        row if isinstance(row, dict) else f"expected a JSON object, got {'nothing' if row is None else repr(row)[:40]}"
    )


def _csv_rows(path: Path) -> Iterator[tuple[str, _Raw]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.DictReader(file, restkey="more cells than the header has columns")
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                yield f"{path}, line {reader.reader.line_num}", f"expected a CSV row, got none ({error})"
                continue
            if row is None:
                return
            yield f"{path}, line {reader.line_num}", _decoded(row)


def _decoded(row: Mapping[str, Any]) -> _Raw:
    """The row, unless a cell kept bytes that are not UTF-8."""
    try:
        "".join(cell for cell in (*row, *row.values()) if isinstance(cell, str)).encode(
            "utf-8", "surrogateescape"
        ).decode("utf-8")
    except UnicodeDecodeError as error:
        return _not_utf8(error)
    return row


def _parquet_rows(path: Path) -> Iterator[tuple[str, _Raw]]:
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(path) as file:
            rows = (row for batch in file.iter_batches(batch_size=256) for row in batch.to_pylist())
            for number, row in enumerate(rows, 1):
                yield f"{path}, row {number}", row
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"got a file that does not read as Parquet ({error})", where=str(path)) from error


def _folder_rows(path: Path) -> Iterator[tuple[str, _Raw]]:
    """A recording each: FOLDER/CANDIDATE/ITEM.wav, or FOLDER/ITEM.wav for a single candidate called like the folder."""
    files = [path] if path.is_file() else sorted(_recordings(path))
    root = path.parent if path.is_file() else path
    if not files:
        raise InputError("got a folder without recordings and without responses.jsonl", where=str(path),
                         todo=f"put {', '.join(sorted(SUFFIXES))} files there, or write a responses.jsonl")  # fmt: skip
    for file in files:
        parts = file.relative_to(root).with_suffix("").parts
        candidate = "/".join(parts[:-1]) or root.resolve().name
        row = {"item_id": parts[-1], "candidate": candidate, "audio": str(file.relative_to(root))}
        try:
            yield str(file), row | {"text": _said(file)}
        except UnicodeDecodeError as error:
            yield str(file), f"its text file: {_not_utf8(error)}"


def _recordings(folder: Path) -> Iterator[Path]:
    """Audio files at any depth, but no hidden ones: macOS leaves a `._NAME.wav` beside each."""
    for file in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix.lower() in SUFFIXES and not hidden and file.is_file():
            yield file


def _said(recording: Path) -> str | None:
    text = recording.with_suffix(".txt")
    return text.read_text(encoding="utf-8-sig").strip() if text.is_file() else None


def _has_audio(path: Path) -> bool:
    if path.is_dir():
        return True
    return any("audio" in raw for _, raw in _raw_rows(path) if not isinstance(raw, str))


def _empty(value: Any) -> bool:
    return (
        value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and value != value)
    )


def _no_json(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"what is no JSON ({error.msg} at column {error.colno})"
    return f"what cannot be read as JSON ({error})"


def _not_utf8(error: UnicodeDecodeError) -> str:
    return f"expected UTF-8 text, got the byte 0x{error.object[error.start]:02x}"
