"""What a candidate is to the runner: it is given a turn of a conversation and answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wavjudge import audio
from wavjudge.speech.base import Lost
from wavjudge.store.run_folder import first_problem
from wavjudge.types import AudioRef, Call, CandidateEntry, Item, Message, Outcome, Response, Utterance


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation, as it is put to a candidate; audio paths are relative to `root`.

    item: without what it is rated by and what is still to be said (`shown`). before: the item's history, then the
    earlier turns with the candidate's own answers. number: from 0.
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


def shown(item: Item, number: int) -> Item:
    """What a candidate may see of an item at a turn: nothing by which it is rated, and nothing still to be said."""
    return item.model_copy(update={"reference": None, "checks": (), "tags": (), "turns": item.turns[: number + 1]})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a turn. audio: the bytes of an audio file (WAV, FLAC, OGG, MP3), looked at by the runner.

    status: `crashed` or `timed_out` where the candidate broke, with a reason; what is wrong with its audio (none,
    broken, too long) is for the runner to find. seconds: what the candidate took, where it is not the time of the call.
    timed: False where the time of the call says nothing (a stored answer), and `seconds` is all that is known.
    """

    text: str | None = None
    audio: bytes | None = field(default=None, repr=False)
    status: Outcome = "ok"
    reason: str | None = None
    seconds: float | None = None
    timed: bool = True
    calls: tuple[Call, ...] = ()
    details: Mapping[str, float | str | None] = field(default_factory=dict)


def recordable(answer: Answer) -> Answer:
    """The answer if a record can hold it, else a crash that says why; half a character becomes a question mark.

    >>> recordable(Answer("half \\ud83d")).text, recordable(Answer(4)).status
    ('half ?', 'crashed')
    """
    try:
        clean = replace(answer, text=_whole(answer.text), reason=_whole(answer.reason),
                        details={_whole(key): _whole(value) for key, value in answer.details.items()})  # fmt: skip
        Response(
            benchmark="", item_id="", candidate="", answers=(Utterance(text=clean.text),), status=clean.status,
            reason=clean.reason, seconds_taken=clean.seconds, calls=clean.calls, details=dict(clean.details),
        )  # fmt: skip
    except ValidationError as error:
        return Answer(status="crashed", reason=f"it gave what is no answer: {first_problem(error)}")
    except (AttributeError, TypeError) as error:
        return Answer(status="crashed", reason=f"it gave what is no answer: {error}")
    return clean


V = TypeVar("V")


def _whole(value: V) -> V:
    return value.encode(errors="replace").decode() if isinstance(value, str) else value  # type: ignore[return-value]


class LocalOptions(BaseModel):
    """Options of every candidate that is code on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = Field(None, description="what to call the candidate; default: from the SPEC")
    timeout: float = Field(300.0, gt=0, description="seconds for one answer")
    workers: int = Field(1, ge=1, description="questions at once")
    speech: bool = Field(True, description="false: it answers in text by design")


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
