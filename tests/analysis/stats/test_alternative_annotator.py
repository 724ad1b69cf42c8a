"""The alternative annotator test: worked out on paper, against scipy, and its false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from tests.analysis.material import golden, on_scale, people
from wavjudge.analysis.stats.alternative_annotator import (
    EPSILONS,
    MIN_PROMPTS,
    Score,
    alternative,
    p_value,
    sentence,
)
from wavjudge.analysis.stats.panel import Panel
from wavjudge.errors import InputError

scores = pytest.mark.parametrize("score", ["accuracy", "rmse"])


def test_thirty_prompts_worked_out_on_paper() -> None:
    case = golden("alternative")
    panel = Panel.of(np.repeat(case["ratings"], case["times"], axis=0), range(30))
    judge = np.repeat(np.array(case["judge"], float), case["times"])
    found = alternative(judge, panel, epsilon=case["epsilon"], score="accuracy")
    for figure in ("judge_wins", "person_wins", "ties", "p_value"):
        assert [getattr(o, figure) for o in found.opponents] == pytest.approx(case[figure], rel=1e-4)
    assert (found.omega, found.rho, found.ties) == pytest.approx((case["omega"], case["rho"], case["tie_rate"]))
    assert found.passed and all(o.n == o.prompts == 30 for o in found.opponents)


@given(arrays.arrays(float, st.integers(30, 60), elements=st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0])))
def test_it_is_scipys_t_test_with_one_more_prompt_for_the_person(d: np.ndarray) -> None:
    theirs = 1.0 if d.min() == 1 else stats.ttest_1samp(np.append(d, 1), 0.1, alternative="less").pvalue
    exact = stats.binom.cdf((d > 0).sum(), len(d), 0.1) if d.min() >= 0 else 0.0
    assert p_value(d, 0.1) == pytest.approx(max(theirs, exact))


Sizes = list[tuple[float, float]]


def exact_sizes(n: int, epsilon: float, judges_rates: tuple[float, ...]) -> Sizes:
    """Chance that p is at most .05, and at most .0091 (a threshold among three people), counted over all outcomes of n
    prompts with one answer each: the judge wins with chance r, the person with r + epsilon."""
    outcomes = [(w, x) for w in range(n + 1) for x in range(n + 1 - w)]
    p = np.array([p_value(np.r_[np.ones(w), -np.ones(x), np.zeros(n - w - x)], epsilon) for w, x in outcomes])
    sizes = []
    for rate in judges_rates:
        rates = [rate + epsilon, rate, 1 - 2 * rate - epsilon]
        chance = np.array([stats.multinomial.pmf([w, x, n - w - x], n, rates) for w, x in outcomes])
        sizes.append((float(chance[p <= 0.05].sum()), float(chance[p <= 0.0091].sum())))
    return sizes


@pytest.mark.parametrize(("n", "epsilon"), [(30, 0.05), (30, 0.1), (30, 0.15), (30, 0.2), (50, 0.15)])
def test_its_exact_size_with_one_answer_a_prompt_is_at_most_six_percent(n: int, epsilon: float) -> None:
    sizes = exact_sizes(n, epsilon, (0.0, 0.02, 0.1, 0.3))
    assert max(at for at, _ in sizes) <= 0.06
    assert max(small for _, small in sizes) <= 0.0135
    assert max(at for at, _ in sizes) > 0.02  # careful, but not asleep


def test_the_plain_t_test_would_be_far_too_liberal_there() -> None:
    p = [stats.ttest_1samp(np.r_[np.ones(w), np.zeros(30 - w)], 0.15, alternative="less").pvalue for w in range(1, 30)]
    low = [0, *(wins for wins, one in zip(range(1, 30), p, strict=True) if one <= 0.05)]
    assert stats.binom.pmf(low, 30, 0.15).sum() == pytest.approx(0.151, abs=0.001)


@scores
def test_wins_are_those_of_a_loop(score: Score) -> None:
    panel, judge = people(1, prompts=45, raters=4, missing=0.1), on_scale(people(2, prompts=45).mean())
    judge[5] = np.nan
    found = alternative(judge, panel, epsilon=0.1, score=score)
    assert len(found.opponents) == 4
    for j, opponent in enumerate(found.opponents):
        wins: dict[int, list[tuple[bool, bool]]] = {}
        for i in range(180):
            others = [a for r, a in enumerate(panel.ratings[i]) if r != j and np.isfinite(a)]
            if not others or np.isnan(panel.ratings[i, j]) or np.isnan(judge[i]):
                continue
            distances = [np.abs(x - np.array(others)) for x in (judge[i], panel.ratings[i, j])]
            fits = [np.mean(d == 0) if score == "accuracy" else -np.sqrt(np.mean(d**2)) for d in distances]
            wins.setdefault(panel.prompt[i], []).append((fits[0] >= fits[1] - 1e-9, fits[1] >= fits[0] - 1e-9))
        judge_wins, person_wins = np.array([np.mean(w, axis=0) for w in wins.values()]).T
        assert opponent.n == sum(map(len, wins.values())) and opponent.prompts == len(wins)
        assert (opponent.judge_wins, opponent.person_wins) == pytest.approx((judge_wins.mean(), person_wins.mean()))
        assert opponent.p_value == pytest.approx(p_value(person_wins - judge_wins, 0.1))
        assert opponent.ties == pytest.approx(judge_wins.mean() + person_wins.mean() - 1)


@pytest.mark.parametrize("prompts", [30, 40])
@scores
def test_identical_labels_have_an_answer(prompts: int, score: Score) -> None:
    same = Panel.of(np.repeat(on_scale(people(3, prompts).ratings[:, :1]), 3, axis=1), people(3, prompts).prompt)
    found = alternative(same.mean(), same, epsilon=0.2, score=score)
    assert (found.omega, found.ties, found.passed) == (1, 1, True)
    assert [o.p_value for o in found.opponents] == pytest.approx([0.8**prompts] * 3)
    assert found.passed_at[0] == (0.0, 0.0, False) and "ties in 1.00" in sentence(found)
    assert all(o.p_value > 0.5 for o in alternative(same.mean(), same, epsilon=0, score=score).opponents)


def test_a_judge_like_the_people_passes_with_an_allowance_and_noise_does_not() -> None:
    four = people(4, prompts=150, raters=4)
    panel = Panel.of(four.ratings[:, :3], four.prompt)
    alike = alternative(four.ratings[:, 3], panel, epsilon=0.2, score="rmse")
    noise = alternative(np.random.default_rng(4).permutation(four.ratings[:, 3]), panel, epsilon=0.2, score="rmse")
    assert alike.passed and alike.omega == 1 and abs(alike.rho - (1 + alike.ties) / 2) < 0.1
    assert noise.passed is False and noise.omega == 0 and noise.rho < alike.rho
    assert sentence(noise).startswith("Not shown that the judge may stand in")


def test_the_grid_is_for_the_reader_and_grows_easier() -> None:
    four = people(5, prompts=40, raters=4)
    found = alternative(four.ratings[:, 3], Panel.of(four.ratings[:, :3], four.prompt), epsilon=0.15, score="accuracy")
    assert [row[0] for row in found.passed_at] == list(EPSILONS)
    omegas = [row[1] for row in found.passed_at]
    assert omegas == sorted(omegas) and found.omega == omegas[3]
    assert (found.epsilon, found.score, found.q) == (0.15, "accuracy", 0.05)
    assert [row[2] for row in found.passed_at] == [omega >= 0.5 for omega in omegas]


def test_rejections_follow_benjamini_and_yekutieli() -> None:
    four = people(6, prompts=60, raters=6)
    found = alternative(four.ratings[:, 5], Panel.of(four.ratings[:, :5], four.prompt), epsilon=0.2, score="rmse")
    p = np.sort([o.p_value for o in found.opponents])
    harmonic = sum(1 / i for i in range(1, 6))
    below = [i for i in range(5) if p[i] <= (i + 1) / 5 * 0.05 / harmonic]
    assert sum(o.rejected for o in found.opponents) == (max(below) + 1 if below else 0) > 0


def test_more_answers_that_say_the_same_do_not_make_it_surer() -> None:
    panel, judge = people(7, prompts=36, answers=1), on_scale(people(8, prompts=36, answers=1).mean())
    often = Panel.of(np.repeat(panel.ratings, 9, axis=0), np.repeat(panel.prompt, 9))
    once, nine = (
        alternative(j, p, epsilon=0.1, score="rmse") for j, p in ((judge, panel), (np.repeat(judge, 9), often))
    )
    assert [o.p_value for o in once.opponents] == pytest.approx([o.p_value for o in nine.opponents])


@pytest.mark.parametrize("prompts", [30, 40])
def test_at_the_border_it_rejects_as_often_as_it_should(prompts: int) -> None:
    random, rejected = np.random.default_rng(prompts), 0
    for _ in range(1000):
        shared = random.normal(0, 0.7, prompts)[:, None] + random.normal(0, 1, (prompts, 4))
        rejected += p_value(np.sign(np.where(abs(shared) < 0.4, 0, shared)).mean(axis=1), 0.0) <= 0.05
    assert rejected <= 70  # 50 expected at most, their standard deviation 7


def test_fewer_than_three_people_get_figures_and_no_verdict() -> None:
    panel = people(9, prompts=40, raters=2)
    found = alternative(panel.mean(), panel, epsilon=0.2, score="rmse")
    assert found.passed is None and found.omega is not None
    assert sentence(found).startswith("Too few to say whether the judge may stand in for a person: that takes three")


@pytest.mark.parametrize("prompts", [1, 6, 12, 29])
def test_under_thirty_prompts_it_says_neither_yes_nor_no(prompts: int) -> None:
    panel = people(9, prompts=prompts, raters=3)
    found = alternative(panel.mean(), panel, epsilon=0.2, score="rmse")
    assert (found.passed, found.omega, found.opponents, found.passed_at) == (None, None, (), ())
    assert sentence(found).startswith("Too few to say") and f"here it is {prompts} at most" in sentence(found)


def test_people_with_few_prompts_are_named_and_not_tested() -> None:
    panel = people(10, prompts=40, raters=4)
    ratings = panel.ratings.copy()
    ratings[panel.prompt >= MIN_PROMPTS - 1, 2] = np.nan
    found = alternative(panel.mean(), Panel.of(ratings, panel.prompt), epsilon=0.2, score="rmse")
    assert found.not_tested == ("person 3",) and len(found.opponents) == 3
    nobody = alternative(np.full(160, np.nan), panel, epsilon=0.2, score="rmse")
    assert nobody.omega is None and nobody.passed is None and len(nobody.not_tested) == 4
    assert sentence(nobody).startswith("Too few to say") and "here it is 0 at most" in sentence(nobody)
    alone = alternative(panel.mean(), people(10, prompts=40, raters=1), epsilon=0.2, score="rmse")
    assert alone.omega is None and alone.not_tested == ("person 1",)


def test_an_epsilon_that_is_no_share_is_refused() -> None:
    with pytest.raises(InputError, match="epsilon 2"):
        alternative(np.ones(80), people(11), epsilon=2, score="rmse")
