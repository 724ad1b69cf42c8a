from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.loopback.verdict import wav
from wavjudge import audio
from wavjudge.errors import InputError
from wavjudge.judges.model_judge import Recordings

RATE = 16000


def write(path: Path, seed: int, seconds: float = 0.1) -> tuple[Path, str]:
    data = wav(seconds, seed=seed)
    path.write_bytes(data)
    return path, hashlib.sha256(data).hexdigest()


def test_a_recording_is_read_once_for_each_rate_and_what_was_checked_is_sent_again(tmp_path: Path) -> None:
    recordings = Recordings()
    path, sha256 = write(tmp_path / "a.wav", 1)
    first = recordings.load(path, sha256=sha256, sample_rate_hz=RATE)
    assert first == path.read_bytes()
    path.unlink()
    assert recordings.load(path, sha256=sha256, sample_rate_hz=RATE) is first
    with pytest.raises(InputError, match="no readable audio file"):
        recordings.load(path, sha256=sha256, sample_rate_hz=8000)


def test_it_keeps_no_more_bytes_than_it_may_and_forgets_the_oldest_use(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{seed}.wav", seed) for seed in range(3)]
    recordings = Recordings(max_bytes=2 * files[0][0].stat().st_size)
    for number in (0, 1, 0, 2):  # 0 is used again, so 1 has to go
        recordings.load(files[number][0], sha256=files[number][1], sample_rate_hz=RATE)
    for path, _ in files:
        path.unlink()
    for number in (0, 2):
        recordings.load(files[number][0], sha256=files[number][1], sample_rate_hz=RATE)
    with pytest.raises(InputError):
        recordings.load(files[1][0], sha256=files[1][1], sample_rate_hz=RATE)


def test_one_that_is_larger_than_all_is_sent_and_not_kept(tmp_path: Path) -> None:
    recordings = Recordings(max_bytes=100)
    path, sha256 = write(tmp_path / "a.wav", 1)
    for _ in range(2):
        assert recordings.load(path, sha256=sha256, sample_rate_hz=RATE) == path.read_bytes()


def test_a_recording_that_changed_is_refused(tmp_path: Path) -> None:
    path, _ = write(tmp_path / "a.wav", 1)
    with pytest.raises(InputError, match="has changed"):
        Recordings().load(path, sha256="0" * 64, sample_rate_hz=RATE)


def test_calls_that_load_one_recording_at_the_same_time_count_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sha256 = write(tmp_path / "a.wav", 1)
    size, both = path.stat().st_size, threading.Barrier(2)

    def transmit(path: Path, *, sha256: str, sample_rate_hz: int) -> bytes:
        both.wait(10)  # neither has kept it before the other has looked
        return path.read_bytes()

    monkeypatch.setattr(audio, "transmit", transmit)
    recordings = Recordings(max_bytes=size)

    def load(_: int) -> bytes:
        return recordings.load(path, sha256=sha256, sample_rate_hz=RATE)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(load, range(2))) == [path.read_bytes()] * 2
    assert (recordings._bytes, len(recordings._kept)) == (size, 1)
