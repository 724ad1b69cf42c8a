"""One attempt of one call, as a function. What one attempt must hold (a place, memory, money) wraps this function;
what outlives an attempt (waiting, the cache) wraps a client. So a call that waits for its next attempt holds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TypeVar

from wavjudge.clients.base import Failure, RawReply, Reply, Request, Wire
from wavjudge.clients.clock import REAL_CLOCK, Clock
from wavjudge.clients.spec import hide_secrets
from wavjudge.errors import InputError
from wavjudge.internal import ends_the_run, noted

KEPT_BYTES = 1 << 16
"""Of a reply that could not be read, so many are kept."""

Attempt = Callable[[Request], Awaitable[Reply | Failure]]
T = TypeVar("T")

_LONG_BYTES = 2**17  # four seconds of a judge's audio: below it the way to a thread takes longer than the work


def once(wire: Wire, clock: Clock = REAL_CLOCK) -> Attempt:
    """Encode, send, decode; the outcome's `seconds` are those of this attempt.

    The body is built anew for each attempt: that costs microseconds, and keeping it would hold the audio in memory
    while the call sleeps. Raises what the request's own `load` raises (InputError for a recording that is gone).
    Where there is much to decode, resample or write in base64, a thread does it: all other calls would wait for it.
    """

    async def attempt(request: Request) -> Reply | Failure:
        started = clock.now()
        body = await _aside(request.wav_bytes, lambda: _encoded(wire, request))
        raw = await wire.send(body, request)
        if isinstance(raw, Failure):
            outcome: Reply | Failure = raw
        else:
            outcome = await _aside(len(raw.body), lambda: _decoded(wire, raw, request))
        outcome = timed(outcome, clock.now() - started)
        if (received := _received.get()) is not None:
            received.append((request, outcome))
        return outcome

    return attempt


async def _aside(size: int, work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work) if size > _LONG_BYTES else work()


_received: ContextVar[list[tuple[Request, Reply | Failure]] | None] = ContextVar("received", default=None)


@contextmanager
def received() -> Iterator[list[tuple[Request, Reply | Failure]]]:
    """What comes over the wire inside the block, whatever becomes of it afterwards: it may have been paid for."""
    found: list[tuple[Request, Reply | Failure]] = []
    token = _received.set(found)
    try:
        yield found
    finally:
        _received.reset(token)


def _encoded(wire: Wire, request: Request) -> bytes:
    """The body; `InputError` where it cannot be made, so that nothing counts as sent."""
    try:
        return wire.encode(request)
    except Exception as error:
        if ends_the_run(error) or isinstance(error, InputError):
            raise
        raise InputError(hide_secrets(noted(error))) from error


def _decoded(wire: Wire, raw: RawReply, request: Request) -> Reply | Failure:
    """What came, read; where that breaks, the bytes are kept: they were paid for, and are not asked for again."""
    try:
        return wire.decode(raw, request)
    except Exception as error:
        if ends_the_run(error):
            raise
        without_key = getattr(wire, "without_key", str)  # of a wire that has a key
        kept = hide_secrets(without_key(raw.body[:KEPT_BYTES].decode(errors="replace")))
        reason = hide_secrets(noted(error)).removeprefix("internal: ")
        return Failure("internal", reason, http_status=raw.status, text=kept)


def timed(outcome: Reply | Failure, seconds: float, attempts: int = 1) -> Reply | Failure:
    """The same outcome with how long it took and how many attempts it needed."""
    if isinstance(outcome, Reply):
        return replace(outcome, seconds=seconds, attempts=attempts)
    return replace(outcome, seconds=seconds, attempts=attempts)
