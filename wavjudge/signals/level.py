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
