"""The call shape of the WavAlign code, as its trainer makes the call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.loopback import Loopback
from tests.rewards.adapters import tiny
from wavjudge.errors import InputError, NoRewardError
from wavjudge.rewards.adapters.reference import ReferenceReward
from wavjudge.rewards.judge_reward import JudgeReward


@pytest.fixture
def asked() -> Iterator[tuple[Loopback, ReferenceReward]]:
    with Loopback() as server:
        spec = f"openai:m?base_url={server.openai_url}&attempts=1"
        with JudgeReward(spec, {"overall": 1.0}, guards=None, cache=False) as reward:
            yield server, ReferenceReward(reward, sample_rate_hz=22_050)


def sound(n: int) -> Any:
    return tiny.speech([tiny.FIRST_SOUND + n] * 2)[0]  # type: ignore[index]


def test_one_number_an_answer_at_the_decoders_rate(asked: tuple[Loopback, ReferenceReward]) -> None:
    found = asked[1](prompts=["Why?"] * 3, completions=["a", "b", "c"], audios=[sound(1)[None, :], None, sound(2)])
    assert found[1] == (found[0] + found[2]) / 2
    seconds = {len(sound(1)) / 22_050}
    assert {round(r.recordings[0].seconds, 3) for r in asked[0].received} == {round(s, 3) for s in seconds}
    assert not hasattr(asked[1], "config")  # that trainer would take it for a model, and score it 0


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (([], [], []), InputError, "got no answers"),
        ((["a"], ["b", "c"], [None]), InputError, "got 1 prompts, 2 completions and 1 audios"),
        ((["a"], ["b"], [None]), NoRewardError, "none of the 1 answers to prompt 'a' has a reward"),
        ((["a"], ["b"], [np.full(99, np.nan)]), NoRewardError, "NaN or Inf"),
    ],
    ids=["none", "unequal", "no speech", "nan"],
)
def test_what_cannot_be_rewarded(asked: tuple[Loopback, ReferenceReward], given: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        asked[1](*given)


def test_one_rollout_and_equal_rollouts_are_fine(asked: tuple[Loopback, ReferenceReward]) -> None:
    assert len(asked[1](["a"], ["b"], [sound(1)])) == 1
    assert len(set(asked[1](["a"] * 3, ["b"] * 3, [sound(1)] * 3))) == 1
