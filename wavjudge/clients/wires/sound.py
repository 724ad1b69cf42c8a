"""Audio in replies: base64 in either alphabet, WAV files, and raw samples whose rate stands in their media type.

What does not read is said in words, as in `wire.json_object`: the reply is then malformed. Whether a whole WAV file
holds speech is not asked here; that is the candidate's outcome (`wavjudge.audio`).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence

import pybase64

from wavjudge import audio

_WAV_TYPES = frozenset({"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"})
_PCM_TYPES = frozenset({"audio/l16", "audio/pcm"})
_RATES_HZ = range(1000, 768_001)
_CHANNELS = range(1, audio.MAX_CHANNELS + 1)

Blob = tuple[str, str]
"""The media type and the base64 of a piece of audio."""


def unbase64(text: str) -> bytes | None:
    """The bytes that a text in base64 holds, in the standard or the URL-safe alphabet, padded or not; else None.

    >>> unbase64("-_8="), unbase64("+/8"), unbase64("+?8=")
    (b'\\xfb\\xff', b'\\xfb\\xff', None)
    """
    if "-" in text or "_" in text:
        text = text.replace("-", "+").replace("_", "/")
    try:
        return bytes(pybase64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError):
        return None


def is_wav(data: bytes) -> bool:
    """Whether the bytes begin as a WAV file does (RF64 is the kind for more than 4 GiB)."""
    return data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE"


def wav_in(text: str) -> bytes | str:
    """The WAV file that a text in base64 holds, or in words what stands there instead."""
    data = unbase64(text)
    if data is None:
        return "audio that is not base64"
    return data if is_wav(data) else f"audio that is no WAV file (it begins with the bytes {data[:4].hex(' ')})"


def wav_of(blobs: Sequence[Blob]) -> bytes | str:
    """The pieces of audio as one WAV file, or in words why they are none.

    Raw samples are 16 bits, the low byte first (so Gemini sends them, although RFC 2586 says high byte first). Their
    rate is never guessed; without a number of channels they are mono, as that RFC says.

    >>> wav_of([("audio/L16;codec=pcm;rate=24000", "AQA="), ("audio/l16; rate=24000; channels=1", "AgA=")])[36:]
    b'data\\x04\\x00\\x00\\x00\\x01\\x00\\x02\\x00'
    >>> wav_of([("audio/L16", "AAA=")])
    "audio of type 'audio/L16', which names no sample rate"
    """
    kinds = {_kind(media_type) for media_type, _ in blobs}
    if unknown := [media_type for media_type, _ in blobs if _kind(media_type) not in _WAV_TYPES | _PCM_TYPES]:
        return f"audio of type {unknown[0]!r}, expected audio/L16 or audio/wav"
    if kinds <= _WAV_TYPES:
        return wav_in(blobs[0][1]) if len(blobs) == 1 else f"{len(blobs)} WAV files, expected one"
    return "raw samples and WAV files together" if kinds & _WAV_TYPES else _joined(blobs)


def _joined(blobs: Sequence[Blob]) -> bytes | str:
    forms = {_form(media_type) for media_type, _ in blobs}
    form = forms.pop()
    if isinstance(form, str):
        return form
    if forms:
        return "raw samples of several sample rates or channel counts"
    pieces = [unbase64(text) for _, text in blobs]
    pcm = b"".join(piece for piece in pieces if piece is not None)
    if None in pieces:
        return "audio that is not base64"
    rate_hz, channels = form
    if len(pcm) % (2 * channels):
        return "raw samples that end within a sample"
    return audio.pcm_wav(pcm, rate_hz, channels)


def _kind(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _form(media_type: str) -> tuple[int, int] | str:
    """Sample rate in Hz and number of channels that a media type names, or in words what is wrong with it."""
    named = (piece.partition("=") for piece in media_type.lower().split(";")[1:])
    parameters = {name.strip(): value.strip().strip('"') for name, _, value in named}
    if "rate" not in parameters:
        return f"audio of type {media_type!r}, which names no sample rate"
    numbers = parameters["rate"], parameters.get("channels", "1")
    rate_hz, channels = (int(number) if re.fullmatch(r"[0-9]{1,7}", number) else 0 for number in numbers)
    if rate_hz not in _RATES_HZ or channels not in _CHANNELS:
        return f"audio of type {media_type!r}, expected a rate in Hz and at most {audio.MAX_CHANNELS} channels"
    return rate_hz, channels
