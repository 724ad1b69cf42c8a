"""Intraclass correlations: Shrout and Fleiss's example, pingouin, and what they say of made-up panels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.material import golden, panels, people
from wavjudge.analysis.stats import reliability as module
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.reliability import ICC, corrected_correlation, icc, reliability

forms = pytest.mark.parametrize("form", ICC)


@forms
def test_shrout_and_fleiss(form: str) -> None:
    case = golden("icc")
    assert icc(Panel.of(case["ratings"], range(6)), form).value == pytest.approx(case[form], abs=5e-3)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pingouin 0.7 with pandas 3.1
@pytest.mark.parametrize("seed", range(3))
def test_they_are_pingouins(seed: int) -> None:
    pingouin, pandas = pytest.importorskip("pingouin"), pytest.importorskip("pandas")
    panel = people(seed)
    subject, rater = np.indices(panel.ratings.shape)
    table = pandas.DataFrame({"s": subject.ravel(), "r": rater.ravel(), "x": panel.ratings.ravel()})
    theirs = pingouin.intraclass_corr(table, "s", "r", "x").set_index("Type")["ICC"]
    for form in ICC:
        assert icc(panel, form).value == pytest.approx(theirs[f"ICC({form})"], abs=1e-6)


@forms
@settings(max_examples=30)
@given(panel=panels(missing=False), seed=st.integers(0, 99))
def test_order_and_units_do_not_matter(form: str, panel: Panel, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, columns = random.permutation(len(panel.prompt)), random.permutation(panel.k)
    other = Panel.of(panel.ratings[rows][:, columns] * 1e-5 + 3e-4, panel.prompt[rows])
    assert icc(other, form).value == pytest.approx(icc(panel, form).value, abs=1e-5, nan_ok=True)


@forms
def test_leaving_out_a_prompt_is_recomputing(form: str) -> None:
    panel = people(4, prompts=8)
    left = module._icc(panel, form).without_each(np.arange(8))
    anew = [icc(panel.taken(panel.prompt != p), form).value for p in range(8)]
    np.testing.assert_allclose(left, anew)


def test_generosity_counts_in_agreement_and_not_in_consistency() -> None:
    panel = people(5)
    generous = Panel.of(panel.ratings + np.array([0, 2, 0]), panel.prompt)
    before, after = reliability(panel), reliability(generous)
    assert after.icc_c_1.value == pytest.approx(before.icc_c_1.value)
    assert after.icc_a_1.value < before.icc_a_1.value - 0.1


def test_the_mean_of_k_is_spearman_and_browns_step_from_one() -> None:
    panel = people(6, raters=4)
    for letter in "AC":
        one, four = icc(panel, f"{letter},1").value, icc(panel, f"{letter},k").value
        assert four == pytest.approx(4 * one / (1 + 3 * one))


def test_incomplete_tables_use_complete_rows_and_say_so() -> None:
    panel = people(7, missing=0.2)
    complete = int(np.isfinite(panel.ratings).all(axis=1).sum())
    found = reliability(panel)
    assert found.n_complete == complete < found.n_two < found.n <= 80
    assert found.icc_a_1.note == f"from the {complete} of 80 subjects that everybody rated"
    whole = icc(panel.taken(panel.complete))
    assert (found.icc_a_1.value, found.icc_a_1.low) == (whole.value, whole.low)
    assert found.alpha_ordinal.note == ""


def test_what_is_undefined_is_said() -> None:
    same = icc(Panel.of([[0.1, 0.1], [0.1, 0.1]], [0, 1]))
    assert same.value is None and same.note == "undefined: all subjects are alike"
    assert icc(Panel.of([[1, 2]], [0])).note == "undefined: 1 subjects rated by all of 2 people"
    assert icc(Panel.of([[1], [2]], [0, 1])).value is None
    two = icc(Panel.of([[1, 2], [4, 5]], [0, 1]), "C,1")
    assert two.value == pytest.approx(1) and two.low is None and two.note == "no interval under 3 prompts"
    assert icc(people(8, prompts=1)).note == "no interval under 3 prompts"


def test_people_without_agreement_have_none() -> None:
    found = [reliability(people(seed, prompts=25, agree=0.0)) for seed in range(40)]
    for each in ("alpha_nominal", "alpha_ordinal", "alpha_interval", "icc_1_1", "icc_a_1", "icc_c_1"):
        assert np.mean([getattr(one, each).value for one in found]) == pytest.approx(0, abs=0.03)
        covered = [getattr(one, each).low < 0 < getattr(one, each).high for one in found]
        assert sum(covered) >= 33  # 38 expected, standard deviation 1.4


def test_intervals_are_not_ruined_by_answers_to_one_prompt() -> None:
    panel = people(10, prompts=10, answers=8)
    apart = Panel.of(panel.ratings, np.arange(80))
    assert reliability(panel).icc_a_1.value == pytest.approx(reliability(apart).icc_a_1.value)
    assert reliability(panel).icc_a_1.low != pytest.approx(reliability(apart).icc_a_1.low)


def test_correction_finds_the_correlation_with_what_people_mean() -> None:
    random = np.random.default_rng(11)
    truth = random.normal(size=4000)
    judge = 0.6 * truth + 0.8 * random.normal(size=4000)
    panel = Panel.of(truth[:, None] + random.normal(size=(4000, 3)), np.arange(4000) // 4)
    found = corrected_correlation(judge, panel)
    assert found.low < 0.6 < found.high and found.value == pytest.approx(0.6, abs=0.04)
    assert np.corrcoef(judge, panel.mean())[0, 1] < 0.55
    halved = corrected_correlation(judge, panel, judge_reliability=0.81)
    assert halved.value == pytest.approx(found.value / 0.9)


def test_correction_is_its_formula_and_says_when_it_cannot() -> None:
    panel, judge = people(12, missing=0.1), people(12).ratings[:, 0] + 0.5
    judge[3] = np.nan
    rows = panel.complete & np.isfinite(judge)
    some = panel.taken(rows)
    expected = np.corrcoef(judge[rows], some.mean())[0, 1] / np.sqrt(icc(some, "C,k").value)
    found = corrected_correlation(judge, panel)
    assert found.value == pytest.approx(expected)
    assert found.note == f"from the {rows.sum()} of 80 subjects that everybody rated"
    against = Panel.of([[1, 5], [5, 1], [1, 4], [4, 2]], range(4))
    assert corrected_correlation(np.arange(4.0), against).note.startswith("undefined: people do not agree")
    assert corrected_correlation(np.full(80, np.nan), panel).value is None
