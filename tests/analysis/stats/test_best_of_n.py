"""What choosing by the judge gains, and tau per item: by hand, against loops, and what they cannot be fooled by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy import stats

from tests.analysis.material import pairs, people, study
from wavjudge.analysis.stats.intervals import estimate
from wavjudge.analysis.stats.leave_one_out import leave_one_out
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Paired
from wavjudge.analysis.stats.within_prompt import BEST_OF_N, INTRA_ID_TAU


def by_hand(data: Paired) -> float:
    gained = possible = 0.0
    for prompt in range(data.prompts):
        rows = data.prompt == prompt
        judge, people = data.judge[rows], data.people[rows]
        gained += people[judge == judge.max()].mean() - people.mean()
        possible += people.max() - people.mean()
    return gained / possible if possible > 1e-9 else float("nan")


def test_three_prompts_by_hand() -> None:
    # Prompt 0: chosen 5, mean 3, best 5: 2 of 2. Prompt 1: tie of 1 and 4, mean 2, best 4: .5 of 2.
    # Prompt 2: the worst of 1, 2, 3: -1 of 1. Prompt 3: people see no difference: 0 of 0.
    data = Paired.of(
        [4, 1, 2, 3, 3, 1, 5, 2, 1, 5, 1], [5, 1, 3, 1, 4, 1, 1, 2, 3, 4, 4], [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3]
    )
    assert BEST_OF_N.of(data) == pytest.approx((2 + 0.5 - 1) / (2 + 2 + 1))


@given(pairs())
def test_it_is_the_loop_over_prompts(data: Paired) -> None:
    assert BEST_OF_N.of(data) == pytest.approx(by_hand(data), nan_ok=True)


def test_people_themselves_gain_everything_and_a_constant_nothing() -> None:
    data = study(1)
    assert BEST_OF_N.of(data.judged(data.people)) == pytest.approx(1)
    assert BEST_OF_N.of(data.judged(np.full(data.n, 3.0))) == pytest.approx(0)
    assert np.isnan(BEST_OF_N.of(Paired.of([1, 2], [3, 3], [0, 0])))


def test_a_judge_that_turns_people_around_loses() -> None:
    data = study(2)
    found = estimate(BEST_OF_N, data.judged(6 - data.people))
    assert found.value < 0 and found.high < 0


def test_choosing_blindly_gains_nothing_on_average() -> None:
    data, random = study(3, prompts=60), np.random.default_rng(3)
    values = [BEST_OF_N.of(data.judged(random.random(data.n))) for _ in range(200)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(200)


def test_a_candidate_that_is_good_everywhere_does_not_make_up_for_the_order_within_a_prompt() -> None:
    """What a prompt is like is not chosen by anybody: shifting whole prompts changes nothing."""
    data = study(4)
    shifted = data.judged(data.judge + 10.0 * data.prompt)
    assert BEST_OF_N.of(shifted) == pytest.approx(BEST_OF_N.of(data))


def test_it_has_no_interval_under_twelve_prompts() -> None:
    assert estimate(BEST_OF_N, study(5, prompts=11)).low is None
    assert estimate(BEST_OF_N, study(5, prompts=12)).low is not None


def test_each_persons_favourite_is_measured_against_the_others_as_the_judges_is() -> None:
    panel = people(6, prompts=30)
    judge = panel.ratings[:, 0].copy()
    found = leave_one_out(panel, judge).persons[0].figures["best_of_n"]
    others = panel.ratings[:, 1:].mean(axis=1)
    own = by_hand(Paired(panel.ratings[:, 0], others, panel.prompt))
    assert found.person.value == pytest.approx(own) and found.judge.value == pytest.approx(own)
    assert found.gap.value == pytest.approx(0)


def test_the_ceiling_of_the_order_within_a_prompt_is_the_people_one_by_one() -> None:
    """Two answers a prompt, three people; each against the mean of the other two. By hand:

    a: (1,2) against (1.5, 2.5), (3,1) against (2, 3), (2,2): no order          rho 1, -1, none -> 0; zero-filled 0
    b: (2,3) against (1, 2), (1,2) against (3, 2), (1,4) against (2.5, 2.5)     rho 1, -1, people alike -> 0
    c: (1,2) against (1.5, 2.5), (3,4) against (2, 1.5), (3,3)                  rho 1, -1, none -> 0
    """
    panel = Panel.of([[1, 2, 1], [2, 3, 2], [3, 1, 3], [1, 2, 4], [2, 1, 3], [2, 4, 3]], [0, 0, 1, 1, 2, 2])
    found = leave_one_out(panel, np.array([1.0, 2, 1, 2, 1, 2])).figures
    assert found["intra_id_spearman"].person.value == pytest.approx(0)
    assert found["intra_id_zero_filled"].person.value == pytest.approx(0)
    # The judge says (1, 2) each time: right, then wrong against c's mean (3, 1 from a and b is 2, 1.5), and so on.
    a, b, c = (1 + 1 + 1) / 3, (1 - 1) / 2, (1 - 1 + 1) / 3
    assert found["intra_id_spearman"].judge.value == pytest.approx((a + b + c) / 3)


def test_tau_of_a_prompt_by_hand() -> None:
    # Prompt 0: six pairs, the judge ties one, people none: concordant 4, discordant 1: 3 / sqrt(5 * 6).
    # Prompt 1: the judge is constant: none. Prompt 2: -1.
    data = Paired.of([1, 2, 2, 3, 4, 4, 1, 2], [1, 3, 2, 1.5, 1, 2, 2, 1], [0, 0, 0, 0, 1, 1, 2, 2])
    first = stats.kendalltau([1, 2, 2, 3], [1, 3, 2, 1.5]).statistic
    assert INTRA_ID_TAU.of(data) == pytest.approx((first - 1) / 2)


@given(pairs())
def test_tau_per_item_is_the_mean_of_scipys_where_there_is_one(data: Paired) -> None:
    found = []
    for prompt in range(data.prompts):
        rows = data.prompt == prompt
        if np.ptp(data.judge[rows]) and np.ptp(data.people[rows]):
            found.append(stats.kendalltau(data.judge[rows], data.people[rows]).statistic)
    assert INTRA_ID_TAU.of(data) == pytest.approx(np.mean(found) if found else np.nan, nan_ok=True)
