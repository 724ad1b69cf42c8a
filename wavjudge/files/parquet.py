"""The rows of a Parquet file, one row group at a time: what a damaged one takes with it is named, the others are read.

A few rows stand in memory at once, whatever the size of a row group: they may hold recordings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from wavjudge.errors import InputError
from wavjudge.files.safe import refuse_special

Cells = Mapping[str, Any] | str
"""The cells of a row, or what is wrong with it: the `Raw` of `raw`, which imports this."""
AT_ONCE = 16
_BUFFER = 1 << 20
FLAWS = (pyarrow.ArrowException, OSError, ValueError, OverflowError)
"""What pyarrow raises for bytes that do not read; names that are no UTF-8 are a plain ValueError."""


def rows(path: Path, wanted: Sequence[str] | None = None) -> Iterator[tuple[int, Cells]]:
    """Number (from one) and cells of each row; a text in their place for a row, or the rest of a group, that does not
    read. wanted: the columns. `InputError` where the file does not open.
    """
    refuse_special(path)
    try:
        file = pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER, page_checksum_verification=True)
    except FLAWS as error:
        raise InputError(f"got a file that does not read as Parquet ({error})", where=str(path)) from error
    with file:
        before = 0
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            yield from _group(file, group, before, size, wanted)
            before += size


def _group(
    file: pyarrow.parquet.ParquetFile, group: int, before: int, size: int, wanted: Sequence[str] | None
) -> Iterator[tuple[int, Cells]]:
    number = before
    columns = None if wanted is None else list(wanted)
    try:
        for batch in file.iter_batches(AT_ONCE, row_groups=[group], columns=columns, use_threads=False):
            for raw in listed(batch):
                number += 1
                yield number, raw
    except FLAWS as error:
        lost = f"rows {number + 1} to {before + size} of row group {group + 1} of {file.num_row_groups} do not read"
        yield number + 1, f"{lost} ({error})"


def listed(batch: Any) -> Iterator[Cells]:
    """The rows of an Arrow batch; a text for one that Python cannot hold: bytes that are no UTF-8, a year 99999."""
    try:
        found = batch.to_pylist()
    except (ValueError, OverflowError):
        found = [_one(batch.slice(at, 1)) for at in range(batch.num_rows)]
    yield from found


def _one(batch: Any) -> Cells:
    try:
        row: dict[str, Any] = batch.to_pylist()[0]
    except (ValueError, OverflowError) as error:
        return f"a cell does not read ({error})"
    return row
