"""MTalk-Bench: dialogues of several turns, as Parquet and as a JSON file with several models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.importers.written import answers, imported, items, parquet, recording, sound, tone
from wavjudge.bench.answers import open_testset
from wavjudge.bench.importers import FORMATS
from wavjudge.bench.ingest import Intake
from wavjudge.errors import InputError
from wavjudge.store.run_folder import RunFolder


def turn(number: int, models: tuple[str, ...] = ("GPT-4o", "Moshi")) -> dict[str, Any]:
    return {
        "question": f"./audio/scene1/record_1-1/1-1-turn{number}_para.wav",
        "dialogue": {model: f"./out/{model}/1-1-turn{number}.wav" for model in models},
        "question_transcription": f"Q{number}?",
        "dialogue_transcription": {model: f"{model} {number}" for model in models},
    }


def source(root: Path, content: Any) -> Path:
    """sample.json under data/, its recordings beside that folder, as MTalk-Bench lays them out."""
    for number in (1, 2):
        recording(root / turn(number)["question"], tone(300 + number))
        for model, name in turn(number)["dialogue"].items():
            recording(root / name, tone(400 + number + 10 * len(model)))
    file = root / "data" / "sample.json"
    file.parent.mkdir()
    file.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
    return file


def test_every_model_is_a_candidate_and_a_dialogue_is_one_item(tmp_path: Path) -> None:
    file = source(tmp_path / "mt", {"Paralinguistic information": [[turn(1), turn(2)]]})
    found, done = imported("mtalkbench", file, tmp_path / "out")
    assert (done.items, done.rows, done.missing, found.bad_rows) == (1, 2, [], [])
    [item] = items(tmp_path / "out")
    assert (item.item_id, item.language, item.tags) == ("para/1-1", "en", ("type=para",))
    assert [said.text for said in item.turns] == ["Q1?", "Q2?"]
    rows = answers(tmp_path / "out")
    assert [(row.item_id, row.candidate, [said.text for said in row.answers]) for row in rows] == [
        ("para/1-1", "GPT-4o", ["GPT-4o 1", "GPT-4o 2"]), ("para/1-1", "Moshi", ["Moshi 1", "Moshi 2"])]  # fmt: skip
    assert (tmp_path / "out" / str(rows[1].answers[1].audio)).read_bytes() == tone(452)
    testset = open_testset(tmp_path / "out")
    with RunFolder(tmp_path / "run", write=True) as run:
        taken = [Intake(run).take(testset, row) for _, row in testset]
    assert [(len(item.turns), len(response.answers), response.status) for item, response in taken] == [(2, 2, "ok")] * 2


def test_the_repositorys_own_folder_is_taken_for_its_data(tmp_path: Path) -> None:
    source(tmp_path / "mt", {"Paralinguistic information": [[turn(1)]]})
    _, done = imported("mtalkbench", tmp_path / "mt", tmp_path / "out")
    assert (done.items, done.rows, done.missing) == (1, 2, [])


def test_a_model_that_misses_a_turn_has_not_spoken(tmp_path: Path) -> None:
    file = source(tmp_path / "mt", {"Semantic information": [[turn(1), turn(2, ("Moshi",))]]})
    imported("mtalkbench", file, tmp_path / "out")
    first, second = answers(tmp_path / "out")
    assert (first.candidate, first.status, len(first.answers)) == ("GPT-4o", "no_speech", 1)
    assert first.reason == "the file names no recording of the answer to turn 2"
    assert (second.candidate, second.status, len(second.answers)) == ("Moshi", "ok", 2)


def test_bad_dialogues_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    content = {
        "Ambient sound": [[turn(1)], [], "x", [turn(1) | {"question": 3}], [{"question": "other.wav", "note": 1}]]
    }
    found = FORMATS["mtalkbench"](source(tmp_path / "mt", content))
    assert [row.item_id for _, row in found.items] == ["amb/1-1", "amb/at-5"]
    assert [problem.split("sample.json, ")[1] for problem in found.bad_rows] == [
        "'Ambient sound', element 2, expected a list of turns, got []",
        "'Ambient sound', element 3, expected a list of turns, got 'x'",
        "'Ambient sound', element 4, field \"question\": got 3, expected a path"]  # fmt: skip
    assert found.unused_fields == {"note": 1}
    before = list(found.bad_rows)
    assert [row.candidate for _, row in found.rows] == ["GPT-4o", "Moshi"]
    assert len(found.bad_rows) == len(before) + 2  # the fourth dialogue's two answers cannot be used either


@pytest.mark.parametrize(
    "content, said", [("{", "got what is no JSON"), ('{"a": 3}', r"expected '\['"), ("3", "expected '{'")]
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        list(FORMATS["mtalkbench"](source(tmp_path / "mt", content)).items)


def row(kind: str, number: str, at: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "number": number, "turn": f"turn{at}", "source": "question", "audio": sound(tone(300 + at)),
            "transcription": f"Q{at}?", "arena_prompt": "judge!"} | more  # fmt: skip


def test_rows_of_the_hub_become_dialogues(tmp_path: Path) -> None:
    rows = [
        row("para", "1-1", 1),
        row("para", "1-1", 2),
        row("amb", "1-1", 2),
        row("amb", "1-1", 1),
        row("sem", "2-1", 1),
    ]
    parquet(tmp_path / "mt" / "data" / "test-00000-of-00001.parquet", rows)
    found, done = imported("mtalkbench", tmp_path / "mt", tmp_path / "out")
    assert (done.items, done.rows, found.bad_rows, found.unused_fields) == (3, 0, [], {"arena_prompt": 5})
    assert [(item.item_id, [said.text for said in item.turns]) for item in items(tmp_path / "out")] == [
        ("para/1-1", ["Q1?", "Q2?"]), ("amb/1-1", ["Q1?", "Q2?"]), ("sem/2-1", ["Q1?"])]  # fmt: skip
    assert (tmp_path / "out" / str(items(tmp_path / "out")[1].turns[0].audio)).read_bytes() == tone(301)


def test_a_gap_between_turns_is_told(tmp_path: Path) -> None:
    rows = [row("para", "1-1", 1), row("para", "1-1", 3), row("sem", "1-1", 1), row("sem", "1-1", 1, source="GPT-4o")]
    parquet(tmp_path / "test.parquet", rows)
    found = FORMATS["mtalkbench"](tmp_path)
    assert [item.item_id for _, item in found.items] == ["sem/1-1"]
    assert "field \"turn\": got the turns ['turn1', 'turn3'], expected turn1, turn2, ..." in found.bad_rows[0]
    assert found.unused_fields["rows whose source is no question"] == 1


def test_missing_columns_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"got neither a Parquet nor a JSON file"):
        FORMATS["mtalkbench"](tmp_path)
    parquet(tmp_path / "test.parquet", [{"type": "para", "audio": sound(tone())}])
    with pytest.raises(InputError, match=r"test\.parquet.*got no column 'number', .* but 'type', 'audio'"):
        FORMATS["mtalkbench"](tmp_path)
