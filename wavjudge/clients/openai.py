"""Chat completions with audio in: OpenAI, and every server that speaks its protocol (vLLM, OpenRouter, ...).

The only file that imports the openai SDK, and only when something is sent. The body is built once, as bytes, and goes
out through the SDK's own `post` on its aiohttp transport; the reply is read here, so that prompt refusals, token
counts and waiting times are not lost. `response_format` is never sent: the audio models do not take it.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from wavjudge.clients import wire
from wavjudge.clients.base import Failure, FailureKind, RawReply, Reply, Request
from wavjudge.clients.wire import UNDECODABLE_AUDIO, PartForm, PerLoop
from wavjudge.errors import SpecError
from wavjudge.types import Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

AudioForm = Literal["input_audio", "audio_url", "input_audio_uri"]

_TEXT = (b'{"type":"text","text":', b"}")
_FORMS: Mapping[str, PartForm] = {
    "input_audio": PartForm(_TEXT, (b'{"type":"input_audio","input_audio":{"data":"', b'","format":"wav"}}')),
    "input_audio_uri": PartForm(
        _TEXT, (b'{"type":"input_audio","input_audio":{"data":"data:audio/wav;base64,', b'","format":"wav"}}')
    ),
    "audio_url": PartForm(_TEXT, (b'{"type":"audio_url","audio_url":{"url":"data:audio/wav;base64,', b'"}}')),
}

# Above any concurrency of ours, so that only our own limits throttle. Not None: the SDK's transport then falls back
# to aiohttp's own limit of 100.
_CONNECTIONS = 10_000

_KIND_OF_STATUS: Mapping[int, FailureKind] = {
    401: "auth", 402: "quota", 408: "unavailable", 409: "unavailable", 425: "unavailable",
}  # fmt: skip
# By code and type, not by "you exceeded your current quota": Gemini's compatible endpoint says that every minute.
_NO_MONEY = re.compile(r"insufficient_?(?:quota|credit|balance|funds)|insufficient (?:credit|balance)|billing_", re.I)
# What a 4xx that is none of these says, in the order of asking.
_SAID: tuple[tuple[FailureKind, re.Pattern[str], str], ...] = (
    ("auth", re.compile(r"invalid_api_key|incorrect api key|API_KEY_INVALID|api key not valid", re.I), ""),
    ("bad_request", re.compile(r"input content or output modality contain audio", re.I),
     "; this model takes no request without audio: name another one for text"),
    ("refused", re.compile(
        r"content[_ ](?:management[_ ])?(?:policy|filter)|moderation|usage polic|safety system|data_inspection_failed",
        re.I), ""),
    ("not_heard", UNDECODABLE_AUDIO, ""),
)  # fmt: skip
# An error inside a 200 has no HTTP status; its code stands for one. Any other code counts as the server's trouble.
_STATUS_OF_CODE: Mapping[str, int] = {
    "insufficient_quota": 402, "rate_limit_exceeded": 429, "rate_limit_error": 429, "invalid_api_key": 401,
    "authentication_error": 401, "permission_error": 403, "invalid_request_error": 400, "model_not_found": 404,
    "content_filter": 400, "content_policy_violation": 400,
}  # fmt: skip


class OpenAIWire:
    """The wire to a chat-completions endpoint.

    Parameters
    ----------
    base_url: up to and with `/v1`; None is OpenAI, or OPENAI_BASE_URL.
    api_key: None is OPENAI_API_KEY, or a dummy where `base_url` is given (a key meant for OpenAI goes nowhere else).
    part: how a recording is written. `input_audio` is OpenAI's; `audio_url` and `input_audio_uri` (a data URI inside
        input_audio) are for servers that want them.
    timeout_seconds: total deadline of one attempt, from connecting to the last byte of the reply.
    max_tokens_field: older servers know `max_tokens` only.
    trust_audio_tokens: believe a server that reports exactly 0 audio tokens (`not_heard`). Set it to False for a
        gateway that always says 0.
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
        now: Callable[[], float] = time.time,
    ) -> None:
        wire.check_options(base_url, timeout_seconds)
        if base_url and base_url.rstrip("/").endswith("/chat/completions"):
            raise SpecError(f"got base_url {base_url!r}, which names a method", todo="let it end with /v1")
        if part not in _FORMS:
            raise SpecError(f"got part {part!r}, expected one of {', '.join(_FORMS)}")
        if max_tokens_field not in ("max_completion_tokens", "max_tokens"):
            raise SpecError(f"got max_tokens_field {max_tokens_field!r}, expected max_completion_tokens or max_tokens")
        self._key = wire.choose_key(api_key, base_url, ("OPENAI_API_KEY",))
        self._base_url, self._form, self._timeout_seconds = base_url, _FORMS[part], timeout_seconds
        self._max_tokens_field, self._trust_audio_tokens, self._now = max_tokens_field, trust_audio_tokens, now
        self._clients: PerLoop[AsyncOpenAI] = PerLoop(self._build)

    def encode(self, request: Request) -> bytes:
        """The JSON body; also a `body` of OpenAI's batch format. `SpecError` when the request wants audio back."""
        wire.text_only(request, "openai")
        sampling = request.sampling
        settings = {
            "model": request.model, "temperature": sampling.temperature, "top_p": sampling.top_p,
            "seed": sampling.seed, self._max_tokens_field: sampling.max_tokens,
        }  # fmt: skip
        given = {name: value for name, value in settings.items() if value is not None}
        head = wire.dumps(given)[:-1] + b',"messages":['
        if request.system is not None:
            head += wire.dumps({"role": "system", "content": request.system}) + b","
        return self._form.splice(head + b'{"role":"user","content":[', request.parts, b"]}]}")

    async def send(self, body: bytes, request: Request) -> RawReply | Failure:
        """One attempt, without retries. A lost connection or a missed deadline is a `Failure`; nothing is raised."""
        client = self._clients.get()  # before the deadline: the first import of the SDK takes seconds
        return await wire.within(self._timeout_seconds, self._post(client, body), self._key)

    async def _post(self, client: AsyncOpenAI, body: bytes) -> RawReply:
        import httpx2
        from openai import APIStatusError

        try:
            reply = await client.post(
                "/chat/completions",
                cast_to=httpx2.Response,
                content=body,
                options={"headers": {"content-type": "application/json"}},
            )
        except APIStatusError as error:
            reply = error.response
        return wire.raw_reply(reply.status_code, reply.headers, reply.content)

    def _build(self) -> AsyncOpenAI:
        import httpx2
        from openai import AsyncOpenAI, DefaultAioHttpClient

        # From 1 MiB on, 25 s of speech, aiohttp warns of a body in bytes; where warnings are errors, no long answer
        # would ever be sent. It takes a copy of the body, far below a millisecond.
        warnings.filterwarnings("ignore", "Sending a large body directly with raw bytes", ResourceWarning)
        limits = httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        return AsyncOpenAI(
            api_key=self._key,
            base_url=self._base_url,
            max_retries=0,
            timeout=None,
            http_client=DefaultAioHttpClient(limits=limits, timeout=None),
        )

    async def aclose(self) -> None:
        """Close the connections of the running loop; a later `send` opens new ones."""
        if (client := self._clients.pop()) is not None:
            await client.close()

    def decode(self, raw: RawReply, request: Request) -> Reply | Failure:
        """What the reply to `request` means. Never raises, whatever the bytes are."""
        document = wire.json_object(raw.body)
        error = document.get("error") if isinstance(document, dict) else None
        if raw.status >= 300 or error:
            return self._error(raw, document)
        if isinstance(document, str):
            return self._failure("malformed", f"got {document} with HTTP {raw.status}", raw)
        choices = wire.mappings(document.get("choices"))
        if not choices:
            return self._failure("malformed", "got a reply without choices", raw)
        if choices[0].get("error"):  # OpenRouter, when a provider behind it fails halfway
            return self._error(raw, choices[0])
        return self._read(document, choices[0], raw, request)

    def _read(
        self, document: dict[str, Any], choice: dict[str, Any], raw: RawReply, request: Request
    ) -> Reply | Failure:
        text, refusal = _said(wire.mapping(choice.get("message")))
        finish, usage = wire.word(choice.get("finish_reason")), _usage(wire.mapping(document.get("usage")))
        provider_id = wire.word(document.get("id")) or raw.headers.get("x-request-id")
        model = wire.word(document.get("model"))
        kind, reason = self._why_unusable(text, refusal, finish, usage, request)
        if kind is None:
            return Reply(text, usage, finish, provider_id, model)
        return Failure(
            kind, reason, http_status=raw.status, text=text or None, usage=usage, provider_id=provider_id,
            resolved_model=model,
        )  # fmt: skip

    def _why_unusable(
        self, text: str, refusal: str | None, finish: str | None, usage: Usage, request: Request
    ) -> tuple[FailureKind | None, str]:
        if refusal:
            return "refused", f"the model declined: {wire.quote(refusal, self._key)}"
        if finish == "content_filter":
            return "refused", "the provider's content filter stopped the reply"
        if self._trust_audio_tokens and request.audio_parts and usage.audio_input_tokens == 0:
            return "not_heard", "the provider counted 0 audio tokens in a request with audio"
        if finish == "length":
            return "cut_off", "the reply reached the output limit; raise max_tokens"
        if not text.strip():
            return "malformed", f"got a reply without text (finish_reason {wire.quote(str(finish))})"
        return None, ""

    def _error(self, raw: RawReply, document: dict[str, Any] | str) -> Failure:
        codes, message = _error_words(document)
        status = raw.status if raw.status >= 300 else _status_of(codes)
        kind, todo = _kind_of(status, f"{' '.join(codes)} {message}")
        words = wire.quote(message or raw.body.decode(errors="replace"), self._key) or "an empty body"
        told = "".join(f", {wire.quote(code, self._key)}" for code in dict.fromkeys(codes))
        return self._failure(kind, f"got HTTP {raw.status}{told}: {words}{todo}", raw)

    def _failure(self, kind: FailureKind, reason: str, raw: RawReply) -> Failure:
        return Failure(
            kind, reason, retry_after_seconds=wire.retry_after_seconds(raw.headers, self._now), http_status=raw.status,
            provider_id=raw.headers.get("x-request-id"),
        )  # fmt: skip


def _said(message: dict[str, Any]) -> tuple[str, str | None]:
    """Text and refusal of a message, whose content is a text or a list of parts."""
    content, refusal = message.get("content"), wire.word(message.get("refusal"))
    if isinstance(content, str):
        return content, refusal
    parts = wire.mappings(content)
    text = "".join(wire.word(part.get("text")) or "" for part in parts)
    return text, refusal or next(filter(None, (wire.word(part.get("refusal")) for part in parts)), None)


def _usage(usage: dict[str, Any]) -> Usage:
    sent, made = wire.mapping(usage.get("prompt_tokens_details")), wire.mapping(usage.get("completion_tokens_details"))
    return Usage(
        input_tokens=wire.count(usage.get("prompt_tokens")),
        output_tokens=wire.count(usage.get("completion_tokens")),
        audio_input_tokens=wire.count(sent.get("audio_tokens")),
        cached_input_tokens=wire.count(sent.get("cached_tokens")),
        reasoning_tokens=wire.count(made.get("reasoning_tokens")),
    )


def _error_words(document: dict[str, Any] | str) -> tuple[list[str], str]:
    """Codes and message of an error: `{"error": {...}}`, `{"error": "..."}`, or at the top (vLLM, FastAPI's detail)."""
    if isinstance(document, str):
        return [], ""
    error = document.get("error") or document
    if isinstance(error, str):
        return [], error
    error = wire.mapping(error)
    codes = [str(error[name]) for name in ("type", "code") if isinstance(error.get(name), str | int)]
    return codes, wire.word(error.get("message")) or wire.word(error.get("detail")) or ""


def _status_of(codes: list[str]) -> int:
    numbers = [int(code) for code in codes if re.fullmatch(r"[345]\d\d", code)]
    return next(iter(numbers + [_STATUS_OF_CODE[code] for code in reversed(codes) if code in _STATUS_OF_CODE]), 500)


def _kind_of(status: int, said: str) -> tuple[FailureKind, str]:
    """The kind of an HTTP error and what to do about it; `said` is its codes and message."""
    if status in _KIND_OF_STATUS:
        return _KIND_OF_STATUS[status], ""
    if status >= 500:
        return "unavailable", ""
    if _NO_MONEY.search(said):
        return "quota", ""
    if status == 429:
        return "rate_limited", ""
    for kind, pattern, todo in _SAID:
        if pattern.search(said):
            return kind, todo
    return ("auth" if status == 403 else "bad_request"), ""
