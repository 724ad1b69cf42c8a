"""Ogg: the pages of a file, whether all of them are there and sound, and where one recording ends and the next begins.

libsndfile reads the first of several recordings alone, a file that was cut off as a shorter one, and passes over a page
that is lost or spoilt without a word. What is looked at, for each stream:

* the numbers of its pages follow on each other, and the check sum of each page fits it;
* its last page says that it is the last. Who writes each packet as a page of its own may never say so (recorders of
  calls write such files while they run): where no page holds several packets, that is taken as it is, unless the last
  packet is unfinished. A cut between two pages of such a file is not seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from wavjudge.containers.found import Found, behind_tags

_FIRST, _LAST = 0x02, 0x04  # of the flags of a page: it begins a stream, it ends one
_HEADERS = 2  # pages with headers, whose packets are no sound, at least
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(slots=True)
class _Stream:
    """What the pages of one stream have said so far."""

    number: int
    pages: int = 0
    last: bool = False
    open: bool = False
    several: bool = False


def read(data: bytes) -> Found:
    """The recordings in an Ogg file: a page that begins a stream, behind one that does not, begins another."""
    starts: list[int] = []
    position, was_first = 0, False
    while data[position : position + 4] == b"OggS":
        is_first = bool(position + 5 < len(data) and data[position + 5] & _FIRST)
        if not starts or (is_first and not was_first):
            starts.append(position)
        was_first = is_first
        count = data[position + 26] if position + 26 < len(data) else 0
        position += 27 + count + sum(data[position + 27 : position + 27 + count])
    links = tuple(data[start:stop] for start, stop in zip(starts, [*starts[1:], len(data)], strict=True))
    rest = data[position:]
    if rest and b"OggS".startswith(rest):  # cut within the mark of the next page
        return Found(links, missing=27 - len(rest))  # of its head alone
    if position > len(data):
        return Found(links, missing=position - len(data))
    left = len(data) - behind_tags(data, position)
    return Found(links, left=left, broken=next((said for link in links if (said := _flaw(link))), ""))


def _flaw(link: bytes) -> str:
    """What is wrong with the pages of one recording, in words; empty where nothing is."""
    streams: dict[bytes, _Stream] = {}
    for at, page in enumerate(_pages(link), 1):
        stream = streams.setdefault(page[14:18], _Stream(_number(page)))
        if stream.number != _number(page):
            return f"page {at} has the number {_number(page)}, expected {stream.number}: pages are missing"
        if _sum(page) != page[22:26]:
            return f"page {at} does not fit its check sum"
        _add(stream, page)
    if all(stream.last or not (stream.open or stream.several) for stream in streams.values()):
        return ""
    return "it ends without its last page: it was cut off"


def _add(stream: _Stream, page: bytes) -> None:
    sizes = page[27 : 27 + page[26]]
    stream.number = (stream.number + 1) % 2**32
    stream.pages += 1
    stream.last = bool(page[5] & _LAST)
    stream.open = sizes[-1:] == b"\xff"
    stream.several |= stream.pages > _HEADERS and sum(size < 255 for size in sizes) > 1


def _pages(link: bytes) -> Iterator[bytes]:
    position = 0
    while link[position : position + 4] == b"OggS":
        count = link[position + 26]
        size = 27 + count + sum(link[position + 27 : position + 27 + count])
        yield link[position : position + size]
        position += size


def _number(page: bytes) -> int:
    return int.from_bytes(page[18:22], "little")


def _sum(page: bytes) -> bytes:
    """The check sum of a page as Ogg stores it: the CRC of zlib on bits in the other order, from zero on."""
    turned = (page[:22] + bytes(4) + page[26:]).translate(_REVERSED)
    value = zlib.crc32(turned, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{value:032b}"[::-1], 2).to_bytes(4, "little")
