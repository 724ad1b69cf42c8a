"""The recordings that were sent last, ready to be sent again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from wavjudge import audio

KEPT_BYTES = 8 * 2**20


class Recordings:
    """Loads recordings as they go to a judge, and keeps the last of them, up to so many bytes.

    The prompts of a set and the repeats ask about one answer several times in a row: it is read, checked against its
    hash and resampled once. A recording is known by that hash, so what is sent again is what was checked.
    """

    def __init__(self, max_bytes: int = KEPT_BYTES) -> None:
        self._max_bytes, self._bytes = max_bytes, 0
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._changing = threading.Lock()  # calls load in threads of their own

    def load(self, path: Path, *, sha256: str, sample_rate_hz: int) -> bytes:
        """As `audio.transmit`; raises what that raises."""
        key = sha256, sample_rate_hz
        with self._changing:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        wav = audio.transmit(path, sha256=sha256, sample_rate_hz=sample_rate_hz)
        self._keep(key, wav)
        return wav

    def _keep(self, key: tuple[str, int], wav: bytes) -> None:
        with self._changing:
            if key in self._kept:  # another call loaded it meanwhile
                return
            self._kept[key] = wav
            self._bytes += len(wav)
            while self._bytes > self._max_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1])
