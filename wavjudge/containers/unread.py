"""What is not read here though a player plays it, and what is no recording but stands in the place of one.

Neither says anything about who answered: the recording may be good, and only has to be converted, fetched or
downloaded again. Pure functions of bytes.
"""

from __future__ import annotations

import re

from wavjudge.containers.found import marked

LOOKED_AT = 1024
"""Bytes of a file by which its kind is told."""
_STANDS_FOR = {
    "Git LFS": "fetch it: git lfs pull",
    "git-annex": "fetch it: git annex get",
    "HTML": "this is a web page, perhaps of a log-in or an error; download the recording again",
    "XML": "this is a document, perhaps an error of a server; download the recording again",
    "JSON": "this is a document, perhaps an error of a server; download the recording again",
    "error message": "this is what a server said in the place of the recording; download the recording again",
    "ZIP": "unpack it", "gzip": "unpack it: gunzip", "NumPy": "write the samples as a WAV file at their rate",
}  # fmt: skip
"""Kinds of files that stand for a recording, and how to come by it."""
KINDS = frozenset({
    "MP4", "WebM", "AAC", "AMR", "WMA", "NIST SPHERE", "VOC", "RealAudio", "RealMedia", "Monkey's Audio", "WavPack",
    "True Audio", "Musepack", "DSF", "DSDIFF", "FLV", "Shorten", "SILK", "DTS", "MIDI", "PVF", "MPEG-PS", "VQF", "AC-3",
    "MPEG-TS", "Ogg FLAC", "Ogg Speex", "Ogg video", *_STANDS_FOR,
})  # fmt: skip
_TEXTS = (
    (re.compile(rb"/annex/objects/|\.?\.?/?(?:\.\./)*\.git/annex/objects/"), "git-annex"),
    (re.compile(rb"<(?:!doctype\s+html|html|head|body|title|!--|script|meta)\b", re.IGNORECASE), "HTML"),
    (re.compile(rb"<!doctype|<\?xml|<Error>", re.IGNORECASE), "XML"),
    (re.compile(rb"""\{\s*"|\{\s*\}|\[\s*[{"\[]"""), "JSON"),
    (re.compile(rb"(?:HTTP/[\d.]+ )?[45]\d\d\b[ :-]|(?:entry |file )?not found|access (?:to|denied)|forbidden"
                rb"|unauthorized|bad gateway|internal server error|invalid username|too many requests",
                re.IGNORECASE), "error message"),
)  # fmt: skip
_STREAMS = {
    b"\x7fFLAC": "Ogg FLAC", b"Speex   ": "Ogg Speex", b"\x80theora": "Ogg video", b"BBCD": "Ogg video",
    b"fishead": "Ogg video",
}  # fmt: skip
_WAV_CODECS = {
    0xFF: "AAC", 0x1600: "AAC", 0x1601: "AAC", 0x1602: "AAC", 0x1610: "AAC", 0x706D: "AAC", 0xA106: "AAC",
    0x50: "MPEG audio", 0x55: "MP3", 0x160: "WMA", 0x161: "WMA", 0x162: "WMA", 0x163: "WMA", 0x92: "AC-3",
    0x2000: "AC-3", 0x2001: "DTS", 0x674F: "Vorbis", 0x6750: "Vorbis", 0x6751: "Vorbis", 0x676F: "Vorbis",
    0x704F: "Opus", 0xF1AC: "FLAC", 0x22: "TrueSpeech", 0x42: "G.723", 0x45: "G.726", 0x64: "G.726", 0x83: "G.729",
    0x133: "G.729", 0xA109: "Speex", 0x10: "OKI ADPCM", 0x20: "Yamaha ADPCM", 0x200: "Creative ADPCM", 0x57: "AMR",
    0x136: "AMR", 0x6C: "RT24",
}  # fmt: skip


def kind_of(data: bytes) -> str | None:
    """The kind of a file that is not read; None for one that may be.

    >>> kind_of(b"NIST_1A"), kind_of(b"  <!DOCTYPE html>"), kind_of(b"fLaC")
    ('NIST SPHERE', 'HTML', None)
    """
    text = data[:LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip()
    if found := next((kind for form, kind in _TEXTS if form.match(text)), None):
        return found
    if data[:4] == b"OggS" and len(data) > 27:
        first = data[27 + data[26] :][:8]
        return next((kind for mark, kind in _STREAMS.items() if first.startswith(mark)), None)
    if data[:4] == b"PK\x03\x04":
        return "ZIP"
    if data[:3] == b"\x1f\x8b\x08":
        return "gzip"
    if data[:6] == b"\x93NUMPY":
        return "NumPy"
    if data[:2] == b"\x0b\x77" and len(data) > 5 and data[5] >> 3 <= 16:
        return "AC-3"
    return "MPEG-TS" if any(_is_transport(data, start, size) for start, size in ((0, 188), (4, 192))) else marked(data)


def _is_transport(data: bytes, start: int, size: int) -> bool:
    """Whether a sync byte stands at the head of each of the first packets."""
    return len(data) > start + 2 * size and all(data[start + at * size] == 0x47 for at in range(3))


def coded_in(data: bytes) -> str | None:
    """The kind of file and the codec in it, where the container is read and the codec is not; else None.

    >>> coded_in(b"RIFF....WAVEfmt " + bytes([16, 0, 0, 0, 255, 0]))
    'WAV with AAC'
    """
    if data[:4] in (b"RIFF", b"RF64", b"BW64"):
        place = data.find(b"fmt ", 12, 4096) + 8
        codec = _WAV_CODECS.get(int.from_bytes(data[place : place + 2], "little")) if place >= 8 else None
        return f"WAV with {codec}" if codec else None
    name = b""
    if data[:4] == b"FORM" and data[8:12] == b"AIFC" and (place := data.find(b"COMM", 12)) >= 0:
        name = data[place + 26 : place + 30]
    elif data[:4] == b"caff" and (place := data.find(b"desc", 8)) >= 0:
        name = data[place + 20 : place + 24]
    return f"{'CAF' if data[:4] == b'caff' else 'AIFF'} with {name.decode('ascii')}" if _is_codec(name) else None


def _is_codec(name: bytes) -> bool:
    return len(name) == 4 and all(48 <= byte < 123 or byte in b" .-" for byte in name) and name.strip() != b""


def is_no_recording(kind: str) -> bool:
    """Whether files of a kind only stand in the place of a recording."""
    return kind in _STANDS_FOR


def remedy(kind: str) -> str:
    """What to do about a file of a kind that is not read."""
    return _STANDS_FOR.get(kind, "convert it, for example: ffmpeg -i OLD NEW.wav (or sox OLD NEW.wav)")
