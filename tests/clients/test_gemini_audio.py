"""GeminiWire with speech wanted back and with a conversation behind it, through the real SDK."""

from __future__ import annotations

import json
from dataclasses import replace

import orjson
import pybase64
import pytest

from tests.clients.conversation import (
    ANSWER,
    FIRST,
    KEY,
    REQUEST,
    SECOND,
    SPEAK,
    TALK,
    check,
    check_secrets,
    damaged,
    raw_of,
    run,
)
from tests.loopback import WORD, Loopback, cases, spoken
from wavjudge import audio
from wavjudge.clients.base import Failure, RawReply, Reply, Said
from wavjudge.clients.wires.gemini import GeminiWire

CASES = cases("gemini_audio")
PURE = GeminiWire(api_key=KEY)


@pytest.fixture
def wire(server: Loopback) -> GeminiWire:
    return GeminiWire(base_url=server.gemini_url, api_key=KEY, timeout_seconds=20)


def blob(clip: bytes) -> dict[str, object]:
    return {"inlineData": {"mimeType": "audio/wav", "data": pybase64.b64encode(clip).decode()}}


def test_decode_survives_any_damage() -> None:
    for name in ("spoken_in_pieces", "output_transcription"):
        document = json.loads(CASES[name].body(KEY, "").decode())
        for body in map(orjson.dumps, damaged(document)):
            assert isinstance(PURE.decode(RawReply(200, {}, body), SPEAK), Reply | Failure)


def test_samples_are_wrapped_and_not_touched() -> None:
    reply = PURE.decode(raw_of(CASES["spoken_in_pieces"]), SPEAK)
    assert isinstance(reply, Reply) and reply.audio_wav == spoken.as_wav(WORD + WORD)
    stereo = PURE.decode(raw_of(CASES["media_type_shouted"]), SPEAK)
    assert isinstance(stereo, Reply) and stereo.audio_wav is not None
    assert stereo.audio_wav[44:] == WORD and stereo.audio_wav[22:28] == b"\x02\x00\x80\x3e\x00\x00"


def test_a_judge_hears_nothing_of_audio() -> None:
    reply = PURE.decode(raw_of(CASES["words_beside"]), REQUEST)
    assert isinstance(reply, Reply) and reply.audio_wav is None and reply.text == "Hello."
    check(PURE.decode(raw_of(CASES["spoken"]), REQUEST), {"kind": "malformed", "reason": ["without text"]})


def test_what_is_sent_to_get_speech() -> None:
    plain = json.loads(PURE.encode(REQUEST))
    document = json.loads(PURE.encode(SPEAK))
    assert document.pop("generationConfig") == {
        "responseModalities": ["AUDIO"],
        "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "coral"}}},
    }
    assert document == plain
    silent = json.loads(PURE.encode(replace(SPEAK, voice=None)))
    assert silent["generationConfig"] == {"responseModalities": ["AUDIO"]}


def test_the_spoken_answer_arrives_sample_for_sample(server: Loopback, wire: GeminiWire) -> None:
    (reply,) = run(wire, SPEAK)
    assert isinstance(reply, Reply) and reply.text == "" and reply.audio_wav is not None
    wave = audio.decode(reply.audio_wav, where="reply")
    assert server.received[-1].voice == "coral" and wave.sample_rate_hz == 24_000
    assert reply.usage.audio_output_tokens == int(32 * wave.seconds) == reply.usage.output_tokens
    check_secrets(reply)


def test_what_the_server_gets_of_a_conversation(server: Loopback, wire: GeminiWire) -> None:
    (reply,) = run(wire, TALK)
    received = server.received[-1]
    assert received.document["contents"] == [
        {"role": "user", "parts": [blob(FIRST), {"text": "Hi?"}]},
        {"role": "model", "parts": [blob(ANSWER), {"text": "Yes."}]},
        {"role": "user", "parts": [blob(SECOND)]},
    ]
    assert [[r.data for r in turn.recordings] for turn in received.turns] == [[], [FIRST], [ANSWER], [SECOND]]
    assert isinstance(reply, Reply) and reply.usage.audio_input_tokens == int(32 * 0.95)


def test_audio_of_earlier_turns_counts_as_audio() -> None:
    raw = raw_of(CASES["deaf"])
    typed = replace(SPEAK, parts=SPEAK.parts[:1])
    assert isinstance(PURE.decode(raw, typed), Reply)
    check(PURE.decode(raw, replace(typed, earlier=(Said("assistant", SPEAK.audio_parts),))), {"kind": "not_heard"})
