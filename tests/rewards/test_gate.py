"""Which axes may be optimised: from calibrations that the code itself made, of judges whose worth is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wavjudge.analysis.calibration.findings import Settings, calibrate
from wavjudge.analysis.tables.ratings import Ratings
from wavjudge.errors import InputError
from wavjudge.reporting.calibration_files import CalibrationFile, record
from wavjudge.rewards.combine import Weights
from wavjudge.rewards.gate import Bar, check, map_of, obeying, permit_of
from wavjudge.types import Axis

HEARS, DEAF, STATIC = "m|semantic|is:m-1", "m|acoustic|is:m-1", "m|overall|is:m-1"
SIGNED = {"semantic": HEARS, "acoustic": DEAF, "overall": STATIC}


def made(
    *,
    prompts: int = 40,
    repeats: int = 2,
    axes: tuple[str, ...] = tuple(SIGNED),
    kind: str = "person",
    length: bool = False,
) -> CalibrationFile:
    """semantic hears people's order, acoustic is dice, overall gives every answer of a prompt the same score."""
    dice = np.random.default_rng(11)
    judged, labelled, lengths = [], [], []
    for number in range(prompts):
        level = dice.normal(3, 0.7)
        for candidate in "abcd":
            true = level + dice.normal(0, 0.8)
            key = {"item_id": f"q{number}", "candidate": candidate}
            lengths.append({"benchmark": "", "attempt": 0, "turn": 0, **key, "answer length": true})
            for axis in axes:
                labelled.append({**key, "axis": axis, "rater": "ann", "rater_kind": kind, "score": _in(true)})
                for repeat in range(repeats):
                    said = {"semantic": true + dice.normal(0, 0.4), "acoustic": dice.normal(3, 1), "overall": level}
                    row = {**key, "axis": axis, "rater": "openai:m", "signature": SIGNED[axis], "repeat": repeat}
                    judged.append(row | {"score": _in(said[axis])})
    known = [Axis(name=name) for name in axes]
    ratings, labels = (
        Ratings.of(pd.DataFrame(judged), known),
        Ratings.of(pd.DataFrame(labelled), known, rater_kind="person"),
    )
    covariates = pd.DataFrame(lengths) if length else None
    if covariates is not None:
        covariates["benchmark"] = ratings.frame["benchmark"].iloc[0]
    found = calibrate(ratings, labels, Settings(permutations=20), covariates=covariates,
                      label_kind="human" if kind == "person" else "constructed")  # fmt: skip
    return record(found, ratings_sha256=ratings.data_sha256, labels_sha256=labels.data_sha256)


def _in(score: float) -> float:
    return float(np.clip(np.round(score, 1), 1, 5))


@pytest.fixture(scope="module")
def file() -> CalibrationFile:
    return made()


def permits(file: CalibrationFile, bar: Bar | None = None) -> Mapping[str, Any]:
    return {one.axis: one for one in check(file, bar)}


def test_an_axis_that_orders_as_people_do_may_be_optimised_and_dice_may_not(file: CalibrationFile) -> None:
    found = permits(file)
    assert {axis: one.allowed for axis, one in found.items()} == {"semantic": True, "acoustic": False, "overall": False}
    assert (
        found["semantic"].sentence.startswith("semantic: yes")
        and "repeats: ICC inside a prompt 0." in found["semantic"].sentence
    )
    assert "is not shown to lie above 0" in found["acoustic"].sentence
    assert "zero-filled Intra-ID 0.00" in found["overall"].sentence, (
        "no difference seen counts as nothing, not as left out"
    )


def test_the_file_keeps_the_repeats_and_reads_without_them(file: CalibrationFile) -> None:
    again = CalibrationFile.model_validate_json(file.model_dump_json())
    assert again == file and {one.axis: one.repeats for one in again.repeats} == dict.fromkeys(SIGNED, 2)
    old = file.model_dump(mode="json")
    del old["repeats"]
    found = permits(CalibrationFile.model_validate(old))["semantic"]
    assert found.allowed and "repeats: none" in found.sentence


def test_the_bar_is_the_users(file: CalibrationFile) -> None:
    low = next(
        row["intra_id_zero_filled_lo"] for row in file.rows if (row["kind"], row["axis"]) == ("judge", "semantic")
    )
    assert isinstance(low, float)
    assert permits(file, Bar(min_order=low - 0.01))["semantic"].allowed
    assert not permits(file, Bar(min_order=low))["semantic"].allowed
    steady = next(one.icc_within for one in file.repeats if one.axis == "semantic")
    assert steady is not None
    assert permits(file, Bar(min_icc=steady - 0.01))["semantic"].allowed
    assert "agree too little" in permits(file, Bar(min_icc=steady + 0.01))["semantic"].sentence


def test_without_repeats_a_bar_on_them_is_not_reached() -> None:
    file = made(repeats=1, axes=("semantic",))
    assert permits(file)["semantic"].allowed
    assert "nothing is known of its repeats" in permits(file, Bar(min_icc=0.1))["semantic"].sentence


def test_what_the_length_of_the_answer_tells_is_no_skill() -> None:
    found = made(repeats=1, axes=("semantic",), length=True)
    told = permits(found)["semantic"]
    assert not told.allowed and "the null row 'answer length'" in told.sentence
    assert permits(found, Bar(beat_nulls=False))["semantic"].allowed


def test_constructed_labels_say_nothing_of_people_unless_asked() -> None:
    file = made(repeats=1, axes=("semantic",), kind="constructed")
    assert not any(one.allowed for one in check(file))
    assert permits(file, Bar(label_kind="constructed"))["semantic"].allowed
    with pytest.raises(InputError, match="learnt from constructed labels"):
        map_of(file, "semantic", HEARS)


def test_too_few_prompts_show_nothing() -> None:
    assert "has no interval" in permits(made(prompts=8, repeats=1, axes=("semantic",)))["semantic"].sentence


def test_an_instrument_of_signals_is_a_guard(file: CalibrationFile) -> None:
    rows = tuple(row | {"signature": "signals|vad"} if row["axis"] == "semantic" else row for row in file.rows)
    found = permits(file.model_copy(update={"rows": rows}))["semantic"]
    assert not found.allowed and "never what a trainer maximises" in found.sentence


def test_rewards_obey(file: CalibrationFile) -> None:
    both = Weights({"semantic": 0.6, "acoustic": 0.4})
    with pytest.raises(InputError, match="does not permit: acoustic: no"):
        obeying(both, SIGNED, file)
    left, permitted = obeying(both, SIGNED, file, below="down-weight")
    assert left.axes == {"semantic": 1.0} and [one.allowed for one in permitted] == [True, False]
    half, _ = obeying(both, SIGNED, file, below="down-weight", factor=0.5)
    assert half.axes == {"semantic": pytest.approx(0.75), "acoustic": pytest.approx(0.25)}
    alone, _ = obeying(Weights({"semantic": 1.0}), SIGNED, file)
    assert alone.axes == {"semantic": 1.0}
    for factor in (0.0, 0.25, 0.9):
        with pytest.raises(InputError, match=r"(?s)does not permit.*down-weighting all of them would pay them in full"):
            obeying(Weights({"acoustic": 1.0}), SIGNED, file, below="down-weight", factor=factor)
    strict = Bar(min_order=0.99)  # permits neither axis
    with pytest.raises(InputError, match=r"got the axis semantic, acoustic, which"):
        obeying(both, SIGNED, file, strict, below="down-weight", factor=0.5)


@pytest.mark.parametrize("changes", [{"below": "ignore"}, {"factor": 1.0}, {"factor": True}, {"factor": -0.1}])
def test_what_cannot_be_obeyed(file: CalibrationFile, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="expected refuse or down-weight"):
        obeying(Weights({"semantic": 1.0}), SIGNED, file, **changes)


def test_a_calibration_belongs_to_one_judge(file: CalibrationFile) -> None:
    assert permit_of(file, "semantic", {"semantic": "m|semantic"}).allowed, "the plan of a judge that is calibrated"
    for wrong in ({"semantic": "m|semantic|is:m-2"}, {"semantic": "n|semantic"}, {}):
        with pytest.raises(InputError, match="a calibration belongs to the model that answered"):
            permit_of(file, "semantic", wrong)
    with pytest.raises(InputError, match="there is none"):
        permit_of(file, "naturalness", SIGNED)


def test_maps_are_of_the_judge_and_not_flat(file: CalibrationFile) -> None:
    for kind in ("linear", "isotonic"):
        found = map_of(file, "semantic", HEARS, kind).apply([1.0, 3.0, 5.0, np.nan])
        assert np.all(np.diff(found[:3]) >= 0) and np.isnan(found[3])
    flat = tuple(one.model_copy(update={"note": "flat"}) if one.axis == "semantic" else one for one in file.maps)
    with pytest.raises(InputError, match="that is flat"):
        map_of(file.model_copy(update={"maps": flat}), "semantic", HEARS)
    with pytest.raises(InputError, match="expected one of the calibration"):
        map_of(file, "semantic", "other")


@pytest.mark.parametrize("bar", [{"min_order": float("nan")}, {"min_order": 1}, {"min_icc": True}, {"min_icc": -2}])
def test_a_bar_is_a_correlation(bar: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="expected a correlation"):
        Bar(**bar)


def test_a_calibration_without_a_judge(file: CalibrationFile) -> None:
    with pytest.raises(InputError, match="without a judge"):
        check(file.model_copy(update={"rows": ()}))


def test_an_axis_whose_gain_is_not_shown_is_refused_whatever_its_order(file: CalibrationFile) -> None:
    def with_gain(low: float | None, high: float | None) -> Any:
        rows = [dict(row) | ({"best_of_n_lo": low, "best_of_n_hi": high} if row["kind"] == "judge" else {})
                for row in file.rows]  # fmt: skip
        return permits(file.model_copy(update={"rows": tuple(rows)}))["semantic"]

    assert with_gain(0.1, 0.5).allowed and with_gain(None, None).allowed
    refused, worse = with_gain(-0.1, 0.5), with_gain(-0.5, -0.1)
    assert not refused.allowed and "not shown to gain anything" in refused.sentence
    assert not worse.allowed and "worse than choosing blindly" in worse.sentence
