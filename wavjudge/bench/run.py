"""One run, whole: candidates and judges built, run folder opened, questions asked, answers rated, manifest written."""

from __future__ import annotations

import asyncio
import logging
import re
import shlex
import signal
from collections import Counter
from collections.abc import Awaitable, Collection, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

from wavjudge import internal
from wavjudge.bench.answering import Asked, Asker
from wavjudge.bench.answers import Answers
from wavjudge.bench.candidates.base import Candidate
from wavjudge.bench.candidates.build import build_candidate
from wavjudge.bench.ingest import Intake, Keep
from wavjudge.bench.manifest import closed, opened, with_source
from wavjudge.bench.rating import RETRIED_STATUSES, Runner, Summary
from wavjudge.bench.test_set import Benchmark
from wavjudge.bench.watcher import Nobody, Watcher
from wavjudge.clients.identity import OnModelChange, check_rule
from wavjudge.clients.spec import hide_secrets
from wavjudge.errors import InputError
from wavjudge.judges.base import Judge
from wavjudge.judges.build import JudgeContext, build
from wavjudge.judges.model_judge import ModelJudge
from wavjudge.store.answers import StoredSet
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import BenchmarkEntry, RunManifest

S = TypeVar("S", Asked, Summary)
_log = logging.getLogger(__name__)

LOOKED_AT = 100
"""Rows that are looked at to see of which test set they are."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom to ask what, and how often. retry: outcomes of earlier passes that are asked for again."""

    benchmark: Benchmark
    candidates: Sequence[str]
    attempts: int = 1
    retry: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do. testset: the answers to rate; None for those of the run folder itself."""

    testset: Answers | None
    specs: Sequence[str]
    out: Path
    repeats: int = 1
    retry: Collection[str] = RETRIED_STATUSES
    keep: Keep = "copy"
    max_answer_seconds: float = 600.0
    notes: tuple[str, ...] = field(default=())
    asking: Asking | None = None
    on_model_change: OnModelChange = "stop"

    def __post_init__(self) -> None:
        check_rule(self.on_model_change)

    @property
    def source(self) -> str | None:
        if self.asking is not None:
            return str(self.asking.benchmark.path)
        same = self.testset is None or self.testset.path.resolve() == self.out.resolve()
        return None if same or self.testset is None else str(self.testset.path)

    @property
    def benchmark(self) -> BenchmarkEntry | None:
        if self.asking is not None:
            return self.asking.benchmark.entry()
        return self.testset.entry() if self.testset is not None else None


def run(plan: Plan, shop: JudgeContext, watcher: Watcher | None = None) -> Summary:
    """Do it. What was done is on disk however this ends; `Summary.stopped` says why it ended early."""
    return run_all(plan, shop, watcher)[1]


def run_all(plan: Plan, shop: JudgeContext, watcher: Watcher | None = None) -> tuple[Asked | None, Summary]:
    """The same, with what came of the asking beside it. Nothing is rated where no candidate came to the end."""
    _refuse_running_loop()
    return asyncio.run(_run(plan, shop, watcher or Nobody()))


async def _run(plan: Plan, shop: JudgeContext, watcher: Watcher) -> tuple[Asked | None, Summary]:
    asking = plan.asking
    async with AsyncExitStack() as stack:  # all are built before anything is written: a wrong SPEC leaves no folder
        candidates = [build_candidate(spec, shop) for spec in (asking.candidates if asking else ())]
        judges = [build(spec, shop) for spec in plan.specs]
        for close in (*(one.aclose for one in candidates), *(one.aclose for one in judges)):
            stack.push_async_callback(close)
        _refuse_twins(candidates, judges)
        with (
            RunFolder(plan.out, write=True) as folder,
            internal.collecting(lambda told: folder.keep_fault(hide_secrets(told))) as faults,
        ):
            if plan.source is not None:
                folder.forget_items()
            if plan.testset is not None:
                refuse_mixing(folder, plan.testset)
            keep_prompts(folder, judges)
            manifest = opened(
                folder, source=plan.source, judges=judges, repeats=plan.repeats, notes=plan.notes,
                benchmark=plan.benchmark, candidates=candidates, attempts=asking.attempts if asking else 1,
            )  # fmt: skip
            folder.write_manifest(manifest)
            done = await _stages(plan, folder, manifest, candidates, judges, watcher)
            await folder.drain()
            took = done[1].outcomes.total() or (done[0] is not None and done[0].answered)
            _close(folder, with_source(manifest, plan.source) if took else manifest)
            done[1].faults = faults.kinds
            return done


def _close(folder: RunFolder, manifest: RunManifest) -> None:
    """Write the totals. What was done is on the disk whether they can be made or not."""
    try:
        folder.write_manifest(closed(folder, manifest))
    except Exception as error:
        if internal.ends_the_run(error):
            raise
        internal.noted(error)


async def _stages(
    plan: Plan, folder: RunFolder, manifest: RunManifest, candidates: Sequence[Candidate], judges: Sequence[Judge],
    watcher: Watcher,
) -> tuple[Asked | None, Summary]:  # fmt: skip
    """Ask, then rate, as far as the plan has them."""
    intake = Intake(folder, plan.keep, plan.max_answer_seconds)
    asked = None
    if plan.asking is not None:
        asker = Asker(folder, candidates, intake=intake, attempts=plan.asking.attempts, retry=plan.asking.retry,
                      watcher=watcher)  # fmt: skip
        asked = await _interruptible(asker, asker.ask(plan.asking.benchmark), watcher)
        if asked.interrupted or len(asked.stops) == len(candidates):
            return asked, Summary(stops=asked.stops, interrupted=asked.interrupted)
    stops = asked.stops if asked else {}
    if not judges:
        return asked, Summary(stops=stops)
    turns = manifest.benchmark.rated_turns if manifest.benchmark else "last"
    runner = Runner(folder, judges, intake=intake, repeats=plan.repeats, retry=plan.retry, rated_turns=turns,
                    watcher=watcher, on_model_change=plan.on_model_change)  # fmt: skip
    rated = await _interruptible(runner, runner.rate(plan.testset or StoredSet(plan.out)), watcher)
    rated.stops = {**stops, **rated.stops}
    return asked, rated


class _Stage(Protocol[S]):
    """A stage that can be stopped and says what it did so far."""

    summary: S

    def stop(self) -> None: ...


async def _interruptible(stage: _Stage[S], work: Awaitable[S], watcher: Watcher) -> S:
    """A stage's pass; cut off by a second signal it ends with what it has."""
    try:
        with stopping_on_signals(stage, watcher):
            return await work
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or not stage.summary.interrupted:
            raise
        task.uncancel()
        return stage.summary


def refuse_mixing(folder: RunFolder, testset: Answers) -> None:
    """A run folder holds one test set's answers. Another's would share its tables, and nobody could tell them apart.

    Another file of the same test set is taken in, and said.
    """
    known = {item.benchmark for item in folder.items()}
    if not known or (isinstance(testset, StoredSet) and testset.path.resolve() == folder.path.resolve()):
        return
    new = _benchmarks(testset)
    if new and not new & known:
        raise InputError(
            f"got {testset.path}, whose answers are to the test set {_names(new)}; this run folder holds answers to "
            f"{_names(known)}", where=str(folder.path), todo=_apart_or_joined(folder.path, min(new), known),
        )  # fmt: skip
    before = folder.manifest.source if folder.manifest and folder.is_begun else None
    if before and Path(before).resolve() != testset.path.resolve():
        _log.warning("this run was begun with %r; the answers of %r join it", before, str(testset.path))


def _benchmarks(testset: Answers) -> set[str]:
    if isinstance(testset, StoredSet):
        with RunFolder(testset.path) as source:
            return {response.benchmark for response in islice(source.responses(), LOOKED_AT)}
    return {row.benchmark or testset.benchmark for _, row in islice(testset, LOOKED_AT)}


def _apart_or_joined(run: Path, new: str, known: Collection[str]) -> str:
    """The two ways out of a run folder that holds another test set's answers."""
    own = f"give another test set a run folder of its own: --out {shlex.quote(f'{run}-{_plain(new)}')}"
    if len(known) > 1:
        return own
    return f"{own}. If these are more answers to {min(known)!r}, say so: --benchmark {shlex.quote(min(known))}"


def _plain(name: str) -> str:
    """A name as a part of a path that a shell takes as it is."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "2"


def _names(benchmarks: Collection[str]) -> str:
    return ", ".join(repr(name) for name in sorted(benchmarks)[:3])


def _refuse_running_loop() -> None:
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        raise InputError("got called inside a running event loop, such as that of a notebook",
                         todo="write: await asyncio.to_thread(wavjudge.score, ...)")  # fmt: skip


def _refuse_twins(candidates: Sequence[Candidate], judges: Sequence[Judge]) -> None:
    """Two of one name would write the same record twice, and nobody could tell whose it is."""
    names = Counter(candidate.name for candidate in candidates)
    if twins := sorted(name for name, count in names.items() if count > 1):
        raise InputError(f"got the candidate {', '.join(twins)} twice", todo="give each a name of its own: ?name=...")
    found = Counter((judge.rater, task.signature) for judge in judges for task in judge.tasks)
    if twins := sorted({rater for (rater, _), count in found.items() if count > 1}):
        raise InputError(
            f"got the judge {', '.join(twins)} twice, with nothing in its signature to tell one from the other",
            todo="name it once; two that differ only in address or pace need a run folder each",
        )


def keep_prompts(folder: RunFolder, judges: Sequence[Judge]) -> None:
    """The words that the judges are asked with, each under its hash."""
    for judge in judges:
        if isinstance(judge, ModelJudge):
            for prompt in judge.prompts.values():
                folder.add_prompt(prompt.digest, prompt.text())


# Ctrl-C and SIGTERM during a run: first no new calls, then, by a second one or after a while, no calls at all.

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
