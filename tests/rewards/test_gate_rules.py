"""Rewards obey their calibration: what may not be optimised is refused or weighs less, and maps are applied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.typed import typed
from tests.loopback import Loopback
from tests.rewards.sounds import item
from tests.rewards.test_gate import DEAF, HEARS, made
from tests.rewards.test_judge_reward import reward
from wavjudge.errors import InputError
from wavjudge.judges.reading.parse import Verdict
from wavjudge.reporting.calibration_files import CalibrationFile
from wavjudge.rewards.adapters.options import from_options
from wavjudge.rewards.combine import Unscored, Weights
from wavjudge.rewards.gate import CalibrationGate, mapped, of_options

TWO = {"semantic": 0.7, "acoustic": 0.3}


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


@pytest.fixture(scope="module")
def made_file() -> CalibrationFile:
    return made(axes=("semantic", "acoustic"))


@pytest.fixture
def file(server: Loopback, made_file: CalibrationFile) -> CalibrationFile:
    """The same calibration, of the judge behind the loopback server: `semantic` hears, `acoustic` is dice."""
    with reward(server, TWO) as judge:
        signed = judge.signatures
    text = made_file.model_dump_json()
    for axis, old in (("semantic", HEARS), ("acoustic", DEAF)):
        text = text.replace(old, signed[axis] + "|is:loopback-judge-1")
    return CalibrationFile.model_validate_json(text)


def test_an_axis_below_the_bar_is_refused(server: Loopback, file: CalibrationFile) -> None:
    with pytest.raises(InputError, match=r"does not permit: acoustic: no"):
        reward(server, TWO, calibration=CalibrationGate(file))
    with reward(server, {"semantic": 1.0}, calibration=CalibrationGate(file)) as judge:
        assert [permit.allowed for permit in judge.permits] == [True]
    assert server.requests == 0


def test_or_it_weighs_less_and_is_not_paid_for_at_nothing(server: Loopback, file: CalibrationFile) -> None:
    with reward(server, TWO, calibration=CalibrationGate(file, below="down-weight", factor=0.5)) as judge:
        assert judge.weights.axes == pytest.approx({"semantic": 0.7 / 0.85, "acoustic": 0.15 / 0.85})
        assert "calibration:" in judge.signature and "down-weight:0.5" in judge.signature
    with reward(server, TWO, calibration=CalibrationGate(file, below="down-weight")) as judge:
        assert judge.weights.axes == {"semantic": 1.0}
        judge.score_now([item(1)])
    assert server.requests == 1, "an axis without weight is not asked for"


@pytest.mark.parametrize(
    "factor, says",
    [
        (0.0, "down-weight: the axis acoustic is left out, for the factor is 0 (the default); a factor above 0"),
        (0.5, "down-weight: the weight of the axis acoustic is multiplied by 0.5"),
    ],
)
def test_what_is_down_weighted_is_named_with_its_factor(
    server: Loopback, file: CalibrationFile, factor: float, says: str
) -> None:
    obeyed = CalibrationGate(file, below="down-weight", factor=factor)
    with reward(server, TWO, calibration=obeyed) as judge:
        assert obeyed.said(judge.permits).startswith(says)
    with reward(server, {"semantic": 1.0}, calibration=obeyed) as judge:
        assert obeyed.said(judge.permits) == ""


def test_a_factor_without_down_weight_is_an_error(file: CalibrationFile, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(file.model_dump_json(), encoding="utf-8")
    with pytest.raises(InputError, match=r"factor=0.5.*\n.*--below down-weight"):
        of_options(path, factor=0.5)


def test_maps_reach_the_reward_and_leave_the_ratings_raw(server: Loopback, file: CalibrationFile) -> None:
    with reward(server, {"semantic": 1.0}, calibration=CalibrationGate(file, recalibrate="linear")) as judge:
        (found,) = judge.score_now([item(1)])
        (rating,) = found.ratings
    one = next(each for each in file.maps if (each.axis, each.kind) == ("semantic", "linear"))
    assert found.score == pytest.approx(float(one.apply([rating.score])[0]), abs=1e-6)
    assert rating.score == round(rating.score or 0) and found.score != rating.score


def test_what_has_no_score_is_not_mapped(file: CalibrationFile) -> None:
    lost = Unscored("refused", "no")
    maps = {one.axis: one for one in file.maps if one.kind == "linear"}
    assert mapped({"semantic": lost}, maps) == {"semantic": lost}
    assert mapped({"other": Verdict(2.0)}, maps) == {"other": Verdict(2.0)}


def test_a_calibration_of_another_judge_is_refused(server: Loopback, made_file: CalibrationFile) -> None:
    with pytest.raises(InputError, match="a calibration belongs to the model that answered"):
        reward(server, {"semantic": 1.0}, calibration=CalibrationGate(made_file))


def test_plain_options_say_the_same(server: Loopback, file: CalibrationFile, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(file.model_dump_json(), encoding="utf-8")
    plain = {"judges": f"openai:m?base_url={server.openai_url}", "weights": TWO, "guards": None, "cache": False}
    with pytest.raises(InputError, match="does not permit"):
        from_options(plain | {"calibration": str(path)})
    with from_options(plain | {"calibration": str(path), "below": "down-weight", "factor": 0.0}) as judge:
        assert judge.weights == Weights({"semantic": 1.0})
    with pytest.raises(InputError, match="got below without a calibration"):
        from_options(plain | {"below": "refuse"})
    with pytest.raises(InputError, match="does not permit"):
        from_options(plain | {"weights": {"semantic": 1.0}, "calibration": str(path), "min_order": 0.99})


def test_ways_of_obeying_without_a_calibration_are_refused_not_passed_over(server: Loopback, tmp_path: Path) -> None:
    words = ("rewards", "serve", "--judge", f"openai:m?base_url={server.openai_url}", "--weights", "overall=1",
             "--guards", "none", "--port", "0")  # fmt: skip
    for more in (("--below", "refuse"), ("--factor", "0.5"), ("--recalibrate", "linear"), ("--min-order", "0.1")):
        done = typed(*words, *more)
        assert done.code == 2 and f"got {more[0][2:].replace('-', '_')} without a calibration" in done.err
