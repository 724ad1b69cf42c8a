"""A test set from somebody else: what it names outside its own folder is sent to nobody, unless that is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.asking import write_items
from tests.loopback.verdict import wav
from wavjudge.bench.questions import open_questions
from wavjudge.bench.test_set import open_benchmark
from wavjudge.errors import InputError
from wavjudge.rewards.monitor.from_runs import training_prompts

ELSEWHERE = ("../home/secret.wav", "{home}/secret.wav", "link.wav", "linked/secret.wav", "..\\home\\secret.wav",
             "audio/../../home/secret.wav", "caf\u00e9.wav")  # fmt: skip
PLACES: dict[str, Any] = {
    "question_audio": lambda name: {"question_audio": name},
    "turns": lambda name: {"turns": [{"text": "Why?"}, {"audio": name}]},
    "history": lambda name: {"question_text": "Why?", "history": [{"role": "user", "audio": name}]},
}


def hostile(tmp_path: Path, name: str, place: str = "question_audio") -> Path:
    """A test set with one item of its own, and one that names the file."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret.wav").write_bytes(wav(0.1))
    path = write_items(tmp_path / "set", 1)
    (path / "audio").mkdir()
    for link in ("link.wav", "cafe\u0301.wav"):  # the second is found under its composed name
        (path / link).symlink_to(home / "secret.wav")
    (path / "linked").symlink_to(home)
    row = {"item_id": "bad", **PLACES[place](name.format(home=home))}
    with (path / "items.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    return path


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ELSEWHERE)
def test_an_item_that_names_a_recording_elsewhere_is_a_bad_row(name: str, place: str, tmp_path: Path) -> None:
    path = hostile(tmp_path, name, place)
    benchmark = open_benchmark(str(path))
    assert [row.item_id for _, row in benchmark] == ["q0"]
    (bad,) = benchmark.bad_rows
    assert "items.jsonl, line 2" in bad and f'field "{place}"' in bad and "--outside" in bad
    assert [row.item_id for _, row in open_benchmark(str(path / "items.jsonl"))] == ["q0"]
    trusted = open_benchmark(str(path), outside=True)
    assert [row.item_id for _, row in trusted] == ["q0", "bad"] and trusted.bad_rows == []


@pytest.mark.parametrize("name", ELSEWHERE)
def test_questions_of_somebody_else_name_no_file_elsewhere(name: str, tmp_path: Path) -> None:
    path = hostile(tmp_path, name)
    with pytest.raises(InputError, match="--outside"):
        open_questions(path)
    assert set(open_questions(path, outside=True).by_item) == {"q0", "bad"}


@pytest.mark.parametrize("name", ["q.wav", "q.txt"])
def test_a_folder_of_questions_holds_no_link_out_of_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"words")
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked" / name).symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="--outside"):
        open_questions(tmp_path / "asked")
    assert set(open_questions(tmp_path / "asked", outside=True).by_item) == {"q"}


def test_the_files_of_a_snapshot_of_the_hub_are_links_to_its_blobs(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    (blobs / "1").write_bytes(wav(0.1))
    (snapshot / "q.wav").symlink_to(blobs / "1")
    (snapshot / "items.jsonl").write_text('{"item_id": "1", "question_audio": "q.wav"}\n')
    assert len(list(open_benchmark(str(snapshot)))) == 1


def test_recordings_beside_a_folder_of_items_are_the_test_sets_own(tmp_path: Path) -> None:
    path = write_items(tmp_path / "set", 1, toml='items = "data/items.jsonl"')
    (path / "data").mkdir()
    (path / "data" / "items.jsonl").write_text('{"item_id": "1", "question_audio": "../q0.wav"}\n')
    benchmark = open_benchmark(str(path))
    assert len(list(benchmark)) == 1 and benchmark.bad_rows == []


def test_training_prompts_lie_anywhere_for_they_are_compared_here(tmp_path: Path) -> None:
    assert len(training_prompts([str(hostile(tmp_path, "../home/secret.wav"))])) == 2
