"""A run folder as the source of answers: rated again, elsewhere or in place, by another judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import wavjudge
from tests.bench.answers import write_answers
from tests.loopback.server import Loopback


def first_run(tmp_path: Path, server: Loopback) -> Path:
    answers = write_answers(tmp_path / "answers", 3, candidates=("a", "b"))
    with answers.open("a", encoding="utf-8") as file:
        file.write(
            json.dumps(
                {
                    "item_id": "q0",
                    "candidate": "silent",
                    "question_text": "Question 0?",
                    "language": "en",
                    "audio": None,
                }
            )
            + "\n"
        )
        (tmp_path / "answers" / "junk.wav").write_bytes(b"RIFF, but no sound")
        file.write(
            json.dumps(
                {
                    "item_id": "q1",
                    "candidate": "junk",
                    "question_text": "Question 1?",
                    "language": "en",
                    "audio": "junk.wav",
                }
            )
            + "\n"
        )
    judge = f"openai:one?base_url={server.openai_url}"
    wavjudge.score(answers, judges=[judge], out=tmp_path / "one", prompt_set="semantic", cache=False)
    return tmp_path / "one"


@pytest.mark.parametrize("keep", ["copy", "reference"])
def test_another_run_rates_the_same_answers_and_keeps_their_outcomes(keep: str, tmp_path: Path) -> None:
    with Loopback() as server:
        run = first_run(tmp_path, server)
        judge = f"openai:two?base_url={server.openai_url}"
        again = wavjudge.score(
            run, judges=[judge], out=tmp_path / "two", prompt_set="semantic", cache=False, keep_audio=keep
        )
        assert server.requests == 12
    ours, theirs = list(again.responses()), list(wavjudge.load(run).responses())
    assert [r.status for r in ours] == [r.status for r in theirs]
    assert sorted({r.status for r in ours}) == ["broken_audio", "no_speech", "ok"]
    heard = [said.audio.sha256 for r in ours for said in r.answers if said.audio]
    assert heard == [said.audio.sha256 for r in theirs for said in r.answers if said.audio]
    assert {rating.rater for rating in again.ratings()} == {"openai:two"}


def test_in_place_another_judge_joins_and_the_first_is_not_asked_again(tmp_path: Path) -> None:
    with Loopback() as server:
        run = first_run(tmp_path, server)
        judges = [f"openai:{name}?base_url={server.openai_url}" for name in ("one", "two")]
        both = wavjudge.score(run, judges=judges, out=run, prompt_set="semantic", cache=False)
        assert server.requests == 12
    assert sorted(rating.rater for rating in both.ratings()) == ["openai:one"] * 6 + ["openai:two"] * 6


def test_a_recording_that_changed_in_the_source_is_refused(tmp_path: Path) -> None:
    with Loopback() as server:
        run = first_run(tmp_path, server)
        victim = next(path for path in (run / "audio").rglob("*.wav"))
        victim.write_bytes(b"something else")
        judge = f"openai:two?base_url={server.openai_url}"
        again = wavjudge.score(run, judges=[judge], out=tmp_path / "two", prompt_set="semantic", cache=False)
    assert again.summary is not None
    (problem,) = again.summary.bad_rows
    assert "has changed since it was taken in" in problem
    assert len(list(again.ratings())) == 5
