"""From the bytes of an audio file to mono samples, in blocks: memory follows the sound that is kept, no promise.

Limits, before anything is decoded: `MAX_BYTES` of a file, `MIN_RATE` and `MAX_RATE`, `MAX_FRAMES` of mono sound,
`MAX_VALUES` (frames times channels). Several channels become one by their mean; where that would cancel them in any
second (one channel is the other turned over), the louder channel of the recording is taken instead.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from wavjudge import containers
from wavjudge.errors import InputError
from wavjudge.files.safe import kind_of_file
from wavjudge.types import Outcome

SILENCE_PEAK = 1e-4
MAX_BYTES = 2**30
MAX_RATE = 384_000
MIN_RATE = 1000  # below it no speech is left, and raising it to a judge's rate would multiply the file
MAX_FRAMES = 120_000_000  # 480 MB of mono samples: 2 h at 16 kHz, 41 min at 48 kHz, 10 min at 192 kHz
MAX_VALUES = 2 * MAX_FRAMES  # of all channels
READ = "WAV, FLAC, Ogg (Vorbis, Opus), MP3, AIFF, AU, CAF or W64"
_BLOCK = 2**21  # samples of all channels decoded at a time
CANCELS = 0.1
"""Channels cancel where their mean has less than this part of the power that the mean of unrelated ones would have."""

Samples = npt.NDArray[np.float32]


class AudioFault(InputError):
    """A recording that cannot be rated; `outcome` is what it counts as for the candidate that made it."""

    def __init__(self, problem: str, outcome: Outcome, *, todo: str = "", where: str = "") -> None:
        super().__init__(problem, todo=todo, where=where)
        self.outcome = outcome

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.problem, self.outcome, self.todo, self.where)


def _rebuild(kind: type[AudioFault], problem: str, outcome: Outcome, todo: str, where: str) -> AudioFault:
    return kind(problem, outcome, todo=todo, where=where)


class UnreadFormat(AudioFault):
    """A recording of a format that is not read here, though others do: of stored files, no fault of who made them."""


def mono_samples(data: bytes, *, where: str, max_seconds: float | None = None) -> tuple[Samples, int]:
    """The sound of a whole file, and its rate. Raises `AudioFault` for what does not decode or is not whole."""
    refuse_size(len(data), where)
    if (kind := containers.kind_of(data)) in containers.UNREAD:
        raise _unread(kind or "", where)
    found = containers.opened(data)
    if found is not None and found.problem:
        raise AudioFault(
            found.problem, "broken_audio", where=where,
            todo="copy or make it again; whoever wrote it may have stopped half way, or put two files into one",
        )  # fmt: skip
    parts: list[Samples] = []
    rate = None
    for link in found.links if found else (data,):
        with _opened(link, where) as file:
            if rate not in (None, file.samplerate):
                raise AudioFault(
                    f"got {len(link)} bytes left over: a recording of {file.samplerate} Hz behind one of {rate} Hz",
                    "broken_audio", todo="write one file for each", where=where,
                )  # fmt: skip
            rate = file.samplerate
            parts.append(_decoded(file, link, _Limit(where, rate, max_seconds, sum(map(len, parts)))))
    return parts[0] if len(parts) == 1 else np.concatenate(parts), rate or 0


def one_channel(samples: Samples, rate: int) -> Samples:
    """Samples of shape (frames, channels) as one channel, by the rule of this module."""
    mixer = _Mixer(samples.shape[1], rate)
    mixer.add(samples)
    return samples[:, mixer.loudest] if mixer.cancels else mixer.mean()


def read_regular(path: Path) -> bytes:
    """The bytes of a regular file, `OSError` for anything else; `AudioFault` for one over `MAX_BYTES`, unread."""
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:  # a pipe would wait
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, f"it is {kind_of_file(state.st_mode)}, expected a regular file")
        refuse_size(state.st_size, str(path))
        data = file.read(MAX_BYTES + 1)
    refuse_size(len(data), str(path))
    return data


def refuse_size(size: int, where: str) -> None:
    """Refuse a file too large to be one recording, before it is read where that is possible."""
    if size > MAX_BYTES:
        raise AudioFault(
            f"got a file of {size / 2**30:.1f} GiB, expected at most {MAX_BYTES / 2**30:g} GiB", "too_long",
            todo="cut the recording, or write it at a lower rate", where=where,
        )  # fmt: skip


def refuse_long(seconds: float, max_seconds: float | None, where: str) -> None:
    """Refuse a recording over the caller's limit."""
    if max_seconds is not None and seconds > max_seconds:
        raise AudioFault(
            f"got {seconds:.1f} s of audio, expected at most {max_seconds:g} s",
            "too_long", todo="raise the limit or cut the recording", where=where,
        )  # fmt: skip


class _Forwards(soundfile.SoundFile):  # type: ignore[misc]
    """A file read from its start to its end: soundfile seeks after each block where it may, not exactly in MP3."""

    def seekable(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _Limit:
    """How long a recording may be. before: frames of the recordings in front of it in the same file."""

    where: str
    rate: int
    max_seconds: float | None
    before: int

    def refuse(self, frames: int, channels: int) -> None:
        frames += self.before
        refuse_long(frames / self.rate, self.max_seconds, self.where)
        if frames > MAX_FRAMES or frames * channels > MAX_VALUES:
            raise AudioFault(
                f"got {frames} frames of {channels} channels, expected at most {MAX_FRAMES} frames and "
                f"{MAX_VALUES} samples in all", "too_long", todo="cut the recording, or write it at a lower rate",
                where=self.where,
            )  # fmt: skip


def _opened(link: bytes, where: str) -> soundfile.SoundFile:
    try:
        file = _Forwards(io.BytesIO(link))
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        if (codec := containers.coded_in(link)) is not None:
            raise _unread(codec, where) from error
        raise _undecodable(_plain(error), where) from error
    if containers.kind_of(link) is None:  # libsndfile reads it, and nobody could say whether it is whole
        file.close()
        raise _unread(file.format, where)
    if not MIN_RATE <= file.samplerate <= MAX_RATE:
        file.close()
        raise AudioFault(
            f"got a sample rate of {file.samplerate} Hz, expected at least {MIN_RATE} and at most {MAX_RATE}",
            "broken_audio", todo="write the rate that the samples have", where=where,
        )  # fmt: skip
    return file


def _unread(kind: str, where: str) -> UnreadFormat:
    return UnreadFormat(f"got a recording of the format {kind}, which is not read, expected {READ}", "broken_audio",
                        todo=containers.remedy(kind), where=where)  # fmt: skip


def _undecodable(reason: str, where: str) -> AudioFault:
    return AudioFault(f"got a file that does not decode as audio ({reason}), expected {READ}", "broken_audio",
                      todo="convert it, for example with ffmpeg", where=where)  # fmt: skip


def _decoded(file: soundfile.SoundFile, link: bytes, limit: _Limit) -> Samples:
    """The frames of one recording, several channels as one."""
    if file.format != "MP3":  # without a Xing head the length of an MP3 is guessed from its first bytes
        limit.refuse(file.frames, file.channels)
    mixer = _Mixer(file.channels, file.samplerate)
    for block in _blocks(file, limit):
        mixer.add(block)
    if not mixer.cancels:
        return mixer.mean()
    with _opened(link, limit.where) as again:  # a second time: all channels of a long recording would not fit
        return np.concatenate([block[:, mixer.loudest] for block in _blocks(again, limit)])


def _blocks(file: soundfile.SoundFile, limit: _Limit) -> Iterator[Samples]:
    """The frames in order, a few seconds or minutes at a time; the length in the head is a promise, not a need."""
    at_most, done = max(1, _BLOCK // file.channels), 0
    while True:
        size = min(at_most, file.frames - done)
        try:
            block: Samples = file.read(size, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, TypeError, ValueError) as error:
            raise _undecodable(_plain(error), limit.where) from error
        done += len(block)
        limit.refuse(done, file.channels)
        yield block
        if len(block) < size or done == file.frames:
            return


@dataclass(slots=True)
class _Mixer:
    """The mean of channels, block by block, and whether it cancels what they hold in any second."""

    channels: int
    rate: int
    parts: list[Samples] = field(default_factory=list)
    power: npt.NDArray[np.float64] = field(init=False)
    cancels: bool = False

    def __post_init__(self) -> None:
        self.power = np.zeros(self.channels)

    @property
    def loudest(self) -> int:
        return int(np.argmax(self.power))

    def add(self, block: Samples) -> None:
        if self.channels == 1:
            self.parts.append(block[:, 0])
            return
        with np.errstate(over="ignore", invalid="ignore"):  # Inf and NaN are refused afterwards
            mixed = block.mean(axis=1, dtype=np.float32)
            for start in range(0, len(block), self.rate):
                self._look(block[start : start + self.rate], mixed[start : start + self.rate])
        self.parts.append(mixed)

    def _look(self, second: Samples, mixed: Samples) -> None:
        own = np.einsum("fc,fc->c", second, second, dtype=np.float64)
        self.power += own
        peak = max(float(second.max()), -float(second.min())) if len(second) else 0.0
        unrelated = own.sum() / self.channels**2
        self.cancels |= peak > SILENCE_PEAK and bool(np.square(mixed, dtype=np.float64).sum() < CANCELS * unrelated)

    def mean(self) -> Samples:
        return self.parts[0] if len(self.parts) == 1 else np.concatenate(self.parts)


def _plain(error: Exception) -> str:
    return str(error).split(": ", 1)[-1].strip().rstrip(".")
