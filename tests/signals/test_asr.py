import numpy as np
import pytest

from tests.signals.sounds import needs_espeak, needs_models, say
from wavjudge.signals import asr, words

SENTENCES = [
    "The weather is lovely today, so we should go for a walk in the park.",
    "I am sorry to hear that you lost your job, please let me know how I can help.",
    "Please close the window before you leave the house.",
]


@needs_models
@needs_espeak
def test_hears_what_espeak_says():
    errors = [words.error_rate(text, asr.recognise(_at_16k(text)).text) for text in SENTENCES]
    assert sum(errors) / len(errors) < 0.25


@needs_models
@needs_espeak
def test_doubts_itself_in_noise():
    samples = _at_16k(SENTENCES[0])
    noise = np.random.default_rng(0).normal(scale=0.15, size=len(samples)).astype(np.float32)
    clean, noisy = asr.recognise(samples), asr.recognise(samples + noise)
    assert clean.log_probability > noisy.log_probability + 0.1


@needs_models
@needs_espeak
def test_the_same_twice_whatever_was_heard_between():
    first = asr.recognise(_at_16k(SENTENCES[0]))
    asr.recognise(_at_16k(SENTENCES[1]))
    assert asr.recognise(_at_16k(SENTENCES[0])) == first


@needs_models
def test_the_shortest_piece_and_pure_noise_come_to_an_end():
    noise = np.random.default_rng(0).normal(scale=0.1, size=144_000).astype(np.float32)
    assert len(asr.recognise(noise[:1600]).text) < 50
    assert asr.recognise(noise).tokens <= 9 * asr.MAX_TOKENS_PER_SECOND + asr.SPARE_TOKENS


@needs_models
def test_vocabulary():
    entries = asr._vocabulary()
    assert len(entries) == 32_768 and entries[:3] == [b"<unk>", b"<s>", b"</s>"]
    assert asr._text([entries.index("▁the".encode()), 2, entries.index(b"re")]) == "there"


@pytest.mark.parametrize(
    ("tokens", "end"),
    [
        ([5] * 15, None),
        ([5] * 16, 1),
        ([1, 2] * 7, None),
        ([9, *[1, 2] * 8], 3),
        ([*range(10)] * 4, 10),
        (list(range(60)), None),
        ([], None),
    ],
)
def test_loops(tokens, end):
    assert asr.loop_at(tokens) == end


def test_joined_weighs_tokens():
    whole = asr.joined([asr.Heard("one two", -0.1, 3), asr.Heard("", -1.0, 1), asr.Heard("three", -0.3, 2, True)])
    assert whole == asr.Heard("one two three", pytest.approx((-0.3 - 1.0 - 0.6) / 6), 6, True)


def _at_16k(text):
    return say(text).resampled(16_000).samples
