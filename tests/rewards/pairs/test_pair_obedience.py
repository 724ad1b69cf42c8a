"""Pairs obey a calibration as rewards do: `semantic` is rated by a judge that hears, `acoustic` by dice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.typed import typed
from tests.rewards.pairs.test_build import SCORES, keys, output, record, run, scored
from tests.rewards.test_gate import DEAF, HEARS, made
from wavjudge.errors import InputError
from wavjudge.reporting.calibration_files import CalibrationFile
from wavjudge.rewards.gate import CalibrationGate
from wavjudge.rewards.pairs.build import Rules, build
from wavjudge.rewards.pairs.files import Scored, obeying, of_run, write

JUDGES = {"semantic_score": HEARS, "paralinguistic_score": DEAF}
ONE = record(output("a", 5, 2), output("b", 2, 5), output("c", 3, 1), signatures=JUDGES)


@pytest.fixture(scope="module")
def file() -> CalibrationFile:
    return made(axes=("semantic", "acoustic"))


def of(folder: Path, *records: Any, noise: float | None = None) -> Scored:
    return scored(folder, *(records or (ONE,)), noise=noise)


@pytest.mark.parametrize("mode", ["sum", "paralinguistic", "weighted"])
def test_a_mode_with_an_axis_below_the_bar_is_refused(tmp_path: Path, file: CalibrationFile, mode: Any) -> None:
    with pytest.raises(InputError, match=r"got the axis acoustic, which the calibration does not permit: acoustic: no"):
        obeying(of(tmp_path), Rules(mode), CalibrationGate(file))
    found, rules, permits = obeying(of(tmp_path), Rules("semantic"), CalibrationGate(file))
    assert rules == Rules("semantic") and [one.allowed for one in permits] == [True]
    assert keys(build(found.prompts, rules)) == [("a", "b", 3.0)]


def test_or_it_weighs_less_in_the_same_points(tmp_path: Path, file: CalibrationFile) -> None:
    """Of 2 in all: 1 and .25, brought to 2 again: 1.6 and .4. Sums of a, b, c: 8.8, 5.2, 5.2; before 7, 7, 4."""
    gentle = CalibrationGate(file, below="down-weight", factor=0.25)
    found, rules, permits = obeying(of(tmp_path), Rules("sum"), gentle)
    assert (rules.mode, rules.weights) == ("weighted", pytest.approx((1.6, 0.4)))
    assert [one.allowed for one in permits] == [True, False]
    (pair,) = build(found.prompts, rules).pairs
    assert (pair.chosen.key, pair.chosen_score, pair.gap) == ("a", 8.8, 3.6)
    assert keys(build(of(tmp_path).prompts, Rules("sum")))[0][2] == 3.0


def test_an_axis_that_weighs_nothing_is_not_needed(tmp_path: Path, file: CalibrationFile) -> None:
    lost = record(output("a", 5), output("b", 2), signatures=JUDGES)
    found, rules, _ = obeying(of(tmp_path, lost), Rules("sum"), CalibrationGate(file, below="down-weight"))
    write(build(found.prompts, rules).pairs, tmp_path / "p.jsonl", rules, found.signatures)
    told = json.loads((tmp_path / "p.jsonl").read_text("utf-8"))
    assert (told["pair_mode"], told["pair_weights"]) == ("semantic", {"semantic": 2.0}), "no note of sound to a trainer"
    assert rules.used == {"semantic": 2.0} and keys(build(found.prompts, rules)) == [("a", "b", 6.0)]
    with pytest.raises(InputError, match="does not permit"):
        obeying(of(tmp_path, lost), Rules("paralinguistic"), CalibrationGate(file, below="down-weight", factor=0.5))


def test_maps_reach_scores_target_and_noise(tmp_path: Path, file: CalibrationFile) -> None:
    one = next(each for each in file.maps if (each.axis, each.judge, each.kind) == ("semantic", HEARS, "linear"))
    slope = float(one.apply([4])[0] - one.apply([3])[0])
    demo = record(output("a", 2), output("t", 5), output("b"), sft_target_text="Answer of t.", signatures=JUDGES)
    rules = Rules("semantic", chosen="sft_target", min_gap=0)
    given = scored(tmp_path, demo, target="t", noise=0.3)
    found, used, _ = obeying(given, rules, CalibrationGate(file, recalibrate="linear"))
    (pair,) = build(found.prompts, used).pairs
    assert pair.chosen_score == pytest.approx(float(one.apply([5])[0])) and pair.gap == pytest.approx(3 * slope)
    assert {each.key: each.scores["semantic"] for each in found.prompts[0].outputs}["b"] is None
    assert given.prompts[0].outputs[0].scores["semantic"] == 2.0, "what was read stays"
    assert found.noise.sd == 0.3, "named in the points of what is compared"

    repeated = of_run(run(tmp_path / "r", SCORES, signature=HEARS), rules)
    mapped, _, _ = obeying(repeated, Rules("semantic"), CalibrationGate(file, recalibrate="linear"))
    assert repeated.noise.sd == pytest.approx(0.5) and mapped.noise.sd == pytest.approx(0.5 * slope)
    assert mapped.noise.n == repeated.noise.n and slope != pytest.approx(1.0, abs=0.01)


def test_noise_is_of_the_weights_that_are_used(tmp_path: Path, file: CalibrationFile) -> None:
    scores = {key: (semantic, 1 + key[2]) for key, (semantic, _) in SCORES.items()}
    path = run(tmp_path, scores, signature=HEARS)
    text = file.model_dump_json().replace(DEAF, "j|acoustic")
    gone = CalibrationGate(CalibrationFile.model_validate_json(text), below="down-weight")
    rules = Rules("sum")
    before = of_run(path, rules)
    after, used, _ = obeying(before, rules, gone)
    assert before.noise.sd == pytest.approx(0.5) and used.used == {"semantic": 2.0}
    assert after.noise.sd == pytest.approx(1.0), "twice the semantic score, whose repeats differ by .5"


def test_the_written_pairs_say_what_they_obey(tmp_path: Path, file: CalibrationFile) -> None:
    gate = CalibrationGate(file, below="down-weight", factor=0.25)
    found, rules, _ = obeying(of(tmp_path), Rules("sum"), gate)
    write(build(found.prompts, rules).pairs, tmp_path / "p.jsonl", rules, found.signatures, found.calibration)
    (line,) = (tmp_path / "p.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["calibration"] == gate.signature
    assert json.loads(line)["pair_weights"] == pytest.approx({"semantic": 1.6, "paralinguistic": 0.4})


def test_as_typed(tmp_path: Path, file: CalibrationFile) -> None:
    (tmp_path / "cal").mkdir()
    (tmp_path / "cal" / "calibration.json").write_text(file.model_dump_json(), encoding="utf-8")
    of(tmp_path)
    words = ("pairs", tmp_path / "scored.jsonl", "--out", tmp_path / "p.jsonl", "--no-check-audio", "--mode", "sum")
    obey = ("--calibration", tmp_path / "cal")
    done = typed(*words, *obey, "--below", "down-weight", "--factor", "0.25")
    assert done.code == 0, done.err
    assert "acoustic: no" in done.err
    assert "the calibration makes mode sum weighted: semantic 1.6, paralinguistic 0.4" in " ".join(done.err.split())
    assert typed(*words, *obey, "--mode", "semantic", "--recalibrate", "linear").code == 0
    assert "map:linear" in json.loads((tmp_path / "p.jsonl").read_text("utf-8"))["calibration"]
    (tmp_path / "p.jsonl").unlink()
    for more, said in (
        (obey, "got the axis acoustic, which the calibration does not permit"),
        (("--below", "down-weight"), "got below without a calibration"),
        (("--min-order", "0.2"), "got min_order without a calibration"),
        ((*obey, "--below", "ignore"), "expected refuse or down-weight"),
        ((*obey, "--below", "down-weight", "--factor", "1"), "a factor of 0 or more, below 1"),
        (
            (*obey, "--mode", "semantic", "--recalibrate", "cubic"),
            "got the map 'cubic', expected linear, isotonic or None",
        ),
        ((*obey, "--mode", "semantic", "--min-icc", "0.9"), "its repeats agree too little, below 0.9"),
    ):
        refused = typed(*words, *more)
        assert refused.code == 2 and said in " ".join(refused.err.split()), (more, refused.err)
        assert not (tmp_path / "p.jsonl").exists()
