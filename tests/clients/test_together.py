from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from wavjudge.clients.cache import Together


def test_what_waits_goes_in_one_trip_and_each_gets_its_own_result() -> None:
    trips: list[list[int]] = []
    first_is_under_way = threading.Event()

    def double(jobs: Sequence[int]) -> list[int]:
        trips.append(list(jobs))
        first_is_under_way.wait(5)
        return [2 * job for job in jobs]

    async def main() -> list[int]:
        together = Together(thread, double)
        first = asyncio.create_task(together.do(0))
        while not trips:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(together.do(job)) for job in range(1, 5)]
        await asyncio.sleep(0)
        first_is_under_way.set()
        return await asyncio.gather(first, *others)

    with ThreadPoolExecutor(1) as thread:
        assert asyncio.run(main()) == [0, 2, 4, 6, 8]
    assert trips == [[0], [1, 2, 3, 4]]


def test_an_error_reaches_all_who_waited_and_the_next_trip_goes() -> None:
    def root(jobs: Sequence[float]) -> list[float]:
        if min(jobs) < 0:
            raise ValueError("negative")
        return [job**0.5 for job in jobs]

    async def main() -> None:
        together = Together(thread, root)
        outcomes = await asyncio.gather(together.do(4), together.do(-1), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [ValueError, ValueError]
        assert await together.do(4) == 2

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main())


def test_one_who_stops_waiting_holds_up_nobody_and_another_loop_may_follow() -> None:
    async def main() -> None:
        cancelled, kept = asyncio.create_task(together.do(1)), asyncio.create_task(together.do(2))
        await asyncio.sleep(0)
        cancelled.cancel()
        assert await kept == 2
        with pytest.raises(asyncio.CancelledError):
            await cancelled

    with ThreadPoolExecutor(1) as thread:
        together: Together[int, int] = Together(thread, list)
        for _ in range(2):
            asyncio.run(main())
