"""Judges that do not listen: cross-fitting by loops, permutations against all of them, skill by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tests.analysis.material import STATISTICS, pairs, study
from wavjudge.analysis.stats import baselines, intervals
from wavjudge.analysis.stats.agreement import BIAS, KAPPA_QUADRATIC, MAE, PEARSON, RMSE, SPEARMAN, WITHIN_ONE
from wavjudge.analysis.stats.baselines import LEVELS, Null, constant, covariate, permuted, skill, skills
from wavjudge.analysis.stats.intervals import estimate
from wavjudge.analysis.stats.permutations import deals
from wavjudge.analysis.stats.sums import Paired, Statistic
from wavjudge.analysis.stats.within_prompt import (
    INTRA_ID_SPEARMAN,
    INTRA_ID_ZERO_FILLED,
    WITHIN_PROMPT_ACCURACY,
    groups,
)
from wavjudge.errors import InputError


def as_judge(data: Paired, null: Null, which: str = "levels") -> Paired:
    return Paired(getattr(null, which), data.people, data.prompt)


@given(pairs())
def test_the_constant_is_the_median_of_all_other_prompts(data: Paired) -> None:
    found = constant(data)
    if data.prompts == 1:
        assert found.levels is None and found.note.startswith("a single prompt")
        return
    expected = [np.median(data.people[data.prompt != prompt]) for prompt in data.prompt]
    np.testing.assert_allclose(found.levels, expected)


def test_many_prompts_are_left_out_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "MAX_GROUPS", 4)
    data = study(1, prompts=10)
    expected = [np.median(data.people[data.prompt % 4 != prompt % 4]) for prompt in data.prompt]
    np.testing.assert_allclose(constant(data).levels, expected)


def test_what_the_constant_speaks_of() -> None:
    data = study(2, prompts=30)
    null = constant(data)
    assert all(np.isnan(s.of(as_judge(data, null, "order"))) for s in (PEARSON, SPEARMAN, INTRA_ID_SPEARMAN))
    assert INTRA_ID_ZERO_FILLED.of(as_judge(data, null, "order")) == 0
    tied = WITHIN_PROMPT_ACCURACY.of(as_judge(data, null, "order"))
    assert 0 < tied < WITHIN_PROMPT_ACCURACY.of(data)
    assert groups(as_judge(data, null, "order")).defined == 0
    for statistic in STATISTICS:
        assert null.scores(statistic) is (null.levels if statistic.name in LEVELS else null.order)


@given(pairs(), st.integers(0, 999))
def test_a_covariate_is_put_on_the_scale_by_the_other_prompts(data: Paired, seed: int) -> None:
    assume(data.prompts > 1)
    x = np.random.default_rng(seed).integers(0, 4, data.n).astype(float)
    found = covariate("words", x, data)
    assert (found.name, found.order.tolist()) == ("words", x.tolist())
    for prompt in range(data.prompts):
        rest, own = data.prompt != prompt, data.prompt == prompt
        if np.ptp(x[rest]):
            slope, intercept = np.polyfit(x[rest], data.people[rest], 1)
        else:
            slope, intercept = 0.0, data.people[rest].mean()
        np.testing.assert_allclose(found.levels[own], intercept + slope * x[own], atol=1e-7)


def test_units_of_a_covariate_do_not_matter() -> None:
    data, seconds = study(3), np.random.default_rng(3).gamma(4, 2, 80)
    levels = [covariate("length", unit * seconds + offset, data).levels for unit, offset in ((1, 0), (48_000, 1e6))]
    np.testing.assert_allclose(levels[0], levels[1], atol=1e-7)


def test_a_covariate_that_says_nothing_has_no_skill_to_show() -> None:
    gains = []
    for seed in range(40):
        data = study(seed, prompts=12)
        noise = np.random.default_rng(seed).normal(size=data.n)
        mean_only = covariate("nothing", np.zeros(data.n), data)
        gains.append(RMSE.of(as_judge(data, mean_only)) - RMSE.of(as_judge(data, covariate("noise", noise, data))))
    assert np.mean(gains) < 0  # learnt on the same labels it would be positive


def test_a_covariate_with_gaps_is_refused() -> None:
    data = study(4)
    for values in (np.full(80, np.nan), np.ones(3)):
        with pytest.raises(InputError, match="numbers for 80 subjects"):
            covariate("wer", values, data)
    assert covariate("wer", np.arange(4), study(4, prompts=1)).levels is None


def test_permutations_average_to_the_mean_over_all_of_them() -> None:
    data = Paired.of([1, 2, 5, 3, 4], [2, 2, 4, 5, 1], [0, 0, 0, 1, 1])
    everywhere = [Paired(data.judge[list(p)], data.people, data.prompt) for p in permutations(range(5))]
    inside = [d for d in everywhere if sorted(d.judge[:3]) == [1, 2, 5]]
    for how, all_of_them in (("across", everywhere), ("within", inside)):
        found = permuted([MAE, SPEARMAN], data, how, permutations=4000)
        for statistic, null in zip((MAE, SPEARMAN), found, strict=True):
            assert null.mean == pytest.approx(np.mean([statistic.of(d) for d in all_of_them]), abs=0.03)


@given(pairs(), st.sampled_from(["within", "across"]))
def test_permutations_keep_what_they_should(data: Paired, how: baselines.Literal) -> None:
    for seed in range(3):
        for block in deals(data.prompt, how, 5, seed, 2):
            for dealt in block:
                assert sorted(dealt.tolist()) == list(range(data.n))
                assert how == "across" or (data.prompt[dealt] == data.prompt).all()
    assert permuted([BIAS], data, how, permutations=3)[0].mean == pytest.approx(BIAS.of(data))


def test_within_keeps_which_prompts_are_easy_and_across_keeps_nothing() -> None:
    data = study(5, prompts=150)
    (inside,), (everywhere,) = (permuted([PEARSON], data, how) for how in ("within", "across"))
    assert everywhere.low < 0 < everywhere.high and abs(everywhere.mean) < 0.02
    assert 0.1 < inside.mean < PEARSON.of(data) and inside.permutations == 200


def test_permutations_are_the_same_every_time_and_count_the_undefined() -> None:
    data = study(6)
    assert permuted([MAE, PEARSON], data, "across") == permuted([MAE, PEARSON], data, "across")
    assert permuted([MAE], data, "across", seed=1) != permuted([MAE], data, "across", seed=2)
    flat = Paired(np.full(data.n, 3.0), data.people, data.prompt)
    (found,) = permuted([PEARSON], flat, "within", permutations=10)
    assert (found.mean, found.low, found.undefined) == (None, None, 10)
    sometimes = Paired.of([1, 2, 2, 2], [1, 2, 3, 3], [0, 0, 1, 1])
    (some,) = permuted([INTRA_ID_SPEARMAN], sometimes, "across", permutations=100)
    assert 0 < some.undefined < 100 and np.isfinite(some.mean)


@pytest.mark.parametrize("statistic", [MAE, RMSE, WITHIN_ONE], ids=lambda s: s.name)
def test_skill_is_the_share_of_the_way_to_perfection(statistic: Statistic) -> None:
    data = study(7, prompts=40)
    mine, theirs = statistic.of(data), statistic.of(as_judge(data, constant(data)))
    perfect = 1.0 if statistic is WITHIN_ONE else 0.0
    found = skill(statistic, data)
    assert found.value == pytest.approx((mine - theirs) / (perfect - theirs))
    assert found.low < found.value < found.high
    assert skills(data)[statistic.name] == found


def test_its_interval_learns_the_constant_anew_without_each_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    data = study(8, prompts=15)
    left = []
    for prompt in range(15):
        rest = data.taken(data.prompt != prompt)
        left.append(1 - MAE.of(rest) / MAE.of(as_judge(rest, constant(rest))))
    half = stats.t.ppf(0.975, 14) * np.sqrt(14 / 15 * ((left - np.mean(left)) ** 2).sum())
    found = skill(MAE, data)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))
    monkeypatch.setattr(baselines, "RELEARN", 3)
    assert skill(MAE, data).value == found.value and skill(MAE, data).low != found.low


def test_the_constant_itself_has_no_skill_and_no_error_has_all_of_it() -> None:
    data = study(8)
    assert skill(MAE, as_judge(data, constant(data))).value == pytest.approx(0)
    assert skill(WITHIN_ONE, Paired(data.people, data.people, data.prompt)).value == pytest.approx(1)


def test_a_bad_judge_is_surely_below_the_constant() -> None:
    data = study(9, prompts=40)
    assert skill(MAE, Paired(6 - data.judge, data.people, data.prompt)).high < 0


def test_skill_is_surer_than_its_two_sides_would_make_it() -> None:
    data = study(10, prompts=60)
    found, theirs = skill(MAE, data), estimate(MAE, as_judge(data, constant(data)))
    spread = [(e.high - e.low) / e.value for e in (estimate(MAE, data), theirs)]
    assert found.high - found.low < (1 - found.value) * float(np.hypot(*spread))


def test_where_skill_does_not_exist_it_is_said() -> None:
    flat = Paired.of([1, 2, 3], [3, 3, 3], [0, 1, 2])
    assert skill(MAE, flat).note == "undefined: the constant is perfect"
    assert skill(MAE, study(11, prompts=1)).note.startswith("a single prompt")
    assert skill(MAE, study(11, prompts=2)).note == "no interval under 3 prompts"
    assert skill(MAE, Paired.of([], [], [])).value is None
    with pytest.raises(InputError, match="no skill for kappa_quadratic"):
        skill(KAPPA_QUADRATIC, flat)
