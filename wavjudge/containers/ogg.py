"""Ogg: the pages of a file, and where one recording ends and the next begins.

libsndfile reads the first of several recordings alone, and a file that was cut off as a shorter one. A cut exactly
between two pages is not seen.
"""

from __future__ import annotations

from wavjudge.containers.found import Found, behind_tags

_FIRST = 0x02  # of the flags of a page: it begins a stream


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
    return Found(links, left=len(data) - behind_tags(data, position))
