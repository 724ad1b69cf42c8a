"""An import of 100,000 items needs as much memory as one of 1,000: measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.bench.importers.written import recording, sound, table, tone

SOUNDS = [tone(200 + number, 0.1) for number in range(50)]
MEASURE = """
import json, re, sys
from pathlib import Path
from wavjudge.bench.importers import FORMATS
from wavjudge.bench.importers.base import write
import pyarrow.parquet, pyarrow.ipc

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024

seen = []
def watched(rows):
    for number, row in enumerate(rows):
        if number % 500 == 499:
            seen.append(anonymous())
        yield row

imported = FORMATS[sys.argv[1]](Path(sys.argv[2]))
before = anonymous()
imported.items, imported.rows = watched(imported.items), watched(imported.rows)
imported.tables = {name: watched(table) for name, table in imported.tables.items()}
done = write(imported, Path(sys.argv[3]), keep="reference")
print(json.dumps([done.items + done.rows, sum(done.ratings.values()), max(seen) - before]))
"""


def row(number: int) -> dict[str, Any]:
    return {"prompt": f"Question {number}? " + "why " * 20, "audio": sound(SOUNDS[number % 50], None), "reference": "B"}


def batches(count: int) -> Iterator[pa.Table]:
    for start in range(0, count, 1000):
        yield table([row(number) for number in range(start, min(start + 1000, count))])


def parquet(root: Path, count: int) -> None:
    """Row groups of ten thousand rows: 32 megabytes of sound in each."""
    file = root / "mmsu" / "law-00000-of-00001.parquet"
    file.parent.mkdir(parents=True)
    tables = batches(count)
    first = next(tables)
    with pa.parquet.ParquetWriter(file, first.schema, use_dictionary=False, compression="none") as writer:
        group = [first]
        for part in tables:
            group.append(part)
            if len(group) == 10:
                writer.write_table(pa.concat_tables(group), row_group_size=10_000)
                group = []
        if group:
            writer.write_table(pa.concat_tables(group), row_group_size=10_000)


def arrow(root: Path, count: int) -> None:
    root.mkdir()
    tables = batches(count)
    first = next(tables)
    with pa.OSFile(str(root / "data-00000-of-00001.arrow"), "wb") as sink, pa.ipc.new_stream(sink, first.schema) as out:
        for part in (first, *tables):
            out.write_table(part)


def uro(root: Path, count: int) -> None:
    folder = root / "m" / "eval" / "basic" / "AlpacaEval"
    (folder / "eval_with_asr").mkdir(parents=True)
    for name in ("question_text", "pred_text", "gt_text"):
        with (folder / f"{name}.jsonl").open("w") as file:
            file.writelines(json.dumps({f"{number:04}": f"{name} {number}"}) + "\n" for number in range(count))
    with (folder / "eval_with_asr" / "result_open.jsonl").open("w") as file:
        file.writelines(json.dumps({"score": ["4", "5", "4"]}) + "\n" for _ in range(count))
    recording(folder / "audio" / "0000.wav")
    for number in range(1, count):
        (folder / "audio" / f"{number:04}.wav").symlink_to("0000.wav")


def ultra(root: Path, count: int) -> None:
    recording(root / "a.wav")
    with (root / "set.jsonl").open("w") as file:
        file.writelines(json.dumps({"WavPath": "a.wav", "Question": f"Q{number}?"}) + "\n" for number in range(count))


def mtalk(root: Path, count: int) -> None:
    root.mkdir()
    recording(root / "q.wav")
    turns = (
        {"question": "q.wav", "dialogue": {"m": "q.wav"}, "question_transcription": f"Q{n}?"} for n in range(count // 2)
    )
    with (root / "sample.json").open("w") as file:
        file.write('{"Semantic information": [' + ",".join(f"[{json.dumps(turn)}]" for turn in turns) + "]}")


SOURCES: dict[str, Callable[[Path, int], None]] = {
    "voicebench": parquet, "hf": arrow, "urobench": uro, "ultraeval": ultra, "mtalkbench": mtalk,
}  # fmt: skip
"""How each is made."""
MANY = 100_000


def measured(name: str, folder: Path, count: int) -> int:
    """Megabytes of its own, not of mapped files, that the import of `count` rows adds to the process."""
    folder.mkdir()
    SOURCES[name](folder / "in", count)
    command = [sys.executable, "-c", MEASURE, name, str(folder / "in"), str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows, ratings, grown = json.loads(done.stdout)
    assert rows == count and ratings == (3 * count if name == "urobench" else 0)
    return int(grown)


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads /proc")
@pytest.mark.parametrize("name", SOURCES)
def test_memory_does_not_grow_with_the_source(name: str, tmp_path: Path) -> None:
    few, many = measured(name, tmp_path / "few", 1000), measured(name, tmp_path / "many", MANY)
    print(f"{name}: {few} MB for 1,000, {many} MB for {MANY:,}")
    assert many < few + 25
