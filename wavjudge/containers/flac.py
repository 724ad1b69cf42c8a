"""FLAC: its frames are counted, because its head may know the length of nothing, or of the first recording alone.

Each frame has a head with a check sum and a running number, so they are found without decoding; the last one has to
end, by its own check sum, where the file does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wavjudge.containers.found import Found, behind_tags

_START = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_TOTAL = 21  # where the 36 bits of the number of samples begin, after four of something else


@dataclass(frozen=True, slots=True)
class _Frame:
    start: int
    number: int
    samples: int
    counts_samples: bool  # its number is that of its first sample, else that of the frame

    @property
    def next_number(self) -> int:
        return self.number + (self.samples if self.counts_samples else 1)


def read(data: bytes) -> Found:
    """The recordings in a FLAC file, each with its true length in its head."""
    starts = [found.start() for found in _START.finditer(data)] or [0]
    links: list[bytes] = []
    for start, stop in zip(starts, [*starts[1:], len(data)], strict=True):
        one = data[start:stop]
        found = _one(one)
        links += found.links
        if found.problem:
            return Found(tuple(links), found.missing, found.left, found.told)
    return Found(tuple(links))


def _one(data: bytes) -> Found:
    if not _START.match(data):
        return Found((data,))  # libsndfile says what is wrong with it
    if (begin := _behind_metadata(data)) is None:
        return Found((data,), missing=1, told="its head is not whole")
    frames = _frames(data, begin)
    promised = int.from_bytes(data[_TOTAL : _TOTAL + 5], "big") & 0xFFFFFFFFF
    if not frames:
        return Found((data,), missing=promised and 1, told="it holds no whole frame")
    counted, last = sum(frame.samples for frame in frames), frames[-1]
    if not (ends := _ends(data, last.start)):
        return Found((data,), missing=1, told="its last frame is not whole")
    left = len(data) - behind_tags(data, ends[-1])
    whole = last.samples < frames[0].samples or promised <= counted  # a short frame is the last of its recording
    missing = 0 if whole or left else promised - counted
    return Found(_mended(data, counted).links, missing, left, f"it promises {missing} samples more than are there")


def _mended(data: bytes, samples: int) -> Found:
    """The same file with this number of samples in its head."""
    total = int.from_bytes(data[_TOTAL : _TOTAL + 5], "big") & ~0xFFFFFFFFF | samples
    same = int.from_bytes(data[_TOTAL : _TOTAL + 5], "big") == total
    return Found((data if same else data[:_TOTAL] + total.to_bytes(5, "big") + data[_TOTAL + 5 :],))


def _behind_metadata(data: bytes) -> int | None:
    position, is_last = 4, False
    while not is_last:
        if position + 4 > len(data):
            return None
        is_last = bool(data[position] & 0x80)
        position += 4 + int.from_bytes(data[position + 1 : position + 4], "big")
    return position if position <= len(data) else None


def _frames(data: bytes, begin: int) -> list[_Frame]:
    """The frames in their order; what looks like one and does not continue the count is compressed sound."""
    frames: list[_Frame] = []
    for place in _SYNC.finditer(data, begin):
        frame = _frame(data, place.start())
        if frame is not None and ((not frames and frame.start == begin) or (frames and _follows(frames[-1], frame))):
            frames.append(frame)
        elif not frames and place.start() > begin:
            break
    return frames


def _follows(before: _Frame, frame: _Frame) -> bool:
    return frame.counts_samples == before.counts_samples and frame.number == before.next_number


def _frame(data: bytes, start: int) -> _Frame | None:
    """The frame whose head stands at `start`; None where no head does."""
    if start + 6 > len(data) or data[start + 3] & 1 or (first := data[start + 4]) in (0xFF, *range(0x80, 0xC0)):
        return None
    more = 0 if first < 0x80 else 8 - (0xFF ^ first).bit_length() - 1  # bytes of the number behind its first
    number = first if first < 0x80 else first & (0x7F >> (more + 1))
    for byte in data[start + 5 : start + 5 + more]:
        number = number << 6 | byte & 0x3F
    at, size, rate = start + 5 + more, data[start + 2] >> 4, data[start + 2] & 0xF
    extra = {6: 1, 7: 2}.get(size, 0)
    told = int.from_bytes(data[at : at + extra], "big") + 1
    at += extra + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if at >= len(data) or size == 0 or rate == 15 or _crc8(data[start:at]) != data[at]:
        return None
    samples = told if extra else 192 if size == 1 else 576 << (size - 2) if size < 6 else 256 << (size - 8)
    return _Frame(start, number, samples, bool(data[start + 1] & 1))


def _ends(data: bytes, start: int) -> list[int]:
    """Where the frame that begins at `start` may end: its check sum leaves nothing there. The end of the data first."""
    crc, ends = 0, []
    for place in range(start, len(data)):
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ data[place]]
        if not crc and place > start + 8:
            ends.append(place + 1)
    return [end for end in ends if behind_tags(data, end) == len(data)][:1] or ends[:1]


def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    top, found = 1 << (bits - 1), []
    for byte in range(256):
        crc = byte << (bits - 8)
        for _ in range(8):
            crc = (crc << 1 ^ polynomial if crc & top else crc << 1) & (2 * top - 1)
        found.append(crc)
    return tuple(found)


_CRC8, _CRC16 = _table(0x07, 8), _table(0x8005, 16)


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _CRC8[crc ^ byte]
    return crc
