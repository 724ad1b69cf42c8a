"""How far a call gets and how much may come back: what `guarded` finds out on the way, in words of this package.

Here and not there, so that nothing of httpx2 is imported to say it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from urllib.parse import urljoin, urlsplit

from wavjudge.clients.base import Request

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
