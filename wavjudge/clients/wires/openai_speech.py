"""The two ends of a cascade over OpenAI's protocol: text spoken (`/audio/speech`), speech written down
(`/audio/transcriptions`). Both are wires, so that `build_client` gives them the same onion as any other.

    recogniser  Request(model, (recording,), language="en")                       -> Reply.text
    speaker     Request(model, (TextPart("..."),), wants=("audio",), voice="...") -> Reply.audio_wav
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from wavjudge.clients.base import NO_USAGE, AudioPart, Failure, RawReply, Reply, Request
from wavjudge.clients.wires import sound, wire
from wavjudge.clients.wires.openai import OpenAIServer
from wavjudge.clients.wires.reach import most_bytes
from wavjudge.errors import InputError
from wavjudge.types import Usage


class _Endpoint:
    """What both have: an address, an error's meaning, an end."""

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_seconds: float = 120.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._server = OpenAIServer(base_url, api_key, timeout_seconds, now)

    async def aclose(self) -> None:
        """Close the connections of the running loop; a later `send` opens new ones."""
        await self._server.aclose()

    def without_key(self, text: str) -> str:
        """The text, without the key of this wire."""
        return self._server.without_key(text)

    def _refused(self, raw: RawReply, document: dict[str, Any] | str) -> Failure | None:
        """The failure that a body stands for if it is an error answer; None if it is not."""
        error = document.get("error") if isinstance(document, dict) else None
        return self._server.error(raw, document) if raw.status >= 300 or error else None


class OpenAISpeechWire(_Endpoint):
    """Text in, a WAV file back. Parameters as for `OpenAIWire`.

    A request's texts are what is spoken, its `system` goes along as `instructions` (how to speak), and its voice where
    it names one; sampling has no place here. The reply's text is what it was asked to speak. The endpoint reports no
    usage, so its cost is not known.
    """

    name = "openai.speech"

    def encode(self, request: Request) -> bytes:
        """The JSON body. `InputError` for a request that holds a recording, or no text."""
        body = {
            "model": request.model, "input": _text(request), "voice": request.voice, "instructions": request.system,
            "response_format": "wav",
        }  # fmt: skip
        return wire.dumps({name: value for name, value in body.items() if value is not None})

    async def send(self, body: bytes, request: Request) -> RawReply | Failure:
        """One attempt, without retries. A lost connection or a missed deadline is a `Failure`; nothing is raised."""
        return await self._server.post_json("/audio/speech", body, most_bytes(request))

    def decode(self, raw: RawReply, request: Request) -> Reply | Failure:
        """The WAV file as it came. An error answer is a `Failure`, and so is anything that is no WAV file."""
        return self._server.cleaned(self._decoded(raw, request))

    def _decoded(self, raw: RawReply, request: Request) -> Reply | Failure:
        if raw.status < 300 and sound.is_wav(raw.body):
            provider_id = raw.headers.get("x-request-id")
            return Reply(_text(request), provider_id=provider_id, audio_wav=raw.body)
        document = wire.json_object(raw.body)
        if failure := self._refused(raw, document):
            return failure
        there = document if document == "an empty body" else f"{len(raw.body)} bytes that are no WAV file"
        return self._server.failure("malformed", f"got {there} with HTTP {raw.status}", raw)


class OpenAITranscriptionWire(_Endpoint):
    """A WAV file in, its words back. Parameters as for `OpenAIWire`.

    A request's `language` (such as `en`) and temperature go along where it has them, and its `system` as the prompt
    that some models take. A recording without a word in it is a reply with an empty text.
    """

    name = "openai.transcriptions"

    def encode(self, request: Request) -> bytes:
        """The WAV file; the form around it is made when it is sent. `InputError` unless it is the only part."""
        match request.all_parts:
            case (AudioPart() as recording,):
                return recording.load()
        raise InputError(f"got {len(request.all_parts)} parts to write down, expected one recording")

    async def send(self, body: bytes, request: Request) -> RawReply | Failure:
        """One attempt, without retries. A lost connection or a missed deadline is a `Failure`; nothing is raised."""
        fields = {
            "model": request.model, "response_format": "json", "language": request.language, "prompt": request.system,
            "temperature": None if request.sampling.temperature is None else str(request.sampling.temperature),
        }  # fmt: skip
        given = {name: value for name, value in fields.items() if value is not None}
        return await self._server.post_form("/audio/transcriptions", given, body, most_bytes(request))

    def decode(self, raw: RawReply, request: Request) -> Reply | Failure:
        """The words. Never raises, whatever the bytes are."""
        return self._server.cleaned(self._decoded(raw))

    def _decoded(self, raw: RawReply) -> Reply | Failure:
        document = wire.json_object(raw.body)
        if failure := self._refused(raw, document):
            return failure
        if isinstance(document, str):
            return self._server.failure("malformed", f"got {document} with HTTP {raw.status}", raw)
        text, usage = document.get("text"), wire.mapping(document.get("usage"))
        if not isinstance(text, str):
            return self._server.failure("malformed", "got a reply without a text", raw)
        return Reply(text, _usage(usage), provider_id=raw.headers.get("x-request-id"))


def _text(request: Request) -> str:
    texts = ["" if isinstance(part, AudioPart) else part.text for part in request.all_parts]
    if request.audio_parts or not "".join(texts).strip():
        raise InputError(f"got {len(request.audio_parts)} recordings and {len(texts)} parts to speak, expected text",
                         todo="ask for a text that holds words")  # fmt: skip
    return "\n".join(texts)


def _usage(usage: dict[str, Any]) -> Usage:
    """Models billed by tokens say them; those billed by the second say nothing that is a token."""
    if not usage.get("input_tokens"):
        return NO_USAGE
    details = wire.mapping(usage.get("input_token_details"))
    return Usage(
        input_tokens=wire.count(usage.get("input_tokens")), output_tokens=wire.count(usage.get("output_tokens")),
        audio_input_tokens=wire.count(details.get("audio_tokens")),
    )  # fmt: skip
