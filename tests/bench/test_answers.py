"""Answers from whatever a person has: what is read, what is refused, and that a refusal names row and field."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavjudge.bench.answers import TestSet, open_testset
from wavjudge.bench.rows import HistoryRow, Row
from wavjudge.errors import InputError
from wavjudge.store.answers import StoredSet

FULL: dict[str, Any] = {
    "item_id": "7", "candidate": "m", "attempt": 1, "question_text": "Why?", "question_audio": "q.wav",
    "text": "Because, she said: \"é\"", "audio": "a.wav", "reference": "Rayleigh", "language": "en",
    "history": [{"role": "user", "text": "Hello"}, {"role": "assistant", "audio": "h.wav"}],
    "tags": ["short", "lang=en"], "benchmark": "mine",
}  # fmt: skip
FULL_ROW = Row(
    item_id="7", candidate="m", attempt=1, question_text="Why?", question_audio="q.wav",
    text="Because, she said: \"é\"", audio="a.wav", reference="Rayleigh", language="en",
    history=(HistoryRow(role="user", text="Hello"), HistoryRow(role="assistant", audio="h.wav")),
    tags=("short", "lang=en"), benchmark="mine",
)  # fmt: skip


def as_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path = path.with_suffix(".jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def as_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    """As a spreadsheet would: history as JSON, tags with semicolons."""
    path = path.with_suffix(".csv")
    flat = [
        {key: json.dumps(value) if key == "history" else ";".join(value) if key == "tags" else value
         for key, value in row.items()} for row in rows
    ]  # fmt: skip
    pd.DataFrame(flat).to_csv(path, index=False)
    return path


def as_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    path = path.with_suffix(".parquet")
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


WRITERS: dict[str, Callable[[Path, list[dict[str, Any]]], Path]] = {
    "jsonl": as_jsonl, "csv": as_csv, "parquet": as_parquet,
}  # fmt: skip
each_format = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


def lines(folder: Path, *texts: str | bytes, name: str = "a.jsonl") -> TestSet:
    path = folder / name
    path.write_bytes(b"\n".join(text if isinstance(text, bytes) else text.encode() for text in texts) + b"\n")
    return open_testset(path)


def ids(testset: TestSet) -> list[str]:
    return [row.item_id for _, row in testset]


def read(testset: TestSet) -> tuple[list[str], list[str]]:
    """Ids of the rows that are good, and what is said of those that are not, without the path."""
    good = ids(testset)
    assert len(testset) == len(good) + len(testset.bad_rows)
    assert all(problem.startswith(str(testset.path)) for problem in testset.bad_rows)
    return good, [problem.removeprefix(str(testset.path)).lstrip(", ") for problem in testset.bad_rows]


OK = '{"item_id": "ok", "audio": "a.wav"}'


# Every format


@each_format
def test_every_format_gives_the_same_row(tmp_path: Path, write: Callable[..., Path]) -> None:
    testset = open_testset(write(tmp_path / "a", [FULL]))
    assert [row for _, row in testset] == [FULL_ROW] and testset.bad_rows == []


@each_format
def test_only_the_item_id_is_needed(tmp_path: Path, write: Callable[..., Path]) -> None:
    [(_, row)] = open_testset(write(tmp_path / "a", [{"item_id": "1"}]))
    assert row == Row(item_id="1") and (row.candidate, row.attempt) == ("candidate", 0)


@each_format
def test_numbers_as_ids_are_texts(tmp_path: Path, write: Callable[..., Path]) -> None:
    rows = [{"item_id": 7, "candidate": 3, "text": 42}, {"item_id": 8, "candidate": 3, "text": 43}]
    found = [(row.item_id, row.candidate, row.text) for _, row in open_testset(write(tmp_path / "a", rows))]
    assert found == [("7", "3", "42"), ("8", "3", "43")]


@each_format
def test_empty_cells_are_as_if_they_were_not_there(tmp_path: Path, write: Callable[..., Path]) -> None:
    rows = [
        {"item_id": "1", "candidate": "", "attempt": None, "audio": " ", "text": None, "reference": "", "mood": None},
        {"item_id": "2", "candidate": "m", "attempt": 0, "audio": "a", "text": "t", "reference": "r", "mood": None},
    ]
    testset = open_testset(write(tmp_path / "a", rows))
    full = Row(item_id="2", candidate="m", audio="a", text="t", reference="r")
    assert [row for _, row in testset] == [Row(item_id="1"), full] and testset.bad_rows == []


@each_format
def test_an_answer_that_stands_twice_is_told_with_both_places(tmp_path: Path, write: Callable[..., Path]) -> None:
    path = write(
        tmp_path / "a", [{"item_id": "1", "text": "x"}, {"item_id": "2", "text": "y"}, {"item_id": "1", "text": "z"}]
    )
    good, bad = read(open_testset(path))
    row = "row" if path.suffix == ".parquet" else "line"
    first = 2 if path.suffix == ".csv" else 1
    assert good == ["1", "2"]
    assert bad == [
        f"{row} {first + 2}, field \"item_id\": the answer ('1', 'candidate', 0) of (item, candidate, attempt) "
        f"stands already at {path}, {row} {first}"
    ]


@each_format
def test_other_candidate_attempt_or_benchmark_is_another_answer(tmp_path: Path, write: Callable[..., Path]) -> None:
    base = {"item_id": "1", "candidate": "a", "attempt": 0, "benchmark": "x"}
    rows = [base, base | {"candidate": "b"}, base | {"attempt": 1}, base | {"benchmark": "y"}]
    assert ids(open_testset(write(tmp_path / "a", rows))) == ["1"] * 4


@each_format
def test_an_unknown_column_is_an_error_that_names_it(tmp_path: Path, write: Callable[..., Path]) -> None:
    good, bad = read(open_testset(write(tmp_path / "a", [{"item_id": "1", "mood": "good"}])))
    assert good == [] and 'field "mood"' in bad[0]


@each_format
def test_no_rows_are_no_answers(tmp_path: Path, write: Callable[..., Path]) -> None:
    testset = open_testset(write(tmp_path / "a", []))
    assert list(testset) == [] and len(testset) == 0 and testset


@each_format
def test_reading_twice_tells_the_same_once(tmp_path: Path, write: Callable[..., Path]) -> None:
    testset = open_testset(write(tmp_path / "a", [{"item_id": "1", "attempt": -1}, {"item_id": "2", "attempt": 0}]))
    first = list(testset), list(testset.bad_rows)
    assert (list(testset), testset.bad_rows) == first and len(testset.bad_rows) == 1


@each_format
def test_rows_are_read_one_at_a_time(tmp_path: Path, write: Callable[..., Path]) -> None:
    testset = open_testset(write(tmp_path / "a", [{"item_id": str(n), "attempt": n - 1} for n in range(3)]))
    rows = iter(testset)
    next(rows)
    assert len(testset.bad_rows) == 1, "the row before was looked at"
    next(rows)


CELLS = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1).filter(
    lambda text: text.strip()
)


@settings(max_examples=50)
@given(st.lists(st.fixed_dictionaries({"text": CELLS, "reference": CELLS, "language": CELLS}), min_size=1, max_size=4))
def test_any_text_comes_through_every_format(
    tmp_path_factory: pytest.TempPathFactory, cells: list[dict[str, Any]]
) -> None:
    rows = [{"item_id": f"i{number}"} | row for number, row in enumerate(cells)]
    folder = tmp_path_factory.mktemp("rows")
    for write in WRITERS.values():
        testset = open_testset(write(folder / "a", rows))
        assert [row for _, row in testset] == [Row(**row) for row in rows] and testset.bad_rows == []


# JSONL


@pytest.mark.parametrize(
    "line, said",
    [
        ("{", "line 2, expected a JSON object, got what is no JSON (Expecting property name"),
        ('{"item_id": "1"} {}', "line 2, expected a JSON object, got what is no JSON (Extra data at column 18)"),
        ("item_id,audio", "line 2, expected a JSON object, got what is no JSON (Expecting value at column 1)"),
        ("[1, 2]", "line 2, expected a JSON object, got [1, 2]"),
        ("null", "line 2, expected a JSON object, got nothing"),
        ('"text"', "line 2, expected a JSON object, got 'text'"),
        (b'{"item_id": "caf\xe9"}', "line 2, expected UTF-8 text, got the byte 0xe9"),
        (b"\xff\xfe{\x00}\x00", "line 2, expected UTF-8 text, got the byte 0xff"),
        ("[" * 100_000, "line 2, expected a JSON object, got what cannot be read as JSON (maximum recursion depth"),
        ('{"item_id": ' + "9" * 5000 + "}", "line 2, expected a JSON object, got what cannot be read as JSON (Exc"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_a_line_that_is_no_json_object_is_told_and_the_rest_is_read(
    tmp_path: Path, line: str | bytes, said: str
) -> None:
    good, bad = read(lines(tmp_path, OK, line, '{"item_id": "after"}'))
    assert good == ["ok", "after"] and len(bad) == 1 and bad[0].startswith(said)


@pytest.mark.parametrize(
    "row, said",
    [
        ("{}", 'field "item_id": not there'),
        ('{"item_id": ""}', 'field "item_id": not there'),
        ('{"item_id": null}', 'field "item_id": not there'),
        ('{"item_id": NaN}', 'field "item_id": not there'),
        ('{"item_id": {"a": 1}}', 'field "item_id": Input should be a valid string'),
        ('{"item_id": true}', 'field "item_id": Input should be a valid string'),
        ('{"item_id": "1", "attempt": -1}', 'field "attempt": Input should be greater than or equal to 0'),
        ('{"item_id": "1", "attempt": "second"}', 'field "attempt": Input should be a valid integer'),
        ('{"item_id": "1", "attempt": 1.5}', 'field "attempt": Input should be a valid integer'),
        ('{"item_id": "1", "audio": ["a.wav"]}', 'field "audio": Input should be a valid string'),
        ('{"item_id": "1", "Audio": "a.wav"}', 'field "Audio": not known'),
        ('{"item_id": "1", "tags": {"a": 1}}', 'field "tags"'),
        (
            '{"item_id": "1", "history": "hello"}',
            'field "history": Value error, expected a JSON list, got what is no JSON (Expecting value',
        ),
        ('{"item_id": "1", "history": [{"role": "robot", "text": "hi"}]}', 'field "history.0.role"'),
        ('{"item_id": "1", "history": [{"role": "user", "words": "hi"}]}', 'field "history.0.words"'),
        ('{"item_id": "1", "history": [{"text": "hi"}]}', 'field "history.0.role": Field required'),
        ('{"item_id": "1", "history": "' + "[" * 100_000 + '"}', 'field "history": Value error, expected a JSON list'),
        ('{"item_id": "\\ud800"}', 'field "item_id"'),
    ],
    ids=lambda value: value[:50],
)  # fmt: skip
def test_a_field_that_does_not_fit_is_named(tmp_path: Path, row: str, said: str) -> None:
    good, bad = read(lines(tmp_path, OK, row))
    assert good == ["ok"] and len(bad) == 1 and bad[0].startswith(f"line 2, {said}")
    bad[0].encode("utf-8")  # it can be printed


def test_a_byte_order_mark_blank_lines_and_any_line_end_are_taken(tmp_path: Path) -> None:
    testset = lines(tmp_path, b'\xef\xbb\xbf{"item_id": "1"}\r', b"", b"  \t", '{"item_id": "2", "text": "a\u2028b"}')
    assert [(where, row.item_id) for where, row in testset] == [
        (f"{testset.path}, line 1", "1"), (f"{testset.path}, line 4", "2"),
    ]  # fmt: skip
    assert testset.bad_rows == [] and len(testset) == 2


def test_a_last_line_without_an_end_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"item_id": "1"}\n{"item_id": "2"}')
    assert ids(open_testset(tmp_path / "a.jsonl")) == ["1", "2"]


@pytest.mark.parametrize("tags, expected", [
    ('"a; b;;lang=en"', ("a", "b", "lang=en")), ('["a", "b c"]', ("a", "b c")), ('""', ()), ("[]", ()),
    ("[1, 2]", ("1", "2")),
])  # fmt: skip
def test_tags_are_a_list_or_text_with_semicolons(tmp_path: Path, tags: str, expected: tuple[str, ...]) -> None:
    [(_, row)] = lines(tmp_path, f'{{"item_id": "1", "tags": {tags}}}')
    assert row.tags == expected


def test_history_may_be_json_inside_json(tmp_path: Path) -> None:
    [(_, row)] = lines(tmp_path, json.dumps({"item_id": "1", "history": json.dumps(FULL["history"])}))
    assert row.history == FULL_ROW.history


# CSV


def test_a_csv_row_is_named_by_its_line_also_where_cells_have_several(tmp_path: Path) -> None:
    testset = lines(tmp_path, "item_id,text", '1,"two', 'lines"', "", "2,x", name="a.csv")
    assert [(where, row.text) for where, row in testset] == [
        (f"{testset.path}, line 3", "two\nlines"), (f"{testset.path}, line 5", "x"),
    ]  # fmt: skip


def test_a_csv_may_have_a_byte_order_mark_and_crlf(tmp_path: Path) -> None:
    assert read(lines(tmp_path, b"\xef\xbb\xbfitem_id,text\r", b"1,x\r", name="a.csv")) == (["1"], [])


@pytest.mark.parametrize(
    "row, said",
    [
        ("2,x,y", 'line 3, field "more cells than the header has columns"'),
        (b"2,caf\xe9", "line 3, expected UTF-8 text, got the byte 0xe9"),
        ("2," + "x" * 200_000, "line 3, expected a CSV row, got none (field larger than field limit"),
        (",x", 'line 3, field "item_id": not there'),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_csv_row_that_does_not_fit_is_told_and_the_rest_is_read(tmp_path: Path, row: str | bytes, said: str) -> None:
    good, bad = read(lines(tmp_path, "item_id,text", "1,x", row, "3,x", name="a.csv"))
    assert good == ["1", "3"] and len(bad) == 1 and bad[0].startswith(said)


def test_a_csv_row_that_ends_before_its_header_is_no_answer_without_speech(tmp_path: Path) -> None:
    rows = ("1,x,a.wav", "2,x", "3", "4,,", '5,"x, y",a.wav')
    good, bad = read(lines(tmp_path, "item_id,text,audio", *rows, name="a.csv"))
    assert good == ["1", "4", "5"]
    assert [said.split(";")[0] for said in bad] == [
        "line 3, got 2 cells, and a header of 3 columns", "line 4, got 1 cell, and a header of 3 columns"]  # fmt: skip


def test_a_single_row_with_another_separator_is_told_by_it(tmp_path: Path) -> None:
    good, bad = read(lines(tmp_path, "item_id,text,audio", "1,x,a.wav", "2;x;b.wav", "3,x,c.wav", name="a.csv"))
    assert good == ["1", "3"]
    assert "here semicolons stand between cells, and elsewhere commas" in bad[0]


@pytest.mark.parametrize("own, other", [(a, b) for a in ",;\t|" for b in ",;\t|" if a != b])
@pytest.mark.parametrize("rows", [1, 2, 30])
def test_a_header_with_another_separator_than_its_rows_is_refused_by_name(
    tmp_path: Path, own: str, other: str, rows: int
) -> None:
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
    table = [own.join(["item_id", "candidate", "audio"]), *(other.join([str(n), "m", "a.wav"]) for n in range(rows))]
    with pytest.raises(InputError, match=f"got {names[own]} between the names of the columns and {names[other]}"):
        lines(tmp_path, *table, name="a.csv")


@pytest.mark.parametrize("header", [b"item;id,text", b"id,text"])
def test_a_header_that_does_not_fit_makes_every_row_bad_in_words_that_can_be_printed(
    tmp_path: Path, header: bytes
) -> None:
    good, bad = read(lines(tmp_path, header, b"1,x", b"2,y", name="a.csv"))
    assert good == [] and len(bad) == 2
    "".join(bad).encode("utf-8")


def test_a_header_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="header: expected UTF-8 text, got the byte 0xe9"):
        list(lines(tmp_path, b"item_id,caf\xe9", b"1,x", name="a.csv"))


def test_a_csv_without_rows_has_none(tmp_path: Path) -> None:
    assert read(lines(tmp_path, "item_id,text", name="a.csv")) == ([], [])
    (tmp_path / "b.csv").write_bytes(b"")
    assert read(open_testset(tmp_path / "b.csv")) == ([], [])


# Parquet


def test_nan_in_parquet_is_an_empty_cell(tmp_path: Path) -> None:
    frame = pd.DataFrame({"item_id": ["1", "2"], "reference": [float("nan"), "r"], "attempt": [0.0, float("nan")]})
    frame.to_parquet(tmp_path / "a.parquet")
    table = pa.table({"item_id": ["1"], "language": pa.array([float("nan")], pa.float64())})
    parquet.write_table(table, tmp_path / "b.parquet")
    assert [(row.reference, row.attempt) for _, row in open_testset(tmp_path / "a.parquet")] == [(None, 0), ("r", 0)]
    assert [row.language for _, row in open_testset(tmp_path / "b.parquet")] == [None]


def test_a_parquet_row_is_named_by_its_number_over_all_batches(tmp_path: Path) -> None:
    rows = [{"item_id": str(n), "attempt": -1 if n == 700 else 0} for n in range(1, 801)]
    good, bad = read(open_testset(as_parquet(tmp_path / "a", rows)))
    assert len(good) == 799 and bad == ['row 700, field "attempt": Input should be greater than or equal to 0']


@pytest.mark.parametrize("data", [b"", b"PAR1", b"hello" * 100, b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_a_file_that_is_no_parquet_is_an_input_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.parquet: got a file that does not read as Parquet"):
        open_testset(tmp_path / "a.parquet")


# Folders


def folder(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def placed(testset: TestSet) -> list[tuple[str, str, str | None]]:
    return [(row.candidate, row.item_id, row.audio) for _, row in testset]


def test_a_folder_holds_one_folder_a_candidate(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", "b/1.wav", "a/2.mp3", "a/1.FLAC", "a/notes.txt", "a/x.jpg")
    assert placed(open_testset(root)) == [("a", "1", "a/1.FLAC"), ("a", "2", "a/2.mp3"), ("b", "1", "b/1.wav")]


def test_a_flat_folder_is_one_candidate_called_like_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(tmp_path / "my-model", "1.wav", "1.5.wav")
    assert placed(open_testset(root)) == [("my-model", "1.5", "1.5.wav"), ("my-model", "1", "1.wav")]
    monkeypatch.chdir(root)
    assert {candidate for candidate, *_ in placed(open_testset(Path()))} == {"my-model"}


def test_nested_folders_are_one_candidate_by_their_path(tmp_path: Path) -> None:
    assert placed(open_testset(folder(tmp_path, "lab/m1/en/1.wav"))) == [("lab/m1/en", "1", "lab/m1/en/1.wav")]


def test_hidden_files_and_folders_named_like_audio_are_no_recordings(tmp_path: Path) -> None:
    root = folder(tmp_path, "a/1.wav", "a/._1.wav", ".cache/2.wav", "a/odd.wav/inside.txt")
    assert placed(open_testset(root)) == [("a", "1", "a/1.wav")]


def test_a_text_beside_a_recording_is_what_was_said(tmp_path: Path) -> None:
    root = folder(tmp_path, "1.wav", "2.wav", "3.wav")
    (root / "1.txt").write_text(" Hé there.\n", encoding="utf-8-sig")
    (root / "2.txt").write_bytes(b"caf\xe9")
    testset = open_testset(root)
    assert [(row.item_id, row.text) for _, row in testset] == [("1", "Hé there."), ("3", None)]
    assert testset.bad_rows == [f"{root / '2.wav'}, its text file: expected UTF-8 text, got the byte 0xe9"]


def test_two_recordings_of_one_name_are_one_answer_twice(tmp_path: Path) -> None:
    testset = open_testset(folder(tmp_path, "a/1.mp3", "a/1.wav"))
    assert ids(testset) == ["1"] and "stands already at" in testset.bad_rows[0]


def test_a_single_recording_is_a_test_set_of_one(tmp_path: Path) -> None:
    path = folder(tmp_path / "m", "hello.wav") / "hello.wav"
    assert placed(open_testset(path)) == [("m", "hello", "hello.wav")]


def test_an_empty_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"without recordings and without responses\.jsonl"):
        list(open_testset(tmp_path))


def test_a_folder_with_responses_is_read_by_them(tmp_path: Path) -> None:
    folder(tmp_path / "set", "1.wav")
    as_jsonl(tmp_path / "set" / "responses", [{"item_id": "9"}])
    testset = open_testset(tmp_path / "set")
    assert ids(testset) == ["9"] and (testset.benchmark, testset.root) == ("set", tmp_path / "set")


# Which file it is


@pytest.mark.parametrize(
    "path, name", [("set.jsonl", "set"), ("gpt-4.1/responses.jsonl", "gpt-4.1"), ("v1.2.csv", "v1.2")]
)
def test_the_benchmark_is_called_like_the_file_or_its_folder(tmp_path: Path, path: str, name: str) -> None:
    folder(tmp_path, path)
    (tmp_path / path).write_text("")
    assert open_testset(tmp_path / path).benchmark == name
    assert open_testset(tmp_path / path, benchmark="mine").benchmark == "mine"


def test_a_folder_with_a_dot_keeps_its_whole_name(tmp_path: Path) -> None:
    assert open_testset(folder(tmp_path / "gpt-4.1", "1.wav")).benchmark == "gpt-4.1"


def test_a_table_without_a_column_for_audio_holds_texts_by_design(tmp_path: Path) -> None:
    assert not open_testset(as_jsonl(tmp_path / "a", [{"item_id": "1", "text": "x"}])).speech
    assert open_testset(as_jsonl(tmp_path / "b", [{"item_id": "1"}, {"item_id": "2", "audio": None}])).speech
    assert open_testset(folder(tmp_path / "c", "1.wav")).speech


@pytest.mark.parametrize("name, said", [
    ("none.jsonl", "got no such file or folder"), ("README", "got a nameless file"),
    ("a.txt", r"got a \.txt file, expected .*\.jsonl.* or a folder of audio"),
])  # fmt: skip
def test_what_is_no_test_set_is_an_input_error(tmp_path: Path, name: str, said: str) -> None:
    folder(tmp_path, "a.txt", "README")
    with pytest.raises(InputError, match=said):
        open_testset(tmp_path / name)


def test_a_shipped_name_stands_for_its_answers_where_nothing_else_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny = open_testset(Path("tiny"))
    assert (tiny.benchmark, len(tiny)) == ("tiny", 96)
    with pytest.raises(InputError, match="ships without answers") as error:
        open_testset(Path("voicebench"))
    assert "wavjudge run voicebench --candidate SPEC" in error.value.todo
    (tmp_path / "tiny").mkdir()
    as_jsonl(tmp_path / "tiny" / "responses", [{"item_id": "1", "text": "mine"}])
    assert len(open_testset(Path("tiny"))) == 1


def test_a_run_folder_is_told_from_answers(tmp_path: Path) -> None:
    folder(tmp_path, "manifest.json", "responses.jsonl", "prompts/x.md")
    assert isinstance(open_testset(tmp_path), StoredSet)
    with pytest.raises(InputError, match="whose answers are named already"):
        open_testset(tmp_path, benchmark="mine")
