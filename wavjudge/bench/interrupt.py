"""Ctrl-C and SIGTERM during a run: first no new calls, then, by a second one or after a while, no calls at all."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from wavjudge.bench.watcher import Watcher

GRACE_SECONDS = 30.0
"""How long calls under way are awaited after the first signal: they are paid for already, and a few may hang."""


class Stage(Protocol):
    """What can be asked to start nothing more."""

    def stop(self) -> None: ...


@contextmanager
def stopping_on_signals(stage: Stage, watcher: Watcher) -> Iterator[None]:
    """Within it the first signal stops the stage; a second one, or `GRACE_SECONDS`, cancels the current task."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    timers: list[asyncio.TimerHandle] = []

    def interrupted() -> None:
        if timers:
            task.cancel()
            return
        timers.append(loop.call_later(GRACE_SECONDS, task.cancel))
        stage.stop()
        watcher.stopping(GRACE_SECONDS)

    numbers = (signal.SIGINT, signal.SIGTERM)
    with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread: asyncio's own way
        for number in numbers:
            loop.add_signal_handler(number, interrupted)
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        with suppress(NotImplementedError, RuntimeError, ValueError):
            for number in numbers:
                loop.remove_signal_handler(number)
