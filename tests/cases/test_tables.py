"""Cases 09, 18, 22: labels that nobody could read, CSV of Excel, axes without a scale. And their neighbours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.typed import typed
from wavjudge.analysis.tables.read import read_table
from wavjudge.bench.answers import open_testset

Case = Callable[[str], Path]


COMMANDS = {
    "calibrate": lambda ratings, labels, *options: (
        "calibrate", ratings, "--labels", labels, "--out", labels.parent / "out", "--no-plots", *options),
    "compare": lambda ratings, labels, *options: ("compare", "judges", ratings, "--labels", labels, *options),
    "plan": lambda ratings, labels, *options: (
        "plan", "labels", "--within", ".1", "--pilot", ratings, "--labels", labels, *options),
    "leaderboard": lambda ratings, labels, *options: (
        "leaderboard", ratings, "--labels", labels, "--label-design", "random", "--out", labels.parent / "l.csv",
        *options),
}  # fmt: skip


def test_case_09_decimal_commas_are_read_and_said(case: Case) -> None:
    folder = case("09")
    done = typed(*COMMANDS["calibrate"](folder / "ratings.csv", folder / "decimal_comma.csv"))
    assert done.code == 0 and "column score: 3,0 read as 3.0, and so every decimal comma" in done.err
    assert read_table(folder / "decimal_comma.csv")["score"].astype(float).tolist()[:4] == [3.0, 2.0, 5.0, 4.0]


@pytest.mark.parametrize("command", COMMANDS)
def test_case_09_percent_is_refused_with_file_row_field_and_what_to_do(case: Case, command: str) -> None:
    folder = case("09")
    done = typed(*COMMANDS[command](folder / "ratings.csv", folder / "percent.csv"))
    assert done.code == 2 and "percent.csv: got 12 of 12 labels off the scale of overall, 1..5" in done.err
    assert "row 1, q1/alpha/overall/ann: score '60'" in done.err and "bring the labels to 1..5" in done.err


@pytest.mark.parametrize("cell", ["good", "60%", "3/5", "ok!", "****", "#N/A", "1 234"])
@pytest.mark.parametrize("command", COMMANDS)
def test_labels_none_of_which_is_a_number_are_refused_by_name(case: Case, command: str, cell: str) -> None:
    folder = case("09")
    labels = folder / "words.csv"
    table = pd.read_csv(folder / "ratings.csv", dtype="str")
    table.assign(rater="ann", score=cell).to_csv(labels, index=False)
    done = typed(*COMMANDS[command](folder / "ratings.csv", labels))
    assert done.code == 2 and "words.csv: got 12 labels and not one score" in done.err
    assert f"row 1, q1/alpha/overall/ann: score '{cell}'" in done.err


def test_labels_of_shares_that_happen_to_reach_the_scale_are_not_read_as_ones(case: Case) -> None:
    folder = case("09")
    labels = folder / "shares.csv"
    table = pd.read_csv(folder / "ratings.csv", dtype="str")
    table.assign(rater="ann", score=["1", "0.5"] + ["0.75"] * 10).to_csv(labels, index=False)
    done = typed(*COMMANDS["calibrate"](folder / "ratings.csv", labels))
    assert done.code == 2 and "got 11 of 12 labels off the scale of overall" in done.err


def test_an_axis_that_people_left_without_a_score_leaves_the_others_alone(case: Case) -> None:
    folder = case("09")
    ratings, labels = folder / "both.csv", folder / "both_labels.csv"
    table = pd.read_csv(folder / "ratings.csv", dtype="str")
    pd.concat([table, table.assign(axis="semantic")]).to_csv(ratings, index=False)
    people = table.assign(rater="ann")
    pd.concat([people, people.assign(axis="semantic", score="")]).to_csv(labels, index=False)
    done = typed(*COMMANDS["calibrate"](ratings, labels))
    assert done.code == 0 and "semantic" not in done.out


def test_case_18_semicolons_are_read_and_said(case: Case) -> None:
    folder = case("18")
    testset = open_testset(folder / "semi.csv")
    said = [(row.item_id, row.candidate, row.question_text, row.text, row.audio) for _, row in testset]
    assert said == [
        ("q1", "m", "Wie geht's?", "Gut, danke.", "audio/base.wav"),
        ("q2", "m", "Größe?", "Zwölf Meter", "audio/base.wav"),
    ]  # fmt: skip
    assert testset.bad_rows == []
    people = read_table(folder / "p_semi.csv")
    assert len(people) == 120 and people["score"].astype(float).between(1, 5).all() and people["item_id"][0] == "001"


def test_case_18_calibrates_and_says_how_the_file_was_read(case: Case) -> None:
    folder = case("18")
    people = pd.read_csv(folder / "p_semi.csv", sep=";", dtype="str", encoding="utf-8-sig")
    ratings = folder / "ratings.csv"
    people[["item_id", "candidate", "axis", "score"]].drop_duplicates(["item_id", "candidate"]).assign(
        rater="gpt").to_csv(ratings, index=False)  # fmt: skip
    done = typed(*COMMANDS["calibrate"](ratings, folder / "p_semi.csv"))
    assert done.code == 0 and "p_semi.csv: read as semicolons between cells" in done.err


@pytest.mark.parametrize("command", COMMANDS)
def test_case_22_says_the_cause_and_what_to_type(case: Case, command: str) -> None:
    folder = case("22")
    done = typed(*COMMANDS[command](folder / "ratings.csv", folder / "labels.csv"))
    assert done.code == 2 and "judges rated 'fluency' (no scale), people labelled 'fluency' (no scale)" in done.err
    assert "--axis fluency=1..5" in done.err


def test_case_22_what_is_to_be_typed_works(case: Case) -> None:
    folder = case("22")
    done = typed(*COMMANDS["calibrate"](folder / "ratings.csv", folder / "labels.csv", "--axis", "fluency=1..5"))
    assert done.code == 0 and "fluency" in done.out


@pytest.mark.parametrize("command", ["leaderboard", "candidates", "plan candidates"])
def test_an_axis_without_scale_is_named_without_labels_too(case: Case, command: str) -> None:
    ratings = case("22") / "ratings.csv"
    words: list[object] = {
        "leaderboard": ["leaderboard", ratings, "--out", ratings.parent / "l.csv"],
        "candidates": ["compare", "candidates", ratings],
        "plan candidates": ["plan", "candidates", "--difference", ".5", "--pilot", ratings],
    }[command]
    done = typed(*words)
    assert done.code == 2 and "no axis has a scale: 'fluency'" in done.err and "--axis fluency=1..5" in done.err


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ("Overall", "'Overall' is perhaps 'overall', which is rated"),
        ("overal", "'overal' is perhaps 'overall', which is rated"),
        ("over all", "'over all' is perhaps 'overall', which is rated"),
        ("semantic", "judges rated 'overall', people labelled 'semantic'"),
        ("fluency", "people labelled none, 'fluency' (no scale)"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_labels_of_another_axis_name_both_lists_and_the_nearest(
    case: Case, command: str, theirs: str, said: str
) -> None:
    folder = case("09")
    labels = folder / "labels.csv"
    table = pd.read_csv(folder / "ratings.csv", dtype="str")
    table.assign(rater="ann", axis=theirs).to_csv(labels, index=False)
    done = typed(*COMMANDS[command](folder / "ratings.csv", labels))
    assert (
        done.code == 2 and "labels.csv: got no axis that is both rated and labelled: judges rated 'overall'" in done.err
    )
    assert said.removeprefix("judges rated 'overall', ").replace("none, ", "") in done.err


@pytest.mark.parametrize(("low", "high", "ends"), [(0, 1, "0..1"), (2, 9, "1..10"), (0, 9, "0..10"), (5, 88, "0..100")])
def test_the_scale_to_type_fits_the_scores(case: Case, low: int, high: int, ends: str) -> None:
    folder = case("22")
    for name in ("ratings", "labels"):
        table = pd.read_csv(folder / f"{name}.csv")
        table.assign(score=[low, high]).to_csv(folder / f"{name}.csv", index=False)
    done = typed(*COMMANDS["calibrate"](folder / "ratings.csv", folder / "labels.csv"))
    assert f"--axis fluency={ends}" in done.err


def test_people_and_judges_in_each_others_place_are_named(case: Case) -> None:
    folder = case("09")
    labels = folder / "labels.csv"
    table = pd.read_csv(folder / "ratings.csv", dtype="str")
    table.assign(rater="ann", rater_kind="person").to_csv(labels, index=False)
    done = typed(*COMMANDS["calibrate"](labels, folder / "ratings.csv"))
    assert done.code == 2 and "ratings without a judge's" in done.err and "--labels" in done.err
