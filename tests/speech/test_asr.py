"""Ears: speech written down, offline and behind an endpoint."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from tests.loopback import Loopback
from tests.loopback.verdict import wav
from tests.signals.sounds import needs_espeak, needs_models, say
from wavjudge.errors import SpecError
from wavjudge.judges.build import JudgeContext
from wavjudge.speech.asr import Asr, Heard, build_asr
from wavjudge.speech.base import Lost
from wavjudge.types import AudioRef

SHOP = JudgeContext(prompts=())


def hear(ear: Asr, data: bytes, folder: Path, *, language: str | None = "en", seconds: float = 0.1) -> Heard | Lost:
    path = folder / "clip.wav"
    path.write_bytes(data)
    ref = AudioRef(path=str(path), sha256=hashlib.sha256(data).hexdigest(), seconds=seconds, sample_rate_hz=16000)

    async def once() -> Heard | Lost:
        try:
            return await ear.hear(ref, path, language)
        finally:
            await ear.aclose()

    return asyncio.run(once())


def served(server: Loopback, options: str = "") -> Asr:
    return build_asr(f"openai:listener?base_url={server.openai_url}&attempts=1{options}", SHOP)


def test_an_ear_behind_an_endpoint_is_sent_the_sound_and_the_language(tmp_path: Path) -> None:
    with Loopback(keep=3) as server:
        heard = hear(served(server), wav(0.5), tmp_path, language="en-GB", seconds=0.5)
        (received,) = server.received
    assert isinstance(heard, Heard) and heard.text == "I heard 0.50 s of speech."
    assert heard.call is not None and heard.call.usage.audio_input_tokens == 5
    assert received.path == "/v1/audio/transcriptions" and received.document["language"] == "en"
    assert received.recordings[0].data == wav(0.5)


@pytest.mark.parametrize("fault", ["server_500", "bad_request", "disconnect", "html_200"])
def test_what_it_could_not_hear_is_lost_and_no_words(fault: str, tmp_path: Path) -> None:
    with Loopback([fault]) as server:
        lost = hear(served(server), wav(0.1), tmp_path)
    assert isinstance(lost, Lost) and lost.reason.startswith("the ear openai:listener failed: ")


def test_a_recording_that_changed_is_lost(tmp_path: Path) -> None:
    data, path = wav(0.1), tmp_path / "clip.wav"
    path.write_bytes(wav(0.2))
    ref = AudioRef(path=str(path), sha256=hashlib.sha256(data).hexdigest(), seconds=0.1, sample_rate_hz=16000)
    with Loopback() as server:
        lost = asyncio.run(served(server).hear(ref, path, "en"))
        assert server.requests == 0
    assert isinstance(lost, Lost) and "has changed" in lost.reason


@needs_models
@needs_espeak
def test_the_offline_ear_hears_english_and_says_that_it_knows_no_other(tmp_path: Path) -> None:
    clip = say("The train leaves at seven in the morning.")
    heard = hear(build_asr("moonshine", SHOP), clip.to_wav(), tmp_path, seconds=clip.seconds)
    assert isinstance(heard, Heard) and "train" in heard.text.lower() and heard.call is None
    lost = hear(build_asr("moonshine", SHOP), clip.to_wav(), tmp_path, language="de")
    assert isinstance(lost, Lost) and "English only" in lost.reason


@pytest.mark.parametrize(
    ("spec", "problem"),
    [("deaf", "the ear kind 'deaf'"), ("moonshine?size=9", "the option 'size'"), ("moonshine:x", "expected something")],
)
def test_specs_that_cannot_be(spec: str, problem: str) -> None:
    with pytest.raises(SpecError, match=problem):
        build_asr(spec, SHOP)
