"""A recording that a row names and that is not there: said at once, no outcome, taken in when it is back."""

from __future__ import annotations

from pathlib import Path

import pytest

import wavjudge
from tests.cli.typed import Typed, answers, rows, shell, spec, typed
from tests.loopback.server import Loopback


def scored(file: Path, out: Path, judge: str, *words: object) -> Typed:
    return typed("score", file, "--judge", judge, "--out", out, "--axes", "semantic", *words)


def statuses(run: Path) -> list[str]:
    return [response.status for response in wavjudge.load(run).responses()]


def test_an_unmounted_folder_is_said_and_with_it_back_the_same_command_rates(tmp_path: Path) -> None:
    file = answers(tmp_path, 3)
    away = [path.rename(path.with_suffix(".away")) for path in file.parent.glob("*.wav")]
    with Loopback() as server:
        gone = scored(file, tmp_path / "run", spec(server))
        assert server.requests == 0
        for path in away:
            path.rename(path.with_suffix(".wav"))
        back = scored(file, tmp_path / "run", spec(server))
    assert gone.code == 9 and statuses(tmp_path / "run") == ["ok"] * 3 and back.code == 0
    assert f'missing recording: {file}, line 1, field "audio": the recording a-0.wav is not there' in gone.err
    assert "3 of 3 rows name a recording that is not there. That is no outcome of a candidate" in gone.err
    assert "the nearest name is a-0.away" in gone.err and "no_speech" not in gone.out
    assert "missing" not in back.err and server.requests == 3


@pytest.mark.parametrize("wrong, code", [(1, 0), (2, 9), (3, 9), (4, 9)])
def test_half_of_the_rows_missing_is_a_wrong_input(tmp_path: Path, wrong: int, code: int) -> None:
    file = answers(tmp_path, 4)
    for number in range(wrong):
        (file.parent / f"a-{number}.wav").unlink()
    with Loopback() as server:
        done = scored(file, tmp_path / "run", spec(server), "--json")
        assert server.requests == 4 - wrong
    assert done.code == code and f"{wrong} of 4 rows name a recording that is not there" in done.err
    assert len(done.json["this_pass"]["missing_recordings"]) == wrong and done.json["this_pass"]["bad_rows"] == []
    assert sum(done.json["answers"].get("a", {}).values()) == 4 - wrong


def test_it_is_said_when_it_is_met_also_to_who_is_quiet(tmp_path: Path) -> None:
    file = answers(tmp_path, 9)
    for path in file.parent.glob("*.wav"):
        path.unlink()
    with Loopback() as server:
        done = scored(file, tmp_path / "run", spec(server), "--quiet")
    assert done.err.count("missing recording: ") == 5 and done.code == 9 and done.out == ""


def test_a_dry_run_says_it_too(tmp_path: Path) -> None:
    file = rows({"item_id": "q0", "question_text": "?", "audio": "q0.wav"}, folder=tmp_path)
    done = typed("score", file, "--judge", "gemini:m", "--out", tmp_path / "run", "--dry-run")
    assert done.code == 9 and "the recording q0.wav is not there" in done.err and not (tmp_path / "run").exists()


def test_a_question_that_is_not_there_is_missing_not_bad(tmp_path: Path) -> None:
    answers(tmp_path, 2)
    file = rows(*[{"item_id": f"q{n}", "question_audio": f"q{n}.wav", "audio": f"answers/a-{n}.wav"} for n in range(2)],
                folder=tmp_path)  # fmt: skip
    with Loopback() as server:
        assert scored(file, tmp_path / "run", spec(server)).code == 9
        for number in range(2):
            (tmp_path / f"q{number}.wav").write_bytes((tmp_path / "answers" / f"a-{number}.wav").read_bytes())
        done = scored(file, tmp_path / "run", spec(server))
    assert done.code == 0 and statuses(tmp_path / "run") == ["ok", "ok"]


def test_a_candidate_is_not_asked_what_is_not_there_and_is_when_it_is(tmp_path: Path) -> None:
    answers(tmp_path, 3)
    items = rows(
        *[{"item_id": f"q{n}", "question_audio": f"q{n}.wav"} for n in range(3)], folder=tmp_path, name="items.jsonl"
    )
    words = ("run", items, "--candidate", f"recorded:{tmp_path / 'answers' / 'answers.jsonl'}", "--only", "answers")
    gone = typed(*words, "--out", tmp_path / "run", "--json")
    for number in range(3):
        (tmp_path / f"q{number}.wav").write_bytes((tmp_path / "answers" / f"a-{number}.wav").read_bytes())
    back = typed(*words, "--out", tmp_path / "run", "--json")
    assert gone.code == 9 and len(gone.json["this_pass"]["asked"]["missing_recordings"]) == 3
    assert back.code == 0 and statuses(tmp_path / "run") == ["ok"] * 3


def test_stored_answers_that_are_not_there_are_lost_not_silent(tmp_path: Path) -> None:
    file = answers(tmp_path, 2)
    items = rows(*[{"item_id": f"q{n}", "question_text": "?"} for n in range(2)], folder=tmp_path, name="items.jsonl")
    (file.parent / "a-1.wav").rename(tmp_path / "away.wav")
    words = ("run", items, "--candidate", f"recorded:{file}", "--only", "answers", "--out", tmp_path / "run")
    assert typed(*words).code == 75 and statuses(tmp_path / "run") == ["ok"]
    (tmp_path / "away.wav").rename(file.parent / "a-1.wav")
    assert typed(*words).code == 0 and statuses(tmp_path / "run") == ["ok", "ok"]


def test_a_run_folder_without_its_recordings_is_missing_them(tmp_path: Path) -> None:
    file = answers(tmp_path, 2)
    with Loopback() as server:
        scored(file, tmp_path / "run", spec(server))
        for path in (tmp_path / "run" / "audio").rglob("*.wav"):
            path.unlink()
        done = scored(tmp_path / "run", tmp_path / "two", spec(server))
    assert done.code == 9 and statuses(tmp_path / "two") == []


def test_an_empty_file_is_the_candidates_own_and_a_row_that_names_none_too(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    file = rows({"item_id": "q0", "question_text": "?", "audio": "empty.wav"}, {"item_id": "q1", "question_text": "?"},
                {"item_id": "q2", "question_text": "?", "audio": None}, folder=tmp_path)  # fmt: skip
    with Loopback() as server:
        done = scored(file, tmp_path / "run", spec(server))
    assert done.code == 0 and statuses(tmp_path / "run") == ["no_speech"] * 3


def test_another_spelling_is_said(tmp_path: Path) -> None:
    answers(tmp_path, 1)
    file = rows({"item_id": "q0", "question_text": "?", "audio": "answers\\a-0.wav"}, folder=tmp_path)
    with Loopback() as server:
        done = scored(file, tmp_path / "run", spec(server))
    assert done.code == 0 and "another spelling: answers\\a-0.wav was found as answers/a-0.wav" in done.err


@pytest.mark.heavy
def test_thousands_of_missing_files_are_said_in_seconds(tmp_path: Path) -> None:
    file = rows(
        *[{"item_id": f"q{n}", "question_text": "?", "audio": f"wav/q{n}.wav"} for n in range(5_800)], folder=tmp_path
    )
    (tmp_path / "wav").mkdir()
    for number in range(2_000):
        (tmp_path / "wav" / f"other{number}.wav").touch()
    done = shell("score", file, "--judge", "checks", "--out", tmp_path / "run", seconds_at_most=60)
    assert done.code == 9 and "5800 of 5800 rows" in done.err
