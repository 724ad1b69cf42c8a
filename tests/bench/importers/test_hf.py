"""Any Hugging Face dataset: Parquet shards of the Hub, Arrow of save_to_disk."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
import soundfile

from tests.bench.importers.written import answers, arrow, imported, items, parquet, sound, tone
from wavjudge.bench.answers import open_testset
from wavjudge.bench.importers import FORMATS
from wavjudge.bench.ingest import Intake
from wavjudge.errors import InputError
from wavjudge.store.run_folder import RunFolder

ROWS: list[dict[str, Any]] = [
    {"id": n, "question": f"Q{n}?", "audio": sound(tone(300 + n), f"{n}.wav"), "answer": f"R{n}", "extra": n}
    for n in range(3)
]


def test_parquet_shards_become_items(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    parquet(folder / "data" / "test-00000-of-00002.parquet", ROWS[:2])
    parquet(folder / "data" / "test-00001-of-00002.parquet", ROWS[2:])
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: cc-by-4.0\n---\n# A card\n", encoding="utf-8")
    found, done = imported("hf", folder, tmp_path / "out")
    assert (done.items, done.recordings, found.bad_rows, found.unused_fields) == (3, 3, [], {"extra": 3})
    assert found.head and (found.head.name, found.head.licence) == ("set", "cc-by-4.0")
    rows = items(tmp_path / "out")
    assert [(row.item_id, row.question_text, row.reference, row.tags) for row in rows] == [
        (str(n), f"Q{n}?", f"R{n}", ("split=test",)) for n in range(3)
    ]
    assert [(tmp_path / "out" / str(row.question_audio)).read_bytes() for row in rows] == [
        row["audio"]["bytes"] for row in ROWS
    ]


def saved(folder: Path, rows: list[dict[str, Any]], split: str | None) -> None:
    """A split as save_to_disk writes it, in two files."""
    names = [f"data-0000{number}-of-00002.arrow" for number in range(2)]
    arrow(folder / names[0], rows[:1])
    arrow(folder / names[1], rows[1:])
    files = [{"filename": name} for name in names]
    (folder / "state.json").write_text(json.dumps({"_data_files": files, "_split": split}), encoding="utf-8")
    info = {"license": "mit", "homepage": "", "version": {"version_str": "1.2.0", "major": 1}}
    (folder / "dataset_info.json").write_text(json.dumps(info), encoding="utf-8")


def test_arrow_of_save_to_disk_becomes_items(tmp_path: Path) -> None:
    saved(tmp_path / "set", ROWS, "test")
    arrow(tmp_path / "set" / "cache-0f3a.arrow", ROWS)  # left by Dataset.map; no part of the dataset
    found, _ = imported("hf", tmp_path / "set", tmp_path / "out")
    assert [row.item_id for row in items(tmp_path / "out")] == ["0", "1", "2"]
    assert found.head and (found.head.licence, found.head.version, found.head.source) == ("mit", "1.2.0", None)


def test_several_splits_keep_their_items_apart(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "dataset_dict.json").write_text('{"splits": ["a", "b"]}', encoding="utf-8")
    for split in ("a", "b"):
        saved(tmp_path / "set" / split, ROWS, split)
    imported("hf", tmp_path / "set", tmp_path / "out")
    assert [row.item_id for row in items(tmp_path / "out")] == [f"{split}/{n}" for split in "ab" for n in range(3)]


def test_without_ids_an_item_is_known_by_its_number_in_the_split(tmp_path: Path) -> None:
    rows = [{name: value for name, value in row.items() if name != "id"} for row in ROWS]
    parquet(tmp_path / "set" / "en" / "test-00000-of-00002.parquet", rows[:2])
    parquet(tmp_path / "set" / "en" / "test-00001-of-00002.parquet", rows[2:])
    imported("hf", tmp_path / "set", tmp_path / "out")
    assert [row.item_id for row in items(tmp_path / "out")] == [f"en/test/00000{n}" for n in range(3)]


def test_a_dataset_with_answers_is_answers_to_rate(tmp_path: Path) -> None:
    rows = [row | {"model": f"m{n}", "response": f"A{n}", "response_audio": sound(tone(500 + n))}
            for n, row in enumerate(ROWS)]  # fmt: skip
    parquet(tmp_path / "set" / "test-00000-of-00001.parquet", rows, ["audio", "response_audio"])
    _, done = imported("hf", tmp_path / "set", tmp_path / "out")
    found = answers(tmp_path / "out")
    assert done.items == 0 and [(row.candidate, row.text) for row in found] == [
        ("m0", "A0"),
        ("m1", "A1"),
        ("m2", "A2"),
    ]
    assert (tmp_path / "out" / str(found[1].audio)).read_bytes() == tone(501)
    testset = open_testset(tmp_path / "out")
    with RunFolder(tmp_path / "run", write=True) as run:
        taken = [Intake(run).take(testset, row) for _, row in testset]
    assert [response.status for _, response in taken] == ["ok"] * 3


def as_flac(data: bytes, path: Path) -> bytes:
    samples, rate = soundfile.read(io.BytesIO(data))
    soundfile.write(path, samples, rate, format="FLAC")
    return path.read_bytes()


def test_bytes_are_kept_as_they_are_under_the_suffix_that_they_are(tmp_path: Path) -> None:
    flac = as_flac(tone(), tmp_path / "x.flac")
    rows = [{"id": 1, "audio": sound(flac, "wrong.wav")}, {"id": 2, "audio": sound(tone()[:100], "cut.wav")},
            {"id": 3, "audio": sound(b"\0\1", None)}, {"id": 4, "audio": sound(b"", "empty.ogg")},
            {"id": 5, "audio": sound(None, "beside.wav")}]  # fmt: skip
    parquet(tmp_path / "set" / "test.parquet", rows)
    (tmp_path / "set" / "beside.wav").write_bytes(tone(880))
    _, done = imported("hf", tmp_path / "set", tmp_path / "out")
    names = [str(row.question_audio) for row in items(tmp_path / "out")]
    assert [Path(name).suffix for name in names] == [".flac", ".wav", ".bin", ".ogg", ".wav"] and not done.missing
    assert [(tmp_path / "out" / name).read_bytes() for name in names] == [flac, tone()[:100], b"\0\1", b"", tone(880)]


def test_decoded_samples_are_a_bad_row(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(
        pa.table({"id": [1], "audio": [{"array": [0.0, 0.1], "sampling_rate": 16_000}]}), tmp_path / "x.parquet"
    )
    found = FORMATS["hf"](tmp_path / "x.parquet")
    assert list(found.items) == []
    assert 'row 1, field "audio": got decoded samples' in found.bad_rows[0]


def test_a_missing_column_names_file_and_columns(tmp_path: Path) -> None:
    parquet(tmp_path / "x.parquet", [{"sounds": "a", "words": "b"}], [])
    with pytest.raises(
        InputError, match=r"x\.parquet.*got the columns 'sounds', 'words', expected one of 'question_audio'"
    ):
        FORMATS["hf"](tmp_path)


def test_what_is_incomplete_or_broken_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "a", ROWS, None)
    (tmp_path / "a" / "data-00001-of-00002.arrow").unlink()
    with pytest.raises(InputError, match=r"but not data-00001-of-00002"):
        FORMATS["hf"](tmp_path / "a")
    saved(tmp_path / "b", ROWS, None)
    (tmp_path / "b" / "data-00001-of-00002.arrow").write_bytes(b"no arrow at all")
    with pytest.raises(InputError, match=r"data-00001-of-00002\.arrow.*does not read as an Arrow stream"):
        FORMATS["hf"](tmp_path / "b")
    saved(tmp_path / "c", ROWS, None)
    (tmp_path / "c" / "state.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"state\.json.*cannot be read as JSON"):
        FORMATS["hf"](tmp_path / "c")
    with pytest.raises(InputError, match=r"got no Parquet or Arrow file"):
        FORMATS["hf"](tmp_path / "nowhere")


def test_a_shard_that_breaks_off_in_the_middle_keeps_what_came_before(tmp_path: Path) -> None:
    rows = [{"id": n, "question": f"Q{n}?", "audio": sound(tone(300 + n)), "extra": n} for n in range(300)]
    file = arrow(tmp_path / "a" / "data-00000-of-00001.arrow", rows)
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 3 // 4])
    found = FORMATS["hf"](tmp_path / "a")
    assert len(list(found.items)) == 200
    assert found.bad_rows[0].startswith(f"{file}, row 201, the rest of the file does not read")
