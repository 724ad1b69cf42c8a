"""A limit in USD that a run keeps while it runs, not one it notices afterwards."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field

from wavjudge.clients.attempt import Attempt
from wavjudge.clients.base import Failure, Reply, Request
from wavjudge.clients.money import Price, at_most, billed
from wavjudge.errors import BudgetError, InputError, StopRun

_DUST = 1e-9  # USD; sums of floats may differ by less than this from what they are


@dataclass(eq=False, slots=True)
class Reservation:
    """Money set aside for one attempt that is about to be sent."""

    usd: float


@dataclass
class Budget:
    """A limit in USD that the attempts of a run keep together, because each reserves its upper bound before it is sent.

    spent + held <= max_usd holds at any time, as long as no attempt costs more than its reservation. An attempt that
    would fit but for what is held waits until others are settled; one that can never fit raises BudgetError, and the
    attempts already sent finish. Belongs to one event loop.
    """

    max_usd: float
    spent: float = 0.0
    _held: set[Reservation] = field(default_factory=set)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _settled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def held(self) -> float:
        """USD reserved by attempts under way."""
        return math.fsum(reservation.usd for reservation in self._held)

    async def reserve(self, request: Request, price: Price | None) -> Reservation:
        """Set the attempt's upper bound aside. Raises BudgetError if it can no longer fit, or a price is not known."""
        reservation = Reservation(at_most(request, price))
        async with self._turn:
            while self.spent + self.held + reservation.usd > self.max_usd + _DUST:
                if self.spent + reservation.usd > self.max_usd + _DUST:
                    raise self._exhausted(reservation)
                self._settled.clear()
                await self._settled.wait()
            self._held.add(reservation)
        return reservation

    def settle(self, reservation: Reservation, usd: float | None) -> None:
        """Replace what was set aside by what it cost; None is "not known" and counts as all of it."""
        self._held.remove(reservation)
        self.spent += reservation.usd if usd is None else usd
        self._settled.set()

    def _exhausted(self, reservation: Reservation) -> BudgetError:
        return BudgetError(
            f"the limit of {self.max_usd:g} USD is reached: {self.spent:.4f} spent (counting what replies did not "
            f"tell), and one more call may cost up to {reservation.usd:.4f}",
            todo="raise --max-cost and run the same command: it goes on where it stopped; max_tokens lowers the bound",
        )


def budgeted(attempt: Attempt, budget: Budget, price: Price | None) -> Attempt:
    """The attempt, made only while its money is reserved."""

    async def within_budget(request: Request) -> Reply | Failure:
        reservation = await budget.reserve(request, price)
        usd: float | None = None  # cancelled or broken: it may have been sent, so all of it counts as spent
        try:
            outcome = await attempt(request)
            usd = billed(request, outcome, price)
            return outcome
        except (InputError, StopRun):
            usd = 0.0  # the recording could not be read, or nothing may be sent any more
            raise
        finally:
            budget.settle(reservation, usd)

    return within_budget
