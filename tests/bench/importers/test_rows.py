"""A JSON list is read element by element, whatever stands in it and wherever a piece of the file ends."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavjudge.bench.importers import rows
from wavjudge.bench.importers.rows import elements
from wavjudge.errors import InputError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def read(path: Path, text: str, piece: int) -> list[tuple[str, Any]]:
    path.write_text(text, encoding="utf-8")
    before, rows._CHUNK = rows._CHUNK, piece
    try:
        return [(key, value) for _, key, value in elements(path)]
    finally:
        rows._CHUNK = before


@given(st.lists(VALUES, max_size=6), st.integers(1, 9), st.sampled_from([None, 2]), st.booleans())
def test_a_list_is_what_json_says(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], piece: int, indent: int | None, ascii_: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "list.json"
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_)
    assert read(path, text, piece) == [("", value) for value in values]


@given(st.dictionaries(st.text('abc"\\ ', max_size=4), st.lists(VALUES, max_size=3), max_size=3), st.integers(1, 9))
def test_an_object_of_lists_is_what_json_says(
    tmp_path_factory: pytest.TempPathFactory, lists: dict[str, list[Any]], piece: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "object.json"
    assert read(path, json.dumps(lists), piece) == [(key, value) for key, values in lists.items() for value in values]


@pytest.mark.parametrize(
    "text", ["", "{", "3", '"x"', "[1, ", "[1 2]", '{"a"}', '{"a": 1}', '{"a": [1]', "[" * 100_000, "[}"]
)
def test_what_is_no_such_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"x\.json"):
        read(tmp_path / "x.json", text, 1 << 20)


def test_what_stands_before_a_flaw_is_given(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('[{"a": 1}, {"a": 2}, {"a"', encoding="utf-8")
    found: list[Any] = []
    with pytest.raises(InputError, match="no JSON"):
        found.extend(value for _, _, value in elements(tmp_path / "x.json"))
    assert found == [{"a": 1}, {"a": 2}]


def test_a_long_list_is_not_held(tmp_path: Path) -> None:
    """Four megabytes and more of list take the memory of a few pieces."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"number": n, "text": "x" * 200} for n in range(20_000)]), encoding="utf-8")
    tracemalloc.start()
    try:
        assert sum(1 for _ in elements(path)) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20 < path.stat().st_size
    finally:
        tracemalloc.stop()
