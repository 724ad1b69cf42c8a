"""Intervals over prompts: where theory gives them exactly, beside scipy's bootstrap, and at the ends of the range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import stats

from tests.analysis.material import STATISTICS, pairs, study
from wavjudge.analysis.stats import intervals
from wavjudge.analysis.stats.agreement import BIAS, MAE, PEARSON, SPEARMAN, WITHIN_ONE
from wavjudge.analysis.stats.intervals import (
    RECKONED,
    Estimate,
    backward,
    bootstrap_weights,
    estimate,
    estimate_prepared,
    forward,
    jackknife_groups,
)
from wavjudge.analysis.stats.sums import Paired, Statistic
from wavjudge.analysis.stats.within_prompt import INTRA_ID_SPEARMAN

every = pytest.mark.parametrize("statistic", STATISTICS, ids=lambda s: s.name)


def prompt_means(data: Paired) -> np.ndarray:
    return np.bincount(data.prompt, data.judge - data.people) / np.bincount(data.prompt)


def ends(found: Estimate) -> tuple[float, float]:
    assert found.low is not None and found.high is not None, found
    return found.low, found.high


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_a_mean_of_equal_clusters_has_the_t_interval_of_their_means(level: float) -> None:
    data = study(1)
    expected = stats.ttest_1samp(prompt_means(data), 0).confidence_interval(level)
    assert ends(estimate(BIAS, data, level=level)) == pytest.approx((expected.low, expected.high))


def test_no_interval_reaches_past_what_the_value_can_be() -> None:
    random = np.random.default_rng(2)
    people = random.normal(3, 1, 60)
    good = Paired.of(people + random.normal(0, 0.1, 60), people, np.arange(60) // 4)
    wild = Paired.of(people + np.where(np.arange(60) < 4, 5.0, 0.0), people, np.arange(60) // 4)
    for statistic, data, end, limit in ((INTRA_ID_SPEARMAN, good, 1, 1.0), (MAE, wild, 0, 0.0)):
        free, cut = estimate_prepared(statistic.prepare(data), 15), estimate(statistic, data)
        assert (ends(free)[end] - limit) * (1 if end else -1) > 0.01 and ends(cut)[end] == limit
        assert cut.value == free.value


def test_unequal_clusters_come_close_to_the_sandwich() -> None:
    data = study(2, prompts=300)
    chosen = data.taken(np.random.default_rng(2).random(data.n) < 0.6)
    d = chosen.judge - chosen.people - BIAS.of(chosen)
    robust = np.sqrt((np.bincount(chosen.prompt, d) ** 2).sum()) / chosen.n
    low, high = ends(estimate(BIAS, chosen))
    assert (high - low) / 2 == pytest.approx(1.97 * robust, rel=0.02)


def test_the_bootstrap_is_scipys_on_the_means_of_clusters() -> None:
    data = study(3, prompts=40)
    found = estimate(BIAS, data, method="cluster-bootstrap", resamples=20_000)
    theirs = stats.bootstrap((prompt_means(data),), np.mean, n_resamples=20_000, method="percentile",
                             rng=np.random.default_rng(0)).confidence_interval  # fmt: skip
    width = theirs.high - theirs.low
    assert ends(found) == pytest.approx((theirs.low, theirs.high), abs=0.02 * width)


@every
def test_jackknife_by_hand_and_near_the_bootstrap(statistic: Statistic) -> None:
    data = study(4, prompts=60)
    left = forward(np.array([statistic.of(data.taken(data.prompt != p)) for p in range(60)]), statistic.transform)
    # A prompt in which one side is constant says nothing about order and lends no degree of freedom.
    telling = getattr(statistic.prepare(data), "informative", 60)
    half = stats.t.ppf(0.975, telling - 1) * np.sqrt(59 / 60 * ((left - left.mean()) ** 2).sum())
    centre = forward(np.array(statistic.of(data)), statistic.transform)
    by_hand = backward(np.array([centre - half, centre + half]), statistic.transform)
    found = estimate_prepared(statistic.prepare(data), 60, statistic.transform)
    assert ends(found) == pytest.approx(tuple(by_hand))
    drawn = ends(estimate(statistic, data, method="cluster-bootstrap", resamples=2000))
    assert ends(found) == pytest.approx(drawn, abs=0.35 * (drawn[1] - drawn[0]))


@every
@settings(max_examples=30)
@given(data=pairs())
def test_never_a_nan_and_always_around_the_value(statistic: Statistic, data: Paired) -> None:
    found = estimate(statistic, data)
    if found.value is None:
        assert found.note and found.low is None and found.high is None
        return
    assert np.isfinite(found.value)
    if found.low is None or found.high is None:
        assert found.note and found.low is found.high
    else:
        assert found.low <= found.value + 1e-9 and found.value <= found.high + 1e-9


def test_too_few_prompts_are_said() -> None:
    assert estimate(PEARSON, Paired.of([], [], [])) == Estimate(None, note="no subjects")
    assert estimate(MAE, study(5, prompts=1)).note == estimate(MAE, study(5, prompts=2)).note
    assert estimate(MAE, study(5, prompts=2)).note == "no interval under 3 prompts"
    assert estimate(MAE, study(5, prompts=3)).low is not None
    few = estimate(INTRA_ID_SPEARMAN, study(5, prompts=11))
    assert few.value is not None and few.note == "no interval under 12 prompts"
    assert estimate(INTRA_ID_SPEARMAN, study(5, prompts=12)).low is not None


def test_undefined_is_said_and_so_is_what_hangs_on_one_prompt() -> None:
    data = study(6)
    flat = Paired(np.full(data.n, 4.0), data.people, data.prompt)
    assert estimate(SPEARMAN, flat) == Estimate(None, note="undefined: its scores are all the same (4)")
    almost = Paired(np.where(data.prompt == 0, data.judge, 4.0), data.people, data.prompt)
    assert estimate(PEARSON, almost).note == "no interval: it hangs on a single prompt"


def test_undefined_resamples_are_counted_and_too_many_give_no_interval() -> None:
    data = study(7)
    one = Paired(np.where(data.prompt == 0, data.judge, 4.0), data.people, data.prompt)
    found = estimate(PEARSON, one, method="cluster-bootstrap", resamples=1000)
    undefined = int((bootstrap_weights(20, 1000, 12345)[:, 0] == 0).sum())
    assert found.low is None and found.note == f"{undefined} of 1000 resamples undefined"
    few = Paired(np.where(data.prompt < 4, data.judge, 4.0), data.people, data.prompt)
    some = estimate(PEARSON, few, method="cluster-bootstrap", resamples=1000)
    assert some.low is not None and some.note.endswith("of 1000 resamples undefined")


def test_a_rate_without_exception_gets_the_exact_limit_and_not_certainty() -> None:
    data = study(8, prompts=12)
    perfect = Paired(data.people, data.people, data.prompt)
    found = estimate(WITHIN_ONE, perfect)
    exact = stats.binomtest(12, 12).proportion_ci(0.95, "exact")
    assert (found.low, found.high, found.method) == (pytest.approx(exact.low), 1.0, "exact")
    never = estimate(WITHIN_ONE, Paired(data.people + 3, data.people, data.prompt))
    assert (never.low, never.high) == (0.0, pytest.approx(1 - exact.low))


def test_a_rate_with_its_exceptions_in_one_prompt_has_the_limits_of_one_in_so_many() -> None:
    data = study(9)
    off = data.people.copy()
    off[:2] += 3
    found = estimate(WITHIN_ONE, Paired(off, data.people, data.prompt))
    exact = stats.binomtest(1, 20).proportion_ci(0.95, "exact")
    assert (found.value, found.method) == (pytest.approx(78 / 80), "exact")
    assert ends(found) == pytest.approx((1 - exact.high / 2, 1 - exact.low / 2))
    seldom = estimate(WITHIN_ONE, Paired(np.where(off == data.people, off + 3, data.people), data.people, data.prompt))
    assert ends(seldom) == pytest.approx((exact.low / 2, exact.high / 2))


def test_high_rates_are_covered_also_where_exceptions_are_few() -> None:
    random, held = np.random.default_rng(0), 0
    for _ in range(400):
        bad = random.random((20, 4)) < random.choice([0.0, 0.3], (20, 1), p=[0.85, 0.15])  # 4.5 % of answers
        data = Paired(3.0 + 2 * bad.ravel(), np.full(80, 3.0), np.repeat(np.arange(20), 4))
        low, high = ends(estimate(WITHIN_ONE, data))
        held += low <= 0.955 <= high
    assert held >= 368  # .95 would be 380, with a standard deviation of 4.4


def test_a_correlation_that_is_perfect_without_one_prompt_keeps_an_interval() -> None:
    people = np.array([1.0, 2, 3, 4, 5])
    found = estimate(SPEARMAN, Paired.of([1, 2, 3, 4, 1], people, range(5)))
    assert found.note == RECKONED and ends(found)[0] < found.value < ends(found)[1] == 1


@every
@pytest.mark.parametrize("turned", [False, True])
def test_no_interval_is_without_width_where_everything_agrees_or_everything_is_reversed(
    statistic: Statistic, turned: bool
) -> None:
    data = study(10)
    same = Paired(6 - data.people if turned else data.people, data.people, data.prompt, scale=(1, 5))
    found = estimate(statistic, same)
    low, high = ends(found)
    assert low <= found.value <= high and high - low > 0.01


@every
def test_where_everybody_says_the_same_on_an_open_scale_nothing_is_claimed(statistic: Statistic) -> None:
    found = estimate(statistic, Paired(np.full(80, 4.0), np.full(80, 4.0), np.repeat(np.arange(20), 4)))
    if found.method != "exact":
        assert (found.low, found.high) == (None, None) and found.note
    resampled = Paired(np.full(80, 4.0), np.full(80, 4.0), np.repeat(np.arange(20), 4))
    assert estimate(statistic, resampled, method="cluster-bootstrap", resamples=50).low is None


def test_an_unseen_exception_is_worked_out_by_hand() -> None:
    """20 prompts of two answers that the judge orders as people do; one more that it orders the other way round."""
    people = np.tile([2.0, 4.0], 20)
    found = estimate(INTRA_ID_SPEARMAN, Paired(people, people, np.repeat(np.arange(20), 2)))
    mean = 19 / 21  # 20 times 1, once -1
    error = np.sqrt(((20 * (1 - mean) ** 2) + (-1 - mean) ** 2) / (21 * 20))  # of a mean of 21
    assert ends(found) == (pytest.approx(mean - stats.t.ppf(0.975, 20) * error), 1.0)
    exact = 1 - 2 * stats.binomtest(0, 20).proportion_ci(0.95, "exact").high
    assert ends(found)[0] == pytest.approx(exact, abs=0.12)  # near Clopper and Pearson's


def test_an_error_that_nobody_made_bounds_the_mae_from_above_only() -> None:
    people = np.tile([1.0, 3, 5], 10)
    found = estimate(MAE, Paired(people, people, np.arange(30)))
    mean = 3 / 31  # thirty errors of 0, one of .75 (5 - 1)
    error = np.sqrt((30 * mean**2 + (3 - mean) ** 2) / (31 * 30))
    assert ends(found) == (0.0, pytest.approx(mean + stats.t.ppf(0.975, 30) * error))


def test_one_opposite_prompt_hardly_matters_among_many() -> None:
    for prompts, most in ((50, 0.35), (400, 0.1)):
        data = study(12, prompts=prompts)
        plain = ends(estimate_prepared(SPEARMAN.prepare(data), prompts, "fisher"))
        low, high = ends(estimate(SPEARMAN, data))
        assert low <= plain[0] and high >= plain[1]
        assert (high - low) / (plain[1] - plain[0]) - 1 < most


def test_prompts_with_one_answer_lend_an_order_no_degrees_of_freedom() -> None:
    two = study(13, prompts=15).taken(np.arange(60) % 4 < 2)
    single = Paired(np.r_[two.judge, np.full(40, 3.0)], np.r_[two.people, np.full(40, 3.0)],
                    np.r_[two.prompt, 15 + np.arange(40)])  # fmt: skip
    narrow, wide = (ends(estimate(INTRA_ID_SPEARMAN, one)) for one in (single, two))
    assert narrow[1] - narrow[0] >= 0.98 * (wide[1] - wide[0])


def test_with_many_prompts_they_are_left_out_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    data = study(11, prompts=900)
    whole = ends(estimate(MAE, data))
    monkeypatch.setattr(intervals, "MAX_GROUPS", 100)
    assert np.bincount(jackknife_groups(900)).tolist() == [9] * 100
    found = estimate(MAE, data)
    assert found.note == "prompts left out in 100 groups"
    assert ends(found) == pytest.approx(whole, abs=0.2 * (whole[1] - whole[0]))


def test_resamples_draw_as_many_prompts_as_there_are_and_the_same_ones_every_time() -> None:
    weights = bootstrap_weights(7, 50, 1)
    assert weights.shape == (50, 7) and (weights.sum(axis=1) == 7).all()
    assert (weights == bootstrap_weights(7, 50, 1)).all() and (weights != bootstrap_weights(7, 50, 2)).any()


@pytest.mark.parametrize("transform", ["fisher", "logit", "none"])
def test_there_and_back_again(transform: intervals.Transform) -> None:
    values = np.array([0.01, 0.5, 0.99])
    np.testing.assert_allclose(backward(forward(values, transform), transform), values)
