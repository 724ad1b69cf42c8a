"""Ours: what `wavjudge score` runs, whole, from the rows of the file to ratings acknowledged by the disk.

With `apart`, recordings are taken in (read, decoded, checked, hashed, copied into the run) by a pass without judges
first, and timed apart. Judging then still reads every row and compares the hash of its recording.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studies.speed.child import Watch
from wavjudge.bench.answers import open_testset
from wavjudge.bench.ingest import Intake
from wavjudge.bench.rating import Runner
from wavjudge.bench.run import Plan, run
from wavjudge.clients.cache import ReplyCache
from wavjudge.judges.build import JudgeContext
from wavjudge.judges.prompts import load_all, select
from wavjudge.store.run_folder import RunFolder
from wavjudge.types import Rating


def measure(task: dict[str, Any]) -> dict[str, float]:
    folder, answers = Path(task["folder"]), Path(task["answers"])
    try:
        judge(task, Path(task["warm_up"]), folder / "warm-up")
        taken = take_in(answers, folder / "run") if task["apart"] else {}
        watch = Watch()
        tally = judge(task, answers, folder / "run")
        return {**watch.figures(tally.calls), **taken, "score_sum": tally.score_sum}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class Tally:
    """A watcher that counts, and keeps nothing."""

    calls: int = 0
    score_sum: float = 0.0

    def planned(self, calls: int) -> None: ...

    def stopping(self, grace_seconds: float) -> None: ...

    def rated(self, ratings: Sequence[Rating]) -> None:
        assert all(rating.status == "ok" for rating in ratings), ratings
        self.calls += 1
        self.score_sum += sum(rating.score or 0.0 for rating in ratings)


def take_in(answers: Path, out: Path) -> dict[str, float]:
    """Take in the answers by a pass without judges; CPU per answer."""
    watch = Watch()
    with RunFolder(out, write=True) as folder:
        summary = asyncio.run(Runner(folder, [], intake=Intake(folder)).rate(open_testset(answers)))
    return {"intake_cpu_ms": watch.figures(summary.outcomes["ok"])["cpu_ms"]}


def judge(task: dict[str, Any], answers: Path, out: Path) -> Tally:
    """Judge the answers as `wavjudge score` does."""
    os.environ["WAVJUDGE_CACHE"] = str(Path(task["folder"]) / "cache")
    tally = Tally()
    cache = ReplyCache() if task["cache"] else None
    shop = JudgeContext(prompts=select(load_all(), prompt_set=task["prompt_set"], axes=None), cache=cache)
    plan = Plan(open_testset(answers), [f"openai:{task['model']}?base_url={task['url']}/v1"], out)
    summary = run(plan, shop, tally)
    assert summary.stopped is None and not summary.bad_rows, summary
    if cache is not None:
        cache.close()
    return tally
