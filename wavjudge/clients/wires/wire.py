"""What both wires do alike: keys, quoting without secrets, headers, splicing audio into JSON, clients and deadlines.

Nothing here knows a provider, and nothing here imports an SDK.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
import os
import re
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies

import orjson
import pybase64

from wavjudge.clients.base import Failure, Part, RawReply, Request, TextPart
from wavjudge.clients.spec import hide_secrets
from wavjudge.clients.wires.reach import LIMIT, TEXT_BYTES, Moved, TooLarge, Unsent, chain
from wavjudge.clients.wires.redact import NO_KEY, without_key
from wavjudge.errors import AuthError, InputError, MissingPartError, SpecError, WavjudgeError, pip_install
from wavjudge.internal import is_ours, noted

UNDECODABLE_AUDIO = re.compile(
    r"audio\b.{0,80}\b(?:decod|corrupt|unreadable|malformed|not valid|could not be (?:read|processed))"
    r"|(?:invalid|corrupt(?:ed)?|malformed|undecodable|failed to (?:load|decode|open)(?: the)?) audio"
    r"|audio_(?:decode|invalid)|invalid_audio|format not recogni[sz]ed",
    re.IGNORECASE | re.DOTALL,
)
"""Words with which providers and soundfile-based servers say that a recording did not open."""

_WAITS = (
    ("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0), ("x-retry-after", 1.0),
    ("llm_provider-retry-after", 1.0), ("ratelimit-reset", 1.0), ("x-ratelimit-reset", 1.0),
)  # fmt: skip
"""Headers that say how long to wait, and their unit in seconds: OpenAI, Azure, HTTP, proxies (LiteLLM, OpenRouter)."""
_HEADERS = ("content-type", "date", "x-request-id", "x-should-retry", *(name for name, _ in _WAITS))
_REASON_CHARS = 300
_MASKED_KEY = re.compile(r"\b(?:sk-|AIza)[-\w*.]{4,}")  # as providers echo them, with stars in the middle
_DATA_LIKE = re.compile(r"[A-Za-z0-9+/=_%\\-]{60,}")

T = TypeVar("T")


def choose_key(api_key: str | None, base_url: str | None, variables: tuple[str, ...]) -> str:
    """The key to send: the one given, else one from the environment.

    A key from the environment goes to the provider's own address only, never to a `base_url` that somebody named.
    Raises `AuthError` where there is none, or one that no HTTP header can carry.
    """
    found = api_key or (NO_KEY if base_url else next(filter(None, map(os.environ.get, variables)), ""))
    key = found.strip()
    if not key:
        raise AuthError(
            f"got no API key, expected one in {' or '.join(variables)}",
            todo=f"export {variables[0]}=..., or give base_url; `--judge signals` needs no key",
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise AuthError("got an API key with spaces or characters that no key has", todo="copy it again")
    return key


ENDED = frozenset({
    "stop", "end_turn", "stop_sequence", "eos", "eos_token", "end", "end_of_turn", "stop_token", "completed",
    "complete", "tool_calls", "function_call", "tool_use",
})  # fmt: skip
"""With these words servers of the openai protocol say that the model itself came to an end, without a word or with one;
also where it called a tool that nobody offered."""


def check_options(base_url: str | None, timeout_seconds: float) -> None:
    """`SpecError` for an address that is none, or a deadline that is not a positive number of seconds; before anything
    is sent also `MissingPartError` for a proxy that cannot be spoken to.
    """
    _check_environment()
    if base_url is not None and not base_url.startswith(("http://", "https://")):
        scheme = "http" if _is_near(base_url) else "https"
        todo = f"did you mean {scheme}://{base_url}?" if "://" not in base_url else "write the server's whole address"
        raise SpecError(f"got base_url {base_url!r}, expected http://... or https://...", todo=todo)
    if not (math.isfinite(timeout_seconds) and timeout_seconds > 0):
        raise SpecError(f"got timeout_seconds {timeout_seconds!r}, expected a positive number of seconds")


def _is_near(address: str) -> bool:
    """Whether an address without a scheme is one of this machine or of the house, where nothing is encrypted."""
    host = address.partition("/")[0].partition(":")[0]
    return host == "localhost" or re.fullmatch(r"(127|10|192\.168|172\.\d+)(\.\d+)+", host) is not None


_PROXIES = ("all_proxy", "https_proxy", "http_proxy")
_PROXY_WANTS_KEY = 407
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


def _check_environment() -> None:
    """`InputError` for a variable of the environment with which no connection can come about. None of their values is
    quoted: a proxy's may hold a password."""
    for kind, url in getproxies().items():
        if f"{kind}_proxy" in _PROXIES and (flaw := _proxy_flaw(url)):
            said = _variable(kind)
            raise InputError(f"the environment variable {said} {flaw}",
                             todo=f"write {said}=http://USER:PASSWORD@HOST:PORT, with / # ? @ in the password as %2F "
                                  "%23 %3F %40, or unset it")  # fmt: skip
    if (path := os.environ.get("SSL_CERT_FILE")) and not Path(path).is_file():
        raise InputError("the environment variable SSL_CERT_FILE names no file", todo="mend it or unset it")
    socks_proxy()


def _proxy_flaw(url: str) -> str:
    """What is wrong with the address of a proxy; empty where nothing is."""
    scheme, separator, _ = url.partition("://")
    if separator and scheme not in _PROXY_SCHEMES:
        return f"names a proxy of the kind {scheme!r}, expected one of {', '.join(_PROXY_SCHEMES)}"
    try:
        parts = urlsplit(url if separator else f"http://{url}")
        whole = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole or parts.path.strip("/") or parts.query or parts.fragment:
        return "is no address of a proxy"
    return ""


def socks_proxy() -> str:
    """The SOCKS proxy that the environment names; empty for none. `MissingPartError` where nothing can speak to it."""
    found = next((url for url in getproxies().values() if url.startswith("socks")), "")
    if found and importlib.util.find_spec("socksio") is None:
        raise MissingPartError(
            "got a SOCKS proxy from the environment (ALL_PROXY, HTTPS_PROXY or HTTP_PROXY), which needs a package more",
            todo=f"{pip_install('httpx2[socks]')}, name an HTTP proxy, or unset the variable",
        )
    return found


def quote(text: str, key: str | None = None) -> str:
    """Foreign words fit for a reason: one line of at most 300 characters, without keys, base64 or control characters.

    >>> quote("bad key sk-ab***123 in\\n  " + "QUJD" * 99)
    'bad key [key] in [data]'
    """
    text = without_key(text, key)
    text = _DATA_LIKE.sub("[data]", _MASKED_KEY.sub("[key]", hide_secrets(text)))
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _REASON_CHARS else text[: _REASON_CHARS - 1] + "…"


def raw_reply(status: int, headers: Mapping[str, str], body: bytes) -> RawReply:
    """A reply with the few headers that matter; no other header is ever kept."""
    return RawReply(status, {name: headers[name] for name in _HEADERS if name in headers}, body)


def retry_after_seconds(headers: Mapping[str, str], now: Callable[[], float]) -> float | None:
    """How long the provider asks to wait: the first header of `_WAITS` that says it, in seconds or as a date.

    A moment since 1970, in seconds or milliseconds, is a date too, as proxies write it. A date is measured against the
    reply's own `date`, so that a wrong clock here does not matter; `now` (seconds since 1970) serves where there is
    none. What does not parse is None.

    >>> retry_after_seconds({"retry-after": "2", "retry-after-ms": "150"}, lambda: 0.0)
    0.15
    """
    sent = _timestamp(headers.get("date", ""))
    for name, unit in _WAITS:
        said = headers.get(name, "")
        number, until = seconds(said), _timestamp(said)
        if number is not None and number * unit < _YEAR:
            return number * unit
        if number is not None:
            until = number / 1000 if number > 1e11 else number
        if until is not None:
            return max(0.0, until - (now() if sent is None else sent))
    return None


_UNDECODABLE = frozenset({"DecodingError", "ContentEncodingError"})
"""Errors of the transports for a body that is not compressed as its header says."""
_YEAR = 365 * 86400.0


def should_retry(headers: Mapping[str, str]) -> bool | None:
    """What `x-should-retry` says of trying again; None where it says nothing.

    >>> should_retry({"x-should-retry": "false"}), should_retry({})
    (False, None)
    """
    return {"true": True, "false": False}.get(headers.get("x-should-retry", "").strip().lower())


def seconds(text: str) -> float | None:
    """A finite number that is not negative, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _timestamp(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def json_object(body: bytes) -> dict[str, Any] | str:
    """The JSON object that a body holds, or in words what stands there instead."""
    if not body.strip():
        return "an empty body"
    try:
        document = orjson.loads(body)
    except ValueError:
        return "an HTML page" if body.lstrip()[:1] == b"<" else "a body that is not JSON, or only part of it"
    if isinstance(document, list) and len(document) == 1 and "error" in mapping(document[0]):
        document = document[0]  # so Google writes errors now and then
    return document if isinstance(document, dict) else f"JSON of type {type(document).__name__}"


def mapping(value: object) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one: replies are read without trusting their shape."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """The objects in a JSON array; none if it is no array."""
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def word(value: object) -> str | None:
    """A text that says something, else None."""
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """A count of tokens; None is "not said", and a true, a text or a negative number says nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def cut_off(request: Request) -> str:
    """What to say of a reply that ended at the output limit."""
    limit = request.sampling.max_tokens
    if limit is None:
        return "the reply reached the server's own output limit; ask for more with max_tokens"
    return (f"the reply reached the output limit of {limit} tokens, thoughts included; raise it "
            f"(max_tokens={4 * limit}) or lift it (max_tokens=none)")  # fmt: skip


def made(asked: int | None, answered: int | None, total: object) -> int | None:
    """Output tokens: what is said of them, or what the total leaves for them where that is more.

    Some servers leave the thoughts out of the one and count them in the other.

    >>> made(100, 20, 120), made(100, 20, 520), made(100, None, 100), made(100, None, None)
    (20, 420, 0, None)
    """
    whole = count(total)
    rest = None if whole is None or asked is None else max(whole - asked, 0)
    return max((number for number in (answered, rest) if number is not None), default=None)


@dataclass(frozen=True, slots=True)
class PartForm:
    """How one protocol writes parts in JSON: the bytes before and after a JSON string, and before and after base64."""

    text: tuple[bytes, bytes]
    audio: tuple[bytes, bytes]

    def pieces(self, parts: tuple[Part, ...]) -> Iterator[bytes]:
        """The parts with commas between, to be joined once for the whole body: a recording is copied only then."""
        for number, part in enumerate(parts):
            before, after = self.text if isinstance(part, TextPart) else self.audio
            content = dumps(part.text) if isinstance(part, TextPart) else pybase64.b64encode(part.load())
            yield from (b"," if number else b"", before, content, after)


def dumps(value: object) -> bytes:
    """Compact JSON. Not orjson: that refuses the lone surrogates which stray into texts of other people's files."""
    return json.dumps(value, separators=(",", ":")).encode()


class PerLoop(Generic[T]):
    """One client per event loop: its connections die with the loop that opened them."""

    def __init__(self, build: Callable[[], T]) -> None:
        self._build = build
        self._clients: dict[asyncio.AbstractEventLoop, T] = {}

    def get(self) -> T:
        """The client of the running loop, built when first asked for; clients of closed loops are let go."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients = {known: client for known, client in self._clients.items() if not known.is_closed()}
            self._clients[loop] = self._build()
        return self._clients[loop]

    def pop(self) -> T | None:
        """The client of the running loop, taken out, or None."""
        return self._clients.pop(asyncio.get_running_loop(), None)


def _proxy_at(place: str) -> str:
    """The variable of the environment that names a proxy at this host and port; empty where it is none."""
    for kind, url in getproxies().items():
        netloc = urlsplit(url if "://" in url else f"http://{url}").netloc
        if place and f"{kind}_proxy" in _PROXIES and netloc.rpartition("@")[2] == place:
            return _variable(kind)
    return ""


def _perhaps_a_proxy() -> str:
    """Who refused a connection where the transport does not say whom it called."""
    names = " or ".join(_variable(kind) for kind in getproxies() if f"{kind}_proxy" in _PROXIES)
    return f"the server, or the proxy of {names}," if names else "the server"


def _variable(kind: str) -> str:
    """The name of the variable that holds the proxy for `http`, `https` or `all`, as it is spelled."""
    return next((name for name in os.environ if name.lower() == f"{kind}_proxy"), f"{kind}_proxy")


def _proxy_refusal(error: BaseException) -> Failure | None:
    """What a proxy said instead of making the connection; None where none did."""
    for one in chain(error):
        found = re.search(r"\b407\b", str(one)) and re.search(r"prox", f"{type(one).__name__} {one}", re.I)
        if getattr(one, "status", None) == _PROXY_WANTS_KEY or found:
            names = " or ".join(_variable(kind) for kind in getproxies() if f"{kind}_proxy" in _PROXIES)
            reason = f"got HTTP 407 from the proxy of {names or 'the environment'}: it wants a user and a password"
            return Failure("bad_request", reason, http_status=_PROXY_WANTS_KEY, sent=False)
    return None


_NO_TLS = re.compile(r"WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|UNKNOWN_PROTOCOL|HTTP_REQUEST")
"""What OpenSSL calls an answer that is no TLS."""


def _unreached(error: BaseException | None) -> str:
    """Where nobody listens, or what is no host, in words; empty for a connection that failed otherwise.

    The SDKs wrap a refused connection as a time-out, with the certificate's state in it: what happened is said by the
    error at the bottom, and where by aiohttp's.
    """
    place = ""
    for one in chain(error):
        if isinstance(host := getattr(one, "host", None), str):
            place = f"{host}:{getattr(one, 'port', None)}"
        if isinstance(one, ConnectionRefusedError):
            proxy = _proxy_at(place)
            who = f"the proxy {place} of {proxy}" if proxy else place or _perhaps_a_proxy()
            return f"{who} refused it, nobody listens there"
        if isinstance(one, socket.gaierror) and one.errno == socket.EAI_NONAME:
            return f"there is no host {place}".rstrip()
        if "CERTIFICATE_VERIFY_FAILED" in str(one):
            return (f"the certificate of {place or 'the server'} was not accepted; where it is your own, name its "
                    "authority's file in SSL_CERT_FILE").rstrip()  # fmt: skip
        if _NO_TLS.search(str(one)):
            return f"{place or 'the server'} does not speak TLS; write http:// in place of https:// in base_url"
    return ""


async def within(
    limit_seconds: float, call: Awaitable[RawReply], key: str, most: int = TEXT_BYTES
) -> RawReply | Failure:
    """One attempt under a total deadline and with at most `most` bytes of reply; whatever breaks on the way is a
    `Failure`, being cancelled is not.

    The SDKs bound each read, not the whole, and name a lost connection a timeout: so the deadline is ours and says
    itself whether it passed. Every `Exception` is caught, since transports leak their own kinds (garbage instead of
    HTTP, a body that does not decompress) and one item must not end a run.
    """
    deadline, allowed = asyncio.timeout(limit_seconds), LIMIT.set(most)
    try:
        async with deadline:
            return await call
    except Exception as error:
        if deadline.expired():
            return Failure("timeout", f"got no complete reply within {limit_seconds:g} s")
        return _broken(error, key)
    finally:
        LIMIT.reset(allowed)


def _broken(error: Exception, key: str) -> Failure:
    for one in chain(error):
        if isinstance(one, Moved):
            return Failure("moved", quote(str(one), key), http_status=one.status)
        if isinstance(one, TooLarge):
            return Failure("too_large", str(one))
    for one in chain(error):
        if isinstance(one, Exception) and not isinstance(one, Unsent | WavjudgeError) and is_ours(one):
            noted(one)  # an error of ours and no broken connection, though it is tried again like one
    if (refused := _proxy_refusal(error)) is not None:
        return refused
    if any(type(one).__name__ in _UNDECODABLE for one in chain(error)):
        return Failure("malformed", f"got a body that does not unpack: {quote(str(error), key)}")
    sent = not any(isinstance(one, Unsent) for one in chain(error))
    if where := _unreached(error):
        return Failure("unreachable", f"the connection failed: {quote(where, key)}", sent=sent)
    cause = error.__cause__ or error
    words = quote(f"{type(cause).__name__} {cause}", key)
    return Failure("unavailable", f"the connection failed: {words}", sent=sent)
