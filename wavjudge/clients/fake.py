"""A provider and a clock of one's own making, for tests and docs: nothing leaves the process, no time passes.

The fake is a function: it gets the request and returns a text, a reply or a failure.
"""

from __future__ import annotations

import asyncio
import base64
import heapq
import inspect
import itertools
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from wavjudge.clients.base import AudioPart, Failure, RawReply, Reply, Request
from wavjudge.clients.cache import reply_from_json, reply_to_json

T = TypeVar("T")
Scripted = str | Reply | Failure
Answer = Callable[[Request], Scripted | Awaitable[Scripted]]


class FakeWire:
    """A wire that answers by a function (plain or async), or from a list in order.

    `requests` are those it got; a request beyond the end of a list is an AssertionError.

    >>> wire = FakeWire(["<score-overall>4</score-overall>"])
    >>> request = Request(model="m", parts=())
    >>> raw = asyncio.run(wire.send(wire.encode(request), request))
    >>> wire.decode(raw, request).text
    '<score-overall>4</score-overall>'
    """

    def __init__(self, answer: Answer | Iterable[Scripted], name: str = "fake") -> None:
        self.name = name
        self.requests: list[Request] = []
        self.closed = False
        self._answer = answer if callable(answer) else _in_order(answer)

    def encode(self, request: Request) -> bytes:
        # Loads the audio as a real wire does, so that a test sees when audio is touched and when not.
        return b"\n".join(
            part.load() if isinstance(part, AudioPart) else part.text.encode() for part in request.all_parts
        )

    async def send(self, body: bytes, request: Request) -> RawReply | Failure:
        said = await self._say(request)
        if isinstance(said, Failure):
            return said
        reply = Reply(text=said) if isinstance(said, str) else said
        audio = base64.b64encode(reply.audio_wav).decode() if reply.audio_wav is not None else None
        return RawReply(200, {}, json.dumps([reply_to_json(reply), audio]).encode())

    def decode(self, raw: RawReply, request: Request) -> Reply | Failure:
        text, audio = json.loads(raw.body)
        return reply_from_json(text, base64.b64decode(audio) if audio is not None else None)

    async def aclose(self) -> None:
        self.closed = True

    async def _say(self, request: Request) -> Scripted:
        self.requests.append(request)
        said = self._answer(request)
        return await said if inspect.isawaitable(said) else said


class FakeClient:
    """The same as a client, for those who write a judge.

    >>> asyncio.run(FakeClient(lambda request: request.model).complete(Request(model="m", parts=()))).text
    'm'
    """

    def __init__(self, answer: Answer | Iterable[Scripted]) -> None:
        self._wire = FakeWire(answer)
        self.requests = self._wire.requests

    async def complete(self, request: Request) -> Reply | Failure:
        said = await self._wire._say(request)
        return Reply(text=said) if isinstance(said, str) else said

    async def aclose(self) -> None:
        await self._wire.aclose()


class VirtualClock:
    """A clock that jumps to the next moment somebody waits for, once nobody has anything left to do now.

    Only waits on this clock count: work of other threads is not waited for.

    >>> clock = VirtualClock()
    >>> clock.run(clock.sleep(3600)); clock.now()
    3600.0
    """

    _SETTLE = 60  # turns of the event loop in which a chain of wake-ups must come to rest

    def __init__(self) -> None:
        self._now = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._driver: asyncio.Task[None] | None = None

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + max(seconds, 0.0), next(self._order), future))
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive())
        await future

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """`asyncio.run` on this clock."""
        self._driver, self._sleepers = None, []
        return asyncio.run(main)

    async def _drive(self) -> None:
        while self._sleepers:
            for _ in range(self._SETTLE):
                await asyncio.sleep(0)
            until, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self._now = max(self._now, until)
                future.set_result(None)


def _in_order(said: Iterable[Scripted]) -> Answer:
    rest = iter(said)

    def answer(request: Request) -> Scripted:
        for one in rest:
            return one
        raise AssertionError(f"the fake has no reply left for a request to {request.model}")

    return answer
