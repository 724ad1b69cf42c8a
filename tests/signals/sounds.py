"""Sounds with known properties; a voice for the recogniser; and where real answers may be found."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from wavjudge.audio import Waveform
from wavjudge.errors import MissingPartError
from wavjudge.signals import require

Floats = npt.NDArray[np.float32]

VSTYLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "vstyle-answers"


def _absent() -> str:
    try:
        require()
    except MissingPartError as error:
        return f"the extra `local` is not complete: {error.problem}"
    return ""


needs_models = pytest.mark.skipif(bool(_absent()), reason=_absent() or "complete")
needs_espeak = pytest.mark.skipif(
    find_spec("espeakng_loader") is None, reason="espeakng-loader (extra `dev`) is not there to speak the sentences"
)
needs_vstyle = pytest.mark.skipif(not VSTYLE.is_dir(), reason="the real answers beside the checkout are not there")


def buzz(seconds: float, *, noise: float = 0.0, rate_hz: int = 16_000) -> Floats:
    """A vowel-like buzz, the same on every machine: 25 harmonics of a gliding 120 Hz, two formants, four syllables a
    second, a pause every 2 s."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * (120 * t + 5 * np.sin(2 * np.pi * 0.7 * t))
    harmonics = np.arange(1, 26)
    weights = sum(np.exp(-(((120 * harmonics - formant) / 180) ** 2)) for formant in (600, 1500)) + 0.05
    voice = sum(w * np.sin(k * phase) for k, w in zip(harmonics, weights, strict=True))
    envelope = (0.55 - 0.45 * np.cos(2 * np.pi * 4 * t)) * (np.mod(t, 2.0) < 1.6)
    signal: Floats = (0.5 * voice * envelope / np.abs(voice).max() + noise * hiss(len(t))).astype(np.float32)
    return signal


def hiss(samples: int) -> npt.NDArray[np.float64]:
    """White noise from -1 to 1 by a congruential generator, so that no library's generator matters."""
    state, out = 12345, np.empty(samples)
    for i in range(samples):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out[i] = state / 2**63 - 1
    return out


def sine(hz: float, seconds: float = 1.0, rate_hz: int = 24_000) -> Floats:
    """A pure tone with peak 0.9."""
    tone: Floats = (0.9 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)
    return tone


@cache
def say(text: str, words_per_minute: int = 165, voice: str = "en-us") -> Waveform:
    """A voice of eSpeak NG, the same samples on every call: each sentence is spoken in a process of its own, since what
    the library said before colours what it says next."""
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-m", "tests.signals.speak", text, str(words_per_minute), voice]
    done = subprocess.run(words, capture_output=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
    assert done.returncode == 0, done.stderr.decode()
    rate_hz, _, pcm = done.stdout.partition(b"\n")
    return Waveform((np.frombuffer(pcm, "<i2") / 32768).astype(np.float32), int(rate_hz))
