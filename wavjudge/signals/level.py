"""How much of a recording was cut off at the top, also when it was turned down or encoded again afterwards.

Two traces, each for the upper and the lower half of the wave, at the signal's own peak and not at full scale:

* flat tops: three and more samples within 0.1 % of the peak, with a corner at both ends. Cutting leaves them, and
  they survive any change of volume, but not a codec or a resampler, which put ripples on them;
* a pile-up: speech has the fewer samples the nearer to the peak. A band of levels with more samples than the band
  below it is the blurred rest of flat tops. The excess is what was surely cut, about half of the truth.

Measured on clean answers of a speech model (mp3) and espeak, unclipped and clipped by us: docs/signals.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FLAT_TOLERANCE = 1e-3
FLAT_SAMPLES = 3
CORNER = 2.0
"""How much further than a rounded top of the same width the sample beside a flat top must fall."""

BAND = 0.08
LEVELS = np.arange(0.5, 1.0, 0.02)
STEEPNESS = 1.3
MIN_PILE_UP = 5e-4
"""Unclipped speech showed pile-ups of up to 0.00015 of its samples, by chance."""

Floats = npt.NDArray[np.float32]


class Clipping(NamedTuple):
    """Shares of all samples, 0 to 1: in flat tops, and in excess in a band below the peak."""

    flat: float
    pile_up: float

    @property
    def share(self) -> float:
        """The larger of the two traces; a pile-up counts from `MIN_PILE_UP` on."""
        return max(self.flat, self.pile_up if self.pile_up >= MIN_PILE_UP else 0.0)


def clipping(samples: Floats) -> Clipping:
    """Traces of clipping in samples of shape (n,), at their native rate.

    >>> t = np.arange(8000) / 8000
    >>> clipping(0.4 * np.clip(np.sin(2 * np.pi * 100 * t), -0.8, 0.8)).flat
    0.425
    """
    halves = [half for half in (samples, -samples) if half.max() > 0]
    flat, piled = sum(map(_flat, halves)), sum(map(_piled, halves))
    return Clipping(flat / len(samples), piled / len(samples))


def _flat(samples: Floats) -> int:
    """Samples in flat tops of the upper half."""
    peak = float(samples.max())
    steps = np.diff(np.concatenate(([False], samples >= peak * (1 - FLAT_TOLERANCE), [False])).astype(np.int8))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    length = ends - starts
    before = peak - samples[np.maximum(starts - 1, 0)]
    after = peak - samples[np.minimum(ends, len(samples) - 1)]
    # A parabola within the tolerance over `length` samples is that far down one sample further out.
    rounded = FLAT_TOLERANCE * peak * (1 + 2 / length) ** 2
    corner = (before + after) / 2 >= CORNER * rounded
    return int(length[(length >= FLAT_SAMPLES) & corner].sum())


def _piled(samples: Floats) -> int:
    """The largest excess of a band of levels over its neighbours, in samples of the upper half."""
    peak = float(samples.max())
    loud = np.sort(samples[samples >= peak * (1 - 2 * BAND) * LEVELS[0]])
    levels = LEVELS[:, None] * peak * (1 + BAND * np.array([-2, -1, 0, 1]))
    below, here, above = np.diff(np.searchsorted(loud, levels), axis=1).T
    excess = np.where(here > STEEPNESS * below, here - np.maximum(below, above), 0)
    return max(int(excess.max()), 0)


# How loud a recording is where it is not silent: gated RMS, the same for a sentence with and without pauses.
#
# Mean power of blocks of 400 ms, as EBU R 128 gates them (ITU-R BS.1770-4): blocks below -70 dBFS do not count, then
# none more than 10 dB below the mean of the rest. Without the K-weighting of that standard, so this is dBFS and not
# LUFS: good enough to see that one voice became louder, not to compare two microphones.

BLOCK_SECONDS, STEP_SECONDS = 0.4, 0.1
SILENT_DBFS, BELOW_MEAN_DB = -70.0, 10.0


def loudness_dbfs(samples: npt.NDArray[np.floating], sample_rate_hz: int) -> float | None:
    """Loudness in dBFS of mono samples, shape (frames,), full scale -1..1; None where all of it is below -70 dBFS.

    >>> tone = np.sin(2 * np.pi * 100 * np.arange(16000) / 16000)
    >>> round(loudness_dbfs(tone, 16000), 2)  # a sine at full scale has half the power of a square wave
    -3.01
    >>> round(loudness_dbfs(np.r_[0.1 * tone, np.zeros(32000)], 16000))  # 20 dB lower; of the pause, the edge counts
    -24
    """
    power = np.asarray(samples, float) ** 2
    block, step = (max(1, round(seconds * sample_rate_hz)) for seconds in (BLOCK_SECONDS, STEP_SECONDS))
    sums = np.concatenate([[0.0], np.cumsum(power)])
    block = min(block, len(power))
    if not block:
        return None
    starts = np.arange(0, len(power) - block + 1, step)
    means = (sums[starts + block] - sums[starts]) / block
    heard = means[means > 10 ** (SILENT_DBFS / 10)]
    if not len(heard):
        return None
    heard = heard[heard > heard.mean() * 10 ** (-BELOW_MEAN_DB / 10)]
    return float(10 * np.log10(heard.mean()))
