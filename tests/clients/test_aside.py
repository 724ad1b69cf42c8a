"""Long recordings are decoded and written by threads: other calls go on meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from wavjudge.clients.base import AudioPart, RawReply, Reply, Request, once
from wavjudge.clients.fake import FakeWire


class Slow(FakeWire):
    """Says in which threads it works."""

    def __init__(self, body: int) -> None:
        super().__init__([])
        self.threads: list[str] = []
        self.body = body

    def encode(self, request: Request) -> bytes:
        self.threads.append(threading.current_thread().name)
        time.sleep(0.1)
        return b""

    async def send(self, body: bytes, request: Request) -> RawReply:
        return RawReply(200, {}, b" " * self.body)

    def decode(self, raw: RawReply, request: Request) -> Reply:
        self.threads.append(threading.current_thread().name)
        return Reply("4")


@pytest.mark.parametrize(("size", "aside"), [(1_000, False), (4_000_000, True)])
def test_long_audio_is_worked_on_beside_the_loop(size: int, aside: bool) -> None:
    request = Request("m", (AudioPart("a" * 64, "none", 120.0, 16000, size, lambda: b""),))
    wire, ticks = Slow(size), []

    async def tick() -> None:
        while True:
            ticks.append(None)
            await asyncio.sleep(0)

    async def main() -> None:
        ticking = asyncio.create_task(tick())
        await once(wire)(request)
        ticking.cancel()

    asyncio.run(main())
    main_thread = threading.main_thread().name
    assert [name != main_thread for name in wire.threads] == [aside, aside]
    assert (len(ticks) > 10) == aside
