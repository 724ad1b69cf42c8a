"""Sources in other projects' formats, written by the tests; and what an import of them gives."""

from __future__ import annotations

import csv
import io
import json
import wave
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from wavjudge.bench.answers import TestSet, open_testset
from wavjudge.bench.importers import FORMATS
from wavjudge.bench.importers.base import Imported, Written, write
from wavjudge.bench.rows import ItemRow, Row
from wavjudge.bench.test_set import Benchmark, open_benchmark

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""What the `datasets` package stores for an Audio column."""


def tone(hz: float = 440.0, seconds: float = 0.05, rate_hz: int = 16_000) -> bytes:
    """A WAV file of a sine wave."""
    samples = np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, rate_hz, 0, "NONE", ""))
        out.writeframes((samples * 20_000).astype("<i2").tobytes())
    return file.getvalue()


def sound(data: bytes | None, path: str | None = None) -> dict[str, Any]:
    return {"bytes": data, "path": path}


def table(rows: Sequence[dict[str, Any]], audio: Iterable[str] = ("audio",)) -> pa.Table:
    """Rows as a table whose audio columns have the type that `datasets` gives them."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {
        name: pa.array([row.get(name) for row in rows], AUDIO if name in tuple(audio) else None) for name in names
    }
    return pa.table(columns)


def parquet(path: Path, rows: Sequence[dict[str, Any]], audio: Iterable[str] = ("audio",)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table(rows, audio), path, row_group_size=100)
    return path


def arrow(path: Path, rows: Sequence[dict[str, Any]], audio: Iterable[str] = ("audio",)) -> Path:
    """An Arrow stream, which is what `save_to_disk` writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = table(rows, audio)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, found.schema) as writer:
        writer.write_table(found, max_chunksize=100)
    return path


def jsonl(path: Path, rows: Iterable[dict[str, Any] | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def recording(path: Path, data: bytes | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tone() if data is None else data)
    return path


def imported(name: str, path: Path, out: Path) -> tuple[Imported, Written]:
    found = FORMATS[name](path)
    return found, write(found, out, outside=True)


def items(out: Path) -> list[ItemRow]:
    """The items of an import, all of them good."""
    benchmark: Benchmark = open_benchmark(str(out))
    found = [row for _, row in benchmark]
    assert benchmark.bad_rows == []
    return found


def answers(out: Path) -> list[Row]:
    """The answers of an import, all of them good."""
    testset = open_testset(out)
    assert isinstance(testset, TestSet)
    found = [row for _, row in testset]
    assert testset.bad_rows == []
    return found


def ratings(out: Path, name: str = "ratings") -> list[dict[str, str]]:
    with (out / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
