"""What the server hears and says: real WAV files in, deterministic scores in the tags asked for out."""

from __future__ import annotations

import binascii
import hashlib
import io
import re
import struct
import wave
from dataclasses import dataclass

import pybase64

_URL_SAFE = str.maketrans("-_", "+/")
_TAG = re.compile(r"<((?:score|justification|transcript|heard)[a-z0-9_-]*)>")


class Unheard(Exception):
    """A request that a careful provider rejects, in its words."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A WAV file as it arrived."""

    data: bytes
    seconds: float
    sha256: str


def recording(encoded: str) -> Recording:
    """The recording in base64 of either alphabet; `Unheard` unless it is base64 of 16-bit PCM with all its frames."""
    try:
        plain = encoded.translate(_URL_SAFE) if "-" in encoded or "_" in encoded else encoded
        data = pybase64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unheard(f"The audio data is not valid base64: {error}.") from None
    try:
        with wave.open(io.BytesIO(data)) as file:
            frames, size = file.getnframes(), file.getsampwidth() * file.getnchannels()
            whole = len(file.readframes(frames)) == frames * size
            if file.getsampwidth() != 2 or not frames or not whole:
                raise Unheard("The audio file could not be decoded: it lacks frames or is not 16-bit PCM.")
            return Recording(data, frames / file.getframerate(), hashlib.sha256(data).hexdigest())
    except (wave.Error, EOFError, struct.error) as error:
        raise Unheard(f"The audio file could not be decoded: {error}.") from None


def wav(seconds: float, *, seed: int = 0, rate_hz: int = 16000) -> bytes:
    """Noise as a 16-bit mono WAV file, the same for the same seed."""
    frames = int(seconds * rate_hz)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(hashlib.shake_128(str(seed).encode()).digest(2 * frames))
    return file.getvalue()


def score(heard: str, tag: str, seed: int) -> int:
    """1..5, a function of what was heard (sha256 of the audio, in order; of the prompt where there is none)."""
    return 1 + hashlib.sha256(f"{seed} {tag} {heard}".encode()).digest()[0] % 5


def verdict(prompt: str, recordings: tuple[Recording, ...], seed: int, says: str | None = "yes") -> str:
    """A reply in the tags that the prompt names, the justification before the scores.

    says: what stands in the tag that asks whether the recordings were heard; None leaves the tag out.
    """
    heard = " ".join(r.sha256 for r in recordings) or hashlib.sha256(prompt.encode()).hexdigest()
    asked = [tag for tag in dict.fromkeys(_TAG.findall(prompt)) if tag != "heard" or says is not None]
    tags = sorted(asked, key=lambda tag: tag.startswith("score"))
    said = f"I heard {sum(r.seconds for r in recordings):.2f} s of speech."
    words = {"heard": says, **{t: str(score(heard, t, seed)) for t in tags if t.startswith("score")}}
    lines = [f"<{t}>{words.get(t, said)}</{t}>" for t in tags]
    return "\n".join(lines) or said


def untagged(said: str) -> str:
    """The same words as a judge writes them that does not keep to tags: `Score: 4`."""
    return re.sub(r"<(\w+)[^<>]*>([^<>]*)</[^<>]*>", r"\1: \2", said)
