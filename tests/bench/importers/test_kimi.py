"""Kimi-Audio-Evalkit's files: test sets, and what a model said to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.bench.importers.written import answers, imported, items, jsonl, recording
from wavjudge.bench.answers import open_testset
from wavjudge.bench.importers import kimi
from wavjudge.bench.ingest import Intake
from wavjudge.bench.rows import HistoryRow, SaidRow
from wavjudge.errors import InputError
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Check

ONE: dict[str, Any] = {
    "index": 0, "question": "", "audio_content": "Who painted the Mona Lisa?", "audio_path": "sd-qa/0.wav",
    "subset": "sd-qa", "task_type": "audio2text", "answer": "Leonardo da Vinci",
}  # fmt: skip


def source(folder: Path, *rows: dict[str, Any] | str, name: str = "sd-qa") -> Path:
    recording(folder / "sd-qa" / "0.wav")
    return jsonl(folder / f"{name}.jsonl", rows)


def test_a_line_becomes_an_item(tmp_path: Path) -> None:
    found, done = imported("kimi", source(tmp_path / "set", ONE, ONE | {"index": 1, "extra": 1}), tmp_path / "out")
    assert (done.items, done.rows, done.recordings, found.bad_rows) == (2, 0, 1, [])
    assert found.unused_fields == {"extra": 1}
    [row, _] = items(tmp_path / "out")
    assert (row.item_id, row.benchmark, row.question_text, row.reference, row.tags) == (
        "0", "sd-qa", "Who painted the Mona Lisa?", "Leonardo da Vinci", ("subset=sd-qa", "task_type=audio2text"),
    )  # fmt: skip
    assert row.question_audio == "audio/sd-qa/0.wav" and (tmp_path / "out" / row.question_audio).is_file()


def test_a_written_question_beside_a_recording_stands_before_it(tmp_path: Path) -> None:
    imported("kimi", source(tmp_path / "set", ONE | {"question": "Transcribe."}), tmp_path / "out")
    [row] = items(tmp_path / "out")
    assert row.history == (HistoryRow(role="user", text="Transcribe."),)
    assert row.asked() == (SaidRow(text="Who painted the Mona Lisa?", audio="audio/sd-qa/0.wav"),)


def test_a_path_relative_to_a_folder_above_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "evalkit"
    recording(folder / "data" / "voicebench" / "1.wav")
    row = ONE | {"audio_path": "data/voicebench/1.wav"}
    _, done = imported("kimi", jsonl(folder / "data" / "voicebench" / "sd-qa.jsonl", [row]), tmp_path / "out")
    assert (done.recordings, done.missing) == (1, [])


@pytest.mark.parametrize(
    "changes, checks",
    [
        ({"answer": "B", "audio_content": "What burns?\nA. iron\nB. wood"},
         (Check(kind="choice", options={"answer": "B", "letters": "AB"}),)),
        ({"answer": "A", "audio_content": "Which letter is first?"}, ()),
        ({"answer": "C", "audio_content": "A. iron\nB. wood"}, ()),
        ({"answer": ["Leonardo", "da Vinci"]},
         (Check(kind="reference", options={"answers": ["Leonardo", "da Vinci"]}),)),
        ({"answer": "", "instruction": ["punctuation:no_comma", "length_constraints:number_words"],
          "instruction_kwargs": [{"num_words": None}, {"num_words": 40, "relation": "at least"}]},
         (Check(kind="instruction", options={"id": "punctuation:no_comma", "kwargs": {}}),
          Check(kind="instruction", options={"id": "length_constraints:number_words",
                                             "kwargs": {"num_words": 40, "relation": "at least"}}))),
    ],
)  # fmt: skip
def test_what_can_be_checked_without_a_judge_is_stated(
    tmp_path: Path, changes: dict[str, Any], checks: tuple[Check, ...]
) -> None:
    imported("kimi", source(tmp_path / "set", ONE | changes), tmp_path / "out")
    assert [row.checks for row in items(tmp_path / "out")] == [checks]


def test_an_inference_output_gives_answers_and_items(tmp_path: Path) -> None:
    rows = [
        ONE | {"index": n, "prediction": said, "real_prompt": "x"} for n, said in enumerate(("Leonardo.", "null", ""))
    ]
    folder = tmp_path / "eval" / "Kimi-Audio" / "sd-qa"
    recording(folder / "sd-qa" / "0.wav")
    found, done = imported("kimi", jsonl(folder / "Kimi-Audio_sd-qa.jsonl", rows), tmp_path / "out")
    assert (done.items, done.rows, found.bad_rows, found.unused_fields) == (3, 3, [], {"real_prompt": 3})
    assert [(row.candidate, row.benchmark, row.item_id, row.text, row.status) for row in answers(tmp_path / "out")] == [
        ("Kimi-Audio", "sd-qa", "0", "Leonardo.", "ok"), ("Kimi-Audio", "sd-qa", "1", None, "crashed"),
        ("Kimi-Audio", "sd-qa", "2", None, "ok"),
    ]  # fmt: skip
    assert [row.item_id for row in items(tmp_path / "out")] == ["0", "1", "2"]
    testset = open_testset(tmp_path / "out")
    with RunFolder(tmp_path / "run", write=True) as run:
        outcomes = [Intake(run).take(testset, row)[1].status for _, row in testset]
    assert outcomes == ["ok", "crashed", "no_speech"]


def test_the_outputs_of_two_models_share_their_items(tmp_path: Path) -> None:
    for model in ("Kimi-Audio", "GLM4-Voice"):
        source(tmp_path / "set", ONE | {"prediction": model}, name=f"{model}_alpacaeval_full")
    _, done = imported("kimi", tmp_path / "set", tmp_path / "out")
    assert (done.items, done.rows) == (1, 2)
    assert [(row.benchmark, row.candidate) for row in answers(tmp_path / "out")] == [
        ("alpacaeval_full", "GLM4-Voice"), ("alpacaeval_full", "Kimi-Audio"),
    ]  # fmt: skip


def test_an_answer_can_be_rated_where_the_question_has_no_recording(tmp_path: Path) -> None:
    row = ONE | {"prediction": "Leonardo.", "audio_path": "gone.wav"}
    _, done = imported("kimi", source(tmp_path / "set", row, name="M_sd-qa"), tmp_path / "out")
    assert [(row.question_audio, row.question_text) for row in answers(tmp_path / "out")] == [
        (None, "Who painted the Mona Lisa?")
    ]
    assert [": the recording gone.wav is not there" in line for line in done.missing] == [True]


@pytest.mark.parametrize(
    "line, said",
    [
        ("{", "line 2, expected a JSON object"),
        (ONE | {"index": None}, 'line 2, field "item_id"'),
        (ONE | {"audio_path": ["a.wav", "b.wav"]}, 'line 2, field "audio_path": got 2 recordings'),
        (ONE | {"audio_path": 7}, 'line 2, field "audio_path"'),
        (ONE | {"prediction": ["a"]}, 'line 2, field "prediction": got list'),
        (ONE | {"instruction": ["a"], "instruction_kwargs": []}, 'line 2, field "instruction_kwargs"'),
    ],
    ids=str,
)
def test_a_line_that_cannot_be_used_is_told_once_and_the_rest_is_read(tmp_path: Path, line: Any, said: str) -> None:
    good = ONE | {"prediction": "Leonardo."}
    path = source(tmp_path / "set", good, line, good | {"index": 2}, name="M_sd-qa")
    found, _ = imported("kimi", path, tmp_path / "out")
    assert [row.item_id for row in answers(tmp_path / "out")] == ["0", "2"]
    assert len(found.bad_rows) == 1 and found.bad_rows[0].startswith(f"{path}, {said}")


def test_a_file_of_another_format_says_which_columns_it_has(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.jsonl: got no column 'index', 'audio_path', but 'a'"):
        kimi.read(jsonl(tmp_path / "x.jsonl", [{"a": 1}]))
    with pytest.raises(InputError, match=r"got no \.jsonl file"):
        kimi.read(tmp_path / "nowhere")
