"""Audio in replies: any bytes survive base64 of any alphabet, and any samples a header."""

from __future__ import annotations

import base64
import io
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavjudge import audio
from wavjudge.clients.wires.sound import is_wav, unbase64, wav_in, wav_of


@given(st.binary(max_size=40))
def test_base64_of_both_alphabets_padded_or_not(data: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(data).decode()
        assert unbase64(text) == unbase64(text.rstrip("=")) == data


@pytest.mark.parametrize("text", ["A", "AAA AAA", "AAA\n", "é" * 4, "A===", "AAAA====A", "\ud800AAA", "{}", "AA=A"])
def test_what_is_not_base64_is_none(text: str) -> None:
    assert unbase64(text) is None and wav_in(text) == "audio that is not base64"


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_media_type_and_any_data_give_a_file_or_words(media_type: str, data: str) -> None:
    for named in (media_type, f"audio/l16;rate={media_type}", f"audio/L16;rate=8000;channels={media_type}"):
        made = wav_of([(named, data)])
        assert isinstance(made, str) or is_wav(made)


FRAMES = st.integers(0, 4).flatmap(lambda count: st.binary(min_size=4 * count, max_size=4 * count))


@given(st.lists(FRAMES, min_size=1, max_size=4), st.sampled_from((1, 2)), st.integers(1000, 768_000))
def test_a_wav_of_raw_samples_reads_back(pieces: list[bytes], channels: int, rate_hz: int) -> None:
    named = f"audio/L16;codec=pcm;rate={rate_hz}; channels={channels}"
    made = wav_of([(named, base64.b64encode(piece).decode()) for piece in pieces])
    assert isinstance(made, bytes)
    with wave.open(io.BytesIO(made)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (rate_hz, channels, 2)
        assert file.readframes(file.getnframes()) == b"".join(pieces)


def test_the_low_byte_comes_first() -> None:
    made = wav_of([("audio/L16;rate=8000", base64.b64encode(b"\x00\x40\x00\xc0" * 10).decode())])
    assert isinstance(made, bytes)
    assert audio.decode(made, where="made").samples.tolist() == [0.5, -0.5] * 10
