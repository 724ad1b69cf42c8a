"""Labels and maps beside a leaderboard: the same figures as the estimators give, and refusals where they do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from wavjudge.analysis.leaderboard.labels import PROBABILITY, Labels, Maps
from wavjudge.analysis.leaderboard.leaderboard import Leaderboard, leaderboard
from wavjudge.analysis.stats.ppi import corrected_mean
from wavjudge.analysis.stats.recalibration import RecalibrationMap, recalibrate
from wavjudge.analysis.tables.ratings import Ratings, prompt_labels
from wavjudge.analysis.tables.read import completed
from wavjudge.errors import InputError
from wavjudge.types import Axis, Scale

AXES = [Axis(name="overall")]
PROMPTS, LABELLED = 80, 40


def study() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Ratings, labels and responses: a answers everything, b fails on every fifth prompt."""
    random, rows = np.random.default_rng(3), []
    for item in range(PROMPTS):
        for candidate, good in (("a", 3.5), ("b", 3.0)):
            people = np.clip(round(random.normal(good, 1)), 1, 5)
            judge = np.clip(round(people + random.normal(0.5, 0.6)), 1, 5)
            ok = candidate == "a" or item % 5
            rows.append({"benchmark": "x", "item_id": f"q{item}", "candidate": candidate, "axis": "overall", "j": judge,
                         "p": people, "number": item, "status": "ok" if ok else "no_speech"})  # fmt: skip
    every = pd.DataFrame(rows)
    key, answered = ["benchmark", "item_id", "candidate"], every[every["status"] == "ok"]
    judged = answered[[*key, "axis"]].assign(rater="m", signature="m|1", score=answered["j"])
    told = answered[answered["number"] < LABELLED]
    labels = told[[*key, "axis"]].assign(rater="p", score=told["p"])
    return judged, labels, every[[*key, "status"]]


def board(labels: pd.DataFrame | None = None, design: Any = "random", **rest: Any) -> Leaderboard:
    judged, people, said = study()
    told = completed(people if labels is None else labels, rater_kind="person")
    return leaderboard(Ratings.of(judged, AXES), said, resamples=100, labels=Labels.of(told, AXES, design), **rest)


def figure(found: Leaderboard, candidate: str) -> Any:
    return next(row for row in found.rows if row.candidate == candidate).figure("overall")


@pytest.mark.parametrize("candidate", ["a", "b"])
def test_the_corrected_means_are_those_of_the_estimator(candidate: str) -> None:
    judged, people, said = study()
    own, told = (frame[frame["candidate"] == candidate].set_index("item_id")["score"] for frame in (judged, people))
    failed = said[(said["candidate"] == candidate) & (said["status"] != "ok")]["item_id"]
    expected = corrected_mean(own, told.reindex(own.index), own.index, design="random", failed=failed, lowest=1)
    found = figure(board(), candidate)
    assert found.correction == expected
    assert len(failed) == (16 if candidate == "b" else 0)
    # Raw figures stay as they are without labels.
    plain = leaderboard(Ratings.of(judged, AXES), said, resamples=100)
    assert (found.all_items, found.answered) == (figure(plain, candidate).all_items, figure(plain, candidate).answered)
    low = expected.corrected.value - 1
    share = found.n_scored / PROMPTS
    assert expected.all_items.value == pytest.approx(1 + share * low)


def test_an_unknown_design_gives_raw_figures_only() -> None:
    found = board(design="unknown")
    correction = figure(found, "a").correction
    assert correction.corrected.value is None and "not known" in correction.all_items.note
    assert correction.people.value is not None
    assert found.beside == (found.beside[0],) and found.beside[0].endswith(",unknown")


def test_known_chances_are_weighted() -> None:
    _, people, _ = study()
    chance = np.where(people["item_id"].str[1:].astype(int) % 2, 0.8, 0.2)
    equal = figure(board(), "a").correction.corrected.value
    weighted = figure(board(people.assign(**{PROBABILITY: chance}), "weighted"), "a").correction
    assert weighted.design == "weighted" and weighted.corrected.value != equal
    same = figure(board(people.assign(**{PROBABILITY: 0.5}), "weighted"), "a").correction
    assert same.corrected.value == pytest.approx(equal, abs=1e-9)
    short = people.drop(columns="benchmark").assign(**{PROBABILITY: chance})
    assert figure(board(short, "weighted"), "a").correction == weighted


@pytest.mark.parametrize(
    ("change", "design", "said"),
    [
        ({PROBABILITY: 0.5}, "random", "a column label_probability and the design 'random'"),
        ({}, "weighted", "no column label_probability"),
        ({PROBABILITY: 0.0}, "weighted", "row 1, column label_probability: got '0.0', expected a chance above 0"),
        ({PROBABILITY: "half"}, "weighted", "got 'half', expected a chance"),
        ({"rater_kind": "constructed"}, "random", "without a single rating of rater_kind 'person'"),
        ({"candidate": "c"}, "random", "both rated and labelled; .* candidate 'a' by judges, 'c' by people"),
        ({}, "all", "got 40 prompts without a label"),
    ],
)
def test_labels_that_do_not_fit_are_refused(change: dict[str, Any], design: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        board(study()[1].assign(**change), design)


def test_two_chances_of_one_prompt_are_refused() -> None:
    people = study()[1]
    with pytest.raises(InputError, match="two values of label_probability for the item"):
        board(people.assign(**{PROBABILITY: np.linspace(0.1, 0.9, len(people))}), "weighted")


def test_labels_of_failed_answers_are_set_aside_and_said() -> None:
    people = study()[1]
    extra = people[people["candidate"] == "a"].head(1).assign(candidate="b")
    assert extra["item_id"].tolist() == ["q0"]
    found = board(pd.concat([people, extra], ignore_index=True))
    assert any("1 of 73 labelled answers have no rating here, or failed" in note for note in found.notes)
    assert figure(found, "b").correction == figure(board(), "b").correction


# --- maps


def maps(**change: Any) -> tuple[Maps, RecalibrationMap]:
    judged, people, _ = study()
    both = judged.merge(people, on=["benchmark", "item_id", "candidate"], how="left").assign(turn=0)
    fitted = recalibrate(both["score_x"], both["score_y"], prompt_labels(both), kind="linear", axis="overall",
                         scale=Scale(low=1, high=5), signature="m|1").map  # fmt: skip
    assert fitted is not None
    return Maps("linear", (fitted.model_copy(update=change),), "0" * 64), fitted


def test_recalibrated_means_are_cross_fitted_and_count_failures() -> None:
    own, fitted = maps()
    found = board(maps=own)
    judged = study()[0].assign(turn=0)
    rows = judged[judged["candidate"] == "b"]
    expected = fitted.apply_cross_fitted(rows["score"], prompt_labels(rows))
    assert figure(found, "b").recalibrated.answered.value == pytest.approx(expected.mean())
    assert figure(found, "b").recalibrated.all_items.value == pytest.approx((expected.sum() + 16) / PROMPTS)
    assert figure(found, "b").correction == figure(board(), "b").correction  # no map enters the correction
    assert found.beside[-1] == "map:linear,000000000000"


@pytest.mark.parametrize(
    ("change", "said"),
    [({"judge": "m|2"}, r"fit none of the ratings \(overall: m\|2\), expected one for overall: m\|1"),
     ({"axis": "semantic"}, "fit none"), ({"scale": Scale(low=0, high=10)}, "fit none"),
     ({"label_kind": "constructed"}, "a self-test, no calibration"), ({"kind": "isotonic"}, "too few labels")],
)  # fmt: skip
def test_a_calibration_of_another_judge_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        board(maps=maps(**change)[0])


@pytest.mark.parametrize(
    ("rated", "calibrated", "fits"),
    [("m|1|is:a", "m|1|is:a", True), ("m|1|is:a", "m|1|is:models/A", True), ("m|1|is:b", "m|1|is:a", False),
     ("m|1", "m|1|is:a", False), ("m|1|is:a", "m|1", False), ("m|1|is:a-2026-05-01", "m|1|is:a", False)],
)  # fmt: skip
def test_a_map_belongs_to_the_model_that_answered(rated: str, calibrated: str, fits: bool) -> None:
    judged, _, said = study()
    ratings, own = Ratings.of(judged.assign(signature=rated), AXES), maps(judge=calibrated)[0]
    if fits:
        found = leaderboard(ratings, said, resamples=100, maps=own)
        assert found.rows[0].figure("overall").recalibrated is not None
    else:
        with pytest.raises(InputError, match="fit none of the ratings"):
            leaderboard(ratings, said, resamples=100, maps=own)


def test_an_axis_without_a_map_is_said() -> None:
    judged, _, said = study()
    both = pd.concat([judged, judged.assign(axis="semantic")], ignore_index=True)
    axes = [*AXES, Axis(name="semantic")]
    found = leaderboard(Ratings.of(both, axes), said, resamples=100, maps=maps()[0])
    assert "not recalibrated, the calibration holds no linear map: semantic: m|1" in found.notes
    assert found.rows[0].figure("semantic").recalibrated is None
    assert found.rows[0].figure("overall").recalibrated is not None


# --- money


def test_each_call_counts_once_and_an_unknown_price_is_no_zero() -> None:
    judged, _, said = study()
    calls = pd.DataFrame([
        {"benchmark": "x", "candidate": "a", "rater": "m", "signature": "m|1", "call": "1", "usd": 0.5},
        {"benchmark": "x", "candidate": "a", "rater": "m", "signature": "m|1", "call": "1", "usd": 0.5},
        {"benchmark": "x", "candidate": "a", "rater": "n", "signature": "n|1", "call": "9", "usd": 7.0},
        {"benchmark": "x", "candidate": "b", "rater": "m", "signature": "m|1", "call": "2", "usd": 0.25},
        {"benchmark": "x", "candidate": "b", "rater": "m", "signature": "m|1", "call": "3", "usd": float("nan")},
    ])  # fmt: skip
    found = leaderboard(Ratings.of(judged, AXES), said, resamples=100, calls=calls)
    spent = {row.candidate: row.judging for row in found.rows}
    assert (spent["a"].usd, spent["a"].calls) == (0.5, 1)
    assert (spent["b"].usd, spent["b"].known_usd, spent["b"].n_unpriced) == (None, 0.25, 1)
    assert [row.judging for row in leaderboard(Ratings.of(judged, AXES), said, resamples=100).rows] == [None, None]
