from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavjudge.clients.base import AudioPart, Failure, Reply, Request, Sampling, TextPart
from wavjudge.clients.fake import VirtualClock
from wavjudge.clients.money.budget import Budget, budgeted
from wavjudge.clients.money.prices import Price, at_most
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
    clock, budget = VirtualClock(), Budget(11.0)

    async def attempt(request: Request) -> Reply:
        await clock.sleep(1.0)
        return reply(1.0)

    async def main() -> None:
        within = budgeted(attempt, budget, PRICE)
        await asyncio.gather(*(within(request(5)) for _ in range(5)))

    clock.run(main())
    # The first alone; then two fit (1 + 5 + 5); then, with 3 spent, one (3 + 5 + 5 > 11), and again: 1 + 1 + 1 + 1 s.
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
@given(st.lists(calls, max_size=8), st.integers(1, 20))
def test_however_many_calls_at_once_the_limit_holds_before_anything_is_learnt(plan: list, limit: int) -> None:
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


def cheap_then(costs: list[float | None], width: int, limit: float) -> tuple[Budget, list[int], list]:
    """So many calls at a time, each bounded by 16 USD, which cost this; how many were under way at each start."""
    clock, budget, under_way, most = VirtualClock(), Budget(limit), 0, []
    rest = iter(costs)

    async def attempt(request: Request) -> Reply:
        nonlocal under_way
        under_way, cost = under_way + 1, next(rest)
        most.append(under_way)
        await clock.sleep(1.0)
        under_way -= 1
        return reply(cost)

    async def main() -> list:
        places = asyncio.Semaphore(width)

        async def call() -> Reply | Failure:
            async with places:
                return await budgeted(attempt, budget, PRICE)(request(16))

        return list(await asyncio.gather(*(call() for _ in costs), return_exceptions=True))

    return budget, most, clock.run(main())


def test_calls_far_below_their_bound_go_at_full_width_and_the_limit_holds() -> None:
    budget, most, outcomes = cheap_then([0.25] * 400, width=64, limit=180.0)
    assert {type(outcome) for outcome in outcomes} == {Reply}
    assert max(most[:8]) <= 11 and max(most) == 64  # 11 bounds of 16 fit at first, then the model is known
    assert budget.spent == pytest.approx(100.0)


def test_the_last_call_may_take_all_of_its_bound() -> None:
    budget, _, outcomes = cheap_then([0.25] * 99 + [16.0] + [0.25] * 99, width=4, limit=42.0)
    assert budget.spent <= 42.0
    assert {type(outcome) for outcome in outcomes} == {Reply, BudgetError}


def test_one_cost_that_is_not_known_puts_the_full_bounds_back() -> None:
    costs: list[float | None] = [0.25] * 100 + [None] + [0.25] * 40
    budget, most, _ = cheap_then(costs, width=8, limit=90.0)
    after = most[110:]
    assert max(most[50:100]) == 8 and 0 < max(after) <= 4  # 90 - 25 - 16 leaves room for three of 16 at most
    assert budget.spent <= 90.0


def test_a_charge_beyond_the_bound_is_booked_in_full_and_ends_the_run_after_one_call() -> None:
    budget, most, outcomes = cheap_then([600.0] * 20, width=8, limit=1000.0)
    assert (len(most), budget.spent) == (1, 600.0)  # the first of a model goes alone
    assert [type(outcome) for outcome in outcomes] == [Reply] + [BudgetError] * 19
    assert "can cost 16.0000 at most" in str(outcomes[1]) and "max_tokens" in str(outcomes[1])


def test_each_model_is_learnt_by_itself() -> None:
    budget = Budget(1000.0)

    async def main() -> None:
        for _ in range(9):
            budget.settle(await budget.reserve(request(16), PRICE), 0.25)
        budget.settle(await budget.reserve(Request("other", (), sampling=Sampling(max_tokens=16)), PRICE), 16.0)
        await budget.reserve(request(16), PRICE)
        assert budget.held == 1.0  # a sixteenth
        await budget.reserve(Request("other", (), sampling=Sampling(max_tokens=16)), PRICE)
        assert budget.held == 17.0

    asyncio.run(main())


@pytest.mark.parametrize("limit", [math.nan, math.inf, -math.inf, -1.0, True])
def test_a_limit_that_is_no_amount_of_money_is_refused(limit: float) -> None:
    with pytest.raises(InputError, match="expected a finite number from 0 on"):
        Budget(limit)


def test_a_part_of_a_cost_that_is_beyond_the_whole_bound_ends_the_run() -> None:
    """The server does not itemise its input, so the cost is not known; its 900,000 output tokens are."""
    price = Price(text_in=2.5, text_out=10.0, audio_in=32.0)
    asked = Request("m", (AudioPart("a" * 64, "none", 2.0, 16000, 0, lambda: b""),), sampling=Sampling(max_tokens=200))
    for usage in (Usage(input_tokens=700, output_tokens=900_000), Usage(output_tokens=900_000),
                  Usage(input_tokens=50_000_000)):  # fmt: skip
        budget, sent = Budget(100.0), []

        async def attempt(request: Request, usage: Usage = usage, sent: list = sent) -> Reply:
            sent.append(request)
            return Reply("4", usage)

        async def main(budget: Budget = budget, attempt: Any = attempt) -> list:
            within = budgeted(attempt, budget, price)
            return list(await asyncio.gather(*(within(asked) for _ in range(3)), return_exceptions=True))

        outcomes = asyncio.run(main())
        assert [type(one) for one in outcomes] == [Reply, BudgetError, BudgetError] and len(sent) == 1
        assert "no limit can be kept" in str(outcomes[1])
        assert budget.spent >= (usage.output_tokens or 0) * 10 / 1e6
