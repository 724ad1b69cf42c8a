"""Chat completions with audio in and out: OpenAI, and every server that speaks its protocol (vLLM, OpenRouter, ...).

The body is built once, as bytes. `response_format` is never sent: the audio models do not take it. Replies are read
whole: a server that gives audio only as a stream is not supported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from wavjudge.clients.base import AudioPart, Failure, FailureKind, Part, RawReply, Reply, Request, Said
from wavjudge.clients.wires import sound, wire
from wavjudge.clients.wires.address import Auth
from wavjudge.clients.wires.openai_http import OpenAIServer
from wavjudge.clients.wires.reach import most_bytes
from wavjudge.clients.wires.wire import PartForm
from wavjudge.errors import InputError, SpecError
from wavjudge.types import Usage

AudioForm = Literal["input_audio", "audio_url", "input_audio_uri"]
Replay = Literal["text", "audio"]

_TEXT = (b'{"type":"text","text":', b"}")
_FORMS: Mapping[str, PartForm] = {
    "input_audio": PartForm(_TEXT, (b'{"type":"input_audio","input_audio":{"data":"', b'","format":"wav"}}')),
    "input_audio_uri": PartForm(
        _TEXT, (b'{"type":"input_audio","input_audio":{"data":"data:audio/wav;base64,', b'","format":"wav"}}')
    ),
    "audio_url": PartForm(_TEXT, (b'{"type":"audio_url","audio_url":{"url":"data:audio/wav;base64,', b'"}}')),
}


class OpenAIWire:
    """The wire to a chat-completions endpoint.

    Parameters
    ----------
    base_url: up to and with `/v1`; None is OpenAI, or OPENAI_BASE_URL. Its query goes along with every call (Azure's
        `?api-version=`). auth: the header of the key; None sees it from the address (`api-key` for Azure).
    api_key: None is OPENAI_API_KEY, or a dummy where `base_url` is given (a key meant for OpenAI goes nowhere else).
    part: how a recording is written. `input_audio` is OpenAI's; `audio_url` and `input_audio_uri` (a data URI inside
        input_audio) are for servers that want them.
    timeout_seconds: total deadline of one attempt, from connecting to the last byte of the reply.
    max_tokens_field: older servers know `max_tokens` only.
    trust_audio_tokens: believe a server that reports exactly 0 audio tokens (`not_heard`). Set it to False for a
        gateway that always says 0.
    replay: how the model's own earlier messages are sent back. `text`, their words alone, is all that OpenAI takes
        (but for an audio id that expires, which is never used); `audio` adds their sound, for servers that take it.
    now: the clock against which an HTTP date in Retry-After is read when the reply has no date; seconds since 1970.

    Raises `SpecError` for options that cannot be, `AuthError` when there is no key.
    """

    name = "openai"

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        part: AudioForm = "input_audio",
        timeout_seconds: float = 120.0,
        max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens",
        trust_audio_tokens: bool = True,
        replay: Replay = "text",
        auth: Auth | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if part not in _FORMS:
            raise SpecError(f"got part {part!r}, expected one of {', '.join(_FORMS)}")
        if max_tokens_field not in ("max_completion_tokens", "max_tokens"):
            raise SpecError(f"got max_tokens_field {max_tokens_field!r}, expected max_completion_tokens or max_tokens")
        if replay not in ("text", "audio"):
            raise SpecError(f"got replay {replay!r}, expected text or audio")
        self._server = OpenAIServer(base_url, api_key, timeout_seconds, now, auth)
        self._form, self._replays_audio = _FORMS[part], replay == "audio"
        self._max_tokens_field, self._trust_audio_tokens = max_tokens_field, trust_audio_tokens

    def encode(self, request: Request) -> bytes:
        """The JSON body; also a `body` of OpenAI's batch format.

        `InputError` for an earlier answer of the model without any text, where only text is sent back.
        """
        sampling = request.sampling
        settings = {
            "model": request.model, "temperature": sampling.temperature, "top_p": sampling.top_p,
            "seed": sampling.seed, self._max_tokens_field: sampling.max_tokens, **_speech(request),
        }  # fmt: skip
        given = {name: value for name, value in settings.items() if value is not None}
        return b"".join([wire.dumps(given)[:-1], b',"messages":[', *self._messages(request), b"]}"])

    def _messages(self, request: Request) -> Iterator[bytes]:
        if request.system is not None:
            yield wire.dumps({"role": "system", "content": request.system}) + b","
        for said in request.earlier:
            yield from self._message(said.role, self._sent_back(said))
            yield b","
        yield from self._message("user", request.parts)

    def _message(self, role: str, content: tuple[Part, ...] | str) -> Iterator[bytes]:
        if isinstance(content, str):  # not as a list of parts: many a chat template takes those from the user only
            yield wire.dumps({"role": role, "content": content})
        else:
            yield from (wire.dumps({"role": role})[:-1], b',"content":[', *self._form.pieces(content), b"]}")

    def _sent_back(self, said: Said) -> tuple[Part, ...] | str:
        if said.role == "user" or self._replays_audio:
            return said.parts
        text = "\n".join(part.text for part in said.parts if not isinstance(part, AudioPart))
        if not text.strip():
            raise InputError("got an earlier answer of the model without text, and this server is sent text only",
                             todo="set replay=audio if the server takes audio of the assistant")  # fmt: skip
        return text

    async def send(self, body: bytes, request: Request) -> RawReply | Failure:
        """One attempt, without retries. A lost connection or a missed deadline is a `Failure`; nothing is raised."""
        return await self._server.post_json("/chat/completions", body, most_bytes(request))

    async def aclose(self) -> None:
        """Close the connections of the running loop; a later `send` opens new ones."""
        await self._server.aclose()

    def without_key(self, text: str) -> str:
        """The text, without the key of this wire."""
        return self._server.without_key(text)

    def decode(self, raw: RawReply, request: Request) -> Reply | Failure:
        """What the reply to `request` means. Never raises, whatever the bytes are.

        Where audio was wanted, an answer that ended of its own accord is a `Reply`, though it may have no audio or
        say nothing at all: so the candidate answered.
        """
        return self._server.cleaned(self._decoded(raw, request))

    def _decoded(self, raw: RawReply, request: Request) -> Reply | Failure:
        document = wire.json_object(raw.body)
        error = document.get("error") if isinstance(document, dict) else None
        if raw.status >= 300 or error:
            return _charged(self._server.error(raw, document), document)
        if isinstance(document, str):
            return self._server.failure("malformed", f"got {document} with HTTP {raw.status}", raw)
        choices = wire.mappings(document.get("choices"))
        if not choices:
            return self._server.failure("malformed", "got a reply without choices", raw)
        if choices[0].get("error"):  # OpenRouter, when a provider behind it fails halfway
            text, _ = _said([wire.mapping(choices[0].get("message"))], "audio" in request.wants)
            return replace(_charged(self._server.error(raw, choices[0]), document), text=text)
        return self._read(document, choices, raw, request)

    def _read(
        self, document: dict[str, Any], choices: list[dict[str, Any]], raw: RawReply, request: Request
    ) -> Reply | Failure:
        aloud = "audio" in request.wants
        # vllm-omni gives text and audio as choices of their own
        messages = [wire.mapping(choice.get("message")) for choice in (choices if aloud else choices[:1])]
        text, refusal = _said(messages, aloud)
        speech = _audio(messages) if aloud else None
        finish, usage = wire.word(choices[0].get("finish_reason")), _usage(wire.mapping(document.get("usage")))
        provider_id = wire.word(document.get("id")) or raw.headers.get("x-request-id")
        model = wire.word(document.get("model"))
        kind, reason = self._why_unusable(text, speech, refusal, finish, usage, request)
        if kind is None:
            return Reply(text, usage, finish, provider_id, model, speech if isinstance(speech, bytes) else None)
        stopped = finish if kind == "cut_off" or (finish == "content_filter" and not refusal) else None
        return Failure(
            kind, reason, http_status=raw.status, text=text or None, finish=stopped, usage=usage,
            provider_id=provider_id, resolved_model=model,
        )  # fmt: skip

    def _why_unusable(
        self, text: str, speech: bytes | str | None, refusal: str | None, finish: str | None, usage: Usage,
        request: Request,
    ) -> tuple[FailureKind | None, str]:  # fmt: skip
        if refusal:
            return "refused", f"the model declined: {self._server.quote(refusal)}"
        if finish == "content_filter":
            return "refused", "the provider's content filter stopped the reply"
        if self._trust_audio_tokens and usage.audio_input_tokens == 0 and self._sends_audio(request):
            return "not_heard", "the provider counted 0 audio tokens in a request with audio"
        if isinstance(speech, str):
            return "broken_audio", f"got {speech}"
        if speech is not None:
            return None, ""  # also where it was cut off: `finish` says so, and what was spoken can be heard
        if finish == "length":
            return "cut_off", wire.cut_off(request)
        silent = request.may_be_silent or "audio" in request.wants
        if not text.strip() and not (silent and finish in wire.ENDED):
            return "malformed", f"got a reply without text (finish_reason {wire.quote(str(finish))})"
        return None, ""

    def _sends_audio(self, request: Request) -> bool:
        spoken = (said.parts for said in request.earlier if said.role == "user" or self._replays_audio)
        return any(isinstance(part, AudioPart) for parts in (*spoken, request.parts) for part in parts)


def _speech(request: Request) -> dict[str, Any]:
    """What asks for speech. WAV, since it is exact; the voice only where one was chosen."""
    if "audio" not in request.wants:
        return {}
    voice = {} if request.voice is None else {"voice": request.voice}
    return {"modalities": list(request.wants), "audio": {**voice, "format": "wav"}}


def _said(messages: list[dict[str, Any]], aloud: bool) -> tuple[str, str | None]:
    """What was said, else written, in a message, and its refusal; the first that some message has."""
    both = [_written(message) for message in messages]
    spoken = [wire.word(wire.mapping(message.get("audio")).get("transcript")) for message in messages if aloud]
    texts = filter(None, [*spoken, *(text for text, _ in both)])
    return next(texts, ""), next(filter(None, (refusal for _, refusal in both)), None)


def _written(message: dict[str, Any]) -> tuple[str, str | None]:
    """Text and refusal of a message, whose content is a text or a list of parts."""
    content, refusal = message.get("content"), wire.word(message.get("refusal"))
    if isinstance(content, str):
        return ("" if _is_copied(content, message) else content), refusal
    parts = [part for part in wire.mappings(content) if not _is_reasoning(part)]
    text = "".join(wire.word(part.get("text")) or "" for part in parts)
    return text, refusal or next(filter(None, (wire.word(part.get("refusal")) for part in parts)), None)


def _is_copied(content: str, message: dict[str, Any]) -> bool:
    """Whether the text is the reasoning once more, or its beginning: a server that could not tell them apart."""
    fields = (wire.word(message.get(name)) or "" for name in ("reasoning_content", "reasoning", "thinking"))
    return bool(content.strip()) and any(field.strip().startswith(content.strip()) for field in fields)


def _is_reasoning(part: dict[str, Any]) -> bool:
    """A part of what was thought: `thinking` of Mistral, `reasoning`, or a text that Google marks as a thought."""
    google = wire.mapping(wire.mapping(part.get("extra_content")).get("google"))
    marked = any(place.get(name) for place in (part, google) for name in ("thought", "thinking", "reasoning"))
    return marked or wire.word(part.get("type")) not in (None, "text", "output_text", "refusal")


def _audio(messages: list[dict[str, Any]]) -> bytes | str | None:
    """The WAV file that a message holds, in words what stands there instead, or None where there is no audio."""
    encoded = (wire.word(wire.mapping(message.get("audio")).get("data")) for message in messages)
    data = next(filter(None, encoded), None)
    return None if data is None else sound.wav_in(data)


def _charged(failure: Failure, document: dict[str, Any] | str) -> Failure:
    """The failure with what its answer says it used, which an error rarely does."""
    return replace(failure, usage=_usage(wire.mapping(wire.mapping(document).get("usage"))))


def _usage(usage: dict[str, Any]) -> Usage:
    sent, made = wire.mapping(usage.get("prompt_tokens_details")), wire.mapping(usage.get("completion_tokens_details"))
    asked = wire.count(usage.get("prompt_tokens"))
    return Usage(
        input_tokens=asked,
        output_tokens=wire.made(asked, wire.count(usage.get("completion_tokens")), usage.get("total_tokens")),
        audio_input_tokens=wire.count(sent.get("audio_tokens")),
        cached_input_tokens=wire.count(sent.get("cached_tokens")),
        reasoning_tokens=wire.count(made.get("reasoning_tokens")),
        audio_output_tokens=wire.count(made.get("audio_tokens")),
    )
