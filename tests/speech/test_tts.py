"""Voices: what they say, and that they do not disturb one another."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.signals.sounds import needs_espeak, say
from wavjudge import audio
from wavjudge.audio import AudioFault
from wavjudge.errors import AuthError, MissingPartError, SpecError
from wavjudge.judges.build import JudgeContext
from wavjudge.speech import tts
from wavjudge.speech.base import Lost
from wavjudge.speech.tts import Spoken, Tts, build_tts

SHOP = JudgeContext(prompts=())


def heard(voice: Tts, *texts: str, language: str | None = "en") -> list[Spoken | Lost]:
    async def all_at_once() -> list[Spoken | Lost]:
        return await asyncio.gather(*(voice.speak(text, language) for text in texts))

    return asyncio.run(all_at_once())


def seconds(said: Spoken | Lost) -> float:
    assert isinstance(said, Spoken)
    return audio.decode(said.audio, where="voice").seconds


@needs_espeak
def test_longer_texts_take_longer_and_a_quicker_voice_less() -> None:
    voice = build_tts("espeak", SHOP)
    short, long = heard(voice, "Four.", "Four and four are eight, and eight and eight are sixteen.")
    assert 0.2 < seconds(short) < 2 < seconds(long) < 8
    quick, *_ = heard(build_tts("espeak?words_per_minute=330", SHOP),
                      "Four and four are eight, and eight and eight are sixteen.")  # fmt: skip
    assert seconds(quick) < 0.7 * seconds(long)


@needs_espeak
def test_many_at_once_come_out_apart() -> None:
    texts = ["One." if number % 2 else "A much longer sentence, with many more words in it." for number in range(16)]
    long = [seconds(said) > 2 for said in heard(build_tts("espeak", SHOP), *texts)]
    assert long == [number % 2 == 0 for number in range(16)]


@needs_espeak
def test_a_text_without_a_word_makes_no_sound_and_an_odd_one_does_no_harm() -> None:
    voice = build_tts("espeak", SHOP)
    for said in heard(voice, "...", "", "   ", "\n"):
        assert isinstance(said, Spoken)
        with pytest.raises(AudioFault) as caught:
            audio.decode(said.audio, where="voice")
        assert caught.value.outcome == "no_speech"
    for said in heard(voice, "a\0b", "<speak>hello</speak>", "你好", "😀 hello", "hello " * 300):
        assert seconds(said) > 0.1


@needs_espeak
def test_languages_and_voices_that_are_not_there() -> None:
    assert seconds(*heard(build_tts("espeak", SHOP), "Guten Morgen", language="de-AT")) > 0.3
    (lost,) = heard(build_tts("espeak", SHOP), "hello", language="tlh-x")
    assert isinstance(lost, Lost) and "no voice 'tlh'" in lost.reason
    (lost,) = heard(build_tts("espeak?voice=nobody", SHOP), "hello")
    assert isinstance(lost, Lost) and "no voice 'nobody'" in lost.reason


@needs_espeak
def test_the_voice_of_the_tests_and_this_one_share_a_library_and_live() -> None:
    before = say("one and two").seconds
    heard(build_tts("espeak", SHOP), "Guten Morgen", language="de")
    assert say("two and three").seconds == pytest.approx(before, rel=0.6)


@pytest.mark.parametrize(
    ("spec", "error", "problem"),
    [
        ("loud", SpecError, "the voice kind 'loud'"),
        ("espeak:nora", SpecError, "expected something like espeak"),
        ("espeak?words_per_minute=9", SpecError, "words_per_minute=9"),
        ("openai", SpecError, "expected something like openai:"),
        ("openai:m", AuthError, "OPENAI_API_KEY"),
        ("openai:m?base_url=http://127.0.0.1:1/v1&vioce=nova", SpecError, "did you mean voice?"),
    ],
)
def test_specs_that_cannot_be(spec: str, error: type[Exception], problem: str) -> None:
    with pytest.raises(error, match=problem):
        build_tts(spec, SHOP)


@pytest.fixture
def without_the_extra(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    return monkeypatch


def test_the_system_s_espeak_serves_where_the_extra_is_missing(without_the_extra: pytest.MonkeyPatch) -> None:
    without_the_extra.setattr(tts, "find_library", {"espeak-ng": "libespeak-ng.so.1"}.get)
    assert tts._installed() == ("libespeak-ng.so.1", None)


def test_where_neither_is_installed_both_ways_are_named(without_the_extra: pytest.MonkeyPatch) -> None:
    without_the_extra.setattr(tts, "find_library", lambda name: None)
    with pytest.raises(MissingPartError) as caught:
        tts._installed()
    assert "wavjudge[tts]" in str(caught.value) and "apt install espeak-ng" in str(caught.value)
