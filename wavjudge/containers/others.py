"""AIFF, AU, CAF and W64: by what their heads promise, whether they are whole and nothing is left over.

A size that is zero or at the top of its range means "unknown": libsndfile reads such a file to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from wavjudge.containers.found import Found, behind_tag, behind_tags
from wavjudge.containers.wav import file_of

_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_W64_FORMAT = b"fmt " + _W64_DATA[4:]
_W64_TAILS = (b"\x00\xc0\x4f\x8e\xdb\x8a", b"\x28\xdb\x04\xc1\x00\x00")
_EMPTY = {"CAF": 4}  # bytes of a chunk of sound that are none


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a format writes its chunks: behind a head, each with a name, a size of so many bytes, padded to a border.

    own: bytes of name and size that a size counts in.
    """

    head: int
    name: int
    size: int
    order: Literal["big", "little"]
    border: int
    sound: bytes
    own: int = 0


_KINDS = {
    "AIFF": _Kind(12, 4, 4, "big", 2, b"SSND"), "CAF": _Kind(8, 4, 8, "big", 1, b"data"),
    "W64": _Kind(40, 16, 8, "little", 8, _W64_DATA, own=24),
}  # fmt: skip


def read(data: bytes, kind: str) -> Found:
    """The recording in such a file."""
    if kind == "AU":
        return _au(data)
    way, fmt = _KINDS[kind], b""
    heard: int | None = None
    sound_end = end = 0
    for name, start, size in _chunks(data, way):
        if heard is not None and (start + size > len(data) or behind_tag(data, start - way.name - way.size)):
            break  # no chunk
        if name == way.sound:
            heard = start
            if not _EMPTY.get(kind, 0) < size < 2 ** (8 * way.size - 1) - way.own:
                return Found((_whole(data, kind, start, len(data), fmt),))  # what it does not know it cannot promise
            sound_end = start + size
        fmt = data[start : start + size] if name == _W64_FORMAT else fmt
        end = start + size
    if heard is None:
        return _judged(data, way.head, end)
    found = _judged(data, way.head, end, way.border)
    return found if found.problem or kind != "W64" else Found((_whole(data, kind, heard, sound_end, fmt),))


def _au(data: bytes) -> Found:
    """Sun's word for "unknown" is 0xffffffff; no sound at all, before bytes that are there, can be no more true."""
    order: Literal["big", "little"] = "big" if data[:1] == b"." else "little"
    start, size = int.from_bytes(data[4:8], order), int.from_bytes(data[8:12], order)
    if 0 < size < 0xFFFFFFFF:
        found = _judged(data, start, start + size)
        return found if found.problem else Found((data[: start + size],))
    return Found((data[:8] + b"\xff" * 4 + data[12:],))


def _whole(data: bytes, kind: str, start: int, end: int, fmt: bytes) -> bytes:
    """The same sound as a file of which libsndfile reads that and no more."""
    if kind == "W64" and fmt:  # its sizes are not looked at, its chunks are those of WAV
        return file_of(fmt, data[start:end])
    if kind == "CAF":  # a size of -1, to the end of the file, is not understood
        return data[: start - 8] + (end - start).to_bytes(8, "big") + data[start:end]
    return data


def _chunks(data: bytes, way: _Kind) -> Iterator[tuple[bytes, int, int]]:
    position, head = way.head, way.name + way.size
    while position + head <= len(data) and any(data[position : position + way.name]):
        name = data[position : position + way.name]
        size = int.from_bytes(data[position + way.name : position + head], way.order) - way.own
        yield name, position + head, max(0, size)
        position += head + max(0, size)
        padded = position + -position % way.border
        is_unpadded = padded != position and not _is_name(data, padded, way) and _is_name(data, position, way)
        position = position if is_unpadded else padded


def _is_name(data: bytes, position: int, way: _Kind) -> bool:
    """Whether the name of a chunk may stand at a place."""
    name = data[position : position + way.name]
    if way.name == 16:
        return name.endswith(_W64_TAILS)
    return len(name) == 4 and all(32 <= byte < 127 for byte in name)


def _judged(data: bytes, start: int, end: int, border: int = 1) -> Found:
    if end > len(data):
        return Found((data,), missing=end - len(data))
    behind = min(len(data), end + -end % border)
    if any(data[end:behind]):  # no padding
        behind = end
    return Found((data,), left=0 if end <= start else len(data) - behind_tags(data, behind))
