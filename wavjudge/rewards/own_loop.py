"""An event loop in a thread of its own, for callers with a loop of theirs, with none, or with a new one each time.

Limits, budget and connections of a judge belong to one loop. A trainer calls from its own (TRL), from a new one each
step (ms-swift), from an actor's (verl) or from plain threads (OpenRLHF): all of them meet in this one.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from wavjudge.errors import InputError

T = TypeVar("T")


class OwnLoop:
    """A running loop; `wait` and `run` give it work from anywhere but itself.

    >>> async def four(): return 4
    >>> loop = OwnLoop("doc")
    >>> loop.wait(four()), loop.close()
    (4, None)
    """

    def __init__(self, name: str) -> None:
        self._process = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"wavjudge-{name}", daemon=True)
        self._thread.start()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result, for plain callers; interrupted, it cancels the work."""
        future = self._submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result, for callers on a loop of their own; cancelled, it cancels the work."""
        return await asyncio.wrap_future(self._submit(work))

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        if self.is_closed:
            work.close()
            reason = "in a forked process" if self._process != os.getpid() else "after it was closed"
            raise InputError(f"got a call of a judge {reason}, where it has no thread", todo="build it anew there")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more work: it was closed, or this process is a fork of the one that began it."""
        return self._process != os.getpid() or self._loop.is_closed()

    def close(self) -> None:
        """End the thread; what is still under way is given up."""
        if self.is_closed:
            return
        self.wait(_ended())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _ended() -> None:
    """Nothing runs any more but this, and the loop's threads are gone."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()
