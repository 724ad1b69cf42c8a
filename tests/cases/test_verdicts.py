"""Cases 20, 21, 23 and 24: what was said of a judge that was not so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.typed import typed
from wavjudge.reporting.calibration_files import CalibrationFile, read
from wavjudge.rewards.gate import check

Case = Callable[[str], Path]


def calibrated(folder: Path, *options: str) -> tuple[CalibrationFile, str]:
    out = folder / "calibration"
    done = typed(
        "calibrate",
        folder / "ratings.csv",
        "--labels",
        folder / "labels.csv",
        "--out",
        out,
        "--no-plots",
        "--full",
        *options,
    )
    assert done.code == 0, done.err
    return read(out), " ".join(done.out.split())


def advice(file: CalibrationFile) -> dict[str, Any]:
    return {one.use: one for one in file.advice}


def test_20_a_judge_that_orders_the_candidates_backwards_is_called_reversed(case: Case) -> None:
    file, said = calibrated(case("20"))
    told = advice(file)
    assert (told["averages"].state, told["ranking"].state) == ("reversed", "reversed")
    assert "0 of 6 pairs of candidates ordered alike" in told["averages"].sentence
    assert "With 4 candidates this says little of others" in told["averages"].sentence
    assert "carry something" not in said and "no better than chance is shown" not in said
    (permit,) = check(file)
    assert (permit.allowed, permit.order) == (False, "reversed") and "the reverse of people's" in permit.sentence


def test_21_six_answers_are_too_few_to_stand_in_for_a_person(case: Case) -> None:
    file, said = calibrated(case("21"))
    (test,) = file.alternative
    assert test["passed"] is None and test["opponents"] == []
    assert "Too few to say whether the judge may stand in for a person: that takes 30 prompts" in said
    assert "may stand in for a person of this panel" not in said
    assert {one.state for one in file.advice} <= {"too_few", "unknown"} and "Do not" not in said


def test_23_a_perfect_judge_is_never_told_do_not_and_has_intervals_with_a_width(case: Case) -> None:
    file, said = calibrated(case("23"))
    told = advice(file)
    assert (told["levels"].state, told["ranking"].state) == ("shown", "shown")
    assert told["averages"].state == "unknown"  # people's own averages of these three do not differ
    assert "Do not" not in said and "[1.00, 1.00]" not in said and "[0.00, 0.00]" not in said
    for row in file.rows:
        for name in (
            name.removesuffix("_lo") for name in row if name.endswith("_lo") and not name.endswith("worst_lo")
        ):
            low, high = row[f"{name}_lo"], row[f"{name}_hi"]
            assert low is high is None or float(high) - float(low) > 1e-6, (row["judge"], name)  # type: ignore[arg-type]
    assert check(file)[0].order == "shown"


def test_24_each_signature_has_a_row_of_its_own_in_the_papers_layout(case: Case) -> None:
    folder = case("24")
    calibrated(folder, "--layout", "paper")
    head, _, *lines = (folder / "calibration/paper.md").read_text(encoding="utf-8").splitlines()
    assert head.count("Pearson") == 2 and len(lines) == 2
    figures = [[cell.strip() for cell in line.replace("\\|", ";").split("|")[2:4]] for line in lines]
    assert figures == [["1.000", "1.000"], ["-0.083", "0.105"]]
    assert "pcm16" in lines[0] and "no-audio" in lines[1]
    tex = (folder / "calibration/paper.tex").read_text(encoding="utf-8")
    assert tex.count("openai:m") == 2


@pytest.mark.parametrize("axis", ["semantic", "acoustic"])
def test_24_two_signatures_on_one_axis_alone_are_two_rows(case: Case, axis: str) -> None:
    folder = case("24")
    for name in ("ratings.csv", "labels.csv"):
        first, *rest = (folder / name).read_text(encoding="utf-8").splitlines()
        (folder / name).write_text(
            "\n".join([first, *(row for row in rest if f",{axis}," in row)]) + "\n", encoding="utf-8"
        )
    file, _ = calibrated(folder, "--layout", "paper")
    assert len((folder / "calibration/paper.md").read_text(encoding="utf-8").splitlines()) == 4
    assert len({one.signature for one in file.advice}) == 2 and json.loads(file.model_dump_json())["advice"]


def unscored(folder: Path, lost: float) -> tuple[CalibrationFile, str]:
    """Four answers to each of 40 prompts, which a judge puts in people's order; of the best ones some are refused."""
    judged = ["item_id,candidate,axis,rater,score,status"]
    labelled = ["item_id,candidate,axis,rater,score"]
    for item in range(40):
        for candidate, score in zip("abcd", (1, 2, 3, 5), strict=True):
            refused = candidate == "d" and item < 40 * lost
            judged.append(f"q{item},{candidate},overall,m,{'' if refused else score},{'refused' if refused else 'ok'}")
            labelled.append(f"q{item},{candidate},overall,ann,{score}")
    (folder / "ratings.csv").write_text("\n".join(judged) + "\n")
    (folder / "labels.csv").write_text("\n".join(labelled) + "\n")
    return calibrated(folder)


def test_a_judge_that_refuses_the_best_answers_never_chooses_them_and_is_not_shown(tmp_path: Path) -> None:
    file, said = unscored(tmp_path, 1.0)
    (row,) = [one for one in file.rows if one["kind"] == "judge"]
    assert row["best_of_n"] == pytest.approx((3 - 2.75) / (5 - 2.75))  # its favourite is the third of four
    assert advice(file)["ranking"].state == "unknown" and "J1 overall unknown" in said
    assert "40 of 160 labelled answers got no score of it" in advice(file)["ranking"].sentence
    (permit,) = check(file)
    assert (permit.allowed, permit.order) == (False, "unknown")
    assert "left 40 of 160 labelled answers unscored" in permit.sentence


def test_a_few_unscored_answers_take_nothing_away_but_what_they_would_have_gained(tmp_path: Path) -> None:
    file, _ = unscored(tmp_path, 0.05)
    (row,) = [one for one in file.rows if one["kind"] == "judge"]
    assert row["best_of_n"] == pytest.approx((38 * 2.25 + 2 * 0.25) / (40 * 2.25))
    assert advice(file)["ranking"].state == "shown" and check(file)[0].allowed
