"""What a request is known by: unchanged for judges, and every part of a conversation counts."""

from __future__ import annotations

from dataclasses import replace

from tests.clients.conversation import ANSWER, CLIP, FIRST, SECOND, TALK, audio_part
from wavjudge.clients.base import AudioPart, Request, Said, Sampling, TextPart
from wavjudge.clients.cache import request_key

CHANGES = [
    replace(TALK, earlier=()),
    replace(TALK, earlier=TALK.earlier[:1]),
    replace(TALK, earlier=TALK.earlier[::-1]),
    replace(TALK, earlier=(Said("assistant", TALK.earlier[0].parts), TALK.earlier[1])),
    replace(TALK, earlier=(Said("user", TALK.earlier[0].parts[::-1]), TALK.earlier[1])),
    replace(TALK, earlier=(Said("user", (*TALK.earlier[0].parts, *TALK.earlier[1].parts)),)),
    replace(TALK, earlier=(Said("user", (audio_part(CLIP), TextPart("Hi?"))), TALK.earlier[1])),
    replace(TALK, earlier=(), parts=TALK.all_parts),
    replace(TALK, voice=None),
    replace(TALK, voice="ash"),
    replace(TALK, language="coral"),
    replace(TALK, voice=None, language="coral"),
    replace(TALK, wants=("text",)),
]


def test_the_digest_of_a_judge_s_request_is_the_one_of_old_runs() -> None:
    # Computed before a request knew of conversations. If this changes, no old run can be replayed.
    part = AudioPart("a" * 64, "pcm16-16000-mono", 1.0, 16000, 32044, lambda: b"")
    request = Request("m", (TextPart("Rate this:"), part), "You judge.", Sampling(temperature=1), repeat=2)
    assert request.digest == "da24ea7c48176192"


def test_everything_said_changes_digest_and_key() -> None:
    for known in (lambda request: request.digest, lambda request: request_key(request, "openai")):
        assert len({known(request) for request in [TALK, *CHANGES]}) == len(CHANGES) + 1
    assert replace(TALK).digest == TALK.digest


def test_the_audio_of_every_turn_is_audio_of_the_request() -> None:
    assert [part.load() for part in TALK.audio_parts] == [FIRST, ANSWER, SECOND]
    assert TALK.wav_bytes == len(FIRST) + len(ANSWER) + len(SECOND)
    assert TALK.all_parts[-1:] == TALK.parts and len(TALK.all_parts) == 5
