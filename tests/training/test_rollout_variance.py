"""The variance of rollouts from a training's log of rewards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed (extra train)")

from tests.loopback.server import Loopback
from wavjudge.rewards.groups import Group
from wavjudge.rewards.item import RewardItem, Samples
from wavjudge.rewards.judge_reward import JudgeReward
from wavjudge.training.inspection import rollout_variance


def answer(prompt: str, step: int, hz: float, spoken: bool = True) -> RewardItem:
    tone = (0.3 * np.sin(np.arange(8000) * 2 * np.pi * hz / 16_000)).astype(np.float32)
    return RewardItem(Samples(tone, 16_000) if spoken else None, "words", f"say {prompt}", None, prompt, None, None,
                      {"step": float(step)})  # fmt: skip


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[float | None]]:
    """Two prompts of three answers at step 0, done twice since a crash lay between; one prompt at step 1, in which an
    answer is silent. The rewards, by what was asked when."""
    monkeypatch.setenv("TRAIN_TEST_KEY", "none")
    found = {}
    with Loopback() as server:
        spec = f"openai:loop?base_url={server.openai_url}&api_key_env=TRAIN_TEST_KEY"
        for turn, steps in (("lost", {"a": 0, "b": 0}), ("kept", {"a": 0, "b": 0, "c": 1})):
            with JudgeReward(spec, {"overall": 1.0}, guards=None, cache=False, log=tmp_path / "rank-0") as judge:
                for at, (prompt, step) in enumerate(steps.items()):
                    some = [answer(prompt, step, 200 + 70 * n + 31 * at + 11 * len(turn + prompt) * (turn == "kept"),
                                   spoken=prompt != "c" or n > 0) for n in range(3)]  # fmt: skip
                    found[f"{turn} {prompt}"] = [one.score for one in judge.score_now(some)]
    return found


def variance(*groups: Sequence[float | None]) -> float:
    return float(np.mean([Group.of(one).variance for one in groups]))


def test_a_step_that_was_done_twice_counts_once_by_its_last_answers(
    judged: dict[str, list[float | None]], tmp_path: Path
) -> None:
    overall, reward = rollout_variance([tmp_path / "rank-0"], generations=3, after=0, until=1)
    expected = variance(judged["kept a"], judged["kept b"])
    assert expected != variance(judged["lost a"], judged["lost b"])  # or this could not fail
    assert (overall.name, reward.name) == ("overall", "reward")
    assert overall.variance == reward.variance == pytest.approx(expected)
    assert (overall.answers, overall.groups, overall.unscored) == (6, 2, 0)


def test_silent_answers_are_rollouts_without_a_score(judged: dict[str, list[float | None]], tmp_path: Path) -> None:
    _, reward = rollout_variance([tmp_path / "rank-0"], generations=3, after=1, until=2)
    assert judged["kept c"][0] is None
    assert (reward.answers, reward.unscored, reward.groups) == (3, 1, 1)
    assert reward.variance == pytest.approx(variance(judged["kept c"]))


def test_without_a_log_or_in_other_steps_there_is_none(judged: dict[str, list[float | None]], tmp_path: Path) -> None:
    assert rollout_variance([], generations=3, after=0, until=9) == []
    assert rollout_variance([tmp_path / "rank-0"], generations=3, after=2, until=9) == []
