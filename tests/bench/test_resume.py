"""Nothing is lost and nothing is asked twice: bad weather, resume, kill -9."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import wavjudge
from tests.bench.answers import write_answers
from tests.loopback.server import Loopback
from wavjudge.analysis.tables.flat import write

ROOT = Path(__file__).parents[2]


def spec(server: Loopback, options: str = "") -> str:
    return f"openai:loopback?base_url={server.openai_url}{options}"


def table(run: Path) -> set[str]:
    """The exported table without the order of rows: what must not depend on how often a run was interrupted."""
    out = run.parent / "table.csv"
    write(wavjudge.load(run).rows(), out)
    return set(out.read_text(encoding="utf-8").splitlines())


def test_429s_and_disconnects_lose_nothing_and_the_same_command_again_makes_no_call(tmp_path: Path) -> None:
    answers = write_answers(tmp_path / "answers", 500)
    with Loopback(_weather()) as server:
        # With the default of 8 attempts, one run in nine has a call that fails every time (500 x .35^8 = .11). The
        # second run rightly asks for it again, which is not what this test is about.
        judge = spec(server, "&attempts=40")
        scored = wavjudge.score(answers, judges=[judge], out=tmp_path / "run", prompt_set="semantic", cache=False)
        made, faults = server.requests, dict(server.faults)
        again = wavjudge.score(answers, judges=[judge], out=tmp_path / "run", prompt_set="semantic", cache=False)
        assert server.requests == made
    assert [rating.status for rating in scored.ratings()] == ["ok"] * 500
    assert faults["rate_limited_ms"] > 150
    assert faults["disconnect"] > 15
    assert again.summary is not None
    assert (again.summary.tasks_done, again.summary.tasks_already_done) == (0, 500)


def _weather() -> object:
    from tests.loopback.faults import chances

    return chances({"rate_limited_ms": 0.30, "disconnect": 0.05}, seed=7)


def test_a_failed_rating_is_asked_again_and_superseded(tmp_path: Path) -> None:
    answers = write_answers(tmp_path / "answers", 4)
    with Loopback(["disconnect"]) as server:
        judges = [spec(server, "&attempts=1&max_in_flight=1")]
        first = wavjudge.score(answers, judges=judges, out=tmp_path / "run", prompt_set="semantic", cache=False)
        assert sorted(r.status for r in first.ratings()) == ["failed", "ok", "ok", "ok"]
        second = wavjudge.score(answers, judges=judges, out=tmp_path / "run", prompt_set="semantic", cache=False)
    assert [r.status for r in second.ratings()] == ["ok"] * 4
    assert _acknowledged(tmp_path / "run") == 5


def test_repeats_are_apart_and_another_judge_joins_the_same_run(tmp_path: Path) -> None:
    answers = write_answers(tmp_path / "answers", 3, candidates=("a", "b"))
    with Loopback() as server:
        wavjudge.score(answers, judges=[spec(server)], out=tmp_path / "run", prompt_set="joint", repeats=2, cache=False)
        made = server.requests
        colder = spec(server, "&temperature=0")
        both = wavjudge.score(
            answers, judges=[spec(server), colder], out=tmp_path / "run", prompt_set="joint", repeats=2, cache=False
        )
        assert (made, server.requests) == (12, 24)
    ratings = list(both.ratings())
    assert len(ratings) == 48
    assert len({rating.key for rating in ratings}) == 48
    assert len({rating.signature for rating in ratings}) == 2


def test_the_cache_serves_another_run_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAVJUDGE_CACHE", str(tmp_path / "cache"))
    answers = write_answers(tmp_path / "answers", 5)
    with Loopback() as server:
        for name in ("one", "two"):
            scored = wavjudge.score(answers, judges=[spec(server)], out=tmp_path / name, prompt_set="semantic")
        assert server.requests == 5
    assert all(rating.call is not None and rating.call.cached for rating in scored.ratings())


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_a_random_moment_and_resumed_gives_the_same_table(seed: int, tmp_path: Path) -> None:
    answers = write_answers(tmp_path / "answers", 120)
    with _server("--latency", "0.02") as url:
        command = _command(answers, tmp_path / "killed", url)
        dice, kills = random.Random(seed), 0
        while True:
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment()
            )
            limit = _acknowledged(tmp_path / "killed") + dice.randrange(1, 60)
            if _ended(process, tmp_path / "killed", limit):
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        assert process.returncode == 0
        subprocess.run(
            _command(answers, tmp_path / "whole", url), check=True, stdout=subprocess.DEVNULL, env=_environment()
        )
    assert kills >= 1
    assert table(tmp_path / "killed") == table(tmp_path / "whole")
    assert len(list(wavjudge.load(tmp_path / "killed").ratings())) == 120


def test_ctrl_c_ends_cleanly_and_says_how_to_go_on(tmp_path: Path) -> None:
    answers = write_answers(tmp_path / "answers", 200)
    with _server("--latency", "0.05") as url:
        command = _command(answers, tmp_path / "run", url)
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
        )
        assert not _ended(process, tmp_path / "run", 20)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        sent = json.load(urllib.request.urlopen(f"{url}/stats"))["requests"]
    assert process.returncode == 130
    assert "the same command goes on from there" in said
    assert _acknowledged(tmp_path / "run") == sent  # what was sent was awaited and stored


def test_a_second_ctrl_c_gives_up_calls_that_hang_and_keeps_what_was_done(tmp_path: Path) -> None:
    answers = write_answers(tmp_path / "answers", 40)
    with _server("--plan", ",".join([""] * 20 + ["slow"] * 20)) as url:
        command = _command(answers, tmp_path / "run", url)
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
        )
        assert not _ended(process, tmp_path / "run", 20)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "Ctrl-C again" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "the same command goes on from there" in said and "Traceback" not in said
    assert [rating.status for rating in wavjudge.load(tmp_path / "run").ratings()] == ["ok"] * 20


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    answers = write_answers(tmp_path / "answers", 200)
    with _server("--latency", "1") as url:
        command = _command(answers, tmp_path / "run", url)
        first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment())
        assert not _ended(first, tmp_path / "run", 5)
        second = subprocess.run(command, capture_output=True, text=True, env=_environment())
        first.kill()
        first.wait()
    assert second.returncode == 6
    assert "another process" in second.stderr


class _server:
    """The loopback server in a process of its own."""

    def __init__(self, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.loopback", *options], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )

    def __enter__(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _command(answers: Path, run: Path, url: str) -> list[str]:
    judge = f"openai:loopback?base_url={url}/v1&max_in_flight=8"
    return [sys.executable, "-m", "wavjudge", "score", str(answers), "--judge", judge, "--out", str(run),
            "--prompt-set", "semantic", "--no-cache"]  # fmt: skip


def _environment() -> dict[str, str]:
    return {**os.environ, "NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1"}


def _acknowledged(run: Path) -> int:
    path = run / "ratings.jsonl"
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def _ended(process: subprocess.Popen[str] | subprocess.Popen[bytes], run: Path, ratings: int) -> bool:
    """Wait until the run holds so many ratings; True if the process ended before that."""
    while process.poll() is None:
        if _acknowledged(run) >= ratings:
            return False
        time.sleep(0.005)  # polling a file of another process: there is no event to wait for
    return True
