"""DNSMOS: what people would say of the signal, by Microsoft's two networks, at the cost of one and a bit.

Sources: Reddy, Gopal, Cutler, "DNSMOS P.835", ICASSP 2022 (overall, speech, background) and "DNSMOS", ICASSP 2021
(P.808 overall). The weights and the recipe (9.01 s windows every second, mean over windows, short clips doubled until
long enough, the polynomials) are those of the speechmos package; the computation is our own.

The windows overlap by eight ninths, and 95 % of the work is four convolutions at full time resolution. Convolutions
do not care where a window begins, except at its two edges, where they see zeros. So the feature map is computed once
for the whole clip, and of every window only sixteen frames at each edge are computed again: the same numbers (to
float rounding) for a sixth of the work on a long clip.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from wavjudge.signals import models
from wavjudge.signals.onnx_cut import cut

if TYPE_CHECKING:
    import onnxruntime

RATE_HZ = 16_000
Floats = npt.NDArray[np.float32]

_WINDOW = 144_160  # 9.01 s, the input of both networks
_HOP = 160  # samples from one frame to the next
_FRAMES = 900  # frames a window
_STEP = 100  # frames from one window to the next: one second
_POOL = 4  # frames per column of the feature map, after two poolings; 900 and 100 are multiples of it
_EDGE = 16  # frames computed again at an edge; the first two columns of the four are free of the far end's zeros
_BLOCK = 100  # columns of the feature map computed at a time: bounds memory
_HALO = 2  # columns on either side of a block that its own zeros spoil

_FRAMED, _MAP = "mos_estimator_logpow/concat:0", "mos_estimator_logpow/max_pooling2d/MaxPool_1_conv0"
_OVERALL = (-0.06766283, 1.11546468, 0.04602535)
_SPEECH = (-0.08397278, 1.22083953, 0.0052439)
_BACKGROUND = (-0.13166888, 1.60915514, -0.39604546)


class Quality(NamedTuple):
    """Predicted mean opinion scores, 1 (bad) to 5 (excellent): P.808 overall, P.835 overall, speech, background."""

    p808: float
    overall: float
    speech: float
    background: float

    @property
    def score(self) -> float:
        """The mean of the two networks' predictions of overall quality.

        Both answer the same question on the same scale, from two listening tests. Alone each is deaf to something:
        P.835 overall hardly hears a low-pass filter, P.808 hardly hears dropouts. On 18 clips in 7 degradations the
        mean alone put every degraded clip below its clean one, and every step of noise below the step before.
        """
        return (self.p808 + self.overall) / 2


def quality(samples: Floats) -> Quality:
    """DNSMOS of a clip: float samples, shape (n,), at `RATE_HZ`, full scale -1..1. Not meaningful without speech."""
    samples = _long_enough(samples)
    raw = _p835(samples).astype(np.float64)
    speech, background, overall = (
        float(np.polyval(p, raw[:, i]).mean()) for i, p in enumerate((_SPEECH, _BACKGROUND, _OVERALL))
    )
    return Quality(float(_p808(samples).astype(np.float64).mean()), overall, speech, background)


def starts(samples: int) -> range:
    """The seconds at which the windows of a clip of at least 9.01 s begin; a last second that is not full is not heard.

    The speechmos package means the same but loses the windows at 7 to 23 s (and 119 to 122 s) to rounding:
    ``int((7 + 9.01) * 16000)`` is 256159, one sample short. So it is deaf to 15 s in the middle of a long clip; here
    they are heard, and clips of 16 s and more get other values than from the package.

    >>> starts(144_160), starts(176_000), starts(320_000)
    (range(0, 1), range(0, 2), range(0, 11))
    """
    return range(int(samples // RATE_HZ - 9.01) + 1)


def _long_enough(samples: Floats) -> Floats:
    while len(samples) < _WINDOW:
        samples = np.concatenate((samples, samples))
    return samples


def _p835(samples: Floats) -> Floats:
    """Raw outputs of the P.835 network, shape (windows, 3): speech, background, overall."""
    first = [second * _STEP for second in starts(len(samples))]
    frames = np.lib.stride_tricks.sliding_window_view(samples, 2 * _HOP)[::_HOP][: first[-1] + _FRAMES]
    whole = _feature_map(frames)
    return np.concatenate([_window(whole, frames, start) for start in first])


def _feature_map(frames: Floats) -> Floats:
    """The map of all frames, shape (1, channels, columns, bands), as if no window had an edge."""
    columns, blocks = len(frames) // _POOL, []
    for first in range(0, columns, _BLOCK):
        start, stop = max(first - _HALO, 0), min(first + _BLOCK + _HALO, columns)
        block = _front(frames[None, start * _POOL : stop * _POOL])
        blocks.append(block[:, :, first - start : first - start + min(_BLOCK, columns - first)])
    return np.concatenate(blocks, axis=2)


def _window(whole: Floats, frames: Floats, start: int) -> Floats:
    stop = start + _FRAMES
    columns = whole[:, :, start // _POOL : stop // _POOL].copy()
    edges = _front(np.stack((frames[start : start + _EDGE], frames[stop - _EDGE : stop])))
    columns[0, :, :_HALO], columns[0, :, -_HALO:] = edges[0, :, :_HALO], edges[1, :, -_HALO:]
    return models.run(_half("back"), {_MAP: columns})[0]


def _front(frames: Floats) -> Floats:
    return models.run(_half("front"), {_FRAMED: np.ascontiguousarray(frames)})[0]


@cache
def _half(half: str) -> onnxruntime.InferenceSession:
    model = models.file(models.DNSMOS, "dnsmos_models/sig_bak_ovr.onnx").read_bytes()
    if half == "front":
        return models.open_session(cut(model, {_FRAMED: ("clips", "frames", 2 * _HOP)}, _MAP))
    return models.open_session(cut(model, {_MAP: ("clips", 32, "columns", 40)}, "Identity:0"))


def _p808(samples: Floats) -> Floats:
    """Outputs of the P.808 network, shape (windows,)."""
    opened = models.session(models.DNSMOS, "dnsmos_models/model_v8.onnx")
    powers = _mel_powers(samples)
    scores = []
    for second in starts(len(samples)):
        window = powers[second * _STEP : second * _STEP + _FRAMES].copy()
        clip = samples[second * RATE_HZ : second * RATE_HZ + _WINDOW - _HOP]
        # The package frames each window with zeros around it, so its first and last frame see half of their sound.
        window[0], window[-1] = _mel_powers(clip[:_HOP])[0], _mel_powers(clip[-2 * _HOP :])[-1]
        scores.append(models.run(opened, {"input_1": _decibels(window)[None]})[0][0, 0])
    return np.array(scores, dtype=np.float32)


def _mel_powers(samples: Floats) -> Floats:
    """Mel powers of frames of 321 samples centred on every 160th, zeros beyond the ends; shape (frames, 120)."""
    padded = np.pad(samples, _HOP)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * _HOP + 1)[::_HOP]
    window = np.hanning(2 * _HOP + 2)[:-1].astype(np.float32)
    blocks = [np.abs(np.fft.rfft(frames[i : i + _FRAMES] * window, axis=1)) for i in range(0, len(frames), _FRAMES)]
    powers: Floats = (np.concatenate(blocks) ** 2).astype(np.float32) @ _mel_filters().T
    return powers


def _decibels(powers: Floats) -> Floats:
    """Decibels below the window's loudest cell, cut at -80 and scaled to -1..1 as the network was trained."""
    levels = 10 * np.log10(np.maximum(powers, 1e-10))
    levels -= levels.max()
    scaled: Floats = ((np.maximum(levels, -80) + 40) / 40).astype(np.float32)
    return scaled


@cache
def _mel_filters(bands: int = 120) -> Floats:
    """Triangular filters on Slaney's mel scale, each of area one (Auditory Toolbox, 1998); shape (bands, 161)."""
    bins = np.fft.rfftfreq(2 * _HOP + 1, 1 / RATE_HZ)
    corners = _mel_to_hz(np.linspace(0, _hz_to_mel(RATE_HZ / 2), bands + 2))
    low, mid, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    triangles = np.maximum(0, np.minimum((bins - low) / (mid - low), (high - bins) / (high - mid)))
    filters: Floats = (triangles * 2 / (high - low)).astype(np.float32)
    return filters


def _hz_to_mel(hz: float) -> float:
    """Linear to 1 kHz (mel 15), then 27 mels for every factor of 6.4; for frequencies above 1 kHz."""
    return 15 + 27 * float(np.log(hz / 1000) / np.log(6.4))


def _mel_to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))
