"""Limits: memory and time follow the sound that is kept, whatever a head promises; only regular files are read."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.test_audio import RATE, WHOLE, encoded, outcome, tone
from wavjudge.audio import AudioFault, Waveform, decode, read
from wavjudge.decoding import MAX_BYTES, MAX_FRAMES
from wavjudge.errors import InputError

CHILD = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
from wavjudge import audio
try:
    print(audio.decode(open(sys.argv[1], "rb").read(), where="a", max_seconds=float(sys.argv[2])).seconds)
except audio.AudioFault as fault:
    print(fault.outcome, fault.problem)
"""


def constant(frames: int, rate: int, channels: int) -> bytes:
    """A FLAC of frames of 32,768 equal samples: some thirty bytes decode to half a megabyte."""
    told = (rate << 44) | ((channels - 1) << 41) | (15 << 36) | frames * 32_768
    head = b"fLaC\x80\0\0\x22" + b"\x80\0\x80\0" + bytes(6) + told.to_bytes(8, "big") + bytes(16)
    return head + b"".join(_frame(number, channels) for number in range(frames))


def _frame(number: int, channels: int) -> bytes:
    coded = chr(number).encode() if number < 0xD800 else b""  # the number is written as UTF-8
    head = bytes((0xFF, 0xF8, 0xF0, (channels - 1) << 4 | 8)) + coded
    head += bytes((_crc(head, 0x07, 8),)) + b"\0\x40\0" * channels
    return head + _crc(head, 0x8005, 16).to_bytes(2, "big")


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    found = 0
    for byte in data:
        found ^= byte << (bits - 8)
        for _ in range(8):
            found = (found << 1 ^ polynomial if found >> (bits - 1) else found << 1) & (1 << bits) - 1
    return found


@pytest.mark.parametrize(
    "frames, rate, channels, said",
    [
        (11_980, 655_350, 8, "broken_audio got a sample rate of 655350 Hz"),
        (3_510, 192_000, 8, "too_long got 115015680 frames of 8 channels"),
        (3_700, 384_000, 1, "too_long got 121241600 frames of 1 channels"),
        (30, 384_000, 8, "2.56"),
    ],
)
def test_a_small_file_that_decodes_to_much_takes_no_more_memory_than_its_sound(
    tmp_path: Path, frames: int, rate: int, channels: int, said: str
) -> None:
    (tmp_path / "a").write_bytes(data := constant(frames, rate, channels))
    assert len(data) < 2**19
    done = subprocess.run([sys.executable, "-c", CHILD, tmp_path / "a", "600"], capture_output=True, text=True)
    assert done.stdout.startswith(said), done.stdout + done.stderr


@pytest.mark.heavy
def test_the_longest_sound_that_is_read_fits_into_three_gigabytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(constant(3_510, 192_000, 2))
    done = subprocess.run([sys.executable, "-c", CHILD, tmp_path / "a", "600"], capture_output=True, text=True)
    assert done.stdout.startswith("599.04"), done.stdout + done.stderr


def test_channels_of_ogg_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavjudge.decoding.MAX_VALUES", 1_000_000)
    file = io.BytesIO()
    soundfile.write(file, np.zeros((6_000, 200), np.float32), 48_000, format="OGG", subtype="VORBIS")
    assert outcome(file.getvalue()) == "too_long"


def test_a_head_is_believed_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(WHOLE["wav32f"])
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *_, **__: pytest.fail("it was decoded"))
    monkeypatch.setattr("wavjudge.decoding.MAX_FRAMES", RATE - 1)
    with pytest.raises(AudioFault, match=r"got 24000 frames of 1 channels, expected at most 23999 frames") as fault:
        decode(bytes(data), where="a")
    assert fault.value.outcome == "too_long"


def test_two_recordings_in_a_row_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome(WHOLE["flac"] * 2, max_seconds=1.5) == "too_long"
    monkeypatch.setattr("wavjudge.decoding.MAX_FRAMES", RATE + 100)
    assert outcome(WHOLE["flac"] * 2) == "too_long"


def test_a_file_beyond_every_recording_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.wav").open("wb") as file:
        file.truncate(40 * 2**30)  # sparse
    with pytest.raises(AudioFault, match=r"got a file of 40\.0 GiB, expected at most 1 GiB") as fault:
        read(tmp_path / "a.wav")
    assert fault.value.outcome == "too_long" and MAX_BYTES == 2**30 and MAX_FRAMES >= 600 * 192_000


@pytest.mark.parametrize("kind", ["pipe", "folder", "socket", "device"])
def test_what_is_no_regular_file_is_named_and_never_read(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.wav"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        monkeypatch.chdir(tmp_path)  # the whole path would be too long for a socket
        with socket.socket(socket.AF_UNIX) as ear:
            ear.bind("a.wav")
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"got no readable audio file"):
        read(path)


# Several channels


def test_a_second_that_cancels_is_heard_though_the_rest_does_not() -> None:
    sound = np.stack([tone(3), tone(3)], axis=1)
    sound[RATE : 2 * RATE, 1] *= -1
    wave = decode(encoded(sound), where="a")
    rms = [float(np.sqrt(np.mean(part**2))) for part in np.split(wave.samples, 3)]
    assert rms == pytest.approx([0.5 / 2**0.5] * 3, abs=0.01)


@pytest.mark.parametrize(
    "scale, loudness", [(1.0, 0.5), (0.5, 0.375), (0.0, 0.25), (-0.5, 0.125), (-0.9, 0.5), (-1.0, 0.5)]
)
def test_the_mean_is_taken_as_long_as_it_can_be_heard(scale: float, loudness: float) -> None:
    sound = np.stack([tone(), scale * tone()], axis=1)
    for wave in (decode(encoded(sound), where="a"), Waveform.from_array(sound, sample_rate_hz=RATE)):
        assert float(np.sqrt(2 * np.mean(wave.samples**2))) == pytest.approx(loudness, abs=0.01)


def test_noise_of_its_own_in_each_channel_and_one_speaker_a_channel_are_no_cancelling() -> None:
    rng = np.random.default_rng(3)
    noise = rng.uniform(-0.3, 0.3, (2 * RATE, 6)).astype(np.float32)
    two = np.zeros((2 * RATE, 2), np.float32)
    two[:RATE, 0], two[RATE:, 1] = tone(), tone(1, 600)
    for sound in (noise, two):
        found = decode(encoded(sound, "wav32f"), where="a").samples
        assert found == pytest.approx(sound.mean(axis=1), abs=1e-6)


def test_silence_in_opposite_channels_stays_silence() -> None:
    quiet = np.stack([tone(peak=5e-5), -tone(peak=5e-5)], axis=1)
    file = io.BytesIO()
    soundfile.write(file, quiet, RATE, format="WAV", subtype="FLOAT")
    assert outcome(file.getvalue()) == "no_speech"
