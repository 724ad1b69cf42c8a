"""The HTTP client that both SDKs are given: nothing is sent on to another address, and no reply is read without end.

    redirects   none is followed, not even on the same server: it would carry the key and the recording along
    replies     at most so many bytes, counted after decompression; of an error's page only the beginning is kept
    unsent      what failed before the request left (no connection) is told apart: it cannot have cost anything

It is a mixin for a client of httpx2, whose import takes a while: the wires import this module only when something is
sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2

from wavjudge.clients.base import Request

# How far a call gets and how much may come back: what `guarded` finds out on the way, in words of this package.
#
# Here and not there, so that nothing of httpx2 is imported to say it.

MEBIBYTE = 2**20
TEXT_BYTES = MEBIBYTE // 2
"""Of a reply in text to a request of up to 16,384 tokens: 128 times as many bytes as a judge's 4,096 tokens, several
times what they take as JSON (about 21 bytes a token where every character is escaped)."""
BYTES_PER_TOKEN = 32
"""Allowed to a request for more tokens; no more than `MOST_TEXT_BYTES`."""
MOST_TEXT_BYTES = 4 * MEBIBYTE
AUDIO_BYTES = 128 * MEBIBYTE
"""Of a reply with speech: ten minutes, the longest answer that is rated, at 48 kHz in base64 take 77 MB."""

LIMIT: ContextVar[int] = ContextVar("the most bytes of a reply", default=TEXT_BYTES)
READY: ContextVar[bytes | None] = ContextVar("a body that takes the place of what an SDK wrote", default=None)


def most_bytes(request: Request) -> int:
    """How large the reply to a request may be."""
    if "audio" in request.wants:
        return AUDIO_BYTES
    return min(max(TEXT_BYTES, BYTES_PER_TOKEN * (request.sampling.max_tokens or 0)), MOST_TEXT_BYTES)


class Unsent(Exception):
    """The request never left: no connection came about."""


class Moved(Exception):
    """The server wanted the call sent on to another address."""

    def __init__(self, status: int, asked: str, to: str) -> None:
        super().__init__(status, asked, to)
        self.status = status
        self._asked, self._to = asked, _joined(asked, to)

    def __str__(self) -> str:
        return (
            f"got HTTP {self.status}, a redirect to {self._there()}, which is not followed: neither the key nor a "
            "recording went there; if that is the server you mean, name it as base_url"
        )

    def _there(self) -> str:
        """The place without userinfo, query and fragment: they may hold anything."""
        to = urlsplit(self._to)
        if to.scheme not in ("http", "https") or not _host(self._to):
            return "what is no address of a server"
        where = "on the same server" if _origin(self._to) == _origin(self._asked) else "on another server"
        return f"{to.scheme}://{_host(self._to)}{to.path} ({where})"


class TooLarge(Exception):
    """A reply beyond what any answer needs."""

    def __init__(self, most: int) -> None:
        size = f"{most // MEBIBYTE} MiB" if most >= MEBIBYTE else f"{most // 1024} KiB"
        super().__init__(f"got a reply of more than {size}, which no answer takes; the rest was left")


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what it came from, down to the bottom."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _joined(asked: str, to: str) -> str:
    try:
        return urljoin(asked, to)
    except ValueError:
        return ""


def _host(url: str) -> str:
    """Host and port as they would be connected to; empty where there is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if host and port is not None else host


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


_ERROR_BYTES = 2**16  # the reason that is kept of it has a few hundred characters
_ALREADY_DONE = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError,
               httpx2.UnsupportedProtocol)  # fmt: skip


class Guarded(httpx2.AsyncClient):
    """Every request of a client passes through `send`, whichever method of it an SDK calls."""

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        options |= {"stream": True, "follow_redirects": False}
        if (ready := READY.get()) is not None:
            request = _with_body(request, ready)
        try:
            reply = await super().send(request, **options)
        except _NEVER_SENT as error:
            if _had_connected(error):
                raise
            raise Unsent(str(error)) from error
        try:
            if 300 <= reply.status_code < 400 and (to := reply.headers.get("location")):
                raise Moved(reply.status_code, str(request.url), to)
            body = await _body(reply, LIMIT.get())
        finally:
            await reply.aclose()
        return httpx2.Response(
            reply.status_code, headers=_kept(reply.headers.raw), content=body, request=request,
            extensions={name: value for name, value in reply.extensions.items() if name != "network_stream"},
        )  # fmt: skip


def _with_body(request: httpx2.Request, body: bytes) -> httpx2.Request:
    headers = _kept(request.headers.raw)
    return httpx2.Request(request.method, request.url, headers=headers, content=body, extensions=request.extensions)


def _had_connected(error: httpx2.TransportError) -> bool:
    """aiohttp's transport names a connection that was lost later a connect time-out too; its cause knows."""
    cause = error.__cause__
    if not type(cause).__module__.startswith("aiohttp"):
        return False
    import aiohttp  # only where it is at work: the other transport does without

    never = aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.InvalidURL
    return not isinstance(cause, never)


async def _body(reply: httpx2.Response, most: int) -> bytes:
    is_error = reply.status_code >= 400
    most = min(most, _ERROR_BYTES) if is_error else most
    pieces, size = [], 0
    async for piece in reply.aiter_bytes():  # decompressed, at most 1 MiB at a time
        pieces.append(piece)
        size += len(piece)
        if size > most and not is_error:
            raise TooLarge(most)
        if size > most:
            break
    return b"".join(pieces)[:most]


def _kept(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in _ALREADY_DONE]
