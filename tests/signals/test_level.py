import io

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.signals.sounds import VSTYLE, buzz, hiss, needs_vstyle, sine
from wavjudge import audio
from wavjudge.signals.level import clipping


def clipped(samples, share):
    return np.clip(samples, -(level := np.quantile(np.abs(samples), 1 - share)), level)


def through_codec(samples, rate_hz, form, subtype):
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=form, subtype=subtype)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


def test_flat_tops_by_hand():
    # Two flat tops (3 and 4 samples), one on each side, and a two-sample top that is too short to be one.
    samples = np.array([0, 0.2, 0.5, 0.5, 0.5, 0.1, 0.5, 0.5, 0, -0.3, -0.6, -0.6, -0.6, -0.6, -0.2, 0])
    assert clipping(samples.astype(np.float32)).flat == 7 / 16


def test_a_rounded_top_is_not_flat():
    assert all(clipping(sine(hz)).flat == 0 for hz in (50, 100, 440, 3000))


def test_noise_and_buzz_are_not_clipped():
    assert clipping(hiss(20_000).astype(np.float32)).share < 5e-4
    assert clipping(buzz(3.0)).share < 5e-4


@pytest.mark.parametrize("gain", [1.0, 0.5, 0.05])
def test_turning_down_does_not_hide_clipping(gain):
    samples = np.rint(clipped(buzz(3.0), 0.05) * gain * 32767) / 32767
    assert clipping(samples.astype(np.float32)).share == pytest.approx(0.05, abs=0.015)


@needs_vstyle
def test_real_answers_clean_clipped_and_encoded_again():
    for path in sorted(VSTYLE.glob("*-1[0-9]*.mp3"))[:3]:
        wave = audio.read(path)
        harmed = (clipped(wave.samples, 0.05) * 0.8).astype(np.float32)
        assert clipping(wave.samples).share == 0
        assert clipping(harmed).share > 0.02
        assert clipping(soxr.resample(harmed, wave.sample_rate_hz, 16_000)).share > 0.01
        assert clipping(through_codec(harmed, wave.sample_rate_hz, "MP3", "MPEG_LAYER_III")).share > 0.004


@given(arrays.arrays(np.float32, st.integers(4, 200), elements=st.floats(-1, 1, width=32)), st.floats(0.01, 1))
def test_a_share_whatever_the_sound_and_its_volume(samples, gain):
    found = clipping(samples)
    assert 0 <= found.flat <= 1 and 0 <= found.pile_up <= 1 and 0 <= found.share <= 1
    turned = clipping(-samples)
    assert turned == pytest.approx(found)
