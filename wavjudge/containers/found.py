"""What a container file turned out to hold."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ZEROS = re.compile(rb"\0*")


_UNREAD_MARKS = {
    b"version http": "Git LFS", b"#!AMR": "AMR", b"0&\xb2u": "WMA", b"NIST_1A": "NIST SPHERE",
    b"Creative Voi": "VOC", b".ra\xfd": "RealAudio", b".RMF": "RealMedia", b"MAC ": "Monkey's Audio",
    b"wvpk": "WavPack", b"TTA1": "True Audio", b"MPCK": "Musepack", b"MP+": "Musepack", b"DSD ": "DSF",
    b"FRM8": "DSDIFF", b"FLV\x01": "FLV", b"ADIF": "AAC", b"ajkg": "Shorten", b"#!SILK": "SILK", b"\x02#!SILK": "SILK",
    b"\x7f\xfe\x80\x01": "DTS", b"MThd": "MIDI", b"PVF1": "PVF", b"\0\0\x01\xba": "MPEG-PS", b"TWIN": "VQF",
}  # fmt: skip


def marked(head: bytes) -> str | None:
    """The kind of recording that others read, by the mark that it begins with."""
    return next((kind for mark, kind in _UNREAD_MARKS.items() if head.startswith(mark)), None)


@dataclass(frozen=True, slots=True)
class Found:
    """Recordings of one file, one after the other, each as a file that libsndfile reads to its end.

    missing: bytes that the file promises and does not hold. left: bytes that are neither sound nor a known tag, which
    a decoder would drop without a word. told: what is missing in words, where bytes do not say it. broken: what else
    is wrong with the file, in words.
    """

    links: tuple[bytes, ...]
    missing: int = 0
    left: int = 0
    told: str = ""
    broken: str = ""

    @property
    def problem(self) -> str | None:
        """What is wrong with the file as a whole, in words."""
        if self.missing:
            promised = self.told or f"it promises {self.missing} bytes more than are there"
            return f"got a recording that was cut off: {promised}"
        if self.broken:
            return f"got a broken recording: {self.broken}"
        if self.left:
            return f"got {self.left} bytes left over behind the sound, which are neither sound nor a known tag"
        return None


def behind_zeros(data: bytes, position: int) -> int:
    """The place of the first byte from `position` on that is not zero; the end of the data if there is none.

    >>> behind_zeros(b"a\\0\\0b", 1), behind_zeros(b"a\\0\\0", 1)
    (3, 3)
    """
    zeros = _ZEROS.match(data, position)
    return zeros.end() if zeros else position


def behind_tag(data: bytes, position: int) -> int | None:
    """The place behind an ID3, APE or Lyrics3 tag that begins at `position`; None where none does.

    >>> behind_tag(b"TAG" + bytes(125), 0), behind_tag(b"sound", 0)
    (128, None)
    """
    mark = data[position : position + 11]
    if position and position == _footed(data):
        return len(data) - 128 * (data[-128:-125] == b"TAG")
    if mark.startswith(b"ID3") and len(data) >= position + 10:
        size = sum((byte & 0x7F) << shift for byte, shift in zip(data[position + 6 : position + 10], (21, 14, 7, 0),
                                                                strict=True))  # fmt: skip
        return position + 10 + size + 10 * bool(data[position + 5] & 0x10)
    if mark.startswith(b"TAG+"):
        return position + 227
    if mark.startswith(b"TAG"):
        return position + 128
    if mark.startswith(b"APETAGEX") and len(data) >= position + 32:
        return position + 32 + int.from_bytes(data[position + 12 : position + 16], "little")
    if mark == b"LYRICSBEGIN":
        ends = [data.find(word, position) + len(word) for word in (b"LYRICSEND", b"LYRICS200") if word in data]
        return min(ends) if ends else None
    return None


def behind_id3(data: bytes) -> int:
    """The place behind the ID3v2 tags, and the zeros between them, that a file begins with; 0 where it has none.

    >>> behind_id3(b"ID3" + bytes([4, 0, 0, 0, 0, 0, 2]) + b"xxfLaC"), behind_id3(b"fLaC")
    (12, 0)
    """
    position = 0
    while data[position : position + 3] == b"ID3" and (further := behind_tag(data, position)) is not None:
        zeros = behind_zeros(data, further)
        position = zeros if zeros > further + 3 else further  # an MP4 file begins with three itself
    return position


def _footed(data: bytes) -> int | None:
    """The place of a tag of the APE kind that is marked at its end alone, as all of its first version are."""
    end = len(data) - 128 * (data[-128:-125] == b"TAG")
    foot = data[max(0, end - 32) : end]
    if not foot.startswith(b"APETAGEX") or int.from_bytes(foot[20:24], "little") & 1 << 29:  # this is its head
        return None
    return end - max(32, int.from_bytes(foot[12:16], "little"))


def behind_tags(data: bytes, position: int) -> int:
    """The place behind tags and zeros, as many as there are."""
    while position < len(data):
        further = behind_tag(data, position) or behind_zeros(data, position)
        if further <= position:
            break
        position = further
    return min(position, len(data))


def named(head: bytes) -> str | None:
    """The kind of recording that begins with these bytes; None for anything else. MP3 without a tag has no safe mark.

    >>> named(b"RIFF....WAVE"), named(b"OggS"), named(b"no sound")
    ('WAV', 'Ogg', None)
    """
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return "WAV"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF"
    marks = {
        b"fLaC": "FLAC", b"OggS": "Ogg", b".snd": "AU", b"dns.": "AU", b"caff": "CAF", b"riff": "W64",
        b"\x1a\x45\xdf\xa3": "WebM",
    }  # fmt: skip
    is_mp4 = head[4:8] == b"ftyp"
    return "MP4" if is_mp4 else "MP3" if head[:3] == b"ID3" else marks.get(head[:4]) or marked(head)
