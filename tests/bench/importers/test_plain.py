"""Anybody's table: columns by the names that the field uses, or by those that the user gives."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.bench.importers.written import answers, imported, items, jsonl, parquet, recording, sound, tone
from tests.cli.typed import typed
from wavjudge.bench.importers import plain
from wavjudge.bench.importers.base import write
from wavjudge.bench.rows import HistoryRow
from wavjudge.errors import InputError
from wavjudge.types import Check

ITEM: dict[str, Any] = {"Qid": 7, "source_wav": "q/7.wav", "question": "Why?", "target_text": "So.", "mood": "sad"}
ANSWER: dict[str, Any] = {
    "id": "7",
    "prompt": "Why?",
    "model_name": "m",
    "response": "So.",
    "response_audio_path": "7.wav",
}


def csv_file(path: Path, *rows: dict[str, Any]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_items_by_the_names_of_the_field(tmp_path: Path) -> None:
    recording(tmp_path / "q" / "7.wav")
    found, done = imported("plain", jsonl(tmp_path / "mine.jsonl", [ITEM]), tmp_path / "out")
    assert (done.items, done.rows, done.recordings, found.bad_rows, found.unused_fields) == (1, 0, 1, [], {"mood": 1})
    [row] = items(tmp_path / "out")
    assert (row.item_id, row.question_text, row.reference, row.benchmark) == ("7", "Why?", "So.", "mine")
    assert row.question_audio == "audio/q/7.wav"


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_answers_in_every_kind_of_table(tmp_path: Path, kind: str) -> None:
    recording(tmp_path / "7.wav")
    row = ANSWER | {"attempt": 2, "subset": "x"}
    path = tmp_path / f"mine.{kind}"
    {"jsonl": lambda: jsonl(path, [row]), "csv": lambda: csv_file(path, row), "parquet": lambda: parquet(path, [row])}[
        kind
    ]()
    found, done = imported("plain", path, tmp_path / "out")
    assert (done.items, done.rows, done.recordings, found.bad_rows, found.unused_fields) == (0, 1, 1, [], {})
    [made] = answers(tmp_path / "out")
    assert (made.item_id, made.candidate, made.question_text, made.text, made.attempt, made.audio, made.tags) == (
        "7", "m", "Why?", "So.", 2, "audio/7.wav", ("subset=x",),
    )  # fmt: skip


def test_recordings_inside_a_parquet_column(tmp_path: Path) -> None:
    path = parquet(tmp_path / "mine.parquet", [{"id": "1", "audio": sound(tone()), "text": "Why?"}])
    _, done = imported("plain", path, tmp_path / "out")
    [row] = items(tmp_path / "out")
    assert done.recordings == 1 and (tmp_path / "out" / (row.question_audio or "")).read_bytes() == tone()


def test_a_candidate_without_a_name_is_called_like_the_file(tmp_path: Path) -> None:
    imported("plain", jsonl(tmp_path / "omni.jsonl", [{"id": 1, "prediction": "So."}]), tmp_path / "out")
    assert [row.candidate for row in answers(tmp_path / "out")] == ["omni"]


def test_own_fields_stand_under_their_own_names(tmp_path: Path) -> None:
    row = {"id": 1, "question": "Why?", "history": [{"role": "user", "text": "Hi."}], "answer": ["So.", "Thus."],
           "checks": None, "tags": ["a", "b"]}  # fmt: skip
    imported("plain", jsonl(tmp_path / "mine.jsonl", [row]), tmp_path / "out")
    [made] = items(tmp_path / "out")
    assert (made.history, made.tags) == ((HistoryRow(role="user", text="Hi."),), ("a", "b"))
    assert made.checks == (Check(kind="reference", options={"answers": ["So.", "Thus."]}),)


def test_columns_that_the_user_names_come_first(tmp_path: Path) -> None:
    recording(tmp_path / "7.wav")
    path = jsonl(tmp_path / "mine.jsonl", [{"key": 7, "id": "no", "audio": "7.wav", "frage": "Why?"}])
    chosen = {"item_id": "key", "answer_audio": "audio", "question_text": "frage"}
    found = plain.read(path, chosen)
    write(found, tmp_path / "out")
    [row] = answers(tmp_path / "out")
    assert (row.item_id, row.audio, row.question_audio, row.question_text) == ("7", "audio/7.wav", None, "Why?")
    assert found.unused_fields == {"id": 1}


def test_a_column_that_only_later_rows_have_is_found(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "mine.jsonl", [{"id": 1, "question": "Why?"}, {"id": 2, "question": "How?", "lang": "en"}])
    imported("plain", path, tmp_path / "out")
    assert [row.language for row in items(tmp_path / "out")] == [None, "en"]


@pytest.mark.parametrize(
    "row, said",
    [
        ({"id": None, "prompt": "Why?"}, 'line 2, field "id"'),
        ({"id": 2, "prompt": ["Why?"]}, 'line 2, field "prompt"'),
        ({"id": 2, "prompt": "Why?", "response_audio": 7}, 'line 2, field "response_audio"'),
        ({"id": 2, "prompt": "Why?", "response": {"a": 1}}, 'line 2, field "response"'),
        ({"id": 2, "prompt": "Why?", "status": "sad"}, 'line 2, field "status"'),
        ("[]", "line 2, expected a JSON object"),
    ],
    ids=str,
)
def test_a_bad_row_is_told_by_the_files_own_names(tmp_path: Path, row: Any, said: str) -> None:
    good = {"id": 1, "prompt": "Why?", "response": "So.", "response_audio": None}
    path = jsonl(tmp_path / "mine.jsonl", [good, row, good | {"id": 3}])
    found, _ = imported("plain", path, tmp_path / "out")
    assert [made.item_id for made in answers(tmp_path / "out")] == ["1", "3"]
    assert len(found.bad_rows) == 1 and found.bad_rows[0].startswith(f"{path}, {said}")


@pytest.mark.parametrize(
    "row, chosen, said",
    [
        ({"question": "Why?"}, {}, "got the columns 'question', expected one of 'item_id', 'id'"),
        ({"id": 1, "mood": "sad"}, {}, "got the columns 'id', 'mood', expected one of 'question_audio'"),
        ({"id": 1}, {"question_text": "frage"}, "got no column 'frage', but 'id'"),
        ({"id": 1}, {"frage": "id"}, "got --columns frage=..., expected one of item_id"),
    ],
    ids=str,
)
def test_a_missing_column_is_told_with_those_that_are_there(
    tmp_path: Path, row: Any, chosen: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError) as error:
        plain.read(jsonl(tmp_path / "mine.jsonl", [row]), chosen)
    assert said in str(error.value)


def test_only_a_table_is_read(tmp_path: Path) -> None:
    for name in (".", "mine.xlsx"):
        with pytest.raises(InputError, match="got no table"):
            plain.read(tmp_path / name)


def test_the_command_takes_columns(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "mine.jsonl", [{"key": 7, "frage": "Why?"}])
    words = ("--columns", "item_id=key", "--columns", "question_text=frage")
    done = typed("import", "plain", path, "--out", tmp_path / "out", *words)
    assert (done.code, done.err) == (0, f"1 items -> {tmp_path / 'out'}\n")
    assert [row.question_text for row in items(tmp_path / "out")] == ["Why?"]
    for wrong, said in ((("plain", path, "--columns", "key"), "expected OURS=THEIRS"),
                        (("kimi", path, "--columns", "item_id=key"), "got --columns for kimi")):  # fmt: skip
        refused = typed("import", *wrong, "--out", tmp_path / "other")
        assert refused.code == 2 and said in refused.err
