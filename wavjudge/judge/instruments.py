"""The instruments as a rater: `signals`.

They measure in threads: the arithmetic is in onnxruntime and numpy, which let go of the interpreter, and a user's
script needs no `if __name__ == "__main__":`, as it would with processes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from wavjudge import audio, signals
from wavjudge.errors import InputError
from wavjudge.judge.base import Case, Task, unscored
from wavjudge.signals import Measurement
from wavjudge.types import JudgeEntry, RaterKind, Rating


class InstrumentJudge:
    """DNSMOS, voice activity, speech recognition and their like; one task, all axes."""

    rater = "signals"
    rater_kind: RaterKind = "instrument"
    tasks: tuple[Task, ...]

    def __init__(
        self, *, spec: str = "signals", axes: Collection[str] | None = None, workers: int | None = None
    ) -> None:
        chosen = tuple(axis for axis in signals.AXES if axes is None or axis.name in axes)
        if not chosen:
            raise InputError(f"got axes {axes}, expected some of {[axis.name for axis in signals.AXES]}",
                             todo="leave `signals` out, or name one of its axes")  # fmt: skip
        names = [axis.name for axis in chosen]
        signals.require(names)
        self._spec, self._names = spec, names
        self.tasks = (Task("signals", chosen, signals.signature()),)
        self.concurrency = workers or _cores()
        self._pool = ThreadPoolExecutor(self.concurrency, "wavjudge-signals")

    def entry(self) -> JudgeEntry:
        return JudgeEntry(spec=self._spec, rater=self.rater, signatures={"signals": self.tasks[0].signature})

    async def aclose(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def rate(self, case: Case, task: Task, repeat: int) -> list[Rating]:
        """One rating per axis; a recording that cannot be measured any more is `failed`."""
        if case.answer.audio is None:
            return unscored(self, case, task, repeat, "not_applicable", "the answer is text by design")
        item, said = case.item, case.answer
        work = (case.path(case.answer.audio), case.answer.audio.sha256, said.text, item.reference, item.language)
        try:
            loop = asyncio.get_running_loop()
            measured = await loop.run_in_executor(self._pool, _measure, *work, self._names)
        except InputError as error:
            return unscored(self, case, task, repeat, "failed", str(error))
        return [self._rating(case, task, repeat, one) for one in measured]

    def _rating(self, case: Case, task: Task, repeat: int, one: Measurement) -> Rating:
        return Rating(
            subject=case.subject, axis=one.axis.name, scale=one.axis.scale, rater=self.rater,
            rater_kind=self.rater_kind, repeat=repeat, score=one.value, status=one.status, reason=one.reason,
            details=dict(one.details),
            signature=task.signature, time=datetime.now(UTC),
        )  # fmt: skip


def _measure(
    path: Path, sha256: str, text: str | None, reference: str | None, language: str | None, axes: Collection[str]
) -> list[Measurement]:
    wave = audio.read_known(path, sha256=sha256)
    return signals.measure(wave, text=text, reference=reference, language=language, axes=axes)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
