"""A row that nobody foresaw costs itself, in every importer; what no file can hold is replaced before it is written."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.cli.typed import typed
from wavjudge.analysis.tables import flat
from wavjudge.bench.importers import rows
from wavjudge.bench.importers.base import Imported
from wavjudge.bench.rows import ItemRow

VSTYLE = {
    "id": 1,
    "instruct_id": 1,
    "model_name": "m",
    "instruct_text": "Hi",
    "ability": "a/b",
    "audio_path": "wav/1.wav",
}


def written(path: Path, *lines: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_an_exception_while_a_row_is_read_is_that_row_s_own() -> None:
    imported = Imported("b", Path())

    def fields(raw: Any) -> Any:
        if raw["item_id"] == "2":
            raise RuntimeError("nobody foresaw it")
        return raw

    source = ((f"line {number}", {"item_id": str(number)}) for number in (1, 2, 3))
    assert [row.item_id for _, row in rows.usable(source, fields, ItemRow, imported)] == ["1", "3"]
    (problem,) = imported.bad_rows
    assert problem.startswith("line 2, ") and "nobody foresaw it" in problem


@pytest.mark.parametrize("kwargs", [["abc"], [5], [[1]]])
def test_arguments_of_instructions_that_are_no_objects_are_a_bad_row(kwargs: list[Any], tmp_path: Path) -> None:
    good = {"prompt": "Q?", "response": "A.", "key": 1, "instruction_id_list": ["y"], "kwargs": [{}]}
    bad = good | {"key": 2, "prompt": "R?", "instruction_id_list": ["x"], "kwargs": kwargs}
    path = written(tmp_path / "m-ifeval-test-text.jsonl", good, bad)
    done = typed("import", "voicebench", path, "--out", tmp_path / "out")
    assert "kwargs" in done.err + done.out and "Traceback" not in done.err, done
    assert (tmp_path / "out" / "responses.jsonl").read_text().count("\n") == 1


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_half_a_character_in_a_judge_s_words_loses_no_table(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"ratings{suffix}"
    flat.write(
        [dict.fromkeys(flat.COLUMNS) | {"item_id": name, "justification": f"x{name}"} for name in "\ud83da"], file
    )
    found = pd.read_csv(file) if suffix == ".csv" else pd.read_parquet(file)
    assert list(found["justification"]) == ["x?", "xa"]


def test_a_label_of_an_answer_whose_model_is_not_said_is_of_no_candidate(tmp_path: Path) -> None:
    written(tmp_path / "metadata.jsonl", VSTYLE, VSTYLE | {"id": "9", "instruct_id": "i9", "model_name": None})
    written(tmp_path / "ann.jsonl", {"id": "9", "instruct_id": "i9", "mos": 3}, {"id": 1, "instruct_id": 1, "mos": 4})
    done = typed("import", "vstyle", tmp_path, "--out", tmp_path / "out")
    with (tmp_path / "out" / "labels.csv").open(encoding="utf-8") as file:
        assert [row["candidate"] for row in csv.DictReader(file)] == ["m"], done
    assert "no model gave the answer" in done.out + done.err
