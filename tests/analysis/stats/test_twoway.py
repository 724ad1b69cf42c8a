"""Intervals over prompts and people: by hand, what they cover, and where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from tests.analysis.material import people as panel_of
from wavjudge.analysis.stats.agreement import BIAS, MAE, SPEARMAN
from wavjudge.analysis.stats.intervals import METHOD, Estimate, estimate, two_way, without_people
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Paired


def both(judge: np.ndarray, panel: Panel) -> Paired:
    return Paired(judge, panel.mean(), panel.prompt)


def drawn(random: np.random.Generator, prompts: int, raters: int) -> tuple[np.ndarray, Panel]:
    """The judge says 3 throughout with noise; each person has a leaning of his own, so does each prompt."""
    people = 3 + random.normal(0, 0.5, raters) + random.normal(0, 0.5, (prompts, 1))
    prompt = np.repeat(np.arange(prompts), 3)
    scores = people[prompt] + random.normal(0, 0.6, (3 * prompts, raters))
    return 3 + random.normal(0, 0.4, 3 * prompts), Panel.of(scores, prompt)


def covers(found: Estimate, truth: float) -> bool:
    assert found.low is not None and found.high is not None
    return found.low <= truth <= found.high


def test_the_bias_of_a_balanced_table_has_both_variances_of_means() -> None:
    judge, panel = drawn(np.random.default_rng(5), 10, 4)
    found = two_way(BIAS, both(judge, panel), without_people(panel, judge))
    lean = (judge[:, None] - panel.ratings).mean(axis=0)
    by_prompt = (judge - panel.mean()).reshape(10, 3).mean(axis=1)
    parts = np.array([by_prompt.var(ddof=1) / 10, lean.var(ddof=1) / 4])
    freedom = parts.sum() ** 2 / (parts**2 / np.array([9, 3])).sum()
    half = stats.t.ppf(0.975, freedom) * np.sqrt(parts.sum())
    assert found.value == pytest.approx(lean.mean())
    assert (found.low, found.high) == pytest.approx((lean.mean() - half, lean.mean() + half))
    assert found.method == METHOD


def test_it_covers_new_people_and_an_interval_over_prompts_does_not() -> None:
    random, runs = np.random.default_rng(11), 300
    two, one = 0, 0
    for _ in range(runs):
        judge, panel = drawn(random, 15, 5)
        data = both(judge, panel)
        two += covers(two_way(BIAS, data, without_people(panel, judge)), 0.0)
        one += covers(estimate(BIAS, data), 0.0)
    assert two / runs > 0.92
    assert one / runs < 0.85


@pytest.mark.parametrize("statistic", [BIAS, MAE, SPEARMAN], ids=lambda s: s.name)
def test_it_is_wider_than_over_prompts_alone(statistic: object) -> None:
    panel = panel_of(4, prompts=30, raters=4, missing=0.2)
    panel = panel.taken(np.isfinite(panel.ratings).any(axis=1))
    judge = np.random.default_rng(2).integers(1, 6, len(panel.prompt)).astype(float)
    judge = np.where(np.arange(len(judge)) % 3 > 0, np.round(panel.mean()), judge)
    data = both(judge, panel)
    wide, narrow = two_way(statistic, data, without_people(panel, judge)), estimate(statistic, data)  # type: ignore[arg-type]
    assert wide.value == pytest.approx(narrow.value)
    assert wide.high - wide.low > narrow.high - narrow.low  # type: ignore[operator]


def test_who_rated_nothing_the_judge_scored_is_no_person_here() -> None:
    panel = Panel.of([[1, 2, np.nan], [2, 3, np.nan], [np.nan, np.nan, 5]], [0, 1, 2])
    assert len(without_people(panel, np.array([1.0, 2.0, np.nan]))) == 2


def test_its_ends_stop_where_the_figure_does() -> None:
    judge, panel = drawn(np.random.default_rng(1), 6, 3)
    wild = np.where(np.arange(len(judge)) < 3, judge + 9, panel.mean())
    data, without = both(wild, panel), without_people(panel, wild)
    assert two_way(replace(MAE, limits=(-np.inf, np.inf)), data, without).low < 0 == two_way(MAE, data, without).low


def test_two_people_are_no_sample_of_people() -> None:
    judge, panel = drawn(np.random.default_rng(1), 12, 2)
    found = two_way(MAE, both(judge, panel), without_people(panel, judge))
    assert found.low is None and "fewer than 3" in found.note and found.value is not None
