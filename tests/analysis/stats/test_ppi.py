"""PPI++ at prompt level: against ppi_py, by hand, by simulation, and where there is nothing to correct by."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wavjudge.analysis.stats import ppi
from wavjudge.analysis.stats.ppi import MIN_LABELLED_PROMPTS, corrected_mean
from wavjudge.analysis.stats.recalibration import recalibrate
from wavjudge.errors import InputError
from wavjudge.types import Scale

GOLDEN = Path(__file__).parents[1] / "golden"
PPI_PY = json.loads((GOLDEN / "ppi_py.json").read_text())["tables"]
HAND = json.loads((GOLDEN / "comparing.json").read_text())["correction"]
CLUSTERED = json.loads((GOLDEN / "statsmodels.json").read_text())
SCALE = Scale(low=1, high=5)
NAN = float("nan")


def table(case: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    judge = np.r_[case["judge"], case["others"]]
    return judge, np.r_[case["people"], np.full(len(case["others"]), NAN)], np.arange(len(judge))


@pytest.mark.parametrize("case", PPI_PY)
@pytest.mark.parametrize("name", ["classical", "plain", "half"])
def test_given_lam_equals_ppi_py(case, name):
    given_ = case["given"][name]
    c = corrected_mean(*table(case), design="random", lam=given_["lam"], unseen=0)
    assert c.corrected.value == pytest.approx(given_["mean"], abs=1e-12)
    # ppi_py divides by n and takes normal quantiles; each part is checked against it that way, then against ours.
    y, f, rest = (np.array(case[side]) for side in ("people", "judge", "others"))
    parts = [(y - given_["lam"] * f), given_["lam"] * rest]
    by_n, by_n_minus_1 = (sum(part.var(ddof=ddof) / len(part) for part in parts) for ddof in (0, 1))
    assert given_["half"] == pytest.approx(stats.norm.ppf(0.975) * np.sqrt(by_n), abs=1e-12)
    half = (c.corrected.high - c.corrected.low) / 2
    assert half == pytest.approx(stats.t.ppf(0.975, len(y) - 1) * np.sqrt(by_n_minus_1), abs=1e-12)


@pytest.mark.parametrize("case", PPI_PY)
def test_tuned_lam_equals_ppi_py(case):
    with patch.object(ppi, "LAM_FROM", 0):
        c = corrected_mean(*table(case), design="random")
    assert (c.lam, c.corrected.value) == pytest.approx((case["tuned"]["lam"], case["tuned"]["mean"]), abs=1e-9)


def test_by_hand():
    judge = np.r_[np.repeat([2.0, 4], 10), np.repeat([2.0, 4], [10, 30])]
    people = np.r_[np.repeat([1.0, 4], 10), np.full(40, NAN)]
    with patch.object(ppi, "LAM_FROM", 0):
        c = corrected_mean(judge, people, [f"q{i}" for i in range(60)], design="random", unseen=0)
    got = {
        "mean": c.corrected.value,
        "lam": c.lam,
        "half": (c.corrected.high - c.corrected.low) / 2,
        "half_people": (c.people.high - c.people.low) / 2,
        "width_ratio": c.width_ratio,
        "effective_prompts": c.effective_prompts,
    }
    assert got == pytest.approx({name: HAND[name] for name in got}, rel=1e-5)
    assert c.sentence == (
        "Corrected mean 3.00 (judge 3.33, people 2.50): 20 labelled prompts count like 73 "
        "(the interval is 48% narrower)."
    )


def test_raw_mean_is_clustered_as_in_statsmodels():
    scores, prompt = CLUSTERED["scores"], CLUSTERED["prompt"]
    raw = corrected_mean(scores, np.full(len(scores), NAN), prompt, design="random").raw
    clusters = max(prompt) + 1
    error = CLUSTERED["se_without_correction"] * np.sqrt(clusters / (clusters - 1))
    assert raw.value == pytest.approx(CLUSTERED["mean"])
    assert (raw.high - raw.low) / 2 == pytest.approx(error * stats.t.ppf(0.975, clusters - 1))


def made(random: np.random.Generator, prompts: int, answers: int) -> tuple[np.ndarray, np.ndarray]:
    """Judge and people on a 1-5 grid, shape (prompts, answers), ICC about .5; the judge is biased and r is about .8."""
    shared = random.normal(0, 0.7, (prompts, 1))
    people = shared + random.normal(0, 0.7, (prompts, answers))
    judge = 0.75 * people + 0.4 + random.normal(0, 0.5, people.shape) + random.normal(0, 0.3, (prompts, 1))
    return np.clip(np.round(judge + 3), 1, 5), np.clip(np.round(people + 3), 1, 5)


@pytest.mark.parametrize("design", ["random", "weighted"])
def test_equal_sizes_equal_means_of_prompts(design):
    judge, people = made(np.random.default_rng(5), 90, 4)
    people[30:] = NAN
    prompt, chance = np.repeat(np.arange(90), 4), np.linspace(0.2, 0.9, 90)
    by_row, by_prompt = (chance[prompt], chance) if design == "weighted" else (None, None)
    rows = corrected_mean(judge.ravel(), people.ravel(), prompt, design=design, probability=by_row, unseen=0)
    means = corrected_mean(judge.mean(1), people.mean(1), range(90), design=design, probability=by_prompt, unseen=0)
    for name in ("value", "low", "high"):
        assert getattr(rows.corrected, name) == pytest.approx(getattr(means.corrected, name), abs=1e-12)
    assert rows.lam == pytest.approx(means.lam)


def test_equal_chances_weigh_as_a_random_design():
    judge, people = made(np.random.default_rng(6), 200, 1)
    people[50:] = NAN
    plain = corrected_mean(judge[:, 0], people[:, 0], range(200), design="random")
    chance = np.full(200, 0.25)
    weighted = corrected_mean(judge[:, 0], people[:, 0], range(200), design="weighted", probability=chance)
    assert weighted.corrected.value == pytest.approx(plain.corrected.value, abs=1e-12)
    assert weighted.corrected.high == pytest.approx(plain.corrected.high, abs=0.02)


def share_that_covers(draw, runs: int, truth: float) -> float:
    intervals = (draw(seed) for seed in range(runs))
    return float(np.mean([c.low <= truth <= c.high for c in intervals]))


TRUTH = float(np.mean([made(np.random.default_rng(s), 4000, 4)[1].mean() for s in range(100, 150)]))
"""The mean that the intervals should hold: 800,000 answers, error about .002."""


def test_coverage_at_25_labelled_prompts():
    prompt = np.repeat(np.arange(150), 4)

    def draw(seed):
        judge, people = made(np.random.default_rng(seed), 150, 4)
        people[25:] = NAN
        return corrected_mean(judge.ravel(), people.ravel(), prompt, design="random").corrected

    # 800 runs: Monte Carlo error .008; three of them around the measured .945.
    assert 0.94 <= share_that_covers(draw, 800, TRUTH) <= 0.99


def test_coverage_with_unequal_chances_and_the_bias_without_weights():
    prompt = np.repeat(np.arange(300), 4)
    ignored = []

    def draw(seed):
        random = np.random.default_rng(seed)
        judge, people = made(random, 300, 4)
        # Prompts on which the judge is hard are looked at four times as often.
        chance = np.where(judge.mean(1) < 3, 0.4, 0.1)
        people[random.uniform(size=300) > chance] = NAN
        arguments = judge.ravel(), people.ravel(), prompt
        ignored.append(corrected_mean(*arguments, design="random", lam=0).corrected.value)
        return corrected_mean(*arguments, design="weighted", probability=np.repeat(chance, 4)).corrected

    assert 0.92 <= share_that_covers(draw, 500, TRUTH) <= 0.99  # Monte Carlo error .01
    assert np.mean(ignored) < TRUTH - 0.15


def test_coverage_with_a_cross_fitted_map():
    prompt = np.array([f"q{i}" for i in np.repeat(np.arange(120), 4)])

    def draw(seed):
        judge, people = made(np.random.default_rng(seed), 120, 4)
        people[25:] = NAN
        fitted = recalibrate(
            judge.ravel(), people.ravel(), prompt, kind="isotonic", axis="overall", scale=SCALE, signature="j"
        )  # fmt: skip
        return corrected_mean(fitted.out_of_fold, people.ravel(), prompt, design="random").corrected

    assert 0.92 <= share_that_covers(draw, 400, TRUTH) <= 0.995  # Monte Carlo error .011


def test_unscored_answers_are_left_out_and_counted():
    judge, people = made(np.random.default_rng(8), 80, 1)
    judge, people = judge[:, 0].copy(), people[:, 0].copy()
    people[30:] = NAN
    judge[[0, 1, 50]] = NAN
    kept = ~np.isnan(judge)
    c = corrected_mean(judge, people, range(80), design="random")
    same = corrected_mean(judge[kept], people[kept], np.arange(80)[kept], design="random")
    assert (c.n, c.n_unscored, c.n_unscored_labelled, c.n_labelled) == (80, 3, 2, 30)
    assert (c.corrected, c.raw) == (same.corrected, same.raw)
    assert c.people.value == pytest.approx(np.nanmean(people))
    assert c.sentence.endswith("3 of 80 answers have no judge score and are left out.")


def test_a_useless_judge_is_said_to_add_nothing_and_with_many_labels_costs_nothing():
    random = np.random.default_rng(9)
    judge, people = random.integers(1, 6, 900).astype(float), random.integers(1, 6, 900).astype(float)
    few, many = (
        corrected_mean(judge, np.where(np.arange(900) < n, people, NAN), range(900), design="random") for n in (40, 300)
    )
    assert 0 <= many.lam < 0.2 and many.width_ratio == pytest.approx(1, abs=0.03)
    assert few.lam == 860 / 900 and few.width_ratio > 1.1 and "own mean is the surer one" in few.sentence
    people[40:] = NAN
    judge, people = judge[:400], people[:400]
    assert "adds nothing" in corrected_mean(np.full(400, 4.0), people, range(400), design="random").sentence


def test_a_judge_that_says_the_opposite_is_not_used():
    judge, people = made(np.random.default_rng(3), 100, 1)
    people[40:] = NAN
    c = corrected_mean(6 - judge[:, 0], people[:, 0], range(100), design="random")
    assert c.lam == 0 and c.corrected.value == c.people.value and c.width_ratio == pytest.approx(1)


@pytest.mark.parametrize(
    ("judge", "people", "design", "note"),
    [
        (np.ones(60), np.full(60, NAN), "random", "judge score: 0;"),
        (np.full(60, NAN), np.ones(60), "random", "judge score: 0;"),
        (np.ones(60), np.r_[np.ones(MIN_LABELLED_PROMPTS - 1), np.full(41, NAN)], "random", "a correction needs 20"),
        (np.ones(60), np.r_[np.ones(30), np.full(30, NAN)], "unknown", "raw figures only"),
        (np.ones(1), np.ones(1), "random", "judge score: 1;"),
        (np.array([]), np.array([]), "random", "judge score: 0;"),
    ],
)
def test_no_corrected_figure_and_why(judge, people, design, note):
    c = corrected_mean(judge, people, range(len(judge)), design=design)
    assert c.corrected.value is None and note in c.corrected.note and note in c.sentence
    assert (c.lam, c.effective_prompts, c.width_ratio) == (None, None, None)


def test_all_labelled_is_the_peoples_own_mean():
    judge, people = made(np.random.default_rng(4), 30, 2)
    c = corrected_mean(judge.ravel(), people.ravel(), np.repeat(np.arange(30), 2), design="random")
    assert (c.corrected.value, c.corrected.low) == (c.people.value, c.people.low)
    assert (c.lam, c.prompts_unlabelled, c.effective_prompts) == (0.0, 0, 30) and "people's own" in c.corrected.note


def test_constant_scores_have_an_interval_all_the_same_and_no_gain():
    c = corrected_mean(np.full(50, 4.0), np.r_[np.full(25, 3.0), np.full(25, NAN)], range(50), design="random")
    # One answer more, half of the span (1) away, moves 25 labels by .5 / 26.
    half = 0.5 / 26 * (1 + stats.t.ppf(0.975, 24))
    assert (c.corrected.value, c.corrected.low, c.corrected.high) == pytest.approx((3, 3 - half, 3 + half))
    assert (c.raw.low, c.raw.high) == (None, None) and c.width_ratio == pytest.approx(1)
    same = corrected_mean(np.full(50, 3.0), np.r_[np.full(25, 3.0), np.full(25, NAN)], range(50), design="random")
    assert same.corrected.low is None and "no spread" in same.corrected.note
    assert same.width_ratio is None and "gain is undefined" in same.sentence


def test_a_lam_that_no_label_chose_adds_the_mean_difference_to_the_judges_mean_over_all():
    judge, people = made(np.random.default_rng(12), 90, 1)
    judge, people, told = judge[:, 0], people[:, 0], np.arange(90) < 30
    c = corrected_mean(judge, np.where(told, people, NAN), range(90), design="random")
    assert c.lam == pytest.approx(60 / 90)
    assert c.corrected.value == pytest.approx(judge.mean() + (people - judge)[told].mean())


def test_few_prompts_without_a_label_do_not_make_it_wide():
    judge, people = made(np.random.default_rng(13), 100, 1)
    told = np.where(np.arange(100) < 80, people[:, 0], NAN)
    ratios = [corrected_mean(judge[:, 0], told, range(100), design="random", lam=lam).width_ratio for lam in (None, 1)]
    assert ratios[0] < 1.05 < 1.3 < ratios[1]


@pytest.mark.parametrize(("labelled", "others"), [(20, 180), (50, 950)])
def test_rare_low_answers_leave_no_bias_and_are_covered(labelled, others):
    n, truth, found = labelled + others, 0.06 * 1 + 0.94 * 4.7, []
    for seed in range(600):
        random = np.random.default_rng(seed)
        people = np.where(random.random(n) < 0.06, 1.0, random.choice([4.0, 5], n, p=[0.3, 0.7]))
        judge = np.clip(people + random.choice([-1, 0, 1], n, p=[0.1, 0.8, 0.1]), 1, 5)
        told = np.where(np.arange(n) < labelled, people, NAN)
        found.append(corrected_mean(judge, told, range(n), design="random", lowest=1, highest=5).corrected)
    values = np.array([c.value for c in found])
    assert abs(values.mean() - truth) < 3 * values.std() / np.sqrt(600)  # a lam learnt from the labels: 9 of them
    assert np.mean([c.low <= truth <= c.high for c in found]) >= 0.93


@pytest.mark.parametrize(
    ("design", "chance"),
    [("weighted", None), ("random", [0.5] * 4), ("weighted", [0, 0.5, 0.5, 0.5]), ("weighted", [1.5] * 4),
     ("weighted", [0.2, 0.3, 0.5, 0.5]), ("weighted", [NAN, NAN, 0.5, 0.5])],
)  # fmt: skip
def test_chances_that_cannot_be(design, chance):
    with pytest.raises(InputError, match="probabilities"):
        corrected_mean([1, 2, 3, 4], [1, 2, NAN, NAN], ["a", "a", "b", "c"], design=design, probability=chance)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="equally long"):
        corrected_mean([1, 2], [1], ["a", "b"], design="random")


@given(st.integers(0, 10_000), st.floats(-2, 2), st.floats(0.5, 3))
def test_moves_and_stretches_with_the_scores(seed, shift, factor):
    random = np.random.default_rng(seed)
    judge, people = made(random, 50, 2)
    people[25:] = NAN
    prompt = np.repeat(np.arange(50), 2)
    before = corrected_mean(judge.ravel(), people.ravel(), prompt, design="random")
    after = corrected_mean(factor * judge.ravel() + shift, factor * people.ravel() + shift, prompt, design="random")
    assert after.lam == pytest.approx(before.lam, abs=1e-9)
    assert after.corrected.low == pytest.approx(factor * before.corrected.low + shift, abs=1e-8)


def with_failures(lost: np.ndarray, labelled: int, seed: int = 8, answers: int = 1, **how):
    """A candidate that fails where `lost` is true, shape (prompts, answers); the first prompts are labelled."""
    judge, people = made(np.random.default_rng(seed), len(lost), answers)
    people[labelled:] = NAN
    prompt, kept = np.repeat(np.arange(len(lost)), answers), ~lost.ravel()
    return corrected_mean(
        judge.ravel()[kept], people.ravel()[kept], prompt[kept], design="random",
        failed=prompt[lost.ravel()], lowest=1.0, **how
    )  # fmt: skip


def test_failures_are_observed_and_enter_no_correction():
    lost = np.zeros((80, 1), bool)
    lost[::4] = True
    c = with_failures(lost, 40, unseen=0)
    assert c.all_items.value == pytest.approx(1 + 0.75 * (c.corrected.value - 1), abs=1e-12)
    # One answer a prompt: share and mean are independent, and the delta method is this sum.
    half, t = (c.corrected.high - c.corrected.value), stats.t.ppf(0.975, 29)
    variance = 0.75**2 * (half / t) ** 2 + (c.corrected.value - 1) ** 2 * 0.75 * 0.25 / 79
    assert c.all_items.high - c.all_items.value == pytest.approx(t * variance**0.5, rel=1e-9)
    assert (c.n, c.prompts_labelled, c.prompts_unlabelled) == (60, 30, 30)


def test_without_failures_all_items_are_the_answered():
    c = with_failures(np.zeros((60, 1), bool), 30)
    assert c.all_items == c.corrected


def test_failures_have_no_place_on_an_open_scale():
    judge, people = made(np.random.default_rng(9), 60, 1)
    c = corrected_mean(judge[:, 0], people[:, 0], range(60), design="random", failed=[61])
    assert c.all_items.value is None and "open scale" in c.all_items.note and c.corrected.value is not None


def test_coverage_with_failures():
    truth = 1 + 0.6 * (TRUTH - 1)

    def draw(seed):
        random = np.random.default_rng(seed)
        lost = random.uniform(size=(150, 4)) < 0.4 * random.choice([0.2, 1.8], size=(150, 1))
        return with_failures(lost, 60, seed, 4).all_items

    assert 0.92 <= share_that_covers(draw, 500, truth) <= 0.98  # Monte Carlo error .01; .9525 in 2,000 runs


def test_all_labelled_must_be_all():
    judge, people = made(np.random.default_rng(3), 40, 1)
    whole = corrected_mean(judge[:, 0], people[:, 0], range(40), design="all")
    assert whole.corrected.value == pytest.approx(people.mean())
    people[30:] = NAN
    with pytest.raises(InputError, match="got 10 prompts without a label"):
        corrected_mean(judge[:, 0], people[:, 0], range(40), design="all")
