"""URO-Bench: test.jsonl, the four files of a model's answers, output_with_text.jsonl, result_MODE.jsonl."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.bench.importers.written import answers, imported, items, jsonl, ratings, recording, tone
from wavjudge.bench.importers import FORMATS
from wavjudge.errors import InputError

SINGLE = [
    {"source_wav": "audio/1.wav", "source_text": "Hi?", "target_text": "Hello."},
    {"source_wav": "audio/2.wav", "source_text": "Two?", "target_text": ["2", "two"], "emotion": "happy", "x": 1},
    {"source_wav": "audio/3.wav", "source_text": "Three?"},
]
ROUNDS = {
    "id": 7, "num_round": 2, "dialogue": [
        {"round": 0, "source_wav": "wav/7-0.wav", "source_text": "My name is Ann.", "target_text": "Hello Ann."},
        {"round": 1, "source_wav": "wav/7-1.wav", "source_text": "Who am I?", "target_text": "Ann."},
    ],
}  # fmt: skip


def data(root: Path) -> Path:
    jsonl(root / "basic" / "AlpacaEval-zh" / "test.jsonl", SINGLE)
    for number in (1, 2, 3):
        recording(root / "basic" / "AlpacaEval-zh" / "audio" / f"{number}.wav", tone(300 + number))
    jsonl(root / "pro" / "SpeakerAware-en" / "test.jsonl", [ROUNDS])
    for number in (0, 1):
        recording(root / "pro" / "SpeakerAware-en" / "wav" / f"7-{number}.wav", tone(400 + number))
    return root


def log(root: Path, *, scores: list[Any] | None = None, mode: str = "open") -> Path:
    """A model's answers to three questions, and to two rounds."""
    out = root / "my-model" / "eval" / "basic" / "AlpacaEval-zh"
    for name, word in (("question_text", "Q"), ("pred_text", "P"), ("gt_text", "R"), ("asr_text", "W")):
        jsonl(out / f"{name}.jsonl", [{f"{n:04}": f"{word}{n}"} for n in range(3)])
    for number in range(3):
        recording(out / "audio" / f"{number:04}.wav", tone(500 + number))
    if scores is not None:
        rows = [{"question": f"Q{n}", "answer": f"W{n}", "score": score} for n, score in enumerate(scores)]
        jsonl(out / "eval_with_asr" / f"result_{mode}.jsonl", [*rows, {"final_score": 61.2}])
    return root / "my-model"


def test_what_was_put_in_comes_out(tmp_path: Path) -> None:
    found, done = imported("urobench", data(tmp_path / "uro"), tmp_path / "out")
    assert (done.items, done.rows, done.recordings, done.missing, found.bad_rows) == (4, 0, 5, [], [])
    assert found.unused_fields == {"x": 1}
    one, two, three, rounds = items(tmp_path / "out")
    assert [row.item_id for row in (one, two, three)] == [f"basic/AlpacaEval-zh/000{n}" for n in range(3)]
    assert (one.question_text, one.reference, one.language) == ("Hi?", "Hello.", "zh")
    assert (two.reference, three.reference) == ("2 / two", None)
    assert two.tags == ("level=basic", "dataset=AlpacaEval-zh", "emotion=happy")
    assert (tmp_path / "out" / str(two.question_audio)).read_bytes() == tone(302)
    assert (rounds.item_id, rounds.reference, rounds.language) == ("pro/SpeakerAware-en/7", "Ann.", "en")
    assert [turn.text for turn in rounds.turns] == ["My name is Ann.", "Who am I?"]
    assert (tmp_path / "out" / str(rounds.turns[1].audio)).read_bytes() == tone(401)


def test_a_single_test_set_may_be_named_by_its_file(tmp_path: Path) -> None:
    file = data(tmp_path / "uro") / "basic" / "AlpacaEval-zh" / "test.jsonl"
    assert next(FORMATS["urobench"](file).items)[1].item_id == "basic/AlpacaEval-zh/0000"


def test_answers_know_item_candidate_text_and_recording(tmp_path: Path) -> None:
    found, done = imported("urobench", log(tmp_path), tmp_path / "out")
    assert (done.rows, done.missing, found.bad_rows) == (3, [], [])
    assert [(r.item_id, r.candidate, r.question_text, r.text, r.reference) for r in answers(tmp_path / "out")] == [
        (f"basic/AlpacaEval-zh/000{n}", "my-model", f"Q{n}", f"P{n}", f"R{n}") for n in range(3)
    ]
    assert [(tmp_path / "out" / str(r.audio)).read_bytes() for r in answers(tmp_path / "out")] == [
        tone(500 + n) for n in range(3)
    ]


def test_items_and_answers_meet_on_the_same_ids(tmp_path: Path) -> None:
    data(tmp_path / "both" / "data")
    log(tmp_path / "both")
    imported("urobench", tmp_path / "both", tmp_path / "out")
    assert {row.item_id for row in answers(tmp_path / "out")} < {row.item_id for row in items(tmp_path / "out")}


def test_answers_of_several_rounds_are_one_row(tmp_path: Path) -> None:
    out = tmp_path / "m" / "eval" / "pro" / "SpeakerAware-en"
    dialogue = [turn | {"output_text": f"A{n}"} for n, turn in enumerate(ROUNDS["dialogue"])]  # type: ignore[arg-type]
    jsonl(out / "output_with_text.jsonl", [ROUNDS | {"dialogue": dialogue}, {"id": 8, "dialogue": []}])
    for number in (0, 1):
        recording(out / "7" / f"chat_{number}.wav", tone(600 + number))
    jsonl(out / "eval_with_asr" / "result_sa.jsonl", [{"round": 2, "score": ["4", "5", "x"]}, {"final_score": 80}])
    found, done = imported("urobench", tmp_path / "m", tmp_path / "out")
    [row] = answers(tmp_path / "out")
    assert (row.item_id, row.candidate) == ("pro/SpeakerAware-en/7", "m") and done.missing == []
    assert [answer.text for answer in row.answers] == ["A0", "A1"] and row.turns[1].text == "Who am I?"
    assert [(r["item_id"], r["turn"], r["axis"], r["score"]) for r in ratings(tmp_path / "out")] == [
        ("pro/SpeakerAware-en/7", "1", "uro_sa", "4.0"), ("pro/SpeakerAware-en/7", "1", "uro_sa", "5.0"),
        ("pro/SpeakerAware-en/7", "1", "uro_sa", "")]  # fmt: skip
    assert found.bad_rows == [
        f'{out / "output_with_text.jsonl"}, line 2, field "dialogue": got [], expected a list of rounds'
    ]


def test_zero_is_a_failure_and_no_score(tmp_path: Path) -> None:
    imported("urobench", log(tmp_path, scores=[["5", "4", "5"], [0, 0, 0], ["3", "good", "9"]]), tmp_path / "out")
    found = ratings(tmp_path / "out")
    assert [row["score"] for row in found] == ["5.0", "4.0", "5.0", "", "", "", "3.0", "", ""]
    assert {row["axis"] for row in found} == {"uro_open"} and found[3]["status"] == "unparseable"
    assert {(row["item_id"], row["candidate"], row["benchmark"]) for row in found} == {
        (row.item_id, row.candidate, row.benchmark) for row in answers(tmp_path / "out")
    }


@pytest.mark.parametrize("scores, said", [(3, []), (4, ["1 line of scores more"]), (1, ["2 lines of scores fewer"])])
def test_scores_that_fall_out_of_step_with_the_answers_are_told(tmp_path: Path, scores: int, said: list[str]) -> None:
    found, _ = imported("urobench", log(tmp_path, scores=[["5"]] * scores), tmp_path / "out")
    assert [row.split("got ")[1].split(" than there are")[0] for row in found.bad_rows] == said
    assert len(ratings(tmp_path / "out")) == min(scores, 3)


@pytest.mark.parametrize(
    "mode, scores, said",
    [("qa", [["Yes", "No", "Yes"], [0, 0, 0], ["Maybe"]], ["1.0", "0.0", "1.0", "", "", "", ""]),
     ("srt", [4, 0, 5], ["4.0", "", "5.0"]), ("semi_open", [["1"], ["2"], ["3"]], ["1.0", "2.0", "3.0"])],
)  # fmt: skip
def test_each_mode_is_an_axis(tmp_path: Path, mode: str, scores: list[Any], said: list[str]) -> None:
    imported("urobench", log(tmp_path, scores=scores, mode=mode), tmp_path / "out")
    found = ratings(tmp_path / "out")
    assert [row["score"] for row in found] == said and {row["axis"] for row in found} == {f"uro_{mode}"}
    assert {row["rater"] for row in found} == {"urobench:mark_gemini" if mode == "srt" else "urobench:mark_gpt"}


def test_results_that_rate_no_answer_on_a_scale_are_left(tmp_path: Path) -> None:
    imported_, done = imported("urobench", log(tmp_path, scores=[["5"]], mode="wer"), tmp_path / "out")
    assert done.ratings == {} and "ratings" not in imported_.tables


def test_files_out_of_step_and_bad_lines_are_told(tmp_path: Path) -> None:
    model = log(tmp_path)
    out = model / "eval" / "basic" / "AlpacaEval-zh"
    jsonl(out / "gt_text.jsonl", [{"0000": "R0"}, {"0002": "R2"}])
    jsonl(out / "pred_text.jsonl", [{"0000": "P0"}, '{"0001": "P1", "b": 2}', {"0001": "P1"}, {"0002": "P2"}])
    found, done = imported("urobench", model, tmp_path / "out")
    assert [(row.text, row.reference) for row in answers(tmp_path / "out")] == [
        ("P0", "R0"),
        ("P1", None),
        ("P2", None),
    ]
    assert found.bad_rows == [
        f"{out / 'pred_text.jsonl'}, line 2, expected one key a line, got 2",
        f"{out / 'gt_text.jsonl'}, line 2: got '0002', expected the key '0001'; left out from here on",
    ]
    assert done.missing == []


def test_an_answer_without_a_recording_stays_and_is_told(tmp_path: Path) -> None:
    model = log(tmp_path)
    (model / "eval" / "basic" / "AlpacaEval-zh" / "audio" / "0001.wav").unlink()
    _, done = imported("urobench", model, tmp_path / "out")
    assert done.rows == 3 and len(done.missing) == 1 and "audio/0001.wav is not there; the nearest" in done.missing[0]


def test_a_bad_item_is_told_and_a_folder_of_neither_is_refused(tmp_path: Path) -> None:
    jsonl(
        tmp_path / "pro" / "X" / "test.jsonl", [{"source_wav": 3, "source_text": "a"}, "{", {"dialogue": 1}, SINGLE[0]]
    )
    found = FORMATS["urobench"](tmp_path)
    assert [row.item_id for _, row in found.items] == ["pro/X/0003"]
    assert ['field "source_wav"' in found.bad_rows[0], "what is no JSON" in found.bad_rows[1], 'field "dialogue"' in
            found.bad_rows[2]] == [True] * 3  # fmt: skip
    with pytest.raises(InputError, match=r"got neither a test\.jsonl nor"):
        FORMATS["urobench"](tmp_path / "nothing")


def test_ratings_of_a_refused_answer_are_left_out_and_told(tmp_path: Path) -> None:
    root = log(tmp_path, scores=[[5, 5, 5], [1, 1, 1], [4, 4, 4]])
    answered = root / "eval" / "basic" / "AlpacaEval-zh" / "pred_text.jsonl"
    lines = answered.read_text(encoding="utf-8").splitlines()
    answered.write_text("\n".join([lines[0], "{", lines[2]]) + "\n", encoding="utf-8")
    found, done = imported("urobench", tmp_path, tmp_path / "out")
    assert done.rows == 2 and [row["score"] for row in ratings(tmp_path / "out")] == ["5.0"] * 3 + ["4.0"] * 3
    assert any("3 ratings left out" in said for said in found.bad_rows)


@pytest.mark.parametrize("place", ["outside", "circle", "twin", "nowhere"])
def test_a_linked_folder_of_a_set_is_named(tmp_path: Path, place: str) -> None:
    root = data(tmp_path / "uro")
    aim = {"outside": tmp_path / "far", "circle": root, "twin": root / "pro", "nowhere": tmp_path / "gone"}[place]
    jsonl(tmp_path / "far" / "test.jsonl", SINGLE)
    (root / "basic" / "Linked-en").symlink_to(aim)
    found, done = imported("urobench", root, tmp_path / "out")
    assert done.items == 4
    assert any(said.startswith(f"{root / 'basic' / 'Linked-en'}: got a link to a folder") for said in found.bad_rows)


def test_where_all_sets_are_linked_the_error_names_them(tmp_path: Path) -> None:
    data(tmp_path / "far")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "basic").symlink_to(tmp_path / "far" / "basic")
    with pytest.raises(InputError, match="basic: got a link to a folder, which is not followed"):
        FORMATS["urobench"](tmp_path / "in")
