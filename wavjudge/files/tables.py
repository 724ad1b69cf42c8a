"""The rows of a JSONL, CSV or Parquet file, one at a time, each with the place where it stands.

A line that cannot be read is a text that says why, in the place of its fields: it is for the caller to count it.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wavjudge.files import spreadsheet
from wavjudge.files.safe import refuse_special
from wavjudge.files.spreadsheet import not_utf8
from wavjudge.internal import managed

__all__ = ["TABLES", "Raw", "filled", "no_json", "not_utf8", "raw_rows"]

TABLES = frozenset({".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"})

Raw = Mapping[str, Any] | str
"""The fields of a row, or what is wrong with the line they should stand in."""


def raw_rows(path: Path) -> Iterator[tuple[str, Raw]]:
    """Pairs of a place ("file, line 7") and a row, by the file's suffix; a file of no known suffix is JSONL."""
    return {".csv": _csv_rows, ".tsv": _csv_rows, ".parquet": _parquet_rows}.get(path.suffix.lower(), _jsonl_rows)(path)


def filled(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say something: a missing cell is null in one format, empty or NaN in another.

    >>> filled({"a": "", "b": None, "c": float("nan"), "d": 0})
    {'d': 0}
    """
    return {key: value for key, value in raw.items() if not _empty(value)}


def _jsonl_rows(path: Path) -> Iterator[tuple[str, Raw]]:
    refuse_special(path)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if line.strip():
                yield f"{path}, line {number}", managed(_json_object, line)


def _json_object(line: bytes) -> Raw:
    try:
        row = json.loads(line.rstrip().decode("utf-8"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        return not_utf8(error)
    except TwiceError as error:
        return str(error)
    except (ValueError, RecursionError) as error:
        return f"expected a JSON object, got {no_json(error)}"
    if not isinstance(row, dict):
        return f"expected a JSON object, got {'nothing' if row is None else repr(row)[:40]}"
    return _halved(row) or row if b"\\u" in line else row


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Of a name that stands twice nobody knows which is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for number, (name, _) in enumerate(pairs) if name in dict(pairs[:number]))
        raise TwiceError(f'field "{ascii(twice)[1:-1][:80]}": stands twice in one object, expected once')
    return found


class TwiceError(ValueError):
    """A name that stands twice in one JSON object."""


def _halved(row: Mapping[str, Any]) -> str | None:
    """What is wrong with a row that holds half a character: JSON can say it, and no UTF-8 file can."""
    for name, value in row.items():
        try:
            json.dumps([name, value], ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return f'field "{ascii(name)[1:-1]}": got half a character (a lone surrogate), expected text'
    return None


def _csv_rows(path: Path) -> Iterator[tuple[str, Raw]]:
    with spreadsheet.opened(path) as records:
        for line, cells in records:
            yield f"{path}, line {line}", cells if isinstance(cells, str) else managed(records.fields, cells)


def _parquet_rows(path: Path) -> Iterator[tuple[str, Raw]]:
    from wavjudge.files import parquet  # pyarrow takes a while, and other tables do without

    yield from ((f"{path}, row {number}", row) for number, row in parquet.rows(path))


def _empty(value: Any) -> bool:
    return (
        value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and value != value)
    )


def no_json(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"what is no JSON ({error.msg} at column {error.colno})"
    return f"what cannot be read as JSON ({error})"
