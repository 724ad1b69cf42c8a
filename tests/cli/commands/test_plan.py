"""`wavjudge plan`, as typed: the known figures through the command, and a pilot in place of assumptions."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.commands.test_calibrate import simulated, table, write
from tests.cli.typed import typed

CASES = json.loads((Path(__file__).parents[2] / "analysis/golden/comparing.json").read_text(encoding="utf-8"))


def planned(*words: object) -> Any:
    done = typed("plan", *words, "--json")
    assert done.code == 0, done.err
    return done.json


@pytest.mark.parametrize("case", CASES["fisher"])
def test_labels_for_pearson_as_in_the_table(case: dict[str, Any]) -> None:
    low, high = case["interval"]
    # Printed to two decimals: the half width to within .005 brackets n.
    most, least = (planned("labels", "--r", case["r"], "--within", (high - low) / 2 + off)["independent"]
                   for off in (-0.005, 0.005))  # fmt: skip
    assert least <= case["n"] <= most


@pytest.mark.parametrize("case", CASES["judges"])
def test_two_judges_as_in_the_table(case: dict[str, Any]) -> None:
    first, second, between = case["r"]
    found = planned("judges", "--first", first, "--second", second, "--between", between)
    assert found["independent"] == case["n"]


def test_two_candidates_as_in_the_table_and_samples_of_one_prompt() -> None:
    assert planned("candidates", "--difference", 0.2, "--sd", 1)["independent"] == 197
    assert planned("candidates", "--difference", 0.03, "--sd", 1 / 3)["independent"] == 969
    noisy = ("candidates", "--difference", 0.2, "--sd", 1, "--noise", 1)
    # Variance 1 + 1/K + 1/K: three with one sample, two with two, as multiples of 196.2.
    assert [planned(*noisy, "--samples", k)["independent"] for k in (1, 2)] == [589, 393]


def test_the_design_effect_is_in_the_figures_and_shown() -> None:
    words = ("labels", "--of", "bias", "--within", 0.25, "--sd", 1, "--answers", 4, "--icc", 0.5)
    found = planned(*words)
    assert (found["independent"], found["design_effect"], found["prompts"], found["labels"]) == (62, 2.5, 41, 164)
    said = typed("plan", *words).out
    assert "164 labels on 41 prompts, 4 each" in said and "1 + (4 - 1) x 0.50 = 2.50" in said


def test_a_budget_is_split_or_goes_to_people() -> None:
    costs = ("--label-cost", 1, "--judge-cost", 0.05)
    found = planned("budget", 100, "--r", 0.8, *costs)
    assert (found["labelled"], found["judged"], found["people_only"]) == (77, 459, 100)
    assert "Spend it all on people" in typed("plan", "budget", 100, "--r", 0.1, *costs).out
    assert planned("budget", 100, "--r", 0.8, *costs, "--prompts", 120)["judged"] <= 120


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("labels", "--within", 0.1), "got no --r"),
        (("labels", "--within", 0.1, "--of", "mae"), "got no --sd"),
        (("labels", "--within", 0.1, "--r", 0.7, "--answers", 4), "got no --icc"),
        (("labels", "--within", 0.1, "--of", "spread"), "expected one of pearson, mean, bias, mae"),
        (("labels", "--within", 2, "--r", 0.7), "cannot plan with half width 2"),
        (("judges", "--first", 0.7, "--second", 0.8), "got no --between"),
        (("judges", "--first", 0.9, "--second", -0.9, "--between", 0.9), "cannot plan with"),
        (("candidates", "--difference", 0.2), "got no --sd"),
        (("budget", 100, "--label-cost", 1, "--judge-cost", 0.1), "got no --r"),
    ],
)
def test_what_is_missing_is_asked_for(words: tuple[object, ...], said: str) -> None:
    done = typed("plan", *words)
    assert done.code == 2 and said in done.err and not done.out


def test_a_pilot_gives_the_figures_and_what_is_said_wins(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path)
    pilot = ("--pilot", ratings, "--labels", labels)
    judged = {(row["item_id"], row["candidate"]): float(row["score"]) for row in table(ratings)}
    people: dict[tuple[str, str], list[float]] = {}
    for row in table(labels):
        people.setdefault((row["item_id"], row["candidate"]), []).append(float(row["score"]))
    pairs = np.array([(judged[key], np.mean(told)) for key, told in people.items()])
    r, bias = np.corrcoef(pairs.T)[0, 1], (pairs[:, 0] - pairs[:, 1]).std(ddof=1)
    said = typed("plan", "labels", "--within", 0.1, *pilot).out
    assert f"r {r:.2f}, seen on 120 labels on 30 prompts, axis overall" in said
    assert f"sd {bias:.2f}" in typed("plan", "labels", "--within", 0.1, "--of", "bias", *pilot).out
    found = planned("labels", "--within", 0.1, *pilot)
    assert found["answers_per_prompt"] == 4 and found["design_effect"] >= 1
    told = planned("labels", "--within", 0.1, *pilot, "--r", 0.7, "--answers", 1)
    assert (told["independent"], told["answers_per_prompt"]) == (105, 1)


def test_labels_that_cannot_make_a_plan_are_said(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path)
    made = write(tmp_path / "made.csv", [row | {"rater_kind": "constructed"} for row in table(labels)])
    done = typed("plan", "labels", "--within", 0.1, "--pilot", ratings, "--labels", made)
    assert done.code == 2 and "without a single rating of rater_kind 'person' (only: constructed)" in done.err
    other = write(tmp_path / "other.csv", [row | {"axis": "semantic"} for row in table(labels)])
    done = typed("plan", "labels", "--within", 0.1, "--pilot", ratings, "--labels", other)
    assert done.code == 2 and "judges rated 'overall', people labelled 'semantic'" in done.err


def test_two_judges_two_candidates_and_a_budget_from_a_pilot(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path)
    dice, rows = random.Random(3), table(ratings)
    other = [row | {"rater": "openai:n", "score": str(min(5, max(1, int(row["score"]) + dice.choice((-2, 0, 1)))))}
             for row in rows]  # fmt: skip
    both = ("--pilot", write(tmp_path / "both.csv", rows + other), "--labels", labels)
    scores = np.array([[float(row["score"]) for row in part] for part in (rows, other)])
    said = typed("plan", "judges", *both, "--judge", "openai:m", "--judge", "openai:n").out
    assert f"{np.corrcoef(scores)[0, 1]:.2f} between the judges, seen on 120 labels" in said
    assert "name one by its rater" in typed("plan", "labels", "--within", 0.1, *both).err
    assert "expected two" in typed("plan", "judges", *both).err

    by = {name: np.array([float(row["score"]) for row in rows if row["candidate"] == name]) for name in "ab"}
    sd = (by["a"] - by["b"]).std(ddof=1)
    pair = ("plan", "candidates", "--difference", 0.2, "--pilot", ratings, "--candidate", "a", "--candidate")
    assert f"sd {sd:.2f}, seen on 30 prompts, axis overall" in typed(*pair, "b").out
    assert "expected two of a, b, c, d" in typed(*pair, "z").err
    costs = ("--label-cost", 1, "--judge-cost", 0.05)
    assert "people label" in typed("plan", "budget", 100, *costs, "--pilot", ratings, "--labels", labels).out
    assert "got --pilot without --labels" in typed("plan", "budget", 100, *costs, "--pilot", ratings).err


def test_a_pilot_of_several_axes_is_planned_by_overall_or_says_how_to_choose(tmp_path: Path) -> None:
    ratings, labels = simulated(tmp_path)
    both = [
        write(tmp_path / f"three-{path.name}", [row | {"axis": axis} for row in table(path) for axis in AXES])
        for path in (ratings, labels)
    ]
    pilot = ("--pilot", both[0], "--labels", both[1])
    assert "on 30 prompts, axis overall" in typed("plan", "labels", "--within", 0.1, *pilot).out
    assert "on 30 prompts, axis semantic" in typed("plan", "labels", "--within", 0.1, *pilot, "--on", "semantic").out
    two = [
        write(tmp_path / f"two-{path.name}", [row for row in table(path) if row["axis"] != "overall"]) for path in both
    ]
    done = typed("plan", "labels", "--within", 0.1, "--pilot", two[0], "--labels", two[1])
    assert done.code == 2 and "--on AXIS" in done.err and "acoustic, semantic" in done.err


AXES = ("semantic", "acoustic", "overall")
