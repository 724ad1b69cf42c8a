"""The speech endpoints of the openai protocol: through the real SDK, and under the same onion as any other wire."""

from __future__ import annotations

import asyncio
import time

import pybase64
import pytest

from tests.clients.conversation import CLIP, KEY, audio_part, cancelled, check, check_secrets, exchange, run
from tests.loopback import Loopback, cases, spoken, wav
from wavjudge import audio
from wavjudge.clients.base import RawReply, Reply, Request, Sampling, TextPart, Wire
from wavjudge.clients.cache import ReplyCache
from wavjudge.clients.middleware import Meter, build_client
from wavjudge.clients.money.budget import Budget
from wavjudge.clients.money.prices import parse_price
from wavjudge.clients.retry import RetrySettings
from wavjudge.clients.wires.openai_speech import OpenAISpeechWire, OpenAITranscriptionWire
from wavjudge.errors import AuthError, BudgetError, InputError, SpecError
from wavjudge.types import Usage

WORDS = "Guten Tag,\n„schöner“ Morgen 早上好 😀"
SAY = Request("tts-model", (TextPart(WORDS),), "Cheerfully.", wants=("audio",), voice="coral")
WRITE = Request("asr-model", (audio_part(CLIP),), language="de")
WIRES = [(OpenAISpeechWire, SAY), (OpenAITranscriptionWire, WRITE)]
ERRORS = {name: case for name, case in cases("openai").items() if case.status >= 300 or name.startswith("error_200")}


def test_words_are_spoken(server: Loopback) -> None:
    (reply,) = run(OpenAISpeechWire(base_url=server.openai_url, api_key=KEY), SAY)
    received = server.received[-1]
    assert received.path == "/v1/audio/speech" and received.headers["Authorization"] == f"Bearer {KEY}"
    assert received.document == {
        "model": "tts-model", "input": WORDS, "voice": "coral", "instructions": "Cheerfully.", "response_format": "wav",
    }  # fmt: skip
    assert isinstance(reply, Reply) and reply.text == WORDS and reply.usage == Usage()
    assert reply.audio_wav == spoken.as_wav(spoken.pcm(WORDS, "coral"))
    assert audio.decode(reply.audio_wav, where="reply").seconds > 1
    check_secrets(reply)


def test_speech_is_written_down(server: Loopback) -> None:
    wire = OpenAITranscriptionWire(base_url=server.openai_url, api_key=KEY)
    full = Request("asr-model", WRITE.parts, "A telephone call.", Sampling(temperature=0.0), language="de")
    bare = Request("asr-model", (audio_part(wav(40.0)),))
    reply, _ = run(wire, full, bare)
    one, two = list(server.received)[-2:]
    encoded = pybase64.b64encode(CLIP).decode()
    assert one.path == "/v1/audio/transcriptions" and one.document == {
        "model": "asr-model", "response_format": "json", "language": "de", "prompt": "A telephone call.",
        "temperature": "0.0", "file": encoded,
    }  # fmt: skip
    assert set(two.document) == {"model", "response_format", "file"} and two.recordings[0].data == wav(40.0)
    assert reply == Reply("I heard 0.20 s of speech.", Usage(input_tokens=2, output_tokens=6, audio_input_tokens=2))


@pytest.mark.parametrize(("kind", "request_"), WIRES)
def test_every_stored_error_means_the_same_here(server: Loopback, kind: type[Wire], request_: Request) -> None:
    # one that echoes the recording has none to echo where text was sent
    errors = [name for name, case in ERRORS.items() if request_.audio_parts or "{AUDIO}" not in case.text]
    faults = iter(errors)
    server.plan = lambda number: next(faults)
    wire = kind(base_url=server.openai_url, api_key=KEY, timeout_seconds=20)
    assert len(errors) > 25
    for name, outcome in zip(errors, run(wire, *[request_] * len(errors)), strict=True):
        check(outcome, ERRORS[name].expect)


@pytest.mark.parametrize(("kind", "request_"), WIRES)
def test_deadlines_lost_connections_and_cancelling(server: Loopback, kind: type[Wire], request_: Request) -> None:
    wire = kind(base_url=server.openai_url, api_key=KEY, timeout_seconds=0.3)
    for name in ("cut", "disconnect", "reset", "garbage"):
        server.plan = lambda number, name=name: name
        check(run(wire, request_)[0], {"kind": "unavailable", "reason": ["connection failed"]})
    server.plan = lambda number: "slow"
    began = time.monotonic()
    check(run(wire, request_)[0], {"kind": "timeout", "reason": ["0.3 s"]})
    assert time.monotonic() - began < 5
    assert asyncio.run(_stopped(kind(base_url=server.openai_url, api_key=KEY), request_))
    server.plan = lambda number: None
    assert isinstance(run(wire, request_)[0], Reply)


async def _stopped(wire: Wire, request: Request) -> bool:
    stopped = await cancelled(exchange(wire, request))
    await wire.aclose()
    return stopped


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"", "an empty body"), (b'{"text": "no sound"}', "20 bytes that are no WAV file"), (b"<html>", "no WAV file"),
     (b"ID3\x04 an MP3", "no WAV file"), (b"\x00\x01" * 50, "100 bytes"), (b"RIFF\0\0\0\0AVI LIST", "no WAV file")],
)  # fmt: skip
def test_what_is_no_sound_is_malformed(body: bytes, reason: str) -> None:
    wire = OpenAISpeechWire(api_key=KEY)
    check(wire.decode(RawReply(200, {}, body), SAY), {"kind": "malformed", "reason": [reason, "200"]})


def test_an_error_in_a_wav_s_place_is_an_error() -> None:
    raw = RawReply(500, {}, spoken.as_wav(bytes(8)))
    check(OpenAISpeechWire(api_key=KEY).decode(raw, SAY), {"kind": "unavailable", "http_status": 500})


@pytest.mark.parametrize(
    ("body", "outcome"),
    [(b'{"text": ""}', ""), (b'{"text": " Hm.\\n", "usage": {"type": "duration", "seconds": 3}}', " Hm.\n"),
     (b"{}", None), (b'{"text": null}', None), (b"[]", None), (b"plain words", None), (b"", None)],
)  # fmt: skip
def test_a_transcript_may_be_empty_but_not_missing(body: bytes, outcome: str | None) -> None:
    got = OpenAITranscriptionWire(api_key=KEY).decode(RawReply(200, {}, body), WRITE)
    if outcome is None:
        check(got, {"kind": "malformed"})
    else:
        assert got == Reply(outcome)


def test_requests_that_cannot_be() -> None:
    clip = audio_part(CLIP)
    for parts in ((), (TextPart(" \n"),), (clip,), (TextPart("a"), clip)):
        with pytest.raises(InputError, match="expected text"):
            OpenAISpeechWire(api_key=KEY).encode(Request("m", parts))
    for parts in ((), (TextPart("a"),), (clip, clip)):
        with pytest.raises(InputError, match="expected one recording"):
            OpenAITranscriptionWire(api_key=KEY).encode(Request("m", parts))


def test_options_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for kind, _ in WIRES:
        with pytest.raises(AuthError):
            kind()
        with pytest.raises(SpecError, match="/v1"):
            kind(base_url="http://h/v1/audio/speech")


def test_the_onion_fits_around_both(server: Loopback, tmp_path) -> None:
    plan = ["rate_limited_ms", "server_error", None, "rate_limited_ms", None]
    faults = iter(
        [name if name in cases("openai") else None if name is None else "error_200_upstream" for name in plan]
    )
    server.plan = lambda number: next(faults)
    meter, cache = Meter(), ReplyCache(tmp_path / "replies.sqlite")

    async def cascade() -> list[Reply]:
        replies = []
        for kind, request in (*WIRES, *WIRES):
            wire = kind(base_url=server.openai_url, api_key=KEY)
            client = build_client(wire, cache=cache, meter=meter, settings=RetrySettings(base_seconds=0.01))
            replies.append(await client.complete(request))
            await client.aclose()
        return replies

    spoken_, written, again, once_more = asyncio.run(cascade())
    cache.close()
    assert isinstance(spoken_, Reply) and isinstance(written, Reply) and (spoken_.attempts, written.attempts) == (3, 2)
    assert again.cached and once_more.cached and again.audio_wav == spoken_.audio_wav and once_more.text == written.text
    assert (meter.calls, meter.cached, meter.retries) == (2, 2, 3)


def test_a_budget_refuses_what_has_no_price(server: Loopback) -> None:
    client = build_client(OpenAISpeechWire(base_url=server.openai_url, api_key=KEY), budget=Budget(1.0))
    with pytest.raises(BudgetError, match="price"):
        asyncio.run(client.complete(SAY))
    meter = Meter()
    price = parse_price("text_in=1,text_out=1,audio_in=2")
    wire = OpenAITranscriptionWire(base_url=server.openai_url, api_key=KEY)
    client = build_client(wire, budget=Budget(1.0), price=price, meter=meter)

    async def ask() -> None:
        await client.complete(WRITE)
        await client.aclose()

    asyncio.run(ask())
    assert meter.usd == pytest.approx((2 * 2 + 6) / 1e6) and meter.unpriced == 0
