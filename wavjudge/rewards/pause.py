"""A pause of a reward server: it asks no judge while the judge gives no scores, and begins again by itself.

A trainer in the same process is stopped by the ceiling. A server cannot stop its trainers: it answers each item for
itself, and when the judge's failures are over the ceiling, or a `StopRun` says that nothing more can be had, it refuses
what comes next before anybody is asked or paid. After `seconds` it takes requests again, with an empty window.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wavjudge.errors import StopRun
from wavjudge.rewards.ceiling import Ceiling
from wavjudge.rewards.judge_reward import Judged


@dataclass(slots=True)
class Pause:
    """ceiling: of the judge's failures, None for none. seconds: how long nothing is asked once it is over.

    What a candidate failed to give is no failure of the judge: it costs nothing, and pauses nothing.
    """

    ceiling: Ceiling | None
    seconds: float = 60.0
    clock: Callable[[], float] = time.monotonic
    reason: str | None = None
    _until: float = -math.inf

    @property
    def left(self) -> float:
        """Seconds until requests are taken again; 0 while they are."""
        left = max(self._until - self.clock(), 0.0)
        if not left:
            self.reason = None
        return left

    def count(self, found: Iterable[Judged], stop: StopRun | None = None) -> None:
        """Count what came of the items of one request, and begin a pause where that is too much."""
        error = stop or (None if self.ceiling is None else _over(self.ceiling, found))
        if error is not None:
            self.reason, self._until = error.problem, self.clock() + self.seconds


def _over(ceiling: Ceiling, found: Iterable[Judged]) -> StopRun | None:
    for one in found:
        ceiling.count(one.reward, one.own)
    if (error := ceiling.over) is not None:
        ceiling.forget()
    return error
