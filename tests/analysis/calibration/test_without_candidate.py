"""Each candidate left out in turn: worked out on paper, and against a table from which its rows were deleted."""

from __future__ import annotations

import numpy as np
import pytest

from wavjudge.analysis.calibration.findings import FIGURES, Span, without_candidate
from wavjudge.analysis.stats.agreement import BIAS, MAE
from wavjudge.analysis.stats.sums import Paired
from wavjudge.analysis.stats.within_prompt import INTRA_ID_SPEARMAN

# Two prompts. a and c are judged as people do; b gets 5 for what people gave a 1.
CANDIDATE = np.array(["a", "b", "c", "a", "b", "c"])
CASE = Paired.of([1, 5, 3, 2, 5, 4], [1, 1, 3, 2, 1, 4], [0, 0, 0, 1, 1, 1])


def test_one_candidate_carries_the_figures_worked_out_on_paper() -> None:
    found = without_candidate(CASE, CANDIDATE, (BIAS, INTRA_ID_SPEARMAN))
    assert found.names == ("a", "b", "c")
    assert found.spans["bias"] == Span(0.0, 2.0, "b", "a")
    # Without c both prompts hold two orders of a and b: people put a above b in one and tie in the other.
    assert found.spans["intra_id_spearman"] == Span(-1.0, 1.0, "a", "b")


def test_without_whom_nothing_is_defined_is_named_and_bounds_nothing() -> None:
    flat = Paired.of([1, 5, 3, 2, 5, 4], [1, 1, 3, 1, 1, 4], [0, 0, 0, 1, 1, 1])
    span = without_candidate(flat, CANDIDATE, [INTRA_ID_SPEARMAN]).spans["intra_id_spearman"]
    assert span == Span(-1.0, 1.0, "a", "b", ("c",))
    same = Paired.of([3] * 6, [1, 2, 3] * 2, [0, 0, 0, 1, 1, 1])
    assert without_candidate(same, CANDIDATE, [INTRA_ID_SPEARMAN]).spans["intra_id_spearman"] == Span(
        undefined=("a", "b", "c")
    )


def test_a_range_is_that_of_tables_without_the_candidates_rows() -> None:
    random = np.random.default_rng(3)
    people = random.integers(1, 6, (120, 3)).astype(float)
    judge = np.clip(people.mean(axis=1) + random.normal(0, 1, 120), 1, 5)
    names, prompt = np.tile(list("dcba"), 30), np.repeat(np.arange(30), 4)
    data = Paired.of(judge, people.mean(axis=1), prompt, people)
    found = without_candidate(data, names, FIGURES)
    for one in FIGURES:
        left = [names != name for name in "abcd"]
        values = [one.of(Paired.of(judge[k], people[k].mean(axis=1), prompt[k], people[k])) for k in left]
        span = found.spans[one.name]
        assert (span.low, span.high) == pytest.approx((min(values), max(values)))
        assert (span.without_low, span.without_high) == ("abcd"[np.argmin(values)], "abcd"[np.argmax(values)])


def test_one_candidate_none_and_too_many_have_no_range() -> None:
    assert without_candidate(CASE, ["a"] * 6, [MAE]).spans == {}
    empty = Paired.of([], [], [])
    assert without_candidate(empty, [], [MAE]).names == ()
    many = without_candidate(CASE, CANDIDATE, [MAE], most=17)
    assert (many.names, many.spans) == (("a", "b", "c"), {})
    assert without_candidate(CASE, CANDIDATE, [MAE], most=18).spans
