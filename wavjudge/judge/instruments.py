"""The instruments as a rater: `signals`. They measure in processes of their own, because they are all arithmetic."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Collection
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
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
        self._pool: ProcessPoolExecutor | None = None

    def entry(self) -> JudgeEntry:
        return JudgeEntry(spec=self._spec, rater=self.rater, signatures={"signals": self.tasks[0].signature})

    async def aclose(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    async def rate(self, case: Case, task: Task, repeat: int) -> list[Rating]:
        """One rating per axis; a recording that cannot be measured any more is `failed`."""
        if case.answer.audio is None:
            return unscored(self, case, task, repeat, "not_applicable", "the answer is text by design")
        item, said = case.item, case.answer
        work = (str(case.path(case.answer.audio)), case.answer.audio.sha256, said.text,
                item.reference, item.language)  # fmt: skip
        try:
            loop = asyncio.get_running_loop()
            measured = await loop.run_in_executor(self._executor(), _measure, *work, self._names)
        except InputError as error:
            return unscored(self, case, task, repeat, "failed", str(error))
        except BrokenProcessPool:  # killed from outside, most often for want of memory
            self._pool = None
            return unscored(self, case, task, repeat, "failed", "the measuring process died")
        return [self._rating(case, task, repeat, one) for one in measured]

    def _rating(self, case: Case, task: Task, repeat: int, one: Measurement) -> Rating:
        return Rating(
            subject=case.subject, axis=one.axis.name, scale=one.axis.scale, rater=self.rater,
            rater_kind=self.rater_kind, repeat=repeat, score=one.value, status=one.status, reason=one.reason,
            details=dict(one.details),
            signature=task.signature, time=datetime.now(UTC),
        )  # fmt: skip

    def _executor(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # spawn: a forked child of a process with threads (event loop, onnxruntime) can hang.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.concurrency, mp_context=context, initializer=_prepare)
        return self._pool


def _measure(
    path: str, sha256: str, text: str | None, reference: str | None, language: str | None, axes: Collection[str]
) -> list[Measurement]:
    wave = audio.read_known(Path(path), sha256=sha256)
    return signals.measure(wave, text=text, reference=reference, language=language, axes=axes)


def _prepare() -> None:
    """What a measuring process does first: one thread per model, and an end when its parent ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # after kill -9 nobody else would tell it: it would wait for work for ever


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
