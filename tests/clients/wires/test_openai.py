"""OpenAIWire: the real SDK down to the socket, against the loopback server and the stored replies."""

from __future__ import annotations

import json
import subprocess
import sys

import orjson
import pybase64
import pytest

from tests.clients.conversation import (
    CLIP,
    FULL,
    KEY,
    PROMPT,
    REQUEST,
    ask,
    check,
    check_secrets,
    damaged,
    raw_of,
    run,
)
from tests.loopback import Loopback, cases, score, wav
from wavjudge.clients.base import Failure, RawReply, Reply, Request, TextPart
from wavjudge.clients.wires.openai import AudioForm, OpenAIWire
from wavjudge.errors import AuthError, SpecError

CASES = cases("openai")
PURE = OpenAIWire(api_key=KEY)
FORMS: dict[AudioForm, str] = {
    "input_audio": '{"type":"input_audio","input_audio":{"data":"%s","format":"wav"}}',
    "input_audio_uri": '{"type":"input_audio","input_audio":{"data":"data:audio/wav;base64,%s","format":"wav"}}',
    "audio_url": '{"type":"audio_url","audio_url":{"url":"data:audio/wav;base64,%s"}}',
}


@pytest.fixture
def wire(server: Loopback) -> OpenAIWire:
    return OpenAIWire(base_url=server.openai_url, api_key=KEY, timeout_seconds=20)


def test_decode_survives_any_damage() -> None:
    whole = orjson.dumps(json.loads(CASES["answer"].text))
    bodies = [whole[:end] for end in range(len(whole))]
    bodies += [orjson.dumps(document) for document in damaged(json.loads(CASES["answer"].text))]
    bodies += [orjson.dumps(document) for document in damaged(json.loads(CASES["rate_limited"].text))]
    for body in [*bodies, b"\xff\xfe", b"[" * 5000, b"\x00", b'{"choices":[[]]}', b"1" * 5000]:
        for status in (200, 400, 429):
            outcome = PURE.decode(RawReply(status, {"retry-after": "never"}, body), REQUEST)
            assert isinstance(outcome, Reply | Failure)


@pytest.mark.parametrize("part", FORMS)
def test_body_is_what_json_dumps_writes(part: AudioForm) -> None:
    other = wav(0.1, seed=1)
    request = ask(CLIP, other, sampling=FULL, system="Be \ud800 fair.")
    texts = [TextPart(PROMPT), TextPart("Recording:")]
    audio = [json.loads(FORMS[part] % pybase64.b64encode(clip).decode()) for clip in (CLIP, other)]
    prompt, label = ({"type": "text", "text": text.text} for text in texts)
    expected = {
        "model": "judge-model", "temperature": 0.5, "top_p": 0.9, "seed": 7, "max_completion_tokens": 300,
        "messages": [
            {"role": "system", "content": "Be \ud800 fair."},
            {"role": "user", "content": [prompt, label, audio[0], label, audio[1]]},
        ],
    }  # fmt: skip
    body = OpenAIWire(api_key=KEY, part=part).encode(request)
    assert body == json.dumps(expected, separators=(",", ":")).encode()


def test_what_is_not_given_is_not_sent() -> None:
    assert set(json.loads(PURE.encode(REQUEST))) == {"model", "messages"}
    zero = Request("m", (TextPart("x"),), sampling=type(FULL)(temperature=0.0, seed=0, max_tokens=5))
    document = json.loads(OpenAIWire(api_key=KEY, max_tokens_field="max_tokens").encode(zero))
    assert document == {
        "model": "m", "temperature": 0.0, "seed": 0, "max_tokens": 5,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
    }  # fmt: skip


@pytest.mark.parametrize("part", FORMS)
def test_audio_arrives_byte_for_byte_and_the_verdict_comes_back(server: Loopback, part: AudioForm) -> None:
    server.plan = lambda number: None
    clips = [wav(0.3, seed=2), CLIP]
    wire = OpenAIWire(base_url=server.openai_url, api_key=KEY, part=part)
    (reply,) = run(wire, ask(*clips, system="Be fair."))
    received = server.received[-1]
    assert [r.data for r in received.recordings] == clips
    assert received.body == wire.encode(ask(*clips, system="Be fair."))
    assert received.headers["Authorization"] == f"Bearer {KEY}"
    heard = " ".join(r.sha256 for r in received.recordings)
    assert isinstance(reply, Reply) and reply.resolved_model == "loopback-judge-1"
    assert f"<score-semantic>{score(heard, 'score-semantic', 3)}</score-semantic>" in reply.text
    assert reply.usage.audio_input_tokens == 5
    check_secrets(reply)


def test_wrong_key_is_auth(server: Loopback) -> None:
    check(run(OpenAIWire(base_url=server.openai_url, api_key="wrong"))[0], {"kind": "auth", "http_status": 401})


def test_zero_audio_tokens_count_only_with_audio_and_from_a_trusted_server() -> None:
    raw = raw_of(CASES["zero_audio_tokens"])
    assert isinstance(PURE.decode(raw, Request("m", (TextPart("x"),))), Reply)
    assert isinstance(OpenAIWire(api_key=KEY, trust_audio_tokens=False).decode(raw, REQUEST), Reply)


def test_a_date_without_a_date_is_read_against_the_clock() -> None:
    wire = OpenAIWire(api_key=KEY, now=lambda: 0.0)
    for date, waits in (("Thu, 01 Jan 1970 00:00:09 GMT", 9.0), ("Wed, 31 Dec 1969 23:59:00 GMT", 0.0)):
        check(wire.decode(RawReply(429, {"retry-after": date}, b""), REQUEST), {
            "kind": "rate_limited", "retry_after_seconds": waits,
        })  # fmt: skip


def test_a_key_of_the_environment_goes_to_openai_only(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    run(OpenAIWire(base_url=server.openai_url))
    assert KEY not in str(server.received[-1].headers)
    monkeypatch.setenv("OPENAI_BASE_URL", server.openai_url)
    assert isinstance(run(OpenAIWire())[0], Reply)


def test_options_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for key in (None, " ", "k\u201cey", "two words"):
        with pytest.raises(AuthError):
            OpenAIWire(api_key=key)
    for options in (
        {"base_url": "localhost:8000"}, {"base_url": "http://h/v1/chat/completions"}, {"timeout_seconds": 0},
        {"timeout_seconds": float("nan")}, {"part": "mp3"}, {"max_tokens_field": "n"},
    ):  # fmt: skip
        with pytest.raises(SpecError):
            OpenAIWire(api_key=KEY, **options)


def test_importing_loads_no_sdk() -> None:
    script = (
        "import sys, wavjudge.clients.wires.openai, wavjudge.clients.wires.gemini;"
        "sys.exit(str({'openai', 'google.genai', 'httpx2', 'aiohttp'} & set(sys.modules) or ''))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stderr.strip() == ""


def test_a_body_of_megabytes_is_sent_even_where_warnings_are_errors(server: Loopback) -> None:
    (outcome,) = run(OpenAIWire(base_url=server.openai_url, api_key=KEY), ask(wav(90.0)))
    assert isinstance(outcome, Reply)
    assert len(server.received[-1].body) > 3 * 2**20
