"""A client put together from its layers, and the totals of a run.

    Counted > Recognised > Cached > Retry > [ place and bytes > money > who answers > tokens counted > wire ]

The brackets are one attempt. The layers inside wrap the attempt, those outside wrap the client: so a call that sleeps
before its next attempt holds no place, no audio and no money, and a reply from the cache touches none of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from wavjudge.clients.accepted import Accepted, accepting
from wavjudge.clients.base import (
    NO_USAGE,
    REAL_CLOCK,
    Attempt,
    Client,
    Clock,
    Failure,
    FailureKind,
    Reply,
    Request,
    Wire,
    once,
)
from wavjudge.clients.cache import Cached, ReplyCache
from wavjudge.clients.identity import Identity, Recognised, watched
from wavjudge.clients.limits import Limits, limited
from wavjudge.clients.money.budget import Budget, budgeted
from wavjudge.clients.money.prices import Price, billed
from wavjudge.clients.retry import Retry, RetrySettings, RetryTokens
from wavjudge.types import Usage


@dataclass
class Meter:
    """The totals of a run, which a progress bar may read at any time. One meter can serve several clients.

    calls: requests that ended in a reply or a failure without the cache; cached: those the cache answered.
    attempts: sends that came back; retries: those among them after a call's first.
    usage: sums over all attempts, failed ones included; a count that nobody reported is None.
    usd: what is known of the cost; unpriced: attempts whose cost is not known and stands in no sum.
    longest_wait: seconds until the last call that waits for its next attempt makes it.
    """

    calls: int = 0
    cached: int = 0
    attempts: int = 0
    retries: int = 0
    failures: Counter[FailureKind] = field(default_factory=Counter)
    usage: Usage = NO_USAGE
    usd: float = 0.0
    unpriced: int = 0
    clock: Clock = REAL_CLOCK
    _until: float = 0.0

    def waits(self, seconds: float) -> None:
        """A call will try again in so many seconds."""
        self._until = max(self._until, self.clock.now() + seconds)

    @property
    def longest_wait(self) -> float:
        """Seconds until the last of the calls that wait tries again."""
        return max(0.0, self._until - self.clock.now())

    def count_attempt(self, usage: Usage, usd: float | None) -> None:
        self.attempts += 1
        self.usage = add_usage(self.usage, usage)
        self.usd += usd or 0.0
        self.unpriced += usd is None

    def count_outcome(self, outcome: Reply | Failure) -> None:
        if isinstance(outcome, Reply) and outcome.cached:
            self.cached += 1
            return
        self.calls += 1
        self.retries += outcome.attempts - 1
        if isinstance(outcome, Failure):
            self.failures[outcome.kind] += 1


def add_usage(total: Usage, more: Usage) -> Usage:
    """Field by field; None ("not said") stays None only if neither says it.

    >>> add_usage(Usage(input_tokens=2), Usage(input_tokens=3, usd=0.5)).model_dump(exclude_none=True)
    {'input_tokens': 5, 'usd': 0.5}
    """
    both = {name: (getattr(total, name), getattr(more, name)) for name in Usage.model_fields}
    return Usage(**{name: None if a is None and b is None else (a or 0) + (b or 0) for name, (a, b) in both.items()})


def metered(attempt: Attempt, meter: Meter, price: Price | None) -> Attempt:
    """The attempt, with its tokens and cost counted; its usage gets its cost in USD where that is known."""

    async def counted(request: Request) -> Reply | Failure:
        outcome = await attempt(request)
        usd = billed(request, outcome, price)
        meter.count_attempt(outcome.usage, usd)
        return outcome if usd is None else _costing(outcome, outcome.usage.model_copy(update={"usd": usd}))

    return counted


def _costing(outcome: Reply | Failure, usage: Usage) -> Reply | Failure:
    if isinstance(outcome, Reply):  # said twice: the type of `replace` is that of one class
        return replace(outcome, usage=usage)
    return replace(outcome, usage=usage)


class Counted:
    """A client whose outcomes are counted."""

    def __init__(self, client: Client, meter: Meter) -> None:
        self._client, self._meter = client, meter

    async def complete(self, request: Request) -> Reply | Failure:
        outcome = await self._client.complete(request)
        self._meter.count_outcome(outcome)
        return outcome

    async def aclose(self) -> None:
        await self._client.aclose()


def build_client(
    wire: Wire, *, cache: ReplyCache | None = None, scope: str = "", read_cache: bool = True, write_cache: bool = True,
    limits: Limits | None = None, settings: RetrySettings | None = None, tokens: RetryTokens | None = None,
    budget: Budget | None = None, price: Price | None = None, unpriced: str = "", meter: Meter | None = None,
    clock: Clock = REAL_CLOCK, seed: int = 0, identity: Identity | None = None, accepted: Accepted | None = None,
) -> Client:  # fmt: skip
    """A wire with its onion around it.

    Parameters
    ----------
    cache: None for no cache. It is not closed by the client: several clients may share one.
    scope: what the wire adds to every request beyond its name (base URL, its own options): part of the cache's key.
    limits: shared by the clients that share a provider's account; by default this client's own.
    budget: shared by all clients of a run. price: of this wire's model; a budget without it raises BudgetError.
    unpriced: why there is no price, in words for that error.
    meter: where the totals go. seed: of the jitter. identity: who is to answer; None for whoever does.
    accepted: what ends it where every request is refused alike; None sends them all.

    >>> import asyncio
    >>> from wavjudge.clients.fake import FakeWire
    >>> meter = Meter()
    >>> client = build_client(FakeWire(["four", "five"]), meter=meter)
    >>> asyncio.run(client.complete(Request(model="m", parts=()))).text, meter.calls
    ('four', 1)
    """
    meter = meter if meter is not None else Meter()
    attempt = metered(once(wire, clock), meter, price)
    if accepted is not None:
        attempt = accepting(attempt, accepted)
    if identity is not None:
        attempt = watched(attempt, identity)  # innermost: whoever waited for money or a place is stopped, too
    if budget is not None:
        attempt = budgeted(attempt, budget, price, unpriced)
    # The place comes before the money: a call in the queue would otherwise hold a reservation it has no use for yet.
    attempt = limited(attempt, limits or Limits(clock=clock))
    client: Client = Retry(wire, attempt, settings=settings, tokens=tokens, clock=clock, seed=seed, on_wait=meter.waits)
    if cache is not None:
        client = Cached(client, cache, scope=f"{wire.name} {scope}", read=read_cache, write=write_cache)
    if identity is not None:
        client = Recognised(client, identity)
    return Counted(client, meter)
