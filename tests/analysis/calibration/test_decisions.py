"""What is said of a judge: every state of every use, and that it follows the interval and not the value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pandas as pd
import pytest

from tests.analysis.material import golden
from tests.analysis.stats.test_candidate_means import made
from wavjudge.analysis.calibration.baseline_rows import Line
from wavjudge.analysis.calibration.decisions import State, Verdict, verdicts
from wavjudge.analysis.calibration.findings import Finding, calibrate
from wavjudge.analysis.stats.intervals import Estimate
from wavjudge.analysis.tables.ratings import Ratings
from wavjudge.types import Axis

CASES = golden("verdicts")["cases"]


@pytest.fixture(scope="module")
def finding() -> Finding:
    judge, people, names, prompt = made(1, levels=(1.8, 2.4, 3.0, 3.6, 4.2))
    key = {"item_id": [f"q{p}" for p in prompt], "candidate": names, "axis": "overall"}
    tables = [pd.DataFrame(key | {"rater": who, "score": scores.clip(1, 5)})
              for who, scores in (("openai:m", judge), ("ann", people))]  # fmt: skip
    axes = [Axis(name="overall")]
    ours, theirs = (
        Ratings.of(table, axes, rater_kind=kind) for table, kind in zip(tables, ("model", "person"), strict=True)
    )
    (one,) = calibrate(ours, theirs).findings
    return one


def told(finding: Finding, case: dict[str, Any]) -> Verdict:
    figure = Estimate(*case["figure"][:3], note=case["figure"][3])
    use = case["use"]
    if use == "levels":
        finding = replace(finding, skill={**finding.skill, "mae": figure})
    if use == "averages":
        changed = {
            name: tuple(value) if isinstance(value, list) else value for name, value in case.get("set", {}).items()
        }
        finding = replace(finding, means=replace(finding.means, pearson=figure, **changed))
    if use == "ranking":
        few = case.get("prompts", finding.data.prompts)
        finding = replace(finding, values={**finding.values, "intra_id_zero_filled": figure},
                          data=finding.data.taken(finding.data.prompt < few))  # fmt: skip
    if use == "audio":
        values = {"intra_id_zero_filled": figure, "mae": Estimate(0.1)}
        finding = replace(finding, nulls=(*finding.nulls, Line("what audio adds", 40, 20, values, kind="gain")))
    return next(one for one in verdicts(finding) if one.use == use)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['use']} {case['state']}: {case['says'][:40]}")
def test_a_verdict_says_what_its_interval_shows(finding: Finding, case: dict[str, Any]) -> None:
    found = told(finding, case)
    assert found.state == case["state"]
    assert case["says"] in found.sentence
    assert ("Do not" in found.sentence or "Neither rank" in found.sentence) == (
        found.use != "audio" and found.state in ("reversed", "not_shown")
    )


def test_every_state_stands_among_the_cases() -> None:
    uses = {use: {case["state"] for case in CASES if case["use"] == use} for use in ("averages", "ranking")}
    assert uses == {use: set(get_args(State)) for use in uses}


def test_averages_are_told_by_means_and_not_by_pooled_rows(finding: Finding) -> None:
    pooled = replace(finding, values={**finding.values, "spearman": Estimate(-0.5, -0.6, -0.4)})
    assert next(one for one in verdicts(pooled) if one.use == "averages").state == "shown"


def test_nothing_scored_by_both_sides_is_too_few(finding: Finding) -> None:
    none = finding.data.taken(finding.data.prompt < 0)
    nothing = replace(finding, data=none, skill={}, means=replace(finding.means, names=(), prompts=0))
    states = {one.use: one.state for one in verdicts(nothing)}
    assert (states["levels"], states["averages"], states["ranking"]) == ("too_few", "too_few", "too_few")
