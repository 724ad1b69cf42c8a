"""Questions that lie apart from the answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import wavjudge
from tests.loopback.server import Loopback
from tests.loopback.verdict import wav
from wavjudge.bench.questions import open_questions
from wavjudge.errors import InputError


def tone(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav(0.2, seed=seed))


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two candidates, three items: recordings and nothing else."""
    for candidate in ("alpha", "beta"):
        for number in range(3):
            tone(tmp_path / "rec" / candidate / f"q{number}.wav", len(candidate) * 100 + number)
    return tmp_path / "rec"


def table(path: Path, **more: str) -> Path:
    rows = [{"item_id": f"q{n}", "question_text": f"What is {n}?", **more} for n in range(3)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def rated(recordings: Path, out: Path, questions: Path | None) -> tuple[dict[tuple[str, str], int], Loopback]:
    with Loopback(keep=64) as server:
        run = wavjudge.score(
            recordings, judges=[f"openai:m?base_url={server.openai_url}"], out=out, questions=questions, cache=False
        )
        counts: dict[tuple[str, str], int] = {}
        for rating in run.ratings():
            counts[rating.axis, rating.status] = counts.get((rating.axis, rating.status), 0) + 1
    return counts, server


def test_recordings_with_a_table_of_questions_are_rated_on_every_axis(recordings: Path, tmp_path: Path) -> None:
    counts, server = rated(recordings, tmp_path / "run", table(tmp_path / "questions.jsonl"))
    assert counts == {(axis, "ok"): 6 for axis in ("semantic", "acoustic", "overall")}
    assert all("What is" in received.prompt for received in server.received)


def test_without_questions_the_summary_says_which_judges_were_not_asked_and_why(
    recordings: Path, tmp_path: Path
) -> None:
    from tests.cli.typed import typed

    with Loopback() as server:
        judge = f"openai:m?base_url={server.openai_url}"
        done = typed("score", recordings, "--judge", judge, "--out", tmp_path / "run")
    said = " ".join(done.out.split())
    assert "What the judges were not asked:" in said
    for prompt in ("overall", "semantic"):
        assert f"6 not_applicable: prompt '{prompt}' needs a question" in said
    assert "--questions" in said


def test_a_folder_of_question_recordings_and_texts_named_by_item(recordings: Path, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    for number in range(3):
        tone(asked / f"q{number}.wav", 500 + 10 * number)
    (asked / "q1.txt").write_text("And one?\n", encoding="utf-8")
    counts, server = rated(recordings, tmp_path / "run", asked)
    assert counts == {(axis, "ok"): 6 for axis in ("semantic", "acoustic", "overall")}
    assert {len(received.recordings) for received in server.received} == {2}
    assert sum("And one?" in received.prompt for received in server.received) == 6


def test_a_row_s_own_question_is_kept_and_the_rest_is_joined(tmp_path: Path) -> None:
    tone(tmp_path / "a.wav")
    row = {"item_id": "q0", "audio": "a.wav", "question_text": "Mine?"}
    (tmp_path / "answers.jsonl").write_text(json.dumps(row), encoding="utf-8")
    joined = open_questions(table(tmp_path / "questions.jsonl", reference="zero", language="en")).joined(row)
    assert joined == {**row, "reference": "zero", "language": "en"}


def test_question_recordings_are_found_beside_their_own_table(recordings: Path, tmp_path: Path) -> None:
    far = tmp_path / "elsewhere"
    tone(far / "sound" / "question.wav", 333)
    rows = table(tmp_path / "x.jsonl", question_audio="sound/question.wav")
    shutil.move(rows, far / "items.jsonl")
    counts, server = rated(recordings, tmp_path / "run", far)
    assert counts["overall", "ok"] == 6
    assert {len(received.recordings) for received in server.received} == {2}


def test_ids_that_never_meet_are_an_error_with_the_nearest_names(recordings: Path, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(json.dumps({"item_id": f"Q-{n}", "question_text": "?"}) for n in range(3)), "utf-8")
    with pytest.raises(InputError) as caught:
        wavjudge.score(recordings, judges=["signals"], out=tmp_path / "run", questions=path)
    assert "'q0', 'q1', 'q2'" in str(caught.value) and "'Q-0', 'Q-1', 'Q-2'" in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["missing.jsonl", "empty", "broken.jsonl", "twice"])
def test_questions_that_cannot_be_used_are_said_before_anything_is_sent(
    name: str, recordings: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.jsonl").write_text('{"item_id": "q0"}\n', encoding="utf-8")
    for part in ("a", "b"):
        tone(tmp_path / "twice" / part / "q0.wav")
    with pytest.raises(InputError) as caught:
        wavjudge.score(recordings, judges=["signals"], out=tmp_path / "run", questions=tmp_path / name)
    assert name in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_run_that_began_without_questions_does_not_pass_over_them_in_silence(
    recordings: Path, tmp_path: Path
) -> None:
    rated(recordings, tmp_path / "run", None)
    again = wavjudge.score(
        recordings, judges=["signals"], out=tmp_path / "run", questions=table(tmp_path / "questions.jsonl")
    )
    assert again.summary is not None and len(again.summary.bad_rows) == 6
    assert "another question" in again.summary.bad_rows[0] and "another --out" in again.summary.bad_rows[0]


def test_a_run_folder_has_its_questions(recordings: Path, tmp_path: Path) -> None:
    rated(recordings, tmp_path / "run", None)
    with pytest.raises(InputError, match="holds its questions already"):
        wavjudge.score(tmp_path / "run", judges=["signals"], out=tmp_path / "two", questions=Path("tiny"))


def test_items_are_counted_not_answers_and_the_columns_are_named(recordings: Path, tmp_path: Path) -> None:
    path = tmp_path / "questions.csv"
    path.write_text("item_id,question_text\n0,What?\n1,Who?\n", "utf-8")
    with pytest.raises(InputError) as caught:
        wavjudge.score(recordings, judges=["checks"], out=tmp_path / "run", questions=path)
    said = str(caught.value)
    assert "not one of 3 items has a question here: 'q0', 'q1', 'q2' ('q0' is most like '0')" in said
    assert "the questions here are of '0', '1' (columns: item_id, question_text)" in said


def test_items_without_a_question_among_others_are_named(
    recordings: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "questions.csv"
    path.write_text("item_id,question_text\nq0,What?\nQ1,Who?\n", "utf-8")
    wavjudge.score(recordings, judges=["checks"], axes=["refusal"], out=tmp_path / "run", questions=path)
    (told,) = [record.getMessage() for record in caplog.records if "question" in record.getMessage()]
    assert "2 of 3 items have no question here: 'q1', 'q2' ('q1' is most like 'Q1')" in told


def test_a_row_with_a_question_of_its_own_lacks_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    asked = open_questions(table(tmp_path / "questions.jsonl"))
    asked.require_some([{"item_id": "q0"}, {"item_id": "own", "question_text": "Mine?"}, "a row that does not read"])
    assert not caplog.records


@pytest.mark.parametrize(("text", "what"), [("", "an empty file"), ("item_id,question_text\n", "a file without a row")])
def test_a_table_without_questions_is_said_to_be_so(text: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "questions.csv").write_text(text)
    with pytest.raises(InputError, match=rf"found no question in {what}[\s\S]*columns item_id and question_text"):
        open_questions(tmp_path / "questions.csv")


def test_question_recordings_in_a_format_that_is_not_read_are_not_passed_over(tmp_path: Path) -> None:
    tone(tmp_path / "asked" / "q0.wav")
    for name in ("q1.m4a", "q2.m4a", "q3.wma"):
        (tmp_path / "asked" / name).write_bytes(b"whatever")
    with pytest.raises(InputError, match=r"3 recordings of questions in formats that are not read \(2 .m4a, 1 .wma\)"):
        open_questions(tmp_path / "asked")
