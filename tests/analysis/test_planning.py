"""Plans: against the table of statistics.md 3.7, ppi_py's split, brute force, and by carrying them out."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wavjudge.analysis.planning import (
    for_average,
    for_pearson,
    for_two_candidates,
    for_two_judges,
    intraclass,
    pilot,
    split_budget,
)
from wavjudge.analysis.stats.agreement import BIAS
from wavjudge.analysis.stats.intervals import estimate
from wavjudge.analysis.stats.paired import steiger
from wavjudge.analysis.stats.sums import Paired
from wavjudge.errors import InputError

GOLDEN = Path(__file__).parent / "golden"
CASES = json.loads((GOLDEN / "comparing.json").read_text())
SPLITS = json.loads((GOLDEN / "ppi_py.json").read_text())["splits"]


def fisher(r: float, n: float) -> tuple[float, float]:
    half = stats.norm.ppf(0.975) / math.sqrt(n - 3)
    return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


@pytest.mark.parametrize("case", CASES["fisher"])
def test_pearson_as_in_the_table(case):
    assert fisher(case["r"], case["n"]) == pytest.approx(case["interval"], abs=0.006)
    low, high = fisher(case["r"], case["n"])
    assert for_pearson((high - low) / 2, case["r"]).independent == case["n"]


@pytest.mark.parametrize("case", CASES["judges"])
def test_two_judges_as_in_the_table(case):
    assert for_two_judges(*case["r"]).independent == case["n"]


def test_two_candidates_as_in_the_table_and_in_millers_example():
    assert for_two_candidates(0.2, 1.0).independent == 197
    assert for_two_candidates(0.03, math.sqrt(1 / 9)).independent == 969
    # Two samples of each halve the noise: w^2 + s^2/K + s^2/K = 1/9 + 1/12 + 1/12
    noisy = for_two_candidates(0.03, 1 / 3, noise=(6**-0.5, 6**-0.5), repeats=(2, 2))
    assert noisy.independent == math.ceil(969 * (1 / 9 + 1 / 6) / (1 / 9))


@given(st.floats(-0.95, 0.95), st.floats(0.02, 0.3))
def test_pearson_keeps_its_promise_for_any_r(r, half_width):
    n = for_pearson(half_width, r).independent
    low, high = fisher(r, max(n, 4))
    assert (high - low) / 2 <= half_width + 1e-9
    if n > 5:
        low, high = fisher(r, n - 1)
        assert (high - low) / 2 > half_width - 1e-9


def test_design_effect_and_t_stretch_the_plan():
    plan = for_average("bias", 0.25, 1.0, answers_per_prompt=4, icc=0.5)
    assert (plan.independent, plan.design_effect) == (62, 2.5)
    factor = (stats.t.ppf(0.975, plan.prompts - 1) / stats.norm.ppf(0.975)) ** 2
    needed = (stats.norm.ppf(0.975) / 0.25) ** 2 * 2.5 * factor
    assert plan.labels == 4 * plan.prompts and plan.labels - 4 < needed <= plan.labels
    assert plan.sentence == (
        "The bias to within 0.25 points: 164 labels on 41 prompts, 4 each "
        "(62 if all were independent; design effect 2.50)."
    )
    assert for_average("mean", 0.25, 1.0, answers_per_prompt=4, icc=-0.2).design_effect == 1


def test_a_planned_half_width_is_met():
    plan = for_average("bias", 0.25, 1.0, answers_per_prompt=4, icc=0.5)
    prompt = np.repeat(np.arange(plan.prompts), 4)
    widths = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        d = random.normal(0, 0.5**0.5, plan.prompts)[prompt] + random.normal(0, 0.5**0.5, plan.labels)
        found = estimate(BIAS, Paired(d, np.zeros_like(d), prompt))
        widths.append((found.high - found.low) / 2)
    assert np.mean(widths) == pytest.approx(0.25, abs=0.01)  # Monte Carlo error .002


def test_the_planned_power_between_two_judges_is_reached():
    n = for_two_judges(0.7, 0.8, 0.7).independent
    root = np.linalg.cholesky([[1, 0.7, 0.8], [0.7, 1, 0.7], [0.8, 0.7, 1]])
    rejected = []
    for seed in range(1000):
        r = np.corrcoef(root @ np.random.default_rng(seed).normal(size=(3, n)))
        rejected.append(steiger(r[0, 1], r[0, 2], r[1, 2], n).p < 0.05)
    assert 0.76 <= np.mean(rejected) <= 0.84  # three Monte Carlo errors of .013


def test_the_planned_power_between_two_candidates_is_reached_with_few_prompts_too():
    plan = for_two_candidates(0.8, 1.0, answers_per_prompt=1)
    assert (plan.independent, plan.prompts) == (13, 15)
    seen = np.random.default_rng(0).normal(0.8, 1, (3000, plan.prompts))
    rejected = stats.ttest_1samp(seen, 0, axis=1).pvalue < 0.05
    assert 0.78 <= rejected.mean() <= 0.86  # Monte Carlo error .007; a few prompts are rounded up to a whole one


@pytest.mark.parametrize(
    "plan",
    [
        lambda: for_pearson(0, 0.5), lambda: for_pearson(0.1, 1.0), lambda: for_average("mae", -1, 1),
        lambda: for_two_judges(0.5, 0.5, 0.5), lambda: for_two_judges(0.9, -0.9, 0.9),
        lambda: for_two_candidates(0, 1), lambda: for_average("mean", 0.1, 1, answers_per_prompt=0),
        lambda: split_budget(0, 0.5, 1, 1), lambda: split_budget(10, 0.5, 1, 0),
        lambda: for_average("mean", 0.1, 1, icc=2),
    ],
)  # fmt: skip
def test_what_cannot_be_planned(plan):
    with pytest.raises(InputError, match="cannot plan with"):
        plan()


@pytest.mark.parametrize("case", SPLITS)
def test_split_equals_ppi_py(case):
    split = split_budget(case["pair"]["cost"], case["r"], 1.0, case["gamma"])
    # Theirs is asked for a precision and rounds; ours gets the money theirs costs, and rounds down.
    assert split.labelled == pytest.approx(case["pair"]["n"], abs=1)
    assert split.judged == pytest.approx(case["pair"]["n"] + case["pair"]["N"], rel=0.02)
    assert split.effective_labels == pytest.approx(case["n0"], rel=0.02)


@given(st.floats(0.3, 0.95), st.floats(0.001, 0.5), st.one_of(st.none(), st.integers(50, 2000)))
def test_no_other_split_is_better(r, judge_cost, prompts):
    split = split_budget(200, r, 1.0, judge_cost, prompts=prompts)
    assert split.cost <= 200 + 1e-6
    most = math.inf if prompts is None else prompts
    n = np.arange(1, 201)
    judged = np.minimum((200 - n) / judge_cost, most)
    effective = np.where(judged >= n, 1 / ((1 - r * r) / n + r * r / np.maximum(judged, 1e-9)), 0)
    best = max(effective.max(), min(200, most))
    # Whole prompts only, rounded down: at most about one label and one call less than the best.
    assert best * 0.97 - 1 <= split.effective_labels <= best + 1.5


def test_money_goes_to_people_where_the_judge_is_dear_or_useless_or_reversed():
    for r, cost in ((0.5, 0.5), (0.0, 0.01), (-0.8, 0.01)):
        split = split_budget(100, r, 1.0, cost)
        assert (split.labelled, split.judged, split.people_only) == (100, 0, 100)
        assert "all on people" in split.sentence
    free = split_budget(100, 0.8, 1.0, 0.0, prompts=1000)
    assert (free.labelled, free.judged) == (100, 1000) and "as good as 236 labels" in free.sentence
    assert split_budget(5, 0.8, 10.0, 0.1).labelled == 0


def test_pilot_gives_what_plans_need():
    random = np.random.default_rng(1)
    prompt = np.repeat(np.arange(400), 4)
    shared = random.normal(0, 1, 400)[prompt]
    people, judge = shared + random.normal(0, 1, 1600), shared + random.normal(0, 1, 1600)
    found = pilot(judge, people, prompt)
    assert (found.n, found.prompts, found.answers_per_prompt) == (1600, 400, 4)
    assert found.icc["mean"] == pytest.approx(0.5, abs=0.06) and found.icc["bias"] == pytest.approx(0, abs=0.06)
    assert found.sd == pytest.approx({"mean": 2**0.5, "bias": 2**0.5, "mae": (2 - 4 / math.pi) ** 0.5}, abs=0.06)
    assert found.pearson == pytest.approx(0.5, abs=0.06) and -0.1 < found.icc["pearson"] < 0.5


def test_the_icc_of_influence_predicts_the_design_effect_of_pearson():
    """r of 60 prompts x 4 answers spreads over seeds as the pilot's design effect says."""
    values, effects = [], []
    for seed in range(400):
        random = np.random.default_rng(seed)
        prompt = np.repeat(np.arange(60), 4)
        shared, own = random.normal(0, 1, 60)[prompt], random.normal(0, 0.7, 60)[prompt]
        people = shared + random.normal(0, 0.6, 240)
        judge = shared + own + random.normal(0, 0.6, 240)
        found = pilot(judge, people, prompt)
        values.append(math.atanh(found.pearson))
        effects.append(1 + 3 * found.icc["pearson"])
    assert np.var(values) * 237 == pytest.approx(np.mean(effects), rel=0.25)  # the variance itself is known to 7 %


def test_pilots_of_nothing():
    flat = pilot([4, 4, 4, 4], [1, 2, 3, 4], ["a", "a", "b", "b"])
    assert flat.pearson is None and flat.icc["pearson"] is None and flat.icc["mean"] is not None
    one_each = pilot([1, 2, 3], [1, 2, 4], ["a", "b", "c"])
    assert one_each.icc["mean"] is None
    with pytest.raises(InputError, match="pilot of 2"):
        pilot([1, 2], [1, 2], ["a", "b"])


def test_intraclass_by_hand():
    case = CASES["intraclass"]
    assert intraclass(case["values"], case["prompt"]) == pytest.approx(case["icc"], abs=1e-6)
    assert intraclass([1, 2], ["a", "a"]) is None and intraclass([3, 3, 3, 3], [0, 0, 1, 1]) is None


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pingouin on pandas 3
def test_intraclass_equals_pingouin():
    pingouin = pytest.importorskip("pingouin")
    pandas = pytest.importorskip("pandas")
    scores = np.random.default_rng(2).normal(size=(20, 3)) + np.arange(20)[:, None] / 10
    long = pandas.DataFrame(scores).reset_index().melt("index", var_name="rater", value_name="score")
    table = pingouin.intraclass_corr(long, "index", "rater", "score")
    assert intraclass(scores.ravel(), np.repeat(np.arange(20), 3)) == pytest.approx(table["ICC"].iloc[0])
