"""What a file holds before it is decoded: one recording or several, whole or cut off, and what is left over.

libsndfile believes the sizes in a file's head, reads the first of several recordings alone, takes a file that was cut
off as a shorter one, and drops what it does not know without a word: half an answer would be rated as if it were
whole. Pure functions of bytes; nothing here decodes.
"""

from __future__ import annotations

from wavjudge.containers import flac, mp3, ogg, others, unread, wav
from wavjudge.containers.found import Found, behind_id3, named

__all__ = [
    "LOOKED_AT",
    "UNREAD",
    "Found",
    "coded_in",
    "is_no_recording",
    "kind_of",
    "missing_bytes",
    "named",
    "opened",
    "remedy",
]

UNREAD = unread.KINDS
"""Kinds of recordings that are not read here, though they are sound, and of files that stand in the place of one."""

LOOKED_AT, coded_in, is_no_recording, remedy = (
    unread.LOOKED_AT, unread.coded_in, unread.is_no_recording, unread.remedy,
)  # fmt: skip

_READERS = {"WAV": wav.read, "Ogg": ogg.read, "FLAC": flac.read, "MP3": mp3.read}


def opened(data: bytes) -> Found | None:
    """The recordings in a file; None for a file of another kind."""
    kind = kind_of(data)
    if kind is not None and kind != "MP3":
        data = data[behind_id3(data) :]  # libsndfile counts the tag's bytes as if they were the recording's
    if kind in _READERS:
        return _READERS[kind](data)
    return others.read(data, kind) if kind in ("AIFF", "AU", "CAF", "W64") else None


def kind_of(data: bytes) -> str | None:
    """The kind of file by its first bytes; None for anything else.

    >>> kind_of(b"fLaC"), kind_of(bytes((255, 243))), kind_of(b"so long")
    ('FLAC', 'MP3', None)
    """
    start = behind_id3(data) if data[:3] == b"ID3" else 0
    if start and (within := kind_of(data[start : start + unread.LOOKED_AT])) is not None:
        return within  # any writer of tags may put one in front
    bare = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0
    return ("MP3" if data[1] & 6 else "AAC") if bare else unread.kind_of(data) or named(data[:12])


def missing_bytes(data: bytes) -> int:
    """Bytes that the container promises beyond its end; 0 where it is whole, says nothing, or is of another kind.

    >>> head = b"RIFF\\x2e\\0\\0\\0WAVEfmt \\x10\\0\\0\\0" + bytes(16) + b"data\\x0a\\0\\0\\0"  # ten bytes
    >>> missing_bytes(head + bytes(10)), missing_bytes(head + bytes(7))
    (0, 3)
    """
    found = opened(data)
    return found.missing if found else 0
