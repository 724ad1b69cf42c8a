"""WAV: where its sound really is, whatever its sizes say.

Writers that do not know a length put 0, 0xFFFFFFFF or something near 2 GiB; others write the length of their first
chunk, or a number that is off by a header. A size is believed only as far as it can be true beside the file:

* a data size beyond the end is a promise, and the file cut off, unless the outer size is true of the file as it is:
  then the two contradict each other, and the file is read to its end;
* a data size that ends before the file does is believed where only chunks, tags, zeros or a few bytes follow; where
  anything else follows, the sound goes on;
* an Ogg, FLAC or MP3 file in the place of the samples is no sound of a WAV file;
* another WAV head, among the samples or behind them, begins another recording, and a second data chunk goes on with
  the first.
"""

from __future__ import annotations

import re
import string
import struct
from dataclasses import dataclass

from wavjudge.containers import mp3
from wavjudge.containers.found import Found, behind_tag, behind_zeros, named

_STREAMED_FROM = 0x7FFF0000
"""From here on a size is what writers put that do not know it (sox 0x7ffff000, others 0x80000000 or 0xffffffff)."""
_A_HEAD = 128
_RUBBISH = 1024
"""So few bytes behind a sound of a known size are no more sound: whoever wrote the size of a first chunk wrote more."""
_SAMPLES = (1, 3, 6, 7, 0xFFFE)  # formats that are samples: PCM, floats, A-law, mu-law, and the long form of these
_HEAD = re.compile(rb"(?:RIFF|RIFX|RF64|BW64)[\0-\xff]{4}WAVE[ -~]{4}")
_NO_SOUND = frozenset(
    name.encode() for name in (
        "LIST", "id3 ", "ID3 ", "fact", "cue ", "smpl", "inst", "JUNK", "junk", "PAD ", "bext", "iXML", "axml", "chna",
        "cart", "umid", "PEAK", "_PMX", "acid", "strc", "plst", "labl", "note", "levl", "DISP", "afsp", "FLLR", "regn",
        "minf", "elm1", "LGWV", "MARK",
    )
)  # fmt: skip
_PRINTABLE = frozenset(string.printable.encode())


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands before the first sample.

    outer: where the file ends by its own word, None if it does not know. regular: the chunks lead here by their sizes.
    """

    fmt: bytes
    start: int
    size: int
    outer: int | None
    order: str
    regular: bool


def read(data: bytes) -> Found:
    """The recordings in a WAV file."""
    links: list[bytes] = []
    position = 0
    while position < len(data):
        head = _head(data, position)
        if head is None or not head.fmt:  # libsndfile says what is wrong with it
            return Found((*links, data[position:]), missing=_cut_head(data, position) if head is None else 0)
        if body := _another_kind(data, head):
            return Found((*links, data), broken=f"its head is that of a WAV file of samples, and behind it is {body}")
        pieces, missing, left, position, plain = _sound(data, head)
        if missing or left:
            return Found((*links, data), missing=missing, left=left)
        if plain and not links and position == len(data):
            return Found((data,))
        links.append(_file(head, b"".join(pieces)))
    return Found(tuple(links))


def _head(data: bytes, base: int) -> _Head | None:
    """The head of the recording that begins at `base`; None where no data chunk follows."""
    order = "big" if data[base : base + 4] == b"RIFX" else "little"
    behind, regular = base, True
    riff, fmt, long_sizes, position = _number(data, base + 4, order), b"", (0, 0), base + 12
    while position + 8 <= len(data):
        name, size = data[position : position + 4], _number(data, position + 4, order)
        if name == b"data":
            outer, inner = long_sizes if size == riff == 0xFFFFFFFF and any(long_sizes) else (riff, size)
            end = base + 8 + outer if outer > 0 and (outer < _STREAMED_FROM or any(long_sizes)) else None
            return _Head(fmt, position + 8, inner, end, order, regular)
        if name == b"ds64":
            long_sizes = _number(data, position + 8, order, 8), _number(data, position + 16, order, 8)
        further = position + 8 + size + size % 2
        if name == b"fmt ":
            fmt = data[position + 8 : position + 8 + (size if 16 <= size <= 64 else 16)]
            behind = position + 24
        if further + 8 > len(data) or not _is_name(data[further : further + 4]):  # its size cannot be true
            further, regular = data.find(b"data", behind) if fmt else -1, False
            if further < 0:
                return None
        position = further
    return None


def _cut_head(data: bytes, base: int) -> int:
    """Bytes that the head itself lacks, of a file that ends within the head of a chunk."""
    position = base + 12
    while position + 8 <= len(data):
        size = _number(data, position + 4, "little")
        position += 8 + size + size % 2
    rest = len(data) - position
    return 8 - rest if rest > 0 else 0


def _sound(data: bytes, head: _Head) -> tuple[list[bytes], int, int, int, bool]:
    """The pieces of sound, bytes missing, bytes left over, the place of the next recording, whether sizes are true."""
    pieces: list[bytes] = []
    start, size, plain = head.start, head.size, head.regular
    while True:
        stop, further, missing = _extent(data, start, size, head)
        if missing:
            return pieces, missing, 0, len(data), False
        if stop is None:  # bytes that are no samples follow
            return pieces, 0, len(data) - start - size, len(data), False
        if inner := _HEAD.search(data, start, stop):
            stop, further = inner.start(), inner.start()
        plain = plain and not pieces and stop == start + size
        pieces.append(data[start:stop])
        if data[further : further + 4] != b"data":
            return pieces, 0, 0, further, plain
        start, size = further + 8, _number(data, further + 4, head.order)


def _extent(data: bytes, start: int, size: int, head: _Head) -> tuple[int | None, int, int]:
    """Where the sound that begins at `start` stops, where to read on, and how many bytes are missing."""
    room, end = len(data) - start, len(data)
    if size > room:
        known = size < _STREAMED_FROM or (head.outer or 0) > _STREAMED_FROM  # the latter in 64 bits
        cut = known and _is_promise(size - room, head, end)
        return (end, end, size - room) if cut else (_without_list(data, start), end, 0)
    for stop in (start + size + size % 2, start + size):
        if stop <= end and (further := _behind(data, stop, head.order)) is not None:
            return (stop if _is_short(data, start + size, size, head) else start + size), further, 0
    if size and _is_foreign(data, start + size):
        return None, end, 0
    if room - size <= min(size, _RUBBISH):
        return start + size, end, 0
    return _without_list(data, start), end, 0


def _is_short(data: bytes, end: int, size: int, head: _Head) -> bool:
    """Whether the byte behind a sound of odd size is no padding, but the rest of the last sample."""
    align = max(1, _number(head.fmt, 12, head.order, 2))
    return data[end : end + 1] > b"\0" or (size % align > 0 and (size + 1) % align == 0)


def _is_promise(surplus: int, head: _Head, end: int) -> bool:
    """Whether a data size beyond the end of the file is a promise, or contradicted by the outer size.

    A file that was cut off lacks the same bytes by both sizes. An outer size that is true of the file as it is, or
    is its whole length (a common slip), says that nothing is missing; where there is none, only a surplus of the size
    of a head is taken for a slip.
    """
    if head.outer is None or head.outer <= head.start:
        return surplus > _A_HEAD
    beyond = head.outer - end
    return beyond == surplus or beyond not in (-1, 0, 1, 8)


def _behind(data: bytes, position: int, order: str) -> int | None:
    """The place of the next sound, or the end, where all before it is no sound; None where something else stands."""
    while position < len(data):
        if (further := behind_zeros(data, position)) == len(data):
            return further
        name = data[further : further + 4]
        if further > position and name not in _NO_SOUND | {b"data"} and named(data[further : further + 12]) != "WAV":
            further = position  # a chunk may begin with what is no zero only
            name = data[further : further + 4]
        if named(data[further : further + 12]) == "WAV" or (name == b"data" and len(data) > further + 8):
            return further
        if (tag := behind_tag(data, further)) is not None and name[:3] in (b"TAG", b"APE", b"LYR"):
            position = tag
            continue
        size = _number(data, further + 4, order)
        fits = further + 8 + size <= len(data)
        if not (_is_name(name) and len(data) >= further + 8 and (fits or name in _NO_SOUND)):
            return None
        position = further + 8 + size + size % 2
    return len(data)


def _is_name(name: bytes) -> bool:
    """Whether four bytes may be the name of a chunk."""
    return len(name) == 4 and all(32 <= byte < 127 for byte in name)


def _is_foreign(data: bytes, position: int) -> bool:
    """Whether what follows the sound is a file of another kind, or text: no samples, whatever the sizes say."""
    rest = data[position : position + 4096]
    is_text = len(rest) >= 32 and _PRINTABLE.issuperset(rest)
    return is_text or named(rest[:12]) is not None or mp3.begins(data, position)


def _another_kind(data: bytes, head: _Head) -> str | None:
    """The kind of file that stands in the place of samples: a WAV head in front of what is none."""
    if _number(head.fmt, 0, head.order, 2) not in _SAMPLES:
        return None
    kind = named(data[head.start : head.start + 12])
    if kind not in (None, "WAV"):
        return kind
    return "MP3" if mp3.begins(data, head.start) else None


def _without_list(data: bytes, start: int) -> int:
    """The end of sound whose size is not known: a list of chunks, or a tag, at the very end of the file is no sound."""
    end = len(data) - 128 if data[-128:-125] == b"TAG" and len(data) - 128 > start else len(data)
    place = data.rfind(b"LIST", start, end)
    if place >= 0 and data[place + 8 : place + 12] in (b"INFO", b"adtl"):
        size = _number(data, place + 4, "little")
        if end - 1 <= place + 8 + size + size % 2 <= end + 1:
            return place
    return end


def _file(head: _Head, sound: bytes) -> bytes:
    return file_of(head.fmt, sound, head.order)


def file_of(fmt: bytes, sound: bytes, byte_order: str = "little") -> bytes:
    """A WAV file of a `fmt ` chunk and a sound, whose sizes are true."""
    order = ">" if byte_order == "big" else "<"
    chunks = b"fmt " + struct.pack(f"{order}I", len(fmt)) + fmt + bytes(len(fmt) % 2)
    mark = b"RIFX" if byte_order == "big" else b"RIFF"
    outer = struct.pack(f"{order}I", 4 + len(chunks) + 8 + len(sound) + len(sound) % 2)
    pad = bytes(len(sound) % 2)
    return b"".join((mark, outer, b"WAVE", chunks, b"data", struct.pack(f"{order}I", len(sound)), sound, pad))


def _number(data: bytes, position: int, order: str, width: int = 4) -> int:
    return int.from_bytes(data[position : position + width], "big" if order == "big" else "little")
