"""Two judges against the same people: paired over prompts, corrected for how many pairs were looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wavjudge.analysis.stats.agreement import (
    BIAS,
    KAPPA_QUADRATIC,
    KENDALL_TAU_B,
    MAE,
    PEARSON,
    RMSE,
    SPEARMAN,
    WITHIN_ONE,
)
from wavjudge.analysis.stats.intervals import Estimate, estimate
from wavjudge.analysis.stats.paired import JudgeScores, compare_judges, difference_of, holm, p_of_zero
from wavjudge.analysis.stats.sums import Paired
from wavjudge.analysis.stats.within_prompt import INTRA_ID_ZERO_FILLED, WITHIN_PROMPT_ACCURACY

CASE = json.loads((Path(__file__).parents[1] / "golden" / "statsmodels.json").read_text())
ALL = [PEARSON, SPEARMAN, KENDALL_TAU_B, MAE, RMSE, BIAS, WITHIN_ONE, KAPPA_QUADRATIC]
ALL += [INTRA_ID_ZERO_FILLED, WITHIN_PROMPT_ACCURACY]
NAN = float("nan")


def grid(scores: np.ndarray) -> np.ndarray:
    return np.clip(np.round(scores + 3), 1, 5)


def made(seed: int, prompts: int, answers: int, second: float = 1.0):
    """People, two judges and prompts; both judges err by prompt and by answer, the second `second` times as much."""
    random = np.random.default_rng(seed)
    prompt = np.repeat(np.arange(prompts), answers)
    people = random.normal(0, 0.7, prompts)[prompt] + random.normal(0, 0.7, len(prompt))
    errors = [random.normal(0, 0.5, prompts)[prompt] + random.normal(0, 0.5, len(prompt)) for _ in range(2)]
    return grid(people), grid(people + errors[0]), grid(people + second * errors[1]), prompt


def scores(people, first, second, prompt, axis: str = "overall") -> JudgeScores:
    return JudgeScores(axis, {"a": first, "b": second}, people, prompt)


def test_holm_equals_statsmodels():
    assert holm(CASE["p"]) == pytest.approx(CASE["holm"])


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_a_p_and_keeps_the_order(p):
    adjusted = holm(p)
    assert all(a >= b for a, b in zip(adjusted, p, strict=True)) and all(a <= 1 for a in adjusted)
    assert all(adjusted[i] <= adjusted[j] for i in range(len(p)) for j in range(len(p)) if p[i] < p[j])


def test_a_difference_of_means_is_the_paired_t_test_of_prompts():
    people, first, second, prompt = made(1, 30, 4)
    [row] = compare_judges([scores(people, first, second, prompt)], BIAS)
    oracle = stats.ttest_rel(first.reshape(30, 4).mean(1), second.reshape(30, 4).mean(1))
    low, high = oracle.confidence_interval()
    assert (row.p, row.difference.low, row.difference.high) == pytest.approx((oracle.pvalue, low, high), abs=1e-10)


@pytest.mark.parametrize("statistic", ALL, ids=lambda s: s.name)
def test_the_jackknife_is_the_one_done_the_slow_way(statistic):
    people, first, second, prompt = made(2, 20, 4, 1.5)
    [row] = compare_judges([scores(people, first, second, prompt)], statistic)

    def of(judge, kept):
        return statistic.of(Paired.of(judge[kept], people[kept], prompt[kept]))

    left = np.array([of(first, prompt != p) - of(second, prompt != p) for p in range(20)])
    error = np.sqrt(19 / 20 * ((left - left.mean()) ** 2).sum())
    assert row.difference.value == pytest.approx(row.value_first - row.value_second)
    assert (row.difference.high - row.difference.low) / 2 == pytest.approx(stats.t.ppf(0.975, 19) * error)
    assert row.p == pytest.approx(2 * stats.t.sf(abs(row.difference.value) / error, 19))


@pytest.mark.parametrize("statistic", ALL, ids=lambda s: s.name)
def test_identical_judges_do_not_differ(statistic):
    people, first, _, prompt = made(3, 15, 4)
    [row] = compare_judges([scores(people, first, first, prompt)], statistic)
    assert (row.difference.value, row.difference.low, row.difference.high) == (0, None, None)
    assert (row.p, row.p_holm, row.extras) == (1.0, 1.0, ())


@pytest.mark.parametrize("statistic", [PEARSON, MAE], ids=lambda s: s.name)
def test_type_one_error_with_clusters(statistic):
    p = [compare_judges([scores(*made(seed, 15, 4))], statistic)[0].p for seed in range(800)]
    assert 0.027 <= np.mean(np.array(p) < 0.05) <= 0.075  # Monte Carlo error .0077, three of them


def test_finds_the_worse_judge_and_corrects_over_pairs_and_axes():
    people, first, second, prompt = made(4, 60, 4, 2.5)
    third = made(5, 60, 4)[1]
    tables = [
        JudgeScores("semantic", {"a": first, "b": second, "c": third}, people, prompt),
        JudgeScores("acoustic", {"a": first, "b": first}, people, prompt),
    ]
    rows = compare_judges(tables, PEARSON)
    assert [(r.axis, r.first, r.second) for r in rows] == [
        ("semantic", "a", "b"), ("semantic", "a", "c"), ("semantic", "b", "c"), ("acoustic", "a", "b"),
    ]  # fmt: skip
    assert rows[0].difference.low > 0 and rows[0].p_holm < 0.05 and rows[0].p_holm > rows[0].p
    assert tuple(r.p_holm for r in rows) == holm([r.p for r in rows])
    assert [t.name for t in rows[0].extras] == ["williams", "steiger", "meng-rosenthal-rubin", "zou"]
    assert all("clusters" in t.warning for t in rows[0].extras)


def test_only_subjects_that_both_scored_and_who_lost_the_others():
    people, first, second, prompt = made(6, 20, 2)
    people[0] = first[[1, 2]] = second[[2, 3, 4, 5]] = NAN
    [row] = compare_judges([scores(people, first, second, prompt)], MAE)
    assert (row.n, row.lost_first, row.lost_second) == (40 - 6, 1, 3)
    both = np.isfinite(people + first + second)
    assert row.value_first == pytest.approx(np.abs(first - people)[both].mean())


def test_bootstrap_agrees_with_the_jackknife_and_repeats_itself():
    table = scores(*made(7, 50, 4, 1.6))
    [plain] = compare_judges([table], MAE)
    rows = [compare_judges([table], MAE, method="cluster-bootstrap", resamples=4000, seed=s)[0] for s in (1, 1, 2)]
    assert rows[0] == rows[1] != rows[2]
    assert rows[0].difference.low == pytest.approx(plain.difference.low, abs=0.02)
    assert rows[0].p < 0.05 and plain.p < 0.05
    [far] = compare_judges([scores(*made(7, 50, 4, 9.0))], MAE, method="cluster-bootstrap", resamples=999)
    assert far.p == 2 / 1000
    same = scores(*made(7, 50, 4)[:2], made(7, 50, 4)[1], made(7, 50, 4)[3])
    assert compare_judges([same], MAE, method="cluster-bootstrap", resamples=500)[0].p == 1.0


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        (([3.0, 4], [4.0, 4], [2.0, 3], ["q", "q"]), ": its scores are all the same (4)"),
        (([1.0, 4], [2.0, 4], [2.0, 3], ["q", "r"]), "no interval under 3 prompts"),
        (([1.0, 4, 2, 5], [2.0, 4, 3, 4], [2.0, 3, 1, 2], ["q"] * 4), "no interval under 3 prompts"),
        (([NAN, NAN], [2.0, 4], [2.0, 3], ["q", "r"]), "no subjects"),
        (([3.0, 4], [NAN, NAN], [2.0, 3], ["q", "r"]), "no subjects"),
    ],
)
@pytest.mark.parametrize("method", ["jackknife-t", "cluster-bootstrap"])
def test_too_little_says_so_and_has_no_p(rows, note, method):
    arrays = [np.array(column) for column in rows]
    [row] = compare_judges([scores(*arrays)], PEARSON, method=method, resamples=100)
    assert note in row.difference.note
    assert (row.p, row.p_holm, row.difference.low) == (None, None, None)


def test_no_judges_no_rows():
    alone = JudgeScores("overall", {"a": np.ones(2)}, np.ones(2), np.arange(2))
    assert compare_judges([]) == () == compare_judges([alone])


def test_p_where_every_prompt_says_the_same_is_that_of_the_sign_test():
    people, first, _, prompt = made(8, 5, 2)
    [row] = compare_judges([scores(people, first, first + 1, prompt)], BIAS)
    assert row.difference.value == -1 and row.p == stats.binomtest(0, 5).pvalue == 2**-4
    assert p_of_zero(Estimate(None), 5) is None


def test_large_tables_leave_out_groups_of_prompts():
    people, first, second, prompt = made(9, 4100, 1)
    found = estimate(difference_of(MAE, second), Paired(first, people, prompt))
    oracle = stats.ttest_rel(np.abs(first - people), np.abs(second - people))
    assert p_of_zero(found, 4100) == pytest.approx(oracle.pvalue, abs=0.05) and "groups" in found.note


def test_judges_meet_on_the_answers_that_both_scored_whoever_else_met_before() -> None:
    """What is kept of a judge belongs to the subjects of one pair: each pair alone says the same as in the table."""
    random = np.random.default_rng(4)
    people = random.integers(1, 6, 60).astype(float)
    judges = {f"j{n}": np.clip(people + random.integers(-1, 2, 60), 1, 5).astype(float) for n in range(6)}
    for number, scores in enumerate(list(judges.values())[:4]):  # two judges lost nothing
        scores[random.random(60) < 0.1 * number] = np.nan
    table = JudgeScores("overall", judges, people, np.arange(60) // 3)
    for statistic in (PEARSON, MAE):
        for row in compare_judges([table], statistic):
            two = {name: judges[name] for name in (row.first, row.second)}
            (alone,) = compare_judges([JudgeScores("overall", two, people, table.prompt)], statistic)
            assert replace(row, p_holm=None) == replace(alone, p_holm=None)
