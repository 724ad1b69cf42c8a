"""`wavjudge run` as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import wavjudge
from tests.bench.asking import SECRET, program, write_items, write_talks
from tests.bench.candidates.test_process import PARROT
from tests.cli.typed import spec, typed
from tests.loopback.server import Loopback
from wavjudge.store import RunFolder


def responses(run: Path) -> dict[str, str]:
    with RunFolder(run) as folder:
        return {f"{r.candidate} {r.item_id}": r.status for r in folder.responses()}


def test_asked_kept_rated_and_the_same_command_again_does_nothing(tmp_path: Path) -> None:
    benchmark, run = write_items(tmp_path / "set", 3), tmp_path / "run"
    with Loopback() as server:
        words = ("run", benchmark, "--candidate", spec(server, options="&voice=alloy"), "--candidate",
                 program(tmp_path, PARROT), "--judge", spec(server, "gemini"), "--prompt-set", "semantic",
                 "--out", run)  # fmt: skip
        done = typed(*words)
        sent = server.requests
        again = typed(*words)
        assert server.requests == sent == 9
    assert (done.code, done.err) == (0, "")
    assert "6 answers in this pass; 0 were there before." in done.out
    assert "6 tasks done in this pass" in done.out and "candidate" in done.out
    assert "0 answers in this pass; 6 were there before." in again.out and again.code == 0
    assert set(responses(run).values()) == {"ok"} and len(responses(run)) == 6
    assert [rating.status for rating in wavjudge.load(run).ratings()] == ["ok"] * 6
    assert SECRET in (run / "items.jsonl").read_text()


def test_answers_now_and_ratings_later(tmp_path: Path) -> None:
    benchmark, run = write_talks(tmp_path / "set", 2, 2, toml='rated_turns = "each"'), tmp_path / "run"
    done = typed("run", benchmark, "--candidate", program(tmp_path, PARROT), "--only", "answers", "--out", run)
    assert (done.code, done.err) == (0, "") and "2 answers in this pass" in done.out
    with Loopback() as server:
        rated = typed("score", run, "--judge", spec(server), "--prompt-set", "semantic")
        assert server.requests == 4  # each turn, as the test set says
    assert rated.code == 0
    assert sorted(rating.subject.turn for rating in wavjudge.load(run).ratings()) == [0, 0, 1, 1]


def test_json_says_all_and_bad_rows_are_named(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 2)
    with (benchmark / "items.jsonl").open("a") as file:
        file.write('{"item_id": "q0", "question_text": "?"}\n{"item_id": "x", "question_audio": "gone.wav"}\n')
    done = typed("run", benchmark, "--candidate", program(tmp_path, PARROT), "--only", "answers", "--json",
                 "--out", tmp_path / "run")  # fmt: skip
    asked = done.json["this_pass"]["asked"]
    assert (asked["answered"], asked["lost"], asked["outcomes"]) == (2, 0, {"ok": 2})
    assert len(asked["bad_rows"]) == 2 and done.json["answers"] == {"candidate": {"ok": 2}}
    assert "items.jsonl, line 3" in done.err and "items.jsonl, line 4" in done.err and done.code == 0


def test_instruments_that_the_test_set_names_rate_beside_the_judges(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 2, toml='metrics = ["checks"]')
    words = ("run", benchmark, "--candidate", program(tmp_path, PARROT))
    assert typed(*words, "--out", tmp_path / "a").code == 0
    assert {rating.rater for rating in wavjudge.load(tmp_path / "a").ratings()} == {"checks"}
    refused = typed(*words, "--no-metrics", "--out", tmp_path / "b")
    assert refused.code == 2 and "got no --judge" in refused.err and not (tmp_path / "b").exists()


def test_a_broken_command_exits_with_seven_and_says_why(tmp_path: Path) -> None:
    words = ("run", write_items(tmp_path / "set", 9), "--candidate", program(tmp_path, "import nothing_there"),
             "--only", "answers", "--out", tmp_path / "run")  # fmt: skip
    done = typed(*words)
    assert done.code == 7 and "No module named 'nothing_there'" in done.err
    assert "--retry-answers crashed" in done.err and "the same command goes on" in done.err
    program(tmp_path, PARROT)
    assert typed(*words, "--retry-answers", "crashed").code == 0
    assert set(responses(tmp_path / "run").values()) == {"ok"}


def test_a_provider_that_is_down_exits_with_75_and_a_wrong_key_with_3(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 2)
    with Loopback(lambda number: "server_500") as server:
        command = ("run", benchmark, "--candidate", spec(server, options="&attempts=1"), "--only", "answers")
        down = typed(*command, "--out", tmp_path / "run")
        assert down.code == 75 and "2 questions were not answered for reasons" in down.out
        assert "unavailable: got HTTP 500" in down.out and "the same command asks them again" in down.err
        server.plan = lambda number: "auth"
        assert typed(*command, "--out", tmp_path / "run").code == 3
        server.plan = lambda number: None
        assert typed(*command, "--out", tmp_path / "run").code == 0


def test_money_of_candidates_counts_against_the_limit(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 4)
    with Loopback() as server:
        command = ("run", benchmark, "--candidate", spec(server, options="&max_tokens=50"), "--only", "answers",
                   "--out", tmp_path / "run", "--max-cost", "0.00001")  # fmt: skip
        assert typed(*command).code == 5
        done = typed(*command, "--price", "audio_in=32,text_in=2,text_out=10,audio_out=64")
        assert done.code == 5 and "0.0000 spent" in done.err and server.requests == 0


def test_a_dry_run_asks_and_writes_nothing(tmp_path: Path) -> None:
    with Loopback() as server:
        done = typed("run", write_talks(tmp_path / "set", 3, 2), "--candidate", spec(server), "--judge", spec(server),
                     "--attempts", 2, "--dry-run", "--out", tmp_path / "run")  # fmt: skip
        assert server.requests == 0
    assert done.code == 0 and not (tmp_path / "run").exists()
    assert "3 items with 6 turns, 1 candidates, 2 attempts" in done.out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["no-such-set", "--candidate", "command:true"], "no such test set"),
        (["tiny", "--candidate", "nobody:x", "--only", "answers"], "the candidate kind 'nobody'"),
        (["tiny", "--candidate", "command:no-such-program", "--only", "answers"], "which is not there"),
        (["tiny", "--candidate", "command:true"], "got no --judge"),
        (["tiny", "--candidate", "command:true", "--only", "ratings"], "expected answers"),
        (["tiny", "--candidate", "command:true", "--only", "answers", "--judge", "signals"], "leave one of them out"),
        (["tiny", "--candidate", "command:true", "--only", "answers", "--retry-answers", "ok"], "--retry-answers"),
        (["tiny", "--candidate", "command:true", "--candidate", "command:true", "--only", "answers"], "twice"),
        (["tiny", "--candidate", "openai:m", "--only", "answers"], "OPENAI_API_KEY"),
        (["tiny", "--candidate", "openai:m?api_key=sk-abcdefghijklmnop", "--only", "answers"], "secret"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence_and_writes_nothing(
    words: list[str], problem: str, tmp_path: Path
) -> None:
    done = typed("run", *words, "--out", tmp_path / "run")
    assert done.code in (2, 3) and problem in " ".join(done.err.split()) and "Traceback" not in done.err
    assert "sk-abcdef" not in done.err + done.out and not (tmp_path / "run").exists()


def test_hostile_names_are_text(tmp_path: Path) -> None:
    code = PARROT + "print('[red]\\x1b[31m:smile:')\nsys.exit('\\x1b[2J[bold]' if conversation.count('') else 0)"
    benchmark = write_items(tmp_path / "[bold]set", 1)
    done = typed("run", benchmark, "--candidate", program(tmp_path, code), "--only", "answers", "--out", tmp_path / "r")
    assert done.code == 0 and "\x1b" not in done.out + done.err
    record = json.loads((tmp_path / "r" / "responses.jsonl").read_text())
    assert record["status"] == "crashed" and "[bold]" in record["reason"]
