"""Rank sets: against a plain re-derivation with loops, the studentised range, and equal candidates by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wavjudge.analysis.stats import rank_sets as ranksets
from wavjudge.analysis.stats.rank_sets import RankSets, rank_sets, resamples_for

NAMES = list("abcdef")


def likert(random: np.random.Generator, prompts: int, candidates: int = 6, shift: float = 0.0) -> np.ndarray:
    """1-5 scores with a part that a prompt's answers share; the last candidate is `shift` worse."""
    latent = 3.5 + 0.8 * random.normal(size=(prompts, 1)) + 0.8 * random.normal(size=(prompts, candidates))
    latent[:, -1] -= shift
    return np.clip(np.round(latent), 1, 5)


def spans(found: RankSets) -> list[tuple[int, int]]:
    return [(one.low, one.high) for one in found.sets()]


def plain(scores: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """The same p-values, one hypothesis, one resample, one prompt at a time; the step-down as it is told in papers."""
    prompts, count = scores.shape
    draws = np.random.default_rng(seed).multinomial(prompts, np.full(prompts, 1 / prompts), resamples)

    def t_of(a: int, b: int, weights: np.ndarray, centre: float, floor: float) -> float:
        d = [x for p in range(prompts) for x in [scores[p, a] - scores[p, b]] * weights[p] if np.isfinite(x)]
        if len(d) < 2:
            return (np.mean(d) - centre) / floor if d else 0.0
        se = max(np.std(d, ddof=1) / np.sqrt(len(d)), floor)
        return (np.mean(d) - centre) / se

    p = np.ones((count, count))
    ones, seen, chance, n = np.ones(prompts, dtype=int), {}, {}, {}
    for a in range(count):
        for b in range(count):
            d = scores[:, a] - scores[:, b]
            d = d[np.isfinite(d)]
            if a != b and len(d) > 1 and d.std() > 0:
                se = d.std(ddof=1) / np.sqrt(len(d))
                n[a, b], seen[a, b] = len(d), t_of(a, b, ones, 0.0, 1e-12)
                chance[a, b] = [t_of(a, b, w, d.mean(), ranksets.SPREAD_FLOOR * se) for w in draws]
    remaining, last = sorted(seen, key=lambda pair: -seen[pair]), 0.0
    hypotheses = count * (count - 1)
    while remaining:
        strongest = remaining[0]
        largest = np.max([chance[pair] for pair in remaining], axis=0)
        last = max(last, (1 + np.sum(largest >= seen[strongest] - 1e-9)) / (1 + resamples))
        p[strongest] = max(last, min(1.0, hypotheses * 0.5 ** n[strongest]))
        remaining = remaining[1:]
    return p


@pytest.mark.parametrize(("prompts", "shift", "missing"), [(12, 0.0, 0.0), (15, 1.5, 0.0), (20, 1.0, 0.2)])
def test_p_values_are_those_of_a_plain_step_down(prompts: int, shift: float, missing: float) -> None:
    random = np.random.default_rng(prompts)
    scores = likert(random, prompts, 4, shift)
    scores[random.random(scores.shape) < missing] = np.nan
    found = rank_sets(scores, NAMES[:4], statistic="s", resamples=199, seed=3)
    np.testing.assert_allclose(found.p, plain(scores, 199, 3), atol=1e-12)


def test_with_many_prompts_the_strongest_pair_follows_the_studentised_range() -> None:
    """For equal, independent, normal candidates the largest |t| of all pairs is a studentised range / sqrt(2)."""
    scores = np.random.default_rng(5).normal(size=(1500, 6))
    scores -= scores.mean(axis=0)
    scores /= scores.std(axis=0, ddof=1)
    scores[:, 0] += 2.9 / np.sqrt(1500 / 2)
    found = rank_sets(scores, NAMES, statistic="s", resamples=4000)
    a, b = np.unravel_index(np.argmin(found.p), found.p.shape)
    d = scores[:, a] - scores[:, b]
    t = d.mean() / (d.std(ddof=1) / np.sqrt(len(d)))
    # Two-sided, as both orders of every pair are hypotheses.
    assert found.p[a, b] == pytest.approx(stats.studentized_range.sf(t * np.sqrt(2), 6, np.inf), abs=0.012)


def test_six_equal_candidates_hold_ranks_one_to_six_in_about_95_percent_of_the_runs() -> None:
    """At 24 prompts, 1-5 scores. 4,000 runs of 500 resamples gave what docs/ says; here 400 runs, so that the rate has
    a Monte Carlo standard error of .011. Ranks of resampled means would do it about half of the time (ruling 8)."""
    random, runs, whole = np.random.default_rng(11), 400, [(1, 6)] * 6
    held = sum(
        spans(rank_sets(likert(random, 24), NAMES, statistic="s", resamples=400, seed=run)) == whole
        for run in range(runs)
    )
    error = np.sqrt(0.95 * 0.05 / runs)
    assert 0.95 - 3 * error <= held / runs <= 0.95 + 3.5 * error


def test_the_worse_one_of_six_is_found_beside_two_that_are_nearly_the_same() -> None:
    """Without the floor under a resample's spread the nearly equal pair would hide every other one."""
    random, found = np.random.default_rng(12), 0
    for run in range(60):
        scores = likert(random, 24, 6, shift=1.0)
        scores[:, 1] = scores[:, 0]
        scores[0, 1] = scores[0, 0] + (1 if scores[0, 0] < 5 else -1)
        ranks = rank_sets(scores, NAMES, statistic="s", resamples=400, seed=run)
        found += ranks.sets()[-1].low > 1
    assert found >= 45


def test_alike_is_not_transitive() -> None:
    steps = np.random.default_rng(3).normal([0.6, 0.3, 0.0], 0.55, (30, 3))
    sets = rank_sets(steps, ["a", "b", "c"], statistic="s").sets()
    assert [(one.alike, one.low, one.high) for one in sets] == [(("b",), 1, 2), (("a", "c"), 1, 3), (("b",), 2, 3)]


def test_clear_differences_give_single_ranks_whatever_the_order_of_columns() -> None:
    scores = np.random.default_rng(4).normal([2.0, 5.0, 3.0, 4.0], 0.2, (20, 4))
    found = rank_sets(scores, NAMES[:4], statistic="overall, all items")
    assert spans(found) == [(4, 4), (1, 1), (3, 3), (2, 2)]
    assert found.statistic == "overall, all items"


@settings(max_examples=30)
@given(st.integers(2, 5), st.integers(0, 15), st.integers(0, 2**32 - 1), st.floats(0, 0.6))
def test_order_of_candidates_changes_nothing_and_ranks_fit_the_tests(
    k: int, prompts: int, seed: int, gaps: float
) -> None:
    random = np.random.default_rng(seed)
    scores = likert(random, prompts, k, 1.0)
    scores[random.random(scores.shape) < gaps] = np.nan
    turned = random.permutation(k)
    one = rank_sets(scores, NAMES[:k], statistic="s", resamples=60, seed=1)
    two = rank_sets(scores[:, turned], [NAMES[i] for i in turned], statistic="s", resamples=60, seed=1)
    np.testing.assert_allclose(two.p, one.p[np.ix_(turned, turned)])
    assert [spans(one)[i] for i in turned] == spans(two)
    assert not (one.better & one.better.T).any()
    for i, found in enumerate(one.sets()):
        assert 1 <= found.low <= found.high <= k
        assert len(found.alike) == found.high - found.low
        assert NAMES[i] not in found.alike


def test_the_same_seed_gives_the_same_in_pieces_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = likert(np.random.default_rng(8), 30)
    once = rank_sets(scores, NAMES, statistic="s", resamples=500)
    monkeypatch.setattr(ranksets, "_CHUNK_BYTES", 10_000)
    np.testing.assert_array_equal(once.p, rank_sets(scores, NAMES, statistic="s", resamples=500).p)
    assert (once.p != rank_sets(scores, NAMES, statistic="s", resamples=500, seed=2).p).any()


def test_prompts_that_only_one_of_a_pair_has_do_not_count() -> None:
    scores = np.array([[5.0, 4, np.nan], [4, 4, 3], [np.nan, 2, 2], [3, np.nan, 1]] * 5)
    found = rank_sets(scores, ["a", "b", "c"], statistic="s", resamples=100)
    assert found.common.tolist() == [[0, 10, 10], [10, 0, 10], [10, 10, 0]]
    assert found.difference[0, 1] == pytest.approx(0.5)
    assert found.difference[2, 0] == pytest.approx(-1.5)


@pytest.mark.parametrize(("prompts", "apart"), [(1, False), (5, False), (6, True), (24, True)])
def test_one_and_the_same_difference_everywhere_is_judged_by_coin_flips(prompts: int, apart: bool) -> None:
    """No spread, so no t: 2 hypotheses x 2^-n is below .05 from six prompts on."""
    found = rank_sets(np.tile([4.0, 3.0], (prompts, 1)), ["a", "b"], statistic="s")
    assert spans(found) == ([(1, 1), (2, 2)] if apart else [(1, 2), (1, 2)])


def test_edges() -> None:
    assert spans(rank_sets(np.ones((9, 1)), ["a"], statistic="s")) == [(1, 1)]
    assert spans(rank_sets(np.ones((0, 2)), ["a", "b"], statistic="s")) == [(1, 2)] * 2
    assert spans(rank_sets(np.full((30, 3), 4.0), ["a", "b", "c"], statistic="s")) == [(1, 3)] * 3
    without = np.column_stack([likert(np.random.default_rng(0), 30, 2, 3.0), np.full(30, np.nan)])
    assert spans(rank_sets(without, ["a", "b", "none"], statistic="s")) == [(1, 2), (2, 3), (1, 3)]
    with pytest.raises(ValueError, match="different candidates"):
        rank_sets(np.ones((3, 2)), ["a", "a"], statistic="s")


def test_resamples_fall_above_twenty_thousand_prompts() -> None:
    assert [resamples_for(n) for n in (0, 20_000, 40_000, 10**7)] == [10_000, 10_000, 5_000, 1_000]
    assert [resamples_for(50, k) for k in (100, 200, 320)] == [10_000, 2_512, 1_000]
