"""OpenAIWire with speech wanted back and with a conversation behind it, through the real SDK."""

from __future__ import annotations

import json
from dataclasses import replace

import orjson
import pybase64
import pytest

from tests.clients.conversation import (
    ANSWER,
    CLIP,
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
    sound,
)
from tests.loopback import WORD, Loopback, cases, spoken
from wavjudge import audio
from wavjudge.clients.base import Failure, RawReply, Reply, Request, Said, TextPart
from wavjudge.clients.wires.openai import OpenAIWire
from wavjudge.errors import InputError, SpecError

CASES = cases("openai_audio")
PURE = OpenAIWire(api_key=KEY)


@pytest.fixture
def wire(server: Loopback) -> OpenAIWire:
    return OpenAIWire(base_url=server.openai_url, api_key=KEY, timeout_seconds=20)


def blob(clip: bytes) -> dict[str, object]:
    return {"type": "input_audio", "input_audio": {"data": pybase64.b64encode(clip).decode(), "format": "wav"}}


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def test_decode_survives_any_damage() -> None:
    case = cases("openai_audio")["choices_of_their_own"]
    document = json.loads(case.body(KEY, "").decode())
    for body in map(orjson.dumps, damaged(document)):
        assert isinstance(PURE.decode(RawReply(200, {}, body), SPEAK), Reply | Failure)


def test_a_judge_hears_nothing_of_audio() -> None:
    reply = PURE.decode(raw_of(CASES["choices_of_their_own"]), REQUEST)
    assert isinstance(reply, Reply) and reply.audio_wav is None and reply.text == "Hello."
    written = PURE.decode(raw_of(CASES["spoken_and_written"]), REQUEST)
    assert isinstance(written, Reply) and written.audio_wav is None and written.text == "Hello, in writing."
    check(PURE.decode(raw_of(CASES["spoken"]), REQUEST), {"kind": "malformed", "reason": ["without text"]})


def test_what_is_sent_to_get_speech() -> None:
    document = json.loads(PURE.encode(SPEAK))
    assert document["modalities"] == ["text", "audio"] and document["audio"] == {"voice": "coral", "format": "wav"}
    assert json.loads(PURE.encode(replace(SPEAK, voice=None)))["audio"] == {"format": "wav"}
    judge = json.loads(PURE.encode(REQUEST))
    assert judge == {name: value for name, value in document.items() if name not in ("modalities", "audio")}


def test_the_spoken_answer_arrives_byte_for_byte(server: Loopback, wire: OpenAIWire) -> None:
    reply, other = run(wire, SPEAK, replace(SPEAK, voice="ash"))
    assert isinstance(reply, Reply) and isinstance(other, Reply) and reply.text.count("I heard") == 1
    assert reply.audio_wav == spoken.as_wav(spoken.pcm(reply.text, "coral"))
    assert other.audio_wav == spoken.as_wav(spoken.pcm(reply.text, "ash")) != reply.audio_wav
    wave = audio.decode(reply.audio_wav, where="reply")
    assert wave.sample_rate_hz == 24_000 and 0.2 < abs(wave.samples).max() < 1
    assert reply.usage.audio_output_tokens == int(10 * wave.seconds) and server.received[-1].voice == "ash"
    check_secrets(reply)


def test_a_minute_of_speech_arrives(server: Loopback, wire: OpenAIWire) -> None:
    long = TextPart("".join(f"<justification-{number}>" for number in range(60)))
    (reply,) = run(wire, replace(SPEAK, parts=(long, *REQUEST.audio_parts)))
    assert isinstance(reply, Reply) and reply.audio_wav is not None and len(reply.audio_wav) > 3 * 2**20


def test_a_conversation_is_sent_back_in_words() -> None:
    assert json.loads(PURE.encode(TALK))["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [blob(FIRST), text("Hi?")]},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": [blob(SECOND)]},
    ]


@pytest.mark.parametrize(("replay", "own"), [("text", []), ("audio", [ANSWER])])
def test_what_the_server_gets_of_a_conversation(server: Loopback, replay: str, own: list[bytes]) -> None:
    server.plan = lambda number: None
    wire = OpenAIWire(base_url=server.openai_url, api_key=KEY, replay=replay)
    (reply,) = run(wire, TALK)
    turns = server.received[-1].turns
    assert [(turn.role, turn.text) for turn in turns] == [
        ("system", "Be brief."), ("user", "Hi?"), ("assistant", "Yes."), ("user", ""),
    ]  # fmt: skip
    assert [[r.data for r in turn.recordings] for turn in turns] == [[], [FIRST], own, [SECOND]]
    assert b'"id"' not in server.received[-1].body  # no audio id of the provider, which would expire
    assert isinstance(reply, Reply) and sound(reply) is not None
    assert reply.usage.audio_input_tokens == int(10 * (0.7 + 0.25 * bool(own)))


def test_an_answer_without_words_cannot_be_sent_back_as_text() -> None:
    for parts in ((), (TextPart(" "),), TALK.earlier[1].parts[:1]):
        wordless = replace(TALK, earlier=(Said("assistant", parts),))
        with pytest.raises(InputError, match="without text"):
            PURE.encode(wordless)
    sent = json.loads(OpenAIWire(api_key=KEY, replay="audio").encode(wordless))
    assert sent["messages"][1] == {"role": "assistant", "content": [blob(ANSWER)]}
    with pytest.raises(SpecError, match="replay"):
        OpenAIWire(api_key=KEY, replay="id")


def test_zero_audio_tokens_count_against_what_was_sent_as_audio() -> None:
    raw = raw_of(CASES["deaf"])
    typed = Request("m", (TextPart("And now?"),), wants=("text", "audio"))
    for earlier, heard in (((), True), (TALK.earlier[1:], True), (TALK.earlier[:1], False), (TALK.earlier, False)):
        outcome = PURE.decode(raw, replace(typed, earlier=earlier))
        assert isinstance(outcome, Reply) == heard, earlier
    own_audio = OpenAIWire(api_key=KEY, replay="audio").decode(raw, replace(typed, earlier=TALK.earlier[1:]))
    check(own_audio, {"kind": "not_heard"})


def test_a_wav_whose_writer_did_not_know_its_length_is_kept() -> None:
    head = bytearray(spoken.as_wav(WORD))
    head[4:8] = head[40:44] = b"\xff\xff\xff\xff"
    body = CASES["spoken"].text.replace("{WAV}", pybase64.b64encode(bytes(head)).decode()).encode()
    reply = PURE.decode(RawReply(200, {}, body), SPEAK)
    assert isinstance(reply, Reply) and reply.audio_wav == bytes(head)
    assert audio.decode(reply.audio_wav, where="reply").seconds == pytest.approx(0.3)


def test_the_clip_is_loaded_once_a_body() -> None:
    loads: list[int] = []
    part = replace(SPEAK.audio_parts[0], load=lambda: (loads.append(1), CLIP)[1])
    PURE.encode(replace(TALK, earlier=(Said("user", (part,)), TALK.earlier[1])))
    assert len(loads) == 1
