"""Lanes: whoever is asked, a candidate or a judge, has a short queue and as many workers as it can use.

Work is fed in order, so memory does not grow with the test set. A `StopRun` ends the lane of the one that raised it:
what was still to come for it is passed over, and the others go on. Whatever else a piece of work raises ends that piece
alone, unless it is more than one row's trouble (`internal.ends_the_run`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from wavjudge.errors import StopRun, WavjudgeError
from wavjudge.internal import ends_the_run


class Busy(Protocol):
    """Whoever has a lane; concurrency: how many pieces of work at once."""

    concurrency: int


A = TypeVar("A", bound=Busy)
W = TypeVar("W")


@dataclass(slots=True)
class _Lane(Generic[A, W]):
    whose: A
    queue: asyncio.Queue[W | None]
    is_over: bool = False


class Lanes(Generic[A, W]):
    """The queues and workers of one stage. do: one piece of work. stopped: is told of the first `StopRun` of a lane.

    broke: is told of a piece that raised what nobody foresaw, None for one that could not even be queued.
    """

    def __init__(
        self, whose: Sequence[A], do: Callable[[A, W], Awaitable[None]], stopped: Callable[[A, StopRun], None],
        broke: Callable[[A, W | None, Exception], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._lanes = [_Lane[A, W](one, asyncio.Queue(2 * one.concurrency)) for one in whose]
        self._do, self._stopped, self._broke = do, stopped, broke
        self._is_stopping = False

    def stop(self) -> None:
        """Begin nothing more; what is under way is awaited."""
        self._is_stopping = True

    @property
    def are_over(self) -> bool:
        """Whether nobody takes any more work."""
        return self._is_stopping or all(lane.is_over for lane in self._lanes)

    async def run(self, feed: Callable[[], Awaitable[None]]) -> None:
        """Work until `feed` has ended and all that it `put` is done. Raises one clear error instead of a tree."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._fed(feed))
                for lane in self._lanes:
                    for _ in range(lane.whose.concurrency):
                        group.create_task(self._work(lane))
        except BaseExceptionGroup as several:  # a full disk, say
            raise first_of(several) from several

    async def put(self, work: Callable[[A], Iterable[W]]) -> None:
        """Queue for everyone what `work` says, and wait while a queue is full."""
        for lane in self._lanes:
            try:
                for piece in work(lane.whose):
                    await lane.queue.put(piece)
            except Exception as error:
                if ends_the_run(error):
                    raise
                await self._broke(lane.whose, None, error)

    async def _fed(self, feed: Callable[[], Awaitable[None]]) -> None:
        await feed()
        for lane in self._lanes:
            for _ in range(lane.whose.concurrency):
                await lane.queue.put(None)

    async def _work(self, lane: _Lane[A, W]) -> None:
        while (piece := await lane.queue.get()) is not None:
            if self._is_stopping or lane.is_over:
                continue  # the queue is emptied, so that whoever feeds it can end
            try:
                await self._do(lane.whose, piece)
            except StopRun as stop:
                is_first, lane.is_over = not lane.is_over, True
                if is_first:
                    self._stopped(lane.whose, stop)
            except Exception as error:
                if ends_the_run(error):
                    raise
                await self._broke(lane.whose, piece, error)


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of our own errors in a group, else the first of any kind: one clear error instead of a tree."""
    ours = group.subgroup(WavjudgeError)
    first: BaseException = (ours or group).exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first
