"""Inside a prompt: against loops over prompts and pairs, and what a flat judge does to the mean."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from tests.analysis.material import golden, pairs, study
from wavjudge.analysis.stats.sums import Paired
from wavjudge.analysis.stats.within_prompt import (
    INTRA_ID_SPEARMAN,
    INTRA_ID_ZERO_FILLED,
    TIE_FOLDS,
    WITHIN_PROMPT_ACCURACY,
    WITHIN_PROMPT_TIE_CALIBRATED,
    Groups,
    groups,
    within_prompt_pairs,
)


def by_prompt(data: Paired) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(data.judge[data.prompt == p], data.people[data.prompt == p]) for p in range(data.prompts)]


def rhos(data: Paired) -> list[float]:
    """One per prompt where people differ; 0 where the judge does not."""
    return [float(stats.spearmanr(x, y).statistic) if np.ptp(x) else 0.0 for x, y in by_prompt(data) if np.ptp(y)]


@given(pairs())
def test_both_means_and_the_counts_are_those_of_a_loop(data: Paired) -> None:
    defined = [float(stats.spearmanr(x, y).statistic) for x, y in by_prompt(data) if np.ptp(x) and np.ptp(y)]
    expected = np.mean(defined) if defined else np.nan
    assert INTRA_ID_SPEARMAN.of(data) == pytest.approx(expected, abs=1e-9, nan_ok=True)
    filled = rhos(data)
    assert INTRA_ID_ZERO_FILLED.of(data) == pytest.approx(np.mean(filled) if filled else np.nan, abs=1e-9, nan_ok=True)
    several = sum(len(x) > 1 for x, _ in by_prompt(data))
    assert groups(data) == Groups(len(defined), len(filled) - len(defined), several - len(filled))


@given(pairs())
def test_accuracy_is_that_of_a_loop_over_pairs(data: Paired) -> None:
    agree = [
        np.sign(x[i] - x[j]) == np.sign(y[i] - y[j])
        for x, y in by_prompt(data)
        for i, j in combinations(range(len(x)), 2)
    ]
    assert WITHIN_PROMPT_ACCURACY.of(data) == pytest.approx(np.mean(agree) if agree else np.nan, nan_ok=True)


@given(arrays.arrays(int, st.integers(1, 30), elements=st.integers(0, 6)))
def test_every_pair_within_a_prompt_once(prompt: np.ndarray) -> None:
    first, second = within_prompt_pairs(prompt)
    found = sorted(tuple(sorted(pair)) for pair in zip(first.tolist(), second.tolist(), strict=True))
    assert found == [(i, j) for i, j in combinations(range(len(prompt)), 2) if prompt[i] == prompt[j]]


def test_a_flat_judge_loses_groups_and_only_the_zero_filled_mean_shows_it() -> None:
    data = study(5, prompts=200)
    random = np.random.default_rng(5)
    often_flat = data.judge.copy()
    often_flat[np.isin(data.prompt, np.flatnonzero(random.random(200) < 0.5))] = 4
    flat = Paired(often_flat, data.people, data.prompt)
    assert INTRA_ID_SPEARMAN.of(flat) == pytest.approx(INTRA_ID_SPEARMAN.of(data), abs=0.1)
    assert INTRA_ID_ZERO_FILLED.of(flat) < 0.65 * INTRA_ID_ZERO_FILLED.of(data)
    assert groups(flat).judge_constant > groups(data).judge_constant + 60


def test_two_answers_a_prompt_are_plus_or_minus_one() -> None:
    data = study(6, answers=2)
    assert {round(rho, 9) for rho in rhos(data)} <= {-1.0, 0.0, 1.0}
    assert INTRA_ID_ZERO_FILLED.of(data) == pytest.approx(np.mean(rhos(data)))


@given(pairs(), st.integers(0, 99))
def test_what_differs_between_prompts_does_not_matter(data: Paired, seed: int) -> None:
    lift = np.random.default_rng(seed).integers(-3, 4, data.prompts)[data.prompt]
    other = Paired(data.judge + lift, data.people - 2 * lift, data.prompt)
    for statistic in (INTRA_ID_SPEARMAN, INTRA_ID_ZERO_FILLED, WITHIN_PROMPT_ACCURACY):
        assert statistic.of(other) == pytest.approx(statistic.of(data), abs=1e-9, nan_ok=True)


def test_single_answers_tell_nothing() -> None:
    alone = Paired.of([1, 2, 3], [3, 2, 1], [0, 1, 2])
    assert groups(alone) == Groups(0, 0, 0)
    for statistic in (INTRA_ID_SPEARMAN, INTRA_ID_ZERO_FILLED, WITHIN_PROMPT_ACCURACY):
        assert np.isnan(statistic.of(alone))


def test_ties_are_calibrated_on_other_prompts() -> None:
    case = golden("tie_calibration")
    data = Paired.of(case["judge"], case["people"], case["prompt"])
    assert WITHIN_PROMPT_ACCURACY.of(data) == pytest.approx(case["plain"])
    assert WITHIN_PROMPT_TIE_CALIBRATED.of(data) == pytest.approx(case["tie_calibrated"])


def within(data: Paired) -> list[tuple[int, float, bool, bool]]:
    """Of each pair: fold, difference of the judge's scores, are people tied, is the order told."""
    return [
        (p % min(TIE_FOLDS, data.prompts), abs(x[i] - x[j]), y[i] == y[j], np.sign(x[i] - x[j]) == np.sign(y[i] - y[j]))
        for p, (x, y) in enumerate(by_prompt(data))
        for i, j in combinations(range(len(x)), 2)
    ]


@given(pairs())
def test_tie_calibration_is_that_of_a_loop_over_thresholds(data: Paired) -> None:
    found = within(data)
    right = []
    for own, d, tied, told in found:
        others = [pair for pair in found if pair[0] != own]
        levels = sorted({0.0, *(pair[1] for pair in found)})
        share = [sum(t if apart <= e else o for _, apart, t, o in others) for e in levels]
        right.append(tied if d <= levels[share.index(max(share))] else told)
    expected = np.mean(right) if right and data.prompts > 1 else np.nan
    assert WITHIN_PROMPT_TIE_CALIBRATED.of(data) == pytest.approx(expected, nan_ok=True)


def test_a_judge_of_fine_scores_gains_by_it_where_people_tie() -> None:
    coarse = study(3, prompts=60)
    noise = np.random.default_rng(1).normal(0, 0.05, coarse.n)
    fine = Paired(coarse.judge + noise, coarse.people, coarse.prompt)
    assert WITHIN_PROMPT_TIE_CALIBRATED.of(fine) == pytest.approx(WITHIN_PROMPT_ACCURACY.of(coarse), abs=0.02)
    assert WITHIN_PROMPT_ACCURACY.of(fine) < WITHIN_PROMPT_ACCURACY.of(coarse) - 0.02
