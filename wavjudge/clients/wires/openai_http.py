"""The way to a server that speaks OpenAI's protocol: one SDK client per loop, its deadline, and what its errors mean.

The only file that imports the openai SDK, and only when something is sent. Bodies are built by the wires and go out
through the SDK's own `post` on its aiohttp transport; replies are read by the wires too, so that prompt refusals,
token counts and waiting times are not lost.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from wavjudge.clients.accepted import NEVER_SERVED, is_for_good
from wavjudge.clients.base import Failure, FailureKind, RawReply, Reply
from wavjudge.clients.wires import wire
from wavjudge.clients.wires.address import Auth, read_address
from wavjudge.clients.wires.redact import cleaned, without_key
from wavjudge.clients.wires.wire import UNDECODABLE_AUDIO, PerLoop

if TYPE_CHECKING:
    from openai import AsyncOpenAI

# Above any concurrency of ours, so that only our own limits throttle. Not None: the SDK's transport then falls back
# to aiohttp's own limit of 100.
_CONNECTIONS = 10_000
_KIND_OF_STATUS: Mapping[int, FailureKind] = {
    401: "auth", 402: "quota", 408: "unavailable", 409: "unavailable", 425: "unavailable",
    **dict.fromkeys(NEVER_SERVED, "bad_request"),
}  # fmt: skip
# By code and type, not by "you exceeded your current quota": Gemini's compatible endpoint says that every minute.
_NO_MONEY = re.compile(r"insufficient_?(?:quota|credit|balance|funds)|insufficient (?:credit|balance)|billing_", re.I)
# What a 4xx that is none of these says, in the order of asking.
_SAID: tuple[tuple[FailureKind, re.Pattern[str], str], ...] = (
    ("auth", re.compile(r"invalid_api_key|incorrect api key|API_KEY_INVALID|api key not valid", re.I), ""),
    ("bad_request", re.compile(r"input content or output modality contain audio", re.I),
     "; this model takes no request without audio: name another one for text"),
    ("bad_request", re.compile(r"(?:unrecogni[sz]ed|unknown|unsupported|unexpected|extra).{0,80}max_completion_tokens"
                               r"|max_completion_tokens.{0,40}(?:not (?:supported|permitted)|unknown)", re.I),
     "; this server knows the older name: max_tokens_field=max_tokens"),
    ("bad_request", re.compile(r"max_(?:completion_)?tokens.{0,80}(?:too large|exceed|at most|less than)"
                               r"|maximum context length|max_model_len|context (?:window|size|length)", re.I),
     "; where the output limit is what is too much, lower max_tokens (a judge's is 4096 unless it says so)"),
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


class OpenAIServer:
    """An address with its key and deadline, from which the wires of OpenAI's protocol are made.

    Raises `SpecError` for an address or deadline that cannot be, `AuthError` when there is no key.
    """

    def __init__(
        self, base_url: str | None, api_key: str | None, timeout_seconds: float, now: Callable[[], float],
        auth: Auth | None = None,
    ) -> None:  # fmt: skip
        wire.check_options(base_url, timeout_seconds)
        self._address = read_address(base_url or os.environ.get("OPENAI_BASE_URL") or None, auth)
        self._key = wire.choose_key(api_key, base_url, ("OPENAI_API_KEY",))
        self._base_url, self._timeout_seconds, self._now = base_url, timeout_seconds, now
        self._clients: PerLoop[AsyncOpenAI] = PerLoop(self._build)

    async def post_json(self, path: str, body: bytes, most: int) -> RawReply | Failure:
        """One attempt, without retries, whose reply has at most `most` bytes. A lost connection or a missed deadline
        is a `Failure`; nothing is raised.
        """
        return await self._post(path, "application/json", most, content=body)

    async def post_form(self, path: str, fields: Mapping[str, str], wav: bytes, most: int) -> RawReply | Failure:
        """The same with a form: its fields, and a recording as the file `file`."""
        return await self._post(
            path, "multipart/form-data", most, body=dict(fields), files={"file": ("speech.wav", wav, "audio/wav")}
        )

    async def _post(self, path: str, content_type: str, most: int, **content: Any) -> RawReply | Failure:
        client = self._clients.get()  # before the deadline: the first import of the SDK takes seconds
        call = _sent(client, path, {"content-type": content_type, **self._key_header()}, content)
        return await wire.within(self._timeout_seconds, call, self._key, most)

    def _key_header(self) -> dict[str, Any]:
        """What takes the place of the SDK's own header for the key, where that is another one."""
        from openai import Omit

        return {"api-key": self._key, "Authorization": Omit()} if self._address.auth == "api-key" else {}

    def _build(self) -> AsyncOpenAI:
        import httpx2
        from openai import AsyncOpenAI, DefaultAioHttpClient, DefaultAsyncHttpxClient

        from wavjudge.clients.wires.guarded import Guarded

        class Client(Guarded, DefaultAioHttpClient):
            """Guarded, on aiohttp's transport, which is the quicker one."""

        class Plain(Guarded, DefaultAsyncHttpxClient):
            """Guarded, on httpx2's own, which knows SOCKS."""

        # From 1 MiB on, 25 s of speech, aiohttp warns of a body in bytes; where warnings are errors, no long answer
        # would ever be sent. It takes a copy of the body, far below a millisecond.
        warnings.filterwarnings("ignore", "Sending a large body directly with raw bytes", ResourceWarning)
        limits = httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        address = self._address
        client = AsyncOpenAI(
            api_key=self._key,
            base_url=address.url,
            max_retries=0,
            timeout=None,
            default_query=dict(address.query),
            http_client=(Plain if wire.socks_proxy() else Client)(limits=limits, timeout=None),
        )
        if self._base_url:
            _forget_environment(client)
        return client

    async def aclose(self) -> None:
        """Close the connections of the running loop; a later `post` opens new ones."""
        if (client := self._clients.pop()) is not None:
            await client.close()

    def without_key(self, text: str) -> str:
        """The text, without this server's key."""
        return without_key(text, self._key)

    def cleaned(self, outcome: Reply | Failure) -> Reply | Failure:
        """The outcome, none of whose words holds this server's key."""
        return cleaned(outcome, self._key)

    def quote(self, text: str) -> str:
        """Foreign words fit for a reason (`wire.quote`), without this server's key."""
        return wire.quote(text, self._key)

    def error(self, raw: RawReply, document: dict[str, Any] | str) -> Failure:
        """What an error answer means; `document` is its body as `wire.json_object` reads it."""
        codes, message = _error_words(document)
        status = raw.status if raw.status >= 300 else _status_of(codes)
        kind, todo = _kind_of(status, f"{' '.join(codes)} {message}")
        words = self.quote(message or raw.body.decode(errors="replace")) or "an empty body"
        told = "".join(f", {self.quote(code)}" for code in dict.fromkeys(codes))
        return self.failure(kind, f"got HTTP {raw.status}{told}: {words}{todo}", raw)

    def failure(self, kind: FailureKind, reason: str, raw: RawReply) -> Failure:
        """A failure with what the headers say."""
        return Failure(
            kind, reason, retry_after_seconds=wire.retry_after_seconds(raw.headers, self._now), http_status=raw.status,
            provider_id=raw.headers.get("x-request-id"), retry=wire.should_retry(raw.headers),
        )  # fmt: skip


def _forget_environment(client: AsyncOpenAI) -> None:
    """Leave out the headers that the SDK takes from the environment and sends to whatever address it is given:
    OPENAI_ORG_ID, OPENAI_PROJECT_ID, and OPENAI_CUSTOM_HEADERS, which often holds a gateway's key."""
    client.organization = client.project = None
    client._custom_headers = {}  # there is no public way to take them back; of ours, none stands here


async def _sent(client: AsyncOpenAI, path: str, headers: dict[str, Any], content: dict[str, Any]) -> RawReply:
    import httpx2
    from openai import APIStatusError

    try:
        reply = await client.post(path, cast_to=httpx2.Response, options={"headers": headers}, **content)
    except APIStatusError as error:
        reply = error.response
    return wire.raw_reply(reply.status_code, reply.headers, reply.content)


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
        return ("bad_request" if is_for_good(said) else "unavailable"), ""
    if _NO_MONEY.search(said):
        return "quota", ""
    if status == 429:
        return "rate_limited", ""
    for kind, pattern, todo in _SAID:
        if pattern.search(said):
            return kind, todo
    return ("auth" if status == 403 else "bad_request"), ""
