"""AIFF, AU, CAF and W64: by what their heads promise, whether they are whole and nothing is left over.

A size that is zero or at the top of its range means "unknown": libsndfile reads such a file to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from wavjudge.containers.found import Found, behind_tags

_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


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
        start, size = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
        return _judged(data, start, start + size) if 0 < size < 0xFFFFFFFF else Found((data,))
    way, place, heard = _KINDS[kind], 0, False
    for name, start, size in _chunks(data, way):
        if heard and start + size > len(data):
            break  # no chunk
        if name == way.sound and not 0 < size < 2 ** (8 * way.size - 1):
            return Found((data,))  # what it does not know it cannot promise
        place, heard = start + size, heard or name == way.sound
        place += -place % way.border
    return _judged(data, way.head, place - (place == len(data) + 1))


def _chunks(data: bytes, way: _Kind) -> Iterator[tuple[bytes, int, int]]:
    position, head = way.head, way.name + way.size
    while position + head <= len(data) and any(data[position : position + way.name]):
        name = data[position : position + way.name]
        size = int.from_bytes(data[position + way.name : position + head], way.order) - way.own
        yield name, position + head, max(0, size)
        position += head + max(0, size)
        position += -position % way.border


def _judged(data: bytes, start: int, end: int) -> Found:
    if end > len(data):
        return Found((data,), missing=end - len(data))
    return Found((data,), left=0 if end <= start else len(data) - behind_tags(data, end))
