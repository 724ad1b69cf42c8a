"""`openai:` and `gemini:` - a model behind an API is a candidate: it hears the question (or reads it) and answers.

    openai:gpt-audio-1.5?voice=alloy                       hears, speaks
    openai:my-omni?base_url=http://127.0.0.1:8000/v1&output=text&tts=espeak
                                                           hears, writes; the voice espeak says it

Later turns see the candidate's own earlier answers, replayed as audio and text. A provider that declines is the
candidate's outcome; one that is down is nobody's: that question is asked again by the same command. A request that the
provider will never accept is a crash of a candidate that answers others, recorded once; of one that never answered it
is taken for a wrong SPEC, which is nobody's outcome: a few of them end it, and the same command asks again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from wavjudge.bench.candidates.base import Answer, Turn
from wavjudge.clients.base import (
    Client,
    Failure,
    FailureKind,
    Part,
    Reply,
    Request,
    Said,
    Sampling,
    TextPart,
    call_record,
)
from wavjudge.errors import InputError
from wavjudge.speech.base import Lost, lost, recording
from wavjudge.speech.tts import Spoken, Tts
from wavjudge.types import CandidateEntry, Message, Outcome, Utterance


class AnswerOptions(BaseModel):
    """Options of every candidate that is a model behind an API."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = Field(None, description="what to call the candidate; default: KIND:NAME")
    input: Literal["audio", "text"] = Field("audio", description="what it is given of the question")
    output: Literal["audio", "text"] = Field("audio", description="what it is asked for")
    voice: str | None = Field(None, description="the provider's name of a voice; default: the provider's")
    tts: str | None = Field(None, description="SPEC of a voice that says a text answer, such as espeak")
    system: str | None = Field(None, description="system message")
    rate: int | None = Field(None, gt=0, description="sample rate sent, Hz; default: as recorded")
    temperature: float | None = Field(None, description="default: the provider's")
    top_p: float | None = None
    seed: int | None = Field(None, description="the attempt's number is added, so that attempts differ")
    max_tokens: int | None = Field(None, gt=0)


class ModelCandidate:
    """A model that is asked over a client; `voice` says what it writes, where it does not speak itself."""

    def __init__(
        self, client: Client, *, name: str, model: str, spec: str, options: AnswerOptions, voice: Tts | None = None,
        concurrency: int = 16,
    ) -> None:  # fmt: skip
        self.name, self.concurrency = options.name or name, concurrency
        self.speech = options.output == "audio" or voice is not None
        self._client, self._model, self._spec, self._options, self._voice = client, model, spec, options, voice

    def entry(self) -> CandidateEntry:
        details: dict[str, float | str | None] = {"model": self._model}
        if self._voice is not None:
            details["voice"] = self._voice.about
        return CandidateEntry(spec=self._spec, candidate=self.name, details=details)

    async def aclose(self) -> None:
        await self._client.aclose()
        if self._voice is not None:
            await self._voice.aclose()

    async def answer(self, turn: Turn) -> Answer | Lost:
        try:
            request = self._request(turn)
            outcome = await self._client.complete(request)
        except InputError as error:  # a recording changed under the run's feet, or there is no text to send
            return Lost(str(error))
        if isinstance(outcome, Failure):
            return _failed(outcome, request)
        answer = _answered(outcome, request)
        return answer if self._voice is None else await spoken(answer, self._voice, turn.item.language)

    def _request(self, turn: Turn) -> Request:
        chosen = self._options
        sampling = Sampling(
            temperature=chosen.temperature, top_p=chosen.top_p, max_tokens=chosen.max_tokens,
            seed=None if chosen.seed is None else chosen.seed + turn.attempt,
        )  # fmt: skip
        speaks = chosen.output == "audio"
        return Request(
            self._model, tuple(self._parts(turn, turn.question)), self._system(turn), sampling,
            wants=("text", "audio") if speaks else ("text",), repeat=turn.attempt,
            earlier=tuple(_said(message, tuple(self._parts(turn, message))) for message in turn.before
                          if message.role != "system"),
            voice=chosen.voice if speaks else None, may_be_silent=True,
        )  # fmt: skip

    def _system(self, turn: Turn) -> str | None:
        texts = [self._options.system, *(m.text for m in turn.before if m.role == "system")]
        return "\n\n".join(text for text in texts if text) or None

    def _parts(self, turn: Turn, said: Utterance) -> Iterator[Part]:
        """What is sent of an utterance: a user's recording alone, the model's own as audio and text."""
        hears = self._options.input == "audio" and said.audio is not None
        own = isinstance(said, Message) and said.role == "assistant"
        if said.audio is not None and hears:
            yield recording(said.audio, turn.path(said.audio), self._options.rate or said.audio.sample_rate_hz)
        if said.text and (own or not hears):
            yield TextPart(said.text)
        elif not hears:
            what = "an answer of its own" if own else "a question"
            raise InputError(f"got {what} without text for a candidate that reads", todo="use input=audio")


_CUT_OFF = frozenset({"length", "MAX_TOKENS"})
_OUTCOMES: Mapping[FailureKind, Outcome] = {
    "refused": "no_speech", "cut_off": "too_long", "too_large": "too_long", "broken_audio": "broken_audio",
}  # fmt: skip


def _said(message: Message, parts: tuple[Part, ...]) -> Said:
    return Said("assistant" if message.role == "assistant" else "user", parts)


def _answered(reply: Reply, request: Request) -> Answer:
    cut = reply.finish in _CUT_OFF
    return Answer(
        reply.text.strip() or None, reply.audio_wav, status="too_long" if cut else "ok",
        reason=f"cut off by the output limit ({reply.finish})" if cut else None, seconds=reply.seconds,
        calls=(call_record(reply, request),), details={"finish": reply.finish},
    )  # fmt: skip


def _failed(failure: Failure, request: Request) -> Answer | Lost:
    """What a failed call says: to decline, to find no end and to send what is no sound are the candidate's doing, the
    rest is not."""
    if (status := _OUTCOMES.get(failure.kind)) is None:
        return lost(failure, request)
    return Answer(
        failure.text, status=status,
        reason=f"{failure.kind}: {failure.reason}", seconds=failure.seconds, calls=(call_record(failure, request),),
    )  # fmt: skip


async def spoken(answer: Answer, voice: Tts, language: str | None) -> Answer | Lost:
    """A text answer, said aloud; an answer without a word in it stays silent."""
    if not (answer.text or "").strip() or answer.status != "ok":
        return answer
    started = time.monotonic()
    said = await voice.speak(answer.text or "", language)
    if not isinstance(said, Spoken):
        return replace(said, calls=(*answer.calls, *said.calls))
    taken = None if answer.seconds is None else answer.seconds + time.monotonic() - started
    return Answer(
        answer.text, said.audio, seconds=taken, calls=(*answer.calls, *((said.call,) if said.call else ())),
        details={**answer.details, "voice": voice.about},
    )  # fmt: skip
