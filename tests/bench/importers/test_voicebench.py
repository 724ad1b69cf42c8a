"""VoiceBench: Parquet as the Hub has it, the answers of main.py, the scores of api_judge.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.bench.importers.written import answers, imported, items, jsonl, parquet, ratings, sound, tone
from wavjudge.bench.importers import FORMATS
from wavjudge.checks.options import Choice, Instruction, Reference
from wavjudge.errors import InputError
from wavjudge.types import Check

KINDS = {"choice": Choice, "reference": Reference, "instruction": Instruction}
QA = "voicebench_qa"
OPTIONS = "The sun is responsible for\nA. puppies learning\nB. sleeping\nC. plants sprouting\nD. schooling"


def valid(checks: tuple[Check, ...]) -> list[tuple[str, dict[str, Any]]]:
    """The checks, each as the rater `checks` will read it."""
    for check in checks:
        KINDS[check.kind].model_validate(check.options)
    return [(check.kind, check.options) for check in checks]


def test_what_was_put_in_comes_out(tmp_path: Path) -> None:
    data = [tone(300 + 50 * number) for number in range(3)]
    rows = [{"prompt": f"Question {n}?", "audio": sound(data[n], f"{n}.wav"), "output": "theirs"} for n in range(3)]
    parquet(tmp_path / "vb" / "alpacaeval" / "test-00000-of-00002.parquet", rows[:2])
    parquet(tmp_path / "vb" / "alpacaeval" / "test-00001-of-00002.parquet", rows[2:])
    found, done = imported("voicebench", tmp_path / "vb", tmp_path / "out")
    assert (done.items, done.rows, done.recordings, done.missing, found.bad_rows) == (3, 0, 3, [], [])
    assert found.unused_fields == {"output": 3}
    rows_out = items(tmp_path / "out")
    assert [row.item_id for row in rows_out] == [f"alpacaeval/test/000{n}" for n in range(3)]
    assert [row.question_text for row in rows_out] == ["Question 0?", "Question 1?", "Question 2?"]
    assert [(tmp_path / "out" / str(row.question_audio)).read_bytes() for row in rows_out] == data
    assert {(row.language, row.benchmark, row.tags, row.checks) for row in rows_out} == {
        ("en", "voicebench", ("subset=alpacaeval", "split=test"), ())
    }


SUBSETS: list[tuple[str, dict[str, Any], list[tuple[str, dict[str, Any]]]]] = [
    ("sd-qa/usa", {"reference": "Paris"}, [("reference", {"answers": ["Paris"]})]),
    ("openbookqa/test", {"prompt": OPTIONS, "reference": "C"},
     [("choice", {"answer": "C", "options": {"A": "puppies learning", "B": "sleeping", "C": "plants sprouting",
                                             "D": "schooling"}})]),
    ("mmsu/law", {"reference": "B", "question_id": 7}, [("choice", {"answer": "B", "letters": "ABCD"})]),
    ("bbh/test", {"reference": "(A)", "id": "hyperbaton_1"}, [("choice", {"answer": "A", "letters": "AB"})]),
    ("bbh/test", {"reference": "No", "id": "navigate_3"},
     [("choice", {"answer": "B", "options": {"A": "yes", "B": "no"}})]),
    ("ifeval/test",
     {"key": 1000, "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
      "kwargs": [{"num_words": None, "relation": None}, {"num_words": 300.0, "relation": "at least"}]},
     [("instruction", {"id": "punctuation:no_comma", "kwargs": {}}),
      ("instruction", {"id": "length_constraints:number_words",
                       "kwargs": {"num_words": 300, "relation": "at least"}})]),
    ("advbench/test", {}, []),
]  # fmt: skip


@pytest.mark.parametrize("place, cells, checks", SUBSETS, ids=lambda value: value if isinstance(value, str) else "")
def test_what_a_subset_is_scored_by_becomes_a_check(
    tmp_path: Path, place: str, cells: dict[str, Any], checks: list[Any]
) -> None:
    row = {"prompt": "What?", "audio": sound(tone(), None)} | cells
    parquet(tmp_path / "vb" / f"{place}-00000-of-00001.parquet", [row])
    imported("voicebench", tmp_path / "vb", tmp_path / "out")
    [item] = items(tmp_path / "out")
    assert valid(item.checks) == checks and item.item_id == f"{place}/0000"
    assert [tag for tag in item.tags if tag.startswith(("id=", "key=", "question_id="))] == [
        f"{name}={cells[name]}" for name in ("id", "key", "question_id") if name in cells
    ]


@pytest.mark.parametrize(
    "folder", ["alpacaeval/data/test-00000-of-00001.parquet", "alpacaeval/test-00000-of-00001-0f9e.parquet",
               "data/alpacaeval/test.parquet", "alpacaeval/test/0000.parquet"],
)  # fmt: skip
def test_subset_and_split_are_read_off_the_places_that_the_hub_uses(tmp_path: Path, folder: str) -> None:
    parquet(tmp_path / folder, [{"prompt": "Q?", "audio": sound(tone())}])
    root = tmp_path / "alpacaeval" if folder.startswith("alpacaeval/data") else tmp_path
    [(_, item)] = FORMATS["voicebench"](root).items
    assert item.item_id == "alpacaeval/test/0000"


def test_a_single_file_may_be_named(tmp_path: Path) -> None:
    file = parquet(tmp_path / "sd-qa" / "aus-00000-of-00001.parquet",
                   [{"prompt": "Q?", "reference": "x", "audio": sound(tone())}])  # fmt: skip
    [(_, item)] = FORMATS["voicebench"](file).items
    assert item.item_id == "sd-qa/aus/0000"


def test_aliases_of_audio_and_text_are_known(tmp_path: Path) -> None:
    parquet(tmp_path / "commoneval" / "test-00000-of-00001.parquet",
            [{"source_text": "Q?", "source_wav": sound(tone())}], ["source_wav"])  # fmt: skip
    [(_, item)] = FORMATS["voicebench"](tmp_path).items
    assert item.question_text == "Q?" and str(item.question_audio).endswith(".wav")


def test_several_turns_stay_turns(tmp_path: Path) -> None:
    row = {"turns": ["One?", "Two?"], "audio1": sound(tone(300)), "audio2": sound(tone(400))}
    parquet(tmp_path / "mtbench" / "test-00000-of-00001.parquet", [row], ["audio1", "audio2"])
    imported("voicebench", tmp_path, tmp_path / "out")
    [item] = items(tmp_path / "out")
    assert [turn.text for turn in item.turns] == ["One?", "Two?"]
    assert [(tmp_path / "out" / str(turn.audio)).read_bytes() for turn in item.turns] == [tone(300), tone(400)]


@pytest.mark.parametrize(
    "cells, said",
    [
        ({"kwargs": []}, 'field "kwargs": got [], expected a list of 1 objects'),
        ({"instruction_id_list": None}, 'field "instruction_id_list": got None, expected a list'),
    ],
    ids=["kwargs", "ids"],
)
def test_a_bad_row_is_told_and_the_rest_is_read(tmp_path: Path, cells: dict[str, Any], said: str) -> None:
    good = {"prompt": "Q?", "audio": sound(tone()), "instruction_id_list": ["a:b"], "kwargs": [{"n": 1}]}
    parquet(tmp_path / "ifeval" / "test-00000-of-00001.parquet", [good, good | cells, good])
    found, done = imported("voicebench", tmp_path, tmp_path / "out")
    assert done.items == 2 and len(found.bad_rows) == 1
    assert "test-00000-of-00001.parquet, row 2" in found.bad_rows[0] and said in found.bad_rows[0]


@pytest.mark.parametrize("reference", ["E)", "maybe", "yes", "AB"])
def test_a_reference_that_is_no_letter_of_the_subset_is_a_bad_row(tmp_path: Path, reference: str) -> None:
    row = {"prompt": "Q?", "audio": sound(tone()), "reference": reference}
    parquet(tmp_path / "mmsu" / "law-00000-of-00001.parquet", [row])
    found = FORMATS["voicebench"](tmp_path)
    assert list(found.items) == [] and len(found.bad_rows) == 1
    assert f'field "reference": got {reference!r}, expected one of the letters ABCD' in found.bad_rows[0]


def test_audio_may_be_a_path_or_missing(tmp_path: Path) -> None:
    """What lies beside the table is found there; an item without sound can still be asked in writing."""
    parquet(tmp_path / "commoneval" / "test-00000-of-00001.parquet", [{"prompt": "Q?", "audio": "x.wav"}], [])
    parquet(tmp_path / "wildvoice" / "test-00000-of-00001.parquet", [{"prompt": "Q?", "audio": sound(None)}])
    assert [row.question_audio for _, row in FORMATS["voicebench"](tmp_path).items] == ["x.wav", None]


def test_missing_shards_missing_columns_and_broken_files_are_refused(tmp_path: Path) -> None:
    row = {"prompt": "Q?", "audio": sound(tone())}
    parquet(tmp_path / "a" / "mmsu" / "law-00000-of-00002.parquet", [row])
    with pytest.raises(InputError, match=r"got 1 shards, but not law-00001-of-00002"):
        FORMATS["voicebench"](tmp_path / "a")
    file = parquet(tmp_path / "b" / "mmsu" / "law-00000-of-00001.parquet", [{"prompt": "Q?", "sounds": "x"}])
    with pytest.raises(
        InputError, match=rf"{file.name}.*got the columns 'prompt', 'sounds', expected one of 'question_audio'"
    ):
        FORMATS["voicebench"](tmp_path / "b")
    file = parquet(tmp_path / "c" / "mmsu" / "law-00000-of-00001.parquet", [row])
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"does not read as Parquet"):
        FORMATS["voicebench"](tmp_path / "c")
    with pytest.raises(InputError, match=r"got neither Parquet files nor MODEL-SUBSET"):
        FORMATS["voicebench"](tmp_path / "empty")


ANSWER = {"prompt": "Say hi.", "response": " Hi there. "}


@pytest.mark.parametrize(
    "name, item_id, candidate",
    [
        ("naive-alpacaeval-test-audio", "alpacaeval/test/0000", "naive"),
        ("qwen2-omni-7b-alpacaeval_full-test-text", "alpacaeval_full/test/0000", "qwen2-omni-7b"),
        ("glm-sd-qa-usa-audio", "sd-qa/usa/0000", "glm"),
    ],
)
def test_answers_are_text_and_know_item_and_candidate(tmp_path: Path, name: str, item_id: str, candidate: str) -> None:
    jsonl(tmp_path / "in" / f"{name}.jsonl", [ANSWER | {"note": 1}])
    found, _ = imported("voicebench", tmp_path / "in", tmp_path / "out")
    [row] = answers(tmp_path / "out")
    assert (row.item_id, row.candidate, row.text, row.audio, row.question_text) == (
        item_id, candidate, "Hi there.", None, "Say hi.")  # fmt: skip
    assert found.unused_fields == {"note": 1} and not (tmp_path / "out" / "items.jsonl").exists()


def test_scores_become_ratings_of_their_judge_and_never_a_number_from_a_non_number(tmp_path: Path) -> None:
    votes = ["4", "4.5", "[[3]]", "five", "", "nan", "6", None, "between 2 and 3", "[[1]] or [[2]]"]
    jsonl(tmp_path / "in" / "result-naive-alpacaeval-test-audio.jsonl", [ANSWER | {"score": votes}])
    imported("voicebench", tmp_path / "in", tmp_path / "out")
    found = ratings(tmp_path / "out")
    assert [row["score"] for row in found] == ["4.0", "4.5", "3.0"] + [""] * 7
    assert [row["status"] for row in found] == ["ok"] * 3 + ["unparseable"] * 7
    assert {(row["axis"], row["scale_low"], row["scale_high"], row["rater"], row["rater_kind"]) for row in found} == {
        ("voicebench_open", "1.0", "5.0", "voicebench:api_judge", "model")
    }
    assert [row["repeat"] for row in found] == [str(number) for number in range(10)]
    [answer] = answers(tmp_path / "out")
    assert {(row["benchmark"], row["item_id"], row["candidate"]) for row in found} == {
        (answer.benchmark, answer.item_id, answer.candidate)
    }


def test_with_a_reference_the_votes_are_yes_or_no(tmp_path: Path) -> None:
    row = ANSWER | {"reference": "Paris", "score": ["Yes", "no", "Yes."]}
    jsonl(tmp_path / "in" / "result-naive-sd-qa-usa-audio.jsonl", [row])
    imported("voicebench", tmp_path / "in", tmp_path / "out")
    found = [(row["axis"], row["score"], row["status"]) for row in ratings(tmp_path / "out")]
    assert found == [(QA, "1.0", "ok"), (QA, "0.0", "ok"), (QA, "", "unparseable")]


def test_answers_beside_their_scores_are_read_once_and_bad_lines_are_told(tmp_path: Path) -> None:
    rows: list[Any] = [
        ANSWER | {"score": ["4"]},
        "{",
        ANSWER | {"score": "4"},
        ANSWER | {"response": None, "score": []},
    ]
    jsonl(tmp_path / "in" / "m-commoneval-test-audio.jsonl", [ANSWER] * 4)
    jsonl(tmp_path / "in" / "result-m-commoneval-test-audio.jsonl", rows)
    found, done = imported("voicebench", tmp_path / "in", tmp_path / "out")
    assert [row.item_id[-4:] for row in answers(tmp_path / "out")] == ["0000", "0002"]
    assert done.ratings == {"ratings": 1}
    assert [problem.split("jsonl, ")[1][:40] for problem in found.bad_rows] == [
        "line 2, expected a JSON object, got what", 'line 4, field "response": got None, expe',
        "line 3, field \"score\": got '4', expected"]  # fmt: skip


def test_ratings_of_a_refused_answer_are_left_out_and_told(tmp_path: Path) -> None:
    rows = [ANSWER | {"score": ["4", "5"]}, ANSWER | {"response": None, "score": ["1", "1"]}]
    jsonl(tmp_path / "in" / "result-m-commoneval-test-audio.jsonl", rows)
    found, done = imported("voicebench", tmp_path / "in", tmp_path / "out")
    assert done.ratings == {"ratings": 2} and "2 ratings left out" in found.bad_rows[-1]


def test_a_linked_folder_is_named(tmp_path: Path) -> None:
    jsonl(tmp_path / "elsewhere" / "m-commoneval-test-audio.jsonl", [ANSWER])
    jsonl(tmp_path / "in" / "m-alpacaeval-test-audio.jsonl", [ANSWER])
    (tmp_path / "in" / "more").symlink_to(tmp_path / "elsewhere")
    found, done = imported("voicebench", tmp_path / "in", tmp_path / "out")
    assert done.rows == 1
    assert any("more: got a link to a folder, which is not followed" in said for said in found.bad_rows)
