"""Bounds on what is in flight: how many calls, how many bytes of audio, how many a minute.

How many calls is learned, not guessed: it doubles with every clean round until the provider's first 429, then grows
by one a round, and is cut to seven tenths once per rate-limit episode. A round is as many successes as calls allowed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wavjudge.clients.base import REAL_CLOCK, Attempt, Clock, Failure, Reply, Request

MIB = 2**20
EPISODE_SECONDS = 5.0
"""Calls sent before a cut still bring their 429s home for about this long; they tell nothing new."""

_TICK = 1e-6  # below this a wait is a rounding error, and sleeping it would never move the clock


class Limits:
    """Who may send now. First come, first served; nothing polls; a cancelled waiter leaves no trace.

    Only the caller at the head of the queue waits for room or time, and it takes its place without a suspension in
    between, so a place can neither be lost nor be given twice. Belongs to one event loop.

    Parameters
    ----------
    start: calls in flight at first. most: never more than this.
    max_bytes: WAV bytes in flight; a single request above it goes when no other audio is in flight.
    rpm: sends a minute, evenly spaced; None for no such limit.
    """

    def __init__(
        self, *, start: int = 16, most: int = 64, max_bytes: int = 32 * MIB, rpm: float | None = None,
        clock: Clock = REAL_CLOCK,
    ) -> None:  # fmt: skip
        if min(start, most, max_bytes) < 1 or (rpm is not None and rpm <= 0):
            raise ValueError("limits are positive numbers")
        self.limit, self.most, self.max_bytes = min(start, most), most, max_bytes
        self.in_flight = self.bytes_in_flight = 0
        self._clock, self._spacing = clock, 60.0 / rpm if rpm else 0.0
        self._turn, self._room = asyncio.Lock(), asyncio.Event()
        self._next_send = self._paused_until = self._episode_until = float("-inf")
        self._clean, self._was_full, self._was_cut = 0, False, False

    @asynccontextmanager
    async def slot(self, wav_bytes: int) -> AsyncIterator[None]:
        """Hold one place and `wav_bytes` of memory for the time of the block."""
        await self._take(wav_bytes)
        try:
            yield
        finally:
            self.in_flight -= 1
            self.bytes_in_flight -= wav_bytes
            self._room.set()

    def succeeded(self) -> None:
        """A call came back well; a whole round of them lets one more in, if the round really used its places."""
        if self._clock.now() < self._episode_until:
            return
        self._clean += 1
        if self._clean < self.limit:
            return
        if self._was_full:
            self.limit = min(self.most, self.limit + 1 if self._was_cut else self.limit * 2)
            self._room.set()
        self._clean, self._was_full = 0, False

    def rate_limited(self, retry_after: float | None = None) -> None:
        """The provider said 429: everybody waits the seconds it asks for, and fewer calls fly from now on."""
        now, wait = self._clock.now(), max(retry_after or 0.0, 0.0)
        if now >= self._episode_until:
            self.limit, self._was_cut = max(1, int(self.limit * 0.7)), True
            self._episode_until = now + EPISODE_SECONDS
        self._paused_until = max(self._paused_until, now + wait)
        self._episode_until = max(self._episode_until, self._paused_until)
        self._clean, self._was_full = 0, False

    async def _take(self, wav_bytes: int) -> None:
        async with self._turn:
            while True:
                now = self._clock.now()
                if (wait := max(self._next_send, self._paused_until) - now) > _TICK:
                    await self._clock.sleep(wait)
                elif not self._fits(wav_bytes):
                    self._room.clear()
                    await self._room.wait()
                else:
                    break
            self.in_flight += 1
            self.bytes_in_flight += wav_bytes
            self._next_send = max(self._next_send, now) + self._spacing
            self._was_full |= self.in_flight >= self.limit

    def _fits(self, wav_bytes: int) -> bool:
        fits = self.bytes_in_flight == 0 or self.bytes_in_flight + wav_bytes <= self.max_bytes
        return self.in_flight < self.limit and fits


def limited(attempt: Attempt, limits: Limits) -> Attempt:
    """The attempt, made only while it holds a slot; what it learns about 429s goes back to the limits."""

    async def within_limits(request: Request) -> Reply | Failure:
        async with limits.slot(request.wav_bytes):
            outcome = await attempt(request)
            if isinstance(outcome, Reply):
                limits.succeeded()
            elif outcome.kind == "rate_limited":
                limits.rate_limited(outcome.retry_after_seconds)
            return outcome

    return within_limits
