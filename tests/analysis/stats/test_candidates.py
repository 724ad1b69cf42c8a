"""Two candidates on the same prompts: pairs, losses, failures, and tests against scipy's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wavjudge.analysis.stats import candidates
from wavjudge.analysis.stats.candidates import EXACT_PROMPTS, Answers, Lost, compare_candidates, sign_flip
from wavjudge.types import Scale

FLIPS = json.loads((Path(__file__).parents[1] / "golden" / "comparing.json").read_text())["flips"]
SCALE = Scale(low=1, high=5)
NAN = float("nan")


def answers(scores, prompts=None, failed=()) -> Answers:
    scores = np.array(scores, float)
    prompt = np.array([f"q{i}" for i in range(len(scores))] if prompts is None else prompts)
    return Answers(scores, np.isin(np.arange(len(scores)), failed), prompt)


@pytest.mark.parametrize("case", FLIPS)
def test_flips_by_hand(case):
    assert sign_flip(case["d"])[0] == case["p"]


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=9))
def test_exact_flips_equal_scipy(d):
    oracle = stats.permutation_test((np.array(d, float),), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(d)[0] == pytest.approx(min(1.0, oracle.pvalue))


def test_random_flips_are_seeded_and_near_the_exact_ones():
    d = np.random.default_rng(0).normal(0.4, 1, EXACT_PROMPTS)
    exact, how = sign_flip(d)
    assert how == "exact, 65536 flips"
    # Zeros change nothing, so the same differences with one tiny one more must be drawn at random.
    drawn, how = sign_flip(np.r_[d, 1e-9])
    assert how == "10000 random flips, seed 12345" and drawn == pytest.approx(exact, abs=0.015)
    assert sign_flip(np.r_[d, 1e-9])[0] == drawn != sign_flip(np.r_[d, 1e-9], seed=1)[0]
    assert sign_flip([]) == (None, "no prompts")
    # What was seen is one of the possible flips: random ones never give a p of zero.
    assert sign_flip(np.ones(100))[0] == 1 / 10_001


def test_answered_is_the_paired_t_test():
    a, b = np.random.default_rng(1).uniform(1, 5, (2, 40))
    found = compare_candidates(answers(a), answers(b), SCALE).answered
    oracle = stats.ttest_rel(a, b)
    low, high = oracle.confidence_interval()
    assert (found.p, found.difference.low, found.difference.high) == pytest.approx((oracle.pvalue, low, high))
    assert found.effect == pytest.approx(oracle.statistic / np.sqrt(40))
    assert found.p_permutation == pytest.approx(oracle.pvalue, abs=0.02)
    assert (found.mean_first, found.mean_second) == pytest.approx((a.mean(), b.mean()))


def test_order_of_rows_and_of_candidates_does_not_matter():
    random = np.random.default_rng(2)
    a, b = (answers(random.integers(1, 6, 30), random.integers(0, 12, 30).astype(str)) for _ in range(2))
    turn = random.permutation(30)
    shuffled = Answers(a.score[turn], a.failed[turn], a.prompt[turn])
    assert compare_candidates(shuffled, b, SCALE) == compare_candidates(a, b, SCALE)
    there, back = compare_candidates(a, b, SCALE), compare_candidates(b, a, SCALE)
    assert there.answered.difference.value == pytest.approx(-back.answered.difference.value)
    assert (there.answered.p, there.lost_first) == (pytest.approx(back.answered.p), back.lost_second)


def test_several_answers_to_a_prompt_count_as_one():
    a = answers([5, 3, 4, 2], ["q1", "q1", "q2", "q3"])
    b = answers([2, 2, 2], ["q1", "q2", "q3"])
    found = compare_candidates(a, b, SCALE).answered
    assert (found.prompts, found.mean_first, found.difference.value) == (3, 10 / 3, pytest.approx(4 / 3))


def test_losses_by_side_and_reason():
    #            both  b fails  b unscored  a fails  a unscored  both fail  only a asked
    a = answers([5.0, 4.0, 4.0, NAN, NAN, NAN, 3.0], list("pqrstuv"), failed=[3, 5])
    b = answers([4.0, NAN, NAN, 2.0, 2.0, NAN], list("pqrstu"), failed=[1, 5])
    found = compare_candidates(a, b, SCALE)
    assert found.lost_first == Lost(failed=1, unscored=1, not_asked=0)
    assert found.lost_second == Lost(failed=1, unscored=1, not_asked=1)
    assert (found.lost_both, found.answered.prompts) == (1, 1)
    # p, q (1 for b), s (1 for a), u (1 each): (5 + 4 + 1 + 1) - (4 + 1 + 2 + 1) = 3 over four prompts
    assert (found.all_items.prompts, found.all_items.difference.value) == (4, 0.75)


def test_silence_does_not_win():
    random = np.random.default_rng(3)
    ability = np.sort(random.integers(1, 6, 40)).astype(float)
    picky = np.where(ability >= 4, ability, NAN)
    a, b = answers(picky, failed=np.flatnonzero(np.isnan(picky))), answers(ability)
    found = compare_candidates(a, b, SCALE)
    assert found.answered.difference.value == 0 and found.answered.p == 1.0
    assert found.all_items.difference.high < 0


def test_a_scale_without_a_minimum_has_no_all_items():
    found = compare_candidates(answers([1.0, 2, 3]), answers([2.0, 2, 3]), Scale(high=9))
    assert found.all_items is None and found.answered.prompts == 3


def test_identical_and_constant_candidates():
    same = compare_candidates(answers([3, 4, 5, 2]), answers([3, 4, 5, 2]), SCALE).answered
    assert (same.difference.value, same.p, same.p_permutation, same.effect) == (0, 1.0, 1.0, None)
    shifted = compare_candidates(answers([4.0] * 6), answers([3.0] * 6), SCALE).answered
    assert (shifted.difference.value, shifted.effect) == (1, None)
    assert shifted.p == shifted.p_permutation == 2**-5


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_prompts(n):
    found = compare_candidates(answers([4.0, 3][:n]), answers([3.0, 5][:n]), SCALE).answered
    assert found.prompts == n and found.p is None and found.difference.low is None
    assert found.difference.note in ("no prompt with a score on both sides", "no interval under 3 prompts")


def test_everything_unscored():
    found = compare_candidates(answers([NAN] * 5), answers([3.0] * 5), SCALE)
    assert found.answered.prompts == 0 and found.lost_first == Lost(0, 5, 0)


def test_type_one_error_on_a_grid():
    p = []
    for seed in range(600):
        random = np.random.default_rng(seed)
        hard = random.normal(0, 0.8, 14)
        a, b = (np.clip(np.round(3 + hard + random.normal(0, 0.8, 14)), 1, 5) for _ in range(2))
        found = compare_candidates(answers(a), answers(b), SCALE).answered
        p.append((found.p, found.p_permutation))
    assert (np.mean(np.array(p) < 0.05, axis=0) <= 0.077).all()  # Monte Carlo error .009, three of them


def test_without_a_failure_both_figures_are_one_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    made, scale, prompts = list[int](), Scale(low=1, high=5), np.array([f"q{n}" for n in range(30)])
    flipped = candidates.sign_flip
    monkeypatch.setattr(candidates, "sign_flip", lambda d, **more: (made.append(len(d)), flipped(d, **more))[1])
    scores, none = np.arange(30) % 5 + 1.0, np.zeros(30, bool)
    first, second = Answers(scores, none, prompts), Answers(scores[::-1].copy(), none, prompts)
    found = compare_candidates(first, second, scale)
    assert made == [30] and found.all_items == found.answered
    lost = Answers(np.where(scores == 5, np.nan, scores), scores == 5, prompts)
    found = compare_candidates(lost, second, scale)
    assert made == [30, 24, 30] and found.all_items != found.answered
