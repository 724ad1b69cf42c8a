"""One rollout as it comes from a trainer: what was asked, what was answered, and the sound of it with its rate."""

from __future__ import annotations

import hashlib
import inspect
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from wavjudge import audio
from wavjudge.audio import AudioFault, Waveform
from wavjudge.errors import InputError

T = TypeVar("T")

_PAIR = 2
_MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Samples:
    """Sound in memory: a numpy array or a torch tensor, shape (frames,) or (frames, channels), with its rate in Hz.

    There is no default rate: a judge that hears speech at another rate than it was made at scores another voice.
    """

    array: Any
    sample_rate_hz: int


Sound = Path | bytes | Samples
"""A file, the bytes of a file (WAV, FLAC, OGG, MP3), or samples; a file states its rate in its header."""


def whole(value: T) -> T:
    """A text whose halves of characters, which tokenizers cut and no file can hold, are question marks.

    >>> whole("x\\ud800"), whole(None)
    ('x?', None)
    """
    return value.encode(errors="replace").decode() if isinstance(value, str) else value  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class RewardItem:
    """One answer to be rewarded.

    answer_audio: None where the candidate gave no recording. answer_text: what it says that it said.
    id: of the prompt, equal for the rollouts of one prompt; by default a hash of what was asked.
    language: of the answer, such as ``en``. reference: an answer that would be right.
    details: kept beside the answer in a logged run, such as the training step.
    crashed: why the candidate's own code gave no answer, such as a vocoder that raised; its outcome, and nobody judges.
    """

    answer_audio: Sound | None = None
    answer_text: str | None = None
    question_text: str | None = None
    question_audio: Sound | None = None
    id: str = ""
    language: str | None = None
    reference: str | None = None
    details: Mapping[str, float | str | None] = field(default_factory=dict)
    crashed: str | None = None

    def __post_init__(self) -> None:
        for name in ("answer_text", "question_text", "id", "language", "reference", "crashed"):
            object.__setattr__(self, name, whole(getattr(self, name)))
        object.__setattr__(self, "details", {str(whole(key)): whole(value) for key, value in self.details.items()})

    def named(self, asked: bytes | None) -> str:
        """The id, or sixteen hex digits over what was asked; `asked` is the question's recording as a file.

        >>> RewardItem(question_text="Why?").named(None)
        'q-7d0358903830369e'
        """
        told = [self.question_text or "", hashlib.sha256(asked or b"").hexdigest(), self.reference or ""]
        return self.id or f"q-{hashlib.sha256(repr(told).encode()).hexdigest()[:16]}"


def sound(value: Any, *, sample_rate_hz: int | None = None, where: str = "audio") -> Sound | None:
    """Sound from what trainers and datasets hold; None stays None.

    value: a path, the bytes of an audio file, samples (then the rate is needed), a pair (samples, rate), `Samples`, or
    a mapping as Hugging Face datasets give it: ``{"array", "sampling_rate"}`` or ``{"bytes", "path"}``.

    >>> sound([0.1, 0.2], where="row 3")
    Traceback (most recent call last):
    ...
    wavjudge.errors.InputError: row 3: got samples without a sample rate, and there is no default
    What to do: give (samples, rate) or sample_rate_hz, the rate in Hz of the samples
    """
    if value is None or isinstance(value, Path | Samples):
        return value
    if isinstance(value, str):
        return Path(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, Mapping):
        return _from_mapping(value, sample_rate_hz, where)
    if isinstance(value, tuple):
        return _from_pair(value, where)
    if inspect.isawaitable(value) or not hasattr(value, "__len__"):
        raise InputError(f"got {_named(value)} as audio, expected samples with their rate, bytes, or a path",
                         where=where, todo="give (samples, rate), the rate in Hz of the samples")  # fmt: skip
    if sample_rate_hz is None:
        raise InputError("got samples without a sample rate, and there is no default", where=where,
                         todo="give (samples, rate) or sample_rate_hz, the rate in Hz of the samples")  # fmt: skip
    return Samples(value, sample_rate_hz)


def _from_pair(value: tuple[Any, ...], where: str) -> Samples:
    if len(value) != _PAIR:
        raise InputError(f"got a tuple of {len(value)} as audio, expected the pair (samples, rate)", where=where)
    samples, said = value
    rate = said.item() if hasattr(said, "item") and getattr(said, "size", 1) == 1 else said
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not float(rate).is_integer():
        raise InputError(f"got the sample rate {rate!r} ({type(said).__name__}) beside the samples, expected a whole "
                         "number of Hz", where=where)  # fmt: skip
    return Samples(samples, int(rate))


def _named(value: Any) -> str:
    """What a value is, for a message; a coroutine is closed, which would else complain of never being awaited."""
    if inspect.iscoroutine(value):
        value.close()
        return "a coroutine (of an async function, which is not awaited here)"
    return type(value).__name__


def _from_mapping(value: Mapping[str, Any], sample_rate_hz: int | None, where: str) -> Sound | None:
    if value.get("array") is not None:
        return sound(value["array"], sample_rate_hz=value.get("sampling_rate", sample_rate_hz), where=where)
    if value.get("bytes") is not None or value.get("path") is not None:
        return sound(value.get("bytes") or value["path"], where=where)
    raise InputError(f"got audio with the keys {sorted(value)}, expected array and sampling_rate, bytes, or path",
                     where=where)  # fmt: skip


def _whole_file(data: bytes, where: str) -> bytes:
    if data and audio.suffix_of(data) == ".bin":
        raise AudioFault("got bytes that begin no audio file, so nothing says their sample rate", "broken_audio",
                         where=where, todo="give a WAV, FLAC, OGG or MP3 file, or samples with their rate")  # fmt: skip
    return data


def as_file(said: Sound, *, where: str) -> bytes:
    """The bytes of an audio file. Samples become mono 16-bit WAV at their own rate, by the rules of `wavjudge.audio`.

    Raises `AudioFault` for samples that cannot be rated (silence, NaN) and for bytes that are no audio file, which is
    the outcome of whoever made them; `InputError` for a file that is not there.
    """
    if isinstance(said, Path):
        return audio.read_bytes(said)
    if isinstance(said, bytes):
        return _whole_file(said, where)
    return Waveform.from_array(said.array, sample_rate_hz=said.sample_rate_hz, where=where).to_wav()


def made(decode: Callable[[T], Any], given: T, what: str = "decode") -> tuple[Any, str | None]:
    """What a model's own code makes of one answer, or why it made nothing, which is that answer's outcome.

    Whatever it raises counts: a library may call `sys.exit`, and a panic of compiled code is no `Exception`. Only the
    Ctrl-C of a person goes on, which comes to the main thread alone.

    >>> made(len, "abc"), made(len, None)
    ((3, None), (None, "decode raised TypeError: object of type 'NoneType' has no len()"))
    """
    try:
        return decode(given), None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise
        return None, why(error, what)


def why(error: BaseException, what: str) -> str:
    """Why an answer counts as crashed, in one line: what raised, and its first line."""
    try:
        said = str(error).encode(errors="replace").decode().strip().splitlines()
    except Exception:  # a class of the model's own whose words are broken too
        said = []
    return f"{what} raised {type(error).__name__}" + (f": {said[0][:_MOST_CHARACTERS]}" if said else "")
