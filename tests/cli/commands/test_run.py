"""`wavjudge run` as somebody types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import wavjudge
from tests.bench.asking import SECRET, program, write_items, write_talks
from tests.bench.candidates.test_process import PARROT
from tests.cli.typed import shell, spec, typed
from tests.loopback.server import Loopback
from tests.loopback.verdict import wav
from wavjudge.store.run_folder import RunFolder


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
    assert (len(asked["bad_rows"]), len(asked["missing_recordings"])) == (1, 1)
    assert done.json["answers"] == {"candidate": {"ok": 2}}
    assert "items.jsonl, line 3" in done.err and "items.jsonl, line 4" in done.err and done.code == 0


def test_instruments_that_the_test_set_names_rate_beside_the_judges(tmp_path: Path) -> None:
    benchmark = write_items(tmp_path / "set", 2, toml='metrics = ["checks"]')
    words = ("run", benchmark, "--candidate", program(tmp_path, PARROT))
    assert typed(*words, "--out", tmp_path / "a").code == 0
    assert {rating.rater for rating in wavjudge.load(tmp_path / "a").ratings()} == {"checks"}
    refused = typed(*words, "--no-metrics", "--out", tmp_path / "b")
    assert refused.code == 2 and "got no --judge" in refused.err and not (tmp_path / "b").exists()


def test_a_broken_command_exits_with_seven_and_says_why(tmp_path: Path) -> None:
    words = ("run", write_items(tmp_path / "set", 9), "--candidate", program(tmp_path, "1 / 0"),
             "--only", "answers", "--out", tmp_path / "run")  # fmt: skip
    done = typed(*words)
    assert done.code == 7 and "ZeroDivisionError" in done.err
    assert "--retry-answers crashed" in done.err and "the same command goes on" not in done.err
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
    assert "3 items with 6 turns, 1 candidate, 2 attempts" in done.out


def test_a_dry_run_says_it_as_json(tmp_path: Path) -> None:
    benchmark = write_talks(tmp_path / "set", 3, 2)
    with (benchmark / "items.jsonl").open("a") as file:
        file.write("no row\n")
    done = typed("run", benchmark, "--candidate", program(tmp_path, PARROT), "--candidate", "command:true", "--judge",
                 "signals", "--attempts", 2, "--dry-run", "--json", "--out", tmp_path / "run")  # fmt: skip
    said = done.json
    assert (done.code, said["benchmark"], said["items"], said["turns"]) == (0, "set", 3, 6)
    assert (said["candidates"], said["attempts"], said["conversations"], said["judges"]) == (2, 2, 12, ["signals"])
    assert len(said["bad_rows"]) == 1 and "line 4" in said["bad_rows"][0] and not (tmp_path / "run").exists()


def test_few_answers_that_all_crashed_are_no_success(tmp_path: Path) -> None:
    words = ("run", write_items(tmp_path / "set", 2), "--candidate", program(tmp_path, "1 / 0"),
             "--judge", "signals?workers=1", "--out", tmp_path / "run")  # fmt: skip
    for _ in range(2):
        done = typed(*words)
        assert done.code == 7 and "crashed on all of its 2 answers" in done.err and "--retry-answers" in done.err


def test_one_wrong_candidate_does_not_cost_the_night_of_the_others(tmp_path: Path) -> None:
    benchmark, wrong = (
        write_items(tmp_path / "set", 40),
        program(tmp_path, "1 / 0", name="wrong"),
    )
    words = ("run", benchmark, "--candidate", wrong, "--candidate", program(tmp_path, PARROT), "--judge",
             "signals?workers=1", "--axes", "clipping", "--out", tmp_path / "run", "--json")  # fmt: skip
    done = typed(*words)
    assert done.code == 7 and "wrong stopped, the others go on" in done.err
    assert done.json["answers"] == {"candidate": {"ok": 40}, "wrong": {"crashed": 5}}
    assert list(done.json["this_pass"]["asked"]["stopped"]) == ["wrong"]
    assert "crashed on its first 5" in done.json["this_pass"]["stopped"]
    assert len(list(wavjudge.load(tmp_path / "run").ratings())) == 40


def test_one_question_lost_on_its_way_is_not_the_end_of_a_run(tmp_path: Path) -> None:
    with Loopback([None, "server_500"]) as server:
        words = ("run", write_items(tmp_path / "set", 3), "--candidate", spec(server, options="&attempts=1"), "--only",
                 "answers", "--out", tmp_path / "run")  # fmt: skip
        done = typed(*words)
        assert done.code == 75 and "1 question was not answered; the same command asks them again" in done.err
        assert typed(*words).code == 0


LOUD = """
import os, subprocess, sys, threading, time
print("loading")
def answer(turn):
    print("python")
    os.write(1, b"library")
    subprocess.run([sys.executable, "-c", "print('child')"])
    thread = threading.Thread(target=print, args=["thread"])
    thread.start()
    thread.join()
    return "four"
def hangs(turn):
    while True:
        print("tick", flush=True)
        time.sleep(0.0005)
"""


@pytest.mark.parametrize(("function", "code"), [("answer", 0), ("hangs?timeout=0.2", 0)])
def test_whatever_a_function_prints_the_json_is_read(function: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "loud_model.py").write_text(LOUD)
    option = "&speech=false" if "?" in function else "?speech=false"
    done = shell("run", write_items(tmp_path / "set", 2), "--candidate", f"python:loud_model:{function}{option}",
                 "--only", "answers", "--json", "--out", "run", cwd=tmp_path)  # fmt: skip
    assert done.code == code and done.json["this_pass"]["asked"]["answered"] == 2
    heard = {"loading", "tick"} if "hangs" in function else {"loading", "python", "library", "child", "thread"}
    assert all(word in done.err for word in heard)


def test_stdout_is_given_back_after_a_run(tmp_path: Path) -> None:
    code = f"""
from wavjudge.cli.app import app
try:
    app(["run", {str(write_items(tmp_path / "set", 1))!r}, "--candidate", "command:true", "--dry-run", "--only",
         "answers", "--quiet", "--json", "--out", "run"])
except SystemExit:
    print("mine")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    first, second = done.stdout.splitlines()
    assert json.loads(first)["items"] == 1 and second == "mine"


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
    code = (
        PARROT
        + "print('[red]\\x1b[31m:smile:')\nsys.exit('\\x1b[2J[bold]' if 'q0' in open(conversation).read() else 0)"
    )
    benchmark = write_items(tmp_path / "[bold]set", 2)
    done = typed("run", benchmark, "--candidate", program(tmp_path, code), "--only", "answers", "--out", tmp_path / "r")
    assert done.code == 0 and "\x1b" not in done.out + done.err
    record = json.loads((tmp_path / "r" / "responses.jsonl").read_text().splitlines()[0])
    assert record["status"] == "crashed" and "[bold]" in record["reason"]


def test_a_recording_outside_the_test_set_reaches_no_candidate_unless_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "secret.wav").write_bytes(wav(0.1))
    (tmp_path / "set" / "items.jsonl").write_text('{"item_id": "1", "question_audio": "../secret.wav"}\n')
    command = ("run", tmp_path / "set", "--candidate", "cascade:offline", "--only", "answers", "--out")
    refused = typed(*command, tmp_path / "a", "--dry-run")
    assert "items.jsonl, line 1" in refused.err and "--outside" in refused.err
    assert '"items": 1' in typed(*command, tmp_path / "b", "--dry-run", "--json", "--outside").out
