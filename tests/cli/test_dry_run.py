"""`--dry-run`: needs no key, sends nothing, writes nothing, and says what it does not know."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.typed import answers, rows, spec, typed
from tests.loopback.server import Loopback


def test_it_needs_no_key_and_writes_nothing(tmp_path: Path) -> None:
    file = answers(tmp_path, 4)
    before = sorted(tmp_path.rglob("*"))
    done = typed("score", file, "--judge", "gemini:gemini-3.5-flash", "--out", tmp_path / "run", "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path(os.environ["WAVJUDGE_CACHE"]).exists()
    for line in ("calls               12", "audio sent          1.2 s", "tokens, at least    ", "cost, at most       "):
        assert line in done.out


def test_it_sends_nothing_and_its_figures_hold_for_the_run_that_follows(tmp_path: Path) -> None:
    file, price = answers(tmp_path, 3), "audio_in=32,text_in=2.5,text_out=10"
    with Loopback() as server:
        judge = spec(server, options="&max_tokens=200")
        words = ("score", file, "--judge", judge, "--out", tmp_path / "run", "--repeats", 2, "--price", price, "--json")
        planned = typed(*words, "--dry-run").json[judge]
        assert server.requests == 0
        spent = typed(*words).json["this_pass"]
    assert planned["calls"] == spent["calls"] == 18
    assert planned["audio_seconds"] == pytest.approx(1.8)
    assert 0 < planned["usd_at_least"] <= spent["usd"] <= planned["usd_at_most"]


def test_what_is_not_known_is_said_in_words(tmp_path: Path) -> None:
    file, out = answers(tmp_path), tmp_path / "run"
    unknown = typed("score", file, "--judge", "openai:some-model", "--out", out, "--dry-run")
    listed = typed("score", file, "--judge", "openai:gpt-audio", "--out", out, "--dry-run")
    assert "not known           the price" in unknown.out and "cost, at most       unknown" in unknown.out
    assert "not known           how many tokens a second of audio becomes" in listed.out
    assert "unknown (what --max-cost" not in listed.out


def test_an_unknown_price_is_said_to_make_a_limit_refuse(tmp_path: Path) -> None:
    words = ("score", answers(tmp_path), "--judge", "openai:some-model", "--out", tmp_path / "run", "--dry-run")
    assert "--max-cost would refuse to send (exit code 5) until you give --price" in typed(*words).out
    assert "would refuse" not in typed(*words, "--price", "audio_in=32,text_in=2.5,text_out=10").out


def test_why_an_answer_is_not_sent_is_said(tmp_path: Path) -> None:
    file = rows({"item_id": "q0", "question_text": "?", "audio": "q0.wav"}, folder=tmp_path)
    done = typed("score", file, "--judge", "gemini:m", "--out", tmp_path / "run", "--dry-run")
    assert done.code == 9 and "missing recording: " in done.err and "1 of 1 rows name a recording" in done.err
    (tmp_path / "q0.wav").write_bytes(b"")
    done = typed("score", file, "--judge", "gemini:m", "--out", tmp_path / "run", "--dry-run")
    assert "1 answer that failed:" in done.out and "1 no_speech: got a file of zero bytes" in done.out


def test_the_listed_price_is_not_taken_for_another_server(tmp_path: Path) -> None:
    judge = "openai:gpt-audio-1.5?base_url=http://127.0.0.1:9/v1"
    done = typed("score", answers(tmp_path), "--judge", judge, "--out", tmp_path / "run", "--dry-run", "--json")
    assert done.json[judge]["usd_at_most"] is None


def test_what_costs_nothing_says_so(tmp_path: Path) -> None:
    with Loopback() as server:
        typed("score", answers(tmp_path), "--judge", spec(server), "--out", tmp_path / "run")
    for judge in ("signals", f"replay:{tmp_path / 'run'}"):
        words = ("score", tmp_path / "answers" / "answers.jsonl", "--judge", judge, "--out", tmp_path / "two")
        done = typed(*words, "--dry-run")
        assert done.out.strip() == f"{judge}: works on this machine; sends nothing, costs nothing"
        assert typed(*words, "--dry-run", "--json").json == {judge: None}
    assert not (tmp_path / "two").exists()


def test_failures_of_the_candidate_are_not_counted_and_bad_rows_are_named(tmp_path: Path) -> None:
    answers(tmp_path, 1)
    file = rows(
        {"item_id": "q0", "question_text": "?", "audio": "answers/a-0.wav"}, {"item_id": "q1", "audio": "nowhere.wav"},
        {"item_id": "q2", "audoi": "x.wav"}, {"item_id": "q3", "audio": "answers/a-0.wav", "question_audio": "no.wav"},
        folder=tmp_path,
    )  # fmt: skip
    done = typed("score", file, "--judge", "openai:m", "--judge", "gemini:m", "--out", tmp_path / "run", "--dry-run")
    assert done.out.count("calls               3") == 2
    assert f'bad row: {file}, line 3, field "audoi"' in done.err
    assert f'missing recording: {file}, line 2, field "audio"' in done.err
    assert f'missing recording: {file}, line 4, field "question_audio"' in done.err
    assert (done.err.count("bad row:"), done.code) == (1, 9)
