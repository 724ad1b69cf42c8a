from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from wavjudge.clients.base import AudioPart, Failure, Reply, Request, Sampling, TextPart
from wavjudge.clients.cache import ReplyCache
from wavjudge.clients.fake import FakeWire, VirtualClock
from wavjudge.clients.limits import Limits
from wavjudge.clients.middleware import Meter, add_usage, build_client
from wavjudge.clients.money.budget import Budget
from wavjudge.clients.money.prices import Price
from wavjudge.errors import BudgetError
from wavjudge.types import Usage

PRICE = Price(text_in=1, text_out=1, audio_in=1)
USAGE = Usage(input_tokens=600_000, audio_input_tokens=100_000, output_tokens=400_000)  # 1 USD at PRICE

EMPTY = Failure("malformed", "empty", usage=USAGE)


def request(name: str, size: int = 4) -> Request:
    audio = AudioPart("a" * 64, "none", 1.0, 16000, size, lambda: b"RIFF")
    return Request("m", (TextPart(name), audio), sampling=Sampling(max_tokens=1_000_000))


def name_of(request: Request) -> str:
    part = request.parts[0]
    assert isinstance(part, TextPart)
    return part.text


def test_the_totals_of_a_run(tmp_path: Path) -> None:
    clock, meter, cache = VirtualClock(), Meter(), ReplyCache(tmp_path / "replies.sqlite")
    said = {
        "good": [Reply("4", USAGE)],
        "slow": [Failure("rate_limited", "later", 1.0, 429), EMPTY, Reply("3", USAGE)],
        "mute": [Reply("2")],
        "shy": [Failure("refused", "no")],
    }
    wire = FakeWire(lambda request: said[name_of(request)].pop(0))
    client = build_client(wire, cache=cache, price=PRICE, meter=meter, clock=clock)

    async def main() -> dict[str, Reply | Failure]:
        return {name: await client.complete(request(name)) for name in ("good", "slow", "mute", "shy", "good")}

    outcomes = clock.run(main())
    cache.close()
    assert (meter.calls, meter.cached, meter.attempts, meter.retries) == (4, 1, 6, 2)
    assert meter.failures == Counter(refused=1)
    assert meter.usd == pytest.approx(3.0)  # good, and slow twice: the malformed reply was paid for
    assert meter.unpriced == 2  # mute and shy told nothing; the 429 is known to be free
    assert meter.usage.input_tokens == 1_800_000 and meter.usage.cached_input_tokens is None
    good, slow = outcomes["good"], outcomes["slow"]
    assert isinstance(good, Reply) and good.cached and good.usage.usd == pytest.approx(1.0)
    assert isinstance(slow, Reply) and slow.attempts == 3 and slow.usage.input_tokens == 600_000
    assert isinstance(outcomes["mute"], Reply) and outcomes["mute"].usage.usd is None


def test_a_sleeping_call_holds_no_place_no_bytes_and_no_money() -> None:
    clock = VirtualClock()
    said = {"a": [Failure("unavailable", "down", 100.0, 503), Reply("4", USAGE)], "b": [Reply("5", USAGE)]}
    limits, budget = Limits(start=1, most=1, max_bytes=4, clock=clock), Budget(2.5)
    wire = FakeWire(lambda request: said[name_of(request)].pop(0))
    client = build_client(wire, limits=limits, budget=budget, price=PRICE, clock=clock)

    async def main() -> None:
        sleeper = asyncio.create_task(client.complete(request("a")))
        await clock.sleep(1.0)
        assert not sleeper.done()
        assert (limits.in_flight, limits.bytes_in_flight, budget.held) == (0, 0, 0.0)
        assert isinstance(await client.complete(request("b")), Reply)
        assert clock.now() == 1.0
        assert isinstance(await sleeper, Reply)

    clock.run(main())
    assert budget.spent == pytest.approx(2.0)


def test_calls_in_the_queue_hold_no_money() -> None:
    clock = VirtualClock()
    limits, budget = Limits(start=2, most=2, clock=clock), Budget(100.0)

    async def answer(request: Request) -> Reply:
        assert budget.held <= 2 * 1.1
        await clock.sleep(1.0)
        return Reply("4", USAGE)

    client = build_client(FakeWire(answer), limits=limits, budget=budget, price=PRICE, clock=clock)

    async def main() -> None:
        await asyncio.gather(*(client.complete(request(str(number))) for number in range(10)))

    clock.run(main())
    assert clock.now() == 6.0 and budget.spent == pytest.approx(10.0)  # the first alone, which takes a second


def test_a_budget_stops_the_run_cleanly() -> None:
    clock, meter, budget = VirtualClock(), Meter(), Budget(3.5)

    async def answer(request: Request) -> Reply:
        await clock.sleep(1.0)
        return Reply("4", USAGE)

    client = build_client(FakeWire(answer), budget=budget, price=PRICE, meter=meter, clock=clock)

    async def main() -> list:
        calls = (client.complete(request(str(number))) for number in range(6))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    kinds = Counter(type(outcome) for outcome in clock.run(main()))
    assert kinds == {Reply: 3, BudgetError: 3}
    assert budget.spent == meter.usd == pytest.approx(3.0)


def test_a_cached_reply_needs_no_money_and_no_price(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "replies.sqlite")
    first = build_client(FakeWire(["4"]), cache=cache)
    assert asyncio.run(first.complete(request("a"))) == Reply("4", seconds=pytest.approx(0, abs=1))
    again = build_client(FakeWire([]), cache=cache, budget=Budget(0.0))
    outcome = asyncio.run(again.complete(request("a")))
    other = build_client(FakeWire(["5"]), cache=cache, scope="http://127.0.0.1:8000/v1")
    elsewhere = asyncio.run(other.complete(request("a")))
    cache.close()
    assert isinstance(outcome, Reply) and outcome.cached
    assert isinstance(elsewhere, Reply) and elsewhere.text == "5" and not elsewhere.cached


def test_a_provider_with_a_limit_of_its_own_is_served_without_a_loss() -> None:
    # Twenty calls a second are let through, 100 ms each; who comes beyond that hears 429 and "in one second".
    clock, meter, seconds = VirtualClock(), Meter(), Counter[int]()

    async def answer(request: Request) -> Reply | Failure:
        seconds[int(clock.now())] += 1
        if seconds[int(clock.now())] > 20:
            return Failure("rate_limited", "slow down", 1.0, 429)
        await clock.sleep(0.1)
        return Reply("4")

    client = build_client(FakeWire(answer), meter=meter, clock=clock)

    async def main() -> list:
        return list(await asyncio.gather(*(client.complete(request(str(number))) for number in range(400))))

    outcomes = clock.run(main())
    assert all(isinstance(outcome, Reply) for outcome in outcomes)
    assert clock.now() < 120 and meter.retries < 200


def test_closing_reaches_the_wire_through_every_layer(tmp_path: Path) -> None:
    wire, cache = FakeWire([]), ReplyCache(tmp_path / "replies.sqlite")
    asyncio.run(build_client(wire, cache=cache, budget=Budget(1.0)).aclose())
    cache.close()
    assert wire.closed


def test_what_nobody_said_stays_unsaid() -> None:
    assert add_usage(Usage(), Usage()) == Usage()
    assert add_usage(Usage(input_tokens=1), Usage(output_tokens=0)) == Usage(input_tokens=1, output_tokens=0)
