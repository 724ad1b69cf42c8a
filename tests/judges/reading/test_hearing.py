"""What a judge's ratings record of hearing, and what is made of a reply that was stopped on its way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import wavjudge
from tests.cli.typed import answers, spec, typed
from tests.loopback.server import Loopback
from wavjudge.clients.base import Failure, Reply
from wavjudge.clients.fake import FakeClient, Scripted
from wavjudge.judges.base import Case
from wavjudge.judges.model_judge import JudgeOptions, ModelJudge
from wavjudge.judges.prompts import load_all
from wavjudge.types import AudioRef, Item, Rating, Response, Usage, Utterance

NONE = Usage()
COUNTED = Usage(input_tokens=90, audio_input_tokens=40)
YES, NO = "<heard>yes</heard>", "<heard>no</heard>"


def rated(said: Scripted, *, prompt: str = "semantic", **options: object) -> list[Rating]:
    heard = AudioRef(path="a.wav", sha256="a" * 64, seconds=1, sample_rate_hz=16000)
    item = Item(benchmark="b", id="1", turns=(Utterance(text="Why?"),))
    response = Response(benchmark="b", item_id="1", candidate="c", answers=(Utterance(text="So.", audio=heard),))
    judge = ModelJudge(FakeClient([said]), kind="fake", model="m", spec="fake:m", prompts=[load_all()[prompt]],
                       options=JudgeOptions.model_validate(options))  # fmt: skip
    return asyncio.run(judge.rate(Case(item, response, Path()), judge.tasks[0], 0))


def one(said: Scripted, **options: object) -> tuple[float | None, str, object]:
    (rating,) = rated(said, **options)
    return rating.score, rating.status, rating.details.get("hearing")


@pytest.mark.parametrize(
    "text, usage, known",
    [
        (f"{YES}<score>4</score>", COUNTED, "audio tokens counted, judge says it heard"),
        ("<score>4</score>", COUNTED, "audio tokens counted"),
        (f"{YES}<score>4</score>", NONE, "judge says it heard"),
        ("<score>4</score>", NONE, "not verified"),
        ("<heard>partly</heard><score>4</score>", NONE, "not verified"),
    ],
)
def test_a_score_says_what_shows_that_the_recording_was_heard(text: str, usage: Usage, known: str) -> None:
    assert one(Reply(text, usage=usage, finish="stop")) == (4, "ok", known)


def test_a_judge_that_says_no_gives_no_number_whatever_was_counted() -> None:
    assert one(Reply(f"{NO}<score>4</score>", usage=COUNTED)) == (None, "not_heard", None)


def test_a_judge_that_was_sent_no_recording_says_nothing_of_hearing() -> None:
    said = one(Reply(f"{NO}<score>4</score>"), answer_audio=False, question_audio=False)
    assert said == (4, "ok", None)


def test_a_count_of_zero_that_the_wire_was_told_not_to_believe_proves_nothing() -> None:
    zero = Usage(audio_input_tokens=0)
    assert one(Reply("<score>4</score>", usage=zero)) == (4, "ok", "not verified")


def cut_off(text: str | None, finish: str | None = "length", usage: Usage = NONE) -> Failure:
    reason = "the reply reached the output limit; raise max_tokens"
    return Failure("cut_off", reason, text=text, finish=finish, usage=usage)


def test_a_verdict_that_was_whole_before_the_reply_was_cut_off_counts() -> None:
    text = f"{YES}<score-semantic>4</score-semantic><score-paralinguistic>3"
    semantic, acoustic = rated(cut_off(text), prompt="joint", justification="after")
    assert (semantic.score, semantic.details["finish"]) == (4, "length")
    assert (acoustic.status, acoustic.score) == ("unparseable", None) and "raise max_tokens" in (acoustic.reason or "")


@pytest.mark.parametrize("text", [f"{YES}<score>4", "<think><score>4</score>", f"{YES}<score>4</score> or", "", None])
def test_a_cut_off_reply_without_a_whole_verdict_is_none(text: str | None) -> None:
    assert one(cut_off(text))[:2] == (None, "unparseable")


def test_a_cut_off_reply_of_a_judge_that_did_not_hear_says_so() -> None:
    assert one(cut_off(f"{NO}<score>4</score><justification>I"))[:2] == (None, "not_heard")


def test_no_verdict_is_taken_from_a_failure_that_is_not_the_end_of_a_reply() -> None:
    whole = f"{YES}<score>4</score>"
    assert one(Failure("not_heard", "0 audio tokens", text=whole))[:2] == (None, "not_heard")
    assert one(Failure("refused", "declined", text=whole))[:2] == (None, "refused")
    assert one(cut_off(whole, usage=Usage(audio_input_tokens=0)))[:2] == (None, "unparseable")


def run_with(tmp_path: Path, *, says: str | None, counts: bool) -> tuple[str, list[Rating]]:
    file = answers(tmp_path, 2)
    with Loopback(says_it_heard=says, counts_audio=counts) as server:
        done = typed("score", file, "--judge", spec(server), "--out", tmp_path / "run", "--prompt-set", "semantic")
    return " ".join(done.out.split()), list(wavjudge.load(tmp_path / "run").ratings())


def test_the_summary_says_whose_hearing_nothing_shows(tmp_path: Path) -> None:
    out, ratings = run_with(tmp_path, says=None, counts=False)
    assert {rating.details["hearing"] for rating in ratings} == {"not verified"}
    assert "Hearing not verified: 2 of 2 scores of openai:" in out


def test_the_summary_says_whose_hearing_rests_on_its_own_word(tmp_path: Path) -> None:
    out, _ = run_with(tmp_path, says="yes", counts=False)
    assert "Hearing on its own word: openai:" in out and "not verified" not in out


def test_the_summary_says_nothing_where_audio_tokens_were_counted(tmp_path: Path) -> None:
    out, ratings = run_with(tmp_path, says="yes", counts=True)
    assert "earing" not in out
    assert {rating.details["finish"] for rating in ratings} == {"stop"}


def test_a_judge_that_says_no_rates_nothing(tmp_path: Path) -> None:
    out, ratings = run_with(tmp_path, says="no", counts=True)
    assert {(rating.status, rating.score) for rating in ratings} == {("not_heard", None)}
    assert "2 not_heard" in out
