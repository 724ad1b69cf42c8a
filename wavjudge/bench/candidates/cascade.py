"""`cascade:NAME?asr=moonshine&llm=echo&tts=espeak` - a candidate put together from an ear, a mind and a voice.

The defaults run offline and without a key; `echo` is no model: it says back what was heard, which shows that a
pipeline works and nothing else. A mind is any candidate SPEC that reads and writes text, such as `openai:NAME` or
`gemini:NAME`. What the user said is known to the mind by the ear alone, never by the item's text.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from wavjudge.bench.candidates.base import Answer, Candidate, Turn
from wavjudge.bench.candidates.model import spoken
from wavjudge.speech.asr import Asr, Heard
from wavjudge.speech.base import Lost
from wavjudge.speech.tts import Tts
from wavjudge.types import Call, CandidateEntry, Utterance

HEARD_KEPT = 1024


class CascadeOptions(BaseModel):
    """Options of `cascade:`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asr: str = Field("moonshine", description="SPEC of an ear: moonshine, openai:NAME")
    llm: str = Field("echo", description="echo, or SPEC of a candidate that reads and writes")
    tts: str = Field("espeak", description="SPEC of a voice: espeak, openai:NAME")
    workers: int = Field(2, ge=1, description="questions at once")


class Mind(Protocol):
    """What answers a text by a text: a candidate asked with turns that hold no recording."""

    async def answer(self, turn: Turn) -> Answer | Lost: ...

    async def aclose(self) -> None: ...


class Echo:
    """Says back what it heard."""

    async def answer(self, turn: Turn) -> Answer | Lost:
        said = (turn.question.text or "").strip()
        return Answer(f"You said: {said}" if said else "I heard nothing.")

    async def aclose(self) -> None:
        """Nothing is open."""


class Cascade:
    """Hears, thinks, speaks."""

    speech = True

    def __init__(self, name: str, spec: str, ear: Asr, mind: Mind | Candidate, voice: Tts, concurrency: int) -> None:
        self.name, self.concurrency = name, concurrency
        self._spec, self._ear, self._mind, self._voice = spec, ear, mind, voice
        self._heard: dict[str, Heard] = {}

    def entry(self) -> CandidateEntry:
        mind = "echo" if isinstance(self._mind, Echo) else getattr(self._mind, "name", "")
        details: dict[str, float | str | None] = {"asr": self._ear.about, "llm": mind, "tts": self._voice.about}
        return CandidateEntry(spec=self._spec, candidate=self.name, details=details)

    async def aclose(self) -> None:
        for part in (self._ear, self._mind, self._voice):
            await part.aclose()

    async def answer(self, turn: Turn) -> Answer | Lost:
        started = time.monotonic()
        calls: list[Call] = []
        heard = await self._all_heard(turn, calls)
        answer = heard if isinstance(heard, Lost) else await self._mind.answer(heard)
        answer = replace(answer, calls=(*calls, *answer.calls))
        if isinstance(heard, Lost) or isinstance(answer, Lost):
            return answer
        told = {**answer.details, "heard": heard.question.text, "asr": self._ear.about}
        answer = replace(answer, audio=None, details=told)
        said = await spoken(answer, self._voice, turn.item.language)
        return said if isinstance(said, Lost) else replace(said, seconds=time.monotonic() - started)

    async def _all_heard(self, turn: Turn, calls: list[Call]) -> Turn | Lost:
        """The turn with each recording of the user replaced by what the ear makes of it."""
        before = []
        for message in turn.before:
            text = await self._words(turn, message, calls) if message.role == "user" else message.text
            if isinstance(text, Lost):
                return text
            before.append(message.model_copy(update={"text": text, "audio": None}))
        words = await self._words(turn, turn.question, calls)
        if isinstance(words, Lost):
            return words
        turns = [*turn.item.turns]
        turns[turn.number] = Utterance(text=words)
        item = turn.item.model_copy(update={"turns": tuple(turns)})
        return replace(turn, item=item, before=tuple(before))

    async def _words(self, turn: Turn, said: Utterance, calls: list[Call]) -> str | Lost:
        """What the ear makes of an utterance, listened to once; a text without a recording is taken as it is."""
        ref = said.audio
        if ref is None:
            return said.text or ""
        if (known := self._heard.get(ref.sha256)) is None:
            heard = await self._ear.hear(ref, turn.path(ref), turn.item.language)
            if isinstance(heard, Lost):
                return heard
            if heard.call:
                calls.append(heard.call)
            if len(self._heard) >= HEARD_KEPT:
                self._heard.clear()
            known = self._heard[ref.sha256] = heard
        return known.text
