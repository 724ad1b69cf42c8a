"""Answers to a prompt that come one at a time: what a failed one gets, whom it waits for, and that nothing is kept."""

from __future__ import annotations

import asyncio
import math

import pytest

from wavjudge.errors import NoRewardError
from wavjudge.rewards.adapters.missing_rewards import Siblings
from wavjudge.rewards.combine import Reward

LOST = Reward(None, "failed", "time-out")


def numbers(siblings: Siblings, *rewards: Reward, prompt: str = "p") -> list[float]:
    async def all_of_them() -> list[float]:
        return await asyncio.gather(*(siblings.number(one, prompt) for one in rewards))

    return asyncio.run(all_of_them())


def test_what_is_done_is_forgotten() -> None:
    siblings = Siblings(2)
    for prompt in range(1000):
        assert numbers(siblings, Reward(4), LOST, prompt=str(prompt)) == [4, 4]
    assert len(siblings) == 0


def test_what_stays_alone_is_forgotten_once_nobody_would_wait_for_it() -> None:
    now = [0.0]
    siblings = Siblings(8, wait_seconds=60, clock=lambda: now[0])
    for step in range(1000):
        now[0] = float(step)
        assert numbers(siblings, Reward(4), prompt=str(step)) == [4]
    assert len(siblings) <= 61


def test_the_same_prompt_twice_in_a_batch_and_in_the_next_epoch_makes_groups_of_its_own() -> None:
    siblings = Siblings(2)
    assert numbers(siblings, Reward(1), LOST, Reward(5), LOST) == [1, 1, 5, 5]
    assert numbers(siblings, Reward(2), LOST) == [2, 2] and len(siblings) == 0


def test_a_group_that_the_trainer_cut_off_gets_the_mean_of_those_that_came() -> None:
    siblings = Siblings(8, wait_seconds=0.01)
    assert numbers(siblings, Reward(2), LOST, Reward(4)) == [2, 3, 4] and len(siblings) == 0


def test_nobody_waits_for_an_answer_that_came_to_nothing() -> None:
    siblings = Siblings(3)
    siblings.lost("p")
    assert numbers(siblings, Reward(2), LOST) == [2, 2] and len(siblings) == 0


def test_a_failed_one_that_is_cancelled_while_it_waits_still_counts_for_the_others() -> None:
    siblings = Siblings(3)

    async def cancelled() -> list[float]:
        first = asyncio.create_task(siblings.number(LOST, "p"))
        await asyncio.sleep(0)
        first.cancel()
        return await asyncio.gather(siblings.number(LOST, "p"), siblings.number(Reward(3), "p"))

    assert asyncio.run(cancelled()) == [3, 3] and len(siblings) == 0


def test_no_more_than_a_validation_has_is_taken_for_one_and_is_not_known() -> None:
    siblings = Siblings(8, validation_n=1, wait_seconds=0.01)
    assert math.isnan(numbers(siblings, LOST)[0]) and len(siblings) == 0
    with pytest.raises(NoRewardError, match=r"got 2 of the 8 answers to prompt 'p' .* none of them has a reward"):
        numbers(siblings, LOST, LOST)
    with pytest.raises(NoRewardError, match="none of the 1 answers"):
        numbers(Siblings(1, validation_n=1), LOST)


@pytest.mark.parametrize("said", [(True,), (True, False), (False, True)])
def test_what_is_said_to_be_of_the_training_is_no_validation_however_few_they_are(said: tuple[bool, ...]) -> None:
    siblings = Siblings(8, validation_n=2, wait_seconds=0.01)

    async def lost() -> None:
        await asyncio.gather(*(siblings.number(LOST, "p", training=one) for one in said))

    with pytest.raises(NoRewardError, match=f"got {len(said)} of the 8 answers"):
        asyncio.run(lost())


@pytest.mark.parametrize("validation_n", [4, 8])
def test_a_validation_as_large_as_a_training_raises_and_the_error_asks_for_the_split(validation_n: int) -> None:
    with pytest.raises(NoRewardError, match="none of the 4 answers") as raised:
        numbers(Siblings(4, validation_n=validation_n, wait_seconds=0.01), *[LOST] * 4)
    assert "extra_info.split" in raised.value.todo
