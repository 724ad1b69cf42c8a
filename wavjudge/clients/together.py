"""Small jobs of many tasks, done by one trip to a thread: a trip costs more than what a job does there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


MOMENT_SECONDS = 0.005
"""How long the first job waits for others to join it: nothing beside a call, and half as many trips."""


class Together(Generic[Job, Result]):
    """What arrives within a moment, or while the thread is busy, goes together.

    Parameters
    ----------
    work: gives one result per job, in their order; what it raises, each of the tasks hears that wait for this trip.
    """

    def __init__(self, thread: Executor, work: Callable[[Sequence[Job]], Sequence[Result]]) -> None:
        self._thread, self._work = thread, work
        self._waiting: list[tuple[Job, asyncio.Future[Result]]] = []
        self._trips: asyncio.Task[None] | None = None

    async def do(self, job: Job) -> Result:
        """The result of this job."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((job, done))
        if self._trips is None:
            self._trips = loop.create_task(self._travel())
        return await done

    async def _travel(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(MOMENT_SECONDS)
                taken, self._waiting = self._waiting, []
                await self._trip(taken)
        finally:
            self._trips = None

    async def _trip(self, taken: Sequence[tuple[Job, asyncio.Future[Result]]]) -> None:
        loop, waiting = asyncio.get_running_loop(), [done for _, done in taken]
        try:
            results = await loop.run_in_executor(self._thread, self._work, [job for job, _ in taken])
        except Exception as error:
            for done in waiting:
                if not done.done():
                    done.set_exception(error)
            return
        for done, result in zip(waiting, results, strict=True):
            if not done.done():
                done.set_result(result)
