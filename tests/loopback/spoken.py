"""What the server says aloud: a voice-like sound, the same for the same words and voice, as long as they would take."""

from __future__ import annotations

import hashlib
import io
import wave

import numpy as np

RATE_HZ = 24_000
_SECONDS_PER_CHARACTER, _LEAST_SECONDS = 0.05, 0.2


def pcm(text: str, voice: str | None = None) -> bytes:
    """16-bit mono samples at 24 kHz: a hum with ten overtones, in syllables; the voice is its pitch."""
    t = np.arange(int(RATE_HZ * max(_LEAST_SECONDS, _SECONDS_PER_CHARACTER * len(text)))) / RATE_HZ
    pitch_hz = 100 + hashlib.sha256(f"{voice} {text}".encode(errors="replace")).digest()[0] / 2
    hum = sum(np.sin(2 * np.pi * n * pitch_hz * t) / n for n in range(1, 12))
    syllables = 0.6 - 0.4 * np.cos(2 * np.pi * 4 * t)
    samples = 0.5 * syllables * hum / np.abs(hum).max()
    return np.rint(samples * 32767).astype("<i2").tobytes()


def as_wav(samples: bytes, *, channels: int = 1) -> bytes:
    """The samples as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples)
    return file.getvalue()


def seconds(samples: bytes) -> float:
    return len(samples) / 2 / RATE_HZ
