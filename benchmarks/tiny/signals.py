"""The degradations: a clean take goes in, the damaged one and the figures of the damage come out.

Everything is mono at RATE_HZ. Levels are root mean square over the whole take.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Signal = NDArray[np.float32]
Figures = dict[str, str]
Damage = Callable[[Signal, Generator], tuple[Signal, Figures]]

RATE_HZ = 16_000
SPEECH_RMS = 0.05  # -26 dBFS, a usual speech level; peaks stay below full scale with 0 dB noise
FULL_SCALE = 0.999
EDGE = int(0.06 * RATE_HZ)  # pause left at both ends of a take
HOP = int(0.012 * RATE_HZ)  # step of the time stretch, half its window
SEARCH = int(0.006 * RATE_HZ)  # how far the time stretch may move a window to fit the last one
FRAME = int(0.02 * RATE_HZ)


def rms(x: Signal) -> float:
    """Root mean square of the samples."""
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def level(x: Signal) -> Signal:
    """Scale to the level shared by all takes."""
    return (x * (SPEECH_RMS / rms(x))).astype(np.float32)


def trim(x: Signal) -> Signal:
    """Cut the pauses at both ends to EDGE; speech is what exceeds 1 % of the peak."""
    loud = np.flatnonzero(np.abs(x) > 0.01 * np.abs(x).max())
    return x[max(0, loud[0] - EDGE) : loud[-1] + EDGE]


def white(count: int, random: Generator) -> Signal:
    """Noise with equal power at every frequency."""
    return random.standard_normal(count).astype(np.float32)


def pink(count: int, random: Generator) -> Signal:
    """Noise whose power falls by 3 dB an octave, made by shaping the spectrum of white noise."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    bins = np.arange(len(spectrum))
    spectrum[1:] /= np.sqrt(bins[1:])
    spectrum[0] = 0.0  # no constant offset
    return np.fft.irfft(spectrum, count).astype(np.float32)


def noise(take: Signal, random: Generator, snr_db: float) -> tuple[Signal, Figures]:
    """Add white or pink noise (drawn) so that 20 log10(rms speech / rms noise) = snr_db."""
    colour = ("white", "pink")[int(random.integers(2))]
    raw = white(len(take), random) if colour == "white" else pink(len(take), random)
    added = raw * (rms(take) / rms(raw) * 10 ** (-snr_db / 20))
    return (take + added).astype(np.float32), {"snr_db": f"{snr_db:g}", "noise": colour}


def clip(take: Signal, _random: Generator, share: float) -> tuple[Signal, Figures]:
    """Drive the take so hard that `share` of its samples are cut flat at full scale."""
    ceiling = np.quantile(np.abs(take), 1 - share)
    cut = np.clip(take / ceiling, -1, 1) * FULL_SCALE
    return cut.astype(np.float32), {"clipped_share": f"{share:g}"}


def faster(take: Signal, _random: Generator, rate: float) -> tuple[Signal, Figures]:
    """Play `rate` times as fast at the same pitch (overlap-add of windows moved to fit: WSOLA)."""
    window = np.hanning(2 * HOP + 1)[:-1].astype(np.float32)
    padded = np.pad(take, (SEARCH, 4 * HOP + SEARCH))
    steps = int(len(take) / rate / HOP)
    out = np.zeros((steps + 1) * HOP, dtype=np.float32)
    start = SEARCH
    for step in range(steps):
        if step:
            start = _best_start(padded, wanted=SEARCH + int(step * HOP * rate), follows=start + HOP)
        out[step * HOP : (step + 2) * HOP] += window * padded[start : start + 2 * HOP]
    return out, {"rate": f"{rate:g}"}


def _best_start(x: Signal, wanted: int, follows: int) -> int:
    """Near `wanted`, the start of the window most like the one that would naturally follow."""
    target = x[follows : follows + 2 * HOP]
    around = x[wanted - SEARCH : wanted + SEARCH + 2 * HOP]
    return wanted - SEARCH + int(np.argmax(np.correlate(around, target, mode="valid")))


def truncate(take: Signal, _random: Generator, share: float) -> tuple[Signal, Figures]:
    """Stop inside a word, without a fade, within 5 % of `share` of the take.

    Inside a word: where even the quietest 20 ms of the 160 ms around the cut is loudest.
    """
    loudness = [rms(take[start : start + FRAME]) for start in range(0, len(take), FRAME)]
    cuts = range(int((share - 0.05) * len(loudness)), int((share + 0.05) * len(loudness)))
    end = FRAME * max(cuts, key=lambda cut: min(loudness[cut - 4 : cut + 4]))
    return take[:end], {"kept": f"{end / len(take):.2f}"}


def untouched(take: Signal, _random: Generator) -> tuple[Signal, Figures]:
    """The take as it is: what is wrong, if anything, is in the words."""
    return take, {}


def silence(take: Signal, _random: Generator) -> tuple[Signal, Figures]:
    """As long as the take, every sample zero."""
    return np.zeros_like(take), {}


def nothing(_take: Signal, _random: Generator) -> tuple[Signal, Figures]:
    """No samples at all."""
    return np.zeros(0, dtype=np.float32), {}


# `missing` is not here: it has no signal. Every other name in texts.toml is.
DAMAGE: dict[str, Damage] = {
    "clean": untouched,
    "wrong_fact": untouched,
    "unrelated": untouched,
    "text_mismatch": untouched,
    "noise_20db": partial(noise, snr_db=20),
    "noise_10db": partial(noise, snr_db=10),
    "noise_0db": partial(noise, snr_db=0),
    "clip_mild": partial(clip, share=0.01),
    "clip_hard": partial(clip, share=0.15),
    "fast_x1.6": partial(faster, rate=1.6),
    "fast_x2.0": partial(faster, rate=2.0),
    "truncated_55": partial(truncate, share=0.55),
    "truncated_30": partial(truncate, share=0.30),
    "silent": silence,
    "empty": nothing,
}
