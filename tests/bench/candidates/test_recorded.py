"""`recorded:PATH`: stored answers as a candidate; whatever is missing counts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.bench.asking import ask, program, write_items, write_talks
from tests.bench.candidates.test_process import PARROT
from tests.loopback.verdict import wav
from wavjudge.errors import InputError, SpecError


def stored(folder: Path, *rows: dict[str, object]) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(4):
        (folder / f"a{number}.wav").write_bytes(wav(0.2, seed=50 + number))
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_what_is_missing_is_no_speech_and_what_failed_stays_failed(tmp_path: Path) -> None:
    path = stored(
        tmp_path / "stored",
        {"item_id": "q0", "text": "said", "audio": "a0.wav", "seconds_taken": 2.5},
        {"item_id": "q2", "audio": "gone.wav"},
        {"item_id": "q3", "status": "timed_out", "reason": "after 9 s", "text": "half"},
        {"item_id": "q4", "status": "crashed"},
        {"item_id": "q5", "text": "words alone"},
        {"item_id": "q9", "audio": "a1.wav"},
    )
    done = ask(write_items(tmp_path / "set", 7), f"recorded:{path}")
    assert done.outcomes == {"q0": "ok", "q1": "no_speech", "q3": "timed_out", "q4": "crashed",
                             "q5": "no_speech", "q6": "no_speech"}  # fmt: skip
    reasons = {item: response.reason for item, response in done.responses.items()}
    assert reasons["q1"] == "there is no stored answer to this turn"
    assert (reasons["q3"], reasons["q4"]) == ("after 9 s", "as it was recorded")
    assert {response.seconds_taken for response in done.all if response.item_id != "q0"} == {None}  # nobody knows
    assert done.responses["q0"].seconds_taken == 2.5 and done.responses["q0"].candidate == "candidate"


def test_of_several_candidates_one_is_named(tmp_path: Path) -> None:
    path = stored(tmp_path / "stored", {"item_id": "q0", "candidate": "a", "audio": "a0.wav"},
                  {"item_id": "q0", "candidate": "b", "audio": "a1.wav"})  # fmt: skip
    benchmark = write_items(tmp_path / "set", 1)
    with pytest.raises(SpecError, match=re.escape("answers of ['a', 'b']")):
        ask(benchmark, f"recorded:{path}")
    with pytest.raises(SpecError, match=re.escape("answers of []")):
        ask(benchmark, f"recorded:{path}?candidate=c")
    done = ask(benchmark, f"recorded:{path}?candidate=a", f"recorded:{path}?candidate=b&name=second", attempts=2)
    assert [(r.candidate, r.attempt, r.status) for r in done.all] == [
        ("a", 0, "ok"), ("a", 1, "no_speech"), ("second", 0, "ok"), ("second", 1, "no_speech")]  # fmt: skip


def test_a_source_with_a_bad_row_or_none_at_all_is_refused(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 1)
    path = stored(tmp_path / "stored", {"item_id": "q0", "audio": "a0.wav"}, {"item_id": "q1", "sound": "a1.wav"})
    with pytest.raises(InputError, match=r"1 rows that cannot be used, the first: .*answers.jsonl, line 2, field"):
        ask(benchmark, f"recorded:{path}")
    with pytest.raises(InputError, match="no such file"):
        ask(benchmark, f"recorded:{tmp_path / 'gone'}")
    with pytest.raises(SpecError, match="answers of"):
        ask(benchmark, f"recorded:{stored(tmp_path / 'empty')}")
    assert not (tmp_path / "run").exists()


def test_text_by_design(tmp_path: Path) -> None:
    path = stored(tmp_path / "stored", {"item_id": "q0", "text": "words"})
    assert ask(write_items(tmp_path / "set", 1), f"recorded:{path}?speech=false").outcomes == {"q0": "ok"}


def test_conversations_and_their_time(tmp_path: Path) -> None:
    turns = [{"text": "One?"}, {"text": "Two?"}]
    said = [{"text": "one", "audio": "a0.wav"}, {"text": "two", "audio": "a1.wav"}]
    path = stored(
        tmp_path / "stored",
        {"item_id": "q0", "turns": turns, "answers": said, "seconds_taken": 3.0},
        {"item_id": "q1", "turns": turns, "answers": said[:1], "status": "crashed", "reason": "why"},
        {"item_id": "q2", "turns": turns, "answers": [said[0], {"audio": "gone.wav"}]},
    )
    done = ask(write_talks(tmp_path / "set", 3), f"recorded:{path}")
    assert done.outcomes == {"q0": "ok", "q1": "crashed"}
    assert done.responses["q0"].seconds_taken == 3.0  # once, not once a turn
    assert done.responses["q1"].reason == "turn 1 of 2: why"
    assert done.asked.lost == 1 and "the recording gone.wav is not there" in done.asked.lost_why[0]


def test_a_run_folder_is_played_back_with_its_outcomes(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 3)
    code = PARROT + "import json\nif json.load(open(conversation))['item_id'] == 'q1': sys.exit(9)"
    first = ask(benchmark, program(tmp_path, code), out=tmp_path / "first")
    again = ask(benchmark, f"recorded:{tmp_path / 'first'}?name=again", out=tmp_path / "again")
    assert again.outcomes == first.outcomes == {"q0": "ok", "q1": "crashed", "q2": "ok"}
    for item, response in again.responses.items():
        old = first.responses[item]
        assert [said.audio and said.audio.sha256 for said in response.answers] == [
            said.audio and said.audio.sha256 for said in old.answers
        ]
        assert (response.seconds_taken, response.reason) == (old.seconds_taken, old.reason)


def test_a_folder_of_recordings(tmp_path: Path) -> None:
    folder = tmp_path / "voice"
    folder.mkdir()
    for number in (0, 2):
        (folder / f"q{number}.wav").write_bytes(wav(0.1, seed=number))
    (folder / "q2.txt").write_text("what was said")
    done = ask(write_items(tmp_path / "set", 3), f"recorded:{folder}")
    assert done.outcomes == {"q0": "ok", "q1": "no_speech", "q2": "ok"}
    assert done.responses["q2"].answers[0].text == "what was said"
    assert done.responses["q2"].candidate == "voice"
