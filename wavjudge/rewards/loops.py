"""Going round and round: in words, in sound.

A model of audio tokens that is stuck emits the same tokens again, and a decoder makes the same sound of them. Nobody
says anything twice alike: in the recordings of benchmarks/tiny no stretch of half a second comes back.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from wavjudge.audio import Samples

MIN_TIMES, MIN_LOOP_WORDS = 3, 12
"""A phrase said so often in a row, and so many words in all, is a loop: "no, no, no" is none."""

RATE_HZ = 16_000
HOP, WINDOW, BANDS = 160, 512, 24
LAGS = (10, 500)
"""Frames of 10 ms: what comes back after 0.1 to 5 s."""

ALIKE_DB = 3.0
"""Mean difference of the bands of two sounds that are called the same."""

_SMOOTHED = 11
_DEEP_DB, _QUIET_DB = 50.0, 35.0  # below the loudest: not looked at; too quiet to count as sound

Floats = npt.NDArray[np.float32]


def going_round(words: Sequence[str]) -> tuple[str, ...] | None:
    """The first phrase that is said over and over, `MIN_TIMES` in a row or more; None where there is none.

    >>> going_round("i think that i think that i think that i think that is".split())
    ('i', 'think', 'that')
    >>> going_round("no no no no it is not".split()) is None
    True
    """
    for unit in range(1, len(words) // MIN_TIMES + 1):
        run, needed = 0, max((MIN_TIMES - 1) * unit, MIN_LOOP_WORDS - unit)
        for at in range(unit, len(words)):
            run = run + 1 if words[at] == words[at - unit] else 0
            if run >= needed:
                start = at - run - unit + 1
                return tuple(words[start : start + unit])
    return None


def repeated_seconds(samples: Samples) -> float:
    """Seconds of the longest stretch of sound that is what stood 0.1 to 5 s before it, at least once over.

    samples: mono at `RATE_HZ`. Compared are band energies in dB every 10 ms; quiet frames do not count, since all
    pauses are alike. 0 where nothing comes back.

    >>> piece = np.random.default_rng(1).standard_normal(8000).astype(np.float32) * np.hanning(8000) * 0.1
    >>> 0.9 < repeated_seconds(np.tile(piece, 4).astype(np.float32)) < 1.6
    True
    """
    bands = _bands(samples)
    loud = bands.max(axis=1) > bands.max() - _QUIET_DB
    bands = np.maximum(bands, bands.max() - _DEEP_DB)
    lags = range(LAGS[0], min(LAGS[1], len(bands) - 1) + 1)
    return max((_coming_back(bands, loud, lag) for lag in lags), default=0) * HOP / RATE_HZ


def _coming_back(bands: Floats, loud: npt.NDArray[np.bool_], lag: int) -> int:
    """Loud frames of the longest stretch, `lag` long or more, that is alike to what stood `lag` frames before."""
    apart = np.abs(bands[lag:] - bands[:-lag]).mean(axis=1)
    alike = np.convolve(apart, np.full(_SMOOTHED, 1 / _SMOOTHED), "same") < ALIKE_DB
    edges = np.flatnonzero(np.diff(np.concatenate(([False], alike, [False])).astype(np.int8)))
    stretches = (slice(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end - start >= lag)
    return max((int(loud[lag:][stretch].sum()) for stretch in stretches), default=0)


def _bands(samples: Samples) -> Floats:
    """Energy in dB of `BANDS` bands, about evenly spaced in pitch from 90 Hz to 8 kHz: shape (frames, bands)."""
    padded = np.pad(samples, (0, max(WINDOW - len(samples), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] * np.hanning(WINDOW).astype(np.float32)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    edges = np.unique(np.geomspace(3, WINDOW // 2 + 1, BANDS + 1).astype(int))[:-1]
    energy: Floats = (10 * np.log10(np.add.reduceat(power, edges, axis=1) + 1e-10)).astype(np.float32)
    return energy
