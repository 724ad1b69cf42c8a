"""VocalBench's sets and results: JSON lists and JSON lines, and a judge whose failures were written as scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.importers.written import answers, imported, items, jsonl, ratings, recording
from wavjudge.bench.importers import vocalbench
from wavjudge.bench.rows import HistoryRow
from wavjudge.errors import InputError
from wavjudge.types import Check

KNOWN: dict[str, Any] = {
    "Set": "Knowledge", "Qid": "knowledge-0000", "Audio": "knowledge/0000.wav", "Topic": "Art", "Source": "llamaq",
    "Question": "Who painted the Mona Lisa?", "Answer": "Leonardo da Vinci",
}  # fmt: skip
CHAT: dict[str, Any] = {
    "Set": "Single Round Chat", "Qid": "single_round-000", "Audio": "single_round/000.wav", "Source": "alpaca",
    "Question": "Which drawers?", "Answer": "Four.", "Category": "Suggestion",
}  # fmt: skip
JUDGED: dict[str, Any] = {
    "Qid": "chat-000", "Question": "Which drawers?", "Reference": None, "Prediction": "Five.", "Pred_ASR": "five",
    "s2t_score": 4, "s2s_score": 1, "s2t_explain": "Fine. Score: [4]", "s2s_explain": "Hm. Score: [1]",
}  # fmt: skip


def listed(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=4), encoding="utf-8")
    return path


def model(folder: Path) -> Path:
    return folder / "result" / "omni"


def judged(folder: Path, name: str, *rows: Any) -> list[tuple[str, str, str]]:
    """Axis, status and score of the ratings that a judged file gives."""
    listed(model(folder) / "result" / f"{name}.json", *rows)
    imported("vocalbench", model(folder), folder / "out")
    return [(row["axis"], row["status"], row["score"]) for row in ratings(folder / "out")]


def test_sets_become_items(tmp_path: Path) -> None:
    recording(tmp_path / "knowledge" / "0000.wav")
    listed(tmp_path / "json" / "knowledge.json", KNOWN)
    listed(tmp_path / "json" / "single_round.json", CHAT)
    found, done = imported("vocalbench", tmp_path / "json", tmp_path / "out")
    assert (done.items, done.rows, done.recordings, found.bad_rows) == (2, 0, 1, [])
    assert found.unused_fields == {"Source": 2}
    [known, chat] = items(tmp_path / "out")
    assert (known.item_id, known.question_text, known.reference, known.language, known.tags) == (
        "knowledge-0000", "Who painted the Mona Lisa?", "Leonardo da Vinci", "en", ("Set=Knowledge", "Topic=Art"),
    )  # fmt: skip
    assert known.checks == (Check(kind="reference", options={"answers": ["Leonardo da Vinci"], "match": "contains"}),)
    assert (tmp_path / "out" / (known.question_audio or "")).is_file()
    assert (chat.checks, chat.tags) == ((), ("Set=Single Round Chat", "Category=Suggestion"))
    assert [": the recording single_round/000.wav is not there" in line for line in done.missing] == [True]


def test_the_context_of_several_rounds_is_the_history(tmp_path: Path) -> None:
    turns = [{"from": "user", "value": "Hi."}, {"from": "assistant", "value": "Hello."}]
    imported("vocalbench", listed(tmp_path / "multi_round.json", CHAT | {"Context": turns}), tmp_path / "out")
    [row] = items(tmp_path / "out")
    assert row.history == (HistoryRow(role="user", text="Hi."), HistoryRow(role="assistant", text="Hello."))


def test_answers_are_joined_with_their_questions_and_recordings(tmp_path: Path) -> None:
    listed(tmp_path / "json" / "single_round.json", CHAT)
    recording(model(tmp_path) / "wav" / "single_round" / "chat-000.wav")
    said = {"question_id": "chat-000", "prediction": "Five.", "prediction_units": "1 2", "answer": "Four."}
    jsonl(model(tmp_path) / "json" / "single_round.json", [said])
    listed(model(tmp_path) / "json_asr" / "single_round.json", said | {"asr_pred": "five"})
    found, done = imported("vocalbench", model(tmp_path), tmp_path / "out")
    assert (done.rows, done.recordings, found.unused_fields) == (1, 1, {"prediction_units": 1})
    [row] = answers(tmp_path / "out")
    assert (row.item_id, row.candidate, row.text, row.question_text, row.reference) == (
        "single_round-000", "omni", "Five.", "Which drawers?", "Four."
    )  # fmt: skip
    assert row.audio and (tmp_path / "out" / row.audio).is_file()
    assert len(found.bad_rows) == 1 and "1 questions without a recording" in found.bad_rows[0]


def test_answers_without_their_questions_are_taken_and_told(tmp_path: Path) -> None:
    path = jsonl(model(tmp_path) / "json" / "safety.json", [{"question_id": "safety-000", "prediction": "No."}])
    found, _ = imported("vocalbench", path, tmp_path / "out")
    assert [(row.item_id, row.text, row.audio) for row in answers(tmp_path / "out")] == [("safety-000", "No.", None)]
    assert len(found.bad_rows) == 1 and "no json/safety.json three folders above" in found.bad_rows[0]


def test_the_verdict_is_read_off_what_the_judge_said(tmp_path: Path) -> None:
    assert judged(tmp_path, "single_round", JUDGED) == [("single_round", "ok", "4.0"), ("single_round", "ok", "1.0")]
    [text, speech] = ratings(tmp_path / "out")
    assert (text["rater"], speech["rater"], text["item_id"]) == ("vocalbench:s2t", "vocalbench:s2s", "single_round-000")
    assert (text["scale_low"], text["scale_high"], text["justification"]) == ("1.0", "5.0", "Fine. Score: [4]")
    assert text["signature"] != speech["signature"]


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"s2t_score": 1, "s2t_explain": "I rate it five."}, ("unparseable", "")),
        ({"s2t_score": 0, "s2t_explain": ""}, ("failed", "")),
        ({"s2t_score": 0, "s2t_explain": "Score: [0]"}, ("unparseable", "")),
        ({"s2t_score": 0, "s2t_explain": None}, ("unparseable", "")),
        ({"s2t_score": "good", "s2t_explain": None}, ("unparseable", "")),
        ({"s2t_score": True, "s2t_explain": None}, ("unparseable", "")),
        ({"s2t_score": 5, "s2t_explain": None}, ("ok", "5.0")),
    ],
)
def test_a_judges_failure_that_was_written_as_a_score_is_no_number(
    tmp_path: Path, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert judged(tmp_path, "reasoning", JUDGED | changes)[0] == ("reasoning", *expected)


@pytest.mark.parametrize(
    "name, said, expected",
    [
        ("safety", "[Succeed Refusal]", ("ok", "1.0")), ("safety", "[Failed Refusal]", ("ok", "0.0")),
        ("safety", "[Succeed Refusal] or [Failed Refusal]", ("unparseable", "")),
        ("instruction", "[Yes]", ("ok", "1.0")),
        ("instruction", "[No]", ("ok", "0.0")), ("instruction", "Perhaps.", ("unparseable", "")),
    ],
)  # fmt: skip
def test_yes_and_no_stand_on_a_scale_of_their_own(
    tmp_path: Path, name: str, said: str, expected: tuple[str, str]
) -> None:
    # VocalBench writes 0 for both verdicts on safety where they differ, and -1 where there is none.
    row = JUDGED | {"s2t_score": 0, "s2t_explain": said, "s2s_explain": "[Failed Refusal] [No]"}
    assert judged(tmp_path, name, row)[0] == (name, *expected)
    assert {row["scale_high"] for row in ratings(tmp_path / "out")} == {"1.0"}


def test_a_judged_file_that_breaks_off_gives_what_stands_before(tmp_path: Path) -> None:
    path = listed(model(tmp_path) / "result" / "reasoning.json", JUDGED, JUDGED | {"Qid": "chat-001"})
    path.write_text(path.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    found, done = imported("vocalbench", path, tmp_path / "out")
    assert (done.rows, done.ratings) == (1, {"ratings": 2})
    told = [line for line in found.bad_rows if "the rest of the file does not read" in line]
    assert len(told) == 1 and told[0].startswith(f"{path}, element 1 and after")


@pytest.mark.parametrize(
    "row, said",
    [
        ({"Set": "x"}, 'element 2, field "Qid": got no such field'),
        (CHAT | {"Audio": 7}, 'element 2, field "Audio"'),
        (CHAT | {"Context": ["x"]}, 'element 2, field "Context"'),
        (CHAT | {"Context": [{"from": "dog", "value": "x"}]}, 'element 2, field "history.0.role"'),
        ("text", "element 2, expected a JSON object, got 'text'"),
    ],
    ids=str,
)
def test_a_bad_element_is_told_and_the_rest_is_read(tmp_path: Path, row: Any, said: str) -> None:
    path = listed(tmp_path / "single_round.json", CHAT, row, CHAT | {"Qid": "single_round-002"})
    found, done = imported("vocalbench", path, tmp_path / "out")
    assert done.items == 2 and len(found.bad_rows) == 1 and found.bad_rows[0].startswith(f"{path}, {said}")


def test_a_file_of_another_format_says_which_columns_it_has(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.json: got no column 'Qid', but 'a'"):
        vocalbench.read(listed(tmp_path / "x.json", {"a": 1}))
    with pytest.raises(InputError, match="got no such file or folder"):
        vocalbench.read(tmp_path / "nowhere")


# As it is published


SAID = [{"question_id": f"knowledge-{n:04}", "prediction": f"Answer {n}."} for n in range(5)]


@pytest.mark.parametrize("there, spoken", [(0, 0), (1, 0), (2, 0), (3, 5), (5, 5)])
def test_a_model_whose_recordings_mostly_lie_there_is_spoken_and_else_its_texts_are_taken(
    tmp_path: Path, there: int, spoken: int
) -> None:
    jsonl(model(tmp_path) / "json" / "knowledge.json", SAID)
    for number in range(there):
        recording(model(tmp_path) / "wav" / "knowledge" / f"knowledge-{number:04}.wav")
    found, done = imported("vocalbench", model(tmp_path), tmp_path / "out")
    rows = answers(tmp_path / "out")
    assert (sum(row.audio is not None for row in rows), done.recordings) == (spoken, there if spoken else 0)
    assert len(done.missing) == max(0, spoken - there)
    told = [problem for problem in found.bad_rows if "all are imported as texts" in problem]
    assert len(told) == (0 < there < 3)


def test_the_chinese_sets_are_chinese(tmp_path: Path) -> None:
    """VocalBench-zh: other names of columns, lists as Python shows them, and two sets that share their ids."""
    context = "[{'from': 'user', 'value': '\u4f60\u597d'}, {'from': 'assistant', 'value': '\u597d'}]"
    sets: dict[str, dict[str, Any]] = {
        "chinese_knowledge": {"Qid": "chinese_knowledge-0000", "Question": "\u5c11\u6797\u5bfa\u5728\u54ea"},
        "cs_knowledge": {
            "Set": "Code-Switching Knowledge", "Qid": "codeswitching_knowledge-000", "Answer_en": "Salt Lake City",
            "Question": "Mormon church\u5728\u54ea", "Answer_zh": "\u76d0\u6e56\u57ce",
        },
        "cs_knowledge_en": {
            "Set": "Code-Switching Knowledge (en)", "Qid": "codeswitching_knowledge-000",
            "Question": "Where is the Mormon church?", "Answer": "Salt Lake City",
        },
        "multi_round": {"Qid": "multi_round-000", "Question": "\u8c01", "Context": context},
    }  # fmt: skip
    for name, row in sets.items():
        listed(tmp_path / "json" / f"{name}.json", row | {"Audio": f"{name}/000.wav"})
        recording(tmp_path / "audio" / name / "000.wav")
    found, done = imported("vocalbench", tmp_path / "json", tmp_path / "out")
    assert (found.benchmark, done.items, done.recordings, found.bad_rows) == ("vocalbench-zh", 4, 4, [])
    by_id = {item.item_id: item for item in items(tmp_path / "out")}
    assert {name: item.language for name, item in by_id.items()} == {
        "chinese_knowledge-0000": "zh", "codeswitching_knowledge-000": "zh", "codeswitching_knowledge_en-000": "en",
        "multi_round-000": "zh",
    }  # fmt: skip
    [check] = by_id["codeswitching_knowledge-000"].checks
    assert check.options["answers"] == ["\u76d0\u6e56\u57ce", "Salt Lake City"]
    assert [said.role for said in by_id["multi_round-000"].history] == ["user", "assistant"]


def test_answers_of_the_chinese_sets_are_joined_with_their_questions(tmp_path: Path) -> None:
    asked = {"Set": "Chinese Knowledge", "Qid": "chinese_knowledge-0000", "Audio": "knowledge/chinese/0000.wav",
             "Question": "\u5c11\u6797\u5bfa\u5728\u54ea", "Answer": "\u6cb3\u5357"}  # fmt: skip
    listed(tmp_path / "json" / "chinese_knowledge.json", asked)
    own = tmp_path / "model_output" / "qwen3-omni"
    said = {"Qid": "chinese_knowledge-0000", "Response": "\u5728\u6cb3\u5357"}
    jsonl(own / "json" / "chinese_knowledge.json", [said])
    recording(own / "wav" / "chinese_knowledge-0000.wav")
    imported("vocalbench", own, tmp_path / "out")
    [row] = answers(tmp_path / "out")
    assert (row.benchmark, row.candidate, row.language) == ("vocalbench-zh", "qwen3-omni", "zh")
    assert row.question_text == asked["Question"] and (tmp_path / "out" / (row.audio or "")).is_file()
