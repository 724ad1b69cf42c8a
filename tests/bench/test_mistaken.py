"""A run folder, its files or a table of answers, given where questions are expected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.asking import write_items
from tests.cli.typed import typed


@pytest.fixture
def run(tmp_path: Path) -> Path:
    items = write_items(tmp_path / "set", 2)
    words = ("--candidate", "command:echo hi?speech=false", "--only", "answers", "--out", tmp_path / "first")
    assert typed("run", items, *words).code == 0
    return tmp_path / "first"


@pytest.mark.parametrize("file", ["", "items.jsonl", "responses.jsonl"])
def test_a_run_is_no_test_set_and_the_way_on_is_written_out(run: Path, file: str, tmp_path: Path) -> None:
    out = tmp_path / "again"
    done = typed("run", run / file, "--candidate", "command:echo hi", "--only", "answers", "--out", out)
    assert done.code == 2 and "of a run folder" in f"of {done.err}".replace("got a run", "of a run"), done.err
    assert f"wavjudge score {run} --judge SPEC --out {run}" in done.err and not out.exists()


def test_a_file_of_a_run_is_rated_with_its_folder(run: Path, tmp_path: Path) -> None:
    done = typed("score", run / "responses.jsonl", "--judge", "signals", "--out", tmp_path / "rated")
    assert done.code == 2 and f"wavjudge score {run} " in done.err
    assert typed("score", run, "--judge", "signals", "--out", run).code == 0


@pytest.mark.parametrize("row", [{"candidate": "c", "text": "Hello"}, {"text": "Hello", "question_text": "Hi?"}])
def test_a_table_of_answers_is_no_test_set(row: dict[str, str], tmp_path: Path) -> None:
    table = tmp_path / "answers.jsonl"
    table.write_text(json.dumps({"item_id": "q1"} | row) + "\n", encoding="utf-8")
    done = typed("run", table, "--candidate", "command:echo hi", "--only", "answers", "--out", tmp_path / "run")
    assert done.code == 2 and "got a table of answers" in done.err
    assert f"wavjudge score {table} --judge SPEC" in done.err and not (tmp_path / "run").exists()
