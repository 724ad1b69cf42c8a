"""One run of `score`, whole: judges built, run folder opened, answers rated, manifest written."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from wavjudge.bench.intake import Intake, Keep
from wavjudge.bench.interrupt import stopping_on_signals
from wavjudge.bench.runner import RETRIED_STATUSES, Nobody, Runner, Summary, Watcher
from wavjudge.bench.testset import Answers
from wavjudge.clients.onion import add_usage
from wavjudge.errors import InputError
from wavjudge.judge.base import Judge
from wavjudge.judge.build import Workshop, build
from wavjudge.judge.model_judge import ModelJudge
from wavjudge.store import RunFolder
from wavjudge.types import JudgeEntry, RunManifest, Status, Usage
from wavjudge.version import __version__

_VERSIONS_OF = ("openai", "google-genai", "numpy", "soundfile", "soxr", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do."""

    testset: Answers
    specs: Sequence[str]
    out: Path
    repeats: int = 1
    retry: Collection[Status] = RETRIED_STATUSES
    keep: Keep = "copy"
    max_answer_seconds: float = 600.0
    notes: tuple[str, ...] = field(default=())


def run(plan: Plan, shop: Workshop, watcher: Watcher | None = None) -> Summary:
    """Do it. What was done is on disk however this ends; `Summary.stopped` says why it ended early."""
    _refuse_running_loop()
    return asyncio.run(_run(plan, shop, watcher))


async def _run(plan: Plan, shop: Workshop, watcher: Watcher | None) -> Summary:
    judges = [build(spec, shop) for spec in plan.specs]  # before anything is written: a wrong SPEC leaves no folder
    try:
        _refuse_twins(judges)
        with RunFolder(plan.out, write=True) as folder:
            _keep_prompts(folder, judges)
            manifest = _manifest(folder, plan, judges)
            folder.write_manifest(manifest)
            intake = Intake(folder, plan.keep, plan.max_answer_seconds)
            watcher = watcher or Nobody()
            runner = Runner(folder, judges, intake=intake, repeats=plan.repeats, retry=plan.retry, watcher=watcher)
            summary = await _rated(runner, plan, watcher)
            await folder.drain()
            folder.write_manifest(_closed(folder, manifest))
            return summary
    finally:
        for judge in judges:
            await judge.aclose()


async def _rated(runner: Runner, plan: Plan, watcher: Watcher) -> Summary:
    """The runner's pass; cut off by a second signal it ends with what it has."""
    try:
        with stopping_on_signals(runner, watcher):
            return await runner.rate(plan.testset)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or not runner.summary.interrupted:
            raise
        task.uncancel()
        return runner.summary


def _refuse_running_loop() -> None:
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        raise InputError("got called inside a running event loop, such as that of a notebook",
                         todo="write: await asyncio.to_thread(wavjudge.score, ...)")  # fmt: skip


def _refuse_twins(judges: Sequence[Judge]) -> None:
    """Two judges of one rater and signature would write the same rating twice, and nobody could tell whose it is."""
    found = Counter((judge.rater, task.signature) for judge in judges for task in judge.tasks)
    if twins := sorted({rater for (rater, _), count in found.items() if count > 1}):
        raise InputError(
            f"got the judge {', '.join(twins)} twice, with nothing in its signature to tell one from the other",
            todo="name it once; two that differ only in address or pace need a run folder each",
        )


def _keep_prompts(folder: RunFolder, judges: Sequence[Judge]) -> None:
    for judge in judges:
        if isinstance(judge, ModelJudge):
            for prompt in judge.prompts.values():
                folder.add_prompt(prompt.digest, prompt.text())


def _manifest(folder: RunFolder, plan: Plan, judges: Sequence[Judge]) -> RunManifest:
    now, old = datetime.now(UTC), folder.manifest
    entries: dict[tuple[str, str], JudgeEntry] = {
        (entry.rater, entry.spec): entry
        for entry in (*(old.judges if old else ()), *(judge.entry() for judge in judges))
    }
    return RunManifest(
        wavjudge_version=__version__, created=old.created if old else now, updated=now,
        source=str(plan.testset.path), judges=tuple(entries.values()),
        repeats=max(plan.repeats, old.repeats if old else 1),
        versions=_versions(), notes=tuple(dict.fromkeys((*(old.notes if old else ()), *plan.notes))),
    )  # fmt: skip


def _closed(folder: RunFolder, manifest: RunManifest) -> RunManifest:
    """The manifest with totals over everything in the folder: what all passes together did and cost."""
    counts, usage, calls = Counter[str](), Usage(), set[str]()
    for rating in folder.ratings(superseded=True):
        counts[f"ratings_{rating.status}"] += 1
        if rating.call and not rating.call.cached and rating.call.id not in calls:
            calls.add(rating.call.id)
            usage = add_usage(usage, rating.call.usage)
    digest = hashlib.sha256()
    for line in sorted(_answer_lines(folder, counts)):
        digest.update(line.encode())
    counts["calls"] = len(calls)
    return manifest.model_copy(
        update={"counts": dict(sorted(counts.items())), "usage": usage, "data_sha256": digest.hexdigest(),
                "updated": datetime.now(UTC)}
    )  # fmt: skip


def _answer_lines(folder: RunFolder, counts: Counter[str]) -> Iterator[str]:
    for response in folder.responses():
        counts[f"answers_{response.status}"] += 1
        heard = [said.audio.sha256 if said.audio else "" for said in response.answers]
        yield f"{response.benchmark}\t{response.item_id}\t{response.candidate}\t{response.attempt}\t{heard}\n"


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _VERSIONS_OF:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
