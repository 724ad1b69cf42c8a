"""Whether a recording was cut off: how many bytes its container promises that are not there.

libsndfile reads a WAV that was cut off as a shorter recording without a word, and so it does with Ogg and MP3: half an
answer would be rated as if it were whole. FLAC needs no help, its decoder loses sync.
"""

from __future__ import annotations

_STREAMED_FROM = 0x7FFF0000
"""From here on a size is what writers put that do not know it (sox 0x7ffff000, others 0x80000000 or 0xffffffff)."""


def missing_bytes(data: bytes) -> int:
    """Bytes that the container promises beyond its end; 0 where it is whole, says nothing, or is of another kind.

    >>> head = b"RIFF\\x12\\0\\0\\0WAVEdata\\x0a\\0\\0\\0"  # a data chunk of ten bytes
    >>> missing_bytes(head + bytes(10)), missing_bytes(head + bytes(7))
    (0, 3)
    """
    if data[:4] == b"RIFF":
        return _wav(data)
    if data[:4] == b"OggS":
        return _ogg(data)
    return _mp3(data, _after_id3(data))


def _wav(data: bytes) -> int:
    """By the size in the head of the data chunk."""
    position = 12
    while position + 8 <= len(data):
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        if data[position : position + 4] == b"data":
            return 0 if size >= _STREAMED_FROM else max(0, position + 8 + size - len(data))
        position += 8 + size + size % 2
    rest = len(data) - position
    return 8 - rest if rest > 0 else 0  # cut within the head of a chunk, and the sound was still to come


def _ogg(data: bytes) -> int:
    """By the sizes in the head of the last page; a cut between two pages is not seen."""
    position = 0
    while data[position : position + 4] == b"OggS":
        count = data[position + 26] if position + 26 < len(data) else 0
        position += 27 + count + sum(data[position + 27 : position + 27 + count])
    rest = data[position:]
    if rest and b"OggS".startswith(rest):  # cut within the mark of the next page
        return 27 - len(rest)  # of its head alone
    return max(0, position - len(data))


def _mp3(data: bytes, start: int) -> int:
    """By the byte count of the Xing or Info head that encoders put into the first frame; without one, 0."""
    for offset in (13, 21, 36):  # behind the side information of MPEG-2 mono, MPEG-2 stereo or MPEG-1 mono, the rest
        place = start + offset
        flags = int.from_bytes(data[place + 4 : place + 8], "big")
        if data[place : place + 4] in (b"Xing", b"Info") and flags & 2:
            place += 12 if flags & 1 else 8  # behind the number of frames, if that is given
            return max(0, start + int.from_bytes(data[place : place + 4], "big") - len(data))
    return 0


def _after_id3(data: bytes) -> int:
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
