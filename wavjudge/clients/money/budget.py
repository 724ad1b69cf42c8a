"""A limit in USD that a run keeps while it runs, not one it notices afterwards.

    a call is sent only if   spent + what the calls under way are counted at + its own upper bound   <= the limit

Calls under way are counted at their upper bounds until a model's first calls are settled, then at twice the largest
share of its bound that any of its last 64 calls took (never under a sixteenth). A verdict of 60 tokens under a bound of
4,096 would otherwise leave room for a handful of calls at a time. One call whose cost is not known, or that takes more
than it was counted at, puts the full bounds back, those of the calls under way included.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict, deque
from dataclasses import dataclass, field
from functools import partial

from wavjudge.clients.base import Attempt, Failure, Reply, Request
from wavjudge.clients.money.prices import Price, at_least, at_most, billed
from wavjudge.errors import BudgetError, InputError, StopRun

_DUST = 1e-9  # USD; sums of floats may differ by less than this from what they are
_LEARNT_FROM, _REMEMBERED = 8, 64
_LEAST_SHARE, _MARGIN = 1 / 16, 2.0


@dataclass(eq=False, slots=True)
class Reservation:
    """Money set aside for one attempt that is about to be sent: the model, and the most that it may cost."""

    model: str
    usd: float


@dataclass
class Budget:
    """A limit in USD that the attempts of a run keep together, because each has its money set aside before it is sent.

    One that would fit but for those under way waits until others are settled; one that can never fit raises
    BudgetError, and those already sent finish. Of each model the first goes alone, so that a server whose counts are
    beyond any bound is found out by one call. `spent` is what is booked: what replies told, and the full bound of
    each attempt that did not tell, or told what cannot be. So it is never less than what the attempts cost.

    The limit can be overrun in two ways only, and both end the run: by a call that a server charges beyond its bound
    (which is booked as charged), and by calls under way that all at once take far more than the last 64 did.
    Belongs to one event loop.
    """

    max_usd: float
    spent: float = 0.0
    _held: set[Reservation] = field(default_factory=set)
    _shares: defaultdict[str, deque[float]] = field(
        default_factory=lambda: defaultdict(partial(deque[float], maxlen=_REMEMBERED))
    )
    _known: set[str] = field(default_factory=set)
    _beyond: BudgetError | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _settled: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        # NaN is below nothing and above nothing, so each comparison with it would let everything or nothing through.
        if isinstance(self.max_usd, bool) or not 0 <= self.max_usd < math.inf:
            raise InputError(f"got a limit of {self.max_usd} USD, expected a finite number from 0 on",
                             todo="leave --max-cost (max_cost) out for no limit")  # fmt: skip

    @property
    def held(self) -> float:
        """USD that the attempts under way are counted at."""
        return math.fsum(one.usd * self._share(one.model) for one in self._held)

    async def reserve(self, request: Request, price: Price | None, unpriced: str = "") -> Reservation:
        """Set the attempt's money aside. Raises BudgetError if it can no longer fit, or a price is not known, for the
        reason `unpriced`."""
        reservation = Reservation(request.model, at_most(request, price, unpriced))
        async with self._turn:
            while not self._fits(reservation):
                self._settled.clear()
                await self._settled.wait()
            self._held.add(reservation)
        return reservation

    def settle(self, reservation: Reservation, usd: float | None) -> None:
        """Replace what was set aside by what it cost; None is "not known" and counts as all of it."""
        self._held.remove(reservation)
        cost = reservation.usd if usd is None else usd
        self.spent += cost
        if cost > reservation.usd * (1 + 1e-9) + _DUST:
            self._beyond = self._beyond or _beyond(reservation, cost)
        if cost:  # an error answer, which is free, says nothing about the others
            self._shares[reservation.model].append(cost / reservation.usd if reservation.usd else 1.0)
        self._known.add(reservation.model)
        self._settled.set()

    def _fits(self, reservation: Reservation) -> bool:
        """Whether the attempt may be sent now; raises BudgetError where it never may."""
        if self._beyond is not None:
            raise self._beyond
        if self.spent + reservation.usd > self.max_usd + _DUST:
            raise self._exhausted(reservation)
        alone = reservation.model in self._known or all(one.model != reservation.model for one in self._held)
        return alone and self.spent + self.held + reservation.usd <= self.max_usd + _DUST

    def _share(self, model: str) -> float:
        seen = self._shares[model]
        return min(1.0, max(_LEAST_SHARE, _MARGIN * max(seen))) if len(seen) >= _LEARNT_FROM else 1.0

    def _exhausted(self, reservation: Reservation) -> BudgetError:
        return BudgetError(
            f"the limit of {self.max_usd:g} USD is reached: {self.spent:.4f} spent (counting what replies did not "
            f"tell), and one more call may cost up to {reservation.usd:.4f}",
            todo="raise --max-cost and run the same command: it goes on where it stopped; the limit counts anew in "
            "each command; max_tokens lowers the bound of a call",
        )


def _beyond(reservation: Reservation, usd: float) -> BudgetError:
    return BudgetError(
        f"model {reservation.model} reported a usage of {usd:.4f} USD for a call that can cost {reservation.usd:.4f} "
        "at most, so no limit can be kept",
        todo="check the price, and whether the server obeys max_tokens (max_tokens_field=max_tokens); "
        "without --max-cost the run goes on without a limit",
    )


def budgeted(attempt: Attempt, budget: Budget, price: Price | None, unpriced: str = "") -> Attempt:
    """The attempt, made only while its money is reserved. unpriced: why the price is not known, where it is not."""

    async def within_budget(request: Request) -> Reply | Failure:
        reservation = await budget.reserve(request, price, unpriced)
        usd: float | None = None  # cancelled or broken: it may have been sent, so all of it counts as spent
        try:
            outcome = await attempt(request)
            usd = billed(request, outcome, price)
            if usd is None and (told := at_least(request, outcome, price)) > reservation.usd:
                usd = told  # not the whole of it, and already more than all of the bound
            return outcome
        except (InputError, StopRun):
            usd = 0.0  # the recording could not be read, or nothing may be sent any more
            raise
        finally:
            budget.settle(reservation, usd)

    return within_budget
