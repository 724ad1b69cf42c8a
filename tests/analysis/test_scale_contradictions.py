"""Scales that contradict each other, ends in the wrong order, and tables without a row are said to be so."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from wavjudge.analysis.leaderboard.labels import Labels
from wavjudge.analysis.tables.axis_names import shared_axes
from wavjudge.analysis.tables.ratings import Ratings, read_table
from wavjudge.api.inputs import declared
from wavjudge.errors import InputError


def table(axis: str, low: float, high: float) -> pd.DataFrame:
    ends = {"scale_low": low, "scale_high": high}
    return pd.DataFrame({"item_id": ["1", "2"], "axis": axis, "rater": "ann", "score": [4, 3]} | ends)


def test_a_known_axis_on_another_scale_is_said() -> None:
    with pytest.raises(InputError, match=r"axis semantic on 1\.\.7 .*row 1.* but it is 1\.\.5"):
        Ratings.of(table("semantic", 1, 7), declared([]))


def test_a_declared_scale_against_the_columns_is_said() -> None:
    with pytest.raises(InputError, match=r"axis fluency on 1\.\.5 .* but it is 0\.\.10"):
        Ratings.of(table("fluency", 1, 5), declared(["fluency=0..10"]))


@pytest.mark.parametrize("ends", [(5, 1), (3, 3)])
def test_ends_in_the_wrong_order_are_said_with_their_row(ends: tuple[float, float]) -> None:
    with pytest.raises(InputError, match=rf"scale_low {ends[0]}, which is not below scale_high {ends[1]}.*row 1"):
        Ratings.of(table("fluency", *ends), declared([]))


@pytest.mark.parametrize(
    ("text", "said"),
    [("Fluency=1..5", "lower-case.*\n.*--axis fluency=1..5"), ("Speech Rate=1..5", "--axis speech_rate=1..5"),
     ("fluency=5..1", "LOW below HIGH.*\n.*fluency=1..5"), ("fluency=1..1", "LOW below HIGH"),
     ("fluency=nan..5", "both finite"), ("fluency=1..inf", "both finite")],
)  # fmt: skip
def test_what_is_wrong_with_a_declared_axis_is_said(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        declared([text])


def test_a_file_with_only_a_header_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("item_id,axis,rater,score\n", encoding="utf-8")
    none, some = Ratings.of(read_table(path), declared([])), Ratings.of(table("semantic", 1, 5), declared([]))
    for judges, labels in ((some, none), (none, some)):
        with pytest.raises(InputError, match="no rows"):
            shared_axes(judges, labels)
    with pytest.raises(InputError, match="no rows"):
        Labels.of(read_table(path), declared([]), "random")
