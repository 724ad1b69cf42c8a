"""MP3: a file is its frames; they are walked through, because its first one may know the length of the first recording
alone, and because what is cut off or left over shows nowhere else.

A frame with a Xing, Info or VBRI head begins a recording. Where its numbers and the frames contradict each other, or
where there is none, a head with the true number is put in its place: libsndfile stops at a guess otherwise. A file of
the free format (frames that do not say their size) is taken as it is. A cut between two frames of a file without such a
head is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from wavjudge.containers.found import Found, behind_tag, behind_zeros

_BITRATES = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}  # fmt: skip
"""In kbit/s, by whether it is MPEG-1 and by layer."""
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


@dataclass(slots=True)
class _Link:
    """One recording while its frames are counted. begin: of its first frame, which may be the Xing head alone."""

    begin: int
    stop: int
    rate: int
    head: _Xing | None
    frames: int = 0


@dataclass(frozen=True, slots=True)
class _Xing:
    """What the first frame says of those behind it; None where it says nothing. size: of that frame. foreign: it is
    that of another encoder (VBRI), which a decoder may pass over."""

    size: int
    frames: int | None
    bytes: int | None
    foreign: bool = False


def read(data: bytes) -> Found:
    """The recordings in an MP3 file."""
    links: list[_Link] = []
    position, new, missing, left = 0, True, 0, 0
    while position < len(data) and not (missing or left):
        if (tag := behind_tag(data, position)) is not None:
            new = new or data[position : position + 3] == b"ID3"
            missing = max(0, tag - len(data)) if not links else 0  # cut within the tag in front
            position = tag
        elif (further := behind_zeros(data, position)) > position:
            position = further
        elif (frame := _frame(data, position)) is None:
            left = len(data) - position
        else:
            size, rate = frame
            if not size:
                return Found((data,))
            missing = max(0, position + size - len(data))
            head = _xing(data, position, size)
            if new or head is not None or rate != links[-1].rate:
                links.append(_Link(position, position, rate, head))
            links[-1].frames += head is None
            position += size
            links[-1].stop, new = min(position, len(data)), False
    if not links:
        return Found((data,), missing=missing)
    if not (missing or left):
        missing = next((lacking for link in links if (lacking := _lacking(link))), 0)
    return Found(tuple(_file(data, link) for link in links), missing, left)


def begins(data: bytes, position: int) -> bool:
    """Whether three whole frames follow on each other at a place: samples never look like that."""
    for _ in range(3):
        size, _ = _frame(data, position) or (0, 0)
        if size < 24 or position + size > len(data):
            return False
        position += size
    return True


def _frame(data: bytes, position: int) -> tuple[int, int] | None:
    """Size and sample rate of the frame at a place; size 0 of the free format; None where no frame is."""
    head = data[position : position + 4]
    if head[:1] != b"\xff" or (len(head) > 1 and head[1] & 0xE0 != 0xE0):
        return None
    if len(head) < 4:
        return 4, 0  # cut within the head of a frame
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate, pad = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate == 15 or rate == 3:
        return None
    hertz, bits = _RATES[version][rate], 1000 * _BITRATES[version == 3, layer][bitrate]
    if not bits:
        return 0, hertz
    if layer == 1:
        return (12 * bits // hertz + pad) * 4, hertz
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + pad, hertz


def _xing(data: bytes, start: int, size: int) -> _Xing | None:
    """The head of a recording in its first frame; its place depends on the version and the channels."""
    for offset in (13, 21, 36):  # behind the side information of MPEG-2 mono, MPEG-2 stereo or MPEG-1 mono, the rest
        place = start + offset
        if data[place : place + 4] in (b"Xing", b"Info"):
            flags, place, told = int.from_bytes(data[place + 4 : place + 8], "big"), place + 8, list[int | None]()
            for bit in (1, 2):
                told.append(int.from_bytes(data[place : place + 4], "big") if flags & bit else None)
                place += 4 * bool(flags & bit)
            return _Xing(size, told[0], told[1])
    place = start + 36
    if data[place : place + 4] == b"VBRI" and len(data) >= place + 18:
        size_told, frames = (int.from_bytes(data[place + at : place + at + 4], "big") for at in (10, 14))
        return _Xing(size, frames or None, size_told or None, foreign=True)
    return None


def _lacking(link: _Link) -> int:
    """Bytes that the head promises behind the last frame, where nothing that it says speaks against it."""
    if link.head is None:
        return 0
    there, whole = link.stop - link.begin, link.frames
    lacks_bytes = None if link.head.bytes is None else link.head.bytes - there
    lacks_frames = None if link.head.frames is None else link.head.frames - whole
    if any(lacks is not None and lacks <= 0 for lacks in (lacks_bytes, lacks_frames)):
        return 0
    return lacks_bytes or (lacks_frames or 0) * max(1, there // (whole + 1))


def _file(data: bytes, link: _Link) -> bytes:
    """The frames of a recording behind a head that counts them and no others."""
    if link.head is not None and link.head.frames == link.frames and not link.head.foreign:
        return data if (link.begin, link.stop) == (0, len(data)) else data[link.begin : link.stop]
    sound = data[link.begin + (link.head.size if link.head else 0) : link.stop]
    return _counting(sound[:4], link.frames, len(sound)) + sound if link.frames and len(sound) > 4 else sound


def _counting(first: bytes, frames: int, size: int) -> bytes:
    """A Xing head for frames of which the first has this head."""
    for bitrate in (first[2] >> 4, 8):  # the smallest frames have no room for it
        head = bytes((0xFF, first[1] | 1, bitrate << 4 | first[2] & 0x0C, first[3]))
        room, _ = _frame(head, 0) or (0, 0)
        if room >= 64:
            break
    mpeg1, mono = first[1] >> 3 & 3 == 3, first[3] >> 6 == 3
    place = 36 if mpeg1 and not mono else 13 if mono and not mpeg1 else 21
    told = b"Xing" + (3).to_bytes(4, "big") + frames.to_bytes(4, "big") + (room + size).to_bytes(4, "big")
    return (head + bytes(place - 4) + told).ljust(room, b"\0")
