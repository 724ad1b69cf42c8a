"""Spearman and Kendall: three ways to the same figures, all of them scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.analysis.material import pairs, study
from wavjudge.analysis.stats import agreement
from wavjudge.analysis.stats.agreement import KENDALL_TAU_B, SPEARMAN
from wavjudge.analysis.stats.sums import ByWeights, Paired, Statistic

both = pytest.mark.parametrize("statistic", [SPEARMAN, KENDALL_TAU_B], ids=lambda s: s.name)


def scipys(statistic: Statistic, data: Paired) -> float:
    function = stats.spearmanr if statistic is SPEARMAN else stats.kendalltau
    return float(function(data.judge, data.people).statistic)


@both
@settings(max_examples=40)
@given(data=pairs())
def test_they_are_scipys_and_undefined_where_a_side_is_constant(statistic: Statistic, data: Paired) -> None:
    if np.ptp(data.judge) == 0 or np.ptp(data.people) == 0:
        assert np.isnan(statistic.of(data))
    else:
        assert statistic.of(data) == pytest.approx(scipys(statistic, data), abs=1e-9)


@both
@settings(max_examples=40)
@given(data=pairs(), seed=st.integers(0, 99))
def test_the_grid_and_the_weighted_midranks_agree(statistic: Statistic, data: Paired, seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 3, (3, data.prompts)).astype(float)
    grid = statistic.prepare(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agreement, "MAX_GRID", 0)
        fine = statistic.prepare(data)
    assert isinstance(fine, ByWeights) and not isinstance(grid, ByWeights)
    assert fine.plain() == pytest.approx(grid.plain(), abs=1e-9, nan_ok=True)
    groups = np.arange(data.prompts)
    np.testing.assert_allclose(fine.without_each(groups), grid.without_each(groups), atol=1e-9)
    np.testing.assert_allclose(fine.weighted(weights), grid.weighted(weights), atol=1e-9)


@both
def test_continuous_scores_take_the_midranks(statistic: Statistic) -> None:
    random = np.random.default_rng(3)
    data = Paired.of(random.normal(size=200), random.normal(size=200), np.arange(200) // 4)
    assert isinstance(statistic.prepare(data), ByWeights)
    assert statistic.of(data) == pytest.approx(scipys(statistic, data), abs=1e-12)


@both
@settings(max_examples=40)
@given(data=pairs())
def test_only_the_order_of_scores_matters(statistic: Statistic, data: Paired) -> None:
    other = Paired(np.exp(data.judge), data.people**3 - 7, data.prompt)
    assert statistic.of(other) == pytest.approx(statistic.of(data), nan_ok=True)
    reversed_ = Paired(-data.judge, data.people, data.prompt)
    assert statistic.of(reversed_) == pytest.approx(-statistic.of(data), nan_ok=True)


@both
def test_the_same_order_is_one_and_two_subjects_are_enough(statistic: Statistic) -> None:
    data = study(4)
    assert statistic.of(Paired(data.people * 2, data.people, data.prompt)) == pytest.approx(1)
    assert statistic.of(Paired.of([1, 2], [5, 3], [0, 0])) == pytest.approx(-1)


def test_midranks_are_scipys_less_a_half() -> None:
    scores = np.array([1, 1, 2, 4, 4, 4])
    per_value = agreement.midranks(np.bincount(scores).astype(float))
    np.testing.assert_allclose(per_value[scores], stats.rankdata(scores) - 0.5)
