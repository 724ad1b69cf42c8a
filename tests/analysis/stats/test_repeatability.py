"""Repeats: worked out on paper, against an analysis of variance, and with the variances they were made from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.material import golden
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.reliability import Repeatability, icc, repeatability

FIGURES = ("icc_within", "icc_k", "icc_overall", "sd_within")


def values(found: Repeatability) -> list[float | None]:
    return [getattr(found, figure).value for figure in FIGURES]


def repeats(seed: int, prompts: int = 15, answers: int = 4, k: int = 3, between: float = 0.8) -> np.ndarray:
    random = np.random.default_rng(seed)
    of_answers = random.normal(0, between, prompts)[:, None] + random.normal(0, 0.6, (prompts, answers))
    return 3 + of_answers.reshape(-1, 1) + random.normal(0, 0.5, (prompts * answers, k))


def test_two_prompts_worked_out_on_paper() -> None:
    case = golden("repeatability")
    assert values(repeatability(case["scores"], case["prompt"])) == pytest.approx([case[f] for f in FIGURES])


@pytest.mark.parametrize("missing", [0.0, 0.25])
def test_squares_are_those_of_a_nested_analysis_of_variance(missing: float) -> None:
    formula, pandas = pytest.importorskip("statsmodels.formula.api"), pytest.importorskip("pandas")
    anova = pytest.importorskip("statsmodels.stats.anova")
    scores, prompt = repeats(1), np.repeat(np.arange(15), 4)
    scores[np.random.default_rng(1).random(scores.shape) < missing] = np.nan
    answer = np.indices(scores.shape)[0]
    table = pandas.DataFrame({"x": scores.ravel(), "q": prompt[answer].ravel(), "a": answer.ravel()}).dropna()
    fit = formula.ols("x ~ C(a)", table).fit()  # answers are numbered through: their prompts go without saying
    whole = formula.ols("x ~ C(q)", table).fit()
    of_repeats = fit.ssr / fit.df_resid
    of_answers, df = whole.ssr - fit.ssr, whole.df_resid - fit.df_resid
    sizes, per_prompt = table.groupby("a").size(), table.groupby("q").size()
    shrink = (sizes**2 / per_prompt[prompt[sizes.index]].to_numpy()).sum()
    variance = (of_answers / df - of_repeats) / ((len(table) - shrink) / df)
    found = repeatability(scores, prompt)
    assert found.sd_within.value == pytest.approx(np.sqrt(of_repeats))
    assert found.icc_within.value == pytest.approx(variance / (variance + of_repeats))
    assert anova.anova_lm(whole, fit)["ss_diff"].iloc[1] == pytest.approx(of_answers)


def test_with_equally_many_repeats_the_overall_figure_is_the_usual_icc() -> None:
    scores, prompt = repeats(2), np.repeat(np.arange(15), 4)
    assert repeatability(scores, prompt).icc_overall.value == pytest.approx(icc(Panel.of(scores, prompt), "1,1").value)
    one = repeatability(scores, np.zeros(60))
    assert one.icc_within.value == pytest.approx(one.icc_overall.value)


def test_it_finds_the_variances_and_prompts_do_not_flatter_it() -> None:
    found = repeatability(repeats(3, prompts=800, between=2.0), np.repeat(np.arange(800), 4))
    assert found.icc_within.value == pytest.approx(0.36 / 0.61, abs=0.03)
    assert found.sd_within.value == pytest.approx(0.5, abs=0.01)
    assert found.icc_overall.value > 0.9
    assert found.icc_within.low < 0.36 / 0.61 < found.icc_within.high


@settings(max_examples=40)
@given(st.integers(0, 9999), st.sampled_from([1e-5, 1.0, 50.0]))
def test_order_names_and_units_do_not_matter(seed: int, unit: float) -> None:
    random = np.random.default_rng(seed)
    scores, prompt = np.rint(repeats(seed, prompts=4)), np.repeat(np.arange(4), 4)
    order = random.permutation(16)
    other = repeatability(scores[order][:, ::-1] * unit + 7 * unit, random.permutation(4)[prompt[order]])
    expected = values(repeatability(scores, prompt))
    expected[3] *= unit
    assert values(other) == pytest.approx(expected, rel=1e-6)


def test_cached_repeats_are_left_out_counted_and_said() -> None:
    scores, prompt = repeats(4), np.repeat(np.arange(15), 4)
    copied = np.column_stack([scores, scores[:, 0]])
    cached = np.zeros(copied.shape, bool)
    cached[:, 3] = True
    found = repeatability(copied, prompt, cached=cached, repeats=3)
    assert (found.n_cached, found.label) == (60, "60 cached repeats left out")
    assert values(found) == pytest.approx(values(repeatability(scores, prompt)))
    nothing = repeatability(scores, prompt, cached=np.ones(scores.shape))
    assert values(nothing) == [None] * 4 and nothing.n == 0 and "fresh" in nothing.icc_k.note


def test_temperature_zero_is_said() -> None:
    found = repeatability(repeats(5), np.repeat(np.arange(15), 4), temperature=0)
    assert found.label.startswith("temperature 0")
    assert repeatability(repeats(5), np.repeat(np.arange(15), 4), temperature=0.7).label == ""


def test_what_cannot_be_told_is_none() -> None:
    assert values(repeatability(np.full((4, 2), 0.1), [0, 0, 1, 1]))[:3] == [None] * 3
    assert repeatability(np.full((4, 2), 0.1), [0, 0, 1, 1]).sd_within.value == 0
    single = repeatability([[1, 2], [4, 5]], ["a", "b"])
    assert single.icc_within.value is None and single.icc_overall.value is not None
    assert values(repeatability([[1, np.nan], [np.nan, 2]], [0, 0])) == [None] * 4


def test_longer_averages_are_steadier() -> None:
    scores, prompt = repeats(6), np.repeat(np.arange(15), 4)
    one, ten = (repeatability(scores, prompt, repeats=k) for k in (1, 10))
    assert one.icc_k.value == pytest.approx(one.icc_within.value) and ten.icc_k.value > one.icc_k.value
    assert ten.repeats == 10
