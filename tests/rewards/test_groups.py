"""Group statistics over valid rewards only: worked numbers, properties, input that cannot be used."""

from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rewards.worked import cases
from wavjudge.errors import InputError
from wavjudge.rewards.groups import Deviation, Group, advantages

REWARDS = st.lists(st.none() | st.integers(10, 50).map(lambda tenth: tenth / 10), min_size=2, max_size=10)
DEVIATIONS = st.sampled_from(get_args(Deviation))


@pytest.mark.parametrize("case", cases("advantages"))
def test_the_worked_numbers(case: dict[str, Any]) -> None:
    found = Group.of(case["rewards"]).advantages(case["deviation"])
    assert found == pytest.approx(case["advantages"], abs=1e-4)


@pytest.mark.parametrize("case", cases("failures"))
@pytest.mark.parametrize("deviation", get_args(Deviation))
def test_a_failed_answer_has_no_gradient_and_lends_none(case: dict[str, Any], deviation: Deviation) -> None:
    group = Group.of(case["rewards"])
    assert group.advantages(deviation).tolist() == case["advantages"]
    assert group.mask.astype(int).tolist() == case["mask"] and group.has_signal == case["signal"]
    # What the constant would have made of it, as the reference does.
    filled = Group.of([2.5 if reward is None else reward for reward in case["rewards"]])
    assert filled.advantages() == pytest.approx(case["with_2.5"], abs=1e-4)


@given(REWARDS, DEVIATIONS, st.randoms(use_true_random=False))
def test_order_does_not_matter(rewards: list[float | None], deviation: Deviation, dice: Any) -> None:
    order = list(range(len(rewards)))
    dice.shuffle(order)
    group, shuffled = Group.of(rewards), Group.of([rewards[place] for place in order])
    assert shuffled.advantages(deviation) == pytest.approx(group.advantages(deviation)[order], abs=1e-9)
    assert shuffled.mask.tolist() == group.mask[order].tolist()
    assert shuffled.variance == pytest.approx(group.variance, abs=1e-9, nan_ok=True)


@given(REWARDS, DEVIATIONS, st.integers(-5, 5))
def test_a_shift_does_not_matter(rewards: list[float | None], deviation: Deviation, shift: int) -> None:
    group = Group.of(rewards)
    shifted = Group.of([None if reward is None else reward + shift for reward in rewards])
    assert shifted.advantages(deviation) == pytest.approx(group.advantages(deviation), abs=1e-8)


@given(REWARDS, DEVIATIONS)
def test_what_holds_of_every_group(rewards: list[float | None], deviation: Deviation) -> None:
    group = Group.of(rewards)
    found, valid = group.advantages(deviation), np.array([reward is not None for reward in rewards])
    assert found.shape == group.mask.shape == (len(rewards),) and np.isfinite(found).all()
    assert not found[~valid].any() and not group.mask[~valid].any()
    assert group.mask.any() == (valid.sum() >= 2) and found.any() == group.has_signal
    assert found.sum() == pytest.approx(0, abs=1e-8)
    # Failed answers change nothing for the others.
    if group.usable:
        alone = Group.of([reward for reward in rewards if reward is not None])
        assert found[valid].tolist() == alone.advantages(deviation).tolist()
        values = [reward for reward in rewards if reward is not None]
        assert group.variance == pytest.approx(np.var(values), abs=1e-12) and group.best == max(values)


@given(st.integers(2, 10), st.floats(1, 5), DEVIATIONS)
def test_equal_rewards_are_exactly_no_advantage(n: int, reward: float, deviation: Deviation) -> None:
    group = Group.of([reward] * n)
    assert not group.advantages(deviation).any() and group.variance == 0 and not group.has_signal


@given(st.integers(2, 10))
def test_a_group_that_failed_whole_says_nothing(n: int) -> None:
    group = Group.of([None] * n)
    assert not group.advantages().any() and not group.mask.any() and not group.usable
    assert math.isnan(group.best) and math.isnan(group.variance)


def test_a_batch_is_taken_apart_by_prompt_in_any_order() -> None:
    found = advantages([1, 2, 5, None, 4, 4], ["a", "b", "a", "b", "c", "c"])
    assert found.values == pytest.approx([-1, 0, 1, 0, 0, 0], abs=1e-4)
    assert found.mask.tolist() == [True, False, True, False, True, True]
    assert [group.n_valid for group in found.groups] == [2, 1, 2]


def test_the_sample_deviation_is_that_of_trl() -> None:
    # torch.std and numpy's ddof=1, over the valid ones, as trl does with nanstd.
    values = np.array([1.0, 2.0, 4.0, 5.0])
    expected = (values - values.mean()) / (values.std(ddof=1) + 1e-4)
    assert Group.of([1, 2, 4, 5]).advantages("sample") == pytest.approx(expected)
    ratio = Group.of([1, 2, 4, 5]).advantages("population") / expected
    assert ratio == pytest.approx([math.sqrt(4 / 3)] * 4, rel=1e-4)  # 15.5 % larger


@pytest.mark.parametrize(
    ("rewards", "says"),
    [([], "0 answers to a prompt"), ([4], "1 answers to a prompt, expected at least 2"), ([4, math.nan], "reward nan"),
     ([4, math.inf, None], "reward inf")],
)  # fmt: skip
def test_a_group_that_is_none_is_refused(rewards: list[float | None], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Group.of(rewards)


@pytest.mark.parametrize(
    ("rewards", "prompts", "says"),
    [([1, 2, 3], ["a", "a"], "3 rewards and 2 prompts"), ([], [], "no answers"),
     ([1, 2, 3], ["a", "a", "b"], "1 answers")],
)  # fmt: skip
def test_a_batch_that_does_not_fit_is_refused(rewards: list[float], prompts: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        advantages(rewards, prompts)


def test_an_unknown_deviation_is_refused() -> None:
    with pytest.raises(InputError, match="expected one of population, sample"):
        Group.of([1, 2]).advantages("std")  # type: ignore[arg-type]
