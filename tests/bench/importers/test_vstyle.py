"""VStyle's metadata.jsonl becomes a folder that `wavjudge score` takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.importers.written import jsonl, ratings
from tests.loopback.verdict import wav
from wavjudge.bench.answers import Row, open_testset
from wavjudge.bench.importers import FORMATS, vstyle
from wavjudge.bench.importers.base import write
from wavjudge.bench.ingest import Intake
from wavjudge.errors import InputError
from wavjudge.store.run_folder import RunFolder

REAL = Path(__file__).parents[4] / "shared" / "data" / "vstyle-answers"

ONE: dict[str, Any] = {
    "instruct_text": 'In a child\u2019s voice, say: "Hello."', "ability": "acoustic_attributes/age", "instruct_id": 1,
    "id": 11, "model_name": "model-a", "response_audio_path": "age-1-model-a.wav", "response_text": " Hello. ",
}  # fmt: skip


def source(folder: Path, *rows: dict[str, Any] | str | bytes) -> Path:
    """A folder in VStyle's format; every recording that a row names is there unless its name says otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, row in enumerate(rows):
        lines.append(json.dumps(row, ensure_ascii=False) if isinstance(row, dict) else row)
        name = row.get("response_audio_path") if isinstance(row, dict) else None
        if isinstance(name, str) and "missing" not in name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(wav(0.1, seed=number))
    data = [line if isinstance(line, bytes) else line.encode() for line in lines]
    (folder / "metadata.jsonl").write_bytes(b"\n".join(data) + b"\n")
    return folder


def rows(folder: Path) -> tuple[list[Row], list[str]]:
    imported = vstyle.read(folder)
    found = [row for _, row in imported.rows]
    prefix = str(folder / "metadata.jsonl")
    assert all(problem.startswith(prefix) for problem in imported.bad_rows)
    return found, [problem.removeprefix(prefix).lstrip(", ") for problem in imported.bad_rows]


def test_a_line_becomes_a_row(tmp_path: Path) -> None:
    assert rows(source(tmp_path, ONE)) == (
        [Row(item_id="1", candidate="model-a", question_text=ONE["instruct_text"], text="Hello.", language="en",
             audio="age-1-model-a.wav", tags=("ability=acoustic_attributes/age", "id=11"))], [])  # fmt: skip


def test_one_instruction_answered_by_several_models_is_one_item(tmp_path: Path) -> None:
    found, _ = rows(source(tmp_path, ONE, ONE | {"model_name": "model-b", "id": 12}))
    assert [(row.item_id, row.candidate) for row in found] == [("1", "model-a"), ("1", "model-b")]


def test_the_language_is_read_off_the_script_of_the_instruction(tmp_path: Path) -> None:
    found, _ = rows(source(tmp_path, ONE, ONE | {"instruct_text": "请用孩子的声音说你好", "instruct_id": 2}))
    assert [row.language for row in found] == ["en", "zh"]


@pytest.mark.parametrize("said", ["", "  ", None])
def test_an_answer_without_words_has_no_text(tmp_path: Path, said: str | None) -> None:
    assert rows(source(tmp_path, ONE | {"response_text": said}))[0][0].text is None


def test_opinions_of_nobody_knows_whom_are_counted_not_taken(tmp_path: Path) -> None:
    imported = vstyle.read(source(tmp_path, ONE, ONE | {"instruct_id": 2, "mos": 3.1}))
    list(imported.rows)
    assert (imported.unused_fields, imported.tables) == ({"mos": 1}, {})


def labelled(folder: Path, **labels: list[dict[str, Any]]) -> Path:
    """Two models' answers, judged, and the labels of some annotators."""
    two = ONE | {"id": 12, "model_name": "model-b", "gemini_score": "2", "gemini_raw": "Flat. [[2]]"}
    source(folder, ONE | {"gemini_score": "4.5", "gemini_raw": "Good. [[4.5]]"}, two)
    for annotator, rows in labels.items():
        jsonl(folder / f"{annotator}.jsonl", rows)
    return folder


def test_a_judged_file_gives_ratings(tmp_path: Path) -> None:
    imported = vstyle.read(labelled(tmp_path / "set"))
    done = write(imported, tmp_path / "out")
    assert (done.rows, done.ratings, imported.bad_rows, imported.unused_fields) == (2, {"ratings": 2}, [], {})
    assert [(r["item_id"], r["candidate"], r["axis"], r["score"], r["scale_high"], r["rater"], r["rater_kind"],
             r["justification"]) for r in ratings(tmp_path / "out")] == [
        ("1", "model-a", "overall", "4.5", "5.0", "vstyle:gemini", "model", "Good. [[4.5]]"),
        ("1", "model-b", "overall", "2.0", "5.0", "vstyle:gemini", "model", "Flat. [[2]]"),
    ]  # fmt: skip


@pytest.mark.parametrize("said", ["API failed: 503", "", "nan", "inf", "0", "5.1", True, None, [4]])
def test_a_score_that_is_none_is_unparseable(tmp_path: Path, said: Any) -> None:
    imported = vstyle.read(source(tmp_path / "set", ONE | {"gemini_score": said}))
    done = write(imported, tmp_path / "out")
    [row] = ratings(tmp_path / "out")
    assert (done.rows, row["status"], row["score"]) == (1, "unparseable", "")
    assert len(imported.bad_rows) == 1 and 'line 1, field "gemini_score"' in imported.bad_rows[0]


def test_labels_are_joined_with_the_candidates_of_their_answers(tmp_path: Path) -> None:
    ann = [{"id": 11, "instruct_id": 1, "ability": "x/y", "mos": 4}, {"id": 12, "instruct_id": 1, "mos": "1.5"}]
    imported = vstyle.read(labelled(tmp_path / "set", ann=ann, bob=ann[:1]))
    done = write(imported, tmp_path / "out")
    assert (done.ratings, imported.bad_rows) == ({"ratings": 2, "labels": 3}, [])
    assert [(r["rater"], r["rater_kind"], r["item_id"], r["candidate"], r["axis"], r["score"])
            for r in ratings(tmp_path / "out", "labels")] == [
        ("ann", "person", "1", "model-a", "overall", "4.0"), ("ann", "person", "1", "model-b", "overall", "1.5"),
        ("bob", "person", "1", "model-a", "overall", "4.0"),
    ]  # fmt: skip


def test_labels_of_unknown_or_several_answers_and_no_numbers_are_told(tmp_path: Path) -> None:
    folder = labelled(tmp_path / "set", ann=[
        {"id": 99, "instruct_id": 1, "mos": 4}, {"id": 11, "instruct_id": 1, "mos": "good"},
        {"id": 11, "mos": 4}, {"id": 12, "instruct_id": 1, "mos": 5},
    ])  # fmt: skip
    jsonl(folder / "more.jsonl", [ONE | {"id": 12, "model_name": "model-c"}])
    imported = vstyle.read(folder)
    list(imported.rows)
    found = list(imported.tables["labels"])
    assert [(rating.status, rating.score) for rating in found] == [("unparseable", None)]
    told = [line.removeprefix(f"{folder / 'ann.jsonl'}, line ") for line in imported.bad_rows]
    expected = (
        '1, field "id": no model gave the answer 99', "2, field \"mos\": got 'good', expected a vote",
        '3, field "instruct_id": got no such field', '4, field "id": 2 models gave the answer 12',
    )  # fmt: skip
    assert len(told) == 4 and all(map(str.startswith, told, expected))


def test_labels_as_published_find_their_judged_file(tmp_path: Path) -> None:
    jsonl(tmp_path / "model_eval_res" / "en_res.jsonl", [ONE | {"gemini_score": "4"}])
    jsonl(tmp_path / "human_eval_res" / "en" / "ann.jsonl", [{"id": 11, "instruct_id": 1, "mos": 4}])
    (tmp_path / "model_eval_res" / ONE["response_audio_path"]).write_bytes(wav(0.1))
    done = write(vstyle.read(tmp_path / "human_eval_res" / "en"), tmp_path / "out", outside=True)
    assert (done.rows, done.recordings, done.ratings) == (1, 1, {"ratings": 1, "labels": 1})


def test_labels_alone_do_not_say_whose_answers_they_are_of(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no answers that say which model each is of"):
        vstyle.read(jsonl(tmp_path / "ann.jsonl", [{"id": 11, "instruct_id": 1, "mos": 4}]))


def test_metadata_and_its_judged_copy_give_each_answer_once(tmp_path: Path) -> None:
    folder = source(tmp_path / "set", ONE)
    jsonl(folder / "metadata_with_score.jsonl", [ONE | {"gemini_score": "4"}])
    done = write(vstyle.read(folder), tmp_path / "out")
    assert (done.rows, done.ratings) == (1, {"ratings": 1})


@pytest.mark.parametrize(
    "line, said",
    [
        ("{", "line 2: got a line that is no JSON object"),
        ("[1]", "line 2: got a line that is no JSON object"),
        ('"x"', "line 2: got a line that is no JSON object"),
        ("null", "line 2: got a line that is no JSON object"),
        (b'{"instruct_text": "caf\xe9"}', "line 2: got a line that is no JSON object ('utf-8' codec"),
        ("[" * 100_000, "line 2: got a line that is no JSON object (maximum recursion"),
        ({"instruct_text": "Hi"}, "line 2: got no field 'instruct_id', expected VStyle's instruct_id"),
        (ONE | {"instruct_id": None}, 'line 2, field "item_id"'),
        (ONE | {"instruct_text": None}, "line 2: got no text in 'instruct_text'"),
        (ONE | {"model_name": ""}, 'line 2, field "candidate"'),
        (ONE | {"response_audio_path": ["a"]}, 'line 2, field "audio"'),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_line_that_cannot_be_used_is_told_and_the_rest_is_read(tmp_path: Path, line: Any, said: str) -> None:
    found, bad = rows(source(tmp_path, ONE, line, ONE | {"instruct_id": 3}))
    assert [row.item_id for row in found] == ["1", "3"] and len(bad) == 1 and bad[0].startswith(said)


def test_blank_lines_and_a_byte_order_mark_are_taken(tmp_path: Path) -> None:
    found, bad = rows(source(tmp_path, b"\xef\xbb\xbf" + json.dumps(ONE).encode(), "", "  ", ONE | {"instruct_id": 2}))
    assert [row.item_id for row in found] == ["1", "2"] and bad == []


def test_file_or_folder_may_be_named_and_must_be_there(tmp_path: Path) -> None:
    folder = source(tmp_path / "set", ONE)
    assert [row.item_id for _, row in vstyle.read(folder / "metadata.jsonl").rows] == ["1"]
    with pytest.raises(InputError, match=r"got no such file.*\n?.*metadata.jsonl"):
        vstyle.read(tmp_path)


@pytest.mark.parametrize("keep", ["copy", "reference"])
def test_what_is_written_can_be_scored(tmp_path: Path, keep: Any) -> None:
    folder = source(tmp_path / "set", ONE, ONE | {"instruct_id": 2, "response_audio_path": "deep/2.wav"})
    done = write(FORMATS["vstyle"](folder), tmp_path / "out", keep=keep)
    assert (done.rows, done.recordings, done.missing) == (2, 2, [])
    testset = open_testset(tmp_path / "out")
    with RunFolder(tmp_path / "run", write=True) as run:
        taken = [Intake(run).take(testset, row) for _, row in testset]
    assert [(item.benchmark, item.id, response.status) for item, response in taken] == [
        ("vstyle", "1", "ok"), ("vstyle", "2", "ok")]  # fmt: skip
    assert (tmp_path / "out" / "audio").exists() == (keep == "copy")


def test_a_recording_that_is_not_there_is_told_and_its_row_kept(tmp_path: Path) -> None:
    names = ["missing.wav", "missing" * 1000]
    folder = source(
        tmp_path / "set", *(ONE | {"instruct_id": n, "response_audio_path": name} for n, name in enumerate(names))
    )
    done = write(vstyle.read(folder), tmp_path / "out")
    told = [f": the recording {name[:11]}" in line for name, line in zip(names, done.missing, strict=True)]
    assert done.rows == 2 and told == [True, True]
    assert len(open_testset(tmp_path / "out")) == 2


def test_copies_stay_inside_the_new_folder(tmp_path: Path) -> None:
    folder = source(tmp_path / "set", ONE | {"response_audio_path": "../../up.wav"})
    write(vstyle.read(folder), tmp_path / "out", outside=True)
    [(_, row)] = open_testset(tmp_path / "out")
    assert row.audio == "audio/up.wav" and (tmp_path / "out" / "audio" / "up.wav").is_file()


def test_two_recordings_never_become_one(tmp_path: Path) -> None:
    folder = source(
        tmp_path / "set",
        ONE | {"response_audio_path": "x.wav"},
        ONE | {"instruct_id": 8, "response_audio_path": "../x.wav"},
    )
    with pytest.raises(InputError, match=r"got another recording for audio/x\.wav"):
        write(vstyle.read(folder), tmp_path / "out", outside=True)
    assert not (tmp_path / "out" / "responses.jsonl").exists()


def test_a_folder_that_holds_answers_is_not_written_over(tmp_path: Path) -> None:
    folder = source(tmp_path / "set", ONE)
    write(vstyle.read(folder), tmp_path / "out")
    with pytest.raises(InputError, match=r"already holds .*responses\.jsonl"):
        write(vstyle.read(folder), tmp_path / "out")


@pytest.mark.skipif(not REAL.is_dir(), reason="the real VStyle answers are not beside this checkout")
def test_real_answers_come_through(tmp_path: Path) -> None:
    imported = vstyle.read(REAL)
    done = write(imported, tmp_path / "out", keep="reference")
    assert (done.rows, done.recordings, done.missing, imported.bad_rows, dict(imported.unused_fields)) == (
        16,
        16,
        [],
        [],
        {},
    )
    testset = open_testset(tmp_path / "out")
    with RunFolder(tmp_path / "run", write=True) as run:
        taken = [Intake(run, keep="reference").take(testset, row) for _, row in testset]
    answers = [response.answers[0] for _, response in taken]
    assert testset.bad_rows == [] and {response.status for _, response in taken} == {"ok"}
    assert {item.language for item, _ in taken} == {"en"} and all(answer.text for answer in answers)
    lengths = sorted(answer.audio.seconds for answer in answers if answer.audio)
    assert len(lengths) == 16 and 3 < lengths[0] < 5 and 39 < lengths[-1] < 41
    assert {answer.audio.sample_rate_hz for answer in answers if answer.audio} == {24_000}


@pytest.mark.parametrize("place", ["wav", "audio", "."])
def test_recordings_lie_beside_the_table_or_in_a_folder_beside_it(tmp_path: Path, place: str) -> None:
    """VStyle publishes metadata.jsonl and wav/; its script is told the folder, its table is not."""
    folder = source(tmp_path / "en", ONE)
    (folder / place).mkdir(exist_ok=True)
    (folder / "age-1-model-a.wav").rename(folder / place / "age-1-model-a.wav")
    done = write(vstyle.read(folder), tmp_path / "out")
    assert (done.rows, done.recordings, done.missing) == (1, 1, [])
    [(_, row)] = open_testset(tmp_path / "out")
    assert (tmp_path / "out" / str(row.audio)).is_file()


def test_ratings_of_answers_that_were_refused_are_left_out_and_told(tmp_path: Path) -> None:
    scored = {"gemini_score": "4", "gemini_raw": "[[4]]"}
    rows_ = [
        ONE | scored, ONE | scored | {"id": 12, "model_name": "model-b", "instruct_text": 7},
        ONE | scored | {"id": 13, "gemini_score": "1"}, ONE | scored | {"id": 14, "model_name": "model-c"},
    ]  # fmt: skip
    imported = vstyle.read(source(tmp_path / "set", *rows_))
    done = write(imported, tmp_path / "out")
    assert (done.rows, done.ratings) == (2, {"ratings": 2})
    assert [(r["candidate"], r["score"]) for r in ratings(tmp_path / "out")] == [("model-a", "4.0"), ("model-c", "4.0")]
    assert "2 ratings left out, of answers that were not taken over" in imported.bad_rows[-1]
    assert "the answer of 'model-b' to '1'" in imported.bad_rows[-1]


def test_where_every_answer_is_refused_no_rating_stands(tmp_path: Path) -> None:
    imported = vstyle.read(source(tmp_path / "set", ONE | {"gemini_score": "4", "instruct_text": 7}))
    assert write(imported, tmp_path / "out").ratings == {"ratings": 0}
