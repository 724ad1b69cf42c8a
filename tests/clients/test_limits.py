from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavjudge.clients.base import AudioPart, Failure, Reply, Request
from wavjudge.clients.fake import VirtualClock
from wavjudge.clients.limits import EPISODE_SECONDS, MIB, Limits, limited


async def hold(limits: Limits, clock: VirtualClock, size: int = 0, seconds: float = 1.0) -> float:
    """Hold a slot for a while; the time at which it was got."""
    async with limits.slot(size):
        got = clock.now()
        await clock.sleep(seconds)
        return got


def run_all(limits: Limits, clock: VirtualClock, sizes: list[int], seconds: float = 1.0) -> list[float]:
    async def main() -> list[float]:
        return list(await asyncio.gather(*(hold(limits, clock, size, seconds) for size in sizes)))

    return clock.run(main())


def test_no_more_than_the_limit_fly_and_the_first_come_first() -> None:
    clock = VirtualClock()
    limits = Limits(start=2, most=2, clock=clock)
    assert run_all(limits, clock, [0] * 5) == [0, 0, 1, 1, 2]


def test_bytes_in_flight_are_bounded() -> None:
    clock = VirtualClock()
    limits = Limits(max_bytes=10, clock=clock)
    assert run_all(limits, clock, [6, 4, 1, 10]) == [0, 0, 1, 2]


def test_an_oversize_request_goes_alone() -> None:
    clock = VirtualClock()
    limits = Limits(max_bytes=10, clock=clock)
    assert run_all(limits, clock, [5, 99, 5]) == [0, 1, 2]


def test_requests_a_minute_are_spaced() -> None:
    clock = VirtualClock()
    limits = Limits(rpm=30, clock=clock)
    assert run_all(limits, clock, [0] * 4, 10.0) == [0, 2, 4, 6]


def test_a_429_makes_everybody_wait_as_long_as_it_asks() -> None:
    clock = VirtualClock()
    limits = Limits(clock=clock)
    limits.rate_limited(7.5)
    assert run_all(limits, clock, [0, 0]) == [7.5, 7.5]


def test_a_longer_pause_that_comes_meanwhile_counts() -> None:
    clock = VirtualClock()
    limits = Limits(clock=clock)

    async def main() -> float:
        limits.rate_limited(2.0)
        waiting = asyncio.create_task(hold(limits, clock))
        await clock.sleep(1.0)
        limits.rate_limited(4.0)
        return await waiting

    assert clock.run(main()) == 5.0


def test_the_limit_is_cut_once_an_episode() -> None:
    clock = VirtualClock()
    limits = Limits(start=20, clock=clock)
    for _ in range(5):
        limits.rate_limited(None)
    assert limits.limit == 14
    clock.run(clock.sleep(EPISODE_SECONDS))
    limits.rate_limited(60.0)
    assert limits.limit == 9
    clock.run(clock.sleep(59.0))
    limits.rate_limited(None)
    assert limits.limit == 9


def test_the_limit_never_falls_below_one() -> None:
    clock = VirtualClock()
    limits = Limits(clock=clock)
    for _ in range(20):
        limits.rate_limited(None)
        clock.run(clock.sleep(EPISODE_SECONDS))
    assert limits.limit == 1
    assert run_all(limits, clock, [MIB, MIB], 1.0)


async def _clean_round(limits: Limits, clock: VirtualClock) -> None:
    size = limits.limit
    await asyncio.gather(*(hold(limits, clock) for _ in range(size)))
    for _ in range(size):
        limits.succeeded()


def test_growth_doubles_until_the_first_429_then_adds_one() -> None:
    clock = VirtualClock()
    limits = Limits(start=4, most=20, clock=clock)
    seen = []

    async def main() -> None:
        for _ in range(4):
            await _clean_round(limits, clock)
            seen.append(limits.limit)
        limits.rate_limited(None)
        seen.append(limits.limit)
        limits.succeeded()  # within the episode: says nothing
        await clock.sleep(EPISODE_SECONDS)
        for _ in range(2):
            await _clean_round(limits, clock)
            seen.append(limits.limit)

    clock.run(main())
    assert seen == [8, 16, 20, 20, 14, 15, 16]


def test_no_growth_without_use() -> None:
    limits = Limits(start=4, clock=VirtualClock())
    for _ in range(100):
        limits.succeeded()
    assert limits.limit == 4


@pytest.mark.parametrize("wrong", [{"start": 0}, {"most": 0}, {"max_bytes": 0}, {"rpm": 0}])
def test_limits_are_positive(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Limits(**wrong)


calls = st.tuples(
    st.integers(0, 15),  # size in bytes, of ten allowed
    st.integers(0, 4),  # arrives
    st.integers(0, 3),  # holds its slot
    st.none() | st.integers(0, 6),  # is cancelled
    st.sampled_from(["ok", "ok", "ok", "429", "raise"]),
)


@settings(max_examples=150)
@given(st.lists(calls, max_size=14), st.integers(1, 4))
def test_whatever_happens_no_slot_is_lost_and_no_bound_is_passed(plan: list, most: int) -> None:
    clock = VirtualClock()
    order: list[int] = []

    async def main() -> None:
        limits = Limits(start=most, most=most, max_bytes=10, clock=clock)
        sizes: dict[int, int] = {}

        async def call(number: int, size: int, arrives: int, holds: int, end: str) -> None:
            await clock.sleep(arrives)
            async with limits.slot(size):
                order.append(number)
                sizes[number] = size
                try:
                    audio = [other for other in sizes.values() if other]
                    assert len(sizes) <= most and (sum(audio) <= 10 or len(audio) == 1)
                    assert limits.in_flight == len(sizes) and limits.bytes_in_flight == sum(audio)
                    await clock.sleep(holds)
                finally:
                    del sizes[number]
                if end == "429":
                    limits.rate_limited(float(holds))
                if end == "raise":
                    raise KeyError(number)

        async def cancel_at(task: asyncio.Task, seconds: int) -> None:
            await clock.sleep(seconds)
            task.cancel()

        tasks = [asyncio.create_task(call(i, *c[:3], c[4])) for i, c in enumerate(plan)]
        killers = [cancel_at(task, c[3]) for task, c in zip(tasks, plan, strict=True) if c[3] is not None]
        results = await asyncio.gather(*tasks, *killers, return_exceptions=True)
        assert not [r for r in results if isinstance(r, AssertionError)]
        assert limits.in_flight == limits.bytes_in_flight == 0
        async with limits.slot(99):  # whoever comes after all that still gets in
            assert limits.in_flight == 1

    clock.run(main())
    arrivals = [(plan[i][1], i) for i in order]
    assert arrivals == sorted(arrivals)  # first come, first served, whatever the sizes


def test_the_attempt_tells_the_limits_what_it_heard() -> None:
    clock = VirtualClock()
    limits = Limits(start=2, clock=clock)
    said: list[Reply | Failure] = [Reply("4"), Failure("rate_limited", "slow down", 3.0), Failure("refused", "no")]
    seen: list[int] = []

    async def attempt(request: Request) -> Reply | Failure:
        seen.append(limits.bytes_in_flight)
        return said.pop(0)

    part = AudioPart("0" * 64, "none", 1.0, 16000, 32044, lambda: b"")
    request = Request("m", (part,))
    within = limited(attempt, limits)

    async def main() -> None:
        for expected in (2, 1, 1):
            await within(request)
            assert limits.limit == expected

    clock.run(main())
    assert seen == [32044] * 3 and clock.now() == 3.0 and limits.bytes_in_flight == 0
