"""Candidates' means under judge and people: by hand, against scipy and statsmodels, and where nothing can be said."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.anova import AnovaRM

from wavjudge.analysis.stats.candidates import CandidateMeans, candidate_means, differ
from wavjudge.analysis.stats.intervals import RECKONED


def made(
    seed: int,
    *,
    prompts: int = 40,
    levels: tuple[float, ...] = (2.0, 2.6, 3.2, 3.8),
    slope: float = 1.0,
    easy: float = 0.8,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Judge, people, candidate, prompt: one answer each; prompts are easy or hard for both sides, candidates differ by
    `levels` for people, by `slope` times that for the judge."""
    random, level = np.random.default_rng(seed), np.array(levels)
    by_prompt = easy * random.normal(size=(prompts, 1))
    people = level + by_prompt + 0.5 * random.normal(size=(prompts, len(level)))
    judge = 3 + slope * (level - level.mean()) + by_prompt + 0.5 * random.normal(size=people.shape)
    names = np.tile([f"c{i}" for i in range(len(level))], prompts)
    return judge.ravel(), people.ravel(), names, np.repeat(np.arange(prompts), len(level))


def found(seed: int, **how: object) -> CandidateMeans:
    return candidate_means(*made(seed, **how))  # type: ignore[arg-type]


def test_means_and_their_correlations_are_those_of_a_plain_table() -> None:
    judge, people, names, prompt = made(1)
    means = pd.DataFrame({"j": judge, "p": people, "c": names}).groupby("c").mean()
    one = candidate_means(judge, people, names, prompt)
    assert one.judge == pytest.approx(tuple(means["j"])) and one.people == pytest.approx(tuple(means["p"]))
    assert one.pearson.value == pytest.approx(stats.pearsonr(means["j"], means["p"]).statistic)
    assert one.spearman == pytest.approx(stats.spearmanr(means["j"], means["p"]).statistic)
    assert (one.prompts, one.all_prompts, one.pairs, one.agreed) == (40, 40, 6, 6)


def test_its_interval_is_the_jackknife_over_prompts_by_hand() -> None:
    judge, people, names, prompt = made(2, prompts=15)
    one, left = candidate_means(judge, people, names, prompt), []
    for out in range(15):
        j, p = (side.reshape(15, 4)[np.arange(15) != out].mean(axis=0) for side in (judge, people))
        left.append(np.arcsin(stats.pearsonr(j, p).statistic))
    half = stats.t.ppf(0.975, 14) * np.sqrt(14 / 15 * ((left - np.mean(left)) ** 2).sum())
    centre = np.arcsin(one.pearson.value)
    ends = np.sin(np.clip([centre - half, centre + half], -np.pi / 2, np.pi / 2))
    assert (one.pearson.low, one.pearson.high) == pytest.approx(tuple(ends))


def test_easy_prompts_raise_the_pooled_correlation_and_not_that_of_the_means() -> None:
    judge, people, names, prompt = made(3, slope=-1.0, easy=1.5)
    assert stats.spearmanr(judge, people).statistic > 0.3
    one = candidate_means(judge, people, names, prompt)
    assert one.pearson.high < 0 and (one.agreed, one.spearman) == (0, -1)
    assert one.pairwise.high < 0.5


def test_several_answers_of_one_candidate_to_a_prompt_count_once() -> None:
    judge, people = np.array([1.0, 3, 5, 2]), np.array([2.0, 4, 5, 1])
    one = candidate_means(judge, people, ["a", "a", "b", "b"], np.array([0, 0, 0, 1]))
    assert (one.prompts, one.all_prompts, one.judge, one.people) == (1, 2, (2.0, 5.0), (3.0, 5.0))
    twice = candidate_means(np.r_[judge, 1], np.r_[people, 5], ["a", "a", "b", "b", "a"], np.array([0, 0, 0, 1, 1]))
    assert twice.judge == (1.5, 3.5) and twice.people == (4.0, 3.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_judge_that_never_errs_has_an_interval_with_a_width(sign: int) -> None:
    people = np.tile([1.0, 2, 4, 5], 20)
    one = candidate_means(3 + sign * (people - 3), people, np.tile(list("abcd"), 20), np.repeat(np.arange(20), 4))
    assert one.pearson.value == pytest.approx(sign) and one.pearson.note == RECKONED
    assert one.pearson.high - one.pearson.low > 0.005 and sign * one.pearson.low > 0 and sign * one.pearson.high > 0


def flattered(names: str, judge: dict[str, float], people: dict[str, float]) -> CandidateMeans:
    """30 prompts; each candidate has its mean on either side, and a little noise of its own."""
    random, (j, p) = np.random.default_rng(7), (np.array([side[n] for n in names]) for side in (judge, people))
    noise = 0.3 * random.normal(size=(2, 30, len(names)))
    return candidate_means(
        (j + noise[0]).ravel(), (p + noise[1]).ravel(), np.tile(list(names), 30), np.repeat(np.arange(30), len(names))
    )


@pytest.mark.parametrize(
    "judge, people, agreed, turned, order",
    [
        ("3214", "4321", 3, 3, "mixed"),  # the worst is flattered: half of the pairs agree
        ("2143", "4321", 2, 4, "turned"),  # whoever is left out, the others are no better
        ("1234", "4321", 0, 6, "turned"),
        ("325", "432", 1, 2, "mixed"),  # of three, the other two are in people's order
        ("123", "321", 0, 3, "turned"),
        ("32145", "54321", 3, 7, "turned"),
        ("43215", "54321", 6, 4, "alike"),  # one candidate flattered, the other four as people see them
        ("23451", "54321", 4, 6, "turned"),  # the last one as people see it, the others turned around
    ],
)
def test_one_candidate_far_out_makes_no_order(judge: str, people: str, agreed: int, turned: int, order: str) -> None:
    names = "abcde"[: len(judge)]
    scores = (dict(zip(names, map(float, side), strict=True)) for side in (judge, people))
    one = flattered(names, *scores)
    assert (one.agreed, one.turned, one.order) == (agreed, turned, order)


def test_pairs_that_people_hardly_tell_apart_do_not_decide() -> None:
    # People see one candidate far below and four alike, whose order is noise: six turned pairs count for nothing.
    people = dict(zip("abcde", (1.0, 4.0, 4.001, 4.002, 4.003), strict=True))
    judge = dict(zip("abcde", (1.0, 4.3, 4.2, 4.1, 4.0), strict=True))
    one = flattered("abcde", judge, people)
    assert one.order == "alike" and one.pearson.low > 0 and one.pairs == 10


@pytest.mark.parametrize("flat", ["judge", "people", "both"])
def test_the_side_whose_means_are_all_the_same_is_named(flat: str) -> None:
    sides = {"judge": np.tile([1.0, 2, 3, 4], 20), "people": np.tile([2.0, 1, 3, 5], 20)}
    sides |= {side: np.full(80, 2.5) for side in sides if flat in (side, "both")}
    one = candidate_means(sides["judge"], sides["people"], np.tile(list("abcd"), 20), np.repeat(np.arange(20), 4))
    assert one.pearson.value is None
    assert ("the judge's mean is the same for every candidate (2.50)" in one.pearson.note) == (flat != "people")
    assert ("the labels' mean is the same for every candidate (2.50)" in one.pearson.note) == (flat != "judge")


def test_one_or_two_candidates_and_no_common_prompt_have_no_correlation() -> None:
    assert found(4, levels=(3.0,)).pearson.value is None and found(4, levels=(3.0,)).pairs == 0
    assert found(4, levels=(2.0, 4.0)).pearson.value is None
    none = candidate_means(np.ones(3), np.ones(3), ["a", "b", "c"], np.arange(3))
    assert (none.prompts, none.pearson.value, none.people_differ, none.chance) == (0, None, None, None)
    empty = candidate_means(np.array([]), np.array([]), [], np.array([], int))
    assert (empty.names, empty.prompts) == ((), 0)


def test_the_chance_of_an_order_is_counted() -> None:
    assert found(5).chance == pytest.approx(1 / 24)
    judge = np.tile([1.0, 3, 2, 4], 20)
    one = candidate_means(judge, np.tile([1.0, 2, 3, 4], 20), np.tile(list("abcd"), 20), np.repeat(np.arange(20), 4))
    as_good = [stats.spearmanr(order, [1, 2, 3, 4]).statistic >= 0.8 - 1e-9 for order in permutations([1, 2, 3, 4])]
    assert one.chance == pytest.approx(np.mean(as_good))


@pytest.mark.parametrize("candidates", [2, 3, 5])
def test_equal_means_are_tested_as_in_statsmodels(candidates: int) -> None:
    random = np.random.default_rng(candidates)
    scores = random.normal(size=(25, 1)) + random.normal(size=(25, candidates)) * np.linspace(1, 2, candidates)
    long = pd.DataFrame(scores).melt(ignore_index=False, var_name="who").reset_index()
    f = float(AnovaRM(long, "value", "index", within=["who"]).fit().anova_table["F Value"].iloc[0])
    centred = np.cov(scores - scores.mean(axis=1, keepdims=True), rowvar=False)
    values = np.linalg.eigvalsh(centred)
    freedom = values.sum() ** 2 / (values**2).sum()  # Greenhouse and Geisser's epsilon times C - 1
    assert differ(scores) == pytest.approx(stats.f.sf(f, freedom, freedom * 24))


def test_equal_candidates_are_seldom_told_apart() -> None:
    random = np.random.default_rng(6)
    p = [differ(np.round(random.normal(3, 1, (20, 1)) + random.normal(0, 1, (20, 4)))) for _ in range(1000)]
    assert np.mean(np.array(p) <= 0.05) <= 0.07  # .05, with a standard deviation of .007


def test_where_every_prompt_says_the_same_p_is_that_of_the_sign_test() -> None:
    assert differ(np.tile([1.0, 2, 3], (8, 1))) == 2**-7
    assert differ(np.tile([2.0, 2, 2], (8, 1))) == 1.0
    assert differ(np.ones((1, 3))) is None and differ(np.ones((5, 1))) is None


def test_tau_of_the_means_by_hand() -> None:
    # Means 1, 3, 2, 4 against 1, 2, 3, 4: of six pairs one is turned around, (5 - 1) / 6.
    judge, people = np.tile([1.0, 3, 2, 4], 20), np.tile([1.0, 2, 3, 4], 20)
    one = candidate_means(judge, people, np.tile(list("abcd"), 20), np.repeat(np.arange(20), 4))
    assert one.tau == pytest.approx(4 / 6) and one.spearman == pytest.approx(0.8)
