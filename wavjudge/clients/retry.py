"""The one retry loop: what is tried again, how long it waits in between, and when a whole run is given up.

delay before retry n (n = 0, 1, ...) = what the provider asks for, else uniform(0, min(60 s, 1 s * 2^n))

"Full jitter": the calls that failed together come back spread out instead of as the next wave.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from wavjudge.clients.base import FATAL, REAL_CLOCK, RETRIED, Attempt, Clock, Failure, Reply, Request, Wire, once, timed
from wavjudge.clients.spec import hide_secrets
from wavjudge.errors import AuthError, ProviderDownError, QuotaError, StopRun


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How hard one call tries.

    Parameters
    ----------
    max_attempts: sends in all, the first included.
    give_up_seconds: no retry that would begin later than this after the first send.
    base_seconds, cap_seconds: bounds of the backoff; a Retry-After is obeyed beyond the cap.
    malformed_retries: a broken or empty reply is usually paid for and often repeats, so it is tried again less often.
    unreachable_retries: of a server that was never reached in this run; one that was may be starting again, and is
        waited for as ever.
    """

    max_attempts: int = 8
    give_up_seconds: float = 900.0
    base_seconds: float = 1.0
    cap_seconds: float = 60.0
    malformed_retries: int = 3
    unreachable_retries: int = 2


class RetryTokens:
    """The retries a whole run may still make: a bucket that each success refills by one, up to where it started.

    >>> tokens = RetryTokens(1)
    >>> tokens.spend(), tokens.spend()
    (True, False)
    >>> tokens.earn(); tokens.left
    1
    """

    def __init__(self, capacity: int = 200) -> None:
        self.capacity = self.left = capacity

    def earn(self) -> None:
        self.left = min(self.capacity, self.left + 1)

    def spend(self) -> bool:
        """Take one; False when none is left."""
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Retry:
    """A client that makes an attempt until it succeeds or trying on is senseless.

    Parameters
    ----------
    wire: closed by `aclose`, and named in messages.
    attempt: one attempt, with whatever it must hold; by default the bare wire's. While this client sleeps, no
        attempt is under way, so a place, bytes or money held by an attempt are free.
    tokens: shared by the calls of a run. on_wait: is told the seconds of each wait before an attempt.
    """

    def __init__(
        self, wire: Wire, attempt: Attempt | None = None, *, settings: RetrySettings | None = None,
        tokens: RetryTokens | None = None, clock: Clock = REAL_CLOCK, seed: int = 0,
        on_wait: Callable[[float], None] = lambda seconds: None,
    ) -> None:  # fmt: skip
        self._wire, self._attempt, self._clock = wire, attempt or once(wire, clock), clock
        self._settings, self._tokens = settings or RetrySettings(), tokens or RetryTokens()
        self._was_reached, self._on_wait = False, on_wait
        self._random = random.Random(seed)  # noqa: S311 - spreads waits, guards nothing

    async def complete(self, request: Request) -> Reply | Failure:
        """The reply, or the last failure; with the attempts made and the seconds from the first send to the end.

        Raises
        ------
        AuthError, QuotaError: the account cannot be used.
        ProviderDownError: the run's retries are used up, or the provider asks for a longer wait than a call may take.
        """
        outcome = await self._attempt(request)
        started = self._clock.now() - outcome.seconds  # waiting for the first slot is no part of the call
        attempts = 1
        malformed = 0
        while isinstance(outcome, Failure):
            self._was_reached |= outcome.kind != "unreachable"
            malformed += outcome.kind == "malformed"
            waited = self._clock.now() - started
            delay = self._delay(outcome, request, attempts, malformed, waited)
            if delay is None:
                break
            self._on_wait(delay)
            await self._clock.sleep(delay)
            outcome = await self._attempt(request)
            attempts += 1
        if isinstance(outcome, Reply):
            self._was_reached = True
            self._tokens.earn()
        return timed(outcome, self._clock.now() - started, attempts)

    async def aclose(self) -> None:
        await self._wire.aclose()

    def _delay(
        self, failure: Failure, request: Request, attempts: int, malformed: int, waited: float
    ) -> float | None:  # fmt: skip
        """Seconds until the next attempt, or None if there is none; raises what ends the run."""
        settings = self._settings
        if failure.kind in FATAL:
            raise self._stop(failure, request)
        most = settings.max_attempts
        if not self._was_reached:
            most = min(most, settings.unreachable_retries + 1)
        may = failure.kind in RETRIED if failure.retry is None else failure.retry  # `x-should-retry` knows better
        if not may or attempts >= most or malformed > settings.malformed_retries:
            return None
        delay = failure.retry_after_seconds or self._backoff(attempts)
        if failure.kind == "rate_limited" and delay > settings.give_up_seconds:
            # Every other call would hear the same, one after the other: end the run instead of failing each item.
            raise self._down(failure, request, f"it asks to wait {delay:.0f} s")
        if waited + delay > settings.give_up_seconds:
            return None
        if not self._tokens.spend():
            raise self._down(failure, request, f"the run's {self._tokens.capacity} retries are used up")
        return delay

    def _backoff(self, attempts: int) -> float:
        longest = min(self._settings.cap_seconds, self._settings.base_seconds * 2.0 ** (attempts - 1))
        return self._random.uniform(0.0, longest)

    def _stop(self, failure: Failure, request: Request) -> StopRun:
        said = f"{self._wire.name}, model {request.model}: {hide_secrets(failure.reason)}"
        if failure.kind == "auth":
            return AuthError(
                f"the key was not accepted by {said}",
                todo="check the environment variable that holds the key, and that it may use this model",
            )
        return QuotaError(
            f"no quota or money is left at {said}",
            todo="top up the account or wait for its next period; the same command then goes on where it stopped",
        )

    def _down(self, failure: Failure, request: Request, why: str) -> StopRun:
        first = (
            "start the server, or check base_url"
            if failure.kind == "unreachable"
            else "look at the provider's status page"
        )
        return ProviderDownError(
            f"gave up on {self._wire.name}, model {request.model}: {why}; last answer: {hide_secrets(failure.reason)}",
            todo=f"{first}, and run the same command later: it goes on where it stopped",
        )
