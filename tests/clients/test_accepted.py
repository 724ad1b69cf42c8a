"""What a server will never take is not sent again and again, and what helps is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench.answers import write_answers
from tests.cli.typed import typed
from tests.loopback import Loopback
from tests.loopback.faults import Case
from wavjudge.api import runs
from wavjudge.clients.accepted import FAULTS_AT_START, Accepted, hint
from wavjudge.clients.base import Failure, RawReply, Reply, Request
from wavjudge.clients.wires.gemini import GeminiWire
from wavjudge.clients.wires.openai import OpenAIWire
from wavjudge.errors import NeverAcceptedError

SAID: list[tuple[str, int, str, str]] = [
    ("openai", 404, "The model `gpt-audio-9` does not exist or you do not have access to it.", "the model's name"),
    ("openai", 404, 'model "qwen9" not found, try pulling it first', "check the model's name"),
    ("openai", 400, "acme/judge is not a valid model ID", "check the model's name"),
    ("gemini", 404, "models/gemini-9 is not found for API version v1beta, or is not supported for generateContent.",
     "check the model's name"),
    ("openai", 404, "Not Found", "check base_url"),
    ("openai", 500, "audio input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
     "--mmproj"),
    ("openai", 501, "This server does not support audio.", "takes no audio"),
    ("openai", 404, "No endpoints found that support input audio", "takes no audio"),
    ("openai", 400, "Invalid content type. image_url is only supported by certain models.", "takes no audio"),
    ("openai", 400, "Unsupported value: 'temperature' does not support 0 with this model.", "leave that option out"),
    ("openai", 400, "At most 1 audio(s) may be provided in one prompt.", "question_audio=false"),
    ("openai", 500, "only one audio per request", "question_audio=false"),
    ("openai", 400, "This model only support stream mode, please enable the stream parameter to access the model.",
     "as a stream alone"),
    ("openai", 400, "Unrecognized request argument supplied: max_completion_tokens", "max_tokens_field=max_tokens"),
    ("openai", 400, "unknown variant `input_audio`, expected `text` or `image_url`", "part=audio_url"),
    ("openai", 400, "System role not supported", "instructions=user"),
    ("gemini", 400, "Budget 0 is invalid. This model only works in thinking mode.", "thinking_budget"),
    ("gemini", 500, "Audio input is not enabled for models/gemini-x", "takes no audio"),
]  # fmt: skip


def failure(kind: str, status: int, said: str) -> Failure:
    wire: Any = (
        OpenAIWire(base_url="http://127.0.0.1:1/v1") if kind == "openai" else GeminiWire(api_key="not-a-real-key")
    )
    body = {"error": {"message": said, "code": status}}
    found = wire.decode(RawReply(status, {}, json.dumps(body).encode()), Request("m", ()))
    assert isinstance(found, Failure)
    return found


@pytest.mark.parametrize(("kind", "status", "said", "helps"), SAID, ids=[f"{row[1]} {row[2][:30]}" for row in SAID])
def test_what_helps_is_said_and_nothing_is_retried(kind: str, status: int, said: str, helps: str) -> None:
    found = failure(kind, status, said)
    assert found.kind == "bad_request" and helps in hint(found.reason)
    accepted = Accepted("openai:m")
    for _ in range(FAULTS_AT_START):
        assert accepted.stop is None
        accepted.saw(found)
    with pytest.raises(NeverAcceptedError, match="4 requests were refused alike") as stop:
        accepted.admit()
    assert helps in stop.value.todo


@pytest.mark.parametrize(
    ("status", "said"),
    [(500, "Internal server error"), (503, "The model is overloaded."), (502, "Bad gateway"), (503, "Loading model"),
     (500, "audio decoder crashed, try again")],
)  # fmt: skip
def test_a_server_in_trouble_is_tried_again(status: int, said: str) -> None:
    assert failure("openai", status, said).kind == "unavailable" == failure("gemini", status, said).kind


@pytest.mark.parametrize(
    "said", ["This model's maximum context length is 8192 tokens.", "Audio duration exceeds 30 s", "Request too large"]
)
def test_what_a_single_request_is_refused_for_ends_nothing(said: str) -> None:
    accepted = Accepted("openai:m")
    for _ in range(20):
        accepted.saw(failure("openai", 400, said))
    assert accepted.stop is None


def test_one_success_leaves_the_way_open_and_other_causes_do_not_add_up() -> None:
    fault, other = failure("openai", 400, "bad temperature"), failure("openai", 400, "no such field")
    accepted = Accepted("openai:m")
    for one in (fault, fault, fault, other, other, Failure("unavailable", "x"), Failure("not_heard", "x"), other):
        accepted.saw(one)
    assert accepted.stop is None
    accepted.saw(Reply("4"))
    for _ in range(20):
        accepted.saw(fault)
    assert accepted.stop is None


def test_words_that_differ_in_names_alone_are_one_cause() -> None:
    accepted = Accepted("openai:m")
    for number in range(FAULTS_AT_START):
        accepted.saw(failure("openai", 400, f"Unhappy about request 'req-{number}' at 12:0{number}"))
    assert accepted.stop is not None


NO_REPLIES = [b"<html>Open WebUI</html>", b"{}", b"", b"null", b"[]", b'{"choices": [], "candidates": []}', b"pong"]


@pytest.mark.parametrize("wire", ["openai", "gemini"])
@pytest.mark.parametrize("body", NO_REPLIES, ids=lambda body: body.decode())
def test_what_is_no_reply_at_all_ends_it_once_two_requests_have_met_it(wire: str, body: bytes) -> None:
    made: Any = OpenAIWire(base_url="http://127.0.0.1:1/v1") if wire == "openai" else GeminiWire(api_key="not-a-key")
    found = made.decode(RawReply(200, {}, body), Request("m", ()))
    assert isinstance(found, Failure) and found.kind == "malformed" and "check base_url" in hint(found.reason)
    accepted = Accepted("openai:m")
    for _ in range(20):
        accepted.saw(found, "one request, sent again and again")
    assert accepted.stop is None
    accepted.saw(found, "another")
    assert accepted.stop is not None and "check base_url" in accepted.stop.todo


@pytest.mark.parametrize("wire", ["openai", "gemini"])
@pytest.mark.parametrize("status", [501, 505, 511])
def test_what_a_server_does_not_do_at_all_is_not_tried_again(wire: str, status: int) -> None:
    assert failure(wire, status, "not implemented for this model").kind == "bad_request"


def test_an_empty_text_is_another_matter_than_no_reply() -> None:
    wire = OpenAIWire(base_url="http://127.0.0.1:1/v1")
    body = b'{"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}'
    found, accepted = wire.decode(RawReply(200, {}, body), Request("m", ())), Accepted("openai:m")
    for number in range(20):
        accepted.saw(found, str(number))
    assert isinstance(found, Failure) and accepted.stop is None


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server that refuses with these words."""
    from tests.loopback import server as of

    said: dict[str, Any] = {}

    def cases(protocol: str) -> dict[str, Case]:
        text = json.dumps({"error": {"message": said["words"], "code": said["status"]}})
        return {"refused": Case("refused", text, {}, said["status"])}

    monkeypatch.setattr(of, "known_cases", cases)
    with Loopback() as server:
        server.plan = lambda number: "refused"
        yield server, said


def score(folder: Path, server: Loopback, pace: int = 1, count: int = 30) -> runs.Scored:
    spec = f"openai:m?base_url={server.openai_url}&max_in_flight={pace}"
    return runs.score(write_answers(folder / "answers", count), judges=[spec], out=folder / "run", axes=["overall"])


@pytest.mark.parametrize(
    ("status", "words", "helps"),
    [(404, "The model `m` does not exist", "check the model's name"),
     (500, "audio input is not supported", "--mmproj"),
     (413, "Request entity too large", "client_max_body_size"),
     (501, "not implemented for this model", "check base_url, the model's name"),
     (400, "At most 1 audio(s) may be provided in one request.", "question_audio=false")],
)  # fmt: skip
def test_a_judge_ends_after_a_few_and_the_same_command_goes_on_once_it_is_mended(
    tmp_path: Path, refusing: Any, status: int, words: str, helps: str
) -> None:
    server, said = refusing
    said.update(status=status, words=words)
    run = score(tmp_path, server)
    assert server.requests == FAULTS_AT_START
    assert run.summary is not None and isinstance(run.summary.stopped, NeverAcceptedError)
    assert helps in str(run.summary.stopped)
    assert [one.status for one in run.ratings()] == ["failed"] * FAULTS_AT_START
    server.plan = lambda number: None
    assert {one.status for one in score(tmp_path, server).ratings()} == {"ok"}
    assert server.requests == FAULTS_AT_START + 30


@pytest.mark.parametrize("body", ["<html>Open WebUI</html>", "{}", ""])
def test_an_address_that_gives_no_replies_ends_a_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    from tests.loopback import server as of

    monkeypatch.setattr(of, "known_cases", lambda protocol: {"none": Case("none", body, {}, 200)})
    with Loopback(plan=lambda number: "none") as server:
        spec = f"openai:m?base_url={server.openai_url}&max_in_flight=1&attempts=1"
        file = write_answers(tmp_path / "answers", 24)
        done = typed("score", file, "--judge", spec, "--axes", "overall", "--out", tmp_path / "run")
        assert server.requests == FAULTS_AT_START
        assert done.code == 2 and "check base_url" in " ".join(done.err.split())
        one = typed("score", write_answers(tmp_path / "one", 1), "--judge", spec, "--axes", "overall", "--out",
                    tmp_path / "run-1")  # fmt: skip
    assert one.code == 2 and "check base_url" in " ".join(one.err.split()), "also where there were too few to be sure"


def test_of_many_at_once_only_those_in_flight_are_sent(tmp_path: Path, refusing: Any) -> None:
    server, said = refusing
    said.update(status=404, words="The model `m` does not exist")
    server.latency_seconds = 0.02
    score(tmp_path, server, pace=8, count=60)
    assert server.requests <= FAULTS_AT_START + 8


def test_with_a_success_in_between_the_lane_goes_on(tmp_path: Path, refusing: Any) -> None:
    server, said = refusing
    said.update(status=400, words="bad temperature")
    server.plan = lambda number: None if number == 2 else "refused"
    run = score(tmp_path, server)
    assert server.requests == 30 and run.summary is not None and run.summary.stopped is None


def test_the_command_line_says_what_helps_and_ends_with_2(tmp_path: Path, refusing: Any) -> None:
    server, said = refusing
    said.update(status=400, words="Unsupported value: 'temperature' does not support 0 with this model.")
    for count, sent in ((30, FAULTS_AT_START), (2, 2)):
        file, before = write_answers(tmp_path / f"{count}", count), server.requests
        done = typed("score", file, "--judge", f"openai:m?base_url={server.openai_url}&max_in_flight=1&temperature=0",
                     "--axes", "overall", "--out", tmp_path / f"run-{count}")  # fmt: skip
        assert done.code == 2 and server.requests - before == sent
        assert "leave that option out of the SPEC" in " ".join(done.err.split())
