"""TRACE's pairs: both answers of each, and no preference taken for a score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.importers.written import answers, imported, items, recording, tone
from wavjudge.bench.importers import trace
from wavjudge.errors import InputError
from wavjudge.types import Comparison

ONE: dict[str, Any] = {
    "index": 0, "instruction_path": "audio_data/0/instruction.wav", "instruction_text": "Say potato.",
    "model_a": "moshi", "model_b": "diva+tts", "audio1_path": "audio_data/0/a.wav", "audio2_path": "audio_data/0/b.wav",
    "label": {"content": "1", "voice_quality": "both_good", "paralinguistics": "2", "overall": "both_bad"},
    "instruction_id": 67,
}  # fmt: skip


def source(folder: Path, *rows: Any) -> Path:
    """The file in `data/`, its recordings beside that folder, as in TRACE's repository."""
    for name in ("instruction", "a", "b"):
        recording(folder / "audio_data" / "0" / f"{name}.wav", tone(200 + 10 * len(name) + ord(name[0])))
    path = folder / "data" / "speakbench.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_a_pair_becomes_an_item_and_two_answers(tmp_path: Path) -> None:
    found, done = imported("trace", source(tmp_path / "trace", ONE), tmp_path / "out")
    assert (done.items, done.rows, done.recordings, done.missing, done.ratings) == (1, 2, 3, [], {})
    [item] = items(tmp_path / "out")
    assert (item.item_id, item.benchmark, item.question_text) == ("67", "speakbench", "Say potato.")
    assert item.question_audio and (tmp_path / "out" / item.question_audio).is_file()
    rows = answers(tmp_path / "out")
    assert [(row.item_id, row.candidate, row.attempt) for row in rows] == [("67", "moshi", 0), ("67", "diva+tts", 0)]
    assert [(tmp_path / "out" / (row.audio or "")).read_bytes() for row in rows] == [tone(307), tone(308)]
    assert found.bad_rows == []


def compared(out: Path) -> list[Comparison]:
    lines = (out / "comparisons.jsonl").read_text(encoding="utf-8").splitlines()
    return [Comparison.model_validate_json(line) for line in lines]


def test_preferences_become_comparisons_of_the_answers_that_were_taken(tmp_path: Path) -> None:
    other = ONE | {
        "audio2_path": "audio_data/1/b.wav",
        "label": ONE["label"] | {"content": "2", "overall": "both_good"},
    }
    recording(tmp_path / "trace" / "audio_data" / "1" / "b.wav", tone(900))
    found, done = imported("trace", source(tmp_path / "trace", ONE, other, ONE), tmp_path / "out")
    assert (done.comparisons, done.ratings, found.unused_fields, found.bad_rows) == (12, {}, {}, [])
    rows = compared(tmp_path / "out")
    assert [(row.axis, row.outcome) for row in rows[:4]] == [
        ("trace_content", "a"), ("trace_voice_quality", "both_good"), ("trace_paralinguistics", "b"),
        ("trace_overall", "both_bad"),
    ]  # fmt: skip
    assert [(row.outcome, row.second.attempt, row.repeat) for row in rows if row.axis == "trace_content"] == [
        ("a", 0, 0), ("b", 1, 0), ("a", 0, 1),
    ]  # fmt: skip
    known = {(row.item_id, row.candidate, row.attempt) for row in answers(tmp_path / "out")}
    for row in rows:
        assert {(one.item_id, one.candidate, one.attempt) for one in (row.first, row.second)} <= known
        assert (row.first.candidate, row.first.benchmark, row.rater_kind) == ("moshi", "speakbench", "person")


def test_a_label_that_is_none_is_kept_as_unparseable_and_a_pair_without_an_answer_is_not_compared(
    tmp_path: Path,
) -> None:
    rows = [ONE | {"label": {"content": "3", "speed": "1"}}, ONE | {"model_b": ""}, ONE | {"label": None}]
    found, done = imported("trace", source(tmp_path / "trace", *rows), tmp_path / "out")
    [row] = compared(tmp_path / "out")
    assert (done.comparisons, row.status, row.outcome, row.raw) == (1, "unparseable", None, "3")
    assert any(
        problem.endswith(
            "element 1, field \"label\": got '3', expected one of 1, 2, both_good, both_bad; kept as unparseable"
        )
        for problem in found.bad_rows
    )
    assert any("element 1, field \"label\": got 'speed', expected content" in problem for problem in found.bad_rows)
    assert len(found.bad_rows) == 3


def test_the_same_recording_in_two_pairs_is_one_answer_and_another_one_an_attempt(tmp_path: Path) -> None:
    path = source(
        tmp_path / "trace", ONE, ONE | {"audio1_path": "audio_data/1/a.wav", "audio2_path": "audio_data/1/b.wav"}
    )
    recording(tmp_path / "trace" / "audio_data" / "1" / "a.wav", tone(307))
    recording(tmp_path / "trace" / "audio_data" / "1" / "b.wav", tone(900))
    imported("trace", path, tmp_path / "out")
    assert [(row.candidate, row.attempt) for row in answers(tmp_path / "out")] == [
        ("moshi", 0), ("diva+tts", 0), ("diva+tts", 1),
    ]  # fmt: skip


def test_another_text_under_the_same_id_is_another_item(tmp_path: Path) -> None:
    other = ONE | {"instruction_text": "Say tomato."}
    imported("trace", source(tmp_path / "trace", ONE, other, ONE), tmp_path / "out")
    assert [(row.item_id, row.question_text) for row in items(tmp_path / "out")] == [
        ("67", "Say potato."), ("67#2", "Say tomato."),
    ]  # fmt: skip
    assert {(row.item_id, row.question_text) for row in answers(tmp_path / "out")} == {
        ("67", "Say potato."), ("67#2", "Say tomato."),
    }  # fmt: skip


@pytest.mark.parametrize(
    "row, said",
    [
        ({"index": 1}, 'element 2, field "instruction_id": got None'),
        (ONE | {"model_b": ""}, 'element 2, field "model_b"'),
        (ONE | {"audio1_path": ["a"]}, 'element 2, field "audio1_path"'),
        (ONE | {"instruction_path": 7}, 'element 2, field "instruction_path"'),
        (7, "element 2, expected a JSON object"),
    ],
    ids=str,
)
def test_a_bad_pair_is_told_once_and_the_rest_is_read(tmp_path: Path, row: Any, said: str) -> None:
    path = source(tmp_path / "trace", ONE, row, ONE | {"instruction_id": 68})
    found, done = imported("trace", path, tmp_path / "out")
    assert (done.items, done.rows) == (2, 4)
    assert len(found.bad_rows) == 1 and found.bad_rows[0].startswith(f"{path}, {said}")


def test_a_file_of_another_format_says_which_columns_it_has(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"speakbench\.json: got no column 'instruction_id'.* but 'a'"):
        trace.read(source(tmp_path, {"a": 1}))
    with pytest.raises(InputError, match="got no such file"):
        trace.read(tmp_path / "nowhere")
