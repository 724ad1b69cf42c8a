"""Levels: against scipy and statsmodels, a case worked out on paper, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.analysis.material import STATISTICS, golden, pairs, panels, study
from wavjudge.analysis.stats.agreement import BIAS, KAPPA_QUADRATIC, MAE, PEARSON, RMSE, WITHIN_ONE
from wavjudge.analysis.stats.intervals import estimate
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Paired, Statistic


@pytest.mark.parametrize("statistic", STATISTICS, ids=lambda s: s.name)
def test_six_answers_worked_out_on_paper(statistic: Statistic) -> None:
    case = golden("agreement")
    data = Paired.of(case["judge"], case["people"], case["prompt"])
    assert statistic.of(data) == pytest.approx(case["values"][statistic.name], abs=1e-9)


@given(pairs())
def test_pearson_is_scipys_and_undefined_where_that_is(data: Paired) -> None:
    if np.ptp(data.judge) == 0 or np.ptp(data.people) == 0:
        assert np.isnan(PEARSON.of(data))
    else:
        assert PEARSON.of(data) == pytest.approx(stats.pearsonr(data.judge, data.people).statistic, abs=1e-9)


@given(pairs())
def test_errors_are_their_definitions(data: Paired) -> None:
    d = data.judge - data.people
    found = [s.of(data) for s in (BIAS, MAE, RMSE, WITHIN_ONE)]
    assert found == pytest.approx([d.mean(), abs(d).mean(), np.sqrt((d**2).mean()), (abs(d) <= 1).mean()])


@pytest.mark.parametrize("seed", range(5))
def test_quadratic_kappa_is_that_of_statsmodels(seed: int) -> None:
    raters = pytest.importorskip("statsmodels.stats.inter_rater")
    data = study(seed)
    table = np.zeros((5, 5))
    np.add.at(table, (data.judge.astype(int) - 1, data.people.astype(int) - 1), 1)
    expected = raters.cohens_kappa(table, wt="quadratic", return_results=False)
    assert KAPPA_QUADRATIC.of(data) == pytest.approx(expected, abs=1e-12)


def test_kappa_of_several_people_is_the_average_of_statsmodels_over_each() -> None:
    raters = pytest.importorskip("statsmodels.stats.inter_rater")
    data, random = study(3), np.random.default_rng(3)
    each = np.clip(data.people[:, None] + random.integers(-1, 2, (data.n, 3)), 1, 5)
    each[:7, 1] = np.nan
    kappas = []
    for own in each.T:
        table, rated = np.zeros((5, 5)), np.isfinite(own)
        np.add.at(table, (data.judge[rated].astype(int) - 1, own[rated].astype(int) - 1), 1)
        kappas.append(raters.cohens_kappa(table, wt="quadratic", return_results=False))
    several = Paired(data.judge, np.nanmean(each, axis=1), data.prompt, each)
    assert KAPPA_QUADRATIC.of(several) == pytest.approx(np.mean(kappas), abs=1e-12)
    alone = Paired(data.judge, several.people, data.prompt)
    assert abs(KAPPA_QUADRATIC.of(several) - KAPPA_QUADRATIC.of(alone)) > 0.01
    part = several.taken(data.prompt > 2)
    groups = (np.arange(data.prompts) > 2).astype(int)
    assert KAPPA_QUADRATIC.prepare(several).without_each(groups)[0] == pytest.approx(KAPPA_QUADRATIC.of(part))


def test_people_without_a_kappa_are_in_no_average() -> None:
    each = np.array([[3.0, 1], [3, 3], [3, 5]])
    flat = Paired(np.full(3, 3.0), each.mean(axis=1), np.arange(3), each)
    assert KAPPA_QUADRATIC.of(flat) == pytest.approx(0)  # the first person's does not exist


@given(pairs(), st.sampled_from([1e-7, 1e-3, 7.0, 1e5]), st.sampled_from([-3.0, 0.0, 1e3]))
def test_units_do_not_matter_to_correlation_and_scale_errors(data: Paired, unit: float, offset: float) -> None:
    shift = offset * unit
    other = Paired(data.judge * unit + shift, data.people * unit + shift, data.prompt)
    for statistic in (PEARSON, KAPPA_QUADRATIC):
        assert statistic.of(other) == pytest.approx(statistic.of(data), abs=1e-6, nan_ok=True)
    for statistic in (BIAS, MAE, RMSE):
        assert statistic.of(other) == pytest.approx(statistic.of(data) * unit, abs=1e-9 * unit * (1 + abs(offset)))


@given(pairs())
def test_a_judge_upside_down_has_minus_the_correlation(data: Paired) -> None:
    other = Paired(6 - data.judge, data.people, data.prompt)
    assert PEARSON.of(other) == pytest.approx(-PEARSON.of(data), nan_ok=True)


@pytest.mark.parametrize("score", [3.0, 0.1, 1e6 / 3])
def test_a_constant_judge_has_no_correlation_and_no_kappa_worth_the_name(score: float) -> None:
    data = study(1)
    flat = Paired(np.full(data.n, score), data.people, data.prompt)
    assert np.isnan(PEARSON.of(flat))
    assert np.isnan(PEARSON.prepare(flat).without_each(np.arange(20))).all()
    assert KAPPA_QUADRATIC.of(flat) == pytest.approx(0, abs=1e-9)


def test_two_subjects_and_one_prompt_have_values() -> None:
    two = Paired.of([1, 2], [4, 5], ["q", "q"])
    assert [s.of(two) for s in (PEARSON, BIAS, MAE, RMSE, WITHIN_ONE)] == pytest.approx([1, -3, 3, 3, 0])


def test_a_mean_of_thirds_one_point_off_is_within_one() -> None:
    third = (1 + 1 + 2) / 3
    assert WITHIN_ONE.of(Paired.of([third + 1], [third], [0])) == 1


def test_kappa_of_equal_scores_is_one_and_of_all_the_same_undefined() -> None:
    data = study(2)
    assert KAPPA_QUADRATIC.of(Paired(data.people, data.people, data.prompt)) == pytest.approx(1)
    assert np.isnan(KAPPA_QUADRATIC.of(Paired.of([3, 3], [3, 3], [0, 1])))


@given(panels(), st.integers(0, 99))
def test_kappa_of_all_people_at_once_is_the_mean_of_each_ones(panel: Panel, seed: int) -> None:
    judge = np.random.default_rng(seed).integers(1, 4, len(panel.prompt)).astype(float)
    data = Paired(judge, np.nan_to_num(panel.mean()), panel.prompt, panel.ratings)
    sides = [np.isfinite(own) for own in panel.ratings.T]
    own = [KAPPA_QUADRATIC.of(Paired.of(judge[rated], scores[rated], panel.prompt[rated]))
           for scores, rated in zip(panel.ratings.T, sides, strict=True) if rated.any()]  # fmt: skip
    defined = [value for value in own if np.isfinite(value)]
    wanted = np.mean(defined) if defined else np.nan
    assert KAPPA_QUADRATIC.of(data) == pytest.approx(wanted, abs=1e-12, nan_ok=True)
    unweighted = KAPPA_QUADRATIC.prepare(data).weighted(np.ones((1, panel.prompts)))[0]
    assert unweighted == pytest.approx(wanted, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize(("scale", "there"), [((0, 1), False), ((1, 2), False), ((0, 2), True), (None, True)])
def test_a_scale_of_one_point_has_no_share_within_one(scale: tuple[float, float] | None, there: bool) -> None:
    data = Paired.of([0, 1, 1, 0], [1, 1, 0, 0], [0, 1, 2, 3], scale=scale)
    found = estimate(WITHIN_ONE, data)
    assert found.value == (1.0 if there else None) and ("not wider than a point" in found.note) is not there
