"""ms-swift's own scoring of samples where it is installed, else its call shape: columns by keyword, one list each."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.loopback import Loopback
from tests.rewards.adapters import tiny
from wavjudge.errors import InputError, NoRewardError
from wavjudge.rewards.adapters.columns import Columns
from wavjudge.rewards.adapters.swift import orm
from wavjudge.rewards.judge_reward import JudgeReward


@pytest.fixture
def asked() -> Iterator[tuple[Loopback, JudgeReward]]:
    with Loopback() as server:
        spec = f"openai:m?base_url={server.openai_url}&attempts=1"
        with JudgeReward(spec, {"overall": 1.0}, guards=None, cache=False) as reward:
            yield server, reward


@pytest.fixture
def swift(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The class that ms-swift 4.6 gives, under the name where it gives it: the documented protocol alone."""

    class AsyncORM:
        def __init__(self, args: Any = None, **kwargs: Any) -> None:
            self.args = args

    package, rewards = ModuleType("swift"), ModuleType("swift.rewards")
    rewards.AsyncORM = AsyncORM  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "swift", package)
    monkeypatch.setitem(sys.modules, "swift.rewards", rewards)
    return rewards


def _given(prompts: list[str], ids: list[list[int]]) -> dict[str, Any]:
    messages = [[{"role": "user", "content": f"{p}?"}, {"role": "assistant", "content": "So."}] for p in prompts]
    return {"prompt_id": prompts, "messages": messages, "response_token_ids": ids, "trainer_state": None,
            "solution": ["x"] * len(prompts)}  # fmt: skip


SOUNDS = [[tiny.FIRST_SOUND + n] for n in range(6)]


def test_a_missing_reward_is_the_mean_of_its_prompt_and_is_counted(
    asked: tuple[Loopback, JudgeReward], swift: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    server, reward = asked
    made = orm(reward, Columns(decode=lambda ids: tiny.speech(ids) if ids[0] != tiny.FIRST_SOUND + 1 else None))()
    assert isinstance(made, swift.AsyncORM)
    with caplog.at_level(logging.WARNING):
        found = asyncio.run(made(["So."] * 6, **_given(["a", "a", "a", "b", "b", "b"], SOUNDS)))
    assert found[1] == (found[0] + found[2]) / 2
    assert all(score == int(score) and 1 <= score <= 5 for score in (*found[:1], *found[2:]))
    assert (made.neutral.neutralised, made.neutral.answers) == (1, 6)
    assert "neutralised 1 of 6 answers (1 of 6 so far); the first: no_speech" in caplog.text
    assert server.requests == 5


def test_a_prompt_without_any_valid_answer_raises(asked: tuple[Loopback, JudgeReward], swift: ModuleType) -> None:
    made = orm(asked[1], Columns(decode=lambda ids: None if ids[0] < tiny.FIRST_SOUND + 2 else tiny.speech(ids)))()
    with pytest.raises(NoRewardError, match=r"none of the 2 answers to prompt 'a' has a reward; .* no recording"):
        asyncio.run(made(["So."] * 4, **_given(["a", "a", "b", "b"], SOUNDS[:4])))


def test_without_prompt_ids_nobody_knows_the_groups(asked: tuple[Loopback, JudgeReward], swift: ModuleType) -> None:
    with pytest.raises(InputError, match="got 2 completions and 0 entries in prompt_id"):
        asyncio.run(orm(asked[1])()(["a", "b"], messages=[[], []]))


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")
def test_ms_swift_itself_scores_its_samples(asked: tuple[Loopback, JudgeReward]) -> None:
    pytest.importorskip("swift", reason="ms-swift is not installed (no part of the extra `train`)")
    tiny.make_torchaudio_loadable()
    pytest.importorskip("swift.rl_core.data", reason="ms-swift is installed without what it needs")
    pytest.importorskip("swift.dataset", reason="ms-swift is installed without what it needs")
    import torch
    from swift.rl_core.data import GRPOSample
    from swift.rl_core.grpo_algorithm import compute_rewards_per_func

    torch.set_num_threads(1)
    given = _given(["a", "a", "b", "b"], SOUNDS[:4])
    samples = [
        GRPOSample(messages=given["messages"][n], prompt_id=given["prompt_id"][n], response_token_ids=SOUNDS[n])
        for n in range(4)
    ]
    made = orm(asked[1], Columns(decode=lambda ids: None if ids[0] == tiny.FIRST_SOUND else tiny.speech(ids)))()
    found = compute_rewards_per_func(samples, [made], [None], torch.device("cpu"))[:, 0].tolist()
    assert found[0] == found[1] and all(1 <= score <= 5 for score in found)
    assert made.neutral.neutralised == 1
