"""Audio in and out: WAV, FLAC, Ogg (Vorbis, Opus), MP3, AIFF, AU, CAF, W64 in; mono float32 inside; 16-bit PCM WAV out.

The rules, the same for every item:

* a sample rate is always explicit; nothing here has a default rate;
* several channels become one by their mean; where that would cancel them, the louder one is taken (see `decoding`);
  resampling is soxr HQ;
* no loudness is changed: samples beyond full scale are cut at full scale, as any player would, and counted; a
  recording with more than `MAX_OVER_SHARE` of them is not audio in -1..1 and is refused;
* NaN or Inf anywhere: refused (`broken_audio`);
* no frames, or nothing above `SILENCE_PEAK` (-80 dBFS): `no_speech`;
* cut off, so that its container promises more than is there, or with bytes left over behind its sound: refused
  (`broken_audio`); a size that cannot be true means "unknown"; several recordings in a row are one (see `containers`);
* longer than the caller's limit: `too_long`, known from the header where that is exact, else by counting; so is a file
  beyond the limits of `decoding`;
* only regular files are read: a pipe or a device might never end.

What is refused raises `AudioFault`, whose `outcome` says what it means for a candidate.
"""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from wavjudge import containers
from wavjudge.decoding import (
    MAX_FRAMES,
    MAX_RATE,
    MIN_RATE,
    SILENCE_PEAK,
    mono_samples,
    one_channel,
    read_regular,
    refuse_long,
)
from wavjudge.decoding import AudioFault as AudioFault
from wavjudge.decoding import Samples as Samples
from wavjudge.decoding import UnreadFormat as UnreadFormat
from wavjudge.errors import InputError
from wavjudge.types import AudioRef

MAX_OVER_SHARE = 0.01
LEAST_RATE_HZ = 8000  # the lowest that a judge or an instrument hears at
LEAST_SECONDS = 0.001  # of a file: a shorter one holds no sound, and next to nothing would be sent of it
MAX_CHANNELS = 16  # of an array; a file may have more
_HEAD_BYTES = 44  # of the plainest WAV file
SUFFIXES = frozenset({
    ".wav", ".flac", ".ogg", ".opus", ".oga", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".caf", ".w64", ".rf64",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waveform:
    """Mono sound: float32 samples of shape (frames,), full scale -1..1, at a stated rate in Hz."""

    samples: Samples
    sample_rate_hz: int
    clipped: int = 0

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate_hz

    @classmethod
    def from_array(cls, array: Any, *, sample_rate_hz: int, where: str = "array") -> Waveform:
        """Sound from a numpy array or a torch tensor, shape (frames,) or (frames, channels).

        Integers are read as PCM of their width, floats as -1..1. Raises `AudioFault` by the rules of this module.

        >>> Waveform.from_array(np.array([0, 16384], dtype=np.int16), sample_rate_hz=8000).samples.tolist()
        [0.0, 0.5]
        """
        if not isinstance(sample_rate_hz, Integral) or isinstance(sample_rate_hz, bool) or sample_rate_hz <= 0:
            raise InputError(f"got sample rate {sample_rate_hz!r}, expected a positive whole number of Hz", where=where)
        samples = _as_numpy(array)
        if samples.ndim not in (1, 2) or (samples.ndim == 2 and not 1 <= samples.shape[1] <= MAX_CHANNELS):
            raise InputError(
                f"got samples of shape {samples.shape}, expected (frames,) or (frames, channels)",
                todo="transpose the array if it is (channels, frames)", where=where,
            )  # fmt: skip
        return _checked(_mono(_as_float(samples, where), int(sample_rate_hz)), int(sample_rate_hz), where)

    def resampled(self, sample_rate_hz: int) -> Waveform:
        """The same sound at another rate (soxr HQ); itself if the rate is already that one."""
        if sample_rate_hz == self.sample_rate_hz:
            return self
        samples = soxr.resample(self.samples, self.sample_rate_hz, sample_rate_hz, quality="HQ")
        return Waveform(samples.astype(np.float32, copy=False), sample_rate_hz, self.clipped)

    def to_wav(self) -> bytes:
        """A 16-bit PCM WAV file. A file read and written again is the same; overshoot of the resampler is cut."""
        pcm = np.clip(np.rint(self.samples * 32768.0), -32768, 32767).astype("<i2")
        return pcm_wav(pcm.tobytes(), self.sample_rate_hz)


def read(path: Path, *, max_seconds: float | None = None) -> Waveform:
    """The recording in a file, by the rules of this module.

    Raises `AudioFault` for what cannot be rated and `InputError` for a file that is not there.
    """
    return decode(read_bytes(path), where=str(path), max_seconds=max_seconds)


def suffix_of(data: bytes) -> str:
    """The usual suffix of an audio file, by its first bytes; `.bin` for anything else.

    >>> suffix_of(b"fLaC"), suffix_of(b"RIFF....WAVE"), suffix_of(b"so long")
    ('.flac', '.wav', '.bin')
    """
    if data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE":
        return ".wav"
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0):
        return ".mp3"
    return {b"fLaC": ".flac", b"OggS": ".ogg"}.get(data[:4], ".bin")


def read_bytes(path: Path) -> bytes:
    """The bytes of an audio file; `InputError` when there is no such readable regular file."""
    try:
        return read_regular(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"got no readable audio file ({reason})", todo="check the path and its permissions", where=str(path)
        ) from error


def decode(data: bytes, *, where: str, max_seconds: float | None = None) -> Waveform:
    """The recording in the bytes of an audio file; `where` names it in errors."""
    if not data:
        raise AudioFault("got a file of zero bytes", "no_speech", where=where)
    if (rate := _plain_rate(data)) is not None:  # soundfile would give the same samples for ten times the time
        pcm = np.frombuffer(data, "<i2", offset=_HEAD_BYTES)
        refuse_long(len(pcm) / rate, max_seconds, where)
        return _long_enough(_checked(pcm * np.float32(2**-15), rate, where), where)
    return _long_enough(_checked(*mono_samples(data, where=where, max_seconds=max_seconds), where), where)


def _long_enough(wave: Waveform, where: str) -> Waveform:
    if wave.seconds >= LEAST_SECONDS:
        return wave
    raise AudioFault(
        f"got {len(wave.samples)} samples at {wave.sample_rate_hz} Hz, too short to hold a sound", "no_speech",
        where=where,
    )  # fmt: skip


def transform(sample_rate_hz: int) -> str:
    """What `transmit` does to a recording, for signatures and caches. 2: channels that cancel are not averaged.

    >>> transform(16000)
    'pcm16-16000-mono2'
    """
    return f"pcm16-{sample_rate_hz}-mono2"


def transmit(path: Path, *, sha256: str, sample_rate_hz: int) -> bytes:
    """The recording as it goes to a judge: mono 16-bit PCM WAV at the rate asked for; `InputError` as `read_known`."""
    data = known_bytes(path, sha256)
    return _pcm_as_is(data, sample_rate_hz) or decode(data, where=str(path)).resampled(sample_rate_hz).to_wav()


def read_known(path: Path, *, sha256: str) -> Waveform:
    """The recording that is known under a hash.

    A file that no longer has it raises `InputError`: a rating of other sound than the record names is worse than none.
    """
    return decode(known_bytes(path, sha256), where=str(path))


def known_bytes(path: Path, sha256: str) -> bytes:
    """The bytes of the file that is known under a hash; `InputError` if it has another one."""
    data = read_bytes(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InputError("got a recording that has changed since it was taken in", where=str(path),
                         todo="put the old file back, or start a new run folder")  # fmt: skip
    return data


def wav_size(seconds: float, sample_rate_hz: int) -> int:
    """Bytes of a mono 16-bit WAV file, at most one sample off: known before the recording is loaded."""
    return 44 + 2 * round(seconds * sample_rate_hz)


def _pcm_as_is(data: bytes, rate: int) -> bytes | None:
    """The samples of a file that is already mono PCM16 at this rate, under a plain header; else None.

    Going through floats would give the same samples for eight times the time.
    """
    if _plain_rate(data) == rate:
        return data
    found = containers.opened(data) if data[:4] == b"RIFF" else None
    if found is None or found.problem or len(found.links) != 1:
        return None
    try:
        with soundfile.SoundFile(io.BytesIO(found.links[0])) as file:
            if (file.format, file.subtype, file.channels, file.samplerate) != ("WAV", "PCM_16", 1, rate):
                return None
            return pcm_wav(file.read(dtype="int16").astype("<i2", copy=False).tobytes(), rate)
    except soundfile.SoundFileError:  # `decode` says what is wrong with it
        return None


def pcm_wav(pcm: bytes, sample_rate_hz: int, channels: int = 1) -> bytes:
    """A WAV file of 16-bit little-endian samples, interleaved where there are several channels.

    >>> pcm_wav(bytes(8), 24000, channels=2)[20:36].hex(" ", 2)
    '0100 0200 c05d 0000 0077 0100 0400 1000'
    """
    return _wav_head(len(pcm), sample_rate_hz, channels) + pcm


def _plain_rate(data: bytes) -> int | None:
    """The sample rate of whole mono PCM16 samples under just the header of `pcm_wav`; None for any other file,
    and for one beyond the limits of `decoding`, which says so."""
    size, rate = len(data) - _HEAD_BYTES, int.from_bytes(data[24:28], "little")
    is_plain = size > 0 and size % 2 == 0 and size <= 2 * MAX_FRAMES and MIN_RATE <= rate <= MAX_RATE
    is_plain = is_plain and data[:_HEAD_BYTES] == _wav_head(size, rate)
    is_sound = is_plain and containers.kind_of(data[_HEAD_BYTES : _HEAD_BYTES + 12]) is None  # no MP3 under this head
    is_alone = is_sound and data.find(b"WAVEfmt ", _HEAD_BYTES) < 0  # no other recording behind it
    return rate if is_alone else None


def _wav_head(size: int, rate: int, channels: int = 1) -> bytes:
    frame = 2 * channels
    head = struct.pack("<4sI8sIHHIIHH", b"RIFF", 36 + size, b"WAVEfmt ", 16, 1, channels, rate, frame * rate, frame, 16)
    return head + struct.pack("<4sI", b"data", size)


def reference(path: Path, wave: Waveform, sha256: str) -> AudioRef:
    """The reference to a recording: its path, the hash of its bytes, its length and rate."""
    return AudioRef(path=str(path), sha256=sha256, seconds=wave.seconds, sample_rate_hz=wave.sample_rate_hz)


def _as_numpy(array: Any) -> npt.NDArray[Any]:
    if hasattr(array, "detach"):  # a torch tensor, perhaps on a GPU and with a gradient
        array = array.detach().cpu()
        array = (array.float() if array.is_floating_point() else array).numpy()  # numpy knows no bfloat16
    return np.asarray(array)


def _as_float(array: npt.NDArray[Any], where: str) -> Samples:
    if array.dtype.kind == "i":
        return (array / -float(np.iinfo(array.dtype).min)).astype(np.float32)
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what is too large for float32 becomes Inf, and that is refused
            return array.astype(np.float32, copy=False)
    raise InputError(f"got samples of type {array.dtype}, expected signed integers or floats", where=where)


def _mono(samples: Samples, rate: int) -> Samples:
    return samples if samples.ndim == 1 else one_channel(samples, rate)


def _checked(samples: Samples, rate: int, where: str) -> Waveform:
    if not len(samples):
        raise AudioFault("got a recording without a single frame", "no_speech", where=where)
    if len(samples) * LEAST_RATE_HZ < rate:  # at the rate of a judge or an instrument nothing would be left of it
        raise AudioFault(
            f"got {len(samples)} samples at {rate} Hz, too short to hold a sound", "no_speech", where=where
        )
    peak = max(samples.max(), -samples.min())  # NaN if there is one among them
    if not np.isfinite(peak):
        raise AudioFault("got NaN or Inf among the samples", "broken_audio", where=where)
    over = int(np.count_nonzero(np.abs(samples) > 1.0)) if peak > 1.0 else 0
    if over > MAX_OVER_SHARE * len(samples):
        raise AudioFault(
            f"got {over} of {len(samples)} samples over full scale, expected floats in -1..1",
            "broken_audio",
            todo="divide integer samples by their full scale before storing them as floats", where=where,
        )  # fmt: skip
    if peak < SILENCE_PEAK:
        raise AudioFault("got digital silence (nothing above -80 dBFS)", "no_speech", where=where)
    return Waveform(np.clip(samples, -1.0, 1.0) if over else samples, rate, over)
