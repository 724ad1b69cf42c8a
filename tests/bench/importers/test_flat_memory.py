"""An import of 100,000 items needs little more memory than one of 10,000: measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
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
last = sorted(seen[-len(seen) // 4:])  # where it ends; the allocator's moods are in no median
print(json.dumps([done.items + done.rows, sum(done.ratings.values()), last[len(last) // 2] - before]))
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


def lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def vstyle(root: Path, count: int) -> None:
    """Judged answers, and the labels of one person."""
    answers = (
        {"instruct_text": f"Say {n}.", "ability": "a/b", "instruct_id": n // 2, "id": n, "model_name": "mn"[n % 2],
         "response_audio_path": "a.wav", "response_text": "So.", "gemini_score": "4", "gemini_raw": "why " * 20}
        for n in range(count)
    )  # fmt: skip
    lines(root / "metadata.jsonl", answers)
    lines(root / "anna.jsonl", ({"id": n, "instruct_id": n // 2, "ability": "a/b", "mos": 3} for n in range(count)))
    recording(root / "a.wav")


def vocal(root: Path, count: int) -> Path:
    """Judged answers, with the questions three folders above."""
    asked = ({"Set": "Chat", "Qid": f"chat-{n}", "Audio": "q.wav", "Question": f"{n}?"} for n in range(count))
    listed(root / "json" / "chat.json", asked)
    model = root / "result" / "m"
    lines(model / "json" / "chat.json", ({"question_id": f"chat-{n}", "prediction": "So."} for n in range(count)))
    verdict = {"s2t_score": 4, "s2t_explain": "Score: [4]", "s2s_score": 4, "s2s_explain": "Score: [4]"}
    rated = ({"question_id": f"chat-{n}", "prediction": "So."} | verdict for n in range(count))
    listed(model / "result" / "chat.json", rated)
    return model


def listed(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        file.write("[" + ",\n".join(map(json.dumps, rows)) + "]")


def kimi(root: Path, count: int) -> Path:
    """A model's output: half of what comes of it are items, half answers."""
    asked = ({"index": n, "audio_path": "a.wav", "question": "", "audio_content": f"{n}?", "prediction": "So."}
             for n in range(count // 2))  # fmt: skip
    lines(root / "m_set.jsonl", asked)
    recording(root / "a.wav")
    return root / "m_set.jsonl"


def trace(root: Path, count: int) -> Path:
    """Two pairs an item, three answers an item."""
    vote = dict.fromkeys(("content", "voice_quality", "paralinguistics", "overall"), "1")
    pairs = (
        {"instruction_id": n // 2, "instruction_text": f"{n // 2}?", "model_a": "m", "model_b": "no"[n % 2],
         "audio1_path": "a.wav", "audio2_path": "b.wav", "label": vote}
        for n in range(count // 2)
    )  # fmt: skip
    listed(root / "pairs.json", pairs)
    recording(root / "a.wav")
    recording(root / "b.wav", tone(900, 0.1))
    return root / "pairs.json"


def plain(root: Path, count: int) -> Path:
    """Text and recordings of ten thousand rows in one row group of Parquet."""
    root.mkdir()
    path = root / "mine.parquet"
    tables = (table([row(n) | {"id": str(n), "response": "So."} for n in range(at, min(at + 1000, count))])
              for at in range(0, count, 1000))  # fmt: skip
    first = next(tables)
    with pa.parquet.ParquetWriter(path, first.schema, use_dictionary=False, compression="none") as writer:
        writer.write_table(first)
        while group := list(islice(tables, 10)):
            writer.write_table(pa.concat_tables(group), row_group_size=10_000)
    return path


SOURCES: dict[str, Callable[[Path, int], Path | None]] = {
    "voicebench": parquet, "hf": arrow, "urobench": uro, "ultraeval": ultra, "mtalkbench": mtalk, "vstyle": vstyle,
    "vocalbench": vocal, "kimi": kimi, "trace": trace, "plain": plain,
}  # fmt: skip
"""How each is made; what is imported is the folder, or what is given back."""
RATINGS = {"urobench": 3, "vstyle": 2, "vocalbench": 2}
"""For each row."""
FEW, MANY = 10_000, 100_000
"""A row group of Parquet is held as a whole, and the largest here has ten thousand rows: so many are the few."""


def measured(name: str, folder: Path, count: int) -> int:
    """Megabytes of its own, not of mapped files, that the import of `count` rows adds to the process."""
    folder.mkdir()
    source = SOURCES[name](folder / "in", count) or folder / "in"
    command = [sys.executable, "-c", MEASURE, name, str(source), str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows, ratings, grown = json.loads(done.stdout)
    assert rows == count and ratings == RATINGS.get(name, 0) * count
    return int(grown)


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads /proc")
@pytest.mark.parametrize("name", SOURCES)
def test_memory_does_not_grow_with_the_source(name: str, tmp_path: Path) -> None:
    few, many = measured(name, tmp_path / "few", FEW), measured(name, tmp_path / "many", MANY)
    print(f"{name}: {few} MB for {FEW:,}, {many} MB for {MANY:,}")
    assert many < few + 25
