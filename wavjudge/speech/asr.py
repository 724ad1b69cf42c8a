"""ASR back ends: speech written down, for a cascade. A new one is an entry of `ASR_KINDS`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from wavjudge import audio
from wavjudge.clients.base import Client, Failure, Request, call_record
from wavjudge.clients.build import ClientContext, ClientOptions, network_client
from wavjudge.clients.spec import Kind, Spec, choose
from wavjudge.errors import InputError
from wavjudge.speech.base import Lost, lost, recording
from wavjudge.types import AudioRef, Call

RATE_HZ = 16000


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of a recording, and the call that found them, if one did."""

    text: str
    call: Call | None = None


class Asr(Protocol):
    """Writes down what was said; `path` is where the recording of `ref` lies."""

    about: str

    async def hear(self, ref: AudioRef, path: Path, language: str | None) -> Heard | Lost: ...

    async def aclose(self) -> None: ...


class MoonshineOptions(BaseModel):
    """Options of `moonshine`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Moonshine:
    """The offline recogniser of the instruments (extra `local`): small, English."""

    about = "moonshine"

    def __init__(self) -> None:
        from wavjudge import signals

        signals.require(["intelligibility"])

    async def aclose(self) -> None:
        """Its models stay loaded."""

    async def hear(self, ref: AudioRef, path: Path, language: str | None) -> Heard | Lost:
        from wavjudge import signals
        from wavjudge.signals.words import is_english

        if not is_english(language):
            return Lost(f"moonshine knows English only; the language is {language}", for_good=True)
        try:
            wave = await asyncio.to_thread(audio.read_known, path, sha256=ref.sha256)
            return Heard(await asyncio.to_thread(signals.transcribe, wave))
        except InputError as error:
            return Lost(str(error))


class ServedAsrOptions(ClientOptions):
    """Options of an ear over the network."""


class ServedAsr:
    """An ear behind the transcription endpoint of the openai protocol."""

    def __init__(self, client: Client, model: str) -> None:
        self._client, self._model = client, model
        self.about = f"openai:{model}"

    async def aclose(self) -> None:
        await self._client.aclose()

    async def hear(self, ref: AudioRef, path: Path, language: str | None) -> Heard | Lost:
        request = Request(
            self._model, (recording(ref, path, RATE_HZ),), language=language.split("-")[0] if language else None
        )
        try:
            outcome = await self._client.complete(request)
        except InputError as error:
            return Lost(str(error))
        if isinstance(outcome, Failure):
            return lost(outcome, request, f"the ear {self.about}")
        return Heard(outcome.text.strip(), call_record(outcome, request))


def _openai(spec: Spec, context: ClientContext) -> Asr:
    from wavjudge.clients.wires.openai_speech import OpenAITranscriptionWire

    (options,) = spec.read(ServedAsrOptions)
    wire = OpenAITranscriptionWire(
        base_url=options.base_url, api_key=context.key(options), timeout_seconds=options.timeout
    )
    return ServedAsr(network_client(spec, context, wire, options, cached=False), spec.name)


def _moonshine(spec: Spec, context: ClientContext) -> Asr:
    spec.read(MoonshineOptions)
    return Moonshine()


ASR_KINDS: dict[str, Kind[Asr]] = {
    "moonshine": Kind("moonshine", "offline, small, English (extra local)", (MoonshineOptions,), _moonshine),
    "openai": Kind("openai:gpt-transcribe", "the transcription endpoint of OpenAI or a server of its protocol",
                   (ServedAsrOptions,), _openai, ("OPENAI_API_KEY",)),
}  # fmt: skip


def build_asr(text: str, context: ClientContext) -> Asr:
    """The ear that a SPEC names. Raises `SpecError`, `AuthError`, `MissingPartError`."""
    spec, kind = choose(text, ASR_KINDS, "ear", context.named)
    return kind.build(spec, context)
