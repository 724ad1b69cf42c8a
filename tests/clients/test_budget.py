from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavjudge.clients.base import Failure, Reply, Request, Sampling, TextPart
from wavjudge.clients.budget import Budget, budgeted
from wavjudge.clients.fake import VirtualClock
from wavjudge.clients.money import Price, at_most
from wavjudge.errors import BudgetError, InputError
from wavjudge.types import Usage

# 1 USD a token of output and nothing else: the bound of a request in USD is its max_tokens.
PRICE = Price(text_in=0, text_out=1e6)


def request(usd: int) -> Request:
    return Request("m", (TextPart("x"),), sampling=Sampling(max_tokens=usd))


def reply(usd: float | None) -> Reply:
    return Reply("4", Usage(usd=usd))


def test_the_price_of_these_tests() -> None:
    assert at_most(request(3), PRICE) == 3.0


def test_what_a_reply_tells_replaces_what_was_reserved() -> None:
    async def main() -> None:
        budget = Budget(10.0)
        reservation = await budget.reserve(request(4), PRICE)
        assert (budget.held, budget.spent) == (4.0, 0.0)
        budget.settle(reservation, 1.5)
        assert (budget.held, budget.spent) == (0.0, 1.5)
        budget.settle(await budget.reserve(request(4), PRICE), None)
        assert budget.spent == 5.5  # not told: all of it

    asyncio.run(main())


def test_one_that_fits_only_after_others_are_settled_waits() -> None:
    clock, budget = VirtualClock(), Budget(10.0)

    async def attempt(request: Request) -> Reply:
        await clock.sleep(1.0)
        return reply(1.0)

    async def main() -> None:
        within = budgeted(attempt, budget, PRICE)
        await asyncio.gather(*(within(request(5)) for _ in range(5)))

    clock.run(main())
    # Two at a time fit (5 + 5); then, with 2 spent, one (2 + 5 + 5 > 10), and so on: 1 + 1 + 1 + 1 s.
    assert clock.now() == 4.0 and budget.spent == 5.0


def test_one_that_can_never_fit_is_an_error_and_those_sent_finish() -> None:
    clock, budget, finished = VirtualClock(), Budget(10.0), []

    async def attempt(request: Request) -> Reply:
        await clock.sleep(1.0)
        finished.append(request)
        return reply(None)

    async def main() -> list:
        within = budgeted(attempt, budget, PRICE)
        return list(await asyncio.gather(*(within(request(4)) for _ in range(4)), return_exceptions=True))

    outcomes = clock.run(main())
    assert [type(outcome) for outcome in outcomes] == [Reply, Reply, BudgetError, BudgetError]
    assert len(finished) == 2 and budget.spent == 8.0
    assert "--max-cost" in str(outcomes[2])


def test_an_unknown_price_is_an_error_before_anything_is_sent() -> None:
    async def attempt(request: Request) -> Reply:
        raise AssertionError("nothing is sent")

    with pytest.raises(BudgetError, match="--price"):
        asyncio.run(budgeted(attempt, Budget(10.0), None)(request(1)))


@pytest.mark.parametrize(
    ("end", "spent"),
    [(reply(1.0), 1.0), (reply(None), 4.0), (Failure("rate_limited", "slow"), 0.0), (Failure("timeout", "late"), 4.0),
     (KeyError("bug"), 4.0), (InputError("file gone"), 0.0), (asyncio.CancelledError(), 4.0)],
)  # fmt: skip
def test_how_an_attempt_ends_decides_what_counts(end: Reply | Failure | BaseException, spent: float) -> None:
    budget = Budget(10.0)

    async def attempt(request: Request) -> Reply | Failure:
        if isinstance(end, BaseException):
            raise end
        return end

    async def main() -> None:
        await asyncio.gather(budgeted(attempt, budget, PRICE)(request(4)), return_exceptions=True)

    asyncio.run(main())
    assert (budget.spent, budget.held) == (spent, 0.0)


calls = st.tuples(
    st.integers(0, 9),  # its bound in USD
    st.none() | st.floats(0, 1),  # the share of it that it costs, where that is told
    st.integers(0, 3),  # arrives
    st.integers(0, 3),  # takes
    st.none() | st.integers(0, 5),  # is cancelled
)


@settings(max_examples=200)
@given(st.lists(calls, max_size=15), st.integers(1, 20))
def test_however_many_calls_at_once_the_limit_holds(plan: list, limit: int) -> None:
    clock, budget, really = VirtualClock(), Budget(float(limit)), []

    def check() -> None:
        assert budget.spent + budget.held <= limit + 1e-6
        assert sum(really) <= budget.spent + budget.held + 1e-6

    async def call(usd: int, share: float | None, arrives: int, takes: int) -> None:
        await clock.sleep(arrives)

        async def attempt(request: Request) -> Reply:
            check()
            really.append(usd * (1.0 if share is None else share))
            await clock.sleep(takes)
            check()
            return reply(None if share is None else usd * share)

        await budgeted(attempt, budget, PRICE)(request(usd) if usd else request(1))

    async def main() -> None:
        tasks = [asyncio.create_task(call(max(c[0], 1), *c[1:4])) for c in plan]

        async def cancel(task: asyncio.Task, seconds: int) -> None:
            await clock.sleep(seconds)
            task.cancel()

        killers = [cancel(task, c[4]) for task, c in zip(tasks, plan, strict=True) if c[4] is not None]
        results = await asyncio.gather(*tasks, *killers, return_exceptions=True)
        assert {type(r) for r in results} <= {type(None), BudgetError, asyncio.CancelledError}, results
        check()
        assert budget.held == 0

    clock.run(main())
