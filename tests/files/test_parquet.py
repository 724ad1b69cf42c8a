"""Parquet files with damage inside: the rest of them is read, and what is lost has a name."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.typed import typed
from wavjudge.bench.importers import FORMATS
from wavjudge.errors import InputError
from wavjudge.files.tables import raw_rows


def groups(path: Path, of: int = 100, count: int = 3) -> Path:
    rows = [{"item_id": str(n), "question_text": f"Question {n}? " + "why " * 9} for n in range(of * count)]
    path.parent.mkdir(parents=True, exist_ok=True)
    pa.parquet.write_table(
        pa.Table.from_pylist(rows), path, row_group_size=of, use_dictionary=False, compression="snappy",
        data_page_size=1024, write_page_checksum=True,
    )  # fmt: skip
    return path


def damaged(path: Path, group: int, part: float = 0.0) -> Path:
    """Overwrite some bytes of the texts of one row group, from a part of them on."""
    column = pa.parquet.read_metadata(path).row_group(group).column(1)
    data = bytearray(path.read_bytes())
    at = column.data_page_offset + int(part * column.total_compressed_size)
    data[at : at + 40] = b"\xff" * 40
    path.write_bytes(data)
    return path


def test_a_damaged_row_group_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = damaged(groups(tmp_path / "a.parquet"), 1)
    found = list(raw_rows(path))
    good = [raw["item_id"] for _, raw in found if not isinstance(raw, str)]
    assert good == [str(n) for n in (*range(100), *range(200, 300))]
    [(where, told)] = [(where, raw) for where, raw in found if isinstance(raw, str)]
    assert where == f"{path}, row 101"
    assert str(told).startswith("rows 101 to 200 of row group 2 of 3 do not read (")
    assert found[-1][0] == f"{path}, row 300"


def test_what_stands_in_a_row_group_before_the_damage_is_read(tmp_path: Path) -> None:
    found = list(raw_rows(damaged(groups(tmp_path / "a.parquet", of=3000), 2, 0.7)))
    good = [raw["item_id"] for _, raw in found if not isinstance(raw, str)]
    assert 6000 < len(good) < 9000 and good == [str(n) for n in range(len(good))]
    assert str(found[-1][1]).startswith(f"rows {len(good) + 1} to 9000 of row group 3 of 3 do not read")


def test_an_import_and_a_run_go_on_past_the_damage(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    damaged(groups(tmp_path / "set" / "items.parquet"), 0)
    (tmp_path / "set" / "benchmark.toml").write_text('name = "set"\nitems = "items.parquet"\n', encoding="utf-8")
    told = "row 1, rows 1 to 100 of row group 1 of 3 do not read"
    done = typed("import", "plain", tmp_path / "set" / "items.parquet", "--out", tmp_path / "imported")
    assert done.code == 0 and "200 items" in done.err and told in done.err
    done = typed("run", tmp_path / "set", "--candidate", "command:true", "--only", "answers", "--out", tmp_path / "run",
                 "--json")  # fmt: skip
    assert done.code == 0, done.err
    assert any(told in bad for bad in done.json["this_pass"]["asked"]["bad_rows"]), done.json


def test_items_keep_their_numbers_behind_a_damaged_shard(tmp_path: Path) -> None:
    first, second = (tmp_path / "set" / "data" / f"test-0000{number}-of-00002.parquet" for number in range(2))
    for path in (first, second):
        table = pa.parquet.read_table(groups(path, of=20)).drop(["item_id"])
        pa.parquet.write_table(table, path, row_group_size=20, use_dictionary=False)
    path, column = first, pa.parquet.read_metadata(first).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[column.data_page_offset : column.data_page_offset + 40] = b"\xff" * 40
    path.write_bytes(data)
    found = FORMATS["hf"](tmp_path / "set")
    items = [row for _, row in found.items]
    assert [int(row.item_id.split("/")[-1]) for row in items] == [*range(20), *range(40, 120)]
    assert len(found.bad_rows) == 1


def test_a_cell_that_python_cannot_hold_is_one_bad_row(tmp_path: Path) -> None:
    texts = pa.array([b"good", b"\xff\xfe", b"fine"], pa.binary()).cast(pa.string(), safe=False)
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.table({"item_id": ["1", "2", "3"], "text": texts}), path)
    kinds = [raw if isinstance(raw, str) else raw["text"] for _, raw in raw_rows(path)]
    assert kinds[0] == "good" and kinds[2] == "fine" and "a cell does not read" in kinds[1]


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=30))
def test_whatever_stands_in_the_file_nothing_else_is_raised(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes
) -> None:
    path = groups(tmp_path_factory.mktemp("p") / "a.parquet", of=20)
    data = bytearray(path.read_bytes())
    at %= len(data)
    data[at : at + len(junk)] = junk
    path.write_bytes(data)
    try:
        list(raw_rows(path))
    except InputError as error:
        assert str(path) in str(error)
