"""The HTTP client that both SDKs are given: nothing is sent on to another address, and no reply is read without end.

    redirects   none is followed, not even on the same server: it would carry the key and the recording along
    replies     at most so many bytes, counted after decompression; of an error's page only the beginning is kept
    unsent      what failed before the request left (no connection) is told apart: it cannot have cost anything

It is a mixin for a client of httpx2, whose import takes a while: the wires import this module only when something is
sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx2

from wavjudge.clients.wires.reach import LIMIT, READY, Moved, TooLarge, Unsent

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
