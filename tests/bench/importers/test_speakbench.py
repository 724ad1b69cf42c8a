"""SpeakBench in AudioJudge's files: answers are taken, preferences are counted."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.bench.importers.written import answers, imported, items, jsonl, recording
from wavjudge.bench.importers import FORMATS
from wavjudge.errors import InputError
from wavjudge.types import Comparison

COLUMNS = (
    "instruction_id", "instruction_text", "model_name", "model_audio_path", "gpt4o_audio_path", "position1_result",
    "position1_prediction", "position1_reasoning", "position2_result", "position2_prediction", "position2_reasoning",
)  # fmt: skip


def detailed(path: Path, *models: str, audio: str = "audio_data/1/{}.wav", text: str = "Say ma.") -> Path:
    """A detailed file; every recording that it names lies below its folder."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="tie")
        writer.writeheader()
        for model in models:
            names = {"model_audio_path": audio.format(model), "gpt4o_audio_path": "audio_data/1/gpt4o-audio.wav"}
            writer.writerow({"instruction_id": 1, "instruction_text": text, "model_name": model} | names)
            for name in names.values():
                recording(path.parent / name)
    return path


def test_models_and_the_baseline_are_candidates(tmp_path: Path) -> None:
    _, done = imported("audiojudge", detailed(tmp_path / "detailed_x.csv", "moshi", "gpt4o-audio"), tmp_path / "out")
    assert (done.items, done.rows, done.recordings, done.ratings) == (1, 2, 2, {})
    assert [(row.item_id, row.candidate, row.benchmark) for row in answers(tmp_path / "out")] == [
        ("1", "moshi", "speakbench"), ("1", "gpt4o-audio", "speakbench"),
    ]  # fmt: skip
    assert [(row.item_id, row.question_text) for row in items(tmp_path / "out")] == [("1", "Say ma.")]


def test_what_the_judge_preferred_becomes_comparisons_in_both_orders(tmp_path: Path) -> None:
    name = "detailed_speakbench_lexical_cot_0_shots_none_transcript_single_turn_gpt_4o_20250525_044518.csv"
    path = detailed(tmp_path / name, "moshi", "gpt4o-audio")
    path.write_text(
        path.read_text().replace(",tie,tie,tie,tie,tie,tie", ",loss,2,worse,win,2,better"), encoding="utf-8"
    )
    found, done = imported("audiojudge", path, tmp_path / "out")
    lines = (tmp_path / "out" / "comparisons.jsonl").read_text(encoding="utf-8").splitlines()
    made = [Comparison.model_validate_json(line) for line in lines]
    assert [(one.outcome, one.shown_first, one.justification, one.repeat) for one in made] == [
        ("b", "a", "worse", 0), ("a", "b", "better", 1)]  # fmt: skip
    assert {(one.first.candidate, one.second.candidate, one.rater, one.rater_kind, one.axis) for one in made} == {
        ("moshi", "gpt4o-audio", "audiojudge:gpt_4o", "model", "speakbench_lexical")}  # fmt: skip
    assert found.bad_rows == [f"{path}: 1 rows compare the baseline with itself, left out"] and done.rows == 2


def test_files_that_repeat_the_answers_give_them_once_and_summaries_are_named(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    for name in ("detailed_lexical.csv", "detailed_standard.csv"):
        detailed(tmp_path / "all" / name, "moshi")
    (tmp_path / "all" / "summary_x.csv").write_text("model_name,win_rate_pos1\nmoshi,0.5\n", encoding="utf-8")
    found, done = imported("audiojudge", tmp_path / "all", tmp_path / "out")
    assert (done.items, done.rows) == (1, 2)
    assert [line.rsplit("/", 1)[1] for line in found.bad_rows] == [
        "summary_x.csv: no result file of AudioJudge, passed over"
    ]


def test_another_recording_of_the_same_answer_is_named(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    detailed(tmp_path / "all" / "detailed_a.csv", "moshi")
    detailed(tmp_path / "all" / "detailed_b.csv", "moshi", audio="other/{}.wav")
    found, done = imported("audiojudge", tmp_path / "all", tmp_path / "out")
    assert done.rows == 2 and len(found.bad_rows) == 1
    assert "detailed_b.csv, line 2: another recording for ('1', 'moshi')" in found.bad_rows[0]


def test_a_row_without_its_text_is_told_once(tmp_path: Path) -> None:
    path = detailed(tmp_path / "detailed_a.csv", "moshi", text="")
    found, _ = imported("audiojudge", path, tmp_path / "out")
    assert found.bad_rows == [f'{path}, line 2, field "instruction_text": got nothing, expected a text']


def test_annotations_become_comparisons(tmp_path: Path) -> None:
    vote = {"timestamp": "2025-05-12T05:58:45", "data_ID": 0, "model1": "a", "model2": "b", "preference": "tie"}
    rows = [vote, vote | {"preference": "model2", "who": 1}, vote | {"preference": "c"}, vote | {"model1": None}, "{"]
    path = jsonl(tmp_path / "annotations.jsonl", rows)
    found, done = imported("audiojudge", path, tmp_path / "out")
    assert (done.items, done.rows, done.comparisons, found.unused_fields) == (0, 0, 3, {"who": 1})
    lines = (tmp_path / "out" / "comparisons.jsonl").read_text(encoding="utf-8").splitlines()
    made = [Comparison.model_validate_json(line) for line in lines]
    assert [(one.outcome, one.status, one.repeat) for one in made] == [
        ("tie", "ok", 0), ("b", "ok", 1), (None, "unparseable", 2)]  # fmt: skip
    assert (made[0].first.candidate, made[0].second.candidate, made[0].first.item_id) == ("a", "b", "0")
    assert (made[0].axis, made[0].rater_kind, str(made[0].time)) == (
        "speakbench_overall", "person", "2025-05-12 05:58:45")  # fmt: skip
    assert [problem.removeprefix(str(path))[:37] for problem in found.bad_rows] == [
        ', line 3, field "preference": got \'c\'', ', line 4, field "model1": got nothing',
        ", line 5, expected a JSON object, got"]  # fmt: skip
    with pytest.raises(InputError, match=r"got the columns \['a'\]"):
        FORMATS["audiojudge"](jsonl(tmp_path / "other.jsonl", [{"a": 1}]))
