"""The golden values come from speechmos 0.0.1.1 itself (dnsmos.run), with librosa 0.11.0 and onnxruntime 1.32.0 in an
environment of their own, on the same buzzes."""

import numpy as np
import pytest

from tests.signals.sounds import buzz, hiss, needs_models
from wavjudge.signals import dnsmos

GOLDEN = [  # seconds, noise, (P.808, overall, speech, background)
    (3.5, 0.0, (2.917422, 2.684444, 3.186010, 3.572573)),
    (3.5, 0.2, (2.125336, 1.312871, 1.849129, 1.355277)),
    (9.5, 0.02, (2.277075, 2.218010, 3.431552, 2.214843)),
    (13.3, 0.0, (3.020040, 2.902176, 3.263991, 3.750473)),
]


@needs_models
@pytest.mark.parametrize(("seconds", "noise", "expected"), GOLDEN)
def test_the_same_as_the_package(seconds, noise, expected):
    assert dnsmos.quality(buzz(seconds, noise=noise)) == pytest.approx(expected, abs=2e-5)


@needs_models
def test_the_same_as_the_package_on_the_windows_it_does_not_lose(monkeypatch):
    kept = [s for s in range(9) if int((s + 9.01) * 16000) - s * 16000 == 144_160]
    assert kept == list(range(7))  # 7 and 8 are lost to rounding; see dnsmos.starts
    monkeypatch.setattr(dnsmos, "starts", lambda samples: kept)
    assert dnsmos.quality(buzz(18.0)) == pytest.approx((3.027539, 2.870943, 3.258150, 3.697424), abs=2e-5)


def test_a_last_second_that_is_not_full_is_not_heard():
    assert [len(dnsmos.starts(round(16_000 * s))) for s in (9.01, 10.0, 10.99, 11.0, 20.0)] == [1, 1, 1, 2, 11]


@needs_models
def test_falls_with_noise():
    voice, noise = buzz(9.01), hiss(144_160).astype(np.float32)
    scores = [dnsmos.quality(voice + level * noise).score for level in (0.0, 0.01, 0.05, 0.2)]
    assert scores == sorted(scores, reverse=True)


def test_mel_filters_have_area_one_and_slaney_corners():
    filters = dnsmos._mel_filters()
    assert filters.shape == (120, 161)
    # Sums over bins of 49.8 Hz come near the integral where the triangles are wide, above 1 kHz.
    assert (filters[70:].sum(axis=1) * 16_000 / 321) == pytest.approx(np.ones(50), rel=0.1)
    assert dnsmos._mel_to_hz(np.array([0.0, 15.0, 42.0])) == pytest.approx([0, 1000, 6400])
