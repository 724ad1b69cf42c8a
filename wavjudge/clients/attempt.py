"""One attempt of one call, as a function. What one attempt must hold (a place, memory, money) wraps this function;
what outlives an attempt (waiting, the cache) wraps a client. So a call that waits for its next attempt holds nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from wavjudge.clients.base import Failure, Reply, Request, Wire
from wavjudge.clients.clock import REAL_CLOCK, Clock

Attempt = Callable[[Request], Awaitable[Reply | Failure]]


def once(wire: Wire, clock: Clock = REAL_CLOCK) -> Attempt:
    """Encode, send, decode; the outcome's `seconds` are those of this attempt.

    The body is built anew for each attempt: that costs microseconds, and keeping it would hold the audio in memory
    while the call sleeps. Raises what the request's own `load` raises (InputError for a recording that is gone).
    """

    async def attempt(request: Request) -> Reply | Failure:
        started = clock.now()
        raw = await wire.send(wire.encode(request), request)
        outcome = raw if isinstance(raw, Failure) else wire.decode(raw, request)
        return timed(outcome, clock.now() - started)

    return attempt


def timed(outcome: Reply | Failure, seconds: float, attempts: int = 1) -> Reply | Failure:
    """The same outcome with how long it took and how many attempts it needed."""
    if isinstance(outcome, Reply):
        return replace(outcome, seconds=seconds, attempts=attempts)
    return replace(outcome, seconds=seconds, attempts=attempts)
