"""What a candidate is to the runner: it is given a turn of a conversation and answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from wavjudge import audio
from wavjudge.types import AudioRef, Call, CandidateEntry, Item, Message, Outcome, Utterance


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation, as it is put to a candidate; audio paths are relative to `root`.

    before: the item's history, then the earlier turns with the candidate's own answers. number: from 0. A reference
    answer is part of the item and must not be shown to a candidate.
    """

    item: Item
    attempt: int
    number: int
    before: tuple[Message, ...]
    root: Path

    @property
    def question(self) -> Utterance:
        return self.item.turns[self.number]

    def path(self, ref: AudioRef) -> Path:
        """Where a recording of this conversation lies."""
        return (self.root / ref.path).resolve()

    def wav(self, ref: AudioRef, sample_rate_hz: int | None = None) -> bytes:
        """A recording of this conversation as mono 16-bit PCM WAV, at its own rate or another."""
        rate = sample_rate_hz or ref.sample_rate_hz
        return audio.transmit(self.path(ref), sha256=ref.sha256, sample_rate_hz=rate)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a turn. audio: the bytes of an audio file (WAV, FLAC, OGG, MP3), looked at by the runner.

    status: `crashed` or `timed_out` where the candidate broke, with a reason; what is wrong with its audio (none,
    broken, too long) is for the runner to find. seconds: what the candidate took, where it is not the time of the call.
    """

    text: str | None = None
    audio: bytes | None = field(default=None, repr=False)
    status: Outcome = "ok"
    reason: str | None = None
    seconds: float | None = None
    calls: tuple[Call, ...] = ()
    details: Mapping[str, float | str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lost:
    """A question or an answer was lost on its way (a provider down, a missing recording): no outcome of the candidate.

    Nothing is recorded; the same command asks again.
    """

    reason: str


class Candidate(Protocol):
    """Whoever is asked. `speech` is False for one that answers in text by design."""

    name: str
    concurrency: int
    speech: bool

    async def answer(self, turn: Turn) -> Answer | Lost:
        """The answer to one turn. Raises only `StopRun`: whatever else goes wrong is an outcome."""
        ...

    def entry(self) -> CandidateEntry: ...

    async def aclose(self) -> None: ...
