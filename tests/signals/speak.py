"""`python -m tests.signals.speak TEXT WORDS_PER_MINUTE VOICE`: eSpeak NG's sample rate, a line feed, 16-bit samples."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from wavjudge.speech.tts import Espeak


def speak(text: str, words_per_minute: int, voice: str) -> tuple[int, bytes]:
    """Sample rate in Hz and the samples of one sentence."""
    blocks: list[bytes] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def collect(samples: Any, count: int, _: Any) -> int:
        if samples and count:
            blocks.append(ctypes.string_at(samples, 2 * count))
        return 0

    library, rate_hz = Espeak._library()
    library.espeak_SetSynthCallback(collect)
    assert library.espeak_SetVoiceByName(voice.encode()) == 0, f"eSpeak has no voice {voice}"
    library.espeak_SetParameter(1, words_per_minute, 0)
    spoken = text.encode()
    library.espeak_Synth(spoken, len(spoken) + 1, 0, 1, 0, 1, None, None)
    library.espeak_Synchronize()
    return rate_hz, b"".join(blocks)


if __name__ == "__main__":
    rate, pcm = speak(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    sys.stdout.buffer.write(b"%d\n" % rate + pcm)
