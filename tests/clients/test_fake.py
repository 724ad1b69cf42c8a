from __future__ import annotations

import asyncio

import pytest

from wavjudge.clients.base import Failure, Reply, Request, TextPart
from wavjudge.clients.fake import FakeClient, FakeWire, VirtualClock
from wavjudge.types import Usage

REQUEST = Request("m", (TextPart("hello"),))
REPLY = Reply("4", Usage(input_tokens=3), "stop", "id", "m-1", b"RIFF\xff", 1, 0.5)


@pytest.mark.parametrize("said", ["4", REPLY, Failure("refused", "no")])
def test_a_wire_gives_what_it_was_told(said) -> None:
    async def slowly(request: Request):
        return said

    for answer in ([said], lambda request: said, slowly):
        wire = FakeWire(answer)
        raw = asyncio.run(wire.send(wire.encode(REQUEST), REQUEST))
        got = raw if isinstance(raw, Failure) else wire.decode(raw, REQUEST)
        assert got == (Reply("4") if said == "4" else said)
        assert wire.requests == [REQUEST]


def test_a_list_that_is_used_up_says_so() -> None:
    with pytest.raises(AssertionError, match="no reply left"):
        asyncio.run(FakeClient([]).complete(REQUEST))


def test_a_client_gives_what_it_was_told() -> None:
    client = FakeClient(["4", REPLY])
    assert asyncio.run(client.complete(REQUEST)) == Reply("4")
    assert asyncio.run(client.complete(REQUEST)) == REPLY
    assert client.requests == [REQUEST, REQUEST]


def test_the_clock_wakes_everybody_in_order_of_time() -> None:
    clock, woken = VirtualClock(), []

    async def nap(name: str, *seconds: float) -> None:
        for one in seconds:
            await clock.sleep(one)
            woken.append((name, clock.now()))

    async def main() -> None:
        await asyncio.gather(nap("a", 3, 3), nap("b", 2, 2, 2), nap("c", 0, 1e6))

    clock.run(main())
    assert woken == [("c", 0), ("b", 2), ("a", 3), ("b", 4), ("a", 6), ("b", 6), ("c", 1e6)]


def test_a_cancelled_sleep_moves_no_time() -> None:
    clock = VirtualClock()

    async def main() -> None:
        sleeper = asyncio.create_task(clock.sleep(100))
        await clock.sleep(1)
        sleeper.cancel()
        await clock.sleep(1)

    clock.run(main())
    assert clock.now() == 2
