"""Krippendorff's alpha: his own example, the library of that name, loops, and what must not change it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.analysis.material import golden, panels, people
from wavjudge.analysis.stats import reliability as module
from wavjudge.analysis.stats.panel import Panel
from wavjudge.analysis.stats.reliability import Metric, alpha

metrics = pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval"])


def by_pairs(panel: Panel, metric: Metric) -> float:
    """The definition, pair by pair (Krippendorff 2011), with the ordinal distance written out over categories."""
    units = [row[np.isfinite(row)] for row in panel.ratings if np.isfinite(row).sum() > 1]
    everything = np.concatenate(units) if units else np.array([])

    def squared(a: float, b: float) -> float:
        if metric == "nominal":
            return float(a != b)
        if metric == "interval":
            return float((a - b) ** 2)
        low, high = min(a, b), max(a, b)
        between = ((everything >= low) & (everything <= high)).sum()
        return float((between - ((everything == low).sum() + (everything == high).sum()) / 2) ** 2)

    n = len(everything)
    observed = sum(squared(a, b) / (len(unit) - 1) for unit in units for a in unit for b in unit) / max(n, 1)
    expected = sum(squared(a, b) for a in everything for b in everything) / max(n * (n - 1), 1)
    return 1 - observed / expected if expected else float("nan")


@metrics
def test_krippendorffs_own_example(metric: Metric) -> None:
    case = golden("krippendorff")
    ratings = np.array(case["ratings"], float).T
    assert alpha(Panel.of(ratings, np.arange(12)), metric).value == pytest.approx(case[metric], abs=5e-4)


@metrics
@settings(max_examples=40)
@given(panel=panels())
def test_it_is_the_definition_pair_by_pair(metric: Metric, panel: Panel) -> None:
    expected = by_pairs(panel, metric)
    found = alpha(panel, metric)
    if np.isnan(expected):
        assert found.value is None and found.note == (
            "undefined: all ratings are equal"
            if (np.isfinite(panel.ratings).sum(axis=1) > 1).any()
            else "undefined: no answer was rated by two people"
        )
    else:
        assert found.value == pytest.approx(expected, abs=1e-9)


@metrics
@pytest.mark.parametrize("seed", range(3))
def test_it_is_that_of_the_library(metric: Metric, seed: int) -> None:
    library = pytest.importorskip("krippendorff")
    panel = people(seed, missing=0.25)
    expected = library.alpha(reliability_data=panel.ratings.T, level_of_measurement=metric)
    assert alpha(panel, metric).value == pytest.approx(expected, abs=1e-12)


@metrics
def test_leaving_out_a_prompt_is_recomputing(metric: Metric) -> None:
    panel = people(4, prompts=8, missing=0.2)
    panel = panel.taken(np.isfinite(panel.ratings).sum(axis=1) > 1)
    prepared = {"nominal": module._nominal, "ordinal": module._ordinal, "interval": module._interval}[metric](panel)
    left = prepared.without_each(np.arange(panel.prompts))
    np.testing.assert_allclose(left, [by_pairs(panel.taken(panel.prompt != p), metric) for p in range(panel.prompts)])


@settings(max_examples=40)
@given(panels(), st.integers(0, 99))
def test_a_fine_scale_takes_the_midranks_one_weighting_at_a_time(panel: Panel, seed: int) -> None:
    coarse = alpha(panel, "ordinal")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_CELLS", 0)
        fine = alpha(panel, "ordinal")
    assert fine.note == coarse.note
    assert [fine.value, fine.low] == pytest.approx([coarse.value, coarse.low], abs=1e-9) if fine.value else True


@metrics
@settings(max_examples=40)
@given(panel=panels(), seed=st.integers(0, 99))
def test_who_is_who_and_in_which_order_does_not_matter(metric: Metric, panel: Panel, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, columns = random.permutation(len(panel.prompt)), random.permutation(panel.k)
    other = Panel.of(panel.ratings[rows][:, columns], panel.prompt[rows])
    assert alpha(other, metric).value == pytest.approx(alpha(panel, metric).value, abs=1e-9, nan_ok=True)


@given(panels())
def test_each_metric_sees_what_it_is_named_after(panel: Panel) -> None:
    assume(alpha(panel).value is not None)
    shuffled = Panel.of(np.array([0, 3, 1, 5, 4, 2.0])[np.nan_to_num(panel.ratings).astype(int)], panel.prompt)
    shuffled = Panel.of(np.where(np.isfinite(panel.ratings), shuffled.ratings, np.nan), panel.prompt)
    cases: list[tuple[Metric, Panel]] = [
        ("nominal", shuffled),
        ("ordinal", Panel.of(np.exp(panel.ratings), panel.prompt)),
        ("interval", Panel.of(1e-4 * panel.ratings - 30, panel.prompt)),
    ]
    for metric, other in cases:
        assert alpha(other, metric).value == pytest.approx(alpha(panel, metric).value, abs=1e-6)


@metrics
def test_all_ratings_equal_is_undefined_and_full_agreement_is_one(metric: Metric) -> None:
    assert alpha(Panel.of([[0.1, 0.1], [0.1, 0.1]], [0, 1]), metric).value is None
    agreed = alpha(Panel.of([[1, 1], [2, 2], [5, 5]], [0, 1, 2]), metric)
    assert (agreed.value, agreed.low, agreed.high) == (1, None, None)  # no interval without width
    assert alpha(Panel.of([[1, np.nan], [np.nan, 2]], [0, 1]), metric).value is None
    assert alpha(Panel.of(np.empty((0, 2)), []), metric).value is None
