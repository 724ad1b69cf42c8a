"""The flat table: one row a rating, the same in CSV and Parquet, and nothing lost on the way."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavjudge.analysis.tables.flat import COLUMNS, flat, write
from wavjudge.errors import InputError
from wavjudge.files.spreadsheet import as_named
from wavjudge.types import Rating, Scale, Subject

WHOLE = {"attempt", "turn", "repeat"}
REAL = {"score", "scale_low", "scale_high"}


def rating(**changes: Any) -> Rating:
    facts: dict[str, Any] = {
        "subject": Subject(benchmark="b", item_id="007", candidate="c", attempt=1, turn=2), "axis": "overall",
        "scale": Scale(low=1, high=5), "rater": "ann", "rater_kind": "person", "repeat": 3, "score": 4.5,
        "status": "ok", "justification": "Good.", "signature": "person:ann",
    }  # fmt: skip
    return Rating.model_validate(facts | changes)


def from_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def typed(row: dict[str, str]) -> dict[str, Any]:
    """A CSV row with the types of its columns; an empty cell is None."""
    kinds: dict[str, Any] = dict.fromkeys(WHOLE, int) | dict.fromkeys(REAL, float)
    return {name: kinds.get(name, str)(cell) if cell else None for name, cell in row.items()}


def test_every_fact_of_a_rating_has_its_column() -> None:
    assert flat(rating(), ["x", "lang=en"]) == {
        "benchmark": "b", "item_id": "007", "candidate": "c", "attempt": 1, "turn": 2, "axis": "overall",
        "scale_low": 1.0, "scale_high": 5.0, "rater": "ann", "rater_kind": "person", "repeat": 3, "score": 4.5,
        "status": "ok", "reason": None, "justification": "Good.", "signature": "person:ann", "tags": "x;lang=en",
        "cached": None, "hearing": None,
    }  # fmt: skip


def test_the_columns_of_the_subject_are_its_fields_in_order() -> None:
    assert tuple(Subject.model_fields) == COLUMNS[:5]


def test_what_was_not_scored_has_no_number_in_any_format(tmp_path: Path) -> None:
    rows = [flat(rating(score=None, status="refused", reason="declined", scale=Scale()))]
    write(rows, tmp_path / "a.csv")
    write(rows, tmp_path / "a.parquet")
    [cells], [values] = from_csv(tmp_path / "a.csv"), parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert [cells[name] for name in sorted(REAL)] == ["", "", ""] and cells["status"] == "refused"
    assert [values[name] for name in sorted(REAL)] == [None, None, None] and values["reason"] == "declined"


def test_the_first_line_names_the_columns_and_lines_end_alike(tmp_path: Path) -> None:
    write([flat(rating())], tmp_path / "a.csv")
    head, line, rest = (tmp_path / "a.csv").read_bytes().split(b"\n")
    assert head.decode() == ",".join(COLUMNS) and rest == b""
    assert line == b"b,007,c,1,2,overall,1.0,5.0,ann,person,3,4.5,ok,,Good.,person:ann,,,"


def test_parquet_has_the_types_of_the_schema_whatever_the_rows_hold(tmp_path: Path) -> None:
    for name, rows in (
        ("none", []),
        ("empty", [flat(rating(score=None, status="failed", reason="x", justification=None))]),
    ):
        write(rows, tmp_path / f"{name}.parquet")
        schema = parquet.read_schema(tmp_path / f"{name}.parquet")
        assert tuple(schema.names) == COLUMNS
        kinds = {field.name: str(field.type) for field in schema}
        types = dict.fromkeys(WHOLE, "int64") | dict.fromkeys(REAL, "double") | {"cached": "bool"}
        assert kinds == {name: types.get(name, "string") for name in COLUMNS}


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
RATINGS = st.builds(
    rating, score=st.floats(1, 5), justification=st.none() | TEXT, signature=TEXT, rater=TEXT,
    subject=st.builds(Subject, benchmark=TEXT, item_id=TEXT, candidate=TEXT, attempt=st.integers(0, 2**31 - 1)),
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(RATINGS, max_size=4))
def test_any_rating_comes_back_from_both_formats(
    tmp_path_factory: pytest.TempPathFactory, ratings: list[Rating]
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    rows = [flat(one) for one in ratings]
    assert write(rows, folder / "a.csv") == write(rows, folder / "a.parquet") == len(rows)
    empty_as_none = [{name: None if value == "" else value for name, value in row.items()} for row in rows]
    read = [{name: as_named(cell) for name, cell in row.items()} for row in from_csv(folder / "a.csv")]
    assert [typed(row) for row in read] == empty_as_none
    assert parquet.read_table(folder / "a.parquet").to_pylist() == rows


@pytest.mark.parametrize("text", ["a\rb", "a\r\nb", "a\nb", 'say "hi"', "a,b", ";", "=1+1", " x ", "\u2028"])
def test_pandas_reads_the_same_text_from_the_csv(tmp_path: Path, text: str) -> None:
    write([flat(rating(justification=text)), flat(rating())], tmp_path / "a.csv")
    frame = pd.read_csv(tmp_path / "a.csv", dtype=str, lineterminator="\n" if "\r" not in text else None)
    assert list(frame["justification"]) == ["'=1+1" if text == "=1+1" else text, "Good."]


def test_ids_that_look_like_numbers_stay_texts_in_parquet(tmp_path: Path) -> None:
    write([flat(rating())], tmp_path / "a.parquet")
    assert parquet.read_table(tmp_path / "a.parquet")["item_id"].to_pylist() == ["007"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_are_taken_as_they_come_and_counted(tmp_path: Path, suffix: str) -> None:
    row, alive = flat(rating()), 0

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(25_000):
            yield row | {"repeat": number}

    alive = write(rows(), tmp_path / f"deep/er/a{suffix}")
    path = tmp_path / f"deep/er/a{suffix}"
    found = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    assert alive == len(found) == 25_000 and list(found["repeat"]) == list(range(25_000))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_same_rows_are_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    rows = [flat(rating()), flat(rating(justification="x\r"))]
    write(rows, tmp_path / f"a{suffix}")
    write(rows, tmp_path / f"b{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


@pytest.mark.parametrize("name", ["a.CSV", "a.Parquet"])
def test_capitals_in_the_name_do_not_matter(tmp_path: Path, name: str) -> None:
    assert write([flat(rating())], tmp_path / name) == 1


@pytest.mark.parametrize("name, got", [("a.xlsx", r"\.xlsx"), ("a", "no suffix"), ("a.csv.gz", r"\.gz")])
def test_another_format_is_refused_before_anything_is_written(tmp_path: Path, name: str, got: str) -> None:
    with pytest.raises(InputError, match=rf"got {got}, expected \.csv or \.parquet"):
        write([flat(rating())], tmp_path / "new" / name)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_place_that_cannot_be_written_is_an_input_error(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / f"folder{suffix}", tmp_path / "file" / f"a{suffix}"):
        with pytest.raises(InputError, match="cannot be written") as error:
            write([flat(rating())], path)
        assert str(path) in str(error.value)


def test_a_cell_with_a_lone_carriage_return_is_quoted(tmp_path: Path) -> None:
    write([flat(rating(justification="a\rb"))], tmp_path / "a.csv")
    assert '"a\rb"' in io.StringIO((tmp_path / "a.csv").read_bytes().decode(), newline="").getvalue()
