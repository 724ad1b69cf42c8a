"""CSV as Excel writes it in the countries of this world: read and said, or named; never read wrongly in silence."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from wavjudge.analysis.tables.read import read_table
from wavjudge.bench.answers import open_testset
from wavjudge.errors import InputError
from wavjudge.files.spreadsheet import Ambiguous, dialect, with_points
from wavjudge.files.tables import raw_rows

LABELS = "item_id,candidate,axis,rater,score\nq1,a,overall,Ann Müller,4.5\nq2,a,overall,Ann Müller,3\n"


def file(folder: Path, content: str | bytes, name: str = "a.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def scores(path: Path) -> list[float]:
    return read_table(path)["score"].astype(float).tolist()


def with_semicolons(text: str) -> str:
    return text.replace(",", ";").replace(".", ",")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encoding_separator_and_line_ends_change_nothing(
    tmp_path: Path, encoding: str, separator: str, line_end: str
) -> None:
    text = LABELS.replace(",", separator).replace("\n", line_end)
    table = read_table(file(tmp_path, text, encoding=encoding))
    assert table["score"].astype(float).tolist() == [4.5, 3.0]
    assert table["item_id"].tolist() == ["q1", "q2"] and set(table["rater"]) == {"Ann Müller"}


def test_utf16_of_the_big_end_with_its_mark_is_read(tmp_path: Path) -> None:
    assert scores(file(tmp_path, b"\xfe\xff" + LABELS.encode("utf-16-be"))) == [4.5, 3.0]


def test_mixed_line_ends_are_read(tmp_path: Path) -> None:
    assert scores(file(tmp_path, LABELS.replace("4.5\n", "4.5\r\n"))) == [4.5, 3.0]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;\r"])
def test_a_first_line_that_names_the_separator_is_obeyed(tmp_path: Path, first: str) -> None:
    assert scores(file(tmp_path, f"{first}\n{with_semicolons(LABELS)}")) == [4.5, 3.0]
    path = file(tmp_path, f"{first}\nitem_id;text\n1;x\n2;y;z\n", "b.csv")
    assert [where.rsplit(" ", 1)[1] for where, _ in raw_rows(path)] == ["3", "4"]


def test_decimal_commas_are_read_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "wavjudge"):
        assert scores(file(tmp_path, with_semicolons(LABELS))) == [4.5, 3.0]
    assert "read as semicolons between cells" in caplog.text
    assert "column score: 4,5 read as 4.5, and so every decimal comma" in caplog.text


def test_a_usual_file_is_read_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "wavjudge"):
        read_table(file(tmp_path, LABELS))
        read_table(file(tmp_path, LABELS.replace(",", "\t"), "a.tsv"))
    assert caplog.text == ""


def test_a_decimal_comma_in_quotation_marks_is_a_decimal_comma(tmp_path: Path) -> None:
    assert scores(file(tmp_path, LABELS.replace("4.5", '"4,5"'))) == [4.5, 3.0]


def test_a_decimal_comma_without_them_is_one_cell_too_many(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2: got 6 cells, and a header of 5 columns"):
        read_table(file(tmp_path, LABELS.replace("4.5", "4,5")))


@pytest.mark.parametrize(
    ("cells", "point", "first"),
    [
        (["1.234"], False, "1.234"), (["1.234", "3"], False, "1.234"), (["1,234"], True, "1,234"),
        (["1,234", "2"], False, "1,234"), (["1.234,5"], False, "1.234,5"), (["1,234.5"], True, "1,234.5"),
        (["1,234,567"], True, "1,234,567"), (["1.234.567"], False, "1.234.567"), (["4,5", "4.5"], False, "4,5"),
        (["4,5", "1.234"], False, "4,5"), (["1,234", "4.5"], True, "1,234"),
    ],
)  # fmt: skip
def test_a_mark_that_may_separate_thousands_is_no_number(cells: list[str], point: bool, first: str) -> None:
    with pytest.raises(Ambiguous) as doubt:
        with_points(cells, decimal_point=point)
    assert doubt.value.cell == first


@pytest.mark.parametrize(
    ("cells", "point", "read"),
    [
        (["3.667", "4.0"], False, {}), (["3.667", "3.333"], True, {}), (["3,667", "4,5"], False, {"3,667": "3.667"}),
        (["0,125"], True, {"0,125": "0.125"}),
        (["-1,5"], True, {"-1,5": "-1.5"}), (["4,50", ""], True, {"4,50": "4.50"}),
        (["4", "5", "good"], False, {}),
    ],
)  # fmt: skip
def test_a_mark_that_can_only_begin_decimals_does(cells: list[str], point: bool, read: dict[str, str]) -> None:
    assert with_points(cells, decimal_point=point).items() >= read.items()


def test_a_doubtful_number_is_named_with_file_row_and_column(tmp_path: Path) -> None:
    path = file(tmp_path, LABELS.replace("4.5", "1.234").replace(",", ";"))
    with pytest.raises(InputError, match=r"a\.csv, row 1, column score: got '1\.234': 1234 or a number with three"):
        read_table(path)


@pytest.mark.parametrize(
    "cell",
    ["03. Apr", "3-Apr", "Apr-03", "04.03.2026", "2026-04-03", "3/4/2026", "03-avr", "3. Mrz", "4月3日", "3-abr",
     "2026-04-03 00:00:00", "04. Mai"],
)  # fmt: skip
def test_a_date_in_the_place_of_a_score_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(InputError, match=r"row 2, column score: got .* a date that a spreadsheet made of it"):
        read_table(file(tmp_path, LABELS.replace(",3\n", f",{cell}\n")))


@pytest.mark.parametrize("cell", ["3-Apr", "03. Apr", "Apr-26", "1.23457E+15", "1,23457E+15", "#NAME?", "#WERT!"])
def test_a_name_that_a_spreadsheet_has_changed_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(InputError, match="row 1, column item_id"):
        read_table(file(tmp_path, LABELS.replace(",", ";").replace("q1;", f"{cell};")))


@pytest.mark.parametrize("cell", ["set-10", "dec-2", "marathon-3", "1.2.10", "2026-04-03", "007", "may 4", "#1", "1e5"])
def test_a_name_that_only_looks_a_little_like_a_date_stays(tmp_path: Path, cell: str) -> None:
    assert read_table(file(tmp_path, LABELS.replace("q1,", f"{cell},")))["item_id"].tolist() == [cell, "q2"]


def test_names_that_are_dates_all_together_stay(tmp_path: Path) -> None:
    text = LABELS.replace("q1,", "3-Apr,").replace("q2,", "4-Apr,")
    assert read_table(file(tmp_path, text))["item_id"].tolist() == ["3-Apr", "4-Apr"]


def test_empty_columns_and_rows_at_the_end_are_nothing(tmp_path: Path) -> None:
    lines = [line + ";;;" for line in with_semicolons(LABELS).splitlines()]
    path = file(tmp_path, "\n".join([*lines, ";;;;;;;", ";;;;;;;"]))
    assert scores(path) == [4.5, 3.0]
    assert not [name for name in read_table(path).columns if "without a name" in name]
    answers = file(tmp_path, "item_id;text;;;\n1;x;;;\n;;;;\n2;y;;;\n", "b.csv")
    testset = open_testset(answers)
    assert [row.item_id for _, row in testset] == ["1", "2"] and testset.bad_rows == []


def test_a_cell_in_a_column_without_a_name_is_told(tmp_path: Path) -> None:
    testset = open_testset(file(tmp_path, "item_id,,text\n1,secret,x\n2,,y\n"))
    assert [row.item_id for _, row in testset] == ["2"]
    assert "a cell in a column without a name" in testset.bad_rows[0]


def test_line_ends_and_separators_in_quotation_marks_are_part_of_the_cell(tmp_path: Path) -> None:
    path = file(tmp_path, 'item_id;text\n1;"two;\nlines, ""said"""\n2;x\n', encoding="utf-16")
    assert [row.text for _, row in open_testset(path)] == ['two;\nlines, "said"', "x"]


@pytest.mark.parametrize("row", ['1;"open\n2;x\n3;y\n', '1;"open\n2;"x"\n3;y\n'])
def test_a_quotation_mark_that_nothing_closes_is_told(tmp_path: Path, row: str) -> None:
    testset = open_testset(file(tmp_path, f"item_id;text\n{row}"))
    list(testset)
    assert any("expected a CSV row, got none" in said for said in testset.bad_rows)
    with pytest.raises(InputError, match="expected a CSV row, got none"):
        read_table(file(tmp_path, f'item_id;axis;rater;score\n1;a;b;4\n1;a;"open;3\n{row}', "b.csv"))


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp1250", "gbk", "shift-jis", "mac-roman"])
def test_an_encoding_of_before_unicode_is_named_and_never_guessed(tmp_path: Path, encoding: str) -> None:
    text = LABELS.replace("Müller", {"gbk": "张", "shift-jis": "林"}.get(encoding, "Müller"))
    with pytest.raises(InputError, match=r'line 2: expected UTF-8 text, got the byte .* save it as "CSV UTF-8"'):
        read_table(file(tmp_path, text, encoding=encoding))


@pytest.mark.parametrize("begin", [b"PK\x03\x04\x14", b"\xd0\xcf\x11\xe0\xa1"])
def test_a_workbook_called_csv_is_named(tmp_path: Path, begin: bytes) -> None:
    path = file(tmp_path, begin + b"\x00" * 60)
    for read in (read_table, open_testset):
        with pytest.raises(InputError, match="got an Excel workbook"):
            read(path)


def test_a_workbook_is_told_how_to_come(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='save it as "CSV UTF-8"'):
        read_table(file(tmp_path, "", "a.xlsx"))


def test_a_column_twice_is_refused(tmp_path: Path) -> None:
    for path in (file(tmp_path, "item_id,axis,rater,score,score\n1,o,a,3,4\n"),):
        with pytest.raises(InputError, match="got the column 'score' twice"):
            read_table(path)


def test_a_column_of_nearly_the_right_name_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'Item ID' is perhaps item_id; 'scores' is perhaps score"):
        read_table(file(tmp_path, "Item ID;axis;rater;scores\n1;o;a;3\n"))


@pytest.mark.parametrize(("said", "meant"), [("WAHR", True), ("FALSCH", False), ("VRAI", True), ("FAUX", False)])
def test_true_and_false_in_other_languages_are_read(tmp_path: Path, said: str, meant: bool) -> None:
    path = file(tmp_path, f"item_id;axis;rater;score;cached\n1;o;a;3;{said}\n")
    assert read_table(path)["cached"].tolist() == [meant]


def test_a_text_full_of_semicolons_takes_no_comma_away(tmp_path: Path) -> None:
    path = file(tmp_path, "item_id,tags\nq1,a;b;c\nq2,a;b;c\n")
    assert dialect(path).separator == ","
    assert dialect(file(tmp_path, "item_id,tags;a;b\nq1,x\n", "b.csv")).separator == ","


def test_bytes_that_end_in_the_middle_of_a_character_are_told(tmp_path: Path) -> None:
    path = file(tmp_path, "item_id;text\n1;x\n".encode("utf-16") + b"2")
    assert isinstance([raw for _, raw in raw_rows(path)][-1], str)


def test_a_number_of_an_answer_with_a_decimal_comma_is_told(tmp_path: Path) -> None:
    testset = open_testset(file(tmp_path, "item_id;text;seconds_taken\n1;x;1,5\n2;y;2\n"))
    assert [row.item_id for _, row in testset] == ["2"]
    assert 'field "seconds_taken"' in testset.bad_rows[0]


def test_a_rating_that_ends_before_its_score_is_no_skipped_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got 3 cells, and a header of 4 columns") as error:
        read_table(file(tmp_path, "item_id,axis,rater,score\n1,a,b,4\n2,a,b\n"))
    assert error.value.where.endswith("line 3")
    assert len(read_table(file(tmp_path, "item_id,axis,rater,score\n1,a,b,4\n2,a,b,\n", "b.csv"))) == 2


def test_labels_under_a_header_with_another_separator_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="commas between the names of the columns and semicolons between the cells"):
        read_table(file(tmp_path, "item_id,axis,rater,score\n1;a;b;4,5\n2;a;b;3\n"))
