"""Gemini's generateContent with audio in and out, over google-genai's public calls.

The only file that imports google.genai, and only when something is sent. The body is the JSON of the REST protocol,
built once; it takes the place of what the SDK would have written just before it leaves (`reach.READY`), so that audio
is neither decoded nor encoded twice, nor on the event loop. The raw reply comes back by `should_return_http_response`:
parsed by the SDK, an empty body, null or an error within a 200 would all look like an empty answer. Models that speak
over the Live API only are not supported.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wavjudge.clients.accepted import NEVER_SERVED, is_for_good
from wavjudge.clients.base import Failure, FailureKind, RawReply, Reply, Request
from wavjudge.clients.wires import sound, wire
from wavjudge.clients.wires.reach import READY, most_bytes
from wavjudge.clients.wires.redact import cleaned, without_key
from wavjudge.clients.wires.wire import UNDECODABLE_AUDIO, PartForm, PerLoop
from wavjudge.errors import SpecError
from wavjudge.types import Usage

if TYPE_CHECKING:
    import httpx2
    from google.genai import Client
    from google.genai.types import GenerateContentConfig

_FORM = PartForm((b'{"text":', b"}"), (b'{"inlineData":{"mimeType":"audio/wav","data":"', b'"}}'))

_API_VERSION = "v1"  # said here, so that GOOGLE_GENAI_API_VERSION does not change the endpoint without a trace

# The server takes the SDK's timeout as a deadline of its own and answers 400 below ten seconds. Ours must pass first,
# so that a timeout is told from a lost connection.
_LEAST_SDK_TIMEOUT_SECONDS = 10
_SDK_MARGIN_SECONDS = 5

_ENDED = frozenset({"STOP", "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"})
"""Of a reply that the model itself brought to its end, also where it called a tool that nobody offered."""
_DECLINED = frozenset({
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "ESCALATION",
    "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
})  # fmt: skip
_CUT_OFF = frozenset({"MAX_TOKENS", "CONTINUATION"})

_BAD_KEY = re.compile(r"API_KEY_INVALID|API_KEY_EXPIRED|api key (?:not valid|expired|not found)", re.I)
_NO_MONEY = re.compile(r"credits? (?:are|is|have been) depleted|insufficient (?:credit|balance|funds)", re.I)


class GeminiWire:
    """The wire to the Gemini API (never Vertex, whatever the environment says).

    Parameters
    ----------
    base_url: without the version; None is Google, or GOOGLE_GEMINI_BASE_URL.
    api_key: None is GOOGLE_API_KEY or GEMINI_API_KEY, or a dummy where `base_url` is given.
    timeout_seconds: total deadline of one attempt, from connecting to the last byte of the reply.
    thinking_budget, thinking_level: tokens (0 off, -1 the model's choice) or MINIMAL, LOW, MEDIUM, HIGH; at most one.
        None leaves the model's default.
    now: the clock for an HTTP date in Retry-After; seconds since 1970.

    Raises `SpecError` for options that cannot be, `AuthError` when there is no key.
    """

    name = "gemini"

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_seconds: float = 120.0,
        thinking_budget: int | None = None,
        thinking_level: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        wire.check_options(base_url, timeout_seconds)
        if thinking_budget is not None and thinking_level is not None:
            raise SpecError("got both thinking_budget and thinking_level, expected at most one of them")
        self._key = wire.choose_key(api_key, base_url, ("GOOGLE_API_KEY", "GEMINI_API_KEY"))
        self._base_url, self._timeout_seconds, self._now = base_url, timeout_seconds, now
        self._thinking = _given(thinkingBudget=thinking_budget, thinkingLevel=thinking_level)
        self._clients: PerLoop[tuple[Client, httpx2.AsyncClient]] = PerLoop(self._build)

    def encode(self, request: Request) -> bytes:
        """The REST body; also a `request` of Gemini's batch format."""
        sampling = request.sampling
        generation = _given(
            temperature=sampling.temperature, topP=sampling.top_p, seed=sampling.seed,
            maxOutputTokens=sampling.max_tokens, thinkingConfig=self._thinking or None, **_speech(request),
        )  # fmt: skip
        system = None if request.system is None else {"parts": [{"text": request.system}]}
        settings = wire.dumps(_given(systemInstruction=system, generationConfig=generation or None))
        head = settings[:-1] + (b"," if len(settings) > 2 else b"") + b'"contents":['
        return b"".join([head, *_contents(request), b"]}"])

    async def send(self, body: bytes, request: Request) -> RawReply | Failure:
        """One attempt, without retries. A lost connection or a missed deadline is a `Failure`; nothing is raised."""
        client, _ = self._clients.get()  # before the deadline: the first import of the SDK takes seconds
        call = self._generate(client, body, request.model)
        return await wire.within(self._timeout_seconds, call, self._key, most_bytes(request))

    async def _generate(self, client: Client, body: bytes, model: str) -> RawReply:
        from google.genai.errors import APIError

        ready = READY.set(body)
        try:
            # The SDK wants contents of its own; those of the body take their place.
            got = await client.aio.models.generate_content(model=model, contents="-", config=self._config())
        except APIError as error:
            reply: Any = error.response  # on our transport always an httpx2.Response, read to its end
            return wire.raw_reply(reply.status_code, reply.headers, reply.content)
        finally:
            READY.reset(ready)
        whole = got.sdk_http_response
        if whole is None:
            return wire.raw_reply(200, {}, b"")
        return wire.raw_reply(200, whole.headers or {}, (whole.body or "").encode(errors="replace"))

    def _config(self) -> GenerateContentConfig:
        from google.genai import types

        return types.GenerateContentConfig(
            should_return_http_response=True,
            automatic_continuation=False,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )

    def _build(self) -> tuple[Client, httpx2.AsyncClient]:
        import httpx2
        from google import genai

        from wavjudge.clients.wires.guarded import Guarded

        # Own transport: the SDK would take aiohttp where it happens to be installed, with a hidden retry after 1-10 s.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        transport = Guarded(timeout=None, limits=limits)
        timeout_ms = 1000 * math.ceil(max(_LEAST_SDK_TIMEOUT_SECONDS, self._timeout_seconds + _SDK_MARGIN_SECONDS))
        options = genai.types.HttpOptions(
            base_url=self._base_url, api_version=_API_VERSION, timeout=timeout_ms, httpx_async_client=transport
        )
        # GOOGLE_GENAI_CLIENT_MODE would write requests into a folder, or answer from one in place of the model.
        plain = genai.client.DebugConfig(client_mode=None, replays_directory=None, replay_id=None)
        client = genai.Client(api_key=self._key, vertexai=False, http_options=options, debug_config=plain)
        return client, transport

    async def aclose(self) -> None:
        """Close the connections of the running loop; a later `send` opens new ones."""
        if (pair := self._clients.pop()) is not None:
            client, transport = pair
            await transport.aclose()
            client.close()

    def without_key(self, text: str) -> str:
        """The text, without the key of this wire."""
        return without_key(text, self._key)

    def decode(self, raw: RawReply, request: Request) -> Reply | Failure:
        """What the reply to `request` means. Never raises, whatever the bytes are.

        Where audio was wanted, an answer that ended of its own accord is a `Reply`, though it may have no audio or
        say nothing at all: so the candidate answered.
        """
        return cleaned(self._decoded(raw, request), self._key)

    def _decoded(self, raw: RawReply, request: Request) -> Reply | Failure:
        document = wire.json_object(raw.body)
        if raw.status >= 300 or (isinstance(document, dict) and document.get("error")):
            failure = self._error(raw, wire.mapping(wire.mapping(document).get("error")))
            return replace(failure, usage=_usage(wire.mapping(wire.mapping(document).get("usageMetadata"))))
        if isinstance(document, str):
            return self._failure("malformed", f"got {document} with HTTP {raw.status}", raw)
        usage = _usage(wire.mapping(document.get("usageMetadata")))
        candidate = next(iter(wire.mappings(document.get("candidates"))), {})
        text, finish = _text(candidate), wire.word(candidate.get("finishReason"))
        speech = _audio(candidate) if "audio" in request.wants else None
        provider_id, model = wire.word(document.get("responseId")), wire.word(document.get("modelVersion"))
        kind, reason = self._why_unusable(document, candidate, text, speech, finish, request)
        if kind is None:
            said = _spoken(document, candidate) or text
            return Reply(said, usage, finish, provider_id, model, speech if isinstance(speech, bytes) else None)
        stopped = kind == "cut_off" or (finish in _DECLINED and kind == "refused")
        return Failure(
            kind, reason, http_status=raw.status, text=text or None, finish=finish if stopped else None, usage=usage,
            provider_id=provider_id, resolved_model=model,
        )  # fmt: skip

    def _why_unusable(
        self, document: dict[str, Any], candidate: dict[str, Any], text: str, speech: bytes | str | None,
        finish: str | None, request: Request,
    ) -> tuple[FailureKind | None, str]:  # fmt: skip
        feedback = wire.mapping(document.get("promptFeedback"))
        if block := wire.word(feedback.get("blockReason")):
            words = wire.word(feedback.get("blockReasonMessage")) or ""
            return "refused", wire.quote(f"the prompt was blocked: {block} {words}", self._key)
        if finish in _DECLINED:
            return "refused", f"the reply was blocked: {finish}"
        if request.audio_parts and _heard_no_audio(wire.mapping(document.get("usageMetadata"))):
            return "not_heard", "the provider counted 0 audio tokens in a request with audio"
        if isinstance(speech, str):
            return "broken_audio", wire.quote(f"got {speech}", self._key)
        if speech is not None:
            return None, ""  # also where it was cut off: `finish` says so, and what was spoken can be heard
        if finish in _CUT_OFF:
            return "cut_off", f"{wire.cut_off(request)} ({finish})"
        if not candidate:
            return "malformed", "got a reply without candidates"
        silent = request.may_be_silent or "audio" in request.wants
        if not text.strip() and not (silent and finish in _ENDED):
            return "malformed", f"got a reply without text (finishReason {wire.quote(str(finish))})"
        return None, ""

    def _error(self, raw: RawReply, error: dict[str, Any]) -> Failure:
        status = raw.status if raw.status >= 300 else wire.count(error.get("code")) or 500
        details, message = wire.mappings(error.get("details")), wire.word(error.get("message")) or ""
        reasons = [reason for detail in details if (reason := wire.word(detail.get("reason")))]
        kind = _kind_of(status, " ".join([*reasons, message]), details)
        words = wire.quote(message or raw.body.decode(errors="replace"), self._key) or "an empty body"
        codes = filter(None, [wire.word(error.get("status")), *reasons])
        told = "".join(f", {wire.quote(code, self._key)}" for code in codes)
        return self._failure(kind, f"got HTTP {raw.status}{told}: {words}", raw, _retry_delay(details))

    def _failure(self, kind: FailureKind, reason: str, raw: RawReply, wait_seconds: float | None = None) -> Failure:
        if wait_seconds is None:
            wait_seconds = wire.retry_after_seconds(raw.headers, self._now)
        return Failure(
            kind, reason, retry_after_seconds=wait_seconds, http_status=raw.status,
            retry=wire.should_retry(raw.headers),
        )  # fmt: skip


def _given(**settings: object) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _speech(request: Request) -> dict[str, Any]:
    """What asks for speech. The models that speak here take AUDIO alone; the voice only where one was chosen."""
    if "audio" not in request.wants:
        return {}
    voice = None if request.voice is None else {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": request.voice}}}
    return _given(responseModalities=["AUDIO"], speechConfig=voice)


def _contents(request: Request) -> Iterator[bytes]:
    for said in request.earlier:
        role = b"model" if said.role == "assistant" else b"user"
        yield from (b'{"role":"', role, b'","parts":[', *_FORM.pieces(said.parts), b"]},")
    yield from (b'{"role":"user","parts":[', *_FORM.pieces(request.parts), b"]}")


def _parts(candidate: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a candidate, without its thoughts."""
    parts = wire.mappings(wire.mapping(candidate.get("content")).get("parts"))
    return [part for part in parts if not part.get("thought")]


def _text(candidate: dict[str, Any]) -> str:
    return "".join(wire.word(part.get("text")) or "" for part in _parts(candidate))


def _spoken(document: dict[str, Any], candidate: dict[str, Any]) -> str | None:
    """What the provider says was spoken; a field of the Live API that generateContent does not promise."""
    told = (wire.mapping(place.get("outputTranscription")) for place in (candidate, document))
    return next(filter(None, (wire.word(transcription.get("text")) for transcription in told)), None)


def _audio(candidate: dict[str, Any]) -> bytes | str | None:
    """The audio of a candidate as a WAV file, in words what stands there instead, or None where there is none."""
    found = [wire.mapping(part.get("inlineData")) for part in _parts(candidate)]
    blobs = [(wire.word(blob.get("mimeType")) or "", data) for blob in found if (data := wire.word(blob.get("data")))]
    return sound.wav_of(blobs) if blobs else None


def _usage(usage: dict[str, Any]) -> Usage:
    """Gemini counts thoughts beside the answer, OpenAI within it; here `output_tokens` holds them for both."""
    made, thought = wire.count(usage.get("candidatesTokenCount")), wire.count(usage.get("thoughtsTokenCount"))
    asked = wire.count(usage.get("promptTokenCount"))
    answered = None if made is None and thought is None else (made or 0) + (thought or 0)
    return Usage(
        input_tokens=asked,
        output_tokens=wire.made(asked, answered, usage.get("totalTokenCount")),
        audio_input_tokens=_audio_tokens(usage),
        cached_input_tokens=wire.count(usage.get("cachedContentTokenCount")),
        reasoning_tokens=thought,
        audio_output_tokens=_audio_tokens(usage, "candidatesTokensDetails"),
    )


def _audio_tokens(usage: dict[str, Any], where: str = "promptTokensDetails") -> int | None:
    """Audio tokens of prompt or answer; None without an AUDIO entry. A count left out is 0: protobuf drops zeros."""
    details = wire.mappings(usage.get(where))
    counts = [wire.count(detail.get("tokenCount", 0)) for detail in details if detail.get("modality") == "AUDIO"]
    return sum(number or 0 for number in counts) if counts else None


def _heard_no_audio(usage: dict[str, Any]) -> bool:
    """Whether the prompt is broken down by modality, and audio is not among them."""
    return bool(wire.mappings(usage.get("promptTokensDetails"))) and not _audio_tokens(usage)


def _kind_of(status: int, said: str, details: list[dict[str, Any]]) -> FailureKind:
    quotas = [wire.word(v.get("quotaId")) or "" for d in details for v in wire.mappings(d.get("violations"))]
    if status in (401, 403) or (status < 500 and _BAD_KEY.search(said)):
        return "auth"
    # Every 429 says "check your plan and billing"; only the quota's name tells whether waiting helps.
    if status == 402 or (status == 429 and (_NO_MONEY.search(said) or any("PerDay" in quota for quota in quotas))):
        return "quota"
    if status == 429:
        return "rate_limited"
    if status in (408, 409, 499) or (status >= 500 and status not in NEVER_SERVED and not is_for_good(said)):
        return "unavailable"
    return "not_heard" if UNDECODABLE_AUDIO.search(said) else "bad_request"


def _retry_delay(details: list[dict[str, Any]]) -> float | None:
    """`RetryInfo.retryDelay`, such as "34.5s", in seconds."""
    delays = [wire.word(detail.get("retryDelay")) or "" for detail in details]
    return next((wait for delay in delays if (wait := wire.seconds(delay.removesuffix("s"))) is not None), None)
