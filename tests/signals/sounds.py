"""Sounds with known properties; a voice for the recogniser; and where real answers may be found."""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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
    """A voice of eSpeak NG. Not bit-identical from call to call: assert with tolerances."""
    library, rate_hz, blocks = _espeak()
    blocks.clear()
    library.espeak_SetSynthCallback(library.keep)  # wavjudge speaks with the same library
    assert library.espeak_SetVoiceByName(voice.encode()) == 0, f"eSpeak has no voice {voice}"
    library.espeak_SetParameter(1, words_per_minute, 0)
    spoken = text.encode()
    library.espeak_Synth(spoken, len(spoken) + 1, 0, 1, 0, 1, None, None)
    library.espeak_Synchronize()
    return Waveform((np.concatenate(blocks) / 32768).astype(np.float32), rate_hz)


@cache
def _espeak() -> tuple[Any, int, list[npt.NDArray[np.int16]]]:
    from wavjudge.bench.candidates.voices import Espeak

    blocks: list[npt.NDArray[np.int16]] = []
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

    @kind
    def collect(samples: Any, count: int, _: Any) -> int:
        if samples and count:
            blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    library, rate_hz = Espeak._library()  # started once a process: a second start would hang both
    library.keep = collect  # a callback that Python frees is a crash later
    return library, rate_hz, blocks
