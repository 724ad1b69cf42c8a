"""What no judge may see: answers that failed. And what a judge cannot rate: text where it listens, and the reverse."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest

import wavjudge
from tests.cli.typed import Typed, answers, rows, spec, typed
from tests.loopback.server import Loopback
from tests.loopback.verdict import wav
from wavjudge import signals
from wavjudge.errors import MissingPartError

TINY = Path(__file__).parents[2] / "benchmarks" / "tiny" / "audio" / "steady" / "tiny-01.ogg"


def failing(folder: Path) -> Path:
    """One good answer and one of each kind that failed."""
    folder.mkdir()
    with wave.open(str(folder / "silent.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(bytes(32000))
    with wave.open(str(folder / "frameless.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
    (folder / "good.wav").write_bytes(wav(0.5))
    (folder / "long.wav").write_bytes(wav(3.0))
    (folder / "zero.wav").write_bytes(b"")
    (folder / "text.wav").write_bytes(b"I am not a recording" * 9)
    (folder / "nan.wav").write_bytes(_floats(float("nan")))
    (folder / "loud.wav").write_bytes(_floats(32000.0))
    names = ["good", "silent", "frameless", "long", "zero", "text", "nan", "loud", "missing"]
    fields = [{"item_id": name, "question_text": "?", "text": "said", "audio": f"{name}.wav"} for name in names]
    return rows(*fields, {"item_id": "null", "question_text": "?", "text": "said", "audio": None}, folder=folder)


def _floats(value: float) -> bytes:
    data = struct.pack("<100f", *[0.1, value] * 50)
    head = struct.pack("<4sI8sIHHIIHH", b"RIFF", 36 + len(data), b"WAVEfmt ", 16, 3, 1, 16000, 64000, 4, 32)
    return head + struct.pack("<4sI", b"data", len(data)) + data


def test_failures_of_the_candidate_never_reach_a_judge_and_are_counted_for_it(tmp_path: Path) -> None:
    file, run = failing(tmp_path / "answers"), tmp_path / "run"
    with Loopback() as server:
        judges = ("--judge", spec(server), "--judge", spec(server, "gemini"), "--judge", "signals?workers=1")
        words = ("score", file, *judges, "--out", run, "--axes", "semantic,clipping", "--max-answer-seconds", 2)
        done = typed(*words)
        again = typed(*words, "--json")
        assert server.requests == 2
        assert {len(received.recordings[0].data) for received in server.received} == {44 + 2 * 8000}
    found = {response.item_id: response.status for response in wavjudge.load(run).responses()}
    assert found == {
        "good": "ok", "silent": "no_speech", "frameless": "no_speech", "zero": "no_speech",
        "null": "no_speech", "long": "too_long", "text": "broken_audio", "nan": "broken_audio", "loud": "broken_audio",
    }  # fmt: skip
    assert {rating.subject.item_id for rating in wavjudge.load(run).ratings()} == {"good"}
    assert done.code == 0 and "1 of 10 rows name a recording that is not there" in done.err
    told = " ".join(done.out.split())
    assert "3 broken_audio" in told and "4 no_speech" in told and "1 too_long" in told
    assert again.json["answers"] == {"candidate": {"ok": 1, "no_speech": 4, "too_long": 1, "broken_audio": 3}}
    assert again.json["this_pass"]["already_done"] == 3


def test_a_run_ends_with_the_most_frequent_reasons(tmp_path: Path) -> None:
    file = failing(tmp_path / "answers")
    with Loopback(["bad_request"]) as server:
        words = ("score", file, "--judge", spec(server), "--out", tmp_path / "run", "--axes", "semantic")
        done = typed(*words)
        again = typed(*words, "--retry", "none", "--json").json["why"]
    lines = done.out.splitlines()
    own, judged = lines.index("Why answers failed:"), lines.index("Why answers were not scored:")
    assert own < judged and judged - own == 1 + 5 + 1, "the five most frequent, and how many more"
    assert lines[judged - 1] == "  2 for other reasons (`wavjudge show RUN ITEM` says each)"
    assert lines[judged + 1].startswith("  1 failed: bad_request: got HTTP 400")
    assert sum(one["count"] for one in again["answers"]) == 7
    assert [(one["status"], one["count"]) for one in again["ratings"]] == [("failed", 1)]


def test_reasons_that_differ_in_names_alone_are_one(tmp_path: Path) -> None:
    file = rows(*[{"item_id": f"q{n}", "question_text": "?", "audio": f"q{n}.wav"} for n in range(7)], folder=tmp_path)
    for number in range(7):
        (tmp_path / f"q{number}.wav").write_bytes(b"RIFF" + bytes(number))
    with Loopback() as server:
        done = typed("score", file, "--judge", spec(server), "--out", tmp_path / "run", "--axes", "semantic")
    assert "  7 broken_audio: got a file that does not decode as audio" in done.out


def test_when_no_call_came_through_the_advice_fits_the_reason(tmp_path: Path) -> None:
    file = answers(tmp_path, 2)

    def told(judge: str, name: str) -> Typed:
        return typed("score", file, "--judge", judge, "--out", tmp_path / name, "--axes", "semantic", "--quiet")

    with Loopback() as server:
        wrong = told(spec(server).replace("/v1", "/v2"), "wrong")
    gone = told(spec(server), "gone")
    assert wrong.code == 2 and "2 failed: bad_request: got HTTP 404" in wrong.err
    assert "What to do: sent again they would fail again: check base_url" in wrong.err
    assert gone.code == 75 and "2 failed: unreachable: the connection failed: 127.0.0.1:" in gone.err
    assert "What to do: start the server, or check base_url" in gone.err


def test_show_says_why_an_answer_was_not_rated(tmp_path: Path) -> None:
    file = failing(tmp_path / "answers")
    with Loopback() as server:
        typed("score", file, "--judge", spec(server), "--out", tmp_path / "run")
    for item, piece in (("silent", "digital silence"),
                        ("null", "the row names no recording"), ("text", "does not decode as audio")):  # fmt: skip
        done = typed("show", tmp_path / "run", item)
        assert done.code == 0
        assert piece in " ".join(done.out.split()) and "not rated" in " ".join(done.out.split())


def test_an_answer_over_the_judges_own_limit_is_not_applicable(tmp_path: Path) -> None:
    file = answers(tmp_path, 1, seconds=2.0)
    with Loopback() as server:
        judge = spec(server, options="&max_seconds=1")
        typed("score", file, "--judge", judge, "--out", tmp_path / "run", "--axes", "semantic")
        assert server.requests == 0
    (rating,) = wavjudge.load(tmp_path / "run").ratings()
    assert (rating.status, rating.score) == ("not_applicable", None)
    assert "2.0 s long, this judge's limit is 1 s" in (rating.reason or "")


def test_text_answers_go_to_a_judge_that_reads_and_not_to_one_that_listens(tmp_path: Path) -> None:
    file = rows(*[{"item_id": f"q{n}", "question_text": f"Question {n}?", "text": f"It is {n}."} for n in range(3)],
                folder=tmp_path)  # fmt: skip
    with Loopback() as server:
        reading, listening = spec(server, options="&answer_audio=false"), spec(server, "gemini")
        judges = ("--judge", reading, "--judge", listening, "--judge", "signals?workers=1")
        done = typed("score", file, *judges, "--out", tmp_path / "run", "--axes", "semantic,clipping")
        assert [(r.protocol, r.recordings) for r in server.received] == [("openai", ())] * 3
    by_rater = {r.rater: (r.status, r.reason) for r in wavjudge.load(tmp_path / "run").ratings()}
    assert by_rater["openai:loopback"] == ("ok", None)
    assert by_rater["gemini:loopback"] == ("not_applicable", "the answer is text by design, and this judge listens")
    assert by_rater["signals"] == ("not_applicable", "the answer is text by design")
    assert done.code == 0
    assert "3 not_applicable" in " ".join(done.out.split())


def test_a_judge_that_reads_has_nothing_to_read(tmp_path: Path) -> None:
    answers(tmp_path, 1)
    file = rows({"item_id": "q0", "question_text": "?", "audio": "answers/a-0.wav"}, folder=tmp_path)
    with Loopback() as server:
        judge = spec(server, options="&answer_audio=false")
        typed("score", file, "--judge", judge, "--out", tmp_path / "run", "--axes", "semantic")
        assert server.requests == 0
    (rating,) = wavjudge.load(tmp_path / "run").ratings()
    assert (rating.status, rating.score) == ("not_applicable", None)


def test_a_recognised_transcript_is_what_was_said_not_what_was_meant(tmp_path: Path) -> None:
    try:
        signals.require(["intelligibility"])
    except MissingPartError as missing:
        pytest.skip(f"the recogniser is not installed: {missing}")
    row = {"item_id": "tiny-01", "question_text": "What is the capital of Australia?", "language": "en",
           "text": "I claim to have said something else.", "audio": str(TINY)}  # fmt: skip
    file = rows(row, folder=tmp_path)
    with Loopback() as server:
        for options, name in (
            ("&transcript=recognised", "heard"),
            ("&transcript=recognised&answer_audio=false", "read"),
        ):
            judge = spec(server, options=options)
            assert typed("score", file, "--judge", judge, "--out", tmp_path / name, "--axes", "semantic").code == 0
        heard, read = server.received
    for received in (heard, read):
        assert "Canberra" in received.prompt and "I claim" not in received.prompt
    assert [len(received.recordings) for received in (heard, read)] == [1, 0]
    (rating,) = wavjudge.load(tmp_path / "heard").ratings()
    assert "|qt,qa,rec:asr:moonshine-tiny-en:" in rating.signature


def test_what_the_recogniser_does_not_know_is_not_applicable_and_never_sent(tmp_path: Path) -> None:
    try:
        signals.require(["intelligibility"])
    except MissingPartError as missing:
        pytest.skip(f"the recogniser is not installed: {missing}")
    row = {"item_id": "tiny-01", "question_text": "?", "language": "zh", "audio": str(TINY)}
    with Loopback() as server:
        judge = spec(server, options="&transcript=recognised")
        typed("score", rows(row, folder=tmp_path), "--judge", judge, "--out", tmp_path / "run", "--axes", "semantic")
        assert server.requests == 0
    (rating,) = wavjudge.load(tmp_path / "run").ratings()
    assert rating.status == "not_applicable" and "English only" in (rating.reason or "")
