"""Statistics of statistics over the same prompts, and the panel they are taken from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.material import panels, study
from wavjudge.analysis.stats.agreement import MAE, PEARSON
from wavjudge.analysis.stats.intervals import ALIKE, estimate, estimate_prepared
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.sums import Floats, Joint, Paired, difference, mean_of, where_both
from wavjudge.errors import InputError


def gaps(scores: Floats, seed: int) -> Floats:
    return np.where(np.random.default_rng(seed).random(len(scores)) < 0.4, np.nan, scores)


@settings(max_examples=40)
@given(st.integers(0, 9999))
def test_leaving_out_and_weighting_prompts_that_only_one_part_knows(seed: int) -> None:
    data, groups = study(seed, prompts=6, answers=2), np.array([0, 1, 2, 2, 3, 0])
    judge, other = gaps(data.judge, seed), gaps(data.judge[::-1], seed + 1)
    weights = np.random.default_rng(seed).integers(0, 3, (4, 6)).astype(float)

    def anew(times: Floats) -> float:
        each = []
        for scores in (judge, other):
            rows = np.repeat(np.arange(data.n), times[data.prompt].astype(int))
            rows = rows[np.isfinite(scores[rows])]
            each.append(np.abs(scores[rows] - data.people[rows]).mean() if len(rows) else np.nan)
        return each[0] - each[1]

    parts = [where_both(MAE, scores, data.people, data.prompt) for scores in (judge, other)]
    if not all(parts):
        return
    joint = Joint(tuple(p for p in parts if p), difference)
    left = [anew((groups != group).astype(float)) for group in range(4)]
    np.testing.assert_allclose(joint.without_each(groups), left)
    np.testing.assert_allclose(joint.weighted(weights), [anew(row) for row in weights])
    assert joint.plain() == pytest.approx(anew(np.ones(6)))


def test_the_difference_of_two_equal_judges_is_zero_and_its_interval_withheld() -> None:
    data = study(1)
    joint = Joint((MAE.prepare(data), MAE.prepare(data)), difference)
    found = estimate_prepared(joint, data.prompts)
    assert (found.value, found.low, found.high, found.note) == (0, None, None, ALIKE)


def test_a_paired_difference_is_surer_than_its_sides() -> None:
    data = study(2)
    louder = Paired(np.clip(data.judge + 1, 1, 5), data.people, data.prompt)
    paired = estimate_prepared(Joint((PEARSON.prepare(data), PEARSON.prepare(louder)), difference), 20)
    alone = estimate(PEARSON, data)
    assert paired.high - paired.low < alone.high - alone.low


def test_an_average_with_an_undefined_part_is_undefined() -> None:
    assert np.isnan(mean_of(np.array([1.0, np.nan])))
    assert where_both(MAE, np.array([np.nan, 1]), np.array([1, np.nan]), np.array([0, 1])) is None


@given(panels())
def test_the_mean_of_the_others_is_theirs_where_there_are_any(panel: Panel) -> None:
    for j in range(panel.k):
        others = np.delete(panel.ratings, j, axis=1)
        expected = [row[np.isfinite(row)].mean() if np.isfinite(row).any() else np.nan for row in others]
        np.testing.assert_allclose(panel.mean(j), expected)


def test_panels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="one row a subject"):
        Panel.of([[1, 2], [3, 4]], [0, 1], ("only one",))
    with pytest.raises(InputError, match="infinite"):
        Panel.of([[1, np.inf]], [0])
