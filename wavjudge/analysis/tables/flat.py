"""The flat table: one row a rating, the same columns in CSV and Parquet. Written row by row, so any size fits."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from wavjudge.errors import InputError
from wavjudge.files.safe import new_file
from wavjudge.files.spreadsheet import inert
from wavjudge.types import Rating

COLUMNS = (
    "benchmark", "item_id", "candidate", "attempt", "turn", "axis", "scale_low", "scale_high", "rater", "rater_kind",
    "repeat", "score", "status", "reason", "justification", "signature", "tags", "cached", "hearing",
)  # fmt: skip


def flat(rating: Rating, tags: Iterable[str] = ()) -> dict[str, Any]:
    """The row of a rating; `score` is None unless the status is ok, an open end of a scale is None, and so are
    `cached` where no call was made and `hearing` where nothing was to be heard.

    >>> from wavjudge.types import Scale, Subject
    >>> rating = Rating(subject=Subject(benchmark="b", item_id="1", candidate="c"), axis="overall", scale=Scale(),
    ...                 rater="ann", rater_kind="person", status="skipped", reason="too noisy", signature="person:ann")
    >>> row = flat(rating, ["lang=en", "short"])
    >>> row["score"], row["status"], row["tags"]
    (None, 'skipped', 'lang=en;short')
    """
    r, hearing = rating, rating.details.get("hearing")
    values = (
        *r.subject.model_dump().values(), r.axis, r.scale.low, r.scale.high, r.rater, r.rater_kind,
        r.repeat, r.score, r.status, r.reason, r.justification, r.signature, ";".join(tags),
        r.call.cached if r.call else None, hearing if isinstance(hearing, str) else None,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def write(rows: Iterable[dict[str, Any]], path: Path) -> int:
    """Write rows as .csv or .parquet, by the name of the file; gives their number."""
    writer = {".csv": _write_csv, ".parquet": _write_parquet}.get(path.suffix.lower())
    if writer is None:
        raise InputError(f"got {path.suffix or 'no suffix'}, expected .csv or .parquet", where=str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return writer(iter(rows), path)
    except OSError as error:
        raise InputError(
            f"got a file that cannot be written ({error})",
            where=str(path),
            todo="check the path, its room and permissions",
        ) from error


def _write_csv(rows: Iterator[dict[str, Any]], path: Path) -> int:
    count = 0
    with new_file(path) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
        plain = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        # Python quotes a cell with a lone carriage return only from 3.13 on; unquoted, readers take it for a line end.
        quoted = csv.DictWriter(file, COLUMNS, lineterminator="\n", quoting=csv.QUOTE_ALL)
        plain.writeheader()
        for count, row in enumerate(map(_inert, rows), 1):  # noqa: B007 - the last number is the result
            (quoted if any("\r" in str(cell) for cell in row.values()) else plain).writerow(row)
    return count


def _inert(row: dict[str, Any]) -> dict[str, Any]:
    return {name: inert(cell) if isinstance(cell, str) else cell for name, cell in _whole(row).items()}


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """The row with a question mark for each half of a character, which no file can hold."""
    return {n: cell.encode(errors="replace").decode() if isinstance(cell, str) else cell for n, cell in row.items()}


def _write_parquet(rows: Iterator[dict[str, Any]], path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    whole, real = {"attempt", "turn", "repeat"}, {"scale_low", "scale_high", "score"}
    kinds = dict.fromkeys(whole, pa.int64()) | dict.fromkeys(real, pa.float64()) | {"cached": pa.bool_()}
    schema, count = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS]), 0
    with new_file(path) as file, parquet.ParquetWriter(file, schema) as writer:
        while batch := list(islice(map(_whole, rows), 10_000)):
            writer.write_table(pa.Table.from_pylist(batch, schema))
            count += len(batch)
    return count
